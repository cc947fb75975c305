"""Registration against manufactured truth: what moved is known to a thousandth of a pixel, so tolerances come from the method."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy import ndimage

from camwatch.errors import PairError
from camwatch.imagery.image import Image
from camwatch.registration import Registration, register
from camwatch.registration._check import Matches
from camwatch.registration._decide import common, decide
from camwatch.registration._planes import Pyramid, to_level
from camwatch.registration.source import Source

PRECISION = 0.02  # px: what registration promises where the dates look alike


def grid(shape, gsd=0.5):
    return GeoBox(shape, Affine(gsd, 0, 559_000, 0, -gsd, 4_633_000), "EPSG:32652")


def image(values, valid=None, *, gsd=0.5, bands=None, geobox=None):
    values = np.array(values, np.float32)
    values = values[None] if values.ndim == 2 else values
    valid = np.ones(values.shape[1:], bool) if valid is None else np.array(valid)
    bands = bands or ("pan",)
    return Image(values, valid, bands, geobox or grid(values.shape[1:], gsd), datetime(2012, 5, 1, tzinfo=UTC), None, gsd, "dn", "made")


def scene(size=512, seed=0, margin=0):
    """Roofs, fields and grain, blurred as a sensor blurs, so that an order-5 spline moves it without error that matters."""
    rng = np.random.default_rng(seed)
    side = size + 2 * margin
    out = 40 * ndimage.gaussian_filter(rng.normal(size=(side, side)), 12) / 0.024 * 0.3
    for _ in range(side * side // 500):
        row, col = rng.integers(0, side, 2)
        high, wide = rng.integers(5, 26, 2)
        out[row : row + high, col : col + wide] += rng.normal(0, 30)
    out += rng.normal(0, 6, out.shape)
    return 120 + ndimage.gaussian_filter(out, 1.2)


def shift_matrix(rows, cols):
    """Moving content lies `rows` further down and `cols` further right; moving pixel → reference pixel, (col, row)."""
    return np.array([[1.0, 0.0, -cols], [0.0, 1.0, -rows]])


def turned_matrix(degrees, scale, shape):
    angle, centre = np.deg2rad(degrees), (np.array(shape[::-1]) - 1) / 2
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([linear, centre - linear @ centre])


def move(values, matrix):
    swap = np.array([[0, 1], [1, 0]])
    return ndimage.affine_transform(values, swap @ matrix[:, :2] @ swap, swap @ matrix[:, 2], order=5, mode="reflect")


def disturb(values, rng, noise=2.0):
    """Another gamma, gain, haze and noise."""
    return 200 * (np.clip(values, 1, 255) / 255) ** 0.8 + np.linspace(0, 15, values.shape[1]) + rng.normal(0, noise, values.shape)


def error_px(found: Registration, truth, shape):
    col, row = np.meshgrid(np.linspace(0, shape[1] - 1, 9), np.linspace(0, shape[0] - 1, 9))
    points = np.stack([col.ravel(), row.ravel(), np.ones(col.size)])
    return float(np.sqrt((((found.matrix - truth) @ points) ** 2).sum(axis=0).mean()))


@pytest.fixture(scope="module")
def ground():
    return scene()


@pytest.mark.parametrize(("rows", "cols"), [(0.13, -0.09), (2.6, -1.75), (47.2, -63.9)])
def test_shift_under_other_radiometry(ground, rows, cols):
    truth = shift_matrix(rows, cols)
    found = register(image(ground), image(disturb(move(ground, truth), np.random.default_rng(1))))
    assert (found.status, found.model) == ("ok", "shift")
    assert error_px(found, truth, ground.shape) < PRECISION
    # The sign: moving content lies further down and right.
    assert found.shift_px(255.5, 255.5) == pytest.approx((rows, cols), abs=PRECISION)
    assert found.check.rmse_after_px < 0.05
    assert found.check.rmse_before_px == pytest.approx(np.hypot(rows, cols), abs=0.05)
    assert found.tie_points > 50
    assert len(found.tie_positions) == len(found.tie_residuals) == found.tie_points


def test_rotation_and_scale_need_the_similarity(ground):
    truth = turned_matrix(0.35, 1.0015, ground.shape)
    found = register(image(ground), image(disturb(move(ground, truth), np.random.default_rng(2))))
    assert (found.status, found.model) == ("ok", "similarity")
    assert error_px(found, truth, ground.shape) < PRECISION


def test_shear_needs_the_affine(ground):
    truth = np.array([[1.002, 0.004, -3.0], [0.0, 0.998, 2.0]])
    found = register(image(ground), image(disturb(move(ground, truth), np.random.default_rng(3))))
    assert (found.status, found.model) == ("ok", "affine")
    assert error_px(found, truth, ground.shape) < PRECISION


def test_large_rotation_is_searched_for(ground):
    truth = turned_matrix(5.0, 1.08, ground.shape)
    found = register(image(ground), image(disturb(move(ground, truth), np.random.default_rng(4))))
    assert found.ok
    assert error_px(found, truth, ground.shape) < PRECISION


def test_gaps_are_never_read(ground):
    truth = shift_matrix(3.3, 2.1)
    moved = disturb(move(ground, truth), np.random.default_rng(5))
    valid = (np.arange(512)[:, None] + 0.15 * np.arange(512)[None]) % 60 >= 14
    answers = [register(image(ground), image(np.where(valid, moved, filler), valid)) for filler in (1e6, np.nan)]
    assert answers[0].ok
    assert error_px(answers[0], truth, ground.shape) < PRECISION
    np.testing.assert_array_equal(answers[1].matrix, answers[0].matrix)


def test_scattered_missing_pixels_do_no_harm(ground):
    truth = shift_matrix(-1.3, 0.7)
    valid = np.random.default_rng(20).random(ground.shape) < 0.97
    valid[200:260] = False
    moved = np.where(valid, disturb(move(ground, truth), np.random.default_rng(21)), 0)
    found = register(image(ground), image(moved, valid))
    assert found.ok
    assert error_px(found, truth, ground.shape) < PRECISION


def test_zero_is_a_dark_pixel(ground):
    truth = shift_matrix(1.4, -2.2)
    dark = np.clip(ground - 110, 0, None)
    moved = np.clip(move(ground, truth) - 110, 0, None)
    assert 0.2 < (moved == 0).mean() < 0.8
    assert error_px(register(image(dark), image(moved)), truth, ground.shape) < PRECISION


def test_real_change_is_no_tie_point(ground):
    truth = shift_matrix(1.3, 0.8)
    moved = disturb(move(ground, truth), np.random.default_rng(6))
    other = scene(seed=99)
    moved[:, 300:] = disturb(other, np.random.default_rng(7))[:, 300:]
    found = register(image(ground), image(moved))
    assert found.ok
    assert error_px(found, truth, ground.shape) < 2 * PRECISION


def test_other_sensor_and_blur(ground):
    truth = shift_matrix(2.3, -1.1)
    coarse = ndimage.gaussian_filter(move(ground, truth), 3.0)
    colours = np.stack([0.5 * coarse + 20, 0.8 * coarse, 1.1 * coarse - 10])
    sensor = Image(
        colours.astype(np.float32) / 400,
        np.ones(ground.shape, bool),
        ("blue", "green", "red"),
        grid(ground.shape),
        datetime(2000, 1, 1, tzinfo=UTC),
        None,
        3.0,
        "toa reflectance",
        "coarse",
    )
    found = register(image(ground), sensor)
    assert found.ok
    assert error_px(found, truth, ground.shape) < 0.1


def test_small_grid_of_landsat_pixels():
    ground = scene(100, seed=3)
    truth = shift_matrix(0.6, -1.2)
    found = register(image(ground, gsd=30), image(disturb(move(ground, truth), np.random.default_rng(8)), gsd=30))
    assert found.ok
    assert error_px(found, truth, ground.shape) < 2 * PRECISION


def test_large_grid_is_sampled():
    ground = scene(1280, seed=4)
    truth = turned_matrix(0.2, 1.001, ground.shape)
    found = register(image(ground), image(disturb(move(ground, truth), np.random.default_rng(9))))
    assert found.ok
    assert error_px(found, truth, ground.shape) < PRECISION


def test_aligned_pair_stays_untouched(ground):
    found = register(image(ground), image(disturb(ground, np.random.default_rng(10))))
    assert (found.status, found.model) == ("ok", "none")
    assert "untouched" in found.reason
    np.testing.assert_array_equal(found.matrix, np.eye(3)[:2])
    np.testing.assert_array_equal(found.check.before, found.check.after)


def test_loading_on_the_moving_geobox_aligns():
    """The source is a scene whose georeferencing is wrong by a known transform; loading it where the answer says leaves nothing."""
    wide, margin = scene(512, seed=6, margin=40), 40
    ground = wide[margin:-margin, margin:-margin]
    place = grid(ground.shape)
    truth = turned_matrix(0.3, 1.002, ground.shape) + np.array([[0, 0, -2.4], [0, 0, 1.7]])

    def load(geobox):
        # Map → pixel of the wrongly believed grid → where the content truly is.
        believed = ~(place.affine * Affine.translation(0.5, 0.5)) * geobox.affine * Affine.translation(0.5, 0.5)
        total = Affine(*truth[0], *truth[1]) * believed
        linear, offset = np.array([[total.e, total.d], [total.b, total.a]]), np.array([total.f, total.c]) + margin
        pixels = ndimage.affine_transform(wide, linear, offset, output_shape=ground.shape, order=5)
        return image(disturb(pixels, np.random.default_rng(11)), geobox=place)

    found = register(image(ground, geobox=place), load(place))
    assert error_px(found, truth, ground.shape) < PRECISION
    again = register(image(ground, geobox=place), load(found.moving_geobox(place)))
    assert (again.status, again.model) == ("ok", "none")
    assert again.check.rmse_after_px < 0.05


def test_deterministic_and_inputs_untouched(ground):
    ground = ground[:256, :256]
    moving = image(disturb(move(ground, shift_matrix(5.5, 3.25)), np.random.default_rng(12)))
    reference = image(ground)
    copies = [np.array(i.values) for i in (reference, moving)]
    first, second = register(reference, moving), register(reference, moving)
    assert first.as_json(100, 100) == second.as_json(100, 100)
    np.testing.assert_array_equal(first.matrix, second.matrix)
    for i, copy in zip((reference, moving), copies, strict=True):
        np.testing.assert_array_equal(i.values, copy)


@pytest.mark.parametrize(
    ("reference", "moving", "word"),
    [
        (np.ones((10, 10)), np.ones((10, 10)), "at least"),
        (scene(512), np.full((512, 512), 7.0), "one value"),
        (scene(512), np.random.default_rng(14).normal(size=(512, 512)), "peak"),
        (scene(512), scene(512, seed=50), "peak"),
    ],
    ids=["tiny", "one colour", "noise", "another place"],
)
def test_hopeless_pairs_are_refused(reference, moving, word):
    found = register(image(reference), image(moving))
    assert (found.status, found.model) == ("refused", "none")
    assert word in found.reason
    assert "\n" not in found.reason
    np.testing.assert_array_equal(found.matrix, np.eye(3)[:2])
    assert np.isnan(found.se_px)


STRIP = np.arange(512)[:, None] + np.zeros((1, 512)) < 40
SPECKS = np.random.default_rng(13).random((512, 512)) < 0.12


@pytest.mark.parametrize("valid", [np.zeros((512, 512), bool), STRIP, SPECKS], ids=["none", "strip", "specks"])
def test_mostly_invalid_is_refused(ground, valid):
    found = register(image(ground), image(move(ground, shift_matrix(1, 1)), valid))
    assert found.status == "refused"
    assert "\n" not in found.reason


@pytest.mark.parametrize("shape", [(48, 48), (48, 700), (60, 4000), (2100, 52)], ids=str)
def test_odd_shapes_get_an_answer(shape):
    ground = np.resize(scene(420, seed=9), shape)
    found = register(image(ground), image(disturb(ground, np.random.default_rng(22))))
    assert found.status == "refused" or found.model == "none"


def test_disjoint_halves_are_refused(ground):
    left = np.zeros(ground.shape, bool)
    left[:, :200] = True
    assert register(image(ground, left), image(ground, ~left)).status == "refused"


def _relief(ground, swing):
    """Return the ground displaced along the rows: pixel (col, row) shows what lies `swing` further right."""
    rows, cols = np.mgrid[:512, :512].astype(float)
    return ndimage.map_coordinates(ground, [rows, cols + swing(cols, rows)], order=3, mode="reflect")


@pytest.mark.parametrize(("height", "typical"), [(3.0, 0.03), (7.0, 0.35)])
def test_relief_is_mended_by_a_smooth_field(ground, height, typical):
    """Relief that swings over 400 px: the field is right to its own standard error, which grows with the slope."""

    def swing(cols, rows):
        return height * np.sin(cols / 64) * np.cos(rows / 64)

    found = register(image(ground), image(_relief(ground, swing)))
    assert (found.status, found.model) == ("ok", "field")
    moving = np.stack([v.ravel() for v in np.meshgrid(np.linspace(30, 480, 16), np.linspace(30, 480, 16))], axis=1)
    truth = moving + np.stack([swing(*moving.T), 0 * moving[:, 0]], axis=1)
    miss = np.hypot(*(found.to_moving(truth) - moving).T)
    assert np.median(miss) < typical
    assert np.sqrt((miss**2 / found.se_at(truth) ** 2).mean()) < 2
    assert found.check.rmse_after_px < found.check.rmse_before_px / 3
    np.testing.assert_allclose(found.to_reference(found.to_moving(truth)), truth, atol=1e-6)


def test_what_nothing_mends_is_refused(ground):
    """Relief that swings within 200 px, faster than windows follow: no answer is better than one that is off by pixels."""
    warped = _relief(ground, lambda cols, rows: 3 * np.sin(cols / 32) * np.cos(rows / 32))
    found = register(image(ground), image(warped))
    assert found.status == "refused"
    assert "no smooth field mends" in found.reason


def test_the_longest_believed_shift(ground):
    moving = image(move(ground, shift_matrix(40, 0)))
    assert register(image(ground), moving, max_shift_px=60).ok
    assert register(image(ground), moving, max_shift_px=10).status == "refused"


def test_wrong_calls_are_one_line_errors(ground):
    with pytest.raises(PairError, match="one grid"):
        register(image(ground), image(ground, geobox=grid((512, 512), gsd=1.0)))
    for wrong in ({"limit_px": 0.0}, {"max_shift_px": -1.0}, {"limit_px": float("nan")}):
        with pytest.raises(PairError, match="positive"):
            register(image(ground), image(ground), **wrong)


def test_standard_error_is_honest():
    """Over many noisy pairs the error squared is on average no more than the square of its standard error, and not a tenth of it.

    These pairs have independent noise only; the standard error also allows for errors that neighbours share, which real dates have.
    """
    ground, ratios = scene(256, seed=7), []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        truth = shift_matrix(*rng.uniform(-3, 3, 2))
        found = register(image(ground + rng.normal(0, 10, ground.shape)), image(move(ground, truth) + rng.normal(0, 10, ground.shape)))
        assert found.ok
        ratios.append(float(((found.matrix - truth)[:, 2] ** 2).sum()) / found.se_px**2)
    assert 0.1 < np.mean(ratios) < 1.5


def test_pyramid_keeps_places():
    """On an image of its own coordinates, a pixel of any level holds the place that `to_level` names."""
    ramp = np.mgrid[:256, :256][1].astype(np.float32)
    for level, plane in enumerate(Pyramid.of(Source.of(image(ramp)), 3).levels):
        cols = np.arange(plane.shape[1])
        inner = slice(2, -2) if level else slice(None)
        expected = to_level(level)[0, 0] * cols + to_level(level)[0, 2]
        np.testing.assert_allclose(plane.values[5][inner], expected[inner], atol=1e-4)


def windows(peaks):
    peaks = np.asarray(peaks, float)
    return Matches(np.zeros((len(peaks), 2)), np.zeros((len(peaks), 2)), peaks, np.full(len(peaks), 0.6))


def test_noise_at_the_check_points_is_no_misalignment():
    rng = np.random.default_rng(15)
    for _ in range(20):
        after = rng.normal(0, 1.2, (30, 2))
        residuals = {"none": after + np.array([3, 0]), "shift": after, "similarity": after, "affine": after}
        decision = decide(residuals, windows(np.full(30, 8.0)), 2.0, shift_px=3.0, se_px=0.2, limit_px=0.5)
        assert (decision.model, decision.refusal) == ("shift", "")


def test_misalignment_at_the_check_points_is_refused():
    after = np.random.default_rng(16).normal(0, 0.3, (30, 2)) + np.array([1.0, 0.0])
    residuals = {"none": after + np.array([3, 0]), "shift": after, "similarity": after, "affine": after}
    assert "limit" in decide(residuals, windows(np.full(30, 8.0)), 2.0, shift_px=3.0, se_px=0.2, limit_px=0.5).refusal
    few = decide(residuals, windows(np.where(np.arange(30) < 2, 8.0, 3.0)), 2.0, shift_px=3.0, se_px=0.2, limit_px=0.5)
    assert "2 of 30" in few.refusal


def test_a_shift_that_the_check_points_deny_is_not_used():
    before = np.random.default_rng(17).normal(0, 0.2, (30, 2))
    residuals = {name: before + ([0, 0] if name == "none" else [0.4, 0]) for name in ("none", "shift", "similarity", "affine")}
    assert decide(residuals, windows(np.full(30, 9.0)), 1.0, shift_px=0.4, se_px=0.1, limit_px=0.5).model == "none"


def test_robust_mean_of_residuals():
    rng = np.random.default_rng(18)
    clean = rng.normal(0, 0.3, (60, 2)) + np.array([0.7, -0.2])
    clean[:6] = [8, 8]
    centre, error, scatter = common(clean, np.ones(60), 1.0)
    assert np.hypot(*(centre - [0.7, -0.2])) < 3 * error < 0.3
    assert scatter == pytest.approx(0.3 * 1.18, rel=0.35)  # median of a Rayleigh distance
