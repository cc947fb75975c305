"""The right place, the right number, and nothing invalid in a valid pixel.

Truth about place: a raster whose two bands hold the map coordinates of each pixel's centre (in its own CRS, from an origin near by, so that float32
keeps them to 1/10000 px). Wherever it is loaded to, a pixel must hold the coordinates of its own centre, transformed by pyproj.
"""

import tarfile
import zipfile
from functools import reduce
from operator import mul
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from scipy.ndimage import binary_dilation

from camwatch.errors import CoverageError, SceneError
from camwatch.imagery import load
from camwatch.imagery.quality import usable
from camwatch.imagery.sample import block_mean
from camwatch.rasters import write_raster
from camwatch.scenes import item as scene
from camwatch.scenes import open_scene
from camwatch.scenes.flags import FLAGS
from camwatch.scenes.layers import Band
from test_scenes import write_jp2, write_landsat, write_sentinel2

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # affine 3 about odc-geo's own arithmetic

PX = 10.0
SOURCE = GeoBox((220, 260), Affine(PX, 0, 560_000, 0, -PX, 4_650_000), "EPSG:32652")
ORIGIN = (561_000.0, 4_649_000.0)
TOLERANCE_PX = 1e-3


def centres(box: GeoBox) -> tuple[np.ndarray, np.ndarray]:
    rows, cols = np.mgrid[: box.shape[0], : box.shape[1]] + 0.5
    a = box.affine
    return a.a * cols + a.b * rows + a.c, a.d * cols + a.e * rows + a.f


def write_coordinates(path: Path, box: GeoBox = SOURCE, origin: tuple[float, float] = ORIGIN) -> Path:
    """A raster of its own coordinates; `origin` is subtracted."""
    x, y = centres(box)
    return write_raster(path, np.stack([x - origin[0], y - origin[1]]).astype(np.float64), box, bands=("b1", "b2"))


def place_error(path: Path, target: GeoBox, source: GeoBox = SOURCE, origin: tuple[float, float] = ORIGIN) -> float:
    """Load, check that exactly the pixels that the source shows are valid, and return the largest misplacement in source pixels."""
    image = load(open_scene(path), target)
    x, y = centres(target)
    if source.crs != target.crs:
        x, y = Transformer.from_crs(str(target.crs), str(source.crs), always_xy=True).transform(x, y)
    b = ~source.affine
    col, row = b.a * x + b.b * y + b.c, b.d * x + b.e * y + b.f
    rows, cols = source.shape
    step = np.sqrt(abs(target.affine.determinant / source.affine.determinant)) if source.crs == target.crs else 1.0
    rim = 0.5 + 1.5 * (max(1.0, step) - 1)  # a bilinear kernel needs half a (reduced) pixel on each side
    inside = (col > rim + 0.01) & (row > rim + 0.01) & (col < cols - rim - 0.01) & (row < rows - rim - 0.01)
    outside = (col < 0) | (row < 0) | (col > cols) | (row > rows)
    assert inside.sum() > 100
    assert image.valid[inside].all()
    assert not image.valid[outside].any()
    dx, dy = (image.values[0] - (x - origin[0])), (image.values[1] - (y - origin[1]))
    unit = np.sqrt(abs(source.affine.determinant))
    return float(np.hypot(dx, dy)[image.valid].max() / unit)


STEPS = {
    "aligned window": ((60, 80), Affine.translation(40, 30)),
    "aligned, beyond the edge": ((120, 120), Affine.translation(-30, 150)),
    "shifted by a fraction": ((60, 80), Affine.translation(40.37, 30.81)),
    "rotated": ((90, 100), Affine.translation(50, 60), Affine.rotation(2.5)),
    "sheared, beyond the edge": ((200, 200), Affine.translation(120, -20), Affine.shear(0.5, 0.2)),
    "finer": ((200, 220), Affine.translation(30, 40), Affine.scale(0.31)),
    "a little coarser": ((120, 150), Affine.translation(20, 20), Affine.scale(1.1007)),
    "three times coarser": ((50, 60), Affine.translation(21, 12), Affine.scale(3)),
    "much coarser, turned": ((24, 24), Affine.translation(25, 20), Affine.rotation(1), Affine.scale(6.6)),
}
"""Shape, and what is done to the source's pixels one after another."""
TARGETS = {
    "next UTM zone": GeoBox((150, 150), Affine(PX, 0, 63_600, 0, -PX, 4_662_600), "EPSG:32653"),
    "degrees": GeoBox((120, 120), Affine(1e-4, 0, 129.735, 0, -1e-4, 41.992), "EPSG:4326"),
}


def grid(name: str) -> GeoBox:
    return TARGETS[name] if name in TARGETS else GeoBox(STEPS[name][0], reduce(mul, STEPS[name][1:], SOURCE.affine), SOURCE.crs)


@pytest.mark.parametrize("name", [*STEPS, *TARGETS])
def test_coordinates_come_back_where_they_belong(tmp_path, name):
    path = write_coordinates(tmp_path / "x_20110529.tif")
    assert place_error(path, grid(name)) < TOLERANCE_PX


def test_bottom_up_rasters(tmp_path):
    flipped = GeoBox(SOURCE.shape, Affine(PX, 0, 560_000, 0, PX, 4_650_000 - 220 * PX), SOURCE.crs)
    path = write_coordinates(tmp_path / "x_20110529.tif", flipped)
    assert scene.native_geobox(open_scene(path)) == SOURCE
    for name in ("aligned window", "aligned, beyond the edge", "rotated", "three times coarser"):
        assert place_error(path, grid(name), flipped) < TOLERANCE_PX


def test_the_next_zone_over_a_whole_scene(tmp_path):
    """Fails with GDAL's default approximation of the transform (0.125 px)."""
    wide = GeoBox((500, 500), Affine(60, 0, 560_000, 0, -60, 4_650_000), "EPSG:32652")
    path = write_coordinates(tmp_path / "x_20110529.tif", wide, (575_000, 4_635_000))
    target = GeoBox((480, 480), Affine(60, 0, 63_000, 0, -60, 4_660_000), "EPSG:32653")
    assert place_error(path, target, wide, (575_000, 4_635_000)) < TOLERANCE_PX


def test_a_source_in_degrees(tmp_path):
    degrees = GeoBox((300, 300), Affine(1e-4, 0, 129.72, 0, -1e-4, 42.0), "EPSG:4326")
    # In degrees from an origin: 1 px = 1e-4.
    path = write_coordinates(tmp_path / "x_20110529.tif", degrees, (129.735, 41.985))
    target = GeoBox((150, 140), Affine(9.3, 0, 560_300, 0, -9.3, 4_649_400), "EPSG:32652")
    assert place_error(path, target, degrees, (129.735, 41.985)) < TOLERANCE_PX


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz"])
def test_rasters_inside_archives(tmp_path, suffix):
    path, archive = write_coordinates(tmp_path / "x_20110529.tif"), tmp_path / f"archive{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
            out.write(path, "some/folder/x_20110529.tif")
    else:
        with tarfile.open(archive, "w:gz" if suffix.endswith("gz") else "w") as out:
            out.add(path, "./some/folder/x_20110529.tif")
    path.unlink()
    for name in ("aligned window", "rotated"):
        assert place_error(archive, grid(name)) < TOLERANCE_PX


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.tuples(st.floats(-40, 200), st.floats(-40, 150)), st.floats(-8, 8), st.floats(0.3, 4.5), st.floats(-1, 1))
def test_any_affine_grid(tmp_path, start, turn, scale, shear):
    path = tmp_path / "x_20110529.tif"
    if not path.exists():
        write_coordinates(path)
    affine = SOURCE.affine * Affine.translation(*start) * Affine.rotation(turn) * Affine.shear(shear) * Affine.scale(scale)
    image = load(open_scene(path), GeoBox((60, 70), affine, SOURCE.crs))
    x, y = centres(image.geobox)
    error = np.hypot(image.values[0] - (x - ORIGIN[0]), image.values[1] - (y - ORIGIN[1]))[image.valid]
    assert (error < TOLERANCE_PX * PX).all()


def write_with_holes(path: Path, value: float, *, nodata: float | None) -> tuple[Path, np.ndarray]:
    """A raster of ones with single pixels and a block of `value`."""
    values = np.ones((1, *SOURCE.shape), np.float32)
    values[0, 20::37, 15::41] = value
    values[0, 100:120, 100:130] = value
    return write_raster(path, values, SOURCE, nodata=nodata), (values[0] == value) | (np.isnan(values[0]) if np.isnan(value) else False)


@pytest.mark.parametrize("value", [1e6, np.nan])
@pytest.mark.parametrize("name", ["aligned window", "rotated", "shifted by a fraction", "finer", "three times coarser", "next UTM zone"])
def test_nothing_invalid_reaches_a_valid_pixel_and_little_is_lost(tmp_path, value, name):
    path, holes = write_with_holes(tmp_path / "x_20110529.tif", value, nodata=None if np.isnan(value) else value)
    target = grid(name)
    image = load(open_scene(path), target)
    assert np.abs(image.values[0][image.valid] - 1).max() < 1e-6
    assert not image.valid.all()
    # Farther than a pixel and a half (of the coarser grid) from any hole, nothing may be lost.
    b, (x, y) = ~SOURCE.affine, centres(target)
    if target.crs != SOURCE.crs:
        x, y = Transformer.from_crs(str(target.crs), str(SOURCE.crs), always_xy=True).transform(x, y)
    col, row = np.floor(b.a * x + b.c).astype(int), np.floor(b.e * y + b.f).astype(int)
    inside = (col > 5) & (row > 5) & (col < SOURCE.shape[1] - 6) & (row < SOURCE.shape[0] - 6)
    near = binary_dilation(holes, iterations=6 if name == "three times coarser" else 2, structure=np.ones((3, 3)))
    far = inside & ~near[np.clip(row, 0, SOURCE.shape[0] - 1), np.clip(col, 0, SOURCE.shape[1] - 1)]
    assert image.valid[far].all()


def test_zero_is_data_unless_declared(tmp_path):
    for nodata, expected in ((None, True), (0, False)):
        path = write_raster(tmp_path / "x_20110529.tif", np.zeros((1, 30, 30), np.uint8), GeoBox((30, 30), SOURCE.affine, SOURCE.crs), nodata=nodata)
        assert load(open_scene(path), GeoBox((30, 30), SOURCE.affine, SOURCE.crs)).valid.all() == expected


def test_a_declared_value_that_no_pixel_can_have_masks_nothing(tmp_path):
    box = GeoBox((30, 30), SOURCE.affine, SOURCE.crs)
    path = write_raster(tmp_path / "x_20110529.tif", np.full((1, 30, 30), 1, np.int16), box, nodata=-9999)
    assert load(open_scene(path), box).valid.all()


def test_alpha_and_internal_masks(tmp_path):
    box = GeoBox((30, 30), SOURCE.affine, SOURCE.crs)
    seen = np.ones((30, 30), np.uint8) * 255
    seen[:10] = 0
    profile = {"driver": "GTiff", "height": 30, "width": 30, "dtype": "uint8", "crs": "EPSG:32652", "transform": box.affine}
    with rasterio.open(tmp_path / "a_20110529.tif", "w", count=4, photometric="RGB", alpha="YES", **profile) as dataset:
        dataset.write(np.stack([seen, seen, seen, seen]))
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(tmp_path / "b_20110529.tif", "w", count=3, **profile) as dataset:
        dataset.write(np.stack([seen, seen, seen]))
        dataset.write_mask(seen)
    for name in ("a", "b"):
        assert (load(open_scene(tmp_path / f"{name}_20110529.tif"), box).valid == (seen > 0)).all()


def test_declared_scale_is_applied(tmp_path):
    box = GeoBox((30, 30), SOURCE.affine, SOURCE.crs)
    path = tmp_path / "x_20110529.tif"
    with rasterio.open(path, "w", driver="GTiff", height=30, width=30, count=1, dtype="uint16", crs="EPSG:32652", transform=box.affine) as dataset:
        dataset.write(np.full((1, 30, 30), 2500, np.uint16))
        dataset.scales, dataset.offsets = (1e-4,), (-0.1,)
    image = load(open_scene(path), box)
    assert image.calibration == "toa reflectance"
    assert image.values == pytest.approx(0.15, abs=1e-7)


def test_landsat_values_and_quality(tmp_path):
    product = write_landsat(tmp_path)
    item = open_scene(product)
    box = scene.native_geobox(item)
    image = load(item, box)
    with rasterio.open(next(product.glob("*_SR_B4.TIF"))) as dataset:
        red = dataset.read(1).astype(np.float64)
    assert image.bands == ("red", "nir")
    assert np.abs(image.band("red") - (red * 2.75e-05 - 0.2)).max() < 1e-6
    assert image.valid.all()
    # Cloud in one pixel, saturation of red in one, of nir in one, fill of red in one.
    cloud, radsat = next(product.glob("*_QA_PIXEL.TIF")), next(product.glob("*_QA_RADSAT.TIF"))
    for path, places in ((cloud, {(3, 3): 1 << 3}), (radsat, {(5, 5): 1 << 3, (7, 7): 1 << 4}), (next(product.glob("*_SR_B4.TIF")), {(9, 9): 0})):
        with rasterio.open(path, "r+") as dataset:
            layer = dataset.read(1)
            for place, value in places.items():
                layer[place] = value
            dataset.write(layer, 1)
    assert set(zip(*np.nonzero(~load(item, box).valid), strict=True)) == {(3, 3), (5, 5), (7, 7), (9, 9)}
    assert set(zip(*np.nonzero(~load(item, box, bands=("nir",)).valid), strict=True)) == {(3, 3), (7, 7)}
    half = GeoBox((30, 40), box.affine * Affine.translation(1.5, 1.5), box.crs)
    invalid = ~load(item, half, bands=("nir",)).valid  # half a pixel off: each bad pixel lies under four bilinear kernels
    assert invalid.sum() == 8
    assert invalid[1:3, 1:3].all()
    assert invalid[5:7, 5:7].all()


def test_sentinel2_values_and_classes(tmp_path):
    safe = write_sentinel2(tmp_path, offset=-1000)
    item = open_scene(safe)
    box = scene.native_geobox(item)
    image = load(item, box)
    assert image.bands == ("blue", "red", "swir16")
    # (DN + offset) / 10000 with the offsets written: -1001, -1003, -1011.
    for name, expected in (("blue", 0.0499), ("red", 0.0997), ("swir16", 0.1989)):
        assert image.band(name)[image.valid] == pytest.approx(expected, abs=1e-6)
    assert load(item, box, bands=("red",)).valid.all()
    layer = np.full((20, 20), 4, np.uint8)
    layer[5, 5], layer[8, 8], layer[10, 10] = 9, 2, 11  # cloud, dark area, snow: only the cloud goes
    scl = next(safe.glob("GRANULE/*/IMG_DATA/R20m/*_SCL_20m.jp2"))
    scl.unlink()
    write_jp2(scl, layer, GeoBox((20, 20), Affine(20, 0, 560_000, 0, -20, 4_650_000), "EPSG:32652"))
    valid = load(item, box, bands=("red",)).valid
    assert (~valid).sum() == 4
    assert not valid[10:12, 10:12].any()
    shifted = load(item, GeoBox(box.shape, box.affine * Affine.translation(0.5, 0.5), box.crs), bands=("red",)).valid
    assert not shifted[9:12, 9:12].any()  # interpolated: nothing that touches the cloud


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("QA_PIXEL", 1 << 0, False),
        ("QA_PIXEL", 1 << 1, False),
        ("QA_PIXEL", 1 << 2, False),
        ("QA_PIXEL", 1 << 3, False),
        ("QA_PIXEL", 1 << 4, False),
        ("QA_PIXEL", 1 << 5, True),
        ("QA_PIXEL", 1 << 6, True),
        ("QA_PIXEL", 1 << 7, True),
        ("QA_PIXEL", 21824, True),
        ("QA_RADSAT", 1 << 0, True),
        ("QA_RADSAT", 1 << 2, False),
        ("QA_RADSAT", 1 << 9, False),
        ("QA_RADSAT", 1 << 11, False),
        ("BQA", 672, True),
        ("BQA", 1, False),
        ("BQA", 1 << 4, False),
        ("BQA", 0b01 << 2, True),
        ("BQA", 0b11 << 7, False),
        ("BQA", 0b10 << 7, True),
        ("BQA", 0b11 << 11, False),
        ("BQA", 0b11 << 9, True),
        ("SCL", 0, False),
        ("SCL", 1, False),
        ("SCL", 2, True),
        ("SCL", 3, False),
        ("SCL", 4, True),
        ("SCL", 7, True),
        ("SCL", 8, False),
        ("SCL", 9, False),
        ("SCL", 10, False),
        ("SCL", 11, True),
        ("alpha", 0, False),
        ("alpha", 128, True),
    ],
)
def test_quality_bits(kind, value, expected):
    band = Band("red", (), SOURCE, number=3)
    assert usable(FLAGS[kind], np.array([[value]], np.uint16), [band])[0, 0] == expected


def test_blocks_are_averaged_whole():
    values = np.arange(64, dtype=np.float32).reshape(1, 8, 8)
    valid = np.ones((8, 8), bool)
    valid[0, 0] = False
    means, whole = block_mean(values, valid, 4)
    assert means[0, 1, 1] == values[0, 4:, 4:].mean()
    assert whole.tolist() == [[False, True], [True, True]]
    means, whole = block_mean(values, valid, 8)  # an overview: one hole does not make it blind, and does not count either
    assert whole.all()
    assert means[0, 0, 0] == pytest.approx(values.sum() / 63)


def test_what_does_not_overlap_or_is_not_there(tmp_path):
    item = open_scene(write_coordinates(tmp_path / "x_20110529.tif"))
    far = [
        GeoBox((10, 10), SOURCE.affine * Affine.translation(300, 0), SOURCE.crs),
        GeoBox((10, 10), SOURCE.affine * Affine.translation(300.5, 0), SOURCE.crs),
        GeoBox((10, 10), Affine(1e-4, 0, 10, 0, -1e-4, 50), "EPSG:4326"),
    ]
    for target in far:
        with pytest.raises(CoverageError, match="does not overlap"):
            load(item, target)
    assert load(item, grid("aligned, beyond the edge")).valid.mean() == pytest.approx(90 * 70 / 120**2)
    with pytest.raises(SceneError, match="lacks a band"):
        load(item, SOURCE, bands=("red",))


def test_a_file_that_is_damaged_after_it_was_opened_is_named(tmp_path):
    path = write_coordinates(tmp_path / "x_20110529.tif")
    item = open_scene(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(SceneError) as caught:
        load(item, SOURCE)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_loading_is_deterministic_and_keeps_what_the_item_says(tmp_path):
    item = open_scene(write_landsat(tmp_path, origin="SIMULATED"))
    target = GeoBox((20, 20), scene.native_geobox(item).affine * Affine.translation(3.3, 4.4) * Affine.rotation(1), "EPSG:32652")
    first, second = load(item, target), load(item, target)
    assert first.values.tobytes() == second.values.tobytes()
    assert (first.simulated, first.gsd_m, first.calibration, first.scene) == (True, 30, "surface reflectance", item.id)
    assert first.sun is not None
    assert (first.sun.azimuth_deg, first.sun.elevation_deg) == (189.5, 61.25)
    assert load(item, target, bands=("nir", "red")).bands == ("nir", "red")
    assert (load(item, target, bands=("nir",)).values[0] == first.band("nir")).all()
