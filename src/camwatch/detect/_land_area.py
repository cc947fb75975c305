"""Areas of land cover change with their error, from reference samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from camwatch.errors import ClaimError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

LEVEL = 0.95
LEAST_SAMPLES = 2
"""Samples of a mapped class from which its error can be told at all; fifty are advised."""


@dataclass(frozen=True, slots=True)
class AdjustedArea:
    """How much ground truly is of one class.

    Attributes
    ----------
    name : str
    mapped_m2 : float
        As the polygons say.
    adjusted_m2, low_m2, high_m2 : float
        Estimated from the samples, with the 95 % interval, cut at 0.
    users, producers : float, 0..1
        Share of the mapped class that is right, and share of the true class that is mapped; NaN where no sample says.
    samples : int
        Reference samples in the mapped class.
    """

    name: str
    mapped_m2: float
    adjusted_m2: float
    low_m2: float
    high_m2: float
    users: float
    producers: float
    samples: int


def adjusted_areas(mapped: Sequence[str], reference: Sequence[str], areas_m2: Mapping[str, float]) -> tuple[AdjustedArea, ...]:
    """Return the error-adjusted area of each class [1]_.

    Parameters
    ----------
    mapped, reference : sequences of str, of one length
        The class of each sample on the map, and as the analyst sees it. Samples must be drawn at random within each mapped class, or over all ground.
    areas_m2 : mapping of str to float
        Mapped area of every class; what is unchanged is one.

    Returns
    -------
    tuple of AdjustedArea
        In the order of `areas_m2`, classes that only the reference knows after them.

    Raises
    ------
    ClaimError
        When a mapped class that covers ground has fewer than two samples.

    Notes
    -----
    With W_i the share of the ground mapped as i, and n_ij of its n_i samples truly j, the share of class j is p_j = Σ_i W_i n_ij / n_i, with
    standard error √(Σ_i W_i² (n_ij/n_i)(1 − n_ij/n_i) / (n_i − 1)). Where that is nothing, since no sample of the class contradicts the map, the
    shares are (n_ij + ½) / (n_i + 1), the means of Jeffreys' posterior, for the error alone.

    References
    ----------
    .. [1] P. Olofsson et al., "Good practices for estimating area and assessing accuracy of land change", RSE 148, 2014,
       doi:10.1016/j.rse.2014.02.015
    """
    strata = [name for name, area in areas_m2.items() if area > 0]
    names = [*areas_m2, *sorted(set(reference) - set(areas_m2))]
    counts = np.array([[sum(m == i and r == j for m, r in zip(mapped, reference, strict=True)) for j in names] for i in strata], np.float64)
    total = counts.sum(axis=1)
    if (total < LEAST_SAMPLES).any():
        least = strata[int(np.argmin(total))]
        got, wanted = f"{int(total.min())} of {least}", f"at least {LEAST_SAMPLES} of each class on the map, better 50"
        raise ClaimError("too few reference samples", got=got, expected=wanted, remedy="draw more samples in that class")
    weights = np.array([areas_m2[name] for name in strata])
    weights, ground = weights / weights.sum(), float(weights.sum())
    shares = counts / total[:, None]
    truth = weights @ shares
    error = _standard_error(weights, shares, total)
    # A class in which no sample is wrong has not been shown to be without error: there half a sample of each kind is added.
    cautious = _standard_error(weights, (counts + 0.5) / (total[:, None] + 1), total)
    error = np.where(error > 0, error, cautious)
    reach = float(norm.ppf(0.5 + LEVEL / 2)) * error
    out = []
    for j, name in enumerate(names):
        i = strata.index(name) if name in strata else None
        right = 0.0 if i is None else float(weights[i] * shares[i, j])
        out.append(
            AdjustedArea(
                name=name,
                mapped_m2=float(areas_m2.get(name, 0.0)),
                adjusted_m2=float(truth[j]) * ground,
                low_m2=max(float(truth[j] - reach[j]), 0.0) * ground,
                high_m2=float(truth[j] + reach[j]) * ground,
                users=float("nan") if i is None else float(shares[i, j]),
                producers=right / float(truth[j]) if truth[j] > 0 else float("nan"),
                samples=0 if i is None else int(total[i]),
            )
        )
    return tuple(out)


def _standard_error(weights: NDArray[np.float64], shares: NDArray[np.float64], total: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the standard error of the share of each class: from (stratum, class) shares among so many samples of each stratum."""
    variance: NDArray[np.float64] = (weights[:, None] ** 2 * shares * (1 - shares) / (total[:, None] - 1)).sum(axis=0)
    return np.sqrt(variance)
