"""A grid cut into tiles that are searched one at a time."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox
    from shapely.geometry import Point


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
