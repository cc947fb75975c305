"""False alarms from control ground, in which an unknown share of what is reported is real change.

Of the reports of one direction (appeared, or removed) in control ground a share s is false, the rest is real change; s may be anything from none to
all, alike. So c reports there, where m false ones are expected, have the probability

    g(c | m) = ∫₀¹ Poisson(c | m/s) ds = m·Γ(c − 1, m) / c!

What a search takes for a change by mistake (a shadow, a shifted edge, a vehicle) comes about as often one way as the other: the false alarms of
both directions differ by a factor whose logarithm is normal with the standard deviation :data:`ONE_WAY`. Real change mostly goes one way: a suburb
grows, a camp is cleared. So few reports of one direction, in control ground and in the ground that counts, say that few of the other one are false,
however many there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import exp1, expn, gammaincc

from camwatch.judge.limits import ONE_WAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEPS, NODES = 400, 21
"""Steps of the expected number, on a logarithmic scale, and of the factor between the directions."""


@dataclass(frozen=True, slots=True)
class Control:
    """What a search reports where nothing is claimed, and what else tells of its false alarms.

    Attributes
    ----------
    own : int
        Reports in control ground of the direction that is counted.
    opposite : int or None
        Reports there of the other direction; None where the two were not told apart.
    here : int or None
        Reports of the other direction in the ground that counts; None where they are counted too, or unknown.
    area_ratio : float
        The ground that counts, over control ground.
    both : bool
        Whether both directions are counted.
    """

    own: int
    opposite: int | None = None
    here: int | None = None
    area_ratio: float = 1.0
    both: bool = False


@lru_cache(maxsize=4096)
def expected_false(control: Control) -> tuple[float, float]:
    """Return mean and squared coefficient of variation of the false reports expected in control ground."""
    top = 4.0 * (control.own + (control.opposite or 0) + 10)
    mean = np.geomspace(1e-5, top, STEPS)[:, None]
    # Jeffreys' prior of a Poisson mean is 1/√m; on a logarithmic grid it weighs √m.
    weight = np.sqrt(mean) * _probability(control.own, mean)
    total = mean
    if control.opposite is not None:
        nodes, shares = np.polynomial.hermite_e.hermegauss(NODES)
        other = mean * np.exp(ONE_WAY * nodes)
        weight = weight * shares * _probability(control.opposite, other)
        if control.here is not None:
            weight = weight * _probability(control.here, other * control.area_ratio)
        total = mean + other if control.both else np.broadcast_to(mean, other.shape)
    weight = weight / weight.sum()
    expected = float((weight * total).sum())
    return expected, float((weight * (total - expected) ** 2).sum()) / expected**2


def _probability(reports: int, mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return g, up to a factor that does not depend on the mean."""
    if reports == 0:
        return np.asarray(expn(2, mean), np.float64)
    return np.asarray(mean * (exp1(mean) if reports == 1 else gammaincc(reports - 1, mean)), np.float64)
