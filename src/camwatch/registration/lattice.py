"""Something smooth over a grid, known on a coarse lattice of nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from affine import Affine
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """Values on nodes, and between them.

    Attributes
    ----------
    nodes : Affine
        Node (column, row) of the lattice → pixel (col, row) of the grid, pixel centres at integers.
    values : (rows, cols, k) float64
        With `order` 1 the values at the nodes; with `order` 3 the coefficients of a cubic B-spline, twice continuously differentiable.
    order : {1, 3}
    """

    nodes: Affine
    values: NDArray[np.float64]
    order: Literal[1, 3]

    @classmethod
    def over(cls, shape: tuple[int, int], step: float, values: NDArray[np.float64], order: Literal[1, 3]) -> Lattice:
        """Return the lattice whose k-th node lies at pixel k·step − ½ of a grid of `shape`, from what holds at the nodes, (rows, cols, k).

        There must be a node on or beyond each edge: as many as :meth:`counts` says.
        """
        if values.shape[:2] != cls.counts(shape, step):
            raise ValueError(f"lattice values: got {values.shape[:2]} nodes; expected {cls.counts(shape, step)}")
        nodes = Affine.translation(-0.5, -0.5) * Affine.scale(step)
        return cls(nodes, values if order == 1 else _coefficients(values), order)

    @staticmethod
    def counts(shape: tuple[int, int], step: float) -> tuple[int, int]:
        """Return how many (rows, columns) of nodes cover a grid of `shape`."""
        rows, cols = (max(2, int(np.ceil(n / step - 1e-9)) + 1) for n in shape)
        return rows, cols

    def places(self) -> NDArray[np.float64]:
        """Return the pixels (col, row) of the nodes, (rows · cols, 2), row by row."""
        rows, cols = self.values.shape[:2]
        i, j = np.meshgrid(np.arange(cols), np.arange(rows))
        n = self.nodes
        return np.stack([n.a * i + n.b * j + n.c, n.d * i + n.e * j + n.f], axis=-1).reshape(-1, 2).astype(np.float64)

    def at(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values (n, k) at pixels (n, 2) in (col, row) order; they are mirrored at the outermost nodes, as smooth there as elsewhere."""
        back = ~self.nodes
        x, y = points[:, 0], points[:, 1]
        place = np.stack([back.d * x + back.e * y + back.f, back.a * x + back.b * y + back.c])
        found = [ndimage.map_coordinates(plane, place, order=self.order, prefilter=False, mode="mirror") for plane in np.moveaxis(self.values, 2, 0)]
        return np.stack(found, axis=1)

    def raster(self, cols: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the values (k, y, x) at every crossing of pixel columns (x,) and rows (y,); for cubic lattices along the axes of the grid."""
        height, width = self.values.shape[:2]
        n = self.nodes
        across, down = _cubic((cols - n.c) / n.a, width), _cubic((rows - n.f) / n.e, height)
        return np.asarray(down @ np.moveaxis(self.values, 2, 0) @ across.T, np.float32)

    @classmethod
    def basis(cls, shape: tuple[int, int], step: float, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each node of a cubic lattice :meth:`over` a grid adds at pixels (n, 2) when 1 holds at it, (n, rows · cols)."""
        parts = []
        for place, count in zip(points.T[::-1], cls.counts(shape, step), strict=True):
            unit = ndimage.spline_filter1d(np.eye(count), 3, axis=0, output=np.float64, mode="mirror")
            parts.append(_cubic((place + 0.5) / step, count) @ unit)
        down, across = parts
        return np.asarray((down[:, :, None] * across[:, None]).reshape(len(points), -1), np.float64)

    def on(self, step: Affine, values: NDArray[np.float64]) -> Lattice:
        """Return the lattice counted on another grid, `step` leading from old to new pixels, with `values` in the new grid's units."""
        return Lattice(step * self.nodes, values, self.order)

    def as_json(self) -> dict[str, Any]:
        """Return the lattice as numbers."""
        return {"nodes": list(self.nodes)[:6], "order": self.order, "values": np.round(self.values, 6).tolist()}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Lattice:
        """Return the lattice that :meth:`as_json` wrote."""
        return cls(Affine(*record["nodes"]), np.array(record["values"], float), record["order"])


def _coefficients(values: NDArray[np.float64]) -> NDArray[np.float64]:
    planes = [ndimage.spline_filter(plane, 3, output=np.float64, mode="mirror") for plane in np.moveaxis(values, 2, 0)]
    return np.stack(planes, axis=2)


def _cubic(place: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return the weights (n, count) of cubic B-spline coefficients at places counted in nodes, mirrored at the first and the last."""
    first = np.floor(place).astype(int)
    t = place - first
    pieces = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    out, line = np.zeros((len(place), count)), np.arange(len(place))
    for k, piece in enumerate(pieces):
        node = (first + k - 1) % (2 * (count - 1))
        np.add.at(out, (line, np.minimum(node, 2 * (count - 1) - node)), piece / 6)
    return out
