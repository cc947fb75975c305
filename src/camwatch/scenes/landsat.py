"""Landsat 1 to 9 as USGS delivers it: Collection 2 (Level 1 and 2), Collection 1, and products of 2012 to 2016 that precede the collections.

Calibration, best first:

- Level 2: surface reflectance = M·DN + A with the M, A of the surface-reflectance group.
- Level 1 with reflectance coefficients: top-of-atmosphere reflectance = (M·DN + A) / sin(sun elevation), USGS LSDS-1388, section 5.
- Level 1 with radiance coefficients only (pre-collection MSS, TM, ETM+): π·L·d² / (ESUN·sin(sun elevation)) with the solar irradiances ESUN of
  Chander, Markham & Helder (2009), doi:10.1016/j.rse.2009.01.007, and the Earth-Sun distance d of the day.
- otherwise digital numbers.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from camwatch.errors import SceneError
from camwatch.scenes.build import Channel, Facts, Layer, build_item
from camwatch.scenes.dates import parse_time
from camwatch.scenes.mtl import Mtl, parse_mtl
from camwatch.scenes.product import Family, Found, base_of, folder_of

if TYPE_CHECKING:
    from datetime import datetime

    import pystac

    from camwatch.scenes.files import Files
    from camwatch.scenes.product import Given

_MSS_LATE = {1: "green", 2: "red", 3: "nir08", 4: "nir"}
BANDS: dict[str, dict[int, str]] = {
    # MSS has 0.7-0.8 µm and 0.8-1.1 µm; the wider and longer one is what compares with `nir` of the later sensors.
    "MSS": {4: "green", 5: "red", 6: "nir08", 7: "nir"},
    "MSS_LATE": _MSS_LATE,
    "TM": {1: "blue", 2: "green", 3: "red", 4: "nir", 5: "swir16", 7: "swir22"},
    "ETM": {1: "blue", 2: "green", 3: "red", 4: "nir", 5: "swir16", 7: "swir22", 8: "pan"},
    "OLI": {1: "coastal", 2: "blue", 3: "green", 4: "red", 5: "nir", 6: "swir16", 7: "swir22", 8: "pan"},
}
"""Band number → common name; thermal and cirrus bands show no structures and are left out. MSS of Landsat 4 and 5 numbers its bands from 1."""

ESUN: dict[str, dict[int, float]] = {
    "LANDSAT_1": {4: 1823, 5: 1559, 6: 1276, 7: 880.1},
    "LANDSAT_2": {4: 1829, 5: 1539, 6: 1268, 7: 886.6},
    "LANDSAT_3": {4: 1839, 5: 1555, 6: 1291, 7: 887.9},
    "LANDSAT_4 MSS": {1: 1827, 2: 1569, 3: 1260, 4: 866.4},
    "LANDSAT_5 MSS": {1: 1824, 2: 1570, 3: 1249, 4: 853.4},
    "LANDSAT_4": {1: 1983, 2: 1795, 3: 1539, 4: 1028, 5: 219.8, 7: 83.49},
    "LANDSAT_5": {1: 1983, 2: 1796, 3: 1536, 4: 1031, 5: 220.0, 7: 83.44},
    "LANDSAT_7": {1: 1997, 2: 1812, 3: 1533, 4: 1039, 5: 230.8, 7: 84.90, 8: 1362},
}
"""Mean solar irradiance outside the atmosphere by band, W/(m² µm): Chander et al. 2009, tables 1 to 4."""

_CONTENTS = ("PRODUCT_CONTENTS", "PRODUCT_METADATA")
_SURFACE = "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS"
_RESCALING = ("LEVEL1_RADIOMETRIC_RESCALING", "RADIOMETRIC_RESCALING")
_QUALITY = (
    ("QA_PIXEL", "FILE_NAME_QUALITY_L1_PIXEL"),
    ("QA_RADSAT", "FILE_NAME_QUALITY_L1_RADIOMETRIC_SATURATION"),
    ("BQA", "FILE_NAME_BAND_QUALITY"),
)
FILL = 0.0
"""DN of fill and of scan-line-corrector gaps in every Landsat level and collection (reflectance data start at DN 1)."""


@dataclass(frozen=True, slots=True)
class _Scaling:
    calibration: str
    factors: dict[int, tuple[float, float]]  # band number → (scale, offset)


_MTL = re.compile(r"^(.+)_MTL\.(txt|xml|json)$", re.IGNORECASE)
_MTL_ORDER = ("txt", "xml", "json")


def find_landsat(files: Files) -> list[Found]:
    """Return one product for each MTL, the text where there is a choice of spellings; its members are the files beside it that bear its name."""
    chosen: dict[str, str] = {}
    for name in files.names:
        said = _MTL.match(name)
        if said:
            other = chosen.get(said[1])
            if other is None or _MTL_ORDER.index(said[2].lower()) < _MTL_ORDER.index(other.rsplit(".", 1)[-1].lower()):
                chosen[said[1]] = name
    products = []
    for stem, name in sorted(chosen.items()):
        folder, own = folder_of(name), base_of(stem)
        members = frozenset(other for other in files.names if other.startswith(folder) and base_of(other).startswith(own))
        products.append(Found(name, members))
    return products


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
        When the MTL is damaged or none of the bands that it names is there.
    """
    where = str(files.root / mtl_name)
    mtl = parse_mtl(files.read(mtl_name), where)
    spacecraft, sensor = mtl.need("SPACECRAFT_ID"), mtl.need("SENSOR_ID")
    table = _table(sensor, mtl)
    elevation, azimuth = mtl.number("SUN_ELEVATION"), mtl.number("SUN_AZIMUTH")
    scaling = _scaling(mtl, spacecraft, sensor, tuple(table), elevation)
    layers = []
    for number, name in table.items():
        named = mtl.get(f"FILE_NAME_BAND_{number}", *_CONTENTS)
        member = files.base(named) if named else None
        if member is not None:
            scale, offset = scaling.factors.get(number, (1.0, 0.0))
            layers.append(Layer(name, files.href(member), (Channel(name, scale, offset, FILL, None, number),)))
    if not layers:
        raise SceneError("MTL without pixels: none of the band files that it names is here", where=where, remedy="keep metadata and bands together")
    for kind, key in _QUALITY:
        named = mtl.get(key, *_CONTENTS)
        member = files.base(named) if named else None
        if member is not None:
            layers.append(Layer(kind.lower(), files.href(member), mask=kind))
    layers.append(Layer("mtl", files.href(mtl_name), metadata=True))
    stem = re.sub(r"_MTL\..*$", "", mtl_name.rsplit("/", 1)[-1])
    identifier = mtl.get("LANDSAT_PRODUCT_ID", *_CONTENTS, "METADATA_FILE_INFO") or mtl.get("LANDSAT_SCENE_ID") or stem
    roll = mtl.number("ROLL_ANGLE")
    return build_item(
        Facts(
            id=identifier,
            family="landsat",
            acquired=_acquired(mtl, where),
            date_source="MTL DATE_ACQUIRED and SCENE_CENTER_TIME",
            calibration=scaling.calibration,
            simulated="SIMULATED" in (mtl.get("ORIGIN") or "").upper(),
            sun=None if elevation is None or azimuth is None else (azimuth % 360, elevation),
            off_nadir=None if roll is None else abs(roll),
            platform=spacecraft.lower().replace("_", "-"),
            instrument=sensor.lower(),
            more={"landsat:correction": mtl.get("PROCESSING_LEVEL", *_CONTENTS) or mtl.get("DATA_TYPE", *_CONTENTS) or ""},
        ),
        layers,
    )


def _table(sensor: str, mtl: Mtl) -> dict[int, str]:
    if sensor.startswith("MSS"):
        return BANDS["MSS" if mtl.get("FILE_NAME_BAND_7", *_CONTENTS) else "MSS_LATE"]
    family = next((name for name in ("OLI", "ETM", "TM") if sensor.startswith(name)), None)
    if family is None:
        raise SceneError("Landsat sensor without reflective bands", got=sensor, expected="MSS, TM, ETM, OLI or OLI_TIRS")
    return BANDS[family]


def _acquired(mtl: Mtl, where: str) -> datetime:
    day, clock = mtl.need("DATE_ACQUIRED"), (mtl.get("SCENE_CENTER_TIME") or "00:00:00Z").strip('"')
    when = parse_time(f"{day}T{clock}")
    if when is None:
        raise SceneError("MTL states no usable date", where=where, got=f"{day} {clock}", expected="DATE_ACQUIRED as YYYY-MM-DD")
    return when


def _scaling(mtl: Mtl, spacecraft: str, sensor: str, numbers: tuple[int, ...], elevation: float | None) -> _Scaling:
    if mtl.has_group(_SURFACE):
        return _Scaling("surface reflectance", _pairs(mtl, "REFLECTANCE", numbers, _SURFACE))
    if elevation is None or elevation <= 0:
        return _Scaling("dn", {})
    sine = math.sin(math.radians(elevation))
    stated = _pairs(mtl, "REFLECTANCE", numbers, *_RESCALING)
    if stated:
        return _Scaling("toa reflectance", {number: (m / sine, a / sine) for number, (m, a) in stated.items()})
    irradiance = ESUN.get(f"{spacecraft} {sensor}") or ESUN.get(spacecraft, {})
    radiance = _pairs(mtl, "RADIANCE", tuple(n for n in numbers if n in irradiance), *_RESCALING)
    day = parse_time(mtl.get("DATE_ACQUIRED") or "")
    if not radiance or day is None:
        return _Scaling("dn", {})
    distance = mtl.number("EARTH_SUN_DISTANCE") or earth_sun_distance(day.timetuple().tm_yday)
    factor = math.pi * distance**2 / sine
    return _Scaling("toa reflectance", {n: (m * factor / irradiance[n], a * factor / irradiance[n]) for n, (m, a) in radiance.items()})


def _pairs(mtl: Mtl, quantity: str, numbers: tuple[int, ...], *groups: str) -> dict[int, tuple[float, float]]:
    found = {}
    for number in numbers:
        gain, bias = mtl.number(f"{quantity}_MULT_BAND_{number}", *groups), mtl.number(f"{quantity}_ADD_BAND_{number}", *groups)
        if gain is not None and bias is not None:
            found[number] = (gain, bias)
    return found


def earth_sun_distance(day_of_year: int) -> float:
    """Return the Earth-Sun distance in astronomical units, good to 0.0005: 1 - 0.01672·cos(0.9856°·(day - 4)); day 1 is 1 January."""
    return 1 - 0.01672 * math.cos(math.radians(0.9856 * (day_of_year - 4)))


LANDSAT = Family("landsat", find_landsat, read_landsat)
