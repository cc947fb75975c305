"""Products written here, with every number known, must come back as Items that say the same."""

import io
import json
import pickle
import tarfile
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pystac
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.errors import NotGeoreferencedWarning

from camwatch.errors import MissingInputError, SceneError
from camwatch.rasters import write_raster
from camwatch.scenes import item as scene
from camwatch.scenes import open_scene, scan
from camwatch.scenes.bands import common_name
from camwatch.scenes.dates import from_name, parse_time

BOX = GeoBox((40, 50), Affine(30, 0, 560_000, 0, -30, 4_650_000), "EPSG:32652")
DN = np.arange(1, 2001, dtype=np.uint16).reshape(40, 50) * 10
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # affine 3 about odc-geo's own arithmetic


def write_landsat(folder: Path, *, origin="Image courtesy of the U.S. Geological Survey", mtl="txt") -> Path:
    """A Collection 2 Level 2 OLI product of two bands with its quality layers."""
    stem = "LC08_L2SP_115032_20150710_20200908_02_T1"
    product = folder / stem
    for number in (4, 5):
        write_raster(product / f"{stem}_SR_B{number}.TIF", DN + number, BOX, nodata=0)
    clear = np.full(DN.shape, 1 << 6, np.uint16)
    write_raster(product / f"{stem}_QA_PIXEL.TIF", clear, BOX)
    write_raster(product / f"{stem}_QA_RADSAT.TIF", np.zeros_like(clear), BOX)
    groups = {
        "PRODUCT_CONTENTS": {
            "ORIGIN": origin,
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
            "ROLL_ANGLE": "-0.001",
        },
        "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS": {
            f"REFLECTANCE_{kind}_BAND_{n}": value for n in (4, 5) for kind, value in (("MULT", "2.75e-05"), ("ADD", "-0.2"))
        },
        # Level 2 repeats the Level 1 names and coefficients, which must not be taken.
        "LEVEL1_PROCESSING_RECORD": {"FILE_NAME_BAND_4": "other_B4.TIF"},
        "LEVEL1_RADIOMETRIC_RESCALING": {"REFLECTANCE_MULT_BAND_4": "2.0E-05", "REFLECTANCE_ADD_BAND_4": "-0.1"},
    }
    (product / f"{stem}_MTL.{mtl}").write_text(_spell(groups, mtl))
    return product


def _spell(groups: dict[str, dict[str, str]], mtl: str) -> str:
    if mtl == "json":
        return json.dumps({"LANDSAT_METADATA_FILE": groups})
    if mtl == "xml":
        inner = "".join(f"<{g}>" + "".join(f"<{k}>{v}</{k}>" for k, v in entries.items()) + f"</{g}>" for g, entries in groups.items())
        return f"<?xml version='1.0'?><LANDSAT_METADATA_FILE>{inner}</LANDSAT_METADATA_FILE>"
    lines = ["GROUP = LANDSAT_METADATA_FILE"]
    for group, entries in groups.items():
        lines += [f"  GROUP = {group}", *(f'    {key} = "{value}"' for key, value in entries.items()), f"  END_GROUP = {group}"]
    return "\n".join([*lines, "END_GROUP = LANDSAT_METADATA_FILE", "END", ""]) + "\0" * 40


def write_jp2(path: Path, values: np.ndarray, box: GeoBox) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"count": 1, "height": box.shape[0], "width": box.shape[1], "dtype": values.dtype.name, "crs": str(box.crs), "transform": box.affine}
    with rasterio.open(path, "w", driver="JP2OpenJPEG", QUALITY="100", REVERSIBLE="YES", **profile) as dataset:
        dataset.write(values, 1)


def write_sentinel2(folder: Path, *, offset: int | None, product_type="S2MSI2A", start="", granules=1) -> Path:
    """A Level 2A SAFE folder: two 10 m bands, one 20 m band, the scene classification."""
    safe = folder / "S2A_MSIL2A_20210908T021601_N0400_R003_T52TEL_20210908T060000.SAFE"
    fine = GeoBox((40, 40), Affine(10, 0, 560_000, 0, -10, 4_650_000), "EPSG:32652")
    coarse = GeoBox((20, 20), Affine(20, 0, 560_000, 0, -20, 4_650_000), "EPSG:32652")
    for n in range(granules):
        granule = safe / "GRANULE" / f"L2A_T52TEL_A{n}"
        for band, box, value in (("B02_10m", fine, 1500), ("B04_10m", fine, 2000), ("B11_20m", coarse, 3000), ("SCL_20m", coarse, 4)):
            dtype = np.uint8 if band.startswith("SCL") else np.uint16
            path = granule / "IMG_DATA" / f"R{band[-3:]}" / f"T52TEL_20210908T021601_{band}.jp2"
            write_jp2(path, np.full(box.shape, value, dtype), box)
        (granule / "MTD_TL.xml").write_text(
            "<Tile><SENSING_TIME>2021-09-08T02:19:44.5Z</SENSING_TIME><Mean_Sun_Angle><ZENITH_ANGLE>38.5</ZENITH_ANGLE>"
            "<AZIMUTH_ANGLE>152.25</AZIMUTH_ANGLE></Mean_Sun_Angle></Tile>"
        )
    offsets = "" if offset is None else "".join(f'<BOA_ADD_OFFSET band_id="{n}">{offset - n}</BOA_ADD_OFFSET>' for n in range(13))
    (safe / "MTD_MSIL2A.xml").write_text(
        f"{start}<Product><PRODUCT_URI>{safe.name}</PRODUCT_URI><PRODUCT_TYPE>{product_type}</PRODUCT_TYPE><PROCESSING_BASELINE>04.00</PROCESSING_BASELINE>"
        f"<SPACECRAFT_NAME>Sentinel-2A</SPACECRAFT_NAME><BOA_QUANTIFICATION_VALUE>10000</BOA_QUANTIFICATION_VALUE>{offsets}</Product>"
    )
    return safe


def pack(product: Path, archive: Path) -> Path:
    """Put a folder into an archive as the archives deliver it."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as out:
            for path in sorted(product.rglob("*")):
                out.write(path, path.relative_to(product.parent))
    else:
        with tarfile.open(archive, "w:gz" if archive.suffix == ".gz" else "w") as out:
            out.add(product, arcname=".")
    return archive


@pytest.mark.parametrize("mtl", ["txt", "xml", "json"])
def test_landsat_level_2_says_what_its_mtl_says(tmp_path, mtl):
    item = open_scene(write_landsat(tmp_path, mtl=mtl))
    assert item.id == "LC08_L2SP_115032_20150710_20200908_02_T1"
    assert scene.acquired(item) == datetime(2015, 7, 10, 2, 4, 5, 500_000, UTC)
    assert scene.sun(item) == (189.5, 61.25)
    assert scene.gsd_m(item) == 30
    assert scene.band_names(item) == ("red", "nir")
    assert [(band.scale, band.offset, band.nodata) for band in scene.bands_of(item)] == [(2.75e-05, -0.2, 0.0)] * 2
    assert scene.calibration(item) == "surface reflectance"
    assert scene.cloud_mask(item) == "QA_PIXEL"
    assert item.properties["platform"] == "landsat-8"
    assert item.properties["landsat:correction"] == "L2SP"
    assert not scene.is_simulated(item)
    assert scene.native_geobox(item) == BOX
    assert len(scene.files_of(item)) == 5
    assert all(path.is_file() for path in scene.files_of(item))
    assert pystac.Item.from_dict(item.to_dict()).to_dict() == item.to_dict()


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".zip"])
def test_an_archive_says_the_same_as_its_folder(tmp_path, suffix):
    product = write_landsat(tmp_path)
    packed = open_scene(pack(product, tmp_path / f"product{suffix}"))
    loose = open_scene(product)
    assert packed.properties == loose.properties
    assert scene.files_of(packed) == (tmp_path / f"product{suffix}",)
    assert [band.href.rsplit("/", 1)[-1] for band in scene.bands_of(packed)] == [band.href.rsplit("/", 1)[-1] for band in scene.bands_of(loose)]


def test_landsat_says_simulated_only_where_the_mtl_does(tmp_path):
    assert scene.is_simulated(open_scene(write_landsat(tmp_path, origin="SIMULATED by camwatch")))


def test_sentinel2_reads_its_offset_for_each_band_from_the_metadata(tmp_path):
    item = open_scene(write_sentinel2(tmp_path, offset=-1000))
    # The offsets written differ by band (−1000 − band_id), so that a value of another band would be seen.
    assert {band.name: round(band.offset, 6) for band in scene.bands_of(item)} == {"blue": -0.1001, "red": -0.1003, "swir16": -0.1011}
    assert {band.scale for band in scene.bands_of(item)} == {1e-4}
    assert scene.acquired(item) == datetime(2021, 9, 8, 2, 19, 44, 500_000, UTC)
    assert scene.sun(item) == (152.25, 51.5)
    assert scene.gsd_m(item) == 10
    assert scene.gsd_m(item, ("swir16",)) == 20
    assert scene.cloud_mask(item) == "SCL"
    assert scene.calibration(item) == "surface reflectance"
    assert item.properties["s2:processing_baseline"] == "04.00"
    assert not scene.is_simulated(item)


def test_sentinel2_without_an_offset_has_none_and_may_lie_in_a_zip(tmp_path):
    item = open_scene(pack(write_sentinel2(tmp_path, offset=None, product_type="SIMULATED S2MSI2A"), tmp_path / "s2.zip"))
    assert {band.offset for band in scene.bands_of(item)} == {0.0}
    assert scene.is_simulated(item)


def test_metadata_that_expands_itself_is_refused(tmp_path):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    with pytest.raises(SceneError, match="declares entities"):
        open_scene(write_sentinel2(tmp_path, offset=None, start=bomb))


def test_two_granules_are_two_scenes(tmp_path):
    with pytest.raises(SceneError, match="holds 2 scenes"):
        open_scene(write_sentinel2(tmp_path, offset=None, granules=2))


def write_plain(path: Path, *, count=3, tags=None, box=BOX, dtype=np.uint8, **options) -> Path:
    return write_raster(path, np.ones((count, *box.shape), dtype), box, tags=tags, **options)


@pytest.mark.parametrize(
    ("name", "tags", "given", "expected"),
    [
        ("camp_20110529.tif", None, None, "2011-05-29T00:00:00Z file name"),
        ("camp_20110529.tif", {"capture_date": "2012-01-02T03:04:05.000Z"}, None, "2012-01-02T03:04:05Z tag capture_date"),
        ("camp.tif", {"TIFFTAG_DATETIME": "2013:04:05 06:07:08"}, None, "2013-04-05T06:07:08Z tag TIFFTAG_DATETIME"),
        (
            "camp.tif",
            {"TIFFTAG_DATETIME": "2020:01:01 00:00:00", "ACQUISITIONDATETIME": "2013-04-05"},
            None,
            "2013-04-05T00:00:00Z tag ACQUISITIONDATETIME",
        ),
        ("camp_20110529.tif", {"capture_date": "2012-01-02"}, "2010-03-04", "2010-03-04T00:00:00Z argument"),
        ("camp.tif", None, date(2010, 3, 4), "2010-03-04T00:00:00Z argument"),
    ],
)
def test_the_date_of_a_raster_and_where_it_comes_from(tmp_path, name, tags, given, expected):
    item = open_scene(write_plain(tmp_path / name, tags=tags), date=given)
    assert f"{scene.acquired(item):%Y-%m-%dT%H:%M:%SZ} {item.properties['camwatch:date_source']}" == expected


def test_a_raster_without_a_date_names_the_options(tmp_path):
    with pytest.raises(SceneError, match=r"--before-date / --after-date"):
        open_scene(write_plain(tmp_path / "camp.tif"))
    with pytest.raises(SceneError, match="given date is no date"):
        open_scene(write_plain(tmp_path / "camp.tif"), date="yesterday")


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("20110529", (2011, 5, 29)),
        ("a_2011-05-29_b", (2011, 5, 29)),
        ("2011149", (2011, 5, 29)),
        ("LT52240631988227CUB02", (1988, 8, 14)),
        ("m_4709963_se_14_1_20090818", (2009, 8, 18)),
        ("LC08_L2SP_005009_20150710_20200908_02_T2", (2015, 7, 10)),
        ("20170831_172754_101c_3B_AnalyticMS", (2017, 8, 31, 17, 27, 54)),
        ("S2B_MSIL1C_20170719T000219_N0205", (2017, 7, 19, 0, 2, 19)),
        ("joplin-tornado_00000000", None),
        ("1985", None),
        ("t1", None),
        ("20111329", None),
        ("99990101", None),
        ("120110529", None),
        ("20110230_20110301", (2011, 3, 1)),
        ("2011366", None),
    ],
)
def test_dates_in_names(stem, expected):
    assert from_name(stem) == (None if expected is None else datetime(*expected, tzinfo=UTC))


def test_a_zone_in_a_tag_is_honoured():
    assert parse_time("2011-05-29T01:00:00+09:00") == datetime(2011, 5, 28, 16, tzinfo=UTC)


def test_a_sidecar_item_gives_date_sun_angles_and_resolution(tmp_path):
    write_plain(tmp_path / "camp_20010101.tif")
    properties = {
        "datetime": "2014-05-06T02:03:04Z",
        "view:sun_azimuth": 150.5,
        "view:sun_elevation": 40,
        "view:off_nadir": 12.5,
        "gsd": 0.5,
        "platform": "x-1",
        "camwatch:simulated": True,
    }
    asset = {"href": "./camp_20010101.tif", "bands": [{"name": "b", "eo:common_name": c} for c in ("blue", "green", "red")]}
    side = {"type": "Feature", "stac_version": "1.0.0", "id": "x", "properties": properties, "assets": {"image": asset}}
    (tmp_path / "camp_20010101.json").write_text(json.dumps(side))
    item = open_scene(tmp_path / "camp_20010101.tif")
    assert scene.acquired(item) == datetime(2014, 5, 6, 2, 3, 4, tzinfo=UTC)
    assert scene.sun(item) == (150.5, 40.0)
    assert scene.sensor_gsd_m(item) == 0.5
    assert scene.gsd_m(item) == 30  # a copy reduced to pixels of 30 m shows no more than they do
    assert item.properties["view:off_nadir"] == 12.5
    assert scene.is_simulated(item)
    assert [band.index for band in scene.bands_of(item)] == [1, 2, 3]
    assert scene.band_names(item) == ("blue", "green", "red")
    assert len(scan(tmp_path).items) == 1  # the raster and its Item are one scene


def test_an_oversampled_delivery_shows_no_more_than_its_sensor_saw(tmp_path):
    write_plain(tmp_path / "camp_20010101.tif")
    item = {"type": "Feature", "stac_version": "1.0.0", "id": "x", "properties": {"datetime": "2014-05-06T02:03:04Z", "gsd": 45}, "assets": {}}
    (tmp_path / "camp_20010101.json").write_text(json.dumps(item))
    seen = open_scene(tmp_path / "camp_20010101.tif")
    assert (scene.gsd_m(seen), scene.gsd_m(seen, scene.band_names(seen))) == (45, 45)


def test_a_stac_item_beside_its_rasters(tmp_path):
    write_plain(tmp_path / "p" / "ms.tif", count=2, dtype=np.uint16)
    write_plain(tmp_path / "p" / "pan.tif", count=1, dtype=np.uint16)
    assets = {
        "ms": {
            "href": "./p/ms.tif",
            "eo:bands": [{"name": "x", "common_name": "red"}, {"common_name": "nir"}],
            "raster:bands": [{"scale": 1e-4, "offset": -0.1, "nodata": 7}] * 2,
        },
        "pan": {"href": "p/pan.tif", "bands": [{"eo:common_name": "pan", "raster:scale": 2e-4}]},
        "remote": {"href": "https://example.org/x.tif", "bands": [{"eo:common_name": "blue"}]},
    }
    document = {"type": "Feature", "stac_version": "1.0.0", "id": "mine", "properties": {"datetime": "2014-05-06T02:03:04Z"}, "assets": assets}
    (tmp_path / "item.json").write_text(json.dumps(document))
    for item in (open_scene(tmp_path / "item.json"), open_scene(tmp_path)):
        assert scene.band_names(item) == ("pan", "red", "nir")
        assert [(b.scale, b.offset, b.nodata) for b in scene.bands_of(item)] == [(2e-4, 0, None), (1e-4, -0.1, 7), (1e-4, -0.1, 7)]
        assert scene.calibration(item) == "toa reflectance"
    with pytest.raises(SceneError, match="contradicts"):
        open_scene(tmp_path / "item.json", date="2013-05-06")
    assert len(scan(tmp_path).items) == 1


def test_band_names_from_descriptions_colours_and_count(tmp_path):
    def names(count, **options):
        return scene.band_names(open_scene(write_plain(tmp_path / "x_20110101.tif", count=count, **options)))

    assert names(1) == ("pan",)
    assert names(4, bands=("B2 Blue", "Green", "red", "NIR1")) == ("blue", "green", "red", "nir")
    assert names(5) == ("b1", "b2", "b3", "b4", "b5")
    assert names(4, dtype=np.uint16, bands=("red edge 1", "red edge 2", "blue", "?")) == ("blue", "b1", "b2", "b4")
    profile = {"driver": "GTiff", "height": 40, "width": 50, "dtype": "uint8", "crs": "EPSG:32652", "transform": BOX.affine}
    for alpha, expected in (("NO", ("blue", "green", "red", "nir")), ("YES", ("blue", "green", "red"))):
        with rasterio.open(tmp_path / "y_20110101.tif", "w", count=4, photometric="RGB", alpha=alpha, **profile) as dataset:
            dataset.write(np.ones((4, 40, 50), np.uint8))
        assert scene.band_names(open_scene(tmp_path / "y_20110101.tif")) == expected


@pytest.mark.parametrize(
    ("text", "name"), [("Near Infrared", "nir"), ("red edge", "rededge"), ("SWIR 1 (1.6 um)", "swir16"), ("covered", ""), ("Band 1 (Blue)", "blue")]
)
def test_common_names(text, name):
    assert common_name(text) == name


def test_tags_of_a_raster_give_sun_and_simulation(tmp_path):
    tags = {"sun_azimuth": "140.5", "sun_elevation": "64.25", "off_nadir_angle": "10", "TIFFTAG_IMAGEDESCRIPTION": "SIMULATED scene"}
    item = open_scene(write_plain(tmp_path / "x_20110101.tif", tags=tags))
    assert scene.sun(item) == (140.5, 64.25)
    assert scene.is_simulated(item)
    assert not scene.is_simulated(open_scene(write_plain(tmp_path / "y_20110101.tif")))
    assert scene.sun(open_scene(tmp_path / "y_20110101.tif")) is None


def test_an_item_travels(tmp_path):
    item = open_scene(write_landsat(tmp_path))
    written = json.loads(json.dumps(item.to_dict()))
    for copy in (pickle.loads(pickle.dumps(item)), pystac.Item.from_dict(item.to_dict()), pystac.Item.from_dict(written)):
        assert scene.bands_of(copy) == scene.bands_of(item)
        assert scene.masks_of(copy) == scene.masks_of(item)
        assert scene.acquired(copy) == scene.acquired(item)


def test_scan_counts_each_product_once_and_goes_on_after_a_bad_one(tmp_path):
    product = write_landsat(tmp_path / "downloads")
    write_plain(product / "LC08_L2SP_115032_20150710_20200908_02_T1_ST_B10.TIF", count=1)  # a file of the product that camwatch does not use
    write_sentinel2(tmp_path / "downloads", offset=-1000)
    pack(product, tmp_path / "again.tar")
    write_plain(tmp_path / "loose" / "camp_20110529.tif")
    (tmp_path / "loose" / "broken_20110529.tif").write_bytes(b"II*\0 nothing")
    (tmp_path / "loose" / "notes.txt").write_text("no scene")
    (tmp_path / "loose" / "other.zip").write_bytes(b"no archive")
    catalogue = scan(tmp_path)
    assert [item.properties["camwatch:family"] for item in catalogue.items] == ["raster", "landsat", "landsat", "sentinel2"]
    assert [entry.path.name for entry in catalogue.unreadable] == ["broken_20110529.tif", "other.zip"]
    assert all("\n" not in entry.reason and entry.reason for entry in catalogue.unreadable)
    again = scan(tmp_path)
    assert [item.to_dict() for item in again.items] == [item.to_dict() for item in catalogue.items]


def test_a_folder_without_scenes(tmp_path):
    (tmp_path / "notes.txt").write_text("no scene")
    assert scan(tmp_path).items == ()
    assert scan(tmp_path).unreadable == ()
    with pytest.raises(SceneError, match="no scene in this folder"):
        open_scene(tmp_path)


def test_a_folder_with_a_choice_of_scenes_is_no_scene(tmp_path):
    for name in ("a_20110101.tif", "b_20110102.tif"):
        write_plain(tmp_path / name)
    with pytest.raises(SceneError, match=r"holds 2 scenes.*a_20110101.tif, b_20110102.tif"):
        open_scene(tmp_path)


def test_what_does_not_exist(tmp_path):
    for call in (open_scene, scan):
        with pytest.raises(MissingInputError, match="no such file or folder"):
            call(tmp_path / "nothing.tif")


def test_a_truncated_tiff_is_named_as_such(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (1, 300, 300), np.uint8)
    whole = write_raster(tmp_path / "a_20110529.tif", noise, GeoBox((300, 300), BOX.affine, BOX.crs))
    for share in (0.9, 0.5, 0.001):
        short = tmp_path / "b_20110529.tif"
        short.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
        with pytest.raises(SceneError, match=r"cut short|not a raster") as caught:
            open_scene(short)
        assert "\n" not in str(caught.value)


def test_a_vrt_is_never_opened(tmp_path):
    source = write_plain(tmp_path / "source_20110529.tif")
    vrt = (
        f'<VRTDataset rasterXSize="50" rasterYSize="40"><SRS>EPSG:32652</SRS><GeoTransform>560000, 30, 0, 4650000, 0, -30</GeoTransform>'
        f'<VRTRasterBand dataType="Byte" band="1"><SimpleSource><SourceFilename>{source}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>'
    )
    for name in ("camp_20110529.tif", "camp_20110529.vrt"):
        (tmp_path / name).write_text(vrt)
        with pytest.raises(SceneError, match="not a raster"):
            open_scene(tmp_path / name)


def test_archives_that_point_outside_themselves_are_refused(tmp_path):
    for name in ("../x_20110529.tif", "/etc/x_20110529.tif", "a/../../x_20110529.tif", "..\\x_20110529.tif"):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
            out.writestr(name, b"")
        with tarfile.open(tmp_path / "a.tar", "w") as out:
            out.addfile(tarfile.TarInfo(name), io.BytesIO())
        for archive in ("a.zip", "a.tar"):
            with pytest.raises(SceneError, match="points outside"):
                open_scene(tmp_path / archive)


def test_an_mtl_cannot_name_files_elsewhere(tmp_path):
    product = write_landsat(tmp_path)
    mtl = next(product.glob("*_MTL.txt"))
    mtl.write_text(mtl.read_text().replace("LC08_L2SP_115032_20150710_20200908_02_T1_SR_B", "../../other/B"))
    with pytest.raises(SceneError, match="MTL without pixels"):
        open_scene(product)


def test_what_cannot_be_placed_or_is_no_imagery(tmp_path):
    profile = {"driver": "GTiff", "width": 50, "height": 40, "count": 1, "dtype": "uint8"}
    with pytest.warns(NotGeoreferencedWarning), rasterio.open(tmp_path / "a_20110101.tif", "w", crs="EPSG:32652", **profile) as dataset:
        dataset.write(np.ones((1, 40, 50), np.uint8))
    with pytest.raises(SceneError, match="no georeference"):
        open_scene(tmp_path / "a_20110101.tif")
    with rasterio.open(tmp_path / "p_20110101.tif", "w", crs="EPSG:32652", transform=BOX.affine, photometric="palette", **profile) as dataset:
        dataset.write(np.ones((1, 40, 50), np.uint8))
        dataset.write_colormap(1, {0: (0, 0, 0, 255), 1: (255, 0, 0, 255)})
    with pytest.raises(SceneError, match="palette"):
        open_scene(tmp_path / "p_20110101.tif")


def test_degrees_and_mercator_give_metres_on_the_ground(tmp_path):
    degree = 0.5 / 111_320  # 0.5 m north-south
    lonlat = GeoBox((40, 50), Affine(degree, 0, 129.0, 0, -degree, 42.0), "EPSG:4326")
    mercator = GeoBox((40, 50), Affine(1, 0, 14_360_000, 0, -1, 5_160_000), "EPSG:3857")
    cos = np.cos(np.radians(42.0))
    # A degree of longitude is cos(latitude) of one of latitude, a Web Mercator metre is cos(latitude) metres; the sphere is good to 1 %.
    assert scene.gsd_m(open_scene(write_plain(tmp_path / "a_20110101.tif", box=lonlat))) == pytest.approx(0.5 * cos**0.5, rel=0.01)
    assert scene.gsd_m(open_scene(write_plain(tmp_path / "b_20110101.tif", box=mercator))) == pytest.approx(cos, rel=0.01)
