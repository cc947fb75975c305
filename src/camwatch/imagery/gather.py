"""One interpolation at places of any order: what :func:`camwatch.imagery.sample.resample` does for an affine, done for each pixel by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camwatch.imagery.work import MANY, for_each

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from camwatch.imagery.through import Block, Places

RIM = 3
"""Invalid pixels that stand around a window: a place beyond it is moved there, where it has all 4 × 4 pixels and none of them counts."""

_SOME, _ALL = 1, 2


def gather(
    values: NDArray[np.float32], valid: NDArray[np.bool_], corner: tuple[int, int], places: Places, out: Sequence[NDArray[np.float32]]
) -> NDArray[np.bool_]:
    """Interpolate a source window at the places of a target's pixels.

    Cubic convolution (Keys 1981, doi:10.1109/TASSP.1981.1163711) where all 4 × 4 pixels under the kernel are valid; bilinear where only those of the
    inner 2 × 2 are that it weighs; invalid elsewhere: the rules of :func:`camwatch.imagery.sample.resample`.

    Parameters
    ----------
    values : (band, y, x) float32
        The window, already averaged over blocks, with a rim of :data:`RIM` pixels all around. Written to: what is not valid becomes 0.
    valid : (y, x) bool
        False throughout the rim.
    corner : (int, int)
        Row and column in the source of the first pixel within the rim.
    places : Places
    out : sequence of (y, x) float32 on the target
        One plane for each band; written to.

    Returns
    -------
    (y, x) bool on the target: which pixels are valid.
    """
    np.copyto(values, np.float32(0), where=~valid)
    planes, (kinds, inner) = [plane.ravel() for plane in values], _surroundings(valid)
    (height, width), seen, usable = valid.shape, valid.ravel(), np.zeros(places.shape, bool)

    def fill(block: Block) -> None:
        base, x, y = _cells(places.at(block), corner, places.k, (height, width))
        shape = (block[0].stop - block[0].start, block[1].stop - block[1].start)
        kind = kinds.take(base, mode="clip")
        if not kind.any():
            for plane in out:
                plane[block] = 0
            return
        good = kind == _ALL
        # Where some of the four pixels are not valid or the cubic kernel's are not, it depends on which of them are weighed.
        unsure = np.flatnonzero(kind == _SOME)
        four = _bilinear(base[unsure], x[unsure], y[unsure], width)
        shown, whole = (_weighed(layer, *four) > 1 - 1e-5 for layer in (seen, inner))
        good[unsure] = shown
        usable[block] = good.reshape(shape)
        near = shown & ~whole
        at, pixels, weights = unsure[near], four[0][:, near], four[1][:, near]
        kernel = _keys(x), _keys(y)
        for plane, target in zip(planes, out, strict=True):
            smooth = _cubic(plane, base - (width + 1), width, kernel)
            smooth[at] = _weighed(plane, pixels, weights)
            target[block] = smooth.reshape(shape)

    for_each(fill, list(places.blocks()), at_once=usable.size >= MANY)
    return usable


def _surroundings(valid: NDArray[np.bool_]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return what is known of each pixel as the upper left of the four around a place, and whether its 3 × 3 neighbours are valid; both flat.

    What is known is whether some of the four are valid, and whether all 4 × 4 are that have these in their middle.
    """
    pairs, either = valid[:-1] & valid[1:], valid[:-1] | valid[1:]
    some, inner, kinds = np.zeros(valid.shape, bool), np.zeros(valid.shape, bool), np.zeros(valid.shape, np.uint8)
    some[:-1, :-1] = either[:, :-1] | either[:, 1:]
    three = pairs[:-1] & pairs[1:]
    inner[1:-1, 1:-1] = three[:, :-2] & three[:, 1:-1] & three[:, 2:]
    kinds[some] = _SOME
    kinds[:-1, :-1][inner[:-1, :-1] & inner[1:, :-1] & inner[:-1, 1:] & inner[1:, 1:]] = _ALL
    return kinds.ravel(), inner.ravel()


def _cells(
    at: NDArray[np.float64], corner: tuple[int, int], k: int, shape: tuple[int, int]
) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.float32]]:
    """Return the flat number of the upper left of the four pixels around each place, and the place between them, across and down, 0..1."""
    whole, part = [], []
    for line, first, size in zip(at.reshape(2, -1), corner[::-1], shape[::-1], strict=True):
        # From the corner of the source to the centre of the window's first pixel; nowhere (NaN) and beyond is in the rim.
        place = np.fmin(np.fmax((line - first) / k + (RIM - 0.5), 1), size - RIM)
        cell = place.astype(np.intp)
        whole.append(cell)
        part.append((place - cell).astype(np.float32))
    return whole[1] * shape[1] + whole[0], part[0], part[1]


def _keys(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the weights of the pixels −1, 0, 1, 2 at places between 0 and 1, (4, n)."""
    weights = np.empty((4, len(x)), np.float32)
    far = 1 - x
    product = np.float32(-0.5) * x * far
    weights[0], weights[3] = product * far, product * x
    weights[1] = 1 + x * x * (np.float32(1.5) * x - np.float32(2.5))
    weights[2] = 1 - weights[0] - weights[1] - weights[3]
    return weights


def _cubic(
    plane: NDArray[np.float32], first: NDArray[np.intp], width: int, kernel: tuple[NDArray[np.float32], NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Return the values that 4 × 4 pixels, of which the upper left ones are given, have at places between them."""
    across, down = kernel
    total, line, taken = np.zeros(len(first), np.float32), np.empty(len(first), np.float32), np.empty(len(first), np.float32)
    for row in range(4):
        line.fill(0)
        for col in range(4):
            plane[row * width + col :].take(first, out=taken, mode="clip")
            taken *= across[col]
            line += taken
        line *= down[row]
        total += line
    return total


def _bilinear(base: NDArray[np.intp], x: NDArray[np.float32], y: NDArray[np.float32], width: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the flat numbers of the four pixels around each place, and their weights, both (4, n)."""
    pixels = base + np.array([[0], [1], [width], [width + 1]])
    return pixels, np.stack([(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y])


def _weighed(plane: NDArray[np.float32] | NDArray[np.bool_], pixels: NDArray[np.intp], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    result: NDArray[np.float32] = np.multiply(plane[pixels], weights).sum(axis=0, dtype=np.float32)
    return result
