"""One claim as a row of a table: broken into lines first, so that its height is known before it is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from camwatch.report import style, tables
from camwatch.report.page import PT

if TYPE_CHECKING:
    from camwatch.claims.model import Claim
    from camwatch.judge.record import ReadingVerdict, Verdict
    from camwatch.report.sheet import Sheet

LINE = style.SMALL * style.LEADING * PT
COLUMNS = (0.0, 22.0, 59.0, 91.0, 99.0)
"""Left edges in millimetres: claim and outcome, quote, measured, power, reason."""
SHORT = 6.0
"""Type size of a claim in one line, in points."""
SHORT_LINE = SHORT * style.LEADING * PT
SHORT_COLUMNS = (0.0, 10.5, 44.0)
"""Left edges of a claim in one line: claim, quote, why; two such lines stand side by side."""
GAP = 2.0
TOTAL = 186.0


class Row(NamedTuple):
    """Lines by column, ready to draw."""

    claim: str
    outcome: str
    symbol: str
    colour: str
    quote: list[str]
    readings: list[tuple[list[str], str]]
    reason: list[str]
    reason_left: float

    @property
    def height(self) -> float:
        """In millimetres, with the rule below."""
        return max(2, len(self.quote), sum(len(lines) for lines, _ in self.readings), len(self.reason)) * LINE + 1.2

    def draw(self, sheet: Sheet, x: float, y: float, width: float) -> float:
        """Draw the row with its rule; return where the next one begins."""
        sheet.text(x, y, self.claim, style.SMALL, bold=True)
        sheet.text(x, y + LINE, self.symbol, style.SMALL, bold=True, colour=self.colour)
        sheet.text(x + 3.2, y + LINE, self.outcome, style.SMALL, bold=True, colour=self.colour)
        sheet.lines(x + COLUMNS[1], y, self.quote, style.SMALL)
        line = y
        for lines, power in self.readings:
            line = sheet.lines(x + COLUMNS[2], line, lines, style.SMALL)
            sheet.text(x + COLUMNS[3], line - LINE, power, style.SMALL)
        sheet.lines(x + self.reason_left, y, self.reason, style.SMALL)
        below = y + self.height
        sheet.rule(x, below - 0.7, width, weight=0.25)
        return below


def claim_row(sheet: Sheet, claim: Claim, verdict: Verdict, most: int) -> Row:
    """Break a claim into lines: the reason in at most `most`, the quote in no more than that leaves free; a measured value is never cut.

    The readings of a claim that was read in more than one way are named above their values.
    """
    widths = [b - a - GAP for a, b in zip(COLUMNS, (*COLUMNS[1:], TOTAL + GAP), strict=True)]
    symbol, colour = style.VERDICTS[verdict.outcome]
    # Without a value and a power their columns are free, and the reason begins there.
    blank = all(r.measured is None for r in verdict.readings)
    readings = [] if blank else [_reading(sheet, r, widths[2], named=len(verdict.readings) > 1) for r in verdict.readings]
    left = COLUMNS[2] if blank else COLUMNS[4]
    reason = sheet.wrap(tables.reason_of(verdict.outcome, verdict.reason), TOTAL - left, style.SMALL, most=most)
    free = max(2, len(reason), sum(len(lines) for lines, _ in readings))
    return Row(
        sheet.wrap(claim.id, widths[0], style.SMALL, bold=True, most=1)[0],
        verdict.outcome,
        symbol,
        colour,
        sheet.wrap(f"“{claim.quote}”", widths[1], style.SMALL, most=free),
        readings,
        reason,
        left,
    )


def _reading(sheet: Sheet, reading: ReadingVerdict, width: float, *, named: bool) -> tuple[list[str], str]:
    measured, power = tables.reading_cells(reading)
    name = sheet.wrap(f"{style.VERDICTS[reading.outcome][0]} {reading.reading}", width, style.SMALL, most=1) if named else []
    return [*name, *sheet.wrap(measured, width, style.SMALL)], power


def short_row(sheet: Sheet, x: float, y: float, width: float, claim: Claim) -> None:
    """Draw a claim that imagery was not asked about in one line: its id, the beginning of its quote, and in few words why."""
    cells = (claim.id, f"“{claim.quote}”", tables.why_not_asked(claim))
    for left, right, cell in zip(SHORT_COLUMNS, (*SHORT_COLUMNS[1:], width + GAP), cells, strict=True):
        line = sheet.wrap(cell, right - left - GAP, SHORT, bold=left == 0, most=1)
        sheet.lines(x + left, y, line, SHORT, bold=left == 0, colour=style.SOFT if left == SHORT_COLUMNS[2] else style.INK)
