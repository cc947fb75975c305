"""False alarms from control ground, in which an unknown share of what is reported is real change, and from dates between which nothing changed.

Of the reports of one direction (appeared, or removed) in control ground a share s is false, the rest is real change; s may be anything from none to
all, alike. So c reports there, where m false ones are expected, have the probability

    g(c | m) = ∫₀¹ Poisson(c | m/s) ds = m·Γ(c − 1, m) / c!

What a search takes for a change by mistake (a shadow, a shifted edge, a vehicle) comes about as often one way as the other: the false alarms of
both directions differ by a factor whose logarithm is normal with the standard deviation :data:`ONE_WAY`. Real change mostly goes one way: a suburb
grows, a camp is cleared. So few reports of one direction, in control ground and in the ground that counts, say that few of the other one are false,
however many there are.

Between two dates for which an analyst vouches every report is false; between two dates that only lie close together an unknown share of them is, as
above. Either pair of dates has its own light and its own registration: the false alarms that are expected there differ by a factor with the squared
coefficient of variation :data:`FALSE_SPREAD`, as they do from place to place. A Poisson number whose mean varies so is negative binomial.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import exp1, expn, gammaincc, gammaln

from camwatch.judge.limits import FALSE_SPREAD, ONE_WAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEPS, NODES, SHARES = 400, 21, 16
"""Steps of the expected number, on a logarithmic scale; of the factor between the directions; of the share of reports that is false."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """What a search reports between two dates without change.

    Attributes
    ----------
    own, opposite : int
        Reports of the direction that is counted, and of the other one.
    area_ratio : float
        The ground searched there, over control ground.
    vouched : bool
        Whether all of them are false; otherwise an unknown share is.
    """

    own: int
    opposite: int
    area_ratio: float
    vouched: bool


@dataclass(frozen=True, slots=True)
class Control:
    """What a search reports where nothing is claimed, and what else tells of its false alarms.

    Attributes
    ----------
    own : int or None
        Reports in control ground of the direction that is counted; None where there is no such ground, and `quiet` alone tells.
    opposite : int or None
        Reports there of the other direction; None where the two were not told apart.
    here : int or None
        Reports of the other direction in the ground that counts; None where they are counted too, or unknown.
    area_ratio : float
        The ground that counts, over control ground.
    both : bool
        Whether both directions are counted.
    quiet : tuple of Quiet
        Pairs of dates without change.
    """

    own: int | None
    opposite: int | None = None
    here: int | None = None
    area_ratio: float = 1.0
    both: bool = False
    quiet: tuple[Quiet, ...] = ()


@lru_cache(maxsize=4096)
def expected_false(control: Control) -> tuple[float, float]:
    """Return mean and squared coefficient of variation of the false reports expected in control ground."""
    suggested = max([(control.own or 0) + (control.opposite or 0), *((q.own + q.opposite) / q.area_ratio for q in control.quiet)])
    mean = np.geomspace(1e-5, 4.0 * (suggested + 10), STEPS)[:, None]
    # Jeffreys' prior of a Poisson mean is 1/√m; on a logarithmic grid it weighs √m.
    weight = np.sqrt(mean) * (1.0 if control.own is None else _probability(control.own, mean))
    total = mean
    if control.opposite is not None or control.quiet:
        nodes, shares = np.polynomial.hermite_e.hermegauss(NODES)
        other = mean * np.exp(ONE_WAY * nodes)
        weight = weight * shares
        if control.opposite is not None:
            weight = weight * _probability(control.opposite, other)
        if control.here is not None:
            weight = weight * _probability(control.here, other * control.area_ratio)
        for quiet in control.quiet:
            weight = weight * _between_dates(quiet.own, mean, quiet) * _between_dates(quiet.opposite, other, quiet)
        total = mean + other if control.both else np.broadcast_to(mean, other.shape)
    weight = weight / weight.sum()
    expected = float((weight * total).sum())
    return expected, float((weight * (total - expected) ** 2).sum()) / expected**2


def _between_dates(reports: int, mean: NDArray[np.float64], quiet: Quiet) -> NDArray[np.float64]:
    """Return the probability of so many reports between dates without change, where so many false ones are expected in control ground."""
    if quiet.vouched:
        return _heaped(reports, mean * quiet.area_ratio)
    nodes, weights = np.polynomial.legendre.leggauss(SHARES)
    return np.asarray(sum(w / 2 * _heaped(reports, mean * quiet.area_ratio / ((x + 1) / 2)) for x, w in zip(nodes, weights, strict=True)))


def _heaped(reports: int, mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the negative binomial probability of a number whose mean differs from case to case."""
    shape = 1 / FALSE_SPREAD
    log = gammaln(reports + shape) - gammaln(shape) - gammaln(reports + 1)
    return np.asarray(np.exp(log + shape * np.log(shape / (shape + mean)) + reports * np.log(mean / (shape + mean))), np.float64)


def _probability(reports: int, mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return g, up to a factor that does not depend on the mean."""
    if reports == 0:
        return np.asarray(expn(2, mean), np.float64)
    return np.asarray(mean * (exp1(mean) if reports == 1 else gammaincc(reports - 1, mean)), np.float64)
