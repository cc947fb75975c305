"""What the Items of STAC APIs say, archive by archive: which assets are the bands, where they lie, and how their numbers are meant.

Sources: the Item layouts of Earth Search v1 (`sentinel-2-l2a`, `sentinel-2-c1-l2a`, `landsat-c2-l2`) and of the Planetary Computer
(`sentinel-2-l2a`, `landsat-c2-l2`); STAC extensions `eo`, `raster`, `view`, `alternate-assets`; the Sentinel-2 Products Specification Document for
`MTD_MSIL2A.xml`.

The radiometric offset of Sentinel-2 is read, never guessed from a date or a processing baseline:

- where the Item states it (`raster:bands`), that counts; but where Earth Search says `earthsearch:boa_offset_applied`, the pixels have it already,
  although `raster:bands` still states −0.1 (Earth Search's maintainer, earth-search issue 9);
- where it does not (Planetary Computer), the product's own metadata is fetched and read; without it the scene is refused.

That flag is known to be false where the offset has in truth been applied (earth-search issues 66 and 71); :func:`contradicted` finds those.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from camwatch.errors import SceneError
from camwatch.scenes.access.jsonvalues import mapping, number, objects, words
from camwatch.scenes.fetching.remote import parts_of, shown
from camwatch.scenes.flags import FLAGS
from camwatch.scenes.layers import ORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Ask = Callable[[str], bytes]

SENTINEL2 = {
    "blue": ("blue", 1),
    "green": ("green", 2),
    "red": ("red", 3),
    "rededge1": ("rededge071", 4),
    "rededge2": ("rededge075", 5),
    "rededge3": ("rededge078", 6),
    "nir": ("nir", 7),
    "nir08": ("nir08", 8),
    "swir16": ("swir16", 11),
    "swir22": ("swir22", 12),
    "b02": ("blue", 1),
    "b03": ("green", 2),
    "b04": ("red", 3),
    "b05": ("rededge071", 4),
    "b06": ("rededge075", 5),
    "b07": ("rededge078", 6),
    "b08": ("nir", 7),
    "b8a": ("nir08", 8),
    "b11": ("swir16", 11),
    "b12": ("swir22", 12),
}
"""Key of an asset (Earth Search, Planetary Computer) → common name, `band_id` in the product's metadata. 60 m bands see the atmosphere."""
LANDSAT = {"coastal": "coastal", "blue": "blue", "green": "green", "red": "red", "nir08": "nir", "swir16": "swir16", "swir22": "swir22"}
"""Key of an asset (both archives) → the name that the band has in a downloaded Landsat product."""
MSS = {"green": "green", "red": "red", "nir08": "nir08", "nir09": "nir"}
"""The same for MSS, whose wider and longer infrared band is what compares with `nir` of the later sensors."""
METADATA = ("product-metadata", "product_metadata")
APPLIED = "earthsearch:boa_offset_applied"
NEGATIVE_SHARE = 0.05
"""More pixels than this below zero in a visible band are no ground: the offset has been taken off twice."""
_NO_DATA_ROLES = {"thumbnail", "overview", "visual", "metadata"}


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


@dataclass(frozen=True, slots=True)
class Contents:
    """What is to be brought of one Item, and what its numbers mean.

    Attributes
    ----------
    rasters : tuple of Raster
        The bands, then the quality layers.
    said : mapping
        Properties that say what the archive says in other words, or not at all: calibration, sun angles.
    doubtful : bool
        The Item says that an offset has yet to be applied, in a collection where that is sometimes wrong.
    """

    rasters: tuple[Raster, ...]
    said: Mapping[str, Any]
    doubtful: bool = False


def contents(document: Mapping[str, Any], bands: Sequence[str], ask: Ask) -> Contents:
    """Return what is to be brought of an Item.

    Parameters
    ----------
    document : mapping
        The Item as the API gave it.
    bands : sequence of str
        Names of the bands that are wanted; all that the Item has where empty.
    ask : callable (address) -> bytes
        Brings a metadata file.

    Raises
    ------
    SceneError
        When no wanted band is there, an address is not http(s), or nothing says how the numbers are meant.
    """
    collection = str(document.get("collection") or "")
    assets = {key: asset for key, asset in mapping(document.get("assets")).items() if isinstance(asset, dict)}
    said = _sun(document["properties"])
    if collection.startswith("sentinel-2"):
        found, calibrated = _sentinel2(document, assets, bands, ask)
        said |= calibrated
    elif collection.startswith("landsat"):
        found, calibration = _landsat(document, assets, bands)
        said |= {"camwatch:calibration": calibration}
    else:
        found = _plain(assets, bands)
    if not found:
        there = ", ".join(sorted(assets))[:200] or "none"
        wanted = ", ".join(bands) or "rasters with role data and named bands"
        raise SceneError("Item has none of the wanted bands", where=document["id"], got=f"assets {there}", expected=wanted)
    doubtful = document["properties"].get(APPLIED) is False
    # Each has a file of its own name; of two assets with one name the first counts.
    named = {one.name.lower(): one for one in reversed((*found, *_masks(assets)))}
    return Contents(tuple(reversed(named.values())), said, doubtful)


def _sentinel2(
    document: Mapping[str, Any], assets: Mapping[str, dict[str, Any]], bands: Sequence[str], ask: Ask
) -> tuple[list[Raster], dict[str, Any]]:
    chosen = {key: SENTINEL2[key.lower()] for key in assets if key.lower() in SENTINEL2 and SENTINEL2[key.lower()][0] in (bands or ORDER)}
    said: dict[str, Any] = {"camwatch:calibration": _level(str(document["collection"]))}
    stated = {key: _stated(assets[key]) for key in chosen}
    if chosen and not all(stated.values()):
        key = next((key for key in METADATA if key in assets), None)
        if key is None:
            wanted = f"raster:bands with scale and offset, or an asset {METADATA[0]}"
            raise SceneError("Item does not say how its numbers are meant", where=document["id"], expected=wanted, remedy="take another --api")
        address = address_of(assets[key])
        text = ask(address)
        stated = {key: of_product(text, number, shown(address)) for key, (_, number) in chosen.items()}
        said["camwatch:calibrated_by"] = {"href": address, "sha256": hashlib.sha256(text).hexdigest()}
    if document["properties"].get(APPLIED) is True:
        stated = {key: {**raster, "offset": 0.0} for key, raster in stated.items()}
    rasters = [_band(key, assets[key], name, stated[key]) for key, (name, _) in chosen.items()]
    return rasters, said


def of_product(text: bytes, number: int, where: str) -> dict[str, Any]:
    """Return scale, offset and special values of the band with one `band_id` from the text of MTD_MSIL2A.xml.

    reflectance = (DN + BOA_ADD_OFFSET) / BOA_QUANTIFICATION_VALUE; products before baseline 04.00 list no offset, which means none.
    """
    try:
        root = ElementTree.fromstring(text)
        quantification = float(root.findtext(".//BOA_QUANTIFICATION_VALUE") or "")
        offsets = {str(entry.get("band_id")): float(entry.text or "") for entry in root.iter("BOA_ADD_OFFSET")}
        special = {str(s.findtext("SPECIAL_VALUE_TEXT")): float(s.findtext("SPECIAL_VALUE_INDEX") or "") for s in root.iter("Special_Values")}
    except (ElementTree.ParseError, DefusedXmlException, ValueError) as error:
        got = " ".join(str(error).split())[:100]
        raise SceneError("product metadata cannot be read", where=where, got=got, expected="MTD_MSIL2A.xml") from error
    if quantification <= 0 or (offsets and str(number) not in offsets):
        raise SceneError("product metadata states no calibration", where=where, got=f"{quantification:g}, offsets of {len(offsets)} bands")
    values = {name: special[text] for name, text in (("nodata", "NODATA"), ("camwatch:saturated", "SATURATED")) if text in special}
    return {"scale": 1 / quantification, "offset": offsets.get(str(number), 0.0) / quantification, **values}


def _landsat(document: Mapping[str, Any], assets: Mapping[str, dict[str, Any]], bands: Sequence[str]) -> tuple[list[Raster], str]:
    """Return the bands and what their numbers are: Level 1 stays digital numbers where the Item gives radiance or nothing."""
    names = MSS if "nir09" in assets else LANDSAT
    chosen = {key: name for key, name in names.items() if key in assets and name in (bands or ORDER)}
    stated = {key: _stated(assets[key]) for key in chosen}
    calibration = _level(str(document["collection"]))
    if chosen and not all(stated.values()):
        if calibration == "surface reflectance":
            key = next(key for key, raster in stated.items() if not raster)
            raise SceneError("Item does not say how its numbers are meant", where=document["id"], expected=f"raster:bands of {key}")
        calibration, stated = "dn", {key: {"scale": 1.0, "offset": 0.0} for key in chosen}
    found = []
    for key, name in chosen.items():
        numbered = re.search(r"_B(\d{1,2})\.TIF$", parts_of(address_of(assets[key])).path, re.IGNORECASE)
        # 0 is fill in every level and collection.
        found.append(_band(key, assets[key], name, {"nodata": 0.0, **stated[key], **({"camwatch:number": int(numbered[1])} if numbered else {})}))
    return found, calibration


def _plain(assets: Mapping[str, dict[str, Any]], bands: Sequence[str]) -> list[Raster]:
    """Return the data of any other collection: what the Item names by common names, with the scale that it states or none."""
    found: list[Raster] = []
    for key, asset in assets.items():
        said = objects(asset.get("bands")) or objects(asset.get("eo:bands"))
        names = [str(band.get("eo:common_name") or band.get("common_name") or "") for band in said]
        if _NO_DATA_ROLES & {key, *words(asset.get("roles"))} or not names or not all(name in ORDER for name in names):
            continue
        if set(names) & set(bands or ORDER):
            rasters = tuple(_numbers(band) for band in objects(asset.get("raster:bands")) or said)
            if len(rasters) != len(names):
                raise SceneError("Item contradicts itself", got=f"{len(rasters)} raster:bands of {key}", expected=f"{len(names)}, one a band")
            eo = tuple({"name": name, "common_name": name} for name in names)
            alone = len(names) == 1 and names[0] not in {one.name for one in found}
            found.append(Raster(names[0] if alone else plain_name(key), key, address_of(asset), eo, rasters))
    return found


def _masks(assets: Mapping[str, dict[str, Any]]) -> list[Raster]:
    """Return the quality layers whose values camwatch knows; archives call the asset as the layer is called."""
    return [Raster(key.lower(), key, address_of(asset), mask=key.upper()) for key, asset in assets.items() if key.upper() in FLAGS]


def _band(key: str, asset: Mapping[str, Any], name: str, raster: Mapping[str, Any]) -> Raster:
    return Raster(name, key, address_of(asset), ({"name": name, "common_name": name},), (raster,))


def _stated(asset: Mapping[str, Any]) -> dict[str, Any]:
    """Return scale, offset and no-data value of a one-band asset; empty where it states no scale and offset, or those of another quantity."""
    said = (objects(asset.get("raster:bands")) or objects(asset.get("bands")) or [{}])[0]
    numbers = _numbers(said)
    # Level 1 of the oldest sensors is given as radiance.
    radiance = "watt" in str(said.get("unit", "")).lower() or "W/" in str(said.get("unit", ""))
    return numbers if {"scale", "offset"} <= set(numbers) and not radiance else {}


def _numbers(said: Mapping[str, Any]) -> dict[str, Any]:
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


def plain_name(text: str) -> str:
    """Return an identifier that is to be a file name; SceneError where it is none that every file system takes."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,119}", text):
        raise SceneError("name cannot be a file name", got=repr(text)[:120], expected="letters, digits, '.', '_', '-'")
    return text


def contradicted(name: str, raster: Mapping[str, Any], values: NDArray[np.generic]) -> bool:
    """Whether pixels deny that a negative offset has yet to be applied: too many of a visible band would be below zero.

    Parameters
    ----------
    name : str
        Common name of the band.
    raster : mapping
        Its `raster:bands` entry.
    values : (y, x) array
        Digital numbers.
    """
    if name not in ("blue", "green", "red") or raster.get("offset", 0) >= 0:
        return False
    data = values[values != float(raster.get("nodata", 0))]
    return bool(data.size and (data * raster["scale"] + raster["offset"] < 0).mean() > NEGATIVE_SHARE)


def _level(collection: str) -> str:
    return "toa reflectance" if re.search(r"l1[a-z]*$", collection) else "surface reflectance"


def _sun(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sun's angles in the words of the `view` extension, where the archive has words of its own."""
    azimuth, zenith = number(said.get("s2:mean_solar_azimuth")), number(said.get("s2:mean_solar_zenith"))
    if said.get("view:sun_azimuth") is not None or azimuth is None or zenith is None:
        return {}
    return {"view:sun_azimuth": azimuth % 360, "view:sun_elevation": 90 - zenith}
