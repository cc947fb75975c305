"""The decision per building: appeared, removed, altered or unchanged, from what a model says of two dates and of the change between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi

from camwatch.detect._evidence import held_against
from camwatch.detect._split import separate
from camwatch.imagery.work import for_each

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from camwatch.detect._evidence import Side
    from camwatch.detect._model import Likelihoods
    from camwatch.detect._split import Parts
    from camwatch.detect._structure_params import StructureParams
    from camwatch.findings import Change

LIFT = 1.0 / 3.0
"""How far a higher change likelihood raises the single-date one: a new building of which that is unsure counts, and gaps between others stay open."""

SAME_GROUND = 0.50
"""Overlap (IoU) of a building that went with one that came from which it is one building rebuilt."""

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
    score : (2, y, x) float32, 0..1
        Evidence of what went and of what came, shaped by the objects; NaN where a date is not seen.
    """

    parts: tuple[Parts, Parts]
    planes: tuple[NDArray[np.float32], NDArray[np.float32]]
    buildings: tuple[Building, ...]
    score: NDArray[np.float32]


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

    def side(date: int) -> Side:
        own, other, change, contrary = standing[date], standing[1 - date], direct[date], direct[1 - date]
        parts = separate(
            own, change, levels=params.model_levels, seed=params.model_seed, dip=params.model_dip, neck=params.model_neck, smallest_px=smallest_px
        )
        return held_against(parts, own, other, (change, contrary), seen, reach=reach, weight=params.model_direct, smallest_px=smallest_px)

    sides = for_each(side, (0, 1), at_once=True)
    score = np.stack(for_each(lambda date: _ranked(direct[date], sides[date], sides[1 - date], reach), (0, 1), at_once=True))
    score[:, ~seen] = np.nan
    return Decision((sides[0].parts, sides[1].parts), (standing[0], standing[1]), _buildings(*sides), score)


def _ranked(change: NDArray[np.float32], side: Side, other: Side, reach: float) -> NDArray[np.float32]:
    """Return the evidence by pixel, (y, x) in 0..1, that a date's buildings are absent from the other one: of objects where there are any.

    An object counts for as much as its evidence, and its pixels differ by theirs. No outline is known better than the tolerance: each pixel takes
    the geometric mean of its own evidence and of the strongest within reach, so that the rim of what changed ranks before ground far from it.
    """
    ranked = change.copy()
    ranked[other.pixels.rows, other.pixels.cols] = 0.0
    ranked[side.pixels.rows, side.pixels.cols] = np.sqrt(side.evidence * side.raw[side.pixels.label])
    strongest = ndi.maximum_filter(ranked, size=2 * round(np.ceil(reach)) + 1)
    return np.asarray(ndi.gaussian_filter(np.sqrt(ranked * strongest), GRAIN_PX), np.float32)


def _buildings(before: Side, after: Side) -> tuple[Building, ...]:
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
            found.append(_building(after, 1, a, "altered", float(np.sqrt(after.raw[a] * before.raw[replaced[a]]))))
        elif state in ("changed", "partly"):
            found.append(_building(after, 1, a, "appeared" if state == "changed" else "altered", float(after.raw[a])))
        elif state != "left out" and a not in left:
            found.append(_standing(after, 1, a))
    gone = set(replaced.values())
    for b, state in enumerate(before.states):
        if state == "changed" and b not in gone:
            found.append(_building(before, 0, b, "removed", float(before.raw[b])))
        elif state == "partly" and grown[b] < 0.5 * earlier[b]:
            found.append(_building(before, 0, b, "altered", float(before.raw[b])))
        elif state in ("stands", "rebuilt") and told[b] < 0.5 * earlier[b]:
            found.append(_standing(before, 0, b))
    return tuple(found)


def _building(side: Side, date: int, label: int, change: Change, raw: float) -> Building:
    """Return the record of an object."""
    return Building(change, date, label, raw, {name: float(values[label]) for name, values in side.measures.items()})


def _standing(side: Side, date: int, label: int) -> Building:
    """Return the record of an object that was altered as a whole, or that stays."""
    if side.states[label] == "rebuilt":
        return _building(side, date, label, "altered", float(side.raw[label]))
    stays = float(side.measures["likelihood"][label] * (1.0 - side.measures["change_evidence"][label]))
    return _building(side, date, label, "unchanged", stays)
