"""The rasters of a Maxar image: their bands, how they are calibrated, and where they lie."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from camwatch.scenes.access.files import base_of
from camwatch.scenes.access.gdal import read_header
from camwatch.scenes.access.pairs import Pairs
from camwatch.scenes.bands import name_vendor_bands
from camwatch.scenes.facts import Channel, Layer
from camwatch.scenes.families.maxar_calibration import reflectance_scaling
from camwatch.scenes.families.maxar_parts import TILE
from camwatch.scenes.placement import fitted
from camwatch.scenes.placement import part as tile_of
from camwatch.scenes.rpc import locate, rpc_of

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from camwatch.scenes.access.files import Files
    from camwatch.scenes.access.gdal import Header
    from camwatch.scenes.families.maxar_parts import Part
    from camwatch.scenes.placement import Located

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

_SPELT = {"P": ("P",), "RGB": tuple("RGB"), "NRG": tuple("NRG"), "BGRN": tuple("BGRN")}
_MULTI = {4: tuple("BGRN"), 8: ("C", "B", "G", "Y", "R", "RE", "N", "N2")}
_CORNERS = ("UL", "UR", "LR", "LL")


@dataclass(frozen=True, slots=True)
class Draft:
    """One raster before it is known whether all of the product can be calibrated."""

    key: str
    href: str
    header: Header
    names: tuple[str, ...]
    scaling: tuple[tuple[float, float], ...] | None
    placed: GeoBox | None
    whole: Located | None

    def layer(self, *, calibrated: bool) -> Layer:
        """Return the raster as a layer of the product, in reflectance where all of that can be calibrated."""
        fill = 0.0 if self.header.dtype == "uint16" else None
        pairs = self.scaling if calibrated and self.scaling else ((1.0, 0.0),) * len(self.names)
        channels = tuple(
            Channel(name, *pairs[n], fill if self.header.nodata[n] is None else self.header.nodata[n], number=n + 1)
            for n, name in enumerate(self.names)
        )
        return Layer(self.key, self.href, channels, header=self.header, placed=self.placed)


def drafts_of(files: Files, part: Part, elevation: float | None, when: datetime) -> list[Draft]:
    """Return the rasters of an image in their order, placed where they have no map projection of their own."""
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
        tile = TILE.search(base_of(raster))
        key = ("pan" if names == ("pan",) else "ms") + (f"-{tile[0][1:].upper()}" if tile else "")
        scaling = reflectance_scaling(part.said, codes, elevation, when)
        drafts.append(Draft(key, href, header, names, scaling, placed, None if placed is None else whole))
    return drafts


def _codes(said: Pairs, count: int) -> tuple[str, ...]:
    """Return the codes of a raster's bands in order, empty where the metadata does not tell as many as the raster has."""
    bands = said.text("bandId").upper()
    groups = tuple(name[5:].upper() for name, _ in said.sections("BAND_.+"))
    for codes in (_SPELT.get(bands, ()), groups, _MULTI.get(count, ()) if bands == "MULTI" else ()):
        if len(codes) == count:
            return codes
    return ()


def _located(files: Files, part: Part, header: Header, href: str) -> Located | None:
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
