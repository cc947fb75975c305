"""The page of one registration: check points as delivered and registered, checkerboards, residual and standard error over the scene, numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from camwatch import __version__
from camwatch.report import canvas as sheet
from camwatch.report import registrationpanels as panels
from camwatch.report import style
from camwatch.report.canvas import Area, Canvas
from camwatch.report.display import in_colour
from camwatch.report.ground import Ground, shown
from camwatch.report.tables import PEOPLE, number

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from camwatch.imagery.image import Image
    from camwatch.registration.record import Registration

WIDTH = 1800
MARGIN, GAP = 40, 26
COLUMN = 384
"""Width of the column of numbers."""
PANEL = (WIDTH - 2 * MARGIN - COLUMN - 3 * GAP) // 3
HEAD, KEY = 34, 48
"""Room above a panel for its heading, and below it for its key."""
SQUAT, TALL = 0.55, 1.1
"""A panel's height over its width, at least and at most, whatever the scene's shape."""
TILES = 6
"""Tiles of a checkerboard along a side."""
LEAST = 720
"""Height of the column of numbers, with the drawing below them."""


class Words(NamedTuple):
    """How a page calls its verdict, the state that the pair ends in, and its two checkerboards."""

    verdict: str
    colour: str
    after: str
    boards: tuple[str, str]


ALIGNED = Words("✔ REGISTERED", "#00694c", "registered", ("Checkerboard as delivered", "Checkerboard registered"))
UNTOUCHED = Words(
    "✔ ALREADY ALIGNED – LEFT AS DELIVERED", "#00694c", "left as delivered", ("Checkerboard, clearest edges", "Checkerboard, longest residual")
)
REFUSED = Words("✘ REFUSED – NOT ALIGNED", "#a84300", "by the best transform", ("Checkerboard, longest residual", "Checkerboard, contrary residual"))


def words_of(registration: Registration) -> Words:
    """Return how a page calls an answer; a refusal is never called registered."""
    if not registration.ok:
        return REFUSED
    return UNTOUCHED if registration.model == "none" else ALIGNED


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
        _vectors(page, places[0], (reference, moving), registration, words)
        _boards(page, places[1], boards, words)
    else:
        _unmatched(page, (*places[0], *places[1]), (reference, moving, *boards[0]))
    _maps(page, places[2], registration)
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


def _heading(page: Canvas, area: Area, text: str, aside: str = "") -> None:
    page.text(area.x, area.y - HEAD + 2, text, sheet.BODY, bold=True)
    page.text(area.right, area.y - HEAD + 4, aside, sheet.SMALL, colour=style.SOFT, align="right")


def _px(value: float) -> str:
    """Return a length in pixels with three digits, but no more than four decimals."""
    return f"{number(value, decimals=4) if abs(value) < 0.1 else number(value)} px"


def _paste(page: Canvas, area: Area, pixels: NDArray[np.uint8], *, simulated: bool) -> None:
    page.paste(area, pixels)
    if simulated:
        page.stamp(area)


def _vectors(page: Canvas, areas: list[Area], images: tuple[Image, Image], registration: Registration, words: Words) -> None:
    """Draw the residuals of the check points as delivered and in the end, each magnified for itself.

    Where both are the same, the second panel shows more: the tie points' residuals where the pair is aligned, the moving scene where it is refused.
    """
    check, ties = registration.check, registration.tie_positions
    after = check.positions, check.after, f"{check.n} check points ○, RMSE {_px(check.rmse_after_px)}"
    second = (images[0], words.after, after)
    if words is UNTOUCHED:
        second = (images[0], "of the tie points", (ties, registration.tie_residuals, f"{number(len(ties))} tie points ○"))
    elif np.array_equal(check.before, check.after):
        second = (images[1], "over the moving scene", after)
    first = (images[0], "as delivered", (check.positions, check.before, f"{check.n} check points ○, RMSE {_px(check.rmse_before_px)}"))
    for area, (image, name, (places, moves, said)), colour in zip(areas, (first, second), (style.BLUE, style.VERMILLION), strict=True):
        ground = Ground.over(area, registration.grid)
        _paste(page, area, shown(ground, image, colour=False, pale=0.5), simulated=any(i.simulated for i in images))
        panels.points(page, ground, ties, style.INK)
        times = panels.vectors(page, ground, places, moves, colour=colour)
        panels.scale_bar(page, ground, _metres(registration.grid))
        page.frame(area, style.SOFT)
        _heading(page, area, f"Residuals {name}")
        page.text(area.x, area.bottom + 5, f"{said}, vectors × {number(times)}", sheet.SMALL, colour=style.SOFT)


def _boards(page: Canvas, areas: list[Area], boards: tuple[tuple[Image, Image], tuple[Image, Image]], words: Words) -> None:
    """Draw a checkerboard of reference and moving scene in each area."""
    for area, name, pair in zip(areas, words.boards, boards, strict=True):
        ground = Ground.over(area, pair[0].geobox, filled=True)
        under, over = (shown(ground, image, colour=in_colour(pair)) for image in pair)
        _paste(page, area, np.where(_chequered(area), over, under), simulated=any(i.simulated for i in pair))
        panels.scale_bar(page, ground, _metres(pair[0].geobox))
        page.frame(area, style.SOFT)
        _heading(page, area, name)
        said = f"{pair[0].acquired:%Y-%m-%d} and {pair[1].acquired:%Y-%m-%d} in turn; {number(area.width / ground.scale)} px across"
        page.text(area.x, area.bottom + 5, said, sheet.SMALL, colour=style.SOFT)


def _unmatched(page: Canvas, areas: tuple[Area, ...], images: tuple[Image, ...]) -> None:
    """Draw both scenes whole and in part, each by itself: nothing in them could be matched."""
    names = ("Reference", "Moving scene, as delivered", "Reference, middle", "Moving scene, middle")
    for area, name, image in zip(areas, names, images, strict=True):
        ground = Ground.over(area, image.geobox, filled="middle" in name)
        _paste(page, area, shown(ground, image, colour=in_colour(images[:2])), simulated=image.simulated)
        panels.scale_bar(page, ground, _metres(image.geobox))
        page.frame(area, style.SOFT)
        _heading(page, area, name)
        page.text(area.x, area.bottom + 5, f"{image.acquired:%Y-%m-%d}", sheet.SMALL, colour=style.SOFT)


def _metres(grid: GeoBox) -> float:
    return float(abs(grid.affine.determinant) ** 0.5)


def _chequered(area: Area) -> NDArray[np.bool_]:
    """Return which pixels (y, x, 1) of an area show the second image."""
    side = area.width / TILES
    y, x = np.ogrid[: area.height, : area.width]
    return np.asarray((y // side + x // side) % 2 == 1)[..., None]


def _maps(page: Canvas, areas: list[Area], registration: Registration) -> None:
    """Draw the residual of the check points and the standard error of the answer over the scene, and upon it the field where there is one."""
    upper, lower = (Ground.over(area, registration.grid) for area in areas)
    steps = panels.residual_map(page, upper, registration)
    _heading(page, areas[0], "Residual map", "RMSE of the check points in a cell")
    if steps:
        panels.legend(page, areas[0], steps, "px")
    steps = panels.error_map(page, lower, registration)
    times = panels.field_arrows(page, lower, registration)
    _heading(page, areas[1], "Standard error", f"arrows: the field × {number(times)}" if times else "of the place answered")
    if steps:
        panels.legend(page, areas[1], steps, "px")
    for area in areas:
        page.frame(area, style.SOFT)


def figures(registration: Registration) -> tuple[tuple[str, str], ...]:
    """Return label and value of each line of the numbers; what a refusal does not have is not listed."""
    check, grid = registration.check, registration.grid
    metres = _metres(grid)
    rows, cols = grid.shape

    def length(pixels: float) -> str:
        return "not measured" if pixels != pixels else f"{_px(pixels)} = {number(pixels * metres, 2)} m"  # noqa: PLR0124 - NaN

    lines = [("Model", registration.model if registration.ok else "none"), ("Tie points", number(registration.tie_points))]
    if registration.ok:
        down, right = registration.shift_px((cols - 1) / 2, (rows - 1) / 2)
        col, row = np.meshgrid(np.linspace(0, cols - 1, 17), np.linspace(0, rows - 1, 17))
        errors = registration.se_at(np.column_stack([col.ravel(), row.ravel()]))
        lines += [
            ("Shift at the centre", f"{_signed(down)} rows, {_signed(right)} cols"),
            ("", f"{number(float(np.hypot(down, right)) * metres)} m"),
            ("Standard error, centre", length(registration.se_px)),
            ("Standard error, worst", length(float(np.nanmax(errors)) if np.isfinite(errors).any() else float("nan"))),
        ]
    lines += [("Check points", f"{check.n}, withheld from the fit" if check.n else "none")]
    after = "as delivered"
    if not np.array_equal(check.before, check.after):
        lines += [("RMSE as delivered", length(check.rmse_before_px))]
        after = "registered" if registration.ok else "best tried"
    lines += [(f"RMSE {after}", length(check.rmse_after_px)), (f"CE90 {after}", length(check.ce90_after_px)), ("Pixel", f"{number(metres)} m")]
    return tuple(lines)


def _signed(value: float) -> str:
    return ("+" if value >= 0 else "−") + number(abs(value), decimals=3)


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
