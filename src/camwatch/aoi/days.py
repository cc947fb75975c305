"""Dates as people write them: a day, a month or a year."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, datetime

EXPECTED = "YYYY, YYYY-MM or YYYY-MM-DD"


def read_day(value: object, *, last: bool) -> date:
    """Return the day that `value` names; a year or a month alone stands for its first day, with `last` for its last one.

    Parameters
    ----------
    value : date, datetime, str or int
        An int is a year; the time of day is dropped.
    last : bool

    Raises
    ------
    ValueError
        When it names no day.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    match = re.fullmatch(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ].*)?)?)?", str(value).strip().removesuffix(".0"))
    if not match or isinstance(value, bool):
        raise ValueError(f"no date: {value!r}; expected {EXPECTED}")
    year, month, day = (int(part) if part else None for part in match.groups())
    assert year is not None  # the pattern begins with it
    month = (12 if last else 1) if month is None else month
    try:
        return date(year, month, (monthrange(year, month)[1] if last else 1) if day is None else day)
    except (ValueError, IndexError) as error:
        raise ValueError(f"no day of the calendar: {value!r}; expected {EXPECTED}") from error
