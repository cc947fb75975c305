"""The properties of one feature, checked field by field."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, cast, get_args

from camwatch.aoi.days import EXPECTED, read_day
from camwatch.aoi.records import Outline, Role
from camwatch.errors import AoiError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from shapely.geometry.base import BaseGeometry

POST = "post"
"""The one role of points: guard posts that the analyst lists."""
ROLES: tuple[str, ...] = get_args(Role)
DOCUMENTED = ("area_km2", "perimeter_km", "width_m", "height_m")
DEFAULT_ACCURACY_M = 30.0
"""Assumed where a file states none: outlines traced on public imagery without ground control lie some 10 to 30 m off; the cautious end."""


def role_from(properties: Mapping[str, Any], where: str) -> str:
    """Return the role that a feature states, one of `ROLES` or `POST`; `camp` where it states none.

    Raises
    ------
    AoiError
        When there is no such role.
    """
    given = {str(k).lower(): v for k, v in properties.items() if not _absent(v)}
    role = re.sub(r"[\s_]+", "-", str(given.get("role", "camp")).strip().lower())
    if role not in (*ROLES, POST):
        raise AoiError("unknown role", where=where, got=repr(given["role"]), expected=" | ".join((*ROLES, POST)), remedy="mend the property `role`")
    return role


def outline_from(properties: Mapping[str, Any], geometry: BaseGeometry, *, default_id: str, where: str) -> Outline:
    """Return the outline that a feature describes.

    Parameters
    ----------
    properties : mapping
        As read from the file; names are matched without case, empty values count as absent, and a GIS's running number is no id.
    geometry : shapely Polygon or MultiPolygon, EPSG:4326
    default_id : str
        Id where the feature has none.
    where : str
        File and feature, for messages.

    Raises
    ------
    AoiError
        When a value is not what its field can hold.
    """
    given = {str(k).lower(): v for k, v in properties.items() if not _absent(v)}
    own_id = given.get("id")
    name = slug(own_id) if isinstance(own_id, str) and not own_id.strip().isdigit() else default_id
    role = role_from(properties, where)
    start, end = (_day(given.get(key), key, where) for key in ("valid_from", "valid_to"))
    if start and end and start > end:
        raise AoiError("`valid_from` is later than `valid_to`", where=where, got=f"{start} and {end}", remedy="swap the two dates")
    digitised = role == "perimeter" and "date" in given
    if digitised:
        if start or end:
            remedy = "keep `date` for a line drawn on an image of that day, the other two for a span of years"
            raise AoiError("`date` beside `valid_from` or `valid_to`", where=where, got=repr(given["date"]), remedy=remedy)
        start, end = (_day(given["date"], "date", where, last=last) for last in (False, True))
    return Outline(
        id=name,
        name=str(given.get("name", name)),
        role=cast("Role", role),
        geometry=geometry,
        accuracy_m=_positive(given.get("accuracy_m", DEFAULT_ACCURACY_M), "accuracy_m", where),
        nominal=_truth(given.get("nominal", False), where),
        source=str(given.get("source", "")),
        made=str(given.get("made", "")),
        valid_from=start,
        valid_to=end,
        documented=_documented(given.get("documented", {}), where),
        digitised=digitised,
    )


def aliases_from(head: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """Return the other names of a camp from the top level of a file."""
    names = head.get("aliases") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise AoiError("`aliases` is no list of texts", where=where, got=repr(names), remedy="mend the member `aliases`")
    return tuple(names)


def distances_from(head: Mapping[str, Any], where: str) -> tuple[Mapping[str, Any], ...]:
    """Return the published distances from the top level of a file, each with the numbers that measuring it needs."""
    records = head.get("distances") or []
    for number, record in enumerate(records if isinstance(records, list) else [records], start=1):
        start = [] if isinstance(record, dict) and record.get("from_outline") else ["from_lon", "from_lat"]
        needed = ["lon", "lat", "km", *start]
        wrong = [key for key in needed if not isinstance(record, dict) or not _is_number(record.get(key))]
        if wrong or not _is_number(record.get("tolerance_km", 0)) or record["km"] <= 0:
            raise AoiError(
                f"distance {number} cannot be measured",
                where=where,
                got=repr(record),
                expected=f"numbers for {', '.join(needed)}",
                remedy="mend the member `distances`",
            )
    return tuple(records)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def slug(text: str) -> str:
    """Return `text` as an id that is also a safe file name: letters of any script, digits, dot, hyphen and underscore."""
    return re.sub(r"[^\w.-]+", "-", text).strip("-.") or "aoi"


def _absent(value: Any) -> bool:
    """True for None, an empty text, and the not-a-number or not-a-time that tables use for an empty cell."""
    return value is None or value == "" or (not isinstance(value, (dict, list)) and value != value)  # noqa: PLR0124 — NaN and NaT alone differ from themselves


def _positive(value: Any, key: str, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not (math.isfinite(number) and number > 0):
        raise AoiError(f"`{key}` is no positive number", where=where, got=repr(value), remedy="mend the property")
    return number


def _truth(value: Any, where: str) -> bool:
    word = str(value).strip().lower()
    if word in {"true", "1", "1.0", "yes"}:
        return True
    if word in {"false", "0", "0.0", "no"}:
        return False
    raise AoiError("`nominal` is neither true nor false", where=where, got=repr(value), remedy="mend the property")


def _day(value: Any, key: str, where: str, *, last: bool | None = None) -> date | None:
    try:
        return None if value is None else read_day(value, last=key == "valid_to" if last is None else last)
    except ValueError as error:
        raise AoiError(f"`{key}` is no date", where=where, got=repr(value), expected=EXPECTED, remedy="mend the property") from error


def _documented(value: Any, where: str) -> dict[str, float]:
    if isinstance(value, str):  # formats without nested values keep it as JSON text
        try:
            value = json.loads(value)
        except ValueError as error:
            raise AoiError("`documented` is no JSON object", where=where, got=repr(value), remedy="mend the property") from error
    if not isinstance(value, dict) or set(value) - set(DOCUMENTED):
        raise AoiError("`documented` has an unknown key", where=where, got=repr(value), expected=" | ".join(DOCUMENTED), remedy="mend the property")
    return {key: _positive(number, f"documented.{key}", where) for key, number in value.items() if number is not None}
