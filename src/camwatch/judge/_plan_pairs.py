"""Before a pixel is read: which pairs of scenes to analyse.

The rules, in words. Scenes whose ground sample distances differ by no more than a factor of 1.5 form a class. For a claimed change, a class gives
the pair of dates that encloses at least 95 % of the claimed time and reaches least beyond it; where there is none, the pair that holds most of
it, at least 75 %. For a claimed state, a class gives a pair that holds its scene of that time. Where no claim asks for any pair, scenes that
follow one another in a class are paired. Two scenes of one calendar day are never a pair, nor are a rendered and a real one.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from camwatch.judge.bracket import bracket, date_of_state, looseness
from camwatch.judge.limits import BRACKET_COVERAGE, kind_of, resolution_classes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from camwatch.claims.model import Claim, Reading

LEAST_CLEAR = 0.3
"""Clear share below which a scene is paired only where the class has no better one."""


@dataclass(frozen=True, slots=True)
class SceneInfo:
    """What planning knows of a scene.

    Attributes
    ----------
    id : str
    acquired : datetime
        UTC.
    gsd_m : float
    bands : tuple of str
    clear_share : float or None
        Usable share of the AOI, 0..1; None where it was not looked at.
    simulated : bool
    """

    id: str
    acquired: datetime
    gsd_m: float
    bands: tuple[str, ...] = ()
    clear_share: float | None = None
    simulated: bool = False

    @property
    def day(self) -> date:
        """Calendar day (UTC) of the acquisition."""
        return self.acquired.date()


@dataclass(frozen=True, slots=True, order=True)
class Served:
    """A reading that a pair serves, and the share of its claimed time between the dates (1 for a state)."""

    claim: str
    reading: str
    coverage: float


@dataclass(frozen=True, slots=True)
class PlannedPair:
    """Two scenes to analyse, the earlier first.

    Attributes
    ----------
    before, after : str
        Scene ids.
    days : (date, date)
    gsd_m : float
        The coarser of the two.
    serves : tuple of Served
        Sorted; empty where no claim asked for the pair.
    vouched : bool
        Whether an analyst says that nothing changed between the dates; see :func:`~camwatch.judge._plan_unchanged.unchanged_pairs`.
    """

    before: str
    after: str
    days: tuple[date, date]
    gsd_m: float
    serves: tuple[Served, ...] = ()
    vouched: bool = False

    @property
    def id(self) -> str:
        """Identifier of the pair."""
        return f"{self.before}__{self.after}"


def plan_pairs(scenes: Sequence[SceneInfo], claims: Sequence[Claim]) -> tuple[PlannedPair, ...]:
    """Return which pairs of scenes to analyse.

    Parameters
    ----------
    scenes : sequence of SceneInfo
        In any order.
    claims : sequence of Claim
        In any order; may be empty.

    Returns
    -------
    tuple of PlannedPair
        Each pair once, finest first, then by date; the same for any order of the input.
    """
    wanted: dict[tuple[SceneInfo, SceneInfo], list[Served]] = {}
    asked = [(claim, reading) for claim in claims if claim.observable for reading in claim.readings if kind_of(reading)]
    # States come last: they take a pair that a change already asked for, where one holds their date.
    asked.sort(key=lambda cr: (cr[1].aspect == "state", cr[0].id, cr[1].id))
    classes = scene_classes(scenes)
    for claim, reading in asked:
        for group in classes:
            pair = pair_of(reading, group, wanted)
            if pair is not None:
                coverage = 1.0 if reading.aspect == "state" else bracket(pair[0].day, pair[1].day, reading.interval).coverage
                wanted.setdefault(pair, []).append(Served(claim.id, reading.id, coverage))
    if not wanted:
        wanted = {pair: [] for group in classes for pair in _consecutive(group)}
    planned = [PlannedPair(a.id, b.id, (a.day, b.day), max(a.gsd_m, b.gsd_m), tuple(sorted(serves))) for (a, b), serves in wanted.items()]
    return tuple(sorted(planned, key=lambda p: (p.gsd_m, p.days, p.before, p.after)))


def scene_classes(scenes: Sequence[SceneInfo]) -> tuple[tuple[SceneInfo, ...], ...]:
    """Return the scenes by resolution class, finest class first, each by date; rendered and real scenes apart."""
    classes = []
    for simulated in (False, True):
        members = [s for s in scenes if s.simulated == simulated]
        for finest, coarsest in resolution_classes([s.gsd_m for s in members]):
            group = sorted((s for s in members if finest <= s.gsd_m <= coarsest), key=lambda s: (s.acquired, s.id))
            classes.append(tuple(group))
    return tuple(sorted(classes, key=lambda group: (min(s.gsd_m for s in group), group[0].simulated)))


def pair_of(reading: Reading, group: Sequence[SceneInfo], known: Iterable[tuple[SceneInfo, SceneInfo]]) -> tuple[SceneInfo, SceneInfo] | None:
    """Return the pair of one class that would answer a reading, clear scenes first; None where none would."""
    clear = clear_of(group)
    for scenes in (clear, group) if len(clear) < len(group) else (group,):
        pair = _pair_for_state(reading, scenes, known) if reading.aspect == "state" else _pair_for_change(reading, scenes)
        if pair is not None:
            return pair
    return None


def clear_of(group: Sequence[SceneInfo]) -> list[SceneInfo]:
    """Return the scenes that are not known to show little of the ground."""
    return [s for s in group if s.clear_share is None or s.clear_share >= LEAST_CLEAR]


def _pair_for_change(reading: Reading, group: Sequence[SceneInfo]) -> tuple[SceneInfo, SceneInfo] | None:
    """Return the scenes that enclose the claimed time most tightly; None where none cover enough of it."""
    daily = {day: best_of_day([s for s in group if s.day == day]) for day in sorted({s.day for s in group})}
    enough = [
        (early, late) for early, late in itertools.combinations(daily, 2) if bracket(early, late, reading.interval).coverage >= BRACKET_COVERAGE
    ]
    if not enough:
        return None
    early, late = min(enough, key=lambda days: (looseness(days[0], days[1], reading.interval), days))
    return daily[early], daily[late]


def _pair_for_state(reading: Reading, group: Sequence[SceneInfo], known: Iterable[tuple[SceneInfo, SceneInfo]]) -> tuple[SceneInfo, SceneInfo] | None:
    day = date_of_state([s.day for s in group], reading.interval)
    if day is None:
        return None
    held = [pair for pair in known if day in (pair[0].day, pair[1].day) and pair[0] in group and pair[1] in group]
    if held:
        return min(held, key=lambda pair: (pair[1].day != day, pair[0].day, pair[1].day, pair[0].id, pair[1].id))
    daily = {d: best_of_day([s for s in group if s.day == d]) for d in sorted({s.day for s in group})}
    previous, following = [d for d in daily if d < day], [d for d in daily if d > day]
    if previous:
        return daily[previous[-1]], daily[day]
    return (daily[day], daily[following[0]]) if following else None


def best_of_day(scenes: Sequence[SceneInfo]) -> SceneInfo:
    """Return, of the scenes of one day, the clearest, then the finest, then the first by id."""
    return min(scenes, key=lambda s: (-(1.0 if s.clear_share is None else s.clear_share), s.gsd_m, s.id))


def _consecutive(group: Sequence[SceneInfo]) -> list[tuple[SceneInfo, SceneInfo]]:
    return list(itertools.pairwise(best_of_day([s for s in group if s.day == day]) for day in sorted({s.day for s in group})))
