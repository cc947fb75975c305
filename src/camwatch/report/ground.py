"""Where a panel of a canvas shows what of a grid, and the pixels it shows there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image as Picture

from camwatch.report.display import PERCENTILES, VISIBLE
from camwatch.report.style import NOT_OBSERVED

if TYPE_CHECKING:
    from affine import Affine
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from camwatch.imagery.image import Image
    from camwatch.report.canvas import Area

HATCH = 8
"""Distance in pixels of the lines over ground that was not observed."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a panel shows: a rectangle of a grid, north up and east to the right where the grid's axes allow it.

    Attributes
    ----------
    area : Area
        The panel on the page.
    grid : GeoBox
    left, top : float
        Its first corner in pixels of the grid, counted from the grid's corner along the grid's own axes.
    scale : float
        Pixels of the page for a pixel of the grid.
    """

    area: Area
    grid: GeoBox
    left: float
    top: float
    scale: float

    @classmethod
    def over(cls, area: Area, grid: GeoBox, *, filled: bool = False) -> Ground:
        """Return a grid as large as it goes into a panel; `filled`, its middle as large as it covers the panel."""
        rows, cols = grid.shape
        scale = (max if filled else min)(area.width / cols, area.height / rows)
        return cls(area, grid, (cols - area.width / scale) / 2, (rows - area.height / scale) / 2, scale)

    @property
    def _turned(self) -> tuple[bool, bool]:
        """Whether columns run to the west, and rows to the north."""
        return self.grid.affine.a < 0, self.grid.affine.e > 0

    def on_page(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where (n, 2) pixel centres (col, row) lie in the panel, (x, y) from its upper left corner."""
        places = (points.reshape(-1, 2) + 0.5 - (self.left, self.top)) * self.scale
        for axis, (back, side) in enumerate(zip(self._turned, (self.area.width, self.area.height), strict=True)):
            if back:
                places[:, axis] = side - places[:, axis]
        return places

    def upright(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn (y, x, …) pixels that follow the grid's axes as the panel shows them."""
        west, north = self._turned
        return pixels[:: -1 if north else 1, :: -1 if west else 1]

    def centres(self, step: int = 1) -> NDArray[np.float64]:
        """Return the pixels of the grid (col, row) under the panel's pixels, every `step`-th, as (n, 2), row by row along the grid's axes."""
        x, y = (np.arange(0, side, step) + step / 2 for side in (self.area.width, self.area.height))
        col, row = np.meshgrid(self.left + x / self.scale - 0.5, self.top + y / self.scale - 0.5)
        return np.column_stack([col.ravel(), row.ravel()])


def shown(ground: Ground, image: Image, *, colour: bool, pale: float = 0.0) -> NDArray[np.uint8]:
    """Return the (y, x, 3) pixels of a panel: the image stretched between its 2nd and 98th percentile, hatched where it was not observed.

    Parameters
    ----------
    ground : Ground
    image : Image
        On the grid of `ground`, a part of it, or a coarser version of it.
    colour : bool
        Red, green and blue; luminance otherwise.
    pale : float
        Share of white that is mixed in, for ground behind marks.
    """
    height, width = ground.area.height, ground.area.width
    # Pixel of the image → pixel of the grid, both counted from the corner.
    step: Affine = ~ground.grid.affine * image.geobox.affine
    rows, cols = image.valid.shape
    x0, x1, *box_x = _span((step.a, step.c - ground.left), cols, ground.scale, width)
    y0, y1, *box_y = _span((step.e, step.f - ground.top), rows, ground.scale, height)
    whole = bool(image.valid.all())
    covered = whole and (x0, y0, x1, y1) == (0, 0, width, height)
    picture = np.empty((height, width, 3), np.uint8) if covered else np.repeat(hatched(height, width)[..., None], 3, axis=2)
    if x0 < x1 and y0 < y1:
        box = box_x[0], box_y[0], box_x[1], box_y[1]
        size = x1 - x0, y1 - y0
        share = None if whole else _resized(image.valid.astype(np.float32), size, box)
        part = picture[y0:y1, x0:x1]
        for n, band in enumerate([image.band(name) for name in VISIBLE] if colour else [image.luminance()]):
            target = part[..., n : n + 1] if colour else part
            if share is None:
                target[...] = _stretched(_resized(band, size, box), pale)[..., None]
            else:
                seen = share > 0.5
                plane = _resized(np.where(image.valid, band, np.float32(0)), size, box)
                target[seen] = _stretched(plane[seen] / share[seen], pale)[..., None]
    return ground.upright(picture)


def hatched(height: int, width: int, apart: int = HATCH) -> NDArray[np.uint8]:
    """Return the (y, x) look of ground that was not observed: lines so many pixels apart along a row, the wider the finer the page."""
    line = np.where(np.arange(width + apart) % apart < apart // HATCH, 189, int(NOT_OBSERVED[1:3], 16)).astype(np.uint8)
    return sliding_window_view(line, width)[np.arange(height) % apart]


def _span(step: tuple[float, float], count: int, scale: float, side: int) -> tuple[int, int, float, float]:
    """Return the page pixels [start, end) of one axis that an image covers, and the part of the image under them.

    `step` is (pixels of the grid for a pixel of the image, where the image begins), counted from the panel's first corner.
    """
    each, begins = step
    start, end = max(round(begins * scale), 0), min(round((begins + count * each) * scale), side)
    left, right = (min(max((page / scale - begins) / each, 0.0), float(count)) for page in (start, end))
    return start, end, left, right


def _resized(plane: NDArray[np.float32], size: tuple[int, int], box: tuple[float, float, float, float]) -> NDArray[np.float32]:
    """Return a part of a plane at another size: averaged where that is coarser, smoothly interpolated where it is finer."""
    finer = size[0] > box[2] - box[0]
    how = Picture.Resampling.BICUBIC if finer else Picture.Resampling.BOX
    return np.asarray(Picture.fromarray(plane).resize(size, how, box=box), np.float32)


def _stretched(values: NDArray[np.float32], pale: float) -> NDArray[np.uint8]:
    """Stretch values between their percentiles, mixed with so much white."""
    if not values.size:
        return np.zeros(values.shape, np.uint8)
    # Percentiles of some ten thousand pixels are those of all.
    low, high = np.percentile(values.ravel()[:: max(values.size // 20_000, 1)], PERCENTILES)
    if high - low <= 1e-6 * max(abs(high), 1):
        low, high = low - 0.5, high + 0.5
    bright = np.clip((values - np.float32(low)) * np.float32(1 / (high - low)), 0, 1) * np.float32(255 * (1 - pale)) + np.float32(255 * pale)
    return np.asarray(bright + np.float32(0.5), np.uint8)
