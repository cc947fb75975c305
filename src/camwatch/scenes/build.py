"""From what a reader found to a `pystac.Item`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pystac
from pyproj import CRS, Geod
from shapely import MultiPoint, Polygon, box, get_coordinates, segmentize
from shapely.affinity import affine_transform
from shapely.geometry import mapping
from shapely.ops import unary_union

from camwatch.aoi import LONLAT, reproject
from camwatch.errors import SceneError, printable
from camwatch.scenes.access.gdal import Header, read_header
from camwatch.scenes.flags import FLAGS, Flag
from camwatch.scenes.layers import ORDER, is_polygons
from camwatch.scenes.mosaic import mosaics
from camwatch.scenes.sane import refuse_nonsense

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from odc.geo.geobox import GeoBox
    from shapely.geometry.base import BaseGeometry

    from camwatch.scenes.mosaic import Mosaic

EXTENSIONS = [
    "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
    "https://stac-extensions.github.io/view/v1.0.0/schema.json",
    "https://stac-extensions.github.io/accuracy/v1.0.0-beta.1/schema.json",
]


@dataclass(frozen=True, slots=True)
class Channel:
    """One band of a file: `name` (empty = no data, e.g. alpha) and how its numbers are meant."""

    name: str
    scale: float = 1.0
    offset: float = 0.0
    nodata: float | None = None
    saturated: float | None = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class Layer:
    """One file of a product.

    Attributes
    ----------
    key : str
        Key of the asset.
    href : str
    channels : tuple of Channel
        One for each band of the file; empty for a mask and for metadata.
    mask : str
        Kind of the quality layer (`QA_PIXEL`, …); empty for data.
    index : int
        Number of the mask's band.
    flags : tuple of Flag
        Fields of the quality layer; by default those of its kind in `camwatch.scenes.flags`.
    polygon : tuple of (float, float)
        An outline that is the quality layer, as (column, row) from the outer corner of the first pixel of `placed`, which must be given: a pixel
        inside has the value 1, outside 0. So have pixels inside the polygons of a .gml file; its coordinates are in the CRS of `placed`.
    header : Header or None
        Read when absent; None stays for metadata.
    placed : GeoBox or None
        Where the pixels lie, when the family knows better than the file: from control points, corner coordinates or metadata.
    metadata : bool
    """

    key: str
    href: str
    channels: tuple[Channel, ...] = ()
    mask: str = ""
    index: int = 1
    flags: tuple[Flag, ...] = ()
    header: Header | None = None
    placed: GeoBox | None = None
    metadata: bool = False
    polygon: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What a reader knows about a product beside its files.

    Attributes
    ----------
    id, family : str
    acquired : datetime
        UTC.
    date_source : str
        Where the date comes from, in words.
    calibration : str
    simulated : bool
    sun : (float, float) or None
        Azimuth, elevation in degrees.
    off_nadir : float or None
        Degrees.
    gsd : float or None
        Metres, where a sidecar states it; otherwise that of the pixels.
    platform, instrument : str
    position_error_m : float or None
        How far the ground may lie from where the product puts it, root mean square in metres; None where the archive gives no figure.
    missing : tuple of str
        Bands and quality layers that the metadata names and that are not here.
    more : mapping
        Further properties.
    """

    id: str
    family: str
    acquired: datetime
    date_source: str
    calibration: str
    simulated: bool
    sun: tuple[float, float] | None = None
    off_nadir: float | None = None
    gsd: float | None = None
    platform: str = ""
    instrument: str = ""
    position_error_m: float | None = None
    missing: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)


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


def _outline_of(mosaic: Mosaic, boxes: Sequence[GeoBox]) -> BaseGeometry:
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


def build_item(facts: Facts, layers: Iterable[Layer]) -> pystac.Item:
    """Return the Item of a product; headers that a reader did not read are read here, one for each file.

    Raises
    ------
    SceneError
        When a file cannot be opened, is not georeferenced, or no file holds a band.
    """
    assets: dict[str, pystac.Asset] = {}
    boxes: list[tuple[GeoBox, bool]] = []
    for layer in layers:
        if layer.metadata:
            assets[layer.key] = pystac.Asset(layer.href, roles=["metadata"])
            continue
        header, geobox = _header_and_grid(layer)
        assets[layer.key] = _asset(layer, header, geobox)
        names = [channel.name for channel in layer.channels if channel.name]
        if names:
            boxes.append((geobox, names == ["pan"]))
    if not boxes:
        raise SceneError("product holds no band that can be read", where=facts.id, expected="the raster files that its metadata names")
    spectral = [grid for grid, alone in boxes if not alone] or [grid for grid, _ in boxes]
    grids = list(dict.fromkeys(spectral))  # ten bands on one grid are one picture
    finest = min(mosaics(grids, [None] * len(grids)), key=lambda mosaic: abs(mosaic.geobox.affine.determinant))
    geometry = _outline_of(finest, grids)
    said = _properties(facts, finest.geobox, assets)
    item = pystac.Item(printable(facts.id), mapping(geometry), list(geometry.bounds), facts.acquired, said, stac_extensions=EXTENSIONS)
    item.assets = assets
    for asset in assets.values():
        asset.owner = item
    refuse_nonsense(item)
    return item


def _header_and_grid(layer: Layer) -> tuple[Header | None, GeoBox]:
    """Return what a file says of itself and where its pixels lie; outlines have no header, only the grid that they belong to."""
    if layer.polygon or is_polygons(layer.href):
        if layer.placed is None:
            raise ValueError(f"{layer.key}: outlines need the grid that they belong to")
        return None, layer.placed
    header = layer.header or read_header(layer.href)
    if layer.placed is None:
        refuse_unplaced(header, layer.href)
    return header, layer.placed or header.geobox


def refuse_unplaced(header: Header, href: str) -> None:
    """Raise SceneError when a CRS and a geotransform do not place the pixels."""
    if header.georeferenced:
        return
    if header.other_georeference:
        what = f"raster is placed only by {header.other_georeference}"
        raise SceneError(what, where=href, expected="a map-projected raster", remedy="orthorectify or warp it first")
    wanted = "a CRS and a geotransform, in the file or in a world file and its metadata"
    raise SceneError("raster has no georeference", where=href, expected=wanted, remedy="georeference it first")


def _asset(layer: Layer, header: Header | None, geobox: GeoBox) -> pystac.Asset:
    crs = header.crs if header is not None and layer.placed is None else str(geobox.crs)
    code = crs if crs is not None and crs.startswith("EPSG:") else None
    fields: dict[str, Any] = {
        "proj:shape": list(geobox.shape),
        "proj:transform": list(geobox.affine)[:6],
        "proj:code": code,
        "gsd": round(pixel_m(geobox), 6),
    }
    if code is None:
        fields["proj:wkt2"] = crs
    companions = [] if header is None else [str(path) for path in header.files if path != layer.href]
    if companions:
        fields["camwatch:companions"] = companions
    if layer.mask:
        flags = layer.flags or FLAGS[layer.mask]
        fields |= {"camwatch:mask": layer.mask, "camwatch:index": layer.index, "camwatch:flags": [flag.as_json() for flag in flags]}
        fields |= {"camwatch:polygon": [list(point) for point in layer.polygon]} if layer.polygon else {}
        return pystac.Asset(layer.href, roles=["mask"], extra_fields=fields)
    fields["eo:bands"] = [_eo(channel) for channel in layer.channels]
    fields["raster:bands"] = [_raster(channel, header.dtype if header else "") for channel in layer.channels]
    return pystac.Asset(layer.href, roles=["data"], extra_fields=fields)


def _eo(channel: Channel) -> dict[str, str]:
    return {"name": channel.name, "common_name": channel.name} if channel.name in ORDER else {"name": channel.name}


def _raster(channel: Channel, dtype: str) -> dict[str, Any]:
    said: dict[str, Any] = {"data_type": dtype, "scale": channel.scale, "offset": channel.offset}
    said |= {} if channel.nodata is None else {"nodata": "nan" if math.isnan(channel.nodata) else channel.nodata}
    said |= {} if channel.saturated is None else {"camwatch:saturated": channel.saturated}
    return said | ({"camwatch:number": channel.number} if channel.number else {})


def _properties(facts: Facts, finest: GeoBox, assets: Mapping[str, pystac.Asset]) -> dict[str, Any]:
    masks = [asset.extra_fields for asset in assets.values() if "mask" in (asset.roles or [])]
    clouds = (fields["camwatch:mask"] for fields in masks if any(flag["name"].startswith("cloud") for flag in fields["camwatch:flags"]))
    code = None if finest.crs is None else finest.crs.epsg
    said: dict[str, Any] = {
        "gsd": facts.gsd if facts.gsd is not None else round(pixel_m(finest), 6),
        "proj:code": None if code is None else f"EPSG:{code}",
        "proj:shape": list(finest.shape),
        "proj:transform": list(finest.affine)[:6],
        "camwatch:family": facts.family,
        "camwatch:calibration": facts.calibration,
        "camwatch:date_source": facts.date_source,
        "camwatch:simulated": facts.simulated,
        "camwatch:cloud_mask": next(clouds, "none"),
    }
    if facts.platform:
        said["platform"] = facts.platform
    if facts.instrument:
        said["instruments"] = [facts.instrument]
    if facts.sun is not None:
        said |= {"view:sun_azimuth": facts.sun[0], "view:sun_elevation": facts.sun[1]}
    if facts.off_nadir is not None:
        said["view:off_nadir"] = facts.off_nadir
    if facts.missing:
        said["camwatch:missing"] = list(facts.missing)
    if facts.position_error_m is not None:
        said["accuracy:geometric_rmse"] = facts.position_error_m
    return said | dict(facts.more)
