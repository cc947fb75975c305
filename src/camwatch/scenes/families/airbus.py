"""DIMAP 2 documents: Pléiades, Pléiades Neo, SPOT 6 and 7 as Airbus delivers them, single or tiled, GeoTIFF or JPEG 2000.

Sources: the DIMAP 2 metadata as it describes itself (formulae in MEASURE_DESC), and the Airbus user guides of Pléiades, Pléiades Neo and SPOT 6/7.
What the readers of such products need to know of bands and values stands in module `airbus_calibration`, of places and their errors in
`airbus_geometry`. **Clouds** are the polygons of the CLD mask; other masks mark snow, saturation, or pixels that have the no-data value anyway.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from odc.geo.geobox import GeoBox

from camwatch.aoi import LONLAT, reproject
from camwatch.errors import SceneError
from camwatch.scenes.access.files import base_of
from camwatch.scenes.access.gdal import read_header
from camwatch.scenes.access.xml import parse_xml, text_of
from camwatch.scenes.dates import parse_time
from camwatch.scenes.facts import Facts, Layer
from camwatch.scenes.families.airbus_calibration import calibration_of, channels_of
from camwatch.scenes.families.airbus_geometry import Reading, grid_of, position_error_m, tile_of
from camwatch.scenes.families.dimap_parts import Document, acquisition, epsg, identifier, member, off_nadir, size_of, stated, sun_of, times
from camwatch.scenes.flags import Flag
from camwatch.scenes.footprint import outline
from camwatch.scenes.placement import part

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element  # for the type checker only; nothing is parsed with it

    from camwatch.scenes.access.files import Files
    from camwatch.scenes.placement import Located
    from camwatch.scenes.product import Given

ALTITUDE_M = 694_000.0
"""Of Pléiades and SPOT 6/7, for documents that state an incidence angle without the satellite's altitude."""

_CLOUD = (Flag("cloud", 0, 8),)
_SRS = re.compile(rb"srsName\s*=\s*[\"']([^\"']*)")


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
    image = Reading(files, name, root, root if settings is None else settings, when, sun_of(centre.find("Solar_Incidences")))
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
        calibration=calibration_of(image, [channel for layer in layers for channel in layer.channels]),
        simulated=b"SIMULATED" in files.read(name).upper(),
        sun=image.sun,
        off_nadir=off_nadir(viewing, incidence, stated(centre, "SATELLITE_ALTITUDE") or ALTITUDE_M),
        gsd=_gsd(image, centre),
        platform="-".join(filter(None, (mission, index))).lower().replace(" ", "-"),
        instrument=(text_of(source, "INSTRUMENT") + text_of(source, "INSTRUMENT_INDEX")).lower(),
        position_error_m=position_error_m(root, mission, level, 0.0 if whole is None else whole.error_m or 0.0),
        more=more,
    )
    masks = _clouds(image, layers, sensor=whole is not None and "camwatch:control_points" in whole.more)
    return Document(facts, (*layers, *masks, Layer(f"dim-{base_of(name)}", files.href(name), metadata=True)))


def _centre(root: Element) -> Element:
    """Return the geometric values at the scene's centre; of the first place where none is called centre; the root where there are none."""
    located = root.findall(".//Located_Geometric_Values")
    named = [one for one in located if text_of(one, "LOCATION_TYPE").replace("_", "").lower() == "center"]
    return next(iter([*named, *located]), root)


def _gsd(image: Reading, centre: Element) -> float | None:
    """Return the pixel spacing in metres; orthoimages in degrees state degrees there and call them metres, and then the sensor's own counts."""
    spacing = stated(image.settings, ".//RESAMPLING_SPACING")
    if spacing is not None and 0.05 <= spacing <= 100:
        return spacing
    across, along = (stated(centre, f"Ground_Sample_Distance/GSD_{way}_TRACK") for way in ("ACROSS", "ALONG"))
    return math.sqrt(across * along) if across and along and across > 0 and along > 0 else None


def _tiles(image: Reading) -> tuple[list[Layer], Located | None]:
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
                whole = whole or grid_of(image, shape)
                corner, size = tile_of(root, entry, shape)
                box = None if whole is None else part(whole.geobox, corner, size, header.shape, files.root / raster)
            key = re.sub(r"^IMG_|\.\w+$", "", base_of(raster))
            layers.append(Layer(key, files.href(raster), channels_of(image, display, header), header=header, placed=box))
    if not layers:
        raise SceneError("DIMAP metadata names no pixels", where=image.where, expected="DATA_FILE_PATH")
    return layers, whole


def _clouds(image: Reading, layers: list[Layer], *, sensor: bool) -> list[Layer]:
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
