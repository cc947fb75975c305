"""The page of one registration: check points as delivered and registered, checkerboards, residual and standard error over the scene, numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camwatch import __version__
from camwatch.report import canvas as sheet
from camwatch.report import registrationpanels as panels
from camwatch.report import registrationpictures as pictures
from camwatch.report import style
from camwatch.report.canvas import Area, Canvas
from camwatch.report.registrationpictures import HEAD
from camwatch.report.registrationwords import REFUSED, figures, words_of
from camwatch.report.tables import PEOPLE

if TYPE_CHECKING:
    from pathlib import Path

    from camwatch.imagery.image import Image
    from camwatch.registration.record import Registration
    from camwatch.report.registrationwords import Words

WIDTH = 1800

MARGIN, GAP = 40, 26

COLUMN = 384
"""Width of the column of numbers."""

PANEL = (WIDTH - 2 * MARGIN - COLUMN - 3 * GAP) // 3

KEY = 48
"""Room below a panel for its key."""

SQUAT, TALL = 0.55, 1.1
"""A panel's height over its width, at least and at most, whatever the scene's shape."""

LEAST = 720
"""Height of the column of numbers, with the drawing below them."""


def registration_page(
    path: Path,
    *,
    reference: Image,
    moving: Image,
    registration: Registration,
    boards: tuple[tuple[Image, Image], tuple[Image, Image]],
    generated: str = "",
    config_sha256: str = "",
) -> Path:
    """Write the page of one registration, 1800 px wide.

    Parameters
    ----------
    path : Path
    reference, moving : Image
        Both whole, the moving scene as delivered, on the registration's grid or a coarser version of it.
    registration : Registration
    boards : ((Image, Image), (Image, Image))
        Reference and moving scene in full resolution on the two windows that :func:`camwatch.report.zoom_bounds` names: the moving scene as delivered
        in the first, as registered in the second (as delivered again where it is refused).
    generated, config_sha256 : str

    Returns
    -------
    Path
        `path`.
    """
    rows, cols = registration.grid.shape
    height = round(PANEL * min(max(rows / cols, SQUAT), TALL))
    simulated = reference.simulated or moving.simulated
    body = max(2 * (HEAD + height + KEY), LEAST)
    reason = sheet.wrap(registration.reason, WIDTH - 2 * MARGIN, sheet.BODY, bold=not registration.ok, most=3)
    line = round(sheet.LEADING * sheet.BODY)
    top = sheet.BAND + 12 + 44 + 30 + line * len(reason) + 16
    page = Canvas(WIDTH, top + body + 3 * line + sheet.BAND + 22)
    words = words_of(registration)
    said = f"reference {reference.scene} ({reference.acquired:%Y-%m-%d}) · moving {moving.scene} ({moving.acquired:%Y-%m-%d})"
    _head(page, words, (said, *reason), generated)
    lefts = [MARGIN + n * (PANEL + GAP) for n in range(4)]
    upper, lower = top + HEAD, top + HEAD + height + KEY + HEAD
    places = [[Area(x, y, PANEL, height) for y in (upper, lower)] for x in lefts[:3]]
    if registration.ok or registration.check.n:
        pictures.draw_vectors(page, places[0], (reference, moving), registration, words)
        pictures.draw_boards(page, places[1], boards, words)
    else:
        pictures.draw_unmatched(page, (*places[0], *places[1]), (reference, moving, *boards[0]))
    pictures.draw_maps(page, places[2], registration)
    if simulated:
        page.simulated_bands()
    y = _numbers(page, lefts[3], top, registration, words)
    _distances(page, Area(lefts[3], round(y) + 14, COLUMN, top + body - round(y) - 14), registration, words)
    _foot(page, top + body + 6, generated, config_sha256)
    return page.write(path, "camwatch registration", simulated=simulated)


def _head(page: Canvas, words: Words, lines: tuple[str, ...], generated: str) -> None:
    """Draw title, verdict and date, and below them the scenes (the first line) and the reason (the others)."""
    y = float(sheet.BAND + 12)
    page.text(MARGIN, y, "Co-registration", sheet.TITLE, bold=True)
    x = MARGIN + sheet.measure("Co-registration", sheet.TITLE, bold=True) + 30
    page.text(x, y + 8, words.verdict, sheet.HEADING + 2, bold=True, colour=words.colour)
    page.text(WIDTH - MARGIN, y + 2, f"Report date {generated}" if generated else "", sheet.BODY, bold=True, align="right")
    page.text(WIDTH - MARGIN, y + 24, "camwatch register", sheet.SMALL, colour=style.SOFT, align="right")
    y += 44
    page.text(MARGIN, y, sheet.wrap(lines[0], WIDTH - 2 * MARGIN, sheet.BODY, most=1)[0], sheet.BODY, colour=style.SOFT)
    y += 30
    for line in lines[1:]:
        y = page.text(MARGIN, y, line, sheet.BODY, bold=words is REFUSED, colour=words.colour if words is REFUSED else style.INK)
    page.rule(MARGIN, round(y) + 6, WIDTH - 2 * MARGIN, style.INK, 2)


def _foot(page: Canvas, y: float, generated: str, config_sha256: str) -> None:
    page.rule(MARGIN, round(y), WIDTH - 2 * MARGIN, style.INK)
    y = page.paragraph(MARGIN, y + 5, WIDTH - 2 * MARGIN, PEOPLE, sheet.SMALL, most=2)
    parts = [f"camwatch {__version__}", f"configuration {config_sha256[:16]}" if config_sha256 else "", f"report of {generated}" if generated else ""]
    page.text(MARGIN, y, " · ".join(part for part in parts if part), sheet.SMALL, colour=style.SOFT)


def _numbers(page: Canvas, x: int, y: float, registration: Registration, words: Words) -> float:
    """Draw the numbers; return where the next thing begins."""
    page.text(x, y + 2, "Numbers", sheet.BODY, bold=True)
    y += HEAD - 2
    page.rule(x, round(y), COLUMN, style.INK)
    y += 6
    for label, value in figures(registration):
        page.text(x, y, label, sheet.SMALL, colour=style.SOFT)
        y = page.text(x + COLUMN, y, value, sheet.SMALL, align="right", bold=label.startswith(("RMSE", "CE90", "Standard")))
        y += 2
    if words is REFUSED:
        y = page.paragraph(
            x, y + 6, COLUMN, "Nothing that depends on alignment is computed from this pair.", sheet.SMALL, bold=True, colour=words.colour
        )
    return y


def _distances(page: Canvas, area: Area, registration: Registration, words: Words) -> None:
    """Draw the share of the check points within a distance, with its key."""
    y = page.text(area.x, area.y, "Check points within a distance", sheet.BODY, bold=True)
    page.rule(area.x, round(y) + 2, area.width, style.INK)
    if not registration.check.n:
        page.text(area.x, y + 8, "No check point could be measured.", sheet.SMALL, colour=style.SOFT)
        return
    top = y + 8
    same = np.array_equal(registration.check.before, registration.check.after)
    curves = ((7.0, style.BLUE, "as delivered"), (0.0, style.VERMILLION, words.after))
    for dash, colour, name in curves[:1] if same else curves:
        ink = sheet.Ink(Area(area.x, round(top), 44, 22))
        line = np.array([[0.0, 11.0], [40.0, 11.0]])
        if dash:
            ink.dashed(line, 2.5, dash)
        else:
            ink.line(line, 2.5)
        page.ink(ink, colour)
        top = page.text(area.x + 50, top, name, sheet.SMALL) + 2
    panels.lengths(page, Area(area.x, round(top) + 4, area.width, min(area.bottom - round(top) - 4, 400)), registration)
