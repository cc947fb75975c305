"""Building blocks of worlds: parcels, rows of houses, towers along a line, walls, trees; all from a random generator and plain geometry."""

from __future__ import annotations

from math import atan2, cos, degrees, radians, sin
from typing import TYPE_CHECKING

import numpy as np
from shapely import Point, affinity, distance, intersects, points, polygons, prepare, union_all
from shapely.geometry import LineString, Polygon

from camwatch.render.solids import Material, Solid
from camwatch.render.texture import Lattice, Texture, noise_table
from camwatch.render.world import Patch, Standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

XY = tuple[float, float]


def rectangle(centre: XY, length: float, width: float, azimuth_deg: float) -> Polygon:
    """Return a rectangle whose `length` lies along the azimuth."""
    return Solid("building", *centre, length, width, 1.0, azimuth_deg).footprint


def wiggle(
    line: Iterable[Sequence[float]], rng: np.random.Generator, *, step_m: float = 30.0, sway_m: float = 12.0, wave_m: float = 600.0
) -> LineString:
    """Return a line through about the same places with rounded corners, swaying by `sway_m` over waves of about `wave_m`."""
    dense = np.array(LineString(list(line)).segmentize(step_m).coords)
    reach = max(1, min(int(wave_m / 4 / step_m), len(dense) // 8))
    padded = np.pad(dense, ((reach, reach), (0, 0)), mode="edge")
    smooth = np.mean([padded[k : k + len(dense)] for k in range(2 * reach + 1)], axis=0)
    smooth[[0, -1]] = dense[[0, -1]]
    ahead = np.gradient(smooth, axis=0)
    aside = np.column_stack([-ahead[:, 1], ahead[:, 0]]) / np.maximum(np.hypot(*ahead.T), 1e-9)[:, None]
    along = np.arange(len(dense)) * step_m
    sway = np.sum([sway_m / k**1.2 * rng.normal() * np.sin(2 * np.pi * (k * along / wave_m / 2 + rng.random())) for k in (1, 2, 3)], axis=0)
    return LineString(smooth + aside * sway[:, None])


def parcels(area: BaseGeometry, rng: np.random.Generator, *, smallest_m: float, azimuth_deg: float, gap_m: float = 1.2) -> list[Polygon]:
    """Split the turned bounding box of an area by straight cuts until pieces are about `smallest_m` wide; return those that touch it.

    Between two parcels a balk of `gap_m` stays free.
    """
    if area.is_empty:
        return []
    turned = affinity.rotate(area, azimuth_deg, origin=(0, 0))
    stack, done = [turned.bounds], []
    while stack:
        left, bottom, right, top = stack.pop()
        width, height = right - left, top - bottom
        if max(width, height) < smallest_m * rng.uniform(1.2, 2.6):
            done.append((left, bottom, right, top))
            continue
        cut = rng.uniform(0.36, 0.64)
        if width > height:
            stack += [(left, bottom, left + cut * width, top), (left + cut * width, bottom, right, top)]
        else:
            stack += [(left, bottom, right, bottom + cut * height), (left, bottom + cut * height, right, top)]
    left, bottom, right, top = np.array(done).T
    inset = gap_m / 2
    corners = np.stack([[left + inset, bottom + inset], [right - inset, bottom + inset], [right - inset, top - inset], [left + inset, top - inset]])
    corners = corners.transpose(2, 0, 1) + rng.normal(0, 2.0, (len(done), 4, 2))
    a = radians(-azimuth_deg)
    pieces = polygons(corners @ np.array([[cos(a), sin(a)], [-sin(a), cos(a)]]))
    prepare(area)
    return [piece for piece, touches in zip(pieces, intersects(area, pieces), strict=True) if touches and piece.is_valid]


def fields(
    pieces: Iterable[Polygon], rng: np.random.Generator, *, azimuth_deg: float, paddy: float = 0.25, lowland: bool = True, since: date | None = None
) -> list[Patch]:
    """Return parcels as fields with their own brightness, vigour and furrows."""
    return [
        Patch(
            piece,
            "paddy" if rng.random() < paddy else "field",
            tone=float(rng.normal(0, 0.14)),
            vigour=float(rng.normal(0, 0.22)),
            rows_deg=azimuth_deg + (90.0 if rng.random() < 0.4 else 0.0),
            lowland=lowland,
            since=since,
        )
        for piece in pieces
    ]


def block(
    centre: XY,
    counts: XY,
    pitch: XY,
    size: XY,
    *,
    azimuth_deg: float,
    rng: np.random.Generator,
    height_m: float = 4.0,
    keep: float = 1.0,
    materials: Sequence[Material] = ("tile", "concrete", "metal"),
    reflectance: XY = (0.10, 0.21),
    spread: float = 0.12,
) -> list[Solid]:
    """Return buildings in rows and columns around a centre, each a little different; `counts` and `pitch` are along and across the azimuth."""
    a = radians(azimuth_deg)
    out = []
    for i in range(int(counts[0])):
        for j in range(int(counts[1])):
            if rng.random() > keep:
                continue
            u = (i - (counts[0] - 1) / 2) * pitch[0] + rng.normal(0, spread * 6)
            v = (j - (counts[1] - 1) / 2) * pitch[1] + rng.normal(0, spread * 4)
            x, y = centre[0] + u * sin(a) + v * cos(a), centre[1] + u * cos(a) - v * sin(a)
            length, width = (float(s * (1 + rng.uniform(-spread, spread))) for s in size)
            out.append(
                Solid(
                    "building",
                    x,
                    y,
                    length,
                    width,
                    float(height_m * rng.uniform(0.9, 1.15)),
                    float(azimuth_deg + rng.normal(0, 1.2)),
                    roof="gable",
                    pitch=float(rng.uniform(0.35, 0.6)),
                    material=materials[int(rng.integers(len(materials)))],
                    roof_reflectance=float(rng.uniform(*reflectance)),
                    wall_reflectance=float(rng.uniform(0.25, 0.5)),
                )
            )
    return out


def clear_of(solids: Iterable[Solid], taken: BaseGeometry, gap_m: float = 4.0) -> list[Solid]:
    """Return the solids whose footprint keeps a gap to what is taken and to one another, in their order."""
    prepare(taken)
    out: list[Solid] = []
    kept: list[BaseGeometry] = []
    for solid in solids:
        footprint = solid.footprint
        shape = footprint.buffer(gap_m)
        if not intersects(taken, shape) and not intersects(shape, kept).any():
            out.append(solid)
            kept.append(footprint)
    return out


def towers_along(line: LineString, at_m: Iterable[float], rng: np.random.Generator, *, inside: Polygon, offset_m: float = 3.5) -> list[Solid]:
    """Return towers at distances along a line, standing `offset_m` inside it: 4 to 6 m wide, 7 to 10 m high, turned along the line."""
    out = []
    for s in at_m:
        p, q = line.interpolate(s % line.length), line.interpolate((s + 2) % line.length)
        tx, ty = q.x - p.x, q.y - p.y
        norm = float(np.hypot(tx, ty)) or 1.0
        nx, ny = -ty / norm, tx / norm
        if not inside.contains(Point(p.x + 2 * nx, p.y + 2 * ny)):
            nx, ny = -nx, -ny
        side, slim = float(rng.uniform(4, 6)), float(rng.uniform(0.9, 1.0))
        out.append(
            Solid(
                "tower",
                p.x + offset_m * nx,
                p.y + offset_m * ny,
                side,
                side * slim,
                float(rng.uniform(7, 10)),
                degrees(atan2(tx, ty)),
                roof="pyramid" if rng.random() < 0.6 else "flat",
                pitch=0.45,
                material="metal" if rng.random() < 0.5 else "concrete",
                roof_reflectance=float(rng.uniform(0.22, 0.42)),
                wall_reflectance=float(rng.uniform(0.3, 0.5)),
            )
        )
    return out


def along(line: BaseGeometry, *, piece_m: float, kind: str, width_m: float, height_m: float, reflectance: float, opacity: float = 1.0) -> list[Solid]:
    """Return a line as straight pieces of wall or fence."""
    out = []
    for part in getattr(line, "geoms", [line]):
        ends = np.array(part.segmentize(piece_m).coords)
        for (x0, y0), (x1, y1) in zip(ends[:-1, :2], ends[1:, :2], strict=True):
            length = float(np.hypot(x1 - x0, y1 - y0))
            if length > 0.1:
                out.append(
                    Solid(
                        "wall" if kind == "wall" else "fence",
                        (x0 + x1) / 2,
                        (y0 + y1) / 2,
                        length + width_m / 2,
                        width_m,
                        height_m,
                        degrees(atan2(x1 - x0, y1 - y0)),
                        roof_reflectance=reflectance,
                        wall_reflectance=reflectance,
                        opacity=opacity,
                    )
                )
    return out


def _tree(rng: np.random.Generator, radius_m: float, height_m: float) -> XY:
    return float(np.clip(rng.gamma(7, radius_m / 7), 0.9, 4.5)), float(np.clip(rng.normal(height_m, 1.6), 2.5, 12))


def trees_near(line: BaseGeometry, rng: np.random.Generator, *, every_m: float, scatter_m: float) -> list[tuple[float, float, float, float]]:
    """Return trees (x, y, crown radius, height) scattered along a line."""
    count = int(line.length / every_m)
    out = []
    for s in rng.uniform(0, line.length, count):
        p = line.interpolate(s)
        out.append((p.x + rng.normal(0, scatter_m), p.y + rng.normal(0, scatter_m), *_tree(rng, 2.3, 7.0)))
    return out


def trees_in(area: BaseGeometry, rng: np.random.Generator, count: int) -> list[tuple[float, float, float, float]]:
    """Return trees scattered in an area, gathered in clumps."""
    left, bottom, right, top = area.bounds
    out: list[tuple[float, float, float, float]] = []
    while len(out) < count:
        x, y = rng.uniform(left, right), rng.uniform(bottom, top)
        for _ in range(int(rng.geometric(0.35))):
            p = (x + rng.normal(0, 5), y + rng.normal(0, 5))
            if area.contains(Point(p)):
                out.append((*p, *_tree(rng, 2.0, 6.0)))
    return out[:count]


def land(
    bounds: tuple[float, float, float, float], flats: BaseGeometry, seed: int, *, fade_m: float, peaks_m: float, cell_m: float = 30.0
) -> tuple[Lattice, Lattice]:
    """Return (slope, relief) lattices: 0 and level on `flats`, rising to hills over `fade_m`."""
    left, bottom, right, top = bounds
    x, y = np.arange(left, right + cell_m, cell_m), np.arange(top, bottom - cell_m, -cell_m)
    # Distances on every fourth node are smooth enough and 16 times cheaper.
    xs, ys = x[::4], y[::4]
    away = np.asarray(distance(points(*np.meshgrid(xs, ys)), flats.simplify(20)), np.float32)
    rise = Lattice(np.asarray(np.clip(away / fade_m, 0, 1), np.float32), left, top, 4 * cell_m).at(x, y)
    texture = Texture(noise_table(seed))
    slope: NDArray[np.float32] = np.clip(rise + (rise > 0) * texture.noise(x, y, {1500.0: 0.26, 600.0: 0.18, 250.0: 0.10}), 0, 1)
    hills = texture.noise(x, y + 4000, {2600.0: 0.8, 1100.0: 0.5})
    ridges = 1 - np.abs(texture.noise(x - 6000, y, {1500.0: 0.9, 650.0: 0.5, 300.0: 0.22}))  # sharp crests, round valleys
    relief: NDArray[np.float32] = peaks_m * rise**1.3 * (1 + 0.45 * hills + 0.40 * ridges) + 14 * rise * texture.noise(x, y - 8000, {120.0: 0.5})
    for _ in range(2):  # hills are round at the size of the lattice
        relief[1:-1, 1:-1] = (relief[1:-1, 1:-1] * 2 + relief[2:, 1:-1] + relief[:-2, 1:-1] + relief[1:-1, 2:] + relief[1:-1, :-2]) / 6
    return Lattice(slope.astype(np.float32), left, top, cell_m), Lattice(relief.astype(np.float32), left, top, cell_m)


def standing(solids: Iterable[Solid], label: str, *, since: date | None = None, until: date | None = None) -> list[Standing]:
    """Return solids with one history."""
    return [Standing(s, label, since, until) for s in solids]


def yards(standing: Sequence[Standing], rng: np.random.Generator, *, reach_m: float = 14.0, label: str = "building") -> list[Patch]:
    """Return the trodden ground between and around neighbouring buildings, one patch for each group and day of building."""
    out = []
    for since in sorted({s.since for s in standing if s.label == label}, key=lambda d: (d is not None, d)):
        group = [s.solid.footprint for s in standing if s.label == label and s.since == since]
        joined = union_all([f.buffer(reach_m, join_style="mitre") for f in group]).buffer(-reach_m / 2, join_style="mitre")
        for part in getattr(joined, "geoms", [joined]):
            dense = np.array(part.exterior.segmentize(9).coords)
            ragged = Polygon(dense + rng.normal(0, 1.3, dense.shape)).buffer(0)
            out.append(Patch(ragged, "yard", tone=float(rng.normal(-0.04, 0.05)), vigour=float(rng.normal(0, 0.1)), since=since))
    return out


def occupied(things: Iterable[Standing | Solid]) -> BaseGeometry:
    """Return the union of footprints."""
    return union_all([(t.solid if isinstance(t, Standing) else t).footprint for t in things])


def warped(
    outlines: Sequence[Polygon], rng: np.random.Generator, *, origin: XY, sway_m: float, turn_deg: float, shift_m: float, wave_m: float = 1100.0
) -> list[Polygon]:
    """Return outlines as the simulated truth has them: all turned, shifted, and bent smoothly alike, by tens of metres."""
    turn, move = rng.uniform(-turn_deg, turn_deg), rng.uniform(-shift_m, shift_m, 2)
    waves = [(rng.uniform(0, 2 * np.pi), rng.uniform(0, 2 * np.pi), rng.normal(0, sway_m / 2, 2)) for _ in range(4)]

    def bend(p: NDArray[np.float64]) -> NDArray[np.float64]:
        q = p - np.array(origin)
        out = p + move
        for direction, phase, size in waves:
            out = out + np.sin(2 * np.pi / wave_m * (q @ np.array([np.cos(direction), np.sin(direction)])) + phase)[:, None] * size
        return np.asarray(out)

    return [affinity.rotate(Polygon(bend(np.array(outline.exterior.coords))), turn, origin=origin) for outline in outlines]


def polygon_of(geometry: BaseGeometry) -> Polygon:
    """Return a polygon as such, the largest part of several."""
    parts = [part for part in getattr(geometry, "geoms", [geometry]) if isinstance(part, Polygon)]
    return max(parts, key=lambda part: part.area)
