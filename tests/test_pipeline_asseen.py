"""Where findings lie: what appeared on the later scene, all else on the earlier, and back on one grid when they are read again."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from scipy import ndimage as ndi
from shapely.geometry import Point, box, mapping, shape

from camwatch.cli import execute
from camwatch.findings import Finding, Findings
from camwatch.pipeline.asseen import as_searched, as_seen
from camwatch.pipeline.records import read_findings
from camwatch.rasters import stored, write_raster
from camwatch.registration import Registration
from camwatch.registration.lattice import Lattice

CRS = "EPSG:32652"
WEST, NORTH = 559_000.0, 4_633_000.0
SIDE, GSD = 420, 0.5
EAST_M, SOUTH_M = 6.0, 4.0
"""How far off the later scene says it lies."""

CAME, WENT, STAYS = ((120, 240), (300, 150)), ((250, 300),), ((200, 120),)
"""Upper left corners of houses, (row, col); each is 32 × 18 pixels."""


def scene(path, houses, day, west, north):
    rng = np.random.default_rng(1)
    grey = ndi.zoom(rng.uniform(70, 150, (7, 7)), SIDE / 7, order=0)
    grey += ndi.gaussian_filter(rng.normal(0, 1, (SIDE, SIDE)), 1.2) * 22 + ndi.gaussian_filter(rng.normal(0, 1, (SIDE, SIDE)), 6) * 90
    picture = np.stack([grey * 1.05, grey, grey * 0.85])
    for row, col in houses:
        picture[:, row - 8 : row + 24, col - 8 : col + 10] *= 0.35
        picture[:, row : row + 32, col : col + 18] = np.array([205, 200, 190])[:, None, None]
    grid = GeoBox((SIDE, SIDE), Affine(GSD, 0, west, 0, -GSD, north), CRS)
    stamp = {"TIFFTAG_DATETIME": f"{day.replace('-', ':')} 02:00:00"}
    return write_raster(path, np.clip(picture, 1, 255).astype("uint8"), grid, bands=("red", "green", "blue"), tags=stamp)


@pytest.fixture(scope="module")
def detected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("asseen")
    scene(folder / "before.tif", STAYS + WENT, "2010-05-01", WEST, NORTH)
    scene(folder / "after.tif", STAYS + CAME, "2012-05-01", WEST + EAST_M, NORTH - SOUTH_M)
    lonlat = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform
    ring = shapely.transform(box(WEST + 20, NORTH - 190, WEST + 190, NORTH - 20), lambda xy: np.column_stack(lonlat(*xy.T)))
    feature = {"type": "Feature", "properties": {"id": "site", "name": "Site", "role": "camp"}, "geometry": mapping(ring)}
    (folder / "aoi.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    asked = ("detect", folder / "before.tif", folder / "after.tif", "--aoi", folder / "aoi.geojson", "--kind", "structures", "--model", "none")
    assert execute([str(a) for a in (*asked, "--out", folder / "out")]) == 0
    return folder / "out"


def middle(row, col, east=0.0, south=0.0):
    return Point(WEST + (col + 9) * GSD + east, NORTH - (row + 16) * GSD - south)


def told(folder, change):
    metres = Transformer.from_crs("EPSG:4326", CRS, always_xy=True).transform
    features = json.loads((folder / "findings.geojson").read_text())["features"]
    return [
        shapely.transform(shape(f["geometry"]), lambda xy: np.column_stack(metres(*xy.T))) for f in features if f["properties"]["change"] == change
    ]


def test_the_score_of_what_appeared_lies_under_its_outline_and_camwatch_reads_back_where_it_searched(detected):
    (shown, grid), (searched, same) = (stored(detected / f"score_structures{which}.tif") for which in ("", "_searched"))
    assert grid == same
    shown, searched = np.asarray(shown), np.asarray(searched)

    def around(row, col, east=0.0, south=0.0):
        place = middle(row, col, east, south)
        col, row = (int(n) for n in ~grid.affine * (place.x, place.y))
        return np.s_[row - 18 : row + 18, col - 11 : col + 11]

    assert np.array_equal(np.isnan(shown), np.isnan(searched))
    for house in CAME:
        before, after = around(*house), around(*house, EAST_M, SOUTH_M)
        assert searched[before].max() > 0.7
        # Scenes are registered to some tenths of a pixel; working pixels are a metre wide, and their scores have edges.
        assert np.corrcoef(shown[after].ravel(), searched[before].ravel())[0, 1] > 0.9
        vacated = np.zeros_like(shown, bool)
        vacated[before], vacated[after] = True, False
        assert shown[vacated].max() < 0.3 < searched[vacated].max()
    for house in WENT:
        assert searched[around(*house)].max() > 0.7
        assert np.array_equal(shown[around(*house)], searched[around(*house)])
    assert np.array_equal(np.asarray(read_findings(detected)["structure"].score), searched, equal_nan=True)


def test_each_outline_lies_on_the_scene_that_shows_its_house(detected):
    for change, houses, off in (("appeared", CAME, (EAST_M, SOUTH_M)), ("removed", WENT, (0.0, 0.0))):
        outlines = told(detected, change)
        for house in houses:
            # A house is 9 m wide and told to about a pixel; the scenes lie 7.2 m apart.
            assert min(outline.centroid.distance(middle(*house, *off)) for outline in outlines) < 1.5, change


def test_read_back_all_lies_on_the_grid_of_the_search(detected):
    found = read_findings(detected)["structure"]
    centres = [r.geometry.centroid for r in found.records if r.change == "appeared"]
    for house in CAME:
        assert min(centre.distance(middle(*house)) for centre in centres) < 1.5


def findings(kind):
    grid = GeoBox((400, 400), Affine(GSD, 0, WEST, 0, -GSD, NORTH), CRS)
    rng = np.random.default_rng(5)
    squares = [box(x, y, x + 9, y + 5) for x, y in zip(rng.uniform(WEST, WEST + 190, 20), rng.uniform(NORTH - 190, NORTH, 20), strict=True)]
    records = tuple(Finding(f"{n}", kind, "appeared" if n % 2 else "removed", square, 0.9, 45.0) for n, square in enumerate(squares))
    day = datetime(2010, 5, 1, tzinfo=UTC)
    empty = np.zeros(grid.shape, np.float32)
    return Findings(kind, "searched", "", records, "site", CRS, "a", "b", (day, day), 1.0, 0.04, GSD, empty, grid)


def curved(grid):
    """An answer with a shift, a turn and a field that bends by up to two pixels."""
    step = 100.0
    field = Lattice.over(grid.shape, step, np.random.default_rng(2).uniform(-2, 2, (*Lattice.counts(grid.shape, step), 2)), 3)
    answer = Registration.refused(grid, "")
    return replace(answer, status="ok", model="affine", matrix=np.array([[1.0, 0.002, -7.3], [-0.002, 1.0, 4.1]]), field=field)


@pytest.mark.parametrize("kind", ["structure", "tower"])
def test_what_appeared_moves_and_comes_back(kind):
    found = findings(kind)
    answer = curved(found.geobox)
    seen = as_seen(found, answer)
    for was, now in zip(found.records, seen.records, strict=True):
        moved = was.geometry.centroid.distance(now.geometry.centroid)
        assert (moved > 2.0) if was.change == "appeared" else (now == was)
    for was, back in zip(found.records, as_searched(seen, answer).records, strict=True):
        assert was.geometry.hausdorff_distance(back.geometry) < 1e-6


@pytest.mark.parametrize("kind", ["perimeter", "landcover"])
def test_lines_and_land_stay_on_the_grid(kind):
    found = findings(kind)
    assert as_seen(found, curved(found.geobox)) is found
