"""What both versions of DIMAP share: times, special values, solar geometry, and where the pixels lie."""

from __future__ import annotations

import math
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from camwatch.errors import SceneError
from camwatch.scenes.access.files import folder_of
from camwatch.scenes.access.numbers import finite
from camwatch.scenes.access.xml import text_of
from camwatch.scenes.dates import as_time, parse_time
from camwatch.scenes.families.reflectance import reflectance_of_radiance
from camwatch.scenes.placement import Located

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from xml.etree.ElementTree import Element  # for the type checker only; nothing is parsed with it

    from camwatch.scenes.access.files import Files
    from camwatch.scenes.facts import Facts, Layer
    from camwatch.scenes.product import Given

FAR = 1e8
"""No pixel number and no map coordinate of a scene is as large."""

RASTERS = (".tif", ".tiff", ".jp2")

_EPSG = re.compile(r"EPSG:(?:[\d.]*:)?(\d+)$", re.IGNORECASE)
_EARTH_M = 6_371_000


@dataclass(frozen=True, slots=True)
class Document:
    """One DIMAP document, read."""

    facts: Facts
    layers: tuple[Layer, ...]


def stated(element: Element, path: str) -> float | None:
    """Return the finite number at a path; None where there is none.

    What is no number is as good as absent here: stripped and anonymised deliveries keep `GAIN` or `N/A` where the value stood. Nothing is guessed in
    its place; without gains, for one, the Item says that its values are digital numbers.
    """
    return finite(text_of(element, path))


def member(files: Files, document: str, href: str) -> str | None:
    """Return the member that a document means by a relative path, compared without case; None where it is not among the files."""
    wanted = posixpath.normpath(folder_of(document) + href.replace("\\", "/")).lower()
    return next((name for name in files.names if name.lower() == wanted), None)


def identifier(*candidates: str) -> str:
    """Return the first that is not empty, fit to be an Item's id: letters, digits, dot, dash and underscore."""
    cleaned = (re.sub(r"[^A-Za-z0-9.-]+", "_", text).strip("_.") for text in candidates)
    return next(text for text in cleaned if text)


def times(sources: Iterable[Element]) -> list[datetime]:
    """Return when each source image was taken, the earliest first."""
    said = [f"{text_of(source, 'IMAGING_DATE')}T{text_of(source, 'IMAGING_TIME') or '00:00:00'}" for source in sources]
    return sorted(when for when in map(parse_time, said) if when is not None)


def acquisition(found: list[datetime], given: Given, where: object) -> tuple[datetime, str, dict[str, Any]]:
    """Return the time of acquisition, where it comes from, and what more to say when there are several.

    The time of a product made from several images is that of the earliest: what it shows as changed cannot have changed before.

    Raises
    ------
    SceneError
        When neither the metadata nor the user gives a date.
    """
    if found:
        source = "DIMAP IMAGING_DATE and IMAGING_TIME"
        if found[0] == found[-1]:
            return found[0], source, {}
        span = {"start_datetime": f"{found[0]:%Y-%m-%dT%H:%M:%S}Z", "end_datetime": f"{found[-1]:%Y-%m-%dT%H:%M:%S}Z"}
        return found[0], f"{source}, the earliest of {len(found)} sources", span
    when = None if given is None else as_time(given)
    if when is None:
        raise SceneError("metadata states no date of acquisition", where=where, expected="IMAGING_DATE as YYYY-MM-DD", remedy="give the date")
    return when, "argument", {}


def sun_of(element: Element | None) -> tuple[float, float] | None:
    """Return (azimuth, elevation) of the sun where an element states both."""
    if element is None:
        return None
    azimuth, elevation = stated(element, "SUN_AZIMUTH"), stated(element, "SUN_ELEVATION")
    return None if azimuth is None or elevation is None else (azimuth % 360, elevation)


def off_nadir(viewing: float | None, incidence: float | None, altitude_m: float) -> float | None:
    """Return the angle at the satellite between the nadir and the scene, degrees, from the stated viewing angle or the incidence on the ground.

    The two differ by the angle at the Earth's centre: sin(off-nadir) = R / (R + altitude) · sin(incidence), for a sphere.
    """
    if viewing is not None:
        return abs(viewing)
    if incidence is None or altitude_m <= 0:
        return None
    return math.degrees(math.asin(_EARTH_M / (_EARTH_M + altitude_m) * math.sin(math.radians(abs(incidence)))))


def to_reflectance(
    gain: float | None, bias: float | None, irradiance: float | None, when: datetime, sun: tuple[float, float] | None
) -> tuple[float, float] | None:
    """Return scale and offset from digital numbers to top-of-atmosphere reflectance; None where one of the terms is missing.

    Radiance is DN / gain + bias in W/(m² sr µm), reflectance π d² · radiance / (irradiance · sin(elevation of the sun)).
    """
    if not gain or bias is None or not irradiance or irradiance < 0 or sun is None or sun[1] <= 0:
        return None
    factor = reflectance_of_radiance(irradiance, sun[1], when)
    return sane(factor / gain, factor * bias)


def sane(scale: float, offset: float) -> tuple[float, float] | None:
    """Return a scaling that can be one: rising and of sizes that occur; a damaged gain makes no reflectance."""
    return (scale, offset) if 1e-9 < scale < 1 and abs(offset) < 1 else None


def special_values(display: Element | None, tag: str) -> tuple[float | None, float | None]:
    """Return the digital numbers that mean no data and saturated, from the `Special_Value` entries."""
    found: dict[str, float | None] = {}
    for entry in () if display is None else display.iter("Special_Value"):
        found.setdefault(text_of(entry, "SPECIAL_VALUE_TEXT").upper(), stated(entry, tag))
    return found.get("NODATA"), found.get("SATURATED")


def epsg(text: str, where: object) -> str | None:
    """Return `EPSG:n` of `EPSG:n` or `urn:ogc:def:crs:EPSG::n`; None where the text is no such code.

    Raises
    ------
    SceneError
        When there is no such CRS, or it is neither geographic nor projected.
    """
    said = _EPSG.search(text)
    if said is None:
        return None
    try:
        crs = CRS.from_epsg(int(said[1][:9]))
    except CRSError as error:
        raise SceneError("metadata names a CRS that does not exist", where=where, got=text[:40]) from error
    if not (crs.is_geographic or crs.is_projected) or len(crs.axis_info) != 2:
        raise SceneError("metadata names a CRS that is no map", where=where, got=text[:40], expected="a geographic or projected one")
    return f"EPSG:{said[1]}"


def size_of(root: Element) -> tuple[int, int] | None:
    """Return the rows and columns of the whole image; None where the document states none that an image can have."""
    rows, cols = (stated(root, f".//Raster_Dimensions/{tag}") for tag in ("NROWS", "NCOLS"))
    return (int(rows), int(cols)) if rows and cols and 1 <= rows < FAR and 1 <= cols < FAR else None


def inserted(root: Element, shape: tuple[int, int], crs: str | None, *, centre: bool) -> Located | None:
    """Return the grid that `Geoposition_Insert` states; `centre` says that its coordinates are the middle of the first pixel, not its corner."""
    insert = root.find(".//Geoposition_Insert")
    if insert is None or crs is None:
        return None
    x, y, dx, dy = (stated(insert, tag) for tag in ("ULXMAP", "ULYMAP", "XDIM", "YDIM"))
    if x is None or y is None or not dx or not dy or max(map(abs, (x, y, dx, dy))) > FAR:
        return None
    half = 0.5 if centre else 0.0
    affine = Affine(abs(dx), 0, x - half * abs(dx), 0, -abs(dy), y + half * abs(dy))
    return Located(GeoBox(shape, affine, crs), {"camwatch:placement": "insertion point in the metadata"})


def lonlat_of(points: list[tuple[float, float]], crs: str | None) -> np.ndarray[Any, Any]:
    """Return (x, y) in a CRS, longitude and latitude where it is None, as (n, 2) degrees."""
    xy = np.array(points, float).reshape(-1, 2)
    if crs is None or CRS.from_user_input(crs).is_geographic:
        return xy
    return np.column_stack(Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(*xy.T))
