"""`registered.tif`: the later scene with the transform, written strip by strip, the same as in one piece."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from affine import Affine
from scipy import ndimage

from camwatch.config import RunConfig
from camwatch.pipeline import align, evidence
from camwatch.scenes import open_scene

ORIGIN = (559_000.0, 4_633_000.0)


def scene(path, values, day, *, left=0.0):
    """A dated GeoTIFF of half-metre pixels whose first column lies `left` metres to the east of the origin."""
    stack = values[None] if values.ndim == 2 else values
    profile = {"driver": "GTiff", "count": len(stack), "height": stack.shape[1], "width": stack.shape[2], "dtype": "uint8", "crs": "EPSG:32652"}
    with rasterio.open(path, "w", transform=Affine(0.5, 0, ORIGIN[0] + left, 0, -0.5, ORIGIN[1]), **profile) as dataset:
        dataset.write(stack)
        dataset.update_tags(TIFFTAG_DATETIME=f"{day} 02:00:00")
    return open_scene(path)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Blurred noise, and the same 1.3 rows down and 0.6 columns left: the transform is known, and the registration finds it."""
    folder, rng = tmp_path_factory.mktemp("pair"), np.random.default_rng(4)
    ground = 128 + 900 * ndimage.gaussian_filter(rng.standard_normal((620, 420)), 3)
    moved = ndimage.shift(ground, (1.3, -0.6), order=5, mode="reflect")
    first, second = (np.clip(values, 1, 255).astype(np.uint8) for values in (ground, moved))
    items = scene(folder / "a.tif", first, "2010:05:01"), scene(folder / "b.tif", second[:, 40:], "2012:10:01", left=20.0)
    return align(*items, None, RunConfig(report_date="2026-11-22", margin_m=0, search_clouds=False))


def written(alignment, path):
    evidence.registration_files(path, alignment, "2026-11-22")
    with rasterio.open(path / "registered.tif") as dataset:
        return dataset.read(), SimpleNamespace(tags=dataset.tags(), bands=dataset.descriptions, **dataset.meta)


def test_strips_hold_what_one_load_holds(pair, tmp_path, monkeypatch):
    window = pair.geobox
    image = replace(pair.later, bands=None).registered(window, pair.registration)
    expected = np.where(image.valid, image.values, np.nan)
    monkeypatch.setattr(evidence, "STRIP_PX", 256 * window.shape[1])
    # Another band tuple: what was compared may not be taken as it is.
    seen = replace(pair, overview=replace(pair.overview, registered=replace(pair.overview.registered, bands=("other",))))
    values, dataset = written(seen, tmp_path)
    assert (dataset.height, dataset.width) == tuple(window.shape)
    assert dataset.transform == window.affine
    assert np.isnan(dataset.nodata)
    assert np.array_equal(np.isnan(values), np.isnan(expected))
    np.testing.assert_allclose(values, expected, atol=2e-4)


def test_what_was_compared_is_taken_as_it_is(pair, tmp_path):
    values, dataset = written(pair, tmp_path)
    assert np.array_equal(values, np.where(pair.overview.registered.valid, pair.overview.registered.values, np.nan), equal_nan=True)
    assert dataset.tags["TIFFTAG_DATETIME"] == "2012:10:01 02:00:00"
    assert dataset.bands == pair.overview.registered.bands
    # And it lies where the earlier scene lies: the known shift is gone.
    before = pair.overview.before
    both = before.valid & ~np.isnan(values[0])
    apart = np.abs(before.values[0] - values[0])[both]
    assert np.median(apart) < 1.0
    assert (tmp_path / "registration.png").is_file()


def test_a_strip_beyond_the_scene_is_empty(pair, tmp_path, monkeypatch):
    monkeypatch.setattr(evidence, "STRIP_PX", 1)
    wide = pair.geobox.pad(0, 700)
    values, _ = written(replace(pair, geobox=wide), tmp_path)
    assert values.shape[1:] == tuple(wide.shape)
    assert np.isnan(values[:, :256]).all()
    assert np.isfinite(values[:, 710:-710, 5:-5]).mean() > 0.99


def test_a_refused_pair_has_no_raster_and_an_old_one_goes(pair, tmp_path):
    (tmp_path / "registered.tif").write_bytes(b"old")
    refused = replace(pair.registration, status="refused", reason="made up", precision=None)
    evidence.registration_files(tmp_path, replace(pair, registration=refused), "2026-11-22")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["registration.png"]
