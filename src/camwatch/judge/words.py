"""The judge's sentences: plain words with numbers, dates and ground sample distance, for a layman and for a court."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from camwatch.judge.bracket import date_of_state, span_in_words
from camwatch.judge.limits import COMPLETE
from camwatch.judge.measurement import days

if TYPE_CHECKING:
    from camwatch.claims.model import Quantity, Reading
    from camwatch.judge.measurement import Measurement
    from camwatch.judge.record import Estimate, Evidence, Outcome

LEAD: dict[Outcome, str] = {
    "supported": "The imagery supports this", "contradicted": "The imagery contradicts this", "partly": "The imagery supports this in part",
    "inconclusive": "The imagery does not decide this", "not testable": "Not testable",
}
SIMULATED = "SIMULATED: "

NOT_JUDGED = (
    "this release judges counts of guard towers and buildings, and the area and length of the enclosing line; "
    "this claim ({metric}, {subject}) is listed without being judged, and no imagery was looked at for it"
)

OBJECTS = {"tower": "guard towers", "structure": "buildings"}
UNITS = {"m2": "m²", "km2": "km²", "m": "m", "km": "km"}
LIMIT_WORDS = {"tower": "guard towers", "structure": "buildings", "perimeter": "the enclosing line"}


def sentence(outcome: Outcome, body: str, *, simulated: bool) -> str:
    """Return a verdict's reason: lead, body, full stop, and the mark of simulated evidence."""
    return f"{SIMULATED if simulated else ''}{LEAD[outcome]}: {body.rstrip('.')}."


def number(value: float) -> str:
    """Return a number as people write it: three digits, no powers of ten, a thin space between thousands, a typographic minus."""
    if value == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}".replace(",", "\u2009")
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def with_unit(value: float, unit: str, *, signed: bool = False) -> str:
    """Return a number with its unit; a ratio of 0.72 as `+72 %`."""
    if unit == "ratio":
        return f"{'+' if round(100 * value) > 0 else ''}{number(round(100 * value))} %"
    sign = "+" if signed and value > 0 else ""
    return f"{sign}{number(value)} {UNITS.get(unit, '')}".rstrip()


def claimed_words(quantity: Quantity | None) -> str:
    """Return what the claim says, e.g. `at least 25`, `about 1 km²`, `+72 %`."""
    if quantity is None:
        return "gives no number"
    low, high, unit = quantity.low, quantity.high, quantity.unit
    about = "about " if quantity.about else ""
    if low is None or high is None:
        return f"says {about}{'at least' if high is None else 'at most'} {with_unit(low if low is not None else high or 0.0, unit)}"
    return f"says {about}{with_unit(low, unit)}" if low == high else f"says {about}{with_unit(low, unit)} to {with_unit(high, unit)}"


def display(estimate: Estimate) -> Estimate:
    """Return the estimate in the unit that people use for its size: km² from 0.01 km², km from 1 km."""
    from dataclasses import replace

    size = max(abs(estimate.value), abs(estimate.low), abs(estimate.high))
    for unit, larger, scale in (("m2", "km2", 1e6), ("m", "km", 1e3)):
        if estimate.unit == unit and size >= (1e4 if unit == "m2" else 1e3):
            return replace(estimate, value=estimate.value / scale, low=estimate.low / scale, high=estimate.high / scale, unit=larger)
    return estimate


def measured_words(reading: Reading, evidence: Evidence, measured: Measurement) -> str:
    """Return dates, ground sample distance and the measured number with its interval."""
    earlier, later = days(evidence)
    day = date_of_state((earlier, later), reading.interval) if reading.aspect == "state" else None
    when = f"on {day.isoformat()}" if day else f"between {earlier.isoformat()} and {later.isoformat()}"
    estimate = display(measured.estimate)
    what = _what(reading, relative=estimate.unit == "ratio", seen=measured.seen)
    value = with_unit(estimate.value, estimate.unit, signed=reading.aspect in ("net change", "growth"))
    detail = f"; {measured.detail}" if measured.detail else ""
    return f"{when}, at {evidence.gsd_m:.2g} m ground sample distance, {what} is {value} (95 % interval {_range(estimate)}{detail})"


def _range(estimate: Estimate) -> str:
    if estimate.unit == "ratio":
        return f"{with_unit(estimate.low, 'ratio')} to {with_unit(estimate.high, 'ratio')}"
    return f"{number(estimate.low)} to {with_unit(estimate.high, estimate.unit)}"


def _what(reading: Reading, *, relative: bool, seen: float) -> str:
    """Name what was measured; never as a plain fact, since an undecided verdict tells the number too."""
    verb = {"state": "standing", "appeared": "that appeared", "removed": "that were removed"}.get(reading.aspect, "")
    if reading.metric != "count":
        line = {"area": "the enclosed area", "length": "the length of the enclosing line"}[reading.metric]
        return {"state": line, "removed": f"the measured loss of {line}"}.get(reading.aspect, f"the measured change of {line}")
    objects = OBJECTS[reading.subject]
    place = "" if reading.sub_area is None else f" in the part {reading.sub_area}"
    part = "" if seen >= COMPLETE else f", on the {100 * seen:.0f} % of the ground that was seen,"
    if relative or not verb:
        return f"the measured change in the number of {objects}{place}{part}"
    return f"the measured number of {objects} {verb}{place}{part}"


def no_bracket(reading: Reading) -> str:
    """Return the reason where no pair encloses the claimed time."""
    if reading.aspect == "state":
        return f"no usable scene lies near {span_in_words(reading.interval)}"
    return f"no pair of usable scenes brackets {span_in_words(reading.interval)}"
