"""The page of a stack: each date on the reference, each loop between the dates, drawn from what `stack.json` holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from camwatch.report import style
from camwatch.report.frame import foot, simple_head
from camwatch.report.page import DPI, LANDSCAPE, MM, Box
from camwatch.report.sheet import Sheet, new_sheet
from camwatch.report.stackplots import bars, dumbbells, plans
from camwatch.report.stacktable import ASIDE, HEAD, LINE, LOOPS, ROW, SCENES, table
from camwatch.report.tables import number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FRAME = 36.0
"""Millimetres that the head and the foot of the page, the headings and the space between the tables take."""
PLAN = 74.0
"""Height of the two plans in millimetres; below half of that they are left out."""

VERDICTS = {True: ("✔ closed", "#00694c"), False: ("✘ OPEN", "#a84300"), None: ("? cannot tell", style.SOFT)}
STATES = {"ok": ("✔ aligned", "#00694c"), "refused": ("✘ REFUSED", "#a84300")}


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
            plans(sheet, Box(page.x, y + 4.0, page.width, high), document)
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
    axes, bottom = table(sheet, Box(box.x, y, box.width, 0), SCENES, rows, coloured=3, colours=colours, drawing=heads)
    dumbbells(axes, before, after, document["limit_px"])
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
    axes, bottom = table(sheet, Box(box.x, y, box.width, 0), LOOPS, rows, coloured=2, colours=colours, drawing=heads)
    bars(axes, drawn, document["limit_px"])
    return bottom


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
