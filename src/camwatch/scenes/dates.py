"""When was this raster taken? From tags, from names; never from the file's own timestamps.

What counts, best first: the vendor's metadata of a product, which a date given by the user may only confirm; for a plain raster the date the user
gives, a STAC Item beside it, its tags, the product that its band descriptions name, its file name. An Item says which one was used.

Of several dates in a file name the first counts: producers write the acquisition first and the processing after it. Years of two digits are never
guessed (10-05-12 is any of three days), save in the one layout that cannot be misread: `10MAY12021530` of Maxar. Nor are days before months.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from camwatch.errors import SceneError

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
    "exifdatetimeoriginal",
    "tifftagdatetime",
)
"""Tags that may hold the time of acquisition, letters and digits only, the most explicit first. TIFFTAG_DATETIME is the last, and none where the
file was written by software in whose hands it is the moment of processing."""

_PROCESSED = re.compile(
    r"adobe|photoshop|lightroom|gimp|arcgis|arcmap|esri|qgis|envi|erdas|imagine|global mapper|magick|irfan|paint|snap", re.IGNORECASE
)
"""TIFFTAG_SOFTWARE of editors and GIS that put their own clock into TIFFTAG_DATETIME."""

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_CLOCK = r"(?:[T _,]+(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
_STAMP = re.compile(rf"(\d{{4}})[-:/](\d{{1,2}})[-:/](\d{{1,2}}){_CLOCK}$", re.IGNORECASE)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[T ]?(\d{2}):?(\d{2}):?(\d{2}(?:\.\d+)?)\s*(Z|UTC|GMT)?)?$", re.IGNORECASE)
_WORDY = re.compile(r"(\d{1,2})[- ]([A-Z]{3})[A-Z]*[- ](\d{4})(?!\d)", re.IGNORECASE)
_DAY = r"(?<!\d)((?:19|20)\d{2})([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])"
# A clock is six digits, or six and tenths to thousandths of a second where it follows the day at once (201307221015132); never half of another date.
_NAME_CLOCK = r"(?:[T_-]?(?=\d{6}(?!\d))|(?=\d{7,9}(?!\d)))([01]\d|2[0-3])([0-5]\d)([0-5]\d)\d{0,3}"
_NAME_DAY = re.compile(rf"{_DAY}(?:{_NAME_CLOCK})?(?!\d)", re.IGNORECASE)
_NAME_MAXAR = re.compile(rf"(?<![0-9A-Z])(\d{{2}})({'|'.join(_MONTHS)})(0[1-9]|[12]\d|3[01])([01]\d|2[0-3])([0-5]\d)([0-5]\d)(?!\d)", re.IGNORECASE)
_NAME_ORDINAL = re.compile(r"(?<!\d)((?:19|20)\d{2})[-_]?(00[1-9]|0[1-9]\d|[12]\d{2}|3[0-5]\d|36[0-6])(?!\d)")
_LANDSAT_SCENE = re.compile(r"L[COTEM]\d\d{6}((?:19|20)\d{2})(\d{3})[A-Z]{3}\d{2}", re.IGNORECASE)
_LANDSAT_OLD = re.compile(r"L[1-7]1?\d{6}_\d{3}((?:19|20)\d{2})(\d{2})(\d{2})", re.IGNORECASE)


def parse_time(text: str) -> datetime | None:
    """Return the UTC time that a text states, None where it states none; without a zone it is UTC.

    ISO 8601, EXIF `YYYY:MM:DD hh:mm:ss`, `YYYYMMDD[T]hhmmss.f`, and `DD-MON-YYYY hh:mm:ss.f` with an English month.
    """
    text = text.strip()
    if wordy := _WORDY.match(text):
        month_name = wordy[2].upper()
        month_number = _MONTHS.index(month_name) + 1 if month_name in _MONTHS else 0
        text = f"{wordy[3]}-{month_number}-{wordy[1]}{text[wordy.end() :]}"
    if compact := _COMPACT.match(text):
        clock = f"T{compact[4]}:{compact[5]}:{compact[6]}Z" if compact[4] else ""
        text = f"{compact[1]}-{compact[2]}-{compact[3]}{clock}"
    found = _STAMP.match(text)
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
    processed = bool(_PROCESSED.search(str(tags.get(plain.get("tifftagsoftware", ""), ""))))
    for wanted in TAKEN:
        if wanted == "tifftagdatetime" and processed:
            continue
        if wanted in plain and (when := parse_time(str(tags[plain[wanted]]))) is not None:
            return when, plain[wanted]
    return None


def from_descriptions(descriptions: Sequence[str]) -> datetime | None:
    """Return the day that band descriptions agree on when they name the Landsat product they were cut from, else None."""
    days = {(m[1], m[2], m[3]) for text in descriptions if (m := _LANDSAT_OLD.search(text))}
    return parse_time("-".join(days.pop())) if len(days) == 1 else None


def from_name(stem: str) -> datetime | None:
    """Return the first date in a file name, UTC; None where there is none.

    YYYYMMDD, YYYY-MM-DD (with hhmmss where it follows), YYYYDDD, a Landsat scene identifier, or Maxar's YYMMMDDhhmmss.
    """
    if scene := _LANDSAT_SCENE.search(stem):
        return _ordinal(scene[1], scene[2])
    for found in _NAME_DAY.finditer(stem):
        year, _, month, day, hour, minute, second = found.groups()
        clock = f"T{hour}:{minute}:{second}Z" if hour else ""
        if (when := parse_time(f"{year}-{month}-{day}{clock}")) is not None:
            return when
    if maxar := _NAME_MAXAR.search(stem):
        year, month, *rest = maxar.groups()
        return parse_time(f"20{year}-{_MONTHS.index(month.upper()) + 1}-{rest[0]}T{':'.join(rest[1:])}Z")
    found_ordinal = _NAME_ORDINAL.search(stem)
    return _ordinal(found_ordinal[1], found_ordinal[2]) if found_ordinal else None


def _ordinal(year: str, day: str) -> datetime | None:
    when = datetime(int(year), 1, 1, tzinfo=UTC) + timedelta(days=int(day) - 1)
    return when if when.year == int(year) and int(day) > 0 else None


def from_properties(properties: Mapping[str, object]) -> datetime | None:
    """Return the time that the properties of a STAC Item state; the start where they state a span."""
    return parse_time(str(properties.get("datetime") or properties.get("start_datetime") or ""))


def given_time(given: datetime | date | str, where: object) -> datetime:
    """Return an explicitly given date as UTC time; SceneError where the text is no date."""
    when = as_time(given)
    if when is None:
        raise SceneError("given date is no date", where=where, got=repr(given), expected="YYYY-MM-DD")
    return when


def as_time(given: datetime | date | str) -> datetime | None:
    """Return an explicitly given date as UTC time; None where the text is no date."""
    if isinstance(given, str):
        return parse_time(given)
    if isinstance(given, datetime):
        return given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    return datetime.combine(given, time(), UTC)
