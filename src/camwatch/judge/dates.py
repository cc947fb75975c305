"""Dates: the last day without a thing and the first day with it, over all pairs of scenes; and the pairs between whose dates something grew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

from camwatch.claims.model import Interval, Reading
from camwatch.judge.answers import Answer, answer_seen, untestable
from camwatch.judge.bracket import span_in_words
from camwatch.judge.cover import bearing_on, confirmed, dates_of
from camwatch.judge.ground import ground_of
from camwatch.judge.limits import ABOUT_DAYS, COMPLETE, SLACK_DAYS, search_of
from camwatch.judge.measurement import CannotMeasureError, Measurement, days
from camwatch.judge.record import Estimate
from camwatch.judge.rules import UNMEASURED
from camwatch.judge.words import OBJECTS, Told, not_judged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camwatch.aoi import Aoi
    from camwatch.claims.model import Subject
    from camwatch.judge.record import Evidence, Outcome


FEW = 0.5
"""Share of what surely stood on other days below which what can have stood unseen on one counts as not there yet, or not there any more."""


@dataclass(frozen=True, slots=True)
class Span:
    """When something happened: after `last_without`, and by `first_with` at the latest; None = no scene tells."""

    last_without: date | None
    first_with: date | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What the days at hand say.

    Attributes
    ----------
    with_it : tuple of date
        Days on which it surely stood.
    without : tuple of date
        Days on which it surely did not, or on which so few can have stood unseen that the rest of what stood later, or earlier, was not there.
    few : int
        The most that can have stood on one of the days without.
    pairs : tuple of str
        Pairs that say so.
    nominal : bool
    """

    with_it: tuple[date, ...]
    without: tuple[date, ...]
    few: int
    pairs: tuple[str, ...]
    nominal: bool


def answer_date(reading: Reading, ordered: Sequence[Evidence], aoi: Aoi | None) -> Answer:
    """Answer a reading about a date."""
    kind, claimed = search_of(reading), claimed_time(reading)
    if kind is None or claimed is None:
        return untestable(not_judged(reading) if kind is None else "the claim names no time")
    if kind == "landcover":
        return _answer_cover(reading, claimed, ordered, aoi)
    subject: Subject = "perimeter" if kind == "perimeter" else reading.subject if reading.subject in OBJECTS else "structure"
    if reading.aspect in ("growth", "net change"):
        return _answer_growth(reading, subject, claimed, ordered, aoi)
    return _answer_states(reading, subject, claimed, ordered, aoi)


def _answer_states(reading: Reading, subject: Subject, claimed: Interval, ordered: Sequence[Evidence], aoi: Aoi | None) -> Answer:
    """Answer when something came or went, or through which time it stood: from the days on which it did, and those on which it did not."""
    what = {"perimeter": "the enclosing line", **OBJECTS}[subject]
    seen = _states(reading, subject, ordered, aoi)
    if not seen.with_it and not seen.without:
        return untestable(f"no scene at hand shows {what} surely there, or surely not there")
    told = _told(seen, what)
    if reading.aspect == "state":
        return _answer_existence(seen, claimed, told)
    span = _span(seen.with_it, seen.without) if reading.aspect == "appeared" else _span(seen.without, seen.with_it)
    if span is None:
        return Answer("inconclusive", Told(told, why="these days do not follow one course"), seen.pairs, nominal=seen.nominal)
    return _held(span, claimed, told, seen)


def claimed_time(reading: Reading) -> Interval | None:
    """Return the time that a date claim names: its interval, else its years, stretched where it says *about*."""
    quantity, interval = reading.quantity, reading.interval
    if interval is None and quantity is not None and quantity.unit == "year":
        start = None if quantity.low is None else date(int(quantity.low), 1, 1)
        end = None if quantity.high is None else date(int(quantity.high), 12, 31)
        interval = Interval(start=start, end=end)
    if interval is None or (interval.start is None and interval.end is None):
        return None
    if quantity is None or not quantity.about:
        return interval
    slack = timedelta(ABOUT_DAYS)
    return Interval(start=interval.start and interval.start - slack, end=interval.end and interval.end + slack)


def _states(reading: Reading, subject: Subject, ordered: Sequence[Evidence], aoi: Aoi | None) -> Seen:
    """Ask for every day at hand whether the thing stood on it."""
    answers = {day: _on(day, reading, subject, ordered, aoi) for day in sorted({d for e in ordered for d in days(e)})}
    there = {day: a for day, a in answers.items() if a.outcome == "supported"}
    least = min((a.measured.floor for a in there.values() if a.measured), default=0.0)
    most = {day: most for day, a in answers.items() if day not in there and (most := _most(a)) is not None}
    without = {day: n for day, n in most.items() if answers[day].outcome == "contradicted" or n < FEW * least}
    told = [answers[day] for day in (*there, *without)]
    pairs = tuple(sorted({p for a in told for p in a.pairs}))
    return Seen(tuple(there), tuple(without), int(max(without.values(), default=0.0)), pairs, any(a.nominal for a in told))


def _on(day: date, reading: Reading, subject: Subject, ordered: Sequence[Evidence], aoi: Aoi | None) -> Answer:
    """Answer whether the thing stood on a day."""
    held = Interval(start=day, end=day)
    asked = Reading(text="a building", metric="presence", subject=subject, interval=held, sub_area=_part(reading, subject))
    return answer_seen(asked, [e for e in ordered if day in days(e)], aoi)


def _most(answer: Answer) -> float | None:
    """Return the most that can have stood, were every report true; None where the ground was not seen whole, or the search not measured."""
    measured = answer.measured
    usable = measured is not None and measured.complete and measured.calibrated and not measured.blind
    return measured.ceiling if measured is not None and usable else None


def _part(reading: Reading, subject: Subject) -> str | None:
    return None if subject == "perimeter" else reading.sub_area


def _span(later: Sequence[date], earlier: Sequence[date]) -> Span | None:
    """Return the span between the last day of one state and the first of the other; None where they alternate."""
    if later and earlier and max(earlier) > min(later):
        return None
    return Span(max(earlier, default=None), min(later, default=None))


def _told(seen: Seen, what: str) -> str:
    stood = "" if not seen.with_it else f"{what} stood on {_listed(seen.with_it)}"
    count = "none" if seen.few == 0 else f"at most {seen.few}"
    none = "" if not seen.without else f"{count if stood else f'of {what} {count}'} stood on {_listed(seen.without)}"
    return "; ".join(part for part in (stood, none) if part)


def _listed(each: Sequence[date]) -> str:
    return " and ".join(d.isoformat() for d in each) if len(each) <= 2 else f"{len(each)} days from {each[0].isoformat()} to {each[-1].isoformat()}"


def _held(span: Span, claimed: Interval, told: str, seen: Seen) -> Answer:
    """Hold a span against the claimed time."""
    outcome, why = compared(span, claimed)
    if outcome == "not testable":
        return Answer(outcome, Told(told, why=why), seen.pairs, nominal=seen.nominal)
    held = _measurement(span, seen.pairs)
    return Answer(outcome, Told(told, claimed=f"the claim says {span_in_words(claimed)}", why=why), seen.pairs, held, seen.nominal)


def compared(span: Span, claimed: Interval) -> tuple[Outcome, str]:
    """Return what a span says to a claimed time, and why."""
    start, end = claimed.start or date.min, claimed.end or date.max
    after, by = span.last_without, span.first_with
    if (by is not None and by < start) or (after is not None and after >= end):
        return "contradicted", "it happened " + (f"by {by.isoformat()}, before that" if by is not None and by < start else f"after {after}, later")
    if after is None or by is None:
        missing = "before" if after is None else "after"
        return "not testable", f"no scene from {missing} the claimed time shows whether it was there, so the dates do not bracket it"
    if after >= start - timedelta(1) and by <= end:
        return "supported", f"it happened between {after.isoformat()} and {by.isoformat()}"
    why = f"it happened between {after.isoformat()} and {by.isoformat()}, and these scenes tell it no closer"
    reach = max((start - after).days if claimed.start else 0, (by - end).days if claimed.end else 0)
    overlap = (min(by, end) - max(after, start)).days
    # As with every claim: a pair that reaches no more than two years beyond the claimed time, and holds it, speaks to it.
    whole = claimed.start is None or claimed.end is None or overlap >= COMPLETE * (end - start).days
    return ("partly", why) if reach <= SLACK_DAYS and whole else ("inconclusive", why)


def _measurement(span: Span, pairs: tuple[str, ...]) -> Measurement | None:
    """Return a span as a number of years, where both its ends are known."""
    if span.last_without is None or span.first_with is None:
        return None
    low, high = (float(d.year) for d in (span.last_without, span.first_with))
    middle = span.last_without + (span.first_with - span.last_without) / 2
    estimate = Estimate(float(middle.year), low, high, "year")
    return Measurement(estimate, low, high, 1.0, None, None, None, 0, True, False, True, False, 1.0, pairs=pairs)


def _answer_existence(seen: Seen, claimed: Interval, told: str) -> Answer:
    """Answer whether something stood through all of a claimed time."""
    inside = [d for d in seen.with_it if (claimed.start or d) <= d <= (claimed.end or d)]
    missing = [d for d in seen.without if (claimed.start or d) <= d <= (claimed.end or d)]
    says = f"the claim says {span_in_words(claimed)}"
    if missing:
        return Answer("contradicted", Told(told, claimed=says), seen.pairs, nominal=seen.nominal)
    if not inside:
        return Answer("not testable", Told(told, why="no scene within the claimed time tells"), seen.pairs, nominal=seen.nominal)
    start, end = claimed.start or inside[0], claimed.end or inside[-1]
    covered = (inside[-1] - inside[0]).days / max((end - start).days, 1)
    outcome: Outcome = "supported" if covered >= COMPLETE or start == end else "partly"
    why = "" if outcome == "supported" else f"it stood from {inside[0].isoformat()} to {inside[-1].isoformat()}; the rest of the time no scene tells"
    return Answer(outcome, Told(told, claimed=says, why=why), seen.pairs, nominal=seen.nominal)


def _answer_growth(reading: Reading, subject: Subject, claimed: Interval, ordered: Sequence[Evidence], aoi: Aoi | None) -> Answer:
    """Answer when something grew: between the dates of the pairs that show growth, and not between those that show none."""
    metric: Literal["area", "presence"] = "area" if subject == "perimeter" else "presence"
    grown: list[tuple[date, date]] = []
    still: list[tuple[date, date]] = []
    pairs: set[str] = set()
    nominal = False
    for evidence in ordered:
        asked = Reading(text="a building", metric=metric, subject=subject, aspect=reading.aspect, sub_area=_part(reading, subject))
        answer = answer_seen(asked, [evidence], aoi)
        if answer.outcome in ("supported", "contradicted"):
            (grown if answer.outcome == "supported" else still).append(days(evidence))
            pairs |= set(answer.pairs)
            nominal |= answer.nominal
    if not grown:
        return untestable("no pair at hand shows the growth with its dates")
    span = _narrowed(grown, still)
    what = "the enclosed area" if subject == "perimeter" else f"the number of {OBJECTS.get(subject, 'objects')}"
    told = f"{what} grew between the dates of {len(grown)} of the {len(ordered)} pairs of scenes"
    seen = Seen((), (), 0, tuple(sorted(pairs)), nominal)
    if span is None:
        return Answer("inconclusive", Told(told, why="pairs that enclose one another disagree"), seen.pairs, nominal=nominal)
    return _held(span, claimed, told, seen)


def _answer_cover(reading: Reading, claimed: Interval, ordered: Sequence[Evidence], aoi: Aoi | None) -> Answer:
    """Tell when the largest patch of ground changed, as a series of dates has it; nothing tells how many it misses, so it decides nothing."""
    found = []
    for evidence in ordered:
        findings = evidence.findings.get("landcover")
        if findings is None or findings.status != "searched" or findings.observed_share <= 0:
            continue
        try:
            bearing = bearing_on(reading, findings, ground_of(findings, reading, aoi))
        except CannotMeasureError:
            continue
        dated = [(r, when) for r in bearing if (when := dates_of(r))]
        found += [(not confirmed(r), -r.area_m2, r.id, when, evidence.pair, findings.nominal) for r, when in dated]
    if not found:
        return untestable("no series of scenes at hand dates a change of the ground")
    alone, _, _, (after, by), pair, nominal = min(found)
    outcome, why = compared(Span(after, by), claimed)
    doubt = ", which no later date confirms," if alone else ""
    told = f"the largest of {len(found)} patches of ground that changed{doubt} did so between {after.isoformat()} and {by.isoformat()}"
    fits = "which lies outside the claimed time" if outcome == "contradicted" else "which fits the claimed time" if outcome == "supported" else why
    said = f"the claim says {span_in_words(claimed)}"
    return Answer("inconclusive", Told(told, claimed=said, why=f"{fits}; {UNMEASURED}"), (pair,), nominal=nominal)


def _narrowed(grown: Sequence[tuple[date, date]], still: Sequence[tuple[date, date]]) -> Span | None:
    """Return the first span in which growth began: what all pairs share that overlap the earliest one, without the time in which nothing grew."""
    start, end = min(grown, key=lambda pair: (pair[1], pair[0]))
    for a, b in sorted(grown):
        if a < end and b > start:
            start, end = max(start, a), min(end, b)
    for a, b in sorted(still):
        if a <= start < b:
            start = b
    for a, b in sorted(still, reverse=True):
        if a < end <= b:
            end = a
    return Span(start, end) if start < end else None
