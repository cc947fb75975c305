"""Simulated worlds and the products made of them."""

import hashlib
import json
import tarfile
from datetime import UTC, date, datetime

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import shape

from camwatch.aoi import LONLAT, load_aoi, reproject
from camwatch.errors import MissingInputError
from camwatch.imagery.image import Image, Sun
from camwatch.render import Solid, chongjin, landsat, plant, sentinel2, write_demo
from camwatch.render.demo import world_of
from camwatch.render.scene import Optics, render
from camwatch.render.sensor import Shot
from camwatch.render.world import Standing, World
from camwatch.scenes import item as scene_item
from camwatch.scenes import open_scene

SHRINK = 0.1


@pytest.fixture(scope="module")
def worlds():
    return {camp: world_of(camp) for camp in ("chongjin", "hoeryong")}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    said = []
    made = write_demo(folder, progress=said.append, shrink=SHRINK)
    assert len(said) == 17
    return folder, made


def test_chongjin_grows_as_documented(worlds):
    truth = worlds["chongjin"].truth
    old, new = truth["perimeters"]
    assert new["area_m2"] / old["area_m2"] - 1 == pytest.approx(0.72, abs=0.01)
    assert new["length_m"] / old["length_m"] - 1 == pytest.approx(0.37, abs=0.01)
    assert new["area_m2"] == pytest.approx(1.0e6, rel=0.02)
    counts = truth["counts"]
    assert [counts[d]["tower"] for d in ("2009-10-12", "2011-02-20", "2014-03-22")] == [26, 43, 41]
    first, second = truth["changes"]
    assert first["tower"] == {"appeared": 17, "removed": 0}
    assert first["building"] == {"appeared": 0, "removed": 0}
    assert second["tower"] == {"appeared": 0, "removed": 2}
    assert second["building"] == {"appeared": 18, "removed": 4}


def test_the_eighteen_stand_in_the_south_east_and_clear_of_everything(worlds):
    world = worlds["chongjin"]
    aoi = load_aoi("chongjin")
    south_east = next(o.geometry for o in aoi.outlines if o.role == "sub-area")
    area = reproject(south_east, LONLAT, world.crs)
    fresh = [s.solid for s in world.standing if s.label == "building" and s.since is not None]
    assert len(fresh) == 18
    assert all(area.contains(s.footprint.centroid) for s in fresh)
    assert all(12 <= s.length_m <= 30 for s in fresh)
    towers = [s.solid for s in world.standing if s.label == "tower"]
    assert all(4 * 0.9 <= t.width_m <= 6 and 4 <= t.length_m <= 6 and 7 <= t.height_m <= 10 for t in towers)
    blocks = [s.solid.footprint for s in world.standing if s.label in {"building", "tower"}]
    assert not any(one.intersects(two) for i, one in enumerate(blocks) for two in blocks[:i])


@pytest.mark.parametrize("seed", range(6))
def test_the_simulated_line_is_near_the_nominal_one_but_not_on_it(seed):
    aoi = load_aoi("chongjin")
    lines = chongjin.perimeters(np.random.default_rng(seed))
    for day, line in zip((date(2009, 10, 12), date(2014, 3, 22)), lines, strict=True):
        nominal = reproject(aoi.perimeter(day).geometry, LONLAT, chongjin.CRS)
        assert 10 < line.exterior.hausdorff_distance(nominal.exterior) < 90
    assert lines[1].area / lines[0].area == pytest.approx(1.72, abs=0.001)
    assert lines[1].length / lines[0].length == pytest.approx(1.37, abs=0.015)


def test_hoeryong_loses_posts_buildings_and_fence_as_documented(worlds):
    truth = worlds["hoeryong"].truth
    assert truth["simulated"] is True
    (change,) = truth["changes"]
    before, after = (truth["counts"][d]["tower"] for d in ("2011-05-21", "2012-11-26"))
    assert change["tower"]["removed"] == before - after
    assert 0 < after < 0.3 * before
    assert change["building"]["removed"] == 11
    fence = truth["fence_km"]
    assert fence["2011-05-21"] == pytest.approx(75, rel=0.02)
    assert fence["2012-11-26"] / fence["2011-05-21"] == pytest.approx(47 / 75, abs=0.005)
    assert truth["perimeters"][0]["area_m2"] == pytest.approx(225e6, rel=0.01)


def test_the_truth_lies_beside_the_scenes_and_says_so(demo):
    folder, _ = demo
    truth = json.loads((folder / "chongjin" / "truth.json").read_text(encoding="utf-8"))
    assert truth["simulated"] is True
    assert "SIMULATED" in truth["notice"]
    area = reproject(shape(truth["perimeters"][0]["geometry"]), LONLAT, truth["crs"]).area
    assert area == pytest.approx(truth["perimeters"][0]["area_m2"], rel=1e-5)
    assert len(truth["towers"]) == 43
    assert {"lon", "lat", "since", "until", "present"} <= truth["towers"][0].keys()


def test_every_product_opens_as_what_it_says(demo):
    """The readers of real products find date, sun, resolution and the mark in each."""
    _, made = demo
    dates = {"chongjin": [], "hoeryong": []}
    for path in made:
        if path.name == "truth.json":
            continue
        item = open_scene(path)
        assert scene_item.is_simulated(item), path.name
        when = scene_item.acquired(item)
        camp = path.parts[-3]
        dates[camp].append((when.date().isoformat(), scene_item.gsd_m(item)))
        azimuth, elevation = scene_item.sun(item)
        assert 135 < azimuth < 180, "late morning"
        assert 20 < elevation < 70
        bands = scene_item.band_names(item)
        assert bands == ("pan",) if "PAN" in path.name else {"red", "green", "blue"} <= set(bands)
    assert sorted(dates["chongjin"]) == sorted(
        [
            ("2009-10-05", 30),
            ("2009-10-12", 0.5),
            ("2009-10-12", 2.5),
            ("2010-10-24", 30),
            ("2011-02-20", 0.5),
            ("2011-02-20", 2.5),
            ("2013-10-16", 30),
            ("2014-03-22", 0.5),
            ("2016-10-18", 10),
        ]
    )
    assert sorted(dates["hoeryong"]) == sorted(
        [
            ("2011-05-21", 0.5),
            ("2011-05-21", 2.5),
            ("2011-09-25", 30),
            ("2012-10-21", 30),
            ("2012-11-26", 0.5),
            ("2012-11-26", 2.5),
            ("2013-10-18", 30),
            ("2016-10-18", 10),
        ]
    )


def test_landsat_products_have_the_layout_of_the_archive(demo):
    folder, _ = demo
    scenes = folder / "chongjin" / "scenes"
    with tarfile.open(scenes / "LT05_L2SP_115031_20091005_20200908_02_T1.tar") as archive:
        members = archive.getmembers()
        names = [m.name for m in members]
        text = archive.extractfile("LT05_L2SP_115031_20091005_20200908_02_T1_MTL.txt").read().decode()
    assert {m.mtime for m in members} == {0}
    assert {m.uid for m in members} == {0}
    assert names == sorted(names)
    for line in ("DATE_ACQUIRED = 2009-10-05", 'SPACECRAFT_ID = "LANDSAT_5"', "REFLECTANCE_MULT_BAND_1 = 2.75e-05", "WRS_PATH = 115"):
        assert line in text
    assert 'ORIGIN = "SIMULATED by camwatch; no satellite observed this"' in text
    gappy = scenes / "LE07_L2SP_115031_20101024_20200908_02_T1"
    assert gappy.is_dir()
    with rasterio.open(gappy / f"{gappy.name}_SR_B3.TIF") as red, rasterio.open(gappy / f"{gappy.name}_QA_PIXEL.TIF") as quality:
        assert red.dtypes == ("uint16",)
        missing = red.read(1) == 0
        assert missing.any()
        assert np.array_equal(missing, quality.read(1) == 1)


def test_the_gaps_of_landsat_7_widen_and_return_every_33_lines():
    gaps = landsat.slc_gaps((400, 400), phase=0)
    assert gaps[:, 0].mean() < 0.08
    assert 0.2 < gaps[:, -1].mean() < 0.35
    assert np.array_equal(gaps[:330], gaps[33:363])


def test_quality_bits_say_clear_cloud_and_shadow():
    for satellite in landsat.SATELLITES.values():
        assert satellite.clear & 64
        assert not satellite.clear & 0b11111
        assert satellite.cloud & 8
        assert (satellite.cloud >> 8) & 3 == 3
        assert satellite.shadow & 16
        assert (satellite.shadow >> 10) & 3 == 3


def test_digital_numbers_come_back_as_reflectance():
    reflectance = np.linspace(0.0, 1.2, 500, dtype=np.float32)
    back = landsat.to_dn(reflectance) * landsat.SCALE + landsat.OFFSET
    assert np.abs(back - reflectance).max() <= landsat.SCALE / 2 + 1e-6
    back = (sentinel2.to_dn(reflectance).astype(float) + sentinel2.OFFSET) / sentinel2.QUANTIFICATION
    assert np.abs(back - reflectance).max() <= 0.5 / sentinel2.QUANTIFICATION + 1e-6


def test_fine_products_tell_date_and_mark_in_tags_and_sidecar(demo):
    folder, _ = demo
    path = folder / "hoeryong" / "scenes" / "SIM-VHR-RGB_20121126.tif"
    with rasterio.open(path) as dataset:
        assert dataset.tags()["TIFFTAG_DATETIME"] == "2012:11:26 02:27:00"
        assert dataset.tags()["TIFFTAG_IMAGEDESCRIPTION"].startswith("SIMULATED by camwatch")
        assert dataset.dtypes == ("uint8",) * 3
        assert dataset.descriptions == ("red", "green", "blue")
        assert dataset.read().min() > 0
    said = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["properties"]
    assert said["gsd"] == 0.5
    assert said["camwatch:simulated"] is True
    assert {"view:sun_azimuth", "view:sun_elevation", "view:off_nadir", "datetime"} <= said.keys()


def hashes(folder):
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_same_seed_gives_the_same_bytes_and_what_is_there_is_kept(tmp_path):
    first = write_demo(tmp_path / "a", camps=["hoeryong"], shrink=0.02)
    write_demo(tmp_path / "b", camps=["hoeryong"], shrink=0.02)
    a, b = hashes(tmp_path / "a"), hashes(tmp_path / "b")
    assert a == b
    assert not [name for name in a if ".part" in name]
    times = {p: p.stat().st_mtime_ns for p in first if p.suffix == ".tif"}
    lost = next(iter(times))
    lost.unlink()
    write_demo(tmp_path / "a", camps=["hoeryong"], shrink=0.02)
    assert hashes(tmp_path / "a") == a
    assert all(p.stat().st_mtime_ns == t for p, t in times.items() if p != lost)
    write_demo(tmp_path / "c", camps=["hoeryong"], shrink=0.02, seed=7)
    pixels = {name: value for name, value in hashes(tmp_path / "c").items() if name.endswith((".tif", ".tar", "B02_10m.jp2"))}
    assert len(pixels) == 7
    assert all(a[name] != value for name, value in pixels.items())


def test_another_camp_is_refused(tmp_path):
    with pytest.raises(MissingInputError, match="no simulated world"):
        write_demo(tmp_path, camps=["yodok"])


def test_a_scene_is_where_its_georeference_says_but_for_the_stated_offset():
    grid = GeoBox((100, 200), Affine(0.5, 0, 500000, 0, -0.5, 4600000), "EPSG:32652")
    truly = Shot(datetime(2010, 1, 1, tzinfo=UTC), offset_m=(1.0, -2.0), stretch=1e-3).truly(grid)
    # Content at the middle is delivered 1 m too far east and 2 m too far south.
    assert truly.affine @ (100, 50) == pytest.approx((500050 - 1.0, 4599975 + 2.0))
    assert (truly.affine @ (200, 50))[0] - (truly.affine @ (0, 50))[0] == pytest.approx(100 / 1.001)


def test_planting_and_rendering_draw_the_same_thing(worlds):
    """A tower planted into the rendered scene without it equals the scene rendered with it, within the grain that planting adds."""
    world = worlds["chongjin"]
    x, y = world.centre[0] - 300, world.centre[1] + 20
    tower = Solid("tower", x, y, 5, 5, 9, 30.0, roof="pyramid", roof_reflectance=0.35)
    grid = GeoBox((120, 120), Affine(0.5, 0, x - 30, 0, -0.5, y + 30), world.crs)
    sun = Sun(155.0, 40.0)
    day = date(2009, 10, 12)
    empty = render(world.on(day), grid, ("red", "pan"), Optics(sun))
    fields = {name: getattr(world, name) for name in World.__dataclass_fields__}
    more = World(**{**fields, "standing": (*world.standing, Standing(tower, "tower"))})
    full = render(more.on(day), grid, ("red", "pan"), Optics(sun))
    taken = datetime(2009, 10, 12, tzinfo=UTC)
    image = Image(empty, np.ones(grid.shape, bool), ("red", "pan"), grid, taken, sun, 0.5, "surface reflectance", "scene")
    planted = plant(image, [tower], seed=1).values
    effect = np.abs(full - empty)
    assert effect.max() > 0.05
    assert np.abs(planted - full).max() < 0.25 * effect.max()
    assert np.corrcoef((planted - empty).ravel(), (full - empty).ravel())[0, 1] > 0.97


def test_the_seam_between_tiles_does_not_show(worlds):
    world = worlds["chongjin"]
    grid = GeoBox((96, 96), Affine(0.5, 0, world.centre[0] - 80, 0, -0.5, world.centre[1] - 300), world.crs)
    one, many = (render(world.on(date(2011, 2, 20)), grid, ("pan",), Optics(Sun(150, 40), tile_px=t)) for t in (96, 32))
    assert np.abs(one - many).max() < 0.02
    assert np.abs(one - many).mean() < 1e-3


def test_ground_stays_the_same_where_nothing_is_claimed(worlds):
    """The ground's own texture is fixed to the map: two dates correlate, and a finer grid averages to the coarser one."""
    world = worlds["chongjin"]
    corner = (world.centre[0] - 150, world.centre[1] - 60)
    grid = GeoBox((160, 160), Affine(0.5, 0, corner[0], 0, -0.5, corner[1]), world.crs)
    coarse = GeoBox((32, 32), Affine(2.5, 0, corner[0], 0, -2.5, corner[1]), world.crs)
    sun = Sun(155, 40)
    one, two = (render(world.on(day), grid, ("pan",), Optics(sun))[0] for day in (date(2009, 10, 12), date(2014, 3, 22)))
    assert np.corrcoef(one.ravel(), two.ravel())[0, 1] > 0.6
    low = render(world.on(date(2009, 10, 12)), coarse, ("pan",), Optics(sun, oversample=2))[0]
    means = one.reshape(32, 5, 32, 5).mean(axis=(1, 3))
    assert np.corrcoef(low.ravel(), means.ravel())[0, 1] > 0.9
