"""The physical core and planting: shadows against trigonometry, light, consistency between planting and scene rendering."""

from dataclasses import replace
from datetime import UTC, datetime
from math import cos, radians, sin, tan

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox

from camwatch.imagery.image import Image, Sun
from camwatch.render import Solid, View, plant
from camwatch.render.draw import draw
from camwatch.render.optics import blur, pooled, sky_share, sunlit
from camwatch.render.plant import tone_of
from camwatch.render.sun import solar_position

SUN = Sun(150.0, 35.0)
TOWER = Solid("tower", 500100.3, 4600099.8, 5.0, 5.0, 9.0, 20.0, roof="pyramid", roof_reflectance=0.45)


def meadow(*, calibration="dn", bands=("pan",), sun=SUN, pixel=0.5, size=400, turn=0.0, seed=0):
    rng = np.random.default_rng(seed)
    grid = GeoBox((size, size), Affine(pixel, 0, 500000, 0, -pixel, 4600200) @ Affine.rotation(turn), "EPSG:32652")
    level, noise = (110.0, 2.0) if calibration == "dn" else (0.15, 0.003)
    stripes, grain = rng.standard_normal((len(bands), 1, size)), rng.standard_normal((len(bands), size, size))
    values = (level + 4 * noise * stripes + noise * grain).astype(np.float32)
    valid = np.ones((size, size), bool)
    valid[:, :20] = False
    return Image(values, valid, bands, grid, datetime(2010, 10, 1, 2, tzinfo=UTC), sun, pixel, calibration, "meadow")


@pytest.mark.parametrize(("azimuth", "elevation"), [(90, 30), (150, 35), (180, 45), (217, 22)])
def test_a_shadow_is_as_long_and_lies_as_trigonometry_says(azimuth, elevation):
    """The far edge of a 10 m mast's shadow, along the ray, to half a cell."""
    heights = np.zeros((301, 301), np.float32)
    heights[147:154, 147:154] = 10.0  # 3.5 m wide at 0.5 m
    towards = (-cos(radians(azimuth)), sin(radians(azimuth)))
    lit = sunlit(heights, towards, 0.5, Sun(azimuth, elevation))
    away = np.arange(4, 140, 0.25)
    row, col = 150 - towards[0] * away, 150 - towards[1] * away
    shade = 1 - lit[np.rint(row).astype(int), np.rint(col).astype(int)]
    reach = away[shade > 0.5].max() * 0.5
    # From the centre: half the mast along the ray, then height / tan(elevation).
    half = 1.75 / max(abs(sin(radians(azimuth))), abs(cos(radians(azimuth))))
    assert reach == pytest.approx(half + 10 / tan(radians(elevation)), abs=0.75)
    behind = lit[np.rint(150 + towards[0] * away).astype(int), np.rint(150 + towards[1] * away).astype(int)]
    assert behind[away > 8].min() == 1.0


def test_the_tip_of_a_shadow_is_exact_to_a_tenth_of_a_cell():
    """Summed along a column of cells, the shade of an endless wall equals height / tan(elevation)."""
    for height in (3.0, 3.7, 8.13):
        heights = np.zeros((160, 5), np.float32)
        heights[100] = height
        shade = (1 - sunlit(heights, (1.0, 0.0), 0.5, Sun(180, 40)))[:100, 2].sum() * 0.5
        assert shade == pytest.approx(height / tan(radians(40)), abs=0.05)


def test_flat_ground_and_the_sunny_side_stay_lit():
    assert (sunlit(np.zeros((9, 9), np.float32), (1, 1), 1.0, SUN) == 1).all()


def test_the_point_spread_keeps_the_sum_and_has_the_asked_width():
    spot = np.zeros((41, 41), np.float32)
    spot[20, 20] = 1
    for sigma in (0.5, 0.8, 1.5):
        out = blur(spot, sigma)
        assert out.sum() == pytest.approx(1, abs=1e-5)
        variance = (out.sum(axis=0) * (np.arange(41) - 20) ** 2).sum()
        assert variance == pytest.approx(sigma**2, rel=0.12, abs=0.04)
    assert pooled(np.arange(16, dtype=np.float32).reshape(4, 4), 2).tolist() == [[2.5, 4.5], [10.5, 12.5]]


def test_a_footprint_covers_its_own_area_whatever_the_grid():
    """Coverage is area: half a pixel more or less changes nothing but the sum of shares."""
    for x, azimuth, pixel in ((500100.0, 0.0, 0.5), (500100.21, 33.0, 0.5), (500100.4, 61.0, 2.5)):
        solid = Solid("building", x, 4600100.13, 31.0, 9.5, 4.0, azimuth)
        layers = draw(solid, Affine(pixel, 0, 500000, 0, -pixel, 4600200), (400, 400), ("pan",), SUN)
        assert (1 - layers.open).sum() * pixel**2 == pytest.approx(31 * 9.5, rel=0.01)
        shadow = (layers.open - layers.lit).sum() * pixel**2
        # The shadow of a box: its face across the sun times height / tan(elevation).
        turn = radians(azimuth - SUN.azimuth_deg)
        assert shadow == pytest.approx((31 * abs(sin(turn)) + 9.5 * abs(cos(turn))) * 4 / tan(radians(35)), rel=0.04)


def test_a_gable_has_a_bright_and_a_dark_side():
    """Facets follow Lambert: reflectance × ((1 − sky)·n·s/s_z + sky·(1 + n_z)/2)."""
    solid = Solid("building", 500100, 4600100, 40, 12, 6, 90.0, roof="gable", pitch=0.5, roof_reflectance=0.3)
    sun = Sun(180.0, 40.0)
    layers = draw(solid, Affine(0.5, 0, 500000, 0, -0.5, 4600200), (400, 400), ("pan",), sun)
    rows = layers.window[0]
    column = layers.roof[0][:, layers.roof.shape[2] // 2]
    north, south = column[200 - 6 - rows.start], column[200 + 6 - rows.start]
    sky, upright = sky_share("pan", sun), 1 / np.hypot(1, 0.5)
    for value, side in ((north, -1), (south, 1)):
        facing = (sin(radians(40)) + side * 0.5 * cos(radians(40))) * upright / sin(radians(40))
        assert value == pytest.approx(0.3 * ((1 - sky) * facing + sky * (1 + upright) / 2), rel=1e-3)


@pytest.mark.parametrize("calibration", ["dn", "surface reflectance"])
@pytest.mark.parametrize("turn", [0.0, 7.0])
def test_planting_changes_the_object_and_its_shadow_and_nothing_else(calibration, turn):
    image = meadow(calibration=calibration, bands=("blue", "red", "nir"), turn=turn)
    before = image.values.copy()
    planted = plant(image, [TOWER], seed=3)
    assert np.array_equal(image.values, before), "inputs are never written to"
    assert np.array_equal(planted.valid, image.valid)
    assert planted.simulated
    changed = (planted.values != image.values).any(axis=0)
    rows, cols = np.nonzero(changed)
    x, y = image.geobox.affine @ (cols + 0.5, rows + 0.5)
    reach = 9 / tan(radians(35))
    along = (x - TOWER.x) * -sin(radians(150)) + (y - TOWER.y) * -cos(radians(150))
    across = (x - TOWER.x) * cos(radians(150)) - (y - TOWER.y) * sin(radians(150))
    eaves = (9 - 0.45 * 2.5) / tan(radians(35)) + 2.5 * 2**0.5
    assert along.max() < max(reach, eaves) + 1.0
    assert along.max() > reach - 2
    assert along.min() > -6
    assert np.abs(across).max() < 6
    levels = {
        name: np.median(planted.values[1][(along_, across_)])
        for name, (along_, across_) in {"shadow": _cells(image, TOWER, 7.0), "ground": _cells(image, TOWER, -25.0)}.items()
    }
    assert levels["shadow"] < (0.85 if calibration == "dn" else 0.6) * levels["ground"]


def _cells(image, solid, away):
    x = solid.x - away * sin(radians(150)) + np.array([-0.5, 0, 0.5])
    y = solid.y - away * cos(radians(150)) + np.array([0.5, 0, -0.5])
    cols, rows = ~image.geobox.affine @ (x, y)
    return rows.astype(int), cols.astype(int)


def test_invalid_ground_is_never_drawn_on_and_objects_outside_do_no_harm():
    image = meadow()
    planted = plant(image, [replace(TOWER, x=500003.0), replace(TOWER, x=499000.0)], seed=1)
    assert np.array_equal(planted.values[:, ~image.valid], image.values[:, ~image.valid])
    alone = plant(image, [replace(TOWER, x=499000.0)], seed=1)
    assert np.array_equal(alone.values, image.values)


def test_seeds_decide_the_noise():
    image = meadow()
    one, same, other = (plant(image, [TOWER], seed=s).values for s in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_scene_without_a_sun_gets_the_stated_default_and_a_scene_by_night_is_refused():
    assert not np.array_equal(plant(meadow(sun=None), [TOWER], seed=1).values, meadow(sun=None).values)
    with pytest.raises(ValueError, match=r"sun at 2\.0°"):
        plant(meadow(sun=Sun(150, 2.0)), [TOWER], seed=1)
    with pytest.raises(ValueError, match="more than 0 m"):
        replace(TOWER, height_m=0.0)


def test_noise_and_tone_are_read_from_the_image():
    image = meadow(seed=4)
    tone = tone_of(image)
    assert tone.sigma[0] == pytest.approx(2.0, rel=0.15)
    assert tone_of(meadow(calibration="surface reflectance")).gain.tolist() == [1.0]


def test_an_oblique_view_leans_a_tower_away_from_the_sensor():
    grid, shape = Affine(0.5, 0, 500000, 0, -0.5, 4600200), (400, 400)
    solid = replace(TOWER, x=500100.0, y=4600100.0, azimuth_deg=0.0, roof="flat", height_m=10.0)
    centres = []
    for view in (View(), View(25.0, 270.0)):
        layers = draw(solid, grid, shape, ("pan",), SUN, view=view)
        covered = 1 - layers.open
        centres.append((covered * np.arange(layers.window[1].start, layers.window[1].stop)[None]).sum() / covered.sum())
        if view.off_nadir_deg:
            # Roof and the wall that faces the sensor: width × (width + height · tan).
            assert covered.sum() * 0.25 == pytest.approx(5 * (5 + 10 * tan(radians(25))), rel=0.06)
    # The sensor stands in the west: the top moves east, the visible whole by half of that.
    assert (centres[1] - centres[0]) * 0.5 == pytest.approx(10 * tan(radians(25)) / 2, abs=0.3)


def test_solar_position_agrees_with_published_ephemerides():
    """NREL SPA's worked example (Reda & Andreas 2004, doi:10.1016/j.solener.2003.12.003), refraction and altitude left out, and a landsat scene."""
    sun = solar_position(datetime(2003, 10, 17, 19, 30, 30, tzinfo=UTC), -105.1786, 39.742476)
    assert sun.azimuth_deg == pytest.approx(194.34, abs=0.03)
    assert 90 - sun.elevation_deg == pytest.approx(50.127, abs=0.03)
    # LC08_L2SP_005009_20150710: scene centre and time of its MTL say 177.885°, 40.002°.
    sun = solar_position(datetime(2015, 7, 10, 14, 34, 36, tzinfo=UTC), -39.07, 72.19)
    assert sun.azimuth_deg == pytest.approx(177.9, abs=0.6)
    assert sun.elevation_deg == pytest.approx(40.0, abs=0.15)
