"""Register a moving image on a reference image, and check the answer on ground that the fit never saw."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from camwatch.errors import PairError
from camwatch.registration._check import Matches, filled, match
from camwatch.registration._coarse import coarse_search
from camwatch.registration._decide import SIGNIFICANT, Choice, decide
from camwatch.registration._fit import TOLERANCE, Cells, Fit, Model, Rectangle, Rules, blocks_of, covariance, refine, solve, spread, windows
from camwatch.registration._planes import Plane, pyramid, to_level, usable
from camwatch.registration._tiles import View
from camwatch.registration.lattice import Lattice
from camwatch.registration.record import CheckPoints, Registration

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.imagery.image import Image
    from camwatch.registration._features import Kind

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

MODELS: tuple[Model, ...] = ("shift", "similarity", "affine")

CARRIES = 0.2
"""A tile with less trust than this is not called a tie point."""

FLOOR = 0.004
"""Standard error in pixels that more texture does not lower: unequal radiometry and interpolation move edges by a few thousandths of a pixel."""

NODES = 8
"""Steps of the lattice along the longer side on which the answer's covariance is told; it is a quadratic over the scene."""

BLUR = 1.5
"""A sensor's ground sample distance over the pixel of a level, above which the level holds nothing of that sensor."""


def register(reference: Image, moving: Image, *, limit_px: float = 0.5, max_shift_px: float | None = None) -> Registration:
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
    unusable = _unusable(reference, "reference") or _unusable(moving, "moving")
    if unusable:
        return _refused(reference, unusable)
    bottom, top = _levels(reference, moving)
    planes = pyramid(reference, top), pyramid(moving, top)
    start, peak = coarse_search(planes[0][top], planes[1][top], None if max_shift_px is None else max_shift_px / 2**top + 1)
    if peak < PEAK:
        return _refused(reference, f"no common structure: the correlation peak stands {peak:.1f} times above its noise; {PEAK:.0f} is needed")
    aligned = _align(planes, start, bottom)
    if aligned is None:
        return _refused(reference, "no common structure: no tile correlates once the images are laid over one another")
    return _answer(reference, planes, aligned, limit_px, max_shift_px)


_Pair = tuple[tuple[Plane, ...], tuple[Plane, ...]]
"""The pyramids of the reference and of the moving image, finest level first."""


@dataclass(frozen=True, slots=True, eq=False)
class _Aligned:
    """Where coarse to fine ended: the fit without the withheld cells, its level and view, and the windows looked at."""

    fit: Fit
    level: int
    view: View
    model: Model
    places: list[Rectangle]


def _align(pair: _Pair, start: NDArray[np.float64], bottom: int) -> _Aligned | None:
    top, matrix = len(pair[0]) - 1, start
    half = min(bottom + 1, top)
    for level in range(top, half - 1, -1):
        found = _fit(pair, level, matrix, "orientation", Rules(8, 0.05, 1.0 if level - bottom < 2 else 1.5))
        if found is None:
            return None
        matrix = found.fit.matrix if level == half else _finer(found.fit.matrix)
    assert found is not None  # the loop runs at least once
    if found.fit.correlation < ALIKE:
        return _fit(pair, half, matrix, "orientation", Rules(10, 2e-3, TOLERANCE))
    return _fit(pair, bottom, matrix if half == bottom else _finer(matrix), "intensity", Rules(15, 5e-4, TOLERANCE))


def _fit(pair: _Pair, level: int, matrix: NDArray[np.float64], kind: Kind, rules: Rules) -> _Aligned | None:
    reference, moving = pair
    a, b, cells = reference[level], moving[level], Cells.over(reference[level].shape)
    view = View(kind, 0.7 if kind == "intensity" else 1.0, cells.tile)
    low = min(level + 2, len(reference) - 1)
    places = windows(a.shape, matrix, (reference[low], moving[low], 2 ** (low - level)))
    # An affine needs more ground than a small image has; the check may still ask for one.
    model: Model = "affine" if min(a.shape) >= 200 else "similarity"
    fit = refine(lambda m: blocks_of(a, b, m, view, places), matrix, model, rules, shape=a.shape, use=lambda points: ~cells.withheld(points))
    return None if fit is None else _Aligned(fit, level, view, model, places)


def _answer(image: Image, pair: _Pair, aligned: _Aligned, limit_px: float, max_shift_px: float | None) -> Registration:
    (a, b), level, scale = (planes[aligned.level] for planes in pair), aligned.level, 2.0**aligned.level
    first, cells = aligned.fit, Cells.over(a.shape)
    white = cells.withheld(first.evidence.centres)

    def again(matrix: NDArray[np.float64], model: Model, use: NDArray[np.bool_]) -> Fit | None:
        return refine(lambda _: first.blocks, matrix, model, Rules(15, 5e-4, TOLERANCE), shape=a.shape, use=lambda _: use)

    second, everywhere = again(first.matrix, aligned.model, white), np.ones(len(white), bool)
    if second is None:
        return _refused(image, "structure in one half of the ground only: nothing is left to check the answer with")
    folds = [_candidates(first, ~white, a.shape), _candidates(second, white, a.shape)]
    matches = _matches(a, b, aligned)
    residuals = {name: scale * _crossed(matches, folds[0][name], folds[1][name], cells) for name in folds[0]}
    overall, trust = solve(first.evidence, everywhere, first.base, "shift", shape=a.shape, sigma=aligned.view.sigma)
    spreads = covariance(first.evidence, trust, first.base, "shift", a.shape)
    decision = decide(
        residuals,
        matches,
        scale,
        shift_px=scale * float(np.hypot(*overall[:2, 2])),
        se_px=float("nan") if spreads is None else scale * float(np.sqrt(np.trace(spreads[:2, :2]))),
        limit_px=limit_px,
    )
    used = decision.used
    check = CheckPoints(_on_grid(matches.reference[used], level), residuals["none"][used], residuals[decision.model][used])
    if decision.refusal:
        return _refused(image, decision.refusal, check)
    start = np.eye(3) if decision.model == "none" else folds[0][decision.model]
    last = again(start, "shift" if decision.model == "none" else decision.model, everywhere)
    if last is None:
        return _refused(image, "no common structure once the chosen model is applied", check)
    matrix = np.eye(3) if decision.model == "none" else to_level(level) @ last.matrix @ np.linalg.inv(to_level(level))
    centre = np.append((np.array(image.valid.shape[::-1]) - 1) / 2, 1)
    shift = float(np.hypot(*(matrix @ centre - centre)[:2]))
    if max_shift_px is not None and shift > max_shift_px:
        return _refused(image, f"the best shift is {shift:.1f} px; at most {max_shift_px:g} px is believed", check)
    parameters = covariance(last.evidence, last.trust, last.base, last.model, a.shape)
    if parameters is None:
        return _refused(image, "structure in too few places: the error of the answer cannot be told", check)
    carried = (last.evidence.correlation > 0) & (last.trust > CARRIES)
    answer = np.asarray(np.linalg.inv(matrix)[:2], np.float64)
    return Registration(
        "ok",
        decision.reason,
        decision.model,
        answer,
        None,
        _precision(scale**2 * parameters, last.model, image.valid.shape),
        image.geobox,
        int(carried.sum()),
        check,
        _on_grid(last.evidence.centres[carried], level),
        last.evidence.own[carried] * scale,
    )


def _precision(parameters: NDArray[np.float64], model: Model, shape: tuple[int, int]) -> Lattice:
    """Return the covariance of the answer over the image, from that of its parameters in px²."""
    step = max(shape) / NODES
    rows, cols = Lattice.counts(shape, step)
    lattice = Lattice.over(shape, step, np.zeros((rows, cols, 3)), 1)
    full = spread(parameters, model, lattice.places(), shape) + np.eye(2) * FLOOR**2 / 2
    return replace(lattice, values=full[:, [0, 0, 1], [0, 1, 1]].reshape(rows, cols, 3))


def _candidates(fit: Fit, use: NDArray[np.bool_], shape: tuple[int, int]) -> dict[Choice, NDArray[np.float64]]:
    """Return what each model would answer, from the simplest to the richest."""
    out: dict[Choice, NDArray[np.float64]] = {"none": np.eye(3)}
    for model in MODELS:
        out[model] = solve(fit.evidence, use, fit.base, model, shape=shape, sigma=fit.blocks[0].view.sigma)[0]
    return out


def _crossed(matches: Matches, black: NDArray[np.float64], white: NDArray[np.float64], cells: Cells) -> NDArray[np.float64]:
    """Return (n, 2) residuals in pixels of the level, each under the fit to the cells of the other colour."""
    seen = [matches.moving @ back[:2, :2].T + back[:2, 2] - matches.reference for back in (np.linalg.inv(black), np.linalg.inv(white))]
    return np.asarray(np.where(cells.withheld(matches.reference)[:, None], *seen), np.float64)


def _on_grid(points: NDArray[np.float64], level: int) -> NDArray[np.float64]:
    return np.asarray(points * 2.0**level + to_level(level)[0, 2], np.float64)


def _matches(a: Plane, b: Plane, aligned: _Aligned) -> Matches:
    cells, matrix = Cells.over(a.shape), aligned.fit.matrix
    size = min(64, cells.side)
    centres = np.array([[(col0 + col1) // 2, (row0 + row1) // 2] for row0, row1, col0, col1 in aligned.places], np.float64).reshape(-1, 2)
    found = match(a, b, matrix, centres, size=size)
    # Where the fit leads to nothing, the georeferencing as delivered gets its chance.
    far = np.hypot(*(centres @ matrix[:2, :2].T + matrix[:2, 2] - centres).T) > 2
    unsure = far & (found.peak < SIGNIFICANT)
    return filled(found, unsure, match(a, b, np.eye(3), centres[unsure], size=size))


def _levels(reference: Image, moving: Image) -> tuple[int, int]:
    """Return the finest level that both sensors fill, and the level of about 256² pixels on which the search starts."""
    shape = reference.valid.shape
    top = max(0, round(np.log2(max(shape) / COARSE)))
    blur = max(reference.gsd_m, moving.gsd_m) / reference.pixel_m / BLUR
    room = int(np.log2(min(shape) / SMALLEST))
    bottom = min(max(0, round(np.log2(max(blur, 1e-6)))), room)
    return bottom, max(top, bottom)


def _finer(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(to_level(1) @ matrix @ np.linalg.inv(to_level(1)), np.float64)


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
    check = check or CheckPoints(none, none, none)
    return Registration("refused", reason, "none", np.eye(3)[:2], None, None, image.geobox, 0, check, none, none)
