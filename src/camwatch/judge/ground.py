"""Where a reading counts, and how much of that was seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from shapely import get_coordinates, prepare

from camwatch.aoi import LONLAT, reproject
from camwatch.aoi.placement import overlap_share
from camwatch.judge.measurement import CannotMeasureError
from camwatch.rasters import mask_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odc.geo.geobox import GeoBox
    from shapely.geometry.base import BaseGeometry

    from camwatch.aoi import Aoi
    from camwatch.claims.model import Reading
    from camwatch.findings import Findings

TILE_PX = 1024
"""Side of the parts of a score plane that are looked at one at a time."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a reading counts: `within` (None = all that was searched), the area seen in km², and the share of what is asked about that was seen.

    `held` is the part of that share which comes of outlines that may lie elsewhere: how much of what is asked about they are likely to hold.
    """

    within: BaseGeometry | None
    km2: float
    share: float
    held: float = 1.0


def ground_of(findings: Findings, reading: Reading, aoi: Aoi | None) -> Ground:
    """Return the ground of a reading, in the CRS of the findings."""
    outline = next((o for o in aoi.outlines if o.id == reading.sub_area), None) if aoi else None
    if reading.sub_area is None or (outline is not None and outline.role != "sub-area"):
        if findings.observed_share <= 0:
            raise CannotMeasureError("none of the ground was seen at both dates")
        return whole_of(findings)
    if outline is None:
        raise CannotMeasureError(f"no outline named {reading.sub_area!r} is known, so nothing can be counted in it")
    geometry = reproject(outline.geometry, LONLAT, findings.crs)
    prepare(geometry)
    seen_m2 = seen_in(geometry, findings)
    # The band along a perimeter fills only a part of any outline: its share is that of the whole search.
    held = overlap_share(geometry, outline.accuracy_m) if outline.nominal else 1.0
    share = min(seen_m2 / geometry.area, 1.0)
    if findings.kind == "tower":
        held, share = findings.held_share, findings.observed_share
    if min(seen_m2, share) <= 0:
        raise CannotMeasureError(f"none of the sub-area {outline.id} was seen at both dates")
    return Ground(geometry, seen_m2 / 1e6, held * share, held)


def whole_of(findings: Findings) -> Ground:
    """Return all the ground of a search."""
    return Ground(None, findings.searched_km2, findings.shown_share, findings.held_share)


def seen_in(geometry: BaseGeometry, findings: Findings) -> float:
    """Return how many square metres of a geometry were seen, read tile by tile: memory follows the tile, time the geometry."""
    grid = findings.geobox
    pixels = 0
    for rows, cols in _tiles(geometry, grid):
        inside = mask_of(geometry, grid[rows, cols])
        if inside.any():
            pixels += int((inside & np.isfinite(np.asarray(findings.score[rows, cols]))).sum())
    return pixels * abs(float(grid.affine.determinant))


def _tiles(geometry: BaseGeometry, grid: GeoBox) -> Iterator[tuple[slice, slice]]:
    """Yield the (rows, cols) of the tiles that cover the bounds of a geometry."""
    corners = get_coordinates(geometry.envelope)
    col, row = ~grid.affine * corners.T
    starts = []
    for place, length in zip((row, col), grid.shape, strict=True):
        first, last = max(int(np.floor(place.min())), 0), min(int(np.ceil(place.max())), length)
        starts.append([slice(start, min(start + TILE_PX, last)) for start in range(first, last, TILE_PX)])
    for rows in starts[0]:
        for cols in starts[1]:
            yield rows, cols
