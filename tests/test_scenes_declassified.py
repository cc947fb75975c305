"""Scans of film, written here with every point known: placed by control points, dated honestly, their borders not taken for ground."""

import warnings
import zipfile
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import CRS, Transformer
from rasterio.control import GroundControlPoint
from rasterio.errors import NotGeoreferencedWarning
from scipy.ndimage import zoom

from camwatch.errors import SceneError
from camwatch.imagery.load import load
from camwatch.rasters import write_raster
from camwatch.scenes import item as scene
from camwatch.scenes import open_scene, scan
from camwatch.scenes.access.filmframe import measure

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # affine 3 about odc-geo's own arithmetic

ENTITY = "DS1101-1069DF090"
SHAPE = (600, 900)
TRUE = Affine(1.8, 0.3, 560_000, 0.25, -2.1, 4_650_000)  # turned, sheared, with oblong pixels, as film is
BLANK = np.random.default_rng(1).integers(60, 160, SHAPE).astype(np.uint8)
PIXELS = np.array([(60, 50), (850, 70), (820, 560), (90, 540), (450, 300), (300, 120)], float)


def degrees(metres, crs="EPSG:32652"):
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(*np.asarray(metres, float).T)
    return np.column_stack([lon, lat])


def metres_of(pixels, transform=TRUE):
    return np.array([transform * tuple(point) for point in pixels])


@lru_cache
def terrain(shape):
    """Ground at every scale, about 110 ± 22."""
    rng = np.random.default_rng(8)
    rows, cols = shape
    total = np.zeros(shape, np.float32)
    for side, share in ((64, 1.0), (16, 0.7), (4, 0.5), (1, 0.3)):
        total += share * zoom(rng.normal(size=(rows // side + 4, cols // side + 4)).astype(np.float32), side, order=1)[:rows, :cols]
    return 110 + 22 * total / total.std()


def film(shape=(800, 1200), border=(0.05, 0.04, 0.06, 0.03), *, tilt=0.6, level=4.0, noise=2.0, sea=False, backlight=0.0):
    """A scanned film and where it is exposed: shares of border (top, bottom, left, right), tilt in degrees, inscriptions in the border."""
    rng = np.random.default_rng(0)
    rows, cols = shape
    image = terrain(shape).copy()
    if sea:
        image[:, : cols // 3] = 60
    y, x = np.mgrid[:rows, :cols] + 0.5
    rise = np.tan(np.radians(tilt))
    edges = (
        y - border[0] * rows - rise * (x - cols / 2),
        rows - y - border[1] * rows + rise * (x - cols / 2),
        x - border[2] * cols + rise * (y - rows / 2),
        cols - x - border[3] * cols - rise * (y - rows / 2),
    )
    exposed = np.minimum.reduce(edges) >= 0
    outside = np.full(shape, level)
    for _ in range(12):
        row, col = rng.integers(0, rows), rng.integers(0, cols)
        outside[row : row + rows // 50, col : col + cols // 33] = rng.choice([20, 240])
    # Backlight beyond the film itself, whose edge is as straight.
    outside[np.minimum.reduce(edges) < -backlight * rows if backlight else np.zeros(shape, bool)] = 252
    image = np.where(exposed, image, outside) + rng.normal(0, noise, shape)
    return np.clip(image, 0, 255).astype(np.uint8), exposed


def write_scan(folder: Path, values, name=f"{ENTITY}_b.tif", *, tags=None, gcps=(), **options) -> Path:
    """A TIFF without georeference, as USGS delivers it."""
    folder.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff", "height": values.shape[0], "width": values.shape[1], "count": 1, "dtype": "uint8"} | options
    with pytest.warns(NotGeoreferencedWarning), rasterio.open(folder / name, "w", **profile) as dataset:  # noqa: PT031 (it warns on opening)
        dataset.write(values, 1)
        dataset.update_tags(**(tags or {}))
        if gcps:
            dataset.gcps = (list(gcps), CRS.from_epsg(4326).to_wkt())
    return folder / name


def write_qgis(path: Path, pixels=PIXELS, ground=None, *, crs="", header="sourceX,sourceY", off=()) -> None:
    """What QGIS saves: rows negative downward."""
    ground = degrees(metres_of(pixels)) if ground is None else ground
    lines = [f"#CRS: {crs}"] if crs else []
    lines.append(f"mapX,mapY,{header},enable,dX,dY,residual")
    lines += [f"{x:.10f},{y:.10f},{col},{-row},{int(n not in off)},0,0,0" for n, ((x, y), (col, row)) in enumerate(zip(ground, pixels, strict=True))]
    path.write_text("\n".join(lines) + "\n")


def assert_placed(item, transform=TRUE, tolerance=0.01):
    box = scene.native_geobox(item)
    ends = [(0, 0), (SHAPE[1], 0), (0, SHAPE[0]), (SHAPE[1], SHAPE[0])]
    assert str(box.crs) == "EPSG:32652"
    np.testing.assert_allclose(metres_of(ends, box.affine), metres_of(ends, transform), atol=tolerance)


@pytest.mark.parametrize("name", [f"{ENTITY}_b.points", f"{ENTITY}_b.tif.points"])
@pytest.mark.parametrize("crs", ["", "EPSG:32652", CRS.from_epsg(32652).to_wkt("WKT2_2019"), CRS.from_epsg(32652).to_wkt("WKT1_GDAL")])
def test_points_of_qgis(tmp_path, name, crs):
    path = write_scan(tmp_path, BLANK)
    write_qgis(tmp_path / name, ground=metres_of(PIXELS) if crs else None, crs=crs)
    item = open_scene(path, date="1967-09-18")
    assert_placed(item)
    assert scene.acquired(item) == datetime(1967, 9, 18, tzinfo=UTC)
    assert item.properties["camwatch:date_source"] == "argument"
    assert item.properties["platform"] == "kh-4b"
    assert item.properties["camwatch:family"] == "declassified"
    assert scene.band_names(item) == ("pan",)
    assert scene.gsd_m(item) == pytest.approx(abs(TRUE.determinant) ** 0.5, rel=1e-4)
    assert scene.calibration(item) == "dn"
    assert tmp_path / name in scene.files_of(item)


def test_older_headers_and_disabled_points(tmp_path):
    path = write_scan(tmp_path, BLANK)
    pixels = np.vstack([PIXELS, (500, 200)])
    ground = degrees(metres_of(pixels))
    ground[-1] += 0.5  # a blunder that the analyst switched off
    write_qgis(path.with_suffix(".points"), pixels, ground, header="pixelX,pixelY", off={6})
    item = open_scene(path, date="1967-09-18")
    assert_placed(item)
    assert item.properties["camwatch:control"]["points"] == 6


@pytest.mark.parametrize(
    ("header", "order", "separator"),
    [
        ("col,row,lon,lat", (0, 1, 2, 3), ","),
        ("Name;Latitude;Longitude;Line;Pixel", (None, 3, 2, 1, 0), ";"),
        ("ROW\tColumn\tlong\tlat\tnote", (1, 0, 2, 3, None), "\t"),
    ],
)
def test_a_csv_with_tolerant_names(tmp_path, header, order, separator):
    path = write_scan(tmp_path, BLANK, name="scan_19710430.tif")
    rows = np.hstack([PIXELS, degrees(metres_of(PIXELS))])
    lines = [separator.join("corner" if place is None else repr(float(row[place])) for place in order) for row in rows]
    (tmp_path / "scan_19710430.csv").write_text("\ufeff# picked by hand\n" + header + "\n" + "\n".join(lines))
    item = open_scene(path)
    assert_placed(item)
    assert scene.acquired(item) == datetime(1971, 4, 30, tzinfo=UTC)
    assert item.properties["camwatch:family"] == "raster"  # not a name of USGS


def test_points_inside_the_tiff(tmp_path):
    ground = degrees(metres_of(PIXELS))
    points = [GroundControlPoint(row, col, x, y) for (col, row), (x, y) in zip(PIXELS, ground, strict=True)]
    item = open_scene(write_scan(tmp_path, BLANK, gcps=points), date="1967-09-18")
    assert_placed(item)
    assert load(item, GeoBox((4, 4), TRUE * Affine.translation(400, 300), "EPSG:32652")).valid.all()


def test_residuals_stand_in_the_item(tmp_path):
    path = write_scan(tmp_path, BLANK)
    off = metres_of(PIXELS) + np.random.default_rng(5).normal(0, 3, PIXELS.shape)
    write_qgis(path.with_suffix(".points"), ground=degrees(off))
    item = open_scene(path, date="1967-09-18")
    design = np.column_stack([PIXELS, np.ones(6)])
    residuals = np.hypot(*(off - design @ np.linalg.lstsq(design, off, rcond=None)[0]).T)
    alone = []
    for k in range(6):
        rest = np.arange(6) != k
        alone.append(np.hypot(*(off[k] - design[k] @ np.linalg.lstsq(design[rest], off[rest], rcond=None)[0])))
    said = item.properties["camwatch:control"]
    assert said["rmse_m"] == pytest.approx(np.sqrt((residuals**2).mean()), abs=0.01)
    assert said["worst_m"] == pytest.approx(residuals.max(), abs=0.01)
    assert scene.position_error_m(item) == pytest.approx(np.sqrt(np.mean(np.square(alone))), abs=0.01)
    write_qgis(path.with_suffix(".points"), PIXELS[:3])
    item = open_scene(path, date="1967-09-18")
    assert "three points always agree" in item.properties["camwatch:control"]["note"]
    assert scene.position_error_m(item) == 0  # no figure
    write_qgis(path.with_suffix(".points"), PIXELS[:4], degrees(off[:4]))
    item = open_scene(path, date="1967-09-18")
    assert scene.position_error_m(item) == pytest.approx(2 * item.properties["camwatch:control"]["rmse_m"], abs=0.02)


def test_bent_film_is_called_bent(tmp_path):
    path = write_scan(tmp_path, BLANK)
    pixels = np.random.default_rng(6).uniform((0, 0), SHAPE[::-1], (14, 2))
    ground = metres_of(pixels) + 200 * (pixels[:, :1] / SHAPE[1] - 0.5) ** 2 + np.random.default_rng(7).normal(0, 1, (14, 2))
    write_qgis(path.with_suffix(".points"), pixels, degrees(ground))
    said = open_scene(path, date="1967-09-18").properties["camwatch:control"]
    assert "bent" in said["note"]
    assert said["bent_rmse_m"] < 4
    assert said["withheld_rmse_m"] > 10


def test_a_wrong_point_is_named(tmp_path):
    path = write_scan(tmp_path, BLANK)
    pixels = np.vstack([PIXELS, (700, 200)])
    ground = degrees(metres_of(pixels))
    ground[4, 0] += 0.01
    write_qgis(path.with_suffix(".points"), pixels, ground)
    with pytest.raises(SceneError, match=r"point at line 6 contradicts the others; got 8\d\d m"):
        open_scene(path, date="1967-09-18")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("mapX,mapY,sourceX,sourceY\n129,42,1,-1\n129.1,42,2,-1\n", "too few control points; got 2"),
        ("mapX,mapY,sourceX,sourceY\n129,42,1,-1\n129.1,forty,2,-1\n", "line 3 is no control point"),
        ("mapX,mapY,sourceX,sourceY\n129,42,1,-1\n129.1,nan,2,-1\n", "line 3 is no control point"),
        ("mapX,mapY,sourceX\n129,42,1\n", "control points without row"),
        ("", "empty"),
        ("#CRS: +proj=utm +nadgrids=/etc/passwd\nmapX,mapY,sourceX,sourceY\n129,42,1,-1\n", "unknown CRS"),
        ("#CRS: EPSG:999999\nmapX,mapY,sourceX,sourceY\n129,42,1,-1\n", "unknown CRS"),
        ("mapX,mapY,sourceX,sourceY\n560000,4650000,1,-1\n561000,4650000,500,-1\n560000,4649000,1,-500\n", "no degrees"),
        ("mapX,mapY,sourceX,sourceY\n129,42,1,-1\n129.1,42.1,2,-2\n129.2,42.2,3,-3\n", "one line"),
    ],
)
def test_points_that_cannot_be_used(tmp_path, text, what):
    path = write_scan(tmp_path, BLANK)
    path.with_suffix(".points").write_text(text)
    with pytest.raises(SceneError, match=what) as caught:
        open_scene(path, date="1967-09-18")
    assert f"{ENTITY}_b.points" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "platform", "instrument", "day", "outside"),
    [
        ("DS1101-1069DF090_b.tif", "kh-4b", "panoramic", "1967-09-20", "1966-01-01"),
        ("DS1022-1024DA007_a.tif", "kh-4a", "panoramic", "1965-07-20", "1971-01-01"),
        ("DZB00401700037H013001_a.tif", "kh-7", "strip", "1965-05-27", "1968-01-01"),
        ("DZB1210-500109L003001_1_a.tif", "kh-9", "mapping", "1975-06-10", "1967-01-01"),
        ("D3C1213-200346A003_c.tif", "kh-9", "panoramic", "1977-08-27", "1970-01-01"),
    ],
)
def test_cameras_and_dates(tmp_path, name, platform, instrument, day, outside):  # noqa: PLR0917 (one for each column)
    """The entity names the camera and no date; the moment of scanning is no date either."""
    path = write_scan(tmp_path, BLANK, name, tags={"TIFFTAG_DATETIME": "2006:03:14 10:11:12"})
    write_qgis(path.with_suffix(".points"))
    with pytest.raises(SceneError, match=r"does not tell when it was taken.*--before-date"):
        open_scene(path)
    assert "does not tell when" in scan(tmp_path).unreadable[0].reason
    with pytest.raises(SceneError, match=f"not in the years of {platform.upper()}"):
        open_scene(path, date=outside)
    item = open_scene(path, date=day)
    assert (item.properties["platform"], item.properties["instruments"]) == (platform, [instrument])
    entity = name.split("_")[0]
    (tmp_path / f"{entity}.xml").write_text(
        f'<scene xmlns="http://earthexplorer.usgs.gov/eemetadata.xsd"><metadataFields><metadataField name="Acquisition Date">'
        f"<metadataValue>{day.replace('-', '/')}</metadataValue></metadataField></metadataFields></scene>"
    )
    item = open_scene(path)
    assert scene.acquired(item).date().isoformat() == day
    assert item.properties["camwatch:date_source"] == "EarthExplorer metadata beside the scan"
    assert [one.id for one in scan(tmp_path).items] == [item.id]


def test_a_date_in_a_tag_or_added_to_the_name(tmp_path):
    path = write_scan(tmp_path / "a", BLANK, tags={"ACQUISITION_DATE": "1967-09-20"})
    write_qgis(path.with_suffix(".points"))
    assert open_scene(path).properties["camwatch:date_source"] == "tag ACQUISITION_DATE"
    path = write_scan(tmp_path / "b", BLANK, name=f"{ENTITY}_b_19670920.tif")
    write_qgis(path.with_suffix(".points"))
    assert open_scene(path).properties["camwatch:date_source"] == "file name"


def test_the_moment_of_scanning_is_no_date(tmp_path):
    path = write_scan(tmp_path, BLANK, name="frame.tif", tags={"TIFFTAG_DATETIME": "1969:03:14 10:11:12"})
    write_qgis(path.with_suffix(".points"))
    with pytest.raises(SceneError, match="does not tell when it was taken"):
        open_scene(path)


def test_without_control_points_it_says_which(tmp_path):
    path = write_scan(tmp_path, BLANK)
    with pytest.raises(SceneError, match=r"no control points; expected DS1101-1069DF090_b\.points"):
        open_scene(path, date="1967-09-18")


def test_what_is_georeferenced_needs_no_points(tmp_path):
    box = GeoBox(SHAPE, Affine(2, 0, 560_000, 0, -2, 4_650_000), "EPSG:32652")
    path = write_raster(tmp_path / "warped_19670918.tif", BLANK, box)
    write_qgis(path.with_suffix(".points"))
    (tmp_path / "warped_19670918.csv").write_text("id,area\n1,2\n")
    item = open_scene(path)
    assert scene.native_geobox(item) == box
    assert "film" not in item.assets


@pytest.mark.parametrize(
    "options",
    [
        {"border": (0, 0, 0, 0), "tilt": 0},
        {"border": (0, 0, 0, 0), "tilt": 1.0},  # wedges at the corners
        {"border": (0.05, 0.04, 0, 0), "tilt": 0},  # a middle part of a frame
        {"tilt": 1.0, "level": 250, "noise": 4},
        {"tilt": -1.0, "level": 30, "noise": 4, "shape": (1000, 1000)},
        {"border": (0.08, 0.08, 0.08, 0.08), "level": 200, "shape": (1600, 800)},
        {"border": (0.01, 0.02, 0.01, 0.02), "tilt": 0.3},
        {"sea": True, "tilt": 0.4},
        {"backlight": 0.02, "tilt": -0.7},
        {"border": (0, 0.06, 0, 0.07), "tilt": 0.2, "level": 90, "noise": 5, "shape": (1200, 1600)},
    ],
)
def test_borders_are_no_ground_and_film_is(options):
    image, exposed = film(**options)
    rows, cols = image.shape
    inside = measure(lambda row, n: image[row : row + n], image.shape).inside(np.arange(rows) + 0.5, np.arange(cols) + 0.5)
    assert (exposed & ~inside).sum() < 0.01 * exposed.sum()
    assert (inside & ~exposed).sum() <= 0.001 * (~exposed).sum()


def test_sides_are_found_to_a_fraction_of_a_pixel():
    image, exposed = film((1200, 1600), tilt=0.75)
    frame = measure(lambda row, n: image[row : row + n], image.shape)
    rise = np.tan(np.radians(0.75))
    for side, border, slope, length in (
        (frame.top, 0.05 * 1200, rise, 1600),
        (frame.bottom, 0.04 * 1200, -rise, 1600),
        (frame.left, 0.06 * 1600, -rise, 1200),
        (frame.right, 0.03 * 1600, rise, 1200),
    ):
        assert side.slope == pytest.approx(slope, abs=3e-4)
        middle = side.at(np.array([length / 2]))[0]
        assert border + 1 < middle < border + 3  # drawn in by two pixels
    inside = frame.inside(np.arange(1200) + 0.5, np.arange(1600) + 0.5)
    assert not (inside & ~exposed).any()


@pytest.mark.parametrize("options", [{}, {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate"}])
def test_loaded_pixels_stop_at_the_frame(tmp_path, options):
    image, exposed = film()
    path = write_scan(tmp_path, image, **options)
    corners = np.array([(0, 0), (1200, 0), (0, 800), (1200, 800), (600, 400)], float)
    write_qgis(path.with_suffix(".points"), corners)
    item = open_scene(path, date="1967-09-18")
    box = scene.native_geobox(item)
    valid = load(item, box).valid
    assert (valid & ~exposed).sum() <= 0.001 * (~exposed).sum()
    assert (exposed & ~valid).sum() < 0.01 * exposed.sum()
    part = GeoBox((200, 300), box.affine * Affine.translation(800, 20), box.crs)
    np.testing.assert_array_equal(load(item, part).valid, valid[20:220, 800:1100])
    assert scene.cloud_mask(item) == "none"


def test_an_overview_serves_as_well(tmp_path, monkeypatch):
    monkeypatch.setattr("camwatch.scenes.access.film._OVERVIEW", 700)  # a scan has ten times as many pixels
    image, exposed = film((1400, 1800))
    path = write_scan(tmp_path, image)
    with pytest.warns(NotGeoreferencedWarning), rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2], rasterio.enums.Resampling.average)
    write_qgis(path.with_suffix(".points"), np.array([(0, 0), (1800, 0), (0, 1400), (1800, 1400)], float))
    item = open_scene(path, date="1967-09-18")
    box = scene.native_geobox(item)
    valid = load(item, box).valid
    assert (valid & ~exposed).sum() <= 0.001 * (~exposed).sum()
    assert (exposed & ~valid).sum() < 0.02 * exposed.sum()  # two pixels of an overview of 700


def test_beyond_the_points_reach_nothing_is_ground(tmp_path):
    image = BLANK
    path = write_scan(tmp_path, image)
    write_qgis(path.with_suffix(".points"), np.array([(300, 200), (500, 200), (300, 400), (500, 400), (400, 300)], float))
    item = open_scene(path, date="1967-09-18")
    valid = load(item, scene.native_geobox(item)).valid
    # The hull, 200 by 200 pixels around (400, 300), enlarged by half.
    assert valid[152:448, 252:548].all()
    assert not valid[:149].any()
    assert not valid[:, 552:].any()


def test_a_scan_in_an_archive(tmp_path):
    path = write_scan(tmp_path / "in", BLANK)
    write_qgis(path.with_suffix(".points"))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        for file in path.parent.iterdir():
            out.write(file, file.name)
    item = open_scene(tmp_path / "a.zip", date="1967-09-18")
    assert_placed(item)
    assert load(item, GeoBox((4, 4), TRUE * Affine.translation(400, 300), "EPSG:32652")).valid.all()


def test_a_plain_tiff_with_control_points_inside_is_placed_by_them(tmp_path):
    path = tmp_path / "warped_20110203.tif"
    places = [(0, 0), (0, 40), (30, 0), (30, 40), (15, 20)]  # row, column; pixels of 3 m
    points = [GroundControlPoint(row, col, 500_000 + 3 * col, 4_600_000 - 3 * row, 0, id=str(n)) for n, (row, col) in enumerate(places)]
    profile = {"driver": "GTiff", "count": 1, "height": 30, "width": 40, "dtype": "uint8"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", **profile) as dataset:
            dataset.write(np.full((1, 30, 40), 7, np.uint8))
            dataset.gcps = (points, "EPSG:32652")
    item = open_scene(path)
    assert item.properties["camwatch:family"] == "raster"
    assert f"{item.datetime:%Y-%m-%d}" == "2011-02-03"
    box = scene.native_geobox(item)
    assert str(box.crs) == "EPSG:32652"
    np.testing.assert_allclose(list(box.affine)[:6], [3, 0, 500_000, 0, -3, 4_600_000], atol=1e-4)


def test_a_raster_without_suffix_and_georeference_is_refused_in_one_line(tmp_path):
    (tmp_path / "1972").write_bytes(bytes(16))
    (tmp_path / "1972.hdr").write_text("ENVI\nsamples = 4\nlines = 4\nbands = 1\ndata type = 1\ninterleave = bsq\nbyte order = 0\n")
    with pytest.raises(SceneError, match="no georeference"):
        open_scene(tmp_path / "1972")
