"""What was built together, as a record: buildings with what belongs to each, ways, walls, patches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from camwatch.render.settlement.buildings import Building
    from camwatch.render.settlement.things import Thing


@dataclass(frozen=True, slots=True, eq=False)
class Road:
    """A way: (n, 2) points (x, y) in pixels, width in pixels, material, whether its middle is marked, seed of its look, width of its pavements."""

    points: NDArray[np.float64]
    width: float
    material: str
    marked: bool
    seed: int
    pavement: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Wall:
    """A wall or fence through (n, 2) points in pixels."""

    points: NDArray[np.float64]
    width: float
    high_m: float
    bright: float
    closed: bool = True


@dataclass(slots=True, eq=False)
class Development:
    """What was built together, in drawing order: its ground, roads, patches, buildings with what belongs to each, walls, boxes.

    `ruined`: what is gone at the second date was destroyed, not cleared; `levelled`: where nothing stands yet, ground was made level for it.
    """

    buildings: list[Building] = field(default_factory=list)
    plots: list[list[Thing]] = field(default_factory=list)
    roads: list[Road] = field(default_factory=list)
    patches: list[Thing] = field(default_factory=list)
    boxes: list[Thing] = field(default_factory=list)
    walls: list[Wall] = field(default_factory=list)
    graded: NDArray[np.float64] | None = None
    ruined: bool = False
    levelled: bool = False
