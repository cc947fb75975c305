"""Detectors: one pair on one grid in, findings out; pure, and none of them knows another."""

from typing import TYPE_CHECKING

from camwatch._late import late

if TYPE_CHECKING:
    from camwatch.detect._common import coverage
    from camwatch.detect._land_cover import LandcoverParams
    from camwatch.detect._land_series import detect_land_series
    from camwatch.detect._model import Likelihoods, Model, load_model
    from camwatch.detect._structure_params import StructureParams
    from camwatch.detect._tower_band import TowerParams, search_band
    from camwatch.detect.landcover import detect_landcover
    from camwatch.detect.perimeter import PerimeterParams, detect_perimeter
    from camwatch.detect.structures import detect_structures
    from camwatch.detect.towers import detect_towers
else:
    __getattr__ = late(
        __name__,
        {
            "coverage": "_common",
            "Likelihoods": "_model",
            "Model": "_model",
            "load_model": "_model",
            "LandcoverParams": "_land_cover",
            "detect_land_series": "_land_series",
            "detect_landcover": "landcover",
            "PerimeterParams": "perimeter",
            "detect_perimeter": "perimeter",
            "StructureParams": "_structure_params",
            "detect_structures": "structures",
            "TowerParams": "_tower_band",
            "search_band": "_tower_band",
            "detect_towers": "towers",
        },
    )

__all__ = [
    "LandcoverParams",
    "Likelihoods",
    "Model",
    "PerimeterParams",
    "StructureParams",
    "TowerParams",
    "coverage",
    "detect_land_series",
    "detect_landcover",
    "detect_perimeter",
    "detect_structures",
    "detect_towers",
    "load_model",
    "search_band",
]
