"""Real products of the archives open with the date, the sensor, the resolution and the sun that their own metadata states."""

from datetime import UTC, datetime

import pytest

from camwatch.errors import SceneError
from camwatch.scenes import item as scene
from camwatch.scenes import open_scene, scan

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # affine 3 about odc-geo's own arithmetic

TM = ("blue", "green", "red", "nir", "swir16", "swir22")


@pytest.mark.parametrize(
    ("path", "when", "platform", "gsd", "sun", "bands", "calibration", "clouds"),
    [
        (
            "products/landsat5_tm_LT52240631988227CUB02", datetime(1988, 8, 14, 13, 0, 47), "landsat-5", 30, (61.96724978, 49.75588889), TM,
            "toa reflectance", "none",
        ),
        (
            "products/landsat8_l2sp_decimated", datetime(2015, 7, 10, 14, 34, 35), "landsat-8", 515.98, (177.8846007, 40.0015903), ("coastal", *TM),
            "surface reflectance", "QA_PIXEL",
        ),
        (
            "products/landsat7_c2_rt_decimated", datetime(2021, 2, 20, 1, 32, 16), "landsat-7", 3200, (75.86380542, 42.86386904), ("pan", *TM),
            "toa reflectance", "none",
        ),
        (
            "products/LE07_L1TP_092084_20110809_20161206_01_T1_RR.tar", datetime(2011, 8, 9, 23, 56, 4), "landsat-7", 600.87,
            (40.00533607, 29.35291449), ("pan", *TM), "toa reflectance", "BQA",
        ),
        (
            "products/S2B_MSIL1C_20170719T000219_N0205_R030_T56JKT_20170719T000218.zip", datetime(2017, 7, 19, 0, 2, 18), "sentinel-2b", 640,
            (35.2123073424558, 35.7310004843826),
            ("blue", "green", "red", "rededge071", "rededge075", "rededge078", "nir08", "nir", "swir16", "swir22"), "toa reflectance", "none",
        ),
        (
            "pairs/xbd_geo/joplin-tornado_00000000_pre_disaster.tif", datetime(2009, 8, 8, 17, 16, 20), "quickbird02", 0.451,
            (140.153091430664, 64.4764633178711), ("blue", "green", "red"), "dn", "none",
        ),
        (
            "pairs/xbd_geo/guatemala-volcano_00000002_post_disaster.tif", datetime(2018, 6, 22, 16, 55, 40), "worldview03-vnir", 0.49,
            (58.571484, 71.182274), ("blue", "green", "red"), "dn", "none",
        ),
        ("pairs/landsat_taizhou/2000TM", datetime(2000, 3, 17), "landsat-etm", 30, None, TM, "dn", "none"),
        ("pairs/landsat_taizhou/2003TM.HDR", datetime(2003, 2, 6), "landsat-etm", 30, None, TM, "dn", "none"),
        ("series/naip_nd/m_4709963_se_14_1_20100629.tif", datetime(2010, 6, 29), None, 5, None, ("b1", "b2", "b3", "b4"), "dn", "none"),
        ("products/planet/20170831_172754_101c", datetime(2017, 8, 31, 17, 27, 54), "101c", 2.6, (145.4, 65.1), TM[:4], "dn", "none"),
    ],
)
def test_real_products(shared, path, when, platform, gsd, sun, bands, calibration, clouds):
    item = open_scene(shared / "data" / path)
    assert scene.acquired(item).replace(microsecond=0) == when.replace(tzinfo=UTC)
    assert item.properties.get("platform") == platform
    assert scene.gsd_m(item) == pytest.approx(gsd, abs=0.005)
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
    assert scene.gsd_m(item) == pytest.approx({"t1": 1.1, "1985": 89.4}[item.id], abs=0.1)
    assert scene.band_names(item) == ("b1", "b2", "b3", "b4")


def test_metadata_without_pixels_is_named_as_such(shared):
    catalogue = scan(shared / "data" / "products" / "landsat_metadata")
    assert catalogue.items == ()
    assert len(catalogue.unreadable) == 10
    assert all("MTL without pixels" in entry.reason for entry in catalogue.unreadable)
    safe = scan(shared / "data" / "products" / "sentinel2_metadata")
    assert [("SAFE metadata without pixels" in entry.reason) for entry in safe.unreadable] == [True] * 3


def test_a_whole_archive_folder_is_scanned(shared):
    catalogue = scan(shared / "data" / "products")
    families = [item.properties["camwatch:family"] for item in catalogue.items]
    assert (families.count("landsat"), families.count("sentinel2"), families.count("stac")) == (4, 1, 1)
    when = [scene.acquired(item) for item in catalogue.items]
    assert when == sorted(when)
