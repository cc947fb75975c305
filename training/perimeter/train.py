"""Profiles of rendered lines and of everything else, and the perceptron fitted to them."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from camwatch.detect._course_cells import cells_to, parted, tone_of
from camwatch.detect._course_profile import MARGIN, MOST_ASIDE, MOVES, extras, free_inputs, lattice_inputs
from camwatch.imagery.image import LUMINANCE, Sun
from training.perimeter.lines import course, draw_line, draw_road

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

SIDE = 224
"""Cells of a tile."""
AVERAGED = ((1.2, (1, 2)), (1.9, (2, 3)), (2.9, (3, 5)), (3.4, (5, 7)))
"""Rendered pixels (half a metre) on a side of a cell of up to so many metres; finer ones too, because the texture of ground has many scales."""
SENSORS_M = (1.0, 1.0, 1.0, 1.5, 2.5, 2.5, 2.5, 2.5, 3.3, 5.0, 5.0, 10.0)
"""What sensors resolve, or a metre; coarser ones than that vary by a tenth."""
ON, OFF = 1.5, 3.5
"""Cells from the line within which a place is on it, and beyond which it is not."""
TURN, ASKEW = 0.3, 0.6
"""Radians within which a direction is that of the line, and beyond which it is not."""
PER_TILE = 300
HIDDEN = (192, 64)


def _ground(rng: np.random.Generator, shards: list[NDArray[np.uint8]], by: int) -> Floats:
    """Return luminance of a tile; where it needs more than one place, of several side by side."""
    weights = np.array([LUMINANCE[name] for name in ("red", "green", "blue")], np.float32)
    span = SIDE * by
    out = np.zeros((span, span), np.float32)
    level = 0.0
    for top in range(0, span, 512):
        for left in range(0, span, 512):
            shard = shards[rng.integers(len(shards))]
            height, width = min(512, span - top), min(512, span - left)
            row, col = rng.integers(0, shard.shape[2] - height + 1), rng.integers(0, shard.shape[3] - width + 1)
            crop = shard[rng.integers(len(shard)), rng.integers(2), row : row + height, col : col + width, :3].astype(np.float32)
            light = crop @ weights + 2
            level = level or float(np.median(light))
            out[top : top + height, left : left + width] = light * level / float(np.median(light))
    out = out.reshape(SIDE, by, SIDE, by).mean(axis=(1, 3))
    out = np.rot90(out, rng.integers(4))
    return np.ascontiguousarray(out[::-1] if rng.random() < 0.5 else out)


def tile(rng: np.random.Generator, shards: list[NDArray[np.uint8]]) -> tuple[Floats, Floats]:
    """Return inputs (n, features) and what is wanted (n, 2) of one tile: whether a line is there (NaN = either), and its offset (NaN = none)."""
    sensor_m = float(rng.choice(SENSORS_M))
    sensor_m *= float(np.exp(rng.uniform(-0.1, 0.1))) if sensor_m > 1 else 1.0
    into = cells_to(sensor_m)
    cell_m = sensor_m / into
    light = _ground(rng, shards, int(rng.choice(next(sides for most, sides in AVERAGED if cell_m <= most))))
    # The sun of the ground is that of its renderer and not known here; the line's is drawn, and told in three of four tiles.
    sun = Sun(float(rng.uniform(90, 270)), float(rng.uniform(20, 65)))
    for _ in range(rng.integers(0, 3)):
        light = draw_road(rng, light, course(rng, SIDE), cell_m)
    path = course(rng, SIDE)
    light = _seen(rng, draw_line(rng, light, path, sun, cell_m), into)
    tone = tone_of(light, np.ones(light.shape, bool))
    told = sun if rng.random() < 0.75 else None
    row, col = (each.ravel() for each in np.mgrid[MARGIN : SIDE - MARGIN, MARGIN : SIDE - MARGIN])
    signed, heading = path.distance[row, col].astype(np.float64), path.heading[row, col].astype(np.float64)
    near = np.abs(signed) <= MOST_ASIDE
    inputs, wanted = [], []
    for move in MOVES:
        angle = np.arctan2(-move[0], move[1])
        turn, flips = _turn(heading, angle)
        chosen = np.r_[_some(rng, near & (turn < ASKEW), PER_TILE // 12), _some(rng, ~near | (turn > ASKEW), PER_TILE // 6)]
        one = extras(np.array([angle]), told, sensor_m)
        inputs.append(lattice_inputs(tone, row[chosen] * SIDE + col[chosen], move, one))
        wanted.append(_wanted(signed[chosen], turn[chosen], flips[chosen]))
    # Along any direction, as the found line is looked at.
    chosen = np.r_[_some(rng, near, PER_TILE // 2), _some(rng, ~near, PER_TILE // 4)]
    angle = np.where(rng.random(len(chosen)) < 0.8, heading[chosen] + rng.normal(0, 0.12, len(chosen)), rng.uniform(0, 6.3, len(chosen)))
    angle += np.pi * rng.integers(0, 2, len(chosen))
    shift = rng.uniform(-0.5, 0.5, (len(chosen), 2))
    inputs.append(free_inputs(tone, np.column_stack([row, col])[chosen] + shift, angle, extras(angle, told, sensor_m)))
    # To the right of the heading, in (rows, cols): (cos h, sin h).
    there = signed[chosen] + shift[:, 0] * np.cos(heading[chosen]) + shift[:, 1] * np.sin(heading[chosen])
    wanted.append(_wanted(there, *_turn(heading[chosen], angle)))
    return np.concatenate(inputs), np.concatenate(wanted)


def _seen(rng: np.random.Generator, light: Floats, into: int) -> Floats:
    """Return what a sensor shows of luminance whose cells are `into` to its pixel: blurred, noisy, and linear between its pixels."""
    rest = -SIDE % into
    padded = np.pad(light, (0, rest), mode="edge")
    side = len(padded) // into
    pixels = padded.reshape(side, into, side, into).mean(axis=(1, 3))
    pixels = gaussian_filter(pixels, rng.uniform(0.3, 0.7))
    pixels = pixels + rng.uniform(0.002, 0.02) * float(np.median(pixels)) * rng.standard_normal(pixels.shape)
    return parted(np.pad(pixels, 1, mode="edge").astype(np.float32), (into, into), SIDE, into)


def _turn(heading: NDArray[np.float64], angle: NDArray[np.float64] | float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return by how much a direction differs from the line's, 0 to π/2, and whether it runs against it."""
    turn = np.abs((heading - angle + np.pi) % (2 * np.pi) - np.pi)
    return np.minimum(turn, np.pi - turn), turn > np.pi / 2


def _some(rng: np.random.Generator, flags: NDArray[np.bool_], count: int) -> NDArray[np.intp]:
    return rng.permutation(np.flatnonzero(flags))[:count]


def _wanted(signed: NDArray[np.float64], turn: NDArray[np.float64], flips: NDArray[np.bool_]) -> Floats:
    """Return (n, 2): 1, 0 or NaN for on a line, and where the line lies to the right of the place, in cells."""
    away = np.abs(signed)
    there = np.full(len(signed), np.nan, np.float32)
    there[(away > OFF) | (turn > ASKEW)] = 0
    there[(away <= ON) & (turn <= TURN)] = 1
    # A place to the right of the line has the line on its left.
    offset = np.where((away <= MOST_ASIDE) & (turn <= TURN), np.where(flips, signed, -signed), np.nan)
    return np.column_stack([there, offset]).astype(np.float32)


def samples(folder: Path, tiles: range, seed: int) -> tuple[Floats, Floats]:
    """Return inputs and what is wanted of many tiles over the rendered pairs in `folder` (`python -m training.structures render`)."""
    shards = [np.load(path, mmap_mode="r") for path in sorted(folder.glob("pairs-*.npy"))]
    # Half precision: seven million samples are to lie in memory.
    drawn = [tuple(each.astype(np.float16) for each in tile(np.random.default_rng((seed, number)), shards)) for number in tiles]
    inputs, wanted = zip(*drawn, strict=True)
    return np.concatenate(inputs), np.concatenate(wanted)


def fit(inputs: Floats, wanted: Floats, held: tuple[Floats, Floats], *, epochs: int, seed: int) -> torch.nn.Sequential:
    """Fit the perceptron: binary cross-entropy of the likeness, absolute error of the offset; then say how it does on tiles `held` back."""
    torch.manual_seed(seed)
    layers: list[torch.nn.Module] = []
    for size, following in pairwise((inputs.shape[1], *HIDDEN, 2)):
        layers += [torch.nn.Linear(size, following), torch.nn.LeakyReLU(0.1)]
    network = torch.nn.Sequential(*layers[:-1])
    given, asked = torch.from_numpy(inputs), torch.from_numpy(wanted)
    test, right = (torch.from_numpy(each).float() for each in held)
    batch = 512
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 6e-3, total_steps=epochs * (len(given) // batch))
    for epoch in range(epochs):
        order = torch.randperm(len(given))
        for start in range(0, len(given) - batch + 1, batch):
            chosen = order[start : start + batch]
            optimiser.zero_grad()
            loss_of(network(given[chosen].float()), asked[chosen].float()).backward()
            optimiser.step()
            schedule.step()
        with torch.no_grad():
            print(f"epoch {epoch + 1}: {judged(network(test), test, right)}", flush=True)
    return network


def loss_of(out: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
    """Return the loss of a batch; what is NaN is not asked."""
    known, near = ~asked[:, 0].isnan(), ~asked[:, 1].isnan()
    seen = torch.nn.functional.binary_cross_entropy_with_logits(out[known, 0], asked[known, 0])
    return seen + 0.3 * torch.nn.functional.smooth_l1_loss(out[near, 1], asked[near, 1])


def judged(out: torch.Tensor, inputs: torch.Tensor, right: torch.Tensor) -> str:
    """Say what is found at 1 % false alarms and how far off the offsets are, by what the sensor resolves."""
    said = []
    sizes = torch.tensor(sorted(set(SENSORS_M)))
    nearest = (inputs[:, -1:] - sizes.log()).abs().argmin(dim=1)
    for number, sensor_m in enumerate(sizes.tolist()):
        here = nearest == number
        if not bool((right[here, 0] == 0).any()):
            continue
        chance, truth, offset = out[here, 0].sigmoid(), right[here, 0], (out[here, 1] - right[here, 1]).abs()
        level = chance[truth == 0].quantile(0.99)
        clear = (right[here, 1].abs() <= 2) & (chance > 0.8)
        said.append(f"{sensor_m:g} m: found {float((chance[truth == 1] > level).float().mean()):.3f}, off {float(offset[clear].median()):.2f} cells")
    return "; ".join(said)


def write(network: torch.nn.Sequential, path: Path, told: dict[str, object]) -> None:
    """Write the weights as JSON, with what they were made from."""
    linear = [layer for layer in network if isinstance(layer, torch.nn.Linear)]
    layers = [
        {
            "weight": [[float(f"{v:.4g}") for v in row] for row in layer.weight.detach().T.tolist()],
            "bias": [float(f"{v:.4g}") for v in layer.bias.tolist()],
        }
        for layer in linear
    ]
    path.write_text(json.dumps({**told, "layers": layers}, separators=(",", ":")) + "\n", encoding="utf-8")
