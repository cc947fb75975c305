"""Sentinel-2 L1C and L2A of every processing baseline, as a SAFE folder or zipped, with one granule or several.

The radiometric offset (−1000 from baseline 04.00 on) is read from the metadata, never guessed from the date or the baseline: reprocessed products
of early dates carry it, late products of other producers may not. A granule by itself does not state it, so it is read only with its product's
metadata. Level, baseline and date are what the metadata states, whatever the folder is called.
"""

from __future__ import annotations

import math
import re
from statistics import fmean
from typing import TYPE_CHECKING

from camwatch.errors import SceneError
from camwatch.scenes.access.files import Files, base_of, folder_of
from camwatch.scenes.access.xml import number_of, parse_bytes, parse_xml, text_of
from camwatch.scenes.build import build_item
from camwatch.scenes.dates import parse_time
from camwatch.scenes.facts import Facts, Layer
from camwatch.scenes.families.sentinel2_layers import granule_layers, radiometry
from camwatch.scenes.product import Family, Found

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from xml.etree.ElementTree import Element  # for the type checker only; nothing is parsed with it

    import pystac

    from camwatch.scenes.product import Given

_PRODUCT = re.compile(r"(?:MTD_MSIL(?:1C|2A)|S2[A-Z]_(?:OPER|USER)_MTD_SAFL(?:1C|2A)[^/]*)\.xml")
"""Metadata of a product: the compact naming, and that of before December 2016."""

_GRANULE = re.compile(r"(?:MTD_TL|S2[A-Z]_(?:OPER|USER)_MTD_L(?:1C|2A)_TL_[^/]*(?<!_Report))\.xml")
"""Metadata of a granule, likewise. Tiles of the AWS archive have `metadata.xml` beside `tileInfo.json`."""

_LOOKING = ("1", "2", "3", "4", "5", "6", "7")
"""`bandId` of B02 to B08, of which the view angles are averaged."""

POSITION_ERROR_M = 20 / math.sqrt(-2 * math.log(0.05)) * math.sqrt(2)
"""Required accuracy of the position without control points, 20 m at two sigma (GMES-GSEG-EOPG-TN-09-0008, table 4-6), taken as the 95 % quantile of a
Rayleigh distribution and told as its root mean square, 11.6 m. Products that are refined against the reference image are better (8 m at 95 %)."""


def find_sentinel2(files: Files) -> list[Found]:
    """Return one product for each granule.

    A product with one granule is named by its metadata, and so is one without any, so that it is said what it lacks. Of several granules each is
    one, `MTD_MSIL1C.xml#` and its folder's name. Granules away from their product's metadata are named by their own.
    """
    products = {folder_of(name): name for name in files.names if _PRODUCT.fullmatch(base_of(name))}
    granules: dict[str, list[str]] = {folder: [] for folder in products}
    for granule in _granules(files.names):
        granules.setdefault(_home(granule) if _home(granule) in products else folder_of(granule), []).append(granule)
    members = _under(granules, files.names)
    found = []
    for folder, own in granules.items():
        for granule in own if len(own) > 1 else []:
            others = tuple(folder_of(other) for other in own if other != granule)
            found.append(Found(f"{products[folder]}#{_title(granule)}", frozenset(name for name in members[folder] if not name.startswith(others))))
        if len(own) <= 1:
            found.append(Found(products[folder] if folder in products else own[0], frozenset(members[folder]), folder=True))
    return found


def _under(folders: Iterable[str], names: Iterable[str]) -> dict[str, list[str]]:
    """Return what lies in each folder, at any depth; a walk upwards from each name, for there may be thousands of folders."""
    members: dict[str, list[str]] = {folder: [] for folder in folders}
    for name in names:
        for end in [0, *(place + 1 for place, letter in enumerate(name) if letter == "/")]:
            if name[:end] in members:
                members[name[:end]].append(name)
    return members


def read_sentinel2(files: Files, name: str, _given: Given = None) -> pystac.Item:
    """Return the Item of one granule.

    Parameters
    ----------
    files : Files
        With one granule.
    name : str
        As found: the product's metadata (with `#` and the granule's name where it has several), or the granule's.

    Raises
    ------
    SceneError
        When metadata are damaged or missing, the radiometric offset cannot be known, or none of the bands is there.
    """
    granules = _granules(files.names)
    if not granules:
        remedy = "keep the GRANULE folder with the metadata"
        raise SceneError("SAFE product without a granule's metadata", where=files.root / name, expected="MTD_TL.xml", remedy=remedy)
    granule = granules[0]
    tile_where = files.root / granule
    tile = parse_xml(files, granule)
    beside, product_name = _product_of(files, granule, tile)
    where = beside.root / product_name
    text = beside.read(product_name)
    product = parse_bytes(text, where)
    if _home(granule) == folder_of(granule):
        _refuse_stranger(product, tile, where)
    meant = radiometry(product, where)
    metadata = [Layer("mtd", beside.href(product_name), metadata=True), Layer("mtd_tl", files.href(granule), metadata=True)]
    level, baseline = text_of(product, ".//PROCESSING_LEVEL").replace("Level-", "L"), text_of(product, ".//PROCESSING_BASELINE")
    stated = {
        "processing:level": level,
        "s2:processing_baseline": baseline,
        "s2:geometric_quality": _geometric_quality(product),
        "camwatch:processing": " ".join(part for part in (level, baseline and f"baseline {baseline}") if part),
    }
    return build_item(
        Facts(
            id=_identifier(product, tile, name, granule),
            family="sentinel2",
            acquired=_acquired(tile, tile_where),
            date_source=f"{base_of(granule)} SENSING_TIME",
            calibration=meant.calibration,
            simulated=b"SIMULATED" in text.upper(),
            sun=_sun(tile, tile_where),
            off_nadir=_off_nadir(tile, tile_where),
            platform=text_of(product, ".//SPACECRAFT_NAME").lower(),
            instrument="msi",
            gsd=_gsd(tile),
            position_error_m=round(POSITION_ERROR_M, 1),
            more={key: text for key, text in stated.items() if text},
        ),
        granule_layers(files, folder_of(granule), meant, where) + metadata,
    )


def _gsd(tile: Element) -> float | None:
    """Return the finest resolution of the granule's grids in metres, None where its metadata states none."""
    stated = [size.get("resolution", "") for size in tile.findall(".//Size")]
    return min((float(text) for text in stated if text.isdigit()), default=None)


def _granules(names: Iterable[str]) -> list[str]:
    """Return the metadata of the granules, one for each folder: Sen2Cor once kept that of Level 1C beside its own, which sorts last."""
    names = sorted(names)
    tiles = {folder_of(name) for name in names if base_of(name) == "tileInfo.json"}
    found = {}
    for name in names:
        if _GRANULE.fullmatch(base_of(name)) or (base_of(name) == "metadata.xml" and folder_of(name) in tiles):
            found[folder_of(name)] = name
    return sorted(found.values())


def _home(granule: str) -> str:
    """Return the folder in which the metadata of a granule's product belongs: two above in a SAFE folder, its own otherwise."""
    inside = re.fullmatch(r"(|.*/)GRANULE/[^/]+/", folder_of(granule))
    return inside[1] if inside else folder_of(granule)


def _title(granule: str) -> str:
    return base_of(folder_of(granule)[:-1])


def _product_of(files: Files, granule: str, tile: Element) -> tuple[Files, str]:
    """Return the metadata of a granule's product: among the files, or two folders above where the granule was named by itself; else SceneError."""
    near = [name for name in files.names if _PRODUCT.fullmatch(base_of(name)) and folder_of(name) == _home(granule)]
    if near:
        return files, near[0]
    folder = (files.root / granule).parent
    if files.kind == "folder" and folder.parent.name == "GRANULE":
        safe = folder.parents[1]
        try:
            above = sorted(path.name for path in safe.iterdir() if _PRODUCT.fullmatch(path.name) and path.is_file())
        except OSError:  # what may not be listed shows no metadata, and that is said below
            above = []
        if above:
            return Files(safe, "folder", tuple(above)), above[0]
    level, baseline = _told(tile)
    remedy = f"put its product's MTD_MSI{level}.xml beside it (for a tile from AWS: metadata.xml of the productPath in tileInfo.json, renamed)"
    what = "granule without its product's metadata: how its numbers become reflectance is stated only there"
    raise SceneError(what, where=files.root / granule, got=f"a granule of baseline {baseline or 'unknown'}", remedy=remedy)


def _told(tile: Element) -> tuple[str, str]:
    """Return (level, baseline) of a granule's own identifier; the level by the kind of document and no baseline where it is none."""
    said = re.search(r"_MSI_(L\w\w)_TL_.*_N(\d\d\.\d\d)$", _tile_id(tile))
    return (said[1], said[2]) if said else ("L2A" if tile.tag.startswith("Level-2A") else "L1C", "")


def _refuse_stranger(product: Element, tile: Element, where: object) -> None:
    """Raise SceneError where metadata that was put beside a granule lists granules, and not this one."""
    listed = {element.get("granuleIdentifier", "") for tag in ("Granule", "Granules") for element in product.iter(tag)} - {""}
    identifier = _tile_id(tile)
    if listed and identifier not in listed:
        raise SceneError("metadata of another product lies beside the granule", where=where, got=", ".join(sorted(listed)[:3]), expected=identifier)


def _identifier(product: Element, tile: Element, name: str, granule: str) -> str:
    """Return the product's name, the granule's where the product has several."""
    several = "#" in base_of(name) or sum(1 for tag in ("Granule", "Granules") for _ in product.iter(tag)) > 1
    uri = next((text for tag in ("PRODUCT_URI", "PRODUCT_URI_2A", "PRODUCT_URI_1C") if (text := text_of(product, f".//{tag}"))), "")
    if uri and not several:
        return re.sub(r"\.(SAFE|zip|tar)$", "", uri)
    return _tile_id(tile) or _title(granule) or "granule"


def _tile_id(tile: Element) -> str:
    return text_of(tile, ".//TILE_ID") or text_of(tile, ".//TILE_ID_2A")  # the latter by Sen2Cor before 2.6


def _acquired(tile: Element, where: object) -> datetime:
    text = text_of(tile, ".//SENSING_TIME")
    when = parse_time(text)
    if when is None:
        raise SceneError("granule's metadata states no sensing time", where=where, got=repr(text[:40]), expected="SENSING_TIME")
    return when


def _sun(tile: Element, where: object) -> tuple[float, float] | None:
    azimuth = number_of(tile, ".//Mean_Sun_Angle/AZIMUTH_ANGLE", where)
    zenith = number_of(tile, ".//Mean_Sun_Angle/ZENITH_ANGLE", where)
    return None if azimuth is None or zenith is None else (azimuth % 360, 90 - zenith)


def _off_nadir(tile: Element, where: object) -> float | None:
    """Return the mean zenith angle of the view over B02 to B08: on the ground, about a tenth more than at the satellite."""
    views = [view for view in tile.iter("Mean_Viewing_Incidence_Angle") if view.get("bandId") in _LOOKING]
    # A band that sees nothing of the granule has NaN.
    zeniths = [number_of(view, "ZENITH_ANGLE", where) for view in views if text_of(view, "ZENITH_ANGLE").lower() != "nan"]
    known = [zenith for zenith in zeniths if zenith is not None]
    return fmean(known) if known else None


def _geometric_quality(product: Element) -> str:
    """Return the outcome of the geometric quality check, `PASSED` or `FAILED`; empty where none is stated."""
    return text_of(product, ".//quality_check[@checkType='GEOMETRIC_QUALITY']") or text_of(product, ".//GEOMETRIC_QUALITY_FLAG")


SENTINEL2 = Family("sentinel2", find_sentinel2, read_sentinel2)
