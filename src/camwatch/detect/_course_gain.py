"""What looks like a line at the later date and did not at the earlier: new lines stand out, streets and field edges cancel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from camwatch.detect._course_graph import FAINT, either
from camwatch.detect._course_profile import MOVES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.detect._course_lattice import Lattice

    Planes = NDArray[np.float32]

WAS = 0.7
"""What the earlier date counts against the later one."""
STEPS = 7
"""Steps on either side over which what is seen is gathered: 50 to 120 m at pixels of 2.5 m."""
TURN = 1.0
"""Price of turning by one of the eight directions."""


@dataclass(frozen=True, slots=True, eq=False)
class Gain:
    """New lines on a grid, first row north.

    Attributes
    ----------
    planes : (8, rows, cols) float32
        Mean gain along the best course through each place, in each direction of MOVES; the logarithm of how much likelier a line is than before.
    known : (rows, cols) bool
        Where both dates were looked at.
    axes : (3, 2) float64
        (x, y) = col · axes[0] + row · axes[1] + axes[2].
    """

    planes: Planes
    known: NDArray[np.bool_]
    axes: NDArray[np.float64]

    def at(self, points: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return (row, col) of the places nearest to some points (n, 2), within the grid."""
        col, row = np.round((points - self.axes[2]) @ np.linalg.inv(self.axes[:2])).astype(int).T
        return row.clip(0, self.known.shape[0] - 1), col.clip(0, self.known.shape[1] - 1)


def on_grid(lattice: Lattice, values: Planes) -> Planes:
    """Return values (k, n) of a lattice's places on its whole grid (n, rows, cols), 0 off it."""
    row, col = lattice.row - lattice.row.min(), lattice.col - lattice.col.min()
    planes = np.zeros((values.shape[1], int(row.max()) + 1, int(col.max()) + 1), np.float32)
    planes[:, row, col] = values.T
    return planes


def gain_of(before: Lattice, after: Lattice) -> Gain:
    """Return where lines are new between two dates that were looked at on the same lattice."""
    both = before.valid & after.valid
    seen, was = either(after.like), either(before.like)
    new = np.log((seen + FAINT) / (1 + FAINT)) - WAS * np.log((was + FAINT) / (1 + FAINT))
    least = (1 - WAS) * np.log(FAINT / (1 + FAINT))
    planes = on_grid(after, np.where(both[:, None], new - least, 0).astype(np.float32)) + np.float32(least)
    known = on_grid(after, both[:, None].astype(np.float32))[0] > 0
    grid = np.column_stack([after.col - after.col.min(), after.row - after.row.min(), np.ones(len(after.row))])
    axes = np.linalg.lstsq(grid, after.point, rcond=None)[0]
    return Gain(gathered(planes, STEPS, TURN), known, axes)


def gathered(planes: Planes, steps: int, turn: float) -> Planes:
    """Return the mean (8, rows, cols) along the best course of some steps either way through each place, which may turn at a price."""
    moves = [*MOVES, *((-row, -col) for row, col in MOVES)]
    total = [np.zeros(planes.shape[1:], np.float32) for _ in moves]
    for _ in range(steps):
        here = [total[way] + planes[way % 8] for way in range(16)]
        total = [
            np.maximum(_moved(here[way], move), _moved(np.maximum(here[way - 1], here[(way + 1) % 16]) - np.float32(turn), move))
            for way, move in enumerate(moves)
        ]
    return np.stack([(total[way] + total[way + 8] + planes[way]) / np.float32(2 * steps + 1) for way in range(8)])


def _moved(plane: Planes, move: tuple[int, int]) -> Planes:
    """Return at each place what is one move (rows, cols) from it, 0 beyond the edge."""
    out = np.zeros_like(plane)
    rows, cols = ((slice(max(-by, 0), size - max(by, 0)), slice(max(by, 0), size - max(-by, 0))) for by, size in zip(move, plane.shape, strict=True))
    out[rows[0], cols[0]] = plane[rows[1], cols[1]]
    return out
