"""Where an outline that is far off belongs: moved and scaled as a whole to where most of a line is seen along it.

A path is led astray by whatever is seen for some hundred metres in a wide band; a whole outline is not, because all of its sides must be seen at
once at the places that its shape gives them. That is a generalised Hough transform (doi:10.1016/0031-3203(81)90009-1) over shifts and sizes, from
coarse to fine. How far the best place stands out from all others says whether there is a line of that shape at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import maximum_filter

from camwatch.detect._course_profile import MOVES
from camwatch.detect._course_ring import resample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.detect._course_lattice import Lattice

APART_M = 40.0
"""Two placements whose outlines lie farther apart, or by 0.6 of what is searched, are not one."""
ACROSS = 16
"""Steps from the middle to the edge of what is searched at the coarsest level."""
SHAPE_M = 6.0
"""How far the shape itself may be off here and there."""
KEPT = 400
"""Placements that are looked at more closely, and as many of those that are not beside the best."""


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """An outline moved and scaled.

    Attributes
    ----------
    ring : (k, 2) float64
    like : float
        Mean likeness of a line along it, 0..1.
    margin : float
        By how much that exceeds the best of those placements that are not this one.
    """

    ring: NDArray[np.float64]
    like: float
    margin: float


def placed(lattice: Lattice, ring: NDArray[np.float64], reach_m: float) -> Placement | None:
    """Return the placement of an outline along which most of a line is seen; None where the lattice has no extent.

    Parameters
    ----------
    lattice : Lattice
        What is seen within `reach_m` of the outline.
    ring : (k, 2)
        The outline.
    reach_m : float
        How far it may be moved, and by how much its mean radius may change.
    """
    if np.ptp(lattice.row) < 1 or np.ptp(lattice.col) < 1:
        return None
    outline = _Outline.of(lattice, ring)
    farthest = reach_m / lattice.step_m
    by = 1
    while farthest / by > ACROSS:
        by *= 2
    moves = by * _around(int(farthest / by))
    moves = moves[np.hypot(moves[:, 0], moves[:, 1]) <= farthest]
    planes = _planes(lattice)
    while True:
        score = outline.score(_within(planes, max(by, 2 * int(SHAPE_M / lattice.step_m))), moves)
        best = int(np.argmax(score))
        apart = np.hypot(*(moves - moves[best])[:, :2].T) + np.abs(moves[:, 2] - moves[best, 2])
        far = apart > min(APART_M / lattice.step_m, 0.6 * farthest)
        if by == 1:
            second = float(score[far].max(initial=0.0))
            move = outline.best(planes, moves[best] + _around(int(SHAPE_M / lattice.step_m)))
            return Placement(outline.moved(ring, move), float(score[best]), float(score[best]) - second)
        order = np.argsort(-score, kind="stable")
        near = np.unique(np.r_[order[:KEPT], order[far[order]][:KEPT]])
        by //= 2
        moves = np.unique((moves[near, None] + by * _around(1)).reshape(-1, 3), axis=0)


def _around(steps: int) -> NDArray[np.int64]:
    """Return all moves (k, 3) of at most some steps each way."""
    number = np.arange(-steps, steps + 1)
    return np.stack(np.meshgrid(number, number, number, indexing="ij"), axis=-1).reshape(-1, 3)


def _planes(lattice: Lattice) -> NDArray[np.uint8]:
    """Return the likeness in each direction on the whole grid of a lattice (8, rows, cols), 255 for 1, 0 off the lattice."""
    row, col = lattice.row - lattice.row.min(), lattice.col - lattice.col.min()
    planes = np.zeros((len(MOVES), int(row.max()) + 1, int(col.max()) + 1), np.uint8)
    planes[:, row, col] = np.round(255 * lattice.like.T)
    return planes


def _within(planes: NDArray[np.uint8], by: int) -> NDArray[np.uint8]:
    """Return the most that is seen within half of `by` steps of each place."""
    return planes if by < 2 else np.asarray(maximum_filter(planes, (1, by + 1, by + 1)), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class _Outline:
    """Points (n, 2) along an outline as (col, row) of the grid of a lattice, the direction of each, their middle, and their mean distance from it."""

    points: NDArray[np.float64]
    direction: NDArray[np.intp]
    middle: NDArray[np.float64]
    radius: float
    axes: NDArray[np.float64]

    @classmethod
    def of(cls, lattice: Lattice, ring: NDArray[np.float64]) -> _Outline:
        grid = np.column_stack([lattice.col - lattice.col.min(), lattice.row - lattice.row.min(), np.ones(len(lattice.row))])
        axes = np.linalg.lstsq(grid, lattice.point, rcond=None)[0]
        course = resample(ring, 2 * lattice.step_m)
        tangent = np.roll(course, -1, axis=0) - np.roll(course, 1, axis=0)
        steps = np.array(MOVES) @ axes[[1, 0]]
        aside = np.abs(tangent[:, :1] * steps[:, 1] - tangent[:, 1:] * steps[:, 0]) / np.hypot(*steps.T)
        points = (course - axes[2]) @ np.linalg.inv(axes[:2])
        middle = points.mean(axis=0)
        return cls(points, aside.argmin(axis=1), middle, float(np.hypot(*(points - middle).T).mean()), axes)

    def score(self, planes: NDArray[np.uint8], moves: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the mean along the outline in each place (k, 3): cols and rows moved, and by how many the mean radius grew."""
        _, rows, cols = planes.shape
        flat = planes.ravel()
        out = np.empty(len(moves))
        for grown in np.unique(moves[:, 2]):
            points = self.middle + (self.points - self.middle) * (1 + grown / self.radius)
            col, row = np.round(points).astype(np.int64).T
            these = np.flatnonzero(moves[:, 2] == grown)
            for part in np.array_split(these, max(len(these) * len(col) // 2_000_000, 1)):
                x, y = col + moves[part, 0, None], row + moves[part, 1, None]
                inside = (x >= 0) & (x < cols) & (y >= 0) & (y < rows)
                place = (self.direction * rows + np.where(inside, y, 0)) * cols + np.where(inside, x, 0)
                out[part] = np.where(inside, flat[place], np.uint8(0)).mean(axis=1, dtype=np.float64) / 255
        return out

    def best(self, planes: NDArray[np.uint8], moves: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return that of some moves along which most is seen."""
        return np.asarray(moves[np.argmax(self.score(planes, moves))], np.int64)

    def moved(self, ring: NDArray[np.float64], move: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return a ring in map coordinates where a move of the outline takes it."""
        middle = self.middle @ self.axes[:2] + self.axes[2]
        return np.asarray(middle + move[:2] @ self.axes[:2] + (ring - middle) * (1 + move[2] / self.radius), np.float64)
