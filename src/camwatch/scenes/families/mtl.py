"""Landsat MTL metadata in its three spellings (ODL text, XML, JSON) and in the vocabularies of before and after August 2012."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from camwatch.errors import SceneError
from camwatch.scenes.access.xml import parse_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

_OLD_KEYS = {
    "ACQUISITION_DATE": "DATE_ACQUIRED",
    "SCENE_CENTER_SCAN_TIME": "SCENE_CENTER_TIME",
    "PRODUCT_TYPE": "DATA_TYPE",
    "PROCESSING_SOFTWARE": "PROCESSING_SOFTWARE_VERSION",
}
_OLD_BAND_KEYS = (
    (re.compile(r"BAND(\d)_FILE_NAME"), r"FILE_NAME_BAND_\1"),
    (re.compile(r"LMAX_BAND(\d)"), r"RADIANCE_MAXIMUM_BAND_\1"),
    (re.compile(r"LMIN_BAND(\d)"), r"RADIANCE_MINIMUM_BAND_\1"),
    (re.compile(r"QCALMAX_BAND(\d)"), r"QUANTIZE_CAL_MAX_BAND_\1"),
    (re.compile(r"QCALMIN_BAND(\d)"), r"QUANTIZE_CAL_MIN_BAND_\1"),
)
"""What USGS called these keys until 29 August 2012, and calls them since."""


class Mtl:
    """Groups of keys and values, in the vocabulary in use since August 2012.

    The same key may stand in several groups with different meaning (a Level-2 product repeats its Level-1 file names), so a look-up names the groups
    in which the key may stand.
    """

    def __init__(self, groups: dict[str, dict[str, str]], where: str) -> None:
        self._groups = {group: {_present(key): value for key, value in entries.items()} for group, entries in groups.items()}
        self._where = where

    def get(self, key: str, *groups: str) -> str | None:
        """Return the value of `key` from the first of `groups` (all groups where none is named) that has it."""
        for group in groups or tuple(self._groups):
            value = self._groups.get(group, {}).get(key)
            if value is not None:
                return value
        return None

    def need(self, key: str, *groups: str) -> str:
        """Return a value that every MTL has; SceneError where it is missing."""
        value = self.get(key, *groups)
        if value is None:
            raise SceneError("MTL lacks a key", where=self._where, expected=key, remedy="use the MTL as the archive delivers it")
        return value

    def number(self, key: str, *groups: str) -> float | None:
        """Return a value as a finite float; None where the key is missing; SceneError where it is no number."""
        value = self.get(key, *groups)
        if value is None:
            return None
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise SceneError(f"MTL key {key} is no number", where=self._where, got=repr(value))
        return number

    def has_group(self, name: str) -> bool:
        """Whether the group is there."""
        return name in self._groups


def parse_mtl(data: bytes, where: str) -> Mtl:
    """Read an MTL file of any spelling; `where` names it in messages.

    Raises
    ------
    SceneError
        When it cannot be parsed or holds no groups.
    """
    text = data.replace(b"\0", b"").decode("utf-8", "replace").strip()  # old ODL files are padded with NUL
    if text.startswith("<"):
        groups = {group.tag: {entry.tag: (entry.text or "").strip() for entry in group} for group in parse_bytes(text.encode(), where)}
    elif text.startswith("{"):
        try:
            groups = dict(_json(json.loads(text)))
        except (ValueError, AttributeError, RecursionError) as error:
            raise SceneError(f"MTL cannot be parsed ({error})", where=where, remedy="download the product again") from error
    else:
        groups = _odl(text)
    if not groups:
        raise SceneError("MTL holds no groups", where=where, remedy="download the product again")
    return Mtl(groups, where)


def _present(key: str) -> str:
    """Return the present name of a key."""
    for pattern, replacement in _OLD_BAND_KEYS:
        if found := pattern.fullmatch(key):
            return found.expand(replacement)
    return _OLD_KEYS.get(key, key)


def _odl(text: str) -> dict[str, dict[str, str]]:
    groups: dict[str, dict[str, str]] = {}
    stack: list[str] = []
    for line in text.splitlines():
        key, equals, value = (part.strip() for part in line.partition("="))
        value = value.strip('"')
        if key == "GROUP":
            stack.append(value)
        elif key == "END_GROUP":
            stack = stack[:-1]
        elif equals and stack:
            groups.setdefault(stack[-1], {})[key] = value
    return groups


def _json(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    for root in document.values():
        for group, entries in root.items():
            yield group, {key: str(value) for key, value in entries.items()}
