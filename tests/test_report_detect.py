"""The page of one search: what it draws lies where the grid puts it, its type is tidy, and large findings cost little memory."""

import struct
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from PIL import Image as Picture
from shapely import affinity
from shapely.geometry import Point, box

import test_report_fakes as fakes
from camwatch.findings import Finding
from camwatch.rasters import stored, write_raster
from camwatch.report import detect_page, mapmarks, mappanel, pairview, placing, style
from camwatch.report.canvas import Canvas, measure
from camwatch.report.display import Shown, View
from camwatch.report.page import Box
from camwatch.report.paper import Paper

LANDSCAPE = (3508, 2480)


def draw(path, grid, *, simulated=True, **changes):
    pair = changes.pop("pair", None) or fakes.images(grid, simulated=simulated)
    settings = {"findings": fakes.findings(grid, simulated=simulated), "registration": fakes.registration(grid), "aoi": fakes.aoi(), **changes}
    return detect_page(path, before=pair[0], after=pair[1], generated="2026-11-22", config_sha256="ab" * 32, **settings)


@pytest.fixture
def said(monkeypatch):
    """Every line of type that is set on a page, as (words, left, top, right, bottom, type size)."""
    texts, line, upright = [], Canvas.line, Paper.upright

    def kept(self, x, baseline, words, size, *, bold=False, colour=style.INK, align="left"):
        left = x - {"left": 0, "center": 0.5, "right": 1}[align] * measure(words, size, bold=bold)
        if (self.width, self.height) == LANDSCAPE and colour != "white":
            texts.append((words, left, baseline - 0.75 * size, left + measure(words, size, bold=bold), baseline + 0.1 * size, size))
        line(self, x, baseline, words, size, bold=bold, colour=colour, align=align)

    def turned(self, right, middle, text, size, *, colour):
        half, high = measure(text, round(size / 72 * 300)) / 2, size / 72 * 300
        texts.append((text, right - high, middle - half, right, middle + half, high))
        upright(self, right, middle, text, size, colour=colour)

    monkeypatch.setattr(Canvas, "line", kept)
    monkeypatch.setattr(Paper, "upright", turned)
    return texts


def untidy(texts):
    """What is wrong with a page's type: too small, over the edge, or one text on another."""
    texts = [t for t in texts if t[0].strip()]
    assert len(texts) > 20
    wrong = [f"over the edge: {t[0]}" for t in texts if t[1] < 60 or t[2] < 10 or t[3] > LANDSCAPE[0] - 60 or t[4] > LANDSCAPE[1] - 10]
    wrong += [f"too small: {t[0]}" for t in texts if t[5] < 25]
    boxes = np.array([t[1:5] for t in texts], float)
    across = np.minimum(boxes[:, None, 2], boxes[None, :, 2]) - np.maximum(boxes[:, None, 0], boxes[None, :, 0])
    along = np.minimum(boxes[:, None, 3], boxes[None, :, 3]) - np.maximum(boxes[:, None, 1], boxes[None, :, 1])
    return wrong + [f"overlap: {texts[i][0]!r} and {texts[j][0]!r}" for i, j in np.argwhere(np.triu((across > 1) & (along > 1), 1))]


def test_a_page_with_everything_is_tidy_and_a4_at_300_dpi(tmp_path, said):
    page = draw(tmp_path / "a.png", fakes.geobox(pixel_m=8.0)).read_bytes()
    assert untidy(said) == []
    assert struct.unpack(">II", page[16:24]) == LANDSCAPE
    assert struct.pack(">IIB", 11811, 11811, 1) in page[:120]  # pixels per metre


@pytest.mark.parametrize("stretch", [(1.3, 0.1), (0.1, 1.4)])
def test_elongated_outlines_crowds_and_long_names_are_tidy(tmp_path, said, stretch):
    grid = fakes.geobox(2600 if stretch[0] > 1 else 300, 300 if stretch[0] > 1 else 2200, 5.0)
    pair = fakes.images(grid, bands=("nir",), simulated=False)
    pair = tuple(replace(image, scene=image.scene + "_0123456789abcdef" * 5) for image in pair)
    found = fakes.findings(grid, crowded=True, simulated=False)
    draw(tmp_path / "a.png", grid, pair=pair, findings=found, aoi=fakes.aoi(fakes.triangle(stretch=stretch), nominal=False))
    assert untidy(said) == []


def test_a_refused_pair_without_an_outline_is_tidy_and_says_so(tmp_path, said):
    grid = fakes.geobox(pixel_m=20.0)
    refused = fakes.registration(grid, refused=True)
    draw(tmp_path / "a.png", grid, findings=fakes.not_testable(grid), registration=refused, aoi=None)
    assert untidy(said) == []
    words = [t[0] for t in said]
    assert "Registration refused:" in words
    assert "No search was possible" in words


def test_the_same_records_give_the_same_bytes_and_leave_nothing_behind(tmp_path):
    grid = fakes.geobox(pixel_m=20.0)
    first, second = (draw(tmp_path / name, grid) for name in ("a.png", "b.png"))
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_simulated_pages_are_marked_in_every_quarter_of_every_image(tmp_path, monkeypatch):
    areas, panel = [], mappanel.panel

    def kept(*arguments):
        areas.append(panel(*arguments))
        return areas[-1]

    monkeypatch.setattr(mappanel, "panel", kept)
    grid = fakes.geobox(pixel_m=8.0)
    marked, plain = (draw(tmp_path / f"{simulated}.png", grid, simulated=simulated) for simulated in (True, False))
    assert b"SIMULATED" in marked.read_bytes()[:200]
    assert b"SIMULATED" not in plain.read_bytes()[:200]
    pictures = [np.asarray(Picture.open(path)) for path in (marked, plain)]
    assert [bool((picture[[5, -5], ::50] == (0xB3, 0x00, 0x1B)).all()) for picture in pictures] == [True, False]
    differs = (pictures[0] != pictures[1]).any(axis=2)
    assert len(areas) == 10
    for area in (target.area for target in areas[:5]):
        for row, col in np.ndindex(2, 2):
            y, x = area.y + row * area.height // 2, area.x + col * area.width // 2
            assert differs[y : y + area.height // 2, x : x + area.width // 2].mean() > 0.03


@pytest.mark.parametrize("turn", [0.0, 30.0])
@pytest.mark.parametrize("pixel_m", [0.4, 1.1, 25.0])
def test_pixels_marks_and_places_agree(turn, pixel_m):
    side = round(800 / pixel_m)
    grid = GeoBox((side, side), Affine.translation(5000, 9000) * Affine.rotation(-turn) * Affine.scale(pixel_m, -pixel_m), "EPSG:32652")
    centre = grid.extent.geom.centroid
    target = mappanel.panel(Paper(), Box(20, 20, 60, 50), View.around(centre.x, centre.y, 600, 500), "EPSG:32652")
    values, rows, cols = np.zeros((side, side, 1), np.float32), side // 2 + round(60 / pixel_m), side // 2 - round(90 / pixel_m)
    half = max(round(15 / pixel_m), 1)
    values[rows - half : rows + half, cols - half : cols + half] = 1
    black, white = np.zeros(1, np.float32), np.ones(1, np.float32)
    mappanel.image(target, Shown(values, np.ones((side, side), bool), grid), (black, white))
    area = target.area
    drawn = np.asarray(target.paper.canvas.image)[area.y : area.bottom, area.x : area.right, 0]
    y, x = (float(v.mean()) for v in np.nonzero(drawn > 127))
    expected = target.on(np.array([grid.affine * (cols, rows)]))[0]
    assert (x + 0.5, y + 0.5) == pytest.approx(tuple(expected), abs=1.2)
    here = grid.affine * (cols, rows)
    mapmarks.mark(target.paper, (area.x + expected[0], area.y + expected[1]), "s", style.MARKS["appeared"], 5.5)
    colour = target.paper.canvas.image.getpixel((area.x + round(expected[0]), area.y + round(expected[1])))
    assert colour == (0xD5, 0x5E, 0x00), here


def test_objects_are_drawn_in_their_place_with_their_holes_and_large_ones_as_outlines():
    target = mappanel.panel(Paper(), Box(20, 20, 60, 60), View(0, 0, 600, 600), "EPSG:32652")
    target.paper.canvas.fill(target.area, "white")
    yard = Point(300, 300).buffer(150).difference(Point(300, 300).buffer(80))
    hut = affinity.translate(box(0, 0, 8, 8), 60, 500)
    mapmarks.marks(target, [Finding("a", "structure", "appeared", yard, 0.5, yard.area), Finding("b", "structure", "removed", hut, 0.5, 64.0)])

    def at(x, y, half=9):
        (across, down), area = target.on(np.array([[x, y]]))[0], target.area
        part = target.paper.canvas.image.crop(
            [round(v) for v in (area.x + across - half, area.y + down - half, area.x + across + half, area.y + down + half)]
        )
        return np.asarray(part, float).reshape(-1, 3).mean(axis=0)

    assert at(300, 300) == pytest.approx([255, 255, 255])  # the hole
    assert at(520, 520) == pytest.approx([255, 255, 255])
    red, green, blue = at(300 + 115, 300)
    assert red > green + 15 > blue + 20
    assert at(64, 504, half=4) == pytest.approx([0x00, 0x72, 0xB2], abs=3)


def test_a_stored_score_is_shown_as_one_in_memory_is(tmp_path):
    grid = fakes.geobox(1500, 1900, 2.0)
    rng = np.random.default_rng(6)
    score = rng.random(grid.shape).astype(np.float32) ** 20
    score[rng.random(grid.shape) < 0.2] = np.nan
    held = replace(fakes.findings(grid)["structure"], score=score)
    there, _ = stored(write_raster(tmp_path / "score.tif", score, grid, nodata=float("nan")))
    left, bottom, right, top = grid.extent.boundingbox
    for view, width in (
        (View(left, bottom, right, top), 300),
        (View(left + 700, bottom + 500, right - 901, top - 3), 90),
        (View(left, bottom, right, top), 3000),
    ):
        one, other = (pairview.shown_score(found, view, width) for found in (held, replace(held, score=there)))
        assert np.array_equal(one.values, other.values)
        assert np.array_equal(one.valid, other.valid)
        step = round(float(one.geobox.affine.a / 2.0))
        rows, cols = (round(v) for v in (~grid.affine * one.geobox.affine * (0, 0))[::-1])
        block = score[rows + 2 * step : rows + 3 * step, cols + step : cols + 2 * step]
        assert one.values[2, 1, 0] == np.nanmax(block, initial=0.0)


def test_crowds_are_told_as_all_distances_would_tell_them():
    places = np.random.default_rng(8).random((400, 2)) * 3000
    apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    near = np.sort(apart, axis=1)[:, :2].mean(axis=1)
    expected = np.clip(near / 20.0 / (25.4 / 72) * 0.9, 2.6, 4.2)
    assert placing.mark_sizes(places, 20.0) == pytest.approx(expected)
    records = [Finding(str(n), "structure", "appeared", Point(*place), 0.5, 1.0) for n, place in enumerate(places)]
    inside = np.abs(places[:, None] - places[None]).max(axis=2) <= 150
    assert pairview.hot_spot(records, 300.0) == pytest.approx(tuple(places[inside[inside.sum(axis=1).argmax()]].mean(axis=0)))


def test_the_page_is_drawn_without_matplotlib():
    code = "import sys, camwatch.report.detectpage; print('matplotlib' in sys.modules, 'PIL' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
