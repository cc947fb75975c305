"""Documented claims: typed records, ledgers, and what is wrong with the claims themselves."""

from camwatch.claims.ledgers import bundled_ledgers, claims_of, ledger_faults, load_ledger, places_of
from camwatch.claims.lint import LintNote, lint
from camwatch.claims.model import Claim, Interval, Ledger, Quantity, Reading
from camwatch.claims.typed import Place, Published, Span, Trait, Where

__all__ = [
    "Claim",
    "Interval",
    "Ledger",
    "LintNote",
    "Place",
    "Published",
    "Quantity",
    "Reading",
    "Span",
    "Trait",
    "Where",
    "bundled_ledgers",
    "claims_of",
    "ledger_faults",
    "lint",
    "load_ledger",
    "places_of",
]
