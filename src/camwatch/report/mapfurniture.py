"""What surrounds a map and explains it: scale bar, north arrow, coordinates, frames, notes, and the samples of a legend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Picture

from camwatch.report import style
from camwatch.report.canvas import Area, Ink
from camwatch.report.ground import hatched
from camwatch.report.legend import LINES, WIDTHS, look_of
from camwatch.report.mapmarks import hatch, mark
from camwatch.report.mappanel import HATCH_PX
from camwatch.report.page import DPI, MM, Box
from camwatch.report.paper import points, px, type_px
from camwatch.report.placing import nice, north_deg, ticks

if TYPE_CHECKING:
    from camwatch.imagery.image import Sun
    from camwatch.report.display import View
    from camwatch.report.mappanel import Panel
    from camwatch.report.paper import Paper


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
        paper.canvas.tint(area.x, area.y, hatch(look.hatch[:1], area), look.colour)
    paper.canvas.frame(area, look.colour, 2)
