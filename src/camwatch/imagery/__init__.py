"""Pixels on one grid: reading, masking, comparing two acquisitions radiometrically."""

from camwatch.imagery.clouds import Clouds, find_clouds, without_clouds
from camwatch.imagery.grids import pair_geobox, shared_bands
from camwatch.imagery.image import Image, Sun
from camwatch.imagery.load import load
from camwatch.imagery.radiometry import Radiometry, fit_radiometry
from camwatch.imagery.share import clear_share

__all__ = [
    "Clouds",
    "Image",
    "Radiometry",
    "Sun",
    "clear_share",
    "find_clouds",
    "fit_radiometry",
    "load",
    "pair_geobox",
    "shared_bands",
    "without_clouds",
]
