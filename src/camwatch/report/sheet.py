"""A page that matplotlib draws: panels are axes; one atomic write."""

from __future__ import annotations

import io
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Affine2D

from camwatch.report import style
from camwatch.report.page import DPI, MM, PORTRAIT, PT, Box, Page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matplotlib.axes import Axes


class Sheet(Page):
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

    def measure(self, text: str, size: float, *, bold: bool = False) -> float:
        """Return the width of a line in millimetres."""
        return _width(text, size, bold=bold)

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

    def drawable(self, text: str) -> str:
        """Return a text on one line, with � where neither font has the character."""
        return style.drawable(text)

    def rule(self, x: float, y: float, width: float, *, colour: str = style.RULE, weight: float = 0.4) -> None:
        """Draw a horizontal rule."""
        self.figure.add_artist(Line2D([x, x + width], [y, y], color=colour, linewidth=weight, transform=self.place, zorder=4))

    def fill(self, box: Box, colour: str) -> None:
        """Fill a rectangle behind everything else."""
        self.figure.add_artist(Rectangle((box.x, box.y), box.width, box.height, facecolor=colour, edgecolor="none", transform=self.place, zorder=-2))

    def axes(self, box: Box) -> Axes:
        """Return empty axes that fill a box."""
        return self.figure.add_axes((box.x / self.width, 1 - box.bottom / self.height, box.width / self.width, box.height / self.height))

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
