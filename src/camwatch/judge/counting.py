"""Counts: from the reports of searches to the number of objects that stood, appeared, were removed, or were gained on balance."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from camwatch.findings import FORMER_LINE
from camwatch.judge.counter import CHANGED, STANDING, counter_of
from camwatch.judge.counts import Posterior, difference, grid_end, pooled, posterior, power, ratio
from camwatch.judge.ground import ground_of, whole_of
from camwatch.judge.limits import BAYES_LIMIT, COMPLETE, Bounds, bounds_of
from camwatch.judge.measurement import CannotMeasureError, Measurement, end_of_state, factor
from camwatch.judge.record import Estimate
from camwatch.judge.words import LIMIT_WORDS, held_words, share

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from camwatch.aoi import Aoi
    from camwatch.claims.model import Reading
    from camwatch.findings import Change, Findings
    from camwatch.judge.counter import Counted, Counter
    from camwatch.judge.measurement import Witness
    from camwatch.sensitivity.record import Sensitivity


@dataclass(frozen=True, slots=True)
class Range:
    """A number as measured, and as it would be had the search missed nothing (`least`) or raised no false alarm (`most`)."""

    least: Posterior
    measured: Posterior
    most: Posterior

    def map(self, change: Callable[[Posterior], Posterior]) -> Range:
        """Return the range with each of its posteriors changed."""
        return Range(change(self.least), change(self.measured), change(self.most))


def blind_to_m(findings: Findings, sensitivity: Sensitivity | None) -> float | None:
    """Return the size in metres of the planted object nearest to the one that claims mean, where the search misses most of these; else None."""
    if sensitivity is None:
        return None
    counter = counter_of(findings, sensitivity, whole_of(findings))
    return sensitivity.sizes_m[counter.index] if counter.index is not None and counter.blind("changed") else None


def estimate_count(findings: Findings, sensitivity: Sensitivity | None, change: Change) -> Estimate | None:
    """Return the number of real objects behind the reports of one change in one search.

    None where misses or false alarms were not measured, and where the search is blind to objects of that size: its number would be its prior's.
    """
    if sensitivity is None or findings.status != "searched" or findings.observed_share <= 0:
        return None
    if change != "appeared" and change != "removed":  # noqa: PLR1714  two comparisons are what a type checker narrows by
        return None
    counter = counter_of(findings, sensitivity, whole_of(findings))
    if not counter.calibrated(change) or counter.blind(change):
        return None
    number = _number([counter], change, 0.0).measured
    return Estimate(number.quantile(0.5), *number.interval(), "objects")


def measure_count(reading: Reading, witnesses: Sequence[Witness], aoi: Aoi | None) -> Measurement:
    """Measure a count: how many stand at a date, appeared, were removed, or by how much the number grew; the best witness comes first.

    Witnesses that saw all of the ground and were calibrated are counted together. A presence is the count of at least one; as a "net change" it is
    any change, either way.
    """
    presence = reading.metric != "count"
    relative = not presence and reading.quantity is not None and reading.quantity.unit == "ratio"
    if relative and reading.aspect not in ("growth", "net change"):
        raise CannotMeasureError("a share of the objects is judged as growth only")
    claimed = bounds_of(None if presence else reading.quantity, "count")
    largest = 0.0 if relative else max((abs(v) for v in (claimed.low, claimed.high) if math.isfinite(v)), default=0.0)
    counted = _counted(reading)
    counters = _counters(reading, witnesses, aoi, ("standing",) if counted == "standing" else (counted, "standing") if relative else (counted,))
    if counted != "changed":
        return _held(counters, _number(counters, counted, largest), claimed, counted)
    if presence:
        return _either(counters, claimed)
    came, went = _number(counters, "appeared", largest), _number(counters, "removed", largest)
    net = came.map(lambda gained: difference(gained, went.measured))
    if not relative:
        return _held(counters, net, claimed, counted, additive=False)
    base = _number(counters, "standing", largest).measured
    return _held(counters, net.map(lambda change: ratio(change, base)), claimed, counted, base=base.mean, additive=False)


def _either(counters: Sequence[Counter], claimed: Bounds) -> Measurement:
    """Measure whether anything came or went: counted together, and no less than what came, or what went, and no less surely."""
    held = _held(counters, _number(counters, "changed", 0.0), claimed, "changed")
    ways: tuple[Counted, ...] = ("appeared", "removed")
    parts = (held, *(_held(counters, _number(counters, way, 0.0), claimed, way) for way in ways))
    told = [part.estimate for part in parts if part.estimate]
    value, low, high = (max((getattr(e, end) for e in told), default=0.0) for end in ("value", "low", "high"))
    estimate = Estimate(value, low, high, "objects") if held.estimate else None
    return replace(held, estimate=estimate, bayes=max(part.bayes or 0.0 for part in parts), mass=max(part.mass for part in parts))


def _counted(reading: Reading) -> Counted:
    """Return what of the reports a reading counts."""
    if reading.aspect == "state":
        return "standing"
    return reading.aspect if reading.aspect in ("appeared", "removed") else "changed"


def _counters(reading: Reading, witnesses: Sequence[Witness], aoi: Aoi | None, counted: Sequence[Counted]) -> list[Counter]:
    """Return the searches that are counted together: all that saw the whole ground and are calibrated, else the best one."""
    counters, failed = [], []
    for witness in witnesses:
        findings, evidence = witness.findings, witness.evidence
        try:
            counter = counter_of(findings, evidence.sensitivity.get(findings.kind), ground_of(findings, reading, aoi), evidence.pair)
        except CannotMeasureError as error:
            failed.append(error)
            continue
        if "standing" in counted and not counter.findings.tells_standing:
            failed.append(CannotMeasureError("the search reports changes only, not how many stand"))
        else:
            stood = STANDING[end_of_state(reading, evidence) if reading.aspect == "state" else "before"]
            counters.append(replace(counter, stood=stood))
    if not counters:
        raise failed[0]
    whole = [c for c in counters if c.ground.share >= COMPLETE and all(c.calibrated(what) and not c.blind(what) for what in counted)]
    return whole or counters[:1]


def _reports(counter: Counter, counted: Counted, along: str | None = None) -> int:
    """Return how many records there are of what is counted; see :meth:`Counter.reports`."""
    if counted == "standing":
        return counter.reports(counter.stood, along)
    return counter.reports(CHANGED if counted == "changed" else (counted,), along)


def _number(counters: Sequence[Counter], counted: Counted, claimed: float) -> Range:
    """Return the true number behind the reports of what is counted.

    `claimed` is the largest claimed number, beyond which the grid of N reaches.
    """
    seen = [(_reports(c, counted), c.detector(counted)) for c in counters]
    # What came and what went are subtracted on one grid: it reaches as far as any report suggests.
    end = max(grid_end(max(n, c.reports(CHANGED)), d, claimed) for c, (n, d) in zip(counters, seen, strict=True))
    return Range(
        pooled([posterior(n, d.without_misses(), end) for n, d in seen]),
        pooled([posterior(n, d, end) for n, d in seen]),
        pooled([posterior(n, d.without_false_reports(), end) for n, d in seen]),
    )


def _held(
    counters: Sequence[Counter], numbers: Range, claimed: Bounds, counted: Counted, *, base: float | None = None, additive: bool = True
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
    unseen = max(c.reports(("not_observed",)) for c in counters)
    design = max(round(abs(claimed.design) * (base or 1.0)), 1)
    calibrated = all(c.calibrated(what) for c in counters for what in ((counted,) if base is None else (counted, "standing")))
    # A balance is told from nothing by what came, or by what went.
    told: Counted = counted if additive else "removed" if claimed.design < 0 else "appeared"
    return Measurement(
        Estimate(number.quantile(0.5), low, high, "objects" if base is None else "ratio") if calibrated else None,
        floor=min(low, numbers.least.interval()[0]),
        ceiling=numbers.most.interval()[1] + unseen / max(base or 1.0, 1.0),
        mass=_mass(number, claimed, relative=base is not None),
        bayes=None if base is not None else factor(near, nothing),
        bayes_other=None if base is not None else factor(near, others),
        # Searches of the same ground share their blind spots: several tell no more than the best of them.
        power=max(power(design, c.detector(told), c.ground.share) for c in counters) if calibrated else None,
        sign=direction if changed >= BAYES_LIMIT else 0,
        complete=all(c.ground.share >= COMPLETE for c in counters),
        additive=additive,
        calibrated=calibrated,
        blind=all(c.blind(counted) for c in counters),
        seen=min(c.ground.share for c in counters),
        detail=_detail(counters, counted),
        pairs=tuple(c.pair for c in counters),
    )


def _mass(number: Posterior, claimed: Bounds, *, relative: bool) -> float:
    """Return the probability of the claimed number: no more than that of any at all, where none was as likely beforehand.

    A prior of N that reaches far all but rules none out, and *at least seven* cannot be surer than *some*.
    """
    mass = number.within(claimed.near_low, claimed.near_high)
    if claimed.includes_nothing or relative:  # a ratio has no prior of its own
        return mass
    any_at_all = factor(number.evidence(*((1e-9, math.inf) if claimed.low > 0 else (-math.inf, -1e-9))), number.evidence(0, 0))
    return min(mass, any_at_all / (1 + any_at_all))


def _detail(counters: Sequence[Counter], counted: Counted) -> str:
    parts = [_said_by(c, counted) for c in counters]
    if len(parts) == 1:
        kind, beside = counters[0].findings.kind, held_words(counters[0].findings.kind, counters[0].ground.held)
        return f"The search for {LIMIT_WORDS[kind]} {parts[0]}" + (f". {beside}" if beside else "")
    return f"{len(parts)} pairs of scenes are counted together for {LIMIT_WORDS[counters[0].findings.kind]}: " + "; ".join(
        f"the first {p}" if i == 0 else f"another {p}" for i, p in enumerate(parts)
    )


def _said_by(counter: Counter, counted: Counted) -> str:
    reports, detector = _reports(counter, counted), counter.detector(counted)
    planted, hits = counter.typical(counted)
    past = _reports(counter, counted, FORMER_LINE)
    reported = f"reported {reports}" + (f" ({past} of them along a former line)" if past else "")
    if counter.sensitivity is None or counter.index is None:
        return f"{reported}; how many it misses was not measured"
    size = counter.sensitivity.sizes_m[counter.index]
    what = "clearings" if counter.findings.kind == "landcover" else "objects"
    found = f"{reported} and found {hits} of {planted} planted {what} of {size:g} m"
    if detector.planted != planted:
        found += f", {share(detector.probability)} of planted {what} of the sizes reported"
    if not counter.calibrated(counted) and counter.sensitivity.control_km2 > 0:
        return f"{found} as changes; how well it reports what stands was not measured"
    if math.isinf(detector.control_km2):
        return f"{found}; its false alarms could not be measured"
    expected = detector.false_rate[0]
    about = "fewer than 0.1" if expected < 0.1 else f"about {expected:.1f}" if expected < 10 else f"about {expected:.0f}"
    also = counter.sensitivity.unchanged if detector.quiet else ()
    dates = f", from {len(also)} pair{'s' if len(also) > 1 else ''} of dates without change too" if also else ""
    return f"{found}; {about} false alarms expected{dates}"
