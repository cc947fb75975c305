"""ASTER L1T as NASA and its mirrors deliver it: HDF-EOS2 (an HDF4 file), and the same pixels as GeoTIFFs.

Bands: 1, 2 and 3N at 15 m; 4 to 9 at 30 m from before April 2008 only, when the detectors failed (ASTER SWIR User Advisory, 18 July 2008). 3B looks
backward and 10 to 14 are thermal: both are left out.

Calibration (ASTER Users Handbook 2, section 5.0, with the unit conversion coefficients of its table 11): radiance L = (DN - 1)·UCC of the band's gain
setting; top-of-atmosphere reflectance = π·L·d² / (ESUN·sin(sun elevation)) with the solar irradiances of Thome et al. that NASA's own conversion
script uses (git.earthdata.nasa.gov, LPDUR, ASTERL1T_DN2REF). DN 0 is fill, 255 is saturated.

Layouts:

- LP DAAC, versions 003 and 031: `GRANULE.hdf` with `GRANULE.hdf.xml`; `GRANULE_V.tif` and `GRANULE_T.tif` are browse pictures, not data.
- LP DAAC, version 004: `GRANULE_VNIR_B01.tif`, …, `GRANULE_VNIR_B03N.tif`.
- Planetary Computer: `GRANULE-VNIR.tif`, `GRANULE-SWIR.tif` (`GRANULE.VNIR.tif` in the older store).
- AWS: `GRANULE_VNIR.tif` with `GRANULE_VNIR_stac.json`.
- exports of the HDF's images: `GRANULE_ImageData1.tif`.

A granule's name is AST_L1T_ with the version, the time of acquisition as MMDDYYYYhhmmss, the time of production and, up to version 031, a number.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from affine import Affine
from odc.geo.geobox import GeoBox

from camwatch.errors import SceneError
from camwatch.scenes.access.files import base_of, folder_of
from camwatch.scenes.access.gdal import Header, open_raster, read_header
from camwatch.scenes.access.hdf4 import Image, href_of, read_contents
from camwatch.scenes.build import build_item
from camwatch.scenes.facts import Channel, Facts, Layer
from camwatch.scenes.families.astermeta import Said, from_attributes, from_name, from_stac, from_xml
from camwatch.scenes.families.raster import stac_document
from camwatch.scenes.families.reflectance import reflectance_of_radiance
from camwatch.scenes.product import Family, Found

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pystac

    from camwatch.scenes.access.files import Files
    from camwatch.scenes.product import Given

VNIR, SWIR = ("1", "2", "3N"), ("4", "5", "6", "7", "8", "9")
NAMES = {"1": "green", "2": "red", "3N": "nir", "4": "swir16", "5": "b5", "6": "swir22", "7": "b7", "8": "b8", "9": "b9"}
"""Band → name. Bands 5 to 9 share what Landsat sees as one band; 6 (2.185 to 2.225 µm) lies in its middle."""

UCC: dict[str, dict[str, float]] = {
    "1": {"HGH": 0.676, "NOR": 1.688, "LOW": 2.25},
    "2": {"HGH": 0.708, "NOR": 1.415, "LOW": 1.89},
    "3N": {"HGH": 0.423, "NOR": 0.862, "LOW": 1.15},
    "4": {"HGH": 0.1087, "NOR": 0.2174, "LO1": 0.290, "LO2": 0.290},
    "5": {"HGH": 0.0348, "NOR": 0.0696, "LO1": 0.0925, "LO2": 0.409},
    "6": {"HGH": 0.0313, "NOR": 0.0625, "LO1": 0.0830, "LO2": 0.390},
    "7": {"HGH": 0.0299, "NOR": 0.0597, "LO1": 0.0795, "LO2": 0.332},
    "8": {"HGH": 0.0209, "NOR": 0.0417, "LO1": 0.0556, "LO2": 0.245},
    "9": {"HGH": 0.0159, "NOR": 0.0318, "LO1": 0.0424, "LO2": 0.265},
}
"""Radiance of one DN, W/(m² sr µm), by band and gain setting."""

ESUN = {"1": 1848.0, "2": 1549.0, "3N": 1114.0, "4": 225.4, "5": 86.63, "6": 81.85, "7": 74.85, "8": 66.49, "9": 59.85}
"""Solar irradiance outside the atmosphere, W/(m² µm)."""

SWIR_FAILED = datetime(2008, 4, 1, tzinfo=UTC)

SYSTEMATIC_M = 80.0
"""How far scenes without matched control points lay from their true position in the sensor team's test of the geometry
(Photogrammetric Engineering and Remote Sensing, "Validation of the ASTER instrument level 1A scene geometry", USGS 70032141)."""

_GRANULE = re.compile(r"(AST_L1T_\d{3}(\d{2})(\d{2})(\d{4})(\d{2})(\d{2})(\d{2})_\d{14}(?:_\d{1,6})?)(?![0-9])", re.IGNORECASE)
_OTHER_LEVEL = re.compile(r"AST_(?!L1T)\w{2,5}_\d{17}_\d{14}", re.IGNORECASE)
_BAND_FILE = re.compile(r"_(?:(?:VNIR|SWIR)_B|ImageData)0?(\d[NB]?)\.tiff?$", re.IGNORECASE)
_SENSOR_FILE = re.compile(r"[-_.](VNIR|SWIR)\.tiff?$", re.IGNORECASE)


def find_aster(files: Files) -> list[Found]:
    """Return one product for each granule, the `.hdf` first among what may name it.

    Other HDF files, and rasters of other levels, are products that cannot be read: the date in their names is that of processing.
    """
    granules: dict[str, list[str]] = {}
    others = []
    for name in files.names:
        granule = _GRANULE.match(base_of(name))
        if granule:
            granules.setdefault(folder_of(name) + granule[1], []).append(name)
        elif name.lower().endswith(".hdf") or (_OTHER_LEVEL.match(base_of(name)) and name.lower().endswith((".tif", ".tiff"))):
            others.append(Found(name, frozenset({name})))
    products = []
    for key, names in granules.items():
        held = {name.lower(): name for name in names}
        named = held.get(f"{key}.hdf".lower()) or next(iter(_rasters(names) or names))
        products.append(Found(named, frozenset(names)))
    return [*products, *others]


def read_aster(files: Files, name: str, _given: Given = None) -> pystac.Item:
    """Return the Item of one scene; GeoTIFFs of its bands are preferred to the HDF4 file: they have overviews.

    Raises
    ------
    SceneError
        When none of its bands is there (browse pictures are none), the metadata do not place it, or an HDF4 file cannot be read.
    """
    where = files.root / name
    granule = _GRANULE.match(base_of(name))
    if granule is None:
        what = "ASTER product of a level" if _OTHER_LEVEL.match(base_of(name)) else "HDF product of a kind"
        raise SceneError(f"{what} that camwatch does not read", where=where, expected="AST_L1T", remedy="download the L1T granule")
    said = from_xml(files)
    rasters = _rasters(files.names)
    if rasters:
        layers, said = _tiff_layers(files, rasters, said)
    elif name.lower().endswith(".hdf"):
        layers, said = _hdf_layers(files, name, said)
    else:
        got = ", ".join(base_of(other) for other in files.names[:3])
        remedy = "download GRANULE.hdf too; _V.tif and _T.tif are browse pictures"
        raise SceneError("ASTER scene without its bands", where=where, got=got, expected=f"{granule[1]}.hdf or its GeoTIFFs", remedy=remedy)
    said = said.or_else(from_name(granule))
    if said.acquired is None:
        raise SceneError("ASTER scene states no usable date", where=where, got=granule[1], expected="CALENDARDATE, TIMEOFDAY")
    layers = [layer for layer in layers if layer.channels]
    failed = said.acquired >= SWIR_FAILED
    kept = [layer for layer in layers if not (failed and set(_names(layer)) <= {NAMES[band] for band in SWIR})]
    if not kept:
        raise SceneError(
            "ASTER scene holds no usable band", where=where, got="SWIR only" if layers else "none", expected="VNIR; SWIR until April 2008"
        )
    scaled, calibration = _calibrated(kept, said)
    metadata = [Layer("xml", files.href(other), metadata=True) for other in files.names if other.lower().endswith(".xml")][:1]
    if name.lower().endswith(".hdf"):
        metadata.append(Layer("hdf", files.href(name), metadata=True))  # the file behind the addresses of its images
    return build_item(
        Facts(
            id=granule[1],
            family="aster",
            acquired=said.acquired,
            date_source=said.source,
            calibration=calibration,
            simulated=False,
            sun=said.sun,
            off_nadir=None if said.pointing is None else abs(said.pointing),
            platform="terra",
            instrument="aster",
            position_error_m=SYSTEMATIC_M if said.correction and "precision" not in said.correction.lower() else None,
            more={"aster:correction": said.correction} if said.correction else {},
        ),
        [*scaled, *metadata],
    )


def _rasters(names: Iterable[str]) -> list[str]:
    """Return the members that are GeoTIFFs of bands; each band's own file before that of its telescope."""
    single = [name for name in names if (found := _BAND_FILE.search(name)) and found[1].upper() in NAMES]
    return sorted(single) or sorted(name for name in names if _SENSOR_FILE.search(name))


def _names(layer: Layer) -> list[str]:
    return [channel.name for channel in layer.channels]


def _channel(band: str) -> Channel:
    return Channel(NAMES[band], nodata=0.0, saturated=255.0)


def _tiff_layers(files: Files, rasters: list[str], said: Said) -> tuple[list[Layer], Said]:
    layers = []
    for name in rasters:
        single, telescope = _BAND_FILE.search(name), _SENSOR_FILE.search(name)
        bands = (single[1].upper(),) if single else VNIR if telescope and telescope[1].upper() == "VNIR" else SWIR
        header = read_header(files.href(name))
        if header.count != len(bands):
            raise SceneError("unexpected number of bands", where=files.root / name, got=header.count, expected=len(bands))
        key = NAMES[bands[0]] if single else "vnir" if bands is VNIR else "swir"
        placed = _on_centres(header, 15.0 if bands[0] in VNIR else 30.0)
        channels = tuple(map(_stated, map(_channel, bands), _band_tags(files.href(name), header.count)))
        layers.append(Layer(key, files.href(name), channels, header=header, placed=placed))
        document = stac_document(files, f"{name.rsplit('.', 1)[0]}_stac.json") if f"{name.rsplit('.', 1)[0]}_stac.json" in files.names else None
        if document is not None:
            said = said.or_else(from_stac(document.get("properties", {})))
    return layers, said


def _band_tags(href: str, count: int) -> list[Mapping[str, str]]:
    with open_raster(href) as dataset:
        return [dataset.tags(n) for n in range(1, count + 1)]


def _stated(channel: Channel, tags: Mapping[str, str]) -> Channel:
    """Return the band with the factors to reflectance that the AWS store writes into its files."""
    try:
        return replace(channel, scale=float(tags["REFLECTANCE_GAIN"]), offset=float(tags["REFLECTANCE_BIAS"]))
    except (KeyError, ValueError):
        return channel


def _on_centres(header: Header, gsd: float) -> GeoBox | None:
    """Return the true grid of a GeoTIFF that took the corner pixels' centres for the raster's corners; None where the file itself is right.

    The Planetary Computer's are such: their pixels measure 14.9973 m, and lie up to half a pixel off.
    """
    t = header.transform
    rows, cols = header.shape
    right, bottom = t * (cols, rows)
    spans = abs(right - t.c - (cols - 1) * gsd), abs(t.f - bottom - (rows - 1) * gsd)
    if header.crs is None or t.b or t.d or max(spans) > gsd / 100:
        return None
    return GeoBox(header.shape, Affine(gsd, 0, t.c - gsd / 2, 0, -gsd, t.f + gsd / 2), header.crs)


def _hdf_layers(files: Files, name: str, said: Said) -> tuple[list[Layer], Said]:
    where = Path(files.href(name))
    if files.kind != "folder":
        raise SceneError("HDF4 cannot be read from inside an archive", where=where, remedy="unpack the archive and open its folder")
    contents = read_contents(where)
    said = from_attributes(contents).or_else(said)
    layers = []
    for band in (*VNIR, *SWIR):
        image = contents.images.get(f"ImageData{band}")
        if image is not None:
            box = _grid(said, image, 15.0 if band in VNIR else 30.0, str(where))
            href = href_of(where, f"ImageData{band}")
            layers.append(Layer(NAMES[band], href, (_channel(band),), header=_header(box, image, str(where)), placed=box))
    return layers, said


def _grid(said: Said, image: Image, gsd: float, where: str) -> GeoBox:
    """Return the grid of an image between its corners, which are the centres of the corner pixels, as the LP DAAC's script takes them, or edges."""
    if not said.zone or said.corners is None:
        raise SceneError(
            "ASTER metadata do not place the scene", where=where, expected="UTMZONENUMBER, UPPERLEFTM and LOWERRIGHTM, or GRANULE.hdf.xml"
        )
    left, top, right, bottom = said.corners
    rows, cols = image.shape
    for less, tolerance in ((1, 0.1), (0, 0.1), (1, 0.9)):  # the last for 30 m where the 15 m rows or columns are even
        if max(abs(right - left - (cols - less) * gsd), abs(top - bottom - (rows - less) * gsd)) < tolerance * gsd:
            south = said.zone < 0 or top < 0
            # Metres south of the equator are negative in the metadata; EPSG counts them from a false origin.
            up = 10_000_000 if top < 0 else 0
            affine = Affine(gsd, 0, round(left, 3) - less * gsd / 2, 0, -gsd, round(top, 3) + up + less * gsd / 2)
            return GeoBox(image.shape, affine, f"EPSG:{(32700 if south else 32600) + abs(said.zone)}")
    got = f"{cols} × {rows} pixels between corners {right - left:.1f} m × {top - bottom:.1f} m apart"
    raise SceneError("size and corners of the scene disagree", where=where, got=got, expected=f"pixels of {gsd:g} m")


def _header(box: GeoBox, image: Image, where: str) -> Header:
    return Header(
        driver="HDF4",
        crs=str(box.crs),
        shape=image.shape,
        transform=box.affine,
        count=1,
        dtype=image.dtype,
        nodata=(None,),
        scales=(1.0,),
        offsets=(0.0,),
        descriptions=("",),
        roles=("undefined",),
        wavelengths=(None,),
        per_dataset_mask=False,
        tags={},
        files=(where,),
        other_georeference="",
    )


def _calibrated(layers: list[Layer], said: Said) -> tuple[list[Layer], str]:
    """Return the layers with factors to top-of-atmosphere reflectance; as they are where gains or sun are not known for all of them."""
    if all(channel.scale != 1 for layer in layers for channel in layer.channels):
        return layers, "toa reflectance"
    bands = {name: band for band, name in NAMES.items()}
    used = {bands[name] for layer in layers for name in _names(layer)}
    gains = said.gains or {}
    factors = {band: UCC[band].get(gains.get(band, ""), UCC[band].get("LO1") if gains.get(band) == "LOW" else None) for band in used}
    if said.acquired is None or said.sun is None or said.sun[1] <= 0 or None in factors.values():
        return layers, "dn"
    when, elevation = said.acquired, said.sun[1]

    def scaled(channel: Channel) -> Channel:
        band = bands[channel.name]
        scale = (factors[band] or 0.0) * reflectance_of_radiance(ESUN[band], elevation, when)
        return replace(channel, scale=scale, offset=-scale)

    return [replace(layer, channels=tuple(map(scaled, layer.channels))) for layer in layers], "toa reflectance"


ASTER = Family("aster", find_aster, read_aster, alone=True)
