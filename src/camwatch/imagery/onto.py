"""A level or a quality layer of a scene, interpolated onto a grid: what is read for it, and by which path it goes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from camwatch.errors import CoverageError
from camwatch.imagery.gather import RIM, gather
from camwatch.imagery.read import read_level, usable_in
from camwatch.imagery.sample import PAD, block_mean, pixel_map, reduction, resample, source_points
from camwatch.imagery.through import places
from camwatch.scenes.layers import Mask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from camwatch.imagery.read import Level
    from camwatch.imagery.through import SeenAt
    from camwatch.scenes.layers import Band

    Pixels = tuple[NDArray[np.float32], NDArray[np.bool_]]

_STRIP = 2**24
"""Pixels, bands counted, that are held at once while averaging."""


def interpolate(level: Level, geobox: GeoBox, targets: Sequence[NDArray[np.float32]], seen_at: SeenAt | None = None) -> NDArray[np.bool_]:
    """Interpolate the level's bands onto a target grid, band n into `targets[n]`; return where all have data.

    Raises
    ------
    CoverageError
        When the level and the grid do not overlap.
    """
    return _through(level, geobox, partial(_read, level), targets, seen_at)


def usable_around(mask: Mask, geobox: GeoBox, bands: Sequence[Band], seen_at: SeenAt | None = None) -> NDArray[np.bool_]:
    """Return where a quality layer with a grid of its own calls all that lies under the bilinear kernel of a target pixel usable.

    This is for pixels that are interpolated: nothing of a cloud reaches into a valid one.
    """
    return _through(mask, geobox, partial(_read_mask, mask, bands), (), seen_at)


def usable_at_centres(mask: Mask, geobox: GeoBox, bands: Sequence[Band]) -> NDArray[np.bool_]:
    """Return where a quality layer with a grid of its own calls what lies at the centre of a target pixel usable: for pixels that are copies."""
    affine, k = pixel_map(mask.geobox, geobox), reduction(mask.geobox, geobox)
    if affine is None or k > 1:
        return usable_around(mask, geobox, bands)
    window = _window(mask, geobox, k)
    seen = usable_in(mask, window, bands)
    affine = Affine.translation(-window.col_off, -window.row_off) * affine
    rows, cols = np.mgrid[: geobox.shape[0], : geobox.shape[1]] + 0.5
    x, y = np.floor(affine.a * cols + affine.b * rows + affine.c).astype(int), np.floor(affine.d * cols + affine.e * rows + affine.f).astype(int)
    inside = (x >= 0) & (y >= 0) & (x < seen.shape[1]) & (y < seen.shape[0])
    found: NDArray[np.bool_] = inside & seen[np.clip(y, 0, seen.shape[0] - 1), np.clip(x, 0, seen.shape[1] - 1)]
    return found


def no_overlap(source: Level | Mask, geobox: GeoBox) -> CoverageError:
    """Return the error of a grid that the scene does not show."""
    where = source.href if isinstance(source, Mask) else source.bands[0].href
    got, wanted = f"scene {_extent(source.geobox)}", f"an overlap with {_extent(geobox)}"
    return CoverageError("scene does not overlap the grid", where=where, got=got, expected=wanted, remedy="choose a scene that shows the AOI")


def _extent(geobox: GeoBox) -> str:
    return f"{tuple(round(value, 4) for value in geobox.boundingbox.bbox)} in {geobox.crs}"


def _through(
    source: Level | Mask, geobox: GeoBox, read: Callable[[Window, int, int], Pixels], targets: Sequence[NDArray[np.float32]], seen_at: SeenAt | None
) -> NDArray[np.bool_]:
    """Interpolate what `read` returns of a window, for blocks to average and a rim, onto a target grid; return where it is valid."""
    if seen_at is not None:
        found = places(source.geobox, geobox, seen_at)
        k = found.k
        # Blocks are the same ones whichever part of a grid is asked for.
        window = _cut(source, geobox, found.reach(), PAD * k, k, lattice=k)
        values, seen = read(window, k, RIM)
        return gather(values, seen, (int(window.row_off), int(window.col_off)), found, targets)
    k = reduction(source.geobox, geobox)
    window = _window(source, geobox, k)
    values, seen = read(window, k, 0)
    affine = source.geobox.affine * Affine.translation(window.col_off, window.row_off) * Affine.scale(k)
    return resample(values, seen, GeoBox(seen.shape, affine, source.geobox.crs), geobox, targets)


def _window(source: Level | Mask, geobox: GeoBox, k: int) -> Window:
    """Return the part of the source that the target needs where k by k blocks are averaged."""
    points = source_points(source.geobox, geobox)
    # A straight edge of the target is curved in another CRS; the points follow it, a part of their spacing covers what is between them.
    curved = 0.002 * float(np.ptp(points, axis=0).max()) if len(points) and pixel_map(source.geobox, geobox) is None else 0.0
    return _cut(source, geobox, points, PAD * k + curved, k)


def _cut(source: Level | Mask, geobox: GeoBox, points: NDArray[np.float64], pad: float, k: int, *, lattice: int = 1) -> Window:
    """Return the window `pad` pixels around (n, 2) points, cut at the source's edge, from a multiple of `lattice` on; it holds a block of `k`."""
    height, width = source.geobox.shape
    if len(points) == 0:
        raise no_overlap(source, geobox)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        raise no_overlap(source, geobox)
    first_col, first_row = (max(0, int(np.floor((edge - pad) / lattice)) * lattice) for edge in (left, top))
    last_col, last_row = min(width, int(np.ceil(right + pad))), min(height, int(np.ceil(bottom + pad)))
    rows, cols = last_row - first_row, last_col - first_col
    if min(rows, cols) < k:
        raise no_overlap(source, geobox)  # less than one pixel of the target
    return Window(first_col, first_row, cols, rows)


def _read(level: Level, window: Window, k: int, rim: int) -> Pixels:
    """Read a window averaged over k by k blocks, with a rim of invalid pixels around it.

    Averages are made strip by strip: an overview of a gigapixel needs no more memory than the overview.
    """
    height, width, count = int(window.height) // k, int(window.width) // k, len(level.bands)
    values, seen = np.empty((count, height + 2 * rim, width + 2 * rim), np.float32), np.zeros((height + 2 * rim, width + 2 * rim), bool)
    inside = np.s_[..., rim : rim + height, rim : rim + width]
    inner, good = values[inside], seen[inside]
    if k == 1:
        good[...] = True
        read_level(level, window, list(inner), good)
        return values, seen
    step = max(1, _STRIP // (int(window.width) * k * count))
    for top in range(0, height, step):
        rows = min(step, height - top)
        part = Window(window.col_off, window.row_off + top * k, window.width, rows * k)
        strip, usable = np.empty((count, rows * k, int(window.width)), np.float32), np.ones((rows * k, int(window.width)), bool)
        read_level(level, part, list(strip), usable)
        inner[:, top : top + rows], good[top : top + rows] = block_mean(strip, usable, k)
    return values, seen


def _read_mask(mask: Mask, bands: Sequence[Band], window: Window, k: int, rim: int) -> Pixels:
    """Do the same with a quality layer, which has no values."""
    seen = usable_in(mask, window, bands)
    nothing = np.empty((0, *seen.shape), np.float32)
    if k > 1:
        nothing, seen = block_mean(nothing, seen, k)
    edges = ((rim, rim), (rim, rim))
    return np.pad(nothing, ((0, 0), *edges)), np.pad(seen, edges)
