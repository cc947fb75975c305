"""What is wrong with the claims themselves, before an image is read. Each rule is a few lines that name what they compare."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import combinations, pairwise, product
from typing import TYPE_CHECKING

from camwatch.claims.figures import areas_m2, growths, numbers, spans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from camwatch.claims.model import Claim, Interval, Ledger, Quantity, Reading

FACTOR = 100.0
"""Areas of one camp that differ by more than this are a slip of units, not growth: no camp is known to have grown a hundredfold."""
ABOUT = 0.2
"""How far a number said with *about* reaches to either side."""
ROUNDING, SUM_ROUNDING = 0.1, 0.05
"""A growth may be rounded to one part in ten, a sum to one in twenty, before it is called wrong."""


@dataclass(frozen=True, slots=True)
class LintNote:
    """One thing that is wrong with claims.

    Attributes
    ----------
    rule : str
        `unit`, `percentage`, `arithmetic`, `contradiction`, `baseline`, `ambiguous`, or `undated`.
    claims : tuple of str
        Ids of the claims concerned.
    text : str
        One sentence.
    """

    rule: str
    claims: tuple[str, ...]
    text: str


def lint(ledger: Ledger) -> tuple[LintNote, ...]:
    """Compare the claims of one ledger with themselves and with one another.

    Only what the words and numbers of the ledger say is compared; published figures and imagery are not. A note is a
    reason to read closely, not a verdict.
    """
    rules = (_units, _percentages, _products, _sums, _contradictions, _baselines, _ambiguous, _undated)
    return tuple(note for rule in rules for note in rule(ledger))


def _units(ledger: Ledger) -> Iterator[LintNote]:
    """Areas of one camp, as quoted, that disagree by a factor that only a unit explains."""
    quoted = [c for c in ledger.claims if any(areas_m2(c.quote))]
    shortest = [c for c in quoted if not any(o.quote in c.quote and o.quote != c.quote for o in quoted)]  # a longer quote would say it twice
    said = [(c, max(areas_m2(c.quote))) for c in shortest]
    for (one, a), (two, b) in combinations(said, 2):
        factor = max(a, b) / min(a, b)
        if one.camp == two.camp and factor >= FACTOR:
            text = f'areas of {a:,.0f} m² and {b:,.0f} m² for one camp differ by a factor of {factor:,.0f}: a unit or a "thousand" is wrong'
            yield LintNote("unit", (one.id, two.id), text)


def _percentages(ledger: Ledger) -> Iterator[LintNote]:
    """A growth in words or percent beside the two numbers that it is the growth of."""
    for claim in ledger.claims:
        for span in (s for s in spans(claim.quote) if s.first > 0):
            actual = span.last / span.first - 1
            for words, ratio in growths(claim.quote):
                if abs(actual - ratio) > ROUNDING * (1 + ratio):
                    text = f'"{words}" is {ratio:+.0%}, but from {span.first:,g} to {span.last:,g} is {actual:+.0%}'
                    yield LintNote("percentage", (claim.id,), text)


def _products(ledger: Ledger) -> Iterator[LintNote]:
    """A capacity said to be *over* what buildings times people in each gives exactly."""
    for claim, said in _capacities(ledger):
        if not re.search(r"\b(over|more than)\b", claim.quote, re.IGNORECASE):
            continue
        for other in (c for c in ledger.claims if c.camp == claim.camp):
            exact = [r.quantity.low for r in other.readings if r.metric == "count" and r.quantity and r.quantity.low == r.quantity.high]
            for count, each in product([number for number in exact if number], said[:-1]):
                if count * each == said[-1]:
                    yield LintNote("arithmetic", (other.id, claim.id), f"{count:g} × {each:,g} is {said[-1]:,g} exactly, not more")


def _sums(ledger: Ledger) -> Iterator[LintNote]:
    """A population "from A to B" beside the claim before it, of a capacity that was added and does not make up the difference."""
    added = {claim.id: (claim, said[-1]) for claim, said in _capacities(ledger)}
    for before, claim in pairwise(ledger.claims):
        if before.id not in added or before.camp != claim.camp or not any(r.metric == "population" for r in claim.readings):
            continue
        more = added[before.id][1]
        for span in spans(claim.quote):
            if abs(span.first + more - span.last) > SUM_ROUNDING * span.last:
                text = f"{span.first:,g} + {more:,g} is {span.first + more:,g}, not {span.last:,g}"
                yield LintNote("arithmetic", (before.id, claim.id), text)


def _capacities(ledger: Ledger) -> list[tuple[Claim, list[float]]]:
    """Return the claims about capacity with the numbers of their quotes, ascending."""
    found = [(c, sorted(numbers(c.quote))) for c in ledger.claims if any(r.metric == "capacity" for r in c.readings)]
    return [(c, said) for c, said in found if said]


def _contradictions(ledger: Ledger) -> Iterator[LintNote]:
    """Numbers for the same thing at the same time that exclude one another."""
    for one, two in combinations(ledger.claims, 2):
        for a in one.readings:
            for b in two.readings:
                same = one.camp == two.camp and (a.metric, a.subject, a.aspect, a.sub_area) == (b.metric, b.subject, b.aspect, b.sub_area)
                if same and a.metric != "date" and _overlap(a.interval, b.interval) and _disjoint(a, b):
                    yield LintNote("contradiction", (one.id, two.id), f'{a.subject}: "{a.text}" excludes "{b.text}"')


def _baselines(ledger: Ledger) -> Iterator[LintNote]:
    """One growth that is told over different spans of years."""
    told: dict[tuple[str, str, str], dict[str, str]] = {}
    for claim in ledger.claims:
        for r in claim.readings:
            if r.aspect == "growth" and r.metric in ("area", "length") and r.interval and r.interval.start:
                told.setdefault((claim.camp, r.metric, r.subject), {}).setdefault(claim.id, str(r.interval.start.year))
    for (camp, metric, subject), years in told.items():
        if len(set(years.values())) > 1:
            spread = ", ".join(sorted(set(years.values())))
            yield LintNote("baseline", tuple(years), f"growth of the {metric} of the {subject} at {camp} is told from different years: {spread}")


def _ambiguous(ledger: Ledger) -> Iterator[LintNote]:
    """One number that can be read as two different measures."""
    for claim in ledger.claims:
        for a, b in combinations(claim.readings, 2):
            if a.quantity and a.quantity == b.quantity and (a.subject, a.aspect) == (b.subject, b.aspect) and a.metric != b.metric:
                yield LintNote("ambiguous", (claim.id,), f'the number can be read as {a.metric} or as {b.metric}: "{a.id}", "{b.id}"')


def _undated(ledger: Ledger) -> Iterator[LintNote]:
    """A change that could be seen, without a time in which to look for it."""
    for claim in ledger.claims:
        if claim.observable and any(r.aspect != "state" and r.interval is None for r in claim.readings):
            yield LintNote("undated", (claim.id,), "a change without a span of time can be looked for in any pair of images and refuted by none")


def _overlap(a: Interval | None, b: Interval | None) -> bool:
    """True where two spans share a day; an open or unknown end reaches everywhere."""
    if a is None or b is None:
        return True
    return not ((a.end and b.start and a.end < b.start) or (b.end and a.start and b.end < a.start))


def _disjoint(a: Reading, b: Reading) -> bool:
    if a.quantity is None or b.quantity is None or a.quantity.unit != b.quantity.unit:
        return False
    (low_a, high_a), (low_b, high_b) = _reach(a.quantity), _reach(b.quantity)
    return high_a < low_b or high_b < low_a


def _reach(quantity: Quantity) -> tuple[float, float]:
    slack = ABOUT if quantity.about else 0.0
    low = -math.inf if quantity.low is None else quantity.low - slack * abs(quantity.low)
    high = math.inf if quantity.high is None else quantity.high + slack * abs(quantity.high)
    return low, high
