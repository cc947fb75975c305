"""Land cover of an aligned pair: looked at as a whole, in each date's own radiometry, on pixels no finer than fields need."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from shapely.geometry import box

from camwatch.aoi import LONLAT, reproject
from camwatch.detect import coverage, detect_landcover
from camwatch.imagery import pair_geobox
from camwatch.pipeline.landpower import clearings_found
from camwatch.pipeline.merge import LEAST_CONTROL_KM2
from camwatch.pipeline.pair import REGISTERED_PX, coarser

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox
    from shapely.geometry.base import BaseGeometry

    from camwatch.aoi import Site
    from camwatch.findings import Finding, Findings
    from camwatch.imagery import Image
    from camwatch.pipeline.pair import Alignment
    from camwatch.sensitivity import Sensitivity

PIXEL_M = 10.0
"""Finer scenes are averaged to pixels of this size: fields, pits and clearings are larger, roofs and shadows smaller."""
LONGEST_PX = 2048
"""Longest side of the grid; all of it is held at once, since what did not change anywhere tells what change is."""
LEAST_MARGIN_M = 150.0
"""Ground around the site that is looked at, however fine the pixels are."""
CONTROL = "ground outside the outline, in the same pair; real change there counts too, so the density is an upper bound"
"""What the ground is in which the false alarms are counted."""
LEAST_SHARE = 0.5
"""Share of the mapping unit that a patch must keep inside the outline to be reported."""


def search_land(alignment: Alignment, site: Site) -> Findings:
    """Search a pair for changes of land cover, on as much ground as registration is given: a small site has too few pixels to tell noise."""
    ground = reproject(site.area, alignment.geobox.crs, LONLAT)
    grid = land_grid(pair_geobox(alignment.before, alignment.after, ground, margin_m=max(LEAST_MARGIN_M, REGISTERED_PX / 2 * alignment.gsd_m)))
    return within(detect_landcover(*_images(alignment, grid), framed(site, grid)), site)


def measure_land(alignment: Alignment, site: Site, found: Findings, *, seed: int) -> Sensitivity | None:
    """Return which clearings that search would have found, and what it reports outside the site; None where nothing can be planted."""
    grid = found.geobox
    measured = clearings_found(*_images(alignment, grid), framed(site, grid), found, seed=seed)
    if measured is None or found.false_alarms_per_km2 is None:
        return measured
    km2 = coverage(_outside(site, grid), grid, np.isfinite(np.asarray(found.score)))[1]
    return replace(measured, false_alarms=round(found.false_alarms_per_km2 * km2), control_km2=km2, control=CONTROL)


def _images(alignment: Alignment, grid: GeoBox) -> tuple[Image, Image]:
    return alignment.earlier.load(grid), alignment.later.registered(grid, alignment.registration)


def framed(site: Site, grid: GeoBox) -> Site:
    """Return the site as large as a grid."""
    return replace(site, area=box(*grid.extent.boundingbox))


def within(found: Findings, site: Site) -> Findings:
    """Return what the findings of a whole frame say of the site.

    What is reported outside is counted as false alarms: an upper bound, since real change counts there too.
    """
    grid = found.geobox
    seen = np.isfinite(np.asarray(found.score))
    share, km2 = coverage(site.area, grid, seen)
    outside = _outside(site, grid)
    control_km2 = coverage(outside, grid, seen)[1]
    density = None
    if found.status == "searched" and control_km2 >= LEAST_CONTROL_KM2:
        density = sum(r.change != "altered" and outside.contains(r.geometry.centroid) for r in found.records) / control_km2
    return replace(found, records=clipped(found.records, site.area), observed_share=share, searched_km2=km2, false_alarms_per_km2=density)


def _outside(site: Site, grid: GeoBox) -> BaseGeometry:
    """Return the ground that a grid shows beyond the site."""
    return box(*grid.extent.boundingbox).difference(site.area.buffer(site.perimeter_accuracy_m))


def land_grid(ground: GeoBox) -> GeoBox:
    """Return the grid on which land cover is told: some ground, on pixels of 10 m and more, and not more of them than :data:`LONGEST_PX` a side."""
    pixel_m = float(abs(ground.affine.determinant)) ** 0.5
    longest = max(ground.shape) * pixel_m / PIXEL_M if pixel_m < PIXEL_M else max(ground.shape)
    return coarser(ground, min(max(round(longest), 1), LONGEST_PX))


def clipped(records: tuple[Finding, ...], area: BaseGeometry) -> tuple[Finding, ...]:
    """Return what of the patches lies in `area`; what loses more than half of itself and lies at the edge is left to the ground outside."""
    kept = []
    for record in records:
        inside = record.geometry.intersection(area)
        if inside.area > LEAST_SHARE * record.area_m2 or record.geometry.centroid.within(area):
            kept.append(replace(record, geometry=inside, area_m2=inside.area))
    return tuple(kept)
