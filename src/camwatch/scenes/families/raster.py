"""Plain rasters: GeoTIFF, COG, JPEG 2000, ENVI, and pictures with a world file; with a STAC Item beside them or without."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from camwatch.errors import SceneError
from camwatch.scenes import dates
from camwatch.scenes.access.files import base_of
from camwatch.scenes.access.gdal import Header, read_header
from camwatch.scenes.bands import alpha_bands, name_bands
from camwatch.scenes.build import build_item, refuse_unplaced
from camwatch.scenes.facts import Channel, Facts, Layer
from camwatch.scenes.layers import ORDER
from camwatch.scenes.product import Found
from camwatch.scenes.rpc import locate, rpc_beside
from camwatch.scenes.sane import sensible

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import pystac

    from camwatch.scenes.access.files import Files
    from camwatch.scenes.product import Given

SUFFIXES = (".tif", ".tiff", ".jp2", ".img", ".png", ".jpg", ".jpeg")
ENVI_SUFFIXES = ("", ".dat", ".img", ".raw", ".bsq", ".bil", ".bip")

_NO_SCENE = re.compile(r"(_udm2?|_thumb_(large|small)|_pvi|_browse)$", re.IGNORECASE)
"""Stems of companions that are no scenes of their own: usable-data masks, previews."""

_SUN = (("sunazimuth", "viewsunazimuth", "meansunaz", "solarazimuth"), ("sunelevation", "viewsunelevation", "meansunel", "solarelevation"))
_OFF_NADIR = ("offnadirangle", "offnadir", "viewoffnadir", "meanoffnadirviewangle")
_PLATFORM = ("platform", "satellite", "satelliteid", "sensor", "spacecraftid", "sensortype")


def stem_of(name: str) -> str:
    """Return a member's name without a raster suffix; a dot in a name without suffix stays."""
    low = name.lower()
    return next((name[: -len(suffix)] for suffix in SUFFIXES if low.endswith(suffix)), name)


def sidecars(name: str) -> tuple[str, ...]:
    """Return the names of what may lie beside the raster `NAME.tif` and tell of it: a STAC Item, rational polynomials."""
    return (*_items(name), *rpc_beside(name))


def _items(name: str) -> tuple[str, str]:
    return f"{stem_of(name)}.json", f"{name}.json"


def sidecar_of(files: Files, name: str) -> tuple[str | None, dict[str, Any]]:
    """Return the STAC Item beside a raster with its member name; (None, {}) where there is none or the JSON is something else."""
    for wanted in _items(name):
        document = stac_document(files, wanted) if wanted in files.names else None
        if document is not None:
            return wanted, document
    return None, {}


def stac_document(files: Files, name: str) -> dict[str, Any] | None:
    """Return the STAC Item in a JSON member; None where it is no STAC Item."""
    document = json_of(files, name)
    return document if is_item(document) else None


def json_of(files: Files, name: str) -> Any:
    """Return what a JSON member holds; None where it is no JSON."""
    try:
        return json.loads(files.read(name))
    except (ValueError, RecursionError):
        return None


def is_item(document: Any) -> bool:
    """Whether a JSON value is a STAC Item."""
    if not isinstance(document, dict) or not isinstance(document.get("properties"), dict):
        return False
    return document.get("type") == "Feature" and "stac_version" in document


def find_rasters(files: Files) -> list[Found]:
    """Return every raster, with what lies beside it and tells of it."""
    there = frozenset(files.names)
    return [Found(name, frozenset({name, *sidecars(name)}) & there) for name in files.names if _may_be_scene(name, there)]


def _may_be_scene(name: str, there: frozenset[str]) -> bool:
    if base_of(name).startswith(".") or _NO_SCENE.search(stem_of(name)):
        return False
    if name.lower().endswith(SUFFIXES):
        return True
    # An ENVI raster has any suffix or none; the header beside it gives it away.
    suffix = PurePosixPath(name).suffix.lower()
    bases = (name, name[: len(name) - len(suffix)])
    return suffix in ENVI_SUFFIXES and any(f"{base}{header}" in there for base in bases for header in (".hdr", ".HDR"))


def read_raster(files: Files, name: str, given: Given) -> pystac.Item:
    """Return the Item of one raster; where it has no map grid, its rational polynomials place it.

    The date is, in this order: the given one; that of a STAC Item beside the raster; of the tags; of the product named in the band descriptions; of
    the file name.

    Raises
    ------
    SceneError
        When the raster cannot be opened, has no georeference, no date, or no imagery in it.
    """
    href = files.href(name)
    header = read_header(href, companions=True)
    located = None if header.georeferenced else locate(files, name, header)
    if located is None:
        refuse_unplaced(header, href)
    _refuse_no_imagery(header, href)
    beside, sidecar = sidecar_of(files, name)
    with sensible("STAC Item beside the raster", href):
        facts, channels = _described(header, sidecar, name.rsplit("/", 1)[-1], given, href)
    placed = None if located is None else located.geobox
    layers = [replace(layer, placed=placed) for layer in (Layer("image", href, channels, header=header), *_masks(href, header))]
    if beside is not None:
        layers.append(Layer("stac", files.href(beside), metadata=True))
    if located is not None:
        facts = replace(facts, position_error_m=located.position_error_m, more=located.more)
        layers += [Layer("rpc", files.href(located.source), metadata=True)] if located.source else []
    return build_item(facts, layers)


def _described(header: Header, sidecar: Mapping[str, Any], file: str, given: Given, href: str) -> tuple[Facts, tuple[Channel, ...]]:
    """Return what the raster and the Item beside it say."""
    said: Mapping[str, Any] = sidecar.get("properties", {})
    when, source = _date(header, said, file, given, href)
    names = _sidecar_names(sidecar, file, header) or name_bands(header)
    channels = tuple(Channel(names[n], header.scales[n], header.offsets[n], header.nodata[n]) for n in range(header.count))
    tags = {re.sub(r"[^a-z0-9]", "", key.lower()): value for key, value in (*header.tags.items(), *said.items()) if value is not None}
    azimuth, elevation = _number(tags, _SUN[0]), _number(tags, _SUN[1])
    facts = Facts(
        id=stem_of(file),
        family="raster",
        acquired=when,
        date_source=source,
        calibration=str(said.get("camwatch:calibration") or _calibration(header)),
        simulated=_simulated(header, said),
        sun=None if azimuth is None or elevation is None else (azimuth % 360, elevation),
        off_nadir=_number(tags, _OFF_NADIR),
        gsd=float(said["gsd"]) if said.get("gsd") else None,
        platform=str(next((tags[key] for key in _PLATFORM if tags.get(key)), "")).lower().replace("_", "-").replace(" ", "-"),
        instrument=str((said.get("instruments") or [""])[0]),
    )
    return facts, channels


def _masks(href: str, header: Header) -> list[Layer]:
    alpha = [Layer("alpha", href, mask="alpha", index=n, header=header) for n in alpha_bands(header)]
    return alpha + ([Layer("internal", href, mask="internal", header=header)] if header.per_dataset_mask else [])


def _refuse_no_imagery(header: Header, href: str) -> None:
    if "palette" in header.roles:
        raise SceneError("raster holds classes or a palette, not imagery", where=href, expected="digital numbers or reflectance")
    if header.dtype.startswith("complex"):
        raise SceneError("raster holds complex numbers", where=href, got=header.dtype, expected="an optical image")


def _date(header: Header, said: Mapping[str, Any], name: str, given: Given, href: str) -> tuple[datetime, str]:
    if given is not None:
        return dates.given_time(given, href), "argument"
    stated = dates.from_properties(said)
    if stated is not None:
        return stated, "STAC Item beside the raster"
    tagged = dates.from_tags(header.tags)
    if tagged is not None:
        return tagged[0], f"tag {tagged[1]}"
    described = dates.from_descriptions(header.descriptions)
    if described is not None:
        return described, "product named in the band descriptions"
    named = dates.from_name(stem_of(name))
    if named is not None:
        return named, "file name"
    raise SceneError(
        "raster does not tell when it was taken",
        where=href,
        expected="a date in its tags, its name or a STAC Item beside it",
        remedy="put it in the name (NAME_YYYYMMDD), put NAME.json beside it, or give --before-date / --after-date YYYY-MM-DD",
    )


def _sidecar_names(sidecar: Mapping[str, Any], file: str, header: Header) -> tuple[str, ...] | None:
    """Return the band names that the Item beside the raster gives it, when there is one for each band."""
    for asset in sidecar.get("assets", {}).values():
        if str(asset.get("href", "")).rsplit("/", 1)[-1] != file:
            continue
        names = tuple(name_of(band) for band in asset.get("bands") or asset.get("eo:bands") or [])
        if len(names) == header.count and all(names) and len(set(names)) == len(names):
            return tuple("" if n + 1 in alpha_bands(header) else names[n] for n in range(header.count))
    return None


def name_of(band: Mapping[str, Any]) -> str:
    """Return the name of a STAC band entry: its common name, else its own name where that is one of ours."""
    common = str(band.get("eo:common_name") or band.get("common_name") or "")
    own = str(band.get("name") or "")
    return common or (own if own.lower() in ORDER or re.fullmatch(r"b\d+", own) else "")


def _calibration(header: Header) -> str:
    """A declared scale of the order of 1/10000 says reflectance; which one, only the text can tell."""
    if not 0 < header.scales[0] < 0.01:
        return "dn"
    text = " ".join([*header.descriptions, *header.tags.values()]).lower()
    return "surface reflectance" if re.search(r"surface|\bsr\b|\bboa\b|level-?2|\bl2", text) else "toa reflectance"


def _simulated(header: Header, said: Mapping[str, Any]) -> bool:
    tagged = header.tags.get("camwatch:simulated", "").lower() in ("true", "yes", "1")
    return bool(said.get("camwatch:simulated")) or tagged or "SIMULATED" in header.tags.get("TIFFTAG_IMAGEDESCRIPTION", "").upper()


def _number(tags: Mapping[str, Any], keys: tuple[str, ...]) -> float | None:
    for key in keys:
        try:
            return float(tags[key])
        except (KeyError, ValueError, TypeError):
            continue
    return None
