"""How the shipped weights are made: shards of rendered pairs, crops, and (where torch is installed) the network and its file."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from camwatch.render.settlement import Recipe, labelled_pair
from camwatch.render.settlement.canvas import BUILDING
from training.structures.data import CHANGED, GAP, KIND, SHARD, Pool, labelled, render_shards

SMALL = Recipe(side=128)
NEEDS_TORCH = "needs torch: pip install -e '.[training]'"


def test_labels_are_those_of_the_pair():
    pair, packed = labelled_pair(5, SMALL), labelled(5, SMALL)
    for date, change in enumerate((2, 1)):
        assert (packed[date, ..., :3] == pair.pictures[date]).all()
        label = packed[date, ..., 3]
        assert ((label & KIND) == pair.kinds[date]).all()
        expected = (pair.kinds[date] == BUILDING) & np.isin(pair.numbers[date], np.flatnonzero(pair.changes == change))
        assert (((label & CHANGED) > 0) == expected).all()
        assert not ((label & GAP > 0) & (pair.kinds[date] == BUILDING)).any()


def test_gaps_part_near_buildings():
    packed = next(p for p in (labelled(seed, SMALL) for seed in range(40)) if (p[..., 3] & GAP).any())
    gap, building = (packed[..., 3] & GAP) > 0, (packed[..., 3] & KIND) == BUILDING
    assert gap.sum() < building.sum()


def test_shards_are_kept_and_pools_grow(tmp_path):
    first = list(render_shards(tmp_path, range(SHARD), SMALL, workers=1))
    written = first[0].stat().st_mtime_ns
    pool = Pool(tmp_path)
    assert pool.refresh() == SHARD
    both = list(render_shards(tmp_path, range(2 * SHARD), SMALL, workers=1))
    assert both[0].stat().st_mtime_ns == written
    assert pool.refresh() == 2 * SHARD
    crops = pool.crops(np.random.default_rng(0), 5, 64)
    assert crops.shape == (5, 2, 64, 64, 4)
    assert (crops == pool.crops(np.random.default_rng(0), 5, 64)).all()


def test_exchanged_dates_exchange_the_answers():
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    from training.structures.network import Network

    torch.manual_seed(0)
    network = Network().eval()
    one, two = torch.randn(2, 1, 3, 64, 96).unbind()
    with torch.no_grad():
        forth, back = network(one, two), network(two, one)
    for a, b in ((0, 1), (1, 0), (2, 3), (3, 2)):
        assert torch.equal(forth[a], back[b])


def test_training_lowers_the_loss_and_the_file_says_the_same(tmp_path):
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    onnxruntime = pytest.importorskip("onnxruntime")
    from training.structures.export import export
    from training.structures.network import Network
    from training.structures.train import SCHEDULE, train

    list(render_shards(tmp_path, range(SHARD), SMALL, workers=1))
    weights = tmp_path / "weights.pt"
    train(tmp_path, weights, replace(SCHEDULE, steps=200, batch=2, side=64))
    lines = [json.loads(line) for line in weights.with_suffix(".log").read_text().splitlines()[1:]]
    assert lines[-1]["classes"] < lines[0]["classes"]
    network = Network().eval()
    network.load_state_dict(torch.load(weights))
    pair = torch.randn(2, 1, 3, 96, 64)
    with torch.no_grad():
        expected = network(*pair)
    # Weights are stored with 16 bits; or sums are of numbers with 8.
    for measured, near in (((), 2e-3), ((3, 4), 0.1)):
        for path in (tmp_path / "model.onnx", tmp_path / "again.onnx"):
            export(weights, path, version="test", trained_on="two hundred steps", measured=measured)
        assert path.read_bytes() == (tmp_path / "model.onnx").read_bytes()
        session = onnxruntime.InferenceSession(str(path))
        said, turned = (session.run(None, dict(zip(("before", "after"), dates, strict=True))) for dates in (pair.numpy(), pair.numpy()[::-1]))
        for a, b in zip(said, expected, strict=True):
            assert np.abs(a - b.numpy()).max() < near
        for a, b in ((0, 1), (1, 0), (2, 3), (3, 2)):
            assert (said[a] == turned[b]).all()


def test_crops_are_shown_finer_and_coarser_with_their_labels():
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    from training.structures.train import zoomed

    crops = torch.zeros((1, 2, 120, 120, 4), dtype=torch.uint8)
    crops[..., 30:90, 30:90, :3], crops[..., 30:90, 30:90, 3] = 200, CHANGED | 1
    assert torch.equal(zoomed(crops, 120), crops)
    for side in (90, 160):
        shown = zoomed(crops, side)
        assert shown.shape == (1, 2, side, side, 4)
        labels = shown[..., 3]
        assert set(labels.unique().tolist()) == {0, CHANGED | 1}
        # A quarter of the ground is built over, whatever the pixel; half a pixel may be lost along each wall.
        assert float((labels > 0).float().mean()) == pytest.approx(0.25, abs=1.5 / side)
        middle = shown[..., side // 2, side // 2, :3]
        assert int(middle.min()) == 200


def test_blur_takes_detail_sharpening_adds_it_and_neither_moves_brightness():
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    from training.structures.train import _refocused

    picture = torch.rand((3, 3, 64, 64), generator=torch.Generator().manual_seed(3))
    blurred, same, sharp = _refocused(picture, torch.tensor([1.0, 0.0, -0.8]))
    detail = [float(image.diff(dim=-1).abs().mean()) for image in (blurred, same, sharp)]
    assert detail[0] < 0.7 * detail[1] < 0.7 * 0.9 * detail[2]
    torch.testing.assert_close(same, picture[1])
    for shown, was in zip((blurred, sharp), (picture[0], picture[2]), strict=True):
        assert float(shown.mean()) == pytest.approx(float(was.mean()), abs=0.005)


def test_the_mean_of_weights_is_theirs_and_counters_stay(tmp_path):
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    from training.fitting import mean_of

    for name, value in (("a", 1.0), ("b", 4.0)):
        torch.save({"weight": torch.full((2, 3), value), "steps": torch.tensor(7)}, tmp_path / name)
    mean_of([tmp_path / "a", tmp_path / "b"], tmp_path / "mean")
    mean = torch.load(tmp_path / "mean")
    assert torch.equal(mean["weight"], torch.full((2, 3), 2.5))
    assert mean["steps"].dtype == torch.int64
    assert int(mean["steps"]) == 7


def test_training_can_go_on_from_the_shipped_file():
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    import onnxruntime

    from training.structures.thaw import thaw
    from training.structures.train import disturbed

    shipped = Path(__file__).parent.parent / "data" / "models" / "structures.onnx"
    crops = torch.from_numpy(np.stack([labelled(seed, SMALL) for seed in range(6)]))
    shown = disturbed(crops, torch.Generator().manual_seed(0))
    network = thaw(shipped, [shown])
    # In both orders: few buildings go in so few pairs, and where next to nothing is told there is nothing to compare.
    one, two = torch.cat([shown[:6], shown[6:]]), torch.cat([shown[6:], shown[:6]])
    session = onnxruntime.InferenceSession(shipped)
    answers = [session.run(None, {"before": b[None], "after": a[None]}) for b, a in zip(one.numpy(), two.numpy(), strict=True)]
    expected = [torch.from_numpy(np.concatenate(plane)) for plane in zip(*answers, strict=True)]
    with torch.no_grad():
        got = network(one, two)
        # In training every batch is normalised by its own means.
        measured = network.train()(one, two)
    for told, kept, asked in zip(got, measured, expected, strict=True):
        # Sums in 8 bits move single pixels by tenths.
        assert torch.corrcoef(torch.stack([told.flatten(), asked.flatten()]))[0, 1] > 0.95
        assert torch.corrcoef(torch.stack([told.flatten(), kept.flatten()]))[0, 1] > 0.9
