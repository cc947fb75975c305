"""From an object's pixels to the outline of a building: a rectangle, a polygon of right angles, or what the pixels say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi
from shapely import Polygon, get_coordinates
from skimage.measure import find_contours

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

RECTANGLE = (0.80, 0.90)
"""Overlap (IoU) from which a rectangle may stand for an object, and from which nothing else is tried."""

RIGHT_ANGLES = 0.85
"""Overlap from which a polygon of right angles may."""

GAIN = 0.04
"""Overlap that more corners must gain over a rectangle."""

SHORTEST_WALL_M = 2.0
"""Steps of a wall shorter than this are grain, …"""

SHORTEST_WALL_PX = 2.5
"""… as are those of so few pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """An object's shape in pixels: x to the right, y down, corners of pixels at integers.

    Attributes
    ----------
    polygon : Polygon
        Valid, without self-crossing; courtyards are holes.
    form : {"rectangle", "right angles", "free"}
    long_px, wide_px : float
        Sides of the rectangle along the walls that encloses it.
    along : (float, float)
        Unit vector (x, y) of the long side.
    rectangularity : float
        Overlap (IoU, 0..1) with the rectangle of the same area and second moments along the walls.
    """

    polygon: Polygon
    form: str
    long_px: float
    wide_px: float
    along: tuple[float, float]
    rectangularity: float


def outline(
    plane: NDArray[np.float32], mask: NDArray[np.bool_], level: float, *, pixel_m: float, smallest_px: float, corner: tuple[int, int] = (0, 0)
) -> Outline | None:
    """Return the outline of one object; None where its contour encloses nothing.

    The contour runs between the pixels where the plane crosses `level` (marching squares). The walls' direction is the one in which the contour is
    shortest when measured along the two axes only, or that of the second moments, whichever rectangle fits better. Every form keeps the area.

    Parameters
    ----------
    plane : (y, x) float32
        Likelihood around the object, at least a pixel more on each side.
    mask : (y, x) bool
        The object's pixels; what else passes `level` belongs to neighbours.
    level : float
    pixel_m : float
        Side of a pixel in metres.
    smallest_px : float
        Holes of fewer pixels are filled.
    corner : (int, int)
        Column and row of the first pixel, in the coordinates of the outline.

    References
    ----------
    .. [1] J. Žunić, P. L. Rosin, "A new measure for the rectilinearity of polygons", Vision Geometry XI, Proc. SPIE 4794, 2002, doi:10.1117/12.453591
    """
    rings = _rings(plane, mask, level)
    if not rings:
        return None
    traced = _largest(Polygon(rings[0] + corner))
    ring = get_coordinates(traced.exterior)[:-1]
    yards = [Polygon(hole + corner) for hole in rings[1:]]
    yards = [yard for yard in yards if yard.area >= smallest_px and traced.contains(yard)]
    angle, box, fit = _best_rectangle(ring, traced)
    walls = _right_angled(ring, angle, max(SHORTEST_WALL_M / pixel_m, SHORTEST_WALL_PX)) if fit < RECTANGLE[1] else None
    if walls is not None and _overlap(walls, traced) >= max(RIGHT_ANGLES, fit + GAIN):
        form, shape = "right angles", walls
    elif fit >= RECTANGLE[0]:
        form, shape = "rectangle", box
    else:
        form, shape = "free", _largest(traced.simplify(0.75))
    for yard in yards:
        shape = _largest(shape.difference(yard.simplify(0.75)))
    width, height = np.ptp(_turned(get_coordinates(shape.exterior), -angle), axis=0)
    if height > width:
        angle, width, height = angle + np.pi / 2, height, width
    return Outline(shape, form, float(width), float(height), (float(np.cos(angle)), float(np.sin(angle))), fit)


def _rings(plane: NDArray[np.float32], mask: NDArray[np.bool_], level: float) -> list[NDArray[np.float64]]:
    """Return closed lines (x, y) around the pixels of a mask, the largest first, where the plane crosses the level or a neighbour begins."""
    # Beyond the border to a neighbour the likelihood is mirrored at the level: the line runs between the two.
    ground = np.where(plane > level, 2.0 * level - plane, plane)
    relief = np.where(mask, np.maximum(plane, 1.05 * level), ground)
    lines: list[NDArray[np.float64]] = find_contours(relief, level)  # type: ignore[no-untyped-call]  # scikit-image has no types here
    rings = [line[:-1, ::-1] + 0.5 for line in lines if len(line) > 4 and (line[0] == line[-1]).all()]
    sizes = [abs(_area(ring)) for ring in rings]
    return [rings[k] for k in sorted(range(len(rings)), key=lambda k: (-sizes[k], k)) if sizes[k] >= 1.0]


def _largest(shape: BaseGeometry) -> Polygon:
    """Return the largest part of a shape, made valid."""
    sound = shape if shape.is_valid else shape.buffer(0)
    parts = [part for part in getattr(sound, "geoms", [sound]) if isinstance(part, Polygon)]
    return max(parts, key=lambda part: part.area, default=Polygon())


def _turned(points: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    c, s = np.cos(angle), np.sin(angle)
    return np.asarray(points @ np.array([[c, s], [-s, c]]))


def _area(ring: NDArray[np.float64]) -> float:
    """Return the signed area of a ring."""
    x, y = ring.T
    return float(x @ np.roll(y, -1) - np.roll(x, -1) @ y) / 2.0


def _moments(ring: NDArray[np.float64]) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Return a ring's signed area, centroid (x, y), and the (2, 2) covariance of the points inside."""
    shift = ring.mean(axis=0)
    here = ring - shift
    there = np.roll(here, -1, axis=0)
    cross = here[:, 0] * there[:, 1] - there[:, 0] * here[:, 1]
    area = float(cross.sum()) / 2.0
    if abs(area) < 1e-9:
        return 0.0, shift, np.eye(2)
    centre = ((here + there) * cross[:, None]).sum(axis=0) / (6.0 * area)
    weighted = here * cross[:, None], there * cross[:, None]
    mixed = weighted[0].T @ there
    second = (2.0 * (weighted[0].T @ here + weighted[1].T @ there) + mixed + mixed.T) / (24.0 * area)
    return area, centre + shift, second - np.outer(centre, centre)


def _best_rectangle(ring: NDArray[np.float64], traced: Polygon) -> tuple[float, Polygon, float]:
    """Return (direction of a wall in radians, rectangle of the ring's area and moments, its overlap with the ring)."""
    area, centre, cov = _moments(ring)
    best: tuple[float, Polygon, float] | None = None
    for angle in (_wall_direction(ring), 0.5 * float(np.arctan2(2.0 * cov[0, 1], cov[0, 0] - cov[1, 1]))):
        axis, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        sides = np.sqrt(np.maximum([axis @ cov @ axis, across @ cov @ across], 1e-6))
        first, second = sides * np.sqrt(abs(area) / sides.prod()) / 2.0
        box = Polygon([centre + u * first * axis + v * second * across for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
        fit = _overlap(box, traced)
        # The moments of what is no rectangle say nothing of its walls.
        if best is None or fit > max(best[2] + 0.01, RECTANGLE[0]):
            best = angle, box, fit
    assert best is not None
    return best


def _overlap(one: Polygon, other: Polygon) -> float:
    """Return the intersection over the union of two areas."""
    common = one.intersection(other).area
    return float(common / (one.area + other.area - common))


def _wall_direction(ring: NDArray[np.float64]) -> float:
    """Return the direction in radians, 0..π/2, in which the ring measures least along the axes."""
    corners = get_coordinates(Polygon(ring).simplify(0.7))
    steps = np.diff(corners, axis=0)
    length, bearing = np.hypot(*steps.T), np.arctan2(steps[:, 1], steps[:, 0])

    def measured(angles: NDArray[np.float64]) -> NDArray[np.float64]:
        turned = bearing - angles[:, None]
        return np.asarray(((np.abs(np.cos(turned)) + np.abs(np.sin(turned))) * length).sum(axis=1))

    # The measure bends only at the directions of the sides: its least value lies at one of them.
    angles = np.unique(bearing % (np.pi / 2))
    near = angles[np.argmin(measured(angles))]
    # The side itself may be short and its direction rough: the mean of all that run within 15° of it or of its normal.
    off = (bearing - near + np.pi / 4) % (np.pi / 2) - np.pi / 4
    weight = length**2 * (np.abs(off) < np.deg2rad(15.0))
    return float((near + (off * weight).sum() / weight.sum()) % (np.pi / 2))


def _right_angled(ring: NDArray[np.float64], angle: float, shortest: float) -> Polygon | None:
    """Return the polygon whose sides run along and across `angle` through the ring's runs of either direction; None where there are too few.

    Runs shorter than `shortest` are given to their neighbours, the shortest first.
    """
    area, centre = _area(ring), ring.mean(axis=0)
    points = _resampled(_turned(ring - centre, -angle), 0.5)
    soft = ndi.gaussian_filter1d(points, 2.5, axis=0, mode="wrap")
    steps = np.roll(soft, -1, axis=0) - np.roll(soft, 1, axis=0)
    flat = np.abs(steps[:, 0]) > np.abs(steps[:, 1])
    starts = np.flatnonzero(flat != np.roll(flat, 1))
    if len(starts) < 4:
        return None
    # From a corner on, so that no run goes round the end.
    points, flat = np.roll(points, -starts[0], axis=0), np.roll(flat, -starts[0])
    runs = [(bool(flat[a]), part) for a, part in zip(starts - starts[0], np.split(points, starts[1:] - starts[0]), strict=True)]
    while len(runs) > 4:
        extents = [abs(float(part[-1, 0 if level else 1] - part[0, 0 if level else 1])) for level, part in runs]
        least = int(np.argmin(extents))
        if extents[least] >= shortest:
            break
        runs = runs[least - 1 :] + runs[: least - 1] if least else runs[-1:] + runs[:-1]
        runs = [(runs[0][0], np.concatenate([part for _, part in runs[:3]])), *runs[3:]]
    at = [float(np.median(part[:, 1 if level else 0])) for level, part in runs]
    corners = np.array([(at[k - 1], at[k]) if level else (at[k], at[k - 1]) for k, (level, _) in enumerate(runs)])
    drawn = Polygon(corners)
    if not drawn.is_valid or drawn.area < 0.5 * abs(area):
        return None
    _, middle, _ = _moments(corners)
    scaled = (corners - middle) * np.sqrt(abs(area) / drawn.area) + middle
    return Polygon(_turned(scaled, angle) + centre)


def _resampled(ring: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """Return points about `step` apart along a closed ring."""
    closed = np.vstack([ring, ring[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    count = max(int(along[-1] / step), 16)
    places = np.arange(count) * along[-1] / count
    return np.stack([np.interp(places, along, closed[:, k]) for k in (0, 1)], axis=1)
