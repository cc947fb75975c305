"""What runs along an enclosing line (wall, its shadow, strip, track) taken away, so that only what stands out of it remains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox
    from shapely.geometry import LineString

STEP_M = 4.0
"""Distance between the stations along a line at which its direction is measured."""

CHORD_M = 12.0
"""Half the chord that gives a traced line's own direction; a tracer's steps of a metre or two then turn it by a few degrees only."""

PATCH_M = (12.0, 9.0)
"""Half length and half width of the ground around a station whose edges tell the direction to a fraction of a degree."""

LARGEST_TURN_DEG = 20.0
"""How far that direction may differ from the chord's; beyond, something else than the line draws the edges."""

LOOK_M = (4.0, 26.0)
"""Nearest and farthest ground along the line that a pixel is compared with: beyond the tower itself, and twice as far as a shadow along the line."""

SAMPLES = 9
"""Pixels of that ground, to either side."""

FURTHER = 4
"""Stations to the middle of that ground."""

CELL = 4
"""Pixels of a block that shares one direction."""


def residual(plane: NDArray[np.float32], lines: Sequence[LineString], area: NDArray[np.bool_], geobox: GeoBox) -> NDArray[np.float32]:
    """Return what a pixel differs from the line's own look: (y, x), zero outside `area` and where either neighbour along the line looks the same.

    A pixel is compared with the median of the ground before it and with that behind it, in the direction of the line there. It stands out by the
    smaller of both differences where they agree in sign, and not at all where they do not: so a wall, its shadow, a strip and a path vanish up to
    where they end, and a field's edge across the line vanishes too, while what is shorter along the line than half of the ground compared remains.

    Parameters
    ----------
    plane : (y, x) float32
        Filled: no NaN.
    lines : sequence of LineString
        In the CRS of `geobox`; needed for their direction only, so a few metres beside the wall is near enough.
    area : (y, x) bool
        Where the answer is wanted.
    geobox : GeoBox
    """
    out = np.zeros(plane.shape, np.float32)
    pixel = float(abs(geobox.affine.determinant) ** 0.5)
    reach = int(np.ceil(LOOK_M[1] / pixel)) + 2
    at, ahead, next_ones = _stations(lines, geobox, reach)
    if not len(at) or not area.any():
        return out
    # Blocks of pixels share a direction, hence the same few offsets into the flat plane: a look-up costs one addition.
    high, wide = (-(-n // CELL) * CELL for n in plane.shape)
    padded = np.pad(plane, ((reach, reach + high - plane.shape[0]), (reach, reach + wide - plane.shape[1])), mode="edge")
    wanted = np.pad(area, ((0, high - plane.shape[0]), (0, wide - plane.shape[1])))
    cells = np.argwhere(wanted.reshape(high // CELL, CELL, wide // CELL, CELL).any(axis=(1, 3)))
    ahead = _sharpened(padded, at + reach, ahead, pixel)
    _, nearest = cKDTree(at).query(cells * CELL + (CELL - 1) / 2)
    stride = padded.shape[1]
    inner = (np.arange(CELL)[:, None] * stride + np.arange(CELL)).ravel()
    base = ((cells[:, 0] * CELL + reach) * stride + cells[:, 1] * CELL + reach)[:, None] + inner
    flat = padded.ravel()
    here = flat[base]
    steps = np.linspace(LOOK_M[0], LOOK_M[1], SAMPLES) / pixel
    differences = []
    # The way ahead is that of the line further on, the way back that of the line before: at a corner they are those of its two sides.
    for sense, along in zip((1.0, -1.0), next_ones, strict=True):
        moved = np.rint(sense * steps[:, None, None] * ahead[along[nearest]]).astype(np.intp)
        values = np.empty((*base.shape, SAMPLES), np.float32)
        for sample, step in enumerate(moved):
            values[..., sample] = flat[base + (step @ (stride, 1))[:, None]]
        values.partition(SAMPLES // 2, axis=-1)
        differences.append(here - values[..., SAMPLES // 2])
    first, second = differences
    smaller = np.where(np.abs(first) < np.abs(second), first, second) * (first * second > 0)
    blocks = np.zeros((high // CELL, wide // CELL, CELL, CELL), np.float32)
    blocks[tuple(cells.T)] = smaller.reshape(-1, CELL, CELL)
    whole = blocks.swapaxes(1, 2).reshape(high, wide)[: plane.shape[0], : plane.shape[1]]
    np.copyto(out, whole, where=area)
    return out


def _stations(lines: Sequence[LineString], geobox: GeoBox, margin_px: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """Return stations on the lines in or near the grid.

    Returns
    -------
    at : (n, 2) float64
        (row, col).
    ahead : (n, 2) float64
        Unit vectors along the line.
    next_ones : (2, n) intp
        The station :data:`FURTHER` steps on, and the one as far before; the station itself where there is none.
    """
    places, directions, links, count = [], [], [], 0
    for line in lines:
        along = np.arange(0.0, line.length, STEP_M)
        ends = [along - CHORD_M, along + CHORD_M]
        ends = [e % line.length if line.is_ring else e.clip(0.0, line.length) for e in ends]
        middle, start, stop = (_pixels(line, s, geobox) for s in (along, *ends))
        chord = stop - start
        places.append(middle)
        directions.append(chord / np.maximum(np.hypot(*chord.T), 1e-9)[:, None])
        shifted = np.arange(len(along)) + np.array([[FURTHER], [-FURTHER]])
        links.append(count + (shifted % len(along) if line.is_ring else shifted.clip(0, len(along) - 1)))
        count += len(along)
    if not places:
        return np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((2, 0), np.intp)
    at, ahead, links_all = np.concatenate(places), np.concatenate(directions), np.concatenate(links, axis=1)
    near = ((at > -margin_px) & (at < np.array(geobox.shape) + margin_px)).all(axis=1)
    renumbered = np.where(near, np.cumsum(near) - 1, -1)
    next_ones = renumbered[links_all[:, near]]
    return at[near], ahead[near], np.where(next_ones < 0, np.arange(near.sum()), next_ones)


def _pixels(line: LineString, along: NDArray[np.float64], geobox: GeoBox) -> NDArray[np.float64]:
    """Return (n, 2) (row, col), pixel centres at integers, of the points at distances along a line."""
    points = shapely.line_interpolate_point(line, along)
    cols, rows = ~geobox.affine * (shapely.get_x(points), shapely.get_y(points))
    return np.stack([rows, cols], axis=1) - 0.5


def _sharpened(plane: NDArray[np.float32], at: NDArray[np.float64], ahead: NDArray[np.float64], pixel: float) -> NDArray[np.float64]:
    """Return the directions turned to that of the edges around each station: the weak axis of the structure tensor."""
    long, wide = (np.arange(-half, half + 0.5, 1.0) / pixel for half in PATCH_M)
    beside = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
    points = at[:, None, None] + long[:, None, None] * ahead[:, None, None] + wide[:, None] * beside[:, None, None]
    rows, cols = (np.rint(points[..., k]).astype(np.intp).clip(1, plane.shape[k] - 2) for k in (0, 1))
    down = (plane[rows + 1, cols] - plane[rows - 1, cols]).astype(np.float64)
    right = (plane[rows, cols + 1] - plane[rows, cols - 1]).astype(np.float64)
    rr, cc, rc = ((a * b).sum(axis=(1, 2)) for a, b in ((down, down), (right, right), (down, right)))
    # The strong axis of the gradients lies across the edges; a quarter turn from it they run.
    angle = 0.5 * np.arctan2(2.0 * rc, rr - cc) + np.pi / 2.0
    turned = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    turned *= np.where((turned * ahead).sum(axis=1) < 0, -1.0, 1.0)[:, None]
    fits = (turned * ahead).sum(axis=1) > np.cos(np.deg2rad(LARGEST_TURN_DEG))
    return np.where(fits[:, None], turned, ahead)
