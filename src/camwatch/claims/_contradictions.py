"""Rules about figures that exclude one another, or that their quotes do not give."""

from __future__ import annotations

import math
import re
from itertools import product
from typing import TYPE_CHECKING

from camwatch.claims._compare import Said, apart, comparable, contains, dimension, note, overlap, reach
from camwatch.claims._measures import FACTOR
from camwatch.claims.figures import derivable, numbers
from camwatch.claims.typed import SCALE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from camwatch.claims._compare import Book, LintNote
    from camwatch.claims.model import Claim, Quantity

_VAGUE = re.compile(r"\b(several|couple|pair|few|some|many|numerous|half|third|quarter|scores?|dozens|hundreds)\b", re.IGNORECASE)
"""Words that stand for numbers of which anyone types his own."""
SAME_FIGURE = 0.05
"""Middles of two figures that differ by less are the same figure, told twice."""


def typed(book: Book) -> Iterator[LintNote]:
    """A typed number that its quote does not give; quotes without a number that is understood are left alone."""
    for s in book.said():
        q, quote = s.reading.quantity, s.claim.quote
        dated = q is not None and q.unit == "year"
        made = set(numbers(quote)) if dated else set() if _VAGUE.search(quote) else derivable(quote)
        ends = [] if q is None or (q.low == 1 and q.high is None) else [end for end in (q.low, q.high) if end]
        ends += [] if s.reading.span is None else [s.reading.span.before, s.reading.span.after]
        ends += [] if s.reading.each is None else [s.reading.each]
        unit = q.unit if q is not None else s.reading.span.unit if s.reading.span is not None else ""
        for end in ends if made else []:
            forms = (end, end * SCALE.get(unit, 1.0))
            if not any(math.isclose(form, value, rel_tol=5e-4, abs_tol=5e-4) for form in forms for value in made):
                yield note("typed", f'"{s.reading.id}" is typed as {end:,g}, which the quote does not give', s.claim)
                break


def contradictions(book: Book) -> Iterator[LintNote]:
    """Numbers for the same thing at the same time that exclude one another; where a claim has several readings, all of them."""
    for one, two in book.pairs():
        rivals = [(a, b) for a, b in _alike(one, two) if _same_time(a, b) and not _slip(a, b)]
        if rivals and all(_excluded(a, b) for a, b in rivals):
            a, b = rivals[0]
            yield note("contradiction", f'{a.reading.subject}: "{a.reading.text}" excludes "{b.reading.text}"', one, two)


def restated(book: Book) -> Iterator[LintNote]:
    """Closed figures for the same thing at the same time that differ, though they do not exclude one another."""
    for one, two in book.pairs():
        rivals = [
            (a, b) for a, b in _alike(one, two) if _same_time(a, b) and (a.reading.aspect == "state" or a.reading.interval == b.reading.interval)
        ]
        middles = [(_middle(a.reading.quantity), _middle(b.reading.quantity)) for a, b in rivals if not _excluded(a, b)]
        if middles and all(x is not None and y is not None and abs(x - y) > SAME_FIGURE * max(abs(x), abs(y)) for x, y in middles):
            a, b = rivals[0]
            yield note("restated", f'{a.reading.subject}: "{a.reading.text}" and "{b.reading.text}" give different figures for one thing', one, two)


def _alike(one: Claim, two: Claim) -> Iterator[tuple[Said, Said]]:
    for a, b in product(one.readings, two.readings):
        first, second = Said(one, a), Said(two, b)
        if first.thing == second.thing and a.metric != "date" and comparable(a.quantity, b.quantity):
            yield first, second


def _same_time(a: Said, b: Said) -> bool:
    """Return whether two readings are of one time: states that overlap, changes over one span, or one within the other."""
    one, two = a.reading.interval, b.reading.interval
    if a.reading.aspect == "state":
        return overlap(one, two)
    changes = a.reading.aspect in ("appeared", "removed") and (contains(one, two) or contains(two, one))
    return changes or (one == two and a.reading.baseline == b.reading.baseline)


def _excluded(a: Said, b: Said) -> bool:
    """Return whether two numbers of one time exclude one another; a part of a span excludes the whole only where it has more."""
    one, two = a.reading, b.reading
    assert one.quantity is not None and two.quantity is not None  # noqa: PT018  (what comparable means)
    if one.aspect == "state" or one.interval == two.interval:
        return apart(one.quantity, two.quantity)
    part, whole = (one, two) if contains(two.interval, one.interval) else (two, one)
    assert part.quantity is not None and whole.quantity is not None  # noqa: PT018
    return reach(part.quantity)[0] > reach(whole.quantity)[1]


def _slip(a: Said, b: Said) -> bool:
    """Return whether two sizes differ so much that the rule about units tells it."""
    one, two = _middle(a.reading.quantity), _middle(b.reading.quantity)
    sized = a.reading.metric in ("area", "length", "distance") and dimension(a.reading.quantity.unit if a.reading.quantity else "") != "ratio"
    return bool(sized and one and two and max(one / two, two / one) >= FACTOR)


def _middle(quantity: Quantity | None) -> float | None:
    if quantity is None or quantity.low is None or quantity.high is None:
        return None
    return (quantity.low + quantity.high) / 2 * SCALE.get(quantity.unit, 1.0)
