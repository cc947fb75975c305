"""The main page of a camp: what was seen, when, how well aligned, how sure, and what it says about each claim."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from camwatch.aoi import LONLAT, reproject
from camwatch.report import maps, pairview, panelfurniture, sentences, style, tables
from camwatch.report.claimrow import COLUMNS, SHORT, SHORT_LINE, claim_row, short_row
from camwatch.report.frame import LINE, foot
from camwatch.report.legend import legend
from camwatch.report.numbers import numbers
from camwatch.report.page import DPI, MM, Box
from camwatch.report.sheet import new_sheet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from camwatch.aoi import Aoi
    from camwatch.claims.model import Claim
    from camwatch.findings import Findings
    from camwatch.imagery.image import Image
    from camwatch.judge.record import Estimate, Verdict
    from camwatch.registration.record import Registration
    from camwatch.report.display import View
    from camwatch.report.sheet import Sheet
    from camwatch.report.source import Source
    from camwatch.sensitivity.record import Sensitivity

TICKS = 4.0
"""Room for the labels beside and below a framed panel."""
DETAIL = 36.0
MOST_SOURCES = 6
NOMINAL = "#a02c00"


def camp_page(
    path: Path,
    *,
    aoi: Aoi,
    before: Image,
    after: Image,
    findings: Mapping[str, Findings],
    registration: Registration,
    verdicts: Sequence[tuple[Claim, Verdict]],
    sources: Sequence[Source],
    generated: str,
    note: str = "",
    detail: tuple[Image, Image] | None = None,
    estimates: Mapping[tuple[str, str], Estimate] | None = None,
    sensitivity: Mapping[str, Sensitivity] | None = None,
    config_sha256: str = "",
) -> Path:
    """Write the main page of a camp, A4 portrait at 300 dpi (2480 × 3508 px).

    Parameters
    ----------
    path : Path
        Of the PNG; it appears whole or not at all, and the same records give the same bytes.
    aoi : Aoi
    before, after : Image
        On one grid in a metric CRS, registered. Large ones are area-averaged for display.
    findings : mapping of kind to Findings
        In the CRS of the images.
    registration : Registration
    verdicts : sequence of (Claim, Verdict)
        Those that imagery was asked about come first, in full; the others follow as one line each. What does not fit is counted and stands on
        the claims pages.
    sources : sequence of Source
    generated : str
        Date of the report.
    note : str
        One or two sentences for the head of the page.
    detail : (Image, Image), optional
        Both dates in full resolution where `before` and `after` are overviews; must cover the detail (:func:`camwatch.report.detail_bounds`).
    estimates : mapping of (kind, change) to Estimate, optional
        Number of real objects with its 95 % interval, written behind the counts; a count without one is then called a report.
    sensitivity : mapping of kind to Sensitivity, optional
        Tells why a count has no number of real objects behind it.
    config_sha256 : str
        Hash of the run's configuration.

    Returns
    -------
    Path
        `path`.
    """
    scene = pairview.scene_of(before, after, findings, aoi, simulated=any(v.simulated for _, v in verdicts))
    with new_sheet() as sheet:
        if scene.simulated:
            sheet.simulated_bands()
        page = sheet.content
        ends = foot(sheet, page, generated, config_sha256)
        above_sources = _sources(sheet, Box(page.x, ends, page.width, 0), sources)
        y = _head(sheet, aoi, scene, sources, generated=generated, note=note)
        y = _maps(sheet, Box(page.x, y, page.width, 0), scene, registration, detail=detail, estimates=estimates, sensitivity=sensitivity)
        _claims(sheet, Box(page.x, y, page.width, above_sources - 1.5 - y), verdicts)
        return sheet.write(path, f"camwatch site report: {aoi.id}, {generated}", simulated=scene.simulated)


def _head(sheet: Sheet, aoi: Aoi, scene: pairview.Scene, sources: Sequence[Source], *, generated: str, note: str) -> float:
    """Draw name, place, size and scenes; return where the maps begin."""
    page = sheet.content
    korean, others = tables.korean_and_others(aoi)
    right = f"Report date {generated}"
    room = page.width - sheet.measure(right, style.BODY, bold=True) - 6
    title = sheet.wrap(" · ".join([aoi.name, korean] if korean else [aoi.name]), room, style.TITLE, bold=True, most=1)
    sheet.text(page.right, page.y - 0.8, "camwatch site report", style.BODY, colour=style.SOFT, align="right")
    sheet.text(page.right, page.y + 2.3, right, style.BODY, bold=True, align="right")
    y = sheet.lines(page.x, page.y - 0.6, title, style.TITLE, bold=True)
    if others:
        y = sheet.paragraph(page.x, y, page.width, f"Also: {', '.join(others)}", style.SMALL, colour=style.SOFT, most=1)
    sheet.rule(page.x, y + 0.6, page.width, colour=style.INK, weight=0.8)
    y += 1.8
    left = _facts(sheet, Box(page.x, y, 80.5, 0), aoi, scene)
    scenes = _scenes(sheet, Box(page.x + 84.0, y, page.width - 84.0, 0), scene, sources)
    if note:
        scenes = sheet.paragraph(page.x + 84.0, scenes + 0.6, page.width - 84.0, note, style.SMALL, most=3)
    return max(left, scenes) + 1.2


def _facts(sheet: Sheet, box: Box, aoi: Aoi, scene: pairview.Scene) -> float:
    area = reproject(aoi.camp.geometry, LONLAT, aoi.utm())
    rows = [
        ("Location", tables.location(aoi)),
        ("Documented", tables.documented(aoi)),
        ("Outline", f"{tables.number(area.area / 1e6)} km², {tables.number(area.length / 1e3)} km around"),
        ("", tables.outline_status(aoi)),
        ("Measured", sentences.measured_size(scene.findings.get("perimeter"))),
    ]
    y = box.y
    for label, value in rows:
        if label:
            sheet.text(box.x, y, label, style.SMALL, colour=style.SOFT)
        y = sheet.paragraph(box.x + 17.5, y, box.width - 17.5, value, style.SMALL, colour=NOMINAL if value.startswith("NOMINAL") else style.INK)
    return y


def _scenes(sheet: Sheet, box: Box, scene: pairview.Scene, sources: Sequence[Source]) -> float:
    heads = ("Scene", "Date", "Sensor", "GSD", "Sun", "Off-nadir")
    lefts = [box.x + x for x in (0.0, 10.5, 38.5, 58.0, 68.0, 86.5)]
    for x, head in zip(lefts, heads, strict=True):
        sheet.text(x, box.y, head, style.SMALL, colour=style.SOFT)
    y = box.y + LINE + 0.5
    sheet.rule(box.x, y, box.width)
    y += 0.5
    widths = [b - a - 1.0 for a, b in zip(lefts, [*lefts[1:], box.right], strict=True)]
    for name, image in (("Before", scene.before), ("After", scene.after)):
        cells = [sheet.wrap(c, w, style.SMALL) for c, w in zip((name, *tables.scene_cells(image, sources)), widths, strict=True)]
        for x, lines in zip(lefts, cells, strict=True):
            sheet.lines(x, y, lines, style.SMALL, bold=x == lefts[0])
        y += max(map(len, cells)) * LINE + 0.4
    return y


def _maps(
    sheet: Sheet,
    box: Box,
    scene: pairview.Scene,
    registration: Registration,
    *,
    detail: tuple[Image, Image] | None,
    estimates: Mapping[tuple[str, str], Estimate] | None,
    sensitivity: Mapping[str, Sensitivity] | None,
) -> float:
    """Draw the three maps, the legend, the two details and, beside these, alignment and counts; return where the claims begin."""
    gap = 2.5
    width = (box.width - TICKS - 2 * gap) / 3
    view = scene.view()
    height = width * view.height / view.width
    window, changed = pairview.detail_view(scene, view, pairview.analysis_pixel_m(scene) if detail else scene.before.pixel_m)
    pair = pairview.dates(scene.before, scene.after, view, round(width / MM * DPI))
    top = box.y + LINE + 1.0
    places = [Box(box.x + TICKS + i * (width + gap), top, width, height) for i in range(3)]
    titles = (f"Before  {scene.before.acquired:%Y-%m-%d}", f"After  {scene.after.acquired:%Y-%m-%d}", "Change, over the later date")
    for place, title in zip(places, titles, strict=True):
        sheet.text(place.x, box.y + 0.2, title, style.BODY, bold=True)
    if not pair.joint:
        sheet.text(places[1].right, box.y + 0.3, "each date stretched for itself", style.SMALL, colour=style.SOFT, align="right")
    for which in (0, 1):
        maps.date_panel(sheet, places[which], scene, view, pair, which=which, labelled=which == 0)
    change = maps.change_panel(sheet, places[2], scene, view, pair, labelled=False)
    if registration.ok:
        panelfurniture.frame_of(change, window, "A")
    else:
        panelfurniture.note(change, "Registration refused:\nno change is reported")
    near = pairview.dates(*(detail or (scene.before, scene.after)), window, round(DETAIL / MM * DPI))
    y = (
        legend(
            sheet,
            box.x + TICKS,
            top + height + TICKS,
            box.width - TICKS,
            findings=tuple(scene.findings.values()),
            nominal=scene.nominal,
            gaps=pair.gaps or near.gaps,
            sample=partial(maps.sample, sheet),
        )
        + 1.0
    )
    below = _details(sheet, Box(box.x + TICKS, y, 2 * DETAIL + gap, 0), scene, window, near, changed=changed)
    left = box.x + TICKS + 2 * DETAIL + gap + 4
    beside = numbers(sheet, Box(left, y, box.right - left, 0), scene.findings, registration, estimates=estimates, sensitivity=sensitivity)
    return max(below, beside) + 1.5


def _details(sheet: Sheet, box: Box, scene: pairview.Scene, window: View, near: pairview.Dates, *, changed: bool) -> float:
    words = "Detail A" if changed else "A (middle)"
    top = box.y + LINE + 1.0
    for which, name in ((0, "before"), (1, "after")):
        place = Box(box.x + which * (DETAIL + 2.5), top, DETAIL, DETAIL)
        maps.detail_panel(sheet, place, scene, window, near, which=which)
        sheet.text(place.x, box.y, f"{words}, {name}", style.BODY, bold=True)
    return top + DETAIL


def _claims(sheet: Sheet, box: Box, verdicts: Sequence[tuple[Claim, Verdict]]) -> None:
    """Draw the claims that imagery was asked about with their reasons in full, the others as a line each; those left over are counted."""
    y = sheet.heading(box.x, box.y, box.width, "Documented claims against this imagery", tables.tally(verdicts))
    if not verdicts:
        sheet.text(box.x, y, "No documented claim was given to judge.", style.SMALL, colour=style.SOFT)
        return
    ranked = tables.ranked(verdicts)
    asked = [pair for pair in ranked if tables.asked(pair[0])]
    if asked:
        for x, head in zip(COLUMNS, ("Claim, outcome", "Quote", "Measured (95 %)", "Power", "Reason"), strict=True):
            sheet.text(box.x + x, y, head, style.SMALL, colour=style.SOFT)
        y += LINE + 0.4
        sheet.rule(box.x, y, box.width)
        y += 0.5
    drawn = 0
    for claim, verdict in asked:
        row = claim_row(sheet, claim, verdict, MOST_LINES)
        # The last line is kept for the count of those left over, unless this row is the last one.
        if y + row.height + (LINE if drawn + 1 < len(ranked) else 0) > box.bottom:
            break
        y, drawn = row.draw(sheet, box.x, y, box.width), drawn + 1
    if drawn == len(asked) < len(ranked):
        y, shown = _not_asked(sheet, Box(box.x, y, box.width, box.bottom - y), [claim for claim, _ in ranked[drawn:]])
        drawn += shown
    if drawn < len(ranked):
        sheet.text(box.x, y, f"{len(ranked) - drawn} more on the claims pages: {tables.tally(ranked[drawn:])}.", SHORT, bold=True)


def _not_asked(sheet: Sheet, box: Box, claims: Sequence[Claim]) -> tuple[float, int]:
    """Draw claims as a line each, in two columns read downwards; return where the next thing begins and how many had room."""
    y = box.y + LINE + 0.7
    room = max(int((box.bottom - y + 1e-6) / SHORT_LINE), 0)
    rows = -(-len(claims) // 2)
    if rows > room:
        # The last line is kept for the count of those left over.
        rows = room - 1
    if rows < 1:
        return box.y, 0
    sheet.text(box.x, box.y + 0.3, "⊘ Not testable from this imagery, or not judged in this release", style.SMALL, bold=True, colour=style.SOFT)
    half = (box.width - 3.0) / 2
    for number, claim in enumerate(claims[: 2 * rows]):
        column, row = divmod(number, rows)
        short_row(sheet, box.x + column * (half + 3.0), y + row * SHORT_LINE, half, claim)
    return y + rows * SHORT_LINE, min(2 * rows, len(claims))


MOST_LINES = 8
"""A row of the table of claims has at most so many lines."""


def _sources(sheet: Sheet, box: Box, sources: Sequence[Source]) -> float:
    """Draw the table of scenes so that it ends at `box.y`; return where it begins."""
    shown = sources[:MOST_SOURCES]
    height = 5.6 + (max(len(shown), 1) + 1 + (len(sources) > len(shown))) * LINE + 1.0
    start = box.y - height
    y = sheet.heading(box.x, start, box.width, "Sources", "SHA-256: first 16 of 64 digits; all of them in the manifest")
    if not sources:
        sheet.text(box.x, y, "No source was recorded.", style.SMALL, colour=style.SOFT)
        return start
    lefts = [box.x + x for x in (0.0, 62.0, 92.0, 121.0, 133.0, 153.0)]
    widths = [b - a - 1.0 for a, b in zip(lefts, [*lefts[1:], box.right], strict=True)]
    heads = ("Scene", "Date", "Sensor", "GSD", "Mask", "SHA-256")
    table = [heads, *(tables.source_cells(source) for source in shown)]
    for number, cells in enumerate(table):
        for x, width, cell in zip(lefts, widths, cells, strict=True):
            sheet.lines(x, y, sheet.wrap(cell, width, style.SMALL, most=1), style.SMALL, colour=style.INK if number else style.SOFT)
        y += LINE
    if len(sources) > len(shown):
        sheet.text(box.x, y, f"{len(sources) - len(shown)} more in the manifest.", style.SMALL, colour=style.SOFT)
    return start
