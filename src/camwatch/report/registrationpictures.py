"""The pictures on a page of one registration: residuals, checkerboards, maps, each with its heading and its key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camwatch.report import canvas as sheet
from camwatch.report import registrationpanels as panels
from camwatch.report import style
from camwatch.report.display import in_colour
from camwatch.report.ground import Ground, shown
from camwatch.report.registrationwords import UNTOUCHED, metres_of, px
from camwatch.report.tables import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.imagery.image import Image
    from camwatch.registration.record import Registration
    from camwatch.report.canvas import Area, Canvas
    from camwatch.report.registrationwords import Words

HEAD = 34
"""Room above a panel for its heading."""

TILES = 6
"""Tiles of a checkerboard along a side."""


def draw_vectors(page: Canvas, areas: list[Area], images: tuple[Image, Image], registration: Registration, words: Words) -> None:
    """Draw the residuals of the check points as delivered and in the end, each magnified for itself.

    Where both are the same, the second panel shows more: the tie points' residuals where the pair is aligned, the moving scene where it is refused.
    """
    check, ties = registration.check, registration.tie_positions
    after = check.positions, check.after, f"{check.n} check points ○, RMSE {px(check.rmse_after_px)}"
    second = (images[0], words.after, after)
    if words is UNTOUCHED:
        second = (images[0], "of the tie points", (ties, registration.tie_residuals, f"{number(len(ties))} tie points ○"))
    elif np.array_equal(check.before, check.after):
        second = (images[1], "over the moving scene", after)
    first = (images[0], "as delivered", (check.positions, check.before, f"{check.n} check points ○, RMSE {px(check.rmse_before_px)}"))
    for area, (image, name, (places, moves, said)), colour in zip(areas, (first, second), (style.BLUE, style.VERMILLION), strict=True):
        ground = Ground.over(area, registration.grid)
        _paste(page, area, shown(ground, image, colour=False, pale=0.5), simulated=any(i.simulated for i in images))
        panels.points(page, ground, ties, style.INK)
        times = panels.vectors(page, ground, places, moves, colour=colour)
        panels.scale_bar(page, ground, metres_of(registration.grid))
        page.frame(area, style.SOFT)
        _heading(page, area, f"Residuals {name}")
        page.text(area.x, area.bottom + 5, f"{said}, vectors × {number(times)}", sheet.SMALL, colour=style.SOFT)


def draw_boards(page: Canvas, areas: list[Area], boards: tuple[tuple[Image, Image], tuple[Image, Image]], words: Words) -> None:
    """Draw a checkerboard of reference and moving scene in each area."""
    for area, name, pair in zip(areas, words.boards, boards, strict=True):
        ground = Ground.over(area, pair[0].geobox, filled=True)
        under, over = (shown(ground, image, colour=in_colour(pair)) for image in pair)
        _paste(page, area, np.where(_chequered(area), over, under), simulated=any(i.simulated for i in pair))
        panels.scale_bar(page, ground, metres_of(pair[0].geobox))
        page.frame(area, style.SOFT)
        _heading(page, area, name)
        said = f"{pair[0].acquired:%Y-%m-%d} and {pair[1].acquired:%Y-%m-%d} in turn; {number(area.width / ground.scale)} px across"
        page.text(area.x, area.bottom + 5, said, sheet.SMALL, colour=style.SOFT)


def draw_unmatched(page: Canvas, areas: tuple[Area, ...], images: tuple[Image, ...]) -> None:
    """Draw both scenes whole and in part, each by itself: nothing in them could be matched."""
    names = ("Reference", "Moving scene, as delivered", "Reference, middle", "Moving scene, middle")
    for area, name, image in zip(areas, names, images, strict=True):
        ground = Ground.over(area, image.geobox, filled="middle" in name)
        _paste(page, area, shown(ground, image, colour=in_colour(images[:2])), simulated=image.simulated)
        panels.scale_bar(page, ground, metres_of(image.geobox))
        page.frame(area, style.SOFT)
        _heading(page, area, name)
        page.text(area.x, area.bottom + 5, f"{image.acquired:%Y-%m-%d}", sheet.SMALL, colour=style.SOFT)


def draw_maps(page: Canvas, areas: list[Area], registration: Registration) -> None:
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


def _chequered(area: Area) -> NDArray[np.bool_]:
    """Return which pixels (y, x, 1) of an area show the second image."""
    side = area.width / TILES
    y, x = np.ogrid[: area.height, : area.width]
    return np.asarray((y // side + x // side) % 2 == 1)[..., None]


def _heading(page: Canvas, area: Area, text: str, aside: str = "") -> None:
    page.text(area.x, area.y - HEAD + 2, text, sheet.BODY, bold=True)
    page.text(area.right, area.y - HEAD + 4, aside, sheet.SMALL, colour=style.SOFT, align="right")


def _paste(page: Canvas, area: Area, pixels: NDArray[np.uint8], *, simulated: bool) -> None:
    page.paste(area, pixels)
    if simulated:
        page.stamp(area)
