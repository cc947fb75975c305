"""A world on a day → the reflectance that an ideal sensor would see, tile by tile."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, radians, tan
from typing import TYPE_CHECKING, Any

import numpy as np
from odc.geo.geobox import GeoBox
from shapely import get_coordinates

from camwatch.rasters import mask_of
from camwatch.render.draw import NADIR, draw, influence
from camwatch.render.land import CODE, green_share, season_of, spectra
from camwatch.render.optics import View, blur, pooled, sky_share, sun_vector, sunlit
from camwatch.render.texture import Lattice, crown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from affine import Affine
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from camwatch.imagery.image import Sun
    from camwatch.render.world import Moment, Patch

TALLEST_TREE_M = 13.0
GRAINS = {0.6: 0.55, 1.7: 0.5, 5.0: 0.45, 16.0: 0.5, 60.0: 0.5, 240.0: 0.45}
"""Sizes in metres and amplitudes of the ground's texture; close to equal power per octave, as natural ground has."""

_ROUGH = {
    "water": 0.03,
    "snow": 0.05,
    "paved": 0.05,
    "track": 0.09,
    "bare": 0.08,
    "yard": 0.09,
    "field": 0.075,
    "paddy": 0.06,
    "forest": 0.16,
    "scrub": 0.15,
    "crown": 0.12,
    "village": 0.14,
    "garden": 0.14,
    "rubble": 0.22,
    "spoil": 0.14,
    "gravel": 0.10,
}


@dataclass(frozen=True, slots=True)
class Optics:
    """How a scene is taken: sun, view, point spread in pixels, and cells per pixel side that the ground is computed with."""

    sun: Sun
    view: View = NADIR
    psf_px: float = 0.5
    oversample: int = 1
    tile_px: int = 512


@dataclass(frozen=True, slots=True, eq=False)
class _Ground:
    """One tile's cells: centres, which cover, how bright, how green."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    cell_m: float
    cover: NDArray[np.uint8]
    tone: NDArray[np.float32]
    vigour: NDArray[np.float32]


def render(
    moment: Moment,
    geobox: GeoBox,
    bands: Sequence[str],
    optics: Optics,
    *,
    finish: Callable[[NDArray[np.float32], tuple[int, int]], NDArray[Any]] | None = None,
) -> NDArray[Any]:
    """Return the surface reflectance (band, y, x) float32 of a world on a day, as seen through the sensor's optics and before its noise.

    Parameters
    ----------
    moment : Moment
    geobox : GeoBox
        Axis-aligned (a scale and an offset), in the world's CRS: where the pixels truly lie.
    bands : sequence of str
        Of :data:`camwatch.render.land.BANDS`, or `pan`.
    optics : Optics
    finish : callable, optional
        (tile (band, y, x) float32, (row, col) of its corner) → what is stored of it, e.g. digital numbers with noise; the answer has its type.

    Raises
    ------
    ValueError
        Where the grid is rotated.
    """
    a = geobox.affine
    if a.b or a.d:
        raise ValueError(f"scene: got a rotated grid {tuple(a)[:6]}; expected an axis-aligned one")
    height, width = geobox.shape
    out: NDArray[Any] | None = None
    margin = ceil(3 * optics.psf_px) + 1
    for r in range(0, height, optics.tile_px):
        for c in range(0, width, optics.tile_px):
            rows, cols = min(optics.tile_px, height - r), min(optics.tile_px, width - c)
            corner = a @ a.translation(c - margin, r - margin)
            tile = _tile(moment, corner, (rows + 2 * margin, cols + 2 * margin), bands, optics)
            seen = blur(tile, optics.psf_px)[:, margin:-margin, margin:-margin]
            done = seen if finish is None else finish(seen, (r, c))
            if out is None:
                out = np.empty((len(bands), height, width), done.dtype)
            out[:, r : r + rows, c : c + cols] = done
    assert out is not None, "a GeoBox has at least one pixel"
    return out


def _tile(moment: Moment, corner: Affine, shape: tuple[int, int], bands: Sequence[str], optics: Optics) -> NDArray[np.float32]:
    by = optics.oversample
    cells = corner @ corner.scale(1 / by)
    cell_m = float(abs(cells.a))
    detail = cell_m < 3  # finer than a crown
    reach = ceil(TALLEST_TREE_M / tan(radians(optics.sun.elevation_deg)) / cell_m) if detail else 0
    wide = cells @ cells.translation(-reach, -reach)
    ground = _ground(moment, wide, (shape[0] * by + 2 * reach, shape[1] * by + 2 * reach), detail=detail)
    heights = _trees(moment, ground) if detail else None
    inner = (slice(reach, -reach), slice(reach, -reach)) if reach else (slice(None), slice(None))
    direct = _hillshade(moment, ground.x[inner[1]], ground.y[inner[0]], optics.sun)
    _snow(moment, ground, inner, direct)
    shade = np.ones_like(direct)
    if heights is not None and heights.any():
        e, n, _ = sun_vector(optics.sun)
        leaves = green_share(season_of(moment.day.timetuple().tm_yday))[CODE["crown"]]
        shade = 1 - (1 - sunlit(heights, (-n, e), cell_m, optics.sun, stride=2 if cell_m < 0.8 else 1)[inner]) * np.float32(0.5 + 0.5 * leaves)
        direct = direct * np.where(heights[inner] > 0.5, _facets(heights, cell_m, optics.sun)[inner], np.float32(1))
    albedo = _albedo(moment, ground, inner, bands)
    if not detail:
        albedo *= 1 - 0.3 * (ground.cover[inner] == CODE["forest"])  # crowns shade one another below the size of a cell
    return pooled(_lit(moment, albedo, (direct, shade), cells, bands=bands, optics=optics), by)


def _lit(
    moment: Moment,
    albedo: NDArray[np.float32],
    light: tuple[NDArray[np.float32], NDArray[np.float32]],
    cells: Affine,
    *,
    bands: Sequence[str],
    optics: Optics,
) -> NDArray[np.float32]:
    """Put the solids on the ground and light both; `light` is the direct light on open ground, and the share of it that trees let through."""
    direct, shade = light
    sky = np.array([sky_share(b, optics.sun) for b in bands], np.float32)
    height, width = direct.shape
    bounds = (cells.c, cells.f + height * cells.e, cells.c + width * cells.a, cells.f)
    reach = 15 / tan(radians(optics.sun.elevation_deg)) + 5
    near = moment.solids_in((bounds[0] - reach, bounds[1] - reach, bounds[2] + reach, bounds[3] + reach))
    near = [s for s in near if _meets(influence(s, optics.sun, optics.view), bounds)]
    sun_share, seen, roof = shade, None, None
    if near:
        seen, roof, open_sun = np.ones_like(direct), np.zeros_like(albedo), np.ones_like(direct)
        for solid in sorted(near, key=lambda s: s.height_m):
            layers = draw(solid, cells, (height, width), bands, optics.sun, view=optics.view)
            if layers is None:
                continue
            w = layers.window
            roof[:, *w] = layers.roof + roof[:, *w] * layers.ground(sky)
            seen[w] *= layers.open
            # Two shadows that meet in a pixel darken it by their sum, not twice.
            open_sun[w] = np.maximum(open_sun[w] + layers.lit / np.maximum(layers.open, 1e-3) - 1, 0)
        sun_share = np.minimum(shade, open_sun)
    direct = direct * sun_share
    out = albedo
    for band, share in enumerate(sky):
        out[band] *= share + (1 - share) * direct
        if seen is not None and roof is not None:
            out[band] *= seen
            out[band] += roof[band] * (share + (1 - share) * shade)
    return out


def _meets(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and one[2] > other[0] and one[1] < other[3] and one[3] > other[1]


def _ground(moment: Moment, cells: Affine, shape: tuple[int, int], *, detail: bool) -> _Ground:
    world = moment.world
    x = cells.c + cells.a * (np.arange(shape[1], dtype=np.float64) + 0.5)
    y = cells.f + cells.e * (np.arange(shape[0], dtype=np.float64) + 0.5)
    steep = world.slope.at(x, y) + world.texture.noise(x - 5000, y, {120.0: 0.06, 30.0: 0.04})
    cover = np.where(steep > 0.5, np.uint8(CODE["forest"]), np.uint8(CODE["scrub"]))
    ground = _Ground(x, y, abs(cells.a), cover, np.zeros(shape, np.float32), np.zeros(shape, np.float32))
    bounds = (cells.c, cells.f + shape[0] * cells.e, cells.c + shape[1] * cells.a, cells.f)
    for number, patch in moment.patches_in(bounds):
        _paint(ground, cells, (number, patch), steep, world.crs, furrows=detail and ground.cell_m < 0.8)
    return ground


def _paint(ground: _Ground, cells: Affine, numbered: tuple[int, Patch], steep: NDArray[np.float32], crs: str, *, furrows: bool) -> None:
    number, patch = numbered
    left, bottom, right, top = patch.geometry.bounds
    inverse = ~cells
    (c0, r0), (c1, r1) = inverse @ (left, top), inverse @ (right, bottom)
    r0, r1 = max(int(r0) - 1, 0), min(int(r1) + 2, ground.cover.shape[0])
    c0, c1 = max(int(c0) - 1, 0), min(int(c1) + 2, ground.cover.shape[1])
    if r1 <= r0 or c1 <= c0:
        return
    window = (slice(r0, r1), slice(c0, c1))
    mask = _inside(patch.geometry, ground.x[window[1]], ground.y[window[0]])
    if mask is None:
        mask = mask_of(patch.geometry, GeoBox((r1 - r0, c1 - c0), cells @ cells.translation(c0, r0), crs))
    if patch.lowland:
        mask &= steep[window] < 0.3
    tone: Any = np.float32(patch.tone)
    if furrows and patch.rows_deg is not None:
        a, pitch = np.radians(patch.rows_deg), 2.2 + 0.35 * (number % 5)
        phase = (ground.x[window[1]] * np.cos(a))[None] - (ground.y[window[0]] * np.sin(a))[:, None]
        # Ridges come in sets of a few metres; the slow wave keeps them from looking ruled.
        tone = tone + np.float32(0.045) * np.sin((phase % (pitch * 4096)).astype(np.float32) * np.float32(2 * np.pi / pitch))
    np.copyto(ground.cover[window], np.uint8(CODE[patch.cover]), where=mask)
    np.copyto(ground.tone[window], tone, where=mask)
    np.copyto(ground.vigour[window], np.float32(patch.vigour), where=mask)


def _inside(geometry: BaseGeometry, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_] | None:
    """Return the cells whose centre lies in a convex quadrangle, None for any other shape; most patches are fields, and this is 20 times faster."""
    corners = get_coordinates(geometry)
    if len(corners) != 5:
        return None
    sides = np.diff(corners, axis=0)
    turns = sides[:, 0] * np.roll(sides[:, 1], -1) - sides[:, 1] * np.roll(sides[:, 0], -1)
    if not (np.all(turns > 0) or np.all(turns < 0)):
        return None
    sign = 1.0 if turns[0] > 0 else -1.0
    inside = np.ones((len(y), len(x)), bool)
    for (px, py), (dx, dy) in zip(corners[:-1], sides * sign, strict=True):
        inside &= (dx * (y - py))[:, None] >= (dy * (x - px))[None]
    return inside


def _trees(moment: Moment, ground: _Ground) -> NDArray[np.float32]:
    """Return the heights of the crowns on a tile, and give the cells under them the cover of a crown."""
    world = moment.world
    heights = world.canopy.heights(ground.x, ground.y)
    gaps = world.texture.noise(ground.x, ground.y - 7000, {45.0: 0.8, 15.0: 0.5})
    heights = heights * (ground.cover == CODE["forest"]) * (gaps > -1.1)
    bounds = (ground.x[0], ground.y[-1], ground.x[-1], ground.y[0])
    grown = (bounds[0] - 6, bounds[1] - 6, bounds[2] + 6, bounds[3] + 6)
    for dx, dy, radius, tall in moment.trees_in(grown):
        col, row = (world.centre[0] + float(dx) - ground.x[0]) / ground.cell_m, (ground.y[0] - world.centre[1] - float(dy)) / ground.cell_m
        stamp = crown(float(radius), float(tall), ground.cell_m, (row - round(row), col - round(col)))
        reach = stamp.shape[0] // 2
        r, c = round(row) - reach, round(col) - reach
        r0, r1, c0, c1 = max(r, 0), min(r + stamp.shape[0], heights.shape[0]), max(c, 0), min(c + stamp.shape[1], heights.shape[1])
        if r1 > r0 and c1 > c0:
            np.maximum(heights[r0:r1, c0:c1], stamp[r0 - r : r1 - r, c0 - c : c1 - c], out=heights[r0:r1, c0:c1])
    ground.cover[heights > 0.5] = CODE["crown"]
    return np.asarray(heights, np.float32)


def _facets(heights: NDArray[np.float32], cell_m: float, sun: Sun) -> NDArray[np.float32]:
    """Return the direct light on crowns relative to flat ground."""
    e, n, up = sun_vector(sun)
    east, south = np.zeros_like(heights), np.zeros_like(heights)
    east[:, 1:-1] = (heights[:, 2:] - heights[:, :-2]) * np.float32(0.5 / cell_m)
    south[1:-1] = (heights[2:] - heights[:-2]) * np.float32(0.5 / cell_m)
    np.clip(east, -1.2, 1.2, out=east)
    np.clip(south, -1.2, 1.2, out=south)
    light = np.float32(up) - np.float32(e) * east + np.float32(n) * south
    return np.asarray(np.clip(light / np.sqrt(1 + east**2 + south**2) / np.float32(up), 0.05, 1.8), np.float32)


def _hillshade(moment: Moment, x: NDArray[np.float64], y: NDArray[np.float64], sun: Sun) -> NDArray[np.float32]:
    """Return the direct light on the terrain relative to flat ground, interpolated from the relief's own lattice."""
    relief = moment.world.relief
    e, n, up = sun_vector(sun)
    reach = np.array([-2, 3])
    rows = np.clip(((relief.top - y[[0, -1]]) / relief.cell_m).astype(int) + reach, 0, relief.values.shape[0])
    cols = np.clip(((x[[0, -1]] - relief.left) / relief.cell_m).astype(int) + reach, 0, relief.values.shape[1])
    part = relief.values[rows[0] : rows[1], cols[0] : cols[1]]
    if min(part.shape) < 2:
        return np.ones((len(y), len(x)), np.float32)
    south, east = np.gradient(part, relief.cell_m)
    light = (up - e * east + n * south) / np.sqrt(1 + east**2 + south**2) / up
    corner = relief.left + float(cols[0]) * relief.cell_m, relief.top - float(rows[0]) * relief.cell_m
    return Lattice(np.clip(light, 0.08, 2).astype(np.float32), *corner, relief.cell_m).at(x, y)


def _snow(moment: Moment, ground: _Ground, inner: tuple[slice, slice], direct: NDArray[np.float32]) -> None:
    """Leave old snow where the sun hardly reaches the slope."""
    amount = season_of(moment.day.timetuple().tm_yday).snow
    if amount <= 0.02:
        return
    cover = ground.cover[inner]
    patchy = moment.world.texture.noise(ground.x[inner[1]], ground.y[inner[0]] + 3000, {12.0: 0.04, 50.0: 0.07, 200.0: 0.06})
    lying = (amount * 2.2 * (1.25 - direct) + patchy > 0.55) & np.isin(cover, [CODE["scrub"], CODE["field"], CODE["forest"], CODE["garden"]])
    cover[lying] = CODE["snow"]


def _albedo(moment: Moment, ground: _Ground, inner: tuple[slice, slice], bands: Sequence[str]) -> NDArray[np.float32]:
    season = season_of(moment.day.timetuple().tm_yday)
    dry, green = spectra(bands, season)
    cover, x, y = ground.cover[inner], ground.x[inner[1]], ground.y[inner[0]]
    texture = moment.world.texture.noise(x, y, GRAINS)
    patchy = moment.world.texture.noise(x + 900, y, {8.0: 0.5, 35.0: 0.6, 150.0: 0.6})
    rough = np.array([_ROUGH[name] for name in CODE], np.float32)
    share = green_share(season)
    index = cover.astype(np.intp)
    # How far a cover greens and varies with the place; what never greens stays as it is.
    swing = np.where(share > 0, np.float32(0.3 + season.herbs), np.float32(0))
    patchy *= np.float32(0.12)
    patchy += ground.vigour[inner]
    leaf = np.take(share, index)
    leaf += np.take(swing, index) * patchy
    np.clip(leaf, 0, 1, out=leaf)
    texture *= np.take(rough, index)
    texture += ground.tone[inner]
    texture += 1
    np.clip(texture, 0.35, 2.0, out=texture)
    out = np.empty((len(bands), *cover.shape), np.float32)
    for band in range(len(bands)):
        plane = np.take(green[band] - dry[band], index)
        plane *= leaf
        plane += np.take(dry[band], index)
        np.multiply(plane, texture, out=out[band])
    return out
