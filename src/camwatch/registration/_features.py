"""What is compared: intensities where the dates look alike, soft gradient orientations where they do not, axes where contrast turns over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["intensity", "orientation", "axis"]

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


def axis(soft: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Return the axis of soft orientations: twice the angle, the same length. Dark beside bright and bright beside dark become one."""
    return np.asarray(soft**2 / (np.abs(soft) + np.float32(1e-6)), np.complex64)


def channels(values: NDArray[np.float32], kind: Kind) -> list[NDArray[np.float32]]:
    """Return the real planes that are compared: `values`, their soft orientation, or its square, which an edge and its negative share."""
    if kind == "intensity":
        return [values]
    soft = orientation(values)
    if kind == "axis":
        soft = axis(soft)
    return [np.ascontiguousarray(soft.real), np.ascontiguousarray(soft.imag)]
