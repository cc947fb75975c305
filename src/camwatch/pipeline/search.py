"""The search of an aligned pair: the enclosing line whole, everything else tile by tile, reduced in a fixed order."""

from __future__ import annotations

import itertools
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from shapely.geometry import box

from camwatch.detect import coverage, detect_perimeter, detect_structures, detect_towers, search_band
from camwatch.pipeline.pair import coarser
from camwatch.rasters import mask_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from odc.geo.geobox import GeoBox
    from shapely.geometry import Point
    from shapely.geometry.base import BaseGeometry

    from camwatch.aoi import Aoi, Site
    from camwatch.config import RunConfig
    from camwatch.findings import Findings
    from camwatch.imagery import Image
    from camwatch.pipeline.pair import Alignment

    Progress = Callable[[str, int, int], None]

LINE_PIXEL_M = 1.0
"""The enclosing line is 4 m wide and more; finer pixels only cost time."""

BY_TILE: dict[str, Callable[[Image, Image, Site], Findings]] = {"structure": detect_structures, "tower": detect_towers}
"""The searches that go tile by tile; the enclosing line is one object and is traced whole."""

OVERLAP_M = 60.0
"""Ground that a tile sees beyond its own: half of the largest hall (80 m), and the longest shadow of a tower at a low sun."""


def unheard(what: str, done: int, total: int) -> None:
    """Take progress that nobody looks at."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of the analysis grid.

    Attributes
    ----------
    window : GeoBox
        What is looked at.
    core : (slice, slice)
        Rows and columns of the grid for which this tile answers.
    inner : (slice, slice)
        The same pixels, counted in `window`.
    """

    window: GeoBox
    core: tuple[slice, slice]
    inner: tuple[slice, slice]

    def answers_for(self, point: Point, geobox: GeoBox) -> bool:
        """Whether a point (in the CRS of the grid) lies in the core; of cores that meet exactly one answers."""
        col, row = ~geobox.affine * (point.x, point.y)
        rows, cols = self.core
        return bool(rows.start <= row < rows.stop and cols.start <= col < cols.stop)


def tiles_of(geobox: GeoBox, side_px: int, overlap_px: int) -> tuple[Tile, ...]:
    """Cut a grid into cores of about `side_px` that meet without a gap, each in a window that sees `overlap_px` more where there is more."""
    height, width = geobox.shape
    tiles = []
    for rows in _cuts(height, side_px):
        for cols in _cuts(width, side_px):
            outer = tuple(slice(max(c.start - overlap_px, 0), min(c.stop + overlap_px, n)) for c, n in ((rows, height), (cols, width)))
            inner = tuple(slice(c.start - o.start, c.stop - o.start) for c, o in zip((rows, cols), outer, strict=True))
            tiles.append(Tile(geobox[outer], (rows, cols), (inner[0], inner[1])))
    return tuple(tiles)


def _cuts(length: int, side: int) -> list[slice]:
    """Cut 0..length into equal parts of about `side`, at most a quarter longer: no sliver is left over, and one pixel more makes no second tile."""
    edges = np.linspace(0, length, max(math.ceil(length / side - 0.25), 1) + 1).round().astype(int)
    return [slice(int(a), int(b)) for a, b in itertools.pairwise(edges)]


def search(alignment: Alignment, aoi: Aoi, config: RunConfig, progress: Progress = unheard, *, threads: int = 2) -> dict[str, Findings]:
    """Search an aligned pair for the configured kinds, `threads` tiles at a time.

    The line is traced first even where only towers are asked for: towers stand along it, and a nominal outline is off by hundreds of metres.
    """
    site = alignment.site(aoi)
    found: dict[str, Findings] = {}
    if {"perimeter", "tower"} & set(config.kinds):
        progress("tracing the perimeter", 0, 1)
        found["perimeter"] = detect_line(alignment, site)
        site = traced(site, found["perimeter"])
    kinds = [kind for kind in config.kinds if kind in BY_TILE]
    everywhere = {"structure": site.area, "tower": search_band(site)}
    sought: dict[str, BaseGeometry | None] = {kind: everywhere[kind] for kind in kinds}
    for kind, parts in _by_tile(alignment, site, config.tile_px, sought, threads=threads, progress=progress).items():
        found[kind] = _merge(parts, alignment.geobox, sought[kind])
    return {kind: found[kind] for kind in config.kinds}


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
    alignment: Alignment, site: Site, tile_px: int, sought: Mapping[str, BaseGeometry | None], *, threads: int, progress: Progress
) -> dict[str, list[tuple[Tile, Findings]]]:
    """Search, for every kind, the tiles that show some of the ground where it is sought; each tile is loaded once."""
    geobox = alignment.geobox
    tiles = tiles_of(geobox, tile_px, round(OVERLAP_M / pixel_of(geobox)) + 8)
    grounds = [box(*geobox[tile.core].extent.boundingbox) for tile in tiles]
    # A kind that is sought nowhere is given one tile, which answers why.
    asked = [[k for k, where in sought.items() if (n == 0 if where is None else where.intersects(ground))] for n, ground in enumerate(grounds)]
    for kind in sought:
        if not any(kind in kinds for kinds in asked):
            asked[0].append(kind)
    todo = [(tile, kinds) for tile, kinds in zip(tiles, asked, strict=True) if kinds]

    def work(task: tuple[Tile, list[str]]) -> list[Findings]:
        tile, kinds = task
        before, after = alignment.images(tile.window)
        return [BY_TILE[kind](before, after, site) for kind in kinds]

    found: dict[str, list[tuple[Tile, Findings]]] = {kind: [] for kind in sought}
    # Threads finish in any order; `map` hands the results over in the order of the tiles, so the answer does not depend on who was faster.
    with ThreadPoolExecutor(max_workers=threads) as executor:
        for number, ((tile, kinds), answers) in enumerate(zip(todo, executor.map(work, todo), strict=True), 1):
            for kind, answer in zip(kinds, answers, strict=True):
                found[kind].append((tile, answer))
            progress("searching", number, len(todo))
    return found


def _merge(parts: Sequence[tuple[Tile, Findings]], geobox: GeoBox, sought: BaseGeometry | None) -> Findings:
    """Put the tiles' answers together: each tile answers for its core, by the place of an object's centroid."""
    # A tile may know less than the pair does (no stretch of the line crosses it); one that searched speaks for all.
    first = next((found for _, found in parts if found.status == "searched"), parts[0][1])
    score = np.full(geobox.shape, np.nan, np.float32)
    records = []
    for tile, found in parts:
        score[tile.core] = found.score[tile.inner]
        records += [r for r in found.records if tile.answers_for(r.geometry.centroid, geobox)]
    if sought is not None:
        # Tiles end in straight lines; what was looked at beyond the ground that is sought is no answer of this search.
        score[~mask_of(sought, geobox, touched=True)] = np.nan
    share, km2 = coverage(sought, geobox, np.isfinite(score)) if sought is not None else (0.0, 0.0)
    return replace(
        first,
        records=tuple(replace(r, id=f"{first.kind}-{number:04d}") for number, r in enumerate(records, 1)),
        score=score,
        geobox=geobox,
        observed_share=share,
        searched_km2=km2,
    )
