"""Is the judge right as often as it says? Worlds in which the truth is known, judged by the same code as real pairs.

No pixels: a world draws a true number (or area), what a search of known quality would report, and a claim that may be true or false. The table
gives the coverage of the 95 % intervals and how often "supported" and "excluded" (contradicted, or partly because the size does not fit) are wrong.

    python benchmarks/calibration.py [worlds]
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import Point, box

from camwatch.claims.model import Claim, Interval, Quantity, Reading
from camwatch.findings import Finding, Findings, Growth, Ratio
from camwatch.judge import Evidence, Verdict, judge
from camwatch.judge.limits import bounds_of
from camwatch.sensitivity import Sensitivity

GRID = GeoBox((20, 20), Affine(50, 0, 560_000, 0, -50, 4_632_000), "EPSG:32652")
DATES = (datetime(2009, 12, 1, tzinfo=UTC), datetime(2011, 1, 15, tzinfo=UTC))
INTERVAL = Interval(start=date(2010, 1, 1), end=date(2010, 12, 31))
DOT = Point(560_500, 4_631_500).buffer(3)


@dataclass
class Row:
    """What happened over the worlds of one kind."""

    name: str
    worlds: int = 0
    covered: int = 0
    measured: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)

    def add(self, verdict: Verdict, truth: float, quantity: Quantity, metric: str) -> None:
        """Count one verdict against the truth."""
        reading = verdict.readings[0]
        claimed = bounds_of(quantity, metric)
        self.worlds += 1
        if reading.measured is not None:
            self.measured += 1
            self.covered += reading.measured.low - 1e-9 <= truth <= reading.measured.high + 1e-9
        group = {"contradicted": "excluded", "partly": "excluded"}.get(verdict.outcome, verdict.outcome)
        self.outcomes[group] += 1
        if group == "supported":
            self.wrong[group] += not claimed.near_low <= truth <= claimed.near_high
        if group == "excluded":
            self.wrong[group] += claimed.wide_low <= truth <= claimed.wide_high

    @property
    def coverage(self) -> float:
        """Share of the intervals that hold the truth."""
        return self.covered / self.measured

    def error(self, group: str) -> float:
        """Share of the verdicts of one group that are wrong."""
        return self.wrong[group] / max(self.outcomes[group], 1)

    def __str__(self) -> str:
        cells = [self.name, self.worlds, f"{100 * self.coverage:.1f} %"]
        for group in ("supported", "excluded"):
            cells += [self.outcomes[group], f"{100 * self.error(group):.1f} %"]
        return "| " + " | ".join(map(str, (*cells, self.outcomes["inconclusive"], self.outcomes["not testable"]))) + " |"


def findings(kind: str, records: tuple[Finding, ...], km2: float, growth: Growth | None = None) -> Findings:
    """Return findings with these records."""
    score = np.zeros(GRID.shape, np.float32)
    return Findings(kind, "searched", "", records, "aoi", "EPSG:32652", "a", "b", DATES, 1.0, km2, 0.5, score, GRID, growth=growth)


def claimed_near(truth: float, rng: np.random.Generator) -> float:
    """Return a number to claim: the truth in half of the worlds, else one between nothing and three times as many."""
    return truth if rng.random() < 0.5 else truth * rng.uniform(0, 3) + rng.integers(0, 3)


def count_world(rng: np.random.Generator, row: Row, real_share: float) -> None:
    """Judge one claimed count; `real_share` of the reports in control ground are real change, which the judge cannot know."""
    truth = int(rng.integers(0, 45)) if rng.random() < 0.8 else 0
    p, density, km2, control = rng.beta(4, 1), rng.gamma(0.7, 6.0), rng.uniform(0.05, 1.0), rng.uniform(0.3, 3.0)
    reports = int(rng.binomial(truth, p) + rng.poisson(density * (1 - real_share) * km2))
    # Control ground counts appeared and removed together.
    sensitivity = Sensitivity("structure", (16.0,), (24,), (int(rng.binomial(24, p)),), int(rng.poisson(2 * density * control)), control, "simulated")
    low = round(claimed_near(truth, rng))
    quantity = Quantity(low=low, high=None if rng.random() < 0.3 else low + int(rng.integers(0, 4)))
    records = tuple(Finding(str(i), "structure", "appeared", DOT, 0.9, 28.0) for i in range(reports))
    evidence = Evidence("a__b", DATES, 0.5, {"structure": findings("structure", records, km2)}, {"structure": sensitivity})
    reading = Reading(text="…", metric="count", subject="structure", aspect="appeared", quantity=quantity, interval=INTERVAL)
    row.add(judge(_claim(reading), [evidence]), truth, quantity, "count")


def growth_world(rng: np.random.Generator, row: Row) -> None:
    """Judge one claimed growth of the enclosed area."""
    truth = float(rng.uniform(0, 1.5)) if rng.random() < 0.7 else 0.0
    se = float(rng.uniform(0.005, 0.2))
    value = truth + se * rng.standard_normal()
    low = claimed_near(truth, rng)
    quantity = Quantity(low=low, high=None if rng.random() < 0.3 else low, unit="ratio", about=bool(rng.random() < 0.5))
    ratio = Ratio(value, value - 1.96 * se, value + 1.96 * se)
    lines = tuple(Finding(str(d.year), "perimeter", "unchanged", box(0, 0, 1, 1), 1.0, 1e6, {"date": d.date().isoformat()}) for d in DATES)
    evidence = Evidence("a__b", DATES, 0.5, {"perimeter": findings("perimeter", lines, 1.0, Growth(ratio, ratio))})
    reading = Reading(text="…", metric="area", subject="perimeter", aspect="growth", quantity=quantity, interval=INTERVAL)
    row.add(judge(_claim(reading), [evidence]), truth, quantity, "area")


def _claim(reading: Reading) -> Claim:
    return Claim(id="C", camp="aoi", quote="simulated", readings=(reading,))


def table(worlds: int, seed: int = 0) -> list[Row]:
    """Return the rows of the table."""
    rng = np.random.default_rng(seed)
    names = ("counts, control ground without change", "counts, half of the control's reports are real change", "growth of an area")
    rows = [Row(name) for name in names]
    for _ in range(worlds):
        count_world(rng, rows[0], 0.0)
        count_world(rng, rows[1], 0.5)
        growth_world(rng, rows[2])
    return rows


def main() -> None:
    """Print the table."""
    print("| worlds of | n | 95 % intervals cover | supported | of these wrong | excluded | of these wrong | inconclusive | not testable |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for row in table(int(sys.argv[1]) if len(sys.argv) > 1 else 2000):
        print(row)


if __name__ == "__main__":
    main()
