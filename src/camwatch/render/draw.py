"""Solids → what a sensor sees of them: the physical core that planting and scene rendering share."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, cos, radians, sin, tan
from typing import TYPE_CHECKING

import numpy as np

from camwatch.render.optics import View, blur, pooled, shift, sky_share, sun_vector, sunlit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from affine import Affine
    from numpy.typing import NDArray

    from camwatch.imagery.image import Sun
    from camwatch.render.solids import Solid

    Planes = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]

NADIR = View()


@dataclass(frozen=True, slots=True)
class _Light:
    sun: Sun
    view: View


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """What one solid does to the pixels of a window.

    Attributes
    ----------
    window : (slice, slice)
        Rows and columns of the image.
    roof : (band, y, x) float32
        Brightness (reflectance × light) of the solid, times the share of the pixel that it fills.
    open : (y, x) float32
        Share of the pixel where the ground is still seen.
    lit : (y, x) float32
        Share of the pixel where ground is seen and the sun reaches it; at most `open`.
    """

    window: tuple[slice, slice]
    roof: NDArray[np.float32]
    open: NDArray[np.float32]
    lit: NDArray[np.float32]

    def ground(self, sky: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the factor (band, y, x) that dims ground which lay open and in the sun; `sky` holds each band's share of sky light."""
        share = sky[:, None, None]
        return share * self.open + (1 - share) * self.lit


def influence(solid: Solid, sun: Sun, view: View = NADIR) -> tuple[float, float, float, float]:
    """Return (left, bottom, right, top) in map coordinates of all that a solid can change: itself, its lean and its shadow."""
    left, bottom, right, top = solid.footprint.bounds
    e, n, up = sun_vector(sun)
    away = [(-e / up * solid.height_m, -n / up * solid.height_m)]
    lean = tan(radians(view.off_nadir_deg)) * solid.height_m
    away.append((-lean * sin(radians(view.azimuth_deg)), -lean * cos(radians(view.azimuth_deg))))
    return (
        left + min(0.0, *(a for a, _ in away)),
        bottom + min(0.0, *(b for _, b in away)),
        right + max(0.0, *(a for a, _ in away)),
        top + max(0.0, *(b for _, b in away)),
    )


def draw(
    solid: Solid,
    transform: Affine,
    shape: tuple[int, int],
    bands: Sequence[str],
    sun: Sun,
    *,
    view: View = NADIR,
    psf_px: float = 0.0,
    finest_m: float = 0.25,
    grain: float = 0.0,
    rng: np.random.Generator | None = None,
) -> Layers | None:
    """Draw one solid on the grid of an image.

    Parameters
    ----------
    solid : Solid
    transform : Affine
        Pixel (col, row) → map (x, y); may be rotated a little.
    shape : (rows, cols)
        Of the image; the window is cut to it.
    bands : sequence of str
    sun : Sun
    view : View
        An oblique view leans the solid away from the sensor and shows the wall that faces it.
    psf_px : float
        Standard deviation of the point spread in pixels; 0 where the caller blurs.
    finest_m : float
        Cells of the supersampled window are at most this large, or a quarter of a pixel.
    grain : float
        Relative standard deviation of the roof's texture, drawn from `rng`.

    Returns
    -------
    Layers or None
        None where nothing of it falls on the image.
    """
    pixel_m = float(abs(transform.determinant) ** 0.5)
    margin = ceil(3 * psf_px) + 1
    left, bottom, right, top = influence(solid, sun, view)
    corners = [~transform @ (x, y) for x in (left, right) for y in (bottom, top)]
    cols, rows = [c for c, _ in corners], [r for _, r in corners]
    window = [(max(0, int(np.floor(min(v))) - margin), min(size, int(np.ceil(max(v))) + margin)) for v, size in ((rows, shape[0]), (cols, shape[1]))]
    if any(stop <= start for start, stop in window):
        return None
    # The solid may stand outside the image and throw its shadow in, so the fine window spans everything and is cut afterwards.
    whole = [(int(np.floor(min(v))) - margin, int(np.ceil(max(v))) + margin) for v in (rows, cols)]
    fine = int(np.clip(ceil(pixel_m / finest_m), 2, 4))
    (r0, r1), (c0, c1) = whole
    grid = transform @ transform.translation(c0, r0) @ transform.scale(1 / fine)
    layers = _fine(solid, grid, ((r1 - r0) * fine, (c1 - c0) * fine), bands, _Light(sun, view), grain=grain, rng=rng)
    cut = tuple(slice(start - first, stop - first) for (start, stop), (first, _) in zip(window, whole, strict=True))
    roof, seen, lit = (blur(pooled(plane, fine), psf_px)[..., cut[0], cut[1]] for plane in layers)
    return Layers((slice(*window[0]), slice(*window[1])), roof, seen, lit)


def _fine(
    solid: Solid, grid: Affine, shape: tuple[int, int], bands: Sequence[str], light: _Light, *, grain: float, rng: np.random.Generator | None
) -> Planes:
    sun = light.sun
    cell_m = float(abs(grid.determinant) ** 0.5)
    col = np.arange(shape[1], dtype=np.float64) + 0.5
    row = np.arange(shape[0], dtype=np.float64)[:, None] + 0.5
    dx, dy = grid.a * col + grid.b * row + (grid.c - solid.x), grid.d * col + grid.e * row + (grid.f - solid.y)
    (ux, uy), (vx, vy) = solid.axes
    u, v = (dx * ux + dy * uy).astype(np.float32), (dx * vx + dy * vy).astype(np.float32)
    cover = _overlap(u, solid.length_m, cell_m) * _overlap(v, solid.width_m, cell_m)
    height, direct, upward = _roof(solid, u, v, sun)
    heights = np.asarray(height * np.minimum(2 * cover, 1), np.float32)  # half covered counts as full: an edge cell still throws its shadow
    e, n, _ = sun_vector(sun)
    across = ~grid
    sunny = 1 - (1 - sunlit(heights, (across.d * e + across.e * n, across.a * e + across.b * n), cell_m, sun)) * np.float32(solid.opacity)
    seen = 1 - cover * np.float32(solid.opacity)
    texture = 1.0 if rng is None or grain <= 0 else 1 + grain * rng.standard_normal(u.shape).astype(np.float32)
    planes = [solid.reflectance(b) * ((1 - sky_share(b, sun)) * direct + sky_share(b, sun) * upward) * (1 - seen) * texture for b in bands]
    roof = np.asarray(np.stack(planes), np.float32)
    nadir = (roof, seen, seen * sunny)
    return nadir if light.view.off_nadir_deg <= 0 else _leaning(solid, grid, heights, nadir, bands=bands, light=light)


def _overlap(distance: NDArray[np.float32], side: float, cell: float) -> NDArray[np.float32]:
    """Return the share of each cell that a strip of width `side` covers, by the distance of the cell's centre from the strip's axis."""
    return np.clip((side + cell) / 2 - np.abs(distance), 0, min(side, cell)).astype(np.float32) / np.float32(cell)


def _roof(solid: Solid, u: NDArray[np.float32], v: NDArray[np.float32], sun: Sun) -> Planes:
    """Return height, direct light relative to flat ground, and sky light relative to flat ground, all (y, x)."""
    e, n, up = sun_vector(sun)
    (ux, uy), (vx, vy) = solid.axes
    one = np.ones_like(u)
    if solid.roof == "flat":
        return one * np.float32(solid.height_m), one, one
    half, long = solid.width_m / 2, solid.length_m / 2
    pitch = min(solid.pitch, 0.9 * solid.height_m / half)
    along = np.abs(u) - (long - half) if solid.roof == "pyramid" else np.full_like(u, -np.inf)
    end = along > np.abs(v)
    run = np.where(end, along, np.abs(v))
    height = np.clip(solid.height_m - pitch * run, 0.1, None).astype(np.float32)
    # A slope that falls along +v has the normal (pitch·v, 1) / sqrt(1 + pitch²).
    slope_u, slope_v = np.where(end, np.sign(u), 0) * pitch, np.where(end, 0, np.sign(v)) * pitch
    upright = 1 / np.hypot(1, pitch)
    towards = slope_u * (ux * e + uy * n) + slope_v * (vx * e + vy * n) + up
    direct = np.clip(towards * upright / up, 0, 2).astype(np.float32)
    return height, direct, one * np.float32((1 + upright) / 2)


def _leaning(solid: Solid, grid: Affine, heights: NDArray[np.float32], nadir: Planes, *, bands: Sequence[str], light: _Light) -> Planes:
    """See the same cells from the side: down each line of sight, the first cell that reaches up to it is what the sensor sees."""
    sun, view = light.sun, light.view
    cell_m = float(abs(grid.determinant) ** 0.5)
    slope = tan(radians(view.off_nadir_deg))
    steps = ceil(float(heights.max(initial=0.0)) * slope / cell_m)
    a, inverse = radians(view.azimuth_deg), ~grid
    r, c = inverse.d * sin(a) + inverse.e * cos(a), inverse.a * sin(a) + inverse.b * cos(a)
    length = float(np.hypot(r, c))
    roof, seen, lit = (plane.copy() for plane in nadir)
    e, n, up = sun_vector(sun)
    facing = max(0.0, (sin(a) * e + cos(a) * n) / up)
    wall = np.array([solid.wall_reflectance * ((1 - sky_share(b, sun)) * min(facing, 1.5) + sky_share(b, sun) / 2) for b in bands], np.float32)
    free = np.ones(heights.shape, bool)
    for k in range(steps, 0, -1):
        rows, cols = round(k * r / length), round(k * c / length)
        reach = shift(heights, rows, cols)
        ray = k * cell_m / slope
        hit = free & (reach >= ray - cell_m / slope / 2)
        side = hit & (reach > ray + 1.5 * cell_m / slope)
        free &= ~hit
        top = hit & ~side
        moved = [shift(plane, rows, cols) for plane in nadir[0]]
        for band, plane in enumerate(moved):
            roof[band][top] = plane[top]
            roof[band][side] = wall[band] * solid.opacity
        seen[hit] = shift(nadir[1], rows, cols, 1.0)[hit]
        lit[hit] = shift(nadir[2], rows, cols, 1.0)[hit]
        seen[side] = lit[side] = 1 - solid.opacity
    return roof, seen, lit
