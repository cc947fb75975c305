"""What makes a geometry usable as an outline, and what to say where it is not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from pyproj import Geod
from shapely import MultiPoint, Point, force_2d, get_coordinates, line_merge
from shapely.geometry import LineString, MultiLineString, MultiPolygon, Polygon
from shapely.geometry.polygon import orient
from shapely.validation import explain_validity

from camwatch.errors import AoiError

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

WGS84 = Geod(ellps="WGS84")
SMALLEST_M2, LARGEST_M2 = 100.0, 1e10
"""One small building, and 10,000 km²: twenty times the largest camp that is documented. Outside lies a slip of units."""

OPEN_SHARE = 0.02
"""A digitised line whose ends lie farther apart than this share of its length is not closed."""


def polygon_from(geometry: BaseGeometry | None, where: str) -> Polygon | MultiPolygon:
    """Return `geometry` as a usable outline: two-dimensional, exterior rings counter-clockwise, holes clockwise (RFC 7946).

    Parameters
    ----------
    geometry : shapely geometry or None, EPSG:4326 (longitude, latitude)
    where : str
        File and feature, for the message.

    Raises
    ------
    AoiError
        When it is empty, no polygon, crosses itself, lies outside the globe, crosses the antimeridian, or has an unlikely area.
    """
    if geometry is None or geometry.is_empty:
        raise AoiError("empty geometry", where=where, expected="a polygon", remedy="delete the feature or draw its outline")
    flat = force_2d(geometry)
    if not isinstance(flat, (Polygon, MultiPolygon)):
        raise AoiError(
            "not an outline", where=where, got=f"a {geometry.geom_type}", expected="a Polygon or MultiPolygon", remedy="redraw it as a closed polygon"
        )
    _on_the_globe(flat, where)
    if not flat.is_valid:
        raise AoiError(*_crossing(flat), where=where, remedy="move or delete the vertices there")
    parts = [orient(p, 1.0) for p in (flat.geoms if isinstance(flat, MultiPolygon) else [flat])]
    outline = parts[0] if len(parts) == 1 else MultiPolygon(parts)
    area = geodesic(outline)[0]
    if not SMALLEST_M2 <= area <= LARGEST_M2:
        size = f"{area:.3g} m²" if area < SMALLEST_M2 else f"{area / 1e6:.3g} km²"
        raise AoiError(
            "an outline of unlikely size", where=where, got=size, expected="100 m² to 10,000 km²", remedy="check the units and the CRS of the file"
        )
    return outline


def ring_from(geometry: BaseGeometry | None, where: str) -> BaseGeometry | None:
    """Return the polygon that a digitised line encloses; any other geometry as it is.

    Ends that do not meet are joined where they lie within `OPEN_SHARE` of the line's length of one another: an analyst stops beside the first vertex.

    Raises
    ------
    AoiError
        When the line is in several pieces, or open.
    """
    if not isinstance(geometry, (LineString, MultiLineString)) or geometry.is_empty:
        return geometry
    flat = force_2d(geometry)
    _on_the_globe(flat, where)
    line = line_merge(flat) if isinstance(flat, MultiLineString) else flat
    if not isinstance(line, LineString):
        raise AoiError("the line is in pieces", where=where, got=f"{len(line.geoms)} pieces", expected="one closed line", remedy="join them in a GIS")
    points = get_coordinates(line)
    gap, length = (WGS84.line_length(*path.T) for path in (points[[-1, 0]], points))
    if len(points) < 4 or gap > OPEN_SHARE * length:
        raise AoiError(
            "the line is not closed",
            where=where,
            got=f"{gap:,.0f} m between its ends, {length:,.0f} m long",
            expected="ends that meet",
            remedy="close it, or draw it as a polygon",
        )
    return Polygon(points)


def points_from(geometry: BaseGeometry | None, where: str) -> tuple[Point, ...]:
    """Return the points of a post's feature, in longitude and latitude.

    Raises
    ------
    AoiError
        When it is empty, no point, or outside the globe.
    """
    if geometry is None or geometry.is_empty:
        raise AoiError("empty geometry", where=where, expected="a point", remedy="delete the feature or place its point")
    if not isinstance(geometry, (Point, MultiPoint)):
        raise AoiError("a post is a point", where=where, got=f"a {geometry.geom_type}", expected="a Point or MultiPoint", remedy="place its point")
    _on_the_globe(geometry, where)
    return tuple(Point(x, y) for x, y in get_coordinates(geometry))


def geodesic(geometry: BaseGeometry) -> tuple[float, float]:
    """Return area (m²) and length of the boundary (m) on the WGS84 ellipsoid; `geometry` in EPSG:4326 with rings oriented as `polygon_from` does."""
    area, length = WGS84.geometry_area_perimeter(geometry)
    return abs(area), length


def _on_the_globe(geometry: BaseGeometry, where: str) -> None:
    points = get_coordinates(geometry)
    if not np.isfinite(points).all():
        raise AoiError("coordinates that are no numbers, or lie outside their CRS", where=where, remedy="check the CRS of the file")
    x, y = np.abs(points).max(axis=0)
    if y > 90 and x <= 90:  # only this order is impossible; two values below 90 could be either
        raise AoiError(
            "latitude and longitude look swapped",
            where=where,
            got=f"latitude {points[np.abs(points[:, 1]).argmax(), 1]:g}",
            expected="(longitude, latitude), latitude within ±90°",
            remedy="swap the two",
        )
    if y > 90 or x > 180:
        raise AoiError(
            "coordinates are no degrees",
            where=where,
            got=f"({points[0, 0]:g}, {points[0, 1]:g})",
            expected="longitude within ±180°, latitude within ±90°",
            remedy="save it in EPSG:4326, or as a GeoPackage with its CRS",
        )
    if np.ptp(points[:, 0]) > 180:
        raise AoiError(
            "the outline crosses the antimeridian",
            where=where,
            expected="an outline on one side of longitude 180°",
            remedy="split it into two features",
        )


def _crossing(geometry: BaseGeometry) -> tuple[str]:
    """Say what is wrong with an invalid polygon, and where."""
    reason = explain_validity(geometry)
    place = re.search(r"\[(\S+) (\S+)\]", reason)
    if not place:
        return (f"an invalid outline: {reason}",)
    kind = re.sub(r"\s*\[.*", "", reason)
    what = "the outline crosses itself" if "elf-intersection" in kind else f"an invalid outline ({kind.lower()})"
    return (f"{what} at longitude {float(place[1]):.6f}, latitude {float(place[2]):.6f}",)
