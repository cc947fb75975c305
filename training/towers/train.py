"""Training: the loss, the schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.fitting import Schedule, fit
from training.towers.data import Pool
from training.towers.network import Network
from training.towers.thaw import thaw

if TYPE_CHECKING:
    from pathlib import Path

THAWED_BY = 16
"""Batches by which the normalisations of an exported file are made anew."""

SCHEDULE = Schedule(steps=24_000, batch=8, side=128, rate=4e-3, average=0.995, warm=40, clip=4.0, every=50)


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


def begun(init: Path | None, pool: Pool, schedule: Schedule) -> Network:
    """Return the network that training begins with: new, with the weights of a file, or with those of an exported one (.onnx)."""
    if init is None:
        return Network()
    if init.suffix == ".onnx":
        return thaw(init, [torch.from_numpy(pool.batch(schedule.batch, schedule.side)[0]) for _ in range(THAWED_BY)])
    network = Network()
    network.load_state_dict(torch.load(init))
    return network


def train(folder: Path, out: Path, schedule: Schedule = SCHEDULE, *, init: Path | None = None) -> None:
    """Train on the places in `folder`, which may still grow; write the averaged weights to `out`, and the figures beside it."""
    torch.set_num_threads(1)
    torch.manual_seed(schedule.seed)
    pool = Pool(folder, np.random.default_rng(schedule.seed))
    pool.refresh(10_000)
    # Channels last and short numbers halve the time of a step; the weights keep all their digits.
    network = begun(init, pool, schedule).to(memory_format=torch.channels_last)

    def loss_at(step: int) -> tuple[Tensor, dict[str, float]]:
        if step % 25 == 24:
            pool.refresh()
        inputs, wanted = (torch.from_numpy(part) for part in pool.batch(schedule.batch, schedule.side))
        with torch.autocast(schedule.device, dtype=torch.bfloat16):
            raw = network.logits(inputs.contiguous(memory_format=torch.channels_last))
        return loss_of(raw.float(), wanted)

    fit(network, schedule, out, loss_at, lambda: {"views": len(pool.views)})
