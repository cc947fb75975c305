"""`camwatch demo`: the whole job on simulated scenes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from camwatch.cli._common import AsJson, Settings, Workers, configuration, emit, progress
from camwatch.cli.run import tell, tell_elsewhere


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for scenes and results.")] = Path("camwatch-demo"),
    config: Settings = None,
    workers: Workers = 2,
    as_json: AsJson = False,
) -> None:
    """Render simulated scenes of Chongjin and Hoeryong in real product layouts and run the complete pipeline on them."""
    from camwatch.pipeline.demo import run_demo
    from camwatch.pipeline.elsewhere import elsewhere

    with progress(quiet=as_json) as show:
        results = run_demo(out, configuration(config), workers=workers, progress=show)
    rest = elsewhere(v for result in results for v in result.verdicts)
    if as_json:
        emit({"runs": [r.as_json() for r in results], "elsewhere": [v.as_json() for v in rest]})
    else:
        for result in results:
            tell(result)
        tell_elsewhere(rest)
