"""One search with its sensitivity, ready to count: which reports, and how often such objects are reported."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from camwatch.judge.alarms import Quiet
from camwatch.judge.counts import Detector
from camwatch.judge.limits import BLIND_BELOW, DRAWN, OBJECT_SIZE_M, TRANSFER
from camwatch.sensitivity.places import STRUCTURE_SHAPE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camwatch.findings import Change, Findings
    from camwatch.judge.ground import Ground
    from camwatch.sensitivity.record import Sensitivity

STANDING: dict[str, tuple[Change, ...]] = {"before": ("removed", "unchanged", "altered"), "after": ("appeared", "unchanged", "altered")}
"""Records of objects that stand at a date."""

CHANGED: tuple[Change, ...] = ("appeared", "removed")

Counted = Literal["appeared", "removed", "changed", "standing"]
"""What of the reports is counted: one direction of change, both, or what stands at a date."""

LEAST_CHANCE = 0.25
"""Chance of being reported below which a report does not stand for more objects: it would stand for many on little ground."""


@dataclass(frozen=True, slots=True)
class Counter:
    """One search with its sensitivity, ready to count in one ground.

    Attributes
    ----------
    pair : str
    findings : Findings
    ground : Ground
    sensitivity : Sensitivity or None
    index : int or None
        Which of its sizes is nearest to the object that claims mean; None where none was planted.
    stood : tuple of str
        Records of objects that stood at the stated time; for states.
    """

    pair: str
    findings: Findings
    ground: Ground
    sensitivity: Sensitivity | None
    index: int | None
    stood: tuple[Change, ...] = ()

    def reports(self, changes: Sequence[Change], along: str | None = None) -> int:
        """Return how many records there are of these changes; of those with this measure `along`, where one is given."""
        return sum(self.findings.count(change, self.ground.within, along=along) for change in changes)

    def detector(self, counted: Counted) -> Detector:
        """Return what planting and control ground told of the objects that are counted."""
        s = self.sensitivity
        if s is None or self.index is None:
            # Nothing was planted: the Jeffreys prior alone, which spans the whole range of detection probabilities.
            return Detector(0, 0, 0, math.inf, self.ground.km2)
        planted, found = self._planted(counted)
        told = Detector(planted, found, 0, math.inf, self.ground.km2, drawn=DRAWN[self.findings.kind], transfer=TRANSFER[self.findings.kind])
        if s.control_km2 > 0:
            told = self._beside(told, counted, s)
        return told if counted == "standing" else _between(told, counted, s)

    def _beside(self, told: Detector, counted: Counted, s: Sensitivity) -> Detector:
        """Return a detector with what control ground, and the reports of the other direction, tell of its false alarms."""
        if counted == "standing":
            return replace(told, false_reports=s.standing_false or 0, control_km2=s.control_km2)
        came, went = s.false_alarms - (s.false_removed or 0), s.false_removed
        if counted == "changed":
            return replace(told, false_reports=came, control_km2=s.control_km2, opposite=went, both=True)
        if went is None:
            # Appeared and removed were counted together in control ground; where a reading counts one of them, the ground counts twice.
            return replace(told, false_reports=came, control_km2=2 * s.control_km2)
        if counted == "removed":
            return replace(told, false_reports=went, control_km2=s.control_km2, opposite=came, here=self.reports(("appeared",)))
        return replace(told, false_reports=came, control_km2=s.control_km2, opposite=went, here=self.reports(("removed",)))

    def typical(self, counted: Counted) -> tuple[int, int]:
        """Return how many objects of the size that claims mean were planted, and found."""
        if self.sensitivity is None or self.index is None:
            return 0, 0
        planted, hits = self._tried(counted)
        return planted[self.index], hits[self.index]

    def _tried(self, counted: Counted) -> tuple[Sequence[int], Sequence[int]]:
        """Return how many objects of each size were planted, and found as what is counted."""
        s = self.sensitivity
        assert s is not None
        if counted == "removed" and s.removed_found:
            return s.planted, s.removed_found
        if counted == "changed" and s.removed_found:
            return [2 * n for n in s.planted], [a + b for a, b in zip(s.found, s.removed_found, strict=True)]
        return s.planted, s.standing_found if counted == "standing" and s.standing_found else s.found

    def _planted(self, counted: Counted) -> tuple[float, float]:
        """Return as many planted and found objects as tell what all sizes tell of the objects that were reported.

        Every report stands for as many objects as it takes to be reported once at its size (Horvitz & Thompson, doi:10.1080/01621459.1952.10483446),
        at most four; one object of the size that claims mean is added to them. Without sizes that one speaks alone.
        """
        s, i = self.sensitivity, self.index
        assert s is not None
        assert i is not None
        tried, seen = self._tried(counted)
        known = [k for k, n in enumerate(tried) if n > 0]
        planted, hits = (np.array([row[k] for k in known], float) for row in (tried, seen))
        chance = (hits + 0.5) / (planted + 1)
        shares = np.eye(len(known))[known.index(i)]
        for size in self._sizes():
            at = np.array([np.interp(math.log(size), np.log([s.sizes_m[k] for k in known]), row) for row in np.eye(len(known))])
            shares = shares + at / max(float(at @ chance), LEAST_CHANCE)
        shares /= shares.sum()
        mean, variance = float(shares @ chance), float(shares**2 @ (chance * (1 - chance) / (planted + 2)))
        alike = mean * (1 - mean) / variance - 2
        return alike, mean * (alike + 1) - 0.5

    def _sizes(self) -> list[float]:
        """Return the long sides of planted objects that cover as much ground as those that were reported as changed."""
        within, (length, width) = self.ground.within, STRUCTURE_SHAPE
        changed = [r for r in self.findings.records if r.change in CHANGED and (within is None or within.contains(r.geometry.centroid))]
        # Only outlines that were measured tell a size; what is found depends on the ground covered more than on the longer side.
        return [math.sqrt(r.area_m2 * length / width) for r in changed if float(r.measures.get("long_side_m", 0.0)) > 0 < r.area_m2]

    def blind(self, counted: Counted) -> bool:
        """Whether the search misses most objects of the sizes that were reported and that claims mean."""
        return self.index is not None and self.detector(counted).probability < BLIND_BELOW

    def calibrated(self, counted: Counted) -> bool:
        """Whether misses and false alarms of such objects were both measured."""
        s = self.sensitivity
        if s is None or self.index is None:
            return False
        if counted == "standing":
            return s.control_km2 > 0 and s.standing_false is not None
        return s.control_km2 > 0 or bool(s.unchanged)


def _between(told: Detector, counted: Counted, s: Sensitivity) -> Detector:
    """Return a detector with what dates without change tell of its false alarms; what stands at both tells nothing of them."""
    if not s.unchanged:
        return told
    if math.isinf(told.control_km2):
        # Without control ground, that which counts is what the rest is held against.
        told = replace(told, false_reports=None, control_km2=told.area_km2, both=counted == "changed")
    ways = [((u.removed, u.appeared) if counted == "removed" else (u.appeared, u.removed), u) for u in s.unchanged]
    return replace(told, quiet=tuple(Quiet(*reports, u.km2 / told.control_km2, u.vouched) for reports, u in ways))


def counter_of(findings: Findings, sensitivity: Sensitivity | None, ground: Ground, pair: str = "") -> Counter:
    """Return a counter for objects of the size that claims mean."""
    index = None
    if sensitivity is not None:
        planted = [i for i, n in enumerate(sensitivity.planted) if n > 0]
        index = min(planted, key=lambda i: abs(math.log(sensitivity.sizes_m[i] / OBJECT_SIZE_M[findings.kind])), default=None)
    return Counter(pair, findings, ground, sensitivity, index)
