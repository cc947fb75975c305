"""Sentinel-2 as STAC APIs give it: its bands, and the radiometric offset, which is read, never guessed from a date or a processing baseline.

- Where the Item states it (`raster:bands`), that counts; but where Earth Search says `earthsearch:boa_offset_applied`, the pixels have it already,
  although `raster:bands` still states −0.1 (Earth Search's maintainer, earth-search issue 9).
- Where it does not (Planetary Computer), the product's own metadata is fetched and read; without it the scene is refused.

That flag is known to be false where the offset has in truth been applied (earth-search issues 66 and 71); :func:`contradicted` finds those.

Source for `MTD_MSIL2A.xml`: the Sentinel-2 Products Specification Document.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from camwatch.errors import SceneError
from camwatch.scenes.fetching.remote import shown
from camwatch.scenes.fetching.stated import Raster, address_of, band_of, level_of, numbers_of
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

METADATA = ("product-metadata", "product_metadata")

APPLIED = "earthsearch:boa_offset_applied"

NEGATIVE_SHARE = 0.05
"""More pixels than this below zero in a visible band are no ground: the offset has been taken off twice."""


def sentinel2(
    document: Mapping[str, Any], assets: Mapping[str, dict[str, Any]], bands: Sequence[str], ask: Ask
) -> tuple[list[Raster], dict[str, Any]]:
    """Return the wanted bands of an Item, and what is said of their calibration; `ask` brings the product's metadata where the Item says nothing."""
    chosen = {key: SENTINEL2[key.lower()] for key in assets if key.lower() in SENTINEL2 and SENTINEL2[key.lower()][0] in (bands or ORDER)}
    said: dict[str, Any] = {"camwatch:calibration": level_of(str(document["collection"]))}
    stated = {key: numbers_of(assets[key]) for key in chosen}
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
    rasters = [band_of(key, assets[key], name, stated[key]) for key, (name, _) in chosen.items()]
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
