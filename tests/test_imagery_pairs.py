"""Grids and radiometry of pairs, made and real."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from shapely import box as rectangle

from camwatch.aoi import reproject
from camwatch.errors import CoverageError, PairError
from camwatch.imagery import Image, fit_radiometry, load, pair_geobox, shared_bands
from camwatch.imagery.sample import aligned
from camwatch.rasters import write_raster
from camwatch.scenes import item as scene
from camwatch.scenes import open_scene
from camwatch.scenes.families.reflectance import earth_sun_distance

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # affine 3 about odc-geo's own arithmetic

CRS = "EPSG:32652"


def write(path: Path, box: GeoBox, *, bands=("blue", "green", "red"), dtype=np.uint16):
    write_raster(path, np.ones((len(bands), *box.shape), dtype), box, bands=bands)
    return open_scene(path)


def square(side: int, px: float, x: float, y: float, crs: str = CRS) -> GeoBox:
    return GeoBox((side, side), Affine(px, 0, x, 0, -px, y), crs)


def test_the_grid_is_the_coarser_scene_s(tmp_path):
    coarse, fine = square(300, 2.0, 560_001, 4_650_003), square(900, 0.5, 560_100.3, 4_649_900.7)
    before, after = write(tmp_path / "a_20110101.tif", coarse), write(tmp_path / "b_20120101.tif", fine)
    geometry = reproject(rectangle(560_150, 4_649_700, 560_250, 4_649_800), CRS, "EPSG:4326")
    for first, second in ((before, after), (after, before)):
        grid = pair_geobox(first, second, geometry, margin_m=20)
        assert aligned(coarse, grid) is not None
        left, bottom, right, top = grid.boundingbox.bbox
        # The outline went to longitude and latitude and back: its corners hold to a hair, so edges lie within one pixel of what was asked for.
        assert (560_130 - left, bottom - 4_649_680 + 4, right - 560_270, 4_649_824 - top) == pytest.approx((1, 3, 1, 3), abs=2.01)
        assert load(before, grid).valid.all()


def test_the_grid_ends_where_the_scenes_end(tmp_path):
    before = write(tmp_path / "a_20110101.tif", square(300, 1.0, 560_000, 4_650_000))
    after = write(tmp_path / "b_20120101.tif", square(300, 1.0, 560_100, 4_650_050))
    everything = reproject(rectangle(550_000, 4_640_000, 570_000, 4_660_000), CRS, "EPSG:4326")
    for geometry in (None, everything):
        assert pair_geobox(before, after, geometry, margin_m=0).boundingbox.bbox == pytest.approx((560_100, 4_649_750, 560_300, 4_650_000))
    assert pair_geobox(before, after, None, margin_m=10).shape == (270, 220)


def test_degrees_and_mercator_become_utm(tmp_path):
    degrees = GeoBox((300, 300), Affine(5e-6, 0, 129.72, 0, -4e-6, 42.0), "EPSG:4326")
    items = [write(tmp_path / name, degrees) for name in ("a_20110101.tif", "b_20120101.tif")]
    grid = pair_geobox(*items, None, margin_m=0)
    assert str(grid.crs) == "EPSG:32652"
    assert abs(grid.affine.a) == pytest.approx(scene.gsd_m(items[0]), rel=1e-6)
    assert load(items[0], grid).valid.mean() > 0.95
    south = GeoBox((300, 300), Affine(0.6, 0, 14_360_000, 0, -0.6, -5_160_000), "EPSG:3857")
    items = [write(tmp_path / name, south) for name in ("c_20110101.tif", "d_20120101.tif")]
    assert str(pair_geobox(*items, None, margin_m=0).crs) == "EPSG:32752"


def test_scenes_or_aoi_apart(tmp_path):
    before = write(tmp_path / "a_20110101.tif", square(100, 1.0, 560_000, 4_650_000))
    after = write(tmp_path / "b_20120101.tif", square(100, 1.0, 561_000, 4_650_000))
    with pytest.raises(CoverageError, match="do not overlap each other"):
        pair_geobox(before, after, None, margin_m=0)
    with pytest.raises(CoverageError, match="do not show the AOI"):
        pair_geobox(before, before, rectangle(10, 10, 11, 11), margin_m=0)


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        (("blue", "green", "red"), ("red", "green", "blue", "nir"), ("blue", "green", "red")),
        (("pan",), ("blue", "green", "red"), None),
        (("pan",), ("pan",), ("pan",)),
        (("pan", "red"), ("pan",), ("pan",)),
        (("pan", "red"), ("pan", "red"), ("red",)),
        (("b1", "b2"), ("b1", "b2"), ("b1", "b2")),
        (("b1", "b2"), ("b1", "b2", "b3"), None),
        (("b1", "red"), ("b1", "red", "nir"), ("red",)),
    ],
)
def test_shared_bands(tmp_path, ours, theirs, expected):
    box = square(10, 1.0, 560_000, 4_650_000)
    assert shared_bands(write(tmp_path / "a_20110101.tif", box, bands=ours), write(tmp_path / "b_20120101.tif", box, bands=theirs)) == expected


def image_of(values: np.ndarray, valid: np.ndarray | None = None) -> Image:
    box = square(values.shape[-1], 1.0, 560_000, 4_650_000)
    seen = np.ones(values.shape[1:], bool) if valid is None else valid
    names = ("blue", "green", "red")[: len(values)]
    return Image(values.astype(np.float32), seen, names, box, datetime(2011, 1, 1, tzinfo=UTC), None, 1.0, "dn", "made")


def test_radiometry_is_recovered_under_change_and_noise():
    rng = np.random.default_rng(3)
    truth = rng.gamma(4, 20, (2, 300, 300))
    gain, offset = np.array([1.6, 0.7])[:, None, None], np.array([-12.0, 30.0])[:, None, None]
    moving = truth + rng.normal(0, 2, truth.shape)
    reference = gain * (truth + rng.normal(0, 2, truth.shape)) + offset
    reference[:, :140, :140] = 250  # a fifth of the ground changed, all in one direction
    valid = np.ones((300, 300), bool)
    valid[280:] = False
    reference[:, 280:] = 1e6
    fit = fit_radiometry(image_of(reference, valid), image_of(moving))
    # 66 000 unchanged pixels of spread 40 and noise 2: the standard error of the gain is 3e-4; trimming and noise ratio allow for ten times that.
    assert fit.gain == pytest.approx((1.6, 0.7), rel=4e-3)
    assert fit.offset == pytest.approx((-12.0, 30.0), abs=0.6)
    assert all(0.7 < share < 0.8 for share in fit.kept)
    applied = fit.apply(image_of(moving))
    unchanged = (slice(None), slice(140, 280), slice(None))
    assert np.abs((applied.values - reference)[unchanged].mean(axis=(1, 2))).max() < 0.1
    assert fit.residual == pytest.approx((1.6 * 2**1.5, 0.7 * 2**1.5), rel=0.05)


def test_radiometry_without_noise_is_exact_and_constant_bands_get_a_level():
    truth = np.random.default_rng(0).uniform(0, 1, (1, 50, 50))
    fit = fit_radiometry(image_of(truth * 2 + 3), image_of(truth))
    assert (fit.gain[0], fit.offset[0]) == (pytest.approx(2, abs=1e-5), pytest.approx(3, abs=1e-5))
    flat = fit_radiometry(image_of(np.full((1, 50, 50), 7.0)), image_of(np.full((1, 50, 50), 4.0)))
    assert (flat.gain[0], flat.offset[0]) == (1, 3)


def test_radiometry_refuses_what_cannot_be_compared():
    values = np.random.default_rng(0).uniform(0, 1, (2, 50, 50))
    with pytest.raises(PairError, match="not comparable"):
        fit_radiometry(image_of(values), image_of(values[:1]))
    with pytest.raises(PairError, match="too few pixels"):
        fit_radiometry(image_of(values, np.zeros((50, 50), bool)), image_of(values))
    with pytest.raises(PairError, match="other bands"):
        fit_radiometry(image_of(values), image_of(values)).apply(image_of(values[:1]))
    image = image_of(values)
    assert fit_radiometry(image, replace(image)).gain == pytest.approx((1, 1), abs=1e-6)


# Real pairs and products.


def test_real_pairs_share_a_grid(shared):
    pairs, series = shared / "data" / "pairs", shared / "data" / "series" / "naip_nd"
    xbd, noida = pairs / "xbd_geo", pairs / "noida_vhr"
    joplin = [open_scene(xbd / f"joplin-tornado_00000000_{when}_disaster.tif") for when in ("pre", "post")]
    cases = {
        "joplin": (*joplin, "EPSG:32615", 0.4514),
        "noida": (open_scene(noida / "t1.tif", date="2010-01-01"), open_scene(noida / "t2.tif", date="2015-01-01"), "EPSG:32643", 1.100695),
        "naip": (open_scene(series / "m_4709963_se_14_1_20090818.tif"), open_scene(series / "m_4709963_se_14_1_20140720.tif"), "EPSG:26914", 5.0),
    }
    for before, after, crs, pixel in cases.values():
        grid = pair_geobox(before, after, None, margin_m=0)
        bands = shared_bands(before, after)
        assert (str(grid.crs), grid.affine.a) == (crs, pytest.approx(pixel, abs=1e-4))
        assert bands is not None
        images = [load(item, grid, bands=bands) for item in (before, after)]
        assert min(image.valid.mean() for image in images) > 0.98
        fit = fit_radiometry(*images)
        assert all(0.8 < share <= 1 for share in fit.kept)
    assert aligned(scene.native_geobox(cases["noida"][1]), pair_geobox(*cases["noida"][:2], None, margin_m=0)) is not None


def test_reflectance_of_landsat_8_level_2(shared):
    folder = shared / "data" / "products" / "landsat8_l2sp_decimated"
    item = open_scene(folder)
    image = load(item, scene.native_geobox(item))
    with rasterio.open(next(folder.glob("*_SR_B4.TIF"))) as dataset:
        dn = dataset.read(1).astype(np.float64)
    with rasterio.open(next(folder.glob("*_QA_PIXEL.TIF"))) as dataset:
        quality = dataset.read(1)
    assert np.abs(image.band("red") - (dn * 0.0000275 - 0.2))[image.valid].max() < 1e-6
    assert image.valid.any()
    assert not image.valid[(quality & 0b11111) > 0].any()
    assert not image.valid[dn == 0].any()


def test_reflectance_of_landsat_7_level_1_in_a_tar(shared):
    archive = shared / "data" / "products" / "LE07_L1TP_092084_20110809_20161206_01_T1_RR.tar"
    item = open_scene(archive)
    image = load(item, scene.native_geobox(item))
    with rasterio.open(f"/vsitar/{archive}/LE07_L1TP_092084_20110809_20161206_01_T1_B4.TIF") as dataset:
        dn = dataset.read(1).astype(np.float64)
    # Independent of the reflectance coefficients: from the bounds that the MTL states for this band, QCAL 1 → -0.015375, 255 → 0.474519, over the
    # sine of the sun's elevation. They are given to six digits.
    stated = -0.015375 + (dn - 1) * (0.474519 + 0.015375) / 254
    assert np.abs(image.band("nir") - stated / np.sin(np.radians(29.35291449)))[image.valid].max() < 2e-5
    assert not image.valid[dn == 0].any()  # fill and gaps
    pan = load(item, scene.native_geobox(item, ("pan",)), bands=("pan",))
    assert pan.bands == ("pan",)
    assert pan.gsd_m == pytest.approx(300.02, abs=0.01)


def test_reflectance_of_a_landsat_5_before_the_collections(shared):
    folder = shared / "data" / "products" / "landsat5_tm_LT52240631988227CUB02"
    item = open_scene(folder)
    image = load(item, scene.native_geobox(item))
    with rasterio.open(next(folder.glob("*_B3.TIF"))) as dataset:
        dn = dataset.read(1).astype(np.float64)
    # From the radiance bounds of the MTL (1 → -1.17, 255 → 264 W/(m² sr µm)), not from its rounded gain; ESUN 1536 for band 3 of TM on Landsat 5;
    # 14 August: 1.01288 au by the almanac.
    radiance = -1.17 + (dn - 1) * (264 + 1.17) / 254
    expected = np.pi * radiance * 1.01288**2 / (1536 * np.sin(np.radians(49.75588889)))
    assert np.abs(image.band("red") / expected - 1)[image.valid].max() < 2e-3  # the MTL's gains have three digits
    # Amazon forest: dark in red, bright in near infrared.
    assert 0.02 < np.median(image.band("red")) < 0.08
    assert 0.2 < np.median(image.band("nir")) < 0.4


@pytest.mark.parametrize(("day", "distance"), [(3, 0.98331), (91, 0.99926), (185, 1.01670), (221, 1.0137811), (51, 0.9887390)])
def test_earth_sun_distance(day, distance):
    """Almanac values near perihelion, April and aphelion, and two that USGS metadata states for its day."""
    assert earth_sun_distance(day) == pytest.approx(distance, abs=5e-4)


def test_a_real_sentinel_2_zip(shared):
    archive = next((shared / "data" / "products").glob("S2B_MSIL1C_*.zip"))
    item = open_scene(archive)
    image = load(item, scene.native_geobox(item), bands=("blue",))
    with rasterio.open(next(band.href for band in scene.bands_of(item) if band.name == "blue")) as dataset:
        dn = dataset.read(1).astype(np.float64)
    assert (image.valid == (dn > 0)).all()
    assert np.abs(image.values[0] - dn / 10000)[image.valid].max() < 1e-7  # baseline 02.05: no offset


def test_the_footprint_of_a_real_scene_lies_where_its_metadata_says(shared):
    item = open_scene(shared / "data" / "products" / "landsat8_l2sp_decimated")
    corner = Transformer.from_crs("EPSG:32624", "EPSG:4326", always_xy=True).transform(365_685, 8_143_815)
    assert min(abs(x - corner[0]) + abs(y - corner[1]) for x, y in scene.footprint(item).exterior.coords) < 1e-9
    assert corner == pytest.approx((-43.20149, 73.34602), abs=1e-3)  # CORNER_UL of the MTL
