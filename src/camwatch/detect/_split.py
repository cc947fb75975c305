"""From a likelihood plane to separate objects: neighbours are parted where the likelihood dips between them or where only a neck joins them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi
from skimage.segmentation import watershed

from camwatch.detect._common import ramp

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMOOTHING_PX = 0.7
"""Gaussian that evens the grain of a likelihood; it leaves the half-way level of a straight edge in its place."""

MARGIN_PX = 4
"""Ground around an object that is looked at."""

THREAD = np.ones((3, 3), bool)
"""What is thinner is no part of a building: hedges, drives, the seams of shadows."""

CONTRARY = (0.3, 0.7)
"""Difference of change evidence over which two parts turn from like to contrary."""

CONTRARY_SADDLE = 0.85
"""Contrary parts, one of them new, stay apart unless what joins them is as high, or as wide, as this share of the lower part."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Objects of one plane.

    Attributes
    ----------
    labels : (y, x) int32
        0 = ground, objects from 1 on by the row of their component.
    level : (n + 1,) float64
        Likelihood at which each object is outlined: half-way from the ground to its plateau, within the limits asked for.
    peak : (n + 1,) float64
        Mean likelihood of each object's plateau: of what passes 0.7 of the 90th percentile.
    sharpness : (n + 1,) float64
        Area above 0.7 of the peak over area above 0.3 of it, 0..1: 1 for a table mountain, less than a half for a hill.
    """

    labels: NDArray[np.int32]
    level: NDArray[np.float64]
    peak: NDArray[np.float64]
    sharpness: NDArray[np.float64]


def separate(
    plane: NDArray[np.float32], change: NDArray[np.float32], *, levels: tuple[float, float], seed: float, dip: float, neck: float, smallest_px: float
) -> Parts:
    """Part a likelihood into objects.

    Where the plane passes the lower level, hills are parted whose saddle lies under `dip` of the lower one's peak; each is cut half-way from the
    ground around it to its plateau; what is left is parted where a neck is narrower than `neck` of the narrower part. So houses some metres apart are
    counted one by one, a row that touches by a thin bridge too, while a hall with a dip in it, an L or a U stays one.

    Parameters
    ----------
    plane : (y, x) float32, 0..1
        Finite; 0 where nothing was seen.
    change : (y, x) float32, 0..1
        Evidence of change: parts that differ in it are parted at a shallower dip and at a wider neck.
    levels : (float, float)
        Lowest and highest likelihood that may outline an object.
    seed : float
        Peak that an object must have.
    dip, neck : float
        Shares, 0..1; see above.
    smallest_px : float
        Smaller objects are left out.

    References
    ----------
    .. [1] L. Najman, M. Schmitt, "Geodesic saliency of watershed contours and hierarchical segmentation", IEEE TPAMI 18(12), 1996,
       doi:10.1109/34.546254
    """
    components, count = ndi.label(plane > levels[0])
    labels = np.zeros(plane.shape, np.int32)
    found: list[tuple[float, float, float]] = [(0.0, 0.0, 0.0)]
    areas = np.bincount(components.ravel(), minlength=count + 1)
    for number, frame in enumerate(ndi.find_objects(components), 1):
        if areas[number] < smallest_px or plane[frame].max() < seed:
            continue
        # More on all sides: the filters see the ground around the component.
        wide = tuple(slice(max(s.start - MARGIN_PX, 0), s.stop + MARGIN_PX) for s in frame)
        mask = components[wide] == number
        soft = ndi.gaussian_filter(plane[wide], SMOOTHING_PX)
        hills = basins(np.where(mask, soft, 0.0), mask, dip, change[wide])
        for hill, inside in enumerate(ndi.find_objects(hills), 1):
            window = tuple(slice(w.start + i.start, w.start + i.stop) for w, i in zip(wide, inside, strict=True))
            own = hills[inside] == hill
            values = soft[inside][own]
            top = float(np.percentile(values, 90))
            # The mean of the plateau, since its brightest pixels are grain.
            peak = float(values[values > 0.7 * top].mean())
            if top < seed:
                continue
            level = min(max(0.5 * (peak + _ground_level(soft, inside)), levels[0]), levels[1])
            sharp = float((values > 0.7 * peak).sum()) / max(float((values > 0.3 * peak).sum()), 1.0)
            pieces = _unbridged(_without_threads(own & (soft[inside] > level), smallest_px), neck, change[window], smallest_px)
            for piece in range(1, int(pieces.max()) + 1):
                labels[window][pieces == piece] = len(found)
                found.append((level, peak, sharp))
    level, peak, sharpness = np.array(found).T
    return Parts(labels, level, peak, sharpness)


def _ground_level(soft: NDArray[np.floating], frame: tuple[slice, ...]) -> float:
    """Return the likelihood of the ground around an object: the tenth percentile along a frame around it, which may cross its neighbours."""
    (top, bottom), (left, right) = ((max(s.start - MARGIN_PX, 0), min(s.stop + MARGIN_PX, n) - 1) for s, n in zip(frame, soft.shape, strict=True))
    rows, cols = slice(top, bottom + 1), slice(left, right + 1)
    return float(np.percentile(np.concatenate([soft[top, cols], soft[bottom, cols], soft[rows, left], soft[rows, right]]), 10))


def _without_threads(mask: NDArray[np.bool_], smallest_px: float) -> NDArray[np.bool_]:
    """Return a mask without what is thinner than three pixels, where the smallest object is twice as wide."""
    return np.asarray(ndi.binary_opening(np.pad(mask, 1), THREAD)[1:-1, 1:-1], bool) if smallest_px >= 4 * THREAD.size else mask


def basins(relief: NDArray[np.floating], mask: NDArray[np.bool_], saddle: float, change: NDArray[np.floating]) -> NDArray[np.int32]:
    """Return the hills of a relief as labels 1, 2, … in `mask`: two are one where the pass between them reaches `saddle` of the lower peak.

    Passes are taken from the highest down, so that the answer depends on no order of labels.
    """
    markers, count = ndi.label(mask & (relief == ndi.maximum_filter(relief, size=3)), np.ones((3, 3)))
    if count < 2 or _is_one_hill(relief, mask, markers, count, saddle if _alike(change, mask) else max(saddle, CONTRARY_SADDLE)):
        return mask.astype(np.int32)
    basin = np.asarray(watershed(-relief, markers, mask=mask), np.int32)  # type: ignore[no-untyped-call]  # scikit-image has no types here
    top = np.zeros(count + 1)
    np.maximum.at(top, basin.ravel(), relief.ravel())
    area = np.bincount(basin.ravel(), minlength=count + 1).astype(np.float64)
    mean = np.bincount(basin.ravel(), change.ravel(), count + 1) / np.maximum(area, 1.0)
    root = list(range(count + 1))

    def find(n: int) -> int:
        while root[n] != n:
            root[n] = root[root[n]]
            n = root[n]
        return n

    for height, one, other in _passes(basin, relief):
        a, b = sorted((find(one), find(other)))
        needed = saddle + max(CONTRARY_SADDLE - saddle, 0.0) * float(ramp(abs(mean[a] - mean[b]), *CONTRARY))
        if a == b or height < needed * min(top[a], top[b]):
            continue
        root[b] = a
        top[a] = max(top[a], top[b])
        mean[a] = (mean[a] * area[a] + mean[b] * area[b]) / (area[a] + area[b])
        area[a] += area[b]
    roots = np.array([find(n) for n in range(count + 1)])
    return np.asarray(np.unique(roots, return_inverse=True)[1][basin], np.int32)


def _alike(change: NDArray[np.floating], mask: NDArray[np.bool_]) -> bool:
    """Whether no two parts of a mask can be contrary."""
    inside = change[mask]
    return bool(inside.max() - inside.min() <= CONTRARY[0])


def _is_one_hill(relief: NDArray[np.floating], mask: NDArray[np.bool_], markers: NDArray[np.int32], count: int, saddle: float) -> bool:
    """Whether every peak is joined to the highest at `saddle` of its own height: then :func:`basins` need not be drawn, which costs more."""
    at = np.flatnonzero(markers)
    of, height = markers.ravel()[at], relief.ravel()[at]
    peaks = np.zeros(count + 1)
    peaks[of] = height
    highest = np.argmax(height)
    left = peaks > 0.0
    while left.any():
        joined, _ = ndi.label(mask & (relief >= saddle * peaks[left].max()))
        where = joined.ravel()[at]
        reached = np.zeros(count + 1, bool)
        reached[of[where == where[highest]]] = True
        if not (left & reached).any():
            return False
        left &= ~reached
    return True


def _passes(basin: NDArray[np.int32], relief: NDArray[np.floating]) -> list[tuple[float, int, int]]:
    """Return (height, basin, basin) of the highest pass between basins that touch, the highest first."""
    found: list[tuple[NDArray[np.floating], NDArray[np.int64], NDArray[np.int64]]] = []
    for here, there in (
        ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
        ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
    ):
        one, other = basin[here], basin[there]
        meet = (one != other) & (one > 0) & (other > 0)
        height = np.minimum(relief[here], relief[there])[meet]
        found.append((-height, np.minimum(one, other)[meet].astype(np.int64), np.maximum(one, other)[meet].astype(np.int64)))
    depth, one, other = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((other, one, depth))
    _, first = np.unique((one * (int(basin.max()) + 1) + other)[order], return_index=True)
    rows = order[np.sort(first)]
    return [(-float(height), int(a), int(b)) for height, a, b in zip(depth[rows], one[rows], other[rows], strict=True)]


def _unbridged(mask: NDArray[np.bool_], neck: float, change: NDArray[np.floating], smallest_px: float) -> NDArray[np.int32]:
    """Return a mask's pieces as labels 1, 2, …, parted at necks; pieces under `smallest_px` left out, small holes filled."""
    pieces, count = ndi.label(mask)
    out = np.zeros(mask.shape, np.int32)
    number = 0
    for piece, frame in zip(range(1, count + 1), ndi.find_objects(pieces), strict=True):
        solid = _without_small_holes(np.pad(pieces[frame] == piece, 1), smallest_px)
        if solid.sum() < smallest_px:
            continue
        # The distance to the edge, not to the centre of the pixel beyond it: a bridge of one pixel is half a pixel from both.
        half_width = ndi.distance_transform_edt(solid) - 0.5 * solid
        parts = basins(half_width, solid, neck, np.pad(change[frame], 1, mode="edge"))[1:-1, 1:-1]
        sizes = np.bincount(parts.ravel())
        for part in np.flatnonzero(sizes >= smallest_px):
            if part:
                number += 1
                out[frame][parts == part] = number
    return out


def _without_small_holes(mask: NDArray[np.bool_], smallest_px: float) -> NDArray[np.bool_]:
    """Return a mask with the holes filled that are too small to be a courtyard."""
    holes, count = ndi.label(~mask)
    if count < 2:
        return mask
    small = np.bincount(holes.ravel()) < smallest_px
    small[0] = False
    small[holes[0, 0]] = False
    return np.asarray(mask | small[holes])
