"""Enclosing lines and roads drawn over rendered ground, cell by cell, from the signed distance to a course."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.imagery.image import Sun

    Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A course over a tile, by cell: signed distance in cells (positive to its right), and heading in radians counter-clockwise from east."""

    distance: Plane
    heading: Plane


def course(rng: np.random.Generator, side: int) -> Course:
    """Return a random course across a square tile: straight stretches of 40 to 200 cells with turns between."""
    heading = rng.uniform(0, 2 * np.pi)
    middle = rng.uniform(0.3, 0.7, 2) * side
    arms = []
    for sense in (1, -1):
        angle, points, reach = heading + (np.pi if sense < 0 else 0), [middle], 0.0
        while reach < 1.5 * side:
            step = rng.uniform(40, 200)
            points.append(points[-1] + step * np.array([np.cos(angle), -np.sin(angle)]))
            angle += rng.choice([rng.normal(0, 0.25), rng.uniform(-1.6, 1.6)], p=[0.6, 0.4])
            reach += step
        arms.append(points)
    points = np.array(arms[1][:0:-1] + arms[0])
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) + 0.5
    best, signed, course_heading = np.full((side, side), np.inf, np.float32), np.zeros((side, side), np.float32), np.zeros((side, side), np.float32)
    for start, stop in pairwise(points):
        along = stop - start
        length = float(np.hypot(*along))
        unit = along / length
        part = np.clip((x - start[0]) * unit[0] + (y - start[1]) * unit[1], 0, length)
        away_x, away_y = x - start[0] - part * unit[0], y - start[1] - part * unit[1]
        distance = np.hypot(away_x, away_y)
        nearer = distance < best
        best[nearer] = distance[nearer]
        # Rows run down: to the right of (dx, dy) is (-dy, dx).
        signed[nearer] = (np.sign(away_x * -unit[1] + away_y * unit[0]) * distance)[nearer]
        course_heading[nearer] = np.arctan2(-unit[1], unit[0])
    return Course(signed, course_heading)


def share(distance: Plane, low: float | Plane, high: float | Plane) -> Plane:
    """Return the share of each cell that lies between two distances from the course, in cells."""
    return np.asarray(np.clip(np.minimum(distance + 0.5, high) - np.maximum(distance - 0.5, low), 0, 1), np.float32)


def draw_line(rng: np.random.Generator, light: Plane, path: Course, sun: Sun, cell_m: float) -> Plane:
    """Return brightness with a wall, fence, ditch, patrol track or row of posts along a course, most of them with cleared ground."""
    kind = rng.choice(["wall", "fence", "ditch", "track", "posts"], p=[0.4, 0.3, 0.08, 0.1, 0.12])
    out = light.copy()
    d = path.distance
    strength = rng.uniform(0.0, 0.5) if rng.random() < 0.93 else rng.uniform(-0.4, -0.15)
    near, far = rng.uniform(0.5, 6, 2) * rng.choice([[1, 1], [1, 0.1], [0.1, 1]]) / cell_m
    # Bare ground is brighter than most of what grows.
    cleared = float(np.quantile(light, rng.uniform(0.5, 0.85)))
    patchy = _patches(rng, light.shape, 30.0)
    if kind != "ditch" or rng.random() < 0.5:
        cover = share(d, -near, far) * np.clip(0.75 + 0.5 * patchy, 0.1, 1)
        ground = cleared * (1 + strength) * (1 + 0.05 * rng.standard_normal(light.shape).astype(np.float32))
        out = out * (1 - 0.8 * cover) + 0.8 * cover * ground
    if kind == "track" or rng.random() < 0.3:
        side = rng.choice([-1, 1]) * rng.uniform(0, 6) / cell_m
        half = rng.uniform(1.2, 2.5) / cell_m
        out = out * (1 + rng.uniform(0.05, 0.4) * share(d, side - half, side + half))
    if kind == "ditch":
        half = rng.uniform(1, 3) / cell_m
        out = out * (1 - rng.uniform(0.15, 0.5) * share(d, -half, half))
        bank = rng.choice([-1, 1])
        out = out * (1 + rng.uniform(0, 0.4) * share(bank * d, half, half + rng.uniform(1, 4) / cell_m))
    if kind in {"wall", "fence", "posts"}:
        opacity = {"wall": 1.0, "fence": rng.uniform(0.15, 0.6), "posts": rng.uniform(0.2, 0.5)}[str(kind)]
        out = _shadow(out, path, sun, height=rng.uniform(2, 5) / cell_m, darkness=rng.uniform(0.35, 0.7) * opacity)
        if kind == "wall":
            half = rng.uniform(0.2, 0.6) / cell_m
            top = share(d, -half, half)
            out = out * (1 - top) + top * cleared * rng.uniform(0.7, 2.0)
    return out


def _shadow(light: Plane, path: Course, sun: Sun, *, height: float, darkness: float) -> Plane:
    azimuth = np.deg2rad(sun.azimuth_deg)
    # To the right of the heading, on the ground: (east, north) = (sin h, -cos h); away from the sun: -(sin az, cos az).
    across = -(np.sin(path.heading) * np.sin(azimuth) - np.cos(path.heading) * np.cos(azimuth))
    reach = np.asarray(height / np.tan(np.deg2rad(sun.elevation_deg)) * across, np.float32)
    return light * (1 - darkness * share(path.distance, np.minimum(reach, 0), np.maximum(reach, 0)))


def draw_road(rng: np.random.Generator, light: Plane, path: Course, cell_m: float) -> Plane:
    """Return brightness with a road, a track, a hedge or a bank between two fields along a course: what is no enclosing line."""
    d = path.distance
    kind = rng.choice(["road", "track", "field", "trees"], p=[0.45, 0.2, 0.2, 0.15])
    if kind == "field":
        return light * (1 + rng.uniform(-0.35, 0.45) * (d > 0))
    if kind == "trees":
        half = rng.uniform(1.5, 5) / cell_m
        return light * (1 - rng.uniform(0.3, 0.6) * share(d, -half, half) * np.clip(0.6 + _patches(rng, light.shape, 5.0), 0, 1))
    half = (rng.uniform(2.5, 7) if kind == "road" else rng.uniform(1, 2)) / cell_m
    tone = float(np.median(light)) * rng.uniform(0.5, 1.7)
    cover = share(d, -half, half)
    out = light * (1 - 0.9 * cover) + 0.9 * cover * tone
    if kind == "road" and rng.random() < 0.4:  # a verge, a lane's marking
        edge = rng.uniform(1, 3) / cell_m
        out = out * (1 + rng.uniform(-0.3, 0.3) * (share(d, half, half + edge) + share(d, -half - edge, -half)))
    return out


def _patches(rng: np.random.Generator, shape: tuple[int, ...], size: float) -> Plane:
    """Return smooth noise of standard deviation 0.3 and some `size` cells."""
    coarse = rng.normal(0, 0.3, tuple(int(np.ceil(n / size)) + 2 for n in shape))
    rows, cols = (np.arange(n) / size for n in shape)
    r, c = rows.astype(int), cols.astype(int)
    fr, fc = (rows - r)[:, None], (cols - c)[None]
    corner = [coarse[np.ix_(r + i, c + j)] for i in (0, 1) for j in (0, 1)]
    return np.asarray((1 - fr) * ((1 - fc) * corner[0] + fc * corner[1]) + fr * ((1 - fc) * corner[2] + fc * corner[3]), np.float32)
