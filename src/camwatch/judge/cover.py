"""Ground that was cleared, laid bare or overgrown: patches that a search of land cover reports.

That ground was laid open is decided where clearings were planted into the pair, and its area where reference samples tell the map's errors. Of all
else nothing tells how much is missed, so it decides nothing.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from camwatch.judge.counting import measure_count
from camwatch.judge.extents import Z, normal
from camwatch.judge.ground import ground_of
from camwatch.judge.limits import COMPLETE, bounds_of
from camwatch.judge.measurement import CannotMeasureError, Measurement, end_of_state
from camwatch.judge.words import with_unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from camwatch.aoi import Aoi
    from camwatch.claims.model import Reading
    from camwatch.findings import Change, Finding, Findings
    from camwatch.judge.ground import Ground
    from camwatch.judge.measurement import Witness

BECAME = {
    "cleared": "where vegetation gave way to open ground",
    "built_or_bare": "where open ground turned brighter",
    "vegetated": "where open ground was overgrown",
    "water": "that came under water",
    "exposed": "that water left",
}
"""What became of a patch, by its class."""

CHANGES: dict[str, tuple[Change, ...]] = {
    "appeared": ("appeared",),
    "state": ("appeared",),
    "removed": ("removed",),
    "growth": ("appeared", "removed", "altered"),
    "net change": ("appeared", "removed", "altered"),
}
"""Patches that bear on a claim, by its aspect: open ground that appeared before a date lies open at it."""


def measure_cover(reading: Reading, witnesses: Sequence[Witness], aoi: Aoi | None) -> Measurement:
    """Measure the ground whose cover changed as a claim says; the best witness speaks.

    Patches of ground that was laid open are counted as objects are: found as often as planted clearings of the claimed size, false as often as ground
    outside the outline shows. Otherwise the search knows neither its misses nor its false alarms, and a harvested field looks like a cleared one to
    two dates: the answer is what was seen, and it decides nothing.
    """
    sampled = reading.metric == "area" and reading.sub_area is None and reading.aspect in ADDED
    witness = next((w for w in witnesses if sampled and w.findings.areas is not None), witnesses[0])
    findings = witness.findings
    if reading.aspect == "state" and end_of_state(reading, witness.evidence) == "before":
        raise CannotMeasureError("the search for land cover tells what changed after the stated time, not what lay there")
    ground = ground_of(findings, reading, aoi)
    bearing = bearing_on(reading, findings, ground)
    if not bearing and reading.aspect == "state":
        raise CannotMeasureError("the search for land cover tells changes only: what lay there at both dates does not show")
    if sampled and findings.areas is not None:
        measured = _of_samples(reading, findings.areas)
        return replace(measured, complete=ground.share >= COMPLETE, seen=ground.share, detail=_reported(bearing), pairs=(witness.evidence.pair,))
    if reading.metric in ("presence", "landcover") and reading.aspect == "appeared" and findings.kind in witness.evidence.sensitivity:
        counted = measure_count(reading, witnesses, aoi)
        return replace(counted, detail=f"{_reported(bearing)}. {counted.detail}")
    return Measurement(
        None,
        floor=-math.inf,
        ceiling=math.inf,
        mass=0.0,
        bayes=None,
        bayes_other=None,
        power=None,
        sign=0,
        complete=ground.share >= COMPLETE,
        additive=True,
        calibrated=False,
        blind=False,
        seen=ground.share,
        detail=_reported(bearing),
        pairs=(witness.evidence.pair,),
    )


ADDED = {"appeared": ("cleared", "built_or_bare"), "removed": ("vegetated",)}
"""Classes whose areas make that of a claim, by its aspect."""


def _of_samples(reading: Reading, areas: Mapping[str, tuple[float, float, float]]) -> Measurement:
    """Measure an area as reference samples tell it; the errors of the classes are taken as independent."""
    told = [areas[name] for name in ADDED[reading.aspect] if name in areas]
    # The lower end of an interval is cut at nothing; the upper one tells the error.
    error = math.hypot(*((high - value) / Z for value, _, high in told))
    return normal(sum(value for value, _, _ in told), max(error, 1.0), bounds_of(reading.quantity, "area"), unit="m2", changes=True)


def confirmed(record: Finding) -> bool:
    """Whether a patch does not rest on the last date of a series alone."""
    return record.measures.get("confirmed") != "no"


def bearing_on(reading: Reading, findings: Findings, ground: Ground) -> list[Finding]:
    """Return the patches that bear on a reading: of its change, in its ground, and, where a series dated them, in its time."""
    chosen = [r for r in findings.records if r.change in CHANGES[reading.aspect]]
    chosen = [r for r in chosen if ground.within is None or ground.within.contains(r.geometry.centroid)]
    return [r for r in chosen if reading.metric == "date" or _in_time(reading, r)]


def dates_of(record: Finding) -> tuple[date, date] | None:
    """Return between which days a patch changed, where a series of dates told it."""
    ends = [record.measures.get(name) for name in ("last_date_without", "first_date_with")]
    return None if None in ends else (date.fromisoformat(str(ends[0])), date.fromisoformat(str(ends[1])))


def _in_time(reading: Reading, record: Finding) -> bool:
    told, claimed = dates_of(record), reading.interval
    if told is None or claimed is None:
        return True
    if reading.aspect == "state":
        return claimed.end is None or told[1] <= claimed.end
    return (claimed.end is None or told[0] <= claimed.end) and (claimed.start is None or told[1] >= claimed.start)


def _reported(records: Sequence[Finding]) -> str:
    """Return what was reported, by what became of it, the largest first."""
    classes: dict[str, list[Finding]] = {}
    for record in records:
        classes.setdefault(str(record.measures.get("class", "other")), []).append(record)
    if not classes:
        return "The search for changed ground reported no such change"
    largest = sorted(classes.items(), key=lambda item: (-sum(r.area_m2 for r in item[1]), item[0]))
    return f"The search for changed ground reported {', and '.join(_patches(name, patches) for name, patches in largest)}"


def _patches(name: str, patches: Sequence[Finding]) -> str:
    """Return `2.1 ha in 3 patches where open ground was overgrown, the largest between 2011-05-02 and 2011-06-19`."""
    count = f"{len(patches)} patch{'es' if len(patches) > 1 else ''}"
    when = dates_of(max(patches, key=lambda r: (confirmed(r), r.area_m2, r.id)))
    alone = sum(not confirmed(r) for r in patches)
    rest = "" if not alone else ", not confirmed by a later date" if alone == len(patches) else f", {alone} of them not confirmed by a later date"
    dated = f", {'the largest ' if len(patches) > 1 else ''}between {when[0].isoformat()} and {when[1].isoformat()}" if when else ""
    return f"{with_unit(sum(r.area_m2 for r in patches) / 1e4, 'ha')} in {count} {BECAME.get(name, 'that changed in another way')}{rest}{dated}"
