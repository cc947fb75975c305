"""The relation of unchanged ground between two dates: pairs of combinations of their bands that correlate most, found by iteration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betainc, erfc

from camwatch.detect._irmad_pixels import CHUNK_PIXELS, parts
from camwatch.errors import PairError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

CONSTANT = 1e-9
"""Share of its mean up to which a band's standard deviation is rounding."""
RANK = 1e-10
"""Share of the largest eigenvalue of the bands' correlations under which a combination of bands holds nothing but rounding."""
LEAST = 1e-12
"""Least variance in later iterations, where the variance over all pixels is 1: what varies on changed ground only still has a say."""
LEAST_SPREAD = 1e-10
"""Least variance of a difference of unit-variance combinations: what agrees to 1e-5 standard deviations is the same."""
LEAST_SHARE = 1e-3
"""Least variance of a standardised variate that trimming is made up for; in dates that agree to the last digit it is rounding."""
TRIMMING = 6
"""Iterations as published, which shrink the noise and with it the hold of changes that are many and alike, before those that make up for it."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A relation in whitened components: `vectors` (degrees, component), `mean` (component,)."""

    vectors: Array
    mean: Array
    correlations: Array
    iterations: int
    converged: bool


def components_of(covariance: Array, centre: Array, date: str) -> Array:
    """Return (rank, band) rows that turn centred bands into uncorrelated components of variance 1, without those that hold only rounding."""
    deviation = np.sqrt(np.diag(covariance))
    varying = deviation > CONSTANT * np.abs(centre)
    if not varying.any():
        raise PairError(
            "all bands are constant, so no change can be told from noise", where=date, remedy="choose other bands or a scene that shows ground"
        )
    deviation = deviation[varying]
    values, axes = np.linalg.eigh(covariance[np.ix_(varying, varying)] / np.outer(deviation, deviation))
    kept = values > RANK * values[-1]
    components = np.zeros((int(kept.sum()), len(covariance)))
    components[:, varying] = (axes[:, kept] / np.sqrt(values[kept])).T / deviation
    return components


def iterate(pixels: Array, split: int, tolerance: float, most: int) -> Fit:
    """Return the relation of unchanged ground among (component, pixel) `pixels`, of which the first `split` components are those of before."""
    mean, covariance = pixels.mean(axis=1), pixels @ pixels.T / pixels.shape[1]
    vectors, correlations = _canonical(covariance, split)
    degrees = len(correlations)
    kept = 2.0 * float(betainc(degrees / 2 + 1, degrees / 2, 0.5))
    iterations, converged = 1, False
    while iterations < most and not converged:
        mean, covariance = _weighted_moments(pixels, mean, vectors)
        trimming = iterations <= TRIMMING
        if not trimming:
            # Of Gaussian variates the weights leave the share `kept` of the variance; whatever does not correlate with them is as it was.
            along = covariance @ vectors.T
            values, axes = np.linalg.eigh(vectors @ along)
            explained = along @ axes / np.sqrt(np.maximum(values, LEAST_SHARE))
            covariance += (1.0 / kept - 1.0) * explained @ explained.T
        before = _spread(correlations)
        vectors, correlations = _canonical(covariance, split)
        iterations += 1
        converged = not trimming and bool(np.max(np.abs(_spread(correlations) / before - 1.0)) < tolerance)
    return Fit(vectors, mean, correlations, iterations, converged)


def _canonical(covariance: Array, split: int) -> tuple[Array, Array]:
    """Return (degrees, component) vectors of the standardised differences, after less before, and the canonical correlations."""
    roots = []
    for block in (covariance[:split, :split], covariance[split:, split:]):
        values, axes = np.linalg.eigh(block)
        roots.append((axes / np.sqrt(np.maximum(values, LEAST))).T)
    left, correlations, right = np.linalg.svd(roots[0] @ covariance[:split, split:] @ roots[1].T, full_matrices=False)
    correlations = np.minimum(correlations, 1.0)
    return np.hstack([-left.T @ roots[0], right @ roots[1]]) / np.sqrt(_spread(correlations))[:, None], correlations


def _spread(correlations: Array) -> Array:
    """Return the variances of the differences of canonical variates."""
    return np.maximum(2.0 * (1.0 - correlations), LEAST_SPREAD)


def _weighted_moments(pixels: Array, mean: Array, vectors: Array) -> tuple[Array, Array]:
    """Return mean and covariance of (component, pixel) `pixels`, each weighted by its probability of no change."""
    total, first, second = 0.0, np.zeros(len(pixels)), np.zeros((len(pixels), len(pixels)))
    for part in parts(pixels.shape[1], CHUNK_PIXELS):
        centred = pixels[:, part] - mean[:, None]
        differences = vectors @ centred
        weights = no_change_probability(np.einsum("ij,ij->j", differences, differences), len(vectors))
        weighted = centred * weights
        total += float(weights.sum())
        first += weighted.sum(axis=1)
        second += weighted @ centred.T
    shift = first / total
    return mean + shift, second / total - np.outer(shift, shift)


def no_change_probability(squares: Array, degrees: int) -> Array:
    """Return the chance that a chi-square variable of `degrees` degrees of freedom exceeds each of `squares`; closed form, for speed.

    The survival function of two degrees more is that of `degrees` and one term of the series; it starts at exp(−x/2) or erfc(√(x/2)).
    """
    # Beyond 1,400 the chance is no number of single precision.
    half = np.minimum(squares, 1400.0) / 2.0
    term = np.exp(-half)
    if degrees % 2:
        root = np.sqrt(half)
        total: Array = erfc(root)
        term *= root * (2.0 / math.sqrt(math.pi))
        first = 1.5
    else:
        total = term.copy()
        term *= half
        first = 2.0
    for step in range((degrees - 1) // 2):
        total += term
        term *= half / (first + step)
    return np.minimum(total, 1.0)
