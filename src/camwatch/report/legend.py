"""The legend: a sample and a label for each look that a page uses, lines and ground in one row, objects in the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from camwatch.report import style
from camwatch.report.page import PT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from camwatch.findings import Findings
    from camwatch.report.page import Page

    Sample = Callable[[float, float, str, str], None]

LINES = {"nominal": style.OUTLINE_NOMINAL, "traced": style.OUTLINE_TRACED, "before": style.PERIMETER_BEFORE, "after": style.PERIMETER_AFTER}
WIDTHS = {"line": 7.0, "area": 6.0, "gap": 6.0, "tower": 2.6, "polygon": 3.6, "structure": 2.6}
"""Width of each kind of sample in millimetres."""
ROW = style.SMALL * style.LEADING * PT + 0.7


class Entry(NamedTuple):
    """Samples (what, which), side by side, and what they mean."""

    samples: tuple[tuple[str, str], ...]
    label: str


def legend(sheet: Page, x: float, y: float, width: float, *, findings: Sequence[Findings], nominal: bool, gaps: bool, sample: Sample) -> float:
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
    sample : callable (x, y, what, which)
        Draws one sample (see :data:`WIDTHS`) whose left side is at `x` and whose middle is at `y`, in millimetres.
    """
    y = _row(sheet, x, y, width, line_entries(findings, nominal=nominal, gaps=gaps), sample=sample)
    objects = object_entries(findings)
    return _row(sheet, x, y, width, objects, sample=sample) if objects else y


def _row(sheet: Page, x: float, y: float, width: float, entries: Iterable[Entry], *, sample: Sample) -> float:
    left = x
    for samples, label in entries:
        wide = sum(WIDTHS[what] + 0.8 for what, _ in samples) + 0.6 + sheet.measure(label, style.SMALL)
        if left > x and left + wide > x + width:
            left, y = x, y + ROW
        end = left + wide
        for what, which in samples:
            sample(left, y + ROW / 2, what, which)
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
    """Return what explains towers (marks), structures (hatched polygons, or marks where too small) and land cover (hatched polygons)."""
    used = {(r.kind, r.change) for f in findings for r in f.records if r.kind != "perimeter"}
    rows = []
    looks = (("tower", "tower", ("tower",)), ("structure", "structure", ("polygon", "structure")), ("landcover", "open ground", ("polygon",)))
    for kind, words, samples in looks:
        changes = [change for change in style.MARKS if (kind, change) in used]
        # Altered ground need not be open: nothing is told of it but that it changed.
        named = "ground" if kind == "landcover" and changes[:1] == ["altered"] else words
        rows += [
            Entry(tuple((s, change) for s in samples), f"{named} {style.MARKS[change].label}" if number == 0 else style.MARKS[change].label)
            for number, change in enumerate(changes)
        ]
    return rows


def look_of(what: str, which: str) -> tuple[style.Mark, str]:
    """Return the look of a sample of objects or ground, and the shape of its mark."""
    table = style.GROUND if what == "area" else style.MARKS
    look = next(m for change, m in table.items() if change == which)
    return look, next((s for key, s in style.SHAPES.items() if key == (what, which)), look.shape)
