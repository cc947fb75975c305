"""Through a smooth map that is not affine, pixels come from the right place, are interpolated once, and nothing invalid comes along.

Where a pixel should come from is asked of the map itself and of pyproj, at that pixel's centre in float64; what it should hold is made tap by tap.
"""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from scipy.interpolate import BSpline
from shapely import Polygon, distance, points

from camwatch.errors import CoverageError
from camwatch.imagery import find_clouds, load, stored, through, without_clouds
from camwatch.imagery.through import TILE, places
from camwatch.pipeline.view import View
from camwatch.rasters import write_raster
from camwatch.registration.lattice import Lattice
from camwatch.registration.record import CheckPoints, Registration
from camwatch.resources import CACHE_VARIABLE
from camwatch.scenes import open_scene
from camwatch.scenes.build import build_item
from camwatch.scenes.facts import Channel, Facts, Layer
from camwatch.scenes.flags import Flag
from test_imagery_truth import COLS, NORTH_UP, ROWS, UNIT, written

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # affine 3 about odc-geo's own arithmetic

PX = 10.0
SOURCE = GeoBox((700, 800), Affine(PX, 0, 560_000, 0, -PX, 4_650_000), "EPSG:32652")
ORIGIN = (564_000.0, 4_646_500.0)
TOLERANCE_PX = 1e-3
FACTS = Facts("made", "test", datetime(2011, 5, 29, tzinfo=UTC), "here", "dn", simulated=True)
CLOUD = (Flag("cloud", 0, 8),)


def wave(amplitude_px=20.0, length_px=300.0, unit=PX, affine=None):
    """A field of two waves, in pixels of `unit` map units, after an affine in map coordinates where one is given."""
    a = affine or Affine.identity()

    def seen_at(xy):
        x, y = a.a * xy[:, 0] + a.b * xy[:, 1] + a.c, a.d * xy[:, 0] + a.e * xy[:, 1] + a.f
        turn = 2 * np.pi / (length_px * unit)
        bend = np.stack([np.sin(turn * (xy[:, 1] - 7 * unit)), np.cos(turn * (0.8 * xy[:, 0] + 0.6 * xy[:, 1]))], axis=-1)
        return np.stack([x, y], axis=-1) + amplitude_px * unit * bend

    return seen_at


def affine_map(affine):
    return lambda xy: np.stack([affine.a * xy[:, 0] + affine.b * xy[:, 1] + affine.c, affine.d * xy[:, 0] + affine.e * xy[:, 1] + affine.f], axis=-1)


def centres(box: GeoBox) -> np.ndarray:
    rows, cols = np.mgrid[: box.shape[0], : box.shape[1]] + 0.5
    a = box.affine
    return np.stack([a.a * cols + a.b * rows + a.c, a.d * cols + a.e * rows + a.f], axis=-1).reshape(-1, 2)


def found_at(source: GeoBox, target: GeoBox, seen_at) -> tuple[np.ndarray, np.ndarray]:
    """Column and row in the source, from its corner, asked of the map for every pixel of the target."""
    x, y = seen_at(centres(target)).T
    if source.crs != target.crs:
        x, y = Transformer.from_crs(str(target.crs), str(source.crs), always_xy=True).transform(x, y)
    b = ~source.affine
    return (b.a * x + b.b * y + b.c).reshape(target.shape), (b.d * x + b.e * y + b.f).reshape(target.shape)


def write_coordinates(path, box=SOURCE, origin=ORIGIN):
    x, y = centres(box).T
    values = np.stack([x - origin[0], y - origin[1]]).reshape(2, *box.shape)
    return write_raster(path, values, box, bands=("b1", "b2"))


def place_error(path, target, seen_at, source=SOURCE, origin=ORIGIN, *, step=1.0):
    """Load; check that what the source shows is valid and nothing else; return the largest misplacement in source pixels."""
    image = load(open_scene(path), target, seen_at=seen_at)
    assert image.geobox == target
    col, row = found_at(source, target, seen_at)
    rows, cols = source.shape
    rim = 0.5 + 1.5 * (step - 1)
    inside = (col > rim + 0.01) & (row > rim + 0.01) & (col < cols - rim - 0.01) & (row < rows - rim - 0.01)
    outside = (col < 0) | (row < 0) | (col > cols) | (row > rows)
    assert inside.sum() > 100
    assert image.valid[inside].all()
    assert not image.valid[outside].any()
    a = source.affine
    x, y = a.a * col + a.b * row + a.c - origin[0], a.d * col + a.e * row + a.f - origin[1]
    return float(np.hypot(image.values[0] - x, image.values[1] - y)[image.valid].max() / abs(a.determinant) ** 0.5)


def part(start, shape, *steps) -> GeoBox:
    affine = SOURCE.affine * Affine.translation(*start)
    for step in steps:
        affine *= step
    return GeoBox(shape, affine, SOURCE.crs)


TARGETS = {
    "the scene's own grid": (part((150, 120), (500, 450)), 1.0),
    "beyond the edge": (part((-60, 300), (460, 600)), 1.0),
    "turned": (part((300, 150), (300, 400), Affine.rotation(12)), 1.0),
    "finer": (part((200.3, 200.8), (300, 420), Affine.scale(0.31)), 1.0),
    "a little coarser": (part((100, 100), (400, 420), Affine.scale(1.2007)), 1.2),
    "three times coarser": (part((90, 60), (180, 200), Affine.scale(3)), 3.0),
    "next UTM zone": (GeoBox((450, 500), Affine(PX, 0, 65_500, 0, -PX, 4_661_000), "EPSG:32653"), 1.0),
    "degrees": (GeoBox((400, 450), Affine(1e-4, 0, 129.745, 0, -1e-4, 41.985), "EPSG:4326"), 1.0),
}


@pytest.mark.parametrize("name", TARGETS)
def test_coordinates_come_back_from_where_the_map_says(tmp_path, name):
    target, step = TARGETS[name]
    unit = abs(target.affine.determinant) ** 0.5 if name == "degrees" else PX
    path = write_coordinates(tmp_path / "x_20110529.tif")
    assert place_error(path, target, wave(unit=unit), step=step) < TOLERANCE_PX


def test_the_check_notices_a_hundredth_of_a_pixel(tmp_path):
    path, target = write_coordinates(tmp_path / "x_20110529.tif"), TARGETS["turned"][0]
    image = load(open_scene(path), target, seen_at=wave())
    col, row = found_at(SOURCE, target, wave(affine=Affine.translation(0.01 * PX, 0)))
    x = SOURCE.affine.a * col + SOURCE.affine.c - ORIGIN[0]
    assert np.abs(image.values[0] - x)[image.valid].min() > 0.009 * PX
    assert not np.isnan(row).any()


@pytest.mark.parametrize("name", ["turned", "three times coarser", "next UTM zone"])
@pytest.mark.parametrize(
    "affine",
    [Affine(PX, 0, 560_000, 0, PX, 4_650_000 - 700 * PX), Affine.translation(560_000, 4_649_000) * Affine.rotation(8) * Affine.scale(PX, -PX)],
    ids=["bottom-up", "rotated"],
)
def test_flipped_and_rotated_sources(tmp_path, name, affine):
    source, (target, step) = GeoBox(SOURCE.shape, affine, SOURCE.crs), TARGETS[name]
    path = write_coordinates(tmp_path / "x_20110529.tif", source)
    assert place_error(path, target, wave(), source, step=step * 1.1) < TOLERANCE_PX


def test_much_coarser_overviews(tmp_path):
    """A field that is smooth in the scene's pixels is rough in those of an overview: nodes come as close together as it needs."""
    target = part((30, 20), (66, 74), Affine.scale(9))
    assert place_error(write_coordinates(tmp_path / "x_20110529.tif"), target, wave(), step=9) < 3e-4 * 9


@pytest.mark.parametrize("form", ["jp2", "cog", "striped"])
@pytest.mark.parametrize("container", ["file", ".zip", ".tar.gz"])
def test_every_format_in_every_container(tmp_path, monkeypatch, form, container):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "kept"))
    product = written(tmp_path, form, "north-up", container)
    source = GeoBox((ROWS, COLS), NORTH_UP, "EPSG:32652")
    target = GeoBox((150, 160), NORTH_UP * Affine.translation(45, 40) * Affine.rotation(3), "EPSG:32652")
    seen_at = wave(6.0, 120.0)
    for _ in range(2):  # the second time from the squares that were kept
        image = load(open_scene(product), target, bands=("b1", "b2") if form != "jp2" else None, seen_at=seen_at)
        col, row = found_at(source, target, seen_at)
        assert image.valid.all()
        named = {name: image.values[n] / UNIT for n, name in enumerate(image.bands)}
        assert np.abs(named.get("b1", named.get("red")) - col).max() < TOLERANCE_PX
        assert np.abs(named.get("b2", named.get("green")) - row).max() < TOLERANCE_PX


def test_only_the_window_that_is_touched_is_read(tmp_path, monkeypatch):
    seen = []
    plain = stored._pixels

    def noting(dataset, indexes, window, shape=None):
        seen.append(window)
        return plain(dataset, indexes, window, shape)

    monkeypatch.setattr(stored, "_pixels", noting)
    target, seen_at = part((300, 250), (90, 120)), wave()
    load(open_scene(write_coordinates(tmp_path / "x_20110529.tif")), target, seen_at=seen_at)
    col, row = found_at(SOURCE, target, seen_at)
    for window in seen:
        for start, length, line in ((window.col_off, window.width, col), (window.row_off, window.height, row)):
            assert start <= line.min() - 2
            assert start + length >= line.max() + 2
            assert length <= np.ptp(line) + 12


def noise(box=SOURCE, seed=1, dtype=np.float32) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 4000, box.shape).astype(dtype)


def write_noise(path):
    values = noise()
    values[20::37, 15::41] = np.nan
    values[300:330, 350:420] = np.nan
    return write_raster(path, values, SOURCE)


@pytest.mark.parametrize("name", ["the scene's own grid", "turned", "finer", "three times coarser", "next UTM zone"])
def test_windows_are_parts_of_the_whole(tmp_path, name):
    item = open_scene(write_noise(tmp_path / "x_20110529.tif"))
    target = TARGETS[name][0]
    whole = load(item, target, seen_at=wave())
    rows, cols = target.shape
    for top, left, height, width in (
        (0, 0, 100, 90),
        (37, 61, 120, 113),
        (10, 5, 30, 45),
        (rows - 111, cols - 95, 111, 95),
        (rows // 3, 5, 7, cols - 9),
    ):
        window = np.s_[top : top + height, left : left + width]
        image = load(item, target[window], seen_at=wave())
        both = image.valid & whole.valid[window]
        off = np.abs(image.values[0] - whole.values[0][window])[both]
        # Where a grid's coordinates are whole numbers they are the same in each window, to the last bit, and so is the picture.
        same = name in {"the scene's own grid", "three times coarser"}
        assert (image.valid != whole.valid[window]).mean() <= (0 if same else 1e-3)
        assert off.max() < 1e-4 * 4000
        assert (off > 0).mean() < (1e-4 if same else 1)


@pytest.mark.parametrize(
    "affine",
    [
        Affine.translation(3.4 * PX, -7.7 * PX),
        Affine.translation(-20 * PX, 40 * PX),
        Affine.rotation(0.7, (564_000, 4_646_500)) * Affine.scale(1.0003),
    ],
    ids=["fraction", "whole pixels", "turned"],
)
@pytest.mark.parametrize("name", ["the scene's own grid", "beyond the edge", "finer", "next UTM zone"])
def test_an_affine_map_is_the_affine_path(tmp_path, name, affine):
    if name == "next UTM zone":
        affine = affine if affine.is_rectilinear else Affine.rotation(0.7, (68_000, 4_658_000))
    item = open_scene(write_noise(tmp_path / "x_20110529.tif"))
    target = TARGETS[name][0]
    ours = load(item, target, seen_at=affine_map(affine))
    theirs = load(item, GeoBox(target.shape, affine * target.affine, target.crs))
    both = ours.valid & theirs.valid
    assert both.mean() > 0.5
    # Noise is as steep as a picture can be: 1/10000 px, the tolerance of GDAL's transform across CRS, is 1/2000 of the range. Where that decides
    # whether a hole is weighed, one has a value and the other none, or one that is bilinear.
    off = np.abs(ours.values - theirs.values)[0][both] > (1e-3 if name == "next UTM zone" else 2e-5) * 4000
    assert (ours.valid != theirs.valid).sum() + off.sum() <= (1e-4 * both.size if name == "next UTM zone" else 0)


def test_coarser_by_an_affine_map_is_the_affine_path(tmp_path):
    """On a smooth picture: blocks to average begin elsewhere."""
    x, y = centres(SOURCE).T
    values = (2000 + 1000 * np.sin(x / 800) + 1000 * np.cos(y / 700)).reshape(SOURCE.shape).astype(np.float32)
    item = open_scene(write_raster(tmp_path / "x_20110529.tif", values, SOURCE))
    affine, target = Affine.translation(13.0, -21.0), TARGETS["three times coarser"][0]
    ours, theirs = load(item, target, seen_at=affine_map(affine)), load(item, GeoBox(target.shape, affine * target.affine, target.crs))
    both = ours.valid & theirs.valid
    assert (ours.valid != theirs.valid).mean() < 0.02
    assert np.abs(ours.values - theirs.values)[0][both].max() < 1e-3 * 4000


def keys(distance: float) -> float:
    d = abs(distance)
    if d < 1:
        return 1.5 * d**3 - 2.5 * d**2 + 1
    return -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2 if d < 2 else 0.0


def by_hand(values: np.ndarray, valid: np.ndarray, col: float, row: float) -> float | None:
    """One pixel, tap by tap: cubic where the four pixels around it and all neighbours of these are valid, else bilinear where the four are."""
    x, y = col - 0.5, row - 0.5

    def good(r: int, c: int) -> bool:
        return 0 <= r < valid.shape[0] and 0 <= c < valid.shape[1] and bool(valid[r, c])

    around = [
        (r, c, (1 - abs(x - c)) * (1 - abs(y - r)))
        for r in (int(np.floor(y)), int(np.floor(y)) + 1)
        for c in (int(np.floor(x)), int(np.floor(x)) + 1)
    ]
    around = [(r, c, weight) for r, c, weight in around if weight > 1e-6]
    if not all(good(r, c) for r, c, _ in around):
        return None
    if all(good(r + i, c + j) for r, c, _ in around for i in (-1, 0, 1) for j in (-1, 0, 1)):
        near = [(r, c) for r in range(int(np.floor(y)) - 1, int(np.floor(y)) + 3) for c in range(int(np.floor(x)) - 1, int(np.floor(x)) + 3)]
        return sum(float(values[r, c]) * keys(x - c) * keys(y - r) for r, c in near if keys(x - c) * keys(y - r))
    return sum(float(values[r, c]) * weight for r, c, weight in around)


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 99),
    share=st.sampled_from([0.0, 0.02, 0.1, 0.4]),
    shift=st.tuples(st.floats(-9, 9), st.floats(-9, 9)) | st.tuples(st.integers(-9, 9), st.integers(-9, 9)),
    amplitude=st.sampled_from([0.0, 0.3, 4.0]),
)
def test_every_pixel_is_what_its_taps_make(tmp_path, seed, share, shift, amplitude):
    box = part((0, 0), (40, 50))
    rng = np.random.default_rng(seed)
    values = rng.normal(size=box.shape).astype(np.float32)
    values[rng.random(box.shape) < share] = np.nan
    path = tmp_path / "x_20110529.tif"
    path.unlink(missing_ok=True)
    write_raster(path, values, box)
    seen_at = wave(amplitude, 90, affine=Affine.translation(shift[0] * PX, shift[1] * PX))
    target = part((5, 4), (28, 33))
    image = load(open_scene(path), target, seen_at=seen_at)
    col, row = found_at(box, target, seen_at)
    for r, c in np.ndindex(*target.shape):
        # The map is known to 1/10000 px: what is decided by less may be decided either way.
        near = min(abs(v - round(v)) for v in (col[r, c] - 0.5, row[r, c] - 0.5))
        if amplitude and near < 1e-3:
            continue
        exact = by_hand(values, np.isfinite(values), round(col[r, c], 6), round(row[r, c], 6))
        assert image.valid[r, c] == (exact is not None)
        if exact is not None:
            assert image.values[0, r, c] == pytest.approx(exact, abs=2e-3)  # 1/10000 px on noise that changes by several units each pixel


@pytest.mark.parametrize("value", [1e6, np.nan])
@pytest.mark.parametrize("name", ["the scene's own grid", "turned", "finer", "three times coarser", "next UTM zone"])
def test_nothing_invalid_reaches_a_valid_pixel(tmp_path, value, name):
    values = np.ones((1, *SOURCE.shape), np.float32)
    values[0, 20::37, 15::41] = value
    values[0, 300:330, 350:420] = value
    path = write_raster(tmp_path / "x_20110529.tif", values, SOURCE, nodata=None if np.isnan(value) else value)
    image = load(open_scene(path), TARGETS[name][0], seen_at=wave())
    assert np.abs(image.values[0][image.valid] - 1).max() < 2e-6
    assert 0.5 < image.valid.mean() < 1
    assert np.isfinite(image.values).all()


def under_bilinear(good: np.ndarray, col: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether every pixel of a layer around a place is good, and where that is plain: not within 1/1000 px of a change of pixels."""
    x, y = np.floor(col - 0.5).astype(int), np.floor(row - 0.5).astype(int)
    padded = np.pad(good, 200, constant_values=False)
    x, y = np.clip(x + 200, 0, padded.shape[1] - 2), np.clip(y + 200, 0, padded.shape[0] - 2)
    answer = padded[y, x] & padded[y, x + 1] & padded[y + 1, x] & padded[y + 1, x + 1]
    apart = [np.abs(line - 0.5 - np.round(line - 0.5)) for line in (col, row)]
    return answer, np.minimum(*apart) > 1e-3


GML = """<?xml version="1.0"?><eop:Mask xmlns:eop="http://www.opengis.net/eop/2.0" xmlns:gml="http://www.opengis.net/gml/3.2">
<eop:maskMembers><eop:MaskFeature><eop:extentOf><gml:Polygon srsName="urn:ogc:def:crs:EPSG::32652"><gml:exterior><gml:LinearRing>
<gml:posList srsDimension="2">{}</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></eop:extentOf>
</eop:MaskFeature></eop:maskMembers></eop:Mask>"""


@pytest.mark.parametrize("coarser", [1, 2, 3])
def test_classes_on_a_lattice_of_their_own_follow_the_ground(tmp_path, coarser):
    """Also where every pixel of the map falls onto one of the scene's: the values are interpolated, so what touches a cloud goes."""
    box = GeoBox((SOURCE.shape[0] // coarser, SOURCE.shape[1] // coarser), SOURCE.affine * Affine.scale(coarser), SOURCE.crs)
    rng = np.random.default_rng(5)
    cloud = np.zeros(box.shape, np.uint8)
    cloud[rng.integers(0, box.shape[0], 60), rng.integers(0, box.shape[1], 60)] = 1
    band, layer = write_raster(tmp_path / "b.tif", noise(dtype=np.uint16), SOURCE), write_raster(tmp_path / "q.tif", cloud, box)
    item = build_item(FACTS, [Layer("b", str(band), (Channel("red"),)), Layer("q", str(layer), mask="Q", flags=CLOUD)])
    target = TARGETS["the scene's own grid"][0]
    image = load(item, target, seen_at=wave())
    expected, plain = under_bilinear(cloud == 0, *found_at(box, target, wave()))
    assert (image.valid == expected)[plain].all()
    assert (~expected).sum() > 100


def test_masks_in_the_file_and_outlines_follow_the_ground(tmp_path):
    cloud = Polygon([(562_045, 4_648_005), (564_955, 4_647_505), (563_455, 4_646_005)])
    (tmp_path / "clouds.gml").write_text(GML.format(" ".join(f"{x} {y}" for x, y in cloud.exterior.coords)))
    shown = np.ones(SOURCE.shape, np.uint8) * 255
    shown[400:420, 300:500] = 0
    profile = {"driver": "GTiff", "height": 700, "width": 800, "count": 1, "dtype": "uint16", "crs": "EPSG:32652", "transform": SOURCE.affine}
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(tmp_path / "b.tif", "w", **profile) as dataset:
        dataset.write(noise(dtype=np.uint16)[None])
        dataset.write_mask(shown)
    layers = [Layer("b", str(tmp_path / "b.tif"), (Channel("red"),)), Layer("m", str(tmp_path / "b.tif"), mask="internal")]
    layers.append(Layer("clouds", str(tmp_path / "clouds.gml"), mask="polygons", flags=CLOUD, placed=SOURCE))
    item, target = build_item(FACTS, layers), TARGETS["the scene's own grid"][0]
    image = load(item, target, seen_at=wave())
    col, row = found_at(SOURCE, target, wave())
    expected, plain = under_bilinear(shown > 0, col, row)
    away = distance(cloud, points(*(SOURCE.affine * (col, row))))
    assert not image.valid[away == 0].any()
    assert not image.valid[plain & ~expected].any()
    assert image.valid[plain & expected & (away > 2.2 * PX)].all()  # the four pixels around, each touched
    assert (away == 0).sum() > 1000
    assert (~expected).sum() > 1000


def test_clouds_that_were_searched_for_follow_the_ground(tmp_path):
    values = noise(dtype=np.uint16) % 300 + 300
    values[100:160, 120:190] = values[430:520, 500:600] = 4000
    item = open_scene(write_raster(tmp_path / "x_20110529.tif", np.stack([values] * 3), SOURCE))
    clouds = find_clouds(load(item, SOURCE))
    assert 0.01 < clouds.hidden.mean() < 0.2
    target = part((0, 0), (600, 700))
    clear = without_clouds(load(item, target, seen_at=wave()), clouds, seen_at=wave())
    col, row = found_at(clouds.geobox, target, wave())
    cells = np.clip(row, 0, clouds.hidden.shape[0] - 1).astype(int), np.clip(col, 0, clouds.hidden.shape[1] - 1).astype(int)
    plain = np.minimum(np.abs(col - np.round(col)), np.abs(row - np.round(row))) > 1e-3
    inside = (col > 1) & (row > 1) & (col < SOURCE.shape[1] - 1) & (row < SOURCE.shape[0] - 1)
    assert (clear.valid == ~clouds.hidden[cells])[plain & inside].all()
    assert clear.clouds == "fallback"


def test_tiles_are_one_picture_without_seams(tmp_path):
    values = noise(dtype=np.uint16)
    made = []
    for key, rows, cols in (
        ("R1C1", np.s_[:350], np.s_[:400]),
        ("R1C2", np.s_[:350], np.s_[400:]),
        ("R2C1", np.s_[350:], np.s_[:400]),
        ("R2C2", np.s_[350:], np.s_[400:]),
    ):
        box = SOURCE[rows, cols]
        made.append(Layer(f"ms-{key}", str(write_raster(tmp_path / f"{key}.tif", values[rows, cols], box)), (Channel("red"),)))
    one = build_item(FACTS, [Layer("ms", str(write_raster(tmp_path / "one.tif", values, SOURCE)), (Channel("red"),))])
    target = TARGETS["turned"][0]
    ours, theirs = (load(item, target, seen_at=wave()) for item in (build_item(FACTS, made), one))
    assert ours.valid.all()
    assert (ours.values == theirs.values).all()


def test_bands_of_two_grids(tmp_path):
    coarse = GeoBox((350, 400), SOURCE.affine * Affine.scale(2), SOURCE.crs)
    layers = []
    for name, box in (("red", SOURCE), ("swir16", coarse)):
        x = centres(box)[:, 0].reshape(box.shape) - ORIGIN[0]
        layers.append(Layer(name, str(write_raster(tmp_path / f"{name}.tif", x, box)), (Channel(name),)))
    target = TARGETS["turned"][0]
    image = load(build_item(FACTS, layers), target, bands=("red", "swir16"), seen_at=wave())
    col, _ = found_at(SOURCE, target, wave())
    expected = SOURCE.affine.a * col + SOURCE.affine.c - ORIGIN[0]
    assert image.valid.all()
    for plane in image.values:
        assert np.abs(plane - expected).max() < TOLERANCE_PX * PX


def test_the_answer_does_not_depend_on_threads(tmp_path):
    item, target = open_scene(write_noise(tmp_path / "x_20110529.tif")), part((20, 20), (620, 700))
    plain = load(item, target, seen_at=wave())
    with ThreadPoolExecutor(2) as pool:  # within a thread, blocks follow one another
        for image in pool.map(lambda _: load(item, target, seen_at=wave()), range(2)):
            assert (image.values == plain.values).all()
            assert (image.valid == plain.valid).all()


def spline(step_px: float, amplitude_px: float, seed: int):
    """A cubic B-spline on random coefficients, in each direction of its own; map coordinates of SOURCE."""
    knots = np.arange(-60, 160) * step_px * PX
    coefficients = amplitude_px * PX * np.random.default_rng(seed).normal(size=(2, len(knots) - 4))
    lines = [BSpline(knots, line, 3) for line in coefficients]
    return lambda xy: xy + np.stack([lines[0](xy[:, 1] - 4_643_000), lines[1](xy[:, 0] - 560_000)], axis=-1)


@pytest.mark.parametrize(("step_px", "amplitude_px"), [(24, 0.02), (24, 1.0), (64, 1.0), (128, 3.0), (300, 20.0)])
def test_places_are_known_to_a_ten_thousandth_of_a_pixel(step_px, amplitude_px):
    seen_at, target = spline(step_px, amplitude_px, 3), part((100.4, 80.2), (450, 500))
    found = places(SOURCE, target, seen_at)
    col, row = found_at(SOURCE, target, seen_at)
    for block in found.blocks():
        assert np.abs(found.at(block) - np.stack([col[block], row[block]])).max() < 1e-4


@pytest.mark.parametrize("amplitude_px", [0.0, 20.0])
def test_a_smooth_map_is_asked_for_few_pixels(amplitude_px):
    asked = []
    seen_at = wave(amplitude_px)

    def counting(xy):
        asked.append(len(xy))
        return seen_at(xy)

    side = 8 * TILE
    target = GeoBox((side, side), SOURCE.affine, SOURCE.crs)
    places(target, target, counting)
    assert sum(asked) < side**2 / 25
    assert max(asked) <= through._TOGETHER


def test_a_fold_in_the_map_costs_time_and_not_accuracy(tmp_path):
    """The field of a registration may end at the edge of its grid, where the derivative jumps."""

    def seen_at(xy):
        edge = np.stack([np.minimum(xy[:, 0], 564_031.0), np.maximum(xy[:, 1], 4_646_511.0)], axis=-1)
        return wave()(edge) + xy - edge

    target = TARGETS["the scene's own grid"][0]
    assert place_error(write_coordinates(tmp_path / "x_20110529.tif"), target, seen_at) < TOLERANCE_PX


def test_nowhere_is_not_valid(tmp_path):
    def seen_at(xy):
        return np.where(xy[:, :1] < 563_000, np.nan, wave()(xy))

    target = TARGETS["the scene's own grid"][0]
    image = load(open_scene(write_coordinates(tmp_path / "x_20110529.tif")), target, seen_at=seen_at)
    x = centres(target)[:, 0].reshape(target.shape)
    assert not image.valid[x < 563_000].any()
    assert image.valid[x > 563_000 + 3 * through.FARTHEST * PX].all()
    with pytest.raises(CoverageError, match="does not overlap"):
        load(open_scene(tmp_path / "x_20110529.tif"), target, seen_at=lambda xy: np.full_like(xy, np.nan))


def test_a_map_that_leads_elsewhere_is_refused(tmp_path):
    item = open_scene(write_coordinates(tmp_path / "x_20110529.tif"))
    with pytest.raises(CoverageError, match="does not overlap"):
        load(item, TARGETS["turned"][0], seen_at=affine_map(Affine.translation(1e5, 0)))
    # And one that brings a grid beside the scene onto it is not.
    aside = part((100_000, 120), (100, 100))
    assert load(item, aside, seen_at=affine_map(Affine.translation(-99_800 * PX, 0))).valid.all()


def test_memory_stays_with_the_tile(tmp_path):
    """The picture, the window that it was taken from, and little more."""
    box = GeoBox((1100, 1100), SOURCE.affine, SOURCE.crs)
    path = tmp_path / "x_20110529.tif"
    write_raster(path, np.stack([noise(box, n, np.uint16) for n in range(4)]), box)
    item, target = open_scene(path), GeoBox((1000, 1000), box.affine * Affine.translation(50, 50), box.crs)
    load(item, target, bands=("b1",), seen_at=wave())
    tracemalloc.start()
    image = load(item, target, seen_at=wave())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3.2 * image.values.nbytes


def registered(grid: GeoBox, field: Lattice | None) -> Registration:
    none = np.zeros((0, 2))
    matrix = np.array([[1.001, 0.002, -3.3], [-0.001, 0.999, 2.2]])
    return Registration("ok", "made", "field" if field else "affine", matrix, field, None, grid, 0, CheckPoints(none, none, none), none, none)


@pytest.mark.parametrize("bent", [False, True])
@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_a_view_is_registered_by_affine_or_field(tmp_path, bent, scale):
    grid = part((100, 100), (400, 450))
    step = 50.0
    rows, cols = Lattice.counts(grid.shape, step)
    nodes = np.random.default_rng(2).normal(size=(rows, cols, 2))
    registration = registered(grid, Lattice.over(grid.shape, step, nodes, 3) if bent else None)
    window = GeoBox((140, 150), grid.affine * Affine.translation(10, 15) * Affine.scale(scale), grid.crs)
    image = View(open_scene(write_coordinates(tmp_path / "x_20110529.tif")), ("b1", "b2")).registered(window, registration)
    pixels = np.stack(~grid.affine * centres(window).T, axis=-1) - 0.5
    x, y = grid.affine * (registration.to_moving(pixels) + 0.5).T
    assert image.geobox == window
    assert image.valid.all()
    error = np.hypot(image.values[0].ravel() - (x - ORIGIN[0]), image.values[1].ravel() - (y - ORIGIN[1])) / PX
    assert error.max() < TOLERANCE_PX


def test_a_view_hides_the_clouds_where_the_field_shows_them(tmp_path):
    values = noise(dtype=np.uint16) % 300 + 300
    values[250:400, 300:500] = 4000
    item = open_scene(write_raster(tmp_path / "x_20110529.tif", np.stack([values] * 3), SOURCE))
    clouds = find_clouds(load(item, SOURCE))
    grid = part((100, 100), (400, 450))
    nodes = 12 * np.random.default_rng(2).normal(size=(*Lattice.counts(grid.shape, 100.0), 2))
    registration = registered(grid, Lattice.over(grid.shape, 100.0, nodes, 3))
    image = View(item, ("b1",), clouds).registered(grid, registration)
    col, row = found_at(clouds.geobox, grid, registration.seen_at)
    plain = np.minimum(np.abs(col - np.round(col)), np.abs(row - np.round(row))) > 1e-3
    expected = ~clouds.hidden[row.astype(int), col.astype(int)]
    assert (image.valid == expected)[plain].all()
    assert 0.1 < expected.mean() < 0.9
