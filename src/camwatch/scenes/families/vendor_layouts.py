"""How vendors of small deliveries write and name them, one description each; `camwatch.scenes.families.vendors` reads by it.

Where the keys come from: the metadata readers of GDAL (gcore/mdreader) for GeoEye, OrbView, EROS, KOMPSAT, Resurs and ALOS; NRSC's product format
for Cartosat and Resourcesat (BAND_META.txt; NRSC writes both `SunAziumthAtCenter` and `SunAzimuthAtCenter`).
"""

from __future__ import annotations

from dataclasses import dataclass

_BGRN = ("blue", "green", "red", "nir")
_LETTERS = {"pan": ("pan",), "blu": ("blue",), "grn": ("green",), "red": ("red",), "nir": ("nir",), "rgb": ("red", "green", "blue"), "bgrn": _BGRN}


@dataclass(frozen=True, slots=True)
class Vendor:
    """How one vendor delivers.

    Attributes
    ----------
    name : str
    document : str
        Pattern of the metadata's file name without suffixes of its own: group 1 is the stem that its images share, empty for all in the folder.
    marker : bytes
        What stands in the text of every such member.
    image : str
        Pattern of what follows the stem in an image's name, up to its suffix; group 1, where it has one, tells which band it is.
    dates : tuple of (str, …)
        Alternatives, the best first; the values of several keys are joined.
    platform, instrument, sun_azimuth, sun_elevation, off_nadir, incidence, identifier : tuple of str
        Keys, the best first.
    gsd : tuple of str
        Keys whose mean is the ground sample distance in metres.
    elevation : tuple of str
        Keys of the elevation at which the satellite stands above the ground: 90° less the incidence angle.
    corners : tuple of (str, str, str)
        Section, latitude and longitude of the upper left, upper right, lower right, lower left corner of the image.
    bands : mapping of str to (str, …)
        What group 1 of `image` matched → names of the file's bands.
    multi : tuple of str
        Names of the bands of a file with as many.
    zone : str
        Added to a time that has no zone.
    fill : float or None
        What 16-bit images hold outside the picture when they declare nothing.
    """

    name: str
    document: str
    marker: bytes
    image: str = ""
    dates: tuple[tuple[str, ...], ...] = ()
    platform: tuple[str, ...] = ()
    instrument: tuple[str, ...] = ()
    sun_azimuth: tuple[str, ...] = ()
    sun_elevation: tuple[str, ...] = ()
    off_nadir: tuple[str, ...] = ()
    incidence: tuple[str, ...] = ()
    elevation: tuple[str, ...] = ()
    gsd: tuple[str, ...] = ()
    identifier: tuple[str, ...] = ()
    corners: tuple[tuple[str, str, str], ...] = ()
    bands: tuple[tuple[str, tuple[str, ...]], ...] = ()
    multi: tuple[str, ...] = ()
    zone: str = ""
    fill: float | None = None


VENDORS: tuple[Vendor, ...] = (
    Vendor(
        name="geoeye",
        document=r"(.+)_metadata\.txt",
        marker=b"Source Image",
        image=r"_(pan|blu|grn|red|nir|rgb|bgrn)_\w+",
        dates=(("Acquisition Date/Time",),),
        platform=("Sensor", "Sensor Name"),
        sun_azimuth=("Sun Angle Azimuth",),
        sun_elevation=("Sun Angle Elevation",),
        elevation=("Nominal Collection Elevation",),
        gsd=("Pixel Size X", "Pixel Size Y"),
        bands=tuple(_LETTERS.items()),
        fill=0.0,
    ),
    Vendor(
        name="orbview",
        document=r"(.+)\.pvl",
        marker=b"sensorInfo",
        image=r"(?:_(pan|blu|grn|red|nir|rgb|bgrn)_\w+)?",
        dates=(("firstLineAcquisitionDateTime",),),
        platform=("satelliteName",),
        instrument=("sensorName",),
        sun_azimuth=("firstLineSunAzimuthAngle",),
        sun_elevation=("firstLineSunElevationAngle",),
        elevation=("firstLineElevationAngle",),
        gsd=("lineSpacing", "pixelSpacing"),
        corners=tuple((f"{corner}Corner", "latitude", "longitude") for corner in ("upperLeft", "upperRight", "lowerRight", "lowerLeft")),
        bands=tuple(_LETTERS.items()),
        fill=0.0,
    ),
    Vendor(
        name="eros", document=r"(.+)\.pass", marker=b"sweep_start_utc", dates=(("sweep_start_utc",),), platform=("satellite",), instrument=("camera",)
    ),
    Vendor(
        name="kompsat",
        document=r"(.+)\.txt",
        marker=b"AUX_SATELLITE_NAME",
        dates=(("AUX_STRIP_ACQ_DATE_UT", "AUX_STRIP_ACQ_START_UT"), ("AUX_STRIP_ACQ_DATE_UT",)),
        platform=("AUX_SATELLITE_NAME",),
        instrument=("AUX_SATELLITE_SENSOR",),
        corners=tuple(("", f"AUX_IMAGE_{corner}_LATLONG_DEG", f"AUX_IMAGE_{corner}_LATLONG_DEG") for corner in ("TL", "TR", "BR", "BL")),
    ),
    Vendor(
        name="resurs",
        document=r"(.+)\.xml",
        marker=b"<MSP_ROOT",
        dates=(("dSceneDate", "tSceneTime"), ("dSceneDate",)),
        platform=("cCodeKA",),
        instrument=("cDeviceName",),
        corners=tuple(("", f"a{corner}Lat", f"a{corner}Long") for corner in ("NW", "NE", "SE", "SW")),
        zone="+03:00",  # of Moscow
    ),
    Vendor(
        name="alos",
        document=r"()summary\.txt",
        marker=b"Lbi_Satellite",
        image=r"IMG-(?:(\d\d)-)?[\w-]+",
        dates=(("Img_SceneCenterDateTime",), ("Lbi_ObservationDate",)),
        platform=("Lbi_Satellite",),
        instrument=("Lbi_Sensor",),
        gsd=("Pds_PixelSpacing",),
        identifier=("Scs_SceneID",),
        bands=tuple((f"{n:02}", (name,)) for n, name in enumerate(_BGRN, 1)),
        multi=_BGRN,
    ),
    Vendor(
        name="isro",
        document=r"()(?:.*_)?META\.txt",
        marker=b"DateOfPass",
        image=r".*?(?:BAND_?(\w)?)?",
        dates=(("SceneCenterTime",), ("DateOfPass",)),
        platform=("SatID",),
        instrument=("Sensor",),
        sun_azimuth=("SunAzimuthAtCenter", "SunAziumthAtCenter"),
        sun_elevation=("SunElevationAtCenter",),
        off_nadir=("TiltAngle",),
        incidence=("IncidenceAngle",),
        gsd=("OutputResolutionAlong", "OutputResolutionAcross"),
        identifier=("OTSProductID", "ProductID"),
        corners=tuple(("", f"Prod{corner}Lat", f"Prod{corner}Lon") for corner in ("UL", "UR", "LR", "LL")),
        bands=(("1", ("blue",)), ("2", ("green",)), ("3", ("red",)), ("4", ("nir",)), ("5", ("swir16",))),
        multi=_BGRN,
        fill=0.0,
    ),
)

ANY_NAME = (r"(.+)\.txt", r"(.+)\.xml")
"""Names that say nothing: looked into only where an image lies beside them."""
