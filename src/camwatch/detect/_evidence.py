"""The objects of one date held against the other date: how much of each the other lacks, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import ndimage as ndi

from camwatch.detect._common import ramp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.detect._split import Parts

State = Literal["left out", "changed", "stands", "partly", "rebuilt"]

FLOOR = 0.05
"""Least that either kind of evidence counts: what one of them denies, the other alone cannot carry over a half, nor is it lost for ranking."""

PARTLY = (0.20, 0.80)
"""Share of a building that must have changed, and may have, so that it is altered rather than new, gone or the same."""

SEEN = 0.70
"""Share of an object's pixels that the other date must show."""

RAW_WEIGHTS = {"change_evidence": 0.35, "change_likelihood": 0.45, "likelihood": 0.20}
"""Exponents of the raw score, a weighted geometric mean."""

SMALL = (0.80, 6.0)
"""What is left of the raw score of the smallest object, and how many times as large one must be to keep all: small ones are wrong more often."""

CUT_OFF = (0.10, 0.30, 0.75)
"""Shares of an object's rim with nothing seen beyond: up to the first its raw score keeps all, from the second on the third: no wall closes it."""


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """The pixels of the objects of one date, listed."""

    rows: NDArray[np.intp]
    cols: NDArray[np.intp]
    label: NDArray[np.int32]
    number: NDArray[np.float64]

    @classmethod
    def of(cls, labels: NDArray[np.int32], count: int) -> Pixels:
        """Return the labelled pixels of a plane; `count` is the number of labels with the ground."""
        rows, cols = np.nonzero(labels)
        label = labels[rows, cols]
        return cls(rows, cols, label, np.bincount(label, minlength=count).astype(np.float64))

    def total(self, values: NDArray[np.floating] | NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the sums of what is given by listed pixel, by label."""
        return np.bincount(self.label, values, len(self.number)).astype(np.float64)

    def mean(self, values: NDArray[np.floating] | NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the means of what is given by listed pixel, by label."""
        return np.asarray(self.total(values) / np.maximum(self.number, 1.0))


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """The objects of one date held against the other.

    Attributes
    ----------
    parts : Parts
    pixels : Pixels
        Of all objects.
    evidence : (n,) float64, 0..1
        That a listed pixel's building is absent from the other date.
    states : tuple of str
        By label (0 = ground): what became of each object.
    raw : (labels,) float64, 0..1
        Evidence for it.
    measures : mapping of str to (labels,) float64
        What stands behind it.
    """

    parts: Parts
    pixels: Pixels
    evidence: NDArray[np.float64]
    states: tuple[State, ...]
    raw: NDArray[np.float64]
    measures: dict[str, NDArray[np.float64]]


def held_against(
    parts: Parts,
    own: NDArray[np.float32],
    other: NDArray[np.float32],
    change: tuple[NDArray[np.float32], NDArray[np.float32]],
    seen: NDArray[np.bool_],
    *,
    reach: float,
    weight: float,
    smallest_px: float,
) -> Side:
    """Hold the objects of one date against the other date's plane; `change` is the evidence that they came (or went), and of the contrary."""
    pixels = Pixels.of(parts.labels, len(parts.level))
    here, said, contrary = (plane[pixels.rows, pixels.cols].astype(np.float64) for plane in (own, *change))
    there, kept = _best_cover(here, other, pixels, reach)
    lacking = np.clip(1.0 - there / np.maximum(here, 1e-6), 0.0, 1.0)
    evidence = np.maximum(said, FLOOR) ** weight * np.maximum(lacking, FLOOR) ** (1.0 - weight)
    changed = evidence > 0.5
    measures = {
        "likelihood": pixels.mean(here),
        "other_date": pixels.mean(there),
        "change_likelihood": pixels.mean(said),
        "kept_share": kept,
        "change_evidence": pixels.mean(evidence),
        "changed_share": pixels.mean(changed),
        "rebuilt": pixels.mean(np.minimum(said, contrary)),
        "sharpness": parts.sharpness,
    }
    raw = np.prod([measures[name] ** exponent for name, exponent in RAW_WEIGHTS.items()], axis=0)
    raw *= SMALL[0] + (1.0 - SMALL[0]) * ramp(pixels.number, smallest_px, SMALL[1] * smallest_px)
    raw *= 1.0 - (1.0 - CUT_OFF[2]) * ramp(_cut_off(parts.labels, pixels, seen, reach), *CUT_OFF[:2])
    # That a part changed and another did not is as certain as the less certain of the two; both were told by a half, which is no evidence yet.
    new = pixels.total(evidence * changed) / np.maximum(pixels.total(changed), 1.0)
    old = pixels.total((1.0 - evidence) * ~changed) / np.maximum(pixels.total(~changed), 1.0)
    split = np.maximum(2.0 * np.minimum(new, old) - 1.0, 0.0)
    thick = (split > raw) & _thick_on_both(parts.labels, pixels, changed, reach, smallest_px)
    raw = np.select([measures["rebuilt"] >= 0.5, thick], [measures["rebuilt"], split], raw)
    unseen = pixels.mean(seen[pixels.rows, pixels.cols]) < SEEN
    raw[unseen] = 0.0
    came = (measures["change_evidence"] >= 0.5) | (kept < 0.5)
    told: list[NDArray[np.bool_]] = [unseen, measures["rebuilt"] >= 0.5, thick, came]
    names: tuple[State, ...] = ("left out", "rebuilt", "partly", "changed", "stands")
    states = tuple(names[int(k)] for k in np.argmax([*told, np.ones(len(kept), bool)], axis=0))
    return Side(parts, pixels, evidence, ("left out", *states[1:]), raw, measures)


def _best_cover(
    here: NDArray[np.float64], other: NDArray[np.float32], pixels: Pixels, reach: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (the other date's plane by pixel, the share of each object that it covers) under each object's best shift; short shifts come first."""
    whole = round(np.ceil(reach))
    steps = range(-whole, whole + 1)
    shifts = sorted(((down, right) for down in steps for right in steps if np.hypot(down, right) <= reach + 0.5), key=lambda s: (np.hypot(*s), s))
    height, width = other.shape
    total = np.maximum(pixels.total(here), 1e-9)
    best, kept = np.zeros(len(here)), np.full(len(total), -1.0)
    for down, right in shifts:
        there = other[(pixels.rows + down).clip(0, height - 1), (pixels.cols + right).clip(0, width - 1)].astype(np.float64)
        share = pixels.total(np.minimum(there, here)) / total
        better = share > kept + 0.01
        if better.any():
            kept[better] = share[better]
            best = np.where(better[pixels.label], there, best)
    return best, kept


def _cut_off(labels: NDArray[np.int32], pixels: Pixels, seen: NDArray[np.bool_], reach: float) -> NDArray[np.float64]:
    """Return by label the share of its rim, 0..1, beyond which the picture ends or one of the dates is hidden."""
    step = round(np.ceil(reach))
    rim, blind = np.zeros(len(pixels.number)), np.zeros(len(pixels.number))
    framed, shown = np.pad(labels, step), np.pad(seen, step)
    for down, right in ((0, step), (2 * step, step), (step, 0), (step, 2 * step)):
        at = pixels.rows + down, pixels.cols + right
        outside = framed[at] != pixels.label
        rim += pixels.total(outside)
        blind += pixels.total(outside & ~shown[at])
    return np.asarray(blind / np.maximum(rim, 1.0))


def _thick_on_both(labels: NDArray[np.int32], pixels: Pixels, changed: NDArray[np.bool_], reach: float, smallest_px: float) -> NDArray[np.bool_]:
    """Return by label whether a part that changed and one that did not are both wider than the tolerance on either side, and large enough."""
    share = pixels.mean(changed)
    out = np.zeros(len(share), bool)
    asked = np.flatnonzero((share > PARTLY[0]) & (share < PARTLY[1]))
    if not asked.size:
        return out
    plane = np.zeros(labels.shape, bool)
    plane[pixels.rows, pixels.cols] = changed
    frames = ndi.find_objects(labels)
    probe = np.ones((2 * round(np.ceil(reach)) + 1,) * 2, bool)
    for n in asked:
        mine, new = labels[frames[n - 1]] == n, plane[frames[n - 1]]
        out[n] = all(ndi.binary_opening(np.pad(part, 1), probe).sum() >= smallest_px for part in (mine & new, mine & ~new))
    return out
