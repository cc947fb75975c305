"""Objects of known size drawn into an analyst's own pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from camwatch.imagery.image import Image, Sun
from camwatch.render.draw import NADIR, draw
from camwatch.render.optics import LOWEST_SUN_DEG, View, sky_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from camwatch.render.solids import Solid

DEFAULT_SUN = Sun(azimuth_deg=155.0, elevation_deg=38.0)
"""Used where neither the product nor its sidecar tells: late morning in spring or autumn at 42° N, when most archive scenes were taken."""

PSF_PX = 0.5
"""Standard deviation of the point spread in pixels; typical of delivered, sharpened products."""

DARK, BRIGHT = 0.04, 0.35
"""Reflectances taken to lie at the 2nd and 98th percentile of a scene without calibration: shadow or water, and bare ground or bright roofs."""


@dataclass(frozen=True, slots=True, eq=False)
class Tone:
    """How brightness becomes the values of an image, each (band,) float32: value = `haze` + `gain` × brightness, noise `sigma`, at most `ceiling`."""

    haze: NDArray[np.float32]
    gain: NDArray[np.float32]
    sigma: NDArray[np.float32]
    ceiling: NDArray[np.float32]


def plant(image: Image, solids: Sequence[Solid], *, seed: int, view: View = NADIR, psf_px: float = PSF_PX) -> Image:
    """Draw solids into an image: roofs, walls and shadows for its own sun, its blur, its noise, its radiometry.

    Parameters
    ----------
    image : Image
        Not written to. Any bands; reflectance or digital numbers. :data:`DEFAULT_SUN` stands in where it has no sun.
    solids : sequence of Solid
        In the CRS of the image's grid, drawn lowest first.
    seed : int
        Of the noise and the roofs' grain.
    view : View
        Where the sensor stood; nadir unless given.
    psf_px : float
        Point spread that the planted objects get; the ground keeps its own.

    Returns
    -------
    Image
        Same grid and `valid`, marked as simulated. Pixels outside the objects and their shadows are equal bit for bit.

    Raises
    ------
    ValueError
        Where the sun of the image stands below 5°.

    Notes
    -----
    Ground under a shadow is dimmed relative to the haze (dark-object reasoning: Chavez 1988, doi:10.1016/0034-4257(88)90019-3), so a shadow in
    a hazy scene is pale. The noise is that of the image's smoothest parts (Immerkaer 1996, doi:10.1006/cviu.1996.0060).
    """
    sun = image.sun or DEFAULT_SUN
    if sun.elevation_deg < LOWEST_SUN_DEG:
        raise ValueError(f"plant: got a sun at {sun.elevation_deg}° in {image.scene}; expected at least {LOWEST_SUN_DEG}°; use a scene by day")
    rng = np.random.default_rng(seed)
    values = image.values.copy()
    tone = tone_of(image)
    sky = np.array([sky_share(b, sun) for b in image.bands], np.float32)
    haze, gain = tone.haze[:, None, None], tone.gain[:, None, None]
    for solid in sorted(solids, key=lambda s: s.height_m):
        layers = draw(solid, image.geobox.affine, image.valid.shape, image.bands, sun, view=view, psf_px=psf_px, grain=0.04, rng=rng)
        if layers is None:
            continue
        rows, cols = layers.window
        under = layers.ground(sky)
        noise = rng.standard_normal(under.shape).astype(np.float32) * tone.sigma[:, None, None]
        patch = values[:, rows, cols]
        fresh = haze + (patch - haze) * under + gain * layers.roof + noise * np.sqrt(np.clip(1 - under**2, 0, 1))
        fresh = np.minimum(fresh, np.maximum(tone.ceiling[:, None, None], patch))
        touched = (under < 1 - 1e-4) & image.valid[rows, cols]
        values[:, rows, cols] = np.where(touched, fresh, patch)
    return replace(image, values=values, valid=image.valid.copy(), simulated=True)


def tone_of(image: Image) -> Tone:
    """Estimate how brightness becomes values in an image, from its calibration or from its own percentiles."""
    planes = [plane[image.valid & np.isfinite(plane)] for plane in image.values]
    planes = [p if p.size else np.zeros(1, np.float32) for p in planes]
    sigma = np.array([_noise(plane, image.valid) for plane in image.values], np.float32)
    if image.calibration != "dn":
        zero = np.zeros(len(planes), np.float32)
        return Tone(zero, zero + 1, sigma, np.array([max(1.0, float(p.max())) for p in planes], np.float32))
    low, middle, high = (np.array([np.percentile(p, q) for p in planes], np.float32) for q in (2, 50, 98))
    # A featureless image tells no contrast; then half of what its brightness suggests is a floor.
    gain = np.maximum((high - low) / (BRIGHT - DARK), 0.5 * np.abs(middle) / 0.15)
    # Nor does it tell its haze: never more than 0.6 of the dark values, or shadows would vanish.
    haze = np.clip(low - DARK * gain, 0, 0.6 * np.maximum(low, 0)).astype(np.float32)
    return Tone(haze, np.maximum(gain, 1e-6).astype(np.float32), sigma, np.array([float(p.max()) for p in planes], np.float32))


def _noise(plane: NDArray[np.float32], valid: NDArray[np.bool_], block: int = 16) -> float:
    """Return the noise's standard deviation: the tenth percentile over blocks of what a Laplacian difference leaves."""
    height, width = (n // block * block for n in plane.shape)
    if min(height, width) < 2 * block:
        return 0.0
    p = np.where(valid, plane, np.float32(0))[:height, :width]
    # Immerkaer's mask [[1,-2,1],[-2,4,-2],[1,-2,1]]: blind to planes and to edges along the axes; white noise comes out six times as strong.
    d = p[2:] - 2 * p[1:-1] + p[:-2]
    d = np.abs(d[:, 2:] - 2 * d[:, 1:-1] + d[:, :-2])
    rows, cols = (n // block * block for n in d.shape)
    mean = d[:rows, :cols].reshape(rows // block, block, cols // block, block).mean(axis=(1, 3))
    full = valid[1 : rows + 1, 1 : cols + 1].reshape(rows // block, block, cols // block, block).all(axis=(1, 3))
    return float(np.sqrt(np.pi / 2) / 6 * np.percentile(mean[full], 10)) if full.any() else 0.0
