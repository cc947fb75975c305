"""The enclosing line of one date: its band, its course, how well it is seen, and the standard errors of its area and length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d, uniform_filter1d
from scipy.spatial import cKDTree
from shapely.geometry import LineString, Polygon
from shapely.geometry.polygon import orient

from camwatch.detect._course_graph import closed_path, part_of
from camwatch.detect._course_line import CORNER_M, bridged, settled, turning
from camwatch.detect._course_ring import resample, runs
from camwatch.detect._course_search import Course, rough_course

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from camwatch.detect._course_graph import Lattice
    from camwatch.detect._course_ground import Ground
    from camwatch.imagery.image import Image

BESIDE_M = 5.0
"""What a band has beyond the accuracy of its outline."""
GATHER_M = 25.0
"""Length over which what is seen along a line is averaged."""
OWN = 0.35
"""Likeness, so averaged, from which on a stretch has evidence of its own; below it is bridged."""
FADED_M = 450.0
"""Stretch of which some part must be seen, at most 0.3 of the line: where next to nothing is, the line has left what was searched."""
ASIDE_M, RIVAL_M = 12.0, 45.0
"""How far aside another line must run, and for how long, to count as a rival."""


@dataclass(frozen=True, slots=True)
class PerimeterParams:
    """What :func:`detect_perimeter` may be told.

    Attributes
    ----------
    max_gsd_m : float
        Coarsest sensor that is searched; a cleared strip is 4 to 8 m wide.
    registration_px : float
        Standard error of the image's local registration and of digitising, in pixels of the coarser of sensor and grid.
    definition_m : float
        Standard error of which part of wall, strip and shadow is taken for the line. A strip cleared on one side only moves the whole line by up to
        half its width, so that this error is one for the whole ring.
    definition_shared : float
        Correlation of that error between the two dates, where both lines were traced.
    correlation_m : float
        Length along the line over which its lateral error keeps its sign.
    common_px, bridged_px : float
        Standard error of what displaces the whole line inward or outward alike, in pixels of the coarser of sensor and grid: blur, the lit side, and
        chords across what is bridged, which grow with the inferred share.
    detour : float
        Standard error of the length of what is bridged, as a share of it: corners cut, and ways along something else. Alike in all of it.
    band_share : float
        Half width of the band at most this share of the prior's inradius.
    min_evidence, min_evidence_wide : float
        Smallest mean likeness along the line; the latter where the band is wider than `wide_m` to either side.
    max_inferred_share : float
        Largest share of the length that may be bridged without evidence of its own.
    min_seen_share_one, min_seen_share_wide : float
        Of every stretch of 450 m, how much must have evidence of its own where one outline serves both dates, and in a wide band.
    wide_m : float
        In a wider band so much ground is searched that something else may be seen as well as the line.
    min_kept_share : float
        Of the evidence of each date's line along 200 m, how much must be left at the other date where both were searched; less is a line that
        moved, and it may have moved out of the band.
    min_kept_share_one : float
        The same where both dates were searched around one outline, so that no prior tells of a change.
    min_observed_share : float
        Smallest share of each prior's ring that must have valid pixels.
    """

    max_gsd_m: float = 3.0
    registration_px: float = 0.3
    correlation_m: float = 50.0
    definition_m: float = 1.2
    definition_shared: float = 0.9
    common_px: float = 0.3
    bridged_px: float = 2.5
    detour: float = 0.03
    band_share: float = 0.35
    min_evidence: float = 0.36
    min_evidence_wide: float = 0.75
    max_inferred_share: float = 0.5
    min_seen_share_one: float = 0.1
    min_seen_share_wide: float = 0.6
    wide_m: float = 35.0
    min_kept_share: float = 0.2
    min_kept_share_one: float = 0.3
    min_observed_share: float = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """The ring (k, 2) to search around, counter-clockwise, how far on either side, and the share of it that has valid pixels."""

    ring: NDArray[np.float64]
    half_m: float
    observed: float

    @property
    def shape(self) -> BaseGeometry:
        return Polygon(self.ring).exterior.buffer(self.half_m)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A stretch that may run elsewhere, bridged without evidence or beside a rival: where, how far aside, what that does to area and length."""

    line: LineString
    aside_m: float
    area_se_m2: float
    length_se_m: float


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
        Likeness along the ring, averaged over GATHER_M.
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


def band_of(image: Image, prior: BaseGeometry | None, accuracy_m: float, params: PerimeterParams) -> Band | None:
    """Return the band around the largest polygon of a prior, None without one."""
    parts = [p for p in getattr(prior, "geoms", [prior]) if isinstance(p, Polygon) and not p.is_empty]
    if not parts:
        return None
    polygon = orient(max(parts, key=lambda p: p.area))
    ring = np.asarray(polygon.exterior.coords, np.float64)[:-1, :2]
    half = min(max(accuracy_m + BESIDE_M, 15.0), params.band_share * _inradius(polygon))
    rows, cols = image.valid.shape
    col, row = (np.floor(each).astype(int) for each in ~image.geobox.affine * tuple(resample(ring, 4 * image.pixel_m).T))
    within = (row >= 0) & (row < rows) & (col >= 0) & (col < cols)
    seen = within & image.valid[np.clip(row, 0, rows - 1), np.clip(col, 0, cols - 1)]
    return Band(ring, half, float(seen.mean()))


def _inradius(polygon: Polygon) -> float:
    """Radius of the largest inscribed circle, to 1 %."""
    low, high = 0.0, float(np.sqrt(polygon.area / np.pi))
    while high - low > 0.01 * high:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if polygon.buffer(-middle).is_empty else (middle, high)
    return low


def trace_line(ground: Ground, band: Band, params: PerimeterParams) -> Trace | None:
    """Find the line of one date, first roughly around its prior and then closely; None where there is no way around."""
    rough = rough_course(ground, orient(Polygon(band.ring)), band.half_m)
    if rough is None:
        return None
    step = 2.0 * ground.cell_m
    ring, like, seen, scatter = settled(ground, rough.ring, step)
    level = gaussian_filter1d(like, 0.5 * GATHER_M / step, mode="wrap")
    own = (level >= OWN) & seen
    ring = bridged(ring, own, band.ring, band.half_m)
    rivals = _rivals(rough, step)
    return _measure(ground.image, ring, own, band, params, scatter=scatter, rivals=rivals, like=np.where(seen, level, np.nan), rough=rough)


def _rivals(rough: Course, step_m: float) -> list[Doubt]:
    """Return the stretches where another line, 12 m or more aside, is nearly as well seen for RIVAL_M on end: a road, most often."""
    ours = resample(rough.ring, step_m)
    away = cKDTree(ours).query(rough.lattice.point)[0]
    rest = part_of(rough.lattice, away > ASIDE_M)
    other = closed_path(rest, rough.inside, ours)
    if other is None:
        return []
    theirs = rest.point[other.node]
    gap = float(np.hypot(*(np.roll(theirs, -1, axis=0) - theirs).T).mean())
    sigma = 0.5 * GATHER_M / gap
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


def _measure(
    image: Image,
    ring: NDArray[np.float64],
    own: NDArray[np.bool_],
    band: Band,
    params: PerimeterParams,
    *,
    scatter: float,
    rivals: list[Doubt],
    like: NDArray[np.float64],
    rough: Course,
) -> Trace:
    """Turn the ring into a polygon with the standard errors of its area and length."""
    whole = Polygon(ring).buffer(0)  # a ring that crosses itself falls into parts
    polygon: Polygon = max(getattr(whole, "geoms", [whole]), key=lambda p: p.area)
    pixel = max(image.pixel_m, image.gsd_m)
    sigma = float(np.sqrt(pixel**2 / 12 + scatter**2 + (params.registration_px * pixel) ** 2))
    gaps = [_gap(ring, run, band.half_m) for run in runs(~own)]
    doubts = (*gaps, *rivals)
    length = float(polygon.exterior.length)
    bridged = sum(gap.line.length for gap in gaps)
    inferred = min(bridged / length, 1.0)
    area_var = sigma**2 * params.correlation_m * max(length - bridged, params.correlation_m)
    area_var += (pixel * (params.common_px + params.bridged_px * inferred) * length) ** 2
    shared = params.definition_m * length
    area_var += shared**2 + sum(doubt.area_se_m2**2 for doubt in doubts)
    # First variation of the length: a lateral error times the turning of its stretch.
    length_var = sigma**2 * float((turning(ring, params.correlation_m) ** 2).sum()) + sum(doubt.length_se_m**2 for doubt in doubts)
    length_var += (2 * np.pi * params.definition_m) ** 2 + (params.detour * inferred * length) ** 2
    # Rounding acts alike on all corners, so that their errors add up.
    length_var += float((0.5 * 2 * CORNER_M * (1 - np.cos(0.5 * turning(ring, 2 * CORNER_M)))).sum()) ** 2
    return Trace(
        polygon,
        float(np.sqrt(area_var)),
        shared,
        length,
        float(np.sqrt(length_var)),
        float(np.hypot(sigma, params.definition_m)),
        float(np.nanmean(like)) if np.isfinite(like).any() else 0.0,
        inferred,
        min(sum(r.line.length for r in rivals) / length, 1.0),
        _left_out(ring, band),
        _faintest(own, length),
        doubts,
        ring,
        like,
        rough.lattice,
    )


def _left_out(ring: NDArray[np.float64], band: Band) -> float:
    """Return the length of the longest stretch of a band's outline that lies farther from a ring than the band is wide."""
    step = float(np.hypot(*(ring[1] - ring[0])))
    away = cKDTree(ring).query(resample(band.ring, step))[0]
    return max((len(run) * step for run in runs(away > band.half_m + step)), default=0.0)


def _faintest(own: NDArray[np.bool_], length_m: float) -> float:
    """Return the share with evidence of its own of that stretch of a closed line which has least."""
    window = max(round(len(own) * min(FADED_M / length_m, 0.3)), 1)
    return float(uniform_filter1d(own.astype(np.float64), window, mode="wrap").min())


def _gap(ring: NDArray[np.float64], run: NDArray[np.intp], half_m: float) -> Doubt:
    """Doubt about a bridged stretch: a bow that encloses half its rectangle, or the corner that it cuts where the line turns between its ends."""
    count = len(ring)
    line = LineString(ring[np.r_[run, run[-1] + 1] % count])
    length = line.length
    aside = min(half_m, length / 2) / float(np.sqrt(3))
    into = ring[run[0]] - ring[(run[0] - 5) % count]
    out = ring[(run[-1] + 6) % count] - ring[(run[-1] + 1) % count]
    turn = min(abs(float(np.arctan2(into[0] * out[1] - into[1] * out[0], into @ out))), 2.4)  # beyond, the two sides would meet far away
    legs, triangle = length * (1 / np.cos(turn / 2) - 1), 0.25 * length**2 * np.tan(turn / 2)
    return Doubt(line, aside, float(np.hypot(0.5 * length * aside, triangle / 2)), float(np.hypot(2 * aside**2 / length, legs / 2)))
