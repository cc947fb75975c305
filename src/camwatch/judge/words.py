"""The judge's sentences: plain words with numbers, dates and ground sample distance (in brackets behind the dates), for a layman and for a court."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from camwatch.judge.bracket import date_of_state, span_in_words
from camwatch.judge.limits import COMPLETE, search_of
from camwatch.judge.measurement import days

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camwatch.claims.model import Quantity, Reading
    from camwatch.findings import Kind
    from camwatch.judge.measurement import Measurement
    from camwatch.judge.record import Estimate, Evidence, Outcome

LEAD: dict[Outcome, str] = {
    "supported": "The imagery supports this",
    "contradicted": "The imagery contradicts this",
    "partly": "The imagery supports this in part",
    "inconclusive": "The imagery does not decide this",
    "not testable": "Not testable",
}
IN_WORDS: dict[Outcome, str] = {"partly": "supported in part", "inconclusive": "not decided"}
"""Outcomes that no sentence takes as they are."""

SIMULATED = "SIMULATED: "

NOT_JUDGED = "this release does not judge claims about {metric}"
NOT_LOOKED = "No imagery was looked at for it"

TOPICS = {
    "position": "a position",
    "layout": "a layout",
    "landcover": "land cover",
    "date": "a date",
    "distance": "a distance",
    "ratio": "a ratio",
    "population": "people",
    "capacity": "capacity",
    "method": "a method",
    "provenance": "the origin of a statement",
}
"""What a claim of a metric is about, where its name alone is no English; counts, areas and lengths are named with what they are of."""
SUBJECTS = {
    "tower": "guard towers",
    "structure": "buildings",
    "perimeter": "the enclosing line",
    "camp": "the camp",
    "fence": "a fence",
    "mine": "a mine",
    "field": "fields",
    "river": "a river",
    "terrain": "the terrain",
    "people": "people",
    "other": "other things",
}
MANY = {"perimeter": "enclosing lines", "camp": "camps", "fence": "fences", "mine": "mines", "river": "rivers"}
"""Subjects that are counted, where their name speaks of one."""
OBJECTS = {"tower": "guard towers", "structure": "buildings"}
PATCHES = "patches of ground laid open"
UNITS = {"m2": "m²", "km2": "km²", "m": "m", "km": "km", "ha": "ha"}
LIMIT_WORDS = {"tower": "guard towers", "structure": "buildings", "perimeter": "the enclosing line", "landcover": "land cover"}


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of one reading, in pieces: readings of one claim share those that are alike.

    Attributes
    ----------
    clause : str
        What was measured, or why nothing was; lower case, without full stop.
    when : str
        Dates and ground sample distance, to stand before the clause; empty where the clause has them.
    claimed : str
        What the claim says.
    why : str
        What decided beside the number, a clause.
    notes : tuple of str
        What must be known of the evidence, a sentence each, without full stop.
    """

    clause: str
    when: str = ""
    claimed: str = ""
    why: str = ""
    notes: tuple[str, ...] = ()

    @property
    def main(self) -> str:
        """All but the notes, as clauses."""
        return "; ".join(part for part in (f"{self.when} {self.clause}".strip(), self.claimed, self.why) if part)

    @property
    def body(self) -> str:
        """All of it."""
        return _sentences(self.main, self.notes)


def _sentences(first: str, others: Sequence[str]) -> str:
    return ". ".join(part.strip().rstrip(".") for part in (first, *dict.fromkeys(others)) if part)


def together(readings: Sequence[Reading], told: Sequence[Told], outcomes: Sequence[Outcome]) -> str:
    """Return what is told of all readings of a claim: one clause each, and once what they share."""
    if len(set(told)) == 1:
        return told[0].body
    when, claimed = ({getattr(t, name) for t in told} for name in ("when", "claimed"))
    shared = Told("", when=told[0].when if len(when) == 1 else "", claimed=told[0].claimed if len(claimed) == 1 else "")
    clauses = []
    for reading, t, outcome in zip(readings, told, outcomes, strict=True):
        rest = replace(t, when="" if shared.when else t.when, claimed="" if shared.claimed else t.claimed)
        clauses.append(f"“{reading.id}”{'' if len(set(outcomes)) == 1 else f', {IN_WORDS.get(outcome, outcome)}'}: {rest.main}")
    first = f"{shared.when + ', ' if shared.when else ''}{'; '.join(clauses)}"
    return _sentences(first, (_upper(shared.claimed), *(note for t in told for note in t.notes)))


def sentence(outcome: Outcome, body: str, *, simulated: bool, by: str = "imagery") -> str:
    """Return a verdict's reason: lead, body, full stop, and the mark of simulated evidence; `by` names what speaks."""
    plain = re.sub(r"(?<=\d)%", " %", body.rstrip("."))
    return f"{SIMULATED if simulated else ''}{LEAD[outcome].replace('imagery', by)}: {plain}."


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def topic(reading: Reading) -> str:
    """Return what a reading is about, for claims that are not judged: `a position`, `the presence of a fence`."""
    of = {"count": "the number of", "area": "the area of", "length": "the length of", "presence": "the presence of"}.get(reading.metric)
    named = MANY.get(reading.subject) if reading.metric == "count" else None
    return f"{of} {named or SUBJECTS[reading.subject]}" if of else TOPICS[reading.metric]


def not_judged(reading: Reading) -> str:
    """Return the reason of a reading that this release does not judge."""
    return NOT_JUDGED.format(metric=topic(reading))


def share(value: float) -> str:
    """Return a share of 0..1 as percent: whole, with a decimal below 1 % and above 99 %, and never a 0 or a 100 % that is none.

    >>> share(0.004), share(0.00002), share(0.42), share(0.9996), share(0.0)
    ('0.4 %', 'less than 0.1 %', '42 %', 'more than 99.9 %', '0 %')
    """
    percent = 100 * value
    if percent <= 0 or percent >= 100:
        return "0 %" if percent <= 0 else "100 %"
    if percent < 0.1 or percent > 99.9:
        return "less than 0.1 %" if percent < 50 else "more than 99.9 %"
    return f"{percent:.1f} %" if percent < 1 or percent > 99 else f"{percent:.0f} %"


def number(value: float) -> str:
    """Return a number as people write it: three digits, no powers of ten, a thin space between thousands, a typographic minus."""
    if value == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}".replace(",", "\u2009")
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def with_unit(value: float, unit: str) -> str:
    """Return a number with its unit; a ratio of 0.72 as `72 %`, one of 0.004 as `0.4 %`."""
    return f"{_percent(value) if unit == 'ratio' else number(value)} {'%' if unit == 'ratio' else UNITS.get(unit, '')}".rstrip()


def _percent(ratio: float) -> str:
    """Return the percent of a growth, which may be negative or more than 100; below 1 % with the digit that `share` keeps."""
    return number(round(100 * ratio, 0 if abs(ratio) >= 0.01 else 1))


def claimed_words(quantity: Quantity | None) -> str:
    """Return what the claim says, e.g. `says at least 25`, `says about 1 km²`, `says 72 %`."""
    if quantity is None:
        return "gives no number"
    low, high, unit = quantity.low, quantity.high, quantity.unit
    about = "about " if quantity.about else ""
    if low is None or high is None:
        return f"says {about}{'at least' if high is None else 'at most'} {with_unit(low if low is not None else high or 0.0, unit)}"
    return f"says {about}{with_unit(low, unit)}" if low == high else f"says {about}{with_unit(low, unit)} to {with_unit(high, unit)}"


def display(estimate: Estimate) -> Estimate:
    """Return the estimate in the unit that people use for its size: km² from 0.01 km², km from 1 km."""
    size = max(abs(estimate.value), abs(estimate.low), abs(estimate.high))
    for unit, larger, scale in (("m2", "km2", 1e6), ("m", "km", 1e3)):
        if estimate.unit == unit and size >= (1e4 if unit == "m2" else 1e3):
            return replace(estimate, value=estimate.value / scale, low=estimate.low / scale, high=estimate.high / scale, unit=larger)
    return estimate


def held_words(kind: Kind, held: float) -> str:
    """Return in a sentence that what is asked about may lie beside the ground that was searched; empty where it hardly does."""
    if held >= COMPLETE:
        return ""
    asked = "line along which they stand" if kind == "tower" else "site"
    return f"The ground searched is likely to hold {share(held)} of the {asked}: the outline may be off; draw it on an image of the date"


def measured_words(reading: Reading, evidence: Evidence, measured: Measurement, part: str = "") -> tuple[str, str]:
    """Return (dates with ground sample distance, what was measured with its interval); `part` names the part of the site that is asked about."""
    earlier, later = days(evidence)
    day = date_of_state((earlier, later), reading.interval) if reading.aspect == "state" else None
    when = f"on {day.isoformat()}" if day else f"between {earlier.isoformat()} and {later.isoformat()}"
    return f"{when} ({evidence.gsd_m:.2g} m)", _measured(reading, measured, part or reading.sub_area)


def _measured(reading: Reading, measured: Measurement, asked: str | None) -> str:
    """Say what was measured; a count as an estimate, since an undecided verdict tells its number too."""
    place = "" if asked is None else f" in “{asked}”"
    part = "" if measured.seen >= COMPLETE else f" on the {share(measured.seen)} of the ground that was seen"
    if measured.estimate is None:
        if reading.metric == "presence" and reading.subject in ("perimeter", "fence"):
            return f"an enclosing line was seen along {share(measured.seen)} of its course"
        return f"{search_words(reading)}{place}{part}"
    estimate = display(measured.estimate)
    if reading.metric in ("area", "length"):
        return _extent(reading, estimate)
    land, one = search_of(reading) == "landcover", number(estimate.value) == "1"
    objects = PATCHES if land else OBJECTS[reading.subject if reading.subject in OBJECTS else "structure"]
    single = objects.replace("patches", "patch") if land else objects.removesuffix("s")
    verbs = {"state": "stood", "appeared": "appeared", "removed": "was removed" if one else "were removed"}
    verb = verbs.get(reading.aspect, "" if reading.metric == "count" else "appeared or went")
    if not verb:
        return f"the number of {objects}{place}{part} {_change(estimate)}"
    least = "" if reading.metric == "count" or estimate.low >= 1 else f"; that it is at least one has a probability of {share(measured.mass)}"
    return f"an estimated {number(estimate.value)} {single if one else objects} {verb}{place}{part}{_range(estimate)}{least}"


def _extent(reading: Reading, estimate: Estimate) -> str:
    """Say what an area or a length was, or by how much it changed."""
    if search_of(reading) == "landcover":
        return f"ground of {interval_words(estimate)} {'was overgrown' if reading.aspect == 'removed' else 'was laid open'}"
    what = {"area": "the enclosed area", "length": "the length of the enclosing line"}[reading.metric]
    if reading.aspect == "state":
        return f"{what} was {interval_words(estimate)}"
    return f"{what} {_change(_turned(estimate) if reading.aspect == 'removed' else estimate)}"


def search_words(reading: Reading) -> str:
    """Return what was looked for: `guard towers were searched for`."""
    kind = search_of(reading)
    if kind == "landcover":
        return "changed ground was searched for"
    return f"{LIMIT_WORDS[kind] if kind else 'it'} {'was' if kind == 'perimeter' else 'were'} searched for"


def interval_words(estimate: Estimate) -> str:
    """Return `1.01 km² (95 % interval 0.98 to 1.04 km²)`, in the unit that people use for its size."""
    shown = display(estimate)
    return f"{with_unit(shown.value, shown.unit)}{_range(shown)}"


def _turned(estimate: Estimate) -> Estimate:
    return replace(estimate, value=-estimate.value, low=-estimate.high, high=-estimate.low)


def _change(estimate: Estimate) -> str:
    """Return `grew by 72 % (…)`, `shrank by …`, or, where the interval holds no change, `changed by +3 % (…)`."""
    if estimate.low > 0:
        return f"grew by {with_unit(estimate.value, estimate.unit)}{_range(estimate)}"
    if estimate.high < 0:
        loss = _turned(estimate)
        return f"shrank by {with_unit(loss.value, loss.unit)}{_range(loss)}"
    plus = "+" if round(estimate.value, 3) > 0 else ""
    return f"changed by {plus}{with_unit(estimate.value, estimate.unit)}{_range(estimate)}"


def _range(estimate: Estimate) -> str:
    low = _percent(estimate.low) if estimate.unit == "ratio" else number(estimate.low)
    return f" (95 % interval {low} to {with_unit(estimate.high, estimate.unit)})"


def no_bracket(reading: Reading) -> str:
    """Return the reason where no pair encloses the claimed time."""
    if reading.aspect == "state":
        return f"no usable scene lies near {span_in_words(reading.interval)}"
    return f"no pair of usable scenes brackets {span_in_words(reading.interval)}"
