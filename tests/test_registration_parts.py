"""The parts of registration: lattices, levels that are not held, contrast that turned over, patterns that repeat themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from camwatch.registration import _planes as planes
from camwatch.registration import register
from camwatch.registration._planes import Distant, Pyramid
from camwatch.registration._spline import DRIFT, TURN, nearly_shifted
from camwatch.registration.lattice import Lattice
from camwatch.registration.record import Registration
from camwatch.registration.source import Source
from test_registration import disturb, error_px, ground, image, move, scene, shift_matrix

__all__ = ["ground"]


def _lattice(seed, order, shape=(90, 140), step=20.0):
    rows, cols = Lattice.counts(shape, step)
    values = np.random.default_rng(seed).normal(size=(rows, cols, 2))
    return Lattice.over(shape, step, values, order), values


@pytest.mark.parametrize("order", [1, 3])
def test_a_lattice_holds_what_its_nodes_hold(order):
    lattice, values = _lattice(1, order)
    np.testing.assert_allclose(lattice.at(lattice.places()), values.reshape(-1, 2), atol=1e-12)
    again = Lattice.from_json(lattice.as_json())
    np.testing.assert_allclose(again.at(lattice.places()), values.reshape(-1, 2), atol=2e-6)


def test_a_lattice_is_one_function_however_it_is_asked():
    lattice, values = _lattice(2, 3)
    cols, rows = np.linspace(-25, 170, 37), np.linspace(-25, 120, 29)
    points = np.stack([v.ravel() for v in np.meshgrid(cols, rows)], axis=1)
    expected = lattice.at(points)
    np.testing.assert_allclose(lattice.raster(cols, rows).reshape(2, -1).T, expected, atol=1e-5)
    np.testing.assert_allclose(Lattice.basis((90, 140), 20.0, points) @ values.reshape(-1, 2), expected, atol=1e-10)


def test_a_cubic_lattice_follows_what_is_smooth():
    """Half a wave over ten nodes: a cubic spline is right to (h/L)⁴, about 1e-4 of the amplitude."""
    step = 16.0
    rows, cols = Lattice.counts((160, 160), step)
    nodes = Lattice.over((160, 160), step, np.zeros((rows, cols, 1)), 1).places()

    def wave(points):
        return np.cos(np.pi * (points[:, :1] + 0.5) / 160)

    lattice = Lattice.over((160, 160), step, wave(nodes).reshape(rows, cols, 1), 3)
    points = np.random.default_rng(3).uniform(0, 159, (200, 2))
    np.testing.assert_allclose(lattice.at(points), wave(points), atol=2e-4)


@settings(max_examples=20, deadline=None)
@given(shift=st.tuples(st.floats(-40, 40), st.floats(-40, 40)), turn=st.floats(-0.1, 0.1), bend=st.floats(0, 3), seed=st.integers(0, 1000))
def test_to_reference_undoes_to_moving(shift, turn, bend, seed):
    rows, cols = Lattice.counts((128, 128), 32.0)
    values = bend * np.random.default_rng(seed).uniform(-1, 1, (rows, cols, 2))
    matrix = np.array([[1, -turn, shift[0]], [turn, 1, shift[1]]])
    found = register(image(np.zeros((10, 10))), image(np.zeros((10, 10))))
    found = replace(found, status="ok", model="field", matrix=matrix, field=Lattice.over((128, 128), 32.0, values, 3))
    points = np.random.default_rng(seed).uniform(0, 127, (50, 2))
    np.testing.assert_allclose(found.to_reference(found.to_moving(points)), points, atol=1e-6)
    again = Registration.from_json(found.as_json(5, 5))
    np.testing.assert_allclose(again.to_moving(points), found.to_moving(points), atol=1e-4)


def _affine(slopes, shift):
    return np.array([[1 + slopes[0], slopes[1], shift[0]], [slopes[2], 1 + slopes[3], shift[1]], [0, 0, 1]])


def _each_by_itself(coefficients, matrix, frame, order):
    """What is to be found: every pixel evaluated by itself."""
    linear, offset = matrix[1::-1, 1::-1], matrix[1::-1, 2]
    return ndimage.affine_transform(coefficients, linear, offset, output_shape=frame, order=order, prefilter=False, output=np.float32, mode="mirror")


@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize("shift", [(0, 0), (2.2, 3.3), (-7.5, -0.25), (60.75, 41.5)], ids=str)
@pytest.mark.parametrize("stretch", [0, 0.011, -0.009])
def test_rows_and_columns_one_after_the_other_give_a_spline(order, shift, stretch):
    """Exactly where nothing turns, also over the mirrored edge, and where the displacement passes whole pixels."""
    coefficients = np.random.default_rng(3).normal(size=(90, 120)).astype(np.float32)
    matrix, frame = _affine((stretch, 0, 0, -stretch), shift), (80, 110)
    found = nearly_shifted(coefficients, matrix, frame, order)
    np.testing.assert_allclose(found, _each_by_itself(coefficients, matrix, frame, order), atol=3e-5)


@pytest.mark.parametrize("turn", [TURN, -TURN / 2])
def test_a_slight_turn_costs_no_accuracy(turn):
    """On smoothed noise of unit spread the error is a thousandth, and no shift comes with it."""
    smooth = ndimage.gaussian_filter(np.random.default_rng(4).normal(size=(200, 260)), 1.0)
    smooth = (smooth / smooth.std()).astype(np.float32)
    coefficients = ndimage.spline_filter(smooth, 3, output=np.float32, mode="mirror")
    matrix, frame = _affine((0.001, turn, -turn, -0.002), (4.3, 6.6)), (180, 240)
    found, wanted = nearly_shifted(coefficients, matrix, frame), _each_by_itself(coefficients, matrix, frame, 3)
    assert 1e-5 < np.std(found - wanted) < 1.2e-3
    slope = np.stack(np.gradient(wanted)).reshape(2, -1)
    shift = np.linalg.lstsq(slope.T, (found - wanted).ravel(), rcond=None)[0]
    assert np.abs(shift).max() < 5e-5


def test_what_turns_or_stretches_more_is_left_to_others():
    coefficients = np.zeros((90, 120), np.float32)
    for slopes in ((0, 1.1 * TURN, 0, 0), (0, 0, -1.1 * TURN, 0), (1.1 * DRIFT / 100, 0, 0, 0), (0, 0, 0, -1.1 * DRIFT / 80)):
        assert nearly_shifted(coefficients, _affine(slopes, (0, 0)), (80, 100)) is None


def test_there_and_back_is_nowhere(ground):
    """a → b and b → a, b → c and a → c: the inverse and the composition hold to the precision of the answers."""
    rng = np.random.default_rng(4)
    b, c = (image(disturb(move(ground, shift_matrix(*by)), rng)) for by in ((3.3, -1.2), (-2.4, 6.1)))
    a, points = image(ground), np.array([[100.0, 80.0], [400.0, 300.0], [256.0, 256.0]])
    ab, ba, bc, ac = register(a, b), register(b, a), register(b, c), register(a, c)
    np.testing.assert_allclose(ba.to_moving(ab.to_moving(points)), points, atol=0.02)
    np.testing.assert_allclose(bc.to_moving(ab.to_moving(points)), ac.to_moving(points), atol=0.02)


def test_levels_that_are_not_held_are_the_same(ground, monkeypatch):
    """Strips and windows give the very values that the whole image gives, gaps included."""
    values = np.array(ground[:400, :360], np.float32)
    valid = np.ones(values.shape, bool)
    valid[100:130, 50:200] = False
    source = Source.of(image(values, valid))
    whole = Pyramid.of(source, 3)
    monkeypatch.setattr(planes, "HELD", 12_000)
    monkeypatch.setattr(planes, "STRIP", 40_000)
    parts = Pyramid.of(source, 3)
    assert [type(level) for level in parts.levels[:2]] == [Distant, Distant]
    assert (parts.usable, parts.flat) == (whole.usable, whole.flat)
    for one, other in zip(whole.levels, parts.levels, strict=True):
        assert one.shape == other.shape
        rows, cols = slice(3, one.shape[0] - 2), slice(5, one.shape[1] - 7)
        a, b = one.window(rows, cols), other.window(rows, cols)
        np.testing.assert_array_equal(a.valid, b.valid)
        np.testing.assert_array_equal(a.values[a.valid], b.values[b.valid])


def test_a_source_is_loaded_in_parts(ground):
    """What is registered from parts is what is registered from the whole, and no part is larger than a strip."""
    reference, moving = image(ground), image(disturb(move(ground, shift_matrix(2.5, -7.25)), np.random.default_rng(5)))
    asked = []

    def spied(one):
        source = Source.of(one)

        def load(window):
            asked.append(window.shape[0] * window.shape[1])
            return source.load(window)

        return replace(source, load=load)

    found = register(spied(reference), spied(moving))
    np.testing.assert_array_equal(found.matrix, register(reference, moving).matrix)
    assert max(asked) <= ground.size


@pytest.mark.parametrize("size", [384, 512])
def test_a_negative_is_registered(ground, size):
    """Bright and dark change places, as between red and near infrared."""
    truth = shift_matrix(4.6, -3.2)
    moved = 255 - disturb(move(ground, truth), np.random.default_rng(6))
    found = register(image(ground[:size, :size]), image(moved[:size, :size]))
    assert found.ok
    assert error_px(found, truth, (size, size)) < 0.1


def test_equal_roofs_in_rows_are_refused():
    """One period off fits as well: no answer is better than one that is off by a period."""
    rng = np.random.default_rng(7)
    rows, cols = np.mgrid[:512, :512]
    roofs = 100.0 + 80 * ((rows % 52 < 20) & (cols % 64 < 36))
    noisy = [ndimage.gaussian_filter(roofs, 0.8) + rng.normal(0, 3, roofs.shape) for _ in range(2)]
    moved = np.roll(noisy[1], (26, 32), axis=(0, 1))
    found = register(image(noisy[0]), image(moved))
    assert found.status == "refused"
    assert "repeats itself" in found.reason


def test_another_place_has_no_standard_error():
    found = register(image(scene(256)), image(scene(256, seed=50)))
    assert np.isnan(found.se_at(np.zeros((3, 2)))).all()
