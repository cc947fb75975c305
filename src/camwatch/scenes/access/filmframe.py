"""The exposed frame of a scanned film, between four straight sides.

Cost: some 200 groups of four rows over the scan, and an eighth of it at its upper and at its lower side, once per scan and process; the overview
instead, where the file has one. 0.7 s for 8,500 by 30,000 pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from camwatch.scenes.access.filmside import REACH, Line, side, spread

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Rows = Callable[[int, int], NDArray[Any]]

_GROUP = 4
"""Rows that are averaged for one sample: that halves the grain."""

_SAMPLES = 192
"""Groups of rows over the height of the scan."""

_FINE, _FINE_ROWS = 4096, 2048
"""Steps into which the width and the height are divided where a side is placed."""

_ALONG = 512
"""Samples along an upper or lower side."""

_SMALLEST = 256
"""Pixels; a smaller picture is no scan of a film."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The exposed part of a scan of `shape` (rows, columns), between four straight sides."""

    shape: tuple[int, int]
    top: Line
    bottom: Line
    left: Line
    right: Line

    def inside(self, rows: NDArray[np.float64], cols: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return (len(rows), len(cols)) bool: whether points, in pixels from the scan's outer corner, lie within."""
        y, x = rows[:, None], cols[None, :]
        height, width = self.shape
        found: NDArray[np.bool_] = (
            (y >= self.top.at(x)) & (height - y >= self.bottom.at(x)) & (x >= self.left.at(y)) & (width - x >= self.right.at(y))
        )
        return found


def measure(rows: Rows, shape: tuple[int, int]) -> Frame:
    """Find the exposed frame of a scan.

    Parameters
    ----------
    rows : callable (first row, number) -> (number, columns) array
        Reads whole rows.
    shape : (int, int)
        Rows, columns of the scan.
    """
    height, width = shape
    if min(shape) < _SMALLEST:
        return Frame(shape, Line(), Line(), Line(), Line())
    places = np.unique(np.linspace(0, height - _GROUP, min(_SAMPLES, height // _GROUP)).astype(int))
    fine = -(-width // _FINE)
    view = _sample(rows, places, fine)
    texture = float(np.median(spread(view[:, view.shape[1] // 4 : -view.shape[1] // 4])))
    deep = int(view.shape[1] * REACH)
    left = side(view[:, :deep].T, texture, places + _GROUP / 2, fine)
    right = side(view[:, ::-1][:, :deep].T, texture, places + _GROUP / 2, fine)
    # Counted from the right, a rest of columns narrower than a block was left out.
    rest = width - view.shape[1] * fine
    right = Line(right.start + rest, right.slope)
    top = _upper(rows, shape, texture)
    bottom = _upper(lambda row, n: rows(height - row - n, n)[::-1], shape, texture)
    return Frame(shape, top, bottom, left, right)


def _upper(rows: Rows, shape: tuple[int, int], texture: float) -> Line:
    """Return the upper side."""
    height, width = shape
    fine, block = -(-height // _FINE_ROWS), max(1, width // _ALONG)
    view = _sample(rows, np.arange(0, int(height * REACH), fine), block, group=min(_GROUP, fine))
    return side(view, texture, block * (np.arange(view.shape[1]) + 0.5), fine)


def _sample(rows: Rows, places: NDArray[np.int_], block: int, *, group: int = _GROUP) -> NDArray[np.float32]:
    """Return groups of rows averaged over `group` rows and `block` columns, (place, column)."""
    return np.concatenate([_pooled(rows(int(place), group).mean(axis=0, dtype=np.float32)[None], block) for place in places])


def _pooled(view: NDArray[np.float32], block: int) -> NDArray[np.float32]:
    """Average over blocks of columns; a rest at the end is left out."""
    n = view.shape[1] // block
    pooled: NDArray[np.float32] = view[:, : n * block].reshape(len(view), n, block).mean(axis=2)
    return pooled


def enlarged(frame: Frame, shape: tuple[int, int]) -> Frame:
    """Return the frame that was measured on an overview for the whole scan."""
    down, across = shape[0] / frame.shape[0], shape[1] / frame.shape[1]
    upright = (Line(line.start * down, line.slope * down / across) for line in (frame.top, frame.bottom))
    lying = (Line(line.start * across, line.slope * across / down) for line in (frame.left, frame.right))
    return Frame(shape, *upright, *lying)
