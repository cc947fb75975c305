"""Rendered scenes on disk, and batches of what the network sees of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from camwatch.detect._common import shadow_step
from camwatch.detect._tower_frame import PIXEL_M, SunFrame, softened, toned, with_sun
from camwatch.imagery.image import LUMINANCE, Sun
from training.towers.painted import painted
from training.towers.posts import RGB
from training.towers.roughened import grown, roughened
from training.towers.scenes import SHADE, SUNS_DEG, TREES, Scene, scenes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

PER_PLACE = 5
"""Pictures of each place."""

STRIDE = 2
"""Pixels of the network's input for each of its answers."""

DOUBTS_DEG = (1.0, 3.0, 10.0, 20.0, 30.0)
"""Standard deviations of the sun's azimuth that are learned; with what odds each is drawn follows."""

PAINTED = 0.7
"""Share of the crops into which things are painted."""

QUIETED = 0.5
"""Share of these whose ground is made quieter before."""

GROWN = 0.35
"""Share of these over whose ground another grain is laid."""

ASTRAY, SURE_DEG = 0.12, 3.0
"""Share of the crops with a sun known better than this that are shown under a false one: nothing there is a tower."""

DOUBT_ODDS = (0.50, 0.15, 0.12, 0.15, 0.08)


def write_scenes(folder: Path, seeds: range, suns: tuple[float, float] = SUNS_DEG) -> Iterator[Path]:
    """Render the places of `seeds` into a file each, under suns between the elevations `suns`; what lies there already is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        path = folder / f"place-{seed:07d}.npz"
        if not path.exists():
            part = folder / f"{seed}.part.npz"
            held = {}
            for k, made in enumerate(scenes(seed, PER_PLACE, suns=suns)):
                angles = np.array([made.pixel_m, made.sun.azimuth_deg, made.sun.elevation_deg])
                held |= {
                    f"picture{k}": made.picture,
                    f"hidden{k}": made.hidden,
                    f"towers{k}": made.towers,
                    f"line{k}": made.line,
                    f"angles{k}": angles,
                }
            np.savez_compressed(part, **held)
            part.rename(path)
        yield path


def read_scenes(path: Path) -> list[Scene]:
    """Return the pictures of one place."""
    with np.load(path) as held:
        out = []
        for k in range(PER_PLACE):
            pixel, azimuth, elevation = (float(v) for v in held[f"angles{k}"])
            picture, hidden, towers, line = (held[f"{name}{k}"] for name in ("picture", "hidden", "towers", "line"))
            out.append(Scene(picture, pixel, Sun(azimuth, elevation), towers, line, hidden))
    return out


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One scene turned to a stated sun.

    Attributes
    ----------
    planes : (3, v, u) float16
    hidden : (v, u) uint8
    inside : (v, u) bool
        Where the picture reaches.
    towers : (n, 5) float32
        v, u, side, height, visible.
    elevation_deg, doubt_deg : float
    shadow : (2,) float64
        (v, u) pixels that a shadow is truly long for each metre of height.
    black : float
        Tone of no light at all.
    """

    planes: NDArray[np.float16]
    hidden: NDArray[np.uint8]
    inside: NDArray[np.bool_]
    towers: NDArray[np.float32]
    elevation_deg: float
    doubt_deg: float
    shadow: NDArray[np.float64]
    black: float


def view_of(scene: Scene, doubt_deg: float, rng: np.random.Generator, *, single: bool) -> View:
    """Turn a scene to a sun that is off by a draw from its doubt; `single` = one band."""
    azimuth = scene.sun.azimuth_deg + rng.normal(0, doubt_deg)
    elevation = float(np.clip(scene.sun.elevation_deg + rng.normal(0, 0.3 * doubt_deg), 12, 80))
    n = scene.picture.shape[1]
    grid = GeoBox((n, n), Affine(scene.pixel_m, 0, 0, 0, -scene.pixel_m, 0), "EPSG:32652")
    frame = SunFrame.along(shadow_step(Sun(float(azimuth % 360), elevation), grid))
    half = 0.5 * n * scene.pixel_m / PIXEL_M * 1.15
    frame = SunFrame(np.array([(n - 1) / 2, (n - 1) / 2]) - half * frame.down - half * frame.ahead, frame.ahead, frame.down)
    size = int(2 * half)
    values = scene.picture.astype(np.float32)
    weights = np.array([LUMINANCE[name] for name in RGB], np.float32)
    if single:
        weights = weights * np.exp(rng.normal(0, 0.5, 3)).astype(np.float32)
        values = np.tensordot(weights / weights.sum(), values, 1)[None]
    luminance = values[0] if single else np.tensordot(weights, values, 1)
    planes = toned(values, ("pan",) if single else RGB, luminance, np.ones(luminance.shape, bool))
    turned = frame.sampled(softened(planes, scene.pixel_m), (size, size))
    v, u = np.mgrid[0:size, 0:size].reshape(2, -1)
    at = np.rint(frame.at(np.stack([v, u], axis=1))).astype(np.intp)
    inside = ((at >= 0) & (at < n)).all(axis=1)
    rows, cols = at.clip(0, n - 1).T
    towers = scene.towers.copy()
    towers[:, :2] = frame.of(towers[:, :2].astype(np.float64))
    hidden = scene.hidden[rows, cols].reshape(size, size)
    truly = np.linalg.solve(np.stack([frame.down, frame.ahead], axis=1), np.array(shadow_step(scene.sun, grid)))
    dark = float(np.percentile(turned[0][::4, ::4], 0.5))
    return View(turned.astype(np.float16), hidden, inside.reshape(size, size), towers, elevation, doubt_deg, truly, dark - 0.1)


@dataclass(slots=True)
class Pool:
    """The places that lie in a folder, turned to their suns as they appear."""

    folder: Path
    rng: np.random.Generator
    views: list[View] = field(default_factory=list)
    known: set[str] = field(default_factory=set)

    def refresh(self, most: int = 50) -> int:
        """Take up to `most` new places; return how many views there are."""
        new = [path for path in sorted(self.folder.glob("place-*.npz")) if path.name not in self.known][:most]
        for path in new:
            self.known.add(path.name)
            for made in read_scenes(path):
                doubt = float(self.rng.choice(DOUBTS_DEG, p=DOUBT_ODDS))
                self.views.append(view_of(made, doubt, self.rng, single=bool(self.rng.random() < 0.25)))
        return len(self.views)

    def batch(self, count: int, side: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return (count, 5, side, side) inputs and (count, 6, side / 2, side / 2) targets: see :func:`targets`."""
        rng = self.rng
        inputs, wanted = [], []
        for _ in range(count):
            part, aim, view = self._crop(side)
            if rng.random() < 0.5:  # what mirrors across the shadows is as likely
                part, aim = part[:, ::-1], aim[:, ::-1]
            if view.doubt_deg <= SURE_DEG and rng.random() < ASTRAY:
                turns = int(rng.integers(1, 4))
                part, aim = np.rot90(part, turns, (1, 2)), np.rot90(aim, turns, (1, 2)).copy()
                aim[:3] = 0.0
            inputs.append(with_sun(np.clip(part, -4, 4), view.elevation_deg, view.doubt_deg))
            wanted.append(aim)
        return np.ascontiguousarray(np.stack(inputs)), np.ascontiguousarray(np.stack(wanted))

    def _crop(self, side: int) -> tuple[NDArray[np.float32], NDArray[np.float32], View]:
        """Return a part of a view, with things painted into it or not, its targets, and the view."""
        rng = self.rng
        view = self.views[rng.integers(len(self.views))]
        room = view.planes.shape[1] - side
        first = rng.integers(0, room + 1, 2)
        if len(view.towers) and rng.random() < 0.4:
            first = view.towers[rng.integers(len(view.towers)), :2] - rng.uniform(0.25, 0.75, 2) * side
        v, u = (int(x) for x in np.clip(np.rint(first), 0, room))
        window = slice(v, v + side), slice(u, u + side)
        part, hidden, inside = view.planes[:, *window].astype(np.float32), view.hidden[window].copy(), view.inside[window]
        towers = view.towers - np.array([v, u, 0, 0, 0], np.float32)
        if rng.random() < PAINTED:
            free = inside & ((hidden & SHADE) == 0)
            quiet, black = (float(rng.uniform(0.1, 0.7)), float(rng.uniform(-5, -0.8))) if rng.random() < QUIETED else (1.0, view.black)
            part *= np.float32(quiet)  # of country ground a tower stands out farther than of a town
            if rng.random() < GROWN:
                grown(part, rng)
            towers = np.concatenate([towers, painted(part, (towers, hidden, free), view.shadow, black, rng)])
        part[0] = part[0] * np.exp(rng.normal(0, 0.3)) + rng.normal(0, 0.3)
        part[1:] *= np.exp(rng.normal(0, 0.3))
        return roughened(part, rng), targets(towers, hidden, inside), view


def targets(towers: NDArray[np.float32], hidden: NDArray[np.uint8], inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return (6, n, n): nearness to a tower 0..1 (1 at its centre), side and height in metres there, tree, deep shade, weight of the first."""
    n = len(hidden) // STRIDE
    hidden, inside = hidden[::STRIDE, ::STRIDE], inside[::STRIDE, ::STRIDE]
    out = np.zeros((6, n, n), np.float32)
    out[3], out[4], out[5] = (hidden & TREES) > 0, (hidden & SHADE) > 0, inside
    centre = np.arange(n, dtype=np.float32) * STRIDE + (STRIDE - 1) / 2
    for v, u, wide, high, visible in towers:
        away = np.hypot(centre[:, None] - v, centre[None] - u) * PIXEL_M
        near = np.exp(-0.5 * (away / 0.9) ** 2)
        if visible < 0.5:  # neither a tower nor none
            out[5][away < 6] = 0
            continue
        np.maximum(out[0], near, out=out[0])
        mine = away < 1.5
        out[1][mine], out[2][mine] = wide, high
    return out
