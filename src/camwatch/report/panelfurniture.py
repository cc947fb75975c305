"""What surrounds a panel's axes and explains them: scale bar, north arrow, coordinates, frames, notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import patheffects
from matplotlib.patches import Polygon, Rectangle

from camwatch.report import style
from camwatch.report.page import Box
from camwatch.report.placing import nice, north_deg, ticks

if TYPE_CHECKING:
    from camwatch.imagery.image import Sun
    from camwatch.report.display import View
    from camwatch.report.panels import Panel

WHITE = [patheffects.Stroke(linewidth=2.0, foreground="white"), patheffects.Normal()]
"""A white rim, so that small type and marks show on any ground."""


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
