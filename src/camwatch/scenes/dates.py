"""When was this raster taken? From tags, from names; never from the file's own timestamps."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TAKEN = (
    "acquisitiondatetime",
    "capturedate",
    "acquisitiondate",
    "acquisitiontime",
    "acquired",
    "dateacquired",
    "datetime",
    "imagedate",
    "imagingdate",
    "firstlinetime",
    "sensingtime",
    "productstarttime",
    "startdatetime",
    "camwatchacquired",
    "tifftagdatetime",
)
"""Tags that may hold the time of acquisition, letters and digits only, the most explicit first. TIFFTAG_DATETIME is the last: some software
writes the moment of processing there."""

_CLOCK = r"(?:[T _]+(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?\s*(Z|UTC|[+-]\d{2}:?\d{2})?)?"
_STAMP = re.compile(rf"(\d{{4}})[-:/](\d{{1,2}})[-:/](\d{{1,2}}){_CLOCK}$", re.IGNORECASE)
_DAY = r"(?<!\d)((?:19|20)\d{2})([-_]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])"
_NAME_DAY = re.compile(rf"{_DAY}(?:[T_-]?([01]\d|2[0-3])([0-5]\d)([0-5]\d))?(?!\d)", re.IGNORECASE)
_NAME_ORDINAL = re.compile(r"(?<!\d)((?:19|20)\d{2})[-_]?(00[1-9]|0[1-9]\d|[12]\d{2}|3[0-5]\d|36[0-6])(?!\d)")
_LANDSAT_SCENE = re.compile(r"L[COTEM]\d\d{6}((?:19|20)\d{2})(\d{3})[A-Z]{3}\d{2}", re.IGNORECASE)
_LANDSAT_OLD = re.compile(r"L[1-7]1?\d{6}_\d{3}((?:19|20)\d{2})(\d{2})(\d{2})", re.IGNORECASE)


def parse_time(text: str) -> datetime | None:
    """Return the UTC time that a tag states (ISO 8601, or EXIF `YYYY:MM:DD hh:mm:ss`; without a zone it is UTC), None where it states none."""
    text = text.strip()
    found = _STAMP.match(text)
    if not found and re.fullmatch(r"\d{8}(T\d{6}Z?)?", text):
        found = _STAMP.match(f"{text[:4]}-{text[4:6]}-{text[6:8]}" + (f"T{text[9:11]}:{text[11:13]}:{text[13:15]}Z" if len(text) > 8 else ""))
    if not found:
        return None
    year, month, day, hour, minute, second, zone = found.groups()
    try:
        when = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), tzinfo=UTC) + timedelta(seconds=float(second or 0))
    except (ValueError, OverflowError):
        return None
    if zone and zone[0] in "+-":
        sign = 1 if zone[0] == "+" else -1
        when -= sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return when if 1940 <= when.year < 2100 else None


def from_tags(tags: Mapping[str, str]) -> tuple[datetime, str] | None:
    """Return (time, name of the tag) from the most explicit tag that states a time."""
    plain = {re.sub(r"[^a-z0-9]", "", key.lower()): key for key in sorted(tags)}
    for wanted in TAKEN:
        if wanted in plain and (when := parse_time(str(tags[plain[wanted]]))) is not None:
            return when, plain[wanted]
    return None


def from_descriptions(descriptions: Sequence[str]) -> datetime | None:
    """Return the day that band descriptions agree on when they name the Landsat product they were cut from, else None."""
    days = {(m[1], m[2], m[3]) for text in descriptions if (m := _LANDSAT_OLD.search(text))}
    return parse_time("-".join(days.pop())) if len(days) == 1 else None


def from_name(stem: str) -> datetime | None:
    """Return the first date in a file name: YYYYMMDD, YYYY-MM-DD (with hhmmss where it follows), YYYYDDD, or a Landsat scene identifier; UTC."""
    if scene := _LANDSAT_SCENE.search(stem):
        return _ordinal(scene[1], scene[2])
    for found in _NAME_DAY.finditer(stem):
        year, _, month, day, hour, minute, second = found.groups()
        clock = f"T{hour}:{minute}:{second}Z" if hour else ""
        if (when := parse_time(f"{year}-{month}-{day}{clock}")) is not None:
            return when
    found_ordinal = _NAME_ORDINAL.search(stem)
    return _ordinal(found_ordinal[1], found_ordinal[2]) if found_ordinal else None


def _ordinal(year: str, day: str) -> datetime | None:
    when = datetime(int(year), 1, 1, tzinfo=UTC) + timedelta(days=int(day) - 1)
    return when if when.year == int(year) and int(day) > 0 else None


def as_time(given: datetime | date | str) -> datetime | None:
    """Return an explicitly given date as UTC time; None where the text is no date."""
    if isinstance(given, str):
        return parse_time(given)
    if isinstance(given, datetime):
        return given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    return datetime.combine(given, time(), UTC)
