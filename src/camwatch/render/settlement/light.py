"""A canvas under the sun, seen from where the sensor stood."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan, ceil, cos, degrees, radians, sin, tan
from typing import TYPE_CHECKING

import numpy as np

from camwatch.imagery.image import Sun
from camwatch.render.optics import sunlit
from camwatch.render.settlement.canvas import FACADE, OTHER, SHADOW

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.render.settlement.canvas import Canvas

    Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Light:
    """How a date is lit and looked at.

    Attributes
    ----------
    sun : Sun
        Azimuth clockwise from the top of the picture.
    view_azimuth_deg, off_nadir_deg : float
        From the ground towards the sensor; what is tall leans the other way.
    sky : float
        Share 0..1 of the light on flat ground that comes from the sky.
    slope : (east, south) float
        Metres that the ground rises per metre.
    """

    sun: Sun
    view_azimuth_deg: float = 0.0
    off_nadir_deg: float = 0.0
    sky: float = 0.25
    slope: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a sensor sees: `values` (3, y, x) float32, `kind` (y, x) uint8 and `number` (y, x) int16 of what fills each pixel."""

    values: Plane
    kind: NDArray[np.uint8]
    number: NDArray[np.int16]


def shine(canvas: Canvas, light: Light) -> Seen:
    """Return the brightness of a canvas: facets shaded, shadows cast, walls seen where the view is oblique."""
    a, e = radians(light.sun.azimuth_deg), radians(light.sun.elevation_deg)
    east, south, up = cos(e) * sin(a), -cos(e) * cos(a), sin(e)
    gx, gy = (np.float32(g) for g in light.slope)
    rise_x, rise_y = canvas.east + gx, canvas.south + gy
    facet = np.clip(up - east * rise_x - south * rise_y, 0, None) / np.sqrt(1 + rise_x**2 + rise_y**2) / np.float32(max(up, 0.2))
    # On a slope that rises towards the sun shadows are longer: the ray climbs less above the ground.
    towards = light.slope[0] * sin(a) - light.slope[1] * cos(a)
    steep = degrees(atan(max(tan(e) - towards, 0.15)))
    lit = sunlit(canvas.height, (-cos(a), sin(a)), canvas.pixel_m, Sun(light.sun.azimuth_deg, steep))
    kind = np.where((lit < 0.5) & (canvas.kind == OTHER), np.uint8(SHADOW), canvas.kind)
    sky = np.float32(light.sky)
    bright = sky + (1 - sky) * facet * lit
    # The sky is blue: what only it lights is bluer.
    tint = (np.array([-0.12, 0.0, 0.16], np.float32)[:, None, None] * (1 - lit)) + 1
    values = canvas.albedo * bright * tint
    seen = Seen(np.asarray(values, np.float32), kind, canvas.number)
    return seen if light.off_nadir_deg < 0.5 else _leaning(canvas, seen, light)


def _leaning(canvas: Canvas, nadir: Seen, light: Light) -> Seen:
    """Look down each line of sight: the highest thing that reaches up to it is what the sensor sees, its roof or its wall."""
    v = radians(light.view_azimuth_deg)
    metre = tan(radians(light.off_nadir_deg)) / canvas.pixel_m  # pixels that a metre of height leans
    away_col, away_row = -sin(v), cos(v)
    n = canvas.side
    steps = ceil(float(canvas.height.max()) * metre)
    here = np.arange(n, dtype=np.intp)
    source = here[:, None] * n + here[None]
    free = np.ones((n, n), bool)
    wall = np.zeros((n, n), bool)
    one = 1.0 / metre  # metres that the line of sight climbs per pixel
    for k in range(steps, 0, -1):
        rows = np.clip(here - round(k * away_row), 0, n - 1)
        cols = np.clip(here - round(k * away_col), 0, n - 1)
        there = canvas.height[rows][:, cols]
        hit = free & (there >= (k - 0.5) * one)
        if hit.any():
            np.copyto(source, rows[:, None] * n + cols[None], where=hit)
            wall |= hit & (there > (k + 1.5) * one)
            free &= ~hit
    flat = source.ravel()
    values = nadir.values.reshape(3, -1)[:, flat].reshape(3, n, n)
    kind, number = (plane.ravel()[flat].reshape(n, n) for plane in (nadir.kind, nadir.number))
    a, e = radians(light.sun.azimuth_deg), radians(light.sun.elevation_deg)
    facing = max(0.0, cos(a - v) * cos(e)) / max(sin(e), 0.2)
    side = canvas.wall.ravel()[flat].reshape(n, n) * np.float32(light.sky * 0.6 + (1 - light.sky) * min(facing, 1.5))
    values = np.where(wall, side, values)
    return Seen(np.asarray(values, np.float32), np.where(wall, np.uint8(FACADE), kind), np.where(wall, np.int16(0), number))
