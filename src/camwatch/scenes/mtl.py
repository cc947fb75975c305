"""Landsat MTL metadata in its three spellings: ODL text, XML, JSON."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from camwatch.errors import SceneError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINE = re.compile(r"^\s*(\w+)\s*=\s*(.*?)\s*$")


class Mtl:
    """Groups of keys and values.

    The same key may stand in several groups with different meaning (a Level-2 product repeats its Level-1 file names), so a look-up names the groups
    in which the key may stand.
    """

    def __init__(self, groups: dict[str, dict[str, str]], where: str) -> None:
        self._groups = groups
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
            remedy = "use the MTL as the archive delivers it since August 2012"
            raise SceneError("MTL lacks a key", where=self._where, expected=key, remedy=remedy)
        return value

    def number(self, key: str, *groups: str) -> float | None:
        """Return a value as a float; None where the key is missing; SceneError where it is no number."""
        value = self.get(key, *groups)
        try:
            return None if value is None else float(value)
        except ValueError as error:
            raise SceneError(f"MTL key {key} is no number", where=self._where, got=repr(value)) from error

    def has_group(self, name: str) -> bool:
        """Whether the group is there."""
        return name in self._groups


def parse_mtl(data: bytes, where: str) -> Mtl:
    """Read an MTL file of any spelling; `where` names it in messages."""
    text = data.replace(b"\0", b"").decode("utf-8", "replace").strip()  # old ODL files are padded with NUL
    try:
        if text.startswith("<"):
            groups = dict(_xml(text))
        elif text.startswith("{"):
            groups = dict(_json(json.loads(text)))
        else:
            groups = _odl(text)
    except (ElementTree.ParseError, DefusedXmlException, ValueError, AttributeError, RecursionError) as error:
        raise SceneError(f"MTL cannot be parsed ({error})", where=where, remedy="download the product again") from error
    if not groups:
        raise SceneError("MTL holds no groups", where=where, remedy="download the product again")
    return Mtl(groups, where)


def _odl(text: str) -> dict[str, dict[str, str]]:
    groups: dict[str, dict[str, str]] = {}
    stack: list[str] = []
    for line in text.splitlines():
        found = _LINE.match(line)
        if not found:
            continue
        key, value = found[1], found[2].strip('"')
        if key == "GROUP":
            stack.append(value)
        elif key == "END_GROUP":
            stack = stack[:-1]
        elif stack:
            groups.setdefault(stack[-1], {})[key] = value
    return groups


def _xml(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    for group in ElementTree.fromstring(text.encode()):
        yield group.tag, {entry.tag: (entry.text or "").strip() for entry in group}


def _json(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    for root in document.values():
        for group, entries in root.items():
            yield group, {key: str(value) for key, value in entries.items()}
