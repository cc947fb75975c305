"""The independent check: where windows that the fit never saw really lie, measured one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, ndimage

from camwatch.imagery.work import for_each
from camwatch.registration._features import Kind, channels
from camwatch.registration._planes import clear_of_gaps
from camwatch.registration._warp import Warp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from camwatch.registration._planes import Ground

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


def match(reference: Ground, moving: Ground, expected: Warp, centres: NDArray[np.float64], *, size: int, kind: Kind) -> Matches:
    """Search each window of `size` pixels around `centres` (n, 2; whole pixels) within `REACH` of where `expected` puts it.

    Masked normalised cross-correlation (Padfield 2012, https://doi.org/10.1109/TIP.2011.2181402) of gradient orientations (or axes, as `kind` says),
    refined by a parabola.
    """
    search = _Search(reference, moving, size, "orientation" if kind == "intensity" else kind)
    places = [expected.near(centre) for centre in centres]
    found = np.array(for_each(lambda job: search.offset(*job), list(zip(places, centres, strict=True)), at_once=True)).reshape(-1, 4)
    ends = [near[:2, :2] @ (centre + step) + near[:2, 2] for near, centre, step in zip(places, centres, found[:, :2], strict=True)]
    return Matches(centres, np.array(ends).reshape(-1, 2), found[:, 2], found[:, 3])


def filled(one: Matches, unsure: NDArray[np.bool_], other: Matches) -> Matches:
    """Return `one` with the windows marked `unsure` (n,) taken from `other`, which holds only those, where it stands out more."""
    better = other.peak > one.peak[unsure]
    place = np.flatnonzero(unsure)[better]
    moving, peak, sigma = one.moving.copy(), one.peak.copy(), one.sigma.copy()
    moving[place], peak[place], sigma[place] = other.moving[better], other.peak[better], other.sigma[better]
    return Matches(one.reference, moving, peak, sigma)


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """Two levels, the side of the windows that are searched, and what of them is compared."""

    reference: Ground
    moving: Ground
    size: int
    kind: Kind

    def offset(self, near: NDArray[np.float64], centre: NDArray[np.float64]) -> tuple[float, float, float, float]:
        """Return (col, row) of the window's own displacement, its peak, and its standard error; a peak of 0 where nothing was found."""
        margin = int(np.ceil(3 * SIGMA)) + 3
        half = self.size // 2 + REACH + margin
        full, start = 2 * half, np.floor(centre) - half
        a, wa = self._still(start.astype(int), full, margin - 2)
        there = self._there(near, start, full, margin - 2)
        if there is None:
            return NOTHING
        b, wb = there
        frame = slice(margin, full - margin)
        window = np.zeros((full - 2 * margin,) * 2, np.float32)
        window[REACH:-REACH, REACH:-REACH] = 1
        wa, wb = wa[frame, frame] * window, wb[frame, frame]
        if wa.sum() < 0.3 * self.size**2 or wb.sum() < 0.5 * self.size**2:
            return NOTHING
        a, b = (ndimage.gaussian_filter(v - v.mean(), SIGMA, truncate=3) for v in (a, b))
        fa, fb = ([c[frame, frame] for c in channels(v, self.kind)] for v in (a, b))
        surface, noise = _correlation(fa, fb, wa, wb)
        return _peak(surface, noise)

    def _still(self, start: NDArray[np.int_], full: int, margin: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the window of the reference from pixel `start` (col, row) on, its edge repeated outside, and its weight."""
        (left, top), (height, width) = start, self.reference.shape
        rows, cols = slice(max(top, 0), min(top + full, height)), slice(max(left, 0), min(left + full, width))
        seen = self.reference.window(rows, cols)
        pad = (rows.start - top, top + full - rows.stop), (cols.start - left, left + full - cols.stop)
        if seen.complete and not any(map(any, pad)):
            return seen.values, np.ones(seen.shape, np.float32)
        return np.pad(seen.values, pad, mode="edge"), clear_of_gaps(np.pad(seen.valid, pad), margin)

    def _there(
        self, near: NDArray[np.float64], start: NDArray[np.float64], full: int, margin: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Return the moving image under a window of the reference, and its weight; None where it is not reached."""
        warp, shape = Warp(near), (full, full)
        reached = warp.reach(start, shape)
        low = np.maximum(np.floor(reached[0]).astype(int) - 4, 0)
        high = np.minimum(np.ceil(reached[1]).astype(int) + 5, self.moving.shape[::-1])
        if (high - low < self.size // 2).any():
            return None
        seen = self.moving.window(slice(low[1], high[1]), slice(low[0], high[0]))
        source = ndimage.spline_filter(seen.values, 3, output=np.float32, mode="mirror")
        weight = warp.inside(start, shape, self.moving.shape, margin)
        if not seen.complete:
            weight *= warp.sample(clear_of_gaps(seen.valid, margin), low.astype(np.float64), start, shape, 1) > 0.99
        return warp.sample(source, low.astype(np.float64), start, shape, 3), weight


def _correlation(
    fa: Sequence[NDArray[np.float32]], fb: Sequence[NDArray[np.float32]], wa: NDArray[np.float32], wb: NDArray[np.float32]
) -> tuple[NDArray[np.float64], float]:
    """Return the masked correlation for offsets −REACH … REACH, (row, col), and its standard deviation for foreign windows (Bartlett's formula)."""

    def forward(values: NDArray[np.float32]) -> NDArray[np.complex64]:
        out: NDArray[np.complex64] = fft.rfft2(values)
        return out

    def lags(spectrum: NDArray[np.complex64]) -> NDArray[np.float64]:
        return np.asarray(fft.irfft2(spectrum, wa.shape)[near], np.float64)

    near = np.ix_(np.arange(-REACH, REACH + 1), np.arange(-REACH, REACH + 1))
    A, B = forward(wa), forward(wb)
    still = A.conj()
    cover, inside_a, inside_b = np.maximum(lags(still * B), 1e-3), max(float(wa.sum()), 1.0), max(float(wb.sum()), 1.0)
    variance, joint = 0.0, np.zeros_like(A)
    squares_a, squares_b, (means, means_a, means_b) = np.zeros_like(wa), np.zeros_like(wb), np.zeros((3, 2 * REACH + 1, 2 * REACH + 1))
    for a, b in zip(fa, fb, strict=True):
        a0, b0 = a - np.vdot(a, wa) / inside_a, b - np.vdot(b, wb) / inside_b
        weighed_a, weighed_b = wa * a0, wb * b0
        squares_a += weighed_a * a0
        squares_b += weighed_b * b0
        a1, b1 = forward(weighed_a), forward(weighed_b)
        joint += a1.conj() * b1
        mean_a, mean_b = lags(a1.conj() * B), lags(still * b1)
        means += mean_a * mean_b
        means_a += mean_a**2
        means_b += mean_b**2
        variance += float((lags(a1.conj() * a1) * lags(b1.conj() * b1)).sum()) / (inside_a * inside_b)
    up = lags(joint) - means / cover
    left, right = lags(forward(squares_a).conj() * B) - means_a / cover, lags(still * forward(squares_b)) - means_b / cover
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
