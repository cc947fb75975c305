"""Dense series: every pixel is followed through all dates, tile by tile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from camwatch.detect._land_broken import Broken
from camwatch.detect._land_series import breaks_of_tile, findings_of_series
from camwatch.imagery import Image, pair_geobox
from camwatch.pipeline.landcover import LONGEST_PX
from camwatch.pipeline.landstack import link_of, load, site_of
from camwatch.pipeline.pair import coarser
from camwatch.scenes import item as scene

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pystac
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from camwatch.aoi import Aoi
    from camwatch.findings import Findings
    from camwatch.pipeline.search import Progress
    from camwatch.pipeline.stack import Stack
    from camwatch.registration import Registration

BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")
"""Bands that a series is followed in, as far as all its scenes have them."""

BRIGHT = 0.4
"""Reflectance of bright ground and leaves, all bands together."""

TILE_BYTES = 192 * 2**20
"""Of the pixels of all dates that are held at once."""


def follow(stack: Stack, used: Sequence[pystac.Item], aoi: Aoi, progress: Progress) -> tuple[Findings, tuple[Image, Image], Registration]:
    """Follow every pixel through all dates, tile by tile."""
    bands = tuple(name for name in BANDS if all(name in scene.band_names(item) for item in used))
    native = pair_geobox(stack.reference, stack.reference, aoi.camp.geometry, margin_m=stack.config.margin_m)
    grid = coarser(native, LONGEST_PX)
    days = np.array([scene.acquired(item).date().toordinal() for item in used])
    side = max(int((TILE_BYTES / (4 * len(used) * len(bands))) ** 0.5), 16)
    unit = _unit(load(stack, stack.reference, grid, bands))
    corners = [(top, left) for top in range(0, grid.shape[0], side) for left in range(0, grid.shape[1], side)]
    chance, parts = np.full(grid.shape, np.nan, np.float32), []
    for number, (top, left) in enumerate(corners):
        progress("following land cover", number, len(corners))
        window = grid[top : min(top + side, grid.shape[0]), left : min(left + side, grid.shape[1])]
        values, valid = _cube(stack, used, window, bands)
        values *= unit
        broken, chance[top : top + side, left : left + side] = breaks_of_tile(days, bands, values, valid)
        parts.append(broken.moved(top, left))
    ends = load(stack, used[0], grid, bands), load(stack, used[-1], grid, bands)
    findings = findings_of_series(Broken.joined(parts), chance, ends, len(used), site_of(aoi, grid, used))
    if unit != 1.0:
        findings = replace(findings, reason=f"{findings.reason} The values are no reflectance: what ground became is told roughly.")
    return findings, ends, link_of(stack, used)


def _unit(image: Image) -> np.float32:
    """Return what brings the values of an image to about reflectance: 1 where they are, else such that bright ground reflects as usual."""
    if image.calibration != "dn" or not image.valid.any():
        return np.float32(1.0)
    return np.float32(BRIGHT / max(float(np.quantile(image.values[:, image.valid], 0.98)), 1e-6))


def _cube(stack: Stack, used: Sequence[pystac.Item], window: GeoBox, bands: tuple[str, ...]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    values = np.empty((len(used), len(bands), *window.shape), np.float32)
    valid = np.empty((len(used), *window.shape), bool)
    for number, item in enumerate(used):
        image = load(stack, item, window, bands)
        values[number], valid[number] = image.values, image.valid & np.isfinite(image.values).all(axis=0)
    return values, valid
