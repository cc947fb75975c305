"""Which parts of a pair are searched to measure its sensitivity: one where objects are planted, one where nothing is claimed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from shapely import boundary, box, union_all

from camwatch.rasters import mask_of
from camwatch.sensitivity.places import GAP_M

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox
    from shapely.geometry.base import BaseGeometry

    from camwatch.aoi import Site
    from camwatch.sensitivity.places import Kind

WINDOW_PX = 800
"""Largest side of the windows that are searched."""

CHOICE_PX = 2400
"""Longest side of the reduced grid on which windows are chosen."""

CONTROL_LINE_M = 60.0
"""How far outside the camp the line runs along which towers are searched as a control."""

CONTROL_ACCURACY_M = 10.0
"""Accuracy given for that line, so that the band around it stays clear of the real one."""


def lines_of(site: Site) -> BaseGeometry:
    """Return the enclosing lines of both dates and former ones, the outline of the area where there are none."""
    rings = [boundary(p) for p in (site.perimeter_after, site.perimeter_before, *site.former) if p is not None and not p.is_empty]
    return union_all(rings or [boundary(site.area)])


def control_site(site: Site, kind: Kind, frame: BaseGeometry) -> tuple[Site, BaseGeometry]:
    """Return where nothing is claimed: the site to search instead, and the ground in `frame` in which its reports count."""
    everything = union_all([g for g in (site.area, site.perimeter_before, site.perimeter_after) if g is not None])
    if kind == "structure":
        ground = frame.difference(everything.buffer(min(site.perimeter_accuracy_m, CONTROL_LINE_M)))
        return replace(site, area=ground, perimeter_before=None, perimeter_after=None, sub_areas={}), ground
    everything = union_all([everything, *site.former])
    ring = everything.buffer(CONTROL_LINE_M)
    accuracy = min(site.perimeter_accuracy_m, CONTROL_ACCURACY_M)
    elsewhere = replace(site, area=ring, perimeter_before=ring, perimeter_after=ring, perimeter_accuracy_m=accuracy, sub_areas={}, former=())
    return elsewhere, frame.difference(everything.buffer(CONTROL_LINE_M / 2))


def planting_window(geobox: GeoBox, site: Site, kind: Kind, usable: NDArray[np.bool_] | None = None) -> GeoBox | None:
    """Return the part of a grid, at most 800 pixels a side, where objects are planted; None where it shows nothing of the site.

    Parameters
    ----------
    geobox : GeoBox of shape (y, x)
    site : Site
        In the CRS of the grid.
    kind : {"structure", "tower"}
    usable : (y, x) bool, optional
        Pixels that are usable at both dates; all without it.
    """
    return _window(geobox, site.area if kind == "structure" else lines_of(site).buffer(GAP_M[kind]), usable)


def control_window(geobox: GeoBox, site: Site, kind: Kind, usable: NDArray[np.bool_] | None = None) -> GeoBox | None:
    """Return the part of a grid, at most 800 pixels a side, where false alarms are counted; None where it shows only the site. See above."""
    elsewhere, ground = control_site(site, kind, frame_of(geobox))
    return _window(geobox, ground if kind == "structure" else boundary(elsewhere.area).buffer(CONTROL_ACCURACY_M), usable)


def frame_of(geobox: GeoBox) -> BaseGeometry:
    """Return the ground that a grid covers."""
    return box(*geobox.extent.boundingbox)


def _window(geobox: GeoBox, wanted: BaseGeometry, usable: NDArray[np.bool_] | None) -> GeoBox | None:
    """Return the part that holds most of the usable ground in `wanted`; the first of equals."""
    factor = -(-max(geobox.shape) // CHOICE_PX)
    small = geobox.zoom_out(factor) if factor > 1 else geobox
    wished = mask_of(wanted, small)
    if usable is not None:
        seen = usable[factor // 2 :: factor, factor // 2 :: factor]
        height, width = (min(a, b) for a, b in zip(wished.shape, seen.shape, strict=True))
        wished[:height, :width] &= seen[:height, :width]
    if not wished.any():
        return None
    rows, cols = (min(n, WINDOW_PX // factor) for n in wished.shape)
    table = np.pad(wished.cumsum(axis=0, dtype=np.int64).cumsum(axis=1), ((1, 0), (1, 0)))
    best = (-1, 0, 0)
    for top in _starts(wished.shape[0], rows):
        for left in _starts(wished.shape[1], cols):
            count = int(table[top + rows, left + cols] - table[top, left + cols] - table[top + rows, left] + table[top, left])
            best = max(best, (count, top, left), key=lambda candidate: candidate[0])
    top, left = best[1] * factor, best[2] * factor
    part: GeoBox = geobox[top : min(top + WINDOW_PX, geobox.shape[0]), left : min(left + WINDOW_PX, geobox.shape[1])]
    return part


def _starts(length: int, side: int) -> list[int]:
    """Return window starts an eighth of a window apart, the last at the end."""
    return sorted({*range(0, length - side, max(side // 8, 1)), length - side})
