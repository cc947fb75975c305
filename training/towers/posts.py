"""Guard towers: where they stand, what they are like, and how a place looks with them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine

from camwatch.render.draw import draw
from camwatch.render.optics import View, sky_share
from camwatch.render.settlement.canvas import BUILDING, FACADE, SHADOW, TREE
from camwatch.render.solids import Solid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.render.settlement.light import Light

RGB = ("red", "green", "blue")


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A place without its towers: brightness, classes, deep shade, light, side of a cell, the perimeter, and buildings that are towers themselves."""

    values: NDArray[np.float32]
    kind: NDArray[np.uint8]
    dark: NDArray[np.bool_]
    light: Light
    cell: float
    points: NDArray[np.float64]
    others: list[tuple[float, float, float, float]]


@dataclass(frozen=True, slots=True)
class Post:
    """A tower to be drawn: place and half side in cells, turn in radians, height in metres, metres that stay open under its cabin."""

    x: float
    y: float
    half: float
    aspect: float
    turn: float
    height_m: float
    open_m: float


def any_posts(
    kind: NDArray[np.uint8], cell: float, points: NDArray[np.float64], others: list[tuple[float, float, float, float]], rng: np.random.Generator
) -> list[Post]:
    """Return towers at irregular steps on and beside the line, and some elsewhere; off buildings and clear of one another."""
    side = kind.shape[0]
    wanted: list[NDArray[np.float64]] = []
    if len(points) and rng.random() < 0.9:
        spots = points[rng.integers(len(points), size=int(rng.integers(2, 12)))]
        wanted += [spot + rng.normal(0, (1.2 if rng.random() < 0.6 else 4.0) / cell, 2) for spot in spots]
    wanted += [rng.uniform(0.03, 0.97, 2) * side for _ in range(int(rng.choice([0, 2, 6])))]
    posts: list[Post] = []
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
        posts.append(Post(float(x), float(y), float(half), float(rng.uniform(0.75, 1.0)), float(rng.uniform(0, np.pi)), height, stilts))
    return posts


def unhidden(kind: NDArray[np.uint8], x: float, y: float, wide: float) -> float:
    """Return 1 where the roof at a place is not hidden by crowns."""
    r = max(round(wide / 3), 1)
    part = kind[max(int(y) - r, 0) : int(y) + r + 1, max(int(x) - r, 0) : int(x) + r + 1]
    return float((part == TREE).mean() < 0.35) if part.size else 0.0


def roof_seen(post: Post, cell: float, view: View) -> tuple[float, float]:
    """Return where the roof of a tower appears: it leans away from the sensor."""
    lean = np.tan(np.deg2rad(view.off_nadir_deg)) * post.height_m / cell
    a = np.deg2rad(view.azimuth_deg)
    return float(post.x - lean * np.sin(a)), float(post.y + lean * np.cos(a))


def erected(place: Place, posts: list[Post], view: View, rng: np.random.Generator) -> tuple[NDArray[np.float32], list[float]]:
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
            shade = _propped(shade, post, solid, (transform, kind.shape, light, window), rng)
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


def _propped(
    shade: NDArray[np.float32], post: Post, solid: Solid, frame: tuple[Affine, tuple[int, ...], Light, tuple[slice, slice]], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the shadow of a cabin on legs or on a shaft from that of a solid tower: what is open lets light through, less the cabin's length."""
    drop = 0.8 * solid.length_m * np.tan(np.deg2rad(frame[2].sun.elevation_deg))
    clear = shade
    if post.open_m - drop >= 0.5:
        clear = np.clip(shade - _shade_in(frame, replace(solid, height_m=post.open_m - drop, roof="flat")), 0, 1)
    if rng.random() < 0.4:
        share = float(rng.uniform(0.25, 0.6))
        shaft = replace(solid, length_m=share * solid.length_m, width_m=share * solid.width_m, height_m=post.open_m, roof="flat")
        return np.maximum(clear, np.float32(rng.uniform(0.3, 1.0)) * _shade_in(frame, shaft))
    return np.maximum(clear, np.float32(rng.uniform(0.0, 0.5)) * shade)


def _shade_in(frame: tuple[Affine, tuple[int, ...], Light, tuple[slice, slice]], solid: Solid) -> NDArray[np.float32]:
    """Return the shadow that a solid throws within a window of the place."""
    transform, shape, light, window = frame
    out = np.zeros((window[0].stop - window[0].start, window[1].stop - window[1].start), np.float32)
    low = draw(solid, transform, (shape[0], shape[1]), RGB, light.sun)
    if low is None:
        return out
    rows, cols = (slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(low.window, window, strict=True))
    if rows.stop > rows.start and cols.stop > cols.start:
        inner, part = (
            (slice(rows.start - w[0].start, rows.stop - w[0].start), slice(cols.start - w[1].start, cols.stop - w[1].start))
            for w in (window, low.window)
        )
        out[inner] = (1 - low.lit / np.maximum(low.open, 1e-3))[part]
    return out


def _solid(post: Post, cell: float, rng: np.random.Generator) -> Solid:
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
    tint = np.exp(rng.normal(0, 0.08 if rng.random() < 0.65 else 0.35, 3)).astype(np.float32)[:, None, None]  # paint and coloured sheets
    out = roof * tint
    if rng.random() < 0.4:
        rows, cols = np.indices(roof.shape[1:])
        a = rng.uniform(0, 2 * np.pi)
        across = (rows - rows.mean()) * np.sin(a) + (cols - cols.mean()) * np.cos(a)
        out = out * np.where(across > rng.normal(0, 2), np.float32(rng.uniform(0.55, 1.5)), np.float32(1))
    return np.asarray(out, np.float32)
