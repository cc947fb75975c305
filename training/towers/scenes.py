"""Rendered ground with guard towers along a perimeter, and all that could be taken for one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Picture
from scipy import ndimage as ndi

from camwatch.imagery.image import Sun
from camwatch.render.optics import View
from camwatch.render.settlement.camera import any_camera, photograph
from camwatch.render.settlement.canvas import BUILDING, SHADOW, TREE, Canvas
from camwatch.render.settlement.layout import develop, strewn
from camwatch.render.settlement.light import Light, shine
from camwatch.render.settlement.noise import noise_tables, softened
from camwatch.render.settlement.patches import draw_patch
from camwatch.render.settlement.site import Site
from camwatch.render.settlement.things import draw_tree
from camwatch.render.settlement.trees import plant_trees
from training.towers.clutter import plant_row, strew_clutter
from training.towers.ground import build, course, cover, lay_strips, put_up_barrier
from training.towers.posts import Place, any_posts, erected, roof_seen, unhidden

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE_M = 128.0
SUNS_DEG = (15.0, 70.0)
"""Elevations of the sun."""

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


def scenes(seed: int, count: int = 1, pixel_m: float | None = None, suns: tuple[float, float] = SUNS_DEG) -> list[Scene]:
    """Render a place with `count` sets of towers, each photographed by a sensor of its own.

    Parameters
    ----------
    seed : int
        The same seed gives the same bytes.
    count : int
        Pictures of the place; its ground, clutter and sun are shared.
    pixel_m : float, optional
        Ground sample distance; drawn from 0.28 to 1.1 m without it, half of the pictures near half a metre.
    suns : (float, float)
        Lowest and highest elevation of the sun in degrees.
    """
    rng = np.random.default_rng(seed)
    place = _place(suns, rng)
    out = []
    for _ in range(count):
        gsd = pixel_m or float(rng.uniform(0.42, 0.62) if rng.random() < 0.5 else np.exp(rng.uniform(np.log(0.28), np.log(1.1))))
        out.append(_guarded(place, gsd, rng))
    return out


def _place(suns: tuple[float, float], rng: np.random.Generator) -> Place:
    """Render the ground, what is built on it, the perimeter and the clutter."""
    cell = float(rng.uniform(0.33, 0.45))
    side = round(SIDE_M / cell)
    canvas, site = Canvas.empty(side, cell), Site(rng, side, cell)
    cover(canvas, rng)
    for thing in strewn(site, float(rng.choice([1, 4, 9]))):
        draw_patch(canvas, thing)
    points = course(rng, side, cell) if rng.random() < 0.8 else np.zeros((0, 2))
    if len(points):
        lay_strips(canvas, points, rng)
    built = [develop(site)] if rng.random() < 0.5 else []
    for made in built:
        build(canvas, site, made, rng)
    others = [(b.x, b.y, b.parts[0].long * cell * 2, b.parts[0].eaves_m + 1.0) for made in built for b in made.buildings if b.sort == "tower"]
    if len(points):
        put_up_barrier(canvas, points, rng)
    trees = plant_trees(site, built)
    for k in rng.permutation(len(trees))[:400]:
        tree = trees[k]
        if canvas.kind[int(tree.y), int(tree.x)] != BUILDING or rng.random() < 0.15:
            draw_tree(canvas, tree, int(rng.integers(1 << 30)))
    sun = Sun(float(rng.uniform(0, 360)), float(rng.uniform(*suns)))
    if len(points) and rng.random() < 0.2:
        plant_row(canvas, points, rng)
    strew_clutter(canvas, points, sun, rng)
    off_nadir = float(min(abs(rng.normal(0, 9)), 25)) if rng.random() < 0.35 else 0.0
    light = Light(sun, float(rng.uniform(0, 360)), off_nadir, float(rng.uniform(0.12, 0.45)))
    seen = shine(canvas, light)
    values, dark = _hills(seen.values, light, rng)
    return Place(values, seen.kind, dark, light, cell, points, others)


def _guarded(place: Place, pixel_m: float, rng: np.random.Generator) -> Scene:
    """Put towers into a place and photograph it."""
    cell, kind, light, side = place.cell, place.kind, place.light, place.kind.shape[0]
    posts = any_posts(kind, cell, place.points, place.others, rng)
    view = View(light.off_nadir_deg, light.view_azimuth_deg)
    values, shown = erected(place, posts, view, rng)
    table = [(x, y, wide, high, unhidden(kind, x, y, wide / cell)) for x, y, wide, high in place.others if 0 <= x < side and 0 <= y < side]
    table += [(*roof_seen(post, cell, view), 2 * post.half * cell, post.height_m, ok) for post, ok in zip(posts, shown, strict=True)]
    broad = (kind == SHADOW) & (ndi.uniform_filter((kind == SHADOW).astype(np.float32), 10 / cell) > 0.7)
    hidden = ((kind == TREE) * np.uint8(TREES)) | ((place.dark | broad) * np.uint8(SHADE))
    return _delivered(values, hidden, np.array(table, np.float32).reshape(-1, 5), place.points, (cell, pixel_m, light.sun), rng)


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
