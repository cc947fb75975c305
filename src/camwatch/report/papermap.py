"""Map panels on a page of pixels: what was seen and what was found, in metres of the grid's CRS."""

from camwatch.report.mapfurniture import compass, frame, frame_of, graticule, note, sample, scale_bar, watermark
from camwatch.report.mapmarks import mark, marks, rings
from camwatch.report.mappanel import Panel, image, panel, pixels, score
from camwatch.report.mapstrokes import Drawn, drawn, lay, stroke

__all__ = [
    "Drawn",
    "Panel",
    "compass",
    "drawn",
    "frame",
    "frame_of",
    "graticule",
    "image",
    "lay",
    "mark",
    "marks",
    "note",
    "panel",
    "pixels",
    "rings",
    "sample",
    "scale_bar",
    "score",
    "stroke",
    "watermark",
]
