"""A model run over a whole picture, tile by tile: each pixel is answered by the tile in whose middle it lies deepest."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import numpy as np

from camwatch.detect._common import blocks
from camwatch.detect._model_file import INPUTS, OUTPUTS
from camwatch.detect._model_pixels import zoomed
from camwatch.imagery.work import for_each

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEP = 32
"""Tiles begin and end at multiples of this: a model that halves its pixels five times sees each tile in the same phase as the whole."""

TILE, OVERLAP = 24 * STEP, 4 * STEP
"""Largest side of a tile, and what neighbours share at least: a pixel is at least 64 from an edge that the picture has not. Some 0.5 GB a tile."""

TURNS = ((0, False), (2, False), (0, True), (2, True), (1, False), (3, False), (1, True), (3, True))
"""Views of one picture: quarter turns, and whether it is mirrored; so ordered that the first 1, 2, 4 or 8 are a group."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one axis: what a tile sees (`start`, `stop`), and the part of it (`first`, `last`) that it answers for."""

    start: int
    stop: int
    first: int
    last: int


def spans_of(length: int) -> tuple[Span, ...]:
    """Cut an axis of `length` pixels (a multiple of 32) into equal, overlapping stretches that answer for each pixel once."""
    steps, most, overlap = length // STEP, TILE // STEP, OVERLAP // STEP
    count = 1 if steps <= most else -(-(steps - overlap) // (most - overlap))
    side = -(-(steps + (count - 1) * overlap) // count)
    starts = [STEP * (n * (steps - side) // max(count - 1, 1)) for n in range(count)]
    cuts = [0, *((a + b + STEP * side) // 2 for a, b in pairwise(starts)), length]
    return tuple(Span(start, start + STEP * side, cuts[n], cuts[n + 1]) for n, start in enumerate(starts))


def predict(session: Any, shown: NDArray[np.float32], *, views: int = 1, half: float = 0.0) -> NDArray[np.float32]:
    """Return what a model says of a pair.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
    shown : (2, band, y, x) float32
        Before and after, normalised; one band or three.
    views : {1, 2, 4, 8}
        Turned and mirrored views whose answers are averaged.
    half : float, 0..1
        Weight of the answer at half the resolution; what is larger than a model's field of view is seen whole there.

    Returns
    -------
    (4, y, x) float32: `structure_before`, `structure_after`, `appeared`, `removed`.
    """
    if views not in (1, 2, 4, 8) or not 0 <= half <= 1:
        raise ValueError(f"views, half: got {views}, {half}; expected 1, 2, 4 or 8, and 0..1")
    height, width = shown.shape[-2:]
    # Mirrored at the far edges up to a multiple of 32.
    whole = np.pad(shown, ((0, 0), (0, 0), (0, -height % STEP), (0, -width % STEP)), mode="symmetric")
    planes = np.empty((len(OUTPUTS), *whole.shape[-2:]), np.float32)

    def answer(tile: tuple[Span, Span]) -> None:
        rows, cols = tile
        seen = whole[..., rows.start : rows.stop, cols.start : cols.stop]
        part = _averaged(session, seen, views)
        inner = part[:, rows.first - rows.start : rows.last - rows.start, cols.first - cols.start : cols.last - cols.start]
        planes[:, rows.first : rows.last, cols.first : cols.last] = inner

    rows, cols = map(spans_of, whole.shape[-2:])
    for_each(answer, list(product(rows, cols)), at_once=True)
    planes = planes[:, :height, :width]
    if not half:
        return planes
    small = np.stack([blocks(date, 2) for date in shown])
    coarse = zoomed(predict(session, small, views=views), 2)[:, :height, :width]
    return (1.0 - np.float32(half)) * planes + np.float32(half) * coarse


def _averaged(session: Any, seen: NDArray[np.float32], views: int) -> NDArray[np.float32]:
    """Return the mean answer, (4, y, x), to a tile seen in some views, always summed in one order."""
    total = np.zeros((len(OUTPUTS), *seen.shape[-2:]), np.float32)
    for quarters, mirrored in TURNS[:views]:
        turned = np.rot90(seen[..., ::-1] if mirrored else seen, quarters, axes=(-2, -1))
        # One band is shown three times.
        tensors = {name: np.ascontiguousarray(np.broadcast_to(date, (1, 3, *date.shape[-2:]))) for name, date in zip(INPUTS, turned, strict=True)}
        answers = np.concatenate(session.run(list(OUTPUTS), tensors))[:, 0]
        back = np.rot90(answers, -quarters, axes=(-2, -1))
        total += back[..., ::-1] if mirrored else back
    return np.asarray(total / views, np.float32)
