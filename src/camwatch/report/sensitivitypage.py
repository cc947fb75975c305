"""The page of a pair's sensitivity: what it would have shown, by size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from camwatch.report import sentences, style, tables
from camwatch.report.frame import foot, simple_head
from camwatch.report.page import LANDSCAPE, Box
from camwatch.report.sheet import new_sheet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from camwatch.report.sheet import Sheet
    from camwatch.sensitivity.record import Sensitivity


def sensitivity_page(
    path: Path, sensitivity: Sequence[Sensitivity], *, title: str = "", generated: str = "", simulated: bool = False, config_sha256: str = ""
) -> Path:
    """Write the probability of detection by size of one to three searches, A4 landscape at 300 dpi (3508 × 2480 px).

    Parameters
    ----------
    path : Path
    sensitivity : sequence of Sensitivity
    title : str
        What the pair is, for the second line of the head.
    generated : str
    simulated : bool
        Whether the pair is rendered. The planted objects always are, and the page says so.
    config_sha256 : str

    Returns
    -------
    Path
        `path`.
    """
    with new_sheet(LANDSCAPE) as sheet:
        if simulated:
            sheet.simulated_bands()
        page = sheet.content
        line = title or "Objects of known size were planted into this pair and searched for with the same detector"
        y = simple_head(sheet, "Sensitivity: what this pair would have shown", "camwatch sensitivity", line, generated)
        ends = foot(sheet, page, generated, config_sha256)
        if not sensitivity:
            sheet.text(page.x, y, "Sensitivity was not measured: no search of this pair could be tested with planted objects.", style.BODY)
        gap = 14.0
        width = (page.width - gap * max(len(sensitivity) - 1, 0)) / max(len(sensitivity), 1)
        for number, measured in enumerate(sensitivity):
            _curve(sheet, Box(page.x + number * (width + gap), y, width, ends - y), measured)
        return sheet.write(path, "camwatch sensitivity", simulated=simulated)


OPEN: dict[str, Any] = {"marker": "s", "markersize": 3.5, "markerfacecolor": "white"}
"""Points of what was removed."""


def _curve(sheet: Sheet, box: Box, measured: Sensitivity) -> None:
    kind = {"structure": "Structures", "tower": "Towers", "landcover": "Land: squares of vegetated ground laid open"}[measured.kind]
    y = sheet.heading(box.x, box.y, box.width, kind, "points: mean and 95 % interval (Jeffreys)") + (3.0 if measured.removed_found else 0.0)
    words = _sentences(measured)
    below = sum(len(sheet.wrap(text, box.width, style.BODY)) for text in words) * style.BODY * style.LEADING * 0.3528 + 4
    place = Box(box.x + 10.0, y + 5.0, box.width - 11.0, box.bottom - y - below - 21.0)
    axes = sheet.axes(place)
    sizes = np.array(measured.sizes_m)
    curve = np.array([measured.probability(i) for i in range(len(sizes))]).reshape(-1, 3)
    blind = measured.blind_below_m
    high = float(sizes[-1] * 1.06) if len(sizes) else 1.0
    axes.axhline(0.5, color=style.RULE, linewidth=0.5, linestyle=(0, (2, 2)), zorder=1)
    axes.axvspan(
        0, high if blind is None else blind, facecolor=style.NOT_OBSERVED, hatch=style.GAP_HATCH, edgecolor=style.GAP_EDGE, linewidth=0, zorder=0
    )
    if blind is not None:
        axes.axvline(blind, color=style.INK, linewidth=0.9, zorder=2)
    axes.fill_between(sizes, curve[:, 1], curve[:, 2], color=style.SKY, alpha=0.3, linewidth=0, zorder=2)
    axes.errorbar(
        sizes,
        curve[:, 0],
        yerr=np.abs(curve[:, 1:].T - curve[:, 0]),
        color=style.BLUE,
        linewidth=1.0,
        elinewidth=0.9,
        capsize=2.5,
        marker="o",
        markersize=4,
        zorder=3,
    )
    if measured.removed_found:
        gone = np.array([measured.probability(i, removed=True) for i in range(len(sizes))]).reshape(-1, 3)
        # Beside the other points, so that both intervals show.
        beside = sizes + 0.012 * high
        bars = np.abs(gone[:, 1:].T - gone[:, 0])
        axes.errorbar(
            beside, gone[:, 0], yerr=bars, color=style.INK, linewidth=0.8, linestyle=(0, (4, 2)), elinewidth=0.7, capsize=2.0, **OPEN, zorder=3
        )
    for number, (size, planted, found) in enumerate(zip(sizes, measured.planted, measured.found, strict=True)):
        axes.annotate(
            f"{found}/{planted}" + (f"\n{measured.removed_found[number]}/{planted}" if measured.removed_found else ""),
            (size, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=style.SMALL,
            color=style.SOFT,
            annotation_clip=False,
        )
    axes.set(xlim=(0, high), ylim=(0, 1))
    side = "side of the square" if measured.kind == "landcover" else "long side of the object"
    above = "found / planted, appeared over removed" if measured.removed_found else "found / planted"
    axes.set_xlabel(f"{side}, m   (above: {above})", fontsize=style.BODY)
    axes.set_ylabel("probability of detection", fontsize=style.BODY)
    axes.tick_params(labelsize=style.BODY, length=2, width=0.5)
    sheet.lines(box.x, place.bottom + 12.0, [line for text in words for line in sheet.wrap(text, box.width, style.BODY)], style.BODY)


def _sentences(measured: Sensitivity) -> tuple[str, ...]:
    """Return what the curve and the control ground say, in words."""
    blind = measured.blind_below_m
    first = (
        "Blind at every size planted: at no size is at least half of what was planted found."
        if blind is None
        else f"Blind below {tables.number(blind)} m (hatched): from there on at least half of what was planted is found."
    )
    gone = "Open squares: the same objects where they stood before and are gone; houses leave nothing, a floor or rubble."
    both = f"Blue dots: objects that appeared. {gone}" if measured.removed_found else ""
    control = f"Control ground: {measured.control}." if measured.control else ""
    land = measured.kind == "landcover"
    rendered = "The planted objects are rendered; the ground they stand on is this pair’s."
    rendered = "The squares have the brightness of open ground elsewhere in this pair." if land else rendered
    return tuple(text for text in (first, both, *sentences.alarm_lines(measured), control, rendered) if text)
