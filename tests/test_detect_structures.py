"""Buildings that appear and go: planted in manufactured ground, and labelled in real pairs."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy import ndimage as ndi
from shapely import unary_union
from shapely.geometry import Point, box
from skimage.io import imread

from camwatch.aoi import Site
from camwatch.detect import StructureParams, detect_structures
from camwatch.detect._common import change_probability, guessed_azimuth, shadow_step
from camwatch.detect._model import Likelihoods
from camwatch.detect._sides import closed_sides
from camwatch.imagery.image import Image, Sun
from camwatch.rasters import mask_of
from camwatch.render import Solid, plant

WEST, NORTH = 500_000.0, 4_600_000.0
MORNING, NOON = Sun(150.0, 40.0), Sun(175.0, 50.0)
GREY = np.array([1.0, 0.95, 0.85])


EVERY = StructureParams(model_min_score=0.5)
"""An oracle's scores are no probabilities: what is likelier than not is reported."""


class Oracle:
    """A model that knows the footprints (geometries) of both dates, on pixels of its own, and is sure of nothing beyond 0.95."""

    name, version, coarsest_m = "oracle.onnx", "7", 2.5

    def __init__(self, before, after, *, pixel_m=0.5, calibration=()):
        self.shapes = [unary_union(list(shapes)) for shapes in (before, after)]
        self.pixel_m, self.calibration = pixel_m, calibration

    def covers(self, before, after):
        return max(before.gsd_m, after.gsd_m) <= self.coarsest_m

    def likelihood(self, before, after, *, views, half):
        assert (views, half) == (StructureParams().model_views, StructureParams().model_half)
        ratio = self.pixel_m / before.pixel_m
        shape = tuple(int(n / ratio) for n in before.geobox.shape)
        geobox = GeoBox(shape, before.geobox.affine * Affine.scale(ratio), before.geobox.crs)
        earlier, later = self.shapes
        planes = [self._plane(s, geobox) for s in (earlier, later, later.difference(earlier.buffer(1)), earlier.difference(later.buffer(1)))]
        seen = [ndi.zoom(i.valid, np.divide(shape, i.valid.shape), order=0) for i in (before, after)]
        seen = [*seen, seen[0] & seen[1], seen[0] & seen[1]]
        return Likelihoods(*(np.where(s, p, np.float32(np.nan)) for s, p in zip(seen, planes, strict=True)), geobox)

    def probability(self, raw):
        return np.interp(raw, *np.transpose(self.calibration)) if self.calibration else raw

    @staticmethod
    def _plane(shapes, geobox):
        fine = GeoBox((4 * geobox.shape[0], 4 * geobox.shape[1]), geobox.affine * Affine.scale(0.25), geobox.crs)
        share = mask_of(shapes, fine).reshape(geobox.shape[0], 4, geobox.shape[1], 4).mean(axis=(1, 3))
        return np.asarray(0.95 * ndi.gaussian_filter(share, 1.2), np.float32)


def oracle_of(truth, **options):
    new, gone, kept = ([s.footprint for s in truth[name]] for name in ("appeared", "removed", "kept"))
    return Oracle([*gone, *kept], [*new, *kept], **options)


def grid(size, pixel=0.5):
    return GeoBox((size, size), Affine(pixel, 0, WEST, 0, -pixel, NORTH), "EPSG:32652")


def image(values, sun, *, scene="scene", gsd=0.5, bands=("red", "green", "blue")):
    size = values.shape[1]
    acquired = datetime(2012, 5, 1, tzinfo=UTC)
    return Image(values.astype(np.float32), np.ones((size, size), bool), bands, grid(size, gsd), acquired, sun, gsd, "surface reflectance", scene)


def ground(size, seed, *, shift=0.0):
    """Bare soil with fields and grain, reflectance about 0.16; `shift` moves it by pixels."""
    rng = np.random.default_rng(seed)
    layers = [ndi.gaussian_filter(rng.normal(size=(size, size)), scale, mode="wrap") for scale in (40, 8, 1)]
    plane = 0.16 + sum(amount * layer / layer.std() for layer, amount in zip(layers, (0.012, 0.007, 0.006), strict=True))
    return GREY[:, None, None] * ndi.shift(plane, (shift, shift), order=3, mode="grid-wrap")


def grain(values, seed):
    return values + np.random.default_rng(seed).normal(0, 0.003, values.shape)


def site_of(geobox, **changes):
    return replace(Site("test", box(*geobox.extent.geom.bounds), None, None, 0.0, {}, nominal=False), **changes)


def barracks(cells, seed):
    """Barracks of 10 to 30 × 6 to 9 m at cells (row, col) of 40 m, bright or dark."""
    rng = np.random.default_rng(seed)
    return [
        Solid(
            "building",
            WEST + 40.0 * col + 20.0,
            NORTH - 40.0 * row - 20.0,
            rng.uniform(16, 30),
            rng.uniform(7, 9),
            rng.uniform(3.5, 5.0),
            azimuth_deg=rng.uniform(0, 180),
            roof=str(rng.choice(["flat", "gable"])),
            roof_reflectance=float(rng.choice([0.30, 0.38, 0.45])),
        )
        for row, col in cells
    ]


@pytest.fixture(scope="module")
def planted():
    """One pair, 240 × 240 m: twelve buildings new, twelve gone, twelve at both dates; half a pixel off, another sun."""
    cells = [(r, c) for r in range(6) for c in range(6)]
    solids = barracks(cells, 3)
    new, gone, kept = solids[0::3], solids[1::3], solids[2::3]
    before = plant(image(grain(ground(480, 1), 11), MORNING, scene="before"), gone + kept, seed=5)
    after = plant(image(grain(ground(480, 1, shift=0.5), 12), NOON, scene="after"), new + kept, seed=6)
    return before, after, {"appeared": new, "removed": gone, "kept": kept}


def near(records, solids, metres=6.0):
    return sum(any(r.geometry.distance(Point(s.x, s.y)) < metres for r in records) for s in solids)


def test_planted_buildings_are_found_at_the_right_date_and_standing_ones_are_not(planted):
    before, after, truth = planted
    findings = detect_structures(before, after, site_of(before.geobox))
    assert findings.status == "searched"
    assert findings.simulated
    assert findings.observed_share == pytest.approx(1.0)
    assert findings.searched_km2 == pytest.approx(0.24**2)
    for change in ("appeared", "removed"):
        records = [r for r in findings.records if r.change == change]
        assert near(records, truth[change]) >= 10
        right = [r for r in records if any(r.geometry.distance(Point(s.x, s.y)) < 6.0 for s in truth[change])]
        assert len(right) >= 0.85 * len(records)
    assert near(findings.records, truth["kept"]) <= 1


def test_records_measure_the_building(planted):
    before, after, truth = planted
    findings = detect_structures(before, after, site_of(before.geobox))
    assert [r.id for r in findings.records] == [f"structure-{n:04d}" for n in range(1, len(findings.records) + 1)]
    errors, turns = [], []
    for solid in truth["appeared"]:
        record = min((r for r in findings.records if r.change == "appeared"), key=lambda r: r.geometry.distance(Point(solid.x, solid.y)))
        assert 0.0 < record.score <= 1.0
        assert record.geometry.is_valid
        errors.append(record.measures["long_side_m"] - solid.length_m)
        turns.append((record.measures["orientation_deg"] - solid.azimuth_deg + 90.0) % 180.0 - 90.0)
        assert 0.0 <= record.measures["shadow_support"] <= 1.0
    assert np.median(np.abs(errors)) < 3.0
    assert np.median(np.abs(turns)) < 8.0


def test_exchanging_the_dates_exchanges_appeared_and_removed(planted):
    before, after, _ = planted
    forth, back = detect_structures(before, after, site_of(before.geobox)), detect_structures(after, before, site_of(before.geobox))
    assert forth.count("appeared") == back.count("removed") > 0
    assert forth.count("removed") == back.count("appeared") > 0
    np.testing.assert_array_equal(forth.score, back.score)


def test_one_panchromatic_band_is_enough(planted):
    before, after, truth = planted
    pans = [replace(i, values=i.luminance()[None].copy(), bands=("pan",)) for i in (before, after)]
    findings = detect_structures(*pans, site_of(before.geobox))
    assert near([r for r in findings.records if r.change == "appeared"], truth["appeared"]) >= 9


def test_same_input_same_answer_and_nothing_is_written_to(planted):
    before, after, _ = planted
    copies = before.values.copy(), after.values.copy()
    first, second = (detect_structures(before, after, site_of(before.geobox)) for _ in range(2))
    assert first.as_geojson() == second.as_geojson()
    np.testing.assert_array_equal(first.score, second.score)
    np.testing.assert_array_equal(before.values, copies[0])
    np.testing.assert_array_equal(after.values, copies[1])


def test_unchanged_ground_with_other_noise_gain_and_sun_reports_nothing():
    solids = barracks([(1, 1), (1, 3), (3, 2), (3, 4)], 8)
    before = plant(image(grain(ground(480, 2), 1), MORNING), solids, seed=1)
    after = plant(image(grain(1.1 * ground(480, 2, shift=0.3) + 0.01, 2), NOON), solids, seed=2)
    assert detect_structures(before, after, site_of(before.geobox)).records == ()


def test_what_one_date_hides_is_neither_reported_nor_scored(planted):
    before, after, truth = planted
    hidden = truth["appeared"][4]
    veil = mask_of(Point(hidden.x, hidden.y).buffer(25.0), before.geobox)
    values = before.values.copy()
    values[:, veil] = np.nan
    cloudy = replace(before, values=values, valid=before.valid & ~veil)
    findings = detect_structures(cloudy, after, site_of(before.geobox))
    assert np.isnan(findings.score[veil]).all()
    assert np.isfinite(findings.score[~veil]).all()
    assert findings.observed_share == pytest.approx(1.0 - veil.mean(), abs=1e-6)
    assert not any(r.geometry.centroid.distance(Point(hidden.x, hidden.y)) < 20.0 for r in findings.records)
    assert findings.count("appeared") >= 8


def test_ground_outside_the_scene_counts_as_not_observed_and_only_the_area_is_reported(planted):
    before, after, _ = planted
    west, south, east, north = before.geobox.extent.geom.bounds
    middle = (west + east) / 2
    findings = detect_structures(before, after, site_of(before.geobox, area=box(middle, south, east + (east - middle), north)))
    assert findings.observed_share == pytest.approx(0.5)
    assert findings.records
    assert all(r.geometry.representative_point().x > middle for r in findings.records)


def test_nothing_valid_gives_no_records_and_no_share(planted):
    before, after, _ = planted
    blank = replace(before, valid=np.zeros_like(before.valid))
    findings = detect_structures(blank, after, site_of(before.geobox))
    assert (findings.status, findings.records, findings.observed_share) == ("searched", (), 0.0)
    assert np.isnan(findings.score).all()


def test_coarse_pixels_are_not_testable_but_show_a_generic_change_score():
    rng = np.random.default_rng(0)
    scene = ground(128, 4)
    other = 1.2 * scene + 0.02 + rng.normal(0, 0.002, scene.shape)
    other[:, 40:60, 40:60] += 0.15
    before, after = image(scene + rng.normal(0, 0.002, scene.shape), NOON, gsd=10.0), image(other, NOON, gsd=10.0)
    findings = detect_structures(before, after, site_of(before.geobox))
    assert (findings.status, findings.records) == ("not_testable", ())
    assert "10 m pixels show buildings from about 20 m" in findings.reason
    patch = np.zeros((128, 128), bool)
    patch[40:60, 40:60] = True
    assert findings.score.dtype == np.float32
    assert findings.score.min() >= 0.0
    assert findings.score.max() <= 1.0
    assert np.median(findings.score[patch]) > 0.99
    assert np.median(findings.score[~patch]) < 0.7
    assert detect_structures(before, after, site_of(before.geobox), StructureParams(max_gsd_m=20.0)).status == "searched"


@pytest.mark.parametrize("bands", [("pan",), ("red", "green", "blue")])
def test_the_generic_score_is_a_probability_and_blind_to_gain_and_offset(bands):
    rng = np.random.default_rng(1)
    base = rng.normal(0.2, 0.05, (len(bands), 200, 200))
    before, after = image(base + rng.normal(0, 0.01, base.shape), NOON, bands=bands), image(base + rng.normal(0, 0.01, base.shape), NOON, bands=bands)
    seen = before.valid
    score = change_probability(before, after, seen)
    # Under no change a chi-square probability is uniform.
    for level in (0.25, 0.5, 0.9):
        assert np.mean(score < level) == pytest.approx(level, abs=0.03)
    stretched = change_probability(before, replace(after, values=(3.0 * after.values + 7.0).astype(np.float32)), seen)
    np.testing.assert_allclose(stretched, score, atol=0.02)


def test_another_likelihood_can_take_the_place_of_the_cues(planted):
    before, after, truth = planted
    solid = truth["appeared"][0]
    mark = mask_of(box(solid.x - 8, solid.y - 4, solid.x + 8, solid.y + 4), before.geobox)

    def oracle(of):
        return np.where(mark & (of.scene == "after"), np.float32(0.9), np.float32(0.0))

    findings = detect_structures(before, after, site_of(before.geobox), likelihood=oracle)
    assert [r.change for r in findings.records] == ["appeared"]
    assert findings.records[0].area_m2 == pytest.approx(128.0, rel=0.1)
    assert findings.records[0].score == pytest.approx(0.9, abs=0.05)


def stage(draw):
    """A pair of 200 × 200 m of bare ground, the second with `draw(values, row, col)` on it: `row`, `col` in metres."""
    before, after = (grain(ground(400, 21), seed) for seed in (1, 2))
    col, row = np.meshgrid(np.arange(400) / 2, np.arange(400) / 2)
    draw(after, row, col)
    return [image(values, NOON, scene=name) for values, name in ((before, "before"), (after, "after"))]


def paint(values, mask, reflectance):
    values[:, mask] += ((reflectance - 0.16) * GREY)[:, None]


def house(values, row, col, *, length=16.0):
    paint(values, (abs(row - 100) < 4) & (abs(col - 100) < length / 2), 0.35)
    paint(values, (abs(row - 94) < 2) & (abs(col - 100) < length / 2), 0.05)  # the sun stands in the south


def strip_beside_a_wall(values, row, col):
    house(values, row, col, length=400.0)


def bright_field(values, row, col):
    paint(values, (abs(row - 100) < 20) & (abs(col - 100) < 14), 0.30)


def corner_of_a_field(values, row, col):
    paint(values, (row > 100) & (col > 100), 0.30)


@pytest.mark.parametrize(("draw", "count"), [(house, 1), (strip_beside_a_wall, 0), (bright_field, 0), (corner_of_a_field, 0)])
def test_what_ends_on_all_sides_and_throws_shade_is_a_building_and_strips_and_fields_are_none(draw, count):
    before, after = stage(draw)
    records = detect_structures(before, after, site_of(before.geobox)).records
    assert [r.change for r in records] == ["appeared"] * count
    for record in records:
        assert record.geometry.contains(Point(WEST + 100, NORTH - 100))
        assert record.measures["weakest_side"] > 0.5
        assert record.measures["shadow_support"] > 0.5


def test_four_sides_count_by_the_weakest():
    plane = np.zeros((1, 60, 60), np.float32)
    plane[0, 20:40, 10:50] = 3.0
    frame = np.array([[29.5, 29.5, 0.0, 1.0, 40.0, 20.0], [29.5, 29.5, 0.0, 1.0, 20.0, 20.0]]).T
    whole, piece = closed_sides(plane, frame, 1.0)
    assert whole == pytest.approx(1.0, abs=0.01)
    assert piece == 0.0


def test_far_from_the_area_nothing_is_looked_at_and_an_area_off_the_grid_has_no_records(planted):
    before, after, _ = planted
    west, south, _, north = before.geobox.extent.geom.bounds
    score = detect_structures(before, after, site_of(before.geobox, area=box(west, south, west + 60, north))).score
    assert np.isfinite(score[:, :240]).all()
    assert np.isnan(score[:, 241:]).all()
    elsewhere = detect_structures(before, after, site_of(before.geobox, area=box(west - 900, south, west - 800, north)))
    assert (elsewhere.records, elsewhere.observed_share) == ((), 0.0)
    assert np.isnan(elsewhere.score).all()


def test_sensors_of_two_resolutions_are_compared_on_the_coarser(planted):
    before, after, truth = planted
    coarse = replace(before, values=ndi.uniform_filter(before.values, (0, 4, 4)), gsd_m=2.0)
    findings = detect_structures(coarse, after, site_of(before.geobox))
    assert findings.score.shape == before.valid.shape
    assert near([r for r in findings.records if r.change == "appeared"], truth["appeared"]) >= 6


def test_grids_that_differ_are_refused(planted):
    before, _, _ = planted
    with pytest.raises(ValueError, match="load both on the same GeoBox"):
        detect_structures(before, image(ground(240, 1), NOON), site_of(before.geobox))


@pytest.mark.parametrize("azimuth", [130.0, 160.0, 205.0])
def test_the_sun_is_read_from_the_shadows(azimuth):
    solids = barracks([(r, c) for r in range(6) for c in range(6)], 4)
    scene = replace(plant(image(ground(480, 5), Sun(azimuth, 40.0)), solids, seed=1), sun=None)
    guess = guessed_azimuth(scene)
    assert guess is not None
    assert abs(guess - azimuth) <= 40.0


def test_the_sun_is_not_guessed_without_shadows_or_in_the_tropics():
    symmetric = np.random.default_rng(3).normal(0.2, 0.02, (3, 256, 256))
    assert guessed_azimuth(image(symmetric, None)) is None
    north = image(ground(64, 1), None)
    equator = replace(north, geobox=GeoBox((64, 64), Affine(0.5, 0, WEST, 0, -0.5, 500_000.0), "EPSG:32652"))
    assert guessed_azimuth(equator) is None


@pytest.mark.parametrize(("azimuth", "towards"), [(180.0, (-1, 0)), (90.0, (0, -1)), (225.0, (-1, 1))])
def test_a_shadow_points_away_from_the_sun(azimuth, towards):
    step = np.array(shadow_step(Sun(azimuth, 45.0), grid(8)))
    assert np.hypot(*step) == pytest.approx(2.0)  # two pixels of 0.5 m for a metre
    np.testing.assert_allclose(step / np.abs(step).max(), towards, atol=1e-9)


@pytest.mark.parametrize("pixel_m", [0.5, 0.4, 1.0])
def test_a_model_tells_each_building_once_whatever_its_pixels(planted, pixel_m):
    before, after, truth = planted
    findings = detect_structures(before, after, site_of(before.geobox), EVERY, model=oracle_of(truth, pixel_m=pixel_m))
    assert {c: findings.count(c) for c in ("appeared", "removed", "altered", "unchanged")} == {
        "appeared": 12,
        "removed": 12,
        "altered": 0,
        "unchanged": 12,
    }
    for change, name in (("appeared", "appeared"), ("removed", "removed"), ("unchanged", "kept")):
        for solid in truth[name]:
            (record,) = [r for r in findings.records if r.change == change and r.geometry.contains(Point(solid.x, solid.y))]
            assert record.geometry.intersection(solid.footprint).area / record.geometry.union(solid.footprint).area > 0.85
            assert record.area_m2 == pytest.approx(solid.footprint.area, rel=0.08 if pixel_m < 1 else 0.15)
            assert record.measures["long_side_m"] == pytest.approx(solid.length_m, abs=1.0)
            assert record.measures["width_m"] == pytest.approx(solid.width_m, abs=1.0)
            assert abs((record.measures["orientation_deg"] - solid.azimuth_deg + 90.0) % 180.0 - 90.0) < 3.0
    assert [r.id for r in findings.records] == [f"structure-{n:04d}" for n in range(1, 37)]
    assert "oracle.onnx (version 7)" in findings.reason


def test_the_score_of_a_model_lies_where_the_buildings_are_on_the_grid_of_the_images(planted):
    before, after, truth = planted
    for pixel_m in (0.5, 0.4, 1.0):
        score = detect_structures(before, after, site_of(before.geobox), model=oracle_of(truth, pixel_m=pixel_m)).score
        assert score.shape == before.valid.shape
        offsets = []
        for solid in truth["appeared"]:
            weight = np.where(mask_of(solid.footprint.buffer(3), before.geobox), score, 0)
            row, col = (float(np.average(axis, weights=weight)) + 0.5 for axis in np.indices(score.shape))
            x, y = before.geobox.affine * (col, row)
            offsets.append((x - solid.x, y - solid.y))
        assert np.abs(np.mean(offsets, axis=0)).max() < 0.06


def test_the_second_opinion_knows_nothing_of_the_model(planted):
    before, after, truth = planted
    measures = {
        c: [r.measures for r in detect_structures(before, after, site_of(before.geobox), EVERY, model=oracle_of(truth)).records if r.change == c]
        for c in ("appeared", "removed", "unchanged")
    }
    opinion = {change: np.mean([m["second_opinion"] for m in found]) for change, found in measures.items()}
    assert min(opinion["appeared"], opinion["removed"]) > opinion["unchanged"] + 0.4
    liar = Oracle([], [s.footprint for s in truth["kept"]])
    told = [
        r.measures["second_opinion"]
        for r in detect_structures(before, after, site_of(before.geobox), EVERY, model=liar).records
        if r.change == "appeared"
    ]
    assert len(told) == 12
    assert np.mean(told) < 0.4


def test_scores_are_the_probabilities_of_the_calibration_and_the_raw_number_stays(planted):
    before, after, truth = planted
    plain, calibrated = (
        detect_structures(before, after, site_of(before.geobox), StructureParams(model_min_score=0.0), model=oracle_of(truth, calibration=knots))
        for knots in ((), ((0.0, 0.0), (0.5, 0.2), (1.0, 0.9)))
    )
    assert "no calibrated" in plain.reason
    assert "as its maker calibrated" in calibrated.reason
    for one, other in zip(plain.records, calibrated.records, strict=True):
        raw = one.measures["raw_score"]
        assert raw == other.measures["raw_score"]
        if one.change != "unchanged":
            assert one.score == pytest.approx(raw)
            assert other.score == pytest.approx(np.interp(raw, [0, 0.5, 1], [0, 0.2, 0.9]))
    # Changes and what stands have thresholds of their own.
    for asked, left in (({"model_min_score": 0.99}, {"unchanged"}), ({"model_min_score": 0.99, "model_min_standing": 1.01}, set())):
        strict = detect_structures(before, after, site_of(before.geobox), StructureParams(**asked), model=oracle_of(truth))
        assert {r.change for r in strict.records} == left


def test_a_model_is_not_asked_about_pixels_that_it_does_not_cover(planted):
    before, after, truth = planted
    coarse = replace(before, values=ndi.uniform_filter(before.values, (0, 6, 6)), gsd_m=3.0)
    findings = detect_structures(coarse, after, site_of(before.geobox), model=oracle_of(truth))
    assert "Searched without training: the model oracle.onnx covers pixels up to 2.5 m, these have 3 m." in findings.reason
    assert findings.records == detect_structures(coarse, after, site_of(before.geobox)).records


def test_a_model_hears_nothing_of_hidden_ground_and_reports_only_in_the_area(planted):
    before, after, truth = planted
    west, south, _, north = before.geobox.extent.geom.bounds
    veil = mask_of(box(west, south, west + 60, north), before.geobox)
    cloudy = replace(before, valid=before.valid & ~veil)
    site = site_of(before.geobox, area=box(west, south, west + 160, north))
    findings = detect_structures(cloudy, after, site, model=oracle_of(truth))
    assert findings.observed_share == pytest.approx(100 / 160, abs=0.01)
    assert np.isnan(findings.score[veil]).all()
    assert all(west + 50 < r.geometry.centroid.x < west + 160 for r in findings.records)
    assert findings.records


def test_the_same_model_says_the_same_twice_and_the_reverse_in_reverse(planted):
    before, after, truth = planted
    model, turned = oracle_of(truth), oracle_of({"appeared": truth["removed"], "removed": truth["appeared"], "kept": truth["kept"]})
    first, second = (detect_structures(before, after, site_of(before.geobox), model=model) for _ in range(2))
    assert first.as_geojson() == second.as_geojson()
    back = detect_structures(after, before, site_of(before.geobox), model=turned)
    np.testing.assert_array_equal(first.score, back.score)
    for one, other in (("appeared", "removed"), ("removed", "appeared")):
        here, there = ([r for r in f.records if r.change == c] for f, c in ((first, one), (back, other)))
        assert [(r.score, r.geometry.wkt) for r in here] == [(r.score, r.geometry.wkt) for r in there]


def test_real_suburb_new_houses_are_found_and_the_reverse_finds_few(shared):
    folder = shared / "data/pairs/levir_cd"
    crop = (slice(400, 1024), slice(0, 624))
    before, after = (image(np.moveaxis(imread(folder / d / "test_10.png")[crop][..., :3].astype(float), 2, 0), None, scene=d) for d in "AB")
    truth = imread(folder / "label" / "test_10.png")[crop] > 127
    findings = detect_structures(before, after, site_of(before.geobox))
    labels, count = ndi.label(truth)
    new = [r for r in findings.records if r.change == "appeared"]
    found = {int(v) for r in new for v in np.unique(labels[mask_of(r.geometry, before.geobox)])} - {0}
    right = sum(bool(truth[mask_of(r.geometry, before.geobox)].mean() > 0.5) for r in new)
    assert "guessed" in findings.reason
    assert len(found) >= 0.28 * count
    assert right >= 0.5 * len(new)
    assert findings.count("removed") <= 0.25 * len(new)
