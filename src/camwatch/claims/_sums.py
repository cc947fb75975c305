"""Rules about numbers that make one another: products, sums, stocks and flows, assumptions."""

from __future__ import annotations

import math
import re
from itertools import product
from typing import TYPE_CHECKING

from camwatch.claims._compare import Said, comparable, contains, exact, figure, note, overlap, reach
from camwatch.claims.figures import numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from camwatch.claims._compare import Book, LintNote
    from camwatch.claims.model import Claim

SUM_ROUNDING = 0.05
"""A sum or product may be rounded to one part in twenty before it is called wrong."""
DENSER = 1.5
"""Objects along a line that multiply by this factor more than the line itself are worth a note."""
HOLDERS = ("structure", "camp", "other")
"""Subjects that can hold people."""
_EACH = re.compile(r"\b(each|per|every|hold|holds|holding|apiece)\b", re.IGNORECASE)
OBJECTS = {"tower": "guard towers", "structure": "buildings", "camp": "camps", "people": "people"}


def products(book: Book) -> Iterator[LintNote]:
    """A capacity that is not the number of objects times what each is said to hold, or exactly that though said to be more."""
    for claim, each, said in _capacities(book):
        if each is None:
            continue
        counts = [
            (s.claim, number)
            for s in book.said("count", aspects=("appeared", "net change"))
            if s.claim.camp == claim.camp
            and s.subject in HOLDERS
            and (number := exact(s.reading.quantity))
            and any(overlap(r.interval, s.reading.interval) for r in claim.readings)
        ]
        if not counts:
            continue
        # Of several counts the one that comes nearest is meant.
        other, count = min(counts, key=lambda c: (abs(c[1] * each - said), c[0].id))
        made = count * each
        above = re.search(r"\b(over|more than|at least)\b", claim.quote, re.IGNORECASE) is not None
        if made == said and above:
            yield note("product", f"{count:g} × {figure(each)} is {figure(said)} exactly, not more", *_ordered(book, other, claim))
        elif abs(made - said) > SUM_ROUNDING * said:
            yield note("product", f"{count:g} × {figure(each)} is {figure(made)}, not {figure(said)}", *_ordered(book, other, claim))


def _capacities(book: Book) -> Iterator[tuple[Claim, float | None, float]]:
    """Return each claim of added room with what each object is said to hold and the total, typed or as its quote says it."""
    for claim in book.claims:
        reading = next((r for r in claim.readings if r.metric == "capacity" and r.aspect == "growth"), None)
        if reading is None:
            continue
        quoted = sorted(n for n in numbers(claim.quote) if n > 1)
        total = reading.quantity.low if reading.quantity and reading.quantity.low is not None else quoted[-1] if quoted else None
        per_object = len(quoted) == 2 and _EACH.search(claim.quote) is not None
        if total is not None:
            yield claim, reading.each or (quoted[0] if per_object else None), total


def sums(book: Book) -> Iterator[LintNote]:
    """Numbers before, added and after that do not add up; parts that are more than the whole."""
    yield from _sums_of_people(book)
    yield from _sums_of_objects(book)
    for part, whole in product(book.said("count", "area"), repeat=2):
        same = part.thing[:4] == whole.thing[:4] and part.reading.sub_area and whole.reading.sub_area is None
        if same and overlap(part.reading.interval, whole.reading.interval) and comparable(part.reading.quantity, whole.reading.quantity):
            assert part.reading.quantity is not None and whole.reading.quantity is not None  # noqa: PT018  (what comparable means)
            least, most = reach(part.reading.quantity)[0], reach(whole.reading.quantity)[1]
            timed = part.reading.aspect == "state" or contains(whole.reading.interval, part.reading.interval)
            if least > most and timed:
                told = f"a part has {figure(least)}, the whole at most {figure(most)}"
                yield note("sum", told, *_ordered(book, part.claim, whole.claim))


def _sums_of_people(book: Book) -> Iterator[LintNote]:
    added = [(claim, said) for claim, _, said in _capacities(book)]
    for after in (s for s in book.said("population", "capacity") if s.reading.span is not None):
        span = after.reading.span
        assert span is not None  # what was asked for
        fitting = [(c, n) for c, n in added if c.camp == after.claim.camp and c is not after.claim]
        fitting = [(c, n) for c, n in fitting if any(overlap(r.interval, after.reading.interval) for r in c.readings)]
        if fitting:
            claim, more = min(fitting, key=lambda cn: (abs(span.before + cn[1] - span.after), cn[0].id))
            if abs(span.before + more - span.after) > SUM_ROUNDING * span.after:
                told = f"{figure(span.before)} + {figure(more)} is {figure(span.before + more)}, not {figure(span.after)}"
                yield note("sum", told, *_ordered(book, claim, after.claim))


def _sums_of_objects(book: Book) -> Iterator[LintNote]:
    """A number at one date and what came and went until another, against the number then; only where all are exact and dated."""
    states = [s for s in book.said("count", aspects=("state",)) if exact(s.reading.quantity) is not None and s.reading.interval]
    for first, last in product(states, repeat=2):
        span, then = first.reading.interval, last.reading.interval
        if first.thing != last.thing or not (span and then and span.end and then.start and span.end < then.start):
            continue
        if any(s.thing == first.thing and s not in (first, last) and _between(s, first, last) for s in states):
            continue  # the nearer dates are compared
        told_flows = [
            (s, 1 if s.reading.aspect == "appeared" else -1)
            for s in book.said("count", aspects=("appeared", "removed"))
            if (s.claim.camp, s.subject, s.reading.sub_area) == (first.claim.camp, first.subject, first.reading.sub_area) and _between(s, first, last)
        ]
        # Two claims that give one number for one span tell of the same objects.
        flows = list({(s.reading.aspect, s.reading.interval, exact(s.reading.quantity)): (s, sign) for s, sign in reversed(told_flows)}.values())[
            ::-1
        ]
        known = [(exact(s.reading.quantity), sign) for s, sign in flows]
        if not flows or any(number is None for number, _ in known):
            continue
        start, end = exact(first.reading.quantity) or 0.0, exact(last.reading.quantity) or 0.0
        made = start + sum(sign * (number or 0.0) for number, sign in known)
        steps = " ".join(f"{'+' if sign > 0 else '−'} {number:g}" for number, sign in known)
        if made != end:
            told = f"{start:g} {steps} is {made:g}, not {end:g}"
            yield note(
                "sum", f"{OBJECTS.get(first.subject, first.subject)}: {told}", *_ordered(book, first.claim, last.claim, *(s.claim for s, _ in flows))
            )


def _between(said: Said, first: Said, last: Said) -> bool:
    """Return whether a dated reading lies after one and before another; a change may begin in the year of the first and end in that of the last."""
    when, start, end = said.reading.interval, first.reading.interval, last.reading.interval
    if not (when and when.start and when.end and start and start.start and end and end.end):
        return False
    return start.start <= when.start and when.end <= end.end and when not in (start, end)


def stocks(book: Book) -> Iterator[LintNote]:
    """More objects added than stand; or a number added that would leave so few before that they outgrew the line on which they stand."""
    for flow, stock in product(book.said("count", aspects=("appeared",)), book.said("count", aspects=("state",))):
        a, b = flow.reading, stock.reading
        same = (flow.claim.camp, flow.subject, a.sub_area) == (stock.claim.camp, stock.subject, b.sub_area)
        added, stands = exact(a.quantity), b.quantity
        if not same or added is None or stands is None or stands.unit == "ratio":
            continue
        if b.interval is not None and (a.interval is None or not _after(b.interval, a.interval)):
            continue  # the stock is of an earlier date
        least, most = reach(stands)
        objects = OBJECTS.get(flow.subject, flow.subject)
        if math.isfinite(most) and added > most:
            yield note("stock", f"{added:g} {objects} were added, but only {most:g} stand", *_ordered(book, flow.claim, stock.claim))
        elif b.interval is None and least > added:
            yield from _outgrown(book, flow, stock, least, added)


def _after(state: object, change: object) -> bool:
    """Return whether a state's span begins no earlier than a change ends."""
    start, end = getattr(state, "start", None), getattr(change, "end", None)
    return start is not None and end is not None and start >= end


def _outgrown(book: Book, flow: Said, stock: Said, least: float, added: float) -> Iterator[LintNote]:
    """Compare the growth of a number with that of the line or area told for the same time."""
    grown = [
        (s, 1 + s.reading.quantity.low)
        for s in book.said("area", "length", aspects=("growth",))
        if s.claim.camp == flow.claim.camp and s.subject == "site" and s.reading.quantity and s.reading.quantity.low is not None
        if overlap(s.reading.interval, flow.reading.interval) and s.reading.sub_area == flow.reading.sub_area and s.reading.quantity.unit == "ratio"
    ]
    if not grown:
        return
    # A line that keeps its shape grows by the square root of its area.
    line = [math.sqrt(factor) if s.reading.metric == "area" else factor for s, factor in grown]
    factor = least / (least - added)
    if factor > DENSER * max(line):
        before = f"{added:g} of at least {least:g}" if stock.reading.quantity and stock.reading.quantity.high is None else f"{added:g} of {least:g}"
        few = f"{before} {OBJECTS.get(flow.subject, flow.subject)} new leaves as few as {least - added:g} before, × {factor:.1f}"
        told = f"{few}, beside × {min(line):.1f} to {max(line):.1f} for the line: the number before is not told"
        yield note("stock", told, *_ordered(book, flow.claim, stock.claim))


def assumptions(book: Book) -> Iterator[LintNote]:
    """A number of people or places that follows from an assumption about each object."""
    for s in book.said("capacity", "population"):
        if s.reading.each is not None:
            yield note(
                "assumption", f"the number follows from an assumed {figure(s.reading.each)} for each object, which nothing here measures", s.claim
            )


def _ordered(book: Book, *claims: Claim) -> list[Claim]:
    held = {c.id for c in claims}
    return [c for c in book.claims if c.id in held]
