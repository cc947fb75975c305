"""Patches where a building was or will be: rubble, ruins, splinters, level ground."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camwatch.render.settlement.canvas import material
from camwatch.render.settlement.noise import noise_tables
from camwatch.render.settlement.things import ragged, rectangle

if TYPE_CHECKING:
    from camwatch.render.settlement.canvas import Canvas, Plane, Window
    from camwatch.render.settlement.things import Thing


def debris(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    """What is left of a building: rubble of every brightness, and the paler slab between."""
    rng = np.random.default_rng(thing.seed)
    tables = noise_tables()
    lumps = tables.field(rng, u.shape, 0.6, rng.uniform(1, 2.5)) + 0.5 * tables.field(rng, u.shape, 1.4)
    mask = (np.maximum(np.abs(u) / thing.long, np.abs(v) / thing.wide) + 0.15 * tables.field(rng, u.shape, 2.0)) < 1
    base = material(rng, str(rng.choice(["concrete", "soil", "gravel"])), u.shape, canvas.pixel_m)
    canvas.paint(mask, base * np.exp(np.float32(rng.uniform(0.2, 0.5)) * lumps), window)
    heap = np.clip(lumps * 0.6, 0, 1.5).astype(np.float32)
    np.copyto(canvas.height[window], heap, where=mask)


def ruin(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    """What a storm or a demolition leaves standing of a building: pieces of its walls, floors of several colours, rubble over all."""
    rng = np.random.default_rng(thing.seed)
    tables = noise_tables()
    inside = rectangle(thing, u, v)
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


def litter(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    """Splinters strewn over the ground around: boards, insulation, sheets, denser towards the middle."""
    rng = np.random.default_rng(thing.seed)
    tables = noise_tables()
    near = np.sqrt(ragged(thing, u, v, rng))
    specks = tables.field(rng, u.shape, 0.6, rng.uniform(1, 2.5)) + np.float32(0.5) * tables.field(rng, u.shape, 1.4)
    mask = specks + 2 * near > rng.uniform(1.6, 2.8)
    tone = np.exp(np.float32(0.35) * tables.field(rng, u.shape, 0.6)) * np.float32(rng.uniform(0.4, 0.7))
    canvas.paint(mask & (near > 0), np.array([1.08, 1.0, 0.88], np.float32)[:, None, None] * tone, window)


def pad(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    """Ground made level for a house that is not there: another colour, often with a rim and a rut."""
    rng = np.random.default_rng(thing.seed)
    whole = rectangle(thing, u, v)
    canvas.paint(whole, material(rng, str(rng.choice(["soil", "dry", "sand", "gravel", "concrete"])), u.shape, canvas.pixel_m), window)
    inner = (np.abs(u) < thing.long * rng.uniform(0.6, 0.9)) & (np.abs(v) < thing.wide * rng.uniform(0.6, 0.9))
    if rng.random() < 0.6:
        canvas.paint(inner, material(rng, str(rng.choice(["soil", "dry", "sand", "concrete", "gravel"])), u.shape, canvas.pixel_m), window)
    if rng.random() < 0.4:
        np.copyto(canvas.height[window], np.float32(rng.uniform(0.1, 0.5)), where=inner)
