"""The page of a stack: each date on the reference, each loop between the dates, drawn from what `stack.json` holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from matplotlib.patches import Circle
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from camwatch.report import style
from camwatch.report.frame import foot, simple_head
from camwatch.report.page import DPI, LANDSCAPE, MM, PT, Box
from camwatch.report.sheet import Sheet, new_sheet
from camwatch.report.tables import number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

ROW = 4.6
"""Height of a table's row in millimetres."""
LINE = style.BODY * style.LEADING * PT
HEAD = 2 * LINE + 1.2
BESIDE = 3.0
"""Room between a table's numbers and its drawing."""
FRAME = 36.0
"""Millimetres that the head and the foot of the page, the headings and the space between the tables take."""
PLAN = 74.0
"""Height of the two plans in millimetres; below half of that they are left out."""
SIDES = ((1, 1), (-1, -1), (1, -1), (-1, 1))
ASIDE = 6.0
"""Room under a drawing for its scale."""

VERDICTS = {True: ("✔ closed", "#00694c"), False: ("✘ OPEN", "#a84300"), None: ("? cannot tell", style.SOFT)}
STATES = {"ok": ("✔ aligned", "#00694c"), "refused": ("✘ REFUSED", "#a84300")}


class Column(NamedTuple):
    """A column of a table: its head in two lines, its width in millimetres, how its cells are set."""

    head: str
    width: float
    align: str = "right"


class Mark(NamedTuple):
    """A mark of a plan at (rows, columns) in pixels."""

    label: str
    place: tuple[float, ...]
    shape: str
    colour: str


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


def stack_page(path: Path, document: Mapping[str, Any], *, generated: str = "", config_sha256: str = "") -> Path:
    """Write the page of a stack, A4 landscape at 300 dpi (3508 × 2480 px), longer where it has more dates than that holds.

    Parameters
    ----------
    path : Path
    document : mapping
        What `stack.json` holds.
    generated, config_sha256 : str

    Returns
    -------
    Path
        `path`.
    """
    scenes, pairs = document["scenes"], [link for link in document["links"] if link["reference"] != document["reference"]["scene"]]
    notes = _notes(document)
    room = FRAME + 2 * (HEAD + ASIDE) + ROW * (len(scenes) + max(len(pairs), 1)) + 2 * LINE * len(notes)
    height = max(LANDSCAPE[1], round((room + 2 * 11.0) / MM * DPI))
    with new_sheet((LANDSCAPE[0], height)) as sheet:
        if document["simulated"]:
            sheet.simulated_bands()
        page, reference = sheet.content, document["reference"]
        line = f"reference {reference['scene']} ({reference['acquired'][:10]}) · {len(scenes)} dates registered to it, neighbours to each other"
        y = simple_head(sheet, "Stack of co-registered scenes", "camwatch register", line, generated)
        ends = foot(sheet, page, generated, config_sha256)
        y = _scenes(sheet, Box(page.x, y, page.width, 0), document)
        y = _loops(sheet, Box(page.x, y + 3.0, page.width, 0), document, pairs)
        for note in notes:
            if y < ends - LINE:
                y = sheet.paragraph(page.x, y, page.width, note, style.BODY, most=2)
        high = min(ends - y - LINE - 14.0, PLAN)
        if high >= PLAN / 2:
            _plans(sheet, Box(page.x, y + 4.0, page.width, high), document)
        return sheet.write(path, "camwatch stack", simulated=document["simulated"])


def _scenes(sheet: Sheet, box: Box, document: Mapping[str, Any]) -> float:
    """Draw the table of the scenes; return where the next thing begins."""
    y = sheet.heading(
        box.x, box.y, box.width, "Each date on the reference", "in pixels of the reference as delivered, shift and error at the middle of the ground"
    )
    found = {link["moving"]: link for link in document["links"] if link["reference"] == document["reference"]["scene"]}
    rows, colours, before, after = [], [], [], []
    for place, row in enumerate(document["scenes"], 1):
        link = found.get(row["scene"])
        word, colour = STATES[row["status"]]
        check = link["check"] if link else {"n": 0, "rmse_before_px": None, "rmse_after_px": None}
        answered = link if link and link["status"] == "ok" else None
        rows.append(
            (
                str(place),
                row["acquired"][:10],
                row["scene"],
                word,
                answered["model"] if answered else "–",
                _vector(answered["shift_px"]) if answered else "–",
                _px(answered["se_px"]) if answered else "–",
                str(check["n"]) if link else "–",
                _px(check["rmse_before_px"]),
                _px(check["rmse_after_px"]),
            )
        )
        colours.append(colour)
        before.append(check["rmse_before_px"])
        after.append(check["rmse_after_px"])
    heads = "check points, RMSE in px", f"× as delivered  ● registered  ┆ limit {document['limit_px']:g}"
    axes, bottom = _table(sheet, Box(box.x, y, box.width, 0), SCENES, rows, coloured=3, colours=colours, drawing=heads)
    _dumbbells(axes, before, after, document["limit_px"])
    return bottom


def _loops(sheet: Sheet, box: Box, document: Mapping[str, Any], pairs: Sequence[Mapping[str, Any]]) -> float:
    """Draw the table of the loops; return where the next thing begins."""
    aside = "reference → a → b → reference must lead back to where it began"
    y = sheet.heading(box.x, box.y, box.width, "Loops between the dates", aside)
    if not pairs:
        return sheet.text(box.x, y, "No two dates hold on to the reference: there is no loop to close.", style.BODY, colour=style.SOFT) + 2.0
    places = {row["scene"]: (str(n), row["acquired"][:10]) for n, row in enumerate(document["scenes"], 1)}
    closures = {tuple(loop["scenes"][1:]): loop for loop in document["loops"]}
    rows, colours, drawn = [], [], []
    for link in pairs:
        a, b = places[link["reference"]], places[link["moving"]]
        loop = closures.get((link["reference"], link["moving"]))
        word, colour = VERDICTS[loop["closed"]] if loop else ("– no loop", style.SOFT)
        answered = link["status"] == "ok"
        rows.append(
            (
                f"{a[0]} – {b[0]}",
                f"{a[1]} – {b[1]}",
                word,
                link["model"] if answered else "refused",
                _px(link["se_px"]) if answered else "–",
                _vector(loop["mean_px"]) if loop else "–",
                *((_px(loop[key]) for key in ("rmse_px", "max_px", "se_px")) if loop else ("–",) * 3),
                number(loop["normalised"], 2) if loop else "–",
            )
        )
        colours.append(colour)
        drawn.append(loop)
    heads = "closure in px: bar RMSE, stroke longest", f"◇ 3 standard errors  ┆ limit {document['limit_px']:g}"
    axes, bottom = _table(sheet, Box(box.x, y, box.width, 0), LOOPS, rows, coloured=2, colours=colours, drawing=heads)
    _bars(axes, drawn, document["limit_px"])
    return bottom


def _table(
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


def _dumbbells(axes: Axes, before: Sequence[float | None], after: Sequence[float | None], limit: float) -> None:
    """Draw the residual of the check points before and after, a line a row, on a logarithmic scale."""
    known = [max(value, 1e-3) for value in (*before, *after) if value is not None]
    for row, (one, other) in enumerate(zip(before, after, strict=True)):
        if one is None or other is None:
            continue
        start, end = max(one, 1e-3), max(other, 1e-3)
        axes.plot([start, end], [row, row], color=style.RULE, linewidth=1.4, zorder=2)
        axes.plot(end, row, marker="o", markersize=4.5, color=style.VERMILLION, zorder=3)
        axes.plot(start, row, marker="x", markersize=4.5, markeredgewidth=1.1, color=style.BLUE, zorder=4)
    axes.set_xscale("log")
    low = min([*known, limit]) / 1.6
    axes.set_xlim(low, max([1.6 * value for value in (*known, limit)] + [12 * low]))
    _rows_of(axes, len(before), limit)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _bars(axes: Axes, loops: Sequence[Mapping[str, Any] | None], limit: float) -> None:
    """Draw a bar per closure, hatched where it is open, with its longest and three standard errors."""
    for row, loop in enumerate(loops):
        if loop is None:
            continue
        is_open = loop["closed"] is False
        axes.barh(
            row,
            loop["rmse_px"],
            height=0.52,
            facecolor=style.VERMILLION if is_open else style.SKY,
            edgecolor=style.INK,
            hatch="//////" if is_open else "",
            linewidth=0.4,
            zorder=2,
        )
        axes.plot([loop["max_px"]] * 2, [row - 0.26, row + 0.26], color=style.INK, linewidth=0.9, zorder=3)
        axes.plot(3 * loop["se_px"], row, marker="D", markersize=3.4, color="white", markeredgecolor=style.INK, markeredgewidth=0.7, zorder=4)
    reach = max([value for loop in loops if loop for value in (loop["max_px"], 3 * loop["se_px"])], default=0.0)
    axes.set_xlim(0, 1.12 * max(reach, limit))
    _rows_of(axes, len(loops), limit)


def _rows_of(axes: Axes, count: int, limit: float) -> None:
    """Align a drawing with the rows of its table and mark the limit."""
    axes.axvline(limit, color=style.INK, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_yticks([])
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=style.SMALL, length=1.8, width=0.5, pad=1.2)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _plans(sheet: Sheet, box: Box, document: Mapping[str, Any]) -> None:
    """Draw where each date lies and by how much each loop misses, in rows and columns."""
    numbers = {row["scene"]: str(n) for n, row in enumerate(document["scenes"], 1)}
    refused = {row["scene"] for row in document["scenes"] if row["status"] != "ok"}
    marks = []
    for link in document["links"]:
        if link["reference"] not in numbers and link["status"] == "ok":
            shape, colour = ("X", style.VERMILLION) if link["moving"] in refused else ("o", style.BLUE)
            marks.append(Mark(numbers[link["moving"]], tuple(link["shift_px"]), shape, colour))
    marks.append(Mark("R", (0.0, 0.0), "P", style.INK))
    half = (box.width - 8.0) / 2
    _plan(sheet, Box(box.x, box.y, half, box.height), ("Where each date lies as delivered, px", "✚ R: reference  ● aligned  ✖ refused"), marks)
    shapes = {True: ("o", style.BLUE), False: ("X", style.VERMILLION), None: ("s", style.SOFT)}
    marks = [
        Mark(" – ".join(numbers[name] for name in loop["scenes"][1:]), tuple(loop["mean_px"]), *shapes[loop["closed"]]) for loop in document["loops"]
    ]
    aside = "● closed  ✖ open  ■ cannot tell  ┆ limit"
    _plan(sheet, Box(box.x + half + 8.0, box.y, half, box.height), ("Mean closure of each loop, px", aside), marks, limit=document["limit_px"])


def _plan(sheet: Sheet, box: Box, heading: tuple[str, str], marks: Sequence[Mark], *, limit: float | None = None) -> None:
    """Draw marks at (rows, columns), both at one scale, rows downwards as in a picture."""
    y = sheet.heading(box.x, box.y, box.width, *heading)
    room = Box(box.x + 12.0, y + 1.5, box.width - 13.0, box.height)
    axes = sheet.axes(room)
    wide = room.width / room.height
    reach = 1.2 * max([max(abs(mark.place[0]), abs(mark.place[1]) / wide) for mark in marks] + [limit or 0.1])
    axes.axhline(0, color=style.RULE, linewidth=0.4, zorder=1)
    axes.axvline(0, color=style.RULE, linewidth=0.4, zorder=1)
    if limit is not None:
        axes.add_patch(Circle((0, 0), limit, fill=False, edgecolor=style.INK, linewidth=0.8, linestyle=(0, (4, 2)), zorder=2))
    for count, mark in enumerate(marks):
        row, col = mark.place
        axes.plot(col, row, marker=mark.shape, markersize=5.5, color=mark.colour, markeredgecolor="white", markeredgewidth=0.4, zorder=3)
        # Labels of marks that lie together go to different sides.
        right, above = SIDES[count % len(SIDES)]
        axes.annotate(
            mark.label,
            (col, row),
            xytext=(4 * right, 4 * above),
            textcoords="offset points",
            ha="left" if right > 0 else "right",
            va="bottom" if above > 0 else "top",
            fontsize=style.BODY,
            zorder=4,
        )
    axes.set(xlim=(-reach * wide, reach * wide), ylim=(reach, -reach))
    axes.locator_params(nbins=7)
    axes.tick_params(labelsize=style.SMALL, length=1.8, width=0.5, pad=1.2)
    axes.set_xlabel("columns", fontsize=style.SMALL, labelpad=1)
    axes.set_ylabel("rows", fontsize=style.SMALL, labelpad=1)


def _notes(document: Mapping[str, Any]) -> list[str]:
    """Return why scenes and links are refused, and what a closed loop does not say."""
    places = {row["scene"]: f"{n} ({row['acquired'][:10]})" for n, row in enumerate(document["scenes"], 1)}
    notes = [f"{places[row['scene']]} refused: {row['reason']}" for row in document["scenes"] if row["status"] != "ok"]
    elsewhere: dict[str, list[str]] = {}
    for link in document["links"]:
        if link["reference"] not in places and link["grid"]["crs"] != document["reference"]["crs"]:
            pixel = f"{number(abs(link['grid']['transform'][0]))} m in {link['grid']['crs']}"
            elsewhere.setdefault(pixel, []).append(places[link["moving"]])
    notes += [f"Counted in pixels of {pixel}, the coarser scene’s: {', '.join(names)}." for pixel, names in elsewhere.items()]
    between = [link for link in document["links"] if link["reference"] in places]
    notes += [f"Link {places[link['reference']]} – {places[link['moving']]} refused: {link['reason']}" for link in between if link["status"] != "ok"]
    said = (
        "A closed loop shows that three links hold on to the same ground. It does not show how accurate they are: what is wrong with one scene’s "
        "pixels cancels around the loop, so a normalised closure below 1 is usual. A loop is open beyond the limit and three standard errors."
    )
    return [*notes, *([said] if document["loops"] else [])]


def _vector(rows_cols: Sequence[float]) -> str:
    return "  ".join(("+" if value >= 0 else "−") + number(abs(value), decimals=3) for value in rows_cols)


def _px(value: float | None) -> str:
    return "–" if value is None else number(value, decimals=3)
