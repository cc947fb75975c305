"""SHA-256 of files: in parallel, remembered as long as the file is the same, and how an Item states it."""

from __future__ import annotations

import hashlib
import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from camwatch.resources import cache_folder, state_of
from camwatch.scenes.access.files import on_disk
from camwatch.scenes.item import files_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    import pystac

CHUNK = 1 << 20
WORKERS = 2
"""Files hashed at a time; hashing releases the interpreter, and disks rarely feed more."""

FILE_EXTENSION = "https://stac-extensions.github.io/file/v2.1.0/schema.json"
_SHA2_256 = "1220"
"""Code and length that a multihash puts before a SHA-256."""


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hex digits; always computed, never remembered."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(CHUNK):
            digest.update(block)
    return digest.hexdigest()


def files_behind(items: Iterable[pystac.Item]) -> list[Path]:
    """Return the files on disk behind some Items, each once, sorted."""
    return sorted({path for item in items for path in files_of(item)})


def remembered_sha256(path: Path) -> str:
    """Return the SHA-256 of a file; computed once, and again when the file changed (:func:`camwatch.resources.state_of`).

    For finding and naming inputs. What proves that nothing was changed (`camwatch verify`) computes it anew.
    """
    state, folder = state_of(path), cache_folder("sha256")
    if folder is None or state is None:
        return sha256_of(path)
    note = folder / hashlib.sha256(repr((str(path), state)).encode("utf-8", "surrogatepass")).hexdigest()
    try:
        known = note.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):  # never seen, or a note that cannot be read: computed anew
        known = ""
    if re.fullmatch(r"[0-9a-f]{64}", known):
        return known
    digest = sha256_of(path)
    part = note.with_name(f".{note.name}.{os.getpid()}.{threading.get_ident()}.part")
    # A full disk or a folder that may only be read: the hash is at hand all the same.
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.write_text(digest, encoding="ascii")
        part.replace(note)
    return digest


def hash_files(files: Sequence[Path], *, progress: Callable[[str, int, int], None] | None = None) -> dict[Path, str]:
    """Return the SHA-256 of each file, as :func:`remembered_sha256`; several at a time, in a fixed order."""
    sums = {}
    with ThreadPoolExecutor(WORKERS) as pool:
        for n, (path, digest) in enumerate(zip(files, pool.map(remembered_sha256, files), strict=True)):
            if progress is not None:
                progress("hashing", n, len(files))
            sums[path] = digest
    return sums


def with_hashes(item: pystac.Item, sums: Mapping[Path, str]) -> pystac.Item:
    """Return a copy of an Item whose assets state size and SHA-256 of their files (STAC `file` extension: a multihash).

    A member of an archive has the archive's, as `camwatch:archive_checksum`: the bytes that were downloaded are those of the archive.
    """
    said = item.clone()
    for asset in said.assets.values():
        path = on_disk(asset.href)
        if path is None:
            continue
        own = str(path) == asset.href
        asset.extra_fields["file:checksum" if own else "camwatch:archive_checksum"] = _SHA2_256 + sums[path]
        asset.extra_fields["file:size" if own else "camwatch:archive_size"] = path.stat().st_size
    said.stac_extensions = sorted({*said.stac_extensions, FILE_EXTENSION})
    return said
