"""One claim as a row of a table: broken into lines first, so that its height is known before it is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from camwatch.report import style, tables
from camwatch.report.sheet import PT

if TYPE_CHECKING:
    from camwatch.claims.model import Claim
    from camwatch.judge.record import ReadingVerdict, Verdict
    from camwatch.report.sheet import Sheet

LINE = style.SMALL * style.LEADING * PT
COLUMNS = (0.0, 23.0, 69.0, 96.0, 130.0, 139.0)
"""Left edges in millimetres: claim and outcome, quote, reading, measured, power, reason."""
GAP = 2.0
TOTAL = 186.0
BLANK = 19.0
"""Width of “not testable” and “not measured” with a gap."""


class Row(NamedTuple):
    """Lines by column, ready to draw."""

    claim: str
    outcome: str
    symbol: str
    colour: str
    quote: list[str]
    readings: list[tuple[list[str], list[str], str]]
    reason: list[str]
    reason_left: float

    @property
    def height(self) -> float:
        """In millimetres, with the rule below."""
        inner = sum(max(len(text), len(measured), 1) for text, measured, _ in self.readings)
        return max(2, len(self.quote), inner, len(self.reason)) * LINE + 1.2

    def draw(self, sheet: Sheet, x: float, y: float, width: float) -> float:
        """Draw the row with its rule; return where the next one begins."""
        sheet.text(x, y, self.claim, style.SMALL, bold=True)
        sheet.text(x, y + LINE, self.symbol, style.SMALL, bold=True, colour=self.colour)
        sheet.text(x + 3.2, y + LINE, self.outcome, style.SMALL, bold=True, colour=self.colour)
        sheet.lines(x + COLUMNS[1], y, self.quote, style.SMALL)
        line = y
        for text, measured, power in self.readings:
            sheet.lines(x + COLUMNS[2], line, text, style.SMALL)
            sheet.lines(x + COLUMNS[3], line, measured, style.SMALL)
            sheet.text(x + COLUMNS[4], line, power, style.SMALL)
            line += max(len(text), len(measured), 1) * LINE
        sheet.lines(x + self.reason_left, y, self.reason, style.SMALL)
        below = y + self.height
        sheet.rule(x, below - 0.7, width, weight=0.25)
        return below


def claim_row(sheet: Sheet, claim: Claim, verdict: Verdict, most: int) -> Row:
    """Break a claim into lines, at most `most` in any column but that of the measured values: a number is never cut.

    A claim that was read in more than one way has at least a line for each of its readings, named by their ids; one with a single reading says it.
    """
    widths = [b - a - GAP for a, b in zip(COLUMNS, (*COLUMNS[1:], TOTAL + GAP), strict=True)]
    symbol, colour = style.VERDICTS[verdict.outcome]
    texts = {r.id: r.text for r in claim.readings}
    several = len(verdict.readings) > 1
    each = max(most // max(len(verdict.readings), 1), 1)
    readings = [_reading(sheet, r, texts.get(r.reading, r.reading), widths, each, several=several) for r in verdict.readings]
    # Without a value and a power their columns are free, and a reason that explains a blank is the longest.
    blank = all(r.measured is None and r.power is None for r in verdict.readings)
    left = COLUMNS[3] + BLANK if blank else COLUMNS[5]
    if blank:
        readings = [(text, measured, "") for text, measured, _ in readings]
    reason = sheet.wrap(tables.reason_of(verdict.outcome, verdict.reason), TOTAL - left, style.SMALL, most=most)
    return Row(
        sheet.wrap(claim.id, widths[0], style.SMALL, bold=True, most=1)[0], verdict.outcome, symbol, colour,
        sheet.wrap(f"“{claim.quote}”", widths[1], style.SMALL, most=most), readings, reason, left,
    )


def _reading(
    sheet: Sheet, reading: ReadingVerdict, text: str, widths: list[float], most: int, *, several: bool,
) -> tuple[list[str], list[str], str]:
    measured, power = tables.reading_cells(reading)
    words = f"{style.VERDICTS[reading.outcome][0]} {reading.reading}" if several else text
    return sheet.wrap(words, widths[2], style.SMALL, most=most), sheet.wrap(measured, widths[3], style.SMALL), power
