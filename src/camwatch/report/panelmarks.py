"""What was found, on a panel's axes: lines of geometries, polygons with a hatch, and marks for what is too small to be seen on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import patheffects
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

from camwatch.report import style
from camwatch.report.placing import extent, mark_sizes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shapely.geometry.base import BaseGeometry

    from camwatch.findings import Finding
    from camwatch.report.panels import Panel
    from camwatch.report.style import Stroke

LINEAR = {"LineString", "LinearRing", "MultiLineString"}


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
