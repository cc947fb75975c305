"""`camwatch run`: everything, for one camp."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from camwatch.cli._common import REFUSED, AoiFile, AsJson, ModelFile, Out, Settings, Workers, configuration, emit, progress, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camwatch.judge import Verdict
    from camwatch.pipeline.run import RunResult


def run(
    camp: Annotated[str, typer.Argument(help="Bundled id or an outline file.")],
    scenes: Annotated[Path, typer.Option("--scenes", help="Folder with downloaded products.")],
    out: Out,
    claims: Annotated[Path | None, typer.Option("--claims", help="A ledger of one's own, in YAML or JSON.")] = None,
    aoi: AoiFile = None,
    model: ModelFile = None,
    config: Settings = None,
    workers: Workers = 2,
    as_json: AsJson = False,
) -> None:
    """Scenes to verdicts and report pages; start it again to go on where it stopped; exit 1 where a claim is not testable."""
    from camwatch.pipeline.elsewhere import elsewhere
    from camwatch.pipeline.run import run_camp

    with progress(quiet=as_json) as show:
        result = run_camp(camp, scenes, out, configuration(config, model=model), claims=claims, aoi_file=aoi, workers=workers, progress=show)
    rest = elsewhere(result.verdicts) if claims is None and result.verdicts else ()
    if as_json:
        emit({**result.as_json(), "elsewhere": [v.as_json() for v in rest]})
    else:
        tell(result)
        tell_elsewhere(rest)
    if result.untestable:
        raise typer.Exit(REFUSED)


def tell_verdicts(verdicts: Sequence[Verdict]) -> None:
    """Print a table of verdicts."""
    table(("claim", "outcome", "why"), [(v.claim, v.outcome, v.reason) for v in verdicts])


def tell_elsewhere(verdicts: Sequence[Verdict]) -> None:
    """Print the bundled claims that these scenes could not answer; nothing where there are none."""
    if verdicts:
        typer.echo(f"\nAbout other camps, all camps, or imagery itself: {len(verdicts)} claim(s)")
        tell_verdicts(verdicts)


def tell(result: RunResult) -> None:
    """Print what a run answered."""
    mark = "SIMULATED SCENES, NOT OBSERVATIONS\n" if result.simulated else ""
    typer.echo(f"\n{mark}{result.name}: {len(result.pairs)} pair(s) of scenes, {len(result.verdicts)} claim(s)")
    tell_verdicts(result.verdicts)
    for path, reason in result.left_out:
        typer.echo(f"left out: {path}: {reason.removeprefix(f'{path}: ')}")
    done, kept = len(result.done), len(result.kept)
    did = f"{done} steps done, {kept} kept" if done else f"nothing to do: all {kept} steps were done before"
    typer.echo(f"{did}; pages: {', '.join(str(p) for p in result.pages)}")
