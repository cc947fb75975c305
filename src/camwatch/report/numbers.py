"""The boxes of numbers: how well the pair is aligned, and what was counted in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camwatch.report import sentences, style, tables
from camwatch.report.frame import LINE
from camwatch.report.page import Box

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from camwatch.findings import Findings
    from camwatch.judge.record import Estimate
    from camwatch.registration.record import Registration
    from camwatch.report.page import Page
    from camwatch.sensitivity.record import Sensitivity


def numbers(
    sheet: Page,
    box: Box,
    findings: Mapping[str, Findings],
    registration: Registration,
    *,
    estimates: Mapping[tuple[str, str], Estimate] | None = None,
    sensitivity: Mapping[str, Sensitivity] | None = None,
) -> float:
    """Draw the registration box, the counts and the measured line; return where the next thing begins."""
    y = alignment(sheet, box, registration) + 0.8
    return counts(sheet, Box(box.x, y, box.width, 0), findings, estimates, sensitivity)


def alignment(sheet: Page, box: Box, registration: Registration) -> float:
    """Draw what is known of the alignment, in two columns where they have room; return where the next thing begins."""
    status, colour = ("✔ aligned", "#00694c") if registration.ok else ("✘ REFUSED", "#a84300")
    y = sheet.heading(box.x, box.y - 0.8, box.width, "Co-registration")
    sheet.text(box.right, box.y - 0.6, status, style.BODY, bold=True, colour=colour, align="right")
    lines = tables.registration_lines(registration)

    def widest(part: int, of: slice) -> float:
        return max(sheet.measure(line[part], style.SMALL) for line in lines[of])

    left, right = slice(0, 3), slice(3, 6)
    second = widest(0, left) + widest(1, left) + widest(0, right) + widest(1, right) + 2 * LABEL_GAP + COLUMN_GAP <= box.width
    columns = (left, right) if second else (slice(0, 6),)
    for number, part in enumerate(columns):
        # In two columns the second one is flush with the right side as far as its values allow.
        x = box.x if number == 0 else max(box.x + box.width / 2, box.x + widest(0, left) + widest(1, left) + LABEL_GAP + COLUMN_GAP)
        x = min(x, box.right - widest(0, part) - LABEL_GAP - widest(1, part)) if number else x
        for row, (label, value) in enumerate(lines[part]):
            sheet.text(x, y + row * LINE, label, style.SMALL, colour=style.SOFT)
            sheet.text(x + widest(0, part) + LABEL_GAP, y + row * LINE, value, style.SMALL)
    return sheet.paragraph(box.x, y + len(lines) // len(columns) * LINE, box.width, registration.reason, style.SMALL, most=3)


LABEL_GAP, COLUMN_GAP = 2.5, 4.0
"""Room between a label and its value, and between two columns of them, in millimetres."""
HEADS = ("appeared", "removed", "altered", "un-\nchanged", "searched\nkm²", "observed", "false\nper km²")


def counts(
    sheet: Page,
    box: Box,
    findings: Mapping[str, Findings],
    estimates: Mapping[tuple[str, str], Estimate] | None = None,
    sensitivity: Mapping[str, Sensitivity] | None = None,
) -> float:
    """Draw the table of counts with its notes and the measured line; return where the next thing begins."""
    aside = "[95 % interval of the true number]" if estimates else "as reported by the search"
    y = sheet.heading(box.x, box.y, box.width, "Counts", aside)
    rows = tables.count_rows(findings, estimates, sensitivity)
    rights = _rights(sheet, box, [row.shown for row in rows if row.cells])
    if any(row.cells for row in rows):
        for x, head in zip(rights, HEADS, strict=True):
            sheet.lines(x, y, head.split("\n") if "\n" in head else ["", head], style.SMALL, colour=style.SOFT, align="right")
        y += 2 * LINE + 0.4
        sheet.rule(box.x, y, box.width)
        y += 0.5
    for row in rows:
        sheet.text(box.x, y, row.name, style.SMALL, bold=True)
        if row.reason:
            y = sheet.paragraph(box.x + NAME, y, box.width - NAME, row.reason, style.SMALL, most=3) + 0.3
            continue
        for x, cell in zip(rights, row.shown, strict=True):
            sheet.text(x, y, cell, style.SMALL, align="right")
        y += LINE + 0.3
    if not rows:
        y = sheet.text(box.x, y, "Nothing was searched for.", style.SMALL, colour=style.SOFT)
    sheet.rule(box.x, y, box.width)
    y += 0.4
    lines = (*sentences.perimeter_lines(findings.get("perimeter")), *sentences.landcover_lines(findings.get("landcover")))
    for line in (*(w for row in rows for w in row.notes), *lines):
        y = sheet.paragraph(box.x, y, box.width, line, style.SMALL, most=5)
    return y


NAME = 19.0
"""Room for the name of a kind, in millimetres."""


def _rights(sheet: Page, box: Box, cells: Sequence[Sequence[str]]) -> list[float]:
    """Return the right sides of the columns: as wide as their widest cell, the room left over shared out between them."""
    columns = zip(HEADS, *cells, strict=True)
    widths = [max(sheet.measure(line, style.SMALL) for cell in column for line in cell.split("\n")) for column in columns]
    gap = max((box.width - NAME - sum(widths)) / len(HEADS), 1.2)
    ends, right = [], box.right
    for width in reversed(widths):
        ends.append(right)
        right -= width + min(gap, 4.5)
    return ends[::-1]
