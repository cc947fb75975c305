"""The figure of the judge's calibration: how often intervals hold the truth, and how often verdicts are wrong, by kind of world."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from calibration import Row

INK, SOFT, FAIR, WORSE, BAND = "#222222", "#767676", "#1f4e79", "#b5651d", "#e6ecf2"
MARKS = {"supported": ("o", 0.2), "contradicted": ("s", 0.0), "partly": ("^", -0.2)}
"""Mark of an outcome, and how far it stands above its row."""
FEWEST = 10
"""Verdicts of one outcome below which a share of them is not drawn."""


def draw(path: Path, fair: list[Row], worse: list[Row]) -> None:
    """Draw both tables into one picture."""
    rows = [*fair, *worse]
    at = [-float(i) - (1.2 if i >= len(fair) else 0.0) for i in range(len(rows))]
    plt.rcParams.update({"font.family": "DejaVu Sans", "font.size": 9, "svg.hashsalt": "camwatch"})
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 0.3 * len(rows) + 2.0), sharey=True, width_ratios=(1, 1), layout="constrained")
    for y, row in zip(at, rows, strict=True):
        colour = FAIR if row in fair else WORSE
        _coverage(left, y, row, colour)
        _errors(right, y, row, colour)
    left.set_yticks(at, [row.name for row in rows])
    left.set_ylim(min(at) - 0.8, 0.8)
    for y, words in ((0.62, "as the judge takes the world to be"), (at[len(fair)] + 0.62, "worse than it takes it to be")):
        left.text(0.0, y, words, transform=left.get_yaxis_transform(), color=SOFT, fontsize=8, va="bottom")
    left.axvspan(93, 97, color=BAND, zorder=0)
    left.axvline(95, color=SOFT, lw=0.8)
    left.set_xlim(75, 100.5)
    left.set_xlabel("95 % intervals that hold the truth, % (band: 93 to 97)")
    right.axvspan(0, 5, color=BAND, zorder=0)
    right.set_xlim(-0.5, max(20.0, *(105 * row.error(o) for row in rows for o in MARKS if row.outcomes[o] >= FEWEST)))
    right.set_xlabel("verdicts that are wrong, % (band: up to 5)")
    for outcome, (mark, _) in MARKS.items():
        right.plot([], [], mark, color=INK, ms=5, mfc="none" if outcome == "partly" else INK, label=outcome)
    right.legend(loc="upper right", frameon=False, fontsize=8)
    for axes in (left, right):
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color="#dddddd", lw=0.5)
        axes.set_axisbelow(True)
    worlds = sum(row.worlds for row in rows)
    title = f"The judge against {worlds:,} SIMULATED worlds in which the truth is known".replace(",", "\u2009")
    figure.suptitle(title, x=0.01, ha="left", color=INK, fontsize=11)
    figure.savefig(path, dpi=150, metadata={"Software": None})
    plt.close(figure)


def _coverage(axes: Axes, y: float, row: Row, colour: str) -> None:
    if row.measured < FEWEST:
        axes.text(75.5, y, "gives bounds, not intervals", color=SOFT, fontsize=8, va="center")
        return
    share = row.coverage
    error = 1.96 * math.sqrt(max(share * (1 - share), 0.25 / row.measured) / row.measured)
    axes.errorbar(100 * share, y, xerr=[[100 * error], [100 * min(error, 1 - share)]], fmt="o", color=colour, ms=5, lw=1.2)


def _errors(axes: Axes, y: float, row: Row, colour: str) -> None:
    for outcome, (mark, above) in MARKS.items():
        if row.outcomes[outcome] >= FEWEST:
            axes.plot(100 * row.error(outcome), y + above, mark, color=colour, ms=5, mfc="none" if outcome == "partly" else colour, clip_on=False)
