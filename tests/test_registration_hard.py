"""Hard pairs with a known transform: first that their truth is true, then that manufactured ones are answered or refused as they must be."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="module")
def hard():
    """The benchmark's modules, by their last name."""
    folder = str(Path(__file__).resolve().parents[1] / "benchmarks")
    sys.path.insert(0, folder)
    names = ("ground", "moves", "pairs", "spoils", "trouble")
    modules = {name: importlib.import_module(f"_registration_{name}") for name in names} | {"run": importlib.import_module("registration_hard")}
    sys.path.remove(folder)
    return modules


def ramps(hard, size=96, margin=40):
    """A ground of two bands whose values are its own reference columns and rows."""
    rows, cols = np.mgrid[-margin : size + margin, -margin : size + margin].astype(np.float32)
    return hard["ground"].Ground(np.stack([cols, rows]), ("red", "nir"), margin, 2.5)


def moves(hard):
    m = hard["moves"]
    shape = (96, 96)
    bent = m.smooth(3.0, 64, shape, 1)
    return {
        "shift": m.shift(3.25, -7.5),
        "turn": m.turn(4.0, 1.05, shape, 2.0, -5.0),
        "smooth": bent,
        "film": m.film(5.0, shape, 2),
        "both": m.then(bent, m.turn(-2.0, 0.97, shape, 1.0, 4.0)),
    }


@pytest.mark.parametrize("name", ["shift", "turn", "smooth", "film", "both"])
def test_a_moved_ramp_tells_its_own_truth(hard, name):
    """A pixel of the moved image holds the reference place of its ground, and the truth names the pixel for that place."""
    move = moves(hard)[name]
    seen = hard["moves"].seen(ramps(hard), move)
    inner = (slice(12, -12), slice(12, -12))
    rows, cols = np.mgrid[:96, :96].astype(float)
    there = move.to_moving(np.stack([plane[inner].ravel() for plane in seen.values.astype(float)], axis=1))
    np.testing.assert_allclose(there, np.stack([cols[inner].ravel(), rows[inner].ravel()], axis=1), atol=2e-3)


def test_signs_and_sizes_of_moves(hard):
    m = hard["moves"]
    np.testing.assert_allclose(m.shift(2.0, 5.0).to_moving(np.array([[10.0, 20.0]])), [[15.0, 22.0]])
    centre = np.array([[47.5, 47.5]])
    np.testing.assert_allclose(m.turn(30.0, 1.2, (96, 96)).to_moving(centre), centre)
    edge = np.stack(np.meshgrid(np.arange(96.0), np.arange(96.0)), axis=-1).reshape(-1, 2)
    for move, peak in ((m.film(5.0, (96, 96), 2), 5.0), (m.smooth(3.0, 64, (96, 96), 1), 3.0)):
        longest = np.hypot(*(move.to_reference(edge) - edge).T).max()
        assert 0.5 * peak < longest < 1.15 * peak


def test_a_coarse_sensor_keeps_places(hard):
    """A ramp stays a ramp under a symmetric footprint: averaged, and laid on the fine grid again, it names the same places."""
    m = hard["moves"]
    move = m.shift(6.5, -3.25)
    picture = m.seen(ramps(hard), move)
    coarse = m.footprint(picture, 4)
    assert (coarse.pixel_m, coarse.gsd_m) == (10.0, 10.0)
    inner = (slice(6, -6), slice(6, -6))
    rows, cols = np.mgrid[:24, :24].astype(float)
    places = m.coarser(move, 4).to_moving(np.stack([(plane[inner].ravel() - 1.5) / 4 for plane in coarse.values], axis=1))
    np.testing.assert_allclose(places, np.stack([cols[inner].ravel(), rows[inner].ravel()], axis=1), atol=2e-3)
    again = m.loaded(coarse, (96, 96), 2.5)
    np.testing.assert_allclose(again.values[:, 24:-24, 24:-24], picture.values[:, 24:-24, 24:-24], atol=5e-3)
    assert again.gsd_m == 10.0


def test_spoils_take_what_they_say(hard):
    s, shape = hard["spoils"], (1024, 1024)
    assert s.stripes(shape).mean() == pytest.approx(0.78, abs=0.01)
    assert s.blobs(shape, 0.3, 220, np.random.default_rng(0)).mean() == pytest.approx(0.3, abs=0.01)
    picture = hard["moves"].image(np.full((1, *shape), 50.0), ("pan",), 0.5)
    swapped = s.swapped(picture, np.full(shape, 90.0, np.float32), 0.6, np.random.default_rng(0))
    assert (swapped.values == 90).mean() == pytest.approx(0.6, abs=0.01)


def test_what_is_wrong_is_called_wrong(hard):
    """An answer 3 px off, and an answer where there is nothing to find, must not pass."""
    run, pairs, m = hard["run"], hard["pairs"], hard["moves"]
    ground = hard["ground"].made(0, size=256)
    lie = pairs.Case("x", "x", lambda _: pairs.Pair(m.still(ground), m.seen(ground, m.shift(1.0, 1.0)), m.shift(4.0, 1.0)))
    nothing = pairs.Case("x", "x", lambda _: pairs.Pair(m.still(ground), m.seen(ground, m.shift(1.0, 1.0))), "refusal")
    true = pairs.Case("x", "x", lambda _: pairs.Pair(m.still(ground), m.seen(ground, m.shift(1.0, 1.0)), m.shift(1.0, 1.0)))
    empty = pairs.Case("x", "x", lambda rng: pairs.Pair(m.still(ground), m.image(rng.normal(size=(1, 256, 256)), ("pan",), 0.5), m.shift(1, 1)))
    verdicts = [run.judged(case, np.random.default_rng(0)).verdict for case in (lie, nothing, true, empty)]
    assert verdicts == ["WRONG", "WRONG", "right", "MISSED"]


def test_names_are_unique_and_every_seed_is_whole(hard):
    first, second = ([(case.group, case.name) for case in hard["run"].cases(seed)] for seed in (0, 1))
    assert first == second
    assert len(set(first)) == len(first) > 200


def hard_pairs(hard):
    """Small manufactured pairs: name → (make, expectation)."""
    g, m, s, p = (hard[name] for name in ("ground", "moves", "spoils", "pairs"))
    shape = (384, 384)

    def made(seed=0):
        return g.made(seed, size=384, margin=200)

    def twice(pixel_m=2.5):
        return p.rendered_twice(0, pixel_m=pixel_m, size=384)

    def spoilt(spoil, *, both=False):
        def make(rng):
            move = m.shift(5.3, -4.6)
            reference, moving = m.still(made()), s.archived(m.seen(made(), move), rng, noise=1.5)
            return p.Pair(spoil(reference, rng) if both else reference, spoil(moving, rng), move)

        return make

    def repeated(unique):
        def make(rng):
            ground, move = g.repeated("roofs", unique, size=384), m.shift(22.0, 31.4)
            first, second = (s.archived(i, rng, noise=4) for i in (m.still(ground), m.seen(ground, move)))
            return p.Pair(first, second, move)

        return make

    def torn(rng):
        move = m.scattered(4.0, 40, shape, 0)
        return p.Pair(m.still(made()), s.archived(m.seen(made(), move), rng))

    return {
        "a third of the frame": (p.one_date(made, m.shift(-110.3, 133.6)), "answer"),
        "turned, smaller, shifted": (p.one_date(made, m.turn(-5, 0.92, shape, 30.0, -21.0)), "answer"),
        "two dates, 10 m": (p.two_dates(*twice(10.0), m.shift(11.3, -7.6)), "answer"),
        "two dates, 0.5 m": (p.two_dates(*twice(0.5), m.turn(2, 1.02, shape, 8.0, 5.0)), "answer"),
        "four times as coarse": (p.upsampled(made, made, m.shift(7.4, -4.6), 4), "answer"),
        "scan-line gaps in both": (spoilt(s.gaps, both=True), "answer"),
        "60 % changed": (spoilt(s.changed(0.6, 3)), "answer"),
        "equal roofs, many unique objects": (repeated(40), "answer"),
        "a negative": (p.across_bands(made, "pan", "pan", m.shift(4.3, -2.6), invert=True), "answer"),
        "bent": (p.one_date(made, m.film(6.0, shape, 2)), "either"),
        "every patch on its own": (torn, "refusal"),
        "another place": (lambda _: p.Pair(m.still(made()), m.still(made(7))), "refusal"),
    }


NAMES = (
    "a third of the frame",
    "turned, smaller, shifted",
    "two dates, 10 m",
    "two dates, 0.5 m",
    "four times as coarse",
    "scan-line gaps in both",
    "60 % changed",
    "equal roofs, many unique objects",
    "a negative",
    "bent",
    "every patch on its own",
    "another place",
)


@pytest.mark.parametrize("name", NAMES)
def test_right_or_refused(hard, name):
    make, expect = hard_pairs(hard)[name]
    row = hard["run"].judged(hard["pairs"].Case("hard", name, make, expect), np.random.default_rng(1))
    assert row.verdict in {"answer": {"right"}, "refusal": {"refused"}, "either": {"right", "refused"}}[expect], str(row)
