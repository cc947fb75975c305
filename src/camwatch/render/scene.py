"""A world on a day → the reflectance that an ideal sensor would see, tile by tile."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, radians, tan
from typing import TYPE_CHECKING, Any

import numpy as np

from camwatch.render.albedo import albedo_of, lay_snow
from camwatch.render.cells import cells_of, crowns_on
from camwatch.render.draw import NADIR, draw, influence
from camwatch.render.illumination import light_on_crowns, light_on_relief
from camwatch.render.land import CODE, green_share, season_of
from camwatch.render.optics import View, blur, pooled, sky_share, sun_vector, sunlit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from affine import Affine
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from camwatch.imagery.image import Sun
    from camwatch.render.world import Moment

TALLEST_TREE_M = 13.0


@dataclass(frozen=True, slots=True)
class Optics:
    """How a scene is taken: sun, view, point spread in pixels, and cells per pixel side that the ground is computed with."""

    sun: Sun
    view: View = NADIR
    psf_px: float = 0.5
    oversample: int = 1
    tile_px: int = 512


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
    ground = cells_of(moment, wide, (shape[0] * by + 2 * reach, shape[1] * by + 2 * reach), detail=detail)
    heights = crowns_on(moment, ground) if detail else None
    inner = (slice(reach, -reach), slice(reach, -reach)) if reach else (slice(None), slice(None))
    direct = light_on_relief(moment, ground.x[inner[1]], ground.y[inner[0]], optics.sun)
    lay_snow(moment, ground, inner, direct)
    shade = np.ones_like(direct)
    if heights is not None and heights.any():
        e, n, _ = sun_vector(optics.sun)
        leaves = green_share(season_of(moment.day.timetuple().tm_yday))[CODE["crown"]]
        shade = 1 - (1 - sunlit(heights, (-n, e), cell_m, optics.sun, stride=2 if cell_m < 0.8 else 1)[inner]) * np.float32(0.5 + 0.5 * leaves)
        direct = direct * np.where(heights[inner] > 0.5, light_on_crowns(heights, cell_m, optics.sun)[inner], np.float32(1))
    albedo = albedo_of(moment, ground, inner, bands)
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
