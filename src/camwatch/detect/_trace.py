"""The enclosing line of one date: its course in the band, how well it is seen, where another line rivals with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d, uniform_filter1d
from scipy.spatial import cKDTree
from shapely.geometry import LineString, Polygon
from shapely.geometry.polygon import orient

from camwatch.detect._course_graph import closed_path
from camwatch.detect._course_lattice import part_of
from camwatch.detect._course_line import bridged, settled
from camwatch.detect._course_ring import resample, runs
from camwatch.detect._course_search import Course, rough_course
from camwatch.detect._perimeter_errors import Doubt, errors_of, gap_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.detect._course_ground import Ground
    from camwatch.detect._course_lattice import Lattice
    from camwatch.detect._perimeter_band import Band
    from camwatch.detect._perimeter_params import PerimeterParams

OWN = 0.35
"""Likeness, so averaged, from which on a stretch has evidence of its own; below it is bridged."""
FADED_M = 450.0
"""Stretch of which some part must be seen, at most 0.3 of the line: where next to nothing is, the line has left what was searched."""
FADED_SHARE = 0.15
"""The stretch in a longer line, where an outline that was placed tells its course."""
ASIDE_M, RIVAL_M = 12.0, 45.0
"""How far aside another line must run, and for how long, to count as a rival."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A traced line.

    Attributes
    ----------
    polygon : Polygon
    area_se_m2, length_m, length_se_m, sigma_m : float
    shared_m2 : float
        The part of the area's standard error that comes of what is taken for the line.
    evidence : float
        Mean likeness along the line where it is observed, 0..1.
    inferred, ambiguous : float
        Shares of the length that were bridged, or have a rival.
    left_out_m : float
        Longest stretch of the outline that lies farther from the line than the band is wide: a bay or a wedge whose mouth the path crossed.
    faintest : float
        Of the stretch that is seen least, the share that has evidence of its own.
    doubts : tuple of Doubt
    ring : (k, 2) float64
    like : (k,) float64
        Likeness along the ring, averaged over the ground's `gather_m`.
    lattice : Lattice
        What was looked at.
    """

    polygon: Polygon
    area_se_m2: float
    shared_m2: float
    length_m: float
    length_se_m: float
    sigma_m: float
    evidence: float
    inferred: float
    ambiguous: float
    left_out_m: float
    faintest: float
    doubts: tuple[Doubt, ...]
    ring: NDArray[np.float64]
    like: NDArray[np.float64]
    lattice: Lattice


def trace_line(ground: Ground, band: Band, params: PerimeterParams) -> Trace | None:
    """Find the line of one date, first roughly around its prior and then closely; None where there is no way around."""
    rough = rough_course(ground, orient(Polygon(band.ring)), band.half_m)
    if rough is None:
        return None
    step = 2.0 * ground.cell_m
    ring, like, seen, scatter = settled(ground, rough.ring, step)
    level = gaussian_filter1d(like, 0.5 * ground.gather_m / step, mode="wrap")
    own = (level >= OWN) & seen
    ring = bridged(ring, own, band.ring, band.half_m)
    rivals = _rivals(rough, step, ground.gather_m)
    whole = Polygon(ring).buffer(0)  # a ring that crosses itself falls into parts
    polygon: Polygon = max(getattr(whole, "geoms", [whole]), key=lambda p: p.area)
    length = float(polygon.exterior.length)
    gaps = [gap_of(ring, run, band.sought_m) for run in runs(~own)]
    errors = errors_of(ground.image, ring, gaps, rivals, scatter, length=length, params=params)
    return Trace(
        polygon,
        errors.area_se_m2,
        errors.shared_m2,
        length,
        errors.length_se_m,
        errors.sigma_m,
        float(level[seen].mean()) if seen.any() else 0.0,
        errors.inferred,
        min(sum(rival.line.length for rival in rivals) / length, 1.0),
        _left_out(ring, band),
        _faintest(own, length, share=FADED_SHARE if band.drawn is not None else 0.0),
        (*gaps, *rivals),
        ring,
        np.where(seen, level, np.nan),
        rough.lattice,
    )


def _rivals(rough: Course, step_m: float, gather_m: float) -> list[Doubt]:
    """Return the stretches where another line, 12 m or more aside, is nearly as well seen for RIVAL_M on end: a road, most often."""
    ours = resample(rough.ring, step_m)
    away = cKDTree(ours).query(rough.lattice.point)[0]
    rest = part_of(rough.lattice, away > ASIDE_M)
    other = closed_path(rest, rough.inside, ours)
    if other is None:
        return []
    theirs = rest.point[other.node]
    gap = float(np.hypot(*(np.roll(theirs, -1, axis=0) - theirs).T).mean())
    sigma = 0.5 * gather_m / gap
    mine = gaussian_filter1d(rough.support, sigma, mode="wrap")
    aside, nearest = cKDTree(rough.ring).query(theirs)
    found = []
    for run in runs(gaussian_filter1d(other.support, sigma, mode="wrap") >= np.maximum(OWN, 0.85 * mine[nearest])):
        if len(run) * gap < RIVAL_M:
            continue
        at = np.r_[run[0] - 1, run, run[-1] + 1] % len(theirs)
        line = LineString(theirs[at])
        count = int(nearest[at[-1]] - nearest[at[0]]) % len(rough.ring)
        beside = rough.ring[(nearest[at[0]] + np.arange(count + 1)) % len(rough.ring)]
        beside_m = float(np.hypot(*np.diff(beside, axis=0).T).sum())
        # Either of the two: half of the difference is its standard error. Where they cross, the lobes do not cancel.
        apart = float(aside[run].mean())
        between = max(Polygon(np.vstack([theirs[at], beside[::-1]])).buffer(0).area, apart * len(run) * gap)
        found.append(Doubt(line, apart / 2, between / 2, max(abs(line.length - beside_m), apart) / 2))
    return found


def _left_out(ring: NDArray[np.float64], band: Band) -> float:
    """Return the length of the longest stretch of a band's outline that lies farther from a ring than the band is wide."""
    step = float(np.hypot(*(ring[1] - ring[0])))
    away = cKDTree(ring).query(resample(band.ring, step))[0]
    return max((len(run) * step for run in runs(away > band.half_m + step)), default=0.0)


def _faintest(own: NDArray[np.bool_], length_m: float, share: float) -> float:
    """Return the share with evidence of its own of that stretch of a closed line which has least; the stretch is at least `share` of it."""
    window = max(round(len(own) * min(max(FADED_M / length_m, share), 0.3)), 1)
    return float(uniform_filter1d(own.astype(np.float64), window, mode="wrap").min())
