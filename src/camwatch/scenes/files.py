"""The files of a product, whether they lie in a folder, in an archive, or are one raster.

Nothing is ever unpacked: small text members are read through Python's own archive readers, pixels through GDAL's virtual file systems.
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from camwatch.errors import MissingInputError, SceneError

TEXT_LIMIT = 32 * 2**20
"""Bytes; no metadata file that a reader needs comes near it, so what is larger is not what it claims to be."""

ARCHIVES = {".zip": "zip", ".tar": "tar", ".tgz": "tar", ".tar.gz": "tar"}

Kind = Literal["folder", "tar", "zip"]


@dataclass(frozen=True, slots=True)
class Files:
    """The members of one folder or archive.

    Attributes
    ----------
    root : Path
        Absolute path of the folder or archive.
    kind : {"folder", "tar", "zip"}
    names : tuple of str
        Regular files, as POSIX paths relative to `root`, sorted.
    """

    root: Path
    kind: Kind
    names: tuple[str, ...]

    def base(self, name: str) -> str | None:
        """Return the shallowest member whose file name is `name`, compared without case; None where there is none."""
        wanted = name.lower()
        found = [member for member in self.names if member.rsplit("/", 1)[-1].lower() == wanted]
        return min(found, key=lambda member: (member.count("/"), member)) if found else None

    def read(self, name: str) -> bytes:
        """Return the bytes of a small member; SceneError when it is unreasonably large or damaged."""
        try:
            data = self._read(name)
        except (OSError, LookupError, StopIteration, EOFError, RuntimeError, tarfile.TarError, zipfile.BadZipFile, zlib.error) as error:
            raise SceneError(f"member {name} cannot be read ({error})", where=self.root, remedy="download the product again") from error
        if len(data) > TEXT_LIMIT:
            raise SceneError(f"metadata member {name} is too large", where=self.root, got=f"over {TEXT_LIMIT} bytes", expected="a small text")
        return data

    def _read(self, name: str) -> bytes:
        if self.kind == "folder":
            with (self.root / name).open("rb") as stream:
                return stream.read(TEXT_LIMIT + 1)
        if self.kind == "zip":
            with zipfile.ZipFile(self.root) as archive, archive.open(name) as member:
                return member.read(TEXT_LIMIT + 1)
        with tarfile.open(self.root) as tar:
            found = next(entry for entry in tar if entry.isfile() and _plain(entry.name) == name)
            extracted = tar.extractfile(found)
            if extracted is None:
                raise KeyError(name)
            return extracted.read(TEXT_LIMIT + 1)

    def href(self, name: str) -> str:
        """Return the path by which GDAL opens a member where it lies."""
        return str(self.root / name) if self.kind == "folder" else f"/vsi{self.kind}/{{{self.root}}}/{name}"


def is_archive(path: Path) -> bool:
    """Whether the name says archive."""
    return path.name.lower().endswith(tuple(ARCHIVES))


def on_disk(href: str) -> Path | None:
    """Return the file on disk behind an asset's href: the archive for a member of one; None for a remote one."""
    if "://" in href:
        return None
    if href.startswith(("/vsizip/{", "/vsitar/{")):
        inner = href.split("{", 1)[1]
        return Path(inner[: inner.rindex("}")])
    return None if href.startswith("/vsi") else Path(href)


def open_files(path: Path) -> Files:
    """List a folder or an archive.

    Raises
    ------
    MissingInputError
        When there is nothing at `path`.
    SceneError
        When the archive is damaged, or a member's name would leave it.
    """
    if not path.exists():
        raise MissingInputError("no such file or folder", where=path)
    root = path.resolve()
    if root.is_dir():
        # Links to folders are not followed: they may lead round in circles or out of the product.
        names = (p.relative_to(root).as_posix() for p in sorted(root.rglob("*")) if p.is_file())
        return Files(root, "folder", tuple(names))
    kind: Kind = "zip" if root.name.lower().endswith(".zip") else "tar"
    try:
        members = _zip_names(root) if kind == "zip" else _tar_names(root)
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error) as error:
        wanted = "a complete .zip, .tar or .tar.gz"
        raise SceneError(f"archive cannot be read ({error})", where=path, expected=wanted, remedy="download it again") from error
    for name in members:
        pure = PurePosixPath(name.replace("\\", "/"))
        if pure.is_absolute() or ".." in pure.parts or (pure.parts and ":" in pure.parts[0]):
            raise SceneError("archive holds a member that points outside it", where=path, got=repr(name)[:120], remedy="do not trust this file")
    return Files(root, kind, tuple(sorted(members)))


def _zip_names(root: Path) -> list[str]:
    with zipfile.ZipFile(root) as archive:
        return [info.filename for info in archive.infolist() if not info.is_dir()]


def _tar_names(root: Path) -> list[str]:
    with tarfile.open(root) as archive:
        # Links and devices are no files of a product.
        return [_plain(member.name) for member in archive if member.isfile()]


def _plain(name: str) -> str:
    """Return a tar member's name as GDAL lists it: `tar cf x.tar .` writes `./` before every name."""
    return name.removeprefix("./")
