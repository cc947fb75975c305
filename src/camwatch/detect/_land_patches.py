"""Changed pixels to polygons: patches of one class, no smaller than the mapping unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi

from camwatch.detect._land_cover import CHANGES, CLASSES
from camwatch.findings import Finding
from camwatch.rasters import polygons_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    Measured = Mapping[str, NDArray[np.floating]]

SIDES = ndi.generate_binary_structure(2, 1)


def patches(classes: NDArray[np.uint8], least_px: int) -> NDArray[np.int32]:
    """Return (y, x) labels, 1, 2, …, of patches of one class that meet along sides and hold at least `least_px` pixels; 0 elsewhere.

    Smaller patches go to the class about them where there is one: a field is one patch though some of its pixels fell on the other side of a limit.
    """
    merged = np.where(_gathered(classes > 0, least_px), classes, 0).astype(np.uint8)
    for code in range(1, len(CLASSES) + 1):
        labels, count = ndi.label(merged == code, SIDES)
        if not count:
            continue
        small = np.flatnonzero(np.bincount(labels.ravel())[1:] < least_px) + 1
        inside = np.isin(labels, small)
        if not inside.any():
            continue
        votes = [ndi.uniform_filter(((merged == other) & ~inside).astype(np.float32), 3) for other in range(1, len(CLASSES) + 1)]
        most = np.argmax(votes, axis=0)
        merged[inside] = np.where(np.max(votes, axis=0) > 0, most + 1, 0)[inside]
    out = np.zeros(classes.shape, np.int32)
    total = 0
    for code in range(1, len(CLASSES) + 1):
        labels, count = ndi.label(merged == code, SIDES)
        sizes = np.bincount(labels.ravel(), minlength=count + 1)
        kept = np.flatnonzero(sizes[1:] >= least_px) + 1
        number = np.zeros(count + 1, np.int32)
        number[kept] = total + 1 + np.arange(len(kept))
        out = np.maximum(out, number[labels])
        total += len(kept)
    return out


def _gathered(changed: NDArray[np.bool_], least_px: int) -> NDArray[np.bool_]:
    """Return the pixels that meet along sides in groups of `least_px` and more."""
    labels, _ = ndi.label(changed, SIDES)
    enough = np.bincount(labels.ravel()) >= least_px
    enough[0] = False
    gathered: NDArray[np.bool_] = enough[labels]
    return gathered


def records_of(
    labels: NDArray[np.int32], classes: NDArray[np.uint8], geobox: GeoBox, *, score: NDArray[np.float32], measured: Measured
) -> tuple[Finding, ...]:
    """Return a record for each patch, from the north-west to the south-east: its class is the one that most of its pixels have.

    Parameters
    ----------
    labels : (y, x) int32
    classes : (y, x) uint8
        Places in :data:`CLASSES`, counted from 1.
    geobox : GeoBox
    score : (y, x) float32, 0..1
        A record's score is the mean over its patch.
    measured : mapping of name to (y, x) plane
        Of which each record gets the mean of what is finite.
    """
    pixel_m2 = abs(float(geobox.affine.determinant))
    places = ndi.find_objects(labels)
    records = []
    for number, outline in polygons_of(labels, geobox).items():
        part = places[number - 1]
        inside = labels[part] == number
        name = CLASSES[int(np.bincount(classes[part][inside]).argmax()) - 1]
        means = {key: _mean(plane[part][inside]) for key, plane in measured.items()}
        records.append((outline, name, float(np.nanmean(score[part][inside])), float(inside.sum()) * pixel_m2, means))
    records.sort(key=lambda r: (-r[0].bounds[3], r[0].bounds[0], r[1]))
    return tuple(
        Finding(f"land-{n:04d}", "landcover", change_of(name), outline, certainty, area, {"class": name, **means})
        for n, (outline, name, certainty, area, means) in enumerate(records, 1)
    )


def change_of(name: str) -> Literal["appeared", "removed", "altered"]:
    """Return how a class is counted."""
    return CHANGES[name]


def _mean(values: NDArray[np.floating]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
