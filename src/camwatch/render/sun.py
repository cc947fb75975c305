"""Where the sun stands."""

from __future__ import annotations

from math import asin, atan2, cos, degrees, radians, sin
from typing import TYPE_CHECKING

from camwatch.imagery.image import Sun

if TYPE_CHECKING:
    from datetime import datetime


def solar_position(when: datetime, lon: float, lat: float) -> Sun:
    """Return the sun's azimuth and elevation (without refraction) at a place.

    Parameters
    ----------
    when : datetime
        With a time zone.
    lon, lat : float
        Degrees, EPSG:4326.

    Notes
    -----
    The Astronomical Almanac's low-precision formulae as given by Michalsky (1988), doi:10.1016/0038-092X(88)90045-X: within 0.01° from 1950 to 2050.
    """
    days = when.timestamp() / 86400 - 10957.5  # since 2000-01-01 12:00 UTC
    mean_longitude = (280.460 + 0.9856474 * days) % 360
    anomaly = radians((357.528 + 0.9856003 * days) % 360)
    ecliptic = radians(mean_longitude + 1.915 * sin(anomaly) + 0.020 * sin(2 * anomaly))
    tilt = radians(23.439 - 0.0000004 * days)
    ascension = atan2(cos(tilt) * sin(ecliptic), cos(ecliptic))
    declination = asin(sin(tilt) * sin(ecliptic))
    sidereal = radians((280.46062 + 360.98564737 * days + lon) % 360)
    hour = sidereal - ascension
    phi = radians(lat)
    elevation = asin(sin(phi) * sin(declination) + cos(phi) * cos(declination) * cos(hour))
    azimuth = atan2(-cos(declination) * sin(hour), sin(declination) * cos(phi) - cos(declination) * sin(phi) * cos(hour))
    return Sun(degrees(azimuth) % 360, degrees(elevation))


def earth_sun_distance(when: datetime) -> float:
    """Return the distance to the sun in astronomical units."""
    days = when.timestamp() / 86400 - 10957.5
    g = radians((357.528 + 0.9856003 * days) % 360)
    return 1.00014 - 0.01671 * cos(g) - 0.00014 * cos(2 * g)
