"""From Landsat digital numbers to reflectance, by what the MTL states. Best first:

- Level 2: surface reflectance = M·DN + A with the M, A of the surface-reflectance group; it needs no sun angle.
- Level 1 with reflectance coefficients: top-of-atmosphere reflectance = (M·DN + A) / sin(sun elevation); USGS, "Using the USGS Landsat Level-1 Data
  Product".
- Level 1 with radiance only (MSS, TM and ETM+ before the collections): π·L·d² / (ESUN·sin(sun elevation)), L = M·DN + A or, before August 2012,
  LMIN + (LMAX - LMIN)/(QCALMAX - QCALMIN)·(DN - QCALMIN); Chander, Markham & Helder (2009), doi:10.1016/j.rse.2009.01.007.
- otherwise, and with the sun below the horizon, digital numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from camwatch.scenes.dates import parse_time
from camwatch.scenes.families.reflectance import earth_sun_distance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from camwatch.scenes.families.mtl import Mtl

ESUN: dict[str, dict[int, float]] = {
    "LANDSAT_1 MSS": {4: 1823, 5: 1559, 6: 1276, 7: 880.1},
    "LANDSAT_2 MSS": {4: 1829, 5: 1539, 6: 1268, 7: 886.6},
    "LANDSAT_3 MSS": {4: 1839, 5: 1555, 6: 1291, 7: 887.9},
    "LANDSAT_4 MSS": {1: 1827, 2: 1569, 3: 1260, 4: 866.4},
    "LANDSAT_5 MSS": {1: 1824, 2: 1570, 3: 1249, 4: 853.4},
    "LANDSAT_4 TM": {1: 1983, 2: 1795, 3: 1539, 4: 1028, 5: 219.8, 7: 83.49},
    "LANDSAT_5 TM": {1: 1983, 2: 1796, 3: 1536, 4: 1031, 5: 220.0, 7: 83.44},
    "LANDSAT_7 ETM": {1: 1997, 2: 1812, 3: 1533, 4: 1039, 5: 230.8, 7: 84.90, 8: 1362},
}
"""Mean solar irradiance outside the atmosphere by spacecraft, sensor and band, W/(m² µm): Chander et al. 2009. The coefficients of the collections
rest on another solar spectrum (1944 for band 1 of TM), so a product from before them lies up to 5 % off its own reprocessing."""

_SURFACE = "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS"
_RESCALING = ("LEVEL1_RADIOMETRIC_RESCALING", "RADIOMETRIC_RESCALING")
_RANGE = ("LEVEL1_MIN_MAX_RADIANCE", "MIN_MAX_RADIANCE")
_QUANTIZED = ("LEVEL1_MIN_MAX_PIXEL_VALUE", "MIN_MAX_PIXEL_VALUE")


@dataclass(frozen=True, slots=True)
class Scaling:
    """How the digital numbers of one product are meant.

    Attributes
    ----------
    calibration : str
        `surface reflectance`, `toa reflectance` or `dn`.
    factors : mapping
        Band number → (scale, offset): reflectance = scale · DN + offset. Empty for `dn`; a band that has no coefficients is missing.
    saturated : mapping
        Band number → the DN at the end of the quantised range. What is brighter has that value too, so it says only "at least".
    """

    calibration: str
    factors: Mapping[int, tuple[float, float]]
    saturated: Mapping[int, float]


def scaling_of(mtl: Mtl, spacecraft: str, sensor: str, bands: Iterable[int], elevation: float | None) -> Scaling:
    """Return how the bands of a product are scaled.

    Parameters
    ----------
    mtl : Mtl
    spacecraft, sensor : str
        As MTLs since 2012 write them: `LANDSAT_5`, `TM`.
    bands : iterable of int
        The sensor's band numbers.
    elevation : float or None
        Of the sun at the scene's centre, degrees.

    Raises
    ------
    SceneError
        When a coefficient is no number.
    """
    numbers = tuple(bands)
    surface = mtl.has_group(_SURFACE)
    ends = {n: mtl.number(f"QUANTIZE_CAL_MAX_BAND_{n}", *((_SURFACE,) if surface else _QUANTIZED)) for n in numbers}
    saturated = {n: end for n, end in ends.items() if end is not None}
    if surface:
        return Scaling("surface reflectance", _stated(mtl, "REFLECTANCE", numbers, _SURFACE), saturated)
    if elevation is None or elevation <= 0:
        return Scaling("dn", {}, saturated)
    sine = math.sin(math.radians(elevation))
    factors = {n: (m / sine, a / sine) for n, (m, a) in _stated(mtl, "REFLECTANCE", numbers, *_RESCALING).items()}
    if not factors:
        irradiance = ESUN.get(f"{spacecraft} {sensor}", {})
        day = parse_time(mtl.need("DATE_ACQUIRED"))
        distance = mtl.number("EARTH_SUN_DISTANCE") or (0.0 if day is None else earth_sun_distance(day.timetuple().tm_yday))
        unit = {n: math.pi * distance**2 / (irradiance[n] * sine) for n in numbers if n in irradiance}
        factors = {n: (m * unit[n], a * unit[n]) for n, (m, a) in _radiance(mtl, tuple(unit)).items()}
    return Scaling("toa reflectance" if factors else "dn", factors, saturated)


def _radiance(mtl: Mtl, numbers: tuple[int, ...]) -> dict[int, tuple[float, float]]:
    """Return gain and bias to radiance, W/(m² sr µm), by band: as stated, else from the ranges of radiance and DN."""
    found = _stated(mtl, "RADIANCE", numbers, *_RESCALING)
    for n in numbers:
        low, high = (mtl.number(f"RADIANCE_{end}_BAND_{n}", *_RANGE) for end in ("MINIMUM", "MAXIMUM"))
        first, last = (mtl.number(f"QUANTIZE_CAL_{end}_BAND_{n}", *_QUANTIZED) for end in ("MIN", "MAX"))
        if n in found or low is None or high is None or first is None or last is None or first >= last:
            continue
        gain = (high - low) / (last - first)
        found[n] = (gain, low - gain * first)
    return found


def _stated(mtl: Mtl, quantity: str, numbers: tuple[int, ...], *groups: str) -> dict[int, tuple[float, float]]:
    found = {}
    for n in numbers:
        gain, bias = mtl.number(f"{quantity}_MULT_BAND_{n}", *groups), mtl.number(f"{quantity}_ADD_BAND_{n}", *groups)
        if gain is not None and bias is not None:
            found[n] = (gain, bias)
    return found
