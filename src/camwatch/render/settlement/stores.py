"""Patches that stand low and cast shadows: earthworks, goods in rows, plastic tunnels, tanks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camwatch.render.settlement.canvas import material
from camwatch.render.settlement.noise import noise_tables
from camwatch.render.settlement.things import ragged, rectangle

if TYPE_CHECKING:
    from camwatch.render.settlement.canvas import Canvas, Plane, Window
    from camwatch.render.settlement.things import Thing


def heap(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    """Earthworks: a heap or a pit of one material, shaded by its own slopes."""
    rng = np.random.default_rng(thing.seed)
    blob = ragged(thing, u, v, rng)
    rough = 0.25 * noise_tables().field(rng, u.shape, 2.0)
    high = np.float32(rng.uniform(1, 6) * rng.choice([1, 1, -1]))
    shape = high * np.sqrt(blob) * (1 + rough)
    mask = blob > 0.02
    canvas.paint(mask, material(rng, str(rng.choice(["soil", "sand", "gravel", "coal", "rock"])), u.shape, canvas.pixel_m), window)
    down, right = np.gradient(shape, canvas.pixel_m)
    np.copyto(canvas.east[window], np.clip(right, -1.2, 1.2).astype(np.float32), where=mask)
    np.copyto(canvas.south[window], np.clip(down, -1.2, 1.2).astype(np.float32), where=mask)
    np.copyto(canvas.height[window], np.clip(shape, 0, None), where=mask)


def stacks(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    """Rows of low goods in a yard."""
    rng = np.random.default_rng(thing.seed)
    p, q = rng.uniform(1.8, 5, 2) / canvas.pixel_m
    kept = noise_tables().field(rng, u.shape, 1.4, 3) > rng.normal(-0.4, 0.5)
    mask = rectangle(thing, u, v) & ((u / p) % 1 < 0.6) & ((v / q) % 1 < 0.55) & kept
    canvas.paint(rectangle(thing, u, v), material(rng, str(rng.choice(["soil", "gravel", "concrete"])), u.shape, canvas.pixel_m), window)
    canvas.paint(mask, material(rng, str(rng.choice(["soil", "sand", "concrete", "coal"])), u.shape, canvas.pixel_m), window)
    np.copyto(canvas.height[window], np.float32(rng.uniform(0.5, 1.8)), where=mask)


def greenhouse(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    """Rows of plastic tunnels, pale and low."""
    rng = np.random.default_rng(thing.seed)
    pitch = rng.uniform(6, 10) / canvas.pixel_m
    across = (v / pitch) % 1
    mask = rectangle(thing, u, v) & (across < 0.75)
    arc = np.clip((across - 0.375) / 0.375, -0.95, 0.95)
    canvas.paint(mask, np.full((3, 1, 1), rng.uniform(0.4, 0.85), np.float32) * (1 - 0.1 * arc**2), window)
    np.copyto(canvas.height[window], np.float32(2.2), where=mask)
    c, s = np.float32(np.cos(thing.turn)), np.float32(np.sin(thing.turn))
    slope = np.asarray(-0.7 * arc, np.float32)
    np.copyto(canvas.east[window], -slope * s, where=mask)
    np.copyto(canvas.south[window], slope * c, where=mask)


def tank(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    """A round tank."""
    rng = np.random.default_rng(thing.seed)
    radius = min(thing.long, thing.wide)
    mask = np.hypot(u, v) < radius
    canvas.paint(mask, np.full((3, 1, 1), rng.uniform(0.3, 0.9), np.float32) * np.ones_like(u), window)
    np.copyto(canvas.height[window], np.float32(rng.uniform(1, 8)), where=mask)
