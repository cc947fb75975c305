"""Guard towers along a perimeter: small roofs, each with a shadow where the sun demands it, linked between two dates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi
from scipy.spatial import cKDTree
from shapely.geometry import Point, box
from shapely.ops import unary_union

from camwatch.detect._common import answer, coverage, filled, robust_sd, seen_at_both
from camwatch.detect._tower_fit import REACH_M, ROOFS_M, SURROUND_M, WEAK_FIT, Fits, Picture, fit_places, templates
from camwatch.detect._tower_line import residual
from camwatch.findings import Finding
from camwatch.imagery.image import Sun
from camwatch.imagery.sun import sun_of
from camwatch.rasters import mask_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry import LineString
    from shapely.geometry.base import BaseGeometry

    from camwatch.aoi import Site
    from camwatch.findings import Change, Findings
    from camwatch.imagery.image import Image

TRACED_M = 15.0
"""Accuracy from which a line counts as traced: its course then tells the direction of what runs along it."""

BESIDE_M = 15.0
"""Distance to either side of a traced line that is searched: towers stand on a line or within a few metres of it, and so does the tracing."""

BLOBS_M = (1.2, 2.0)
"""Standard deviations of the Laplacians of Gaussian that propose places: for roofs of 3 to 7 m."""

BLOCK = 128
"""Side in pixels of the blocks in which places are proposed."""

DECOY_TURNS_DEG = (90.0, 180.0, 270.0)
"""False sun directions under which the same ground is searched: what answers there is no tower."""

MOST_DOUBT_DEG = 10.0
"""Standard uncertainty of the sun's azimuth up to which shadows are sought where it puts them: 40° off, a third of the towers are found."""

POST_M = 8.0
"""Distance to a listed post within which its tower may stand: the analyst's own reading and the registration."""

POST_ABSENT = 0.65
"""Fit near a listed post below which no tower stands there."""

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
        Distance from the line to either side that is searched; None = 15 m of a traced line (one known to 15 m), else the accuracy of the prior,
        at least 25 and at most 60 m.
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
    link_m: float = 5.0
    link_chance: float = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class _Date:
    """One date's search: its fits, and the fits that report and confirm a tower."""

    fits: Fits
    report: float
    confirm: float
    plane: NDArray[np.float32]


def detect_towers(before: Image, after: Image, site: Site, params: TowerParams = TowerParams()) -> Findings:
    """Find guard towers along the perimeter, at each date, and what became of them.

    Small compact roofs are proposed by a Laplacian of Gaussian, and each is fitted with three levels, roof, shadow and ground, laid out as the sun
    demands, for three sizes and three heights, with the shadow starting at the wall or, under a cabin on stilts, half-way along. The fit is
    the share of the variance that the three levels explain. The same ground is searched under three false sun directions; the fit that these decoys
    exceed as often as the user allows is the threshold, so it follows resolution, noise and clutter of this very picture.

    Along a traced line (`perimeter_accuracy_m` of 15 m or less) what runs along it, wall, the wall's shadow, cleared strip and patrol path, is taken
    away first, and towers are fitted in what stands out; a nominal outline does not tell that direction, and the picture itself is fitted in.

    Parameters
    ----------
    before, after : Image
        On one GeoBox with a metric CRS, registered and radiometrically normalised; one band or more.
    site : Site
        `perimeter_before` and `perimeter_after`, polygons or lines, are where the lines run; a polygon stands for its boundary. Where the analyst
        lists `posts`, these are measured, one record each in their order, and nothing is searched for.
    params : TowerParams

    Returns
    -------
    Findings
        Records `appeared`, `removed`, `unchanged`, or `not_observed` (a tower at one date whose place cannot be seen at the other). Geometry: a
        square of the fitted size. Measures: `fit_before`, `fit_after` (absent where not observed), `side_m`, `height_m` (of the template; rough),
        `shadow_contrast` (in standard deviations of the picture's fine detail), `persistence` (correlation of the roof with the other date, −1..1;
        absent where not observed). `score`: the fit where a tower changed, 0 elsewhere in the band, NaN outside it and where not seen at both
        dates. `not_testable` without a perimeter or posts, with pixels too coarse, or where the sun's azimuth is not known to 10°. A sun that the
        product does not state is computed from time and place (:func:`camwatch.imagery.sun.sun_of`); a date alone does not tell it. A listed post
        at which neither date shows a tower is `not_observed`, with its fits.

    Raises
    ------
    ValueError
        The images lie on different grids.

    Notes
    -----
    A lone tree with its shadow, or a tank, passes as a tower in panchromatic pictures; vegetation is excluded where the bands allow. A dark roof
    beside its dark shadow is missed. A field's edge that lies in the direction of the shadows and ends at a brighter path can pass beside a traced
    line. The sun's direction carries the decision: with a wrong one in the metadata nothing is found.

    References
    ----------
    .. [1] J. E. Elias, S. P. Gygi, "Target-decoy search strategy", Nature Methods 4, 2007, doi:10.1038/nmeth1019
    """
    seen = seen_at_both(before, after)
    gsd = max(before.gsd_m, after.gsd_m)
    lines = _lines(site)
    suns = [sun_of(image) for image in (before, after)]
    unlit = [image.scene for image, sun in zip((before, after), suns, strict=True) if sun.doubt_deg > MOST_DOUBT_DEG]
    why_not = ""
    if gsd > params.max_gsd_m:
        why_not = f"{gsd:g} m pixels cannot show a 4–6 m tower; it takes {params.max_gsd_m:g} m or finer."
    elif not lines and not site.posts:
        why_not = "No perimeter is known along which to look for towers."
    elif unlit:
        why_not = f"The sun's azimuth is unknown for {' and '.join(unlit)}: state the time of day; only shadows tell towers from clutter."
    if why_not:
        nothing = np.full(seen.shape, np.nan, np.float32)
        return answer("tower", before, after, site, reason=why_not, records=(), observed=(0.0, 0.0), score=nothing, testable=False)
    width = _width(site, params)
    area = search_band(site, params)
    assert area is not None
    band = mask_of(area, before.geobox)
    traced = lines if site.perimeter_accuracy_m <= TRACED_M else []
    ground = band, mask_of(area.buffer(SURROUND_M / 2.0), before.geobox) if traced else band
    dates = [_search(image, sun, ground, width, traced, params) for image, sun in zip((before, after), suns, strict=True)]
    pair = dates[0], dates[1]
    records, score = _measured((before, after), pair, site.posts) if site.posts else _link((before, after), pair, params)
    return answer(
        "tower",
        before,
        after,
        site,
        reason="",
        records=records,
        observed=coverage(area, before.geobox, seen),
        score=np.where(band & seen, score, np.float32(np.nan)),
        tells_standing=True,
    )


def search_band(site: Site, params: TowerParams = TowerParams()) -> BaseGeometry | None:
    """Return the ground that :func:`detect_towers` looks at, in the CRS of the site; None where neither a line nor a post is known."""
    if site.posts:
        return unary_union([post.buffer(POST_M) for post in site.posts])
    lines = _lines(site)
    return unary_union(lines).buffer(_width(site, params)) if lines else None


def _width(site: Site, params: TowerParams) -> float:
    """Return the distance to either side of the line that is searched, in metres."""
    if params.band_m is not None:
        return params.band_m
    return BESIDE_M if site.perimeter_accuracy_m <= TRACED_M else min(max(25.0, site.perimeter_accuracy_m), 60.0)


def _lines(site: Site) -> list[LineString]:
    """Return all lines to search along, each whole; polygons stand for their boundaries."""
    shapes = [g.boundary if "Polygon" in g.geom_type else g for g in (site.perimeter_before, site.perimeter_after) if g is not None]
    return [line for shape in shapes for line in getattr(shape, "geoms", [shape]) if line.length > 0]


def _search(  # noqa: PLR0917 all plain
    image: Image, sun: Sun, ground: tuple[NDArray[np.bool_], NDArray[np.bool_]], width: float, traced: list[LineString], params: TowerParams
) -> _Date:
    """Return one date's fits, with thresholds from the decoys; `ground` is the band, and it with its surroundings; `width` its metres to a side."""
    band, around = ground
    # How much line the grid shows, for the density that the user allows per km.
    km = float(band.sum()) * image.pixel_m**2 / (2.0 * width) / 1000.0
    usable = band & _seen_around(image, 0.9)
    picture = _picture(image, usable, around, traced)
    places = _proposals(picture.relief, usable, image.pixel_m)
    fits = fit_places(picture, places, templates(sun, image.geobox), image.pixel_m)
    turned = [Sun((sun.azimuth_deg + turn) % 360.0, sun.elevation_deg) for turn in DECOY_TURNS_DEG]
    false = [fit_places(picture, places, templates(wrong, image.geobox), image.pixel_m) for wrong in turned]
    # On a line towers stand close; elsewhere clutter that answers to the true sun answers to false ones near by, and leaving that out flatters.
    towers = fits.at[fits.fit >= params.min_fit] if traced else fits.at[:0]
    decoys = np.sort(np.concatenate([_lone(decoy, towers, REACH_M / image.pixel_m) for decoy in false]))[::-1]
    searched_km = km * len(DECOY_TURNS_DEG)
    by_chance = params.link_chance / (np.pi * params.link_m**2) * 2.0 * width * 1000.0
    report = max(_exceeded(decoys, params.false_per_km * searched_km), params.min_fit)
    confirm = min(max(_exceeded(decoys, by_chance * searched_km), 0.5), report)
    return _Date(fits, report, confirm, picture.relief)


def _picture(image: Image, usable: NDArray[np.bool_], around: NDArray[np.bool_], traced: list[LineString]) -> Picture:
    """Return what is fitted in; with a traced line, what stands out of all that runs along it, known in `usable` and `around` it."""
    plane, values = filled(image.luminance()[None], image.valid)[0], filled(image.values, image.valid)
    level = float(plane.mean())
    if not traced:
        fine = plane - ndi.gaussian_filter(plane, 4.0 / image.pixel_m)
        return Picture(plane, plane, None, level, robust_sd(fine[usable]), 0.0, image.bands, values)
    relief = residual(plane, traced, around, image.geobox)
    dark, middle = np.percentile(plane[usable], (1.0, 50.0)) if usable.any() else (0.0, 0.0)
    # Half-way from the middling ground to the darkest a shadow still shows; further down less and less.
    step = max(float(middle - dark), 1e-6)
    room = ((plane - relief - np.float32(dark)) * np.float32(2.0 / step)).clip(0.0, 1.0)
    standing_out = relief[usable]
    return Picture(plane, relief, room, level, robust_sd(standing_out[standing_out != 0]), step, image.bands, values)


def _lone(decoys: Fits, towers: NDArray[np.intp], reach_px: float) -> NDArray[np.float64]:
    """Return the fits of the decoys without a tower within reach: a tower's own roof and shadow, seen askew, are no clutter."""
    if not len(towers) or not len(decoys.at):
        return decoys.fit
    distance, _ = cKDTree(towers).query(decoys.at)
    lone: NDArray[np.float64] = decoys.fit[distance > reach_px]
    return lone


def _exceeded(falling: NDArray[np.float64], times: float) -> float:
    """Return the value that `falling` exceeds no more than `times` times."""
    index = int(times)
    return float(falling[index]) if index < len(falling) else 0.0


def _proposals(plane: NDArray[np.float32], usable: NDArray[np.bool_], pixel: float) -> NDArray[np.intp]:
    """Return (n, 2) (row, col) of blobs of a roof's size, bright or dark: extrema of the Laplacian of Gaussian at two scales.

    Filtered block by block, and only where there is something `usable`: the band along a line is a small part of its picture.
    """
    reach = 2 * max(round(1.0 / pixel), 1) + 1
    margin = int(np.ceil(4.0 * max(BLOBS_M) / pixel)) + reach
    found = []
    for top in range(0, plane.shape[0], BLOCK):
        for left in range(0, plane.shape[1], BLOCK):
            block = usable[top : top + BLOCK, left : left + BLOCK]
            if not block.any():
                continue
            first = max(top - margin, 0), max(left - margin, 0)
            part = plane[first[0] : top + BLOCK + margin, first[1] : left + BLOCK + margin]
            hit = np.zeros(part.shape, bool)
            for sigma_m in BLOBS_M:
                response = ndi.gaussian_laplace(part, sigma_m / pixel)
                hit |= (response == ndi.maximum_filter(response, reach)) & (response > 0)
                hit |= (response == ndi.minimum_filter(response, reach)) & (response < 0)
            inner = hit[top - first[0] :, left - first[1] :][: block.shape[0], : block.shape[1]]
            found.append(np.argwhere(inner & block) + np.array([top, left]))
    return np.concatenate([np.zeros((0, 2), np.intp), *found])


def _link(images: tuple[Image, Image], dates: tuple[_Date, _Date], params: TowerParams) -> tuple[tuple[Finding, ...], NDArray[np.float32]]:
    """Return the records of all towers seen at either date, from north to south on the grid, and the (y, x) plane of changed ones."""
    geobox, pixel = images[0].geobox, images[0].pixel_m
    score = np.zeros(geobox.shape, np.float32)
    visible = [_seen_around(image, 0.7) for image in images]
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


def _measured(images: tuple[Image, Image], dates: tuple[_Date, _Date], posts: tuple[Point, ...]) -> tuple[tuple[Finding, ...], NDArray[np.float32]]:
    """Return the record of each listed post on the grid, in their order, and the (y, x) plane of changed ones."""
    geobox, pixel = images[0].geobox, images[0].pixel_m
    score = np.zeros(geobox.shape, np.float32)
    visible = [_seen_around(image, 0.7) for image in images]
    records = []
    for number, post in enumerate(posts, 1):
        col, row = (int(np.floor(v)) for v in ~geobox.affine * (post.x, post.y))
        if not (0 <= row < geobox.shape[0] and 0 <= col < geobox.shape[1]):
            continue
        best, side, states = 0.0, ROOFS_M[1], []
        measures: dict[str, float | str] = {}
        for date, seen, name in zip(dates, visible, ("fit_before", "fit_after"), strict=True):
            near = np.hypot(*(date.fits.at - (row, col)).T) * pixel <= POST_M
            fit = float(date.fits.fit[near].max(initial=0.0))
            if fit > best:
                best, side = fit, float(date.fits.roof_m[near][date.fits.fit[near].argmax()])
            # Nothing was sought, so nothing but the fit itself speaks for a tower; between the two levels it cannot be told.
            told = "stands" if fit >= date.report else "absent" if fit < POST_ABSENT else "not_observed"
            states.append(told if seen[row, col] else "not_observed")
            measures |= {name: fit} if seen[row, col] else {}
        change: Change = {("absent", "stands"): "appeared", ("stands", "absent"): "removed", ("stands", "stands"): "unchanged"}.get(
            (states[0], states[1]), "not_observed"
        )  # type: ignore[assignment]  # each of them is a Change
        square = box(post.x - side / 2, post.y - side / 2, post.x + side / 2, post.y + side / 2)
        if change in ("appeared", "removed"):
            score[mask_of(square, geobox, touched=True)] = best
        records.append(Finding(f"tower-{number:04d}", "tower", change, square, best, side**2, measures | {"side_m": side}))
    return tuple(records), score


def _other_date(here: _Date, there: _Date, at: NDArray[np.intp], side: float, pixel: float, link_m: float) -> tuple[float, float]:  # noqa: PLR0917 all plain
    """Return the best fit within `link_m` at the other date, and the correlation of the roof with what lies there."""
    near = np.hypot(*(there.fits.at - at).T) * pixel <= link_m
    # Half a metre more than the roof: its edge belongs to it, its shadow, which moves with the sun, does not.
    return float(there.fits.fit[near].max(initial=0.0)), _persistence(here.plane, there.plane, at, (side / 2 + 0.5) / pixel)


def _seen_around(image: Image, share: float) -> NDArray[np.bool_]:
    """Return where more than this share of the 8 m around a pixel is valid."""
    if image.valid.all():
        return image.valid
    near = max(round(8.0 / image.pixel_m), 1)
    return np.asarray(ndi.uniform_filter(image.valid.astype(np.float32), near) > share, bool)


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
