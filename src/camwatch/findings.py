"""What a search found, and how well it looked."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from shapely import set_precision
from shapely.geometry import mapping, shape

from camwatch.aoi import LONLAT, reproject

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox
    from shapely.geometry.base import BaseGeometry

    from camwatch.rasters import Plane

Kind = Literal["structure", "tower", "perimeter", "landcover"]
Change = Literal["appeared", "removed", "altered", "unchanged", "not_observed"]


FORMER_LINE = "former line"
"""The measure `along` of a tower that stands along a line that is past."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One object, or one line at one date.

    Attributes
    ----------
    id : str
        Unique within the findings; stable for the same input.
    kind : {"structure", "tower", "perimeter", "landcover"}
    change : str
        `appeared`, `removed`, `altered`, `unchanged`, `not_observed`; for a perimeter line at one date `unchanged`, with `measures["date"]`.
    geometry : geometry in the CRS of the analysis
    score : float
        0..1; higher is more certain. A probability only where a model's calibration made it one; the `reason` of the search says so.
    area_m2 : float
    measures : mapping of str to float or str
        What stands behind the score; for perimeter lines also `date`, `area_se_m2`, `length_m`, `length_se_m`, `inferred_share`.
    """

    id: str
    kind: Kind
    change: Change
    geometry: BaseGeometry
    score: float
    area_m2: float
    measures: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ratio:
    """A growth with its 95 % interval: 0.72 is +72 %."""

    ratio: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Growth:
    """How the enclosed area and the enclosing line grew."""

    area: Ratio
    length: Ratio


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """All that one search of one pair gave.

    Attributes
    ----------
    kind : {"structure", "tower", "perimeter", "landcover"}
    status : {"searched", "not_testable"}
        `not_testable` = this pair could not have shown it; then `records` is empty and that means nothing.
    reason : str
        Why not testable, or what limits the search; one sentence.
    records : tuple of Finding
    aoi : str
    crs : str
        Of the geometries.
    before, after : str
        Scene ids; `acquired` holds their times in the same order.
    observed_share : float
        Share of the searched area that was usable at both dates, 0..1.
    searched_km2 : float
        Area that was searched and usable at both dates; for towers the band along the perimeter.
    gsd_m : float
        The coarser of the two sensors' ground sample distances.
    false_alarms_per_km2 : float or None
        From control ground; None = not measured.
    growth : Growth or None
        For perimeters seen at both dates.
    nominal, simulated : bool
        Whether an outline used is nominal; whether a scene is rendered.
    areas : mapping of str to (float, float, float), or None
        Of land, by class: m² and the ends of the 95 % interval, as reference samples tell; None without samples.
    held_share : float
        How much of what is asked about the searched area is likely to hold, 0..1: less than 1 where an outline may be off by more than is searched.
    tells_standing : bool
        Whether the search also reports what stands at both dates; where it does not, the number of standing objects is unknown, not 0.
    score : (y, x) float32 in 0..1, NaN where not observed
        An array, or a plane on disk that is taken apart and turned into one as arrays are: `score[rows, cols]`, `np.asarray(score)`.
    geobox : GeoBox of `score`
    came : (y, x) float32, or None
        The score of what appeared alone, where a search holds it in memory and tells it apart.
    """

    kind: Kind
    status: Literal["searched", "not_testable"]
    reason: str
    records: tuple[Finding, ...]
    aoi: str
    crs: str
    before: str
    after: str
    acquired: tuple[datetime, datetime]
    observed_share: float
    searched_km2: float
    gsd_m: float
    score: Plane
    geobox: GeoBox
    false_alarms_per_km2: float | None = None
    growth: Growth | None = None
    nominal: bool = False
    simulated: bool = False
    held_share: float = 1.0
    tells_standing: bool = False
    areas: Mapping[str, tuple[float, float, float]] | None = None
    came: NDArray[np.float32] | None = None

    @property
    def shown_share(self) -> float:
        """Share of what is asked about that was shown, 0..1: what was observed of what the searched area is likely to hold."""
        return self.held_share * self.observed_share

    def count(self, change: Change, within: BaseGeometry | None = None, *, along: str | None = None) -> int:
        """Return the number of records of one change: those with their centroid in `within` and this measure `along`, where given."""
        told = [r for r in self.records if r.change == change and along in {None, r.measures.get("along")}]
        return sum(within is None or within.contains(r.geometry.centroid) for r in told)

    def as_geojson(self) -> dict[str, Any]:
        """Return a GeoJSON FeatureCollection (EPSG:4326, 8 decimals) with the top-level members of the command-line contract."""

        def lonlat(geometry: BaseGeometry) -> dict[str, Any]:
            return dict(mapping(set_precision(reproject(geometry, self.crs, LONLAT), 1e-8, mode="pointwise")))

        dates = [t.date().isoformat() for t in self.acquired]
        features = [
            {
                "type": "Feature",
                "id": r.id,
                "properties": {
                    "id": r.id,
                    "kind": r.kind,
                    "change": r.change,
                    "score": round(r.score, 4),
                    "area_m2": round(r.area_m2, 1),
                    "before": dates[0],
                    "after": dates[1],
                    "nominal_outline": self.nominal,
                    "simulated": self.simulated,
                    **{k: _plain(v) for k, v in sorted(r.measures.items())},
                },
                "geometry": lonlat(r.geometry),
            }
            for r in self.records
        ]
        ratio = (
            None
            if self.growth is None
            else {
                name: {"ratio": round(g.ratio, 4), "low": round(g.low, 4), "high": round(g.high, 4)}
                for name, g in (("area", self.growth.area), ("length", self.growth.length))
            }
        )
        return {
            "type": "FeatureCollection",
            "kind": self.kind,
            "status": self.status,
            "reason": self.reason,
            "aoi": self.aoi,
            "before": {"scene": self.before, "acquired": self.acquired[0].isoformat()},
            "after": {"scene": self.after, "acquired": self.acquired[1].isoformat()},
            "observed_share": round(self.observed_share, 4),
            "held_share": round(self.held_share, 4),
            "searched_km2": round(self.searched_km2, 4),
            "false_alarms_per_km2": None if self.false_alarms_per_km2 is None else round(self.false_alarms_per_km2, 3),
            "gsd_m": round(self.gsd_m, 4),
            "crs_analysis": self.crs,
            **({"growth": ratio} if ratio else {}),
            **({"areas_m2": {name: [round(v, 1) for v in told] for name, told in self.areas.items()}} if self.areas is not None else {}),
            "nominal_outline": self.nominal,
            "simulated": self.simulated,
            "tells_standing": self.tells_standing,
            "features": features,
        }

    @classmethod
    def from_geojson(cls, document: dict[str, Any], score: Plane, geobox: GeoBox) -> Findings:
        """Return the findings that :meth:`as_geojson` wrote; `score` and its grid come from the raster beside it."""
        crs = document["crs_analysis"]
        growth, areas = document.get("growth"), document.get("areas_m2")
        return cls(
            kind=document["kind"],
            status=document["status"],
            reason=document["reason"],
            records=tuple(_finding(f, crs) for f in document["features"]),
            aoi=document["aoi"],
            crs=crs,
            before=document["before"]["scene"],
            after=document["after"]["scene"],
            acquired=(datetime.fromisoformat(document["before"]["acquired"]), datetime.fromisoformat(document["after"]["acquired"])),
            observed_share=document["observed_share"],
            searched_km2=document["searched_km2"],
            gsd_m=document["gsd_m"],
            score=score,
            geobox=geobox,
            false_alarms_per_km2=document["false_alarms_per_km2"],
            growth=Growth(Ratio(**growth["area"]), Ratio(**growth["length"])) if growth else None,
            nominal=document["nominal_outline"],
            simulated=document["simulated"],
            held_share=document["held_share"],
            tells_standing=document["tells_standing"],
            areas={name: (told[0], told[1], told[2]) for name, told in areas.items()} if areas is not None else None,
        )


COMMON = {"id", "kind", "change", "score", "area_m2", "before", "after", "nominal_outline", "simulated"}
"""Properties of a feature that are no measures."""


def _plain(value: float | str) -> float | str | None:
    """Return a measure as JSON holds it: rounded; None where it was not measured."""
    if not isinstance(value, float):
        return value
    return round(value, 4) if math.isfinite(value) else None


def _finding(feature: dict[str, Any], crs: str) -> Finding:
    properties = feature["properties"]
    return Finding(
        id=properties["id"],
        kind=properties["kind"],
        change=properties["change"],
        geometry=reproject(shape(feature["geometry"]), LONLAT, crs),
        score=properties["score"],
        area_m2=properties["area_m2"],
        measures={k: float("nan") if v is None else v for k, v in properties.items() if k not in COMMON},
    )
