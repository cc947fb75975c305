"""The pixels of one acquisition on one grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from datetime import datetime

    import xarray as xr
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

Calibration = Literal["surface reflectance", "toa reflectance", "dn"]

LUMINANCE = {"red": 0.35, "green": 0.40, "blue": 0.25}
"""Weights of the visible bands in :meth:`Image.luminance`; close to a broad panchromatic band, and no band dominates."""


@dataclass(frozen=True, slots=True)
class Sun:
    """Where the sun stood: `azimuth_deg` clockwise from north, `elevation_deg` above the horizon; `doubt_deg`, the azimuth's standard uncertainty.

    A doubt of 0 is that of a product's own angles, well under a degree.
    """

    azimuth_deg: float
    elevation_deg: float
    doubt_deg: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.azimuth_deg <= 360 and -90 <= self.elevation_deg <= 90):
            raise ValueError(f"sun: got azimuth {self.azimuth_deg}°, elevation {self.elevation_deg}°; expected 0..360° and -90..90°")
        if not 0 <= self.doubt_deg <= 180:
            raise ValueError(f"sun: got a doubt of {self.doubt_deg}° about its azimuth; expected 0..180°")


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """Pixels of one acquisition on one grid; not written to after construction.

    Attributes
    ----------
    values : (band, y, x) float32
        Reflectance (0..1, more over bright targets) or digital numbers, as `calibration` says. What stands where `valid` is False means nothing.
    valid : (y, x) bool
        True = usable: inside the scene, declared data, no cloud, no cloud shadow, not saturated.
    bands : tuple of str
        Common names in order: `pan`, `blue`, `green`, `red`, `nir`, `swir16`, `swir22`, … or `b1`, `b2`, … where the product names none.
    geobox : GeoBox
        The grid: shape, affine, CRS.
    acquired : datetime
        UTC.
    sun : Sun or None
        None where neither the product nor its sidecar tells.
    gsd_m : float
        Ground sample distance of the sensor in metres; the grid may be finer or coarser.
    calibration : str
        What `values` are.
    scene : str
        Identifier of the scene (the STAC Item's id).
    simulated : bool
        Rendered, not observed; every picture and record made from it must say SIMULATED.
    clouds : str
        What told clouds: the product's quality layer (`QA_PIXEL`, `SCL`, …), `fallback` (`camwatch.imagery.clouds`), or `none`.
    """

    values: NDArray[np.float32]
    valid: NDArray[np.bool_]
    bands: tuple[str, ...]
    geobox: GeoBox
    acquired: datetime
    sun: Sun | None
    gsd_m: float
    calibration: Calibration
    scene: str
    simulated: bool = False
    clouds: str = "none"

    def __post_init__(self) -> None:
        grid = tuple(self.geobox.shape)
        if self.values.dtype != np.float32 or self.values.shape != (len(self.bands), *grid):
            raise ValueError(f"values: got {self.values.dtype} {self.values.shape}; expected float32 {(len(self.bands), *grid)} (band, y, x)")
        if self.valid.dtype != np.bool_ or self.valid.shape != grid:
            raise ValueError(f"valid: got {self.valid.dtype} {self.valid.shape}; expected bool {grid} (y, x)")
        if self.acquired.tzinfo is None:
            raise ValueError(f"acquired: got {self.acquired} without a time zone; expected UTC")
        self.values.setflags(write=False)
        self.valid.setflags(write=False)

    @property
    def pixel_m(self) -> float:
        """Side of a grid pixel in metres (the grid's CRS is metric)."""
        return float(abs(self.geobox.affine.determinant) ** 0.5)

    def band(self, name: str) -> NDArray[np.float32]:
        """Return one band as (y, x) float32; KeyError names the bands there are."""
        if name not in self.bands:
            raise KeyError(f"band {name!r} is not in {self.scene}; it has {', '.join(self.bands)}")
        plane: NDArray[np.float32] = self.values[self.bands.index(name)]
        return plane

    def luminance(self) -> NDArray[np.float32]:
        """Return one (y, x) float32 plane for work on structure: the panchromatic band, else the weighted visible bands, else the mean of all."""
        if "pan" in self.bands:
            return self.band("pan")
        visible = {name: weight for name, weight in LUMINANCE.items() if name in self.bands}
        if not visible:
            return np.asarray(self.values.mean(axis=0), np.float32)
        total = sum(visible.values())
        plane = sum((weight / total) * self.band(name) for name, weight in visible.items())
        return np.asarray(plane, np.float32)

    def to_xarray(self) -> xr.DataArray:
        """Return a copy as an `xarray.DataArray` (band, y, x) with NaN where not valid, for notebooks."""
        import xarray as xr
        from odc.geo.xr import xr_coords

        return xr.DataArray(
            np.where(self.valid, self.values, np.float32(np.nan)),
            dims=("band", *self.geobox.dims),
            coords={"band": list(self.bands), **xr_coords(self.geobox)},
            attrs={"scene": self.scene, "acquired": self.acquired.isoformat(), "calibration": self.calibration, "simulated": str(self.simulated)},
        )
