"""Maxar deliveries and other vendors' images: dates, angles, bands and places against their metadata, read by eye or written here."""

import json
import math
import shutil
import zipfile
from datetime import UTC, datetime

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from camwatch.errors import SceneError
from camwatch.imagery.load import load
from camwatch.rasters import write_raster
from camwatch.scenes import item as scene
from camwatch.scenes import open_scene, scan
from camwatch.scenes.access.pairs import parse_pairs
from camwatch.scenes.bands import common_name
from camwatch.scenes.dates import from_name, from_tags, parse_time

pytestmark = [
    pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning"),  # affine 3 about odc-geo's own arithmetic
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),  # about pixels that the metadata places, not the raster
]

HEADERS = "data/products/vendor_headers/gcore/data"
RGB = ("blue", "green", "red")
REAL = {
    # file a user would name: family, time, key of the time, platform, instrument, GSD where the metadata states one
    "md_dg.IMD": ("maxar", "2010-04-01T12:00:00", "firstLineTime", "worldview-3", None, 1.301),
    "md_dg_2.XML": ("maxar", "2011-05-01T13:00:00", "firstLineTime", "worldview-3", None, 1.301),
    "md_ge_metadata.txt": ("geoeye", "2012-06-01T14:00:00", "Acquisition Date/Time", "ikonos-2", None, 1.0),
    "md_ov.pvl": ("orbview", "2013-07-01T15:00:00", "firstLineAcquisitionDateTime", "ov-3", "pan", (1.137198 + 1.107625) / 2),
    "md_eros.pass": ("eros", "2013-04-01T11:00:00", "sweep_start_utc", "eros-b1", "na50", None),
    "md_kompsat.txt": ("kompsat", "2007-05-01T07:00:00", "AUX_STRIP_ACQ_DATE_UT and AUX_STRIP_ACQ_START_UT", "kompsat2", "msc", None),
    # 19:00 in Moscow
    "md_rdk1.xml": ("resurs", "2014-08-01T16:00:00", "dSceneDate and tSceneTime", "rdk1", "geoton", None),
    "alos/summary.txt": ("alos", "2010-07-01T00:00:00", "Lbi_ObservationDate", "alos", "avnir-2", None),
    "md_re_metadata.xml": ("planet", "2010-02-01T12:00:00", "acquisitionDateTime", "re-0", None, None),
}
IMAGES = {"md_ge_metadata.txt": "md_ge_rgb_0010000.tif", "alos/summary.txt": "alos/IMG-md_alos.tif", "md_re_metadata.xml": "md_re.tif"}


@pytest.mark.parametrize("name", REAL)
def test_real_headers_say_what_they_state_and_nothing_else(shared, name):
    family, when, key, platform, instrument, gsd = REAL[name]
    image = IMAGES.get(name, name.rsplit(".", 1)[0] + ".tif")
    for path in (shared / HEADERS / name, shared / HEADERS / image):
        item = open_scene(path)
        said = item.properties
        assert (said["camwatch:family"], said["platform"], said.get("instruments")) == (family, platform, instrument and [instrument])
        assert f"{scene.acquired(item):%Y-%m-%dT%H:%M:%S}" == when
        assert said["camwatch:date_source"] == f"metadata {key}"
        assert scene.sun(item) is None
        assert not {"view:off_nadir", "view:incidence_angle", "accuracy:geometric_rmse"} & set(said)
        assert said["gsd"] == pytest.approx(gsd if gsd is not None else 365.67, abs=0.005)
        assert (scene.band_names(item), scene.calibration(item), scene.cloud_mask(item)) == (RGB, "dn", "none")
        assert {part.name for part in scene.files_of(item)} == {path.name for path in (shared / HEADERS / name, shared / HEADERS / image)}


def test_a_folder_full_of_vendors_is_scanned_once_each(shared):
    catalogue = scan(shared / HEADERS)
    found = sorted(
        item.properties["camwatch:family"] for item in catalogue.items if item.properties["camwatch:family"] in {v[0] for v in REAL.values()}
    )
    assert found == sorted(value[0] for value in REAL.values())


# ---------------------------------------------------------------- Maxar

MS = GeoBox((16, 24), Affine(2, 0, 560_000, 0, -2, 4_650_000), "EPSG:32652")
PAN = GeoBox((64, 96), Affine(0.5, 0, 560_000, 0, -0.5, 4_650_000), "EPSG:32652")
COUNTS = np.arange(1, 385, dtype=np.uint16).reshape(16, 24)
GROUPS = ("C", "B", "G", "Y", "R", "RE", "N", "N2")
NAMES = ("coastal", "blue", "green", "yellow", "red", "rededge", "nir", "nir09")
ORDER_PART = "052298844010_01_P001"


def imd(groups=GROUPS, *, band_id="Multi", corners=None, shape=(16, 24), when="2009-12-10T10:30:19.123456Z", **more):
    head = {
        "productOrderId": ORDER_PART,
        "bandId": band_id,
        "panSharpenAlgorithm": "None",
        "numRows": shape[0],
        "numColumns": shape[1],
        "productLevel": "LV2A",
        "radiometricLevel": "Corrected",
        "radiometricEnhancement": "Off",
        "bitsPerPixel": 16,
    } | more
    image = {
        "satId": "WV02",
        "CatId": "103001000283C500",
        "firstLineTime": when,
        "meanSunAz": 165.2,
        "meanSunEl": 25.5,
        "meanOffNadirViewAngle": 12.4,
        "meanCollectedGSD": 1.93,
        "cloudCover": -999.0,
    }
    text = lines(head)
    for n, group in enumerate(groups, 1):
        factors = {"absCalFactor": 0.01 * n, "effectiveBandwidth": 0.05 + 0.001 * n}
        text += f"BEGIN_GROUP = BAND_{group}\n{lines({**(corners or {}), **factors})}END_GROUP = BAND_{group}\n"
    mapped = {"earliestAcqTime": "2015-01-01T00:00:00Z"}
    for name, inside in (("IMAGE_1", image), ("MAP_PROJECTED_PRODUCT", mapped)):
        text += f"BEGIN_GROUP = {name}\n{lines(inside)}END_GROUP = {name}\n"
    return text + "END;\n"


def lines(values):
    """Times stand without quotation marks in these files, other texts with them."""
    return "".join(f"\t{key} = {json.dumps(v) if isinstance(v, str) and not key.endswith('Time') else v};\n" for key, v in values.items())


def til(names, rows):
    tiles = "".join(
        f"BEGIN_GROUP = TILE_{n}\n{lines({'filename': name, 'ULColOffset': 0, 'ULRowOffset': row})}END_GROUP = TILE_{n}\n"
        for n, (name, row) in enumerate(zip(names, rows, strict=True), 1)
    )
    return f'bandId = "Multi";\nnumTiles = {len(names)};\n{tiles}END;\n'


def write_bundle(folder):
    """Multispectral in two tiles with its .TIL, panchromatic in one image, a second apart, as ordered together."""
    mul, pan = folder / f"{ORDER_PART}_MUL", folder / f"{ORDER_PART}_PAN"
    stem = f"09DEC10103019-M2AS-{ORDER_PART}"
    values = np.stack([COUNTS + 1000 * n for n in range(8)])
    tiles = [f"{stem.replace('-M2AS', f'-M2AS_R{n}C1')}.TIF" for n in (1, 2)]
    for tile, rows in zip(tiles, (slice(0, 10), slice(10, 16)), strict=True):
        write_raster(mul / tile, values[:, rows], MS[rows, :])
    (mul / f"{stem}.IMD").write_text(imd())
    (mul / f"{stem}.TIL").write_text(til(tiles, (0, 10)))
    stem = f"09DEC10103018-P2AS-{ORDER_PART}"
    write_raster(pan / f"{stem}.TIF", np.full(PAN.shape, 500, np.uint16), PAN)
    (pan / f"{stem}.IMD").write_text(imd(("P",), band_id="P", when="2009-12-10T10:30:18.5Z", shape=PAN.shape))
    return folder


def test_multispectral_tiles_and_pan_of_one_acquisition_are_one_item(tmp_path):
    item = open_scene(write_bundle(tmp_path))
    assert scene.band_names(item) == ("pan", *NAMES)
    assert scene.default_bands(item) == NAMES
    assert scene.acquired(item) == datetime(2009, 12, 10, 10, 30, 19, 123456, tzinfo=UTC)
    said = item.properties
    assert (scene.sun(item), said["view:off_nadir"], said["gsd"], said["platform"]) == ((165.2, 25.5), 12.4, 1.93, "worldview-2")
    assert said["maxar:catalog_id"] == "103001000283C500"
    assert len(scan(tmp_path).items) == 1
    assert {path.suffix for path in scene.files_of(item)} == {".TIF", ".IMD", ".TIL"}


def test_tiles_are_one_picture_in_reflectance(tmp_path):
    """ρ = π·d²·(GAIN·DN·absCalFactor/effectiveBandwidth + OFFSET) / (ESUN·sin el), the figures of WorldView-2's red band (fifth of eight)."""
    image = load(open_scene(write_bundle(tmp_path)), MS, bands=("red",))
    distance = 1 - 0.01672 * math.cos(math.radians(0.9856 * (344 - 4)))
    radiance = 0.955 * (COUNTS.astype(float) + 4000) * 0.05 / 0.055 - 5.046
    expected = math.pi * distance**2 * radiance / (1538.85 * math.sin(math.radians(25.5)))
    assert image.calibration == "toa reflectance"
    assert image.valid.all()
    np.testing.assert_allclose(image.values[0], expected, rtol=1e-3)


def test_one_image_of_a_bundle_named_alone_is_that_image(tmp_path):
    write_bundle(tmp_path)
    item = open_scene(next(tmp_path.glob("*_PAN/*.TIF")))
    assert scene.band_names(item) == ("pan",)
    assert scene.band_names(open_scene(next(tmp_path.glob("*_MUL/*R1C1*.TIF")))) == NAMES


def test_a_bundle_in_a_zip(tmp_path):
    write_bundle(tmp_path / "order")
    with zipfile.ZipFile(tmp_path / "order.zip", "w") as archive:
        for path in sorted((tmp_path / "order").rglob("*.*")):
            archive.write(path, path.relative_to(tmp_path))
    item = open_scene(tmp_path / "order.zip")
    assert scene.band_names(item) == ("pan", *NAMES)
    assert load(item, MS, bands=("blue",)).valid.all()


@pytest.mark.parametrize(
    ("band_id", "groups", "names", "more"),
    [
        ("Multi", ("B", "G", "R", "N"), ("blue", "green", "red", "nir"), {}),
        ("Multi", ("N", "R", "G", "B"), ("nir", "red", "green", "blue"), {}),
        ("BGRN", (), ("blue", "green", "red", "nir"), {"panSharpenAlgorithm": "UNB"}),
        ("RGB", ("B", "G", "R"), ("red", "green", "blue"), {"panSharpenAlgorithm": "UNB"}),
        ("NRG", (), ("nir", "red", "green"), {}),
        ("Multi", (), NAMES, {}),
        ("MS1", (), ("b1", "b2", "b3", "b4"), {}),
        ("P", (), ("pan",), {}),
    ],
)
def test_bands_in_the_order_that_the_metadata_tells(tmp_path, band_id, groups, names, more):
    """The file itself always claims red, green, blue first."""
    count = len(names)
    profile = {"driver": "GTiff", "height": 16, "width": 24, "dtype": "uint16", "crs": "EPSG:32652", "transform": MS.affine}
    colours = {"photometric": "RGB", "alpha": "NO"} if count >= 3 else {}
    with rasterio.open(tmp_path / "x.tif", "w", count=count, **colours, **profile) as dataset:
        dataset.write(np.stack([COUNTS] * count))
    (tmp_path / "x.IMD").write_text(imd(groups, band_id=band_id, **more))
    item = open_scene(tmp_path / "x.tif")
    assert {band.index: band.name for band in scene.bands_of(item)} == dict(enumerate(names, 1))
    calibrated = bool(groups) and not more
    assert scene.calibration(item) == ("toa reflectance" if calibrated else "dn")


def test_a_sharpened_image_and_the_counts_of_one_order_stay_apart(tmp_path):
    write_bundle(tmp_path)
    sharp = tmp_path / f"{ORDER_PART}_PAN"
    write_raster(sharp / "s.TIF", np.stack([COUNTS] * 4), MS)
    (sharp / "s.IMD").write_text(imd(("B", "G", "R", "N"), band_id="BGRN", panSharpenAlgorithm="UNB"))
    items = scan(tmp_path).items
    assert sorted(scene.calibration(item) for item in items) == ["dn", "toa reflectance"]


def test_two_deliveries_of_one_order_part_are_not_mixed(tmp_path):
    write_bundle(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert len(scan(tmp_path).items) == 2


def corners_of(box):
    """Longitude and latitude of the outer corners, as the band groups state them."""
    rows, cols = box.shape
    to_degrees = Transformer.from_crs(str(box.crs), "EPSG:4326", always_xy=True)
    places = {}
    for corner, pixel in {"UL": (0, 0), "UR": (cols, 0), "LR": (cols, rows), "LL": (0, rows)}.items():
        places[f"{corner}Lon"], places[f"{corner}Lat"] = to_degrees.transform(*(box.affine * pixel))
    return places


TURNED = GeoBox((160, 240), Affine(1.9, 0.3, 560_000, 0.28, -2.0, 4_650_000), "EPSG:32652")


def write_unplaced(path, values):
    count, height, width = values.shape
    with rasterio.open(path, "w", driver="GTiff", height=height, width=width, count=count, dtype=values.dtype) as dataset:
        dataset.write(values)


def test_an_image_without_projection_lies_where_its_corners_say(tmp_path):
    values = np.arange(160 * 240, dtype=np.uint16).reshape(1, 160, 240) + 1
    for n, row in enumerate((0, 100), 1):
        write_unplaced(tmp_path / f"x_R{n}C1.tif", values[:, row : row + (100 if n == 1 else 60)])
    (tmp_path / "x.IMD").write_text(imd(("P",), band_id="P", shape=(160, 240), corners=corners_of(TURNED), productLevel="LV1B"))
    (tmp_path / "x.TIL").write_text(til(["x_R1C1.tif", "x_R2C1.tif"], (0, 100)))
    item = open_scene(tmp_path)
    box = scene.native_geobox(item)
    assert box.shape == (160, 240)
    for pixel in ((0, 0), (240, 0), (120.5, 80.5), (240, 160)):
        assert box.affine * pixel == pytest.approx(TURNED.affine * pixel, abs=0.02)
    assert scene.position_error_m(item) == pytest.approx(5.3 / 1.517, abs=0.05)
    np.testing.assert_array_equal(load(item, box).valid, np.ones((160, 240), bool))


def test_an_image_that_nothing_places_is_refused_in_one_line(tmp_path):
    write_unplaced(tmp_path / "x.tif", np.ones((1, 16, 24), np.uint16))
    (tmp_path / "x.IMD").write_text(imd(("P",), band_id="P", productLevel="LV1B"))
    with pytest.raises(SceneError, match=r"no georeference; .*georeference it first"):
        open_scene(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.IMD", "version = 1;\n", "states no time of acquisition; expected firstLineTime"),
        ("x.XML", "<isd><IMD></isd>", "XML cannot be parsed"),
        ("x.XML", '<!DOCTYPE a [<!ENTITY b "c">]><isd>&b;</isd>', "declares entities"),
    ],
)
def test_damaged_metadata_ends_in_one_line(tmp_path, name, text, message):
    write_raster(tmp_path / "x.tif", COUNTS, MS)
    (tmp_path / name).write_text(text)
    entry = scan(tmp_path).unreadable[0]
    assert message in entry.reason
    assert "\n" not in entry.reason


def test_metadata_without_images_is_named_as_such(tmp_path):
    (tmp_path / "x.IMD").write_text(imd())
    assert "metadata without pixels" in scan(tmp_path).unreadable[0].reason


@pytest.mark.parametrize(("dtype", "seen"), [(np.uint16, False), (np.uint8, True)])
def test_zero_is_fill_in_counts_and_black_in_pictures(tmp_path, dtype, seen):
    values = np.ones((16, 24), dtype)
    values[3, 4] = 0
    write_raster(tmp_path / "x.tif", values, MS)
    (tmp_path / "x.IMD").write_text(imd(("P",), band_id="P"))
    valid = load(open_scene(tmp_path / "x.tif"), MS).valid
    assert valid[3, 4] == seen
    assert valid.sum() == 383 + seen


def test_nitf_is_named_as_the_reason(tmp_path):
    (tmp_path / "x.IMD").write_text(imd())
    (tmp_path / "x.NTF").write_bytes(b"NITF02.10")
    assert "NITF is no format that is read here" in scan(tmp_path).unreadable[0].reason


def test_what_maxar_does_not_know_is_absent(tmp_path):
    write_raster(tmp_path / "x.tif", COUNTS, MS)
    text = imd(("P",), band_id="P").replace("165.2", "-999.0").replace("12.4", "-999.0").replace("1.93", "-999.0")
    (tmp_path / "x.IMD").write_text(text)
    item = open_scene(tmp_path / "x.tif")
    assert (scene.sun(item), item.properties.get("view:off_nadir"), item.properties["gsd"]) == (None, None, 2)
    assert scene.calibration(item) == "toa reflectance"  # only the elevation counts for that


def test_strips_of_several_moments_say_so(tmp_path):
    write_raster(tmp_path / "x.tif", COUNTS, MS)
    second = "BEGIN_GROUP = IMAGE_2\n\tfirstLineTime = 2009-12-10T10:30:40.5Z;\nEND_GROUP = IMAGE_2\nEND;\n"
    (tmp_path / "x.IMD").write_text(imd(("P",), band_id="P").replace("END;\n", second))
    item = open_scene(tmp_path / "x.tif")
    assert scene.acquired(item).second == 19
    assert item.properties["start_datetime"] == "2009-12-10T10:30:19.123456Z"
    assert item.properties["end_datetime"] == "2009-12-10T10:30:40.500000Z"


def test_metadata_wins_over_the_file_name(tmp_path):
    write_raster(tmp_path / "20200101_GE01.tif", COUNTS, MS, tags={"TIFFTAG_DATETIME": "2021:01:01 00:00:00"})
    (tmp_path / "20200101_GE01.IMD").write_text(imd(("P",), band_id="P"))
    item = open_scene(tmp_path / "20200101_GE01.tif")
    assert (scene.acquired(item).year, item.properties["platform"]) == (2009, "worldview-2")
    with pytest.raises(SceneError, match="contradicts"):
        open_scene(tmp_path / "20200101_GE01.tif", date="2020-01-01")


# ---------------------------------------------------------------- others

BAND_META = """OTSProductID= RAF16MAY2025043798010000060SSANSTUC00GTDC
SatID= IRS-R2A
Sensor= L4FX
DateOfPass= 16-MAY-2025
GenerationDateTime= 18-MAY-2025 01:44:22
NoOfBands= 3
BandNumbers= 234
OutputResolutionAlong=   5.00
OutputResolutionAcross=   5.00
SceneCenterTime= 16-MAY-2025 05:12:05.800191
SunAziumthAtCenter= 82.426782
SunElevationAtCenter= 68.777133
IncidenceAngle= 0.765154
Tiltangle= -0.72966
"""


def test_indian_products_one_file_a_band(tmp_path):
    for number in (2, 3, 4):
        values = COUNTS + number
        values[0] = 0
        write_raster(tmp_path / f"BAND{number}.tif", values, MS)
    (tmp_path / "BAND_META.txt").write_text(BAND_META)
    item = open_scene(tmp_path)
    said = item.properties
    assert (item.id, said["camwatch:family"], said["platform"]) == ("RAF16MAY2025043798010000060SSANSTUC00GTDC", "isro", "irs-r2a")
    assert scene.acquired(item) == datetime(2025, 5, 16, 5, 12, 5, 800191, tzinfo=UTC)
    assert (scene.sun(item), said["view:off_nadir"], said["view:incidence_angle"], said["gsd"]) == ((82.426782, 68.777133), 0.72966, 0.765154, 5.0)
    assert {band.name: band.href.rsplit("/", 1)[1] for band in scene.bands_of(item)} == {"green": "BAND2.tif", "red": "BAND3.tif", "nir": "BAND4.tif"}
    assert load(item, MS).valid.all(axis=1).tolist() == [False] + [True] * 15
    assert scene.band_names(open_scene(tmp_path / "BAND3.tif")) == ("green", "red", "nir")


def test_two_texts_about_the_same_bands_are_one_product(tmp_path):
    write_raster(tmp_path / "BAND.tif", COUNTS, MS)
    for name in ("BAND_META.txt", "PRODUCT_META.txt"):
        (tmp_path / name).write_text(BAND_META)
    assert len(scan(tmp_path).items) == 1


def test_a_cartosat_pan_image_and_the_right_spelling_of_azimuth(tmp_path):
    write_raster(tmp_path / "BANDA.tif", COUNTS, MS, nodata=0)
    text = BAND_META.replace("IRS-R2A", "CARTOSAT-1").replace("SunAziumthAtCenter", "SunAzimuthAtCenter").replace("SceneCenterTime", "X")
    (tmp_path / "BAND_META.txt").write_text(text)
    item = open_scene(tmp_path)
    assert (scene.band_names(item), scene.sun(item), item.properties["platform"]) == (("pan",), (82.426782, 68.777133), "cartosat-1")
    assert scene.acquired(item) == datetime(2025, 5, 16, tzinfo=UTC)
    assert item.properties["camwatch:date_source"] == "metadata DateOfPass"


GEOEYE = """=====
Product Order Metadata

Sensor Name: IKONOS-2
=====
Source Image Metadata

Source Image ID: 1
Product Image ID: 000
Sensor: IKONOS-2
   Pan Cross Scan: 0.93 meters
Nominal Collection Elevation: 77.5 degrees
Sun Angle Azimuth: 157.25 degrees
Sun Angle Elevation: 40.5 degrees
Acquisition Date/Time: 2002-06-01 02:10 GMT
-----
Source Image ID: 2
Product Image ID: 001
Sensor: IKONOS-2
Nominal Collection Elevation: 60.0 degrees
Sun Angle Azimuth: 150.0 degrees
Sun Angle Elevation: 41.5 degrees
Acquisition Date/Time: 2002-06-12 02:20 GMT
=====
Product Component Metadata

Component ID: 0000000
Product Image ID: 000
-----
Component ID: 0010000
Product Image ID: 001
=====
"""


def test_a_geoeye_delivery_of_two_source_images_is_two_items(tmp_path):
    for component in ("0000000", "0010000"):
        for token in ("pan", "red", "nir"):
            write_raster(tmp_path / f"po_12_{token}_{component}.tif", COUNTS, PAN[:16, :24] if token == "pan" else MS)
    (tmp_path / "po_12_metadata.txt").write_text(GEOEYE)
    first, second = scan(tmp_path).items
    assert [f"{scene.acquired(item):%Y-%m-%d %H:%M}" for item in (first, second)] == ["2002-06-01 02:10", "2002-06-12 02:20"]
    assert (scene.sun(first), scene.sun(second)) == ((157.25, 40.5), (150.0, 41.5))
    assert (first.properties["view:incidence_angle"], second.properties["view:incidence_angle"]) == (12.5, 30)
    assert scene.band_names(first) == ("pan", "red", "nir")
    assert all("0010000" in band.href for band in scene.bands_of(second))
    with pytest.raises(SceneError, match="holds 2 scenes"):
        open_scene(tmp_path)
    for name in ("po_12_red_0010000.tif", "po_12_metadata.txt#001"):
        assert open_scene(tmp_path / name).id == second.id


RESURS = """<MSP_ROOT>
cCodeKA = "RDK1"
<Geographic>
aNWLat = {UL[1]}
aNWLong = {UL[0]}
aNELat = {UR[1]}
aNELong = {UR[0]}
aSELat = {LR[1]}
aSELong = {LR[0]}
aSWLat = {LL[1]}
aSWLong = {LL[0]}
</Geographic>
<Normal>
dSceneDate = 1/8/2014
tSceneTime = 19:00:00
</Normal>
</MSP_ROOT>"""
KOMPSAT = """AUX_SATELLITE_NAME\tKOMPSAT2
AUX_STRIP_ACQ_DATE_UT\t20140801
AUX_STRIP_ACQ_START_UT\t160000.0
AUX_IMAGE_TL_LATLONG_DEG\t  {UL[1]} {UL[0]}
AUX_IMAGE_TR_LATLONG_DEG\t  {UR[1]} {UR[0]}
AUX_IMAGE_BL_LATLONG_DEG\t  {LL[1]} {LL[0]}
AUX_IMAGE_BR_LATLONG_DEG\t  {LR[1]} {LR[0]}
"""


@pytest.mark.parametrize(("name", "text"), [("x.xml", RESURS), ("x.txt", KOMPSAT)])
def test_images_of_other_vendors_lie_where_their_corners_say(tmp_path, name, text):
    def written(degrees):
        if name == "x.txt":
            return f"{degrees:.9f}"
        minutes, seconds = divmod(degrees * 3600, 60)
        return f"{int(minutes // 60)}:{int(minutes % 60)}:{seconds:.6f}"

    corners = {key: written(value) for key, value in corners_of(TURNED).items()}
    places = {corner: (corners[f"{corner}Lon"], corners[f"{corner}Lat"]) for corner in ("UL", "UR", "LR", "LL")}
    write_unplaced(tmp_path / "x.tif", np.ones((1, 160, 240), np.uint8))
    (tmp_path / name).write_text(text.format(**places))
    item = open_scene(tmp_path / "x.tif")
    assert scene.acquired(item) == datetime(2014, 8, 1, 16, tzinfo=UTC)
    box = scene.native_geobox(item)
    for pixel in ((0, 0), (240, 0), (120, 80)):
        assert box.affine * pixel == pytest.approx(TURNED.affine * pixel, abs=0.05)


def test_a_text_of_nobody_beside_an_image_changes_nothing(tmp_path):
    write_raster(tmp_path / "camp_20110529.tif", COUNTS, MS)
    (tmp_path / "camp_20110529.txt").write_text("Acquisition Date/Time: 1999-01-01\n")
    (tmp_path / "camp_20110529.xml").write_text("<PAMDataset/>")
    item = open_scene(tmp_path / "camp_20110529.tif")
    assert (item.properties["camwatch:family"], scene.acquired(item).year) == ("raster", 2011)


def test_a_vendors_text_without_a_date_is_refused_in_one_line(tmp_path):
    write_raster(tmp_path / "x.tif", COUNTS, MS)
    (tmp_path / "x.pass").write_text("satellite   EROS-B1\nsweep_start_utc   \n")
    with pytest.raises(SceneError, match="states no date of acquisition; expected sweep_start_utc"):
        open_scene(tmp_path)


# ---------------------------------------------------------------- texts, dates, names


def test_pairs_of_every_spelling():
    grouped = 'a = "x;y";\nBEGIN_GROUP = G1\n\tkeyOne = 1.5e2;\nEND_GROUP = G1\n'
    loose = "Copyright: a = b\nSun Angle Elevation: 60.25 degrees\nkey   10:20:30\nk\tv\n(\n1,\n"
    text = grouped + loose
    said = parse_pairs(text.encode(), "x")
    assert [(pair.key, pair.value) for pair in said.entries] == [
        ("a", "x;y"),
        ("keyone", "1.5e2"),
        ("copyright", "a = b"),
        ("sunangleelevation", "60.25 degrees"),
        ("key", "10:20:30"),
        ("k", "v"),
    ]
    assert (said.number("Key One"), said.number("Sun Angle Elevation"), said.number("a"), said.text("none", "k")) == (150.0, 60.25, None, "v")
    assert [name for name, _ in said.sections("g.*")] == ["G1"]


def test_deep_and_long_texts_end_soon():
    deep = b"<a>" * 5000 + b"</a>" * 5000
    assert parse_pairs(deep, "x").entries == ()
    assert parse_pairs(b"BEGIN_GROUP = a\n" * 50_000 + b"k = " + b" " * 1_000_000 + b"v\n", "x").text("k") == "v"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("16-MAY-2025 05:12:05.5", (2025, 5, 16, 5, 12, 5, 500_000)),
        ("06-Jan-2022", (2022, 1, 6)),
        ("2013-04-01,11:00:00", (2013, 4, 1, 11)),
        ("2012-06-01 14:00 GMT", (2012, 6, 1, 14)),
        ("20150422 09:02:36.377", (2015, 4, 22, 9, 2, 36, 377_000)),
        ("20070501T070000.000000", (2007, 5, 1, 7)),
        ("31-FEB-2020", None),
        ("01-XYZ-2020", None),
        ("1/8/2014", None),
        ("10-05-12", None),
        ("20171301", None),
    ],
)
def test_times_as_vendors_write_them(text, expected):
    assert parse_time(text) == (None if expected is None else datetime(*expected, tzinfo=UTC))


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("camp_20100512_processed_20150101", (2010, 5, 12)),
        ("camp_2010.05.12", (2010, 5, 12)),
        ("09DEC10103019-M2AS-052298844010_01_P001", (2009, 12, 10, 10, 30, 19)),
        ("IMG_PHR1A_PMS_201307221015132_ORT", (2013, 7, 22, 10, 15, 13)),
        ("LC08_L2SP_115032_20150710_20200908", (2015, 7, 10)),
        ("camp_10-05-12", None),
        ("camp_12MAY10", None),
        ("052298844010", None),
    ],
)
def test_the_first_date_in_a_name_counts_and_short_years_never(stem, expected):
    assert from_name(stem) == (None if expected is None else datetime(*expected, tzinfo=UTC))


def test_the_clock_of_an_editor_is_no_date_of_acquisition():
    stamp = {"TIFFTAG_DATETIME": "2020:03:04 05:06:07"}
    assert from_tags(stamp) == (datetime(2020, 3, 4, 5, 6, 7, tzinfo=UTC), "TIFFTAG_DATETIME")
    assert from_tags(stamp | {"TIFFTAG_SOFTWARE": "Adobe Photoshop CS6 (Windows)"}) is None
    assert from_tags(stamp | {"TIFFTAG_SOFTWARE": "QGIS 3.4", "EXIF_DateTimeOriginal": "2013:01:02 03:04:05"}) == (
        datetime(2013, 1, 2, 3, 4, 5, tzinfo=UTC),
        "EXIF_DateTimeOriginal",
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Near Infra Red", "nir"),
        ("Red", "red"),
        ("Shortwave Infrared 1", "swir16"),
        ("Short-Wave Infrared 2", "swir22"),
        ("SWIR", ""),
        ("Thermal Infrared 1", ""),
        ("MWIR", ""),
        ("Red Edge", "rededge"),
        ("NIR2", "nir09"),
        ("Near-Infrared 2", "nir09"),
        ("Panchromatic", "pan"),
    ],
)
def test_infrared_is_not_red_and_thermal_is_no_near_infrared(text, name):
    assert common_name(text) == name
