"""Training: batches, their disturbance, the loss, the schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.fitting import Schedule, fit
from training.structures.data import CHANGED, GAP, KIND, SHARD, Pool
from training.structures.network import Network
from training.structures.thaw import thaw

if TYPE_CHECKING:
    from pathlib import Path


SCHEDULE = Schedule(steps=8000, batch=4, side=256, rate=1.8e-3, average=0.998, warm=150, clip=2.0, every=100)

CLASS_WEIGHTS = (1.0, 2.0, 0.7, 1.0, 1.0, 1.0)
"""Buildings count twice: they fill a tenth of the ground."""

SHARPNESS = 0.5
"""Spread of the amounts by which pictures are blurred and sharpened beside what the renderer does."""

ZOOM = (0.75, 1.35)
"""Crops are shown with pixels this much finer to this much coarser than they were drawn: the smallest and the largest share of their side."""

THAWED_BY = 12
"""Batches by which the normalisations of an exported network are measured."""

GAP_WEIGHT = 4.0
"""Ground between two near buildings: what keeps their count right."""


def disturbed(crops: Tensor, generator: torch.Generator) -> Tensor:
    """Return (2n, 3, y, x) float32 pictures, first all befores, then all afters: gains, gamma, light, sharpness, noise, one band; normalised."""
    image = crops[..., :3].permute(1, 0, 4, 2, 3).reshape(-1, 3, *crops.shape[2:4]).float() / 255

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator).to(image.device)

    n = image.shape[0]
    image = image.clamp_min(1e-3) ** torch.exp(0.18 * draw(n, 1, 1, 1)) * torch.exp(0.08 * draw(n, 3, 1, 1))
    # A fifth of the pairs has one band: some mixture of the visible ones.
    weights = torch.exp(0.5 * draw(n // 2, 3)).repeat(2, 1)
    mixed = (image * (weights / weights.sum(1, keepdim=True))[..., None, None]).sum(1, keepdim=True)
    single = (torch.rand(n // 2, generator=generator).repeat(2) < 0.2).to(image.device)[:, None, None, None]
    image = torch.where(single, mixed.expand_as(image), image)
    image = _refocused(_lit(image, draw(n, 1, 3, 3)), SHARPNESS * draw(n))
    # Relative to the picture's contrast: the same noise on flat ground would drown what no real product drowns.
    strength = 0.15 * torch.rand(n, 1, 1, 1, generator=generator).to(image.device) * image.std((1, 2, 3), keepdim=True)
    image = image + strength * draw(*image.shape)
    return normalised(image, jitter=draw(2, n, 1, 1, 1))


def _lit(image: Tensor, field: Tensor) -> Tensor:
    """Return pictures under light that varies over the crop, as haze, slopes and mosaics make it."""
    light = functional.interpolate(field, size=image.shape[-2:], mode="bicubic", align_corners=True)
    return image * torch.exp(0.08 * light)


def _refocused(image: Tensor, amount: Tensor) -> Tensor:
    """Return pictures blurred (amounts above 0; 1 is a spread of about 0.7 pixels) or sharpened (below 0), each by its own amount."""
    side = 0.25 * amount.clamp(-0.8, 1.0)
    kernel = torch.stack([side, 1 - 2 * side, side], 1).repeat_interleave(image.shape[1], 0)
    many = image.reshape(1, -1, *image.shape[-2:])
    for shape, pad in (((-1, 1, 3, 1), (0, 0, 1, 1)), ((-1, 1, 1, 3), (1, 1, 0, 0))):
        many = functional.conv2d(functional.pad(many, pad, mode="replicate"), kernel.reshape(shape), groups=many.shape[1])
    return many.reshape(image.shape)


def normalised(image: Tensor, jitter: Tensor | None = None) -> Tensor:
    """Bring each picture to median 0 and spread 1/1.5 of its luminance, as the detector does; `jitter` for a median and spread of other ground."""
    light = image.mean(1).flatten(1)
    low, middle, high = torch.quantile(light[:, ::7], torch.tensor([0.1, 0.5, 0.9], device=image.device), dim=1)[..., None, None, None]
    spread = (high - low).clamp_min(0.02) / 2.563
    if jitter is not None:
        middle, spread = middle + 0.25 * spread * jitter[0], spread * torch.exp(0.2 * jitter[1])
    return ((image - middle) / (1.5 * spread)).clamp(-4, 4)


def zoomed(crops: Tensor, side: int) -> Tensor:
    """Return crops (n, 2, y, x, 4) uint8 on `side` pixels: pictures interpolated, labels taken from the nearest pixel."""
    flat = crops.flatten(0, 1).permute(0, 3, 1, 2)
    picture = functional.interpolate(flat[:, :3].float(), size=(side, side), mode="bilinear", antialias=True, align_corners=False)
    label = functional.interpolate(flat[:, 3:].float(), size=(side, side), mode="nearest-exact")
    return torch.cat([picture, label], 1).round().to(torch.uint8).permute(0, 2, 3, 1).reshape(*crops.shape[:2], side, side, 4)


def answers(network: Network, image: Tensor) -> tuple[Tensor, Tensor]:
    """Return class logits (2n, 6, y, x) and change logits (2n, y, x): what was removed is seen before, what appeared after."""
    first, second = network.features(image).chunk(2)
    classes = network.classify(torch.cat([first, second]))
    change = network.gained(torch.cat([second, first]), torch.cat([first, second]))[:, 0]
    return classes.float(), change.float()


def loss_of(classes: Tensor, change: Tensor, label: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Return the loss of a batch, and its parts; `label` (2n, y, x) uint8 in the order of the pictures."""
    label = label.long()
    kind, changed, gap = label & KIND, (label & CHANGED) > 0, (label & GAP) > 0
    weight = 1 + (GAP_WEIGHT - 1) * gap.float()
    weights = torch.tensor(CLASS_WEIGHTS, device=classes.device)
    crossed = (functional.cross_entropy(classes, kind, weight=weights, reduction="none") * weight).mean()
    target = changed.float()
    binary = functional.binary_cross_entropy_with_logits(change, target, reduction="none", pos_weight=torch.tensor(2.0, device=classes.device))
    parts = {
        "classes": crossed,
        "overlap": 0.5 * _dice(classes.softmax(1)[:, 1], (kind == 1).float()),
        "change": (binary * weight).mean(),
        "change overlap": 0.5 * _dice(change.sigmoid(), target),
    }
    return torch.stack(list(parts.values())).sum(), {name: float(value.detach()) for name, value in parts.items()}


def _dice(chance: Tensor, target: Tensor) -> Tensor:
    return 1 - (2 * (chance * target).sum() + 1) / (chance.sum() + target.sum() + 1)


def begun(init: Path | None, pool: Pool, schedule: Schedule) -> Network:
    """Return the network that training begins with: new, with the weights of a file, or with those of an exported one (.onnx)."""
    if init is None:
        return Network()
    if init.suffix == ".onnx":
        pool.refresh()
        rng, generator = np.random.default_rng(schedule.seed), torch.Generator().manual_seed(schedule.seed)
        return thaw(init, [disturbed(torch.from_numpy(pool.crops(rng, schedule.batch, schedule.side)), generator) for _ in range(THAWED_BY)])
    network = Network()
    network.load_state_dict(torch.load(init))
    return network


def train(folder: Path, out: Path, schedule: Schedule = SCHEDULE, *, init: Path | None = None) -> None:
    """Train on the pairs in `folder`, which may still grow; write the averaged weights to `out`, and the figures beside it."""
    torch.manual_seed(schedule.seed)
    rng = np.random.default_rng(schedule.seed)
    generator = torch.Generator().manual_seed(schedule.seed)
    pool = Pool(folder)
    network = begun(init, pool, schedule).to(schedule.device, memory_format=torch.channels_last)

    def loss_at(step: int) -> tuple[Tensor, dict[str, float]]:
        if step % 100 == 0:
            pool.refresh()
        drawn = int(schedule.side * np.exp(rng.uniform(*np.log(ZOOM))))
        crops = zoomed(torch.from_numpy(pool.crops(rng, schedule.batch, drawn)).to(schedule.device), schedule.side)
        image = disturbed(crops, generator).contiguous(memory_format=torch.channels_last)
        label = crops[..., 3].transpose(0, 1).flatten(0, 1)
        with torch.autocast(schedule.device, dtype=torch.bfloat16):
            return loss_of(*answers(network, image), label)

    fit(network, schedule, out, loss_at, lambda: {"pairs": len(pool.shards) * SHARD})
