"""Breaks of the courses of pixels, as a record: when the ground changed, and what it became."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Broken:
    """The breaks of some pixels of a grid; all arrays (break,).

    Attributes
    ----------
    row, col : int
    without, first : int
        Proleptic Gregorian ordinals of the last clear day before, and of the first day that differs.
    code : uint8
        Place in `CLASSES` of :mod:`camwatch.detect._land_cover`, counted from 1.
    probability : float32
    ndvi_before, ndvi_after : float32
        Medians of what the earlier course says and of what was seen, at the same dates after the break; NaN where the bands do not tell.
    """

    row: NDArray[np.intp]
    col: NDArray[np.intp]
    without: NDArray[np.int64]
    first: NDArray[np.int64]
    code: NDArray[np.uint8]
    probability: NDArray[np.float32]
    ndvi_before: NDArray[np.float32]
    ndvi_after: NDArray[np.float32]

    @classmethod
    def joined(cls, parts: Sequence[Broken]) -> Broken:
        """Return several as one."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))

    def moved(self, rows: int, cols: int) -> Broken:
        """Return the same breaks on a grid that begins so many rows and columns earlier."""
        return Broken(self.row + rows, self.col + cols, self.without, self.first, self.code, self.probability, self.ndvi_before, self.ndvi_after)
