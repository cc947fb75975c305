"""Outlines to which a line may have been enlarged: what a region under pressure fills where the old line faded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree
from shapely import contains_xy
from shapely.geometry import Polygon

from camwatch.detect._course_gain import gathered, on_grid
from camwatch.detect._course_graph import either
from camwatch.detect._course_region import Net, outline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from camwatch.detect._course_gain import Gain
    from camwatch.detect._course_lattice import Lattice
    from camwatch.detect._course_region import Mask

PRESSURES = (0.05, 0.1, 0.14, 0.2, 0.28, 0.4)
"""In metres of unseen outline per square metre, times the mean radius of the old outline."""
PRESS = (-0.15, 0.15)
"""The same, to press an outline in and out."""
PRESSED_M = 120.0
"""How far it may give way."""
CONTRASTS = (0.99, 0.997)
"""Share of the ground on which less is seen than counts as a line beyond doubt."""
WELL = 0.6
"""A stretch of the old line counts as kept where so much of what was seen of it, and OWN, is left along KEPT_M."""
INSIDE_M, BESIDE_M, BEYOND_M = 25.0, 18.0, 55.0
"""All farther inside the old line belongs to the region; beside a kept stretch of it nothing between the other two does."""
LEAST, MOST = 0.06, 2.2
"""Growth below which a region is the old one, and above which it has burst."""


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """What regions are cut from: at each place of a coarse grid how well a line is seen (one plane set per contrast), and what lies where.

    Attributes
    ----------
    seen : tuple of (8, rows, cols) float32
    axes : (3, 2) float64
    points : (rows · cols, 2) float64
    inner, outer, edge : (rows, cols) bool
        What must belong to the region, what must not, and the rim of what was looked at.
    radius_m, area_m2 : float
        Of the old outline.
    """

    seen: tuple[NDArray[np.float32], ...]
    axes: NDArray[np.float64]
    points: NDArray[np.float64]
    inner: Mask
    outer: Mask
    edge: Mask
    radius_m: float
    area_m2: float

    @property
    def step_m(self) -> float:
        """Metres between neighbours."""
        return float(np.hypot(*self.axes[0]))

    def regions(self) -> Iterator[Polygon]:
        """Yield the outlines of what is filled under growing pressure, those that differ."""
        for seen in self.seen:
            net, last = Net.of(seen, self.inner, self.outer, self.step_m), 0.0
            for pressure in PRESSURES:
                region = net.region(pressure / self.radius_m)
                growth = float(region.sum()) * self.step_m**2 / self.area_m2 - 1
                if growth > MOST:
                    break
                if growth >= LEAST and abs(growth - last) >= 0.01:
                    last = growth
                    yield outline(region, self.axes)

    def pressed(self, ring: NDArray[np.float64]) -> Iterator[Polygon]:
        """Yield the outlines that a ring (k, 2) takes when it is pressed in and out."""
        away = cKDTree(ring).query(self.points)[0].reshape(self.edge.shape) > PRESSED_M
        within = contains_xy(Polygon(ring), *self.points.T).reshape(self.edge.shape)
        inner = within & away & ~self.edge
        if not inner.any():
            return
        for seen in self.seen:
            net = Net.of(seen, inner, (~within & away) | self.edge, self.step_m)
            for pressure in PRESS:
                yield outline(net.region(pressure / self.radius_m), self.axes)


def field_of(gain: Gain, after: Lattice, ring: NDArray[np.float64], kept: NDArray[np.bool_], reach_m: float) -> Field:
    """Lay out what regions are cut from.

    Parameters
    ----------
    gain : Gain
    after : Lattice
        What was looked at of the later date, on the same grid.
    ring : (k, 2)
        The line of the earlier date.
    kept : (k,) bool
        Where it is still seen at the later one.
    reach_m : float
        How far outside it the later line is sought.
    """
    axes = np.vstack([2 * gain.axes[:2], gain.axes[2] + 0.5 * (gain.axes[0] + gain.axes[1])])
    known = _best_of_four(gain.known[None].astype(np.float32))[0] > 0
    row, col = (each.ravel() for each in np.indices(known.shape))
    points = np.column_stack([col, row, np.ones(len(row))]) @ axes
    away, nearest = (each.reshape(known.shape) for each in cKDTree(ring).query(points))
    old = Polygon(ring).buffer(0)
    within = contains_xy(old, *points.T).reshape(known.shape)
    still = kept[nearest]
    edge = ~known
    edge[[0, -1]], edge[:, [0, -1]] = True, True
    inner = within & (away > INSIDE_M) & ~edge
    outer = (~within & (away > reach_m)) | edge | (~within & (away > BESIDE_M) & (away < BEYOND_M) & still)
    # Of what both dates show no gain is seen: along the old line what is seen at the later date counts itself.
    standing = np.clip((_best_of_four(gathered(on_grid(after, either(after.like)), 5, 0.2)) - 0.2) / 0.4, 0, 1)
    standing = np.where(still & (away < BESIDE_M), np.maximum(standing, 0.9), 0.0)
    best = gain.planes.max(axis=0)[gain.known]
    low = float(np.median(best))
    seen = tuple(
        np.maximum(np.clip((_best_of_four(gain.planes) - low) / (float(np.quantile(best, share)) - low), 0, 1), standing).astype(np.float32)
        for share in CONTRASTS
    )
    return Field(seen, axes, points, inner, outer, edge, float(np.sqrt(old.area / np.pi)), float(old.area))


def _best_of_four(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return planes (n, rows, cols) of half the size, the most of each four places."""
    rows, cols = (size // 2 * 2 for size in planes.shape[1:])
    four = planes[:, :rows, :cols].reshape(len(planes), rows // 2, 2, cols // 2, 2)
    return np.asarray(four.max(axis=(2, 4)), np.float32)
