"""Sensitivity: planted objects found again, and reports where nothing is claimed."""

from camwatch.sensitivity.measure import FalseAlarms, false_alarms, measure
from camwatch.sensitivity.record import Sensitivity, Unchanged
from camwatch.sensitivity.windows import control_windows, planting_window

__all__ = ["FalseAlarms", "Sensitivity", "Unchanged", "control_windows", "false_alarms", "measure", "planting_window"]
