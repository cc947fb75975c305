"""Measure outlines on the ellipsoid and compare them with the published figures."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

from shapely.geometry import Point
from shapely.ops import nearest_points

from camwatch.aoi.geometry import WGS84, geodesic
from camwatch.aoi.records import LONLAT, reproject
from camwatch.errors import AoiError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from camwatch.aoi.records import Aoi, Outline


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured figure beside the published one.

    Attributes
    ----------
    outline : str
        Outline id; the AOI's id for a distance between published points.
    what : str
        `area`, `perimeter`, `width`, `height`, or the name of a distance.
    unit : str
        `km2`, `km` or `m`.
    measured : float
        On the WGS84 ellipsoid.
    documented : float or None
    uncertainty : float
        How far `measured` moves when the whole line lies `accuracy_m` too far out or in: length × accuracy for an area, 2π × accuracy for a length,
        2 × accuracy for width and height, the accuracy itself for a distance. Never less than the stated spread of a published distance.
    source : str
    """

    outline: str
    what: str
    unit: str
    measured: float
    documented: float | None
    uncertainty: float
    source: str = ""

    @property
    def difference_percent(self) -> float | None:
        """Measured against documented, in percent of the documented figure; None where nothing is documented."""
        return None if self.documented is None else 100 * (self.measured / self.documented - 1)

    @property
    def agrees(self) -> bool | None:
        """True where the difference is within the uncertainty; None where nothing is documented."""
        return None if self.documented is None else abs(self.measured - self.documented) <= self.uncertainty

    def as_json(self) -> dict[str, Any]:
        """Return the record with its comparison, numbers at six significant digits."""
        fields = {**asdict(self), "difference_percent": self.difference_percent, "agrees": self.agrees}
        return {key: float(f"{value:.6g}") if isinstance(value, float) else value for key, value in fields.items()}

    def row(self) -> tuple[str, str, str, str, str, str]:
        """Return the record as words: outline, measure, measured ± uncertainty, documented, difference, remark."""
        unit = {"km2": "km²"}.get(self.unit, self.unit)
        measured = f"{self.measured:,.4g} ± {float(f'{self.uncertainty:.2g}'):,g} {unit}"
        if self.documented is None or self.difference_percent is None:
            return self.outline, self.what, measured, "", "", ""
        remark = "within its uncertainty" if self.agrees else "differs beyond its uncertainty"
        return self.outline, self.what, measured, f"{self.documented:,g} {unit}", f"{self.difference_percent:+.1f} %", remark


def check(aoi: Aoi) -> tuple[Measurement, ...]:
    """Measure area and perimeter of every outline, its width and height where they are documented, and every documented distance.

    Areas and lengths are geodesic (Karney 2013, doi:10.1007/s00190-012-0578-z). Width and height are those of the bounding box in longitude and
    latitude, along its middle parallel and meridian.
    """
    return (*(m for outline in aoi.outlines for m in _of_outline(outline)), *(_distance(aoi, record) for record in aoi.distances))


def _of_outline(outline: Outline) -> Iterator[Measurement]:
    area, length = geodesic(outline.geometry)
    west, south, east, north = outline.geometry.bounds
    x, y = (west + east) / 2, (south + north) / 2
    accuracy, said = outline.accuracy_m, outline.documented
    yield Measurement(outline.id, "area", "km2", area / 1e6, said.get("area_km2"), length * accuracy / 1e6, outline.source)
    yield Measurement(outline.id, "perimeter", "km", length / 1e3, said.get("perimeter_km"), math.tau * accuracy / 1e3, outline.source)
    if "width_m" in said:
        yield Measurement(outline.id, "width", "m", WGS84.inv(west, y, east, y)[2], said["width_m"], 2 * accuracy, outline.source)
    if "height_m" in said:
        yield Measurement(outline.id, "height", "m", WGS84.inv(x, south, x, north)[2], said["height_m"], 2 * accuracy, outline.source)


def _distance(aoi: Aoi, record: Mapping[str, object]) -> Measurement:
    lon, lat, km = (float(cast("float", record[key])) for key in ("lon", "lat", "km"))
    name = str(record.get("from_outline", ""))
    if name:
        outline = next((o for o in aoi.outlines if o.id == name), aoi.camp if name == aoi.id else None)
        if outline is None:
            known = " | ".join(o.id for o in aoi.outlines)
            raise AoiError("a distance from an outline that is not there", where=aoi.id, got=repr(name), expected=known, remedy="mend `from_outline`")
        start, spread = _nearest(outline, lon, lat), outline.accuracy_m / 1e3
    else:
        start, spread = (float(cast("float", record["from_lon"])), float(cast("float", record["from_lat"]))), 0.0
    spread = max(spread, float(cast("float", record.get("tolerance_km", 0.0))))
    what = str(record.get("what") or f"distance to {record.get('to', '')}")
    return Measurement(name or aoi.id, what, "km", WGS84.inv(*start, lon, lat)[2] / 1e3, km, spread, str(record.get("source", "")))


def _nearest(outline: Outline, lon: float, lat: float) -> tuple[float, float]:
    """Return the point of the boundary nearest to a position, found in an equidistant projection about that position."""
    local = f"+proj=aeqd +lat_0={lat} +lon_0={lon} +datum=WGS84 +units=m"
    point, _ = nearest_points(reproject(outline.geometry.boundary, LONLAT, local), Point(0, 0))
    back = reproject(point, local, LONLAT).centroid
    return back.x, back.y
