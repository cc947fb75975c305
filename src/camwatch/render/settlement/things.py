"""What is no building: patches and boxes on the ground, trees, vehicles, walls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from camwatch.render.settlement.canvas import OTHER, TREE, VEHICLE, frame
from camwatch.render.settlement.noise import noise_tables

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.render.settlement.canvas import Canvas, Plane


@dataclass(frozen=True, slots=True)
class Thing:
    """A patch or a box: its sort, centre (x, y) and half sides in pixels, direction, and a seed for its look."""

    sort: str
    x: float
    y: float
    turn: float
    long: float
    wide: float
    seed: int


@dataclass(frozen=True, slots=True)
class Tree:
    """A crown: centre and radius in pixels, height in metres, colour."""

    x: float
    y: float
    radius: float
    high_m: float
    colour: tuple[float, float, float]


CARS = ((0.9, 0.9, 0.9), (0.75, 0.76, 0.78), (0.1, 0.1, 0.11), (0.35, 0.36, 0.38), (0.5, 0.12, 0.1), (0.12, 0.2, 0.42), (0.55, 0.5, 0.42))


def draw_tree(canvas: Canvas, tree: Tree, seed: int) -> None:
    """Draw a crown: a lumpy dome, dark on the side away from the sun, that may hide what it hangs over."""
    window = canvas.window(tree.x, tree.y, tree.radius + 1)
    if window is None:
        return
    u, v = frame(window, tree.x, tree.y, 0.0)
    rng = np.random.default_rng(seed)
    lumps = noise_tables().field(rng, u.shape, 1.4)
    r = np.hypot(u, v) / tree.radius + 0.16 * lumps
    inside = r < 1
    dome = np.sqrt(np.clip(1 - r**2, 0.03, 1))
    top = tree.high_m * (0.45 + 0.55 * dome)
    mask = inside & (top > canvas.height[window])
    leaf = 1 + 0.3 * lumps
    canvas.paint(mask, np.array(tree.colour, np.float32)[:, None, None] * leaf, window)
    steep = np.float32(0.55 * tree.high_m / max(tree.radius * canvas.pixel_m, 0.5))
    for plane, value in (
        (canvas.height, top),
        (canvas.east, np.clip(-steep * u / tree.radius / dome, -2, 2)),
        (canvas.south, np.clip(-steep * v / tree.radius / dome, -2, 2)),
        (canvas.wall, np.float32(0.12)),
    ):
        np.copyto(plane[window], value, where=mask)
    canvas.kind[window][mask] = TREE
    canvas.number[window][mask] = 0


def draw_box(canvas: Canvas, thing: Thing) -> None:
    """Draw a car, a lorry or a container where nothing higher stands."""
    rng = np.random.default_rng(thing.seed)
    tall = {"car": 1.5, "lorry": 3.2, "container": 2.6}[thing.sort]
    window = canvas.window(thing.x, thing.y, float(np.hypot(thing.long, thing.wide)) + 1)
    if window is None:
        return
    u, v = frame(window, thing.x, thing.y, thing.turn)
    mask = (np.abs(u) < thing.long) & (np.abs(v) < thing.wide) & (canvas.height[window] < tall)
    colour = np.array(CARS[rng.integers(len(CARS))], np.float32) * np.float32(rng.uniform(0.7, 1.2))
    light = np.ones_like(u)
    if thing.sort == "car":
        light = np.where(np.abs(u - 0.2 * thing.long) < 0.15 * thing.long, np.float32(0.2), light)  # the windscreen
    canvas.paint(mask, colour[:, None, None] * light, window)
    np.copyto(canvas.height[window], np.float32(tall), where=mask)
    for plane in (canvas.east, canvas.south):
        np.copyto(plane[window], np.float32(0), where=mask)
    canvas.kind[window][mask] = VEHICLE if thing.sort in {"car", "lorry"} else OTHER
    canvas.number[window][mask] = 0


def draw_wall(canvas: Canvas, mask: NDArray[np.bool_], high_m: float, bright: float) -> None:
    """Draw a wall or a fence on the pixels of `mask` where nothing higher stands."""
    mask = mask & (canvas.height < high_m)
    canvas.paint(mask, np.full((3, 1, 1), bright, np.float32))
    canvas.height[mask] = high_m
    canvas.wall[mask] = bright
    canvas.kind[mask] = OTHER


def rectangle(thing: Thing, u: Plane, v: Plane) -> NDArray[np.bool_]:
    """Return where a patch lies, as a rectangle in its own frame."""
    return np.asarray((np.abs(u) < thing.long) & (np.abs(v) < thing.wide))


def ragged(thing: Thing, u: Plane, v: Plane, rng: np.random.Generator) -> Plane:
    """Return 1 in the middle and 0 at a ragged rim."""
    r = np.hypot(u / thing.long, v / thing.wide) + 0.22 * noise_tables().field(rng, u.shape, 2.0)
    return np.asarray(np.clip(1 - r, 0, 1), np.float32)
