"""Detectors: one pair on one grid in, findings out; pure, and none of them knows another."""

from camwatch.detect._common import coverage
from camwatch.detect.perimeter import PerimeterParams, detect_perimeter
from camwatch.detect.structures import StructureParams, detect_structures
from camwatch.detect.towers import TowerParams, detect_towers, search_band

__all__ = ["PerimeterParams", "StructureParams", "TowerParams", "coverage", "detect_perimeter", "detect_structures", "detect_towers", "search_band"]
