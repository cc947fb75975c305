"""Patches that lie flat: lawns, yards, fields, car parks, courts, pools."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camwatch.render.settlement.canvas import material
from camwatch.render.settlement.noise import noise_tables
from camwatch.render.settlement.things import ragged, rectangle

if TYPE_CHECKING:
    from collections.abc import Callable

    from camwatch.render.settlement.canvas import Canvas, Plane, Window
    from camwatch.render.settlement.things import Thing


def plain(*names: str) -> Callable[[Canvas, Thing, Window, Plane, Plane], None]:
    """Return what draws a rectangle of one of these materials, drawn by lot."""

    def draw(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
        rng = np.random.default_rng(thing.seed)
        canvas.paint(rectangle(thing, u, v), material(rng, names[rng.integers(len(names))], u.shape, canvas.pixel_m), window)

    return draw


def bare(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    """Bare ground with a ragged rim."""
    rng = np.random.default_rng(thing.seed)
    name = str(rng.choice(["sand", "soil", "dry", "gravel", "snow", "grass"], p=[0.25, 0.3, 0.15, 0.15, 0.03, 0.12]))
    canvas.paint(np.clip(ragged(thing, u, v, rng) * 6, 0, 1), material(rng, name, u.shape, canvas.pixel_m), window)


def field(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    """A field with rows."""
    rng = np.random.default_rng(thing.seed)
    colour = material(rng, str(rng.choice(["soil", "dry", "grass", "grass"])), u.shape, canvas.pixel_m)
    along = u if rng.random() < 0.5 else v
    rows = 1 + np.float32(rng.uniform(0.02, 0.25)) * np.sin(along * np.float32(2 * np.pi * canvas.pixel_m / rng.uniform(0.8, 6)))
    canvas.paint(rectangle(thing, u, v), colour * rows, window)


def terraces(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    """Terraced slopes: bright or dark edges along the contours."""
    rng = np.random.default_rng(thing.seed)
    bend = 12 / canvas.pixel_m * noise_tables().field(rng, u.shape, 3.0, 2)
    phase = ((v + bend) * canvas.pixel_m / rng.uniform(6, 16)) % 1
    mask = rectangle(thing, u, v)
    colour = material(rng, str(rng.choice(["soil", "dry", "grass"])), u.shape, canvas.pixel_m)
    canvas.paint(mask, colour * np.where(phase < 0.15, np.float32(rng.uniform(0.5, 1.5)), np.float32(1)), window)
    np.copyto(canvas.south[window], np.where(phase < 0.15, np.float32(0.8), np.float32(0)), where=mask)


def parking(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    """A car park, mostly with its stalls marked."""
    rng = np.random.default_rng(thing.seed)
    colour = material(rng, "asphalt" if rng.random() < 0.75 else "concrete", u.shape, canvas.pixel_m)
    stall = ((u * canvas.pixel_m / 2.7) % 1 < 0.12 + 0.1 * canvas.pixel_m) & ((v * canvas.pixel_m / 16 + 0.2) % 1 < 0.6)
    colour = np.where(stall & (rng.random() < 0.7), np.float32(rng.uniform(0.5, 0.85)), colour)
    canvas.paint(rectangle(thing, u, v), colour, window)


def court(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    """A court with its lines."""
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
    canvas.paint(rectangle(thing, u, v), np.where(marks, np.float32(0.8), colour), window)


def pool(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    """A pool, round or square, with its rim."""
    rng = np.random.default_rng(thing.seed)
    a, b = min(thing.long, 6 / canvas.pixel_m), min(thing.wide, 3.5 / canvas.pixel_m)
    mask = (u / a) ** 2 + (v / b) ** 2 < 1 if rng.random() < 0.5 else (np.abs(u) < a) & (np.abs(v) < b)
    rim = (np.abs(u) < a + 1.5 / canvas.pixel_m) & (np.abs(v) < b + 1.5 / canvas.pixel_m)
    canvas.paint(rim, np.full((3, 1, 1), rng.uniform(0.5, 0.8), np.float32), window)
    canvas.paint(mask, (np.array([0.25, 0.6, 0.75], np.float32) * np.float32(rng.uniform(0.5, 1.1)))[:, None, None] * np.ones_like(u), window)


def disc(canvas: Canvas, thing: Thing, window: Window, u: Plane, v: Plane) -> None:
    """The turning place at the end of a street."""
    rng = np.random.default_rng(thing.seed)
    canvas.paint(np.hypot(u, v) < thing.wide, material(rng, str(rng.choice(["asphalt", "concrete", "gravel"])), u.shape, canvas.pixel_m), window)
