"""Kinds of ground: pixels of like spectra, and from which of them is learnt what became of a kind.

A season takes a kind of ground wherever it lies; a felled wood is one place. So no place has more than a small share of the say in what became of a
kind, and a kind that lies at too few places to be told from a change of one of them is judged by the wider kind from which it was cut.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Index = NDArray[np.intp]
    Plane = NDArray[np.float32]

STRATA = 24
"""Most kinds of ground that are told apart at the first date."""
LEAST_SAMPLE = 300
"""Fewest sampled pixels of a stratum: with fewer, one change of some size would be its rule."""
SAMPLE = 400_000
"""Most pixels that strata and their rules are learnt from."""
PLACES = 8
"""Into how many parts the seen ground is cut from north to south, and each of them from west to east."""
SAYS = 1 / 16, 1 / 8
"""Share of what a kind is learnt from that one place may be, and what it may be where the kind lies at fewer places. A rule leaves out a quarter of
what it is learnt from, so a change across four places, or two, is not the rule."""
GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A stratum cut in two: what lies beyond `place` along `axis` (band,) is a new one."""

    stratum: int
    axis: Array
    place: float


@dataclass(frozen=True, eq=False)
class Strata:
    """Kinds of ground, by what they look like at the first date.

    Attributes
    ----------
    cuts : tuple of Cut
        In order; the n-th, counted from 1, makes stratum n.
    spread : (band,) float64
        By what bands are divided before they are cut.
    """

    cuts: tuple[Cut, ...]
    spread: Array

    def of(self, x: Array | Plane) -> NDArray[np.int16]:
        """Return the stratum of each of the (pixel, band) values."""
        x, kinds = x / self.spread, np.zeros(len(x), np.int16)
        for new, cut in enumerate(self.cuts, 1):
            inside = np.flatnonzero(kinds == cut.stratum)
            kinds[inside[x[inside] @ cut.axis > cut.place]] = new
        return kinds

    @cached_property
    def wider(self) -> tuple[tuple[frozenset[int], ...], ...]:
        """For each stratum, itself and the ever wider ones from which it was cut, as sets of strata."""
        together = {kind: frozenset([kind]) for kind in range(len(self.cuts) + 1)}
        out = [[together[kind]] for kind in together]
        for new, cut in reversed(list(enumerate(self.cuts, 1))):
            together[cut.stratum] |= together[new]
            for kind in together[cut.stratum]:
                out[kind].append(together[cut.stratum])
        return tuple(tuple(sets) for sets in out)


def sample_of(count: int) -> Index:
    """Return places among `count` that follow no pattern of the grid, all of them where they are few."""
    wanted = min(count, SAMPLE)
    every = np.arange(wanted)
    return ((every + (every * GOLDEN) % 1.0) * (count / wanted)).astype(np.intp) if wanted < count else every


def strata_of(x: Array) -> tuple[Strata, Index]:
    """Return strata, and to which each of the (pixel, band) values belongs.

    The stratum that varies most is cut across its longest axis, at its mean: principal direction divisive partitioning (Boley 1998,
    doi:10.1023/A:1009740529316).
    """
    scale = np.maximum(x.std(axis=0), 1e-9)
    x = x / scale
    cuts: list[Cut] = []
    kinds = np.zeros(len(x), np.intp)
    spread = {0: _longest(x)}
    while len(cuts) < STRATA - 1 and any(size > 0 for size, *_ in spread.values()):
        kind = max(spread, key=lambda k: (spread[k][0], -k))
        _, axis, place = spread[kind]
        inside = np.flatnonzero(kinds == kind)
        upper = inside[x[inside] @ axis > place]
        if min(len(upper), len(inside) - len(upper)) < LEAST_SAMPLE:
            spread[kind] = 0.0, axis, place
            continue
        cuts.append(Cut(kind, axis, place))
        kinds[upper] = len(cuts)
        for part in (kind, len(cuts)):
            spread[part] = _longest(x[kinds == part])
    return Strata(tuple(cuts), scale), kinds


def _longest(x: Array) -> tuple[float, Array, float]:
    """Return the sum of squares along the longest axis of (pixel, band) values, the axis, and where their mean lies along it."""
    mean = x.mean(axis=0)
    values, axes = np.linalg.eigh((x - mean).T @ (x - mean))
    axis = axes[:, -1] * (1.0 if axes[np.abs(axes[:, -1]).argmax(), -1] > 0 else -1.0)
    return float(values[-1]), axis, float(mean @ axis)


def places_of(rows: Index, cols: Index) -> Index:
    """Return the place, 0 to 63, of each pixel: parts of the seen ground that hold as many pixels each."""
    south = _parted(rows)
    out = np.empty(len(rows), np.intp)
    for part in range(PLACES):
        inside = np.flatnonzero(south == part)
        out[inside] = part * PLACES + _parted(cols[inside])
    return out


def _parted(along: Index) -> Index:
    """Return the part, 0 to 7, of each value of (pixel,) when they are put in order and cut into equal numbers."""
    out = np.empty(len(along), np.intp)
    out[np.argsort(along, kind="stable")] = np.arange(len(along)) * PLACES // max(len(along), 1)
    return out


def teachers(strata: Strata, kinds: Index, places: Index) -> list[Index]:
    """Return, for each stratum, the sampled pixels that what became of it is learnt from: of itself, or of a wider kind that lies at more places.

    Parameters
    ----------
    strata : Strata
    kinds, places : (pixel,) int
        Stratum and place of each sampled pixel.
    """
    known: dict[frozenset[int], Index] = {}
    out = []
    for sets in strata.wider:
        for kind in sets:
            if kind not in known:
                inside = np.flatnonzero(np.isin(kinds, list(kind)))
                known[kind] = next((pixels for say in SAYS if len(pixels := _balanced(inside, places, say)) >= LEAST_SAMPLE), inside[:0])
            if len(known[kind]):
                out.append(known[kind])
                break
        else:
            out.append(np.arange(len(kinds)))
    return out


def _balanced(inside: Index, places: Index, say: float) -> Index:
    """Return as many of the pixels `inside` as leave no place with a larger share than its say; none where they lie at too few places."""
    at = places[inside]
    counts = np.bincount(at, minlength=PLACES * PLACES)
    most = int(counts.max())
    while most > (fair := int(say * np.minimum(counts, most).sum())):
        most = fair
    order, size = np.argsort(at, kind="stable"), np.repeat(counts, counts)
    rank = np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts)
    # What a place gives lies all over it.
    given = (rank + 1) * most // np.maximum(size, 1) > rank * most // np.maximum(size, 1)
    return np.sort(inside[order[given]])
