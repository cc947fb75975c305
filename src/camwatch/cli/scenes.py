"""`camwatch scenes`: what lies in a folder of downloads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from camwatch.cli._common import REFUSED, AoiFile, AsJson, emit, progress, table
from camwatch.cli.fetch import fetch
from camwatch.errors import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

app = typer.Typer(help="Scenes: recognise downloaded products.", no_args_is_help=True)
app.command("fetch")(fetch)

SPARE = ("processing", "date from", "tilt", "sun", "mask", "sensor")
"""Columns that a narrow terminal does without, the first first."""

Hashed = Annotated[bool, typer.Option("--hash", help="Add the SHA-256 of every file (remembered until the file changes).")]
Catalogue = Annotated[Path | None, typer.Option("--out", help="Also write the scenes as a STAC ItemCollection to this file.")]


@app.command("scan")
def scan(
    folder: Annotated[Path, typer.Argument(help="Folder with downloaded products, or one product.")],
    aoi: AoiFile = None,
    hashed: Hashed = False,
    out: Catalogue = None,
    as_json: AsJson = False,
) -> None:
    """Recognise every product under a folder; with --aoi, say how much of it each scene shows clearly. Exit 1 where something cannot be read."""
    from camwatch.aoi import load_aoi
    from camwatch.pipeline.catalogue import list_scenes

    place = load_aoi(aoi) if aoi else None
    with progress(quiet=as_json) as show:
        found = list_scenes(folder, place, hashed=hashed, progress=show)
    if out is not None:
        found.write(out)
    if as_json:
        emit(found.as_json())
    else:
        _tell(found.rows, found.unreadable, with_aoi=place is not None)
    if found.flawed:
        raise typer.Exit(REFUSED)


def _tell(rows: Sequence[dict[str, Any]], unreadable: Sequence[dict[str, str]], *, with_aoi: bool) -> None:
    shares = ("covers", "clear") if with_aoi else ()
    headers = ("date", "scene", "sensor", "m", *shares, "sun", "tilt", "mask", "processing", "date from")
    if rows:
        table(headers, [_cells(row, shares) for row in rows], whole=True, spare=SPARE)
    for row in rows:
        if row["missing"]:
            typer.echo(f"not complete: {printable(row['path'])}: its metadata names what is not here: {', '.join(row['missing'])}")
        if row["same_as"]:
            typer.echo(f"same acquisition as {printable(row['same_as'])}, which goes first: {printable(row['path'])} ({row['calibration']})")
    for row in rows:
        if row.get("problem"):
            typer.echo(f"clear share not told: {printable(row['scene'])}: {row['problem']}")
    for one in unreadable:
        typer.echo(f"not readable: {printable(one['path'])}: {one['reason']}")
    typer.echo(f"{len(rows)} scene(s), {len(unreadable)} not readable")


def _cells(row: dict[str, Any], shares: Sequence[str]) -> tuple[str, ...]:
    sun, tilt = row["sun"], row["off_nadir_deg"]
    unknown = "?" if row.get("problem") else "no mask"
    told = tuple(unknown if row[share] is None else f"{row[share]:.0%}" for share in shares)
    high = f"{sun['azimuth']:.0f}° / {sun['elevation']:.0f}°" if sun else ""
    # Only a raster without metadata of its own leaves a choice of where its date comes from.
    source = row["date_from"] if row["family"] in ("raster", "declassified", "stac") else "metadata"
    tail = (high, "" if tilt is None else f"{tilt:.0f}°", row["mask"], row["processing"] or "", source)
    return (row["acquired"][:10], row["scene"], row["sensor"], _metres(row), *told, *tail)


def _metres(row: dict[str, Any]) -> str:
    """Return what was delivered, and what the sensor sees where that is finer by more than a tenth: a copy reduced in size."""
    delivered, sensor = row["gsd_m"], row["sensor_gsd_m"]
    return f"{delivered:g}" if delivered <= 1.1 * sensor else f"{delivered:.3g} (sensor {sensor:g})"
