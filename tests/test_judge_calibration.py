"""The judge is right as often as it says, over worlds whose truth is known (the small version of benchmarks/calibration.py)."""

import importlib.util
import math
import sys
from pathlib import Path

import pytest

WORLDS = 220


@pytest.fixture(scope="module")
def rows():
    path = Path(__file__).resolve().parents[1] / "benchmarks" / "calibration.py"
    spec = importlib.util.spec_from_file_location("calibration", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["calibration"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module.table(WORLDS, seed=11)


def above(share, n):
    """Three binomial standard deviations above a share."""
    return share + 3 * math.sqrt(share * (1 - share) / max(n, 1))


def test_intervals_cover_as_stated(rows):
    clean, _, area = rows
    for row in (clean, area):
        assert 1 - row.coverage <= above(0.05, row.measured), str(row)


def test_supported_and_excluded_are_wrong_no_more_often_than_stated(rows):
    for row in rows:
        assert row.error("supported") <= above(0.10, row.outcomes["supported"]), str(row)
        assert row.error("excluded") <= above(0.05, row.outcomes["excluded"]), str(row)


def test_the_judge_does_decide(rows):
    for row in rows:
        assert row.outcomes["supported"] + row.outcomes["excluded"] >= 0.15 * WORLDS, str(row)
