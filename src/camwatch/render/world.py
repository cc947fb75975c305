"""A simulated piece of the earth: what lies and stands where, and since when. Nothing here was observed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from shapely import STRtree, box

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from camwatch.render.solids import Solid
    from camwatch.render.texture import Canopy, Lattice, Texture


@dataclass(frozen=True, slots=True)
class Patch:
    """A piece of ground, painted over what was painted before it.

    Attributes
    ----------
    geometry : polygon in the world's CRS
    cover : str
        One of :data:`camwatch.render.land.COVERS`.
    tone : float
        Relative brightness, 0 = as the spectrum says.
    vigour : float
        Added to the season's share of green leaves.
    rows_deg : float or None
        Direction of furrows, clockwise from north; None = no furrows.
    lowland : bool
        Painted only where the land is flat (fields end where the slope begins).
    since, until : date or None
        First and last day.
    """

    geometry: BaseGeometry
    cover: str
    tone: float = 0.0
    vigour: float = 0.0
    rows_deg: float | None = None
    lowland: bool = False
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A solid with its history. `label` says what it is in the truth."""

    solid: Solid
    label: str
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Wall:
    """The enclosing line in a span of days; `geometry` is the polygon that it encloses, in the world's CRS."""

    geometry: BaseGeometry
    since: date | None = None
    until: date | None = None


def stands(thing: Patch | Standing | Wall, on: date) -> bool:
    """Return whether a thing is there on a day."""
    return (thing.since or date.min) <= on <= (thing.until or date.max)


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """A camp and its surroundings, by date.

    Attributes
    ----------
    id : str
        The AOI's id.
    crs : str
    centre : (x, y)
        Map coordinates of the middle of the detailed part.
    seed : int
    patches : tuple of Patch
        In painting order.
    standing : tuple of Standing
    trees : (n, 4) float32
        x, y relative to `centre`, crown radius, height, all in metres.
    walls : tuple of Wall
    slope : Lattice
        0 on flat ground, 1 in the hills.
    relief : Lattice
        Elevation in metres.
    texture, canopy
        Fixed to the ground.
    truth : mapping
        What an analyst should find; written beside the scenes.
    """

    id: str
    crs: str
    centre: tuple[float, float]
    seed: int
    patches: tuple[Patch, ...]
    standing: tuple[Standing, ...]
    trees: NDArray[np.float32]
    walls: tuple[Wall, ...]
    slope: Lattice
    relief: Lattice
    texture: Texture
    canopy: Canopy
    truth: Mapping[str, Any] = field(default_factory=dict)

    def on(self, day: date) -> Moment:
        """Return the world as it is on a day, indexed for drawing."""
        return Moment(self, day, tuple(p for p in self.patches if stands(p, day)), tuple(s.solid for s in self.standing if stands(s, day)))

    def wall_on(self, day: date) -> BaseGeometry:
        """Return the polygon that is enclosed on a day."""
        return next(w.geometry for w in self.walls if stands(w, day))


class Moment:
    """The world on one day, with spatial indices."""

    def __init__(self, world: World, day: date, patches: tuple[Patch, ...], solids: tuple[Solid, ...]) -> None:
        self.world, self.day, self.patches, self.solids = world, day, patches, solids
        self._patches = STRtree([p.geometry for p in patches])
        self._solids = STRtree([s.footprint for s in solids])

    def patches_in(self, bounds: tuple[float, float, float, float]) -> list[tuple[int, Patch]]:
        """Return (number, patch) of the patches that touch a window, in painting order."""
        return [(int(i), self.patches[i]) for i in np.sort(self._patches.query(box(*bounds)))]

    def solids_in(self, bounds: tuple[float, float, float, float]) -> list[Solid]:
        """Return the solids whose footprint touches a window, in their order."""
        return [self.solids[i] for i in np.sort(self._solids.query(box(*bounds)))]

    def trees_in(self, bounds: tuple[float, float, float, float]) -> NDArray[np.float32]:
        """Return the trees in a window, relative to the world's centre."""
        t = self.world.trees
        x, y = self.world.centre
        left, bottom, right, top = bounds[0] - x, bounds[1] - y, bounds[2] - x, bounds[3] - y
        chosen: NDArray[np.float32] = t[(t[:, 0] > left) & (t[:, 0] < right) & (t[:, 1] > bottom) & (t[:, 1] < top)]
        return chosen
