"""The error that registration states is true, on rendered dates whose transform is known (the small version of benchmarks/registration_error.py)."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

PAIRS = 12
"""Rendered pairs; enough that a stated error twice too small or too large is seen."""


@pytest.fixture(scope="module")
def bench():
    folder = str(Path(__file__).resolve().parents[1] / "benchmarks")
    sys.path.insert(0, folder)
    try:
        yield importlib.import_module("registration_error")
    finally:
        sys.path.remove(folder)


@pytest.fixture(scope="module")
def dates(bench):
    return sys.modules["_registration_dates"]


@pytest.fixture(scope="module")
def rows(bench, dates):
    kinds = [("season", 10.0), ("decade", 2.5), ("decade", 10.0)]
    moves = ("shift", "similarity", "affine")
    settings = [dates.Setting(*kind[:1], moves[seed // len(kinds) % 3], kind[1], 256, seed) for seed in range(PAIRS) for kind in [kinds[seed % 3]]]
    return [bench.rendered_row("small", setting) for setting in settings]


def test_the_errors_are_as_large_as_stated(bench, rows):
    answered = [row for row in rows if row.errors]
    assert len(answered) >= 0.8 * PAIRS
    errors, sigmas = (np.array([getattr(row, name) for row in answered]) for name in ("errors", "sigmas"))
    for place in ("centre", "corner"):
        *_, rms, _, inside = bench.normalised(errors, sigmas, place)
        assert 0.5 < rms < 1.6, place
        assert inside > 0.85, place


def test_a_normal_error_has_spread_one(bench):
    rng = np.random.default_rng(0)
    sigmas = rng.uniform(0.1, 2, (2000, 5, 2))
    for place in ("centre", "corner"):
        figures = bench.normalised(sigmas * rng.normal(0.5, 1, sigmas.shape), sigmas, place)
        np.testing.assert_allclose(figures[:4], [0.5, 1, 1, 1.25**0.5], atol=0.04)
    assert figures[4] == pytest.approx(0.6247, abs=0.02)  # P(|x + ½| < 1) for a standard normal x


def test_moved_content_lies_where_the_truth_says(dates):
    """Sampling the later date where the truth sends each reference pixel gives the reference back."""
    first, later = dates.rendered(dates.Setting("same", "affine", 2.5, 256, 5))
    a, b = (date.image.values[0].astype(float) for date in (first, later))
    cols, rows = np.meshgrid(np.arange(256.0), np.arange(256.0))
    back = np.linalg.inv(later.matrix[:, :2])
    x, y = np.tensordot(back, np.stack([cols, rows]) - later.matrix[:, 2, None, None], 1)
    inner = (slice(24, -24), slice(24, -24))
    alike = np.corrcoef(ndimage.map_coordinates(b, [y, x], order=3)[inner].ravel(), a[inner].ravel())[0, 1]
    assert alike > 0.97
    assert alike > np.corrcoef(b[inner].ravel(), a[inner].ravel())[0, 1]


def test_local_displacements_leave_the_common_transform_alone(dates):
    """A least-squares affine through all displaced pixels is the transform that counts as truth."""
    _, later = dates.rendered(dates.Setting("decade", "similarity", 2.5, 256, 3))
    cols, rows = (v.ravel() for v in np.meshgrid(np.arange(256.0), np.arange(256.0)))
    points = np.stack([cols, rows], axis=1)
    displaced = later.on_first(points, local=True)
    assert np.hypot(*(displaced - later.on_first(points, local=False)).T).max() > 0.5
    fitted = np.linalg.lstsq(np.column_stack([points, np.ones(len(points))]), displaced, rcond=None)[0].T
    np.testing.assert_allclose(fitted, later.matrix, atol=1e-6)
