"""Where the pixels on a page come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from camwatch.imagery.image import Sun


@dataclass(frozen=True, slots=True)
class Source:
    """One scene as the report quotes it.

    Attributes
    ----------
    id : str
        Scene identifier; the page finds the before and the after image's source by `Image.scene`.
    sensor : str
        Platform and instrument, e.g. `Landsat 8 OLI`; empty where not stated.
    acquired : datetime
        UTC.
    gsd_m : float
        Ground sample distance in metres.
    sun : Sun or None
    off_nadir_deg : float or None
        View angle from the vertical.
    sha256 : str
        Of the file, or of the sorted hashes of its files.
    mask : str
        What the cloud and quality mask comes from; `none` where the product has none.
    licence : str
    """

    id: str
    sensor: str
    acquired: datetime
    gsd_m: float
    sun: Sun | None
    off_nadir_deg: float | None
    sha256: str
    mask: str = "none"
    licence: str = ""
