"""Buildings that appeared or were removed between two dates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy import ndimage as ndi
from shapely import get_coordinates

from camwatch.detect._common import answer, blocks, change_probability, coverage, filled, ramp, seen_at_both, shadow_step
from camwatch.detect._roofs import CLOSED, contrast_tones, fit_rectangles, luminance_of, roof_likelihood, work_factor
from camwatch.detect._sides import closed_sides, shade_beside
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

PIXELS_ACROSS = 2.0
"""Pixels that its short side must fill; with fewer it is a line or a dot, and no side of it can be seen to be one."""

LEVELS = (0.30, 0.45, 0.60, 0.75)
"""Likelihoods, above the lowest, at which objects are outlined too: a roof beside something that is half like one stands out only higher up."""

MARGIN_M = 60.0
"""Ground around the searched area that is looked at, so that what lies on its edge is seen whole."""


@dataclass(frozen=True, slots=True)
class StructureParams:
    """What counts as a building, and as a change.

    Attributes
    ----------
    max_gsd_m : float
        Coarsest ground sample distance that is searched; the default shows the smallest building of interest with two pixels across its short side.
    min_area_m2 : float
        Smallest footprint reported, in square metres (half the roof of a hut of 8 × 7 m; guard towers have less) …
    min_area_px : int
        … and in pixels of the coarser sensor, whichever is larger.
    min_likelihood : float
        Single-date likelihood (0..1) that outlines an object.
    min_score : float
        Score (0..1) from which an object is reported; the same as `min_likelihood`: outlined, and nothing argues against it.
    tolerance_m : float
        Misregistration that the comparison forgives; never less than one pixel.
    """

    max_gsd_m: float = 3.5  # SMALLEST_M[1] / PIXELS_ACROSS
    min_area_m2: float = 30.0
    min_area_px: int = 4
    min_likelihood: float = 0.20
    min_score: float = 0.20
    tolerance_m: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class _Date:
    """One date on working pixels: `tones` in contrast units, `bright`ness, its `edges` as `_edge_directions` gives them, and `likelihood`."""

    image: Image
    pixel_m: float
    tones: NDArray[np.float32]
    bright: NDArray[np.float32]
    edges: tuple[NDArray[np.float64], NDArray[np.float64]]
    likelihood: NDArray[np.float32]
    seen: NDArray[np.bool_]
    geobox: GeoBox


@dataclass(frozen=True, slots=True, eq=False)
class _Objects:
    """Objects of one date that the other date lacks; arrays by label, row 0 = ground."""

    labels: NDArray[np.int32]
    score: NDArray[np.float64]
    measures: dict[str, NDArray[np.float64]]
    gain: NDArray[np.float32]


def detect_structures(
    before: Image,
    after: Image,
    site: Site,
    params: StructureParams = StructureParams(),
    *,
    likelihood: Callable[[Image], NDArray[np.float32]] = roof_likelihood,
) -> Findings:
    """Find buildings that stand at one date and not at the other.

    A single-date likelihood is outlined at each date, on pixels of about a metre. An object counts that ends on all four sides; it is new where
    the other date's likelihood, raised to its maximum within the registration tolerance, stays low over it, and neither its grey values nor the
    directions of its edges correlate with the other date under any shift of a pixel. Removed buildings are the same with the dates exchanged.

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
        change), `change_evidence` (0..1), `rectangularity` (0..1), `weakest_side` (0..1, step across it over the mean of the four sides),
        `shadow_support` (0..1, only where the sun is known). `score`: (y, x) in 0..1, the larger of both gains; NaN farther than 60 m outside
        the area, which is not looked at. Pixels too coarse: `not_testable`, and `score` is a generic change statistic that knows nothing of shape.

    Raises
    ------
    ValueError
        The images lie on different grids.

    Notes
    -----
    A building rebuilt on its own footprint, or given a new roof, is not reported; there is no `altered`. An object that less than 70 % of its pixels
    show at both dates is left out: the observed share says what was not seen. Often only the lit half of a gable roof is outlined, so widths run
    short. Pixels of 2 m and more show little shape, and the other cues let through more. Shadow, lean and season change the outlines by a few metres.

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
            f"{gsd:g} m pixels show buildings from about {PIXELS_ACROSS * gsd:.0f} m width on; the smallest of interest measures "
            f"{SMALLEST_M[0]:g} × {SMALLEST_M[1]:g} m, which needs {params.max_gsd_m:g} m pixels or finer."
        )
        return answer(
            "structure",
            before,
            after,
            site,
            reason=reason,
            records=(),
            observed=observed,
            score=change_probability(before, after, seen),
            testable=False,
        )
    score = np.full(seen.shape, np.nan, np.float32)
    window = _window(site.area, before)
    outlined: list[Finding] = []
    if window is not None:
        factor = max(work_factor(image) for image in (before, after))
        dates = [_look(_crop(image, window), seen[window], likelihood, factor) for image in (before, after)]
        appeared, removed = (_gained(without, having, params) for without, having in (dates, dates[::-1]))
        outlined = [*_outlined(appeared, "appeared", dates[1], site.area, params), *_outlined(removed, "removed", dates[0], site.area, params)]
        gain = _finer(np.maximum(appeared.gain, removed.gain), factor, seen[window].shape)
        score[window] = np.where(seen[window], gain, np.float32(np.nan))
    records = tuple(replace(record, id=f"structure-{number:04d}") for number, record in enumerate(outlined, 1))
    unknown = [image.scene for image in (before, after) if image.sun is None]
    limits = [f"Sun direction unknown for {' and '.join(unknown)}: guessed from the shadows in the picture."] if unknown else []
    if gsd > SMALLEST_M[1] / 3.0:
        limits.append(f"{gsd:g} m pixels hardly show a building's shape: expect false alarms, most of all on vegetation and water.")
    return answer("structure", before, after, site, reason=" ".join(limits), records=records, observed=observed, score=score)


def _window(area: BaseGeometry, image: Image) -> tuple[slice, slice] | None:
    """Return the (rows, cols) of the grid that hold `area` and :data:`MARGIN_M` around it; None where none does."""
    corners = get_coordinates(area.buffer(MARGIN_M).envelope)
    col, row = ~image.geobox.affine * corners.T
    height, width = image.geobox.shape
    rows = slice(max(int(np.floor(row.min())), 0), min(int(np.ceil(row.max())), height))
    cols = slice(max(int(np.floor(col.min())), 0), min(int(np.ceil(col.max())), width))
    return (rows, cols) if rows.start < rows.stop and cols.start < cols.stop else None


def _crop(image: Image, window: tuple[slice, slice]) -> Image:
    return replace(image, values=image.values[(slice(None), *window)], valid=image.valid[window], geobox=image.geobox[window])


def _look(image: Image, seen: NDArray[np.bool_], likelihood: Callable[[Image], NDArray[np.float32]], factor: int) -> _Date:
    """Return what is compared, on working pixels of `factor` grid pixels."""
    planes = blocks(filled(image.values, image.valid), factor)
    chance, share = blocks(np.stack([np.where(seen, likelihood(image), np.float32(0.0)), seen]).astype(np.float32), factor)
    bright = planes[image.bands.index("pan")] if "pan" in image.bands else luminance_of(image.bands, planes)
    bright = ndi.gaussian_filter(bright, 0.7)
    pixel = image.pixel_m * factor
    return _Date(
        image,
        pixel,
        contrast_tones(image.bands, planes, pixel),
        bright,
        _edge_directions(bright),
        chance,
        share > 0.5,
        GeoBox(chance.shape, image.geobox.affine * Affine.scale(factor), image.geobox.crs),
    )


def _gained(without: _Date, having: _Date, params: StructureParams) -> _Objects:
    """Return the objects that the likelihood of `having` outlines, with the score of their being absent from `without`.

    The likelihood is cut at several levels; of outlines that overlap the one with the best score stays.
    """
    pixel = having.pixel_m
    reach = max(round(params.tolerance_m / pixel), 1)
    highest = ndi.maximum_filter(without.likelihood, size=2 * reach + 1)
    rise = having.likelihood * ramp(highest / np.maximum(having.likelihood, 1e-6), 0.80, 0.30)
    levels = [level for level in LEVELS if level > params.min_likelihood]
    parts = [_cut(level, without, having, highest, params) for level in (params.min_likelihood, *levels)]
    # For ranking pixels: what rose but makes no object counts half; an object counts for as much as its score, evened by the root.
    gain = np.asarray(0.5 * rise, np.float32)
    labels = np.zeros(rise.shape, np.int32)
    picked: list[tuple[int, int]] = []
    order = sorted(((-score, level, label) for level, part in enumerate(parts) for label, score in enumerate(part.score) if score > 0.0))
    frames = [ndi.find_objects(part.labels) for part in parts]
    for _, level, label in order:
        frame = frames[level][label - 1]
        mine = parts[level].labels[frame] == label
        if not labels[frame][mine].any():
            picked.append((level, label))
            labels[frame][mine] = len(picked)
            gain[frame][mine] = np.maximum(rise[frame][mine], 0.5) * parts[level].score[label] ** 0.5

    def gathered(values: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        return np.array([0.0, *(values[level][label] for level, label in picked)])

    measures = {name: gathered([part.measures[name] for part in parts]) for name in parts[0].measures}
    return _Objects(labels, gathered([part.score for part in parts]), measures, gain)


def _cut(level: float, without: _Date, having: _Date, highest: NDArray[np.float32], params: StructureParams) -> _Objects:
    """Return the objects where the likelihood of `having` passes `level`."""
    pixel = having.pixel_m
    # An opening of three metres parts houses that touch by a hedge or a drive.
    labels, count = ndi.label(ndi.binary_opening(having.likelihood > level, np.ones((3, 3)) if pixel <= 1.5 else None))
    coarse = max(without.image.gsd_m, having.image.gsd_m) / pixel
    smallest = max(params.min_area_m2 / pixel**2, params.min_area_px * coarse**2)
    flat = labels.ravel()
    area = np.bincount(flat, minlength=count + 1).astype(np.float64)
    mean_new, mean_old, share_seen = (
        np.bincount(flat, plane.ravel(), count + 1) / np.maximum(area, 1.0) for plane in (having.likelihood, highest, without.seen & having.seen)
    )
    absent = ramp(mean_old / np.maximum(mean_new, 1e-6), 0.80, 0.30)
    rough = mean_new * absent * (area >= smallest) * (share_seen >= 0.7)
    rough[0] = 0.0
    # The measures that follow cost more: only what could still be reported is measured.
    left = np.flatnonzero(rough >= params.min_score)
    number = np.zeros(count + 1, np.int32)
    number[left] = np.arange(1, len(left) + 1)
    labels = number[labels]
    left = np.concatenate([[0], left])
    rows, cols = np.nonzero(labels)
    fit, frame = fit_rectangles(labels[rows, cols], rows, cols, len(left))
    closure = closed_sides(having.tones, frame, pixel)
    persistence = _persistence(without, having, labels, len(left))
    evidence = ramp(persistence, 0.60, 0.30)
    long_m, short_m = frame[4] * pixel, frame[5] * pixel
    measures = {
        "likelihood": mean_new[left],
        "other_date": mean_old[left],
        "persistence": persistence,
        "change_evidence": evidence,
        "rectangularity": fit,
        "long_side_m": long_m,
        "width_m": short_m,
        "weakest_side": closure,
    }
    score = rough[left] * evidence * ramp(closure, *CLOSED)
    if having.image.sun is not None:
        tone = having.tones[0]
        own = np.bincount(labels.ravel(), tone.ravel(), len(left)) / np.maximum(area[left], 1.0)
        measures["shadow_support"] = shade_beside(tone, frame, own, shadow_step(having.image.sun, having.geobox))
    score[0] = 0.0
    return _Objects(labels, score, measures, having.likelihood)


def _persistence(without: _Date, having: _Date, labels: NDArray[np.int32], count: int) -> NDArray[np.float64]:
    """Return by label how much of what `having` shows in and around the object was there in `without`: the larger of two correlations, −1..1.

    Grey values correlate where roof, ground and shade look alike; edge directions, their angle doubled so that a dark roof that turned bright still
    agrees, where the outline stood already. The best of nine shifts by a pixel is taken: what lies half a pixel off is still the same building.
    """
    # The outline lies between object and ground: two pixels of the ground belong to the comparison.
    grown = np.where(labels > 0, labels, ndi.grey_dilation(labels, size=(5, 5)))
    rows, cols = np.nonzero(grown)
    label = grown[rows, cols]
    planes, fields = [without.bright, having.bright], [without.edges, having.edges]

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


def _finer(plane: NDArray[np.float32], factor: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return a plane of working pixels on the pixels of the grid."""
    return plane.repeat(factor, 0).repeat(factor, 1)[: shape[0], : shape[1]]


def _edge_directions(plane: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the gradient with its angle doubled and its length kept, as two (y, x) planes."""
    down, right = (g.astype(np.float64) for g in np.gradient(plane))
    length = np.maximum(np.hypot(down, right), 1e-12)
    return (right**2 - down**2) / length, 2.0 * right * down / length


def _outlined(objects: _Objects, change: Literal["appeared", "removed"], date: _Date, area: BaseGeometry, params: StructureParams) -> list[Finding]:
    """Return the objects that pass `min_score` and lie in `area`, in the order of their labels (by row of the grid); without ids."""
    keep = objects.score >= params.min_score
    outlines = polygons_of(np.where(keep[objects.labels], objects.labels, 0).astype(np.int32), date.geobox)
    records: list[Finding] = []
    for label, outline in outlines.items():
        if not area.contains(outline.representative_point()):
            continue
        # A pixel's staircase says nothing; half a working pixel is kept.
        drawn = outline.simplify(max(date.pixel_m, 0.5))
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
