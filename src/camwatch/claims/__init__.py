"""Documented claims: typed records, ledgers, and what is wrong with the claims themselves."""

from camwatch.claims.ledgers import bundled_ledgers, claims_of, load_ledger
from camwatch.claims.lint import LintNote, lint
from camwatch.claims.model import Claim, Interval, Ledger, Quantity, Reading

__all__ = ["Claim", "Interval", "Ledger", "LintNote", "Quantity", "Reading", "bundled_ledgers", "claims_of", "lint", "load_ledger"]
