"""One vector file in, one Aoi out: GeoJSON directly, every other format through pyogrio."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from pyproj import CRS
from pyproj.exceptions import CRSError
from shapely import union_all
from shapely.errors import ShapelyError
from shapely.geometry import Point, shape
from shapely.ops import nearest_points

from camwatch.aoi.geometry import WGS84, points_from, polygon_from, ring_from
from camwatch.aoi.properties import POST, ROLES, aliases_from, distances_from, outline_from, role_from, slug
from camwatch.aoi.records import LONLAT, Aoi, Outline, reproject
from camwatch.errors import AoiError, MissingInputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

    Feature = tuple[Mapping[str, Any], BaseGeometry | None]

GEOJSON = {".geojson", ".json"}
SUFFIXES = GEOJSON | {".gpkg", ".kml", ".shp", ".zip"}
"""Formats that are recognised by name; whatever else the installed GDAL opens works too."""
FARTHEST_POST_M = 5000.0
"""A post stands on the line or in sight of it."""


def read_aoi(path: Path) -> Aoi:
    """Read an area of interest from a vector file.

    A file with one polygon and nothing else is enough: its id is the file's stem, its role `camp`, and it is not nominal. Several polygons without id
    and role are the parts of one camp. Properties named as the fields of `Outline` are used where they are present; other properties are not read. A
    layer that has the name of a role (`perimeter`, `posts`, …) gives it to its features that state none.

    Points of the role `post` are the guard posts that the analyst lists. A perimeter with a `date` was digitised on an image of that day and may be
    a closed line instead of a polygon.

    Parameters
    ----------
    path : Path
        GeoJSON (EPSG:4326, or what an old-style `crs` member says), GeoPackage, KML, shapefile, zipped shapefile. All layers are read.

    Returns
    -------
    Aoi
        Geometries in EPSG:4326, exterior rings counter-clockwise.

    Raises
    ------
    MissingInputError
        When there is no such file.
    AoiError
        When it cannot be read, states no CRS, or holds an outline that cannot be used.
    """
    if not path.is_file():
        raise MissingInputError(
            "is a folder" if path.is_dir() else "no such file", where=path, expected="a vector file", remedy="check the path of the AOI file"
        )
    head, features = _geojson(path) if path.suffix.lower() in GEOJSON else _table(path)
    if not features:
        raise AoiError("the file has no features", where=path, expected="at least one polygon", remedy="draw the outline and save it again")
    stem = slug(re.sub(r"(\.shp)?\.[^.]+$", "", path.name))
    named = [(f"{path.name}, feature {n}", stem if n == 1 else f"{stem}-{n}", *feature) for n, feature in enumerate(features, start=1)]
    posts = tuple(p for where, _, props, geometry in named if role_from(props, where) == POST for p in points_from(geometry, where))
    outlines = tuple(
        outline_from(props, polygon_from(ring_from(geometry, where) if role == "perimeter" else geometry, where), default_id=name, where=where)
        for where, name, props, geometry in named
        if (role := role_from(props, where)) != POST
    )
    if not outlines:
        raise AoiError("posts without an outline", where=path, expected="at least one polygon", remedy="add the outline of the camp or its perimeter")
    _beside(posts, outlines, path)
    if len(outlines) > 1 and not any({"id", "role"} & {k.lower() for k, v in properties.items() if isinstance(v, str)} for properties, _ in features):
        outlines = (_joined(outlines, path),)
    _consistent(outlines, path)
    main = next((o for o in outlines if o.role == "camp"), None)
    return Aoi(
        id=slug(str(head.get("id") or (main.id if main else stem))),
        name=str(head.get("name") or (main or outlines[0]).name),
        outlines=outlines,
        aliases=aliases_from(head, path.name),
        distances=distances_from(head, path.name),
        notes=str(head.get("notes") or ""),
        posts=posts,
    )


def _beside(posts: Sequence[Point], outlines: Sequence[Outline], path: Path) -> None:
    """Refuse a post far from every outline, and two in one place: slips of a coordinate, of a copy."""
    for number, post in enumerate(posts, start=1):
        far = min(_gap_m(outline, post) for outline in outlines)
        where = f"{path.name}, post {number}"
        if far > FARTHEST_POST_M:
            got, expected = f"{far / 1e3:,.1f} km away at ({post.x:.5f}, {post.y:.5f})", f"within {FARTHEST_POST_M / 1e3:.0f} km"
            raise AoiError("a post far from every outline", where=where, got=got, expected=expected, remedy="check its coordinates")
        if any(post.equals(other) for other in posts[: number - 1]):
            raise AoiError("two posts in one place", where=where, got=f"({post.x:.6f}, {post.y:.6f})", remedy="delete one of them")


def _gap_m(outline: Outline, post: Point) -> float:
    nearest, _ = nearest_points(outline.geometry, post)
    return float(WGS84.inv(nearest.x, nearest.y, post.x, post.y)[2])


def _joined(outlines: Sequence[Outline], path: Path) -> Outline:
    """Return several polygons that nothing tells apart as one camp of several parts."""
    whole = polygon_from(union_all([o.geometry for o in outlines]), path.name)
    return replace(outlines[0], geometry=whole, accuracy_m=max(o.accuracy_m for o in outlines))


def _consistent(outlines: Sequence[Outline], path: Path) -> None:
    ids = [o.id for o in outlines]
    twice = sorted({i for i in ids if ids.count(i) > 1})
    if twice:
        raise AoiError("outline ids given twice", where=path, got=", ".join(twice), expected="one id per feature", remedy="rename one of each")
    camps = [o.id for o in outlines if o.role == "camp"]
    if len(camps) > 1:
        raise AoiError(
            "several outlines of the role camp",
            where=path,
            got=", ".join(camps),
            expected="one camp per file",
            remedy="give the others the role perimeter, sub-area or search-window, or split the file",
        )


def _geojson(path: Path) -> tuple[Mapping[str, Any], list[Feature]]:
    try:
        head = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise AoiError(f"not readable as GeoJSON: {error}", where=path, remedy="save the file again from a GIS") from error
    if not isinstance(head, dict) or "type" not in head:
        raise AoiError("not GeoJSON", where=path, got=type(head).__name__, expected="a FeatureCollection, a Feature or a geometry")
    records = head.get("features") if head["type"] == "FeatureCollection" else [head if head["type"] == "Feature" else {"geometry": head}]
    crs = _crs_member(head, path)
    features: list[Feature] = []
    for number, record in enumerate(records if isinstance(records, list) else [], start=1):
        where = f"{path.name}, feature {number}"
        try:
            with np.errstate(invalid="ignore"):  # coordinates that are no numbers are told of by `polygon_from`
                geometry = shape(record["geometry"]) if record.get("geometry") else None
        except (ShapelyError, TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
            raise AoiError(f"unreadable geometry: {error}", where=where, remedy="save the file again from a GIS") from error
        properties = record.get("properties") or {}
        if not isinstance(properties, dict):
            raise AoiError("properties are no object", where=where, got=type(properties).__name__, remedy="save the file again from a GIS")
        features.append((properties, _lonlat(geometry, crs)))
    return (head if head["type"] == "FeatureCollection" else {}), features


def _crs_member(head: Mapping[str, Any], path: Path) -> CRS | None:
    """Return the CRS that a GeoJSON of before RFC 7946 states; None where it is longitude and latitude."""
    if "crs" not in head:
        return None
    try:
        return CRS.from_user_input(head["crs"]["properties"]["name"])
    except (CRSError, TypeError, KeyError) as error:
        expected = '{"type": "name", "properties": {"name": "EPSG:…"}}'
        raise AoiError(
            "`crs` member without a known name",
            where=path,
            got=head["crs"],
            expected=expected,
            remedy="save the file in EPSG:4326 and leave `crs` out",
        ) from error


def _table(path: Path) -> tuple[Mapping[str, Any], list[Feature]]:
    """Read all layers of any format that the installed GDAL opens."""
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError

    features: list[Feature] = []
    try:
        layers = [str(name) for name, _ in pyogrio.list_layers(path)]
        tables = [pyogrio.read_dataframe(path, layer=name, fid_as_index=False) for name in layers]
    except (DataSourceError, DataLayerError, ValueError, UnicodeDecodeError) as error:
        reason = re.sub(r"\s+", " ", str(error)).removeprefix(f"'{path}' ")
        raise AoiError(
            f"not readable as a vector file: {reason}", where=path, expected="GeoJSON, GeoPackage, KML or shapefile", remedy="save it as GeoJSON"
        ) from error
    for name, table in zip(layers, tables, strict=True):
        if not hasattr(table, "geometry"):
            continue  # a table of attributes beside the outlines
        if table.crs is None:
            raise AoiError(f"layer {name!r} states no CRS", where=path, expected="a CRS", remedy="add it in a GIS (a shapefile needs its .prj)")
        number = ["id"] if path.suffix.lower() == ".kml" else []  # of a placemark, given by the program that wrote it
        rows = table.drop(columns=[table.geometry.name, *number], errors="ignore").to_dict("records")
        features += [(_with_role(row, name), _lonlat(geometry, table.crs)) for row, geometry in zip(rows, table.geometry, strict=True)]
    return {}, features


def _with_role(row: Mapping[str, Any], layer: str) -> Mapping[str, Any]:
    """Return the properties of a row with the role that its layer is named after, where the table has no such column."""
    role = re.sub(r"[\s_]+", "-", layer.strip().lower()).removesuffix("s")
    named = role in (*ROLES, POST) and role != "camp" and not any(str(key).lower() == "role" for key in row)
    return {**row, "role": role} if named else row


def _lonlat(geometry: BaseGeometry | None, crs: object | None) -> BaseGeometry | None:
    if geometry is None or geometry.is_empty or crs is None or crs == CRS.from_user_input(LONLAT):
        return geometry
    return reproject(geometry, crs, LONLAT)
