"""The affine that areas of tiles support when what neighbours say goes wrong alike, and how wrong an answer may be at each place."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from camwatch.registration._field import matern

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.registration._tiles import Evidence
    from camwatch.registration.record import Model

LENGTHS = (0.06, 0.12, 0.25, 0.5)
"""Distances over which errors are alike, in sides of the level."""

STRENGTHS = (0.0, 0.35, 0.7, 1.4)
NUGGETS = (0.0, 0.5, 1.0)
"""Standard deviations of what neighbouring areas share and of what each has for itself, in robust standard deviations of what the areas say."""

NOISES = (0.3, 1.0, 4.0, 12.0)
"""Variance of an area's own answer over what independent pixels would give: smoothed noise is correlated."""

AREAS = 8
"""Areas along the longer side into which tiles are gathered."""

FEWEST = 6
"""Areas needed: an affine has three unknowns along each axis."""

KEPT: dict[str, tuple[tuple[float, ...], ...]] = {
    "none": (),
    "shift": ((1, 0, 0, 0, 0, 0), (0, 0, 0, 1, 0, 0)),
    "similarity": ((1, 0, 0, 0, 0, 0), (0, 0, 0, 1, 0, 0), (0, 1, 0, 0, 0, 1), (0, 0, -1, 0, 1, 0)),
    "affine": tuple(tuple(float(i == j) for j in range(6)) for i in range(6)),
}
"""Directions in (col: shift, x, y; row: shift, x, y) that a model leaves free."""


@dataclass(frozen=True, slots=True, eq=False)
class Marginal:
    """An affine displacement over a level: `mean` (6,) and `cov` (6, 6) of its coefficients (col: 1, x, y; row: 1, x, y), in pixels.

    x and y run from the centre in half sides: a coefficient is a displacement at the edge.
    """

    mean: NDArray[np.float64]
    cov: NDArray[np.float64]
    shape: tuple[int, int]

    def answer(self, model: Model) -> NDArray[np.float64]:
        """Return the transform of a model, 3 × 3, reference → moving, pixels of the level."""
        kept, _, answered, _, _ = self._split(model)
        theta = answered @ kept if len(kept) else np.zeros(6)
        half, centre = max(self.shape) / 2, (np.array(self.shape[::-1]) - 1) / 2
        linear = np.eye(2) + theta.reshape(2, 3)[:, 1:] / half
        out = np.eye(3)
        out[:2, :2], out[:2, 2] = linear, theta[[0, 3]] + centre - linear @ centre
        return out

    def spread(self, model: Model, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the covariance (n, 2, 2) of the error of a model's answer at pixels (n, 2): of what it answers, and of what it leaves out."""
        kept, dropped, _, given, tie = self._split(model)
        total = np.zeros((6, 6))
        if len(kept):
            total += kept.T @ given @ kept
        for part in _groups(model):
            chosen = dropped[part]
            if len(chosen):
                coordinates = chosen @ self.mean / (chosen**2).sum(axis=1)
                unit = chosen / (chosen**2).sum(axis=1)[:, None]
                second = _second_moment(coordinates, unit @ self.cov @ unit.T)
                lever = chosen + (tie[:, part].T @ kept if len(kept) else 0)
                total += lever.T @ second @ lever
        basis = _basis(points, self.shape)
        full = np.zeros((len(points), 2, 6))
        full[:, 0, :3] = full[:, 1, 3:] = basis
        return np.asarray(full @ total @ full.swapaxes(1, 2), np.float64)

    def _split(self, model: Model) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the kept and dropped directions (k, 6) and (6−k, 6), the kept coordinates answered, their covariance, and their tie to the dropped.

        Answered are the kept coordinates when the dropped ones are 0: less what the dropped ones, as measured, would explain.
        """
        kept = np.array(KEPT[model], float).reshape(-1, 6)
        dropped = _beside(model)
        basis = np.vstack([kept, dropped])
        inverse = np.linalg.inv(basis.T)  # θ = basisᵀ · coordinates
        where, cov = inverse @ self.mean, inverse @ self.cov @ inverse.T
        k = len(kept)
        if k == 6:
            return kept, dropped, where, cov, np.zeros((6, 0))
        tie = cov[:k, k:] @ np.linalg.inv(cov[k:, k:])
        return kept, dropped, where[:k] - tie @ where[k:], cov[:k, :k] - tie @ cov[k:, :k], tie


def _beside(model: Model) -> NDArray[np.float64]:
    if model == "similarity":
        return np.array([[0, 1, 0, 0, 0, -1], [0, 0, 1, 0, 1, 0]], float)
    eye = np.eye(6)
    return eye[{"none": [0, 3, 1, 2, 4, 5], "shift": [1, 2, 4, 5]}.get(model, [])].reshape(-1, 6)


def _groups(model: Model) -> list[slice]:
    """Return which dropped directions share a size: a shift, and what bends the frame."""
    return [slice(0, 2), slice(2, 6)] if model == "none" else [slice(None)]


def _second_moment(mean: NDArray[np.float64], cov: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return E[δδᵀ] of coefficients that are measured as `mean` ± `cov` and lie about 0 by an unknown common variance, which is averaged over."""
    values, vectors = np.linalg.eigh(cov)
    values = np.maximum(values, 1e-12)
    seen = vectors.T @ mean
    sizes = np.geomspace(0.03, 30, 24) * values.mean()
    total = values + sizes[:, None]
    likely = -0.5 * (seen**2 / total + np.log(total)).sum(axis=1)
    weight = np.exp(likely - likely.max())
    weight /= weight.sum()
    shrunk = seen * sizes[:, None] / total
    inner = np.einsum("s,si,sj->ij", weight, shrunk, shrunk) + np.diag(weight @ (values * sizes[:, None] / total))
    return np.asarray(vectors @ inner @ vectors.T, np.float64)


def marginal(evidence: Evidence, base: NDArray[np.float64], shape: tuple[int, int]) -> Marginal | None:
    """Return the affine that the tiles of a level of `shape` support, and its covariance, with all that is not known of their errors averaged over.

    What an area says is off by its noise, by something of its own (change), and by something that it shares with its neighbours (shadows, crowns,
    orthorectification), a Gaussian process with Matérn 5/2 covariance. The four sizes are weighted by their restricted likelihood (Harville 1977,
    https://doi.org/10.1080/01621459.1977.10480998), which, unlike residuals, does not shrink with what the fit takes out. None where too few areas
    have anything to say.
    """
    seen = (evidence.correlation > 0) & np.isfinite(evidence.gradient).all(axis=1)
    _, place = np.unique(np.floor(evidence.centres[seen] / (max(shape) / AREAS)), axis=0, return_inverse=True)
    count = int(place.max(initial=-1)) + 1
    precision, score, centre = np.zeros((count, 2, 2)), np.zeros((count, 2)), np.zeros((count, 2))
    np.add.at(precision, place.ravel(), evidence.hessian[seen])
    np.add.at(score, place.ravel(), evidence.gradient[seen])
    trace = np.trace(evidence.hessian[seen], axis1=1, axis2=2)
    np.add.at(centre, place.ravel(), evidence.centres[seen] * trace[:, None])
    centre /= np.maximum(np.trace(precision, axis1=1, axis2=2), 1e-30)[:, None]
    enough = np.linalg.eigvalsh(precision)[:, 0] > 1e-3 * np.trace(precision, axis1=1, axis2=2).mean() / 2
    if enough.sum() < FEWEST:
        return None
    precision, score, centre = precision[enough], score[enough], centre[enough]
    linear = base[:2, :2]
    steps = np.linalg.solve(precision, score[..., None])[..., 0] @ linear.T + centre @ linear.T + base[:2, 2] - centre
    variance = np.einsum("ij,njk,ik->ni", linear, np.linalg.inv(precision), linear)
    mean, cov = _averaged(centre, steps, variance, shape)
    return Marginal(mean, cov, shape)


def _averaged(
    places: NDArray[np.float64], steps: NDArray[np.float64], variance: NDArray[np.float64], shape: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    terms = _basis(places, shape)
    distance = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1)) / max(shape)
    left = steps - terms @ np.linalg.lstsq(terms, steps, rcond=None)[0]
    unit = max(1.4826 * float(np.median(np.abs(left))), 1e-4)
    likely, means, covs = [], [], []
    for length, strength in product(LENGTHS, STRENGTHS):
        if strength == 0 and length != LENGTHS[0]:
            continue
        shared = (unit * strength) ** 2 * matern(distance / length)
        for nugget, noise in product(NUGGETS, NOISES):
            total, mean, cov = (-np.log(len(LENGTHS)) if strength else 0.0), np.zeros(6), np.zeros((6, 6))
            for axis in range(2):
                gain, theta, spread = _restricted(shared + np.diag(noise * variance[:, axis] + (unit * nugget) ** 2 + 1e-10), terms, steps[:, axis])
                part = slice(3 * axis, 3 * axis + 3)
                total, mean[part], cov[part, part] = total + gain, theta, spread
            likely.append(total)
            means.append(mean)
            covs.append(cov)
    weight = np.exp(np.array(likely) - max(likely))
    weight /= weight.sum()
    mean = weight @ np.array(means)
    beside = np.array(means) - mean
    return mean, np.einsum("h,hij->ij", weight, np.array(covs)) + np.einsum("h,hi,hj->ij", weight, beside, beside)


def _restricted(
    cov: NDArray[np.float64], terms: NDArray[np.float64], steps: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Return the restricted log likelihood, the coefficients by generalised least squares, and their covariance."""
    factor = np.linalg.cholesky(cov)
    white = solve_triangular(factor, np.column_stack([terms, steps]), lower=True, check_finite=False)
    X, y = white[:, :-1], white[:, -1]
    normal = cho_factor(X.T @ X, lower=True, check_finite=False)
    theta = cho_solve(normal, X.T @ y, check_finite=False)
    rest = y - X @ theta
    gain = -rest @ rest / 2 - np.log(np.diag(factor)).sum() - np.log(np.diag(normal[0])).sum()
    return float(gain), theta, cho_solve(normal, np.eye(X.shape[1]), check_finite=False)


def _basis(points: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float64]:
    x, y = ((points - (np.array(shape[::-1]) - 1) / 2) / (max(shape) / 2)).T
    return np.stack([np.ones(len(points)), x, y], axis=1)
