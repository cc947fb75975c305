"""The cells on which an enclosing line is sought, and their tone: brightness against the ground around.

A cell is a pixel of the sensor, or a metre where pixels are finer; pixels coarser than 3.4 m are parted into cells that lie between them, so that a
line is followed across a pixel and not from pixel to pixel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter

from camwatch.imagery.image import LUMINANCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.imagery.image import Image

    Floats = NDArray[np.float32]

COARSEST_M = 3.4
"""Size of a cell at most."""
AROUND = 31
"""Cells on a side of the ground whose mean and spread a cell's tone is told from."""
EVERY = 7
"""Of so many cells one tells what is typical of a tile."""


def cells_to(sensor_m: float) -> int:
    """Return into how many cells a pixel of a sensor is parted, on a side."""
    return int(np.ceil(sensor_m / COARSEST_M))


def scale_of(image: Image) -> tuple[int, int]:
    """Return how many pixels of the grid make a cell, and how many cells a pixel; one of the two is 1."""
    sensor = max(1.0, image.gsd_m)
    cell = sensor / cells_to(sensor)
    return max(round(cell / image.pixel_m), 1), max(round(image.pixel_m / cell), 1)


def cell_m_of(image: Image) -> float:
    """Return the size of a cell in metres."""
    by, into = scale_of(image)
    return float(image.pixel_m * by / into)


def sensor_m_of(image: Image) -> float:
    """Return what the sensor resolves on these cells, in metres."""
    return max(image.gsd_m, image.pixel_m, cell_m_of(image))


def cells_of(image: Image, top: int, left: int, side: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Return tone and validity of side² cells from (top, left) on an image's grid of cells; what lies outside the image is not valid."""
    by, into = scale_of(image)
    rows, cols = (slice(*_span(first, side, by, into)) for first in (top, left))
    light, weight = _pixels(image, rows, cols)
    if by > 1:
        light, weight = (plane.reshape(side, by, side, by).mean(axis=(1, 3)) for plane in (light, weight))
    elif into > 1:
        light, weight = (parted(plane, (top - rows.start * into, left - cols.start * into), side, into) for plane in (light, weight))
    valid = weight > 0.5
    return tone_of(np.where(valid, light / np.maximum(weight, 1e-6), 0), valid), valid


def _span(first: int, side: int, by: int, into: int) -> tuple[int, int]:
    """Return the first pixel, and the one after the last, of `side` cells; with a pixel to either side where pixels are parted."""
    if into == 1:
        return first * by, (first + side) * by
    return first // into - 1, -(-(first + side) // into) + 1


def _pixels(image: Image, rows: slice, cols: slice) -> tuple[Floats, Floats]:
    """Return the luminance of some pixels, 0 where not usable, and whether each is usable; they may lie outside the image."""
    shape = rows.stop - rows.start, cols.stop - cols.start
    light, weight = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    height, width = image.valid.shape
    within = slice(max(rows.start, 0), min(rows.stop, height)), slice(max(cols.start, 0), min(cols.stop, width))
    if within[0].start < within[0].stop and within[1].start < within[1].stop:
        place = tuple(slice(part.start - whole.start, part.stop - whole.start) for part, whole in zip(within, (rows, cols), strict=True))
        usable = image.valid[within]
        light[place] = np.where(usable, _luminance(image, *within), 0)
        weight[place] = usable
    return light, weight


def parted(plane: Floats, first: tuple[int, int], side: int, into: int) -> Floats:
    """Return side² cells, `into` to a pixel, from the cell `first` of a plane of pixels on, linear between the pixels' centres."""
    out = plane
    for axis, start in enumerate(first):
        at = (start + np.arange(side) + 0.5) / into - 0.5
        low = np.floor(at).astype(int)
        share = np.expand_dims((at - low).astype(np.float32), 1 - axis)
        out = np.take(out, low, axis) * (1 - share) + np.take(out, low + 1, axis) * share
    return out


def _luminance(image: Image, rows: slice, cols: slice) -> Floats:
    if "pan" in image.bands:
        return np.asarray(image.values[image.bands.index("pan"), rows, cols], np.float32)
    weights = np.array([LUMINANCE.get(name, 0.0) for name in image.bands], np.float32)
    weights = weights / weights.sum() if weights.any() else np.full(len(weights), 1 / len(weights), np.float32)
    return np.asarray(np.tensordot(weights, image.values[:, rows, cols], axes=1), np.float32)


def tone_of(light: Floats, valid: NDArray[np.bool_]) -> Floats:
    """Return the logarithm of brightness less its mean nearby, in units of its spread there; 0 where not valid."""
    if not valid.any():
        return np.zeros(light.shape, np.float32)
    share = None if valid.all() else np.maximum(uniform_filter(valid.astype(np.float32), AROUND, mode="nearest"), 1e-3)

    def typical(values: Floats) -> float:
        return float(np.median((values.ravel() if share is None else values[valid])[::EVERY]))

    def nearby(values: Floats) -> Floats:
        mean: Floats = uniform_filter(values, AROUND, mode="nearest")
        return mean if share is None else mean / share

    tone = np.log(np.maximum(light, max(0.05 * typical(light), 1e-6)), dtype=np.float32)
    if share is not None:
        tone[~valid] = 0
    mean = nearby(tone)
    spread = np.sqrt(np.maximum(nearby(tone * tone) - mean * mean, 0))
    tone -= mean
    if share is not None:
        tone[~valid] = 0
    tone /= 0.5 * spread + np.float32(0.5 * typical(spread) + 0.02)
    return np.clip(tone, -5, 5, out=tone)
