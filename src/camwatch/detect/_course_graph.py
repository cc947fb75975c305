"""The cheapest closed path around a place, on a lattice of any shape: where the enclosing line runs, before it is looked at closely.

A step between two places costs its length where nothing looks like a line along it, and a small part of that where all does. Where places side by
side lie beside parts of the outline that are far apart along it (across the mouth of a bay, inside a sharp corner), the step from one to the other
costs what the outline between them would cost unseen, so that no path is short because it leaves out a part. Closed paths are told from others by
what they go around: the graph is laid out twice, a step over a cut from the middle outward changes from the first copy to the second, and the
cheapest closed path through a place is the cheapest way from that place to itself in the other copy (Dijkstra, doi:10.1007/BF01386390).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from camwatch.detect._course_profile import MOVES
from camwatch.detect._course_ring import resample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.detect._course_lattice import Lattice

FLOOR = 0.01
"""Cost of a metre of line that is seen beyond doubt, in metres that are not seen."""
FAINT = 0.05
"""Likeness that differs little from none: the cost of a metre falls with the logarithm of what is seen beyond it."""
PULL = 0.3
"""Cost of a metre at the edge of the band, in metres that are not seen: the outline is the likelier the nearer."""
LEAP = 3.0
"""Lattice steps of the outline that a step may pass over at no cost; the rest costs as much as if it were walked unseen."""


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """A closed path: the places (numbers in the lattice) in counter-clockwise order, and how much each looks like a line along the path."""

    node: NDArray[np.intp]
    support: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    start: NDArray[np.intp]
    stop: NDArray[np.intp]
    cost: NDArray[np.float64]


def closed_path(lattice: Lattice, middle: tuple[float, float], ring: NDArray[np.float64], half_m: float = np.inf) -> Loop | None:
    """Return the cheapest closed path once around `middle`; None where the lattice has a gap all across.

    Parameters
    ----------
    lattice : Lattice
    middle : (x, y)
        A place inside that no step passes.
    ring : (k, 2)
        The outline beside which the path runs; the cut is laid where a ray from the middle crosses it as seldom as possible.
    half_m : float
        How far from it the path is expected at most.
    """
    if len(lattice.row) < 8:
        return None
    steps = _steps(lattice, ring, half_m)
    ray = _ray(middle, ring)
    over = _over(lattice.point, steps, middle, ray)
    anchor = _anchor(lattice, steps, over)
    if anchor is None:
        return None
    count = len(lattice.row)
    # Each step in the first copy, in the second, and over the cut between them.
    stays, out, back = over == 0, over > 0, over < 0
    start = np.r_[steps.start[stays], steps.start[stays] + count, steps.start[out], steps.start[back] + count]
    stop = np.r_[steps.stop[stays], steps.stop[stays] + count, steps.stop[out] + count, steps.stop[back]]
    cost = np.r_[steps.cost[stays], steps.cost[stays], steps.cost[out], steps.cost[back]]
    graph = csr_array((cost, (start, stop)), shape=(2 * count, 2 * count))
    total, came = dijkstra(graph, indices=anchor, return_predecessors=True)
    if not np.isfinite(total[anchor + count]):
        return None
    path = _back(came, anchor + count, anchor) % count
    return Loop(path[:-1], support_of(lattice, path[:-1]))


def _steps(lattice: Lattice, ring: NDArray[np.float64], half_m: float) -> _Steps:
    along, away, around = _beside(lattice, ring)
    pull = PULL * np.minimum(away / half_m, 1.0) ** 2
    width = int(lattice.col.max() - lattice.col.min()) + 5
    key = (lattice.row - lattice.row.min() + 2) * width + lattice.col - lattice.col.min() + 2
    price = -np.log((either(lattice.like) + FAINT) / (1 + FAINT)) / np.log((1 + FAINT) / FAINT)
    starts, stops, costs = [], [], []
    for direction, (row, col) in enumerate(MOVES):
        wanted = key + row * width + col
        place = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
        start = np.flatnonzero(key[place] == wanted)
        stop = place[start]
        # A line is seen at both ends of a step.
        metre = FLOOR + np.maximum(price[start, direction], price[stop, direction]) + np.maximum(pull[start], pull[stop])
        leap = np.abs(along[start] - along[stop])
        leap = np.minimum(leap, around - leap)
        cost = lattice.step_m * np.hypot(row, col) * metre + np.maximum(leap - LEAP * lattice.step_m, 0.0)
        starts += [start, stop]
        stops += [stop, start]
        costs += [cost, cost]
    return _Steps(np.concatenate(starts), np.concatenate(stops), np.concatenate(costs))


def _beside(lattice: Lattice, ring: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return of the place of an outline that is nearest to each of a lattice: metres along it and away from it; and its length."""
    outline = resample(ring, 0.5 * lattice.step_m)
    gap = float(np.hypot(*(outline[1] - outline[0])))
    away, place = cKDTree(outline).query(lattice.point)
    return place * gap, away, gap * len(outline)


def either(like: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the likeness in each direction with that of a line between two of them, which is seen in both."""
    near = np.maximum(np.roll(like, 1, axis=1), np.roll(like, -1, axis=1))
    return np.maximum(like, np.float32(0.85) * near)


def _ray(middle: tuple[float, float], ring: NDArray[np.float64]) -> float:
    """Return the direction in which a ray from the middle crosses the ring least often; of those, where it does so nearest to a right angle."""
    angle = np.arange(64) * (2 * np.pi / 64) + 0.01
    # Along a ray and to its left, of the ends of each piece of the ring.
    unit = np.stack([np.stack([np.cos(angle), np.sin(angle)]), np.stack([-np.sin(angle), np.cos(angle)])])
    here = (ring - middle) @ unit
    there = np.roll(here, -1, axis=1)
    left = here[1] >= 0
    piece, ray = np.nonzero(left != np.roll(left, -1, axis=0))
    (ahead, aside), (ahead_there, aside_there) = here[:, piece, ray], there[:, piece, ray]
    crossed = ahead + aside / (aside - aside_there) * (ahead_there - ahead) > 0
    slant = np.abs(ahead_there - ahead) / np.maximum(np.hypot(ahead_there - ahead, aside_there - aside), 1e-9)
    count, worst = np.zeros(len(angle)), np.zeros(len(angle))
    np.add.at(count, ray[crossed], 1)
    np.maximum.at(worst, ray[crossed], slant[crossed])
    return float(angle[np.argmin(count + worst)])


def _over(point: NDArray[np.float64], steps: _Steps, middle: tuple[float, float], ray: float) -> NDArray[np.int8]:
    """Return 1 for steps over the ray counter-clockwise, -1 clockwise, else 0."""
    unit = np.array([np.cos(ray), np.sin(ray)])
    away = point - middle
    side = unit[0] * away[:, 1] - unit[1] * away[:, 0] >= 0
    ahead = away @ unit
    crossing = (side[steps.start] != side[steps.stop]) & (ahead[steps.start] + ahead[steps.stop] > 0)
    return np.where(crossing, np.where(side[steps.stop], 1, -1), 0).astype(np.int8)


def _anchor(lattice: Lattice, steps: _Steps, over: NDArray[np.int8]) -> int | None:
    """Return a place on the cheapest path from one side of the cut around to the other, far from the cut: it is on the cheapest closed path too."""
    count = len(lattice.row)
    stays = over == 0
    graph = csr_array((steps.cost[stays], (steps.start[stays], steps.stop[stays])), shape=(count, count))
    first, last = np.unique(steps.stop[over > 0]), np.unique(steps.start[over > 0])
    if not len(first):
        return None
    total, came, _ = dijkstra(graph, indices=first, return_predecessors=True, min_only=True)
    goal = last[np.argmin(total[last])]
    if not np.isfinite(total[goal]):
        return None
    path = _back(came, int(goal), None)
    inner = path[len(path) // 4 : max(3 * len(path) // 4, len(path) // 4 + 1)]
    return int(inner[np.argmax(lattice.like[inner].max(axis=1))])


def _back(came: NDArray[np.int32], goal: int, start: int | None) -> NDArray[np.intp]:
    path = [goal]
    while path[-1] != start and came[path[-1]] >= 0:
        path.append(int(came[path[-1]]))
    return np.array(path[::-1], np.intp)


def support_of(lattice: Lattice, node: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the likeness (k,) of each place of a closed path (numbers in the lattice) along the step that leaves it."""
    path = np.r_[node, node[0]]
    row, col = np.diff(lattice.row[path]), np.diff(lattice.col[path])
    table = {move: number for number, move in enumerate(MOVES)} | {(-r, -c): number for number, (r, c) in enumerate(MOVES)}
    direction = np.array([table[int(r), int(c)] for r, c in zip(row, col, strict=True)], np.intp)
    best = either(lattice.like)
    return np.asarray(0.5 * (best[path[:-1], direction] + best[path[1:], direction]), np.float64)
