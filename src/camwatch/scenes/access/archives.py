"""Listing and reading .zip and .tar without unpacking them, with as little trust as a stranger's archive deserves.

Sources: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.4 (.zip); POSIX.1-2017 `pax`, "ustar interchange format" (.tar).
"""

from __future__ import annotations

import contextlib
import gzip
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, cast

from camwatch.errors import CamwatchError, SceneError
from camwatch.scenes.access.limits import LIMITS, refuse_over

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DAMAGE = (
    *(OSError, EOFError, LookupError, RuntimeError, ValueError, ArithmeticError, MemoryError),
    *(struct.error, tarfile.TarError, zipfile.BadZipFile, zlib.error),
)
"""What Python's archive readers raise for archives that are not well-formed."""

_STORED, _DEFLATE, _DEFLATE64 = 0, 8, 9
_ENTRY = 256
"""Bytes that an entry of a .zip's directory takes at the most, on the average of all entries; 46 and the name at the least."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something among the files that is not read: its name relative to the root, and why."""

    name: str
    reason: str


@contextlib.contextmanager
def told(what: str, where: object, remedy: str = "download it again") -> Iterator[None]:
    """Raise what the readers of files and archives raise as a SceneError."""
    try:
        yield
    except CamwatchError:
        raise
    except _DAMAGE as error:
        raise SceneError(f"{what} ({error or type(error).__name__})", where=where, remedy=remedy) from error


def list_zip(root: Path) -> tuple[list[str], list[Skipped]]:
    """Return the regular members of a .zip, and what else it names; SceneError where it cannot be trusted."""
    size = root.stat().st_size
    refuse_over(LIMITS.members, _directory_size(root, size) // _ENTRY, "archive holds too many members", where=root)
    names, skipped = [], []
    with zipfile.ZipFile(root) as archive:
        entries = archive.infolist()
    refuse_over(LIMITS.members, len(entries), "archive holds too many members", where=root)
    refuse_over(LIMITS.from_bytes(size), sum(entry.file_size for entry in entries), "archive unpacks to too many bytes", where=root)
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end or entry.header_offset + entry.compress_size > size:
            raise SceneError("members of the archive overlap, or it is cut short", where=root, got=entry.filename, remedy="download it again")
        end = entry.header_offset + 30 + entry.compress_size
        if entry.flag_bits & 1:
            raise SceneError("archive is encrypted", where=root, got=entry.filename, remedy="unpack it with its password")
        if entry.compress_type not in (_STORED, _DEFLATE, _DEFLATE64):
            remedy = "unpack it, or pack it with deflate"
            raise SceneError(f"archive is packed with method {entry.compress_type}", where=root, got=entry.filename, remedy=remedy)
    for entry in entries:
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind in (0, stat.S_IFREG) and not entry.is_dir():
            names.append(entry.orig_filename)  # `filename` is what stands before a NUL
        elif kind not in (0, stat.S_IFDIR, stat.S_IFREG):
            skipped.append(Skipped(entry.filename, "no regular file but a link or a device"))
    return _trusted(names, root), skipped


def read_zip(root: Path, name: str, most: int) -> bytes:
    """Return the first `most` bytes of a member."""
    with zipfile.ZipFile(root) as archive, archive.open(name) as member:
        return member.read(most)


def _directory_size(root: Path, size: int) -> int:
    """Return how many bytes the directory of a .zip takes, which Python reads and holds as a whole: APPNOTE 4.3.14 and 4.3.16."""
    with root.open("rb") as stream:
        stream.seek(max(0, size - 2**16 - 98))
        tail = stream.read()
    at = tail.rfind(b"PK\5\6")
    claimed = int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0
    wide = tail.rfind(b"PK\6\6")
    if claimed == 2**32 - 1 and wide >= 0:
        claimed = int.from_bytes(tail[wide + 40 : wide + 48], "little")
    return min(claimed, size)


def list_tar(root: Path) -> tuple[list[str], list[Skipped]]:
    """Return the regular members of a .tar or .tar.gz, and what else it names; SceneError where it cannot be trusted."""
    names, skipped = [], []
    with _tar(root) as (archive, stream):
        last = -1
        for count, member in enumerate(archive, 1):
            refuse_over(LIMITS.members, count, "archive holds too many members", where=root)
            if archive.offset <= last or member.size < 0:
                raise SceneError("archive runs in circles", where=root, got=member.name, remedy="download it again")
            last = archive.offset
            if member.issparse():
                skipped.append(Skipped(member.name, "sparse member, which not every reader understands"))
            elif member.isfile():
                names.append(plain(member.name))
            elif not member.isdir():
                skipped.append(Skipped(member.name, "no regular file but a link or a device"))
        # Python takes a damaged or missing header for the end; an archive that is whole ends with a block of zeros.
        if stream.last != bytes(tarfile.BLOCKSIZE):
            raise SceneError("archive is damaged or cut short", where=root, got=f"{len(names)} members", remedy="download it again")
    return _trusted(names, root), skipped


def read_tar(root: Path, name: str, most: int) -> bytes:
    """Return the first `most` bytes of a member."""
    with _tar(root) as (archive, _):
        for member in archive:
            if member.isfile() and plain(member.name) == name:
                return cast("IO[bytes]", archive.extractfile(member)).read(most)
    raise KeyError(name)


def plain(name: str) -> str:
    """Return a tar member's name as GDAL lists it: `tar cf x.tar .` writes `./` before every name."""
    return name.removeprefix("./")


class _Stream:
    """The bytes of a .tar, with an end to what is unpacked on the way and to what is held at once; `last` is what was read last."""

    def __init__(self, stream: IO[bytes], root: Path) -> None:
        self._stream = stream
        self._root = root
        self._most = LIMITS.from_bytes(root.stat().st_size)
        self.last = b""

    def read(self, size: int) -> bytes:
        refuse_over(LIMITS.text, size if size >= 0 else LIMITS.text + 1, "header in the archive is too large", where=self._root)
        self.last = self._stream.read(size)
        return self.last

    def seek(self, position: int) -> int:
        refuse_over(self._most, position, "archive unpacks to too many bytes", where=self._root)
        return self._stream.seek(position)

    def tell(self) -> int:
        return self._stream.tell()


@contextlib.contextmanager
def _tar(root: Path) -> Iterator[tuple[tarfile.TarFile, _Stream]]:
    with root.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        with gzip.GzipFile(fileobj=raw) if packed else contextlib.nullcontext(raw) as plain_bytes:
            stream = _Stream(cast("IO[bytes]", plain_bytes), root)
            with tarfile.TarFile(fileobj=cast("IO[bytes]", stream)) as archive:
                yield archive, stream


def _trusted(names: list[str], root: Path) -> list[str]:
    """Return the names; SceneError where one points out of the archive, or two are the same, which readers understand in different ways."""
    for name in names:
        pure = PurePosixPath(name.replace("\\", "/"))
        if pure.is_absolute() or ".." in pure.parts or re.match("[A-Za-z]:", name) or "\0" in name or not name:
            raise SceneError("archive holds a member that points outside it", where=root, got=ascii(name), remedy="do not trust this file")
    if len(set(names)) < len(names):
        twice = next(name for n, name in enumerate(sorted(names)) if name == sorted(names)[n - 1])
        raise SceneError("archive holds two members of one name", where=root, got=ascii(twice), remedy="do not trust this file")
    return names
