"""Scans of declassified film, KH-4A and KH-4B (CORONA), KH-7 (GAMBIT) and KH-9 (HEXAGON), placed by control points; likewise any other raster
beside which control points lie (`camwatch.scenes.families.control`) and that has no georeference of its own.

USGS delivers TIFFs without georeference, a frame often in several parts (`_a`, `_b`, …), named by entity (EarthExplorer, data dictionaries of
Declassified Satellite Imagery 1 to 3): `DS1101-1069DF090` is mission 1101, pass 1069, camera F(orward) or A(ft), frame 90; `DZB00401700037H013001` is
KH-7 mission 4017; `DZB1210-500109L003001` the mapping camera and `D3C1213-200346A003` the panoramic cameras of KH-9. Missions 1001 to 1052 are KH-4A
and 1101 to 1117 KH-4B. No entity holds a date: it comes from an option, a STAC Item (`NAME.json`) or EarthExplorer's metadata (`NAME.xml`) beside the
scan, a tag, or a date that was added to the name; never from TIFFTAG_DATETIME, which is when the film was scanned.

The transform is affine, by least squares, and its residuals stand in the Item: what each point shows when the others predict it is the position error
that registration searches through. Panoramic film is bent. On simulated KH-4B geometry (f 0.61 m, height 185 km, forward by 15°, points good to 2 m)
withheld points, of 14 over a square of 5 km, lie 5 m from where the affine puts them in the middle of the strip and 9 m at 30° from it; over 15 km,
41 and 74 m; 4 m throughout with a second-order polynomial. So points should lie around the area of interest, and what lies further out than they
reach (their convex hull, enlarged by half about its centre) is not valid. Where a polynomial predicts withheld points at least twice as well, the
Item says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from shapely import MultiPoint, Polygon
from shapely.affinity import scale

from camwatch.errors import SceneError
from camwatch.scenes import dates
from camwatch.scenes.access import film
from camwatch.scenes.access.files import base_of, folder_of
from camwatch.scenes.access.gdal import read_header
from camwatch.scenes.access.xml import parse_xml
from camwatch.scenes.bands import name_bands
from camwatch.scenes.build import build_item
from camwatch.scenes.facts import Channel, Facts, Layer
from camwatch.scenes.families.control import beside, read_inner, read_points
from camwatch.scenes.families.raster import SUFFIXES, find_rasters, read_raster, sidecar_of, sidecars, stem_of
from camwatch.scenes.placement import place
from camwatch.scenes.product import Family, Found
from camwatch.scenes.rpc import rpc_beside

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import pystac

    from camwatch.scenes.access.files import Files
    from camwatch.scenes.access.gdal import Header
    from camwatch.scenes.families.control import ControlPoints
    from camwatch.scenes.placement import Placement
    from camwatch.scenes.product import Given

REACH = 1.5
"""How far beyond the centre of the control points, relative to the points themselves, the placement is used."""


@dataclass(frozen=True, slots=True)
class _Camera:
    """A camera system: pattern of its entities, name, and the first and last day of its missions."""

    entity: re.Pattern[str]
    platform: str
    instrument: str
    flew: tuple[date, date]


def _camera(entity: str, platform: str, instrument: str, first: tuple[int, int], last: tuple[int, int]) -> _Camera:
    return _Camera(re.compile(f"^({entity})", re.IGNORECASE), platform, instrument, (date(*first, 1), date(*last, 28)))


# KH-7: July 1963 to June 1967; mapping camera: March 1973 to October 1980 (NIMA's release of 2002, in Perspectives on History, November 2002);
# HEXAGON flew from 1971 on (NGA). The other months are those of first launch and last recovery as histories of the programmes give them. They only
# serve to pass over dates that cannot be.
_CAMERAS = (
    _camera(r"DS10\d\d-\d{4}D[A-Z]\d{3}", "kh-4a", "panoramic", (1963, 8), (1969, 10)),
    _camera(r"DS11\d\d-\d{4}D[A-Z]\d{3}", "kh-4b", "panoramic", (1967, 9), (1972, 5)),
    _camera(r"DZB00\d{9}H\d{6}", "kh-7", "strip", (1963, 7), (1967, 6)),
    _camera(r"DZB12\d\d-\d{6}L\d{6}", "kh-9", "mapping", (1973, 3), (1980, 10)),
    _camera(r"D3C12\d\d-\d{6}[AF]\d{3}", "kh-9", "panoramic", (1971, 6), (1984, 10)),
)


def find_scans(files: Files) -> list[Found]:
    """Return every raster with control points beside it, and every TIFF that bears the name of a USGS entity."""
    there = frozenset(files.names)
    products = []
    for name in files.names:
        if not name.lower().endswith(SUFFIXES):
            continue
        points = beside(files, name, there)
        if points is not None or (_camera_of(name) is not None and name.lower().endswith((".tif", ".tiff"))):
            members = {name, *sidecars(name), *_documents(name)} | ({points} if points else set())
            products.append(Found(name, frozenset(members) & there))
    return products


def read_scan(files: Files, name: str, given: Given) -> pystac.Item:
    """Return the Item of one scan; a raster that is georeferenced after all, or has rational polynomials and no control points, is read as such.

    Raises
    ------
    SceneError
        When it cannot be opened, has no control points, too few or ones that contradict each other, or no date.
    """
    href = files.href(name)
    header = read_header(href, companions=True)
    source = beside(files, name, frozenset(files.names))
    controlled = source is not None or header.other_georeference == "ground control points"
    if header.georeferenced or (not controlled and (header.rpc or any(other in files.names for other in rpc_beside(name)))):
        return read_raster(files, name, given)
    points, source = _control(files, name, header, source)
    placement = place(header.shape, points.pixels, points.lonlat, where=files.root / source)
    _refuse_outlier(placement, points, str(files.root / source))
    camera = _camera_of(name)
    when, date_source = _date(files, name, header, given, camera)
    channels = tuple(Channel(band, nodata=header.nodata[n]) for n, band in enumerate(name_bands(header)))
    hull = scale(MultiPoint(points.pixels).convex_hull, REACH, REACH, origin="centroid")
    assert isinstance(hull, Polygon)  # the points are not on one line
    layers = [
        Layer("image", href, channels, header=header, placed=placement.geobox),
        Layer("film", film.href_of(href), mask="film", header=header, placed=placement.geobox),
        Layer(
            "control",
            f"control://{href}",
            mask="control",
            header=header,
            placed=placement.geobox,
            polygon=tuple((x, y) for x, y, *_ in hull.exterior.coords),
        ),
    ]
    layers += [Layer(f"document-{base_of(other)}", files.href(other), metadata=True) for other in files.names if other != name]
    return build_item(
        Facts(
            id=stem_of(base_of(name)),
            family="declassified" if camera else "raster",
            acquired=when,
            date_source=date_source,
            calibration="dn",
            simulated="SIMULATED" in header.tags.get("TIFFTAG_IMAGEDESCRIPTION", "").upper(),
            platform=camera.platform if camera else "",
            instrument=camera.instrument if camera else "",
            position_error_m=None if placement.error_m is None else round(placement.error_m, 2),
            more={"camwatch:control": _record(placement, base_of(source))},
        ),
        layers,
    )


def _control(files: Files, name: str, header: Header, source: str | None) -> tuple[ControlPoints, str]:
    if source is not None:
        return read_points(files, source), source
    if header.other_georeference == "ground control points":
        return read_inner(files.href(name)), name
    raise SceneError(
        "raster has no georeference and no control points",
        where=files.root / name,
        expected=f"{stem_of(base_of(name))}.points (QGIS georeferencer) or {stem_of(base_of(name))}.csv (col, row, lon, lat)",
        remedy="georeference it first, or pick at least five points around the area of interest",
    )


def _refuse_outlier(placement: Placement, points: ControlPoints, where: str) -> None:
    if placement.outlier is not None:
        raise SceneError(
            f"control point at {points.names[placement.outlier]} contradicts the others",
            where=where,
            got=f"{placement.outlier_m:.0f} m from where they put it",
            expected="one error of a few pixels at most",
            remedy="correct the point or disable it",
        )


def _record(placement: Placement, source: str) -> dict[str, Any]:
    """Return what the Item says of its placement; metres."""
    figures = {
        "rmse_m": placement.rmse_m,
        "worst_m": placement.worst_m,
        "withheld_rmse_m": placement.withheld_rmse_m,
        "bent_rmse_m": placement.bent_rmse_m,
    }
    if placement.n == 3:
        note = "three points always agree; how far off they are, nothing tells"
    elif placement.withheld_rmse_m is None:
        note = "the residuals of four points show half of their error"
    elif placement.bent_rmse_m is not None and 2 * placement.bent_rmse_m < placement.withheld_rmse_m:
        note = "the film is bent between the points: points that lie closer together around the area of interest place it better"
    else:
        note = "withheld_rmse_m: each point against the affine through all others"
    return {"points": placement.n, "source": source, "note": note} | {key: round(value, 2) for key, value in figures.items() if value is not None}


def _camera_of(name: str) -> _Camera | None:
    return next((camera for camera in _CAMERAS if camera.entity.match(base_of(name))), None)


def _entity(name: str) -> str:
    camera = _camera_of(name)
    found = camera.entity.match(base_of(name)) if camera else None
    return found[1] if found else ""


def _documents(name: str) -> tuple[str, ...]:
    """Return the names that EarthExplorer's metadata beside a scan may have."""
    return (f"{stem_of(name)}.xml", *((f"{folder_of(name)}{_entity(name)}.xml",) if _entity(name) else ()))


def _date(files: Files, name: str, header: Header, given: Given, camera: _Camera | None) -> tuple[datetime, str]:
    """Return the date and where it comes from; what falls outside the years in which the camera flew is refused, or passed over when not given."""
    where = files.root / name
    if given is not None:
        taken = dates.given_time(given, where)
        if camera is not None and not camera.flew[0] <= taken.date() <= camera.flew[1]:
            wanted = f"{camera.flew[0]:%Y-%m} to {camera.flew[1]:%Y-%m}"
            raise SceneError(f"given date is not in the years of {camera.platform.upper()}", where=where, got=f"{taken:%Y-%m-%d}", expected=wanted)
        return taken, "argument"
    properties = sidecar_of(files, name)[1].get("properties", {})
    stated = dates.from_properties(properties)
    tagged = dates.from_tags(_taken(header.tags))
    found = (
        (stated, "STAC Item beside the raster"),
        (_explorer_date(files, name), "EarthExplorer metadata beside the scan"),
        (tagged[0], f"tag {tagged[1]}") if tagged else (None, ""),
        (dates.from_name(stem_of(base_of(name))[len(_entity(name)) :]), "file name"),
    )
    for when, source in found:
        if when is not None and (camera is None or camera.flew[0] <= when.date() <= camera.flew[1]):
            return when, source
    raise SceneError(
        "scan does not tell when it was taken",
        where=where,
        expected="a date in a tag, its name, a STAC Item or EarthExplorer's XML beside it",
        remedy="give --before-date / --after-date YYYY-MM-DD; EarthExplorer states it as Acquisition Date",
    )


def _taken(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags without those that say when the film was scanned."""
    return {key: value for key, value in tags.items() if re.sub(r"[^a-z]", "", key.lower()) not in ("tifftagdatetime", "datetime")}


def _explorer_date(files: Files, name: str) -> datetime | None:
    for document in _documents(name):
        if document in files.names:
            for field in parse_xml(files, document).iter("metadataField"):
                if field.get("name", "").strip().lower() == "acquisition date":
                    return dates.parse_time(" ".join("".join(field.itertext()).split()))
    return None


RASTER = Family("raster", find_rasters, read_scan, dated=False)
DECLASSIFIED = Family("declassified", find_scans, read_scan, dated=False, alone=True)
