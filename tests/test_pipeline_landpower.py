"""Clearings are planted into a pair and searched for: what the answer on land cover could have shown."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import box

from camwatch.aoi import Site
from camwatch.detect import detect_landcover
from camwatch.imagery import Image
from camwatch.pipeline.landpower import clearings_found, in_words
from camwatch.render.land import BANDS, CODE, green_share, season_of, spectra
from camwatch.sensitivity import Sensitivity

SIDE = 160
GRID = GeoBox((SIDE, SIDE), Affine(30, 0, 5e5, 0, -30, 4.6e6), "EPSG:32652")
SITE = Site("site", box(*GRID.extent.boundingbox), None, None, 0.0, {}, nominal=False)
BEFORE, AFTER = dt.date(2006, 7, 20), dt.date(2008, 7, 11)


def image(day, *, noise=0.005, bands=BANDS, bare=True):
    rng, stays = np.random.default_rng(day.toordinal()), np.random.default_rng(5)
    names = ["field", "forest", "forest", "scrub", *(["bare"] if bare else [])]
    cover = np.repeat(np.repeat(stays.choice([CODE[name] for name in names], (8, 8)), 20, 0), 20, 1)
    dry, green = spectra(bands, season_of(day.timetuple().tm_yday))
    share = green_share(season_of(day.timetuple().tm_yday))
    values = (dry * (1 - share) + green * share)[:, cover] + stays.normal(0, 0.01, (SIDE, SIDE)) + rng.normal(0, noise, (len(bands), SIDE, SIDE))
    taken = dt.datetime.combine(day, dt.time(2), dt.UTC)
    return Image(values.astype(np.float32), np.ones((SIDE, SIDE), bool), bands, GRID, taken, None, 30.0, "surface reflectance", day.isoformat())


def measured(**how):
    before, after = image(BEFORE, **how), image(AFTER, **how)
    return clearings_found(before, after, SITE, detect_landcover(before, after, SITE))


def test_clear_dates_show_clearings_and_noisy_ones_fewer():
    told, noisy = measured(), measured(noise=0.05)
    assert told.sizes_m == (60.0, 90.0, 120.0, 180.0, 240.0)
    assert min(told.planted) >= 4
    assert sum(told.found[2:]) >= 0.9 * sum(told.planted[2:])
    assert sum(noisy.found) < 0.8 * sum(told.found)
    assert in_words(noisy) != in_words(told)
    assert told == measured(), "the same seed, the same answer"


@pytest.mark.parametrize("how", [{"bands": ("blue", "green", "red")}, {"bare": False}])
def test_where_nothing_can_be_planted_nothing_is_said(how):
    assert measured(**how) is None
    assert in_words(None) == ""


def test_ground_that_cannot_be_told_is_not_planted_on():
    before, after = image(BEFORE), image(AFTER)
    found = detect_landcover(before, after, SITE)
    untold = np.asarray(found.score).copy()
    untold[:, :60] = np.nan
    told = clearings_found(before, after, SITE, replace(found, score=untold))
    assert 0 < sum(told.planted) < sum(measured().planted)
    assert clearings_found(before, after, SITE, replace(found, score=np.full_like(untold, np.nan))) is None
    assert clearings_found(before, after, SITE, replace(found, status="not_testable")) is None


def test_words_name_the_size_from_which_on_most_are_found():
    def of(*found):
        return in_words(Sensitivity("landcover", (60.0, 90.0, 120.0), (10, 10, 10), found, 0, 0.0, ""))

    assert of(10, 9, 10) == "Of clearings from 60 m on that were planted into vegetated ground, 29 of 30 are found."
    assert of(3, 8, 9) == "Of clearings from 90 m on that were planted into vegetated ground, 17 of 20 are found."
    assert "only 10 of" not in of(0, 3, 7)
    assert "only 10 are found" in of(0, 3, 7)
