"""How many there were, given how many were reported.

Of N true objects in the ground that was seen, each is reported with probability p; beside them come false reports. So

    n = Binomial(N, p) + Poisson(density × area).

p is known from planted objects (Beta posterior), the density from control ground (Gamma posterior), both with Jeffreys priors. Integrated out,
the first term is beta-binomial and the second negative binomial (Gelman et al., Bayesian Data Analysis, 3rd ed., sections 2.6 and 5.3). N has a
flat prior on a grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import betabinom, nbinom

from camwatch.judge.limits import LEVEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

GRID_FLOOR, GRID_CEILING = 60, 4000
"""Least and greatest upper end of the grid of N."""


@dataclass(frozen=True, slots=True)
class Detector:
    """What planting and control ground told about a search.

    Attributes
    ----------
    planted, found : int
        Objects of the claimed size planted, and found again.
    false_reports : int
        Reports in control ground.
    control_km2 : float
        Area of that ground, times the number of kinds of report that were counted together (2 for appeared and removed).
    area_km2 : float
        Area in which the counted reports lie.
    """

    planted: int
    found: int
    false_reports: int
    control_km2: float
    area_km2: float

    def without_false_reports(self) -> Detector:
        """Return the same search as if every report were true."""
        return Detector(self.planted, self.found, 0, float("inf"), self.area_km2)

    def without_misses(self) -> Detector:
        """Return the same search as if it found every object."""
        return Detector(10**9, 10**9, self.false_reports, self.control_km2, self.area_km2)

    @property
    def probability(self) -> float:
        """Posterior mean of the probability of detection."""
        return (self.found + 0.5) / (self.planted + 1)

    def true_reports(self, total: int, most: int) -> NDArray[np.float64]:
        """Return the probabilities of 0..most reports from `total` objects."""
        pmf: NDArray[np.float64] = betabinom(total, self.found + 0.5, self.planted - self.found + 0.5).pmf(np.arange(most + 1))
        return pmf

    def false_alarms(self, most: int) -> NDArray[np.float64]:
        """Return the probabilities of 0..most false reports."""
        if np.isinf(self.control_km2):
            return np.asarray(np.eye(1, most + 1)[0], np.float64)
        success = self.control_km2 / (self.control_km2 + self.area_km2)
        pmf: NDArray[np.float64] = nbinom(self.false_reports + 0.5, success).pmf(np.arange(most + 1))
        return pmf

    def reports(self, total: int, most: int) -> NDArray[np.float64]:
        """Return the probabilities of 0..most reports, true and false together, given `total` objects."""
        return np.convolve(self.true_reports(total, most), self.false_alarms(most))[: most + 1]


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Probabilities of a number.

    Attributes
    ----------
    values : (n,) float64, rising
    mass, prior : (n,) float64
        After and before the data; each sums to 1.
    """

    values: NDArray[np.float64]
    mass: NDArray[np.float64]
    prior: NDArray[np.float64]

    @property
    def mean(self) -> float:
        """The expected number."""
        return float(self.values @ self.mass)

    def quantile(self, level: float) -> float:
        """Return the smallest value whose cumulative probability reaches `level`."""
        return float(self.values[min(int(np.searchsorted(np.cumsum(self.mass), level - 1e-12)), len(self.values) - 1)])

    def interval(self) -> tuple[float, float]:
        """Return the equal-tailed 95 % interval."""
        return self.quantile((1 - LEVEL) / 2), self.quantile((1 + LEVEL) / 2)

    def within(self, low: float, high: float) -> float:
        """Return the probability of low..high, both ends inside."""
        return float(self.mass[(self.values >= low) & (self.values <= high)].sum())

    def evidence(self, low: float, high: float) -> float:
        """Return the mean likelihood of low..high under the prior, up to a factor shared by all sets."""
        inside = (self.values >= low) & (self.values <= high)
        prior = float(self.prior[inside].sum())
        return float(self.mass[inside].sum()) / prior if prior > 0 else 0.0

    def evidence_outside(self, low: float, high: float) -> float:
        """Return the mean likelihood of all that lies outside low..high."""
        outside = (self.values < low) | (self.values > high)
        prior = float(self.prior[outside].sum())
        return float(self.mass[outside].sum()) / prior if prior > 0 else 0.0


def grid_end(reports: int, detector: Detector, claimed: float = 0.0) -> int:
    """Return the upper end of the grid of N: three times what the reports suggest or the claim says, whichever is more."""
    suggested = 3 * (reports + 5) / detector.probability
    return int(min(max(GRID_FLOOR, suggested, 3 * claimed if np.isfinite(claimed) else 0), GRID_CEILING))


def posterior(reports: int, detector: Detector, end: int) -> Posterior:
    """Return the posterior of the true number in the ground that was seen.

    Parameters
    ----------
    reports : int
        How many were reported.
    detector : Detector
    end : int
        Upper end of the flat prior, see :func:`grid_end`.
    """
    totals = np.arange(end + 1)
    true = np.arange(reports + 1)
    chances = betabinom(totals[:, None], detector.found + 0.5, detector.planted - detector.found + 0.5).pmf(true[None, :])
    likelihood = np.nan_to_num(chances) @ detector.false_alarms(reports)[::-1]
    prior = np.full(end + 1, 1 / (end + 1))
    total = likelihood.sum()
    # More reports than the grid can explain: the whole mass belongs to its end.
    mass = likelihood / total if total > 0 else np.eye(1, end + 1, end)[0]
    return Posterior(totals.astype(float), mass, prior)


def difference(gained: Posterior, lost: Posterior) -> Posterior:
    """Return the posterior of gained minus lost, the two taken as independent."""
    values = np.arange(gained.values[0] - lost.values[-1], gained.values[-1] - lost.values[0] + 1)
    return Posterior(values, np.convolve(gained.mass, lost.mass[::-1]), np.convolve(gained.prior, lost.prior[::-1]))


def ratio(change: Posterior, base: Posterior) -> Posterior:
    """Return the posterior of change / base, the two taken as independent, base at least 1.

    The result carries no prior of its own (a ratio of flat numbers has none worth naming): its `prior` equals its `mass`.
    """
    a, b = _trimmed(change), _trimmed(base)
    usable = b[0] >= 1
    quotients = (a[0][:, None] / b[0][usable][None, :]).ravel()
    mass = (a[1][:, None] * b[1][usable][None, :]).ravel()
    if mass.sum() <= 0:  # nothing stood before: no growth factor exists
        return Posterior(np.array([np.inf]), np.ones(1), np.ones(1))
    values, index = np.unique(quotients, return_inverse=True)
    summed = np.bincount(index, weights=mass) / mass.sum()
    return Posterior(values, summed, summed)


def _trimmed(full: Posterior) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    keep = full.mass > 1e-7  # keeps the product of two long grids small; the rest cannot move a 95 % interval
    return full.values[keep], full.mass[keep]


def power(design: int, detector: Detector) -> float:
    """Return the probability that `design` objects give more reports than false alarms alone do in 95 of 100 cases."""
    most = int(design + 40 + 4 * detector.area_km2 * (detector.false_reports + 1) / detector.control_km2) if detector.control_km2 > 0 else design + 40
    most = min(most, GRID_CEILING)
    nothing = detector.false_alarms(most)
    # P(false alarms >= k) for k = 0..most
    at_least = 1 - np.concatenate([[0.0], np.cumsum(nothing)[:-1]])
    telling = at_least <= 1 - LEVEL
    return float(detector.reports(design, most)[telling].sum()) + max(0.0, 1 - float(detector.reports(design, most).sum()))
