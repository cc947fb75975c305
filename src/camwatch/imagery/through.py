"""Where the pixels of a grid are found in a source, through a map that no affine can state: another CRS, a field of displacements, both.

The map is evaluated on every n-th pixel and interpolated between by polynomials of the fifth degree, which costs a fraction of asking for each pixel.
How far apart these nodes may lie is found by trial, for each tile of the grid by itself: nodes twice as far apart must tell those between them. Tiles
and nodes are counted from the origin of the map, not of the window, so that a pixel is found at the same place from every window of a grid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from camwatch.imagery.sample import TOLERANCE_PX, reduction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odc.geo.geobox import GeoBox

SeenAt = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From the place wanted to the place at which a scene's own georeferencing shows it, both (n, 2) map coordinates (x, y) in the target's CRS."""

TILE = 256
"""Rows and columns of the target for which nodes lie equally far apart."""

BAND = 64
"""Rows of a tile that are found at once: what belongs to them stays in the processor's cache."""

FARTHEST = 32
"""Pixels of the target between two nodes at which the trial begins."""

GAIN = 4.0
"""By how much an error falls at least when nodes lie twice as close; the third derivative of a cubic spline jumps, which makes it 8 and less."""

_BEFORE, _SUPPORT = 2, 6
"""Nodes to the left of a cell that its polynomial needs beside the cell's own, and all that it needs."""

_TOGETHER = 2**16
"""Points for which the map is asked at once: a spline needs some hundred bytes for each."""

Block = tuple[slice, slice]
"""Rows and columns of the target."""


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where the pixel centres of a target grid are found in a source grid.

    Attributes
    ----------
    tiles : dict of (int, int) to (2, n, n) float64
        For each tile, by its row and column, (column, row) in the source, counted in pixels from its corner, at the tile's nodes and those around it
        that its polynomials need; NaN where the source's CRS knows no such place.
    first : (int, int)
        Row and column of the target's pixel (0, 0), counted in pixels from the corner of tile (0, 0).
    shape : (int, int)
        Rows and columns of the target.
    k : int
        Pixels of the source in each direction that are averaged before interpolating.
    """

    tiles: dict[tuple[int, int], NDArray[np.float64]]
    first: tuple[int, int]
    shape: tuple[int, int]
    k: int

    def blocks(self, band: int = BAND) -> Iterator[Block]:
        """Cut the target into blocks of `band` rows, none of which lies in two tiles."""
        lines = [
            [slice(*ends) for ends in pairwise(sorted({0, *range(-first % step, size, step), size}))]
            for first, size, step in zip(self.first, self.shape, (band, TILE), strict=True)
        ]
        yield from product(lines[0], lines[1])

    def at(self, block: Block) -> NDArray[np.float64]:
        """Return (column, row) in the source of a block of pixels of one tile, (2, rows, cols) float64; NaN where there is no such place."""
        (row, top, bottom), (col, left, right) = (self._within(axis, span) for axis, span in enumerate(block))
        nodes = self.tiles[row, col]
        step = TILE // (nodes.shape[1] - _SUPPORT + 1)
        part = nodes[:, top // step : (bottom - 1) // step + _SUPPORT, left // step : (right - 1) // step + _SUPPORT]
        y, x = top % step, left % step
        return _between(part, step)[:, y : y + bottom - top, x : x + right - left]

    def reach(self) -> NDArray[np.float64]:
        """Return (n, 2) places in the source of pixels around which all others lie: a map that does not fold has its extremes on the edges."""
        lines = []
        for rows, cols in self.blocks(TILE):
            top, bottom, left, right = (slice(n, n + 1) for n in (rows.start, rows.stop - 1, cols.start, cols.stop - 1))
            lines += [self.at(edge).reshape(2, -1) for edge in ((top, cols), (bottom, cols), (rows, left), (rows, right))]
        points = np.concatenate(lines, axis=1).T
        return np.asarray(points[np.isfinite(points).all(axis=1)])

    def _within(self, axis: int, span: slice) -> tuple[int, int, int]:
        """Return the number of the tile in which a span of rows or columns lies, and where in it the span starts and ends."""
        tile, start = divmod(self.first[axis] + span.start, TILE)
        return tile, start, start + span.stop - span.start


def places(source: GeoBox, target: GeoBox, seen_at: SeenAt) -> Places:
    """Find the pixels of a target in a source.

    Parameters
    ----------
    source, target : GeoBox
        In any two CRS.
    seen_at : callable
        Defined for some 350 pixels around the target. Where it is not smooth, nodes have to lie close together, and loading takes longer.

    Returns
    -------
    Places
        Good to :data:`camwatch.imagery.sample.TOLERANCE_PX` of a source pixel, or of a block of them where blocks are averaged.
    """
    k = reduction(source, target)
    # The pixel of the endless grid in which the map's origin lies is number 0 for every window; a quarter keeps off rounding on even grids.
    col, row = ~target.affine * (0.0, 0.0)
    starts = int(np.floor(0.25 - row)), int(np.floor(0.25 - col))
    first = starts[0] % TILE, starts[1] % TILE
    shape = int(target.shape[0]), int(target.shape[1])
    down, across = (range((start + size - 1) // TILE + 1) for start, size in zip(first, shape, strict=True))
    pending = list(product(down, across))
    corners = np.array(pending, np.int64) * TILE - np.array(first, np.int64)
    tiles: dict[tuple[int, int], NDArray[np.float64]] = {}
    step = FARTHEST
    coarse = _nodes(source, target, seen_at, corners, step)
    while pending:
        step //= 2
        fine = _nodes(source, target, seen_at, corners, step)
        done = (_missed(coarse, fine) <= GAIN * TOLERANCE_PX * k) | (step == 1)
        tiles |= {tile: nodes for tile, nodes, enough in zip(pending, fine, done, strict=True) if enough}
        pending = [tile for tile, enough in zip(pending, done, strict=True) if not enough]
        coarse, corners = fine[~done], corners[~done]
    return Places(tiles, first, shape, k)


def _nodes(source: GeoBox, target: GeoBox, seen_at: SeenAt, corners: NDArray[np.int64], step: int) -> NDArray[np.float64]:
    """Evaluate the map at the nodes of tiles, whose first pixels (row, column) are given: (n, 2, nodes, nodes)."""
    line = np.arange(-_BEFORE, TILE // step + _SUPPORT - 1 - _BEFORE) * step + 0.5
    across = None if source.crs == target.crs else Transformer.from_crs(str(target.crs), str(source.crs), always_xy=True)
    a, b, side = target.affine, ~source.affine, len(line)
    nodes = np.empty((len(corners), 2, side, side))
    together = max(1, _TOGETHER // side**2)
    for start in range(0, len(corners), together):
        some = corners[start : start + together, :, None] + line
        rows, cols = np.broadcast_arrays(some[:, 0, :, None], some[:, 1, None, :])
        wanted = np.stack([a.a * cols + a.b * rows + a.c, a.d * cols + a.e * rows + a.f], axis=-1)
        x, y = np.asarray(seen_at(wanted.reshape(-1, 2)), np.float64).T
        if across is not None:
            x, y = across.transform(x, y)
        with np.errstate(invalid="ignore"):  # infinity is PROJ's word for nowhere
            found = np.stack([b.a * x + b.b * y + b.c, b.d * x + b.e * y + b.f])
        nodes[start : start + together] = found.reshape(2, *rows.shape).swapaxes(0, 1)
    nodes[~np.isfinite(nodes)] = np.nan
    return nodes


def _missed(coarse: NDArray[np.float64], fine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far, in source pixels, the nodes of each tile lie at most from where half of them tell, (n,)."""
    inner = slice(_BEFORE, _BEFORE + 1 - _SUPPORT)
    miss = np.abs(_between(coarse, 2) - fine[..., inner, inner])
    result: NDArray[np.float64] = miss.max(axis=(1, 2, 3), initial=0, where=np.isfinite(miss))
    return result


def _between(nodes: NDArray[np.float64], step: int) -> NDArray[np.float64]:
    """Interpolate `step` values for each cell, (…, rows + 5, cols + 5) nodes → (…, rows · step, cols · step)."""
    for _ in range(2):  # along the last axis, which becomes the last but one
        cells = np.lib.stride_tricks.sliding_window_view(nodes, _SUPPORT, axis=-1)
        dense = (cells.reshape(-1, _SUPPORT) @ _weights(step)).reshape(*cells.shape[:-2], -1)
        nodes = dense.swapaxes(-1, -2)
    return nodes


@cache
def _weights(step: int) -> NDArray[np.float64]:
    """Return Lagrange's weights of the nodes −2 … 3 at 0, 1/step, …, (6, step)."""
    nodes, at = np.arange(_SUPPORT) - _BEFORE, np.arange(step) / step
    weights = np.ones((_SUPPORT, step))
    for n, m in np.ndindex(_SUPPORT, _SUPPORT):
        if n != m:
            weights[n] *= (at - nodes[m]) / (nodes[n] - nodes[m])
    weights.setflags(write=False)
    return weights
