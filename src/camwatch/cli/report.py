"""`camwatch report`: the pages again, from the records of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from camwatch.cli._common import AsJson, emit, progress


def report(run: Annotated[Path, typer.Argument(help="Run folder.")], as_json: AsJson = False) -> None:
    """Draw the pages of a run again from its records and its scenes."""
    from camwatch.pipeline.again import redraw

    with progress(quiet=as_json) as show:
        pages = redraw(run, progress=show)
    if as_json:
        emit([str(p) for p in pages])
    else:
        typer.echo("\n".join(str(p) for p in pages))
