"""The comparison of a demonstration with what was drawn tells right from wrong."""

import json
import sys
from datetime import date
from pathlib import Path

import pytest
from shapely.geometry import Point, box, mapping

from camwatch.aoi import LONLAT, reproject
from camwatch.claims.model import Quantity, Reading

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
CRS, EAST, NORTH = "EPSG:32652", 559_500.0, 4_632_000.0


@pytest.fixture(scope="module")
def truth():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import demo_truth
    finally:
        sys.path.remove(str(BENCHMARKS))
    return demo_truth


def drawn(x, y, since=None, until=None):
    lon, lat = reproject(Point(EAST + x, NORTH + y), CRS, LONLAT).coords[0]
    return {"lon": lon, "lat": lat, "since": since, "until": until}


def report(kind, change, x, y, side=4.0):
    shape = reproject(box(EAST + x - side / 2, NORTH + y - side / 2, EAST + x + side / 2, NORTH + y + side / 2), CRS, LONLAT)
    return {"type": "Feature", "geometry": mapping(shape), "properties": {"kind": kind, "change": change}}


@pytest.fixture
def demo(tmp_path):
    """A finished demonstration: three towers drawn, of which two came; five reports; four verdicts."""
    run = tmp_path / "camp"
    pair = run / "pairs" / "a__b"
    pair.mkdir(parents=True)
    towers = [drawn(0, 0, since="2010-06-01"), drawn(50, 0, since="2010-07-01"), drawn(100, 0)]
    lines = [
        {"since": None, "until": "2010-04-30", "area_m2": 5e5, "length_m": 3e3},
        {"since": "2010-05-01", "until": None, "area_m2": 8e5, "length_m": 4e3},
    ]
    document = {"towers": towers, "buildings": [drawn(0, 90, until="2009-01-01")], "perimeters": lines}
    (tmp_path / "camp-truth.json").write_text(json.dumps(document))
    ring = reproject(box(EAST - 500, NORTH - 500, EAST + 500, NORTH + 500), CRS, LONLAT)
    outline = {"type": "Feature", "properties": {"id": "camp", "name": "Camp", "role": "camp"}, "geometry": mapping(ring)}
    (run / "aoi.geojson").write_text(json.dumps(outline))
    (pair / "pair.json").write_text(json.dumps({"acquired": ["2009-10-12T02:00:00+00:00", "2011-02-20T02:00:00+00:00"]}))
    features = [
        report("tower", "appeared", 1, 1),
        report("tower", "appeared", 2, 2),  # the same tower again
        report("tower", "appeared", 200, 0),  # none there
        report("tower", "unchanged", 104, 0),
    ]
    searches = [{"kind": "tower", "status": "searched"}, {"kind": "structure", "status": "not_testable"}]
    (pair / "findings.geojson").write_text(json.dumps({"crs_analysis": CRS, "gsd_m": 0.5, "searches": searches, "features": features}))
    readings = {
        "T-1": {"metric": "count", "subject": "tower", "aspect": "appeared", "quantity": {"low": 2, "high": 2}},
        "T-2": {"metric": "area", "subject": "perimeter", "aspect": "growth", "quantity": {"low": 0.2, "high": 0.2, "unit": "ratio"}},
        "T-3": {"metric": "count", "subject": "tower", "quantity": {"low": 9, "high": None}},
        "T-4": {"metric": "position", "subject": "camp"},
    }
    claims = [{"id": n, "camp": "camp", "quote": "as said", "readings": [{"id": "as written", "text": "t", **r}]} for n, r in readings.items()]
    (run / "claims.json").write_text(json.dumps(claims))

    def verdict(name, outcome, reason, measured=None):
        told = {"reading": "as written", "outcome": outcome, "reason": reason, "measured": measured, "power": 0.9}
        return {"claim": name, "readings": [told]}

    between, on = "between 2009-10-12 and 2011-02-20 (0.5 m) …", "on 2011-02-20 (0.5 m) …"
    verdicts = [
        verdict("T-1", "supported", between, {"value": 3, "low": 1, "high": 4, "unit": "objects"}),
        verdict("T-2", "supported", between, {"value": 0.2, "low": 0.1, "high": 0.3, "unit": "ratio"}),  # wrong: it grew by 60 %
        verdict("T-3", "contradicted", on),
        verdict("T-4", "contradicted", "the camp lies elsewhere"),
    ]
    (run / "verdicts.json").write_text(json.dumps({"verdicts": verdicts}))
    return tmp_path


def test_reports_are_counted_against_what_was_drawn(truth, demo):
    (run,) = truth.runs(demo)
    when = "2009-10-12 → 2011-02-20, 0.5 m"
    assert truth.found_rows(run) == [(when, "towers appeared", 2, 3, 1), (when, "towers unchanged", 1, 1, 1)]


def test_verdicts_are_held_against_what_was_drawn(truth, demo, capsys, monkeypatch):
    (run,) = truth.runs(demo)
    rows = {row[0].split()[0]: (row[1], row[3], row[5], row[6]) for row in truth.verdict_rows(run)}
    assert rows == {"T-1": ("2", "yes", "supported", "yes"), "T-2": ("0.6", "no", "supported", "no"), "T-3": ("3", "–", "contradicted", "yes")}
    monkeypatch.setattr(sys, "argv", ["demo_truth.py", str(demo)])
    assert truth.main() == 1
    assert "intervals hold what was drawn in 1 of 2; right: 2 of 3 that decide" in capsys.readouterr().out


def test_a_part_that_is_there_is_right_and_a_size_that_is_not_is_wrong(truth):
    def said(outcome, drawn, **reading):
        return truth.right(outcome, Reading(text="t", **reading), drawn)

    there = {"metric": "presence", "subject": "structure"}
    assert [said("partly", n, **there) for n in (0, 5)] == ["no", "yes"]
    count = {"metric": "count", "subject": "structure", "aspect": "appeared", "quantity": Quantity(low=10, high=10)}
    assert [said("partly", n, **count) for n in (10, 20)] == ["no", "yes"]
    assert said("inconclusive", 10, **count) == "–"
    assert truth.told_days("SIMULATED: on 2011-02-20 (0.5 m) an estimated") == (date(2011, 2, 20), date(2011, 2, 20))
    assert truth.told_days("no pair brackets 1980") is None
