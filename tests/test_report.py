"""The pages: right size, same bytes, marked where simulated, nothing overlapping, nothing said that was not measured."""

import hashlib
import itertools
import re
import struct
import warnings
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from affine import Affine
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread
from matplotlib.text import Text
from odc.geo.geobox import GeoBox
from shapely import affinity

import test_report_fakes as fakes
from camwatch.judge.record import Estimate
from camwatch.report import camp_page, claims_page, detail_bounds, display, pairview, panelmarks, panels, placing, sensitivity_page, style, tables
from camwatch.report.page import Box
from camwatch.report.sheet import Sheet, new_sheet

A4, A4_LANDSCAPE = (2480, 3508), (3508, 2480)


def size(path):
    """Width and height from the PNG's header."""
    return struct.unpack(">II", path.read_bytes()[16:24])


def camp(path, grid=None, *, simulated=True, **changes):
    grid = grid or fakes.geobox(pixel_m=8.0)
    pair = changes.pop("pair", None) or fakes.images(grid, simulated=simulated)
    settings = {
        "aoi": fakes.aoi(),
        "findings": fakes.findings(grid, simulated=simulated),
        "registration": fakes.registration(grid),
        "verdicts": fakes.verdicts(simulated=simulated),
        "sources": fakes.sources(pair),
        "generated": "2026-11-22",
        **changes,
    }
    return camp_page(path, before=pair[0], after=pair[1], **settings)


def audit(sheet, drawn):
    """Return what is wrong with a page's type: too small, over the edge, or one text on another."""
    renderer = sheet.canvas.get_renderer()
    texts = [t for t in drawn if t.get_visible() and t.get_text().strip() and t.get_text() != "SIMULATED"]
    boxes = np.array([t.get_window_extent(renderer).extents for t in texts])
    wrong = [f"{t.get_fontsize()} pt: {t.get_text()}" for t in texts if t.get_fontsize() < 6.0]
    width, height = sheet.figure.bbox.size
    for text, (x0, y0, x1, y1) in zip(texts, boxes, strict=True):
        if x0 < 60 or y0 < 10 or x1 > width - 60 or y1 > height - 10:
            wrong.append(f"over the edge: {text.get_text()}")
    # A text's box holds the tallest letters there are; a fifth of it at either end is air.
    slack = 0.2 * (boxes[:, 3] - boxes[:, 1])
    low, high = boxes[:, 1] + slack, boxes[:, 3] - slack
    across = np.minimum(boxes[:, None, 2], boxes[None, :, 2]) - np.maximum(boxes[:, None, 0], boxes[None, :, 0])
    along = np.minimum(high[:, None], high[None]) - np.maximum(low[:, None], low[None])
    for i, j in np.argwhere(np.triu((across > 1) & (along > 1), 1)):
        wrong.append(f"overlap: {texts[i].get_text()!r} and {texts[j].get_text()!r}")
    return wrong


@pytest.fixture
def audited(monkeypatch):
    """Every page written during the test is audited, and not compressed: that takes longer than drawing it."""
    wrong, drawn, write, draw, png = [], [], Sheet.write, Text.draw, FigureCanvasAgg.print_png

    def checked(self, *args, **kwargs):
        drawn.clear()
        path = write(self, *args, **kwargs)
        wrong.extend(audit(self, drawn))
        return path

    monkeypatch.setattr(Sheet, "write", checked)
    monkeypatch.setattr(FigureCanvasAgg, "print_png", lambda *args, **rest: png(*args, **{**rest, "pil_kwargs": {"compress_level": 0}}))
    monkeypatch.setattr(Text, "draw", lambda self, renderer: drawn.append(self) or draw(self, renderer))
    yield wrong
    assert wrong == []


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The same records rendered as simulated (twice) and as observed, with the boxes of all image panels."""
    folder, boxes, panel = tmp_path_factory.mktemp("pages"), [], panels.panel
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "Use `@` matmul", PendingDeprecationWarning)  # affine 3, as in the settings of the tests
        patch.setattr(panels, "panel", lambda sheet, box, *rest: boxes.append(box) or panel(sheet, box, *rest))
        marked = camp(folder / "marked.png")
        used = list(boxes)
        again = camp(folder / "again.png")
        plain = camp(folder / "plain.png", simulated=False)
    return marked, again, plain, used


@pytest.fixture(scope="module")
def pictures(pages):
    return imread(pages[0]), imread(pages[2])


def test_a_camp_page_is_a4_at_300_dpi(pages):
    assert size(pages[0]) == A4
    assert size(pages[2]) == A4


def test_the_same_records_give_the_same_bytes_and_leave_nothing_behind(pages):
    assert pages[0].read_bytes() == pages[1].read_bytes()
    assert sorted(p.name for p in pages[0].parent.iterdir()) == ["again.png", "marked.png", "plain.png"]


def test_every_quarter_of_every_image_panel_says_simulated(pages, pictures):
    boxes = pages[3]
    differs = (pictures[0] != pictures[1]).any(axis=2)
    assert len(boxes) == 5
    for box in boxes:
        x, y, w, h = (round(v * 300 / 25.4) for v in box)
        for rows in (slice(y, y + h // 2), slice(y + h // 2, y + h)):
            for cols in (slice(x, x + w // 2), slice(x + w // 2, x + w)):
                assert differs[rows, cols].mean() > 0.03


def test_simulated_pages_carry_the_red_bands_and_the_words_in_the_metadata(pages, pictures):
    marked, _, plain, _ = pages
    red = np.array([0xB3, 0x00, 0x1B]) / 255
    for picture, expected in zip(pictures, (True, False), strict=True):
        for row in (5, -5):
            assert np.allclose(picture[row, ::50, :3], red, atol=0.01) == expected
    assert b"SIMULATED" in marked.read_bytes()[:400]
    assert b"SIMULATED" not in plain.read_bytes()[:400]


@pytest.mark.parametrize("only", ["image", "finding", "verdict"])
def test_one_simulated_record_marks_the_whole_page(tmp_path, monkeypatch, only):
    called = []
    monkeypatch.setattr(Sheet, "simulated_bands", lambda _: called.append(1))
    monkeypatch.setattr(Sheet, "write", lambda _, path, __, *, simulated: called.append(simulated) or path)
    grid = fakes.geobox(pixel_m=20.0)
    found = fakes.findings(grid, simulated=False)
    if only == "finding":
        found["tower"] = replace(found["tower"], simulated=True)
    pair = fakes.images(grid, simulated=False)
    if only == "image":
        pair = pair[0], replace(pair[1], simulated=True)
    camp(tmp_path / "x.png", grid, simulated=False, pair=pair, findings=found, verdicts=fakes.verdicts(1, simulated=only == "verdict"))
    assert called == [1, True]


def test_a_page_with_everything_is_tidy(tmp_path, audited):
    grid = fakes.geobox()
    estimates = {("tower", "appeared"): Estimate(17, 14, 19, "objects"), ("structure", "removed"): Estimate(2, 1, 4, "objects")}
    camp(tmp_path / "a.png", grid, estimates=estimates, note="Rendered scenes of the demonstration. " * 5, config_sha256="ab" * 32)


def test_a_coarse_pair_that_shows_nothing_is_tidy_and_says_so(tmp_path, audited):
    grid = fakes.geobox(3000, 3000, 30.0)
    pair = fakes.images(grid, bands=("pan",), simulated=False, gsd_m=30.0)
    refused = fakes.registration(grid, refused=True)
    camp(tmp_path / "a.png", grid, pair=pair, findings=fakes.not_testable(grid), registration=refused, verdicts=fakes.verdicts(34, simulated=False))


@pytest.mark.parametrize("stretch", [(1.3, 0.1), (0.1, 1.4)])
def test_an_elongated_outline_without_findings_or_claims_is_tidy(tmp_path, audited, stretch):
    grid = fakes.geobox(2600 if stretch[0] > 1 else 300, 300 if stretch[0] > 1 else 2200, 5.0)
    aoi = fakes.aoi(fakes.triangle(stretch=stretch), nominal=False)
    camp(tmp_path / "a.png", grid, pair=fakes.images(grid, bands=("pan",), simulated=False), aoi=aoi, findings={}, verdicts=[], sources=[])


def test_claims_that_imagery_was_asked_about_stand_in_full_and_the_others_in_a_line(tmp_path, audited, monkeypatch):
    said, text = [], Sheet.text
    monkeypatch.setattr(Sheet, "text", lambda self, x, y, words, *rest, **more: said.append(words) or text(self, x, y, words, *rest, **more))
    grid = fakes.geobox(pixel_m=20.0)
    verdicts = fakes.verdicts(34)
    camp(tmp_path / "a.png", grid, verdicts=verdicts)
    words = " ".join(said)
    first = tables.ranked(verdicts)[0]
    # The lines of a reason are set one after the other, and none is cut.
    assert style.drawable(tables.reason_of(first[1].outcome, first[1].reason)) in words
    shown = [c.id for c, _ in verdicts if c.id in said]
    assert f"{34 - len(shown)} more on the claims pages" in words
    few = [pair for pair in fakes.verdicts() if not tables.asked(pair[0])]
    said.clear()
    camp(tmp_path / "b.png", grid, verdicts=few)
    assert [w for w in said if w in {c.id for c, _ in few}] == [c.id for c, _ in tables.ranked(few)]
    assert not any("more on the claims pages" in w for w in said)


def test_a_heading_never_runs_into_its_aside():
    with new_sheet() as sheet:
        room = sheet.heading(10, 20, 150, "Counts", "as reported")
        assert sheet.heading(10, 20, 30, "Share of check points within", "dashed: as delivered") > room
        boxes = [t.get_window_extent(sheet.canvas.get_renderer()) for t in sheet.figure.texts + sheet.figure.findobj(Text) if t.get_text()]
        assert not any(a.overlaps(b) for a, b in itertools.combinations(dict.fromkeys(boxes[-2:]), 2))


def test_marks_are_smaller_where_they_crowd():
    sizes = placing.mark_sizes(np.array([[100.0, 100], [104, 100], [108, 100], [500, 500]]), 10.0)
    assert sizes.tolist() == [2.6, 2.6, 2.6, 5.5]
    assert placing.mark_sizes(np.zeros((0, 2)), 10.0).shape == (0,)


def test_crowded_towers_and_long_words_are_tidy(tmp_path, audited):
    grid = fakes.geobox(pixel_m=8.0)
    long = fakes.claim(1, "word " * 120, "partly", [(f"reading {i}", "text " * 30, "partly", None, 0.5) for i in range(3)], "because " * 60)
    pair = fakes.images(grid, bands=("nir",), simulated=False)
    pair = tuple(replace(image, scene=image.scene + "_0123456789abcdef" * 5) for image in pair)
    many = [replace(s, sensor="a very long name of an instrument", sha256="f" * 64) for s in fakes.sources(pair) * 5]
    camp(tmp_path / "a.png", grid, pair=pair, findings=fakes.findings(grid, crowded=True), verdicts=[long], sources=many)


def test_a_pair_in_different_units_and_nothing_valid_still_draws(tmp_path):
    grid = fakes.geobox(pixel_m=20.0)
    before, after = fakes.images(grid, simulated=False)
    before = replace(before, calibration="dn", sun=None)
    after = replace(after, valid=np.zeros(grid.shape, bool))
    assert camp(tmp_path / "a.png", grid, pair=(before, after), detail=(before, after)).is_file()


def test_text_that_no_font_has_and_control_characters_do_not_warn(tmp_path):
    with new_sheet((1500, 500)) as sheet:
        sheet.text(20, 20, "청진 제25호 관리소 \u200e\x1b[31m \U0001f6f0 ✔ ✘ ⊘ − ± km² $x_1$")
        sheet.text(20, 30, "굵은 글씨 청진", bold=True)
        assert sheet.write(tmp_path / "a.png", "청진", simulated=False).is_file()
    assert style.drawable("a\tb\n\x1b\U0001f6f0") == "a b \ufffd"
    assert style.drawable("grew by 72 % to 3 km, 5 mice") == "grew by 72\u00a0% to 3\u00a0km, 5 mice"


def test_korean_is_drawn_with_its_own_glyphs(tmp_path):
    def ink(text):
        with new_sheet((700, 500)) as sheet:
            sheet.text(20, 20, text, 14)
            return hashlib.sha256(sheet.write(tmp_path / "a.png", "", simulated=False).read_bytes()).hexdigest()

    # A missing glyph is drawn as the same box whatever the letter.
    assert ink("청진") != ink("회령")


def test_a_page_leaves_the_settings_of_the_caller_alone(tmp_path):
    before = dict(mpl.rcParams)
    sensitivity_page(tmp_path / "a.png", [fakes.sensitivity()])
    assert dict(mpl.rcParams) == before


def test_wrapped_lines_fit_and_lose_nothing():
    text = "Over a 72 percent enlarged perimeter added seventeen new guard posts, 청진 제25호 관리소 and sha256:" + "0123456789abcdef" * 4
    with new_sheet() as sheet:
        lines = sheet.wrap(text, 30.0, 6.5)
        assert all(sheet.measure(line, 6.5) <= 30.0 for line in lines)
        assert "".join(lines).replace(" ", "") == style.drawable(text).replace(" ", "")
        short = sheet.wrap(text, 30.0, 6.5, most=2)
        assert len(short) == 2
        assert short[1].endswith(" …")
        assert sheet.measure(short[1], 6.5) <= 30.0


def test_claims_pages_hold_every_claim_in_order(tmp_path, audited, monkeypatch):
    said, text = [], Sheet.text
    monkeypatch.setattr(Sheet, "text", lambda self, x, y, words, *rest, **more: said.append(words) or text(self, x, y, words, *rest, **more))
    verdicts = fakes.verdicts(5)
    endless = fakes.claim(99, "word " * 60, "partly", [(f"reading {i}", "text " * 60, "partly", None, 0.5) for i in range(10)], "because " * 60)
    written = claims_page(tmp_path / "claims.png", aoi=fakes.aoi(), verdicts=[*verdicts, endless], generated="2026-11-22")
    assert [p.name for p in written] == [f"claims-{i}.png" for i in range(1, len(written) + 1)]
    assert len(written) >= 3
    assert [w for w in said if w in {c.id for c, _ in verdicts}] == [c.id for c, _ in verdicts]
    # Quotes stand in full: every word of the longest is there, once on the ruler's side of the page and never cut.
    assert sum(len(re.findall("word", line)) for line in said) == 60


def test_no_claims_make_one_page(tmp_path, audited):
    assert [p.name for p in claims_page(tmp_path / "c.png", aoi=fakes.aoi(), verdicts=[], generated="2026-11-22")] == ["c-1.png"]


def test_sensitivity_page_draws_two_and_no_searches(tmp_path, audited):
    blind = replace(fakes.sensitivity("tower"), found=(0,) * 6, control_km2=0.0, control="")
    for number, measured in enumerate(([fakes.sensitivity(), blind], [])):
        assert size(sensitivity_page(tmp_path / f"{number}.png", measured, simulated=number == 0)) == A4_LANDSCAPE


@pytest.mark.parametrize(
    ("gain", "calibration", "joint"), [(1.0, "surface reflectance", True), (8.0, "surface reflectance", False), (1.0, "dn", False)]
)
def test_dates_that_differ_in_unit_or_brightness_are_stretched_apart(gain, calibration, joint):
    before, after = fakes.images(fakes.geobox(pixel_m=20.0))
    after = replace(after, values=after.values * np.float32(gain), calibration=calibration)
    pair = pairview.dates(before, after, display.View.around(*fakes.CENTRE, 2000, 1500), 472)
    assert pair.joint == joint
    assert (pair.spans[0] is pair.spans[1]) == joint


@pytest.mark.parametrize("turned", [0.0, 12.0])
@pytest.mark.parametrize("pixel_m", [0.25, 2.0, 40.0])
def test_pixels_are_drawn_where_their_grid_puts_them(tmp_path, turned, pixel_m):
    """A bright square 200 m wide on black ground: its centre of gravity on the page is where the view says, to less than half a page pixel."""
    half, angle = 400.0, np.radians(turned)
    a, b = pixel_m * np.cos(angle), pixel_m * np.sin(angle)
    n = round(2 * half / pixel_m)
    affine = Affine(a, b, -a * n / 2 - b * n / 2, b, -a, -b * n / 2 + a * n / 2)
    grid = GeoBox((n, n), affine, fakes.CRS)
    values = np.zeros((1, n, n), np.float32)
    k = round(200 / pixel_m)
    r, c = round(0.6 * n), round(0.3 * n)
    values[0, r : r + k, c : c + k] = 1.0
    col, row = c + k / 2, r + k / 2
    x, y = affine.a * col + affine.b * row + affine.c, affine.d * col + affine.e * row + affine.f
    view = display.View(-480.0, -480.0, 480.0, 480.0)
    box = Box(20, 30, 80, 80)
    with new_sheet((1500, 1500)) as sheet:
        target = panels.panel(sheet, box, view, fakes.CRS)
        rows, cols, step, small = display.cut(grid, view, round(80 / 25.4 * 300))
        seen = display.averaged(values[:, rows, cols], np.ones((n, n), bool)[rows, cols], step)
        panels.image(target, display.Shown(np.moveaxis(seen[0], 0, -1), seen[1], small), (np.zeros(1, np.float32), np.ones(1, np.float32)))
        target.axes.patch.set(facecolor="black", hatch=None)
        page = imread(sheet.write(tmp_path / "a.png", "", simulated=False))
    scale = 300 / 25.4
    top, left, side = round(box.y * scale), round(box.x * scale), round(80 * scale)
    ink = page[top + 9 : top + side - 9, left + 9 : left + side - 9, 0].astype(float)
    down, right = ((ink.sum(axis=axis) * (np.arange(ink.shape[1 - axis]) + 9.5)).sum() / ink.sum() for axis in (1, 0))
    assert (left + right) / scale == pytest.approx(box.x + (x - view.left) / view.width * 80, abs=0.25 / scale + 0.01)
    assert (top + down) / scale == pytest.approx(box.y + (view.top - y) / view.height * 80, abs=0.25 / scale + 0.01)


def test_the_detail_lies_where_most_changed():
    records = [
        fakes.finding(i, "structure", change, fakes.place(x, 0).buffer(5))
        for i, (x, change) in enumerate(
            [(-500, "appeared"), (300, "removed"), (320, "appeared"), (340, "altered"), (700, "unchanged"), (705, "unchanged")]
        )
    ]
    x, y = pairview.hot_spot(records, 100.0)
    assert (x, y) == pytest.approx((fakes.CENTRE[0] + 320, fakes.CENTRE[1]))
    assert pairview.hot_spot(records[4:], 100.0) is None


def test_detail_bounds_are_what_the_page_frames():
    grid = fakes.geobox(pixel_m=8.0)
    pair = fakes.images(grid)
    left, bottom, right, top = detail_bounds(*pair, fakes.findings(grid), fakes.aoi())
    assert right - left == pytest.approx(top - bottom)
    assert left < fakes.CENTRE[0] < right


def test_a_detail_at_the_edge_stays_in_the_picture():
    grid = fakes.geobox(pixel_m=8.0)
    view = display.View(*grid.extent.boundingbox)
    corner = fakes.finding(
        1, "structure", "appeared", affinity.translate(fakes.place(0, 0).buffer(4), view.left + 5 - fakes.CENTRE[0], view.top - 5 - fakes.CENTRE[1])
    )
    scene = replace(pairview.scene_of(*fakes.images(grid), {}, None), findings={"structure": fakes.findings_of("structure", (corner,), grid)})
    shown, changed = pairview.detail_view(scene, view, 8.0)
    assert changed
    assert (shown.left, shown.top) == pytest.approx((view.left, view.top))


def test_a_perimeter_with_a_hole_and_an_empty_geometry_are_drawn():
    ring = fakes.place(0, 0).buffer(300).difference(fakes.place(0, 0).buffer(200))
    assert panelmarks.geometry_path(ring).codes.tolist().count(1) == 2
    assert panelmarks.geometry_path(fakes.place(0, 0)) is None
    assert panelmarks.geometry_path(affinity.translate(ring).difference(ring)) is None


def test_north_is_true_north_off_the_central_meridian():
    view = display.View.around(*fakes.CENTRE, 1000, 1000)
    # 0.7245° east of the meridian of 129°, at 41.8° north: 0.7245° × sin 41.83°.
    assert placing.north_deg(view, fakes.CRS) == pytest.approx(0.483, abs=0.005)


def test_a_box_knows_its_sides():
    assert (Box(10, 20, 30, 40).right, Box(10, 20, 30, 40).bottom) == (40, 60)
