"""What a reader tells of a product: its bands, its files, and what its metadata says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from odc.geo.geobox import GeoBox

    from camwatch.scenes.access.gdal import Header
    from camwatch.scenes.flags import Flag


@dataclass(frozen=True, slots=True)
class Channel:
    """One band of a file: `name` (empty = no data, e.g. alpha) and how its numbers are meant."""

    name: str
    scale: float = 1.0
    offset: float = 0.0
    nodata: float | None = None
    saturated: float | None = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class Layer:
    """One file of a product.

    Attributes
    ----------
    key : str
        Key of the asset.
    href : str
    channels : tuple of Channel
        One for each band of the file; empty for a mask and for metadata.
    mask : str
        Kind of the quality layer (`QA_PIXEL`, …); empty for data.
    index : int
        Number of the mask's band.
    flags : tuple of Flag
        Fields of the quality layer; by default those of its kind in `camwatch.scenes.flags`.
    polygon : tuple of (float, float)
        An outline that is the quality layer, as (column, row) from the outer corner of the first pixel of `placed`, which must be given: a pixel
        inside has the value 1, outside 0. So have pixels inside the polygons of a .gml file; its coordinates are in the CRS of `placed`.
    header : Header or None
        Read when absent; None stays for metadata.
    placed : GeoBox or None
        Where the pixels lie, when the family knows better than the file: from control points, corner coordinates or metadata.
    metadata : bool
    """

    key: str
    href: str
    channels: tuple[Channel, ...] = ()
    mask: str = ""
    index: int = 1
    flags: tuple[Flag, ...] = ()
    header: Header | None = None
    placed: GeoBox | None = None
    metadata: bool = False
    polygon: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What a reader knows about a product beside its files.

    Attributes
    ----------
    id, family : str
    acquired : datetime
        UTC.
    date_source : str
        Where the date comes from, in words.
    calibration : str
    simulated : bool
    sun : (float, float) or None
        Azimuth, elevation in degrees.
    off_nadir : float or None
        Degrees.
    gsd : float or None
        Metres, where a sidecar states it; otherwise that of the pixels.
    platform, instrument : str
    position_error_m : float or None
        How far the ground may lie from where the product puts it, root mean square in metres; None where the archive gives no figure.
    missing : tuple of str
        Bands and quality layers that the metadata names and that are not here.
    more : mapping
        Further properties.
    """

    id: str
    family: str
    acquired: datetime
    date_source: str
    calibration: str
    simulated: bool
    sun: tuple[float, float] | None = None
    off_nadir: float | None = None
    gsd: float | None = None
    platform: str = ""
    instrument: str = ""
    position_error_m: float | None = None
    missing: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
