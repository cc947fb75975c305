"""`camwatch detect`: what changed between two scenes."""

from __future__ import annotations

import json
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

    from camwatch.config import RunConfig
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
    reference: Annotated[
        Path | None, typer.Option("--reference", help="With --kind landcover: points with `class` (GeoPackage, CSV with lon, lat): areas.json.")
    ] = None,
    config: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Search a pair (or a series, for land cover): findings.geojson, findings.gpkg, score_<kind>.tif, detect.png; exit 1 where not testable."""
    if more and (kind != "landcover" or before_date or after_date):
        got = "a date for one of them" if before_date or after_date else f"--kind {kind}" if kind else "all kinds"
        wanted = "--kind landcover, and scenes that tell their own dates"
        raise ConfigError("more than two scenes are searched for land cover only", where="detect", got=got, expected=wanted, remedy="give two scenes")
    if reference is not None:
        from camwatch.aoi import LONLAT
        from camwatch.pipeline.landareas import read_samples

        if kind != "landcover":
            raise ConfigError("reference samples are of land cover", where="--reference", got=f"--kind {kind}", expected="--kind landcover")
        read_samples(reference, LONLAT)  # a wrong file is told before the work begins
    settings = configuration(config, kinds=(KIND_OF[kind],) if kind else None, model=model, land_samples=reference)
    if more:
        from camwatch.pipeline.landseries import detect_series

        with progress(quiet=as_json) as show:
            series = detect_series([before, after, *more], out, aoi=aoi, config=settings, progress=show)
        for name, reason in () if as_json else series.left_out:
            typer.echo(f"left out: {name}: {reason}")
        _tell({"landcover": series.findings}, out, settings, as_json=as_json)
        return
    from camwatch.pipeline.verbs import detect_scenes

    days = parse_day(before_date, "--before-date"), parse_day(after_date, "--after-date")
    with progress(quiet=as_json) as show:
        findings = detect_scenes(before, after, out, aoi=aoi, dates=days, config=settings, progress=show)
    _tell(findings, out, settings, as_json=as_json)


def _tell(findings: Mapping[str, Findings], out: Path, settings: RunConfig, *, as_json: bool) -> None:
    """Print what was found, with areas where reference samples tell them; exit 1 where something is not testable, or the samples do not suffice."""
    land = findings.get("landcover")
    areas = json.loads((out / "areas.json").read_text(encoding="utf-8")) if land is not None and land.areas is not None else None
    if as_json:
        documents = [{k: v for k, v in f.as_geojson().items() if k not in ("type", "features")} for f in findings.values()]
        emit([{**d, "areas": areas} if areas and d["kind"] == "landcover" else d for d in documents])
    else:
        from camwatch.report import finding_rows

        table(("kind", "appeared", "removed", "unchanged", "searched", "observed", "false alarms", "why"), finding_rows(findings))
        for row in areas["classes"] if areas else ():
            adjusted, low, high, mapped = (f"{row[key] / 1e6:.3f}" for key in ("adjusted_m2", "low_m2", "high_m2", "mapped_m2"))
            typer.echo(f"{row['name']}: {adjusted} km² ({low} to {high}, 95 %), {mapped} km² mapped, {row['samples']} samples")
        typer.echo(f"written to {out}")
    unanswered = settings.land_samples is not None and land is not None and areas is None
    if unanswered or any(f.status == "not_testable" for f in findings.values()):
        raise typer.Exit(REFUSED)
