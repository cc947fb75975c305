"""One transform for all tiles: Gauss–Newton with soft rejection, and its standard error."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from camwatch.imagery.work import for_each
from camwatch.registration._features import length, orientation
from camwatch.registration._tiles import Block, Evidence, View, cut_block, weigh
from camwatch.registration._warp import Warp

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from camwatch.registration._planes import Ground, Plane

Parametric = Literal["shift", "similarity", "affine"]
Rectangle = tuple[int, int, int, int]
"""(row0, row1, col0, col1) in pixels of a level, ends excluded."""

DENSE = 1_400_000
"""Levels with more pixels than this are looked at through one window per cell."""

WINDOW = 96
"""Side in pixels of such a window."""

BANDS = 4
"""Bands into which a smaller level is cut: two are worked on at a time."""

CELLS = 12
"""Cells along a square image's side: what is withheld, and what the standard error treats as independent, are whole cells."""

TOLERANCE = 1.0
"""Scale in pixels of the Cauchy rejection of tiles on the last levels."""

NOISE = 12.0
"""Variance of a tile's step over what independent pixels would give, per σ² of smoothing: smoothed noise is correlated."""


@dataclass(frozen=True, slots=True)
class Cells:
    """A lattice of square cells, each a whole number of tiles, centred on an image of `shape`.

    `side` and `tile` are in pixels; `rows` × `cols` whole cells start at pixel (`row0`, `col0`).
    """

    shape: tuple[int, int]
    side: int
    tile: int

    @classmethod
    def over(cls, shape: tuple[int, int]) -> Cells:
        """Return cells of 64 pixels on images of 512² to 768², more of them on larger images up to about 144, smaller ones on smaller images."""
        mean = (shape[0] * shape[1]) ** 0.5
        side = max(min(max(mean / CELLS, min(64.0, mean / 8), min(48.0, mean / 4)), min(shape) / 2), 24.0)
        tile = 32 if side >= 60 else 16 if side >= 40 else 12
        return cls(shape, max(1, round(side / tile)) * tile, tile)

    @property
    def rows(self) -> int:
        """Whole cells from top to bottom."""
        return self.shape[0] // self.side

    @property
    def cols(self) -> int:
        """Whole cells from left to right."""
        return self.shape[1] // self.side

    @property
    def start(self) -> NDArray[np.int_]:
        """(col, row) of the first cell's first pixel."""
        return np.array(self.shape[::-1]) % self.side // 2

    def of(self, points: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return (row, col) of the cell of each (col, row) point, (n, 2); -1 and more than the last on the strip beside the whole cells."""
        return np.floor((points - self.start + 0.5) / self.side)[:, ::-1].astype(np.intp)

    def withheld(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which points belong to the check: every other cell, as on a chessboard."""
        return np.asarray(self.of(points).sum(axis=1) % 2 == 1)

    def rectangles(self) -> list[Rectangle]:
        """Return the whole cells, row by row."""
        col, row = (int(v) for v in self.start)
        return [
            (row + r * self.side, row + (r + 1) * self.side, col + c * self.side, col + (c + 1) * self.side)
            for r in range(self.rows)
            for c in range(self.cols)
        ]

    def dense(self) -> list[Rectangle]:
        """Return bands of whole tiles that keep step with the cells and together cover the image."""
        col, row = (int(v) % self.tile for v in self.start)
        right, count = col + (self.shape[1] - col) // self.tile * self.tile, (self.shape[0] - row) // self.tile
        edges = [row + self.tile * (count * n // BANDS) for n in range(BANDS + 1)]
        return [(top, bottom, col, right) for top, bottom in pairwise(edges) if bottom > top]


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Where Gauss–Newton stopped: `matrix` (3×3, reference → moving, of the level), and the evidence seen from `base`, one step before.

    `blocks` were cut for the transform `cut_at`.
    """

    matrix: NDArray[np.float64]
    base: NDArray[np.float64]
    evidence: Evidence
    trust: NDArray[np.float64]
    model: Parametric
    blocks: list[Block]
    cut_at: NDArray[np.float64]

    @property
    def correlation(self) -> float:
        """Median correlation of the tiles that hold enough."""
        seen = self.evidence.correlation > 0
        return float(np.median(self.evidence.correlation[seen])) if seen.any() else 0.0


@dataclass(frozen=True, slots=True)
class Rules:
    """When to stop: at most `rounds` steps, or a step below `stop` pixels; `tolerance` is the scale in pixels of the Cauchy rejection."""

    rounds: int
    stop: float
    tolerance: float


def windows(shape: tuple[int, int], matrix: NDArray[np.float64], coarse: tuple[Plane, Plane]) -> list[Rectangle]:
    """Return one rectangle per cell: the whole cell, or on a large level the window of it in which coarser planes show most structure.

    `coarse` is (reference, moving). Where nothing is valid in both, the cell's middle is returned.
    """
    cells = Cells.over(shape)
    if shape[0] * shape[1] <= DENSE:
        return cells.rectangles()
    low, low_moving = coarse
    factor = 2 ** round(np.log2(shape[0] / low.shape[0]))
    to_fine = np.array([[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2], [0, 0, 1]])
    start = np.zeros(2)
    under = Warp(np.linalg.inv(to_fine) @ matrix @ to_fine).sample(low_moving.valid.astype(np.float32), start, start, low.shape, 1)
    rich = length(orientation(low.values), squared=True) * low.valid * under
    total = np.pad(rich.astype(np.float64), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    size = WINDOW // factor
    held = total[size:, size:] - total[:-size, size:] - total[size:, :-size] + total[:-size, :-size]
    places = []
    for row0, row1, col0, col1 in cells.rectangles():
        # A cell hardly larger than the window may hold no start that the coarser planes know: then the one just before it serves.
        down, right = (row1 - WINDOW) // factor, (col1 - WINDOW) // factor
        top, left = min(-(-row0 // factor), down), min(-(-col0 // factor), right)
        here = held[top : down + 1, left : right + 1]
        best = np.unravel_index(int(here.argmax()), here.shape)
        row, col = (top + int(best[0])) * factor, (left + int(best[1])) * factor
        places.append((row, row + WINDOW, col, col + WINDOW))
    return places


def blocks_of(reference: Ground, moving: Ground, warp: Warp, view: View, places: list[Rectangle], *, taper: float | None = None) -> list[Block]:
    """Cut the level into blocks of tiles: all of it, or on a large level the rectangles `places`.

    Weight rises over `taper` pixels from the border, by default an eighth of the image: what one answer for all of it rests upon must not depend
    on how much of the border is shared.
    """
    shape = reference.shape
    if shape[0] * shape[1] <= DENSE:
        places = Cells.over(shape).dense()
    taper = taper or max(4.0, min(shape) / 8)
    found = for_each(lambda place: cut_block(reference, moving, warp, view, rectangle=place, taper=taper), places, at_once=True)
    return [block for block in found if block is not None]


def refine(
    cut: Callable[[Warp], list[Block]],
    matrix: NDArray[np.float64],
    model: Parametric,
    rules: Rules,
    *,
    shape: tuple[int, int],
    use: Callable[[NDArray[np.float64]], NDArray[np.bool_]],
    before: Fit | None = None,
) -> Fit | None:
    """Step until the tiles that `use` selects by their centres agree; None when no tile has anything to say.

    `before` is a fit whose blocks are used until the transform has left them.
    """
    blocks, cut_at = (cut(Warp(matrix)), matrix) if before is None else (before.blocks, before.cut_at)
    trust = np.ones(sum(len(b.centres) for b in blocks))
    fit: Fit | None = None
    for _ in range(rules.rounds):
        if blocks and _farthest(np.linalg.inv(cut_at) @ matrix, shape) > 1.5:
            # The weights and crops belong to another place by now.
            blocks, cut_at = cut(Warp(matrix)), matrix
            trust = np.ones(sum(len(b.centres) for b in blocks))
        if not blocks:
            return None
        evidence = weigh(blocks, Warp(matrix), trust)
        chosen = use(evidence.centres)
        if not (evidence.correlation[chosen] > 0).any():
            return None
        following, trust = solve(evidence, chosen, matrix, model, shape=shape, sigma=blocks[0].view.sigma, tolerance=rules.tolerance)
        step = _farthest(np.linalg.inv(matrix) @ following, shape)
        limit = 4 * max(rules.tolerance, 1.0)
        if step > limit:
            following = matrix + (following - matrix) * (limit / step)
        fit = Fit(following, matrix, evidence, trust, model, blocks, cut_at)
        matrix = following
        if step < rules.stop:
            break
    return fit


def solve(
    evidence: Evidence,
    use: NDArray[np.bool_],
    base: NDArray[np.float64],
    model: Parametric,
    *,
    shape: tuple[int, int],
    sigma: float,
    tolerance: float = TOLERANCE,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the transform of `model` that the tiles support, and the trust in each tile, (n,).

    Trust is the Cauchy weight of the distance between a tile's own step and the common one, less what the tile's noise explains; unlike a hard
    cut it leads to one answer from every start.
    """
    terms, known = _terms(evidence, base, model, shape)
    own, allowed = evidence.own, 1 + NOISE * sigma**2 * evidence.variance / tolerance**2
    trust = np.ones(len(use))
    for _ in range(6):
        theta = _theta(evidence, terms, known, trust * use)[0]
        miss = own - (terms @ theta + known)
        trust = 1 / (1 + (miss**2).sum(axis=1) / (allowed * tolerance**2))
    return _matrix(theta, model, shape), trust


def _terms(
    evidence: Evidence, base: NDArray[np.float64], model: Parametric, shape: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (n, 2, p) and (n, 2): the step from `base` to a transform with parameters θ is terms @ θ + known.

    The first two parameters are the shift at the centre. Parameters count from the identity, whatever `base` is: a shift stays a pure shift.
    """
    back = np.linalg.inv(base[:2, :2])
    offset = evidence.centres - (evidence.centres @ base[:2, :2].T + base[:2, 2])
    return np.einsum("ij,njp->nip", back, _basis(evidence.centres, model, shape)), offset @ back.T


def _basis(points: NDArray[np.float64], model: Parametric, shape: tuple[int, int]) -> NDArray[np.float64]:
    x, y = ((points - _centre(shape)) / (max(shape) / 2)).T
    zero, one = np.zeros(len(points)), np.ones(len(points))
    first, second = {
        "shift": ([one, zero], [zero, one]),
        "similarity": ([one, zero, x, -y], [zero, one, y, x]),
        "affine": ([one, zero, x, y, zero, zero], [zero, one, zero, zero, x, y]),
    }[model]
    return np.stack([np.stack(first, -1), np.stack(second, -1)], 1)


def _theta(
    evidence: Evidence, terms: NDArray[np.float64], known: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # Tiles and axes as one long list: products of two matrices.
    weighed = (weight[:, None, None] * terms).reshape(-1, terms.shape[2])
    normal = weighed.T @ (evidence.hessian @ terms).reshape(weighed.shape)
    right = weighed.T @ (evidence.gradient - (evidence.hessian @ known[:, :, None])[:, :, 0]).ravel()
    normal = normal + np.eye(len(normal)) * (1e-6 * np.trace(normal) / len(normal) + 1e-12)
    return np.linalg.solve(normal, right), normal


def _matrix(theta: NDArray[np.float64], model: Parametric, shape: tuple[int, int]) -> NDArray[np.float64]:
    scale = max(shape) / 2
    linear = np.eye(2)
    if model == "similarity":
        linear = linear + np.array([[theta[2], -theta[3]], [theta[3], theta[2]]]) / scale
    elif model == "affine":
        linear = linear + theta[2:].reshape(2, 2) / scale
    out, centre = np.eye(3), _centre(shape)
    out[:2, :2] = linear
    out[:2, 2] = theta[:2] + centre - linear @ centre
    return out


def _centre(shape: tuple[int, int]) -> NDArray[np.float64]:
    return (np.array(shape[::-1]) - 1) / 2


def _farthest(matrix: NDArray[np.float64], shape: tuple[int, int]) -> float:
    """Return the root mean square over the corners of how far a transform moves them."""
    corners = np.array([[0, shape[1] - 1, 0, shape[1] - 1], [0, 0, shape[0] - 1, shape[0] - 1], [1, 1, 1, 1]], np.float64)
    return float(np.sqrt((((matrix - np.eye(3)) @ corners)[:2] ** 2).sum(axis=0).mean()))
