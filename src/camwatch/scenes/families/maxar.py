"""Deliveries of Maxar (DigitalGlobe, Vantor): GeoTIFF images or tiles with .IMD or .XML beside them, and .TIL where there are several tiles.

A product is one acquisition: the multispectral part (`…_P001_MUL`) and the panchromatic part (`…_P001_PAN`) of the same catalogue identifier and
order part are one Item with a `pan` band, as with Landsat. A pan-sharpened part is an Item of its own; so is every other part of an order.

Format: DigitalGlobe, Imagery Support Data Documentation, version 1.1.2 (2014). The bands of a file are those of `bandId` where it spells them (RGB,
NRG, BGRN), else the band groups in their order. Zero is fill in 16-bit images. Images without a map projection (1B) are placed by their rational
polynomials (.RPB, the RPB group of an .XML, or the tags of an image that is no tile), else by the corner coordinates of the metadata.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from camwatch.errors import CamwatchError, SceneError
from camwatch.scenes.access.files import base_of, folder_of, without_suffix
from camwatch.scenes.access.gdal import read_header
from camwatch.scenes.access.pairs import LARGEST_GSD_M, Pairs, parse_pairs, sun_of, within
from camwatch.scenes.bands import name_vendor_bands
from camwatch.scenes.build import Channel, Facts, Layer, build_item
from camwatch.scenes.dates import parse_time
from camwatch.scenes.families.maxar_calibration import reflectance_scaling
from camwatch.scenes.placement import fitted
from camwatch.scenes.placement import part as tile_of
from camwatch.scenes.product import Family, Found
from camwatch.scenes.rpc import locate, rpc_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import pystac
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from camwatch.scenes.access.files import Files
    from camwatch.scenes.access.gdal import Header
    from camwatch.scenes.placement import Located
    from camwatch.scenes.product import Given

SATELLITES = {
    "QB02": "quickbird-2",
    "WV01": "worldview-1",
    "WV02": "worldview-2",
    "WV03": "worldview-3",
    "WV04": "worldview-4",
    "GE01": "geoeye-1",
    "IK02": "ikonos-2",
}
BANDS = {
    "P": "pan",
    "C": "coastal",
    "B": "blue",
    "G": "green",
    "Y": "yellow",
    "R": "red",
    "RE": "rededge",
    "N": "nir",
    "N2": "nir09",
    "S3": "swir16",
    "S6": "swir22",
}
"""Band group without `BAND_` → common name; the other short-wave bands of WorldView-3 have none."""
POINTING_M = {"QB02": 13.8}
OTHER_POINTING_M = 3.5
"""Root mean square error of where a satellite pointed, without relief: 90 % within 21 m (QuickBird) and 5.3 m (WorldView-1, later ones are no worse),
B. Smiley, The absolute and relative geolocation accuracies of QB02 and WV01, ASPRS 2009; 90 % of a round normal error lie within 1.517 of it."""

_SPELT = {"P": ("P",), "RGB": tuple("RGB"), "NRG": tuple("NRG"), "BGRN": tuple("BGRN")}
_MULTI = {4: tuple("BGRN"), 8: ("C", "B", "G", "Y", "R", "RE", "N", "N2")}

_SUFFIXES = (".tif", ".tiff", ".jp2")
_TILE = re.compile(r"_R\d+C\d+", re.IGNORECASE)
_ISD = re.compile(rb"<isd[\s>]", re.IGNORECASE)
_CORNERS = ("UL", "UR", "LR", "LL")


@dataclass(frozen=True, slots=True)
class _Part:
    """One image of a product: its metadata member, what it says (with its .TIL, where it has one), and its rasters in order."""

    document: str
    said: Pairs
    rasters: tuple[str, ...]
    til: str = ""

    @property
    def is_pan(self) -> bool:
        return self.said.text("bandId").upper() == "P"

    @property
    def sharpened(self) -> bool:
        return self.said.text("panSharpenAlgorithm").lower() not in ("", "none")


def find_maxar(files: Files) -> list[Found]:
    """Return one product for each acquisition: an image with its metadata, or a multispectral and a panchromatic one that belong together."""
    groups: dict[tuple[str, ...], list[tuple[_Part, frozenset[str]]]] = {}
    names = _Names(files.names)
    for document in _documents(files):
        members = names.of(document)
        part = _Part(document, Pairs(), ())
        try:
            part = _read_part(replace(files, names=members), document)
        except CamwatchError:
            key: tuple[str, ...] = (document,)  # damaged: a product by itself, of which the reader will say what is wrong
        else:
            order, image = part.said.text("productOrderId"), part.said.text("catId", "productCatalogId")
            alone = not order or not image or part.sharpened
            key = (document,) if alone else (_delivery(document), order, image)
        groups.setdefault(key, []).append((part, frozenset(members)))
    products = []
    for group in groups.values():
        pans = [entry for entry in group if entry[0].is_pan]
        if len(group) == 2 and len(pans) == 1:
            first = next(entry for entry in group if entry is not pans[0])
            products.append(Found(first[0].document, first[1] | pans[0][1]))
        else:
            products += [Found(part.document, members) for part, members in group]
    return products


def read_maxar(files: Files, name: str, _given: Given = None) -> pystac.Item:
    """Return the Item of one acquisition; `name` is the metadata member of its first part.

    Raises
    ------
    SceneError
        When metadata is damaged, states no time, or names no image that is here; when an image is not placed on the ground.
    """
    documents = [name, *(other for other in _documents(files) if other != name)]
    names = _Names(files.names)
    parts = [_read_part(replace(files, names=names.of(document)), document) for document in documents]
    said, where = parts[0].said, str(files.root / name)
    when, key, times = _times(said, where)
    strip = next((image for _, image in said.sections(r"IMAGE(_\d+)?")), said)
    azimuth, elevation = (_angle(strip, said, *keys) for keys in (("meanSunAz", "sunAz"), ("meanSunEl", "sunEl")))
    off_nadir = _angle(strip, said, "meanOffNadirViewAngle", "offNadirViewAngle")
    drafts = [draft for part in parts for draft in _drafts(files, part, elevation, when)]
    if not drafts:
        nitf = any(other.lower().endswith((".ntf", ".nitf")) for other in files.names)
        what = "metadata without pixels: " + ("NITF is no format that is read here" if nitf else "no image of this product is here")
        remedy = "order GeoTIFF or convert to it" if nitf else "keep image and metadata together"
        raise SceneError(what, where=where, expected="GeoTIFF or JPEG 2000 images that bear its name", remedy=remedy)
    calibrated = all(draft.scaling is not None for draft in drafts)
    layers = [draft.layer(calibrated=calibrated) for draft in drafts]
    texts = [text for part in parts for text in (part.document, part.til) if text]
    texts += sorted({draft.whole.source for draft in drafts if draft.whole is not None and draft.whole.source})
    layers += [Layer(f"metadata-{n}", files.href(text), metadata=True) for n, text in enumerate(texts, 1)]
    satellite = said.text("satId").upper()
    fits = [draft.whole for draft in drafts if draft.whole is not None]
    pointing = POINTING_M.get(satellite, OTHER_POINTING_M)
    errors = [math.hypot(fit.error_m, fit.stated_m or pointing) for fit in fits if fit.error_m is not None]
    image = said.text("catId", "productCatalogId")
    more: dict[str, Any] = dict(fits[0].more) if fits else {}
    more |= {"maxar:catalog_id": image} if image else {}
    if max(times) > min(times):
        more |= {"start_datetime": f"{min(times):%Y-%m-%dT%H:%M:%S.%fZ}", "end_datetime": f"{max(times):%Y-%m-%dT%H:%M:%S.%fZ}"}
    return build_item(
        Facts(
            id=without_suffix(base_of(name)),
            family="maxar",
            acquired=when,
            date_source=f"metadata {key}",
            calibration="toa reflectance" if calibrated else "dn",
            simulated=False,
            sun=sun_of(azimuth, elevation),
            off_nadir=None if off_nadir is None else abs(off_nadir),
            gsd=within(said.number("meanCollectedGSD", "collectedGSD", "meanProductGSD", "productGSD"), 0.01, LARGEST_GSD_M),
            platform=SATELLITES.get(satellite, satellite.lower()),
            position_error_m=max(errors, default=None),
            more=more,
        ),
        layers,
    )


def _documents(files: Files) -> list[str]:
    """Return the metadata members: every .IMD, and each .XML of Maxar's schema beside which lies no .IMD of the same name but an image."""
    stems = {_stem(name) for name in files.names if name.lower().endswith(".imd")}
    images = {_stem(_TILE.sub("", name)) for name in files.names if name.lower().endswith(_SUFFIXES)}
    plain = [name for name in files.names if name.lower().endswith(".imd")]
    others = [name for name in files.names if name.lower().endswith(".xml") and _stem(name) in images - stems and _is_isd(files, name)]
    return sorted([*plain, *others])


def _stem(name: str) -> str:
    """Return a member's path without its suffix, in lower case."""
    return without_suffix(name).lower()


def _is_isd(files: Files, name: str) -> bool:
    try:
        return bool(_ISD.search(files.read(name)))
    except CamwatchError:
        return False


class _Names:
    """The members of a folder or archive, so that those of one image are found among many thousands."""

    def __init__(self, names: Sequence[str]) -> None:
        self._images: dict[str, list[str]] = {}
        for name in names:
            if name.lower().endswith(_SUFFIXES):
                self._images.setdefault(_stem(_TILE.sub("", name)), []).append(name)
        self._others = sorted((name.lower(), name) for name in names if not name.lower().endswith(_SUFFIXES))

    def of(self, document: str) -> tuple[str, ...]:
        """Return the files that bear the name of a metadata member: images also with tile numbers in it, others with a dot or hyphen behind it."""
        stem = _stem(document)
        found = list(self._images.get(stem, []))
        for low, name in self._others[bisect_left(self._others, (stem, "")) :]:
            if not low.startswith(stem):
                break
            if low[len(stem) : len(stem) + 1] in (".", "-"):
                found.append(name)
        return tuple(sorted(found))


def _read_part(files: Files, document: str) -> _Part:
    """Read the metadata of one image, with its .TIL; `files` holds the members of that image."""
    said = parse_pairs(files.read(document), files.root / document)
    til = next((name for name in files.names if name.lower().endswith(".til")), "")
    if til:
        said = Pairs(said.entries + parse_pairs(files.read(til), files.root / til).entries)
    return _Part(document, said, tuple(name for name in files.names if name.lower().endswith(_SUFFIXES)), til)


def _delivery(document: str) -> str:
    """Return the folder of an image without the last step, which tells multispectral from panchromatic, where it does."""
    folder = folder_of(document)
    return re.sub(r"[^/]*_(MUL|PAN)/$", "", folder, flags=re.IGNORECASE)


def _times(said: Pairs, where: str) -> tuple[datetime, str, tuple[datetime, ...]]:
    """Return when the first strip was taken, the key that says so, and the times of all strips."""
    strips = [image for _, image in said.sections(r"IMAGE(_\d+)?")]
    for key in ("firstLineTime", "TLCTime", "earliestAcqTime", "acquisitionTime"):
        stated = [parse_time(text) for text in [strip.text(key) for strip in strips] or [said.text(key)]]
        times = tuple(time for time in stated if time is not None) or tuple(filter(None, [parse_time(said.text(key))]))
        if times:
            return times[0], key, times
    raise SceneError("metadata states no time of acquisition", where=where, expected="firstLineTime or earliestAcqTime")


def _angle(strip: Pairs, said: Pairs, *keys: str) -> float | None:
    """Return an angle in degrees; None where it is absent or what the vendor writes for unknown (-999)."""
    value = strip.number(*keys)
    return within(said.number(*keys) if value is None else value, -360, 360)


@dataclass(frozen=True, slots=True)
class _Draft:
    """One raster before it is known whether all of the product can be calibrated."""

    key: str
    href: str
    header: Header
    names: tuple[str, ...]
    scaling: tuple[tuple[float, float], ...] | None
    placed: GeoBox | None
    whole: Located | None

    def layer(self, *, calibrated: bool) -> Layer:
        fill = 0.0 if self.header.dtype == "uint16" else None
        pairs = self.scaling if calibrated and self.scaling else ((1.0, 0.0),) * len(self.names)
        channels = tuple(
            Channel(name, *pairs[n], fill if self.header.nodata[n] is None else self.header.nodata[n], number=n + 1)
            for n, name in enumerate(self.names)
        )
        return Layer(self.key, self.href, channels, header=self.header, placed=self.placed)


def _drafts(files: Files, part: _Part, elevation: float | None, when: datetime) -> list[_Draft]:
    drafts = []
    whole: Located | None = None
    for raster in part.rasters:
        href = files.href(raster)
        header = read_header(href)
        codes = _codes(part.said, header.count)
        names = tuple(BANDS.get(code, f"b{n}") for n, code in enumerate(codes, 1)) or name_vendor_bands(header)
        placed = None
        if not header.georeferenced:
            whole = whole or _located(files, part, header, href)
            placed = None if whole is None else _tile_box(whole.geobox, part.said, header, raster)
        tile = _TILE.search(base_of(raster))
        key = ("pan" if names == ("pan",) else "ms") + (f"-{tile[0][1:].upper()}" if tile else "")
        scaling = reflectance_scaling(part.said, codes, elevation, when)
        drafts.append(_Draft(key, href, header, names, scaling, placed, None if placed is None else whole))
    return drafts


def _codes(said: Pairs, count: int) -> tuple[str, ...]:
    """Return the codes of a raster's bands in order, empty where the metadata does not tell as many as the raster has."""
    bands = said.text("bandId").upper()
    groups = tuple(name[5:].upper() for name, _ in said.sections("BAND_.+"))
    for codes in (_SPELT.get(bands, ()), groups, _MULTI.get(count, ()) if bands == "MULTI" else ()):
        if len(codes) == count:
            return codes
    return ()


def _located(files: Files, part: _Part, header: Header, href: str) -> Located | None:
    """Return where rational polynomials, else the corner coordinates of the band groups, put the whole image; None where neither is stated."""
    rows, cols = part.said.number("numRows"), part.said.number("numColumns")
    alone = len(part.rasters) == 1
    shape = header.shape if alone or not rows or not cols else (int(rows), int(cols))
    pixels, lonlat, heights = _corners(part.said, shape)
    # Those in the tags of a tile are the tile's own.
    whole = replace(header, shape=shape, rpc=header.rpc if alone else {})
    fit = locate(files, part.document, whole, rpc_of(_group(part.said, "RPB")), known=(pixels, lonlat, heights))
    if fit is not None or not len(pixels):
        return fit
    return fitted(shape, pixels, lonlat, "corners in the metadata; relief not removed", href)


def _corners(said: Pairs, shape: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
    """Return column and row, longitude and latitude of the corners that a band group states, and their heights where it states all of them."""
    band = next((group for _, group in said.sections("BAND_.+") if group.number("ULLon") is not None), Pairs())
    pixels = [(0, 0), (shape[1], 0), (shape[1], shape[0]), (0, shape[0])]
    table = [(*pixel, *(band.number(f"{corner}{key}") for key in ("Lon", "Lat", "HAE"))) for corner, pixel in zip(_CORNERS, pixels, strict=True)]
    known = np.array([row for row in table if row[2] is not None and row[3] is not None], float).reshape(-1, 5)
    heights = known[:, 4]
    return known[:, :2], known[:, 2:4], heights if np.isfinite(heights).all() else None


def _group(said: Pairs, name: str) -> Pairs:
    return next((group for _, group in said.sections(name)), Pairs())


def _tile_box(whole: GeoBox, said: Pairs, header: Header, raster: str) -> GeoBox | None:
    """Return the part of the whole image that a tile is, by the offsets of the .TIL; None where those are not stated."""
    if whole.shape == header.shape:
        return whole
    tiles = {tile.text("filename").lower(): tile for _, tile in said.sections(r"TILE(_\d+)?")}
    tile = tiles.get(base_of(raster).lower())
    col, row = (None, None) if tile is None else (tile.number("ULColOffset"), tile.number("ULRowOffset"))
    return None if col is None or row is None else tile_of(whole, (int(row), int(col)), header.shape, header.shape, raster)


MAXAR = Family("maxar", find_maxar, read_maxar, alone=True)
