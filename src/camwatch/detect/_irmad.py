"""How far each pixel's change lies beyond the noise common to two dates: iteratively reweighted multivariate alteration detection (IR-MAD)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from camwatch.detect._irmad_pixels import CHUNK_PIXELS, check, measured_of, parts, row_parts, sample, usable_of
from camwatch.detect._irmad_relation import components_of, iterate, no_change_probability
from camwatch.errors import PairError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Plane = NDArray[np.float32]
    Mask = NDArray[np.bool_]
    Array = NDArray[np.float64]

SAMPLE_PIXELS = 1_000_000
"""Most pixels that are iterated on. On four bands of 4096² probabilities lay 0.001 on average, 0.013 at most, from those fitted on all pixels."""
PIXELS_PER_BAND = 10
"""Fewest valid pixels for each band of either date; with fewer, canonical correlations are high by chance."""


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
    check(before, after, valid)
    if tolerance <= 0.0 or min(max_iterations, sample_pixels) < 1:
        raise PairError("limits of a change statistic must be positive", got=f"{tolerance=}, {max_iterations=}, {sample_pixels=}")
    usable = usable_of(before, after, valid)
    pixels = sample(before, after, usable, sample_pixels)
    measured = measured_of(pixels)
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
    to_before = components_of(covariance[:split, :split], centre[:split], "before")
    to_after = components_of(covariance[split:, split:], centre[split:], "after")
    ranks = len(to_before), len(to_after)
    to_components = np.zeros((sum(ranks), bands))
    to_components[: ranks[0], :split], to_components[ranks[0] :, split:] = to_before, to_after
    for part in parts(count, CHUNK_PIXELS):
        pixels[: sum(ranks), part] = to_components @ pixels[:, part]
    fit = iterate(pixels[: sum(ranks)], ranks[0], tolerance, max_iterations)
    vectors = fit.vectors @ to_components
    deviation = np.sqrt(np.diag(covariance)[split:])
    rise = vectors[:, split:] @ covariance[split:, split:] @ np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 0.0)
    vectors *= np.where(rise < 0.0, -1.0, 1.0)[:, None]
    # Of all offsets that say the same, the one that lies in the space of the components.
    mean = centre + np.linalg.pinv(to_components) @ fit.mean
    chi_square, no_change, planes = _apply(before, after, usable, mean, vectors, variates=variates)
    return Alteration(chi_square, no_change, fit.correlations, mean, vectors, planes, fit.iterations, fit.converged)


def _apply(before: Plane, after: Plane, usable: Mask, mean: Array, vectors: Array, *, variates: bool) -> tuple[Plane, Plane, Plane | None]:
    """Return chi-square, probability of no change and, where asked for, the variates of all pixels."""
    chi_square, no_change = (np.empty(usable.shape, np.float32) for _ in range(2))
    planes = np.empty((len(vectors), *usable.shape), np.float32) if variates else None
    largest = float(np.finfo(np.float32).max)
    for rows in row_parts(usable.shape):
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
