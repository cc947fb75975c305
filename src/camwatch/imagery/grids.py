"""The grid on which a pair is compared, and the bands that can be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely import box as rectangle
from shapely import segmentize

from camwatch.aoi import LONLAT, reproject
from camwatch.errors import CoverageError
from camwatch.scenes.footprint import in_metres, pixel_m
from camwatch.scenes.item import band_names, default_bands, footprint, native_geobox

if TYPE_CHECKING:
    import pystac
    from shapely.geometry.base import BaseGeometry


def shared_bands(before: pystac.Item, after: pystac.Item) -> tuple[str, ...] | None:
    """Return the bands that both scenes have, in the fixed order; None where only luminance can be compared.

    The multispectral bands count first; `pan` is shared where nothing else is. Numbered bands (`b1`, …) say nothing of their colour: they are
    shared only where both scenes have the same bands throughout, as two deliveries of one sensor do.
    """
    ours, theirs = default_bands(before), default_bands(after)
    common = tuple(name for name in ours if name in theirs and (ours == theirs or not name[1:].isdigit()))
    if common:
        return common
    return ("pan",) if "pan" in band_names(before) and "pan" in band_names(after) else None


def pair_geobox(
    before: pystac.Item, after: pystac.Item, geometry: BaseGeometry | None, *, margin_m: float, bands: tuple[str, ...] | None = None
) -> GeoBox:
    """Return the analysis grid of a pair.

    Its pixels are those of the coarser scene, so that scene is read without interpolation; where that scene's CRS does not count in metres on the
    ground (degrees, Web Mercator), it is the UTM zone of the overlap with the coarser scene's pixel size.

    Parameters
    ----------
    before, after : pystac.Item
    geometry : shapely geometry, EPSG:4326, or None
        What to look at; None = all that both scenes show.
    margin_m : float
        Metres of ground around it, for registration and context.
    bands : tuple of str, optional
        Bands that will be loaded, e.g. `("pan",)` for the finer grid; a scene without them counts with those of its default.

    Returns
    -------
    GeoBox
        Cropped to the geometry with its margin, and to what both scenes cover (as delivered, with the same margin).

    Raises
    ------
    CoverageError
        When the scenes do not overlap each other or the geometry.
    """
    natives = [native_geobox(item, bands if bands and set(bands) <= set(band_names(item)) else None) for item in (before, after)]
    sizes = [pixel_m(native) for native in natives]
    native = natives[1] if sizes[1] > sizes[0] else natives[0]
    both = footprint(before).intersection(footprint(after))
    if both.is_empty or both.area == 0:
        raise CoverageError("scenes do not overlap each other", where=f"{before.id}, {after.id}", remedy="choose two scenes of the same ground")
    seen = both if geometry is None else both.intersection(geometry)
    if seen.is_empty:
        got, wanted = f"overlap {_bounds(both)}", f"AOI {_bounds(geometry)}"
        raise CoverageError("scenes do not show the AOI", where=f"{before.id}, {after.id}", got=got, expected=wanted, remedy="choose other scenes")
    if not in_metres(native):
        native = _utm_grid(both, max(sizes))
    extents = [_reach(item, grid, native) for item, grid in zip((before, after), natives, strict=True)]
    extents += [] if geometry is None else [extent_in(geometry, native)]
    left, bottom, right, top = np.array(extents).T
    # An AOI may reach beyond the scenes: the grid ends with the margin around what both show of it.
    return crop(native, (left.max() - margin_m, bottom.max() - margin_m, right.min() + margin_m, top.min() + margin_m))


def _bounds(geometry: BaseGeometry | None) -> str:
    return "" if geometry is None else str(tuple(round(value, 4) for value in geometry.bounds))


def _utm_grid(seen: BaseGeometry, pixel: float) -> GeoBox:
    centre = seen.centroid
    zone = int((centre.x + 180) // 6) + 1
    crs = f"EPSG:{(32600 if centre.y >= 0 else 32700) + zone}"
    # Pixel edges at multiples of the pixel size: two runs on neighbouring AOIs share one grid.
    return GeoBox((1, 1), Affine(pixel, 0, 0, 0, -pixel, 0), crs)


def _reach(item: pystac.Item, own: GeoBox, grid: GeoBox) -> tuple[float, float, float, float]:
    """Return the extent of a scene in the CRS of `grid`: exact where it is the scene's own."""
    if own.crs != grid.crs:
        return extent_in(footprint(item), grid)
    left, bottom, right, top = own.boundingbox.bbox
    return left, bottom, right, top


def extent_in(geometry: BaseGeometry, grid: GeoBox) -> tuple[float, float, float, float]:
    """Return the bounds (left, bottom, right, top) of a geometry in EPSG:4326 in the CRS of a grid."""
    outline = rectangle(*geometry.bounds) if geometry.area == 0 else geometry
    span = max(outline.bounds[2] - outline.bounds[0], outline.bounds[3] - outline.bounds[1])
    moved = reproject(segmentize(outline, span / 8) if span > 0 else outline, LONLAT, grid.crs)
    left, bottom, right, top = moved.bounds
    return left, bottom, right, top


def crop(grid: GeoBox, extent: tuple[float, float, float, float]) -> GeoBox:
    """Return the pixels of the (endless) grid that an extent touches."""
    left, bottom, right, top = extent
    corners = np.array([~grid.affine * point for point in ((left, bottom), (left, top), (right, bottom), (right, top))])
    # A hair inside: an extent that ends on a pixel edge must not take in the next pixel by rounding.
    (col0, row0), (col1, row1) = np.floor(corners.min(axis=0) + 1e-6).astype(int), np.ceil(corners.max(axis=0) - 1e-6).astype(int)
    shape = (max(1, int(row1 - row0)), max(1, int(col1 - col0)))
    return GeoBox(shape, grid.affine * Affine.translation(int(col0), int(row0)), grid.crs)
