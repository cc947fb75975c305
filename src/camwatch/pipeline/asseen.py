"""Where an object is told to lie: on the scene that shows it, so that its outline covers it when scene and findings are opened together.

A search works on the grid of the earlier scene, and every scene is off the ground by its own few metres. What appeared stands in the later scene
alone: told where the registered picture has it, its outline would lie beside it in the file that the analyst opens. All else stands in the earlier
scene, and so does a building of one pair's later scene that the next pair razes: both pairs give it one place.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import shapely

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from camwatch.findings import Findings
    from camwatch.registration import Registration

OBJECTS = ("structure", "tower")
"""Kinds that are told so. The lines of two dates are compared, and land is a map: both stay on the grid of the search."""


def as_seen(found: Findings, registration: Registration) -> Findings:
    """Return findings with what appeared where the later scene, by its own georeferencing, shows it."""
    return _moved(found, registration.seen_at)


def as_searched(found: Findings, registration: Registration) -> Findings:
    """Return findings with everything on the grid of the search again: the inverse of :func:`as_seen`."""
    return _moved(found, registration.belongs_at)


def _moved(found: Findings, move: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Findings:
    if found.kind not in OBJECTS:
        return found
    records = (replace(r, geometry=shapely.transform(r.geometry, move)) if r.change == "appeared" else r for r in found.records)
    return replace(found, records=tuple(records))
