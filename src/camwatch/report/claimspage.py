"""Every claim of a camp with its verdict, in full, on as many pages as that takes: what is not testable as a sentence, the rest with its figures."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from camwatch.judge.words import SIMULATED
from camwatch.report import style, tables
from camwatch.report.frame import foot, simple_head
from camwatch.report.page import PT
from camwatch.report.sheet import new_sheet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from camwatch.aoi import Aoi
    from camwatch.claims.model import Claim
    from camwatch.judge.record import ReadingVerdict, Verdict
    from camwatch.report.sheet import Sheet

INDENT, OUTCOME = 20.0, 26.0
COLUMNS = (0.0, 44.0, 67.0, 101.0, 110.5)
"""Left edges of a reading's columns in millimetres, from the indent: reading, outcome, measured, power, reason."""
GAP = 2.0


WORDS = (
    ("95 %", "The interval in brackets holds the true number with a probability of 95 %."),
    (
        "Power",
        "How probably this imagery would have shown what is claimed, were it true. Under 0.80 what was found counts, and absence is never said.",
    ),
    ("Bayes factor", "How many times likelier what was seen is if the claim is true than if nothing had happened; 10 and more count as strong."),
    ("Planted objects", "Buildings or towers of known size, rendered into the same scenes and searched for: they tell how many the search finds."),
    ("False alarms", "Reports where nothing changed, as many as ground outside the camp leads to expect."),
    ("Nominal outline", "Drawn from published figures and not from imagery: its place and size are approximate."),
)
"""What the words of the verdicts mean, for the end of the last page."""

PAIR = "__"
"""Stands between the two scenes of a pair's name."""


class Column(NamedTuple):
    """Lines at a left edge."""

    left: float
    lines: Sequence[str]
    colour: str = style.INK
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Strip:
    """A piece of a claim that is not broken over pages.

    Attributes
    ----------
    columns : tuple of Column
    size : float
        Of the type, in points.
    after : float
        Room below, in millimetres.
    """

    columns: tuple[Column, ...]
    size: float = style.SMALL
    after: float = 0.4

    @property
    def height(self) -> float:
        """In millimetres."""
        return max((len(column.lines) for column in self.columns), default=0) * self.size * style.LEADING * PT + self.after


def claims_page(
    path: Path, *, aoi: Aoi, verdicts: Sequence[tuple[Claim, Verdict]], generated: str, simulated: bool = False, config_sha256: str = ""
) -> tuple[Path, ...]:
    """Write all claims of a camp with their readings, A4 portrait; `claims.png` becomes `claims-1.png`, `claims-2.png`, …

    Parameters
    ----------
    path : Path
        Name of the pages without their number.
    aoi : Aoi
    verdicts : sequence of (Claim, Verdict)
        Drawn in the order given.
    generated : str
        Date of the report.
    simulated : bool
        Whether anything behind the verdicts is rendered; a simulated verdict says so for itself.
    config_sha256 : str

    Returns
    -------
    tuple of Path
        At least one page.
    """
    marked = simulated or any(verdict.simulated for _, verdict in verdicts)
    said = f"{len(verdicts)} claims: {tables.tally(verdicts) or 'none was given to judge'}"

    def framed(sheet: Sheet, number: str) -> tuple[float, float]:
        """Draw head and foot; return where the room between them begins and ends."""
        begins = simple_head(sheet, f"{aoi.name}: claims and verdicts", number, said, generated)
        return begins, foot(sheet, sheet.content, generated, config_sha256)

    with new_sheet() as ruler:
        begins, ends = framed(ruler, "Page 1")
        blocks = [_block(ruler, claim, verdict, ruler.content.width) for claim, verdict in verdicts]
        glossary = [_explained(ruler, ruler.content.width)] if verdicts else []
        pages = _paginate([*blocks, *glossary], ends - begins)
    written = []
    for number, page in enumerate(pages, 1):
        with new_sheet() as sheet:
            if marked:
                sheet.simulated_bands()
            y, _ = framed(sheet, f"Page {number} of {len(pages)}")
            for block in page:
                y = _draw(sheet, block, y)
            name = path.with_name(f"{path.stem}-{number}{path.suffix or '.png'}")
            written.append(sheet.write(name, f"camwatch claims: {aoi.id}, {generated}, page {number}", simulated=marked))
    return tuple(written)


def _block(sheet: Sheet, claim: Claim, verdict: Verdict, width: float) -> list[Strip]:
    """Break one claim into strips."""
    symbol, colour = style.VERDICTS[verdict.outcome]
    inner = width - INDENT
    strips = [
        Strip((Column(0.0, (claim.id,), bold=True), Column(INDENT, sheet.wrap(f"“{claim.quote}”", inner, style.BODY))), style.BODY, after=0.5),
        Strip(
            (
                Column(INDENT, (f"{symbol} {verdict.outcome}",), colour, bold=True),
                Column(INDENT + OUTCOME, sheet.wrap(tables.reason_of(verdict.outcome, verdict.reason), inner - OUTCOME, style.BODY)),
            ),
            style.BODY,
            after=0.7,
        ),
    ]
    if any(reading.outcome != "not testable" for reading in verdict.readings):
        strips += _readings(sheet, claim, verdict, width)
    why_not = "" if claim.why_not.rstrip(".") in verdict.reason else claim.why_not
    published = " · ".join(figure.words for figure in claim.published)
    asides = (("Note: ", claim.note), ("Why not: ", why_not), ("Published elsewhere, no part of the verdict: ", published))
    strips += [Strip((Column(INDENT, sheet.wrap(label + text, inner, style.SMALL), style.SOFT),)) for label, text in asides if text]
    return strips


def _readings(sheet: Sheet, claim: Claim, verdict: Verdict, width: float) -> list[Strip]:
    """Break the readings of a claim into a table."""
    texts = {r.id: r.text for r in claim.readings}
    lefts = [INDENT + c for c in COLUMNS]
    heads = ("Reading", "Outcome", "Measured (95 %)", "Power", "Reason, evidence")
    head = Strip(tuple(Column(x, (head,), style.SOFT) for x, head in zip(lefts, heads, strict=True)), after=0.2)
    return [head, *(_reading(sheet, reading, texts.get(reading.reading, ""), verdict.reason, [*lefts, width + GAP]) for reading in verdict.readings)]


def _explained(sheet: Sheet, width: float) -> list[Strip]:
    """Break what the words mean into strips."""
    told = [(word, sheet.wrap(meaning, width - INDENT - OUTCOME, style.SMALL)) for word, meaning in WORDS]
    strips = [Strip((Column(INDENT, (word,), bold=True), Column(INDENT + OUTCOME, lines, style.SOFT))) for word, lines in told]
    return [Strip((Column(0.0, ("Words",), bold=True),), after=-style.SMALL * style.LEADING * PT), *strips]


def _reading(sheet: Sheet, reading: ReadingVerdict, text: str, above: str, edges: list[float]) -> Strip:
    """Break one reading into columns between `edges`; a reason that stands `above` already is not said twice."""
    symbol, _ = style.VERDICTS[reading.outcome]
    measured, power = tables.reading_cells(reading)
    said = f"{reading.reading}: {text}" if text and text != reading.reading else reading.reading
    why = [
        "As above." if _stands_in(reading, above) else tables.reason_of(reading.outcome, reading.reason),
        "" if reading.bayes_factor is None else f"Bayes factor {tables.number(reading.bayes_factor, 2)}.",
        f"Evidence: {', '.join(pair.replace(PAIR, ' → ') for pair in reading.evidence)}." if reading.evidence else "",
    ]
    cells = (said, f"{symbol} {reading.outcome}", measured, power, " ".join(w for w in why if w))
    wrapped = (Column(x, sheet.wrap(cell, right - x - GAP, style.SMALL)) for (x, right), cell in zip(pairwise(edges), cells, strict=True))
    return Strip(tuple(wrapped), after=0.7)


def _stands_in(reading: ReadingVerdict, above: str) -> bool:
    """Whether each sentence of a reading's reason stands in what was said of the claim."""
    said = tables.reason_of(reading.outcome, reading.reason).removeprefix(SIMULATED).rstrip(".")
    return all(sentence[1:] in above for sentence in said.split(". "))


def _paginate(blocks: list[list[Strip]], room: float) -> list[list[list[Strip]]]:
    """Put blocks on pages: a claim stays whole where it fits on a page, and is broken between its strips where it does not."""
    pages: list[list[list[Strip]]] = [[]]
    left = room
    for block in blocks:
        height = sum(s.height for s in block) + SPACE
        if height > left and pages[-1]:
            pages.append([])
            left = room
        part: list[Strip] = []
        for strip in block:
            if strip.height > left - SPACE and part:
                pages[-1].append(part)
                pages.append([])
                part, left = [], room
            part.append(strip)
            left -= strip.height
        pages[-1].append(part)
        left -= SPACE
    return pages


SPACE = 3.4
"""Room between two claims in millimetres, with the rule."""


def _draw(sheet: Sheet, block: list[Strip], y: float) -> float:
    page = sheet.content
    for strip in block:
        for column in strip.columns:
            sheet.lines(page.x + column.left, y, column.lines, strip.size, bold=column.bold, colour=column.colour)
        y += strip.height
    sheet.rule(page.x, y + SPACE / 2 - 0.4, page.width, weight=0.3)
    return y + SPACE
