"""How much each place looks like a line, as a raster over both dates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from shapely import union_all

from camwatch.detect._course_cells import cell_m_of
from camwatch.detect._course_ground import LATTICE
from camwatch.rasters import mask_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from camwatch.detect._course_lattice import Lattice
    from camwatch.detect._perimeter_band import Band
    from camwatch.detect._trace import Trace
    from camwatch.imagery.image import Image


def score_of(before: Image, after: Image, bands: Sequence[Band], traces: Sequence[Trace]) -> tuple[NDArray[np.float32], float]:
    """Return the stronger evidence of the two dates on the image grid, NaN off the bands or where not observed, and the bands' usable km²."""
    if not bands:
        return np.full(before.valid.shape, np.nan, np.float32), 0.0
    inside = mask_of(union_all([band.searched for band in bands]), before.geobox) & before.valid & after.valid
    score = np.full(before.valid.shape, np.nan, np.float32)
    score[inside] = 0
    for lattice in (*(band.looked for band in bands if band.looked), *(trace.lattice for trace in traces)):
        _paint(score, before, lattice)
    score[~inside] = np.nan
    return score, float(inside.sum()) * before.pixel_m**2 / 1e6


def _paint(score: NDArray[np.float32], image: Image, lattice: Lattice) -> None:
    """Write how much each place looks like a line into `score` where that is more, on the pixels that it stands for."""
    spread = max(round(max(lattice.step_m, LATTICE * cell_m_of(image)) / image.pixel_m), 1)
    col, row = (np.round(each - 0.5 * spread).astype(int) for each in ~image.geobox.affine * tuple(lattice.point.T))
    best = lattice.like.max(axis=1)
    height, width = score.shape
    for down in range(spread):
        for across in range(spread):
            known = (row + down >= 0) & (row + down < height) & (col + across >= 0) & (col + across < width)
            at = row[known] + down, col[known] + across
            score[at] = np.fmax(score[at], best[known])
