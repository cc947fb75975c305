"""What is wrong with the claims themselves, before an image is read.

Rules compare what the words and numbers of ledgers say, with one another and (one rule) with the published figures that stand beside them. A note is
a reason to read closely, not a verdict. Each rule is a function of :class:`~camwatch.claims._compare.Book`; `docs/claims.md` has an example of each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from camwatch.claims import _contradictions, _events, _measures, _places, _sums
from camwatch.claims._compare import Book, LintNote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from camwatch.claims.model import Claim, Ledger
    from camwatch.claims.typed import Place

    Rule = Callable[[Book], Iterator[LintNote]]

__all__ = ["RULES", "LintNote", "lint"]

RULES: dict[str, Rule] = {
    "unit": _measures.units,
    "percentage": _measures.percentages,
    "ambiguous": _measures.ambiguous,
    "measure": _measures.measures,
    "shape": _measures.shapes,
    "product": _sums.products,
    "sum": _sums.sums,
    "stock": _sums.stocks,
    "assumption": _sums.assumptions,
    "typed": _contradictions.typed,
    "contradiction": _contradictions.contradictions,
    "restated": _contradictions.restated,
    "baseline": _events.baselines,
    "name": _events.names,
    "date": _events.dates,
    "repeated": _events.repeated,
    "undated": _events.undated,
    "description": _events.descriptions,
    "place": _places.regions,
    "extent": _places.extents,
    "published": _places.published,
}
"""The rules by name, in the order in which their notes are given."""


def lint(*ledgers: Ledger) -> tuple[LintNote, ...]:
    """Compare the claims of one or more ledgers with themselves and with one another.

    Parameters
    ----------
    *ledgers : Ledger
        Claims about one camp are compared whichever ledger they stand in. Where two ledgers share a claim id, notes name the document too.

    Returns
    -------
    tuple of LintNote
        By rule, then in the order of the claims; none for claims that agree.
    """
    book = Book(_claims(ledgers), _places_of(ledgers))
    return tuple(note for rule in RULES.values() for note in rule(book))


def _claims(ledgers: tuple[Ledger, ...]) -> tuple[Claim, ...]:
    names = [claim.id for ledger in ledgers for claim in ledger.claims]
    shared = {name for name in names if names.count(name) > 1}
    return tuple(
        claim.model_copy(update={"id": f"{ledger.document}:{claim.id}"}) if claim.id in shared else claim
        for ledger in ledgers
        for claim in ledger.claims
    )


def _places_of(ledgers: tuple[Ledger, ...]) -> dict[str, Place]:
    """Return the places by name; of two of one name the first that has coordinates."""
    places: dict[str, Place] = {}
    for place in (p for ledger in ledgers for p in ledger.places):
        known = places.get(place.name)
        if known is None or not (known.box or known.point):
            places[place.name] = place
    return places
