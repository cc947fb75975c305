"""Pixels that lie side by side and broke together, gathered into polygons."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from camwatch.detect._land_broken import Broken
from camwatch.detect._land_cover import CHANGES, CLASSES
from camwatch.findings import Finding
from camwatch.rasters import polygons_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

TOGETHER_DAYS = 120
"""Neighbours that break so near in time changed together: two clear dates can lie so far apart in a cloudy summer."""


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
