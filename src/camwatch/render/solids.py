"""What stands on the ground: simple solids with a footprint, a roof and what it reflects."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin
from typing import TYPE_CHECKING, Literal

from shapely.geometry import Polygon

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["tower", "building", "wall", "fence"]
Roof = Literal["flat", "gable", "pyramid"]
Material = Literal["concrete", "tile", "metal", "whitewash", "thatch"]

SPECTRA: Mapping[Material, Mapping[str, float]] = {
    "concrete": {"blue": 0.92, "green": 1.0, "red": 1.06, "nir": 1.2, "swir16": 1.35, "swir22": 1.25},
    "tile": {"blue": 0.82, "green": 0.95, "red": 1.18, "nir": 1.5, "swir16": 1.7, "swir22": 1.6},
    "metal": {"blue": 1.08, "green": 1.0, "red": 0.95, "nir": 0.95, "swir16": 0.9, "swir22": 0.85},
    "whitewash": {"blue": 0.93, "green": 1.0, "red": 1.04, "nir": 1.08, "swir16": 1.0, "swir22": 0.9},
    "thatch": {"blue": 0.82, "green": 1.0, "red": 1.14, "nir": 1.7, "swir16": 2.0, "swir22": 1.7},
}
"""Reflectance of a roof material in each band relative to its mean in the visible; coarse, after the classes of public spectral libraries."""


@dataclass(frozen=True, slots=True)
class Solid:
    """One object standing on flat ground.

    Attributes
    ----------
    kind : {"tower", "building", "wall", "fence"}
    x, y : float
        Centre of the footprint, in the map coordinates of the image (metres).
    length_m, width_m : float
        Sides of the rectangular footprint; `length_m` lies along `azimuth_deg`.
    height_m : float
        Highest point above ground: the ridge of a gable, the top of a tower.
    azimuth_deg : float
        Direction of the long side, clockwise from grid north.
    roof : {"flat", "gable", "pyramid"}
        A gable's ridge runs along the length.
    pitch : float
        Rise over run of a gable's or pyramid's slope.
    material : str
        Which spectrum of :data:`SPECTRA` the roof has.
    roof_reflectance, wall_reflectance : float
        0..1, mean in the visible.
    opacity : float
        0..1, share of light that it stops; a wire fence is nearly transparent.
    """

    kind: Kind
    x: float
    y: float
    length_m: float
    width_m: float
    height_m: float
    azimuth_deg: float = 0.0
    roof: Roof = "flat"
    pitch: float = 0.5
    material: Material = "concrete"
    roof_reflectance: float = 0.3
    wall_reflectance: float = 0.3
    opacity: float = 1.0

    def __post_init__(self) -> None:
        if min(self.length_m, self.width_m, self.height_m) <= 0:
            raise ValueError(f"solid: got length {self.length_m} m, width {self.width_m} m, height {self.height_m} m; expected more than 0 m each")
        if not (0 < self.opacity <= 1 and 0 <= self.roof_reflectance <= 1 and 0 <= self.wall_reflectance <= 1):
            raise ValueError(f"solid: got opacity {self.opacity}, reflectance {self.roof_reflectance} and {self.wall_reflectance}; expected 0..1")

    @property
    def axes(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Unit vectors (x, y) along the length and across it, the second to the right of the first."""
        a = radians(self.azimuth_deg)
        return (sin(a), cos(a)), (cos(a), -sin(a))

    @property
    def footprint(self) -> Polygon:
        """The outline on the ground, in map coordinates."""
        (ux, uy), (vx, vy) = self.axes
        a, b = self.length_m / 2, self.width_m / 2
        return Polygon([(self.x + s * a * ux + t * b * vx, self.y + s * a * uy + t * b * vy) for s, t in ((-1, -1), (1, -1), (1, 1), (-1, 1))])

    def reflectance(self, band: str) -> float:
        """Return the reflectance of the roof in a band; the visible mean for panchromatic and unnamed bands."""
        return self.roof_reflectance * SPECTRA[self.material].get(band, 1.0)
