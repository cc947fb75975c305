"""`camwatch claims`: the ledgers of documented claims."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from camwatch.cli import BAD_INPUT
from camwatch.cli._common import REFUSED, AsJson, emit, table
from camwatch.errors import ClaimError

if TYPE_CHECKING:
    from camwatch.claims import Ledger

app = typer.Typer(help="Documented claims, typed, and what is wrong with the claims themselves.", no_args_is_help=True)
LedgerFile = Annotated[Path | None, typer.Argument(help="A ledger in YAML or JSON; the bundled ones without it.")]
Document = Annotated[Path | None, typer.Option("--document", help="The quoted document as plain text, to look up each quote of the ledger in.")]


@app.command("list")
def list_(file: LedgerFile = None, as_json: AsJson = False) -> None:
    """List every claim with its metric and span."""
    ledgers = _ledgers(file)
    if as_json:
        emit([ledger.model_dump(mode="json") for ledger in ledgers])
        return
    claims = [claim for ledger in ledgers for claim in ledger.claims]
    rows = [(c.id, c.camp, c.readings[0].metric if c.observable else "not observable", len(c.readings), c.quote) for c in claims]
    table(("id", "camp", "metric", "readings", "quote"), rows)


@app.command("show")
def show(claim: Annotated[str, typer.Argument(help="Claim id, e.g. C25-20.")], file: LedgerFile = None, as_json: AsJson = False) -> None:
    """Show one claim with all its readings."""
    found = [c for ledger in _ledgers(file) for c in ledger.claims if c.id.casefold() == claim.casefold()]
    if not found:
        raise ClaimError("no such claim", where=claim, remedy="camwatch claims list names them")
    if as_json:
        emit(found[0].model_dump(mode="json"))
        return
    one = found[0]
    typer.echo(f"{one.id} ({one.camp}): “{one.quote}”\n{one.note}\n{one.why_not}".rstrip())
    table(("reading", "metric", "of", "aspect", "in words"), [(r.id, r.metric, r.subject, r.aspect, r.text) for r in one.readings])
    for figure in one.published:
        typer.echo(f"Published elsewhere, no part of a verdict: {figure.words}")


@app.command("lint")
def lint(file: LedgerFile = None, document: Document = None, as_json: AsJson = False) -> None:
    """Say what is wrong with the claims themselves; exit 1 where something is, 2 where the ledger is refused, with every reason."""
    from camwatch.claims import ledger_faults
    from camwatch.claims import lint as check

    if file is None and document is not None:
        remedy = "name the ledger that quotes it: camwatch claims lint LEDGER --document FILE"
        raise ClaimError("a document without its ledger", where=document, remedy=remedy)
    faults = () if file is None else ledger_faults(file, document=document)
    for fault in faults:
        typer.echo(f"camwatch: {fault}", err=True)
    if faults:
        raise typer.Exit(BAD_INPUT)
    notes = check(*_ledgers(file, document))
    if as_json:
        emit([{"rule": n.rule, "claims": list(n.claims), "text": n.text} for n in notes])
    else:
        table(("rule", "claims", "what is wrong"), [(n.rule, ", ".join(n.claims), n.text) for n in notes])
    if notes:
        raise typer.Exit(REFUSED)


def _ledgers(file: Path | None, document: Path | None = None) -> tuple[Ledger, ...]:
    from camwatch.claims import bundled_ledgers, load_ledger

    return bundled_ledgers() if file is None else (load_ledger(file, document=document),)
