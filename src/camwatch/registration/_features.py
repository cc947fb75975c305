"""What is compared: intensities where the dates look alike, soft gradient orientations where they do not; and the warp that brings both together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["intensity", "orientation"]

LOCAL = 33
"""Side in pixels of the window that says what a strong gradient is here."""


def gradient(values: NDArray[np.float32]) -> NDArray[np.complex64]:
    """Return ∂/∂col + i ∂/∂row by central differences, (y, x) complex64; 0 on the border."""
    out = np.zeros(values.shape, np.complex64)
    out.real[:, 1:-1] = (values[:, 2:] - values[:, :-2]) * np.float32(0.5)
    out.imag[1:-1] = (values[2:] - values[:-2]) * np.float32(0.5)
    return out


def orientation(values: NDArray[np.float32], window: int = LOCAL) -> NDArray[np.complex64]:
    """Return the soft gradient orientation g / √(|g|² + s²), s the mean |g| of the surroundings, (y, x) complex64 of length below 1.

    A strong edge counts little more than a weak one, and no more beside a bright roof than in a field, so that two dates with other sun, haze
    or season still agree; noise in flat ground stays small because s has a floor. After Fitch et al. (2002), orientation correlation,
    https://doi.org/10.5244/C.16.11.
    """
    g = gradient(values)
    size = np.hypot(g.real, g.imag)
    scale = ndimage.uniform_filter(size, min(window, *values.shape)) + np.float32(0.05 * size.mean() + 1e-12)
    g /= np.hypot(size, scale)
    return g


def channels(values: NDArray[np.float32], kind: Kind) -> list[NDArray[np.float32]]:
    """Return the real planes that are compared."""
    if kind == "intensity":
        return [values]
    soft = orientation(values)
    return [np.ascontiguousarray(soft.real), np.ascontiguousarray(soft.imag)]


def warp(source: NDArray[np.float32], matrix: NDArray[np.float64], shape: tuple[int, int], order: int) -> NDArray[np.float32]:
    """Sample `source` (spline coefficients when `order` is 3) at `matrix` @ (col, row, 1) for each pixel of `shape`."""
    linear, offset = matrix[1::-1, 1::-1], matrix[1::-1, 2]
    out: NDArray[np.float32] = ndimage.affine_transform(
        source, linear, offset, output_shape=shape, order=order, prefilter=False, output=np.float32, mode="mirror"
    )
    return out


def inside(matrix: NDArray[np.float64], frame: tuple[int, int], shape: tuple[int, int], margin: float) -> NDArray[np.float32]:
    """Return how safely the pixels of `frame` fall inside an image of `shape` under `matrix`: 0 within `margin` of its border, 1 eight pixels on."""
    cols, rows = np.arange(frame[1], dtype=np.float32)[None], np.arange(frame[0], dtype=np.float32)[:, None]
    m = matrix.astype(np.float32)
    x, y = m[0, 0] * cols + (m[0, 1] * rows + m[0, 2]), m[1, 0] * cols + (m[1, 1] * rows + m[1, 2])
    depth = np.minimum(np.minimum(x, shape[1] - 1 - x), np.minimum(y, shape[0] - 1 - y))
    return smooth((depth - np.float32(margin)) / np.float32(8))


def smooth(ramp: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 0 below 0, 1 above 1, and a curve without kinks between."""
    t = np.clip(ramp, 0, 1)
    return t * t * (3 - 2 * t)
