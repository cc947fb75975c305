"""The pairs of a run in turn: where an enclosing line has moved, later pairs look for towers along the former one too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import shapely

from camwatch.aoi import LONLAT, reproject
from camwatch.pipeline.ground import to_scene
from camwatch.pipeline.works import do_all
from camwatch.scenes import item as scene

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapely.geometry.base import BaseGeometry

    from camwatch.judge import Evidence
    from camwatch.pipeline.pairwork import PairWork
    from camwatch.pipeline.search import Progress
    from camwatch.pipeline.steps import Journal

SAME_M, SAME_SHARE = 10.0, 0.95
"""Distance from lines that are known within which so much of a traced one lies that it is one of them."""


def do_in_turn(works: Sequence[PairWork], journal: Journal, workers: int, progress: Progress) -> list[str]:
    """Do every pair, none before those that end where it begins or earlier; return their keys in the order of the pairs."""
    keys: dict[str, str] = {}
    for turn in turns(works):
        done = [work for work in works if work.id in keys]
        told = [work.evidence() for work in sorted(done, key=lambda work: work.id)]
        ready = [replace(work, aoi=replace(work.aoi, former=former_lines(work, told))) for work in turn]
        keys |= zip((work.id for work in turn), do_all(ready, journal, workers, progress), strict=True)
    return [keys[work.id] for work in works]


def turns(works: Sequence[PairWork]) -> list[list[PairWork]]:
    """Return the pairs in groups, each with all that wait only for those of the groups before it."""
    number: dict[str, int] = {}
    for work in sorted(works, key=lambda w: scene.acquired(w.before)):
        past = [number[w.id] for w in works if w.id in number and scene.acquired(w.after) <= scene.acquired(work.before)]
        number[work.id] = max(past, default=-1) + 1
    return [[work for work in works if number[work.id] == k] for k in range(max(number.values(), default=-1) + 1)]


def former_lines(work: PairWork, told: Sequence[Evidence]) -> tuple[BaseGeometry, ...]:
    """Return the lines that other pairs traced at dates before a pair, EPSG:4326, where its earlier scene shows them; each line once.

    Parameters
    ----------
    work : PairWork
    told : sequence of Evidence
        Of pairs that were searched. What no registration leads to the pair's earlier scene from is left out.
    """
    if "tower" not in work.config.kinds:
        return ()
    begins = scene.acquired(work.before)
    found: list[tuple[float, str, BaseGeometry]] = []
    for one, move in zip(told, to_scene(told, work.before.id), strict=True):
        if move is not None and "perimeter" in one.findings and one.acquired[1] <= begins:
            findings = one.findings["perimeter"]
            rings = [r for r in findings.records if "date" in r.measures]
            found += [(one.gsd_m, str(r.measures["date"]), move(reproject(r.geometry, findings.crs, LONLAT))) for r in rings]
    kept: list[BaseGeometry] = []
    metric = work.aoi.utm()
    for _, _, ring in sorted(found, key=lambda each: each[:2]):
        line = shapely.boundary(reproject(ring, LONLAT, metric))
        known = shapely.union_all([shapely.boundary(reproject(k, LONLAT, metric)) for k in kept]).buffer(SAME_M)
        if line.intersection(known).length < SAME_SHARE * line.length:
            kept.append(ring)
    return tuple(kept)
