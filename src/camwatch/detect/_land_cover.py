"""What covers the ground at two dates, as far as their bands tell, and whether their seasons can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from camwatch.detect._common import robust_sd

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from numpy.typing import NDArray

    from camwatch.imagery.image import Image

    Plane = NDArray[np.float32]
    Mask = NDArray[np.bool_]

SEASON_DAYS = 45
"""Days of the year that two dates may lie apart to count as one season: within them crops and leaves can differ by weeks, not by a stage."""
YEAR_DAYS = 365.2425

VEGETATED, BARE = 0.35, 0.25
"""NDVI from which ground counts as vegetated, and up to which as open. Between them nothing is said."""
SNOWY, SNOW_NIR = 0.4, 0.11
"""NDSI and near-infrared reflectance above which ground is snow (Hall, Riggs & Salomonson 1995, doi:10.1016/0034-4257(95)00137-P)."""
MUDDY = 0.2
"""How far below that of water the index of green and near infrared may lie on muddy water; short-wave infrared is dark there too."""
WHITE = 0.3
"""Reflectance in every visible band above which flat, bright ground is taken for snow where no short-wave infrared band tells it from cloud."""
VISIBLE = ("blue", "green", "red")
DARK_SHARE = 0.001
"""Share of pixels, the darkest of each band, that stands for what the air alone sends where values are no reflectance."""
DARK, BRIGHT = 0.03, 0.4
"""Reflectance of the darkest ground in the visible, leaves and water, and of the brightest 2 % of the ground, all bands together."""
QUIET = 0.5
"""Probability of change up to which pixels carry the radiometric line of the later date: the half that changed least."""

CLASSES = ("cleared", "built_or_bare", "vegetated", "water", "exposed", "other")
"""What ground became; a pixel's class is its place here, counted from 1."""
CHANGES: dict[str, Literal["appeared", "removed", "altered"]] = {
    "cleared": "appeared",
    "built_or_bare": "appeared",
    "vegetated": "removed",
    "water": "altered",
    "exposed": "altered",
    "other": "altered",
}
"""How a class is counted: open ground appeared, open ground went, or something else changed."""


LEAST_PX = 4
"""Fewest pixels of a polygon, whatever the mapping unit."""


@dataclass(frozen=True, slots=True)
class LandcoverParams:
    """What can be set.

    Attributes
    ----------
    probability : float
        Of change, from which a pixel counts; the statistic finds its own noise, so this is the only threshold.
    least_area_m2 : float
        Mapping unit; never less than four pixels.
    season_days : int
        Days of the year that the dates may lie apart, 0..183.
    """

    probability: float = 0.99
    least_area_m2: float = 2500.0
    season_days: int = SEASON_DAYS


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """What the bands of one date say of each pixel; planes are NaN, and masks False, where the bands that tell are missing.

    Attributes
    ----------
    ndvi : (y, x) float32
    brightness : (y, x) float32
        Mean of the visible bands and, where there is one, the first short-wave infrared band.
    water, snow : (y, x) bool
    wet : (y, x) bool
        What may be water: all of `water`, and ground that muddy or shallow water could look like.
    """

    ndvi: Plane
    brightness: Plane
    water: Mask
    wet: Mask
    snow: Mask


def season_gap_days(first: date, second: date) -> int:
    """Return how many days of the year two dates lie apart, 0..183, whatever the years."""
    days = abs(first.timetuple().tm_yday - second.timetuple().tm_yday) % YEAR_DAYS
    return round(min(days, YEAR_DAYS - days))


def tells_cover(names: tuple[str, ...]) -> bool:
    """Whether bands tell vegetation from open ground."""
    return {"red", "nir"} <= set(names)


def cover_of(names: tuple[str, ...], planes: Plane, *, reflectance: bool) -> Cover:
    """Return what covers the ground.

    Parameters
    ----------
    names : tuple of str
        Common names of the bands.
    planes : (band, y, x) float32
        Reflectance, or values above the dark level in one unit for all bands.
    reflectance : bool
        Whether they are the former; else neither water nor snow is told from other ground unless a short-wave infrared band does.
    """
    at = {name: planes[i] for i, name in enumerate(names)}
    nothing = np.zeros(planes.shape[1:], bool)
    visible = [at[name] for name in VISIBLE if name in at]
    bright = np.asarray(np.mean([*visible, *([at["swir16"]] if "swir16" in at else [])] or planes, axis=0), np.float32)
    if not tells_cover(names):
        return Cover(np.full(planes.shape[1:], np.nan, np.float32), bright, nothing, nothing, nothing)
    ndvi = ratio(at["nir"], at["red"])
    if "green" not in at or not ("swir16" in at or reflectance):
        return Cover(ndvi, bright, nothing, wet=_maybe_water(at, ndvi), snow=nothing)
    if "swir16" in at:
        wetness = ratio(at["green"], at["swir16"])  # the same ratio tells water (doi:10.1080/01431160600589179) and snow; near infrared parts them
        snow = (wetness > SNOWY) & (at["nir"] > SNOW_NIR)
        wet = (wetness > 0) & (ndvi < VEGETATED)
    else:
        wetness = ratio(at["green"], at["nir"])  # doi:10.1080/01431169608948714
        snow = (np.min(visible, axis=0) > WHITE) & (np.abs(ndvi) < 0.1)
        wet = _maybe_water(at, ndvi)
    return Cover(ndvi, bright, (wetness > 0) & (ndvi < BARE) & ~snow, wet & ~snow, snow)


def _maybe_water(at: Mapping[str, Plane], ndvi: Plane) -> Mask:
    muddy: Mask = ndvi < 0
    if "green" in at:
        muddy |= (ratio(at["green"], at["nir"]) > -MUDDY) & (ndvi < VEGETATED)
    return muddy


def ratio(one: Plane, other: Plane) -> Plane:
    """Return (one − other) / (one + other), −1..1; 0 where both are dark."""
    one, other = np.maximum(one, 0.0), np.maximum(other, 0.0)
    total = one + other
    return np.asarray(np.divide(one - other, total, out=np.zeros_like(total), where=total > 1e-4), np.float32)


def comparable(before: Image, after: Image, shared: tuple[str, ...], seen: Mask, change: Plane) -> tuple[Plane, Plane]:
    """Return both dates, (band, y, x), in one radiometry: reflectance where that is what they hold, else shares of the earlier date's range.

    Two products of surface reflectance are compared as they are. Otherwise the later date is brought to the earlier one by a line for each band
    through the pixels that changed least (Canty & Nielsen 2008, doi:10.1016/j.rse.2007.07.013), of which the slope is the ratio of robust spreads.
    Values that are no reflectance are scaled to about that, and what haze adds to the darkest ground of a visible band is taken off.
    """
    first, second = (image.values[[image.bands.index(name) for name in shared]].astype(np.float32) for image in (before, after))
    if before.calibration == after.calibration == "surface reflectance":
        return first, second
    quiet = seen & (change <= QUIET)
    if quiet.any():
        for number, (one, other) in enumerate(zip(first[:, quiet].astype(np.float64), second[:, quiet].astype(np.float64), strict=True)):
            gain = robust_sd(one) / robust_sd(other)
            second[number] = gain * (second[number] - np.median(other)) + np.median(one)
    if before.calibration == "dn":
        # The unit is rough; ratios and signs are taken. The air sends next to nothing in the infrared (doi:10.1016/0034-4257(88)90019-3).
        unit = BRIGHT / max(float(np.quantile(first[:, seen], 0.98)), 1e-6)
        lit = [
            max(float(np.quantile(one[seen], DARK_SHARE)) * unit - DARK, 0.0) if name in VISIBLE else 0.0
            for name, one in zip(shared, first, strict=True)
        ]
        air = np.array(lit, np.float32)[:, None, None]
        first, second = first * np.float32(unit) - air, second * np.float32(unit) - air
    return first, second


def classes_of(before: Cover, after: Cover) -> NDArray[np.uint8]:
    """Return what each pixel became, as its place in :data:`CLASSES` counted from 1; where nothing changed the answer means nothing."""
    code = {name: number for number, name in enumerate(CLASSES, 1)}
    out = np.full(before.ndvi.shape, code["other"], np.uint8)
    if np.isnan(before.ndvi).all():
        return out
    green, greener = before.ndvi >= VEGETATED, after.ndvi >= VEGETATED
    bare, barer = (before.ndvi <= BARE) & ~before.wet, (after.ndvi <= BARE) & ~after.wet
    out[bare & barer & (after.brightness > before.brightness)] = code["built_or_bare"]
    out[green & barer] = code["cleared"]
    out[bare & greener] = code["vegetated"]
    out[after.water & ~before.wet] = code["water"]
    out[before.water & ~after.wet] = code["exposed"]
    return out
