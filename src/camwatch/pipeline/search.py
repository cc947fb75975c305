"""The search of an aligned pair: the enclosing line and land cover whole, everything else tile by tile, reduced in a fixed order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from shapely import prepare, union_all
from shapely.geometry import box

from camwatch.aoi.placement import overlap_share
from camwatch.detect import StructureParams, detect_perimeter, detect_structures, detect_towers, load_model, search_band
from camwatch.pipeline.landcover import search_land
from camwatch.pipeline.merge import Ground, new_merge
from camwatch.pipeline.pair import coarser
from camwatch.pipeline.tiles import tiles_of
from camwatch.sensitivity.windows import control_site, frame_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from odc.geo.geobox import GeoBox

    from camwatch.aoi import Aoi, Site
    from camwatch.config import RunConfig
    from camwatch.findings import Findings
    from camwatch.imagery import Image
    from camwatch.pipeline.pair import Alignment
    from camwatch.pipeline.tiles import Tile

    Progress = Callable[[str, int, int], None]

LINE_PIXEL_M = 1.0
"""The enclosing line is 4 m wide and more; finer pixels only cost time."""

BY_TILE: dict[str, Callable[..., Findings]] = {"structure": detect_structures, "tower": detect_towers}
"""The searches (before, after, site) that go tile by tile; the enclosing line is one object and is traced whole."""

OVERLAP_M = 60.0
"""Ground that a tile sees beyond its own: half of the largest hall (80 m), and the longest shadow of a tower at a low sun."""


def searches(config: RunConfig) -> dict[str, Callable[[Image, Image, Site], Findings]]:
    """Return the searches that go tile by tile, that for buildings with the model that the configuration names."""

    def bound(search: Callable[..., Findings]) -> Callable[..., Findings]:
        if search is not detect_structures or config.model_file is None:
            return search
        params = StructureParams(model_views=config.structure_views)
        if config.structure_min_score is not None:
            params = replace(params, model_min_score=config.structure_min_score)
        return partial(search, params=params, model=load_model(config.model_file))

    return {kind: bound(search) for kind, search in BY_TILE.items()}


def unheard(what: str, done: int, total: int) -> None:
    """Take progress that nobody looks at."""


def search(
    alignment: Alignment, aoi: Aoi, config: RunConfig, progress: Progress = unheard, *, threads: int = 2, scores: Path | None = None
) -> dict[str, Findings]:
    """Search an aligned pair for the configured kinds, `threads` tiles at a time.

    The line is traced first even where only towers are asked for: towers stand along it, and a nominal outline is off by hundreds of metres.

    Parameters
    ----------
    alignment : Alignment
    aoi : Aoi
    config : RunConfig
    progress : callable
    threads : int
        More are faster, need more memory, and never change the answer.
    scores : Path or None
        Folder into which the scores of what is searched tile by tile are written, so that memory does not grow with the ground; the findings then
        read them from there. None = they are held in memory.
    """
    site = drawn = alignment.site(aoi)
    found: dict[str, Findings] = {}
    if {"perimeter", "tower"} & set(config.kinds):
        progress("tracing the perimeter", 0, 1)
        found["perimeter"] = detect_line(alignment, site)
        site = traced(site, found["perimeter"])
    if "landcover" in config.kinds:
        progress("comparing land cover", 0, 1)
        found["landcover"] = search_land(alignment, alignment.site(aoi))
    held = _held(site, traced_too=site is not drawn)
    grounds: dict[str, Ground] = {kind: _ground(kind, site, alignment.geobox, held) for kind in config.kinds if kind in BY_TILE}
    if grounds:
        found |= _by_tile(alignment, grounds, config, threads=threads, progress=progress, scores=scores)
    return {kind: found[kind] for kind in config.kinds}


def _held(site: Site, *, traced_too: bool) -> float:
    """Return how much of the camp the site's area holds: of what its traced lines enclose, or of what an outline may that is only nominal."""
    lines = [line for line in (site.perimeter_before, site.perimeter_after) if line is not None]
    if traced_too:
        camp = union_all(lines)
        return float(camp.intersection(site.area).area / camp.area)
    return overlap_share(site.area, site.perimeter_accuracy_m) if site.nominal else 1.0


def _ground(kind: str, site: Site, geobox: GeoBox, held: float) -> Ground:
    """Return where a kind is sought, and where its reports are false alarms; `held` is what of the camp the site's area holds."""
    if kind != "structure":
        # The control of towers is another line, which is searched by itself.
        return Ground(site, search_band(site))
    _, control = control_site(site, "structure", frame_of(geobox))
    prepare(site.area)
    prepare(control)
    # One search serves both: its tiles show ground beyond the outline anyway.
    return Ground(replace(site, area=union_all([site.area, control])), site.area, None if control.is_empty else control, held)


def detect_line(alignment: Alignment, site: Site) -> Findings:
    """Trace the enclosing line at both dates."""
    return detect_perimeter(*alignment.images(line_grid(alignment.geobox)), site)


def line_grid(geobox: GeoBox) -> GeoBox:
    """Return the grid on which the line is traced: the analysis grid, no finer than :data:`LINE_PIXEL_M`."""
    fine = pixel_of(geobox)
    return coarser(geobox, round(max(geobox.shape) * fine / LINE_PIXEL_M)) if fine < LINE_PIXEL_M else geobox


def pixel_of(geobox: GeoBox) -> float:
    """Return the side of a pixel in metres."""
    return float(abs(geobox.affine.determinant) ** 0.5)


def traced(site: Site, line: Findings) -> Site:
    """Return the site with the line that was traced at both dates in place of its prior; the site as it is where none was."""
    rings = [r for r in line.records if "date" in r.measures]
    if len(rings) != 2:
        return site
    # A line's standard error is that of its enclosed area spread over its length.
    accuracy_m = max(float(r.measures["area_se_m2"]) / float(r.measures["length_m"]) for r in rings)
    return replace(site, perimeter_before=rings[0].geometry, perimeter_after=rings[1].geometry, perimeter_accuracy_m=accuracy_m)


def _by_tile(
    alignment: Alignment, grounds: Mapping[str, Ground], config: RunConfig, *, threads: int, progress: Progress, scores: Path | None
) -> dict[str, Findings]:
    """Search, for every kind, the tiles that show some of the ground where it is sought; each tile is loaded once."""
    geobox, search_for = alignment.geobox, searches(config)
    todo = _tasks(tiles_of(geobox, config.tile_px, round(OVERLAP_M / pixel_of(geobox)) + 8), geobox, grounds)

    def work(task: tuple[Tile, list[str]]) -> list[Findings]:
        tile, kinds = task
        before, after = alignment.images(tile.window)
        return [search_for[kind](before, after, grounds[kind].site) for kind in kinds]

    with ExitStack() as stack:
        merges = {kind: stack.enter_context(new_merge(scores, kind, ground, alignment)) for kind, ground in grounds.items()}
        for number, ((tile, kinds), answers) in enumerate(zip(todo, _in_order(work, todo, threads), strict=True), 1):
            for kind, answer in zip(kinds, answers, strict=True):
                merges[kind][0].add(tile, answer)
            progress("searching", number, len(todo))
        return {kind: merge.findings(plane) for kind, (merge, plane) in merges.items()}


def _tasks(tiles: Sequence[Tile], geobox: GeoBox, grounds: Mapping[str, Ground]) -> list[tuple[Tile, list[str]]]:
    """Return the tiles in which something is sought, each with the kinds that are; a kind that is sought nowhere is given one, which answers why."""
    tasks: list[tuple[Tile, list[str]]] = []
    for number, tile in enumerate(tiles):
        shown = box(*geobox[tile.core].extent.boundingbox)
        tasks.append((tile, [k for k, g in grounds.items() if (number == 0 if g.sought is None else g.sought.intersects(shown))]))
    for kind in grounds:
        if not any(kind in kinds for _, kinds in tasks):
            tasks[0][1].append(kind)
    return [(tile, kinds) for tile, kinds in tasks if kinds]


def _in_order(
    work: Callable[[tuple[Tile, list[str]]], list[Findings]], tasks: Sequence[tuple[Tile, list[str]]], threads: int
) -> Iterator[list[Findings]]:
    """Yield the answers in the order of the tasks, whoever was faster; only one waits to be taken, for an answer is as large as its tile."""
    if len(tasks) == 1:  # not beside others, a search does several things at a time itself
        yield work(tasks[0])
        return
    with ThreadPoolExecutor(max_workers=threads) as pool:
        coming: deque[Future[list[Findings]]] = deque()
        for task in tasks:
            coming.append(pool.submit(work, task))
            if len(coming) > threads:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()
