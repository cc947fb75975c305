"""Known transforms, and images that they moved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy import ndimage

from _registration_ground import grid
from camwatch.imagery.image import Image
from camwatch.imagery.sample import resample

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from _registration_ground import Ground

IDENTITY = np.eye(2, 3)


@dataclass(frozen=True, slots=True, eq=False)
class Move:
    """Where the ground lies that a moving pixel q shows: at the reference pixel matrix · (q, 1) + bend(q), all (col, row), centres at integers.

    Attributes
    ----------
    matrix : (2, 3) float64
    bend : callable or None
        (n, 2) moving pixels → (n, 2) pixels.
    """

    matrix: NDArray[np.float64]
    bend: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None

    def to_reference(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the reference pixels (n, 2) of moving pixels."""
        straight = points @ self.matrix[:, :2].T + self.matrix[:, 2]
        return straight if self.bend is None else straight + self.bend(points)

    def to_moving(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the moving pixels (n, 2) of reference pixels; where the transform is bent, by iteration to 1e-6 px."""
        back = np.linalg.inv(self.matrix[:, :2])
        out = (points - self.matrix[:, 2]) @ back.T
        if self.bend is None:
            return out
        for _ in range(200):
            step = (points - self.to_reference(out)) @ back.T
            out = out + step
            if np.abs(step).max() < 1e-6:
                return out
        raise ValueError("the bend folds over: no inverse")


def shift(rows: float, cols: float) -> Move:
    """Moving content lies `rows` further down and `cols` further right."""
    return Move(np.array([[1.0, 0.0, -cols], [0.0, 1.0, -rows]]))


def turn(degrees: float, scale: float, shape: tuple[int, int], rows: float = 0.0, cols: float = 0.0) -> Move:
    """Moving content is turned and shrunk by `scale` about the middle of the frame, after it moved."""
    angle, centre = np.deg2rad(degrees), (np.array(shape[::-1]) - 1) / 2
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return Move(np.column_stack([linear, centre - linear @ centre - np.array([cols, rows])]))


def coarser(move: Move, ratio: int) -> Move:
    """Return a straight move counted in pixels that are `ratio` times as large."""
    offset = (ratio - 1) / 2
    linear = move.matrix[:, :2]
    return Move(np.column_stack([linear, (linear @ [offset, offset] + move.matrix[:, 2] - offset) / ratio]))


def smooth(peak: float, wave: float, shape: tuple[int, int], seed: int) -> Move:
    """Bend like terrain: smooth noise of a wavelength in pixels; its longest displacement is `peak` pixels."""
    rng = np.random.default_rng([seed, 3])
    step = wave / 4
    rows, cols = (int(np.ceil(n / step)) + 5 for n in shape)
    nodes = ndimage.gaussian_filter(rng.normal(size=(2, rows, cols)), (0, 1, 1), mode="wrap")
    nodes -= nodes.mean(axis=(1, 2), keepdims=True)
    nodes *= peak / np.hypot(*nodes[:, 2:-2, 2:-2]).max()

    def bend(points: NDArray[np.float64]) -> NDArray[np.float64]:
        place = points[:, ::-1].T / step + 2
        return np.stack([ndimage.map_coordinates(plane, place, order=3, mode="nearest") for plane in nodes], axis=1)

    return Move(IDENTITY, bend)


def film(peak: float, shape: tuple[int, int], seed: int) -> Move:
    """Bend like a film in a camera that sweeps: quadratic and cubic terms; its longest displacement is `peak` pixels."""
    rng = np.random.default_rng([seed, 4])
    weights = rng.normal(size=(2, 7))
    half = np.array(shape[::-1]) / 2

    def terms(points: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = ((points - half) / half).T
        out = np.stack([x * x, x * y, y * y, x**3, x * x * y, x * y * y, y**3])
        return np.asarray(out * np.array([1, 1, 1, 0.6, 0.6, 0.6, 0.6])[:, None], np.float64)

    edge = np.stack(np.meshgrid(np.linspace(0, shape[1], 41), np.linspace(0, shape[0], 41)), axis=-1).reshape(-1, 2)
    longest = float(np.hypot(*(weights @ terms(edge))).max())

    def bend(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((weights @ terms(points)).T * (peak / longest), np.float64)

    return Move(IDENTITY, bend)


def scattered(deviation: float, patch: int, shape: tuple[int, int], seed: int) -> Move:
    """Displace every patch on its own, as parallax of relief without a model does; only for `seen`, it has no inverse."""
    rng = np.random.default_rng([seed, 5])
    nodes = rng.normal(0, deviation, (2, shape[0] // patch + 3, shape[1] // patch + 3))

    def bend(points: NDArray[np.float64]) -> NDArray[np.float64]:
        col, row = (np.clip(points, 0, np.array(shape[::-1]) - 1) // patch).astype(int).T
        return np.stack([plane[row, col] for plane in nodes], axis=1)

    return Move(IDENTITY, bend)


def then(first: Move, second: Move) -> Move:
    """Return the move of an image that `first` moved and `second`, a straight one, moved again: reference pixel = first(second(q))."""
    linear = first.matrix[:, :2] @ second.matrix[:, :2]
    matrix = np.column_stack([linear, first.matrix[:, :2] @ second.matrix[:, 2] + first.matrix[:, 2]])
    bend = first.bend
    return Move(matrix, None if bend is None else lambda q: bend(second.to_reference(q)))


def image(
    values: NDArray[np.floating], bands: tuple[str, ...], pixel_m: float, valid: NDArray[np.bool_] | None = None, gsd_m: float | None = None
) -> Image:
    """Return an image of made pixels."""
    values = np.array(values, np.float32)
    valid = np.ones(values.shape[1:], bool) if valid is None else np.array(valid, bool)
    when = datetime(2012, 5, 1, tzinfo=UTC)
    return Image(values, valid, bands, grid(values.shape[1:], pixel_m), when, None, gsd_m or pixel_m, "dn", "made", simulated=True)


def still(ground: Ground) -> Image:
    """Return the frame as the reference sees it, rounded to digital numbers."""
    m = ground.margin
    inner = ground.values[:, m : ground.values.shape[1] - m, m : ground.values.shape[2] - m]
    return image(np.clip(np.rint(inner), 0, 255), ground.bands, ground.pixel_m)


def seen(ground: Ground, move: Move, *, mirror: bool = False) -> Image:
    """Return the moved frame by a spline of order 5, not rounded; beyond the known ground nothing is valid, or its mirror image is seen."""
    rows, cols = ground.shape
    points = np.stack(np.meshgrid(np.arange(cols), np.arange(rows)), axis=-1).reshape(-1, 2).astype(float)
    col, row = move.to_reference(points).T + ground.margin
    high, wide = ground.values.shape[1:]
    valid = np.ones((rows, cols), bool)
    if not mirror:
        valid = ((col > 1) & (col < wide - 2) & (row > 1) & (row < high - 2)).reshape(rows, cols)
    planes = [ndimage.map_coordinates(plane, [row, col], order=5, mode="reflect").reshape(rows, cols) for plane in ground.values]
    return image(np.where(valid, np.stack(planes), 0), ground.bands, ground.pixel_m, valid)


def with_pixels(picture: Image, values: NDArray[np.floating], valid: NDArray[np.bool_] | None = None) -> Image:
    """Return the image with other pixels."""
    return replace(picture, values=np.array(values, np.float32), valid=np.array(picture.valid if valid is None else valid))


def box_mean(values: NDArray[np.float32], ratio: int) -> NDArray[np.float32]:
    """Return the means over blocks of `ratio` × `ratio` pixels, (band, y, x); what does not fill a block is dropped."""
    rows, cols = values.shape[1] // ratio, values.shape[2] // ratio
    cut = values[:, : rows * ratio, : cols * ratio].reshape(len(values), rows, ratio, cols, ratio)
    return np.asarray(cut.mean(axis=(2, 4)), np.float32)


def footprint(picture: Image, ratio: int, psf: float = 0.5) -> Image:
    """Return what a sensor with pixels `ratio` times as large delivers, on its own grid; `psf` in its pixels."""
    spread = np.stack([ndimage.gaussian_filter(plane, psf * ratio) for plane in picture.values])
    valid = box_mean(ndimage.minimum_filter(picture.valid, 2 * ratio + 1).astype(np.float32)[None], ratio)[0] > 0.999
    return image(box_mean(spread, ratio), picture.bands, picture.pixel_m * ratio, valid)


def loaded(picture: Image, shape: tuple[int, int], pixel_m: float) -> Image:
    """Return a coarse image on a finer grid with the same corner, interpolated as the loader does."""
    a = picture.geobox.affine
    target = GeoBox(shape, Affine(pixel_m, 0, a.c, 0, -pixel_m, a.f), picture.geobox.crs)
    out = [np.zeros(shape, np.float32) for _ in picture.bands]
    valid = resample(np.array(picture.values), np.array(picture.valid), picture.geobox, target, out)
    return image(np.stack(out), picture.bands, pixel_m, valid, picture.gsd_m)
