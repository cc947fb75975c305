"""`camwatch detect`: what changed between two scenes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from camwatch.cli._common import (
    KIND_OF,
    REFUSED,
    AfterDate,
    AsJson,
    BeforeDate,
    KindName,
    ModelFile,
    Out,
    Settings,
    configuration,
    emit,
    parse_day,
    progress,
    table,
)
from camwatch.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from camwatch.findings import Findings


def detect(
    before: Annotated[Path, typer.Argument(help="Earlier product.")],
    after: Annotated[Path, typer.Argument(help="Later product.")],
    aoi: Annotated[str, typer.Option("--aoi", help="Bundled id, or a GeoJSON, GeoPackage, KML or shapefile.")],
    out: Out,
    more: Annotated[list[Path] | None, typer.Argument(help="With --kind landcover: further products of the same sensors; all make a series.")] = None,
    kind: KindName = None,
    before_date: BeforeDate = None,
    after_date: AfterDate = None,
    model: ModelFile = None,
    config: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Search a pair (or a series, for land cover): findings.geojson, findings.gpkg, score_<kind>.tif, detect.png; exit 1 where not testable."""
    if more and (kind != "landcover" or before_date or after_date):
        got = "a date for one of them" if before_date or after_date else f"--kind {kind}" if kind else "all kinds"
        wanted = "--kind landcover, and scenes that tell their own dates"
        raise ConfigError("more than two scenes are searched for land cover only", where="detect", got=got, expected=wanted, remedy="give two scenes")
    settings = configuration(config, kinds=(KIND_OF[kind],) if kind else None, model=model)
    if more:
        from camwatch.pipeline.landseries import detect_series

        with progress(quiet=as_json) as show:
            series = detect_series([before, after, *more], out, aoi=aoi, config=settings, progress=show)
        for name, reason in () if as_json else series.left_out:
            typer.echo(f"left out: {name}: {reason}")
        _tell({"landcover": series.findings}, out, as_json=as_json)
        return
    from camwatch.pipeline.verbs import detect_scenes

    days = parse_day(before_date, "--before-date"), parse_day(after_date, "--after-date")
    with progress(quiet=as_json) as show:
        findings = detect_scenes(before, after, out, aoi=aoi, dates=days, config=settings, progress=show)
    _tell(findings, out, as_json=as_json)


def _tell(findings: Mapping[str, Findings], out: Path, *, as_json: bool) -> None:
    """Print what was found; exit 1 where something is not testable."""
    if as_json:
        emit([{k: v for k, v in f.as_geojson().items() if k not in ("type", "features")} for f in findings.values()])
    else:
        from camwatch.report import finding_rows

        table(("kind", "appeared", "removed", "unchanged", "searched", "observed", "false alarms", "why"), finding_rows(findings))
        typer.echo(f"written to {out}")
    if any(f.status == "not_testable" for f in findings.values()):
        raise typer.Exit(REFUSED)
