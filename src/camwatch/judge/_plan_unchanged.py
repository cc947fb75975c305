"""Pairs of dates that show what a search takes for a change where nothing changed.

The rules, in words. An analyst may name two days between which nothing was built or razed: whatever is reported between them is false. Such a pair
must not hold three quarters of a dated change that a claim tells of, for then it would answer the claim by assumption. Without being named, two dates
of one resolution class that follow one another within a season are taken, where no claim tells of a change between them: an unknown share of what is
reported there is real, as in control ground. Of these each scene is in one pair, the closest first, and a class has three at most.

Such a pair speaks for another of the same resolution class whose dates lie as far apart in the year, to 45 days: leaves, snow and the sun make most
of what is taken for a change by mistake.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from camwatch.errors import ConfigError
from camwatch.judge._plan_pairs import PlannedPair, best_of_day, clear_of, scene_classes
from camwatch.judge.bracket import bracket, span_in_words
from camwatch.judge.limits import ALIKE_DAYS, BRACKET_COVERAGE, GSD_LIMIT_M, RESOLUTION_CLASS, SAME_SPAN_DAYS, kind_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from camwatch.claims.model import Claim, Interval
    from camwatch.findings import Kind
    from camwatch.judge._plan_pairs import SceneInfo

    Days = tuple[date, date]

MOST = 3
"""Pairs that are taken without being named, of one resolution class: each costs a search."""

COUNTED: tuple[Kind, ...] = ("structure", "tower")
"""Kinds that are counted, and so have false alarms."""

YEAR = 365.25


def unchanged_pairs(scenes: Sequence[SceneInfo], claims: Sequence[Claim], named: Sequence[Days] = ()) -> tuple[PlannedPair, ...]:
    """Return the pairs of scenes between which nothing is taken to have changed, finest first; `vouched` says which ones were named.

    Parameters
    ----------
    scenes : sequence of SceneInfo
        In any order.
    claims : sequence of Claim
        In any order.
    named : sequence of (date, date)
        Days between which an analyst says that nothing changed, the earlier first.

    Raises
    ------
    ConfigError
        When no two scenes of one resolution class, fine enough to search for objects, are of the named days, or a claim tells of a change between.
    """
    changes = [
        (claim.id, reading.interval)
        for claim in claims
        if claim.observable
        for reading in claim.readings
        if reading.aspect != "state" and kind_of(reading) in COUNTED and reading.interval is not None
    ]
    fine = [s for s in scenes if s.gsd_m <= max(GSD_LIMIT_M[kind] for kind in COUNTED)]
    classes = scene_classes(fine)
    pairs = [pair for days in sorted(set(named)) for pair in _vouched(days, classes, changes)]
    known = {(p.before, p.after) for p in pairs}
    pairs += [pair for group in classes for pair in _close(clear_of(group), [held for _, held in changes]) if (pair.before, pair.after) not in known]
    return tuple(sorted(pairs, key=lambda p: (p.gsd_m, p.days, p.before, p.after)))


def speaks_for(unchanged: PlannedPair, pair: PlannedPair) -> bool:
    """Whether what is reported between dates without change tells of the false alarms of another pair."""
    finer, coarser = sorted((unchanged.gsd_m, pair.gsd_m))
    alike = abs(apart_in_year(unchanged.days) - apart_in_year(pair.days)) <= ALIKE_DAYS
    return alike and unchanged.id != pair.id and coarser <= RESOLUTION_CLASS * finer


def apart_in_year(days: Days) -> float:
    """Return how many days of the year lie between two dates, 0 to 183, whatever their years."""
    gap = (days[1] - days[0]).days % YEAR
    return min(gap, YEAR - gap)


def _vouched(days: Days, classes: Sequence[Sequence[SceneInfo]], changes: Sequence[tuple[str, Interval]]) -> list[PlannedPair]:
    where = f"unchanged: {days[0]}, {days[1]}"
    for claim, held in changes:
        if held.start and held.end and bracket(*days, held).coverage >= BRACKET_COVERAGE:
            got = f"{claim} tells of a change in {span_in_words(held)}"
            remedy = "name dates before or after what is claimed"
            raise ConfigError("what a claim asks cannot be taken as known", where=where, got=got, expected="dates without it", remedy=remedy)
    found = []
    for group in classes:
        ends = [[s for s in group if s.day == day] for day in days]
        if all(ends):
            found.append(_pair(best_of_day(ends[0]), best_of_day(ends[1]), vouched=True))
    if not found:
        held_days = ", ".join(day.isoformat() for day in sorted({s.day for group in classes for s in group})) or "none fine enough"
        remedy = "name two of these days, or take the pair out of the configuration"
        raise ConfigError("no two scenes of one resolution are of these days", where=where, got=f"scenes of {held_days}", remedy=remedy)
    return found


def _close(group: Sequence[SceneInfo], claimed: Sequence[Interval]) -> list[PlannedPair]:
    """Return the pairs of dates within a season between which no claim tells of a change, the closest ones, no scene in two of them."""
    daily = [best_of_day([s for s in group if s.day == day]) for day in sorted({s.day for s in group})]
    near = [(a, b) for a, b in itertools.pairwise(daily) if (b.day - a.day).days <= SAME_SPAN_DAYS]
    near = [(a, b) for a, b in near if not any(_meets(a.day, b.day, held) for held in claimed)]
    taken: list[PlannedPair] = []
    for a, b in sorted(near, key=lambda pair: ((pair[1].day - pair[0].day).days, pair[0].day)):
        if len(taken) < MOST and not {a.id, b.id} & {name for p in taken for name in (p.before, p.after)}:
            taken.append(_pair(a, b, vouched=False))
    return taken


def _meets(before: date, after: date, held: Interval) -> bool:
    """Whether some of a claimed time, which may be open at an end, lies between two days."""
    return (held.start is None or held.start <= after) and (held.end is None or held.end >= before)


def _pair(before: SceneInfo, after: SceneInfo, *, vouched: bool) -> PlannedPair:
    return PlannedPair(before.id, after.id, (before.day, after.day), max(before.gsd_m, after.gsd_m), vouched=vouched)
