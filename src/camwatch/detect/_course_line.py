"""The line that a rough path follows: set on what is seen beside it, straight between its corners, bridged where nothing is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree

from camwatch.detect._course_ring import resample, right_of, runs, smooth, straighten

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.detect._course_ground import Ground

CORNER_M = 12.0
"""Within this distance of a corner the line is taken from the stretches beside it."""
CUT, LONGEST_CUT_M, COURSE_M = 0.5, 90.0, 25.0
"""Likeness below which a stretch may have cut off a corner, how long it may be, and the length of the courses that are led on."""
STIFFNESS = 3.0
"""Price of turning in the final line, in metres per metre of a cell."""


def settled(ground: Ground, ring: NDArray[np.float64], step: float) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_], float]:
    """Return the ring of points `step` metres apart on the line that a rough ring follows.

    Returns
    -------
    (k, 2) float64
    (k,) float64
        How much it looks like a line at each point.
    (k,) bool
        Where it is observed.
    float
        Scatter of what is seen about the ring, in metres.
    """
    ring = smooth(resample(ring, step), 4.0)
    for turn in range(3):
        ring, like, seen, scatter = closer(ground, resample(ring, step))
        if turn == 1:
            ring = _with_corners(ground, ring, like)
    return ring, like, seen, scatter


def closer(ground: Ground, ring: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_], float]:
    """Return a ring set on the line beside it and straightened; what it looked like where it was, where that is observed, the scatter in metres."""
    heading, right = headings(ring)
    chance, aside, seen = ground.along(ring, heading)
    there = ring + aside[:, None] * right
    # Profiles across a corner mix its two sides; the straight stretches beside it tell better where it is.
    weight = chance.astype(np.float64) ** 2 * np.where(_bends(ring, CORNER_M) > 0.5, 0.03, 1.0)
    straight = straighten(there, weight + 0.01, STIFFNESS * max(1.0, ground.cell_m))
    away = ((there - straight) * right).sum(axis=1)[chance > 0.5]
    scatter = float(1.4826 * np.median(np.abs(away))) if away.size else 2.0 * ground.cell_m
    return straight, chance.astype(np.float64), seen, scatter


def headings(ring: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return at each point of a closed ring of equal steps its heading, in radians counter-clockwise from east, and the unit vector to its right."""
    tangent = smooth(np.roll(ring, -1, axis=0) - np.roll(ring, 1, axis=0), 1.0)
    return np.arctan2(tangent[:, 1], tangent[:, 0]), right_of(tangent)


def _bends(ring: NDArray[np.float64], reach_m: float) -> NDArray[np.float64]:
    """Return by how much a closed ring of equal steps turns within `reach_m` either side of each point, in radians, 0 to π."""
    lag = max(round(reach_m / float(np.hypot(*(ring[1] - ring[0])))), 1)
    ahead, behind = np.roll(ring, -lag, axis=0) - ring, ring - np.roll(ring, lag, axis=0)
    turn = np.arctan2(ahead[:, 1] * behind[:, 0] - ahead[:, 0] * behind[:, 1], (ahead * behind).sum(axis=1))
    return np.asarray(np.abs(turn), np.float64)


def _with_corners(ground: Ground, ring: NDArray[np.float64], like: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ring with the corners that its path cut off.

    Where the line turns by 30° or more over a short stretch along which none is seen, the courses on both sides are led on until they meet, and
    stay so if more of a line is seen along them.
    """
    step = float(np.hypot(*(ring[1] - ring[0])))
    reach = max(round(COURSE_M / step), 4)
    moved = ring.copy()
    for run in runs(gaussian_filter1d(like, 1.5, mode="wrap") < CUT):
        if not 2 <= len(run) <= LONGEST_CUT_M / step:
            continue
        before = ring[(run[0] - 1 - np.arange(reach)[::-1]) % len(ring)]
        after = ring[(run[-1] + 1 + np.arange(reach)) % len(ring)]
        into, out = _straight(before), _straight(after)
        turn = abs(float(np.arctan2(into[0] * out[1] - into[1] * out[0], into @ out)))
        if not 0.5 < turn < 2.4:  # beyond, the two sides would meet far away
            continue
        ahead, back = np.linalg.solve(np.column_stack([into, out]), after[0] - before[-1])
        # Two equal sides that meet at this turn would be half as long.
        if min(ahead, back) <= 0 or max(ahead, back) > np.hypot(*(after[0] - before[-1])) / np.cos(turn / 2):
            continue
        corner = before[-1] + ahead * into
        share = np.linspace(0, 1, len(run) + 2)[1:-1, None]
        bend = ahead / (ahead + back)
        legs = np.where(share < bend, before[-1] + (corner - before[-1]) * share / bend, corner + (after[0] - corner) * (share - bend) / (1 - bend))
        course = np.where(share[:, 0] < bend, np.arctan2(into[1], into[0]), np.arctan2(out[1], out[0]))
        if ground.along(legs, course)[0].mean() >= like[run].mean():
            moved[run] = legs
    return moved


def _straight(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the direction of the straight line through some points (k, 2), from first to last."""
    _, _, axes = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    return np.asarray(axes[0] * np.sign(axes[0] @ (points[-1] - points[0])), np.float64)


def bridged(ring: NDArray[np.float64], own: NDArray[np.bool_], prior: NDArray[np.float64], half_m: float) -> NDArray[np.float64]:
    """Return the ring with its bridged stretches laid beside the prior: as far from it as the line is at either end, and with its corners.

    `prior` (k, 2) is its ring, `half_m` how far from it the line may be. Where that is no short way from end to end, because the prior is far off or
    the line runs elsewhere, the stretch is left straight.
    """
    step = float(np.hypot(*(ring[1] - ring[0])))
    prior = resample(prior, step)
    tree = cKDTree(prior)
    moved = ring.copy()
    for run in runs(~own):
        first, last = (run[0] - 1) % len(ring), (run[-1] + 1) % len(ring)
        ends = ring[[first, last]]
        away, place = tree.query(ends)
        if len(run) < 4 or len(run) > 0.5 * len(ring) or away.max() > half_m:
            continue
        count = (int(place[1]) - int(place[0])) % len(prior)
        if not 0.7 * len(run) - 4 <= count <= 1.4 * len(run) + 4 or count < 2:
            continue
        part = prior[(place[0] + np.linspace(0, count, len(run) + 2)[1:-1].round().astype(int)) % len(prior)]
        share = np.linspace(0, 1, len(run) + 2)[1:-1, None]
        moved[run] = part + (1 - share) * (ends[0] - prior[place[0]]) + share * (ends[1] - prior[place[1]])
    return moved


def turning(ring: NDArray[np.float64], stretch_m: float) -> NDArray[np.float64]:
    """Return by how much a closed ring turns in each stretch, in radians."""
    coarse = resample(ring, stretch_m)
    heading = np.roll(coarse, -1, axis=0) - coarse
    ahead = np.roll(heading, -1, axis=0)
    return np.asarray(np.arctan2(heading[:, 0] * ahead[:, 1] - heading[:, 1] * ahead[:, 0], (heading * ahead).sum(axis=1)), np.float64)
