"""Closed rings of points: equal steps, smoothing, straightening."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import solveh_banded
from scipy.ndimage import gaussian_filter1d, label

if TYPE_CHECKING:
    from numpy.typing import NDArray


def right_of(tangent: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return unit vectors to the right of some directions (k, 2)."""
    turned = np.column_stack([tangent[:, 1], -tangent[:, 0]])
    return np.asarray(turned / np.maximum(np.hypot(*turned.T), 1e-12)[:, None], np.float64)


def resample(ring: NDArray[np.float64], step_m: float) -> NDArray[np.float64]:
    """Return a closed ring (k, 2), first point not repeated, at equal arc lengths near `step_m`."""
    closed = np.vstack([ring, ring[:1]])
    arc = np.r_[0.0, np.cumsum(np.hypot(*np.diff(closed, axis=0).T))]
    count = max(round(arc[-1] / step_m), 8)
    places = np.arange(count) * arc[-1] / count
    return np.column_stack([np.interp(places, arc, closed[:, 0]), np.interp(places, arc, closed[:, 1])])


def runs(flags: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Return the indices of each run of True in a closed sequence, in order around it; a run over the seam is one."""
    first = 0 if flags.all() else int(np.argmin(flags))
    names, count = label(np.roll(flags, -first))
    return [(np.flatnonzero(names == name) + first) % len(flags) for name in range(1, count + 1)]


def smooth(ring: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Return a closed ring (k, 2) filtered along itself with a Gaussian of `sigma` points."""
    return np.asarray(gaussian_filter1d(ring, sigma, axis=0, mode="wrap"), np.float64)


def straighten(ring: NDArray[np.float64], weight: NDArray[np.float64], stiffness: float) -> NDArray[np.float64]:
    """Return a closed ring (k, 2) near the given one whose turns are few: trend filtering (doi:10.1137/070690274) with a concave price.

    Noise is ironed out of straight stretches and corners stay corners, so that neither the length gains nor the area loses. `weight` (k,) 0..1
    says how far each point is trusted; untrusted stretches are bridged straight. `stiffness` is the price of turning, in metres at unit weight.
    The minimum is approached by a fixed number of reweighted least-squares solutions.
    """
    trust = np.maximum(weight, 1e-3)
    place = _folded(len(ring))
    course = ring
    for _ in range(8):
        bend = np.roll(course, -1, axis=0) - 2 * course + np.roll(course, 1, axis=0)
        # The norm's square root, not the norm: one turn is cheaper than two halves, so that a corner is not left chamfered.
        price = stiffness / (np.hypot(*bend.T) + 0.01) ** 1.5
        course = _solved(trust, price, ring, place)
    return course


def _folded(count: int) -> NDArray[np.intp]:
    """Return where each point of a closed sequence goes when the two halves are laid side by side: neighbours stay within two steps of another."""
    index = np.arange(count)
    return np.where(index < (count + 1) // 2, 2 * index, 2 * (count - 1 - index) + 1)


def _solved(trust: NDArray[np.float64], price: NDArray[np.float64], ring: NDArray[np.float64], place: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the closed course (k, 2) that minimises trust · |course - ring|² + price · |second difference|²."""
    index = np.arange(len(ring))
    after, before = np.roll(price, -1), np.roll(price, 1)
    band = np.zeros((5, len(ring)))
    band[0, place] = trust + before + 4 * price + after
    for lag, values in ((1, -2 * price - 2 * after), (2, after)):
        here, there = place, place[(index + lag) % len(ring)]
        band[np.abs(here - there), np.minimum(here, there)] += values
    right = np.empty_like(ring)
    right[place] = trust[:, None] * ring
    return np.asarray(solveh_banded(band, right, lower=True, overwrite_ab=True, overwrite_b=True, check_finite=False)[place], np.float64)
