"""`camwatch sensitivity`: what a pair would have shown."""

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

if TYPE_CHECKING:
    from camwatch.sensitivity import Sensitivity


TOLD = "{:.2f} ({:.2f}–{:.2f})"
"""A probability with its interval."""


def sensitivity(
    before: Annotated[Path, typer.Argument(help="Earlier product.")],
    after: Annotated[Path, typer.Argument(help="Later product.")],
    aoi: Annotated[str, typer.Option("--aoi", help="Bundled id, or a GeoJSON, GeoPackage, KML or shapefile.")],
    out: Out,
    kind: KindName = None,
    before_date: BeforeDate = None,
    after_date: AfterDate = None,
    unchanged: Annotated[
        tuple[Path, Path] | None, typer.Option("--unchanged", help="Two products between whose dates nothing changed: all that is reported is false.")
    ] = None,
    model: ModelFile = None,
    config: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Plant objects, or clearings, into a pair and search for them: sensitivity.json, sensitivity.png; exit 1 where a kind is not testable."""
    from camwatch.pipeline.verbs import sensitivity_of_scenes

    settings = configuration(config, kinds=(KIND_OF[kind],) if kind else None, model=model)
    days = parse_day(before_date, "--before-date"), parse_day(after_date, "--after-date")
    with progress(quiet=as_json) as show:
        measured, reasons = sensitivity_of_scenes(before, after, out, aoi=aoi, dates=days, config=settings, progress=show, unchanged=unchanged)
    if as_json:
        emit({"sensitivity": [s.as_json() for s in measured.values()], "not_testable": reasons})
    else:
        rows = [
            (s.kind, f"{size:g} m", s.planted[i], s.found[i], TOLD.format(*s.probability(i)), *_removed(s, i))
            for s in measured.values()
            for i, size in enumerate(s.sizes_m)
        ]
        table(("kind", "size", "planted", "appeared: found", "probability (95 %)", "removed: found", "probability (95 %)"), rows)
        from camwatch.report import alarm_lines

        for one in measured.values():
            typer.echo(f"{one.kind}: {' '.join(alarm_lines(one))}")
        for name, reason in reasons.items():
            typer.echo(f"{name}: not testable: {reason}")
    if reasons:
        raise typer.Exit(REFUSED)


def _removed(measured: Sensitivity, index: int) -> tuple[str, str]:
    """Return how many objects of a size were found where they had stood and were gone."""
    if not measured.removed_found:
        return "–", "–"
    return str(measured.removed_found[index]), TOLD.format(*measured.probability(index, removed=True))
