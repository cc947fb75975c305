"""From brightness to the picture that an archive delivers: blur, colour, haze, stretch, noise, compression."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Picture
from scipy import ndimage as ndi

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Camera:
    """How a picture is taken and delivered; see :func:`photograph` for the order.

    Attributes
    ----------
    blur_px : float
        Standard deviation of the point spread.
    coarse : float
        Share of the pixels that the sensor really had along a side, 0.4..1; the picture is resampled up from them.
    sharpen : float
        Strength of the unsharp mask of the product.
    saturation, gamma, contrast : float
    cast : (red, green, blue) gains
    haze : float
        Share of the brightness that is veil.
    middle : float
        Where the stretch puts the median, 0..1.
    noise : float
        Standard deviation in 0..1.
    quality : int or None
        Of JPEG compression.
    """

    blur_px: float
    coarse: float
    sharpen: float
    saturation: float
    gamma: float
    contrast: float
    cast: tuple[float, float, float]
    haze: float
    middle: float
    noise: float
    quality: int | None


def any_camera(rng: np.random.Generator) -> Camera:
    """Return a camera such as the archives hold: sharp and dull, hazy and clear, film-like and flat."""
    cast = np.exp(rng.normal(0, 0.06, 3))
    return Camera(
        blur_px=float(rng.uniform(0.4, 1.1)),
        coarse=float(rng.uniform(0.4, 0.9)) if rng.random() < 0.35 else 1.0,
        sharpen=float(rng.uniform(0.2, 1.2)) if rng.random() < 0.5 else 0.0,
        saturation=float(rng.uniform(0.3, 1.15)),
        gamma=float(rng.uniform(0.65, 1.2)),
        contrast=float(rng.uniform(0.8, 1.3)),
        cast=(float(cast[0]), float(cast[1]), float(cast[2])),
        haze=float(rng.uniform(0, 0.2) ** 1.3),
        middle=float(rng.uniform(0.22, 0.52)),
        noise=float(rng.uniform(0, 0.025)),
        quality=int(rng.integers(55, 96)) if rng.random() < 0.5 else None,
    )


def photograph(brightness: NDArray[np.float32], camera: Camera, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return (y, x, 3) uint8 of (3, y, x) brightness."""
    image = ndi.gaussian_filter(brightness, (0, camera.blur_px, camera.blur_px))
    if camera.coarse < 1:
        image = _resampled(image, camera.coarse)
    if camera.sharpen:
        image = image + camera.sharpen * (image - ndi.gaussian_filter(image, (0, 1.2, 1.2)))
    grey = image.mean(axis=0, keepdims=True)
    image = grey + (image - grey) * np.float32(camera.saturation)
    image = image * np.array(camera.cast, np.float32)[:, None, None]
    veil = np.array([0.72, 0.82, 0.95], np.float32)[:, None, None]
    image = image * (1 - camera.haze) + camera.haze * veil
    image *= np.float32(np.clip(camera.middle / max(float(np.median(image)), 0.02), 0.4, 3.5))
    image = np.clip(image, 0, None) ** np.float32(camera.gamma)
    image = (image - 0.45) * np.float32(camera.contrast) + 0.45
    image = np.clip(image, 0, 1) + rng.standard_normal(image.shape, dtype=np.float32) * np.float32(camera.noise)
    out = (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8).transpose(1, 2, 0)
    return out if camera.quality is None else _compressed(out, camera.quality)


def _resampled(image: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """Return the image as a sensor of `share` times as many pixels gives it, brought back to its size."""
    size = (image.shape[2], image.shape[1])
    small = (max(round(size[0] * share), 8), max(round(size[1] * share), 8))
    planes = [Picture.fromarray(plane).resize(small, Picture.Resampling.BOX).resize(size, Picture.Resampling.BICUBIC) for plane in image]
    return np.stack([np.asarray(plane, np.float32) for plane in planes])


def _compressed(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    file = io.BytesIO()
    Picture.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Picture.open(file).convert("RGB"), np.uint8)
