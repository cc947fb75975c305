"""Object Description Language as EOS products hold it in their attributes: `OBJECT = NAME … CLASS = "1" … VALUE = (1.5, "x") … END_OBJECT = NAME`.

Format: CCSDS 641.0-B-2, Parameter Value Language; only what NASA's metadata toolkit writes is understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_STATEMENT = re.compile(r'(\w+)\s*=\s*("[^"]*"|\([^)]*\)|[^\s"()]+)')
_ITEM = re.compile(r'"([^"]*)"|([^,\s()"]+)')


@dataclass(frozen=True, slots=True)
class Entry:
    """One object with a value: `number` is its CLASS, which tells apart objects that repeat; empty where there is none."""

    name: str
    number: str
    values: tuple[str, ...]


def parse_odl(text: str) -> tuple[Entry, ...]:
    """Return every object that has a value, in the order of the text; what is no statement is passed over."""
    entries: list[Entry] = []
    names: list[str] = []
    number = ""
    for key, value in _STATEMENT.findall(text):
        word = key.upper()
        if word == "OBJECT":
            names.append(value.strip('"').upper())
            number = ""
        elif word == "CLASS":
            number = value.strip('"')
        elif word == "VALUE" and names:
            entries.append(Entry(names[-1], number, tuple((quoted or plain).strip() for quoted, plain in _ITEM.findall(value))))
        elif word == "END_OBJECT" and names:
            names.pop()
    return tuple(entries)
