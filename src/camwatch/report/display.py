"""Pixels as they are shown: cut to the view, area-averaged to the panel, stretched alike for both dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from camwatch.imagery.image import Image

VISIBLE = ("red", "green", "blue")
PERCENTILES = (2.0, 98.0)
SAMPLE = 60_000
"""Pixels of a date at least, where it has them, from which these are told: to a twentieth of a per cent of all pixels."""


class View(NamedTuple):
    """What a panel shows: a rectangle in the CRS of the grid, in metres."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        """Metres from left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Metres from bottom to top."""
        return self.top - self.bottom

    def shaped(self, ratio: float) -> View:
        """Return the view widened or heightened about its centre until height / width is `ratio`."""
        width = max(self.width, self.height / ratio)
        return View.around(0.5 * (self.left + self.right), 0.5 * (self.bottom + self.top), width, width * ratio)

    @classmethod
    def around(cls, x: float, y: float, width: float, height: float) -> View:
        """Return the view of a size about a centre."""
        return cls(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def view_of(area: BaseGeometry, geobox: GeoBox, *, room: float = 0.05, ratios: tuple[float, float] = (0.62, 1.0)) -> View:
    """Return the view that shows an area with some room about it, its shape kept within `ratios` (height / width).

    A view smaller than six pixels of the grid is enlarged to six: there is nothing to see in less.
    """
    left, bottom, right, top = area.bounds
    least = 6 * abs(geobox.affine.determinant) ** 0.5
    width, height = (max(side * (1 + 2 * room), least) for side in (right - left, top - bottom))
    view = View.around(0.5 * (left + right), 0.5 * (bottom + top), width, height)
    return view.shaped(min(max(height / width, ratios[0]), ratios[1]))


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Pixels of one date ready for display.

    Attributes
    ----------
    values : (y, x, 1 or 3) float32
    valid : (y, x) bool
    geobox : GeoBox
    """

    values: NDArray[np.float32]
    valid: NDArray[np.bool_]
    geobox: GeoBox


def averaged(values: NDArray[np.float32], valid: NDArray[np.bool_], step: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Average blocks of `step` × `step` pixels over their valid ones.

    Parameters
    ----------
    values : (band, y, x) float32
    valid : (y, x) bool
    step : int
        1 = as it is. Blocks at the right and lower edge may be smaller.

    Returns
    -------
    (band, y', x') float32 and (y', x') bool
        A block is valid where at least half of its pixels are.
    """
    if step == 1:
        return np.where(valid, values, np.float32(0)), valid
    rows, cols = valid.shape
    at = np.arange(0, rows, step), np.arange(0, cols, step)

    def blocks(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(np.add.reduceat(np.add.reduceat(plane, at[0], axis=0), at[1], axis=1), np.float32)

    count = blocks(valid.astype(np.float32))
    size = np.outer(np.diff(np.append(at[0], rows)), np.diff(np.append(at[1], cols)))
    mean = [blocks(np.where(valid, plane, np.float32(0))) / np.maximum(count, 1) for plane in values]
    return np.stack(mean).astype(np.float32), np.asarray(count >= 0.5 * size, np.bool_)


def cut(geobox: GeoBox, view: View, target_px: int) -> tuple[slice, slice, int, GeoBox] | None:
    """Plan what a panel needs of a grid: rows, columns, averaging step, and the resulting grid; None where the view lies outside.

    `target_px` is the panel's width in pixels; the result has between one and two times as many, or all there are.
    """
    x, y = np.array([(x, y) for x in (view.left, view.right) for y in (view.bottom, view.top)]).T
    back = ~geobox.affine
    cols, rows = back.a * x + back.b * y + back.c, back.d * x + back.e * y + back.f
    ny, nx = geobox.shape
    r0, r1 = max(int(np.floor(rows.min())) - 1, 0), min(int(np.ceil(rows.max())) + 1, ny)
    c0, c1 = max(int(np.floor(cols.min())) - 1, 0), min(int(np.ceil(cols.max())) + 1, nx)
    if r0 >= r1 or c0 >= c1:
        return None
    pixel = abs(geobox.affine.determinant) ** 0.5
    step = max(int(view.width / pixel / target_px), 1)
    shape = -(-(r1 - r0) // step), -(-(c1 - c0) // step)
    grid = geobox.affine
    affine = Affine(
        step * grid.a, step * grid.b, grid.c + grid.a * c0 + grid.b * r0, step * grid.d, step * grid.e, grid.f + grid.d * c0 + grid.e * r0
    )
    return slice(r0, r1), slice(c0, c1), step, GeoBox(shape, affine, geobox.crs)


def shown(image: Image, view: View, target_px: int, *, colour: bool) -> Shown | None:
    """Return the pixels of an image that a panel shows, in colour or as luminance; None where the view lies outside the image."""
    plan = cut(image.geobox, view, target_px)
    if plan is None:
        return None
    rows, cols, step, geobox = plan
    stack = np.stack([image.band(name)[rows, cols] for name in VISIBLE]) if colour else image.luminance()[rows, cols][None]
    values, valid = averaged(stack, image.valid[rows, cols], step)
    return Shown(np.moveaxis(values, 0, -1), valid, geobox)


def in_colour(images: Sequence[Image]) -> bool:
    """Whether all images have the three visible bands: dates are compared in one rendering."""
    return all(set(VISIBLE) <= set(image.bands) for image in images)


def limits(parts: Sequence[Shown | None]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what is shown as black and as white, per band, over all parts together (2nd and 98th percentile)."""
    there = [_sample(p) for p in parts if p is not None and p.valid.any()]
    if not there:
        return np.zeros(1, np.float32), np.ones(1, np.float32)
    low, high = np.percentile(np.concatenate(there), PERCENTILES, axis=0).astype(np.float32)
    flat = high - low <= 1e-6 * np.maximum(np.abs(high), 1)
    return np.where(flat, low - 0.5, low), np.where(flat, low + 0.5, high)


def _sample(part: Shown) -> NDArray[np.float32]:
    """Return (n, band) valid pixels: percentiles of some ten thousand are those of all, and sorting all takes longer than drawing them."""
    step = max(int((np.count_nonzero(part.valid) / SAMPLE) ** 0.5), 1)
    few = part.valid[::step, ::step]
    return part.values[::step, ::step][few] if few.any() else part.values[part.valid]


def rgba(part: Shown, span: tuple[NDArray[np.float32], NDArray[np.float32]], *, pale: float = 0.0) -> NDArray[np.float32]:
    """Stretch to 0..1 and return (y, x, 4) float32; not observed = transparent. `pale` mixes with so much white, for ground behind marks."""
    low, high = span
    bright = np.clip((part.values - low) / (high - low), 0, 1) * (1 - pale) + pale
    picture = np.empty((*part.valid.shape, 4), np.float32)
    picture[..., :3] = bright
    picture[..., 3] = part.valid
    return picture
