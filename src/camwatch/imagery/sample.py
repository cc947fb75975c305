"""One interpolation: values and validity of a source window on a target grid."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from rasterio.enums import Resampling
from rasterio.io import MemoryFile
from rasterio.vrt import WarpedVRT
from scipy.ndimage import minimum_filter

from camwatch.imagery.work import MANY, for_each

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

TOLERANCE_PX = 1e-4
"""How far, in source pixels, GDAL may approximate the transform between two CRS; its own default, 0.125, is a visible shift."""

PAD = 4
"""Source pixels read around what the target touches: two for the cubic kernel, two for rounding and curvature."""

STRICT = 4
"""Blocks up to this side are averaged only when whole."""

STRIP = 2**18
"""Pixels of the target that are warped at once."""

ALIGNED_PX = 2e-4
"""A target that lies on the source's pixels to within this is copied, not interpolated."""


def pixel_map(source: GeoBox, target: GeoBox) -> Affine | None:
    """Return the affine target pixel → source pixel (both counted from the corner); None across CRS, where it is not affine."""
    return ~source.affine * target.affine if source.crs == target.crs else None


def aligned(source: GeoBox, target: GeoBox) -> tuple[int, int, int, int] | None:
    """Return (row, column, row step, column step) in the source of the target's pixel (0, 0), steps ±1; None where pixels do not coincide."""
    affine = pixel_map(source, target)
    if affine is None:
        return None
    rows, cols = target.shape
    if abs(abs(affine.a) - 1) * cols > ALIGNED_PX or abs(abs(affine.e) - 1) * rows > ALIGNED_PX:
        return None
    if abs(affine.b) * rows > ALIGNED_PX or abs(affine.d) * cols > ALIGNED_PX:
        return None
    col, row = affine * (0.5, 0.5)
    if abs(col - 0.5 - round(col - 0.5)) > ALIGNED_PX or abs(row - 0.5 - round(row - 0.5)) > ALIGNED_PX:
        return None
    return round(row - 0.5), round(col - 0.5), 1 if affine.e > 0 else -1, 1 if affine.a > 0 else -1


def source_points(source: GeoBox, target: GeoBox, n: int = 33) -> NDArray[np.float64]:
    """Return where n by n points spread over the target (edges included) lie in the source: (col, row) from the corner; (n², 2), only finite ones."""
    rows, cols = target.shape
    x, y = np.meshgrid(np.linspace(0, cols, n), np.linspace(0, rows, n))
    a = target.affine
    mx, my = a.a * x + a.b * y + a.c, a.d * x + a.e * y + a.f
    if source.crs != target.crs:
        mx, my = Transformer.from_crs(str(target.crs), str(source.crs), always_xy=True).transform(mx, my)
    b = ~source.affine
    points = np.stack([b.a * mx + b.b * my + b.c, b.d * mx + b.e * my + b.f], axis=-1).reshape(-1, 2)
    finite: NDArray[np.float64] = points[np.isfinite(points).all(axis=1)]
    return finite


def reduction(source: GeoBox, target: GeoBox) -> int:
    """Return how many source pixels in each direction are averaged before interpolating, 1 where the target is about as fine as the source."""
    centre = GeoBox((1, 1), target.affine * Affine.translation(target.shape[1] / 2 - 0.5, target.shape[0] / 2 - 0.5), target.crs)
    corners = source_points(source, centre, 2)
    if len(corners) < 4:
        return 1
    across, down = corners[1] - corners[0], corners[2] - corners[0]
    return max(1, round(float(np.sqrt(abs(across[0] * down[1] - across[1] * down[0])))))


def block_mean(values: NDArray[np.float32], valid: NDArray[np.bool_], k: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the means of the valid pixels over k by k blocks, and which blocks are valid.

    Up to 4 by 4, one invalid pixel makes a block invalid: the mean of the others lies elsewhere than the block's centre. In larger blocks, which
    serve overviews, half of the pixels are enough: a few holes should not black out a whole picture.
    """
    rows, cols = valid.shape[0] // k, valid.shape[1] // k
    if valid.all():
        # One plane of every k-th pixel after another: many times faster than sums over short axes.
        total = np.zeros((len(values), rows, cols))
        for down, across in np.ndindex(k, k):
            total += values[:, down : rows * k : k, across : cols * k : k]
        return (total / k**2).astype(np.float32), np.ones((rows, cols), bool)
    good = valid[: rows * k, : cols * k].reshape(rows, k, cols, k)
    blocks = np.where(good, values[:, : rows * k, : cols * k].reshape(len(values), rows, k, cols, k), np.float32(0))
    count = good.sum(axis=(1, 3))
    usable: NDArray[np.bool_] = count >= (k * k if k <= STRICT else (k * k + 1) // 2)
    sums = blocks.sum(axis=(2, 4), dtype=np.float64)
    return (sums / np.maximum(count, 1)).astype(np.float32), usable


def resample(
    values: NDArray[np.float32], valid: NDArray[np.bool_], source: GeoBox, target: GeoBox, out: Sequence[NDArray[np.float32]]
) -> NDArray[np.bool_]:
    """Interpolate a source window onto a target grid.

    Cubic convolution (Keys 1981, doi:10.1109/TASSP.1981.1163711) where all 4 × 4 pixels under the kernel are valid; bilinear where only the inner
    2 × 2 are; invalid elsewhere. So nothing invalid ever enters a valid pixel, and the valid area shrinks by less than one pixel. Both kernels
    reproduce a linear ramp exactly. The target must not be much coarser than the source: average first (:func:`block_mean`).

    Parameters
    ----------
    values : (band, y, x) float32
        Not written to. Pixels outside `valid` may hold anything.
    valid : (y, x) bool
    source : GeoBox of `values`
        The window; what lies outside it counts as invalid.
    target : GeoBox
    out : sequence of (y, x) float32 on `target`
        One plane for each band; written to.

    Returns
    -------
    (y, x) bool on `target`: which pixels are valid.
    """
    # A rim of invalid pixels: beyond the window GDAL would shorten its kernels, which shifts what they sample.
    rim = 3
    source = GeoBox((valid.shape[0] + 2 * rim, valid.shape[1] + 2 * rim), source.affine * Affine.translation(-rim, -rim), source.crs)
    flat = pixel_map(source, target) if valid.all() else None
    valid = np.pad(valid, rim)
    usable, whole = np.empty(target.shape, bool), np.empty(target.shape, bool)
    strips = _strips(target)
    if flat is not None:
        for rows in strips:
            usable[rows], whole[rows] = (_within(flat, rows, target.shape[1], valid.shape, rim + more) for more in (0, 1))
    else:
        # Pixels whose 3 × 3 neighbours are valid: the four under the bilinear kernel have all of the cubic kernel's 4 × 4 as neighbours.
        inner = minimum_filter(valid, size=3)
        with _in_memory(np.stack([valid, inner]).astype(np.float32), source) as weights:
            for rows in strips:
                usable[rows], whole[rows] = _warped(weights, target, rows, Resampling.bilinear) > 1 - 1e-5

    def interpolate(bands: range) -> None:
        some = values[bands.start : bands.stop]
        planes = np.where(valid, np.pad(some, ((0, 0), (rim, rim), (rim, rim))), np.float32(0))
        with _in_memory(planes, source) as dataset:
            for rows in strips:
                smooth = _warped(dataset, target, rows, Resampling.cubic)
                near = usable[rows] & ~whole[rows]
                if flat is not None:
                    row, col = np.nonzero(near)
                    smooth[:, row, col] = _between(planes, flat, row + rows.start, col)
                elif near.any():
                    np.copyto(smooth, _warped(dataset, target, rows, Resampling.bilinear), where=near)
                for n, plane in zip(bands, smooth, strict=True):
                    out[n][rows] = plane

    together = max(1, STRIP // usable.size)
    batches = [range(n, min(n + together, len(values))) for n in range(0, len(values), together)]
    for_each(interpolate, batches, at_once=usable.size >= MANY)
    return usable


def _within(flat: Affine, rows: slice, width: int, shape: tuple[int, ...], edge: int) -> NDArray[np.bool_]:
    """Return which target pixels, of some rows, lie between centres of source pixels that are at least `edge` from the first and the last."""
    x, y = np.arange(width) + 0.5, np.arange(rows.start, rows.stop)[:, None] + 0.5
    # Where rows and columns run alike, two short lists are compared, not a place for each pixel.
    col = flat.a * x + (flat.b * y if flat.b else 0.0) + flat.c - 0.5
    row = flat.e * y + (flat.d * x if flat.d else 0.0) + flat.f - 0.5
    slack = 1e-5
    inside = (col >= edge - slack) & (col <= shape[1] - 1 - edge + slack) & (row >= edge - slack) & (row <= shape[0] - 1 - edge + slack)
    return np.broadcast_to(inside, (rows.stop - rows.start, width))


def _between(planes: NDArray[np.float32], flat: Affine, row: NDArray[np.intp], col: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return (band, n) values of n target pixels, bilinear between the source's."""
    x, y = flat.a * (col + 0.5) + flat.b * (row + 0.5) + flat.c - 0.5, flat.d * (col + 0.5) + flat.e * (row + 0.5) + flat.f - 0.5
    # A hair beyond the last centre is that centre.
    left, top = np.floor(np.round(x, 5)).astype(np.intp), np.floor(np.round(y, 5)).astype(np.intp)
    right, down = np.clip(x - left, 0, 1), np.clip(y - top, 0, 1)
    upper, lower = (planes[:, top + n, left] * (1 - right) + planes[:, top + n, left + 1] * right for n in (0, 1))
    return np.asarray(upper * (1 - down) + lower * down, np.float32)


def _strips(target: GeoBox) -> list[slice]:
    """Cut a grid into strips of rows that are warped one after another: what GDAL needs beside the result stays small."""
    height, width = target.shape
    step = max(1, STRIP // width)
    return [slice(top, min(top + step, height)) for top in range(0, height, step)]


@contextmanager
def _in_memory(values: NDArray[np.float32], source: GeoBox) -> Iterator[Any]:
    """Offer (band, y, x) float32 on a grid as an open dataset."""
    profile = {
        "driver": "GTiff",
        "count": len(values),
        "height": values.shape[1],
        "width": values.shape[2],
        "dtype": "float32",
        "crs": str(source.crs),
        "transform": source.affine,
        "BIGTIFF": "IF_SAFER",
        "interleave": "band",
    }
    with MemoryFile() as memory:
        with memory.open(**profile) as dataset:
            dataset.write(values)
        with memory.open() as dataset:
            yield dataset


def _warped(dataset: Any, target: GeoBox, rows: slice, kernel: Resampling) -> NDArray[np.float32]:
    """Warp some rows of a target without regard to validity, (band, y, x); 0 outside."""
    # rasterio.warp.reproject takes a tolerance and does not use it (1.4); a WarpedVRT does, and its source may lie in memory.
    place = {"transform": target.affine * Affine.translation(0, rows.start), "height": rows.stop - rows.start, "width": target.shape[1]}
    # XSCALE: the kernel keeps its width; averaging for coarser targets has been done, exactly, before.
    options = {"crs": str(target.crs), "tolerance": TOLERANCE_PX, "XSCALE": 1, "YSCALE": 1}
    with WarpedVRT(dataset, resampling=kernel, **place, **options) as warped:
        result: NDArray[np.float32] = warped.read()
    return result
