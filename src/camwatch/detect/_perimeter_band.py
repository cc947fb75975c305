"""Where the enclosing line of a date is sought: beside its outline, or where an outline that is far off belongs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from shapely.geometry import Polygon
from shapely.geometry.polygon import orient

from camwatch.detect._course_place import placed
from camwatch.detect._course_ring import resample

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from camwatch.detect._course_ground import Ground
    from camwatch.detect._course_lattice import Lattice
    from camwatch.detect._perimeter_params import PerimeterParams
    from camwatch.imagery.image import Image

BESIDE_M = 5.0
"""What a band has beyond the accuracy of its outline."""
PLACED_M = 25.0
"""Half width of the band around an outline that was placed."""
FARTHER = 2.5
"""Half widths of its band within which an outline is sought where too little is seen in it."""


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """Where a line is sought.

    Attributes
    ----------
    ring : (k, 2) float64
        The outline, counter-clockwise.
    half_m : float
        How far on either side of it.
    observed : float
        The share of the outline that has valid pixels.
    sought_m : float
        How far from it the line may be as far as the outline tells.
    drawn : (k, 2) float64 or None
        The outline as it was drawn, where it was placed elsewhere.
    margin : float
        By how much it is better seen there than anywhere else.
    looked : Lattice or None
        What was looked at to place it, whether it was placed or not.
    grown : bool
        Whether it is no outline that was drawn but one to which that may have been enlarged.
    """

    ring: NDArray[np.float64]
    half_m: float
    observed: float
    sought_m: float
    drawn: NDArray[np.float64] | None = None
    margin: float = 0.0
    looked: Lattice | None = None
    grown: bool = False

    @property
    def shape(self) -> BaseGeometry:
        """The band."""
        return Polygon(self.ring).exterior.buffer(self.half_m)

    @property
    def searched(self) -> BaseGeometry:
        """All that was looked at."""
        outline = self.ring if self.drawn is None else self.drawn
        return self.shape if self.looked is None else self.shape.union(Polygon(outline).exterior.buffer(self.sought_m))


def band_of(image: Image, prior: BaseGeometry | None, accuracy_m: float, params: PerimeterParams) -> Band | None:
    """Return the band around the largest polygon of a prior, None without one."""
    parts = [p for p in getattr(prior, "geoms", [prior]) if isinstance(p, Polygon) and not p.is_empty]
    if not parts:
        return None
    polygon = orient(max(parts, key=lambda p: p.area))
    ring = np.asarray(polygon.exterior.coords, np.float64)[:-1, :2]
    inradius = _inradius(polygon)
    reach = max(accuracy_m + BESIDE_M, 15.0)
    half = min(reach, params.band_share * inradius)
    sought = half if reach <= params.wide_m else min(reach, params.sought_share * inradius, params.sought_most_m)
    return Band(ring, min(half, sought), _observed(image, ring), sought)


def _observed(image: Image, ring: NDArray[np.float64]) -> float:
    """Return the share of a ring that has valid pixels."""
    rows, cols = image.valid.shape
    col, row = (np.floor(each).astype(int) for each in ~image.geobox.affine * tuple(resample(ring, 4 * image.pixel_m).T))
    within = (row >= 0) & (row < rows) & (col >= 0) & (col < cols)
    seen = within & image.valid[np.clip(row, 0, rows - 1), np.clip(col, 0, cols - 1)]
    return float(seen.mean())


def _inradius(polygon: Polygon) -> float:
    """Radius of the largest inscribed circle, to 1 %."""
    low, high = 0.0, float(np.sqrt(polygon.area / np.pi))
    while high - low > 0.01 * high:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if polygon.buffer(-middle).is_empty else (middle, high)
    return low


def farther_band(band: Band, params: PerimeterParams) -> Band:
    """Return the band of an outline that is sought farther away than it is stated to be off."""
    reach = min(FARTHER * band.half_m, params.sought_share * _inradius(Polygon(band.ring)), params.sought_most_m)
    return replace(band, sought_m=max(reach, band.half_m))


def placed_band(ground: Ground, band: Band) -> Band:
    """Return the narrow band around a wide one's outline, moved and scaled to where it is seen best."""
    scene = ground.image.geobox.extent.geom
    looked = ground.lattice(Polygon(band.ring).exterior.buffer(band.sought_m).intersection(scene))
    found = placed(looked, band.ring, band.sought_m) if len(looked.row) else None
    if found is None:
        return replace(band, drawn=band.ring)
    observed = _observed(ground.image, found.ring)
    return Band(found.ring, min(PLACED_M, band.half_m), observed, band.sought_m, band.ring, found.margin, looked)
