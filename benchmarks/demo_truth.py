"""A finished demonstration held against what was drawn: every finding, and every verdict that the drawing has an answer to.

    camwatch demo --out DEMO
    python benchmarks/demo_truth.py DEMO

`camwatch demo` renders its own scenes and writes what it drew beside the run folders (CAMP-truth.json); nothing of that is read by the run. A report
means an object when its outline lies within 4 m of a tower's centre or holds a building's, each report one object. Verdicts are those of the run; of
claims that the drawing holds no answer to (positions, dates, people, land cover) nothing is said. SIMULATED: the scenes are rendered by this project.
"""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from shapely import transform
from shapely.geometry import Point, shape

from camwatch.aoi import LONLAT, load_aoi, reproject
from camwatch.claims.model import Claim
from camwatch.judge.limits import bounds_of
from camwatch.registration import Registration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapely.geometry.base import BaseGeometry

    from camwatch.aoi import Aoi
    from camwatch.claims.model import Reading

LISTED = {"tower": "towers", "structure": "buildings"}
REACH_M = {"tower": 4.0, "structure": 0.0}
"""How far a report may lie from the centre of what it means."""


@dataclass(frozen=True, slots=True)
class Run:
    """One camp of a demonstration."""

    folder: Path
    truth: dict[str, Any]
    aoi: Aoi

    def objects(self, kind: str, within: BaseGeometry | None = None) -> list[dict[str, Any]]:
        """Return what was drawn of a kind, of which the centre lies in an outline (longitude, latitude)."""
        return [o for o in self.truth[LISTED[kind]] if within is None or within.contains(Point(o["lon"], o["lat"]))]

    def line(self, day: date, size: str) -> float:
        """Return the drawn area or length of the enclosing line on a day."""
        return next(float(p[size]) for p in self.truth["perimeters"] if stands(p, day))


def stands(drawn: dict[str, Any], day: date) -> bool:
    """Whether something that was drawn stands on a day."""
    since, until = (None if drawn[end] is None else date.fromisoformat(drawn[end]) for end in ("since", "until"))
    return (since is None or since <= day) and (until is None or day <= until)


def fate(drawn: dict[str, Any], days: tuple[date, date]) -> str:
    """Return what became of it between two days; empty where it stood on neither."""
    here = tuple(stands(drawn, day) for day in days)
    return {(False, True): "appeared", (True, False): "removed", (True, True): "unchanged"}.get(here, "")


def runs(demo: Path) -> list[Run]:
    """Return the camps of a demonstration."""
    found = [(path, demo / path.name.removesuffix("-truth.json")) for path in sorted(demo.glob("*-truth.json"))]
    return [Run(folder, json.loads(path.read_text(encoding="utf-8")), load_aoi(folder / "aoi.geojson")) for path, folder in found]


def days_of(pair: Path) -> tuple[date, date]:
    """Return both days of a pair."""
    first, second = json.loads((pair / "pair.json").read_text(encoding="utf-8"))["acquired"]
    return date.fromisoformat(first[:10]), date.fromisoformat(second[:10])


def matched(reports: Sequence[BaseGeometry], centres: Sequence[Point], reach_m: float) -> int:
    """Return how many reports mean an object, each another one: as many as can be paired."""
    near = np.array([[report.distance(centre) <= reach_m for centre in centres] for report in reports], bool).reshape(len(reports), len(centres))
    rows, cols = linear_sum_assignment(near, maximize=True)
    return int(near[rows, cols].sum())


def found_rows(run: Run) -> list[tuple[object, ...]]:
    """Return (pair, change, drawn, reported, right) of each kind of object that a pair was searched for."""
    rows: list[tuple[object, ...]] = []
    for pair in sorted((run.folder / "pairs").iterdir()):
        document, days = json.loads((pair / "findings.geojson").read_text(encoding="utf-8")), days_of(pair)
        crs = document["crs_analysis"]
        searched = {s["kind"]: s for s in document.get("searches", [document])}
        for kind, listed in LISTED.items():
            if searched.get(kind, {}).get("status") != "searched":
                continue
            features = [f for f in document["features"] if f["properties"]["kind"] == kind]
            for change in ("appeared", "removed", "unchanged"):
                reports = [reproject(shape(f["geometry"]), LONLAT, crs) for f in features if f["properties"]["change"] == change]
                if change == "appeared" and document.get("appeared_on") == "after":
                    # Told on the later scene, which is rendered some metres off; the drawing lies on the earlier one's ground.
                    record = json.loads((pair / "registration.json").read_text(encoding="utf-8"))
                    reports = [transform(report, Registration.from_json(record).belongs_at) for report in reports]
                drawn = [o for o in run.objects(kind) if fate(o, days) == change]
                centres = [reproject(Point(o["lon"], o["lat"]), LONLAT, crs) for o in drawn]
                right = matched(reports, centres, REACH_M[kind])
                if drawn or reports:
                    rows.append((f"{days[0]} → {days[1]}, {document['gsd_m']:.2g} m", f"{listed} {change}", len(drawn), len(reports), right))
    return rows


def told_days(reason: str) -> tuple[date, date] | None:
    """Return the days that a sentence speaks of: both of a pair, or twice that of a state; None where it names none."""
    said = re.search(r"\b(?:on|between) (\d{4}-\d\d-\d\d)(?: and (\d{4}-\d\d-\d\d))?", reason)
    return None if said is None else (date.fromisoformat(said[1]), date.fromisoformat(said[2] or said[1]))


def number_drawn(run: Run, reading: Reading, days: tuple[date, date]) -> float | None:
    """Return what a reading asks for as it was drawn, in base units; None where the drawing does not say."""
    day = days[1] if reading.aspect == "state" else None
    if reading.metric in ("count", "presence", "layout") and reading.subject in LISTED:
        part = next((o.geometry for o in run.aoi.outlines if o.id == reading.sub_area and o.role == "sub-area"), None)
        objects = run.objects(reading.subject, part)
        if day is not None:
            return float(sum(stands(o, day) for o in objects))
        fates = [fate(o, days) for o in objects]
        came, went = fates.count("appeared"), fates.count("removed")
        if reading.aspect in ("appeared", "removed"):
            return float(came if reading.aspect == "appeared" else went)
        return float(came + went if reading.metric != "count" else came - went)
    if reading.metric in ("area", "length") and reading.subject in ("camp", "perimeter", "fence"):
        size = "area_m2" if reading.metric == "area" else "length_m"
        if day is not None:
            return run.line(day, size)
        before, after = (run.line(d, size) for d in days)
        return after / before - 1 if reading.quantity is None or reading.quantity.unit == "ratio" else after - before
    return None


def right(outcome: str, reading: Reading, drawn: float) -> str:
    """Return whether a verdict says what was drawn; a dash where it decides nothing."""
    counted = reading.metric in ("count", "area", "length")
    claimed = bounds_of(reading.quantity if counted else None, reading.metric if counted else "count")
    if outcome == "supported" or (outcome == "partly" and not counted):
        return "yes" if claimed.near_low <= drawn <= claimed.near_high else "no"
    if outcome in ("contradicted", "partly"):
        return "no" if claimed.wide_low <= drawn <= claimed.wide_high else "yes"
    return "–"


def verdict_rows(run: Run) -> list[tuple[object, ...]]:
    """Return (reading, drawn, measured, interval holds it, power, outcome, right) of every reading that the drawing answers."""
    claims = {c["id"]: Claim.model_validate(c) for c in json.loads((run.folder / "claims.json").read_text(encoding="utf-8"))}
    rows: list[tuple[object, ...]] = []
    for verdict in json.loads((run.folder / "verdicts.json").read_text(encoding="utf-8"))["verdicts"]:
        readings = {r.id: r for r in claims[verdict["claim"]].readings}
        for told in verdict["readings"]:
            reading, days = readings[told["reading"]], told_days(told["reason"])
            drawn = None if days is None else number_drawn(run, reading, days)
            if drawn is None:
                continue
            measured, scale, shown, holds = told["measured"], 1.0, "–", "–"
            if measured is not None:
                scale = {"km2": 1e6, "km": 1e3}.get(measured["unit"], 1.0)
                shown = f"{measured['value']:.3g} ({measured['low']:.3g} to {measured['high']:.3g}) {measured['unit'].replace('objects', '')}".strip()
                holds = "yes" if measured["low"] <= drawn / scale <= measured["high"] else "no"
            power = "–" if told["power"] is None else f"{told['power']:.2f}"
            name = f"{verdict['claim']} “{reading.id}”"
            rows.append((name, f"{drawn / scale:.3g}", shown, holds, power, told["outcome"], right(told["outcome"], reading, drawn)))
    return rows


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table."""
    print(f"\n| {' | '.join(head)} |\n| {' | '.join('---' for _ in head)} |")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |")


def main() -> int:
    """Compare, print; 1 where a verdict is wrong or an interval does not hold what was drawn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path, metavar="DEMO", help="folder of a finished `camwatch demo --out DEMO`")
    options = parser.parse_args()
    camps = runs(options.demo)
    if not camps:
        parser.error(f"{options.demo} holds no CAMP-truth.json: give the folder of a finished `camwatch demo --out DEMO`")
    wrong = 0
    for run in camps:
        print(f"\n{run.aoi.name} (SIMULATED)")
        table(("pair", "what", "drawn", "reported", "right"), found_rows(run))
        verdicts = verdict_rows(run)
        table(("reading", "drawn", "measured (95 % interval)", "holds it", "power", "verdict", "right"), verdicts)
        wrong += sum("no" in (row[3], row[6]) for row in verdicts)
        decided = [row[6] for row in verdicts if row[6] != "–"]
        told = [row[3] for row in verdicts if row[3] != "–"]
        print(f"\nintervals hold what was drawn in {told.count('yes')} of {len(told)}; right: {decided.count('yes')} of {len(decided)} that decide")
    return min(wrong, 1)


if __name__ == "__main__":
    raise SystemExit(main())
