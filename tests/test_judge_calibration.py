"""The judge is right as often as it says, over worlds whose truth is known (the small version of benchmarks/calibration.py)."""

import math
import sys
from pathlib import Path

import pytest

WORLDS = 60
BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def calibration():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import calibration
    finally:
        sys.path.remove(str(BENCHMARKS))
    return calibration


@pytest.fixture(scope="module")
def rows(calibration):
    return calibration.table(WORLDS, seed=11, flawed=False)[0]


def spread(share, n, times=3):
    """So many binomial standard deviations of a share."""
    return times * math.sqrt(share * (1 - share) / max(n, 1))


def test_intervals_hold_the_truth_as_stated(calibration, rows):
    whole = calibration.total(rows)
    assert 0.93 - spread(0.05, whole.measured) <= whole.coverage <= 0.97 + spread(0.05, whole.measured), str(whole)
    for row in rows:
        if row.measured:
            assert row.coverage >= 0.95 - spread(0.05, row.measured), str(row)


@pytest.mark.parametrize("outcome", ["supported", "contradicted", "partly"])
def test_verdicts_are_wrong_no_more_often_than_stated(calibration, rows, outcome):
    whole = calibration.total(rows)
    assert whole.error(outcome) <= 0.05, str(whole)
    for row in rows:
        assert row.error(outcome) <= 0.05 + spread(0.05, row.outcomes[outcome]), str(row)


def test_where_power_is_under_the_limit_nothing_is_left_undecided(rows):
    for row in rows:
        assert row.weak["inconclusive"] == 0, str(row)
    assert sum(row.weak["not testable"] for row in rows) > 50


def test_the_judge_does_decide(rows):
    for row in rows:
        if row.name != "dates":  # few scenes a decade apart seldom enclose a claimed year
            assert row.outcomes["supported"] + row.outcomes["contradicted"] + row.outcomes["partly"] >= 0.1 * WORLDS, str(row)


def test_worlds_do_not_depend_on_one_another(calibration):
    once, again = (calibration.table(3, seed=5, flawed=False)[0] for _ in range(2))
    assert list(map(str, once)) == list(map(str, again))


def test_the_figure_shows_every_row(calibration, rows, tmp_path):
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from _judge_figure import draw
    finally:
        sys.path.remove(str(BENCHMARKS))
    draw(tmp_path / "figure.png", rows, [calibration.total(rows)])
    assert (tmp_path / "figure.png").stat().st_size > 20_000


def test_a_record_of_a_labelled_pair_is_judged(tmp_path, capsys):
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from _judge_pairs import read_half
        from _judge_worlds import findings, records_of
        from judge_pairs import judge_all
    finally:
        sys.path.remove(str(BENCHMARKS))
    curve = [{"size_m": 16.0, "planted": 24, "found": 22}]
    sensitivity = {"kind": "structure", "curve": curve, "false_alarms": 1, "control_km2": 0.1, "control": "the other half"}
    found = findings("structure", records_of("structure", appeared=20, unchanged=5), 0.1).as_geojson()
    record = {
        "name": "pair west",
        "labelled": {"appeared": 21, "removed": 0},
        "right": {"appeared": 19, "removed": 0},
        "aspects": ["appeared"],
        "km2": 0.1,
        "refused": "",
        "findings": found,
        "sensitivity": sensitivity,
    }
    assert judge_all([read_half(record)]) == 0
    told = capsys.readouterr().out
    assert "| pair west appeared | 21 | 20 |" in told
    assert "hold the labelled number in 1 of 1 (100 %)" in told
    far = {**record, "labelled": {"appeared": 90, "removed": 0}}
    assert judge_all([read_half(far)]) == 1
