"""What is quick where every pixel is valid gives what the general way gives."""

from datetime import UTC, datetime

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox

from camwatch.imagery import Clouds, Image, without_clouds
from camwatch.imagery.sample import block_mean, resample

GRID = GeoBox((90, 120), Affine(0.5, 0, 1000, 0, -0.5, 5000), "EPSG:32652")

MAPS = {
    "shift": Affine.translation(0.37, 0.24),
    "whole columns": Affine.translation(3, 0.24),
    "beyond every edge": Affine.translation(-3.3, 2.2) * Affine.rotation(-2) * Affine.scale(1.05),
    "rotation": Affine.translation(5, 3) * Affine.rotation(0.35) * Affine.scale(1.0015),
    "south up": Affine.translation(0.3, 89.2) * Affine.scale(1, -1),
    "coarser": Affine.translation(0.2, 0.2) * Affine.scale(1.4),
    "finer": Affine.scale(0.37),
}


@pytest.mark.parametrize("name", MAPS)
def test_a_window_without_a_gap_is_interpolated_as_one_with_a_gap_elsewhere(name):
    values = np.random.default_rng(3).random((2, *GRID.shape), np.float32)
    target = GeoBox((80, 110), GRID.affine * MAPS[name], GRID.crs)
    gap = np.ones(GRID.shape, bool)
    gap[45, 60] = False
    outs = np.zeros((2, 2, *target.shape), np.float32)
    quick, general = (resample(values, valid, GRID, target, list(out)) for valid, out in zip((np.ones_like(gap), gap), outs, strict=True))
    # The gap reaches two pixels in each direction of the source.
    row, col = np.mgrid[: target.shape[0], : target.shape[1]]
    x, y = MAPS[name] * (col + 0.5, row + 0.5)
    far = (abs(x - 60.5) > 2.6) | (abs(y - 45.5) > 2.6)
    assert np.array_equal(quick[far], general[far])
    both = quick & general & far
    assert both.mean() > 0.3
    np.testing.assert_allclose(outs[0][:, both], outs[1][:, both], atol=1e-5)


@pytest.mark.parametrize("k", [2, 3, 7])
def test_blocks_without_a_gap_have_their_mean(k):
    values = np.random.default_rng(5).random((2, 61, 47), np.float32)
    means, usable = block_mean(values, np.ones((61, 47), bool), k)
    assert usable.all()
    assert means[1, 2, 3] == pytest.approx(values[1, 2 * k : 3 * k, 3 * k : 4 * k].mean(), abs=1e-6)
    assert means.shape == (2, 61 // k, 47 // k)


@pytest.mark.parametrize("turned", [0.0, 3.0])
def test_what_clouds_hide_is_told_pixel_by_pixel(turned):
    cells = GeoBox((9, 12), GRID.affine * Affine.scale(10), GRID.crs)
    hidden = np.random.default_rng(7).random((9, 12)) < 0.3
    box = GeoBox((70, 100), GRID.affine * Affine.translation(7.3, 4.2) * Affine.rotation(turned) * Affine.scale(0.9), GRID.crs)
    image = Image(
        np.ones((1, 70, 100), np.float32), np.ones((70, 100), bool), ("pan",), box, datetime(2012, 1, 1, tzinfo=UTC), None, 0.5, "dn", "made"
    )
    seen = without_clouds(image, Clouds(hidden, cells)).valid
    for row, col in np.ndindex(70, 100):
        x, y = ~cells.affine * (box.affine * (col + 0.5, row + 0.5))
        assert seen[row, col] == (not hidden[min(max(int(np.floor(y)), 0), 8), min(max(int(np.floor(x)), 0), 11)])
    assert without_clouds(image, Clouds(np.zeros_like(hidden), cells)).valid.all()
