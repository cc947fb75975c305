"""How many there were, given how many were reported.

Of N true objects in the ground that was seen, each is reported with probability p, and then draws κ more reports; beside them come false ones. So

    n = Binomial(N, p) + Poisson(κ p N + density × area).

p is known from planted objects (Beta, Jeffreys prior), and real objects are found a little more or less often than planted ones: the Beta is widened
by that. κ is exponential. The density is known from control ground, as far as its reports are false (:mod:`camwatch.judge.alarms`), and ground
differs from place to place: a Gamma that is widened by that. The sum of the two is taken as one Gamma of the same mean and variance. Integrated out,
the first term is beta-binomial and the second negative binomial (Gelman et al., Bayesian Data Analysis, 3rd ed., sections 2.6 and 5.3). N has the
prior 1/√(N + 1) on a grid, as Jeffreys' of a Poisson mean.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln
from scipy.stats import binom, nbinom

from camwatch.judge.alarms import Control, Quiet, expected_false
from camwatch.judge.limits import FALSE_SPREAD, LEVEL, SHARED_ERRORS, TRANSFER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

GRID_FLOOR, GRID_POINTS = 60, 2000
"""Least upper end of the grid of N, and the most numbers on it; where it reaches farther, every second, third, … number stands for its neighbours."""

UNLIKELY = 1e-12
"""Probability below which a number of false reports is left out."""


@dataclass(frozen=True, slots=True)
class Detector:
    """What planting and control ground told about a search.

    Attributes
    ----------
    planted, found : float
        Objects of the claimed size planted, and found again; of a mixture of sizes, as many as tell as much.
    false_reports : int or None
        Reports in control ground, of the direction that is counted; None where there is no such ground, and `quiet` alone tells.
    control_km2 : float
        Area of that ground, and of what `quiet` is held against; infinite where every report is taken to be true. Where reports of something that
        appeared and of something removed were not told apart and one of them is counted, twice the area.
    area_km2 : float
        Area in which the counted reports lie.
    opposite, here : int or None
        Reports of the other direction in control ground, and in the ground that counts; None where they are unknown, or counted too.
    both : bool
        Whether both directions are counted.
    drawn : float
        Reports that an object which is found draws beside its own, on average.
    transfer : float
        Standard deviation of the log-odds between the recall of planted and of real objects.
    quiet : tuple of Quiet
        Pairs of dates without change.
    """

    planted: float
    found: float
    false_reports: int | None
    control_km2: float
    area_km2: float
    opposite: int | None = None
    here: int | None = None
    both: bool = False
    drawn: float = 0.0
    transfer: float = TRANSFER["structure"]
    quiet: tuple[Quiet, ...] = ()

    def without_false_reports(self) -> Detector:
        """Return the same search as if every report were true."""
        return replace(self, control_km2=float("inf"))

    def without_misses(self) -> Detector:
        """Return the same search as if it found every object."""
        return replace(self, planted=np.inf, found=np.inf)

    @property
    def probability(self) -> float:
        """Posterior mean of the probability of detection."""
        return 1.0 if np.isinf(self.planted) else (self.found + 0.5) / (self.planted + 1)

    @property
    def recall(self) -> tuple[float, float]:
        """The Beta of the probability that a real object is reported."""
        mean, sure = self.probability, self.planted + 1
        # The variances of two independent errors add: that of the planted sample, and of the step from planted to real objects.
        sure = 1 / (1 / (sure + 1) + self.transfer**2 * mean * (1 - mean)) - 1
        return mean * sure, (1 - mean) * sure

    @property
    def false_rate(self) -> tuple[float, float]:
        """Mean and squared coefficient of variation of the false reports expected on quiet ground."""
        if np.isinf(self.control_km2):
            return 0.0, 1.0
        ratio = self.area_km2 / self.control_km2
        mean, squared_cv = expected_false(Control(self.false_reports, self.opposite, self.here, ratio, self.both, self.quiet))
        return mean * ratio, (1 + squared_cv) * (1 + FALSE_SPREAD) - 1

    def true_reports(self, totals: NDArray[np.intp], reports: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the (total, report) probabilities of so many reports from so many objects."""
        n, k = totals[:, None], reports[None, :]
        if np.isinf(self.planted):
            return np.asarray(n == k, np.float64)
        a, b = self.recall
        missed = np.maximum(n - k, 0)
        # Logarithms of gamma functions are looked up: a table of them is short, the matrix is not.
        top = int(max(totals.max(initial=0), reports.max(initial=0))) + 1
        plain, hits, misses = (gammaln(np.arange(top) + start) for start in (1.0, a, b))
        log = plain[n] - plain[k] - plain[missed] + hits[k] + misses[missed] - gammaln(n + a + b) + gammaln(a + b) - gammaln(a) - gammaln(b)
        return np.asarray(np.exp(np.where(k <= n, log, -np.inf)), np.float64)

    def false_alarms(self, totals: NDArray[np.intp], most: int) -> NDArray[np.float64]:
        """Return the (total, 0..most) probabilities of so many other reports: false ones, and those that so many objects draw."""
        if np.isinf(self.control_km2):
            return np.broadcast_to(np.eye(1, most + 1), (len(totals), most + 1))
        mean, squared_cv = self.false_rate
        drawn = self.drawn * self.probability * totals[:, None]
        shape = (mean + drawn) ** 2 / (mean**2 * squared_cv + drawn**2)
        pmf: NDArray[np.float64] = nbinom(shape, shape / (shape + mean + drawn)).pmf(np.arange(most + 1))
        return pmf

    def reports(self, total: int, most: int) -> NDArray[np.float64]:
        """Return the probabilities of 0..most reports, true and false together, given `total` objects."""
        totals = np.array([total])
        return np.convolve(self.true_reports(totals, np.arange(most + 1))[0], self.false_alarms(totals, most)[0])[: most + 1]


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
        """Return the mean likelihood of low..high, up to a factor shared by all sets.

        The mean is taken over orders of magnitude: N weighs 1/N, so that it hardly depends on how far the grid reaches.
        """
        return self._mean((self.values >= low) & (self.values <= high))

    def evidence_outside(self, low: float, high: float) -> float:
        """Return the mean likelihood of all that lies outside low..high."""
        return self._mean((self.values < low) | (self.values > high))

    def _mean(self, chosen: NDArray[np.bool_]) -> float:
        scale = np.maximum(np.abs(self.values[chosen]), 1.0)
        weight = float((1 / scale).sum())
        return float((self.mass[chosen] / self.prior[chosen] / scale).sum()) / weight if weight > 0 else 0.0


def grid_end(reports: int, detector: Detector, claimed: float = 0.0) -> int:
    """Return the upper end of the grid of N: three times what the reports suggest or the claim says, whichever is more."""
    suggested = 3 * (reports + 5) / detector.probability
    return int(max(GRID_FLOOR, suggested, 3 * claimed if np.isfinite(claimed) else 0))


def posterior(reports: int, detector: Detector, end: int) -> Posterior:
    """Return the posterior of the true number in the ground that was seen.

    Parameters
    ----------
    reports : int
        How many were reported.
    detector : Detector
    end : int
        Upper end of the prior, see :func:`grid_end`.
    """
    totals = np.arange(0, end + 1, -(-end // GRID_POINTS) or 1)
    false = detector.false_alarms(totals, reports)
    likely = np.flatnonzero((false > UNLIKELY).any(axis=0))
    # Summed by rows, not by a matrix product: its order, and so its last digit, is the same for any number of threads.
    likelihood = (detector.true_reports(totals, reports - likely) * false[:, likely]).sum(axis=1)
    prior = 1 / np.sqrt(totals + 1.0)
    prior /= prior.sum()
    total = (likelihood * prior).sum()
    # More reports than the grid can explain: the whole mass belongs to its end.
    mass = likelihood * prior / total if total > 0 else np.eye(1, len(totals), len(totals) - 1)[0]
    return Posterior(totals.astype(float), mass, prior)


def pooled(parts: Sequence[Posterior]) -> Posterior:
    """Return the posterior from several searches for the same objects, on one grid.

    Likelihoods are multiplied, each to the power 1 / (1 + (k − 1) ρ) for k searches whose errors correlate by ρ: with ρ = 1 several searches are
    worth one, with ρ = 0 they are independent (the design effect of cluster samples; Kish, Survey Sampling, 1965, section 5.4).
    """
    if len(parts) == 1:
        return parts[0]
    power = 1 / (1 + (len(parts) - 1) * SHARED_ERRORS)
    with np.errstate(divide="ignore"):
        log = power * sum(np.log(part.mass) - np.log(part.prior) for part in parts) + np.log(parts[0].prior)
    if not np.isfinite(log).any():
        return parts[0]
    mass = np.exp(log - log.max())
    return Posterior(parts[0].values, mass / mass.sum(), parts[0].prior)


def difference(gained: Posterior, lost: Posterior) -> Posterior:
    """Return the posterior of gained minus lost, the two taken as independent and on one grid."""
    step = gained.values[1] - gained.values[0]
    values = np.arange(gained.values[0] - lost.values[-1], gained.values[-1] - lost.values[0] + step, step)
    return Posterior(values, np.convolve(gained.mass, lost.mass[::-1]), np.convolve(gained.prior, lost.prior[::-1]))


def ratio(change: Posterior, base: Posterior) -> Posterior:
    """Return the posterior of change / base, the two taken as independent, base at least 1.

    The result carries no prior of its own (a ratio of two numbers has none worth naming): its `prior` equals its `mass`.
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


def power(design: int, detector: Detector, seen: float = 1.0) -> float:
    """Return the probability that `design` objects, a share of them where it is seen, give more reports than false alarms do in 95 of 100 cases."""
    mean, squared_cv = detector.false_rate
    most = int(min(design + 40 + 8 * mean * (1 + squared_cv), 4 * design + 4000))
    nothing = detector.false_alarms(np.zeros(1, np.intp), most)[0]
    # P(false alarms >= k) for k = 0..most
    at_least = 1 - np.concatenate([[0.0], np.cumsum(nothing)[:-1]])
    telling = int(np.argmax(at_least <= 1 - LEVEL)) if (at_least <= 1 - LEVEL).any() else most + 1
    totals = np.arange(design + 1)
    shown = binom(design, min(seen, 1.0)).pmf(totals)
    likely = totals[shown > UNLIKELY]
    # Whatever is not too few reports tells, also what lies beyond the table.
    return 1 - float(sum(shown[n] * detector.reports(int(n), telling - 1).sum() for n in likely)) if telling else 1.0
