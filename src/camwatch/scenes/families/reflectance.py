"""From radiance to top-of-atmosphere reflectance: ρ = π·L·d² / (E·sin h), for a Lambertian ground, d in astronomical units.

E is the solar irradiance of the band outside the atmosphere at one astronomical unit, h the sun's elevation; each family has its own table of E.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def reflectance_of_radiance(irradiance: float, elevation: float, when: datetime) -> float:
    """Return the reflectance of a radiance of 1 W/(m² sr µm); irradiance in W/(m² µm), elevation of the sun in degrees, above 0."""
    return math.pi * earth_sun_distance(when.timetuple().tm_yday) ** 2 / (irradiance * math.sin(math.radians(elevation)))


def earth_sun_distance(day_of_year: float) -> float:
    """Return the Earth-Sun distance in astronomical units at noon of a day of the year (1 is 1 January), good to 0.0002.

    The low-precision formula of the Astronomical Almanac, section C, with the mean anomaly of the mean year: leap days move it by up to half a day.
    """
    anomaly = math.radians(0.9856003 * (day_of_year - 3.15))
    return 1.00014 - 0.01671 * math.cos(anomaly) - 0.00014 * math.cos(2 * anomaly)
