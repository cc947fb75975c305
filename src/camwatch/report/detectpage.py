"""The compact page of one search: before, after, score, and the numbers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from camwatch.report import mapfurniture, mapmarks, mappanel, mapstrokes, pairview, style, tables
from camwatch.report.frame import LINE, foot, simple_head
from camwatch.report.legend import legend
from camwatch.report.numbers import alignment, counts
from camwatch.report.page import Box
from camwatch.report.paper import Paper, px
from camwatch.report.placing import perimeter_stroke

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from camwatch.aoi import Aoi
    from camwatch.findings import Findings, Kind
    from camwatch.imagery.image import Image, Sun
    from camwatch.judge.record import Estimate
    from camwatch.registration.record import Registration
    from camwatch.report.display import View
    from camwatch.report.mappanel import Panel
    from camwatch.report.mapstrokes import Drawn
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
    scene = pairview.scene_of(before, after, findings, aoi)
    searched = [kind for kind in tables.KINDS if kind in findings and findings[kind].status == "searched"]
    sheet = Paper()
    if scene.simulated:
        sheet.simulated_bands()
    page = sheet.content
    name = aoi.name if aoi else (next(iter(findings.values())).aoi if findings else "")
    line = " → ".join(f"{i.scene} ({', '.join(tables.scene_cells(i, sources)[:3])})" for i in (before, after))
    y = simple_head(sheet, f"Change: {name}" if name else "Change", "camwatch detect", line, generated)
    target, y = _maps(sheet, Box(page.x + TICKS, y, page.width - TICKS, 0), scene, searched[0] if searched else None)
    if not registration.ok:
        mapfurniture.note(target, "Registration refused:\nno change is reported")
    looks, sample = tuple(findings.values()), partial(mapfurniture.sample, sheet)
    y = 2.0 + legend(sheet, page.x + TICKS, y, page.width - TICKS, findings=looks, nominal=scene.nominal, gaps=True, sample=sample)
    ends = foot(sheet, page, generated, config_sha256)
    right = _details(sheet, Box(page.x + TICKS, y, page.width * 0.48 - TICKS, ends - y), scene, target, detail)
    side = Box(right + 6.0, y, page.right - right - 6.0, 0)
    below = alignment(sheet, side, registration) + 2.0
    counts(sheet, Box(side.x, below, side.width, 0), findings, estimates, sensitivity)
    return sheet.write(path, f"camwatch detect {name}", simulated=scene.simulated)


def _maps(sheet: Paper, box: Box, scene: pairview.Scene, searched: Kind | None) -> tuple[Panel, float]:
    """Draw both dates and the score of a kind, or what there is where none was searched; return the last panel, and where the next thing begins."""
    gap = 3.0
    width, view = (box.width - 2 * gap) / 3, scene.view()
    height = width * view.height / view.width
    places = [Box(box.x + i * (width + gap), box.y + LINE + 1.0, width, height) for i in range(3)]
    last = f"Score, {tables.NAMES[searched].lower()} (black = 1), with findings" if searched else "No search was possible"
    titles = (f"Before {scene.before.acquired:%Y-%m-%d}", f"After {scene.after.acquired:%Y-%m-%d}", last)
    for place, title in zip(places, titles, strict=True):
        sheet.text(place.x, box.y + 0.2, title, style.BODY, bold=True)
    pair = pairview.dates(scene.before, scene.after, view, round(px(width)))
    if not pair.joint:
        sheet.text(places[1].right, box.y + 0.3, "each date stretched for itself", style.SMALL, colour=style.SOFT, align="right")
    lines = pairview.perimeters(scene.records)
    days = [image.acquired.date().isoformat() for image in (scene.before, scene.after)]
    outline: Drawn | None = None
    for which, place in enumerate(places[:2]):
        target = mappanel.panel(sheet, place, view, scene.crs)
        mappanel.image(target, pair.parts[which], pair.spans[which])
        outline = _ground(target, scene, outline)
        for record in lines:
            if str(record.measures["date"]) == days[which]:
                mapstrokes.stroke(target, record.geometry, perimeter_stroke(record, days[0]))
        _furniture(target, (scene.before, scene.after)[which].sun, labelled=which == 0)
    target = mappanel.panel(sheet, places[2], view, scene.crs)
    if searched:
        mappanel.score(target, pairview.shown_score(scene.findings[searched], view, round(px(width))))
    else:
        mappanel.image(target, pair.parts[1], pair.spans[1], pale=0.45)
    _ground(target, scene, outline)
    for record in lines:
        mapstrokes.stroke(target, record.geometry, perimeter_stroke(record, days[0]))
    drawn = {id(record) for record in lines}
    _furniture(target, None, labelled=False)
    # Not even the scale bar hides what was found.
    mapmarks.marks(target, [record for record in scene.records if id(record) not in drawn])
    return target, places[0].bottom + TICKS + 0.5


def _ground(target: Panel, scene: pairview.Scene, outline: Drawn | None) -> Drawn | None:
    """Mark what is rendered, and lay the outline, drawn for another panel or drawn here; return it."""
    if scene.simulated:
        mapfurniture.watermark(target)
    if scene.outline is None:
        return None
    if outline is None or not outline.fits(target):
        outline = mapstrokes.drawn(target, scene.outline, style.OUTLINE_NOMINAL if scene.nominal else style.OUTLINE_TRACED)
    mapstrokes.lay(target, outline)
    return outline


def _furniture(target: Panel, sun: Sun | None, *, labelled: bool) -> None:
    mapfurniture.scale_bar(target)
    mapfurniture.compass(target, sun)
    mapfurniture.graticule(target, left=labelled)


def _details(sheet: Paper, box: Box, scene: pairview.Scene, target: Panel, detail: tuple[Image, Image] | None) -> float:
    """Draw where most changed at both dates, as large as the room allows; return their right side."""
    side = min((box.width - 3.0) / 2, box.height - LINE - 2.0)
    window, changed = _window(scene, target.view, detail)
    mapfurniture.frame_of(target, window, "A")
    pair = pairview.dates(*(detail or (scene.before, scene.after)), window, round(px(side)))
    # Patches of land touch: outlines about them would hide what the detail is there to show.
    near = [record for record in scene.records if record.kind in {"structure", "tower"} and _meets(record.geometry.bounds, window)]
    for which, name in ((0, "before"), (1, "after")):
        place = Box(box.x + which * (side + 3.0), box.y + LINE + 1.0, side, side)
        part = mappanel.panel(sheet, place, window, scene.crs)
        mappanel.image(part, pair.parts[which], pair.spans[which])
        if scene.simulated:
            mapfurniture.watermark(part)
        mapmarks.rings(part, near, which)
        mapfurniture.scale_bar(part)
        mapfurniture.frame(part)
        sheet.text(place.x, box.y, f"{'Detail A' if changed else 'A (middle)'}, {name}", style.BODY, bold=True)
    return box.x + 2 * side + 3.0


def _window(scene: pairview.Scene, view: View, detail: tuple[Image, Image] | None) -> tuple[View, bool]:
    return pairview.detail_view(scene, view, pairview.analysis_pixel_m(scene) if detail else scene.before.pixel_m)


def _meets(bounds: tuple[float, float, float, float], window: View) -> bool:
    left, bottom, right, top = bounds
    return left < window.right and right > window.left and bottom < window.top and top > window.bottom
