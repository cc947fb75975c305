"""What is known of the enclosing line at one date, traced or digitised, and what the two say together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from shapely.geometry import Polygon
from shapely.geometry.polygon import orient

from camwatch.detect._perimeter_errors import Doubt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from camwatch.aoi.records import Digitised
    from camwatch.detect._perimeter_params import PerimeterParams
    from camwatch.detect._trace import Trace
    from camwatch.imagery.image import Image

CONFLICT = 2.576
"""Two lines whose areas or lengths differ by more standard errors than this contradict one another: one pair in a hundred by chance."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """The enclosing line of a date.

    Attributes
    ----------
    polygon : Polygon
        Of the line with the smallest error.
    area_m2, area_se_m2, length_m, length_se_m : float
        The combined figures where there are several lines.
    sigma_m : float
        Standard error across the line.
    shared_m2 : float
        The part of the area's standard error that the lines traced at both dates have in common.
    evidence : float
        0..1, the score; a line that an analyst drew has 1.
    source : str
        `traced`, `digitised`, or both.
    inferred, ambiguous : float
        Shares of the length that were bridged, or have a rival.
    doubts : tuple of Doubt
    lines : tuple of Line
        What was combined, where there were several.
    conflict : str
        How these contradict one another; empty where they agree.
    """

    polygon: Polygon
    area_m2: float
    area_se_m2: float
    length_m: float
    length_se_m: float
    sigma_m: float
    evidence: float
    source: str
    inferred: float = 0.0
    ambiguous: float = 0.0
    shared_m2: float = 0.0
    doubts: tuple[Doubt, ...] = ()
    lines: tuple[Line, ...] = ()
    conflict: str = ""


def traced_line(trace: Trace) -> Line:
    """Return what a trace says."""
    return Line(
        trace.polygon,
        float(trace.polygon.area),
        trace.area_se_m2,
        trace.length_m,
        trace.length_se_m,
        trace.sigma_m,
        trace.evidence,
        "traced",
        trace.inferred,
        trace.ambiguous,
        trace.shared_m2,
        trace.doubts,
    )


def digitised_line(drawn: Digitised, image: Image, params: PerimeterParams) -> Line | None:
    """Return what an analyst's line says, with the standard errors of its area and length; None where it has no polygon.

    Notes
    -----
    Each vertex that shapes the line errs on its own by the stated accuracy, half a pixel's quantisation and the image's registration residual:
    σ²(A) = σ²/4 · Σ|v(i+1) - v(i-1)|², and σ²(L) = σ² · Σ|u(i) - u(i-1)|² with the unit vectors u along the sides (first-order propagation,
    Chrisman and Yandell 1988, Surveying and Mapping 48(4), 241). Vertices closer than `correlation_m` are drawn by one movement of the hand and
    count as one.
    """
    parts = [p for p in getattr(drawn.geometry, "geoms", [drawn.geometry]) if isinstance(p, Polygon) and not p.is_empty]
    if not parts:
        return None
    polygon = orient(Polygon(max(parts, key=lambda p: p.area).exterior))
    pixel = max(image.pixel_m, image.gsd_m)
    sigma = float(np.sqrt(drawn.accuracy_m**2 + pixel**2 / 12 + (params.registration_px * pixel) ** 2))
    corners = _apart(polygon, sigma, params.correlation_m)
    ahead, behind = np.roll(corners, -1, axis=0), np.roll(corners, 1, axis=0)
    sides = ahead - corners
    units = sides / np.maximum(np.hypot(*sides.T), 1e-9)[:, None]
    area_se = 0.5 * sigma * float(np.sqrt(((ahead - behind) ** 2).sum()))
    length_se = sigma * float(np.sqrt(((units - np.roll(units, 1, axis=0)) ** 2).sum()))
    return Line(polygon, float(polygon.area), area_se, float(polygon.length), length_se, sigma, 1.0, "digitised")


def _apart(polygon: Polygon, sigma: float, apart_m: float) -> NDArray[np.float64]:
    """Return the vertices (k, 2) that shape an outline beyond its error, none closer to the one before than `apart_m`; at least three."""
    points = np.asarray(polygon.exterior.simplify(0.5 * sigma).coords, np.float64)[:-1]
    kept = [0]
    for number in range(1, len(points)):
        if np.hypot(*(points[number] - points[kept[-1]])) >= apart_m:
            kept.append(number)
    return points[kept] if len(kept) >= 3 else np.asarray(polygon.exterior.coords, np.float64)[:-1]


def combined(lines: Sequence[Line]) -> Line | None:
    """Return what several lines of one date say together; None of none.

    Figures are weighted by their inverse variance. Where they differ by more than their errors explain, the error of the mean grows with the root
    of their reduced chi-square (Birge 1932, doi:10.1103/PhysRev.40.207); where two contradict one another, at least until the 95 % interval holds the
    figure of each.
    """
    if len(lines) < 2:
        return lines[0] if lines else None
    conflict = _conflict(lines)
    area, area_se = _mean([line.area_m2 for line in lines], [line.area_se_m2 for line in lines], reach=bool(conflict))
    length, length_se = _mean([line.length_m for line in lines], [line.length_se_m for line in lines], reach=bool(conflict))
    best = min(lines, key=lambda line: line.area_se_m2)
    sources = list(dict.fromkeys(line.source for line in lines))
    found = replace(
        best,
        area_m2=area,
        area_se_m2=area_se,
        length_m=length,
        length_se_m=length_se,
        shared_m2=_shared(lines, area_se),
        evidence=max(line.evidence for line in lines),
        source=" and ".join(sources),
        lines=tuple(lines),
        conflict=conflict,
    )
    if not conflict:
        return found
    # What lies between two lines that contradict one another is in doubt as a whole.
    between = max(lines, key=lambda line: best.polygon.symmetric_difference(line.polygon).area).polygon
    aside = best.polygon.symmetric_difference(between).area / best.length_m
    doubt = Doubt(best.polygon.exterior, aside, abs(between.area - best.area_m2) / 2, abs(between.length - best.length_m) / 2)
    return replace(found, sigma_m=max(found.sigma_m, aside), doubts=(*found.doubts, doubt))


def _mean(values: Sequence[float], errors: Sequence[float], *, reach: bool) -> tuple[float, float]:
    """Return the inverse-variance mean and its standard error; with `reach` 1.96 of these reach the farthest value."""
    value, weight = np.array(values), 1 / np.square(errors)
    mean = float((value * weight).sum() / weight.sum())
    scatter = float((weight * (value - mean) ** 2).sum() / (len(value) - 1))
    error = float(np.sqrt(max(1.0, scatter) / weight.sum()))
    return mean, max(error, float(np.abs(value - mean).max()) / 1.96) if reach else error


def _shared(lines: Sequence[Line], area_se: float) -> float:
    """Return what is left in the weighted mean of the part of the lines' errors that is common to both dates; no more than the mean's own error."""
    weight = 1 / np.square([line.area_se_m2 for line in lines])
    return min(float((weight * [line.shared_m2 for line in lines]).sum() / weight.sum()), area_se)


def _conflict(lines: Sequence[Line]) -> str:
    """Say which two lines contradict one another most; empty where none do."""
    worst, said = CONFLICT, ""
    for number, one in enumerate(lines):
        for other in lines[number + 1 :]:
            for what, unit, scale, gap, error in (
                ("area", "km²", 1e6, one.area_m2 - other.area_m2, float(np.hypot(one.area_se_m2, other.area_se_m2))),
                ("length", "km", 1e3, one.length_m - other.length_m, float(np.hypot(one.length_se_m, other.length_se_m))),
            ):
                if abs(gap) > worst * error:
                    first, second = (one.area_m2, other.area_m2) if what == "area" else (one.length_m, other.length_m)
                    worst = abs(gap) / error
                    said = f"a {one.source} line of {first / scale:.4g} {unit} against a {other.source} one of {second / scale:.4g} {unit} ({what})"
    return said
