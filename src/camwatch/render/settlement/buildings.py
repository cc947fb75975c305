"""Buildings of rectangular parts with roofs, and how they are drawn on a canvas."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from camwatch.render.settlement.canvas import BUILDING, MATERIALS, frame
from camwatch.render.settlement.roofing import Roofs, covered, fitted, harmed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.render.settlement.canvas import Canvas

    Plane = NDArray[np.float32]

Roof = Literal["flat", "gable", "hip", "shed", "saw", "vault"]
Sort = Literal["house", "barrack", "hall", "hut", "tower", "block", "shed", "villa"]

TINTS = {
    "shingle": (
        *((0.33, 0.31, 0.30), (0.25, 0.25, 0.26), (0.42, 0.38, 0.34), (0.38, 0.33, 0.28), (0.48, 0.44, 0.40)),
        *((0.30, 0.27, 0.25), (0.22, 0.21, 0.20), (0.36, 0.36, 0.37), (0.55, 0.53, 0.50)),
        *((0.40, 0.31, 0.24), (0.32, 0.26, 0.20), (0.46, 0.37, 0.29), (0.28, 0.24, 0.20)),
    ),
    "tile": (
        *((0.62, 0.26, 0.18), (0.72, 0.36, 0.24), (0.55, 0.30, 0.22), (0.48, 0.28, 0.20)),
        *((0.66, 0.42, 0.32), (0.40, 0.38, 0.37), (0.50, 0.36, 0.26)),
    ),
    "sheet": (
        *((0.86, 0.87, 0.88), (0.75, 0.76, 0.77), (0.66, 0.67, 0.68), (0.92, 0.92, 0.92), (0.58, 0.62, 0.66), (0.15, 0.28, 0.60)),
        *((0.25, 0.40, 0.68), (0.30, 0.42, 0.34), (0.42, 0.52, 0.46), (0.62, 0.22, 0.18), (0.70, 0.66, 0.55), (0.45, 0.36, 0.30)),
    ),
    "concrete": ((0.60, 0.58, 0.55), (0.50, 0.49, 0.47), (0.70, 0.69, 0.67), (0.42, 0.41, 0.40), (0.80, 0.79, 0.77), (0.33, 0.33, 0.33)),
    "thatch": ((0.46, 0.38, 0.26), (0.36, 0.31, 0.23), (0.54, 0.46, 0.33)),
}
"""Visible reflectances (red, green, blue) of roofing, each varied from building to building."""

GROUNDLIKE, GROUNDS = 0.15, ("soil", "dry", "gravel", "concrete", "asphalt")
"""Share of the roofs that have the colour of some ground, and which grounds: no colour tells a roof."""


@dataclass(frozen=True, slots=True)
class Part:
    """One rectangle under one roof: centre (x, y) and half sides in pixels, `turn` radians, eaves in metres, `pitch` rise over run."""

    x: float
    y: float
    turn: float
    long: float
    wide: float
    eaves_m: float
    roof: Roof
    pitch: float


@dataclass(frozen=True, slots=True)
class Building:
    """What stands together: parts, look, a seed for its details, and whether a storm or a demolition has begun to take it (`harmed`)."""

    sort: Sort
    x: float
    y: float
    turn: float
    parts: tuple[Part, ...]
    colour: tuple[float, float, float]
    covering: str
    wall: float
    seed: int
    harmed: bool = False

    @property
    def reach(self) -> float:
        """Pixels from (x, y) within which all of it lies."""
        return max(float(np.hypot(p.x - self.x, p.y - self.y) + np.hypot(p.long, p.wide)) for p in self.parts)


def _range(rng: np.random.Generator, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


_SIZES: dict[str, tuple[float, float, float, float, float, float, tuple[Roof, ...], tuple[float, float], tuple[str, ...]]] = {
    # long from, to, wide from, to, eaves from, to, roofs, pitch, coverings
    "house": (9, 18, 7, 13, 2.6, 6, ("hip", "gable", "hip", "flat"), (0.25, 0.75), ("shingle", "shingle", "tile", "sheet", "concrete")),
    "villa": (14, 24, 11, 17, 2.8, 6.5, ("hip", "hip", "gable"), (0.35, 0.8), ("shingle", "shingle", "tile")),
    "barrack": (18, 62, 6, 14, 2.6, 7, ("gable", "gable", "hip", "shed", "flat"), (0.15, 0.55), ("tile", "sheet", "concrete", "shingle", "thatch")),
    "hall": (25, 110, 14, 50, 5, 12, ("flat", "flat", "gable", "shed", "saw", "vault"), (0.03, 0.25), ("sheet", "sheet", "concrete", "shingle")),
    "block": (20, 70, 10, 20, 6, 22, ("flat", "flat", "hip", "gable"), (0.2, 0.5), ("concrete", "concrete", "shingle", "sheet", "tile")),
    "hut": (4, 10, 3, 8, 2.2, 3.6, ("gable", "shed", "flat", "hip"), (0.15, 0.6), ("thatch", "tile", "sheet", "concrete", "shingle")),
    "shed": (3, 8, 2.5, 5, 2.0, 3.2, ("gable", "shed", "flat"), (0.1, 0.4), ("sheet", "shingle", "tile")),
    "tower": (3, 6.5, 3, 6, 5, 12, ("hip", "flat", "gable"), (0.2, 0.6), ("sheet", "tile", "concrete")),
}


def invent(rng: np.random.Generator, sort: Sort, x: float, y: float, turn: float, pixel_m: float) -> Building:  # noqa: PLR0917 a place is three numbers
    """Return a building of a sort at a place; `x`, `y` in pixels, sizes in metres by sort."""
    l0, l1, w0, w1, e0, e1, roofs, (p0, p1), coverings = _SIZES[sort]
    long, wide = _range(rng, l0, l1) / 2 / pixel_m, _range(rng, w0, w1) / 2 / pixel_m
    long, wide = max(long, wide), min(long, wide) if sort != "tower" else long
    roof: Roof = roofs[rng.integers(len(roofs))]
    eaves, pitch = _range(rng, e0, e1), _range(rng, p0, p1)
    main = Part(x, y, turn, long, wide, eaves, roof, pitch)
    covering = coverings[rng.integers(len(coverings))]
    tints = MATERIALS[GROUNDS[rng.integers(len(GROUNDS))]] if rng.random() < GROUNDLIKE else TINTS[covering]
    colour = np.clip(np.array(tints[rng.integers(len(tints))]) * np.exp(rng.normal(0, 0.15)) + rng.normal(0, 0.02, 3), 0.04, 0.97)
    tint = (float(colour[0]), float(colour[1]), float(colour[2]))
    parts = (main, *_wings(rng, sort, main))
    return Building(sort, x, y, turn, parts, tint, covering, _range(rng, 0.2, 0.8), int(rng.integers(1 << 30)))


def _wings(rng: np.random.Generator, sort: Sort, main: Part) -> list[Part]:
    """Return further parts: garages, porches and bays of houses, the arms of L, U, T and H shapes."""
    wings: list[Part] = []

    def add(u: float, v: float, long: float, wide: float, *, lower: float = 1.0) -> None:
        c, s = np.cos(main.turn), np.sin(main.turn)
        roof: Roof = "gable" if main.roof in {"hip", "gable"} and rng.random() < 0.4 else main.roof
        wings.append(
            Part(float(main.x + u * c - v * s), float(main.y + u * s + v * c), main.turn, long, wide, main.eaves_m * lower, roof, main.pitch)
        )

    odds = {"house": 0.7, "villa": 0.95, "barrack": 0.2, "hall": 0.3, "block": 0.5, "hut": 0.1, "shed": 0.0, "tower": 0.0}[sort]
    if rng.random() >= odds:
        return wings
    for _ in range(int(rng.integers(1, 4)) if sort in {"house", "villa"} else 1):
        side, end = float(rng.choice([-1, 1])), float(rng.choice([-1, 1]))
        if sort in {"house", "villa"}:
            deep, along = main.wide * _range(rng, 0.3, 0.75), main.long * _range(rng, 0.25, 0.6)
            add(end * (main.long - along) * _range(rng, 0.3, 1.05), side * (main.wide + deep * 0.4), along, deep, lower=_range(rng, 0.8, 1.0))
        else:
            deep = main.long * _range(rng, 0.3, 0.9) if sort != "hall" else main.wide * _range(rng, 0.3, 0.8)
            arm = main.wide * _range(rng, 0.7, 1.0)
            for at in (end,) if rng.random() < 0.6 else (-1.0, 1.0):
                add(at * (main.long - arm), side * (main.wide + deep * 0.8), arm, deep)
    return wings


def repainted(building: Building, rng: np.random.Generator) -> Building:
    """Return the building under another colour of the same covering."""
    c = np.clip(np.array(building.colour) * np.exp(rng.normal(0, 0.3)) + rng.normal(0, 0.03, 3), 0.03, 0.97)
    return replace(building, colour=(float(c[0]), float(c[1]), float(c[2])))


def draw_building(canvas: Canvas, building: Building, number: int) -> None:
    """Draw a building: heights and facets of its roofs, their colour and details, its class and number."""
    window = canvas.window(building.x, building.y, building.reach + 2)
    if window is None:
        return
    stamp = _raised(canvas, building, window)
    mask = stamp.height > canvas.height[window]
    if not mask.any():
        return
    rng = np.random.default_rng(building.seed)
    colour = covered(rng, building, stamp, canvas.pixel_m)
    fitted(rng, building, stamp, colour, canvas.pixel_m)
    if building.harmed:
        harmed(rng, stamp, colour, canvas.pixel_m)
    canvas.paint(mask, colour, window)
    for plane, value in (
        (canvas.height, stamp.height),
        (canvas.east, stamp.east),
        (canvas.south, stamp.south),
        (canvas.wall, np.float32(building.wall)),
    ):
        np.copyto(plane[window], value, where=mask)
    canvas.kind[window][mask] = BUILDING
    canvas.number[window][mask] = number


def _raised(canvas: Canvas, building: Building, window: tuple[slice, slice]) -> Roofs:
    pixel = canvas.pixel_m
    shape = canvas.height[window].shape
    zero = [np.zeros(shape, np.float32) for _ in range(5)]
    stamp = Roofs(zero[0], zero[1], zero[2], zero[3], zero[4], np.full(shape, 99.0, np.float32), np.zeros(shape, bool))
    for part in building.parts:
        u, v = frame(window, part.x, part.y, part.turn)
        inside = (np.abs(u) < part.long) & (np.abs(v) < part.wide)
        z, gu, gv, ridge = _roofed(part, u, v, pixel)
        higher = inside & (z > stamp.height)
        c, s = np.float32(np.cos(part.turn)), np.float32(np.sin(part.turn))
        edge = np.minimum(part.long - np.abs(u), part.wide - np.abs(v))
        for plane, value in (
            (stamp.height, z),
            (stamp.east, gu * c - gv * s),
            (stamp.south, gu * s + gv * c),
            (stamp.u, u),
            (stamp.v, v),
            (stamp.edge, edge),
            (stamp.ridge, ridge),
        ):
            np.copyto(plane, value, where=higher)
    return stamp


def _roofed(part: Part, u: Plane, v: Plane, pixel: float) -> tuple[Plane, Plane, Plane, NDArray[np.bool_]]:
    """Return height in metres, its rise per metre along u and v, and where the ridge lies."""
    zero, none = np.zeros_like(u), np.zeros(u.shape, bool)
    g = np.float32(part.pitch)
    near_u, near_v = (np.asarray(half - np.abs(w), np.float32) for half, w in ((part.long, u), (part.wide, v)))
    line = np.float32(0.35 / pixel)
    if part.roof == "flat":
        return np.full_like(u, part.eaves_m), zero, zero, none
    if part.roof == "gable":
        return part.eaves_m + g * near_v * pixel, zero, -g * np.sign(v), np.abs(v) < line
    if part.roof == "shed":
        lean = g * np.float32(0.6)
        return part.eaves_m + lean * (v + part.wide) * pixel, zero, np.full_like(v, lean), none
    if part.roof == "vault":
        across = np.clip(v / part.wide, -0.97, 0.97)
        rise = np.float32(part.wide * pixel * 0.6)
        z = np.asarray(part.eaves_m + rise * np.sqrt(1 - across**2), np.float32)
        return z, zero, -0.6 * across / np.sqrt(1 - across**2), none
    if part.roof == "saw":
        phase = (v + part.wide) % np.float32(max(part.wide * 0.4, 3.0 / pixel))
        return part.eaves_m + 0.35 * phase * pixel, zero, np.full_like(v, 0.35), phase < line * 1.5
    end = near_u < near_v
    up = np.minimum(near_u, near_v)
    ridge = (np.abs(near_u - near_v) < line) | ((np.abs(v) < line) & ~end)
    return part.eaves_m + g * up * pixel, np.where(end, -g * np.sign(u), 0), np.where(end, 0, -g * np.sign(v)), ridge
