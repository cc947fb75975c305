"""The enclosing line of a camp at two dates: where it runs, how sure that is, and how area and length grew.

At each date a closed path is sought in a band around the prior outline of that date, along ridge evidence that is coherent over some 25 m: a bright
cleared strip or track, a dark wall shadow, or both (:mod:`camwatch.detect._line`). A closed path always exists. It counts as a line only where its
evidence beats what the best paths through bands of the same width collect on control ground, where no perimeter runs; and what it bridges without
evidence of its own is reported as inferred.

Limits. A road or a river bank that runs beside the wall within the band cannot be told from it by this version: where such a rival is nearly as well
supported, half of what lies between the two goes into the standard error (`ambiguous_share`), and an analyst looks at the overlay. Where one side of
the wall has no strip and no shadow, the line is the centre of what is seen, up to half a strip's width off. Corners are rounded within some 10 m,
and one sharper than about 60° is cut off (its error says so). A line that left the band of its prior is not found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from camwatch.detect._strip import NODE
from camwatch.detect._trace import Band, PerimeterParams, Trace, band_of, trace_line
from camwatch.errors import PairError
from camwatch.findings import Finding, Findings, Growth, Ratio
from camwatch.rasters import mask_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from camwatch.aoi import Site
    from camwatch.imagery.image import Image

__all__ = ["PerimeterParams", "detect_perimeter"]


def detect_perimeter(before: Image, after: Image, site: Site, params: PerimeterParams = PerimeterParams()) -> Findings:  # noqa: B008  (frozen)
    """Trace the enclosing line at both dates and compare the two.

    Parameters
    ----------
    before, after : Image
        On the same geobox (metres), registered.
    site : Site
        With the prior outline of each date (the largest part of it is used). The half width of the band is `perimeter_accuracy_m` + 5 m, at least
        15 m, at most `band_share` of the prior's inradius.
    params : PerimeterParams

    Returns
    -------
    Findings
        Of kind `perimeter`. Searched: one record `unchanged` per date with the measures `date`, `area_m2`, `area_se_m2`, `length_m`, `length_se_m`,
        `inferred_share`, `ambiguous_share`, `support` (standard deviations above control ground), `sigma_m`, `half_band_m`; then the parts gained
        (`appeared`) and lost (`removed`) that exceed the lines' errors; and the growth with its 95 % interval. Not testable, without records: the
        sensor is too coarse, a prior is missing or not observed, or no continuous line stands out at a date; `reason` says which.

    Raises
    ------
    PairError
        The images are not on one grid.

    Notes
    -----
    Standard error of the area: per point the lateral error is the quadrature of pixel/√12, the scatter of the line about its smooth course,
    registration, and definition; errors keep their sign over `correlation_m`, so that σ(A) = σ·√(ℓL). A bridged gap of length g may bow to either
    side by min(half band, g/2)/√3 and adds half of that times g. The length's error is σ times the turning of each stretch, and half of what
    rounded corners may hide. Errors of the two dates are independent; a common displacement of the two scenes changes neither area.
    """
    if before.geobox != after.geobox:
        grids = f"{before.geobox.shape} and {after.geobox.shape}"
        raise PairError("before and after lie on different grids", where="perimeter", got=grids, remedy="load both on one geobox")
    gsd = max(before.gsd_m, after.gsd_m)
    if gsd > params.max_gsd_m:
        reason = f"the coarser scene has {gsd:.1f} m pixels; a cleared strip of 4 to 8 m needs {params.max_gsd_m:.1f} m or better"
        return _findings(before, after, site, reason)
    bands: list[Band] = []
    for image, prior, when in ((before, site.perimeter_before, "before"), (after, site.perimeter_after, "after")):
        band = band_of(image, prior, site.perimeter_accuracy_m, params)
        if band is None:
            return _findings(before, after, site, f"there is no prior outline of the perimeter for the date {when}; draw one to be searched around")
        bands.append(band)
    observed = float(np.mean([band.observed for band in bands]))
    for image, band in zip((before, after), bands, strict=True):
        if band.observed < params.min_observed_share:
            seen, needed = f"{band.observed:.0%}", f"{params.min_observed_share:.0%}"
            reason = f"not observed: the scene of {image.acquired.date()} shows {seen} of the perimeter's outline; {needed} is needed"
            return _findings(before, after, site, reason, observed=observed)
    traces = [trace_line(image, band, bands, params) for image, band in zip((before, after), bands, strict=True)]
    score, searched = _score(before, after, bands, traces)
    short = [_shortfall(trace, params) for trace in traces]
    if any(short):
        days = " and ".join(f"{image.acquired.date()} ({why})" for image, why in zip((before, after), short, strict=True) if why)
        reason = f"no continuous line could be traced near the outline at {days}"
        return _findings(before, after, site, reason, observed=observed, searched=searched, score=score)
    records = [
        *(_line_record(*each) for each in zip((before, after), traces, bands, ("before", "after"), strict=True)),
        *_parts(traces[0], traces[1], "removed", params),
        *_parts(traces[1], traces[0], "appeared", params),
    ]
    growth = Growth(
        _ratio([t.polygon.area for t in traces], [t.area_se_m2 for t in traces]),
        _ratio([t.length_m for t in traces], [t.length_se_m for t in traces]),
    )
    halves = " and ".join(f"{band.half_m:.0f}" for band in bands)
    reason = f"searched within {halves} m of the outlines of the two dates; a road beside the wall within that band cannot be told from it"
    return _findings(before, after, site, reason, records=records, observed=observed, searched=searched, score=score, growth=growth)


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


def _shortfall(trace: Trace, params: PerimeterParams) -> str:
    """Return why a trace is no line, empty where it is one."""
    if not np.isfinite(trace.grade.support):
        return "no control ground beside the band to compare with"
    if trace.grade.support < params.min_support:
        return f"its evidence is {trace.grade.support:.1f} standard deviations above control ground; {params.min_support:.1f} are needed"
    if trace.inferred > params.max_inferred_share:
        return f"{trace.inferred:.0%} of it has no evidence of its own; at most {params.max_inferred_share:.0%} may be bridged"
    return ""


def _line_record(image: Image, trace: Trace, band: Band, when: str) -> Finding:
    return Finding(
        id=f"perimeter-{when}",
        kind="perimeter",
        change="unchanged",
        geometry=trace.polygon,
        score=float(np.clip(trace.grade.evidence, 0, 1)),
        area_m2=float(trace.polygon.area),
        measures={
            "date": image.acquired.date().isoformat(),
            "area_m2": float(trace.polygon.area),
            "area_se_m2": trace.area_se_m2,
            "length_m": trace.length_m,
            "length_se_m": trace.length_se_m,
            "inferred_share": trace.inferred,
            "ambiguous_share": trace.ambiguous,
            "support": trace.grade.support,
            "sigma_m": trace.sigma_m,
            "half_band_m": band.half_m,
        },
    )


def _parts(here: Trace, there: Trace, change: Literal["appeared", "removed"], params: PerimeterParams) -> list[Finding]:
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
            score=min(here.grade.evidence, there.grade.evidence),
            area_m2=float(part.area),
            measures={"area_se_m2": error},
        )
        for number, (part, error) in enumerate(found, 1)
    ]


def _ratio(values: Sequence[float], errors: Sequence[float]) -> Ratio:
    """Return the growth from the first to the second of two positive figures, with the 95 % interval of a log-normal quotient."""
    relative = np.hypot(errors[0] / values[0], errors[1] / values[1])
    ratio = values[1] / values[0]
    return Ratio(ratio - 1, float(ratio * np.exp(-1.96 * relative)) - 1, float(ratio * np.exp(1.96 * relative)) - 1)


def _score(before: Image, after: Image, bands: Sequence[Band], traces: Sequence[Trace]) -> tuple[NDArray[np.float32], float]:
    """Return the stronger evidence of the two dates on the image grid, NaN off the bands or where not observed, and the bands' usable km²."""
    inside = mask_of(bands[0].shape.union(bands[1].shape), before.geobox) & before.valid & after.valid
    score = np.full(before.valid.shape, np.nan, np.float32)
    score[inside] = 0
    for trace in traces:
        _paint(score, before, trace)
    score[~inside] = np.nan
    return score, float(inside.sum()) * before.pixel_m**2 / 1e6


def _paint(score: NDArray[np.float32], image: Image, trace: Trace) -> None:
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
