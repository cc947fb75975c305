"""What one asset of an Item states: where it lies, how its numbers are meant, and what its file may be called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from camwatch.errors import SceneError
from camwatch.scenes.access.jsonvalues import mapping, number, objects
from camwatch.scenes.fetching.remote import parts_of, shown

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Raster:
    """One raster of an Item.

    Attributes
    ----------
    name : str
        What it is called here: the band's name, or the quality layer's in small letters.
    key : str
        Key of the asset in the archive.
    href : str
        Public address, unsigned.
    eo : tuple of mapping
        `eo:bands` to write, one for each band of the file; empty for a quality layer.
    raster : tuple of mapping
        `raster:bands` to write.
    mask : str
        Kind of the quality layer; empty for data.
    """

    name: str
    key: str
    href: str
    eo: tuple[Mapping[str, Any], ...] = ()
    raster: tuple[Mapping[str, Any], ...] = ()
    mask: str = ""


def band_of(key: str, asset: Mapping[str, Any], name: str, raster: Mapping[str, Any]) -> Raster:
    """Return the raster of one band."""
    return Raster(name, key, address_of(asset), ({"name": name, "common_name": name},), (raster,))


def numbers_of(asset: Mapping[str, Any]) -> dict[str, Any]:
    """Return scale, offset and no-data value of a one-band asset; empty where it states no scale and offset, or those of another quantity."""
    said = (objects(asset.get("raster:bands")) or objects(asset.get("bands")) or [{}])[0]
    numbers = numbers_in(said)
    # Level 1 of the oldest sensors is given as radiance.
    radiance = "watt" in str(said.get("unit", "")).lower() or "W/" in str(said.get("unit", ""))
    return numbers if {"scale", "offset"} <= set(numbers) and not radiance else {}


def numbers_in(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return scale, offset and no-data value as far as they are stated; SceneError where one is no number."""
    found: dict[str, Any] = {}
    for name in ("scale", "offset", "nodata"):
        value = said.get(name, said.get(f"raster:{name}"))
        if number(value) is not None:
            found[name] = number(value)
        elif name == "nodata" and value in ("nan", "NaN"):
            found[name] = "nan"
        elif value is not None:
            raise SceneError(f"Item states a {name} that is no number", got=repr(value)[:60])
    return found


def address_of(asset: Mapping[str, Any]) -> str:
    """Return the http(s) address of an asset: its own, or the alternate one that it names; SceneError where there is none."""
    alternates = [str(other.get("href")) for other in mapping(asset.get("alternate")).values() if isinstance(other, dict)]
    hrefs = [str(asset.get("href")), *alternates]
    found = next((href for href in hrefs if parts_of(href).scheme in ("http", "https")), None)
    if found is None:
        remedy = "take an archive with public https addresses (--api)"
        raise SceneError("asset is not fetched", got=shown(hrefs[0]), expected="an absolute http:// or https:// address", remedy=remedy)
    return found


def level_of(collection: str) -> str:
    """Return the calibration that the name of a collection tells."""
    return "toa reflectance" if re.search(r"l1[a-z]*$", collection) else "surface reflectance"


def plain_name(text: str) -> str:
    """Return an identifier that is to be a file name; SceneError where it is none that every file system takes."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,119}", text):
        raise SceneError("name cannot be a file name", got=repr(text)[:120], expected="letters, digits, '.', '_', '-'")
    return text
