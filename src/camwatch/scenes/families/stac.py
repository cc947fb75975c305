"""A STAC Item, or an ItemCollection of several, beside its rasters."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from camwatch.errors import SceneError
from camwatch.scenes.access.gdal import read_header
from camwatch.scenes.bands import alpha_bands, name_bands
from camwatch.scenes.build import build_item
from camwatch.scenes.dates import from_properties
from camwatch.scenes.facts import Channel, Facts, Layer
from camwatch.scenes.families.raster import SUFFIXES, is_item, json_of, name_of, sidecars
from camwatch.scenes.flags import FLAGS, Flag
from camwatch.scenes.product import Family, Found
from camwatch.scenes.sane import sensible

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pystac

    from camwatch.scenes.access.files import Files
    from camwatch.scenes.product import Given

CATALOGUE_MARK = "camwatch:catalogue"
"""Member of an ItemCollection that lists scenes where they lie, products themselves: what `camwatch scenes scan --out` writes."""

_NO_DATA_ROLES = {"thumbnail", "overview", "visual", "metadata"}


def member_of(files: Files, item_name: str, href: str) -> str | None:
    """Return the member that an asset's relative href names; None for what is remote or not there."""
    if "://" in href or href.startswith(("/vsi", "/")):
        return None
    member = posixpath.normpath(posixpath.join(posixpath.dirname(item_name), href))
    return member if member in files.names else None


def find_stac(files: Files) -> list[Found]:
    """Return one product for each STAC Item with the rasters that it names; an Item named like a raster is read with that raster.

    The Items of an ItemCollection are told apart by their place in it: `collection.json#2`.
    """
    beside = {candidate for name in files.names if name.lower().endswith((*SUFFIXES, ".json")) for candidate in sidecars(name)}
    products = []
    for name in files.names:
        if not name.lower().endswith((".json", ".geojson")) or name in beside:
            continue
        for key, document in _documents(files, name).items():
            owned = (member_of(files, name, str(asset.get("href", ""))) for asset in _assets(document).values())
            products.append(Found(key, frozenset(member for member in owned if member is not None) | {name}))
    return products


def _documents(files: Files, name: str) -> dict[str, dict[str, Any]]:
    """Return the Items in a JSON member by the name of the product: one, several of a collection, or none."""
    document = json_of(files, name)
    if is_item(document):
        return {name: document}
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or document.get(CATALOGUE_MARK) is True:
        return {}
    return {f"{name}#{n}": feature for n, feature in enumerate(features, 1) if is_item(feature)}


def _assets(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the assets that are as STAC wants them; others are no files that one could name."""
    assets = document.get("assets")
    return {key: asset for key, asset in assets.items() if isinstance(asset, dict)} if isinstance(assets, dict) else {}


def read_stac(files: Files, name: str, _given: Given = None) -> pystac.Item:
    """Return our Item for a STAC Item whose rasters lie beside it; remote assets are left out.

    Raises
    ------
    SceneError
        When the JSON is no STAC Item, has no datetime, or none of its rasters is here.
    """
    with sensible("STAC Item", files.root / name):
        facts, layers = _described(files, name)
    return build_item(facts, layers)


def _described(files: Files, name: str) -> tuple[Facts, list[Layer]]:
    """Return what an Item says of itself and of its rasters."""
    where = str(files.root / name)
    file = name if name in files.names else name.rpartition("#")[0]
    document = _documents(files, file).get(name)
    if document is None:
        raise SceneError("JSON is no STAC Item", where=where, expected="type Feature with stac_version")
    said: dict[str, Any] = document.get("properties", {})
    when = from_properties(said)
    if when is None:
        raise SceneError("STAC Item has no datetime", where=where, expected="properties.datetime, ISO 8601")
    layers = []
    for key, asset in _assets(document).items():
        member = member_of(files, file, str(asset.get("href", "")))
        if member is not None and member.lower().endswith(SUFFIXES) and not _no_data(key, asset):
            layers += _layers(files, member, key, asset)
    if not any(channel.name for layer in layers for channel in layer.channels):
        raise SceneError("STAC Item without pixels: none of its rasters is here", where=where, remedy="download its assets beside it")
    layers.append(Layer("stac", files.href(file), metadata=True))
    azimuth, elevation = (said.get(f"view:{key}", said.get(f"eo:{key}")) for key in ("sun_azimuth", "sun_elevation"))
    facts = Facts(
        id=str(document.get("id") or name),
        family="stac",
        acquired=when,
        date_source="STAC Item",
        calibration=_calibration(said, layers),
        simulated=bool(said.get("camwatch:simulated")),
        sun=None if azimuth is None or elevation is None else (float(azimuth) % 360, float(elevation)),
        off_nadir=None if said.get("view:off_nadir") is None else float(said["view:off_nadir"]),
        gsd=float(said["gsd"]) if said.get("gsd") else None,
        position_error_m=float(said["accuracy:geometric_rmse"]) if said.get("accuracy:geometric_rmse") else None,
        platform=str(said.get("platform") or ""),
        instrument=str((said.get("instruments") or [""])[0]),
        more={key: str(said[key]) for key in ("s2:processing_baseline", "processing:level", "camwatch:processing") if said.get(key)},
    )
    return facts, layers


def _no_data(key: str, asset: Mapping[str, Any]) -> bool:
    return bool(_NO_DATA_ROLES & {key, *(asset.get("roles") or [])}) or key.lower().startswith("udm")


def _layers(files: Files, member: str, key: str, asset: Mapping[str, Any]) -> list[Layer]:
    href = files.href(member)
    # Archives call the asset of a quality layer as the layer is called: qa_pixel, SCL, Fmask.
    kind = str(asset.get("camwatch:mask") or key.upper())
    flags = tuple(Flag.from_json(said) for said in asset.get("camwatch:flags", [])) or FLAGS.get(kind, ())
    if flags:
        return [Layer(key, href, mask=kind, index=int(asset.get("camwatch:index", 1)), flags=flags)]
    if "mask" in (asset.get("roles") or []) or "data-mask" in (asset.get("roles") or []):
        return []  # a mask whose meaning nothing tells: masking by guess would hide ground
    header = read_header(href, companions=True)
    bands = asset.get("bands") or asset.get("eo:bands") or []
    rasters = asset.get("raster:bands") or bands
    names = [name_of(band) for band in bands]
    if len(names) != header.count or not all(names) or len(set(names)) != len(names):
        names = list(name_bands(header))
    channels = []
    for n in range(header.count):
        raster = rasters[n] if n < len(rasters) else {}
        nodata = raster.get("nodata", header.nodata[n])
        scale, offset = raster.get("scale", raster.get("raster:scale")), raster.get("offset", raster.get("raster:offset"))
        channels.append(
            Channel(
                names[n],
                float(scale if scale is not None else header.scales[n]),
                float(offset if offset is not None else header.offsets[n]),
                None if nodata is None else float(nodata),
                None if raster.get("camwatch:saturated") is None else float(raster["camwatch:saturated"]),
                int(raster.get("camwatch:number", 0)),
            )
        )
    masks = [Layer(f"{key}-alpha", href, mask="alpha", index=n, header=header) for n in alpha_bands(header) if not names[n - 1]]
    return [Layer(key, href, tuple(channels), header=header), *masks]


def _calibration(said: Mapping[str, Any], layers: list[Layer]) -> str:
    if said.get("camwatch:calibration"):
        return str(said["camwatch:calibration"])
    scales = [channel.scale for layer in layers for channel in layer.channels if channel.name]
    if not scales or not all(0 < scale < 0.01 for scale in scales):
        return "dn"
    level = str(said.get("processing:level", said.get("landsat:correction", ""))).upper()
    return "surface reflectance" if level.startswith("L2") else "toa reflectance"


STAC = Family("stac", find_stac, read_stac)
