"""What covers the ground, and how it looks in each season.

Spectra are rounded means of public-domain spectral libraries and surface reflectance products; they only have to be plausible to a few hundredths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")
PAN = {"blue": 0.15, "green": 0.4, "red": 0.45}

COVERS = (
    "scrub",
    "field",
    "paddy",
    "forest",
    "water",
    "gravel",
    "track",
    "bare",
    "yard",
    "village",
    "paved",
    "spoil",
    "garden",
    "rubble",
    "snow",
    "crown",
)
CODE = {name: number for number, name in enumerate(COVERS)}

# blue, green, red, nir, swir16, swir22; without green leaves, and in full leaf.
_DRY = {
    "scrub": (0.076, 0.101, 0.120, 0.210, 0.260, 0.190),
    "field": (0.096, 0.122, 0.146, 0.220, 0.290, 0.230),
    "paddy": (0.098, 0.126, 0.146, 0.215, 0.240, 0.170),
    "forest": (0.056, 0.072, 0.086, 0.150, 0.170, 0.115),
    "water": (0.050, 0.062, 0.050, 0.028, 0.015, 0.010),
    "gravel": (0.190, 0.225, 0.255, 0.290, 0.320, 0.290),
    "track": (0.172, 0.200, 0.226, 0.320, 0.380, 0.340),
    "bare": (0.150, 0.177, 0.202, 0.300, 0.370, 0.330),
    "yard": (0.124, 0.147, 0.166, 0.245, 0.300, 0.260),
    "village": (0.105, 0.132, 0.158, 0.215, 0.260, 0.215),
    "paved": (0.125, 0.135, 0.145, 0.165, 0.190, 0.180),
    "spoil": (0.048, 0.052, 0.056, 0.070, 0.090, 0.095),
    "garden": (0.070, 0.092, 0.116, 0.190, 0.250, 0.200),
    "rubble": (0.150, 0.172, 0.195, 0.225, 0.270, 0.250),
    "snow": (0.780, 0.790, 0.780, 0.720, 0.110, 0.090),
    "crown": (0.048, 0.062, 0.074, 0.140, 0.160, 0.105),
}
_GREEN = {
    "scrub": (0.040, 0.075, 0.058, 0.300, 0.190, 0.100),
    "field": (0.038, 0.080, 0.055, 0.380, 0.190, 0.090),
    "paddy": (0.036, 0.082, 0.050, 0.400, 0.150, 0.070),
    "forest": (0.022, 0.044, 0.030, 0.290, 0.140, 0.062),
    "village": (0.075, 0.100, 0.100, 0.250, 0.220, 0.150),
    "garden": (0.040, 0.078, 0.058, 0.340, 0.190, 0.100),
    "crown": (0.022, 0.046, 0.031, 0.310, 0.145, 0.062),
    "yard": (0.120, 0.150, 0.165, 0.260, 0.280, 0.230),
}


@dataclass(frozen=True, slots=True)
class Season:
    """How the ground stands at a date: 0..1 each.

    `crops`, `herbs`, `leaves` = share of green in fields, in scrub, in trees; `snow` = how far snow lies on slopes that face north;
    `wet` = how far bare ground is darkened by moisture; `flooded` = share of paddies under water.
    """

    crops: float
    herbs: float
    leaves: float
    snow: float = 0.0
    wet: float = 0.0
    flooded: float = 0.0


def season_of(day_of_year: int) -> Season:
    """Return the season of a day at 42° N on the north-east Korean coast: thaw in March, crops from May, harvest in October, bare in November."""
    knots = (1, 60, 100, 125, 145, 180, 230, 262, 285, 300, 320, 366)
    curves = {
        "crops": (0, 0, 0, 0.02, 0.18, 0.75, 0.95, 0.65, 0.20, 0.08, 0.02, 0),
        "herbs": (0, 0, 0.05, 0.40, 0.75, 0.95, 0.95, 0.75, 0.45, 0.20, 0.03, 0),
        "leaves": (0.18, 0.18, 0.20, 0.45, 0.90, 1.0, 1.0, 0.88, 0.60, 0.38, 0.20, 0.18),
        "snow": (0.6, 0.45, 0.0, 0, 0, 0, 0, 0, 0, 0, 0.0, 0.5),
        "wet": (0.2, 0.5, 0.4, 0.2, 0.2, 0.4, 0.4, 0.1, 0.05, 0.1, 0.3, 0.3),
        "flooded": (0, 0, 0, 0.5, 0.9, 0.5, 0, 0, 0, 0, 0, 0),
    }
    return Season(**{name: float(np.interp(day_of_year, knots, values)) for name, values in curves.items()})


def green_share(season: Season) -> NDArray[np.float32]:
    """Return the share of green leaves of each cover in :data:`COVERS` at a season."""
    share = {
        "scrub": season.herbs,
        "field": season.crops,
        "paddy": season.crops,
        "forest": 0.6 * season.herbs,
        "village": 0.7 * season.herbs,
        "garden": max(season.crops, 0.5 * season.herbs),
        "crown": season.leaves,
        "yard": 0.5 * season.herbs,
    }
    return np.array([share.get(name, 0.0) for name in COVERS], np.float32)


def spectra(bands: Sequence[str], season: Season) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (dry, green), each (band, cover) float32 reflectance; `pan` is a weighted mean of the visible bands."""
    wet = {"scrub", "field", "paddy", "track", "bare", "yard", "garden", "village"}
    dry = np.array([np.array(_DRY[name]) * (1 - 0.22 * season.wet * (name in wet)) for name in COVERS], np.float32).T
    green = np.array([_GREEN.get(name, _DRY[name]) for name in COVERS], np.float32).T
    weights = np.array([[PAN.get(b, 0.0) for b in BANDS] if band == "pan" else [float(band == b) for b in BANDS] for band in bands], np.float32)
    return weights @ dry, weights @ green
