"""Rendered ground with guard towers along a perimeter, and all that could be taken for one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from PIL import Image as Picture
from scipy import ndimage as ndi

from camwatch.imagery.image import Sun
from camwatch.render.draw import draw
from camwatch.render.optics import View, sky_share
from camwatch.render.settlement.buildings import draw_building
from camwatch.render.settlement.camera import any_camera, photograph
from camwatch.render.settlement.canvas import BUILDING, FACADE, OTHER, SHADOW, TREE, Canvas, filled, material, stroke
from camwatch.render.settlement.layout import Site, develop, strewn
from camwatch.render.settlement.light import Light, shine
from camwatch.render.settlement.noise import noise_tables, softened
from camwatch.render.settlement.things import Thing, Tree, draw_box, draw_patch, draw_tree, draw_wall
from camwatch.render.settlement.trees import plant_trees
from camwatch.render.solids import Solid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.render.settlement.layout import Development

SIDE_M = 128.0
RGB = ("red", "green", "blue")
TREES, SHADE = 1, 2
"""Bits of the mask of what hides the ground."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One rendered place.

    Attributes
    ----------
    picture : (3, y, x) uint8
    pixel_m : float
    sun : Sun
        Azimuth clockwise from the top of the picture.
    towers : (n, 5) float32
        Row, column (pixel centres at integers), side and height in metres, 1 where it can be seen, 0 where it hides under a crown or in deep shade.
    line : (m, 2) float32
        Row, column of points on the perimeter; empty where there is none.
    hidden : (y, x) uint8
    """

    picture: NDArray[np.uint8]
    pixel_m: float
    sun: Sun
    towers: NDArray[np.float32]
    line: NDArray[np.float32]
    hidden: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Post:
    """A tower to be drawn: place and half side in cells, turn in radians, height in metres, metres that stay open under its cabin."""

    x: float
    y: float
    half: float
    aspect: float
    turn: float
    height_m: float
    open_m: float


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """A place without its towers: brightness, classes, deep shade, light, side of a cell, the perimeter, and buildings that are towers themselves."""

    values: NDArray[np.float32]
    kind: NDArray[np.uint8]
    dark: NDArray[np.bool_]
    light: Light
    cell: float
    points: NDArray[np.float64]
    others: list[tuple[float, float, float, float]]


def scenes(seed: int, count: int = 1, pixel_m: float | None = None) -> list[Scene]:
    """Render a place with `count` sets of towers, each photographed by a sensor of its own.

    Parameters
    ----------
    seed : int
        The same seed gives the same bytes.
    count : int
        Pictures of the place; its ground, clutter and sun are shared.
    pixel_m : float, optional
        Ground sample distance; drawn from 0.28 to 1.1 m without it, half of the pictures near half a metre.
    """
    rng = np.random.default_rng(seed)
    place = _place(rng)
    out = []
    for _ in range(count):
        gsd = pixel_m or float(rng.uniform(0.42, 0.62) if rng.random() < 0.5 else np.exp(rng.uniform(np.log(0.28), np.log(1.1))))
        out.append(_guarded(place, gsd, rng))
    return out


def _place(rng: np.random.Generator) -> _Place:
    """Render the ground, what is built on it, the perimeter and the clutter."""
    cell = float(rng.uniform(0.33, 0.45))
    side = round(SIDE_M / cell)
    canvas, site = Canvas.empty(side, cell), Site(rng, side, cell)
    _land(canvas, rng)
    for thing in strewn(site, float(rng.choice([1, 4, 9]))):
        draw_patch(canvas, thing)
    points = _course(rng, side, cell) if rng.random() < 0.8 else np.zeros((0, 2))
    if len(points):
        _strips(canvas, points, rng)
    built = [develop(site)] if rng.random() < 0.5 else []
    for made in built:
        _develop(canvas, site, made, rng)
    others = [(b.x, b.y, b.parts[0].long * cell * 2, b.parts[0].eaves_m + 1.0) for made in built for b in made.buildings if b.sort == "tower"]
    if len(points):
        _barrier(canvas, points, rng)
    trees = plant_trees(site, built)
    for k in rng.permutation(len(trees))[:400]:
        tree = trees[k]
        if canvas.kind[int(tree.y), int(tree.x)] != BUILDING or rng.random() < 0.15:
            draw_tree(canvas, tree, int(rng.integers(1 << 30)))
    sun = Sun(float(rng.uniform(0, 360)), float(rng.uniform(15, 70)))
    if len(points) and rng.random() < 0.2:
        _row_of_trees(canvas, points, rng)
    _clutter(canvas, points, sun, rng)
    off_nadir = float(min(abs(rng.normal(0, 9)), 25)) if rng.random() < 0.35 else 0.0
    light = Light(sun, float(rng.uniform(0, 360)), off_nadir, float(rng.uniform(0.12, 0.45)))
    seen = shine(canvas, light)
    values, dark = _hills(seen.values, light, rng)
    return _Place(values, seen.kind, dark, light, cell, points, others)


def _guarded(place: _Place, pixel_m: float, rng: np.random.Generator) -> Scene:
    """Put towers into a place and photograph it."""
    cell, kind, light, side = place.cell, place.kind, place.light, place.kind.shape[0]
    posts = _posts(kind, cell, place.points, place.others, rng)
    view = View(light.off_nadir_deg, light.view_azimuth_deg)
    values, shown = _erected(place, posts, view, rng)
    table = [(x, y, wide, high, _clear(kind, x, y, wide / cell)) for x, y, wide, high in place.others if 0 <= x < side and 0 <= y < side]
    table += [(*_roof_seen(post, cell, view), 2 * post.half * cell, post.height_m, ok) for post, ok in zip(posts, shown, strict=True)]
    broad = (kind == SHADOW) & (ndi.uniform_filter((kind == SHADOW).astype(np.float32), 10 / cell) > 0.7)
    hidden = ((kind == TREE) * np.uint8(TREES)) | ((place.dark | broad) * np.uint8(SHADE))
    return _delivered(values, hidden, np.array(table, np.float32).reshape(-1, 5), place.points, (cell, pixel_m, light.sun), rng)


def _land(canvas: Canvas, rng: np.random.Generator) -> None:
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


def _develop(canvas: Canvas, site: Site, made: Development, rng: np.random.Generator) -> None:
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


def _course(rng: np.random.Generator, side: int, cell: float) -> NDArray[np.float64]:
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


def _strips(canvas: Canvas, points: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Lay the cleared strips, the patrol path and the ditch that run along a perimeter."""
    n, shape = canvas.side, (canvas.side, canvas.side)
    step = np.gradient(points, axis=0)
    aside = np.stack([-step[:, 1], step[:, 0]], axis=1) / np.maximum(np.hypot(*step.T), 1e-9)[:, None]
    for _ in range(int(rng.integers(0, 4))):
        width, off = rng.uniform(1.5, 9) / canvas.pixel_m, rng.uniform(-8, 8) / canvas.pixel_m
        name = str(rng.choice(["soil", "sand", "dry", "gravel", "grass", "concrete", "asphalt"], p=[0.25, 0.15, 0.2, 0.15, 0.1, 0.1, 0.05]))
        mask = softened(stroke(n, points + off * aside, width), float(rng.uniform(0.4, 2.0))) * np.float32(rng.uniform(0.4, 1.0))
        canvas.paint(mask, material(rng, name, shape, canvas.pixel_m))


def _barrier(canvas: Canvas, points: NDArray[np.float64], rng: np.random.Generator) -> None:
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


def _posts(
    kind: NDArray[np.uint8], cell: float, points: NDArray[np.float64], others: list[tuple[float, float, float, float]], rng: np.random.Generator
) -> list[_Post]:
    """Return towers at irregular steps on and beside the line, and some elsewhere; off buildings and clear of one another."""
    side = kind.shape[0]
    wanted: list[NDArray[np.float64]] = []
    if len(points) and rng.random() < 0.9:
        spots = points[rng.integers(len(points), size=int(rng.integers(2, 12)))]
        wanted += [spot + rng.normal(0, (1.2 if rng.random() < 0.6 else 4.0) / cell, 2) for spot in spots]
    wanted += [rng.uniform(0.03, 0.97, 2) * side for _ in range(int(rng.choice([0, 2, 6])))]
    posts: list[_Post] = []
    for x, y in wanted:
        if not (4 < x < side - 4 and 4 < y < side - 4):
            continue
        half = (rng.uniform(2.4, 8.2) if rng.random() < 0.5 else rng.uniform(2.6, 5.0)) / 2 / cell
        reach = int(half * 1.3)
        under = kind[max(int(y) - reach, 0) : int(y) + reach + 1, max(int(x) - reach, 0) : int(x) + reach + 1]
        near = any(np.hypot(x - p.x, y - p.y) * cell < 9 for p in posts) or any(np.hypot(x - o[0], y - o[1]) * cell < 9 for o in others)
        if near or (under == BUILDING).any() or (under == FACADE).any() or ((under == TREE).any() and rng.random() < 0.6):
            continue
        height = float(rng.uniform(4.2, 13))
        stilts = float(rng.uniform(0.2, 0.75) * height) if rng.random() < 0.45 else 0.0
        posts.append(_Post(float(x), float(y), float(half), float(rng.uniform(0.75, 1.0)), float(rng.uniform(0, np.pi)), height, stilts))
    return posts


def _row_of_trees(canvas: Canvas, points: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Plant trees of one kind in a row along the line, as one plants them along a road."""
    off, radius = rng.uniform(-10, 10, 2) / canvas.pixel_m, rng.uniform(1.0, 3.0)
    for x, y in points[:: int(rng.integers(3, 9))] + off:
        _tree(canvas, x, y, radius * rng.uniform(0.7, 1.2) / canvas.pixel_m, radius * 2.0, rng)


def _clutter(canvas: Canvas, points: NDArray[np.float64], sun: Sun, rng: np.random.Generator) -> None:
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


def _hills(values: NDArray[np.float32], light: Light, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Lay the shadow of a hill over a part of one place in twelve; return where."""
    shape = values.shape[1:]
    if rng.random() > 0.08:
        return values, np.zeros(shape, bool)
    level = noise_tables().field(rng, (shape[0], shape[1]), 3.0, 2.0)
    a = rng.uniform(0, 2 * np.pi)
    ramp = (np.arange(shape[1])[None] * np.cos(a) + np.arange(shape[0])[:, None] * np.sin(a)) / max(shape)
    dark = level * 0.25 + ramp > rng.uniform(-0.2, 0.8)
    soft = softened(dark, 3.0)
    return np.asarray(values * (1 - (1 - np.float32(light.sky)) * soft), np.float32), np.asarray(dark)


def _clear(kind: NDArray[np.uint8], x: float, y: float, wide: float) -> float:
    """Return 1 where the roof at a place is not hidden by crowns."""
    r = max(round(wide / 3), 1)
    part = kind[max(int(y) - r, 0) : int(y) + r + 1, max(int(x) - r, 0) : int(x) + r + 1]
    return float((part == TREE).mean() < 0.35) if part.size else 0.0


def _roof_seen(post: _Post, cell: float, view: View) -> tuple[float, float]:
    """Return where the roof of a tower appears: it leans away from the sensor."""
    lean = np.tan(np.deg2rad(view.off_nadir_deg)) * post.height_m / cell
    a = np.deg2rad(view.azimuth_deg)
    return float(post.x - lean * np.sin(a)), float(post.y + lean * np.cos(a))


def _erected(place: _Place, posts: list[_Post], view: View, rng: np.random.Generator) -> tuple[NDArray[np.float32], list[float]]:
    """Draw the towers into the brightness; crowns stay above them. Return also which can be seen."""
    cell, light, kind, dark = place.cell, place.light, place.kind, place.dark
    out, shown = place.values.copy(), []
    crowns = kind == TREE
    already = (kind == SHADOW) | dark
    sky = np.float32(light.sky)
    for post in posts:
        solid = _solid(post, cell, rng)
        # Solids live in metres with y upwards; the canvas counts rows downwards.
        transform = Affine(cell, 0, 0, 0, -cell, 0)
        layers = draw(solid, transform, kind.shape, RGB, light.sun, view=view, finest_m=cell / 2, grain=0.05, rng=rng)
        if layers is None:
            shown.append(0.0)
            continue
        window = layers.window
        shade = 1 - layers.lit / np.maximum(layers.open, 1e-3)
        if post.open_m:
            shade = np.clip(shade - _lit_below(post, solid, transform, kind.shape, light, window), 0, 1)
            legs = rng.uniform(0.05, 0.5)
            shade = np.maximum(shade, legs * (1 - layers.lit / np.maximum(layers.open, 1e-3)))
        # Shadows of one picture differ in depth: lattice, wires, glass, light from walls beside; and they are bluer than the ground.
        depth = float(rng.uniform(0.45, 1.0)) if rng.random() < 0.5 else 1.0
        tint = np.array([1.0, 0.98, 0.94], np.float32)[:, None, None] ** np.float32(rng.uniform(0, 2))
        dimmed = layers.open * (1 - (1 - sky) * depth * tint * shade * ~already[window])
        under = dark[window].mean() > 0.5
        # The roof was lit by draw's own share of sky; a hill's shadow leaves it that share.
        roof = _two_tone(layers.roof, rng) * (sky_share("green", light.sun) if under else 1.0)
        fresh = out[:, *window] * dimmed + roof
        if rng.random() < 0.4:  # thatch, nets and rust are nearer to the ground's own tone
            fresh = np.where(layers.open < 0.5, fresh + np.float32(rng.uniform(0, 0.3)) * (out[:, *window] - fresh), fresh)
        hiding = crowns[window] & (rng.random() < 0.97)
        out[:, *window] = np.where(hiding, out[:, *window], fresh)
        inside = layers.open < 0.5
        visible = float((inside & ~hiding).sum()) / max(float(inside.sum()), 1.0)
        shown.append(float(visible > 0.6 and not under))
    return out, shown


def _lit_below(  # noqa: PLR0917 all plain
    post: _Post, solid: Solid, transform: Affine, shape: tuple[int, int], light: Light, window: tuple[slice, slice]
) -> NDArray[np.float32]:
    """Return how much of a solid tower's shadow is missing under a cabin on stilts: what its open part would throw, less the cabin's length."""
    drop = 0.8 * solid.length_m * np.tan(np.deg2rad(light.sun.elevation_deg))
    out = np.zeros((window[0].stop - window[0].start, window[1].stop - window[1].start), np.float32)
    if post.open_m - drop < 0.5:
        return out
    low = draw(replace(solid, height_m=post.open_m - drop, roof="flat"), transform, shape, RGB, light.sun)
    if low is None:
        return out
    shade = 1 - low.lit / np.maximum(low.open, 1e-3)
    rows = slice(max(low.window[0].start, window[0].start), min(low.window[0].stop, window[0].stop))
    cols = slice(max(low.window[1].start, window[1].start), min(low.window[1].stop, window[1].stop))
    if rows.stop > rows.start and cols.stop > cols.start:
        inner = slice(rows.start - window[0].start, rows.stop - window[0].start), slice(cols.start - window[1].start, cols.stop - window[1].start)
        part = (
            slice(rows.start - low.window[0].start, rows.stop - low.window[0].start),
            slice(cols.start - low.window[1].start, cols.stop - low.window[1].start),
        )
        out[inner] = shade[part]
    return out


def _solid(post: _Post, cell: float, rng: np.random.Generator) -> Solid:
    side = 2 * post.half * cell
    return Solid(
        "tower",
        post.x * cell,
        -post.y * cell,
        side,
        side * post.aspect,
        post.height_m,
        float(np.rad2deg(post.turn)),
        roof=str(rng.choice(["flat", "pyramid", "gable"], p=[0.4, 0.4, 0.2])),  # type: ignore[arg-type]  # one of them
        pitch=float(rng.uniform(0.1, 0.6)),
        material=str(rng.choice(["concrete", "tile", "metal", "whitewash", "thatch"])),  # type: ignore[arg-type]  # one of them
        roof_reflectance=float(np.exp(rng.uniform(np.log(0.10), np.log(0.85)))),
        wall_reflectance=float(rng.uniform(0.1, 0.6)),
    )


def _two_tone(roof: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a roof of which a part is tinted: sheets, a hatch, rust, another slope."""
    tint = np.exp(rng.normal(0, 0.08, 3)).astype(np.float32)[:, None, None]
    out = roof * tint
    if rng.random() < 0.4:
        rows, cols = np.indices(roof.shape[1:])
        a = rng.uniform(0, 2 * np.pi)
        across = (rows - rows.mean()) * np.sin(a) + (cols - cols.mean()) * np.cos(a)
        out = out * np.where(across > rng.normal(0, 2), np.float32(rng.uniform(0.55, 1.5)), np.float32(1))
    return np.asarray(out, np.float32)


def _delivered(  # noqa: PLR0917 all plain
    values: NDArray[np.float32],
    hidden: NDArray[np.uint8],
    towers: NDArray[np.float32],
    points: NDArray[np.float64],
    scale: tuple[float, float, Sun],
    rng: np.random.Generator,
) -> Scene:
    """Take the picture: the sensor's blur and pixels, then the product's own treatment."""
    cell, pixel_m, sun = scale
    camera = any_camera(rng)
    own = pixel_m * (1.0 if rng.random() < 0.75 else float(rng.uniform(1.0, 1.35)))
    blurred = ndi.gaussian_filter(values, (0, *[float(rng.uniform(0.3, 0.7)) * own / cell] * 2))
    size = max(round(values.shape[2] * cell / pixel_m), 16)
    planes = [np.asarray(Picture.fromarray(plane).resize((size, size), Picture.Resampling.BOX), np.float32) for plane in blurred]
    picture = photograph(np.stack(planes), replace(camera, blur_px=float(rng.uniform(0.0, 0.35)), coarse=1.0), rng)
    ratio = size / values.shape[2]
    mask = np.asarray(Picture.fromarray(hidden).resize((size, size), Picture.Resampling.NEAREST), np.uint8)
    # Cells' centres lie at integers, and so do pixels'.
    x, y = ((towers[:, k] + 0.5) * ratio - 0.5 for k in (0, 1))
    line = ((points[:, ::-1] + 0.5) * ratio - 0.5).astype(np.float32)
    table = np.stack([y, x, towers[:, 2], towers[:, 3], towers[:, 4]], axis=1).astype(np.float32)
    actual = values.shape[2] * cell / size
    return Scene(np.ascontiguousarray(picture.transpose(2, 0, 1)), float(actual), sun, table, line, mask)
