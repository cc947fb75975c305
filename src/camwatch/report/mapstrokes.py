"""Lines on a panel, with a white rim: outlines and courses, drawn once and laid on every panel that shows the same view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from shapely import get_parts

from camwatch.report.canvas import Area, Ink
from camwatch.report.paper import points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL import Image as Picture
    from shapely.geometry.base import BaseGeometry

    from camwatch.report.mappanel import Panel
    from camwatch.report.style import Stroke

LINEAR = {"LineString", "LinearRing", "MultiLineString"}


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Strokes drawn for one panel, to be laid on it and on others of its size that show the same view.

    `layers` are (stencil, colour, share of what is below that they cover), their upper left corner at pixel (`x`, `y`) of a panel of `size`.
    """

    x: int
    y: int
    size: tuple[int, int]
    layers: tuple[tuple[Picture.Image, str, float], ...]

    def fits(self, target: Panel) -> bool:
        """Whether a panel has the size of the one for which this was drawn."""
        return self.size == (target.area.width, target.area.height)


def stroke(target: Panel, geometry: BaseGeometry, look: Stroke) -> None:
    """Draw the lines of a geometry with a white rim."""
    lay(target, drawn(target, geometry, look))


def lay(target: Panel, strokes: Drawn) -> None:
    """Lay strokes on a panel."""
    for stencil, colour, share in strokes.layers:
        target.paper.canvas.tint(target.area.x + strokes.x, target.area.y + strokes.y, stencil, colour, share=share)


def drawn(target: Panel, geometry: BaseGeometry, look: Stroke) -> Drawn:
    """Return the lines of a geometry with a white rim."""
    size = target.area.width, target.area.height
    lines = [target.on(edge) for edge in edges(geometry)]
    made = inks(target, lines, 2, 8.0) if lines else None
    if made is None:
        return Drawn(0, 0, size, ())
    (rim, ink), placed = made
    for line in placed:
        # The second place again: the corner at which a ring closes is one like the others.
        closed = np.vstack([line, line[1:2]]) if np.array_equal(line[0], line[-1]) else line
        rim.line(closed, points(look.width + 1.1))
        if look.dash:
            ink.dashed(line, points(look.width), *(points(part * look.width) for part in look.dash))
        else:
            ink.line(closed, points(look.width))
    layers = (rim.drawn(), "white", 0.75), (ink.drawn(), look.colour, 1.0)
    return Drawn(rim.area.x - target.area.x, rim.area.y - target.area.y, size, layers)


def edges(geometry: BaseGeometry) -> list[NDArray[np.float64]]:
    """Return the lines and rings of a geometry; none of a point."""
    edge = geometry if geometry.geom_type in LINEAR else geometry.boundary
    return [np.asarray(line.coords)[:, :2] for line in get_parts(edge) if line.geom_type in LINEAR and not line.is_empty]


def inks(target: Panel, lines: Sequence[NDArray[np.float64]], count: int, rim: float) -> tuple[list[Ink], list[NDArray[np.float64]]] | None:
    """Return inks that hold lines (in pixels of the panel) and a rim, and the lines counted from their corner; None where the panel shows none."""
    every = np.concatenate(lines)
    first, last = np.floor(every.min(axis=0) - rim).astype(int), np.ceil(every.max(axis=0) + rim).astype(int)
    x0, y0 = np.maximum(first, 0).tolist()
    x1, y1 = np.minimum(last, (target.area.width, target.area.height)).tolist()
    if x0 >= x1 or y0 >= y1:
        return None
    area = Area(target.area.x + x0, target.area.y + y0, x1 - x0, y1 - y0)
    return [Ink(area) for _ in range(count)], [line - (x0, y0) for line in lines]
