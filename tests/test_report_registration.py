"""The page of a registration: what it says is what the record holds, what it draws lies where the grid puts it, and a refusal claims nothing."""

import struct
from dataclasses import replace

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from PIL import Image as Picture

import test_report_fakes as fakes
from camwatch.registration.lattice import Lattice
from camwatch.report import canvas, registration_page, registrationpage, registrationpanels, registrationwords, style, zoom_bounds
from camwatch.report.canvas import Area, Canvas, measure, wrap
from camwatch.report.ground import Ground, shown

VERMILLION = (0xD5, 0x5E, 0x00)


def pieces(grid, registration, *, simulated=True, bands=("red", "green", "blue")):
    """The arguments of a page: two dates whole, and cut to the windows of the checkerboards."""
    reference, moving = fakes.images(grid, simulated=simulated, bands=bands, hole=False)

    def cut(image, bounds):
        left, bottom, right, top = bounds
        (c0, r0), (c1, r1) = (np.round(~grid.affine * corner).astype(int) for corner in ((left, top), (right, bottom)))
        return replace(image, values=image.values[:, r0:r1, c0:c1], valid=image.valid[r0:r1, c0:c1], geobox=grid[r0:r1, c0:c1])

    first, second = zoom_bounds(registration, reference, moving, moving)
    boards = (cut(reference, first), cut(moving, first)), (cut(reference, second), cut(moving, second))
    return {"reference": reference, "moving": moving, "registration": registration, "boards": boards}


def bent(grid):
    """An answer with a field of up to 3 px and a standard error that grows to the right."""
    plain = fakes.registration(grid)
    step = max(grid.shape) / 4
    rows, cols = Lattice.counts(tuple(grid.shape), step)
    waves = np.stack(np.meshgrid(3 * np.sin(np.arange(cols)), 2 * np.cos(np.arange(rows))), axis=-1)
    variance = np.zeros((rows, cols, 3))
    variance[..., 0] = variance[..., 2] = np.linspace(0.001, 0.02, cols)
    shape = tuple(grid.shape)
    return replace(plain, model="field", field=Lattice.over(shape, step, waves, 3), precision=Lattice.over(shape, step, variance, 1))


def untouched(grid):
    found = fakes.registration(grid)
    check = replace(found.check, before=found.check.after)
    return replace(found, model="none", reason="already aligned, left untouched", matrix=np.eye(2, 3), check=check)


@pytest.fixture
def said(monkeypatch):
    """Every text that is set, as (words, left, top, right, bottom, page)."""
    texts, text = [], Canvas.text

    def kept(self, x, y, words, size=canvas.BODY, *, bold=False, colour=style.INK, align="left"):
        width = measure(words, size, bold=bold)
        left = x - {"left": 0, "center": 0.5, "right": 1}[align] * width
        texts.append((words, left, y, left + width, y + canvas.LEADING * size, self))
        return text(self, x, y, words, size, bold=bold, colour=colour, align=align)

    monkeypatch.setattr(Canvas, "text", kept)
    return texts


def untidy(texts):
    """What is wrong with a page's type: over the edge, or one text on another."""
    texts = [t for t in texts if t[0].strip()]
    page = texts[0][5]
    wrong = [f"over the edge: {t[0]}" for t in texts if t[1] < 30 or t[2] < 2 or t[3] > page.width - 30 or t[4] > page.height - 2]
    boxes = np.array([t[1:5] for t in texts], float)
    # A line's box holds the tallest letters there are; a quarter of it at either end is air.
    slack = 0.25 * (boxes[:, 3] - boxes[:, 1])
    low, high = boxes[:, 1] + slack, boxes[:, 3] - slack
    across = np.minimum(boxes[:, None, 2], boxes[None, :, 2]) - np.maximum(boxes[:, None, 0], boxes[None, :, 0])
    along = np.minimum(high[:, None], high[None]) - np.maximum(low[:, None], low[None])
    return wrong + [f"overlap: {texts[i][0]!r} and {texts[j][0]!r}" for i, j in np.argwhere(np.triu((across > 1) & (along > 1), 1))]


ANSWERS = {
    "shift": fakes.registration,
    "field": bent,
    "untouched": untouched,
    "refused": lambda grid: fakes.registration(grid, refused=True),
    "unmatched": lambda grid: fakes.registration(grid, refused=True, n=0),
    "few": lambda grid: fakes.registration(grid, n=2),
}
SHAPES = {"wide": (2400, 1700), "tall": (900, 2400), "strip": (3600, 500)}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_page_is_tidy(tmp_path, said, answer, shape):
    grid = fakes.geobox(*SHAPES[shape], pixel_m=4.0)
    path = registration_page(tmp_path / "a.png", **pieces(grid, ANSWERS[answer](grid)), generated="2026-11-22", config_sha256="ab" * 32)
    assert untidy(said) == []
    assert struct.unpack(">II", path.read_bytes()[16:24])[0] == registrationpage.WIDTH


def test_long_names_and_reasons_stay_on_the_page(tmp_path, said):
    grid = fakes.geobox(pixel_m=8.0)
    found = replace(fakes.registration(grid, refused=True), reason="a reason of many words " * 40)
    parts = pieces(grid, found)
    for name in ("reference", "moving"):
        parts[name] = replace(parts[name], scene="회령_0123456789abcdef" * 12)
    registration_page(tmp_path / "a.png", **parts)
    assert untidy(said) == []


@pytest.mark.parametrize("answer", ["refused", "unmatched"])
def test_a_refusal_says_why_and_never_that_anything_is_registered(tmp_path, said, answer):
    grid = fakes.geobox(pixel_m=8.0)
    found = ANSWERS[answer](grid)
    registration_page(tmp_path / "a.png", **pieces(grid, found))
    words = [t[0] for t in said]
    assert "✘ REFUSED – NOT ALIGNED" in words
    assert style.plain(found.reason) in " ".join(words)
    assert not any("registered" in w.lower() or "✔" in w for w in words)
    assert any(w.startswith("No standard error") for w in words)


def test_an_aligned_pair_that_was_left_alone_is_not_called_registered(tmp_path, said):
    grid = fakes.geobox(pixel_m=8.0)
    registration_page(tmp_path / "a.png", **pieces(grid, untouched(grid)))
    words = [t[0] for t in said]
    assert "✔ ALREADY ALIGNED – LEFT AS DELIVERED" in words
    assert not any("registered" in w.lower() for w in words)


def test_the_numbers_are_those_of_the_record():
    grid = fakes.geobox(pixel_m=4.0)
    found = bent(grid)
    told = dict(registrationwords.figures(found))
    rmse = np.sqrt((found.check.before**2).sum(axis=1).mean())
    assert told["RMSE as delivered"] == f"{rmse:.2f} px = {4 * rmse:.2g} m"
    assert told["Check points"] == "40, withheld from the fit"
    assert told["Model"] == "field"
    # The variance is the same along both axes and grows from left to right.
    rows, cols = grid.shape
    worst = np.sqrt(2 * np.interp(cols - 0.5, *((np.arange(5) * max(rows, cols) / 4), np.linspace(0.001, 0.02, 5))))
    assert float(told["Standard error, worst"].split()[0]) == pytest.approx(worst, rel=5e-3)
    refused = dict(registrationwords.figures(fakes.registration(grid, refused=True, n=0)))
    assert refused["RMSE as delivered"] == "not measured"
    assert not any("error" in label or "Shift" in label for label in refused)


def test_the_same_record_gives_the_same_bytes_and_leaves_nothing_behind(tmp_path):
    grid = fakes.geobox(pixel_m=8.0)
    parts = pieces(grid, fakes.registration(grid))
    first, second = (registration_page(tmp_path / name, **parts).read_bytes() for name in ("a.png", "b.png"))
    assert first == second
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_simulated_pages_are_marked_in_every_quarter_of_every_image(tmp_path):
    grid = fakes.geobox(pixel_m=8.0)
    found = fakes.registration(grid)
    paths = [registration_page(tmp_path / f"{n}.png", **pieces(grid, found, simulated=bool(n))) for n in (0, 1)]
    plain, marked = (np.asarray(Picture.open(path)) for path in paths)
    assert b"SIMULATED" in paths[1].read_bytes()[:200]
    assert b"SIMULATED" not in paths[0].read_bytes()
    assert (marked[[2, -3], ::50] == (0xB3, 0x00, 0x1B)).all()
    assert not (plain[[2, -3], ::50] == (0xB3, 0x00, 0x1B)).all(axis=2).any()
    differs = (plain != marked).any(axis=2)
    height = round(registrationpage.PANEL * grid.shape[0] / grid.shape[1])
    tops = np.flatnonzero(differs[:, registrationpage.MARGIN : registrationpage.MARGIN + registrationpage.PANEL].any(axis=1))
    first = tops[tops > canvas.BAND][0]
    for column in range(2):
        left = registrationpage.MARGIN + column * (registrationpage.PANEL + registrationpage.GAP)
        for quarter in np.ndindex(2, 2):
            y, x = first + quarter[0] * height // 2, left + quarter[1] * registrationpage.PANEL // 2
            assert differs[y : y + height // 2, x : x + registrationpage.PANEL // 2].mean() > 0.02


@pytest.mark.parametrize(("east", "north"), [(1, -1), (-1, -1), (1, 1)])
@pytest.mark.parametrize("times", [1, 4])
def test_pixels_and_places_agree_and_north_is_up(east, north, times):
    """A bright patch is drawn where `on_page` puts its middle; whichever way the grid's axes run, the north-east corner is up and to the right."""
    grid = GeoBox((90, 120), Affine(east * 2.0, 0, 1000.0, 0, north * 2.0, 5000.0), fakes.CRS)
    coarse = grid.zoom_out(times)
    values = np.zeros((1, *coarse.shape), np.float32)
    (row, col), side = (coarse.shape[0] // 4, coarse.shape[1] // 5), coarse.shape[0] // 4
    values[0, row : row + side, col : col + side] = 1.0
    image = replace(fakes.images(coarse, bands=("pan",), hole=False)[0], values=values)
    ground = Ground.over(Area(0, 0, 480, 480), grid)
    picture = shown(ground, image, colour=False)[..., 0].astype(float)
    picture[picture < 255] = 0
    total = picture.sum()
    y, x = (float((picture.sum(axis=1 - axis) * (np.arange(480) + 0.5)).sum() / total) for axis in (0, 1))
    middle = (np.array([[col, row]]) + side / 2) * times - 0.5
    assert ground.on_page(middle)[0] == pytest.approx([x, y], abs=1.0)
    easting, northing = grid.affine * (middle[0] + 0.5)
    left, top = min(1000, 1000 + 240 * east), max(5000, 5000 + 180 * north)
    assert (x, y) == pytest.approx(((easting - left) * 2, (top - northing) * 2 + 60), abs=1.0)


def test_a_vector_is_as_long_as_its_residual_times_the_factor_that_is_told():
    page = Canvas(400, 400)
    grid = GeoBox((200, 200), Affine(1, 0, 0, 0, -1, 0), fakes.CRS)
    ground = Ground.over(Area(0, 0, 400, 400), grid)
    times = registrationpanels.vectors(page, ground, np.array([[50.0, 80.0]]), np.array([[0.7, 0.0]]), colour=style.VERMILLION)
    row = np.asarray(page.image)[161]  # (80 + ½) · 2
    inked = np.flatnonzero((row == VERMILLION).all(axis=1))
    assert times == 20.0  # a round factor, so that the vector is about 34 px long
    assert inked.max() == pytest.approx(101 + 0.7 * 2 * times, abs=1.5)
    assert registrationpanels.magnification(np.zeros((0, 2)), 1.0) == 0.0


def test_the_cells_of_the_residual_map_hold_the_root_mean_square():
    places = np.array([[0.0, 0.0], [9.0, 9.0], [190.0, 95.0]])
    values = registrationpanels.cells(places, np.array([3.0, 4.0, 1.0]), (100, 200))
    assert values.shape == (1, 2)
    assert values[0] == pytest.approx([np.sqrt(12.5), 1.0])
    assert np.isnan(registrationpanels.cells(places[:1], np.ones(1), (200, 200))[1, 1])


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.024), (0.04, 0.27), (0.0, 7.3), (0.1731, 0.1731), (0.0, 0.0)])
def test_colour_steps_are_few_round_and_hold_every_value(low, high):
    steps = registrationpanels.Steps.over(low, high, registrationpanels.WARM)
    assert 1 <= len(steps.colours) <= registrationpanels.CLASSES
    assert steps.edges[0] <= low + 1e-9
    assert steps.edges[-1] >= high - 1e-9
    assert len(steps.edges) == len(steps.colours) + 1


@pytest.mark.parametrize("ramp", [registrationpanels.WARM, registrationpanels.COOL])
def test_more_is_darker_so_that_maps_are_read_in_grey_and_by_every_eye(ramp):
    rgb = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in ramp]) / 255
    luminance = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
    lightness = 116 * np.cbrt(luminance) - 16  # CIE 1976 L*; 10 apart is told at a glance
    assert (np.diff(lightness) < -8).all()


def test_the_checkerboards_look_where_the_transform_tells():
    """Edges meet in one place only once registered; noise is everywhere else."""
    grid = GeoBox((400, 400), Affine(1, 0, 0, 0, -1, 0), fakes.CRS)
    rng = np.random.default_rng(1)
    house = np.zeros((400, 400), np.float32)
    house[60:110, 250:300] = 5.0

    def image(plane):
        noisy = (plane + rng.normal(0, 0.3, plane.shape)).astype(np.float32)[None]
        return replace(fakes.images(grid, bands=("pan",), hole=False)[0], values=noisy)

    found = fakes.registration(grid, n=40)
    places = np.stack(np.meshgrid(np.arange(45, 400, 62), np.arange(45, 400, 62)), axis=-1).reshape(-1, 2).astype(float)
    found = replace(found, check=replace(found.check, positions=places, before=np.full(places.shape, 3.0), after=np.zeros(places.shape)))
    one, other = zoom_bounds(found, image(house), image(np.roll(house, 4, axis=1)), image(house))
    assert one == other
    left, bottom, right, top = one
    assert left < 275 < right
    assert bottom < -85 < top
    assert right - left == pytest.approx(30 * 3 * np.sqrt(2))


def test_the_checkerboards_of_a_refused_pair_look_where_residuals_contradict_one_another():
    grid = fakes.geobox(2400, 2400, pixel_m=4.0)
    found = fakes.registration(grid, refused=True)
    residuals = np.tile([2.0, 0.0], (40, 1))
    residuals[7], residuals[23] = (6.0, 0.0), (-5.0, 0.0)
    places = np.clip(found.check.positions, 160, 440)
    found = replace(found, check=replace(found.check, positions=places, after=residuals))
    image = fakes.images(grid, hole=False)[0]
    for bounds, number in zip(zoom_bounds(found, image, image, image), (7, 23), strict=True):
        x, y = grid.affine * (places[number] + 0.5)
        assert (bounds[0] + bounds[2]) / 2 == pytest.approx(x, abs=2.1)
        assert (bounds[1] + bounds[3]) / 2 == pytest.approx(y, abs=2.1)


def test_wrapped_lines_fit_and_lose_nothing():
    text = "check points differ by 1.98 px after the fit, 청진 제25호 관리소 and sha256:" + "0123456789abcdef" * 6
    lines = wrap(text, 300, canvas.BODY)
    assert all(measure(line, canvas.BODY) <= 300 for line in lines)
    assert "".join(lines).replace(" ", "") == style.plain(text).replace(" ", "")
    short = wrap(text, 300, canvas.BODY, most=2)
    assert len(short) == 2
    assert short[1].endswith(" …")
    assert measure(short[1], canvas.BODY) <= 300


def test_korean_is_drawn_with_its_own_glyphs_and_what_no_font_has_as_one_sign():
    def ink(text):
        page = Canvas(300, 60)
        page.text(10, 10, text)
        return page.image.tobytes()

    assert ink("청진") != ink("회령")
    assert ink("\U0001f6f0") == ink("\ufffd") != ink("x")
    assert ink("a\x1b\u200eb") == ink("ab")


def test_the_file_holds_the_pixels_and_the_texts(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (37, 53, 3), np.uint8)
    path = tmp_path / "a.png"
    path.write_bytes(canvas.png(pixels, {"Title": "a title", "Software": "camwatch"}))
    with Picture.open(path) as picture:
        assert np.array_equal(np.asarray(picture), pixels)
        assert picture.info == {"Title": "a title", "Software": "camwatch"}
