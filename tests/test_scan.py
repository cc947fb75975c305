"""`camwatch scenes scan`: what lies in a folder of downloads, told by the archive's own metadata, nothing skipped."""

import hashlib
import json
import os
import shutil
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from camwatch.cli.app import app
from camwatch.errors import MissingInputError, SceneError
from camwatch.rasters import write_raster
from camwatch.resources import cache_folder
from camwatch.scenes import hashes, open_scene, scan
from camwatch.scenes import item as scene
from camwatch.scenes.build import build_item
from camwatch.scenes.duplicates import duplicates
from camwatch.scenes.facts import Channel, Facts, Layer
from camwatch.scenes.footprint import outline
from camwatch.scenes.hashes import hash_files, sha256_of
from test_scenes import BOX, DN, pack, write_landsat, write_sentinel2

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # affine 3 about odc-geo's own arithmetic

AOI = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"id": "here", "name": "here", "role": "camp", "source": "made for a test", "accuracy_m": 10},
            "geometry": {"type": "Polygon", "coordinates": [[]]},
        }
    ],
}


def scenes(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["scenes", "scan", *map(str, arguments)])


def make(tmp_path, name, *, when, level="toa reflectance", box=BOX, bands=("red",), platform="landsat-8"):
    values = np.repeat(np.resize(DN, tuple(box.shape))[None], len(bands), axis=0)
    path = write_raster(tmp_path / f"{name}.tif", values, box, nodata=0)
    layer = Layer("data", str(path), tuple(Channel(band) for band in bands))
    return build_item(Facts(name, "test", when, "made here", level, simulated=False, platform=platform), [layer])


WHEN = datetime(2015, 7, 10, 2, 4, 5, tzinfo=UTC)


def test_two_levels_of_one_acquisition_are_one_group_with_the_better_first(tmp_path):
    level1 = make(tmp_path, "L1", when=WHEN)
    level2 = make(tmp_path, "L2", when=WHEN + timedelta(seconds=20), level="surface reflectance")
    again = make(tmp_path, "L2_reprocessed", when=WHEN, level="surface reflectance")
    other = make(tmp_path, "later", when=WHEN + timedelta(days=16))
    assert [[item.id for item in group] for group in duplicates([other, level1, level2, again])] == [["L2_reprocessed", "L2", "L1"]]


@pytest.mark.parametrize(
    "change",
    [
        {"when": WHEN + timedelta(seconds=100)},
        {"when": WHEN + timedelta(days=1)},
        {"platform": "landsat-7"},
        {"bands": ("nir",)},
        {"box": BOX.translate_pix(25, 0)},  # the next frame of the pass: half of it shows the same ground
        {"box": BOX.zoom_out(2)},
    ],
    ids=["seconds later", "days later", "platform", "bands", "ground", "resolution"],
)
def test_what_differs_is_another_acquisition(tmp_path, change):
    assert duplicates([make(tmp_path, "one", when=WHEN), make(tmp_path, "other", **{"when": WHEN, **change})]) == ()


def test_a_day_without_a_time_counts_as_that_day(tmp_path):
    day = WHEN.replace(hour=0, minute=0, second=0)
    assert len(duplicates([make(tmp_path, "timed", when=WHEN), make(tmp_path, "dated", when=day)])) == 1
    assert duplicates([make(tmp_path, "timed", when=WHEN), make(tmp_path, "before", when=day - timedelta(days=1))]) == ()


def test_the_same_product_twice_is_listed_twice_and_used_once(tmp_path):
    product = write_landsat(tmp_path)
    pack(product, tmp_path / "again.tar")
    found = scan(tmp_path)
    assert len(found.items) == 2
    assert len(found.distinct) == 1
    result = scenes(tmp_path, "--json")
    assert result.exit_code == 0
    one, other = json.loads(result.stdout)["scenes"]
    assert one["scene"] == other["scene"] == product.name
    assert [one["same_as"], other["same_as"]] in ([None, one["path"]], [other["path"], None])
    assert "which goes first" in scenes(tmp_path).stdout


def test_an_archive_with_several_products_lists_each(tmp_path):
    inside = tmp_path / "inside"
    write_landsat(inside)
    write_sentinel2(inside, offset=-1000)
    archive = pack(inside, tmp_path / "both.zip")
    shutil.rmtree(inside)
    found = scan(tmp_path)
    assert [item.properties["camwatch:family"] for item in found.items] == ["landsat", "sentinel2"]
    assert {path for item in found.items for path in scene.files_of(item)} == {archive}
    assert found.unreadable == ()
    assert open_scene(f"{archive}#MTD_MSIL2A.xml").id == found.items[1].id
    with pytest.raises(SceneError, match="no scene of this name"):
        open_scene(f"{archive}#MTD_MSIL1C.xml")
    with pytest.raises(MissingInputError, match="no such file"):
        open_scene(f"{archive}x#MTD_MSIL1C.xml")


def test_progress_is_told_for_every_product(tmp_path):
    for year in (2001, 2002, 2003):
        write_raster(tmp_path / f"scene_{year}0601.tif", DN, BOX)
    heard = []
    scan(tmp_path, progress=lambda *what: heard.append(what))
    assert heard == [("reading headers", n, 3) for n in range(3)]


def test_hashes_are_those_of_the_files_on_disk(tmp_path):
    write_raster(tmp_path / "plain_20010601.tif", DN, BOX)
    inside = write_landsat(tmp_path / "inside")
    archive = pack(inside, tmp_path / "product.tar")
    shutil.rmtree(tmp_path / "inside")
    result = scenes(tmp_path, "--hash", "--json", "--out", tmp_path / "catalogue.json")
    assert result.exit_code == 0
    plain, landsat = json.loads(result.stdout)["items"]
    asset = plain["assets"]["image"]
    assert asset["file:checksum"] == "1220" + hashlib.sha256((tmp_path / "plain_20010601.tif").read_bytes()).hexdigest()
    assert asset["file:size"] == (tmp_path / "plain_20010601.tif").stat().st_size
    assert {a["camwatch:archive_checksum"] for a in landsat["assets"].values()} == {"1220" + hashlib.sha256(archive.read_bytes()).hexdigest()}
    written = json.loads((tmp_path / "catalogue.json").read_text())
    assert written["type"] == "FeatureCollection"
    assert written["features"] == [plain, landsat]


def test_the_table_names_what_cannot_be_read_and_exits_1(tmp_path):
    write_landsat(tmp_path)
    (tmp_path / "broken_20010601.tif").write_bytes(b"II*\0 not a tiff")
    result = scenes(tmp_path)
    assert result.exit_code == 1
    assert "LC08_L2SP" in result.stdout
    assert "not readable: " in result.stdout
    assert "1 scene(s), 1 not readable" in result.stdout
    assert "Traceback" not in result.output


def test_clouds_over_the_aoi_are_told(tmp_path):
    product = write_landsat(tmp_path)
    clouds = np.full(DN.shape, 1 << 6, np.uint16)
    clouds[:, 25:] = 1 << 3  # the eastern half
    write_raster(next(product.glob("*_QA_PIXEL.TIF")), clouds, BOX)
    # The middle of the scene: rows 10 to 30, columns 20 to 40, of which columns 25 to 40 are clouded.
    ring = outline(BOX[10:30, 20:40])
    aoi = json.loads(json.dumps(AOI))
    aoi["features"][0]["geometry"]["coordinates"] = [[list(point) for point in ring.exterior.coords]]
    (tmp_path / "aoi.geojson").write_text(json.dumps(aoi))
    result = scenes(tmp_path, "--aoi", tmp_path / "aoi.geojson", "--json")
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)["scenes"]
    assert row["covers"] == pytest.approx(1, abs=0.06)
    assert row["clear"] == pytest.approx(0.25, abs=0.06)


def test_an_item_collection_is_one_scene_for_each_item(tmp_path):
    features = []
    for n, year in enumerate((2001, 2002)):
        write_raster(tmp_path / "tiles" / f"t{n}.tif", DN, BOX, nodata=0)
        item = {"type": "Feature", "stac_version": "1.0.0", "id": f"t{n}", "geometry": None, "properties": {"datetime": f"{year}-06-01T02:00:00Z"}}
        asset = {"href": f"./tiles/t{n}.tif", "roles": ["data"], "eo:bands": [{"name": "red", "common_name": "red"}]}
        features.append({**item, "assets": {"b": asset}})
    (tmp_path / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    found = scan(tmp_path)
    assert [(item.id, item.datetime.year) for item in found.items] == [("t0", 2001), ("t1", 2002)]
    assert open_scene(tmp_path / "items.json#2").id == "t1"
    with pytest.raises(ValueError, match=r"holds 2 scenes.*items.json#1"):
        open_scene(tmp_path / "items.json")


def test_a_hash_is_remembered_until_the_file_changes(tmp_path, monkeypatch):
    path = tmp_path / "scene.bin"
    path.write_bytes(b"first")
    asked = []
    monkeypatch.setattr(hashes, "sha256_of", lambda file: asked.append(file) or sha256_of(file))
    wanted = hashlib.sha256(b"first").hexdigest()
    assert [hash_files([path])[path] for _ in range(3)] == [wanted] * 3
    assert asked == [path]
    before = path.stat()
    path.write_bytes(b"other")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # dated back, as long as before: the inode still tells
    assert hash_files([path])[path] == hashlib.sha256(b"other").hexdigest()
    assert len(asked) == 2
    for note in cache_folder("sha256").iterdir():
        note.write_text("0" * 63)
    assert hash_files([path])[path] == hashlib.sha256(b"other").hexdigest()
    assert len(asked) == 3
    monkeypatch.setenv("CAMWATCH_CACHE", "off")
    assert hash_files([path])[path] == hashlib.sha256(b"other").hexdigest()
    assert len(asked) == 4


def test_what_the_metadata_names_and_is_not_here_is_told(tmp_path):
    product = write_landsat(tmp_path)
    next(product.glob("*_SR_B4.TIF")).unlink()
    next(product.glob("*_QA_RADSAT.TIF")).unlink()
    (row,) = json.loads(scenes(tmp_path, "--json").stdout)["scenes"]
    assert row["missing"] == ["red", "QA_RADSAT"]
    assert "its metadata names what is not here: red, QA_RADSAT" in scenes(tmp_path).stdout


def test_one_product_can_be_scanned_too(tmp_path):
    product = write_landsat(tmp_path / "product")
    archive = pack(product, tmp_path / "product.tar.gz")
    assert [item.id for item in scan(archive).items] == [product.name]
    assert [item.id for item in scan(next(product.glob("*_MTL.txt"))).items] == [product.name]
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"no archive")
    assert [entry.path for entry in scan(broken).unreadable] == [broken]


def test_a_scene_of_several_goes_by_the_name_that_a_scan_tells(tmp_path):
    inside = tmp_path / "inside"
    landsat = write_landsat(inside)
    write_sentinel2(inside, offset=-1000)
    archive = pack(inside, tmp_path / "both.zip")
    assert open_scene(f"{archive}#{landsat.name}").id == landsat.name


def test_what_camwatch_wrote_is_no_download(tmp_path):
    write_raster(tmp_path / "scene_20010601.tif", DN, BOX)
    out = tmp_path / "out"
    write_raster(out / "registered_20030601.tif", DN, BOX)
    for name in ("registration.json", "registration.png"):
        (out / name).write_text("{}")
    write_raster(tmp_path / "run" / "scenes" / "scene_20020601.tif", DN, BOX)
    write_raster(tmp_path / "run" / "pairs" / "a" / "score_20020601.tif", DN, BOX)
    for name in ("manifest.json", "verdicts.json"):
        (tmp_path / "run" / name).write_text("{}")
    found = scan(tmp_path)
    assert [item.id for item in found.items] == ["scene_20010601", "scene_20020601"]
    assert [entry.path.relative_to(tmp_path).as_posix() for entry in found.unreadable] == ["out", "run/pairs"]
    assert all("results of camwatch" in entry.reason for entry in found.unreadable)
