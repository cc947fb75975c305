"""How the pages look: fonts, type sizes, colours, marks. Nothing here draws."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import category

if TYPE_CHECKING:
    from camwatch.findings import Change, Kind
    from camwatch.judge.record import Outcome

KOREAN = "camwatch Nanum Gothic"
"""Family name under which the Korean font is registered: a name of our own, so that no font of the machine can take its place."""
FAMILY = ["DejaVu Sans", KOREAN]
"""DejaVu Sans comes with matplotlib and is the same on every machine; what it lacks is drawn from the second family, glyph by glyph."""

# Type sizes in points on A4.
TITLE, HEADING, BODY, SMALL = 14.0, 8.5, 7.0, 6.5
LEADING = 1.23
"""Distance of two baselines, as a multiple of the type size."""

INK, SOFT, RULE, TINT, NOT_OBSERVED = "#1a1a1a", "#555555", "#b8b8b8", "#f3f3f1", "#e9e9e9"
GAP_EDGE, GAP_HATCH = "#bdbdbd", "//////"
"""Look of ground that was not observed, on `NOT_OBSERVED`."""
SIMULATED_RED = "#b3001b"
SIMULATED_WORDS = "SIMULATED SCENES – NOT OBSERVATIONS"

# Okabe and Ito's palette, told apart with every common colour blindness (https://jfly.uni-koeln.de/color/).
VERMILLION, BLUE, PURPLE, GREEN, ORANGE, SKY = "#d55e00", "#0072b2", "#cc79a7", "#009e73", "#e69f00", "#56b4e9"

RC: dict[str, object] = {"font.family": FAMILY, "hatch.linewidth": 0.35, "axes.linewidth": 0.5, "axes.unicode_minus": True, "path.simplify": False}
"""Settings inside a page; the caller's own are never changed."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How one change is drawn: `shape` and `hatch` tell it apart without colour, `colour` with it; `hollow` marks show the ground inside."""

    label: str
    shape: str
    colour: str
    hatch: str
    hollow: bool = False


MARKS: dict[Change, Mark] = {
    "appeared": Mark("appeared", "^", VERMILLION, "//////"),
    "removed": Mark("removed", "X", BLUE, "\\\\\\\\\\\\"),
    "altered": Mark("altered", "D", PURPLE, "......"),
    "unchanged": Mark("unchanged", "o", INK, "", hollow=True),
    "not_observed": Mark("not observed", "P", "#8a8a8a", "", hollow=True),
}
GROUND: dict[Change, Mark] = {"appeared": Mark("ground gained", "", GREEN, "//////"), "removed": Mark("ground lost", "", SKY, "\\\\\\\\\\\\")}
"""Parts gained and lost between the enclosing lines, in the colours of the lines: marks of objects stay visible on them."""
SHAPES: dict[tuple[Kind, Change], str] = {("structure", "appeared"): "s", ("structure", "removed"): "p", ("structure", "unchanged"): "s"}
"""Shapes of structures that are too small to show as polygons; the others share those of the towers."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line on top of pixels: drawn twice, first wide in white, so that it shows on dark and on bright ground."""

    colour: str
    dash: tuple[float, ...]
    width: float


PERIMETER_BEFORE = Stroke(BLUE, (5.0, 1.6), 0.9)
PERIMETER_AFTER = Stroke(GREEN, (), 0.9)
OUTLINE_NOMINAL = Stroke(INK, (2.2, 2.2), 0.7)
OUTLINE_TRACED = Stroke(INK, (), 0.7)

VERDICTS: dict[Outcome, tuple[str, str]] = {
    "supported": ("✔", "#00694c"),
    "contradicted": ("✘", "#a84300"),
    "partly": ("◐", "#7a5200"),
    "inconclusive": ("?", "#555555"),
    "not testable": ("⊘", "#555555"),
}
"""Symbol and (dark enough for small type) colour of an outcome; the word always stands beside them."""


@lru_cache(maxsize=2)
def font_files(*, bold: bool = False) -> tuple[Path, Path]:
    """Return the files of the Latin and of the Korean font.

    They are found in the installed wheels without importing them: `matplotlib` takes long, and `koreanize_matplotlib` changes the caller's settings.
    """
    latin, korean = ("DejaVuSans-Bold.ttf", "NanumGothicBold.ttf") if bold else ("DejaVuSans.ttf", "NanumGothic.ttf")
    return _folder("matplotlib") / "mpl-data" / "fonts" / "ttf" / latin, _folder("koreanize_matplotlib") / "fonts" / korean


def _folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{package} is not installed: its fonts cannot be drawn; install camwatch again")
    return Path(spec.submodule_search_locations[0])


@lru_cache(maxsize=1)
def fonts() -> frozenset[int]:
    """Register the Korean font with matplotlib and return the code points that the two families can draw."""
    from matplotlib import font_manager
    from matplotlib.ft2font import FT2Font

    for bold, weight in ((False, 400), (True, 700)):
        # Not `addfont`: it reads the bold cut's weight as 600, and every bold line would then log that no 700 was found.
        entry = font_manager.FontEntry(fname=str(font_files(bold=bold)[1]), name=KOREAN, weight=weight)
        font_manager.fontManager.ttflist.append(entry)
    return frozenset(point for file in font_files() for point in FT2Font(str(file)).get_charmap())


def drawable(text: str) -> str:
    """Return `text` on one line, without control characters, with � where neither font has the character; a number keeps its unit."""
    known = fonts()
    return "".join(c if ord(c) in known else "\ufffd" for c in plain(text))


def plain(text: str) -> str:
    """Return `text` on one line, without control characters; a number keeps its unit."""
    # Thin and non-breaking spaces stay: they hold a number together.
    line = re.sub(r"[ \t\r\n\f\v\u2028\u2029]+", " ", text).strip(" ")
    line = re.sub(r"(?<=\d) (?=(?:%|km²?|m²?|px)(?!\w))", "\u00a0", line)
    return "".join(c for c in line if category(c) not in {"Cc", "Cf"})
