"""Land cover: what changed between two dates of a season, when a series broke, and how much ground that is."""

import datetime as dt

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely import union_all
from shapely.geometry import box

from camwatch.aoi import Site
from camwatch.detect import LandcoverParams, detect_land_series, detect_landcover
from camwatch.detect._land_area import adjusted_areas
from camwatch.detect._land_breaks import find_breaks
from camwatch.detect._land_cover import season_gap_days
from camwatch.errors import ClaimError
from camwatch.imagery import Image
from camwatch.rasters import mask_of
from camwatch.render.land import BANDS, CODE, green_share, season_of, spectra

SIDE, PIXEL = 80, 30.0
GRID = GeoBox((SIDE, SIDE), Affine(PIXEL, 0, 5e5, 0, -PIXEL, 4.6e6), "EPSG:32652")
SITE = Site("site", box(*GRID.extent.boundingbox), None, None, 0.0, {}, nominal=False)


def ground(seed=0):
    """Fields, forest, scrub, bare ground and water in patches, as codes."""
    rng = np.random.default_rng(seed)
    cover = np.full((SIDE, SIDE), CODE["field"])
    for _ in range(120):
        row, col = rng.integers(0, SIDE, 2)
        cover[row : row + rng.integers(4, 14), col : col + rng.integers(4, 14)] = CODE[
            ("field", "forest", "scrub", "bare", "forest", "gravel")[rng.integers(6)]
        ]
    cover[:, :6] = CODE["water"]
    cover[20:40, 20:40] = CODE["forest"]
    cover[50:70, 50:70] = CODE["field"]
    return cover


def image(day, cover, seed=1, *, bands=BANDS, clear=1.0, noise=0.006, snow=None, calibration="surface reflectance", texture=0.015, gsd=PIXEL):
    """A date as the renderer's spectra and seasons have it, with texture that stays, noise, calibration and haze that do not."""
    rng, stays = np.random.default_rng([seed, day.toordinal()]), np.random.default_rng(5).normal(0, texture, (SIDE, SIDE))
    season = season_of(day.timetuple().tm_yday)
    dry, green = spectra(bands, season)
    share = green_share(season)
    values = (dry * (1 - share) + green * share)[:, cover] * rng.normal(1, 0.02) + rng.normal(0, 0.004, (len(bands), 1, 1))
    values += stays * (cover != CODE["water"]) + rng.normal(0, noise, values.shape)
    if snow is not None:
        values[:, snow] = dry[:, CODE["snow"]][:, None]
    valid = rng.random((SIDE, SIDE)) < clear
    grid = GeoBox((SIDE, SIDE), Affine(gsd, 0, 5e5, 0, -gsd, 4.6e6), "EPSG:32652")
    taken = dt.datetime.combine(day, dt.time(2), dt.UTC)
    return Image(values.astype(np.float32), valid, tuple(bands), grid, taken, None, gsd, calibration, day.isoformat())


def changed(cover):
    """The same ground with 100 pixels of forest cleared, 80 of bare ground overgrown, 64 of field under water."""
    later = cover.copy()
    later[25:35, 25:35] = CODE["bare"]
    later[55:63, 55:63] = CODE["water"]
    return later


def of(found, name):
    return [r for r in found.records if r.measures["class"] == name]


JULY, NEXT_JULY, NOVEMBER = dt.date(2006, 7, 20), dt.date(2008, 7, 11), dt.date(2008, 11, 9)


# --- two dates --------------------------------------------------------------------------------------------------------------------------------


def test_clearing_and_flooding_are_found_named_and_measured():
    cover = ground()
    found = detect_landcover(image(JULY, cover), image(NEXT_JULY, changed(cover)), SITE)
    assert found.status == "searched"
    (cleared,) = of(found, "cleared")
    (water,) = of(found, "water")
    assert cleared.change == "appeared"
    assert water.change == "altered"
    assert cleared.area_m2 == pytest.approx(100 * PIXEL**2, rel=0.05)
    assert water.area_m2 == pytest.approx(64 * PIXEL**2, rel=0.05)
    assert cleared.measures["ndvi_before"] > 0.5
    assert cleared.measures["ndvi_after"] < 0.25
    assert len(found.records) == 2, "nothing else changed"
    backwards = detect_landcover(image(JULY, changed(cover)), image(NEXT_JULY, cover), SITE)
    assert {r.measures["class"] for r in backwards.records} == {"vegetated", "exposed"}


def test_unchanged_ground_gives_no_polygon_whatever_the_calibration():
    cover = ground(3)
    for calibration in ("surface reflectance", "toa reflectance", "dn"):
        after = image(NEXT_JULY, cover, calibration=calibration)
        assert detect_landcover(image(JULY, cover, calibration=calibration), after, SITE).records == ()


def test_a_gain_and_an_offset_of_the_later_date_change_nothing():
    cover = ground()
    after = image(NEXT_JULY, changed(cover), calibration="dn")
    bent = Image(after.values * 180 + 12, after.valid, after.bands, after.geobox, after.acquired, None, PIXEL, "dn", "bent")
    names = [
        sorted(str(r.measures["class"]) for r in detect_landcover(image(JULY, cover, calibration="dn"), later, SITE).records)
        for later in (after, bent)
    ]
    assert names[0] == names[1] == ["cleared", "water"]


def test_july_against_november_says_that_it_cannot_tell():
    cover = ground()
    found = detect_landcover(image(JULY, cover), image(NOVEMBER, changed(cover)), SITE)
    assert (found.status, found.records) == ("not_testable", ())
    assert "different seasons" in found.reason
    assert np.isfinite(found.score).all(), "where the dates differ is still shown"


def test_harvest_is_no_clearing_even_between_dates_that_may_be_compared():
    """Between September and mid-October fields are reaped; what differs from the other ground of its kind is told, the rest is not."""
    cover = ground()
    pair = image(dt.date(2006, 9, 10), cover), image(dt.date(2008, 10, 20), cover)
    reaped = detect_landcover(*pair, SITE)
    assert reaped.records == ()
    untold = np.isnan(reaped.score)
    assert untold[cover == CODE["field"]].mean() > 0.5, "most of the fields are not told"
    assert untold[np.isin(cover, [CODE["bare"], CODE["gravel"], CODE["water"]])].mean() < 0.05
    assert reaped.observed_share == pytest.approx(1 - untold.mean(), abs=0.01)
    assert "changed alike" in reaped.reason
    (cleared,) = of(detect_landcover(pair[0], image(dt.date(2008, 10, 20), changed(cover)), SITE), "cleared")
    assert cleared.area_m2 == pytest.approx(100 * PIXEL**2, rel=0.1)


def laid_bare(kind, corners, side):
    """Squares of a kind of ground that is nowhere else, and the same ground with all of it laid bare."""
    cover = ground()
    later = cover.copy()
    for row, col in corners:
        cover[row : row + side, col : col + side] = CODE[kind]
        later[row : row + side, col : col + side] = CODE["bare"]
    return cover, later


@pytest.mark.parametrize("kind", ["crown", "garden", "paddy"])
def test_ground_of_its_own_kind_that_was_laid_bare_entirely_is_found(kind):
    """All that looked like it changed alike; but it was one place, and season takes a kind of ground wherever it lies."""
    cover, later = laid_bare(kind, [(20, 20)], 20)
    (cleared,) = of(detect_landcover(image(JULY, cover), image(NEXT_JULY, later), SITE), "cleared")
    assert cleared.area_m2 == pytest.approx(400 * PIXEL**2, rel=0.05)


@pytest.mark.parametrize(("kind", "places", "side"), [("crown", range(8, 72, 20), 5), ("paddy", range(8, 80, 14), 4)])
def test_a_kind_of_ground_that_changed_wherever_it_lies_is_not_called_unchanged(kind, places, side):
    """Whether it was laid bare or reaped cannot be told, and that is what is said of it."""
    cover, later = laid_bare(kind, [(row, col) for row in places for col in places], side)
    score = detect_landcover(image(JULY, cover), image(NEXT_JULY, later), SITE).score[cover != later]
    assert (score < LandcoverParams().probability).mean() < 0.02
    assert np.isnan(score).mean() > 0.5


def test_where_season_took_most_of_the_ground_the_pair_cannot_tell():
    cover = np.full((SIDE, SIDE), CODE["field"])
    cover[:, :20] = CODE["forest"]
    cover[:, 20:30] = CODE["gravel"]
    found = detect_landcover(image(dt.date(2006, 9, 20), cover), image(dt.date(2008, 11, 1), cover), SITE)
    assert (found.status, found.records) == ("not_testable", ())
    assert "changed alike" in found.reason


def test_ground_that_differs_within_the_accuracy_of_reflectance_has_not_changed():
    """Were the noise of both dates tiny, a hundredth of reflectance would be beyond it."""
    cover = ground()
    before, after = image(JULY, cover, noise=0.0005), image(NEXT_JULY, cover, noise=0.0005)

    def brighter(by):
        values = after.values.copy()
        values[:, 25:35, 25:35] += np.float32(by)
        return Image(values, after.valid, after.bands, after.geobox, after.acquired, None, PIXEL, after.calibration, "brighter")

    assert detect_landcover(before, brighter(0.01), SITE).records == ()
    assert len(detect_landcover(before, brighter(0.1), SITE).records) == 1


@pytest.mark.parametrize("dark", [(0.042, 0.045, 0.045, 0.060, 0.053, 0.038), (0.053, 0.057, 0.053, 0.071, 0.052, 0.034)])
def test_ground_that_falls_into_shade_is_called_neither_cleared_nor_water(dark):
    """Behind a hill all infrared bands fall; where leaves go, the short-wave ones rise. Haze makes the dark remainder look bare, or wet."""
    cover, rng = ground(), np.random.default_rng(2)
    lit = (0.042, 0.054, 0.052, 0.135, 0.097, 0.066)
    pair = []
    for shown, tone in ((image(JULY, cover), lit), (image(NEXT_JULY, changed(cover)), dark)):
        values = shown.values.copy()
        values[:, 24:36, 40:48] = np.array(tone, np.float32)[:, None, None] + rng.normal(0, 0.002, (6, 12, 8))
        pair.append(Image(values, shown.valid, shown.bands, shown.geobox, shown.acquired, None, PIXEL, shown.calibration, shown.scene))
    found = detect_landcover(*pair, SITE)
    (cleared,) = of(found, "cleared")
    assert cleared.area_m2 == pytest.approx(100 * PIXEL**2, rel=0.05), "what was cleared in the sun is"
    (water,) = of(found, "water")
    assert water.area_m2 == pytest.approx(64 * PIXEL**2, rel=0.05), "and what was flooded is"
    (shaded,) = of(found, "other")
    assert shaded.area_m2 == pytest.approx(96 * PIXEL**2, rel=0.05)
    assert shaded.measures["ndvi_before"] > 0.35
    assert shaded.measures["ndvi_after"] < 0.25


def test_the_year_has_no_end():
    assert season_gap_days(dt.datetime(2006, 12, 28, tzinfo=dt.UTC), dt.datetime(2010, 1, 4, tzinfo=dt.UTC)) == 7
    assert season_gap_days(dt.datetime(2006, 7, 20, tzinfo=dt.UTC), dt.datetime(2006, 11, 10, tzinfo=dt.UTC)) == 113


def test_ground_under_snow_is_not_observed():
    cover, lies = ground(), np.zeros((SIDE, SIDE), bool)
    lies[:20] = True
    found = detect_landcover(image(dt.date(2006, 4, 20), cover), image(dt.date(2008, 4, 14), changed(cover), snow=lies), SITE)
    assert np.isnan(found.score[:20]).all()
    assert found.observed_share == pytest.approx(0.75, abs=0.01)
    everywhere = image(dt.date(2008, 4, 14), cover, snow=np.ones((SIDE, SIDE), bool))
    assert detect_landcover(image(dt.date(2006, 4, 20), cover), everywhere, SITE).status == "not_testable"


@pytest.mark.parametrize("bands", [("red",), ("blue", "green", "red")])
def test_without_near_infrared_ground_changed_and_nobody_says_into_what(bands):
    cover = ground()
    found = detect_landcover(image(JULY, cover, bands=bands), image(NEXT_JULY, changed(cover), bands=bands), SITE)
    assert {r.measures["class"] for r in found.records} == {"other"}
    assert "near-infrared" in found.reason
    seen = mask_of(union_all([r.geometry for r in found.records]), GRID)
    assert seen[25:35, 25:35].mean() > 0.9


@pytest.mark.parametrize("gsd", [0.5, 250.0])
def test_pixels_that_show_no_fields_are_not_testable(gsd):
    cover = ground()
    site = Site("site", box(5e5, 4.6e6 - SIDE * gsd, 5e5 + SIDE * gsd, 4.6e6), None, None, 0.0, {}, nominal=False)
    assert detect_landcover(image(JULY, cover, gsd=gsd), image(NEXT_JULY, cover, gsd=gsd), site).status == "not_testable"


def test_small_patches_stay_below_the_mapping_unit():
    cover = ground()
    later = cover.copy()
    later[30:32, 30:32] = CODE["bare"]
    pair = image(JULY, cover), image(NEXT_JULY, later)
    assert len(detect_landcover(*pair, SITE).records) == 1
    assert detect_landcover(*pair, SITE, LandcoverParams(least_area_m2=10 * PIXEL**2)).records == ()


# --- many dates -------------------------------------------------------------------------------------------------------------------------------

DAYS = [dt.date(2000, 1, 5) + dt.timedelta(16 * n) for n in range(180)]
CLEARED, FLOODED = dt.date(2004, 6, 1), dt.date(2005, 9, 10)


def series(*, winter_snow=False, clear=0.75):
    cover = ground()
    images = []
    for day in DAYS:
        now = cover.copy()
        if day >= CLEARED:
            now[25:35, 25:35] = CODE["bare"]
        if day >= FLOODED:
            now[55:63, 55:63] = CODE["water"]
        lies = np.random.default_rng(day.toordinal()).random((SIDE, SIDE)) < 0.8 if winter_snow and day.month in (12, 1, 2) else None
        images.append(image(day, now, clear=clear, snow=lies))
    return images


@pytest.mark.parametrize("winter_snow", [False, True])
def test_a_dense_series_dates_what_changed_and_reports_nothing_else(winter_snow):
    found = detect_land_series(series(winter_snow=winter_snow), SITE)
    assert found.status == "searched"
    assert sorted(str(r.measures["class"]) for r in found.records) == ["cleared", "water"]
    for name, day, pixels in (("cleared", CLEARED, 100), ("water", FLOODED, 64)):
        (record,) = of(found, name)
        without, first = (dt.date.fromisoformat(str(record.measures[key])) for key in ("last_date_without", "first_date_with"))
        assert without < day <= first
        assert (first - without).days <= 16 * 10, "of clouds and snow"
        assert record.area_m2 == pytest.approx(pixels * PIXEL**2, rel=0.05)


def test_too_few_dates_are_no_answer():
    found = detect_land_series(series()[:20], SITE)
    assert (found.status, found.observed_share) == ("not_testable", 0.0)
    clouded = detect_land_series(series(clear=0.1), SITE)
    assert (clouded.status, clouded.records) == ("not_testable", ())


def test_a_series_is_of_one_grid_and_in_order():
    images = series()[:3]
    with pytest.raises(ValueError, match="dates that do not rise"):
        detect_land_series(images[::-1], SITE)


# --- published series -------------------------------------------------------------------------------------------------------------------------


def published(folder, name):
    """Days, reflectance (date, band, 1) and clear (date, 1) of a series: clear or water, and in range."""
    table = np.genfromtxt(folder / name, delimiter=",").astype(int)
    days = table[:, 0] - (1721425 if table[0, 0] > 2_000_000 else 0)  # of Julian days
    bands, quality = table[:, 1:7], table[:, 8]
    clear = (quality <= 1) & (bands > 0).all(axis=1) & (bands < 10_000).all(axis=1)
    return days.astype(float), (bands / 1e4).astype(np.float32)[:, :, None], clear[:, None]


@pytest.fixture
def pixels(shared):
    return shared / "data" / "series" / "ts_pyccd"


@pytest.mark.parametrize("name", ["row12_col2265_fmask_fail", "row9_col2267_persistent_snow"])
def test_snow_and_failed_masks_are_no_answer(pixels, name):
    found, chance = find_breaks(*published(pixels, f"sample_WA_grid08_{name}.csv"), floor=0.004)
    assert np.isnan(chance[0])
    assert not found.pixel.size


@pytest.mark.parametrize("name", ["sample_1", "sample_2", "sample_WA_grid08_row999_col1_normal"])
def test_series_that_did_not_break_report_nothing(pixels, name):
    assert not find_breaks(*published(pixels, f"{name}.csv"), floor=0.004)[0].pixel.size


def test_breaks_are_dated_as_published(pixels):
    days, values, clear = published(pixels, "test_3657_3610_observations.csv")
    found, _ = find_breaks(days, values, clear, floor=0.004)
    # The reference counts days from the year 0.
    starts = np.unique(np.genfromtxt(pixels / "test_3657_3610_coefficients.csv", delimiter=",")[:, 0].astype(int)) - 366
    seen = days[clear[:, 0]]
    off = [int(np.abs(np.searchsorted(seen, days[first]) - np.searchsorted(seen, starts)).min()) for first in found.first]
    assert len(off) >= 4
    assert sum(o <= 1 for o in off) >= len(off) - 1  # of 2005, when a reservoir fell dry from June to October, accounts differ


# --- areas ------------------------------------------------------------------------------------------------------------------------------------


def test_areas_are_those_of_the_worked_example():
    """Olofsson et al. 2014, table 8: deforestation, gain, stable forest, stable other, in pixels of 30 m."""
    table = {"loss": (66, 0, 5, 4), "gain": (0, 55, 8, 12), "forest": (1, 0, 153, 11), "other": (2, 1, 9, 313)}
    names = tuple(table)
    mapped = [name for name, row in table.items() for count in row for _ in range(count)]
    truth = [names[j] for row in table.values() for j, count in enumerate(row) for _ in range(count)]
    areas = dict(zip(names, (200_000 * 900.0, 150_000 * 900.0, 3_200_000 * 900.0, 6_450_000 * 900.0), strict=True))
    loss, *_ = adjusted_areas(mapped, truth, areas)
    assert loss.adjusted_m2 / 1e4 == pytest.approx(21_158, abs=1)  # hectares, as published
    assert (loss.high_m2 - loss.adjusted_m2) / 1e4 == pytest.approx(6_158, abs=2)
    assert loss.users == pytest.approx(0.88, abs=0.005)
    assert loss.producers == pytest.approx(0.75, abs=0.01)


def test_samples_that_all_agree_do_not_make_an_area_exact():
    wide = []
    for each in (20, 200):
        labels = ["cleared"] * each + ["unchanged"] * each
        cleared, unchanged = adjusted_areas(labels, labels, {"cleared": 1e5, "unchanged": 9e5})
        assert cleared.adjusted_m2 == pytest.approx(1e5)
        assert cleared.low_m2 < 1e5 < cleared.high_m2
        # Of twenty samples of unchanged ground one in twenty may well have been cleared.
        wide.append(cleared.high_m2 - cleared.adjusted_m2)
        assert unchanged.low_m2 < 9e5
    assert 3e4 < wide[0] < 1e5
    assert wide[1] < 0.2 * wide[0]


def test_a_class_without_samples_has_no_area():
    with pytest.raises(ClaimError, match="too few reference samples"):
        adjusted_areas(["unchanged"] * 9, ["unchanged"] * 9, {"cleared": 1e4, "unchanged": 1e6})
