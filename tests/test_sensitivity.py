"""Planting and finding again: with a stand-in detector whose skill is known, the curve must show that skill."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy import ndimage as ndi
from scipy.stats import beta
from shapely import union_all
from shapely.geometry import Point, box

from camwatch.aoi import Site
from camwatch.findings import Finding, Findings
from camwatch.imagery.image import Image, Sun
from camwatch.rasters import mask_of, polygons_of
from camwatch.render import Solid
from camwatch.sensitivity import Sensitivity, control_windows, measure, planting_window
from camwatch.sensitivity.measure import matched
from camwatch.sensitivity.remains import remains_of
from camwatch.sensitivity.windows import control_site, frame_of, lines_of

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # affine 3 about odc-geo's own arithmetic

GRID = GeoBox((420, 420), Affine(1, 0, 560_000, 0, -1, 4_632_000), "EPSG:32652")
CAMP = box(560_120, 4_631_680, 560_320, 4_631_880)
SIZES = (6.0, 12.0, 20.0)


def picture(day, *, seed=1, valid=None):
    rng = np.random.default_rng(seed)
    ground = 0.2 + 0.02 * ndi.gaussian_filter(np.random.default_rng(9).standard_normal(GRID.shape), 4)
    values = (ground + 0.002 * rng.standard_normal(GRID.shape)).astype(np.float32)[None]
    usable = np.ones(GRID.shape, bool) if valid is None else valid
    return Image(values, usable, ("pan",), GRID, datetime(*day, tzinfo=UTC), Sun(150, 40), 1.0, "surface reflectance", f"s{day[0]}")


@pytest.fixture(scope="module")
def pair():
    return picture((2009, 9, 1)), picture((2011, 9, 1), seed=2)


def site(area=CAMP):
    return Site("camp", area, area, area, 5.0, {}, nominal=False)


class Differencer:
    """Reports whatever brightened or darkened by 0.03 and covers at least `least_m2`, where the site says; counts how often it is asked."""

    def __init__(self, least_m2=0.0, *, along_line=False, extra=(), obeys=True):
        self.least_m2, self.along_line, self.extra, self.obeys, self.calls, self.shapes = least_m2, along_line, extra, obeys, 0, []

    def __call__(self, before, after, where):
        self.calls += 1
        self.shapes.append(tuple(before.geobox.shape))
        ground = (where if self.obeys else site()).perimeter_after.boundary.buffer(8) if self.along_line else where.area
        seen = mask_of(ground, before.geobox) & before.valid & after.valid
        change = np.abs(ndi.uniform_filter(after.values[0] - before.values[0], 3)) > 0.03
        labels, _ = ndi.label(change & before.valid & after.valid)
        records = [
            Finding(f"{i:04d}", "structure", "appeared", shape, 1.0, shape.area)
            for i, shape in polygons_of(labels.astype(np.int32), before.geobox).items()
            if shape.area >= self.least_m2 and ground.contains(shape.centroid)
        ]
        records += [r for r in self.extra if ground.contains(r.geometry.centroid)]
        score = np.where(seen if self.along_line else before.valid, np.float32(0.5), np.float32(np.nan))
        dates = (before.acquired, after.acquired)
        km2 = float(seen.sum()) / 1e6
        ids, standing = (where.id, "EPSG:32652", "a", "b", dates), self.along_line
        return Findings("structure", "searched", "", tuple(records), *ids, 1.0, km2, 1.0, score, before.geobox, tells_standing=standing)


def run(images, detector, kind="structure", *, where=None, seed=5, **rest):
    return measure(*images, where or site(), kind=kind, detector=detector, sizes_m=rest.pop("sizes", SIZES), per_size=8, seed=seed, **rest)


def test_a_keen_detector_finds_what_was_planted_and_a_dull_one_only_the_large(pair):
    keen, dull = run(pair, Differencer(4)), run(pair, Differencer(90))
    assert keen.planted == dull.planted
    assert min(keen.planted) >= 4
    assert sum(keen.found) >= 0.9 * sum(keen.planted)
    assert dull.found[0] == 0  # 6 m by 2.6 m with its shadow is far below 90 m²
    assert dull.found[2] >= 0.75 * dull.planted[2]
    assert keen.blind_below_m == 6.0
    assert dull.blind_below_m in (12.0, 20.0)
    assert keen.false_alarms == 0
    # Everything outside the outline and 5 m around it.
    assert keen.control_km2 == pytest.approx((420**2 - CAMP.buffer(5).area) / 1e6, rel=0.02)


def test_it_costs_six_searches_and_leaves_the_images_alone(pair):
    copies = [image.values.copy() for image in pair]
    detector = Differencer(4)
    run(pair, detector)
    assert detector.calls == 6
    assert all(np.array_equal(image.values, copy) for image, copy in zip(pair, copies, strict=True))


def remains(solids):
    """Whether these are what razed buildings left."""
    return all(s.height_m <= 1 for s in solids)


def test_a_razed_building_leaves_nothing_its_floor_or_rubble():
    house = Solid("building", 560_100.0, 4_631_800.0, 24.0, 10.5, 5.0, 30.0, roof="gable")
    rng = np.random.default_rng(1)
    left = [remains_of(house, rng) for _ in range(300)]
    bare = [pieces for pieces in left if not pieces]
    floors = [pieces for pieces in left if pieces and max(p.height_m for p in pieces) <= 0.1]
    assert all(70 <= n <= 130 for n in (len(bare), len(floors), 300 - len(bare) - len(floors)))
    assert all(house.footprint.buffer(1.8).contains(piece.footprint) for pieces in left for piece in pieces)
    assert all(remains(pieces) for pieces in left)
    shares = [sum(p.footprint.area for p in pieces) / house.footprint.area for pieces in floors]
    assert max(shares) <= 1 + 1e-6
    assert 0.6 < np.mean(shares) < 0.9
    assert remains_of(Solid("tower", 0.0, 0.0, 4.0, 4.0, 8.0), rng) == []
    again = np.random.default_rng(1)
    assert [remains_of(house, again) for _ in range(300)] == left


def test_what_is_left_of_a_house_is_drawn_into_the_later_image_alone(pair):
    seen = []

    def keep(image, solids, *, seed):
        seen.append((image.acquired, remains(solids)))
        return image

    run(pair, Differencer(4), planter=keep)
    assert [(day == pair[1].acquired, left) for day, left in seen] == [(True, False), (True, True), (False, False)] * 2


def test_same_seed_same_answer_other_seed_other_places(pair):
    assert run(pair, Differencer(30), seed=5) == run(pair, Differencer(30), seed=5)
    drawn = []

    def keep(image, solids, *, seed):
        if not remains(solids):
            drawn.append([(s.x, s.y) for s in solids])
        return image

    run(pair, Differencer(4), seed=5, planter=keep)
    run(pair, Differencer(4), seed=6, planter=keep)
    assert drawn[:4] == [drawn[0]] * 2 + [drawn[2]] * 2  # each half of the objects into the later image, then into the earlier one
    assert drawn[0] != drawn[4]


def test_objects_stand_on_free_ground_apart_from_one_another(pair):
    half = np.ones(GRID.shape, bool)
    half[:, 220:] = False
    reported = Finding("r", "structure", "appeared", box(560_150, 4_631_700, 560_200, 4_631_860), 1.0, 1.0)
    batches = []

    def keep(image, solids, *, seed):
        if not remains(solids):
            batches.append(solids)
        return image

    images = tuple(replace(image, valid=half) for image in pair)
    result = run(images, Differencer(4, extra=(reported,)), planter=keep)
    assert sum(result.planted) == sum(map(len, batches)) / 2
    assert sum(result.planted) < 24  # the free strip has no room for all, and the record says so
    for solids in batches:
        for i, solid in enumerate(solids):
            assert CAMP.buffer(1).contains(solid.footprint)
            assert solid.footprint.bounds[2] <= 560_220
            assert not solid.footprint.intersects(reported.geometry)
            assert all(solid.footprint.distance(other.footprint) >= 14 - 1e-6 for other in solids[:i])


def test_reports_in_control_ground_are_the_false_alarms(pair):
    outside = tuple(
        Finding(f"o{i}", "structure", change, Point(560_030 + 20 * i, 4_631_620).buffer(3), 1.0, 28.0)
        for i, change in enumerate(["appeared", "removed", "appeared", "unchanged"])
    )
    result = run(pair, Differencer(4, extra=outside))
    assert result.false_alarms == 3
    assert result.false_alarms_per_km2 == pytest.approx(3 / result.control_km2)
    assert "upper bound" in result.control


def test_no_ground_outside_the_outline_measures_no_false_alarms(pair):
    result = run(pair, Differencer(4), where=site(GRID.extent.geom.buffer(10)))
    assert result.false_alarms_per_km2 is None
    assert "no ground outside" in result.control
    assert sum(result.found) > 0


def test_towers_stand_on_the_line_and_their_control_is_a_line_outside(pair):
    on_control = Finding("c", "tower", "unchanged", Point(560_220, 4_631_940).buffer(2), 1.0, 12.0)  # 60 m north of the camp
    detector = Differencer(4, along_line=True, extra=(on_control,))
    result = run(pair, detector, "tower", sizes=(4.0, 6.0))
    assert min(result.planted) >= 4
    assert sum(result.standing_found) >= sum(result.found) >= 0.8 * sum(result.planted)
    assert result.standing_false == 1
    assert result.false_alarms == 0
    assert result.control_km2 == pytest.approx(CAMP.buffer(60).length * 16 / 1e6, rel=0.1)
    assert "60 m outside" in result.control


def test_a_search_that_ignores_its_site_gives_no_control(pair):
    result = run(pair, Differencer(4, along_line=True, obeys=False), "tower", sizes=(5.0,))
    assert result.false_alarms_per_km2 is None


def test_a_pair_too_coarse_is_not_measured(pair):
    def refuse(before, after, where):
        return replace(Differencer()(before, after, where), status="not_testable", reason="30 m pixels.", records=())

    result = run(pair, refuse)
    assert result.planted == (0, 0, 0)
    assert result.blind_below_m is None
    assert result.control == "not measured: 30 m pixels."


def test_the_window_is_bounded():
    grid = GeoBox((1500, 2600), Affine(1, 0, 560_000, 0, -1, 4_632_000), "EPSG:32652")
    images = [
        replace(picture((year, 9, 1)), values=np.full((1, 1500, 2600), 0.2, np.float32), valid=np.ones(grid.shape, bool), geobox=grid)
        for year in (2009, 2011)
    ]
    detector = Differencer(4)

    def plant_nothing(image, solids, *, seed):
        return image

    result = run(images, detector, where=site(box(561_400, 4_631_400, 561_700, 4_631_700)), planter=plant_nothing)
    assert set(detector.shapes) == {(800, 800)}
    assert sum(result.planted) > 0
    assert sum(result.found) == 0


def test_windows_of_a_large_scene_hold_the_site_and_the_control():
    grid = GeoBox((9000, 9000), Affine(0.5, 0, 560_000, 0, -0.5, 4_632_000), "EPSG:32652")
    camp = box(562_000, 4_629_000, 563_500, 4_630_300)
    for kind in ("structure", "tower"):
        planting, control = planting_window(grid, site(camp), kind), control_windows(grid, site(camp), kind)[0]
        assert max(*planting.shape, *control.shape) <= 800
        assert planting.extent.geom.intersects(camp.boundary if kind == "tower" else camp)
    assert camp.contains(planting_window(grid, site(camp), "structure").extent.geom)
    (control,) = control_windows(grid, site(camp), "structure")
    assert not control.extent.geom.intersects(camp)
    # A line is searched over most of its length: 5.9 km of it in parts that show 400 to 800 m.
    parts = control_windows(grid, site(camp), "tower")
    assert 8 <= len(parts) <= 16
    line = camp.buffer(60).boundary
    assert line.intersection(union_all([part.extent.geom for part in parts])).length > 0.9 * line.length
    assert planting_window(grid, site(box(0, 0, 10, 10)), "structure") is None
    # Along a former line towers are planted too, and no control line runs across the ground that it enclosed.
    past = replace(site(camp), former=(camp.buffer(200),))
    assert lines_of(past).length == pytest.approx(camp.length + camp.buffer(200).length)
    assert control_site(past, "tower", frame_of(grid))[0].perimeter_after.contains(camp.buffer(255))


def test_control_ground_may_come_from_another_window(pair):
    left, right = GRID[:, :300], GRID[:, 300:]  # of the camp, the right part has only a strip of 20 m
    parts = [
        [replace(i, values=i.values[..., cols].copy(), valid=i.valid[:, cols].copy(), geobox=g) for i in pair]
        for g, cols in ((left, slice(0, 300)), (right, slice(300, None)))
    ]
    outside = Finding("o", "structure", "appeared", Point(560_400, 4_631_620).buffer(3), 1.0, 28.0)
    for control in ([parts[1]], [parts[1], parts[1]]):  # ground that two parts show, and what is reported there, count once
        detector = Differencer(4, extra=(outside,))
        result = measure(*parts[0], site(), kind="structure", detector=detector, sizes_m=SIZES, per_size=4, seed=1, control=control)
        assert sum(result.found) > 0
        assert result.control_km2 == pytest.approx((120 * 420 - 25 * 210) / 1e6, rel=0.02)
        assert result.false_alarms == 1


def test_one_report_stands_for_one_object():
    houses = [box(0, 0, 10, 5), box(20, 0, 30, 5)]
    blob = Finding("a", "structure", "appeared", box(-1, -1, 31, 6), 1.0, 1.0)
    assert matched(houses, [blob], 2.0).tolist() == [0]
    assert matched(houses, [blob, replace(blob, id="b")], 2.0).tolist() == [0, 1]
    near = Finding("n", "structure", "appeared", Point(31.5, 2.5).buffer(0.5), 1.0, 1.0)
    assert matched(houses, [near], 2.0).tolist() == [1]
    assert matched(houses, [near], 0.5).tolist() == []
    assert matched([], [near], 2.0).tolist() == []


def test_the_record_goes_to_json_and_back():
    record = Sensitivity("tower", (3.0, 5.0), (24, 24), (6, 22), 2, 0.5, "outside", (8, 23), 4)
    assert Sensitivity.from_json(record.as_json()) == record
    mean, low, high = record.probability(1)
    assert mean == pytest.approx(22.5 / 25)
    assert (low, high) == pytest.approx(tuple(beta(22.5, 2.5).ppf([0.025, 0.975])))
    assert record.blind_below_m == 5.0
    assert Sensitivity("tower", (3.0,), (0,), (0,), 0, 0.0, "").blind_below_m is None


class Lopsided(Differencer):
    """Finds all that came, and of what went only what covers 90 m²; reports what `extra` says."""

    def __call__(self, before, after, where):
        found = super().__call__(before, after, where)
        gone = [r for r in found.records if r.change == "appeared" and brightness(after, r) < brightness(before, r)]
        kept = [r for r in found.records if r not in gone] + [replace(r, change="removed") for r in gone if r.area_m2 >= 90]
        return replace(found, records=tuple(kept))


def brightness(image, record):
    inside = mask_of(record.geometry, image.geobox)
    return float(np.abs(image.values[0][inside] - np.median(image.values[0])).mean())


def test_what_was_removed_is_measured_apart_from_what_came(pair):
    elsewhere = [box(560_030 + 30 * i, 4_631_950, 560_040 + 30 * i, 4_631_960) for i in range(5)]
    changes = ("appeared", "removed", "removed", "altered", "unchanged")
    extra = tuple(Finding(f"x{i}", "structure", c, shape, 1.0, 100.0) for i, (c, shape) in enumerate(zip(changes, elsewhere, strict=True)))
    result = run(pair, Lopsided(4, extra=extra))
    assert sum(result.found) >= 0.9 * sum(result.planted)
    assert result.removed_found[0] == 0
    assert 0 < sum(result.removed_found) < sum(result.found)
    assert (result.false_alarms, result.false_removed) == (3, 2)
    record = json.loads(json.dumps(result.as_json()))
    assert Sensitivity.from_json(record) == replace(result, control_km2=round(result.control_km2, 4))
    told = record["curve"][1]["removed"]
    assert told["low"] < told["probability"] < told["high"]
    assert told["probability"] == pytest.approx(beta(told["found"] + 0.5, result.planted[1] - told["found"] + 0.5).mean(), abs=1e-4)
