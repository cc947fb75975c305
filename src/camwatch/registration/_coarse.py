"""Where the moving image lies, to a pixel of a coarse grid, without a first guess."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, ndimage

from camwatch.registration._features import axis, orientation
from camwatch.registration._planes import Plane
from camwatch.registration._warp import Warp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.registration._features import Kind

STRONG = 16.0
"""Peak over noise above which no rotation or scale needs to be tried."""

BESIDE = 4.0
"""Pixels around the highest peak that belong to it."""

TURNED_OVER = 1.2
"""Axes are compared where orientations are weak and axes so many times stronger: bright and dark have changed places (near infrared on red)."""

SCALES = (1.0, 0.9, 1.1, 0.82, 1.2)
DEGREES = (0, -2, 2, -4, 4, -6, 6, -9, 9)


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """Where the fine search begins.

    `matrix` (3, 3) leads from reference pixel to moving pixel; `peak` is its height and `rival` that of the highest peak elsewhere, both over the
    noise; `kind` is what is to be compared.
    """

    matrix: NDArray[np.float64]
    peak: float
    rival: float
    kind: Kind


def coarse_search(reference: Plane, moving: Plane, max_shift: float | None) -> Start:
    """Find the shift (and when its peak is weak, the rotation and scale) by half-whitened correlation of gradient orientations and of their axes.

    Parameters
    ----------
    reference, moving : Plane
        About 256² pixels.
    max_shift : float or None
        No shift longer than this many pixels is believed.

    Notes
    -----
    `peak` is the height of the correlation peak over the standard deviation of the correlation surface. Pure noise reaches 5 to 6.5; real pairs a
    decade apart, 30 and more.
    """
    side = max(*reference.shape, *moving.shape)
    size = fft.next_fast_len(side * 3 // 2)
    kinds: tuple[Kind, ...] = ("orientation", "axis")
    spectra = {kind: fft.fft2(plane, (size, size), workers=2).conj() for kind, plane in zip(kinds, _features(reference), strict=True)}
    reach = side / 2 if max_shift is None else min(side / 2, max_shift)

    def correlate(plane: Plane, turned: NDArray[np.float64]) -> list[Start]:
        found = []
        for kind, feature in zip(kinds, _features(plane), strict=True):
            cross = spectra[kind] * fft.fft2(feature, (size, size), workers=2)
            half = np.sqrt(np.abs(cross))
            cross /= half + np.float32(1e-3 * half.mean() + 1e-30)
            shift, peak, rival = _peak(fft.ifft2(cross, workers=2).real, reach)
            found.append(Start(turned @ shift, peak, rival, kind))
        return found

    best = _better(None, correlate(moving, np.eye(3)))
    if best.peak >= STRONG:
        return best
    centre = (np.array(moving.shape[::-1]) - 1) / 2
    for scale in SCALES:
        for degrees in DEGREES:
            if scale == 1 and degrees == 0:
                continue
            turned = np.eye(3)
            angle = np.deg2rad(degrees)
            turned[:2, :2] = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            turned[:2, 2] = centre - turned[:2, :2] @ centre
            best = _better(best, correlate(_turned(moving, turned), turned))
    return best


def _better(best: Start | None, found: list[Start]) -> Start:
    signed, unsigned = found
    here = unsigned if signed.peak < STRONG and unsigned.peak > TURNED_OVER * signed.peak else signed
    return here if best is None or here.peak > best.peak else best


def _features(plane: Plane) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
    soft = orientation(ndimage.gaussian_filter(plane.values, 1.0), 17)
    soft *= ndimage.binary_erosion(plane.valid, iterations=2, border_value=0)
    signed, unsigned = (right + np.complex64(1j) * down for right, down in (soft, axis(soft)))
    return signed, unsigned


def _turned(plane: Plane, matrix: NDArray[np.float64]) -> Plane:
    warp, start = Warp(matrix), np.zeros(2)
    valid = warp.sample(plane.valid.astype(np.float32), start, start, plane.shape, 1) > 0.99
    valid &= warp.inside(start, plane.shape, plane.shape, -1) > 0
    return Plane(warp.sample(plane.values, start, start, plane.shape, 1), valid, complete=False)


def _peak(surface: NDArray[np.float32], reach: float) -> tuple[NDArray[np.float64], float, float]:
    """Return the shift of the highest value, and its height and that of its highest rival over the spread of the surface."""
    lags = np.fft.fftfreq(len(surface), 1 / len(surface))
    allowed = np.maximum(np.abs(lags)[None], np.abs(lags)[:, None]) <= reach
    spread = float(surface.std())
    seen = np.where(allowed, surface, -np.inf)
    row, col = np.unravel_index(int(seen.argmax()), surface.shape)
    matrix = np.array([[1, 0, lags[col]], [0, 1, lags[row]], [0, 0, 1]])
    if spread <= 0:
        return matrix, 0.0, 0.0
    beside = np.hypot(lags[None] - lags[col], lags[:, None] - lags[row]) > BESIDE
    return matrix, float(seen[row, col]) / spread, float(seen[beside].max()) / spread
