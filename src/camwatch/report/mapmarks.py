"""What was found, on a panel: polygons with a hatch, and marks for what is too small to be seen on paper."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Picture
from shapely import box as rectangle
from shapely import get_parts

from camwatch.report import style
from camwatch.report.canvas import Area, Ink
from camwatch.report.mappanel import HATCH_PX
from camwatch.report.mapstrokes import edges, inks, stroke
from camwatch.report.paper import points
from camwatch.report.placing import extent, mark_sizes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from camwatch.findings import Finding
    from camwatch.report.mappanel import Panel
    from camwatch.report.paper import Paper

LEAST_MM = 1.6
"""A polygon smaller than this is drawn as a mark."""
HATCH_LINE_PX = 1.5
"""Width of the lines of a hatch."""

_X = ((0.25, 0), (0.5, 0.25), (0.75, 0), (1, 0.25), (0.75, 0.5), (1, 0.75), (0.75, 1), (0.5, 0.75), (0.25, 1), (0, 0.75), (0.25, 0.5), (0, 0.25))
_P = ((1, 0), (2, 0), (2, 1), (3, 1), (3, 2), (2, 2), (2, 3), (1, 3), (1, 2), (0, 2), (0, 1), (1, 1))
_ANGLES = {"p": np.arange(5) * 2 * np.pi / 5, "o": np.arange(32) * 2 * np.pi / 32, "D": np.arange(4) * np.pi / 2}
SHAPES: dict[str, NDArray[np.float64]] = {
    "^": np.array([(0, -0.5), (0.5, 0.5), (-0.5, 0.5)]),
    "s": np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]),
    "X": np.array(_X) - 0.5,
    "P": np.array(_P) / 3 - 0.5,
    **{name: (0.7071 if name == "D" else 0.5) * np.column_stack([np.sin(a), -np.cos(a)]) for name, a in _ANGLES.items()},
}
"""Outline of each mark for a size of 1, x to the right, y down."""


def marks(target: Panel, records: Iterable[Finding]) -> None:
    """Draw towers as marks and everything else as hatched polygons; a polygon too small to be seen on paper gets a mark instead."""
    shown = [r for r in records if not r.geometry.is_empty]
    small = [r for r in shown if r.kind == "tower" or (r.kind == "structure" and max(extent(r.geometry)) / target.metres_per_mm < LEAST_MM)]
    places = np.array([[r.geometry.centroid.x, r.geometry.centroid.y] for r in small]).reshape(-1, 2)
    sizes = mark_sizes(places, target.metres_per_mm)
    marked = {id(r): (place, float(size)) for r, place, size in zip(small, target.on(places), sizes, strict=True)}
    # What changed lies on top of what did not, and marks on polygons.
    for record in sorted(shown, key=lambda r: (id(r) in marked, r.change not in {"unchanged", "not_observed"}, r.id)):
        look = style.MARKS[record.change]
        if record.kind == "perimeter":
            look = style.GROUND.get(record.change, look)
        if id(record) in marked:
            (x, y), size = marked[id(record)]
            mark(target.paper, (target.area.x + x, target.area.y + y), style.SHAPES.get((record.kind, record.change), look.shape), look, size)
        else:
            _object(target, record.geometry, look)


def _object(target: Panel, geometry: BaseGeometry, look: style.Mark) -> None:
    """Draw a polygon: a white rim, a tint and a hatch that show the ground, a coloured edge."""
    lines = [target.on(edge) for edge in edges(geometry)]
    made = inks(target, lines, 3, 6.0) if lines else None
    if made is None:
        return
    (rim, edge, face), placed = made
    # Rings of exteriors fill, those of holes empty; the larger come first.
    for line in sorted(placed, key=lambda ring: -abs(_signed_area(ring))):
        closed = np.vstack([line, line[1:2]])
        rim.line(closed, points(1.6))
        edge.line(closed, points(0.7))
    for part in get_parts(geometry):
        for number, ring in enumerate([part.exterior, *part.interiors] if part.geom_type == "Polygon" else []):
            corner = np.subtract((face.area.x, face.area.y), (target.area.x, target.area.y))
            face.shape(target.on(np.asarray(ring.coords)) - corner, hole=number > 0)
    canvas = target.paper.canvas
    canvas.ink(rim, "white", share=0.8)
    if not look.hollow:
        inside = face.drawn()
        canvas.tint(face.area.x, face.area.y, inside, look.colour, share=0.22)
        canvas.tint(face.area.x, face.area.y, hatch(look.hatch[:1], face.area, inside), look.colour)
    canvas.ink(edge, look.colour)


def _signed_area(ring: NDArray[np.float64]) -> float:
    x, y = ring.T
    return float(0.5 * np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))


def hatch(kind: str, area: Area, inside: Picture.Image | None = None) -> Picture.Image:
    """Return a stencil of hatching, one over the whole page, within another."""
    y, x = np.ogrid[area.y : area.bottom, area.x : area.right]
    if kind == ".":
        apart = np.hypot((x % HATCH_PX) - HATCH_PX / 2, (y % HATCH_PX) - HATCH_PX / 2)
    else:
        apart = np.abs(((x + y if kind == "/" else x - y) % HATCH_PX) - HATCH_PX / 2) / np.sqrt(2)
    covered = np.clip((HATCH_LINE_PX + 1) / 2 - apart, 0, 1)
    return Picture.fromarray((covered * (255 if inside is None else np.asarray(inside))).astype(np.uint8))


def mark(paper: Paper, place: tuple[float, float], shape: str, look: style.Mark, size: float) -> None:
    """Draw one mark about a place of the page in pixels: a coloured (or, where nothing changed, a hollow) shape with a white rim."""
    wide, rim, ink = _mark(shape, round(points(size), 1), hollow=look.hollow)
    left, top = round(place[0]) - wide, round(place[1]) - wide
    paper.canvas.tint(left, top, rim, "white")
    paper.canvas.tint(left, top, ink, look.colour)


@lru_cache(maxsize=512)
def _mark(shape: str, size: float, *, hollow: bool) -> tuple[int, Picture.Image, Picture.Image]:
    """Return half the side of the stencils of a mark, and these: its rim and its ink."""
    line = min(points(0.7 if hollow else 0.4), 0.14 * size)
    half = round(0.75 * size + 6)
    area = Area(0, 0, 2 * half, 2 * half)
    outline = SHAPES[shape] * size * (0.8 if shape in "sDo" else 1.0) + half
    closed = np.vstack([outline, outline[:2]])
    rim, ink = Ink(area), Ink(area)
    if hollow:
        rim.line(closed, line + min(points(1.0), 0.2 * size))
        ink.line(closed, line)
    else:
        rim.shape(outline)
        rim.line(closed, line)
        ink.shape(half + (outline - half) * (1 - line / size))
    return half, rim.drawn(), ink.drawn()


def rings(target: Panel, records: Iterable[Finding], which: int) -> None:
    """Draw what stands at a date (0 before, 1 after) as thin outlines about it, dashed where it does not stand at that date."""
    gone = ("appeared", "removed")[which]
    for record in records:
        room = 1.2 * target.metres_per_mm
        left, bottom, right, top = record.geometry.bounds
        about = rectangle(left - room, bottom - room, right + room, top + room) if record.kind == "structure" else record.geometry.buffer(room)
        dash = (2.0, 1.4) if record.change == gone else ()
        stroke(target, about, style.Stroke(style.MARKS[record.change].colour, dash, 0.7))
