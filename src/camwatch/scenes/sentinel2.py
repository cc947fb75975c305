"""Sentinel-2 L1C and L2A of every processing baseline, as a SAFE folder or zipped.

The radiometric offset (−1000 from baseline 04.00 on) is read from the metadata, never guessed from the date or the baseline: reprocessed products
of early dates carry it, late products of other producers may not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from camwatch.errors import SceneError
from camwatch.scenes.build import Channel, Facts, Layer, build_item
from camwatch.scenes.dates import parse_time
from camwatch.scenes.product import Family, Found, folder_of

if TYPE_CHECKING:
    import pystac

    from camwatch.scenes.files import Files
    from camwatch.scenes.product import Given

MTD = re.compile(r"(?:^|/)MTD_MSIL(1C|2A)\.xml$")

BANDS: dict[str, tuple[str, int, int]] = {
    "B02": ("blue", 10, 1),
    "B03": ("green", 10, 2),
    "B04": ("red", 10, 3),
    "B08": ("nir", 10, 7),
    "B05": ("rededge071", 20, 4),
    "B06": ("rededge075", 20, 5),
    "B07": ("rededge078", 20, 6),
    "B8A": ("nir08", 20, 8),
    "B11": ("swir16", 20, 11),
    "B12": ("swir22", 20, 12),
}
"""Band → (common name, native resolution in metres, `band_id` in the metadata). The 60 m bands see the atmosphere and are left out."""

FILL, SATURATED = 0.0, 65535.0
"""The special values of every product: no data, saturated."""


def find_sentinel2(files: Files) -> list[Found]:
    """Return one product for each SAFE folder."""
    return [
        Found(name, frozenset(other for other in files.names if other.startswith(folder_of(name))), folder=True)
        for name in files.names
        if MTD.search(name)
    ]


def read_sentinel2(files: Files, mtd_name: str, _given: Given = None) -> pystac.Item:
    """Return the Item of one Sentinel-2 product; `mtd_name` is the member MTD_MSIL1C.xml or MTD_MSIL2A.xml.

    Raises
    ------
    SceneError
        When the metadata is damaged, the granule's metadata is missing, or none of the bands is there.
    """
    where = str(files.root / mtd_name)
    inside = files.names
    root, text = _parse(files, mtd_name)
    granules = [name for name in inside if re.search(r"GRANULE/[^/]+/MTD_TL\.xml$", name)]
    if len(granules) != 1:
        got = f"{len(granules)} MTD_TL.xml"
        raise SceneError("SAFE product must hold one granule", where=where, got=got, expected="one", remedy="use single-tile products")
    tile, _ = _parse(files, granules[0])
    surface = mtd_name.endswith("2A.xml")
    quantification = _number(root, "BOA_QUANTIFICATION_VALUE" if surface else "QUANTIFICATION_VALUE", where)
    offsets = {element.get("band_id", ""): float(element.text or 0) for element in root.iter("BOA_ADD_OFFSET" if surface else "RADIO_ADD_OFFSET")}
    layers = _layers(files, inside, quantification, offsets)
    if not layers:
        raise SceneError("SAFE metadata without pixels: no band of 10 or 20 m is here", where=where, remedy="keep IMG_DATA with the metadata")
    classes = _member(inside, "SCL", 20)
    if classes:
        layers.append(Layer("scl", files.href(classes), mask="SCL"))
    layers += [Layer("mtd", files.href(mtd_name), metadata=True), Layer("mtd_tl", files.href(granules[0]), metadata=True)]
    when = parse_time(_text(tile, "SENSING_TIME") or _text(root, "PRODUCT_START_TIME"))
    if when is None:
        raise SceneError("metadata states no sensing time", where=where, expected="SENSING_TIME in MTD_TL.xml")
    sun = tile.find(".//Mean_Sun_Angle")
    uri = _text(root, "PRODUCT_URI") or _text(root, "PRODUCT_URI_2A") or _text(root, "PRODUCT_URI_1C") or files.root.name
    return build_item(
        Facts(
            id=re.sub(r"\.(SAFE|zip|tar)$", "", uri),
            family="sentinel2",
            acquired=when,
            date_source="MTD_TL SENSING_TIME",
            calibration="surface reflectance" if surface else "toa reflectance",
            simulated=b"SIMULATED" in text.upper(),
            sun=None if sun is None else (_number(sun, "AZIMUTH_ANGLE", where) % 360, 90 - _number(sun, "ZENITH_ANGLE", where)),
            platform=_text(root, "SPACECRAFT_NAME").lower(),
            instrument="msi",
            more={"s2:processing_baseline": _text(root, "PROCESSING_BASELINE")},
        ),
        layers,
    )


def _layers(files: Files, inside: tuple[str, ...], quantification: float, offsets: dict[str, float]) -> list[Layer]:
    layers = []
    for band, (name, resolution, number) in BANDS.items():
        member = _member(inside, band, resolution)
        if member:
            offset = offsets.get(str(number), 0.0)
            channel = Channel(name, 1 / quantification, offset / quantification, FILL, SATURATED)
            layers.append(Layer(band, files.href(member), (channel,)))
    return layers


def _member(inside: tuple[str, ...], band: str, resolution: int) -> str | None:
    """Return the member with a band: `…_B02.jp2` (L1C) or `…_B02_10m.jp2` (L2A), at its native resolution or the next coarser that is there."""
    for suffix in ("", f"_{resolution}m", *(f"_{coarser}m" for coarser in (10, 20, 60) if coarser > resolution)):
        pattern = re.compile(rf"/IMG_DATA/(?:R\d0m/)?[^/]*_{band}{suffix}\.(?:jp2|tif)$")
        found = [name for name in inside if pattern.search("/" + name)]
        if found:
            return found[0]
    return None


def _parse(files: Files, name: str) -> tuple[Any, bytes]:
    data = files.read(name)
    try:
        return ElementTree.fromstring(data), data
    except (ElementTree.ParseError, DefusedXmlException, ValueError) as error:
        raise SceneError(f"metadata cannot be parsed ({error})", where=files.root / name, remedy="download the product again") from error


def _text(element: Any, tag: str) -> str:
    found = element.find(f".//{tag}")
    return (found.text or "").strip() if found is not None else ""


def _number(element: Any, tag: str, where: str) -> float:
    text = _text(element, tag)
    try:
        return float(text)
    except ValueError as error:
        raise SceneError(f"metadata key {tag} is no number", where=where, got=repr(text)) from error


SENTINEL2 = Family("sentinel2", find_sentinel2, read_sentinel2)
