"""What the Items of STAC APIs say, archive by archive: which assets are the bands, where they lie, and how their numbers are meant.

Sources: the Item layouts of Earth Search v1 (`sentinel-2-l2a`, `sentinel-2-c1-l2a`, `landsat-c2-l2`) and of the Planetary Computer
(`sentinel-2-l2a`, `landsat-c2-l2`); STAC extensions `eo`, `raster`, `view`, `alternate-assets`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from camwatch.errors import SceneError
from camwatch.scenes.access.jsonvalues import mapping, number, objects, words
from camwatch.scenes.fetching.remote import parts_of
from camwatch.scenes.fetching.sentinel2 import APPLIED, sentinel2
from camwatch.scenes.fetching.stated import Raster, address_of, band_of, level_of, numbers_in, numbers_of, plain_name
from camwatch.scenes.flags import FLAGS
from camwatch.scenes.layers import ORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Ask = Callable[[str], bytes]

LANDSAT = {"coastal": "coastal", "blue": "blue", "green": "green", "red": "red", "nir08": "nir", "swir16": "swir16", "swir22": "swir22"}
"""Key of an asset (both archives) → the name that the band has in a downloaded Landsat product."""

MSS = {"green": "green", "red": "red", "nir08": "nir08", "nir09": "nir"}
"""The same for MSS, whose wider and longer infrared band is what compares with `nir` of the later sensors."""

_NO_DATA_ROLES = {"thumbnail", "overview", "visual", "metadata"}


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
        found, calibrated = sentinel2(document, assets, bands, ask)
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


def _landsat(document: Mapping[str, Any], assets: Mapping[str, dict[str, Any]], bands: Sequence[str]) -> tuple[list[Raster], str]:
    """Return the bands and what their numbers are: Level 1 stays digital numbers where the Item gives radiance or nothing."""
    names = MSS if "nir09" in assets else LANDSAT
    chosen = {key: name for key, name in names.items() if key in assets and name in (bands or ORDER)}
    stated = {key: numbers_of(assets[key]) for key in chosen}
    calibration = level_of(str(document["collection"]))
    if chosen and not all(stated.values()):
        if calibration == "surface reflectance":
            key = next(key for key, raster in stated.items() if not raster)
            raise SceneError("Item does not say how its numbers are meant", where=document["id"], expected=f"raster:bands of {key}")
        calibration, stated = "dn", {key: {"scale": 1.0, "offset": 0.0} for key in chosen}
    found = []
    for key, name in chosen.items():
        numbered = re.search(r"_B(\d{1,2})\.TIF$", parts_of(address_of(assets[key])).path, re.IGNORECASE)
        # 0 is fill in every level and collection.
        found.append(band_of(key, assets[key], name, {"nodata": 0.0, **stated[key], **({"camwatch:number": int(numbered[1])} if numbered else {})}))
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
            rasters = tuple(numbers_in(band) for band in objects(asset.get("raster:bands")) or said)
            if len(rasters) != len(names):
                raise SceneError("Item contradicts itself", got=f"{len(rasters)} raster:bands of {key}", expected=f"{len(names)}, one a band")
            eo = tuple({"name": name, "common_name": name} for name in names)
            alone = len(names) == 1 and names[0] not in {one.name for one in found}
            found.append(Raster(names[0] if alone else plain_name(key), key, address_of(asset), eo, rasters))
    return found


def _masks(assets: Mapping[str, dict[str, Any]]) -> list[Raster]:
    """Return the quality layers whose values camwatch knows; archives call the asset as the layer is called."""
    return [Raster(key.lower(), key, address_of(asset), mask=key.upper()) for key, asset in assets.items() if key.upper() in FLAGS]


def _sun(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sun's angles in the words of the `view` extension, where the archive has words of its own."""
    azimuth, zenith = number(said.get("s2:mean_solar_azimuth")), number(said.get("s2:mean_solar_zenith"))
    if said.get("view:sun_azimuth") is not None or azimuth is None or zenith is None:
        return {}
    return {"view:sun_azimuth": azimuth % 360, "view:sun_elevation": 90 - zenith}
