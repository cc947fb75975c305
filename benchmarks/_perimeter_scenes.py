"""Pairs with a known enclosing line: rings of many shapes drawn into real ground of two dates. SIMULATED lines, real background."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy.ndimage import gaussian_filter, zoom
from scipy.spatial import cKDTree
from shapely import affinity
from shapely.geometry import Polygon
from skimage.io import imread

from benchmarks._structures_pairs import DATA
from camwatch.aoi.records import Site
from camwatch.imagery.image import Image, Sun
from camwatch.rasters import mask_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Plane = NDArray[np.float32]
    Painter = Callable[[Plane, GeoBox, Polygon, Sun, np.random.Generator], Plane]

EAST, NORTH = 500_000.0, 4_600_000.0
GROWTHS = (-0.25, 0.0, 0.37, 0.72, 1.0)
GAP_M = 30.0
"""Longest gate or gap."""
TONE = 80.0
"""Median brightness that every piece of ground is scaled to, so that pieces do not meet in a step."""
EDGE_M, EDGE_OLD_M = 180.0, 500.0
"""Ground around the rings; more where the line is sought far from its outline, so that the edge of the scene does not tell where it runs."""


@dataclass(frozen=True, slots=True)
class Case:
    """What one trial is: `wall` False = nothing is drawn; `prior` one of near, shift100, area20, old."""

    seed: int
    gsd_m: float
    length_km: float
    growth: float = 0.0
    prior: str = "near"
    wall: bool = True
    roads: bool = True
    half: str = "judge"


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A pair, the site that is searched, and the true polygons of both dates."""

    case: Case
    before: Image
    after: Image
    site: Site
    truth: tuple[Polygon, Polygon]


def trial(case: Case, painter: Painter | None = None) -> Trial:
    """Draw one trial; `painter` is another renderer of lines (luminance, grid, ring, sun, generator) → luminance."""
    rng = np.random.default_rng((case.seed, round(10 * case.gsd_m), round(case.length_km)))
    old = ring(rng, 1000 * case.length_km)
    new = grown(old, case.growth, rng)
    west, south, east, north = old.union(new).bounds
    margin = (EDGE_OLD_M if case.prior == "old" else EDGE_M) + 15 * case.gsd_m
    shape = (int((north - south + 2 * margin) / case.gsd_m), int((east - west + 2 * margin) / case.gsd_m))
    grid = GeoBox(shape, Affine(case.gsd_m, 0, west - margin, 0, -case.gsd_m, north + margin), "EPSG:32652")
    grounds = mosaic(rng, shape, case.gsd_m, case.half)
    style, road = Style.draw(rng, case.gsd_m), _road(rng, old)
    images = []
    for ground, line, year in zip(grounds, (old, new), (2009, 2011), strict=True):
        sun = Sun(float(rng.uniform(130, 230)), float(rng.uniform(30, 60)))
        plane = ground
        if case.roads:
            plane = road_along(plane, grid, *road)
        if case.wall:
            plane = painter(plane, grid, line, sun, rng) if painter else paint(plane, grid, line, sun, rng, style=style)
        noise = rng.normal(0, 0.01 * float(np.median(plane)), plane.shape)
        values = np.maximum(gaussian_filter(plane, 0.5) + noise, 1).astype(np.float32)[None]
        acquired = datetime(year, 5, 1, 2, tzinfo=UTC)
        images.append(Image(values, np.ones(shape, bool), ("pan",), grid, acquired, sun, case.gsd_m, "dn", f"s{year}", simulated=True))
    priors, accuracy = _priors(rng, case, old, new)
    site = Site("trial", old.union(new).convex_hull, *priors, accuracy, {}, nominal=False)
    return Trial(case, images[0], images[1], site, (old, new))


def _priors(rng: np.random.Generator, case: Case, old: Polygon, new: Polygon) -> tuple[tuple[Polygon, Polygon], float]:
    radius = float(np.sqrt(old.area / np.pi))

    def moved(line: Polygon, push: float, scale: float) -> Polygon:
        angle = rng.uniform(0, 2 * np.pi)
        return affinity.translate(affinity.scale(line, scale, scale), push * np.cos(angle), push * np.sin(angle))

    if case.prior == "shift100":
        return (moved(old, 100, 1), moved(new, 100, 1)), 100.0
    if case.prior == "shift18":
        return (moved(old, 18, 1), moved(new, 18, 1)), 20.0
    if case.prior == "warped":
        return (_warped(rng, old, 40.0), _warped(rng, new, 40.0)), 80.0
    if case.prior == "area20":
        scale = float(np.sqrt(rng.choice([0.8, 1.2])))
        return (moved(old, 5, scale), moved(new, 5, scale)), 0.12 * radius
    if case.prior == "old":
        return (moved(old, 5, 1.0), moved(old, 5, 1.0)), 20.0
    return (moved(old, 8, rng.uniform(0.98, 1.02)), moved(new, 8, rng.uniform(0.98, 1.02))), 20.0


def _warped(rng: np.random.Generator, line: Polygon, off_m: float) -> Polygon:
    """Return an outline that was drawn by hand from afar: each part of it off by its own error, which changes over some 400 m; valid."""
    points = np.asarray(line.segmentize(10).exterior.coords)[:-1]
    sigma = 400.0 / 10 / 2.5
    for shrink in (1.0, 0.8, 0.6, 0.4, 0.2):
        error = gaussian_filter(rng.normal(0, 1, points.shape), (sigma, 0), mode="wrap")
        drawn = Polygon(points + shrink * off_m * error / error.std()).simplify(5)
        if isinstance(drawn, Polygon) and drawn.is_valid:
            return drawn
    return line


def ring(rng: np.random.Generator, length_m: float) -> Polygon:
    """Return a ring of a given length: corners around a middle, along contours, or in an L or C that is not star-shaped."""
    kind = rng.choice(["corners", "contour", "bay"], p=[0.45, 0.35, 0.2])
    if kind == "bay":
        depth, width, arm = rng.uniform(0.35, 0.6), rng.uniform(0.25, 0.4), rng.uniform(0.9, 1.4)
        low = rng.uniform(0.25, 0.4)
        outline = [(-1, -arm), (1, -arm), (1, -arm + 2 * low), (1 - 2 * depth, -arm + 2 * low), (1 - 2 * depth, -arm + 2 * (low + width)),
                  (1, -arm + 2 * (low + width)), (1, arm), (-1, arm)]  # fmt: skip
        points = np.array(outline) + rng.normal(0, 0.03, (8, 2))
    else:
        count = int(rng.integers(6, 14)) if kind == "corners" else 160
        angle = (np.arange(count) + (rng.uniform(-0.25, 0.25, count) if kind == "corners" else 0)) * 2 * np.pi / count
        reach = rng.uniform(0.75, 1.25, count) if kind == "corners" else np.ones(count)
        if kind == "contour":
            for order in range(2, 7):
                reach = reach + rng.normal(0, 0.25 / order) * np.cos(order * angle + rng.uniform(0, 2 * np.pi))
        points = reach[:, None] * np.column_stack([np.cos(angle), rng.uniform(0.6, 1) * np.sin(angle)])
    whole = affinity.rotate(Polygon(points).buffer(0), rng.uniform(0, 360))
    shape: Polygon = max(getattr(whole, "geoms", [whole]), key=lambda each: each.area)
    shape = affinity.scale(shape, length_m / shape.length, length_m / shape.length)
    return affinity.translate(shape, EAST - shape.centroid.x, NORTH - shape.centroid.y)


def grown(line: Polygon, growth: float, rng: np.random.Generator) -> Polygon:
    """Return the ring with one side moved so that it encloses `growth` more; the other side stays."""
    if growth == 0:
        return line
    points = np.asarray(Polygon(line).segmentize(25).exterior.coords)[:-1]
    middle = np.array(line.centroid.coords[0])
    for angle in rng.uniform(0, 2 * np.pi, 40):
        unit = np.array([np.cos(angle), np.sin(angle)])
        ahead = (points - middle) @ unit
        low, high = (0.05, 1.0) if growth < 0 else (1.0, 6.0)
        for _ in range(50):
            factor = 0.5 * (low + high)
            moved = Polygon(points + np.outer(np.where(ahead > 0, (factor - 1) * ahead, 0), unit))
            low, high = (factor, high) if moved.area < (1 + growth) * line.area else (low, factor)
        if moved.is_valid and abs(moved.area / line.area - 1 - growth) < 1e-3:
            return moved
    raise ValueError(f"no side of the ring can be moved for a growth of {growth}")


def mosaic(rng: np.random.Generator, shape: tuple[int, int], gsd_m: float, half: str) -> tuple[Plane, Plane]:
    """Return the luminance of two dates: tiles of real pairs, turned and mirrored side by side."""
    tiles = _tiles(half, gsd_m)
    out = np.zeros((2, *shape), np.float32)
    row = 0
    while row < shape[0]:
        col, deepest = 0, shape[0]
        while col < shape[1]:
            pair = tiles[rng.integers(len(tiles))]
            pair = np.rot90(pair, int(rng.integers(4)), axes=(1, 2))
            pair = pair[:, ::-1] if rng.random() < 0.5 else pair
            height, width = min(pair.shape[1], shape[0] - row), min(pair.shape[2], shape[1] - col)
            out[:, row : row + height, col : col + width] = pair[:, :height, :width]
            col += width
            deepest = min(deepest, pair.shape[1])
        row += deepest
    return out[0], out[1]


_CACHE: dict[tuple[str, float], list[Plane]] = {}


def _tiles(half: str, gsd_m: float) -> list[Plane]:
    """Return real pairs (2, y, x) at a pixel, of one half of the backgrounds: `tune` or `judge`."""
    if (half, gsd_m) in _CACHE:
        return _CACHE[half, gsd_m]
    second = half == "judge"
    levir = sorted((DATA / "pairs/levir_cd/A").glob("*.png"))[second::2]
    xbd = sorted((DATA / "pairs/xbd_geo").glob("*_pre_disaster.tif"))[second::2]
    sztaki = sorted((DATA / "pairs/sztaki_airchange").glob("*_im1.png"))[second::2] if gsd_m >= 2.5 else []
    named = [(0.5, path, path.parents[1] / "B" / path.name) for path in levir]
    named += [(0.45, path, path.with_name(path.name.replace("_pre_", "_post_"))) for path in xbd]
    named += [(1.5, path, path.with_name(path.name.replace("_im1", "_im2"))) for path in sztaki]
    tiles = []
    for pixel_m, *paths in named:
        pictures = [imread(path) for path in paths]
        planes = [each[..., :3].astype(np.float32) @ np.array([0.35, 0.40, 0.25], np.float32) + 5 for each in pictures]
        factor = pixel_m / gsd_m
        side = round(1 / factor)
        if side > 1:
            size = [n // side * side for n in planes[0].shape]
            planes = [p[: size[0], : size[1]].reshape(size[0] // side, side, size[1] // side, side).mean(axis=(1, 3)) for p in planes]
        elif factor != 1 and not 0.85 < factor < 1.2:
            planes = [zoom(p, factor, order=1) for p in planes]
        tiles.append(np.stack([TONE * plane / float(np.median(plane)) for plane in planes]))
    # No camp's wall runs across the roofs of a town, and none is seen through a cloud.
    clear = [pair for pair in tiles if max(float(np.quantile(plane, 0.95)) for plane in pair) < 3 * TONE]
    quiet = sorted(clear, key=lambda pair: max(float(np.median(np.abs(np.diff(plane, axis=1)))) for plane in pair))
    _CACHE[half, gsd_m] = quiet[: max(2 * len(quiet) // 3, 1)]
    return _CACHE[half, gsd_m]


@dataclass(frozen=True, slots=True)
class Style:
    """What the line is made of: kind; cleared metres inside and outside and how bright; height and opacity of what throws the shadow; the track."""

    kind: str
    inside_m: float
    outside_m: float
    bright: float
    high_m: float
    opacity: float
    track_m: float

    @classmethod
    def draw(cls, rng: np.random.Generator, gsd_m: float) -> Style:
        """Draw one; what a coarse pixel is to show is wide."""
        kind = str(rng.choice(["wall", "fence", "ditch", "track", "posts"], p=[0.4, 0.25, 0.1, 0.1, 0.15]))
        low, high = (2.0, 5.0) if gsd_m < 2 else (3.0, 7.0)
        one_sided = rng.choice([0, 1, 2], p=[0.7, 0.15, 0.15])
        inside, outside = rng.uniform(low, high, 2) * ([1, 1], [1, 0.15], [0.15, 1])[one_sided]
        opacity = {"wall": 1.0, "fence": 0.35, "ditch": 0.0, "track": 0.0, "posts": 0.4}[kind]
        return cls(kind, inside, outside, rng.uniform(0.1, 0.5), rng.uniform(2.5, 5), opacity, rng.uniform(-inside, outside))


def _near(grid: GeoBox, line: Polygon, reach_m: float) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return (row, col) of the pixels near a line, and signed distance (outward), place along it and outward normal of 3 × 3 points in each."""
    pixel = float(grid.affine.a)
    mask = mask_of(line.exterior.buffer(reach_m + pixel), grid)
    rows, cols = np.nonzero(mask)
    part = (np.arange(3) + 0.5) / 3
    y, x = (rows[:, None, None] + part[None, :, None]), (cols[:, None, None] + part[None, None, :])
    points = np.stack(np.broadcast_arrays(grid.affine.c + pixel * x, grid.affine.f - pixel * y), axis=-1).reshape(-1, 2)
    coords = np.asarray(line.exterior.segmentize(max(0.25, 0.1 * pixel)).coords)
    coords = coords if line.exterior.is_ccw else coords[::-1]
    along = np.diff(coords, axis=0)
    step = np.hypot(*along.T)
    unit = along / np.maximum(step, 1e-9)[:, None]
    middle = coords[:-1] + 0.5 * along
    _, nearest = cKDTree(middle).query(points)
    outward = np.column_stack([unit[nearest, 1], -unit[nearest, 0]])
    away = points - middle[nearest]
    # Off a corner the distance is that to the corner, with the side's sign.
    signed = np.where((away * outward).sum(axis=1) >= 0, 1.0, -1.0) * np.hypot(*away.T)
    place = (np.cumsum(step) - 0.5 * step)[nearest]
    return np.stack([rows, cols]), signed.reshape(-1, 9), place.reshape(-1, 9), outward.reshape(-1, 9, 2)


def paint(plane: Plane, grid: GeoBox, line: Polygon, sun: Sun, rng: np.random.Generator, *, style: Style) -> Plane:
    """Return luminance with an enclosing line: cleared ground, track, ditch, wall, fence or posts, their shadow, gates and overgrown stretches."""
    reach = max(style.inside_m, style.outside_m, style.high_m * 2.0) + 3
    at, d, s, outward = _near(grid, line, reach)
    there = _there(rng, line.length, s)
    base = plane[at[0], at[1]].astype(np.float64)[:, None]
    # Bare ground is brighter than most of what grows.
    cleared = float(np.quantile(plane, rng.uniform(0.55, 0.8)))
    value = np.broadcast_to(base, d.shape).copy()
    strip = ((d > -style.inside_m) & (d < style.outside_m)) * there if style.kind not in ("ditch", "track") or rng.random() < 0.6 else 0 * there
    mottled = 1 + 0.08 * np.sin(s / 7 + rng.uniform(0, 6)) + 0.06 * rng.standard_normal(d.shape)
    value = value * (1 - 0.75 * strip) + 0.75 * strip * cleared * (1 + style.bright) * mottled
    if style.kind == "track":
        value *= 1 + 0.35 * (np.abs(d) < 2.0) * there
    elif rng.random() < 0.4:
        value *= 1 + 0.2 * (np.abs(d - style.track_m) < 1.3) * there
    if style.kind == "ditch":
        value *= 1 - 0.4 * (np.abs(d) < 1.8) * there
        value *= 1 + 0.25 * ((d > 1.8) & (d < 4.5)) * there
    azimuth = np.deg2rad(sun.azimuth_deg)
    away = -np.array([np.sin(azimuth), np.cos(azimuth)]) / np.tan(np.deg2rad(sun.elevation_deg))
    reach_out = style.high_m * (outward @ away)
    opaque = style.opacity * (((s % 12.0) < 1.2) * 1.5 + 0.15 if style.kind == "posts" else 1.0)
    shaded = (d > np.minimum(reach_out, 0)) & (d < np.maximum(reach_out, 0)) & (style.opacity > 0)
    value *= 1 - 0.6 * np.clip(opaque, 0, 1) * shaded * there
    if style.kind == "wall":
        top = (np.abs(d) < 0.25) * there
        value = value * (1 - top) + top * cleared * 1.3
    out = plane.copy()
    out[at[0], at[1]] = value.mean(axis=1)
    return out


def _there(rng: np.random.Generator, length: float, place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much of the line is seen along it: gates and gaps of up to GAP_M, overgrown and faded stretches."""
    seen = np.ones_like(place)
    for start in rng.uniform(0, length, int(length / 350) + 1):
        seen[(place - start) % length < rng.uniform(4, GAP_M)] = 0
    for start in rng.uniform(0, length, int(length / 800) + 1):
        seen[(place - start) % length < rng.uniform(20, 90)] *= rng.uniform(0.3, 0.8)
    return seen


def _road(rng: np.random.Generator, line: Polygon) -> tuple[NDArray[np.float64], float, float]:
    """Return the course of a road that comes from afar, runs 12 to 35 m beside the line for a third of it, and leaves."""
    beside = line.buffer(rng.uniform(12, 35) * rng.choice([-1, 1]), join_style="mitre")
    beside = max(getattr(beside, "geoms", [beside]), key=lambda each: each.area)
    points = np.asarray(beside.exterior.segmentize(20).coords)
    first = rng.integers(len(points))
    part = np.roll(points[:-1], -first, axis=0)[: len(points) // 3]
    ends = [2 * part[k] - part[m] for k, m in ((0, min(8, len(part) - 1)), (-1, -min(9, len(part))))]
    course = np.vstack([ends[0] + (ends[0] - part[0]) * 20, part, ends[1] + (ends[1] - part[-1]) * 20])
    return course, float(rng.uniform(3, 8)), float(rng.uniform(0.65, 1.5))


def road_along(plane: Plane, grid: GeoBox, course: NDArray[np.float64], width_m: float, tone: float) -> Plane:
    """Return luminance with a road of one tone along a course."""
    from shapely.geometry import LineString

    rows, cols = grid.shape
    fine = grid.zoom_to(shape=(2 * rows, 2 * cols))
    cover = mask_of(LineString(course).buffer(width_m / 2), fine).reshape(rows, 2, cols, 2).mean(axis=(1, 3)).astype(np.float32)
    return np.asarray(plane * (1 - 0.9 * cover) + 0.9 * cover * tone * float(np.median(plane)), np.float32)


def describe(case: Case) -> Mapping[str, object]:
    """Return a case as plain values."""
    return {name: getattr(case, name) for name in Case.__slots__}
