"""Register a moving image on a reference image, and check the answer on ground that the fit never saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from camwatch.errors import PairError
from camwatch.registration._check import Matches, better, match
from camwatch.registration._coarse import coarse_search
from camwatch.registration._decide import Decision, decide
from camwatch.registration._fit import Cells, Fit, Model, Rectangle, Rules, blocks_of, refine, solve, standard_error, windows
from camwatch.registration._planes import Plane, pyramid, to_level, usable
from camwatch.registration._tiles import View, weigh
from camwatch.registration.record import CheckPoints, Registration

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.imagery.image import Image

COARSE = 256
"""Side in pixels of the level on which the search starts."""

SMALLEST = 48
"""No image with a side of fewer pixels is registered: nothing would be left to check the answer with."""

SHARE = 0.1
"""Each image needs this share of usable pixels."""

PEAK = 8.0
"""Coarse correlation peak over its noise below which a pair is refused; noise and foreign scenes stay below 7, real pairs above 20."""

ALIKE = 0.5
"""Median correlation of tiles above which the dates look alike: intensities at full resolution then carry the answer, else orientations at half."""

BLUR = 1.5
"""A sensor's ground sample distance over the pixel of a level, above which the level holds nothing of that sensor."""


def register(reference: Image, moving: Image, *, limit_px: float = 0.5, max_shift_px: float | None = None) -> Registration:
    """Find where `moving` lies on `reference`, or refuse.

    A coarse search by half-whitened correlation of gradient orientations needs no first guess; a joint Gauss–Newton over small tiles, each with its
    own gain, offset, shading and noise, then refines one transform from coarse to fine. Tiles that really changed lose their say softly. Every
    other cell of a chessboard is withheld from that fit, and windows in those cells are matched one by one by normalised correlation: the check. It
    decides which model is used (none, shift, similarity, affine: the simplest that it supports), and whether the answer is used at all. Only then the
    chosen model is fitted once more to all tiles; the residuals in `check` stay those of the fit that did not see the check points.

    Parameters
    ----------
    reference, moving : Image
        On the same grid, each by its own georeferencing. Any bands: their luminance is compared. Pixels that are not `valid` are never read.
    limit_px : float
        A systematic residual at the check points above this many pixels refuses the pair. Scatter among check points (relief, building lean, real
        change) is reported as RMSE and CE90; it refuses only when half of them scatter beyond four times the limit.
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
    Two dates years apart agree only in what stayed. Local displacements of a pixel are common then (orthorectification, lean), and no affine mends them:
    read `check.rmse_after_px` and `se_px` before small changes are believed.

    References
    ----------
    Baker & Matthews (2004), Lucas–Kanade 20 years on: https://doi.org/10.1023/B:VISI.0000011205.11775.fd;
    Evangelidis & Psarakis (2008), enhanced correlation coefficient: https://doi.org/10.1109/TPAMI.2008.113.
    """
    if reference.geobox != moving.geobox:
        raise PairError("registration needs both images on one grid", where=moving.scene, got=moving.geobox.shape, expected=reference.geobox.shape,
                        remedy="load both on the same GeoBox")
    if not limit_px > 0 or (max_shift_px is not None and not max_shift_px > 0):
        raise PairError("registration limits must be positive", got=f"limit_px={limit_px}, max_shift_px={max_shift_px}")
    unusable = _unusable(reference, "reference") or _unusable(moving, "moving")
    if unusable:
        return _refused(reference, unusable)
    bottom, top = _levels(reference, moving)
    planes = pyramid(reference, top), pyramid(moving, top)
    start, peak = coarse_search(planes[0][top], planes[1][top], None if max_shift_px is None else max_shift_px / 2**top + 1)
    if peak < PEAK:
        return _refused(reference, f"no common structure: the correlation peak stands {peak:.1f} times above its noise; {PEAK:.0f} is needed")
    aligned = _align(*planes, start, bottom)
    if aligned is None:
        return _refused(reference, "no common structure: no tile correlates once the images are laid over one another")
    return _answer(reference, *planes, aligned, limit_px, max_shift_px)


@dataclass(frozen=True, slots=True, eq=False)
class _Aligned:
    """Where coarse to fine ended: the fit without the withheld cells, its level and view, and the windows looked at."""

    fit: Fit
    level: int
    view: View
    places: list[Rectangle]


def _align(reference: tuple[Plane, ...], moving: tuple[Plane, ...], start: NDArray[np.float64], bottom: int) -> _Aligned | None:
    top, matrix = len(reference) - 1, start
    half = min(bottom + 1, top)
    for level in range(top, half - 1, -1):
        found = _fit(reference, moving, level, matrix, "orientation", Rules(8, 0.05, 1.0 if level - bottom < 2 else 1.5))
        if found is None:
            return None
        matrix = found.fit.matrix if level == half else _finer(found.fit.matrix)
    if found.fit.correlation < ALIKE:
        return _fit(reference, moving, half, matrix, "orientation", Rules(20, 1e-3, 1.0))
    return _fit(reference, moving, bottom, matrix if half == bottom else _finer(matrix), "intensity", Rules(5, 2e-3, 1.0))


def _fit(
    reference: tuple[Plane, ...], moving: tuple[Plane, ...], level: int, matrix: NDArray[np.float64], kind: Literal["intensity", "orientation"],
    rules: Rules,
) -> _Aligned | None:
    a, b, cells = reference[level], moving[level], Cells.over(reference[level].shape)
    view = View(kind, 0.7 if kind == "intensity" else 1.0, cells.tile)
    low = min(level + 2, len(reference) - 1)
    places = windows(a, b, matrix, (reference[low], moving[low], 2 ** (low - level)))
    # An affine needs more ground than a small image has; the check may still ask for one.
    model: Model = "affine" if min(a.shape) >= 200 else "similarity"
    fit = refine(lambda m: blocks_of(a, b, m, view, places), matrix, model, rules, a.shape, lambda points: ~cells.withheld(points))
    return None if fit is None else _Aligned(fit, level, view, places)


def _answer(
    image: Image, reference: tuple[Plane, ...], moving: tuple[Plane, ...], aligned: _Aligned, limit_px: float, max_shift_px: float | None,
) -> Registration:
    a, b, fit, scale = reference[aligned.level], moving[aligned.level], aligned.fit, 2.0**aligned.level
    kept = ~Cells.over(a.shape).withheld(fit.evidence.centres)
    candidates: dict[Literal["none", "shift", "similarity", "affine"], NDArray[np.float64]] = {"none": np.eye(3)}
    for model in _MODELS:
        candidates[model] = solve(fit.evidence, kept, fit.base, model, _TOLERANCE, a.shape, aligned.view.sigma)[0]
    matches = _matches(a, b, aligned)
    shift = float(np.hypot(*candidates["shift"][:2, 2])) * scale
    error = scale * standard_error(fit.evidence, kept, fit.trust, fit.base, "shift", a.shape)
    decision = decide(candidates, matches, scale, shift_px=shift, se_px=error, limit_px=limit_px)
    check = _check_points(decision, matches, aligned.level)
    if decision.refusal:
        return _refused(image, decision.refusal, check)
    matrix, evidence, trust = candidates[decision.model], fit.evidence, fit.trust
    if decision.model != "none":
        use = np.ones(len(trust), bool)
        for _ in range(4):
            evidence = weigh(fit.blocks, matrix, trust)
            following, trust = solve(evidence, use, matrix, decision.model, _TOLERANCE, a.shape, aligned.view.sigma)
            step, matrix = float(np.abs(following - matrix)[:2, 2].max()), following
            if step < 1e-3:
                break
    full = to_level(aligned.level) @ matrix @ np.linalg.inv(to_level(aligned.level))
    model = "shift" if decision.model == "none" else decision.model
    se = scale * standard_error(evidence, np.ones(len(trust), bool), trust, matrix, model, a.shape)
    centre = np.append((np.array(image.valid.shape[::-1]) - 1) / 2, 1)
    shift = float(np.hypot(*(full @ centre - centre)[:2]))
    if max_shift_px is not None and shift > max_shift_px:
        return _refused(image, f"the best shift is {shift:.1f} px; at most {max_shift_px:g} px is believed", check)
    carried = (evidence.correlation > 0) & (trust > 0.2)
    residuals = (evidence.own - (0 if decision.model == "none" else 0)) * scale
    places = evidence.centres[carried] * scale + (scale - 1) / 2
    return Registration("ok", decision.reason, decision.model, np.linalg.inv(full)[:2], image.geobox, se, int(carried.sum()), check, places, residuals[carried])


_MODELS: tuple[Model, ...] = ("shift", "similarity", "affine")
_TOLERANCE = 1.0


def _matches(a: Plane, b: Plane, aligned: _Aligned) -> Matches:
    cells, matrix = Cells.over(a.shape), aligned.fit.matrix
    size = min(64, cells.side)
    centres = np.array([[(col0 + col1) // 2, (row0 + row1) // 2] for row0, row1, col0, col1 in aligned.places], np.float64)
    centres = centres[cells.withheld(centres)]
    found = match(a, b, matrix, centres, size=size)
    far = np.hypot(*(centres @ matrix[:2, :2].T + matrix[:2, 2] - centres).T).max(initial=0)
    # The georeferencing as delivered gets the same chance as the fit.
    return better(found, match(a, b, np.eye(3), centres, size=size)) if far > 2 else found


def _check_points(decision: Decision, matches: Matches, level: int) -> CheckPoints:
    used, scale = decision.used, 2.0**level
    to_full = to_level(level)
    positions = matches.reference[used] * scale + to_full[0, 2]
    return CheckPoints(positions, (matches.moving - matches.reference)[used] * scale, decision.residuals[used])


def _levels(reference: Image, moving: Image) -> tuple[int, int]:
    """Return the finest level that both sensors fill, and the level of about 256² pixels on which the search starts."""
    shape = reference.valid.shape
    top = max(0, round(np.log2(max(shape) / COARSE)))
    blur = max(reference.gsd_m, moving.gsd_m) / reference.pixel_m / BLUR
    room = int(np.log2(min(shape) / SMALLEST))
    bottom = min(max(0, round(np.log2(max(blur, 1e-6)))), room)
    return bottom, max(top, bottom)


def _finer(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return to_level(1) @ matrix @ np.linalg.inv(to_level(1))


def _unusable(image: Image, name: str) -> str:
    rows, cols = image.valid.shape
    if min(rows, cols) < SMALLEST:
        return f"the grid has {rows} × {cols} pixels; registration needs at least {SMALLEST} × {SMALLEST}"
    valid = usable(image)
    if valid.mean() < SHARE:
        return f"the {name} image has {valid.mean():.0%} usable pixels; {SHARE:.0%} are needed"
    values = image.luminance()[valid]
    return f"the {name} image is of one value throughout" if values.min() == values.max() else ""


def _refused(image: Image, reason: str, check: CheckPoints | None = None) -> Registration:
    none = np.zeros((0, 2))
    return Registration(
        "refused", reason, "none", np.eye(3)[:2], image.geobox, float("nan"), 0, check or CheckPoints(none, none, none), none, none)
