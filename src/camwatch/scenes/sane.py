"""Whether a product says what can be, whatever family read it."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from camwatch.errors import CamwatchError, SceneError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pystac

RANGES: dict[str, tuple[float, float]] = {
    "view:sun_azimuth": (0, 360),
    "view:sun_elevation": (-90, 90),
    "view:off_nadir": (0, 90),
    "view:incidence_angle": (0, 90),
    "accuracy:geometric_rmse": (0, 1e6),
    "gsd": (1e-3, 1e6),
    "scale": (-1e9, 1e9),
    "offset": (-1e9, 1e9),
}
"""Field → lowest and highest value that it can have: degrees, metres, and what keeps a pixel within single precision."""


@contextmanager
def sensible(what: str, where: object) -> Iterator[None]:
    """Raise SceneError for what Python raises when a document holds a value of another type than it should: a list for a number, text for a list.

    For JSON alone, where any value can stand anywhere and no schema is asked; `what` is the document. As little else as can be stands in the block.
    """
    try:
        yield
    except CamwatchError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        remedy = "correct it or take it away"
        raise SceneError(f"{what} makes no sense ({type(error).__name__}: {error})", where=where, remedy=remedy) from error


def refuse_nonsense(item: pystac.Item) -> None:
    """Raise SceneError when a number of an Item is not finite, or is none that its field can have."""
    said = [item.properties, *(asset.extra_fields for asset in item.assets.values())]
    for key, value in _numbers(said, ""):
        low, high = RANGES.get(key, (-math.inf, math.inf))
        if not (math.isfinite(value) and low <= value <= high):
            expected = f"{low:g} to {high:g}" if key in RANGES else "a finite number"
            raise SceneError(f"metadata makes no sense: {key}", where=item.id, got=value, expected=expected, remedy="download the product again")


def _numbers(value: Any, key: str) -> Iterator[tuple[str, float]]:
    """Return every number in a JSON value, with the innermost key above it."""
    if isinstance(value, dict):
        for inner, entry in value.items():
            yield from _numbers(entry, str(inner))
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _numbers(entry, key)
    elif isinstance(value, float | int):
        yield key, value
