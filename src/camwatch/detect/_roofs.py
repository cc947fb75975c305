"""Where one picture looks like a building: a likelihood from shape, edges, vegetation and shadow, with nothing trained."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi
from skimage.segmentation import felzenszwalb

from camwatch.detect._common import blocks, filled, greenness, guessed_azimuth, ramp, robust_sd, shadow_step
from camwatch.imagery.image import Sun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.imagery.image import Image

WORK_M = 1.0
"""Metres of a working pixel: buildings of 15 m² and more need no finer one, and the cost falls with its square."""

SCALES_M2 = (40.0, 100.0, 250.0)
"""Sizes that the segmentation is asked for: roof facets, small houses, large ones."""

SHADOW_M = (1.5, 2.5, 3.5)
"""Distances from the wall at which shade is looked for; a single storey under a sun of 40° shades 3–4 m."""


def roof_likelihood(image: Image) -> NDArray[np.float32]:
    """Return how much each pixel looks like part of a building.

    Segments of three sizes are rated by how well a rectangle fits them, by size, by edge contrast against their inside, by vegetation, and by shade
    on the side away from the sun; each pixel takes its best segment.

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
    factor = max(int(max(WORK_M, image.gsd_m) / image.pixel_m + 1e-6), 1)
    pixel = image.pixel_m * factor
    bands = blocks(filled(image.values, image.valid), factor)
    tones = _tones(image, bands)
    contrast = tones[0] - ndi.gaussian_filter(tones[0], 30.0 / pixel)
    tones = tones / np.float32(robust_sd(contrast))
    edges = ndi.gaussian_gradient_magnitude(tones[0], 0.7)
    green = greenness(image.bands, bands)
    stack = np.moveaxis(ndi.median_filter(tones, (1, 3, 3)), 0, 2).astype(np.float64)
    labels, scores = _best_segments(stack, edges, green, pixel)
    factors = _shadow_factor(image, tones[0], labels, len(scores), factor)
    likelihood = (scores * factors)[labels].astype(np.float32)
    full = ndi.uniform_filter(likelihood.repeat(factor, 0).repeat(factor, 1), factor)[: image.valid.shape[0], : image.valid.shape[1]]
    return np.where(image.valid, full, np.float32(np.nan))


def _tones(image: Image, bands: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return luminance first, then three times each visible band's departure from it: roofs differ from lawns more in hue than in brightness.

    The square root evens the noise of bright and dark ground and lets dark roofs count.
    """
    rows = [i for i, name in enumerate(image.bands) if name in ("red", "green", "blue")] or list(range(len(bands)))
    if "pan" in image.bands:
        rows = [image.bands.index("pan")]
    roots = np.sqrt(np.maximum(bands[rows], 0.0))
    mean = roots.mean(axis=0)
    return np.stack([mean, *(3.0 * (roots - mean) if len(rows) > 1 else ())]).astype(np.float32)


def _best_segments(
    stack: NDArray[np.float64], edges: NDArray[np.float32], green: NDArray[np.float64], pixel: float,
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the label of the best-rated segment of any scale at each pixel, and the rating by label."""
    labels, scores, offset = [], [], 0
    for scale in SCALES_M2:
        with warnings.catch_warnings():
            # One tone plane, or four, makes scikit-image doubt that the last axis holds channels.
            warnings.filterwarnings("ignore", message="Got image with third dimension")
            # Four standard deviations of contrast stand for the unit range that the segmentation's scale is meant for.
            found = felzenszwalb(stack / 4.0, scale=scale / pixel**2, sigma=0.5, min_size=max(int(15.0 / pixel**2), 4), channel_axis=-1)
        for layer in (found, _paired(found)) if scale < SCALES_M2[-1] else (found,):
            rating = _rate(layer, edges, green, pixel)
            labels.append(layer + offset)
            scores.append(rating)
            offset += len(rating)
    every = np.concatenate(scores)
    layers = np.stack(labels)
    best = every[layers].argmax(axis=0)
    return np.take_along_axis(layers, best[None], 0)[0], every


def _paired(labels: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the labels with each segment joined to the neighbour with which it makes the best rectangle, where each is the other's best.

    The lit and the shaded side of a gable are two segments, neither as wide as a house.
    """
    flat = labels.ravel()
    count = int(flat.max()) + 1
    row, col = np.divmod(np.arange(flat.size), labels.shape[1])
    powers = (np.ones(flat.size), row, col, row * row, col * col, row * col)
    sums = np.stack([np.bincount(flat, power, count).astype(np.float64) for power in powers])
    beside = np.concatenate([np.stack([a.ravel(), b.ravel()]) for a, b in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1]))], axis=1)
    beside = np.sort(beside[:, beside[0] != beside[1]], axis=0)
    codes, shared = np.unique(beside[0] * count + beside[1], return_counts=True)
    first, second = codes // count, codes % count
    fill, _ = _moment_rectangle(sums[:, first] + sums[:, second])
    length = np.minimum(*(_moment_rectangle(sums[:, side])[1] for side in (first, second)))
    # 1.0 is a filled rectangle; the two must meet along most of the shorter one, as at a ridge.
    merit = ramp(fill, 0.70, 0.95) * ramp(shared / np.maximum(length, 1.0), 0.3, 0.8)
    best = np.zeros(count)
    np.maximum.at(best, first, merit)
    np.maximum.at(best, second, merit)
    mutual = (merit > 0.3) & (merit >= best[first]) & (merit >= best[second])
    joined = np.arange(count)
    joined[second[mutual]] = first[mutual]
    # A tie could chain three segments; following once more ends in a label that stands for itself or splits the chain, both harmless.
    _, compact = np.unique(joined, return_inverse=True)
    return np.asarray(compact[labels], np.intp)


def _moment_rectangle(sums: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (share filled, long side) of the rectangle with the second moments of (6, n) sums of 1, r, c, r², c², rc."""
    area, r, c, rr, cc, rc = sums
    vrr, vcc, vrc = rr / area - (r / area) ** 2 + 1 / 12, cc / area - (c / area) ** 2 + 1 / 12, rc / area - r * c / area**2
    root = np.sqrt(((vrr - vcc) / 2) ** 2 + vrc**2)
    long_side = np.sqrt(12.0 * ((vrr + vcc) / 2 + root))
    return area / (12.0 * np.sqrt(np.maximum(vrr * vcc - vrc**2, 1 / 144))), long_side


def _rate(labels: NDArray[np.intp], edges: NDArray[np.float32], green: NDArray[np.float64], pixel: float) -> NDArray[np.float64]:
    """Return 0..1 by label (numbered from 0 without gaps): rectangle, size, elongation, edge against inside, no vegetation."""
    flat = labels.ravel()
    count = int(flat.max()) + 1
    area = np.bincount(flat, minlength=count).astype(np.float64)
    fit, long_px, short_px = fit_rectangles(labels, area)
    border = _inner_border(labels).ravel()
    on_border = np.maximum(np.bincount(flat, border, count), 1.0)
    inside = np.maximum(area - on_border, 1.0)
    edge = np.bincount(flat, edges.ravel() * border, count) / on_border
    texture = np.bincount(flat, edges.ravel() * ~border, count) / inside
    area_m2, long_m, short_m = area * pixel**2, long_px * pixel, short_px * pixel
    rating: NDArray[np.float64] = (
        ramp(fit, 0.50, 0.85)
        * ramp(area_m2, 10.0, 60.0) * ramp(area_m2, 6000.0, 3000.0)
        * ramp(short_m, 3.0, 6.0) * ramp(short_m, 50.0, 35.0) * ramp(long_m / short_m, 7.0, 4.0)
        * ramp(edge / np.maximum(texture, 0.05), 1.0, 2.5)
        * (1.0 - ramp(np.bincount(flat, green.ravel(), count) / area, 0.0, 1.0))
    )
    return rating


def fit_rectangles(labels: NDArray[np.intp], area: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return (intersection over union, long side, short side in pixels) of each label with its rectangle of equal area and second moments.

    Besides the principal axis, three turns of 22.5° are tried, for the moments of a square say nothing of its orientation.
    """
    flat = labels.ravel()
    count = len(area)
    row, col = np.divmod(np.arange(flat.size), labels.shape[1])

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(flat, values, count) / np.maximum(area, 1.0)

    row, col = row - mean(row.astype(float))[flat], col - mean(col.astype(float))[flat]
    # + 1/12: the second moment of a pixel itself
    rr, cc, rc = mean(row * row) + 1 / 12, mean(col * col) + 1 / 12, mean(row * col)
    axis = 0.5 * np.arctan2(2.0 * rc, cc - rr)
    best, long_side, short_side = np.full(count, -1.0), np.ones(count), np.ones(count)
    for turn in np.arange(4) * np.pi / 8:
        c, s = np.cos(axis + turn), np.sin(axis + turn)
        along = np.sqrt(np.maximum(c * c * cc + 2 * c * s * rc + s * s * rr, 1 / 12))
        across = np.sqrt(np.maximum(s * s * cc - 2 * c * s * rc + c * c * rr, 1 / 12))
        first, second = np.sqrt(area * along / across), np.sqrt(area * across / along)
        c, s = c[flat], s[flat]
        inside = (np.abs(col * c + row * s) <= first[flat] / 2) & (np.abs(row * c - col * s) <= second[flat] / 2)
        common = np.bincount(flat, inside, count)
        fit = common / np.maximum(2.0 * area - common, 1.0)
        better = fit > best
        best[better], long_side[better], short_side[better] = fit[better], np.maximum(first, second)[better], np.minimum(first, second)[better]
    return best, long_side, short_side


def _inner_border(labels: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return the pixels that have a 4-neighbour of another label."""
    border = np.zeros(labels.shape, bool)
    down, right = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    border[1:] |= down
    border[:-1] |= down
    border[:, 1:] |= right
    border[:, :-1] |= right
    return border


def _shadow_factor(
    image: Image, tone: NDArray[np.float32], labels: NDArray[np.intp], count: int, factor: int,
) -> NDArray[np.float64]:
    """Return 0.3..1 by label: how much darker the side away from the sun is than the sunny side and the segment itself."""
    azimuth = image.sun.azimuth_deg if image.sun is not None else guessed_azimuth(image)
    if azimuth is None:
        return np.full(count, 0.65)
    rows, cols = shadow_step(Sun(azimuth, 45.0), image.geobox)
    support = shade_beside(tone, labels, count, (rows / factor, cols / factor))
    return 0.3 + 0.7 * support


def shade_beside(tone: NDArray[np.float32], labels: NDArray[np.intp], count: int, step: tuple[float, ...]) -> NDArray[np.float64]:
    """Return 0..1 by label: how far, in contrast units, the ground on the shadow side lies below both the sunny side and the segment.

    `step` is (rows, cols) of shadow for each metre.
    """
    area = np.maximum(np.bincount(labels.ravel(), minlength=count), 1)
    own = np.bincount(labels.ravel(), tone.ravel(), count) / area
    shaded, sunny = (_beside(tone, labels, count, (sign * step[0], sign * step[1])) for sign in (1, -1))
    return ramp(np.minimum(sunny, own) - shaded, 0.2, 1.5)


def _beside(tone: NDArray[np.float32], labels: NDArray[np.intp], count: int, step: tuple[float, float]) -> NDArray[np.float64]:
    """Return the mean tone of the ground that each label sweeps when moved along `step`, outside the label itself."""
    total, pixels = np.zeros(count), np.zeros(count)
    for metres in SHADOW_M:
        down, right = round(step[0] * metres), round(step[1] * metres)
        source, target = _overlap(labels.shape, down, right)
        moved, there = labels[source], labels[target]
        outside = moved != there
        total += np.bincount(moved[outside], tone[target][outside], count)
        pixels += np.bincount(moved[outside], minlength=count)
    return total / np.maximum(pixels, 1)


def _overlap(shape: tuple[int, ...], down: int, right: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return the slices of an array and of the same array moved by (down, right) that lie on each other."""
    height, width = shape
    source = (slice(max(-down, 0), height - max(down, 0)), slice(max(-right, 0), width - max(right, 0)))
    target = (slice(max(down, 0), height - max(-down, 0)), slice(max(right, 0), width - max(-right, 0)))
    return source, target
