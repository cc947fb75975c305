"""`camwatch plan`: what the scenes at hand can test, before a pixel is read."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from camwatch.cli._common import REFUSED, AoiFile, AsJson, emit, table

if TYPE_CHECKING:
    from camwatch.judge import Testable


def plan(
    camp: Annotated[str, typer.Argument(help="Bundled id or an outline file.")],
    scenes: Annotated[Path, typer.Option("--scenes", help="Folder with downloaded products.")],
    claims: Annotated[Path | None, typer.Option("--claims", help="A ledger of one's own.")] = None,
    aoi: AoiFile = None,
    as_json: AsJson = False,
) -> None:
    """Say which claims the scenes at hand can test, and what would decide the rest; exit 1 where one cannot be tested."""
    from camwatch.pipeline.run import plan_camp

    planned = plan_camp(camp, scenes, claims=claims, aoi_file=aoi)
    answers = planned.testable
    if as_json:
        emit([dataclasses.asdict(a) for a in answers])
    else:
        table(("claim", "reading", "testable", "power", "why", "archive"), [_row(a) for a in answers], spare=("archive",))
        quiet = ", ".join(f"{p.days[0]} and {p.days[1]} ({p.gsd_m:.2g} m)" for p in planned.unchanged)
        typer.echo(f"dates without change, to tell false alarms: {quiet or 'none a season apart; name some in the configuration (unchanged)'}")
    if not all(a.testable for a in answers):
        raise typer.Exit(REFUSED)


def _row(answer: Testable) -> tuple[object, ...]:
    power = None if answer.power is None else f"{answer.power:.2f}"
    return answer.claim, answer.reading, "yes" if answer.testable else "NO", power, answer.reason, answer.archive
