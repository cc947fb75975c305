"""Numbers as they stand in a quote: digits and English number words, with their unit, and statements of growth."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import permutations

ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SMALL = {word: float(value) for value, word in enumerate(ONES)} | {word: 20.0 + 10 * place for place, word in enumerate(TENS)}
LARGE = {"dozen": 12.0, "hundred": 100.0, "thousand": 1e3, "million": 1e6}

_DIGITS = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_NUMBER = rf"(?<![\w.])({_DIGITS})(?![\w])"
_WORD = "|".join(sorted((*SMALL, *LARGE, *(f"{word}s" for word in LARGE)), key=len, reverse=True))
_TOKEN = re.compile(rf"(?<![\w.,])(?:{_DIGITS}|(?:{_WORD})\b)(?!\w)", re.IGNORECASE)
_M2 = (
    (r"square\s+(?:kilomet(?:er|re)s?|km)|km²|km2", 1e6),
    (r"square\s+met(?:er|re)s?|m²|m2", 1.0),
    (r"hectares?|ha", 1e4),
    (r"square\s+miles?", 2.589988e6),
    (r"acres?", 4046.86),
)
_M = ((r"kilomet(?:er|re)s?|km", 1e3), (r"met(?:er|re)s?|m", 1.0), (r"miles?", 1609.344), (r"feet|foot|ft", 0.3048))
_SPAN = re.compile(rf"\bfrom\s+{_NUMBER}\s*(?:to|towards?|–|->|→)\s*{_NUMBER}", re.IGNORECASE)
_GROWTH = re.compile(rf"{_NUMBER}\s*(?:percent|per\s+cent|%)|\b(doubl(?:e|ed|ing)|tripl(?:e|ed|ing)|halv(?:ed|ing))\b", re.IGNORECASE)
_TIMES = {"doubl": 1.0, "tripl": 2.0, "halv": -0.5}


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair of numbers in a quote, "from `first` to `last`"."""

    first: float
    last: float


def numbers(text: str) -> list[float]:
    """Return every number of a text in order, digits and words alike: `two dozen` is 24, `thirty-one` 31, `thousands` 1000."""
    found: list[float] = []
    end = -1
    joins = False
    for match in _TOKEN.finditer(text):
        word = match[0].lower()
        near = bool(found) and re.fullmatch(r"[\s-]+", text[end : match.start()]) is not None
        scale = LARGE.get(word.removesuffix("s"))
        if scale is not None:
            if near:
                found[-1] *= scale
            else:
                found.append(scale)
            joins = False
        elif word in SMALL:
            if near and joins and SMALL[word] < 10:
                found[-1] += SMALL[word]
            else:
                found.append(SMALL[word])
            joins = word in TENS
        else:
            found.append(_value(word))
            joins = False
        end = match.end()
    return found


def areas_m2(text: str) -> list[float]:
    """Return every number of a text that an area unit follows, in square metres, in order."""
    return _measured(text, _M2)


def lengths_m(text: str) -> list[float]:
    """Return every number of a text that a unit of length follows, in metres, in order."""
    return _measured(text, _M)


def spans(text: str) -> list[Pair]:
    """Return every "from A to B" of a text that is not a span of years."""
    pairs = [Pair(_value(m[1]), _value(m[2])) for m in _SPAN.finditer(text)]
    return [p for p in pairs if not (1900 <= p.first <= 2100 and 1900 <= p.last <= 2100)]


def growths(text: str) -> list[tuple[str, float]]:
    """Return every statement of growth in a text, as its words and as a ratio (0.72 is +72 %)."""
    return [(m[0], _value(m[1]) / 100 if m[1] else next(r for w, r in _TIMES.items() if m[2].lower().startswith(w))) for m in _GROWTH.finditer(text)]


def derivable(text: str) -> set[float]:
    """Return what a typed number may be where it rests on a text: its numbers; one more ("over") or less; percents; areas and lengths in base
    units; and what two of its numbers make: their sum, difference, product and growth. Empty where the text holds no number but years.
    """
    plain = numbers(text)
    grown = [ratio for _, ratio in growths(text)]
    # "from 580 to 1,000 thousand": the word counts for both.
    larger = [scale for word, scale in LARGE.items() if scale >= 1e3 and re.search(rf"\b{word}\b", text, re.IGNORECASE)]
    base = [*plain, *areas_m2(text), *lengths_m(text), *(n * scale for n in plain for scale in larger)]
    made = {n + step for n in base for step in (-1, 0, 1)} | {n / 100 for n in plain} | set(grown)
    made |= {value for a, b in permutations(plain, 2) for value in (a + b, b - a, a * b, *((b / a - 1,) if a else ()))}
    # A year tells when, not how many: where a text holds nothing else, a number may rest on words that are not understood.
    return made if grown or any(not 1900 <= n <= 2100 for n in plain) else set()


def _measured(text: str, units: tuple[tuple[str, float], ...]) -> list[float]:
    found: list[tuple[int, float]] = []
    for unit, scale in units:
        matches = re.finditer(rf"{_NUMBER}\s*(thousand\s+)?(?:{unit})(?![\w²])", text, re.IGNORECASE)
        found += [(m.start(), _value(m[1]) * (1000 if m[2] else 1) * scale) for m in matches]
    return [value for _, value in sorted(found)]


def _value(digits: str) -> float:
    return float(digits.replace(",", ""))
