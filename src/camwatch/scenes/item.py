"""Reading what our Items say. An Item is plain STAC; these functions, with those of its assets, are the one place that knows its fields by name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import shape

from camwatch.errors import SceneError
from camwatch.scenes.access.files import on_disk
from camwatch.scenes.assets import bands_of, masks_of, names_of

if TYPE_CHECKING:
    from pathlib import Path

    import pystac
    from shapely.geometry.base import BaseGeometry

__all__ = [
    "acquired",
    "band_names",
    "bands_of",
    "calibration",
    "cloud_mask",
    "default_bands",
    "files_of",
    "footprint",
    "gsd_m",
    "is_simulated",
    "masks_of",
    "native_geobox",
    "position_error_m",
    "sensor_gsd_m",
    "sun",
]

COARSEST = 3.0
"""A band with pixels more than this many times as large as the finest does not enter by default."""


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
    holding = [asset for asset in item.assets.values() if "data" in (asset.roles or []) and set(bands) & set(names_of(asset))]
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
    finest = min((band.pixel_area for band in spectral), default=0.0)
    return tuple(band.name for band in spectral if band.pixel_area <= COARSEST**2 * finest)


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
