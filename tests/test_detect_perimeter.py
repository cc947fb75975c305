"""The perimeter detector on manufactured rings: accuracy of area and length, honesty of the errors, and refusals."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree
from shapely import affinity
from shapely.geometry import LineString, Point, Polygon, box
from shapely.ops import unary_union

from camwatch.aoi import Site
from camwatch.aoi.records import Digitised
from camwatch.detect import PerimeterParams, detect_perimeter
from camwatch.detect._course_ring import straighten
from camwatch.detect._perimeter_lines import Line, combined, digitised_line
from camwatch.errors import AoiError, PairError
from camwatch.imagery.image import Image, Sun
from camwatch.rasters import mask_of

EAST, NORTH = 500_000.0, 4_600_000.0
C_SHAPE = Polygon([(-190, -160), (190, -160), (190, -60), (-70, -60), (-70, 60), (190, 60), (190, 160), (-190, 160)])


def place(geometry):
    return affinity.translate(geometry, EAST, NORTH)


def star(seed, radius=130.0, corners=8):
    rng = np.random.default_rng(seed)
    angle = (np.arange(corners) + rng.uniform(-0.2, 0.2, corners)) * 2 * np.pi / corners
    reach = radius * rng.uniform(0.85, 1.15, corners)
    return Polygon(np.column_stack([reach * np.cos(angle), reach * np.sin(angle)]))


def pushed(polygon, seed, push=1.5):
    """The same ring with two neighbouring corners moved outward."""
    ring = np.asarray(polygon.exterior.coords)[:-1].copy()
    first = np.random.default_rng(seed).integers(len(ring))
    ring[[first, (first + 1) % len(ring)]] *= push
    return Polygon(ring)


def grid(half, pixel):
    count = round(2 * half / pixel)
    return GeoBox((count, count), Affine(pixel, 0, EAST - half, 0, -pixel, NORTH + half), "EPSG:32652")


def share(geometry, geobox):
    """Share of each pixel that a geometry covers, from 3 x 3 points."""
    rows, cols = geobox.shape
    fine = mask_of(place(geometry), geobox.zoom_to(shape=(3 * rows, 3 * cols)))
    return fine.reshape(rows, 3, cols, 3).mean(axis=(1, 3))


@cache
def ground(seed, half, pixel):
    """Fields of different tones, texture, two roads and some roofs."""
    rng = np.random.default_rng(seed)
    geobox = grid(half, pixel)
    row, col = np.mgrid[0 : geobox.shape[0], 0 : geobox.shape[1]]
    field = cKDTree(rng.uniform(-half, half, (30, 2))).query(np.column_stack([col.ravel(), row.ravel()]) * pixel - half)[1]
    plane = 0.16 + rng.normal(0, 0.02, 30)[field].reshape(row.shape)
    for size, strength in ((1.0, 0.012), (3.0, 0.010), (12.0, 0.012)):
        texture = gaussian_filter(rng.normal(0, 1, row.shape), size / pixel)
        plane += strength * texture / texture.std()
    for _ in range(2):
        middle, angle = rng.uniform(-half, half, 2), rng.uniform(0, np.pi)
        along = 3 * half * np.array([np.cos(angle), np.sin(angle)])
        plane += 0.06 * share(LineString([middle - along, middle + along]).buffer(2.5), geobox)
    for tone in (-0.06, 0.12):
        roofs = [affinity.rotate(Polygon([(-12, -5), (12, -5), (12, 5), (-12, 5)]), turn) for turn in rng.uniform(0, 180, 5)]
        plane += tone * share(unary_union([affinity.translate(roof, *rng.uniform(-half, half, 2)) for roof in roofs]), geobox)
    return plane


def scene(
    year, *, seed, half, pixel=1.0, wall=None, sun=150.0, bands=("pan",), valid=None, gsd=None, strip=0.07, shadow=0.5, sides=(2.5, 2.5), track=None
):
    """One date: ground, a track, a strip cleared to both `sides` (inside, outside) with a wall's 2.5 m shadow over it, blur and noise."""
    plane = ground(seed, half, pixel).copy()
    geobox = grid(half, pixel)
    if track is not None:
        plane += 0.06 * share(track, geobox)
    if wall is not None:
        line = wall.exterior
        plane += strip * share(wall.buffer(sides[1], join_style="mitre").difference(wall.buffer(-sides[0], join_style="mitre")), geobox)
        away = -2.5 * np.array([np.sin(np.deg2rad(sun)), np.cos(np.deg2rad(sun))])
        dark = unary_union([affinity.translate(line.buffer(0.3), *(away * part)) for part in np.linspace(0, 1, 6)])
        plane *= 1 - shadow * share(dark, geobox)
    plane = gaussian_filter(plane, 0.7)
    noise = np.random.default_rng((seed, year)).normal(0, 0.004, (len(bands), *plane.shape))
    values = (plane * np.linspace(1, 0.85, len(bands))[:, None, None] + noise).astype(np.float32)
    usable = np.ones(plane.shape, bool) if valid is None else valid
    acquired = datetime(year, 5, 1, tzinfo=UTC)
    return Image(values, usable, bands, geobox, acquired, Sun(sun, 45), gsd or pixel, "toa reflectance", f"s{year}", simulated=True)


def site(before, after, accuracy_m=20.0):
    priors = [None if prior is None else place(prior) for prior in (before, after)]
    return Site("test", place(Point(0, 0).buffer(200)), *priors, accuracy_m, {}, nominal=False)


def off(polygon, seed, shift=6.0):
    """A prior: the truth moved by some metres and scaled by some per cent."""
    rng = np.random.default_rng(seed)
    return affinity.translate(affinity.scale(polygon, *rng.uniform(0.97, 1.03, 2)), *rng.uniform(-shift, shift, 2))


def searched(seed, pixel=1.0, **options):
    old = star(seed)
    new = pushed(old, seed)
    half = round(max(map(abs, new.bounds)) + 75)
    before = scene(2009, seed=seed, half=half, pixel=pixel, wall=old, **options)
    after = scene(2010, seed=seed, half=half, pixel=pixel, wall=new, sun=330.0, **options)
    return old, new, detect_perimeter(before, after, site(off(old, seed), off(new, seed + 1)))


@pytest.fixture(scope="module")
def rings():
    """Eleven pairs at 1 m: old and new truth with what was found."""
    return [searched(seed) for seed in range(11)]


def test_area_and_length_are_right(rings):
    found = [(old, new, f) for old, new, f in rings if f.records]
    assert len(found) >= 10
    lines = [(truth, record) for old, new, f in found for truth, record in zip((old, new), f.records, strict=False)]
    error = np.array([r.area_m2 / t.area - 1 for t, r in lines])
    # A ring of 130 m radius gains 1.5 % of its area with each metre outward: half a pixel all round is 0.75 %.
    assert np.median(np.abs(error)) < 0.007
    assert np.quantile(np.abs(error), 0.9) < 0.02
    length = np.array([r.measures["length_m"] / t.length - 1 for t, r in lines])
    assert np.median(np.abs(length)) < 0.01


def test_the_errors_hold_whichever_side_is_cleared(rings):
    """A strip cleared on one side moves the whole line to that side, at both dates alike: the area's error knows it, the growth hardly feels it.

    Symmetric strips alone never err like this, so that an honest error looks too wide on them; hence both kinds.
    """
    one_sided = [searched(seed, sides=sides) for seed in (40, 41, 42) for sides in ((4.5, 0.3), (0.3, 4.5))]
    found = [each for each in [*rings[:3], *one_sided] if each[2].records]
    assert len(found) >= 8
    z = np.array([[(r.area_m2 - t.area) / r.measures["area_se_m2"] for t, r in zip((o, n), f.records, strict=False)] for o, n, f in found])
    assert 0.6 < np.sqrt((z**2).mean()) < 1.4
    assert np.mean(np.abs(z) < 1.96) >= 0.9
    assert np.corrcoef(z.T)[0, 1] > 0.6
    grew = [(n.area / o.area - 1, f.growth.area) for o, n, f in found]
    assert np.mean([area.low <= truth <= area.high for truth, area in grew]) >= 0.9
    # Were the errors of the dates independent, the interval of the growth would be wider than this.
    apart = [np.hypot(*(r.measures["area_se_m2"] / r.area_m2 for r in f.records[:2])) for _, _, f in found]
    told = [np.log((1 + area.high) / (1 + area.low)) / 2 / 1.96 for _, area in grew]
    assert np.median(np.array(told) / apart) < 0.75


@pytest.mark.parametrize("seed", [4, 5])
def test_a_move_within_wide_bands_of_two_outlines_is_a_move(seed):
    """Nominal outlines are off by a hundred metres, so the new line lies in the band of the old date, where nothing of it is seen."""
    old = star(seed)
    new = Polygon([(1.45 * x if x > 0 else x, y) for x, y in old.exterior.coords])
    half = round(max(map(abs, new.bounds)) + 120)
    images = [scene(year, seed=seed, half=half, wall=wall, sun=sun) for year, wall, sun in ((2009, old, 150.0), (2010, new, 330.0))]
    found = detect_perimeter(*images, site(off(old, seed), off(new, seed + 1), accuracy_m=60.0))
    assert found.growth is not None, found.reason
    assert found.growth.area.low <= new.area / old.area - 1 <= found.growth.area.high


def test_outlines_that_are_far_off_are_placed_first():
    old = affinity.scale(C_SHAPE, 1.3, 1.3)
    new = Polygon([(1.3 * x if x < 0 else x, y) for x, y in old.exterior.coords])
    images = [scene(year, seed=6, half=420, wall=wall, sun=sun) for year, wall, sun in ((2009, old, 150.0), (2010, new, 330.0))]
    far = site(affinity.translate(old, 40, -38), affinity.translate(affinity.scale(new, 0.95, 0.95), -45, 20), accuracy_m=60.0)
    found = detect_perimeter(*images, far, PerimeterParams(sought_share=1.0))
    assert found.growth is not None, found.reason
    assert "first moved and scaled as a whole" in found.reason
    assert found.growth.area.ratio == pytest.approx(new.area / old.area - 1, abs=0.04)
    assert found.growth.area.low <= new.area / old.area - 1 <= found.growth.area.high
    assert found.searched_km2 > 0.3
    nothing = [scene(year, seed=6, half=420) for year in (2009, 2010)]
    refused = detect_perimeter(*nothing, far)
    assert refused.growth is None
    assert "has nothing to follow" in refused.reason
    assert "draw an outline good to 30 m" in refused.reason


def test_outlines_farther_off_than_they_are_stated_to_be_are_sought_farther_away():
    """Stated to be good to 10 m, they are 30 m off: nothing of the line lies beside them, and it is found as a whole."""
    old = affinity.scale(star(8), 2.0, 2.0)
    new = Polygon([(1.3 * x if x < 0 else x, y) for x, y in old.exterior.coords])
    images = [scene(year, seed=8, half=430, wall=wall, sun=sun) for year, wall, sun in ((2009, old, 150.0), (2010, new, 330.0))]
    beside = site(affinity.translate(old, 22, -20), affinity.translate(new, -24, 18), accuracy_m=10.0)
    found = detect_perimeter(*images, beside)
    assert found.growth is not None, found.reason
    assert "first moved and scaled as a whole" in found.reason
    assert found.growth.area.low <= new.area / old.area - 1 <= found.growth.area.high
    for record, truth in zip(found.records, (old, new), strict=False):
        assert record.area_m2 == pytest.approx(truth.area, rel=0.015)
    nothing = [scene(year, seed=8, half=430) for year in (2009, 2010)]
    refused = detect_perimeter(*nothing, beside)
    assert refused.growth is None
    assert refused.searched_km2 > 2 * 15 * 2 * old.length / 1e6  # what was looked at in vain counts as searched


def test_growth_interval_covers_the_truth(rings):
    inside = []
    for old, new, found in rings:
        if found.growth is None:
            continue
        area, length = found.growth.area, found.growth.length
        assert area.low < area.ratio < area.high
        assert area.high - area.low < 0.25  # an interval that says nothing would cover too
        inside += [area.low <= new.area / old.area - 1 <= area.high, length.low <= new.length / old.length - 1 <= length.high]
    assert np.mean(inside) >= 0.9


def test_records_and_the_part_gained(rings):
    old, new, found = rings[1]
    assert (found.kind, found.status, found.simulated) == ("perimeter", "searched", True)
    first, second = found.records[:2]
    assert [first.measures["date"], second.measures["date"]] == ["2009-05-01", "2010-05-01"]
    assert first.change == second.change == "unchanged"
    assert {"area_m2", "area_se_m2", "length_m", "length_se_m", "inferred_share", "half_band_m"} <= set(first.measures)
    gained = [r for r in found.records if r.change == "appeared"]
    truth = place(new.difference(old))
    assert gained[0].geometry.intersection(truth).area > 0.9 * truth.area
    assert abs(gained[0].area_m2 - truth.area) < 0.15 * truth.area
    assert not [r for r in found.records if r.change == "removed" and r.area_m2 > 0.01 * old.area]
    assert len({r.id for r in found.records}) == len(found.records)


def test_score_lies_in_the_band_and_is_high_on_the_line(rings):
    old, _, found = rings[1]
    score = found.score
    assert score.dtype == np.float32
    assert np.nanmin(score) >= 0
    assert np.nanmax(score) <= 1
    assert np.isnan(score[0, 0])  # a corner of the image, far off the band
    on = mask_of(place(old.exterior.buffer(1)), found.geobox)
    assert np.nanmedian(score[on]) > np.nanmedian(score) + 0.3
    assert found.searched_km2 == pytest.approx(np.isfinite(score).sum() / 1e6)


def test_same_input_same_answer(rings):
    one, two = rings[3][2], searched(3)[2]
    assert [r.geometry.wkb for r in one.records] == [r.geometry.wkb for r in two.records]
    assert one.growth == two.growth


def test_no_change_is_no_part():
    ring = star(5)
    before = scene(2009, seed=5, half=230, wall=ring)
    after = scene(2010, seed=5, half=230, wall=ring, sun=330.0)
    found = detect_perimeter(before, after, site(off(ring, 1), off(ring, 2)))
    assert found.status == "searched"
    assert found.growth.area.low <= 0 <= found.growth.area.high
    assert sum(r.area_m2 for r in found.records[2:]) < 0.01 * ring.area


def test_a_line_that_left_the_only_outline_is_not_called_unchanged():
    """One outline for both dates, the area doubled, and a track along the side that went: the search takes it for the line once the wall is gone."""
    old = star(1)
    new = Polygon([(x if x < 0 else 3 * x, y) for x, y in old.exterior.coords])
    track = affinity.scale(old, 0.88, 0.88).exterior.buffer(2).intersection(box(0, -300, 300, 300))
    one = site(off(old, 1), off(old, 1))
    before = scene(2009, seed=1, half=420, wall=old, track=track)
    after = scene(2010, seed=1, half=420, wall=new, track=track, sun=330.0)
    careless = detect_perimeter(before, after, one, PerimeterParams(min_kept_share_one=-1.0))
    assert careless.growth.area.high < new.area / old.area - 1  # what the check is there for
    found = detect_perimeter(before, after, one)
    assert found.status == "not_testable"
    assert found.growth is None
    assert "the line may have moved beyond the band" in found.reason
    assert "2010-05-01" in found.reason
    same = detect_perimeter(before, scene(2010, seed=1, half=420, wall=old, track=track, sun=330.0), one)
    assert same.status == "searched"
    told = detect_perimeter(before, after, site(off(old, 1), off(new, 2)))
    assert told.growth.area.low < new.area / old.area - 1 < told.growth.area.high


def test_a_ring_that_is_not_star_shaped():
    before = scene(2009, seed=21, half=270, wall=C_SHAPE)
    after = scene(2010, seed=21, half=270, wall=C_SHAPE, sun=330.0)
    found = detect_perimeter(before, after, site(off(C_SHAPE, 3, 4), off(C_SHAPE, 4, 4)))
    assert found.status == "searched", found.reason
    for record in found.records[:2]:
        assert record.geometry.symmetric_difference(place(C_SHAPE)).area < 3.0 * C_SHAPE.length  # on average within 3 m
        assert record.area_m2 == pytest.approx(C_SHAPE.area, rel=0.03)


@pytest.mark.parametrize(("pixel", "radius", "tolerance"), [(5.0, 600.0, 0.02), (10.0, 1500.0, 0.02)])
def test_coarse_pixels_show_a_wide_strip_around_a_large_ring(pixel, radius, tolerance):
    """A strip of 12 m is two pixels wide, or one."""
    ring = star(8, radius=radius)
    half = round(1.35 * radius / pixel) * pixel
    options = {"half": half, "pixel": pixel, "strip": 0.10, "sides": (6.0, 6.0)}
    before, after = scene(2009, seed=8, wall=ring, **options), scene(2010, seed=8, wall=ring, sun=330.0, **options)
    priors = site(affinity.translate(ring, 8, -6), affinity.translate(ring, -5, 9))
    found = detect_perimeter(before, after, priors)
    assert found.status == "searched", found.reason
    for record in found.records[:2]:
        assert record.area_m2 == pytest.approx(ring.area, rel=tolerance)
        assert abs(record.area_m2 - ring.area) < 2.5 * record.measures["area_se_m2"]
    once = detect_perimeter(before, after, site(affinity.translate(ring, 8, -6), affinity.translate(ring, 8, -6)))
    assert once.status == "not_testable"
    assert "one outline serves both dates" in once.reason
    bare = [scene(year, seed=8, **options) for year in (2009, 2010)]
    assert detect_perimeter(*bare, priors).status == "not_testable"


@pytest.mark.parametrize(("pixel", "bands", "tolerance"), [(0.5, ("red", "green", "blue"), 0.015), (2.5, ("pan",), 0.05)])
def test_other_resolutions_and_bands(pixel, bands, tolerance):
    ring = star(8)
    before = scene(2009, seed=8, half=200, pixel=pixel, wall=ring, bands=bands, strip=0.10)
    after = scene(2010, seed=8, half=200, pixel=pixel, wall=ring, bands=bands, strip=0.10, sun=330.0)
    found = detect_perimeter(before, after, site(off(ring, 1), off(ring, 2)))
    assert found.status == "searched", found.reason
    for record in found.records[:2]:
        assert record.area_m2 == pytest.approx(ring.area, rel=tolerance)


def test_a_shadow_alone_is_enough():
    ring = star(9)
    before = scene(2009, seed=9, half=230, wall=ring, strip=0.0, shadow=0.7)
    after = scene(2010, seed=9, half=230, wall=ring, strip=0.0, shadow=0.7, sun=330.0)
    found = detect_perimeter(before, after, site(off(ring, 1), off(ring, 2)))
    assert found.status == "searched", found.reason
    assert found.records[0].area_m2 == pytest.approx(ring.area, rel=0.03)


@pytest.mark.parametrize("seed", [31, 32])
def test_a_scene_without_a_line_is_not_testable(seed):
    ring = star(seed)
    images = [scene(year, seed=seed, half=230) for year in (2009, 2010)]
    found = detect_perimeter(*images, site(ring, ring))
    assert found.status == "not_testable"
    assert found.records == ()
    assert found.growth is None
    assert "no continuous line could be traced near the outline" in found.reason


def test_clouds_are_bridged_and_said_so_or_refused():
    ring = star(12)
    half = 230
    row, col = np.mgrid[0 : 2 * half, 0 : 2 * half]
    after = scene(2010, seed=12, half=half, wall=ring, sun=330.0)

    def covered(radius):
        valid = np.hypot(row - half, col - half - 130) > radius
        return detect_perimeter(scene(2009, seed=12, half=half, wall=ring, valid=valid), after, site(off(ring, 1), off(ring, 2)))

    clear, some, most = (covered(radius) for radius in (0, 50, 210))
    assert clear.observed_share == pytest.approx(1.0)
    assert 0.85 < some.observed_share < 0.97
    assert some.records[0].measures["inferred_share"] > clear.records[0].measures["inferred_share"] + 0.05
    assert some.records[0].measures["area_se_m2"] > clear.records[0].measures["area_se_m2"]
    assert abs(some.records[0].area_m2 - ring.area) < 3 * some.records[0].measures["area_se_m2"]
    assert most.status == "not_testable"
    assert most.reason.startswith("not observed")
    assert "2009-05-01" in most.reason


def test_what_cannot_be_searched_is_said():
    ring = star(1)
    image = scene(2009, seed=1, half=260, wall=ring)
    coarse = scene(2010, seed=1, half=260, wall=ring, gsd=12.0)
    assert "12.0 m pixels" in detect_perimeter(image, coarse, site(ring, ring)).reason
    assert "no prior outline" in detect_perimeter(image, image, site(ring, None)).reason
    far = affinity.translate(ring, 5000, 0)
    gone = detect_perimeter(image, image, site(ring, far))
    assert gone.status == "not_testable"
    assert gone.reason.startswith("not observed")
    assert gone.observed_share == pytest.approx(0.5)
    blurred = replace(coarse, values=gaussian_filter(coarse.values, (0, 12, 12)))
    assert detect_perimeter(image, blurred, site(ring, ring), PerimeterParams(max_gsd_m=13)).status == "not_testable"  # the blur hides the line
    with pytest.raises(PairError, match="different grids"):
        detect_perimeter(image, scene(2010, seed=1, half=200, wall=ring), site(ring, ring))


def test_straighten_keeps_corners_and_removes_noise():
    side = np.arange(0, 100, 2.0)
    zero = np.zeros_like(side)
    square = np.vstack([np.c_[side, zero], np.c_[zero + 100, side], np.c_[100 - side, zero + 100], np.c_[zero, 100 - side]])
    noise = gaussian_filter(np.random.default_rng(0).normal(0, 1.5, square.shape), (1, 0), mode="wrap")
    flat = straighten(square + noise, np.ones(len(square)), 3.0)
    assert Polygon(flat).length == pytest.approx(400, rel=0.02)
    assert Polygon(square + noise).length > 1.02 * 400
    assert Polygon(flat).area == pytest.approx(10_000, rel=0.03)


# --- lines that an analyst digitised ----------------------------------------------------------------------------------------------------------------


def drawn(polygon, accuracy_m, seed=None, name="drawn"):
    """An analyst's line: the corners of the truth, each off by its own error."""
    ring = np.asarray(polygon.exterior.coords)[:-1]
    if seed is not None:
        ring = ring + np.random.default_rng(seed).normal(0, accuracy_m, ring.shape)
    return Digitised(name, place(Polygon(ring)), accuracy_m)


def blank(year, half=300, pixel=12.0):
    return scene(year, seed=3, half=half, pixel=pixel)


def with_lines(before, after, first, second):
    return replace(site(before, after), lines_before=tuple(first), lines_after=tuple(second))


def test_digitised_lines_answer_where_the_image_is_too_coarse():
    old, new = star(4), pushed(star(4), 4)
    found = detect_perimeter(blank(2009), blank(2010), with_lines(old, new, [drawn(old, 4, 1)], [drawn(new, 4, 2)]))
    assert found.status == "searched"
    assert "the line of 2009-05-01 is the analyst's alone" in found.reason
    assert "12.0 m pixels" in found.reason
    first, second = found.records[:2]
    assert first.measures["source"] == second.measures["source"] == "digitised"
    assert abs(first.area_m2 - old.area) < 3 * first.measures["area_se_m2"]
    assert found.growth.area.low < new.area / old.area - 1 < found.growth.area.high
    assert found.growth.area.high - found.growth.area.low < 0.5
    assert any(r.change == "appeared" for r in found.records)


def test_the_errors_of_digitised_lines_cover_what_a_hand_does():
    """Over many hands the stated errors are the true ones: neither too small nor twice too large."""
    truth = star(6, radius=800, corners=14)
    image = scene(2009, seed=1, half=30, pixel=1.0)
    lines = [digitised_line(drawn(truth, 5, seed), image, PerimeterParams()) for seed in range(300)]
    area = np.array([(line.area_m2 - truth.area) / line.area_se_m2 for line in lines])
    length = np.array([(line.length_m - truth.length) / line.length_se_m for line in lines])
    assert 0.9 < area.std() < 1.1
    assert 0.85 < length.std() < 1.15
    assert 0.92 < np.mean(np.abs(area) < 1.96) < 0.98


def test_a_dense_line_is_no_surer_than_the_hand_that_drew_it():
    truth = star(6, radius=800, corners=14)
    image = scene(2009, seed=1, half=30, pixel=1.0)
    dense = Digitised("dense", place(truth.segmentize(5)), 5.0)
    sparse, many = (digitised_line(line, image, PerimeterParams()) for line in (drawn(truth, 5), dense))
    assert many.area_se_m2 == pytest.approx(sparse.area_se_m2, rel=0.01)


def test_lines_that_agree_are_averaged_and_surer_together():
    square = place(Polygon([(0, 0), (1000, 0), (1000, 1000), (0, 1000)]))
    one = Line(square, 1.00e6, 4000, 4000, 20, 2, 0.6, "traced")
    two = Line(square, 1.005e6, 8000, 4030, 40, 4, 1.0, "digitised")
    both = combined([one, two])
    assert both.area_m2 == pytest.approx(1.001e6)
    assert both.area_se_m2 == pytest.approx(4000 / np.sqrt(1.25))
    assert (both.source, both.conflict) == ("traced and digitised", "")
    assert combined([one]) is one
    assert combined([]) is None


def test_lines_that_contradict_one_another_are_both_shown_and_both_in_the_interval():
    old, wrong = star(4), affinity.scale(star(4), 1.3, 1.3)
    lines = [drawn(old, 2, name="mine"), drawn(wrong, 2, name="yours")]
    found = detect_perimeter(blank(2009), blank(2010), with_lines(old, old, lines, [drawn(old, 2)]))
    assert "contradict one another" in found.reason
    assert sum("date" in r.measures for r in found.records) == 2
    shown = [r for r in found.records if r.measures.get("line_of") == "2009-05-01"]
    assert [round(r.area_m2) for r in shown] == [round(old.area), round(wrong.area)]
    first = found.records[0]
    reach = 1.96 * first.measures["area_se_m2"]
    assert first.area_m2 - reach <= old.area * 1.001
    assert first.area_m2 + reach >= wrong.area * 0.999
    assert found.growth.area.low < 0 < found.growth.area.high + 0.01
    assert len({r.id for r in found.records}) == len(found.records)


def test_one_digitised_line_is_no_growth():
    old = star(4)
    found = detect_perimeter(blank(2009), blank(2010), with_lines(old, old, [drawn(old, 2)], []))
    assert found.status == "not_testable"
    assert "12.0 m pixels" in found.reason
    assert "of 2009-05-01 there is a line that an analyst drew, and growth needs both" in found.reason


def test_what_one_date_alone_shows_is_not_called_the_line():
    """Streets and field edges are followed too: a path without its like at the other date is told as what it is, and no figure of it is given."""
    ring = star(8)
    half = round(max(map(abs, ring.bounds)) + 75)
    seen, empty = scene(2009, seed=8, half=half, wall=ring), scene(2010, seed=8, half=half, sun=330.0)
    for images, day in (
        ((seen, empty), "2009-05-01"),
        ((replace(empty, acquired=seen.acquired), replace(seen, acquired=empty.acquired)), "2010-05-01"),
    ):
        found = detect_perimeter(*images, site(off(ring, 1), off(ring, 2)))
        assert found.status == "not_testable"
        assert found.records == ()
        assert f"at {day} something beside the outline looks like a line: on one date alone that may be a street" in found.reason
        assert "there is a line" not in found.reason


def test_a_digitised_line_joins_the_traced_one():
    ring = star(8)
    before = scene(2009, seed=8, half=200, wall=ring)
    after = scene(2010, seed=8, half=200, wall=ring, sun=330.0)
    found = detect_perimeter(before, after, with_lines(off(ring, 1), off(ring, 2), [drawn(ring, 2, 1)], []))
    alone = detect_perimeter(before, after, site(off(ring, 1), off(ring, 2)))
    assert found.records[0].measures["source"] == "traced and digitised"
    assert found.records[0].measures["area_se_m2"] < alone.records[0].measures["area_se_m2"]
    assert found.records[1].measures["source"] == "traced"


@pytest.mark.parametrize(
    ("prior", "words"),
    [
        (Point(0, 0), ("no area", "a Point")),
        (LineString([(0, 0), (100, 0), (100, 100)]), ("no area", "a LineString")),
        (Polygon([(0, 0), (100, 100), (100, 0), (0, 100)]), ("crosses itself",)),
    ],
)
def test_priors_that_cannot_be(prior, words):
    with pytest.raises(AoiError) as caught:
        detect_perimeter(blank(2009), blank(2010), site(prior, star(1)))
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in (*words, "before"))


def test_growth_beyond_one_old_outline_is_found_or_refused():
    """One outline of the earlier date; at pixels of 2.5 m the line of the later one is sought outward from where the old one faded."""
    old = star(2, radius=330.0)
    new = Polygon([(x if x < 0 else 1.9 * x, y) for x, y in old.exterior.coords])
    one = site(off(old, 1), off(old, 1))
    before = scene(2009, seed=3, half=880, pixel=2.5, wall=old, strip=0.10)
    after = scene(2010, seed=3, half=880, pixel=2.5, wall=new, strip=0.10, sun=330.0)
    found = detect_perimeter(before, after, one)
    assert found.status == "searched", found.reason
    assert "left the one outline that was drawn" in found.reason
    assert found.growth.area.low <= new.area / old.area - 1 <= found.growth.area.high
    assert found.growth.area.ratio == pytest.approx(new.area / old.area - 1, abs=0.04)
    bare = scene(2010, seed=3, half=880, pixel=2.5, sun=330.0)
    unbuilt = np.arange(after.valid.shape[1]) * 2.5 - 880 > 320  # of the enlargement only the two sides stand
    refused = detect_perimeter(before, replace(after, values=np.where(unbuilt, bare.values, after.values)), one)
    assert refused.status == "not_testable"
    assert refused.growth is None
