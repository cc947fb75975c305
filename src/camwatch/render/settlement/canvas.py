"""What stands on a piece of ground, as maps: how high, how steep, how bright, what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw

from camwatch.render.settlement.noise import noise_tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from camwatch.render.settlement.noise import Noise

    Plane = NDArray[np.float32]
    Window = tuple[slice, slice]

OTHER, BUILDING, FACADE, TREE, SHADOW, VEHICLE = range(6)
"""Classes of pixels, as the network tells them apart."""

MATERIALS = {
    "grass": ((0.20, 0.26, 0.13), (0.28, 0.30, 0.18), (0.30, 0.36, 0.20), (0.16, 0.20, 0.11), (0.24, 0.25, 0.19), (0.22, 0.30, 0.14)),
    "dry": ((0.46, 0.40, 0.29), (0.40, 0.36, 0.28), (0.55, 0.48, 0.35), (0.36, 0.31, 0.24), (0.48, 0.42, 0.34), (0.38, 0.36, 0.26)),
    "soil": (
        (0.42, 0.31, 0.23),
        (0.33, 0.26, 0.21),
        (0.52, 0.42, 0.31),
        (0.30, 0.25, 0.23),
        (0.60, 0.50, 0.38),
        (0.25, 0.20, 0.17),
        (0.50, 0.36, 0.26),
    ),
    "sand": ((0.72, 0.64, 0.48), (0.82, 0.76, 0.62), (0.66, 0.58, 0.46), (0.74, 0.70, 0.60)),
    "gravel": ((0.50, 0.47, 0.42), (0.60, 0.56, 0.50), (0.42, 0.40, 0.38)),
    "concrete": ((0.60, 0.59, 0.56), (0.70, 0.69, 0.66), (0.52, 0.51, 0.50), (0.44, 0.44, 0.44), (0.78, 0.77, 0.74)),
    "asphalt": ((0.30, 0.30, 0.31), (0.38, 0.38, 0.38), (0.23, 0.23, 0.24), (0.45, 0.44, 0.43), (0.18, 0.18, 0.19)),
    "forest": ((0.10, 0.15, 0.08), (0.14, 0.18, 0.10), (0.19, 0.22, 0.14), (0.22, 0.20, 0.16), (0.08, 0.13, 0.10)),
    "rock": ((0.36, 0.34, 0.32), (0.48, 0.45, 0.41), (0.26, 0.25, 0.25)),
    "water": ((0.10, 0.14, 0.14), (0.15, 0.19, 0.16), (0.10, 0.13, 0.19), (0.25, 0.26, 0.20), (0.05, 0.06, 0.07)),
    "coal": ((0.09, 0.09, 0.10), (0.13, 0.13, 0.13)),
    "snow": ((0.86, 0.87, 0.90), (0.78, 0.80, 0.84)),
}
"""Plausible visible reflectances (red, green, blue), after the classes of public spectral libraries; each use varies them."""

ROUGHNESS = {
    "grass": 0.13, "dry": 0.10, "soil": 0.12, "sand": 0.06, "gravel": 0.10, "concrete": 0.04, "asphalt": 0.05, "forest": 0.25, "rock": 0.25,
    "water": 0.02, "coal": 0.12, "snow": 0.03,
}  # fmt: skip


@dataclass(slots=True, eq=False)
class Canvas:
    """Maps of (y, x), drawn into while a scene is built.

    Attributes
    ----------
    pixel_m : float
    albedo : (3, y, x) float32
        Red, green, blue reflectance.
    height : (y, x) float32
        Metres above the ground's plane.
    east, south : (y, x) float32
        How the height rises towards the right and towards the bottom, metres per metre: what shades a facet.
    wall : (y, x) float32
        Reflectance of the side of what stands there.
    kind : (y, x) uint8
    number : (y, x) int16
        Building that a pixel belongs to, 0 = none.
    """

    pixel_m: float
    albedo: Plane
    height: Plane
    east: Plane
    south: Plane
    wall: Plane
    kind: NDArray[np.uint8]
    number: NDArray[np.int16]

    @classmethod
    def empty(cls, side: int, pixel_m: float) -> Canvas:
        """Return black, flat ground."""
        flat = [np.zeros((side, side), np.float32) for _ in range(4)]
        kind, number = np.zeros((side, side), np.uint8), np.zeros((side, side), np.int16)
        return cls(pixel_m, np.zeros((3, side, side), np.float32), flat[0], flat[1], flat[2], flat[3], kind, number)

    @property
    def side(self) -> int:
        """Pixels along each side."""
        return int(self.height.shape[0])

    def window(self, x: float, y: float, reach: float) -> Window | None:
        """Return the rows and columns within `reach` pixels of a place; None where fewer than two of each are left."""
        n = self.side
        rows, cols = (slice(max(int(v - reach), 0), min(int(v + reach) + 2, n)) for v in (y, x))
        return (rows, cols) if min(rows.stop - rows.start, cols.stop - cols.start) > 1 else None

    def paint(self, mask: Plane | NDArray[np.bool_], colour: Plane, window: Window = (slice(None), slice(None))) -> None:
        """Lay `colour` (3, y, x) or (3, 1, 1) over the window with opacity `mask` (y, x) in 0..1."""
        part = self.albedo[:, *window]
        if mask.dtype == bool:
            np.copyto(part, colour, where=mask)
        else:
            part += mask * (colour - part)


def frame(window: Window, x: float, y: float, turn: float) -> tuple[Plane, Plane]:
    """Return coordinates (u, v) in pixels of a window's pixels in a frame at (x, y) turned by `turn` radians from the column axis."""
    rows, cols = window
    dx = np.arange(cols.start, cols.stop, dtype=np.float32)[None] - np.float32(x)
    dy = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - np.float32(y)
    c, s = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    return dx * c + dy * s, dy * c - dx * s


def material(rng: np.random.Generator, name: str, shape: tuple[int, int], pixel_m: float, noise: Noise | None = None) -> Plane:
    """Return (3, y, x) float32 of a ground: one of its colours, varied, with grain and slow changes of hue."""
    noise = noise or noise_tables()
    base = np.array(MATERIALS[name][rng.integers(len(MATERIALS[name]))], np.float32)
    base = np.maximum(base * np.exp(rng.normal(0, 0.13)) + rng.normal(0, 0.015, 3), 0.02).astype(np.float32)
    rough = ROUGHNESS[name] * rng.uniform(0.5, 1.6)
    grain = noise.field(rng, shape, float(rng.choice([0.6, 1.4, 2.0])), float(rng.choice([1, 1, 2, 3])) * 0.5 / min(pixel_m, 0.5))
    slow = noise.field(rng, shape, float(rng.choice([2.0, 3.0])), float(rng.choice([1, 2, 4])))
    light = np.exp(rough * (0.8 * grain + 0.5 * slow))
    hue = (rough * 0.4 * rng.uniform(0.2, 1) * np.array([1, rng.uniform(-0.3, 0.8), -1])).astype(np.float32)
    return np.asarray(base[:, None, None] * light * (1 + hue[:, None, None] * slow), np.float32)


def stroke(side: int, points: Sequence[tuple[float, float]] | NDArray[np.floating], width: float, *, closed: bool = False) -> NDArray[np.bool_]:
    """Return the mask (y, x) of a line of `width` pixels through points (x, y), drawn twice as fine so that thin ones have no gaps."""
    picture = Picture.new("1", (side * 2, side * 2))
    pen = ImageDraw.Draw(picture)
    path = [(float(x) * 2, float(y) * 2) for x, y in points]
    if closed:
        path.append(path[0])
    pen.line(path, fill=1, width=max(round(width * 2), 1), joint="curve")
    fine = np.asarray(picture)
    return np.asarray(fine[::2, ::2] | fine[1::2, ::2] | fine[::2, 1::2] | fine[1::2, 1::2])


def filled(side: int, points: Sequence[tuple[float, float]] | NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return the mask (y, x) of a polygon through points (x, y)."""
    picture = Picture.new("1", (side, side))
    ImageDraw.Draw(picture).polygon([(float(x), float(y)) for x, y in points], fill=1)
    return np.asarray(picture, bool)
