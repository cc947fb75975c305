"""Where the enclosing line of a date runs, roughly: the cheapest closed path around the middle of the prior, led by what it shows of itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree
from shapely.geometry import Polygon

from camwatch.detect._course_graph import closed_path, support_of
from camwatch.detect._course_lattice import Lattice, coarser
from camwatch.detect._course_own import own_lattice
from camwatch.detect._course_ring import resample, smooth

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
    outline, inside = np.asarray(prior.exterior.coords)[:-1], (point.x, point.y)
    whole = len(lattice.row) <= MOST_PLACES
    while len(lattice.row) > MOST_PLACES:
        lattice = coarser(lattice)
    loop = closed_path(lattice, inside, outline, half_m)
    if loop is None:
        return None
    first = Course(lattice.point[loop.node], loop.support, lattice, inside)
    if not whole:  # the places are not those of the ground any more
        return first
    led = closed_path(own_lattice(ground, lattice, *_seen_along(ground, first)), inside, outline, half_m)
    return first if led is None else replace(first, ring=lattice.point[led.node], support=support_of(lattice, led.node))


def _seen_along(ground: Ground, course: Course) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a rough course as a smooth ring (k, 2) of equal steps, and how much of a line is seen along it."""
    step = 2.0 * ground.cell_m
    ring = smooth(resample(course.ring, step), 4.0)
    nearest = cKDTree(course.ring).query(ring)[1]
    return ring, gaussian_filter1d(course.support[nearest], 0.5 * ground.gather_m / step, mode="wrap")


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
