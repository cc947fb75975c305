"""Rendering: solids with shadows drawn into real pixels, and whole simulated scenes in the layouts in which archives deliver them.

One physical core (:mod:`camwatch.render.draw`) serves both, so what a detector is measured with is what the demonstration shows.
"""

from camwatch.render.demo import write_demo
from camwatch.render.optics import View
from camwatch.render.plant import plant
from camwatch.render.solids import Solid

__all__ = ["Solid", "View", "plant", "write_demo"]
