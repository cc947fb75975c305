"""From digital numbers of Maxar's satellites to top-of-atmosphere reflectance.

L = GAIN · DN · absCalFactor / effectiveBandwidth + OFFSET, ρ = π·L·d² / (ESUN·sin(sun elevation)). absCalFactor and effectiveBandwidth stand in each
band group of the product's metadata; GAIN, OFFSET and ESUN (Thuillier 2003) are those of DigitalGlobe, Absolute Radiometric Calibration 2018v0
(WorldView-2 and -3), 2017v0 (WorldView-4) and 2016v0 (GeoEye-1, QuickBird, WorldView-1). They hold for relative radiometrically corrected
counts, not for pan-sharpened, colour-balanced or atmospherically compensated pictures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from camwatch.scenes.families.reflectance import reflectance_of_radiance

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from camwatch.scenes.access.pairs import Pairs

FACTORS: dict[str, dict[str, tuple[float, float, float]]] = {
    "QB02": {
        "P": (0.870, -1.491, 1370.92),
        "B": (1.105, -2.820, 1949.59),
        "G": (1.071, -3.338, 1823.64),
        "R": (1.060, -2.954, 1553.78),
        "N": (1.020, -4.722, 1102.85),
    },
    "WV01": {"P": (1.016, -1.824, 1478.62)},
    "WV02": {
        "P": (0.949, -5.523, 1571.36),
        "C": (1.203, -11.839, 1773.81),
        "B": (1.002, -9.835, 2007.27),
        "G": (0.953, -7.218, 1829.62),
        "Y": (0.946, -5.675, 1701.85),
        "R": (0.955, -5.046, 1538.85),
        "RE": (0.980, -6.114, 1346.09),
        "N": (0.966, -5.096, 1053.21),
        "N2": (1.010, -4.059, 856.599),
    },
    "WV03": {
        "P": (0.955, -5.505, 1574.41),
        "C": (0.938, -13.099, 1757.89),
        "B": (0.946, -9.409, 2004.61),
        "G": (0.958, -7.771, 1830.18),
        "Y": (0.979, -5.489, 1712.07),
        "R": (0.969, -4.579, 1535.33),
        "RE": (1.027, -5.552, 1348.08),
        "N": (0.977, -6.508, 1055.94),
        "N2": (1.007, -3.699, 858.77),
    },
    "WV04": {"P": (1.0, 0.0, 1608.01), "B": (1.0, 0.0, 2009.45), "G": (1.0, 0.0, 1831.88), "R": (1.0, 0.0, 1492.12), "N": (1.0, 0.0, 937.8)},
    "GE01": {
        "P": (1.001, 0.0, 1610.73),
        "B": (1.041, 0.0, 1993.18),
        "G": (0.972, 0.0, 1828.83),
        "R": (0.979, 0.0, 1491.49),
        "N": (0.951, 0.0, 1022.58),
    },
}
"""Satellite → band group (BAND_P, BAND_C, …) → (GAIN, OFFSET in W/(m² sr µm), ESUN in W/(m² µm))."""


def reflectance_scaling(said: Pairs, bands: Sequence[str], elevation: float | None, when: datetime) -> tuple[tuple[float, float], ...] | None:
    """Return (scale, offset) to reflectance for each band.

    Parameters
    ----------
    said : Pairs
        Metadata of one image (IMD).
    bands : sequence of str
        Codes of the raster's bands in their order: `P`, `C`, `B`, …
    elevation : float or None
        Of the sun, degrees.
    when : datetime

    Returns
    -------
    tuple of (float, float), or None
        None where the product is no corrected count of a satellite with published factors, or its metadata lacks a number.
    """
    factors = FACTORS.get(said.text("satId").upper(), {})
    altered = {said.text("panSharpenAlgorithm").lower(), said.text("radiometricEnhancement").lower()} - {"", "none", "off"}
    if said.text("radiometricLevel").lower() != "corrected" or altered or said.number("bitsPerPixel") != 16:
        return None
    if elevation is None or not 0 < elevation <= 90 or not bands or not set(bands) <= set(factors):
        return None
    groups = {name[5:].upper(): group for name, group in said.sections("BAND_.+")}
    scaling = []
    for band in bands:
        group = groups.get(band)
        counts, width = (None, None) if group is None else (group.number("absCalFactor"), group.number("effectiveBandwidth"))
        if not counts or not width or counts < 0 or width < 0:
            return None
        gain, offset, irradiance = factors[band]
        factor = reflectance_of_radiance(irradiance, elevation, when)
        scaling.append((gain * counts / width * factor, offset * factor))
    return tuple(scaling)
