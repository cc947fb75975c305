"""`camwatch verify`: does a run folder still hold what the run made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from camwatch.cli._common import AsJson, emit


def verify(run: Annotated[Path, typer.Argument(help="Run folder.")], as_json: AsJson = False) -> None:
    """Recompute every hash and every verdict of a run; the first one that does not agree is named, with exit 2."""
    from camwatch.pipeline.again import verify_run

    found = verify_run(run)
    if as_json:
        emit({"inputs": found.inputs, "outputs": found.outputs, "absent_inputs": list(found.absent)})
        return
    typer.echo(f"{found.outputs} outputs and {found.inputs} inputs agree with the manifest; every verdict follows from the records")
    for name in found.absent:
        typer.echo(f"input not at its place, not checked: {name}")
