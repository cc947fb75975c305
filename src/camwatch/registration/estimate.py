"""Register a moving image on a reference image, and check the answer on ground that the fit never saw."""

from __future__ import annotations

import numpy as np

from camwatch.errors import PairError
from camwatch.imagery.image import Image
from camwatch.imagery.work import for_each
from camwatch.registration._align import Pair, align
from camwatch.registration._answer import FEW_PLACES, Answer
from camwatch.registration._coarse import Start, coarse_search
from camwatch.registration._marginal import marginal
from camwatch.registration._planes import Pyramid
from camwatch.registration.record import Registration
from camwatch.registration.source import Source

COARSE = 256
"""Side in pixels of the level on which the search starts."""

SMALLEST = 48
"""No image with a side of fewer pixels is registered: nothing would be left to check the answer with."""

SHARE = 0.1
"""Each image needs this share of usable pixels."""

PEAK = 8.0
"""Coarse correlation peak over its noise below which a pair is refused; noise and foreign scenes stay below 7, real pairs above 20."""

RIVAL = 0.78
"""A second coarse peak of more than this share of the first makes the place ambiguous; on real pairs it stays below 0.3."""

BLUR = 1.5
"""A sensor's ground sample distance over the pixel of a level, above which the level holds nothing of that sensor."""


def register(reference: Image | Source, moving: Image | Source, *, limit_px: float = 0.5, max_shift_px: float | None = None) -> Registration:
    """Find where `moving` lies on `reference`, or refuse.

    A coarse search by half-whitened correlation of gradient orientations needs no first guess; a joint Gauss–Newton over small tiles, each with its
    own gain, offset, shading and noise, then refines one transform from coarse to fine. Tiles that really changed lose their say softly. The fit is
    made twice, to the black and to the white cells of a chessboard, and windows in the cells that a fit did not see are matched one by one by
    normalised correlation: the check. It decides which model is used (none, shift, similarity, affine: the simplest that it supports), and whether
    the answer is used at all. Only then the chosen model is fitted once more to all cells; `check` keeps the residuals under the fits that did not
    see the check points.

    Parameters
    ----------
    reference, moving : Image
        On the same grid, each by its own georeferencing. Any bands: their luminance is compared. Pixels that are not `valid` are never read.
    limit_px : float
        A systematic residual at the check points above this many pixels refuses the pair. Scatter among check points (relief, building lean, real
        change) is reported as RMSE and CE90; it refuses only when half of them scatter beyond three times the limit.
    max_shift_px : float, optional
        Longest shift that is believed, in pixels; by default half the image.

    Returns
    -------
    Registration
        A refusal is an answer with its reason, not an exception.

    Raises
    ------
    PairError
        The images are not on one grid, or a limit is not positive.

    Notes
    -----
    Two dates years apart agree only in what stayed. Local displacements of a pixel are common then (orthorectification, lean), and no affine mends
    them: read `check.rmse_after_px` and `se_px` before small changes are believed.

    References
    ----------
    Baker & Matthews (2004), Lucas–Kanade 20 years on: https://doi.org/10.1023/B:VISI.0000011205.11775.fd;
    Evangelidis & Psarakis (2008), enhanced correlation coefficient: https://doi.org/10.1109/TPAMI.2008.113.
    """
    if reference.geobox != moving.geobox:
        raise PairError(
            "registration needs both images on one grid",
            where=moving.scene,
            got=moving.geobox.shape,
            expected=reference.geobox.shape,
            remedy="load both on the same GeoBox",
        )
    if not limit_px > 0 or (max_shift_px is not None and not max_shift_px > 0):
        raise PairError("registration limits must be positive", got=f"limit_px={limit_px}, max_shift_px={max_shift_px}")
    sources = _source(reference), _source(moving)
    if min(sources[0].shape) < SMALLEST:
        rows, cols = sources[0].shape
        return Registration.refused(reference.geobox, f"the grid has {rows} × {cols} pixels; registration needs at least {SMALLEST} × {SMALLEST}")
    bottom, top = _levels(*sources)
    still, moved = for_each(lambda source: Pyramid.of(source, top), sources, at_once=True)
    pair = Pair(still, moved, bottom)
    unusable = _unusable(pair.reference, "reference") or _unusable(pair.moving, "moving")
    if unusable:
        return Registration.refused(reference.geobox, unusable)
    start = coarse_search(pair.reference.top, pair.moving.top, None if max_shift_px is None else max_shift_px / 2**top + 1)
    doubt = _doubt(start)
    aligned = None if doubt else align(pair, start)
    if aligned is None:
        return Registration.refused(reference.geobox, doubt or "no common structure: no tile correlates once the images are laid over one another")
    first = marginal(aligned.fit.evidence, aligned.fit.base, pair.reference.levels[aligned.level].shape)
    if first is None:
        return Registration.refused(reference.geobox, FEW_PLACES)
    return Answer(reference.geobox, pair, aligned, first, limit_px).found(max_shift_px)


def _levels(reference: Source, moving: Source) -> tuple[int, int]:
    """Return the finest level that both sensors fill, and the level of about 256² pixels on which the search starts."""
    top = max(0, round(np.log2(max(reference.shape) / COARSE)))
    blur = max(reference.gsd_m, moving.gsd_m) / reference.pixel_m / BLUR
    room = int(np.log2(min(reference.shape) / SMALLEST))
    bottom = min(max(0, round(np.log2(max(blur, 1e-6)))), room)
    return bottom, max(top, bottom)


def _source(given: Image | Source) -> Source:
    return Source.of(given) if isinstance(given, Image) else given


def _unusable(pyramid: Pyramid, name: str) -> str:
    if pyramid.usable < SHARE:
        return f"the {name} image has {pyramid.usable:.0%} usable pixels; {SHARE:.0%} are needed"
    return f"the {name} image is of one value throughout" if pyramid.flat else ""


def _doubt(start: Start) -> str:
    """Return why the coarse search does not tell a place; empty where it does."""
    peaks = f"{start.peak:.1f}"
    if start.peak < PEAK:
        return f"no common structure: the correlation peak stands {peaks} times above its noise; {PEAK:.0f} is needed"
    if start.rival > max(PEAK, RIVAL * start.peak):
        return f"a pattern that repeats itself: two places fit alike, with correlation peaks {peaks} and {start.rival:.1f} times above the noise"
    return ""
