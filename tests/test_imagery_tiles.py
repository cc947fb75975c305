"""Tiles of one lattice are one picture without seams; outlines and other quality layers reach exactly as far as they say."""

from datetime import UTC, datetime

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from shapely import box as rectangle
from shapely.geometry import Polygon

from camwatch.aoi import reproject
from camwatch.errors import SceneError
from camwatch.imagery import clear_share, load
from camwatch.rasters import write_raster
from camwatch.scenes import item as scene
from camwatch.scenes.build import build_item
from camwatch.scenes.facts import Channel, Facts, Layer
from camwatch.scenes.flags import Flag
from camwatch.scenes.mosaic import lattice_offset

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # affine 3 about odc-geo's own arithmetic

WHOLE = GeoBox((90, 120), Affine(2, 0, 560_000, 0, -2, 4_650_000), "EPSG:32652")
TURNED = GeoBox((60, 70), WHOLE.affine * Affine.translation(25, 12) * Affine.rotation(4), WHOLE.crs)
FACTS = Facts("tiles", "test", datetime(2011, 5, 29, tzinfo=UTC), "here", "dn", simulated=True)
CLOUD = (Flag("cloud", 0, 8),)


def sub(shape, start, base=WHOLE) -> GeoBox:
    return GeoBox(shape, base.affine * Affine.translation(start[1], start[0]), base.crs)


TILES = {"R1C1": ((50, 60), (0, 0)), "R1C2": ((50, 60), (0, 60)), "R2C1": ((40, 60), (50, 0)), "R2C2": ((40, 60), (50, 60))}
"""Shape and first row and column of each tile."""


def numbers(bands=2) -> np.ndarray:
    return np.random.default_rng(3).integers(1, 4000, (bands, *WHOLE.shape)).astype(np.uint16)


def layers(folder, values, tiles=TILES, *, nudge=0.0, scale=1.0):
    made = []
    for key, (shape, (row, col)) in tiles.items():
        box = sub(shape, (row + nudge, col))
        path = write_raster(folder / f"{key}.tif", values[:, row : row + shape[0], col : col + shape[1]], box)
        made.append(Layer(f"ms-{key}", str(path), tuple(Channel(name, scale, nodata=0.0) for name in ("red", "nir")[: len(values)])))
    return made


def test_tiles_are_one_picture_without_seams(tmp_path):
    values = numbers()
    tiled = build_item(FACTS, layers(tmp_path, values))
    one = build_item(
        FACTS, [Layer("ms", str(write_raster(tmp_path / "one.tif", values, WHOLE)), (Channel("red", nodata=0.0), Channel("nir", nodata=0.0)))]
    )
    assert scene.native_geobox(tiled) == WHOLE
    assert len(scene.bands_of(tiled)) == 2
    assert {part.row for part in scene.bands_of(tiled)[0].parts} == {0, 50}
    for target in (WHOLE, sub((20, 30), (40, 45)), sub((30, 40), (-10, 100)), TURNED, GeoBox((40, 50), TURNED.affine * Affine.scale(2.4), WHOLE.crs)):
        ours, theirs = load(tiled, target), load(one, target)
        assert (ours.values == theirs.values)[:, theirs.valid].all()
        assert (ours.valid == theirs.valid).all()
    assert load(tiled, TURNED).valid.all()  # across both seams
    assert (load(tiled, WHOLE).values == values).all()
    outline, expected = scene.footprint(tiled), scene.footprint(one)
    assert outline.symmetric_difference(expected).area < 1e-6 * expected.area
    assert outline.geom_type == "Polygon"


def test_a_missing_tile_is_without_data(tmp_path):
    values = numbers()
    item = build_item(FACTS, layers(tmp_path, values, {key: TILES[key] for key in ("R1C1", "R2C2")}))
    image = load(item, WHOLE)
    truth = np.zeros(WHOLE.shape, bool)
    truth[:50, :60] = truth[50:, 60:] = True
    assert (image.valid == truth).all()
    assert (image.values == values)[:, truth].all()
    whole = reproject(rectangle(*WHOLE.boundingbox.bbox), WHOLE.crs, "EPSG:4326")
    assert scene.footprint(item).area == pytest.approx((50 * 60 + 40 * 60) / (90 * 120) * whole.area, rel=1e-4)
    assert clear_share(item, whole) == pytest.approx((0.5, 0.5), abs=0.02)


def test_where_tiles_overlap_the_first_with_data_counts(tmp_path):
    values = numbers(1)
    first, second = values.copy(), values + 5000
    first[0, 30:40, 50:70] = 0
    tiles = {"a": ((90, 70), (0, 0)), "b": ((90, 80), (0, 40))}
    made = layers(tmp_path, first, {"a": tiles["a"]}) + layers(tmp_path, second, {"b": tiles["b"]})
    image = load(build_item(FACTS, made), WHOLE)
    assert image.valid.all()
    expected = second.copy()
    expected[0, :, :70] = first[0, :, :70]
    expected[0, 30:40, 50:70] = second[0, 30:40, 50:70]
    assert (image.values == expected).all()


def test_what_is_no_tile(tmp_path):
    values = numbers()
    off = layers(tmp_path, values, {"R1C1": TILES["R1C1"]}) + layers(tmp_path, values, {"R2C1": TILES["R2C1"]}, nudge=0.01)
    assert [len(band.parts) for band in scene.bands_of(build_item(FACTS, off))] == [1, 1]
    other = layers(tmp_path, values, {"R1C1": TILES["R1C1"]}) + layers(tmp_path, values, {"R2C1": TILES["R2C1"]}, scale=2.0)
    assert [len(band.parts) for band in scene.bands_of(build_item(FACTS, other))] == [1, 1]
    twice = [*layers(tmp_path, values), *(Layer(f"again-{n}", layer.href, layer.channels) for n, layer in enumerate(layers(tmp_path, values)))]
    assert [len(band.parts) for band in scene.bands_of(build_item(FACTS, twice))] == [4, 4]
    assert lattice_offset(WHOLE, sub((5, 5), (-7, 12))) == (-7, 12)
    assert lattice_offset(WHOLE, GeoBox((5, 5), WHOLE.affine, "EPSG:32653")) is None
    assert lattice_offset(WHOLE, GeoBox((5, 5), WHOLE.affine * Affine.scale(2), WHOLE.crs)) is None


def test_the_finest_raster_of_a_band_counts(tmp_path):
    coarse = GeoBox((45, 60), WHOLE.affine * Affine.scale(2), WHOLE.crs)
    paths = [write_raster(tmp_path / f"{n}.tif", np.full(box.shape, n, np.uint8), box) for n, box in ((1, coarse), (2, WHOLE), (3, WHOLE))]
    item = build_item(FACTS, [Layer(f"l{n}", str(path), (Channel("red"),)) for n, path in enumerate(paths)])
    assert scene.native_geobox(item) == WHOLE
    assert (load(item, WHOLE).values == 2).all()


@pytest.mark.parametrize(("sizes", "expected"), [((10, 20, 60), 2), ((15, 30, 90), 2), ((30, 30, 30), 3), ((60, 60, 60), 3), ((10, 30, 30.1), 2)])
def test_bands_much_coarser_than_the_finest_are_not_loaded_by_default(tmp_path, sizes, expected):
    names = ("red", "nir", "coastal")
    made = [Layer("pan", str(write_raster(tmp_path / "pan.tif", np.ones((20, 20), np.uint8), WHOLE[:20, :20])), (Channel("pan"),))]
    for name, size in zip(names, sizes, strict=True):
        box = GeoBox((12, 12), Affine(size, 0, 560_000, 0, -size, 4_650_000), "EPSG:32652")
        made.append(Layer(name, str(write_raster(tmp_path / f"{name}.tif", np.ones(box.shape, np.uint8), box)), (Channel(name),)))
    item = build_item(FACTS, made)
    assert len(scene.default_bands(item)) == expected
    assert len(scene.band_names(item)) == 4


def test_tiles_of_quality_layers_and_what_they_leave_out(tmp_path):
    made = layers(tmp_path, numbers())
    cloud = np.zeros(WHOLE.shape, np.uint8)
    cloud[48:53, 55:66] = 1
    for key in ("R1C1", "R2C2"):
        shape, (row, col) = TILES[key]
        path = write_raster(tmp_path / f"q-{key}.tif", cloud[row : row + shape[0], col : col + shape[1]], sub(shape, (row, col)))
        made.append(Layer(f"q-{key}", str(path), mask="Q", flags=CLOUD))
    item = build_item(FACTS, made)
    assert len(scene.masks_of(item)) == 1
    assert scene.cloud_mask(item) == "Q"
    expected = cloud == 0
    expected[:50, 60:] = expected[50:, :60] = True  # there is no layer there: nothing is said against these tiles
    assert (load(item, WHOLE).valid == expected).all()


def test_a_file_s_own_mask_speaks_of_that_file_only(tmp_path):
    made = []
    for name, hidden in (("red", np.s_[:10]), ("nir", np.s_[-10:])):
        path = tmp_path / f"{name}.tif"
        profile = {"height": 90, "width": 120, "count": 1, "dtype": "uint8", "crs": "EPSG:32652", "transform": WHOLE.affine}
        seen = np.full(WHOLE.shape, 255, np.uint8)
        seen[hidden] = 0
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", driver="GTiff", **profile) as dataset:
            dataset.write(np.ones((1, *WHOLE.shape), np.uint8))
            dataset.write_mask(seen)
        made += [Layer(name, str(path), (Channel(name),)), Layer(f"{name}-mask", str(path), mask="internal")]
    item = build_item(FACTS, made)
    assert load(item, WHOLE, bands=("red",)).valid[10:].all()
    assert load(item, WHOLE, bands=("nir",)).valid[:-10].all()
    both = load(item, WHOLE).valid
    assert not both[:10].any()
    assert not both[-10:].any()
    assert both[10:-10].all()


GML = """<?xml version="1.0"?><eop:Mask xmlns:eop="http://www.opengis.net/eop/2.0" xmlns:gml="http://www.opengis.net/gml/3.2">
<eop:maskMembers><eop:MaskFeature><eop:extentOf><gml:Polygon srsName="urn:ogc:def:crs:EPSG::32652"><gml:exterior><gml:LinearRing>
<gml:posList srsDimension="2">{}</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></eop:extentOf>
</eop:MaskFeature></eop:maskMembers></eop:Mask>"""


def inside(shape: Polygon, box: GeoBox) -> np.ndarray:
    """Which pixels a polygon touches, pixel by pixel."""
    touched = np.zeros(box.shape, bool)
    for row, col in np.ndindex(*box.shape):
        corners = [box.affine * point for point in ((col, row), (col + 1, row), (col + 1, row + 1), (col, row + 1))]
        touched[row, col] = Polygon(corners).intersection(shape).area > 1e-9
    return touched


@pytest.mark.parametrize("name", ["clouds.gml", "CLOUDS.GML"])
def test_polygons_in_gml_hide_every_pixel_that_they_touch(tmp_path, name):
    cloud = Polygon([(560_041, 4_649_951), (560_090, 4_649_930), (560_061.5, 4_649_900.5)])
    (tmp_path / name).write_text(GML.format(" ".join(f"{x} {y}" for x, y in cloud.exterior.coords)))
    coarse = GeoBox((45, 60), WHOLE.affine * Affine.scale(2), WHOLE.crs)
    made = [*layers(tmp_path, numbers()), Layer("clouds", str(tmp_path / name), mask="polygons", flags=CLOUD, placed=coarse)]
    item = build_item(FACTS, made)
    assert scene.cloud_mask(item) == "polygons"
    hidden, touched = ~load(item, WHOLE).valid, inside(cloud, WHOLE)
    assert hidden[touched].all()
    assert hidden.sum() <= touched.sum() + 5  # GDAL also burns a pixel whose corner an edge just meets
    whole = reproject(rectangle(*WHOLE.boundingbox.bbox), WHOLE.crs, "EPSG:4326")
    covered, clear = clear_share(item, whole)
    assert covered == 1
    assert clear == pytest.approx(1 - inside(cloud, WHOLE).mean(), abs=0.01)


def test_polygons_of_one_band_count_with_that_band_only(tmp_path):
    """Saturation of one band, in polygons; the other band lies on a grid of its own."""
    patch = Polygon([(560_021, 4_649_981), (560_081, 4_649_981), (560_081, 4_649_921), (560_021, 4_649_921)])
    (tmp_path / "s.gml").write_text(GML.format(" ".join(f"{x} {y}" for x, y in patch.exterior.coords)))
    coarse = GeoBox((45, 60), WHOLE.affine * Affine.scale(2), WHOLE.crs)
    made = [Layer("saturated", str(tmp_path / "s.gml"), mask="S", flags=(Flag("saturated", 0, 8, band=4),), placed=WHOLE)]
    for name, box, number in (("red", WHOLE, 4), ("nir", coarse, 8)):
        path = write_raster(tmp_path / f"{name}.tif", np.ones(box.shape, np.uint8), box)
        made.append(Layer(name, str(path), (Channel(name, number=number),)))
    item = build_item(FACTS, made)
    assert load(item, coarse, bands=("nir",)).valid.all()
    for bands in (("red",), ("red", "nir")):
        valid = load(item, WHOLE, bands=bands).valid
        assert not valid[inside(patch, WHOLE)].any()
        assert valid[2:6, 2:-2].all()


def test_an_outline_in_pixels_is_a_frame(tmp_path):
    """The frame of a scanned film: what lies outside, or is cut by its edge, is no picture."""
    frame = [(10.5, 8.0), (110.0, 12.0), (107.0, 80.5), (9.0, 84.0)]
    made = [
        *layers(tmp_path, numbers()),
        Layer("frame", str(tmp_path / "R1C1.tif"), mask="frame", flags=(Flag("outside", 0, 8, (0,)),), placed=WHOLE, polygon=tuple(frame)),
    ]
    item = build_item(FACTS, made)
    assert scene.masks_of(item)[0].polygon == tuple(frame)
    shape = Polygon([WHOLE.affine * point for point in frame])
    outside = Polygon(rectangle(*shape.buffer(500).bounds).exterior.coords, [shape.exterior.coords])
    assert (load(item, WHOLE).valid == ~inside(outside, WHOLE)).all()


def test_a_polygon_without_its_grid_is_a_defect_of_the_reader(tmp_path):
    with pytest.raises(ValueError, match="need the grid"):
        build_item(FACTS, [Layer("clouds", "x.gml", mask="polygons", flags=CLOUD)])


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint16", "float32", "float64"])
def test_quality_layers_of_every_type(tmp_path, dtype):
    cloud = np.zeros(WHOLE.shape, dtype)
    cloud[5, 7] = 2
    bits = (Flag("cloud", 1, 1),)
    made = [*layers(tmp_path, numbers()), Layer("q", str(write_raster(tmp_path / "q.tif", cloud, WHOLE)), mask="Q", flags=bits)]
    assert [tuple(place) for place in np.argwhere(~load(build_item(FACTS, made), WHOLE).valid)] == [(5, 7)]


@pytest.mark.parametrize("value", [0.5, np.nan, -1.0])
def test_a_quality_layer_without_classes_is_refused(tmp_path, value):
    cloud = np.full(WHOLE.shape, value, np.float32)
    made = [*layers(tmp_path, numbers()), Layer("q", str(write_raster(tmp_path / "q.tif", cloud, WHOLE)), mask="Q", flags=CLOUD)]
    with pytest.raises(SceneError, match="holds no classes"):
        load(build_item(FACTS, made), WHOLE)


def test_the_clear_share_agrees_with_the_pixels(tmp_path):
    """Against counting every pixel: a product with fill, cloud and a coarser quality layer; AOIs inside, across the edge, tiny and outside."""
    values = numbers()
    values[:, :, :15] = 0
    coarse = GeoBox((30, 40), WHOLE.affine * Affine.scale(3), WHOLE.crs)
    quality = np.zeros(coarse.shape, np.uint8)
    quality[10:20, 10:25] = 1
    made = [*layers(tmp_path, values), Layer("q", str(write_raster(tmp_path / "q.tif", quality, coarse)), mask="Q", flags=CLOUD)]
    item = build_item(FACTS, made)
    to_lonlat = Transformer.from_crs(WHOLE.crs.epsg, 4326, always_xy=True).transform
    data, cloud = values[0] > 0, np.kron(quality, np.ones((3, 3))) > 0
    for left, top, right, bottom in ((20, 20, 100, 80), (-40, 10, 60, 70), (30, 30, 31, 31), (200, 0, 250, 50), (0, 0, 120, 90)):
        ring = [WHOLE.affine * point for point in ((left, top), (right, top), (right, bottom), (left, bottom))]
        covered, clear = clear_share(item, Polygon([to_lonlat(*point) for point in ring]))
        total = (right - left) * (bottom - top)
        part = np.s_[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
        assert covered == pytest.approx(data[part].sum() / total, abs=0.01)
        assert clear == pytest.approx((data & ~cloud)[part].sum() / total, abs=0.01)
