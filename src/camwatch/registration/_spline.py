"""Values of a spline under a transform that hardly turns: rows and columns one after the other, many times faster than pixel by pixel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

TURN = 0.005
"""Slope of rows and columns up to which they are taken one after the other: the error, a third of it times the mixed second derivative, is odd and so
displaces nothing."""

DRIFT = 3.0
"""Pixels by which the displacement may differ within a frame, likewise."""


def nearly_shifted(
    coefficients: NDArray[np.float32], matrix: NDArray[np.float64], frame: tuple[int, int], order: int = 3
) -> NDArray[np.float32] | None:
    """Return the spline on the pixels of a frame, (y, x) float32; None where the transform turns or stretches too much.

    First each row of coefficients is evaluated where the columns of the frame cross it, then each column where its pixels lie (Catmull & Smith 1980,
    https://doi.org/10.1145/965105.807505).

    Parameters
    ----------
    coefficients : (y, x) float32
        Of a B-spline, mirrored at the first and last pixel.
    matrix : (3, 3) float64
        Pixel (col, row) of the frame → pixel of the coefficients.
    frame : (rows, cols)
    order : {1, 3}
        Linear, or cubic.
    """
    pieces = PIECES[order]
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
    through = _evaluated(seen.T, (across[1] - first_col, across[0]), pieces).T
    return _evaluated(through, (down[0] - first_row, down[1]), pieces)


def _ends(moves: tuple[NDArray[np.float64], NDArray[np.float64]], count: int) -> tuple[int, int]:
    """Return the first and the last coefficient along an axis that `count` places, moved by the sum of what is told for either axis, touch."""
    places = moves[0] + np.arange(count)
    low, high = float(places.min() + moves[1].min()), float(places.max() + moves[1].max())
    return int(np.floor(low)) - 1, int(np.floor(high)) + 2


def _evaluated(lines: NDArray[np.float32], moves: tuple[NDArray[np.float64], NDArray[np.float64]], pieces: Pieces) -> NDArray[np.float32]:
    """Return the spline along the first axis at place n plus moves[0][n] plus moves[1][m] of every column m."""
    own, other = moves
    other = other[:1] if np.ptp(other) == 0 else other
    low, high = (int(np.floor(pick(own) + pick(other))) for pick in (np.min, np.max))
    if low == high:
        return _between(lines, (own - low, other), low, pieces)
    out = np.empty((len(own), lines.shape[1]), np.float32)
    whole = np.floor(own[:, None] + other).astype(np.int32)
    for step in range(low, high + 1):
        mine = np.broadcast_to(whole == step, out.shape)
        places, columns = (_span(np.asarray(mine.any(axis=axis))) for axis in (1, 0))
        part = own[places] - step, other if len(other) == 1 else other[columns]
        np.copyto(out[places, columns], _between(lines[:, columns], part, places.start + step, pieces), where=mine[places, columns])
    return out


def _span(marked: NDArray[np.bool_]) -> slice:
    """Return from the first to the last that is marked."""
    at = np.flatnonzero(marked)
    return slice(int(at[0]), int(at[-1]) + 1) if at.size else slice(0, 0)


def _between(lines: NDArray[np.float32], parts: tuple[NDArray[np.float64], NDArray[np.float64]], first: int, pieces: Pieces) -> NDArray[np.float32]:
    """Return the spline at places n: the sum of the two `parts`, one by place, one by column, is 0..1 beyond coefficient `first` + n."""
    own, other = (part.astype(np.float32) for part in parts)
    weights, count = pieces(own[:, None] + other), len(own)
    start = first - len(weights) // 2 + 1
    out: NDArray[np.float32] = weights[0] * lines[start : start + count]
    for k, weight in enumerate(weights[1:], 1):
        out += weight * lines[start + k : start + k + count]
    return out


def _linear(t: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    return 1 - t, t


def _cubic(t: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    u = 1 - t
    square = t * t
    far, near = u * u * u * np.float32(1 / 6), square * t * np.float32(1 / 6)
    second = np.float32(3) * near + (np.float32(2 / 3) - square)
    return far, second, 1 - far - near - second, near


Pieces = Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], ...]]
"""Weights of the coefficients around a place, by how far it lies, 0..1, beyond the one before it."""

PIECES: dict[int, Pieces] = {1: _linear, 3: _cubic}
