"""`camwatch scenes`: what lies in a folder of downloads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from camwatch.cli._common import REFUSED, AoiFile, AsJson, emit, table

app = typer.Typer(help="Scenes: recognise downloaded products.", no_args_is_help=True)


@app.command("scan")
def scan(folder: Annotated[Path, typer.Argument(help="Folder with downloaded products.")], aoi: AoiFile = None, as_json: AsJson = False) -> None:
    """Recognise every product under a folder; exit 1 where one cannot be read."""
    from camwatch.aoi import load_aoi
    from camwatch.pipeline.records import catalogue_rows
    from camwatch.scenes import scan as scan_folder

    found = scan_folder(folder)
    place = load_aoi(aoi) if aoi else None
    rows = catalogue_rows(found.items, place)
    if as_json:
        unreadable = [{"path": str(u.path), "reason": u.reason} for u in found.unreadable]
        emit({"scenes": rows, "items": [i.to_dict() for i in found.items], "unreadable": unreadable})
    else:
        table(tuple(rows[0]) if rows else ("scene",), [tuple(row.values()) for row in rows])
        for one in found.unreadable:
            typer.echo(f"not readable: {one.path}: {one.reason.removeprefix(f'{one.path}: ')}")
    if found.unreadable:
        raise typer.Exit(REFUSED)
