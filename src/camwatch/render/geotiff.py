"""Simulated fine scenes as plain GeoTIFFs with a STAC Item beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shapely.geometry import box, mapping

from camwatch.aoi import LONLAT, reproject
from camwatch.rasters import write_raster
from camwatch.render.delivery import write_json
from camwatch.render.scene import Optics, render
from camwatch.render.truth import NOTICE

if TYPE_CHECKING:
    from pathlib import Path

    from odc.geo.geobox import GeoBox

    from camwatch.imagery.image import Sun
    from camwatch.render.sensor import Shot
    from camwatch.render.world import World


@dataclass(frozen=True, slots=True)
class Fine:
    """A fine sensor's product: file name, bands, ground sample distance in metres, cells per pixel side that the ground is computed with."""

    name: str
    bands: tuple[str, ...]
    gsd_m: float
    oversample: int


def write_fine(folder: Path, product: Fine, shot: Shot, world: World, geobox: GeoBox) -> Path:
    """Write `NAME.tif` (uint8 digital numbers, 0 = no data) and `NAME.json`; nothing where both are there."""
    path, beside = folder / f"{product.name}.tif", folder / f"{product.name}.json"
    if path.exists() and beside.exists():
        return path
    footprint = reproject(box(*geobox.boundingbox), world.crs, LONLAT)
    sun = shot.sun((footprint.centroid.x, footprint.centroid.y))
    optics = Optics(sun, shot.view, shot.psf_px, product.oversample)
    seed = world.seed + int(shot.when.timestamp())
    values = render(world.on(shot.when.date()), shot.truly(geobox), product.bands, optics, finish=shot.to_dn(product.bands, seed))
    write_raster(
        path,
        values,
        geobox,
        nodata=0,
        bands=product.bands,
        tags={
            "TIFFTAG_DATETIME": f"{shot.when:%Y:%m:%d %H:%M:%S}",
            "TIFFTAG_IMAGEDESCRIPTION": NOTICE,
            "TIFFTAG_SOFTWARE": "camwatch",
            "camwatch:simulated": "true",
        },
    )
    write_json(beside, _item(product, shot, sun, footprint, world.crs))
    return path


def _item(product: Fine, shot: Shot, sun: Sun, footprint: Any, crs: str) -> dict[str, Any]:
    bands = [{"name": b, **({} if b == "pan" else {"common_name": b})} for b in product.bands]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": product.name,
        "stac_extensions": [
            "https://stac-extensions.github.io/view/v1.0.0/schema.json",
            "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
            "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
        ],
        "bbox": [round(v, 7) for v in footprint.bounds],
        "geometry": mapping(footprint),
        "links": [],
        "collection": None,
        "properties": {
            "datetime": f"{shot.when:%Y-%m-%dT%H:%M:%SZ}",
            "gsd": product.gsd_m,
            "view:sun_azimuth": round(sun.azimuth_deg, 4),
            "view:sun_elevation": round(sun.elevation_deg, 4),
            "view:off_nadir": shot.view.off_nadir_deg,
            "view:azimuth": shot.view.azimuth_deg,
            "proj:code": crs,
            "camwatch:simulated": True,
            "camwatch:calibration": "dn",
            "description": NOTICE,
        },
        "assets": {"image": {"href": f"./{product.name}.tif", "type": "image/tiff; application=geotiff", "roles": ["data"], "eo:bands": bands}},
    }
