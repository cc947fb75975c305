"""A page in millimetres that is made of pixels: for verbs that answer within seconds, as :mod:`camwatch.report.canvas` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Picture

from camwatch.report import canvas, style
from camwatch.report.canvas import Area, Canvas
from camwatch.report.page import DPI, LANDSCAPE, MM, PT, Box, Page

if TYPE_CHECKING:
    from pathlib import Path


def px(mm: float) -> float:
    """Return millimetres in pixels."""
    return mm / MM * DPI


def points(size: float) -> float:
    """Return typographic points in pixels."""
    return size / 72 * DPI


def type_px(size: float) -> int:
    """Return a type size in points in whole pixels."""
    return round(points(size))


class Paper(Page):
    """One page under construction; what is drawn lies upon what was drawn before.

    Parameters
    ----------
    size : (int, int)
        Width and height in pixels at 300 dpi.
    """

    def __init__(self, size: tuple[int, int] = LANDSCAPE) -> None:
        self.width, self.height = size[0] / DPI * MM, size[1] / DPI * MM
        self.canvas = Canvas(*size)

    def area(self, box: Box) -> Area:
        """Return the whole pixels of a box."""
        x, y, right, bottom = (round(px(side)) for side in (box.x, box.y, box.right, box.bottom))
        return Area(x, y, right - x, bottom - y)

    def measure(self, text: str, size: float, *, bold: bool = False) -> float:
        """Return the width of a line in millimetres."""
        return canvas.measure(text, type_px(size), bold=bold) / DPI * MM

    def drawable(self, text: str) -> str:
        """Return a text on one line; what neither font has becomes � when it is drawn."""
        return style.plain(text)

    def text(
        self, x: float, y: float, text: str, size: float = style.BODY, *, bold: bool = False, colour: str = style.INK, align: str = "left"
    ) -> float:
        """Set one line whose line box begins at `y`; return where the next line begins."""
        leading = size * style.LEADING * PT
        baseline = y + 0.5 * (leading - size * PT) + 0.84 * size * PT
        self.canvas.line(px(x), round(px(baseline)), text, type_px(size), bold=bold, colour=colour, align=align)
        return y + leading

    def upright(self, right: int, middle: float, text: str, size: float, *, colour: str) -> None:
        """Set one line that runs upwards, its lower side at pixel `right`, about the pixel row `middle`."""
        pixels = type_px(size)
        stencil = _line_stencil(text, pixels).transpose(Picture.Transpose.ROTATE_90)
        self.canvas.tint(right - stencil.width, round(middle - stencil.height / 2), stencil, colour)

    def rule(self, x: float, y: float, width: float, *, colour: str = style.RULE, weight: float = 0.4) -> None:
        """Draw a horizontal rule, its weight in points."""
        self.canvas.rule(round(px(x)), round(px(y)), round(px(width)), colour, max(round(points(weight)), 1))

    def fill(self, box: Box, colour: str) -> None:
        """Fill a rectangle; what is to lie upon it is drawn later."""
        self.canvas.fill(self.area(box), colour)

    def write(self, path: Path, title: str, *, simulated: bool) -> Path:
        """Write the page as PNG under its name only once it is complete; the same page gives the same bytes."""
        return self.canvas.write(path, title, simulated=simulated, dpi=DPI)


def _line_stencil(text: str, size: int) -> Picture.Image:
    """Return a line as a stencil, as high as its type needs."""
    board = Canvas(round(canvas.measure(text, size)) + 2, round(1.2 * size))
    board.line(1, round(0.95 * size), text, size, colour="black")
    return Picture.fromarray(255 - np.asarray(board.image)[..., 0])
