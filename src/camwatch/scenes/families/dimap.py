"""DIMAP deliveries: SPOT 1 to 5 (version 1, module `spot`), Pléiades, Pléiades Neo, SPOT 6 and 7 (version 2, module `airbus`).

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
from camwatch.scenes.access.files import base_of, folder_of
from camwatch.scenes.build import build_item
from camwatch.scenes.dates import parse_time
from camwatch.scenes.families.airbus import read_dimap2
from camwatch.scenes.families.dimap_parts import RASTERS, Document
from camwatch.scenes.families.spot import read_dimap1
from camwatch.scenes.product import Family, Found

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import pystac

    from camwatch.scenes.access.files import Files
    from camwatch.scenes.facts import Facts, Layer
    from camwatch.scenes.product import Given

TOGETHER_S = 5.0
"""Seconds between the panchromatic and the multispectral image of one acquisition, at most."""

_DOCUMENT = re.compile(r"(?:(?!vol_).*\.dim|dim_.*\.xml)$", re.IGNORECASE)
_VOLUME = re.compile(r"(?:vol_.*|.*_vol)\.(?:xml|dim)$", re.IGNORECASE)
_HREF = re.compile(r"href\s*=\s*[\"']([^\"'<>]*)[\"']")
_BELOW = re.compile(r"(?:^|/)((?:library|lineage|masks)/)", re.IGNORECASE)


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
    if not any(_DOCUMENT.match(base_of(name)) for name in files.names):
        return []
    spelled = {name.lower(): name for name in files.names}
    listed = {name: _refers(spelled, name, _text(files, name)) for name in files.names if _VOLUME.match(base_of(name))}
    documents = [seen for name in files.names if _DOCUMENT.match(base_of(name)) and (seen := _look(files, spelled, name)) is not None]
    volumes: dict[str, list[str]] = {}
    for volume, names in listed.items():
        for name in names:
            volumes.setdefault(name, []).append(volume)
    below: dict[str, list[str]] = {}
    for name in files.names:
        found = _BELOW.search(name)
        if found:
            below.setdefault(name[: found.start(1)], []).append(name)
    products = []
    for group in _bundles(documents, volumes):
        own = {volume for seen in group for volume in volumes.get(seen.name, [])}
        members = {*(seen.name for seen in group), *own, *chain.from_iterable(seen.refers for seen in group)}
        members |= {name for volume in own for name in listed[volume] if not _DOCUMENT.match(base_of(name))}
        members |= {name for folder in {folder_of(name) for name in members} for name in below.get(folder, [])}
        products.append(Found(group[0].name, frozenset(members), folder=group[0].old))
    return products


def _look(files: Files, spelled: Mapping[str, str], name: str) -> _Seen | None:
    """Return what can be seen of a document; None where a `.dim` is another software's (SNAP writes BEAM-DIMAP)."""
    text = _text(files, name)
    old = name.lower().endswith(".dim")
    sure = not old or base_of(name).lower() == "metadata.dim"
    if "BEAM-DATAMODEL" in text or (not sure and "<Dimap_Document" not in text):
        return None
    refers = _refers(spelled, name, text)
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
    found = re.search(rf"<{tag}>([^<]{{0,64}})</", text)
    return found[1].strip() if found else ""


def _refers(spelled: Mapping[str, str], name: str, text: str) -> frozenset[str]:
    wanted = (posixpath.normpath(folder_of(name) + href.replace("\\", "/")).lower() for href in _HREF.findall(text))
    return frozenset(spelled[path] for path in wanted if path in spelled)


def _bundles(documents: list[_Seen], volumes: Mapping[str, list[str]]) -> list[list[_Seen]]:
    """Return the documents alone or in pairs, the multispectral one first."""

    def place(seen: _Seen) -> tuple[str, ...]:
        """Two parts of a bundle share one of these: their volumes, or the folder above their own where there is no volume."""
        return tuple(volumes.get(seen.name, ())) or (folder_of(folder_of(seen.name)[:-1]),)

    groups = [[seen] for seen in documents if not seen.single]
    by_place: dict[tuple[str, str], list[list[_Seen]]] = {}
    for group in groups:
        for where in (*place(group[0]), folder_of(group[0].name)):
            by_place.setdefault((where, group[0].mission), []).append(group)
    for pan in (seen for seen in documents if seen.single):
        near: list[tuple[float, list[_Seen]]] = []
        for where in (*place(pan), folder_of(pan.name)):
            for group in by_place.get((where, pan.mission), []):
                apart = None if pan.when is None or group[0].when is None else abs((pan.when - group[0].when).total_seconds())
                if len(group) == 1 and not (group[0].old or pan.old) and apart is not None and apart <= TOGETHER_S:
                    near.append((apart, group))
        if near:
            min(near, key=lambda entry: entry[0])[1].append(pan)
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
    layers = tuple(_keyed([layer for document in documents for layer in document.layers]))
    errors = [document.facts.position_error_m for document in documents if document.facts.position_error_m is not None]
    if len({document.facts.calibration for document in documents}) > 1:
        layers = tuple(replace(layer, channels=tuple(replace(c, scale=1.0, offset=0.0) for c in layer.channels)) for layer in layers)
        facts = replace(facts, calibration="dn")
    earliest = min((document.facts for document in documents), key=lambda one: one.acquired)
    return replace(facts, acquired=earliest.acquired, position_error_m=max(errors, default=None)), layers


def _keyed(layers: list[Layer]) -> list[Layer]:
    """Return the layers with keys of their own: both documents may call a file the same."""
    seen: dict[str, int] = {}
    keyed = []
    for layer in layers:
        seen[layer.key] = seen.get(layer.key, 0) + 1
        keyed.append(layer if seen[layer.key] == 1 else replace(layer, key=f"{layer.key}-{seen[layer.key]}"))
    return keyed


DIMAP = Family("dimap", find_dimap, read_dimap, alone=True)
