"""What became of ground that looked alike at the first date: change that all of it shares is season, what departs from it is change of its own.

Harvest, leaf fall, drought and a wet week change whole kinds of ground at once. Pixels are put into strata of like spectra at the first date; within
each, the second date is predicted from the first by what most of the stratum did, and a pixel's departure is measured in the scatter about that
[1]_ [2]_.

References
----------
.. [1] M. J. Carlotto, "A cluster-based approach for detecting man-made objects and changes in imagery", IEEE TGRS 43(2), 2005,
   doi:10.1109/TGRS.2004.841481
.. [2] J. Theiler, "Quantitative comparison of quadratic covariance-based anomalous change detectors", Applied Optics 47(28), 2008,
   doi:10.1364/AO.47.000F12
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammainc, gammaincinv

from camwatch.detect._land_strata import places_of, sample_of, strata_of, teachers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Index = NDArray[np.intp]
    Plane = NDArray[np.float32]
    Mask = NDArray[np.bool_]

KEPT, STEPS = 0.75, 8
"""Share of a stratum that its rule is fitted to, the part that departs least, and how often that part is chosen anew (least trimmed squares)."""
ACCURACY, SHARE = 0.005, 0.05
"""Standard deviation of surface reflectance of one date: this, and this share of the reflectance (doi:10.1016/j.rse.2016.04.008)."""
DOUBTED = 0.9
"""Probability of departure from which it is asked whether a fault of registration explains it."""
CHUNK = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Alike:
    """How each pixel compares with what looked like it.

    Attributes
    ----------
    probability : (y, x) float32, 0..1
        That the second date departs from what became of ground that looked alike at the first; NaN where not seen.
    steadfast : (y, x) float32, 0..1
        The least such probability with the second date moved by half a pixel to any side: what it leaves is no fault of registration.
    stratum : (y, x) int16
        Kind of ground at the first date, 0, 1, …; -1 where not seen.
    teachers : tuple of (pixel,) int
        For each stratum the pixels, flat indices of (y, x), that it is held against.
    """

    probability: Plane
    steadfast: Plane
    stratum: NDArray[np.int16]
    teachers: tuple[Index, ...]

    def where(self, holds: Mask) -> Mask:
        """Return the pixels (y, x) of the strata for which something `holds` (stratum,)."""
        return np.asarray(np.append(holds, False)[self.stratum], bool)

    def shares(self, mask: Mask) -> Array:
        """Return, for each stratum, which share of what it is held against lies in a mask (y, x)."""
        return np.array([mask.flat[pixels].mean() for pixels in self.teachers])

    def medians(self, plane: Plane) -> Array:
        """Return, for each stratum, the median of a plane (y, x) over what it is held against."""
        return np.array([np.median(plane.flat[pixels]) for pixels in self.teachers], np.float64)


def compare_alike(before: Plane, after: Plane, seen: Mask) -> Alike:
    """Return how far each pixel departs from what became of ground like it.

    Parameters
    ----------
    before, after : (band, y, x) float32
        In one radiometry, reflectance or about that.
    seen : (y, x) bool
        Pixels that show the ground at both dates.

    Returns
    -------
    Alike
    """
    stratum = np.full(seen.shape, -1, np.int16)
    chance = np.full(seen.shape, np.nan, np.float32)
    first, second = before[:, seen].T, after[:, seen].T
    if not len(first):
        return Alike(chance, chance.copy(), stratum, ())
    taken = sample_of(len(first))
    x, y, at = first[taken].astype(np.float64), second[taken].astype(np.float64), np.flatnonzero(seen)[taken]
    strata, kinds = strata_of(x)
    taught = teachers(strata, kinds, places_of(*np.divmod(at, seen.shape[1])))
    rules = [_rule(x[pixels], y[pixels]) for pixels in taught]
    kind_of = np.concatenate([strata.of(first[part]) for part in _parts(len(first))])
    stratum[seen], chance[seen] = kind_of, _departures(rules, kind_of, first, second)
    steadfast = chance.copy()
    beyond = chance >= DOUBTED
    for moved in _moved(after, seen):
        again = _departures(rules, stratum[beyond], first[beyond[seen]], moved[:, beyond].T)
        steadfast[beyond] = np.minimum(steadfast[beyond], again)
    return Alike(chance, steadfast, stratum, tuple(at[pixels] for pixels in taught))


def _moved(planes: Plane, seen: Mask) -> Iterator[Plane]:
    """Yield the planes moved by half a pixel to each side; where the neighbour is not seen they stay."""
    for axis, step in ((1, 1), (1, -1), (2, 1), (2, -1)):
        other, there = np.roll(planes, step, axis), np.roll(seen, step, axis - 1)
        yield np.where(seen & there, (planes + other) / 2, planes)


def _parts(count: int) -> list[slice]:
    return [slice(start, start + CHUNK) for start in range(0, count, CHUNK)]


def _departures(rules: list[_Rule], kinds: NDArray[np.int16], first: Plane, second: Plane) -> Plane:
    """Return the probability of departure of (pixel, band) values of both dates, by their strata."""
    told = np.empty(len(first), np.float32)
    for part in _parts(len(first)):
        one, other = first[part].astype(np.float64), second[part].astype(np.float64)
        for kind in np.unique(kinds[part]):
            inside = np.flatnonzero(kinds[part] == kind)
            told[part.start + inside] = _departure(rules[kind], one[inside], other[inside])
    return told


def beyond_accuracy(before: Plane, after: Plane) -> Plane:
    """Return the probability (y, x) that planes (band, y, x) differ by more than calibration, atmosphere and view let one ground differ."""
    squares = np.zeros(before.shape[1:])
    for one, other in zip(before, after, strict=True):
        squares += ((other - one) / _error((one.astype(np.float64) + other) / 2)) ** 2
    return np.asarray(gammainc(len(before) / 2, squares / 2), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Rule:
    """What became of a stratum: mean of the first date, coefficients (1 + band, band), and inverse covariance (band, band) of the scatter."""

    mean: Array
    line: Array
    precision: Array


def _error(reflectance: Array) -> Array:
    """Return the standard deviation by which two dates of one ground of some reflectance differ."""
    return np.asarray(math.sqrt(2.0) * (ACCURACY + SHARE * np.maximum(reflectance, 0.0)))


def _rule(x: Array, y: Array) -> _Rule:
    """Return what became of a stratum, (pixel, band) values of both dates, as most of it shows."""
    mean, bands = x.mean(axis=0), y.shape[1]
    terms = np.column_stack([np.ones(len(x)), x - mean])
    ridge = 1e-9 * np.eye(terms.shape[1])
    usual = np.median(y, axis=0)
    off, error = y - usual, _error(usual)
    distance = ((off / (1.4826 * np.median(np.abs(off), axis=0) + error)) ** 2).sum(axis=1)
    middle = 2.0 * float(gammaincinv(bands / 2, 0.5))
    line, covariance = np.zeros((terms.shape[1], bands)), np.eye(bands)
    for _ in range(STEPS):
        kept = distance <= np.quantile(distance, KEPT)
        line = np.linalg.solve(terms[kept].T @ terms[kept] / kept.sum() + ridge, terms[kept].T @ y[kept] / kept.sum())
        off = y - terms @ line
        covariance = off[kept].T @ off[kept] / kept.sum() + 1e-12 * np.eye(bands)
        # The kept part is narrower than the whole: the median pixel has the distance that unit noise would give it.
        scale = float(np.median(_squares(off, np.linalg.inv(covariance)))) / middle
        covariance = scale * covariance + np.diag(error**2)
        distance = _squares(off, np.linalg.inv(covariance))
    return _Rule(mean, line, np.asarray(np.linalg.inv(covariance), np.float64))


def _squares(off: Array, precision: Array) -> Array:
    return np.asarray(np.einsum("nb,nb->n", off @ precision, off))


def _departure(rule: _Rule, x: Array, y: Array) -> NDArray[np.float32]:
    """Return the probability that (pixel, band) values of the second date depart from the rule."""
    off = y - rule.line[0] - (x - rule.mean) @ rule.line[1:]
    return np.asarray(gammainc(y.shape[1] / 2, _squares(off, rule.precision) / 2), np.float32)
