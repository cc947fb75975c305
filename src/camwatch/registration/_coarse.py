"""Where the moving image lies, to a pixel of a coarse grid, without a first guess."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, ndimage

from camwatch.registration._features import inside, orientation, warp
from camwatch.registration._planes import Plane

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRONG = 16.0
"""Peak over noise above which no rotation or scale needs to be tried."""

SCALES = (1.0, 0.9, 1.1, 0.82, 1.2)
DEGREES = (0, -2, 2, -4, 4, -6, 6, -9, 9)


def coarse_search(reference: Plane, moving: Plane, max_shift: float | None) -> tuple[NDArray[np.float64], float]:
    """Find the shift (and when its peak is weak, the rotation and scale) by half-whitened correlation of gradient orientations.

    Parameters
    ----------
    reference, moving : Plane
        About 256² pixels.
    max_shift : float or None
        No shift longer than this many pixels is believed.

    Returns
    -------
    matrix : (3, 3) float64
        Reference pixel → moving pixel.
    peak : float
        Height of the correlation peak over the standard deviation of the correlation surface. Pure noise reaches 5 to 6.5; real pairs a decade
        apart, 30 and more.
    """
    side = max(*reference.shape, *moving.shape)
    size = fft.next_fast_len(side * 3 // 2)
    spectrum = fft.fft2(_feature(reference), (size, size), workers=2).conj()
    reach = side / 2 if max_shift is None else min(side / 2, max_shift)

    def correlate(plane: Plane) -> tuple[NDArray[np.float64], float]:
        cross = spectrum * fft.fft2(_feature(plane), (size, size), workers=2)
        half = np.sqrt(np.abs(cross))
        cross /= half + np.float32(1e-3 * half.mean() + 1e-30)
        return _peak(fft.ifft2(cross, workers=2).real, reach)

    best, peak = correlate(moving)
    if peak >= STRONG:
        return best, peak
    centre = (np.array(moving.shape[::-1]) - 1) / 2
    for scale in SCALES:
        for degrees in DEGREES:
            if scale == 1 and degrees == 0:
                continue
            turned = np.eye(3)
            angle = np.deg2rad(degrees)
            turned[:2, :2] = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            turned[:2, 2] = centre - turned[:2, :2] @ centre
            shift, height = correlate(_turned(moving, turned))
            if height > peak:
                best, peak = turned @ shift, height
    return best, peak


def _feature(plane: Plane) -> NDArray[np.complex64]:
    soft = orientation(ndimage.gaussian_filter(plane.values, 1.0), 17)
    valid = ndimage.binary_erosion(plane.valid, iterations=2, border_value=0)
    return np.where(valid, soft, np.complex64(0))


def _turned(plane: Plane, matrix: NDArray[np.float64]) -> Plane:
    valid = (warp(plane.valid.astype(np.float32), matrix, plane.shape, 1) > 0.99) & (inside(matrix, plane.shape, plane.shape, -1) > 0)
    return Plane(warp(plane.values, matrix, plane.shape, 1), valid, complete=False)


def _peak(surface: NDArray[np.float32], reach: float) -> tuple[NDArray[np.float64], float]:
    lags = np.fft.fftfreq(len(surface), 1 / len(surface))
    allowed = np.maximum(np.abs(lags)[None], np.abs(lags)[:, None]) <= reach
    spread = float(surface.std())
    row, col = np.unravel_index(int(np.where(allowed, surface, -np.inf).argmax()), surface.shape)
    matrix = np.array([[1, 0, lags[col]], [0, 1, lags[row]], [0, 0, 1]])
    return matrix, float(surface[row, col]) / spread if spread > 0 else 0.0
