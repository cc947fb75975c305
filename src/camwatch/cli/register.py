"""`camwatch register`: how one scene, or a stack of them, lies on another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from camwatch.cli._common import REFUSED, AoiFile, AsJson, Out, Settings, configuration, emit, parse_day, progress, table
from camwatch.errors import ConfigError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence


def register(
    reference: Annotated[Path, typer.Argument(help="Product that stays.")],
    moving: Annotated[list[Path], typer.Argument(help="Product that is moved onto it; several make a stack, and its loops are closed.")],
    out: Out,
    aoi: AoiFile = None,
    reference_date: Annotated[str | None, typer.Option("--before-date", help="Day of the reference, where it does not tell.")] = None,
    moving_dates: Annotated[
        list[str] | None, typer.Option("--after-date", help="Day of the moving scene, where it does not tell; of several: one each, in order.")
    ] = None,
    config: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Register MOVING to REFERENCE: registration.json, registered.tif, registration.png; exit 1 where it is refused.

    Several MOVING: a folder each, and stack.json and stack.png with the loops between the dates.
    """
    days = parse_day(reference_date, "--before-date"), *_days(moving_dates or (), len(moving))
    settings = configuration(config)
    with progress(quiet=as_json) as show:
        if len(moving) == 1:
            from camwatch.pipeline.verbs import register_scenes

            record = register_scenes(reference, moving[0], out, aoi=aoi, dates=(days[0], days[1]), config=settings, progress=show)
        else:
            from camwatch.pipeline.stack import register_stack

            record = register_stack(reference, moving, out, aoi=aoi, dates=days, config=settings, progress=show)
    if as_json:
        emit({k: v for k, v in record.items() if k != "points"})
    else:
        (_tell if len(moving) == 1 else _tell_stack)(record)
    if any(row["status"] != "ok" for row in record.get("scenes", [record])):
        raise typer.Exit(REFUSED)


def _days(texts: Sequence[str], scenes: int) -> list[dt.date | None]:
    """Return the day of each moving scene; an empty text stands for one that tells its own."""
    if texts and len(texts) != scenes:
        raise ConfigError(
            "not one day for each moving scene", where="--after-date", got=len(texts), expected=scenes, remedy="give '' for a scene that tells"
        )
    return [parse_day(text, "--after-date") for text in texts or [""] * scenes]


def _tell(record: Mapping[str, Any]) -> None:
    rows, cols = record["shift_px"]
    check = record["check"]
    typer.echo(f"{record['status']}: {record['reason']}")
    typer.echo(f"model {record['model']}, shift {rows:+.3f} rows {cols:+.3f} columns, {record['tie_points']} tie points")
    residuals = f"RMSE {check['rmse_before_px']} px before, {check['rmse_after_px']} px after, CE90 {check['ce90_after_px']} px"
    typer.echo(f"{check['n']} check points: {residuals}")


def _tell_stack(document: Mapping[str, Any]) -> None:
    rows: list[tuple[object, ...]] = []
    for row in document["scenes"]:
        head = row["acquired"][:10], row["scene"], row["status"]
        if row["folder"] is None:
            rows.append((*head, *[""] * 6))
            continue
        shift, check = row["shift_px"], row["check"]
        answer = row["model"], f"{shift[0]:+.3f} {shift[1]:+.3f}", _px(row["se_px"])
        rows.append((*head, *answer, _px(check["rmse_before_px"]), _px(check["rmse_after_px"]), row["loops"]["verdict"]))
    heads = ("date", "scene", "status", "model", "shift px (rows, columns)", "error px", "RMSE before", "after", "loops")
    table(heads, rows, spare=("RMSE before", "model", "error px"))
    for loop in document["loops"]:
        closes = {True: "closed", False: "OPEN", None: "cannot tell"}[loop["closed"]]
        typer.echo(
            f"loop over {loop['scenes'][1]} and {loop['scenes'][2]}: {closes}, {loop['rmse_px']:.3f} px, standard error {loop['se_px']:.3f} px"
        )
    for row in document["scenes"]:
        if row["status"] != "ok":
            typer.echo(f"{row['scene']} refused: {row['reason']}")


def _px(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
