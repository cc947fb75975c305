"""The compact page of one search: before, after, score, and the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camwatch.report import maps, panels, style, tables
from camwatch.report.frame import LINE, foot, simple_head
from camwatch.report.legend import legend
from camwatch.report.numbers import alignment, counts
from camwatch.report.sheet import LANDSCAPE, Box, new_sheet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from camwatch.aoi import Aoi
    from camwatch.findings import Findings
    from camwatch.imagery.image import Image
    from camwatch.judge.record import Estimate
    from camwatch.registration.record import Registration
    from camwatch.report.panels import Panel
    from camwatch.report.sheet import Sheet
    from camwatch.report.source import Source
    from camwatch.sensitivity.record import Sensitivity

TICKS = 4.0
"""Room for the labels beside and below a framed panel."""


def detect_page(
    path: Path,
    *,
    before: Image,
    after: Image,
    findings: Mapping[str, Findings],
    registration: Registration,
    aoi: Aoi | None = None,
    detail: tuple[Image, Image] | None = None,
    generated: str = "",
    sources: Sequence[Source] = (),
    estimates: Mapping[tuple[str, str], Estimate] | None = None,
    sensitivity: Mapping[str, Sensitivity] | None = None,
    config_sha256: str = "",
) -> Path:
    """Write the page of one search, A4 landscape at 300 dpi (3508 × 2480 px).

    Parameters
    ----------
    path : Path
    before, after : Image
        On one grid, registered.
    findings : mapping of kind to Findings
        The score shown is that of the first kind that was searched, in the order structure, tower, perimeter.
    registration : Registration
    aoi : Aoi, optional
        Its outline is drawn.
    detail, generated, sources, estimates, sensitivity, config_sha256
        As for :func:`camwatch.report.camp_page`.

    Returns
    -------
    Path
        `path`.
    """
    scene = maps.scene_of(before, after, findings, aoi)
    searched = [kind for kind in tables.KINDS if kind in findings and findings[kind].status == "searched"]
    with new_sheet(LANDSCAPE) as sheet:
        if scene.simulated:
            sheet.simulated_bands()
        page = sheet.content
        name = aoi.name if aoi else (next(iter(findings.values())).aoi if findings else "")
        line = " → ".join(f"{i.scene} ({', '.join(tables.scene_cells(i, sources)[:3])})" for i in (before, after))
        y = simple_head(sheet, f"Change: {name}" if name else "Change", "camwatch detect", line, generated)
        gap = 3.0
        width = (page.width - TICKS - 2 * gap) / 3
        view = scene.view()
        height = width * view.height / view.width
        pair = maps.dates(before, after, view, width)
        places = [Box(page.x + TICKS + i * (width + gap), y + LINE + 1.0, width, height) for i in range(3)]
        last = f"Score, {tables.NAMES[searched[0]].lower()} (black = 1), with findings" if searched else "No search was possible"
        titles = (f"Before {before.acquired:%Y-%m-%d}", f"After {after.acquired:%Y-%m-%d}", last)
        for place, title in zip(places, titles, strict=True):
            sheet.text(place.x, y + 0.2, title, style.BODY, bold=True)
        if not pair.joint:
            sheet.text(places[1].right, y + 0.3, "each date stretched for itself", style.SMALL, colour=style.SOFT, align="right")
        for which in (0, 1):
            maps.date_panel(sheet, places[which], scene, view, pair, which=which, labelled=which == 0)
        if searched:
            target = maps.score_panel(sheet, places[2], scene, view, searched[0])
        else:
            target = maps.change_panel(sheet, places[2], scene, view, pair, labelled=False)
        if not registration.ok:
            panels.note(target, "Registration refused:\nno change is reported")
        y = (
            legend(
                sheet,
                page.x + TICKS,
                places[0].bottom + TICKS + 0.5,
                page.width - TICKS,
                findings=tuple(findings.values()),
                nominal=scene.nominal,
                gaps=True,
            )
            + 2.0
        )
        ends = foot(sheet, page, generated, config_sha256)
        right = _details(sheet, Box(page.x + TICKS, y, page.width * 0.48 - TICKS, ends - y), scene, target, detail)
        side = Box(right + 6.0, y, page.right - right - 6.0, 0)
        below = alignment(sheet, side, registration) + 2.0
        counts(sheet, Box(side.x, below, side.width, 0), findings, estimates, sensitivity)
        return sheet.write(path, f"camwatch detect {name}", simulated=scene.simulated)


def _details(sheet: Sheet, box: Box, scene: maps.Scene, target: Panel, detail: tuple[Image, Image] | None) -> float:
    """Draw where most changed at both dates, as large as the room allows; return their right side."""
    side = min((box.width - 3.0) / 2, box.height - LINE - 2.0)
    window, changed = maps.detail_view(scene, target.view, maps.analysis_pixel_m(scene) if detail else scene.before.pixel_m)
    panels.frame_of(target, window, "A")
    pair = maps.dates(*(detail or (scene.before, scene.after)), window, side)
    for which, name in ((0, "before"), (1, "after")):
        place = Box(box.x + which * (side + 3.0), box.y + LINE + 1.0, side, side)
        maps.detail_panel(sheet, place, scene, window, pair, which=which)
        sheet.text(place.x, box.y, f"{'Detail A' if changed else 'A (middle)'}, {name}", style.BODY, bold=True)
    return box.x + 2 * side + 3.0
