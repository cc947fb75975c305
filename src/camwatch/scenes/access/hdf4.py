"""Images and text attributes of HDF4 files, without any HDF4 library: no wheel of rasterio carries one, and the library itself follows names of other
files inside a file and corrupts memory on damaged ones.

An image inside a file is addressed as `hdf4:///folder/file.hdf#ImageData1`; `camwatch.scenes.access.gdal.open_raster` hands such addresses to
:func:`open_hdf4`, and pixels are read window by window like those of any raster.

Format: HDF Specification and Developer's Guide 4.2 (The HDF Group), chapters 2 (data descriptors), 4 and 9 (tags), 10 (extended tags). Understood are
two-dimensional scientific data sets of whole numbers, stored in one piece (as in ASTER products), in linked blocks, or deflated. Images in chunks, in
external files, or compressed otherwise are refused.
"""

from __future__ import annotations

import struct
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from camwatch.errors import SceneError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from rasterio.windows import Window

SCHEME = "hdf4://"
MAGIC = b"\x0e\x03\x13\x01"

_LINKED, _COMPRESSED, _NUMBER_TYPE, _DIMENSIONS, _PIXELS, _GROUP = 20, 40, 106, 701, 702, 720
_VDATA_HEADER, _VDATA, _VGROUP = 1962, 1963, 1965
_SPECIAL = 0x4000
"""Bit of a tag whose data are not the element itself but say how it is stored."""

_IN_BLOCKS, _ELSEWHERE, _PACKED, _IN_CHUNKS = 1, 2, 3, 5
_DEFLATE = 4
_STORAGE = {_ELSEWHERE: "in another file", _IN_CHUNKS: "in chunks"}

_TYPES = {20: "i1", 21: "u1", 22: ">i2", 23: ">u2", 24: ">i4", 25: ">u4"}
"""Number types (hntdefs.h) in the byte order of the format."""

_TEXT = (3, 4)
_MOST = 100_000
"""Data descriptors; an ASTER product has some hundreds."""

_ATTRIBUTE_LIMIT = 2**22
"""Bytes of one attribute."""


@dataclass(frozen=True, slots=True)
class Image:
    """What a file says of one of its images: rows and columns, the type of its numbers, and the number of its data element."""

    shape: tuple[int, int]
    dtype: str
    element: int


@dataclass(frozen=True, slots=True)
class Contents:
    """What an HDF4 file holds: its text attributes and its two-dimensional images, by name."""

    attributes: Mapping[str, str]
    images: Mapping[str, Image]


class Hdf4Dataset:
    """One open image, with what a reader of bands needs of a rasterio dataset."""

    count = 1
    nodatavals = (None,)

    def __init__(self, file: _File, image: Image, name: str) -> None:
        self._file = file
        self._image = image
        self.name = name
        self.shape = image.shape
        self.height, self.width = image.shape
        self.dtypes = (np.dtype(image.dtype).name,)

    def read(self, indexes: Sequence[int] = (1,), *, window: Window | None = None, out_shape: tuple[int, int, int] | None = None) -> NDArray[Any]:
        """Return (band, y, x) of a window inside the image, by default of all of it; a smaller `out_shape` takes the nearest pixels."""
        top, left, rows, cols = 0, 0, *self.shape
        if window is not None:
            top, left, rows, cols = int(window.row_off), int(window.col_off), int(window.height), int(window.width)
        plane = self._file.rows(self._image, top, rows)[:, left : left + cols]
        if out_shape is not None and out_shape[1:] != (rows, cols):
            y, x = ((np.arange(few) + 0.5) * many / few for few, many in zip(out_shape[1:], (rows, cols), strict=True))
            plane = plane[np.ix_(y.astype(int), x.astype(int))]
        return np.stack([plane.astype(plane.dtype.newbyteorder("="))] * len(indexes))


def href_of(path: Path | str, image: str) -> str:
    """Return the address of an image inside a file."""
    return f"{SCHEME}{path}#{image}"


@contextmanager
def open_hdf4(href: str) -> Iterator[Hdf4Dataset]:
    """Open one image for reading, as a context manager.

    Raises
    ------
    SceneError
        When the file is damaged, has no such image, or stores it in a way that is not understood.
    """
    path, _, name = href.removeprefix(SCHEME).rpartition("#")
    with _opened(Path(path)) as file:
        image = file.contents().images.get(name)
        if image is None:
            raise SceneError(f"HDF4 file has no image {name}", where=path)
        yield Hdf4Dataset(file, image, href)


def read_contents(path: Path) -> Contents:
    """Return what a file holds; no pixel is read. SceneError as :func:`open_hdf4`."""
    with _opened(path) as file:
        return file.contents()


@contextmanager
def _opened(path: Path) -> Iterator[_File]:
    try:
        with path.open("rb") as stream:
            yield _File(stream, path)
    except (struct.error, zlib.error, IndexError, UnicodeDecodeError, OSError) as error:
        got = " ".join(str(error).split())[:160]
        raise SceneError("HDF4 file cannot be read", where=path, got=got, remedy="download it again") from error


class _File:
    """An open file and its table of elements: (tag, number) → place of the data."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self._stream = stream
        self._path = path
        self._size = stream.seek(0, 2)
        start = self._bytes(0, min(4, self._size))
        if start != MAGIC:
            raise SceneError("not an HDF4 file", where=path, got=start.hex() or "an empty file", expected=MAGIC.hex(), remedy="download it again")
        self._table: dict[tuple[int, int], tuple[int, int, int]] = {}  # to (tag as written, offset, length)
        self._whole: dict[int, bytes] = {}
        self._index()

    def contents(self) -> Contents:
        """Return the attributes and images; those that make no sense are left out."""
        attributes: dict[str, str] = {}
        images: dict[str, Image] = {}
        for tag, ref in sorted(self._table):
            if tag == _VDATA_HEADER:
                self._add_attribute(ref, attributes)
            elif tag == _VGROUP:
                self._add_image(ref, images)
        return Contents(attributes, images)

    def rows(self, image: Image, top: int, n: int) -> NDArray[Any]:
        """Return whole rows of an image."""
        dtype = np.dtype(image.dtype)
        line = image.shape[1] * dtype.itemsize
        tag, offset, length = self._entry(_PIXELS, image.element)
        if tag & _SPECIAL:
            if image.element not in self._whole:
                self._whole[image.element] = self._element(_PIXELS, image.element, line * image.shape[0])
            data = self._whole[image.element][top * line : (top + n) * line]
        else:
            data = self._bytes(offset + top * line, n * line) if (top + n) * line <= length else b""
        if len(data) < n * line:
            raise SceneError("image in HDF4 file is cut short", where=self._path, remedy="download it again")
        return np.frombuffer(data, dtype).reshape(n, image.shape[1])

    def _index(self) -> None:
        at, seen = 4, set[int]()
        while at and at not in seen and len(self._table) <= _MOST:
            seen.add(at)
            count, after = struct.unpack(">hi", self._bytes(at, 6))
            for tag, ref, offset, length in struct.iter_unpack(">HHii", self._bytes(at + 6, 12 * count)):
                if tag > 1 and offset >= 0 and length >= 0:
                    self._table.setdefault((tag & ~_SPECIAL if tag < 0x8000 else tag, ref), (tag, offset, length))
            at = after

    def _bytes(self, offset: int, length: int) -> bytes:
        if offset < 0 or length < 0 or offset + length > self._size:
            wanted = f"at least {offset + length} bytes"
            raise SceneError("HDF4 file is cut short", where=self._path, got=f"{self._size} bytes", expected=wanted, remedy="download it again")
        self._stream.seek(offset)
        return self._stream.read(length)

    def _entry(self, tag: int, ref: int) -> tuple[int, int, int]:
        found = self._table.get((tag, ref))
        if found is None:
            raise SceneError("HDF4 file names an element that it does not hold", where=self._path, got=f"{tag}/{ref}", remedy="download it again")
        return found

    def _element(self, tag: int, ref: int, most: int) -> bytes:
        """Return the bytes of an element, at most `most`, however it is stored."""
        written, offset, length = self._entry(tag, ref)
        if not written & _SPECIAL or written >= 0x8000:
            return self._bytes(offset, min(length, most))
        header = self._bytes(offset, length)
        (kind,) = struct.unpack_from(">H", header)
        if kind == _IN_BLOCKS:
            total, _, count, link = struct.unpack_from(">iiiH", header, 2)
            return self._linked(link, count, min(max(total, 0), most))
        if kind == _PACKED:
            packed, _, coder = struct.unpack_from(">HHH", header, 8)
            if coder == _DEFLATE and (_COMPRESSED, packed) != (tag, ref):
                return zlib.decompressobj().decompress(self._element(_COMPRESSED, packed, self._size), most)
        how = _STORAGE.get(kind, "compressed other than by deflation")
        raise SceneError(f"image in HDF4 file is stored {how}", where=self._path, remedy="convert its bands to GeoTIFF, or repack it with hrepack")

    def _linked(self, link: int, count: int, most: int) -> bytes:
        """Return the bytes of a chain of block tables; each table names the next."""
        data, seen = bytearray(), set[int]()
        while link and link not in seen and len(data) < most:
            seen.add(link)
            _, offset, length = self._entry(_LINKED, link)
            after, *blocks = struct.unpack(f">{min(count + 1, length // 2)}H", self._bytes(offset, 2 * min(count + 1, length // 2)))
            for ref in blocks:
                if ref and len(data) < most:
                    _, place, size = self._entry(_LINKED, ref)
                    data += self._bytes(place, min(size, most - len(data)))
            link = after
        return bytes(data)

    def _add_attribute(self, ref: int, attributes: dict[str, str]) -> None:
        """Note the attribute that a table (Vdata) of one field of text holds."""
        header = self._element(_VDATA_HEADER, ref, _ATTRIBUTE_LIMIT)
        _, rows, width, fields = struct.unpack_from(">HiHH", header)
        if fields != 1 or rows < 0 or struct.unpack_from(">H", header, 10)[0] not in _TEXT:
            return
        field = struct.unpack_from(">H", header, 18)[0]
        name, after = _text(header, 20 + field)
        kind, _ = _text(header, after)
        if kind == "Attr0.0":
            text = self._element(_VDATA, ref, min(rows * width, _ATTRIBUTE_LIMIT))
            attributes.setdefault(name, text.decode("latin-1").rstrip("\0 \n"))

    def _add_image(self, ref: int, images: dict[str, Image]) -> None:
        """Note the image that a group (Vgroup) of class Var0.0 describes."""
        header = self._element(_VGROUP, ref, _ATTRIBUTE_LIMIT)
        (count,) = struct.unpack_from(">H", header)
        members = list(zip(*(struct.unpack_from(f">{count}H", header, 2 + half * 2 * count) for half in (0, 1)), strict=True))
        name, after = _text(header, 2 + 4 * count)
        kind, _ = _text(header, after)
        described = next((number for tag, number in members if tag == _GROUP), None)
        if kind != "Var0.0" or described is None:
            return
        parts = dict(struct.iter_unpack(">HH", self._element(_GROUP, described, 4 * 1024)))
        if _DIMENSIONS not in parts or _PIXELS not in parts:
            return
        size = self._element(_DIMENSIONS, parts[_DIMENSIONS], 64)
        (rank,) = struct.unpack_from(">H", size)
        if rank != 2:
            return
        rows, cols, tag, number = struct.unpack_from(">iiHH", size, 2)
        numbers = self._element(tag, number, 4) if tag == _NUMBER_TYPE else b"\0\0"
        dtype = _TYPES.get(numbers[1])
        if dtype is not None and rows > 0 and cols > 0 and (np.dtype(dtype).itemsize == 1 or numbers[3] == 1):  # 1: most significant byte first
            images.setdefault(name, Image((rows, cols), dtype, parts[_PIXELS]))


def _text(data: bytes, at: int) -> tuple[str, int]:
    """Return a text that follows its length, and where what comes next begins."""
    (length,) = struct.unpack_from(">H", data, at)
    return data[at + 2 : at + 2 + length].decode("latin-1"), at + 2 + length
