"""Which pairs of scenes speak to a reading, in which order, and which of them are counted together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camwatch.judge.bracket import bracket, date_of_state, days_outside, looseness
from camwatch.judge.limits import BRACKET_COVERAGE, SAME_SPAN_DAYS, SLACK_DAYS, resolution_classes
from camwatch.judge.measurement import days

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camwatch.claims.model import Reading
    from camwatch.judge.record import Evidence


def fitting(reading: Reading, evidence: Sequence[Evidence]) -> list[Evidence]:
    """Return the pairs that may answer: for a state those with a date near the stated time, for a change those that enclose enough of it."""
    return [e for e in evidence if _fits(reading, e)]


def by_class(reading: Reading, evidence: Sequence[Evidence]) -> list[list[list[Evidence]]]:
    """Return fitting pairs by resolution class, finest first, and in each by the span that they see, the best witness first.

    Pairs that reach far beyond the claimed time are left out of a class that has others.
    """
    classes = []
    for finest, coarsest in resolution_classes([e.gsd_m for e in evidence]):
        group = sorted((e for e in evidence if finest <= e.gsd_m <= coarsest), key=lambda e: _tightness(reading, e))
        tight = [e for e in group if reading.aspect == "state" or bracket(*days(e), reading.interval).slack_days <= SLACK_DAYS]
        classes.append(_spans(reading, tight or group))
    return classes


def _fits(reading: Reading, evidence: Evidence) -> bool:
    if reading.aspect == "state":
        return date_of_state(days(evidence), reading.interval) is not None
    return bracket(*days(evidence), reading.interval).coverage >= BRACKET_COVERAGE


def _tightness(reading: Reading, evidence: Evidence) -> tuple[tuple[float, int, int], float, str]:
    """Order pairs: the best witness of the claimed time first, then the finest, then by name."""
    earlier, later = days(evidence)
    if reading.aspect == "state":
        day = date_of_state((earlier, later), reading.interval)
        assert day is not None  # only fitting pairs are ordered
        return (float(days_outside(day, reading.interval)), -day.toordinal(), 0), evidence.gsd_m, evidence.pair
    return looseness(earlier, later, reading.interval), evidence.gsd_m, evidence.pair


def _spans(reading: Reading, ordered: Sequence[Evidence]) -> list[list[Evidence]]:
    """Part pairs by what they see: each joins the first group whose best witness has the same dates within a season."""
    groups: list[list[Evidence]] = []
    for evidence in ordered:
        seen = _moments(reading, evidence)
        near = (g for g in groups if all(abs(a - b) <= SAME_SPAN_DAYS for a, b in zip(_moments(reading, g[0]), seen, strict=True)))
        group = next(near, None)
        if group is None:
            groups.append([evidence])
        else:
            group.append(evidence)
    return groups


def _moments(reading: Reading, evidence: Evidence) -> tuple[int, ...]:
    """Return the days that a pair tells of, as ordinals: the one that stands for a state, both for a change."""
    if reading.aspect == "state":
        day = date_of_state(days(evidence), reading.interval)
        assert day is not None  # only fitting pairs are grouped
        return (day.toordinal(),)
    earlier, later = days(evidence)
    return earlier.toordinal(), later.toordinal()
