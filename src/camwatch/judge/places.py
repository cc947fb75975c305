"""Distances and positions: answered by the outline and by the published places that stand beside it, without imagery."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from scipy.stats import norm
from shapely import get_coordinates
from shapely.geometry import Point

from camwatch.aoi import LONLAT, reproject
from camwatch.judge.extents import Z
from camwatch.judge.limits import bounds_of
from camwatch.judge.measurement import CannotMeasureError, Measurement
from camwatch.judge.record import Estimate
from camwatch.judge.words import interval_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shapely.geometry.base import BaseGeometry

    from camwatch.aoi import Aoi, Outline
    from camwatch.claims.model import Reading
    from camwatch.claims.typed import Place, Where
    from camwatch.judge.record import Outcome

COMMON = {"the", "city", "town", "centre", "center", "downtown", "camp", "river", "from", "near", "north", "south", "east", "west"}
"""Words of a place's name that name no place."""


@dataclass(frozen=True, slots=True)
class Distance:
    """A distance from the site to a place.

    Attributes
    ----------
    what : str
        Between what, in words.
    metres, error : float
        Geodesic, and its standard error: that of the outline and that of the place, which is cautious where a file means more by its accuracy.
    assumed : bool
        Whether the outline was constructed from published figures: a distance from it repeats what was published.
    """

    what: str
    metres: float
    error: float
    assumed: bool


def distances(reading: Reading, aoi: Aoi, places: Sequence[Place] = ()) -> tuple[Distance, ...]:
    """Return the distances that a reading can mean.

    They are measured to every place beside the outline whose name stands in the reading's words, and to every place of the ledger that the reading
    names and that has a point: from the nearest part of the outline, and from a published starting point where one stands beside the place.
    """
    outline = outline_of(reading, aoi)
    found: list[Distance] = []
    for target in aoi.distances:
        if _named(str(target.get("to", "")), f"{reading.text} {' '.join(w.place for w in reading.where)}"):
            found += _to(target, outline, aoi)
    if not found:
        for place in _asked(reading, places):
            if place.point is not None:
                found += _to({"to": place.name, "lon": place.point[0], "lat": place.point[1]}, outline, aoi)
    return tuple({(d.what, round(d.metres)): d for d in sorted(found, key=lambda d: (d.what, d.metres))}.values())


def outline_of(reading: Reading, aoi: Aoi) -> Outline:
    """Return the outline that a reading is about: that of its part, else that of the whole site."""
    return next((o for o in aoi.outlines if o.id == reading.sub_area), aoi.camp)


def _asked(reading: Reading, places: Sequence[Place]) -> list[Place]:
    named = {w.place for w in reading.where}
    return [place for place in places if place.name in named]


def position_in(where: Where, place: Place, outline: Outline) -> tuple[Outcome, str]:
    """Return whether an outline lies in a region, or in a sector of it, and what was found, as a clause.

    The region is known by the rectangle that holds it: what lies outside of that lies outside the region, what lies inside may lie beyond its border.
    The rectangle's halves are its sectors.
    """
    assert place.box is not None
    centre = outline.geometry.centroid
    west, south, east, north = place.box
    at = f"the centre of “{outline.name}”, {degrees(centre.x, centre.y)},"
    slack = tuple(2 * outline.accuracy_m / metres for metres in (111_320 * math.cos(math.radians(centre.y)), 111_320))
    if not (west - slack[0] <= centre.x <= east + slack[0] and south - slack[1] <= centre.y <= north + slack[1]):
        return "contradicted", f"{at} lies outside of {place.name}"
    if where.sector is None:
        return "inconclusive", f"{at} lies within the rectangle around {place.name}; whether within its border too, a rectangle does not tell"
    ways = {"east": (0, 1), "west": (0, -1), "north": (1, 1), "south": (1, -1)}
    middle = ((west + east) / 2, (south + north) / 2)
    offsets = [sign * ((centre.x, centre.y)[axis] - middle[axis]) / slack[axis] for axis, sign in (ways[w] for w in where.sector.split("-"))]
    here = f"{'north' if centre.y > middle[1] else 'south'}-{'east' if centre.x > middle[0] else 'west'}"
    outcome: Outcome = "supported" if min(offsets) > 1 else "contradicted" if min(offsets) < -1 else "inconclusive"
    return outcome, f"{at} lies in the {here} of {place.name}{f', not in the {where.sector}' if outcome == 'contradicted' else ''}"


def degrees(lon: float, lat: float) -> str:
    """Return a position to 0.001°."""
    return f"{abs(lat):.3f}° {'N' if lat >= 0 else 'S'} {abs(lon):.3f}° {'E' if lon >= 0 else 'W'}"


def _named(name: str, text: str) -> bool:
    words = set(re.findall(r"\w+", name.lower())) - COMMON
    return bool(words) and words <= set(re.findall(r"\w+", text.lower()))


def _to(place: Mapping[str, object], outline: Outline, aoi: Aoi) -> list[Distance]:
    lon, lat = (float(cast("float", place[key])) for key in ("lon", "lat"))
    spread = 1e3 * float(cast("float", place.get("tolerance_km", 0.0)))
    local = f"+proj=aeqd +lat_0={lat} +lon_0={lon} +datum=WGS84 +units=m"  # keeps distances from its centre

    def edge(of: Outline) -> Distance:
        flat = reproject(of.geometry, LONLAT, local)
        error = math.hypot(of.accuracy_m, spread)
        return Distance(f"the nearest part of “{of.name}” to {place['to']}", Point(0, 0).distance(flat), error, of.nominal)

    told = [edge(outline)]
    if "from_lon" in place:
        start = Point(*(float(cast("float", place[key])) for key in ("from_lon", "from_lat")))
        metres = math.hypot(*get_coordinates(reproject(start, LONLAT, local))[0])
        what = str(place.get("what") or f"the published point to {place['to']}")
        told.append(Distance(what, metres, math.hypot(_around(start, aoi), spread), assumed=False))
    return told


def _around(point: BaseGeometry, aoi: Aoi) -> float:
    """Return the accuracy of the smallest outline that holds a point, that of the site where none does."""
    holding = [o for o in aoi.outlines if o.role != "search-window" and o.geometry.contains(point)]
    return min(holding, key=lambda o: o.geometry.area).accuracy_m if holding else aoi.camp.accuracy_m


def measure_place(reading: Reading, distance: Distance) -> Measurement:
    """Hold a distance against the claimed one; CannotMeasureError where the reading gives none."""
    if reading.quantity is None or reading.quantity.unit not in {"m", "km"}:
        raise CannotMeasureError("the claim gives no distance to hold against it")
    claimed, error = bounds_of(reading.quantity, "length"), max(distance.error, 1e-3)
    low, high = max(distance.metres - Z * error, 0.0), distance.metres + Z * error
    upper, lower = ((bound - distance.metres) / error for bound in (claimed.near_high, claimed.near_low))
    half = (claimed.wide_high - claimed.wide_low) / 2 if math.isfinite(claimed.wide_high - claimed.wide_low) else abs(claimed.low) / 2
    return Measurement(
        Estimate(distance.metres, low, high, "m"),
        floor=low,
        ceiling=high,
        mass=float(norm.cdf(upper) - norm.cdf(lower)),
        bayes=None,
        bayes_other=None,
        # Told from a place half as far off as the claim's own latitude, or not at all.
        power=float(norm.sf(Z - max(half, abs(claimed.low if math.isfinite(claimed.low) else claimed.high) / 2) / error)),
        sign=0,
        complete=True,
        additive=False,
        calibrated=True,
        blind=False,
        seen=1.0,
        detail="",
    )


def distance_words(found: Sequence[Distance]) -> str:
    """Return distances that no number was claimed for."""
    parts = []
    for distance in found:
        low, high = max(distance.metres - Z * distance.error, 0.0), distance.metres + Z * distance.error
        parts.append(f"{distance.what}: {interval_words(Estimate(distance.metres, low, high, 'm'))}")
    return "; ".join(parts)
