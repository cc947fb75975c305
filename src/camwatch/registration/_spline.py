"""Values of a cubic spline under a transform that hardly turns: rows and columns one after the other, many times faster than pixel by pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TURN = 0.002
"""Slope of rows and columns up to which they are taken one after the other: the error, a third of it times the mixed second derivative, is odd and so
displaces nothing."""

DRIFT = 2.0
"""Pixels by which the displacement may differ within a frame, likewise."""


def nearly_shifted(coefficients: NDArray[np.float32], matrix: NDArray[np.float64], frame: tuple[int, int]) -> NDArray[np.float32] | None:
    """Return the spline on the pixels of a frame, (y, x) float32; None where the transform turns or stretches too much.

    First each row of coefficients is evaluated where the columns of the frame cross it, then each column where its pixels lie (Catmull & Smith 1980,
    https://doi.org/10.1145/965105.807505).

    Parameters
    ----------
    coefficients : (y, x) float32
        Of a cubic B-spline, mirrored at the first and last pixel.
    matrix : (3, 3) float64
        Pixel (col, row) of the frame → pixel of the coefficients.
    frame : (rows, cols)
    """
    (a, b, left), (d, e, top) = matrix[:2]
    height, width = frame
    if max(abs(b), abs(d)) > TURN or max(abs(a - 1) * width + abs(b) * height, abs(e - 1) * height + abs(d) * width) > DRIFT:
        return None
    cols, rows = np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64)
    down = (e - 1) * rows + top, d * cols
    first_row, last_row = _ends(down, height)
    lines = np.arange(first_row, last_row + 1, dtype=np.float64)
    across = (b / e) * (lines - top), (a - b * d / e - 1) * cols + left
    first_col, last_col = _ends(across[::-1], width)
    ends = (first_row, last_row), (first_col, last_col)
    more = [(max(-first, 0), max(last + 1 - n, 0)) for (first, last), n in zip(ends, coefficients.shape, strict=True)]
    held = np.pad(coefficients, more, mode="reflect") if any(map(any, more)) else coefficients
    seen = held[first_row + more[0][0] : last_row + 1 + more[0][0], first_col + more[1][0] : last_col + 1 + more[1][0]]
    through = _evaluated(seen.T, (across[1] - first_col, across[0])).T
    return _evaluated(through, (down[0] - first_row, down[1]))


def _ends(moves: tuple[NDArray[np.float64], NDArray[np.float64]], count: int) -> tuple[int, int]:
    """Return the first and the last coefficient along an axis that `count` places, moved by the sum of what is told for either axis, touch."""
    places = moves[0] + np.arange(count)
    low, high = float(places.min() + moves[1].min()), float(places.max() + moves[1].max())
    return int(np.floor(low)) - 1, int(np.floor(high)) + 2


def _evaluated(lines: NDArray[np.float32], moves: tuple[NDArray[np.float64], NDArray[np.float64]]) -> NDArray[np.float32]:
    """Return the spline along the first axis at place n plus moves[0][n] plus moves[1][m] of every column m."""
    own, other = moves
    other = other[:1] if np.ptp(other) == 0 else other
    low, high = (int(np.floor(pick(own) + pick(other))) for pick in (np.min, np.max))
    if low == high:
        return _cubic(lines, (own - low, other), low)
    out = np.empty((len(own), lines.shape[1]), np.float32)
    whole = np.floor(own[:, None] + other).astype(np.int32)
    for step in range(low, high + 1):
        mine = np.broadcast_to(whole == step, out.shape)
        places, columns = (_span(np.asarray(mine.any(axis=axis))) for axis in (1, 0))
        part = own[places] - step, other if len(other) == 1 else other[columns]
        np.copyto(out[places, columns], _cubic(lines[:, columns], part, places.start + step), where=mine[places, columns])
    return out


def _span(marked: NDArray[np.bool_]) -> slice:
    """Return from the first to the last that is marked."""
    at = np.flatnonzero(marked)
    return slice(int(at[0]), int(at[-1]) + 1) if at.size else slice(0, 0)


def _cubic(lines: NDArray[np.float32], parts: tuple[NDArray[np.float64], NDArray[np.float64]], first: int) -> NDArray[np.float32]:
    """Return the spline at places n: the sum of the two `parts`, one by place, one by column, is 0..1 beyond coefficient `first` + n."""
    own, other = (part.astype(np.float32) for part in parts)
    t = own[:, None] + other
    u = 1 - t
    square = t * t
    far, near = u * u * u, square * t
    second = np.float32(3) * near + (np.float32(4) - np.float32(6) * square)
    third = np.float32(6) - far - near - second
    start, count = first - 1, len(own)
    out: NDArray[np.float32] = far * lines[start : start + count]
    for k, weight in enumerate((second, third, near), 1):
        out += weight * lines[start + k : start + k + count]
    out *= np.float32(1 / 6)
    return out
