"""Where a grid lies on the Earth: the size of its pixels, and its outline."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from pyproj import CRS, Geod
from shapely import MultiPoint, Polygon, box, get_coordinates, segmentize
from shapely.affinity import affine_transform
from shapely.ops import unary_union

from camwatch.aoi import LONLAT, reproject
from camwatch.errors import SceneError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odc.geo.geobox import GeoBox
    from shapely.geometry.base import BaseGeometry

    from camwatch.scenes.mosaic import Mosaic


def pixel_m(geobox: GeoBox) -> float:
    """Return the side of a pixel in metres on the ground: the geodesic size of one pixel in the middle of the grid, whatever the CRS."""
    rows, cols = geobox.shape
    a = geobox.affine
    corners = [a * (cols / 2 + dx, rows / 2 + dy) for dx, dy in ((-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5))]
    if in_metres(geobox):
        return float(abs(a.determinant) ** 0.5)  # the projection's own metres: the nominal size, 30 and not 30.012
    (x0, y0), (x1, y1), (x2, y2) = get_coordinates(reproject(MultiPoint(corners), geobox.crs, LONLAT)).tolist()
    geod = Geod(ellps="WGS84")
    return math.sqrt(geod.inv(x0, y0, x1, y1)[2] * geod.inv(x0, y0, x2, y2)[2])


def in_metres(geobox: GeoBox) -> bool:
    """Whether one unit of the grid's CRS is a metre on the ground; in Web Mercator it is not, although it is called so."""
    crs = CRS.from_user_input(str(geobox.crs))
    method = crs.coordinate_operation.method_name.lower() if crs.coordinate_operation is not None else ""
    return crs.is_projected and crs.axis_info[0].unit_name == "metre" and "popular visualisation" not in method


def outline(geobox: GeoBox) -> BaseGeometry:
    """Return the outline of a grid in EPSG:4326, its edges dense enough to follow the curvature of a scene."""
    rows, cols = geobox.shape
    t = np.linspace(0, 1, 9)[:-1]
    ring = [*((cols * s, 0) for s in t), *((cols, rows * s) for s in t), *((cols * (1 - s), rows) for s in t), *((0, rows * (1 - s)) for s in t)]
    return _in_lonlat(Polygon(ring), geobox)


def outline_of(mosaic: Mosaic, boxes: Sequence[GeoBox]) -> BaseGeometry:
    """Return the outline of all tiles in EPSG:4326."""
    if len(mosaic.members) == 1:
        return outline(mosaic.geobox)
    shapes = [boxes[n].shape for n in mosaic.members]
    # In whole pixels neighbours meet exactly: their union has no slivers.
    whole = unary_union([box(col, row, col + cols, row + rows) for (row, col), (rows, cols) in zip(mosaic.corners, shapes, strict=True)])
    return _in_lonlat(segmentize(whole, max(mosaic.geobox.shape) / 8), mosaic.geobox)


def _in_lonlat(pixels: BaseGeometry, geobox: GeoBox) -> BaseGeometry:
    """Take a geometry from (column, row) in a grid to EPSG:4326."""
    a = geobox.affine
    lonlat = reproject(affine_transform(pixels, [a.a, a.b, a.d, a.e, a.c, a.f]), geobox.crs, LONLAT)
    if not np.isfinite(lonlat.bounds).all():
        raise SceneError("grid lies outside what its CRS can express", got=f"{geobox.crs} {tuple(geobox.affine)[:6]}")
    return lonlat
