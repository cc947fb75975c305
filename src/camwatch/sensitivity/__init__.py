"""Sensitivity: planted objects found again, and reports where nothing is claimed."""

from camwatch.sensitivity.measure import measure
from camwatch.sensitivity.record import Sensitivity

__all__ = ["Sensitivity", "measure"]
