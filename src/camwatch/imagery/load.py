"""From an Item and a grid to an Image; only the window that is needed is decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from rasterio.windows import Window

from camwatch.errors import SceneError
from camwatch.imagery.image import Calibration, Image, Sun
from camwatch.imagery.onto import interpolate, no_overlap, usable_around, usable_at_centres
from camwatch.imagery.read import levels_of, read_level
from camwatch.imagery.sample import aligned
from camwatch.scenes.item import acquired, band_names, bands_of, calibration, cloud_mask, default_bands, gsd_m, is_simulated, masks_of, sun

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pystac
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from camwatch.imagery.read import Level
    from camwatch.imagery.through import SeenAt
    from camwatch.scenes.layers import Band


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
    copied = True
    for level in levels:
        targets = [values[wanted.index(band.name)] for band in level.bands]
        if seen_at is None and aligned(level.geobox, geobox) is not None:
            _copy(level, geobox, targets, valid)
        else:
            valid &= interpolate(level, geobox, targets, seen_at)
            copied = False
    for mask in loose:
        valid &= usable_at_centres(mask, geobox, chosen) if copied else usable_around(mask, geobox, chosen, seen_at)
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
        raise no_overlap(level, geobox)
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
