"""One band per image, on a pyramid of ever coarser grids; where no data are, smooth filling that no estimate ever reads as content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.imagery.image import Image

KEEP = 0.75
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


def to_level(level: int) -> NDArray[np.float64]:
    """Return the 3×3 matrix that takes a pixel of `level` to the pixel of level 0; (col, row), pixel centres at integers.

    Each level halves: pixel j lies over the pixels 2j and 2j + 1 of the finer level, so its centre is 2j + ½ there.
    """
    size, offset = 2.0**level, (2.0**level - 1) / 2
    return np.array([[size, 0, offset], [0, size, offset], [0, 0, 1]])


def usable(image: Image) -> NDArray[np.bool_]:
    """Return where the image's luminance may be used, (y, x): `valid` and finite."""
    plane = image.luminance()
    finite = np.isfinite(plane)
    return image.valid if finite.all() else image.valid & finite


def pyramid(image: Image, levels: int) -> tuple[Plane, ...]:
    """Return the image's luminance on `levels` + 1 grids, finest first; each level averages the valid pixels under the kernel [1 3 3 1] / 8."""
    values, valid = image.luminance(), usable(image)
    planes: list[tuple[NDArray[np.float32], NDArray[np.bool_]]] = [(values, valid)]
    for _ in range(levels):
        planes.append(_halved(*planes[-1]))
    filled = _closed(*planes[-1])
    out = [Plane(filled, planes[-1][1], bool(planes[-1][1].all()))]
    # Pull, then push: what is missing on a level is taken from the coarser one, which averaged over more ground.
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
    return tuple(reversed(out))


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
