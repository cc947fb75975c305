"""Areas of interest: outlines with their role, their source and their uncertainty.

These are the records; `camwatch.aoi.read` fills them from files, `camwatch.aoi.measure` checks them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from pyproj import CRS, Transformer
from shapely import Point, transform

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
    digitised : bool
        True for a perimeter with a `date`: a measurement of the line as it was then, drawn on an image, and not only where to look for it. Its
        `accuracy_m` is the standard error of the drawn line; `valid_from` and `valid_to` are the first and the last day that its date can mean.
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
    digitised: bool = False


@dataclass(frozen=True, slots=True)
class Digitised:
    """An enclosing line that an analyst drew on the image of a date, in the CRS of the pixels.

    Attributes
    ----------
    id : str
    geometry : shapely Polygon or MultiPolygon
    accuracy_m : float
        Standard error of the drawn line, across itself.
    """

    id: str
    geometry: BaseGeometry
    accuracy_m: float


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
    posts : tuple of shapely Point
        Guard posts that the analyst lists.
    lines_before, lines_after : tuple of Digitised
        The lines that the analyst drew on images of the two dates.
    former : tuple of geometry
        Lines that enclosed the site before these dates, as polygons: towers may still stand along them.
    """

    id: str
    area: BaseGeometry
    perimeter_before: BaseGeometry | None
    perimeter_after: BaseGeometry | None
    perimeter_accuracy_m: float
    sub_areas: Mapping[str, BaseGeometry]
    nominal: bool
    posts: tuple[Point, ...] = ()
    lines_before: tuple[Digitised, ...] = ()
    lines_after: tuple[Digitised, ...] = ()
    former: tuple[BaseGeometry, ...] = ()


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
    posts : tuple of shapely Point, EPSG:4326 (longitude, latitude)
        Guard posts that the analyst lists.
    former : tuple of geometry, EPSG:4326
        Enclosing lines of earlier dates that no outline tells, as polygons: those that a run has traced.
    """

    id: str
    name: str
    aliases: tuple[str, ...]
    outlines: tuple[Outline, ...]
    distances: tuple[Mapping[str, object], ...] = ()
    notes: str = ""
    posts: tuple[Point, ...] = ()
    former: tuple[BaseGeometry, ...] = ()

    @property
    def camp(self) -> Outline:
        """The outline of the whole site; the search window where none is published, the largest digitised line in a file of nothing else."""
        for role in ("camp", "search-window"):
            for outline in self.outlines:
                if outline.role == role:
                    return outline
        return max(self.outlines, key=lambda o: o.geometry.area)

    @property
    def nominal(self) -> bool:
        """True where the outline of the whole site is nominal."""
        return self.camp.nominal

    def perimeter(self, on: date) -> Outline:
        """Return the perimeter that stood on a day.

        A line digitised for that day comes first, then a perimeter whose span of years holds it, then the digitised line nearest in time, then the
        camp's outline.
        """
        drawn = self.digitised(on)
        if drawn:
            return drawn[0]
        standing = [o for o in self.outlines if o.role == "perimeter" and not o.digitised and (o.valid_from or on) <= on <= (o.valid_to or on)]
        if standing:
            return standing[0]
        dated = [(abs(o.valid_from - on), o) for o in self.outlines if o.digitised and o.valid_from]
        return min(dated, key=lambda each: each[0])[1] if dated else self.camp

    def digitised(self, on: date) -> tuple[Outline, ...]:
        """Return the perimeters that were digitised for a day."""
        return tuple(o for o in self.outlines if o.digitised and (o.valid_from or on) <= on <= (o.valid_to or on))

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
        past = [o.geometry for o in self.outlines if o.digitised and o.valid_to and o.valid_to < before and o.id not in {earlier.id, later.id}]
        return Site(
            id=self.id,
            area=project(self.camp.geometry),
            perimeter_before=project(earlier.geometry),
            perimeter_after=project(later.geometry),
            perimeter_accuracy_m=max(earlier.accuracy_m, later.accuracy_m),
            sub_areas={o.id: project(o.geometry) for o in self.outlines if o.role == "sub-area"},
            nominal=any(o.nominal for o in (self.camp, earlier, later)),
            posts=tuple(Point(project(post).coords[0]) for post in self.posts),
            lines_before=tuple(Digitised(o.id, project(o.geometry), o.accuracy_m) for o in self.digitised(before)),
            lines_after=tuple(Digitised(o.id, project(o.geometry), o.accuracy_m) for o in self.digitised(after)),
            former=tuple(project(g) for g in (*past, *self.former)),
        )
