"""The noise of pixel series: what is left of clear observations beside their neighbours in time, or beside one course through all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]
    Values = NDArray[np.float32]

SPIKE = 4.0
"""Standard deviations by which an observation that differs from its neighbours in time is left out where the noise is measured."""
ALIKE = 1.8
"""Standard deviation of what a harmonic course leaves, over that of neighbours in time, which are wet, hazy and green alike."""
RIDGE = np.diag([1e-6, 1e-2, 1e-3, 1e-3, 1e-2, 1e-2])
"""Keeps the one fit to a whole series, from which only its noise is taken, solvable where dates are few."""


def scaled_of(days: Array, values: Values, clear: Mask, x: Array, floor: float) -> tuple[Values, Array, Array, Mask]:
    """Return values of unit noise (date, band, pixel), median and noise of each band, (band, pixel), and what stands out from its neighbours."""
    spikes = _spikes(days, values, clear, floor)
    clean = clear & ~spikes
    off, unit = _neighbours(days, values, clean)
    local = 1.4826 * _median(np.abs(off / unit[:, None]))
    centre = _median(np.where(clean[:, None], values, np.float32(np.nan)))
    centred = np.where(clean[:, None], values - centre, np.float32(0.0))
    residual = centred - np.einsum("np,pbm->nbm", x, _fit(x, centred, clean)).astype(np.float32)
    whole = np.sqrt((np.where(clean[:, None], residual, 0) ** 2).sum(axis=0) / np.maximum(clean.sum(axis=0), 1))
    # Neighbours months apart differ by season, a fit over a break by the break: the smaller is nearer the noise.
    noise = np.maximum(np.where(local > 0, np.minimum(ALIKE * local, whole), whole), floor)
    return ((values - centre) / noise).astype(np.float32), centre.astype(np.float64), noise.astype(np.float64), spikes


def _spikes(days: Array, values: Values, valid: Mask, floor: float) -> Mask:
    """Return which observations (date, pixel) stand out from both neighbours in some band."""
    off, unit = _neighbours(days, values, valid)
    off /= unit[:, None]
    noise = _median(np.abs(off)) * 1.4826
    return np.asarray((np.abs(np.nan_to_num(off)) > SPIKE * np.maximum(noise, floor)).any(axis=1))


def _neighbours(days: Array, values: Values, valid: Mask) -> tuple[Values, Values]:
    """Return how far each value (date, band, pixel) lies from the line between its neighbours in time, and unit noise would (date, pixel)."""
    count = len(days)
    order = np.arange(count)[:, None]
    before = np.maximum.accumulate(np.where(valid, order, -1), axis=0)
    before = np.vstack([np.full((1, valid.shape[1]), -1), before[:-1]])
    after = np.minimum.accumulate(np.where(valid, order, count)[::-1], axis=0)[::-1]
    after = np.vstack([after[1:], np.full((1, valid.shape[1]), count)])
    inner = valid & (before >= 0) & (after < count)
    a, b = np.where(inner, before, 0), np.where(inner, after, 0)
    gap = np.maximum(days[b] - days[a], 1e-6)
    share = np.clip((days[:, None] - days[a]) / gap, 0.0, 1.0).astype(np.float32)
    off = np.full(values.shape, np.nan, np.float32)
    for band in range(values.shape[1]):
        plane = values[:, band]
        line = (1 - share) * np.take_along_axis(plane, a, 0) + share * np.take_along_axis(plane, b, 0)
        off[:, band] = np.where(inner, plane - line, np.nan)
    return off, np.sqrt(1.0 + share**2 + (1.0 - share) ** 2).astype(np.float32)


def _median(values: Values) -> Values:
    """Return the median over dates of what is not NaN, (band, pixel); 0 where nothing is."""
    ordered = np.sort(values, axis=0)  # NaN last
    count = np.isfinite(values).sum(axis=0)
    middle = np.maximum(count - 1, 0) // 2
    return np.where(count > 0, np.take_along_axis(ordered, middle[None], 0)[0], np.float32(0.0))


def _fit(x: Array, values: Values, clean: Mask) -> Array:
    """Return (term, band, pixel) coefficients of ridge regressions on clean values in their own units."""
    products = np.einsum("np,nq,nm->pqm", x, x, clean, optimize=True)
    products += RIDGE[:, :, None]
    sums = np.einsum("np,nbm->pbm", x, values, optimize=True)
    return np.moveaxis(np.linalg.solve(np.moveaxis(products, 2, 0), np.moveaxis(sums, 2, 0)), 0, 2)
