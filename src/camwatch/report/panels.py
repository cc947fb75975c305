"""Panels: records drawn on axes. A panel's axes count in metres of the grid's CRS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import patheffects
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Polygon, Rectangle
from matplotlib.path import Path as Outline
from matplotlib.transforms import Affine2D

from camwatch.report import style
from camwatch.report.display import View, rgba
from camwatch.report.page import DPI, MM, Box
from camwatch.report.placing import extent, mark_sizes, nice, north_deg, ticks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox
    from shapely.geometry.base import BaseGeometry

    from camwatch.findings import Finding
    from camwatch.imagery.image import Sun
    from camwatch.report.display import Shown
    from camwatch.report.sheet import Sheet
    from camwatch.report.style import Stroke

WHITE = [patheffects.Stroke(linewidth=2.0, foreground="white"), patheffects.Normal()]
"""A white rim, so that small type and marks show on any ground."""
LINEAR = {"LineString", "LinearRing", "MultiLineString"}


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


def geometry_path(geometry: BaseGeometry) -> Outline | None:
    """Return the lines and rings of a geometry as one matplotlib path; None where it has none (a point)."""
    edge = geometry if geometry.geom_type in LINEAR else geometry.boundary
    parts = [p for p in getattr(edge, "geoms", [edge]) if p is not None and p.geom_type in LINEAR and not p.is_empty]
    if not parts:
        return None
    return Outline.make_compound_path(*[Outline(np.asarray(p.coords)[:, :2], closed=p.is_ring) for p in parts])


def stroke(target: Panel, geometry: BaseGeometry, look: Stroke, *, zorder: float = 3) -> None:
    """Draw the lines of a geometry with a white rim."""
    path = geometry_path(geometry)
    if path is None:
        return
    dash = (0.0, look.dash) if look.dash else "solid"
    target.axes.add_artist(PathPatch(path, fill=False, edgecolor="white", linewidth=look.width + 1.1, alpha=0.75, zorder=zorder))
    target.axes.add_artist(PathPatch(path, fill=False, edgecolor=look.colour, linewidth=look.width, linestyle=dash, zorder=zorder + 0.1))


def marks(target: Panel, records: Iterable[Finding], *, least_mm: float = 1.6) -> None:
    """Draw towers as marks and everything else as hatched polygons; a polygon too small to be seen on paper gets a mark instead."""
    shown = [r for r in records if not r.geometry.is_empty]
    small = [r for r in shown if r.kind == "tower" or (r.kind == "structure" and max(extent(r.geometry)) / target.metres_per_mm < least_mm)]
    places = np.array([[r.geometry.centroid.x, r.geometry.centroid.y] for r in small]).reshape(-1, 2)
    sizes = {id(r): float(size) for r, size in zip(small, mark_sizes(places, target.metres_per_mm), strict=True)}
    # What changed lies on top of what did not.
    for record in sorted(shown, key=lambda r: (r.change not in {"unchanged", "not_observed"}, r.id)):
        look = style.MARKS[record.change]
        if record.kind == "perimeter":
            look = style.GROUND.get(record.change, look)
        if id(record) in sizes:
            shape = style.SHAPES.get((record.kind, record.change), look.shape)
            here = record.geometry.centroid
            target.axes.add_artist(mark(here.x, here.y, shape, look, sizes[id(record)]))
        elif (path := geometry_path(record.geometry)) is not None:
            face = "none" if look.hollow else (*_rgb(look.colour), 0.22)
            target.axes.add_artist(PathPatch(path, facecolor="none", edgecolor="white", linewidth=1.6, alpha=0.8, zorder=4))
            target.axes.add_artist(PathPatch(path, facecolor=face, edgecolor=look.colour, hatch=look.hatch or None, linewidth=0.7, zorder=4.1))


def rings(target: Panel, records: Iterable[Finding], which: int) -> None:
    """Draw what stands at a date (0 before, 1 after) as thin outlines about it, dashed where it does not stand at that date."""
    gone = ("appeared", "removed")[which]
    for record in records:
        look = style.MARKS[record.change]
        about = record.geometry.buffer(1.2 * target.metres_per_mm)
        dash = (2.0, 1.4) if record.change == gone else ()
        stroke(target, about.envelope if record.kind == "structure" else about, style.Stroke(look.colour, dash, 0.7), zorder=4)


def mark(x: float, y: float, shape: str, look: style.Mark, size: float) -> Line2D:
    """Return one mark: a coloured (or, where nothing changed, a hollow) shape with a white rim; not even the scale bar hides it."""
    rim = "white" if not look.hollow else look.colour
    line = Line2D(
        [x],
        [y],
        linestyle="none",
        marker=shape,
        markersize=size * (0.8 if shape in "sDo" else 1.0),
        markerfacecolor="none" if look.hollow else look.colour,
        markeredgecolor=rim,
        zorder=8.5,
        markeredgewidth=min(0.4 if not look.hollow else 0.7, 0.14 * size),
    )
    if look.hollow:
        line.set_path_effects([patheffects.Stroke(linewidth=min(1.7, 0.32 * size), foreground="white"), patheffects.Normal()])
    return line


def _rgb(colour: str) -> tuple[float, float, float]:
    return int(colour[1:3], 16) / 255, int(colour[3:5], 16) / 255, int(colour[5:7], 16) / 255


def scale_bar(target: Panel) -> None:
    """Draw a scale bar of about a quarter of the panel's width, lower left, two-toned, on a white ground."""
    length = nice(target.view.width * 0.3)
    label = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    width, left, low = length / target.metres_per_mm, 2.0, 1.9
    _plate(target, Box(0.7, 0.7, max(width, 9.0) + 2.6, 5.1))
    for start, colour in ((0.0, style.INK), (0.5, "white")):
        (x0, y0), (x1, y1) = target.at(left + start * width, low), target.at(left + (start + 0.5) * width, low + 0.8)
        target.axes.add_artist(
            Rectangle((x0, y0), x1 - x0, y1 - y0, transform=target.axes.transAxes, facecolor=colour, edgecolor=style.INK, linewidth=0.4, zorder=8)
        )
    target.axes.text(*target.at(left, low + 1.3), label, fontsize=style.SMALL, transform=target.axes.transAxes, va="bottom", ha="left", zorder=8)


def _plate(target: Panel, box: Box) -> None:
    """Draw a white ground for small type; `box.y` counts up from the lower side here."""
    x, y = box.x / target.box.width, box.y / target.box.height
    target.axes.add_artist(
        Rectangle(
            (x, y),
            box.width / target.box.width,
            box.height / target.box.height,
            transform=target.axes.transAxes,
            facecolor="white",
            alpha=0.8,
            edgecolor="none",
            zorder=7,
        )
    )


def compass(target: Panel, sun: Sun | None) -> None:
    """Draw the north arrow and, where the sun is known, the direction in which its light falls, upper right on a white ground."""
    turned = north_deg(target.view, target.crs)
    wide = 17.0 if sun else 6.4
    _plate(target, Box(target.box.width - wide - 0.7, target.box.height - 9.7, wide, 9.0))
    _arrow(target, (target.box.width - 3.9, target.box.height - 5.9), -turned, "N", style.INK)
    if sun:
        # Light travels away from the sun: an arrow along the shadows is what an eye can check.
        _arrow(target, (target.box.width - 11.6, target.box.height - 5.9), sun.azimuth_deg + 180 - turned, "sunlight", "#9a6a00")


def _arrow(target: Panel, centre: tuple[float, float], azimuth_deg: float, label: str, colour: str) -> None:
    """Draw a slim arrow about a centre given in millimetres from the lower left corner; azimuth clockwise from up."""
    angle = np.radians(azimuth_deg)
    along, across = np.array([np.sin(angle), np.cos(angle)]), np.array([np.cos(angle), -np.sin(angle)])
    shape = np.array([2.6 * along, -2.4 * along + 1.1 * across, -1.5 * along, -2.4 * along - 1.1 * across]) + centre
    target.axes.add_artist(
        Polygon(
            shape / (target.box.width, target.box.height), closed=True, transform=target.axes.transAxes, facecolor=colour, edgecolor="none", zorder=8
        )
    )
    target.axes.text(
        centre[0] / target.box.width,
        (centre[1] + 2.7) / target.box.height,
        label,
        transform=target.axes.transAxes,
        fontsize=style.SMALL,
        ha="center",
        va="bottom",
        color=colour,
        zorder=8,
    )


def graticule(target: Panel, *, left: bool = True, below: bool = True) -> None:
    """Tick the frame with longitudes and latitudes in degrees, where the panel's lower and left edge really cross them."""
    for axis, labelled, side in (("x", below, target.box.width), ("y", left, target.box.height)):
        places, texts = ticks(target.view, target.crs, axis, side)
        setter = target.axes.set_xticks if axis == "x" else target.axes.set_yticks
        setter(places, texts if labelled else [""] * len(places))
    target.axes.tick_params(axis="both", length=1.6, width=0.5, labelsize=style.SMALL, pad=1.2, colors=style.SOFT, color=style.INK)
    target.axes.tick_params(axis="y", labelrotation=90)
    for label in target.axes.get_yticklabels():
        label.set(va="center")


def watermark(target: Panel) -> None:
    """Write SIMULATED all over a panel, above the pixels and below what is drawn on them, a slanting word every 21 × 10 mm.

    No crop that is worth showing goes without.
    """
    axes, box = target.axes, target.box
    rim = [patheffects.Stroke(linewidth=1.2, foreground=(1, 1, 1, 0.4)), patheffects.Normal()]
    across, up = 21.0, 10.5
    for j in range(int(box.height // up) + 2):
        for i in range(int(box.width // across) + 2):
            x, y = (i + 0.5 * (j % 2)) * across, (j + 0.35) * up
            axes.text(
                x / box.width,
                y / box.height,
                "SIMULATED",
                transform=axes.transAxes,
                fontsize=8,
                weight="bold",
                alpha=0.36,
                color=style.SIMULATED_RED,
                rotation=24,
                ha="center",
                va="center",
                clip_on=True,
                zorder=1.5,
                path_effects=rim,
            )


def note(target: Panel, text: str) -> None:
    """Write a few words in the middle of a panel, on a white ground."""
    target.axes.text(
        0.5,
        0.5,
        text,
        transform=target.axes.transAxes,
        ha="center",
        va="center",
        fontsize=style.BODY,
        color=style.INK,
        zorder=9,
        parse_math=False,
        bbox={"facecolor": "white", "edgecolor": style.INK, "linewidth": 0.4, "boxstyle": "square,pad=0.5"},
    )


def frame_of(target: Panel, window: View, label: str) -> None:
    """Draw the outline of a detail with its letter."""
    for colour, width in (("white", 1.8), (style.INK, 0.7)):
        target.axes.add_artist(
            Rectangle((window.left, window.bottom), window.width, window.height, fill=False, edgecolor=colour, linewidth=width, zorder=5.5)
        )
    above = window.top + 3.2 * target.metres_per_mm < target.view.top
    target.axes.text(
        window.left,
        window.top if above else window.bottom,
        label,
        fontsize=style.BODY,
        weight="bold",
        color=style.INK,
        path_effects=WHITE,
        ha="left",
        va="bottom" if above else "top",
        clip_on=True,
        zorder=5.7,
    )
