"""Tables of a stack's page: a row for each date or loop, with room for a drawing at its right."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from camwatch.report import style
from camwatch.report.page import PT, Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from camwatch.report.sheet import Sheet

ROW = 4.6
"""Height of a table's row in millimetres."""
LINE = style.BODY * style.LEADING * PT
HEAD = 2 * LINE + 1.2
BESIDE = 3.0
"""Room between a table's numbers and its drawing."""
ASIDE = 6.0
"""Room under a drawing for its scale."""


class Column(NamedTuple):
    """A column of a table: its head in two lines, its width in millimetres, how its cells are set."""

    head: str
    width: float
    align: str = "right"


SCENES = (
    Column("\n", 6, "left"),
    Column("\ndate", 20, "left"),
    Column("\nscene", 50, "left"),
    Column("\n", 22, "left"),
    Column("\nmodel", 18, "left"),
    Column("shift, px\nrows, columns", 30),
    Column("standard\nerror, px", 16),
    Column("check\npoints", 13),
    Column("RMSE, px\nas delivered", 20),
    Column("RMSE, px\nregistered", 19),
)
LOOPS = (
    Column("\n", 12, "left"),
    Column("\ndates", 40, "left"),
    Column("\n", 22, "left"),
    Column("link of\nthe two", 18, "left"),
    Column("its standard\nerror, px", 20),
    Column("mean closure, px\nrows, columns", 30),
    Column("RMSE\npx", 14),
    Column("longest\npx", 15),
    Column("standard\nerror, px", 17),
    Column("normalised\n(χ²/dof)", 19),
)


def table(
    sheet: Sheet,
    box: Box,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    coloured: int,
    colours: Sequence[str],
    drawing: tuple[str, str],
) -> tuple[Axes, float]:
    """Set a table, one column in bold in the rows' colours; return axes for a drawing at its right, and where the next thing begins."""
    lefts = [box.x]
    for column in columns:
        lefts.append(lefts[-1] + column.width)

    def put(place: int, y: float, text: str, colour: str, *, bold: bool = False) -> None:
        column = columns[place]
        x = lefts[place] if column.align == "left" else lefts[place + 1]
        # What is too long ends before its neighbour begins.
        text = sheet.wrap(text, column.width - 2.0, style.BODY, bold=bold, most=1)[0] if text else ""
        sheet.text(x, y, text, style.BODY, bold=bold, colour=colour, align=column.align)

    room = Box(lefts[-1] + BESIDE, box.y, box.right - lefts[-1] - BESIDE - 1.0, 0)
    for line in range(2):
        for place, column in enumerate(columns):
            put(place, box.y + line * LINE, column.head.split("\n")[line], style.SOFT)
        sheet.text(room.x, box.y + line * LINE, drawing[line], style.BODY, colour=style.SOFT)
    top = box.y + HEAD
    sheet.rule(box.x, top - 0.3, box.width)
    for count, (row, colour) in enumerate(zip(rows, colours, strict=True)):
        y = top + count * ROW
        if count % 2:
            sheet.fill(Box(box.x, y, lefts[-1] - box.x, ROW), style.TINT)
        for place, cell in enumerate(row):
            put(place, y + (ROW - LINE) / 2, cell, colour if place == coloured else style.INK, bold=place == coloured)
    bottom = top + ROW * len(rows)
    return sheet.axes(Box(room.x, top, room.width, bottom - top)), bottom + ASIDE
