"""The search of an aligned pair: the enclosing line whole, everything else tile by tile, reduced in a fixed order."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from camwatch.detect import detect_perimeter, detect_structures, detect_towers
from camwatch.pipeline.pair import coarser

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from odc.geo.geobox import GeoBox
    from shapely.geometry import Point
    from shapely.geometry.base import BaseGeometry

    from camwatch.aoi import Aoi, Site
    from camwatch.config import Kind, RunConfig
    from camwatch.findings import Findings
    from camwatch.imagery import Image
    from camwatch.pipeline.pair import Alignment

    Progress = Callable[[str, int, int], None]
    Rings = tuple[BaseGeometry, BaseGeometry]
    Detector = Callable[[Image, Image, Site], Findings]

LINE_PIXEL_M = 1.0
"""The enclosing line is 4 m wide and more; finer pixels only cost time."""

WORKERS = 2
"""Tiles searched at a time; each holds a tile of both dates in memory."""

OVERLAP_M = 60.0
"""Ground that a tile sees beyond its own: half of the largest hall (80 m), and the longest shadow of a tower at a low sun."""


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
    """Cut a grid into cores of at most `side_px` that meet without a gap, each in a window that sees `overlap_px` more where there is more."""
    height, width = geobox.shape
    tiles = []
    for rows in _cuts(height, side_px):
        for cols in _cuts(width, side_px):
            outer = tuple(slice(max(c.start - overlap_px, 0), min(c.stop + overlap_px, n)) for c, n in ((rows, height), (cols, width)))
            inner = tuple(slice(c.start - o.start, c.stop - o.start) for c, o in zip((rows, cols), outer, strict=True))
            tiles.append(Tile(geobox[outer], (rows, cols), (inner[0], inner[1])))
    return tuple(tiles)


def _cuts(length: int, side: int) -> list[slice]:
    """Cut 0..length into equal parts no longer than `side`; equal, so that no sliver is left over."""
    edges = np.linspace(0, length, -(-length // side) + 1).round().astype(int)
    return [slice(int(a), int(b)) for a, b in itertools.pairwise(edges)]


def search(alignment: Alignment, aoi: Aoi, config: RunConfig, progress: Progress) -> dict[str, Findings]:
    """Search an aligned pair for the configured kinds.

    The line is traced first even where only towers are asked for: towers stand along it, and a nominal outline is off by hundreds of metres.
    """
    site = alignment.site(aoi)
    found: dict[str, Findings] = {}
    rings: Rings | None = None
    if {"perimeter", "tower"} & set(config.kinds):
        progress("tracing the perimeter", 0, 1)
        line = detect_line(alignment, site)
        rings = traced_rings(line)
        found["perimeter"] = line
    searches = detectors(config.kinds, rings)
    parts = _by_tile(alignment, site, config, searches, progress)
    sought = {"structure": site.area, "tower": search_band(site, rings)}
    for kind in searches:
        found[kind] = _merge([(tile, findings[kind]) for tile, findings in parts], alignment.geobox, sought[kind])
    return {kind: found[kind] for kind in config.kinds}


def detect_line(alignment: Alignment, site: Site) -> Findings:
    """Trace the enclosing line at both dates."""
    return detect_perimeter(*alignment.images(line_grid(alignment.geobox)), site)


def line_grid(geobox: GeoBox) -> GeoBox:
    """Return the grid on which the line is traced: the analysis grid, no finer than :data:`LINE_PIXEL_M`."""
    pixel_m = abs(geobox.affine.determinant) ** 0.5
    return coarser(geobox, round(max(geobox.shape) * pixel_m / LINE_PIXEL_M)) if pixel_m < LINE_PIXEL_M else geobox


def traced_rings(line: Findings) -> Rings | None:
    """Return the traced line of each date, before and after; None where a date has none."""
    rings = [r.geometry.boundary for r in line.records if r.change == "unchanged"]
    return (rings[0], rings[1]) if len(rings) == 2 else None


def detectors(kinds: Sequence[str], rings: Rings | None) -> dict[str, Detector]:
    """Return the searches that go tile by tile, by kind."""
    known: dict[str, Detector] = {"structure": detect_structures, "tower": partial(detect_towers, rings=rings)}
    return {kind: known[kind] for kind in kinds if kind in known}


def _by_tile(
    alignment: Alignment, site: Site, config: RunConfig, searches: dict[str, Detector], progress: Progress
) -> list[tuple[Tile, dict[str, Findings]]]:
    overlap_px = round(OVERLAP_M / abs(alignment.geobox.affine.determinant) ** 0.5) + 8
    tiles = tiles_of(alignment.geobox, config.tile_px, overlap_px)

    def work(tile: Tile) -> dict[str, Findings]:
        before, after = alignment.images(tile.window)
        return {kind: detector(before, after, site) for kind, detector in searches.items()}

    done = []
    # Threads finish in any order; `map` hands the results over in the order of the tiles, so the answer does not depend on who was faster.
    with ThreadPoolExecutor(max_workers=WORKERS) as executor:
        for number, findings in enumerate(executor.map(work, tiles), 1):
            done.append(findings)
            progress("searching", number, len(tiles))
    return list(zip(tiles, done, strict=True))


def _merge(parts: Sequence[tuple[Tile, Findings]], geobox: GeoBox, sought: BaseGeometry | None) -> Findings:
    """Put the tiles' answers together: each tile answers for its core, by the place of an object's centroid."""
    # A tile may know less than the pair does (no stretch of the line crosses it); one that searched speaks for all.
    first = next((found for _, found in parts if found.status == "searched"), parts[0][1])
    score = np.full(geobox.shape, np.nan, np.float32)
    records = []
    for tile, found in parts:
        score[tile.core] = found.score[tile.inner]
        records += [r for r in found.records if tile.answers_for(r.geometry.centroid, geobox)]
    share, km2 = coverage(sought, geobox, np.isfinite(score)) if sought is not None else (0.0, 0.0)
    return replace(
        first,
        records=tuple(replace(r, id=f"{first.kind}-{number:04d}") for number, r in enumerate(records, 1)),
        score=score,
        geobox=geobox,
        observed_share=share,
        searched_km2=km2,
    )
