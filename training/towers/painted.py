"""Towers, and what could be taken for them, painted into views as they are drawn: any roof, any shadow, any blur, without end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camwatch.detect._tower_frame import PIXEL_M
from training.towers.brush import Thing, block, cover, cover_with, crown, darken, facets, seen, shadow_of
from training.towers.scenes import TREES

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLEAR_M = 10.0
"""Distance that painted things keep from towers and from one another."""

RIM_PX = 8
"""Distance that their middles keep from the edge."""

WALLED, ON_LINE = 0.7, 0.75
"""Share of the views across which a wall is painted, and of the things there that stand by it."""

DECOYS = ("flat", "low", "astray", "pole", "large", "crown", "shadow")
"""What throws no shadow, one too short, one the wrong way; what is thin; what is a house; what is round and ragged; a shadow alone."""

DECOY_ODDS = (0.22, 0.22, 0.14, 0.09, 0.09, 0.14, 0.10)

COLOURS, COLOUR_ODDS = (0.1, 0.3, 0.8, 1.4), (0.35, 0.35, 0.2, 0.1)
"""Standard deviations of a roof's colours: concrete, tiles, and sheets of blue, red and green; with what odds each is drawn."""

LIKE_GROUND = 0.25
"""Share of the roofs about as bright as the ground beside them."""

PADDED = 0.2
"""Share of the towers that stand on cleared, trodden or paved ground."""


def painted(
    planes: NDArray[np.float32],
    ground: tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.bool_]],
    shadow: NDArray[np.float64],
    black: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Paint one to five things into the planes; return the (n, 5) towers among them, as views list them.

    A tower that differs neither from the ground nor by its shadow cannot be seen, and is listed as such.

    Parameters
    ----------
    planes : (3, v, u) float32
        Tone and two colours; changed in place.
    ground : ((n, 5) float32, (v, u) uint8, (v, u) bool)
        Towers that stand there already, in the pixels of `planes`; what hides the ground, to which painted crowns are added; where things may stand.
    shadow : (2,) float64
        (v, u) pixels that a shadow is long for each metre of height.
    black : float
        Tone of no light at all.
    rng : Generator
    """
    side, (standing, hidden, free) = planes.shape[1], ground
    taken = [(float(v), float(u)) for v, u, *_ in standing]
    towers = []
    line = _line(planes, shadow, black, rng) if rng.random() < WALLED else None
    for _ in range(int(rng.integers(1, 6))):
        v, u = rng.uniform(RIM_PX, side - RIM_PX, 2)
        if line is not None and rng.random() < ON_LINE:
            v, u = line[0] + rng.uniform(-side, side) * line[1] + rng.normal(0, 1.5 / PIXEL_M, 2)
            if not (RIM_PX < v < side - RIM_PX and RIM_PX < u < side - RIM_PX):
                continue
        if not free[int(v), int(u)] or any(np.hypot(v - a, u - b) * PIXEL_M < CLEAR_M for a, b in taken):
            continue
        taken.append((v, u))
        thing = _any_thing(v, u, rng)
        told, leaves = _paint(planes, thing, shadow, black, rng)
        hidden[leaves] |= TREES
        if thing.sort == "tower":
            towers.append((thing.v, thing.u, thing.long_m, thing.high_m, float(told)))
    return np.array(towers, np.float32).reshape(-1, 5)


def _line(
    planes: NDArray[np.float32], shadow: NDArray[np.float64], black: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Paint a wall with its shadow, on a cleared strip or not, straight across; return a point on it and its direction."""
    turn, middle = float(rng.uniform(0, np.pi)), rng.uniform(0.15, 0.85, 2) * planes.shape[1]
    for sort, odds, wide, high in (("flat", 0.7, rng.uniform(2, 14), 0.0), ("wall", 0.85, rng.uniform(0.3, 2.0), rng.uniform(1.2, 5.0))):
        if rng.random() < odds:
            _paint(planes, Thing(sort, float(middle[0]), float(middle[1]), 400.0, float(wide), float(high), turn), shadow, black, rng)
    return middle, np.array([np.cos(turn), np.sin(turn)])


def _any_thing(v: float, u: float, rng: np.random.Generator) -> Thing:
    sort = "tower" if rng.random() < 0.55 else str(rng.choice(DECOYS, p=DECOY_ODDS))
    long = float(rng.uniform(2.4, 8.2) if rng.random() < 0.4 else rng.uniform(2.5, 5.2))
    aspect, high = float(rng.uniform(0.72, 1.0)), float(rng.uniform(4.8, 13.0))
    if sort == "flat":
        high = 0.0
    elif sort == "low":
        high = float(rng.uniform(0.3, 2.6))
    elif sort == "pole":
        long, aspect = float(rng.uniform(0.3, 1.0)), 1.0
    elif sort == "crown":
        long, aspect = float(rng.uniform(2.0, 12.0)), 1.0
    elif sort == "large":
        long, aspect, high = float(rng.uniform(11, 30)), float(rng.uniform(0.3, 0.9)), float(rng.uniform(2.5, 9))
    return Thing(sort, v, u, long, long * aspect, high, float(rng.uniform(0, np.pi)))


def _paint(
    planes: NDArray[np.float32], thing: Thing, shadow: NDArray[np.float64], black: float, rng: np.random.Generator
) -> tuple[bool, NDArray[np.bool_]]:
    """Lay the shadow, the wall that a slanting view shows, and the roof; return whether it is seen, and where a crown was painted."""
    flat = not planes[1:].any()  # one band has no colours, and gets none
    side, before = planes.shape[1], planes.copy()
    at = np.arange(side, dtype=np.float32)[:, None] - np.float32(thing.v), np.arange(side, dtype=np.float32)[None] - np.float32(thing.u)
    soft, still = float(rng.uniform(0.8, 2.4)), np.zeros(2)
    lean = rng.normal(0, 0.25, 2) * thing.high_m / PIXEL_M if rng.random() < 0.65 else still
    level = float(planes[0, max(int(thing.v) - 8, 0) : int(thing.v) + 9, max(int(thing.u) - 8, 0) : int(thing.u) + 9].mean())
    if thing.sort == "tower" and rng.random() < PADDED:
        pad = cover(block(thing, float(rng.uniform(1.2, 3.0))), -lean, -lean, at, 2 * soft)
        cover_with(planes, pad * np.float32(rng.uniform(0.2, 0.9)), level + float(rng.normal(0, 0.5)), rng.normal(0, 0.1, 2))
    shade = np.zeros(planes.shape[1:], np.float32)
    # The roof is seen at (0, 0); its base lies a lean away, and the shadow starts from there.
    if thing.high_m > 0:
        shade = shadow_of(thing, at, lean, _tip(thing, shadow, rng), soft, rng)
        darken(planes, shade, (black, float(rng.uniform(0.05, 0.78)), level), rng)
    if thing.sort == "shadow":
        planes[1:] *= not flat
        return False, np.zeros(planes.shape[1:], bool)
    top = crown(at, thing, rng) if thing.sort == "crown" else cover(block(thing), still, still, at, soft)
    tone = _tone(planes, thing, black, level, rng)
    if lean.any() and thing.sort != "crown":  # a wall is seen, or only a cabin's; as bright as the roof or as dull as the ground
        like = tone if rng.random() < 0.5 else level
        wall = cover(block(thing), -lean * (1.0 if rng.random() < 0.6 else float(rng.uniform(0.2, 0.8))), still, at, soft)
        cover_with(planes, wall * float(rng.uniform(0.4, 1.0)), black + (like - black) * float(rng.uniform(0.4, 1.1)), rng.normal(0, 0.15, 2))
    colour = rng.normal(0, float(rng.choice(COLOURS, p=COLOUR_ODDS)), 2)
    cover_with(planes, top * float(rng.uniform(0.85, 1.0)), black + (tone - black) * facets(at, thing, rng), colour)
    if flat:
        planes[1:] = 0.0
    return seen(before, planes, top, shade), (top > 0.5) & (thing.sort == "crown")


def _tip(thing: Thing, shadow: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return where a shadow ends, in pixels from the base: on ground that rises or falls sooner or later, of what is astray elsewhere."""
    tip = thing.high_m * shadow
    if thing.sort == "tower":
        return np.asarray(tip * np.exp(rng.normal(0, 0.08)))
    if thing.sort == "astray":
        a = rng.uniform(np.pi / 4, 2 * np.pi - np.pi / 4)
        tip = np.array([np.cos(a) * tip[0] - np.sin(a) * tip[1], np.sin(a) * tip[0] + np.cos(a) * tip[1]])
    return np.asarray(tip)


def _tone(planes: NDArray[np.float32], thing: Thing, black: float, level: float, rng: np.random.Generator) -> float:
    """Return how bright a roof is: black to a white that saturates, often about like the ground; of a crown, hardly brighter than it."""
    if thing.sort == "crown":
        return black + (level - black) * float(rng.uniform(0.1, 1.2))
    if rng.random() < LIKE_GROUND:
        return level + float(rng.normal(0, 0.4))
    white = max(float(np.percentile(planes[0, ::4, ::4], 99.5)) * 1.1, level + float(rng.uniform(0.5, 5.0)))
    return black + (white - black) * float(rng.uniform(0.12, 1.0))
