"""Coarse to fine: one affine for the whole scene, and a smooth field upon it where windows ask for one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine

from camwatch.registration._field import Displaced, Prior, field_of, prior_of, settled
from camwatch.registration._fit import NOISE, TOLERANCE, Cells, Fit, Rectangle, Rules, blocks_of, refine, windows
from camwatch.registration._planes import to_level
from camwatch.registration._tiles import Block, View, weigh
from camwatch.registration._warp import Warp

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from camwatch.registration._coarse import Start
    from camwatch.registration._features import Kind
    from camwatch.registration._fit import Parametric
    from camwatch.registration._planes import Pyramid
    from camwatch.registration.lattice import Lattice

ALIKE = 0.5
"""Median correlation of tiles above which the dates look alike: intensities at full resolution then carry the answer, else orientations at half."""

SHARP = 0.7
"""Smoothing in pixels before intensities are compared."""

SAMPLE = 120
"""Tiles that are asked how smooth a field is; all are asked what it is."""

ROUNDS = 3
"""Looks through a field at most; three suffice where the windows have placed it to half a pixel."""

TAPER = 16.0
"""Pixels over which weight rises from the border: a field must be known up to there."""

STOP = 0.01
"""Pixels of the level: a field that changes by less has settled."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """The pyramids of the reference and of the moving image, and the finest level that both sensors fill."""

    reference: Pyramid
    moving: Pyramid
    bottom: int


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """Where coarse to fine ended: the fit without the withheld cells, its level and view, and the windows looked at."""

    fit: Fit
    level: int
    view: View
    model: Parametric
    places: list[Rectangle]


def align(pair: Pair, start: Start) -> Aligned | None:
    """Fit level by level down to the finest, or to twice its pixels where the dates do not look alike; None where no tile has anything to say."""
    top, bottom, warp = len(pair.reference.levels) - 1, pair.bottom, Warp(start.matrix)
    half, kind = min(bottom + 1, top), start.kind
    for level in range(top, half - 1, -1):
        found = _fit(pair, level, warp.matrix, kind, Rules(8, 0.05, 1.0 if level - bottom < 2 else 1.5))
        if found is None:
            return None
        warp = Warp(found.fit.matrix) if level == half else Warp(found.fit.matrix).finer()
    assert found is not None  # the loop runs at least once
    if kind == "axis" or found.fit.correlation < ALIKE:
        return _fit(pair, half, warp.matrix, kind, Rules(10, 2e-3, TOLERANCE), before=found.fit)
    finest = warp if half == bottom else warp.finer()
    return _fit(pair, bottom, finest.matrix, "intensity", Rules(5, 2e-3, TOLERANCE))


def _fit(pair: Pair, level: int, matrix: NDArray[np.float64], kind: Kind, rules: Rules, *, before: Fit | None = None) -> Aligned | None:
    """Fit a level from a matrix on, with the blocks of an earlier fit of it where there is one."""
    a, b = pair.reference.levels[level], pair.moving.levels[level]
    cells = Cells.over(a.shape)
    view = View(kind, SHARP if kind == "intensity" else 1.0, cells.tile)
    places = windows(a.shape, matrix, (pair.reference.held(level + 2), pair.moving.held(level + 2)))
    # An affine needs more ground than a small image has; the check may still ask for one.
    model: Parametric = "affine" if min(a.shape) >= 200 else "similarity"

    def cut(warp: Warp) -> list[Block]:
        return blocks_of(a, b, warp, view, places)

    fit = refine(cut, matrix, model, rules, shape=a.shape, use=lambda points: ~cells.withheld(points), before=before)
    return None if fit is None else Aligned(fit, level, view, model, places)


@dataclass(frozen=True, slots=True, eq=False)
class Bent:
    """A field upon a matrix, its covariance, and the windows or tiles that carried it with what is left of each."""

    warp: Warp
    spread: Lattice
    ties: Displaced

    def coarser(self) -> Bent:
        """Return the same in pixels of the next coarser level."""
        down = Affine(*np.linalg.inv(to_level(1))[:2].ravel())
        ties = replace(self.ties, points=(self.ties.points - 0.5) / 2, steps=self.ties.steps / 2)
        return Bent(self.warp.coarser(), self.spread.on(down, self.spread.values / 4), ties)


def bend(pair: Pair, aligned: Aligned, prior: Prior, seen: Displaced, *, upon: NDArray[np.float64]) -> Bent:
    """Return the field upon a matrix that windows `seen` support."""
    field, spread = field_of(seen, prior, pair.reference.levels[aligned.level].shape)
    return Bent(Warp(upon, field), spread, Displaced(seen.points, seen.steps - field.at(seen.points), seen.weight))


def sharpen(pair: Pair, aligned: Aligned, bent: Bent, use: NDArray[np.bool_]) -> Bent:
    """Return a field carried on by the tiles of the finest level in the cells that `use` (rows, cols) names.

    Where the dates look alike, tiles are many and exact. Elsewhere windows predict one another better than tiles do.
    """
    finer, cells = aligned.level - pair.bottom, Cells.over(pair.reference.levels[aligned.level].shape)
    warp = bent.warp
    for _ in range(finer):
        warp = warp.finer()
    fine = _settled(pair, warp, lambda points: _among(points, use, cells, finer))
    for _ in range(finer):
        fine = fine.coarser()
    return fine


def _settled(pair: Pair, warp: Warp, chosen: Callable[[NDArray[np.float64]], NDArray[np.bool_]]) -> Bent:
    """Return the field that the tiles `chosen` by their centres support on the finest level, begun with that of `warp`."""
    a, b = (pyramid.levels[pair.bottom] for pyramid in (pair.reference, pair.moving))
    view, upon = View("intensity", SHARP, Cells.over(a.shape).tile), warp.matrix
    places = windows(a.shape, upon, (pair.reference.held(pair.bottom + 2), pair.moving.held(pair.bottom + 2)))
    blocks = blocks_of(a, b, warp, view, places, taper=TAPER)

    def look(field: Lattice) -> tuple[Displaced, NDArray[np.float64]]:
        evidence = weigh(blocks, Warp(upon, field), np.ones(sum(len(block.centres) for block in blocks)))
        tiles = (evidence.correlation > 0) & chosen(evidence.centres)
        noise = np.asarray(NOISE * view.sigma**2 * np.linalg.inv(evidence.ridged[tiles]), np.float64)
        return Displaced(evidence.centres[tiles], evidence.own[tiles] @ upon[:2, :2].T, noise), noise

    def weighed(field: Lattice) -> Displaced:
        tiles, noise = look(field)
        scatter = noise + prior.own**2 * np.eye(2)
        strange = np.einsum("ni,nij,nj->n", tiles.steps, np.linalg.inv(scatter), tiles.steps) / 2
        return replace(tiles, weight=np.linalg.inv(scatter * (1 + strange)[:, None, None]))

    assert warp.field is not None  # what is to be settled
    first, noise = look(warp.field)
    some = slice(None, None, max(1, len(first.points) // SAMPLE))
    total = first.steps + warp.field.at(first.points)
    sigma, unit = np.sqrt(np.trace(noise[some], axis1=1, axis2=2) / 2), float(np.median(np.hypot(*total.T))) / 1.18
    prior = prior_of(first.points[some], total[some], sigma, unit=unit, side=max(a.shape), trend=0)
    field, spread, ties = settled(weighed, warp.field, prior, a.shape, rounds=ROUNDS, stop=STOP)
    return Bent(Warp(upon, field), spread, ties)


def _among(points: NDArray[np.float64], use: NDArray[np.bool_], cells: Cells, finer: int) -> NDArray[np.bool_]:
    """Return which points (n, 2), of a level so much finer than that of `cells`, lie in a cell that `use` (rows, cols) names."""
    row, col = np.clip(cells.of((points - (2**finer - 1) / 2) / 2**finer), 0, [[cells.rows - 1, cells.cols - 1]]).T
    return np.asarray(use[row, col])
