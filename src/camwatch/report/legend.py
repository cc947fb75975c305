"""The legend: a sample and a label for each look that a page uses, lines and ground in one row, objects in the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from camwatch.report import style
from camwatch.report.panels import mark
from camwatch.report.sheet import PT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from camwatch.findings import Findings
    from camwatch.report.sheet import Sheet

LINES = {"nominal": style.OUTLINE_NOMINAL, "traced": style.OUTLINE_TRACED, "before": style.PERIMETER_BEFORE, "after": style.PERIMETER_AFTER}
WIDTHS = {"line": 7.0, "area": 6.0, "gap": 6.0, "tower": 2.6, "polygon": 3.6, "structure": 2.6}
"""Width of each kind of sample in millimetres."""
ROW = style.SMALL * style.LEADING * PT + 0.7


class Entry(NamedTuple):
    """Samples (what, which), side by side, and what they mean."""

    samples: tuple[tuple[str, str], ...]
    label: str


def legend(sheet: Sheet, x: float, y: float, width: float, *, findings: Sequence[Findings], nominal: bool, gaps: bool) -> float:
    """Draw the looks that the findings use; return where the next thing begins.

    Parameters
    ----------
    x, y, width : float
        Millimetres.
    findings : sequence of Findings
    nominal : bool
        Whether the outline is nominal.
    gaps : bool
        Whether anything on the page is hatched as not observed.
    """
    y = _row(sheet, x, y, width, line_entries(findings, nominal=nominal, gaps=gaps))
    objects = object_entries(findings)
    return _row(sheet, x, y, width, objects) if objects else y


def _row(sheet: Sheet, x: float, y: float, width: float, entries: Iterable[Entry]) -> float:
    left = x
    for samples, label in entries:
        wide = sum(WIDTHS[what] + 0.8 for what, _ in samples) + 0.6 + sheet.measure(label, style.SMALL)
        if left > x and left + wide > x + width:
            left, y = x, y + ROW
        end = left + wide
        for what, which in samples:
            _sample(sheet, left, y + ROW / 2, what, which)
            left += WIDTHS[what] + 0.8
        sheet.text(left + 0.6, y + 0.35, label, style.SMALL)
        left = end + 3.2
    return y + ROW


def line_entries(findings: Iterable[Findings], *, nominal: bool, gaps: bool) -> list[Entry]:
    """Return what explains lines and areas."""
    used = {(r.change, "date" in r.measures) for f in findings for r in f.records if r.kind == "perimeter"}
    name = "nominal" if nominal else "traced"
    rows = [Entry((("line", name),), f"outline used ({name})")]
    if ("unchanged", True) in used:
        rows += [Entry((("line", "before"),), "perimeter before"), Entry((("line", "after"),), "perimeter after")]
    rows += [Entry((("area", change),), look.label) for change, look in style.GROUND.items() if (change, False) in used]
    return [*rows, Entry((("gap", ""),), "not observed")] if gaps else rows


def object_entries(findings: Iterable[Findings]) -> list[Entry]:
    """Return what explains towers (marks) and structures (hatched polygons, or marks where too small)."""
    used = {(r.kind, r.change) for f in findings for r in f.records if r.kind != "perimeter"}
    rows = []
    for kind, words, samples in (("tower", "tower", ("tower",)), ("structure", "structure", ("polygon", "structure"))):
        changes = [change for change in style.MARKS if (kind, change) in used]
        rows += [
            Entry(tuple((s, change) for s in samples), f"{words} {style.MARKS[change].label}" if number == 0 else style.MARKS[change].label)
            for number, change in enumerate(changes)
        ]
    return rows


def _sample(sheet: Sheet, x: float, y: float, what: str, which: str) -> None:
    wide = WIDTHS[what]
    if what == "line":
        line = LINES[which]
        sample = Line2D([x, x + wide], [y, y], color=line.colour, linewidth=line.width, transform=sheet.place)
        sample.set_linestyle((0.0, line.dash) if line.dash else "solid")
        sheet.figure.add_artist(sample)
        return
    if what == "gap":
        sheet.figure.add_artist(_patch(sheet, x, y, wide, (style.NOT_OBSERVED, style.GAP_EDGE, style.GAP_HATCH)))
        return
    table = style.GROUND if what == "area" else style.MARKS
    look = next(m for change, m in table.items() if change == which)
    if what in {"polygon", "area"}:
        sheet.figure.add_artist(_patch(sheet, x, y, wide, ("none" if look.hollow else look.colour + "38", look.colour, look.hatch)))
        return
    shape = next((s for key, s in style.SHAPES.items() if key == (what, which)), look.shape)
    point = mark(x + wide / 2, y, shape, look, 5.5)
    point.set_transform(sheet.place)
    sheet.figure.add_artist(point)


def _patch(sheet: Sheet, x: float, y: float, wide: float, looks: tuple[str, str, str]) -> Rectangle:
    face, edge, hatch = looks
    return Rectangle((x, y - 1.1), wide, 2.2, facecolor=face, edgecolor=edge, hatch=hatch or None, linewidth=0.5, transform=sheet.place)
