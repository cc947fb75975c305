"""The typed pieces that claims are made of: numbers with units, spans of days, places, published figures.

This module and :mod:`camwatch.claims.model` are read by pydantic, which needs their annotations as objects.
"""

from datetime import date
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from camwatch.aoi.days import read_day

Unit = Literal["", "objects", "m", "km", "m2", "km2", "ratio", "year", "people", "people/year"]
Sector = Literal["north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west"]
Relation = Literal["in", "near", "edge of", "bank of", "away from"]

SCALE: dict[str, float] = {"km": 1e3, "km2": 1e6}
"""Base units in one of the larger ones; every other unit is its own base."""


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


def interval_of(value: object) -> object:
    """Return a lone year, month or day as the interval that it spans; anything else as it is, for pydantic to judge."""
    return {"start": value, "end": value} if isinstance(value, (date, str, int)) and not isinstance(value, bool) else value


class Span(Record):
    """A number before and after, where a claim gives both: *from 580 to 1,000 square meters*."""

    before: float
    after: float
    unit: Unit = "objects"


class Trait(Record):
    """What a claim says a thing is like, in a word: `of` the setting, `word` remote. Two words for one thing at one time exclude each other."""

    of: str = Field(min_length=2)
    word: str = Field(min_length=2)


class Where(Record):
    """Where a claim puts its subject: in (or in a sector of), near, at the edge of, on the bank of, or away from a place of the ledger."""

    relation: Relation
    place: str = Field(min_length=2)
    sector: Sector | None = None


class Place(Record):
    """A place that a ledger names.

    Attributes
    ----------
    name : str
    box : (west, south, east, north) or None
        Degrees; for a region.
    point : (longitude, latitude) or None
        Degrees; for a town, a gate, a published position. Neither box nor point: known by name only.
    source : str
        Required where there are coordinates.
    """

    name: str = Field(min_length=2)
    box: tuple[float, float, float, float] | None = None
    point: tuple[float, float] | None = None
    source: str = ""

    @model_validator(mode="after")
    def _on_earth(self) -> Self:
        if self.box and self.point:
            raise ValueError(f"place {self.name!r}: give a box or a point, not both")
        if (self.box or self.point) and not self.source:
            raise ValueError(f"place {self.name!r}: coordinates need a `source`")
        west, south, east, north = self.box or (*(self.point or (0.0, 0.0)),) * 2
        if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
            raise ValueError(f"place {self.name!r}: coordinates are longitude, latitude in degrees, the smaller first; got {self.box or self.point}")
        return self


class Published(Record):
    """A figure that a source other than the document gives: context beside a claim, never part of its verdict.

    Attributes
    ----------
    text : str
        What the figure is of, in a few words.
    value, to : float or None
        The figure, and the upper end where it is a range; no value where the source says it in words.
    unit : str
    date : Interval or None
        When it held, as the source dates it; a year, a month or a day alone stands for its whole span.
    source : str
    reading : str or None
        Id of the claim's reading that it is a figure for, and may be compared with; None = context only.
    where : Where or None
        Where the source puts the claim's subject.
    """

    text: str = Field(min_length=3)
    value: float | None = None
    to: float | None = None
    unit: Unit = ""
    date: Interval | None = None
    source: str = Field(min_length=3)
    reading: str | None = None
    where: Where | None = None

    _whole = field_validator("date", mode="before")(interval_of)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.to is not None and (self.value is None or self.to < self.value):
            raise ValueError(f"published figure reversed: value {self.value}, to {self.to}")
        if self.reading is not None and self.value is None:
            raise ValueError(f"a published figure for the reading {self.reading!r} needs a `value`; without one it is context and names no reading")
        return self

    @property
    def quantity(self) -> Quantity | None:
        """The figure as a quantity; None where the source says it in words."""
        return None if self.value is None else Quantity(low=self.value, high=self.value if self.to is None else self.to, unit=self.unit)

    @property
    def words(self) -> str:
        """One line: what, figure, date, source."""
        unit = {"m2": " m²", "km2": " km²", "objects": "", "ratio": " %", "year": ""}.get(self.unit, f" {self.unit}" if self.unit else "")
        ends = [_plain(end * (100 if self.unit == "ratio" else 1), self.unit) for end in (self.value, self.to) if end is not None]
        dated = "" if self.date is None else f" ({_days(self.date)})"
        return f"{self.text}{': ' if ends else ''}{' to '.join(ends)}{unit if ends else ''}{dated}; {self.source}"


def _plain(value: float, unit: str) -> str:
    return f"{value:.0f}" if unit == "year" else f"{round(value, 6):,g}" if abs(value) < 1e6 else f"{value:,.0f}"


def _days(span: Interval) -> str:
    first, last = (None if day is None else day.isoformat() for day in (span.start, span.end))
    if first and last and first[:4] == last[:4] and first.endswith("-01-01") and last.endswith("-12-31"):
        return first[:4]
    if first and last and first.endswith("-01-01") and last.endswith("-12-31"):
        return f"{first[:4]} to {last[:4]}"
    return first if first and first == last else f"{first or 'until'} to {last}" if last and first else f"until {last}" if last else f"since {first}"
