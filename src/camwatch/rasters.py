"""The one bridge between geometry and pixels, and the one writer of rasters."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.features import rasterize, shapes
from rasterio.windows import Window
from shapely.geometry import shape
from shapely.ops import unary_union

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry


SIMULATED_TAG = {"TIFFTAG_IMAGEDESCRIPTION": "SIMULATED by camwatch: made from rendered scenes, not from observations"}
"""What a raster made from rendered scenes says of itself."""


def mask_of(geometry: BaseGeometry, geobox: GeoBox, *, touched: bool = False) -> NDArray[np.bool_]:
    """Return the pixels of `geobox` whose centre lies inside `geometry`.

    Parameters
    ----------
    geometry : shapely geometry in the CRS of `geobox`
    geobox : GeoBox of shape (y, x)
    touched : bool
        Take every pixel that the geometry touches, not only those whose centre it covers.

    Returns
    -------
    (y, x) bool array
    """
    if geometry.is_empty:
        return np.zeros(geobox.shape, bool)
    burnt = rasterize([(geometry, 1)], out_shape=tuple(geobox.shape), transform=geobox.affine, all_touched=touched, dtype="uint8")
    return np.asarray(burnt, bool)


def polygons_of(labels: NDArray[np.int32], geobox: GeoBox) -> dict[int, BaseGeometry]:
    """Return the outline of each positive label in a (y, x) int32 array, in the CRS of `geobox`, by label in rising order."""
    parts: dict[int, list[BaseGeometry]] = {}
    for geometry, value in shapes(labels, mask=labels > 0, connectivity=8, transform=geobox.affine):
        parts.setdefault(int(value), []).append(shape(geometry))
    return {value: unary_union(parts[value]).buffer(0) for value in sorted(parts)}


def write_raster(
    path: Path,
    values: NDArray[Any],
    geobox: GeoBox,
    *,
    nodata: float | None = None,
    bands: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
    driver: str = "GTiff",
) -> Path:
    """Write (band, y, x) or (y, x) `values` on `geobox` as one raster, whole or not at all.

    The file appears under its name only once it is complete. `bands` are written as descriptions, `tags` as dataset tags.
    """
    stack = values[None] if values.ndim == 2 else values
    with new_raster(path, geobox, len(stack), stack.dtype.name, nodata=nodata, bands=bands, tags=tags, driver=driver) as put:
        put(stack)
    return path


@contextmanager
def new_raster(
    path: Path,
    geobox: GeoBox,
    count: int,
    dtype: str,
    *,
    nodata: float | None = None,
    bands: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
    driver: str = "GTiff",
) -> Iterator[Callable[[NDArray[Any]], None]]:
    """Give a function that writes the next rows, (band, y, x), of a raster of `count` bands on `geobox`: :func:`write_raster` for what is too large.

    The file appears under its name when the block ends without an error. Strips of a multiple of 256 rows are compressed once.
    """
    part = path.with_name(f".{path.name}.part")
    options: dict[str, Any] = (
        {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate", "bigtiff": "if_safer"} if driver == "GTiff" else {}
    )
    if driver == "GTiff" and np.issubdtype(np.dtype(dtype), np.integer):
        options["predictor"] = 2
    if driver == "GTiff" and np.issubdtype(np.dtype(dtype), np.floating):
        # Interpolated numbers: the predictor makes them smaller than a higher level does, in a third of the time or less.
        options |= {"predictor": 3, "zlevel": 1, "num_threads": 2}
    if driver == "JP2OpenJPEG":
        # By name, since GDAL takes the extension of the unfinished file for a bare codestream, which holds no georeference.
        options = {"CODEC": "JP2", "QUALITY": "100", "REVERSIBLE": "YES"}
    height, width = geobox.shape
    profile = {"driver": driver, "count": count, "height": height, "width": width, "dtype": dtype, "crs": str(geobox.crs)}
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(part, "w", **profile, transform=geobox.affine, nodata=nodata, **options) as dataset:
        top = 0

        def put(strip: NDArray[Any]) -> None:
            nonlocal top
            dataset.write(strip, window=Window(0, top, width, strip.shape[1]))
            top += strip.shape[1]

        yield put
        for number, name in enumerate(bands, 1):
            dataset.set_band_description(number, name)
        if tags:
            dataset.update_tags(**tags)
    part.replace(path)


def read_raster(path: Path) -> tuple[NDArray[np.float32], GeoBox]:
    """Read the first band of a raster that :func:`write_raster` wrote, as (y, x) float32 with its grid."""
    with rasterio.open(path) as dataset:
        return dataset.read(1).astype(np.float32), GeoBox((dataset.height, dataset.width), dataset.transform, str(dataset.crs))
