"""Map panels on a page of pixels: what was seen and what was found, in metres of the grid's CRS."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from PIL import Image as Picture
from shapely import box as rectangle
from shapely import get_parts

from camwatch.report import style
from camwatch.report.canvas import Area, Ink
from camwatch.report.ground import hatched
from camwatch.report.legend import LINES, WIDTHS, look_of
from camwatch.report.page import DPI, MM, Box
from camwatch.report.paper import points, px, type_px
from camwatch.report.placing import extent, mark_sizes, nice, north_deg, ticks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox
    from shapely.geometry.base import BaseGeometry

    from camwatch.findings import Finding
    from camwatch.imagery.image import Sun
    from camwatch.report.display import Shown, View
    from camwatch.report.paper import Paper
    from camwatch.report.style import Stroke

    Span = tuple[NDArray[np.float32], NDArray[np.float32]]

LINEAR = {"LineString", "LinearRing", "MultiLineString"}
LEAST_MM = 1.6
"""A polygon smaller than this is drawn as a mark."""
HATCH_PX, HATCH_LINE_PX = 16, 1.5
"""Distance along a row, and width, of the lines that fill objects and ground that was not observed."""

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


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """A part of a page that shows ground.

    Attributes
    ----------
    paper : Paper
    area : Area
    view : View
    crs : str
    """

    paper: Paper
    area: Area
    view: View
    crs: str

    @property
    def metres_per_mm(self) -> float:
        """Metres on the ground in one millimetre of paper."""
        return self.view.width / (self.area.width * MM / DPI)

    @property
    def to_ground(self) -> Affine:
        """From pixels of the panel, counted from its upper left corner, to metres."""
        view, area = self.view, self.area
        return Affine(view.width / area.width, 0, view.left, 0, -view.height / area.height, view.top)

    def on(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return places (n, 2) in metres as pixels of the panel."""
        scale = self.area.width / self.view.width, -self.area.height / self.view.height
        return (np.asarray(places)[:, :2] - (self.view.left, self.view.top)) * scale

    def corner(self, right: float, up: float, width: float, height: float) -> Area:
        """Return a box so many millimetres from the lower left corner; counted from the upper right one where negative."""
        x = self.area.x + round(px(right) if right >= 0 else self.area.width + px(right))
        bottom = self.area.bottom - round(px(up) if up >= 0 else self.area.height + px(up))
        return Area(x, bottom - round(px(height)), round(px(width)), round(px(height)))


def panel(paper: Paper, box: Box, view: View, crs: str) -> Panel:
    """Return an empty map panel: what nothing is drawn on later is hatched as not observed."""
    area = paper.area(box)
    paper.canvas.paste(area, hatched(area.height, area.width, HATCH_PX))
    return Panel(paper, area, view, crs)


def image(target: Panel, part: Shown | None, span: Span, *, pale: float = 0.0) -> None:
    """Draw the pixels of one date, `span` from black to white; `pale` mixes with so much white."""
    if part is not None and part.valid.any():
        low, high = span
        bright = np.clip((part.values - low) / (high - low), 0, 1) * (255 * (1 - pale)) + (255 * pale + 0.5)
        pixels(target, bright.astype(np.uint8), part.valid, part.geobox)


def score(target: Panel, part: Shown | None) -> None:
    """Draw a score, white = 0 to black = 1."""
    if part is not None:
        pixels(target, (255.5 * (1 - np.clip(part.values, 0, 1) * 0.85)).astype(np.uint8), part.valid, part.geobox)


def pixels(target: Panel, bright: NDArray[np.uint8], valid: NDArray[np.bool_], geobox: GeoBox) -> None:
    """Draw (y, x, 1 or 3) pixels where their grid puts them; fine pixels are averaged, coarse ones are shown as the squares they are."""
    rows, cols = valid.shape
    picture, back = _picture(bright, valid), ~geobox.affine * target.to_ground
    width, height = target.area.width, target.area.height
    x0, y0, x1, y1 = 0, 0, width, height
    if abs(back.b) + abs(back.d) < 1e-9 and back.a > 0 and back.e > 0:
        x0, x1 = max(round(-back.c / back.a), 0), min(round((cols - back.c) / back.a), width)
        y0, y1 = max(round(-back.f / back.e), 0), min(round((rows - back.f) / back.e), height)
        if x0 >= x1 or y0 >= y1:
            return
        (left, right), (top, bottom) = (
            (max(o + s * a, 0.0), min(o + s * b, float(n))) for o, s, a, b, n in ((back.c, back.a, x0, x1, cols), (back.f, back.e, y0, y1, rows))
        )
        shown = picture.resize((x1 - x0, y1 - y0), _resampling(back.a), (left, top, right, bottom))
    else:
        how = Picture.Resampling.BILINEAR if _resampling(abs(back.determinant) ** 0.5) else Picture.Resampling.NEAREST
        # Beyond the picture nothing is shown.
        shown = picture.convert("RGBA").transform((width, height), Picture.Transform.AFFINE, tuple(back)[:6], how)
    whole = shown.mode == "RGB"
    target.paper.canvas.image.paste(shown, (target.area.x + x0, target.area.y + y0), None if whole else shown)


def _picture(bright: NDArray[np.uint8], valid: NDArray[np.bool_]) -> Picture.Image:
    """Return (y, x, 1 or 3) pixels as a picture, transparent where they are not valid."""
    colours = np.broadcast_to(bright, (*valid.shape, 3))
    if valid.all():
        return Picture.fromarray(np.ascontiguousarray(colours))
    return Picture.fromarray(np.dstack([colours, np.where(valid, np.uint8(255), np.uint8(0))]))


def _resampling(step: float) -> Picture.Resampling:
    """Return how pixels of which so many go on one of the page are drawn."""
    if step > 1:
        return Picture.Resampling.BOX
    return Picture.Resampling.BICUBIC if step > 2 / 3 else Picture.Resampling.NEAREST


def _edges(geometry: BaseGeometry) -> list[NDArray[np.float64]]:
    """Return the lines and rings of a geometry; none of a point."""
    edge = geometry if geometry.geom_type in LINEAR else geometry.boundary
    return [np.asarray(line.coords)[:, :2] for line in get_parts(edge) if line.geom_type in LINEAR and not line.is_empty]


def _inks(target: Panel, lines: Sequence[NDArray[np.float64]], count: int, rim: float) -> tuple[list[Ink], list[NDArray[np.float64]]] | None:
    """Return inks that hold lines (in pixels of the panel) and a rim, and the lines counted from their corner; None where the panel shows none."""
    every = np.concatenate(lines)
    first, last = np.floor(every.min(axis=0) - rim).astype(int), np.ceil(every.max(axis=0) + rim).astype(int)
    x0, y0 = np.maximum(first, 0).tolist()
    x1, y1 = np.minimum(last, (target.area.width, target.area.height)).tolist()
    if x0 >= x1 or y0 >= y1:
        return None
    area = Area(target.area.x + x0, target.area.y + y0, x1 - x0, y1 - y0)
    return [Ink(area) for _ in range(count)], [line - (x0, y0) for line in lines]


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
    lines = [target.on(edge) for edge in _edges(geometry)]
    made = _inks(target, lines, 2, 8.0) if lines else None
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
    lines = [target.on(edge) for edge in _edges(geometry)]
    made = _inks(target, lines, 3, 6.0) if lines else None
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
        canvas.tint(face.area.x, face.area.y, _hatch(look.hatch[:1], face.area, inside), look.colour)
    canvas.ink(edge, look.colour)


def _signed_area(ring: NDArray[np.float64]) -> float:
    x, y = ring.T
    return float(0.5 * np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))


def _hatch(kind: str, area: Area, inside: Picture.Image | None = None) -> Picture.Image:
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


def scale_bar(target: Panel) -> None:
    """Draw a scale bar of about a quarter of the panel's width, lower left, two-toned, on a white ground."""
    length, canvas = nice(target.view.width * 0.3), target.paper.canvas
    label = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    width = length / target.metres_per_mm
    canvas.veil(target.corner(0.7, 0.7, max(width, 9.0) + 2.6, 5.1), 0.8)
    bar = target.corner(2.0, 1.9, width, 0.8)
    canvas.fill(bar, "white")
    canvas.fill(Area(bar.x, bar.y, bar.width // 2, bar.height), style.INK)
    canvas.frame(bar, width=2)
    canvas.line(bar.x, bar.y - round(px(1.0)), label, type_px(style.SMALL))


def compass(target: Panel, sun: Sun | None) -> None:
    """Draw the north arrow and, where the sun is known, the direction in which its light falls, upper right on a white ground."""
    turned = north_deg(target.view, target.crs)
    wide = 17.0 if sun else 6.4
    target.paper.canvas.veil(target.corner(-wide - 0.7, -9.7, wide, 9.0), 0.8)
    _arrow(target, 3.9, -turned, "N", style.INK)
    if sun:
        # Light travels away from the sun: an arrow along the shadows is what an eye can check.
        _arrow(target, 11.6, sun.azimuth_deg + 180 - turned, "sunlight", "#9a6a00")


def _arrow(target: Panel, left: float, azimuth_deg: float, label: str, colour: str) -> None:
    """Draw a slim arrow about a centre so many millimetres to the left of the upper right corner; azimuth clockwise from up."""
    angle, half = np.radians(azimuth_deg), round(px(3.2))
    along, across = np.array([np.sin(angle), -np.cos(angle)]), np.array([np.cos(angle), np.sin(angle)])
    shape = px(1.0) * np.array([2.6 * along, -2.4 * along + 1.1 * across, -1.5 * along, -2.4 * along - 1.1 * across]) + half
    x, y = target.area.right - round(px(left)), target.area.y + round(px(5.9))
    ink = Ink(Area(x - half, y - half, 2 * half, 2 * half))
    ink.shape(shape)
    target.paper.canvas.ink(ink, colour)
    target.paper.canvas.line(x, y - round(px(3.2)), label, type_px(style.SMALL), colour=colour, align="center")


def graticule(target: Panel, *, left: bool = True) -> None:
    """Frame the panel and tick it with longitudes and latitudes in degrees, where its lower and left edge really cross them."""
    area, canvas = target.area, target.paper.canvas
    length, size = round(points(1.6)), type_px(style.SMALL)
    canvas.frame(area, width=2)
    places, texts = ticks(target.view, target.crs, "x", area.width * MM / DPI)
    for place, text in zip(places, texts, strict=True):
        x = area.x + (place - target.view.left) / target.view.width * area.width
        canvas.fill(Area(round(x) - 1, area.bottom, 2, length), style.INK)
        canvas.line(x, area.bottom + length + round(points(1.2) + 0.8 * size), text, size, colour=style.SOFT, align="center")
    places, texts = ticks(target.view, target.crs, "y", area.height * MM / DPI)
    for place, text in zip(places, texts, strict=True):
        y = area.y + (target.view.top - place) / target.view.height * area.height
        canvas.fill(Area(area.x - length, round(y) - 1, length, 2), style.INK)
        if left:
            target.paper.upright(area.x - length - round(points(1.2)), y, text, style.SMALL, colour=style.SOFT)


def frame(target: Panel) -> None:
    """Draw the edge of a panel."""
    target.paper.canvas.frame(target.area, width=2)


def watermark(target: Panel) -> None:
    """Write SIMULATED all over a panel: above the pixels, below what is drawn on them later."""
    target.paper.canvas.stamp(target.area, type_px(8))


def note(target: Panel, text: str) -> None:
    """Write a few lines in the middle of a panel, on a white ground."""
    paper, lines = target.paper, text.split("\n")
    line = style.BODY * style.LEADING * MM / 72
    width, height = max(paper.measure(words, style.BODY) for words in lines) + 3.0, len(lines) * line + 2.0
    centre_x, centre_y = (target.area.x + target.area.width / 2) * MM / DPI, (target.area.y + target.area.height / 2) * MM / DPI
    plate = paper.area(Box(centre_x - width / 2, centre_y - height / 2, width, height))
    paper.canvas.fill(plate, "white")
    paper.canvas.frame(plate, width=2)
    for number, words in enumerate(lines):
        paper.text(centre_x, centre_y - height / 2 + 1.0 + number * line, words, align="center")


def frame_of(target: Panel, window: View, label: str) -> None:
    """Draw the outline of a detail with its letter."""
    corners = target.on(np.array([(window.left, window.top), (window.right, window.bottom)]))
    (x0, y0), (x1, y1) = np.rint(corners).astype(int).tolist()
    area, canvas = Area(target.area.x + x0, target.area.y + y0, x1 - x0, y1 - y0), target.paper.canvas
    canvas.frame(Area(area.x - 2, area.y - 2, area.width + 4, area.height + 4), "white", 7)
    canvas.frame(area, width=3)
    size = type_px(style.BODY)
    baseline = area.y - round(0.3 * size) if y0 > 1.2 * size else area.bottom + round(1.05 * size)
    for right, down in ((-3, 0), (3, 0), (0, -3), (0, 3), (2, 2), (-2, -2), (2, -2), (-2, 2)):
        canvas.line(area.x + right, baseline + down, label, size, bold=True, colour="white")
    canvas.line(area.x, baseline, label, size, bold=True)


def sample(paper: Paper, x: float, y: float, what: str, which: str) -> None:
    """Draw a sample for the legend: its left side at `x`, its middle at `y`, in millimetres."""
    wide = WIDTHS[what]
    if what == "line":
        line, area = LINES[which], paper.area(Box(x, y - 1.0, wide, 2.0))
        ink, ends = Ink(area), np.array([[0.0, area.height / 2], [area.width, area.height / 2]])
        if line.dash:
            ink.dashed(ends, points(line.width), *(points(part * line.width) for part in line.dash))
        else:
            ink.line(ends, points(line.width))
        paper.canvas.ink(ink, line.colour)
        return
    area = paper.area(Box(x, y - 1.1, wide, 2.2))
    if what == "gap":
        paper.canvas.paste(area, hatched(area.height, area.width, HATCH_PX))
        paper.canvas.frame(area, style.GAP_EDGE, 2)
        return
    look, shape = look_of(what, which)
    if what not in {"polygon", "area"}:
        mark(paper, (px(x + wide / 2), px(y)), shape, look, 5.5)
        return
    if not look.hollow:
        paper.canvas.tint(area.x, area.y, Picture.new("L", (area.width, area.height), 56), look.colour)
        paper.canvas.tint(area.x, area.y, _hatch(look.hatch[:1], area), look.colour)
    paper.canvas.frame(area, look.colour, 2)
