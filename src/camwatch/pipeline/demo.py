"""The demonstration: simulated scenes of two camps in real product layouts, through the whole pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camwatch.pipeline.run import run_camp
from camwatch.render import write_demo

if TYPE_CHECKING:
    from pathlib import Path

    from camwatch.config import RunConfig
    from camwatch.pipeline.run import RunResult
    from camwatch.pipeline.search import Progress

CAMPS = ("chongjin", "hoeryong")


def run_demo(out: Path, config: RunConfig, *, progress: Progress) -> tuple[RunResult, ...]:
    """Render the scenes of both camps under `out` (those that are there are kept) and run each camp in its folder."""
    write_demo(out, camps=CAMPS, progress=lambda what: progress(what, 0, 1))
    return tuple(run_camp(camp, out / camp / "scenes", out / camp, config, progress=progress) for camp in CAMPS)
