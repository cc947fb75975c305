"""The window of a remote raster that shows an area, and its cloud optimised copy: the same pixels on the same grid."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio.shutil
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj.exceptions import ProjError
from rasterio.enums import MaskFlags
from rasterio.errors import CRSError, RasterioError
from rasterio.io import MemoryFile
from rasterio.windows import Window
from shapely import get_coordinates
from shapely.geometry import box

from camwatch.aoi import LONLAT, reproject
from camwatch.errors import SceneError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

METRES_PER_DEGREE = 111_195.0
"""Of latitude, on a sphere of the Earth's mean radius; good to 0.6 %, which a margin does not notice."""
BLOCK_LIMIT = 64 * 2**20
"""Bytes that one block of a raster may unpack to; those of the archives have 0.5 to 2 MiB."""


def widened(bounds: Sequence[float], margin_m: float) -> tuple[float, float, float, float]:
    """Return (west, south, east, north) in degrees, each side moved out by a margin in metres."""
    west, south, east, north = bounds
    up = margin_m / METRES_PER_DEGREE
    out = up / max(math.cos(math.radians(max(abs(south), abs(north)))), 0.01)
    return west - out, south - up, east + out, north + up


def window_of(dataset: Any, bounds: Sequence[float], limit: int, where: str) -> Window:
    """Return the pixels of an open raster that show a box.

    Parameters
    ----------
    dataset : rasterio dataset
    bounds : (west, south, east, north)
        EPSG:4326.
    limit : int
        Bytes that the window may unpack to.
    where : str
        For messages.

    Raises
    ------
    SceneError
        When the raster is not georeferenced, does not show the box, or its header claims more than `limit`.
    """
    if dataset.crs is None or dataset.transform.is_identity or dataset.transform.determinant == 0:
        raise SceneError("raster has no georeference", where=where, expected="a CRS and a geotransform in the file")
    west, south, east, north = bounds
    # A straight side of the box is curved in a map projection: points along it follow the curve.
    outline = box(west, south, east, north).segmentize(max(east - west, north - south) / 32)
    try:
        mapped = get_coordinates(reproject(outline, LONLAT, dataset.crs.to_wkt()))
    except (ProjError, CRSError) as error:
        raise SceneError("raster's CRS cannot be used", where=where, got=" ".join(str(error).split())[:120]) from error
    if not np.isfinite(mapped).all():
        raise SceneError("area lies outside what the raster's CRS can express", where=where)
    inverse = ~dataset.transform
    cols, rows = inverse.a * mapped[:, 0] + inverse.b * mapped[:, 1] + inverse.c, inverse.d * mapped[:, 0] + inverse.e * mapped[:, 1] + inverse.f
    left, right = max(0, math.floor(cols.min())), min(dataset.width, math.ceil(cols.max()))
    top, bottom = max(0, math.floor(rows.min())), min(dataset.height, math.ceil(rows.max()))
    if left >= right or top >= bottom:
        raise SceneError("raster does not show the area", where=where, got=f"{dataset.width} × {dataset.height} pixels elsewhere")
    depth = sum(np.dtype(kind).itemsize for kind in dataset.dtypes)
    if (size := (right - left) * (bottom - top) * depth) > limit:
        raise SceneError(
            "window is too large", where=where, got=f"{size} bytes", expected=f"at most {limit}", remedy="raise --max-mb if it should be"
        )
    if max(rows * cols for rows, cols in dataset.block_shapes) * depth > BLOCK_LIMIT:
        wanted = f"blocks of at most {BLOCK_LIMIT} bytes"
        raise SceneError("raster's blocks are too large", where=where, got=f"{dataset.block_shapes[0]} pixels", expected=wanted)
    return Window(left, top, right - left, bottom - top)


def geobox_of(dataset: Any, window: Window) -> GeoBox:
    """Return the grid of a window."""
    shape = int(window.height), int(window.width)
    crs = dataset.crs.to_epsg()
    return GeoBox(shape, dataset.transform * Affine.translation(window.col_off, window.row_off), f"EPSG:{crs}" if crs else dataset.crs.to_wkt())


def write_cog(path: Path, dataset: Any, values: NDArray[Any], window: Window, scaling: Sequence[Mapping[str, Any]]) -> None:
    """Write the (band, y, x) pixels of a window as a cloud optimised GeoTIFF, lossless; whole or not at all.

    Grid, no-data value, colours, descriptions and the file's own mask are those of `dataset`; `scaling` gives each band `scale` and `offset`.
    """
    geobox = geobox_of(dataset, window)
    profile = {
        "driver": "GTiff",
        "count": values.shape[0],
        "height": values.shape[1],
        "width": values.shape[2],
        "dtype": values.dtype.name,
        "crs": dataset.crs,
        "transform": geobox.affine,
        "nodata": dataset.nodata,
    }
    part = path.with_name(f".{path.name}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    # The mask inside the file: beside it, nobody would hash it.
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), MemoryFile() as memory:
        with memory.open(**profile) as copy:
            copy.write(values)
            copy.descriptions = dataset.descriptions
            copy.colorinterp = dataset.colorinterp
            if scaling:
                copy.scales = [float(band.get("scale", 1)) for band in scaling]
                copy.offsets = [float(band.get("offset", 0)) for band in scaling]
            flags = dataset.mask_flag_enums[0]
            if MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags:
                copy.write_mask(dataset.read_masks(1, window=window))
        predictor = "YES" if values.dtype.kind in "iuf" else "NO"
        with memory.open() as source:
            options = {"COMPRESS": "DEFLATE", "PREDICTOR": predictor, "BLOCKSIZE": 256, "OVERVIEW_RESAMPLING": "NEAREST", "NUM_THREADS": 1}
            try:
                rasterio.shutil.copy(source, part, driver="COG", **options)
            except RasterioError as error:
                got = " ".join(str(error).split())[:120]
                raise SceneError("window cannot be written", where=path, got=got, remedy="look whether the disk is full") from error
    part.replace(path)
