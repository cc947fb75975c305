"""What else may happen to an image between two dates."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import PIL.Image
from scipy import ndimage

from _registration_ground import made
from _registration_moves import with_pixels

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from camwatch.imagery.image import Image

    Spoil = Callable[[Image, np.random.Generator], Image]


def archived(picture: Image, rng: np.random.Generator, *, noise: float = 3.0, haze: float = 18.0, gain: float = 0.85, gamma: float = 0.8) -> Image:
    """Return the image with another radiometry, haze that grows to the right, noise, and whole digital numbers of 8 bits."""
    values = 255 * (np.clip(picture.values, 0, 255) / 255) ** gamma * gain + np.linspace(0, haze, picture.values.shape[2])
    return with_pixels(picture, np.clip(np.rint(values + rng.normal(0, noise, values.shape)), 0, 255))


def first_archived(spoil: Spoil) -> Spoil:
    """Return what spoils an image that was archived before, with little noise."""
    return lambda picture, rng: spoil(archived(picture, rng, noise=1.5), rng)


def jpeg(picture: Image, quality: int) -> Image:
    """Return the image after lossy compression of its first band."""
    with BytesIO() as file:
        PIL.Image.fromarray(np.clip(picture.values[0], 0, 255).astype(np.uint8)).save(file, "JPEG", quality=quality)
        plane = np.asarray(PIL.Image.open(file), np.float32)
    return with_pixels(picture, plane[None])


def stripes(shape: tuple[int, int], phase: float = 0.0, pitch: float = 66.0, widest: float = 29.0) -> NDArray[np.bool_]:
    """Return the valid pixels of a scan-line corrector's failure: wedges that widen from the middle to both edges; 22 % are lost."""
    row, col = np.mgrid[: shape[0], : shape[1]].astype(float)
    width = widest * np.abs(2 * col / shape[1] - 1)
    return np.asarray((row + 0.15 * col + phase) % pitch >= width)


def blobs(shape: tuple[int, int], share: float, size: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return smooth blobs that cover a share of the frame."""
    step = size / 3
    rows, cols = (int(np.ceil(n / step)) + 2 for n in shape)
    field = ndimage.zoom(rng.normal(size=(rows, cols)), step, order=3)[: shape[0], : shape[1]]
    return np.asarray(field > np.quantile(field, 1 - share))


def clouded(picture: Image, rng: np.random.Generator, *, share: float, masked: bool) -> Image:
    """Return the image under bright clouds that cover `share`, and their shadows beside them."""
    shape = picture.valid.shape
    cloud = blobs(shape, share, 220, rng)
    shadow = np.roll(cloud, (45, -60), (0, 1)) & ~cloud
    soft = ndimage.gaussian_filter(cloud.astype(np.float32), 3)
    puffs = 225 + 12 * ndimage.gaussian_filter(rng.normal(size=shape), 6) / 0.047
    values = picture.values * (1 - 0.6 * ndimage.gaussian_filter(shadow.astype(np.float32), 3))
    values = np.clip(values * (1 - soft) + puffs * soft, 0, 255)
    hidden = ndimage.maximum_filter(cloud | shadow, 9)
    return with_pixels(picture, values, picture.valid & ~hidden if masked else picture.valid)


def swapped(picture: Image, foreign: NDArray[np.float32], share: float, rng: np.random.Generator, block: int = 64) -> Image:
    """Return the image with a share of its blocks taken from a foreign place."""
    shape = picture.valid.shape
    rows, cols = -(-shape[0] // block), -(-shape[1] // block)
    chosen = np.zeros(rows * cols, bool)
    chosen[rng.permutation(rows * cols)[: round(share * rows * cols)]] = True
    mask = np.kron(chosen.reshape(rows, cols), np.ones((block, block), bool))[: shape[0], : shape[1]]
    return with_pixels(picture, np.where(mask, foreign, picture.values))


def gaps(picture: Image, rng: np.random.Generator) -> Image:
    """Return the image with scan-line gaps, declared."""
    valid = stripes(picture.valid.shape, float(rng.uniform(0, 66)))
    return with_pixels(picture, np.where(valid, picture.values, 0), picture.valid & valid)


def undeclared(picture: Image, rng: np.random.Generator) -> Image:
    """Return the image with scan-line gaps that are zero and said to be valid."""
    return with_pixels(picture, gaps(picture, rng).values, picture.valid)


def border(picture: Image, _: np.random.Generator) -> Image:
    """Return the image with slanted no-data borders at two sides, which take 45 %."""
    row, col = np.mgrid[: picture.valid.shape[0], : picture.valid.shape[1]]
    inside = (col + 0.3 * row > 330) & (row - 0.12 * col > 20)
    return with_pixels(picture, np.where(inside, picture.values, 0), picture.valid & inside)


def mosaic(picture: Image, rng: np.random.Generator) -> Image:
    """Return the image as a mosaic of differently bright pieces, with rectangular holes."""
    values, valid = np.array(picture.values), np.array(picture.valid)
    for row in range(0, values.shape[1], 300):
        for col in range(0, values.shape[2], 380):
            values[:, row : row + 300, col : col + 380] *= rng.uniform(0.5, 1.15)
    for _ in range(9):
        row, col = rng.integers(0, 900, 2)
        valid[row : row + 160, col : col + 130] = False
    return with_pixels(picture, np.where(valid, values, 0), valid)


def rebuilt(share: float, seed: int) -> Spoil:
    """Return what swaps one side of the frame, in one piece, for another place's."""

    def spoil(picture: Image, _: np.random.Generator) -> Image:
        rows, cols = picture.valid.shape
        row, col = np.mgrid[:rows, :cols]
        new = col + 0.3 * row > np.quantile(col + 0.3 * row, 1 - share)
        return with_pixels(picture, np.where(new, made(seed + 17, size=max(rows, cols)).values[0, :rows, :cols], picture.values))

    return spoil


def changed(share: float, seed: int) -> Spoil:
    """Return what swaps a share of the blocks for another place's."""

    def spoil(picture: Image, rng: np.random.Generator) -> Image:
        rows, cols = picture.valid.shape
        return swapped(picture, made(seed + 17, size=max(rows, cols)).values[0, :rows, :cols], share, rng)

    return spoil


def fixed_pattern(kind: str) -> Spoil:
    """Return what lays the same pattern over any image at the same place of the frame: it did not move when the ground did."""

    def spoil(picture: Image, rng: np.random.Generator) -> Image:
        rows, cols = picture.valid.shape
        if kind == "blocks of a JPEG of 10":
            return jpeg(archived(picture, rng, noise=1.5), 10)
        if kind == "stripes of the detectors":
            pattern = np.random.default_rng(1).normal(0, 12, (1, cols)) + np.zeros((rows, 1))
        elif kind == "dust and vignetting":
            y, x = np.mgrid[:rows, :cols] / max(rows, cols) - 0.5
            specks = np.random.default_rng(2).random((rows, cols)) < 2e-4
            pattern = -120 * (x * x + y * y) - 400 * ndimage.gaussian_filter(specks.astype(np.float32), 1.5)
        else:  # watermarks
            mark = np.kron(np.random.default_rng(3).random((7, 40)) < 0.5, np.ones((3, 3)))
            pattern = np.tile(np.pad(mark, ((60, 60), (40, 40))), (rows // 141 + 1, cols // 200 + 1))[:rows, :cols] * 40
        return archived(with_pixels(picture, picture.values + pattern), rng, noise=1.5)

    return spoil


def levels(picture: Image, n: int) -> Image:
    """Return the image in `n` grey levels."""
    return with_pixels(picture, np.rint(picture.values / 256 * n) * 256 / n)
