"""Ground that was cleared, laid bare or overgrown: patches that a search of land cover reports. Nothing tells how many it misses, so none decides."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from camwatch.judge.ground import ground_of
from camwatch.judge.limits import COMPLETE
from camwatch.judge.measurement import CannotMeasureError, Measurement, end_of_state
from camwatch.judge.words import with_unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camwatch.aoi import Aoi
    from camwatch.claims.model import Reading
    from camwatch.findings import Change, Finding
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

    The search knows neither its misses nor its false alarms, and a harvested field looks like a cleared one to two dates: the answer is what was
    seen, and it decides nothing.
    """
    witness = witnesses[0]
    findings = witness.findings
    if reading.aspect == "state" and end_of_state(reading, witness.evidence) == "before":
        raise CannotMeasureError("the search for land cover tells what changed after the stated time, not what lay there")
    ground = ground_of(findings, reading, aoi)
    bearing = [r for r in findings.records if r.change in CHANGES[reading.aspect]]
    bearing = [r for r in bearing if ground.within is None or ground.within.contains(r.geometry.centroid)]
    if not bearing and reading.aspect == "state":
        raise CannotMeasureError("the search for land cover tells changes only: what lay there at both dates does not show")
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


def _reported(records: Sequence[Finding]) -> str:
    """Return what was reported, by what became of it, the largest first."""
    areas: dict[str, list[float]] = {}
    for record in records:
        areas.setdefault(str(record.measures.get("class", "other")), []).append(record.area_m2)
    if not areas:
        return "The search reported no such change of the ground"
    told = [
        f"{with_unit(sum(sizes) / 1e4, 'ha')} in {len(sizes)} patch{'es' if len(sizes) > 1 else ''} {BECAME.get(name, 'that changed in another way')}"
        for name, sizes in sorted(areas.items(), key=lambda item: (-sum(item[1]), item[0]))
    ]
    return f"The search reported {', and '.join(told)}"
