"""Areas and lengths of the enclosing line: normal, with the standard error that the search propagated."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from scipy.stats import norm

from camwatch.judge.limits import INFERRED_LIMIT, LEVEL, Bounds, bounds_of
from camwatch.judge.measurement import CannotMeasureError, Measurement, days, end_of_state, factor
from camwatch.judge.record import Estimate

if TYPE_CHECKING:
    from datetime import date

    from camwatch.aoi import Aoi
    from camwatch.claims.model import Reading
    from camwatch.findings import Finding, Findings
    from camwatch.judge.record import Evidence

Z = float(norm.ppf((1 + LEVEL) / 2))


def measure_extent(reading: Reading, evidence: Evidence, findings: Findings, aoi: Aoi | None) -> Measurement:
    """Measure an area or a length: at a date, as a difference between two dates, or as growth."""
    outline = next((o for o in aoi.outlines if o.id == reading.sub_area), None) if aoi else None
    if reading.sub_area is not None and (outline is None or outline.role == "sub-area"):
        raise CannotMeasureError(f"the enclosing line is measured for the whole site, not for the part {reading.sub_area!r}")
    claimed = bounds_of(reading.quantity, reading.metric)
    relative = reading.quantity is None or reading.quantity.unit == "ratio"
    turn = -1.0 if reading.aspect == "removed" else 1.0
    if reading.aspect == "state":
        if relative:
            raise CannotMeasureError("the claim gives no size at a single date")
        line = _line(findings, days(evidence)[end_of_state(reading, evidence) == "after"])
        return _held(*_value(line, reading.metric), claimed, (line,), unit=_unit(reading), changes=False)
    lines = tuple(_line(findings, day) for day in days(evidence))
    if relative:
        if findings.growth is None:
            raise CannotMeasureError("the enclosing line was not seen at both dates")
        growth = findings.growth.area if reading.metric == "area" else findings.growth.length
        return _held(turn * growth.ratio, (growth.high - growth.low) / (2 * Z), claimed, lines, unit="ratio", changes=True)
    (before, se_before), (after, se_after) = (_value(line, reading.metric) for line in lines)
    return _held(turn * (after - before), math.hypot(se_before, se_after), claimed, lines, unit=_unit(reading), changes=True)


def _unit(reading: Reading) -> str:
    return "m2" if reading.metric == "area" else "m"


def _line(findings: Findings, day: date) -> Finding:
    for record in findings.records:
        if str(record.measures.get("date", ""))[:10] == day.isoformat():
            return record
    raise CannotMeasureError(f"the enclosing line was not seen on {day.isoformat()}")


def _value(line: Finding, metric: str) -> tuple[float, float]:
    """Return the measured value and its standard error."""
    unit = "m2" if metric == "area" else "m"
    value, error = line.measures.get(f"{metric}_{unit}", line.area_m2 if metric == "area" else None), line.measures.get(f"{metric}_se_{unit}")
    if value is None or error is None:
        raise CannotMeasureError(f"the {metric} of the enclosing line was not measured with its error")
    return float(value), float(error)


def _held(value: float, se: float, claimed: Bounds, lines: tuple[Finding, ...], *, unit: str, changes: bool) -> Measurement:
    # A standard error of zero would make every interval a point; no measurement is that good.
    se = max(se, 1e-9 * max(abs(value), 1.0))
    low, high = value - Z * se, value + Z * se
    inferred = max(float(line.measures.get("inferred_share", 0.0)) for line in lines)
    mass = float(norm.cdf((claimed.near_high - value) / se) - norm.cdf((claimed.near_low - value) / se))
    return Measurement(
        Estimate(value, low, high, unit),
        floor=low,
        ceiling=high,
        mass=mass,
        bayes=_factor_against_nothing(value, se, claimed) if changes else None,
        bayes_other=None,
        power=float(norm.sf(Z - _least(claimed) / se)),
        sign=(1 if low > 0 else -1 if high < 0 else 0) if changes else 0,
        complete=inferred <= INFERRED_LIMIT,
        additive=False,
        calibrated=True,
        blind=False,
        seen=1 - inferred,
        detail=f"{100 * inferred:.0f} % of the line is inferred, not seen" if inferred >= 0.005 else "",
    )


def _least(claimed: Bounds) -> float:
    """Return the smallest change or size that the claim means; for a claim that includes none, the smallest that breaks it."""
    if claimed.low > 0:
        return claimed.low
    if claimed.high < 0:
        return -claimed.high
    return claimed.wide_high if math.isfinite(claimed.wide_high) else -claimed.wide_low


def _factor_against_nothing(value: float, se: float, claimed: Bounds) -> float | None:
    """Return the mean likelihood of the claimed range against that of no change; None for an open range, which has no mean."""
    low, high = claimed.near_low, claimed.near_high
    if not (math.isfinite(low) and math.isfinite(high)) or claimed.includes_nothing:
        return None
    if high <= low:
        return factor(float(norm.pdf((low - value) / se)), float(norm.pdf(value / se)))
    mean = float(norm.cdf((high - value) / se) - norm.cdf((low - value) / se)) * se / (high - low)
    return factor(mean, float(norm.pdf(value / se)))
