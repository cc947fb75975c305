"""Which pixels IR-MAD is fitted on: a sample of what both dates show, without what lies at the limits of a sensor."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from camwatch.errors import PairError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Plane = NDArray[np.float32]
    Mask = NDArray[np.bool_]
    Array = NDArray[np.float64]

CHUNK_PIXELS = 1 << 15
"""Pixels that are worked on at once; a few bands of them fit into a processor's cache."""
CLIPPED = 0.01, 0.5
"""Shares of pixels between which the least or the largest value of a band is a limit of the sensor or a fill, and no measurement."""
GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


def check(before: Plane, after: Plane, valid: Mask) -> None:
    """Raise a PairError unless two dates (band, y, x) and what is valid (y, x) are of one grid."""
    one_grid = before.ndim == after.ndim == 3 and before.shape[1:] == after.shape[1:] == valid.shape
    if not one_grid or not len(before) or not len(after) or valid.dtype != np.bool_:
        raise PairError(
            "before, after and valid do not belong together",
            got=f"{before.shape}, {after.shape} and {valid.dtype} {valid.shape}",
            expected="(band, y, x) twice and bool (y, x) of one size",
        )


def parts(size: int, most: int) -> Iterator[slice]:
    """Yield slices of at most `most` that cover `size`."""
    for start in range(0, size, most):
        yield slice(start, min(start + most, size))


def row_parts(shape: tuple[int, ...]) -> Iterator[slice]:
    """Yield the rows of blocks of about :data:`CHUNK_PIXELS`."""
    return parts(shape[-2], max(CHUNK_PIXELS // max(shape[-1], 1), 1))


def usable_of(before: Plane, after: Plane, valid: Mask) -> Mask:
    """Return which valid pixels are finite in every band of both dates."""
    usable = valid.copy()
    for rows in row_parts(valid.shape):
        for date in (before, after):
            usable[rows] &= np.isfinite(date[:, rows]).all(axis=0)
    return usable


def sample(before: Plane, after: Plane, usable: Mask, most: int) -> Array:
    """Return (band of before and after, pixel) values of at most `most` usable pixels.

    One pixel of each run of `stride` is taken. Its place in the run follows the multiples of the golden ratio, so that neither columns nor detectors
    of a sensor fall into step with the sample.
    """
    per_row = np.count_nonzero(usable, axis=1)
    total = int(per_row.sum())
    stride = max(-(-total // most), 1)
    run = np.arange(total // stride)
    ranks = stride * run + (stride * (run * GOLDEN % 1.0)).astype(np.int64)
    out = np.empty((len(before) + len(after), len(ranks)))
    before_row = np.concatenate([[0], np.cumsum(per_row)])
    for rows in row_parts(usable.shape):
        first = int(before_row[rows.start])
        part = slice(*np.searchsorted(ranks, [first, before_row[rows.stop]]))
        at = np.flatnonzero(usable[rows])[ranks[part] - first]
        for date, place in ((before, out[: len(before)]), (after, out[len(before) :])):
            place[:, part] = date[:, rows].reshape(len(date), -1)[:, at]
    return out


def measured_of(pixels: Array) -> Mask:
    """Return which of (band, pixel) `pixels` hold values off the limits of every band: what is saturated or filled at both dates has no noise."""
    measured = np.ones(pixels.shape[1], bool)
    for band in pixels if pixels.size else ():
        for limit in (band.min(), band.max()):
            at_limit = band == limit
            # One pixel must be the least, whatever its value.
            if CLIPPED[0] < (np.count_nonzero(at_limit) - 1) / len(band) < CLIPPED[1]:
                measured &= ~at_limit
    return measured
