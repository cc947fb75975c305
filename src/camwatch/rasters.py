"""The one bridge between geometry and pixels, and the one writer of rasters."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

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


CACHE = {"GDAL_CACHEMAX": 64 * 2**20}
"""Bytes of decoded or unwritten blocks; by default a twentieth of the machine's memory."""

BLOCK = 256
"""Side of the blocks in which a GeoTIFF is written."""

SIMULATED_TAG = {"TIFFTAG_IMAGEDESCRIPTION": "SIMULATED by camwatch: made from rendered scenes, not from observations"}
"""What a raster made from rendered scenes says of itself."""


_ONE_AT_A_TIME = threading.Lock()
"""rasterio silences a warning of its own while it burns a geometry, by filters that all threads share."""


class Plane(Protocol):
    """One (y, x) float32 plane, in memory or on disk: whoever takes it apart by rows and columns needs no more memory than the part does."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""

    def __getitem__(self, part: tuple[slice, slice], /) -> NDArray[np.float32]:
        """Return a part of the plane."""

    def __array__(self) -> NDArray[np.float32]:
        """Return the whole plane."""


@dataclass(frozen=True, slots=True)
class StoredPlane:
    """The first band of a raster on disk, read where and when it is looked at.

    Attributes
    ----------
    path : Path
    shape : (int, int)
        Rows and columns.
    """

    path: Path
    shape: tuple[int, int]

    @property
    def dtype(self) -> np.dtype[np.float32]:
        """What is read, whatever the file's own type."""
        return np.dtype(np.float32)

    def __getitem__(self, part: tuple[slice, slice], /) -> NDArray[np.float32]:
        """Read some rows and columns, counted as those of an array; steps are taken after reading."""
        (top, bottom, down), (left, right, across) = (axis.indices(n) for axis, n in zip(part, self.shape, strict=True))
        if min(down, across) < 1:
            raise ValueError(f"part: got steps {down} and {across}; expected steps forward")
        height, width = max(bottom - top, 0), max(right - left, 0)
        if not height or not width:
            return np.zeros((-(-height // down), -(-width // across)), np.float32)
        with rasterio.Env(**CACHE), rasterio.open(self.path) as dataset:
            pixels: NDArray[np.float32] = dataset.read(1, window=Window(left, top, width, height), out_dtype=np.float32)
        return pixels[::down, ::across]

    def __array__(self, dtype: np.dtype[Any] | None = None, copy: bool | None = None) -> NDArray[np.float32]:  # noqa: FBT001 - numpy's protocol
        """Read it all."""
        if copy is False:
            raise ValueError(f"{self.path}: got a request for the array without a copy; expected one that reads it")
        whole = self[:, :]
        return whole if dtype is None else whole.astype(dtype)


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
    with _ONE_AT_A_TIME:
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

    The file appears under its name when the block ends without an error; an error leaves nothing behind. Strips may have any number of rows: they are
    gathered to whole blocks, so that each is compressed once, and in one order.
    """
    part = path.with_name(f".{path.name}.part")
    options: dict[str, Any] = (
        {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "deflate", "bigtiff": "if_safer"} if driver == "GTiff" else {}
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
    try:
        with rasterio.Env(**CACHE), rasterio.open(part, "w", **profile, transform=geobox.affine, nodata=nodata, **options) as dataset:
            top, waiting = 0, np.empty((count, 0, width), dtype)

            def put(strip: NDArray[Any]) -> None:
                nonlocal top, waiting
                rows = np.concatenate([waiting, strip], axis=1) if waiting.shape[1] else strip
                ready = rows.shape[1] if top + rows.shape[1] >= height else rows.shape[1] // BLOCK * BLOCK
                if ready:
                    dataset.write(rows[:, :ready], window=Window(0, top, width, ready))
                    top += ready
                waiting = rows[:, ready:].copy()

            yield put
            for number, name in enumerate(bands, 1):
                dataset.set_band_description(number, name)
            if tags:
                dataset.update_tags(**tags)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def stored(path: Path) -> tuple[StoredPlane, GeoBox]:
    """Return the first band of a raster that :func:`write_raster` wrote, with its grid; its pixels are read when they are looked at."""
    with rasterio.open(path) as dataset:
        shape = (dataset.height, dataset.width)
        return StoredPlane(path, shape), GeoBox(shape, dataset.transform, str(dataset.crs))
