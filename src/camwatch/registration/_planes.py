"""One band per image, on a pyramid of ever coarser grids; where no data are, smooth filling that no estimate ever reads as content.

Levels of at most `HELD` pixels are held; of finer ones, windows are loaded when they are looked at. So memory does not grow with the scene.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.registration.source import Source

HELD = 2**21
"""Pixels of the finest level that is held whole."""

STRIP = 2**21
"""Pixels of the scene that are loaded at once while the held levels are made."""

KEEP = 0.5
"""A coarser pixel is usable when at least this share of the weight under it was."""


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """One band on one level.

    Attributes
    ----------
    values : (y, x) float32
        Finite everywhere; filled smoothly where `valid` is False.
    valid : (y, x) bool
    complete : bool
        Whether all of `valid` is True, which spares much work.
    """

    values: NDArray[np.float32]
    valid: NDArray[np.bool_]
    complete: bool

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.values.shape[0], self.values.shape[1]

    def window(self, rows: slice, cols: slice) -> Plane:
        """Return a part; both slices lie inside."""
        valid = self.valid[rows, cols]
        return Plane(self.values[rows, cols], valid, self.complete or bool(valid.all()))


@dataclass(frozen=True, slots=True, eq=False)
class Distant:
    """A level that is not held: windows of it are made from windows of the scene."""

    source: Source
    level: int
    complete: bool

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        rows, cols = (n >> self.level for n in self.source.shape)
        return rows, cols

    def window(self, rows: slice, cols: slice) -> Plane:
        """Load a part; both slices lie inside."""
        found = _reduced(self.source, rows, cols, self.level)
        return Plane(_closed(found.values, found.valid), found.valid, bool(found.valid.all()))


Ground = Plane | Distant
"""One level of one image."""


def to_level(level: int) -> NDArray[np.float64]:
    """Return the 3×3 matrix that takes a pixel of `level` to the pixel of level 0; (col, row), pixel centres at integers.

    Each level halves: pixel j lies over the pixels 2j and 2j + 1 of the finer level, so its centre is 2j + ½ there.
    """
    size, offset = 2.0**level, (2.0**level - 1) / 2
    return np.array([[size, 0, offset], [0, size, offset], [0, 0, 1]])


@dataclass(frozen=True, slots=True, eq=False)
class Pyramid:
    """The luminance of an image on ever coarser grids.

    Attributes
    ----------
    levels : tuple of Plane or Distant
        Finest first; each level averages the valid pixels of the one before under the kernel [1 3 3 1] / 8.
    usable : float
        Share of pixels that are valid and finite.
    flat : bool
        Whether all usable pixels have one value.
    """

    levels: tuple[Ground, ...]
    usable: float
    flat: bool

    @classmethod
    def of(cls, source: Source, top: int) -> Pyramid:
        """Return the levels 0 to `top` of a source, of which each pixel is loaded once."""
        held = next((n for n in range(top) if (source.shape[0] >> n) * (source.shape[1] >> n) <= HELD), top)
        finest = _whole(source, held)
        planes = [(finest.values, finest.valid)]
        for _ in range(held, top):
            planes.append(_halved(*planes[-1]))
        distant = [Distant(source, n, complete=finest.usable == 1) for n in range(held)]
        return cls((*distant, *_filled(planes)), finest.usable, finest.low >= finest.high)

    @property
    def top(self) -> Plane:
        """The coarsest level."""
        return self.held(len(self.levels) - 1)

    def held(self, level: int) -> Plane:
        """Return `level` where it is held, else the next coarser one that is; the coarsest where there is none so coarse."""
        return next(plane for plane in self.levels[min(level, len(self.levels) - 1) :] if isinstance(plane, Plane))


@dataclass(frozen=True, slots=True, eq=False)
class _Strip:
    """A window of a level, (values, valid), and of the pixels it was made from the least and largest usable one and the share of usable ones."""

    values: NDArray[np.float32]
    valid: NDArray[np.bool_]
    low: float
    high: float
    usable: float


def _whole(source: Source, level: int) -> _Strip:
    """Return all of one level, from strips loaded one by one."""
    rows, cols = source.shape
    step = max(1, (STRIP // cols) >> level)
    starts = range(0, rows >> level, step)
    strips = [_reduced(source, slice(top, min(top + step, rows >> level)), slice(0, cols >> level), level) for top in starts]
    if len(strips) == 1:
        return strips[0]
    valid = np.concatenate([strip.valid for strip in strips])
    return _Strip(
        np.concatenate([strip.values for strip in strips]),
        valid,
        min(strip.low for strip in strips),
        max(strip.high for strip in strips),
        sum(strip.usable * strip.valid.size for strip in strips) / valid.size,
    )


def _reduced(source: Source, rows: slice, cols: slice, level: int) -> _Strip:
    """Return a window of a level, from the pixels of the scene under it and under two pixels of the level around it."""
    pad = 2 if level else 0
    top, left = max(rows.start - pad, 0), max(cols.start - pad, 0)
    bottom, right = (min((part.stop + pad) << level, n) for part, n in zip((rows, cols), source.shape, strict=True))
    image = source.load(source.geobox[top << level : bottom, left << level : right])
    plane = image.luminance()
    finite = np.isfinite(plane)
    good = image.valid if finite.all() else image.valid & finite
    low, high = (float(plane.min(where=good, initial=np.inf)), float(plane.max(where=good, initial=-np.inf)))
    pair = plane, good
    for _ in range(level):
        pair = _halved(*pair)
    inside = slice(rows.start - top, rows.stop - top), slice(cols.start - left, cols.stop - left)
    own = good[inside[0].start << level : inside[0].stop << level, inside[1].start << level : inside[1].stop << level]
    return _Strip(pair[0][inside], pair[1][inside], low, high, float(own.mean()))


def _filled(planes: list[tuple[NDArray[np.float32], NDArray[np.bool_]]]) -> list[Plane]:
    """Return levels (finest first) with what is missing taken from the coarser one, which averaged over more ground."""
    filled = _closed(*planes[-1])
    out = [Plane(filled, planes[-1][1], bool(planes[-1][1].all()))]
    for values, valid in reversed(planes[:-1]):
        if valid.all():
            filled = values
            out.append(Plane(values, valid, complete=True))
            continue
        rows, cols = (np.minimum(np.arange(n) // 2, m - 1) for n, m in zip(values.shape, filled.shape, strict=True))
        pushed = filled[rows][:, cols]
        np.copyto(pushed, values, where=valid)
        filled = pushed
        out.append(Plane(filled, valid, complete=False))
    return out[::-1]


def clear_of_gaps(valid: NDArray[np.bool_], distance: int) -> NDArray[np.float32]:
    """Return 1 where pixels are farther than `distance` from a gap and do not touch a missing pixel, else 0; (y, x).

    A gap is three pixels wide or more. Single missing pixels are filled from their neighbours so well that filters beside them stay right.
    """
    missing = ~valid
    gaps = ndimage.maximum_filter(ndimage.minimum_filter(missing, 3), 3)
    return np.asarray(~(ndimage.maximum_filter(gaps, 2 * distance + 1) | ndimage.maximum_filter(missing, 3)), np.float32)


def _halved(values: NDArray[np.float32], valid: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    if valid.all():
        shrunk = _shrink(_shrink(values).T).T
        return np.ascontiguousarray(shrunk), np.ones(shrunk.shape, bool)
    weight = _shrink(_shrink(valid.astype(np.float32)).T).T
    total = _shrink(_shrink(np.where(valid, values, np.float32(0))).T).T
    return np.ascontiguousarray(total / np.maximum(weight, np.float32(1e-6))), np.ascontiguousarray(weight >= KEEP)


def _shrink(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Halve the rows with the kernel [1 3 3 1] / 8, repeating the edge; an odd last row is dropped."""
    rows = values.shape[0] // 2 * 2
    even, odd = values[0:rows:2], values[1:rows:2]
    out = even + odd
    out *= np.float32(0.375)
    out[1:] += np.float32(0.125) * odd[:-1]
    out[:1] += np.float32(0.125) * even[:1]
    out[:-1] += np.float32(0.125) * even[1:]
    out[-1:] += np.float32(0.125) * odd[-1:]
    return out


def _closed(values: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Fill the coarsest level: from ever coarser averages, at last the mean."""
    if valid.all():
        return values
    if min(values.shape) < 4 or not valid.any():
        mean = values[valid].mean() if valid.any() else np.float32(0)
        return np.where(valid, values, np.float32(mean))
    coarse = _closed(*_halved(values, valid))
    rows, cols = (np.minimum(np.arange(n) // 2, m - 1) for n, m in zip(values.shape, coarse.shape, strict=True))
    return np.where(valid, values, coarse[rows][:, cols])
