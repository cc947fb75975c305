"""What stands along the four sides of a rectangle: steps of brightness, and shade that ends where the side ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi

from camwatch.detect._common import ramp

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHADED = (0.92, 0.80)
"""Tone (square root of brightness) of the shadow side over that of the lit ground: a darker field; shade, which has 0.64 of the light or less."""

ALONG = np.linspace(-0.4, 0.4, 9)
"""Places along a side, in its length; the corners are left out, for roofs and outlines round them off."""

ACROSS_M = np.arange(-3.0, 4.0)
"""Distances from a side, outwards, at which profiles are taken: an outline is good to 2 m."""

SHADE_M = (1.5, 2.5, 3.5)
"""Distances from the wall, along the shadow, at which shade is looked for: a wall of 2.5 m throws 3 m under a sun of 40°."""


def closed_sides(tones: NDArray[np.float32], frame: NDArray[np.float64], pixel: float) -> NDArray[np.float64]:
    """Return (n,) 0..1: the step of tone across the weakest of a rectangle's four sides, over the mean of the four.

    The step is the largest within 2 m of the side. A building ends on all sides; a piece of a strip or of a field goes on past one or two.

    Tones are averaged along the side before they are compared: texture, and what crosses the side at a slant, cancels.

    Parameters
    ----------
    tones : (band, y, x)
        In contrast units.
    frame : (6, n)
        As :func:`camwatch.detect._roofs.fit_rectangles` gives it.
    pixel : float
        Metres.
    """
    steps = []
    scale = max(1.0 / pixel, 1.0)
    for middle, outwards, along in _sides(frame):
        rows, cols = (middle[axis] + along[axis] * ALONG[:, None, None] + outwards[axis] * (ACROSS_M * scale)[None, :, None] for axis in (0, 1))
        profile = np.stack([_at(tone, rows, cols).mean(axis=0) for tone in tones])
        steps.append(np.sqrt(((profile[:, 2:] - profile[:, :-2]) ** 2).sum(axis=0)).max(axis=0))
    four = np.stack(steps)
    # A step below half the spread of the ground's tones is texture.
    weakest = four.min(axis=0)
    return np.asarray(weakest / np.maximum(four.mean(axis=0), 0.5) * ramp(weakest, 0.2, 0.5), np.float64)


def shade_beside(tone: NDArray[np.float32], frame: NDArray[np.float64], own: NDArray[np.float64], step: tuple[float, float]) -> NDArray[np.float64]:
    """Return (n,) 0..1: how far, in contrast units, the ground on the shadow side lies below both the sunny side and the object's `own` tone.

    `step` is (rows, cols) of shadow for each metre; `frame` as in :func:`side_steps`.
    """
    total, weight = np.zeros((2, len(own))), np.full((2, len(own)), 1e-9)
    towards = np.array(step) / np.hypot(*step)
    for middle, outwards, along in _sides(frame):
        facing = outwards[0] * towards[0] + outwards[1] * towards[1]
        worth = np.hypot(*along) * np.abs(facing)
        side = np.where(facing > 0, 0, 1)
        for distance in SHADE_M:
            rows, cols = (middle[axis] + along[axis] * ALONG[::2, None] + np.sign(facing) * step[axis] * distance for axis in (0, 1))
            total[side, np.arange(len(own))] += worth * _at(tone, rows, cols).mean(axis=0)
            weight[side, np.arange(len(own))] += worth
    shaded, sunny = total / weight
    lit = np.minimum(sunny, own)
    return ramp(lit - shaded, 0.2, 1.5) * ramp(shaded / np.maximum(lit, 1e-6), *SHADED)


def _sides(frame: NDArray[np.float64]) -> list[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
    """Return (middle, outward unit vector, vector along the whole side), each (2, n), of the two long and the two short sides."""
    centre, unit = frame[:2], frame[2:4]
    normal = np.stack([-unit[1], unit[0]])
    long_side, short_side = frame[4], frame[5]
    return [
        *((centre + sign * normal * short_side / 2, sign * normal, unit * long_side) for sign in (1, -1)),
        *((centre + sign * unit * long_side / 2, sign * unit, normal * short_side) for sign in (1, -1)),
    ]


def _at(plane: NDArray[np.float32], rows: NDArray[np.float64], cols: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the plane at fractional (row, col), linearly interpolated; its edge goes on outside."""
    return np.asarray(ndi.map_coordinates(plane, np.stack([rows, cols]), order=1, mode="nearest"), np.float64)
