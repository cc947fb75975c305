"""How the weights of towers are made: rendered places, what the network sees of them, and (where torch is installed) its training and its file."""

import json
from dataclasses import replace

import numpy as np
import pytest

from camwatch.detect._tower_frame import PIXEL_M, PLANES
from camwatch.detect._tower_model import load_tower_model
from camwatch.imagery.image import Sun
from camwatch.resources import data_folder
from training.towers.brush import Thing, block, cover, shadow_of
from training.towers.calibrate import GSD_M, _logistic, _tail
from training.towers.data import PER_PLACE, STRIDE, Pool, read_scenes, targets, view_of, write_scenes
from training.towers.painted import CLEAR_M, painted
from training.towers.roughened import grown, roughened
from training.towers.scenes import scenes

NEEDS_TORCH = "needs torch: pip install -e '.[training]'"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("places")
    list(write_scenes(where, range(21, 23)))
    return where


@pytest.fixture(scope="module")
def made(folder):
    return [scene for path in sorted(folder.glob("place-*.npz")) for scene in read_scenes(path)]


def test_a_place_is_the_same_from_its_seed_and_kept_on_disk(folder, made):
    again = scenes(21, PER_PLACE)
    for one, two in zip(made, again, strict=False):
        assert (one.picture == two.picture).all()
        np.testing.assert_array_equal(one.towers, two.towers)
        assert one.sun == two.sun
    times = [p.stat().st_mtime_ns for p in sorted(folder.glob("*.npz"))]
    list(write_scenes(folder, range(21, 23)))
    assert times == [p.stat().st_mtime_ns for p in sorted(folder.glob("*.npz"))]


def test_towers_are_of_the_sizes_that_are_sought_and_lie_in_the_picture(made):
    towers = np.concatenate([scene.towers for scene in made])
    assert len(towers) >= 10
    assert (towers[:, 2] > 2.0).all()
    assert (towers[:, 2] < 9.0).all()
    assert (towers[:, 3] > 4.0).all()
    assert set(np.unique(towers[:, 4])) <= {0.0, 1.0}
    for scene in made:
        assert scene.picture.dtype == np.uint8
        assert scene.picture.shape[1] * scene.pixel_m == pytest.approx(128, abs=1)


def test_shadows_fall_to_the_right_of_the_towers_in_the_turned_view(made):
    """Along +u from a tower that can be seen the ground is darker than along −u, over all towers; not so if the sun is turned half about."""
    rng = np.random.default_rng(0)

    def darker(turn):
        steps = []
        for scene in made:
            sun = Sun((scene.sun.azimuth_deg + turn) % 360, scene.sun.elevation_deg)
            view = view_of(replace(scene, sun=sun), 0.0, rng, single=False)
            for v, u, wide, high, visible in view.towers:
                reach = (wide / 2 + 0.35 * high / np.tan(np.deg2rad(sun.elevation_deg))) / PIXEL_M
                places = [(round(float(v)), round(float(u + sign * reach))) for sign in (1, -1)]
                if visible and all(0 <= a < n and 0 <= b < n for (a, b), n in zip(places, view.inside.shape, strict=True)):
                    ahead, behind = (float(view.planes[0][at]) for at in places)
                    steps.append(behind - ahead)
        return float(np.median(steps))

    assert darker(0.0) > 0.15
    assert darker(180.0) < -0.1


def test_targets_peak_at_the_towers_and_leave_hidden_ones_out(made):
    view = next(view_of(s, 1.0, np.random.default_rng(0), single=True) for s in made if s.towers[:, 4].sum() >= 2)
    side = view.planes.shape[1] // 8 * 8
    rest = view.hidden[:side, :side], view.inside[:side, :side]
    near, weight = targets(view.towers, *rest), targets(view.towers * np.array([1, 1, 1, 1, 0], np.float32), *rest)
    for v, u, wide, high, visible in view.towers:
        at = round(float((v - 0.5) / STRIDE)), round(float((u - 0.5) / STRIDE))
        if visible and all(0 <= a < side // STRIDE for a in at):
            assert near[0][at] > 0.8
            assert near[1][at] == pytest.approx(wide)
            assert near[2][at] == pytest.approx(high)
            assert weight[5][at] == 0


def test_painted_things_keep_apart_and_only_towers_with_a_shadow_of_theirs_count():
    """On level grey ground, over many draws: each tower listed is seen, and the ground ahead of it lies in its shadow."""
    rng = np.random.default_rng(4)
    shadow, listed, ahead, behind = np.array([0.0, 2.4]), 0, 0, 0
    for _ in range(180):
        planes = np.zeros((3, 160, 160), np.float32)
        hidden, free = np.zeros((160, 160), np.uint8), np.ones((160, 160), bool)
        free[:, 80:] = False
        standing = np.array([[40.0, 40.0, 4.0, 8.0, 1.0]], np.float32)
        towers = painted(planes, (standing, hidden, free), shadow, -1.5, rng)
        assert (planes[1:] == 0).all()  # one band stays one
        places = np.concatenate([standing, towers])[:, :2]
        apart = np.hypot(*(places[:, None] - places[None]).T) * PIXEL_M + 100 * np.eye(len(places))
        assert apart.min() >= CLEAR_M
        assert (towers[:, 1] < 80).all()
        assert not (hidden[:, 100:]).any()
        for v, u, _, high, told in towers:
            if not told:  # of the ground's own tone, with a shadow as pale
                continue
            # A slanting view moves the roof against its shadow: by five pixels (one standard deviation) for a tower of ten metres.
            across, reach = slice(max(round(float(v)) - 10, 0), round(float(v)) + 11), float(high * shadow[1])
            places = (slice(max(round(float(u + step * reach)) - 10, 0), round(float(u + step * reach)) + 11) for step in (0.9, -0.9))
            dark = [planes[0, across, place].min(initial=0.0) < -0.2 for place in places]
            listed, ahead, behind = listed + 1, ahead + dark[0], behind + dark[1]
    assert listed > 60
    assert ahead > 0.95 * listed
    assert behind < 0.6 * listed


def test_a_cabin_on_a_shaft_throws_a_narrow_shadow_before_its_own():
    """On level ground the shadow of a tower on legs is nowhere wider than its cabin's, and reaches to the tip."""
    rng = np.random.default_rng(6)
    thing, tip, still = Thing("tower", 64.0, 40.0, 5.0, 5.0, 9.0, 0.0), np.array([0.0, 36.0]), np.zeros(2)
    at = np.arange(128, dtype=np.float32)[:, None] - 64, np.arange(128, dtype=np.float32)[None] - 40
    whole = cover(block(thing), still, tip, at, 1.0)
    shafts = 0
    for _ in range(300):
        shade = shadow_of(thing, at, still, tip, 1.0, rng)
        assert (shade <= whole + 1e-6).all()
        assert shade[56:73, 70:80].max() > 0.3
        near = shade[:, 46:49].max(axis=1) > 0.15
        shafts += bool(0 < near.sum() < 7)
    assert shafts > 5


def test_another_grain_or_camera_leaves_one_band_one_and_the_mean_of_the_ground():
    rng = np.random.default_rng(7)
    for _ in range(20):
        planes = np.zeros((3, 64, 64), np.float32)
        planes[0] = 0.5
        grown(planes, rng)
        assert 0.04 < planes[0].std() < 0.7
        assert planes[0].mean() == pytest.approx(0.5, abs=1e-3)
        assert not planes[1:].any()
    out = roughened(planes, rng)
    assert out.shape == planes.shape
    assert out.dtype == np.float32
    assert np.isfinite(out).all()


def test_ground_under_a_false_sun_holds_no_tower(folder, monkeypatch):
    monkeypatch.setattr("training.towers.data.ASTRAY", 1.0)
    monkeypatch.setattr("training.towers.data.SURE_DEG", 90.0)
    pool = Pool(folder, np.random.default_rng(0))
    pool.refresh()
    _, wanted = pool.batch(12, 64)
    assert (wanted[:, :3] == 0).all()
    assert (wanted[:, 5] > 0).any()


def test_batches_have_the_shape_of_the_network(folder):
    pool = Pool(folder, np.random.default_rng(0))
    assert pool.refresh() == 2 * PER_PLACE
    inputs, wanted = pool.batch(3, 64)
    assert inputs.shape == (3, PLANES, 64, 64)
    assert wanted.shape == (3, 6, 64 // STRIDE, 64 // STRIDE)
    assert np.isfinite(inputs).all()


def test_the_tail_of_false_scores_is_recovered():
    """Scores drawn with the density exp(5 − 1.5 s) per km²: the fit gives it back, at every resolution."""
    rng = np.random.default_rng(1)
    looked = [(float(g), 1.0) for g in np.exp(rng.uniform(np.log(0.28), np.log(1.1), 60))]
    false, gsd = [], []
    for g, _ in looked:
        n = rng.poisson(np.exp(5.0 + 1.5 * 2))
        false.append(-2.0 + rng.exponential(1 / 1.5, n))
        gsd.append(np.full(n, g))
    for at in GSD_M:
        _, a, b = _tail(np.concatenate(false), np.concatenate(gsd), looked, at)
        assert b == pytest.approx(1.5, rel=0.1)
        assert a == pytest.approx(5.0, abs=0.3)


def test_the_odds_of_scores_are_recovered():
    rng = np.random.default_rng(2)
    scores = rng.normal(0, 3, 4000)
    right = rng.random(4000) < 1 / (1 + np.exp(1.0 - 0.8 * scores))
    a, b = _logistic(scores, right)
    assert a == pytest.approx(-1.0, abs=0.15)
    assert b == pytest.approx(0.8, abs=0.1)


def test_training_lowers_the_loss_and_the_file_says_the_same(folder, tmp_path):
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    from training.towers.export import export
    from training.towers.network import Network
    from training.towers.train import SCHEDULE, train

    weights = tmp_path / "weights.pt"
    train(folder, weights, replace(SCHEDULE, steps=100, batch=2, side=64))
    log = [json.loads(line) for line in weights.with_suffix(".log").read_text().splitlines()[1:]]
    assert log[-1]["tower"] < log[0]["tower"]
    export(weights, tmp_path / "towers.onnx")
    assert (tmp_path / "towers.onnx").stat().st_size < 2_000_000
    model = load_tower_model(tmp_path / "towers.onnx")
    network = Network().eval()
    network.load_state_dict(torch.load(weights))
    ground = np.random.default_rng(0).normal(size=(1, PLANES, 64, 128)).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(ground)).numpy()
    np.testing.assert_allclose(model.session.run(None, {"ground": ground})[0], expected, atol=1e-4)


def test_training_can_go_on_from_the_shipped_file(folder):
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    from training.towers.train import SCHEDULE, begun

    shipped = data_folder("models") / "towers.onnx"
    pool = Pool(folder, np.random.default_rng(0))
    pool.refresh()
    network = begun(shipped, pool, SCHEDULE)
    ground, _ = pool.batch(4, 128)
    with torch.no_grad():
        got = network.eval()(torch.from_numpy(ground)).numpy()
        # In training every batch is normalised by its own means.
        measured = network.train()(torch.from_numpy(ground)).numpy()
    expected = load_tower_model(shipped).session.run(None, {"ground": ground})[0]
    np.testing.assert_allclose(got, expected, atol=1e-4)
    assert np.corrcoef(measured[:, 0].ravel(), expected[:, 0].ravel())[0, 1] > 0.9
