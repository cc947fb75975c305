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


def orientation(values: NDArray[np.float32], window: int = LOCAL) -> NDArray[np.float32]:
    """Return the soft gradient orientation g / √(|g|² + s²), s the mean |g| of the surroundings, (2, y, x), of length below 1.

    Gradients, along columns and along rows, are central differences, 0 on the border.

    A strong edge counts little more than a weak one, and no more beside a bright roof than in a field, so that two dates with other sun, haze
    or season still agree; noise in flat ground stays small because s has a floor. After Fitch et al. (2002), orientation correlation,
    https://doi.org/10.5244/C.16.11.
    """
    g = np.zeros((2, *values.shape), np.float32)
    np.subtract(values[:, 2:], values[:, :-2], out=g[0, :, 1:-1])
    np.subtract(values[2:], values[:-2], out=g[1, 1:-1])
    g *= np.float32(0.5)
    energy = length(g, squared=True)
    size = np.sqrt(energy)
    scale: NDArray[np.float32] = ndimage.uniform_filter(size, min(window, *values.shape))
    scale += np.float32(0.05 * size.mean() + 1e-12)
    scale *= scale
    scale += energy
    g /= np.sqrt(scale, out=scale)
    return g


def length(planes: NDArray[np.float32], *, squared: bool = False) -> NDArray[np.float32]:
    """Return the length (y, x) of the vectors (2, y, x), or its square; without the care for extremes that makes `numpy.hypot` slow."""
    out: NDArray[np.float32] = planes[0] * planes[0]
    out += planes[1] * planes[1]
    return out if squared else np.sqrt(out, out=out)


def axis(soft: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the axis of soft orientations, (2, y, x): twice the angle, the same length. Dark beside bright and bright beside dark become one."""
    right, down = soft
    return np.asarray(np.stack([(right - down) * (right + down), 2 * right * down]) / (length(soft) + np.float32(1e-6)), np.float32)


def channels(values: NDArray[np.float32], kind: Kind) -> list[NDArray[np.float32]]:
    """Return the real planes that are compared: `values`, their soft orientation, or its square, which an edge and its negative share."""
    if kind == "intensity":
        return [values]
    soft = orientation(values)
    if kind == "axis":
        soft = axis(soft)
    return list(soft)
