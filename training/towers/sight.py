"""One date's search for towers: how likely one stands at each place, where a report is made, and where nothing could have been seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage as ndi

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.detect._tower_series import State
    from camwatch.imagery.image import Image, Sun
    from training.towers.model import Answer, TowerModel

APART_M = 6.0
"""No two towers stand closer."""

AROUND_M = 2.0
"""Radius of the ground that tells whether a place can be seen."""

SEEN = 0.7
"""Share of the pixels around a place that must be valid."""

COVERED = 0.5
"""Share of tree crowns, or of deep shade, around a place from which it cannot be seen."""


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
    report, confirm : float
        Scores from which a tower is reported, and from which one that the other date shows still stands.
    scene : str
    sun : Sun
    """

    answer: Answer
    score: NDArray[np.float32]
    seen: NDArray[np.bool_]
    at: NDArray[np.intp]
    report: float
    confirm: float
    around_px: float

    def state(self, at: tuple[int, int], reach_px: float) -> tuple[State, float]:
        """Return whether a tower stands within reach of a place, and the best score there; −inf where none was given."""
        part, near = _disc(self.score, at, reach_px)
        near &= np.isfinite(part)
        best = float(part[near].max()) if near.any() else -np.inf
        if best >= self.confirm:
            return "stands", best
        seen, around = _disc(self.seen, at, self.around_px)
        return ("absent" if np.isfinite(best) and seen[around].mean() >= 1.0 - COVERED else "not_observed"), best

    def hidden_by(self, at: tuple[int, int]) -> str:
        """Return in a word why a place cannot be seen."""
        tree, shade = (float(plane[at]) for plane in (self.answer.tree, self.answer.shade))
        return "no data" if not np.isfinite(tree) else "trees" if tree >= shade else "shadow"


def sight(image: Image, sun: Sun, ground: tuple[NDArray[np.bool_], NDArray[np.float32]], levels: tuple[float, float], model: TowerModel) -> Sight:
    """Look at one date.

    Parameters
    ----------
    image : Image
    sun : Sun
    ground : ((y, x) bool, (y, x) float32)
        Where to look, and the logarithm of the odds of a place against those of the line.
    levels : (float, float)
        Scores that report and confirm.
    model : TowerModel
    """
    area, prior = ground
    usable = area & _share(image.valid, SEEN, AROUND_M / image.pixel_m)
    answer = model.look(image, sun, usable)
    score = answer.logit + prior
    clear = (answer.tree < COVERED) & (answer.shade < COVERED)
    at = peaks(score, levels[0], APART_M / image.pixel_m)
    return Sight(answer, score, usable & clear, at, *levels, max(AROUND_M / image.pixel_m, 1.0))


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
