"""Areas and lengths of the enclosing line, normal with the standard error that the search propagated; and whether there is such a line."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from camwatch.judge.limits import COMPLETE, INFERRED_LIMIT, LEVEL, SHARED_ERRORS, TRACED_WITH, TRACED_WITHOUT, Bounds, bounds_of
from camwatch.judge.measurement import CannotMeasureError, Measurement, days, end_of_state, factor
from camwatch.judge.record import Estimate
from camwatch.judge.words import share

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from camwatch.aoi import Aoi
    from camwatch.claims.model import Reading
    from camwatch.findings import Finding, Findings
    from camwatch.judge.measurement import Witness

    Extent = tuple[float, float, tuple[Finding, ...], str]
    """Value, standard error, the lines behind them, the pair."""

Z = float(norm.ppf((1 + LEVEL) / 2))

DRAWN = "digitised"
"""Source of a line that an analyst drew on the image of its date."""


def measure_extent(reading: Reading, witnesses: Sequence[Witness], aoi: Aoi | None) -> Measurement:
    """Measure an area or a length: at a date, as a difference between two dates, or as growth; the best witness comes first.

    Witnesses that saw most of their lines are averaged by their precision, their errors taken to be correlated.
    """
    _whole_site(reading, aoi)
    relative = reading.quantity is None or reading.quantity.unit == "ratio"
    if reading.aspect == "state" and relative:
        raise CannotMeasureError("the claim gives no size at a single date")
    extents: list[Extent] = []
    failed = []
    for witness in witnesses:
        try:
            extents.append(_extent(reading, witness, relative=relative))
        except CannotMeasureError as error:
            failed.append(error)
    if not extents:
        raise failed[0]
    extents = [e for e in extents if _inferred(e[2]) <= INFERRED_LIMIT] or extents[:1]
    unit, changes, bounds = "m2" if reading.metric == "area" else "m", reading.aspect != "state", bounds_of(reading.quantity, reading.metric)
    if not relative:
        return _held(*_averaged(extents), extents, bounds, unit=unit, changes=changes)
    turn = -1.0 if reading.aspect == "removed" else 1.0
    logs = {f.name: _logarithm(getattr(bounds, f.name), turn) for f in fields(bounds)}
    held = _held(*_averaged(extents), extents, Bounds(**logs), unit="ratio", changes=changes)
    assert held.estimate is not None
    value, low, high = (turn * math.expm1(turn * v) for v in (held.estimate.value, held.estimate.low, held.estimate.high))
    # Floor and ceiling are held against the claim itself.
    return replace(held, estimate=Estimate(value, low, high, "ratio"), floor=low, ceiling=high)


def measure_line(reading: Reading, witnesses: Sequence[Witness], aoi: Aoi | None) -> Measurement:
    """Measure whether an enclosing line is there at a date: by how often the search traces one where one is, and where none is.

    That no line was traced says nothing: a fence without a strip or a shadow is not seen.
    """
    _whole_site(reading, aoi)
    if reading.aspect != "state":
        raise CannotMeasureError("that a line came or went is told by its area and its length only")
    witness = witnesses[0]
    line = _line(witness.findings, days(witness.evidence)[end_of_state(reading, witness.evidence) == "after"])
    if DRAWN in str(line.measures.get("source", "")):
        raise CannotMeasureError("the line was drawn by an analyst and not traced, so the search does not say whether it is there")
    inferred = _inferred((line,))
    there, nowhere = ((hits + 0.5) / (tried + 1) for hits, tried in (TRACED_WITH, TRACED_WITHOUT))
    bayes = factor(there, nowhere)
    return Measurement(
        None,
        floor=-math.inf,
        ceiling=math.inf,
        mass=bayes / (1 + bayes),
        bayes=bayes,
        bayes_other=None,
        power=None,
        sign=0,
        complete=inferred <= 1 - COMPLETE,
        additive=False,
        calibrated=True,
        blind=False,
        seen=1 - inferred,
        detail=f"In trials with drawn lines one was traced in {_of(TRACED_WITH)} scenes, and in {_of(TRACED_WITHOUT)} scenes without a line",
        pairs=(witness.evidence.pair,),
    )


def _of(trials: tuple[int, int]) -> str:
    return f"{trials[0]} of {trials[1]}"


def _whole_site(reading: Reading, aoi: Aoi | None) -> None:
    outline = next((o for o in aoi.outlines if o.id == reading.sub_area), None) if aoi else None
    if reading.sub_area is not None and (outline is None or outline.role == "sub-area"):
        raise CannotMeasureError(f"the enclosing line is measured for the whole site, not for the part {reading.sub_area!r}")


def _extent(reading: Reading, witness: Witness, *, relative: bool) -> Extent:
    findings, evidence = witness.findings, witness.evidence
    turn = -1.0 if reading.aspect == "removed" else 1.0
    if reading.aspect == "state":
        line = _line(findings, days(evidence)[end_of_state(reading, evidence) == "after"])
        return (*_value(line, reading.metric), (line,), evidence.pair)
    lines = tuple(_line(findings, day) for day in days(evidence))
    if relative:
        if findings.growth is None:
            raise CannotMeasureError("the enclosing line was not seen at both dates")
        growth = findings.growth.area if reading.metric == "area" else findings.growth.length
        value, low, high = (_logarithm(turn * r, turn) for r in (growth.ratio, growth.low, growth.high))
        return value, abs(high - low) / (2 * Z), lines, evidence.pair
    (before, se_before), (after, se_after) = (_value(line, reading.metric) for line in lines)
    return turn * (after - before), math.hypot(se_before, se_after), lines, evidence.pair


def _averaged(extents: Sequence[Extent]) -> tuple[float, float]:
    """Return the mean weighted by precision, and its standard error where the errors of any two correlate by :data:`SHARED_ERRORS`."""
    # A standard error of zero would make every interval a point; no measurement is that good.
    errors = np.array([max(se, 1e-9 * max(abs(value), 1.0)) for value, se, *_ in extents])
    weights = errors**-2.0 / (errors**-2.0).sum()
    parts = weights * errors
    variance = (1 - SHARED_ERRORS) * float(parts @ parts) + SHARED_ERRORS * float(parts.sum()) ** 2
    return float(weights @ np.array([value for value, *_ in extents])), math.sqrt(variance)


def _logarithm(growth: float, turn: float) -> float:
    """Return a growth as the logarithm of its factor, in which a quotient of two measured sizes is normal; `turn` is −1 for a loss."""
    return turn * math.log1p(turn * growth) if turn * growth > -1 else -turn * math.inf


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


def _inferred(lines: Sequence[Finding]) -> float:
    """Return the largest share of a line that is inferred and not seen."""
    return max(float(line.measures.get("inferred_share", 0.0)) for line in lines)


def _held(value: float, se: float, extents: Sequence[Extent], claimed: Bounds, *, unit: str, changes: bool) -> Measurement:
    inferred = min(_inferred(lines) for _, _, lines, _ in extents)
    told = [f"{len(extents)} pairs are averaged"] if len(extents) > 1 else []
    told += ["An analyst drew a line"] if any(DRAWN in str(line.measures.get("source", "")) for _, _, lines, _ in extents for line in lines) else []
    told += [f"{share(inferred)} of the line is inferred, not seen"] if inferred >= 0.005 else []
    held = normal(value, se, claimed, unit=unit, changes=changes)
    pairs = tuple(pair for *_, pair in extents)
    return replace(held, complete=inferred <= INFERRED_LIMIT, seen=1 - inferred, detail="; ".join(told), pairs=pairs)


def normal(value: float, se: float, claimed: Bounds, *, unit: str, changes: bool) -> Measurement:
    """Hold a normal number against the claimed bounds, as of ground that was seen whole; `changes` says whether it is one of a change."""
    low, high = value - Z * se, value + Z * se
    return Measurement(
        Estimate(value, low, high, unit),
        floor=low,
        ceiling=high,
        mass=float(norm.cdf((claimed.near_high - value) / se) - norm.cdf((claimed.near_low - value) / se)),
        bayes=_factor_against_nothing(value, se, claimed) if changes else None,
        bayes_other=None,
        power=float(norm.sf(Z - _least(claimed) / se)),
        sign=(1 if low > 0 else -1 if high < 0 else 0) if changes else 0,
        complete=True,
        additive=False,
        calibrated=True,
        blind=False,
        seen=1.0,
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
