"""Harmonized Landsat and Sentinel-2 (HLS) version 2: HLSL30 and HLSS30 granules, one GeoTIFF for each band, as the LP DAAC delivers them.

What is known about a granule stands in the tags of each of its rasters, again in the `.cmr.xml` beside them and, in part, in a STAC Item. Reflectance
of the surface, adjusted to the view from nadir, is 0.0001 · DN; no data is -9999; the quality layer is `Fmask`. HLS Product User Guide, version 2.0.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from camwatch.errors import SceneError
from camwatch.scenes.access.files import base_of, folder_of
from camwatch.scenes.access.gdal import Header, read_header
from camwatch.scenes.access.numbers import finite
from camwatch.scenes.access.xml import parse_xml, text_of
from camwatch.scenes.build import build_item
from camwatch.scenes.dates import parse_time
from camwatch.scenes.facts import Channel, Facts, Layer
from camwatch.scenes.families.raster import stac_document
from camwatch.scenes.product import Family, Found

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pystac

    from camwatch.scenes.access.files import Files
    from camwatch.scenes.product import Given

BANDS: dict[str, dict[str, str]] = {
    "L30": {"B01": "coastal", "B02": "blue", "B03": "green", "B04": "red", "B05": "nir", "B06": "swir16", "B07": "swir22"},
    "S30": {
        "B01": "coastal",
        "B02": "blue",
        "B03": "green",
        "B04": "red",
        "B05": "rededge071",
        "B06": "rededge075",
        "B07": "rededge078",
        "B8A": "nir",
        "B08": "nir_broad",
        "B11": "swir16",
        "B12": "swir22",
    },
}
"""Product → band → name; water vapour, cirrus and thermal bands show no structures and are left out. HLS matches B8A of Sentinel-2 (865 nm, 20 nm
wide) to B05 of Landsat, so that pair bears one name here; B08 is 106 nm wide and is not matched, so it must not pass for the same band."""

_CMR_TIME, _STAC_TIME = "BeginningDateTime", "datetime"
_TIMES = {
    "SENSING_TIME": "SENSING_TIME of the metadata",
    _CMR_TIME: "BeginningDateTime of the CMR record",
    _STAC_TIME: "STAC Item beside the rasters",
}
"""Keys that state a time, the best first, with what an Item says of it. Tags of rasters have keys in capitals."""

SCALE, OFFSET, NODATA = 0.0001, 0.0, -9999.0
"""Of every reflectance band; what the tags state goes before."""

GRID_M = 30.0
"""Both instruments are brought to the grid of Landsat."""

_MEMBER = re.compile(r"(?P<granule>HLS\.(?P<product>[LS]30)\.T\d\d[A-Z]{3}\.(?P<when>\d{7}T\d{6})\.v\d+\.\d+)[._](?P<rest>.+)")
_RASTER = re.compile(r"(?P<band>B\w\w|Fmask)\.tiff?")


def find_hls(files: Files) -> list[Found]:
    """Return one product for each granule that has a raster: all files of one folder whose names begin with its identifier."""
    granules: dict[str, list[str]] = {}
    for name in files.names:
        if said := _MEMBER.fullmatch(base_of(name)):
            granules.setdefault(folder_of(name) + said["granule"], []).append(name)
    found = []
    for members in granules.values():
        rasters = [name for name in members if _band_of(name)]
        if rasters:
            found.append(Found(next((name for name in members if name.endswith(".cmr.xml")), rasters[0]), frozenset(members)))
    return sorted(found, key=lambda product: product.name)


def read_hls(files: Files, name: str, _given: Given = None) -> pystac.Item:
    """Return the Item of one granule; `name` is any member that bears its identifier.

    Raises
    ------
    SceneError
        When a raster or the metadata is damaged, no band of reflectance is there, or nothing states a date.
    """
    where = files.root / name
    rasters = {band: member for member in files.names if (band := _band_of(member))}
    said = _MEMBER.fullmatch(base_of(name))
    if said is None or not rasters:
        raise SceneError("HLS granule without rasters", where=where, expected="files like HLS.L30.T52TEM.2021186T020406.v2.0.B04.tif")
    names = BANDS[said["product"]]
    headers = {band: read_header(files.href(rasters[band])) for band in (*names, "Fmask") if band in rasters}
    if not set(headers) & set(names):
        raise SceneError("HLS granule without a band of reflectance", where=where, got=", ".join(rasters), expected=f"some of {', '.join(names)}")
    # B08 alone is still the best near infrared that there is.
    names = names if "B8A" in headers else {**names, "B08": "nir"}
    layers = [
        Layer(band, files.href(rasters[band]), (_channel(names[band], headers[band]),), header=headers[band]) for band in names if band in headers
    ]
    if "Fmask" in headers:
        layers.append(Layer("fmask", files.href(rasters["Fmask"]), mask="FMASK", header=headers["Fmask"]))
    layers += [Layer(base_of(member).removeprefix(said["granule"]).lstrip("._"), files.href(member), metadata=True) for member in _documents(files)]
    known = _known(files, headers)
    when, source = _acquired(known, said["when"], where)
    return build_item(
        Facts(
            id=said["granule"],
            family="hls",
            acquired=when,
            date_source=source,
            calibration="surface reflectance",
            simulated=any("SIMULATED" in value.upper() for value in known.values()),
            sun=_sun(known, where),
            platform=_platform(known),
            instrument="oli" if said["product"] == "L30" else "msi",
            gsd=GRID_M,
            more=_more(known, said["granule"], where),
        ),
        layers,
    )


def _band_of(name: str) -> str:
    """Return the band (`B04`, `Fmask`) that a member holds; empty for another member."""
    said = _MEMBER.fullmatch(base_of(name))
    raster = _RASTER.fullmatch(said["rest"]) if said else None
    return raster["band"] if raster else ""


def _channel(name: str, header: Header) -> Channel:
    """Return how a band's numbers are meant: by its tags, by its scaling, else as every HLS product has it."""
    tags = {key.lower(): value for key, value in header.tags.items()}
    scale = _number(tags, "scale_factor") or (header.scales[0] if header.scales[0] != 1 else SCALE)
    offset = _number(tags, "add_offset")
    return Channel(name, scale, (header.offsets[0] or OFFSET) if offset is None else offset, NODATA if header.nodata[0] is None else header.nodata[0])


def _documents(files: Files) -> list[str]:
    return [name for name in files.names if name.endswith((".cmr.xml", ".json"))]


def _known(files: Files, headers: Mapping[str, Header]) -> dict[str, str]:
    """Return what is stated about the granule, the STAC Item overruled by the CMR record, both by the rasters' own tags."""
    known: dict[str, str] = {}
    for name in _documents(files):
        properties = (stac_document(files, name) or {}).get("properties") if name.endswith(".json") else None
        if isinstance(properties, dict):
            keys = {_STAC_TIME: "datetime", "MEAN_SUN_AZIMUTH_ANGLE": "view:sun_azimuth", "PLATFORM": "platform"}
            known |= {key: str(properties[theirs]) for key, theirs in keys.items() if properties.get(theirs) is not None}
    for name in _documents(files):
        if name.endswith(".cmr.xml"):
            record = parse_xml(files, name)
            stated = {
                text_of(entry, "Name"): "; ".join(value.text or "" for value in entry.iter("Value")) for entry in record.iter("AdditionalAttribute")
            }
            stated |= {_CMR_TIME: text_of(record, ".//BeginningDateTime"), "PLATFORM": text_of(record, ".//Platform/ShortName")}
            known |= {key: value for key, value in stated.items() if value}
    for header in reversed(list(headers.values())):
        known |= {key.upper(): value for key, value in header.tags.items() if value}
    return known


def _acquired(known: Mapping[str, str], named: str, where: object) -> tuple[datetime, str]:
    """Return when the granule was taken and what says so.

    A granule of Landsat may hold two scenes of one pass, half a minute apart; the earlier counts.
    """
    for key, source in _TIMES.items():
        stated = [when for text in re.split(r"[;,]|\+\s", known.get(key, "")) if (when := parse_time(text)) is not None]
        if stated:
            return min(stated), source
    try:
        return datetime.strptime(named, "%Y%jT%H%M%S").replace(tzinfo=UTC), "file name"
    except ValueError as error:
        raise SceneError("HLS granule states no date", where=where, got=named, expected="the tag SENSING_TIME") from error


def _sun(known: Mapping[str, str], where: object) -> tuple[float, float] | None:
    azimuth, zenith = _number(known, "MEAN_SUN_AZIMUTH_ANGLE"), _number(known, "MEAN_SUN_ZENITH_ANGLE")
    if azimuth is None or zenith is None:
        return None
    if not 0 <= zenith <= 180:
        raise SceneError("metadata states an impossible sun zenith", where=where, got=zenith, expected="0 to 180 degrees")
    return azimuth % 360, 90 - zenith


def _platform(known: Mapping[str, str]) -> str:
    """Return `landsat-8`, `sentinel-2a`, …; empty where nothing tells."""
    if found := re.match(r"L[COTEM]0(\d)_", known.get("LANDSAT_PRODUCT_ID", "")):
        return f"landsat-{found[1]}"
    if found := re.match(r"S(2[A-Z])_", known.get("PRODUCT_URI", "")):
        return f"sentinel-{found[1].lower()}"
    return (known.get("SPACECRAFT_NAME") or known.get("PLATFORM") or "").lower()


def _more(known: Mapping[str, str], granule: str, where: object) -> dict[str, str | float]:
    version = granule.rpartition(".v")[2]
    software = (known.get("ACCODE") or "").split(";")[0].strip()
    said: dict[str, str | float] = {"processing:level": "L3", "camwatch:processing": " ".join(part for part in (f"HLS v{version}", software) if part)}
    incidence = _number(known, "MEAN_VIEW_ZENITH_ANGLE")
    if incidence is not None and not 0 <= incidence <= 90:
        raise SceneError("metadata states an impossible view zenith", where=where, got=incidence, expected="0 to 90 degrees")
    return said if incidence is None else {**said, "view:incidence_angle": incidence}


def _number(known: Mapping[str, str], key: str) -> float | None:
    """Return a finite number that the metadata states; None where there is none: of several, `a; b`, the first."""
    return finite(re.split(r"[;,]", known.get(key, ""))[0])


HLS = Family("hls", find_hls, read_hls, alone=True)
