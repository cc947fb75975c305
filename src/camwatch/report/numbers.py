"""The boxes of numbers: how well the pair is aligned, and what was counted in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camwatch.report import style, tables
from camwatch.report.frame import LINE
from camwatch.report.sheet import Box

if TYPE_CHECKING:
    from collections.abc import Mapping

    from camwatch.findings import Findings
    from camwatch.judge.record import Estimate
    from camwatch.registration.record import Registration
    from camwatch.report.sheet import Sheet


def numbers(
    sheet: Sheet, box: Box, findings: Mapping[str, Findings], registration: Registration, estimates: Mapping[tuple[str, str], Estimate] | None = None,
) -> float:
    """Draw the registration box, the counts and the measured line; return where the next thing begins."""
    y = alignment(sheet, box, registration) + 0.8
    return counts(sheet, Box(box.x, y, box.width, 0), findings, estimates)


def alignment(sheet: Sheet, box: Box, registration: Registration) -> float:
    """Draw what is known of the alignment; return where the next thing begins."""
    status, colour = ("✔ aligned", "#00694c") if registration.ok else ("✘ REFUSED", "#a84300")
    y = sheet.heading(box.x, box.y - 0.8, box.width, "Co-registration")
    sheet.text(box.right, box.y - 0.6, status, style.BODY, bold=True, colour=colour, align="right")
    lines = tables.registration_lines(registration)
    half = box.width / 2
    for number, (label, value) in enumerate(lines):
        x, line = box.x + (number // 3) * half, y + (number % 3) * LINE
        sheet.text(x, line, label, style.SMALL, colour=style.SOFT)
        sheet.text(x + (20.0 if number < 3 else 24.5), line, value, style.SMALL)
    return sheet.paragraph(box.x, y + 3 * LINE, box.width, registration.reason, style.SMALL, most=3)


def counts(sheet: Sheet, box: Box, findings: Mapping[str, Findings], estimates: Mapping[tuple[str, str], Estimate] | None = None) -> float:
    """Draw the table of counts with its notes and the measured line; return where the next thing begins."""
    y = sheet.heading(box.x, box.y, box.width, "Counts", "[95 % interval of the true number]" if estimates else "")
    heads = ("appeared", "removed", "altered", "un-\nchanged", "searched\nkm²", "observed", "false\nper km²")
    rights = [box.right - gap for gap in (73.3, 58.8, 48.8, 37.3, 25.1, 12.5, 0.0)]
    rows = tables.count_rows(findings, estimates)
    if any(row.cells for row in rows):
        for x, head in zip(rights, heads, strict=True):
            sheet.lines(x, y, head.split("\n") if "\n" in head else ["", head], style.SMALL, colour=style.SOFT, align="right")
        y += 2 * LINE + 0.4
        sheet.rule(box.x, y, box.width)
        y += 0.5
    for row in rows:
        sheet.text(box.x, y, row.name, style.SMALL, bold=True)
        if row.reason:
            y = sheet.paragraph(box.x + 19.0, y, box.width - 19.0, row.reason, style.SMALL, most=3) + 0.3
            continue
        for x, cell in zip(rights, row.shown, strict=True):
            sheet.text(x, y, cell, style.SMALL, align="right")
        y += LINE + 0.3
    sheet.rule(box.x, y, box.width)
    y += 0.4
    for line in (*(w for row in rows for w in row.notes), *tables.perimeter_lines(findings.get("perimeter"))):
        y = sheet.paragraph(box.x, y, box.width, line, style.SMALL, most=2)
    return y
