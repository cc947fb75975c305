"""Reading what our Items say. An Item is plain STAC; these functions are the one place that knows its fields by name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import shape

from camwatch.errors import SceneError
from camwatch.scenes.files import on_disk
from camwatch.scenes.flags import Flag

if TYPE_CHECKING:
    from pathlib import Path

    import pystac
    from shapely.geometry.base import BaseGeometry

ORDER = (
    "pan",
    "coastal",
    "blue",
    "green",
    "yellow",
    "red",
    "rededge071",
    "rededge075",
    "rededge078",
    "rededge",
    "nir08",
    "nir",
    "nir09",
    "swir16",
    "swir22",
)
"""Common band names (STAC `eo` extension) in the order in which bands are always listed."""


@dataclass(frozen=True, slots=True)
class Band:
    """One band where it lies.

    Attributes
    ----------
    name : str
        Common name, or `b1`, `b2`, … where the product names none.
    href : str
        Path for GDAL.
    index : int
        Number of the band in that file, from 1.
    scale, offset : float
        value = scale · DN + offset.
    nodata : float or None
        Declared, or the fill value that the product family defines.
    saturated : float or None
        The DN that means saturated, where the family defines one.
    number : int
        The sensor's band number, for quality bits; 0 where there is none.
    geobox : GeoBox
        The whole raster's grid.
    companions : bool
        Files beside it (a header, a world file, a mask) belong to it.
    """

    name: str
    href: str
    index: int
    scale: float
    offset: float
    nodata: float | None
    saturated: float | None
    number: int
    geobox: GeoBox
    companions: bool


@dataclass(frozen=True, slots=True)
class Mask:
    """One quality layer: `kind` is its name (`internal`: the file's own mask), `flags` are its fields that tell unusable pixels."""

    kind: str
    href: str
    index: int
    geobox: GeoBox
    companions: bool
    flags: tuple[Flag, ...]


def acquired(item: pystac.Item) -> datetime:
    """Return when the scene was taken, UTC."""
    when = item.datetime
    if when is None:
        raise SceneError("item has no datetime", where=item.id)
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def gsd_m(item: pystac.Item, bands: tuple[str, ...] | None = None) -> float:
    """Return the ground sample distance in metres: of the Item, or of the finest of `bands`."""
    if bands is None:
        return float(item.properties["gsd"])
    wanted = [asset for asset in item.assets.values() if "data" in (asset.roles or []) and set(bands) & set(_names(asset))]
    return min((float(asset.extra_fields.get("gsd", item.properties["gsd"])) for asset in wanted), default=float(item.properties["gsd"]))


def sun(item: pystac.Item) -> tuple[float, float] | None:
    """Return (azimuth clockwise from north, elevation) of the sun in degrees; None where the product does not tell."""
    azimuth, elevation = item.properties.get("view:sun_azimuth"), item.properties.get("view:sun_elevation")
    return None if azimuth is None or elevation is None else (float(azimuth), float(elevation))


def band_names(item: pystac.Item) -> tuple[str, ...]:
    """Return the names of all bands that can be loaded, in the fixed order, unnamed ones (`b1`, …) last."""
    return tuple(band.name for band in bands_of(item))


def default_bands(item: pystac.Item) -> tuple[str, ...]:
    """Return what is loaded when nothing is asked for: the multispectral bands; `pan` only where it stands alone."""
    names = band_names(item)
    return tuple(name for name in names if name != "pan") or names


def bands_of(item: pystac.Item) -> tuple[Band, ...]:
    """Return where each band lies and how its numbers are meant, in the order of :func:`band_names`."""
    found: dict[str, Band] = {}
    for asset in item.assets.values():
        if "data" not in (asset.roles or []):
            continue
        geobox = _geobox(asset)
        for place, (name, raster) in enumerate(zip(_names(asset), asset.extra_fields["raster:bands"], strict=True), 1):
            if name:
                number = int(raster.get("camwatch:number", 0))
                found.setdefault(
                    name,
                    Band(
                        name,
                        asset.href,
                        place,
                        float(raster.get("scale", 1)),
                        float(raster.get("offset", 0)),
                        _number(raster.get("nodata")),
                        _number(raster.get("camwatch:saturated")),
                        number,
                        geobox,
                        "camwatch:companions" in asset.extra_fields,
                    ),
                )

    def place_of(name: str) -> tuple[int, int, str]:
        return (ORDER.index(name), 0, "") if name in ORDER else (len(ORDER), len(name), name)  # b2 before b10

    return tuple(found[name] for name in sorted(found, key=place_of))


def masks_of(item: pystac.Item) -> tuple[Mask, ...]:
    """Return the quality layers, in the order of the Item's assets."""
    layers = [
        Mask(
            str(asset.extra_fields["camwatch:mask"]),
            asset.href,
            int(asset.extra_fields.get("camwatch:index", 1)),
            _geobox(asset),
            "camwatch:companions" in asset.extra_fields,
            tuple(Flag.from_json(said) for said in asset.extra_fields["camwatch:flags"]),
        )
        for asset in item.assets.values()
        if "mask" in (asset.roles or [])
    ]
    return tuple(layers)


def footprint(item: pystac.Item) -> BaseGeometry:
    """Return the outline of the raster (fill included) as a polygon in EPSG:4326, (longitude, latitude)."""
    return shape(item.geometry or {})


def native_geobox(item: pystac.Item, bands: tuple[str, ...] | None = None) -> GeoBox:
    """Return the grid of the finest of `bands`, by default of those that are loaded by default; a raster stored bottom-up is turned north-up."""
    wanted = bands or default_bands(item)
    boxes = [band.geobox for band in bands_of(item) if band.name in wanted]
    finest: GeoBox = min(boxes, key=lambda box: abs(box.affine.determinant))
    affine, (rows, _) = finest.affine, finest.shape
    if affine.e > 0 and affine.b == affine.d == 0:
        return GeoBox(finest.shape, affine * Affine(1, 0, 0, 0, -1, rows), finest.crs)
    return finest


def position_error_m(item: pystac.Item) -> float:
    """Return how far, in metres, the ground may lie from where the product puts it (root mean square); 0 where the archive gives no such figure."""
    return float(item.properties.get("accuracy:geometric_rmse", 0.0))


def is_simulated(item: pystac.Item) -> bool:
    """Whether the product says of itself that it was rendered and not observed."""
    return bool(item.properties.get("camwatch:simulated", False))


def cloud_mask(item: pystac.Item) -> str:
    """Return the layer that tells clouds: `QA_PIXEL`, `BQA`, `SCL`, or `none`."""
    return str(item.properties.get("camwatch:cloud_mask", "none"))


def calibration(item: pystac.Item) -> str:
    """Return what scaled values are: `surface reflectance`, `toa reflectance` or `dn`."""
    return str(item.properties.get("camwatch:calibration", "dn"))


def files_of(item: pystac.Item) -> tuple[Path, ...]:
    """Return the files on disk behind an Item (an archive counts once), sorted; what is remote is not among them."""
    hrefs: list[str] = []
    for asset in item.assets.values():
        hrefs += [asset.href, *asset.extra_fields.get("camwatch:companions", [])]
    return tuple(sorted({path for path in map(on_disk, hrefs) if path is not None}))


def _names(asset: pystac.Asset) -> list[str]:
    """Return the name of each band of the file, empty for one that is no data (alpha)."""
    return [str(band.get("common_name") or band.get("name") or "") for band in asset.extra_fields.get("eo:bands", [])]


def _number(value: object) -> float | None:
    """JSON has no NaN, so STAC writes `nan`, `inf` and `-inf` as strings."""
    return None if value is None else float(str(value))


def _geobox(asset: pystac.Asset) -> GeoBox:
    fields: dict[str, Any] = asset.extra_fields
    return GeoBox(tuple(fields["proj:shape"]), Affine(*fields["proj:transform"][:6]), fields.get("proj:code") or fields["proj:wkt2"])
