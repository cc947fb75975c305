"""New and razed buildings with nothing trained: single-date likelihoods held against each other, and what the two pictures have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy import ndimage as ndi
from shapely import get_coordinates

from camwatch.detect._common import blocks, filled, ramp, shadow_step
from camwatch.detect._roofs import CLOSED, contrast_tones, fit_rectangles, luminance_of, work_factor
from camwatch.detect._sides import closed_sides, shade_beside
from camwatch.findings import Finding
from camwatch.rasters import polygons_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from camwatch.detect._structure_params import StructureParams
    from camwatch.imagery.image import Image

LEVELS = (0.30, 0.45, 0.60, 0.75)
"""Likelihoods, above the lowest, at which objects are outlined too: a roof beside something that is half like one stands out only higher up."""

SAME = (0.60, 0.30)
"""Correlations from which two pictures show the same object, and up to which they do not."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One date as pictures are compared: `bright`ness on working pixels, and its `edges` as `_edge_directions` gives them."""

    bright: NDArray[np.float32]
    edges: tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class _Date:
    """One date on working pixels: `tones` in contrast units, its `look`, and `likelihood`."""

    image: Image
    pixel_m: float
    tones: NDArray[np.float32]
    look: Look
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


def unlearned_structures(
    before: Image,
    after: Image,
    seen: NDArray[np.bool_],
    area: BaseGeometry,
    params: StructureParams,
    *,
    likelihood: Callable[[Image], NDArray[np.float32]],
) -> tuple[list[Finding], NDArray[np.float32]]:
    """Find what a single-date likelihood outlines at one date and not at the other.

    Parameters
    ----------
    before, after : Image
        On one grid.
    seen : (y, x) bool
        Pixels that both dates show.
    area : geometry
        Objects in it are returned.
    params : StructureParams
    likelihood : callable, Image → (y, x) float32 in 0..1, NaN where not valid

    Returns
    -------
    (list of Finding without ids, (2, y, x) float32)
        The records, those that appeared first, and the evidence of what went and of what came by pixel of the grid.
    """
    factor = max(work_factor(image) for image in (before, after))
    dates = [_look(image, seen, likelihood, factor) for image in (before, after)]
    appeared, removed = (_gained(without, having, params) for without, having in (dates, dates[::-1]))
    records = [*_outlined(appeared, "appeared", dates[1], area, params), *_outlined(removed, "removed", dates[0], area, params)]
    return records, np.stack([_finer(each.gain, factor, seen.shape) for each in (removed, appeared)])


def _look(image: Image, seen: NDArray[np.bool_], likelihood: Callable[[Image], NDArray[np.float32]], factor: int) -> _Date:
    """Return what is compared, on working pixels of `factor` grid pixels."""
    planes = blocks(filled(image.values, image.valid), factor)
    chance, share = blocks(np.stack([np.where(seen, likelihood(image), np.float32(0.0)), seen]).astype(np.float32), factor)
    pixel = image.pixel_m * factor
    return _Date(
        image,
        pixel,
        contrast_tones(image.bands, planes, pixel),
        _compared(planes[image.bands.index("pan")] if "pan" in image.bands else luminance_of(image.bands, planes)),
        chance,
        share > 0.5,
        GeoBox(chance.shape, image.geobox.affine * Affine.scale(factor), image.geobox.crs),
    )


def look_of(image: Image, factor: int) -> Look:
    """Return what :func:`persistence` compares, on working pixels of `factor` grid pixels."""
    # One band is averaged, not three.
    bright = image.band("pan") if "pan" in image.bands else luminance_of(image.bands, image.values)
    # Holes are filled on working pixels: the nearest valid pixel is dear to find.
    seen = image.valid & np.isfinite(bright)
    share = blocks(seen[None].astype(np.float32), factor)
    mean = blocks(np.where(seen, bright, np.float32(0.0))[None], factor) / np.where(share > 0, share, np.float32(1.0))
    return _compared(filled(np.asarray(mean, np.float32), share[0] > 0)[0])


def _compared(plane: NDArray[np.float32]) -> Look:
    bright = ndi.gaussian_filter(plane, 0.7)
    return Look(bright, _edge_directions(bright))


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
    alike = persistence(without.look, having.look, labels, len(left))
    evidence = ramp(alike, *SAME)
    long_m, short_m = frame[4] * pixel, frame[5] * pixel
    measures = {
        "likelihood": mean_new[left],
        "other_date": mean_old[left],
        "persistence": alike,
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


def persistence(without: Look, having: Look, labels: NDArray[np.int32], count: int) -> NDArray[np.float64]:
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
