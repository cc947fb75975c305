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

TILE, OVERLAP = 30 * STEP, 4 * STEP
"""Side of the largest square tile, and what neighbours share at least: a pixel is at least 64 from an edge that the picture has not."""

TURNS = ((0, False), (2, False), (0, True), (2, True), (1, False), (3, False), (1, True), (3, True))
"""Views of one picture: quarter turns, and whether it is mirrored; so ordered that the first 1, 2, 4 or 8 are a group."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one axis: what a tile sees (`start`, `stop`), and the part of it (`first`, `last`) that it answers for."""

    start: int
    stop: int
    first: int
    last: int


def tiles_of(height: int, width: int) -> tuple[tuple[Span, Span], ...]:
    """Cut a picture (sides are multiples of 32) into tiles, (rows, columns), no larger than TILE², that show the least twice; rows are cut first."""

    def cost(count: tuple[int, int]) -> tuple[bool, int, int]:
        area = _side(height, count[0]) * _side(width, count[1])
        return area > TILE**2, area * count[0] * count[1], count[1]

    down, right = min(product(range(1, height // OVERLAP + 2), range(1, width // OVERLAP + 2)), key=cost)
    return tuple(product(spans_of(height, down), spans_of(width, right)))


def spans_of(length: int, count: int) -> tuple[Span, ...]:
    """Cut an axis of `length` pixels (a multiple of 32) into equal, overlapping stretches that answer for each pixel once."""
    side = _side(length, count)
    starts = [STEP * (n * (length - side) // STEP // max(count - 1, 1)) for n in range(count)]
    cuts = [0, *((a + b + side) // 2 for a, b in pairwise(starts)), length]
    return tuple(Span(start, start + side, cuts[n], cuts[n + 1]) for n, start in enumerate(starts))


def _side(length: int, count: int) -> int:
    """Return how long each of `count` stretches of an axis is."""
    return STEP * -(-(length + (count - 1) * OVERLAP) // (STEP * count))


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
        Weight of the answer at half the resolution, in one view; what is larger than a model's field of view is seen whole there.

    Returns
    -------
    (4, y, x) float32: `structure_before`, `structure_after`, `appeared`, `removed`.
    """
    if views not in (1, 2, 4, 8) or not 0 <= half <= 1:
        raise ValueError(f"views, half: got {views}, {half}; expected 1, 2, 4 or 8, and 0..1")
    height, width = shown.shape[-2:]
    pictures = [_whole(shown)]
    if half:
        pictures.append(_whole(np.stack(for_each(lambda date: blocks(date, 2), list(shown), at_once=True))))
    turns = TURNS[:views], TURNS[:1]
    asked = [(n, *tile, turn) for n, picture in enumerate(pictures) for tile in tiles_of(*picture.shape[-2:]) for turn in turns[n]]

    def answer(task: tuple[int, Span, Span, tuple[int, bool]]) -> NDArray[np.float32]:
        number, rows, cols, turn = task
        told = _asked(session, pictures[number][..., rows.start : rows.stop, cols.start : cols.stop], turn)
        return told[:, rows.first - rows.start : rows.last - rows.start, cols.first - cols.start : cols.last - cols.start]

    planes = [np.zeros((len(OUTPUTS), *picture.shape[-2:]), np.float32) for picture in pictures]
    # Every view is a task of its own, so that no core waits for another's last tile; their sum always has one order.
    for (number, rows, cols, _), told in zip(asked, for_each(answer, asked, at_once=True), strict=True):
        planes[number][:, rows.first : rows.last, cols.first : cols.last] += told
    fine = planes[0][:, :height, :width]
    if views > 1:
        fine /= np.float32(views)
    if not half:
        return fine

    def mix(plane: int) -> None:
        # What the padding of either picture shows lies beyond the other's edge.
        coarse = zoomed(planes[1][plane : plane + 1, : -(-height // 2), : -(-width // 2)], 2)[0, :height, :width]
        coarse -= fine[plane]
        coarse *= np.float32(half)
        fine[plane] += coarse

    for_each(mix, range(len(fine)), at_once=True)
    return fine


def _whole(shown: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a (2, band, y, x) picture mirrored at its far edges up to multiples of 32."""
    height, width = shown.shape[-2:]
    more = -height % STEP, -width % STEP
    return np.pad(shown, ((0, 0), (0, 0), (0, more[0]), (0, more[1])), mode="symmetric") if any(more) else shown


def _asked(session: Any, seen: NDArray[np.float32], turn: tuple[int, bool]) -> NDArray[np.float32]:
    """Return the answer, (4, y, x), to a tile seen mirrored and turned."""
    quarters, mirrored = turn
    turned = np.rot90(seen[..., ::-1] if mirrored else seen, quarters, axes=(-2, -1))
    # One band is shown three times.
    tensors = {name: np.ascontiguousarray(np.broadcast_to(date, (1, 3, *date.shape[-2:]))) for name, date in zip(INPUTS, turned, strict=True)}
    answers: NDArray[np.float32] = np.concatenate(session.run(list(OUTPUTS), tensors))[:, 0]
    back = np.rot90(answers, -quarters, axes=(-2, -1))
    return back[..., ::-1] if mirrored else back
