"""Reading what our Items say. An Item is plain STAC; these functions are the one place that knows its fields by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import shape

from camwatch.errors import SceneError
from camwatch.scenes.access.files import on_disk
from camwatch.scenes.flags import Flag
from camwatch.scenes.mosaic import mosaics

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pystac
    from shapely.geometry.base import BaseGeometry

    from camwatch.scenes.mosaic import Mosaic

ORDER = (
    "pan",
    "coastal",
    "blue",
    "green05",
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
    "cirrus",
    "swir16",
    "swir22",
)
"""Common band names (STAC `eo` extension) in the order in which bands are always listed."""

COARSEST = 3.0
"""A band with pixels more than this many times as large as the finest does not enter by default."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a band or quality layer: a tile of its mosaic, or all of it.

    Attributes
    ----------
    href : str
        Path for GDAL.
    index : int
        Number of the band in that file, from 1.
    row, col : int
        Place of the file's first pixel in the mosaic.
    shape : (int, int)
        Rows, columns of the file.
    companions : bool
        Files beside it (a header, a world file, a mask) belong to it.
    """

    href: str
    index: int
    row: int
    col: int
    shape: tuple[int, int]
    companions: bool


@dataclass(frozen=True, slots=True)
class Band:
    """One band where it lies.

    Attributes
    ----------
    name : str
        Common name, or `b1`, `b2`, … where the product names none.
    parts : tuple of Part
        One file, or the tiles of a mosaic; where tiles overlap, the first with data counts.
    geobox : GeoBox
        The whole raster's grid, that of the mosaic where there are several parts; ground that no part covers is without data.
    scale, offset : float
        value = scale · DN + offset.
    nodata : float or None
        Declared, or the fill value that the product family defines.
    saturated : float or None
        The DN that means saturated, where the family defines one.
    number : int
        The sensor's band number, for quality bits; 0 where there is none.
    """

    name: str
    parts: tuple[Part, ...]
    geobox: GeoBox
    scale: float = 1.0
    offset: float = 0.0
    nodata: float | None = None
    saturated: float | None = None
    number: int = 0

    @property
    def href(self) -> str:
        """Path of the file, the first one of a mosaic."""
        return self.parts[0].href

    @property
    def index(self) -> int:
        """Number of the band in that file, from 1."""
        return self.parts[0].index


@dataclass(frozen=True, slots=True)
class Mask:
    """One quality layer.

    Attributes
    ----------
    kind : str
        Its name (`QA_PIXEL`, …; `internal`: the file's own mask).
    parts : tuple of Part
    geobox : GeoBox
    flags : tuple of Flag
        Its fields that tell unusable pixels. Where polygons are the layer, a pixel inside has the value 1, outside 0.
    polygon : tuple of (float, float)
        An outline as (column, row) from the outer corner of the first pixel of `geobox`, where that is the layer; empty otherwise.
    """

    kind: str
    parts: tuple[Part, ...]
    geobox: GeoBox
    flags: tuple[Flag, ...]
    polygon: tuple[tuple[float, float], ...] = ()

    @property
    def href(self) -> str:
        """Path of the file, the first one of a mosaic."""
        return self.parts[0].href

    @property
    def is_vector(self) -> bool:
        """Whether polygons are the layer: outlines in a GML file, or one in the Item."""
        return bool(self.polygon) or is_polygons(self.href)


def is_polygons(href: str) -> bool:
    """Whether a quality layer is a file of polygons."""
    return href.lower().endswith(".gml")


def acquired(item: pystac.Item) -> datetime:
    """Return when the scene was taken, UTC."""
    when = item.datetime
    if when is None:
        raise SceneError("item has no datetime", where=item.id)
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def gsd_m(item: pystac.Item, bands: tuple[str, ...] | None = None) -> float:
    """Return the ground sample distance in metres of what was delivered, by default of the bands that are loaded by default.

    What the product states of its sensor counts where the pixels are finer than that (an oversampled delivery), the pixels count where they are
    coarser (a reduced copy): nobody sees more than either of them shows.
    """
    finest = _pixel_m(item, default_bands(item))
    wanted = finest if bands is None else _pixel_m(item, bands)
    return wanted * max(1.0, sensor_gsd_m(item) / finest)


def sensor_gsd_m(item: pystac.Item) -> float:
    """Return the ground sample distance in metres that the product states of its sensor; that of the pixels where it states none."""
    return float(item.properties["gsd"])


def _pixel_m(item: pystac.Item, bands: tuple[str, ...]) -> float:
    """Return the side of the finest pixels of some bands."""
    holding = [asset for asset in item.assets.values() if "data" in (asset.roles or []) and set(bands) & set(_names(asset))]
    return min((float(asset.extra_fields["gsd"]) for asset in holding), default=sensor_gsd_m(item))


def sun(item: pystac.Item) -> tuple[float, float] | None:
    """Return (azimuth clockwise from north, elevation) of the sun in degrees; None where the product does not tell."""
    azimuth, elevation = item.properties.get("view:sun_azimuth"), item.properties.get("view:sun_elevation")
    return None if azimuth is None or elevation is None else (float(azimuth), float(elevation))


def band_names(item: pystac.Item) -> tuple[str, ...]:
    """Return the names of all bands that can be loaded, in the fixed order, unnamed ones (`b1`, …) last."""
    return tuple(band.name for band in bands_of(item))


def default_bands(item: pystac.Item) -> tuple[str, ...]:
    """Return what is loaded when nothing is asked for.

    Those are the multispectral bands, `pan` only where it stands alone. Bands with pixels more than three times as large as the finest among them
    (60 m beside 10 m: they see the atmosphere) come only when they are asked for.
    """
    bands = bands_of(item)
    spectral = [band for band in bands if band.name != "pan"] or bands
    finest = min((_pixel_area(band) for band in spectral), default=0.0)
    return tuple(band.name for band in spectral if _pixel_area(band) <= COARSEST**2 * finest)


def bands_of(item: pystac.Item) -> tuple[Band, ...]:
    """Return where each band lies and how its numbers are meant, in the order of :func:`band_names`.

    Files with the same band and the same numbers on one lattice are its tiles. Where a name still stands for several rasters, the finest counts,
    the first of equally fine ones.
    """
    parts: list[Part] = []
    boxes: list[GeoBox] = []
    said: list[tuple[str, float, float, float | None, float | None, int]] = []
    for asset in item.assets.values():
        if "data" not in (asset.roles or []):
            continue
        geobox = _geobox(asset)
        for index, (name, raster) in enumerate(zip(_names(asset), asset.extra_fields["raster:bands"], strict=True), 1):
            if name:
                parts.append(_part(asset, index, geobox))
                boxes.append(geobox)
                scaling = float(raster.get("scale", 1)), float(raster.get("offset", 0))
                special = _number(raster.get("nodata")), _number(raster.get("camwatch:saturated"))
                said.append((name, *scaling, *special, int(raster.get("camwatch:number", 0))))
    found: dict[str, Band] = {}
    # By the text of the numbers: a no-data value that is NaN equals itself there.
    for mosaic in mosaics(boxes, [str(numbers) for numbers in said]):
        name, scale, offset, nodata, saturated, number = said[mosaic.members[0]]
        band = Band(name, _placed(parts, mosaic), mosaic.geobox, scale, offset, nodata, saturated, number)
        if name not in found or _pixel_area(band) < 0.999 * _pixel_area(found[name]):
            found[name] = band

    def place_of(name: str) -> tuple[int, int, str]:
        return (ORDER.index(name), 0, "") if name in ORDER else (len(ORDER), len(name), name)  # b2 before b10

    return tuple(found[name] for name in sorted(found, key=place_of))


def masks_of(item: pystac.Item) -> tuple[Mask, ...]:
    """Return the quality layers, in the order of the Item's assets; files of one kind on one lattice are tiles of one layer."""
    parts: list[Part] = []
    boxes: list[GeoBox] = []
    said: list[tuple[str, tuple[Flag, ...], tuple[tuple[float, float], ...]]] = []
    for asset in item.assets.values():
        if "mask" in (asset.roles or []):
            fields = asset.extra_fields
            boxes.append(_geobox(asset))
            parts.append(_part(asset, int(fields.get("camwatch:index", 1)), boxes[-1]))
            polygon = tuple((float(col), float(row)) for col, row in fields.get("camwatch:polygon", []))
            said.append((str(fields["camwatch:mask"]), tuple(Flag.from_json(flag) for flag in fields["camwatch:flags"]), polygon))
    # Outlines say where they lie by themselves; they make no mosaic.
    kinds = [(kind, flags, parts[n].index, n if polygon or is_polygons(parts[n].href) else None) for n, (kind, flags, polygon) in enumerate(said)]
    layers = []
    for mosaic in mosaics(boxes, kinds):
        kind, flags, polygon = said[mosaic.members[0]]
        layers.append(Mask(kind, _placed(parts, mosaic), mosaic.geobox, flags, polygon))
    return tuple(layers)


def _part(asset: pystac.Asset, index: int, geobox: GeoBox) -> Part:
    rows, cols = geobox.shape
    return Part(asset.href, index, 0, 0, (rows, cols), "camwatch:companions" in asset.extra_fields)


def _placed(parts: Sequence[Part], mosaic: Mosaic) -> tuple[Part, ...]:
    return tuple(replace(parts[n], row=row, col=col) for n, (row, col) in zip(mosaic.members, mosaic.corners, strict=True))


def _pixel_area(band: Band) -> float:
    return float(abs(band.geobox.affine.determinant))


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
