"""Public archives: what each holds, since when, how fine, at what price, under which tile names, and in which season to look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from camwatch.findings import Kind

Access = Literal["free", "to order", "paid"]


@dataclass(frozen=True, slots=True)
class Archive:
    """One series of scenes.

    Attributes
    ----------
    name : str
        Sensor, and the archive that holds it.
    gsd_m : float
        Of its sharpest band that covers land.
    first, last : date
        Of its acquisitions; `last` is the latest day where it goes on.
    access : str
        `free` to download; `to order` (free to search, scans at a small fee); `paid`.
    grid : str
        `wrs2`, `mgrs`, or empty: found by its footprint.
    note : str
        What must be known of it.
    """

    name: str
    gsd_m: float
    first: date
    last: date
    access: Access
    grid: Literal["wrs2", "mgrs", ""] = ""
    note: str = ""


GOES_ON = date.max

TO_VIEW = "0.3 to 0.6 m; to look at, not to measure, also in the history of Google Earth"

ARCHIVES = (
    Archive("Sentinel-2 MSI (Copernicus)", 10.0, date(2015, 7, 1), GOES_ON, "free", "mgrs"),
    Archive("Landsat 8 and 9 OLI (USGS), panchromatic", 15.0, date(2013, 3, 18), GOES_ON, "free", "wrs2"),
    Archive(
        "Landsat 7 ETM+ (USGS), panchromatic", 15.0, date(1999, 5, 28), date(2024, 1, 19), "free", "wrs2", "stripes are missing since 2003-05-31"
    ),
    Archive("Landsat 4 and 5 TM (USGS)", 30.0, date(1982, 8, 22), date(2011, 11, 30), "free", "wrs2"),
    Archive("Landsat 1 to 5 MSS (USGS)", 60.0, date(1972, 7, 25), date(1992, 10, 31), "free"),
    Archive("Terra ASTER (NASA)", 15.0, date(2000, 3, 1), GOES_ON, "free"),
    Archive("EO-1 ALI (USGS), panchromatic", 10.0, date(2000, 12, 1), date(2017, 2, 28), "free", "", "taken on request only"),
    Archive("SPOT 5 HRG, super mode (SPOT World Heritage)", 2.5, date(2002, 5, 4), date(2015, 3, 27), "free"),
    Archive("SPOT 5 HRG (SPOT World Heritage)", 5.0, date(2002, 5, 4), date(2015, 3, 27), "free"),
    Archive("CBERS-2B HRC (INPE)", 2.7, date(2007, 10, 1), date(2010, 5, 31), "free", "", "whether it ever showed the place is to be looked up"),
    Archive("SPOT 1 to 4 (SPOT World Heritage)", 10.0, date(1986, 2, 22), date(2013, 6, 30), "free", "", "lies 200 to 500 m off before registration"),
    Archive("KH-9 panoramic (USGS)", 1.2, date(1971, 6, 15), date(1984, 10, 18), "to order", "", "film; 0.6 to 1.2 m"),
    Archive("KH-9 mapping camera (USGS)", 9.0, date(1973, 3, 9), date(1980, 10, 31), "to order", "", "film; 6 to 9 m"),
    Archive("KH-7 (USGS)", 1.2, date(1963, 7, 12), date(1967, 6, 4), "to order", "", "film; 0.6 to 1.2 m"),
    Archive("KH-4B (USGS)", 2.0, date(1967, 9, 15), date(1972, 5, 25), "to order", "", "film"),
    Archive("KH-4A (USGS)", 2.7, date(1963, 8, 24), date(1969, 9, 22), "to order", "", "film"),
    Archive("ALOS PRISM (JAXA)", 2.5, date(2006, 1, 24), date(2011, 4, 22), "paid"),
    Archive("Planet", 3.7, date(2016, 9, 1), GOES_ON, "paid"),
    Archive("commercial archives (Maxar/Vantor, Airbus)", 0.5, date(2002, 1, 1), GOES_ON, "paid", note=TO_VIEW),
)
"""What is generally known of public archives: years are sure, days are not, and whether a scene of a place exists is told by their catalogues."""

ORDER: dict[Access, int] = {"free": 0, "to order": 1, "paid": 2}


def season(kind: Kind, latitude: float) -> str:
    """Return in which months scenes show most: leaves off and no snow, a low sun where shadows tell; by the place's climate only roughly."""
    if abs(latitude) < 25:
        return "the dry season, few clouds"
    spring, autumn = ("March to May", "September to November") if latitude > 0 else ("September to November", "March to May")
    if kind == "tower":
        winter = "October to March" if latitude > 0 else "April to September"
        return f"{winter} without snow, when a low sun draws shadows"
    if kind == "landcover":
        return f"the same weeks of each year, in {spring} or {autumn}"
    return f"{spring} or {autumn}, leaves off, no snow"
