"""Where the enclosing line of a date runs, roughly: the cheapest closed path around the middle of the prior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from shapely.geometry import Polygon

from camwatch.detect._course_graph import closed_path
from camwatch.detect._course_lattice import Lattice, coarser

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.detect._course_ground import Ground

MOST_PLACES = 300_000
"""In a larger lattice four places are taken for one."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """The cheapest closed path of a band.

    Attributes
    ----------
    ring : (k, 2) float64
        (x, y), counter-clockwise.
    support : (k,) float64
        Likeness along the path.
    lattice : Lattice
        What was looked at.
    inside : (x, y)
        A place that the path goes around.
    """

    ring: NDArray[np.float64]
    support: NDArray[np.float64]
    lattice: Lattice
    inside: tuple[float, float]


def rough_course(ground: Ground, prior: Polygon, half_m: float) -> Course | None:
    """Return the closed path around a prior's middle along what looks most like a line; None where there is no way around.

    Parameters
    ----------
    ground : Ground
    prior : Polygon
        Counter-clockwise.
    half_m : float
        How far on either side of its outline the line is sought.
    """
    middle = kernel(prior, half_m)
    point = middle.representative_point()
    lattice = ground.lattice(prior.buffer(half_m).difference(middle))
    while len(lattice.row) > MOST_PLACES:
        lattice = coarser(lattice)
    loop = closed_path(lattice, (point.x, point.y), np.asarray(prior.exterior.coords)[:-1], half_m)
    return None if loop is None else Course(lattice.point[loop.node], loop.support, lattice, (point.x, point.y))


def kernel(prior: Polygon, half_m: float) -> Polygon:
    """Return what of the prior every path goes around: all farther than `half_m` from its outline, or less far where that would part or lose it."""
    low, high = 0.0, half_m
    whole = prior.buffer(-half_m)
    if isinstance(whole, Polygon) and not whole.is_empty:
        return whole
    for _ in range(12):
        middle = 0.5 * (low + high)
        piece = prior.buffer(-middle)
        low, high = (middle, high) if isinstance(piece, Polygon) and not piece.is_empty else (low, middle)
    piece = prior.buffer(-0.85 * low)
    assert isinstance(piece, Polygon)
    return piece
