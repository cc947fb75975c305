"""From reflectance to what a sensor delivers: haze, gain, noise, steps of digital numbers; and where its georeference puts the pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from odc.geo.geobox import GeoBox

from camwatch.render.draw import NADIR
from camwatch.render.sun import solar_position

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from numpy.typing import NDArray

    from camwatch.imagery.image import Sun
    from camwatch.render.optics import View

HAZE = {"blue": 1.5, "green": 1.0, "red": 0.75, "pan": 0.9, "nir": 0.4, "swir16": 0.15, "swir22": 0.1}
"""Path reflectance relative to green: shorter waves scatter more."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One acquisition.

    Attributes
    ----------
    when : datetime
        UTC.
    view : View
    offset_m : (east, north)
        By how much the delivered georeference puts the ground too far east and north.
    stretch : float
        By how much it makes distances too long, e.g. 2e-4; about the middle of the scene.
    gain : float
        Digital numbers per unit of reflectance.
    haze : float
        Path reflectance in green.
    noise : float
        Standard deviation in the unit of the product: digital numbers, or reflectance for surface reflectance products.
    psf_px : float
        Standard deviation of the point spread in pixels.
    """

    when: datetime
    view: View = NADIR
    offset_m: tuple[float, float] = (0.0, 0.0)
    stretch: float = 0.0
    gain: float = 600.0
    haze: float = 0.03
    noise: float = 1.2
    psf_px: float = 0.5

    def sun(self, lonlat: tuple[float, float]) -> Sun:
        """Return where the sun stood over a place."""
        return solar_position(self.when, *lonlat)

    def truly(self, geobox: GeoBox) -> GeoBox:
        """Return where the pixels of a delivered grid truly lie."""
        a = geobox.affine
        x, y = a @ (geobox.shape[1] / 2, geobox.shape[0] / 2)
        k = 1 / (1 + self.stretch)
        east, north = x - self.offset_m[0], y - self.offset_m[1]
        moved = type(a)(a.a * k, 0.0, east + (a.c - x) * k, 0.0, a.e * k, north + (a.f - y) * k)
        return GeoBox(geobox.shape, moved, geobox.crs)

    def to_dn(self, bands: tuple[str, ...], seed: int) -> Callable[[NDArray[np.float32], tuple[int, int]], NDArray[Any]]:
        """Return what makes 8-bit digital numbers of a tile, with noise that grows a little with the signal; 0 stays free for no data."""
        haze = np.array([self.haze * HAZE[b] for b in bands], np.float32)[:, None, None]

        def finish(tile: NDArray[np.float32], corner: tuple[int, int]) -> NDArray[np.uint8]:
            rng = np.random.default_rng([seed, *corner])
            signal = (tile * np.float32(1 - 1.5 * self.haze) + haze) * np.float32(self.gain)
            signal += rng.standard_normal(tile.shape, dtype=np.float32) * (np.float32(self.noise) + np.float32(0.008) * signal)
            return np.asarray(np.clip(np.rint(signal), 1, 255), np.uint8)

        return finish
