"""Tiles put together: the same answer in memory and on disk, by one thread and by three, and nothing as large as the scene is held."""

import datetime as dt
import importlib
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import Point, box

from camwatch.aoi import Site
from camwatch.findings import Finding, Findings
from camwatch.pipeline import merge, records
from camwatch.pipeline.scores import score_path
from camwatch.pipeline.tiles import tiles_of
from camwatch.rasters import StoredPlane, mask_of, new_raster, stored, write_raster

search = importlib.import_module("camwatch.pipeline.search")

SCORES = ["score_structures.tif", "score_structures_searched.tif"]
WHEN = (dt.datetime(2010, 5, 1, tzinfo=dt.UTC), dt.datetime(2013, 5, 1, tzinfo=dt.UTC))
GRID = GeoBox((1100, 900), Affine(0.5, 0, 559_000, 0, -0.5, 4_633_000), "EPSG:32652")
LEFT, TOP = 559_000.0, 4_633_000.0
CAMP = box(LEFT + 90, TOP - 430, LEFT + 390, TOP - 110)
"""The ground that is sought: 300 × 320 m of the grid's 450 × 550 m."""


def houses(window, area):
    """Where the stand-in finds a house of 6 × 4 m in a window: on a lattice of 31 m, as if each stood there in truth."""
    left, bottom, right, top = window.extent.boundingbox
    for i in range(int((left - LEFT) // 31), int((right - LEFT) // 31) + 1):
        for j in range(int((TOP - top) // 31), int((TOP - bottom) // 31) + 1):
            x, y = LEFT + 31 * i + 3.1, TOP - 31 * j - 7.3
            if left + 3 < x < right - 3 and bottom + 2 < y < top - 2 and area.contains(Point(x, y)):
                yield box(x - 3, y - 2, x + 3, y + 2)


def stand_in(before, after, site):
    """A detector that knows where the houses stand, and scores each pixel by its place on the ground."""
    window = before.window
    rows, cols = np.indices(window.shape)
    x, y = window.affine * (cols + 0.5, rows + 0.5)
    score = (((x - LEFT) * 7 + (TOP - y) * 3) % 1.0).astype(np.float32)
    score[~mask_of(site.area.buffer(60), window)] = np.nan
    found = [Finding("", "structure", "appeared", house, 0.5, 24.0) for house in houses(window, site.area)]
    return Findings("structure", "searched", "", tuple(found), site.id, "EPSG:32652", "a", "b", WHEN, 0.0, 0.0, 0.5, score, window, came=score / 2)


@pytest.fixture
def asked(monkeypatch):
    """Search the grid with the stand-in for what lies in a camp; `threads` and `scores` as `search` takes them."""
    monkeypatch.setitem(search.BY_TILE, "structure", stand_in)

    def ask(camp=CAMP, tile_px=300, **settings):
        site = Site("here", camp, None, None, 0.0, {}, nominal=False)
        scenes = SimpleNamespace(
            geobox=GRID,
            simulated=False,
            registration=SimpleNamespace(belongs_at=lambda xy: xy),
            site=lambda _: site,
            images=lambda window: [SimpleNamespace(window=window, later=n) for n in (0, 1)],
        )
        return search.search(scenes, None, SimpleNamespace(kinds=("structure",), tile_px=tile_px, model_file=None), **settings)["structure"]

    return ask


def test_tiles_answer_as_one_does_and_each_house_is_counted_once(asked):
    whole, parts = asked(tile_px=4000), asked()
    expected = list(houses(GRID, CAMP))
    assert len(expected) > 80
    for found in (whole, parts):
        assert sorted(r.geometry.wkt for r in found.records) == sorted(house.wkt for house in expected)
        assert found.searched_km2 == pytest.approx(CAMP.area / 1e6, rel=1e-3)
        assert found.observed_share == pytest.approx(1.0, abs=1e-3)
    assert np.array_equal(whole.score, parts.score, equal_nan=True)
    assert np.array_equal(np.isfinite(parts.score), mask_of(CAMP, GRID, touched=True))
    assert [r.id for r in parts.records] == [f"structure-{n:04d}" for n in range(1, len(parts.records) + 1)]


def test_ground_that_holds_a_part_of_what_is_asked_shows_no_more_than_that(asked, monkeypatch):
    ground_of = search._ground
    monkeypatch.setattr(search, "_ground", lambda *args: replace(ground_of(*args), held=0.25))
    found = asked()
    assert (found.held_share, found.shown_share) == (0.25, 0.25 * found.observed_share)
    assert found.observed_share == pytest.approx(1.0, abs=1e-3)


def test_a_nominal_outline_holds_a_part_of_the_camp_and_a_traced_line_tells_which():
    line = CAMP.buffer(40, join_style="mitre")
    drawn = Site("here", CAMP, CAMP, CAMP, 100.0, {}, nominal=True)
    assert search._held(replace(drawn, nominal=False), traced_too=False) == 1.0
    assert 0.5 < search._held(drawn, traced_too=False) < 0.7
    assert search._held(replace(drawn, perimeter_accuracy_m=3.0), traced_too=False) > 0.97
    told = search._held(replace(drawn, perimeter_before=CAMP, perimeter_after=line, perimeter_accuracy_m=1.0), traced_too=True)
    assert told == pytest.approx(CAMP.area / line.area)


def test_reports_beyond_the_outline_are_the_false_alarms_of_the_same_search(asked):
    found = asked()
    margin = box(*GRID.extent.boundingbox).difference(CAMP)
    # All tiles show some of the camp here, so all ground outside was searched: the lattice has a house on each 31 × 31 m of it.
    assert found.false_alarms_per_km2 == pytest.approx(len(list(houses(GRID, margin))) / (margin.area / 1e6), rel=0.01)


def test_without_enough_ground_outside_nothing_is_said_of_false_alarms(asked):
    nearly = box(*GRID.extent.boundingbox).buffer(-2)
    assert asked(camp=nearly).false_alarms_per_km2 is None


def test_what_is_written_as_tiles_come_in_is_what_memory_holds(asked, tmp_path):
    held = asked()
    for threads in (1, 3):
        folder = tmp_path / str(threads)
        found = asked(scores=folder, threads=threads)
        assert isinstance(found.score, StoredPlane)
        assert np.array_equal(held.score, np.asarray(found.score), equal_nan=True)
        assert found.records == held.records
        written = records.write_findings(folder, {"structure": found})
        assert score_path(folder, "structure") in written
        again = records.read_findings(folder)["structure"]
        assert np.array_equal(held.score, np.asarray(again.score), equal_nan=True)
        assert sorted(p.name for p in folder.iterdir()) == ["findings.geojson", "findings.gpkg", *SCORES]
    assert (tmp_path / "1" / "score_structures.tif").read_bytes() == (tmp_path / "3" / "score_structures.tif").read_bytes()
    with rasterio.open(tmp_path / "1" / "score_structures.tif") as dataset:
        assert (dataset.dtypes, dataset.descriptions) == (("float32",), ("structure score",))
        assert np.isnan(dataset.nodata)
        assert dataset.transform == GRID.affine


def test_a_search_that_fails_leaves_no_score_and_keeps_the_last_one(asked, tmp_path, monkeypatch):
    asked(scores=tmp_path)
    before = (tmp_path / "score_structures.tif").read_bytes()

    def fails(before, after, site):
        if before.window.affine.f < TOP - 200:
            raise RuntimeError("out of memory")
        return stand_in(before, after, site)

    monkeypatch.setitem(search.BY_TILE, "structure", fails)
    with pytest.raises(RuntimeError, match="out of memory"):
        asked(scores=tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == SCORES
    assert (tmp_path / "score_structures.tif").read_bytes() == before


def test_rows_of_tiles_that_are_not_searched_are_written_as_not_observed(asked, tmp_path):
    low = box(LEFT + 90, TOP - 500, LEFT + 120, TOP - 470)
    found = asked(camp=low, tile_px=150, scores=tmp_path)
    score = np.asarray(found.score)
    assert score.shape == tuple(GRID.shape)
    assert np.array_equal(np.isfinite(score), mask_of(low, GRID, touched=True))


def test_answers_wait_for_their_turn_and_no_more_than_one_beyond_the_workers(monkeypatch):
    alive, most = [0], [0]

    def work(task):
        alive[0] += 1
        most[0] = max(most[0], alive[0])
        return [task]

    taken = []
    for (task,) in search._in_order(work, range(40), 2):
        taken.append(task)
        alive[0] -= 1
    assert taken == list(range(40))
    assert most[0] <= 4


def test_a_kind_that_is_sought_nowhere_is_answered_by_one_tile(monkeypatch):
    untold = replace(
        stand_in(*[SimpleNamespace(window=GRID)] * 2, Site("here", CAMP, None, None, 0.0, {}, nominal=False)),
        status="not_testable",
        reason="no line",
        records=(),
    )
    put = []
    joined = merge.Merge(GRID, merge.Ground(None, None), put.append)
    joined.add(tiles_of(GRID, 4000, 0)[0], untold)
    answer = joined.findings(np.zeros(GRID.shape, np.float32))
    assert (answer.status, answer.reason, answer.observed_share, answer.searched_km2) == ("not_testable", "no line", 0.0, 0.0)
    assert sum(rows.shape[1] for rows in put) == GRID.shape[0]
    with pytest.raises(ValueError, match="no tile"):
        merge.Merge(GRID, merge.Ground(None, None), put.append).findings(np.zeros(GRID.shape, np.float32))


@pytest.fixture
def plane(tmp_path):
    values = np.random.default_rng(3).normal(size=(700, 530)).astype(np.float32)
    return values, write_raster(tmp_path / "a.tif", values, GeoBox(values.shape, GRID.affine, GRID.crs), nodata=float("nan"))


def test_a_stored_plane_is_taken_apart_as_an_array_is(plane):
    values, path = plane
    there, grid = stored(path)
    assert (there.shape, grid.affine, there.dtype) == (values.shape, GRID.affine, np.float32)
    for part in (
        (slice(10, 300), slice(20, 21)),
        (slice(None, None, 3), slice(-40, None)),
        (slice(600, 9000), slice(5, 5)),
        (slice(3, 650, 7), slice(None)),
    ):
        assert np.array_equal(there[part], values[part])
    assert np.array_equal(np.isfinite(there), np.isfinite(values))
    assert np.asarray(there, np.float64).dtype == np.float64
    with pytest.raises(ValueError, match="steps forward"):
        there[::-1, :]
    with pytest.raises(ValueError, match="without a copy"):
        there.__array__(copy=False)


def test_strips_of_any_height_make_the_raster_of_one_piece(plane, tmp_path):
    values, path = plane
    for heights in ((1, 300, 99, 300), (256, 444), (0, 699, 1)):
        with new_raster(tmp_path / "b.tif", GeoBox(values.shape, GRID.affine, GRID.crs), 1, "float32", nodata=float("nan")) as put:
            for stop, height in zip(np.cumsum(heights), heights, strict=True):
                put(values[None, stop - height : stop])
        assert (tmp_path / "b.tif").read_bytes() == path.read_bytes()
