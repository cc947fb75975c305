"""How much of a site an outline holds that may lie elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from shapely.affinity import translate

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

RINGS, WAYS = 8, 12
"""Equally likely distances and directions of the displacements that stand for all."""


def overlap_share(outline: BaseGeometry, accuracy_m: float) -> float:
    """Return how much of a site an outline of its size and shape holds on average, 0..1, that lies elsewhere than drawn.

    Parameters
    ----------
    outline : polygon
        In a metric CRS.
    accuracy_m : float
        Standard error of its place in either direction; the displacement is normal.

    Notes
    -----
    A circle of radius r is left by about 0.8 σ/r of itself while that is small. Accurate to 0.02 for any shape.
    """
    if accuracy_m <= 0 or outline.area <= 0:
        return 1.0
    simple = outline.simplify(0.05 * accuracy_m)
    away = accuracy_m * np.sqrt(-2 * np.log(1 - (np.arange(RINGS) + 0.5) / RINGS))
    angle = (np.arange(WAYS) + 0.5) * (2 * np.pi / WAYS)
    kept = [simple.intersection(translate(simple, r * np.cos(a), r * np.sin(a))).area for r in away for a in angle]
    return float(np.mean(kept) / simple.area)
