"""The decision per building: appeared, removed, altered or unchanged, from what a model says of two dates and of the change between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import ndimage as ndi

from camwatch.detect._common import ramp
from camwatch.detect._split import Parts, separate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from camwatch.detect._model import Likelihoods
    from camwatch.detect.structures import StructureParams
    from camwatch.findings import Change

State = Literal["left out", "changed", "stands", "partly", "rebuilt"]

FLOOR = 0.05
"""Least that either kind of evidence counts: what one of them denies, the other alone cannot carry over a half, nor is it lost for ranking."""

LIFT = 1.0 / 3.0
"""How far a higher change likelihood raises the single-date one: a new building of which that is unsure counts, and gaps between others stay open."""

PARTLY = (0.20, 0.80)
"""Share of a building that must have changed, and may have, so that it is altered rather than new, gone or the same."""

SAME_GROUND = 0.50
"""Overlap (IoU) of a building that went with one that came from which it is one building rebuilt."""

SEEN = 0.70
"""Share of an object's pixels that the other date must show."""

RAW_WEIGHTS = {"change_evidence": 0.35, "change_likelihood": 0.45, "likelihood": 0.20}
"""Exponents of the raw score, a weighted geometric mean."""

SMALL = (0.80, 6.0)
"""What is left of the raw score of the smallest object, and how many times as large one must be to keep all: small ones are wrong more often."""

CUT_OFF = (0.10, 0.30, 0.75)
"""Shares of an object's rim with nothing seen beyond: up to the first its raw score keeps all, from the second on the third: no wall closes it."""

GRAIN_PX = 1.0
"""Gaussian that evens the grain of the score raster."""


@dataclass(frozen=True, slots=True, eq=False)
class Building:
    """One building, decided.

    Attributes
    ----------
    change : {"appeared", "removed", "altered", "unchanged"}
    date : {0, 1}
        Whose objects its outline is taken from: 0 = before, 1 = after.
    label : int
        Among the objects of that date.
    raw : float
        Evidence for the change, or for the absence of one, 0..1.
    measures : mapping of str to float
    """

    change: Change
    date: int
    label: int
    raw: float
    measures: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """The buildings of a pair.

    Attributes
    ----------
    parts : (Parts, Parts)
        Objects of the two dates.
    planes : (array, array)
        (y, x) float32 each: the likelihoods that outline them.
    buildings : tuple of Building
        Those of the later date first, each in the order of their labels.
    score : (y, x) float32, 0..1
        Change evidence shaped by the objects; NaN where a date is not seen.
    """

    parts: tuple[Parts, Parts]
    planes: tuple[NDArray[np.float32], NDArray[np.float32]]
    buildings: tuple[Building, ...]
    score: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class _Pixels:
    """The pixels of the objects of one date, listed."""

    rows: NDArray[np.intp]
    cols: NDArray[np.intp]
    label: NDArray[np.int32]
    number: NDArray[np.float64]

    @classmethod
    def of(cls, labels: NDArray[np.int32], count: int) -> _Pixels:
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
class _Side:
    """The objects of one date held against the other: their pixels with the evidence of change, and by label (row 0 = ground) the rest."""

    parts: Parts
    pixels: _Pixels
    evidence: NDArray[np.float64]
    states: tuple[State, ...]
    raw: NDArray[np.float64]
    measures: dict[str, NDArray[np.float64]]

    def building(self, date: int, label: int, change: Change, raw: float) -> Building:
        """Return the record of an object."""
        return Building(change, date, label, raw, {name: float(values[label]) for name, values in self.measures.items()})

    def standing(self, date: int, label: int) -> Building:
        """Return the record of an object that was altered as a whole, or that stays."""
        if self.states[label] == "rebuilt":
            return self.building(date, label, "altered", float(self.raw[label]))
        stays = float(self.measures["likelihood"][label] * (1.0 - self.measures["change_evidence"][label]))
        return self.building(date, label, "unchanged", stays)


def decide(planes: Likelihoods, params: StructureParams, smallest_px: float) -> Decision:
    """Decide which buildings came, went, were altered, or stayed.

    At each date a building is where the single-date likelihood is high, raised by a third of the way to the change likelihood of that date where this
    is higher; the parts of that plane are its objects. Each is held against the other date's plane under the shift within the tolerance that brings
    most of it to cover, so that misregistration, lean and shade along one side make nothing new. Evidence of change is, by pixel, the weighted
    geometric mean of the model's own change likelihood and of what the other date lacks.

    An object with evidence all over is new (or gone); with evidence over a part that is thicker than the tolerance and another such part without,
    altered; a new one on the ground of one that went is altered too (rebuilt). The rest, where the other date covers it, is unchanged. One building
    is one record, whatever the two dates make of it.

    Parameters
    ----------
    planes : Likelihoods
    params : StructureParams
    smallest_px : float
        Area of the smallest object in working pixels.

    References
    ----------
    .. [1] G. Chen, G. J. Hay, L. M. T. Carvalho, M. A. Wulder, "Object-based change detection", Int. J. Remote Sensing 33(14), 2012,
       doi:10.1080/01431161.2011.648285
    """
    seen = np.isfinite(planes.structure_before) & np.isfinite(planes.structure_after)
    direct = [np.nan_to_num(plane) for plane in (planes.removed, planes.appeared)]
    single = [np.nan_to_num(plane) for plane in (planes.structure_before, planes.structure_after)]
    standing = [np.maximum(s, s + LIFT * (d - s)) for s, d in zip(single, direct, strict=True)]
    reach = max(params.tolerance_m / planes.pixel_m, 1.0)
    sides = []
    for date in (0, 1):
        own, other, change, contrary = standing[date], standing[1 - date], direct[date], direct[1 - date]
        parts = separate(
            own, change, levels=params.model_levels, seed=params.model_seed, dip=params.model_dip, neck=params.model_neck, smallest_px=smallest_px
        )
        sides.append(_held_against(parts, own, other, (change, contrary), seen, reach=reach, weight=params.model_direct, smallest_px=smallest_px))
    score = _ranked(np.maximum(*direct), sides, reach)
    score[~seen] = np.nan
    return Decision((sides[0].parts, sides[1].parts), (standing[0], standing[1]), _buildings(*sides), score)


def _ranked(change: NDArray[np.float32], sides: list[_Side], reach: float) -> NDArray[np.float32]:
    """Return the evidence of change by pixel, (y, x) in 0..1: that of the objects in place of the network's where there are any.

    An object counts for as much as its evidence, and its pixels differ by theirs. No outline is known better than the tolerance: each pixel takes
    the geometric mean of its own evidence and of the strongest within reach, so that the rim of what changed ranks before ground far from it.
    """
    for side in sides:
        change[side.pixels.rows, side.pixels.cols] = 0.0
    for side in sides:
        at = side.pixels.rows, side.pixels.cols
        shaped = np.sqrt(side.evidence * side.raw[side.pixels.label]).astype(np.float32)
        change[at] = np.maximum(change[at], shaped)
    strongest = ndi.maximum_filter(change, size=2 * round(np.ceil(reach)) + 1)
    return np.asarray(ndi.gaussian_filter(np.sqrt(change * strongest), GRAIN_PX), np.float32)


def _held_against(
    parts: Parts,
    own: NDArray[np.float32],
    other: NDArray[np.float32],
    change: tuple[NDArray[np.float32], NDArray[np.float32]],
    seen: NDArray[np.bool_],
    *,
    reach: float,
    weight: float,
    smallest_px: float,
) -> _Side:
    """Hold the objects of one date against the other date's plane; `change` is the evidence that they came (or went), and of the contrary."""
    pixels = _Pixels.of(parts.labels, len(parts.level))
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
    return _Side(parts, pixels, evidence, ("left out", *states[1:]), raw, measures)


def _best_cover(
    here: NDArray[np.float64], other: NDArray[np.float32], pixels: _Pixels, reach: float
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


def _cut_off(labels: NDArray[np.int32], pixels: _Pixels, seen: NDArray[np.bool_], reach: float) -> NDArray[np.float64]:
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


def _thick_on_both(labels: NDArray[np.int32], pixels: _Pixels, changed: NDArray[np.bool_], reach: float, smallest_px: float) -> NDArray[np.bool_]:
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


def _buildings(before: _Side, after: _Side) -> tuple[Building, ...]:
    """Return one record a building from the objects of both dates."""
    both = after.parts.labels[before.pixels.rows, before.pixels.cols]
    pairs, common = np.unique(np.stack([before.pixels.label[both > 0], both[both > 0]]), axis=1, return_counts=True)
    over = [(int(b), int(a), float(n)) for (b, a), n in zip(pairs.T, common, strict=True)]
    earlier, later = before.pixels.number, after.pixels.number
    replaced = {a: b for b, a, n in over if before.states[b] == after.states[a] == "changed" and n >= SAME_GROUND * (earlier[b] + later[a] - n)}
    # What is left of a building that lost a part is told with the whole of it; what a building stood on that grew, with the whole too.
    left = {a for b, a, n in over if before.states[b] == "partly" and after.states[a] == "stands" and n >= 0.5 * later[a]}
    told, grown = np.zeros(len(earlier)), np.zeros(len(earlier))
    for b, a, n in over:
        told[b] += n * (after.states[a] != "left out")
        grown[b] += n * (after.states[a] == "partly")
    found: list[Building] = []
    for a, state in enumerate(after.states):
        if state == "changed" and a in replaced:
            found.append(after.building(1, a, "altered", float(np.sqrt(after.raw[a] * before.raw[replaced[a]]))))
        elif state in ("changed", "partly"):
            found.append(after.building(1, a, "appeared" if state == "changed" else "altered", float(after.raw[a])))
        elif state != "left out" and a not in left:
            found.append(after.standing(1, a))
    gone = set(replaced.values())
    for b, state in enumerate(before.states):
        if state == "changed" and b not in gone:
            found.append(before.building(0, b, "removed", float(before.raw[b])))
        elif state == "partly" and grown[b] < 0.5 * earlier[b]:
            found.append(before.building(0, b, "altered", float(before.raw[b])))
        elif state in ("stands", "rebuilt") and told[b] < 0.5 * earlier[b]:
            found.append(before.standing(0, b))
    return tuple(found)
