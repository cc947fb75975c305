"""The bundled claims that a run cannot answer, because they are about other camps, all camps, or imagery itself: none is silently dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camwatch.aoi import bundled
from camwatch.claims import bundled_ledgers
from camwatch.judge import judge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from camwatch.judge import Verdict


def elsewhere(told: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """Return a verdict on every bundled claim that `told` leaves out, in the order of the ledgers."""
    answered, camps = {verdict.claim for verdict in told}, bundled()
    out = []
    for claim in (claim for ledger in bundled_ledgers() for claim in ledger.claims if claim.id not in answered):
        of_all = "It speaks of all camps; the scenes of one cannot answer it."
        why_not = f"It speaks of another camp, which camwatch run {claim.camp} answers." if claim.camp in camps else of_all
        out.append(judge(claim.model_copy(update={"observable": False, "why_not": why_not}) if claim.observable else claim, ()))
    return tuple(out)
