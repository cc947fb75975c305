"""What is no building: trees, vehicles, boxes, walls, and patches of ground that look like one from above."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from camwatch.render.settlement.canvas import OTHER, TREE, VEHICLE, frame, material
from camwatch.render.settlement.noise import noise_tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from camwatch.render.settlement.canvas import Canvas, Window

    Plane = NDArray[np.float32]


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


def draw_patch(canvas: Canvas, thing: Thing) -> None:
    """Draw a patch of ground: a yard, a drive, a lawn, a pool, a court, a car park, a field, a pit, a heap, a greenhouse, debris."""
    window = canvas.window(thing.x, thing.y, float(np.hypot(thing.long, thing.wide)) + 1)
    if window is None:
        return
    u, v = frame(window, thing.x, thing.y, thing.turn)
    PATCHES[thing.sort](canvas, thing, window, u, v)


def _rectangle(thing: Thing, u: Plane, v: Plane) -> NDArray[np.bool_]:
    return np.asarray((np.abs(u) < thing.long) & (np.abs(v) < thing.wide))


def _blob(thing: Thing, u: Plane, v: Plane, rng: np.random.Generator) -> Plane:
    """Return 1 in the middle and 0 at a ragged rim."""
    r = np.hypot(u / thing.long, v / thing.wide) + 0.22 * noise_tables().field(rng, u.shape, 2.0)
    return np.asarray(np.clip(1 - r, 0, 1), np.float32)


def _plain(*names: str) -> Callable[[Canvas, Thing, Window, Plane, Plane], None]:
    def draw(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
        rng = np.random.default_rng(thing.seed)
        canvas.paint(_rectangle(thing, u, v), material(rng, names[rng.integers(len(names))], u.shape, canvas.pixel_m), window)

    return draw


def _bare(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    rng = np.random.default_rng(thing.seed)
    name = str(rng.choice(["sand", "soil", "dry", "gravel", "snow", "grass"], p=[0.25, 0.3, 0.15, 0.15, 0.03, 0.12]))
    canvas.paint(np.clip(_blob(thing, u, v, rng) * 6, 0, 1), material(rng, name, u.shape, canvas.pixel_m), window)


def _field(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    rng = np.random.default_rng(thing.seed)
    colour = material(rng, str(rng.choice(["soil", "dry", "grass", "grass"])), u.shape, canvas.pixel_m)
    along = u if rng.random() < 0.5 else v
    rows = 1 + np.float32(rng.uniform(0.02, 0.25)) * np.sin(along * np.float32(2 * np.pi * canvas.pixel_m / rng.uniform(0.8, 6)))
    canvas.paint(_rectangle(thing, u, v), colour * rows, window)


def _terraces(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    rng = np.random.default_rng(thing.seed)
    bend = 12 / canvas.pixel_m * noise_tables().field(rng, u.shape, 3.0, 2)
    phase = ((v + bend) * canvas.pixel_m / rng.uniform(6, 16)) % 1
    mask = _rectangle(thing, u, v)
    colour = material(rng, str(rng.choice(["soil", "dry", "grass"])), u.shape, canvas.pixel_m)
    canvas.paint(mask, colour * np.where(phase < 0.15, np.float32(rng.uniform(0.5, 1.5)), np.float32(1)), window)
    np.copyto(canvas.south[window], np.where(phase < 0.15, np.float32(0.8), np.float32(0)), where=mask)


def _parking(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    rng = np.random.default_rng(thing.seed)
    colour = material(rng, "asphalt" if rng.random() < 0.75 else "concrete", u.shape, canvas.pixel_m)
    stall = ((u * canvas.pixel_m / 2.7) % 1 < 0.12 + 0.1 * canvas.pixel_m) & ((v * canvas.pixel_m / 16 + 0.2) % 1 < 0.6)
    colour = np.where(stall & (rng.random() < 0.7), np.float32(rng.uniform(0.5, 0.85)), colour)
    canvas.paint(_rectangle(thing, u, v), colour, window)


def _court(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    rng = np.random.default_rng(thing.seed)
    tints = ((0.2, 0.4, 0.3), (0.6, 0.25, 0.2), (0.2, 0.35, 0.6), (0.5, 0.5, 0.5), (0.3, 0.4, 0.2), (0.65, 0.55, 0.4))
    colour = np.array(tints[rng.integers(len(tints))], np.float32)[:, None, None] * np.ones_like(u)
    line = max(0.4 / canvas.pixel_m, 0.6)
    a, b = thing.long * 0.85, thing.wide * 0.85
    marks = (
        ((np.abs(np.abs(u) - a) < line) & (np.abs(v) < b))
        | ((np.abs(np.abs(v) - b) < line) & (np.abs(u) < a))
        | ((np.abs(u) < line) & (np.abs(v) < b))
    )
    canvas.paint(_rectangle(thing, u, v), np.where(marks, np.float32(0.8), colour), window)


def _pool(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    rng = np.random.default_rng(thing.seed)
    a, b = min(thing.long, 6 / canvas.pixel_m), min(thing.wide, 3.5 / canvas.pixel_m)
    mask = (u / a) ** 2 + (v / b) ** 2 < 1 if rng.random() < 0.5 else (np.abs(u) < a) & (np.abs(v) < b)
    rim = (np.abs(u) < a + 1.5 / canvas.pixel_m) & (np.abs(v) < b + 1.5 / canvas.pixel_m)
    canvas.paint(rim, np.full((3, 1, 1), rng.uniform(0.5, 0.8), np.float32), window)
    canvas.paint(mask, (np.array([0.25, 0.6, 0.75], np.float32) * np.float32(rng.uniform(0.5, 1.1)))[:, None, None] * np.ones_like(u), window)


def _heap(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    """Earthworks: a heap or a pit of one material, shaded by its own slopes."""
    rng = np.random.default_rng(thing.seed)
    blob = _blob(thing, u, v, rng)
    rough = 0.25 * noise_tables().field(rng, u.shape, 2.0)
    high = np.float32(rng.uniform(1, 6) * rng.choice([1, 1, -1]))
    shape = high * np.sqrt(blob) * (1 + rough)
    mask = blob > 0.02
    canvas.paint(mask, material(rng, str(rng.choice(["soil", "sand", "gravel", "coal", "rock"])), u.shape, canvas.pixel_m), window)
    down, right = np.gradient(shape, canvas.pixel_m)
    np.copyto(canvas.east[window], np.clip(right, -1.2, 1.2).astype(np.float32), where=mask)
    np.copyto(canvas.south[window], np.clip(down, -1.2, 1.2).astype(np.float32), where=mask)
    np.copyto(canvas.height[window], np.clip(shape, 0, None), where=mask)


def _stacks(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    """Rows of low goods in a yard."""
    rng = np.random.default_rng(thing.seed)
    p, q = rng.uniform(1.8, 5, 2) / canvas.pixel_m
    kept = noise_tables().field(rng, u.shape, 1.4, 3) > rng.normal(-0.4, 0.5)
    mask = _rectangle(thing, u, v) & ((u / p) % 1 < 0.6) & ((v / q) % 1 < 0.55) & kept
    canvas.paint(_rectangle(thing, u, v), material(rng, str(rng.choice(["soil", "gravel", "concrete"])), u.shape, canvas.pixel_m), window)
    canvas.paint(mask, material(rng, str(rng.choice(["soil", "sand", "concrete", "coal"])), u.shape, canvas.pixel_m), window)
    np.copyto(canvas.height[window], np.float32(rng.uniform(0.5, 1.8)), where=mask)


def _greenhouse(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    """Rows of plastic tunnels, pale and low."""
    rng = np.random.default_rng(thing.seed)
    pitch = rng.uniform(6, 10) / canvas.pixel_m
    across = (v / pitch) % 1
    mask = _rectangle(thing, u, v) & (across < 0.75)
    arc = np.clip((across - 0.375) / 0.375, -0.95, 0.95)
    canvas.paint(mask, np.full((3, 1, 1), rng.uniform(0.4, 0.85), np.float32) * (1 - 0.1 * arc**2), window)
    np.copyto(canvas.height[window], np.float32(2.2), where=mask)
    c, s = np.float32(np.cos(thing.turn)), np.float32(np.sin(thing.turn))
    slope = np.asarray(-0.7 * arc, np.float32)
    np.copyto(canvas.east[window], -slope * s, where=mask)
    np.copyto(canvas.south[window], slope * c, where=mask)


def _debris(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    """What is left of a building: rubble of every brightness, and the paler slab between."""
    rng = np.random.default_rng(thing.seed)
    tables = noise_tables()
    lumps = tables.field(rng, u.shape, 0.6, rng.uniform(1, 2.5)) + 0.5 * tables.field(rng, u.shape, 1.4)
    mask = (np.maximum(np.abs(u) / thing.long, np.abs(v) / thing.wide) + 0.15 * tables.field(rng, u.shape, 2.0)) < 1
    base = material(rng, str(rng.choice(["concrete", "soil", "gravel"])), u.shape, canvas.pixel_m)
    canvas.paint(mask, base * np.exp(np.float32(rng.uniform(0.2, 0.5)) * lumps), window)
    heap = np.clip(lumps * 0.6, 0, 1.5).astype(np.float32)
    np.copyto(canvas.height[window], heap, where=mask)


def _ruin(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    """What a storm or a demolition leaves standing of a building: pieces of its walls, floors of several colours, rubble over all."""
    rng = np.random.default_rng(thing.seed)
    tables = noise_tables()
    inside = _rectangle(thing, u, v)
    rooms = np.sin(u / rng.uniform(2, 8) * canvas.pixel_m) * np.sin(v / rng.uniform(2, 8) * canvas.pixel_m) > 0
    floor = material(rng, str(rng.choice(["concrete", "soil", "gravel", "dry"])), u.shape, canvas.pixel_m)
    canvas.paint(inside, floor * np.where(rooms, np.float32(1), np.float32(rng.uniform(0.5, 1.4))), window)
    rim = np.minimum(thing.long - np.abs(u), thing.wide - np.abs(v)) < max(0.5 / canvas.pixel_m, 1)
    walls = inside & rim & (tables.field(rng, u.shape, 2.0, 2) > rng.uniform(-0.5, 1.5))
    np.copyto(canvas.height[window], np.float32(rng.uniform(0.6, 2.8)), where=walls)
    canvas.paint(walls, np.full((3, 1, 1), rng.uniform(0.3, 0.7), np.float32), window)
    lumps = tables.field(rng, u.shape, 0.6, rng.uniform(1, 2))
    rubble = inside & (lumps > rng.uniform(-0.5, 1.0))
    canvas.paint(rubble, np.array([0.5, 0.44, 0.37], np.float32)[:, None, None] * np.exp(np.float32(0.4) * lumps), window)
    np.copyto(canvas.height[window], np.clip(lumps * 0.5, 0, 1.2).astype(np.float32), where=rubble & ~walls)


def _litter(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    """Splinters strewn over the ground around: boards, insulation, sheets, denser towards the middle."""
    rng = np.random.default_rng(thing.seed)
    tables = noise_tables()
    near = np.sqrt(_blob(thing, u, v, rng))
    specks = tables.field(rng, u.shape, 0.6, rng.uniform(1, 2.5)) + np.float32(0.5) * tables.field(rng, u.shape, 1.4)
    mask = specks + 2 * near > rng.uniform(1.6, 2.8)
    tone = np.exp(np.float32(0.35) * tables.field(rng, u.shape, 0.6)) * np.float32(rng.uniform(0.4, 0.7))
    canvas.paint(mask & (near > 0), np.array([1.08, 1.0, 0.88], np.float32)[:, None, None] * tone, window)


def _pad(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    """Ground made level for a house that is not there: another colour, often with a rim and a rut."""
    rng = np.random.default_rng(thing.seed)
    whole = _rectangle(thing, u, v)
    canvas.paint(whole, material(rng, str(rng.choice(["soil", "dry", "sand", "gravel", "concrete"])), u.shape, canvas.pixel_m), window)
    inner = (np.abs(u) < thing.long * rng.uniform(0.6, 0.9)) & (np.abs(v) < thing.wide * rng.uniform(0.6, 0.9))
    if rng.random() < 0.6:
        canvas.paint(inner, material(rng, str(rng.choice(["soil", "dry", "sand", "concrete", "gravel"])), u.shape, canvas.pixel_m), window)
    if rng.random() < 0.4:
        np.copyto(canvas.height[window], np.float32(rng.uniform(0.1, 0.5)), where=inner)


def _tank(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    rng = np.random.default_rng(thing.seed)
    radius = min(thing.long, thing.wide)
    mask = np.hypot(u, v) < radius
    canvas.paint(mask, np.full((3, 1, 1), rng.uniform(0.3, 0.9), np.float32) * np.ones_like(u), window)
    np.copyto(canvas.height[window], np.float32(rng.uniform(1, 8)), where=mask)


def _disc(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    """The turning place at the end of a street."""
    rng = np.random.default_rng(thing.seed)
    canvas.paint(np.hypot(u, v) < thing.wide, material(rng, str(rng.choice(["asphalt", "concrete", "gravel"])), u.shape, canvas.pixel_m), window)


PATCHES: dict[str, Callable[[Canvas, Thing, Window, Plane, Plane], None]] = {
    "slab": _plain("concrete", "concrete", "asphalt", "gravel"),
    "drive": _plain("concrete", "concrete", "asphalt"),
    "lawn": _plain("grass", "grass", "grass", "dry", "soil"),
    "yard": _plain("soil", "gravel", "dry", "sand"),
    "dark": _plain("asphalt", "coal", "water", "forest"),
    "pond": _plain("water"),
    "garden": _plain("grass", "grass", "forest", "dry", "soil", "gravel", "coal"),
    "bare": _bare,
    "field": _field,
    "terraces": _terraces,
    "parking": _parking,
    "court": _court,
    "pool": _pool,
    "heap": _heap,
    "stacks": _stacks,
    "greenhouse": _greenhouse,
    "debris": _debris,
    "ruin": _ruin,
    "litter": _litter,
    "pad": _pad,
    "tank": _tank,
    "disc": _disc,
}
"""Every sort of patch; none of them is a building, so each is something to be told from one."""
