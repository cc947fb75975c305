"""Clouds and their shadows where a product has no layer that tells them.

A plain export, a Level 1 product of the older archives or a vendor's delivery comes without a cloud mask. What is done here is careful rather than
complete: thin cloud is missed, and a bright roof is not to be taken for cloud. What tells the two apart is size, so a search is made on a whole
overview of the ground, once for a scene, and is then applied to each window of it (:func:`without_clouds`): a search window by window would find
another cloud in each. Where clouds beyond the overview cast their shadows into it, these are not found.

With reflectance in blue, red and near infrared, a cell is cloud-like by the tests of Fmask (Zhu & Woodcock 2012, doi:10.1016/j.rse.2011.10.028,
equations 1, 2, 3, 5) that need no thermal band: bright, white, hazier than the clear line of land (Zhang et al. 2002,
doi:10.1016/S0034-4257(02)00034-2), neither vegetation nor snow, and, where there is a short-wave infrared band, not rock. Otherwise it is
cloud-like where it is nearly as bright as anything in the image, white, and smooth; where that would be most of the image it is snow or bare ground
as likely, and nothing is found. Either way a cloud holds a disc of :data:`WIDTH_M`.

The shadow of a cloud has its shape and lies away from the sun; its height, 200 to 8,000 m, is the one at which most of it is dark in the near
infrared. A cloud for which no height makes half of it dark gets none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from scipy.ndimage import distance_transform_edt, label, uniform_filter

from camwatch.imagery.sample import block_mean
from camwatch.imagery.through import places
from camwatch.scenes.footprint import in_metres, pixel_m

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.imagery.image import Image, Sun
    from camwatch.imagery.through import Places, SeenAt

WIDTH_M = 150.0
"""A cloud is at least this wide somewhere; few roofs are."""

RIM_M = 60.0
"""How far a cloud reaches beyond what is plainly cloud: its thin edge."""

CELL_M = 10.0
"""Side of the cells that are looked at; images with larger pixels are looked at as they are."""

FALLBACK = "fallback"
"""What :attr:`camwatch.imagery.Image.clouds` says of an image from which clouds found here were taken."""

LOWEST_SUN_DEG = 5.0
"""Below this the shadow of a cloud lies too far away to be told for its own."""

MOST = 0.5
"""Share of an uncalibrated image that may look like cloud before the test is not believed."""

_HEIGHTS_M = np.arange(200.0, 8001.0, 50.0)
_POINTS = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Clouds:
    """Where clouds and their shadows are.

    Attributes
    ----------
    hidden : (y, x) bool
        True = cloud or cloud shadow.
    geobox : GeoBox
        The cells, some 10 m large or the image's own pixels.
    """

    hidden: NDArray[np.bool_]
    geobox: GeoBox


def find_clouds(image: Image) -> Clouds:
    """Search an image, best an overview of all the ground that matters, for clouds and their shadows.

    Parameters
    ----------
    image : Image
        Any calibration and bands; reflectance with blue, red and near infrared allows the better test, the sun's place the search for shadows.

    Returns
    -------
    Clouds
    """
    side = pixel_m(image.geobox)
    k = min(max(1, round(CELL_M / side)), *image.geobox.shape)
    values, valid = block_mean(image.values, image.valid, k) if k > 1 else (image.values, image.valid)
    planes = dict(zip(image.bands, values, strict=True))
    cell_m = side * k
    spectral = image.calibration != "dn" and {"blue", "red", "nir"} <= planes.keys()
    like = valid & (_spectral(planes) if spectral else _bright(image, values, valid, cell_m))
    cloud = _opened(like, WIDTH_M / 2 / cell_m)
    shadow = np.zeros_like(cloud)
    box = GeoBox(cloud.shape, image.geobox.affine * Affine.scale(k), image.geobox.crs)
    if spectral and image.sun is not None and image.sun.elevation_deg > LOWEST_SUN_DEG and in_metres(box):
        shadow = _shadows(cloud, valid, planes["nir"], _shifts(image.sun, box))
    hidden = _grown(cloud, RIM_M / cell_m) | _grown(shadow, RIM_M / 2 / cell_m)
    return Clouds(hidden, box)


def without_clouds(image: Image, clouds: Clouds, *, seen_at: SeenAt | None = None) -> Image:
    """Return an image, on any grid, in which nothing hidden by clouds or their shadows is valid.

    Parameters
    ----------
    image : Image
    clouds : Clouds
        Found where the scene's own georeferencing says they are.
    seen_at : callable, optional
        With which the image was loaded (:func:`camwatch.imagery.load`).
    """
    if not clouds.hidden.any():
        return replace(image, clouds=FALLBACK)
    hidden = _hidden(image.geobox, clouds) if seen_at is None else _hidden_at(places(clouds.geobox, image.geobox, seen_at), clouds)
    return replace(image, valid=image.valid & ~hidden, clouds=FALLBACK)


def _hidden(box: GeoBox, clouds: Clouds) -> NDArray[np.bool_]:
    step = ~clouds.geobox.affine * box.affine
    if box.crs == clouds.geobox.crs and step.b == step.d == 0:
        # Rows and columns run alike: two short lists instead of a place for each pixel.
        y, x = (np.arange(n) + 0.5 for n in box.shape)
        return _in_cells(clouds, (step.a * x + step.c)[None], (step.e * y + step.f)[:, None])
    rows, cols = np.mgrid[: box.shape[0], : box.shape[1]] + 0.5
    a, b = box.affine, ~clouds.geobox.affine
    x, y = a.a * cols + a.b * rows + a.c, a.d * cols + a.e * rows + a.f
    if box.crs != clouds.geobox.crs:
        x, y = Transformer.from_crs(str(box.crs), str(clouds.geobox.crs), always_xy=True).transform(x, y)
    return _in_cells(clouds, b.a * x + b.b * y + b.c, b.d * x + b.e * y + b.f)


def _hidden_at(found: Places, clouds: Clouds) -> NDArray[np.bool_]:
    hidden = np.empty(found.shape, bool)
    for block in found.blocks():
        hidden[block] = _in_cells(clouds, *found.at(block))
    return hidden


def _in_cells(clouds: Clouds, col: NDArray[np.float64], row: NDArray[np.float64]) -> NDArray[np.bool_]:
    # Beyond the overview nothing is known: its edge holds, for the few cells that were left over when it was divided.
    height, width = clouds.hidden.shape
    cols = np.clip(np.nan_to_num(col), 0, width - 1).astype(int)
    rows = np.clip(np.nan_to_num(row), 0, height - 1).astype(int)
    found: NDArray[np.bool_] = clouds.hidden[rows, cols]
    return found


def _spectral(planes: dict[str, NDArray[np.float32]]) -> NDArray[np.bool_]:
    """Return which cells have the reflectance of cloud."""
    blue, red, nir = planes["blue"], planes["red"], planes["nir"]
    visible = np.stack([planes[name] for name in ("blue", "green", "red") if name in planes])
    mean = np.maximum(visible.mean(axis=0), 1e-3)
    whiteness = (np.abs(visible - mean) / mean).sum(axis=0) * 3 / len(visible)
    haze = blue - 0.5 * red - 0.08
    greenness = (nir - red) / np.maximum(nir + red, 1e-3)
    found = (mean > 0.25) & (whiteness < 0.7) & (haze > 0) & (np.abs(greenness) < 0.3)
    if "swir16" in planes:
        swir = planes["swir16"]
        found &= nir / np.maximum(swir, 1e-3) > 0.75
        if "green" in planes:
            snow = (planes["green"] - swir) / np.maximum(planes["green"] + swir, 1e-3)
            found &= snow < 0.6
    result: NDArray[np.bool_] = found
    return result


def _bright(image: Image, values: NDArray[np.float32], valid: NDArray[np.bool_], cell_m: float) -> NDArray[np.bool_]:
    """Return which cells are as bright, white and smooth as cloud in numbers without calibration."""
    if not valid.any():
        return np.zeros(valid.shape, bool)
    visible = [n for n, name in enumerate(image.bands) if name in {"blue", "green", "red", "pan"}] or list(range(len(values)))
    colours = values[visible]
    mean = colours.mean(axis=0)
    top = float(np.quantile(mean[valid], 0.999))
    spread = colours.max(axis=0) - colours.min(axis=0)
    side = max(3, 2 * round(30 / cell_m) + 1)
    seen = np.where(valid, mean, 0.0).astype(np.float64)
    weight = np.maximum(uniform_filter(valid.astype(np.float64), side), 1e-6)
    average = uniform_filter(seen, side) / weight
    variance = np.maximum(uniform_filter(seen**2, side) / weight - average**2, 0)
    found: NDArray[np.bool_] = valid & (mean > 0.8 * top) & (spread < 0.15 * mean) & (np.sqrt(variance) < 0.06 * mean)
    return found if found.sum() <= MOST * valid.sum() else np.zeros_like(found)


def _opened(mask: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """Return the part of a mask that discs of a radius, in cells, can fill; what the image's edge cuts may go on beyond it."""
    pad = int(radius) + 2
    inside = distance_transform_edt(np.pad(mask, pad, mode="edge")) > radius
    if not inside.any():
        return np.zeros_like(mask)
    return _grown(inside, radius)[pad:-pad, pad:-pad] & mask


def _grown(mask: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    if not mask.any():
        return mask
    near: NDArray[np.bool_] = distance_transform_edt(~mask) <= radius
    return near


def _shifts(sun: Sun, box: GeoBox) -> NDArray[np.intp]:
    """Return (row, column) from a cloud to its shadow, in cells, for each height, every shift once."""
    away = np.radians(sun.azimuth_deg + 180)
    metres = _HEIGHTS_M / np.tan(np.radians(sun.elevation_deg))
    b = ~box.affine
    cols, rows = b.a * np.sin(away) + b.b * np.cos(away), b.d * np.sin(away) + b.e * np.cos(away)
    shifts = np.round(metres[:, None] * np.array([rows, cols])).astype(np.intp)
    return np.unique(shifts, axis=0)


def _shadows(cloud: NDArray[np.bool_], valid: NDArray[np.bool_], nir: NDArray[np.float32], shifts: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return the shadows of clouds; `shifts` are (row, column) from a cloud to its shadow for each height."""
    shadow = np.zeros_like(cloud)
    clear = valid & ~cloud
    if not clear.any():
        return shadow
    dark = clear & (nir < 0.6 * float(np.median(nir[clear])))
    pieces, count = label(cloud)
    for n in range(1, count + 1):
        places = np.argwhere(pieces == n)
        sample = places[:: max(1, len(places) // _POINTS)]
        best, where = 0.5, None
        for shift in shifts:
            moved = sample + shift
            inside = ((moved >= 0) & (moved < cloud.shape)).all(axis=1)
            moved = moved[inside]
            open_ground = ~cloud[moved[:, 0], moved[:, 1]]
            # Where a shadow lies under its own cloud or outside the image, nothing is learnt; a fifth of it at least must tell.
            if open_ground.sum() < 0.2 * len(sample):
                continue
            share = float(dark[moved[:, 0], moved[:, 1]][open_ground].mean())
            if share > best:
                best, where = share, shift
        if where is not None:
            moved = places + where
            moved = moved[((moved >= 0) & (moved < cloud.shape)).all(axis=1)]
            shadow[moved[:, 0], moved[:, 1]] = True
    return shadow & ~cloud
