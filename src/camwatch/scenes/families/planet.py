"""PlanetScope and RapidEye scenes and ortho tiles as Planet delivers them, SkySat where its metadata lies beside it.

A scene is the files of one folder that begin with its identifier: `20170831_172754_101c_3B_AnalyticMS.tif`, `…_metadata.xml`, `…_DN_udm.tif`,
`…_udm2.tif`, `…_metadata.json`. Of several images the surface reflectance is the scene, then the analytic one; `Visual` only where nothing else is
there, as an RGB picture with date and sun from the metadata.

Band order and scaling: Planet Imagery Product Specifications (2021), sections 3 and 4, and the asset tables of the PSScene item type. The analytic
image has no colours in its TIFF tags (GDAL calls its four bands red, green, blue, undefined); they are blue, green, red, near infrared.

Calibration, best first: `_SR` images are surface reflectance times 10,000; analytic images become top-of-atmosphere reflectance with the metadata's
`reflectanceCoefficient` of each band; RapidEye without coefficients by π·L·d² / (EAI·sin(sun elevation)), L = DN · radiometricScaleFactor (EAI:
ibidem, section 4); otherwise digital numbers.

Basic scenes (1B) have no map grid; their rational polynomials place them, with their masks.

Quality: the Usable Data Mask 2 where it is delivered, else the Unusable Data Mask; see `camwatch.scenes.flags`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from camwatch.errors import CamwatchError, SceneError
from camwatch.scenes import dates
from camwatch.scenes.access import jsonvalues
from camwatch.scenes.access.files import base_of, folder_of, without_suffix
from camwatch.scenes.access.gdal import read_header
from camwatch.scenes.access.pairs import LARGEST_GSD_M, Pairs, parse_pairs, sun_of, within
from camwatch.scenes.bands import alpha_bands, name_bands
from camwatch.scenes.build import build_item
from camwatch.scenes.facts import Channel, Facts, Layer
from camwatch.scenes.families.reflectance import reflectance_of_radiance
from camwatch.scenes.flags import UDM2
from camwatch.scenes.product import Family, Found
from camwatch.scenes.rpc import locate

if TYPE_CHECKING:
    from datetime import datetime

    import pystac
    from odc.geo.geobox import GeoBox

    from camwatch.scenes.access.files import Files
    from camwatch.scenes.access.gdal import Header
    from camwatch.scenes.product import Given

BANDS: dict[int, tuple[str, ...]] = {
    3: ("red", "green", "blue"),
    4: ("blue", "green", "red", "nir"),
    5: ("blue", "green", "red", "rededge", "nir"),
    # The third is "green I", 531 nm; the fourth, 565 nm, is the green of all other sensors.
    8: ("coastal", "blue", "b3", "green", "yellow", "red", "rededge", "nir"),
}
"""Number of bands of an analytic image → their names."""

RAPIDEYE_IRRADIANCE = (1997.8, 1863.5, 1560.4, 1395.0, 1124.4)
"""Exo-atmospheric irradiance of the RapidEye bands, W/(m² µm): Planet, RapidEye Imagery Product Specifications (June 2016)."""

FILL = 0.0
SURFACE_SCALE = 1e-4

_SUFFIXES = (".tif", ".tiff")
_WORDS = re.compile(
    "1b|3a|3b|basic|ortho|bgrn|rgb|analytic|analyticms|visual|udm2?|dn|sr|metadata|panchromatic|pansharpened|browse|thumb|composite", re.IGNORECASE
)
"""Words of a file name that follow the scene's identifier."""
_SCENE = re.compile(r"(?:^|/)\d{8}_\d{6}(_\d{2,3})?_(\w{4,5}|ssc\d+_\w+)$")
_ROOT = re.compile(rb"<(ps|re):EarthObservation\b")


@dataclass(frozen=True, slots=True)
class _Said:
    """What the metadata of a scene says, from XML (`said`) and from JSON (`properties`)."""

    said: Pairs
    properties: dict[str, Any]

    def number(self, key: str, *properties: str) -> float | None:
        """Return what the XML says under `key`, else the first of the JSON properties that is a number."""
        found = self.said.number(key) if key else None
        numbers = (jsonvalues.number(self.properties.get(name)) for name in properties)
        return found if found is not None else next((value for value in numbers if value is not None), None)


def scene_of(name: str) -> str:
    """Return a member's folder with the identifier of its scene: the words of the file name before the first that names a file of the scene."""
    stem = without_suffix(base_of(name))
    words = stem.split("_")
    end = next((n for n, word in enumerate(words) if n and _WORDS.fullmatch(word)), len(words))
    return folder_of(name) + "_".join(words[:end])


def find_planet(files: Files) -> list[Found]:
    """Return one product for each scene that has Planet's metadata, or an analytic image with the name of a PlanetScope scene or tile."""
    scenes: dict[str, list[str]] = {}
    for name in files.names:
        scenes.setdefault(scene_of(name), []).append(name)
    products = []
    for scene, members in sorted(scenes.items()):
        images = _images(members)
        document = next((name for name in members if _is_document(files, name)), None)
        named = next((name for name in images if "_analytic" in name.lower() and (_SCENE.search(scene) or "_bgrn_" in name.lower())), None)
        known = document if images or (document or "").lower().endswith(".xml") else None
        if known or named:
            products.append(Found(known or named or "", frozenset(members)))
    return products


def read_planet(files: Files, name: str, given: Given = None) -> pystac.Item:
    """Return the Item of one scene; `name` is its metadata or its analytic image.

    The date is that of the metadata; without metadata the given one, that of the image's tags, or that of its name, in this order.

    Raises
    ------
    SceneError
        When the metadata is damaged, there is no image, or nothing tells the date.
    """
    where = str(files.root / name)
    documents = [member for member in files.names if _is_document(files, member)]
    xml = next((member for member in documents if member.lower().endswith(".xml")), None)
    said = _Said(parse_pairs(files.read(xml), files.root / xml) if xml else Pairs(), _properties(files))
    images = _images(files.names)
    if not images:
        raise SceneError("metadata without pixels: no image of this scene is here", where=where, remedy="keep image and metadata together")
    href = files.href(images[0])
    header = read_header(href)
    when, source = _acquired(said, given, header, images[0], where)
    azimuth = said.number("illuminationAzimuthAngle", "sun_azimuth", "view:sun_azimuth")
    elevation = said.number("illuminationElevationAngle", "sun_elevation", "view:sun_elevation")
    platform = said.said.text("serialIdentifier") or str(said.properties.get("satellite_id") or said.properties.get("platform") or "")
    rapideye = platform.upper().startswith(("RE", "RAPIDEYE"))
    off_nadir = within(said.number("spaceCraftViewAngle", "view_angle", "view:off_nadir"), -90, 90)
    incidence = within(said.number("incidenceAngle", "view:incidence_angle"), -90, 90)
    spacings = (said.number("", "gsd"), said.number("resolution"), said.number("rowGsd"))
    calibration, channels = _channels(images[0], header, said.said, elevation, when if rapideye else None)
    key = "visual" if "_visual" in images[0].lower() else "analytic"
    layers = [Layer(key, href, channels, header=header)]
    layers += [Layer(f"{key}-alpha", href, mask="alpha", index=n, header=header) for n in alpha_bands(header) if key == "visual"]
    layers += [Layer("pan", files.href(member), (Channel("pan", nodata=FILL),)) for member in images[1:] if _is_pan(member)]
    layers += _masks(files)
    located = None if header.georeferenced else locate(files, images[0], header)
    if located is not None:
        layers = [_placed(layer, header, located.geobox) for layer in layers]
        layers += [Layer("rpc", files.href(located.source), metadata=True)] if located.source else []
    layers += [Layer(f"metadata-{n}", files.href(member), metadata=True) for n, member in enumerate((*documents, *_stac(files)), 1)]
    return build_item(
        Facts(
            id=base_of(scene_of(name)),
            family="planet",
            acquired=when,
            date_source=source,
            calibration=calibration,
            simulated=False,
            sun=sun_of(azimuth, elevation),
            off_nadir=None if off_nadir is None else abs(off_nadir),
            gsd=next((gsd for gsd in (within(number, 0.01, LARGEST_GSD_M) for number in spacings) if gsd is not None), None),
            platform=platform.lower(),
            instrument=_instrument(said),
            position_error_m=None if located is None else located.position_error_m,
            more={
                **({} if located is None else located.more),
                "constellation": "rapideye" if rapideye else "skysat" if platform.upper().startswith("SSC") else "planetscope",
                **({} if incidence is None else {"view:incidence_angle": abs(incidence)}),
            },
        ),
        layers,
    )


def _placed(layer: Layer, image: Header, geobox: GeoBox) -> Layer:
    """Return a layer of a basic scene on the grid of its image, where it has the same rows and columns."""
    header = layer.header or read_header(layer.href)
    return replace(layer, header=header, placed=geobox if header.shape == image.shape and not header.georeferenced else None)


def _images(names: list[str] | tuple[str, ...]) -> list[str]:
    """Return the images of a scene: surface reflectance, analytic, old RapidEye images without a word for it, pan, visual; more bands first."""

    def rank(name: str) -> tuple[int, bool, int, str]:
        low = base_of(name).lower()
        kinds = (re.search(r"_sr(_|\.)", low), "analytic" in low, not ("visual" in low or _is_pan(low)), _is_pan(low), True)
        return next(n for n, kind in enumerate(kinds) if kind), "_8b" not in low, len(low), low

    rasters = [name for name in names if name.lower().endswith(_SUFFIXES) and not re.search(r"_(udm2?|browse|thumb)(_|\.)", base_of(name).lower())]
    return sorted(rasters, key=rank)


def _is_pan(name: str) -> bool:
    return "panchromatic" in base_of(name).lower()


def _is_document(files: Files, name: str) -> bool:
    """Whether a member is metadata that Planet writes: XML of its own schema, JSON of its API; damaged JSON is none."""
    low = base_of(name).lower()
    if low.endswith(".xml") and "_metadata" in low:
        try:
            return bool(_ROOT.search(files.read(name)))
        except CamwatchError:
            return False
    return low.endswith("_metadata.json") and "acquired" in _json(files, name)


def _json(files: Files, name: str) -> dict[str, Any]:
    """Return the properties of a JSON feature; an empty mapping for anything else."""
    try:
        return jsonvalues.mapping(jsonvalues.mapping(jsonvalues.parse(files.read(name))).get("properties"))
    except (ValueError, CamwatchError):
        return {}


def _properties(files: Files) -> dict[str, Any]:
    """Return what JSON beside the images says: Planet's own before a STAC Item named like the scene."""
    own = [_json(files, name) for name in files.names if base_of(name).lower().endswith("_metadata.json")]
    found: dict[str, Any] = {}
    for properties in [*(_json(files, name) for name in _stac(files)), *own]:
        found |= properties
    return found


def _stac(files: Files) -> list[str]:
    """Return the STAC Item named like the scene, where there is one."""
    return [name for name in files.names if name == scene_of(name) + ".json" and _json(files, name)]


def _acquired(said: _Said, given: Given, header: Header, image: str, where: str) -> tuple[datetime, str]:
    stated = (
        (said.said.text("acquisitionDateTime"), "metadata acquisitionDateTime"),
        (str(said.properties.get("acquired") or ""), "metadata acquired"),
        (str(said.properties.get("datetime") or ""), "STAC Item beside the image"),
    )
    for text, source in stated:
        if (when := dates.parse_time(text)) is not None:
            return when, source
    if given is not None and (when := dates.as_time(given)) is not None:
        return when, "argument"
    if (tagged := dates.from_tags(header.tags)) is not None:
        return tagged[0], f"tag {tagged[1]}"
    if (when := dates.from_name(base_of(image))) is not None:
        return when, "file name"
    raise SceneError("nothing tells when this scene was taken", where=where, expected="acquisitionDateTime in its metadata", remedy="give the date")


def _channels(image: str, header: Header, said: Pairs, elevation: float | None, rapideye: datetime | None) -> tuple[str, tuple[Channel, ...]]:
    """Return the calibration and the bands of an image; `rapideye` is the time of a RapidEye scene."""
    low = base_of(image).lower()
    if "visual" in low:
        return "dn", tuple(Channel(name, nodata=header.nodata[n]) for n, name in enumerate(name_bands(header)))
    names = ("pan",) if header.count == 1 else BANDS.get(header.count, name_bands(header))
    if re.search(r"_sr(_|\.)", low):
        return "surface reflectance", tuple(Channel(name, SURFACE_SCALE, 0.0, FILL, number=n) for n, name in enumerate(names, 1))
    bands = {int(band.number("bandNumber") or 0): band for _, band in said.sections("bandSpecificMetadata")}
    scales = [bands[n].number("reflectanceCoefficient") for n in range(1, header.count + 1) if n in bands]
    if rapideye and elevation and elevation > 0 and header.count == len(RAPIDEYE_IRRADIANCE) == len(bands) and None in scales:
        radiance = [bands[n].number("radiometricScaleFactor") for n in range(1, header.count + 1)]
        scales = [
            None if gain is None else gain * reflectance_of_radiance(eai, elevation, rapideye)
            for gain, eai in zip(radiance, RAPIDEYE_IRRADIANCE, strict=True)
        ]
    whole = [scale for scale in scales if scale is not None and scale > 0]
    calibrated = len(whole) == header.count and header.dtype == "uint16"
    numbers = whole if calibrated else [1.0] * header.count
    channels = tuple(Channel(name, numbers[n], 0.0, FILL, number=n + 1) for n, name in enumerate(names))
    return "toa reflectance" if calibrated else "dn", channels


def _masks(files: Files) -> list[Layer]:
    """Return the layers of the Usable Data Mask 2, without it the Unusable Data Mask."""
    rasters = sorted((name for name in files.names if name.lower().endswith(_SUFFIXES)), key=lambda name: (len(name), name))
    second = next((name for name in rasters if re.search(r"_udm2(_|\.)", base_of(name).lower())), None)
    if second is not None:
        href = files.href(second)
        header = read_header(href)
        return [Layer(f"udm2-{n}", href, mask="UDM2", index=n, flags=flags, header=header) for n, flags in UDM2.items() if n <= header.count]
    first = next((name for name in rasters if re.search(r"_udm(_|\.)", base_of(name).lower())), None)
    return [] if first is None else [Layer("udm", files.href(first), mask="UDM")]


def _instrument(said: _Said) -> str:
    stated = next((part.text("shortName") for _, part in said.said.sections("Instrument")), "")
    listed = said.properties.get("instruments")
    return (stated or str(said.properties.get("instrument") or (listed[0] if isinstance(listed, list) and listed else ""))).lower()


PLANET = Family("planet", find_planet, read_planet, alone=True)
