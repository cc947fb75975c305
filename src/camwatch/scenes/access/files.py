"""The files of a product, whether they lie in a folder, in an archive, or are one raster.

Nothing is ever unpacked: small text members are read through Python's own archive readers, pixels through GDAL's virtual file systems.

What a stranger's folder or archive can try, and what becomes of it:

- name a file elsewhere (`..`, absolute names, drive letters, links that lead out): refused, or skipped and said so; links within the folder are fine.
- be no file (a device, a pipe that never ends): skipped and said so.
- unpack to more than the disk holds, overlap its members, claim sizes that it has not: counted before anything is unpacked, then refused. Archives
  in archives are not entered.
- mean one thing to Python and another to GDAL (one name twice, sparse members, braces in the path of the archive): refused.
- be cut short or damaged: said, never read in part as if it were whole.
- print to a terminal (line breaks, codes, direction marks in names): names are used as they are and printed by `camwatch.errors.printable`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from camwatch.errors import MissingInputError, SceneError
from camwatch.scenes.access.archives import Skipped, list_tar, list_zip, read_tar, read_zip, told
from camwatch.scenes.access.limits import LIMITS, factor, refuse_over

ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz")

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
    skipped : tuple of Skipped
        What lies there and is not read: folders that may not be listed, links to folders, devices, links in archives.
    """

    root: Path
    kind: Kind
    names: tuple[str, ...]
    skipped: tuple[Skipped, ...] = field(default=(), repr=False)

    def base(self, name: str) -> str | None:
        """Return the shallowest member whose file name is `name`, compared without case; None where there is none."""
        wanted = name.lower()
        found = [member for member in self.names if member.rsplit("/", 1)[-1].lower() == wanted]
        return min(found, key=lambda member: (member.count("/"), member)) if found else None

    def read(self, name: str) -> bytes:
        """Return the bytes of a small member; SceneError when it is unreasonably large, damaged, or a link that leads out of the folder."""
        most = int(LIMITS.text * factor()) + 1
        with told(f"member {name} cannot be read", self.root, "download the product again"):
            if self.kind == "folder":
                with self._inside(name).open("rb") as stream:
                    data = stream.read(most)
            else:
                data = (read_zip if self.kind == "zip" else read_tar)(self.root, name, most)
        refuse_over(LIMITS.text, len(data), "metadata member is too large", where=self.root / name)
        return data

    def href(self, name: str) -> str:
        """Return the path by which GDAL opens a member where it lies; SceneError where it may not be opened."""
        if "\\" in name:  # rasterio takes it for a slash
            raise SceneError("file name must not hold a backslash", where=self.root / name, remedy="rename it")
        if self.kind == "folder":
            href = str(self._inside(name))
        elif set("{}") & set(str(self.root)):
            raise SceneError("path of an archive must not hold braces", where=self.root, remedy="rename it")
        else:
            href = f"/vsi{self.kind}/{{{self.root}}}/{name}"
        with told("file name is not valid UTF-8", ascii(href), "rename it"):
            href.encode()
        return href

    def _inside(self, name: str) -> Path:
        """Return the path of a member of a folder; SceneError where it is a link that leads out, or no regular file."""
        path = self.root / name
        with told("link cannot be followed", path, "put the file itself there"):
            real = path.resolve()
        if not real.is_relative_to(self.root.resolve()):
            raise SceneError("link leads out of the folder", where=path, remedy="put the file itself there, or name the folder in which it lies")
        if real.exists() and not real.is_file():
            raise SceneError("not a regular file", where=path)
        return path


def is_archive(path: Path) -> bool:
    """Whether the name says archive."""
    return path.name.lower().endswith(ARCHIVES)


def on_disk(href: str) -> Path | None:
    """Return the file on disk behind an asset's href: the archive for a member of one; None for a remote one."""
    if href.startswith("hdf4://"):
        return Path(href.removeprefix("hdf4://").rpartition("#")[0])
    if href.startswith(("/vsizip/{", "/vsitar/{")):
        inner = href.split("{", 1)[1]
        return Path(inner[: inner.index("}")])
    return None if "://" in href or href.startswith("/vsi") else Path(href)


def open_files(path: Path) -> Files:
    """List a folder or an archive.

    Raises
    ------
    MissingInputError
        When there is nothing at `path`.
    SceneError
        When the archive is damaged, a member's name would leave it, or it would unpack to too much.
    """
    if not path.exists():
        raise MissingInputError("no such file or folder", where=path)
    root = path.resolve()
    if root.is_dir():
        names, skipped = _walk(root)
        return Files(root, "folder", tuple(sorted(names)), tuple(skipped))
    if not root.is_file():
        raise SceneError("neither a file nor a folder", where=path)
    kind: Kind = "zip" if root.name.lower().endswith(".zip") else "tar"
    with told("not a complete .zip, .tar or .tar.gz: archive cannot be read", path):
        names, skipped = (list_zip if kind == "zip" else list_tar)(root)
    return Files(root, kind, tuple(sorted(names)), tuple(skipped))


def _walk(root: Path) -> tuple[list[str], list[Skipped]]:
    """Return the files under a folder, and what is neither a file nor a folder that can be listed."""
    names: list[str] = []
    skipped: list[Skipped] = []
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            entries = list(os.scandir(root / folder))
        except OSError as error:
            skipped.append(Skipped(folder or ".", f"folder cannot be listed ({error.strerror})"))
            continue
        for entry in entries:
            name = f"{folder}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                folders.append(f"{name}/")
            elif Path(entry).is_file():  # unlike `entry.is_file`, false for a link that leads round in circles
                names.append(name)
            elif Path(entry).is_dir():
                skipped.append(Skipped(name, "link to a folder, which may lead out of this one or round in circles"))
            else:
                skipped.append(Skipped(name, "no regular file"))
    return names, skipped


def folder_of(name: str) -> str:
    """Return the folder of a member with its slash, empty at the top."""
    return name[: len(name) - len(base_of(name))]


def base_of(name: str) -> str:
    """Return a member's file name without its folders."""
    return name.rsplit("/", 1)[-1]


def without_suffix(name: str) -> str:
    """Return a member's name up to the last dot of its file name."""
    base = base_of(name)
    return name[: len(name) - len(base)] + (base.rpartition(".")[0] if "." in base else base)
