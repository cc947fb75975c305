"""Regions whose outline runs along what is seen: a minimum cut under pressure.

Each metre of outline costs up to 1, a small part of that where a line is seen; each square metre enclosed pays a pressure (negative: costs). The
cheapest region is the minimum cut of a graph (Boykov and Kolmogorov, doi:10.1109/TPAMI.2004.60; weights of the edges so that cuts measure length,
doi:10.1109/ICCV.2003.1238310). A path takes a short way between two walls where the long one is not seen throughout; a region under pressure is
pushed out to where walls hold it and bridges their gaps. Regions under more pressure contain those under less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import binary_fill_holes, label
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow
from shapely.geometry import Polygon
from shapely.geometry.polygon import orient
from skimage.measure import find_contours

from camwatch.detect._course_profile import MOVES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

EDGES = ((0, 1), (-1, 1), (-1, 0), (-1, -1))
"""Neighbours between which a cut is priced, as (rows, cols)."""
LEAST = 0.02
"""Cost of a metre along a line that is seen beyond doubt."""
UNITS = 200.0
"""Costs are counted in whole numbers, so many to a metre."""


@dataclass(frozen=True, slots=True, eq=False)
class Net:
    """Edges between the places of a grid that may belong to the region or not; all that must is the last but one, all that must not the last."""

    inner: Mask
    free: Mask
    start: NDArray[np.intp]
    stop: NDArray[np.intp]
    cost: NDArray[np.int32]
    cell_m2: float

    @classmethod
    def of(cls, seen: NDArray[np.float32], inner: Mask, outer: Mask, step_m: float) -> Net:
        """Lay out the graph; `seen` (8, rows, cols) 0..1 is how well a line is seen in each of MOVES, inner must belong and outer must not."""
        free = ~inner & ~outer
        count = int(free.sum())
        number = np.where(inner, count, count + 1)
        number[free] = np.arange(count)
        starts, stops, costs = [], [], []
        for row, col in EDGES:
            line = _crossed(seen, row, col)
            rows, cols = (
                (slice(max(-by, 0), n - max(by, 0)), slice(max(by, 0), n - max(-by, 0))) for by, n in zip((row, col), free.shape, strict=True)
            )
            near = np.maximum(line[rows[0], cols[0]], line[rows[1], cols[1]])
            if row and col:  # a line between the two passes through the places at their side
                near = np.maximum(near, np.maximum(line[rows[0], cols[1]], line[rows[1], cols[0]]))
            cost = step_m * np.pi / 8 / np.hypot(row, col) * np.maximum(1 - near, LEAST)
            start, stop = number[rows[0], cols[0]].ravel(), number[rows[1], cols[1]].ravel()
            kept = (start != stop) & ((start < count) | (stop < count))
            starts += [start[kept]]
            stops += [stop[kept]]
            costs += [np.maximum(np.round(UNITS * cost.ravel()[kept]), 1)]
        return cls(inner, free, np.concatenate(starts), np.concatenate(stops), np.concatenate(costs).astype(np.int32), step_m**2)

    def region(self, pressure: float) -> Mask:
        """Return the cheapest region (rows, cols) under a pressure, in metres of unseen outline per square metre."""
        count = int(self.free.sum())
        every = np.arange(count)
        ends = (np.full(count, count), every) if pressure >= 0 else (every, np.full(count, count + 1))
        start = np.concatenate([self.start, self.stop, ends[0]])
        stop = np.concatenate([self.stop, self.start, ends[1]])
        cost = np.concatenate([self.cost, self.cost, np.full(count, round(UNITS * abs(pressure) * self.cell_m2), np.int32)])
        kept = (start != count + 1) & (stop != count)
        graph = csr_array((cost[kept], (start[kept], stop[kept])), shape=(count + 2, count + 2), dtype=np.int32)
        graph.sum_duplicates()
        left = csr_array(graph - maximum_flow(graph, count, count + 1).flow)
        left.data = np.maximum(left.data, 0)
        left.eliminate_zeros()
        reached = np.zeros(count + 2, bool)
        reached[breadth_first_order(left, count, return_predecessors=False)] = True
        out = self.inner.copy()
        out[self.free] = reached[:count]
        return out


def _crossed(seen: NDArray[np.float32], row: int, col: int) -> NDArray[np.float32]:
    """Return how well a line is seen that an edge would cross at 30° or more."""
    way = np.array([np.arctan2(-move[0], move[1]) for move in MOVES])
    return np.asarray(seen[np.abs(np.sin(way - np.arctan2(-row, col))) > 0.5].max(axis=0), np.float32)


def outline(region: Mask, axes: NDArray[np.float64]) -> Polygon:
    """Return the outline of the largest part of a region without its holes, counter-clockwise; `axes` (3, 2) takes (col, row, 1) to the map."""
    names, _ = label(binary_fill_holes(region))
    largest = names == 1 + int(np.argmax(np.bincount(names.ravel())[1:]))
    course = max(find_contours(np.pad(largest, 1).astype(np.float64), 0.5), key=len) - 1  # type: ignore[no-untyped-call]
    whole = Polygon(np.column_stack([course[:, ::-1], np.ones(len(course))]) @ axes).buffer(0)
    polygon: Polygon = max(getattr(whole, "geoms", [whole]), key=lambda part: part.area)
    smooth = Polygon(polygon.exterior).simplify(0.6 * float(np.hypot(*axes[0])))
    assert isinstance(smooth, Polygon)
    return orient(smooth)
