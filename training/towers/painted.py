"""Towers, and what could be taken for them, painted into views as they are drawn: any roof, any shadow, any blur, without end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from camwatch.detect._tower_frame import PIXEL_M
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

DECOY_ODDS = (0.22, 0.22, 0.14, 0.10, 0.10, 0.16, 0.06)


@dataclass(frozen=True, slots=True)
class _Thing:
    """What is painted: place in pixels, sides and height in metres, turn in radians."""

    sort: str
    v: float
    u: float
    long_m: float
    wide_m: float
    high_m: float
    turn: float


def painted(
    planes: NDArray[np.float32],
    ground: tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.bool_]],
    shadow: NDArray[np.float64],
    black: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Paint one to five things into the planes; return the (n, 5) towers among them, as views list them.

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
        crown = _paint(planes, thing, shadow, black, rng)
        hidden[crown] |= TREES
        if thing.sort == "tower":
            towers.append((thing.v, thing.u, thing.long_m, thing.high_m, 1.0))
    return np.array(towers, np.float32).reshape(-1, 5)


def _line(
    planes: NDArray[np.float32], shadow: NDArray[np.float64], black: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Paint a wall with its shadow, on a cleared strip or not, straight across; return a point on it and its direction."""
    turn, middle = float(rng.uniform(0, np.pi)), rng.uniform(0.15, 0.85, 2) * planes.shape[1]
    for sort, odds, wide, high in (("flat", 0.7, rng.uniform(2, 14), 0.0), ("wall", 0.85, rng.uniform(0.3, 2.0), rng.uniform(1.2, 5.0))):
        if rng.random() < odds:
            _paint(planes, _Thing(sort, float(middle[0]), float(middle[1]), 400.0, float(wide), float(high), turn), shadow, black, rng)
    return middle, np.array([np.cos(turn), np.sin(turn)])


def _any_thing(v: float, u: float, rng: np.random.Generator) -> _Thing:
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
    return _Thing(sort, v, u, long, long * aspect, high, float(rng.uniform(0, np.pi)))


def _paint(planes: NDArray[np.float32], thing: _Thing, shadow: NDArray[np.float64], black: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Lay the shadow, the wall that a slanting view shows, and the roof; return where a crown was painted."""
    flat = not planes[1:].any()  # one band has no colours, and gets none
    side = planes.shape[1]
    v, u = (np.arange(side, dtype=np.float32)[:, None] - thing.v, np.arange(side, dtype=np.float32)[None] - thing.u)
    block = _block(thing)
    soft = float(rng.uniform(0.8, 2.2))
    lean = rng.normal(0, 0.25, 2) * thing.high_m / PIXEL_M if rng.random() < 0.65 else np.zeros(2)
    tip = thing.high_m * shadow
    if thing.sort == "astray":
        a = rng.uniform(np.pi / 4, 2 * np.pi - np.pi / 4)
        tip = np.array([np.cos(a) * tip[0] - np.sin(a) * tip[1], np.sin(a) * tip[0] + np.cos(a) * tip[1]])
    start = tip * (float(rng.uniform(0, 0.7)) if rng.random() < 0.6 and thing.sort not in {"large", "wall"} else 0.0)
    level = float(planes[0, max(int(thing.v) - 8, 0) : int(thing.v) + 9, max(int(thing.u) - 8, 0) : int(thing.u) + 9].mean())
    keep = float(rng.uniform(0.05, 0.74))
    # The roof is seen at (0, 0); its base lies a lean away, and the shadow starts from there.
    if thing.high_m > 0:
        strength = float(rng.uniform(0.75, 1.0))
        shade = _cover(block, start - lean, tip - lean, (v, u), soft) * strength
        if start.any() and rng.random() < 0.5:  # legs below
            legs = _cover(block, -lean, start - lean, (v, u), soft) * float(rng.uniform(0.1, 0.6))
            shade = np.maximum(shade, legs)
        _darken(planes, shade, black, keep, level, rng)
    if thing.sort == "shadow":
        planes[1:] *= not flat
        return np.zeros(planes.shape[1:], bool)
    top = _crown(v, u, thing, rng) if thing.sort == "crown" else _cover(block, np.zeros(2), np.zeros(2), (v, u), soft)
    white = max(float(np.percentile(planes[0, ::4, ::4], 99.5)) * 1.1, level + float(rng.uniform(0.5, 5.0)))
    if thing.sort == "crown":
        tone = black + (level - black) * float(rng.uniform(0.1, 1.2))
    else:
        tone = black + (white - black) * float(rng.uniform(0.12, 1.0))
    colour = rng.normal(0, 0.8 if rng.random() < 0.15 else 0.2, 2)
    roof = black + (tone - black) * _facets(v, u, thing, rng)
    if lean.any() and thing.sort != "crown":  # a wall is seen, as bright as the roof or as dull as the ground
        like = tone if rng.random() < 0.5 else level
        wall = _cover(block, -lean, np.zeros(2), (v, u), soft)
        _cover_with(planes, wall * float(rng.uniform(0.6, 1.0)), black + (like - black) * float(rng.uniform(0.4, 1.1)), rng.normal(0, 0.15, 2))
    _cover_with(planes, top * float(rng.uniform(0.85, 1.0)), roof, colour)
    if flat:
        planes[1:] = 0.0
    return (top > 0.5) & (thing.sort == "crown")


def _block(thing: _Thing) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the outward normals (v, u) of the four sides of a block, and their distances from its middle in pixels."""
    c, s = np.cos(thing.turn), np.sin(thing.turn)
    normals = np.array([(c, s), (-c, -s), (-s, c), (s, -c)])
    return normals, np.array([thing.long_m, thing.long_m, thing.wide_m, thing.wide_m]) / 2 / PIXEL_M


def _cover(
    block: tuple[NDArray[np.float64], NDArray[np.float64]],
    first: NDArray[np.float64],
    last: NDArray[np.float64],
    at: tuple[NDArray[np.float32], NDArray[np.float32]],
    soft: float,
) -> NDArray[np.float32]:
    """Return how much of each pixel a block covers that slides from `first` to `last`: an intersection of half planes, blurred over `soft` pixels."""
    normals, reach = block
    planes = [(n, r + max(float(n @ first), float(n @ last))) for n, r in zip(normals, reach, strict=True)]
    slide = last - first
    if slide.any():
        aside = np.array([-slide[1], slide[0]]) / np.hypot(*slide)
        wide = float(np.abs(normals[0] @ aside) * reach[0] + np.abs(normals[2] @ aside) * reach[2])
        planes += [(aside, wide + float(aside @ first)), (-aside, wide - float(aside @ first))]
    away = np.full((at[0].shape[0], at[1].shape[1]), -np.inf, np.float32)
    for normal, limit in planes:
        np.maximum(away, np.float32(normal[0]) * at[0] + np.float32(normal[1]) * at[1] - np.float32(limit), out=away)
    return np.asarray(np.clip(0.5 - away / np.float32(soft), 0, 1), np.float32)


def _darken(  # noqa: PLR0917 all plain
    planes: NDArray[np.float32], shade: NDArray[np.float32], black: float, keep: float, level: float, rng: np.random.Generator
) -> None:
    """Lay a shadow: what it covers keeps a share of its light, and no more than the ground around would keep."""
    under = black + keep * (0.6 * planes[0] + 0.4 * level - black)
    planes[0] += shade * np.minimum(under - planes[0], 0)
    planes[1] *= 1 - shade * (1 - keep)
    planes[2] *= 1 - shade * (1 - keep)
    planes[2] += shade * np.float32(rng.uniform(0.0, 0.15))


def _cover_with(planes: NDArray[np.float32], cover: NDArray[np.float32], tone: NDArray[np.float32] | float, colour: NDArray[np.float64]) -> None:
    planes[0] += cover * (tone - planes[0])
    planes[1:] += cover * (colour.astype(np.float32)[:, None, None] - planes[1:])


def _facets(v: NDArray[np.float32], u: NDArray[np.float32], thing: _Thing, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return what the parts of a roof reflect against its mean: one, two halves, or four slopes of which the one towards the sun is brightest."""
    a = rng.uniform(0, 2 * np.pi)
    out = np.ones((v.shape[0], u.shape[1]), np.float32)
    kind = rng.random()
    if thing.sort == "crown":
        shaded = np.tanh(u / (thing.long_m / 2 / PIXEL_M)) * rng.uniform(0.1, 0.5)
        return np.asarray(1 - shaded + 0.15 * rng.standard_normal(out.shape), np.float32)
    if kind < 0.35:
        half = v * np.float32(np.cos(a)) + u * np.float32(np.sin(a)) > rng.normal(0, 1)
        out[half] = np.exp(rng.normal(0, 0.3))
    elif kind < 0.65:
        c, s = np.cos(thing.turn), np.sin(thing.turn)
        along, across = v * np.float32(c) + u * np.float32(s), -v * np.float32(s) + u * np.float32(c)
        slope = rng.uniform(0.1, 0.5)
        first = np.abs(along) > np.abs(across)
        out += np.where(first, -np.sign(along) * s, -np.sign(across) * c).astype(np.float32) * np.float32(slope)
    return np.asarray(out + np.float32(0.04) * rng.standard_normal(out.shape, dtype=np.float32), np.float32)


def _crown(v: NDArray[np.float32], u: NDArray[np.float32], thing: _Thing, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the cover of a round crown with a ragged edge."""
    angle = np.arctan2(v, u + np.zeros_like(v))
    edge = sum(rng.normal(0, 0.12) * np.cos(k * angle + rng.uniform(0, 6)) for k in (2, 3, 5, 7))
    away = np.hypot(v, u) - thing.long_m / 2 / PIXEL_M * (1 + edge)
    return np.asarray(np.clip(0.5 - away / np.float32(rng.uniform(1.0, 3.0)), 0, 1), np.float32)
