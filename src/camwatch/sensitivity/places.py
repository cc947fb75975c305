"""Where objects are planted, and what they look like."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from shapely import box, union_all
from shapely.geometry import Point

from camwatch.rasters import mask_of
from camwatch.render import Solid
from camwatch.render.solids import Material, Roof

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox
    from shapely.geometry import Polygon
    from shapely.geometry.base import BaseGeometry

    from camwatch.findings import Findings
    from camwatch.imagery.image import Image

Kind = Literal["structure", "tower"]

BATCHES = 2
"""Parts in which objects are planted, each of them once into either image; with one unplanted search and one of control ground that makes six."""

TRIES = 200
"""Places tried for an object before it is left out."""

ROOFS: tuple[Roof, ...] = get_args(Roof)
MATERIALS: tuple[Material, ...] = get_args(Material)

GAP_M: dict[Kind, float] = {"structure": 14.0, "tower": 12.0}
"""Free ground around a planted object, in metres: room for its shadow, so that objects do not disturb one another."""

STRUCTURE_SHAPE = (16.0, 7.0)
"""Length and width of a camp house; planted buildings have this proportion."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where objects may be planted.

    Attributes
    ----------
    free : (y, x) bool
        Pixels that an object may cover.
    geobox : GeoBox
    line : geometry or None
        The line along which towers stand; None = anywhere on free ground.
    """

    free: NDArray[np.bool_]
    geobox: GeoBox
    line: BaseGeometry | None


def free_ground(kind: Kind, places: BaseGeometry, before: Image, after: Image, plain: Findings) -> Ground:
    """Return the ground in `places` that was searched and on which nothing was reported; `plain` are the findings of the pair as it is."""
    grid = before.geobox
    usable = before.valid & after.valid & np.isfinite(plain.score)
    taken = union_all([r.geometry.buffer(GAP_M[kind]) for r in plain.records if r.change != "not_observed"])
    usable &= ~mask_of(taken, grid)
    if kind == "structure":
        return Ground(usable & mask_of(places, grid), grid, None)
    line = places.intersection(box(*grid.extent.boundingbox))
    if line.length == 0:
        return Ground(np.zeros_like(usable), grid, None)
    return Ground(usable, grid, line)


def scatter(kind: Kind, sizes: Sequence[float], per_size: int, ground: Ground, rng: np.random.Generator) -> list[tuple[int, Solid]]:
    """Draw (batch, solid): on free ground, apart from one another within a batch; fewer than asked for where there is no room."""
    drawn: list[tuple[int, Solid]] = []
    occupied: list[list[tuple[float, float, float]]] = [[] for _ in range(BATCHES)]
    # Sizes take turns, so that all get the same share of the room there is.
    for number in range(per_size):
        for size in reversed(sizes):
            batch = number % BATCHES
            solid = _place(kind, size, ground, occupied[batch], rng)
            if solid is not None:
                drawn.append((batch, solid))
                occupied[batch].append((solid.x, solid.y, math.hypot(solid.length_m, solid.width_m) / 2))
    return drawn


def _place(kind: Kind, size: float, ground: Ground, occupied: Sequence[tuple[float, float, float]], rng: np.random.Generator) -> Solid | None:
    taken = np.array(occupied, float).reshape(-1, 3)
    for x, y, azimuth in _candidates(ground, rng):
        solid = _solid(kind, size, (x, y, azimuth), rng)
        radius = math.hypot(solid.length_m, solid.width_m) / 2
        apart = np.hypot(taken[:, 0] - x, taken[:, 1] - y) >= taken[:, 2] + radius + GAP_M[kind]
        if apart.all() and _lies_on(solid.footprint, ground):
            return solid
    return None


def _candidates(ground: Ground, rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Return (x, y, azimuth in degrees) of random places: pixels of free ground, or points on the line with its direction."""
    if ground.line is not None:
        points = []
        for along in rng.random(TRIES) * ground.line.length:
            at, ahead = _on(ground.line, along), _on(ground.line, min(along + 1.0, ground.line.length))
            points.append((at.x, at.y, math.degrees(math.atan2(ahead.x - at.x, ahead.y - at.y)) % 180))
        return points
    rows, cols = np.nonzero(ground.free)
    if not len(rows):
        return []
    picks = rng.integers(len(rows), size=TRIES)
    turns = rng.random(TRIES) * 180
    centres = [ground.geobox.affine * (float(cols[i]) + 0.5, float(rows[i]) + 0.5) for i in picks]
    return [(float(x), float(y), float(a)) for (x, y), a in zip(centres, turns, strict=True)]


def _on(line: BaseGeometry, along: float) -> Point:
    """Return the point at a distance along a line of one or several parts."""
    for part in getattr(line, "geoms", [line]):
        if along <= part.length:
            return Point(part.interpolate(along))
        along -= part.length
    return Point(part.interpolate(part.length))


def _lies_on(footprint: Polygon, ground: Ground) -> bool:
    """Whether all corners of a footprint and its centre lie on free ground."""
    height, width = ground.free.shape
    for x, y in [*footprint.exterior.coords[:-1], (footprint.centroid.x, footprint.centroid.y)]:
        col, row = ~ground.geobox.affine * (x, y)
        if not (0 <= row < height and 0 <= col < width and ground.free[int(row), int(col)]):
            return False
    return True


def _solid(kind: Kind, size: float, at: tuple[float, float, float], rng: np.random.Generator) -> Solid:
    """Return an object of a size at (x, y, azimuth): houses long and low with a gable; towers tall, about square, under any roof; dull to bright."""
    x, y, azimuth = at
    if kind == "tower":
        return _tower(size, at, rng)
    bright = float(rng.uniform(0.15, 0.4))
    length, width = STRUCTURE_SHAPE
    wide = size * width / length
    return Solid("building", x, y, size, wide, 2.5 + wide / 4, azimuth_deg=azimuth, roof="gable", material="tile", roof_reflectance=bright)


def _tower(size: float, at: tuple[float, float, float], rng: np.random.Generator) -> Solid:
    """Return a guard tower: nobody knows beforehand what those of a camp look like, so they are of all sorts, and few are easy to see."""
    x, y, azimuth = at
    height, wide = float(rng.uniform(5, 12)), size * float(rng.uniform(0.8, 1.0))
    roof, material = ROOFS[rng.integers(len(ROOFS))], MATERIALS[rng.integers(len(MATERIALS))]
    bright, wall = float(np.exp(rng.uniform(np.log(0.10), np.log(0.6)))), float(rng.uniform(0.15, 0.5))
    return Solid("tower", x, y, size, wide, height, azimuth, roof, float(rng.uniform(0.1, 0.5)), material, bright, wall)
