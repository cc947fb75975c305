"""The enclosing line of one date: its band, its path, its grade against control ground, its refined ring and standard errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d, uniform_filter1d
from shapely.geometry import LineString, Polygon
from shapely.geometry.polygon import orient

from camwatch.detect._line import MARGIN_M, Path, cheapest_path, evidence, path_points, snap
from camwatch.detect._strip import NODE, Strip, keep_shape, resample, right_of, ring_strip, runs, sample, smooth, straight_strip, straighten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox
    from shapely.geometry.base import BaseGeometry

    from camwatch.imagery.image import Image

GATHER_M = 25.0
"""Length over which evidence along a path is averaged before it is called its own."""
MIN_EVIDENCE = 0.2
"""Evidence below this is none, however empty the control ground."""
FADED_M = 450.0
"""Stretch of which some part must be seen, at most 0.3 of the line: where next to nothing is, the line has left the band."""
RIVAL_M = 45.0
"""Shortest stretch on which another line counts as a rival."""
CORNER_M = 12.0
"""Within this distance of a corner the line is taken from the stretches beside it."""
STIFFNESS = 3.0
"""Price of turning in the final line, in metres per metre of ground sample distance."""


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
    band_share : float
        Half width of the band at most this share of the prior's inradius.
    min_support : float
        By how many standard deviations of the control strips the traced line's mean evidence must exceed theirs.
    max_inferred_share : float
        Largest share of the length that may be bridged without evidence of its own.
    min_seen_share : float
        Of every stretch of 450 m, how much must have evidence of its own.
    min_kept_share : float
        Of the evidence of each date's line along 200 m, how much must be left at the other date where both were searched; less is a line that
        moved, and it may have moved out of the band.
    min_kept_share_one : float
        The same where both dates were searched around one outline, so that no prior tells of a change.
    min_observed_share : float
        Smallest share of each prior's ring that must have valid pixels.
    controls : int
        Number of control strips.
    seed : int
        Places the control strips.
    """

    max_gsd_m: float = 3.0
    registration_px: float = 0.3
    correlation_m: float = 50.0
    definition_m: float = 1.2
    definition_shared: float = 0.9
    common_px: float = 0.3
    bridged_px: float = 2.5
    band_share: float = 0.35
    min_support: float = 2.0
    max_inferred_share: float = 0.5
    min_seen_share: float = 0.2
    min_kept_share: float = 0.35
    min_kept_share_one: float = 0.6
    min_observed_share: float = 0.5
    controls: int = 8
    seed: int = 0


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


@dataclass(frozen=True, slots=True)
class Grade:
    """Mean evidence along a traced line, 0..1, and by how many standard deviations it exceeds that of control strips."""

    evidence: float
    support: float


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A traced line: its polygon, standard errors, evidence, bridged stretches, the seen share of its faintest stretch, and the band's evidence.

    `shared_m2` is the part of the area's standard error that comes of what is taken for the line.
    """

    polygon: Polygon
    area_se_m2: float
    shared_m2: float
    length_m: float
    length_se_m: float
    sigma_m: float
    inferred: float
    ambiguous: float
    faintest: float
    grade: Grade
    doubts: tuple[Doubt, ...]
    strip: Strip
    field: NDArray[np.float16]


def processing_step(image: Image) -> float:
    """Processing pixel in metres."""
    return max(image.pixel_m, 1.0)


def band_of(image: Image, prior: BaseGeometry | None, accuracy_m: float, params: PerimeterParams) -> Band | None:
    """Return the band around the largest polygon of a prior, None without one."""
    parts = [p for p in getattr(prior, "geoms", [prior]) if isinstance(p, Polygon) and not p.is_empty]
    if not parts:
        return None
    polygon = orient(max(parts, key=lambda p: p.area))
    ring = np.asarray(polygon.exterior.coords, np.float64)[:-1, :2]
    half = min(max(accuracy_m + 5.0, 15.0), params.band_share * _inradius(polygon))
    places = resample(ring, max(4.0 * processing_step(image), 4.0))
    seen = [sample(image, places[k : k + 256, None, :], processing_step(image))[1] for k in range(0, len(places), 256)]
    return Band(ring, half, float(np.concatenate(seen).mean()))


def _inradius(polygon: Polygon) -> float:
    """Radius of the largest inscribed circle, to 1 %."""
    low, high = 0.0, float(np.sqrt(polygon.area / np.pi))
    while high - low > 0.01 * high:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if polygon.buffer(-middle).is_empty else (middle, high)
    return low


def _control_strips(image: Image, band: Band, bands: Sequence[Band], params: PerimeterParams) -> list[Strip]:
    """Place straight strips of the band's width on valid ground of this image that no band touches; shorter ones where there is little room."""
    rng = np.random.default_rng(params.seed)
    near = Polygon(band.ring).buffer(8 * band.half_m + 200)
    frame = _frame(image.geobox).intersection(near)
    taken = bands[0].shape.union(bands[1].shape)
    west, south, east, north = frame.bounds
    strips: list[Strip] = []
    for share in (1.0, 0.6, 0.35):
        length = share * max(5 * band.half_m, 150.0)
        for _ in range(120):
            start = np.array([rng.uniform(west, east), rng.uniform(south, north)])
            strip = straight_strip(start, rng.uniform(0, 2 * np.pi), length, band.half_m + MARGIN_M, processing_step(image))
            ground = Polygon(strip.points(np.array([0, len(strip.axis) - 1]))[:, [0, -1]].reshape(4, 2)[[0, 1, 3, 2]])
            if not frame.contains(ground) or taken.intersects(ground):
                continue
            sparse = strip.points(np.arange(0, len(strip.axis), NODE))[:, ::NODE]
            if sample(image, sparse, processing_step(image))[1].mean() > 0.9:
                strips.append(strip)
            if len(strips) == params.controls:
                return strips
    return strips


def _frame(geobox: GeoBox) -> Polygon:
    rows, cols = geobox.shape
    return Polygon([geobox.affine * corner for corner in ((0, 0), (cols, 0), (cols, rows), (0, rows))])


def trace_line(image: Image, band: Band, bands: Sequence[Band], params: PerimeterParams) -> Trace:
    """Find the line of one date, first in the whole band and then close to the path, and grade it against control ground."""
    step = processing_step(image)
    wide = ring_strip(band.ring, band.half_m + MARGIN_M, step)
    energy, _ = evidence(image, wide)
    rough = cheapest_path(wide, energy)
    # The axis of the wide strip cuts corners; around the path itself a narrow one follows them.
    strip = ring_strip(smooth(path_points(wide, rough, energy.shape[1]), 0.8), min(band.half_m, 12.0 + 6 * step) + MARGIN_M, step)
    close, observed = evidence(image, strip)
    path = cheapest_path(strip, close, centre=0.0)
    sigma = 0.5 * GATHER_M / (NODE * strip.step_m)
    means, local = [], [np.array([MIN_EVIDENCE])]
    for control in _control_strips(image, band, bands, params):
        found = cheapest_path(control, evidence(image, control)[0]).support
        means.append(float(found.mean()))
        local.append(gaussian_filter1d(found, sigma, mode="nearest"))
    # A fifth of what the best paths of control ground collect passes for evidence; robust, because a control strip may happen to lie along a road.
    limit = max(float(np.quantile(np.concatenate(local), 0.8)), MIN_EVIDENCE)
    seen = observed[np.arange(len(path.column)), path.column]
    own = (gaussian_filter1d(path.support, sigma, mode="wrap") >= limit) & seen
    grade = _grade(float(path.support[seen].mean()) if seen.any() else 0.0, means)
    rivals = _rivals(wide, energy, rough, limit)
    return _measure(image, path_points(strip, path, close.shape[1]), own, band, params, grade=grade, rivals=rivals, field=(wide, energy.max(axis=2)))


def _grade(mean: float, controls: list[float]) -> Grade:
    """Compare the mean evidence along a line with that of the best paths of control strips: median and median deviation, the latter at least 0.05."""
    if not controls:
        return Grade(mean, -np.inf)
    middle = float(np.median(controls))
    spread = 1.4826 * float(np.median(np.abs(np.array(controls) - middle)))
    return Grade(mean, (mean - middle) / max(spread, 0.05))


def _rivals(strip: Strip, energy: NDArray[np.float16], path: Path, limit: float) -> list[Doubt]:
    """Return the stretches where another line, 12 m or more from the path, is nearly as well supported for RIVAL_M on end: a road, most often."""
    nodes, columns = energy.shape[:2]
    away = np.abs(np.arange(columns)[None, :] - path.column[:, None]) * strip.step_m
    other = cheapest_path(strip, np.where((away < 12.0)[..., None], np.float16(0), energy))
    sigma = 0.5 * GATHER_M / (NODE * strip.step_m)
    ours, theirs = (gaussian_filter1d(p.support, sigma, mode="wrap") for p in (path, other))
    here, there = path_points(strip, path, columns), path_points(strip, other, columns)
    found = []
    for run in runs(theirs >= np.maximum(limit, 0.85 * ours)):
        if len(run) * NODE * strip.step_m < RIVAL_M:
            continue
        at = np.r_[run[0] - 1, run, run[-1] + 1] % nodes
        loop = np.vstack([here[at], there[at][::-1]])
        lengths = [float(np.hypot(*np.diff(side, axis=0).T).sum()) for side in (here[at], there[at])]
        # Either of the two: half of the difference is its standard error.
        between = float((np.abs(other.column - path.column)[run] * strip.step_m).mean())
        area = between * float(lengths[0])
        found.append(Doubt(LineString(loop), between / 2, area / 2, abs(lengths[1] - lengths[0]) / 2))
    return found


def _middle(image: Image, ring: NDArray[np.float64], reach_m: float, along_m: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far outward of a ring the line lies, and how clearly it is seen (0..1).

    A wall stands between its sunlit strip and its shadow, on whichever side that falls: where both are seen the line is midway between them, where
    only one is, that one.
    """
    bright, bright_clear = snap(image, ring, reach_m=reach_m, along_m=along_m, wanted="bright")
    dark, dark_clear = snap(image, ring, reach_m=reach_m, along_m=along_m, wanted="dark")

    def nearby(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(gaussian_filter1d(values, 10.0, mode="wrap"), np.float64)

    both = bright_clear * dark_clear
    apart = nearby(both * (dark - bright)) / (nearby(both) + 1e-3)
    share = nearby(dark_clear**2) / (nearby(bright_clear**2) + nearby(dark_clear**2) + 1e-6)
    total = bright_clear + dark_clear
    place = bright_clear * (bright + share * apart) + dark_clear * (dark - (1 - share) * apart)
    return np.where(total > 0, place / np.maximum(total, 1e-6), 0.0), np.maximum(bright_clear, dark_clear)


def _bends(ring: NDArray[np.float64], reach_m: float) -> NDArray[np.float64]:
    """Return by how much a closed ring of equal steps turns within `reach_m` either side of each point, in radians, 0 to π."""
    lag = max(round(reach_m / float(np.hypot(*(ring[1] - ring[0])))), 1)
    ahead, behind = np.roll(ring, -lag, axis=0) - ring, ring - np.roll(ring, lag, axis=0)
    turn = np.arctan2(ahead[:, 1] * behind[:, 0] - ahead[:, 0] * behind[:, 1], (ahead * behind).sum(axis=1))
    return np.asarray(np.abs(turn), np.float64)


def _refine(image: Image, nodes: NDArray[np.float64], own: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.bool_], float]:
    """Return the ring through the nodes set on the middle of the line, whether each point has evidence of its own, and the scatter in metres."""
    wide, close = 5.0 + image.gsd_m, 4.0 + 0.5 * image.gsd_m
    ring = resample(keep_shape(nodes, 1.0), 2.0)
    kept = own[np.round(np.linspace(0, len(own), len(ring), endpoint=False)).astype(int) % len(own)]
    scatter = wide
    for reach, along in ((wide, 5.0), (close, 3.0), (close, 3.0)):
        shift, clear = _middle(image, ring, reach, along)
        weight = clear * kept
        tangent = smooth(np.roll(ring, -1, axis=0) - np.roll(ring, 1, axis=0), 1.0)
        outward = right_of(tangent)
        seen = ring + shift[:, None] * outward
        # Profiles across a corner mix its two sides and see it rounded; the straight stretches beside it tell better where it is.
        weight = weight * np.where(_bends(ring, CORNER_M) > 0.5, 0.03, 1.0)
        ring = straighten(seen, weight + 0.02, STIFFNESS * max(1.0, image.gsd_m))
        away = ((seen - ring) * outward).sum(axis=1)[weight > 0.3]
        scatter = float(1.4826 * np.median(np.abs(away))) if away.size else wide
    return ring, kept, scatter


def _measure(
    image: Image,
    nodes: NDArray[np.float64],
    own: NDArray[np.bool_],
    band: Band,
    params: PerimeterParams,
    *,
    grade: Grade,
    rivals: list[Doubt],
    field: tuple[Strip, NDArray[np.float16]],
) -> Trace:
    """Turn the path's nodes into a polygon with the standard errors of its area and length."""
    ring, kept, scatter = _refine(image, nodes, own)
    whole = Polygon(ring).buffer(0)  # a ring that crosses itself falls into parts
    polygon: Polygon = max(getattr(whole, "geoms", [whole]), key=lambda p: p.area)
    pixel = max(image.pixel_m, image.gsd_m)
    sigma = float(np.sqrt(pixel**2 / 12 + scatter**2 + (params.registration_px * pixel) ** 2))
    gaps = [_gap(ring, run, band.half_m) for run in runs(~kept)]
    doubts = (*gaps, *rivals)
    length = float(polygon.exterior.length)
    bridged = sum(gap.line.length for gap in gaps)
    inferred = min(bridged / length, 1.0)
    area_var = sigma**2 * params.correlation_m * max(length - bridged, params.correlation_m)
    area_var += (pixel * (params.common_px + params.bridged_px * inferred) * length) ** 2
    shared = params.definition_m * length
    area_var += shared**2 + sum(doubt.area_se_m2**2 for doubt in doubts)
    # First variation of the length: a lateral error times the turning of its stretch.
    length_var = sigma**2 * float((_turning(ring, params.correlation_m) ** 2).sum()) + sum(doubt.length_se_m**2 for doubt in doubts)
    length_var += (2 * np.pi * params.definition_m) ** 2
    # Rounding acts alike on all corners, so that their errors add up.
    length_var += float((0.5 * 2 * CORNER_M * (1 - np.cos(0.5 * _turning(ring, 2 * CORNER_M)))).sum()) ** 2
    return Trace(
        polygon,
        float(np.sqrt(area_var)),
        shared,
        length,
        float(np.sqrt(length_var)),
        float(np.hypot(sigma, params.definition_m)),
        inferred,
        min(sum(r.line.length for r in rivals) / 2 / length, 1.0),
        _faintest(own, length),
        grade,
        doubts,
        *field,
    )


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


def _turning(ring: NDArray[np.float64], stretch_m: float) -> NDArray[np.float64]:
    """Return by how much a closed ring turns in each stretch, in radians."""
    coarse = resample(ring, stretch_m)
    heading = np.roll(coarse, -1, axis=0) - coarse
    ahead = np.roll(heading, -1, axis=0)
    return np.asarray(np.arctan2(heading[:, 0] * ahead[:, 1] - heading[:, 1] * ahead[:, 0], (heading * ahead).sum(axis=1)), np.float64)
