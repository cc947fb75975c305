"""The independent check: where windows that the fit never saw really lie, measured one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, ndimage

from camwatch.registration._features import channels, inside, warp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from camwatch.registration._planes import Plane

REACH = 8
"""Pixels of the level around the expected place in which a window is searched."""

SIGMA = 1.0
"""Smoothing in pixels before gradients are taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """`reference` and `moving` (n, 2) are (col, row) of the same ground in both; `peak` (n,) is how far the correlation stands out of its noise."""

    reference: NDArray[np.float64]
    moving: NDArray[np.float64]
    peak: NDArray[np.float64]


def match(
    reference: Plane, moving: Plane, expected: NDArray[np.float64], centres: NDArray[np.float64], *, size: int,
) -> Matches:
    """Search each window of `size` pixels around `centres` (n, 2; whole pixels) within `REACH` of where `expected` (3×3) puts it.

    Masked normalised cross-correlation (Padfield 2012, https://doi.org/10.1109/TIP.2011.2181402) of gradient orientations, refined by a parabola.
    """
    places, peaks = [], []
    for centre in centres:
        offset, peak = _offset(reference, moving, expected, centre, size)
        places.append(expected[:2, :2] @ (centre + offset) + expected[:2, 2])
        peaks.append(peak)
    return Matches(np.asarray(centres, np.float64).reshape(-1, 2), np.array(places).reshape(-1, 2), np.array(peaks))


def filled(one: Matches, unsure: NDArray[np.bool_], other: Matches) -> Matches:
    """Return `one` with the windows marked `unsure` (n,) taken from `other`, which holds only those, where it stands out more."""
    moving, peak = one.moving.copy(), one.peak.copy()
    take = np.flatnonzero(unsure)[other.peak > peak[unsure]]
    moving[take], peak[take] = other.moving[other.peak > one.peak[unsure]], other.peak[other.peak > one.peak[unsure]]
    return Matches(one.reference, moving, peak)


def _offset(
    reference: Plane, moving: Plane, expected: NDArray[np.float64], centre: NDArray[np.float64], size: int,
) -> tuple[NDArray[np.float64], float]:
    nothing = np.zeros(2), 0.0
    col, row = (int(v) for v in np.floor(centre))
    margin = int(np.ceil(3 * SIGMA)) + 3
    half = size // 2 + REACH + margin
    full = 2 * half
    rows, cols = np.arange(row - half, row + half), np.arange(col - half, col + half)
    inner = np.ix_(np.clip(rows, 0, reference.shape[0] - 1), np.clip(cols, 0, reference.shape[1] - 1))
    on = ((rows >= 0) & (rows < reference.shape[0]))[:, None] & ((cols >= 0) & (cols < reference.shape[1]))
    local = expected @ np.array([[1, 0, col - half], [0, 1, row - half], [0, 0, 1]], np.float64)
    a, wa = reference.values[inner], (reference.valid[inner] & on).astype(np.float32)
    corners = local[:2] @ np.array([[0, full, 0, full], [0, 0, full, full], [1, 1, 1, 1]], np.float64)
    low = np.maximum(np.floor(corners.min(axis=1)).astype(int) - 4, 0)
    high = np.minimum(np.ceil(corners.max(axis=1)).astype(int) + 5, moving.shape[::-1])
    if (high - low < size // 2).any():
        return nothing
    seen = slice(low[1], high[1]), slice(low[0], high[0])
    shifted = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]]) @ local
    b = warp(ndimage.spline_filter(moving.values[seen], 3, output=np.float32, mode="mirror"), shifted, (full, full), 3)
    wb = inside(local, (full, full), moving.shape, 1)
    if not moving.complete:
        wb *= warp(moving.valid[seen].astype(np.float32), shifted, (full, full), 1) > 0.99
    wa, wb = (ndimage.minimum_filter(w, 2 * margin - 3) for w in (wa, wb))
    frame = slice(margin, full - margin)
    window = np.zeros((full - 2 * margin,) * 2, np.float32)
    window[REACH:-REACH, REACH:-REACH] = 1
    wa, wb = wa[frame, frame] * window, wb[frame, frame]
    if wa.sum() < 0.3 * size**2 or wb.sum() < 0.5 * size**2:
        return nothing
    a, b = (ndimage.gaussian_filter(v - v.mean(), SIGMA, truncate=3) for v in (a, b))
    fa, fb = ([c[frame, frame] for c in channels(v, "orientation")] for v in (a, b))
    return _peak(_correlation(fa, fb, wa, wb))


def _correlation(
    fa: Sequence[NDArray[np.float32]], fb: Sequence[NDArray[np.float32]], wa: NDArray[np.float32], wb: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Return the masked correlation for offsets −REACH … REACH, (row, col)."""
    def forward(values: NDArray[np.float32]) -> NDArray[np.complex64]:
        out: NDArray[np.complex64] = fft.rfft2(values)
        return out

    def across(one: NDArray[np.complex64], other: NDArray[np.complex64]) -> NDArray[np.float64]:
        return np.asarray(fft.irfft2(one.conj() * other, wa.shape)[near], np.float64)

    near = np.ix_(np.arange(-REACH, REACH + 1), np.arange(-REACH, REACH + 1))
    A, B = forward(wa), forward(wb)
    cover = np.maximum(across(A, B), 1e-3)
    up, left, right = np.zeros((3, 2 * REACH + 1, 2 * REACH + 1))
    for a, b in zip(fa, fb, strict=True):
        a0, b0 = a - (a * wa).sum() / wa.sum(), b - (b * wb).sum() / wb.sum()
        a1, b1, a2, b2 = forward(wa * a0), forward(wb * b0), forward(wa * a0**2), forward(wb * b0**2)
        mean_a, mean_b = across(a1, B), across(A, b1)
        up += across(a1, b1) - mean_a * mean_b / cover
        left += across(a2, B) - mean_a**2 / cover
        right += across(A, b2) - mean_b**2 / cover
    scale = np.sqrt(np.maximum(left, 0) * np.maximum(right, 0))
    return np.where(scale > 1e-6 * scale.max() + 1e-30, up / np.maximum(scale, 1e-30), 0)


def _peak(surface: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return the (col, row) offset of the maximum and how far it stands out of the rest; nothing when it lies on the rim."""
    row, col = (int(v) for v in np.unravel_index(int(surface.argmax()), surface.shape))
    last = len(surface) - 1
    if not (0 < row < last and 0 < col < last):
        return np.zeros(2), 0.0
    far = np.maximum(np.abs(np.arange(last + 1) - row)[:, None], np.abs(np.arange(last + 1) - col)[None]) > 3
    rest = surface[far]
    spread = float(np.sqrt((rest**2).mean()))
    dx, dy = _vertex(surface[row - 1 : row + 2, col - 1 : col + 2])
    return np.array([col + dx, row + dy]) - REACH, float(surface[row, col]) / spread if spread > 0 else 0.0


def _vertex(s: NDArray[np.float64]) -> tuple[float, float]:
    """Return the (col, row) place of the maximum of the parabola through 3×3 values."""
    gx, gy = (s[1, 2] - s[1, 0]) / 2, (s[2, 1] - s[0, 1]) / 2
    xx, yy = s[1, 2] - 2 * s[1, 1] + s[1, 0], s[2, 1] - 2 * s[1, 1] + s[0, 1]
    xy = (s[2, 2] - s[2, 0] - s[0, 2] + s[0, 0]) / 4
    det = xx * yy - xy**2
    if det <= 1e-12:
        return 0.0, 0.0
    x, y = (xy * gy - yy * gx) / det, (xy * gx - xx * gy) / det
    return float(np.clip(x, -1, 1)), float(np.clip(y, -1, 1))
