"""Where a reference pixel lies in the moving image: an affine, and where one was found a smooth field upon it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from scipy import ndimage

from camwatch.registration._planes import to_level
from camwatch.registration._spline import nearly_shifted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.registration.lattice import Lattice


@dataclass(frozen=True, slots=True, eq=False)
class Warp:
    """Reference pixel → moving pixel of one level, (col, row).

    Attributes
    ----------
    matrix : (3, 3) float64
    field : Lattice or None
        What moving content lies further right and down (pixels of the level) than the matrix says; cubic, its nodes along the axes of the level.
    """

    matrix: NDArray[np.float64]
    field: Lattice | None = None

    def at(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the moving pixels (n, 2) of reference pixels (n, 2)."""
        out = points @ self.matrix[:2, :2].T + self.matrix[:2, 2]
        return np.asarray(out if self.field is None else out + self.field.at(points), np.float64)

    def near(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the matrix (3, 3) that touches the warp at one reference pixel (2,)."""
        out = self.matrix.copy()
        if self.field is not None:
            step = abs(self.field.nodes.a) / 8
            here, right, left, down, up = self.field.at(point + step * np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]]))
            slope = np.stack([right - left, down - up], axis=1) / (2 * step)
            out[:2, :2] += slope
            out[:2, 2] += here - slope @ point
        return out

    def finer(self) -> Warp:
        """Return the same on the next finer level."""
        up = to_level(1)
        matrix = np.asarray(up @ self.matrix @ np.linalg.inv(up), np.float64)
        if self.field is None:
            return Warp(matrix)
        return Warp(matrix, self.field.on(Affine(*up[0], *up[1]), 2 * self.field.values))

    def coarser(self) -> Warp:
        """Return the same on the next coarser level."""
        down = np.linalg.inv(to_level(1))
        matrix = np.asarray(down @ self.matrix @ np.linalg.inv(down), np.float64)
        if self.field is None:
            return Warp(matrix)
        return Warp(matrix, self.field.on(Affine(*down[0], *down[1]), self.field.values / 2))

    def places(self, origin: NDArray[np.float64], frame: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the moving (col, row) of the pixels of a `frame` whose first is reference pixel `origin`; each broadcasts to (y, x)."""
        cols, rows = np.arange(frame[1]) + origin[0], np.arange(frame[0]) + origin[1]
        x, y = (line[0] * cols[None] + (line[1] * rows[:, None] + line[2]) for line in self.matrix[:2])
        if self.field is not None:
            right, down = self.field.raster(cols, rows)
            x, y = x + right, y + down
        return np.asarray(x, np.float32), np.asarray(y, np.float32)

    def reach(self, origin: NDArray[np.float64], frame: tuple[int, int]) -> NDArray[np.float64]:
        """Return the least and the largest moving (col, row) that a frame touches, (2, 2)."""
        x, y = np.meshgrid(np.linspace(0, frame[1], 9) + origin[0], np.linspace(0, frame[0], 9) + origin[1])
        found = self.at(np.stack([x.ravel(), y.ravel()], axis=1))
        return np.array([found.min(axis=0), found.max(axis=0)])

    def sample(
        self, source: NDArray[np.float32], start: NDArray[np.float64], origin: NDArray[np.float64], frame: tuple[int, int], order: int
    ) -> NDArray[np.float32]:
        """Return the moving image on a `frame` whose first pixel is reference pixel `origin`, (y, x) float32.

        `source` is the moving image (its spline coefficients when `order` is 3) from pixel `start` (col, row) on.
        """
        if self.field is not None:
            x, y = self.places(origin, frame)
            place = np.stack([np.broadcast_to(y - start[1], frame), np.broadcast_to(x - start[0], frame)])
            found: NDArray[np.float32] = ndimage.map_coordinates(source, place, order=order, prefilter=False, output=np.float32, mode="mirror")
            return found
        local = moved(-start) @ self.matrix @ moved(origin)
        quick = nearly_shifted(source, local, frame, order)
        if quick is not None:
            return quick
        out: NDArray[np.float32] = ndimage.affine_transform(
            source, local[1::-1, 1::-1], local[1::-1, 2], output_shape=frame, order=order, prefilter=False, output=np.float32, mode="mirror"
        )
        return out

    def inside(self, origin: NDArray[np.float64], frame: tuple[int, int], shape: tuple[int, int], margin: float) -> NDArray[np.float32]:
        """Return how safely the pixels of a `frame` fall inside a moving image of `shape`: 0 within `margin` of its border, 1 eight pixels on."""
        x, y = self.places(origin, frame)
        depth = np.minimum(np.minimum(x, shape[1] - 1 - x), np.minimum(y, shape[0] - 1 - y))
        return smooth((depth - np.float32(margin)) / np.float32(8))


def moved(by: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the shift (3, 3) by (col, row)."""
    return np.array([[1, 0, by[0]], [0, 1, by[1]], [0, 0, 1]])


def smooth(ramp: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 0 below 0, 1 above 1, and a curve without kinks between."""
    t = np.clip(ramp, 0, 1)
    return t * t * (3 - 2 * t)
