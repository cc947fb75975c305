"""Land cover of a dense series: which breaks are changes of cover, of what kind, and which pixels changed together."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from camwatch.detect._common import answer, coverage
from camwatch.detect._land_breaks import IN_A_ROW, LEAST_DATES, LEAST_YEARS, find_breaks
from camwatch.detect._land_course import terms
from camwatch.detect._land_cover import BARE, CHANGES, CLASSES, LEAST_PX, VEGETATED, LandcoverParams, cover_of, ratio, tells_cover
from camwatch.findings import Finding
from camwatch.rasters import mask_of, polygons_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from camwatch.aoi import Site
    from camwatch.detect._land_breaks import Breaks
    from camwatch.findings import Findings
    from camwatch.imagery.image import Image

CHUNK_PX = 2048
"""Pixels followed at once: their courses fit into a processor's cache."""
FLOOR = 0.004
"""Least standard deviation of the noise, in reflectance: of what calibration and atmosphere leave on dark ground."""
YEARS = 3.0
"""Years on either side of a break from which the state of the ground is told."""
ENOUGH = 3
"""Dates that must show a state."""
TOGETHER_DAYS = 120
"""Neighbours that break so near in time changed together: two clear dates can lie so far apart in a cloudy summer."""


@dataclass(frozen=True, slots=True, eq=False)
class Broken:
    """The breaks of some pixels of a grid; all arrays (break,).

    Attributes
    ----------
    row, col : int
    without, first : int
        Proleptic Gregorian ordinals of the last clear day before, and of the first day that differs.
    code : uint8
        Place in `CLASSES` of :mod:`camwatch.detect._land_cover`, counted from 1.
    probability : float32
    ndvi_before, ndvi_after : float32
        Medians of what the earlier course says and of what was seen, at the same dates after the break; NaN where the bands do not tell.
    """

    row: NDArray[np.intp]
    col: NDArray[np.intp]
    without: NDArray[np.int64]
    first: NDArray[np.int64]
    code: NDArray[np.uint8]
    probability: NDArray[np.float32]
    ndvi_before: NDArray[np.float32]
    ndvi_after: NDArray[np.float32]

    @classmethod
    def joined(cls, parts: Sequence[Broken]) -> Broken:
        """Return several as one."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))

    def moved(self, rows: int, cols: int) -> Broken:
        """Return the same breaks on a grid that begins so many rows and columns earlier."""
        return Broken(self.row + rows, self.col + cols, self.without, self.first, self.code, self.probability, self.ndvi_before, self.ndvi_after)


def detect_land_series(images: Sequence[Image], site: Site, params: LandcoverParams | None = None) -> Findings:
    """Find where and when the cover of the ground changed in a dense series, and what it became.

    Parameters
    ----------
    images : sequence of Image
        By date, registered, on one grid, with the same bands, in reflectance; at least :data:`LEAST_DATES` of them. Seasons may be any.
    site : Site
    params : LandcoverParams, optional
        Of which `least_area_m2` counts.

    Returns
    -------
    Findings
        As :func:`camwatch.detect.detect_landcover` gives them for a pair; besides, each polygon has `last_date_without` and `first_date_with`,
        between which nine tenths of it and more changed. The score is the probability of a break; NaN where too few dates show the ground
        clearly, which is not observed. Snow counts as cloud does.

    Raises
    ------
    ValueError
        When dates do not rise, or grids or bands differ.

    Notes
    -----
    Each pixel is followed by itself (`camwatch.detect._land_breaks`); pixels that change side by side, to one class, within a season, make a polygon.
    A break in the first year, within a year of another one, or within the last six clear dates is not seen.

    Memory: 4 bytes × dates × bands × pixels, three times.
    """
    first = images[0]
    days = np.array([image.acquired.date().toordinal() for image in images])
    if (np.diff(days) <= 0).any() or any(image.geobox != first.geobox or image.bands != first.bands for image in images):
        raise ValueError("images: got dates that do not rise, or several grids or bands; expected one grid, one set of bands, one image a day")
    values, valid = np.stack([image.values for image in images]), np.stack([image.valid for image in images])
    broken, chance = breaks_of_tile(days, first.bands, values, valid)
    return findings_of_series(broken, chance, (first, images[-1]), len(images), site, params)


def findings_of_series(  # noqa: PLR0917 - a search in its parts
    broken: Broken, chance: NDArray[np.float32], ends: tuple[Image, Image], dates: int, site: Site, params: LandcoverParams | None = None
) -> Findings:
    """Return the findings of a series from the breaks of all its pixels; `ends` are its first and last image, `chance` (y, x) the score."""
    first, last = ends
    params = params or LandcoverParams()
    span = f"{dates} dates from {first.acquired:%Y-%m-%d} to {last.acquired:%Y-%m-%d}"
    observed = coverage(site.area, first.geobox, np.isfinite(chance))
    if not observed[1]:
        reason = (
            f"{span} show no ground clearly on {LEAST_DATES} of them, four a year, over {LEAST_YEARS:g} years: seasons cannot be told from change."
        )
        return answer("landcover", first, last, site, reason=reason, records=(), observed=observed, score=chance, testable=False)
    inside = mask_of(site.area, first.geobox, touched=True)[broken.row, broken.col]
    within = Broken(*(getattr(broken, name)[inside] for name in Broken.__slots__))
    records = gathered(within, first.geobox, max(LEAST_PX, round(params.least_area_m2 / first.pixel_m**2)))
    reason = (
        f"{span}, in all seasons; a change is dated between two clear dates, and not seen in the first year, nor within the last {IN_A_ROW} of them."
    )
    return answer("landcover", first, last, site, reason=reason, records=records, observed=observed, score=chance)


def breaks_of_tile(
    days: NDArray[np.int64], names: tuple[str, ...], values: NDArray[np.float32], valid: NDArray[np.bool_]
) -> tuple[Broken, NDArray[np.float32]]:
    """Return the breaks of a tile, and the probability of the surest in each pixel.

    Parameters
    ----------
    days : (date,) int64
        Rising ordinals.
    names : tuple of str
        Of the bands.
    values : (date, band, y, x) float32
        Reflectance.
    valid : (date, y, x) bool
        No cloud, no shadow; snow is found here.

    Returns
    -------
    Broken
    (y, x) float32, 0..1
        NaN where too few dates show the ground clearly.
    """
    dates, bands, height, width = values.shape
    flat, clear = values.reshape(dates, bands, -1), valid.reshape(dates, -1).copy()
    chance = np.empty(height * width, np.float32)
    parts = []
    for first in range(0, height * width, CHUNK_PX):
        part = slice(first, first + CHUNK_PX)
        for number in range(dates):
            clear[number, part] &= ~cover_of(names, flat[number, :, None, part], reflectance=True).snow[0]
        found, chance[part] = find_breaks(days.astype(np.float64), flat[:, :, part], clear[:, part], floor=FLOOR)
        parts.append(_told(days, names, flat[:, :, part], clear[:, part], found, first, width))
    return Broken.joined(parts), chance.reshape(height, width)


def _told(  # noqa: PLR0917 - one series in its parts
    days: NDArray[np.int64], names: tuple[str, ...], values: NDArray[np.float32], clear: NDArray[np.bool_], found: Breaks, offset: int, width: int
) -> Broken:
    """Say of each break what the ground became."""
    row, col = np.divmod(found.pixel + offset, width)
    code, before, after = _classes(days, names, values, clear, found)
    sure = found.probability.astype(np.float32)
    return Broken(row, col, days[found.without], days[found.first], code, sure, before, after)


def _classes(
    days: NDArray[np.int64], names: tuple[str, ...], values: NDArray[np.float32], clear: NDArray[np.bool_], found: Breaks
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    """Return what the ground became, and NDVI expected and seen after the break.

    The ground of each date is held against what the other course says of the same date: a field in March is bare, and was before.
    """
    codes = {name: number for number, name in enumerate(CLASSES, 1)}
    out = np.full(len(found.pixel), codes["other"], np.uint8)
    unknown = np.full(len(found.pixel), np.nan, np.float32)
    if not tells_cover(names) or not out.size:
        return out, unknown, unknown
    x, order = terms(days.astype(np.float64)), np.arange(len(days))[:, None]
    near = np.abs(x[:, 1][:, None] - x[found.first, 1]) <= YEARS
    seen, usable = values[:, :, found.pixel], clear[:, found.pixel] & near
    later = usable & (order >= found.first) & (order < found.stop)
    earlier = usable & (order < found.first) & (order >= found.start)
    past, future = (_predicted(x, found, course) for course in (found.before, found.after))
    ndvi, by_past, by_future = (_ndvi(names, planes) for planes in (seen, past, future))
    was, now = _median_at(by_past, later), _median_at(ndvi, later)
    # What the season alone would make bare is no loss, what it would make green no gain.
    green_by_past, green_by_future = later & (by_past >= VEGETATED), earlier & (by_future >= VEGETATED)
    lost = (green_by_past.sum(axis=0) >= ENOUGH) & (_median_at(ndvi, green_by_past) <= BARE)
    gained = (green_by_future.sum(axis=0) >= ENOUGH) & (_median_at(ndvi, green_by_future) <= BARE)
    covers = [cover_of(names, _medians(planes, later)[:, None], reflectance=True) for planes in (past, seen)]
    open_ground = (_median_at(ndvi, earlier) <= BARE) & (now <= BARE) & ~covers[0].wet[0] & ~covers[1].wet[0]
    out[open_ground & (covers[1].brightness[0] > covers[0].brightness[0])] = codes["built_or_bare"]
    out[gained & ~lost] = codes["vegetated"]
    out[lost & ~covers[1].wet[0]] = codes["cleared"]
    out[covers[1].water[0] & ~covers[0].wet[0]] = codes["water"]
    out[covers[0].water[0] & ~covers[1].wet[0]] = codes["exposed"]
    return out, was, now


def _predicted(x: NDArray[np.float64], found: Breaks, course: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return (date, band, break) reflectance of a course at every date, its trend held as it stood at the break."""
    seasons = np.einsum("np,pbm->nbm", np.delete(x, 1, axis=1), np.delete(course, 1, axis=0), optimize=True)
    return np.asarray(seasons + course[1] * x[found.first, 1], np.float32)


def _ndvi(names: tuple[str, ...], planes: NDArray[np.float32]) -> NDArray[np.float32]:
    return ratio(planes[:, names.index("nir")], planes[:, names.index("red")])


def _median_at(plane: NDArray[np.float32], where: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the median over dates (break,) of a (date, break) plane where `where`; NaN where nowhere."""
    ordered = np.sort(np.where(where, plane, np.float32(np.inf)), axis=0)
    count = where.sum(axis=0)
    middle = np.take_along_axis(ordered, (np.maximum(count - 1, 0) // 2)[None], axis=0)[0]
    return np.where(count > 0, middle, np.float32(np.nan))


def _medians(planes: NDArray[np.float32], where: NDArray[np.bool_]) -> NDArray[np.float32]:
    return np.stack([_median_at(planes[:, band], where) for band in range(planes.shape[1])])


def gathered(broken: Broken, geobox: GeoBox, least_px: int) -> tuple[Finding, ...]:
    """Return the polygons of pixels of one class that lie side by side and broke together.

    Measures: `class`; `last_date_without` and `first_date_with`, between which at least nine tenths of the polygon changed; `ndvi_before`,
    `ndvi_after`. The score is the mean probability of its pixels.

    Parameters
    ----------
    broken : Broken
    geobox : GeoBox
    least_px : int
        Mapping unit.
    """
    pixel = broken.row * geobox.shape[1] + broken.col
    order = np.lexsort((broken.first, pixel))
    broken, pixel = Broken(*(getattr(broken, name)[order] for name in Broken.__slots__)), pixel[order]
    groups = _groups(broken, pixel, geobox.shape[1])
    by_group = np.argsort(groups, kind="stable")
    edges = np.flatnonzero(np.diff(groups[by_group])) + 1
    groups_of = np.split(by_group, edges) if by_group.size else []
    found = [_record(broken, members, geobox) for members in groups_of if len(np.unique(pixel[members])) >= least_px]
    found.sort(key=lambda r: (-r.geometry.bounds[3], r.geometry.bounds[0], str(r.measures["first_date_with"]), str(r.measures["class"])))
    return tuple(Finding(f"land-{n:04d}", r.kind, r.change, r.geometry, r.score, r.area_m2, r.measures) for n, r in enumerate(found, 1))


def _groups(broken: Broken, pixel: NDArray[np.intp], width: int) -> NDArray[np.int32]:
    """Return the number of the group of each break, sorted by pixel: neighbours along sides, of one class, near in time."""
    one, other = [], []
    every = np.arange(len(pixel))
    for step in (1, width):
        sought = pixel + step
        inside = broken.col + 1 < width if step == 1 else np.ones(len(pixel), bool)
        low, high = np.searchsorted(pixel, sought), np.searchsorted(pixel, sought, side="right")
        for extra in range(int((high - low).max(initial=0))):
            near = low + extra
            there = inside & (near < high)
            a, b = every[there], near[there]
            alike = (broken.code[a] == broken.code[b]) & (np.abs(broken.first[a] - broken.first[b]) <= TOGETHER_DAYS)
            one.append(a[alike])
            other.append(b[alike])
    ends = np.concatenate([*one, every]), np.concatenate([*other, every])
    graph = coo_array((np.ones(len(ends[0]), bool), ends), shape=(len(pixel), len(pixel)))
    labels: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return labels


def _record(broken: Broken, members: NDArray[np.intp], geobox: GeoBox) -> Finding:
    row, col = broken.row[members], broken.col[members]
    top, left = int(row.min()), int(col.min())
    labels = np.zeros((int(row.max()) - top + 1, int(col.max()) - left + 1), np.int32)
    labels[row - top, col - left] = 1
    outline = polygons_of(labels, geobox[top : top + labels.shape[0], left : left + labels.shape[1]])[1]
    name = CLASSES[int(broken.code[members[0]]) - 1]
    without = int(np.quantile(broken.without[members], 0.05, method="lower"))
    first = int(np.quantile(broken.first[members], 0.95, method="higher"))
    measures: dict[str, float | str] = {
        "class": name,
        "last_date_without": dt.date.fromordinal(without).isoformat(),
        "first_date_with": dt.date.fromordinal(first).isoformat(),
        "ndvi_before": float(np.nanmean(broken.ndvi_before[members])) if np.isfinite(broken.ndvi_before[members]).any() else float("nan"),
        "ndvi_after": float(np.nanmean(broken.ndvi_after[members])) if np.isfinite(broken.ndvi_after[members]).any() else float("nan"),
    }
    score = float(broken.probability[members].mean())
    return Finding("", "landcover", CHANGES[name], outline, score, float(labels.sum()) * abs(float(geobox.affine.determinant)), measures)
