"""When a pixel's series breaks: a harmonic course learnt date by date, all pixels of a tile at once, in time linear in the dates.

The course of each band is level, trend and two harmonics of the year, fitted by recursive least squares with a weak prior, so that it has a
prediction and a variance from the first date on [1]_. Where six clear observations in a row each lie beyond what 99 % of the noise about the
prediction would explain, all bands together, the series breaks, and a new course begins; single observations far off are cloud, and not learnt [2]_.
The break is dated by the first observation from which on the later course is nearer than the earlier one.

References
----------
.. [1] S. Ye, J. Rogan, Z. Zhu & J. R. Eastman, "A near-real-time approach for monitoring forest disturbance using Landsat time series: stochastic
   continuous change detection", RSE 252, 2021, doi:10.1016/j.rse.2020.112167
.. [2] Z. Zhu et al., "Continuous monitoring of land disturbance based on Landsat time series", RSE 238, 2020, doi:10.1016/j.rse.2019.03.009
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import chi2

from camwatch.detect._land_course import PRIOR_SD, YEAR_DAYS, Course, terms
from camwatch.detect._land_noise import scaled_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]
    Index = NDArray[np.intp]
    Values = NDArray[np.float32]

IN_A_ROW = 6
"""Observations that must differ one after the other."""
BEYOND, FAR_BEYOND = 0.99, 0.99999
"""Share of the noise that an observation must lie beyond to differ, and to be taken for cloud when the next ones do not; as in [2]_."""
LEARNT, LEARNT_YEARS = 12, 1.0
"""Observations after which a course is sure enough to call one cloud, and years, to call six a break: it must have seen every season."""
LEAST_DATES, LEAST_YEARS = 18, 2.0
"""Observations, and years from the first to the last, below which a pixel's seasons are not known, and nothing is said of it."""
CLEAR_SHARE, CLEAR_A_YEAR = 0.25, 4.0
"""Least share of the dates that must be clear, below which masks cannot be trusted either [2]_, and least clear dates a year."""


@dataclass(frozen=True, slots=True, eq=False)
class Breaks:
    """Breaks of the pixels of a tile, sorted by pixel and date; all arrays (break,) but where said.

    Attributes
    ----------
    pixel : int
    start, first, stop : int
        Indices of dates: the course before holds for `start:first`, the one after for `first:stop`. `first` is the first date that differs.
    without : int
        Index of the last clear date before it.
    probability : float, 0..1
        Share of the noise that each of the first six observations lies beyond.
    before, after : (term, band, break) float64
        Coefficients of both courses in the units of the values; see :func:`terms`.
    """

    pixel: Index
    start: Index
    first: Index
    stop: Index
    without: Index
    probability: Array
    before: Array
    after: Array


def find_breaks(days: Array, values: Values, valid: Mask, *, floor: float) -> tuple[Breaks, Values]:
    """Return the breaks of every pixel, and how sure the surest in each is.

    Parameters
    ----------
    days : (date,) float64
        Rising.
    values : (date, band, pixel) float32
    valid : (date, pixel) bool
        Clear: no cloud, no snow, no shadow.
    floor : float
        Least standard deviation of the noise, in the units of the values.

    Returns
    -------
    Breaks
    (pixel,) float32, 0..1
        Largest probability among the breaks, 0 without one; NaN where the observations are too few to say.
    """
    count = valid.sum(axis=0)
    spans = _span_years(days, valid)
    told = (count >= LEAST_DATES) & (spans >= LEAST_YEARS) & (count >= CLEAR_SHARE * len(days)) & (count >= CLEAR_A_YEAR * spans)
    number = np.flatnonzero(told)
    chance = np.full(values.shape[2], np.nan, np.float32)
    chance[number] = 0.0
    if not number.size:
        return _none(values.shape[1]), chance
    clear = valid[:, number]
    x = terms(days)
    scaled, centre, noise, spikes = scaled_of(days, values[:, :, number], clear, x, floor)
    found = _followed(x, scaled, clear, spikes)
    if not found.pixel.size:
        return found, chance
    before, after = (part * noise[:, found.pixel] for part in (found.before, found.after))
    for part in (before, after):
        part[0] += centre[:, found.pixel]
    np.maximum.at(chance, number[found.pixel], found.probability.astype(np.float32))
    return Breaks(number[found.pixel], found.start, found.first, found.stop, found.without, found.probability, before, after), chance


def _span_years(days: Array, valid: Mask) -> Array:
    seen = np.where(valid, days[:, None], np.nan)
    some = valid.any(axis=0)
    spans = np.zeros(valid.shape[1])
    spans[some] = np.nanmax(seen[:, some], axis=0) - np.nanmin(seen[:, some], axis=0)
    return spans / YEAR_DAYS


def _followed(x: Array, scaled: Values, clear: Mask, spikes: Mask) -> Breaks:
    """Return the breaks of series of unit noise (date, band, pixel) about 0, where `clear` (date, pixel); each pixel goes by its own clear dates.

    What `spikes` mark is not learnt while the first course of a pixel is too young to know cloud by itself; after a break ground may be restless.
    """
    dates, bands, _ = scaled.shape
    order = np.argsort(~clear, axis=0, kind="stable")  # the clear dates of each pixel first, in their order
    count = clear.sum(axis=0)
    differs, far = (float(chi2.ppf(share, bands)) for share in (BEYOND, FAR_BEYOND))
    course = Course.new(bands, order[0])
    told: list[tuple[Index, Index, Index, Index, Array, Array]] = []  # pixel, start, first, place of `first` in `order`, probability, course before
    every = np.arange(clear.shape[1])
    for step in range(int(count.max())):
        date, active = order[step], count > step
        here, seen = x[date].T, scaled[date, :, every].T.astype(np.float64)
        distance, gain, off = course.look(here, seen)
        known = (course.learnt >= LEARNT) & (x[date, 1] - x[course.start, 1] >= LEARNT_YEARS)
        at = np.flatnonzero(active & known & (distance > differs) & (count >= step + IN_A_ROW))
        nearest = distance[at]
        for ahead in range(1, IN_A_ROW if at.size else 0):
            later = order[step + ahead, at]
            nearest = np.minimum(nearest, course.distance(at, x[later].T, scaled[later, :, at].T.astype(np.float64)))
            at, nearest = at[nearest > differs], nearest[nearest > differs]
        if at.size:
            told.append((at, course.start[at], date[at], np.full(at.size, step), chi2.cdf(nearest, bands), course.coefficients[:, :, at]))
            course.forget(at, date[at])
            distance, gain, off = course.look(here, seen)
        cloud = np.where(course.learnt >= LEARNT, distance > far, spikes[date, every] & (course.start == order[0]))
        course.learn(active & ~cloud, gain, off)
    if not told:
        return _none(bands)
    pixel, start, first, place, sure = (np.concatenate([row[part] for row in told]) for part in range(5))
    before = np.concatenate([row[5] for row in told], axis=2)
    sort = np.lexsort((first, pixel))
    pixel, start, first, place, sure, before = pixel[sort], start[sort], first[sort], place[sort], sure[sort], before[:, :, sort]
    again = np.append(pixel[1:] == pixel[:-1], False)  # whether another break of the same pixel follows
    after = np.where(again, np.roll(before, -1, axis=2), course.coefficients[:, :, pixel])
    place -= _earlier(x, scaled, order, pixel, place, before, after)
    first, last = order[place, pixel], order[place - 1, pixel]
    stop = np.where(again, np.append(first[1:], dates), dates)
    return Breaks(pixel, start, first, stop, last, sure, before, after)


def _earlier(x: Array, scaled: Values, order: Index, pixel: Index, place: Index, before: Array, after: Array) -> Index:  # noqa: PLR0917 - one break each
    """Return how many observations before the first of six that all differ were nearer to the later course already."""
    moved, going = np.zeros_like(place), np.ones(len(place), bool)
    for back in range(1, IN_A_ROW):
        date = order[place - back, pixel]
        seen = scaled[date, :, pixel].T
        off = [((seen - np.einsum("pbm,mp->bm", part, x[date])) ** 2).sum(axis=0) for part in (before, after)]
        going &= off[1] < off[0]
        moved += going
    return moved


def _none(bands: int) -> Breaks:
    empty, level = np.zeros(0, np.intp), np.zeros((len(PRIOR_SD), bands, 0))
    return Breaks(empty, empty, empty, empty, empty, np.zeros(0), level, level)
