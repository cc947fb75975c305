"""Windows of an archive's rasters come back with the numbers that the archive's own metadata gives them, whatever the server does meanwhile."""

import collections
import hashlib
import json
import random
import sys
import time
from contextlib import contextmanager
from datetime import UTC, date, datetime

import numpy as np
import pystac
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.io import MemoryFile
from rasterio.windows import Window, from_bounds
from shapely.affinity import translate
from shapely.geometry import box, mapping

from camwatch.aoi import LONLAT, reproject
from camwatch.cli import execute
from camwatch.errors import ConfigError, SceneError
from camwatch.imagery import load
from camwatch.pipeline.fetch import Wanted, fetch_scenes
from camwatch.scenes import item as scene
from camwatch.scenes import open_scene, scan
from camwatch.scenes.fetching import search as searching
from camwatch.scenes.fetching.cog import widened
from camwatch.scenes.fetching.layouts import contents
from camwatch.scenes.fetching.ranges import RemoteFile
from camwatch.scenes.fetching.remote import Answer, Http, Patience, is_inward
from camwatch.scenes.fetching.search import Query, search
from camwatch.scenes.fetching.sentinel2 import of_product
from servers import archive, rustac

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # affine 3 about odc-geo's own arithmetic

CRS = "EPSG:32652"
FINE = GeoBox((1500, 1500), Affine(10, 0, 560_000, 0, -10, 4_650_000), CRS)
COARSE = GeoBox((750, 750), Affine(20, 0, 560_000, 0, -20, 4_650_000), CRS)
AREA = reproject(box(566_000, 4_641_000, 567_000, 4_642_000), CRS, LONLAT)
FOOTPRINT = reproject(box(560_000, 4_635_000, 575_000, 4_650_000), CRS, LONLAT)
QUICK = Patience(attempts=3, delay_s=0.01, longest_s=2.0, stall_s=0.5, answer_s=1.0)
MARGIN = 200.0


def cog(values: np.ndarray, grid: GeoBox, nodata: float | None = 0) -> bytes:
    """A cloud optimised GeoTIFF as the archives hold them."""
    profile = {"count": 1, "height": grid.shape[0], "width": grid.shape[1], "dtype": values.dtype.name, "crs": str(grid.crs)}
    with MemoryFile() as memory, MemoryFile() as out:
        with memory.open(driver="GTiff", transform=grid.affine, nodata=nodata, **profile) as dataset:
            dataset.write(values, 1)
        with memory.open() as dataset:
            rasterio.shutil.copy(dataset, out.name, driver="COG", COMPRESS="DEFLATE", BLOCKSIZE=256)
        return bytes(out.read())


def noise(grid: GeoBox, seed: int, low=1200, high=6000) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high, grid.shape, dtype=np.uint16)


def classes(grid: GeoBox) -> np.ndarray:
    """A scene classification: bare ground with a rectangle of cloud inside the area."""
    values = np.full(grid.shape, 5, np.uint8)
    row, col = int((4_650_000 - 4_641_600) / 20), int((566_400 - 560_000) / 20)
    values[row : row + 10, col : col + 10] = 9
    return values


RED, NIR, SWIR, SCL = noise(FINE, 1), noise(FINE, 2), noise(COARSE, 3), classes(COARSE)
FILES = {"/s2/B04.tif": cog(RED, FINE), "/s2/B08.tif": cog(NIR, FINE), "/s2/B11.tif": cog(SWIR, COARSE), "/s2/SCL.tif": cog(SCL, COARSE)}
MTD = b"""<?xml version="1.0"?><n1:Level-2A_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-2A.xsd"><n1:General_Info>
<Special_Values><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX></Special_Values>
<BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE><BOA_ADD_OFFSET_VALUES_LIST>%s</BOA_ADD_OFFSET_VALUES_LIST>
</n1:General_Info></n1:Level-2A_User_Product>""" % b"".join(b'<BOA_ADD_OFFSET band_id="%d">%d</BOA_ADD_OFFSET>' % (n, -1000 - n) for n in range(13))


def item(name="S2A_T52TEM_20210908", *, when="2021-09-08T02:19:44.5Z", collection="sentinel-2-l2a", assets=None, footprint=FOOTPRINT, **said) -> dict:
    properties = {"datetime": when, "platform": "sentinel-2a", "instruments": ["msi"], "eo:cloud_cover": 3.5, **said}
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [],
        "id": name,
        "collection": collection,
        "geometry": mapping(footprint),
        "bbox": list(footprint.bounds),
        "properties": properties,
        "assets": assets,
        "links": [],
    }


def earth_search(home: str, *, offset=-0.1, applied=None, folder="s2", **more) -> dict:
    """An Item as Earth Search lays it out."""

    def band(key: str, file: str, common: str) -> dict:
        raster = {"nodata": 0, "data_type": "uint16", "scale": 0.0001, "offset": offset}
        return {
            "href": f"{home}/{folder}/{file}.tif",
            "type": "image/tiff; application=geotiff; profile=cloud-optimized",
            "roles": ["data", "reflectance"],
            "eo:bands": [{"name": key, "common_name": common}],
            "raster:bands": [raster],
        }

    assets = {
        "red": band("red", "B04", "red"),
        "nir": band("nir", "B08", "nir"),
        "swir16": band("swir16", "B11", "swir16"),
        "scl": {"href": f"{home}/{folder}/SCL.tif", "roles": ["data", "reflectance"], "raster:bands": [{"nodata": 0, "data_type": "uint8"}]},
        "visual": {"href": f"{home}/{folder}/TCI.tif", "roles": ["visual"], "eo:bands": [{"name": "red", "common_name": "red"}]},
        "thumbnail": {"href": f"{home}/{folder}/thumb.jpg", "roles": ["thumbnail"]},
    }
    flag = {} if applied is None else {"earthsearch:boa_offset_applied": applied}
    return item(assets=assets, **{"view:sun_azimuth": 152.25, "view:sun_elevation": 51.5, "s2:processing_baseline": "04.00", **flag, **more})


def planetary(home: str, **more) -> dict:
    """An Item as the Planetary Computer lays it out: no `raster:bands`, the sun in words of its own."""
    bands = {"B04": ("red", "B04"), "B08": ("nir", "B08"), "B11": ("swir16", "B11")}
    assets: dict = {
        key: {"href": f"{home}/s2/{f}.tif", "roles": ["data"], "eo:bands": [{"name": key, "common_name": c}]} for key, (c, f) in bands.items()
    }
    assets["SCL"] = {"href": f"{home}/s2/SCL.tif", "roles": ["data"]}
    assets["product-metadata"] = {"href": f"{home}/s2/MTD_MSIL2A.xml", "roles": ["metadata"]}
    return item(assets=assets, **{"s2:mean_solar_azimuth": 152.25, "s2:mean_solar_zenith": 38.5, "s2:processing_baseline": "04.00", **more})


def query(**changes) -> Query:
    return Query(**{"collection": "sentinel-2-l2a", "area": AREA, "since": date(2021, 9, 1), "until": date(2021, 9, 30), **changes})


def silent(_what, _done, _total):
    """Tell nobody."""


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with archive() as running:
        running.files |= FILES | {"/s2/MTD_MSIL2A.xml": MTD}
        yield running


def fetch(server, out, *items, api="", **changes):
    server.pages = [list(items)]
    wanted = Wanted(**{"api": api or f"{server.address}/stac", "margin_m": MARGIN, "patience": QUICK, **changes})
    return fetch_scenes(query(), wanted, out, progress=silent)


def window_in(grid: GeoBox) -> Window:
    """The pixels that show the area and its margin, worked out point by point along its border."""
    west, south, east, north = widened(AREA.bounds, MARGIN)
    t = np.linspace(0, 1, 200)
    lon = np.concatenate([west + t * (east - west)] * 2 + [np.full(200, west), np.full(200, east)])
    lat = np.concatenate([np.full(200, south), np.full(200, north)] + [south + t * (north - south)] * 2)
    from pyproj import Transformer

    x, y = Transformer.from_crs(4326, 32652, always_xy=True).transform(lon, lat)
    side = grid.affine.a
    left, top = int((x.min() - 560_000) // side), int((4_650_000 - y.max()) // side)
    right, bottom = int(-((560_000 - x.max()) // side)), int(-((y.min() - 4_650_000) // side))
    return Window(left, top, right - left, bottom - top)


def cut(values: np.ndarray, grid: GeoBox) -> np.ndarray:
    window = window_in(grid)
    return values[window.row_off : window.row_off + window.height, window.col_off : window.col_off + window.width]


# --- what is brought -------------------------------------------------------------------------------------------------------------------------------


def test_a_fetched_scene_is_the_window_of_the_source_and_reads_as_reflectance(server, tmp_path):
    report = fetch(server, tmp_path, earth_search(server.address))
    assert (len(report.fetched), report.refused) == (1, ())
    folder = tmp_path / "sentinel-2-l2a" / "S2A_T52TEM_20210908"
    assert sorted(p.name for p in folder.iterdir()) == ["S2A_T52TEM_20210908.json", "nir.tif", "red.tif", "scl.tif", "swir16.tif"]
    for name, values, grid in (("red", RED, FINE), ("nir", NIR, FINE), ("swir16", SWIR, COARSE), ("scl", SCL, COARSE)):
        with rasterio.open(folder / f"{name}.tif") as dataset:
            window = window_in(grid)
            assert dataset.transform == grid.affine * Affine.translation(window.col_off, window.row_off)
            assert dataset.crs.to_epsg() == 32652
            assert dataset.nodata == 0
            assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            np.testing.assert_array_equal(dataset.read(1), cut(values, grid))

    found = open_scene(folder)
    assert scene.acquired(found) == datetime(2021, 9, 8, 2, 19, 44, 500_000, UTC)
    assert scene.band_names(found) == ("red", "nir", "swir16")
    assert (scene.sun(found), scene.calibration(found), scene.cloud_mask(found)) == ((152.25, 51.5), "surface reflectance", "SCL")
    assert (scene.gsd_m(found), found.properties["platform"]) == (10, "sentinel-2a")
    image = load(found, scene.native_geobox(found), bands=("red", "nir"))
    for name, values in (("red", RED), ("nir", NIR)):
        np.testing.assert_array_equal(image.band(name), (cut(values, FINE) * np.float32(0.0001) + np.float32(-0.1)).astype(np.float32))
    clouded = np.kron(SCL == 9, np.ones((2, 2), bool))
    np.testing.assert_array_equal(image.valid, ~cut(clouded, FINE))
    assert 0 < (~image.valid).sum() < image.valid.size


def test_only_the_window_travels(server, tmp_path):
    report = fetch(server, tmp_path, earth_search(server.address))
    whole = sum(len(server.files[path]) for path in FILES)
    assert server.sent < 0.25 * whole
    assert report.received_bytes <= server.sent
    assert all(asked.startswith("bytes=") for path, asked in server.asked if path.endswith(".tif"))


def test_the_item_states_hashes_sources_and_is_stac(server, tmp_path):
    fetch(server, tmp_path, earth_search(server.address))
    path = tmp_path / "sentinel-2-l2a" / "S2A_T52TEM_20210908" / "S2A_T52TEM_20210908.json"
    said = json.loads(path.read_text())
    red = said["assets"]["red"]
    data = (path.parent / "red.tif").read_bytes()
    assert (red["href"], red["file:size"], red["file:checksum"]) == ("./red.tif", len(data), "1220" + hashlib.sha256(data).hexdigest())
    assert red["camwatch:source"] == {"asset": "red", "href": f"{server.address}/s2/B04.tif"}
    assert red["raster:bands"] == [{"data_type": "uint16", "nodata": 0, "scale": 0.0001, "offset": -0.1}]
    origin = f"{server.address}/stac/collections/sentinel-2-l2a/items/S2A_T52TEM_20210908"
    assert {link["rel"]: link["href"] for link in said["links"]}["derived_from"] == origin
    assert box(*said["bbox"]).contains(AREA)
    assert box(*said["bbox"]).area < 0.1 * FOOTPRINT.area
    assert not set(said["assets"]) & {"visual", "thumbnail"}
    again = pystac.Item.from_file(str(path))
    assert (again.datetime, again.assets["red"].get_absolute_href()) == (
        datetime(2021, 9, 8, 2, 19, 44, 500_000, UTC),
        str(path.with_name("red.tif")),
    )


def test_the_same_fetch_writes_the_same_bytes(server, tmp_path):
    for name in ("one", "two"):
        fetch(server, tmp_path / name, earth_search(server.address))
    files = [sorted((tmp_path / name).rglob("*.*")) for name in ("one", "two")]
    assert [p.read_bytes() for p in files[0] if p.is_file()] == [p.read_bytes() for p in files[1] if p.is_file()]


def test_scan_sees_one_scene_and_nothing_unreadable(server, tmp_path):
    fetch(server, tmp_path, earth_search(server.address))
    catalogue = scan(tmp_path)
    assert ([found.id for found in catalogue.items], catalogue.unreadable) == (["S2A_T52TEM_20210908"], ())


def test_jpeg_2000_and_rasters_of_several_bands_come_too(server, tmp_path):
    grid = GeoBox((400, 400), Affine(10, 0, 564_000, 0, -10, 4_644_000), CRS)
    planes = np.stack([noise(grid, n) for n in range(3)])
    for name, driver, options in (("a.jp2", "JP2OpenJPEG", {"QUALITY": "100", "REVERSIBLE": "YES"}), ("b.tif", "GTiff", {"tiled": True})):
        profile = {"driver": driver, "count": 3, "height": 400, "width": 400, "dtype": "uint16", "crs": CRS, "transform": grid.affine, **options}
        with rasterio.open(tmp_path / name, "w", **profile) as dataset:
            dataset.write(planes)
        server.files[f"/{name}"] = (tmp_path / name).read_bytes()
        eo = [{"name": f"x{n}", "common_name": common} for n, common in enumerate(("nir", "red", "green"))]
        document = item(name[0], collection="aerial", assets={"image": {"href": f"{server.address}/{name}", "roles": ["data"], "eo:bands": eo}})
        server.pages = [[document]]
        wanted = Wanted(f"{server.address}/stac", margin_m=MARGIN, patience=QUICK)
        report = fetch_scenes(query(collection="aerial"), wanted, tmp_path / "out", progress=silent)
        assert report.refused == ()
        with rasterio.open(report.fetched[0][1].with_name("image.tif")) as dataset:
            col, row = ~grid.affine * (dataset.transform.c, dataset.transform.f)
            window = planes[:, round(row) : round(row) + dataset.height, round(col) : round(col) + dataset.width]
            np.testing.assert_array_equal(dataset.read(), window)
        found = open_scene(report.fetched[0][1])
        assert (scene.band_names(found), scene.calibration(found)) == (("green", "red", "nir"), "dn")


# --- how the numbers are meant ---------------------------------------------------------------------------------------------------------------------


def offsets(out) -> dict[str, float]:
    return {band.name: band.offset for band in scene.bands_of(open_scene(next(out.rglob("S2A_*.json"))))}


def test_an_offset_that_earth_search_has_applied_is_not_applied_again(server, tmp_path):
    fetch(server, tmp_path, earth_search(server.address, applied=True))
    assert offsets(tmp_path) == {"red": 0, "nir": 0, "swir16": 0}


def test_an_offset_that_is_still_to_be_applied_is_kept(server, tmp_path):
    fetch(server, tmp_path, earth_search(server.address, applied=False))
    assert offsets(tmp_path) == {"red": -0.1, "nir": -0.1, "swir16": -0.1}


def test_a_flag_that_the_pixels_deny_is_refused(server, tmp_path):
    dark = np.maximum(RED // 8, 1)  # 150 to 750: the offset has been taken off already
    server.files["/s2/B04.tif"] = cog(dark, FINE)
    report = fetch(server, tmp_path, earth_search(server.address, applied=False))
    assert report.fetched == ()
    assert "the pixels deny it" in report.refused[0][1]
    assert "sentinel-2-c1-l2a" in report.refused[0][1]
    # Where the archive says nothing of the kind, dark ground is dark ground.
    assert fetch(server, tmp_path, earth_search(server.address, applied=True)).refused == ()


def test_planetary_computer_offsets_come_from_the_product_metadata(server, tmp_path):
    report = fetch(server, tmp_path, planetary(server.address))
    assert report.refused == ()
    # band_id 3, 7 and 11 have offsets of their own in the metadata.
    assert offsets(tmp_path) == pytest.approx({"red": -0.1003, "nir": -0.1007, "swir16": -0.1011})
    found = open_scene(next(tmp_path.rglob("S2A_*.json")))
    assert scene.sun(found) == (152.25, 51.5)
    said = json.loads(next(tmp_path.rglob("S2A_*.json")).read_text())["properties"]["camwatch:calibrated_by"]
    assert said == {"href": f"{server.address}/s2/MTD_MSIL2A.xml", "sha256": hashlib.sha256(MTD).hexdigest()}


def test_products_without_an_offset_list_have_none(server, tmp_path):
    server.files["/s2/MTD_MSIL2A.xml"] = MTD.replace(b"BOA_ADD_OFFSET band_id", b"OTHER band_id").replace(b"/BOA_ADD_OFFSET>", b"/OTHER>")
    fetch(server, tmp_path, planetary(server.address))
    assert offsets(tmp_path) == {"red": 0, "nir": 0, "swir16": 0}


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        (None, "does not say how its numbers are meant"),
        (b"<html>log in", "product metadata cannot be read"),
        (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "product metadata cannot be read"),
        (MTD.replace(b'band_id="3"', b'band_id="33"'), "states no calibration"),
        (MTD.replace(b">10000<", b">0<"), "states no calibration"),
    ],
)
def test_numbers_without_a_meaning_are_refused_not_guessed(server, tmp_path, metadata, words):
    document = planetary(server.address)
    if metadata is None:
        del document["assets"]["product-metadata"]
    else:
        server.files["/s2/MTD_MSIL2A.xml"] = metadata
    report = fetch(server, tmp_path, document)
    assert words in report.refused[0][1]
    assert not list(tmp_path.rglob("*.tif*"))


def test_landsat_says_scale_masks_and_band_numbers(server, tmp_path):
    grid = GeoBox((500, 500), Affine(30, 0, 560_000, 0, -30, 4_650_000), CRS)
    dn = noise(grid, 5, 7300, 40000)
    quality = np.full(grid.shape, 1 << 6, np.uint16)
    quality[290:300, 205:215] = 1 << 3
    for name, values in (("SR_B4", dn), ("SR_B5", dn + 1), ("QA_PIXEL", quality), ("QA_RADSAT", np.zeros_like(quality))):
        server.files[f"/l8/LC08_L2SP_115031_20210908_{name}.TIF"] = cog(values, grid, None if name.startswith("QA") else 0)

    def asset(name: str, *numbers: dict) -> dict:
        return {"href": f"{server.address}/l8/LC08_L2SP_115031_20210908_{name}.TIF", "roles": ["data"], "raster:bands": list(numbers)}

    scaled = {"scale": 2.75e-05, "offset": -0.2, "nodata": 0}
    assets = {"red": asset("SR_B4", scaled), "nir08": asset("SR_B5", scaled), "qa_pixel": asset("QA_PIXEL"), "qa_radsat": asset("QA_RADSAT")}
    sun = {"view:sun_azimuth": 150.0, "view:sun_elevation": 50.0}
    document = item("LC08_L2SP_115031_20210908_02_T1", collection="landsat-c2-l2", assets=assets, **sun)
    server.pages = [[document]]
    wanted = Wanted(f"{server.address}/stac", margin_m=MARGIN, patience=QUICK)
    report = fetch_scenes(query(collection="landsat-c2-l2"), wanted, tmp_path, progress=silent)
    assert report.refused == ()
    found = open_scene(report.fetched[0][1])
    assert scene.band_names(found) == ("red", "nir")
    assert (scene.calibration(found), scene.cloud_mask(found)) == ("surface reflectance", "QA_PIXEL")
    image = load(found, scene.native_geobox(found))
    expected = cut(dn, grid) * np.float32(2.75e-05) + np.float32(-0.2)
    np.testing.assert_array_equal(image.band("red"), expected.astype(np.float32))
    np.testing.assert_array_equal(image.valid, cut(quality, grid) == 1 << 6)
    said = json.loads(report.fetched[0][1].read_text())["assets"]
    assert [said[name]["raster:bands"][0]["camwatch:number"] for name in ("red", "nir")] == [4, 5]


def test_level_1_in_radiance_stays_digital_numbers(server, tmp_path):
    grid = GeoBox((250, 250), Affine(60, 0, 560_000, 0, -60, 4_650_000), CRS)
    dn = {key: noise(grid, n, 1, 255).astype(np.uint8) for n, key in enumerate(("green", "red", "nir08", "nir09"))}
    assets = {}
    for n, (key, values) in enumerate(dn.items(), 4):
        server.files[f"/mss/LM02_B{n}.TIF"] = cog(values, grid)
        radiance = {"scale": 0.65, "offset": 2.3, "unit": "watt/steradian/square_meter/micrometer"}
        assets[key] = {"href": f"{server.address}/mss/LM02_B{n}.TIF", "roles": ["data"], "raster:bands": [radiance]}
    server.pages = [[item("LM02_L1TP_19790101", collection="landsat-c2-l1", assets=assets)]]
    wanted = Wanted(f"{server.address}/stac", margin_m=MARGIN, patience=QUICK)
    report = fetch_scenes(query(collection="landsat-c2-l1"), wanted, tmp_path, progress=silent)
    found = open_scene(report.fetched[0][1])
    assert (scene.band_names(found), scene.calibration(found)) == (("green", "red", "nir08", "nir"), "dn")
    image = load(found, scene.native_geobox(found), bands=("nir",))
    np.testing.assert_array_equal(image.band("nir"), cut(dn["nir09"], grid).astype(np.float32))
    server.pages[0][0]["collection"] = "landsat-c2-l2"
    report = fetch_scenes(query(collection="landsat-c2-l2"), wanted, tmp_path, progress=silent)
    assert "does not say how its numbers are meant" in report.refused[0][1]


def test_bands_of_one_name_have_files_of_their_own(server, tmp_path):
    def asset(file: str) -> dict:
        return {"href": f"{server.address}/s2/{file}.tif", "roles": ["data"], "eo:bands": [{"name": file, "common_name": "red"}]}

    server.pages = [[item("x", collection="other", assets={"first": asset("B04"), "second": asset("B08")})]]
    report = fetch_scenes(query(collection="other"), Wanted(f"{server.address}/stac", margin_m=MARGIN, patience=QUICK), tmp_path, progress=silent)
    for name, values in (("red", RED), ("second", NIR)):
        with rasterio.open(report.fetched[0][1].with_name(f"{name}.tif")) as dataset:
            np.testing.assert_array_equal(dataset.read(1), cut(values, FINE))


@pytest.mark.parametrize(("product", "offset"), [("S2A_MSIL2A_20190212T192651_N0212", 0.0), ("S2B_MSIL2A_20220413T150759_N0400", -0.1)])
def test_real_product_metadata_states_its_offset(shared, product, offset):
    path = next((shared / "data" / "products" / "sentinel2_metadata").glob(f"{product}*/MTD_MSIL2A.xml"))
    for number in range(13):
        said = of_product(path.read_bytes(), number, "here")
        assert said == {"scale": 0.0001, "offset": offset, "nodata": 0.0, "camwatch:saturated": 65535.0}


# --- a server on a bad day -------------------------------------------------------------------------------------------------------------------------

BAND = "/s2/B04.tif"


@pytest.mark.parametrize("faults", ["500", "503 502", "429:0", "half", "stall", "elsewhere", "trickle", "ok half", "ok 500"])
def test_a_fault_that_passes_is_waited_out(server, tmp_path, faults):
    server.faults[BAND] = faults.split()
    report = fetch(server, tmp_path, earth_search(server.address), bands=("red",))
    assert report.refused == ()
    assert server.faults[BAND] == []
    with rasterio.open(next(tmp_path.rglob("red.tif"))) as dataset:
        np.testing.assert_array_equal(dataset.read(1), cut(RED, FINE))


@pytest.mark.parametrize(
    ("faults", "words", "requests"),
    [
        (["*500"], "HTTP status 500 after 3 attempts", 3),
        (["*stall"], "no byte for too long after 3 attempts", 3),
        (["*trickle"], "after 3 attempts", 3),
        (["*half"], "the connection closed after 3 attempts", 3),
        (["*elsewhere"], "after 3 attempts", 3),
        (["429:3600"], "asks to wait too long", 1),
        (["404"], "no longer there", 1),
        (["403"], "signed address", 1),
        (["html"], "text/html", 1),
        (["whole"], "does not hand out parts", 1),
        (["ok", "changed"], "changed while it was read", 2),
        (["*->file:///etc/passwd"], "not fetched", 1),
        (["*->ftp://example.org/x"], "not fetched", 1),
        (["*->/s2/B04.tif"], "in circles", 5),
    ],
)
def test_a_fault_that_stays_ends_in_one_line_and_in_time(server, tmp_path, faults, words, requests):
    server.faults[BAND] = list(faults)
    begun = time.monotonic()
    report = fetch(server, tmp_path, earth_search(server.address), bands=("red",))
    assert time.monotonic() - begun < QUICK.attempts * (QUICK.answer_s + 1)
    (name, reason) = report.refused[0]
    assert (name, "\n" in reason) == ("S2A_T52TEM_20210908", False)
    assert words in reason
    assert len([path for path, _ in server.asked if path == BAND]) == requests
    assert not list(tmp_path.rglob("*.json"))


def test_one_scene_that_fails_does_not_end_the_others(server, tmp_path):
    good, bad = earth_search(server.address), earth_search(server.address, folder="gone")
    bad["id"] = "S2A_gone"
    report = fetch(server, tmp_path, bad, good)
    assert [name for name, _ in report.fetched] == [good["id"]]
    assert [name for name, _ in report.refused] == ["S2A_gone"]


def test_waits_double_and_retry_after_goes_before_them(server):
    waits = []
    server.files["/x"] = b"{}"
    server.faults["/x"] = ["500", "500", "429:1", "500"]
    with Http(Patience(attempts=5, delay_s=0.25, longest_s=10, stall_s=1), inward=True, sleep=waits.append) as http:
        assert http.ask(f"{server.address}/x").body == b"{}"
    assert waits == [0.25, 0.5, 1.0, 2.0]


def test_a_redirect_out_of_https_is_not_followed():
    class Still(Http):
        def _once(self, address, *_):
            asked.append(address)
            return Answer(302, {"location": "http://example.org/x"}, b"")

    asked: list[str] = []
    with Still(QUICK) as http, pytest.raises(SceneError, match="not https"):
        http.ask("https://example.org/x")
    assert asked == ["https://example.org/x"]


def test_a_redirect_to_another_server_brings_the_same_bytes(server, tmp_path):
    with archive() as other:
        other.files["/copy.tif"] = FILES[BAND]
        server.faults[BAND] = [f"*->{other.address}/copy.tif"]
        assert fetch(server, tmp_path, earth_search(server.address), bands=("red",)).refused == ()
        assert other.sent > 0


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><html>log in</html>" * 10,
        b'<VRTDataset rasterXSize="2" rasterYSize="2"><SourceFilename>/etc/passwd</SourceFilename></VRTDataset>',
        FILES[BAND][:900],
        FILES[BAND][: len(FILES[BAND]) // 3],
        b"",
    ],
)
def test_what_is_no_whole_raster_is_refused(server, tmp_path, body):
    server.files[BAND] = body
    report = fetch(server, tmp_path, earth_search(server.address), bands=("red",))
    assert len(report.refused) == 1
    assert report.refused[0][1].isprintable()
    assert "/vsi" not in report.refused[0][1]


def test_a_header_that_claims_a_billion_pixels_costs_nothing(server, tmp_path):
    with MemoryFile() as memory:
        profile = {"driver": "GTiff", "width": 200_000, "height": 200_000, "count": 1, "dtype": "float64", "crs": CRS, "BIGTIFF": "YES"}
        with memory.open(tiled=True, SPARSE_OK=True, transform=Affine(0.1, 0, 557_000, 0, -0.1, 4_651_000), **profile):
            pass
        server.files[BAND] = bytes(memory.read())
    report = fetch(server, tmp_path, earth_search(server.address), bands=("red",), max_mb=64)
    assert "window is too large" in report.refused[0][1]
    with MemoryFile() as memory:
        profile = {"driver": "GTiff", "width": 20_000, "height": 20_000, "count": 1, "dtype": "float64", "crs": CRS}
        with memory.open(blockysize=20_000, SPARSE_OK=True, compress="deflate", transform=FINE.affine, **profile):
            pass
        server.files[BAND] = bytes(memory.read())
    report = fetch(server, tmp_path, earth_search(server.address), bands=("red",))
    assert "blocks are too large" in report.refused[0][1]
    assert server.sent < 2_000_000


@pytest.mark.parametrize(
    "href", ["file:///etc/passwd", "/vsicurl/http://127.0.0.1/x", "B04.tif", "s3://bucket/B04.tif", "http://user:word@127.0.0.1/x"]
)
def test_addresses_that_are_none_are_refused(server, tmp_path, href):
    document = earth_search(server.address)
    document["assets"]["red"]["href"] = href
    report = fetch(server, tmp_path, document, bands=("red",))
    assert "not fetched" in report.refused[0][1]
    assert "word" not in report.refused[0][1]
    document["assets"]["red"]["alternate"] = {"https": {"href": f"{server.address}{BAND}"}}
    if href.startswith("s3"):
        assert fetch(server, tmp_path, document, bands=("red",)).refused == ()


@pytest.mark.parametrize("name", ["../../evil", "a/b", ".hidden", "a\nb", "x" * 300, "CON:"])
def test_names_that_lead_elsewhere_are_refused(server, tmp_path, name):
    document = earth_search(server.address)
    document["id"] = name
    report = fetch(server, tmp_path / "out", document)
    assert report.fetched == ()
    assert len(report.refused) == 1
    assert not list(tmp_path.rglob("*.tif"))


def test_a_public_archive_cannot_send_us_to_our_own_network(server):
    assert all(is_inward(f"http://{host}/x") for host in ("localhost", "127.0.0.1:8000", "10.1.2.3", "169.254.169.254", "[::1]", "nas.local"))
    assert not is_inward("https://earth-search.aws.element84.com/v1")
    with Http(QUICK) as http, pytest.raises(SceneError, match="own network"):
        http.ask(f"{server.address}/x")
    assert server.asked == []


JUNK = [
    None,
    -1,
    1e308,
    "",
    "x",
    [],
    {},
    [None],
    {"a": 1},
    True,
    "NaN",
    float("nan"),
    10**400,
    "\ud800",
    "\u202e",
    "../..",
    [[]],
    "http://[",
    "http://x:y/",
]


def places(node, at=()):
    """Every place in a JSON value, as the keys that lead there."""
    yield at
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from places(child, (*at, key))


def mutated(document: dict, rng: random.Random) -> dict:
    """A copy with one to three of its values replaced by what does not belong there."""
    copy = json.loads(json.dumps(document))
    for _ in range(rng.randint(1, 3)):
        *way, last = rng.choice([place for place in places(copy) if place])
        node = copy
        for key in way:
            node = node[key]
        node[last] = rng.choice(JUNK)
    return copy


@pytest.mark.parametrize("layout", ["earth-search", "planetary-computer", "other"])
def test_mutated_items_end_in_an_answer_or_one_line(layout):
    home = "http://127.0.0.1:9"
    document = planetary(home) if layout.startswith("p") else earth_search(home)
    document["collection"] = "other" if layout == "other" else document["collection"]
    asked = query(collection=document["collection"], max_cloud=50)
    rng, ends, reasons = random.Random(1), collections.Counter(), []
    for _ in range(400):
        broken = mutated(document, rng)
        with archive_of([broken]) as http:
            hits = search(http, home, asked)
        try:
            ends["passed over" if not hits.items else "read" if contents(hits.items[0], (), lambda _: MTD).rasters else ""] += 1
        except SceneError as error:
            reasons.append(str(error))
            ends["refused"] += 1
    assert all(reason.isprintable() for reason in reasons)
    assert set(ends) == {"passed over", "read", "refused"}


@contextmanager
def archive_of(items: list):
    """Something that answers every search with these Items, without a server."""

    class Still(Http):
        def _once(self, *_):
            return Answer(200, {}, json.dumps({"features": items}).encode())

    with Still(QUICK, inward=True) as http:
        yield http


def test_mutated_items_are_fetched_or_refused(server, tmp_path):
    rng = random.Random(2)
    broken = [{**mutated(earth_search(server.address), rng), "id": f"n{n}"} for n in range(40)]
    report = fetch(server, tmp_path / "out", *broken, bands=("red",))
    assert len(report.fetched) + len(report.refused) + len(report.passed_over) == 40
    assert min(len(report.fetched), len(report.refused), len(report.passed_over)) > 0
    assert all(reason.isprintable() for _, reason in report.refused)
    for _, path in report.fetched:
        assert path.is_relative_to(tmp_path / "out")
        json.loads(path.read_text())


def test_mutated_rasters_are_fetched_or_refused(server, tmp_path):
    rng, items = random.Random(3), []
    for n in range(40):
        data = bytearray(FILES[BAND])
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(1500)] = rng.randrange(256)
        server.files |= {f"/m{n}/B04.tif": bytes(data), f"/m{n}/SCL.tif": FILES["/s2/SCL.tif"]}
        items.append({**earth_search(server.address, folder=f"m{n}"), "id": f"n{n}"})
    report = fetch(server, tmp_path, *items, bands=("red",))
    assert len(report.fetched) + len(report.refused) == 40
    assert min(len(report.fetched), len(report.refused)) > 0
    assert all(reason.isprintable() for _, reason in report.refused)


def test_an_interruption_by_the_user_ends_the_fetch_at_once(server, tmp_path, monkeypatch):
    read, calls = RemoteFile.read, []

    def interrupted(self, start, count):
        calls.append(start)
        if len(calls) == 30:
            raise KeyboardInterrupt
        return read(self, start, count)

    monkeypatch.setattr(RemoteFile, "read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch(server, tmp_path, earth_search(server.address))
    assert len(calls) == 30
    monkeypatch.undo()
    assert fetch(server, tmp_path, earth_search(server.address)).refused == ()


# --- going on ---------------------------------------------------------------------------------------------------------------------------------------


def test_an_interrupted_fetch_goes_on_where_it_stopped(server, tmp_path):
    server.faults["/s2/B11.tif"] = ["*500"]
    assert len(fetch(server, tmp_path, earth_search(server.address)).refused) == 1
    catalogue = scan(tmp_path)
    assert (catalogue.items, catalogue.unreadable) == ((), ())  # what is unfinished looks like nothing
    server.faults.clear()
    server.asked.clear()
    report = fetch(server, tmp_path, earth_search(server.address))
    assert len(report.fetched) == 1
    assert {path for path, _ in server.asked if path.endswith(".tif")} == {"/s2/B11.tif", "/s2/SCL.tif"}
    assert scene.band_names(open_scene(report.fetched[0][1])) == ("red", "nir", "swir16")
    assert not list(tmp_path.rglob("*.part"))


def test_what_is_there_is_kept_and_what_was_changed_is_brought_again(server, tmp_path):
    fetch(server, tmp_path, earth_search(server.address))
    server.asked.clear()
    report = fetch(server, tmp_path, earth_search(server.address))
    assert ([name for name, _ in report.kept], report.fetched) == (["S2A_T52TEM_20210908"], ())
    assert not [path for path, _ in server.asked if path.endswith(".tif")]
    damaged = next(tmp_path.rglob("nir.tif"))
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    report = fetch(server, tmp_path, earth_search(server.address))
    assert {path for path, _ in server.asked if path.endswith(".tif")} == {"/s2/B08.tif"}
    with rasterio.open(damaged) as dataset:
        np.testing.assert_array_equal(dataset.read(1), cut(NIR, FINE))


def test_more_bands_join_those_that_are_there(server, tmp_path):
    fetch(server, tmp_path, earth_search(server.address), bands=("red",))
    server.asked.clear()
    report = fetch(server, tmp_path, earth_search(server.address), bands=("nir",))
    assert {path for path, _ in server.asked if path.endswith(".tif")} == {"/s2/B08.tif"}
    assert scene.band_names(open_scene(report.fetched[0][1])) == ("red", "nir")


def test_more_bands_are_gone_on_with_too(server, tmp_path):
    fetch(server, tmp_path, earth_search(server.address), bands=("red",))
    server.faults["/s2/B11.tif"] = ["*500"]
    assert len(fetch(server, tmp_path, earth_search(server.address)).refused) == 1
    assert scene.band_names(open_scene(next(tmp_path.rglob("S2A_*.json")))) == ("red",)  # the finished scene is as it was
    server.faults.clear()
    server.asked.clear()
    report = fetch(server, tmp_path, earth_search(server.address))
    assert {path for path, _ in server.asked if path.endswith(".tif")} == {"/s2/B11.tif"}
    assert scene.band_names(open_scene(report.fetched[0][1])) == ("red", "nir", "swir16")


def test_an_item_that_was_not_written_is_written_without_a_request(server, tmp_path):
    path = fetch(server, tmp_path, earth_search(server.address)).fetched[0][1]
    text = path.read_text()
    path.rename(path.with_name(f"{path.name}.part"))
    path.with_name("nir.tif").rename(path.with_name("nir.tif.part"))
    server.asked.clear()
    fetch(server, tmp_path, earth_search(server.address))
    assert path.read_text() == text
    assert sorted(p.name for p in path.parent.iterdir()) == [path.name, "nir.tif", "red.tif", "scl.tif", "swir16.tif"]
    assert not [asked for asked, _ in server.asked if asked.endswith(".tif")]


def test_numbers_that_the_archive_corrects_are_brought_again(server, tmp_path):
    fetch(server, tmp_path, earth_search(server.address, applied=False))
    assert offsets(tmp_path)["red"] == -0.1
    fetch(server, tmp_path, earth_search(server.address, applied=True))
    assert offsets(tmp_path)["red"] == 0


def test_another_window_does_not_take_the_place_of_the_first(server, tmp_path):
    fetch(server, tmp_path, earth_search(server.address), bands=("red",))
    before = next(tmp_path.rglob("red.tif")).read_bytes()
    report = fetch(server, tmp_path, earth_search(server.address), bands=("red",), margin_m=500.0)
    assert "another window" in report.refused[0][1]
    assert next(tmp_path.rglob("red.tif")).read_bytes() == before


# --- signed addresses -------------------------------------------------------------------------------------------------------------------------------


def test_signed_addresses_are_renewed_and_never_written_down(server, tmp_path):
    server.signed_only = {*FILES, "/s2/MTD_MSIL2A.xml"}
    assert "signed address" in fetch(server, tmp_path, planetary(server.address)).refused[0][1]
    # The signature runs out between the two parts of each file that are asked for.
    server.signature = 10
    give = server.RequestHandlerClass._file
    try:

        def ageing(self, data, **more):
            give(self, data, **more)
            self.server.signature += len(self.server.asked) % 2

        server.RequestHandlerClass._file = ageing
        report = fetch(server, tmp_path, planetary(server.address), sign=f"{server.address}/sign")
    finally:
        server.RequestHandlerClass._file = give
    assert report.refused == ()
    assert "sig=" not in next(tmp_path.rglob("S2A_*.json")).read_text()
    with rasterio.open(next(tmp_path.rglob("red.tif"))) as dataset:
        np.testing.assert_array_equal(dataset.read(1), cut(RED, FINE))


@pytest.mark.parametrize("fault", ["html", "*500", "404"])
def test_a_signer_that_fails_is_named(server, tmp_path, fault):
    server.faults["/sign"] = [fault] * 3
    report = fetch(server, tmp_path, planetary(server.address), sign=f"{server.address}/sign")
    assert f"{server.address}/sign" in report.refused[0][1]


@pytest.mark.parametrize("signed", ["http://example.org/s2/B04.tif?sig=1", "file:///etc/passwd", "B04.tif?sig=1"])
def test_a_signer_may_only_add_a_signature(server, tmp_path, monkeypatch, signed):
    give = server.RequestHandlerClass._give
    monkeypatch.setattr(
        server.RequestHandlerClass,
        "_give",
        lambda self, status, body, *more, **heads: give(
            self, status, json.dumps({"href": signed}).encode() if self.path.startswith("/sign") else body, *more, **heads
        ),
    )
    report = fetch(server, tmp_path, earth_search(server.address), sign=f"{server.address}/sign")
    assert "signer answers with another address" in report.refused[0][1]
    assert "sig=" not in report.refused[0][1]


# --- searching --------------------------------------------------------------------------------------------------------------------------------------


def several(home: str) -> list[dict]:
    """Items of which one alone is what is searched for."""
    east = translate(FOOTPRINT, 3)
    part = FOOTPRINT.intersection(box(-180, -90, AREA.bounds[0] + 0.1 * (AREA.bounds[2] - AREA.bounds[0]), 90))
    fitting = earth_search(home)
    other = {
        "cloudy": {"eo:cloud_cover": 80.0},
        "unknown": {"eo:cloud_cover": None},
        "early": {"when": "2021-08-31T23:59:59Z"},
        "late": {"when": "2021-10-01T00:00:00Z"},
        "twin": {"platform": "sentinel-2b"},
        "elsewhere": {"footprint": east},
        "partly": {"footprint": part},
        "foreign": {"collection": "sentinel-2-l1c"},
    }
    return [fitting, *(item(**{"name": name, "assets": fitting["assets"], **said}) for name, said in other.items())]


WHY = {
    "cloudy": "cloud cover 80.0 %",
    "unknown": "states no cloud cover",
    "early": "was taken on 2021-08-31",
    "late": "was taken on 2021-10-01",
    "twin": "was taken by sentinel-2b",
    "elsewhere": "covers 0 % of the area",
    "partly": "covers 10 % of the area",
    "foreign": "is of collection sentinel-2-l1c",
}
STRICT = {"max_cloud": 20, "min_cover": 0.9, "platform": "sentinel-2a"}


@pytest.mark.parametrize("paging", ["POST", "GET", "GET only"])
def test_a_server_that_filters_nothing_is_filtered_here(server, paging):
    items = several(server.address)
    server.paging, server.pages = paging, [items[:3], items[3:6], [*items[6:], items[0]]]
    with Http(QUICK, inward=True) as http:
        hits = search(http, f"{server.address}/stac", query(**STRICT))
    assert [found["id"] for found in hits.items] == ["S2A_T52TEM_20210908"]
    assert dict(hits.passed_over) == WHY
    assert len(server.queries) == 3
    if paging == "POST":
        first = server.queries[0]
        assert (first["bbox"], first["collections"]) == (list(AREA.bounds), ["sentinel-2-l2a"])
        assert first["datetime"] == "2021-09-01T00:00:00Z/2021-09-30T23:59:59.999999Z"
        assert set(first) == {"bbox", "collections", "datetime", "limit"}  # the server learns no more


def test_a_real_stac_api_finds_pages_and_serves_the_window(server, tmp_path, monkeypatch):
    monkeypatch.setattr(searching, "PAGE_SIZE", 2)
    places = tmp_path / "items"
    places.mkdir()
    with rustac(places, several(server.address)) as api:
        wanted = Wanted(api, margin_m=MARGIN, patience=QUICK)
        report = fetch_scenes(query(**STRICT), wanted, tmp_path / "out", progress=silent)
        assert report.refused == ()
        assert [name for name, _ in report.fetched] == ["S2A_T52TEM_20210908"]
        # What the server filters itself it does not offer.
        assert {name for name, _ in report.passed_over} == {"cloudy", "unknown", "twin", "partly"}
        found = open_scene(report.fetched[0][1])
        image = load(found, scene.native_geobox(found), bands=("red",))
        np.testing.assert_array_equal(image.band("red"), (cut(RED, FINE) * np.float32(0.0001) + np.float32(-0.1)).astype(np.float32))
        nothing = fetch_scenes(query(since=date(1999, 1, 1), until=date(1999, 2, 1)), wanted, tmp_path / "none", progress=silent)
        assert (nothing.fetched, nothing.kept, nothing.refused) == ((), (), ())


def test_a_limit_takes_the_clearest(server):
    server.pages = [[{**earth_search(server.address, **{"eo:cloud_cover": cloud}), "id": f"c{cloud}"} for cloud in (50, 5, 20)]]
    with Http(QUICK, inward=True) as http:
        hits = search(http, f"{server.address}/stac", query(limit=2))
    assert sorted(found["id"] for found in hits.items) == ["c20", "c5"]
    assert hits.passed_over == (("c50", "more than 2 scenes, and others are clearer"),)


@pytest.mark.parametrize("faults", [["500"], ["429:0"], ["stall"], ["half"], ["html"]])
def test_a_search_is_asked_again(server, tmp_path, faults):
    server.faults["/stac/search"] = list(faults)
    assert fetch(server, tmp_path, earth_search(server.address), bands=("red",)).refused == ()


@pytest.mark.parametrize("fault", ["*500", "*stall", "*html", "404", "*->file:///etc/passwd"])
def test_a_search_that_fails_is_said(server, tmp_path, fault):
    server.faults["/stac/search"] = [fault]
    report = fetch(server, tmp_path, earth_search(server.address))
    assert report.refused[0][0] == "(search)"


@pytest.mark.parametrize("onward", ["file:///etc/passwd", "/etc/passwd", "http://example.org/search", "{home}/stac/search"])
def test_next_pages_that_lead_elsewhere_or_round_are_refused(server, tmp_path, onward):
    with archive() as liar:
        link = {"rel": "next", "href": onward.format(home=liar.address)}
        if "{home}" in onward:
            link |= {"method": "POST", "merge": True, "body": {}}
        page = {"type": "FeatureCollection", "features": [earth_search(server.address)], "links": [link]}
        liar._page = None
        original = liar.RequestHandlerClass._page
        try:
            liar.RequestHandlerClass._page = lambda self, _query, _number: self._give(200, json.dumps(page).encode(), "application/json")
            report = fetch(server, tmp_path, api=f"{liar.address}/stac")
        finally:
            liar.RequestHandlerClass._page = original
    assert ("another server" in report.refused[0][1]) or ("in circles" in report.refused[0][1])


@pytest.mark.parametrize(
    "broken",
    [
        None,
        7,
        {},
        {"id": "a"},
        {"id": "a", "properties": None, "assets": {}},
        {"id": "a", "properties": {"datetime": "never"}, "assets": {}},
        {**item("a", assets={}), "geometry": None},
        {**item("a", assets={}), "geometry": {"type": "Polygon"}},
        {**item("a", assets={}), "geometry": {"type": "Polygon", "coordinates": "none"}},
        item("a", assets=[]),
    ],
)
def test_items_that_are_none_are_passed_over(server, tmp_path, broken):
    report = fetch(server, tmp_path, broken, earth_search(server.address), bands=("red",))
    assert len(report.fetched) == 1
    assert len(report.passed_over) == 1


# --- the command ------------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def aoi(tmp_path):
    path = tmp_path / "site.geojson"
    said = {"role": "camp", "id": "site", "name": "Site", "source": "test", "made": "test", "accuracy_m": 10, "nominal": False}
    feature = {"type": "Feature", "id": "site", "properties": said, "geometry": mapping(AREA)}
    path.write_text(json.dumps({"type": "FeatureCollection", "id": "site", "name": "Site", "features": [feature]}))
    return path


def command(server, aoi, out, *more: str) -> list[str]:
    wanted = ["--collection", "sentinel-2-l2a", "--from", "2021-09-01", "--to", "2021-09-30", "--margin", "200", "--timeout", "1", "--attempts", "1"]
    return ["scenes", "fetch", "--aoi", str(aoi), *wanted, "--api", f"{server.address}/stac", "--out", str(out), *more]


def test_the_command_says_what_it_did(server, aoi, tmp_path, capsys):
    server.pages = [[earth_search(server.address)]]
    assert execute(command(server, aoi, tmp_path / "out", "--json", "--bands", "red, nir")) == 0
    said = json.loads(capsys.readouterr().out)
    assert [entry["id"] for entry in said["fetched"]] == ["S2A_T52TEM_20210908"]
    assert (said["kept"], said["refused"]) == ([], [])
    assert said["searched"]["bbox"] == list(AREA.bounds)
    assert execute(command(server, aoi, tmp_path / "out", "--bands", "red,nir")) == 0
    assert "kept" in capsys.readouterr().out
    server.pages = [[earth_search(server.address, folder="gone")]]
    assert execute(command(server, aoi, tmp_path / "other")) == 1
    assert "refused: S2A_T52TEM_20210908" in capsys.readouterr().out
    server.pages = [[]]
    assert execute(command(server, aoi, tmp_path / "none")) == 0
    assert "nothing found: sentinel-2-l2a from 2021-09-01 to 2021-09-30" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong",
    ["--api nowhere", "--api file:///etc", "--from 2021-10-05", "--from monday", "--collection ../x", "--min-cover 2", "--limit 0", "--bands violet"],
)
def test_options_that_make_no_sense_are_bad_usage(server, aoi, tmp_path, wrong, capsys):
    assert execute([*command(server, aoi, tmp_path / "out"), *wrong.split()]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_patience_has_to_make_sense():
    with pytest.raises(ConfigError, match="patience"):
        Patience(attempts=0)


def test_the_expected_window_is_what_rasterio_says_too():
    # The border of the area in UTM is slightly curved; rasterio's bounds of the corners agree to a pixel.
    west, south, east, north = rasterio.warp.transform_bounds(4326, 32652, *widened(AREA.bounds, MARGIN))
    rough = from_bounds(west, south, east, north, FINE.affine)
    window = window_in(FINE)
    assert abs(rough.col_off - window.col_off) < 1.01
    assert abs(rough.row_off - window.row_off) < 1.01


def test_without_the_extra_it_says_what_to_install(server, aoi, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "requests", None)
    assert execute(command(server, aoi, tmp_path / "out")) == 2
    assert "pip install 'camwatch[fetch]'" in capsys.readouterr().err
