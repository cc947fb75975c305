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

if TYPE_CHECKING:
    from pathlib import Path

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


def train(folder: Path, out: Path, schedule: Schedule = SCHEDULE, *, init: Path | None = None) -> None:
    """Train on the places in `folder`, which may still grow; write the averaged weights to `out`, and the figures beside it."""
    torch.set_num_threads(1)
    torch.manual_seed(schedule.seed)
    network = Network()
    if init is not None:
        network.load_state_dict(torch.load(init))
    pool = Pool(folder, np.random.default_rng(schedule.seed))
    pool.refresh(10_000)

    def loss_at(step: int) -> tuple[Tensor, dict[str, float]]:
        if step % 25 == 24:
            pool.refresh()
        inputs, wanted = (torch.from_numpy(part) for part in pool.batch(schedule.batch, schedule.side))
        return loss_of(network.logits(inputs), wanted)

    fit(network, schedule, out, loss_at, lambda: {"views": len(pool.views)})
