"""DIMAP 1 scenes: SPOT 1 to 5 as the SPOT World Heritage archive (L1A) and Spot Image (1A, 1B, 2A, 2B, 3) delivered them.

Sources: the DIMAP 1.1 dictionary of Spot Image (profiles SPOTSCENE and SPOTVIEW), and for what it leaves open:

- **Where the ground lies.** "About 500 m RMS for SPOT 1-2-3, 200 m for SPOT 4 and 50 m for SPOT 5" (CNES, Spot World Heritage,
  https://spot.cnes.fr/en/spot-world-heritage-0) for levels 1A, 1B and 2A, none of which knows ground control. Levels 2B and 3 do: 20 m RMS (CRISP,
  "SPOT Level 2B").
- **Level 1A and 1B are not map projected.** Their pixels are placed by the affine grid that fits the product's own location model best (a polynomial
  of second order, checked against the tie points), else the tie points and the scene centre, else the frame's corners. The scan of a whole 60 km
  scene bends away from any affine by 140 to 250 m RMS (two real headers), and by 340 to 570 m from the one through its corners, whose residual shows
  nothing of it. The Item's position error therefore is the root of the sum of squares of the archive's figure and this misfit, rounded to the two
  digits that the archive's figure has.
- **Band order.** `Spectral_Band_Info` tells it by BAND_INDEX. Many headers list XS1, XS2, XS3 although the file holds XS3, XS2, XS1; they tell it by
  a display order of 1, 2, 3 for red, green, blue, because the SPOT composite shows XS3 (near infrared) as red.
- **Radiance** L = DN / PHYSICAL_GAIN + PHYSICAL_BIAS, W/(m² sr µm); reflectance follows where the header states the solar irradiance of each band.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from camwatch.errors import SceneError
from camwatch.scenes.access.files import base_of, folder_of
from camwatch.scenes.access.gdal import Header, read_header
from camwatch.scenes.access.xml import parse_bytes, text_of
from camwatch.scenes.bands import common_name
from camwatch.scenes.facts import Channel, Facts, Layer
from camwatch.scenes.families.dimap_parts import (
    FAR,
    RASTERS,
    Document,
    acquisition,
    epsg,
    identifier,
    inserted,
    lonlat_of,
    member,
    off_nadir,
    size_of,
    special_values,
    stated,
    sun_of,
    times,
    to_reflectance,
)
from camwatch.scenes.placement import Located, fitted, part, spread

if TYPE_CHECKING:
    from datetime import datetime
    from xml.etree.ElementTree import Element  # for the type checker only; nothing is parsed with it

    from camwatch.scenes.access.files import Files
    from camwatch.scenes.product import Given

ARCHIVE_M = {"1": 500.0, "2": 500.0, "3": 500.0, "4": 200.0, "5": 50.0}
"""SPOT → root mean square position error of levels 1A, 1B and 2A, metres."""

CONTROLLED_M = 20.0
"""Of levels 2B and 3, which are tied to ground control."""

ALTITUDE_M = 822_000.0
"""Of SPOT 1 to 5."""

MODEL_DEG = 1e-3
"""A location model that misses a point known from the same metadata by more (100 m) counts from another origin or has its terms in another order."""

_STRIP = (b"Ephemeris", b"Satellite_Attitudes", b"Sensor_Configuration", b"Frame_Counters", b"Models", b"Calibration", b"Spectral_Sensitivities")
_NUMBERED = {"1": "green", "2": "red", "3": "nir", "4": "swir16"}
_SPECTRAL = ["green", "red", "nir"]


def read_dimap1(files: Files, name: str, given: Given) -> Document:
    """Read one DIMAP 1 document with its raster.

    Raises
    ------
    SceneError
        When the metadata is damaged or states no date, the raster is not there, cannot be opened, or nothing places it.
    """
    where = files.root / name
    data = _without_strip(files.read(name))
    root = parse_bytes(data, where)
    sources = root.findall(".//Scene_Source")
    when, date_source, more = acquisition(times(sources), given, where)
    source = sources[0] if sources else root
    level = text_of(root, ".//Data_Processing/PROCESSING_LEVEL") or text_of(source, "SCENE_PROCESSING_LEVEL")
    sun, incidence = sun_of(source), stated(source, "INCIDENCE_ANGLE")
    mission, index = text_of(source, "MISSION"), text_of(source, "MISSION_INDEX")
    rasters = [(raster, read_header(files.href(raster))) for raster in _rasters(files, name, root)]
    scaled, channels = _channels(root, [header.count for _, header in rasters], mission, when, sun)
    layers = []
    bend = 0.0
    for (raster, header), own in zip(rasters, channels, strict=True):
        whole = None if header.georeferenced else _placed(root, header, where)
        size = size_of(root) or header.shape
        box = None if whole is None else part(whole.geobox, (0, 0), size, header.shape, files.root / raster)
        layers.append(Layer("image" if len(rasters) == 1 else base_of(raster), files.href(raster), own, header=header, placed=box))
        more |= {} if whole is None else whole.more
        bend = max(bend, 0.0 if whole is None else whole.error_m or 0.0)
    layers.append(Layer("dim", files.href(name), metadata=True))
    facts = Facts(
        id="_".join(
            filter(None, (identifier(text_of(root, ".//SOURCE_ID"), text_of(root, ".//DATASET_NAME"), f"dimap_{when:%Y%m%dT%H%M%S}"), level))
        ),
        family="dimap",
        acquired=when,
        date_source=date_source,
        calibration="toa reflectance" if scaled else "dn",
        simulated=b"SIMULATED" in data.upper(),
        sun=sun,
        off_nadir=off_nadir(stated(source, "VIEWING_ANGLE"), incidence, ALTITUDE_M),
        platform="-".join(filter(None, (mission, index))).lower().replace(" ", "-"),
        instrument=(text_of(source, "INSTRUMENT") + text_of(source, "INSTRUMENT_INDEX")).lower(),
        position_error_m=_position_error(mission, index, level, bend),
        more={**more, "processing:level": level} | ({} if incidence is None else {"view:incidence_angle": abs(incidence)}),
    )
    return Document(facts, tuple(layers))


def _without_strip(data: bytes) -> bytes:
    """Return a document without the orbit, attitude and detector tables of its data strip: most of its megabytes, and not used here."""
    for tag in _STRIP:
        start, end = b"<" + tag + b">", b"</" + tag + b">"
        kept, at = [], 0
        while (first := data.find(start, at)) >= 0 and (last := data.find(end, first)) >= 0:
            kept.append(data[at:first])
            at = last + len(end)
        data = b"".join([*kept, data[at:]])
    return data


def _rasters(files: Files, name: str, root: Element) -> list[str]:
    """Return the members with the pixels: those that the document names; where it names none, IMAGERY beside it, or the only raster there."""
    hrefs = [element.get("href", "") for element in root.iter("DATA_FILE_PATH")]
    found = [raster for raster in (member(files, name, href) for href in hrefs) if raster is not None]
    if not hrefs:
        beside = [other for other in files.names if folder_of(other) == folder_of(name) and other.lower().endswith(RASTERS)]
        found = [other for other in beside if base_of(other).upper().startswith("IMAGERY.")] or beside
    if not found or (not hrefs and len(found) > 1):
        got = ", ".join(hrefs)[:120] or f"{len(found)} rasters beside it"
        raise SceneError("DIMAP metadata without its pixels", where=files.root / name, got=got, expected="IMAGERY.TIF beside it")
    return found


def _channels(
    root: Element, counts: list[int], mission: str, when: datetime, sun: tuple[float, float] | None
) -> tuple[bool, list[tuple[Channel, ...]]]:
    """Return whether the channels are scaled to reflectance, and those of each file."""
    bands = _in_file_order(_listed(root, mission), root)
    total = sum(counts)
    if len(bands) != total:
        bands = [("", None, None, None)] * total
    nodata, saturated = special_values(root.find(".//Image_Display"), "SPECIAL_VALUE_INDEX")
    found = [to_reflectance(gain, bias, irradiance, when, sun) for _, gain, bias, irradiance in bands]
    factors = [factor for factor in found if factor is not None]
    scaled = len(factors) == total
    names = [name or ("pan" if total == 1 else "") for name, *_ in bands]
    made = [
        Channel(name if name and names.count(name) == 1 else f"b{n + 1}", *(factors[n] if scaled else (1.0, 0.0)), nodata, saturated)
        for n, name in enumerate(names)
    ]
    starts = np.cumsum([0, *counts]).tolist()
    return scaled, [tuple(made[a:b]) for a, b in pairwise(starts)]


_Band = tuple[str, float | None, float | None, float | None]  # common name, gain, bias, solar irradiance


def _listed(root: Element, mission: str) -> list[_Band]:
    """Return what the document says of each band, by BAND_INDEX where that numbers them, else as they stand."""
    irradiance = {text_of(element, "BAND_INDEX"): stated(element, "SOLAR_IRRADIANCE_VALUE") for element in root.iter("Band_Solar_Irradiance")}
    entries = root.findall(".//Spectral_Band_Info")
    numbers = [stated(entry, "BAND_INDEX") for entry in entries]
    if sorted(n or 0 for n in numbers) == list(range(1, len(entries) + 1)):
        entries.sort(key=lambda entry: stated(entry, "BAND_INDEX") or 0)
    return [
        (
            _common(text_of(entry, "BAND_DESCRIPTION"), mission),
            stated(entry, "PHYSICAL_GAIN"),
            stated(entry, "PHYSICAL_BIAS"),
            irradiance.get(text_of(entry, "BAND_INDEX")),
        )
        for entry in entries
    ]


def _common(description: str, mission: str) -> str:
    """Return the common name of `XS3`, `XI 2`, `B1`, `SWIR`, `PAN`, …; numbers mean colours only in SPOT's own scheme."""
    word = description.upper().strip()
    if mission.upper() == "SPOT":
        numbered = re.fullmatch(r"(?:XS|XI|X|B|BAND|S)[ _-]?([1-4])", word)
        if numbered:
            return _NUMBERED[numbered[1]]
        if word in ("SWIR", "MIR"):
            return "swir16"
        if word in ("P", "M", "A", "B", "T", "HM", "HMA", "HMB", "THR", "PAN"):
            return "pan"
    return common_name(description)


def _in_file_order(bands: list[_Band], root: Element) -> list[_Band]:
    shown = [stated(root, f".//Band_Display_Order/{colour}_CHANNEL") for colour in ("RED", "GREEN", "BLUE")]
    if [name for name, *_ in bands[:3]] == _SPECTRAL and shown == [1, 2, 3]:
        return [bands[2], bands[1], bands[0], *bands[3:]]
    return bands


def _placed(root: Element, header: Header, where: object) -> Located | None:
    """Return the grid of an image whose file has none, from the best that the metadata offers."""
    shape = size_of(root) or header.shape
    crs = epsg(text_of(root, ".//HORIZONTAL_CS_CODE"), where)
    kind = text_of(root, ".//Raster_CS/RASTER_CS_TYPE").upper()
    if (whole := inserted(root, shape, crs, centre=kind == "POINT")) is not None:
        return whole
    ties = _points(root.iter("Tie_Point"), ("TIE_POINT_DATA_X", "TIE_POINT_DATA_Y", "TIE_POINT_CRS_X", "TIE_POINT_CRS_Y"))
    frame = root.find("Dataset_Frame")
    tags = ("FRAME_COL", "FRAME_ROW", "FRAME_LON", "FRAME_LAT")
    corners, centre = ([], []) if frame is None else (_points(frame.iter("Vertex"), tags), _points(frame.iter("Scene_Center"), tags))
    ties = [(*point[:2], *lonlat_of([point[2:]], crs)[0].tolist()) for point in ties]
    points, how = (ties, "tie points") if len(ties) >= 3 else (corners, "frame corners")
    if len(points) < 3:
        return None
    first = _first_corner(root, kind, points)
    model = _model_points(root, points, shape, first)
    if model is not None:
        points, how = model, "location model"
    elif centre:
        points, how = [*points, *centre], f"{how} and scene centre"
    table = np.array(points)
    return fitted(shape, table[:, :2] - first, table[:, 2:], f"{how} in the metadata; relief not removed", where)


def _points(elements: Any, tags: tuple[str, str, str, str]) -> list[tuple[float, float, float, float]]:
    rows = [tuple(stated(element, tag) for tag in tags) for element in elements]
    whole = [(col, row, x, y) for col, row, x, y in rows if col is not None and row is not None and x is not None and y is not None]
    return [entry for entry in whole if max(map(abs, entry)) < FAR]


def _first_corner(root: Element, kind: str, points: list[tuple[float, float, float, float]]) -> float:
    """Return the coordinate, in the numbering of the points, of the outer corner of the first pixel.

    PIXEL_ORIGIN is what the first pixel is called, RASTER_CS_TYPE whether that name means its centre (POINT) or its corner (CELL). A document without
    `Raster_CS` that calls its first corner 1 numbers pixels as headers of its time did: centres from 1.
    """
    if not kind:
        return 0.5 if min(min(col, row) for col, row, *_ in points) >= 1 else 0.0
    return (1.0 if stated(root, ".//Raster_CS/PIXEL_ORIGIN") == 1 else 0.0) - (0.5 if kind == "POINT" else 0.0)


def _model_points(
    root: Element, points: list[tuple[float, float, float, float]], shape: tuple[int, int], first: float
) -> list[tuple[float, float, float, float]] | None:
    """Return a grid of points by the document's location model; None where it has none, or one that does not reproduce the known points.

    Longitude (`lc`) and latitude (`pc`) are polynomials in row and column of the document's numbering: terms 1, r, c, r·c, r², c².
    """
    terms = [[stated(term, ".") for term in root.findall(f".//Direct_Location_Model/{axis}_List/{axis}")] for axis in ("lc", "pc")]
    if any(len(axis) != 6 or any(term is None or abs(term) > FAR for term in axis) for axis in terms):
        return None
    weights = np.array(terms, float).T

    def lonlat(table: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        col, row = table[:, 0], table[:, 1]
        return np.asarray(np.column_stack([np.ones_like(row), row, col, row * col, row**2, col**2]) @ weights)

    known = np.array(points)
    if not np.abs(lonlat(known) - known[:, 2:]).max() <= MODEL_DEG:
        return None
    grid = spread(shape) + first
    return [tuple(row) for row in np.column_stack([grid, lonlat(grid)]).tolist()]


def _position_error(mission: str, index: str, level: str, bend: float) -> float | None:
    if mission.upper() != "SPOT" or index not in ARCHIVE_M:
        return None
    figure = CONTROLLED_M if level.upper().startswith(("2B", "3")) else ARCHIVE_M[index]
    total = math.hypot(figure, bend)
    return float(round(total, 1 - math.floor(math.log10(total))))
