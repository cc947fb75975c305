"""DIMAP deliveries: SPOT 1 to 5 (version 1, `camwatch.scenes.spot`), Pléiades, Pléiades Neo, SPOT 6 and 7 (version 2, `camwatch.scenes.airbus`).

One document (METADATA.DIM, DIM_*.XML) describes one image. A bundle holds two of the same moment, a panchromatic and a multispectral one: that is
one acquisition, and one Item with all bands, `pan` on its finer grid, as Landsat has it. Two documents are a bundle when one volume document lists
both, or, where there is none, when they lie in one folder or in sibling folders; and when they name the same satellite and times within five seconds.
Stereo looks are taken further apart, and stay products of their own.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from camwatch.errors import SceneError
from camwatch.scenes.airbus import read_dimap2
from camwatch.scenes.build import build_item
from camwatch.scenes.dates import parse_time
from camwatch.scenes.dimap_parts import RASTERS, Document
from camwatch.scenes.product import Family, Found, base_of, folder_of
from camwatch.scenes.spot import read_dimap1

if TYPE_CHECKING:
    from datetime import datetime

    import pystac

    from camwatch.scenes.build import Facts, Layer
    from camwatch.scenes.files import Files
    from camwatch.scenes.product import Given

TOGETHER_S = 5.0
"""Seconds between the panchromatic and the multispectral image of one acquisition, at most."""

_DOCUMENT = re.compile(r"(?:.*\.dim|dim_.*\.xml)$", re.IGNORECASE)
_VOLUME = re.compile(r"(?:vol_.*|.*_vol)\.xml$", re.IGNORECASE)
_HREF = re.compile(r"\bhref\s*=\s*[\"']([^\"'<>]*)[\"']")
_BELOW = ("library/", "lineage/", "masks/")


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a look at a document tells without parsing it; a damaged one tells less."""

    name: str
    mission: str
    when: datetime | None
    single: bool
    old: bool
    refers: frozenset[str]


def find_dimap(files: Files) -> list[Found]:
    """Return one product for each document, or pair of documents that are a bundle, with the files that they name."""
    volumes = [name for name in files.names if _VOLUME.match(base_of(name))]
    documents = [seen for name in files.names if _DOCUMENT.match(base_of(name)) and (seen := _look(files, name)) is not None]
    if not documents:
        return []
    listed = {name: _refers(files, name, _text(files, name)) for name in volumes}
    below = {folder_of(name) for name in (*volumes, *(seen.name for seen in documents))}
    extras = [name for name in files.names if any(name.startswith(folder) and name[len(folder) :].lower().startswith(_BELOW) for folder in below)]
    products = []
    for group in _bundles(documents, listed):
        folders = {folder_of(seen.name) for seen in group}
        own = [volume for volume, names in listed.items() if any(seen.name in names for seen in group)]
        folders |= {folder_of(volume) for volume in own}
        members = {*(seen.name for seen in group), *own, *chain.from_iterable(seen.refers for seen in group)}
        members |= {name for volume in own for name in listed[volume] if not _DOCUMENT.match(base_of(name))}
        members |= {name for name in extras if any(name.startswith(folder) for folder in folders)}
        products.append(Found(group[0].name, frozenset(members), folder=group[0].old))
    return products


def _look(files: Files, name: str) -> _Seen | None:
    """Return what can be seen of a document; None where a `.dim` is another software's (SNAP writes BEAM-DIMAP)."""
    text = _text(files, name)
    sure = base_of(name).lower() == "metadata.dim" or not name.lower().endswith(".dim")
    if "BEAM-DATAMODEL" in text or (not sure and "<Dimap_Document" not in text):
        return None
    old = name.lower().endswith(".dim")
    refers = _refers(files, name, text)
    if old:
        beside = [other for other in files.names if folder_of(other) == folder_of(name) and other.lower().endswith(RASTERS)]
        lone = len(beside) == 1 and "DATA_FILE_PATH" not in text
        refers |= {other for other in beside if lone or base_of(other).upper().startswith("IMAGERY.")}
    mission = _tag(text, "MISSION") + _tag(text, "MISSION_INDEX")
    when = parse_time(f"{_tag(text, 'IMAGING_DATE')}T{_tag(text, 'IMAGING_TIME')}")
    return _Seen(name, mission, when, _tag(text, "NBANDS") == "1", old, refers)


def _text(files: Files, name: str) -> str:
    try:
        return files.read(name).decode("utf-8", "replace")
    except SceneError:
        return ""  # `read` meets the same error, and says it


def _tag(text: str, tag: str) -> str:
    found = re.search(rf"<{tag}>\s*([^<]{{0,64}}?)\s*</", text)
    return found[1] if found else ""


def _refers(files: Files, name: str, text: str) -> frozenset[str]:
    wanted = {posixpath.normpath(folder_of(name) + href.replace("\\", "/")).lower() for href in _HREF.findall(text)}
    return frozenset(other for other in files.names if other.lower() in wanted)


def _bundles(documents: list[_Seen], listed: dict[str, frozenset[str]]) -> list[list[_Seen]]:
    """Return the documents alone or in pairs, the multispectral one first."""

    def beside(seen: _Seen) -> object:
        volume = next((volume for volume, names in listed.items() if seen.name in names), None)
        return volume or (folder_of(folder_of(seen.name)[:-1]) if folder_of(seen.name) else "")

    groups = [[seen] for seen in documents if not seen.single]
    for pan in (seen for seen in documents if seen.single):
        near = [
            (abs((pan.when - group[0].when).total_seconds()), n)
            for n, group in enumerate(groups)
            if len(group) == 1 and not group[0].single and not group[0].old and not pan.old
            if pan.when is not None and group[0].when is not None
            if pan.mission == group[0].mission
            if beside(pan) == beside(group[0]) or folder_of(pan.name) == folder_of(group[0].name)
        ]
        if near and min(near)[0] <= TOGETHER_S:
            groups[min(near)[1]].append(pan)
        else:
            groups.append([pan])
    return groups


def read_dimap(files: Files, name: str, given: Given = None) -> pystac.Item:
    """Return the Item of one DIMAP product; `name` is its document, the multispectral one of a bundle.

    Raises
    ------
    SceneError
        When a document is damaged or states no date, a raster is not there or cannot be opened, or nothing places it.
    """
    if name.lower().endswith(".dim"):
        document = read_dimap1(files, name, given)
        return build_item(document.facts, document.layers)
    others = [other for other in files.names if other != name and _DOCUMENT.match(base_of(other)) and not other.lower().endswith(".dim")]
    return build_item(*_joined([read_dimap2(files, one, given) for one in (name, *others)]))


def _joined(documents: list[Document]) -> tuple[Facts, tuple[Layer, ...]]:
    """Return what the documents of one acquisition say together; values stay digital numbers unless all are calibrated alike."""
    facts = documents[0].facts
    layers = tuple(layer for document in documents for layer in document.layers)
    errors = [document.facts.position_error_m for document in documents if document.facts.position_error_m is not None]
    if len({document.facts.calibration for document in documents}) > 1:
        layers = tuple(replace(layer, channels=tuple(replace(c, scale=1.0, offset=0.0) for c in layer.channels)) for layer in layers)
        facts = replace(facts, calibration="dn")
    earliest = min((document.facts for document in documents), key=lambda one: one.acquired)
    return replace(facts, acquired=earliest.acquired, position_error_m=max(errors, default=None)), layers


DIMAP = Family("dimap", find_dimap, read_dimap, alone=True)
