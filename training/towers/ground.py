"""The ground of a rendered place: materials, what is built on it, the course of a perimeter, its strips, its wall or fence."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from camwatch.render.settlement.buildings import draw_building
from camwatch.render.settlement.canvas import Canvas, filled, material, stroke
from camwatch.render.settlement.noise import noise_tables, softened
from camwatch.render.settlement.patches import draw_patch
from camwatch.render.settlement.things import draw_box, draw_wall

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.render.settlement.development import Development
    from camwatch.render.settlement.site import Site


def cover(canvas: Canvas, rng: np.random.Generator) -> None:
    """Cover the ground with one to four materials: patches, parcels with straight sides, furrows."""
    n, shape = canvas.side, (canvas.side, canvas.side)
    names = ["grass", "dry", "soil", "sand", "gravel", "forest", "rock", "concrete", "asphalt", "snow"]
    chosen = rng.choice(names, 4, p=[0.30, 0.22, 0.20, 0.06, 0.05, 0.05, 0.02, 0.05, 0.02, 0.03])
    canvas.albedo[:] = material(rng, str(chosen[0]), shape, canvas.pixel_m)
    for name in chosen[1 : 1 + int(rng.integers(0, 4))]:
        if rng.random() < 0.5:
            level = noise_tables().field(rng, shape, 3.0, float(rng.choice([1, 2])))
            mask = softened(level > rng.uniform(-0.2, 1.2), float(rng.uniform(0.5, 4)))
        else:
            corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * rng.uniform(0.1, 0.6, 2) * n
            a = rng.uniform(0, np.pi)
            c, s = np.cos(a), np.sin(a)
            mask = softened(filled(n, corners @ np.array([[c, s], [-s, c]]) + rng.uniform(0, n, 2)), 0.6)
        colour = material(rng, str(name), shape, canvas.pixel_m)
        if rng.random() < 0.5:
            a, pitch = rng.uniform(0, np.pi), rng.uniform(1.0, 8.0) / canvas.pixel_m
            k = np.arange(n)
            wave = np.sin((k[None] * np.cos(a) + k[:, None] * np.sin(a)) * (2 * np.pi / pitch)).astype(np.float32)
            colour = colour * (1 + np.float32(rng.uniform(0.02, 0.25)) * wave)
        canvas.paint(mask, colour)


def build(canvas: Canvas, site: Site, made: Development, rng: np.random.Generator) -> None:
    """Draw one development with its ground, its roads and the vehicles on them."""
    n, shape = canvas.side, (canvas.side, canvas.side)
    if made.graded is not None:
        canvas.paint(
            softened(filled(n, made.graded), 1.0), material(rng, str(rng.choice(["soil", "gravel", "dry", "concrete"])), shape, canvas.pixel_m)
        )
    for road in made.roads:
        canvas.paint(
            softened(stroke(n, road.points, road.width), 0.5), material(np.random.default_rng(road.seed), road.material, shape, canvas.pixel_m)
        )
    for thing in [*made.patches, *(t for plot in made.plots for t in plot)]:
        draw_patch(canvas, thing)
    for wall in made.walls:
        draw_wall(canvas, stroke(n, wall.points, max(wall.width, 0.5), closed=wall.closed), wall.high_m, wall.bright)
    for number, building in enumerate(made.buildings, 1):
        draw_building(canvas, building, number)
    for thing in made.boxes:
        draw_box(canvas, thing)
    for road in made.roads:
        for k in rng.integers(1, len(road.points), int(rng.integers(0, 8))):
            x, y = road.points[k] + rng.normal(0, road.width / 4, 2)
            turn = float(np.arctan2(*(road.points[k] - road.points[k - 1])[::-1]))
            draw_box(canvas, site.thing("car", float(x), float(y), turn, 2.2 / site.pixel_m, 0.95 / site.pixel_m))


def course(rng: np.random.Generator, side: int, cell: float) -> NDArray[np.float64]:
    """Return points (x, y) of a perimeter that crosses the place: straight, with a corner, bent, or a whole small ring."""
    turn, middle = rng.uniform(0, 2 * np.pi), rng.uniform(0.25, 0.75, 2) * side
    ahead, aside = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    t = np.arange(-0.9 * side, 0.9 * side, 2.0 / cell)
    form = rng.choice(["straight", "corner", "bent", "ring"], p=[0.25, 0.35, 0.25, 0.15])
    if form == "ring":
        a, b = rng.uniform(0.18, 0.45, 2) * side
        corners = np.array([(-a, -b), (a, -b), (a, b), (-a, b), (-a, -b)]) + rng.normal(0, 0.03 * side, (5, 2)) * [[0], [1], [1], [1], [0]]
        steps = np.concatenate([np.linspace(p, q, max(int(np.hypot(*(q - p)) * cell / 2), 2), endpoint=False) for p, q in pairwise(corners)])
        return np.asarray(middle + steps[:, :1] * ahead + steps[:, 1:] * aside)
    if form == "corner":
        bend = np.abs(t) * rng.uniform(0.2, 1.2) * rng.choice([-1, 1])
    elif form == "bent":
        bend = rng.uniform(2, 9) / cell * np.sin(t * cell / rng.uniform(14, 50) + rng.uniform(0, 6))
    else:
        bend = np.zeros_like(t)
    return np.asarray(middle + t[:, None] * ahead + bend[:, None] * aside)


def lay_strips(canvas: Canvas, points: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Lay the cleared strips, the patrol path and the ditch that run along a perimeter."""
    n, shape = canvas.side, (canvas.side, canvas.side)
    step = np.gradient(points, axis=0)
    aside = np.stack([-step[:, 1], step[:, 0]], axis=1) / np.maximum(np.hypot(*step.T), 1e-9)[:, None]
    for _ in range(int(rng.integers(0, 4))):
        width, off = rng.uniform(1.5, 9) / canvas.pixel_m, rng.uniform(-8, 8) / canvas.pixel_m
        name = str(rng.choice(["soil", "sand", "dry", "gravel", "grass", "concrete", "asphalt"], p=[0.25, 0.15, 0.2, 0.15, 0.1, 0.1, 0.05]))
        mask = softened(stroke(n, points + off * aside, width), float(rng.uniform(0.4, 2.0))) * np.float32(rng.uniform(0.4, 1.0))
        canvas.paint(mask, material(rng, name, shape, canvas.pixel_m))


def put_up_barrier(canvas: Canvas, points: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Put up the wall or the fence, or a second one beside it, now and then with gaps."""
    for k in range(int(rng.choice([0, 1, 2], p=[0.2, 0.65, 0.15]))):
        off = k * rng.uniform(4, 12) / canvas.pixel_m * rng.choice([-1, 1])
        step = np.gradient(points, axis=0)
        aside = np.stack([-step[:, 1], step[:, 0]], axis=1) / np.maximum(np.hypot(*step.T), 1e-9)[:, None]
        path = points + off * aside
        high, bright = float(rng.uniform(1.2, 5.0)), float(rng.uniform(0.08, 0.88))
        width = max(rng.uniform(0.25, 2.0) / canvas.pixel_m, 0.6)
        cuts = sorted(rng.integers(0, len(path), int(rng.choice([0, 2, 4]))))
        pieces = np.split(path, cuts)[:: 2 if cuts and rng.random() < 0.5 else 1]
        for piece in pieces:
            if len(piece) > 1:
                draw_wall(canvas, stroke(canvas.side, piece, width), high, bright)
