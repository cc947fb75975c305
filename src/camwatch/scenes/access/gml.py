"""Polygons of vector quality masks, as Sentinel-2 delivers them up to processing baseline 03.01: `eop:Mask` documents of GML 3.2.

Sentinel-2 Products Specification Document, S2-PDGS-TAS-DI-PSD, pixel-level quality indicators.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from pyproj import CRS
from shapely import MultiPolygon, Polygon

from camwatch.errors import SceneError
from camwatch.scenes.access.files import Files, on_disk
from camwatch.scenes.access.xml import parse_xml, text_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element  # for the type checker only; nothing is parsed with it

    from numpy.typing import NDArray

_EPSG = re.compile(r"EPSG:(?:[\d.]*:)?(\d+)$")


RING_LIMIT = 8 * 2**20
"""Characters of one ring; an outline that runs around every pixel of a 60 m mask stays below."""


def read_polygons(href: str, crs: str | None = None) -> MultiPolygon:
    """Return all polygons of a GML mask, whatever type its features state.

    Parameters
    ----------
    href : str
        A path, or a GDAL path into a .zip or .tar.
    crs : str, optional
        In which the coordinates must be, `EPSG:n` or WKT of a CRS that has a code; a document that states another one is refused, one that states
        none (those without polygons do not) is believed.

    Returns
    -------
    shapely.MultiPolygon
        In the document's own CRS, (x, y); empty where the mask marks nothing. Its parts may overlap: burn them, do not measure them.

    Raises
    ------
    SceneError
        When the document is missing, damaged, unreasonably large, in another CRS, or a ring is no ring.
    """
    files, name = _member(href)
    root = parse_xml(files, name)
    stated = {found[1] for element in root.iter() if (found := _EPSG.search(element.get("srsName", "")))}
    code = None if crs is None else CRS.from_user_input(crs).to_epsg()
    if code is not None and stated and stated != {str(code)}:
        got, wanted = ", ".join(f"EPSG:{other}" for other in sorted(stated)), f"EPSG:{code}"
        raise SceneError("mask is in another CRS than its raster", where=href, got=got, expected=wanted, remedy="download the product again")
    found_all = []
    for element in root.iter("Polygon"):
        shell = [_ring(ring, href) for ring in element.findall("exterior/LinearRing")]
        holes = [_ring(ring, href) for ring in element.findall("interior/LinearRing")]
        if len(shell) != 1:
            raise SceneError("polygon without one outer ring", where=href, got=f"{len(shell)} rings", remedy="download the product again")
        if len(shell[0]) > 2:  # a point or a line covers nothing
            found_all.append(Polygon(shell[0], [hole for hole in holes if len(hole) > 2]))
    return MultiPolygon(found_all)


def _ring(ring: Element, href: str) -> NDArray[np.float64]:
    """Return the distinct corners of a ring, (n, 2); heights are dropped."""
    positions, text = ring.find("posList"), text_of(ring, "posList")
    if positions is None:
        raise SceneError("ring without gml:posList", where=href, remedy="download the product again")
    if len(text) > RING_LIMIT:
        raise SceneError("ring has too many corners", where=href, got=f"{len(text)} characters", expected=f"at most {RING_LIMIT}")
    try:
        dimension = int(positions.get("srsDimension", "2"))
        numbers = np.array(text.split(), float)
        corners = numbers.reshape(-1, dimension)[:, :2]
    except ValueError as error:
        raise SceneError(f"ring cannot be read ({error})", where=href, remedy="download the product again") from error
    if corners.shape[1:] != (2,) or not np.isfinite(corners).all():
        raise SceneError("ring holds a coordinate that is no number", where=href, remedy="download the product again")
    closed = len(corners) > 1 and bool((corners[0] == corners[-1]).all())
    result: NDArray[np.float64] = corners[:-1] if closed else corners
    return result


def _member(href: str) -> tuple[Files, str]:
    """Return the files among which an asset lies, and its name there."""
    path = on_disk(href)
    if path is None:
        raise SceneError("vector mask does not lie on this machine", where=href, remedy="download it with its product")
    if href == str(path):
        return Files(path.parent.resolve(), "folder", (path.name,)), path.name
    name = href[href.index("}/") + 2 :]
    return Files(path, "zip" if href.startswith("/vsizip/") else "tar", (name,)), name
