"""Few dates: what pairs of dates say, held against one another, so that ground which came back, and what a later date denies, is not reported."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from camwatch.detect._land_broken import Broken
from camwatch.detect._land_cover import CLASSES, SEASON_DAYS, YEAR_DAYS, season_gap_days
from camwatch.rasters import mask_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox
    from shapely.geometry.base import BaseGeometry

    from camwatch.findings import Findings

    Mask = NDArray[np.bool_]
    Plane = NDArray[np.float32]

Dated = TypeVar("Dated")
OTHER_YEAR_DAYS = 300
"""Days from which on two dates of one season are of different years: within one season crops grow."""
DENIED = 0.9
"""Probability of change under which a pair that encloses the time of a change denies it."""
OPEN = ("cleared", "built_or_bare")
"""Classes that stand for one state: ground that was cleared may be built on by the next date."""


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What one pair says of each pixel.

    Attributes
    ----------
    since, until : int
        Proleptic Gregorian ordinals of its dates.
    code : (y, x) uint8
        Place in `CLASSES` of :mod:`camwatch.detect._land_cover`, counted from 1; 0 where it reports nothing.
    score, ndvi_before, ndvi_after : (y, x) float32
        Probability of change, NaN where it cannot tell; measures of the patch.
    """

    since: int
    until: int
    code: NDArray[np.uint8]
    score: Plane
    ndvi_before: Plane
    ndvi_after: Plane

    @classmethod
    def of(cls, findings: Findings) -> Told:
        """Return what the findings of a pair say."""
        score = np.asarray(findings.score)
        code, before, after = np.zeros(score.shape, np.uint8), np.full(score.shape, np.nan, np.float32), np.full(score.shape, np.nan, np.float32)
        for record in findings.records:
            rows, cols = window_of_shape(record.geometry, findings.geobox)
            inside = mask_of(record.geometry, findings.geobox[rows, cols])
            code[rows, cols][inside] = CLASSES.index(str(record.measures["class"])) + 1
            before[rows, cols][inside] = record.measures.get("ndvi_before", np.nan)
            after[rows, cols][inside] = record.measures.get("ndvi_after", np.nan)
        since, until = (time.date().toordinal() for time in findings.acquired)
        return cls(since, until, code, score, before, after)

    def denies(self) -> Mask:
        """Return where the pair shows that nothing changed between its dates."""
        return np.asarray((self.code == 0) & (self.score < DENIED))

    def in_season(self, other: Told) -> bool:
        """Whether another pair is of the same season: bare fields in March deny nothing that was seen in July."""
        return season_gap_days(dt.date.fromordinal(self.since), dt.date.fromordinal(other.since)) <= SEASON_DAYS

    def encloses(self, other: Told) -> bool:
        """Whether all days between the dates of another pair lie between those of this one."""
        return self.since <= other.since and other.until <= self.until

    def overlaps(self, other: Told) -> bool:
        """Whether both tell of some day."""
        return self.since < other.until and other.since < self.until


def of_season(earlier: Sequence[Dated], later: Dated, when: Callable[[Dated], dt.datetime]) -> list[Dated]:
    """Return what `later` is compared with: of the latest earlier year and of the first that has its season, the date nearest in season.

    Parameters
    ----------
    earlier : sequence
        Whatever has a date, rising.
    later
        Of the same.
    when : callable
        Gives the date.
    """
    season = [one for one in earlier if (when(later) - when(one)).days >= OTHER_YEAR_DAYS and season_gap_days(when(one), when(later)) <= SEASON_DAYS]
    by_year: dict[int, list[Dated]] = {}
    for one in season:
        by_year.setdefault(round((when(later) - when(one)).days / YEAR_DAYS), []).append(one)
    ends = sorted({min(by_year), max(by_year)}) if by_year else []
    return [min(by_year[age], key=lambda one: season_gap_days(when(one), when(later))) for age in ends]


def window_of_shape(shape: BaseGeometry, geobox: GeoBox) -> tuple[slice, slice]:
    """Return the rows and columns of a grid that hold a shape in its CRS, as far as it lies on the grid."""
    left, bottom, right, top = shape.bounds
    corners = [~geobox.affine @ corner for corner in ((left, top), (right, bottom))]
    (c0, c1), (r0, r1) = (sorted(values) for values in zip(*corners, strict=True))
    height, width = geobox.shape
    return slice(max(int(r0), 0), min(int(r1) + 1, height)), slice(max(int(c0), 0), min(int(c1) + 1, width))


def standing(told: Sequence[Told]) -> tuple[Broken, Mask]:
    """Return the changes that stand when all pairs are heard, and which pixels (y, x) a later date of the season shows as well.

    A change that a pair reports stands where no pair of its season that encloses its days denies it. Of changes whose days overlap the one with the
    fewest days is kept, and its days are narrowed by pairs that begin or end between them.

    Parameters
    ----------
    told : sequence of Told
        On one grid.
    """
    by_length = sorted(told, key=lambda t: (t.until - t.since, t.until))
    kept: list[tuple[Told, Mask]] = []
    confirmed = np.zeros(told[0].code.shape, bool)
    parts = []
    for one in by_length:
        stands = one.code > 0
        for other in told:
            if other is not one and other.encloses(one) and other.in_season(one):
                stands &= ~other.denies()
        for other, taken in kept:
            if one.overlaps(other):
                stands &= ~taken
        kept.append((one, stands))
        for other in told:
            if other.since <= one.since and other.until > one.until and other.in_season(one):
                confirmed |= stands & _same(one.code, other.code)
        parts.append(_breaks(one, told, stands))
    return Broken.joined(parts), confirmed


def _same(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> Mask:
    """Return where two pairs tell of one state; what neither named is taken for it."""
    group = np.array([0, *(CLASSES.index(OPEN[0]) + 1 if name in OPEN else number for number, name in enumerate(CLASSES, 1))])
    unnamed = CLASSES.index("other") + 1
    return np.asarray((other > 0) & ((group[one] == group[other]) | (one == unnamed) | (other == unnamed)))


def _breaks(one: Told, told: Sequence[Told], stands: Mask) -> Broken:
    """Return the changes of a pair where they stand, with the days between which they lie."""
    row, col = np.nonzero(stands)
    without, first = np.full(len(row), one.since), np.full(len(row), one.until)
    for other in (pair for pair in told if pair.in_season(one)):
        still = other.denies()[row, col]
        if other.since <= one.since < other.until < one.until:
            without[still] = np.maximum(without[still], other.until)
        if one.since < other.since < one.until <= other.until:
            first[still] = np.minimum(first[still], other.since)
    apart = without >= first  # pairs that narrow from both ends past one another disagree
    without[apart], first[apart] = one.since, one.until
    return Broken(row, col, without, first, one.code[row, col], one.score[row, col], one.ndvi_before[row, col], one.ndvi_after[row, col])


def followed(told: Sequence[Told]) -> Mask:
    """Return the pixels (y, x) of which some pair tells for every day of which any pair tells."""
    days = sorted({day for one in told for day in (one.since, one.until)})
    whole = np.ones(told[0].code.shape, bool)
    for start, stop in pairwise(days):
        spanning = [np.isfinite(one.score) for one in told if one.since <= start and stop <= one.until]
        if spanning:
            whole &= np.logical_or.reduce(spanning)
    return whole
