"""A smooth field upon an affine: how far the check windows support one, and what it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from camwatch.registration.lattice import Lattice

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

LENGTHS = (0.08, 0.13, 0.2, 0.33, 0.6)
"""Distances over which a field may change, in sides of the image."""

STRENGTHS = (0.35, 0.7, 1.4, 2.8)
NUGGETS = (0.05, 0.15, 0.35, 0.6, 0.9, 1.3)
"""Standard deviations of the field and of what every window has for itself, in robust standard deviations of what is to be explained."""

STEEP = 0.05
"""Standard deviation of slopes that are not known beforehand: rotations of some degrees, scales of some per cent."""

LEAST = 0.02
"""Pixels of the level: the least scatter of windows that is looked into; their own bias is as large."""

STRANGE = 3.0
"""Residual over its predicted standard deviation above which a window loses weight: it moved for itself, or was mistaken."""

NODES = 16
"""Steps of the finest lattice along the longer side."""


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """What neighbouring windows, by how alike they are, tell of a field before it is measured.

    Attributes
    ----------
    length : float
        Pixels of the level over which the likeliest field changes.
    sd, own : float
        Its standard deviation, and that of what each window has for itself, in pixels of the level, for each axis.
    gain : float
        Natural logarithm of how much likelier the windows are with that field than without any.
    evidence : float
        Natural logarithm of the likelihood of the windows with that field, or without any where that is more: to compare what it rests upon.
    granted : (n,) float64
        Variance of each window beside `own`: its standard error, and more where it contradicts its neighbours.
    left : (n, 2) float64
        By how much each window lies elsewhere than where the field of all others puts it, in pixels of the level.
    strain : (n,) float64
        The same over its predicted standard deviation, root mean square of both axes.
    """

    length: float
    sd: float
    own: float
    gain: float
    evidence: float
    granted: NDArray[np.float64]
    left: NDArray[np.float64]
    strain: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Displaced:
    """Where things lie beside an affine: `points` (n, 2), `steps` (n, 2) in pixels and the inverse of their covariance, `weight` (n, 2, 2)."""

    points: NDArray[np.float64]
    steps: NDArray[np.float64]
    weight: NDArray[np.float64]


def prior_of(points: NDArray[np.float64], steps: NDArray[np.float64], sigma: NDArray[np.float64], *, unit: float, side: float, trend: int) -> Prior:
    """Return the likeliest prior.

    A Gaussian process with Matérn 5/2 covariance (Rasmussen & Williams 2006, Gaussian Processes for Machine Learning, eq. 4.17, 2.39 for the trend
    and 5.8 for the likelihood) of windows at `points` (n, 2), displaced by `steps` (n, 2) with standard errors `sigma` (n,), on an image of `side`.

    Parameters
    ----------
    unit : float
        Robust standard deviation in pixels of what the trend leaves.
    trend : {0, 1, 3}
        Terms of the trend along each axis that is not known either: none, a shift, or a shift and two slopes.
    """
    distance = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    terms = np.column_stack([np.ones(len(points)) * side / 4, (points - points.mean(axis=0)) * STEEP])[:, :trend]
    vague, unit = terms @ terms.T, max(unit, LEAST)
    best = _likeliest(distance, steps, sigma**2, vague, (unit, side))
    for _ in range(2):
        strange = best.strain / STRANGE
        granted = np.where(strange > 1, best.granted + (best.own**2 + best.granted) * (strange**2 - 1), best.granted)
        best = _likeliest(distance, steps, granted, vague, (unit, side))
    return best


def _likeliest(
    distance: NDArray[np.float64], steps: NDArray[np.float64], granted: NDArray[np.float64], vague: NDArray[np.float64], sizes: tuple[float, float]
) -> Prior:
    unit, side = sizes

    def fits(cov: NDArray[np.float64]) -> float:
        factor = cho_factor(cov, lower=True, check_finite=False)
        chi = float((steps * cho_solve(factor, steps, check_finite=False)).sum())
        return -chi / 2 - 2 * float(np.log(np.diag(factor[0])).sum())

    none = max(fits(vague + np.diag((unit * own) ** 2 + granted)) for own in (*NUGGETS, 2.0, 3.0))
    tried = {
        (length, sd, own): fits(vague + (unit * sd) ** 2 * matern(distance / (length * side)) + np.diag((unit * own) ** 2 + granted))
        for length, sd, own in product(LENGTHS, STRENGTHS, NUGGETS)
    }
    (length, sd, own), value = max(tried.items(), key=lambda item: item[1])
    # Each window withheld in turn, in closed form (Rasmussen & Williams 2006, eq. 5.12).
    inverse = np.linalg.inv(vague + (unit * sd) ** 2 * matern(distance / (length * side)) + np.diag((unit * own) ** 2 + granted))
    firm = np.diag(inverse)[:, None]
    left = inverse @ steps / firm
    strain = np.sqrt((left**2 * firm).sum(axis=1) / 2)
    return Prior(length * side, unit * sd, unit * own, value - none, max(value, none), granted, left, strain)


def matern(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Matérn 5/2 correlation at distances counted in lengths."""
    d = np.sqrt(5) * distance
    return np.asarray((1 + d + d**2 / 3) * np.exp(-d), np.float64)


def field_of(seen: Displaced, prior: Prior, shape: tuple[int, int]) -> tuple[Lattice, Lattice]:
    """Return the field that `seen` supports under `prior`, and its covariance (var col, cov, var row), both on one lattice over a level of `shape`.

    The nodes' values are the unknowns, the prior ties them together, and between them runs a cubic spline: as many unknowns as the smoothness
    asks for, however many tiles there are.
    """
    step = max(prior.length / 2, max(shape) / NODES)
    rows, cols = Lattice.counts(shape, step)
    nodes = Lattice.over(shape, step, np.zeros((rows, cols, 1)), 1).places()
    between = np.hypot(*(nodes[:, None] - nodes[None]).transpose(2, 0, 1))
    stiff = np.linalg.inv(prior.sd**2 * (matern(between / prior.length) + 1e-6 * np.eye(len(nodes))))
    basis, n = Lattice.basis(shape, step, seen.points), len(nodes)
    normal = np.empty((2 * n, 2 * n))
    for i, j in product(range(2), repeat=2):
        normal[i * n : (i + 1) * n, j * n : (j + 1) * n] = basis.T @ (seen.weight[:, i, j, None] * basis) + (stiff if i == j else 0)
    right = (basis.T @ np.einsum("nij,nj->ni", seen.weight, seen.steps)).T.ravel()
    cov = np.linalg.inv(normal)
    values = (cov @ right).reshape(2, rows, cols).transpose(1, 2, 0)
    spread = np.stack([np.diag(cov)[:n], np.diag(cov[:n, n:]), np.diag(cov)[n:]], axis=1).reshape(rows, cols, 3)
    return Lattice.over(shape, step, values, 3), Lattice.over(shape, step, spread, 1)


def settled(
    look: Callable[[Lattice], Displaced], start: Lattice, prior: Prior, shape: tuple[int, int], *, rounds: int, stop: float
) -> tuple[Lattice, Lattice, Displaced]:
    """Return the field, its covariance and what was seen last, once what `look` sees through the field changes it by no more than `stop` pixels."""
    field, seen = start, look(start)
    for _ in range(rounds):
        following, spread = field_of(replace(seen, steps=seen.steps + field.at(seen.points)), prior, shape)
        change = np.hypot(*(following.at(seen.points) - field.at(seen.points)).T)
        field = following
        if float(np.sqrt((change**2).mean())) < stop:
            break
        seen = look(field)
    return field, spread, seen
