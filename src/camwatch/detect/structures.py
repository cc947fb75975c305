"""Buildings that appeared or were removed between two dates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import ndimage as ndi
from shapely import get_coordinates

from camwatch.detect._common import answer, change_probability, coverage, filled, ramp, seen_at_both, shadow_step
from camwatch.detect._roofs import fit_rectangles, roof_likelihood, shade_beside
from camwatch.findings import Finding
from camwatch.rasters import polygons_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from camwatch.aoi import Site
    from camwatch.findings import Findings
    from camwatch.imagery.image import Image

SMALLEST_M = (16.0, 7.0)
"""The smallest building of interest: a barrack or housing block, long and short side."""

PIXELS_ALONG = 3.0
"""Pixels that its long side must fill; with fewer no shape is left to tell a building from a bright field."""


@dataclass(frozen=True, slots=True)
class StructureParams:
    """What counts as a building, and as a change.

    Attributes
    ----------
    max_gsd_m : float
        Coarsest ground sample distance that is searched; the default shows the smallest building of interest with three pixels along its long side.
    min_area_m2 : float
        Smallest footprint reported, in square metres …
    min_area_px : int
        … and in pixels of the coarser sensor, whichever is larger.
    min_likelihood : float
        Single-date likelihood (0..1) that outlines an object.
    min_score : float
        Score (0..1) from which an object is reported; the same as `min_likelihood`: outlined, and nothing argues against the change.
    tolerance_m : float
        Misregistration that the comparison forgives; never less than one pixel.
    """

    max_gsd_m: float = 5.0  # SMALLEST_M[0] / PIXELS_ALONG, rounded down
    min_area_m2: float = 15.0
    min_area_px: int = 4
    min_likelihood: float = 0.30
    min_score: float = 0.30
    tolerance_m: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class _Objects:
    """Objects of one date that the other date lacks; arrays by label, row 0 = ground."""

    labels: NDArray[np.int32]
    score: NDArray[np.float64]
    measures: dict[str, NDArray[np.float64]]
    gain: NDArray[np.float32]


def detect_structures(
    before: Image, after: Image, site: Site, params: StructureParams = StructureParams(), *,
    likelihood: Callable[[Image], NDArray[np.float32]] = roof_likelihood,
) -> Findings:
    """Find buildings that stand at one date and not at the other.

    A single-date likelihood is outlined at each date. An object is new where the other date's likelihood, raised to its maximum within the
    registration tolerance, stays low over it, and neither its grey values nor the directions of its edges correlate with the other date under any
    shift of a pixel. Removed buildings are the same with the dates exchanged.

    Parameters
    ----------
    before, after : Image
        On one GeoBox with a metric CRS, registered (about half a pixel) and radiometrically normalised; one band or more.
    site : Site
        `area` is searched, in the CRS of the grid.
    params : StructureParams
    likelihood : callable, Image → (y, x) float32 in 0..1, NaN where not valid
        Single-date likelihood of a building; the default needs no training.

    Returns
    -------
    Findings
        Records with `change` `appeared` or `removed`, the simplified outline, and measures `long_side_m`, `width_m`, `orientation_deg` (of the long
        side, clockwise from grid north, 0..180), `likelihood`, `other_date` (likelihood there), `persistence` (correlation −1..1 that argues for no
        change), `change_evidence` (0..1), `rectangularity` (0..1), `shadow_support` (0..1, only where the sun is known). `score`: (y, x) in 0..1,
        the larger of both gains. Pixels too coarse: `not_testable`, and `score` is a generic change statistic that knows nothing of shape.

    Raises
    ------
    ValueError
        The images lie on different grids.

    Notes
    -----
    A building rebuilt on its own footprint, or given a new roof, is not reported; there is no `altered`. An object that less than 70 % of its pixels
    show at both dates is left out: the observed share says what was not seen. Without the shape that pixels under 2 m show, the other cues let
    through more: 15 false objects for each km² of wetland at 5 m. Shadow, lean and season change the outlines by a few metres.

    References
    ----------
    .. [1] M. Hussain et al., "Change detection from remotely sensed images: from pixel-based to object-based approaches", ISPRS J. 80, 2013,
       doi:10.1016/j.isprsjprs.2013.03.006
    """
    seen = seen_at_both(before, after)
    gsd = max(before.gsd_m, after.gsd_m)
    observed = coverage(site.area, before.geobox, seen)
    if gsd > params.max_gsd_m:
        reason = (
            f"{gsd:g} m pixels show buildings from about {PIXELS_ALONG * gsd:.0f} m length on; the smallest of interest measures "
            f"{SMALLEST_M[0]:g} × {SMALLEST_M[1]:g} m, which needs {params.max_gsd_m:g} m pixels or finer."
        )
        return answer("structure", before, after, site, reason=reason, records=(), observed=observed, score=change_probability(before, after, seen),
                      testable=False)
    old, new = (np.where(seen, likelihood(image), np.float32(0.0)) for image in (before, after))
    appeared = _gained((before, old), (after, new), seen, params)
    removed = _gained((after, new), (before, old), seen, params)
    outlined = _outlined(appeared, "appeared", after, site.area, params) + _outlined(removed, "removed", before, site.area, params)
    records = tuple(replace(record, id=f"structure-{number:04d}") for number, record in enumerate(outlined, 1))
    score = np.where(seen, np.maximum(appeared.gain, removed.gain), np.float32(np.nan))
    unknown = [image.scene for image in (before, after) if image.sun is None]
    limits = [f"Sun direction unknown for {' and '.join(unknown)}: guessed from the shadows in the picture."] if unknown else []
    if gsd > SMALLEST_M[1] / PIXELS_ALONG:
        limits.append(f"{gsd:g} m pixels hardly show a building's shape: expect false alarms, most of all on vegetation and water.")
    return answer("structure", before, after, site, reason=" ".join(limits), records=records, observed=observed, score=score)


def _gained(
    without: tuple[Image, NDArray[np.float32]], having: tuple[Image, NDArray[np.float32]], seen: NDArray[np.bool_], params: StructureParams,
) -> _Objects:
    """Return the objects outlined in the likelihood of `having` with the score of their being absent from `without`."""
    (old_image, old), (new_image, new) = without, having
    pixel = new_image.pixel_m
    reach = max(round(params.tolerance_m / pixel), 1)
    highest = ndi.maximum_filter(old, size=2 * reach + 1)
    # An opening of a metre or a pixel parts houses that touch by a hedge or a drive.
    width = 2 * max(round(1.0 / pixel), 1) + 1
    labels, count = ndi.label(ndi.binary_opening(new > params.min_likelihood, np.ones((width, width)) if pixel <= 1.5 else None))
    labels = np.asarray(labels, np.int32)
    area = np.bincount(labels.ravel(), minlength=count + 1).astype(np.float64)
    mean_new, mean_old, share_seen = (
        np.bincount(labels.ravel(), plane.ravel(), count + 1) / np.maximum(area, 1.0) for plane in (new, highest, seen)
    )
    persistence = _persistence(old_image, new_image, labels, count + 1)
    evidence = ramp(persistence, 0.60, 0.30)
    absent = ramp(mean_old / np.maximum(mean_new, 1e-6), 0.80, 0.30)
    smallest = max(params.min_area_m2 / pixel**2, params.min_area_px * (max(old_image.gsd_m, new_image.gsd_m) / pixel) ** 2)
    score = mean_new * absent * evidence * (area >= smallest) * (share_seen >= 0.7)
    score[0] = 0.0
    rise = new * ramp(highest / np.maximum(new, 1e-6), 0.80, 0.30)
    gain = np.asarray(np.where(labels > 0, rise * evidence[labels], rise), np.float32)
    fit, long_px, short_px = fit_rectangles(labels, area)
    measures = {"likelihood": mean_new, "other_date": mean_old, "persistence": persistence, "change_evidence": evidence, "rectangularity": fit,
                "long_side_m": long_px * pixel, "width_m": short_px * pixel}
    if new_image.sun is not None:
        tone = filled(new_image.luminance()[None], new_image.valid)[0]
        spread = max(float(np.std(tone)), 1e-9)
        rows, cols = shadow_step(new_image.sun, new_image.geobox)
        measures["shadow_support"] = shade_beside(tone / spread, labels, count + 1, (rows, cols))
    return _Objects(labels, score, measures, gain)


def _persistence(old: Image, new: Image, labels: NDArray[np.int32], count: int) -> NDArray[np.float64]:
    """Return by label how much of what `new` shows in and around the object was there in `old`: the larger of two correlations, −1..1.

    Grey values correlate where roof, ground and shade look alike; edge directions, their angle doubled so that a dark roof that turned bright still
    agrees, where the outline stood already. The best of nine shifts by a pixel is taken: what lies half a pixel off is still the same building.
    """
    # The outline lies between object and ground: a metre and a half, or two pixels, of the ground belongs to the comparison.
    ring = 2 * max(round(1.5 / new.pixel_m), 2) + 1
    grown = np.where(labels > 0, labels, ndi.grey_dilation(labels, size=(ring, ring)))
    rows, cols = np.nonzero(grown)
    label = grown[rows, cols]
    planes = [ndi.gaussian_filter(filled(image.luminance()[None], image.valid)[0], 1.0) for image in (old, new)]
    fields = [_edge_directions(plane) for plane in planes]

    def total(values: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.bincount(label, values, count).astype(np.float64)

    pixels = np.maximum(np.bincount(label, minlength=count), 1)
    grey = planes[1][rows, cols].astype(np.float64)
    grey -= (total(grey) / pixels)[label]
    grey_power = total(grey**2)
    first, second = (part[rows, cols] for part in fields[1])
    edge_power = total(first**2 + second**2)
    best = np.full(count, -1.0)
    height, width = labels.shape
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            at = (rows + down).clip(0, height - 1), (cols + right).clip(0, width - 1)
            other = planes[0][at].astype(np.float64)
            other -= (total(other) / pixels)[label]
            alike = total(grey * other) / np.sqrt(np.maximum(grey_power * total(other**2), 1e-30))
            there = fields[0][0][at], fields[0][1][at]
            along = total(first * there[0] + second * there[1]) / np.sqrt(np.maximum(edge_power * total(there[0] ** 2 + there[1] ** 2), 1e-30))
            best = np.maximum(best, np.maximum(alike, along))
    return best


def _edge_directions(plane: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the gradient with its angle doubled and its length kept, as two (y, x) planes."""
    down, right = (g.astype(np.float64) for g in np.gradient(plane))
    length = np.maximum(np.hypot(down, right), 1e-12)
    return (right**2 - down**2) / length, 2.0 * right * down / length


def _outlined(objects: _Objects, change: Literal["appeared", "removed"], image: Image, area: BaseGeometry, params: StructureParams) -> list[Finding]:
    """Return the objects that pass `min_score` and lie in `area`, in the order of their labels (by row of the grid); without ids."""
    keep = objects.score >= params.min_score
    outlines = polygons_of(np.where(keep[objects.labels], objects.labels, 0).astype(np.int32), image.geobox)
    records: list[Finding] = []
    for label, outline in outlines.items():
        if not area.contains(outline.representative_point()):
            continue
        # A pixel's staircase says nothing; half a working pixel is kept.
        drawn = outline.simplify(max(image.pixel_m, 0.5))
        shape = drawn if drawn.is_valid and not drawn.is_empty else outline
        measures: dict[str, float | str] = {name: float(values[label]) for name, values in objects.measures.items()}
        measures["orientation_deg"] = _orientation_deg(outline)
        records.append(Finding("", "structure", change, shape, float(objects.score[label]), float(outline.area), measures))
    return records


def _orientation_deg(outline: BaseGeometry) -> float:
    """Return the bearing of the long side of the smallest enclosing rectangle, 0..180° clockwise from grid north."""
    corners = get_coordinates(outline.minimum_rotated_rectangle)
    sides = np.diff(corners[:3], axis=0)
    east, north = sides[np.argmax(np.hypot(*sides.T))]
    return float(np.rad2deg(np.arctan2(east, north)) % 180.0)
