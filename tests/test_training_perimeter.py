"""The training of the perceptron that knows a line by its profile: what it is shown, and that its file reads back."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: pip install -e '.[training]'")

from camwatch.detect._course_profile import FEATURES, read_perceptron  # noqa: E402
from camwatch.imagery.image import Sun  # noqa: E402
from training.perimeter.lines import course, draw_line, draw_road, share  # noqa: E402
from training.perimeter.train import fit, tile, write  # noqa: E402


@pytest.fixture(scope="module")
def shards():
    """Ground of one tone with some texture in place of rendered pairs."""
    rng = np.random.default_rng(0)
    return [np.clip(rng.normal(120, 8, (2, 2, 512, 512, 4)), 0, 255).astype(np.uint8)]


def test_a_tile_gives_both_classes_and_the_same_bytes_for_the_same_seed(shards):
    one, wanted = tile(np.random.default_rng(3), shards)
    two, _ = tile(np.random.default_rng(3), shards)
    assert one.shape == (len(wanted), FEATURES)
    assert one.tobytes() == two.tobytes()
    assert 0.05 < np.nanmean(wanted[:, 0]) < 0.5
    assert np.nanmax(np.abs(wanted[:, 1])) <= 4
    assert np.isfinite(one).all()


def test_what_is_drawn_lies_along_the_course():
    rng = np.random.default_rng(1)
    path = course(rng, 120)
    light = np.full((120, 120), 100, np.float32)
    for draw in (lambda: draw_line(rng, light, path, Sun(150, 40), 1.0), lambda: draw_road(rng, light, path, 1.0)):
        changed = np.abs(draw() - light) > 1
        assert not changed[path.distance < -15].any()
    assert share(np.array([[0.0, 0.5, 3.0]], np.float32), -0.5, 0.5).tolist() == [[1.0, 0.5, 0.0]]


def test_the_file_reads_back_and_answers_as_the_network_does(tmp_path, shards):
    inputs, wanted = tile(np.random.default_rng(3), shards)
    network = fit(inputs, wanted, (inputs, wanted), epochs=1, seed=0)
    path = tmp_path / "line.json"
    write(network, path, {"seed": 0})
    with torch.no_grad():
        out = network(torch.from_numpy(inputs)).numpy()
    chance, offset = read_perceptron(path)(inputs)
    assert np.abs(chance - 1 / (1 + np.exp(-out[:, 0]))).max() < 2e-3
    assert np.abs(offset - np.clip(out[:, 1], -4, 4)).max() < 1e-2
    assert path.stat().st_size < 250_000
