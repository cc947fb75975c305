"""IR-MAD: a probability that is uniform where nothing changed, planted changes first, and bands of every kind."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy import ndimage as ndi
from scipy.special import chdtrc
from scipy.stats import kstest, rankdata
from skimage.io import imread

from camwatch.detect._common import change_probability
from camwatch.detect._irmad import irmad
from camwatch.detect._irmad_pixels import sample as _sample
from camwatch.detect._irmad_relation import no_change_probability
from camwatch.errors import PairError
from camwatch.imagery.image import Image

SIDE = 256
NOISE = 0.05


def ground(bands, seed, side=SIDE):
    """Fields with edges and smooth soil, each band another mixture of them: (band, y, x) of variance 1."""
    rng = np.random.default_rng(seed)
    layers = []
    for size in np.linspace(6, 24, bands + 2).astype(int):
        fields = rng.normal(size=(side // size + 1,) * 2).repeat(size, 0).repeat(size, 1)[:side, :side]
        soil = ndi.gaussian_filter(rng.normal(size=(side, side)), size / 3.0, mode="wrap")
        layers.append(fields / fields.std() + 0.5 * soil / soil.std())
    planes = np.tensordot(rng.normal(size=(bands, len(layers))), np.stack(layers), 1)
    return planes / planes.std(axis=(1, 2), keepdims=True)


def pair(bands, *, seed=1, side=SIDE, share=0.0, size=6.0, direction="either"):
    """Two dates of one ground in other radiometry with noise in both; a `share` of the rows changed, each band by ± `size` times the noise."""
    rng = np.random.default_rng(seed + 100)
    before = ground(bands, seed, side)
    changed = np.zeros((side, side), bool)
    changed[: round(share * side)] = True
    after = before + changed * NOISE * size * rng.choice([-1.0, 1.0] if direction == "either" else [1.0], before.shape)
    before, after = (plane + NOISE * rng.normal(size=plane.shape) for plane in (before, after))
    gain, offset = rng.uniform(0.3, 4.0, (bands, 1, 1)), rng.uniform(-5.0, 5.0, (bands, 1, 1))
    return before.astype(np.float32), (gain * after + offset).astype(np.float32), changed


def all_valid(planes):
    return np.ones(planes.shape[1:], bool)


def area_under_curve(score, truth):
    ranks, count = rankdata(score.ravel()), np.count_nonzero(truth)
    return (ranks[truth.ravel()].sum() - count * (count + 1) / 2) / (count * np.count_nonzero(~truth))


@pytest.mark.parametrize("degrees", range(1, 14))
def test_the_closed_form_is_the_chi_square_distribution(degrees):
    squares = np.concatenate([[0.0, 1e-12], np.linspace(0.01, 200.0, 500)])
    np.testing.assert_allclose(no_change_probability(squares, degrees), chdtrc(float(degrees), squares), rtol=1e-11)
    assert no_change_probability(np.array([1e9, 1e300, np.inf]), degrees).max() < 1e-250


@pytest.mark.parametrize("bands", [1, 2, 3, 4, 6])
def test_the_probability_is_uniform_where_nothing_changed(bands):
    before, after, _ = pair(bands)
    found = irmad(before, after, all_valid(before))
    assert (found.degrees, found.converged) == (bands, True)
    # 65,536 independent pixels stay within 0.0064 in 99 of 100 cases when nothing is fitted to them.
    assert kstest(found.no_change.ravel(), "uniform").statistic < 0.01


@pytest.mark.parametrize(("bands", "least"), [(1, 0.87), (2, 0.94), (3, 0.97), (4, 0.985), (6, 0.995)])
def test_planted_changes_come_first_though_a_third_of_the_ground_changed(bands, least):
    before, after, changed = pair(bands, share=0.3, size=3.0)
    curve, curve_once = (area_under_curve(irmad(before, after, all_valid(before), max_iterations=most).chi_square, changed) for most in (100, 1))
    # With changes of three times the noise in each band, the best that can be had is that of the true noise known beforehand.
    assert curve > max(least, curve_once)


@pytest.mark.parametrize("direction", ["either", "one"])
@pytest.mark.parametrize("bands", [1, 2, 3, 4, 6])
def test_a_third_of_the_ground_that_changed_does_not_spoil_the_rest(bands, direction):
    before, after, changed = pair(bands, share=0.3, size=6.0, direction=direction)
    found, once = (irmad(before, after, all_valid(before), max_iterations=most) for most in (100, 1))
    assert found.converged
    assert kstest(found.no_change[~changed], "uniform").statistic < 0.03
    assert kstest(once.no_change[~changed], "uniform").statistic > 0.05
    assert area_under_curve(found.chi_square, changed) > max(0.99, area_under_curve(once.chi_square, changed) - 1e-6)


def test_the_probability_does_not_depend_on_gain_offset_or_mixture_of_the_bands():
    before, after, _ = pair(3, share=0.1)
    plain = irmad(before, after, all_valid(before)).no_change
    mixture = np.array([[2.0, -1.0, 0.3], [0.1, -50.0, 2.0], [0.0, 1.0, 0.4]])
    mixed = (np.tensordot(mixture, before.astype(np.float64), 1) + 30.0).astype(np.float32)
    np.testing.assert_allclose(irmad(mixed, after, all_valid(before)).no_change, plain, atol=1e-4)
    np.testing.assert_allclose(irmad(before, -7.0 * after + 40.0, all_valid(before)).no_change, plain, atol=1e-4)
    np.testing.assert_allclose(irmad(after, before, all_valid(before)).no_change, plain, atol=1e-4)


def test_one_band_is_the_standardised_difference_of_unchanged_ground():
    before, after, changed = pair(1, share=0.2, size=20.0)
    rose = changed & (after[0] > np.median(after))
    after[0, rose] += 40.0
    found = irmad(before, after, all_valid(before), variates=True)
    still = [plane[0][~changed].astype(np.float64) for plane in (before, after)]
    first, second = ((plane - plane.mean()) / plane.std() for plane in still)
    expected = (second - first) / (second - first).std()
    # The ground that changed leaves a trace of its own in mean and variance.
    np.testing.assert_allclose(found.variates[0][~changed], expected, atol=0.05 * np.abs(expected).max())
    assert found.correlations[0] == pytest.approx(np.corrcoef(first, second)[0, 1], abs=1e-3)
    assert found.variates[0][rose].min() > 10.0


def test_what_is_given_back_belongs_together():
    before, after, _ = pair(4, share=0.1)
    kept = before.copy(), after.copy()
    found = irmad(before, after[:3], all_valid(before), variates=True)
    assert found.degrees == 3
    assert np.all(np.diff(found.correlations) <= 0.0)
    both = np.concatenate([before, after[:3]]).reshape(7, -1).astype(np.float64)
    variates = found.vectors @ (both - found.mean[:, None])
    np.testing.assert_allclose(found.variates.reshape(3, -1), variates, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.chi_square.ravel(), (variates**2).sum(axis=0), rtol=1e-5)
    np.testing.assert_allclose(found.no_change.ravel(), chdtrc(3.0, (variates**2).sum(axis=0)), rtol=1e-5, atol=1e-30)
    again = irmad(*kept, all_valid(before)), irmad(before, after, all_valid(before))
    np.testing.assert_array_equal(again[0].chi_square, again[1].chi_square)
    assert irmad(before, after, all_valid(before)).variates is None


def test_more_bands_at_one_date_are_of_use_and_do_not_skew_the_probability():
    before, after, _ = pair(4)
    for first, second in ((before[1:2], after), (before, after[2:3]), (before[:2], after)):
        found = irmad(first, second, all_valid(before))
        assert found.degrees == min(len(first), len(second))
        assert kstest(found.no_change.ravel(), "uniform").statistic < 0.02


def test_bands_that_repeat_others_or_say_nothing_change_nothing():
    before, after, _ = pair(3, share=0.1)
    plain = irmad(before, after, all_valid(before))
    doubled = np.concatenate([before, before[1:2], np.full_like(before[:1], 0.1), before[:1] - 2.0 * before[2:]])
    zeros = np.concatenate([np.zeros_like(after[:1]), after, 3.0 * after[1:2] + 1.0])
    for first, second in ((doubled, after), (before, zeros), (doubled, zeros)):
        found = irmad(first, second, all_valid(before))
        assert (found.degrees, found.converged) == (3, True)
        np.testing.assert_allclose(found.no_change, plain.no_change, atol=1e-3)


def test_the_same_image_twice_is_no_change_and_one_pixel_stands_out():
    before, _, _ = pair(3)
    after = 2.0 * before + 1.0
    after[:, 100:110, 50:60] += 0.5
    found = irmad(before, after, all_valid(before))
    patch = np.zeros((SIDE, SIDE), bool)
    patch[100:110, 50:60] = True
    assert np.isfinite(found.chi_square).all()
    assert found.no_change[~patch].min() > 0.99
    assert found.no_change[patch].max() < 1e-6
    assert irmad(before, before, all_valid(before)).no_change.min() > 0.99


def test_a_band_that_only_changed_ground_shows_still_counts():
    before, after, _ = pair(2)
    flag = np.zeros_like(before[:1])
    flag[0, :20, :20] = 1.0
    before, after = np.concatenate([before, 0.5 * flag.transpose(0, 2, 1)[:, ::-1]]), np.concatenate([after, flag])
    found = irmad(before, after, all_valid(before))
    assert found.no_change[:20, :20].max() < 1e-6
    # Elsewhere the flag never differs, so its degree of freedom only makes no change likelier.
    assert 0.5 < np.median(found.no_change[40:-40]) < 0.8


@pytest.mark.parametrize("bands", [1, 3])
def test_saturated_ground_does_not_pass_for_ground_without_noise(bands):
    before, after, changed = pair(bands, share=0.1)
    clear = [np.quantile(plane, 0.8, axis=(1, 2), keepdims=True) for plane in (before, after)]
    before, after = (np.minimum(plane, limit).astype(np.float32) for plane, limit in zip((before, after), clear, strict=True))
    found = irmad(before, after, all_valid(before))
    saturated = (before == before.max(axis=(1, 2), keepdims=True)).any(axis=0) | (after == after.max(axis=(1, 2), keepdims=True)).any(axis=0)
    assert saturated.mean() > 0.2
    assert kstest(found.no_change[~changed & ~saturated], "uniform").statistic < 0.05
    both = (before == before.max(axis=(1, 2), keepdims=True)).all(axis=0) & (after == after.max(axis=(1, 2), keepdims=True)).all(axis=0)
    assert np.median(found.no_change[both]) > 0.1


def test_what_is_not_valid_has_no_say_and_no_answer():
    before, after, _ = pair(2)
    valid = np.random.default_rng(5).random(before.shape[1:]) < 0.4
    plain = irmad(before, after, valid)
    before[:, ~valid], after[1, ~valid] = np.float32(np.inf), np.float32(-3.4e38)
    np.testing.assert_array_equal(irmad(before, after, valid).no_change, plain.no_change)
    before[0, 3], after[1, 4] = np.nan, np.nan
    holes = irmad(before, after, valid).no_change
    assert np.isnan(holes[3:5]).all()
    np.testing.assert_array_equal(np.isnan(holes), ~(valid & np.isfinite(before[0]) & np.isfinite(after[1])))


def test_what_cannot_be_answered_is_said_in_one_line():
    before, after, _ = pair(2)
    valid = all_valid(before)
    few = np.zeros_like(valid)
    few.flat[:39] = True
    flat = np.full_like(before, 0.3)
    for arguments, said in (
        (
            (before, after, few),
            "too few valid pixels with values off the limits for a change statistic; got 39 for 4 bands of both dates; expected at least 40",
        ),
        ((before, after, ~valid), "got 0 for 4 bands"),
        ((np.full_like(before, np.nan), after, valid), "got 0 for 4 bands"),
        ((flat, after, valid), "before: all bands are constant"),
        ((before, flat, valid), "after: all bands are constant"),
        ((before[0], after, valid), "do not belong together"),
        ((before[:0], after, valid), "do not belong together"),
        ((before, after[:, 1:], valid), "do not belong together"),
        ((before, after, valid.astype(np.uint8)), "do not belong together"),
    ):
        with pytest.raises(PairError) as told:
            irmad(*arguments)
        assert said in str(told.value)
        assert "\n" not in str(told.value)
    for limits in ({"tolerance": 0.0}, {"max_iterations": 0}, {"sample_pixels": 0}):
        with pytest.raises(PairError, match="must be positive"):
            irmad(before, after, valid, **limits)


def test_the_iteration_says_when_it_was_cut_short():
    before, after, _ = pair(2, share=0.3)
    full = irmad(before, after, all_valid(before))
    cut = irmad(before, after, all_valid(before), max_iterations=full.iterations - 1)
    assert (full.converged, cut.converged, cut.iterations) == (True, False, full.iterations - 1)
    finer = irmad(before, after, all_valid(before), tolerance=1e-9)
    assert finer.converged
    np.testing.assert_allclose(full.no_change, finer.no_change, atol=2e-3)


@pytest.mark.parametrize("bands", [1, 4])
def test_a_sample_gives_the_answer_of_all_pixels(bands):
    before, after, _ = pair(bands, side=512, share=0.2)
    whole, sample = (irmad(before, after, all_valid(before), sample_pixels=pixels).no_change for pixels in (512**2, 20_000))
    # Of 20,000 pixels every coefficient is known to about 1 %; the brightest ground, at several standard deviations in each band, shows it most.
    assert np.abs(whole - sample).max() < 0.1
    assert np.abs(whole - sample).mean() < 0.01


def test_the_sample_falls_into_step_with_nothing():
    rows, cols = np.indices((640, 512), np.float32)
    place = np.stack([rows, cols])
    usable = np.ones((640, 512), bool)
    usable[:, 100:140] = False
    taken = _sample(place[:1], place[1:], usable, 10_000)
    assert 5_000 < taken.shape[1] <= 10_000
    assert len(np.unique(taken, axis=1).T) == taken.shape[1]
    assert not ((taken[1] >= 100) & (taken[1] < 140)).any()
    for period in (2, 4, 6, 8, 16):
        for axis in taken:
            share = np.bincount(axis.astype(int) % period, minlength=period) / taken.shape[1]
            np.testing.assert_allclose(share, 1.0 / period, rtol=0.25)
    np.testing.assert_array_equal(_sample(place[:1], place[1:], usable, 640 * 472), place[:, usable])


def image(values, names):
    box = GeoBox(values.shape[1:], Affine(30, 0, 200_000, 0, -30, 3_600_000), "EPSG:32651")
    return Image(values.astype(np.float32), all_valid(values), names, box, datetime(2003, 2, 6, tzinfo=UTC), None, 30.0, "dn", "scene")


def test_the_generic_score_is_zero_where_nothing_can_be_told():
    before, after, _ = pair(2)
    names = ("red", "nir")
    seen = all_valid(before)
    seen[:9] = False
    for first, second in ((np.full_like(before, 2.0), after), (before, np.zeros_like(after))):
        score = change_probability(image(first, names), image(second, names), seen)
        assert (score[seen] == 0.0).all()
        assert np.isnan(score[~seen]).all()
    still = change_probability(image(before, names), image(before, names), seen)
    assert np.nanmax(still) < 0.01


def test_the_generic_score_needs_no_common_band():
    before, after, changed = pair(4, share=0.1, size=12.0)
    score = change_probability(image(before[:1], ("pan",)), image(after[1:], ("green", "red", "nir")), all_valid(before))
    assert score.min() >= 0.0
    assert score.max() <= 1.0
    assert np.mean(score[~changed] < 0.5) == pytest.approx(0.5, abs=0.1)
    # Of bands that share their names only those are compared.
    named = image(before, ("blue", "green", "red", "nir"))
    alone = change_probability(named, image(after[1:2], ("green",)), all_valid(before))
    np.testing.assert_array_equal(alone, change_probability(image(before[1:2], ("green",)), image(after[1:2], ("green",)), all_valid(before)))


@pytest.mark.parametrize(("bands", "least"), [(range(6), 0.99), ((0, 1, 2), 0.97), ((2,), 0.95), ((5,), 0.96)])
def test_labelled_changes_in_a_real_pair_come_first(shared, bands, least):
    folder = shared / "data/pairs/landsat_taizhou"
    dates = [np.fromfile(folder / name, np.uint8).reshape(6, 400, 400)[list(bands)].astype(np.float32) for name in ("2000TM", "2003TM")]
    changed, unchanged = (imread(folder / name) > 0 for name in ("change.bmp", "unchanged.bmp"))
    labelled = changed | unchanged
    found, once = (irmad(*dates, all_valid(dates[0]), max_iterations=most) for most in (100, 1))
    curve, curve_once = (area_under_curve(answer.chi_square[labelled], changed[labelled]) for answer in (found, once))
    assert found.converged
    assert curve > max(least, curve_once)
    names = tuple(f"b{band + 1}" for band in bands)
    before, after = (image(values, names) for values in dates)
    score = change_probability(before, replace(after, scene="later"), before.valid)
    assert area_under_curve(score[labelled], changed[labelled]) > least
    assert np.median(score) == pytest.approx(0.5, abs=1e-3)
