"""DIMAP 2 documents: Pléiades, Pléiades Neo, SPOT 6 and 7 as Airbus delivers them, single or tiled, GeoTIFF or JPEG 2000.

Sources: the DIMAP 2 metadata as it describes itself (formulae in MEASURE_DESC), and the Airbus user guides of Pléiades, Pléiades Neo and SPOT 6/7.
What the readers of such products need to know:

- **Bands of a file** stand in the order of its Raster_Index_List; where that is missing, in the order of Band_Display_Order (red, green, blue, alpha
  channel: `B2 B1 B0 B3` is how Pléiades GeoTIFFs are stored).
- **Values**: REFLECTANCE products state ρ = DN / GAIN + BIAS in Band_Reflectance. Airbus removes Rayleigh scattering from them, not aerosols, so they
  count as top-of-atmosphere unless ATMOSPHERIC_RADIOMETRIC_SETTING says more. BASIC products state L = DN / GAIN + BIAS in Band_Radiance, which the
  solar irradiance and the sun's elevation turn into top-of-atmosphere reflectance. DISPLAY, SEAMLESS and LINEAR_STRETCH are pictures: digital
  numbers.
- **Sensor geometry** (Primary level) has no map grid: see `_placed`.
- **Position error**: CE68 or CE90 where the quality assessment states one that is not 0 (0 means not assessed), else figures
  without ground control: 5 m CE90 for Pléiades Neo (International Charter, mission parameters: better than that on average, at nadir), and what
  Airbus advertises, taken over without a document at hand: 8.5 m for Pléiades, 35 m for SPOT 6/7, 10 m for its orthoimages. They only say how far to
  search. For a circular normal error the root mean square is CE90 / √(ln 10).
- **Clouds**: the polygons of the CLD mask. Other masks mark snow, saturation, or pixels that have the no-data value anyway.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from odc.geo.geobox import GeoBox

from camwatch.aoi import LONLAT, reproject
from camwatch.errors import SceneError
from camwatch.scenes.access.files import base_of
from camwatch.scenes.access.gdal import read_header
from camwatch.scenes.access.pairs import Pairs
from camwatch.scenes.access.xml import parse_xml, text_of
from camwatch.scenes.bands import common_name
from camwatch.scenes.build import Channel, Facts, Layer, outline
from camwatch.scenes.dates import parse_time
from camwatch.scenes.families.dimap_parts import (
    FAR,
    Document,
    acquisition,
    epsg,
    identifier,
    inserted,
    member,
    off_nadir,
    sane,
    size_of,
    special_values,
    stated,
    sun_of,
    times,
    to_reflectance,
)
from camwatch.scenes.flags import Flag
from camwatch.scenes.placement import Located, fitted, part
from camwatch.scenes.rpc import located, pairs_of, rpc_of

if TYPE_CHECKING:
    from datetime import datetime
    from xml.etree.ElementTree import Element  # for the type checker only; nothing is parsed with it

    from camwatch.scenes.access.files import Files
    from camwatch.scenes.access.gdal import Header
    from camwatch.scenes.product import Given
    from camwatch.scenes.rpc import Rpc

CE90_M = {"PHR": 8.5, "PNEO": 5.0, "SPOT": 35.0}
"""Mission → circular error at 90 % without ground control, metres."""

SPOT_ORTHO_CE90_M = 10.0

ALTITUDE_M = 694_000.0
"""Of Pléiades and SPOT 6/7, for documents that state an incidence angle without the satellite's altitude."""

_NAMES = {"B0": "blue", "B1": "green", "B2": "red", "B3": "nir", "P": "pan", "PAN": "pan"}
_NAMES |= {"R": "red", "G": "green", "B": "blue", "NIR": "nir", "N": "nir", "RE": "rededge", "DB": "coastal"}
_CLOUD = (Flag("cloud", 0, 8),)
_SURFACE = re.compile(r"SURFACE|\bBOA\b|\bTOC\b|AEROSOL")
_VERSION_3 = re.compile(rb"METADATA_FORMAT[^>]*version\s*=\s*[\"']3")
_SRS = re.compile(rb"srsName\s*=\s*[\"']([^\"']*)")


@dataclass(frozen=True, slots=True)
class _Image:
    """One document while it is read."""

    files: Files
    name: str
    root: Element
    settings: Element
    when: datetime
    sun: tuple[float, float] | None

    @property
    def where(self) -> object:
        return self.files.root / self.name


def read_dimap2(files: Files, name: str, given: Given) -> Document:
    """Read one DIMAP 2 document with its tiles and its cloud mask.

    Raises
    ------
    SceneError
        When the metadata is damaged or states no date, a tile is not there or cannot be opened, or nothing places it.
    """
    root = parse_xml(files, name)
    where = files.root / name
    centre = _centre(root)
    sources = root.findall(".//Strip_Source")
    found = times(sources) or [when for when in [parse_time(text_of(centre, "TIME"))] if when is not None]
    when, date_source, more = acquisition(found, given, where)
    if not times(sources) and found:
        date_source = "DIMAP TIME of the scene centre"
    source = sources[0] if sources else root
    settings = root.find(".//Product_Settings")
    image = _Image(files, name, root, root if settings is None else settings, when, sun_of(centre.find("Solar_Incidences")))
    layers, whole = _tiles(image)
    angles = centre.find("Acquisition_Angles")
    viewing, incidence = (None, None) if angles is None else (stated(angles, "VIEWING_ANGLE"), stated(angles, "INCIDENCE_ANGLE"))
    mission, index = text_of(source, "MISSION"), text_of(source, "MISSION_INDEX")
    level = text_of(image.settings, "PROCESSING_LEVEL")
    more |= {} if whole is None else whole.more
    more |= {"processing:level": level} if level else {}
    more |= {} if incidence is None else {"view:incidence_angle": abs(incidence)}
    facts = Facts(
        id=identifier(text_of(root, ".//DATASET_NAME"), re.sub(r"^DIM_|\.xml$", "", base_of(name), flags=re.IGNORECASE), "dimap"),
        family="dimap",
        acquired=when,
        date_source=date_source,
        calibration=_calibration(image, [channel for layer in layers for channel in layer.channels]),
        simulated=b"SIMULATED" in files.read(name).upper(),
        sun=image.sun,
        off_nadir=off_nadir(viewing, incidence, stated(centre, "SATELLITE_ALTITUDE") or ALTITUDE_M),
        gsd=_gsd(image, centre),
        platform="-".join(filter(None, (mission, index))).lower().replace(" ", "-"),
        instrument=(text_of(source, "INSTRUMENT") + text_of(source, "INSTRUMENT_INDEX")).lower(),
        position_error_m=_position_error(root, mission, level, 0.0 if whole is None else whole.error_m or 0.0),
        more=more,
    )
    masks = _clouds(image, layers, sensor=whole is not None and "camwatch:control_points" in whole.more)
    return Document(facts, (*layers, *masks, Layer(f"dim-{base_of(name)}", files.href(name), metadata=True)))


def _centre(root: Element) -> Element:
    """Return the geometric values at the scene's centre; of the first place where none is called centre; the root where there are none."""
    located = root.findall(".//Located_Geometric_Values")
    named = [one for one in located if text_of(one, "LOCATION_TYPE").replace("_", "").lower() == "center"]
    return next(iter([*named, *located]), root)


def _gsd(image: _Image, centre: Element) -> float | None:
    """Return the pixel spacing in metres; orthoimages in degrees state degrees there and call them metres, and then the sensor's own counts."""
    spacing = stated(image.settings, ".//RESAMPLING_SPACING")
    if spacing is not None and 0.05 <= spacing <= 100:
        return spacing
    across, along = (stated(centre, f"Ground_Sample_Distance/GSD_{way}_TRACK") for way in ("ACROSS", "ALONG"))
    return math.sqrt(across * along) if across and along and across > 0 and along > 0 else None


def _tiles(image: _Image) -> tuple[list[Layer], Located | None]:
    """Return a layer for each tile of each file, and where the whole image lies when the tiles do not say that themselves."""
    root, files = image.root, image.files
    shape = size_of(root)
    whole: Located | None = None
    layers = []
    for group in root.findall(".//Data_Files"):
        display = group.find("Raster_Display")
        display = root.find("Raster_Data/Raster_Display") if display is None else display
        for entry in group.findall("Data_File"):
            path = entry.find("DATA_FILE_PATH")
            href = "" if path is None else path.get("href", "")
            raster = member(files, image.name, href)
            if raster is None:
                raise SceneError("DIMAP metadata without its pixels", where=image.where, got=href[:120], expected="all tiles with their metadata")
            header = read_header(files.href(raster))
            box = None
            if not header.georeferenced and shape is not None:
                whole = whole or _placed(image, shape)
                corner, size = _tile(root, entry, shape)
                box = None if whole is None else part(whole.geobox, corner, size, header.shape, files.root / raster)
            key = re.sub(r"^IMG_|\.\w+$", "", base_of(raster))
            layers.append(Layer(key, files.href(raster), _channels(image, display, header), header=header, placed=box))
    if not layers:
        raise SceneError("DIMAP metadata names no pixels", where=image.where, expected="DATA_FILE_PATH")
    return layers, whole


def _tile(root: Element, entry: Element, shape: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return row and column of a tile's first pixel in the image, and its rows and columns."""
    tiling = root.find(".//Regular_Tiling")
    size = None if tiling is None else tiling.find("NTILES_SIZE")
    if tiling is None or size is None:
        return (0, 0), shape
    corner: list[int] = []
    extent: list[int] = []
    for axis, attribute, number, overlap in ((0, "nrows", "tile_R", "OVERLAP_ROW"), (1, "ncols", "tile_C", "OVERLAP_COL")):
        step = _whole_number(size.get(attribute)) or shape[axis]
        start = (max(_whole_number(entry.get(number)), 1) - 1) * (step - _whole_number(text_of(tiling, overlap)))
        corner.append(start)
        extent.append(min(step, shape[axis] - start))
    return (corner[0], corner[1]), (extent[0], extent[1])


def _whole_number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else 0


def _placed(image: _Image, shape: tuple[int, int]) -> Located | None:
    """Return the grid of an image whose files have none.

    An orthoimage states its insertion point. An image in sensor geometry comes with rational polynomials, and states where its corners and its centre
    lie: the affine grid through those leaves out relief and the bend of the scan, and how far it misses them goes into the position error.
    """
    root = image.root
    codes = [text_of(root, f".//{tag}") for tag in ("PROJECTED_CRS_CODE", "GEODETIC_CRS_CODE")]
    crs = next((crs for code in codes if code and (crs := epsg(code, image.where)) is not None), None)
    kind = text_of(root, ".//Raster_CRS/PIXEL_CRS_TYPE").upper()
    if (whole := inserted(root, shape, crs, centre=kind == "POINT")) is not None:
        return whole
    extent = root.find(".//Dataset_Extent")
    entries = [] if extent is None else [*extent.findall("Vertex"), *extent.findall("Center")]
    rows = [[stated(entry, tag) for tag in ("COL", "ROW", "LON", "LAT")] for entry in entries]
    points = np.array([row for row in rows if all(value is not None and abs(value) < FAR for value in row)], float).reshape(-1, 4)
    if len(points):
        # Vertices are centres of pixels, numbered from 1; documents whose first one is (0, 0) number from 0.
        points[:, :2] += 0.5 if points[:, :2].min() == 0 else -0.5
    model = _rpc(image)
    if model is not None:
        height = None if extent is None else stated(extent, "Center/H")
        found = located(model, shape, image.where, height=height, known=(points[:, :2], points[:, 2:], None))
        if found is not None:
            return found
    how = "corners and centre in the metadata; relief not removed"
    return fitted(shape, points[:, :2], points[:, 2:], how, image.where) if len(points) >= 3 else None


def _rpc(image: _Image) -> Rpc | None:
    """Return the rational polynomials that the document names; None where they are not here, or incomplete."""
    path = image.root.find(".//Geoposition_Models//COMPONENT_PATH")
    name = None if path is None else member(image.files, image.name, path.get("href", ""))
    if name is None:
        return None
    said = pairs_of(image.files, name)
    parts = dict(said.sections("RFM_Validity|Inverse_Model|GroundtoImage_Values"))
    inverse = parts.get("Inverse_Model") or parts.get("GroundtoImage_Values") or Pairs()
    # Pixels are numbered from 1 up to version 2, from 0 in version 3.
    first = 0.0 if _VERSION_3.search(image.files.read(name)) else 1.0
    return rpc_of(Pairs(parts.get("RFM_Validity", Pairs()).entries + inverse.entries), first)


def _channels(image: _Image, display: Element | None, header: Header) -> tuple[Channel, ...]:
    ids = _band_ids(display, header.count)
    nodata, saturated = special_values(display, "SPECIAL_VALUE_COUNT")
    names = [_common(*band) for band in ids] or ([""] * header.count)
    if header.count == 1:
        names = ["pan"]
    factors = [_factor(image, band) for band, _ in ids] or [None]
    scaled = [factor for factor in factors if factor is not None]
    usable = len(scaled) == header.count
    return tuple(
        Channel(name if name and names.count(name) == 1 else f"b{n + 1}", *(scaled[n] if usable else (1.0, 0.0)), nodata, saturated)
        for n, name in enumerate(names)
    )


def _band_ids(display: Element | None, count: int) -> list[tuple[str, str]]:
    """Return (id, name) of the bands of a file in their order; none where the document does not tell all of them."""
    if display is None:
        return []
    listed = display.findall(".//Raster_Index")
    ids = [(text_of(entry, "BAND_ID"), text_of(entry, "BAND_NAME")) for entry in listed]
    numbers = [stated(entry, "BAND_INDEX") or 0 for entry in listed]
    if sorted(numbers) == list(range(1, len(ids) + 1)):  # a document that numbers 4, 2, 3 lists them in the file's order nevertheless
        ids = [ids[numbers.index(n)] for n in range(1, len(ids) + 1)]
    if not ids:
        shown = (text_of(display, f"Band_Display_Order/{colour}_CHANNEL") for colour in ("RED", "GREEN", "BLUE", "ALPHA"))
        ids = [(band, "") for band in dict.fromkeys(filter(None, shown))]
    return ids[:count] if len(ids) >= count else []


def _common(band: str, name: str) -> str:
    """Return the common name of a band by its id, else by its name; empty where neither is known."""
    return _NAMES.get(band.upper()) or common_name(name) or common_name(band)


def _measure(root: Element, kind: str, band: str) -> Element | None:
    """Return the measurement of one kind for a band; the only one where there is one band."""
    entries = root.findall(f".//{kind}")
    named = [entry for entry in entries if text_of(entry, "BAND_ID") == band]
    return next(iter(named or (entries if len(entries) == 1 else [])), None)


def _factor(image: _Image, band: str) -> tuple[float, float] | None:
    """Return scale and offset to reflectance; None where the document does not give them."""
    root = image.root
    process = text_of(image.settings, ".//RADIOMETRIC_PROCESSING").upper()
    if process == "REFLECTANCE":
        said = _measure(root, "Band_Reflectance", band)
        gain, bias = (None, None) if said is None else (stated(said, "GAIN"), stated(said, "BIAS"))
        return sane(1 / gain, bias) if gain and bias is not None else None
    stretched = text_of(image.settings, ".//RADIOMETRIC_STRETCH").lower() == "true"
    adjusted = text_of(root, ".//Dynamic_Adjustment/ADJUSTMENT_TYPE").upper() not in ("", "NONE")
    radiance, irradiance = _measure(root, "Band_Radiance", band), _measure(root, "Band_Solar_Irradiance", band)
    if process != "BASIC" or stretched or adjusted or radiance is None or irradiance is None:
        return None
    return to_reflectance(stated(radiance, "GAIN"), stated(radiance, "BIAS"), stated(irradiance, "VALUE"), image.when, image.sun)


def _calibration(image: _Image, channels: list[Channel]) -> str:
    if any((channel.scale, channel.offset) == (1.0, 0.0) for channel in channels):
        return "dn"
    setting = text_of(image.settings, ".//ATMOSPHERIC_RADIOMETRIC_SETTING").upper()
    process = text_of(image.settings, ".//RADIOMETRIC_PROCESSING").upper()
    return "surface reflectance" if process == "REFLECTANCE" and _SURFACE.search(setting) else "toa reflectance"


def _position_error(root: Element, mission: str, level: str, bend: float) -> float | None:
    said = root.find(".//Planimetric_Accuracy_Measurement")
    ce90, ce68 = (None, None) if said is None else (stated(said, ".//ACCURACY_CE90"), stated(said, ".//ACCURACY_CE68"))
    if ce90 and 0 < ce90 < FAR:
        figure = ce90 / math.sqrt(math.log(10))
    elif ce68 and 0 < ce68 < FAR:
        figure = ce68 / math.sqrt(-math.log(0.32))
    else:
        documented = SPOT_ORTHO_CE90_M if (mission.upper(), level.upper()) == ("SPOT", "ORTHO") else CE90_M.get(mission.upper())
        if documented is None:
            return None
        figure = documented / math.sqrt(math.log(10))
    return round(math.hypot(figure, bend), 2)


def _clouds(image: _Image, layers: list[Layer], *, sensor: bool) -> list[Layer]:
    """Return the cloud polygons where the document names some that are here, on the grid whose CRS they are in.

    Without a CRS of their own they are in that of an orthoimage; those of an image in sensor geometry then count pixels, and are left out.
    """
    masks: list[Layer] = []
    first = layers[0]
    grid: Any = first.placed or (None if first.header is None else first.header.geobox)
    if grid is None or grid.crs is None:
        return []  # nothing places the image, which is said where it is opened
    for measure in image.root.iter("Imaging_Quality_Measurement"):
        if "CLD" not in text_of(measure, "MEASURE_NAME").upper() and "CLOUD" not in text_of(measure, "MEASURE_NAME").upper():
            continue
        for path in measure.iter("COMPONENT_PATH"):
            mask = member(image.files, image.name, path.get("href", ""))
            if mask is None or not mask.lower().endswith(".gml"):
                continue
            named = _SRS.search(image.files.read(mask))
            crs = None if named is None else epsg(named[1].decode("utf-8", "replace"), image.files.root / mask)
            if crs is None and sensor:
                continue
            placed = grid if crs is None or crs == str(grid.crs) else _around(grid, crs)
            masks.append(Layer(f"cld-{len(masks) + 1}", image.files.href(mask), mask="CLD", flags=_CLOUD, placed=placed))
    return masks


def _around(grid: GeoBox, crs: str) -> GeoBox:
    """Return a grid of another CRS about the same ground."""
    return GeoBox.from_bbox(reproject(outline(grid), LONLAT, crs).bounds, crs, shape=grid.shape)
