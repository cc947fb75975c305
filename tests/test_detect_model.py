"""A model in an ONNX file: what it is shown, how tiles are put together, and what a wrong file is told."""

import json
import re
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import onnx
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from onnx import TensorProto, helper, numpy_helper
from scipy import ndimage as ndi

from camwatch.cli import execute
from camwatch.config import RunConfig
from camwatch.detect import StructureParams
from camwatch.detect._model import load_model
from camwatch.detect._model_pixels import normalised, smoothly_filled, working_pair
from camwatch.detect._model_tiles import OVERLAP, STEP, TILE, predict, tiles_of
from camwatch.errors import CamwatchError, ConfigError, MissingInputError
from camwatch.imagery.image import Image
from camwatch.pipeline.search import BY_TILE, searches
from camwatch.resources import shipped_model

WEST, NORTH = 500_000.0, 4_600_000.0
OUTPUTS = ("structure_before", "structure_after", "appeared", "removed")
PROPERTIES = {"signature": "structures/1", "pixel_m": "0.5", "coarsest_m": "2.5", "trained_on": "nothing", "version": "7"}
RGB = ("red", "green", "blue")


def write_model(path, *, radius=0, levels=False, properties=PROPERTIES, inputs=("before", "after"), outputs=OUTPUTS, **changes):
    """A network whose answers are known: the sigmoid of the mean, over (2 · radius + 1)² pixels and all bands, of each date and of their differences.

    `pads` other than [radius] * 4 shift the answer, or leave out a rim.
    `levels` instead averages 16 × 16 blocks and repeats them, as networks that halve their pixels do: the phase of the blocks matters.
    """
    shape, kind = changes.get("shape", (1, 3, "h", "w")), changes.get("kind", TensorProto.FLOAT)
    side = 2 * radius + 1
    kernel = np.full((1, 3, side, side), 1 / (3 * side**2), np.float16 if kind == TensorProto.FLOAT16 else np.float32)
    nodes = [helper.make_node("Conv", [name, "kernel"], [f"mean_{name}"], pads=changes.get("pads", [radius] * 4)) for name in inputs]
    constants = [numpy_helper.from_array(kernel, "kernel")]
    first, second = (f"mean_{name}" for name in (inputs * 2)[:2])
    if levels:
        constants.append(numpy_helper.from_array(np.array([1, 1, 16, 16], np.float32), "scales"))
        for name in inputs:
            nodes.append(helper.make_node("AveragePool", [f"mean_{name}"], [f"small_{name}"], kernel_shape=[16, 16], strides=[16, 16]))
            how = {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}
            nodes.append(helper.make_node("Resize", [f"small_{name}", "", "scales"], [f"large_{name}"], **how))
        first, second = "large_before", "large_after"
    nodes += [helper.make_node("Sub", [second, first], ["rise"]), helper.make_node("Sub", [first, second], ["fall"])]
    last = changes.get("last", "Sigmoid")
    nodes += [helper.make_node(last, [raw], [name]) for raw, name in zip((first, second, "rise", "fall"), outputs, strict=False)]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, kind, shape) for name in inputs],
        [helper.make_tensor_value_info(name, kind, (1, 1, "h", "w")) for name in outputs],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {f"camwatch.{key}": value for key, value in properties.items()})
    onnx.save(model, path)
    return path


@pytest.fixture
def tiny(tmp_path):
    return load_model(write_model(tmp_path / "tiny.onnx"))


def image(values, pixel=0.5, gsd=None, *, bands=RGB, calibration="dn", valid=None):
    values = np.asarray(values, np.float32)
    geobox = GeoBox(values.shape[1:], Affine(pixel, 0, WEST, 0, -pixel, NORTH), "EPSG:32652")
    usable = np.ones(values.shape[1:], bool) if valid is None else valid
    return Image(values, usable, bands, geobox, datetime(2012, 5, 1, tzinfo=UTC), None, gsd or pixel, calibration, "scene")


def grain(*shape, seed=0):
    return np.random.default_rng(seed).uniform(20, 200, shape).astype(np.float32)


def logit(p):
    return np.log(p / (1 - p))


def test_the_answers_are_those_of_the_network(tiny):
    before, after = grain(3, 70, 90), grain(3, 70, 90, seed=1)
    said = tiny.likelihood(image(before), image(after))
    shown = []
    for values in (before, after):
        level = values.mean(axis=0)
        low, middle, high = np.percentile(level, (10, 50, 90))
        shown.append(np.clip((values - middle) / (1.5 * (high - low) / 2.563), -4, 4).mean(axis=0))
    for name, wanted in zip(OUTPUTS, (*shown, shown[1] - shown[0], shown[0] - shown[1]), strict=True):
        plane = getattr(said, name)
        assert plane.dtype == np.float32
        np.testing.assert_allclose(logit(plane), wanted, atol=1e-4)
    assert said.geobox == image(before).geobox
    assert said.pixel_m == 0.5


def test_exchanging_the_dates_exchanges_the_answers_exactly(tiny):
    pair = [image(grain(3, 70, 90, seed=n), 0.4, calibration="toa reflectance") for n in (0, 1)]
    forth, back = tiny.likelihood(*pair, views=4, half=0.5), tiny.likelihood(*pair[::-1], views=4, half=0.5)
    for name, other in (("structure_before", "structure_after"), ("appeared", "removed")):
        np.testing.assert_array_equal(getattr(forth, name), getattr(back, other))
        np.testing.assert_array_equal(getattr(forth, other), getattr(back, name))


@pytest.mark.parametrize("width", [STEP, 32 * STEP, 40 * STEP, 73 * STEP])
@pytest.mark.parametrize("height", range(STEP, 80 * STEP, 3 * STEP))
def test_tiles_answer_for_each_pixel_once_and_see_enough_around_it(height, width):
    answered = np.zeros((height, width), int)
    for tile in tiles_of(height, width):
        answered[tuple(slice(span.first, span.last) for span in tile)] += 1
        assert np.prod([span.stop - span.start for span in tile]) <= TILE**2
        for span, length in zip(tile, (height, width), strict=True):
            assert span.start % STEP == 0
            assert 0 <= span.start < span.stop <= length
            assert span.start == 0 or span.first - span.start >= OVERLAP // 2
            assert span.stop == length or span.stop - span.last >= OVERLAP // 2
    assert (answered == 1).all()


def test_tiles_show_little_twice():
    for side, most in ((1024, 1.13), (1280, 1.11), (2304, 1.25)):
        seen = sum((rows.stop - rows.start) * (cols.stop - cols.start) for rows, cols in tiles_of(side, side))
        assert seen <= most * side**2
    assert len(tiles_of(1024, 1024)) == 2


@pytest.mark.parametrize("levels", [False, True])
def test_tiles_leave_no_seam(tmp_path, monkeypatch, levels):
    model = load_model(write_model(tmp_path / "wide.onnx", radius=8, levels=levels))
    shown = np.random.default_rng(3).normal(size=(2, 3, 500, 421)).astype(np.float32)
    whole = predict(model.session, shown)
    for name, value in (("TILE", 7 * STEP), ("OVERLAP", 2 * STEP)):
        monkeypatch.setattr(f"camwatch.detect._model_tiles.{name}", value)
    assert len(tiles_of(512, 448)) > 4
    np.testing.assert_allclose(predict(model.session, shown), whole, atol=1e-6)


def test_any_number_of_threads_gives_the_same_bits(tmp_path, monkeypatch):
    model = load_model(write_model(tmp_path / "wide.onnx", radius=8))
    monkeypatch.setattr("camwatch.detect._model_tiles.TILE", 7 * STEP)
    shown = np.random.default_rng(3).normal(size=(2, 3, 500, 421)).astype(np.float32)
    answers, busy = [predict(model.session, shown, views=2)], []

    def alone():  # beside other work, tiles follow one another
        monkeypatch.setattr("camwatch.imagery.work.ThreadPoolExecutor", lambda *_: busy.append("pool"))
        answers.append(predict(model.session, shown, views=2))

    thread = threading.Thread(target=alone)
    thread.start()
    thread.join()
    assert not busy
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize("views", [2, 4, 8])
def test_views_are_turned_back(tiny, views):
    shown = np.random.default_rng(4).normal(size=(2, 3, 64, 96)).astype(np.float32)
    np.testing.assert_allclose(predict(tiny.session, shown, views=views), predict(tiny.session, shown), atol=1e-6)


def test_views_are_averaged(tmp_path):
    model = load_model(write_model(tmp_path / "skew.onnx", radius=1, pads=[2, 2, 0, 0]))
    shown = np.random.default_rng(4).normal(size=(2, 1, 64, 64)).astype(np.float32)
    one, turned = predict(model.session, shown), predict(model.session, shown[..., ::-1, ::-1].copy())[..., ::-1, ::-1]
    assert np.abs(one - turned).max() > 0.1
    np.testing.assert_allclose(predict(model.session, shown, views=2), (one + turned) / 2, atol=1e-6)
    with pytest.raises(ValueError, match="views"):
        predict(model.session, shown, views=3)


def test_half_the_resolution_lies_on_the_same_ground(tiny):
    row, col = np.indices((200, 240), np.float32)
    ramp = np.stack([0.01 * row + 0.004 * col - 1.5] * 2)[:, None]
    full, half = predict(tiny.session, ramp), predict(tiny.session, ramp, half=1.0)
    inner = (slice(None), slice(4, -4), slice(4, -4))
    np.testing.assert_allclose(logit(half[inner]), logit(full[inner]), atol=2e-3)
    np.testing.assert_allclose(predict(tiny.session, ramp, half=0.25), 0.75 * full + 0.25 * half, atol=1e-6)


def square(pixel, side=40.0, size_m=100.0, corner=(31.3, 27.9)):
    """A bright square, `corner` (right, down) metres from the grid's own, each pixel the mean of what it covers; and the square's centre."""
    edges = np.arange(round(size_m / pixel) + 1) * pixel
    across, down = (np.clip(np.minimum(edges[1:], c + side) - np.maximum(edges[:-1], c), 0, None) / pixel for c in corner)
    return 40.0 + 120.0 * down[:, None] * across, np.array(corner) + side / 2


# Side of the grid's pixel, ground sample distance, side of the working pixel.
PATHS = [(0.5, 0.5, 0.5), (0.46, 0.46, 0.46), (0.3, 0.3, 0.5), (0.25, 0.5, 0.5), (0.6, 0.6, 0.5)]
COARSER = [(0.5, 1.0, 2 / 3), (1.0, 1.0, 2 / 3), (1.0, 0.5, 2 / 3), (0.5, 2.5, 5 / 3), (2.0, 2.5, 5 / 3)]


@pytest.mark.parametrize("bands", [RGB, ("pan",), ("b1",), ("blue", "green", "red", "nir")])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("path", [*PATHS, *COARSER])
def test_a_bright_square_comes_back_at_its_place(tiny, path, bands, turned):
    pixel, gsd, working = path
    plane, centre = square(pixel)
    bright = image(np.stack([plane] * len(bands)), pixel, gsd, bands=bands)
    if turned:  # a grid whose rows go north and whose columns go east
        geobox = GeoBox(plane.shape, Affine(pixel, 0, WEST, 0, pixel, NORTH), "EPSG:32652")
        bright, centre = replace(bright, geobox=geobox), centre * (1, -1)
    said = tiny.likelihood(bright, bright)
    assert said.pixel_m == pytest.approx(working)
    tall, _ = said.structure_before.shape
    assert abs(tall * working - plane.shape[0] * pixel) < working
    level = logit(said.structure_before)
    rise = np.nan_to_num(level - level[:3, :3].mean())
    row, col = (np.sum(rise * index) / np.sum(rise) + 0.5 for index in np.indices(rise.shape))
    x, y = said.geobox.affine * (col, row)
    assert abs(x - WEST - centre[0]) < 0.05 * working
    assert abs(NORTH - y - centre[1]) < 0.05 * working


def test_what_is_not_valid_is_not_answered_and_shows_nowhere_else(tiny):
    plain = np.full((3, 96, 96), 100, np.float32) + 5 * np.random.default_rng(1).normal(size=(3, 96, 96)).astype(np.float32)
    hole, other = np.ones((96, 96), bool), np.ones((96, 96), bool)
    hole[20:50, 30:60], other[60:70, :20] = False, False
    spoiled = np.where(hole, plain, np.float32(60_000))
    spoiled[0, 5, 5] = np.nan
    said = tiny.likelihood(image(spoiled, valid=hole), image(plain, valid=other))
    seen = hole.copy()
    seen[5, 5] = False
    np.testing.assert_array_equal(np.isfinite(said.structure_before), seen)
    np.testing.assert_array_equal(np.isfinite(said.structure_after), other)
    for plane in (said.appeared, said.removed):
        np.testing.assert_array_equal(np.isfinite(plane), seen & other)
    clean = tiny.likelihood(image(plain), image(plain))
    assert np.nanmax(np.abs(said.structure_before - clean.structure_before)) < 0.02  # the statistics lose a tenth of their pixels
    nothing = tiny.likelihood(image(plain, valid=np.zeros((96, 96), bool)), image(plain))
    assert np.isnan(nothing.structure_before).all()
    assert np.isnan(nothing.appeared).all()
    assert np.isfinite(nothing.structure_after).all()


@pytest.mark.parametrize(("pixel", "gsd"), [(0.3, 0.3), (1.0, 1.0)])
def test_invalid_pixels_stay_so_on_working_pixels(tiny, pixel, gsd):
    valid = np.ones((120, 120), bool)
    valid[40:80, 50:100] = False
    said = tiny.likelihood(image(np.where(valid, grain(3, 120, 120), 1e6), pixel, gsd, valid=valid), image(grain(3, 120, 120), pixel, gsd))
    share = np.isnan(said.structure_before).mean() * said.structure_before.size * said.pixel_m**2
    assert share == pytest.approx(40 * 50 * pixel**2, rel=0.05)


def test_a_working_pixel_is_valid_where_more_than_half_of_it_is(tiny):
    # 7 × 8 pixels of 0.6 m end in the middle of working pixels, at 0.4 and at 0.6 of them.
    said = tiny.likelihood(*[image(grain(3, 7, 8, seed=n), 0.6) for n in (0, 1)]).appeared
    assert said.shape == (9, 10)
    np.testing.assert_array_equal(np.isfinite(said), np.arange(9)[:, None] < 8 + np.zeros(10))


def test_holes_are_filled_without_an_edge():
    row, col = np.indices((128, 128), np.float32)
    smooth = 100 + 20 * np.sin(row / 30) + 0.3 * col
    valid = np.hypot(row - 60, col - 70) > 25
    filled = smoothly_filled(np.where(valid, smooth, np.float32(np.nan))[None], valid)[0]
    np.testing.assert_array_equal(filled[valid], smooth[valid])
    step = np.maximum(*(np.abs(np.diff(filled, axis=axis))[:127, :127] for axis in (0, 1)))
    assert step.max() < 8  # a hole of the mean would end in steps of 25
    assert np.abs(filled - smooth)[~valid].max() < 12


def test_colour_is_shown_where_both_dates_have_it(tiny):
    red, green, blue, nir = grain(4, 64, 64)
    first, second = image([blue, green, red, nir], bands=("blue", "green", "red", "nir")), image([red, green, blue])
    pair = working_pair(first, second, 0.5)
    np.testing.assert_array_equal(pair.shown[0], pair.shown[1])
    assert pair.shown.shape == (2, 3, 64, 64)
    grey = working_pair(first, image([green], bands=("pan",)), 0.5)
    assert grey.shown.shape == (2, 1, 64, 64)
    assert np.isfinite(tiny.likelihood(first, image([green], bands=("pan",))).appeared).all()


def test_reflectance_and_long_numbers_are_rooted_and_display_numbers_are_not():
    values = grain(3, 64, 64)
    display = working_pair(image(values), image(values), 0.5).shown[0]
    root = normalised(np.sqrt(values), np.ones((64, 64), bool))
    assert np.abs(display - root).max() > 0.1
    for scaled in (image(values / 255, calibration="surface reflectance"), image(values * 10)):
        np.testing.assert_allclose(working_pair(scaled, scaled, 0.5).shown[0], root, atol=1e-4)
    # Brought to the radiometry of a display product, bright ground can pass 255.
    np.testing.assert_allclose(working_pair(image(values), image(values * 2), 0.5).shown[1], display, atol=1e-4)


def test_brightness_and_contrast_are_taken_out_and_what_remains_is_bounded():
    values = grain(3, 64, 64)
    values[:, 10, 10] = 1e6
    shown = normalised(values, np.ones((64, 64), bool))
    np.testing.assert_allclose(normalised(3 * values + 50, np.ones((64, 64), bool)), shown, atol=1e-4)
    assert shown.max() == 4.0
    assert np.isfinite(normalised(np.full((1, 8, 8), 7, np.float32), np.ones((8, 8), bool))).all()


def test_coarser_images_than_the_model_knows_are_refused(tiny):
    coarse, fine = image(grain(3, 64, 64), 2.0, 3.0), image(grain(3, 64, 64), 2.0, 2.0)
    assert not tiny.covers(fine, coarse)
    assert tiny.covers(fine, fine)
    with pytest.raises(ValueError, match=r"3 m; expected at most 2\.5 m"):
        tiny.likelihood(fine, coarse)
    with pytest.raises(ValueError, match="one"):
        tiny.likelihood(fine, image(grain(3, 64, 64), 1.0))


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (31, 33), (33, 100)])
def test_small_images_are_answered(tiny, shape):
    said = tiny.likelihood(image(grain(3, *shape)), image(grain(3, *shape)), views=8, half=0.5)
    assert said.appeared.shape == shape
    assert np.isfinite(said.appeared).all()


def test_beyond_its_far_edges_a_picture_is_mirrored(tmp_path):
    model = load_model(write_model(tmp_path / "blocks.onnx", levels=True))
    # A block that the edge cuts has the mean of what is inside.
    np.testing.assert_allclose(logit(predict(model.session, np.ones((2, 1, 40, 50), np.float32))[0]), 1.0, atol=1e-5)


def test_what_a_file_states_is_kept(tmp_path):
    path = write_model(tmp_path / "m.onnx", properties={**PROPERTIES, "calibration": json.dumps([[0.1, 0.0], [0.5, 0.2], [0.9, 1.0]])})
    model = load_model(path)
    assert (model.name, model.pixel_m, model.coarsest_m, model.trained_on, model.version) == ("m.onnx", 0.5, 2.5, "nothing", "7")
    np.testing.assert_allclose(model.probability([0.0, 0.3, 0.5, 0.7, 1.0]), [0.0, 0.1, 0.2, 0.6, 1.0])
    assert load_model(path) is model
    write_model(path, properties={**PROPERTIES, "version": "8", "calibration": "[]"})
    again = load_model(path)
    assert again.version == "8"
    assert again.sha256 != model.sha256
    np.testing.assert_array_equal(again.probability([0.25, 0.5]), [0.25, 0.5])


def test_without_a_path_the_shipped_model_is_meant():
    model = load_model(None)
    assert (model is None) == (shipped_model() is None)


WRONG = {
    "signature": ({"properties": {}}, "signature; got none; expected structures/1"),
    "another signature": ({"properties": {**PROPERTIES, "signature": "towers/1"}}, "got towers/1"),
    "no pixel": ({"properties": {k: v for k, v in PROPERTIES.items() if k != "pixel_m"}}, "pixel_m; got none"),
    "pixel": ({"properties": {**PROPERTIES, "pixel_m": "-1"}}, "pixel_m; got -1"),
    "coarsest": ({"properties": {**PROPERTIES, "coarsest_m": "coarse"}}, "coarsest_m; got coarse"),
    "calibration": ({"properties": {**PROPERTIES, "calibration": "[[0, 1], [1, 0]]"}}, "calibration; got"),
    "no calibration": ({"properties": {**PROPERTIES, "calibration": "{}"}}, "calibration; got {}"),
    "inputs": ({"inputs": ("image",)}, "inputs; got image; expected before, after"),
    "a third input": ({"inputs": ("before", "after", "height")}, "inputs; got before, after, height; expected before, after"),
    "outputs": ({"outputs": ("a", "b", "c", "d")}, "outputs; got a, b, c, d"),
    "fewer outputs": ({"outputs": OUTPUTS[:2]}, "expected structure_before, structure_after, appeared, removed"),
    "half precision": ({"kind": TensorProto.FLOAT16}, r"input before; got float16 \(1, 3, any, any\); expected float32"),
    "fixed size": ({"shape": (1, 3, 256, 256)}, r"got float32 \(1, 3, 256, 256\)"),
    "beyond one": ({"last": "Relu"}, r"structure_before; got 0 to [12]\.\d"),
    "no sigmoid": ({"last": "Identity"}, r"structure_before; got -\d.* expected values 0\.\.1"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_file_of_another_signature_is_told_what_it_has_instead(tmp_path, case):
    changes, said = WRONG[case]
    path = write_model(tmp_path / "wrong.onnx", **changes)
    with pytest.raises(ConfigError, match=said) as told:
        load_model(path)
    check_line(told.value, path)


def check_line(error, path):
    assert "\n" not in str(error)
    assert str(error).startswith(f"{path}: ")
    assert re.search(r"; got .+; expected .+; .*docs/models\.md", str(error))


@pytest.mark.parametrize("content", [b"", b"no model at all", "half", "external"])
def test_a_file_that_cannot_be_opened_is_told_so(tmp_path, monkeypatch, content):
    path = write_model(tmp_path / "m.onnx", radius=8)
    if content == "half":
        path.write_bytes(path.read_bytes()[:400])
    elif content == "external":
        onnx.save(onnx.load(path), path, save_as_external_data=True, location="weights.bin", size_threshold=100)
        assert (tmp_path / "weights.bin").is_file()
        monkeypatch.chdir(tmp_path)  # weights beside the file, or beside the user, are no part of what was hashed
    else:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match="not a model that can be run") as told:
        load_model(path)
    check_line(told.value, path)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(MissingInputError, match=r"nowhere\.onnx: no such model file"):
        load_model(tmp_path / "nowhere.onnx")
    with pytest.raises(CamwatchError, match="cannot be read"):
        load_model(tmp_path)


def test_a_network_that_answers_with_fewer_pixels_is_refused(tmp_path):
    path = write_model(tmp_path / "m.onnx", radius=1, pads=[0] * 4)
    with pytest.raises(ConfigError, match=r"structure_before; got \(1, 1, 62, 94\); expected \(1, 1, 64, 96\)") as told:
        load_model(path)
    check_line(told.value, path)


def test_a_model_speaks_only_through_camwatch_and_is_imported_late(tmp_path):
    path = write_model(tmp_path / "m.onnx")
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(path.read_bytes()[:300])
    code = """
import os, sys, pathlib
from camwatch.detect._model import load_model
from camwatch.detect._model_file import _silence
from camwatch.errors import ConfigError
assert "onnxruntime" not in sys.modules
with _silence():
    os.write(2, b"a library's notice")
assert load_model(pathlib.Path(sys.argv[1])).version == "7"
try:
    load_model(pathlib.Path(sys.argv[2]))
except ConfigError:
    print("refused")
"""
    command = [sys.executable, "-c", code, str(path), str(bad)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "refused\n", "")
    # Where standard error is closed (a service, `2>&-`) there is nothing to silence; the notice goes nowhere by itself.
    closed = "import os; os.close(2)" + code.replace("os.write", "(lambda *_: None)")
    assert subprocess.run([*command[:2], closed, *command[3:]], stdout=subprocess.PIPE, check=False).stdout == b"refused\n"


def test_the_working_pixels_of_a_smooth_picture_are_the_picture():
    """An oracle of its own: a wave is read off at the working pixels' centres."""
    for pixel in (0.3, 0.8):
        row, col = np.indices((100, 140)) + 0.5
        wave = 100 + 30 * np.sin(row * pixel / 5) * np.cos(col * pixel / 7)
        pair = working_pair(image(wave[None], pixel, bands=("pan",)), image(wave[None], pixel, bands=("pan",)), 0.5)
        side = abs(pair.geobox.affine.a)
        y, x = (np.indices(pair.geobox.shape) + 0.5) * side
        wanted = 100 + 30 * np.sin(y / 5) * np.cos(x / 7)
        shown = pair.shown[0, 0]
        gain, offset = np.polyfit(wanted.ravel(), shown.ravel(), 1)
        inner = (slice(2, -2), slice(2, -2))
        assert np.abs(((shown - offset) / gain - wanted)[inner]).max() < 0.2
        assert ndi.sobel(shown).any()


def test_the_documented_example_makes_a_model_that_is_accepted(tmp_path, monkeypatch):
    text = (Path(__file__).resolve().parents[1] / "docs" / "models.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"<!-- tested -->\n```python\n(.+?)```", text, re.DOTALL)
    kernel = numpy_helper.from_array(np.full((1, 3, 1, 1), 1 / 3, np.float32), "kernel")
    nodes = [helper.make_node("Conv", ["picture", "kernel"], ["mean"]), helper.make_node("Sigmoid", ["mean"], ["building"])]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, n, "h", "w")) for name, n in (("picture", 3), ("building", 1))]
    single = helper.make_model(helper.make_graph(nodes, "single", *([end] for end in ends), [kernel]), opset_imports=[helper.make_opsetid("", 17)])
    single.ir_version = 8
    onnx.save(single, tmp_path / "buildings.onnx")
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "docs/models.md", "exec"), {})
    before, after = image(grain(3, 64, 64)), image(grain(3, 64, 64, seed=1))
    said = load_model(tmp_path / "pair.onnx").likelihood(before, after)
    np.testing.assert_allclose(said.appeared, said.structure_after * (1 - said.structure_before), atol=1e-6)
    np.testing.assert_allclose(said.removed, said.structure_before * (1 - said.structure_after), atol=1e-6)


def test_the_search_for_buildings_is_handed_the_model_that_the_configuration_names(tmp_path):
    path, day = write_model(tmp_path / "m.onnx"), date(2014, 1, 5)
    bound = searches(RunConfig.read(None, report_date=day, model=str(path)))
    assert bound["structure"].keywords["model"] is load_model(path)
    assert searches(RunConfig.read(None, report_date=day, model="none")) == BY_TILE


def test_what_is_reported_and_how_often_it_is_looked_at_follow_the_configuration():
    def asked(**settings):
        return searches(RunConfig.read(None, report_date=date(2014, 1, 5), **settings))["structure"].keywords["params"]

    assert asked() == StructureParams()
    assert asked(structure_min_score=0.3, structure_views=4) == StructureParams(model_min_score=0.3, model_views=4)


@pytest.mark.parametrize("verb", ["detect", "sensitivity"])
def test_a_wrong_model_is_told_before_the_work_begins(tmp_path, capsys, verb):
    path = write_model(tmp_path / "m.onnx", outputs=("a", "b", "c", "d"))
    # Neither scene exists: the model was looked at first.
    assert execute([verb, "nowhere", "elsewhere", "--aoi", "chongjin", "--out", str(tmp_path / "out"), "--model", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"camwatch: {path}: the model's outputs; got a, b, c, d; ")
    assert said.count("\n") == 1
