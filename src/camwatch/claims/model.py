"""A documented claim, typed: what was said, in which unit, about which span and place, and how its words can be read."""

from __future__ import annotations

from datetime import date
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from camwatch.aoi.days import read_day

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
Unit = Literal["", "objects", "m", "km", "m2", "km2", "ratio", "year", "people"]

UNITS: dict[Metric, set[str]] = {
    "count": {"objects", "ratio"},
    "area": {"m2", "km2", "ratio"},
    "length": {"m", "km", "ratio"},
    "distance": {"m", "km"},
}
"""Units that a metric can have; a ratio of 0.72 is +72 %."""


class Record(BaseModel):
    """Base of the claim records: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Quantity(Record):
    """A number with bounds, as it was said.

    `low` and `high` are inclusive and in `unit`; equal for an exact number, None where open ("over two dozen" is low = 25, high = None).
    `about` marks words such as *about*, *around*, *estimated*; the judge widens such a number by its `tolerance`.
    """

    low: float | None = None
    high: float | None = None
    unit: Unit = "objects"
    about: bool = False

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.low is None and self.high is None:
            raise ValueError("a quantity needs `low` or `high`")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"quantity reversed: low {self.low} is more than high {self.high}")
        return self


class Interval(Record):
    """A span of days, both ends inside; None = open. A year or a month alone stands for its first day as `start`, for its last as `end`."""

    start: date | None = None
    end: date | None = None

    @field_validator("start", "end", mode="before")
    @classmethod
    def _whole_days(cls, value: object, info: ValidationInfo) -> date | None:
        return None if value is None else read_day(value, last=info.field_name == "end")

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.start and self.end and self.start > self.end:
            raise ValueError(f"interval reversed: {self.start} is later than {self.end}")
        return self


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
    sub_area : str or None
        Outline id; None = the whole site.
    """

    id: str = "as written"
    text: str
    metric: Metric
    subject: Subject
    aspect: Aspect = "state"
    quantity: Quantity | None = None
    interval: Interval | None = None
    sub_area: str | None = None

    @model_validator(mode="after")
    def _unit_fits(self) -> Self:
        allowed = UNITS.get(self.metric)
        if allowed and self.quantity and self.quantity.unit not in allowed:
            raise ValueError(f"unit {self.quantity.unit!r} does not fit metric {self.metric!r}; expected one of {', '.join(sorted(allowed))}")
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
    """

    id: str
    camp: str
    quote: str = Field(min_length=3)
    readings: tuple[Reading, ...] = Field(min_length=1)
    observable: bool = True
    why_not: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.observable and not self.why_not:
            raise ValueError(f"claim {self.id}: `observable: false` needs `why_not`")
        names = [r.id for r in self.readings]
        if len(set(names)) != len(names):
            raise ValueError(f"claim {self.id}: two readings share an id; got {', '.join(names)}")
        return self


class Ledger(Record):
    """The claims of one document.

    `sha256` is the hash of the document's text as it was read, so that a quote can be proved against it.
    """

    document: str
    title: str
    sha256: str = ""
    claims: tuple[Claim, ...]

    @model_validator(mode="after")
    def _unique(self) -> Self:
        names = [c.id for c in self.claims]
        double = sorted({n for n in names if names.count(n) > 1})
        if double:
            raise ValueError(f"claim ids given twice: {', '.join(double)}")
        return self
