"""Every size of scene has a window in each cell."""

from __future__ import annotations

import numpy as np
import pytest

from camwatch.registration._fit import WINDOW, Cells, windows
from camwatch.registration._planes import Plane


def level(shape):
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    return Plane(values, np.ones(shape, bool), complete=True)


@pytest.mark.parametrize("factor", [2, 4, 8, 16])
@pytest.mark.parametrize("side", [1186, 1204, 1208, 1250, 1264, 1336, 1424, 2376])
def test_cells_hardly_larger_than_a_window_have_one_too(side, factor):
    shape = (side - side % factor, side - side % factor)
    coarse = level((shape[0] // factor, shape[1] // factor))
    cells = Cells.over(shape)
    found = windows(shape, np.eye(3), (coarse, coarse))
    assert len(found) == cells.rows * cells.cols
    for (row0, row1, col0, col1), (top, bottom, left, right) in zip(found, cells.rectangles(), strict=True):
        assert (row1 - row0, col1 - col0) == (WINDOW, WINDOW)
        # Windows begin on pixels of the coarser level, at most one of them before their cell.
        assert 0 <= row0 > top - factor
        assert 0 <= col0 > left - factor
        assert row1 <= bottom
        assert col1 <= right
