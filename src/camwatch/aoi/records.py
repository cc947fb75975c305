"""Areas of interest: outlines with their role, their source and their uncertainty.

These are the records; `camwatch.aoi.read` fills them from files, `camwatch.aoi.measure` checks them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from pyproj import CRS, Transformer
from shapely import transform

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

LONLAT = "EPSG:4326"

Role = Literal["camp", "perimeter", "sub-area", "search-window"]


def reproject(geometry: BaseGeometry, source: object, target: object) -> BaseGeometry:
    """Return `geometry` moved from one CRS to another (anything pyproj reads), axes always (x, y) = (longitude, latitude)."""
    mover = Transformer.from_crs(CRS.from_user_input(str(source)), CRS.from_user_input(str(target)), always_xy=True)

    def move(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(mover.transform(points[:, 0], points[:, 1]))

    return transform(geometry, move)


@dataclass(frozen=True, slots=True)
class Outline:
    """One geometry of an area of interest.

    Attributes
    ----------
    id : str
    name : str
    role : str
        `camp` (the whole site), `perimeter` (the enclosing line in a span of years), `sub-area`, or `search-window` (where to look in archives).
    geometry : shapely Polygon or MultiPolygon, EPSG:4326 (longitude, latitude)
    accuracy_m : float
        How far the drawn line may lie from the true one, in metres.
    nominal : bool
        True where the outline was constructed from published figures and not traced from imagery; drawn and reported as such.
    source, made : str
        Where the figures come from, and how the outline was made from them.
    valid_from, valid_to : date or None
        The span in which the line stood, for `perimeter`; None = open.
    documented : mapping of str to float
        Published figures to compare with, keys `area_km2`, `perimeter_km`, `width_m`, `height_m`.
    """

    id: str
    name: str
    role: Role
    geometry: BaseGeometry
    accuracy_m: float
    nominal: bool
    source: str
    made: str
    valid_from: date | None = None
    valid_to: date | None = None
    documented: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Site:
    """An area of interest as a detector sees it: in the CRS of the pixels, for one pair of dates.

    Attributes
    ----------
    id : str
    area : geometry
        Where to search.
    perimeter_before, perimeter_after : geometry or None
        The prior of the enclosing line at each date, as polygons.
    perimeter_accuracy_m : float
        How far the prior may be off.
    sub_areas : mapping of outline id to geometry
    nominal : bool
        True where any of these outlines is nominal.
    """

    id: str
    area: BaseGeometry
    perimeter_before: BaseGeometry | None
    perimeter_after: BaseGeometry | None
    perimeter_accuracy_m: float
    sub_areas: Mapping[str, BaseGeometry]
    nominal: bool


@dataclass(frozen=True, slots=True)
class Aoi:
    """A camp with all its outlines.

    Attributes
    ----------
    id : str
        Short name used on the command line, e.g. `chongjin`.
    name : str
    aliases : tuple of str
        Other names, Korean too.
    outlines : tuple of Outline
        At least one with role `camp` or `search-window`.
    distances : tuple of mapping
        Published distances to check: `to` (name), `lon`, `lat`, `km`, and where from: `from_lon` and `from_lat`, or `from_outline` (the nearest
        point of that outline). Optional: `id`, `what` (in words), `tolerance_km` (spread of the published figure), `source`.
    notes : str
    """

    id: str
    name: str
    aliases: tuple[str, ...]
    outlines: tuple[Outline, ...]
    distances: tuple[Mapping[str, object], ...] = ()
    notes: str = ""

    @property
    def camp(self) -> Outline:
        """The outline of the whole site; the search window where no outline of the camp is published."""
        return next((o for o in self.outlines if o.role == "camp"), self.outlines[0])

    @property
    def nominal(self) -> bool:
        """True where the outline of the whole site is nominal."""
        return self.camp.nominal

    def perimeter(self, on: date) -> Outline:
        """Return the perimeter that stood on a day, the camp outline where no perimeter says so."""
        standing = [o for o in self.outlines if o.role == "perimeter" and (o.valid_from or on) <= on <= (o.valid_to or on)]
        return standing[0] if standing else self.camp

    def utm(self) -> CRS:
        """Return the UTM zone of the camp's centre."""
        centre = self.camp.geometry.centroid
        zone = int((centre.x + 180) // 6) + 1
        return CRS.from_epsg((32600 if centre.y >= 0 else 32700) + zone)

    def site(self, crs: object, before: date, after: date) -> Site:
        """Project the outlines that matter for a pair of dates into `crs` (anything pyproj reads)."""

        def project(geometry: BaseGeometry) -> BaseGeometry:
            return reproject(geometry, LONLAT, crs)

        earlier, later = self.perimeter(before), self.perimeter(after)
        return Site(
            id=self.id,
            area=project(self.camp.geometry),
            perimeter_before=project(earlier.geometry),
            perimeter_after=project(later.geometry),
            perimeter_accuracy_m=max(earlier.accuracy_m, later.accuracy_m),
            sub_areas={o.id: project(o.geometry) for o in self.outlines if o.role == "sub-area"},
            nominal=any(o.nominal for o in (self.camp, earlier, later)),
        )
