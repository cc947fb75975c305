"""How products reach the disk: whole or not at all, and the same bytes every time."""

from __future__ import annotations

import json
import shutil
import tarfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def folder_whole(path: Path) -> Iterator[Path]:
    """Give a folder to write into; it appears as `path` once the block ends without an error."""
    part = path.with_name(f".{path.name}.part")
    if part.exists():
        shutil.rmtree(part)  # left by an interrupted run
    part.mkdir(parents=True)
    yield part
    part.replace(path)


def pack(folder: Path, path: Path) -> Path:
    """Write the files of a folder as one uncompressed tar with fixed times and owners, members by name, then remove the folder."""
    part = path.with_name(f".{path.name}.part")
    with tarfile.open(part, "w", format=tarfile.USTAR_FORMAT) as archive:
        for file in sorted(folder.iterdir()):
            entry = tarfile.TarInfo(file.name)
            entry.size, entry.mode = file.stat().st_size, 0o644
            with file.open("rb") as stream:
                archive.addfile(entry, stream)
    shutil.rmtree(folder)
    return part.replace(path)


def write_text(path: Path, text: str) -> Path:
    """Write a text file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8", newline="\n")
    return part.replace(path)


def write_json(path: Path, document: Any) -> Path:
    """Write a JSON document, indented, whole or not at all."""
    return write_text(path, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
