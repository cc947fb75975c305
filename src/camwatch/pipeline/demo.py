"""The demonstration: simulated scenes of two camps in real product layouts, through the whole pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camwatch.pipeline.processes import apart
from camwatch.pipeline.run import run_camp
from camwatch.pipeline.search import unheard
from camwatch.render import write_demo

if TYPE_CHECKING:
    from pathlib import Path

    from camwatch.config import RunConfig
    from camwatch.pipeline.run import RunResult
    from camwatch.pipeline.search import Progress

CAMPS = ("chongjin", "hoeryong")


def run_demo(out: Path, config: RunConfig, *, workers: int = 1, progress: Progress = unheard) -> tuple[RunResult, ...]:
    """Render the scenes of both camps under `out` (those that are there are kept) and run each camp in its folder."""
    progress("rendering simulated scenes", 0, len(CAMPS))
    for number, _ in enumerate(apart(_render, [(out, camp) for camp in CAMPS], workers), 1):
        progress("rendering simulated scenes", number, len(CAMPS))
    return tuple(run_camp(camp, out / camp / "scenes", out / camp, config, workers=workers, progress=progress) for camp in CAMPS)


def _render(out: Path, camp: str) -> None:
    write_demo(out, camps=(camp,))
    # What was drawn is no record of the run, whose folder holds nothing that its manifest does not name.
    (out / camp / "truth.json").replace(out / f"{camp}-truth.json")
