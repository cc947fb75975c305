"""Sensitivity: planted objects found again, and reports where nothing is claimed."""

from camwatch.sensitivity.measure import measure
from camwatch.sensitivity.record import Sensitivity
from camwatch.sensitivity.windows import control_window, planting_window

__all__ = ["Sensitivity", "control_window", "measure", "planting_window"]
