"""The exposed frame of a scanned film: what lies outside (backlight, unexposed edge, frame numbers, fiducials, timing marks) is no ground.

Opening a scene reads no pixels, so the frame is measured when pixels are first loaded. Its address is `film:///folder/scan.tif`: a raster on the
scan's own grid, 1 inside the frame and 0 outside, that `camwatch.scenes.access.gdal.open_raster` opens like any quality layer.

Method. The side of a frame is a straight edge along which grey values jump over most of its length, at whatever level film and border are, and
outside which the border is even. Across each side of the scan every line within one and a half degrees is tried, up to an eighth of the scan
inward: how much of it has a jump of at least half the spread of the ground in the middle of the scan. Of the lines that stand out, the innermost is
taken outside which grey values spread along the line by less than a third of that (interquartile range: inscriptions and timing marks on less than a
quarter of the length do not count); what lies further out are steps from backlight to unexposed film. The line is then fitted to the jumps near it,
and drawn in by two steps of the search (1/4096 of the width, 1/2048 of the height). Where no line stands out, film reaches the edge of the scan but
for these two steps, as it does between the parts of a frame that was scanned in several. A side along which most of the film is as dark, or as
bright, as its border is not found.

Cost: some 200 groups of four rows over the scan, and an eighth of it at its upper and at its lower side, once per scan and process; the overview
instead, where the file has one. 0.7 s for 8,500 by 30,000 pixels.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from rasterio.windows import Window

from camwatch.scenes.access.files import on_disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    Opener = Callable[[str], AbstractContextManager[Any]]
    Rows = Callable[[int, int], NDArray[Any]]

SCHEME = "film://"

_GROUP = 4
"""Rows that are averaged for one sample: that halves the grain."""

_SAMPLES = 192
"""Groups of rows over the height of the scan."""

_FINE, _FINE_ROWS = 4096, 2048
"""Steps into which the width and the height are divided where a side is placed."""

_ALONG = 512
"""Samples along an upper or lower side."""

_REACH = 0.12
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

_SMALLEST = 256
"""Pixels; a smaller picture is no scan of a film."""

_OVERVIEW = 2048
"""Least pixels of the smaller side of an overview that is good enough."""


@dataclass(frozen=True, slots=True)
class Line:
    """A side of the frame: its distance in pixels from the scan's edge is `start + slope·t`, t counted along the edge in pixels."""

    start: float = 0.0
    slope: float = 0.0

    def at(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the distance at places along the edge."""
        found: NDArray[np.float64] = self.start + self.slope * t
        return found


@dataclass(frozen=True, slots=True)
class Frame:
    """The exposed part of a scan of `shape` (rows, columns), between four straight sides."""

    shape: tuple[int, int]
    top: Line
    bottom: Line
    left: Line
    right: Line

    def inside(self, rows: NDArray[np.float64], cols: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return (len(rows), len(cols)) bool: whether points, in pixels from the scan's outer corner, lie within."""
        y, x = rows[:, None], cols[None, :]
        height, width = self.shape
        found: NDArray[np.bool_] = (
            (y >= self.top.at(x)) & (height - y >= self.bottom.at(x)) & (x >= self.left.at(y)) & (width - x >= self.right.at(y))
        )
        return found


class FilmDataset:
    """The frame as a raster, with what a reader of quality layers needs of a rasterio dataset."""

    count = 1
    nodatavals = (None,)
    dtypes = ("uint8",)

    def __init__(self, frame: Frame, name: str) -> None:
        self._frame = frame
        self.name = name
        self.shape = frame.shape
        self.height, self.width = frame.shape

    def read(
        self, indexes: Sequence[int] = (1,), *, window: Window | None = None, out_shape: tuple[int, int, int] | None = None
    ) -> NDArray[np.uint8]:
        """Return (band, y, x), 1 inside the frame, for a window or all of it."""
        start, size = (0, 0), self.shape
        if window is not None:
            start, size = (window.row_off, window.col_off), (int(window.height), int(window.width))
        wanted = size if out_shape is None else out_shape[1:]
        rows, cols = (first + (np.arange(few) + 0.5) * many / few for first, many, few in zip(start, size, wanted, strict=True))
        return np.stack([self._frame.inside(rows, cols).astype(np.uint8)] * len(indexes))


def href_of(scan: str) -> str:
    """Return the address of a scan's frame."""
    return f"{SCHEME}{scan}"


@contextmanager
def open_film(href: str, open_raster: Opener) -> Iterator[FilmDataset]:
    """Open the frame of a scan, as a context manager; `open_raster` opens the scan itself. SceneError when it cannot be read."""
    scan = href.removeprefix(SCHEME)
    path = on_disk(scan)
    said = path.stat() if path is not None and path.exists() else None
    yield FilmDataset(_frame_of(scan, open_raster, (said.st_size, said.st_mtime_ns) if said else (0, 0)), href)


@lru_cache(maxsize=64)
def _frame_of(scan: str, open_raster: Opener, _stamp: tuple[int, int]) -> Frame:
    """Measure a scan once; another size or time of change is another scan."""
    with open_raster(scan) as dataset:
        factor = max((n for n in dataset.overviews(1) if min(dataset.shape) // n >= _OVERVIEW), default=1)
        if factor > 1:
            rows, cols = (side // factor for side in dataset.shape)
            small = dataset.read(1, out_shape=(rows, cols))
            return _enlarged(measure(lambda row, n: small[row : row + n], (rows, cols)), dataset.shape)
        return measure(lambda row, n: dataset.read(1, window=Window(0, row, dataset.width, n)), dataset.shape)


def measure(rows: Rows, shape: tuple[int, int]) -> Frame:
    """Find the exposed frame of a scan.

    Parameters
    ----------
    rows : callable (first row, number) -> (number, columns) array
        Reads whole rows.
    shape : (int, int)
        Rows, columns of the scan.
    """
    height, width = shape
    if min(shape) < _SMALLEST:
        return Frame(shape, Line(), Line(), Line(), Line())
    places = np.unique(np.linspace(0, height - _GROUP, min(_SAMPLES, height // _GROUP)).astype(int))
    fine = -(-width // _FINE)
    view = _sample(rows, places, fine)
    texture = float(np.median(_spread(view[:, view.shape[1] // 4 : -view.shape[1] // 4])))
    deep = int(view.shape[1] * _REACH)
    left = _side(view[:, :deep].T, texture, places + _GROUP / 2, fine)
    right = _side(view[:, ::-1][:, :deep].T, texture, places + _GROUP / 2, fine)
    # Counted from the right, a rest of columns narrower than a block was left out.
    rest = width - view.shape[1] * fine
    right = Line(right.start + rest, right.slope)
    top = _upper(rows, shape, texture)
    bottom = _upper(lambda row, n: rows(height - row - n, n)[::-1], shape, texture)
    return Frame(shape, top, bottom, left, right)


def _upper(rows: Rows, shape: tuple[int, int], texture: float) -> Line:
    """Return the upper side."""
    height, width = shape
    fine, block = -(-height // _FINE_ROWS), max(1, width // _ALONG)
    view = _sample(rows, np.arange(0, int(height * _REACH), fine), block, group=min(_GROUP, fine))
    return _side(view, texture, block * (np.arange(view.shape[1]) + 0.5), fine)


def _sample(rows: Rows, places: NDArray[np.int_], block: int, *, group: int = _GROUP) -> NDArray[np.float32]:
    """Return groups of rows averaged over `group` rows and `block` columns, (place, column)."""
    return np.concatenate([_pooled(rows(int(place), group).mean(axis=0, dtype=np.float32)[None], block) for place in places])


def _pooled(view: NDArray[np.float32], block: int) -> NDArray[np.float32]:
    """Average over blocks of columns; a rest at the end is left out."""
    n = view.shape[1] // block
    pooled: NDArray[np.float32] = view[:, : n * block].reshape(len(view), n, block).mean(axis=2)
    return pooled


def _spread(view: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the interquartile range along the last axis, as the standard deviation that it would have of normal values."""
    low, high = np.percentile(view, (25, 75), axis=-1)
    spread: NDArray[np.float32] = ((high - low) / 1.349).astype(np.float32)
    return spread


def _side(view: NDArray[np.float32], texture: float, along: NDArray[np.floating], step: float) -> Line:
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
    spreads = [_spread(row[seen]) for row, seen in zip(outside, there, strict=True) if seen.sum() >= _ENOUGH]
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


def _enlarged(frame: Frame, shape: tuple[int, int]) -> Frame:
    """Return the frame that was measured on an overview for the whole scan."""
    down, across = shape[0] / frame.shape[0], shape[1] / frame.shape[1]
    upright = (Line(line.start * down, line.slope * down / across) for line in (frame.top, frame.bottom))
    lying = (Line(line.start * across, line.slope * across / down) for line in (frame.left, frame.right))
    return Frame(shape, *upright, *lying)
