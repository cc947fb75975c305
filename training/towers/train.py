"""Training: the loss, the schedule."""

from __future__ import annotations

import copy
import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.towers.data import Pool
from training.towers.network import Network

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast: crops in a batch, side of a crop, steps, highest learning rate, the seed of everything random, weight of the average."""

    steps: int = 24_000
    batch: int = 8
    side: int = 128
    rate: float = 4e-3
    seed: int = 0
    average: float = 0.995


def loss_of(raw: Tensor, wanted: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Return the loss of a batch, and its parts; `raw` and `wanted` as :meth:`Network.logits` and :func:`training.towers.data.targets` have them."""
    near, weight = wanted[:, 0], wanted[:, 5]
    chance = raw[:, 0].sigmoid()
    # Focal loss of centres (Law, Deng 2018, doi:10.1007/978-3-030-01264-9_45): neighbours of a centre are hardly wrong, easy ground hardly counts.
    centre = near > 0.85
    right = centre * (1 - chance) ** 2 * functional.logsigmoid(raw[:, 0])
    wrong = ~centre * (1 - near) ** 4 * chance**2 * functional.logsigmoid(-raw[:, 0])
    towers = (centre * weight).sum().clamp_min(4.0)
    parts = {"tower": -((right + wrong) * weight).sum() / towers}
    known = ((wanted[:, 1] > 0) & (weight > 0)).float()
    for k, name in ((1, "side"), (2, "height")):
        off = functional.smooth_l1_loss(raw[:, k], wanted[:, k], reduction="none")
        parts[name] = 0.1 * (off * known).sum() / known.sum().clamp_min(8.0)
    for k, name in ((3, "tree"), (4, "shade")):
        parts[name] = 0.3 * functional.binary_cross_entropy_with_logits(raw[:, k], wanted[:, k])
    return torch.stack(list(parts.values())).sum(), {name: float(value.detach()) for name, value in parts.items()}


def train(folder: Path, out: Path, schedule: Schedule, *, init: Path | None = None) -> None:
    """Train on the places in `folder`; write the averaged weights to `out` every few hundred steps, and the figures beside it."""
    torch.set_num_threads(1)
    torch.manual_seed(schedule.seed)
    network = Network()
    if init is not None:
        network.load_state_dict(torch.load(init))
    mean = copy.deepcopy(network)
    optimiser = torch.optim.AdamW(network.parameters(), lr=schedule.rate, weight_decay=1e-3)
    pool = Pool(folder, np.random.default_rng(schedule.seed))
    views = pool.refresh(10_000)
    start, figures, log = time.monotonic(), {}, out.with_suffix(".log")
    log.write_text(json.dumps(asdict(schedule)) + "\n")
    for step in range(schedule.steps):
        if step % 25 == 24:
            views = pool.refresh()
        for group in optimiser.param_groups:
            group["lr"] = schedule.rate * min(1.0, (step + 1) / 40) * (0.5 + 0.5 * np.cos(np.pi * step / schedule.steps) + 0.01)
        inputs, wanted = (torch.from_numpy(part) for part in pool.batch(schedule.batch, schedule.side))
        loss, parts = loss_of(network.logits(inputs), wanted)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 4.0)
        optimiser.step()
        _average(mean, network, min(schedule.average, step / (step + 20)))
        for name, value in parts.items():
            figures[name] = figures.get(name, 0.0) + value
        if step % 50 == 49:
            line = {"step": step + 1, "views": views, "seconds": round(time.monotonic() - start), **{k: round(v / 50, 4) for k, v in figures.items()}}
            with log.open("a") as file:
                file.write(json.dumps(line) + "\n")
            print(json.dumps(line), flush=True)
            figures = {}
            torch.save(mean.state_dict(), out)
    torch.save(mean.state_dict(), out)


def _average(mean: Network, network: Network, weight: float) -> None:
    """Move the averaged weights, and the statistics of the normalisation with them, towards the network's."""
    with torch.no_grad():
        for slow, fast in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
            if slow.dtype.is_floating_point:
                slow.mul_(weight).add_(fast, alpha=1 - weight)
            else:
                slow.copy_(fast)
