"""Where things go on a map panel, and how large: scale, ticks, marks. Nothing here draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pyproj import CRS, Proj
from scipy.spatial import cKDTree
from shapely.geometry import LineString

from camwatch.aoi import LONLAT, reproject
from camwatch.report import style
from camwatch.report.page import PT

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from camwatch.findings import Finding
    from camwatch.report.display import View
    from camwatch.report.style import Stroke

MANY = 30
"""From so many marks on all are smaller, so that those in a crowd do not look as if they meant something lesser."""


def mark_sizes(places: NDArray[np.float64], metres_per_mm: float) -> NDArray[np.float64]:
    """Return the size in points of each mark: 5.5 where there is room (4.2 among many), and where its neighbours crowd in smaller, down to 2.6.

    Parameters
    ----------
    places : (n, 2) float64
        x and y in metres.
    metres_per_mm : float
        Metres on the ground in one millimetre of paper.
    """
    if len(places) < 2:
        return np.full(len(places), 5.5)
    # The mean distance of the two nearest: one twin alone makes no crowd. The nearest of all is the mark itself.
    near = cKDTree(places).query(places, k=min(3, len(places)))[0][:, 1:].mean(axis=1)
    return np.asarray(np.clip(near / metres_per_mm / PT * 0.9, 2.6, 5.5 if len(places) < MANY else 4.2), np.float64)


def perimeter_stroke(record: Finding, first_day: str) -> Stroke:
    """Return how the enclosing line of a date is drawn."""
    return style.PERIMETER_BEFORE if str(record.measures["date"]) == first_day else style.PERIMETER_AFTER


def nice(length: float) -> float:
    """Return the largest of 1, 2, 5 × 10ⁿ that is not more than `length`."""
    power = 10.0 ** np.floor(np.log10(length))
    return float(max(step * power for step in (1, 2, 5) if step * power <= length * (1 + 1e-9)))


def north_deg(view: View, crs: object) -> float:
    """Return the azimuth of the grid's up direction in degrees east of true north, at the view's centre (the meridian convergence)."""
    system = CRS.from_user_input(str(crs))
    if system.is_geographic:
        return 0.0
    longitude, latitude = Proj(system)(0.5 * (view.left + view.right), 0.5 * (view.bottom + view.top), inverse=True)
    return float(Proj(system).get_factors(longitude, latitude).meridian_convergence)


def ticks(view: View, crs: object, axis: str, side_mm: float) -> tuple[NDArray[np.float64], list[str]]:
    """Return where round longitudes cross the lower edge of a view (`axis` "x") or round latitudes its left one ("y"), and how they are called.

    `side_mm` is the length of that edge on paper.
    """
    ends = [(view.left, view.bottom), (view.right, view.bottom)] if axis == "x" else [(view.left, view.bottom), (view.left, view.top)]
    edge = np.array([np.add(ends[0], t * np.subtract(ends[1], ends[0])) for t in np.linspace(0, 1, 33)])
    lonlat = np.asarray(reproject(LineString(edge), crs, LONLAT).coords)
    along, degrees = edge[:, 0 if axis == "x" else 1], lonlat[:, 0 if axis == "x" else 1]
    # A label near a corner would run into its neighbour's.
    values, step = _round_values(degrees[0], degrees[-1], LABEL_MM / side_mm)
    decimals = max(int(np.ceil(-np.log10(step) - 1e-9)), 0)
    letters = "EW" if axis == "x" else "NS"
    return np.interp(values, degrees, along), [f"{abs(v):.{decimals}f}° {letters[0] if v >= 0 else letters[1]}" for v in values]


def extent(geometry: BaseGeometry) -> tuple[float, float]:
    """Return width and height of a geometry in metres."""
    left, bottom, right, top = geometry.bounds
    return right - left, top - bottom


LABEL_MM = 15.0
"""Room for one label of the frame."""


def _round_values(low: float, high: float, room: float) -> tuple[NDArray[np.float64], float]:
    """Return up to three round values between two, and their step; a label takes `room`, a share of the span, and none hangs over an end."""
    span = high - low
    for parts in (1.9, 3.0, 5.0, 10.0):
        step = nice(span / parts)
        values = np.arange(np.ceil((low + room / 2 * span) / step), np.floor((high - room / 2 * span) / step) + 1) * step
        if len(values) >= 2:
            break
    every = max(int(np.ceil(room * span / step)), -(-(len(values) - 1) // 2), 1)
    return values[::every], step
