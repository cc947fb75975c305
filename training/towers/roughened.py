"""Turned views as other ground and other cameras might give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Picture
from scipy import ndimage as ndi

if TYPE_CHECKING:
    from numpy.typing import NDArray


def grown(planes: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Lay another grain over the ground, from fine stones to wide patches: noise whose power falls with its frequency; in place."""
    height, width = planes.shape[1:]
    far = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    far[0, 0] = np.inf
    waves = np.fft.rfft2(rng.standard_normal((height, width))) * far ** -float(rng.uniform(0.3, 1.6))
    grain = np.fft.irfft2(waves, (height, width)).astype(np.float32)
    grain *= np.float32(rng.uniform(0.05, 0.6) / grain.std())
    planes[0] += grain
    if planes[1:].any():
        planes[1:] += grain * rng.normal(0, 0.15, 2).astype(np.float32)[:, None, None]


def roughened(planes: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return planes as another camera might give them: other tones in light than in shade, coarse, dull, sharpened, noisy, slowly changing."""
    out = planes.copy()
    if rng.random() < 0.5:
        bend = np.float32(rng.normal(0, 0.25))
        out[0] = np.where(out[0] > 0, out[0] * (1 + bend), out[0] * (1 - bend))
    if rng.random() < 0.12:
        out = _coarse(out, float(rng.uniform(1.1, 1.9)))
    if rng.random() < 0.3:
        out = ndi.gaussian_filter(out, (0, *[float(rng.uniform(0.3, 0.9))] * 2))
    if rng.random() < 0.25:  # an unsharp mask leaves a halo
        wide = float(rng.uniform(0.8, 1.8))
        out += np.float32(rng.uniform(0.2, 1.0)) * (out - ndi.gaussian_filter(out, (0, wide, wide)))
    if rng.random() < 0.5:
        out += rng.standard_normal(out.shape, dtype=np.float32) * np.float32(rng.uniform(0, 0.2))
    if rng.random() < 0.3:
        slope = rng.normal(0, 0.4, 2).astype(np.float32)
        v, u = (np.linspace(-1, 1, n, dtype=np.float32) for n in out.shape[1:])
        out[0] += slope[0] * v[:, None] + slope[1] * u[None]
    return np.asarray(out, np.float32)


def _coarse(planes: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Return planes resampled up from pixels `factor` times as wide."""
    size = (planes.shape[2], planes.shape[1])
    small = (round(size[0] / factor), round(size[1] / factor))
    how = Picture.Resampling.BOX, Picture.Resampling.BILINEAR
    return np.stack([np.asarray(Picture.fromarray(plane).resize(small, how[0]).resize(size, how[1]), np.float32) for plane in planes])
