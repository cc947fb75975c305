"""What went with the season between two dates, and what changed of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camwatch.detect._land_alike import KEPT, beyond_accuracy, compare_alike
from camwatch.detect._land_cover import BARE, VEGETATED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.detect._land_cover import Cover, LandcoverParams

COMMON = 0.5
"""Share of the ground that looked alike at the first date which has changed by the second, from which season is what changed it."""
GREEN_STILL = (BARE + VEGETATED) / 2
"""NDVI under which ground that was vegetated has, as a rule, lost its green: what was cleared cannot be told from what was harvested."""


def of_its_own(
    score: NDArray[np.float32],
    planes: tuple[NDArray[np.float32], NDArray[np.float32]],
    covers: tuple[Cover, Cover],
    seen: NDArray[np.bool_],
    params: LandcoverParams,
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the probability of a change that ground alike does not share, where no half pixel explains it, and what went with the season (NaN).

    A kind of ground went with the season when more than half of it changed, or when, as a rule, it was vegetated and lost its green; of a kind of
    which more than a quarter changed, the pixels that changed as the rest did.
    """
    if not len(planes[0]):
        return np.where(seen, score, np.float32(np.nan)), seen, np.zeros(seen.shape, bool)
    alike = compare_alike(*planes, seen)
    changed = (np.nan_to_num(score) >= params.probability) & (beyond_accuracy(*planes) >= params.probability)
    shares = alike.shares(changed)
    gone = shares > COMMON
    if not np.isnan(covers[0].ndvi).all():
        green, greener = (alike.medians(cover.ndvi) for cover in covers)
        gone |= (green >= VEGETATED) & (greener < GREEN_STILL) & (green - greener > VEGETATED - BARE)
    # Where more of a kind changed than a rule leaves out, the rule may be the change: nothing is told of what followed it.
    season = alike.where(gone) | (alike.where(shares > 1 - KEPT) & changed & (alike.probability < params.probability))
    firm = np.nan_to_num(alike.steadfast) >= params.probability
    return np.where(seen & ~season, np.fmin(score, alike.probability), np.float32(np.nan)), firm, season
