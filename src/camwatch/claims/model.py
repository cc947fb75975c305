"""A documented claim, typed: what was said, in which unit, about which span and place, and how its words can be read."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from camwatch.claims.typed import Interval, Place, Published, Quantity, Record, Span, Trait, Unit, Where, interval_of

__all__ = ["UNITS", "Aspect", "Claim", "Interval", "Ledger", "Metric", "Quantity", "Reading", "Record", "Subject", "Unit"]

Metric = Literal[
    "count",
    "area",
    "length",
    "presence",
    "date",
    "distance",
    "position",
    "layout",
    "landcover",
    "population",
    "capacity",
    "ratio",
    "method",
    "provenance",
]
Subject = Literal["tower", "structure", "perimeter", "camp", "fence", "mine", "field", "river", "terrain", "people", "other"]
Aspect = Literal["state", "appeared", "removed", "net change", "growth"]

UNITS: dict[Metric, set[str]] = {
    "count": {"objects", "ratio"},
    "area": {"m2", "km2", "ratio"},
    "length": {"m", "km", "ratio"},
    "presence": {"objects", "ratio"},
    "date": {"year"},
    "distance": {"m", "km"},
    "landcover": {"m2", "km2", "ratio"},
    "population": {"people", "people/year", "ratio"},
    "capacity": {"people", "ratio"},
    "ratio": {"ratio"},
}
"""Units that a metric can have; a ratio of 0.72 is +72 %. What is not here has no number."""


class Reading(Record):
    """One way to read a claim's words.

    Attributes
    ----------
    id : str
        Short, unique in the claim: `area`, `length`, `thousand m²`, …
    text : str
        The reading in plain words.
    metric, subject, aspect
        What is measured, of what, and whether as a state at one date or as a change between two.
    quantity : Quantity or None
    interval : Interval or None
        When the change happened, or when the state held.
    baseline : Interval or None
        When what the change is measured against held ("since 1980s estimates"), where the claim says it; a year alone will do.
    sub_area : str or None
        Outline id; None = the whole site.
    span : Span or None
        The numbers before and after, where the claim gives both.
    each : float or None
        What the claim assumes for each object, where its number follows from such an assumption (200 people per block).
    called : str
        The words of the quote that name what is measured.
    where : tuple of Where
        Where the claim puts its subject.
    described : tuple of Trait
        What the claim says its subject is like; in a file also a mapping, `{setting: remote}`.
    """

    id: str = "as written"
    text: str
    metric: Metric
    subject: Subject
    aspect: Aspect = "state"
    quantity: Quantity | None = None
    interval: Interval | None = None
    baseline: Interval | None = None
    sub_area: str | None = None
    span: Span | None = None
    each: float | None = Field(default=None, gt=0)
    called: str = ""
    where: tuple[Where, ...] = ()
    described: tuple[Trait, ...] = ()

    _whole = field_validator("baseline", mode="before")(interval_of)

    @field_validator("described", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return [{"of": of, "word": word} for of, word in value.items()] if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _unit_fits(self) -> Self:
        for number in (self.quantity, self.span):
            if number is None:
                continue
            allowed = UNITS.get(self.metric)
            if allowed is None:
                raise ValueError(f"metric {self.metric!r} has no number; remove it, or name what is counted or measured as the metric")
            if number.unit not in allowed:
                raise ValueError(f"unit {number.unit!r} does not fit metric {self.metric!r}; expected one of {', '.join(sorted(allowed))}")
        return self


class Claim(Record):
    """One claim of one document.

    Attributes
    ----------
    id : str
    camp : str
        AOI id, `system` for all camps, `method` for statements about imagery itself.
    quote : str
        Letter for letter.
    readings : tuple of Reading
        The first is the plainest one.
    observable : bool
        False where nothing that the claim speaks of can be seen from above (people, intent, electric current).
    why_not : str
        The reason, required where `observable` is False.
    note : str
        What an analyst should know; never part of the verdict.
    published : tuple of Published
        What other sources give, beside the claim; never part of the verdict.
    """

    id: str
    camp: str
    quote: str = Field(min_length=3)
    readings: tuple[Reading, ...] = Field(min_length=1)
    observable: bool = True
    why_not: str = ""
    note: str = ""
    published: tuple[Published, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.observable and not self.why_not:
            raise ValueError(f"claim {self.id}: `observable: false` needs `why_not`")
        names = [r.id for r in self.readings]
        if len(set(names)) != len(names):
            raise ValueError(f"claim {self.id}: two readings share an id; got {', '.join(names)}")
        for figure in self.published:
            if figure.reading is not None and figure.reading not in names:
                raise ValueError(f"claim {self.id}: a published figure is for the reading {figure.reading!r}; the claim has {', '.join(names)}")
        for reading in self.readings:
            if reading.called and reading.called not in self.quote:
                raise ValueError(f"claim {self.id}: `called` {reading.called!r} does not stand in the quote")
        return self


class Ledger(Record):
    """The claims of one document.

    `sha256` is the hash of the document's text as it was read, so that a quote can be proved against it. `places` are those that its readings and
    published figures name.
    """

    document: str
    title: str
    sha256: str = ""
    places: tuple[Place, ...] = ()
    claims: tuple[Claim, ...]

    @model_validator(mode="after")
    def _unique(self) -> Self:
        names = [c.id for c in self.claims]
        double = sorted({n for n in names if names.count(n) > 1})
        if double:
            raise ValueError(f"claim ids given twice: {', '.join(double)}")
        known = [place.name for place in self.places]
        named = {where.place for c in self.claims for r in c.readings for where in r.where} | {
            f.where.place for c in self.claims for f in c.published if f.where
        }
        if len(set(known)) < len(known):
            raise ValueError(f"places given twice: {', '.join(sorted({n for n in known if known.count(n) > 1}))}")
        if named - set(known):
            raise ValueError(f"places not listed under `places`: {', '.join(sorted(named - set(known)))}")
        return self
