"""Control points beside a raster: a QGIS `.points` file or a CSV, and those inside a TIFF.

- QGIS georeferencer: `NAME.points` or `NAME.tif.points`; an optional first line `#CRS: …` (WKT or an authority's code, else longitude and
  latitude), then `mapX,mapY,sourceX,sourceY,enable,dX,dY,residual` (`pixelX,pixelY` in older versions). `sourceY` is negative downward. Points
  whose `enable` is 0 are left out. Format: QGIS, src/app/georeferencer/qgsgcplist.cpp.
- CSV: `NAME.csv` or `NAME.tif.csv` with a header naming col (or column, pixel, sample), row (or line), lon (or long, lng, longitude) and lat (or
  latitude) in any order and spelling, separated by commas, semicolons or tabs; further columns are ignored, `enable` counts as above.

Pixels are counted from the outer corner of the first pixel: its centre is (0.5, 0.5).
"""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from camwatch.errors import SceneError
from camwatch.scenes.access.files import without_suffix
from camwatch.scenes.access.gdal import open_raster

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from camwatch.scenes.access.files import Files

COLUMNS = {
    "col": ("col", "column", "pixel", "sample", "sourcex", "pixelx", "imagex"),
    "row": ("row", "line", "sourcey", "pixely", "imagey"),
    "lon": ("lon", "long", "lng", "longitude", "mapx"),
    "lat": ("lat", "latitude", "mapy"),
}
"""What a column may be called, letters only and without case."""

_UPWARD = ("sourcey", "pixely")
_CODE = re.compile(r"(EPSG|ESRI|OGC|IGNF):\w+|(PROJ|GEOG|GEOD|BOUND|COMPD_)\w*\[", re.IGNORECASE)
_MOST = 100_000


@dataclass(frozen=True, slots=True)
class ControlPoints:
    """Points of a raster and where they lie on the ground.

    Attributes
    ----------
    pixels : (n, 2) float
        (col, row) from the outer corner of the first pixel.
    lonlat : (n, 2) float
        Degrees, WGS 84.
    names : tuple of str
        What to call each in a message.
    """

    pixels: NDArray[np.float64]
    lonlat: NDArray[np.float64]
    names: tuple[str, ...]


def beside(files: Files, name: str, there: AbstractSet[str]) -> str | None:
    """Return the member that holds the control points of a raster; a CSV only where its header says so, None where there is none.

    `there` are the names in `files`, as a set: a folder may hold thousands of rasters.
    """
    stem = without_suffix(name)
    for points in (f"{stem}.points", f"{name}.points"):
        if points in there:
            return points
    return next((table for table in (f"{stem}.csv", f"{name}.csv") if table in there and _is_control(files, table)), None)


def read_points(files: Files, name: str) -> ControlPoints:
    """Read the control points in a member; SceneError where a line is no point, a column is missing, or the CRS is unknown."""
    where = files.root / name
    lines = _text(files, name).splitlines()[:_MOST]
    crs = next((line.split(":", 1)[1].strip() for line in lines if line.replace(" ", "").upper().startswith("#CRS:")), "")
    numbered = [(n, line) for n, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith("#")]
    if not numbered:
        raise SceneError("file of control points is empty", where=where, expected="a header and a line for each point")
    separator, header = _header(numbered[0][1])
    places = {wanted: next((header.index(word) for word in words if word in header), None) for wanted, words in COLUMNS.items()}
    missing = [wanted for wanted, place in places.items() if place is None]
    if missing:
        got = numbered[0][1][:80]
        raise SceneError(f"control points without {', '.join(missing)}", where=where, got=got, expected="col, row, lon, lat, or a QGIS header")
    enable = header.index("enable") if "enable" in header else None
    rows, names = [], []
    for n, line in numbered[1:]:
        cells = next(csv.reader([line], delimiter=separator))
        try:
            point = [float(cells[place]) for place in places.values() if place is not None]
            used = enable is None or float(cells[enable]) != 0
        except (ValueError, IndexError):
            point, used = [math.nan], True
        if not all(map(math.isfinite, point)):
            raise SceneError(f"line {n} is no control point", where=where, got=repr(line[:80]), expected=numbered[0][1][:80])
        if used:
            rows.append(point)
            names.append(f"line {n}")
    table = np.array(rows, float).reshape(-1, 4)
    row = places["row"]
    if row is not None and header[row] in _UPWARD and np.median(table[:, 1], axis=None) < 0:
        table[:, 1] *= -1
    return ControlPoints(table[:, :2], _lonlat(table[:, 2:], crs, where), tuple(names))


def read_inner(href: str) -> ControlPoints:
    """Read the ground control points inside a raster, which are in its own CRS, or degrees where it names none."""
    with open_raster(href) as dataset:
        points, crs = dataset.gcps
        said = crs.to_wkt() if crs else ""
    pixels = np.array([(point.col, point.row) for point in points], float).reshape(-1, 2)
    ground = np.array([(point.x, point.y) for point in points], float).reshape(-1, 2)
    return ControlPoints(pixels, _lonlat(ground, said, href), tuple(f"point {n}" for n in range(1, len(points) + 1)))


def _text(files: Files, name: str) -> str:
    data = files.read(name)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _header(line: str) -> tuple[str, list[str]]:
    """Return the separator of a table and the names of its columns, letters only."""
    separator = max(",;\t", key=line.count)
    return separator, [re.sub(r"[^a-z]", "", cell.lower()) for cell in next(csv.reader([line], delimiter=separator))]


def _is_control(files: Files, name: str) -> bool:
    try:
        lines = [line for line in _text(files, name).splitlines() if line.strip() and not line.lstrip().startswith("#")]
        header = _header(lines[0])[1]
    except (SceneError, IndexError, csv.Error):
        return False
    return all(any(word in header for word in words) for words in COLUMNS.values())


def _lonlat(ground: NDArray[np.float64], crs: str, where: object) -> NDArray[np.float64]:
    """Return map coordinates as degrees; they are degrees already where no CRS is named."""
    if not crs or len(ground) == 0:
        return ground
    try:
        # A PROJ string may name files; a code or WKT cannot.
        known = CRS.from_user_input(crs) if _CODE.match(crs) else None
        if known is not None:
            lon, lat = Transformer.from_crs(known, "EPSG:4326", always_xy=True).transform(ground[:, 0], ground[:, 1])
            return np.column_stack([lon, lat])
    except (CRSError, ProjError):
        known = None
    raise SceneError("control points in an unknown CRS", where=where, got=repr(crs[:60]), expected="#CRS: with WKT or EPSG:n")
