"""Which parts of a pair are searched to measure its sensitivity: one where objects are planted, and some where nothing is claimed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from shapely import boundary, box, union_all

from camwatch.rasters import mask_of
from camwatch.sensitivity.places import GAP_M

if TYPE_CHECKING:
    from collections.abc import Iterator

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

CONTROLS: dict[Kind, int] = {"structure": 1, "tower": 16}
"""Most windows in which false alarms are counted. One shows 400 m of a line at half a metre, and a line is searched quickly; that nothing was
imagined along so little of it leaves many false alarms possible along the whole."""

LEAST_CONTROL = 0.1
"""Share of the ground of the first window that another one must add."""

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
    return next(_windows(geobox, site.area if kind == "structure" else lines_of(site).buffer(GAP_M[kind]), usable, 1), None)


def control_windows(geobox: GeoBox, site: Site, kind: Kind, usable: NDArray[np.bool_] | None = None) -> tuple[GeoBox, ...]:
    """Return the parts of a grid, at most 800 pixels a side, where false alarms are counted, the one that shows most first; they may overlap.

    None at all where the grid shows only the site. Parameters as for :func:`planting_window`.
    """
    elsewhere, ground = control_site(site, kind, frame_of(geobox))
    wanted = ground if kind == "structure" else boundary(elsewhere.area).buffer(CONTROL_ACCURACY_M)
    return tuple(_windows(geobox, wanted, usable, CONTROLS[kind]))


def frame_of(geobox: GeoBox) -> BaseGeometry:
    """Return the ground that a grid covers."""
    return box(*geobox.extent.boundingbox)


def _windows(geobox: GeoBox, wanted: BaseGeometry, usable: NDArray[np.bool_] | None, most: int) -> Iterator[GeoBox]:
    """Yield the part that holds most of the usable ground in `wanted`, the first of equals; then that which holds most of what is left, and so on."""
    factor = -(-max(geobox.shape) // CHOICE_PX)
    small = geobox.zoom_out(factor) if factor > 1 else geobox
    wished = mask_of(wanted, small)
    if usable is not None:
        seen = usable[factor // 2 :: factor, factor // 2 :: factor]
        height, width = (min(a, b) for a, b in zip(wished.shape, seen.shape, strict=True))
        wished[:height, :width] &= seen[:height, :width]
    rows, cols = (min(n, WINDOW_PX // factor) for n in wished.shape)
    first = 0
    for _ in range(most):
        count, top, left = _fullest(wished, rows, cols)
        first = first or count
        if count == 0 or count < LEAST_CONTROL * first:
            return
        wished[top : top + rows, left : left + cols] = False
        row, col = top * factor, left * factor
        yield geobox[row : min(row + WINDOW_PX, geobox.shape[0]), col : min(col + WINDOW_PX, geobox.shape[1])]


def _fullest(wished: NDArray[np.bool_], rows: int, cols: int) -> tuple[int, int, int]:
    """Return how many pixels the window of so many rows and columns holds that holds most, and its first row and column."""
    table = np.pad(wished.cumsum(axis=0, dtype=np.int64).cumsum(axis=1), ((1, 0), (1, 0)))
    best = (-1, 0, 0)
    for top in _starts(wished.shape[0], rows):
        for left in _starts(wished.shape[1], cols):
            count = int(table[top + rows, left + cols] - table[top, left + cols] - table[top + rows, left] + table[top, left])
            best = max(best, (count, top, left), key=lambda candidate: candidate[0])
    return best


def _starts(length: int, side: int) -> list[int]:
    """Return window starts an eighth of a window apart, the last at the end."""
    return sorted({*range(0, length - side, max(side // 8, 1)), length - side})
