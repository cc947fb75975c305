"""Landsat products say what their MTL says: every real MTL at hand, and products written here for what no real one shows."""

import gzip
import json
import math
import re
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.io import MemoryFile

from camwatch.errors import SceneError
from camwatch.imagery import load
from camwatch.rasters import write_raster
from camwatch.scenes import item as scene
from camwatch.scenes import open_scene, scan

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # affine 3 about odc-geo's own arithmetic

BOX = GeoBox((5, 6), Affine(30, 0, 560_000, 0, -30, 4_650_000), "EPSG:32652")
NAMES = {
    "MSS from 4": {4: "green", 5: "red", 6: "nir08", 7: "nir"},
    "MSS from 1": {1: "green", 2: "red", 3: "nir08", 4: "nir"},
    "TM": {1: "blue", 2: "green", 3: "red", 4: "nir", 5: "swir16", 7: "swir22"},
    "ETM": {1: "blue", 2: "green", 3: "red", 4: "nir", 5: "swir16", 7: "swir22", 8: "pan"},
    "OLI_TIRS": {1: "coastal", 2: "blue", 3: "green", 4: "red", 5: "nir", 6: "swir16", 7: "swir22", 8: "pan"},
}
METADATA = (
    "etm/LE07_L2SP_021030_20100109_20200911_02_T1_MTL.xml",
    "mss/LM01_L1GS_001010_19720908_20200909_02_T2_MTL.xml",
    "mss/LM02_L1GS_001004_19750411_20200908_02_T2_MTL.xml",
    "mss/LM03_L1GS_001001_19780510_20200907_02_T2_MTL.xml",
    "mss/LM04_L1GS_001001_19830527_20210902_02_T2_MTL.xml",
    "mss/LM05_L1GS_001001_19850524_20210918_02_T2_MTL.xml",
    "oli-tirs/LC08_L2SR_084024_20160111_20201016_02_T1_MTL.txt",
    "oli-tirs/LC08_L2SR_084024_20160111_20201016_02_T1_MTL.xml",
    "oli-tirs/LC09_L2SP_010065_20220129_20220131_02_T1_MTL.txt",
    "oli-tirs/LC09_L2SP_010065_20220129_20220131_02_T1_MTL.xml",
    "tm/LT05_L2SP_058014_20110312_20200823_02_T1_MTL.xml",
    "tm/LT05_L2SR_087017_20090621_20200827_02_T2_MTL.xml",
)


def stated(text: str, group: str, key: str) -> str | None:
    """The value of a key in a group of an MTL, found by its spelling alone."""
    block = re.search(rf"<{group}>(.*?)</{group}>" if text.startswith("<") else rf"GROUP = {group}\n(.*?)END_GROUP = {group}\n", text, re.DOTALL)
    found = block and re.search(rf"<{key}>(.*?)</{key}>" if text.startswith("<") else rf'^ *{key} = "?(.*?)"?$', block[1], re.MULTILINE)
    return found[1] if found else None


def write_bands(folder: Path, text: str) -> dict[str, np.ndarray]:
    """Write a small raster for each band and quality file that an MTL names; return the numbers of each."""
    contents = re.search(r"<PRODUCT_CONTENTS>(.*?)</PRODUCT_CONTENTS>|GROUP = PRODUCT_CONTENTS\n(.*?)END_GROUP", text, re.DOTALL)
    written = {}
    for key, name in re.findall(r'FILE_NAME_(BAND_\d|QUALITY_L1_\w+?)(?:>| = ")([^<"]+\.TIF)', contents[0]):
        quality = key.startswith("QUALITY")
        dtype = np.uint16 if quality or f'DATA_TYPE_{key} = "UINT16"' in text or f"<DATA_TYPE_{key}>UINT16" in text else np.uint8
        numbers = np.zeros(BOX.shape, dtype) if quality else np.arange(1, 31, dtype=dtype).reshape(BOX.shape) * (1500 if dtype == np.uint16 else 7)
        written[key] = numbers
        write_raster(folder / name, numbers, BOX)
    return written


@pytest.mark.parametrize("path", METADATA)
def test_every_real_mtl_makes_the_item_it_describes(shared, tmp_path, path):
    source = shared / "data/products/landsat_metadata" / path
    text = source.read_text()
    (tmp_path / source.name).write_text(text)
    numbers = write_bands(tmp_path, text)
    item = open_scene(tmp_path)
    level_2, sensor = stated(text, "PRODUCT_CONTENTS", "PROCESSING_LEVEL").startswith("L2"), stated(text, "IMAGE_ATTRIBUTES", "SENSOR_ID")
    assert item.id == stated(text, "PRODUCT_CONTENTS", "LANDSAT_PRODUCT_ID")
    when = f"{stated(text, 'IMAGE_ATTRIBUTES', 'DATE_ACQUIRED')}T{stated(text, 'IMAGE_ATTRIBUTES', 'SCENE_CENTER_TIME')[:15]}+00:00"
    assert abs((scene.acquired(item) - datetime.fromisoformat(when)).total_seconds()) < 1e-5
    assert item.properties["platform"] == f"landsat-{source.name[3]}"
    assert item.properties["instruments"] == [sensor.lower()]
    elevation = float(stated(text, "IMAGE_ATTRIBUTES", "SUN_ELEVATION"))
    assert scene.sun(item) == (float(stated(text, "IMAGE_ATTRIBUTES", "SUN_AZIMUTH")) % 360, elevation)
    assert scene.calibration(item) == ("surface reflectance" if level_2 else "toa reflectance")
    assert scene.cloud_mask(item) == "QA_PIXEL"
    software = stated(text, "LEVEL2_PROCESSING_RECORD" if level_2 else "LEVEL1_PROCESSING_RECORD", "PROCESSING_SOFTWARE_VERSION")
    assert item.properties["camwatch:processing"] == f"Collection 2 {source.name.split('_')[1]} {software}"
    assert item.properties["processing:level"] == ("L2" if level_2 else "L1")
    rmse = stated(text, "LEVEL1_PROCESSING_RECORD", "GEOMETRIC_RMSE_MODEL")
    precise = stated(text, "LEVEL1_PROCESSING_RECORD", "PROCESSING_LEVEL") == "L1TP"
    assert (rmse is None) == (not precise)
    assert scene.position_error_m(item) == (float(rmse) if precise else 330 if sensor == "MSS" else 250)

    names = NAMES[sensor if sensor != "MSS" else f"MSS from {4 if source.name[3] in '123' else 1}"]
    group = "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS" if level_2 else "LEVEL1_RADIOMETRIC_RESCALING"
    quantized = group if level_2 else "LEVEL1_MIN_MAX_PIXEL_VALUE"
    sine = 1.0 if level_2 else math.sin(math.radians(elevation))
    bands = {band.name: band for band in scene.bands_of(item)}
    assert set(bands) == {names[n] for n in names if f"BAND_{n}" in numbers}
    image = load(item, BOX, bands=tuple(bands))
    for n, name in names.items():
        if name in bands:
            gain, bias = (float(stated(text, group, f"REFLECTANCE_{kind}_BAND_{n}")) / sine for kind in ("MULT", "ADD"))
            end = float(stated(text, quantized, f"QUANTIZE_CAL_MAX_BAND_{n}"))
            assert (bands[name].scale, bands[name].offset) == (pytest.approx(gain), pytest.approx(bias))
            assert (bands[name].nodata, bands[name].saturated, bands[name].number) == (0, end, n)
            assert np.abs(image.band(name) - (numbers[f"BAND_{n}"] * gain + bias)).max() < 3e-7
    for described in source.parent.glob(source.name.split("_MTL")[0] + "*_stac.json"):
        said = json.loads(described.read_text())["properties"]
        assert when.startswith(said["datetime"][:23].rstrip("Z"))
        azimuth, height, aside = (said.get(f"view:{key}", said.get(f"eo:{key}")) for key in ("sun_azimuth", "sun_elevation", "off_nadir"))
        assert scene.sun(item) == (pytest.approx(azimuth % 360), pytest.approx(height))
        assert item.properties["view:off_nadir"] == pytest.approx(aside, abs=0.002)  # the MTL has the roll to a thousandth
        assert said.get("platform", said.get("eo:platform")) == item.properties["platform"].upper().replace("-", "_")


REAL = {
    "landsat5_tm_LT52240631988227CUB02": "RADIOMETRIC_RESCALING",
    "landsat7_c2_rt_decimated": "LEVEL1_RADIOMETRIC_RESCALING",
    "landsat8_l2sp_decimated": "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS",
    "LE07_L1TP_092084_20110809_20161206_01_T1_RR.tar": "RADIOMETRIC_RESCALING",
}


@pytest.mark.parametrize("name", REAL)
def test_reflectance_of_real_pixels(shared, name):
    path, group = shared / "data/products" / name, REAL[name]
    if path.suffix == ".tar":
        with tarfile.open(path) as archive:
            text = archive.extractfile("LE07_L1TP_092084_20110809_20161206_01_T1_MTL.txt").read().decode()
        folder = f"/vsitar/{path}/"
    else:
        text, folder = next(path.glob("*_MTL.txt")).read_bytes().replace(b"\0", b"").decode(), f"{path}/"
    contents = "PRODUCT_CONTENTS" if "PRODUCT_CONTENTS" in text else "PRODUCT_METADATA"
    attributes = "IMAGE_ATTRIBUTES"
    sine = math.sin(math.radians(float(stated(text, attributes, "SUN_ELEVATION"))))
    unit = 1.0 if "LEVEL2" in group else 1 / sine
    quantity, esun = "REFLECTANCE", dict.fromkeys(range(9), 1.0)
    if stated(text, group, "REFLECTANCE_MULT_BAND_1") is None:
        # 14 August 1988: 1.01284 au by the almanac; irradiances of TM on Landsat 5 after Chander et al. 2009.
        quantity, esun = "RADIANCE", {1: 1983, 2: 1796, 3: 1536, 4: 1031, 5: 220.0, 7: 83.44}
        unit *= math.pi * 1.01284**2
    item = open_scene(path)
    for n, band in NAMES["OLI_TIRS" if "landsat8" in name else "ETM"].items():
        file = stated(text, contents, f"FILE_NAME_BAND_{n}")
        if file is None:
            continue
        with rasterio.open(folder + file) as dataset:
            dn = dataset.read(1).astype(np.float64)
        gain, bias = (float(stated(text, group, f"{quantity}_{kind}_BAND_{n}")) * unit / esun[n] for kind in ("MULT", "ADD"))
        image = load(item, scene.native_geobox(item, (band,)), bands=(band,))
        rounding = 2e-7 if quantity == "REFLECTANCE" else 3e-4  # the distance is a formula's
        assert (np.abs(image.band(band) - (gain * dn + bias)) <= rounding * (np.abs(gain * dn) + abs(bias))).all(), band
        assert not image.valid[dn == 0].any()


def test_gaps_of_a_real_slc_off_scene_are_no_data(shared):
    """DN 0 is never where the product's own gap mask says data; the few data inside the gaps are lines that USGS interpolated."""
    path = shared / "data/products/LE07_L1TP_092084_20110809_20161206_01_T1_RR.tar"
    item = open_scene(path)
    with tarfile.open(path) as archive:
        for n, band in NAMES["ETM"].items():
            packed = archive.extractfile(f"gap_mask/LE07_L1TP_092084_20110809_20161206_01_T1_GM_B{n}.TIF.gz").read()
            with MemoryFile(gzip.decompress(packed)) as memory, memory.open() as dataset:
                seen = dataset.read(1) == 1
            with rasterio.open(f"/vsitar/{path}/LE07_L1TP_092084_20110809_20161206_01_T1_B{n}.TIF") as dataset:
                dn = dataset.read(1)
            assert (dn[seen] != 0).all()
            assert (dn[~seen] != 0).mean() < 0.01
            assert not load(item, scene.native_geobox(item, (band,)), bands=(band,)).valid[dn == 0].any()


def test_collection_1_quality_and_saturation_of_a_real_scene(shared):
    path = shared / "data/products/LE07_L1TP_092084_20110809_20161206_01_T1_RR.tar"
    item, stem = open_scene(path), f"/vsitar/{path}/LE07_L1TP_092084_20110809_20161206_01_T1"
    planes = {}
    for part in ("BQA", "B1", "B5"):
        with rasterio.open(f"{stem}_{part}.TIF") as dataset:
            planes[part] = dataset.read(1)
    bqa = planes["BQA"]
    clear = (bqa & 0b10011 == 0) & (bqa >> 7 & 3 != 3) & (bqa >> 11 & 3 != 3)
    for part, band in (("B1", "blue"), ("B5", "swir16")):
        valid = load(item, scene.native_geobox(item), bands=(band,)).valid
        assert (valid == (clear & (planes[part] != 0) & (planes[part] != 255))).all()
    # BQA counts saturated bands without naming them: nine in ten of these pixels are 255 in band 1, next to none in band 5.
    saturated = (bqa >> 2 & 3) > 0
    assert saturated.sum() > 50
    assert (planes["B1"][saturated] == 255).mean() > 0.8
    assert (planes["B5"][saturated] == 255).mean() < 0.05


def write_product(
    folder: Path, *, names: dict[int, str], stem="LE07_L1TP_115032_20100710_20200908_02_T1", quality=(), pan_box=None, **said: str
) -> Path:
    """A Level 1 product: `names` are its bands, `quality` its quality files; `said` replaces what its MTL says. Band n holds 10·n everywhere."""
    groups: dict[str, dict[str, str]] = {
        "PRODUCT_CONTENTS": {"LANDSAT_PRODUCT_ID": stem, "PROCESSING_LEVEL": "L1TP", "COLLECTION_NUMBER": "02"},
        "IMAGE_ATTRIBUTES": {
            "SPACECRAFT_ID": "LANDSAT_7",
            "SENSOR_ID": "ETM",
            "DATE_ACQUIRED": "2010-07-10",
            "SCENE_CENTER_TIME": "02:04:05.5000000Z",
            "SUN_AZIMUTH": "135",
            "SUN_ELEVATION": "30",
        },
        "LEVEL1_PROCESSING_RECORD": {"GEOMETRIC_RMSE_MODEL": "4.5"},
        "LEVEL1_RADIOMETRIC_RESCALING": {},
        "LEVEL1_MIN_MAX_PIXEL_VALUE": {f"QUANTIZE_CAL_MAX_BAND_{n}": "255" for n in names},
    }
    for n, name in names.items():
        groups["PRODUCT_CONTENTS"][f"FILE_NAME_BAND_{n}"] = f"{stem}_B{n}.TIF"
        groups["LEVEL1_RADIOMETRIC_RESCALING"] |= {f"REFLECTANCE_MULT_BAND_{n}": "0.001", f"REFLECTANCE_ADD_BAND_{n}": "-0.01"}
        box = pan_box if name == "pan" and pan_box is not None else BOX
        write_raster(folder / f"{stem}_B{n}.TIF", np.full(box.shape, 10 * n, np.uint8), box)
    keys = {"QA_PIXEL": "QUALITY_L1_PIXEL", "QA_RADSAT": "QUALITY_L1_RADIOMETRIC_SATURATION", "BQA": "BAND_QUALITY"}
    for kind in quality:
        groups["PRODUCT_CONTENTS"][f"FILE_NAME_{keys[kind]}"] = f"{stem}_{kind}.TIF"
        write_raster(folder / f"{stem}_{kind}.TIF", np.zeros(BOX.shape, np.uint16), BOX)
    for key, value in said.items():
        home = next((group for group in groups.values() if key in group), groups["IMAGE_ATTRIBUTES"])
        if value:
            home[key] = value
        else:
            home.pop(key, None)
    body = "".join(
        f"GROUP = {g}\n" + "".join(f'    {k} = "{v}"\n' for k, v in entries.items()) + f"END_GROUP = {g}\n" for g, entries in groups.items()
    )
    (folder / f"{stem}_MTL.txt").write_text(f"GROUP = LANDSAT_METADATA_FILE\n{body}END_GROUP = LANDSAT_METADATA_FILE\nEND\n")
    return folder


def put(path: Path, value: int) -> None:
    """Set the first pixel."""
    with rasterio.open(path, "r+") as dataset:
        layer = dataset.read(1)
        layer[0, 0] = value
        dataset.write(layer, 1)


ETM, OLI = frozenset(NAMES["ETM"]), frozenset(NAMES["OLI_TIRS"])
RADSAT = {
    "ETM": {**{bit: {bit + 1} & ETM for bit in range(7)}, 7: set(), 8: set(), 9: ETM, 11: ETM},
    "OLI": {**{bit: {bit + 1} for bit in range(7)}, 7: set(), 8: set(), 11: OLI},
}
"""Sensor → bit of QA_RADSAT → numbers of the bands that it takes out: bit 5 of ETM+ is its thermal band, the panchromatic band has none."""


@pytest.mark.parametrize("sensor", RADSAT)
def test_each_radsat_bit_takes_out_its_own_band(tmp_path, sensor):
    names = NAMES["OLI_TIRS" if sensor == "OLI" else sensor]
    craft = {"SPACECRAFT_ID": "LANDSAT_8", "SENSOR_ID": "OLI_TIRS"} if sensor == "OLI" else {}
    item = open_scene(write_product(tmp_path, names=names, quality=("QA_PIXEL", "QA_RADSAT"), **craft))
    for bit, lost in RADSAT[sensor].items():
        put(next(tmp_path.glob("*_QA_RADSAT.TIF")), 1 << bit)
        valid = {n: load(item, BOX, bands=(name,)).valid for n, name in names.items()}
        assert {n for n in names if not valid[n][0, 0]} == lost, bit
        assert all(plane.sum() >= 29 for plane in valid.values())


def test_a_saturated_band_takes_out_itself_only(tmp_path):
    pan = GeoBox((10, 12), BOX.affine * Affine.scale(0.5), BOX.crs)
    item = open_scene(write_product(tmp_path, names=NAMES["ETM"], quality=("BQA",), pan_box=pan, COLLECTION_NUMBER="01"))
    put(next(tmp_path.glob("*_B3.TIF")), 255)
    put(next(tmp_path.glob("*_B8.TIF")), 255)
    put(next(tmp_path.glob("*_BQA.TIF")), 0b01 << 2)
    assert not load(item, BOX, bands=("red",)).valid[0, 0]
    assert load(item, BOX, bands=("nir",)).valid.all()
    assert load(item, BOX).valid.sum() == 29
    sharp = load(item, pan, bands=("pan",))
    assert sharp.valid.sum() == 119
    assert scene.gsd_m(item, ("pan",)) == 15
    assert scene.gsd_m(item) == 30
    assert scene.default_bands(item) == ("blue", "green", "red", "nir", "swir16", "swir22")
    assert sharp.band("pan")[1, 1] == pytest.approx((0.001 * 80 - 0.01) / 0.5, abs=1e-7)
    assert scene.cloud_mask(item) == "BQA"


OLD_MTL = """GROUP = L1_METADATA_FILE
  GROUP = METADATA_FILE_INFO
    ORIGIN = "Image courtesy of the U.S. Geological Survey"
    PRODUCT_CREATION_TIME = 2011-10-25T05:14:51Z
  END_GROUP = METADATA_FILE_INFO
  GROUP = PRODUCT_METADATA
    PRODUCT_TYPE = "{level}"
    PROCESSING_SOFTWARE = "LPGS_11.4.0"
    SPACECRAFT_ID = "{craft}"
    SENSOR_ID = "{sensor}"
    ACQUISITION_DATE = 2010-03-15
    SCENE_CENTER_SCAN_TIME = 23:55:11.6634891Z
{files}  END_GROUP = PRODUCT_METADATA
  GROUP = MIN_MAX_RADIANCE
    LMAX_BAND3 = 152.900
    LMIN_BAND3 = -5.000
    LMAX_BAND8 = 243.100
    LMIN_BAND8 = -4.700
  END_GROUP = MIN_MAX_RADIANCE
  GROUP = MIN_MAX_PIXEL_VALUE
    QCALMAX_BAND3 = 255.0
    QCALMIN_BAND3 = 1.0
    QCALMAX_BAND8 = 255.0
    QCALMIN_BAND8 = 1.0
  END_GROUP = MIN_MAX_PIXEL_VALUE
  GROUP = PRODUCT_PARAMETERS
    SUN_AZIMUTH = 53.7730377
    SUN_ELEVATION = 41.5610274
    OUTPUT_FORMAT = "GEOTIFF"
  END_GROUP = PRODUCT_PARAMETERS
END_GROUP = L1_METADATA_FILE
END
"""


OLD = {
    "landsat-7 etm": ("Landsat7", "ETM+", "L1T", {3: "L71092085_08520100315_B30.TIF", 8: "L72092085_08520100315_B80.TIF"}, {3: 1533, 8: 1362}),
    "landsat-5 tm": ("Landsat5", "TM", "L1G", {3: "L5092085_08520100315_B30.TIF"}, {3: 1536}),
}


@pytest.mark.parametrize("case", OLD)
def test_metadata_from_before_august_2012(tmp_path, case):
    craft, sensor, level, files, esun = OLD[case]
    named = "".join(f'    BAND{n}_FILE_NAME = "{name}"\n' for n, name in files.items())
    stem = files[3].rsplit("_", 1)[0]
    (tmp_path / f"{stem}_MTL.txt").write_text(OLD_MTL.format(craft=craft, sensor=sensor, level=level, files=named))
    for n, name in files.items():
        write_raster(tmp_path / name, np.full(BOX.shape, 20 * n, np.uint8), BOX)
    catalogue = scan(tmp_path)
    assert catalogue.unreadable == ()
    (item,) = catalogue.items
    assert item.id == stem
    assert scene.acquired(item) == datetime(2010, 3, 15, 23, 55, 11, 663489, UTC)
    assert f"{item.properties['platform']} {item.properties['instruments'][0]}" == case
    assert scene.sun(item) == (53.7730377, 41.5610274)
    assert item.properties["camwatch:processing"] == f"pre-collection {level} LPGS_11.4.0"
    assert scene.position_error_m(item) == (250 if level == "L1G" else 0)
    for n, (low, high) in {3: (-5.0, 152.9), 8: (-4.7, 243.1)}.items():
        if n in files:
            name = NAMES["ETM"][n]
            radiance = low + (high - low) / 254 * (20 * n - 1)
            # 15 March: 0.99463 au by the almanac.
            expected = math.pi * radiance * 0.99463**2 / (esun[n] * math.sin(math.radians(41.5610274)))
            assert load(item, BOX, bands=(name,)).band(name)[0, 0] == pytest.approx(expected, rel=4e-4)


@pytest.mark.parametrize(
    ("craft", "numbers", "expected"),
    [
        ("LANDSAT_1", (4, 5, 6, 7), ("green", "red", "nir08", "nir")),
        ("LANDSAT_3", (4, 5), ("green", "red")),
        ("LANDSAT_4", (1, 2, 3, 4), ("green", "red", "nir08", "nir")),
        ("LANDSAT_5", (4, 5, 6, 7), ("green", "red", "nir08", "nir")),
    ],
)
def test_mss_bands_by_either_numbering(tmp_path, craft, numbers, expected):
    item = open_scene(write_product(tmp_path, names=dict.fromkeys(numbers, "mss"), SPACECRAFT_ID=craft, SENSOR_ID="MSS"))
    assert scene.band_names(item) == expected
    assert {band.name: band.number for band in scene.bands_of(item)} == dict(zip(expected, numbers, strict=True))


@pytest.mark.parametrize(
    ("sensor", "craft", "level", "expected"), [("OLI", "LANDSAT_8", "L1GT", 43), ("ETM", "LANDSAT_7", "L1GS", 250), ("ETM", "LANDSAT_7", "L1TP", 0)]
)
def test_position_without_control_points(tmp_path, sensor, craft, level, expected):
    record = {"GEOMETRIC_RMSE_MODEL": "", "SENSOR_ID": sensor, "SPACECRAFT_ID": craft, "PROCESSING_LEVEL": level, "DATA_TYPE": level}
    folder = write_product(tmp_path, names={2: "x", 3: "x"}, **record)
    mtl = next(folder.glob("*_MTL.txt"))
    mtl.write_text(
        mtl.read_text().replace("GROUP = LEVEL1_PROCESSING_RECORD\n", f"GROUP = LEVEL1_PROCESSING_RECORD\n    PROCESSING_LEVEL = {level}\n", 1)
    )
    assert scene.position_error_m(open_scene(folder)) == expected


def test_archives_are_read_where_they_lie(tmp_path):
    product = write_product(tmp_path / "product", names=NAMES["ETM"], quality=("QA_PIXEL", "QA_RADSAT"))
    expected = load(open_scene(product), BOX)
    for name, mode in (("product.tar", "w"), ("product.tar.gz", "w:gz")):
        with tarfile.open(tmp_path / name, mode) as archive:
            for path in sorted(product.iterdir()):
                archive.add(path, arcname=path.name)
        item = open_scene(tmp_path / name)
        assert item.id == "LE07_L1TP_115032_20100710_20200908_02_T1"
        assert scene.files_of(item) == (tmp_path / name,)
        image = load(item, BOX)
        assert (image.values == expected.values).all()
        assert (image.valid == expected.valid).all()


def test_copies_of_a_product_keep_their_own_files(tmp_path):
    for folder in ("a", "a/b"):
        write_product(tmp_path / folder, names={3: "red"})
    items = scan(tmp_path).items
    assert sorted({path.parent for path in scene.files_of(item)}.pop() for item in items) == [tmp_path / "a", tmp_path / "a" / "b"]
    assert all(len({path.parent for path in scene.files_of(item)}) == 1 for item in items)


def test_night_keeps_its_digital_numbers(tmp_path):
    item = open_scene(write_product(tmp_path, names={3: "red"}, SUN_ELEVATION="-20.5"))
    assert scene.calibration(item) == "dn"
    assert scene.sun(item) == (135, -20.5)
    assert load(item, BOX).values[0, 0, 0] == 30


def test_a_date_without_a_time_says_so(tmp_path):
    item = open_scene(write_product(tmp_path, names={3: "red"}, SCENE_CENTER_TIME=""))
    assert scene.acquired(item) == datetime(2010, 7, 10, tzinfo=UTC)
    assert item.properties["camwatch:date_source"] == "MTL DATE_ACQUIRED"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"SENSOR_ID": "TIRS", "SPACECRAFT_ID": "LANDSAT_8"}, "without reflective bands"),
        ({"SENSOR_ID": "RBV", "SPACECRAFT_ID": "LANDSAT_3"}, "without reflective bands"),
        ({"REFLECTANCE_MULT_BAND_3": ""}, "no coefficients for band 3"),
        ({"REFLECTANCE_MULT_BAND_3": "nan"}, "REFLECTANCE_MULT_BAND_3 is no number"),
        ({"SUN_ELEVATION": "1e999"}, "SUN_ELEVATION is no number"),
        ({"SUN_ELEVATION": "390"}, "impossible sun elevation"),
        ({"DATE_ACQUIRED": "2010-13-10"}, "no usable date"),
        ({"DATE_ACQUIRED": ""}, "lacks a key"),
        ({"SPACECRAFT_ID": ""}, "lacks a key"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(tmp_path, said, message):
    folder = write_product(tmp_path, names={3: "red", 4: "nir"}, **said)
    with pytest.raises(SceneError, match=message) as caught:
        open_scene(folder)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)
