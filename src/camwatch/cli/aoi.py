"""`camwatch aoi`: bundled and own areas of interest."""

from __future__ import annotations

from typing import Annotated

import typer

from camwatch.cli._common import REFUSED, AsJson, emit, table

app = typer.Typer(help="Areas of interest: what is bundled, and how an outline agrees with what is documented.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Bundled id or alias, or a GeoJSON, GeoPackage, KML or shapefile.")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the bundled areas of interest."""
    from camwatch.aoi import bundled, load_aoi

    camps = [load_aoi(name) for name in bundled()]
    if as_json:
        emit([{"id": c.id, "name": c.name, "aliases": list(c.aliases), "nominal": c.nominal, "accuracy_m": c.camp.accuracy_m} for c in camps])
        return
    table(("id", "name", "outline", "also called"), [(c.id, c.name, outline_word(c.nominal, c.camp.accuracy_m), ", ".join(c.aliases)) for c in camps])


@app.command("show")
def show(name: Name, as_json: AsJson = False) -> None:
    """Show every outline of one area: role, span, accuracy, source, how it was made."""
    from camwatch.aoi import load_aoi

    aoi = load_aoi(name)
    if as_json:
        from camwatch.pipeline.records import aoi_document

        document = aoi_document(aoi)
        outlines = [{**feature["properties"], "geometry": feature["geometry"]} for feature in document["features"]]
        emit({**{key: document[key] for key in ("id", "name", "aliases", "notes")}, "outlines": outlines})
        return
    typer.echo(f"{aoi.name} ({aoi.id}); also {', '.join(aoi.aliases)}\n{aoi.notes}\n")
    spans = [f"{o.valid_from or '…'} to {o.valid_to or '…'}" if o.valid_from or o.valid_to else "" for o in aoi.outlines]
    words = [outline_word(o.nominal, o.accuracy_m) for o in aoi.outlines]
    rows = [(o.id, o.role, span, word, f"{o.made} Source: {o.source}") for o, span, word in zip(aoi.outlines, spans, words, strict=True)]
    table(("outline", "role", "stood", "status", "how it was made"), rows)


@app.command("check")
def check(name: Name, as_json: AsJson = False) -> None:
    """Measure geodesic area, perimeter and distances against the documented ones; exit 1 where one disagrees beyond its uncertainty."""
    from camwatch.aoi import check as measure
    from camwatch.aoi import load_aoi

    aoi = load_aoi(name)
    measured = measure(aoi)
    if as_json:
        emit([m.as_json() for m in measured])
    else:
        typer.echo(f"{aoi.name}: outline is {outline_word(aoi.nominal, aoi.camp.accuracy_m)}")
        table(("outline", "measure", "measured", "documented", "difference", ""), [m.row() for m in measured])
    if any(m.agrees is False for m in measured):
        raise typer.Exit(REFUSED)


def outline_word(nominal: bool, accuracy_m: float) -> str:
    """Say how an outline was come by."""
    return f"NOMINAL, ±{accuracy_m:.0f} m" if nominal else f"analyst's, ±{accuracy_m:.0f} m"
