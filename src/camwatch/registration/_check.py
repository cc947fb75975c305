"""The independent check: where windows that the fit never saw really lie, measured one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, ndimage

from camwatch.registration._features import channels, inside, warp
from camwatch.registration._planes import clear_of_gaps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from camwatch.registration._planes import Plane

REACH = 8
"""Pixels of the level around the expected place in which a window is searched."""

BESIDE = 3
"""Pixels around the maximum that belong to it; what lies beyond is a rival."""

NOTHING = (0.0, 0.0, 0.0, float("inf"))

SIGMA = 1.0
"""Smoothing in pixels before gradients are taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Where windows were found.

    `reference` and `moving` (n, 2) are (col, row) of the same ground in both; `peak` (n,) is the correlation over the standard deviation that two
    foreign windows of the same textures would show, or, where that is less, twice what separates it from its highest rival, in standard deviations of
    their difference; `sigma` (n,) is the standard error in pixels of the place along its worst direction.
    """

    reference: NDArray[np.float64]
    moving: NDArray[np.float64]
    peak: NDArray[np.float64]
    sigma: NDArray[np.float64]


def match(reference: Plane, moving: Plane, expected: NDArray[np.float64], centres: NDArray[np.float64], *, size: int) -> Matches:
    """Search each window of `size` pixels around `centres` (n, 2; whole pixels) within `REACH` of where `expected` (3×3) puts it.

    Masked normalised cross-correlation (Padfield 2012, https://doi.org/10.1109/TIP.2011.2181402) of gradient orientations, refined by a parabola.
    """
    found = np.array([_offset(reference, moving, expected, centre, size) for centre in centres]).reshape(-1, 4)
    places = (centres + found[:, :2]) @ expected[:2, :2].T + expected[:2, 2]
    return Matches(centres, places, found[:, 2], found[:, 3])


def filled(one: Matches, unsure: NDArray[np.bool_], other: Matches) -> Matches:
    """Return `one` with the windows marked `unsure` (n,) taken from `other`, which holds only those, where it stands out more."""
    better = other.peak > one.peak[unsure]
    place = np.flatnonzero(unsure)[better]
    moving, peak, sigma = one.moving.copy(), one.peak.copy(), one.sigma.copy()
    moving[place], peak[place], sigma[place] = other.moving[better], other.peak[better], other.sigma[better]
    return Matches(one.reference, moving, peak, sigma)


def _offset(
    reference: Plane, moving: Plane, expected: NDArray[np.float64], centre: NDArray[np.float64], size: int
) -> tuple[float, float, float, float]:
    """Return (col, row) of the window's own displacement, its peak, and its standard error; a peak of 0 where nothing was found."""
    col, row = (int(v) for v in np.floor(centre))
    margin = int(np.ceil(3 * SIGMA)) + 3
    half = size // 2 + REACH + margin
    full = 2 * half
    rows, cols = np.arange(row - half, row + half), np.arange(col - half, col + half)
    inner = np.ix_(np.clip(rows, 0, reference.shape[0] - 1), np.clip(cols, 0, reference.shape[1] - 1))
    on = ((rows >= 0) & (rows < reference.shape[0]))[:, None] & ((cols >= 0) & (cols < reference.shape[1]))
    local = expected @ np.array([[1, 0, col - half], [0, 1, row - half], [0, 0, 1]], np.float64)
    a, wa = reference.values[inner], clear_of_gaps(reference.valid[inner] & on, margin - 2)
    corners = local[:2] @ np.array([[0, full, 0, full], [0, 0, full, full], [1, 1, 1, 1]], np.float64)
    low = np.maximum(np.floor(corners.min(axis=1)).astype(int) - 4, 0)
    high = np.minimum(np.ceil(corners.max(axis=1)).astype(int) + 5, moving.shape[::-1])
    if (high - low < size // 2).any():
        return NOTHING
    seen = slice(low[1], high[1]), slice(low[0], high[0])
    shifted = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]]) @ local
    b = warp(ndimage.spline_filter(moving.values[seen], 3, output=np.float32, mode="mirror"), shifted, (full, full), 3)
    wb = inside(local, (full, full), moving.shape, margin - 2)
    if not moving.complete:
        wb *= warp(clear_of_gaps(moving.valid[seen], margin - 2), shifted, (full, full), 1) > 0.99
    frame = slice(margin, full - margin)
    window = np.zeros((full - 2 * margin,) * 2, np.float32)
    window[REACH:-REACH, REACH:-REACH] = 1
    wa, wb = wa[frame, frame] * window, wb[frame, frame]
    if wa.sum() < 0.3 * size**2 or wb.sum() < 0.5 * size**2:
        return NOTHING
    a, b = (ndimage.gaussian_filter(v - v.mean(), SIGMA, truncate=3) for v in (a, b))
    fa, fb = ([c[frame, frame] for c in channels(v, "orientation")] for v in (a, b))
    surface, noise = _correlation(fa, fb, wa, wb)
    return _peak(surface, noise)


def _correlation(
    fa: Sequence[NDArray[np.float32]], fb: Sequence[NDArray[np.float32]], wa: NDArray[np.float32], wb: NDArray[np.float32]
) -> tuple[NDArray[np.float64], float]:
    """Return the masked correlation for offsets −REACH … REACH, (row, col), and its standard deviation for foreign windows (Bartlett's formula)."""

    def forward(values: NDArray[np.float32]) -> NDArray[np.complex64]:
        out: NDArray[np.complex64] = fft.rfft2(values)
        return out

    def across(one: NDArray[np.complex64], other: NDArray[np.complex64]) -> NDArray[np.float64]:
        return np.asarray(fft.irfft2(one.conj() * other, wa.shape)[near], np.float64)

    near = np.ix_(np.arange(-REACH, REACH + 1), np.arange(-REACH, REACH + 1))
    A, B = forward(wa), forward(wb)
    cover, inside_a, inside_b = np.maximum(across(A, B), 1e-3), max(float(wa.sum()), 1.0), max(float(wb.sum()), 1.0)
    variance = 0.0
    up, left, right = np.zeros((3, 2 * REACH + 1, 2 * REACH + 1))
    for a, b in zip(fa, fb, strict=True):
        a0, b0 = a - (a * wa).sum() / wa.sum(), b - (b * wb).sum() / wb.sum()
        a1, b1, a2, b2 = forward(wa * a0), forward(wb * b0), forward(wa * a0**2), forward(wb * b0**2)
        mean_a, mean_b = across(a1, B), across(A, b1)
        up += across(a1, b1) - mean_a * mean_b / cover
        left += across(a2, B) - mean_a**2 / cover
        right += across(A, b2) - mean_b**2 / cover
        variance += float((across(a1, a1) * across(b1, b1)).sum()) / (inside_a * inside_b)
    scale = np.sqrt(np.maximum(left, 0) * np.maximum(right, 0))
    middle = float(scale[REACH, REACH])
    if middle <= 0:
        return np.zeros_like(up), 1.0
    # `variance` is that of one product; as many add up as pixels overlap.
    noise = np.sqrt(max(variance, 0) * float(cover[REACH, REACH])) / middle
    return np.where(scale > 1e-3 * middle, up / np.maximum(scale, 1e-30), 0), max(float(noise), 1e-6)


def _peak(surface: NDArray[np.float64], noise: float) -> tuple[float, float, float, float]:
    """Return the (col, row) offset of the maximum, its height over `noise`, and its standard error; nothing when it lies on the rim."""
    row, col = (int(v) for v in np.unravel_index(int(surface.argmax()), surface.shape))
    last = len(surface) - 1
    if not (0 < row < last and 0 < col < last):
        return NOTHING
    dx, dy, bend = _vertex(surface[row - 1 : row + 2, col - 1 : col + 2])
    height = float(surface[row, col])
    # What is no signal at the peak is noise with the curvature of the texture: its slope displaces the peak by slope / curvature.
    rest = noise * float(np.sqrt(max(1 - height**2, 1e-4)))
    beside = np.maximum(np.abs(np.arange(last + 1) - row)[:, None], np.abs(np.arange(last + 1) - col)[None]) > BESIDE
    clear = (height - float(surface[beside].max())) / (np.sqrt(2) * rest)
    return col + dx - REACH, row + dy - REACH, min(height / noise, 2 * clear), float(rest / np.sqrt(max(height * bend, 1e-12)))


def _vertex(s: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the (col, row) place of the maximum of the parabola through 3×3 values, and its smallest curvature."""
    gx, gy = (s[1, 2] - s[1, 0]) / 2, (s[2, 1] - s[0, 1]) / 2
    xx, yy = s[1, 2] - 2 * s[1, 1] + s[1, 0], s[2, 1] - 2 * s[1, 1] + s[0, 1]
    xy = (s[2, 2] - s[2, 0] - s[0, 2] + s[0, 0]) / 4
    det = xx * yy - xy**2
    bend = -(xx + yy) / 2 - float(np.hypot((xx - yy) / 2, xy))
    if bend <= 1e-9:
        return 0.0, 0.0, 0.0
    x, y = (xy * gy - yy * gx) / det, (xy * gx - xx * gy) / det
    return float(np.clip(x, -1, 1)), float(np.clip(y, -1, 1)), bend
