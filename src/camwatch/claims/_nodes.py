"""The text of a ledger: its data, and the line on which each part of it stands."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from camwatch.errors import ClaimError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Parsed:
    """A ledger's data as read, and its YAML nodes (None where the text has none that YAML understands)."""

    data: Any
    tree: yaml.Node | None

    def line(self, place: Sequence[int | str]) -> int | None:
        """Return the line, from 1, of the innermost part of `place` that exists in the file."""
        node = self.tree
        if node is None:
            return None
        for step in place:
            if isinstance(node, yaml.MappingNode):
                node = next((value for key, value in node.value if key.value == step), node)
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
        return int(node.start_mark.line) + 1


def parse(text: str, path: Path) -> Parsed:
    """Read a text, as JSON where the file's name ends so, else as YAML by the safe loader; ClaimError where it is neither, or a key is double."""
    return _json(text, path) if path.suffix.lower() == ".json" else _yaml(text, path)


def _json(text: str, path: Path) -> Parsed:
    try:
        data = json.loads(text, object_pairs_hook=lambda pairs: _single(pairs, path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, ClaimError):
            raise
        raise ClaimError(f"not readable as JSON: {error}", where=path, remedy="mend the syntax there") from error
    try:
        return Parsed(data, yaml.compose(text, Loader=yaml.SafeLoader))  # JSON is YAML, but for oddities such as tabs: then no line is told
    except (yaml.YAMLError, ValueError, RecursionError):
        return Parsed(data, None)


def _single(pairs: list[tuple[str, Any]], path: Path) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise ClaimError(f"key {double!r} given twice", where=path, remedy="keep one of the two")
    return dict(pairs)


def _yaml(text: str, path: Path) -> Parsed:
    try:
        tree, data = yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}, line {mark.line + 1}" if mark else path
        raise ClaimError(f"not readable as YAML: {error.problem or error.context}", where=where, remedy="mend the syntax there") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ClaimError(f"not readable as YAML: {error}", where=path, remedy="mend the syntax there") from error
    _refuse_doubles(tree, path, set())
    return Parsed(data, tree)


def _refuse_doubles(node: yaml.Node | None, path: Path, visited: set[int]) -> None:
    """Refuse a key that is given twice, because its first value would be lost without a word. An alias may lead back to its own parent."""
    if id(node) in visited:
        return
    visited.add(id(node))
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if str(key.value) in seen:
                raise ClaimError(f"key {key.value!r} given twice", where=f"{path}, line {key.start_mark.line + 1}", remedy="keep one of the two")
            seen.add(str(key.value))
            _refuse_doubles(value, path, visited)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_doubles(value, path, visited)
