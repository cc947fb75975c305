"""Guard towers planted along a line: found, linked between dates, and not imagined where none stand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy import ndimage as ndi
from shapely import affinity
from shapely.geometry import Point, Polygon, box
from skimage.io import imread

from camwatch.aoi import Site
from camwatch.detect import TowerParams, detect_towers, search_band
from camwatch.detect._tower_band import POST_M, held_share
from camwatch.detect._tower_frame import PIXEL_M, SunFrame
from camwatch.detect._tower_model import load_tower_model
from camwatch.errors import ConfigError
from camwatch.imagery.image import Image, Sun
from camwatch.imagery.sun import noonish_sun, solar_position, sun_of
from camwatch.rasters import mask_of
from camwatch.render import Solid, plant

WEST, NORTH = 500_000.0, 4_600_000.0
SIDE_M = 320.0
CENTRE = Point(WEST + SIDE_M / 2, NORTH - SIDE_M / 2)
RING = CENTRE.buffer(125.0, 64)
SMALL_RING = CENTRE.buffer(45.0, 64)
MORNING, NOON = Sun(150.0, 40.0), Sun(190.0, 48.0)


def image(values, sun, *, pixel=0.5, scene="scene"):
    size = values.shape[1]
    geobox = GeoBox((size, size), Affine(pixel, 0, WEST, 0, -pixel, NORTH), "EPSG:32652")
    acquired = datetime(2012, 5, 1, tzinfo=UTC)
    bands = ("pan",) if len(values) == 1 else ("red", "green", "blue")
    return Image(values.astype(np.float32), np.ones((size, size), bool), bands, geobox, acquired, sun, pixel, "surface reflectance", scene)


def ground(seed, *, pixel=0.5, noise=0):
    """Bare soil with fields, grain and dark bushes of 2 to 4 m that cast no shadow; reflectance about 0.18."""
    rng = np.random.default_rng(seed)
    size = round(SIDE_M / pixel)
    layers = [ndi.gaussian_filter(rng.normal(size=(size, size)), metres / pixel, mode="wrap") for metres in (20.0, 4.0, 0.5)]
    plane = 0.18 + sum(amount * layer / layer.std() for layer, amount in zip(layers, (0.015, 0.010, 0.006), strict=True))
    bushes = ndi.gaussian_filter((rng.random((size, size)) < 4e-4).astype(float), 1.0 / pixel)
    plane -= 0.10 * np.minimum(bushes / (bushes.max() / 2), 1.0)
    grain = np.random.default_rng(1000 * seed + noise).normal(0, 0.003, (3, size, size))
    return np.array([1.0, 0.95, 0.85])[:, None, None] * plane + grain


def towers(numbers, seed):
    """Towers 4 to 6 m wide, 6 to 11 m high, at numbered posts 32 m apart along the ring, a metre or so off the line."""
    rng = np.random.default_rng(seed)
    solids = []
    for number in range(24):
        at = RING.exterior.interpolate((number + 0.5) / 24, normalized=True)
        side = rng.uniform(4.0, 6.0)
        solids.append(
            Solid(
                "tower",
                at.x + rng.uniform(-1.5, 1.5),
                at.y + rng.uniform(-1.5, 1.5),
                side,
                side,
                rng.uniform(6, 11),
                azimuth_deg=rng.uniform(0, 90),
                roof=str(rng.choice(["flat", "pyramid"])),
                pitch=0.2,
                roof_reflectance=float(rng.choice([0.32, 0.40, 0.48])),
            )
        )
    return [solids[n] for n in numbers]


NEW, GONE, KEPT = range(0, 24, 3), range(1, 24, 3), range(2, 24, 3)


def pair(pixel=0.5, seed=1):
    before = plant(image(ground(seed, pixel=pixel, noise=1), MORNING, pixel=pixel, scene="before"), towers([*GONE, *KEPT], 4), seed=1)
    after = plant(image(ground(seed, pixel=pixel, noise=2), NOON, pixel=pixel, scene="after"), towers([*NEW, *KEPT], 4), seed=2)
    return before, after


def site_of(geobox, **changes):
    return replace(Site("test", box(*geobox.extent.geom.bounds), RING, RING, 5.0, {}, nominal=True), **changes)


@pytest.fixture(scope="module")
def planted():
    return pair()


@pytest.fixture(scope="module")
def found_planted(planted):
    return detect_towers(*planted, site_of(planted[0].geobox))


def state_at(findings, solid, metres=3.5):
    return [r.change for r in findings.records if r.geometry.centroid.distance(Point(solid.x, solid.y)) <= metres]


def test_towers_new_gone_and_standing_are_told_apart(found_planted):
    findings = found_planted
    assert findings.status == "searched"
    assert findings.nominal
    for name, numbers in (("appeared", NEW), ("removed", GONE), ("unchanged", KEPT)):
        assert sum(state_at(findings, s) == [name] for s in towers(numbers, 4)) >= 6, name
    every = towers(range(24), 4)
    imagined = [r for r in findings.records if not any(r.geometry.centroid.distance(Point(s.x, s.y)) <= 3.5 for s in every)]
    assert len(imagined) <= 1


CAMP = Polygon([(WEST + x, NORTH - y) for x, y in ((45, 60), (160, 38), (275, 70), (282, 260), (170, 284), (50, 250))])


def walled(seed, sun, *, noise, scene, wall=True):
    """Ground with a bright strip 13 m wide, a patrol path in it, and a wall of 3.3 m that throws its own shadow on them."""
    plain = image(ground(seed, noise=noise), sun, scene=scene)
    values = plain.values.copy()
    for geometry, tone in ((CAMP.exterior.buffer(6.5), 1.35), (CAMP.buffer(-4.5).exterior.buffer(1.2), 1.2)):
        values[:, mask_of(geometry, plain.geobox)] *= tone
    corners = list(CAMP.exterior.coords)
    pieces = [
        Solid("wall", (x0 + x1) / 2, (y0 + y1) / 2, np.hypot(x1 - x0, y1 - y0), 0.5, 3.3, azimuth_deg=np.degrees(np.arctan2(x1 - x0, y1 - y0)))
        for (x0, y0), (x1, y1) in pairwise(corners)
    ]
    built = plant(replace(plain, values=values), pieces, seed=noise)
    return built if wall else plain


def on_the_wall(numbers, seed):
    """Towers 4.5 to 6 m wide at numbered posts 40 m apart, 3.5 m inside the wall and turned along it."""
    rng = np.random.default_rng(seed)
    inner = CAMP.buffer(-3.5, join_style="mitre").exterior
    solids = []
    for number in range(18):
        at, ahead = (inner.interpolate(inner.length * (number + 0.5) / 18 + step) for step in (0.0, 1.0))
        side = rng.uniform(4.5, 6.0)
        solids.append(
            Solid(
                "tower",
                at.x,
                at.y,
                side,
                side,
                rng.uniform(7, 10),
                azimuth_deg=np.degrees(np.arctan2(ahead.x - at.x, ahead.y - at.y)),
                roof=str(rng.choice(["flat", "pyramid"])),
                pitch=0.45,
                roof_reflectance=float(rng.uniform(0.25, 0.42)),
            )
        )
    return [solids[n] for n in numbers]


def wandering(metres=2.0):
    """Return the wall's ring as a tracer draws it: off by up to two metres, in waves of 60 m."""
    line = CAMP.exterior
    steps = np.arange(0.0, line.length, 4.0)
    points = [line.interpolate(s) for s in steps]
    return Polygon([(p.x + metres * np.sin(s / 9.5), p.y + metres * np.cos(s / 9.5)) for p, s in zip(points, steps, strict=True)])


@pytest.fixture(scope="module")
def on_walls():
    before = plant(walled(11, MORNING, noise=1, scene="before"), on_the_wall([*range(1, 18, 3), *range(2, 18, 3)], 6), seed=1)
    after = plant(walled(11, NOON, noise=2, scene="after"), on_the_wall([*range(0, 18, 3), *range(2, 18, 3)], 6), seed=2)
    return before, after


@pytest.fixture(scope="module")
def found_on_walls(on_walls):
    traced = site_of(on_walls[0].geobox, perimeter_before=wandering(), perimeter_after=wandering(), perimeter_accuracy_m=5.0)
    return detect_towers(*on_walls, traced)


def test_towers_on_a_wall_with_its_strip_and_shadow_are_told_apart(found_on_walls):
    findings = found_on_walls
    for name, first in (("appeared", 0), ("removed", 1), ("unchanged", 2)):
        assert sum(state_at(findings, s) == [name] for s in on_the_wall(range(first, 18, 3), 6)) >= 4, name
    every = on_the_wall(range(18), 6)
    imagined = [r for r in findings.records if not any(r.geometry.centroid.distance(Point(s.x, s.y)) <= 5.0 for s in every)]
    assert len(imagined) <= 1


def test_a_wall_without_towers_reports_none_even_where_it_is_new():
    before, after = walled(12, MORNING, noise=1, scene="before", wall=False), walled(12, NOON, noise=2, scene="after")
    site = site_of(before.geobox, perimeter_before=wandering(), perimeter_after=wandering(), perimeter_accuracy_m=5.0)
    assert len(detect_towers(before, after, site).records) <= 1


def test_a_record_is_a_small_square_with_its_evidence(found_planted):
    findings = found_planted
    assert [r.id for r in findings.records] == [f"tower-{n:04d}" for n in range(1, len(findings.records) + 1)]
    for record in findings.records:
        assert record.geometry.area == pytest.approx(record.area_m2)
        assert 2.5 <= record.measures["side_m"] <= 9.0
        assert 4.0 <= record.measures["height_m"] <= 14.0
        assert 0.0 <= record.score <= 1.0
        assert record.score == max(record.measures.get(f"score_{when}", 0.0) for when in ("before", "after"))
    changed = [r for r in findings.records if r.change in ("appeared", "removed")]
    for record in changed:
        assert np.nanmax(findings.score[mask_of(record.geometry, findings.geobox)]) == pytest.approx(record.score, abs=1e-6)


def test_band_gives_the_searched_area_and_the_score_is_nan_outside(planted):
    site = site_of(planted[0].geobox, perimeter_before=SMALL_RING, perimeter_after=SMALL_RING)
    findings = detect_towers(*planted, site, TowerParams(band_m=20.0))
    band = search_band(site, params=TowerParams(band_m=20.0))
    assert band.area == pytest.approx(SMALL_RING.exterior.buffer(20.0).area, rel=1e-3)
    assert findings.searched_km2 == pytest.approx(band.area / 1e6, rel=0.01)
    assert findings.observed_share == pytest.approx(1.0, abs=0.01)
    inside = mask_of(band, findings.geobox)
    assert findings.score.dtype == np.float32
    assert np.isfinite(findings.score[inside]).all()
    assert np.isnan(findings.score[~inside]).all()


def test_the_band_follows_the_accuracy_of_the_prior_within_limits(planted):
    for accuracy, width in ((5.0, 15.0), (10.0, 15.0), (12.0, 25.0), (30.0, 45.0), (500.0, 60.0)):
        site = site_of(planted[0].geobox, perimeter_accuracy_m=accuracy)
        assert search_band(site).area == pytest.approx(RING.exterior.buffer(width).area, rel=1e-3)
    assert search_band(site_of(planted[0].geobox, perimeter_before=None, perimeter_after=None)) is None


def test_towers_that_stand_along_a_former_line_are_found(planted):
    inner = site_of(planted[0].geobox, perimeter_before=SMALL_RING, perimeter_after=SMALL_RING)
    alone, both = (detect_towers(*planted, site) for site in (inner, replace(inner, former=(RING,))))
    assert not alone.records
    assert sum(state_at(both, s) == ["unchanged"] for s in towers(KEPT, 4)) >= 6
    assert sum(state_at(both, s) == ["removed"] for s in towers(GONE, 4)) >= 6
    assert both.searched_km2 == pytest.approx((RING.exterior.buffer(15.0).area + SMALL_RING.exterior.buffer(15.0).area) / 1e6, rel=0.02)
    assert {r.measures.get("along") for r in both.records} == {"former line"}
    present = detect_towers(*planted, replace(inner, perimeter_before=RING, former=(SMALL_RING,)))
    assert present.records
    assert not any("along" in r.measures for r in present.records)
    # What a line was does not stand for what it is.
    assert detect_towers(*planted, replace(inner, perimeter_before=None, perimeter_after=None, former=(RING,))).status == "not_testable"


def test_along_an_outline_that_may_be_far_off_little_of_the_line_counts_as_seen(planted):
    shares = {}
    for accuracy, (low, high) in {3.0: (1.0, 1.0), 10.0: (0.86, 0.87), 30.0: (0.86, 0.87), 60.0: (0.68, 0.69), 3000.0: (0.015, 0.017)}.items():
        site = site_of(planted[0].geobox, perimeter_before=SMALL_RING, perimeter_after=SMALL_RING, perimeter_accuracy_m=accuracy)
        findings = detect_towers(*planted, site)
        # What of an error of that spread (normal) lies within the band.
        assert low - 1e-3 <= held_share(site) <= high + 1e-3
        assert findings.held_share == held_share(site)
        assert findings.observed_share == pytest.approx(1.0, abs=0.02)  # some bushes are dark and wide enough to hide one
        assert bool(findings.reason) == (accuracy > 3.0)
        shares[accuracy] = findings.searched_km2
    assert f"good to {3000} m" in findings.reason
    assert shares[3000.0] == pytest.approx(shares[60.0])
    assert held_share(site_of(planted[0].geobox, perimeter_accuracy_m=3000.0, posts=(CENTRE,))) == 1.0


def test_ground_without_towers_reports_none_under_other_noise_and_sun():
    before, after = image(ground(7, noise=1), MORNING), image(ground(7, noise=2), NOON)
    findings = detect_towers(before, after, site_of(before.geobox))
    assert findings.status == "searched"
    assert findings.records == ()
    assert np.nanmax(findings.score) == 0.0


def test_standing_towers_do_not_appear(planted):
    before = plant(image(ground(8, noise=1), MORNING), towers(range(24), 9), seed=1)
    after = plant(image(ground(8, noise=2), NOON), towers(range(24), 9), seed=2)
    findings = detect_towers(before, after, site_of(before.geobox))
    assert findings.count("unchanged") >= 19
    assert findings.count("appeared") + findings.count("removed") <= 1


def test_a_wrong_sun_finds_nothing(planted):
    turned = [replace(i, sun=Sun((i.sun.azimuth_deg + 180.0) % 360.0, i.sun.elevation_deg)) for i in planted]
    assert len(detect_towers(*turned, site_of(planted[0].geobox)).records) <= 2


def test_one_panchromatic_band_is_enough(planted):
    pans = [replace(i, values=i.luminance()[None].copy(), bands=("pan",)) for i in planted]
    findings = detect_towers(*pans, site_of(planted[0].geobox))
    assert sum(state_at(findings, s) == ["appeared"] for s in towers(NEW, 4)) >= 6


def test_seventy_centimetres_still_show_most_towers():
    before, after = pair(pixel=0.7)
    findings = detect_towers(before, after, site_of(before.geobox))
    assert sum(bool(state_at(findings, s)) for s in towers(range(24), 4)) >= 15


def test_what_the_other_date_hides_is_not_observed(planted):
    before, after = planted
    hidden = towers(NEW, 4)
    veil = np.zeros(before.valid.shape, bool)
    for solid in hidden:
        veil |= mask_of(Point(solid.x, solid.y).buffer(12.0), before.geobox)
    values = before.values.copy()
    values[:, veil] = np.nan
    findings = detect_towers(replace(before, values=values, valid=~veil), after, site_of(before.geobox))
    states = [state_at(findings, s) for s in hidden]
    assert sum(s == ["not_observed"] for s in states) >= 6
    assert findings.count("appeared") == 0
    unseen = [r for r in findings.records if r.change == "not_observed"]
    assert all("score_before" not in r.measures and r.measures["hidden_by"] == "no data" for r in unseen)
    assert findings.observed_share < 0.95
    assert np.isnan(findings.score[veil]).all()


def test_line_beyond_the_scene_counts_as_not_observed(planted):
    away = SMALL_RING.union(affinity.translate(SMALL_RING, 1000.0))
    findings = detect_towers(*planted, site_of(planted[0].geobox, perimeter_before=away, perimeter_after=away))
    assert findings.observed_share == pytest.approx(0.5, abs=0.01)
    nowhere = Point(CENTRE.x + 5000.0, CENTRE.y).buffer(125.0)
    empty = detect_towers(*planted, site_of(planted[0].geobox, perimeter_before=nowhere, perimeter_after=nowhere))
    assert (empty.status, empty.records, empty.observed_share, empty.searched_km2) == ("searched", (), 0.0, 0.0)


def test_same_input_same_answer_and_nothing_is_written_to(planted, found_planted):
    copies = [i.values.copy() for i in planted]
    first, second = found_planted, detect_towers(*planted, site_of(planted[0].geobox))
    assert first.as_geojson() == second.as_geojson()
    np.testing.assert_array_equal(first.score, second.score)
    for item, copy in zip(planted, copies, strict=True):
        np.testing.assert_array_equal(item.values, copy)


def test_what_cannot_be_tested_says_why(planted):
    before, after = planted
    site = site_of(before.geobox)
    coarse = [replace(i, gsd_m=2.5) for i in planted]
    vague, low = Sun(180.0, 40.0, 90.0), Sun(180.0, 8.0)
    for findings, words in (
        (detect_towers(*coarse, site), "2.5 m pixels cannot show a 4–6 m tower"),
        (detect_towers(before, after, site_of(before.geobox, perimeter_before=None, perimeter_after=None)), "No perimeter is known"),
        (detect_towers(before, replace(after, sun=vague), site), "unknown for after"),
        (detect_towers(replace(before, sun=low), after, site), "under 12° in before"),
    ):
        assert findings.status == "not_testable"
        assert words in findings.reason
        assert findings.records == ()
        assert findings.searched_km2 == 0.0
        assert np.isnan(findings.score).all()


def test_grids_that_differ_are_refused(planted):
    with pytest.raises(ValueError, match="load both on the same GeoBox"):
        detect_towers(planted[0], image(ground(1, pixel=0.8), NOON, pixel=0.8), site_of(planted[0].geobox))


def test_towers_in_a_real_wooded_suburb(shared):
    folder = shared / "data/pairs/levir_cd"
    crop = (slice(192, 832), slice(192, 832))
    first, second = (np.moveaxis(imread(folder / d / "test_12.png")[crop][..., :3].astype(float) / 255.0, 2, 0) for d in "AB")
    before, after = image(first, MORNING), plant(image(second, NOON), towers(range(0, 24, 2), 5), seed=3)
    # No line runs there, so that none can have been traced.
    findings = detect_towers(before, after, site_of(before.geobox, perimeter_accuracy_m=25.0))
    found = [state_at(findings, s) for s in towers(range(0, 24, 2), 5)]
    assert sum("appeared" in states for states in found) >= 5
    right = sum(len(states) for states in found)
    assert len(findings.records) - right <= 2


def test_listed_posts_are_measured_and_nothing_is_searched(planted):
    listed = [towers([n], 4)[0] for n in (*KEPT, *GONE)]
    posts = (*(Point(s.x + 2.0, s.y - 1.0) for s in listed), Point(CENTRE.x + 40.0, CENTRE.y), Point(WEST - 500.0, NORTH))
    site = site_of(planted[0].geobox, posts=posts, perimeter_before=None, perimeter_after=None)
    findings = detect_towers(*planted, site)
    assert len(findings.records) == len(posts) - 1
    assert [r.geometry.centroid.distance(p) for r, p in zip(findings.records, posts, strict=False)] == pytest.approx([0.0] * 17, abs=1e-6)
    assert search_band(site).area == pytest.approx(len(posts) * np.pi * POST_M**2, rel=0.02)
    states = [r.change for r in findings.records]
    assert states[:8].count("unchanged") >= 6
    assert states[8:16].count("removed") >= 5
    assert not {"appeared", "removed"} & set(states[:8])
    assert not {"appeared", "unchanged"} & set(states[8:16])
    assert states[16] == "not_observed"
    veil = mask_of(Point(listed[8].x, listed[8].y).buffer(14.0), planted[0].geobox)
    hidden = detect_towers(planted[0], replace(planted[1], valid=~veil), site).records[8]
    assert hidden.change == "not_observed"
    assert "score_after" not in hidden.measures


def test_a_crown_over_the_place_says_not_observed_instead_of_razed(planted):
    before, after = planted
    gone = towers(GONE, 4)
    values = after.values.copy()
    side = values.shape[1]
    rows, cols = np.mgrid[0:side, 0:side]
    rng = np.random.default_rng(3)
    for solid in gone:
        row, col = (NORTH - solid.y) / 0.5 - 0.5, (solid.x - WEST) / 0.5 - 0.5
        lumps = ndi.gaussian_filter(rng.standard_normal((side, side)), 2.0)
        crown = np.hypot(rows - row, cols - col) < 13 + 6 * lumps / lumps.std() * 0.3
        light = 1.0 - 0.5 * ((cols - col) - (rows - row)) / 26
        green = np.array([0.055, 0.08, 0.04])[:, None, None] * (light + 0.35 * lumps / lumps.std())
        values = np.where(crown, green, values).astype(np.float32)
    findings = detect_towers(before, replace(after, values=values), site_of(before.geobox))
    states = [state_at(findings, s) for s in gone]
    assert sum(s == ["not_observed"] for s in states) >= 5
    assert findings.count("removed") <= 2


def test_a_frame_turns_shadows_to_the_right_and_back_again():
    rng = np.random.default_rng(0)
    frame = SunFrame.along((0.8, -1.2), (10.0, 20.0))
    places = rng.uniform(-50, 50, (20, 2))
    np.testing.assert_allclose(frame.of(frame.at(places)), places, atol=1e-9)
    np.testing.assert_allclose(frame.at(np.array([[0.0, 2.0]]))[0] - (10.0, 20.0), np.array([0.8, -1.2]) * 2 * PIXEL_M)
    moved = frame.moved(3.0, 4.0)
    np.testing.assert_allclose(moved.at(np.zeros((1, 2))), frame.at(np.array([[3.0, 4.0]])))
    plane = np.add.outer(np.arange(120.0), 2 * np.arange(130.0)).astype(np.float32)[None]
    sampled = SunFrame.along((0.8, -1.2), (50.0, 80.0)).sampled(plane, (9, 11))
    at = SunFrame.along((0.8, -1.2), (50.0, 80.0)).at(np.array([[8.0, 10.0]]))[0]
    assert sampled[0, 8, 10] == pytest.approx(at[0] + 2 * at[1], abs=1e-2)


def test_the_shipped_model_is_small_and_another_file_is_refused(tmp_path):
    model = load_tower_model()
    assert model is load_tower_model()
    assert (np.diff(model.rates[:, 0]) > 0).all()
    assert 0.0 < model.probability(-9.0) < 0.05
    assert model.probability(12.0) > 0.9
    other = tmp_path / "towers.onnx"
    other.write_bytes(b"no model")
    with pytest.raises(ConfigError, match="not a model that can be run"):
        load_tower_model(other)


def test_a_place_and_its_mirror_image_across_the_shadows_are_the_same_to_the_model():
    ground = np.random.default_rng(5).normal(size=(1, 5, 64, 96)).astype(np.float32)
    session = load_tower_model().session
    there, mirrored = (session.run(None, {"ground": np.ascontiguousarray(g)})[0] for g in (ground, ground[:, :, ::-1]))
    np.testing.assert_allclose(mirrored[:, :, ::-1], there, atol=1e-4)
    assert np.ptp(there[0, 0]) > 0.1


def test_the_sun_is_computed_where_the_product_does_not_state_it(planted):
    """Jean Meeus' and NREL's published positions are in the tests of the renderer; here the ways to a sun."""
    plain = replace(planted[0], sun=None)
    # 41.5° N, 129° E: local noon is at about 3:24 UTC; on the first of May the sun then stands in the south, 63° high.
    when = datetime(2012, 5, 1, 3, 21, tzinfo=UTC)
    noon = sun_of(replace(plain, acquired=when))
    assert noon.azimuth_deg == pytest.approx(180.0, abs=2.0)
    assert noon.elevation_deg == pytest.approx(63.4, abs=0.5)
    assert noon.doubt_deg == 0.0
    assert sun_of(planted[0]) is planted[0].sun
    dated = sun_of(replace(plain, acquired=datetime(2012, 5, 1, tzinfo=UTC)))
    night = sun_of(replace(plain, acquired=datetime(2012, 5, 1, 15, 0, tzinfo=UTC)))
    assert dated == night
    assert dated.azimuth_deg == pytest.approx(180.0, abs=8.0)
    assert dated.doubt_deg > 25.0


@pytest.mark.parametrize(("month", "low", "high"), [(6, 35.0, 50.0), (12, 13.0, 19.0)])
def test_a_date_alone_bounds_the_sun(month, low, high):
    day = datetime(2012, month, 21, tzinfo=UTC)
    sun = noonish_sun(day, 129.0, 41.0)
    assert low < sun.doubt_deg < high
    for hour in (10.0, 12.0, 14.0):
        true = solar_position(day + timedelta(hours=hour - 129.0 / 15), 129.0, 41.0)
        assert abs((true.azimuth_deg - sun.azimuth_deg + 180) % 360 - 180) < 2.2 * sun.doubt_deg
    with pytest.raises(ValueError, match="doubt"):
        Sun(180.0, 40.0, -1.0)


def test_a_doubtful_sun_off_by_twenty_degrees_finds_most(planted):
    off = [replace(i, sun=Sun(i.sun.azimuth_deg + turn, i.sun.elevation_deg, 12.0)) for i, turn in zip(planted, (18.0, -18.0), strict=True)]
    findings = detect_towers(*off, site_of(planted[0].geobox))
    assert sum(bool(state_at(findings, s)) for s in towers(range(24), 4)) >= 15
