"""Counts: from the reports of one search to the number of objects that stood, appeared, were removed, or were gained on balance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from camwatch.aoi import LONLAT, reproject
from camwatch.judge.counts import Detector, Posterior, difference, grid_end, posterior, power, ratio
from camwatch.judge.limits import BAYES_LIMIT, BLIND_BELOW, COMPLETE, OBJECT_SIZE_M, Bounds, bounds_of
from camwatch.judge.measurement import CannotMeasureError, Measurement, end_of_state, factor
from camwatch.judge.record import Estimate
from camwatch.rasters import mask_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shapely.geometry.base import BaseGeometry

    from camwatch.aoi import Aoi
    from camwatch.claims.model import Reading
    from camwatch.findings import Change, Findings
    from camwatch.judge.record import Evidence
    from camwatch.sensitivity.record import Sensitivity

STANDING: dict[str, tuple[Change, ...]] = {"before": ("removed", "unchanged", "altered"), "after": ("appeared", "unchanged", "altered")}
"""Records of objects that stand at a date."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a reading counts: `within` (None = all that was searched), the area seen in km², and the share seen."""

    within: BaseGeometry | None
    km2: float
    share: float


def ground_of(findings: Findings, reading: Reading, aoi: Aoi | None) -> Ground:
    """Return the ground of a reading, in the CRS of the findings."""
    outline = next((o for o in aoi.outlines if o.id == reading.sub_area), None) if aoi else None
    if reading.sub_area is None or (outline is not None and outline.role != "sub-area"):
        if findings.observed_share <= 0:
            raise CannotMeasureError("none of the ground was seen at both dates")
        return Ground(None, findings.searched_km2, findings.observed_share)
    if outline is None:
        raise CannotMeasureError(f"no outline named {reading.sub_area!r} is known, so nothing can be counted in it")
    geometry = reproject(outline.geometry, LONLAT, findings.crs)
    pixel_m2 = abs(float(findings.geobox.affine.determinant))
    seen_m2 = float((mask_of(geometry, findings.geobox) & np.isfinite(findings.score)).sum()) * pixel_m2
    # The band along a perimeter fills only a part of any outline: its share is that of the whole search.
    share = findings.observed_share if findings.kind == "tower" else min(seen_m2 / geometry.area, 1.0)
    if min(seen_m2, share) <= 0:
        raise CannotMeasureError(f"none of the sub-area {outline.id} was seen at both dates")
    return Ground(geometry, seen_m2 / 1e6, share)


@dataclass(frozen=True, slots=True)
class Range:
    """A number as measured, and as it would be had the search missed nothing (`least`) or raised no false alarm (`most`)."""

    least: Posterior
    measured: Posterior
    most: Posterior

    def map(self, change: Callable[[Posterior], Posterior]) -> Range:
        """Return the range with each of its posteriors changed."""
        return Range(change(self.least), change(self.measured), change(self.most))


@dataclass(frozen=True, slots=True)
class Counter:
    """One search with its sensitivity, ready to count in one ground.

    Attributes
    ----------
    findings : Findings
    ground : Ground
    sensitivity : Sensitivity or None
    index : int or None
        Which of its sizes is nearest to the object that claims mean; None where none was planted.
    claimed : float
        Largest claimed number, so that the grid of N reaches beyond it.
    """

    findings: Findings
    ground: Ground
    sensitivity: Sensitivity | None
    index: int | None
    claimed: float = 0.0

    def reports(self, changes: Sequence[Change]) -> int:
        """Return how many records there are of these changes."""
        return sum(self.findings.count(change, self.ground.within) for change in changes)

    def detector(self, *, standing: bool = False) -> Detector:
        """Return what planting told, for objects that changed or for objects that stand."""
        s, i = self.sensitivity, self.index
        if s is None or i is None:
            # Nothing was planted: the Jeffreys prior alone, which spans the whole range of detection probabilities.
            return Detector(0, 0, 0, math.inf, self.ground.km2)
        found = s.standing_found[i] if standing and s.standing_found else s.found[i]
        if s.control_km2 <= 0:
            return Detector(s.planted[i], found, 0, math.inf, self.ground.km2)
        # Appeared and removed were counted together in control ground, but a reading counts one of them: the ground counts twice.
        return (
            Detector(s.planted[i], found, s.standing_false or 0, s.control_km2, self.ground.km2)
            if standing
            else Detector(s.planted[i], found, s.false_alarms, 2 * s.control_km2, self.ground.km2)
        )

    def calibrated(self, *, standing: bool) -> bool:
        """Whether misses and false alarms of such objects were both measured."""
        s = self.sensitivity
        return s is not None and self.index is not None and s.control_km2 > 0 and not (standing and s.standing_false is None)

    def number(self, changes: Sequence[Change], *, standing: bool = False) -> Range:
        """Return the true number behind the reports of some changes."""
        detector, reports = self.detector(standing=standing), self.reports(changes)
        end = grid_end(reports, detector, self.claimed)
        return Range(*(posterior(reports, d, end) for d in (detector.without_misses(), detector, detector.without_false_reports())))


def counter_of(findings: Findings, sensitivity: Sensitivity | None, ground: Ground, claimed: float = 0.0) -> Counter:
    """Return a counter for objects of the size that claims mean."""
    index = None
    if sensitivity is not None:
        planted = [i for i, n in enumerate(sensitivity.planted) if n > 0]
        index = min(planted, key=lambda i: abs(math.log(sensitivity.sizes_m[i] / OBJECT_SIZE_M[findings.kind])), default=None)
    return Counter(findings, ground, sensitivity, index, claimed)


def blind_to_m(findings: Findings, sensitivity: Sensitivity | None) -> float | None:
    """Return the size in metres of the planted object nearest to the one that claims mean, where the search misses most of these; else None."""
    if sensitivity is None:
        return None
    counter = counter_of(findings, sensitivity, Ground(None, findings.searched_km2, findings.observed_share))
    if counter.index is None or counter.detector().probability >= BLIND_BELOW:
        return None
    return sensitivity.sizes_m[counter.index]


def estimate_count(findings: Findings, sensitivity: Sensitivity | None, change: Change) -> Estimate | None:
    """Return the number of real objects behind the reports of one change in one search.

    None where misses or false alarms were not measured, and where the search is blind to objects of that size: its number would be its prior's.
    """
    if sensitivity is None or findings.status != "searched" or findings.observed_share <= 0 or change not in ("appeared", "removed"):
        return None
    counter = counter_of(findings, sensitivity, Ground(None, findings.searched_km2, findings.observed_share))
    if not counter.calibrated(standing=False) or blind_to_m(findings, sensitivity) is not None:
        return None
    number = counter.number((change,)).measured
    return Estimate(number.quantile(0.5), *number.interval(), "objects")


def measure_count(reading: Reading, evidence: Evidence, findings: Findings, aoi: Aoi | None) -> Measurement:
    """Measure a count: how many stand at a date, appeared, were removed, or by how much the number grew."""
    relative = reading.quantity is not None and reading.quantity.unit == "ratio"
    if relative and reading.aspect not in ("growth", "net change"):
        raise CannotMeasureError("a share of the objects is judged as growth only in this release")
    if findings.kind == "structure" and (reading.aspect == "state" or relative):
        raise CannotMeasureError("the search for buildings reports changes only, not how many stand")
    claimed = bounds_of(reading.quantity, "count")
    largest = 0.0 if relative else max((abs(v) for v in (claimed.low, claimed.high) if math.isfinite(v)), default=0.0)
    counter = counter_of(findings, evidence.sensitivity.get(findings.kind), ground_of(findings, reading, aoi), largest)
    if reading.aspect == "state":
        when = end_of_state(reading, evidence)
        return _held(counter, counter.number(STANDING[when], standing=True), claimed, reports=counter.reports(STANDING[when]), standing=True)
    if reading.aspect in ("appeared", "removed"):
        change: tuple[Change] = ("appeared",) if reading.aspect == "appeared" else ("removed",)
        return _held(counter, counter.number(change), claimed, reports=counter.reports(change))
    lost = counter.number(("removed",)).measured
    net = counter.number(("appeared",)).map(lambda gained: difference(gained, lost))
    reports = counter.reports(("appeared", "removed"))
    if not relative:
        return _held(counter, net, claimed, reports=reports, additive=False)
    base = counter.number(STANDING["before"], standing=True).measured
    return _held(counter, net.map(lambda change: ratio(change, base)), claimed, reports=reports, standing=True, base=base.mean, additive=False)


def _held(
    counter: Counter, numbers: Range, claimed: Bounds, *, reports: int, standing: bool = False, base: float | None = None, additive: bool = True
) -> Measurement:
    """Hold a number against the claimed bounds; `base` is the number before, where `numbers` are growth ratios."""
    number = numbers.measured
    if not np.isfinite(number.values).all():
        raise CannotMeasureError("nothing is known to have stood before, so there is no growth factor")
    low, high = number.interval()
    near = number.evidence(claimed.near_low, claimed.near_high)
    nothing, others = number.evidence(0, 0), number.evidence_outside(claimed.near_low, claimed.near_high)
    direction = 1 if low > 0 else -1 if high < 0 else 0
    # A ratio has no prior of its own to compare with; its interval alone must exclude no change.
    changed = BAYES_LIMIT if base is not None else factor(number.evidence(*((1e-9, math.inf) if direction >= 0 else (-math.inf, -1e-9))), nothing)
    detector = counter.detector(standing=standing and base is None)
    unseen = counter.findings.count("not_observed", counter.ground.within)
    design = abs(claimed.design) * (base or 1.0)
    return Measurement(
        Estimate(number.quantile(0.5), low, high, "objects" if base is None else "ratio"),
        floor=min(low, numbers.least.interval()[0]),
        ceiling=numbers.most.interval()[1] + unseen / max(base or 1.0, 1.0),
        mass=number.within(claimed.near_low, claimed.near_high),
        bayes=None if base is not None else factor(near, nothing),
        bayes_other=None if base is not None else factor(near, others),
        power=power(max(round(design), 1), detector) if counter.index is not None else 0.0,
        sign=direction if changed >= BAYES_LIMIT else 0,
        complete=counter.ground.share >= COMPLETE,
        additive=additive,
        calibrated=counter.calibrated(standing=standing),
        blind=counter.index is not None and detector.probability < BLIND_BELOW,
        seen=counter.ground.share,
        detail=_detail(counter, detector, reports),
    )


def _detail(counter: Counter, detector: Detector, reports: int) -> str:
    if counter.sensitivity is None or counter.index is None:
        return f"The search reported {reports}; how many it misses was not measured"
    size = counter.sensitivity.sizes_m[counter.index]
    found = f"The search reported {reports} and found {detector.found} of {detector.planted} planted objects of {size:g} m"
    if math.isinf(detector.control_km2):
        return f"{found}; its false alarms could not be measured"
    expected = (detector.false_reports + 0.5) / detector.control_km2 * detector.area_km2
    return f"{found}; {'fewer than 0.1' if expected < 0.1 else f'at most {expected:.1f}'} false alarms expected"
