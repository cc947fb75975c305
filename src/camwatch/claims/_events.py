"""Rules about when and what: baselines, names, dates, descriptions, and changes without a time."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from camwatch.claims._compare import ABOUT_YEARS, Said, apart, comparable, note, overlap, reach

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from camwatch.claims._compare import Book, LintNote
    from camwatch.claims.model import Claim


def baselines(book: Book) -> Iterator[LintNote]:
    """One growth that is told over different spans of years."""
    for group in _growths(book):
        years = {s.claim.id: year for s in group if (year := _from_year(s)) is not None}
        if len(set(years.values())) > 1:
            spread = ", ".join(sorted(map(str, set(years.values()))))
            metric, camp = group[0].reading.metric, group[0].claim.camp
            yield note("baseline", f"one growth of the {metric} at {camp} is told from different years: {spread}", *_claims(book, years))


def names(book: Book) -> Iterator[LintNote]:
    """One growth that is told of things of different names."""
    seen: set[frozenset[str]] = set()
    for group in _growths(book):
        called = {s.claim.id: s.reading.called for s in group if s.reading.called}
        words = {word.casefold(): word for word in called.values()}
        if len(words) > 1 and frozenset(called) not in seen:
            seen.add(frozenset(called))
            told = ", ".join(f'"{word}"' for word in words.values())
            yield note("name", f"one growth is told of {told}: whether these are one thing is not said", *_claims(book, called))


def _claims(book: Book, held: Mapping[str, object]) -> list[Claim]:
    return [c for c in book.claims if c.id in held]


def _growths(book: Book) -> Iterator[list[Said]]:
    """Return groups of readings that may tell one growth: of one measure, over spans that overlap, by factors that fit together."""
    left = [s for s in book.said("area", "length", aspects=("growth",)) if s.subject == "site"]
    while left:
        group, left = [left[0]], left[1:]
        grew = True
        while grew:
            more = [s for s in left if any(_one_growth(s, g) for g in group)]
            left = [s for s in left if s not in more]
            group += more
            grew = bool(more)
        yield group


def _one_growth(a: Said, b: Said) -> bool:
    if a.thing != b.thing or not overlap(a.reading.interval, b.reading.interval):
        return False
    one, two = a.reading.quantity, b.reading.quantity
    return a.claim is b.claim or one is None or two is None or (comparable(one, two) and not apart(one, two))


def _from_year(said: Said) -> int | None:
    """Return the year from which a growth is told."""
    for span in (said.reading.baseline, said.reading.interval):
        if span is not None and span.start is not None:
            return span.start.year
    return None


def dates(book: Book) -> Iterator[LintNote]:
    """Years of one event that exclude one another; a year outside its own span; something told of a time before or after its camp existed."""
    said = [s for s in book.said("date") if s.reading.quantity is not None]
    for s in said:
        span, quantity = s.reading.interval, s.reading.quantity
        assert quantity is not None  # what was asked for
        low, high = reach(quantity)
        if span and ((span.start and span.start.year > high) or (span.end and span.end.year < low)):
            yield note("date", f'"{s.reading.text}" and the span typed for it name different years', s.claim)
    for a, b in combinations(said, 2):
        one, two = a.reading.quantity, b.reading.quantity
        if a.claim is not b.claim and a.thing == b.thing and one is not None and two is not None and apart(one, two):
            yield note("date", f'one event, two dates: "{a.reading.text}" and "{b.reading.text}"', a.claim, b.claim)
    for event in (s for s in said if s.subject == "camp" and s.reading.aspect in ("appeared", "removed") and s.reading.sub_area is None):
        yield from _out_of_time(book, event)


def _out_of_time(book: Book, event: Said) -> Iterator[LintNote]:
    """Compare every dated reading of a camp with the camp's founding, or its end."""
    assert event.reading.quantity is not None  # only such are asked
    low, high = reach(event.reading.quantity)
    founded = event.reading.aspect == "appeared"
    for s in book.said():
        span = s.reading.interval
        if s.claim.camp != event.claim.camp or s.claim is event.claim or span is None or s.reading.metric in ("method", "provenance"):
            continue
        early = founded and span.end is not None and span.end.year < low - ABOUT_YEARS
        late = not founded and span.start is not None and span.start.year > high + ABOUT_YEARS and s.reading.aspect != "removed"
        if (early or late) and not (s.reading.metric == "date" and s.thing == event.thing):
            when = "before the camp was founded" if founded else "after the camp had ended"
            both = [c for c in book.claims if c.id in (s.claim.id, event.claim.id)]
            yield note("date", f'"{s.reading.text}" is told of a time {when}: "{event.reading.text}"', *both)


def repeated(book: Book) -> Iterator[LintNote]:
    """One round date for the founding or the end of two camps: copied, perhaps."""
    said = [s for s in book.said("date", aspects=("appeared", "removed")) if s.subject == "camp" and s.reading.quantity and s.reading.quantity.about]
    for a, b in combinations(said, 2):
        if a.claim.camp != b.claim.camp and a.thing[1:4] == b.thing[1:4] and a.reading.quantity == b.reading.quantity:
            told = f"the same approximate year is given for {a.claim.camp} and {b.claim.camp}"
            yield note("repeated", f"{told}: see whether each has a source of its own", a.claim, b.claim)


def undated(book: Book) -> Iterator[LintNote]:
    """A change that could be seen, without a time in which to look for it."""
    for claim in book.claims:
        if claim.observable and any(r.aspect != "state" and r.interval is None for r in claim.readings):
            yield note("undated", "a change without a span of time can be looked for in any pair of images and refuted by none", claim)


def descriptions(book: Book) -> Iterator[LintNote]:
    """One thing at one time, described in words that exclude each other."""
    told: dict[tuple[str, str | None, str], list[tuple[Said, str]]] = {}
    for s in book.said():
        for trait in s.reading.described:
            told.setdefault((s.claim.camp, s.reading.sub_area, trait.of.casefold()), []).append((s, trait.word))
    for (_, _, of), words in told.items():
        apart_in_words = [
            (a, b) for a, b in combinations(words, 2) if a[1].casefold() != b[1].casefold() and overlap(a[0].reading.interval, b[0].reading.interval)
        ]
        if apart_in_words:
            held = [s for pair in apart_in_words for s in pair]
            spread = ", ".join(f'"{word}"' for word in dict.fromkeys(word for _, word in held))
            ids = {s.claim.id for s, _ in held}
            yield note("description", f"{of} is described as {spread}", *(c for c in book.claims if c.id in ids))
