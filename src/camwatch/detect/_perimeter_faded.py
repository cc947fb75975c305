"""Whether the line of one date is still there at the other: where it is not, it may have moved out of the band, and no growth is claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d, uniform_filter1d
from scipy.spatial import cKDTree
from shapely import distance, linestrings, points

from camwatch.detect._line import MARGIN_M, TURNS, evidence
from camwatch.detect._strip import NODE, ring_strip
from camwatch.detect._trace import GATHER_M, Band, Trace, processing_step

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.detect._strip import Strip
    from camwatch.imagery.image import Image

ASIDE_M = 12.0
"""Two paths farther apart than this are not one line."""
REACH_M = 6.0
"""How far aside of a path its evidence at the other date is looked for."""
STRETCH_M = 200.0
"""Length over which a line is compared, at most 0.3 of it: twice the longest stretch that grows over or lies in shade."""
SLANT = 2
"""Steps of direction by which the line may turn between the dates."""


def kept_share(images: tuple[Image, Image], traces: tuple[Trace, Trace], bands: tuple[Band, Band], *, one_outline: bool) -> float:
    """Return how much of a line's evidence is left at the other date, on the stretch where least is.

    Parameters
    ----------
    images, traces, bands
        Each of the date of the line and of the other date.
    one_outline : bool
        Whether both dates were searched around the same outline: then no prior says that the line moved, and what is seen elsewhere may be a track.

    Returns
    -------
    float
        Of the evidence that the line has at its own date along STRETCH_M, the share that is found at the same place at the other date and that the
        line of the other date follows; 1 is the same. Where a line runs outside the band of the other date it counts as kept: there the priors say
        that it moved. Where the line of the other date, searched around an outline of its own, runs elsewhere within the bands, what is seen of it
        there counts: it has moved if it is as well seen.
    """
    step = processing_step(images[0])
    strip, other = (_strip_of(trace, step) for trace in traces)
    places, course = strip.axis[::NODE], other.axis[::NODE]
    (here, seen), (there, also) = (_along(*evidence(image, strip), strip.step_m) for image in images)
    elsewhere, _ = _along(*evidence(images[1], other), other.step_m)
    away, nearest = cKDTree(course).query(places)
    told = _outside(bands[1], places) | ((away > ASIDE_M) & _outside(bands[0], course[nearest]))
    left = np.where(told, here, np.where(away > ASIDE_M, 0.0 if one_outline else np.minimum(here, elsewhere[nearest]), there))
    # A cloud hides, it does not remove; where it hides a whole stretch nothing is known to be left of it.
    here, left = (np.where(seen & also, values, 0.0) for values in (here, left))
    spacing = NODE * strip.step_m
    window = max(round(min(STRETCH_M, 0.3 * len(places) * spacing) / spacing), 1)
    before, now = (uniform_filter1d(values, window, mode="wrap") for values in (here, left))
    return float((now / np.maximum(before, 0.05)).min())


def _strip_of(trace: Trace, step: float) -> Strip:
    ring = np.asarray(trace.polygon.exterior.coords, np.float64)[:-1]
    return ring_strip(ring if trace.polygon.exterior.is_ccw else ring[::-1], REACH_M + MARGIN_M, step)


def _outside(band: Band, places: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which places (k, 2) a band does not reach."""
    outline = linestrings(np.vstack([band.ring, band.ring[:1]]))
    return np.asarray(distance(outline, points(places)) > band.half_m)


def _along(energy: NDArray[np.float16], observed: NDArray[np.bool_], step_m: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the best evidence of a line along a strip at each node, averaged as that of a path is, and where the strip's middle is observed."""
    best = energy[:, :, TURNS - SLANT : TURNS + SLANT + 1].max(axis=(1, 2)).astype(np.float64)
    return gaussian_filter1d(best, 0.5 * GATHER_M / (NODE * step_m), mode="wrap"), observed[:, observed.shape[1] // 2]
