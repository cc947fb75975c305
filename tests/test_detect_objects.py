"""The decision per building, on likelihoods manufactured from footprints: blurred, grainy, and of known number, place and shape."""

from itertools import pairwise

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy import ndimage as ndi
from shapely import get_coordinates, unary_union
from shapely.affinity import rotate, translate
from shapely.geometry import box

from camwatch.detect import StructureParams
from camwatch.detect._model import Likelihoods
from camwatch.detect._objects import decide
from camwatch.detect._outline import outline
from camwatch.detect._split import SMOOTHING_PX, separate
from camwatch.rasters import mask_of

PIXEL = 0.5
SMALLEST_PX = 80.0
SPLIT = {"levels": (0.3, 0.5), "seed": 0.5, "dip": 0.6, "neck": 0.5, "smallest_px": SMALLEST_PX}


def grid(metres=80.0, pixel=PIXEL):
    size = round(metres / pixel)
    return GeoBox((size, size), Affine(pixel, 0, 0, 0, -pixel, metres), "EPSG:32652")


def likelihood(footprints, seed, *, metres=80.0, blur=1.3, grain=0.05, top=0.9):
    """Return the plane that a model would give: the share of a pixel that is roof, blurred by pixels, of plateau `top`, with correlated grain."""
    fine = grid(metres, PIXEL / 8)
    share = mask_of(unary_union(footprints), fine).reshape(fine.shape[0] // 8, 8, -1, 8).mean(axis=(1, 3))
    noise = ndi.gaussian_filter(np.random.default_rng(seed).normal(size=share.shape), 1.5)
    return np.clip(top * ndi.gaussian_filter(share, blur) + grain * noise / noise.std(), 0, 1).astype(np.float32)


def pair(before=(), after=(), new=(), gone=(), *, seed=1, top=0.9):
    planes = (likelihood(list(shapes), seed + k, top=t) for k, (shapes, t) in enumerate(((before, 0.9), (after, 0.9), (new, top), (gone, top))))
    return Likelihoods(*planes, grid())


def changes(planes, **params):
    return sorted(b.change for b in decide(planes, StructureParams(**params), SMALLEST_PX).buildings if b.change == "unchanged" or b.raw >= 0.5)


def count(plane):
    return int(separate(plane, np.zeros_like(plane), **SPLIT).labels.max())


def drawn(plane):
    """Return the one outline of a plane, in metres of its grid."""
    parts = separate(plane, np.zeros_like(plane), **SPLIT)
    assert parts.labels.max() == 1
    shape = outline(ndi.gaussian_filter(plane, SMOOTHING_PX), parts.labels == 1, parts.level[1], pixel_m=PIXEL, smallest_px=SMALLEST_PX)
    # From columns and rows of pixels to metres east and north of the grid's corner.
    return shape, type(shape.polygon)(get_coordinates(shape.polygon.exterior) * (PIXEL, -PIXEL) + (0.0, 80.0))


def overlap(one, other):
    return one.intersection(other).area / one.union(other).area


def row(number, gap, *, length=14.0, width=7.0):
    return [box(20, 5 + k * (width + gap), 20 + length, 5 + k * (width + gap) + width) for k in range(number)]


HOUSE = box(30, 30, 46, 38)
L_PLAN = unary_union([box(20, 20, 48, 28), box(20, 20, 28, 44)])
U_PLAN = unary_union([L_PLAN, box(40, 20, 48, 44)])
T_PLAN = unary_union([box(20, 20, 52, 27), box(32, 20, 40, 40)])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("blur", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("gap", [3.0, 4.0, 6.0])
def test_houses_in_a_row_are_counted_one_by_one(gap, blur, seed):
    assert count(likelihood(row(6, gap), seed, blur=blur)) == 6


@pytest.mark.parametrize("ground", [0.0, 0.2])
@pytest.mark.parametrize("gap", [3.0, 4.0, 6.0])
def test_houses_in_a_row_keep_their_areas_though_their_blurs_meet(gap, ground):
    """The ground between and around them may itself look a little like a building."""
    plane = ground + (1.0 - ground) * likelihood([rotate(h, 17, origin=(40, 40)) for h in row(6, gap)], 3, blur=2.0, top=0.9 - ground)
    parts = separate(plane.astype(np.float32), np.zeros_like(plane), **SPLIT)
    soft = ndi.gaussian_filter(plane, SMOOTHING_PX)
    areas = [
        outline(soft, parts.labels == k, parts.level[k], pixel_m=PIXEL, smallest_px=SMALLEST_PX).polygon.area * PIXEL**2
        for k in range(1, int(parts.labels.max()) + 1)
    ]
    assert areas == pytest.approx([14 * 7] * 6, rel=0.08)
    assert np.mean(areas) == pytest.approx(14 * 7, rel=0.06)


def test_threads_along_a_building_are_no_part_of_it():
    plane = likelihood([HOUSE, box(46, 33, 62, 34), box(30, 38, 31, 52)], 2, blur=0.6)
    _, metric = drawn(plane)
    assert overlap(metric, HOUSE) > 0.93


@pytest.mark.parametrize("seed", range(3))
def test_houses_on_a_turned_lattice_are_counted_one_by_one(seed):
    houses = [rotate(box(x, y, x + 9, y + 7), 30, origin=(40, 40)) for x in (12, 25, 38, 51) for y in (18, 29, 40, 51)]
    assert count(likelihood(houses, seed, blur=1.5)) == 16


@pytest.mark.parametrize("plan", [L_PLAN, U_PLAN, T_PLAN, box(10, 35, 70, 41), box(20, 20, 60, 60)])
@pytest.mark.parametrize("angle", [0.0, 33.0])
def test_a_building_of_several_wings_is_one(plan, angle):
    assert [count(likelihood([rotate(plan, angle)], seed, grain=0.08)) for seed in range(4)] == [1] * 4


def test_a_long_hall_with_dips_in_its_likelihood_is_one():
    dips = likelihood([box(8, 30, 72, 46)], 3)
    dips[:, 60:64] *= 0.75
    dips[:, 100:110] *= 0.7
    assert count(dips) == 1
    dips[:, 80:86] *= 0.25
    assert count(dips) == 2


@pytest.mark.parametrize("seed", range(4))
def test_a_thin_bridge_does_not_join_two_buildings_and_a_broad_wing_does(seed):
    blocks = [box(15, 30, 27, 40), box(33, 30, 45, 40)]
    assert count(likelihood([*blocks, box(26, 34, 34, 36.5)], seed)) == 2
    assert count(likelihood([*blocks, box(26, 31, 34, 39)], seed)) == 1


def test_grain_alone_makes_no_object_and_specks_are_left_out():
    assert count(likelihood([], 1, grain=0.12)) == 0
    assert count(likelihood([box(10, 10, 13, 13), HOUSE], 1)) == 1


def test_parts_of_contrary_change_are_parted_where_like_ones_are_not():
    house = box(42, 30, 56, 38)
    plane = likelihood([box(20, 30, 36, 38), box(35, 31.4, 43, 36.6), house], 2)
    new = likelihood([house], 3)
    assert count(plane) == 1
    assert separate(plane, new, **SPLIT).labels.max() == 2


@pytest.mark.parametrize("size", [(16.0, 7.0), (40.0, 6.0), (24.0, 20.0), (60.0, 30.0)])
def test_a_rectangle_keeps_its_area_its_sides_and_its_direction(size):
    errors = []
    for k in range(12):
        angle = 15.0 * k + 4.0
        truth = translate(rotate(box(40 - size[0] / 2, 40 - size[1] / 2, 40 + size[0] / 2, 40 + size[1] / 2), angle), 0.13, 0.21)
        shape, metric = drawn(likelihood([truth], k))
        assert shape.form == "rectangle"
        assert metric.is_valid
        # Rows run down: what turns left on the ground turns right in pixels.
        bearing = -np.rad2deg(np.arctan2(shape.along[1], shape.along[0]))
        turn = (bearing - angle + 90.0) % 180.0 - 90.0
        errors.append(
            (metric.area / truth.area - 1.0, turn, shape.long_px * PIXEL - size[0], shape.wide_px * PIXEL - size[1], overlap(metric, truth))
        )
    area, turn, length, width, alike = np.array(errors).T
    assert np.abs(area).max() < 0.05
    assert np.abs(turn).max() < (2.0 if size[0] > 1.5 * size[1] else 4.0)
    assert np.abs(length).max() < 0.8
    assert np.abs(width).max() < 0.8
    assert alike.min() > 0.9


@pytest.mark.parametrize(("plan", "corners"), [(L_PLAN, 6), (U_PLAN, 8), (T_PLAN, 8)])
@pytest.mark.parametrize("angle", [0.0, 20.0, 45.0, 71.0])
def test_wings_are_drawn_with_right_angles(plan, corners, angle):
    truth = rotate(plan, angle, origin=(40, 40))
    shape, metric = drawn(likelihood([truth], round(angle)))
    assert shape.form == "right angles"
    assert len(metric.exterior.coords) == corners + 1
    assert metric.is_valid
    assert metric.area == pytest.approx(truth.area, rel=0.05)
    assert overlap(metric, truth) > 0.92
    sides = np.diff(get_coordinates(metric.exterior), axis=0)
    for one, other in pairwise(sides):
        assert abs(one @ other) < 1e-6 * np.hypot(*one) * np.hypot(*other)


def test_a_courtyard_stays_open_and_a_skylight_does_not():
    block = box(20, 20, 50, 50)
    shape, _ = drawn(likelihood([block.difference(box(29, 29, 41, 41))], 5))
    assert len(shape.polygon.interiors) == 1
    assert shape.polygon.area * PIXEL**2 == pytest.approx(900 - 144, rel=0.05)
    solid, _ = drawn(likelihood([block.difference(box(34, 34, 36, 36))], 5))
    assert not solid.polygon.interiors


def test_what_has_no_walls_is_drawn_as_it_is():
    sickle = box(0, 0, 1, 1).centroid.buffer(16).difference(translate(box(0, 0, 1, 1).centroid.buffer(14), 10, 3))
    shape, metric = drawn(likelihood([translate(sickle, 40, 40)], 1))
    assert shape.form == "free"
    assert metric.is_valid
    assert metric.area == pytest.approx(sickle.area, rel=0.08)


@pytest.mark.parametrize("seed", range(3))
def test_a_new_building_appeared_and_one_that_is_gone_was_removed(seed):
    assert changes(pair(after=[HOUSE], new=[HOUSE], seed=seed)) == ["appeared"]
    assert changes(pair(before=[HOUSE], gone=[HOUSE], seed=seed)) == ["removed"]
    assert changes(pair(before=[HOUSE], after=[HOUSE], seed=seed)) == ["unchanged"]
    assert changes(pair(seed=seed)) == []


@pytest.mark.parametrize("step", [(1, 0), (0, -1), (1, 1), (2, 0)])
@pytest.mark.parametrize("direct", [0.0, 0.6])
def test_misregistration_makes_nothing_new(step, direct):
    """Rows of barracks seen a pixel or two off; the model itself takes the fringes for half a change."""
    barracks = row(5, 4.0)
    off = [translate(b, *np.multiply(step, PIXEL)) for b in barracks]
    planes = pair(barracks, off, [o.difference(b) for o, b in zip(off, barracks, strict=True)], top=direct)
    decided = decide(planes, StructureParams(), SMALLEST_PX)
    assert [b.change for b in decided.buildings] == ["unchanged"] * 5
    assert decided.score.max() < 0.5


@pytest.mark.parametrize("side", [(-1.0, 0.0, 0.0, 0.0), (0.0, -1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0)])
def test_a_fringe_of_lean_along_one_side_makes_nothing_new(side):
    leaning = box(*np.add(HOUSE.bounds, side))
    assert changes(pair([HOUSE], [leaning], [leaning.difference(HOUSE)])) == ["unchanged"]
    assert changes(pair([leaning], [HOUSE], gone=[leaning.difference(HOUSE)])) == ["unchanged"]


@pytest.mark.parametrize("seed", range(3))
def test_a_building_that_lost_or_gained_a_part_is_altered_and_told_once(seed):
    half, rest = box(30, 30, 38, 38), box(38, 30, 46, 38)
    assert changes(pair([HOUSE], [half], gone=[rest], seed=seed)) == ["altered"]
    assert changes(pair([half], [HOUSE], new=[rest], seed=seed)) == ["altered"]
    assert changes(pair([L_PLAN], [box(20, 20, 48, 28)], gone=[box(20, 28, 28, 44)], seed=seed)) == ["altered"]


def test_altered_buildings_are_drawn_as_the_date_shows_them_that_shows_more():
    half, rest = box(30, 30, 38, 38), box(38, 30, 46, 38)
    for planes, date in ((pair([HOUSE], [half], gone=[rest]), 0), (pair([half], [HOUSE], new=[rest]), 1)):
        (building,) = decide(planes, StructureParams(), SMALLEST_PX).buildings
        assert building.date == date
        assert building.measures["changed_share"] == pytest.approx(0.5, abs=0.1)


def test_a_building_put_in_the_place_of_another_is_altered_and_one_beside_it_is_new():
    assert changes(pair([HOUSE], [HOUSE], [HOUSE], [HOUSE])) == ["altered"]
    beside = translate(HOUSE, 14.0, 6.0)
    assert changes(pair([HOUSE], [beside], [beside], [HOUSE])) == ["appeared", "removed"]


@pytest.mark.parametrize("seed", range(3))
def test_a_new_house_that_touches_an_old_one_is_new(seed):
    new = box(47, 30, 58, 38)
    assert changes(pair([HOUSE], [HOUSE, new], [new], seed=seed)) == ["appeared", "unchanged"]


def test_in_a_row_each_building_has_its_own_answer():
    houses = row(6, 4.0)
    old, new, gone = houses[:2], houses[2:4], houses[4:]
    assert changes(pair([*old, *gone], [*old, *new], new, gone)) == ["appeared"] * 2 + ["removed"] * 2 + ["unchanged"] * 2


def test_a_change_likelihood_without_gaps_joins_no_houses_and_finds_one_of_which_the_single_date_is_unsure():
    houses = row(5, 4.0)
    blob = box(houses[0].bounds[0], houses[0].bounds[1], houses[-1].bounds[2], houses[-1].bounds[3])
    after, new = likelihood(houses, 2, blur=2.0), likelihood([blob], 3, top=0.8)
    nothing = likelihood([], 4)
    planes = Likelihoods(nothing, after, new, nothing, grid())
    assert changes(planes) == ["appeared"] * 5
    unsure = Likelihoods(nothing, likelihood([HOUSE], 5, top=0.4), likelihood([HOUSE], 6), nothing, grid())
    assert changes(unsure) == ["appeared"]


def test_what_stood_before_is_not_new_whatever_the_model_says_and_what_it_denies_is_not_either():
    assert changes(pair([HOUSE], [HOUSE], [HOUSE])) == ["unchanged"]
    (weak,) = decide(pair(after=[HOUSE]), StructureParams(), SMALLEST_PX).buildings
    assert weak.change == "appeared"
    assert weak.raw < 0.4


def test_the_direct_evidence_alone_decides_where_the_weight_is_on_it():
    planes = pair([HOUSE], [HOUSE], [HOUSE])
    (building,) = decide(planes, StructureParams(model_direct=1.0), SMALLEST_PX).buildings
    assert building.change == "appeared"
    (other,) = decide(pair(after=[HOUSE]), StructureParams(model_direct=0.0), SMALLEST_PX).buildings
    assert other.measures["change_evidence"] > 0.7
    assert other.raw < building.raw


def test_exchanging_the_dates_exchanges_the_answers():
    houses = row(6, 4.0)
    planes = pair([*houses[:2], *houses[4:]], houses[:4], houses[2:4], houses[4:])
    turned = Likelihoods(planes.structure_after, planes.structure_before, planes.removed, planes.appeared, planes.geobox)
    forth, back = (decide(p, StructureParams(), SMALLEST_PX) for p in (planes, turned))
    swap = {"appeared": "removed", "removed": "appeared"}
    changed = [sorted((swap.get(b.change, b.change), b.label, b.raw) for b in d.buildings if b.change in swap) for d in (forth, back)]
    assert changed[0] == sorted((swap[c], label, raw) for c, label, raw in changed[1])
    np.testing.assert_array_equal(forth.score, back.score[::-1])


def test_of_two_new_buildings_alike_in_likelihood_the_larger_scores_higher():
    hut, hall = box(10, 10, 16, 15), box(30, 30, 60, 45)
    small, large = sorted(decide(pair(after=[hut, hall], new=[hut, hall]), StructureParams(), SMALLEST_PX).buildings, key=lambda b: b.raw)
    assert large.raw > small.raw + 0.05
    assert large.measures["likelihood"] > 0.7


def test_what_one_date_hides_is_left_out():
    planes = pair(after=[HOUSE], new=[HOUSE])
    hidden = mask_of(HOUSE.buffer(3), grid())
    veiled = [np.where(hidden, np.float32(np.nan), p) for p in (planes.structure_before, planes.appeared, planes.removed)]
    decided = decide(Likelihoods(veiled[0], planes.structure_after, *veiled[1:], planes.geobox), StructureParams(), SMALLEST_PX)
    assert decided.buildings == ()
    np.testing.assert_array_equal(np.isnan(decided.score), [hidden, hidden])


def test_a_building_that_the_edge_of_what_is_seen_cuts_off_scores_lower_than_one_seen_whole():
    whole, cut = box(10, 10, 26, 22), box(40, 10, 60, 22)
    planes = pair(after=[whole, cut], new=[whole, cut])
    hidden = mask_of(box(56, 0, 70, 40), grid())
    veiled = [np.where(hidden, np.float32(np.nan), p) for p in (planes.structure_before, planes.structure_after, planes.appeared, planes.removed)]
    first, second = sorted(decide(Likelihoods(*veiled, planes.geobox), StructureParams(), SMALLEST_PX).buildings, key=lambda b: b.label)
    assert first.change == second.change == "appeared"
    # Sides of 16 and 12 m: one of the short ones is a fifth of the rim, half-way from a tenth to three tenths.
    assert second.raw / first.raw == pytest.approx(0.87, abs=0.03)


def test_the_score_ranks_new_buildings_before_specks_and_their_rims_before_ground_and_is_low_on_standing_ones():
    new, old, speck = box(10, 10, 26, 18), box(40, 40, 56, 48), box(60, 10, 62, 12)
    score = decide(pair([old], [old, new, speck], [new, speck]), StructureParams(), SMALLEST_PX).score[1]
    assert score.dtype == np.float32
    assert score[mask_of(new.buffer(-1), grid())].min() > 0.7
    assert score[mask_of(old, grid())].max() < 0.3
    assert score[mask_of(speck, grid())].max() < score[mask_of(new.buffer(-1), grid())].min() - 0.1
    # Within the tolerance of a metre the outline may be wrong; farther out it is not.
    rim, beyond = (
        mask_of(new.buffer(0.5, join_style="mitre"), grid()) & ~mask_of(new, grid()),
        mask_of(new.buffer(6).difference(new.buffer(3)), grid()),
    )
    assert score[rim].min() > score[beyond].max() + 0.08


def test_same_input_same_answer_and_nothing_is_written_to():
    planes = pair([HOUSE], [HOUSE, *row(3, 4.0)], row(3, 4.0))
    stacked = np.stack([planes.structure_before, planes.structure_after, planes.appeared, planes.removed])
    first, second = (decide(planes, StructureParams(), SMALLEST_PX) for _ in range(2))
    assert first.buildings == second.buildings or [(b.change, b.raw) for b in first.buildings] == [(b.change, b.raw) for b in second.buildings]
    np.testing.assert_array_equal(first.score, second.score)
    np.testing.assert_array_equal(stacked, np.stack([planes.structure_before, planes.structure_after, planes.appeared, planes.removed]))
