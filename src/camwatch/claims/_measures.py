"""Rules about units, percentages, and length against area."""

from __future__ import annotations

import math
from itertools import combinations, product
from typing import TYPE_CHECKING

from camwatch.claims._compare import ABOUT, Said, dimension, figure, note, overlap, reach
from camwatch.claims.figures import areas_m2, growths, spans
from camwatch.claims.typed import SCALE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from camwatch.claims._compare import Book, LintNote
    from camwatch.claims.model import Claim

FACTOR = 100.0
"""Sizes of one thing that differ by this factor or more are a slip of units, not growth: no camp is known to have grown a hundredfold."""
ROUNDING = 0.1
"""A growth may be rounded to one part in ten of its factor before it is called wrong."""
ALIKE = 0.02
"""Two growth factors that differ by less are the same figure."""
LEAST_GROWTH = 0.05
"""Growth below this is within what two tracings differ by, and no figure to recognise again."""
NAMES = {"area": "areas", "length": "lengths", "distance": "distances"}


def units(book: Book) -> Iterator[LintNote]:
    """Sizes of one thing that disagree by a factor that only a unit explains."""
    said = [(s, values) for s in book.said("area", "length", "distance") if (values := _sizes(s))]
    noted: set[tuple[str, str]] = set()
    for (one, a), (two, b) in combinations(said, 2):
        same = one.claim.camp == two.claim.camp and (one.reading.metric, one.subject) == (two.reading.metric, two.subject)
        if not same or one.reading.sub_area != two.reading.sub_area or one.claim is two.claim or (one.claim.id, two.claim.id) in noted:
            continue
        factor, first, second = min((max(x / y, y / x), x, y) for x, y in product(a, b))
        if factor >= FACTOR:
            noted.add((one.claim.id, two.claim.id))
            unit = "m2" if one.reading.metric == "area" else "m"
            told = f"{NAMES[one.reading.metric]} of {figure(first, unit)} and {figure(second, unit)} for one thing"
            yield note("unit", f'{told} differ by a factor of {factor:,.0f}: a unit or a "thousand" is wrong', one.claim, two.claim)


def _sizes(said: Said) -> list[float]:
    """Return the sizes in base units that a reading gives as such, typed or, where nothing is typed, as quoted."""
    reading, sizes = said.reading, list[float]()
    if reading.span is not None and reading.span.unit != "ratio":
        sizes = [end * SCALE.get(reading.span.unit, 1.0) for end in (reading.span.before, reading.span.after)]
    elif reading.quantity is not None and reading.aspect == "state" and reading.quantity.unit != "ratio":
        sizes = [end * SCALE.get(reading.quantity.unit, 1.0) for end in (reading.quantity.low, reading.quantity.high) if end is not None]
    elif reading.quantity is None and reading.metric == "area" and said.subject == "site":
        sizes = areas_m2(said.claim.quote)
    return [size for size in sizes if size > 0]


def percentages(book: Book) -> Iterator[LintNote]:
    """A growth in words or percent beside the two numbers that it is the growth of."""
    for claim in book.claims:
        changes, wrong = _changes(claim), dict[float, tuple[str, float, float]]()
        for (metric, before, after), (of, words, ratio, open_above) in product(changes, _growths(claim)):
            # Of several changes, words that are not typed may mean any.
            if len(changes) > 1 and of != metric:
                continue
            actual = after / before - 1
            off = ratio - actual if open_above else abs(actual - ratio)
            if off > ROUNDING * (1 + abs(ratio)):
                wrong.setdefault(round(ratio, 3), (words, before, after))
        for ratio, (words, before, after) in wrong.items():
            told = f"from {figure(before)} to {figure(after)} is {figure(after / before - 1, 'ratio')}"
            yield note("percentage", f'"{words}" is {figure(ratio, "ratio")}, but {told}', claim)


def _changes(claim: Claim) -> list[tuple[str, float, float]]:
    """Return the metric and the numbers before and after of each change that a claim gives, typed or, for a claim of one change, as quoted."""
    typed = {(r.metric, r.span.before, r.span.after) for r in claim.readings if r.span is not None}
    metrics = {r.metric for r in claim.readings if r.aspect in ("growth", "net change")}
    quoted = {(metric, p.first, p.last) for p in spans(claim.quote) for metric in metrics} if len(metrics) == 1 and not typed else set()
    return sorted(change for change in typed | quoted if change[1] > 0)


def _growths(claim: Claim) -> Iterator[tuple[str, str, float, bool]]:
    """Return each growth that a claim states: its metric (empty where only the quote says it), its words, the ratio, and whether it may be more."""
    quoted = growths(claim.quote)
    for reading in claim.readings:
        q = reading.quantity
        if q is not None and q.unit == "ratio" and q.low is not None and reading.aspect == "growth":
            words = next((w for w, ratio in quoted if abs(ratio - q.low) < ALIKE), reading.id)
            yield reading.metric, words, q.low, q.high is None
    yield from (("", words, ratio, False) for words, ratio in quoted if not any(r.quantity and r.quantity.low == ratio for r in claim.readings))


def ambiguous(book: Book) -> Iterator[LintNote]:
    """One number that can be read as two different measures."""
    for claim in book.claims:
        for a, b in combinations(claim.readings, 2):
            if a.quantity and a.quantity == b.quantity and (a.subject, a.aspect) == (b.subject, b.aspect) and a.metric != b.metric:
                yield note("ambiguous", f'the number can be read as {a.metric} or as {b.metric}: "{a.id}", "{b.id}"', claim)


def measures(book: Book) -> Iterator[LintNote]:
    """One growth that is told of a length here and of an area there: a line that keeps its shape grows by the square root of its area."""
    lengths, areas = ([s for s in book.said(metric, aspects=("growth",)) if s.subject == "site"] for metric in ("length", "area"))
    for line, ground in product(lengths, areas):
        a, b = line.reading.quantity, ground.reading.quantity
        if line.claim.camp != ground.claim.camp or line.claim is ground.claim or not overlap(line.reading.interval, ground.reading.interval):
            continue
        if a is None or b is None or a.low is None or b.low is None or {a.unit, b.unit} != {"ratio"} or min(a.low, b.low) < LEAST_GROWTH:
            continue
        if line.reading.sub_area == ground.reading.sub_area and abs(a.low - b.low) < ALIKE * (1 + b.low):
            like = f"a line that keeps its shape grows by {figure(math.sqrt(1 + b.low) - 1, 'ratio')} when its area grows by {figure(b.low, 'ratio')}"
            yield note("measure", f"the same figure is the growth of a length and of an area: {like}", *_ordered(book, line, ground))


def shapes(book: Book) -> Iterator[LintNote]:
    """An area that no enclosing line of the stated length can hold (a circle holds most); a fence may be a part of the line."""
    lengths, areas = ([s for s in book.said(metric, aspects=("state",)) if s.subject == "site"] for metric in ("length", "area"))
    lengths = [s for s in lengths if s.reading.subject != "fence"]
    for line, ground in product(lengths, areas):
        a, b = line.reading.quantity, ground.reading.quantity
        if line.claim.camp != ground.claim.camp or line.reading.sub_area != ground.reading.sub_area or a is None or b is None:
            continue
        if (dimension(a.unit), dimension(b.unit)) != ("m", "m2") or not overlap(line.reading.interval, ground.reading.interval):
            continue
        length, area = reach(a)[1], reach(b)[0]
        if math.isfinite(length) and math.isfinite(area) and area * (1 - ABOUT / 2) > length**2 / (4 * math.pi):
            most = f"{length**2 / (4e6 * math.pi):.3g} km²"
            yield note("shape", f"a line of {figure(length, 'm')} encloses at most {most}, not {area / 1e6:.3g} km²", *_ordered(book, line, ground))


def _ordered(book: Book, *said: Said) -> list[Claim]:
    held = [s.claim.id for s in said]
    return [c for c in book.claims if c.id in held]
