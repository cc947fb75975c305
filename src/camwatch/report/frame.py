"""What all pages share: a simple head, the foot with what is never concluded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camwatch import __version__
from camwatch.report import style
from camwatch.report.page import PT
from camwatch.report.tables import PEOPLE

if TYPE_CHECKING:
    from camwatch.report.page import Box, Page

LINE = style.SMALL * style.LEADING * PT
"""Line height of the small type in millimetres."""


def simple_head(sheet: Page, title: str, aside: str, subtitle: str, generated: str) -> float:
    """Draw title, subtitle, aside and date; return where the page's contents begin."""
    page = sheet.content
    date = f"Report date {generated}" if generated else ""
    room = page.width - max(sheet.measure(date, style.BODY, bold=True), sheet.measure(aside, style.BODY)) - 6
    sheet.text(page.right, page.y - 0.8, aside, style.BODY, colour=style.SOFT, align="right")
    sheet.text(page.right, page.y + 2.3, date, style.BODY, bold=True, align="right")
    y = sheet.paragraph(page.x, page.y - 0.6, room, title, style.TITLE - 2, bold=True, most=1)
    y = sheet.paragraph(page.x, y, page.width, subtitle, style.SMALL, colour=style.SOFT, most=2)
    sheet.rule(page.x, y + 0.6, page.width, colour=style.INK, weight=0.8)
    return y + 2.6


def foot(sheet: Page, page: Box, generated: str, config_sha256: str = "") -> float:
    """Draw version, configuration and what is never concluded at the foot of a page; return where the foot begins."""
    config = f" · configuration {config_sha256[:16]}" if config_sha256 else ""
    dated = f" · report of {generated}" if generated else ""
    lines = sheet.wrap(PEOPLE, page.width, style.SMALL)
    start = page.bottom - (len(lines) + 1) * LINE - 1.2
    sheet.rule(page.x, start, page.width, colour=style.INK, weight=0.5)
    y = sheet.lines(page.x, start + 0.8, lines, style.SMALL)
    sheet.text(page.x, y, f"camwatch {__version__}{config}{dated}", style.SMALL, colour=style.SOFT)
    return start - 1.0
