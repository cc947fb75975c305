"""What a page is made of, whatever draws it: millimetres from its upper left corner, text that is measured before it is set, rules, bands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from camwatch.report import style

if TYPE_CHECKING:
    from collections.abc import Sequence

DPI = 300
MM = 25.4
PT = MM / 72
PORTRAIT, LANDSCAPE = (2480, 3508), (3508, 2480)
"""A4 at 300 dpi, in pixels (width, height)."""
MARGIN = 12.0
BAND = 6.0
"""Height of the band that says SIMULATED, above and below; the room is kept free on every page so that both kinds have one layout."""


class Box(NamedTuple):
    """A rectangle on the page in millimetres; `x`, `y` is its upper left corner, y runs down."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right side."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Its lower side."""
        return self.y + self.height


class Page(ABC):
    """One page under construction.

    Attributes
    ----------
    width, height : float
        Millimetres.
    """

    width: float
    height: float

    @abstractmethod
    def measure(self, text: str, size: float, *, bold: bool = False) -> float:
        """Return the width of a line in millimetres."""

    @abstractmethod
    def text(
        self, x: float, y: float, text: str, size: float = style.BODY, *, bold: bool = False, colour: str = style.INK, align: str = "left"
    ) -> float:
        """Set one line whose line box begins at `y`; return where the next line begins."""

    @abstractmethod
    def rule(self, x: float, y: float, width: float, *, colour: str = style.RULE, weight: float = 0.4) -> None:
        """Draw a horizontal rule, its weight in points."""

    @abstractmethod
    def fill(self, box: Box, colour: str) -> None:
        """Fill a rectangle behind everything else."""

    @abstractmethod
    def drawable(self, text: str) -> str:
        """Return a text on one line, as it can be drawn."""

    @property
    def content(self) -> Box:
        """The room between the margins."""
        top = MARGIN - 1.0
        return Box(MARGIN, top, self.width - 2 * MARGIN, self.height - 2 * top)

    def wrap(self, text: str, width: float, size: float, *, bold: bool = False, most: int | None = None) -> list[str]:
        """Break a text into lines no wider than `width` millimetres; with `most`, what does not fit in so many lines ends in an ellipsis.

        A single word that is wider than a line (a hash, a scene's name) is broken where the line ends.
        """
        lines, line, used = [], "", 0.0
        blank = self.measure("n n", size, bold=bold) - 2 * self.measure("n", size, bold=bold)
        for word in self.drawable(text).split(" "):
            longer = f"{line} {word}" if line else word
            # Words are measured once and added up; only a line that is nearly full is measured itself, for kerning shifts a line by some tenths.
            used += self.measure(word, size, bold=bold) + (blank if line else 0.0)
            if used <= 0.95 * width - 0.5 or self.measure(longer, size, bold=bold) <= width:
                line = longer
                continue
            lines += [line] if line else []
            line = word
            while self.measure(line, size, bold=bold) > width and len(line) > 1:
                fit = self._fitting(line, width, size, bold=bold)
                lines.append(line[:fit])
                line = line[fit:]
            used = self.measure(line, size, bold=bold)
        lines += [line] if line else []
        if most is not None and len(lines) > most:
            lines = lines[:most]
            last = lines[-1]
            while last and self.measure(last.rstrip(" ,;.") + " …", size, bold=bold) > width:
                # Whole words go first; a lone word that is too long loses its end.
                last = last.rpartition(" ")[0] or last[:-1]
            lines[-1] = last.rstrip(" ,;.") + " …"
        return lines

    def _fitting(self, word: str, width: float, size: float, *, bold: bool) -> int:
        """Return how many characters of a word go on a line, at least one."""
        low, high = 1, len(word)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.measure(word[:middle], size, bold=bold) <= width else (low, middle - 1)
        return low

    def lines(
        self, x: float, y: float, lines: Sequence[str], size: float = style.BODY, *, bold: bool = False, colour: str = style.INK, align: str = "left"
    ) -> float:
        """Set lines that are broken already; return where the next one begins."""
        for line in lines:
            y = self.text(x, y, line, size, bold=bold, colour=colour, align=align)
        return y

    def paragraph(
        self,
        x: float,
        y: float,
        width: float,
        text: str,
        size: float = style.BODY,
        *,
        bold: bool = False,
        colour: str = style.INK,
        most: int | None = None,
    ) -> float:
        """Set a text broken to `width`; return where the next line begins."""
        return self.lines(x, y, self.wrap(text, width, size, bold=bold, most=most), size, bold=bold, colour=colour)

    def heading(self, x: float, y: float, width: float, text: str, aside: str = "") -> float:
        """Set a section's heading with its rule and an aside at its right end; return where the section begins."""
        self.text(x, y, text, style.HEADING, bold=True)
        below = y + style.HEADING * style.LEADING * PT + 0.5
        self.rule(x, below, width, colour=style.INK, weight=0.5)
        room = width - self.measure(text, style.HEADING, bold=True) - 4.0
        if aside and self.measure(aside, style.SMALL) > room:
            # Beside the heading there is no room: the aside goes below the rule.
            return self.paragraph(x, below + 0.6, width, aside, style.SMALL, colour=style.SOFT) + 0.4
        gap = (style.HEADING - style.SMALL) * style.LEADING * PT * 0.9
        self.text(x + width, y + gap, aside, style.SMALL, colour=style.SOFT, align="right")
        return below + 1.0

    def simulated_bands(self) -> None:
        """Draw the red bands at the top and at the bottom."""
        words = style.SIMULATED_WORDS
        for y in (0.0, self.height - BAND):
            self.fill(Box(0, y, self.width, BAND), style.SIMULATED_RED)
            self.text(self.width / 2, y + (BAND - 9 * style.LEADING * PT) / 2, words, 9, bold=True, colour="white", align="center")
