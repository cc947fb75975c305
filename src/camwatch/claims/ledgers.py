"""Read ledgers of claims, bundled ones and an analyst's own."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from camwatch.claims.model import Claim, Ledger
from camwatch.errors import ClaimError, MissingInputError
from camwatch.resources import data_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic_core import ErrorDetails

REMEDY = "see data/claims/chongjin.yaml for a complete example"


def load_ledger(path: Path) -> Ledger:
    """Read a ledger in YAML or JSON.

    Parameters
    ----------
    path : Path
        A file ending in `.json` is read as JSON, any other as YAML, by the safe loader.

    Raises
    ------
    MissingInputError
        When there is no such file.
    ClaimError
        When it is no YAML or JSON, gives a key twice, or does not fit the model; one line that names the file, the claim, and for YAML the line.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "no such file"
        raise MissingInputError(what, where=path, expected="a ledger in YAML or JSON", remedy="check the path")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ClaimError(f"not UTF-8 at byte {error.start}", where=path, remedy="save the file as UTF-8") from error
    data, tree = _json(text, path) if path.suffix.lower() == ".json" else _yaml(text, path)
    if not isinstance(data, dict):
        raise ClaimError("not a ledger", where=path, got=type(data).__name__, expected="a mapping with document, title and claims", remedy=REMEDY)
    try:
        return Ledger.model_validate(data)
    except ValidationError as error:
        details = error.errors()
        first = details[0]
        line = _line(tree, first["loc"])
        where = f"{path}, line {line}" if line else path
        more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
        raise ClaimError(_in_words(first, data) + more, where=where, got=_short(first), remedy=REMEDY) from error


@cache
def bundled_ledgers() -> tuple[Ledger, ...]:
    """Return the bundled ledgers, by file name."""
    return tuple(load_ledger(path) for path in sorted(data_folder("claims").glob("*.yaml")))


def claims_of(camp: str) -> tuple[Claim, ...]:
    """Return the bundled claims about a camp (AOI id, `system` or `method`), in the order of their documents; none where no document speaks of it."""
    return tuple(claim for ledger in bundled_ledgers() for claim in ledger.claims if claim.camp == camp.casefold())


def _json(text: str, path: Path) -> tuple[Any, None]:
    try:
        return json.loads(text), None
    except (ValueError, RecursionError) as error:
        raise ClaimError(f"not readable as JSON: {error}", where=path, remedy="mend the syntax there") from error


def _yaml(text: str, path: Path) -> tuple[Any, yaml.Node | None]:
    try:
        tree, data = yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}, line {mark.line + 1}" if mark else path
        raise ClaimError(f"not readable as YAML: {error.problem or error.context}", where=where, remedy="mend the syntax there") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ClaimError(f"not readable as YAML: {error}", where=path, remedy="mend the syntax there") from error
    _refuse_doubles(tree, path, set())
    return data, tree


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


def _line(node: yaml.Node | None, place: Sequence[int | str]) -> int | None:
    """Return the line, from 1, of the innermost part of `place` that exists in the file."""
    if node is None:
        return None
    for step in place:
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == step), node)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
    return int(node.start_mark.line) + 1


def _in_words(detail: ErrorDetails, data: dict[str, Any]) -> str:
    """Say where in the ledger, by claim id where there is one, and what is wrong."""
    place = list(detail["loc"])
    try:
        if len(place) >= 2 and place[0] == "claims":
            place[:2] = [f"claim {data['claims'][place[1]]['id']}"]
    except (KeyError, TypeError, IndexError):
        pass  # the claim has no id to be named by; its number stays
    message = detail["msg"].removeprefix("Value error, ")
    return f"{' › '.join(str(p) for p in place)}: {message}" if place else message


def _short(detail: ErrorDetails) -> str | None:
    """Return the offending value, where it is small enough to help."""
    text = repr(detail["input"])
    return text if len(text) <= 80 and detail["type"] != "missing" else None
