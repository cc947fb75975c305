"""Dates: whether two acquisitions enclose a claimed time, and which single date stands for a stated one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from camwatch.judge.limits import COMPLETE, STATE_SLACK_DAYS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from camwatch.claims.model import Interval


@dataclass(frozen=True, slots=True)
class Bracket:
    """How the span between two dates lies on a claimed time.

    Attributes
    ----------
    coverage : float
        Share of the claimed time that lies between the dates, 0..1; 1 for an undated claim.
    slack_days : int
        How far the span reaches beyond the claimed time, at the end where it is further.
    """

    coverage: float
    slack_days: int


def bracket(before: date, after: date, interval: Interval | None) -> Bracket:
    """Return how the span from `before` to `after` lies on `interval`.

    An open end is taken at the pair's own date: "since 1980" asks for 1980, and for no particular last day.
    """
    if interval is None:
        return Bracket(1.0, 0)
    start = interval.start or min(before, interval.end or before)
    end = interval.end or max(after, start)
    slack = max((start - before).days if interval.start else 0, (after - end).days if interval.end else 0, 0)
    length = (end - start).days
    if length == 0:
        return Bracket(float(before <= start <= after and before < after), slack)
    return Bracket(max((min(after, end) - max(before, start)).days, 0) / length, slack)


def looseness(before: date, after: date, interval: Interval | None) -> tuple[float, int, int]:
    """Return a key by which pairs of dates are ordered, the best witness of a claimed change first.

    Enough of the claimed time comes first (all that is complete is equal), then the shortest reach beyond it; for an undated claim the widest pair.
    """
    span = (after - before).days
    if interval is None or (interval.start is None and interval.end is None):
        return 0.0, 0, -span
    held = bracket(before, after, interval)
    # An open end asks for as much as there is.
    return -min(held.coverage, COMPLETE), held.slack_days, span if interval.start and interval.end else -span


def days_outside(day: date, interval: Interval | None) -> int:
    """Return how many days `day` lies outside `interval`; 0 inside, and for an undated claim."""
    if interval is None:
        return 0
    early = (interval.start - day).days if interval.start else 0
    late = (day - interval.end).days if interval.end else 0
    return max(early, late, 0)


def date_of_state(days: Sequence[date], interval: Interval | None) -> date | None:
    """Return the day that stands for a state in `interval`: the latest inside, else the nearest outside by no more than a year, else None."""
    inside = [d for d in days if days_outside(d, interval) == 0]
    if inside:
        return max(inside)
    near = [d for d in days if days_outside(d, interval) <= STATE_SLACK_DAYS]
    return min(near, key=lambda d: (days_outside(d, interval), d)) if near else None


def span_in_words(interval: Interval | None) -> str:
    """Return `2010`, `2011 to 2013`, `2011-05-21 to 2012-11-26`, `the time since 1980`, or `any time`."""
    if interval is None or (interval.start is None and interval.end is None):
        return "any time"
    if interval.start is None:
        return f"the time up to {_day(interval.end, last=True)}"
    if interval.end is None:
        return f"the time since {_day(interval.start, last=False)}"
    start, end = interval.start, interval.end
    if start == end:
        return start.isoformat()
    first, last = _day(start, last=False), _day(end, last=True)
    if len(first) != len(last):
        first, last = start.isoformat(), end.isoformat()
    return first if first == last else f"{first} to {last}"


def _day(day: date | None, *, last: bool) -> str:
    """Return the year alone where the day is the first (or last) of one."""
    assert day is not None
    whole = (day.month, day.day) == ((12, 31) if last else (1, 1))
    return str(day.year) if whole else day.isoformat()
