"""Where one picture looks like a building: a likelihood from shape, edges, vegetation and shadow, with nothing trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi

from camwatch.detect._common import blocks, filled, greenness, guessed_azimuth, ramp, robust_sd, shadow_step
from camwatch.detect._regions import moment_rectangle, regions_of
from camwatch.detect._sides import closed_sides, shade_beside
from camwatch.imagery.image import LUMINANCE, Sun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.detect._regions import Regions
    from camwatch.imagery.image import Image

WORK_M = 1.0
"""Metres of a working pixel: buildings of 15 m² and more need no finer one, and the cost falls with its square."""

SCALES_M2 = (15.0, 40.0, 100.0)
"""Steps that merging regions may cross, in contrast units × m²: roof facets, small houses, large ones."""

UNSHADED = (0.3, 0.1)
"""What is left of a rating where no shade falls: the sun's direction was guessed; it is known. Nothing 2.5 m high stands in the sun without shade."""

CLOSED = (0.20, 0.45)
"""Step across the weakest side over the mean of the four: what goes on past one side, as strips and fields do, and what ends on all sides."""


def roof_likelihood(image: Image) -> NDArray[np.float32]:
    """Return how much each pixel looks like part of a building.

    Segments of three sizes are rated by how well a rectangle fits them, by size, by edge contrast against their inside, by the weakest of their
    four sides, by vegetation, and by shade on the side away from the sun; each pixel takes its best segment.

    Parameters
    ----------
    image : Image

    Returns
    -------
    (y, x) float32, 0..1
        NaN where not valid. Not a calibrated probability.

    Notes
    -----
    Works on one panchromatic band, then without the vegetation cue. Where the sun is unknown its azimuth is guessed from the picture; where that
    fails too, shade counts as half present everywhere. Fails on roofs of the ground's own tone and on grown-over ones; patches of bare ground or
    paving with straight edges beside a shadow pass as roofs.

    References
    ----------
    .. [1] P. F. Felzenszwalb, D. P. Huttenlocher, "Efficient graph-based image segmentation", IJCV 59(2), 2004,
       doi:10.1023/B:VISI.0000022288.19776.77
    .. [2] A. O. Ok, "Automated detection of buildings from single VHR multispectral images using shadow information and graph cuts",
       ISPRS J. 86, 2013, doi:10.1016/j.isprsjprs.2013.09.004
    """
    factor = work_factor(image)
    pixel = image.pixel_m * factor
    bands = blocks(filled(image.values, image.valid), factor)
    tones = contrast_tones(image.bands, bands, pixel)
    azimuth = image.sun.azimuth_deg if image.sun is not None else guessed_azimuth(image)
    step = None
    if azimuth is not None:
        rows, cols = shadow_step(Sun(azimuth, 45.0), image.geobox)
        step = (rows / factor, cols / factor)
    likelihood = _best_ratings(tones, greenness(image.bands, bands), pixel, step, certain=image.sun is not None).astype(np.float32)
    full = likelihood.repeat(factor, 0).repeat(factor, 1)[: image.valid.shape[0], : image.valid.shape[1]]
    return np.where(image.valid, full, np.float32(np.nan))


def work_factor(image: Image) -> int:
    """Return how many grid pixels make a working pixel."""
    return max(int(max(WORK_M, image.gsd_m) / image.pixel_m + 1e-6), 1)


def contrast_tones(names: tuple[str, ...], bands: NDArray[np.float32], pixel: float) -> NDArray[np.float32]:
    """Return luminance first, then three times each visible band's departure from it, over the spread of the luminance within 50 m.

    Roofs differ from lawns more in hue than in brightness. The square root evens the noise of bright and dark ground and lets dark roofs count.
    """
    rows = [i for i, name in enumerate(names) if name in ("red", "green", "blue")] or list(range(len(bands)))
    if "pan" in names:
        rows = [names.index("pan")]
    roots = np.sqrt(np.maximum(bands[rows], 0.0))
    mean = roots.mean(axis=0)
    tones = np.stack([mean, *(3.0 * (roots - mean) if len(rows) > 1 else ())]).astype(np.float32)
    contrast = mean - ndi.uniform_filter(mean, 2 * round(50.0 / pixel) + 1)
    return np.asarray(tones / np.float32(robust_sd(contrast)), np.float32)


def luminance_of(names: tuple[str, ...], bands: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the luminance of (band, y, x) planes, as :meth:`camwatch.imagery.image.Image.luminance` weighs them."""
    weights = [LUMINANCE.get(name, 0.0) for name in names]
    if sum(weights) < 1.0 - 1e-6:
        weights = [1.0 / len(names)] * len(names)
    return np.asarray(np.tensordot(np.array(weights, np.float32), bands, 1), np.float32)


def _best_ratings(
    tones: NDArray[np.float32], green: NDArray[np.float64], pixel: float, step: tuple[float, float] | None, *, certain: bool
) -> NDArray[np.float64]:
    """Return at each pixel the rating of the best-rated segment of any scale; `step` is (rows, cols) of shadow for each metre, None = unknown."""
    base = regions_of(tones, green)
    best = np.zeros(len(base.green))
    for scale in SCALES_M2:
        found = base.merged(scale / pixel**2)
        for layer in (found, base.paired(found)):
            best = np.maximum(best, _rate(base, layer, tones, pixel, step, certain=certain)[layer])
    return best[base.labels]


def _rate(
    base: Regions, layer: NDArray[np.intp], tones: NDArray[np.float32], pixel: float, step: tuple[float, float] | None, *, certain: bool
) -> NDArray[np.float64]:
    """Return 0..1 by segment (numbered from 0 without gaps): rectangle, size, elongation, edge against inside, four sides, shade, no vegetation."""
    count = int(layer.max()) + 1
    sums = base.sums_of(layer, count)
    area = sums[0]
    fill, long_px, short_px = moment_rectangle(sums)
    edge, texture = base.edges_of(layer, count)
    area_m2, long_m, short_m = area * pixel**2, long_px * pixel, short_px * pixel
    rating: NDArray[np.float64] = (
        ramp(area_m2, 10.0, 60.0)
        * ramp(area_m2, 6000.0, 3000.0)
        * ramp(short_m, 2.0, 4.0)
        * ramp(short_m, 50.0, 35.0)
        * ramp(long_m / short_m, 7.0, 4.0)
        * ramp(edge / np.maximum(texture, 0.05), 1.0, 1.8)
        * (1.0 - ramp(np.bincount(layer, base.green, count) / area, 0.0, 1.0))
        * (fill > 0.5)
    )
    # Counting the pixels in a rectangle and looking along its sides are the dearest measures: only what is left is asked.
    left = rating > 0.1
    number = np.where(left, np.cumsum(left), 0)
    labels = number[layer][base.labels]
    rows, cols = np.nonzero(labels)
    if not rows.size:
        return np.zeros(count)
    fit, frame = fit_rectangles(labels[rows, cols], rows, cols, int(number.max()) + 1)
    shape = ramp(fit, 0.50, 0.85)
    good = np.flatnonzero(shape * (np.arange(len(shape)) > 0))
    closed = np.zeros(len(shape))
    closed[good] = ramp(closed_sides(tones, frame[:, good], pixel), *CLOSED)
    shade, floor = np.full(len(shape), 0.5), UNSHADED[certain]
    if step is not None:
        tone = np.bincount(layer, base.tones[:, 0] * base.sums[0], count) / area
        shade[good] = shade_beside(tones[0], frame[:, good], tone[left][good - 1], step)
    return rating * (shape * closed * (floor + (1.0 - floor) * shade))[number]


def fit_rectangles(
    label: NDArray[np.intp], row: NDArray[np.intp], col: NDArray[np.intp], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return by label (intersection over union with the rectangle of equal area and second moments; its corner frame) of the listed pixels.

    The frame is (6, count): centre row and column, the unit vector (row, col) along the long side, long side, short side, in pixels. Besides the
    principal axis, three turns of 22.5° are tried, for the moments of a square say nothing of its orientation.
    """
    area = np.bincount(label, minlength=count).astype(np.float64)
    some = np.maximum(area, 1.0)

    def mean(values: NDArray[np.float32] | NDArray[np.intp]) -> NDArray[np.float64]:
        return np.bincount(label, values, count) / some

    centre_row, centre_col = mean(row), mean(col)
    down, right = (row - centre_row[label]).astype(np.float32), (col - centre_col[label]).astype(np.float32)
    # + 1/12: the second moment of a pixel itself
    rr, cc, rc = mean(down * down) + 1 / 12, mean(right * right) + 1 / 12, mean(down * right)
    axis = 0.5 * np.arctan2(2.0 * rc, cc - rr)
    best, frame = np.full(count, -1.0), np.ones((6, count))
    for turn in np.arange(4) * np.pi / 8:
        c, s = np.cos(axis + turn), np.sin(axis + turn)
        along = np.sqrt(np.maximum(c * c * cc + 2 * c * s * rc + s * s * rr, 1 / 12))
        across = np.sqrt(np.maximum(s * s * cc - 2 * c * s * rc + c * c * rr, 1 / 12))
        first, second = np.sqrt(area * along / across), np.sqrt(area * across / along)
        c4, s4, half, wide = (part.astype(np.float32)[label] for part in (c, s, first / 2, second / 2))
        common = np.bincount(label, (np.abs(right * c4 + down * s4) <= half) & (np.abs(down * c4 - right * s4) <= wide), count)
        fit = common / np.maximum(2.0 * area - common, 1.0)
        better = fit > best
        best[better] = fit[better]
        turned = np.where(first >= second, np.stack([s, c]), np.stack([c, -s]))
        new = np.stack([centre_row, centre_col, *turned, np.maximum(first, second), np.minimum(first, second)])
        frame[:, better] = new[:, better]
    return best, frame
