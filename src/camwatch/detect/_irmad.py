"""How far each pixel's change lies beyond the noise common to two dates: iteratively reweighted multivariate alteration detection (IR-MAD)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betainc, erfc

from camwatch.errors import PairError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Plane = NDArray[np.float32]
    Mask = NDArray[np.bool_]
    Array = NDArray[np.float64]

SAMPLE_PIXELS = 1_000_000
"""Most pixels that are iterated on. On four bands of 4096² probabilities lay 0.001 on average, 0.013 at most, from those fitted on all pixels."""
CHUNK_PIXELS = 1 << 15
"""Pixels that are worked on at once; a few bands of them fit into a processor's cache."""
PIXELS_PER_BAND = 10
"""Fewest valid pixels for each band of either date; with fewer, canonical correlations are high by chance."""
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
CLIPPED = 0.01, 0.5
"""Shares of pixels between which the least or the largest value of a band is a limit of the sensor or a fill, and no measurement."""
GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Alteration:
    """What changed between two dates beyond one affine relation of their bands.

    Attributes
    ----------
    chi_square : (y, x) float32
        Sum of squares of the variates; chi-square distributed with `degrees` degrees of freedom where nothing changed. NaN where not valid.
    no_change : (y, x) float32, 0..1
        Probability of a larger `chi_square` under no change, uniform there; also the pixel's weight after the last iteration. NaN where not valid.
    correlations : (degrees,) float64, 0..1
        Canonical correlations of unchanged ground, falling.
    mean : (band of before and after,) float64
        Means of unchanged ground.
    vectors : (degrees, band of before and after) float64
        `vectors @ (pixel - mean)` are the variates.
    variates : (degrees, y, x) float32 or None
        Difference, after less before, of each pair of canonical variates over its standard deviation on unchanged ground; positive where the after
        bands, standardised and added, rose. NaN where not valid. None unless asked for.
    iterations : int
        How often the relation was fitted; 1 is MAD without reweighting.
    converged : bool
        Whether the last iteration changed less than the tolerance.
    """

    chi_square: Plane
    no_change: Plane
    correlations: Array
    mean: Array
    vectors: Array
    variates: Plane | None
    iterations: int
    converged: bool

    @property
    def degrees(self) -> int:
        """Degrees of freedom of `chi_square`: the smaller rank of the two dates' bands."""
        return len(self.correlations)


def irmad(
    before: Plane,
    after: Plane,
    valid: Mask,
    *,
    tolerance: float = 1e-3,
    max_iterations: int = 100,
    sample_pixels: int = SAMPLE_PIXELS,
    variates: bool = False,
) -> Alteration:
    """Return what changed between two dates, by the multivariate alteration detection (MAD) of unchanged ground, which is found by iteration.

    Parameters
    ----------
    before, after : (band, y, x) float32
        On one grid. Bands need not be the same, nor as many. Any affine change of the bands of one date leaves the answer as it is.
    valid : (y, x) bool
        Pixels to use; those not finite in every band are left out too.
    tolerance : float
        The iteration has converged when no variance 2 (1 − correlation) changes by more than this share of itself.
    max_iterations : int
        Where the iteration stops, converged or not. With 1 it is MAD; up to 7 it holds too small a noise.
    sample_pixels : int
        Fit on at most so many pixels, one from each run of as many valid ones, at places that follow no pattern of the sensor. No randomness.
    variates : bool
        Keep the planes of the single variates.

    Returns
    -------
    Alteration

    Raises
    ------
    PairError
        The shapes disagree; a limit is not positive; too few pixels are valid; all bands of one date are constant.

    Notes
    -----
    Each iteration pairs combinations of the bands of both dates that correlate most, and weights each pixel by its probability of no change for the
    next one [1]_. Weights trim the noise of unchanged ground too. In the method as published its variance therefore shrinks with every iteration,
    without end on one band, and most unchanged pixels come to look changed. Here that is done a few times only, to leave behind changes that are
    many and alike. From then on the part of the weighted covariance that the variates explain is put back to what it is before trimming, by the
    factor that holds for Gaussian noise. So the iteration has a fixed point at the truth, the probability is uniform where nothing changed, and one
    band is no special case: its variate is the standardised difference, which is the distance from the line of total least squares in bands scaled
    to unit variance.

    Bands that repeat others or are constant lower the degrees of freedom. Pixels at the limit of a band's values, where they are many, are not fitted
    on. Change must be the exception: of planted changes that are all alike, a third of the ground is told from the rest and nearly a half is not. The
    relation is one for the whole image; haze over a part of it is change, and so are season and sun. Real ground has heavier tails than Gaussian
    noise, and noise of less than one count has no distribution: there the order of pixels means more than the probability.

    Memory beyond the answer's planes: 8 bytes × bands of both dates × sampled pixels.

    References
    ----------
    .. [1] A. A. Nielsen, "The regularized iteratively reweighted MAD method for change detection in multi- and hyperspectral data", IEEE TIP 16(2),
       2007, doi:10.1109/TIP.2006.888195
    """
    _check(before, after, valid)
    if tolerance <= 0.0 or min(max_iterations, sample_pixels) < 1:
        raise PairError("limits of a change statistic must be positive", got=f"{tolerance=}, {max_iterations=}, {sample_pixels=}")
    usable = _usable(before, after, valid)
    pixels = _sample(before, after, usable, sample_pixels)
    measured = _measured(pixels)
    if not measured.all():
        pixels = pixels[:, measured]
    count, bands = pixels.shape[1], len(pixels)
    if count < PIXELS_PER_BAND * bands:
        raise PairError(
            "too few valid pixels with values off the limits for a change statistic",
            got=f"{count} for {bands} bands of both dates",
            expected=f"at least {PIXELS_PER_BAND * bands}",
            remedy="use a larger area or fewer bands",
        )
    centre = pixels.mean(axis=1)
    pixels -= centre[:, None]
    covariance = pixels @ pixels.T / count
    split = len(before)
    to_before = _components(covariance[:split, :split], centre[:split], "before")
    to_after = _components(covariance[split:, split:], centre[split:], "after")
    ranks = len(to_before), len(to_after)
    to_components = np.zeros((sum(ranks), bands))
    to_components[: ranks[0], :split], to_components[ranks[0] :, split:] = to_before, to_after
    for part in _parts(count, CHUNK_PIXELS):
        pixels[: sum(ranks), part] = to_components @ pixels[:, part]
    fit = _iterate(pixels[: sum(ranks)], ranks[0], tolerance, max_iterations)
    vectors = fit.vectors @ to_components
    deviation = np.sqrt(np.diag(covariance)[split:])
    rise = vectors[:, split:] @ covariance[split:, split:] @ np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 0.0)
    vectors *= np.where(rise < 0.0, -1.0, 1.0)[:, None]
    # Of all offsets that say the same, the one that lies in the space of the components.
    mean = centre + np.linalg.pinv(to_components) @ fit.mean
    chi_square, no_change, planes = _apply(before, after, usable, mean, vectors, variates=variates)
    return Alteration(chi_square, no_change, fit.correlations, mean, vectors, planes, fit.iterations, fit.converged)


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


@dataclass(frozen=True, slots=True)
class _Fit:
    """A relation in whitened components: `vectors` (degrees, component), `mean` (component,)."""

    vectors: Array
    mean: Array
    correlations: Array
    iterations: int
    converged: bool


def _check(before: Plane, after: Plane, valid: Mask) -> None:
    one_grid = before.ndim == after.ndim == 3 and before.shape[1:] == after.shape[1:] == valid.shape
    if not one_grid or not len(before) or not len(after) or valid.dtype != np.bool_:
        raise PairError(
            "before, after and valid do not belong together",
            got=f"{before.shape}, {after.shape} and {valid.dtype} {valid.shape}",
            expected="(band, y, x) twice and bool (y, x) of one size",
        )


def _parts(size: int, most: int) -> Iterator[slice]:
    for start in range(0, size, most):
        yield slice(start, min(start + most, size))


def _row_parts(shape: tuple[int, ...]) -> Iterator[slice]:
    """Yield the rows of blocks of about :data:`CHUNK_PIXELS`."""
    return _parts(shape[-2], max(CHUNK_PIXELS // max(shape[-1], 1), 1))


def _usable(before: Plane, after: Plane, valid: Mask) -> Mask:
    usable = valid.copy()
    for rows in _row_parts(valid.shape):
        for date in (before, after):
            usable[rows] &= np.isfinite(date[:, rows]).all(axis=0)
    return usable


def _sample(before: Plane, after: Plane, usable: Mask, most: int) -> Array:
    """Return (band of before and after, pixel) values of at most `most` usable pixels.

    One pixel of each run of `stride` is taken. Its place in the run follows the multiples of the golden ratio, so that neither columns nor detectors
    of a sensor fall into step with the sample.
    """
    per_row = np.count_nonzero(usable, axis=1)
    total = int(per_row.sum())
    stride = max(-(-total // most), 1)
    run = np.arange(total // stride)
    ranks = stride * run + (stride * (run * GOLDEN % 1.0)).astype(np.int64)
    out = np.empty((len(before) + len(after), len(ranks)))
    before_row = np.concatenate([[0], np.cumsum(per_row)])
    for rows in _row_parts(usable.shape):
        first = int(before_row[rows.start])
        part = slice(*np.searchsorted(ranks, [first, before_row[rows.stop]]))
        at = np.flatnonzero(usable[rows])[ranks[part] - first]
        for date, place in ((before, out[: len(before)]), (after, out[len(before) :])):
            place[:, part] = date[:, rows].reshape(len(date), -1)[:, at]
    return out


def _measured(pixels: Array) -> Mask:
    """Return which of (band, pixel) `pixels` hold values off the limits of every band: what is saturated or filled at both dates has no noise."""
    measured = np.ones(pixels.shape[1], bool)
    for band in pixels if pixels.size else ():
        for limit in (band.min(), band.max()):
            at_limit = band == limit
            # One pixel must be the least, whatever its value.
            if CLIPPED[0] < (np.count_nonzero(at_limit) - 1) / len(band) < CLIPPED[1]:
                measured &= ~at_limit
    return measured


def _components(covariance: Array, centre: Array, date: str) -> Array:
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


def _iterate(pixels: Array, split: int, tolerance: float, most: int) -> _Fit:
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
    return _Fit(vectors, mean, correlations, iterations, converged)


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
    for part in _parts(pixels.shape[1], CHUNK_PIXELS):
        centred = pixels[:, part] - mean[:, None]
        differences = vectors @ centred
        weights = no_change_probability(np.einsum("ij,ij->j", differences, differences), len(vectors))
        weighted = centred * weights
        total += float(weights.sum())
        first += weighted.sum(axis=1)
        second += weighted @ centred.T
    shift = first / total
    return mean + shift, second / total - np.outer(shift, shift)


def _apply(before: Plane, after: Plane, usable: Mask, mean: Array, vectors: Array, *, variates: bool) -> tuple[Plane, Plane, Plane | None]:
    """Return chi-square, probability of no change and, where asked for, the variates of all pixels."""
    chi_square, no_change = (np.empty(usable.shape, np.float32) for _ in range(2))
    planes = np.empty((len(vectors), *usable.shape), np.float32) if variates else None
    largest = float(np.finfo(np.float32).max)
    for rows in _row_parts(usable.shape):
        ground = usable[rows].ravel()
        block = np.concatenate([date[:, rows].reshape(len(date), -1) for date in (before, after)]).astype(np.float64)
        block -= mean[:, None]
        if not ground.all():
            block[:, ~ground] = 0.0
        differences = vectors @ block
        squares = np.einsum("ij,ij->j", differences, differences)
        chance = no_change_probability(squares, len(vectors))
        squares[~ground] = chance[~ground] = np.nan
        chi_square[rows] = np.minimum(squares, largest).reshape(-1, usable.shape[1])
        no_change[rows] = chance.reshape(-1, usable.shape[1])
        if planes is not None:
            differences[:, ~ground] = np.nan
            planes[:, rows] = differences.reshape(len(vectors), -1, usable.shape[1])
    return chi_square, no_change, planes
