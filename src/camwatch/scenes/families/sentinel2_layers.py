"""Bands and quality layers of one Sentinel-2 granule, and how the numbers of its bands are meant.

Names and meanings: Sentinel-2 Products Specification Document, S2-PDGS-TAS-DI-PSD (issue 13 for products before December 2016, issue 14 for the
compact naming, 14.6 and later for raster masks and radiometric offsets).

Which quality layers count:

- Level 2A: the scene classification (SCL). It holds clouds, shadows, no-data, saturated and defective pixels.
- Level 1C, and Level 2A whose SCL was not downloaded: opaque clouds and cirrus, from MSK_CLASSI (raster, baseline 04.00 on) or MSK_CLOUDS (GML,
  before); saturated pixels of each band from MSK_SATURA (GML, before 04.00).
- Not used: MSK_NODATA (those pixels have the no-data value), MSK_DEFECT (those pixels are interpolated from their neighbours and stay), MSK_QUALIT
  (eight planes for each band at its own resolution: it would double what is decoded; its saturated pixels have the highest code already).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from camwatch.errors import SceneError
from camwatch.scenes.access.gdal import open_raster, read_header
from camwatch.scenes.access.xml import number_of, text_of
from camwatch.scenes.facts import Channel, Layer
from camwatch.scenes.flags import Flag

if TYPE_CHECKING:
    from collections.abc import Mapping
    from xml.etree.ElementTree import Element  # for the type checker only; nothing is parsed with it

    from camwatch.scenes.access.files import Files

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
    "B01": ("coastal", 60, 0),
    "B09": ("nir09", 60, 9),
    "B10": ("cirrus", 60, 10),
}
"""Band → (common name, native resolution in metres, `band_id` in the metadata). Level 2A has no B10."""

CLASSES_M = 20
"""Native resolution of the scene classification."""

FILL, SATURATED = 0.0, 65535.0
"""The special values of the format, for metadata that does not repeat them."""

_PLANES = ("cloud", "cirrus")
"""Planes of MSK_CLASSI that make a pixel unusable where they are 1; a third one is snow, which stays."""

_QUANTIFICATION = (
    ("surface reflectance", "BOA_QUANTIFICATION_VALUE", "BOA_ADD_OFFSET"),
    ("surface reflectance", "L2A_BOA_QUANTIFICATION_VALUE", "BOA_ADD_OFFSET"),  # Sen2Cor before 2.6
    ("toa reflectance", "QUANTIFICATION_VALUE", "RADIO_ADD_OFFSET"),
)

# Within the granule: IMG_DATA/T46RER_20210908T042701_B02.jp2 (L1C), IMG_DATA/R10m/…_B02_10m.jp2 (L2A), IMG_DATA/S2A_OPER_MSI_L1C_TL_…_B02.jp2 and
# IMG_DATA/S2A_USER_SCL_L2A_TL_…_20m.jp2 (before December 2016), R10m/B02.jp2 or B02.jp2 (AWS). AWS keeps small pictures of them in preview/.
_IMAGE = re.compile(r"(?:IMG_DATA/)?(?:R(\d0)m/)?(?:[^/]*_)?(B\d[\dA]|SCL)(?:_L2A_[^/]*?)?(?:_(\d0)m)?\.(?:jp2|tiff?)", re.IGNORECASE)

# QI_DATA/MSK_CLOUDS_B00.gml, QI_DATA/S2A_OPER_MSK_CLOUDS_SGS__…_B00_MSIL1C.gml (before December 2016), qi/MSK_CLOUDS_B00.gml (AWS).
_QUALITY = re.compile(r"(?:QI_DATA|qi)/(?:[^/]*_)?(CLOUDS|CLASSI|SATURA)_(?:[^/]*_)?(B\d[\dA])(?:_MSI\w+)?\.(gml|jp2|tiff?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Radiometry:
    """How DN become reflectance: (DN + offset) / quantification.

    Attributes
    ----------
    calibration : {"surface reflectance", "toa reflectance"}
    quantification : float
    offsets : mapping of int to float
        `band_id` → DN to add; empty where the metadata states none, which is before processing baseline 04.00.
    nodata, saturated : float
        DN.
    """

    calibration: str
    quantification: float
    offsets: Mapping[int, float]
    nodata: float
    saturated: float

    def channel(self, band: str, highest: float) -> Channel:
        """Return what a band's numbers mean; `highest` is the largest DN that its file can hold, to which the saturated ones are clipped."""
        name, _, band_id = BANDS[band]
        offset = self.offsets.get(band_id, 0.0) / self.quantification
        return Channel(name, 1 / self.quantification, offset, self.nodata, min(self.saturated, highest), number=band_id + 1)


def radiometry(product: Element, where: object) -> Radiometry:
    """Read a product's metadata (MTD_MSIL1C.xml, MTD_MSIL2A.xml).

    Raises
    ------
    SceneError
        When it states no quantification, or a number is none.
    """
    said = [(number_of(product, f".//{tag}", where), calibration, tag, added) for calibration, tag, added in _QUANTIFICATION]
    quantification, calibration, tag, added = next((entry for entry in said if entry[0] is not None), (None, "", "", ""))
    if quantification is None:
        wanted = " or ".join(tag for _, tag, _ in _QUANTIFICATION)
        raise SceneError("product metadata states no quantification", where=where, expected=wanted, remedy="download the product again")
    if quantification <= 0:
        raise SceneError(f"{tag} is no quantification", where=where, got=quantification, expected="a positive number")
    offsets = _offsets(product, added, where)
    special = {text_of(e, "SPECIAL_VALUE_TEXT").upper(): number_of(e, "SPECIAL_VALUE_INDEX", where) for e in product.iter("Special_Values")}
    nodata, saturated = special.get("NODATA"), special.get("SATURATED")
    return Radiometry(calibration, quantification, offsets, FILL if nodata is None else nodata, SATURATED if saturated is None else saturated)


def _offsets(product: Element, tag: str, where: object) -> dict[int, float]:
    offsets = {}
    for element in product.iter(tag):
        try:
            band_id, value = int(element.get("band_id", "")), float(element.text or "")
        except ValueError as error:
            raise SceneError(f"{tag} is no number", where=where, got=f"band_id {element.get('band_id')!r}: {element.text!r}") from error
        if not math.isfinite(value):
            raise SceneError(f"{tag} is no number", where=where, got=element.text)
        offsets[band_id] = value
    return offsets


def granule_layers(files: Files, folder: str, meant: Radiometry, where: object) -> list[Layer]:
    """Return the bands at their native resolution, or the next coarser that is there, and the quality layers.

    Parameters
    ----------
    files : Files
    folder : str
        The granule's, with its slash; empty at the top.
    meant : Radiometry
    where : object
        For errors.

    Raises
    ------
    SceneError
        When there is no band, a band's file cannot be opened, or the metadata states an offset for other bands only.
    """
    inside = [name for name in files.names if name.startswith(folder)]
    images = _images(inside, len(folder))
    bands = [band for band in BANDS if band in images]
    if not bands:
        raise SceneError("SAFE metadata without pixels: no band is here", where=where, remedy="keep IMG_DATA with the metadata")
    lost = [band for band in bands if meant.offsets and BANDS[band][2] not in meant.offsets]
    if lost:
        raise SceneError(f"radiometric offset of {', '.join(lost)} is not stated", where=where, got=f"those of band_id {sorted(meant.offsets)}")
    highest = _highest(files.href(images[bands[0]]))
    layers = [Layer(band, href, (meant.channel(band, highest),), header=read_header(href)) for band in bands for href in [files.href(images[band])]]
    if "SCL" in images:
        return [*layers, Layer("scl", files.href(images["SCL"]), mask="SCL")]
    return layers + _masks(files, _quality(inside, len(folder)), layers)


def _images(inside: list[str], start: int) -> dict[str, str]:
    """Return the member of each band and of the scene classification, of its resolutions the finest that is not finer than native."""
    images: dict[str, tuple[int, str]] = {}
    for name in inside:
        said = _IMAGE.fullmatch(name, start)
        if said is None:
            continue
        band = said[2].upper()
        native = CLASSES_M if band == "SCL" else BANDS[band][1] if band in BANDS else 0
        here = int(said[1] or said[3] or native), name
        # B01 at 20 m is the 60 m band interpolated.
        if native and here[0] >= native:
            images[band] = min(here, images.get(band, here))
    return {band: name for band, (_, name) in images.items()}


def _quality(inside: list[str], start: int) -> dict[tuple[str, str], str]:
    """Return the members of the masks by (kind, band); B00 stands for all bands. Clouds and saturation are vector masks."""
    found = {}
    for name in inside:
        said = _QUALITY.fullmatch(name, start)
        if said is not None and (said[3].lower() == "gml") == (said[1].upper() != "CLASSI"):
            found[said[1].upper(), said[2].upper()] = name
    return found


def _masks(files: Files, quality: Mapping[tuple[str, str], str], bands: list[Layer]) -> list[Layer]:
    grids = {layer.key: layer.header.geobox for layer in bands if layer.header is not None}
    layers = []
    if ("CLASSI", "B00") in quality:
        href = files.href(quality["CLASSI", "B00"])
        header = read_header(href)
        if header.count < len(_PLANES):
            raise SceneError("MSK_CLASSI lacks planes", where=href, got=header.count, expected="opaque clouds, cirrus, snow")
        for index, name in enumerate(_PLANES, 1):
            layers.append(Layer(f"classi-{name}", href, mask="MSK_CLASSI", index=index, flags=(Flag(name, 0, 8),), header=header))
    elif ("CLOUDS", "B00") in quality:
        finest = min(grids.values(), key=lambda grid: abs(grid.affine.determinant))
        layers.append(Layer("clouds", files.href(quality["CLOUDS", "B00"]), mask="MSK_CLOUDS", placed=finest))
    for band, grid in grids.items():
        if ("SATURA", band) in quality:
            only = (Flag("saturated", 0, 8, band=BANDS[band][2] + 1),)
            layers.append(Layer(f"satura-{band}", files.href(quality["SATURA", band]), mask="MSK_SATURA", flags=only, placed=grid))
    return layers


def _highest(href: str) -> float:
    """Return the largest DN that a file can hold: JPEG 2000 images of the archive have 15 bits, so 65535 is in none of them."""
    with open_raster(href) as dataset:
        bits = dataset.tags(1, ns="IMAGE_STRUCTURE").get("NBITS", "16")
    return 2.0 ** int(bits) - 1
