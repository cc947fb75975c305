"""The ground as the network of towers sees it: half-metre pixels, turned so that every shadow falls to the right, in comparable tones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi

if TYPE_CHECKING:
    from numpy.typing import NDArray

PIXEL_M = 0.5
"""Side of the network's pixels in metres."""

PLANES = 5
"""Planes of the network's input: tone, red against green, blue against green, length of a shadow for each metre of height, doubt about the sun."""

LOWEST_DEG = 12.0
"""Lowest sun whose shadows are told apart: a tower of 10 m then throws one of 47 m, of which the network sees half."""

MOST = 4.0
"""Largest tone, and the largest of the colours."""

MOST_DOUBT_DEG = 40.0
"""Largest uncertainty of the sun's azimuth that the network has learned."""


@dataclass(frozen=True, slots=True, eq=False)
class SunFrame:
    """A turned grid over an image: pixel (v, u) of the frame lies at (row, col) = `origin` + v × `down` + u × `ahead` of the image.

    Attributes
    ----------
    origin : (2,) float64
        (row, col) of the frame's pixel (0, 0).
    ahead, down : (2,) float64
        Steps of one pixel along the shadows, and a quarter turn from them, in pixels of the image.
    """

    origin: NDArray[np.float64]
    ahead: NDArray[np.float64]
    down: NDArray[np.float64]

    @classmethod
    def along(cls, step: tuple[float, float], origin: tuple[float, float] = (0.0, 0.0)) -> SunFrame:
        """Return the frame for shadows that move by `step` (rows, cols) of the image for each metre."""
        ahead = np.array(step, np.float64) * PIXEL_M
        return cls(np.array(origin, np.float64), ahead, np.array([ahead[1], -ahead[0]]))

    def moved(self, v: float, u: float) -> SunFrame:
        """Return the same frame with its first pixel at (v, u)."""
        return SunFrame(self.at(np.array([[v, u]]))[0], self.ahead, self.down)

    def at(self, places: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the (n, 2) (row, col) of (n, 2) places (v, u)."""
        return np.asarray(self.origin + places[:, :1] * self.down + places[:, 1:] * self.ahead, np.float64)

    def of(self, places: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the (n, 2) (v, u) of (n, 2) places (row, col)."""
        inverse = np.linalg.inv(np.stack([self.down, self.ahead], axis=1))
        return np.asarray((places - self.origin) @ inverse.T, np.float64)

    def sampled(self, planes: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
        """Return (band, v, u) of (band, y, x) planes, bilinear; the edge repeated beyond it."""
        v, u = (np.arange(n, dtype=np.float64) for n in shape)
        rows = (self.origin[0] + v[:, None] * self.down[0] + u[None] * self.ahead[0]).astype(np.float32)
        cols = (self.origin[1] + v[:, None] * self.down[1] + u[None] * self.ahead[1]).astype(np.float32)
        return np.stack([ndi.map_coordinates(plane, (rows, cols), order=1, mode="nearest", prefilter=False) for plane in planes]).astype(np.float32)


def toned(values: NDArray[np.float32], bands: tuple[str, ...], luminance: NDArray[np.float32], usable: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return (3, y, x) float32: tone, red against green, blue against green.

    Median 0 and spread 1/1.5 of the luminance where `usable`, whatever the unit; less where a thousandth of it would lie beyond ±4, as of white roofs
    and black shadows on quiet ground. The colours in the same unit, zero where there are none. Values beyond ±4 are cut.
    """
    known = luminance[usable]
    shares = np.percentile(known[:: max(known.size // 200_000, 1)], (0.1, 10, 50, 90, 99.9)) if known.size else np.zeros(5)
    dark, low, middle, high, bright = (float(share) for share in shares)
    spread = max((high - low) / 2.563, max(bright - middle, middle - dark) / (1.5 * MOST), 1e-6 * max(abs(middle), 1.0))
    unit = np.float32(1.0 / (1.5 * spread))
    out = np.zeros((3, *luminance.shape), np.float32)
    out[0] = (luminance - np.float32(middle)) * unit
    if {"red", "green", "blue"} <= set(bands):
        red, green, blue = (values[bands.index(name)] for name in ("red", "green", "blue"))
        balance = [np.float32(np.median(plane[usable])) if known.size else np.float32(0.0) for plane in (red, green, blue)]
        out[1] = (red - balance[0] - green + balance[1]) * unit
        out[2] = (blue - balance[2] - green + balance[1]) * unit
    return np.clip(out, -MOST, MOST, out=out)


def softened(planes: NDArray[np.float32], pixel_m: float) -> NDArray[np.float32]:
    """Return planes without the detail that half-metre pixels cannot hold; as they are where their own pixels are no finer."""
    if pixel_m > 0.9 * PIXEL_M:
        return planes
    sigma = 0.42 * float(np.sqrt((PIXEL_M / pixel_m) ** 2 - 1.0))
    return np.asarray(ndi.gaussian_filter(planes, (0.0, sigma, sigma)), np.float32)


def with_sun(planes: NDArray[np.float32], elevation_deg: float, doubt_deg: float) -> NDArray[np.float32]:
    """Return the network's input (5, v, u): three planes and two constant ones."""
    length = 1.0 / np.tan(np.deg2rad(max(elevation_deg, LOWEST_DEG)))
    constant = np.array([0.5 * length, min(doubt_deg, MOST_DOUBT_DEG) / 20.0], np.float32)
    return np.concatenate([planes, np.broadcast_to(constant[:, None, None], (2, *planes.shape[1:]))])
