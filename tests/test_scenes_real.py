"""Real products of the archives open with the date, the sensor, the resolution and the sun that their own metadata states."""

from datetime import UTC, datetime

import pytest

from camwatch.errors import SceneError
from camwatch.scenes import item as scene
from camwatch.scenes import open_scene, scan

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # affine 3 about odc-geo's own arithmetic

TM = ("blue", "green", "red", "nir", "swir16", "swir22")


S2 = (*("coastal", "blue", "green", "red", "rededge071", "rededge075", "rededge078"), *("nir08", "nir", "nir09", "cirrus", "swir16", "swir22"))
PRODUCTS = {
    "products/landsat5_tm_LT52240631988227CUB02": ("1988-08-14T13:00:47", "landsat-5", 30, (61.96724978, 49.75588889), TM, "toa reflectance", "none"),
    "products/landsat8_l2sp_decimated": (
        "2015-07-10T14:34:35",
        "landsat-8",
        515.98,
        (177.8846007, 40.0015903),
        ("coastal", *TM),
        "surface reflectance",
        "QA_PIXEL",
    ),
    "products/landsat7_c2_rt_decimated": (
        "2021-02-20T01:32:16",
        "landsat-7",
        3200,
        (75.86380542, 42.86386904),
        ("pan", *TM),
        "toa reflectance",
        "none",
    ),
    "products/LE07_L1TP_092084_20110809_20161206_01_T1_RR.tar": (
        "2011-08-09T23:56:04",
        "landsat-7",
        600.87,
        (40.00533607, 29.35291449),
        ("pan", *TM),
        "toa reflectance",
        "BQA",
    ),
    "products/S2B_MSIL1C_20170719T000219_N0205_R030_T56JKT_20170719T000218.zip": (
        "2017-07-19T00:02:18",
        "sentinel-2b",
        640,
        (35.2123073424558, 35.7310004843826),
        S2,
        "toa reflectance",
        "MSK_CLOUDS",
    ),
    "pairs/xbd_geo/joplin-tornado_00000000_pre_disaster.tif": (
        "2009-08-08T17:16:20",
        "quickbird02",
        0.451,
        (140.153091430664, 64.4764633178711),
        TM[:3],
        "dn",
        "none",
    ),
    "pairs/xbd_geo/guatemala-volcano_00000002_post_disaster.tif": (
        "2018-06-22T16:55:40",
        "worldview03-vnir",
        0.49,
        (58.571484, 71.182274),
        TM[:3],
        "dn",
        "none",
    ),
    "pairs/landsat_taizhou/2000TM": ("2000-03-17T00:00:00", "landsat-etm", 30, None, TM, "dn", "none"),
    "pairs/landsat_taizhou/2003TM.HDR": ("2003-02-06T00:00:00", "landsat-etm", 30, None, TM, "dn", "none"),
    "series/naip_nd/m_4709963_se_14_1_20100629.tif": ("2010-06-29T00:00:00", None, 5, None, ("b1", "b2", "b3", "b4"), "dn", "none"),
    "products/planet/20170831_172754_101c": ("2017-08-31T17:27:54", "101c", 66.88, (145.42, 65.12005), TM[:4], "toa reflectance", "UDM"),
}
"""What the metadata beside or inside each product states; the pixel sizes are those of the copies, most of them reduced."""

SENSOR = {"landsat-5": 30, "landsat-7": 30, "landsat-8": 30, "sentinel-2b": 10, "101c": 2.6}
"""Ground sample distance of the sensor that the metadata states, whatever became of the pixels."""


@pytest.mark.parametrize("path", PRODUCTS)
def test_real_products(shared, path):
    when, platform, gsd, sun, bands, calibration, clouds = PRODUCTS[path]
    item = open_scene(shared / "data" / path)
    assert f"{scene.acquired(item):%Y-%m-%dT%H:%M:%S}" == when
    assert item.properties.get("platform") == platform
    assert scene.gsd_m(item) == pytest.approx(gsd, abs=0.005)
    assert scene.sensor_gsd_m(item) == pytest.approx(SENSOR.get(platform, gsd), abs=0.005)
    assert scene.sun(item) == (None if sun is None else pytest.approx(sun))
    assert scene.band_names(item) == bands
    assert scene.calibration(item) == calibration
    assert scene.cloud_mask(item) == clouds
    assert not scene.is_simulated(item)
    assert all(file.is_file() for file in scene.files_of(item))


@pytest.mark.parametrize("path", ["pairs/noida_vhr/t1.tif", "series/landsat_pucallpa/1985.tif"])
def test_rasters_that_tell_no_date_want_one(shared, path):
    with pytest.raises(SceneError, match="--before-date"):
        open_scene(shared / "data" / path)
    item = open_scene(shared / "data" / path, date="1985-07-01")
    assert scene.acquired(item) == datetime(1985, 7, 1, tzinfo=UTC)
    assert scene.gsd_m(item) == pytest.approx({"t1": 1.1, "1985": 89.22}[item.id], abs=0.01)
    assert scene.band_names(item) == ("b1", "b2", "b3", "b4")


def test_metadata_without_pixels_is_named_as_such(shared):
    catalogue = scan(shared / "data" / "products" / "landsat_metadata")
    assert catalogue.items == ()
    assert len(catalogue.unreadable) == 10
    assert all("MTL without pixels" in entry.reason for entry in catalogue.unreadable)
    safe = scan(shared / "data" / "products" / "sentinel2_metadata")
    assert [("SAFE metadata without pixels" in entry.reason) for entry in safe.unreadable] == [True, True, False, True]
    assert "without its product's metadata" in safe.unreadable[2].reason  # a bare granule of the cloud layout


def test_a_whole_archive_folder_is_scanned(shared):
    catalogue = scan(shared / "data" / "products")
    families = [item.properties["camwatch:family"] for item in catalogue.items]
    assert (families.count("landsat"), families.count("sentinel2"), families.count("planet")) == (4, 1, 2)
    when = [scene.acquired(item) for item in catalogue.items]
    assert when == sorted(when)
