"""Land cover of a dense series: each pixel is followed through all dates, and its breaks become findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camwatch.detect._common import answer, coverage
from camwatch.detect._land_breaks import IN_A_ROW, LEAST_DATES, LEAST_YEARS, find_breaks
from camwatch.detect._land_broken import Broken
from camwatch.detect._land_cover import LEAST_PX, LandcoverParams, cover_of
from camwatch.detect._land_gather import gathered
from camwatch.detect._land_state import state_after
from camwatch.rasters import mask_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from camwatch.aoi import Site
    from camwatch.detect._land_breaks import Breaks
    from camwatch.findings import Findings
    from camwatch.imagery.image import Image

CHUNK_PX = 2048
"""Pixels followed at once: their courses fit into a processor's cache."""

FLOOR = 0.004
"""Least standard deviation of the noise, in reflectance: of what calibration and atmosphere leave on dark ground."""


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
    code, before, after = state_after(days, names, values, clear, found)
    sure = found.probability.astype(np.float32)
    return Broken(row, col, days[found.without], days[found.first], code, sure, before, after)
