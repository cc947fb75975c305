"""Trials of the search for guard towers: rings with towers of known fate, drawn into real pairs of two dates, and the count of what was found."""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from PIL import Image as Picture
from rasterio.errors import NotGeoreferencedWarning
from scipy import ndimage as ndi
from scipy.stats import chi2
from shapely import affinity
from shapely.geometry import LineString, Point, Polygon, box
from skimage.io import imread

from _structures_pairs import DATA
from camwatch.aoi import Site
from camwatch.detect._common import guessed_azimuth
from camwatch.imagery.image import Image, Sun
from camwatch.render import Solid, plant
from camwatch.render.layout import along

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from camwatch.findings import Findings

CONDITIONS = ("wall", "bare", "irregular", "off-line", "trees", "sun20", "none")
"""What a trial is like: a wall with its strip; no line at all; irregular steps; towers 4 to 10 m off the line; crowns over half of them; the sun
stated up to 20° off, and known to 20°; no tower at all."""

FATES = ("appeared", "removed", "unchanged")
RGB = ("red", "green", "blue")
SIDE_M = 300.0
WEST, NORTH = 559_000.0, 4_633_000.0
REACH_M = 3.0
"""Distance from a tower's centre within which a report is of it, for roofs of 6 m and less; half the roof for larger ones."""

LINE_M = 2.5
"""Standard error that is stated of the line along which is searched; it wanders by a metre and a half at most."""

ELEVATIONS_DEG = (28.0, 60.0)
"""Heights of the sun that are drawn."""

TUNING, JUDGING = 0, 1
"""Halves of the backgrounds: thresholds are chosen on the first and judged on the second."""


@dataclass(frozen=True, slots=True, eq=False)
class Tower:
    """What was drawn: place, side and height in metres, fate, whether a crown was drawn over it."""

    x: float
    y: float
    side_m: float
    height_m: float
    fate: str
    hidden: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A pair with its truth."""

    before: Image
    after: Image
    site: Site
    ring_km: float
    towers: tuple[Tower, ...]
    condition: str
    background: str


@dataclass(slots=True)
class Tally:
    """Counts over trials."""

    towers: int = 0
    found: int = 0
    wrong: int = 0
    undecided: int = 0
    false: int = 0
    km: float = 0.0

    def add(self, other: Tally) -> None:
        """Add the counts of another tally."""
        for name in ("towers", "found", "wrong", "undecided", "false", "km"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def row(self) -> str:
        """Return recall, false per km, wrong transitions of those decided, undecided of those found; the first three with 95 % intervals."""
        decided = self.found - self.undecided
        (r0, r1), (w0, w1) = wilson(self.found, self.towers), wilson(self.wrong, decided)
        false = "     –"
        if self.km:
            low, high = (limit / self.km for limit in poisson(self.false))
            false = f"{self.false / self.km:6.2f} ({low:.2f}–{high:.2f})"
        return (
            f"{self.towers:6d} {self.found / max(self.towers, 1):6.3f} ({r0:.3f}–{r1:.3f}) {false:18s} "
            f"{self.wrong / max(decided, 1):6.3f} ({w0:.3f}–{w1:.3f}) {self.undecided / max(self.found, 1):6.3f}"
        )


def poisson(count: int) -> tuple[float, float]:
    """Return the 95 % interval of what a count was expected to be (Garwood)."""
    return float(chi2.ppf(0.025, 2 * count)) / 2 if count else 0.0, float(chi2.ppf(0.975, 2 * count + 2)) / 2


def wilson(k: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share."""
    if not n:
        return 0.0, 1.0
    z, p = 1.96, k / n
    middle, half = (p + z * z / (2 * n)) / (1 + z * z / n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def backgrounds(half: int) -> list[tuple[str, NDArray[np.float32], NDArray[np.float32]]]:
    """Return (name, A, B) of the real pairs of one half: LEVIR-CD at half a metre, (3, y, x) float32 in 0..255."""
    paths = sorted((DATA / "pairs/levir_cd/A").glob("*.png"), key=lambda p: int(p.stem.split("_")[-1]))
    out = []
    for path in paths[half::2]:
        first, second = (np.moveaxis(imread(p)[..., :3], 2, 0).astype(np.float32) for p in (path, path.parents[1] / "B" / path.name))
        out.append((path.stem, first, second))
    return out


def other_grounds() -> list[tuple[str, NDArray[np.float32], NDArray[np.float32]]]:
    """Return (name, first, second) of real pairs of other sorts of ground (xBD, 0.49 m, taken as half a metre): a village in fields and scrub, closed
    forest with a quarry, a town before and after a tornado. No level was chosen on them; under their own suns (55 to 72 degrees) they showed that
    high suns wanted training.
    """
    out = []
    for name in ("guatemala-volcano_00000006", "guatemala-volcano_00000008", "joplin-tornado_00000000"):
        dates = []
        for when in ("pre", "post"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotGeoreferencedWarning)  # one of the tiles has no place, and needs none here
                source = rasterio.open(DATA / f"pairs/xbd_geo/{name}_{when}_disaster.tif")
            with source:
                dates.append(source.read((1, 2, 3)).astype(np.float32))
        out.append((name, *dates))
    return out


def trial(
    ground: tuple[str, NDArray[np.float32], NDArray[np.float32]],
    seed: int,
    condition: str,
    pixel_m: float,
    draw_tower: Callable[..., NDArray[np.float32]] | None = None,
    *,
    elevations: tuple[float, float] = ELEVATIONS_DEG,
) -> Trial:
    """Manufacture one trial; `draw_tower` is the tower of another renderer (see :func:`foreign`), the sun stands between `elevations` (degrees)."""
    rng = np.random.default_rng([seed, CONDITIONS.index(condition)])
    name, *both = ground
    size = round(SIDE_M / 0.5)
    row, col = (int(rng.integers(0, both[0].shape[1] - size + 1)) for _ in range(2))
    flip = bool(rng.random() < 0.5)  # both orders of the dates
    dates = [plane[:, row : row + size, col : col + size] for plane in (both[::-1] if flip else both)]
    suns = [_sun_of(plane, elevations, rng) for plane in dates]
    images = [_image(plane, sun, pixel_m, f"{name}-{when}") for plane, sun, when in zip(dates, suns, ("before", "after"), strict=True)]
    ring = _ring(rng)
    line = LineString(ring.exterior.coords)
    wall = _wall(line, rng) if condition != "bare" else []
    towers = _towers(ring, condition, rng)
    drawn = []
    for k, image in enumerate(images):
        standing = [t for t in towers if t.fate != FATES[k]]
        base = _strip(image, line, rng) if wall else image
        solids = wall + ([] if draw_tower else [_solid(t, seed) for t in standing])
        made = plant(base, solids, seed=int(rng.integers(1 << 30)))
        if draw_tower:
            made = _foreign_drawn(made, standing, draw_tower, seed)
        drawn.append(_crowned(made, [t for t in towers if t.hidden], seed))
    doubt = 20.0 if condition == "sun20" else 0.0
    stated = [_stated(image, doubt, rng) for image in drawn]
    traced = _wandering(ring, rng)
    site = Site("trial", box(WEST, NORTH - SIDE_M, WEST + SIDE_M, NORTH), traced, traced, LINE_M, {}, nominal=False)
    return Trial(stated[0], stated[1], site, ring.length / 1000, tuple(towers), condition, name)


def score(findings: Findings, trial_: Trial, *, only: Callable[[Tower], bool] | None = None) -> Tally:
    """Count what was found of a trial; towers under drawn crowns count neither way, reports of them neither; false ones only without `only`."""
    reports = [(r.geometry.centroid, r.change) for r in findings.records]
    free = set(range(len(reports)))
    tally = Tally(km=trial_.ring_km if only is None else 0.0)
    for tower in trial_.towers:
        at, reach = Point(tower.x, tower.y), max(REACH_M, tower.side_m / 2)
        near = sorted((reports[k][0].distance(at), k) for k in free if reports[k][0].distance(at) <= reach)
        mine = tower.hidden or not (only is None or only(tower))
        if not mine:
            tally.towers += 1
        if near:
            k = near[0][1]
            free.discard(k)
            if not mine:
                tally.found += 1
                change = reports[k][1]
                tally.undecided += change == "not_observed"
                tally.wrong += change not in ("not_observed", tower.fate)
    if only is not None:
        return tally
    # A second report of a tower, or one of its shadow, is a false one too, unless it lies on the tower's own ground.
    every = [Point(t.x, t.y).buffer(5.0) for t in trial_.towers]
    tally.false = sum(not any(e.contains(reports[k][0]) for e in every) for k in free)
    return tally


def foreign(path: Path) -> Callable[..., NDArray[np.float32]]:
    """Return `tower(image (y, x, 3) of 192 × 192, centre (x, y), gsd_m, cot_elevation, rng) -> image` of another renderer; its shadows fall to +x."""
    spec = importlib.util.spec_from_file_location("foreign_renderer", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"towers: cannot load {path}; expected a Python module with a function `tower`")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    drawing: Callable[..., NDArray[np.float32]] = module.tower
    return drawing


def _foreign_drawn(image: Image, towers: Sequence[Tower], drawing: Callable[..., NDArray[np.float32]], seed: int) -> Image:
    """Draw towers with another renderer: a patch is turned to its sun, drawn into, and what changed is turned back."""
    assert image.sun is not None
    values, n, side = image.values.copy(), 192, image.values.shape[1]
    cot = 1.0 / np.tan(np.deg2rad(image.sun.elevation_deg))
    azimuth = np.deg2rad(image.sun.azimuth_deg)
    ahead = np.array([np.cos(azimuth), -np.sin(azimuth)])  # (row, col) that shadows take on a grid with north up
    down = np.array([ahead[1], -ahead[0]])
    v, u = np.mgrid[0:n, 0:n] - (n - 1) / 2
    for tower in towers:
        at = np.array([(NORTH - tower.y), (tower.x - WEST)]) / image.pixel_m - 0.5
        rows, cols = (at[k] + v * down[k] + u * ahead[k] for k in (0, 1))
        patch = np.stack([ndi.map_coordinates(plane, (rows, cols), order=1, mode="reflect") for plane in values], axis=2)
        rng = np.random.default_rng([seed, int(tower.x * 10)])
        change = drawing(patch.copy(), np.array([(n - 1) / 2, (n - 1) / 2]), image.pixel_m, cot, rng) - patch
        r, c = np.mgrid[0:side, 0:side]
        back = [((r - at[0]) * w[0] + (c - at[1]) * w[1]) / (w @ w) + (n - 1) / 2 for w in (down, ahead)]
        near = (np.abs(back[0] - n / 2) < n / 2 - 2) & (np.abs(back[1] - n / 2) < n / 2 - 2)
        for band in range(3):
            values[band][near] += ndi.map_coordinates(change[..., band].astype(np.float32), (back[0][near], back[1][near]), order=1)
    return replace(image, values=np.clip(values, 0, 255), valid=image.valid.copy(), simulated=True)


def foreign_size(tower: Tower, seed: int) -> tuple[float, float]:
    """Return side and height that the stand-in renderer draws for a tower: its first and third draws."""
    rng = np.random.default_rng([seed, int(tower.x * 10)])
    half, _, height = rng.uniform(1.2, 3.4), rng.uniform(0.75, 1.3), rng.uniform(5, 13)
    return 2 * float(half), float(height)


def _sun_of(plane: NDArray[np.float32], elevations: tuple[float, float], rng: np.random.Generator) -> Sun:
    """Return the sun that the picture's own shadows suggest, at an elevation between the two."""
    guess = guessed_azimuth(_image(plane, Sun(180.0, 45.0), 0.5, "guess"))
    azimuth = guess if guess is not None else rng.uniform(120, 220)
    return Sun(float((azimuth + rng.normal(0, 4)) % 360), float(rng.uniform(*elevations)))


def _image(plane: NDArray[np.float32], sun: Sun, pixel_m: float, scene: str) -> Image:
    """Return a picture of half-metre pixels as one of `pixel_m`."""
    size = round(plane.shape[1] * 0.5 / pixel_m)
    if size != plane.shape[1]:
        how = Picture.Resampling.BOX if pixel_m > 0.5 else Picture.Resampling.BICUBIC
        plane = np.stack([np.asarray(Picture.fromarray(p).resize((size, size), how), np.float32) for p in plane]).clip(0, 255)
    step = plane.shape[1] and SIDE_M / size
    grid = GeoBox((size, size), Affine(step, 0, WEST, 0, -step, NORTH), "EPSG:32652")
    when = datetime(2012, 5, 1, 2, tzinfo=UTC)
    return Image(np.ascontiguousarray(plane, np.float32), np.ones((size, size), bool), RGB, grid, when, sun, pixel_m, "dn", scene)


def _ring(rng: np.random.Generator) -> Polygon:
    """Return a ring of five to nine corners, 500 to 900 m long, that keeps 25 m from the edge."""
    corners = int(rng.integers(5, 10))
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners) * 0.3 + np.linspace(0, 2 * np.pi, corners, endpoint=False) * 1.0)
    radii = rng.uniform(75, 122, corners)
    shape = Polygon(np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)).buffer(0)
    # One ring in a thousand crosses itself: its larger part is taken.
    shape = max(getattr(shape, "geoms", [shape]), key=lambda part: part.area)
    return affinity.translate(shape, WEST + SIDE_M / 2, NORTH - SIDE_M / 2)


def _wandering(ring: Polygon, rng: np.random.Generator) -> Polygon:
    """Return a ring as a tracer draws it: up to a metre and a half off, in waves of 60 m."""
    steps = np.arange(0.0, ring.length, 4.0)
    phase = rng.uniform(0, 6, 2)
    points = [ring.exterior.interpolate(s) for s in steps]
    return Polygon([(p.x + 1.2 * np.sin(s / 9.5 + phase[0]), p.y + 1.2 * np.cos(s / 9.5 + phase[1])) for p, s in zip(points, steps, strict=True)])


def _wall(line: LineString, rng: np.random.Generator) -> list[Solid]:
    high, tone = float(rng.uniform(2, 4)), float(rng.uniform(0.2, 0.45))
    return along(line, piece_m=60.0, kind="wall", width_m=float(rng.uniform(0.4, 0.8)), height_m=high, reflectance=tone)


def _strip(image: Image, line: BaseGeometry, rng: np.random.Generator) -> Image:
    """Return the picture with a cleared strip beside the line."""
    from camwatch.rasters import mask_of

    mask = mask_of(line.buffer(float(rng.uniform(2, 7))), image.geobox)
    soft = ndi.gaussian_filter(mask.astype(np.float32), 0.5 / image.pixel_m) * np.float32(rng.uniform(0.3, 0.7))
    level = np.float32(np.percentile(image.values, rng.uniform(55, 90)))
    colour = (level * np.array([1.04, 1.0, 0.9], np.float32))[:, None, None]
    return replace(image, values=(image.values * (1 - soft) + colour * soft).astype(np.float32), valid=image.valid.copy())


def _towers(ring: Polygon, condition: str, rng: np.random.Generator) -> list[Tower]:
    if condition == "none":
        return []
    line, out = ring.exterior, []
    steps = np.arange(20.0, line.length - 15.0, 45.0) + rng.uniform(0, 15)
    if condition in {"irregular", "bare"}:
        steps = np.sort(rng.uniform(0, line.length, len(steps)))
    for s in steps:
        p, q = line.interpolate(s % line.length), line.interpolate((s + 1) % line.length)
        nx, ny = -(q.y - p.y), q.x - p.x
        off = float(rng.choice([-1, 1])) * rng.uniform(4, 10) if condition == "off-line" else rng.normal(0, 1.2)
        x, y = p.x + off * nx, p.y + off * ny
        if any(np.hypot(x - t.x, y - t.y) < 14 for t in out):
            continue
        hidden = condition == "trees" and bool(rng.random() < 0.5)
        out.append(Tower(float(x), float(y), float(rng.uniform(3, 8)), float(rng.uniform(5, 12)), str(rng.choice(FATES)), hidden))
    return out


def _solid(tower: Tower, seed: int) -> Solid:
    """Return a tower's solid; the same at both dates."""
    rng = np.random.default_rng([seed, int(tower.x * 10)])
    return Solid(
        "tower", tower.x, tower.y, tower.side_m, tower.side_m * float(rng.uniform(0.85, 1)), tower.height_m, float(rng.uniform(0, 180)),
        roof=str(rng.choice(["flat", "pyramid", "gable"])), pitch=float(rng.uniform(0.15, 0.5)),  # type: ignore[arg-type]  # one of them
        roof_reflectance=float(rng.uniform(0.12, 0.45)), wall_reflectance=float(rng.uniform(0.2, 0.5)),
    )  # fmt: skip


def _crowned(image: Image, towers: Sequence[Tower], seed: int) -> Image:
    """Draw a crown over each tower, at both dates."""
    values = image.values.copy()
    green = np.percentile(values.reshape(3, -1), 12, axis=1).astype(np.float32) * np.array([0.9, 1.15, 0.8], np.float32)
    side = values.shape[1]
    for tower in towers:
        rng = np.random.default_rng([seed, int(tower.x * 10), 1])
        row, col = (NORTH - tower.y) / image.pixel_m - 0.5, (tower.x - WEST) / image.pixel_m - 0.5
        r, c = np.mgrid[0:side, 0:side]
        lumps = ndi.gaussian_filter(rng.standard_normal((side, side)), 1.0 / image.pixel_m)
        lumps = (lumps / lumps.std()).astype(np.float32)
        away = np.hypot(r - row, c - col) * image.pixel_m / (tower.side_m * 0.9 + 1.0) + 0.12 * lumps
        mask = ndi.gaussian_filter((away < 1).astype(np.float32), 0.5)
        values = values * (1 - mask) + mask * green[:, None, None] * (1 + 0.3 * lumps)
    return replace(image, values=np.clip(values, 0, 255).astype(np.float32), valid=image.valid.copy())


def _stated(image: Image, doubt_deg: float, rng: np.random.Generator) -> Image:
    """Return the picture with the sun that its metadata would state, off by up to `doubt_deg`."""
    if not doubt_deg or image.sun is None:
        return image
    azimuth = (image.sun.azimuth_deg + rng.uniform(-doubt_deg, doubt_deg)) % 360
    return replace(image, sun=doubtful(azimuth, image.sun.elevation_deg, doubt_deg), valid=image.valid.copy())


def doubtful(azimuth: float, elevation: float, doubt_deg: float) -> Sun:
    """Return a sun of which only this much is known."""
    return Sun(float(azimuth), float(elevation), doubt_deg) if "doubt_deg" in Sun.__dataclass_fields__ else Sun(float(azimuth), float(elevation))
