"""The pairs of a run as work: which scenes they are made of, and who does it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from camwatch.errors import CamwatchError
from camwatch.imagery import clear_share
from camwatch.pipeline.pairwork import PairWork
from camwatch.pipeline.processes import apart
from camwatch.pipeline.records import folder_name, scene_info
from camwatch.pipeline.search import unheard
from camwatch.pipeline.steps import Journal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pystac

    from camwatch.aoi import Aoi
    from camwatch.config import RunConfig
    from camwatch.judge import PlannedPair, SceneInfo
    from camwatch.pipeline.holdings import Holdings
    from camwatch.pipeline.search import Progress


def looked_at(held: Holdings) -> list[SceneInfo]:
    """Return what planning knows of the scenes, with the share of the AOI that each shows clearly: one that shows little makes way for another."""
    return [replace(scene_info(i), clear_share=_clear_share(i, held.aoi)) for i in held.scenes]


def _clear_share(item: pystac.Item, aoi: Aoi) -> float | None:
    try:
        return clear_share(item, aoi.camp.geometry)[1]
    except CamwatchError:  # what is damaged is said by the pair that needs it
        return None


def works_of(folder: Path, held: Holdings, pairs: Sequence[PlannedPair], config: RunConfig, hashes: dict[Path, str], **more: Any) -> list[PairWork]:
    """Return the work that each pair is, in a folder of its own; `more` are fields of all of them."""
    items = {i.id: i for i in held.scenes}
    return [PairWork(p.id, items[p.before], items[p.after], held.aoi, config, folder / folder_name(p.id), hashes, **more) for p in pairs]


def do_all(works: Sequence[PairWork], journal: Journal, workers: int, progress: Progress) -> list[str]:
    """Do every pair, `workers` at a time, and return their keys in the order of the pairs, whoever was done first."""
    progress("pairs of scenes", 0, len(works))
    if min(workers, len(works)) <= 1:
        return [work.do(journal, progress) for work in works]
    keys = []
    for number, (key, steps) in enumerate(apart(_do_one, [(journal.run, replace(w, threads=1)) for w in works], workers), 1):
        keys.append(key)
        journal.add(steps)
        progress("pairs of scenes", number, len(works))
    return keys


def _do_one(run: Path, work: PairWork) -> tuple[str, Journal]:
    journal = Journal(run)
    return work.do(journal, unheard), journal
