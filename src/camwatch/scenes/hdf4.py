"""HDF4 without a system GDAL: the wheels of rasterio carry no HDF4, the wheels of pyhdf do (`pip install camwatch[aster]`).

An image inside a file is addressed as `hdf4:///folder/file.hdf#ImageData1`; `camwatch.scenes.gdal.open_raster` hands such addresses to
:func:`open_hdf4`, and pixels are read window by window like those of any raster.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np

from camwatch.errors import SceneError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from rasterio.windows import Window

SCHEME = "hdf4://"
MAGIC = b"\x0e\x03\x13\x01"
"""The first four bytes of every HDF4 file: HDF Specification and Developer's Guide 4.2, section 1.4."""

_TYPES = {20: "int8", 21: "uint8", 22: "int16", 23: "uint16", 24: "int32", 25: "uint32", 5: "float32", 6: "float64"}
"""HDF4 number types (hntdefs.h) of images."""

_LARGEST = 2**31
"""Bytes of one image; the format cannot address more."""

_ONE_AT_A_TIME = RLock()
"""The HDF4 library keeps its tables in static memory: calls from two threads corrupt them."""


@dataclass(frozen=True, slots=True)
class Image:
    """What a file says of one of its two-dimensional images: rows and columns, and the type of its numbers."""

    shape: tuple[int, int]
    dtype: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What an HDF4 file holds: its global text attributes and its two-dimensional images, by name."""

    attributes: Mapping[str, str]
    images: Mapping[str, Image]


class Hdf4Dataset:
    """One open image, with what a reader of bands needs of a rasterio dataset."""

    count = 1
    nodatavals = (None,)

    def __init__(self, sds: Any, image: Image, name: str) -> None:
        self._sds = sds
        self.name = name
        self.shape = image.shape
        self.height, self.width = image.shape
        self.dtypes = (image.dtype,)

    def read(self, indexes: Sequence[int] = (1,), *, window: Window | None = None, out_shape: tuple[int, int, int] | None = None) -> NDArray[Any]:
        """Return (band, y, x) of a window inside the image, by default of all of it; a smaller `out_shape` takes the nearest pixels."""
        start, size = (0, 0), self.shape
        if window is not None:
            start, size = (int(window.row_off), int(window.col_off)), (int(window.height), int(window.width))
        with _translated(self.name):
            plane: NDArray[Any] = np.asarray(self._sds.get(start=start, count=size)).reshape(size)
        if out_shape is not None and out_shape[1:] != size:
            rows, cols = ((np.arange(few) + 0.5) * many / few for few, many in zip(out_shape[1:], size, strict=True))
            plane = plane[np.ix_(rows.astype(int), cols.astype(int))]
        return np.stack([plane] * len(indexes))


def href_of(path: Path | str, image: str) -> str:
    """Return the address of an image inside a file."""
    return f"{SCHEME}{path}#{image}"


@contextmanager
def open_hdf4(href: str) -> Iterator[Hdf4Dataset]:
    """Open one image for reading, as a context manager; other HDF4 files wait until it is closed.

    Raises
    ------
    SceneError
        When pyhdf is not installed, the file is damaged, or it has no such image.
    """
    path, _, name = href.removeprefix(SCHEME).rpartition("#")
    with _open(Path(path)) as file:
        with _translated(path):
            sds = file.select(name)
            image = _image(sds)
        if image is None:
            raise SceneError(f"{name} is no image", where=path, expected="two dimensions of numbers")
        try:
            yield Hdf4Dataset(sds, image, href)
        finally:
            sds.endaccess()


def read_contents(path: Path) -> Contents:
    """Return what a file holds; no pixel is read. SceneError as :func:`open_hdf4`."""
    images: dict[str, Image] = {}
    with _open(path) as file, _translated(path):
        attributes = {name: value.rstrip("\0 \n") for name, value in file.attributes().items() if isinstance(value, str)}
        for name in file.datasets():
            sds = file.select(name)
            image = _image(sds)
            sds.endaccess()
            if image is not None:
                images[name] = image
    return Contents(attributes, images)


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    try:
        library = import_module("pyhdf.SD")
    except ImportError as error:
        raise SceneError("HDF4 needs pyhdf", where=path, remedy="pip install 'camwatch[aster]'") from error
    with _ONE_AT_A_TIME:
        _refuse_other_formats(path)
        with _translated(path):
            file = library.SD(str(path), library.SDC.READ)
        try:
            yield file
        finally:
            file.end()


def _refuse_other_formats(path: Path) -> None:
    """Raise SceneError for what is no HDF4: the library also follows other formats, remote ones among them."""
    try:
        with path.open("rb") as stream:
            start = stream.read(len(MAGIC))
    except OSError as error:
        raise SceneError(f"file cannot be read ({error.strerror})", where=path) from error
    if start != MAGIC:
        raise SceneError("not an HDF4 file", where=path, got=start.hex() or "an empty file", expected=MAGIC.hex(), remedy="download it again")


def _image(sds: Any) -> Image | None:
    _, rank, size, kind, _ = sds.info()
    dtype = _TYPES.get(kind)
    if rank != 2 or dtype is None:
        return None
    rows, cols = (int(side) for side in size)
    return Image((rows, cols), dtype) if min(rows, cols) > 0 and rows * cols * np.dtype(dtype).itemsize < _LARGEST else None


@contextmanager
def _translated(where: object) -> Iterator[None]:
    """Raise the library's errors in our own words."""
    try:
        yield
    except (import_module("pyhdf.error").HDF4Error, ValueError, UnicodeDecodeError) as error:
        got = " ".join(str(error).split())[:160]
        raise SceneError("HDF4 file cannot be read", where=where, got=got, remedy="download it again") from error
