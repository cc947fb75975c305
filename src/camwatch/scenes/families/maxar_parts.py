"""The images of a Maxar delivery: which files belong to each, and what its metadata says."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from camwatch.errors import CamwatchError
from camwatch.scenes.access.files import folder_of, without_suffix
from camwatch.scenes.access.pairs import Pairs, parse_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camwatch.scenes.access.files import Files

SUFFIXES = (".tif", ".tiff", ".jp2")
TILE = re.compile(r"_R\d+C\d+", re.IGNORECASE)
"""What the name of a tile has between the name of its image and the suffix."""
_ISD = re.compile(rb"<isd[\s>]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """One image of a product: its metadata member, what it says (with its .TIL, where it has one), and its rasters in order."""

    document: str
    said: Pairs
    rasters: tuple[str, ...]
    til: str = ""

    @property
    def is_pan(self) -> bool:
        """Whether it is the panchromatic part."""
        return self.said.text("bandId").upper() == "P"

    @property
    def sharpened(self) -> bool:
        """Whether its bands were sharpened with the panchromatic one."""
        return self.said.text("panSharpenAlgorithm").lower() not in ("", "none")


class Names:
    """The members of a folder or archive, so that those of one image are found among many thousands."""

    def __init__(self, names: Sequence[str]) -> None:
        self._images: dict[str, list[str]] = {}
        for name in names:
            if name.lower().endswith(SUFFIXES):
                self._images.setdefault(_stem(TILE.sub("", name)), []).append(name)
        self._others = sorted((name.lower(), name) for name in names if not name.lower().endswith(SUFFIXES))

    def of(self, document: str) -> tuple[str, ...]:
        """Return the files that bear the name of a metadata member: images also with tile numbers in it, others with a dot or hyphen behind it."""
        stem = _stem(document)
        found = list(self._images.get(stem, []))
        for low, name in self._others[bisect_left(self._others, (stem, "")) :]:
            if not low.startswith(stem):
                break
            if low[len(stem) : len(stem) + 1] in (".", "-"):
                found.append(name)
        return tuple(sorted(found))


def documents_of(files: Files) -> list[str]:
    """Return the metadata members: every .IMD, and each .XML of Maxar's schema beside which lies no .IMD of the same name but an image."""
    stems = {_stem(name) for name in files.names if name.lower().endswith(".imd")}
    images = {_stem(TILE.sub("", name)) for name in files.names if name.lower().endswith(SUFFIXES)}
    plain = [name for name in files.names if name.lower().endswith(".imd")]
    others = [name for name in files.names if name.lower().endswith(".xml") and _stem(name) in images - stems and _is_isd(files, name)]
    return sorted([*plain, *others])


def _stem(name: str) -> str:
    """Return a member's path without its suffix, in lower case."""
    return without_suffix(name).lower()


def _is_isd(files: Files, name: str) -> bool:
    try:
        return bool(_ISD.search(files.read(name)))
    except CamwatchError:
        return False


def read_part(files: Files, document: str) -> Part:
    """Read the metadata of one image, with its .TIL; `files` holds the members of that image."""
    said = parse_pairs(files.read(document), files.root / document)
    til = next((name for name in files.names if name.lower().endswith(".til")), "")
    if til:
        said = Pairs(said.entries + parse_pairs(files.read(til), files.root / til).entries)
    return Part(document, said, tuple(name for name in files.names if name.lower().endswith(SUFFIXES)), til)


def delivery(document: str) -> str:
    """Return the folder of an image without the last step, which tells multispectral from panchromatic, where it does."""
    folder = folder_of(document)
    return re.sub(r"[^/]*_(MUL|PAN)/$", "", folder, flags=re.IGNORECASE)
