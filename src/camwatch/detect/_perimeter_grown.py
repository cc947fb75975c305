"""Growth beyond one old outline: where the line of the later date runs if that of the earlier was enlarged, and whether that is sure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter
from scipy.spatial import cKDTree
from shapely.geometry import Polygon
from shapely.geometry.polygon import orient

from camwatch.detect._course_gain import gain_of
from camwatch.detect._course_line import headings
from camwatch.detect._course_outgrown import LEAST, WELL, field_of
from camwatch.detect._course_profile import MOVES
from camwatch.detect._course_ring import runs
from camwatch.detect._trace import OWN, Trace, trace_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.detect._course_gain import Gain
    from camwatch.detect._course_ground import Ground
    from camwatch.detect._course_lattice import Lattice
    from camwatch.detect._perimeter_band import Band
    from camwatch.detect._perimeter_params import PerimeterParams

KEPT_M = 80.0
"""Length along the old line over which what is left of it is averaged."""
REACH = 2.6
"""The later line is sought so many mean radii of the old outline outside it."""
MOST_PLACES = 600_000
"""No more ground than that is searched."""
STEP_M = (6.0, 9.95)
"""Steps of the lattice at which the limits here were chosen: sensors of 2 to 6.6 m."""
BAND_M = 30.0
"""Half width of the band around a region's outline."""
NEW_M = 20.0
"""Farther than this from the old line a line is new."""
SAME = 0.04
"""Two lines between which less of the area lies are one answer."""
NEARLY = 0.1
"""By how much less of a line may be seen along one of them."""
UNTOLD = 0.008
"""Standard error of the area, as a share of it, for want of an outline that tells of bays and corners."""
ROUNDS, RESTS = 3, 0.005
"""A line is traced again around itself at most so often, and until no more of its area changes."""


@dataclass(frozen=True, slots=True, eq=False)
class Grown:
    """A line of the later date.

    Attributes
    ----------
    band : Band
    trace : Trace
    gain : float
        How much of a new line is seen along what is new of it: 0 is the median of the ground, 1 what the best hundredth of it shows.
    gap_m : float
        Longest new stretch along which less than 0.6 of that is seen.
    """

    band: Band
    trace: Trace
    gain: float
    gap_m: float


def grown(grounds: tuple[Ground, Ground], band: Band, old: Trace, params: PerimeterParams) -> tuple[Grown, float] | None:
    """Return the line to which an old one was enlarged, if there may be one, and by how much more of it is seen than of any other.

    Parameters
    ----------
    grounds : (Ground, Ground)
        Of the earlier and the later date.
    band : Band
        Of the old outline.
    old : Trace
        The line of the earlier date.
    params : PerimeterParams

    Notes
    -----
    Regions under pressure (:mod:`camwatch.detect._course_region`) propose outlines. Each is the prior of the later date: the line is traced in a band
    around it until it rests. The one along whose new stretches most is seen is then pressed in and out, and what gives way is traced too. What counts
    is the mean along the new stretches, not the sum: a long way round through ground that looks a little like a line everywhere does not win by its
    length, nor a short cut by its shortness. The standard error of the area grows by how far the outlines that count as the same answer differ.
    """
    reach = REACH * float(np.sqrt(old.polygon.area / np.pi))
    looked = _looked(grounds, old, reach)
    if looked is None:
        return None
    gain = gain_of(*looked)
    field = field_of(gain, looked[1], old.ring, _kept(grounds[1], old), reach)
    found: list[Grown] = []
    around = replace(band, half_m=BAND_M, sought_m=reach, drawn=band.ring, looked=looked[1], grown=True)
    for outline in field.regions():
        _add(found, _rested(grounds[1], around, outline, params), gain, old)
    if not found:
        return None
    for outline in field.pressed(max(found, key=lambda one: one.gain).trace.ring):
        _add(found, _rested(grounds[1], around, outline, params), gain, old)
    return _chosen(found)


def _chosen(found: list[Grown]) -> tuple[Grown, float]:
    """Return the best of the lines that count as the answer, and by how much more of a new line is seen along it than along any other."""
    most = max(found, key=lambda one: one.gain)
    same = [one for one in found if _apart(one.trace, most.trace) <= SAME and one.gain >= most.gain - NEARLY]
    rest = [one.gain for one in found if _apart(one.trace, most.trace) > SAME]
    best = max(same, key=lambda one: one.trace.evidence)
    spread = max(abs(one.trace.polygon.area - best.trace.polygon.area) for one in same) / 2
    untold = float(np.hypot(spread, UNTOLD * best.trace.polygon.area))
    trace = replace(best.trace, area_se_m2=float(np.hypot(best.trace.area_se_m2, untold)))
    return replace(best, trace=trace), most.gain - max(rest, default=0.0)


def _looked(grounds: tuple[Ground, Ground], old: Trace, reach_m: float) -> tuple[Lattice, Lattice] | None:
    """Return what is seen around the old line at both dates; None where that is too much ground, or the dates have no lattice in common."""
    scene = grounds[0].image.geobox.extent.geom
    region = old.polygon.buffer(reach_m).intersection(scene)
    step = 3 * grounds[1].cell_m
    if grounds[0].cell_m != grounds[1].cell_m or not STEP_M[0] <= step <= STEP_M[1] or region.area > MOST_PLACES * step**2:
        return None
    before, after = (ground.lattice(region) for ground in grounds)
    return before, after


def _kept(ground: Ground, old: Trace) -> NDArray[np.bool_]:
    """Return where along the old line it is still seen."""
    sigma = 0.5 * KEPT_M / float(np.hypot(*(old.ring[1] - old.ring[0])))
    there = gaussian_filter1d(ground.along(old.ring, headings(old.ring)[0])[0].astype(np.float64), sigma, mode="wrap")
    here = gaussian_filter1d(np.nan_to_num(old.like), sigma, mode="wrap")
    return np.asarray((there >= OWN) & (there >= WELL * here), np.bool_)


def _rested(ground: Ground, around: Band, outline: Polygon, params: PerimeterParams) -> tuple[Band, Trace] | None:
    """Return the line traced around an outline, around which it is traced again until it rests; None where there is no way around."""
    found = None
    ring = np.asarray(outline.exterior.coords, np.float64)[:-1]
    for _ in range(ROUNDS):
        band = replace(around, ring=ring)
        trace = trace_line(ground, band, params)
        if trace is None:
            return None
        found = band, trace
        if _between(Polygon(ring).buffer(0), trace.polygon) < RESTS * trace.polygon.area:
            break
        smooth = trace.polygon.simplify(1.0)
        assert isinstance(smooth, Polygon)
        ring = np.asarray(orient(smooth).exterior.coords, np.float64)[:-1]
    return found


def _add(found: list[Grown], traced: tuple[Band, Trace] | None, gain: Gain, old: Trace) -> None:
    """Add a traced line to those that were found if it is none of them and larger than the old one."""
    if traced is None or traced[1].polygon.area < (1 + LEAST) * old.polygon.area:
        return
    band, trace = traced
    if all(_apart(one.trace, trace) >= 2 * RESTS for one in found):
        found.append(Grown(band, trace, *_seen(gain, trace, old)))


def _seen(gain: Gain, trace: Trace, old: Trace) -> tuple[float, float]:
    """Return how much of a new line is seen along what is new of a line, and the longest stretch of that along which little is."""
    ring = trace.ring
    new = cKDTree(old.ring).query(ring)[0] > NEW_M
    if not new.any():
        return 0.0, 0.0
    way = np.array([np.arctan2(-row, col) for row, col in MOVES])
    apart = np.abs(np.angle(np.exp(2j * (headings(ring)[0][:, None] - way)))) / 2
    best = np.maximum(gain.planes, np.maximum(np.roll(gain.planes, 1, axis=0), np.roll(gain.planes, -1, axis=0)))
    best = maximum_filter(best, (1, 3, 3))
    row, col = gain.at(ring)
    ground = gain.planes.max(axis=0)[gain.known]
    low, high = np.quantile(ground, (0.5, 0.99))
    level = (best[apart.argmin(axis=1), row, col] - low) / (high - low)
    step = float(np.hypot(*(ring[1] - ring[0])))
    return float(level[new].mean()), max((len(run) * step for run in runs(new & (level < 0.6))), default=0.0)


def _between(one: Polygon, other: Polygon) -> float:
    return float(one.symmetric_difference(other).area)


def _apart(one: Trace, other: Trace) -> float:
    """Return the share of the area that lies between two lines."""
    return _between(one.polygon, other.polygon) / float(other.polygon.area)
