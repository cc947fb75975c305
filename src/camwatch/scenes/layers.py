"""Bands and quality layers where they lie: which files, on which grid, and what their numbers mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

    from camwatch.scenes.flags import Flag

ORDER = (
    "pan",
    "coastal",
    "blue",
    "green05",
    "green",
    "yellow",
    "red",
    "rededge071",
    "rededge075",
    "rededge078",
    "rededge",
    "nir08",
    "nir",
    "nir09",
    "cirrus",
    "swir16",
    "swir22",
)
"""Common band names (STAC `eo` extension) in the order in which bands are always listed."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a band or quality layer: a tile of its mosaic, or all of it.

    Attributes
    ----------
    href : str
        Path for GDAL.
    index : int
        Number of the band in that file, from 1.
    row, col : int
        Place of the file's first pixel in the mosaic.
    shape : (int, int)
        Rows, columns of the file.
    companions : bool
        Files beside it (a header, a world file, a mask) belong to it.
    """

    href: str
    index: int
    row: int
    col: int
    shape: tuple[int, int]
    companions: bool


@dataclass(frozen=True, slots=True)
class Band:
    """One band where it lies.

    Attributes
    ----------
    name : str
        Common name, or `b1`, `b2`, … where the product names none.
    parts : tuple of Part
        One file, or the tiles of a mosaic; where tiles overlap, the first with data counts.
    geobox : GeoBox
        The whole raster's grid, that of the mosaic where there are several parts; ground that no part covers is without data.
    scale, offset : float
        value = scale · DN + offset.
    nodata : float or None
        Declared, or the fill value that the product family defines.
    saturated : float or None
        The DN that means saturated, where the family defines one.
    number : int
        The sensor's band number, for quality bits; 0 where there is none.
    """

    name: str
    parts: tuple[Part, ...]
    geobox: GeoBox
    scale: float = 1.0
    offset: float = 0.0
    nodata: float | None = None
    saturated: float | None = None
    number: int = 0

    @property
    def href(self) -> str:
        """Path of the file, the first one of a mosaic."""
        return self.parts[0].href

    @property
    def index(self) -> int:
        """Number of the band in that file, from 1."""
        return self.parts[0].index

    @property
    def pixel_area(self) -> float:
        """Area of a pixel, in units of the grid's CRS squared."""
        return float(abs(self.geobox.affine.determinant))


@dataclass(frozen=True, slots=True)
class Mask:
    """One quality layer.

    Attributes
    ----------
    kind : str
        Its name (`QA_PIXEL`, …; `internal`: the file's own mask).
    parts : tuple of Part
    geobox : GeoBox
    flags : tuple of Flag
        Its fields that tell unusable pixels. Where polygons are the layer, a pixel inside has the value 1, outside 0.
    polygon : tuple of (float, float)
        An outline as (column, row) from the outer corner of the first pixel of `geobox`, where that is the layer; empty otherwise.
    """

    kind: str
    parts: tuple[Part, ...]
    geobox: GeoBox
    flags: tuple[Flag, ...]
    polygon: tuple[tuple[float, float], ...] = ()

    @property
    def href(self) -> str:
        """Path of the file, the first one of a mosaic."""
        return self.parts[0].href

    @property
    def is_vector(self) -> bool:
        """Whether polygons are the layer: outlines in a GML file, or one in the Item."""
        return bool(self.polygon) or is_polygons(self.href)


def is_polygons(href: str) -> bool:
    """Whether a quality layer is a file of polygons."""
    return href.lower().endswith(".gml")
