"""Where on a page of one registration the checkerboards look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.imagery.image import Image
    from camwatch.registration.record import Registration

SHOWN = 30.0
SIDES_PX = (96.0, 300.0)
"""A checkerboard is so many times as wide as the residual as delivered, within these limits: a step of one part in thirty is seen."""
CANDIDATES = 48
"""Check points that are looked at, at most."""
SAMPLES = 64
"""Pixels along a side of a candidate that are compared, at most."""

Bounds = tuple[float, float, float, float]
"""Left, bottom, right, top, in the CRS of the registration's grid."""


def zoom_bounds(registration: Registration, reference: Image, delivered: Image, registered: Image) -> tuple[Bounds, Bounds]:
    """Return the windows of the two checkerboards.

    Registered: twice the surroundings of the check point where edges meet in the end and did not as delivered. Left as delivered: the same, and those
    of the longest residual. Refused: those of the longest residual, and of the one that contradicts it most, for no one shift mends both.

    Parameters
    ----------
    registration : Registration
    reference, delivered, registered : Image
        On one grid: the registration's, or a coarser version of it.
    """
    check, grid = registration.check, registration.grid
    rows, cols = grid.shape
    side = min(float(np.clip(SHOWN * check.rmse_before_px, *SIDES_PX)) if check.n else SIDES_PX[1], rows, cols)
    places = np.array([[(cols - 1) / 2, (rows - 1) / 2]] * 2)
    if check.n:
        longest = int(np.argmax(np.hypot(*check.after.T)))
        if not registration.ok:
            against = int(np.argmax(np.hypot(*(check.after - check.after[longest]).T)))
            places = check.positions[[longest, against]]
        else:
            clearest = _clearest(check.positions, (reference, delivered, registered), side, cols)
            places = check.positions[[clearest, longest if registration.model == "none" else clearest]]
    half = side / 2
    inside = np.clip(places, half - 0.5, np.array([cols, rows]) - half - 0.5)
    one, other = (_bounds(registration, place, half) for place in inside)
    return one, other


def _bounds(registration: Registration, place: NDArray[np.float64], half: float) -> Bounds:
    affine = registration.grid.affine
    corners = np.array([affine * (place[0] + 0.5 + dx * half, place[1] + 0.5 + dy * half) for dx in (-1, 1) for dy in (-1, 1)])
    (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
    return float(left), float(bottom), float(right), float(top)


def _clearest(places: NDArray[np.float64], images: tuple[Image, Image, Image], side: float, cols: int) -> int:
    """Return the place about which edges of the first image correlate best with the third's, and gain most over the second's."""
    height, width = images[0].valid.shape
    scale = cols / width
    reach = max(round(side / scale), 8)
    step = max(reach // SAMPLES, 1)
    best, found = -np.inf, 0
    for number in range(0, len(places), max(-(-len(places) // CANDIDATES), 1)):
        col, row = (places[number] + 0.5) / scale - reach / 2
        top, left = max(min(round(row), height - reach), 0), max(min(round(col), width - reach), 0)
        part = slice(top, top + reach, step), slice(left, left + reach, step)
        if not all(image.valid[part].all() for image in images):
            continue
        here, before, after = (_slopes(image.values[:, *part].mean(axis=0)) for image in images)
        score = 2 * float((here * after).mean()) - float((here * before).mean())
        if score > best:
            best, found = score, number
    return found


def _slopes(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how steep a plane is, with mean 0 and variance 1."""
    steep = np.hypot(*np.gradient(plane))
    return np.asarray((steep - steep.mean()) / max(float(steep.std()), 1e-9), np.float32)
