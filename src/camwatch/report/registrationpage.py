"""The page of one registration: check points as delivered and registered, checkerboards, residuals, numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.patches import Circle
from matplotlib.ticker import FuncFormatter, NullFormatter

from camwatch.report import panels, style
from camwatch.report.display import View, in_colour, limits, rgba, shown
from camwatch.report.frame import LINE, foot, simple_head
from camwatch.report.numbers import alignment
from camwatch.report.panels import nice
from camwatch.report.sheet import DPI, LANDSCAPE, MM, Box, new_sheet
from camwatch.report.tables import number

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from camwatch.imagery.image import Image
    from camwatch.registration.record import Registration
    from camwatch.report.panels import Panel
    from camwatch.report.sheet import Sheet

ZOOM_PX = 240
"""A checkerboard shows so many pixels of the grid across: a step of half a pixel can then be seen."""
TILES = 6
VECTOR_MM = 6.0
"""A vector of the 90th percentile is drawn about so long."""


def registration_page(
    path: Path,
    *,
    reference: Image,
    moving_before: Image,
    moving_after: Image,
    registration: Registration,
    zoom: tuple[Image, Image, Image] | None = None,
    generated: str = "",
    config_sha256: str = "",
) -> Path:
    """Write the page of one registration, A4 landscape at 300 dpi (3508 × 2480 px).

    Parameters
    ----------
    path : Path
    reference : Image
    moving_before, moving_after : Image
        The moving scene on the reference's grid, as delivered and with the transform applied.
    registration : Registration
    zoom : (Image, Image, Image), optional
        The same three in full resolution where those are overviews; must cover :func:`camwatch.report.zoom_bounds`.
    generated, config_sha256 : str

    Returns
    -------
    Path
        `path`.
    """
    simulated = any(image.simulated for image in (reference, moving_before, moving_after))
    with new_sheet(LANDSCAPE) as sheet:
        if simulated:
            sheet.simulated_bands()
        page = sheet.content
        line = f"reference {reference.scene} ({reference.acquired:%Y-%m-%d}) · moving {moving_after.scene} ({moving_after.acquired:%Y-%m-%d})"
        y = simple_head(sheet, "Co-registration", "camwatch register", line, generated)
        ends = foot(sheet, page, generated, config_sha256)
        gap = 6.0
        width = (page.width - 2 * gap) / 3
        room = ends - y - 2 * (LINE + 1.0) - 3.0
        shape = reference.geobox.shape
        upper = width * min(max(shape[0] / shape[1], 0.4), room / 2 / width)
        top = Box(page.x, y + LINE + 1.0, width, upper)
        low = Box(page.x, top.bottom + LINE + 4.0, width, min(room - upper, width))
        column = Box(page.x + 2 * (width + gap), y, width, ends - y)
        _vectors(sheet, (top, Box(top.x + width + gap, top.y, width, upper)), reference, registration, simulated=simulated)
        three = zoom or (reference, moving_before, moving_after)
        _boards(sheet, (low, Box(low.x + width + gap, low.y, width, low.height)), three, registration, simulated=simulated)
        y = _scatter(sheet, Box(column.x, column.y + LINE + 1.0, width, 0), registration)
        y = alignment(sheet, Box(column.x, y + 3.0, width, 0), registration)
        y = sheet.paragraph(column.x, y + 0.5, width, "○ check point with its residual, magnified; · tie point", style.SMALL, colour=style.SOFT)
        _lengths(sheet, Box(column.x, y + 3.0, width, ends - y - 3.0), registration)
        return sheet.write(path, "camwatch registration", simulated=simulated)


def _places(registration: Registration, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return map coordinates of (col, row) pixel centres."""
    grid = registration.grid.affine
    col, row = points.reshape(-1, 2).T + 0.5
    return np.column_stack([grid.a * col + grid.b * row + grid.c, grid.d * col + grid.e * row + grid.f])


def _vectors(sheet: Sheet, boxes: tuple[Box, Box], reference: Image, registration: Registration, *, simulated: bool) -> None:
    """Draw tie points and check points over the reference, with the residuals as delivered and registered, each magnified for itself."""
    box = boxes[0]
    extent = reference.geobox.extent.geom.bounds
    centre = 0.5 * (extent[0] + extent[2]), 0.5 * (extent[1] + extent[3])
    view = View.around(*centre, extent[2] - extent[0], extent[3] - extent[1]).shaped(box.height / box.width)
    part = shown(reference, view, round(box.width / MM * DPI), colour=False)
    span = limits([part])
    check = registration.check
    for target_box, name, residuals in ((boxes[0], "as delivered", check.before), (boxes[1], "registered", check.after)):
        target = panels.panel(sheet, target_box, view, registration.grid.crs)
        panels.image(target, part, span, pale=0.45)
        times = _arrows(target, registration, check.positions, residuals, style.VERMILLION)
        ties = _places(registration, registration.tie_positions)
        target.axes.plot(*ties.T, linestyle="none", marker=".", markersize=2.0, color=style.BLUE, zorder=3)
        points = _places(registration, check.positions)
        target.axes.plot(
            *points.T,
            linestyle="none",
            marker="o",
            markersize=3.2,
            markerfacecolor="none",
            markeredgecolor=style.VERMILLION,
            markeredgewidth=0.7,
            zorder=5,
        )
        panels.scale_bar(target)
        if simulated:
            panels.watermark(target)
        sheet.text(target_box.x, target_box.y - LINE - 0.8, f"Residuals {name}", style.BODY, bold=True)
        said = f"vectors × {number(times)}" if times else "no check points"
        sheet.text(target_box.right, target_box.y - LINE - 0.7, said, style.SMALL, colour=style.SOFT, align="right")


def _arrows(target: Panel, registration: Registration, positions: NDArray[np.float64], residuals: NDArray[np.float64], colour: str) -> float:
    """Draw residuals magnified by a round factor; return it, 0 without residuals."""
    start = _places(registration, positions)
    if not len(start):
        return 0.0
    move = _places(registration, positions + residuals) - start
    lengths = np.hypot(*move.T)
    typical = float(np.quantile(lengths, 0.9))
    times = nice(VECTOR_MM * target.metres_per_mm / typical) if typical > 0 else 1.0
    ends = start + times * move
    for width, ink, order in ((1.9, "white", 3.5), (0.9, colour, 4.0)):
        target.axes.add_collection(LineCollection(list(np.stack([start, ends], axis=1)), colors=ink, linewidths=width, zorder=order), autolim=False)
    return times


def zoom_bounds(registration: Registration) -> tuple[float, float, float, float]:
    """Return (left, bottom, right, top) of the ground that the checkerboards show, in the CRS of the registration's grid.

    A square about the check point that is nearest to the middle: there both scenes show ground.
    """
    rows, cols = registration.grid.shape
    middle = _places(registration, np.array([[(cols - 1) / 2, (rows - 1) / 2]]))[0]
    points = _places(registration, registration.check.positions)
    here = points[np.hypot(*(points - middle).T).argmin()] if len(points) else middle
    side = ZOOM_PX * float(abs(registration.grid.affine.determinant) ** 0.5)
    view = View.around(float(here[0]), float(here[1]), side, side)
    return view.left, view.bottom, view.right, view.top


def _boards(sheet: Sheet, boxes: tuple[Box, Box], images: tuple[Image, Image, Image], registration: Registration, *, simulated: bool) -> None:
    """Draw checkerboards of the reference and the moving scene, as delivered and registered, in one window in full resolution."""
    box, (reference, before, after) = boxes[0], images
    left, bottom, right, top = zoom_bounds(registration)
    height = (right - left) * box.height / box.width
    view = View(left, 0.5 * (bottom + top) - height / 2, right, 0.5 * (bottom + top) + height / 2)
    target_px = round(box.width / MM * DPI)
    for target_box, name, image in ((boxes[0], "as delivered", before), (boxes[1], "registered", after)):
        colour = in_colour((reference, image))
        target = panels.panel(sheet, target_box, view, registration.grid.crs)
        under, over = shown(reference, view, target_px, colour=colour), shown(image, view, target_px, colour=colour)
        panels.image(target, under, limits([under]))
        if over is not None and over.valid.any():
            picture = rgba(over, limits([over]))
            ny, nx = over.valid.shape
            grid = over.geobox.affine
            col, row = np.meshgrid(np.arange(nx) + 0.5, np.arange(ny) + 0.5)
            x, y = grid.a * col + grid.b * row + grid.c, grid.d * col + grid.e * row + grid.f
            side = view.width / TILES
            picture[..., 3] *= (np.floor((x - view.left) / side) + np.floor((y - view.bottom) / side)) % 2
            panels.pixels(target, picture, over.geobox)
        panels.scale_bar(target)
        if simulated:
            panels.watermark(target)
        sheet.text(target_box.x, target_box.y - LINE - 0.8, f"Checkerboard {name}", style.BODY, bold=True)
        said = f"about the middle, {ZOOM_PX} px across"
        sheet.text(target_box.right, target_box.y - LINE - 0.7, said, style.SMALL, colour=style.SOFT, align="right")


def _scatter(sheet: Sheet, box: Box, registration: Registration) -> float:
    """Draw the residuals of the check points in pixels, as delivered and registered, each at its own scale; return where the next thing begins."""
    check = registration.check
    sheet.text(box.x, box.y - LINE - 0.8, "Residuals of the check points, px (ring: CE90)", style.BODY, bold=True)
    side = (box.width - 8.0 - 9.0 - 1.0) / 2
    for column, (name, residuals, colour, marker) in enumerate(
        (("as delivered", check.before, style.BLUE, "x"), ("registered", check.after, style.VERMILLION, "o"))
    ):
        axes = sheet.axes(Box(box.x + 8.0 + column * (side + 9.0), box.y + 4.0, side, side))
        ring = float(np.quantile(np.hypot(*residuals.T), 0.9)) if len(residuals) else 0.0
        reach = max(float(np.abs(residuals).max(initial=0.0)) * 1.15, ring * 1.08, 0.1) if len(residuals) else 1.0
        axes.axhline(0, color=style.RULE, linewidth=0.4, zorder=1)
        axes.axvline(0, color=style.RULE, linewidth=0.4, zorder=1)
        axes.plot(
            *residuals.reshape(-1, 2).T,
            linestyle="none",
            marker=marker,
            markersize=3,
            color=colour,
            markeredgewidth=0.7,
            markerfacecolor="none",
            zorder=3,
        )
        if len(residuals):
            axes.add_patch(Circle((0, 0), ring, fill=False, edgecolor=style.INK, linewidth=0.5, linestyle=(0, (3, 2)), zorder=2))
        # Rows count downwards, as in the picture.
        axes.set(xlim=(-reach, reach), ylim=(reach, -reach))
        axes.locator_params(nbins=4)
        axes.set_yticks([tick for tick in axes.get_xticks() if -reach < tick < reach])
        axes.tick_params(labelsize=style.SMALL, length=1.6, width=0.5, pad=1.2)
        axes.set_title(name, fontsize=style.SMALL, pad=3)
        axes.set_xlabel("columns", fontsize=style.SMALL, labelpad=1)
        if column == 0:
            axes.set_ylabel("rows", fontsize=style.SMALL, labelpad=0)
    return box.y + 4.0 + side + 8.0


def _lengths(sheet: Sheet, box: Box, registration: Registration) -> None:
    """Draw which share of the check points is off by no more than so many pixels."""
    check = registration.check
    y = sheet.heading(box.x, box.y, box.width, "Check points within a distance", "dashed: as delivered")
    if not check.n:
        sheet.text(box.x, y, "No check point could be measured.", style.SMALL, colour=style.SOFT)
        return
    axes = sheet.axes(Box(box.x + 8.0, y + 1.5, box.width - 9.0, box.bottom - y - 11.0))
    share = np.arange(1, check.n + 1) / check.n
    for residuals, colour, dash in ((check.before, style.BLUE, "dashed"), (check.after, style.VERMILLION, "solid")):
        lengths = np.maximum(np.sort(np.hypot(*residuals.T)), 1e-3)
        axes.step(lengths, share, where="post", color=colour, linewidth=1.0, linestyle=dash)
    axes.axhline(0.9, color=style.RULE, linewidth=0.5, linestyle=(0, (2, 2)))
    axes.set(xscale="log", ylim=(0, 1.02))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(labelsize=style.SMALL, length=1.6, width=0.5, pad=1.2)
    axes.set_xlabel("residual, px", fontsize=style.SMALL, labelpad=1)
    axes.set_ylabel("share", fontsize=style.SMALL, labelpad=1)
