"""What lies on each cell of a tile: its cover, how bright and how green it is, and the crowns that stand on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from odc.geo.geobox import GeoBox
from shapely import get_coordinates

from camwatch.rasters import mask_of
from camwatch.render.land import CODE
from camwatch.render.texture import crown

if TYPE_CHECKING:
    from affine import Affine
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from camwatch.render.world import Moment, Patch


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """One tile's cells: centres, which cover, how bright, how green."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    cell_m: float
    cover: NDArray[np.uint8]
    tone: NDArray[np.float32]
    vigour: NDArray[np.float32]


def cells_of(moment: Moment, cells: Affine, shape: tuple[int, int], *, detail: bool) -> Cells:
    """Return what lies on the cells of a grid (its affine and shape) at a moment; `detail` draws furrows where the cells can show them."""
    world = moment.world
    x = cells.c + cells.a * (np.arange(shape[1], dtype=np.float64) + 0.5)
    y = cells.f + cells.e * (np.arange(shape[0], dtype=np.float64) + 0.5)
    steep = world.slope.at(x, y) + world.texture.noise(x - 5000, y, {120.0: 0.06, 30.0: 0.04})
    cover = np.where(steep > 0.5, np.uint8(CODE["forest"]), np.uint8(CODE["scrub"]))
    ground = Cells(x, y, abs(cells.a), cover, np.zeros(shape, np.float32), np.zeros(shape, np.float32))
    bounds = (cells.c, cells.f + shape[0] * cells.e, cells.c + shape[1] * cells.a, cells.f)
    for number, patch in moment.patches_in(bounds):
        _paint(ground, cells, (number, patch), steep, world.crs, furrows=detail and ground.cell_m < 0.8)
    return ground


def _paint(ground: Cells, cells: Affine, numbered: tuple[int, Patch], steep: NDArray[np.float32], crs: str, *, furrows: bool) -> None:
    number, patch = numbered
    left, bottom, right, top = patch.geometry.bounds
    inverse = ~cells
    (c0, r0), (c1, r1) = inverse @ (left, top), inverse @ (right, bottom)
    r0, r1 = max(int(r0) - 1, 0), min(int(r1) + 2, ground.cover.shape[0])
    c0, c1 = max(int(c0) - 1, 0), min(int(c1) + 2, ground.cover.shape[1])
    if r1 <= r0 or c1 <= c0:
        return
    window = (slice(r0, r1), slice(c0, c1))
    mask = _inside(patch.geometry, ground.x[window[1]], ground.y[window[0]])
    if mask is None:
        mask = mask_of(patch.geometry, GeoBox((r1 - r0, c1 - c0), cells @ cells.translation(c0, r0), crs))
    if patch.lowland:
        mask &= steep[window] < 0.3
    tone: Any = np.float32(patch.tone)
    if furrows and patch.rows_deg is not None:
        a, pitch = np.radians(patch.rows_deg), 2.2 + 0.35 * (number % 5)
        phase = (ground.x[window[1]] * np.cos(a))[None] - (ground.y[window[0]] * np.sin(a))[:, None]
        # Ridges come in sets of a few metres; the slow wave keeps them from looking ruled.
        tone = tone + np.float32(0.045) * np.sin((phase % (pitch * 4096)).astype(np.float32) * np.float32(2 * np.pi / pitch))
    np.copyto(ground.cover[window], np.uint8(CODE[patch.cover]), where=mask)
    np.copyto(ground.tone[window], tone, where=mask)
    np.copyto(ground.vigour[window], np.float32(patch.vigour), where=mask)


def _inside(geometry: BaseGeometry, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_] | None:
    """Return the cells whose centre lies in a convex quadrangle, None for any other shape; most patches are fields, and this is 20 times faster."""
    corners = get_coordinates(geometry)
    if len(corners) != 5:
        return None
    sides = np.diff(corners, axis=0)
    turns = sides[:, 0] * np.roll(sides[:, 1], -1) - sides[:, 1] * np.roll(sides[:, 0], -1)
    if not (np.all(turns > 0) or np.all(turns < 0)):
        return None
    sign = 1.0 if turns[0] > 0 else -1.0
    inside = np.ones((len(y), len(x)), bool)
    for (px, py), (dx, dy) in zip(corners[:-1], sides * sign, strict=True):
        inside &= (dx * (y - py))[:, None] >= (dy * (x - px))[None]
    return inside


def crowns_on(moment: Moment, ground: Cells) -> NDArray[np.float32]:
    """Return the heights of the crowns on a tile, and give the cells under them the cover of a crown."""
    world = moment.world
    heights = world.canopy.heights(ground.x, ground.y)
    gaps = world.texture.noise(ground.x, ground.y - 7000, {45.0: 0.8, 15.0: 0.5})
    heights = heights * (ground.cover == CODE["forest"]) * (gaps > -1.1)
    bounds = (ground.x[0], ground.y[-1], ground.x[-1], ground.y[0])
    grown = (bounds[0] - 6, bounds[1] - 6, bounds[2] + 6, bounds[3] + 6)
    for dx, dy, radius, tall in moment.trees_in(grown):
        col, row = (world.centre[0] + float(dx) - ground.x[0]) / ground.cell_m, (ground.y[0] - world.centre[1] - float(dy)) / ground.cell_m
        stamp = crown(float(radius), float(tall), ground.cell_m, (row - round(row), col - round(col)))
        reach = stamp.shape[0] // 2
        r, c = round(row) - reach, round(col) - reach
        r0, r1, c0, c1 = max(r, 0), min(r + stamp.shape[0], heights.shape[0]), max(c, 0), min(c + stamp.shape[1], heights.shape[1])
        if r1 > r0 and c1 > c0:
            np.maximum(heights[r0:r1, c0:c1], stamp[r0 - r : r1 - r, c0 - c : c1 - c], out=heights[r0:r1, c0:c1])
    ground.cover[heights > 0.5] = CODE["crown"]
    return np.asarray(heights, np.float32)
