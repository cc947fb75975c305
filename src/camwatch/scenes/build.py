"""From what a reader found to a `pystac.Item`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pystac
from shapely.geometry import mapping

from camwatch.errors import SceneError, printable
from camwatch.scenes.access.gdal import Header, read_header
from camwatch.scenes.flags import FLAGS
from camwatch.scenes.footprint import outline_of, pixel_m
from camwatch.scenes.layers import ORDER, is_polygons
from camwatch.scenes.mosaic import mosaics
from camwatch.scenes.sane import refuse_nonsense

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from odc.geo.geobox import GeoBox

    from camwatch.scenes.facts import Channel, Facts, Layer

EXTENSIONS = [
    "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
    "https://stac-extensions.github.io/view/v1.0.0/schema.json",
    "https://stac-extensions.github.io/accuracy/v1.0.0-beta.1/schema.json",
]


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
    geometry = outline_of(finest, grids)
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
