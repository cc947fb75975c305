"""Ground of one image, looked at where it is asked for: how much each place of a lattice looks like a line, and what a found line looks like."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from shapely import clip_by_rect, contains_xy

from camwatch.detect._course_cells import cell_m_of, cells_of, sensor_m_of
from camwatch.detect._course_lattice import Lattice
from camwatch.detect._course_profile import EXTRAS, MARGIN, MOVES, SIDE, Perceptron, extras, free_inputs, lattice_inputs

if TYPE_CHECKING:
    from affine import Affine
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from camwatch.imagery.image import Image

TILE = 144
"""Cells on a side of what is looked at at once."""
LATTICE = 3
"""Cells between the places that are looked at."""
REACH = 26
"""Cells that a profile and its averages reach at most."""
GATHER_M, GATHER_PX = 25.0, 10.0
"""Length over which what is seen along a line is averaged, and of how many pixels of the sensor at least."""


@dataclass(frozen=True, slots=True, eq=False)
class _Tile:
    """Tone and validity of a tile with its margin, and of its lattice what is known so far."""

    tone: NDArray[np.float32]
    valid: NDArray[np.bool_]
    like: NDArray[np.float32]
    known: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """An image and the perceptron that looks at it; tiles once looked at are kept."""

    image: Image
    perceptron: Perceptron
    tiles: dict[tuple[int, int], _Tile] = field(default_factory=dict)

    @property
    def cell_m(self) -> float:
        return cell_m_of(self.image)

    @property
    def sensor_m(self) -> float:
        return sensor_m_of(self.image)

    @property
    def gather_m(self) -> float:
        """Length over which what is seen along a line is averaged, in metres."""
        return max(GATHER_M, GATHER_PX * self.sensor_m)

    @property
    def transform(self) -> Affine:
        """Cell (col, row) → map (x, y)."""
        return self.image.geobox.affine * self.image.geobox.affine.scale(self.cell_m / self.image.pixel_m)

    def _tile(self, place: tuple[int, int]) -> _Tile:
        if place not in self.tiles:
            tone, valid = cells_of(self.image, place[0] * TILE - MARGIN, place[1] * TILE - MARGIN, TILE + 2 * MARGIN)
            side = TILE // LATTICE
            self.tiles[place] = _Tile(tone, valid, np.zeros((side, side, len(MOVES)), np.float32), np.zeros((side, side), bool))
        return self.tiles[place]

    def lattice(self, region: BaseGeometry) -> Lattice:
        """Return the places of a region."""
        inverse = ~self.transform
        west, south, east, north = region.bounds
        cols, rows = zip(*(inverse * corner for corner in ((west, south), (west, north), (east, south), (east, north))), strict=True)
        found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_]]] = []
        for top in range(int(np.floor(min(rows) / TILE)), int(np.floor(max(rows) / TILE)) + 1):
            for left in range(int(np.floor(min(cols) / TILE)), int(np.floor(max(cols) / TILE)) + 1):
                inside = self._inside(region, top, left)
                if inside.any():
                    row, col = np.nonzero(inside)
                    like, valid = self._looked(top, left, row, col)
                    found.append((row + top * TILE // LATTICE, col + left * TILE // LATTICE, like, valid))
        if not found:
            none = np.zeros(0, np.int64)
            return Lattice(none, none, np.zeros((0, 2)), np.zeros((0, len(MOVES)), np.float32), np.zeros(0, bool), LATTICE * self.cell_m)
        row, col, like, valid = (np.concatenate(each) for each in zip(*found, strict=True))
        order = np.lexsort((col, row))
        row, col = row[order], col[order]
        grid, x, y = self.transform, col * LATTICE + 0.5, row * LATTICE + 0.5
        point = np.column_stack([grid.a * x + grid.b * y + grid.c, grid.d * x + grid.e * y + grid.f])
        return Lattice(row, col, point, like[order], valid[order], LATTICE * self.cell_m)

    def _inside(self, region: BaseGeometry, top: int, left: int) -> NDArray[np.bool_]:
        """Return which places of a tile lie in a region."""
        transform = self.transform
        x0, y0 = transform * (left * TILE, top * TILE)
        x1, y1 = transform * ((left + 1) * TILE, (top + 1) * TILE)
        piece = clip_by_rect(region, min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        side = TILE // LATTICE
        if piece.is_empty:
            return np.zeros((side, side), bool)
        row, col = np.mgrid[0:side, 0:side]
        x, y = transform * (left * TILE + col * LATTICE + 0.5, top * TILE + row * LATTICE + 0.5)
        return np.asarray(contains_xy(piece, x, y))

    def _looked(self, top: int, left: int, row: NDArray[np.intp], col: NDArray[np.intp]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        tile = self._tile((top, left))
        new = ~tile.known[row, col]
        if new.any():
            at = row[new], col[new]
            tone, flat = _reached(tile.tone, *at)
            told = extras(np.array([np.arctan2(-move[0], move[1]) for move in MOVES]), self.image.sun, self.sensor_m)
            for way, (move, one) in enumerate(zip(MOVES, told, strict=True)):
                tile.like[(*at, way)] = self.perceptron(lattice_inputs(tone, flat, move, one))[0]
            tile.known[at] = True
        valid = tile.valid[row * LATTICE + MARGIN, col * LATTICE + MARGIN]
        return np.where(valid[:, None], tile.like[row, col], 0), valid

    def profiles(self, lattice: Lattice, place: NDArray[np.intp], way: NDArray[np.intp]) -> NDArray[np.float32]:
        """Return the profiles (n, 27) across some places of a lattice of this ground, each in one of MOVES, the mean of those ahead and behind."""
        out = np.empty((len(place), 2 * SIDE + 1), np.float32)
        side = TILE // LATTICE
        row, col = lattice.row[place], lattice.col[place]
        keys = (row // side * 100_000 + col // side) * len(MOVES) + way
        order = np.argsort(keys, kind="stable")
        for here in np.split(order, np.flatnonzero(np.diff(keys[order])) + 1):
            at = int(row[here[0]]) // side, int(col[here[0]]) // side
            tone, flat = _reached(self._tile(at).tone, row[here] - at[0] * side, col[here] - at[1] * side)
            both = lattice_inputs(tone, flat, MOVES[way[here[0]]], np.zeros((1, EXTRAS), np.float32))
            out[here] = 0.5 * (both[:, : 2 * SIDE + 1] + both[:, 2 * SIDE + 1 : -EXTRAS])
        return out

    def along(self, points: NDArray[np.float64], heading: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.bool_]]:
        """Return what places (n, 2) look like along a heading (n,): likeness, metres to the line on the right, and whether it is observed."""
        inverse = ~self.transform
        col = inverse.a * points[:, 0] + inverse.b * points[:, 1] + inverse.c
        row = inverse.d * points[:, 0] + inverse.e * points[:, 1] + inverse.f
        top, left = np.floor(row / TILE).astype(int), np.floor(col / TILE).astype(int)
        like, offset, valid = np.zeros(len(points), np.float32), np.zeros(len(points)), np.zeros(len(points), bool)
        told = extras(heading, self.image.sun, self.sensor_m)
        keys = top * 100_000 + left
        for key in np.unique(keys):
            here = np.flatnonzero(keys == key)
            place = int(top[here[0]]), int(left[here[0]])
            tile = self._tile(place)
            at = np.column_stack([row[here] - place[0] * TILE, col[here] - place[1] * TILE]) + (MARGIN - 0.5)
            chance, aside = self.perceptron(free_inputs(tile.tone, at, heading[here], told[here]))
            seen = tile.valid[np.round(at[:, 0]).astype(int), np.round(at[:, 1]).astype(int)]
            like[here], offset[here], valid[here] = np.where(seen, chance, 0), np.where(seen, aside, 0) * self.cell_m, seen
        return like, offset, valid


def _reached(tone: NDArray[np.float32], row: NDArray[np.int64], col: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the part of a tile's tone that the profiles of some places of its lattice reach, and where in it, flattened, each place lies."""
    near = [slice(LATTICE * each.min() + MARGIN - REACH, LATTICE * each.max() + MARGIN + REACH + 1) for each in (row, col)]
    part = np.ascontiguousarray(tone[tuple(near)])
    return part, (row - row.min()) * LATTICE * part.shape[1] + (col - col.min()) * LATTICE + REACH * (part.shape[1] + 1)
