"""Where the sun stood: from the time and the place, or bounded where only the date is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import asin, atan2, cos, degrees, radians, sin
from typing import TYPE_CHECKING

import numpy as np
from shapely.geometry import Point

from camwatch.aoi import LONLAT, reproject
from camwatch.imagery.image import Sun

if TYPE_CHECKING:
    from camwatch.imagery.image import Image

HOURS = (10.0, 14.0)
"""Local solar hours between which a scene is taken of which only the date is known: sun-synchronous satellites cross at 10 to 11 and at 13:30."""

LOWEST_DEG = 5.0
"""Elevation under which nothing is photographed for its detail: a stated time that puts the sun there is none of the acquisition."""


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
    Refraction lifts the sun by less than 0.1° above 10° of elevation.
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


def noonish_sun(day: datetime, lon: float, lat: float) -> Sun:
    """Return the middle of the sun's positions on a day between :data:`HOURS` of local solar time, with the doubt that they leave.

    The doubt is the standard deviation of an azimuth that may be any of theirs: at 41° of latitude 17° in December and 43° in June.
    """
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=lon / 15.0)
    suns = [solar_position(midnight + timedelta(hours=float(hour)), lon, lat) for hour in np.linspace(*HOURS, 17)]
    around = np.deg2rad([sun.azimuth_deg for sun in suns])
    mean = np.arctan2(np.sin(around).mean(), np.cos(around).mean())
    off = np.rad2deg((around - mean + np.pi) % (2 * np.pi) - np.pi)
    elevation = float(np.mean([sun.elevation_deg for sun in suns]))
    return Sun(float(np.rad2deg(mean) % 360), elevation, float(np.sqrt(np.mean(off**2))))


def sun_of(image: Image) -> Sun:
    """Return the sun of an image: stated by the product, else computed from time and place, else bounded by the date (:func:`noonish_sun`).

    A time of exactly midnight UTC stands for a date without a time, and so does one at which the sun is not up.
    """
    if image.sun is not None:
        return image.sun
    middle = image.geobox.extent.geom.centroid
    lon, lat = reproject(Point(middle.x, middle.y), image.geobox.crs, LONLAT).coords[0]
    dated = image.acquired.astimezone(UTC)
    if (dated.hour, dated.minute, dated.second) != (0, 0, 0):
        sun = solar_position(dated, lon, lat)
        if sun.elevation_deg >= LOWEST_DEG:
            return sun
    return noonish_sun(dated, lon, lat)
