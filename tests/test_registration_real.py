"""Registration of real pairs, where the truth is a second answer or a published offset."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from rasterio.warp import Resampling, reproject
from skimage.io import imread

from camwatch.registration import register
from test_registration import error_px, image, move, shift_matrix


def _xbd(shared, name):
    folder = shared / "data/pairs/xbd_geo"
    with rasterio.open(folder / f"{name}_pre_disaster.tif") as pre, rasterio.open(folder / f"{name}_post_disaster.tif") as post:
        before, after = pre.read().astype("float32"), np.zeros(pre.shape, "float32")
        reproject(
            post.read().astype("float32").mean(axis=0),
            after,
            src_transform=post.transform,
            src_crs=post.crs,
            dst_transform=pre.transform,
            dst_crs=pre.crs,
            resampling=Resampling.cubic,
        )
    return image(before.mean(axis=0), (before > 0).any(axis=0)), image(after, after > 0)


def test_two_dates_are_answered_consistently(shared):
    """The later image, moved by d, must be found d further; what both answers share cancels."""
    folder = shared / "data/pairs/levir_cd"
    first, second = (imread(folder / date / "test_1.png")[..., 1].astype(float) for date in "AB")
    base = register(image(first), image(second))
    assert base.ok
    moved = shift_matrix(17.5, 9.2)
    found = register(image(first), image(np.clip(move(second, moved), 0, 255)))
    assert found.ok
    assert error_px(found, base.matrix @ np.vstack([moved, [0, 0, 1]]), first.shape) < 0.05


def test_joplin(shared):
    found = register(*_xbd(shared, "joplin-tornado_00000000"))
    assert found.ok
    # The offset published with the pair is the correction, opposite in sign to where moving content lies.
    assert found.shift_px(511.5, 511.5) == pytest.approx((-2.5, 1.1), abs=0.4)
    assert found.check.rmse_after_px < found.check.rmse_before_px


def test_relief_is_refused(shared):
    found = register(*_xbd(shared, "guatemala-volcano_00000006"))
    assert found.status == "refused"
    assert "check windows" in found.reason


def test_landsat_three_years_apart(shared):
    """Two terrain-corrected Landsat scenes lie within a fifth of a pixel of one another, window by window."""
    folder = shared / "data/pairs/landsat_taizhou"
    planes = []
    for year in (2000, 2003):
        with rasterio.open(folder / f"{year}TM") as dataset:
            planes.append(dataset.read().astype("float32")[1:4])
    whole = register(*(image(p, gsd=30, bands=("blue", "green", "red")) for p in planes))
    assert whole.ok
    assert np.hypot(*whole.shift_px(199.5, 199.5)) < 0.3
    window = register(*(image(p[:, 100:200, 100:200], gsd=30, bands=("blue", "green", "red")) for p in planes))
    assert window.ok
    assert np.hypot(*window.shift_px(49.5, 49.5)) < 0.5
