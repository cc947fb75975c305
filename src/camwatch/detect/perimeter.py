"""The enclosing line of a camp at two dates: where it runs, how sure that is, and how area and length grew.

At each date a closed path is sought in a band around the prior outline of that date, along ridge evidence that is coherent over some 25 m: a bright cleared strip or
track, a dark wall shadow, or both (:mod:`camwatch.detect._line`). A closed path always exists. It counts as a line only where its evidence beats what the best paths
through bands of the same width collect on control ground, where no perimeter runs; and what it bridges without evidence of its own is reported as inferred.

Limits. A road or a river bank that runs beside the wall within the band cannot be told from it by this version, nor can a wall with roads for flanks; look at the overlay.
Where wall and strip lie beside each other the line is the centre of the one that is clearer around the ring, so the path may be a strip's half width beside the wall
(the same side at both dates if the ground keeps its look). A line that left the band of its prior is not found, and the share inferred says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.ndimage import gaussian_filter1d, label
from shapely.geometry import LineString, MultiPolygon, Polygon
from shapely.geometry.polygon import orient

from camwatch.detect._line import (
    MARGIN_M, NODE, Path, Strip, cheapest_path, evidence, keep_shape, path_points, resample, ring_strip, sample, smooth, snap, straight_strip, straighten,
)
from camwatch.findings import Finding, Findings, Growth, Ratio
from camwatch.rasters import mask_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox
    from shapely.geometry.base import BaseGeometry

    from camwatch.aoi import Site
    from camwatch.imagery.image import Image


GATHER_M = 25.0
"""Length over which evidence along a path is averaged before it is called its own."""
MIN_EVIDENCE = 0.2
"""Evidence below this is none, however empty the control ground."""
RIVAL_M = 60.0
"""Shortest stretch on which another line counts as a rival."""
STIFFNESS = 4.0
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
        Standard error of which part of wall, strip and shadow is taken for the line.
    correlation_m : float
        Length along the line over which its lateral error keeps its sign.
    band_share : float
        Half width of the band at most this share of the prior's inradius.
    min_support : float
        By how many standard deviations of the control strips the traced line's mean evidence must exceed theirs.
    max_inferred_share : float
        Largest share of the length that may be bridged without evidence of its own.
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
    definition_m: float = 0.8
    band_share: float = 0.35
    min_support: float = 3.0
    max_inferred_share: float = 0.5
    min_observed_share: float = 0.5
    controls: int = 10
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Band:
    """The ring to search around, and how far: `ring` (k, 2) counter-clockwise, `half_m` on either side, `observed` share of the ring with valid pixels."""

    ring: NDArray[np.float64]
    half_m: float
    observed: float

    @property
    def shape(self) -> BaseGeometry:
        return Polygon(self.ring).exterior.buffer(self.half_m)


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A stretch that may run elsewhere, bridged without evidence or with a rival beside it: where, how far aside, and what that does to area and length."""

    line: LineString
    aside_m: float
    area_se_m2: float
    length_se_m: float


@dataclass(frozen=True, slots=True)
class _Grade:
    """Mean evidence along a traced line, 0..1, and by how many standard deviations it exceeds that of control strips."""

    evidence: float
    support: float


@dataclass(frozen=True, slots=True, eq=False)
class _Trace:
    """A traced line: its polygon, standard errors, evidence, bridged stretches, and the band's evidence (node, n) for the score raster."""

    polygon: Polygon
    area_se_m2: float
    length_m: float
    length_se_m: float
    sigma_m: float
    inferred: float
    ambiguous: float
    grade: _Grade
    doubts: tuple[_Doubt, ...]
    strip: Strip
    field: NDArray[np.float16]


def detect_perimeter(before: Image, after: Image, site: Site, params: PerimeterParams = PerimeterParams()) -> Findings:  # noqa: B008  (frozen)
    """Trace the enclosing line at both dates and compare the two.

    Parameters
    ----------
    before, after : Image
        On the same geobox (metres), registered.
    site : Site
        With the prior outline of each date; the half width of the band is `perimeter_accuracy_m` + 5 m, at least 15 m, at most `band_share` of the prior's inradius.
    params : PerimeterParams

    Returns
    -------
    Findings
        Of kind `perimeter`. Searched: one record `unchanged` per date (measures `date`, `area_se_m2`, `length_m`, `length_se_m`, `inferred_share`, `support`, `sigma_m`,
        `half_band_m`), then the parts gained (`appeared`) and lost (`removed`) that exceed the lines' errors, and the growth with its 95 % interval. Not testable, without
        records: the sensor is too coarse, a prior is missing or not observed, or no continuous line stands out at a date; `reason` says which.

    Raises
    ------
    ValueError
        The images are not on one grid.

    Notes
    -----
    Standard error of the area: per point the lateral error is the quadrature of pixel/√12, the scatter of the line about its smooth course, and registration; errors keep
    their sign over `correlation_m`, so that σ(A) = σ·√(ℓL). A bridged gap of length g may bow to either side by min(half band, g/2)/√3 and adds half of that times g. Errors of
    the two dates are independent; a common displacement of the two scenes moves both lines and changes neither area.
    """
    if before.geobox != after.geobox:
        raise ValueError(f"perimeter: before and after lie on different grids; got {before.geobox.shape} and {after.geobox.shape}; load both on one geobox")
    gsd = max(before.gsd_m, after.gsd_m)
    if gsd > params.max_gsd_m:
        reason = f"the coarser scene has {gsd:.1f} m pixels; a cleared strip of 4 to 8 m needs {params.max_gsd_m:.1f} m or better"
        return _findings(before, after, site, reason)
    bands: list[_Band] = []
    for image, prior, when in ((before, site.perimeter_before, "before"), (after, site.perimeter_after, "after")):
        band = _band(image, prior, site.perimeter_accuracy_m, params)
        if band is None:
            return _findings(before, after, site, f"there is no prior outline of the perimeter for the date {when}; draw one to be searched around")
        bands.append(band)
    observed = float(np.mean([band.observed for band in bands]))
    for image, band in zip((before, after), bands, strict=True):
        if band.observed < params.min_observed_share:
            reason = f"not observed: {image.acquired.date()} shows {band.observed:.0%} of the perimeter's outline; {params.min_observed_share:.0%} is needed"
            return _findings(before, after, site, reason, observed=observed)
    traces = [_trace(image, band, bands, params) for image, band in zip((before, after), bands, strict=True)]
    score, searched = _score(before, after, bands, traces)
    short = [_shortfall(trace, params) for trace in traces]
    if any(short):
        days = " and ".join(f"{image.acquired.date()} ({why})" for image, why in zip((before, after), short, strict=True) if why)
        return _findings(before, after, site, f"no continuous line could be traced near the outline at {days}", observed=observed, searched=searched, score=score)
    records = [
        *(_line_record(*each) for each in zip((before, after), traces, bands, ("before", "after"), strict=True)),
        *_parts(traces[0], traces[1], "removed", params), *_parts(traces[1], traces[0], "appeared", params),
    ]
    growth = Growth(
        _ratio([t.polygon.area for t in traces], [t.area_se_m2 for t in traces]), _ratio([t.length_m for t in traces], [t.length_se_m for t in traces]),
    )
    halves = " and ".join(f"{band.half_m:.0f}" for band in bands)
    return _findings(
        before, after, site, f"searched within {halves} m of the outlines of the two dates; a road beside the wall within that band would be taken for it",
        records=records, observed=observed, searched=searched, score=score, growth=growth,
    )


def _findings(
    before: Image, after: Image, site: Site, reason: str, *, records: Sequence[Finding] | None = None, observed: float = 0.0, searched: float = 0.0,
    score: NDArray[np.float32] | None = None, growth: Growth | None = None,
) -> Findings:
    return Findings(
        kind="perimeter", status="not_testable" if records is None else "searched", reason=reason, records=tuple(records or ()), aoi=site.id,
        crs=str(before.geobox.crs), before=before.scene, after=after.scene, acquired=(before.acquired, after.acquired), observed_share=observed,
        searched_km2=searched, gsd_m=max(before.gsd_m, after.gsd_m), score=np.full(before.valid.shape, np.nan, np.float32) if score is None else score,
        geobox=before.geobox, growth=growth, nominal=site.nominal, simulated=before.simulated or after.simulated,
    )


def _step(image: Image) -> float:
    """Processing pixel in metres."""
    return max(image.pixel_m, 1.0)


def _band(image: Image, prior: BaseGeometry | None, accuracy_m: float, params: PerimeterParams) -> _Band | None:
    """Return the band around the largest polygon of a prior, None without one."""
    parts = [p for p in getattr(prior, "geoms", [prior]) if isinstance(p, Polygon) and not p.is_empty]
    if not parts:
        return None
    polygon = orient(max(parts, key=lambda p: p.area))
    ring = np.asarray(polygon.exterior.coords, np.float64)[:-1, :2]
    half = min(max(accuracy_m + 5.0, 15.0), params.band_share * _inradius(polygon))
    places = resample(ring, max(4.0 * _step(image), 4.0))
    seen = [sample(image, places[k : k + 256, None, :], _step(image))[1] for k in range(0, len(places), 256)]
    return _Band(ring, half, float(np.concatenate(seen).mean()))


def _inradius(polygon: Polygon) -> float:
    """Radius of the largest inscribed circle, to 1 %."""
    low, high = 0.0, float(np.sqrt(polygon.area / np.pi))
    while high - low > 0.01 * high:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if polygon.buffer(-middle).is_empty else (middle, high)
    return low


def _control_strips(image: Image, band: _Band, bands: Sequence[_Band], params: PerimeterParams) -> list[Strip]:
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
            strip = straight_strip(start, rng.uniform(0, 2 * np.pi), length, band.half_m + MARGIN_M, _step(image))
            corners = strip.points(np.array([0, len(strip.axis) - 1]))[:, [0, -1]].reshape(4, 2)[[0, 1, 3, 2]]
            ground = Polygon(corners)
            if frame.contains(ground) and not taken.intersects(ground) and sample(image, strip.points(strip.rows(0, len(strip.axis))[::NODE])[:, ::NODE], _step(image))[1].mean() > 0.9:
                strips.append(strip)
            if len(strips) == params.controls:
                return strips
    return strips


def _frame(geobox: GeoBox) -> Polygon:
    rows, cols = geobox.shape
    return Polygon([geobox.affine * corner for corner in ((0, 0), (cols, 0), (cols, rows), (0, rows))])


def _trace(image: Image, band: _Band, bands: Sequence[_Band], params: PerimeterParams) -> _Trace:
    """Find the line of one date, first in the whole band and then close to the path, and grade it against control ground."""
    step = _step(image)
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


def _grade(mean: float, controls: list[float]) -> _Grade:
    """Compare the mean evidence along a line with that of the best paths of control strips: median and median deviation, the latter at least 0.05."""
    if not controls:
        return _Grade(mean, -np.inf)
    middle = float(np.median(controls))
    spread = 1.4826 * float(np.median(np.abs(np.array(controls) - middle)))
    return _Grade(mean, (mean - middle) / max(spread, 0.05))


def _rivals(strip: Strip, energy: NDArray[np.float16], path: Path, limit: float) -> list[_Doubt]:
    """Return the stretches where another line in the band, 10 m or more from the path, is nearly as well supported for RIVAL_M on end: a road, most often."""
    nodes, columns = energy.shape[:2]
    away = np.abs(np.arange(columns)[None, :] - path.column[:, None]) * strip.step_m
    other = cheapest_path(strip, np.where((away < 10.0)[..., None], np.float16(0), energy))
    sigma = 0.5 * GATHER_M / (NODE * strip.step_m)
    ours, theirs = (gaussian_filter1d(p.support, sigma, mode="wrap") for p in (path, other))
    here, there = path_points(strip, path, columns), path_points(strip, other, columns)
    found = []
    for run in _runs(theirs >= np.maximum(limit, 0.9 * ours)):
        if len(run) * NODE * strip.step_m < RIVAL_M:
            continue
        at = np.r_[run[0] - 1, run, run[-1] + 1] % nodes
        loop = np.vstack([here[at], there[at][::-1]])
        lengths = [float(np.hypot(*np.diff(side, axis=0).T).sum()) for side in (here[at], there[at])]
        # Either of the two: half of the difference is its standard error.
        between = float((np.abs(other.column - path.column)[run] * strip.step_m).mean())
        area = between * float(lengths[0])
        found.append(_Doubt(LineString(loop), between / 2, area / 2, abs(lengths[1] - lengths[0]) / 2))
    return found


def _runs(flags: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Return the indices of each run of True in a closed sequence, in order around it; a run over the seam is one."""
    first = 0 if flags.all() else int(np.argmin(flags))
    names, count = label(np.roll(flags, -first))
    return [(np.flatnonzero(names == name) + first) % len(flags) for name in range(1, count + 1)]


def _middle(image: Image, ring: NDArray[np.float64], reach_m: float, along_m: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far outward of a ring the line lies, and how clearly it is seen (0..1).

    A wall stands between its sunlit strip and its shadow, on whichever side that falls: where both are seen the line is midway between them, where one is, that one.
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


CORNER=0.03
def _bends(ring: NDArray[np.float64], reach_m: float) -> NDArray[np.float64]:
    """Return by how much a closed ring of equal steps turns within `reach_m` either side of each point, in radians, 0 to π."""
    lag = max(round(reach_m / float(np.hypot(*(ring[1] - ring[0])))), 1)
    ahead, behind = np.roll(ring, -lag, axis=0) - ring, ring - np.roll(ring, lag, axis=0)
    return np.abs(np.arctan2(ahead[:, 1] * behind[:, 0] - ahead[:, 0] * behind[:, 1], (ahead * behind).sum(axis=1)))


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
        outward = np.column_stack([tangent[:, 1], -tangent[:, 0]]) / np.maximum(np.hypot(*tangent.T), 1e-9)[:, None]
        seen = ring + shift[:, None] * outward
        # Profiles across a corner mix its two sides and see it rounded; the straight stretches beside it tell better where it is.
        weight = weight * np.where(_bends(ring, 12.0) > 0.5, CORNER, 1.0)
        ring = straighten(seen, weight + 0.02, STIFFNESS * max(1.0, image.gsd_m))
        away = ((seen - ring) * outward).sum(axis=1)[weight > 0.3]
        scatter = float(1.4826 * np.median(np.abs(away))) if away.size else wide
    return ring, kept, scatter


def _measure(
    image: Image, nodes: NDArray[np.float64], own: NDArray[np.bool_], band: _Band, params: PerimeterParams, *, grade: _Grade, rivals: list[_Doubt],
    field: tuple[Strip, NDArray[np.float16]],
) -> _Trace:
    """Turn the path's nodes into a polygon with the standard errors of its area and length."""
    ring, kept, scatter = _refine(image, nodes, own)
    polygon: BaseGeometry = Polygon(ring)
    if not polygon.is_valid:
        whole = polygon.buffer(0)
        polygon = max(getattr(whole, "geoms", [whole]), key=lambda p: p.area)
    pixel = max(image.pixel_m, image.gsd_m)
    sigma = float(np.sqrt(pixel**2 / 12 + scatter**2 + (params.registration_px * pixel) ** 2 + params.definition_m**2))
    gaps = [_gap(ring, run, band.half_m) for run in _runs(~kept)]
    doubts = (*gaps, *rivals)
    length = float(polygon.length)
    bridged = sum(gap.line.length for gap in gaps)
    area_var = sigma**2 * params.correlation_m * max(length - bridged, params.correlation_m) + sum(doubt.area_se_m2**2 for doubt in doubts)
    # First variation of the length: a lateral error times the turning of its stretch.
    length_var = sigma**2 * float((_turning(ring, params.correlation_m) ** 2).sum()) + sum(doubt.length_se_m**2 for doubt in doubts)
    return _Trace(
        polygon, float(np.sqrt(area_var)), length, float(np.sqrt(length_var)), sigma, min(bridged / length, 1.0),
        min(sum(r.line.length for r in rivals) / 2 / length, 1.0), grade, doubts, *field,
    )


def _gap(ring: NDArray[np.float64], run: NDArray[np.intp], half_m: float) -> _Doubt:
    """Doubt about a bridged stretch: its bow encloses about half its rectangle and adds a slack of second order."""
    line = LineString(ring[np.r_[run, run[-1] + 1] % len(ring)])
    aside = min(half_m, line.length / 2) / float(np.sqrt(3))
    return _Doubt(line, aside, 0.5 * line.length * aside, 2 * aside**2 / line.length)


def _turning(ring: NDArray[np.float64], stretch_m: float) -> NDArray[np.float64]:
    """Return by how much a closed ring turns in each stretch, in radians."""
    coarse = resample(ring, stretch_m)
    heading = np.roll(coarse, -1, axis=0) - coarse
    ahead = np.roll(heading, -1, axis=0)
    return np.asarray(np.arctan2(heading[:, 0] * ahead[:, 1] - heading[:, 1] * ahead[:, 0], (heading * ahead).sum(axis=1)), np.float64)


def _shortfall(trace: _Trace, params: PerimeterParams) -> str:
    """Return why a trace is no line, empty where it is one."""
    if not np.isfinite(trace.grade.support):
        return "no control ground beside the band to compare with"
    if trace.grade.support < params.min_support:
        return f"its evidence is {trace.grade.support:.1f} standard deviations above control ground; {params.min_support:.1f} are needed"
    if trace.inferred > params.max_inferred_share:
        return f"{trace.inferred:.0%} of it has no evidence of its own; at most {params.max_inferred_share:.0%} may be bridged"
    return ""


def _line_record(image: Image, trace: _Trace, band: _Band, when: str) -> Finding:
    return Finding(
        id=f"perimeter-{when}", kind="perimeter", change="unchanged", geometry=trace.polygon, score=float(np.clip(trace.grade.evidence, 0, 1)),
        area_m2=float(trace.polygon.area),
        measures={
            "date": image.acquired.date().isoformat(), "area_m2": float(trace.polygon.area), "area_se_m2": trace.area_se_m2, "length_m": trace.length_m,
            "length_se_m": trace.length_se_m, "inferred_share": trace.inferred, "ambiguous_share": trace.ambiguous, "support": trace.grade.support, "sigma_m": trace.sigma_m, "half_band_m": band.half_m,
        },
    )


def _parts(here: _Trace, there: _Trace, change: Literal["appeared", "removed"], params: PerimeterParams) -> list[Finding]:
    """Return what one line encloses and the other does not, without the slivers that the lines' own errors make; largest first."""
    sigma = float(np.hypot(here.sigma_m, there.sigma_m))
    rest = here.polygon.difference(there.polygon)
    core = rest.buffer(-2 * sigma)
    found = []
    for piece in getattr(core, "geoms", [core]):
        # Back to the full outline: what grows from the core over its lost rim and a corner's worth more, within the difference.
        part = piece.buffer(4 * sigma).intersection(rest)
        blurred = sigma**2 * params.correlation_m * part.length
        blurred += sum(doubt.area_se_m2**2 for doubt in (*here.doubts, *there.doubts) if part.distance(doubt.line) < 2 * doubt.aside_m)
        if part.area > 3 * np.sqrt(blurred):
            found.append((part, float(np.sqrt(blurred))))
    found.sort(key=lambda each: -each[0].area)
    return [
        Finding(
            id=f"perimeter-{change}-{number}", kind="perimeter", change=change, geometry=part, score=min(here.grade.evidence, there.grade.evidence),
            area_m2=float(part.area), measures={"area_se_m2": error},
        )
        for number, (part, error) in enumerate(found, 1)
    ]


def _ratio(values: Sequence[float], errors: Sequence[float]) -> Ratio:
    """Return the growth from the first to the second of two positive figures, with the 95 % interval of a log-normal quotient."""
    relative = np.hypot(errors[0] / values[0], errors[1] / values[1])
    ratio = values[1] / values[0]
    return Ratio(ratio - 1, float(ratio * np.exp(-1.96 * relative)) - 1, float(ratio * np.exp(1.96 * relative)) - 1)


def _score(before: Image, after: Image, bands: Sequence[_Band], traces: Sequence[_Trace]) -> tuple[NDArray[np.float32], float]:
    """Return the stronger evidence of the two dates on the image grid, NaN off the bands and where a date is not observed, and the band's usable km²."""
    inside = mask_of(bands[0].shape.union(bands[1].shape), before.geobox) & before.valid & after.valid
    score = np.full(before.valid.shape, np.nan, np.float32)
    score[inside] = 0
    for trace in traces:
        _paint(score, before, trace)
    score[~inside] = np.nan
    return score, float(inside.sum()) * before.pixel_m**2 / 1e6


def _paint(score: NDArray[np.float32], image: Image, trace: _Trace) -> None:
    """Write a strip's evidence into `score` where it is larger, nearest node to pixel."""
    strip, best = trace.strip, trace.field
    inverse = ~image.geobox.affine
    height, width = score.shape
    # Outside a bend the strip's places lie up to twice as far apart.
    fine = max(int(np.ceil(2 * strip.step_m / image.pixel_m)), 1)
    edge = (len(strip.offsets) - best.shape[1]) // 2
    column = np.arange(best.shape[1] * fine) // fine
    offset = strip.offsets[edge] + ((np.arange(best.shape[1] * fine) + 0.5) / fine - 0.5) * strip.step_m
    count = len(strip.axis)
    for start in range(0, count, 200):
        place = start + np.arange(min(200, count - start) * fine) / fine
        low = place.astype(int)
        part = (place - low)[:, None]
        axis = (1 - part) * strip.axis[low] + part * strip.axis[(low + 1) % count]
        across = (1 - part) * strip.across[low] + part * strip.across[(low + 1) % count]
        points = axis[:, None, :] + offset[None, :, None] * across[:, None, :]
        col = np.floor(inverse.a * points[..., 0] + inverse.b * points[..., 1] + inverse.c).astype(int)
        row = np.floor(inverse.d * points[..., 0] + inverse.e * points[..., 1] + inverse.f).astype(int)
        values = best[(np.round(place / NODE).astype(int) % len(best))[:, None], column[None, :]].astype(np.float32)
        known = (row >= 0) & (row < height) & (col >= 0) & (col < width)
        np.fmax.at(score, (row[known], col[known]), values[known])
