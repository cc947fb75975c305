"""Decoded pixels of slow formats, kept on disk, so that each part of a scene is decoded once.

A JPEG 2000 tile takes a hundred times as long to decode as to read, and a member of a compressed archive is unpacked from its beginning; an analyst
looks at the same AOI many times. What is kept are the numbers as stored in the product, in squares of 512 by 512 pixels, uncompressed.

A square is found under a name that holds the product's file (path, size, times of change, inode), the member, the band and the place, so a file that
was replaced is decoded again. Each entry ends with a checksum that begins with that name: one that is damaged, cut short or of another square is
not used. Writing never fails loading; the answer is the same with and without the cache.

`CAMWATCH_CACHE` names another folder, or is `off`.
"""

from __future__ import annotations

import io
import os
import threading
import zlib
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio

from camwatch.resources import cache_folder, state_of
from camwatch.scenes.access.files import on_disk

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 512
"""Rows and columns of a square."""

LIMIT = 4 * 2**30
"""Bytes that are kept; what was not used for longest goes first."""

_SHARDS = 64
"""Entries are spread evenly over this many folders; each keeps within its share of the limit, so a new one looks at few others."""

_CHECK = 4
"""Bytes of the checksum."""


@dataclass(frozen=True, slots=True)
class Square:
    """One square of one band: `pixels` (y, x) as stored, and the value that the file declares as no data, if any."""

    pixels: NDArray[Any]
    nodata: float | None


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder of decoded squares, at most `limit` bytes in all."""

    folder: Path
    limit: int = LIMIT

    def get(self, key: str) -> Square | None:
        """Return what is kept under a key; None where there is nothing, or nothing sound."""
        path = self._path(key)
        try:
            data = path.read_bytes()
            os.utime(path)
        except OSError:  # not there, or a folder that may only be read: without the new time it is merely removed earlier
            return None
        if zlib.crc32(data[:-_CHECK], _seed(key)).to_bytes(_CHECK, "little") != data[-_CHECK:]:
            return None
        stream = io.BytesIO(data)
        pixels, declared = np.load(stream, allow_pickle=False), np.load(stream, allow_pickle=False)
        return Square(pixels, float(declared[0]) if len(declared) else None)

    def put(self, key: str, square: Square) -> None:
        """Keep a square, whole or not at all."""
        stream = io.BytesIO()
        np.save(stream, square.pixels, allow_pickle=False)
        np.save(stream, np.array([] if square.nodata is None else [square.nodata], np.float64), allow_pickle=False)
        data = stream.getbuffer()
        path = self._path(key)
        part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with part.open("wb") as out:
                out.write(data)
                out.write(zlib.crc32(data, _seed(key)).to_bytes(_CHECK, "little"))
            part.replace(path)
            self._trim(path.parent)
        except OSError:
            # A full disk, a folder that may only be read, another process that trims at the same time: the pixels are at hand all the same.
            with suppress(OSError):
                part.unlink()

    def _path(self, key: str) -> Path:
        name = sha256(key.encode()).hexdigest()
        return self.folder / f"{int(name[:8], 16) % _SHARDS:02d}" / name

    def _trim(self, shard: Path) -> None:
        with os.scandir(shard) as entries:
            there = sorted((entry.stat().st_mtime_ns, entry.stat().st_size, entry.path) for entry in entries)
        total = sum(size for _, size, _ in there)
        for _, size, path in there:
            if total <= self.limit // _SHARDS:
                return
            Path(path).unlink(missing_ok=True)
            total -= size


def user_cache() -> Cache | None:
    """Return the cache of this user; None where it is off (:func:`camwatch.resources.cache_folder`)."""
    folder = cache_folder("pixels")
    return None if folder is None else Cache(folder)


def is_slow(href: str) -> bool:
    """Whether decoding a file costs much more than reading decoded pixels: JPEG 2000, and what lies in a compressed archive."""
    path = on_disk(href)
    if path is None:
        return False
    return href.lower().endswith((".jp2", ".j2k", ".jpx")) or path.name.lower().endswith((".zip", ".tgz", ".tar.gz"))


def identity(href: str) -> str | None:
    """Return what tells a member of a file from every other one and from itself after a change; None where it does not lie on this machine.

    To be asked before the file is opened: one that is replaced in between is then kept under the name of what is gone.
    """
    path = on_disk(href)
    same = None if path is None else state_of(path)
    return None if same is None else repr((href, same, SIDE, rasterio.__gdal_version__))


def _seed(key: str) -> int:
    return zlib.crc32(key.encode())
