"""Panels of a page that show ground: empty ones, and the pixels on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from PIL import Image as Picture

from camwatch.report.canvas import Area
from camwatch.report.ground import hatched
from camwatch.report.page import DPI, MM, Box
from camwatch.report.paper import px

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from camwatch.report.display import Shown, View
    from camwatch.report.paper import Paper

    Span = tuple[NDArray[np.float32], NDArray[np.float32]]

HATCH_PX = 16
"""Distance along a row of the lines that fill objects and ground that was not observed."""


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
