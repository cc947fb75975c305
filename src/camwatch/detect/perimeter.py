"""The enclosing line of a camp at two dates: where it runs, how sure that is, and how area and length grew.

At each date the cheapest closed path is sought in a band around the prior outline of that date, on a lattice of which a small perceptron says how
much each place and direction looks like a line: a cleared strip or track, a wall and its shadow (:mod:`camwatch.detect._course_profile`). A closed
path always exists. It counts as a line only where it looks like one all around, more than paths over ground without one do; and what it bridges
without evidence of its own is reported as inferred.

Lines that an analyst digitised on an image of a date stand beside the traced one: where the two agree they are averaged by their errors, where they
contradict one another both are shown and the interval holds both, and where the image is too coarse or shows no line they answer alone.

Limits. A road or a river bank that runs beside the wall within the band may be taken for it: where such a rival is nearly as well seen, half of
what lies between the two goes into the standard error (`ambiguous_share`), and an analyst looks at the overlay. Where one side of the wall has no
strip and no shadow, the line is the centre of what is seen, up to half a strip's width off. A line that left the band of its prior is not found;
that it left is noticed by what is gone of the other date's line (:mod:`camwatch.detect._perimeter_faded`), and then no growth is claimed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from shapely import union_all
from shapely.geometry import Polygon

from camwatch.detect._course_ground import LATTICE, Ground
from camwatch.detect._course_profile import cell_factor, shipped
from camwatch.detect._perimeter_faded import kept_share
from camwatch.detect._perimeter_lines import Line, combined, digitised_line, traced_line
from camwatch.detect._trace import BESIDE_M, Band, PerimeterParams, Trace, band_of, trace_line
from camwatch.errors import AoiError, PairError
from camwatch.findings import Finding, Findings, Growth, Ratio
from camwatch.rasters import mask_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from camwatch.aoi import Site
    from camwatch.imagery.image import Image

__all__ = ["PerimeterParams", "detect_perimeter"]

WHEN = ("before", "after")
LEFT_OUT_M = 50.0
"""Longest stretch of an outline from which the line may be farther than the outline is good to."""
COARSE_M = 1.5
"""In larger pixels a field's edge in a wide band passes for a line, so that the path takes a short way across a corner."""
TRACED = "the traced path"
"""How the reasons begin that a trace itself gives."""


def detect_perimeter(before: Image, after: Image, site: Site, params: PerimeterParams = PerimeterParams()) -> Findings:  # noqa: B008  (frozen)
    """Trace the enclosing line at both dates and compare the two.

    Parameters
    ----------
    before, after : Image
        On the same geobox (metres), registered.
    site : Site
        With the prior outline of each date (the largest part of it is used). The half width of the band is `perimeter_accuracy_m` + 5 m, at least
        15 m, at most `band_share` of the prior's inradius. `lines_before` and `lines_after` are what an analyst digitised.
    params : PerimeterParams

    Returns
    -------
    Findings
        Of kind `perimeter`. Searched: one record `unchanged` per date with the measures `date`, `source` (`traced`, `digitised`, or both), `area_m2`,
        `area_se_m2`, `length_m`, `length_se_m`, `inferred_share`, `ambiguous_share`, `sigma_m`, and of a traced line `half_band_m`; then the parts
        gained (`appeared`) and lost (`removed`) that exceed the lines' errors; then, where lines of one date contradict one another, each of them
        with the measure `line_of` instead of `date`; and the growth with its 95 % interval.
        Not testable, without records: no line was digitised for a date, and the sensor is too coarse, a prior is missing or not observed, or no
        continuous line stands out; `reason` says which.

    Raises
    ------
    PairError
        The images are not on one grid.
    AoiError
        A prior is no polygon, or crosses itself.

    Notes
    -----
    Standard error of the area: per point the lateral error is the quadrature of pixel/√12, the scatter of the line about its smooth course, and
    registration; errors keep their sign over `correlation_m`, so that σ(A) = σ·√(ℓL). What displaces the whole line alike adds
    pixel · (`common_px` + `bridged_px` · inferred share) · L, and which part of strip, wall and shadow is taken for the line adds
    `definition_m` · L; the latter is nearly the same at both dates and mostly cancels in the growth. A bridged gap of length g may bow to either side
    by min(half band, g/2)/√3 and adds half of that times g. The length's error is σ times the turning of each stretch, and half of what
    rounded corners may hide. All other errors of the two dates are independent; a common displacement of the two scenes changes neither area.
    The area of a record is the combined one, its geometry that of the line with the smallest error.
    """
    if before.geobox != after.geobox:
        grids = f"{before.geobox.shape} and {after.geobox.shape}"
        raise PairError("before and after lie on different grids", where="perimeter", got=grids, remedy="load both on one geobox")
    images, priors = (before, after), (site.perimeter_before, site.perimeter_after)
    for prior, when in zip(priors, WHEN, strict=True):
        _check_prior(prior, when)
    bands = [band_of(image, prior, site.perimeter_accuracy_m, params) for image, prior in zip(images, priors, strict=True)]
    traces, short = _traces(images, [band for band in bands if band], params)
    lines = []
    for image, trace, why, drawn in zip(images, traces, short, (site.lines_before, site.lines_after), strict=True):
        each = [digitised_line(line, image, params) for line in drawn]
        lines.append(combined([*([traced_line(trace)] if trace and not why else []), *(line for line in each if line)]))
    observed = float(np.mean([band.observed if band else 0.0 for band in bands]))
    score, searched = _score(before, after, [band for band in bands if band], [trace for trace in traces if trace])
    first, second = lines
    if first is None or second is None:
        reason = _refusal(images, lines, short)
        return _findings(before, after, site, reason, observed=observed, searched=searched, score=score)
    records = [
        *(_line_record(*each) for each in zip(images, (first, second), traces, bands, WHEN, strict=True)),
        *_parts(first, second, "removed", params),
        *_parts(second, first, "appeared", params),
        *(part for each in zip(images, lines, WHEN, strict=True) for part in _contradicting(*each)),
    ]
    growth = Growth(
        _ratio([(line.area_m2, line.area_se_m2, line.shared_m2) for line in (first, second)], params.definition_shared),
        _ratio([(line.length_m, line.length_se_m, 0.0) for line in (first, second)]),
    )
    reason = _limits(images, (first, second), short, bands)
    return _findings(before, after, site, reason, records=records, observed=observed, searched=searched, score=score, growth=growth)


def _check_prior(prior: BaseGeometry | None, when: str) -> None:
    if prior is None or prior.is_empty:
        return
    if "Polygon" not in prior.geom_type:
        what = "the prior outline of the perimeter is no area"
        raise AoiError(what, where=when, got=f"a {prior.geom_type}", expected="a Polygon or MultiPolygon", remedy="draw it as a closed polygon")
    if not prior.is_valid:
        raise AoiError("the prior outline of the perimeter crosses itself", where=when, remedy="move or delete the vertices there")


def _traces(images: Sequence[Image], bands: Sequence[Band], params: PerimeterParams) -> tuple[list[Trace | None], list[str]]:
    """Return the trace of each date, where there could be one, and why it is no line, empty where it is one."""
    gsd = max(image.gsd_m for image in images)
    if gsd > params.max_gsd_m:
        why = f"the coarser scene has {gsd:.1f} m pixels; a cleared strip of 4 to 8 m needs {params.max_gsd_m:.1f} m or better"
        return [None, None], [why, why]
    if len(bands) < len(images):
        why = "there is no prior outline of the perimeter for both dates; draw one to be searched around"
        return [None, None], [why, why]
    widest = max(band.half_m for band in bands)
    if gsd > COARSE_M and widest > params.wide_m:
        why = f"in pixels of {gsd:.1f} m a band of {widest:.0f} m on either side of the outline shows too much that looks like a line"
        return [None, None], [f"{why}; draw outlines good to {params.wide_m - BESIDE_M:.0f} m"] * 2
    traces: list[Trace | None] = []
    short = []
    grounds = [Ground(image, shipped()) for image in images]
    one = _one_outline(bands)
    for image, ground, band in zip(images, grounds, bands, strict=True):
        trace = None
        if band.observed < params.min_observed_share:
            needed = f"{params.min_observed_share:.0%} is needed"
            why = f"not observed: the scene of {image.acquired.date()} shows {band.observed:.0%} of the perimeter's outline; {needed}"
        else:
            trace = trace_line(ground, band, params)
            why = _shortfall(trace, band, params, one_outline=one)
        traces.append(trace)
        short.append(why)
    first, second = traces
    if first and second and not any(short):
        earlier, later = images
        enough = params.min_kept_share_one if one else params.min_kept_share
        short = [
            _moved(kept_share((second, first), grounds[0], (bands[1], bands[0]), one_outline=one), later, enough),
            _moved(kept_share((first, second), grounds[1], (bands[0], bands[1]), one_outline=one), earlier, enough),
        ]
    return traces, short


def _one_outline(bands: Sequence[Band]) -> bool:
    """Return whether both dates were searched around the same outline."""
    first, second = (Polygon(band.ring).exterior for band in bands)
    return bool(first.within(bands[1].shape) and second.within(bands[0].shape))


def _moved(kept: float, other: Image, needed: float) -> str:
    """Return why the line of a date may have moved out of its band, empty where the line of the other date is still there."""
    if kept >= needed:
        return ""
    here = f"keeps {max(0.0, kept):.0%} of what is seen of the line of {other.acquired.date()} along 200 m, {needed:.0%} is needed"
    return f"{TRACED} {here}: the line may have moved beyond the band, draw a prior of this date"


def _refusal(images: Sequence[Image], lines: Sequence[Line | None], short: Sequence[str]) -> str:
    """Say why the pair is not testable: what keeps the line of a date that has none."""
    missing = [(image.acquired.date(), why) for image, line, why in zip(images, lines, short, strict=True) if line is None]
    found = [image.acquired.date() for image, line in zip(images, lines, strict=True) if line is not None]
    untraced = [(day, why) for day, why in missing if why.startswith(TRACED)]
    if untraced:
        said = "no continuous line could be traced near the outline at " + " and ".join(f"{day} ({why})" for day, why in untraced)
    else:
        said = missing[0][1]
    return said + (f"; of {found[0]} there is a line, and growth needs both" if found else "")


def _limits(images: Sequence[Image], lines: Sequence[Line], short: Sequence[str], bands: Sequence[Band | None]) -> str:
    """Say what limits the answer."""
    said = []
    if any("traced" in line.source for line in lines):
        halves = " and ".join(f"{band.half_m:.0f}" for band in bands if band)
        said.append(f"searched within {halves} m of the outlines of the two dates; a road beside the wall within that band cannot be told from it")
        if _one_outline([band for band in bands if band]):
            said.append("both dates were searched around one outline: each line is still seen at the other date, one farther out would not be")
    for image, line, why in zip(images, lines, short, strict=True):
        day = image.acquired.date()
        if line.source == "digitised":
            said.append(f"the line of {day} is the analyst's alone ({why})")
        elif "digitised" in line.source and not line.conflict:
            said.append(f"the line of {day} is the mean of the analyst's and the traced one")
        if line.conflict:
            said.append(f"the lines of {day} contradict one another: {line.conflict}; both are shown and the interval holds both")
    return "; ".join(said)


def _findings(
    before: Image,
    after: Image,
    site: Site,
    reason: str,
    *,
    records: Sequence[Finding] | None = None,
    observed: float = 0.0,
    searched: float = 0.0,
    score: NDArray[np.float32] | None = None,
    growth: Growth | None = None,
) -> Findings:
    """Assemble the answer; without `records` it is not testable."""
    return Findings(
        kind="perimeter",
        status="not_testable" if records is None else "searched",
        reason=reason,
        records=tuple(records or ()),
        aoi=site.id,
        crs=str(before.geobox.crs),
        before=before.scene,
        after=after.scene,
        acquired=(before.acquired, after.acquired),
        observed_share=observed,
        searched_km2=searched,
        gsd_m=max(before.gsd_m, after.gsd_m),
        score=np.full(before.valid.shape, np.nan, np.float32) if score is None else score,
        geobox=before.geobox,
        growth=growth,
        nominal=site.nominal,
        simulated=before.simulated or after.simulated,
    )


def _shortfall(trace: Trace | None, band: Band, params: PerimeterParams, *, one_outline: bool) -> str:
    """Return why a trace is no line, empty where it is one."""
    if trace is None:
        return f"{TRACED} finds no way around: the band lies outside the scene"
    wide = band.half_m > params.wide_m
    least = params.min_evidence_wide if wide else params.min_evidence
    if trace.evidence < least:
        where = f"in a band of {band.half_m:.0f} m to either side" if wide else "and ground without one reaches 0.3"
        return f"{TRACED} looks like a line by {trace.evidence:.2f} in the mean; {least:.2f} is needed {where}"
    if trace.inferred > params.max_inferred_share:
        return f"{TRACED} has no evidence of its own along {trace.inferred:.0%}; at most {params.max_inferred_share:.0%} may be bridged"
    if trace.left_out_m > LEFT_OUT_M:
        return f"{TRACED} leaves out {trace.left_out_m:.0f} m of the outline, a bay or a wedge across whose mouth it ran"
    # An outline of the date itself tells where the line runs unseen; one that was drawn for another date does not.
    if trace.faintest < (params.min_seen_share_wide if wide else params.min_seen_share_one if one_outline else 0.0):
        return f"{TRACED} fades for hundreds of metres on end, the line may have left the band: draw a prior of this date"
    return ""


def _line_record(image: Image, line: Line, trace: Trace | None, band: Band | None, when: str) -> Finding:
    traced = {"half_band_m": band.half_m} if trace and band and "traced" in line.source else {}
    return _record(f"perimeter-{when}", line, {"date": image.acquired.date().isoformat(), **traced})


def _record(name: str, line: Line, more: dict[str, float | str]) -> Finding:
    return Finding(
        id=name,
        kind="perimeter",
        change="unchanged",
        geometry=line.polygon,
        score=float(np.clip(line.evidence, 0, 1)),
        area_m2=line.area_m2,
        measures={
            "source": line.source,
            "area_m2": line.area_m2,
            "area_se_m2": line.area_se_m2,
            "length_m": line.length_m,
            "length_se_m": line.length_se_m,
            "inferred_share": line.inferred,
            "ambiguous_share": line.ambiguous,
            "sigma_m": line.sigma_m,
            **more,
        },
    )


def _contradicting(image: Image, line: Line | None, when: str) -> list[Finding]:
    """Return each of the lines of a date that contradict one another."""
    if line is None or not line.conflict:
        return []
    day = image.acquired.date().isoformat()
    return [_record(f"perimeter-{when}-{each.source}-{number}", each, {"line_of": day}) for number, each in enumerate(line.lines, 1)]


def _parts(here: Line, there: Line, change: Literal["appeared", "removed"], params: PerimeterParams) -> list[Finding]:
    """Return what one line encloses and the other does not, without the slivers that the lines' own errors make; largest first."""
    sigma = float(np.hypot(here.sigma_m, there.sigma_m))
    rest = here.polygon.difference(there.polygon)
    core = rest.buffer(-2 * sigma)
    found = []
    for piece in (each for each in getattr(core, "geoms", [core]) if not each.is_empty):
        # Back to the full outline: what grows from the core over its lost rim and a corner's worth more, within the difference.
        part = piece.buffer(4 * sigma).intersection(rest)
        blurred = sigma**2 * params.correlation_m * part.length
        blurred += sum(doubt.area_se_m2**2 for doubt in (*here.doubts, *there.doubts) if part.distance(doubt.line) < 2 * doubt.aside_m)
        if part.area > 3 * np.sqrt(blurred):
            found.append((part, float(np.sqrt(blurred))))
    found.sort(key=lambda each: -each[0].area)
    return [
        Finding(
            id=f"perimeter-{change}-{number}",
            kind="perimeter",
            change=change,
            geometry=part,
            score=float(np.clip(min(here.evidence, there.evidence), 0, 1)),
            area_m2=float(part.area),
            measures={"area_se_m2": error},
        )
        for number, (part, error) in enumerate(found, 1)
    ]


def _ratio(figures: Sequence[tuple[float, float, float]], correlation: float = 0.0) -> Ratio:
    """Return the growth from the first to the second of two positive figures, with the 95 % interval of a log-normal quotient.

    A figure is (value, standard error, the part of that error which has this `correlation` with that of the other figure).
    """
    (before, error, part), (after, error_after, part_after) = figures
    common = correlation * (part / before) * (part_after / after)
    relative = np.sqrt((error / before) ** 2 + (error_after / after) ** 2 - 2 * common)
    ratio = after / before
    return Ratio(ratio - 1, float(ratio * np.exp(-1.96 * relative)) - 1, float(ratio * np.exp(1.96 * relative)) - 1)


def _score(before: Image, after: Image, bands: Sequence[Band], traces: Sequence[Trace]) -> tuple[NDArray[np.float32], float]:
    """Return the stronger evidence of the two dates on the image grid, NaN off the bands or where not observed, and the bands' usable km²."""
    if not bands:
        return np.full(before.valid.shape, np.nan, np.float32), 0.0
    inside = mask_of(union_all([band.shape for band in bands]), before.geobox) & before.valid & after.valid
    score = np.full(before.valid.shape, np.nan, np.float32)
    score[inside] = 0
    for trace in traces:
        _paint(score, before, trace)
    score[~inside] = np.nan
    return score, float(inside.sum()) * before.pixel_m**2 / 1e6


def _paint(score: NDArray[np.float32], image: Image, trace: Trace) -> None:
    """Write how much each place looks like a line into `score` where that is more, on the pixels that it stands for."""
    by = cell_factor(image)
    spread = max(round(trace.lattice.step_m / image.pixel_m), LATTICE * by)
    col, row = (np.round(each - 0.5 * spread).astype(int) for each in ~image.geobox.affine * tuple(trace.lattice.point.T))
    best = trace.lattice.like.max(axis=1)
    height, width = score.shape
    for down in range(spread):
        for across in range(spread):
            known = (row + down >= 0) & (row + down < height) & (col + across >= 0) & (col + across < width)
            at = row[known] + down, col[known] + across
            score[at] = np.fmax(score[at], best[known])
