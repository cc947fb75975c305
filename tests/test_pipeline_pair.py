"""Two scenes on one grid: what hides the ground at a date is hidden in every window, at the place where the scene shows it."""

import datetime as dt
import json
from types import SimpleNamespace

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy.ndimage import gaussian_filter, shift

from camwatch.config import RunConfig
from camwatch.imagery import load
from camwatch.pipeline import evidence, pair, view
from camwatch.pipeline.pair import align
from camwatch.pipeline.transforms import registration_record
from camwatch.rasters import write_raster
from camwatch.registration import Registration
from camwatch.scenes import open_scene

BOX = GeoBox((500, 500), Affine(2, 0, 559_000, 0, -2, 4_633_000), "EPSG:32652")
CLOUD = (150, 320, 80)
"""Row, column and radius of a cloud in the later scene, pixels of 2 m."""

OFFSET = (6.0, -4.0)
"""Rows and columns by which the later product misplaces the ground."""


@pytest.fixture
def scenes(tmp_path):
    random = np.random.default_rng(5)
    ground = 90 + 120 * gaussian_filter(random.normal(size=BOX.shape), 2.5)
    rows, cols = np.mgrid[: BOX.shape[0], : BOX.shape[1]]
    row, col, radius = CLOUD
    paths = []
    for year in (2010, 2013):
        image = ground + random.normal(0, 1.5, BOX.shape)
        if year == 2013:
            image = shift(image, OFFSET, mode="nearest")
            image[np.hypot(rows - row, cols - col) < radius] = 250
        paths.append(write_raster(tmp_path / f"scene_{year}0601.tif", np.clip(image, 1, 255).astype(np.uint8), BOX))
    return [open_scene(path) for path in paths]


def test_a_cloud_found_on_the_overview_is_hidden_in_every_window_where_registration_puts_it(scenes):
    alignment = align(*scenes, None, RunConfig(report_date=dt.date(2026, 1, 1)))
    assert alignment.registration.ok
    assert alignment.overview.delivered.clouds == "fallback"
    row, col, radius = CLOUD
    # As delivered the cloud lies at CLOUD; once the scene is put right, the offset less.
    before, after = alignment.images(alignment.geobox)
    assert before.valid.all()
    rows, cols = np.mgrid[: after.geobox.shape[0], : after.geobox.shape[1]]
    away = np.hypot(rows - (row - OFFSET[0]), cols - (col - OFFSET[1]))
    assert not after.valid[away < radius].any()
    clear = (away > radius + 45) & (rows > 10) & (rows < 480) & (cols > 10) & (cols < 480)  # its thin rim of 60 m, its cells of 10 m
    assert after.valid[clear].all()


def test_a_pair_goes_on_from_its_record_as_it_does_when_the_record_is_read_again(scenes):
    first = align(*scenes, None, RunConfig(report_date=dt.date(2026, 1, 1)))
    record = Registration.from_json(json.loads(json.dumps(registration_record(first, None))))
    now, later = first.by(record), align(*scenes, None, RunConfig(report_date=dt.date(2026, 1, 1)), record)
    assert np.array_equal(now.registration.matrix, later.registration.matrix)
    assert now.radiometry == later.radiometry
    window = now.geobox[40:260, 100:300]
    for one, other in zip(now.images(window) + now.shown(), later.images(window) + later.shown(), strict=True):
        assert np.array_equal(one.values, other.values)
        assert np.array_equal(one.valid, other.valid)


def test_the_search_for_clouds_can_be_left_out(scenes):
    alignment = align(*scenes, None, RunConfig(report_date=dt.date(2026, 1, 1), search_clouds=False))
    assert alignment.overview.delivered.clouds == "none"
    assert alignment.overview.delivered.valid.all()


def test_scenes_without_a_common_band_are_compared_by_luminance(scenes, tmp_path):
    later = scenes[1]
    red = np.repeat(load(later, BOX).values, 3, axis=0).astype(np.uint8)
    path = write_raster(tmp_path / "colour_20130601.tif", red, BOX, bands=("red", "green", "blue"))
    alignment = align(scenes[0], open_scene(path), None, RunConfig(report_date=dt.date(2026, 1, 1)))
    images = alignment.images(alignment.geobox)
    assert [image.bands for image in images] == [("luminance",), ("luminance",)]
    assert images[1].clouds == "fallback"


def test_a_pair_that_its_overview_shows_pixel_for_pixel_is_loaded_once(scenes, monkeypatch):
    loads = []
    monkeypatch.setattr(view, "load", lambda item, window, **more: loads.append(item.id) or load(item, window, **more))
    alignment = align(*scenes, None, RunConfig(report_date=dt.date(2026, 1, 1), search_clouds=False))
    assert sorted(loads) == sorted([scenes[0].id, scenes[1].id, scenes[1].id])  # as delivered, and the later one as registered
    window = alignment.geobox[40:300, 20:410]
    before, after = alignment.images(window)
    assert len(loads) == 3
    assert np.array_equal(before.values, alignment.earlier.load(window).values)
    alone = alignment.radiometry.apply(alignment.later.registered(window, alignment.registration))
    assert np.array_equal(after.valid, alone.valid)
    np.testing.assert_allclose(after.values[:, after.valid], alone.values[:, after.valid], rtol=1e-4, atol=0.05)
    # A coarser version of it, and ground beyond it, are loaded.
    del loads[:]
    assert alignment.images(pair.coarser(window, 100))[0].geobox == pair.coarser(window, 100)
    assert pair.part_of(alignment.overview.before, window.pad(30)) is None
    assert len(loads) == 2


@pytest.mark.parametrize(("side", "longest"), [(1000, 1000), (40_000, pair.OVERVIEW_PX)])
def test_a_detail_is_loaded_no_finer_than_a_page_can_show(monkeypatch, side, longest):
    """A sixth of a wide scene in full resolution would take gigabytes for a few centimetres of paper."""
    geobox = GeoBox((side, side), Affine(0.5, 0, 559_000, 0, -0.5, 4_633_000), "EPSG:32652")
    bounds = geobox[: side // 2, : side // 2].extent.boundingbox
    monkeypatch.setattr("camwatch.report.detail_bounds", lambda *_: tuple(bounds))
    (asked,) = evidence.detail_images(SimpleNamespace(geobox=geobox, images=lambda window: (window,)), None, None, {}, None)
    assert max(asked.shape) <= longest
    assert asked.extent.boundingbox.left == pytest.approx(bounds.left)
    assert asked.extent.boundingbox.bottom == pytest.approx(bounds.bottom, abs=1.0)
