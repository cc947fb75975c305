"""Landsat 1 to 9 as USGS delivers it: Collection 2 (Level 1 and 2), Collection 1, and the products that precede the collections.

Which bands there are, where they lie and what is known about the scene. How numbers become reflectance: module `landsat_calibration`; what
quality layers mean: `camwatch.scenes.flags`.

No data is DN 0 in every level and collection, scan-line-corrector gaps of Landsat 7 included. The gap masks of a product (`gap_mask/*_GM_B*.TIF.gz`)
are not read: wherever there is no data they say so too, and the little data that lies within the gaps they know (under 1 % of them) is what USGS
interpolates from both sides (SCAN_GAP_INTERPOLATION in the MTL).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from camwatch.errors import SceneError
from camwatch.scenes.access.files import base_of, folder_of
from camwatch.scenes.build import build_item
from camwatch.scenes.dates import parse_time
from camwatch.scenes.facts import Channel, Facts, Layer
from camwatch.scenes.families.landsat_calibration import Scaling, scaling_of
from camwatch.scenes.families.mtl import Mtl, parse_mtl
from camwatch.scenes.product import Family, Found

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import pystac

    from camwatch.scenes.access.files import Files
    from camwatch.scenes.product import Given

BANDS: dict[str, dict[int, str]] = {
    # MSS has 0.7-0.8 µm and 0.8-1.1 µm; the wider and longer one is what compares with `nir` of the later sensors.
    "MSS": {4: "green", 5: "red", 6: "nir08", 7: "nir"},
    "MSS from 1": {1: "green", 2: "red", 3: "nir08", 4: "nir"},
    "TM": {1: "blue", 2: "green", 3: "red", 4: "nir", 5: "swir16", 7: "swir22"},
    "ETM": {1: "blue", 2: "green", 3: "red", 4: "nir", 5: "swir16", 7: "swir22", 8: "pan"},
    "OLI": {1: "coastal", 2: "blue", 3: "green", 4: "red", 5: "nir", 6: "swir16", 7: "swir22", 8: "pan"},
}
"""Band number → common name; thermal and cirrus bands show no structures and are left out. MSS of Landsat 4 and 5 numbers its bands from 1."""

FILL = 0.0
"""DN of fill and of scan-line-corrector gaps in every Landsat level and collection (reflectance data start at DN 1)."""

SYSTEMATIC_ERROR_M = {"OLI": 43.0, "ETM": 250.0, "TM": 250.0, "MSS": 330.0}
"""Root-mean-square error of position of products made without ground control (L1GS, L1GT, L1G) by sensor. OLI: required 65 m at 90 % circular
(Storey, Choate & Lee 2014, doi:10.3390/rs61111127, section 3.1), which is 43 m root mean square. ETM+: designed for 250 m, one sigma; with the
definitive ephemeris 30 to 50 m are frequent (USGS, "What is the geometric accuracy of a Landsat 7 ETM+ systematically corrected data product?"). MSS,
of all five, what was measured on Landsat 1, 327 m (Yan & Roy 2025, doi:10.1016/j.rse.2025.114679). TM: no figure is stated; we take that of ETM+."""

_CONTENTS = ("PRODUCT_CONTENTS", "PRODUCT_METADATA")
_QUALITY = (
    ("QA_PIXEL", "FILE_NAME_QUALITY_L1_PIXEL"),
    ("QA_RADSAT", "FILE_NAME_QUALITY_L1_RADIOMETRIC_SATURATION"),
    ("BQA", "FILE_NAME_BAND_QUALITY"),
)
_MTL = re.compile(r"^(.+)_MTL\.(txt|xml|json)$", re.IGNORECASE)
_MTL_ORDER = ("txt", "xml", "json")
_BAND = re.compile(
    r"^(L[A-Z]\d\d_\w{4}_\d{6}_\d{8}_\d{8}_\d\d_\w\w|L[A-Z]\d{14}[A-Z]{3}\d\d)_((SR|ST)_)?(B\d+(_VCID_\d)?|B?QA(_\w+)?)\.TIFF?$", re.IGNORECASE
)
"""A band or quality layer: product identifier of the collections or scene identifier, then what it is."""
_SECOND_FORMAT = re.compile(r"^L71(\d{6}_\d{11})$", re.IGNORECASE)
"""Until 2012 files of ETM+ were named by downlink format: bands 1 to 6 and the MTL L71…, bands 7 and 8 L72…"""


def find_landsat(files: Files) -> list[Found]:
    """Return one product for each MTL, the text where there is a choice of spellings; its members are the files beside it that bear its name."""
    chosen: dict[str, str] = {}
    for name in files.names:
        said = _MTL.match(name)
        if said:
            other = chosen.get(said[1])
            if other is None or _MTL_ORDER.index(said[2].lower()) < _MTL_ORDER.index(other.rsplit(".", 1)[-1].lower()):
                chosen[said[1]] = name
    starts: dict[str, list[str]] = {}  # what members' file names begin with → MTLs; copies of one product lie in several folders
    for stem, name in sorted(chosen.items()):
        own = base_of(stem)
        second = _SECOND_FORMAT.match(own)
        for start in (own, f"L72{second[1]}") if second else (own,):
            starts.setdefault(start, []).append(name)
    members: dict[str, set[str]] = {name: set() for name in chosen.values()}
    lengths = sorted({len(start) for start in starts})
    for other in files.names:
        base = base_of(other)
        for length in lengths:
            for name in starts.get(base[:length], ()):
                if other.startswith(folder_of(name)):
                    members[name].add(other)
    return [Found(name, frozenset(members[name])) for name in sorted(members)]


def read_landsat(files: Files, mtl_name: str, _given: Given = None) -> pystac.Item:
    """Return the Item of one Landsat product.

    Parameters
    ----------
    files : Files
    mtl_name : str
        The member that is its MTL (txt, xml or json).

    Raises
    ------
    SceneError
        When the MTL is damaged, none of the bands that it names is there, or the sensor has no reflective bands.
    """
    where = str(files.root / mtl_name)
    mtl = parse_mtl(files.read(mtl_name), where)
    spacecraft, sensor = _spacecraft(mtl), mtl.need("SENSOR_ID").upper().rstrip("+")
    table = _table(mtl, spacecraft, sensor, where)
    sun = _sun(mtl, where)
    scaling = scaling_of(mtl, spacecraft, sensor, table, None if sun is None else sun[1])
    layers = _bands(files, mtl, table, scaling, where) + _masks(files, mtl)
    layers.append(Layer("mtl", files.href(mtl_name), metadata=True))
    identifier = mtl.get("LANDSAT_PRODUCT_ID", *_CONTENTS, "METADATA_FILE_INFO") or mtl.get("LANDSAT_SCENE_ID")
    when, date_source = _acquired(mtl, where)
    return build_item(
        Facts(
            id=identifier or re.sub(r"_MTL\..*$", "", base_of(mtl_name)),
            family="landsat",
            acquired=when,
            date_source=date_source,
            calibration=scaling.calibration,
            simulated="SIMULATED" in (mtl.get("ORIGIN") or "").upper(),
            sun=sun,
            off_nadir=abs(mtl.number("ROLL_ANGLE") or 0.0),  # only Landsat 8 and 9 can look aside, and say so
            platform=spacecraft.lower().replace("_", "-"),
            instrument=sensor.lower(),
            gsd=mtl.number("GRID_CELL_SIZE_REFLECTIVE"),
            position_error_m=_position_error_m(mtl, sensor),
            missing=_missing(files, mtl, table),
            more=_processing(mtl),
        ),
        layers,
    )


def _spacecraft(mtl: Mtl) -> str:
    """Return the name as MTLs since 2012 write it; before, it was `Landsat5`."""
    return re.sub(r"^LANDSAT[ _-]?(\d)$", r"LANDSAT_\1", mtl.need("SPACECRAFT_ID").upper())


def _table(mtl: Mtl, spacecraft: str, sensor: str, where: str) -> dict[int, str]:
    if sensor == "MSS":
        early = spacecraft in ("LANDSAT_1", "LANDSAT_2", "LANDSAT_3") or any(mtl.get(f"FILE_NAME_BAND_{n}", *_CONTENTS) for n in (5, 6, 7))
        return BANDS["MSS" if early else "MSS from 1"]
    family = next((name for name in ("OLI", "ETM", "TM") if sensor.startswith(name)), None)
    if family is None:
        raise SceneError("Landsat product without reflective bands", where=where, got=sensor, expected="MSS, TM, ETM, OLI or OLI_TIRS")
    return BANDS[family]


def _bands(files: Files, mtl: Mtl, table: Mapping[int, str], scaling: Scaling, where: str) -> list[Layer]:
    layers = []
    for number, name in table.items():
        named = mtl.get(f"FILE_NAME_BAND_{number}", *_CONTENTS)
        member = files.base(named) if named else None
        if member is None:
            continue
        if scaling.calibration != "dn" and number not in scaling.factors:
            raise SceneError(f"MTL states no coefficients for band {number}", where=where, remedy="download the product again")
        scale, offset = scaling.factors.get(number, (1.0, 0.0))
        layers.append(Layer(name, files.href(member), (Channel(name, scale, offset, FILL, scaling.saturated.get(number), number),)))
    if not layers:
        raise SceneError("MTL without pixels: none of the band files that it names is here", where=where, remedy="keep metadata and bands together")
    return layers


def _missing(files: Files, mtl: Mtl, table: Mapping[int, str]) -> tuple[str, ...]:
    """Return the bands and quality layers that the MTL names and that are not here."""
    bands = ((name, f"FILE_NAME_BAND_{number}") for number, name in table.items())
    return tuple(name for name, key in (*bands, *_QUALITY) if (named := mtl.get(key, *_CONTENTS)) and files.base(named) is None)


def _masks(files: Files, mtl: Mtl) -> list[Layer]:
    named = ((kind, mtl.get(key, *_CONTENTS)) for kind, key in _QUALITY)
    members = ((kind, files.base(name)) for kind, name in named if name)
    return [Layer(kind.lower(), files.href(member), mask=kind) for kind, member in members if member is not None]


def _sun(mtl: Mtl, where: str) -> tuple[float, float] | None:
    """Return (azimuth, elevation) of the sun at the scene's centre in degrees; at night it is below the horizon."""
    azimuth, elevation = mtl.number("SUN_AZIMUTH"), mtl.number("SUN_ELEVATION")
    if azimuth is None or elevation is None:
        return None
    if not -90 <= elevation <= 90:
        raise SceneError("MTL states an impossible sun elevation", where=where, got=elevation, expected="-90 to 90 degrees")
    return azimuth % 360, elevation


def _acquired(mtl: Mtl, where: str) -> tuple[datetime, str]:
    """Return when the middle of the scene was taken, UTC, and which keys say so."""
    day, clock = mtl.need("DATE_ACQUIRED"), (mtl.get("SCENE_CENTER_TIME") or "").strip('"')
    when = parse_time(f"{day}T{clock}" if clock else day)
    if when is None:
        raise SceneError("MTL states no usable date", where=where, got=f"{day} {clock}", expected="DATE_ACQUIRED as YYYY-MM-DD")
    return when, "MTL DATE_ACQUIRED" + (" and SCENE_CENTER_TIME" if clock else "")


def _position_error_m(mtl: Mtl, sensor: str) -> float | None:
    """Return the root-mean-square error of position: at the control points where USGS had some, else what the sensor's orbit and pointing give."""
    at_points = mtl.number("GEOMETRIC_RMSE_MODEL")
    if at_points is not None:
        return at_points
    level = _level_1(mtl)
    if level.startswith("L1G"):
        return SYSTEMATIC_ERROR_M.get("OLI" if sensor.startswith("OLI") else sensor)
    return None


def _level_1(mtl: Mtl) -> str:
    """Return the level of geometric correction, also of a Level-2 product: `L1TP`, `L1GT`, `L1GS`; before the collections `L1T`, `L1G`, `L1GT`."""
    return mtl.get("PROCESSING_LEVEL", "LEVEL1_PROCESSING_RECORD") or mtl.get("DATA_TYPE", *_CONTENTS) or ""


def _processing(mtl: Mtl) -> dict[str, str]:
    """Return how the product was made: its level, and level, collection and software in words."""
    correction = mtl.get("PROCESSING_LEVEL", *_CONTENTS) or mtl.get("DATA_TYPE", *_CONTENTS) or ""
    number = (mtl.get("COLLECTION_NUMBER") or "").lstrip("0")
    collection = f"Collection {number}" if number else "pre-collection"
    said = [collection, correction, mtl.get("PROCESSING_SOFTWARE_VERSION") or ""]
    level = {"processing:level": correction[:2]} if correction[:2] in ("L1", "L2") else {}
    return {"landsat:correction": correction, "camwatch:processing": " ".join(part for part in said if part), **level}


def find_bands(files: Files) -> list[Found]:
    """Return the bands and quality layers of each Landsat product whose MTL is not there: no scenes, and not to be taken for some."""
    groups: dict[str, set[str]] = {}
    for name in files.names:
        said = _BAND.match(base_of(name))
        if said:
            groups.setdefault(folder_of(name) + said[1], set()).add(name)
    return [Found(min(members), frozenset(members)) for members in groups.values()]


def refuse_bands(files: Files, name: str, _given: Given = None) -> pystac.Item:
    """Raise SceneError: what the numbers of these files mean stands in the MTL."""
    said = _BAND.match(base_of(name))
    wanted = f"{said[1]}_MTL.txt" if said else "its MTL"
    got = f"{len(files.names)} band file(s)"
    raise SceneError("Landsat bands without their metadata", where=files.root / name, got=got, expected=wanted, remedy="download it too, beside them")


LANDSAT = Family("landsat", find_landsat, read_landsat)
LANDSAT_BANDS = Family("landsat bands", find_bands, refuse_bands)
"""Asked after everything that may describe such files, as a STAC Item does."""
