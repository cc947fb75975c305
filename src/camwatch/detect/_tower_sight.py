"""One date's search for towers: how likely one stands at each place, where a report is made, and where nothing could have been seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage as ndi

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.detect._tower_model import Answer, TowerModel
    from camwatch.detect._tower_series import State
    from camwatch.imagery.image import Image, Sun

APART_M = 6.0
"""No two towers stand closer."""

AROUND_M = 2.0
"""Radius of the ground that tells whether a place can be seen."""

SEEN = 0.7
"""Share of the pixels around a place that must be valid."""

HIDING = 0.25
"""Chance of a crown, or of deep shade, from which a pixel cannot be seen."""

OPEN = 0.6
"""Share of the ground around a place that must be seen to say that no tower stands there."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Scores that report a tower, that confirm one which another date shows, and up to which it is denied; between the last two it cannot be told."""

    report: float
    confirm: float
    deny: float


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What one date shows of a band along a line.

    Attributes
    ----------
    answer : Answer
        Of the network.
    score : (y, x) float32
        Its logit with the odds of the place, NaN where not asked.
    seen : (y, x) bool
        Where a tower would have been seen: valid, and hidden by neither crowns nor deep shade.
    at : (n, 2) intp
        (row, col) of the places where a report is made, falling by score.
    levels : Levels
    around_px : float
    """

    answer: Answer
    score: NDArray[np.float32]
    seen: NDArray[np.bool_]
    at: NDArray[np.intp]
    levels: Levels
    around_px: float

    def state(self, at: tuple[int, int], reach_px: float) -> tuple[State, float, str]:
        """Return whether a tower stands within reach of a place, the best score there (−inf where none was given), and why it cannot be told."""
        part, near = _disc(self.score, at, reach_px)
        near &= np.isfinite(part)
        best = float(part[near].max()) if near.any() else -np.inf
        if best >= self.levels.confirm:
            return "stands", best, ""
        seen, around = _disc(self.seen, at, self.around_px)
        if not np.isfinite(best) or seen[around].mean() < OPEN:
            return "not_observed", best, self._hidden_by(at)
        return ("not_observed", best, "unclear") if best > self.levels.deny else ("absent", best, "")

    def _hidden_by(self, at: tuple[int, int]) -> str:
        tree, shade = (float(plane[at]) for plane in (self.answer.tree, self.answer.shade))
        return "no data" if not np.isfinite(tree) else "trees" if tree >= shade else "shadow"


def sight(image: Image, sun: Sun, ground: tuple[NDArray[np.bool_], NDArray[np.float32]], levels: Levels, model: TowerModel) -> Sight:
    """Look at one date.

    Parameters
    ----------
    image : Image
    sun : Sun
    ground : ((y, x) bool, (y, x) float32)
        Where to look, and what the odds of a place against those of the line add to a score.
    levels : Levels
    model : TowerModel
    """
    area, prior = ground
    usable = area & _share(image.valid, SEEN, AROUND_M / image.pixel_m)
    answer = model.look(image, sun, usable)
    score = np.asarray(answer.logit + prior, np.float32)
    at = peaks(score, levels.report, APART_M / image.pixel_m)
    clear = (answer.tree < HIDING) & (answer.shade < HIDING)
    return Sight(answer, score, usable & clear, at, levels, max(AROUND_M / image.pixel_m, 1.0))


def peaks(score: NDArray[np.float32], least: float, apart_px: float) -> NDArray[np.intp]:
    """Return the (n, 2) places of the local maxima of at least `least`, falling, no two within `apart_px` pixels."""
    rows, cols = np.nonzero(score >= least)
    order = np.lexsort((cols, rows, -score[rows, cols]))
    kept: list[tuple[int, int]] = []
    free = np.ones(score.shape, bool)
    reach = int(apart_px)
    down, right = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.hypot(down, right) <= apart_px
    for k in order:
        row, col = int(rows[k]), int(cols[k])
        if not free[row, col]:
            continue
        kept.append((row, col))
        top, left = max(row - reach, 0), max(col - reach, 0)
        part = free[top : row + reach + 1, left : col + reach + 1]
        part &= ~disc[top - row + reach :, left - col + reach :][: part.shape[0], : part.shape[1]]
    return np.array(kept, np.intp).reshape(-1, 2)


def _share(valid: NDArray[np.bool_], share: float, radius_px: float) -> NDArray[np.bool_]:
    """Return where more than this share of the square around a pixel is valid, and the pixel too."""
    if valid.all():
        return valid
    side = 2 * max(round(radius_px), 1) + 1
    return np.asarray(valid & (ndi.uniform_filter(valid.astype(np.float32), side) > share), bool)


def _disc(plane: NDArray[Any], at: tuple[int, int], radius_px: float) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the part of a plane around a place, and which of its pixels lie within the radius."""
    reach = int(radius_px)
    top, left = (max(a - reach, 0) for a in at)
    part = plane[top : at[0] + reach + 1, left : at[1] + reach + 1]
    down, right = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
    return part, np.asarray(np.hypot(down - at[0], right - at[1]) <= radius_px)
