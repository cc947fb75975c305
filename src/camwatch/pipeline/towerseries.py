"""Towers over all pairs of a run: each is one tower, with what every date says of it, and no razing that a later date takes back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from shapely import STRtree

from camwatch.aoi import LONLAT, reproject
from camwatch.detect._tower_series import fate_of, linked
from camwatch.pipeline.ground import to_one_ground

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from shapely.geometry import Point

    from camwatch.detect._tower_series import Fate, State
    from camwatch.findings import Finding
    from camwatch.judge import Evidence

REACH_M = 6.0
"""Distance on one ground within which reports of two pairs are of one tower: none stand closer, and registrations differ by a metre or two."""

RANK: dict[State, int] = {"not_observed": 0, "absent": 1, "stands": 2}
"""What is said of one date by several pairs: one that shows the tower outweighs one that misses it, and either outweighs not having seen."""


@dataclass(frozen=True, slots=True)
class Followed:
    """One tower of a run.

    Attributes
    ----------
    place : Point
        Longitude and latitude, on the first scene of those that pairs join.
    states : mapping of datetime to {"stands", "absent", "not_observed"}
        By date, as far as a pair reports the tower.
    fate : Fate
        Its numbers count the dates of `states`.
    reports : tuple of (int, int)
        Which pair, and which record of that pair.
    """

    place: Point
    states: Mapping[datetime, State]
    fate: Fate
    reports: tuple[tuple[int, int], ...]

    def as_json(self, number: int) -> dict[str, Any]:
        """Return the tower as `towers.json` lists it."""
        days = [f"{time:%Y-%m-%d}" for time in self.states]
        if len(set(days)) < len(days):  # two scenes of one day are two dates
            days = [f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in self.states]
        told: dict[str, Any] = {
            "id": f"tower-{number:04d}",
            "lon": round(self.place.x, 6),
            "lat": round(self.place.y, 6),
            "change": self.fate.change,
            "states": dict(zip(days, self.states.values(), strict=True)),
        }
        for name, between in (("appeared", self.fate.appeared), ("removed", self.fate.removed)):
            if between:
                told[name] = [days[k] for k in between]
        return told | ({"withdrawn": [days[k] for k in self.fate.withdrawn]} if self.fate.withdrawn else {})


def follow(evidence: Sequence[Evidence]) -> tuple[Followed, ...]:
    """Return the towers that any pair reports, from north to south, each with its states at all dates and its fate."""
    reports = [(k, n) for k, one in enumerate(evidence) if "tower" in one.findings for n in range(len(one.findings["tower"].records))]
    if not reports:
        return ()
    reports.sort(key=lambda at: (evidence[at[0]].pair, at[1]))  # the order in which pairs are given decides nothing
    crs = evidence[reports[0][0]].findings["tower"].crs
    records = [evidence[k].findings["tower"].records[n] for k, n in reports]
    moves = to_one_ground(evidence)
    found = (moves[k](reproject(r.geometry, evidence[k].findings["tower"].crs, LONLAT)) for (k, _), r in zip(reports, records, strict=True))
    points = [reproject(place, LONLAT, crs).centroid for place in found]
    places, scores = np.array([(p.x, p.y) for p in points]), np.array([r.score for r in records])
    chosen = [index for _, index in linked([(places, scores)], REACH_M)]
    # Each report belongs to the nearest of the chosen ones, which lie farther apart than any of them from its own.
    mine = np.asarray(STRtree([points[k] for k in chosen]).nearest(points))
    towers = []
    for n, k in enumerate(chosen):
        of_it = [reports[i] for i in np.flatnonzero(mine == n)]
        towers.append(_followed(evidence, of_it, reproject(points[k], crs, LONLAT).centroid))
    return tuple(sorted(towers, key=lambda tower: (-tower.place.y, tower.place.x)))


def _followed(evidence: Sequence[Evidence], reports: list[tuple[int, int]], place: Point) -> Followed:
    states: dict[datetime, State] = {}
    for k, n in reports:
        record = evidence[k].findings["tower"].records[n]
        for time, state in zip(evidence[k].acquired, _states(record), strict=True):
            states[time] = max(states.get(time, "not_observed"), state, key=RANK.__getitem__)
    ordered = dict(sorted(states.items()))
    return Followed(place, ordered, fate_of(tuple(ordered.values())), tuple(reports))


def _states(record: Finding) -> tuple[State, State]:
    """Return what a report says of its two dates."""
    known: dict[str, State] = {"stands": "stands", "absent": "absent"}
    first, second = (known.get(str(record.measures.get(name)), "not_observed") for name in ("state_before", "state_after"))
    return first, second


def withdrawn(evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Return the evidence with every razing of a tower taken back that a later date shows again, and every appearance that an earlier one showed.

    Such a report becomes `not_observed`, with what withdraws it as its measure `withdrawn`; all else stays as it is.
    """
    out = list(evidence)
    for tower in follow(evidence):
        standing = [time for time, state in tower.states.items() if state == "stands"]
        for k, n in tower.reports:
            findings = out[k].findings["tower"]
            record, (first, second) = findings.records[n], out[k].acquired
            again = [t for t in standing if t > second] if record.change == "removed" else []
            again += [t for t in standing if t < first] if record.change == "appeared" else []
            if again:
                measures = {**record.measures, "withdrawn": f"it stands on {again[0]:%Y-%m-%d}"}
                records = (*findings.records[:n], replace(record, change="not_observed", measures=measures), *findings.records[n + 1 :])
                out[k] = replace(out[k], findings={**out[k].findings, "tower": replace(findings, records=records)})
    return tuple(out)


def towers_document(evidence: Sequence[Evidence]) -> dict[str, Any]:
    """Return what `towers.json` of a run holds."""
    towers = [tower.as_json(number) for number, tower in enumerate(follow(evidence), 1)]
    return {"towers": towers, "simulated": any(one.simulated for one in evidence)}
