"""How much a place looks like a piece of an enclosing line, and how far aside the line runs: a small perceptron on the profile across.

Along a direction the brightness of six cells ahead and of six behind is averaged, and the 27 cells across are the profiles: a cleared strip is
bright, a wall throws its shadow on the side that the sun says, a road has neither that shadow nor bare ground on both sides, and a tree is not as
long as both. The perceptron has seen rendered ground with rendered lines only
(`python -m training.perimeter`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from camwatch.resources import data_folder

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from camwatch.imagery.image import Sun

    Floats = NDArray[np.float32]
    Indices = NDArray[np.intp]

MOVES = ((0, 1), (-1, 2), (-1, 1), (-2, 1), (-1, 0), (-2, -1), (-1, -1), (-1, -2))
"""Directions as (rows, cols): east, then counter-clockwise over half a turn; the steps of a path on the lattice."""
SIDE, HALF = 13, 5
"""Cells of a profile on either side, and of its averages ahead and behind."""
MARGIN = 32
"""Cells around a tile that its profiles and their surroundings need."""
EXTRAS = 4
FEATURES = 2 * (2 * SIDE + 1) + EXTRAS
MOST_ASIDE = 4.0
"""Cells within which the perceptron tells how far aside the line runs."""


@dataclass(frozen=True, slots=True, eq=False)
class Perceptron:
    """Weights (inputs, outputs) and biases of each layer; leaky between layers."""

    layers: tuple[tuple[Floats, Floats], ...]

    def __call__(self, inputs: Floats) -> tuple[Floats, Floats]:
        """Return the likeness (n,), 0..1, and the offset of the line to the right (n,), in cells, of inputs (n, FEATURES)."""
        values = inputs
        for weight, bias in self.layers[:-1]:
            values = values @ weight
            values += bias
            np.maximum(values, np.float32(0.1) * values, out=values)
        weight, bias = self.layers[-1]
        values = values @ weight + bias
        likeness = 1 / (1 + np.exp(-np.clip(values[:, 0], -30, 30)))
        return np.asarray(likeness, np.float32), np.clip(values[:, 1], -MOST_ASIDE, MOST_ASIDE)


@cache
def shipped() -> Perceptron:
    """Return the perceptron that this copy ships."""
    return read_perceptron(data_folder("models") / "perimeter.json")


def read_perceptron(path: Path) -> Perceptron:
    """Return the perceptron of a file that `python -m training.perimeter` wrote."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return Perceptron(tuple((np.array(each["weight"], np.float32), np.array(each["bias"], np.float32)) for each in document["layers"]))


def extras(heading: NDArray[np.float64], sun: Sun | None, sensor_m: float) -> Floats:
    """Return what the perceptron is told beside a profile (n, EXTRAS).

    Where the shadow of a metre falls across it and how long it is, whether that is known, and what the sensor resolves.

    `heading` (n,) is in radians counter-clockwise from east; across is positive to its right.
    """
    out = np.zeros((len(heading), EXTRAS), np.float32)
    out[:, 3] = np.log(sensor_m)
    if sun is not None and sun.elevation_deg > 5 and sun.doubt_deg < 45:
        azimuth = np.deg2rad(sun.azimuth_deg)
        length = min(1 / np.tan(np.deg2rad(max(sun.elevation_deg, 15.0))), 3.0)
        out[:, 0] = -(np.sin(heading) * np.sin(azimuth) - np.cos(heading) * np.cos(azimuth)) * length
        out[:, 1:3] = length, 1
    return out


def lattice_inputs(tone: Floats, places: Indices, move: tuple[int, int], told: Floats) -> Floats:
    """Return the inputs (n, FEATURES) at some flat `places` (n,) of a tile's `tone`, in one of MOVES, whose extras are `told` (1, EXTRAS)."""
    width = tone.shape[1]
    total, last, count = _ahead(tone, move)
    size = float(np.hypot(*move))
    steps = np.array([round(k * move[1] / size) * width - round(k * move[0] / size) for k in range(-SIDE, SIDE + 1)])
    flat = total.ravel()
    out = np.empty((len(places), FEATURES), np.float32)
    at = places[:, None] + steps
    values = out[:, :-EXTRAS]
    values[:, : 2 * SIDE + 1] = flat.take(at)
    at -= last[0] * width + last[1]
    values[:, 2 * SIDE + 1 :] = flat.take(at)
    values *= np.float32(1 / count)
    values -= values.mean(axis=1, keepdims=True)
    out[:, -EXTRAS:] = told
    return out


def _ahead(tone: Floats, move: tuple[int, int]) -> tuple[Floats, tuple[int, int], int]:
    """Return at each cell the sum of some six cells from there in a direction, the last of them relative to the first, and how many they are."""
    row, col = move
    if abs(row) == abs(col):
        minor, major, pairs = move, (2 * row, 2 * col), 2
    elif 0 in move:
        minor, major, pairs = move, (2 * row, 2 * col), 3
    else:
        minor = (0, int(np.sign(col))) if abs(col) > abs(row) else (int(np.sign(row)), 0)
        major, pairs = move, 3
    pair = _added(tone, tone, minor)
    total = pair
    for k in range(1, pairs):
        total = _added(total, pair, (k * major[0], k * major[1]))
    return total, ((pairs - 1) * major[0] + minor[0], (pairs - 1) * major[1] + minor[1]), 2 * pairs


def _added(here: Floats, there: Floats, step: tuple[int, int]) -> Floats:
    """Return at each cell of a tile what is here and what is a step (rows, cols) from here in the other plane, nothing beyond its edge."""
    out = here.copy()
    rows, cols = (
        (slice(max(-by, 0), min(size - by, size)), slice(max(by, 0), min(size + by, size))) for by, size in zip(step, here.shape, strict=True)
    )
    out[rows[0], cols[0]] += there[rows[1], cols[1]]
    return out


def free_inputs(tone: Floats, points: NDArray[np.float64], heading: NDArray[np.float64], told: Floats) -> Floats:
    """Return the inputs (n, FEATURES) at any (row, col) `points` (n, 2) of a tile's cells, along any `heading` (n,); `told` (n, EXTRAS)."""
    offset, ahead = np.arange(-SIDE, SIDE + 1, dtype=np.float32), np.arange(-HALF, HALF + 1, dtype=np.float32)
    sine, cosine = (each.astype(np.float32)[:, None, None] for each in (np.sin(heading), np.cos(heading)))
    place = points.astype(np.float32)
    seen = _between(
        tone, place[:, 0, None, None] + offset * cosine - ahead[:, None] * sine, place[:, 1, None, None] + offset * sine + ahead[:, None] * cosine
    )
    out = np.empty((len(points), FEATURES), np.float32)
    out[:, : len(offset)] = seen[:, HALF:].mean(axis=1)
    out[:, len(offset) : -EXTRAS] = seen[:, : HALF + 1].mean(axis=1)
    out[:, :-EXTRAS] -= out[:, :-EXTRAS].mean(axis=1, keepdims=True)
    out[:, -EXTRAS:] = told
    return out


def _between(tone: Floats, row: Floats, col: Floats) -> Floats:
    """Return a tile's tone at places between its cells, none of them beyond its edge, by bilinear interpolation."""
    width = tone.shape[1]
    top, left = row.astype(np.int32), col.astype(np.int32)
    down, across = row - top, col - left
    at = top * np.int32(width) + left
    flat = tone.ravel()
    upper, lower = flat.take(at), flat.take(at + np.int32(width))
    at += np.int32(1)
    upper += across * (flat.take(at) - upper)
    at += np.int32(width)
    lower += across * (flat.take(at) - lower)
    lower -= upper
    lower *= down
    lower += upper
    return lower
