"""What was put into a simulated world, written beside its scenes so that findings can be checked against it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from shapely import set_precision
from shapely.geometry import Point, mapping

from camwatch.aoi import LONLAT, reproject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from shapely.geometry.base import BaseGeometry

    from camwatch.render.world import Standing

NOTICE = "SIMULATED by camwatch; no satellite observed this"


def truth_of(
    camp: str,
    crs: str,
    standing: Sequence[Standing],
    *,
    enclosed: Sequence[Mapping[str, Any]],
    dates: Sequence[date],
    note: str,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the truth of a world as one JSON document.

    Parameters
    ----------
    camp, crs : str
    standing : sequence of Standing
        Towers and buildings are listed; walls, fences and generic houses are not.
    enclosed : sequence of mapping
        `geometry` (polygon in `crs`), `since`, `until`, and further members that are copied.
    dates : sequence of date
        For which the state is counted.
    note : str
    extra : mapping, optional
        Further top-level members.
    """
    listed = [s for s in standing if s.label in {"tower", "building"}]
    objects: dict[str, list[dict[str, Any]]] = {"tower": [], "building": []}
    for s in listed:
        group = objects[s.label]
        group.append({"id": f"{s.label}-{len(group) + 1:03d}", **_object(s, crs, dates)})
    return {
        "simulated": True,
        "notice": NOTICE,
        "camp": camp,
        "crs": crs,
        "note": note,
        "dates": [d.isoformat() for d in dates],
        "counts": {d.isoformat(): {label: sum(o["present"][d.isoformat()] for o in group) for label, group in objects.items()} for d in dates},
        "changes": [_changes(objects, one.isoformat(), two.isoformat()) for one, two in pairwise(dates)],
        "perimeters": [_perimeter(e, crs) for e in enclosed],
        "towers": objects["tower"],
        "buildings": objects["building"],
        **(extra or {}),
    }


def _object(s: Standing, crs: str, dates: Sequence[date]) -> dict[str, Any]:
    lon, lat = reproject(Point(s.solid.x, s.solid.y), crs, LONLAT).coords[0]
    return {
        "lon": round(lon, 7),
        "lat": round(lat, 7),
        "x": round(s.solid.x, 2),
        "y": round(s.solid.y, 2),
        "length_m": round(s.solid.length_m, 2),
        "width_m": round(s.solid.width_m, 2),
        "height_m": round(s.solid.height_m, 2),
        "azimuth_deg": round(s.solid.azimuth_deg % 180, 1),
        "since": s.since.isoformat() if s.since else None,
        "until": s.until.isoformat() if s.until else None,
        "present": {d.isoformat(): (s.since is None or s.since <= d) and (s.until is None or d <= s.until) for d in dates},
    }


def _changes(objects: Mapping[str, Sequence[Mapping[str, Any]]], before: str, after: str) -> dict[str, Any]:
    counts = {
        label: {
            "appeared": sum(o["present"][after] and not o["present"][before] for o in group),
            "removed": sum(o["present"][before] and not o["present"][after] for o in group),
        }
        for label, group in objects.items()
    }
    return {"before": before, "after": after, **counts}


def _perimeter(entry: Mapping[str, Any], crs: str) -> dict[str, Any]:
    geometry: BaseGeometry = entry["geometry"]
    lonlat = set_precision(reproject(geometry, crs, LONLAT), 1e-8, mode="pointwise")
    return {
        "since": entry["since"].isoformat() if entry.get("since") else None,
        "until": entry["until"].isoformat() if entry.get("until") else None,
        "area_m2": round(geometry.area, 1),
        "length_m": round(geometry.length, 1),
        **{k: v for k, v in entry.items() if k not in {"since", "until", "geometry"}},
        "geometry": mapping(lonlat),
    }
