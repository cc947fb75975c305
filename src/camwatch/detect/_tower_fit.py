"""A tower as a template: a roof, its shadow where the sun demands it, and ground around; and how well places fit one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from camwatch.detect._common import greenness, ramp, shadow_step

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from camwatch.imagery.image import Sun

ROOFS_M = (3.5, 4.5, 6.0)
"""Sides of the roofs that are tried; a fit forgives ± 20 %, hence 3 to 7 m."""

HEIGHTS_M = (5.5, 8.0, 11.0)
"""Heights that are tried; a fit forgives ± 20 %, hence 4.5 to 13 m."""

REACH_M = 15.0
"""Metres of a shadow that are looked at; a lower sun draws longer ones, over ground that differs more and more."""

SURROUND_M = REACH_M + 8.0
"""Half the side of the window that holds every template."""

WEAK_FIT = 0.35
"""Fit below which a place is not looked at again with shifts; towers fit with 0.8 and more, chance rarely over 0.7."""

ROOM = 0.35
"""Share of a shadow that must fall on ground that it can darken; the rest lies in a wall's shadow and tells nothing."""

APART_M = 4.0
"""No two towers stand closer."""

CLIMBING_FIT = 0.5
"""Fit below which a place is not followed beyond the first step."""

SHALLOWEST = 0.1
"""Depth of a shadow, as a share of the step from the ground to the picture's darkest, under which it is none."""

CLIMBS = 4
"""Steps of a pixel, in any direction, that a place may take towards a better fit."""

CHUNK = 1000
"""Places fitted at a time; bounds the memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Templates:
    """Where roof, shadow and ground lie around a tower.

    Attributes
    ----------
    offsets : (p, 2) intp
        (row, col) of the pixels looked at, relative to the roof's centre.
    roof : (p, t) float32
        Means over the roof, for each of t templates.
    around : (p, t × 4) float32
        Means over shadow, ground left, ground right, ground on the sunny side.
    ahead : (2,) float64
        Unit vector (row, col) of the shadows.
    roofs_m, heights_m : (t,) float64
    """

    offsets: NDArray[np.intp]
    roof: NDArray[np.float32]
    around: NDArray[np.float32]
    ahead: NDArray[np.float64]
    roofs_m: NDArray[np.float64]
    heights_m: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture to fit in.

    Attributes
    ----------
    tone : (y, x) float32
        Luminance.
    relief : (y, x) float32
        What stands out of the background; `tone` itself where none is known.
    room : (y, x) float32 or None
        0..1, how much a shadow would show on the background; None = everywhere.
    level : float
        Mean luminance.
    noise : float
        Standard deviation of the fine detail.
    depth : float
        Step from the middling ground to the picture's darkest; of use with `room` only.
    bands : tuple of str
    values : (band, y, x) float32
        What the vegetation is told from.
    """

    tone: NDArray[np.float32]
    relief: NDArray[np.float32]
    room: NDArray[np.float32] | None
    level: float
    noise: float
    depth: float
    bands: tuple[str, ...]
    values: NDArray[np.float32]

    def bare(self, at: NDArray[np.intp], pixel: float) -> NDArray[np.float64]:
        """Return how bare of vegetation, 0..1, the ground within about a metre of the (n, 2) places is."""
        reach = int(np.ceil(2.0 / pixel))
        down, right = (offset.ravel() for offset in np.mgrid[-reach : reach + 1, -reach : reach + 1])
        weight = np.exp(-0.5 * (down**2 + right**2) * pixel**2)
        height, width = self.tone.shape
        rows, cols = (at[:, :1] + down).clip(0, height - 1), (at[:, 1:] + right).clip(0, width - 1)
        return 1.0 - ramp(greenness(self.bands, self.values[:, rows, cols]) @ (weight / weight.sum()), 0.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Fits:
    """Places in one picture that fit a tower: (n, 2) (row, col), fit 0..1, roof side, height, shadow contrast in noise units, falling by fit."""

    at: NDArray[np.intp]
    fit: NDArray[np.float64]
    roof_m: NDArray[np.float64]
    height_m: NDArray[np.float64]
    shadow: NDArray[np.float64]


def templates(sun: Sun, geobox: GeoBox) -> Templates:
    """Return roof, shadow and three pieces of ground for each size, height and start of the shadow, for this sun."""
    pixel = float(abs(geobox.affine.determinant) ** 0.5)
    step = np.array(shadow_step(sun, geobox))
    ahead = step / np.hypot(*step)
    radius = int(np.ceil(SURROUND_M / pixel))
    row, col = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    along, across = (row * ahead[0] + col * ahead[1]) * pixel, (col * ahead[0] - row * ahead[1]) * pixel
    distance = np.hypot(along, across)
    masks, sizes = [], []
    for side in ROOFS_M:
        # A square that stands anyhow covers the disc of 0.45 sides and ends before 0.71; between the two, pixels are mixed and belong to nobody.
        clear = 0.71 * side + 0.4
        for height in HEIGHTS_M:
            length = min(height / np.tan(np.deg2rad(max(sun.elevation_deg, 5.0))), REACH_M)
            far = length + 0.3 * side
            foot = 0.6 * side + 0.25
            # Two of them: a shadow from the wall on, and that of a cabin on stilts.
            for near in sorted({foot, max(foot, 0.5 * length)}):
                if far - near < 1.5:
                    continue
                beside = (along >= -0.5 * side) & (along <= far)
                masks.append(
                    [
                        # The half towards the sun: on a pitched roof the other one is dark, and like its shadow.
                        (distance <= max(0.45 * side, 0.75 * pixel)) & (along <= 0.1 * side),
                        (along >= near) & (along <= far) & (np.abs(across) <= 0.45 * side),
                        beside & (across >= clear) & (across <= clear + 2.0),
                        beside & (-across >= clear) & (-across <= clear + 2.0),
                        (along <= -clear) & (along >= -clear - 2.0) & (np.abs(across) <= 0.7 * side),
                    ]
                )
                sizes.append((side, height))
    cube = np.array(masks)
    if not len(cube):  # a sun near the zenith casts no shadow to look for
        nothing = np.zeros((0, 0), np.float32)
        return Templates(np.zeros((0, 2), np.intp), nothing, nothing, ahead, np.zeros(0), np.zeros(0))
    used = cube.any(axis=(0, 1))
    weights = cube[:, :, used].astype(np.float32)
    weights /= weights.sum(axis=2, keepdims=True)
    around = np.ascontiguousarray(weights[:, 1:].reshape(-1, weights.shape[2]).T)
    return Templates(np.stack([row[used], col[used]], axis=1), np.ascontiguousarray(weights[:, 0].T), around, ahead, *np.array(sizes).T)


def fit_places(picture: Picture, places: NDArray[np.intp], shapes: Templates, pixel: float) -> Fits:
    """Return the places that fit, each the best of its templates and of shifts by a pixel, no two within :data:`APART_M`."""
    if picture.room is not None and len(shapes.roofs_m):
        places = places[_followed_by_dark(picture, places, shapes.ahead / pixel)]
    fit, best, shadow = _fit(picture, places, shapes)
    promising = fit > WEAK_FIT
    promising[promising] &= fit[promising] * picture.bare(places[promising], pixel) > WEAK_FIT
    places, fit, best, shadow = places[promising], fit[promising], best[promising], shadow[promising]
    at, active = places.copy(), np.arange(len(places))
    for _ in range(CLIMBS):
        start = at.copy()
        for shift in [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if (r, c) != (0, 0)]:
            moved = (start[active] + shift).clip(0, np.array(picture.tone.shape) - 1)
            again, which, dark = _fit(picture, moved, shapes)
            better = again > fit[active]
            which_ones = active[better]
            fit[which_ones], best[which_ones], shadow[which_ones], at[which_ones] = again[better], which[better], dark[better], moved[better]
        active = active[(at[active] != start[active]).any(axis=1) & (fit[active] > CLIMBING_FIT)]
    fit = fit * picture.bare(at, pixel)
    keep = _apart(at, fit, APART_M / pixel)
    return Fits(at[keep], fit[keep], shapes.roofs_m[best[keep]], shapes.heights_m[best[keep]], shadow[keep])


def _followed_by_dark(picture: Picture, places: NDArray[np.intp], ahead: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which places have something dark where every shadow begins or every one ends: a look at a few pixels that spares most fits."""
    limit = np.array(picture.tone.shape) - 1
    darkest = np.zeros(len(places))
    for stretch in ((2.5, 3.5, 4.5), (5.0, 6.0, 7.0), (8.0, 9.0, 10.0)):
        spots = [np.rint(metres * ahead + aside * ahead[::-1] * (1.0, -1.0)).astype(np.intp) for metres in stretch for aside in (-0.8, 0.0, 0.8)]
        values = [picture.relief[tuple((places + spot).clip(0, limit).T)] for spot in spots]
        darkest = np.minimum(darkest, np.mean(values, axis=0))
    return np.asarray(darkest < -SHALLOWEST * picture.depth / 2.0, bool)


def _fit(picture: Picture, places: NDArray[np.intp], shapes: Templates) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.float64]]:
    """Return the best fit (0..1) of each place, its template, and the shadow's contrast in noise units.

    Roof, shadow and ground weigh the same whatever their size; the fit is the share of the variance between them. It counts only where the shadow is
    the darkest of all five pieces and the roof differs from all its ground in one sense. A roof is even in itself, not against a background that it
    hides, hence its own spread is that of the luminance. Where the background is known, what already lies in shadow there (behind a wall) says
    nothing about another shadow, and a shadow must be deep for this picture.
    """
    number = len(shapes.roofs_m)
    fit, which, dark = np.zeros(len(places)), np.zeros(len(places), np.intp), np.zeros(len(places))
    if not number:
        return fit, which, dark
    height, width = picture.tone.shape
    noise = picture.noise
    relief, tone, room = picture.relief, picture.tone, picture.room
    # The fit is blind to offsets; taking one away keeps the squares exact in single precision.
    offset = np.float32(picture.level)
    # Where the background is known, the noise is what little is left of it, and a shadow stands well clear of it.
    dark_enough = (0.2, 0.6) if room is None else (0.5, 1.2)
    base = np.float32(0.0) if room is not None else offset
    for start in range(0, len(places), CHUNK):
        part = slice(start, start + CHUNK)
        rows = (places[part, :1] + shapes.offsets[:, 0]).clip(0, height - 1)
        cols = (places[part, 1:] + shapes.offsets[:, 1]).clip(0, width - 1)
        values = relief[rows, cols] - base
        tones = tone[rows, cols] - offset if room is not None else values
        means, squares, showing = _means(values, room[rows, cols] if room is not None else None, shapes.around)
        roof = (values @ shapes.roof).astype(np.float64)
        roof_tone = (tones @ shapes.roof).astype(np.float64)
        spread = np.maximum(((tones * tones) @ shapes.roof).astype(np.float64) - roof_tone**2, 0.0)
        shade, ground = means[..., 0], means[..., 1:]
        level = ground.mean(axis=2)
        middle = (roof + shade + level) / 3.0
        between = (roof**2 + shade**2 + level**2) / 3.0 - middle**2
        total = (roof**2 + spread + squares[..., 0] + squares[..., 1:].mean(axis=2)) / 3.0 - middle**2
        contrast = (ground.min(axis=2) - shade) / noise
        stands_out = np.maximum(roof - ground.max(axis=2), ground.min(axis=2) - roof) / noise
        rating = (
            between
            / np.maximum(total, 1e-12 + 0.01 * noise**2)
            * ramp(contrast, *dark_enough)
            * ramp((roof - shade) / noise, 0.3, 1.0)
            * ramp(stands_out, 0.2, 0.8)
            * (showing >= ROOM)
            * (ramp(-shade / picture.depth, SHALLOWEST, 3.0 * SHALLOWEST) if room is not None else 1.0)
        )
        chosen = rating.argmax(axis=1)
        line = np.arange(len(chosen))
        fit[part], which[part], dark[part] = np.clip(rating[line, chosen], 0.0, 1.0), chosen, contrast[line, chosen]
    return fit, which, dark


def _means(
    values: NDArray[np.float32], weight: NDArray[np.float32] | None, pieces: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return (n, t, 4) weighted means and mean squares of `values` over pieces, and the (n, t) mean weight of the first."""
    shape = (len(values), -1, 4)
    if weight is None:
        means, squares = (v @ pieces for v in (values, values * values))
        return means.reshape(shape).astype(np.float64), squares.reshape(shape).astype(np.float64), np.ones((len(values), pieces.shape[1] // 4))
    share = (weight @ pieces).astype(np.float64)
    weighted = values * weight
    means, squares = ((v @ pieces) / np.maximum(share, 1e-6) for v in (weighted, weighted * values))
    return means.reshape(shape), squares.reshape(shape), share.reshape(shape)[..., 0]


def _apart(at: NDArray[np.intp], fit: NDArray[np.float64], distance_px: float) -> NDArray[np.intp]:
    """Return the indices that stay when, in order of falling fit, each place silences the others within `distance_px`."""
    kept: list[int] = []
    for index in np.lexsort((at[:, 1], at[:, 0], -fit)):
        if not kept or np.hypot(*(at[kept] - at[index]).T).min() > distance_px:
            kept.append(int(index))
    return np.array(kept, np.intp)
