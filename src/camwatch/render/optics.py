"""Light and optics: sun on facets, cast shadows, sky light, oblique view, point spread.

A horizontal sunlit surface has brightness 1 × its reflectance: a share `sky` of that comes from the sky, the rest directly from the sun. A facet
with unit normal n gets ``(1 - sky) · max(n·s, 0) / s_z + sky · (1 + n_z) / 2``; in shadow only the second term is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, cos, radians, sin, tan
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.imagery.image import Sun

SKY = {"blue": 0.30, "green": 0.23, "red": 0.18, "nir": 0.11, "swir16": 0.06, "swir22": 0.05, "pan": 0.20}
"""Share of the light on a horizontal surface that comes from the sky, clear air and a sun at 45°."""

LOWEST_SUN_DEG = 5.0
"""Below this elevation shadows outgrow any window; nothing is rendered."""


@dataclass(frozen=True, slots=True)
class View:
    """Where the sensor stood: `off_nadir_deg` from the vertical, `azimuth_deg` from the ground towards the sensor, clockwise from north."""

    off_nadir_deg: float = 0.0
    azimuth_deg: float = 0.0


def sky_share(band: str, sun: Sun) -> float:
    """Return the share 0..1 of sky light in a band; it grows as the sun sinks, because the direct beam crosses more air."""
    return float(min(0.6, SKY.get(band, 0.2) * (sin(radians(45)) / sin(radians(max(sun.elevation_deg, LOWEST_SUN_DEG)))) ** 0.7))


def sun_vector(sun: Sun) -> tuple[float, float, float]:
    """Return the unit vector (east, north, up) towards the sun.

    Raises
    ------
    ValueError
        Where the sun stands lower than :data:`LOWEST_SUN_DEG`.
    """
    if sun.elevation_deg < LOWEST_SUN_DEG:
        raise ValueError(f"sun: got elevation {sun.elevation_deg}°; expected at least {LOWEST_SUN_DEG}° to cast shadows")
    a, e = radians(sun.azimuth_deg), radians(sun.elevation_deg)
    return cos(e) * sin(a), cos(e) * cos(a), sin(e)


def shift(plane: NDArray[np.float32], rows: int, cols: int, fill: float = 0.0) -> NDArray[np.float32]:
    """Return out[y, x] = plane[y + rows, x + cols], `fill` outside."""
    out = np.full_like(plane, fill)
    height, width = plane.shape
    if abs(rows) >= height or abs(cols) >= width:
        return out
    source = plane[max(rows, 0) : height + min(rows, 0), max(cols, 0) : width + min(cols, 0)]
    out[max(-rows, 0) : height - max(rows, 0), max(-cols, 0) : width - max(cols, 0)] = source
    return out


def sunlit(heights: NDArray[np.float32], towards: tuple[float, float], cell_m: float, sun: Sun, *, stride: int = 1) -> NDArray[np.float32]:
    """Return the share 0..1 of each cell that the sun reaches, marching from every cell towards the sun.

    Parameters
    ----------
    heights : (y, x) float32
        Metres above the flat ground.
    towards : (rows, cols)
        Direction of the sun on this grid, any length.
    cell_m : float
        Side of a cell in metres.
    sun : Sun
    stride : int
        Cells per step; more than 1 only where everything is wider than that (crowns).

    Returns
    -------
    (y, x) float32

    Notes
    -----
    One cell per step along the longer axis, linear between the two neighbours across. A blocker k steps away that rises more than k steps of the
    ray above the cell shades it; the last step fades linearly, so that the tip of a shadow lies at height / tan(elevation) to a fraction of a cell.
    Roofs are shaded only by what rises above their own slope, which the facet's normal already dims.
    """
    top = float(heights.max(initial=0.0))
    if top <= 0:
        return np.ones_like(heights)
    rows, cols = (v / max(abs(towards[0]), abs(towards[1])) for v in towards)
    rise = cell_m * float(np.hypot(rows, cols)) * tan(radians(sun.elevation_deg))
    pad = ceil(top / rise) + 1
    return _marched(heights, (rows, cols), rise, range(1, pad + 1, stride))


def _marched(heights: NDArray[np.float32], step: tuple[float, float], rise: float, ks: range) -> NDArray[np.float32]:
    height, width = heights.shape
    steps = ks[-1]
    padded = np.pad(heights, steps + 1)
    blocker = np.full_like(heights, -np.inf)
    for k in ks:
        r, c = k * step[0], k * step[1]
        r0, c0 = int(np.floor(r)), int(np.floor(c))
        part = np.float32((r - r0) + (c - c0))  # one of the two is a whole step
        y, x = steps + 1 + r0, steps + 1 + c0
        ray = padded[y : y + height, x : x + width]
        if part > 1e-6:
            dy, dx = (1, 0) if r != r0 else (0, 1)
            ray = ray + part * (padded[y + dy : y + dy + height, x + dx : x + dx + width] - ray)
        np.maximum(blocker, ray - np.float32(k * rise), out=blocker)
    blocker -= heights
    blocker *= np.float32(1 / rise)
    blocker += np.float32(1 - 1e-6) * (heights < 0.05)  # open ground; just under 1, so that rounding shades nothing
    np.clip(blocker, 0, 1, out=blocker)
    return np.subtract(np.float32(1), blocker, out=blocker)


def blur(plane: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    """Return `plane` (y, x) or (band, y, x) blurred by a Gaussian point spread of `sigma_px` pixels along both axes, edges repeated."""
    if sigma_px <= 0:
        return plane
    reach = max(1, ceil(3 * sigma_px))
    taps = np.exp(-0.5 * (np.arange(reach + 1) / sigma_px) ** 2)
    taps /= taps[0] + 2 * taps[1:].sum()
    out = plane
    for axis in (-2, -1):
        wide = [(0, 0)] * plane.ndim
        wide[axis] = (reach, reach)
        padded = np.pad(out, wide, mode="edge")
        size = out.shape[axis]

        def cut(k: int, padded: NDArray[np.float32] = padded, size: int = size, axis: int = axis) -> NDArray[np.float32]:
            window = [slice(None)] * padded.ndim
            window[axis] = slice(reach + k, reach + k + size)
            return padded[tuple(window)]

        total = cut(0) * np.float32(taps[0])
        for k in range(1, reach + 1):
            total += np.float32(taps[k]) * (cut(k) + cut(-k))
        out = total
    return out


def pooled(plane: NDArray[np.float32], by: int) -> NDArray[np.float32]:
    """Return the mean of each `by` × `by` block of a (..., y, x) array whose sides are multiples of `by`."""
    if by == 1:
        return plane
    *rest, height, width = plane.shape
    view = plane.reshape(*rest, height // by, by, width // by, by)
    total = view[..., 0, :, 0].copy()
    for i in range(by):
        for j in range(by):
            if i or j:
                total += view[..., i, :, j]
    total *= np.float32(1 / by**2)
    return total
