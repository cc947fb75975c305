"""Small products in the layouts of the archives, for tests that need many different ones; every maker returns what a user would open."""

from __future__ import annotations

import json
import tarfile
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.crs import CRS

from camwatch.rasters import write_raster

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BOX = GeoBox((24, 32), Affine(30, 0, 560_000, 0, -30, 4_650_000), "EPSG:32652")
FINE = GeoBox((24, 32), Affine(10, 0, 560_000, 0, -10, 4_650_000), "EPSG:32652")
DN = np.arange(1, 769, dtype=np.uint16).reshape(24, 32) * 10


def landsat(folder: Path, mtl: str = "txt") -> Path:
    """Collection 2 Level 2 of two bands, with its quality layers."""
    stem = "LC08_L2SP_115032_20150710_20200908_02_T1"
    product = folder / stem
    for number in (4, 5):
        write_raster(product / f"{stem}_SR_B{number}.TIF", DN + number, BOX, nodata=0)
    write_raster(product / f"{stem}_QA_PIXEL.TIF", np.full(DN.shape, 1 << 6, np.uint16), BOX)
    write_raster(product / f"{stem}_QA_RADSAT.TIF", np.zeros(DN.shape, np.uint16), BOX)
    groups = {
        "PRODUCT_CONTENTS": {
            "ORIGIN": "Image courtesy of the U.S. Geological Survey",
            "LANDSAT_PRODUCT_ID": stem,
            "PROCESSING_LEVEL": "L2SP",
            "FILE_NAME_BAND_4": f"{stem}_SR_B4.TIF",
            "FILE_NAME_BAND_5": f"{stem}_SR_B5.TIF",
            "FILE_NAME_QUALITY_L1_PIXEL": f"{stem}_QA_PIXEL.TIF",
            "FILE_NAME_QUALITY_L1_RADIOMETRIC_SATURATION": f"{stem}_QA_RADSAT.TIF",
        },
        "IMAGE_ATTRIBUTES": {
            "SPACECRAFT_ID": "LANDSAT_8",
            "SENSOR_ID": "OLI_TIRS",
            "DATE_ACQUIRED": "2015-07-10",
            "SCENE_CENTER_TIME": "02:04:05.5000000Z",
            "SUN_AZIMUTH": "-170.5",
            "SUN_ELEVATION": "61.25",
        },
        "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS": {
            f"REFLECTANCE_{kind}_BAND_{n}": value for n in (4, 5) for kind, value in (("MULT", "2.75e-05"), ("ADD", "-0.2"))
        },
    }
    if mtl == "json":
        text = json.dumps({"LANDSAT_METADATA_FILE": groups}, indent=1)
    elif mtl == "xml":
        inner = "\n".join(f"<{g}>" + "\n".join(f"<{k}>{v}</{k}>" for k, v in entries.items()) + f"</{g}>" for g, entries in groups.items())
        text = f"<?xml version='1.0'?>\n<LANDSAT_METADATA_FILE>{inner}</LANDSAT_METADATA_FILE>"
    else:
        lines = ["GROUP = LANDSAT_METADATA_FILE"]
        for group, entries in groups.items():
            lines += [f"  GROUP = {group}", *(f'    {key} = "{value}"' for key, value in entries.items()), f"  END_GROUP = {group}"]
        text = "\n".join([*lines, "END_GROUP = LANDSAT_METADATA_FILE", "END", ""])
    (product / f"{stem}_MTL.{mtl}").write_text(text)
    return product


def write_jp2(path: Path, values: np.ndarray, box: GeoBox, **options: object) -> Path:
    """One band of JPEG 2000, lossless."""
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"count": 1, "height": box.shape[0], "width": box.shape[1], "dtype": values.dtype.name, "crs": str(box.crs), "transform": box.affine}
    with rasterio.open(path, "w", driver="JP2OpenJPEG", QUALITY="100", REVERSIBLE="YES", **profile, **options) as dataset:
        dataset.write(values, 1)
    return path


def sentinel2(folder: Path, start: str = "") -> Path:
    """A Level 2A SAFE folder: two bands of 10 m and the scene classification of 20 m."""
    name = "S2A_MSIL2A_20210908T021601_N0400_R003_T52TEL_20210908T060000"
    safe, granule = folder / f"{name}.SAFE", "L2A_T52TEL_A032448_20210908T021605"
    coarse = GeoBox((12, 16), Affine(20, 0, 560_000, 0, -20, 4_650_000), "EPSG:32652")
    images = []
    for band, box, value in (("B02_10m", FINE, 1500), ("B04_10m", FINE, 2000), ("SCL_20m", coarse, 4)):
        member = f"GRANULE/{granule}/IMG_DATA/R{band[-3:]}/T52TEL_20210908T021601_{band}"
        images.append(f"<IMAGE_FILE>{member}</IMAGE_FILE>")
        write_jp2(safe / f"{member}.jp2", np.full(box.shape, value, np.uint8 if band.startswith("SCL") else np.uint16), box)
    (safe / "GRANULE" / granule / "MTD_TL.xml").write_text(
        "<Tile><General_Info><TILE_ID>S2A_OPER_MSI_L2A_TL_VGS4_20210908T060000_A032448_T52TEL_N04.00</TILE_ID>"
        "<SENSING_TIME>2021-09-08T02:19:44.5Z</SENSING_TIME></General_Info>\n<Geometric_Info><Tile_Angles><Mean_Sun_Angle>"
        "<ZENITH_ANGLE unit='deg'>38.5</ZENITH_ANGLE>\n<AZIMUTH_ANGLE unit='deg'>152.25</AZIMUTH_ANGLE>"
        "</Mean_Sun_Angle></Tile_Angles></Geometric_Info></Tile>"
    )
    offsets = "\n".join(f'<BOA_ADD_OFFSET band_id="{n}">-1000</BOA_ADD_OFFSET>' for n in range(13))
    (safe / "MTD_MSIL2A.xml").write_text(
        f"{start}<Product><General_Info><Product_Info><PRODUCT_URI>{safe.name}</PRODUCT_URI>\n<PRODUCT_TYPE>S2MSI2A</PRODUCT_TYPE>\n"
        f"<PROCESSING_BASELINE>04.00</PROCESSING_BASELINE>\n<SPACECRAFT_NAME>Sentinel-2A</SPACECRAFT_NAME>\n"
        f"<Product_Organisation><Granule_List><Granule granuleIdentifier='{granule}'>{''.join(images)}</Granule></Granule_List>"
        f"</Product_Organisation></Product_Info>\n<Product_Image_Characteristics><QUANTIFICATION_VALUES_LIST>"
        f"<BOA_QUANTIFICATION_VALUE unit='none'>10000</BOA_QUANTIFICATION_VALUE></QUANTIFICATION_VALUES_LIST>\n"
        f"<BOA_ADD_OFFSET_VALUES_LIST>{offsets}</BOA_ADD_OFFSET_VALUES_LIST></Product_Image_Characteristics></General_Info></Product>"
    )
    return safe


def plain(folder: Path, name: str = "camp_20110529.tif", **tags: str) -> Path:
    """A GeoTIFF of three bands."""
    return write_raster(folder / name, np.stack([DN, DN + 1, DN + 2]), BOX, tags=tags or None)


def striped(folder: Path, compress: str = "none", **options: object) -> Path:
    """A GeoTIFF in strips, one band, in one of several encodings."""
    profile = {"count": 1, "height": 24, "width": 32, "dtype": "uint16", "crs": "EPSG:32652", "transform": BOX.affine, "blockysize": 8}
    path = folder / f"strips_{compress}_20110529.tif"
    with rasterio.open(path, "w", driver="GTiff", compress=compress, **profile, **options) as dataset:
        dataset.write(DN, 1)
        dataset.write_mask(DN > 50)
    return path


def jpeg2000(folder: Path) -> Path:
    """A JP2 with its georeference in GML and in a GeoTIFF box."""
    return write_jp2(folder / "camp_20110529.jp2", DN, BOX)


def envi(folder: Path) -> Path:
    """An ENVI raster with its header."""
    profile = {"count": 2, "height": 24, "width": 32, "dtype": "uint16", "crs": "EPSG:32652", "transform": BOX.affine}
    with rasterio.open(folder / "camp_20110529.img", "w", driver="ENVI", **profile) as dataset:
        dataset.write(np.stack([DN, DN]))
    (folder / "camp_20110529.img.aux.xml").unlink(missing_ok=True)
    return folder / "camp_20110529.img"


def picture(folder: Path, suffix: str = "png") -> Path:
    """A PNG or JPEG with its CRS in an `.aux.xml` and its transform in a world file."""
    path = folder / f"camp_20110529.{suffix}"
    profile = {"driver": {"png": "PNG", "jpg": "JPEG"}[suffix], "count": 3, "height": 24, "width": 32, "dtype": "uint8"}
    with rasterio.open(path, "w", **profile, crs="EPSG:32652", transform=BOX.affine) as dataset:
        dataset.write(np.stack([(DN // 40).astype(np.uint8)] * 3))
    (path.parent / f"{path.name}.aux.xml").write_text(f"<PAMDataset><SRS>{CRS.from_epsg(32652).to_wkt()}</SRS></PAMDataset>")
    (folder / f"camp_20110529.{suffix[0]}{suffix[-1]}w").write_text("30\n0\n0\n-30\n560015\n4649985\n")
    return path


def stac_item(folder: Path) -> Path:
    """A STAC Item beside two rasters."""
    folder.mkdir(parents=True, exist_ok=True)
    write_raster(folder / "ms.tif", np.stack([DN, DN]), BOX)
    write_raster(folder / "pan.tif", DN, FINE)
    assets = {
        "ms": {"href": "./ms.tif", "eo:bands": [{"common_name": "red"}, {"common_name": "nir"}], "raster:bands": [{"scale": 1e-4, "nodata": 7}] * 2},
        "pan": {"href": "pan.tif", "bands": [{"eo:common_name": "pan", "raster:scale": 2e-4}]},
    }
    said = {"datetime": "2014-05-06T02:03:04Z", "view:sun_azimuth": 150.5, "view:sun_elevation": 40.25, "gsd": 10, "platform": "x-1"}
    item = {"type": "Feature", "stac_version": "1.0.0", "id": "mine", "properties": said, "geometry": None, "links": [], "assets": assets}
    (folder / "item.json").write_text(json.dumps(item, indent=1))
    return folder / "item.json"


def accompanied(folder: Path) -> Path:
    """A GeoTIFF with a STAC Item beside it that names its bands."""
    path = plain(folder)
    bands = [{"name": "b", "eo:common_name": colour} for colour in ("blue", "green", "red")]
    said = {
        "datetime": "2014-05-06T02:03:04Z",
        "view:sun_azimuth": 150.5,
        "view:sun_elevation": 40,
        "view:off_nadir": 3,
        "gsd": 0.5,
        "platform": "x-1",
    }
    said |= {"instruments": ["pan"], "camwatch:simulated": True, "camwatch:calibration": "dn", "accuracy:geometric_rmse": 4.5}
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "x",
        "properties": said,
        "assets": {"image": {"href": f"./{path.name}", "bands": bands}},
    }
    path.with_suffix(".json").write_text(json.dumps(item, indent=1))
    return path


def pack(product: Path, archive: Path) -> Path:
    """Put a folder into an archive as the archives deliver it: Landsat without its folder, the others with it."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
            for path in sorted(product.rglob("*")):
                out.write(path, path.relative_to(product.parent))
    else:
        with tarfile.open(archive, "w:gz" if archive.suffix == ".gz" else "w") as out:
            out.add(product, arcname=".")
    return archive


MAKERS: dict[str, Callable[[Path], Path]] = {
    "landsat txt": landsat,
    "landsat xml": lambda folder: landsat(folder, "xml"),
    "landsat json": lambda folder: landsat(folder, "json"),
    "landsat tar": lambda folder: pack(landsat(folder / "loose"), folder / "landsat.tar"),
    "landsat tar.gz": lambda folder: pack(landsat(folder / "loose"), folder / "landsat.tar.gz"),
    "landsat zip": lambda folder: pack(landsat(folder / "loose"), folder / "landsat.zip"),
    "sentinel2": sentinel2,
    "sentinel2 zip": lambda folder: pack(sentinel2(folder / "loose"), folder / "sentinel2.zip"),
    "tiff tiled": plain,
    "tiff strips": striped,
    "tiff lzw": lambda folder: striped(folder, "lzw", predictor=2),
    "tiff packbits": lambda folder: striped(folder, "packbits", BIGTIFF="YES"),
    "tiff zstd": lambda folder: striped(folder, "zstd"),
    "tiff lerc": lambda folder: striped(folder, "lerc"),
    "jp2": jpeg2000,
    "envi": envi,
    "png": picture,
    "jpeg": lambda folder: picture(folder, "jpg"),
    "stac": stac_item,
    "stac beside": accompanied,
}
"""Name of a layout → its maker; each writes into an empty folder."""
