"""Buildings that appeared, were removed or altered, or stayed between two dates."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from shapely import get_coordinates

from camwatch.detect._common import answer, change_probability, coverage, seen_at_both
from camwatch.detect._learned import learned_structures
from camwatch.detect._roofs import roof_likelihood
from camwatch.detect._structure_params import StructureParams
from camwatch.detect._unlearned import unlearned_structures

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from camwatch.aoi import Site
    from camwatch.detect._model import Model
    from camwatch.findings import Finding, Findings
    from camwatch.imagery.image import Image

SMALLEST_M = (16.0, 7.0)
"""The smallest building of interest: a barrack or housing block, long and short side."""

PIXELS_ACROSS = 2.0
"""Pixels that its short side must fill; with fewer it is a line or a dot, and no side of it can be seen to be one."""

MARGIN_M = 60.0
"""Ground around the searched area that is looked at, so that what lies on its edge is seen whole."""


def detect_structures(
    before: Image,
    after: Image,
    site: Site,
    params: StructureParams = StructureParams(),  # noqa: B008  (frozen)
    *,
    model: Model | None = None,
    likelihood: Callable[[Image], NDArray[np.float32]] = roof_likelihood,
) -> Findings:
    """Find buildings that stand at one date and not at the other, that were altered, and (with a model) that stayed.

    With a model that covers the pixels of both sensors, its likelihoods are parted into objects, and each is decided under a tolerance for
    misregistration, lean and shade. Without one, a single-date likelihood that needs no training is outlined at each date, on pixels of about a
    metre: an object counts that ends on all four sides; it is new where the other date's likelihood, raised to its maximum within the registration
    tolerance, stays low over it, and neither its grey values nor the directions of its edges correlate with the other date under any shift of a
    pixel. Removed buildings are the same with the dates exchanged. The comparison of the two pictures is a second opinion where a model speaks.

    Parameters
    ----------
    before, after : Image
        On one GeoBox with a metric CRS, registered (about half a pixel) and radiometrically normalised; one band or more.
    site : Site
        `area` is searched, in the CRS of the grid.
    params : StructureParams
    model : Model or None
        None = the training-free search.
    likelihood : callable, Image → (y, x) float32 in 0..1, NaN where not valid
        Single-date likelihood of a building of the training-free search.

    Returns
    -------
    Findings
        `reason` says which search spoke. `score`: (y, x) in 0..1, the evidence of change, and `came`, that of what appeared alone; NaN farther than
        60 m outside the area, which is not looked at. Pixels too coarse: `not_testable`, and `score` is a generic change statistic that knows nothing
        of shape.

        All records have the measures `long_side_m`, `width_m`, `orientation_deg` (of the long side, clockwise from grid north, 0..180),
        `rectangularity`, `likelihood`, `other_date` (likelihood there), `persistence` (correlation −1..1 of the two pictures, which argues for no
        change) and `change_evidence` (0..1).

        With a model, `change` is `appeared`, `removed`, `altered` or `unchanged`; the outline has a building's walls where it fits one, that of
        the later date where the building stands there; `score` of a change is the model's calibrated probability (`raw_score` before that), of an
        unchanged building the evidence that it stands and stayed. More measures: `change_likelihood` (the model's own `appeared` or `removed`),
        `kept_share` (of the likelihood, found at the other date under the best shift), `changed_share` (of the area), `rebuilt`, `sharpness` (of the
        outline), `second_opinion` (0..1, the training-free evidence for a change).

        Without one, `appeared` and `removed` only, and `weakest_side` (0..1, step across it over the mean of the four sides), `shadow_support`
        (0..1, only where the sun is known).

    Raises
    ------
    ValueError
        The images lie on different grids.

    Notes
    -----
    An object that less than 70 % of its pixels show at both dates is left out: the observed share says what was not seen. Without a model a building
    rebuilt on its own footprint, or given a new roof, is not reported, and often only the lit half of a gable roof is outlined, so widths run short;
    pixels of 2 m and more show little shape, and the other cues let through more. Shadow, lean and season change the outlines by a few metres.

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
            f"{gsd:.3g} m pixels show buildings from about {PIXELS_ACROSS * gsd:.0f} m width on; the smallest of interest measures "
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
    went, came = np.full((2, *seen.shape), np.nan, np.float32)
    window = _window(site.area, before)
    learned = model is not None and model.covers(before, after)
    outlined: list[Finding] = []
    if window is not None:
        pair = _crop(before, window), _crop(after, window)
        if model is not None and learned:
            outlined, gain = learned_structures(*pair, site.area, params, model)
        else:
            outlined, gain = unlearned_structures(*pair, seen[window], site.area, params, likelihood=likelihood)
        went[window], came[window] = np.where(seen[window], gain, np.float32(np.nan))
    records = tuple(replace(record, id=f"structure-{number:04d}") for number, record in enumerate(outlined, 1))
    reason = _learned_reason(model) if model is not None and learned else _unlearned_reason(before, after, model, gsd)
    found = answer(
        "structure", before, after, site, reason=reason, records=records, observed=observed, score=np.maximum(went, came), tells_standing=learned
    )
    return replace(found, came=came)


def _learned_reason(model: Model) -> str:
    """Return which model spoke, and of what its scores are."""
    kind = "probabilities as its maker calibrated them" if model.calibration else "no calibrated probabilities"
    return f"Searched with the model {model.name} (version {model.version or 'not stated'}); its scores are {kind}."


def _unlearned_reason(before: Image, after: Image, model: Model | None, gsd: float) -> str:
    """Return why no model spoke, and what limits the training-free search."""
    limits = []
    if model is not None:
        limits.append(f"Searched without training: the model {model.name} covers pixels up to {model.coarsest_m:g} m, these have {gsd:g} m.")
    unknown = [image.scene for image in (before, after) if image.sun is None]
    if unknown:
        limits.append(f"Sun direction unknown for {' and '.join(unknown)}: guessed from the shadows in the picture.")
    if gsd > SMALLEST_M[1] / 3.0:
        limits.append(f"{gsd:g} m pixels hardly show a building's shape: expect false alarms, most of all on vegetation and water.")
    return " ".join(limits)


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
