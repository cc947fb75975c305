"""What the numbers of a DIMAP 2 file mean: its bands in their order, and how they become reflectance.

- **Bands of a file** stand in the order of its Raster_Index_List; where that is missing, in the order of Band_Display_Order (red, green, blue, alpha
  channel: `B2 B1 B0 B3` is how Pléiades GeoTIFFs are stored).
- **Values**: REFLECTANCE products state ρ = DN / GAIN + BIAS in Band_Reflectance. Airbus removes Rayleigh scattering from them, not aerosols, so they
  count as top-of-atmosphere unless ATMOSPHERIC_RADIOMETRIC_SETTING says more. BASIC products state L = DN / GAIN + BIAS in Band_Radiance, which the
  solar irradiance and the sun's elevation turn into top-of-atmosphere reflectance. DISPLAY, SEAMLESS and LINEAR_STRETCH are pictures: digital
  numbers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from camwatch.scenes.access.xml import text_of
from camwatch.scenes.bands import common_name
from camwatch.scenes.facts import Channel
from camwatch.scenes.families.dimap_parts import sane, special_values, stated, to_reflectance

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element  # for the type checker only; nothing is parsed with it

    from camwatch.scenes.access.gdal import Header
    from camwatch.scenes.families.airbus_geometry import Reading

_NAMES = {"B0": "blue", "B1": "green", "B2": "red", "B3": "nir", "P": "pan", "PAN": "pan"}
_NAMES |= {"R": "red", "G": "green", "B": "blue", "NIR": "nir", "N": "nir", "RE": "rededge", "DB": "coastal"}
_SURFACE = re.compile(r"SURFACE|\bBOA\b|\bTOC\b|AEROSOL")


def channels_of(image: Reading, display: Element | None, header: Header) -> tuple[Channel, ...]:
    """Return the bands of a file in their order, with what their numbers mean."""
    ids = _band_ids(display, header.count)
    nodata, saturated = special_values(display, "SPECIAL_VALUE_COUNT")
    names = [_common(*band) for band in ids] or ([""] * header.count)
    if header.count == 1:
        names = ["pan"]
    factors = [_factor(image, band) for band, _ in ids] or [None]
    scaled = [factor for factor in factors if factor is not None]
    usable = len(scaled) == header.count
    return tuple(
        Channel(name if name and names.count(name) == 1 else f"b{n + 1}", *(scaled[n] if usable else (1.0, 0.0)), nodata, saturated)
        for n, name in enumerate(names)
    )


def _band_ids(display: Element | None, count: int) -> list[tuple[str, str]]:
    """Return (id, name) of the bands of a file in their order; none where the document does not tell all of them."""
    if display is None:
        return []
    listed = display.findall(".//Raster_Index")
    ids = [(text_of(entry, "BAND_ID"), text_of(entry, "BAND_NAME")) for entry in listed]
    numbers = [stated(entry, "BAND_INDEX") or 0 for entry in listed]
    if sorted(numbers) == list(range(1, len(ids) + 1)):  # a document that numbers 4, 2, 3 lists them in the file's order nevertheless
        ids = [ids[numbers.index(n)] for n in range(1, len(ids) + 1)]
    if not ids:
        shown = (text_of(display, f"Band_Display_Order/{colour}_CHANNEL") for colour in ("RED", "GREEN", "BLUE", "ALPHA"))
        ids = [(band, "") for band in dict.fromkeys(filter(None, shown))]
    return ids[:count] if len(ids) >= count else []


def _common(band: str, name: str) -> str:
    """Return the common name of a band by its id, else by its name; empty where neither is known."""
    return _NAMES.get(band.upper()) or common_name(name) or common_name(band)


def _measure(root: Element, kind: str, band: str) -> Element | None:
    """Return the measurement of one kind for a band; the only one where there is one band."""
    entries = root.findall(f".//{kind}")
    named = [entry for entry in entries if text_of(entry, "BAND_ID") == band]
    return next(iter(named or (entries if len(entries) == 1 else [])), None)


def _factor(image: Reading, band: str) -> tuple[float, float] | None:
    """Return scale and offset to reflectance; None where the document does not give them."""
    root = image.root
    process = text_of(image.settings, ".//RADIOMETRIC_PROCESSING").upper()
    if process == "REFLECTANCE":
        said = _measure(root, "Band_Reflectance", band)
        gain, bias = (None, None) if said is None else (stated(said, "GAIN"), stated(said, "BIAS"))
        return sane(1 / gain, bias) if gain and bias is not None else None
    stretched = text_of(image.settings, ".//RADIOMETRIC_STRETCH").lower() == "true"
    adjusted = text_of(root, ".//Dynamic_Adjustment/ADJUSTMENT_TYPE").upper() not in ("", "NONE")
    radiance, irradiance = _measure(root, "Band_Radiance", band), _measure(root, "Band_Solar_Irradiance", band)
    if process != "BASIC" or stretched or adjusted or radiance is None or irradiance is None:
        return None
    return to_reflectance(stated(radiance, "GAIN"), stated(radiance, "BIAS"), stated(irradiance, "VALUE"), image.when, image.sun)


def calibration_of(image: Reading, channels: list[Channel]) -> str:
    """Return what the values of some channels are, scaled: `surface reflectance`, `toa reflectance` or `dn`."""
    if any((channel.scale, channel.offset) == (1.0, 0.0) for channel in channels):
        return "dn"
    setting = text_of(image.settings, ".//ATMOSPHERIC_RADIOMETRIC_SETTING").upper()
    process = text_of(image.settings, ".//RADIOMETRIC_PROCESSING").upper()
    return "surface reflectance" if process == "REFLECTANCE" and _SURFACE.search(setting) else "toa reflectance"
