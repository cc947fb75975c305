"""How far the sun stands; where it stands is told by :mod:`camwatch.imagery.sun`."""

from __future__ import annotations

from math import cos, radians
from typing import TYPE_CHECKING

from camwatch.imagery.sun import solar_position

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["earth_sun_distance", "solar_position"]


def earth_sun_distance(when: datetime) -> float:
    """Return the distance to the sun in astronomical units."""
    days = when.timestamp() / 86400 - 10957.5
    g = radians((357.528 + 0.9856003 * days) % 360)
    return 1.00014 - 0.01671 * cos(g) - 0.00014 * cos(2 * g)
