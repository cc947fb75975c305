"""A side of the exposed frame of a scanned film, in the grey values along an edge of the scan.

The side of a frame is a straight edge along which grey values jump over most of its length, at whatever level film and border are, and
outside which the border is even. Across each side of the scan every line within one and a half degrees is tried, up to an eighth of the scan
inward: how much of it has a jump of at least half the spread of the ground in the middle of the scan. Of the lines that stand out, the innermost is
taken outside which grey values spread along the line by less than a third of that (interquartile range: inscriptions and timing marks on less than a
quarter of the length do not count); what lies further out are steps from backlight to unexposed film. The line is then fitted to the jumps near it,
and drawn in by two steps of the search (1/4096 of the width, 1/2048 of the height). Where no line stands out, film reaches the edge of the scan but
for these two steps, as it does between the parts of a frame that was scanned in several. A side along which most of the film is as dark, or as
bright, as its border is not found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

REACH = 0.12
"""Share of the scan in which a side is looked for."""

_STEEPEST = 0.026
"""Tangent of one and a half degrees."""

_JUMP, _EVEN = 0.5, 1 / 3
"""Shares of the spread of ground: what counts as a jump, and what as even."""

_LEAST = 0.5
"""Share of a side's length along which grey values must jump."""

_NEAR = 1.5
"""Steps by which a jump may lie off the side."""

_INSET = 2.0
"""Steps by which the frame is drawn in."""

_ENOUGH = 8
"""Samples without which nothing is said."""


@dataclass(frozen=True, slots=True)
class Line:
    """A side of the frame: its distance in pixels from the scan's edge is `start + slope·t`, t counted along the edge in pixels."""

    start: float = 0.0
    slope: float = 0.0

    def at(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the distance at places along the edge."""
        found: NDArray[np.float64] = self.start + self.slope * t
        return found


def spread(view: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the interquartile range along the last axis, as the standard deviation that it would have of normal values."""
    low, high = np.percentile(view, (25, 75), axis=-1)
    spread: NDArray[np.float32] = ((high - low) / 1.349).astype(np.float32)
    return spread


def side(view: NDArray[np.float32], texture: float, along: NDArray[np.floating], step: float) -> Line:
    """Return the side of the frame that crosses a view, drawn in; where none does, film reaches the edge, but for its last pixels.

    Parameters
    ----------
    view : (depth, along)
        Grey values from the scan's edge inward, over the length of the side.
    texture : float
        The spread of ground.
    along : (along,)
        Where the columns of the view lie along the side, pixels of the scan.
    step : float
        Pixels of the scan between two rows of the view.
    """
    jump = _jumps(view)
    hits = jump > texture * _JUMP
    t = (along - along.mean()) / step
    slopes = np.arange(-_STEEPEST, _STEEPEST + 1e-9, 2 / np.ptp(t))
    lowest = -int(_STEEPEST * np.ptp(t) / 2)  # a side may leave the scan before its middle
    shares = np.stack([_share(hits, slope * t, lowest) for slope in slopes])
    best = shares.max(axis=0)
    usual = float(np.median(best))
    wanted = max(_LEAST, usual + 0.6 * (float(best.max()) - usual))
    # From the inside outward: the innermost edge outside which all is even is that of the frame, others part backlight and unexposed film.
    for n in np.flatnonzero(best >= wanted)[::-1]:
        slope = float(slopes[int(shares[:, n].argmax())])
        if best[n] == best[max(0, n - 3) : n + 4].max() and _even(view, n + lowest, slope * t, texture):
            start, slope = _refined(jump, texture, n + lowest, slope, t)
            return Line((start + _INSET) * step - slope * float(along.mean()), slope)
    return Line(_INSET * step)


def _jumps(view: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how much the mean of three depths differs from that of the three before; row d stands for the edge above depth d."""
    padded = np.pad(view, ((3, 3), (0, 0)), mode="edge")
    means = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
    jump: NDArray[np.float32] = np.abs(means[3:] - means[:-3])
    return jump


def _straight(view: NDArray[Any], offsets: NDArray[np.float64], depths: NDArray[np.int_]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return a view along parallels of a line, (depth, along), and which of it lies in the view."""
    rows = depths[:, None] + np.rint(offsets).astype(int)
    there = (rows >= 0) & (rows < len(view))
    return view[np.where(there, rows, 0), np.arange(view.shape[1])], there


def _share(hits: NDArray[np.bool_], offsets: NDArray[np.float64], lowest: int) -> NDArray[np.float64]:
    """Return the share of each parallel of a line, as far as it lies in the view, along which grey values jump; 0 for the shortest quarter."""
    found, there = _straight(hits, offsets, np.arange(lowest, len(hits)))
    length = there.sum(axis=1)
    share: NDArray[np.float64] = np.where(length >= hits.shape[1] / 4, (found & there).sum(axis=1) / np.maximum(length, 1), 0.0)
    return share


def _even(view: NDArray[np.float32], depth: int, offsets: NDArray[np.float64], texture: float) -> bool:
    """Whether grey values outside a line differ little along it."""
    outside, there = _straight(view, offsets, np.arange(depth - len(view), depth - 1))
    spreads = [spread(row[seen]) for row, seen in zip(outside, there, strict=True) if seen.sum() >= _ENOUGH]
    return not spreads or float(np.median(spreads)) < texture * _EVEN


def _refined(jump: NDArray[np.float32], texture: float, depth: int, slope: float, t: NDArray[np.float64]) -> tuple[float, float]:
    """Return depth at the middle and slope of a line moved to the steepest jumps near it."""
    near = np.arange(-3, 4)
    around, there = _straight(jump, slope * t + depth, near)
    around = np.where(there, around, 0)
    line = slope * t + depth
    off = near[around.argmax(axis=0)] + np.rint(line) - line
    used = around.max(axis=0) > texture * _JUMP
    rise, shift = 0.0, float(np.median(off[used]))
    for _ in range(3):
        agree = used & (np.abs(off - shift - rise * t) <= _NEAR)
        if agree.sum() < _ENOUGH:
            break
        rise, shift = np.polyfit(t[agree], off[agree], 1)
    return depth + float(shift), slope + float(rise)
