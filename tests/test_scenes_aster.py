"""ASTER L1T, written here as the archive lays it out, comes back at the right place with the right reflectance."""

import json
import math
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from camwatch.errors import CoverageError, SceneError
from camwatch.imagery.load import load
from camwatch.rasters import write_raster
from camwatch.scenes import item as scene
from camwatch.scenes import open_scene, scan
from camwatch.scenes.access.gdal import open_raster
from camwatch.scenes.access.hdf4 import MAGIC, href_of, read_contents
from camwatch.scenes.access.odl import parse_odl

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # affine 3 about odc-geo's own arithmetic

GRANULE = "AST_L1T_00305032000040446_20150409135350_78838"
LATER = "AST_L1T_00307042010021530_20150409135350_78838"
UPPER, LEFT = 4_650_000.0, 560_010.0
BANDS = ("1", "2", "3N", "3B", "4", "6", "10")
ROWS, COLS = 49, 61
SUN = 4e-4
"""Relative tolerance: the distance of the sun is computed to 0.0002 for a day of any year."""


def box_of(band: str, *, north=UPPER) -> GeoBox:
    """The grid by plain arithmetic: the corners are centres of pixels, so the outer edge lies half a pixel further out."""
    gsd = 15 if band in ("1", "2", "3N") else 30
    scale = gsd // 15
    return GeoBox(((ROWS - 1) // scale + 1, (COLS - 1) // scale + 1), Affine(gsd, 0, LEFT - gsd / 2, 0, -gsd, north + gsd / 2), "EPSG:32652")


def pixels(band: str) -> np.ndarray:
    rows, cols = box_of(band).shape
    return (10 + (np.arange(rows)[:, None] * 3 + np.arange(cols) * 2 + BANDS.index(band)) % 200).astype(np.uint8)


def odl(*, upper=UPPER, zone=52, gain="HGH", elevation=50.0, clock="040446534000Z", day="20000503") -> dict[str, str]:
    """The attributes with the statements that the archive writes, in its spelling."""
    lower, right = upper - 15 * (ROWS - 1), LEFT + 15 * (COLS - 1)
    gains = "".join(
        f'OBJECT = GAINCONTAINER\nCLASS = "{n}"\nOBJECT = GAIN\nCLASS = "{n}"\nNUM_VAL = 2\nVALUE = ("{name}", "{gain if n < 4 else "NOR"}")\n'
        "END_OBJECT = GAIN\nEND_OBJECT = GAINCONTAINER\n"
        for n, name in enumerate(("01", "02", "3N", "04", "05", "06", "07", "08", "09"), 1)
    )
    pointing = "".join(
        f'OBJECT = SENSORNAME\nCLASS = "{n}"\nVALUE = "{sensor}"\nEND_OBJECT = SENSORNAME\nOBJECT = POINTINGANGLE\nCLASS = "{n}"\nVALUE = {angle}\n'
        "END_OBJECT = POINTINGANGLE\n"
        for n, (sensor, angle) in enumerate((("SWIR", -5.68), ("VNIR", -5.721)), 1)
    )
    return {
        "coremetadata.0": f'GROUP = SINGLEDATETIME\nOBJECT = CALENDARDATE\nNUM_VAL = 1\nVALUE = "{day}"\nEND_OBJECT = CALENDARDATE\n'
        f'OBJECT = TIMEOFDAY\nNUM_VAL = 1\nVALUE = "{clock}"\nEND_OBJECT = TIMEOFDAY\nEND_GROUP = SINGLEDATETIME\nEND\n',
        "productmetadata.0": f"OBJECT = SOLARDIRECTION\nNUM_VAL = 2\nVALUE = (86.25,\n {elevation})\nEND_OBJECT = SOLARDIRECTION\n{gains}{pointing}",
        "productmetadata.1": f"OBJECT = UPPERLEFTM\nNUM_VAL = 2\nVALUE = ({upper}, {LEFT})\nEND_OBJECT = UPPERLEFTM\n"
        f"OBJECT = LOWERRIGHTM\nNUM_VAL = 2\nVALUE = ({lower}, {right})\nEND_OBJECT = LOWERRIGHTM\n"
        f"OBJECT = UTMZONENUMBER\nNUM_VAL = 1\nVALUE = {zone}\nEND_OBJECT = UTMZONENUMBER\n",
    }


def write_hdf(folder: Path, *, granule=GRANULE, bands=BANDS, attributes=None) -> Path:
    """One HDF4 file with the images of an L1T."""
    hdf = pytest.importorskip("pyhdf.SD")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{granule}.hdf"
    file = hdf.SD(str(path), hdf.SDC.WRITE | hdf.SDC.CREATE)
    for name, text in (odl() if attributes is None else attributes).items():
        file.attr(name).set(hdf.SDC.CHAR8, text)
    for band in bands:
        values = pixels(band) if band != "10" else pixels("4").astype(np.uint16)
        sds = file.create(f"ImageData{band}", hdf.SDC.UINT16 if band == "10" else hdf.SDC.UINT8, values.shape)
        sds[:] = values
        sds.endaccess()
    file.end()
    return path


def reflectance(dn: np.ndarray, ucc: float, esun: float, *, elevation=50.0, days=122.67) -> np.ndarray:
    """The handbook's formula, with the distance of the sun from the Astronomical Almanac: 3 May 2000, 4 h is 122.67 days after J2000.0."""
    g = math.radians(357.528 + 0.9856003 * days)
    d = 1.00014 - 0.01671 * math.cos(g) - 0.00014 * math.cos(2 * g)
    return math.pi * (dn.astype(float) - 1) * ucc * d * d / (esun * math.sin(math.radians(elevation)))


def test_an_hdf_opens_as_delivered(tmp_path):
    path = write_hdf(tmp_path)
    (tmp_path / f"{GRANULE}_V.tif").write_bytes(b"a browse picture")
    item = open_scene(path)
    assert item.id == GRANULE
    assert scene.acquired(item) == datetime(2000, 5, 3, 4, 4, 46, 534000, UTC)
    assert scene.sun(item) == (86.25, 50.0)
    assert scene.gsd_m(item) == 15
    assert scene.band_names(item) == ("green", "red", "nir", "swir16", "swir22")  # neither backward-looking nor thermal
    assert item.properties["view:off_nadir"] == 5.721
    assert item.properties["platform"] == "terra"
    assert scene.calibration(item) == "toa reflectance"
    assert [band.geobox for band in scene.bands_of(item)] == [box_of(band) for band in ("1", "2", "3N", "4", "6")]
    assert scene.files_of(item) == (path,)
    assert [one.id for one in scan(tmp_path).items] == [GRANULE]
    assert open_scene(tmp_path).id == GRANULE


def test_reflectance_is_that_of_the_handbook(tmp_path):
    item = open_scene(write_hdf(tmp_path))
    image = load(item, box_of("1"), bands=("green", "red", "nir"))
    for plane, band, ucc, esun in zip(image.values, ("1", "2", "3N"), (0.676, 0.708, 0.423), (1848, 1549, 1114), strict=True):
        np.testing.assert_allclose(plane, reflectance(pixels(band), ucc, esun), rtol=SUN)
    swir = load(item, box_of("4"), bands=("swir16", "swir22"))
    for plane, band, ucc, esun in zip(swir.values, ("4", "6"), (0.2174, 0.0625), (225.4, 81.85), strict=True):
        np.testing.assert_allclose(plane, reflectance(pixels(band), ucc, esun), rtol=SUN)
    assert image.valid.all()


@pytest.mark.parametrize(("gain", "ucc"), [("NOR", 1.688), ("LOW", 2.25)])
def test_gain_settings(tmp_path, gain, ucc):
    image = load(open_scene(write_hdf(tmp_path, attributes=odl(gain=gain))), box_of("1"), bands=("green",))
    np.testing.assert_allclose(image.values[0], reflectance(pixels("1"), ucc, 1848), rtol=SUN)


@pytest.mark.parametrize("change", [{"gain": "???"}, {"elevation": -20.0}])
def test_without_gain_or_sun_it_stays_digital_numbers(tmp_path, change):
    item = open_scene(write_hdf(tmp_path, attributes=odl(**change)))
    assert scene.calibration(item) == "dn"
    np.testing.assert_array_equal(load(item, box_of("1"), bands=("green",)).values[0], pixels("1"))


def test_fill_and_saturation_are_not_valid(tmp_path):
    hdf = pytest.importorskip("pyhdf.SD")
    path = write_hdf(tmp_path)
    file = hdf.SD(str(path), hdf.SDC.WRITE)
    values = pixels("2")
    values[:5], values[7, 9] = 0, 255
    file.select("ImageData2")[:] = values
    file.end()
    valid = load(open_scene(path), box_of("1"), bands=("green", "red")).valid
    np.testing.assert_array_equal(valid, (values != 0) & (values != 255))


def test_windows_are_read_where_they_lie(tmp_path):
    path = write_hdf(tmp_path)
    with open_raster(href_of(path, "ImageData3N")) as dataset:
        assert dataset.shape == (ROWS, COLS)
        assert dataset.dtypes == ("uint8",)
        np.testing.assert_array_equal(dataset.read([1], window=Window(20, 10, 7, 5))[0], pixels("3N")[10:15, 20:27])
        np.testing.assert_array_equal(dataset.read([1])[0], pixels("3N"))
    part = GeoBox((6, 7), box_of("1").affine * Affine.translation(11, 5), "EPSG:32652")
    item = open_scene(path)
    np.testing.assert_allclose(load(item, part, bands=("red",)).values[0], load(item, box_of("1"), bands=("red",)).values[0, 5:11, 11:18])


@pytest.mark.parametrize("zone", [52, -52])
def test_south_of_the_equator_northings_are_negative(tmp_path, zone):
    item = open_scene(write_hdf(tmp_path, attributes=odl(upper=-1_234_560.0, zone=zone)))
    (green, *_) = scene.bands_of(item)
    assert str(green.geobox.crs) == "EPSG:32752"
    assert tuple(green.geobox.affine)[:6] == (15, 0, LEFT - 7.5, 0, -15, 10_000_000 - 1_234_560 + 7.5)
    assert -12 < item.bbox[1] < item.bbox[3] < -11


def test_swir_is_left_out_once_its_detectors_had_failed(tmp_path):
    late = odl(day="2010-07-04", clock="02:15:30.000000")
    item = open_scene(write_hdf(tmp_path, granule=LATER, attributes=late))
    assert scene.acquired(item) == datetime(2010, 7, 4, 2, 15, 30, tzinfo=UTC)
    assert scene.band_names(item) == ("green", "red", "nir")
    with pytest.raises(SceneError, match="no usable band; got SWIR only"):
        open_scene(write_hdf(tmp_path / "night", granule=LATER, bands=("4", "6"), attributes=late))


def test_metadata_go_before_the_granules_name(tmp_path):
    item = open_scene(write_hdf(tmp_path, granule=LATER))
    assert scene.acquired(item).year == 2000
    assert "CALENDARDATE" in item.properties["camwatch:date_source"]


def test_the_real_xml_places_and_dates_an_hdf_without_attributes(tmp_path, shared):
    """Real metadata of a real scene beside an image of its real size: 4945 × 5593 pixels (STAC Item of the same scene in the Planetary Computer)."""
    hdf = pytest.importorskip("pyhdf.SD")
    file = hdf.SD(str(tmp_path / f"{GRANULE}.hdf"), hdf.SDC.WRITE | hdf.SDC.CREATE)
    sds = file.create("ImageData1", hdf.SDC.UINT8, (4945, 5593))
    sds.setcompress(hdf.SDC.COMP_DEFLATE, 1)
    sds[:] = np.full((4945, 5593), 7, np.uint8)
    sds.endaccess()
    file.end()
    (tmp_path / f"{GRANULE}.hdf.xml").write_bytes((shared / "data" / "products" / "aster" / f"{GRANULE}.hdf.xml").read_bytes())
    item = open_scene(tmp_path)
    assert scene.acquired(item) == datetime(2000, 5, 3, 4, 4, 46, 534000, UTC)
    assert scene.sun(item) == (86.162211, 75.830363)
    assert item.properties["view:off_nadir"] == 5.721
    assert item.properties["aster:correction"] == "Terrain+Systematic"
    assert scene.position_error_m(item) == 80
    box = scene.native_geobox(item)
    assert str(box.crs) == "EPSG:32648"
    assert tuple(box.affine)[:6] == (15, 0, 252_000 - 7.5, 0, -15, 1_744_560 + 7.5)
    # The XML states the centres of the corner pixels in degrees.
    west, south, east, north = 102.685261260459, 15.0973996420643, 103.472824966208, 15.7742405668264
    assert np.allclose(item.bbox, (west, south, east, north), atol=1.5e-4)
    assert scene.calibration(item) == "toa reflectance"
    value = load(item, GeoBox((2, 2), box.affine, box.crs), bands=("green",)).values[0, 0, 0]
    assert value == pytest.approx(reflectance(np.array(7), 0.676, 1848, elevation=75.830363), rel=SUN)


def test_metadata_alone_are_no_scene(shared):
    with pytest.raises(SceneError, match=r"without its bands.*78838\.hdf"):
        open_scene(shared / "data" / "products" / "aster")


@pytest.mark.parametrize("name", ["{}-VNIR.tif", "{}.VNIR.tif", "{}_VNIR.tif"])
def test_one_geotiff_for_a_telescope(tmp_path, name):
    values = np.stack([pixels(band) for band in ("1", "2", "3N")])
    path = write_raster(tmp_path / name.format(GRANULE), values, box_of("1"))
    item = open_scene(path)
    assert scene.acquired(item) == datetime(2000, 5, 3, 4, 4, 46, tzinfo=UTC)
    assert item.properties["camwatch:date_source"] == "granule name"
    assert scene.band_names(item) == ("green", "red", "nir")
    assert scene.native_geobox(item) == box_of("1")
    np.testing.assert_array_equal(load(item, box_of("1")).values, values)


def test_a_geotiff_stretched_between_pixel_centres_is_put_right(tmp_path):
    """The Planetary Computer took the corner pixels' centres for the raster's corners: half a pixel off at both ends."""
    right, bottom = LEFT + 15 * (COLS - 1), UPPER - 15 * (ROWS - 1)
    wrong = GeoBox((ROWS, COLS), Affine((right - LEFT) / COLS, 0, LEFT, 0, (bottom - UPPER) / ROWS, UPPER), "EPSG:32652")
    values = np.stack([pixels(band) for band in ("1", "2", "3N")])
    item = open_scene(write_raster(tmp_path / f"{GRANULE}-VNIR.tif", values, wrong))
    assert scene.native_geobox(item) == box_of("1")


def test_one_geotiff_for_a_band(tmp_path):
    for band in ("1", "2", "3N"):
        write_raster(tmp_path / f"{GRANULE}_VNIR_B{'03N' if band == '3N' else '0' + band}.tif", pixels(band), box_of(band))
    write_raster(tmp_path / f"{GRANULE}_TIR_B10.tif", pixels("4").astype(np.uint16), box_of("4"))
    item = open_scene(tmp_path)
    assert scene.band_names(item) == ("green", "red", "nir")
    np.testing.assert_array_equal(load(item, box_of("1"), bands=("nir",)).values[0], pixels("3N"))
    write_raster(tmp_path / "export" / f"{GRANULE}_ImageData2.tif", pixels("2").astype(np.uint16), box_of("2"))
    assert scene.band_names(open_scene(tmp_path / "export")) == ("red",)


def test_factors_in_a_geotiffs_tags_are_used(tmp_path):
    path = tmp_path / f"{GRANULE}_VNIR.tif"
    write_raster(path, np.stack([pixels(band) for band in ("1", "2", "3N")]), box_of("1"))
    with rasterio.open(path, "r+") as dataset:
        for n in (1, 2, 3):
            dataset.update_tags(n, REFLECTANCE_GAIN=str(0.002 * n), REFLECTANCE_BIAS=str(-0.002 * n))
    path.with_name(f"{GRANULE}_VNIR_stac.json").write_text(
        json.dumps(
            {
                "type": "Feature",
                "stac_version": "1.0.0",
                "properties": {"datetime": "2000-05-03T04:04:46.5Z", "view:sun_azimuth": 86.5, "view:sun_elevation": 75.5},
            }
        )
    )
    item = open_scene(path)
    assert scene.calibration(item) == "toa reflectance"
    assert scene.sun(item) == (86.5, 75.5)
    np.testing.assert_allclose(load(item, box_of("1"), bands=("red",)).values[0], (pixels("2") - 1.0) * 0.004, atol=1e-6)


def test_the_xml_beside_geotiffs_calibrates_them(tmp_path):
    write_raster(tmp_path / f"{GRANULE}-VNIR.tif", np.stack([pixels(band) for band in ("1", "2", "3N")]), box_of("1"))
    write_raster(tmp_path / f"{GRANULE}_V.tif", np.stack([pixels("1")] * 3), box_of("1"))
    psas = {
        "ASTERGains": "01 LOW, 02 NOR, 3N HGH",
        "Solar_Azimuth_Angle": "80",
        "Solar_Elevation_Angle": "50",
        "CorrectionAchieved": "Terrain+Precision",
    }
    said = "".join(f"<PSA><PSAName>{name}</PSAName><PSAValue>{value}</PSAValue></PSA>" for name, value in psas.items())
    day = "<SingleDateTime><TimeofDay>04:04:47.000000</TimeofDay><CalendarDate>2000-05-03</CalendarDate></SingleDateTime>"
    (tmp_path / f"{GRANULE}.hdf.xml").write_text(
        f"<GranuleMetaDataFile><GranuleURMetaData>{day}<PSAs>{said}</PSAs></GranuleURMetaData></GranuleMetaDataFile>"
    )
    item = open_scene(tmp_path)
    assert scene.acquired(item).second == 47
    assert scene.position_error_m(item) == 0  # matched to control points; the archive gives no figure
    image = load(item, box_of("1"))
    for plane, band, ucc, esun in zip(image.values, ("1", "2", "3N"), (2.25, 1.415, 0.423), (1848, 1549, 1114), strict=True):
        np.testing.assert_allclose(plane, reflectance(pixels(band), ucc, esun), rtol=SUN)


def test_browse_pictures_are_no_data(tmp_path):
    write_raster(tmp_path / f"{GRANULE}_V.tif", np.stack([pixels("1")] * 3), box_of("1"))
    with pytest.raises(SceneError, match=r"without its bands.*browse pictures"):
        open_scene(tmp_path / f"{GRANULE}_V.tif")


def test_an_image_is_read_however_it_is_stored(tmp_path):
    """Written by the format's own library: in one piece, deflated, in linked blocks; the other ways are refused with what to do."""
    hdf = pytest.importorskip("pyhdf.SD")
    path = tmp_path / "a.hdf"
    values = np.arange(40 * 61, dtype=np.uint16).reshape(40, 61)
    file = hdf.SD(str(path), hdf.SDC.WRITE | hdf.SDC.CREATE)
    for name, rows, packing in (
        ("plain", 40, None),
        ("deflated", 40, hdf.SDC.COMP_DEFLATE),
        ("skipped", 40, hdf.SDC.COMP_SKPHUFF),
        ("grown", 0, None),
    ):
        sds = file.create(name, hdf.SDC.UINT16, (rows or hdf.SDC.UNLIMITED, 61))
        if packing is not None:
            sds.setcompress(packing, 2)
        for start in range(0, 40, 40 if rows else 5):
            sds[start : start + (40 if rows else 5)] = values[start : start + (40 if rows else 5)]
        sds.endaccess()
    sds = file.create("external", hdf.SDC.UINT16, (40, 61))
    sds.setexternalfile(str(tmp_path / "other.bin"), 0)
    sds[:] = values
    sds.endaccess()
    file.end()
    for name in ("plain", "deflated", "grown"):
        with open_raster(href_of(path, name)) as dataset:
            np.testing.assert_array_equal(dataset.read([1])[0], values)
            np.testing.assert_array_equal(dataset.read([1], window=Window(7, 3, 20, 30))[0], values[3:33, 7:27])
            np.testing.assert_array_equal(dataset.read([1], out_shape=(1, 20, 61))[0], values[1::2])
            assert dataset.read([1]).dtype == np.uint16
    for name, how in (("skipped", "compressed other than by deflation"), ("external", "in another file")):
        with pytest.raises(SceneError, match=how), open_raster(href_of(path, name)) as dataset:
            dataset.read([1])
    with pytest.raises(SceneError, match="no image nothing"), open_raster(href_of(path, "nothing")):
        pass


def test_flipped_bits_end_in_an_answer_or_one_line(tmp_path):
    whole = write_hdf(tmp_path, bands=("1", "4")).read_bytes()
    rng = np.random.default_rng(4)
    answers, said = 0, []
    for _ in range(200):
        data = bytearray(whole)
        for _ in range(int(rng.choice([1, 3, 10]))):
            data[int(rng.choice([rng.integers(4, 400), rng.integers(len(data) - 3000, len(data))]))] = int(rng.integers(256))
        (tmp_path / f"{GRANULE}.hdf").write_bytes(data)
        try:
            load(open_scene(tmp_path), box_of("1"), bands=("green",))
            answers += 1
        except (SceneError, CoverageError) as error:
            said.append(str(error))
    assert answers > 20
    assert len(said) > 20
    assert not any("\n" in line for line in said)


def test_damaged_and_foreign_files_end_in_one_line(tmp_path):
    whole = write_hdf(tmp_path / "whole").read_bytes()
    for n, content in enumerate((b"", b"<html>please log in</html>", whole[:40], whole[: len(whole) // 2], MAGIC + bytes(300))):
        folder = tmp_path / str(n)
        folder.mkdir()
        (folder / f"{GRANULE}.hdf").write_bytes(content)
        with pytest.raises(SceneError) as caught:
            open_scene(folder)
        assert "\n" not in str(caught.value)
    (tmp_path / "modis").mkdir()
    (tmp_path / "modis" / "MOD09GA.A2005001.hdf").write_bytes(whole)
    with pytest.raises(SceneError, match="kind that camwatch does not read"):
        open_scene(tmp_path / "modis")
    with pytest.raises(SceneError, match="inside an archive"):
        open_scene(zipped(tmp_path / "whole"))


def test_other_levels_are_not_dated_by_their_processing(tmp_path):
    path = write_raster(tmp_path / "AST_07XT_00302012003124657_20250305062641_SRF_VNIR_B01.tif", pixels("1"), box_of("1"))
    with pytest.raises(SceneError, match="level that camwatch does not read; expected AST_L1T"):
        open_scene(path)


def zipped(folder: Path) -> Path:
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w") as out:
        for path in folder.iterdir():
            out.write(path, path.name)
    return folder.with_suffix(".zip")


def test_thirty_metres_begin_where_fifteen_do(tmp_path, monkeypatch):
    """With an even number of 15 m rows the 30 m rows cannot end at the same place; both begin with the centre of their first pixel."""
    monkeypatch.setattr(sys.modules[__name__], "ROWS", 48)
    item = open_scene(write_hdf(tmp_path, attributes=odl()))
    (green, *_, swir) = scene.bands_of(item)
    assert green.geobox.shape == (48, 61)
    assert swir.geobox.shape == (24, 31)
    assert (green.geobox.affine * (0.5, 0.5), swir.geobox.affine * (0.5, 0.5)) == ((LEFT, UPPER), (LEFT, UPPER))


def test_a_table_that_names_itself_ends(tmp_path):
    data = bytearray(write_hdf(tmp_path).read_bytes())
    data[6:10] = (4).to_bytes(4, "big")  # the first block of descriptors says that it is followed by itself
    (tmp_path / f"{GRANULE}.hdf").write_bytes(data)
    assert open_scene(tmp_path).id == GRANULE  # all descriptors of so small a file are in that block


def test_size_and_corners_must_agree(tmp_path):
    wrong = odl()
    wrong["productmetadata.1"] = wrong["productmetadata.1"].replace(str(LEFT), str(LEFT + 400), 1)
    with pytest.raises(SceneError, match="size and corners of the scene disagree"):
        open_scene(write_hdf(tmp_path, attributes=wrong))
    with pytest.raises(SceneError, match="do not place the scene"):
        open_scene(write_hdf(tmp_path / "none", attributes={"coremetadata.0": "END"}))


def test_contents_and_statements(tmp_path):
    contents = read_contents(write_hdf(tmp_path))
    assert contents.images["ImageData10"].dtype == ">u2"
    assert contents.images["ImageData6"].shape == box_of("6").shape
    entries = parse_odl('OBJECT = A\nCLASS = "2"\nVALUE = ("x, y", 1.5,\n 3)\nEND_OBJECT = A\nnoise ) (\nOBJECT=B VALUE="z" END_OBJECT=B')
    assert [(entry.name, entry.number, entry.values) for entry in entries] == [("A", "2", ("x, y", "1.5", "3")), ("B", "", ("z",))]
