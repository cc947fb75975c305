"""How much of an AOI a scene shows, and how much of that clearly: enough pixels for a table, no more."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from rasterio.windows import Window

from camwatch.aoi import LONLAT, reproject
from camwatch.imagery.grids import crop, extent_in
from camwatch.imagery.quality import usable
from camwatch.imagery.read import outside_polygons, read_presence, read_quality
from camwatch.rasters import mask_of
from camwatch.scenes.item import bands_of, default_bands, masks_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import pystac
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from camwatch.scenes.flags import Flag
    from camwatch.scenes.layers import Band, Mask, Part

SIDE = 512
"""Cells along the longer side of the AOI's bounds at most: a share is good to about a thousandth."""


def clear_share(item: pystac.Item, geometry: BaseGeometry) -> tuple[float, float]:
    """Return the shares of an AOI, 0..1, that a scene covers with data and that it shows clearly.

    Looked at are the centres of the scene's own pixels, or of blocks of them where the AOI is large: the quality layers as they are there, and one
    band at reduced resolution where no quality layer tells what is filled. Values are not looked at: what :func:`load` drops because of one band's
    saturation or a neighbour's cloud under its kernel is not counted here.

    Parameters
    ----------
    item : pystac.Item
    geometry : shapely geometry, EPSG:4326

    Returns
    -------
    covered : float
        Share of the AOI where the scene has data, clouded or not.
    clear : float
        Share of the AOI that is covered and that no quality layer calls unusable; `covered` where the product has no such layer
        (`camwatch.scenes.item.cloud_mask` is `none`).

    Raises
    ------
    SceneError
        When a file that has to be read is damaged.
    """
    band = min((band for band in bands_of(item) if band.name in default_bands(item)), key=lambda band: abs(band.geobox.affine.determinant))
    box = _cells(geometry, band.geobox)
    ground = reproject(geometry, LONLAT, box.crs)
    wanted = mask_of(ground, box)
    if not wanted.any():  # narrower than a cell
        wanted = mask_of(ground, box, touched=True)
    x, y = _centres(box, wanted)
    rows, cols = _pixels_at(x, y, box, band.geobox)
    height, width = band.geobox.shape
    covered = (rows >= 0) & (cols >= 0) & (rows < height) & (cols < width)
    clear = covered.copy()
    files, ours = ({part.href for one in bands for part in one.parts} for bands in (bands_of(item), (band,)))
    # A layer inside the file of another band speaks of that file.
    masks = [mask for mask in masks_of(item) if mask.is_vector or mask.href not in files or any(part.href in ours for part in mask.parts)]
    if covered.any() and not any(_fill_of(mask) for mask in masks if not mask.is_vector and mask.href not in files):
        covered &= _has_data(band, rows, cols, _step(box, band.geobox))
    for mask in masks if covered.any() else ():
        if mask.is_vector:
            covered &= outside_polygons(replace(mask, flags=_fill_of(mask)), box, ())[wanted]
            clear &= outside_polygons(mask, box, ())[wanted]
            continue
        rows, cols = _pixels_at(x, y, box, mask.geobox)
        for part in mask.parts:
            inside, values = _pick(part, rows, cols, 1, partial(_quality, mask.kind))
            covered[inside] &= usable(_fill_of(mask), values, ())
            clear[inside] &= usable(mask.flags, values, ())
    return float(covered.mean()), float((covered & clear).mean())


def _fill_of(mask: Mask) -> tuple[Flag, ...]:
    """Return the fields of a quality layer that tell where there is nothing, clouded or not."""
    return tuple(flag for flag in mask.flags if flag.name in {"fill", "outside"})


def _quality(kind: str, part: Part, window: Window, _shape: tuple[int, int]) -> NDArray[Any]:
    """Read all pixels: the overviews of classes may be averages, which mean nothing."""
    return read_quality(kind, part, window)


def _cells(geometry: BaseGeometry, native: GeoBox) -> GeoBox:
    """Return blocks of the native grid over the bounds of a geometry, few enough, whether the scene reaches them or not."""
    box = crop(native, extent_in(geometry, native))
    rows, cols = box.shape
    k = ceil(max(rows, cols) / SIDE)
    return GeoBox((ceil(rows / k), ceil(cols / k)), box.affine * Affine.scale(k), box.crs)


def _centres(box: GeoBox, wanted: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return x and y of the centres of the wanted pixels, in the CRS of their grid."""
    rows, cols = np.nonzero(wanted)
    a = box.affine
    col, row = cols + 0.5, rows + 0.5
    return a.a * col + a.b * row + a.c, a.d * col + a.e * row + a.f


def _pixels_at(x: NDArray[np.float64], y: NDArray[np.float64], box: GeoBox, raster: GeoBox) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return row and column in a raster of points given in the CRS of `box`; −1 where they cannot be expressed."""
    if raster.crs != box.crs:
        x, y = Transformer.from_crs(str(box.crs), str(raster.crs), always_xy=True).transform(x, y)
    b = ~raster.affine
    col, row = b.a * x + b.b * y + b.c, b.d * x + b.e * y + b.f
    known = np.isfinite(row) & np.isfinite(col)
    return np.floor(np.where(known, row, -1)).astype(np.intp), np.floor(np.where(known, col, -1)).astype(np.intp)


def _step(box: GeoBox, raster: GeoBox) -> int:
    return max(1, int(np.sqrt(abs(box.affine.determinant / raster.affine.determinant)) + 1e-6))


def _has_data(band: Band, rows: NDArray[np.intp], cols: NDArray[np.intp], step: int) -> NDArray[np.bool_]:
    seen = np.zeros(len(rows), bool)
    for part in band.parts:
        inside, values = _pick(part, rows, cols, step, partial(read_presence, band))
        seen[inside] |= values.astype(bool)
    return seen


def _pick(
    part: Part, rows: NDArray[np.intp], cols: NDArray[np.intp], step: int, read: Callable[[Part, Window, tuple[int, int]], NDArray[Any]]
) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    """Return which of some pixels of a mosaic lie in one of its files, and what `read` gives there; one in `step` pixels is read each way."""
    r, c = rows - part.row, cols - part.col
    inside = (r >= 0) & (c >= 0) & (r < part.shape[0]) & (c < part.shape[1])
    r, c = r[inside], c[inside]
    if not len(r):
        return inside, np.empty(0, np.uint8)
    top, left = int(r.min()), int(c.min())
    height, width = int(r.max()) - top + 1, int(c.max()) - left + 1
    shape = ceil(height / step), ceil(width / step)
    layer = read(part, Window(left, top, width, height), shape)
    return inside, layer[(r - top) * shape[0] // height, (c - left) * shape[1] // width]
