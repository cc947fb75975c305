"""What an ASTER scene states of itself: in the attributes of its HDF4 file, in the XML or the STAC Item beside it, in its name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyproj import Transformer

from camwatch.scenes.access.numbers import finite
from camwatch.scenes.access.odl import parse_odl
from camwatch.scenes.access.xml import parse_xml, text_of
from camwatch.scenes.dates import parse_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from camwatch.scenes.access.files import Files
    from camwatch.scenes.access.hdf4 import Contents
    from camwatch.scenes.access.odl import Entry


@dataclass(frozen=True, slots=True)
class Said:
    """What the metadata of a scene state; None, empty or 0 where they do not.

    Attributes
    ----------
    acquired : datetime or None
        UTC.
    source : str
        Where the date stands, in words.
    sun : (float, float) or None
        Azimuth, elevation in degrees.
    gains : mapping of str to str or None
        Band (`1`, `3N`, …) → gain setting (`HGH`, `NOR`, `LOW`, `LO1`, `LO2`).
    pointing : float or None
        Of the VNIR telescope across the track, degrees.
    correction : str
        E.g. `Terrain+Precision`.
    zone : int
        UTM zone, negative in the south.
    corners : (float, float, float, float) or None
        Left, top, right, bottom in metres of the zone; southern northings are negative.
    """

    acquired: datetime | None = None
    source: str = ""
    sun: tuple[float, float] | None = None
    gains: Mapping[str, str] | None = None
    pointing: float | None = None
    correction: str = ""
    zone: int = 0
    corners: tuple[float, float, float, float] | None = None

    def or_else(self, other: Said) -> Said:
        """Fill what this one does not state from another."""
        return Said(
            self.acquired or other.acquired,
            self.source or other.source,
            self.sun or other.sun,
            self.gains or other.gains,
            other.pointing if self.pointing is None else self.pointing,
            self.correction or other.correction,
            *((self.zone, self.corners) if self.zone and self.corners else (other.zone, other.corners)),
        )


def from_name(granule: re.Match[str]) -> Said:
    """Read the time from a granule's name: MMDDYYYYhhmmss after the version."""
    month, day, year, hour, minute, second = granule.groups()[1:]
    return Said(parse_time(f"{year}-{month}-{day}T{hour}:{minute}:{second}Z"), "granule name")


def from_xml(files: Files) -> Said:
    """Read the granule's metadata as EOSDIS delivers them beside the file (ECS ScienceGranuleMetadata)."""
    name = next((name for name in files.names if re.search(r"\d(\.hdf)?\.xml$", name, re.IGNORECASE)), None)
    if name is None:
        return Said()
    root = parse_xml(files, name)
    said = {text_of(entry, "PSAName"): text_of(entry, "PSAValue") for entry in root.iter("PSA")}
    corners = [(finite(text_of(p, "PointLongitude")), finite(text_of(p, "PointLatitude"))) for p in root.iter("Point")]
    zone = int(finite(said.get("UTMZoneNumber", "")) or 0)
    azimuth, elevation = finite(said.get("Solar_Azimuth_Angle", "")), finite(said.get("Solar_Elevation_Angle", ""))
    when = parse_time(f"{text_of(root, './/SingleDateTime/CalendarDate')}T{text_of(root, './/SingleDateTime/TimeofDay').rstrip('Z')[:15]}Z")
    return Said(
        when,
        "XML CalendarDate and TimeofDay" if when else "",
        None if azimuth is None or elevation is None else (azimuth % 360, elevation),
        _gains(tuple(pair.split()[:2]) for pair in said.get("ASTERGains", "").split(",")),
        finite(said.get("ASTERVNIRPointingAngle", "")),
        said.get("CorrectionAchieved", ""),
        zone,
        _corners_in_metres(corners, zone),
    )


def _corners_in_metres(corners: list[tuple[float | None, float | None]], zone: int) -> tuple[float, float, float, float] | None:
    points = [(lon, lat) for lon, lat in corners if lon is not None and lat is not None]
    if len(points) != 4 or not 1 <= abs(zone) <= 60:
        return None
    transformer = Transformer.from_crs("EPSG:4326", f"EPSG:{32600 + abs(zone)}", always_xy=True)
    x, y = transformer.transform([lon for lon, _ in points], [lat for _, lat in points])
    return min(x), max(y), max(x), min(y)


def from_attributes(contents: Contents) -> Said:
    """Read the file's own attributes (`productmetadata.0`, `coremetadata.0`, …, ASTER Level-1 Data Products Specification 1.3, section 2.3)."""
    texts = [text for key, text in sorted(contents.attributes.items()) if "metadata" in key.lower() and not key.lower().startswith("struct")]
    entries = parse_odl("\n".join(texts))
    day, clock = _first(entries, "CALENDARDATE"), _first(entries, "TIMEOFDAY")
    when = _when(day[0], clock[0] if clock else "") if day else None
    sun, upper, lower = (_floats(_first(entries, key)) for key in ("SOLARDIRECTION", "UPPERLEFTM", "LOWERRIGHTM"))
    zone = int(finite((_first(entries, "UTMZONENUMBER") or _first(entries, "UTMZONECODE") or ("",))[0]) or 0)
    return Said(
        when,
        "HDF attributes CALENDARDATE and TIMEOFDAY" if when else "",
        (sun[0] % 360, sun[1]) if len(sun) == 2 else None,
        _gains(entry.values for entry in entries if entry.name == "GAIN"),
        _pointing(entries),
        " ".join(_first(entries, "CORRECTIONACHIEVED")),
        zone if 1 <= abs(zone) <= 60 else 0,
        (upper[1], upper[0], lower[1], lower[0]) if len(upper) == len(lower) == 2 else None,  # northing first
    )


def _pointing(entries: tuple[Entry, ...]) -> float | None:
    vnir = {entry.number for entry in entries if entry.name in ("SENSORNAME", "SENSORSHORTNAME") and entry.values[:1] == ("VNIR",)}
    return next((finite(entry.values[0]) for entry in entries if entry.name == "POINTINGANGLE" and entry.number in vnir and entry.values), None)


def from_stac(properties: Mapping[str, object]) -> Said:
    """Read the properties of the STAC Item that the AWS store puts beside its rasters."""
    azimuth, elevation = (finite(str(properties.get(f"view:sun_{angle}"))) for angle in ("azimuth", "elevation"))
    when = parse_time(str(properties.get("datetime")))
    sun = None if azimuth is None or elevation is None else (azimuth % 360, elevation)
    return Said(when, "STAC Item beside the raster" if when else "", sun, pointing=finite(str(properties.get("view:off_nadir"))))


def _gains(pairs: Iterable[tuple[str, ...]]) -> dict[str, str]:
    """Return band → gain setting from pairs like ("01", "HGH")."""
    return {pair[0].lstrip("0").upper(): pair[1].upper() for pair in pairs if len(pair) == 2}


def _when(day: str, clock: str) -> datetime | None:
    """Read `20000503` or `2000-05-03` with `040446534000Z` or `04:04:46.534000`."""
    digits, time = re.sub(r"\D", "", day), re.sub(r"\D", "", clock)
    if len(digits) != 8:
        return None
    stamp = f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
    return parse_time(f"{stamp}T{time[:2]}:{time[2:4]}:{time[4:6]}.{time[6:] or '0'}Z") if len(time) >= 6 else parse_time(stamp)


def _first(entries: tuple[Entry, ...], name: str) -> tuple[str, ...]:
    return next((entry.values for entry in entries if entry.name == name and entry.values), ())


def _floats(values: tuple[str, ...]) -> list[float]:
    numbers = [finite(value) for value in values]
    return [number for number in numbers if number is not None]
