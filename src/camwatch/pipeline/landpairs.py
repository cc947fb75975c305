"""Few dates: pairs of one season are compared, and all of them heard together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from camwatch.detect import LandcoverParams, detect_landcover
from camwatch.detect._common import answer, coverage
from camwatch.detect._land_breaks import LEAST_DATES
from camwatch.detect._land_cover import LEAST_PX
from camwatch.detect._land_few import Told, followed, of_season, standing, window_of_shape
from camwatch.detect._land_gather import gathered
from camwatch.imagery import Image, pair_geobox
from camwatch.pipeline.landcover import framed, land_grid, within
from camwatch.pipeline.landstack import link_of, load, site_of
from camwatch.pipeline.pair import REGISTERED_PX
from camwatch.rasters import mask_of
from camwatch.scenes import item as scene

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pystac
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from camwatch.aoi import Aoi, Site
    from camwatch.findings import Finding, Findings
    from camwatch.pipeline.search import Progress
    from camwatch.pipeline.stack import Stack
    from camwatch.registration import Registration

MOST = 0.5
"""Share of a patch that a later date must show changed to confirm it."""


def compare(stack: Stack, used: Sequence[pystac.Item], aoi: Aoi, progress: Progress) -> tuple[Findings, tuple[Image, Image], Registration]:
    """Compare each date with those of its season in earlier years, and hear all pairs together."""
    pairs = [(early, later) for number, later in enumerate(used) for early in of_season(used[:number], later, scene.acquired)]
    bands = tuple(name for name in scene.band_names(stack.reference) if all(name in scene.band_names(item) for item in used))
    margin_m = max(stack.config.margin_m, REGISTERED_PX / 2 * scene.gsd_m(stack.reference))
    grid = land_grid(pair_geobox(stack.reference, stack.reference, aoi.camp.geometry, margin_m=margin_m))
    found = []
    for number, pair in enumerate(pairs):
        progress("comparing land cover", number, len(pairs))
        before, after = (load(stack, item, grid, bands) for item in pair)
        found.append(detect_landcover(before, after, framed(site_of(aoi, grid, pair), grid)))
    ends = load(stack, used[0], grid, bands), load(stack, used[-1], grid, bands)
    site = site_of(aoi, grid, (used[0], used[-1]))
    told = within(_together(found, ends, framed(site, grid), len(used)), site)
    alone = sum(record.measures["confirmed"] == "no" for record in told.records)
    if alone:
        rest = f"{alone} of {len(told.records)} patches rest on one date alone: a field left bare for a year looks like cleared ground"
        told = replace(told, reason=f"{told.reason} {rest}.")
    return told, ends, link_of(stack, used)


def _together(found: Sequence[Findings], ends: tuple[Image, Image], site: Site, dates: int) -> Findings:
    """Return the findings of several pairs on one grid as those of one series, as far as the pairs bear one another out."""
    first, last = ends
    searched = [f for f in found if f.status == "searched"]
    few = f"{dates} dates, too few to follow pixels through the seasons (that takes {LEAST_DATES})"
    score = np.full(first.geobox.shape, np.nan, np.float32)
    for one in searched:
        score = np.fmax(score, np.asarray(one.score))
    if not searched:
        why = f"{few}, and no two of them can be compared: {found[0].reason}" if found else f"{few}, and no two of them are of one season."
        return answer("landcover", first, last, site, reason=why, records=(), observed=(0.0, 0.0), score=score, testable=False)
    told = [Told.of(one) for one in searched]
    broken, again = standing(told)
    unseen = ~followed(told)
    unseen[broken.row, broken.col] = False
    score[unseen] = np.nan
    records = gathered(broken, first.geobox, max(LEAST_PX, round(LandcoverParams().least_area_m2 / first.pixel_m**2)))
    records = tuple(_confirmed(record, again, first.geobox) for record in records)
    reason = f"{few}: {len(searched)} pairs of one season were compared, and what a longer one denies is left out."
    seen = coverage(site.area, first.geobox, np.isfinite(score))
    return answer("landcover", first, last, site, reason=reason, records=records, observed=seen, score=score)


def _confirmed(record: Finding, again: NDArray[np.bool_], grid: GeoBox) -> Finding:
    """Return a patch that says whether most of it is changed at a later date as well."""
    rows, cols = window_of_shape(record.geometry, grid)
    inside = mask_of(record.geometry, grid[rows, cols])
    shown = bool(again[rows, cols][inside].mean() > MOST) if inside.any() else False
    return replace(record, measures={**record.measures, "confirmed": "yes" if shown else "no"})
