"""Coarse to fine: one affine for the whole scene, and a smooth field upon it where windows ask for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from camwatch.registration._field import Displaced, Prior, field_of, settled
from camwatch.registration._fit import NOISE, TOLERANCE, Cells, Fit, Rectangle, Rules, blocks_of, refine, windows
from camwatch.registration._tiles import View, weigh
from camwatch.registration._warp import Warp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.registration._coarse import Start
    from camwatch.registration._features import Kind
    from camwatch.registration._fit import Parametric
    from camwatch.registration._planes import Pyramid
    from camwatch.registration.lattice import Lattice

ALIKE = 0.5
"""Median correlation of tiles above which the dates look alike: intensities at full resolution then carry the answer, else orientations at half."""

ROUNDS = 4
"""Looks through a field at most; three suffice where the windows have placed it to half a pixel."""

STOP = 0.01
"""Pixels of the level: a field that changes by less has settled."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """The pyramids of the reference and of the moving image."""

    reference: Pyramid
    moving: Pyramid


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """Where coarse to fine ended: the fit without the withheld cells, its level and view, and the windows looked at."""

    fit: Fit
    level: int
    view: View
    model: Parametric
    places: list[Rectangle]


def align(pair: Pair, start: Start, bottom: int) -> Aligned | None:
    """Fit level by level down to `bottom`, or to twice its pixels where the dates do not look alike; None where no tile has anything to say."""
    top, warp = len(pair.reference.levels) - 1, Warp(start.matrix)
    half, kind = min(bottom + 1, top), start.kind
    for level in range(top, half - 1, -1):
        found = _fit(pair, level, warp.matrix, kind, Rules(8, 0.05, 1.0 if level - bottom < 2 else 1.5))
        if found is None:
            return None
        warp = Warp(found.fit.matrix) if level == half else Warp(found.fit.matrix).finer()
    assert found is not None  # the loop runs at least once
    if kind == "axis" or found.fit.correlation < ALIKE:
        return _fit(pair, half, warp.matrix, kind, Rules(10, 2e-3, TOLERANCE))
    finest = warp if half == bottom else warp.finer()
    return _fit(pair, bottom, finest.matrix, "intensity", Rules(5, 2e-3, TOLERANCE))


def _fit(pair: Pair, level: int, matrix: NDArray[np.float64], kind: Kind, rules: Rules) -> Aligned | None:
    a, b = pair.reference.levels[level], pair.moving.levels[level]
    cells = Cells.over(a.shape)
    view = View(kind, 0.7 if kind == "intensity" else 1.0, cells.tile)
    places = windows(a.shape, matrix, (pair.reference.held(level + 2), pair.moving.held(level + 2)))
    # An affine needs more ground than a small image has; the check may still ask for one.
    model: Parametric = "affine" if min(a.shape) >= 200 else "similarity"
    fit = refine(lambda warp: blocks_of(a, b, warp, view, places), matrix, model, rules, shape=a.shape, use=lambda points: ~cells.withheld(points))
    return None if fit is None else Aligned(fit, level, view, model, places)


@dataclass(frozen=True, slots=True, eq=False)
class Bent:
    """A field upon a matrix, its covariance, and the tiles that carried it with what is left of each."""

    warp: Warp
    spread: Lattice
    ties: Displaced


def bend(pair: Pair, aligned: Aligned, prior: Prior, seen: Displaced, *, upon: NDArray[np.float64], use: NDArray[np.bool_]) -> Bent:
    """Return the field upon a matrix that tiles support, begun with what windows `seen` say; `use` (rows, cols) names the cells that count."""
    a, b = pair.reference.levels[aligned.level], pair.moving.levels[aligned.level]
    shape, cells, view = a.shape, Cells.over(a.shape), aligned.view

    def look(field: Lattice) -> Displaced:
        warp = Warp(upon, field)
        blocks = blocks_of(a, b, warp, view, aligned.places)
        evidence = weigh(blocks, warp, np.ones(sum(len(block.centres) for block in blocks)))
        row, col = np.clip(cells.of(evidence.centres), 0, [[cells.rows - 1, cells.cols - 1]]).T
        chosen = (evidence.correlation > 0) & use[row, col]
        steps = evidence.own[chosen] @ upon[:2, :2].T
        noise = NOISE * view.sigma**2 * np.linalg.inv(evidence.ridged[chosen])
        scatter = noise + prior.own**2 * np.eye(2)
        strange = np.einsum("ni,nij,nj->n", steps, np.linalg.inv(scatter), steps) / 2
        return Displaced(evidence.centres[chosen], steps, np.linalg.inv(scatter * (1 + strange)[:, None, None]))

    start, _ = field_of(seen, prior, shape)
    field, spread, ties = settled(look, start, prior, shape, rounds=ROUNDS, stop=STOP)
    return Bent(Warp(upon, field), spread, ties)
