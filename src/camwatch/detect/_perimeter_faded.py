"""Whether the line of one date is still there at the other: where it is not, it may have moved out of what was searched, and no growth is claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d, uniform_filter1d
from scipy.spatial import cKDTree
from shapely import distance, linestrings, points

from camwatch.detect._course_line import headings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.detect._course_ground import Ground
    from camwatch.detect._perimeter_band import Band
    from camwatch.detect._trace import Trace

ASIDE_M = 12.0
"""Two lines farther apart than this are not one."""
STRETCH_M = 200.0
"""Length over which a line is compared, at most 0.3 of it: twice the longest stretch that grows over or lies in shade."""


STRETCH_SHARE = 0.05
"""The stretch in a longer line, where each date has an outline of its own."""


def kept_share(traces: tuple[Trace, Trace], ground: Ground, bands: tuple[Band, Band], *, one_outline: bool) -> float:
    """Return how much of what is seen of a line is left at the other date, on the stretch where least is.

    Parameters
    ----------
    traces, bands
        Each of the date of the line and of the other date.
    ground : Ground
        Of the other date.
    one_outline : bool
        Whether both dates were searched around the same outline: then no prior says that the line moved.

    Returns
    -------
    float
        Of the likeness that the line has at its own date along STRETCH_M, the share that is found at the same place at the other date and that the
        line of the other date follows; 1 is the same. Where a line runs outside the band of the other date it counts as kept: there the priors say
        that it moved. Where the line of the other date, sought around an outline of its own, runs elsewhere, what is seen of it
        there counts: it has moved if it is as well seen.
    """
    trace, other = traces
    step = float(np.hypot(*(trace.ring[1] - trace.ring[0])))
    heading, _ = headings(trace.ring)
    there, _, _ = ground.along(trace.ring, heading)
    level = gaussian_filter1d(there.astype(np.float64), 0.5 * ground.gather_m / step, mode="wrap")
    away, nearest = cKDTree(other.ring).query(trace.ring)
    told = _outside(bands[1], trace.ring) | ((away > ASIDE_M) & _outside(bands[0], other.ring[nearest]))
    moved = away > ASIDE_M
    elsewhere = 0.0 if one_outline else np.minimum(trace.like, other.like[nearest])
    left = np.where(told, trace.like, np.where(moved, elsewhere, np.minimum(np.fmax(level, other.like[nearest]), trace.like)))
    # A cloud hides, it does not remove; where it hides a whole stretch nothing is known to be left of it.
    seen = np.isfinite(trace.like) & np.isfinite(other.like[nearest])
    here, left = (np.where(seen, values, 0.0) for values in (trace.like, left))
    length = len(here) * step
    stretch = STRETCH_M if drawn_once(bands) else max(STRETCH_M, STRETCH_SHARE * length)
    window = max(round(min(stretch, 0.3 * length) / step), 1)
    before, now = (uniform_filter1d(values, window, mode="wrap") for values in (here, left))
    return float((now / np.maximum(before, 0.05)).min())


def drawn_once(bands: tuple[Band, Band]) -> bool:
    """Return whether the outlines of both dates are the same drawing."""
    first, second = (band.ring if band.drawn is None else band.drawn for band in bands)
    return np.array_equal(first, second)


def _outside(band: Band, places: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which places (k, 2) a band does not reach."""
    outline = linestrings(np.vstack([band.ring, band.ring[:1]]))
    return np.asarray(distance(outline, points(places)) > band.half_m)
