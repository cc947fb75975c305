"""Values of a stranger's JSON, of the type that they should have or none."""

from __future__ import annotations

import json
import math
from typing import Any


def parse(text: bytes) -> Any:
    """Return what a JSON text holds, null for NaN and the infinities, which are none; ValueError where it is no JSON."""
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def number(value: Any) -> float | None:
    """Return a finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a list; none for anything else."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def words(value: Any) -> set[str]:
    """Return the strings in a list; none for anything else."""
    return {entry for entry in value if isinstance(entry, str)} if isinstance(value, list) else set()


def mapping(value: Any) -> dict[str, Any]:
    """Return an object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}
