"""What the rules compare: readings of claims, when two of them speak of one thing, and how far a number reaches."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from camwatch.claims.typed import SCALE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from camwatch.claims.model import Claim, Reading
    from camwatch.claims.typed import Interval, Place, Quantity

ABOUT, ABOUT_YEARS = 0.2, 2.0
"""How far a number said with *about* reaches to either side: a fifth, a year by two years."""

SITE = ("camp", "perimeter", "fence")
"""Subjects whose area and length are those of the site as a whole."""


@dataclass(frozen=True, slots=True)
class LintNote:
    """One thing that is wrong with claims.

    Attributes
    ----------
    rule : str
        One of :data:`camwatch.claims.lint.RULES`.
    claims : tuple of str
        Ids of the claims concerned, in the order of their ledgers.
    text : str
        One sentence, without full stop.
    """

    rule: str
    claims: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """One reading of one claim."""

    claim: Claim
    reading: Reading

    @property
    def subject(self) -> str:
        """What the reading is of; for an area or a length the site is one thing, whatever line or ground the words name."""
        site = self.reading.metric in ("area", "length") and self.reading.subject in SITE
        return "site" if site else self.reading.subject

    @property
    def thing(self) -> tuple[str | None, ...]:
        """What is measured, of what, where: equal for readings that speak of one thing."""
        r = self.reading
        return self.claim.camp, r.metric, self.subject, r.aspect, r.sub_area


@dataclass(frozen=True, slots=True)
class Book:
    """The claims of all ledgers, and the places that they name."""

    claims: tuple[Claim, ...]
    places: Mapping[str, Place]

    def said(self, *metrics: str, aspects: tuple[str, ...] = ()) -> list[Said]:
        """Return the readings of some metrics and aspects (none = all), in the order of the claims."""
        return [Said(c, r) for c in self.claims for r in c.readings if (not metrics or r.metric in metrics) and (not aspects or r.aspect in aspects)]

    def pairs(self) -> Iterator[tuple[Claim, Claim]]:
        """Return every two claims of one camp, the earlier first."""
        return ((a, b) for a, b in combinations(self.claims, 2) if a.camp == b.camp)


def note(rule: str, text: str, *claims: Claim) -> LintNote:
    """Return a note about claims, each named once."""
    return LintNote(rule, tuple(dict.fromkeys(c.id for c in claims)), text)


def overlap(a: Interval | None, b: Interval | None) -> bool:
    """Return whether two spans share a day; an open or unknown end reaches everywhere."""
    if a is None or b is None:
        return True
    return not ((a.end and b.start and a.end < b.start) or (b.end and a.start and b.end < a.start))


def contains(outer: Interval | None, inner: Interval | None) -> bool:
    """Return whether a span surely holds the whole of another."""
    if outer is None or inner is None:
        return outer is inner
    starts = outer.start is None or (inner.start is not None and outer.start <= inner.start)
    return starts and (outer.end is None or (inner.end is not None and inner.end <= outer.end))


def reach(quantity: Quantity) -> tuple[float, float]:
    """Return the ends of a number in base units, widened where it was said with *about*; infinite where open."""
    scale = SCALE.get(quantity.unit, 1.0)

    def slack(end: float) -> float:
        return 0.0 if not quantity.about else ABOUT_YEARS if quantity.unit == "year" else ABOUT * abs(end)

    low = -math.inf if quantity.low is None else quantity.low - slack(quantity.low)
    high = math.inf if quantity.high is None else quantity.high + slack(quantity.high)
    return low * scale, high * scale


def dimension(unit: str) -> str:
    """Return the base unit of a unit: numbers of one base unit can be compared."""
    return {"km": "m", "km2": "m2"}.get(unit, unit)


def comparable(a: Quantity | None, b: Quantity | None) -> bool:
    """Return whether both are numbers of one dimension."""
    return a is not None and b is not None and dimension(a.unit) == dimension(b.unit)


def apart(a: Quantity, b: Quantity) -> bool:
    """Return whether two numbers exclude each other, *about* allowed for."""
    (low_a, high_a), (low_b, high_b) = reach(a), reach(b)
    return high_a < low_b or high_b < low_a


def exact(quantity: Quantity | None) -> float | None:
    """Return a plain exact number in base units; None for a bound, a range, or what was said with *about*."""
    if quantity is None or quantity.about or quantity.low is None or quantity.low != quantity.high:
        return None
    return quantity.low * SCALE.get(quantity.unit, 1.0)


def figure(value: float, unit: str = "") -> str:
    """Return a number as people write it, with its base unit."""
    if unit == "ratio":
        return f"{100 * value:+.0f} %"
    if unit == "year":
        return f"{value:.0f}"
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.4g}"
    return f"{text}{ {'m2': ' m²', 'm': ' m', 'people': ' people', 'people/year': ' people a year'}.get(unit, '') }"
