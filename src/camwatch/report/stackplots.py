"""Drawings of a stack's page: residuals and closures beside their tables, shifts and closures as plans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from matplotlib.patches import Circle
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from camwatch.report import style
from camwatch.report.page import Box

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from camwatch.report.sheet import Sheet

SIDES = ((1, 1), (-1, -1), (1, -1), (-1, 1))


class Mark(NamedTuple):
    """A mark of a plan at (rows, columns) in pixels."""

    label: str
    place: tuple[float, ...]
    shape: str
    colour: str


def dumbbells(axes: Axes, before: Sequence[float | None], after: Sequence[float | None], limit: float) -> None:
    """Draw the residual of the check points before and after, a line a row, on a logarithmic scale."""
    known = [max(value, 1e-3) for value in (*before, *after) if value is not None]
    for row, (one, other) in enumerate(zip(before, after, strict=True)):
        if one is None or other is None:
            continue
        start, end = max(one, 1e-3), max(other, 1e-3)
        axes.plot([start, end], [row, row], color=style.RULE, linewidth=1.4, zorder=2)
        axes.plot(end, row, marker="o", markersize=4.5, color=style.VERMILLION, zorder=3)
        axes.plot(start, row, marker="x", markersize=4.5, markeredgewidth=1.1, color=style.BLUE, zorder=4)
    axes.set_xscale("log")
    low = min([*known, limit]) / 1.6
    axes.set_xlim(low, max([1.6 * value for value in (*known, limit)] + [12 * low]))
    _rows_of(axes, len(before), limit)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def bars(axes: Axes, loops: Sequence[Mapping[str, Any] | None], limit: float) -> None:
    """Draw a bar per closure, hatched where it is open, with its longest and three standard errors."""
    for row, loop in enumerate(loops):
        if loop is None:
            continue
        is_open = loop["closed"] is False
        axes.barh(
            row,
            loop["rmse_px"],
            height=0.52,
            facecolor=style.VERMILLION if is_open else style.SKY,
            edgecolor=style.INK,
            hatch="//////" if is_open else "",
            linewidth=0.4,
            zorder=2,
        )
        axes.plot([loop["max_px"]] * 2, [row - 0.26, row + 0.26], color=style.INK, linewidth=0.9, zorder=3)
        axes.plot(3 * loop["se_px"], row, marker="D", markersize=3.4, color="white", markeredgecolor=style.INK, markeredgewidth=0.7, zorder=4)
    reach = max([value for loop in loops if loop for value in (loop["max_px"], 3 * loop["se_px"])], default=0.0)
    axes.set_xlim(0, 1.12 * max(reach, limit))
    _rows_of(axes, len(loops), limit)


def _rows_of(axes: Axes, count: int, limit: float) -> None:
    """Align a drawing with the rows of its table and mark the limit."""
    axes.axvline(limit, color=style.INK, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_yticks([])
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=style.SMALL, length=1.8, width=0.5, pad=1.2)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def plans(sheet: Sheet, box: Box, document: Mapping[str, Any]) -> None:
    """Draw where each date lies and by how much each loop misses, in rows and columns."""
    numbers = {row["scene"]: str(n) for n, row in enumerate(document["scenes"], 1)}
    refused = {row["scene"] for row in document["scenes"] if row["status"] != "ok"}
    marks = []
    for link in document["links"]:
        if link["reference"] not in numbers and link["status"] == "ok":
            shape, colour = ("X", style.VERMILLION) if link["moving"] in refused else ("o", style.BLUE)
            marks.append(Mark(numbers[link["moving"]], tuple(link["shift_px"]), shape, colour))
    marks.append(Mark("R", (0.0, 0.0), "P", style.INK))
    half = (box.width - 8.0) / 2
    _plan(sheet, Box(box.x, box.y, half, box.height), ("Where each date lies as delivered, px", "✚ R: reference  ● aligned  ✖ refused"), marks)
    shapes = {True: ("o", style.BLUE), False: ("X", style.VERMILLION), None: ("s", style.SOFT)}
    marks = [
        Mark(" – ".join(numbers[name] for name in loop["scenes"][1:]), tuple(loop["mean_px"]), *shapes[loop["closed"]]) for loop in document["loops"]
    ]
    aside = "● closed  ✖ open  ■ cannot tell  ┆ limit"
    _plan(sheet, Box(box.x + half + 8.0, box.y, half, box.height), ("Mean closure of each loop, px", aside), marks, limit=document["limit_px"])


def _plan(sheet: Sheet, box: Box, heading: tuple[str, str], marks: Sequence[Mark], *, limit: float | None = None) -> None:
    """Draw marks at (rows, columns), both at one scale, rows downwards as in a picture."""
    y = sheet.heading(box.x, box.y, box.width, *heading)
    room = Box(box.x + 12.0, y + 1.5, box.width - 13.0, box.height)
    axes = sheet.axes(room)
    wide = room.width / room.height
    reach = 1.2 * max([max(abs(mark.place[0]), abs(mark.place[1]) / wide) for mark in marks] + [limit or 0.1])
    axes.axhline(0, color=style.RULE, linewidth=0.4, zorder=1)
    axes.axvline(0, color=style.RULE, linewidth=0.4, zorder=1)
    if limit is not None:
        axes.add_patch(Circle((0, 0), limit, fill=False, edgecolor=style.INK, linewidth=0.8, linestyle=(0, (4, 2)), zorder=2))
    for count, mark in enumerate(marks):
        row, col = mark.place
        axes.plot(col, row, marker=mark.shape, markersize=5.5, color=mark.colour, markeredgecolor="white", markeredgewidth=0.4, zorder=3)
        # Labels of marks that lie together go to different sides.
        right, above = SIDES[count % len(SIDES)]
        axes.annotate(
            mark.label,
            (col, row),
            xytext=(4 * right, 4 * above),
            textcoords="offset points",
            ha="left" if right > 0 else "right",
            va="bottom" if above > 0 else "top",
            fontsize=style.BODY,
            zorder=4,
        )
    axes.set(xlim=(-reach * wide, reach * wide), ylim=(reach, -reach))
    axes.locator_params(nbins=7)
    axes.tick_params(labelsize=style.SMALL, length=1.8, width=0.5, pad=1.2)
    axes.set_xlabel("columns", fontsize=style.SMALL, labelpad=1)
    axes.set_ylabel("rows", fontsize=style.SMALL, labelpad=1)
