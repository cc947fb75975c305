"""Invented settlements: light and shadow are those of the sun, and the labels are those of the picture."""

from dataclasses import replace

import numpy as np
import pytest

from camwatch.imagery.image import Sun
from camwatch.render.settlement import Recipe, dates, labelled_pair
from camwatch.render.settlement.buildings import Building, Part, draw_building, invent
from camwatch.render.settlement.camera import Camera, photograph
from camwatch.render.settlement.canvas import BUILDING, FACADE, OTHER, SHADOW, Canvas, filled, material, stroke
from camwatch.render.settlement.layout import LAYOUTS
from camwatch.render.settlement.light import Light, shine
from camwatch.render.settlement.noise import noise_tables
from camwatch.render.settlement.patches import PATCHES, draw_patch
from camwatch.render.settlement.premises import barracks
from camwatch.render.settlement.site import Site
from camwatch.render.settlement.things import Thing

SMALL = Recipe(side=192)
PIXEL_M = 0.5


def hut(roof="flat", *, eaves_m=5.0, pitch=0.5, long=16.0, wide=10.0):
    """One building of 16 × 10 m whose long side lies along the columns, in the middle of 128 × 128 pixels of half a metre."""
    part = Part(64.0, 64.0, 0.0, long, wide, eaves_m, roof, pitch)
    return Building("barrack", 64.0, 64.0, 0.0, (part,), (0.5, 0.5, 0.5), "concrete", 0.4, 3)


def canvas_with(building):
    canvas = Canvas.empty(128, PIXEL_M)
    canvas.albedo[:] = 0.4
    draw_building(canvas, building, 1)
    return canvas


@pytest.mark.parametrize(("azimuth", "axis", "sign"), [(0, 0, 1), (90, 1, -1), (180, 0, -1), (270, 1, 1)])
def test_shadows_fall_away_from_the_sun_as_far_as_height_over_tangent(azimuth, axis, sign):
    canvas = canvas_with(replace(hut(eaves_m=5.0), sort="hut"))  # without fittings
    tall = float(canvas.height[canvas.kind == BUILDING].max())  # with its parapet
    seen = shine(canvas, Light(Sun(azimuth, 40.0)))
    rows_cols = np.argwhere(seen.kind == SHADOW)
    edge = np.argwhere(seen.kind == BUILDING)[:, axis]
    reach = (rows_cols[:, axis].max() - edge.max()) if sign > 0 else (edge.min() - rows_cols[:, axis].min())
    assert reach == pytest.approx(tall / np.tan(np.radians(40.0)) / PIXEL_M, abs=1.5)
    behind = rows_cols[:, axis] > edge.max() if sign > 0 else rows_cols[:, axis] < edge.min()
    assert behind.mean() > 0.95


def test_a_slope_that_rises_towards_the_sun_makes_shadows_longer():
    canvas = canvas_with(hut())
    level, uphill = (int((shine(canvas, Light(Sun(180.0, 40.0), slope=(0.0, s))).kind == SHADOW).sum()) for s in (0.0, 0.2))
    assert uphill > 1.15 * level


def test_the_facet_that_faces_the_sun_is_brighter():
    canvas = canvas_with(hut("gable"))
    canvas.albedo[:] = 0.4
    values = shine(canvas, Light(Sun(180.0, 40.0))).values[0]  # the sun stands below the picture's lower edge
    assert values[70, 64] > 1.3 * values[58, 64]


@pytest.mark.parametrize("roof", ["flat", "gable", "hip", "shed", "saw", "vault"])
def test_heights_of_roofs_agree_with_their_slopes(roof):
    building = replace(hut(roof), sort="hut")  # a hut has no fittings
    canvas = Canvas.empty(128, PIXEL_M)
    draw_building(canvas, building, 1)
    inside = np.s_[58:70, 52:76]
    down, right = np.gradient(canvas.height, PIXEL_M)
    assert np.median(np.abs(down[inside] - canvas.south[inside])) < 0.06
    assert np.median(np.abs(right[inside] - canvas.east[inside])) < 0.06


def test_what_is_tall_leans_away_from_the_sensor_and_shows_the_wall_on_its_side():
    canvas = canvas_with(hut(eaves_m=8.0))
    straight = shine(canvas, Light(Sun(180.0, 60.0)))
    leaning = shine(canvas, Light(Sun(180.0, 60.0), view_azimuth_deg=90.0, off_nadir_deg=20.0))  # seen from the right
    columns = [np.argwhere(seen.kind == BUILDING)[:, 1].mean() for seen in (straight, leaning)]
    height = float(np.median(canvas.height[canvas.kind == BUILDING]))
    assert columns[0] - columns[1] == pytest.approx(height * np.tan(np.radians(20.0)) / PIXEL_M, abs=1.0)
    wall = np.argwhere(leaning.kind == FACADE)[:, 1]
    assert wall.size > 50
    assert wall.mean() > columns[1]
    assert (leaning.number[leaning.kind == FACADE] == 0).all()


@pytest.mark.parametrize("sort", sorted(PATCHES))
def test_a_patch_is_never_a_building(sort):
    canvas = Canvas.empty(96, PIXEL_M)
    before = canvas.albedo.copy()
    draw_patch(canvas, Thing(sort, 48.0, 48.0, 0.4, 20.0, 14.0, 5))
    assert (canvas.albedo != before).any()
    assert (canvas.kind != BUILDING).all()
    assert np.isfinite(canvas.albedo).all()
    assert canvas.height.min() >= 0


@pytest.mark.parametrize("layout", [layout for layout, _ in LAYOUTS])
def test_buildings_of_a_layout_do_not_overlap(layout):
    site = Site(np.random.default_rng(4), 384, PIXEL_M)
    made = layout(site)
    covered = np.zeros((384, 384), int)
    for building in made.buildings:
        canvas = Canvas.empty(384, PIXEL_M)
        draw_building(canvas, building, 1)
        covered += canvas.kind == BUILDING
    assert made.buildings
    assert (covered > 1).sum() <= 0.01 * max((covered > 0).sum(), 1)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not():
    one, again, other = (labelled_pair(seed, SMALL) for seed in (11, 11, 12))
    for field in ("pictures", "kinds", "numbers"):
        assert all((a == b).all() for a, b in zip(getattr(one, field), getattr(again, field), strict=True))
    assert (one.pictures[0] != other.pictures[0]).any()


def test_labels_say_what_came_and_what_went():
    appeared = removed = 0
    for seed in range(48):
        pair = labelled_pair(seed, SMALL)
        standing = [{int(n) for n in np.unique(number[kind == BUILDING])} for kind, number in zip(pair.kinds, pair.numbers, strict=True)]
        assert 0 not in standing[0] | standing[1]
        assert all(pair.changes[n] != 1 for n in standing[0])
        assert all(pair.changes[n] != 2 for n in standing[1])
        assert all(pair.changes[n] != 3 for n in standing[0] | standing[1])
        appeared += sum(pair.changes[n] == 1 for n in standing[1])
        removed += sum(pair.changes[n] == 2 for n in standing[0])
    assert appeared > 20
    assert removed > 10


def test_a_harmed_roof_looks_otherwise_on_the_same_ground():
    building = invent(np.random.default_rng(3), "house", 48.0, 48.0, 0.3, PIXEL_M)
    whole, open_ = Canvas.empty(96, PIXEL_M), Canvas.empty(96, PIXEL_M)
    draw_building(whole, building, 1)
    draw_building(open_, replace(building, harmed=True), 1)
    assert (whole.kind == open_.kind).all()
    roof = whole.kind == BUILDING
    assert 0.1 < (whole.albedo != open_.albedo).any(axis=0)[roof].mean() <= 1


def test_a_storm_leaves_ruins_where_houses_stood_and_litter_around():
    site = Site(np.random.default_rng(5), 256, PIXEL_M)
    made = barracks(site)
    pictures = []
    for storm in (False, True):
        canvas = Canvas.empty(256, PIXEL_M)
        stands = [False] * len(made.buildings)
        dates._development(canvas, made, stands, 0, np.random.default_rng(1), used=False, storm=storm)
        pictures.append(canvas)
    assert not pictures[0].albedo.any()
    touched = pictures[1].albedo.any(axis=0)
    footprints = np.zeros((256, 256), bool)
    for building in made.buildings:
        canvas = Canvas.empty(256, PIXEL_M)
        draw_building(canvas, building, 1)
        footprints |= canvas.kind == BUILDING
    assert touched[footprints].mean() > 0.8
    assert (touched & ~footprints).sum() > 0.2 * footprints.sum()
    assert (pictures[1].kind != BUILDING).all()


def test_a_quiet_recipe_changes_no_building():
    for seed in range(6):
        assert not labelled_pair(seed, replace(SMALL, quiet=1.0)).changes.any()


def test_a_camera_keeps_the_order_of_brightness_and_brings_the_median_where_it_says():
    brightness = np.linspace(0.05, 0.6, 64, dtype=np.float32) * np.ones((3, 64, 1), np.float32)
    plain = Camera(0.5, 1.0, 0.0, 1.0, 1.0, 1.0, (1.0, 1.0, 1.0), 0.0, 0.4, 0.0, None)
    out = photograph(brightness, plain, np.random.default_rng(0)).astype(int)
    assert (np.diff(out[:, 5:-5], axis=1) >= 0).all()
    assert np.median(out) == pytest.approx(0.4 * 255, abs=2)


def test_noise_has_the_grain_it_is_asked_for():
    fine, coarse = (noise_tables().field(np.random.default_rng(1), (256, 256), 1.4, zoom) for zoom in (1.0, 4.0))
    step = [np.abs(np.diff(plane, axis=1)).mean() / plane.std() for plane in (fine, coarse)]
    assert step[1] < 0.6 * step[0]
    assert noise_tables().field(np.random.default_rng(1), (64, 1500), 2.0).shape == (64, 1500)


def test_lines_and_areas_have_their_width():
    assert stroke(64, [(0, 32), (63, 32)], 4.0).sum() == pytest.approx(4 * 64, rel=0.3)
    thin = stroke(64, [(2, 5), (60, 47)], 0.5)
    assert thin[:, 2:60].any(axis=0).all()  # without a gap
    assert filled(64, [(10, 10), (40, 10), (40, 30), (10, 30)]).sum() == pytest.approx(600, rel=0.1)


def test_materials_are_near_their_colour():
    grass = material(np.random.default_rng(2), "grass", (64, 64), PIXEL_M).mean(axis=(1, 2))
    assert grass[1] > grass[2]
    assert (grass < 0.6).all()
    assert OTHER == 0
