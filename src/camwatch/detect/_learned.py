"""New, razed, altered and standing buildings as a model tells them: its likelihoods, decided per object, outlined and scored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi
from shapely import prepare
from shapely.affinity import affine_transform

from camwatch.detect._common import ramp
from camwatch.detect._objects import decide
from camwatch.detect._outline import outline
from camwatch.detect._roofs import work_factor
from camwatch.detect._split import SMOOTHING_PX
from camwatch.detect._unlearned import SAME, look_of, persistence
from camwatch.findings import Finding
from camwatch.imagery.work import for_each

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox
    from shapely.geometry.base import BaseGeometry

    from camwatch.detect._model import Likelihoods, Model
    from camwatch.detect._objects import Building, Decision
    from camwatch.detect._outline import Outline
    from camwatch.detect._structure_params import StructureParams
    from camwatch.findings import Change
    from camwatch.imagery.image import Image


def learned_structures(
    before: Image, after: Image, area: BaseGeometry, params: StructureParams, model: Model
) -> tuple[list[Finding], NDArray[np.float32]]:
    """Find buildings that came, went, were altered or stayed, as a model tells them.

    Parameters
    ----------
    before, after : Image
        On one grid, no coarser than the model covers.
    area : geometry
        Objects in it are returned.
    params : StructureParams
    model : Model

    Returns
    -------
    (list of Finding without ids, (2, y, x) float32)
        The records, and the evidence of what went and of what came by pixel of the grid, NaN where a date is not seen.
    """
    planes = model.likelihood(before, after, views=params.model_views, half=params.model_half)
    coarse_m = max(before.gsd_m, after.gsd_m)
    smallest_m2 = max(params.model_min_area_m2, params.min_area_px * coarse_m**2)
    smallest_px = smallest_m2 / planes.pixel_m**2
    decided = decide(planes, params, smallest_px)
    frames = [ndi.find_objects(parts.labels) for parts in decided.parts]
    alike = _alike(before, after, planes, decided)
    prepare(area)
    records: list[Finding] = []
    for building in decided.buildings:
        opinion = float(ramp(alike[building.date][building.label], *SAME))
        raw = building.raw if building.change == "unchanged" else building.raw * (1.0 - params.model_second_opinion * (1.0 - opinion))
        change, score = _said(building, raw, params, model)
        if change is None:
            continue
        shape = _traced(decided, building, frames[building.date][building.label - 1], planes.pixel_m, smallest_px)
        if shape is None or shape.wide_px * planes.pixel_m < params.model_min_width_m:
            continue
        affine = planes.geobox.affine
        drawn = affine_transform(shape.polygon, [affine.a, affine.b, affine.d, affine.e, affine.c, affine.f])
        if not area.contains(drawn.representative_point()):
            continue
        told = {"raw_score": raw, "second_opinion": opinion, "persistence": float(alike[building.date][building.label])}
        measures = {**building.measures, **told, **_shape_measures(shape, planes)}
        records.append(Finding("", "structure", change, drawn, score, float(drawn.area), measures))
    return records, np.stack([_on_grid(plane, planes, before.geobox) for plane in decided.score])


def _said(building: Building, raw: float, params: StructureParams, model: Model) -> tuple[Change | None, float]:
    """Return what is reported of a building, and its score; None where it is not reported."""
    change = building.change
    score = raw if change == "unchanged" else float(model.probability(raw))
    if change == "altered" and score < params.model_min_score:
        # What may have been altered stands in any case.
        change, score = "unchanged", building.measures["likelihood"] * (1.0 - score)
    least = params.model_min_standing if change == "unchanged" else params.model_min_score
    return (change if score >= least else None), score


def _traced(decided: Decision, building: Building, frame: tuple[slice, slice], pixel_m: float, smallest_px: float) -> Outline | None:
    """Return a building's outline in pixels of the whole plane."""
    parts = decided.parts[building.date]
    # Room for the filter and for the contour around the object.
    rows, cols = (slice(max(s.start - 4, 0), s.stop + 4) for s in frame)
    plane = ndi.gaussian_filter(decided.planes[building.date][rows, cols], SMOOTHING_PX)
    return outline(
        np.pad(plane, 1),
        np.pad(parts.labels[rows, cols] == building.label, 1),
        float(parts.level[building.label]),
        pixel_m=pixel_m,
        smallest_px=smallest_px,
        corner=(cols.start - 1, rows.start - 1),
    )


def _shape_measures(shape: Outline, planes: Likelihoods) -> dict[str, float]:
    affine = planes.geobox.affine
    right, down = shape.along
    bearing = np.arctan2(affine.a * right + affine.b * down, affine.d * right + affine.e * down)
    return {
        "long_side_m": shape.long_px * planes.pixel_m,
        "width_m": shape.wide_px * planes.pixel_m,
        "orientation_deg": float(np.rad2deg(bearing) % 180.0),
        "rectangularity": shape.rectangularity,
    }


def _alike(before: Image, after: Image, planes: Likelihoods, decided: Decision) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return for the objects of both dates, by label, how much of their picture the other date shows: a correlation −1..1, with nothing trained."""
    factor = max(work_factor(image) for image in (before, after))
    looks = for_each(lambda image: look_of(image, factor), (before, after), at_once=True)
    ratio = before.pixel_m * factor / planes.pixel_m
    rows, cols = (
        ((np.arange(count) + 0.5) * ratio).astype(int).clip(0, size - 1)
        for count, size in zip(looks[0].bright.shape, decided.score.shape[1:], strict=True)
    )
    there = np.ix_(rows, cols)
    return (
        persistence(looks[1], looks[0], decided.parts[0].labels[there], len(decided.parts[0].level)),
        persistence(looks[0], looks[1], decided.parts[1].labels[there], len(decided.parts[1].level)),
    )


def _on_grid(score: NDArray[np.float32], planes: Likelihoods, grid: GeoBox) -> NDArray[np.float32]:
    """Return a plane of working pixels on the pixels of a grid with the same corner, linear between their centres."""
    shape = tuple(grid.shape)
    if score.shape == shape:
        return score
    step = float(abs(grid.affine.determinant) ** 0.5) / planes.pixel_m
    finer: NDArray[np.float32] = ndi.affine_transform(
        np.nan_to_num(score), [step, step], offset=0.5 * step - 0.5, output_shape=shape, order=1, mode="nearest"
    )
    seen = ndi.affine_transform(
        np.isfinite(score).astype(np.float32), [step, step], offset=0.5 * step - 0.5, output_shape=shape, order=0, mode="nearest"
    )
    return np.where(seen > 0.5, finer, np.float32(np.nan))
