"""A picture cut into small regions that follow its edges, and joined again into larger ones; all measures are sums over regions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi
from skimage.segmentation import watershed

from camwatch.detect._common import ramp

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """Small regions and their neighbourhoods.

    Attributes
    ----------
    labels : (y, x) int
        Region of each pixel, 0..n − 1.
    sums : (6, n) float
        Number of pixels and sums of row, column, row², column², row · column.
    tones : (n, band) float
        Mean tones in contrast units.
    green : (n,) float
        Sum of the greenness.
    first, second : (m,) int
        Regions that touch, each pair once, first < second.
    shared, step : (m,) float
        How many pixel sides the two share, and the sum of the edge strength along them.
    inside, grain : (n,) float
        How many pixel sides lie within a region, and the sum of the edge strength there.
    """

    labels: NDArray[np.intp]
    sums: NDArray[np.float64]
    tones: NDArray[np.float64]
    green: NDArray[np.float64]
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    shared: NDArray[np.float64]
    step: NDArray[np.float64]
    inside: NDArray[np.float64]
    grain: NDArray[np.float64]

    def merged(self, scale: float) -> NDArray[np.intp]:
        """Return the segment of each region, 0.. without gaps: neighbours are joined, most alike first, while the step between them stays below
        what either side has inside plus `scale` (contrast units × pixels) over its size.
        """
        weight = np.sqrt(((self.tones[self.first] - self.tones[self.second]) ** 2).sum(axis=1))
        order = np.argsort(weight, kind="stable")
        parent = list(range(len(self.tones)))
        size = self.sums[0].tolist()
        limit = [scale / s for s in size]

        def root(region: int) -> int:
            while parent[region] != region:
                parent[region] = region = parent[parent[region]]
            return region

        for first, second, w in zip(self.first[order].tolist(), self.second[order].tolist(), weight[order].tolist(), strict=True):
            a, b = root(first), root(second)
            if a != b and w <= limit[a] and w <= limit[b]:
                parent[b] = a
                size[a] += size[b]
                limit[a] = w + scale / size[a]
        roots = np.array(parent)
        while (roots[roots] != roots).any():
            roots = roots[roots]
        return np.asarray(np.unique(roots, return_inverse=True)[1], np.intp)

    def sums_of(self, layer: NDArray[np.intp], count: int) -> NDArray[np.float64]:
        """Return the (6, count) sums of the segments."""
        return np.stack([np.bincount(layer, row, count) for row in self.sums])

    def edges_of(self, layer: NDArray[np.intp], count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean edge strength along the outline of each segment, and inside it."""
        a, b = layer[self.first], layer[self.second]
        outer = a != b
        ends = np.concatenate([a[outer], b[outer]])
        outline = np.bincount(ends, np.tile(self.step[outer], 2), count) / np.maximum(np.bincount(ends, np.tile(self.shared[outer], 2), count), 1.0)
        inside = np.bincount(layer, self.inside, count) + np.bincount(a[~outer], self.shared[~outer], count)
        grain = np.bincount(layer, self.grain, count) + np.bincount(a[~outer], self.step[~outer], count)
        return outline, grain / np.maximum(inside, 1.0)

    def paired(self, layer: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the layer with each segment joined to the neighbour with which it makes the best rectangle, where each is the other's best.

        The lit and the shaded side of a gable are two segments, neither as wide as a house.
        """
        count = int(layer.max()) + 1
        sums = self.sums_of(layer, count)
        a, b = np.sort(np.stack([layer[self.first], layer[self.second]]), axis=0)
        outer = a != b
        codes, at = np.unique(a[outer] * count + b[outer], return_inverse=True)
        shared = np.bincount(at, self.shared[outer])
        first, second = codes // count, codes % count
        fill, _, _ = moment_rectangle(sums[:, first] + sums[:, second])
        length = np.minimum(*(moment_rectangle(sums[:, side])[1] for side in (first, second)))
        # 1.0 is a filled rectangle; the two must meet along most of the shorter one, as at a ridge.
        merit = ramp(fill, 0.70, 0.95) * ramp(shared / np.maximum(length, 1.0), 0.3, 0.8)
        best = np.zeros(count)
        np.maximum.at(best, first, merit)
        np.maximum.at(best, second, merit)
        mutual = (merit > 0.3) & (merit >= best[first]) & (merit >= best[second])
        joined = np.arange(count)
        joined[second[mutual]] = first[mutual]
        # A tie could chain three segments; following once more ends in a label that stands for itself or splits the chain, both harmless.
        return np.asarray(np.unique(joined, return_inverse=True)[1][layer], np.intp)


def regions_of(tones: NDArray[np.float32], green: NDArray[np.float64]) -> Regions:
    """Cut (band, y, x) `tones` in contrast units into regions of a few tens of pixels that follow the edges.

    The watershed of the edge strength from its minima (F. Meyer, Signal Processing 38, 1994, doi:10.1016/0165-1684(94)90060-4).
    """
    edges = np.sqrt(sum(ndi.gaussian_gradient_magnitude(tone, 0.7) ** 2 for tone in tones))
    smooth = ndi.gaussian_filter(edges, 0.7)
    minima, _ = ndi.label(ndi.minimum_filter(smooth, 3) == smooth)
    labels = np.asarray(watershed(edges, minima), np.intp) - 1  # type: ignore[no-untyped-call]  # scikit-image has no types here
    count = int(labels.max()) + 1
    flat = labels.ravel()
    row, col = (axis.ravel().astype(np.float64) for axis in np.indices(labels.shape))
    area = np.bincount(flat, minlength=count).astype(np.float64)
    sums = np.stack([area, *(np.bincount(flat, power, count) for power in (row, col, row * row, col * col, row * col))])
    means = np.stack([np.bincount(flat, tone.ravel(), count) / area for tone in tones], axis=1)
    inside, grain = np.zeros(count), np.zeros(count)
    pairs, values = [], []
    for here, there in ((np.s_[1:, :], np.s_[:-1, :]), (np.s_[:, 1:], np.s_[:, :-1])):
        a, b, value = labels[here].ravel(), labels[there].ravel(), ((edges[here] + edges[there]) / 2).ravel()
        same = a == b
        inside += np.bincount(a[same], minlength=count)
        grain += np.bincount(a[same], value[same], count)
        pairs.append(np.minimum(a, b)[~same] * count + np.maximum(a, b)[~same])
        values.append(value[~same])
    codes, at = np.unique(np.concatenate(pairs), return_inverse=True)
    return Regions(
        labels,
        sums,
        means,
        np.bincount(flat, green.ravel(), count).astype(np.float64),
        codes // count,
        codes % count,
        np.bincount(at).astype(np.float64),
        np.bincount(at, np.concatenate(values)).astype(np.float64),
        inside,
        grain,
    )


def moment_rectangle(sums: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return (share filled, long side, short side) of the rectangle with the second moments of (6, n) sums as in :class:`Regions`."""
    area, r, c, rr, cc, rc = sums
    area = np.maximum(area, 1.0)
    # + 1/12: the second moment of a pixel itself
    vrr, vcc, vrc = rr / area - (r / area) ** 2 + 1 / 12, cc / area - (c / area) ** 2 + 1 / 12, rc / area - r * c / area**2
    root = np.sqrt(((vrr - vcc) / 2) ** 2 + vrc**2)
    middle = (vrr + vcc) / 2
    long_side, short_side = np.sqrt(12.0 * (middle + root)), np.sqrt(12.0 * np.maximum(middle - root, 1 / 12))
    return area / (long_side * short_side), long_side, short_side
