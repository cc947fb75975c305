"""A page measured in millimetres from its upper left corner: text that is measured before it is set, rules, panels, one atomic write."""

from __future__ import annotations

import io
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Affine2D

from camwatch.report import style

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

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


class Sheet:
    """One page under construction.

    Parameters
    ----------
    size : (int, int)
        Width and height in pixels at 300 dpi.
    """

    def __init__(self, size: tuple[int, int] = PORTRAIT) -> None:
        style.fonts()
        self.width, self.height = size[0] / DPI * MM, size[1] / DPI * MM
        self.figure = Figure(figsize=(size[0] / DPI, size[1] / DPI), dpi=DPI, facecolor="white")
        self.canvas = FigureCanvasAgg(self.figure)
        # Millimetres from the upper left corner → inches from the lower left one → pixels.
        self.place = Affine2D().scale(1 / MM, -1 / MM).translate(0, size[1] / DPI) + self.figure.dpi_scale_trans

    @property
    def content(self) -> Box:
        """The room between the margins."""
        top = MARGIN - 1.0
        return Box(MARGIN, top, self.width - 2 * MARGIN, self.height - 2 * top)

    def measure(self, text: str, size: float, *, bold: bool = False) -> float:
        """Return the width of a line in millimetres."""
        return _width(text, size, bold=bold)

    def wrap(self, text: str, width: float, size: float, *, bold: bool = False, most: int | None = None) -> list[str]:
        """Break a text into lines no wider than `width` millimetres; with `most`, what does not fit in so many lines ends in an ellipsis.

        A single word that is wider than a line (a hash, a scene's name) is broken where the line ends.
        """
        lines, line, used = [], "", 0.0
        blank = self.measure("n n", size, bold=bold) - 2 * self.measure("n", size, bold=bold)
        for word in style.drawable(text).split(" "):
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

    def text(
        self, x: float, y: float, text: str, size: float = style.BODY, *, bold: bool = False, colour: str = style.INK, align: str = "left"
    ) -> float:
        """Set one line whose line box begins at `y`; return where the next line begins."""
        leading = size * style.LEADING * PT
        # 0.8 of the type size is DejaVu's ascent over capitals; baselines of one row then agree whatever the letters.
        baseline = y + 0.5 * (leading - size * PT) + 0.84 * size * PT
        self.figure.add_artist(
            Text(
                x,
                baseline,
                style.drawable(text),
                fontproperties=_font(size, bold=bold),
                color=colour,
                ha=align,
                va="baseline",
                parse_math=False,
                transform=self.place,
                zorder=5,
            )
        )
        return y + leading

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

    def rule(self, x: float, y: float, width: float, *, colour: str = style.RULE, weight: float = 0.4) -> None:
        """Draw a horizontal rule."""
        self.figure.add_artist(Line2D([x, x + width], [y, y], color=colour, linewidth=weight, transform=self.place, zorder=4))

    def fill(self, box: Box, colour: str) -> None:
        """Fill a rectangle behind everything else."""
        self.figure.add_artist(Rectangle((box.x, box.y), box.width, box.height, facecolor=colour, edgecolor="none", transform=self.place, zorder=-2))

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

    def axes(self, box: Box) -> Axes:
        """Return empty axes that fill a box."""
        return self.figure.add_axes((box.x / self.width, 1 - box.bottom / self.height, box.width / self.width, box.height / self.height))

    def simulated_bands(self) -> None:
        """Draw the red bands at the top and at the bottom."""
        words = style.SIMULATED_WORDS
        for y in (0.0, self.height - BAND):
            self.fill(Box(0, y, self.width, BAND), style.SIMULATED_RED)
            self.text(self.width / 2, y + (BAND - 9 * style.LEADING * PT) / 2, words, 9, bold=True, colour="white", align="center")

    def write(self, path: Path, title: str, *, simulated: bool) -> Path:
        """Write the page as PNG under its name only once it is complete; the same page gives the same bytes."""
        words = f"{style.SIMULATED_WORDS.replace('–', '-')}. " if simulated else ""
        described = {"Title": f"{words}{title}".encode("latin-1", "replace").decode("latin-1"), "Software": "camwatch"}
        target = io.BytesIO()
        # Level 3 takes half the time of 6 for a tenth more bytes.
        self.canvas.print_png(target, metadata=described, pil_kwargs={"compress_level": 3})  # type: ignore[no-untyped-call]  # matplotlib is typed in part
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(target.getvalue())
        return part.replace(path)


@contextmanager
def new_sheet(size: tuple[int, int] = PORTRAIT) -> Iterator[Sheet]:
    """Give a page to draw and to write, with camwatch's settings for as long as that takes."""
    style.fonts()
    with rc_context(style.RC):  # type: ignore[arg-type]  # matplotlib wants each key as a literal
        sheet = Sheet(size)
        try:
            yield sheet
        finally:
            # Figure and canvas hold each other: without this the 35 MB of a page live on until the next garbage collection.
            sheet.figure.clear()
            if hasattr(sheet.canvas, "renderer"):
                del sheet.canvas.renderer


@lru_cache(maxsize=1)
def _ruler() -> RendererAgg:
    return RendererAgg(8, 8, DPI)  # type: ignore[no-untyped-call]  # matplotlib is typed in part


@lru_cache(maxsize=50_000)
def _width(text: str, size: float, *, bold: bool) -> float:
    """Measuring is the dearest part of a page of text, and pages share most of their words."""
    width, _, _ = _ruler().get_text_width_height_descent(text, _font(size, bold=bold), ismath=False)  # type: ignore[no-untyped-call]  # as above
    return float(width) / DPI * MM


@lru_cache(maxsize=64)
def _font(size: float, *, bold: bool) -> FontProperties:
    return FontProperties(family=style.FAMILY, size=size, weight="bold" if bold else "normal")
