"""The enclosing line of a camp at two dates: where it runs, how sure that is, and how area and length grew.

An outline that is far off is first moved and scaled as a whole to where a line is seen along it (:mod:`camwatch.detect._course_place`). At each date
the cheapest closed path is then sought in a band around the outline of that date, on a lattice of which a small perceptron says how much each place
and direction looks like a line: a cleared strip or track, a wall and its shadow (:mod:`camwatch.detect._course_profile`). A closed path always
exists. It counts as a line only where it looks like one all around, more than paths over ground without one do; and what it bridges without evidence
of its own is reported as inferred.

Lines that an analyst digitised on an image of a date stand beside the traced one: where the two agree they are averaged by their errors, where they
contradict one another both are shown and the interval holds both, and where the image is too coarse or shows no line they answer alone.

Limits. A road or a river bank that runs beside the wall within the band may be taken for it: where such a rival is nearly as well seen, half of
what lies between the two goes into the standard error (`ambiguous_share`), and an analyst looks at the overlay. Where one side of the wall has no
strip and no shadow, the line is the centre of what is seen, up to half a strip's width off. A line that left the band of its prior is not found,
unless it was enlarged and is well seen nearly all along (:mod:`camwatch.detect._perimeter_grown`); that it left is noticed by what is gone of the
other date's line (:mod:`camwatch.detect._perimeter_faded`), and then no growth is claimed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camwatch.detect._perimeter_band import band_of
from camwatch.detect._perimeter_grade import TRACED, one_outline, traces_of
from camwatch.detect._perimeter_lines import Line, combined, digitised_line, traced_line
from camwatch.detect._perimeter_params import PerimeterParams
from camwatch.detect._perimeter_records import WHEN, growth_of, records_of
from camwatch.detect._perimeter_score import score_of
from camwatch.errors import AoiError, PairError
from camwatch.findings import Finding, Findings, Growth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from camwatch.aoi import Site
    from camwatch.detect._perimeter_band import Band
    from camwatch.imagery.image import Image

DRAWN = "; of {day} there is a line that an analyst drew, and growth needs both"
ALONE = (
    "; at {day} something beside the outline looks like a line: on one date alone that may be a street or the edge of a field, and growth needs both"
)
"""What a date is worth whose other date shows no line."""
GROWN = (
    "the line of the later date left the one outline that was drawn and was sought outward from where it had faded: it runs where most of what "
    "is new looks like a line; look at the overlay, or draw a prior of that date"
)
"""What limits an enlargement that no outline told of."""
ONE_OUTLINE = (
    "both dates were searched around one outline: each line is still seen at the other date, but a part that moved out of the band, outward or "
    "inward, may have been taken for something beside it; draw a prior of each date"
)
"""What limits the answer where no outline tells of a change."""

__all__ = ["PerimeterParams", "detect_perimeter"]


def detect_perimeter(before: Image, after: Image, site: Site, params: PerimeterParams = PerimeterParams()) -> Findings:  # noqa: B008  (frozen)
    """Trace the enclosing line at both dates and compare the two.

    Parameters
    ----------
    before, after : Image
        On the same geobox (metres), registered.
    site : Site
        With the prior outline of each date (the largest part of it is used). The half width of the band is `perimeter_accuracy_m` + 5 m, at least
        15 m, at most `band_share` of the prior's inradius; above `wide_m` the outline is placed first, and where too little is seen in the band
        it is placed within 2.5 times that. `lines_before` and `lines_after` are what an analyst digitised.
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
    asked = [band_of(image, prior, site.perimeter_accuracy_m, params) for image, prior in zip(images, priors, strict=True)]
    bands, traces, short = traces_of(images, asked, params)
    lines = []
    for image, trace, why, drawn in zip(images, traces, short, (site.lines_before, site.lines_after), strict=True):
        each = [digitised_line(line, image, params) for line in drawn]
        lines.append(combined([*([traced_line(trace)] if trace and not why else []), *(line for line in each if line)]))
    observed = float(np.mean([band.observed if band else 0.0 for band in bands]))
    score, searched = score_of(before, after, [band for band in bands if band], [trace for trace in traces if trace])
    first, second = lines
    if first is None or second is None:
        reason = _refusal(images, lines, short)
        return _findings(before, after, site, reason, observed=observed, searched=searched, score=score)
    records, growth = records_of(images, (first, second), traces, bands, params), growth_of((first, second), params)
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


def _refusal(images: Sequence[Image], lines: Sequence[Line | None], short: Sequence[str]) -> str:
    """Say why the pair is not testable: what keeps the line of a date that has none."""
    missing = [(image.acquired.date(), why) for image, line, why in zip(images, lines, short, strict=True) if line is None]
    untraced = [(day, why) for day, why in missing if why.startswith(TRACED)]
    if untraced:
        said = "no continuous line could be traced near the outline at " + " and ".join(f"{day} ({why})" for day, why in untraced)
    else:
        said = missing[0][1]
    for image, line in zip(images, lines, strict=True):
        if line is not None:
            said += (DRAWN if "digitised" in line.source else ALONE).format(day=image.acquired.date())
    return said


def _limits(images: Sequence[Image], lines: Sequence[Line], short: Sequence[str], bands: Sequence[Band | None]) -> str:
    """Say what limits the answer."""
    said = []
    if any("traced" in line.source for line in lines):
        there = [band for band in bands if band]
        halves = " and ".join(f"{band.half_m:.0f}" for band in there)
        said.append(f"searched within {halves} m of the outlines of the two dates; a road beside the wall within that band cannot be told from it")
        placed = [band for band in there if band.drawn is not None and not band.grown]
        if placed:
            which = "the outlines were" if len(placed) == len(there) else "the outline of one date was"
            how_far = max(band.sought_m for band in placed)
            said.append(f"{which} first moved and scaled as a whole, by up to {how_far:.0f} m, to where a line is seen along it")
        if any(band.grown for band in there):
            said.append(GROWN)
        if one_outline(there):
            said.append(ONE_OUTLINE)
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
