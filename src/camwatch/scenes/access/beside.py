"""A georeference that lies beside a raster: in a world file with its `.prj`, or in the `.aux.xml` that GDAL and desktop programmes write.

GDAL would read these too, but it would also open whatever else it finds beside the raster (overviews, masks), with any of its drivers, and follow
what they name. So it is shown none of them, and the two that matter are read here.

World file: six lines, the affine of the pixel centres (Esri ArcGIS help, "World files for raster datasets"). `.prj`: its CRS
as WKT, which viewers write with an exported picture. `.aux.xml`: `SRS` and `GeoTransform` of
GDAL's `PAMDataset`, https://gdal.org/en/stable/drivers/raster/vrt.html.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from affine import Affine

from camwatch.errors import SceneError
from camwatch.scenes.access.archives import told
from camwatch.scenes.access.files import Files, base_of, on_disk, open_files
from camwatch.scenes.access.xml import parse_xml, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence


_GRIDS = re.compile(r"parameterfile|\+init=|grids(?!\s*=\s*@null|\"\s*,\s*\"@null)", re.IGNORECASE)
"""A CRS with one of these makes PROJ open the file that it names, as soon as the text is parsed."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What the files beside a raster say of its place.

    Attributes
    ----------
    wkt : str
        CRS, empty where none is stated.
    transform : Affine or None
        (col, row), counted from the outer corner of the first pixel, to CRS coordinates.
    hrefs : tuple of str
        The files that say it.
    """

    wkt: str
    transform: Affine | None
    hrefs: tuple[str, ...]


def read_beside(href: str) -> Beside:
    """Return the georeference beside a raster; that of the `.aux.xml` goes before the world file.

    Raises
    ------
    SceneError
        When one of the two is there and damaged.
    """
    files, name = _neighbours(href)
    wkt, transform, hrefs = "", None, []
    aux = files.base(f"{base_of(name)}.aux.xml")
    if aux is not None:
        root = parse_xml(files, aux)
        wkt = text_of(root, "SRS")
        refuse_grids(wkt, href)
        numbers = text_of(root, "GeoTransform")
        transform = Affine.from_gdal(*_six(numbers.split(","), files, aux)) if numbers else None
        hrefs = [files.href(aux)] if wkt or numbers else []
    for world in _world_files(name):
        there = files.base(world) if transform is None else None
        if there is not None:
            a, d, b, e, c, f = _six(files.read(there).decode("ascii", "replace").split(), files, there)
            transform = Affine(a, b, c, d, e, f) * Affine.translation(-0.5, -0.5)
            hrefs.append(files.href(there))
    projection = None if wkt or transform is None else files.base(f"{base_of(name).rpartition('.')[0]}.prj")
    if projection is not None:
        wkt = files.read(projection).decode("utf-8", "replace").strip("\ufeff\0 \r\n")
        refuse_grids(wkt, href)
        hrefs.append(files.href(projection))
    return Beside(wkt, transform, tuple(hrefs))


def refuse_grids(crs: str, href: str) -> None:
    """Raise SceneError when the text of a CRS names a datum grid in a file."""
    found = _GRIDS.search(crs)
    if found:
        raise SceneError("CRS of the raster names a file", where=href, got=crs[found.start() :][:80], remedy="assign it a plain CRS")


def envi_header(href: str) -> str | None:
    """Return the ENVI header of a raster: `x.hdr` or `x.img.hdr` beside `x.img`; None where there is none.

    Raises
    ------
    SceneError
        When GDAL would read more than the two files, or unpack the raster.
    """
    files, name = _neighbours(href)
    stem = base_of(name).rpartition(".")[0] or base_of(name)
    header = files.base(f"{base_of(name)}.hdr") or files.base(f"{stem}.hdr")
    if header is None:
        return None
    if files.base(f"{base_of(name)}.msk") is not None:
        raise SceneError("ENVI raster has a mask beside it, which camwatch does not read", where=href, remedy="move the .msk file away")
    for companion in (header, files.base(f"{stem}.sta")):
        if companion is not None:
            files.href(companion)
    text = files.read(header).decode("utf-8", "replace")
    refuse_grids(text, href)
    if re.search(r"^\s*file\s+compression\s*=\s*[^0\s]", text, re.IGNORECASE | re.MULTILINE):
        raise SceneError("ENVI raster is compressed", where=href, remedy="unpack it")
    return files.href(header)


def _neighbours(href: str) -> tuple[Files, str]:
    """Return what lies in the folder of a raster, and the raster's name among it."""
    path = on_disk(href)
    if path is None:
        raise SceneError("raster does not lie on this machine", where=href)
    if href == str(path):
        with told("folder cannot be listed", path.parent):
            return Files(path.parent, "folder", tuple(entry.name for entry in path.parent.iterdir() if entry.is_file())), path.name
    name = href[href.index("}/") + 2 :]
    files = open_files(path)
    folder = name.rpartition("/")[0]
    return Files(files.root, files.kind, tuple(other for other in files.names if other.rpartition("/")[0] == folder)), name


def _world_files(name: str) -> tuple[str, ...]:
    """Return what the world file of `x.tif` may be called: `x.tfw`, `x.tifw`, `x.wld`."""
    stem, _, suffix = base_of(name).rpartition(".")
    return (f"{stem}.{suffix[:1]}{suffix[-1:]}w", f"{stem}.{suffix}w", f"{stem}.wld")


def _six(words: Sequence[str], files: Files, name: str) -> list[float]:
    try:
        numbers = [float(word) for word in words[:6]]
    except ValueError:
        numbers = []
    if len(numbers) < 6 or not all(map(math.isfinite, numbers)):
        raise SceneError("georeference beside the raster is damaged", where=files.root / name, got=" ".join(words[:6])[:80], expected="six numbers")
    return numbers
