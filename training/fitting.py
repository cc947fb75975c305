"""What the training of both networks shares: a rate that rises and falls, clipped steps, averaged weights, figures as it goes."""

from __future__ import annotations

import copy
import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How long and how fast.

    Attributes
    ----------
    steps, batch, side : int
        Steps, crops in each, their side in pixels.
    rate : float
        Highest learning rate: reached after `warm` steps, it then falls as a cosine.
    seed : int
        Of everything random.
    average : float
        Weight that the averaged weights keep at each step; they are what is written.
    warm : int
    clip : float
        Longest gradient.
    every : int
        Steps between figures.
    device : str
    """

    steps: int
    batch: int
    side: int
    rate: float
    average: float
    warm: int
    clip: float
    every: int
    seed: int = 0
    device: str = "cpu"


def fit(
    network: nn.Module, schedule: Schedule, out: Path, loss_at: Callable[[int], tuple[Tensor, dict[str, float]]], seen: Callable[[], dict[str, int]]
) -> None:
    """Fit a network; write its averaged weights to `out` and the figures beside it, every few steps.

    Parameters
    ----------
    network : Module
    schedule : Schedule
    out : Path
        Weights; the figures, a JSON document a line, go to the same name ending in .log.
    loss_at : callable
        step -> the loss of a fresh batch, and its parts.
    seen : callable
        What the figures tell besides: how much there is to learn from.
    """
    mean = copy.deepcopy(network)
    optimiser = torch.optim.AdamW(network.parameters(), lr=schedule.rate, weight_decay=1e-3)
    start, figures, log = time.monotonic(), dict[str, float](), out.with_suffix(".log")
    log.write_text(json.dumps(asdict(schedule)) + "\n")
    for step in range(schedule.steps):
        for group in optimiser.param_groups:
            group["lr"] = schedule.rate * min(1.0, (step + 1) / schedule.warm) * (0.5 + 0.5 * np.cos(np.pi * step / schedule.steps) + 0.01)
        loss, parts = loss_at(step)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), schedule.clip)
        optimiser.step()
        _average(mean, network, min(schedule.average, step / (step + 20)))
        for name, value in parts.items():
            figures[name] = figures.get(name, 0.0) + value
        if (step + 1) % schedule.every == 0:
            told = {name: round(value / schedule.every, 4) for name, value in figures.items()}
            line = json.dumps({"step": step + 1, **seen(), "seconds": round(time.monotonic() - start), **told})
            with log.open("a") as file:
                file.write(line + "\n")
            print(line, flush=True)
            figures.clear()
            torch.save(mean.state_dict(), out)
    torch.save(mean.state_dict(), out)


def mean_of(files: Sequence[Path], out: Path) -> None:
    """Write the mean of weights, and of the statistics of their normalisations, that were trained on from one another or from the same ones.

    Such weights lie in one basin, and their mean answers like an ensemble at the cost of one network.

    References
    ----------
    .. [1] M. Wortsman et al., "Model soups", ICML 2022, arXiv:2203.05482
    """
    states = [torch.load(file, map_location="cpu") for file in files]
    shares = {name: [state[name] for state in states] for name in states[0]}
    torch.save({name: sum(each) / len(each) if each[0].dtype.is_floating_point else each[0] for name, each in shares.items()}, out)


@torch.no_grad()
def _average(mean: nn.Module, network: nn.Module, keep: float) -> None:
    """Move the averaged weights, and the statistics of the normalisation with them, towards the network's."""
    for slow, fast in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
        if slow.dtype.is_floating_point:
            slow.mul_(keep).add_(fast, alpha=1 - keep)
        else:
            slow.copy_(fast)
