"""What could be taken for a guard tower: trees, bushes, sheds, boxes, poles, heaps, flat squares, crossings, dark patches that are no shadows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camwatch.render.settlement.canvas import OTHER, Canvas, filled
from camwatch.render.settlement.patches import draw_patch
from camwatch.render.settlement.things import Thing, Tree, draw_box, draw_tree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.imagery.image import Sun


def plant_row(canvas: Canvas, points: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Plant trees of one kind in a row along the line, as one plants them along a road."""
    off, radius = rng.uniform(-10, 10, 2) / canvas.pixel_m, rng.uniform(1.0, 3.0)
    for x, y in points[:: int(rng.integers(3, 9))] + off:
        _tree(canvas, x, y, radius * rng.uniform(0.7, 1.2) / canvas.pixel_m, radius * 2.0, rng)


def strew_clutter(canvas: Canvas, points: NDArray[np.float64], sun: Sun, rng: np.random.Generator) -> None:
    """Strew what could be taken for a tower, most of it along the line: trees, bushes, sheds, boxes, poles, heaps, flat squares, crossings."""
    n, cell = canvas.side, canvas.pixel_m
    for _ in range(int(rng.choice([4, 12, 25, 45]))):
        on_line = len(points) and rng.random() < 0.6
        x, y = points[rng.integers(len(points))] + rng.normal(0, 5 / cell, 2) if on_line else rng.uniform(0, n, 2)
        if 0 < x < n and 0 < y < n:
            _one_thing(canvas, (float(x), float(y)), sun, rng)


def _tree(canvas: Canvas, x: float, y: float, radius: float, high: float, rng: np.random.Generator) -> None:  # noqa: PLR0917 a place is two numbers
    base = np.array([(0.10, 0.15, 0.08), (0.16, 0.20, 0.10), (0.22, 0.26, 0.14), (0.30, 0.27, 0.20), (0.07, 0.11, 0.07)][rng.integers(5)])
    c = base * np.exp(rng.normal(0, 0.2))
    if 0 <= x < canvas.side and 0 <= y < canvas.side:
        draw_tree(canvas, Tree(float(x), float(y), float(radius), float(high), (float(c[0]), float(c[1]), float(c[2]))), int(rng.integers(1 << 30)))


def _one_thing(canvas: Canvas, at: tuple[float, float], sun: Sun, rng: np.random.Generator) -> None:
    """Draw one piece of clutter."""
    (x, y), cell, turn = at, canvas.pixel_m, float(rng.uniform(0, np.pi))
    sorts = {"tree": 25, "bush": 12, "shed": 14, "car": 5, "lorry": 5, "pole": 7, "flat": 9, "two": 9, "cross": 3, "stack": 7, "pit": 4}
    sort = str(rng.choice(list(sorts), p=np.array(list(sorts.values())) / 100))
    seed = int(rng.integers(1 << 30))
    if sort == "tree":
        radius = rng.uniform(1.0, 4.5)
        _tree(canvas, x, y, radius / cell, radius * rng.uniform(1.0, 3.0) + 1.0, rng)
    elif sort == "bush":
        radius = rng.uniform(0.6, 2.5)
        _tree(canvas, x, y, radius / cell, rng.uniform(0.5, 2.2), rng)
    elif sort in {"car", "lorry"}:
        long, wide = (2.2, 0.95) if sort == "car" else (rng.uniform(2.5, 6), 1.3)
        draw_box(canvas, Thing(sort, x, y, turn, long / cell, wide / cell, seed))
    elif sort == "pit":
        draw_patch(canvas, Thing("heap", x, y, turn, rng.uniform(2, 6) / cell, rng.uniform(2, 5) / cell, seed))
    elif sort == "two":
        _false_shadow(canvas, at, sun, rng)
    elif sort == "cross":
        for side in (0.0, np.pi / 2 + rng.normal(0, 0.3)):
            _block(canvas, (x, y, turn + side, rng.uniform(5, 20) / cell, rng.uniform(0.4, 1.5) / cell), 0.0, rng)
    else:
        long = rng.uniform(0.2, 0.5) if sort == "pole" else rng.uniform(1.2, 4.2)
        wide = long if sort == "pole" else long * rng.uniform(0.6, 1.0)
        high = {"pole": rng.uniform(5, 11), "shed": rng.uniform(2.0, 3.4), "stack": rng.uniform(0.6, 1.8), "flat": 0.0}[sort]
        _block(canvas, (x, y, turn, max(long / cell, 0.6), max(wide / cell, 0.6)), float(high), rng)


def _false_shadow(canvas: Canvas, at: tuple[float, float], sun: Sun, rng: np.random.Generator) -> None:
    """Paint a flat square with a dark flat patch beside it, not where the sun would throw a shadow."""
    # Shadows fall away from the sun: to (-sin, cos) of its azimuth in columns and rows.
    away = np.deg2rad(90 + sun.azimuth_deg + rng.uniform(40, 320))
    half, length, cell = rng.uniform(1.2, 4.0), rng.uniform(1.5, 9.0), canvas.pixel_m
    reach = (half + length) / cell
    for k, (low, high) in enumerate(((0.02, 0.08), (0.10, 0.85))):
        x, y = at[0] + (1 - k) * reach * np.cos(away), at[1] + (1 - k) * reach * np.sin(away)
        size = (half, half) if k else (length, half)
        tone = float(np.exp(rng.uniform(np.log(low), np.log(high))))
        _block(canvas, (x, y, float(away), max(size[0] / cell, 0.6), max(size[1] / cell, 0.6)), 0.0, rng, tone)


def _block(canvas: Canvas, at: tuple[float, float, float, float, float], high_m: float, rng: np.random.Generator, tone: float = 0.0) -> None:
    """Draw a box of any height: a shed, a stack, a pole, or a flat patch of another tone."""
    x, y, turn, long, wide = at
    c, s = np.cos(turn), np.sin(turn)
    corners = np.array([(-long, -wide), (long, -wide), (long, wide), (-long, wide)]) @ np.array([[c, s], [-s, c]]) + (x, y)
    mask = filled(canvas.side, corners) & (canvas.height <= max(high_m, 0.3))
    tone = tone or float(np.exp(rng.uniform(np.log(0.06), np.log(0.85))))
    canvas.paint(mask, (tone * np.exp(rng.normal(0, 0.08, 3))).astype(np.float32)[:, None, None])
    if high_m > 0:
        canvas.height[mask] = high_m
        canvas.wall[mask] = rng.uniform(0.1, 0.6)
        for plane in (canvas.east, canvas.south):
            plane[mask] = 0.0
        canvas.kind[mask] = OTHER
