"""From an Item and a grid to an Image; only the window that is needed is decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from camwatch.errors import CoverageError, SceneError
from camwatch.imagery.gather import RIM, gather
from camwatch.imagery.image import Calibration, Image, Sun
from camwatch.imagery.read import Level, levels_of, read_level, usable_in
from camwatch.imagery.sample import PAD, aligned, block_mean, pixel_map, reduction, resample, source_points
from camwatch.imagery.through import places
from camwatch.scenes.item import (
    Band,
    Mask,
    acquired,
    band_names,
    bands_of,
    calibration,
    cloud_mask,
    default_bands,
    gsd_m,
    is_simulated,
    masks_of,
    sun,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pystac
    from numpy.typing import NDArray

    from camwatch.imagery.through import Places, SeenAt

_STRIP = 2**24
"""Pixels, bands counted, that are held at once while averaging."""


def load(item: pystac.Item, geobox: GeoBox, *, bands: Sequence[str] | None = None, seen_at: SeenAt | None = None) -> Image:
    """Read a scene onto a grid with one interpolation, or none where the grid is the scene's own.

    Parameters
    ----------
    item : pystac.Item
        From :func:`camwatch.scenes.open_scene`.
    geobox : GeoBox
        Target grid, in any CRS; it may be slightly rotated or sheared, which is how a registration is folded in.
    bands : sequence of str, optional
        Names in the order wanted; by default the multispectral bands (`pan` only where it stands alone).
    seen_at : callable, optional
        Where the scene does not lie where it says: from (n, 2) map coordinates of the ground wanted, in the CRS of `geobox`, to (n, 2) map
        coordinates at which the scene's own georeferencing shows that ground (:meth:`camwatch.registration.Registration.seen_at`). A smooth map of
        any shape, defined also for some hundred pixels around `geobox`; it is composed with the change of CRS to 1/10000 px, and pixels are
        interpolated once. Where it answers NaN, nothing is valid. None = the scene lies where it says.

    Returns
    -------
    Image
        Reflectance where the product is calibrated, digital numbers otherwise. A pixel is valid where every band is declared data and every quality
        layer calls it usable (see `camwatch.imagery.quality`); zero is data unless declared otherwise.

    Raises
    ------
    CoverageError
        When the scene and the grid do not overlap at all.
    SceneError
        When a band is not there or its file is damaged.
    """
    wanted = tuple(bands) if bands is not None else default_bands(item)
    chosen = _choose(item, wanted)
    levels, loose = levels_of(chosen, masks_of(item), (part.href for band in bands_of(item) for part in band.parts))
    values = np.empty((len(wanted), *geobox.shape), np.float32)
    valid = np.ones(geobox.shape, bool)
    copied = seen_at is None
    for level in levels:
        targets = [values[wanted.index(band.name)] for band in level.bands]
        straight = seen_at is None and aligned(level.geobox, geobox) is not None
        copied &= straight
        if seen_at is not None:
            valid &= _bent(level, geobox, seen_at, targets)
        elif straight:
            _copy(level, geobox, targets, valid)
        else:
            valid &= _interpolated(level, geobox, targets)
    for mask in loose:
        valid &= _mask_on(mask, geobox, chosen, strict=not copied) if seen_at is None else _bent_mask(mask, geobox, seen_at, chosen)
    angles = sun(item)
    return Image(
        values=values,
        valid=valid,
        bands=wanted,
        geobox=geobox,
        acquired=acquired(item),
        sun=None if angles is None else Sun(*angles),
        gsd_m=gsd_m(item, wanted),
        calibration=cast("Calibration", calibration(item)),
        scene=item.id,
        simulated=is_simulated(item),
        clouds=cloud_mask(item),
    )


def _choose(item: pystac.Item, wanted: tuple[str, ...]) -> tuple[Band, ...]:
    there = {band.name: band for band in bands_of(item)}
    missing = [name for name in wanted if name not in there]
    if missing or not wanted:
        raise SceneError("scene lacks a band", where=item.id, got=", ".join(missing) or "no band", expected=f"some of {', '.join(band_names(item))}")
    return tuple(there[name] for name in wanted)


def _copy(level: Level, geobox: GeoBox, targets: Sequence[NDArray[np.float32]], valid: NDArray[np.bool_]) -> None:
    """Copy the pixels of a level whose grid is the target's, band n into `targets[n]`; `valid` becomes False where it has none."""
    row, col, down, across = cast("tuple[int, int, int, int]", aligned(level.geobox, geobox))
    rows, cols = geobox.shape
    first_row, first_col = (row if down > 0 else row - rows + 1), (col if across > 0 else col - cols + 1)
    height, width = level.geobox.shape
    top, left, bottom, right = max(first_row, 0), max(first_col, 0), min(first_row + rows, height), min(first_col + cols, width)
    if top >= bottom or left >= right:
        raise _no_overlap(level, geobox)
    window = Window(left, top, right - left, bottom - top)
    # The part of the target that the scene covers, in the source's direction.
    inside = (slice(top - first_row, bottom - first_row), slice(left - first_col, right - first_col))
    whole = (top, left, bottom, right) == (first_row, first_col, first_row + rows, first_col + cols)
    if not whole:
        for target in targets:
            target[...] = 0
        seen = np.zeros_like(valid)
        seen[::down, ::across][inside] = True
        valid &= seen
    part = valid[::down, ::across][inside]
    read_level(level, window, [target[::down, ::across][inside] for target in targets], part)


def _interpolated(level: Level, geobox: GeoBox, targets: Sequence[NDArray[np.float32]]) -> NDArray[np.bool_]:
    """Interpolate the level's bands onto the target grid, band n into `targets[n]`; return where they have data."""
    window, box, k = _window(level, geobox)
    values, seen = _read(level, window, k)
    return resample(values, seen, box, geobox, targets)


def _bent(level: Level, geobox: GeoBox, seen_at: SeenAt, targets: Sequence[NDArray[np.float32]]) -> NDArray[np.bool_]:
    """Do the same through a map that is not affine."""
    found = places(level.geobox, geobox, seen_at)
    window = _window_at(level, geobox, found)
    values, seen = _read(level, window, found.k, RIM)
    return gather(values, seen, (int(window.row_off), int(window.col_off)), found, targets)


def _read(level: Level, window: Window, k: int, rim: int = 0) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Read a window averaged over k by k blocks, with a rim of invalid pixels around it.

    Averages are made strip by strip: an overview of a gigapixel needs no more memory than the overview.
    """
    height, width = int(window.height) // k, int(window.width) // k
    values = np.empty((len(level.bands), height + 2 * rim, width + 2 * rim), np.float32)
    seen = np.zeros(values.shape[1:], bool)
    inside = np.s_[..., rim : rim + height, rim : rim + width]
    inner, good = values[inside], seen[inside]
    if k == 1:
        good[...] = True
        read_level(level, window, list(inner), good)
        return values, seen
    step = max(1, _STRIP // (window.width * k * len(level.bands)))
    for top in range(0, height, step):
        rows = min(step, height - top)
        strip, usable = np.empty((len(level.bands), rows * k, window.width), np.float32), np.ones((rows * k, window.width), bool)
        read_level(level, Window(window.col_off, window.row_off + top * k, window.width, rows * k), list(strip), usable)
        inner[:, top : top + rows], good[top : top + rows] = block_mean(strip, usable, k)
    return values, seen


def _window(level: Level | Mask, geobox: GeoBox) -> tuple[Window, GeoBox, int]:
    """Return the part of the source that the target needs, its grid after averaging, and the side of the blocks to average (1: none)."""
    points, k = source_points(level.geobox, geobox), reduction(level.geobox, geobox)
    # A straight edge of the target is curved in another CRS; the points follow it, a part of their spacing covers what is between them.
    curved = 0.002 * float(np.ptp(points, axis=0).max()) if len(points) and pixel_map(level.geobox, geobox) is None else 0.0
    window = _cut(level, geobox, points, PAD * k + curved, k)
    shape = (int(window.height) // k, int(window.width) // k)
    return window, GeoBox(shape, level.geobox.affine * Affine.translation(window.col_off, window.row_off) * Affine.scale(k), level.geobox.crs), k


def _window_at(level: Level | Mask, geobox: GeoBox, found: Places) -> Window:
    """Return the part of the source that places need; its blocks are the same ones whichever part of a grid is asked for."""
    return _cut(level, geobox, found.reach(), PAD * found.k, found.k, lattice=found.k)


def _cut(level: Level | Mask, geobox: GeoBox, points: NDArray[np.float64], pad: float, k: int, *, lattice: int = 1) -> Window:
    """Return the window `pad` pixels around (n, 2) points, cut at the source's edge, from a multiple of `lattice` on; it holds a block of `k`."""
    height, width = level.geobox.shape
    if len(points) == 0:
        raise _no_overlap(level, geobox)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        raise _no_overlap(level, geobox)
    first_col, first_row = (max(0, int(np.floor((edge - pad) / lattice)) * lattice) for edge in (left, top))
    last_col, last_row = min(width, int(np.ceil(right + pad))), min(height, int(np.ceil(bottom + pad)))
    rows, cols = last_row - first_row, last_col - first_col
    if min(rows, cols) < k:
        raise _no_overlap(level, geobox)  # less than one pixel of the target
    return Window(first_col, first_row, cols, rows)


def _no_overlap(level: Level | Mask, geobox: GeoBox) -> CoverageError:
    where = level.href if isinstance(level, Mask) else level.bands[0].href
    got, wanted = f"scene {_extent(level.geobox)}", f"an overlap with {_extent(geobox)}"
    return CoverageError("scene does not overlap the grid", where=where, got=got, expected=wanted, remedy="choose a scene that shows the AOI")


def _extent(geobox: GeoBox) -> str:
    return f"{tuple(round(value, 4) for value in geobox.boundingbox.bbox)} in {geobox.crs}"


def _mask_on(mask: Mask, geobox: GeoBox, bands: Sequence[Band], *, strict: bool) -> NDArray[np.bool_]:
    """Return where a quality layer with a grid of its own calls the target usable.

    Where the target's pixels are copies, the class at a pixel's centre decides. Where they are interpolated (`strict`), every mask pixel under the
    bilinear kernel must be usable, so that nothing of a cloud reaches into a valid pixel.
    """
    window, box, k = _window(mask, geobox)
    seen = usable_in(mask, window, bands)
    affine = pixel_map(mask.geobox, geobox)
    if strict or affine is None or k > 1:
        nothing = np.empty((0, *seen.shape), np.float32)
        if k > 1:
            nothing, seen = block_mean(nothing, seen, k)
        return resample(nothing, seen, box, geobox, ())
    affine = Affine.translation(-window.col_off, -window.row_off) * affine
    rows, cols = np.mgrid[: geobox.shape[0], : geobox.shape[1]] + 0.5
    x, y = np.floor(affine.a * cols + affine.b * rows + affine.c).astype(int), np.floor(affine.d * cols + affine.e * rows + affine.f).astype(int)
    inside = (x >= 0) & (y >= 0) & (x < seen.shape[1]) & (y < seen.shape[0])
    found: NDArray[np.bool_] = inside & seen[np.clip(y, 0, seen.shape[0] - 1), np.clip(x, 0, seen.shape[1] - 1)]
    return found


def _bent_mask(mask: Mask, geobox: GeoBox, seen_at: SeenAt, bands: Sequence[Band]) -> NDArray[np.bool_]:
    """Do the same through a map that is not affine: pixels are interpolated, so every mask pixel under the bilinear kernel must be usable."""
    found = places(mask.geobox, geobox, seen_at)
    window = _window_at(mask, geobox, found)
    seen = usable_in(mask, window, bands)
    nothing = np.empty((0, *seen.shape), np.float32)
    if found.k > 1:
        nothing, seen = block_mean(nothing, seen, found.k)
    rim = ((RIM, RIM), (RIM, RIM))
    return gather(np.pad(nothing, ((0, 0), *rim)), np.pad(seen, rim), (int(window.row_off), int(window.col_off)), found, ())
