"""`camwatch detect`: what changed between two scenes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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


def detect(
    before: Annotated[Path, typer.Argument(help="Earlier product.")],
    after: Annotated[Path, typer.Argument(help="Later product.")],
    aoi: Annotated[str, typer.Option("--aoi", help="Bundled id, or a GeoJSON, GeoPackage, KML or shapefile.")],
    out: Out,
    kind: KindName = None,
    before_date: BeforeDate = None,
    after_date: AfterDate = None,
    model: ModelFile = None,
    config: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Search a pair: findings.geojson, findings.gpkg, score_<kind>.tif, detect.png; exit 1 where something is not testable."""
    from camwatch.pipeline.verbs import detect_scenes

    settings = configuration(config, kinds=(KIND_OF[kind],) if kind else None, model=model)
    days = parse_day(before_date, "--before-date"), parse_day(after_date, "--after-date")
    with progress(quiet=as_json) as show:
        findings = detect_scenes(before, after, out, aoi=aoi, dates=days, config=settings, progress=show)
    if as_json:
        emit([{k: v for k, v in f.as_geojson().items() if k not in ("type", "features")} for f in findings.values()])
    else:
        from camwatch.report import finding_rows

        table(("kind", "appeared", "removed", "unchanged", "searched", "observed", "false alarms", "why"), finding_rows(findings))
        typer.echo(f"written to {out}")
    if any(f.status == "not_testable" for f in findings.values()):
        raise typer.Exit(REFUSED)
