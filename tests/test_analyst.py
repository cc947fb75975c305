"""What happens to an analyst's own folder: files of one name, bands without metadata, clouded dates, catalogues written beside, narrow terminals."""

import io
import json
import re
import sys
from datetime import date

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.crs import CRS
from shapely.geometry import box

import products
from camwatch.aoi import LONLAT, reproject
from camwatch.cli import execute
from camwatch.config import RunConfig
from camwatch.pipeline.records import named_apart
from camwatch.pipeline.run import plan_camp, run_camp
from camwatch.rasters import write_raster
from camwatch.scenes import item as scene
from camwatch.scenes import open_scene, scan

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # affine 3 about odc-geo's own arithmetic

BOX = GeoBox((240, 240), Affine(0.5, 0, 560_000, 0, -0.5, 4_650_000), "EPSG:32652")
LEDGER = """
document: test
title: A test document
claims:
  - id: T-1
    camp: place
    quote: "Three houses were built."
    readings:
      - text: three structures appeared
        metric: count
        subject: structure
        aspect: appeared
        quantity: {low: 3, high: 3}
        interval: {start: 2010-07-01, end: 2012-06-30}
"""


def dated(path, day, seed=1, *, clouded=0.0):
    """A textured picture of a day, the upper part of which has no data."""
    values = np.random.default_rng(seed).integers(60, 200, (3, *BOX.shape), dtype=np.uint8)
    values[:, : round(clouded * BOX.shape[0])] = 0
    return write_raster(path, values, BOX, bands=("red", "green", "blue"), nodata=0, tags={"TIFFTAG_DATETIME": f"{day.replace('-', ':')} 02:00:00"})


@pytest.fixture
def asked(tmp_path):
    """An outline and a ledger about it, as `run` wants them."""
    west, south, east, north = reproject(box(560_000, 4_649_880, 560_120, 4_650_000), "EPSG:32652", LONLAT).bounds
    dx, dy = (east - west) / 4, (north - south) / 4
    ring = [(west + dx, south + dy), (east - dx, south + dy), (east - dx, north - dy), (west + dx, north - dy), (west + dx, south + dy)]
    outline = {"type": "Feature", "properties": {"id": "place", "role": "camp"}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    (tmp_path / "aoi.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [outline]}))
    (tmp_path / "claims.yaml").write_text(LEDGER)
    return str(tmp_path / "aoi.geojson"), tmp_path / "claims.yaml"


def pairs_of(folder, asked, run):
    """The pairs of days that a run works on."""
    config = RunConfig.read(None, report_date=date(2024, 1, 1), kinds=("structure",), planted_per_size=4, structure_sizes_m=(20,))
    run_camp(asked[0], folder, run, config, claims=asked[1])
    documents = [json.loads(path.read_text()) for path in (run / "pairs").glob("*/findings.geojson")]
    return [(document["before"]["scene"], document["after"]["scene"]) for document in documents]


def test_two_files_of_one_name_are_two_scenes_of_a_run(tmp_path):
    early, late = (open_scene(dated(tmp_path / day / "ortho.tif", day, n)) for n, day in enumerate(("2010-05-01", "2012-10-01")))
    other = open_scene(dated(tmp_path / "other_20110101.tif", "2011-01-01"))
    apart = named_apart([early, other, late])
    assert [item.id for item in apart] == ["ortho_20100501T020000", "other_20110101", "ortho_20121001T020000"]
    assert [scene.acquired(item).year for item in apart] == [2010, 2011, 2012]
    assert early.id == "ortho"  # what was given stays as it was
    same = named_apart([early, open_scene(dated(tmp_path / "again" / "ortho.tif", "2010-05-01", 7))])
    assert [item.id for item in same] == ["ortho_20100501T020000", "ortho_20100501T020000-2"]


def test_bands_without_their_mtl_are_no_scenes(tmp_path):
    product = products.landsat(tmp_path)
    (mtl,) = product.glob("*_MTL.txt")
    mtl.unlink()
    found = scan(tmp_path)
    assert found.items == ()
    (refused,) = found.unreadable
    assert "Landsat bands without their metadata; got 4 band file(s)" in refused.reason
    assert f"{product.name}_MTL.txt" in refused.reason
    # An analyst's own composite of them, and one band that is asked for by name, are rasters like any other.
    write_raster(product / f"{product.name}_composite.tif", products.DN, products.BOX)
    assert [item.id for item in scan(tmp_path).items] == [f"{product.name}_composite"]
    assert scene.calibration(open_scene(product / f"{product.name}_SR_B4.TIF")) == "dn"


def test_a_stac_item_may_describe_bands_without_an_mtl(tmp_path):
    name = "LC08_L2SP_115032_20150710_20200908_02_T1"
    write_raster(tmp_path / f"{name}_SR_B4.TIF", products.DN, products.BOX)
    said = {"datetime": "2015-07-10T02:04:05Z"}
    assets = {"red": {"href": f"./{name}_SR_B4.TIF", "eo:bands": [{"common_name": "red"}]}}
    item = {"type": "Feature", "stac_version": "1.0.0", "id": "mine", "properties": said, "geometry": None, "links": [], "assets": assets}
    (tmp_path / "item.json").write_text(json.dumps(item))
    found = scan(tmp_path)
    assert ([one.id for one in found.items], found.unreadable) == (["mine"], ())


def test_the_catalogue_of_a_folder_may_lie_in_it(tmp_path, capsys):
    products.landsat(tmp_path)
    where = tmp_path / "catalogue.json"
    for _ in range(2):
        assert execute(["scenes", "scan", str(tmp_path), "--out", str(where)]) == 0
        assert "1 scene(s), 0 not readable" in capsys.readouterr().out
    assert len(json.loads(where.read_text())["features"]) == 1


def test_a_file_that_cannot_be_written_is_one_line(tmp_path, capsys):
    products.landsat(tmp_path / "scenes")
    (tmp_path / "folder").mkdir()
    assert execute(["scenes", "scan", str(tmp_path / "scenes"), "--out", str(tmp_path / "folder")]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert f"{tmp_path / 'folder'}: Is a directory" in told.err
    assert len(told.err.splitlines()) == 1


def test_an_interruption_says_how_to_go_on(tmp_path, capsys, monkeypatch):
    products.landsat(tmp_path)

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("camwatch.pipeline.catalogue.list_scenes", interrupted)
    assert execute(["scenes", "scan", str(tmp_path)]) == 130
    assert capsys.readouterr().err.strip().splitlines()[-1] == "camwatch: stopped; start the same command again to go on"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("width", "absent"), [(80, {"processing", "sun", "tilt", "date from"}), (220, set())])
def test_a_narrow_terminal_shows_fewer_columns_and_whole_dates(tmp_path, monkeypatch, width, absent):
    products.landsat(tmp_path)
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert execute(["scenes", "scan", str(tmp_path)]) == 0
    shown = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())
    assert "2015-07-10" in shown
    assert max(map(len, shown.splitlines())) <= width
    told = [line.removeprefix("for want of width not shown: ") for line in shown.splitlines() if line.startswith("for want")]
    assert set(", ".join(told).split(", ")) - {""} == absent


def test_a_picture_with_a_world_file_and_a_prj_is_placed(tmp_path):
    path = tmp_path / "EXPORT_2014-05-06.JPG"
    profile = {"driver": "JPEG", "count": 3, "height": 20, "width": 30, "dtype": "uint8"}
    with rasterio.open(path, "w", **profile, transform=Affine(2, 0, 5, 0, -2, 5)) as out:
        out.write(np.full((3, 20, 30), 90, np.uint8))
    path.with_suffix(".JPG.aux.xml").unlink(missing_ok=True)
    (tmp_path / "EXPORT_2014-05-06.JGW").write_text("0.5\n0\n0\n-0.5\n560000.25\n4649999.75\n")
    (tmp_path / "EXPORT_2014-05-06.prj").write_text("\ufeff" + CRS.from_epsg(32652).to_wkt(version="WKT1_ESRI"))
    (band, *_) = scene.bands_of(open_scene(path))
    assert band.geobox.crs.epsg == 32652
    assert tuple(band.geobox.affine)[:6] == (0.5, 0, 560_000, 0, -0.5, 4_650_000)


def test_a_run_compares_files_of_one_name_and_a_clouded_date_makes_way_for_a_clear_one(tmp_path, asked):
    folder = tmp_path / "scenes"
    for day, clouded in (("2010-05-01", 0), ("2012-08-01", 1), ("2012-10-01", 0)):
        dated(folder / day / "ortho.tif", day, clouded=clouded)
    # Before a pixel is read the tightest dates are promised; a run looks at the masks.
    promised = {said.pair for said in plan_camp(asked[0], folder, claims=asked[1], aoi_file=None).testable}
    assert promised == {"ortho_20100501T020000__ortho_20120801T020000"}
    assert pairs_of(folder, asked, tmp_path / "run") == [("ortho_20100501T020000", "ortho_20121001T020000")]
