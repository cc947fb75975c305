"""The benchmark of new and razed buildings: what it calls right, what it averages, and what it makes of scores, on truth made by hand."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from shapely.geometry import box

from camwatch.findings import Finding
from camwatch.render.settlement import Recipe


@pytest.fixture(scope="module")
def bench():
    """The benchmark's modules, by their last name."""
    folder = str(Path(__file__).resolve().parents[1] / "benchmarks")
    sys.path.insert(0, folder)
    modules = {name: importlib.import_module(f"_structures_{name}") for name in ("pairs", "scores", "search", "sheets")}
    modules["calibration"] = importlib.import_module("structures_calibration")
    modules["run"] = importlib.import_module("structures")
    sys.path.remove(folder)
    return SimpleNamespace(**modules)


def plane(*blocks, side=60):
    out = np.zeros((side, side), np.int32)
    for number, (top, left, height, width) in enumerate(blocks, 1):
        out[top : top + height, left : left + width] = number
    return out


def test_a_report_is_right_by_overlap_or_by_the_centre(bench):
    truth = plane((5, 5, 10, 10), (30, 5, 12, 12), (30, 40, 12, 12), (50, 50, 4, 4))
    told = plane((5, 8, 10, 10), (34, 9, 4, 4), (39, 49, 6, 6), (20, 20, 6, 6), (50, 50, 4, 4))
    found = bench.scores.match(told, truth, 0.5)
    # IoU 70/130; holds the centre; neither (9 of 171 pixels); nowhere near; on a building of 4 m², which is not asked for.
    assert (found.asked, found.found, found.told, found.right) == ({1, 2, 3}, {1, 2}, {1, 2, 3, 4, 5}, {1, 2})


def test_two_buildings_under_one_report_are_both_found_only_by_overlap(bench):
    found = bench.scores.match(plane((0, 0, 10, 40)), plane((0, 0, 10, 18), (0, 22, 10, 18)), 0.5)
    assert (found.found, found.right) == ({1, 2}, {1})
    assert not bench.scores.match(plane((0, 0, 40, 40)), plane((0, 0, 0, 0), (45, 0, 4, 9)), 1.0).right


def pair_of(bench, came, unsure=None):
    grid = bench.pairs.grid_of(came.shape, 0.5)
    nothing = np.zeros_like(came)
    return bench.pairs.Pair("made", (Path("a"), Path("b")), grid, 0.5, came, nothing, nothing, nothing > 0 if unsure is None else unsure)


def answer_of(pair, records, score):
    findings = SimpleNamespace(records=records, crs=str(pair.grid.crs), geobox=pair.grid, score=score, searched_km2=0.5, status="searched")
    return SimpleNamespace(findings=findings)


def outline(pair, top, left, height, width):
    left_m, top_m = pair.grid.affine * (left, top)
    right_m, bottom_m = pair.grid.affine * (left + width, top + height)
    return box(left_m, bottom_m, right_m, top_m)


def finding(pair, change, *block, raw=0.9):
    return Finding("x", "structure", change, outline(pair, *block), raw, 1.0, {"raw_score": raw})


def test_totals_count_pixels_objects_and_false_reports_per_area(bench):
    unsure = plane((40, 40, 20, 20)) > 0
    pair = pair_of(bench, plane((10, 10, 10, 10), (10, 30, 10, 10)), unsure)
    records = [finding(pair, "appeared", *block) for block in ((10, 10, 10, 8), (30, 10, 5, 5), (45, 45, 6, 6))]
    records.append(finding(pair, "unchanged", 10, 30, 10, 10))
    totals = bench.scores.Totals()
    totals.add(pair, answer_of(pair, records, (pair.came > 0).astype(np.float32)), "appeared")
    assert (totals.hit, totals.extra, totals.missed) == (80, 25, 120)
    assert (totals.asked, totals.found, totals.told, totals.right) == (2, 1, 2, 1)  # that on unsure ground counts neither way
    assert totals.average_precision == pytest.approx(1.0)
    assert totals.cells().endswith("| 2.0")  # one false report on half a square kilometre
    assert totals.cells().count("|") == bench.scores.HEAD.count("|")
    both = bench.scores.Totals()
    for _ in range(2):
        both.take(totals)
    assert (both.hit, both.told, both.km2, len(both.scores)) == (160, 4, 1.0, 2)
    assert both.cells() == totals.cells().replace("2 | 1 | 2 | 1 |", "4 | 2 | 4 | 2 |")
    totals.add(pair, answer_of(pair, records, (pair.came > 0).astype(np.float32)), "removed", again=True)
    assert totals.km2 == 0.5


def test_average_precision_of_a_score_that_says_nothing_is_the_share_of_truth(bench):
    pair = pair_of(bench, plane((0, 0, 60, 30)))
    totals = bench.scores.Totals()
    totals.add(pair, answer_of(pair, [], np.random.default_rng(1).random((60, 60)).astype(np.float32)), "appeared")
    assert totals.average_precision == pytest.approx(0.5, abs=0.1)


def test_backwards_exchanges_what_came_and_what_is_gone(bench):
    pair = pair_of(bench, plane((10, 10, 10, 10)))
    turned = pair.backwards()
    assert turned.files == (Path("b"), Path("a"))
    assert turned.gone is pair.came
    assert turned.came is pair.gone
    assert turned.backwards().files == pair.files


def test_averages_over_pixels_that_do_not_divide_keep_the_mean(bench):
    values = np.arange(36, dtype=np.float32).reshape(1, 6, 6)
    coarse = bench.pairs.averaged(values, 0.5, 0.75)
    assert coarse.shape == (1, 4, 4)
    np.testing.assert_allclose(coarse[0, 0, 0], (0 + 0.5 * 1 + 0.5 * 6 + 0.25 * 7) / 2.25, rtol=1e-5)
    assert coarse.mean() == pytest.approx(values.mean())
    assert bench.pairs.averaged(values, 0.5, 0.5) is values


def test_knots_turn_scores_into_the_share_that_is_right(bench):
    """Reports that are right with the square of their score: knots rise, follow it, and hold on reports they were not fitted on."""
    rng = np.random.default_rng(3)
    raw = rng.random((2, 4000))
    told = [np.column_stack([scores, rng.random(4000) < scores**2]).astype(float) for scores in raw]
    knots = bench.calibration.fitted(told[0])
    assert len(knots) <= bench.calibration.MOST_KNOTS
    x, y = np.transpose(knots)
    assert (x[0], x[-1]) == (0, 1)
    assert (np.diff(x) > 0).all()
    assert (np.diff(y) >= 0).all()
    assert np.abs(bench.calibration.calibrated(told[1][:, 0], knots) - told[1][:, 0] ** 2).mean() < 0.03


def test_a_score_that_falls_with_truth_is_worth_one_probability(bench):
    raw = np.linspace(0, 1, 400)
    knots = bench.calibration.fitted(np.column_stack([raw, raw < 0.5]))
    assert knots == [(0.0, 0.0), (0.5, pytest.approx(0.5, abs=0.02)), (1.0, pytest.approx(0.5, abs=0.02))]
    with pytest.raises(SystemExit, match="3 reports"):
        bench.calibration.fitted(np.zeros((3, 2)))


def test_rendered_pairs_are_kept_and_searched(bench, tmp_path):
    """A small rendered pair comes back from the folder as it was drawn, is written in coarser pixels and one band, and runs through the search."""
    recipe = Recipe(side=192)
    seed = bench.run.CHANGED_SEEDS + 1
    first, again = (bench.pairs.kept_pair(seed, recipe, tmp_path / "kept") for _ in range(2))
    for name in ("pictures", "kinds", "numbers"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert again.pixel_m == first.pixel_m
    (pair,) = bench.pairs.rendered(tmp_path, [seed], recipe, pixel_m=1.0, colour=False, keep=tmp_path / "kept")
    answer = bench.search.searched(pair, tmp_path, "none")
    assert answer.findings.simulated
    assert answer.findings.gsd_m == pytest.approx(1.0)
    records, told, result = bench.scores.Totals().add(pair, answer, "appeared")
    cells = bench.sheets.cells_of(pair, answer, pair.came, (records, told, result))
    assert len(cells) == len(result.asked - result.found) + len(result.told)
    for verdict in {cell.verdict for cell in cells}:
        assert bench.sheets.sheet(tmp_path / "sheet.png", cells, verdict, simulated=True).is_file()
    assert bench.sheets.sheet(tmp_path / "none.png", [], "missed", simulated=True) is None
