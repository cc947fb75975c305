"""Vendors' metadata as keys and values, whatever the spelling: XML, or texts of `key = value`, `Key: value` and `key   value` lines.

Groups are kept: those of the Parameter Value Language (CCSDS 641.0-B-2: `BEGIN_GROUP = IMAGE_1 … END_GROUP = IMAGE_1`), XML elements, and the blocks
that a text divides by ruled lines. Keys compare by their letters and digits, so `meanSunEl`, `MEANSUNEL` and `Mean Sun El` are one.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from camwatch.scenes.access.xml import parse_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element  # for the type checker only; nothing is parsed with it

BLOCK = "BLOCK"
"""Name of the groups that ruled lines make."""

_DEEPEST = 40
"""Elements below this level belong to no metadata of any vendor."""

_RULE = re.compile(r"\s*(={3,}|-{3,})\s*$")
LARGEST_GSD_M = 1000.0
"""No vendor's camera has coarser pixels."""

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_PREFIX = re.compile(rb"(</?)[A-Za-z_][\w.-]*:(?=[A-Za-z_])")


@dataclass(frozen=True, slots=True)
class Pair:
    """One key with its value; `groups` are the (name, serial number) of the groups around it, the outermost first."""

    groups: tuple[tuple[str, int], ...]
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Pairs:
    """Keys and values in the order of the document."""

    entries: tuple[Pair, ...] = ()

    def text(self, *keys: str) -> str:
        """Return the first value that is not empty, of the first of `keys` that has one; empty where none has."""
        for key in map(plain, keys):
            found = next((pair.value for pair in self.entries if pair.key == key and pair.value), "")
            if found:
                return found
        return ""

    def number(self, *keys: str) -> float | None:
        """Return the finite number with which the value of the first of `keys` that has one begins (`60.2 degrees`); None where none has."""
        for key in map(plain, keys):
            for pair in self.entries:
                found = _NUMBER.match(pair.value) if pair.key == key else None
                if found and math.isfinite(float(found[0])):
                    return float(found[0])
        return None

    def sections(self, name: str) -> tuple[tuple[str, Pairs], ...]:
        """Return (name, its pairs) for each group whose name matches the pattern `name` as a whole, in order; case does not matter."""
        pattern = re.compile(name, re.IGNORECASE)
        found: dict[tuple[str, int], list[Pair]] = {}
        for pair in self.entries:
            for group in pair.groups:
                if pattern.fullmatch(group[0]):
                    found.setdefault(group, []).append(pair)
        return tuple((group[0], Pairs(tuple(pairs))) for group, pairs in found.items())


def within(value: float | None, low: float, high: float) -> float | None:
    """Return a number in its possible range, None for any other: vendors write -999 and 999 for what they do not know."""
    return value if value is not None and low <= value <= high else None


def sun_of(azimuth: float | None, elevation: float | None) -> tuple[float, float] | None:
    """Return (azimuth in 0..360, elevation) of the sun in degrees; None where one of them is not known."""
    azimuth, elevation = within(azimuth, -360, 360), within(elevation, -90, 90)
    return None if azimuth is None or elevation is None else (azimuth % 360, elevation)


def plain(key: str) -> str:
    """Return a key's letters and digits in lower case."""
    return re.sub(r"[^a-z0-9]", "", key.lower())


def parse_pairs(data: bytes, where: object) -> Pairs:
    """Return the keys and values of a metadata member; SceneError where XML is damaged. A text is never damaged: what is no pair is passed over."""
    if not data.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<"):
        return Pairs(tuple(_lines(data.decode("utf-8", "replace"), ())))
    # Some writers use namespace prefixes that they never declare; plain tag names are all that is asked for.
    return Pairs(tuple(_elements(parse_bytes(_PREFIX.sub(rb"\1", data), where))))


def _lines(text: str, outside: tuple[tuple[str, int], ...]) -> Iterator[Pair]:
    groups, serial = outside, 0
    for line in text.replace("\0", "").splitlines():
        if _RULE.match(line):
            serial += 1
            groups = (*outside, (BLOCK, serial))
            continue
        key, value = _split(line.strip())
        if not key:
            continue
        value = value.removesuffix(";").strip().strip('"').strip()
        word = plain(key)
        if word in ("begingroup", "group", "beginobject", "object"):
            serial += 1
            if len(groups) < _DEEPEST:
                groups = (*groups, (value, serial))
        elif word in ("endgroup", "endobject"):
            groups = groups[:-1] if len(groups) > len(outside) else groups
        else:
            yield Pair(groups, word, value)


def _split(line: str) -> tuple[str, str]:
    """Return key and value of a line: at `=`, at a colon before which no wide gap stands, at a gap; an empty key where it is no pair."""
    if not line[:1].isalpha():
        return "", ""
    for mark in ("=", ":"):
        key, found, value = line.partition(mark)
        key = key.rstrip()
        # `sweep_start_utc     2013-04-01,11:00` has its colon in the value, `Copyright: a = b` its equals sign.
        if found and "\t" not in key and "  " not in key and ":" not in key:
            return key, value.strip()
    key, _, value = line.replace("\t", " ").partition(" ")
    return (key, value.strip()) if re.fullmatch(r"\w+", key) and value.strip() else ("", "")


def _elements(root: Element) -> Iterator[Pair]:
    """An element without children is a pair; where its text is made of `key = value` lines (Resurs), it is a group of them."""
    serial = 0
    stack: list[tuple[Element, tuple[tuple[str, int], ...]]] = [(root, ())]
    while stack:
        element, groups = stack.pop()
        children, text = list(element), (element.text or "").strip()
        serial += 1
        inside = (*groups, (element.tag, serial))
        if "=" in text and (children or "\n" in text):
            yield from _lines(text, inside)
        elif not children:
            yield Pair(groups, plain(element.tag), text)
        if len(inside) < _DEEPEST:
            stack += [(child, inside) for child in reversed(children)]
