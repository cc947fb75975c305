"""`camwatch scenes fetch`: bring the windows of an area from a STAC API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from camwatch.cli._common import REFUSED, AsJson, emit, parse_day, progress, table


def fetch(
    aoi: Annotated[str, typer.Option("--aoi", help="Bundled id, or a vector file. Only its bounding box leaves this machine.")],
    collection: Annotated[str, typer.Option("--collection", help="sentinel-2-l2a, sentinel-2-c1-l2a, landsat-c2-l2, …")],
    since: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD.")],
    until: Annotated[str, typer.Option("--to", help="Last day, YYYY-MM-DD.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the scenes: OUT/COLLECTION/ID/.")] = Path("scenes"),
    api: Annotated[str, typer.Option("--api", help="earth-search, planetary-computer, or the address of a STAC API.")] = "earth-search",
    sign: Annotated[str, typer.Option("--sign", help="Address that signs addresses, given one as ?href=…; known for planetary-computer.")] = "",
    bands: Annotated[str, typer.Option("--bands", help="Names with commas between, e.g. red,green,blue,nir; all without it.")] = "",
    max_cloud: Annotated[float | None, typer.Option("--max-cloud", help="Cloud cover of the whole scene, at most, percent.")] = None,
    min_cover: Annotated[float, typer.Option("--min-cover", help="Share of the area that the scene must cover, 0 to 1.")] = 0.0,
    platform: Annotated[str, typer.Option("--platform", help="Only this satellite, as the archive writes it.")] = "",
    limit: Annotated[int | None, typer.Option("--limit", help="At most so many scenes, the clearest first.")] = None,
    margin_m: Annotated[float, typer.Option("--margin", min=0, help="Ground around the bounding box, metres.")] = 1000.0,
    max_mb: Annotated[int, typer.Option("--max-mb", min=1, help="Largest window of one file, MiB.")] = 512,
    attempts: Annotated[int, typer.Option("--attempts", min=1, help="Requests for one thing before it is given up.")] = 5,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds without a byte before a request is given up.")] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Search a STAC API and bring the window of each band that shows an area; exit 1 where something is refused.

    The archive learns the bounding box of the area (the window with its margin, by what is read) and nothing else. Start it again to go on after an
    interruption: what is there and unchanged is kept.
    """
    from camwatch.aoi import load_aoi
    from camwatch.errors import ConfigError
    from camwatch.pipeline.fetch import Wanted, fetch_scenes
    from camwatch.scenes.fetching.remote import Patience
    from camwatch.scenes.fetching.search import Query

    first, last = parse_day(since, "--from"), parse_day(until, "--to")
    if first is None or last is None:
        raise ConfigError("no day", where="--from, --to", expected="YYYY-MM-DD")
    query = Query(collection, load_aoi(aoi).camp.geometry, first, last, max_cloud, min_cover, platform, limit)
    names = tuple(name.strip() for name in bands.split(",") if name.strip())
    wanted = Wanted(api, sign, names, margin_m, max_mb, Patience(attempts=attempts, stall_s=timeout))
    with progress(quiet=as_json) as show:
        report = fetch_scenes(query, wanted, out, progress=show)
    if as_json:
        emit(report.as_json())
    else:
        rows = [("fetched", name, path) for name, path in report.fetched] + [("kept", name, path) for name, path in report.kept]
        table(("", "scene", "where"), rows)
        for name, reason in report.refused:
            typer.echo(f"refused: {name}: {reason}")
        if not rows and not report.refused:
            asked = report.searched
            box = ", ".join(f"{side:.4f}" for side in asked["bbox"])
            typer.echo(f"nothing found: {asked['collection']} from {asked['from']} to {asked['to']} in {box} at {asked['api']}")
        if report.passed_over:
            typer.echo(f"passed over: {len(report.passed_over)} that the server offered (--json says why)")
        typer.echo(f"{report.received_bytes / 1e6:.1f} MB brought")
    if report.refused:
        raise typer.Exit(REFUSED)
