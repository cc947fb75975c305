"""Simulated Sentinel-2 Level 2A products: SAFE folders of processing baseline 05.00, a window of a tile in size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from odc.geo.geobox import GeoBox
from shapely.geometry import box

from camwatch.aoi import LONLAT, reproject
from camwatch.rasters import write_raster
from camwatch.render.delivery import folder_whole, write_text
from camwatch.render.landsat import clouds
from camwatch.render.optics import pooled
from camwatch.render.scene import Optics, render
from camwatch.render.truth import NOTICE

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from camwatch.imagery.image import Sun
    from camwatch.render.sensor import Shot
    from camwatch.render.world import World

QUANTIFICATION, OFFSET = 10000, -1000
"""Surface reflectance = (DN + OFFSET) / QUANTIFICATION from baseline 04.00 on; DN 0 is no data."""

TEN = {"B02": "blue", "B03": "green", "B04": "red", "B08": "nir"}
TWENTY = {"B11": "swir16", "B12": "swir22"}
_CLOUD, _SHADOW, _VEGETATION, _BARE, _WATER = 9, 3, 4, 5, 6
_PHYSICAL = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")


def write_sentinel2(folder: Path, tile: str, shot: Shot, world: World, geobox: GeoBox) -> Path:
    """Write one SAFE folder; nothing where it is there.

    Parameters
    ----------
    folder : Path
    tile : str
        MGRS tile, e.g. `52TEM`.
    shot : Shot
        Its `noise` is in reflectance, its `haze` is what the atmospheric correction left.
    world : World
    geobox : GeoBox
        10 m, both sides even.
    """
    stamp = f"{shot.when:%Y%m%dT%H%M%S}"
    name = f"S2A_MSIL2A_{stamp}_N0500_R003_T{tile}_20230801T000000.SAFE"
    target = folder / name
    if target.exists():
        return target
    lonlat = reproject(box(*geobox.boundingbox), world.crs, LONLAT)
    sun = shot.sun((lonlat.centroid.x, lonlat.centroid.y))
    granule = f"GRANULE/L2A_T{tile}_A006900_{stamp}"
    bands = (*TEN.values(), *TWENTY.values())
    rng = np.random.default_rng([world.seed, int(shot.when.timestamp())])
    seen = render(world.on(shot.when.date()), shot.truly(geobox), bands, Optics(sun, shot.view, shot.psf_px, 2, tile_px=384))
    cloud, shadow = clouds(world, geobox, sun, rng)
    seen = (seen + np.float32(shot.haze)) * (1 - 0.45 * shadow) * (1 - cloud) + np.float32(0.62) * cloud
    coarse_box = GeoBox((geobox.shape[0] // 2, geobox.shape[1] // 2), geobox.affine @ geobox.affine.scale(2), geobox.crs)
    with folder_whole(target) as part:
        images = part / granule / "IMG_DATA"
        for band, colour in (*TEN.items(), *TWENTY.items()):
            metres = 10 if band in TEN else 20
            plane = seen[bands.index(colour)]
            plane = plane if metres == 10 else pooled(plane, 2)
            noisy = plane + rng.standard_normal(plane.shape, dtype=np.float32) * np.float32(shot.noise)
            write_raster(
                images / f"R{metres}m" / f"T{tile}_{stamp}_{band}_{metres}m.jp2",
                to_dn(noisy),
                geobox if metres == 10 else coarse_box,
                driver="JP2OpenJPEG",
            )
        write_raster(images / "R20m" / f"T{tile}_{stamp}_SCL_20m.jp2", _classes(seen, cloud, shadow), coarse_box, driver="JP2OpenJPEG")
        write_text(part / granule / "MTD_TL.xml", _tile_metadata(tile, stamp, shot, sun, geobox))
        write_text(part / "MTD_MSIL2A.xml", _product_metadata(name, granule, tile, stamp, shot))
    return target


def to_dn(reflectance: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return digital numbers 1..65534 of surface reflectance, offset included."""
    return np.asarray(np.clip(np.rint(reflectance * QUANTIFICATION - OFFSET), 1, 65534), np.uint16)


def _classes(seen: NDArray[np.float32], cloud: NDArray[np.float32], shadow: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the scene classification at 20 m."""
    red, nir = pooled(seen[2], 2), pooled(seen[3], 2)
    out = np.where((nir - red) > 0.35 * (nir + red), np.uint8(_VEGETATION), np.uint8(_BARE))
    out[(nir < 0.06) & (red > nir)] = _WATER
    out[pooled(shadow, 2) > 0.15] = _SHADOW
    out[pooled(cloud, 2) > 0.1] = _CLOUD
    return np.asarray(out, np.uint8)


def _tile_metadata(tile: str, stamp: str, shot: Shot, sun: Sun, geobox: GeoBox) -> str:
    a = geobox.affine
    sizes = "".join(
        f'\n      <Size resolution="{m}"><NROWS>{geobox.shape[0] * 10 // m}</NROWS><NCOLS>{geobox.shape[1] * 10 // m}</NCOLS></Size>'
        f'\n      <Geoposition resolution="{m}"><ULX>{a.c:.0f}</ULX><ULY>{a.f:.0f}</ULY><XDIM>{m}</XDIM><YDIM>-{m}</YDIM></Geoposition>'
        for m in (10, 20)
    )
    angles = f'<ZENITH_ANGLE unit="deg">{90 - sun.elevation_deg:.8f}</ZENITH_ANGLE><AZIMUTH_ANGLE unit="deg">{sun.azimuth_deg:.8f}</AZIMUTH_ANGLE>'
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- {NOTICE} -->
<n1:Level-2A_Tile_ID xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-2A_Tile_Metadata.xsd">
  <n1:General_Info>
    <TILE_ID metadataLevel="Brief">S2A_OPER_MSI_L2A_TL_SIMULATED_20230801T000000_A006900_T{tile}_N05.00</TILE_ID>
    <DATASTRIP_ID metadataLevel="Standard">S2A_OPER_MSI_L2A_DS_SIMULATED_20230801T000000_S{stamp}_N05.00</DATASTRIP_ID>
    <SENSING_TIME metadataLevel="Standard">{shot.when:%Y-%m-%dT%H:%M:%S}.000Z</SENSING_TIME>
  </n1:General_Info>
  <n1:Geometric_Info>
    <Tile_Geocoding metadataLevel="Brief">
      <HORIZONTAL_CS_NAME>WGS84 / UTM zone 52N</HORIZONTAL_CS_NAME>
      <HORIZONTAL_CS_CODE>{geobox.crs}</HORIZONTAL_CS_CODE>{sizes}
    </Tile_Geocoding>
    <Tile_Angles metadataLevel="Standard">
      <Mean_Sun_Angle>{angles}</Mean_Sun_Angle>
    </Tile_Angles>
  </n1:Geometric_Info>
</n1:Level-2A_Tile_ID>
"""


def _product_metadata(name: str, granule: str, tile: str, stamp: str, shot: Shot) -> str:
    files = "".join(
        f"\n            <IMAGE_FILE>{granule}/IMG_DATA/R{m}m/T{tile}_{stamp}_{band}_{m}m</IMAGE_FILE>"
        for m, band in (*((10, b) for b in TEN), *((20, b) for b in TWENTY), (20, "SCL"))
    )
    offsets = "".join(f'\n        <BOA_ADD_OFFSET band_id="{n}">{OFFSET}</BOA_ADD_OFFSET>' for n in range(len(_PHYSICAL)))
    spectral = "".join(f'\n        <Spectral_Information bandId="{n}" physicalBand="{band}"/>' for n, band in enumerate(_PHYSICAL))
    time = f"{shot.when:%Y-%m-%dT%H:%M:%S}.000Z"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- {NOTICE} -->
<n1:Level-2A_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-2A.xsd">
  <n1:General_Info>
    <Product_Info>
      <PRODUCT_START_TIME>{time}</PRODUCT_START_TIME>
      <PRODUCT_STOP_TIME>{time}</PRODUCT_STOP_TIME>
      <PRODUCT_URI>{name}</PRODUCT_URI>
      <PROCESSING_LEVEL>Level-2A</PROCESSING_LEVEL>
      <PRODUCT_TYPE>S2MSI2A</PRODUCT_TYPE>
      <PROCESSING_BASELINE>05.00</PROCESSING_BASELINE>
      <GENERATION_TIME>2023-08-01T00:00:00.000Z</GENERATION_TIME>
      <Datatake datatakeIdentifier="GS2A_{stamp}_006900_N05.00">
        <SPACECRAFT_NAME>Sentinel-2A</SPACECRAFT_NAME>
        <DATATAKE_SENSING_START>{time}</DATATAKE_SENSING_START>
        <SENSING_ORBIT_NUMBER>3</SENSING_ORBIT_NUMBER>
        <SENSING_ORBIT_DIRECTION>DESCENDING</SENSING_ORBIT_DIRECTION>
      </Datatake>
      <Product_Organisation>
        <Granule_List>
          <Granule granuleIdentifier="S2A_OPER_MSI_L2A_TL_SIMULATED_20230801T000000_A006900_T{tile}_N05.00" imageFormat="JPEG2000">{files}
          </Granule>
        </Granule_List>
      </Product_Organisation>
    </Product_Info>
    <Product_Image_Characteristics>
      <Special_Values><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX></Special_Values>
      <Special_Values><SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>65535</SPECIAL_VALUE_INDEX></Special_Values>
      <QUANTIFICATION_VALUES_LIST>
        <BOA_QUANTIFICATION_VALUE unit="none">{QUANTIFICATION}</BOA_QUANTIFICATION_VALUE>
      </QUANTIFICATION_VALUES_LIST>
      <BOA_ADD_OFFSET_VALUES_LIST>{offsets}
      </BOA_ADD_OFFSET_VALUES_LIST>
      <Spectral_Information_List>{spectral}
      </Spectral_Information_List>
    </Product_Image_Characteristics>
  </n1:General_Info>
</n1:Level-2A_User_Product>
"""
