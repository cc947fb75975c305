"""What the ground became where the course of a pixel broke."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camwatch.detect._land_course import terms
from camwatch.detect._land_cover import BARE, CLASSES, VEGETATED, cover_of, ratio, tells_cover

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.detect._land_breaks import Breaks

YEARS = 3.0
"""Years on either side of a break from which the state of the ground is told."""

ENOUGH = 3
"""Dates that must show a state."""


def state_after(
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
