"""`camwatch register`: how one scene lies on another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from camwatch.cli._common import REFUSED, AoiFile, AsJson, Out, Settings, configuration, emit, parse_day


def register(
    reference: Annotated[Path, typer.Argument(help="Product that stays.")],
    moving: Annotated[Path, typer.Argument(help="Product that is moved onto it.")],
    out: Out,
    aoi: AoiFile = None,
    reference_date: Annotated[str | None, typer.Option("--before-date", help="Day of the reference, where it does not tell.")] = None,
    moving_date: Annotated[str | None, typer.Option("--after-date", help="Day of the moving scene, where it does not tell.")] = None,
    config: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Register MOVING to REFERENCE: registration.json, registered.tif, registration.png; exit 1 where it is refused."""
    from camwatch.pipeline.verbs import register_scenes

    days = parse_day(reference_date, "--before-date"), parse_day(moving_date, "--after-date")
    record = register_scenes(reference, moving, out, aoi=aoi, dates=days, config=configuration(config))
    if as_json:
        emit({k: v for k, v in record.items() if k != "points"})
    else:
        rows, cols = record["shift_px"]
        check = record["check"]
        typer.echo(f"{record['status']}: {record['reason']}")
        typer.echo(f"model {record['model']}, shift {rows:+.3f} rows {cols:+.3f} columns, {record['tie_points']} tie points")
        residuals = f"RMSE {check['rmse_before_px']} px before, {check['rmse_after_px']} px after, CE90 {check['ce90_after_px']} px"
        typer.echo(f"{check['n']} check points: {residuals}")
    if record["status"] != "ok":
        raise typer.Exit(REFUSED)
