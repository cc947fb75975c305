"""Guard towers along a perimeter: small roofs, each with a shadow where the sun demands it, linked between two dates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi
from shapely.geometry import box
from shapely.ops import unary_union

from camwatch.detect._common import answer, coverage, filled, greenness, ramp, robust_sd, seen_at_both, shadow_step
from camwatch.findings import Finding
from camwatch.imagery.image import Sun
from camwatch.rasters import mask_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from camwatch.aoi import Site
    from camwatch.findings import Change, Findings
    from camwatch.imagery.image import Image

ROOFS_M = (3.5, 4.5, 6.0)
"""Sides of the roofs that are tried; a fit forgives ± 20 %, hence 3 to 7 m."""

HEIGHTS_M = (5.5, 8.0, 11.0)
"""Heights that are tried; a fit forgives ± 20 %, hence 4.5 to 13 m."""

REACH_M = 15.0
"""Metres of a shadow that are looked at; a lower sun draws longer ones, over ground that differs more and more."""

DECOY_TURNS_DEG = (90.0, 180.0, 270.0)
"""False sun directions under which the same ground is searched: what answers there is no tower."""

WEAK_FIT = 0.35
"""Fit below which a place is not looked at again with shifts; towers fit with 0.8 and more, chance rarely over 0.7."""


PERSISTENT = 0.5
"""Correlation of a roof with the other date from which it still stands there even if its shadow fits poorly."""


@dataclass(frozen=True, slots=True)
class TowerParams:
    """What is searched, and how sure an answer must be.

    Attributes
    ----------
    max_gsd_m : float
        Coarsest ground sample distance that is searched: a footprint of 4 m then fills five pixels.
    band_m : float or None
        Distance from the line to either side that is searched; None = the accuracy of the prior, at least 25 and at most 60 m.
    false_per_km : float
        False towers for each km of line and date that the fit's threshold allows, as the decoys measure it.
    min_fit : float
        Fit (0..1) under which nothing is reported however quiet the ground is.
    link_m : float
        Distance within which the same tower may lie at the other date.
    link_chance : float
        Chance that mere clutter lies within `link_m`; sets the fit that counts as "still there".
    """

    max_gsd_m: float = 0.8
    band_m: float | None = None
    false_per_km: float = 0.5
    min_fit: float = 0.75
    link_m: float = 3.0
    link_chance: float = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class _Templates:
    """Where roof, shadow and ground lie around a tower.

    Attributes
    ----------
    offsets : (p, 2) intp
        (row, col) of the pixels looked at, relative to the roof's centre.
    weights : (p, t × 5) float32
        Means over roof, shadow, ground left, ground right, ground on the sunny side, for each of t templates.
    roofs_m, heights_m : (t,) float64
    """

    offsets: NDArray[np.intp]
    weights: NDArray[np.float32]
    roofs_m: NDArray[np.float64]
    heights_m: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Ground:
    """One picture to fit in: luminance (y, x), how bare of vegetation (y, x) 0..1, and the standard deviation of its fine detail."""

    plane: NDArray[np.float32]
    bare: NDArray[np.float64]
    noise: float


@dataclass(frozen=True, slots=True, eq=False)
class _Fits:
    """Places in one picture that fit a tower: (n, 2) (row, col), fit 0..1, roof side, height, shadow contrast in noise units, falling by fit."""

    at: NDArray[np.intp]
    fit: NDArray[np.float64]
    roof_m: NDArray[np.float64]
    height_m: NDArray[np.float64]
    shadow: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Date:
    """One date's search: its fits, and the fits that report and confirm a tower."""

    fits: _Fits
    report: float
    confirm: float
    plane: NDArray[np.float32]


def detect_towers(
    before: Image, after: Image, site: Site, params: TowerParams = TowerParams(), *, rings: tuple[BaseGeometry, BaseGeometry] | None = None,
) -> Findings:
    """Find guard towers along the perimeter, at each date, and what became of them.

    Small compact roofs are proposed by a Laplacian of Gaussian, and each is fitted with three levels, roof, shadow and ground, laid out as the sun
    demands, for three sizes and three heights, with the shadow starting at the wall or, under a cabin on stilts, half-way along. The fit is
    the share of the variance that the three levels explain. The same ground is searched under three false sun directions; the fit that these decoys
    exceed as often as the user allows is the threshold, so it follows resolution, noise and clutter of this very picture.

    Parameters
    ----------
    before, after : Image
        On one GeoBox with a metric CRS, registered and radiometrically normalised; one band or more.
    site : Site
        `perimeter_before` and `perimeter_after` (polygons) are the prior of the lines.
    params : TowerParams
    rings : (line or polygon before, line or polygon after), optional
        Better lines than the prior, in the CRS of the grid; a polygon stands for its boundary.

    Returns
    -------
    Findings
        Records `appeared`, `removed`, `unchanged`, or `not_observed` (a tower at one date whose place cannot be seen at the other). Geometry: a
        square of the fitted size. Measures: `fit_before`, `fit_after` (absent where not observed), `side_m`, `height_m` (of the template; rough),
        `shadow_contrast` (in standard deviations of the picture's fine detail), `persistence` (correlation of the roof with the other date, −1..1;
        absent where not observed). `score`: the fit where a tower changed, 0 elsewhere in the band, NaN outside it and where not seen at both
        dates. `not_testable` without a perimeter, with pixels too coarse, or without the sun's position at either date: read from the picture it
        is off by up to 35°, and a third of the standing towers then seem new or gone.

    Raises
    ------
    ValueError
        The images lie on different grids.

    Notes
    -----
    A lone tree with its shadow, or a tank, passes as a tower in panchromatic pictures; vegetation is excluded where the bands allow. A dark roof
    beside its dark shadow is missed. The sun's direction carries the decision: with a wrong one in the metadata nothing is found.

    References
    ----------
    .. [1] J. E. Elias, S. P. Gygi, "Target-decoy search strategy", Nature Methods 4, 2007, doi:10.1038/nmeth1019
    """
    seen = seen_at_both(before, after)
    gsd = max(before.gsd_m, after.gsd_m)
    lines = _lines(site, rings)
    unlit = [image.scene for image in (before, after) if image.sun is None]
    why_not = ""
    if gsd > params.max_gsd_m:
        why_not = f"{gsd:g} m pixels cannot show a 4–6 m tower; it takes {params.max_gsd_m:g} m or finer."
    elif lines.is_empty:
        why_not = "No perimeter is known along which to look for towers."
    elif unlit:
        why_not = f"The sun's azimuth and elevation are unknown for {' and '.join(unlit)}; only shadows tell towers from clutter."
    if why_not:
        nothing = np.full(seen.shape, np.nan, np.float32)
        return answer("tower", before, after, site, reason=why_not, records=(), observed=(0.0, 0.0), score=nothing, testable=False)
    width = _width(site, params)
    area = lines.buffer(width)
    band = mask_of(area, before.geobox)
    dates = [_search(image, image.sun, band, width, params) for image in (before, after) if image.sun is not None]
    records, score = _link((before, after), (dates[0], dates[1]), params)
    return answer("tower", before, after, site, reason="", records=records, observed=coverage(area, before.geobox, seen),
                  score=np.where(band & seen, score, np.float32(np.nan)))


def search_band(
    site: Site, rings: tuple[BaseGeometry, BaseGeometry] | None = None, params: TowerParams = TowerParams(),
) -> BaseGeometry | None:
    """Return the ground along the perimeter that :func:`detect_towers` searches, in the CRS of the site; None where no line is known."""
    lines = _lines(site, rings)
    return None if lines.is_empty else lines.buffer(_width(site, params))


def _width(site: Site, params: TowerParams) -> float:
    """Return the distance to either side of the line that is searched, in metres."""
    return params.band_m if params.band_m is not None else min(max(25.0, site.perimeter_accuracy_m), 60.0)


def _lines(site: Site, rings: tuple[BaseGeometry, BaseGeometry] | None) -> BaseGeometry:
    """Return all lines to search along; polygons stand for their boundaries."""
    given = rings or (site.perimeter_before, site.perimeter_after)
    return unary_union([g.boundary if "Polygon" in g.geom_type else g for g in given if g is not None])


def _search(image: Image, sun: Sun, band: NDArray[np.bool_], width: float, params: TowerParams) -> _Date:
    """Return one date's fits, with thresholds from the decoys; `width` is the band's to either side, in metres."""
    # How much line the grid shows, for the density that the user allows per km.
    km = float(band.sum()) * image.pixel_m**2 / (2.0 * width) / 1000.0
    plane = filled(image.luminance()[None], image.valid)[0]
    near = max(round(8.0 / image.pixel_m), 1)
    usable = band & (ndi.uniform_filter(image.valid.astype(np.float32), near) > 0.9)
    places = _proposals(plane, usable, image.pixel_m)
    fine = plane - ndi.gaussian_filter(plane, 4.0 / image.pixel_m)
    noise = robust_sd(fine[usable])
    green = ndi.gaussian_filter(greenness(image.bands, filled(image.values, image.valid)), 1.0 / image.pixel_m)
    ground = _Ground(plane, 1.0 - ramp(green, 0.0, 1.0), noise)
    fits = _fit_places(ground, places, _templates(sun, image), image.pixel_m)
    turned = [Sun((sun.azimuth_deg + turn) % 360.0, sun.elevation_deg) for turn in DECOY_TURNS_DEG]
    decoys = np.sort(np.concatenate([_fit_places(ground, places, _templates(false, image), image.pixel_m).fit for false in turned]))[::-1]
    searched_km = km * len(DECOY_TURNS_DEG)
    by_chance = params.link_chance / (np.pi * params.link_m**2) * 2.0 * width * 1000.0
    report = max(_exceeded(decoys, params.false_per_km * searched_km), params.min_fit)
    confirm = min(max(_exceeded(decoys, by_chance * searched_km), 0.5), report)
    return _Date(fits, report, confirm, plane)


def _exceeded(falling: NDArray[np.float64], times: float) -> float:
    """Return the value that `falling` exceeds no more than `times` times."""
    index = int(times)
    return float(falling[index]) if index < len(falling) else 0.0


def _proposals(plane: NDArray[np.float32], usable: NDArray[np.bool_], pixel: float) -> NDArray[np.intp]:
    """Return (n, 2) (row, col) of blobs of a roof's size, bright or dark: extrema of the Laplacian of Gaussian at two scales."""
    found = np.zeros(plane.shape, bool)
    reach = 2 * max(round(1.0 / pixel), 1) + 1
    for sigma_m in (1.2, 2.0):
        response = ndi.gaussian_laplace(plane, sigma_m / pixel)
        found |= (response == ndi.maximum_filter(response, reach)) & (response > 0)
        found |= (response == ndi.minimum_filter(response, reach)) & (response < 0)
    return np.argwhere(found & usable)


def _templates(sun: Sun, image: Image) -> _Templates:
    """Return roof, shadow and three pieces of ground for each size, height and start of the shadow, for this sun."""
    pixel = image.pixel_m
    step = np.array(shadow_step(sun, image.geobox))
    ahead = step / np.hypot(*step)
    radius = int(np.ceil((REACH_M + 8.0) / pixel))
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
            for near in {foot, max(foot, 0.5 * length)}:
                if far - near < 1.5:
                    continue
                beside = (along >= -0.5 * side) & (along <= far)
                masks.append([
                    distance <= max(0.45 * side, 0.75 * pixel),
                    (along >= near) & (along <= far) & (np.abs(across) <= 0.45 * side),
                    beside & (across >= clear) & (across <= clear + 2.0),
                    beside & (-across >= clear) & (-across <= clear + 2.0),
                    (along <= -clear) & (along >= -clear - 2.0) & (np.abs(across) <= 0.7 * side),
                ])
                sizes.append((side, height))
    cube = np.array(masks)
    if not len(cube):  # a sun near the zenith casts no shadow to look for
        return _Templates(np.zeros((0, 2), np.intp), np.zeros((0, 0), np.float32), np.zeros(0), np.zeros(0))
    used = cube.any(axis=(0, 1))
    weights = cube[:, :, used].astype(np.float32)
    weights /= weights.sum(axis=2, keepdims=True)
    roofs, heights = np.array(sizes).T
    return _Templates(np.stack([row[used], col[used]], axis=1), weights.reshape(-1, weights.shape[2]).T.copy(), roofs, heights)


def _fit_places(ground: _Ground, places: NDArray[np.intp], templates: _Templates, pixel: float) -> _Fits:
    """Return the places that fit, each the best of its templates and of shifts by a pixel, no two within 4 m."""
    fit, best, shadow = _fit(ground, places, templates)
    promising = fit * ground.bare[tuple(places.T)] > WEAK_FIT
    places, fit, best, shadow = places[promising], fit[promising], best[promising], shadow[promising]
    at = places.copy()
    for shift in [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if (r, c) != (0, 0)]:
        moved = (places + shift).clip(0, np.array(ground.plane.shape) - 1)
        again, which, dark = _fit(ground, moved, templates)
        better = again > fit
        fit[better], best[better], shadow[better], at[better] = again[better], which[better], dark[better], moved[better]
    fit = fit * ground.bare[tuple(at.T)]
    keep = _apart(at, fit, 4.0 / pixel)
    return _Fits(at[keep], fit[keep], templates.roofs_m[best[keep]], templates.heights_m[best[keep]], shadow[keep])


def _fit(
    picture: _Ground, places: NDArray[np.intp], templates: _Templates,
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.float64]]:
    """Return the best fit (0..1) of each place, its template, and the shadow's contrast in noise units.

    Roof, shadow and ground weigh the same whatever their size; the fit is the share of the variance between them. It counts only where the shadow is
    the darkest of all five pieces and the roof differs from all its ground in one sense.
    """
    number = len(templates.roofs_m)
    fit, which, dark = np.zeros(len(places)), np.zeros(len(places), np.intp), np.zeros(len(places))
    if not number:
        return fit, which, dark
    plane, noise = picture.plane, picture.noise
    height, width = plane.shape
    # The fit is blind to offsets; taking one away keeps the squares exact in single precision.
    offset = np.float32(plane.mean())
    for start in range(0, len(places), 1000):
        part = slice(start, start + 1000)
        rows = (places[part, :1] + templates.offsets[:, 0]).clip(0, height - 1)
        cols = (places[part, 1:] + templates.offsets[:, 1]).clip(0, width - 1)
        values = plane[rows, cols] - offset
        means = (values @ templates.weights).reshape(-1, number, 5).astype(np.float64)
        squares = ((values * values) @ templates.weights).reshape(-1, number, 5).astype(np.float64)
        roof, shade, ground = means[..., 0], means[..., 1], means[..., 2:]
        level = ground.mean(axis=2)
        middle = (roof + shade + level) / 3.0
        between = (roof**2 + shade**2 + level**2) / 3.0 - middle**2
        total = (squares[..., 0] + squares[..., 1] + squares[..., 2:].mean(axis=2)) / 3.0 - middle**2
        contrast = (ground.min(axis=2) - shade) / noise
        stands_out = np.maximum(roof - ground.max(axis=2), ground.min(axis=2) - roof) / noise
        rating = (
            between / np.maximum(total, 1e-12 + 0.01 * noise**2)
            * ramp(contrast, 0.2, 0.6) * ramp((roof - shade) / noise, 0.3, 1.0) * ramp(stands_out, 0.2, 0.8)
        )
        chosen = rating.argmax(axis=1)
        line = np.arange(len(chosen))
        fit[part], which[part], dark[part] = np.clip(rating[line, chosen], 0.0, 1.0), chosen, contrast[line, chosen]
    return fit, which, dark


def _apart(at: NDArray[np.intp], fit: NDArray[np.float64], distance_px: float) -> NDArray[np.intp]:
    """Return the indices that stay when, in order of falling fit, each place silences the others within `distance_px`."""
    kept: list[int] = []
    for index in np.lexsort((at[:, 1], at[:, 0], -fit)):
        if not kept or np.hypot(*(at[kept] - at[index]).T).min() > distance_px:
            kept.append(int(index))
    return np.array(kept, np.intp)


def _link(images: tuple[Image, Image], dates: tuple[_Date, _Date], params: TowerParams) -> tuple[tuple[Finding, ...], NDArray[np.float32]]:
    """Return the records of all towers seen at either date, from north to south on the grid, and the (y, x) plane of changed ones."""
    geobox, pixel = images[0].geobox, images[0].pixel_m
    score = np.zeros(geobox.shape, np.float32)
    visible = [_visible(image) for image in images]
    # The surest first: what lies within reach of it at the other date is the same tower.
    seen = sorted((-float(d.fits.fit[i]), k, int(i)) for k, d in enumerate(dates) for i in np.flatnonzero(d.fits.fit >= d.report))
    found: list[tuple[int, int, Finding]] = []
    taken = np.zeros((0, 2))
    for _, date, index in seen:
        at = dates[date].fits.at[index]
        if len(taken) and np.hypot(*(taken - at).T).min() * pixel <= params.link_m:
            continue
        taken = np.vstack([taken, at])
        fits = dates[date].fits
        side, fit = float(fits.roof_m[index]), float(fits.fit[index])
        measures: dict[str, float | str] = {
            ("fit_before", "fit_after")[date]: fit,
            "side_m": side,
            "height_m": float(fits.height_m[index]),
            "shadow_contrast": float(fits.shadow[index]),
        }
        change: Change = "not_observed"
        if visible[1 - date][tuple(at)]:
            other, alike = _other_date(dates[date], dates[1 - date], at, side, pixel, params.link_m)
            measures |= {("fit_after", "fit_before")[date]: other, "persistence": alike}
            if alike >= PERSISTENT and other < WEAK_FIT:
                continue  # it stayed, and under another sun it shows no shadow: whatever it is, it is not tall
            stands = other >= dates[1 - date].confirm or alike >= PERSISTENT
            change = "unchanged" if stands else ("removed", "appeared")[date]
        x, y = geobox.affine * (float(at[1]) + 0.5, float(at[0]) + 0.5)
        square = box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)
        if change in ("appeared", "removed"):
            score[mask_of(square, geobox, touched=True)] = fit
        found.append((int(at[0]), int(at[1]), Finding("", "tower", change, square, fit, side**2, measures)))
    found.sort(key=lambda item: item[:2])
    return tuple(replace(record, id=f"tower-{number:04d}") for number, (*_, record) in enumerate(found, 1)), score


def _other_date(here: _Date, there: _Date, at: NDArray[np.intp], side: float, pixel: float, link_m: float) -> tuple[float, float]:  # noqa: PLR0917 all plain
    """Return the best fit within `link_m` at the other date, and the correlation of the roof with what lies there."""
    near = np.hypot(*(there.fits.at - at).T) * pixel <= link_m
    # Half a metre more than the roof: its edge belongs to it, its shadow, which moves with the sun, does not.
    return float(there.fits.fit[near].max(initial=0.0)), _persistence(here.plane, there.plane, at, (side / 2 + 0.5) / pixel)


def _visible(image: Image) -> NDArray[np.bool_]:
    """Return where at least 70 % of the 8 m around a pixel are valid."""
    near = max(round(8.0 / image.pixel_m), 1)
    share = ndi.uniform_filter(image.valid.astype(np.float32), near)
    return np.asarray(share >= 0.7, bool)


def _persistence(here: NDArray[np.float32], there: NDArray[np.float32], at: NDArray[np.intp], radius: float) -> float:
    """Return the correlation, −1..1, of a window of `radius` pixels around the roof with the other date, the best of nine shifts by a pixel."""
    reach = max(round(radius), 2)
    height, width = here.shape
    rows, cols = np.meshgrid(np.arange(at[0] - reach, at[0] + reach + 1), np.arange(at[1] - reach, at[1] + reach + 1), indexing="ij")

    def window(plane: NDArray[np.float32], down: int, right: int) -> NDArray[np.float64]:
        values = plane[(rows + down).clip(0, height - 1), (cols + right).clip(0, width - 1)].astype(np.float64)
        return np.asarray(values - values.mean(), np.float64)

    mine = window(here, 0, 0)
    best = -1.0
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            other = window(there, down, right)
            power = float(np.sqrt((mine**2).sum() * (other**2).sum()))
            best = max(best, float((mine * other).sum()) / power if power > 0 else 0.0)
    return best
