"""A page made of pixels: pictures are pasted as they are, type and strokes are set upon them.

For the pages of verbs that answer within a second: matplotlib would need most of that to be imported and to draw. Places count in pixels from the
upper left corner, x to the right, y down.
"""

from __future__ import annotations

import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from camwatch.report import style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

TITLE, HEADING, BODY, SMALL = 32, 22, 18, 16
"""Type sizes in pixels."""
LEADING = 1.3
"""Distance of two baselines, as a multiple of the type size."""
BAND = 34
"""Height of the bands that say SIMULATED."""
FINE = 4
"""Strokes are drawn so many times finer and averaged: their edges are smooth."""
PARTS = 2
"""Parts of a page that are compressed at the same time; a number of its own, lest the bytes depend on the machine."""
COMPRESSION = 1
"""Level 3 takes half as long again for 6 % fewer bytes."""


class Area(NamedTuple):
    """A rectangle of whole pixels; `x`, `y` is its upper left corner."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """Its right side."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """Its lower side."""
        return self.y + self.height


class Ink:
    """Strokes of one colour in one area, cut at its edge.

    Parameters
    ----------
    area : Area
        On the page; the places of strokes count from its upper left corner.
    """

    def __init__(self, area: Area) -> None:
        self.area = area
        self.stencil = Image.new("L", (area.width * FINE, area.height * FINE), 0)
        self._draw = ImageDraw.Draw(self.stencil)

    def line(self, points: NDArray[np.float64], width: float) -> None:
        """Draw a line through (n, 2) places (x, y), `width` pixels wide."""
        thick = max(round(width * FINE), 1)
        self._draw.line((points * FINE).ravel().tolist(), fill=255, width=thick)
        # Round corners. Pillow's own take ten times as long as all the rest.
        for x, y in (points[1:-1] * FINE).tolist():
            self._draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=255)

    def dashed(self, points: NDArray[np.float64], width: float, dash: float, gap: float | None = None) -> None:
        """Draw a line through (n, 2) places in dashes, with gaps between them that are as long where nothing else is said."""
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
        for start in np.arange(0.0, along[-1], dash + (dash if gap is None else gap)):
            inside = (along > start) & (along < start + dash)
            stops = np.concatenate([[start], along[inside], [min(start + dash, along[-1])]])
            self.line(np.column_stack([np.interp(stops, along, points[:, axis]) for axis in (0, 1)]), width)

    def dot(self, x: float, y: float, radius: float) -> None:
        """Fill a circle."""
        self._draw.ellipse([(v * FINE) for v in (x - radius, y - radius, x + radius, y + radius)], fill=255)

    def ring(self, x: float, y: float, radius: float, width: float) -> None:
        """Draw a circle, `width` pixels wide."""
        reach = radius + width / 2
        box = [(v * FINE) for v in (x - reach, y - reach, x + reach, y + reach)]
        self._draw.ellipse(box, outline=255, width=max(round(width * FINE), 1))

    def shape(self, points: NDArray[np.float64], *, hole: bool = False) -> None:
        """Fill a polygon through (n, 2) places, or empty it."""
        self._draw.polygon((points * FINE).ravel().tolist(), fill=0 if hole else 255)

    def drawn(self) -> Image.Image:
        """Return how much of each pixel is covered, 0..255, on the pixels of the page."""
        return self.stencil.reduce(FINE)


class Canvas:
    """One page under construction.

    Parameters
    ----------
    width, height : int
        In pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.image = Image.new("RGB", (width, height), "white")
        self._draw = ImageDraw.Draw(self.image)

    def paste(self, area: Area, pixels: NDArray[np.uint8]) -> None:
        """Put (y, x, 3) or (y, x) uint8 pixels into an area of their size."""
        self.image.paste(Image.fromarray(pixels), (area.x, area.y))

    def fill(self, area: Area, colour: str) -> None:
        """Fill an area."""
        self._draw.rectangle((area.x, area.y, area.right - 1, area.bottom - 1), fill=colour)

    def veil(self, area: Area, share: float = 0.82) -> None:
        """Lay so much white over an area: small type is then read on any ground."""
        part = self.image.crop((area.x, area.y, area.right, area.bottom))
        self.image.paste(Image.blend(part, Image.new("RGB", part.size, "white"), share), (area.x, area.y))

    def frame(self, area: Area, colour: str = style.INK, width: int = 1) -> None:
        """Draw the edge of an area, within it."""
        self._draw.rectangle((area.x, area.y, area.right - 1, area.bottom - 1), outline=colour, width=width)

    def rule(self, x: int, y: int, width: int, colour: str = style.RULE, weight: int = 1) -> None:
        """Draw a horizontal rule."""
        self.fill(Area(x, y, width, weight), colour)

    def ink(self, ink: Ink, colour: str, *, share: float = 1.0) -> None:
        """Lay strokes on the page; `share` is how much of what is below they cover."""
        self.tint(ink.area.x, ink.area.y, ink.drawn(), colour, share=share)

    def tint(self, x: int, y: int, stencil: Image.Image, colour: str, *, share: float = 1.0) -> None:
        """Lay a colour on the page where a stencil says; `share` is how much of what is below it covers."""
        self.image.paste(colour, (x, y), stencil if share >= 1 else stencil.point([round(v * share) for v in range(256)]))

    def text(self, x: float, y: float, words: str, size: int = BODY, *, bold: bool = False, colour: str = style.INK, align: str = "left") -> float:
        """Set one line whose line box begins at `y`, and `x` at its left, centre or right; return where the next line begins."""
        self.line(x, round(y + 0.5 * (LEADING - 1) * size + 0.84 * size), words, size, bold=bold, colour=colour, align=align)
        return y + LEADING * size

    def line(self, x: float, baseline: int, words: str, size: int, *, bold: bool = False, colour: str = style.INK, align: str = "left") -> None:
        """Set one line upon a baseline, `x` at its left, centre or right."""
        said = style.plain(words)
        x -= {"left": 0.0, "center": 0.5, "right": 1.0}[align] * measure(said, size, bold=bold)
        for part, font in _runs(said, size, bold=bold):
            self._draw.text((x, baseline), part, font=font, fill=colour, anchor="ls")
            x += font.getlength(part)

    def paragraph(
        self, x: float, y: float, width: float, words: str, size: int = BODY, *, bold: bool = False, colour: str = style.INK, most: int | None = None
    ) -> float:
        """Set a text broken to `width`; return where the next line begins."""
        for line in wrap(words, width, size, bold=bold, most=most):
            y = self.text(x, y, line, size, bold=bold, colour=colour)
        return y

    def stamp(self, area: Area, size: int = BODY) -> None:
        """Write SIMULATED all over an area, a slanting word every 150 × 80 px in the type of the text: no crop that is worth showing goes without."""
        word = _slanted("SIMULATED", size)
        stencil = Image.new("L", (area.width, area.height), 0)
        right, down = 150 * size // BODY, 80 * size // BODY
        for row, up in enumerate(range(-10, area.height, down)):
            for across in range(-right // 2 * (row % 2), area.width, right):
                stencil.paste(word, (across, up))
        self.image.paste(style.SIMULATED_RED, (area.x, area.y), stencil)

    def simulated_bands(self) -> None:
        """Draw the red bands at the top and at the bottom."""
        for y in (0, self.height - BAND):
            self.fill(Area(0, y, self.width, BAND), style.SIMULATED_RED)
            self.text(self.width / 2, y + (BAND - LEADING * BODY) / 2, style.SIMULATED_WORDS, BODY, bold=True, colour="white", align="center")

    def write(self, path: Path, title: str, *, simulated: bool, dpi: int | None = None) -> Path:
        """Write the page as PNG under its name only once it is complete; the same page gives the same bytes."""
        said = {"Title": f"{style.SIMULATED_WORDS.replace('–', '-')}. {title}" if simulated else title, "Software": "camwatch"}
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(png(np.asarray(self.image), said, dpi))
        return part.replace(path)


def png(pixels: NDArray[np.uint8], said: Mapping[str, str], dpi: int | None = None) -> bytes:
    """Return (y, x, 3) uint8 pixels as a PNG file with texts of Latin-1, and its pixels per inch of paper.

    Pillow weighs five filters for each line, which takes twice as long as the compression: here each byte is told as its difference to the one above.
    """
    height, width, _ = pixels.shape
    rows = pixels.reshape(height, -1)
    lines = np.empty((height, 1 + rows.shape[1]), np.uint8)
    lines[:, 0] = 2
    lines[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=lines[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    texts = [(b"tEXt", f"{key}\0{text}".encode("latin-1", "replace")) for key, text in said.items()]
    metre = [] if dpi is None else [(b"pHYs", struct.pack(">IIB", *(round(dpi / 0.0254),) * 2, 1))]
    chunks = [(b"IHDR", header), *metre, *texts, (b"IDAT", _deflated(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _deflated(lines: NDArray[np.uint8]) -> bytes:
    """Return what zlib makes of lines of bytes, in parts that are compressed at the same time; the same lines give the same bytes."""

    def part(rows: NDArray[np.uint8]) -> bytes:
        squeeze = zlib.compressobj(COMPRESSION, wbits=-zlib.MAX_WBITS)
        return squeeze.compress(rows.data) + squeeze.flush(zlib.Z_FULL_FLUSH)

    with ThreadPoolExecutor(PARTS) as pool:
        parts = list(pool.map(part, np.array_split(lines, PARTS)))
    # A header without a dictionary, the parts, an empty last block, and the sum over everything.
    return b"\x78\x01" + b"".join(parts) + b"\x03\x00" + struct.pack(">I", zlib.adler32(lines.data))


def measure(words: str, size: int, *, bold: bool = False) -> float:
    """Return the width of a line in pixels."""
    return sum(font.getlength(part) for part, font in _runs(style.plain(words), size, bold=bold))


def wrap(words: str, width: float, size: int, *, bold: bool = False, most: int | None = None) -> list[str]:
    """Break a text into lines no wider than `width`; with `most`, what does not fit in so many lines ends in an ellipsis.

    A single word that is wider than a line is broken where the line ends.
    """
    lines: list[str] = []
    line = ""
    for word in style.plain(words).split(" "):
        longer = f"{line} {word}" if line else word
        if measure(longer, size, bold=bold) <= width:
            line = longer
            continue
        lines += [line] if line else []
        line = word
        while len(line) > 1 and measure(line, size, bold=bold) > width:
            fit = next(n for n in range(len(line) - 1, 0, -1) if n == 1 or measure(line[:n], size, bold=bold) <= width)
            lines.append(line[:fit])
            line = line[fit:]
    lines += [line] if line else []
    if most is not None and len(lines) > most:
        last = lines[most - 1]
        while last and measure(last.rstrip(" ,;.") + " …", size, bold=bold) > width:
            # Whole words go first; a lone word that is too long loses its end.
            last = last.rpartition(" ")[0] or last[:-1]
        lines = [*lines[: most - 1], last.rstrip(" ,;.") + " …"]
    return lines


def _runs(words: Sequence[str], size: int, *, bold: bool) -> list[tuple[str, ImageFont.FreeTypeFont]]:
    """Cut a line into runs of one font: the second one has what the first lacks; � stands for what neither has."""
    fonts = tuple(_font(str(file), size) for file in style.font_files(bold=bold))
    runs: list[tuple[str, ImageFont.FreeTypeFont]] = []
    for letter in words:
        # Latin letters need no look.
        number = 0 if letter < "\u0250" else _which(letter)
        font, drawn = (fonts[0], "\ufffd") if number is None else (fonts[number], letter)
        if runs and runs[-1][1] is font:
            runs[-1] = (runs[-1][0] + drawn, font)
        else:
            runs.append((drawn, font))
    return runs


@lru_cache(maxsize=4096)
def _which(letter: str) -> int | None:
    """Return which font has a letter: one that it lacks looks like any other that it lacks."""
    for number, file in enumerate(style.font_files()):
        font = _font(str(file), BODY)
        if bytes(font.getmask(letter)) != bytes(font.getmask("\uffff")) or letter.isspace():
            return number
    return None


@lru_cache(maxsize=64)
def _font(file: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=4)
def _slanted(word: str, size: int) -> Image.Image:
    """Return a word as a pale slanting stencil."""
    font = _font(str(style.font_files(bold=True)[0]), size)
    flat = Image.new("L", (round(font.getlength(word)) + 2, 2 * size), 0)
    ImageDraw.Draw(flat).text((1, round(1.4 * size)), word, font=font, fill=92, anchor="ls")
    return flat.rotate(24, Image.Resampling.BICUBIC, expand=True)
