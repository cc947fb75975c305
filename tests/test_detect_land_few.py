"""Few dates: what pairs say is held against what other pairs say of the same days."""

import datetime as dt

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import box

from camwatch.aoi import Site
from camwatch.detect import detect_landcover
from camwatch.detect._land_cover import CLASSES
from camwatch.detect._land_few import Told, followed, of_season, standing, window_of_shape
from camwatch.detect._land_gather import gathered
from camwatch.imagery import Image
from camwatch.render.land import BANDS, CODE, green_share, season_of, spectra

SIDE = 80
GRID = GeoBox((SIDE, SIDE), Affine(30, 0, 5e5, 0, -30, 4.6e6), "EPSG:32652")
SITE = Site("site", box(*GRID.extent.boundingbox), None, None, 0.0, {}, nominal=False)


def pair(since, until, name=None, score=None):
    """What a pair says of a single pixel: a class, or that nothing changed, or nothing at all."""
    code = 0 if name is None else CLASSES.index(name) + 1
    plane = np.full((1, 1), (0.999 if code else 0.3) if score is None else score, np.float32)
    days = (dt.date.fromisoformat(day).toordinal() for day in (since, until))
    return Told(*days, np.full((1, 1), code, np.uint8), plane, plane, plane)


def days_of(broken):
    return [tuple(dt.date.fromordinal(int(day)).isoformat() for day in ends) for ends in zip(broken.without, broken.first, strict=True)]


def test_a_change_that_a_longer_pair_denies_is_not_reported():
    fallow = pair("2010-07-20", "2011-07-11", "cleared")
    assert days_of(standing([fallow])[0]) == [("2010-07-20", "2011-07-11")]
    assert not days_of(standing([fallow, pair("2010-07-20", "2012-07-15")])[0])
    assert days_of(standing([fallow, pair("2010-07-20", "2012-07-15", score=np.nan)])[0]), "what a pair cannot tell it does not deny"
    assert days_of(standing([fallow, pair("2010-07-20", "2012-07-15", score=0.95)])[0]), "nor what it doubts"
    assert days_of(standing([fallow, pair("2010-04-02", "2012-04-09")])[0]), "bare fields in April deny nothing"


def test_a_later_date_confirms_a_change_of_the_same_kind_only():
    cleared = pair("2010-07-20", "2011-07-11", "cleared")
    for name, sure in (("cleared", True), ("built_or_bare", True), ("other", True), ("vegetated", False), ("water", False)):
        _, again = standing([cleared, pair("2010-07-20", "2013-07-15", name)])
        assert again[0, 0] == sure, name


def test_of_changes_that_overlap_the_one_with_the_fewest_days_is_kept_and_narrowed():
    wide, near = pair("2008-07-20", "2012-07-11", "cleared"), pair("2010-07-20", "2012-07-11", "cleared")
    assert days_of(standing([wide, near])[0]) == [("2010-07-20", "2012-07-11")]
    assert days_of(standing([wide, pair("2008-07-20", "2010-07-25")])[0]) == [("2010-07-25", "2012-07-11")]
    assert days_of(standing([wide, pair("2010-07-25", "2012-07-11")])[0]) == [("2008-07-20", "2010-07-25")]
    both = pair("2008-07-20", "2010-07-25"), pair("2010-07-20", "2012-07-11")
    assert days_of(standing([wide, *both])[0]) == [("2008-07-20", "2012-07-11")], "pairs that disagree narrow nothing"
    twice = pair("2008-07-20", "2010-07-11", "cleared"), pair("2010-07-11", "2012-07-11", "built_or_bare")
    assert sorted(days_of(standing(twice)[0])) == [("2008-07-20", "2010-07-11"), ("2010-07-11", "2012-07-11")]


def test_ground_is_followed_only_where_some_pair_tells_of_every_day():
    first, second = pair("2008-07-20", "2010-07-11"), pair("2010-07-11", "2012-07-11")
    assert followed([first, second])[0, 0]
    assert not followed([first, pair("2010-07-11", "2012-07-11", score=np.nan)])[0, 0]
    assert followed([first, pair("2010-07-11", "2012-07-11", score=np.nan), pair("2008-07-20", "2012-07-11")])[0, 0]
    assert followed([first, pair("2011-04-11", "2012-04-11")])[0, 0], "of days between pairs none tells anywhere"


def test_dates_are_compared_with_the_nearest_and_the_first_year_of_their_season():
    days = [dt.datetime.fromisoformat(day) for day in ("2008-07-20", "2008-08-28", "2009-11-01", "2010-07-11", "2011-07-25", "2012-02-01")]
    later = dt.datetime.fromisoformat("2012-07-22")
    assert of_season(days, later, lambda day: day) == [days[4], days[0]]
    assert of_season(days[:1], later, lambda day: day) == days[:1]
    assert of_season(days[2:3], later, lambda day: day) == []
    assert of_season([dt.datetime.fromisoformat("2012-06-20")], later, lambda day: day) == [], "crops grow within a season"


def test_windows_hold_their_shape():
    rows, cols = window_of_shape(box(5e5 + 61, 4.6e6 - 125, 5e5 + 130, 4.6e6 - 31), GRID)
    assert (rows, cols) == (slice(1, 5), slice(2, 5))
    rows, cols = window_of_shape(box(4.9e5, 4.59e6, 5.1e5, 4.7e6), GRID)
    assert (rows, cols) == (slice(0, SIDE), slice(0, SIDE))


def image(day, cover):
    rng, stays = np.random.default_rng(day.toordinal()), np.random.default_rng(5).normal(0, 0.01, (SIDE, SIDE))
    season = season_of(day.timetuple().tm_yday)
    dry, green = spectra(BANDS, season)
    share = green_share(season)
    values = (dry * (1 - share) + green * share)[:, cover] * rng.normal(1, 0.02) + stays + rng.normal(0, 0.005, (len(BANDS), SIDE, SIDE))
    taken = dt.datetime.combine(day, dt.time(2), dt.UTC)
    return Image(values.astype(np.float32), np.ones((SIDE, SIDE), bool), BANDS, GRID, taken, None, 30.0, "surface reflectance", day.isoformat())


def test_fields_that_lie_bare_in_turn_are_not_cleared_ground():
    rng = np.random.default_rng(4)
    cover = np.repeat(np.repeat(rng.choice([CODE["field"], CODE["forest"], CODE["gravel"]], (8, 8), p=[0.6, 0.3, 0.1]), 10, 0), 10, 1)
    cover[20:40, 20:40] = CODE["forest"]
    cover[50:80, 50:80] = CODE["field"]
    images = []
    for year in range(2006, 2011):
        now = cover.copy()
        at = 50 + 6 * (year - 2006)
        now[at : at + 5, 55:60] = CODE["bare"]  # another field each year
        if year >= 2009:
            now[25:35, 25:35] = CODE["bare"]
        images.append(image(dt.date(year, 7, 10 + year % 5), now))
    found = [
        detect_landcover(early, late, SITE) for n, late in enumerate(images) for early in of_season(images[:n], late, lambda image: image.acquired)
    ]
    assert sum(r.measures["class"] == "cleared" for f in found for r in f.records) > 6, "each pair for itself takes bare fields for cleared ground"
    broken, again = standing([Told.of(one) for one in found])
    cleared = [r for r in gathered(broken, GRID, 4) if r.measures["class"] == "cleared"]
    sure = [r for r in cleared if again[window_of_shape(r.geometry, GRID)].mean() > 0.5]
    (pit,) = sure
    assert pit.area_m2 == pytest.approx(100 * 900, rel=0.1)
    assert (pit.measures["last_date_without"], pit.measures["first_date_with"]) == ("2008-07-13", "2009-07-14")
    assert all(r.measures["first_date_with"] == "2010-07-10" for r in cleared if r is not pit), "only the last date cannot be checked"
