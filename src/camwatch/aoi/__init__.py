"""Areas of interest: records, reading files, bundled camps, and measuring outlines against published figures."""

from camwatch.aoi.bundle import bundled, load_aoi
from camwatch.aoi.measure import Measurement, check
from camwatch.aoi.records import LONLAT, Aoi, Outline, Role, Site, reproject

__all__ = ["LONLAT", "Aoi", "Measurement", "Outline", "Role", "Site", "bundled", "check", "load_aoi", "reproject"]
