"""PlanetScope and RapidEye: what their metadata says, band by band, against plain arithmetic and rasterio."""

import json
import math
import re
import zipfile
from datetime import UTC, date, datetime

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox

from camwatch.errors import SceneError
from camwatch.imagery.load import load
from camwatch.rasters import write_raster
from camwatch.scenes import item as scene
from camwatch.scenes import open_scene, scan

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # affine 3 about odc-geo's own arithmetic

BOX = GeoBox((20, 30), Affine(3, 0, 560_001, 0, -3, 4_650_000), "EPSG:32652")
DN = np.arange(1, 601, dtype=np.uint16).reshape(20, 30) * 10
STEM = "20230405_021314_15_24a1"
XML = """<?xml version="1.0"?>
<ps:EarthObservation xmlns:ps="urn:ps" xmlns:eop="urn:eop" xmlns:opt="urn:opt" xmlns:gml="urn:gml"><gml:using><eop:EarthObservationEquipment>
<eop:platform><eop:Platform><eop:shortName>PlanetScope</eop:shortName><eop:serialIdentifier>24a1</eop:serialIdentifier></eop:Platform></eop:platform>
<eop:instrument><eop:Instrument><eop:shortName>PSB.SD</eop:shortName></eop:Instrument></eop:instrument>
<eop:acquisitionParameters><ps:Acquisition><eop:incidenceAngle uom="deg">4.5</eop:incidenceAngle>
<opt:illuminationAzimuthAngle uom="deg">-200.25</opt:illuminationAzimuthAngle>
<opt:illuminationElevationAngle uom="deg">40.5</opt:illuminationElevationAngle>
<ps:spaceCraftViewAngle uom="deg">-4.25</ps:spaceCraftViewAngle>
<ps:acquisitionDateTime>2023-04-05T02:13:14.5+00:00</ps:acquisitionDateTime></ps:Acquisition></eop:acquisitionParameters>
</eop:EarthObservationEquipment></gml:using><gml:resultOf><rowGsd>3.0</rowGsd>BANDS</gml:resultOf></ps:EarthObservation>"""


def bands_xml(coefficients, key="reflectanceCoefficient"):
    """Last band first: the number counts, not the place."""
    bands = [
        f"<ps:bandSpecificMetadata><ps:bandNumber>{n}</ps:bandNumber><ps:radiometricScaleFactor>0.01</ps:radiometricScaleFactor>"
        f"<ps:{key}>{value}</ps:{key}></ps:bandSpecificMetadata>"
        for n, value in enumerate(coefficients, 1)
    ]
    return "".join(reversed(bands))


def write_scene(folder, *, count=8, kind="AnalyticMS_8b", xml=True, stem=STEM):
    """An ortho scene whose band n holds 1000·n + 10, 20, …"""
    values = np.stack([DN + 1000 * n for n in range(1, count + 1)])
    write_raster(folder / f"{stem}_3B_{kind}.tif", values, BOX, nodata=0, tags={"TIFFTAG_DATETIME": "2023:04:05 02:13:14"})
    if xml:
        text = XML.replace("BANDS", bands_xml([2e-5 + n * 1e-6 for n in range(1, count + 1)]))
        (folder / f"{stem}_3B_AnalyticMS_8b_metadata.xml").write_text(text)
    return folder


def test_the_real_scene_says_what_its_metadata_says(shared):
    folder = shared / "data/products/planet/20170831_172754_101c"
    item = open_scene(folder)
    said = item.properties
    assert scene.acquired(item) == datetime(2017, 8, 31, 17, 27, 54, tzinfo=UTC)
    assert said["camwatch:date_source"] == "metadata acquisitionDateTime"
    assert (said["camwatch:family"], said["platform"], said["instruments"], said["constellation"]) == ("planet", "101c", ["ps2"], "planetscope")
    assert scene.sun(item) == (145.42, 65.12005)
    assert said["view:off_nadir"] == 0.240151
    assert said["view:incidence_angle"] == 0.2694579
    text = (folder / "20170831_172754_101c_3B_AnalyticMS_metadata.xml").read_text()
    coefficients = [float(value) for value in re.findall(r"<ps:reflectanceCoefficient>([^<]+)<", text)]
    assert [(band.name, band.index, band.scale) for band in scene.bands_of(item)] == list(
        zip(("blue", "green", "red", "nir"), (1, 2, 3, 4), coefficients, strict=True)
    )
    assert {path.name for path in scene.files_of(item)} == {
        "20170831_172754_101c_3B_AnalyticMS.tif",
        "20170831_172754_101c_3B_AnalyticMS_DN_udm.tif",
        "20170831_172754_101c_3B_AnalyticMS_metadata.xml",
        "20170831_172754_101c.json",
    }


def test_the_real_scene_becomes_reflectance_under_its_mask(shared):
    folder = shared / "data/products/planet/20170831_172754_101c"
    item = open_scene(folder)
    image = load(item, scene.native_geobox(item))
    text = (folder / "20170831_172754_101c_3B_AnalyticMS_metadata.xml").read_text()
    coefficients = [np.float32(value) for value in re.findall(r"<ps:reflectanceCoefficient>([^<]+)<", text)]
    with rasterio.open(folder / "20170831_172754_101c_3B_AnalyticMS.tif") as dataset:
        counts = dataset.read()
    with rasterio.open(folder / "20170831_172754_101c_3B_AnalyticMS_DN_udm.tif") as dataset:
        unusable = dataset.read(1)
    np.testing.assert_array_equal(image.valid, (counts != 0).all(axis=0) & (unusable == 0))
    for n in range(4):
        expected = counts[n].astype(np.float32) * coefficients[n]
        np.testing.assert_allclose(image.values[n][image.valid], expected[image.valid], rtol=1e-6)
    assert image.calibration == "toa reflectance"
    assert 0.4 < image.valid.mean() < 0.7


def test_any_file_of_the_real_scene_leads_to_it(shared):
    folder = shared / "data/products/planet/20170831_172754_101c"
    for name in ("_3B_AnalyticMS.tif", "_3B_AnalyticMS_metadata.xml"):
        assert open_scene(folder / f"20170831_172754_101c{name}").id == "20170831_172754_101c"
    assert len(scan(folder).items) == 1


def test_eight_bands_by_number_and_coefficient(tmp_path):
    item = open_scene(write_scene(tmp_path))
    names = ("coastal", "blue", "b3", "green", "yellow", "red", "rededge", "nir")
    assert {band.name: (band.index, band.scale) for band in scene.bands_of(item)} == {
        name: (n, pytest.approx(2e-5 + n * 1e-6)) for n, name in enumerate(names, 1)
    }
    assert scene.sun(item) == (159.75, 40.5)
    assert (item.properties["view:off_nadir"], item.properties["gsd"], item.properties["instruments"]) == (4.25, 3.0, ["psb.sd"])
    assert scene.acquired(item) == datetime(2023, 4, 5, 2, 13, 14, 500_000, tzinfo=UTC)


def test_surface_reflectance_goes_before_the_analytic_image(tmp_path):
    write_scene(tmp_path)
    write_scene(tmp_path, kind="AnalyticMS_SR_8b", xml=False)
    write_scene(tmp_path, kind="Visual", count=3, xml=False)
    item = open_scene(tmp_path)
    assert scene.calibration(item) == "surface reflectance"
    assert {band.scale for band in scene.bands_of(item)} == {1e-4}
    assert all("_SR_8b" in band.href for band in scene.bands_of(item))
    assert len(scan(tmp_path).items) == 1


def test_usable_data_mask_2_drops_cloud_shadow_heavy_haze_and_lost_data(tmp_path):
    """Row by row: clear, snow, shadow, light haze, heavy haze, cloud; then the bits of band 8: blackfill, its own cloud, data lost in a band."""
    write_scene(tmp_path)
    mask = np.zeros((8, 20, 30), np.uint8)
    for row in range(6):
        mask[row, row] = 1
    mask[6] = 90
    mask[0, 6:] = 1
    mask[7, 6], mask[7, 7], mask[7, 8] = 1, 2, 4
    write_raster(tmp_path / f"{STEM}_3B_udm2.tif", mask, BOX)
    np.put(unusable := np.zeros((20, 30), np.uint8), [0], 1)
    write_raster(tmp_path / f"{STEM}_3B_AnalyticMS_DN_udm.tif", unusable, BOX)  # of the two masks the second counts
    item = open_scene(tmp_path)
    image = load(item, BOX)
    assert scene.cloud_mask(item) == "UDM2"
    rows = [True, True, False, True, False, False, False, True, False, *[True] * 11]
    np.testing.assert_array_equal(image.valid, np.repeat(np.array(rows)[:, None], 30, axis=1))


def test_unusable_data_mask_of_old_scenes(tmp_path):
    write_scene(tmp_path, count=4, kind="AnalyticMS")
    mask = np.zeros((20, 30), np.uint8)
    mask[0], mask[1], mask[2], mask[3] = 1, 2, 1 << 3, 1 << 7
    write_raster(tmp_path / f"{STEM}_3B_AnalyticMS_DN_udm.tif", mask, BOX)
    item = open_scene(tmp_path)
    assert scene.cloud_mask(item) == "UDM"
    np.testing.assert_array_equal(load(item, BOX).valid.all(axis=1), [False] * 4 + [True] * 16)


@pytest.mark.parametrize(("given", "source"), [(None, "tag TIFFTAG_DATETIME"), (date(2023, 4, 5), "argument")])
@pytest.mark.parametrize("name", [f"{STEM}_3B_AnalyticMS_clip.tif", "1056417_1056417_2023-04-05_0e0f_BGRN_Analytic.tif"])
def test_a_lone_analytic_image_is_blue_green_red_whatever_its_colours_say(tmp_path, name, given, source):
    path = tmp_path / name
    profile = {"driver": "GTiff", "height": 20, "width": 30, "dtype": "uint16", "crs": "EPSG:32652", "transform": BOX.affine}
    with rasterio.open(path, "w", count=4, photometric="RGB", alpha="NO", **profile) as dataset:
        dataset.write(np.stack([DN] * 4))
        dataset.update_tags(TIFFTAG_DATETIME="2023:04:05 02:13:14")
    item = open_scene(path, date=given)
    assert [(band.name, band.index) for band in scene.bands_of(item)] == [("blue", 1), ("green", 2), ("red", 3), ("nir", 4)]
    assert (scene.calibration(item), item.properties["camwatch:date_source"]) == ("dn", source)
    assert scene.sun(item) is None


def test_metadata_of_newer_deliveries_in_json(tmp_path):
    write_scene(tmp_path, kind="AnalyticMS_SR_8b", xml=False)
    properties = {
        "acquired": "2023-04-05T02:13:14.123456Z",
        "sun_azimuth": 130.2,
        "sun_elevation": 44.5,
        "view_angle": 5.1,
        "gsd": 3.9,
        "instrument": "PSB.SD",
        "satellite_id": "24a1",
    }
    (tmp_path / f"{STEM}_metadata.json").write_text(json.dumps({"type": "Feature", "id": STEM, "properties": properties}))
    item = open_scene(tmp_path)
    assert scene.acquired(item) == datetime(2023, 4, 5, 2, 13, 14, 123456, tzinfo=UTC)
    assert item.properties["camwatch:date_source"] == "metadata acquired"
    assert (scene.sun(item), item.properties["view:off_nadir"], item.properties["gsd"]) == ((130.2, 44.5), 5.1, 3.9)
    assert (item.properties["platform"], item.properties["instruments"]) == ("24a1", ["psb.sd"])
    with pytest.raises(SceneError, match="contradicts"):
        open_scene(tmp_path, date="2022-04-05")


def test_a_stac_item_beside_images_without_metadata(tmp_path):
    write_scene(tmp_path, count=4, kind="AnalyticMS", xml=False)
    properties = {"datetime": "2023-04-05T02:13:14Z", "view:sun_azimuth": 145.4, "view:sun_elevation": 65.1, "view:off_nadir": 0.2}
    asset = {"analytic": {"href": f"./{STEM}_3B_AnalyticMS.tif", "roles": ["data"]}}
    said = {"type": "Feature", "stac_version": "1.0.0-beta.2", "id": STEM, "properties": properties, "assets": asset}
    (tmp_path / f"{STEM}.json").write_text(json.dumps(said))
    item = open_scene(tmp_path)
    assert (item.properties["camwatch:family"], item.properties["camwatch:date_source"]) == ("planet", "STAC Item beside the image")
    assert scene.sun(item) == (145.4, 65.1)
    assert [band.name for band in scene.bands_of(item)] == ["blue", "green", "red", "nir"]
    assert len(scan(tmp_path).items) == 1


def test_a_picture_alone_is_an_rgb_export_with_the_sun_of_the_metadata(tmp_path):
    write_scene(tmp_path, count=1)
    (tmp_path / f"{STEM}_3B_AnalyticMS_8b.tif").unlink()
    profile = {"driver": "GTiff", "height": 20, "width": 30, "dtype": "uint8", "crs": "EPSG:32652", "transform": BOX.affine}
    opaque = np.full((20, 30), 255, np.uint8)
    opaque[:5] = 0
    with rasterio.open(tmp_path / f"{STEM}_3B_Visual.tif", "w", count=4, photometric="RGB", alpha="YES", **profile) as dataset:
        dataset.write(np.stack([np.full((20, 30), 7, np.uint8)] * 3 + [opaque]))
    item = open_scene(tmp_path)
    assert [(band.name, band.index) for band in scene.bands_of(item)] == [("blue", 3), ("green", 2), ("red", 1)]
    assert (scene.calibration(item), scene.sun(item)) == ("dn", (159.75, 40.5))
    np.testing.assert_array_equal(load(item, BOX).valid.all(axis=1), [False] * 5 + [True] * 15)


def test_rapideye_radiance_becomes_reflectance_with_published_irradiance(tmp_path):
    stem = "5136512_2015-06-20_RE4_3A"
    values = np.stack([DN] * 5)
    write_raster(tmp_path / f"{stem}_Analytic.tif", values, BOX, nodata=0)
    text = XML.replace("PlanetScope", "RE00").replace("24a1", "RE-4").replace("2023-04-05T02:13:14.5+00:00", "2015-06-20T02:44:00Z")
    (tmp_path / f"{stem}_Analytic_metadata.xml").write_text(
        text.replace("BANDS", bands_xml([1] * 5, key="unrelated")).replace("ps:Earth", "re:Earth")
    )
    coarse = GeoBox((2, 3), Affine(30, 0, 560_001, 0, -30, 4_650_000), "EPSG:32652")
    write_raster(tmp_path / f"{stem}_udm.tif", np.array([[1, 0, 0], [0, 0, 2]], np.uint8), coarse)
    item = open_scene(tmp_path)
    # Day 171 of the year, one astronomical unit to 0.05 %: d² by the usual series, the sun at 40.5°.
    distance = 1 - 0.01672 * math.cos(math.radians(0.9856 * (171 - 4)))
    for band, irradiance in zip(scene.bands_of(item), (1997.8, 1863.5, 1560.4, 1395.0, 1124.4), strict=True):
        expected = 0.01 * math.pi * distance**2 / (irradiance * math.sin(math.radians(40.5)))
        assert band.scale == pytest.approx(expected, rel=1e-3)
    assert scene.band_names(item) == ("blue", "green", "red", "rededge", "nir")
    assert (item.properties["constellation"], item.properties["platform"]) == ("rapideye", "re-4")
    valid = load(item, BOX).valid
    assert not valid[:10, :10].any()
    assert valid[12:, :18].all()


def test_a_scene_in_a_zip_and_two_scenes_in_a_folder(tmp_path):
    folder = tmp_path / "order"
    write_scene(folder)
    write_scene(folder, stem="20230406_021314_15_24a1", xml=False)
    assert {item.id for item in scan(folder).items} == {STEM, "20230406_021314_15_24a1"}
    with zipfile.ZipFile(tmp_path / "order.zip", "w") as archive:
        for path in sorted(folder.glob(f"{STEM}*")):
            archive.write(path, f"files/{path.name}")
    item = open_scene(tmp_path / "order.zip")
    values = load(item, BOX).values
    assert values[0, 3, 4] == pytest.approx((1000 + DN[3, 4]) * 2.1e-5, rel=1e-6)


def test_metadata_without_an_image_is_named_as_such(tmp_path):
    write_scene(tmp_path)
    (tmp_path / f"{STEM}_3B_AnalyticMS_8b.tif").unlink()
    catalogue = scan(tmp_path)
    assert catalogue.items == ()
    assert "metadata without pixels" in catalogue.unreadable[0].reason


@pytest.mark.parametrize("damage", ["<ps:EarthObservation>", '<!DOCTYPE a [<!ENTITY b "c">]><ps:EarthObservation>&b;</ps:EarthObservation>'])
def test_damaged_metadata_ends_in_one_line(tmp_path, damage):
    write_scene(tmp_path)
    (tmp_path / f"{STEM}_3B_AnalyticMS_8b_metadata.xml").write_text(damage)
    entry = scan(tmp_path).unreadable[0]
    assert "XML" in entry.reason
    assert "\n" not in entry.reason


def test_masks_and_previews_are_no_scenes(tmp_path):
    write_raster(tmp_path / f"{STEM}_3B_udm2.tif", np.zeros((8, 20, 30), np.uint8), BOX)
    assert scan(tmp_path).items == ()


def test_numbers_that_cannot_be_are_absent(tmp_path):
    write_scene(tmp_path, kind="AnalyticMS_SR_8b", xml=False)
    said = '{"properties": {"acquired": "2023-04-05T02:13:14Z", "sun_azimuth": 1e999, "sun_elevation": 30, "gsd": -999, "view_angle": NUMBER}}'
    (tmp_path / f"{STEM}_metadata.json").write_text(said.replace("NUMBER", "9" * 400))
    item = open_scene(tmp_path)
    assert scene.sun(item) is None
    assert "view:off_nadir" not in item.properties
    assert item.properties["gsd"] == 3


def test_metadata_of_a_search_without_its_image_is_no_product(tmp_path):
    (tmp_path / f"{STEM}_metadata.json").write_text('{"properties": {"acquired": "2023-04-05T02:13:14Z"}}')
    catalogue = scan(tmp_path)
    assert (catalogue.items, catalogue.unreadable) == ((), ())
