"""What became of a tower over any number of dates: states by date, and the rules that turn them into a fate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from camwatch.findings import Change

State = Literal["stands", "absent", "not_observed"]
"""A tower at one date. `absent` = one would have been seen there, and was not; `not_observed` = it could not be told."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What a row of states says.

    Attributes
    ----------
    change : {"appeared", "removed", "unchanged", "not_observed"}
        Over the whole series. `removed` where it went, even if it had appeared before: `appeared` then says between which dates.
    appeared : (int, int) or None
        Last date without it and first with it.
    removed : (int, int) or None
        Last date with it and first without it.
    withdrawn : tuple of int
        Dates at which it was missed and later seen again: no razing, and a warning about the search or the imagery.
    """

    change: Change
    appeared: tuple[int, int] | None = None
    removed: tuple[int, int] | None = None
    withdrawn: tuple[int, ...] = ()


def fate_of(states: Sequence[State]) -> Fate:
    """Return what became of a tower.

    It was razed only if it is absent at every usable date after the last one that shows it, of which there must be one; a late reappearance moves
    that last date on, and with it withdraws the razing. It appeared only if it is absent at every usable date before the first that shows it, of
    which there must be one. Dates at which it could not be told count neither way.

    Parameters
    ----------
    states : sequence of {"stands", "absent", "not_observed"}
        In the order of the dates.

    Returns
    -------
    Fate
        `unchanged` needs two dates that show it; seen once, with no usable date beside it, it is `not_observed`.
    """
    standing = [k for k, state in enumerate(states) if state == "stands"]
    absent = [k for k, state in enumerate(states) if state == "absent"]
    if not standing:
        return Fate("not_observed")
    first, last = standing[0], standing[-1]
    before, after = [k for k in absent if k < first], [k for k in absent if k > last]
    appeared = (before[-1], first) if before else None
    removed = (last, after[0]) if after else None
    withdrawn = tuple(k for k in absent if first < k < last)
    change: Change = "removed" if removed else "appeared" if appeared else "unchanged" if len(standing) > 1 else "not_observed"
    return Fate(change, appeared, removed, withdrawn)


def linked(dates: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]], reach: float) -> list[tuple[int, int]]:
    """Return the sightings that stand for one tower each, the surest of all dates first.

    Parameters
    ----------
    dates : sequence of ((n, 2) places, (n,) scores)
        The sightings of each date.
    reach : float
        Distance, in the unit of the places, within which sightings are of one tower.

    Returns
    -------
    list of (date, index)
        No two within `reach`; ties go to the earlier date and the first sighting.
    """
    rows = sorted((-float(scores[i]), k, i) for k, (_, scores) in enumerate(dates) for i in range(len(scores)))
    kept: list[tuple[int, int]] = []
    taken = np.zeros((0, 2))
    for _, date, index in rows:
        place = dates[date][0][index]
        if len(taken) and float(np.hypot(*(taken - place).T).min()) <= reach:
            continue
        taken = np.vstack([taken, place])
        kept.append((date, index))
    return kept
