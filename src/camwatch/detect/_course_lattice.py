"""Places in a band on a lattice of any shape, and how much each looks like a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """Places in a band and how much they look like a line.

    Attributes
    ----------
    row, col : (k,) int64
        Of the lattice, sorted by row, then column.
    point : (k, 2) float64
        (x, y) in metres.
    like : (k, 8) float32
        0..1 in each direction of :data:`camwatch.detect._course_profile.MOVES`.
    valid : (k,) bool
    step_m : float
        Metres between neighbours.
    """

    row: NDArray[np.int64]
    col: NDArray[np.int64]
    point: NDArray[np.float64]
    like: NDArray[np.float32]
    valid: NDArray[np.bool_]
    step_m: float


def part_of(lattice: Lattice, kept: NDArray[np.bool_]) -> Lattice:
    """Return some places of a lattice."""
    return Lattice(lattice.row[kept], lattice.col[kept], lattice.point[kept], lattice.like[kept], lattice.valid[kept], lattice.step_m)


def coarser(lattice: Lattice) -> Lattice:
    """Return a lattice of twice the step, each place of which is as much like a line as the best of those it stands for."""
    width = int(np.ptp(lattice.col)) // 2 + 3
    row, col = lattice.row // 2, lattice.col // 2
    key = (row - row.min()) * width + col - col.min()
    order = np.argsort(key, kind="stable")
    _, first = np.unique(key[order], return_index=True)
    like = np.maximum.reduceat(lattice.like[order], first, axis=0)
    valid = np.logical_or.reduceat(lattice.valid[order], first)
    count = np.diff(np.r_[first, len(order)])[:, None]
    point = np.add.reduceat(lattice.point[order], first, axis=0) / count
    return Lattice(row[order][first], col[order][first], point, like, valid, 2 * lattice.step_m)
