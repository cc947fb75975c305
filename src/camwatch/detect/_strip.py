"""A band unrolled: `s` runs along its axis, `n` across it; its geometry, and the pixels in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d, label, map_coordinates
from scipy.sparse import csc_array, diags_array
from scipy.sparse.linalg import splu

from camwatch.imagery.image import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

NODE = 5
"""Strip rows per step of a path; a closed strip has a whole number of steps."""


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """A band unrolled along its axis.

    Attributes
    ----------
    axis : (s, 2) float64
        (x, y) of the axis, `step_m` apart; where `closed`, the row after the last is the first.
    across : (s, 2) float64
        Unit vectors across, to the right of the direction of travel (outward for a counter-clockwise ring).
    offsets : (n,) float64
        Distances along `across` in metres, rising, `step_m` apart, symmetric about 0.
    step_m : float
    closed : bool
    """

    axis: NDArray[np.float64]
    across: NDArray[np.float64]
    offsets: NDArray[np.float64]
    step_m: float
    closed: bool

    def rows(self, start: int, stop: int) -> NDArray[np.intp]:
        """Return row numbers from `start` to `stop`, wrapped where the strip is closed, held at its ends where it is not."""
        index = np.arange(start, stop)
        return index % len(self.axis) if self.closed else np.clip(index, 0, len(self.axis) - 1)

    def points(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the (x, y) of some rows as (rows, n, 2)."""
        grid: NDArray[np.float64] = self.axis[rows, None, :] + self.offsets[None, :, None] * self.across[rows, None, :]
        return grid


def offsets_of(half_m: float, step_m: float) -> NDArray[np.float64]:
    """Return distances across, symmetric about 0, that reach at least `half_m`."""
    count = int(np.ceil(half_m / step_m))
    return np.asarray(np.arange(-count, count + 1) * step_m, np.float64)


def right_of(tangent: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return unit vectors to the right of some directions (k, 2)."""
    turned = np.column_stack([tangent[:, 1], -tangent[:, 0]])
    return np.asarray(turned / np.maximum(np.hypot(*turned.T), 1e-12)[:, None], np.float64)


def resample(ring: NDArray[np.float64], step_m: float, multiple: int = 1) -> NDArray[np.float64]:
    """Return a closed ring (k, 2), first point not repeated, at equal arc lengths near `step_m`; the number of points is a multiple of `multiple`."""
    closed = np.vstack([ring, ring[:1]])
    arc = np.r_[0.0, np.cumsum(np.hypot(*np.diff(closed, axis=0).T))]
    count = max(multiple * round(arc[-1] / step_m / multiple), 4 * multiple)
    places = np.arange(count) * arc[-1] / count
    return np.column_stack([np.interp(places, arc, closed[:, 0]), np.interp(places, arc, closed[:, 1])])


def runs(flags: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Return the indices of each run of True in a closed sequence, in order around it; a run over the seam is one."""
    first = 0 if flags.all() else int(np.argmin(flags))
    names, count = label(np.roll(flags, -first))
    return [(np.flatnonzero(names == name) + first) % len(flags) for name in range(1, count + 1)]


def smooth(ring: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Return a closed ring (k, 2) filtered along itself with a Gaussian of `sigma` points."""
    return np.asarray(gaussian_filter1d(ring, sigma, axis=0, mode="wrap"), np.float64)


def keep_shape(values: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Return closed values (k, …) filtered by 2G - G·G: noise goes, and the shrinking of bends goes to second order (doi:10.1145/218380.218473)."""
    once = gaussian_filter1d(values, sigma, axis=0, mode="wrap")
    return np.asarray(2 * once - gaussian_filter1d(once, sigma, axis=0, mode="wrap"), np.float64)


def straighten(ring: NDArray[np.float64], weight: NDArray[np.float64], stiffness: float) -> NDArray[np.float64]:
    """Return a closed ring (k, 2) near the given one whose turns are few: trend filtering (doi:10.1137/070690274) with a concave price.

    Noise is ironed out of straight stretches and corners stay corners, so that neither the length gains nor the area loses. `weight` (k,) 0..1
    says how far each point is trusted; untrusted stretches are bridged straight. `stiffness` is the price of turning, in metres at unit weight.
    The minimum is approached by a fixed number of reweighted least-squares solutions.
    """
    count = len(ring)
    index = np.arange(count)
    neighbours = np.concatenate([(index - 1) % count, index, (index + 1) % count])
    bend = csc_array((np.repeat([1.0, -2.0, 1.0], count), (np.tile(index, 3), neighbours)), shape=(count, count))
    trust = np.maximum(weight, 1e-3)
    course = ring
    for _ in range(12):
        # The norm's square root, not the norm: one turn is cheaper than two halves, so that a corner is not left chamfered.
        price = stiffness / (np.hypot(*(bend @ course).T) + 0.01) ** 1.5
        system = csc_array(diags_array(trust) + bend.T @ diags_array(price) @ bend)
        course = np.asarray(splu(system).solve(trust[:, None] * ring), np.float64)
    return course


def ring_strip(ring: NDArray[np.float64], half_m: float, step_m: float) -> Strip:
    """Return the band of half width `half_m` around a counter-clockwise ring (k, 2) in metres.

    Corners sharper than the band is wide would fold it; axis and directions across are therefore smoothed over a part of its width, and the
    axis is slightly inside a corner.
    """
    fine = resample(ring, step_m, NODE)
    axis = resample(smooth(fine, 0.3 * half_m / step_m), step_m, NODE)
    tangent = smooth(np.roll(axis, -1, axis=0) - np.roll(axis, 1, axis=0), 0.5 * half_m / step_m)
    spacing = float(np.hypot(*(np.roll(axis, -1, axis=0) - axis).T).mean())
    return Strip(axis, right_of(tangent), offsets_of(half_m, step_m), spacing, closed=True)


def straight_strip(start: NDArray[np.float64], azimuth: float, length_m: float, half_m: float, step_m: float) -> Strip:
    """Return a straight band from `start` (x, y) in the direction `azimuth` (radians, counter-clockwise from x)."""
    along = np.array([np.cos(azimuth), np.sin(azimuth)])
    count = NODE * max(round(length_m / step_m / NODE), 4)
    axis = start + np.arange(count)[:, None] * step_m * along
    return Strip(axis, right_of(np.tile(along, (count, 1))), offsets_of(half_m, step_m), step_m, closed=False)


def sample(image: Image, points: NDArray[np.float64], step_m: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the luminance (rows, n) and its validity at `points` (rows, n, 2), averaged over `step_m` where that is coarser than the pixel.

    Reads only the window of the image around the points; what lies outside the image is not valid.
    """
    grid = points.shape[:2]
    inverse = ~image.geobox.affine
    col = inverse.a * points[..., 0] + inverse.b * points[..., 1] + inverse.c - 0.5
    row = inverse.d * points[..., 0] + inverse.e * points[..., 1] + inverse.f - 0.5
    height, width = image.valid.shape
    pad = 4
    y0, y1 = max(int(row.min()) - pad, 0), min(int(row.max()) + pad + 2, height)
    x0, x1 = max(int(col.min()) - pad, 0), min(int(col.max()) + pad + 2, width)
    if y0 >= y1 or x0 >= x1:
        return np.zeros(grid, np.float32), np.zeros(grid, bool)
    window = Image(
        image.values[:, y0:y1, x0:x1],
        image.valid[y0:y1, x0:x1],
        image.bands,
        image.geobox[y0:y1, x0:x1],
        image.acquired,
        image.sun,
        image.gsd_m,
        image.calibration,
        image.scene,
        image.simulated,
    )
    weight = window.valid.astype(np.float32)
    plane = np.where(window.valid, window.luminance(), np.float32(0))
    ratio = step_m / image.pixel_m
    if ratio > 1.2:  # the Gaussian that, after the pixel's own width, has the spread of a box of step_m
        sigma = float(np.sqrt(ratio**2 - 1) / np.sqrt(12))
        plane, weight = gaussian_filter(plane, sigma), gaussian_filter(weight, sigma)
    places = np.stack([row - y0, col - x0])
    value = map_coordinates(plane, places, order=1, mode="constant", cval=0.0)
    share = map_coordinates(weight, places, order=1, mode="constant", cval=0.0)
    valid = share > 0.6
    return np.asarray(np.where(valid, value / np.maximum(share, 0.1), 0), np.float32), np.asarray(valid)
