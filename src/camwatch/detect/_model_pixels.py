"""What a model is shown of a pair: working pixels of about half a metre, three bands or one, brightness and contrast taken out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from PIL import Image as Pillow
from scipy import ndimage as ndi

from camwatch.detect._common import blocks
from camwatch.imagery.work import for_each

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.imagery.image import Image

PER_GSD = 1.5
"""Working pixels across one ground sample distance, where that is coarser than the pixel a model wants."""

NEAR = 0.125
"""Relative difference up to which the grid's own pixels are taken as they are: nothing is interpolated where nothing is gained."""

RGB = ("red", "green", "blue")

DISPLAY = 255.0
"""Digital numbers up to here are those of a display product, whose brightness is a root of reflectance already."""

BOUND, SPREAD, FLOOR = 4.0, 1.5 / 2.563, 1e-6
"""Shown values: bounded; divided by 1.5 standard deviations, told from the 10th and 90th percentile; the least standard deviation."""


@dataclass(frozen=True, slots=True, eq=False)
class Working:
    """A pair as a model is shown it.

    Attributes
    ----------
    shown : (2, band, y, x) float32
        Before and after; red, green, blue, or one band; normalised, -4..4; smoothly continued where not valid.
    valid : (2, y, x) bool
    geobox : GeoBox
    """

    shown: NDArray[np.float32]
    valid: NDArray[np.bool_]
    geobox: GeoBox


def working_pair(before: Image, after: Image, pixel_m: float) -> Working:
    """Bring a pair on one grid to the pixels and values of a model that wants pixels of `pixel_m`.

    Values are interpolated once, by cubic convolution that is widened where pixels grow (which averages), on the same corner as the grid.
    Reflectance and digital numbers beyond a display's are rooted; then the median and spread of the mean band, over the valid pixels of each image,
    are taken out. Both dates are treated alike: where one has no red, green and blue, both are shown in one band; where one is a display product,
    neither is rooted.

    Raises
    ------
    ValueError
        The images lie on different grids.
    """
    if before.geobox != after.geobox:
        raise ValueError(f"before and after: got grids {before.geobox} and {after.geobox}; expected one, load both on the same GeoBox")
    pair, grid_m = (before, after), before.pixel_m
    ratio = max(pixel_m, working_gsd(before, after) / PER_GSD) / grid_m
    ratio = 1.0 if abs(ratio - 1.0) <= NEAR else ratio
    colour = all(set(RGB) <= set(image.bands) for image in pair)
    looks = for_each(lambda image: _resampled(*_planes(image, colour=colour), ratio), pair, at_once=True)
    rooted = all(_linear(image, *look) for image, look in zip(pair, looks, strict=True))
    shown = np.empty((2, *looks[0][0].shape), np.float32)

    def show(date: int) -> None:
        planes, valid = looks[date]
        normalised(np.sqrt(np.maximum(planes, 0.0)) if rooted else planes, valid, out=shown[date])

    for_each(show, (0, 1), at_once=True)
    geobox = GeoBox(shown.shape[-2:], before.geobox.affine * Affine.scale(ratio), before.geobox.crs)
    return Working(shown, np.stack([valid for _, valid in looks]), geobox)


def working_gsd(before: Image, after: Image) -> float:
    """Return the ground sample distance of what two images on one grid show: the coarser sensor's, or the grid's coarser pixel."""
    return max(before.gsd_m, after.gsd_m, before.pixel_m)


def normalised(planes: NDArray[np.float32], valid: NDArray[np.bool_], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Return (band, y, x) planes less the median of their mean over 1.5 of its standard deviations (from 10th and 90th percentile), within -4..4."""
    level = planes.mean(axis=0)[valid]
    low, middle, high = np.quantile(level, (0.1, 0.5, 0.9)) if level.size else (0.0, 0.0, 0.0)
    scale = SPREAD * max(float(high - low), 2.563 * FLOOR)
    shown = np.subtract(planes, np.float32(middle), out=out, dtype=np.float32)
    shown /= np.float32(scale)
    return np.clip(shown, -BOUND, BOUND, out=shown)


def smoothly_filled(planes: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return (band, y, x) planes continued into what is not `valid`, the smoother the farther in; zeros where nothing is valid.

    Pull–push: holes take the value of ever coarser means of valid pixels (doi:10.1145/237170.237200), so no edge is made that a model could take
    for a wall.
    """
    if valid.all() or not valid.any():
        return planes if valid.any() else np.zeros_like(planes)
    sums, share = blocks(np.where(valid, planes, np.float32(0.0)), 2), blocks(valid[None].astype(np.float32), 2)[0]
    coarse = smoothly_filled(np.asarray(sums / np.where(share > 0, share, 1.0), np.float32), share > 0)
    holes = np.nonzero(~valid)
    there = [(index + 0.5) / 2 - 0.5 for index in holes]
    out = planes.astype(np.float32)
    for number, plane in enumerate(coarse):
        out[number][holes] = ndi.map_coordinates(plane, there, order=1, mode="nearest")
    return out


def zoomed(planes: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return (band, y, x) planes on pixels `factor` times finer, linear between."""
    height, width = planes.shape[1:]
    return np.stack([_resized(plane, (factor * height, factor * width), (0.0, 0.0, width, height), Pillow.Resampling.BILINEAR) for plane in planes])


def _planes(image: Image, *, colour: bool) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return red, green and blue, or one band, as (band, y, x), and which pixels are usable in all of them."""
    if not colour:
        planes = image.luminance()[None]
    else:  # in this order already, nothing is copied
        planes = image.values[:3] if image.bands[:3] == RGB else image.values[[image.bands.index(name) for name in RGB]]
    return planes, image.valid & np.isfinite(planes).all(axis=0)


def _resampled(planes: NDArray[np.float32], valid: NDArray[np.bool_], ratio: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return (band, y, x) planes on pixels `ratio` times larger from the same corner, filled; a pixel is valid where more than half of it is."""
    planes = smoothly_filled(planes, valid)
    if ratio == 1.0:
        return planes, valid
    shape = tuple(int(np.ceil(n / ratio - 1e-6)) for n in valid.shape)
    # The last pixels may reach beyond the grid: it is continued there, and the continuation is not valid.
    more = [(0, int(np.ceil(new * ratio - n)) if new * ratio > n else 0) for n, new in zip(valid.shape, shape, strict=True)]
    frame = (0.0, 0.0, shape[1] * ratio, shape[0] * ratio)
    weight = np.pad(valid.astype(np.float32), more)
    larger = [_resized(plane, shape, frame, Pillow.Resampling.BICUBIC) for plane in np.pad(planes, ((0, 0), *more), mode="edge")]
    return np.stack(larger), _resized(weight, shape, frame, Pillow.Resampling.BICUBIC) > 0.5


def _resized(
    plane: NDArray[np.float32], shape: tuple[int, ...], frame: tuple[float, float, float, float], kernel: Pillow.Resampling
) -> NDArray[np.float32]:
    """Return the part of a (y, x) plane inside a frame (left, top, right, bottom; pixels from the corner) as `shape` pixels."""
    return np.asarray(Pillow.fromarray(plane).resize((shape[1], shape[0]), kernel, box=frame), np.float32)


def _linear(image: Image, planes: NDArray[np.float32], valid: NDArray[np.bool_]) -> bool:
    """Whether values grow with reflectance itself: they are reflectance, or digital numbers beyond a display's."""
    if image.calibration != "dn":
        return True
    level = planes.mean(axis=0)[valid]
    # No quantile passes what nothing passes.
    return level.size > 0 and float(level.max()) > DISPLAY and float(np.quantile(level, 0.98)) > DISPLAY
