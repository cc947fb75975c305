"""Simulated Landsat Collection 2 Level 2 products: folders and tars as USGS delivers them, a window of a scene in size."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin, tan
from typing import TYPE_CHECKING, Any

import numpy as np
from shapely.geometry import box

from camwatch.aoi import LONLAT, reproject
from camwatch.rasters import write_raster
from camwatch.render.delivery import folder_whole, pack, write_text
from camwatch.render.scene import Optics, render
from camwatch.render.sun import earth_sun_distance
from camwatch.render.truth import NOTICE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from camwatch.imagery.image import Sun
    from camwatch.render.sensor import Shot
    from camwatch.render.world import World

SCALE, OFFSET = 2.75e-05, -0.2
"""Collection 2 surface reflectance = SCALE × DN + OFFSET; DN 0 is fill."""

COLOURS = ("blue", "green", "red", "nir", "swir16", "swir22")
_TM = {1: "blue", 2: "green", 3: "red", 4: "nir", 5: "swir16", 7: "swir22"}
_OLI = {1: "coastal", 2: "blue", 3: "green", 4: "red", 5: "nir", 6: "swir16", 7: "swir22"}


@dataclass(frozen=True, slots=True)
class Satellite:
    """One Landsat: names, bands, what its QA_PIXEL says for clear, cloud and cloud shadow, and how it is packed."""

    prefix: str
    spacecraft: str
    sensor: str
    bands: Mapping[int, str]
    clear: int
    cloud: int
    shadow: int
    software: str
    gaps: bool = False
    packed: bool = True


# Bits: 0 fill, 3 cloud, 4 cloud shadow, 6 clear; pairs from 8 on hold the confidence of cloud, shadow, snow, cirrus (TM has no cirrus).
SATELLITES = {
    5: Satellite("LT05", "LANDSAT_5", "TM", _TM, 5440, 5896, 7440, "LEDAPS_3.4.0"),
    7: Satellite("LE07", "LANDSAT_7", "ETM", _TM, 5440, 5896, 7440, "LEDAPS_3.4.0", gaps=True, packed=False),
    8: Satellite("LC08", "LANDSAT_8", "OLI_TIRS", _OLI, 21824, 22280, 23888, "LaSRC_1.5.0"),
}
FILL_QA = 1


def write_landsat(folder: Path, number: int, path_row: tuple[int, int], shot: Shot, *, world: World, geobox: GeoBox, cells: int = 3) -> Path:
    """Write one product: a `.tar`, or a folder for Landsat 7; nothing where it is there.

    Parameters
    ----------
    folder : Path
    number : {5, 7, 8}
        Of the satellite.
    path_row : (int, int)
        WRS-2.
    shot : Shot
        Its `noise` is in reflectance, its `haze` is what the atmospheric correction left.
    world : World
    geobox : GeoBox
        30 m.
    cells : int
        Cells per pixel side that the ground is computed with.

    Returns
    -------
    Path
    """
    satellite = SATELLITES[number]
    name = f"{satellite.prefix}_L2SP_{path_row[0]:03d}{path_row[1]:03d}_{shot.when:%Y%m%d}_20200908_02_T1"
    target = folder / (f"{name}.tar" if satellite.packed else name)
    if target.exists():
        return target
    lonlat = reproject(box(*geobox.boundingbox), world.crs, LONLAT)
    sun = shot.sun((lonlat.centroid.x, lonlat.centroid.y))
    dn, quality = _pixels(satellite, shot, world, geobox, sun, cells=cells)
    tags = {"TIFFTAG_IMAGEDESCRIPTION": NOTICE, "AREA_OR_POINT": "Point"}
    files = {key: f"{name}_SR_B{key}.TIF" for key in satellite.bands}
    with folder_whole(folder / name) as part:
        for key, plane in dn.items():
            write_raster(part / files[key], plane, geobox, nodata=0, tags=tags)
        write_raster(part / f"{name}_QA_PIXEL.TIF", quality, geobox, nodata=FILL_QA, tags=tags)
        write_raster(part / f"{name}_QA_RADSAT.TIF", np.zeros(quality.shape, np.uint16), geobox, tags=tags)
        share = float((quality == satellite.cloud).mean())
        write_text(
            part / f"{name}_MTL.txt", mtl(name, satellite, path_row, shot, sun=sun, geobox=geobox, lonlat=lonlat.bounds, cloud_percent=100 * share)
        )
    return pack(folder / name, target) if satellite.packed else target


def to_dn(reflectance: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return Collection 2 digital numbers 1..65535 of surface reflectance."""
    return np.asarray(np.clip(np.rint((reflectance - OFFSET) / SCALE), 1, 65535), np.uint16)


def _pixels(
    satellite: Satellite, shot: Shot, world: World, geobox: GeoBox, sun: Sun, *, cells: int
) -> tuple[dict[int, NDArray[np.uint16]], NDArray[np.uint16]]:
    rng = np.random.default_rng([world.seed, int(shot.when.timestamp())])
    seen = render(world.on(shot.when.date()), shot.truly(geobox), COLOURS, Optics(sun, shot.view, shot.psf_px, cells, tile_px=256))
    seen += shot.haze + rng.standard_normal(seen.shape, dtype=np.float32) * np.float32(shot.noise)
    cloud, shadow = clouds(world, geobox, sun, rng)
    seen = seen * (1 - 0.45 * shadow) * (1 - cloud) + np.float32(0.62) * cloud
    quality = np.full(cloud.shape, satellite.clear, np.uint16)
    quality[shadow > 0.15] = satellite.shadow
    quality[cloud > 0.1] = satellite.cloud
    dn = to_dn(seen)
    planes = {key: dn[COLOURS.index(band)] if band in COLOURS else to_dn(np.float32(0.85) * seen[0]) for key, band in satellite.bands.items()}
    if satellite.gaps:
        missing = slc_gaps((len(quality), len(quality[0])), phase=int(rng.integers(33)))
        quality[missing] = FILL_QA
        for plane in planes.values():
            plane[missing] = 0
    return planes, quality


def clouds(
    world: World, geobox: GeoBox, sun: Sun, rng: np.random.Generator, *, base_m: float = 1400.0
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (opacity, shadow), each (y, x) float32 0..1: a few fair-weather clouds that leave the detailed part of the world free."""
    left, bottom, right, top = geobox.boundingbox
    x = (geobox.affine.c + geobox.affine.a * (np.arange(geobox.shape[1]) + 0.5))[None]
    y = (geobox.affine.f + geobox.affine.e * (np.arange(geobox.shape[0]) + 0.5))[:, None]
    rough = world.texture.noise(x[0] + rng.uniform(0, 9e4), y[:, 0], {220.0: 0.35, 700.0: 0.5})
    reach = base_m / tan(radians(sun.elevation_deg))
    away = (-sin(radians(sun.azimuth_deg)) * reach, -cos(radians(sun.azimuth_deg)) * reach)
    cloud, shadow = np.zeros(geobox.shape, np.float32), np.zeros(geobox.shape, np.float32)
    for _ in range(5):
        cx, cy, size = rng.uniform(left, right), rng.uniform(bottom, top), rng.uniform(250, 600)
        if min(np.hypot(cx - world.centre[0], cy - world.centre[1]), np.hypot(cx + away[0] - world.centre[0], cy + away[1] - world.centre[1])) < 3200:
            continue
        for plane, dx, dy in ((cloud, 0.0, 0.0), (shadow, *away)):
            blob = 1.6 - np.hypot(x - cx - dx, y - cy - dy) / size * 1.6 + rough
            np.maximum(plane, np.clip(blob, 0, 1), out=plane)
    return cloud, shadow


def slc_gaps(shape: tuple[int, int], *, phase: int) -> NDArray[np.bool_]:
    """Return where the failed scan-line corrector of Landsat 7 left no data: wedges that open towards the edge of the swath, every 33 lines."""
    row, col = np.arange(shape[0])[:, None], np.arange(shape[1])[None]
    # Scans run from west to east and a little south on the map, because the orbit is inclined; hundredths of a line keep the pattern exact.
    width = 200 + 800 * col // max(shape[1], 400)
    missing: NDArray[np.bool_] = (100 * (row + phase) - 17 * col) % 3300 < width
    return missing


def mtl(
    name: str,
    satellite: Satellite,
    path_row: tuple[int, int],
    shot: Shot,
    *,
    sun: Sun,
    geobox: GeoBox,
    lonlat: tuple[float, float, float, float],
    cloud_percent: float,
) -> str:
    """Return the MTL.txt of a product, in the groups and order of Collection 2."""
    a = geobox.affine
    west, south, east, north = lonlat
    first, last = (a.c + a.a / 2, a.f + a.e / 2), (a.c + a.a * (geobox.shape[1] - 0.5), a.f + a.e * (geobox.shape[0] - 0.5))
    corners = {"UL": (first[0], first[1]), "UR": (last[0], first[1]), "LL": (first[0], last[1]), "LR": (last[0], last[1])}
    degrees = {"UL": (north, west), "UR": (north, east), "LL": (south, west), "LR": (south, east)}
    keys = list(satellite.bands)
    groups: dict[str, dict[str, Any]] = {
        "PRODUCT_CONTENTS": {
            "ORIGIN": NOTICE,
            "LANDSAT_PRODUCT_ID": name,
            "PROCESSING_LEVEL": "L2SP",
            "COLLECTION_NUMBER": _Raw("02"),
            "COLLECTION_CATEGORY": "T1",
            "OUTPUT_FORMAT": "GEOTIFF",
            **{f"FILE_NAME_BAND_{k}": f"{name}_SR_B{k}.TIF" for k in keys},
            "FILE_NAME_QUALITY_L1_PIXEL": f"{name}_QA_PIXEL.TIF",
            "FILE_NAME_QUALITY_L1_RADIOMETRIC_SATURATION": f"{name}_QA_RADSAT.TIF",
            "FILE_NAME_METADATA_ODL": f"{name}_MTL.txt",
            **{f"DATA_TYPE_BAND_{k}": "UINT16" for k in keys},
            "DATA_TYPE_QUALITY_L1_PIXEL": "UINT16",
            "DATA_TYPE_QUALITY_L1_RADIOMETRIC_SATURATION": "UINT16",
        },
        "IMAGE_ATTRIBUTES": {
            "SPACECRAFT_ID": satellite.spacecraft,
            "SENSOR_ID": satellite.sensor,
            "WRS_TYPE": 2,
            "WRS_PATH": path_row[0],
            "WRS_ROW": path_row[1],
            "DATE_ACQUIRED": _Raw(f"{shot.when:%Y-%m-%d}"),
            "SCENE_CENTER_TIME": f"{shot.when:%H:%M:%S}.0000000Z",
            "CLOUD_COVER": _Raw(f"{cloud_percent:.2f}"),
            "SUN_AZIMUTH": _Raw(f"{sun.azimuth_deg:.8f}"),
            "SUN_ELEVATION": _Raw(f"{sun.elevation_deg:.8f}"),
            "EARTH_SUN_DISTANCE": _Raw(f"{earth_sun_distance(shot.when):.7f}"),
            **({"SENSOR_MODE": "BUMPER", "SENSOR_MODE_SLC": "OFF"} if satellite.gaps else {}),
        },
        "PROJECTION_ATTRIBUTES": {
            "MAP_PROJECTION": "UTM",
            "DATUM": "WGS84",
            "ELLIPSOID": "WGS84",
            "UTM_ZONE": 52,
            "GRID_CELL_SIZE_REFLECTIVE": _Raw(f"{a.a:.2f}"),
            "REFLECTIVE_LINES": geobox.shape[0],
            "REFLECTIVE_SAMPLES": geobox.shape[1],
            "ORIENTATION": "NORTH_UP",
            **{f"CORNER_{c}_{axis}_PRODUCT": _Raw(f"{degrees[c][i]:.5f}") for c in corners for i, axis in enumerate(("LAT", "LON"))},
            **{f"CORNER_{c}_PROJECTION_{axis}_PRODUCT": _Raw(f"{corners[c][i]:.3f}") for c in corners for i, axis in enumerate("XY")},
        },
        "LEVEL2_PROCESSING_RECORD": {
            "ORIGIN": NOTICE,
            "LANDSAT_PRODUCT_ID": name,
            "PROCESSING_LEVEL": "L2SP",
            "OUTPUT_FORMAT": "GEOTIFF",
            "DATE_PRODUCT_GENERATED": _Raw("2020-09-08T00:00:00Z"),
            "PROCESSING_SOFTWARE_VERSION": "camwatch render",
            "ALGORITHM_SOURCE_SURFACE_REFLECTANCE": satellite.software,
        },
        "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS": {
            **{f"REFLECTANCE_{end}_BAND_{k}": _Raw(value) for k in keys for end, value in (("MAXIMUM", "1.602213"), ("MINIMUM", "-0.199972"))},
            **{f"QUANTIZE_CAL_{end}_BAND_{k}": value for k in keys for end, value in (("MAX", 65535), ("MIN", 1))},
            **{f"REFLECTANCE_MULT_BAND_{k}": _Raw("2.75e-05") for k in keys},
            **{f"REFLECTANCE_ADD_BAND_{k}": _Raw("-0.2") for k in keys},
        },
        "LEVEL1_PROCESSING_RECORD": {
            "ORIGIN": NOTICE,
            "LANDSAT_PRODUCT_ID": name.replace("L2SP", "L1TP"),
            "PROCESSING_LEVEL": "L1TP",
            "COLLECTION_CATEGORY": "T1",
        },
    }
    lines = ["GROUP = LANDSAT_METADATA_FILE"]
    for group, members in groups.items():
        lines += [f"  GROUP = {group}", *(f"    {key} = {_odl(value)}" for key, value in members.items()), f"  END_GROUP = {group}"]
    return "\n".join([*lines, "END_GROUP = LANDSAT_METADATA_FILE", "END", ""])


class _Raw(str):
    """A value that ODL writes without quotes."""

    __slots__ = ()


def _odl(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) and not isinstance(value, _Raw) else str(value)
