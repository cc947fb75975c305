"""A pair searched for buildings by the steps of `camwatch detect`, with the seconds that each of them took."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial, wraps
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

import camwatch.detect._model as model_module
from camwatch.aoi import LONLAT, load_aoi, reproject
from camwatch.config import RunConfig
from camwatch.detect import StructureParams, detect_structures
from camwatch.detect._model import load_model
from camwatch.pipeline.asseen import as_seen
from camwatch.pipeline.evidence import detect_picture, search_or_refuse
from camwatch.pipeline.pair import Alignment, align
from camwatch.pipeline.records import source_of, write_findings
from camwatch.pipeline.scores import score_path
from camwatch.pipeline.search import BY_TILE, unheard
from camwatch.rasters import stored
from camwatch.scenes import open_scene
from camwatch.scenes.hashes import files_behind, hash_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from _structures_pairs import Pair
    from camwatch.findings import Findings

Seconds = NDArray[np.float64]

STEPS = ("start", "registration", "network", "decision", "drawing")
WARM = """
import sys
from pathlib import Path
import camwatch.cli, camwatch.pipeline.verbs, camwatch.report
from camwatch.detect._model import load_model
load_model(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
"""
"""What a command does before its work begins."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What the search said of a pair, outlines where files have them, on which grid, and by step the seconds passed and those on processors."""

    findings: Findings
    alignment: Alignment
    seconds: dict[str, Seconds]


def searched(pair: Pair, folder: Path, model: str, *, params: StructureParams | None = None, draw: bool = False) -> Answer:
    """Register a pair, search all that both dates show of the labelled ground, and, where asked, write and draw what was found.

    Parameters
    ----------
    pair : Pair
    folder : Path
        For what is written.
    model : str
        As in a configuration: `shipped`, `none`, or a file.
    params : StructureParams or None
        None = what a user gets.
    draw : bool
    """
    config = RunConfig.read(None, report_date=dt.date(2000, 1, 1), kinds=("structure",), model=model)
    aoi = load_aoi(_outline(pair, folder))
    items = [open_scene(file, date=day) for file, day in zip(pair.files, pair.days, strict=True)]
    seconds = {step: np.zeros(2) for step in STEPS}
    with ExitStack() as stack:
        stack.enter_context(_timed(model_module, "predict", seconds))
        if params is not None:
            bound = partial(detect_structures, params=params, model=load_model(config.model_file) if model != "none" else None)
            stack.enter_context(mock.patch.dict(BY_TILE, structure=bound))
        begin = clocks()
        alignment = align(items[0], items[1], aoi, config)
        aligned = clocks()
        found = search_or_refuse(alignment, aoi, config, unheard, scores=folder)
        done = clocks()
    if draw:
        write_findings(folder, found, alignment.registration)
        hashes = hash_files(files_behind(items))
        detect_picture(folder / "detect.png", alignment, aoi, found, sources=[source_of(i, hashes, config) for i in items], generated="2000-01-01")
        seconds["drawing"] = clocks() - done
    seconds |= {"registration": aligned - begin, "decision": done - aligned - seconds["network"]}
    told = as_seen(found["structure"], alignment.registration)
    if alignment.registration.ok:  # a pair that was refused has no score
        told = replace(told, score=np.asarray(stored(score_path(folder, "structure"))[0]))
    return Answer(told, alignment, seconds)


def clocks() -> Seconds:
    """Return the time that passed, and that this process and those that it ran were on a processor, in seconds since some moment."""
    own = os.times()
    return np.array([time.perf_counter(), own.user + own.system + own.children_user + own.children_system])


def start_seconds(model: str) -> Seconds:
    """Return what a process needs before its work begins: imports, and the model opened and tried."""
    arguments = [] if model in ("shipped", "none") else [model]
    begin = clocks()
    subprocess.run([sys.executable, "-c", WARM, *arguments], check=True)
    return clocks() - begin


def _outline(pair: Pair, folder: Path) -> Path:
    ring = reproject(pair.grid.extent.geom, pair.grid.crs, LONLAT)
    path = folder / "outline.geojson"
    properties = {"id": "labelled", "name": "labelled ground", "role": "camp"}
    path.write_text(json.dumps({"type": "Feature", "properties": properties, "geometry": ring.__geo_interface__}), encoding="utf-8")
    return path


@contextmanager
def _timed(module: Any, name: str, seconds: dict[str, Seconds]) -> Iterator[None]:
    """Add what a function of a module takes, within this block, to the seconds of the network."""
    original = getattr(module, name)

    @wraps(original)
    def watched(*arguments: Any, **more: Any) -> Any:
        begin = clocks()
        try:
            return original(*arguments, **more)
        finally:
            seconds["network"] += clocks() - begin

    with mock.patch.object(module, name, watched):
        yield
