"""Texture fixed to the ground: the same place looks alike at every date, on every grid and in every tile."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from camwatch.render.optics import pooled

if TYPE_CHECKING:
    from numpy.typing import NDArray

TABLE = 512


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """Values at the nodes of a square lattice in map coordinates, read in between by bilinear interpolation.

    Attributes
    ----------
    values : (row, col) float32
        Rows run north to south.
    left, top : float
        Map coordinates of the first node.
    cell_m : float
    periodic : bool
        Repeats for ever instead of holding its edge values.
    """

    values: NDArray[np.float32]
    left: float
    top: float
    cell_m: float
    periodic: bool = False

    def at(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return (len(y), len(x)) float32 on the grid spanned by map coordinates `x` (columns) and `y` (rows)."""
        low, high, part = self._along((self.top - y) / self.cell_m, 0)
        left, right, across = self._along((x - self.left) / self.cell_m, 1)
        rows = np.take(self.values, low, axis=0)
        rows += part[:, None] * (np.take(self.values, high, axis=0) - rows)
        out: NDArray[np.float32] = np.take(rows, left, axis=1)
        out += across * (np.take(rows, right, axis=1) - out)
        return out

    def _along(self, position: NDArray[np.float64], axis: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
        size = self.values.shape[axis]
        if not self.periodic:
            position = np.clip(position, 0, size - 1)
        low = np.floor(position).astype(np.intp)
        part = (position - low).astype(np.float32)
        high = low + 1
        return (low % size, high % size, part) if self.periodic else (low, np.minimum(high, size - 1), part)


def noise_table(seed: int) -> NDArray[np.float32]:
    """Return a (512, 512) float32 table of white noise, mean 0 and standard deviation 1."""
    return np.random.default_rng(seed).standard_normal((TABLE, TABLE), dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Texture:
    """Noise of several grain sizes from one table; grains finer than a cell of the asking grid are left out, as a sensor would average them."""

    table: NDArray[np.float32]

    def noise(self, x: NDArray[np.float64], y: NDArray[np.float64], grains: dict[float, float]) -> NDArray[np.float32]:
        """Return (len(y), len(x)) float32: the sum over `grains` {size in metres: amplitude}."""
        cell = abs(float(x[1] - x[0])) if len(x) > 1 else 1.0
        total = np.zeros((len(y), len(x)), np.float32)
        coarse: list[tuple[Lattice, float]] = []
        for number, (size, amplitude) in enumerate(sorted(grains.items())):
            if size < 0.75 * cell:
                # White below the cell: averaging n grains leaves 1/sqrt(n) = size/cell of it, at the cell's own size.
                amplitude, size = amplitude * size / cell, cell  # noqa: PLW2901 the grain that is left
            lattice = Lattice(self.table, 37.0 * number, -91.0 * number, size, periodic=True)
            if size >= 8 * cell and min(len(x), len(y)) > 16:
                coarse.append((lattice, amplitude))
            else:
                total += np.float32(amplitude) * lattice.at(x, y)
        if coarse:
            # Grains of eight cells and more are summed on every fourth cell first: one fine interpolation instead of one each.
            step = 4 * cell
            xs, ys = np.arange(x[0], x[-1] + 2 * step, step), np.arange(y[0], y[-1] - 2 * step, -step)
            summed = np.zeros((len(ys), len(xs)), np.float32)
            for lattice, amplitude in coarse:
                summed += np.float32(amplitude) * lattice.at(xs, ys)
            total += Lattice(summed, float(x[0]), float(y[0]), step).at(x, y)
        return total


@dataclass(frozen=True, slots=True, eq=False)
class Canopy:
    """A periodic piece of forest: crown heights, with coarser versions for coarser grids."""

    levels: tuple[Lattice, ...] = field(default_factory=tuple)

    def heights(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return (len(y), len(x)) float32 crown heights in metres, 0 between crowns."""
        cell = abs(float(x[1] - x[0])) if len(x) > 1 else 1.0
        level = int(np.clip(np.floor(np.log2(max(cell / self.levels[0].cell_m, 1.0) * 1.01)), 0, len(self.levels) - 1))
        return self.levels[level].at(x, y)


def crown(radius_m: float, height_m: float, cell_m: float, offset: tuple[float, float]) -> NDArray[np.float32]:
    """Return a square stamp of crown heights: a dome over a quarter of the height; `offset` (row, col) in cells shifts its centre."""
    reach = int(np.ceil(radius_m / cell_m)) + 1
    k = np.arange(-reach, reach + 1, dtype=np.float32)
    squared = ((k[:, None] - offset[0]) ** 2 + (k - offset[1]) ** 2) * (cell_m / radius_m) ** 2
    return np.asarray(height_m * (0.25 + 0.75 * np.sqrt(np.clip(1 - squared, 0, None))) * (squared < 1), np.float32)


def forest(seed: int, *, side_m: float = 192.0, cell_m: float = 0.5, spacing_m: float = 4.6) -> Canopy:
    """Return a periodic piece of mixed forest whose crowns are 1.5 to 4 m wide and 5 to 12 m high."""
    rng = np.random.default_rng(seed)
    size = int(side_m / cell_m)
    heights = np.zeros((size, size), np.float32)
    count = int((side_m / spacing_m) ** 2 * 1.15)
    for row, col, radius, tall in zip(
        rng.uniform(0, size, count),
        rng.uniform(0, size, count),
        rng.gamma(6, 0.42, count).clip(1.3, 4.5),
        rng.normal(8, 1.8, count).clip(4, 13),
        strict=True,
    ):
        stamp = crown(radius, tall, cell_m, (row % 1, col % 1))
        reach = stamp.shape[0] // 2
        window = np.ix_((np.arange(-reach, reach + 1) + int(row)) % size, (np.arange(-reach, reach + 1) + int(col)) % size)
        heights[window] = np.maximum(heights[window], stamp)
    levels = [Lattice(heights, 0.0, 0.0, cell_m, periodic=True)]
    while levels[-1].values.shape[0] > 48 and levels[-1].values.shape[0] % 2 == 0:
        last = levels[-1]
        levels.append(Lattice(pooled(last.values, 2), last.left + last.cell_m / 2, last.top - last.cell_m / 2, last.cell_m * 2, periodic=True))
    return Canopy(tuple(levels))
