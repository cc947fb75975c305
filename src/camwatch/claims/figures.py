"""Numbers as they stand in a quote: digits, number words, with their unit."""

from __future__ import annotations

import re
from dataclasses import dataclass

ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
WORDS = {word: float(value) for value, word in enumerate(ONES)} | {"dozen": 12.0}

_NUMBER = r"(?<![\w.])(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?![\w])"
_AREA = re.compile(rf"{_NUMBER}\s*(thousand\s+)?(square\s+(?:kilo)?met(?:er|re)s?|square\s+km|km²|km2|m²|m2|hectares?|ha)\b", re.IGNORECASE)
_SPAN = re.compile(rf"(?:from\s+)?{_NUMBER}\s*(?:to|towards?|–|->|→)\s*{_NUMBER}", re.IGNORECASE)
_GROWTH = re.compile(rf"{_NUMBER}\s*(?:percent|per\s+cent|%)|\b(doubl(?:e|ed|ing)|tripl(?:e|ed|ing))\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Span:
    """A pair of numbers in a quote, "from `first` to `last`"."""

    first: float
    last: float


def numbers(text: str) -> list[float]:
    """Return every number of a text in order, digits and words alike."""
    found = re.finditer(rf"{_NUMBER}|\b({'|'.join(sorted(WORDS, key=len, reverse=True))})\b", text, re.IGNORECASE)
    return [_value(m[1]) if m[1] else WORDS[m[2].lower()] for m in found]


def areas_m2(text: str) -> list[float]:
    """Return every number of a text that an area unit follows, in square metres."""
    return [_value(m[1]) * (1000 if m[2] else 1) * _unit_m2(m[3]) for m in _AREA.finditer(text)]


def spans(text: str) -> list[Span]:
    """Return every "A to B" of a text that is not a span of years."""
    pairs = [Span(_value(m[1]), _value(m[2])) for m in _SPAN.finditer(text)]
    return [p for p in pairs if not (1900 <= p.first <= 2100 and 1900 <= p.last <= 2100)]


def growths(text: str) -> list[tuple[str, float]]:
    """Return every statement of growth in a text, as its words and as a ratio (0.72 is +72 %)."""
    return [(m[0], _value(m[1]) / 100 if m[1] else 1.0 if m[2].lower().startswith("doubl") else 2.0) for m in _GROWTH.finditer(text)]


def _value(digits: str) -> float:
    return float(digits.replace(",", ""))


def _unit_m2(unit: str) -> float:
    word = re.sub(r"\s+", " ", unit.lower())
    if word.startswith("h"):
        return 1e4
    return 1e6 if "k" in word else 1.0
