"""Panels: axes that count in metres of the grid's CRS, and the pixels on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.transforms import Affine2D

from camwatch.report import style
from camwatch.report.display import View, rgba
from camwatch.report.page import DPI, MM, Box

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from camwatch.report.display import Shown
    from camwatch.report.sheet import Sheet


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Axes with what is needed to draw on them in millimetres of paper.

    Attributes
    ----------
    axes : Axes
    box : Box
        On the page.
    view : View
    crs : str
    """

    axes: Axes
    box: Box
    view: View
    crs: str

    @property
    def metres_per_mm(self) -> float:
        """Metres on the ground in one millimetre of paper."""
        return self.view.width / self.box.width

    def at(self, right: float, up: float) -> tuple[float, float]:
        """Return the place so many millimetres from the lower left corner (negative: from the upper right one), as a share of the axes."""
        return (right / self.box.width) % 1.0, (up / self.box.height) % 1.0


def panel(sheet: Sheet, box: Box, view: View, crs: object) -> Panel:
    """Return an empty map panel: what nothing is drawn on later is hatched as not observed."""
    axes = sheet.axes(box)
    axes.set(xlim=(view.left, view.right), ylim=(view.bottom, view.top), xticks=[], yticks=[])
    axes.patch.set(facecolor=style.NOT_OBSERVED, edgecolor=style.GAP_EDGE, hatch=style.GAP_HATCH, linewidth=0)
    return Panel(axes, box, view, str(crs))


def pixels(target: Panel, picture: NDArray[np.float32], geobox: GeoBox) -> None:
    """Draw (y, x, 4) pixels where their grid puts them; fine pixels are averaged, coarse ones are shown as the squares they are."""
    rows, cols = picture.shape[:2]
    grid = geobox.affine
    place = Affine2D(np.array([[grid.a, grid.b, grid.c], [grid.d, grid.e, grid.f], [0, 0, 1]])) + target.axes.transData
    fine = abs(grid.determinant) ** 0.5 / target.metres_per_mm < 1.5 * MM / DPI
    target.axes.imshow(
        picture,
        extent=(0, cols, rows, 0),
        origin="upper",
        transform=place,
        interpolation="antialiased" if fine else "nearest",
        aspect="auto",
        zorder=1,
    )
    # imshow sets the limits to the pixels' own counting.
    target.axes.set(xlim=(target.view.left, target.view.right), ylim=(target.view.bottom, target.view.top))


def image(target: Panel, part: Shown | None, span: tuple[NDArray[np.float32], NDArray[np.float32]], *, pale: float = 0.0) -> None:
    """Draw the pixels of one date."""
    if part is not None and part.valid.any():
        pixels(target, rgba(part, span, pale=pale), part.geobox)
