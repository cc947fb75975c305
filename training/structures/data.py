"""Rendered pairs on disk, and batches of crops from them."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi

from camwatch.render.settlement import Recipe, labelled_pair
from camwatch.render.settlement.canvas import BUILDING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SHARD = 16
"""Pairs in a file."""

KIND, CHANGED, GAP = 0b111, 0b1000, 0b10000
"""Bits of a label: the class of the pixel, whether its building is absent from the other date, whether it parts two buildings."""


def labelled(seed: int, recipe: Recipe) -> NDArray[np.uint8]:
    """Return one pair as (2, y, x, 4) uint8: red, green, blue, label."""
    pair = labelled_pair(seed, recipe)
    out = np.empty((2, recipe.side, recipe.side, 4), np.uint8)
    for date, change in enumerate((2, 1)):
        kind, number = pair.kinds[date], pair.numbers[date]
        building = kind == BUILDING
        # A building's number is wrong where a tree or a wall hides it; only its own pixels carry a change.
        changed = building & (pair.changes[number] == change)
        gap = ndi.binary_closing(building, iterations=3) & ~building
        out[date, ..., :3] = pair.pictures[date]
        out[date, ..., 3] = kind | (changed * np.uint8(CHANGED)) | (gap * np.uint8(GAP))
    return out


def _write(task: tuple[Path, int, Recipe]) -> Path:
    path, first, recipe = task
    if not path.exists():
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.save(file, np.stack([labelled(seed, recipe) for seed in range(first, first + SHARD)]))
        part.rename(path)
    return path


def render_shards(folder: Path, seeds: range, recipe: Recipe, *, workers: int) -> Iterator[Path]:
    """Render the pairs of `seeds` into files of :data:`SHARD`; what lies there already is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    tasks = [(folder / f"pairs-{first:07d}.npy", first, recipe) for first in range(seeds.start, seeds.stop, SHARD)]
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(_write, tasks)


@dataclass(slots=True)
class Pool:
    """The pairs that lie in a folder, opened as they appear."""

    folder: Path
    shards: list[NDArray[np.uint8]] = field(default_factory=list)
    known: set[str] = field(default_factory=set)

    def refresh(self) -> int:
        """Open new files; return how many pairs there are."""
        for path in sorted(self.folder.glob("pairs-*.npy")):
            if path.name not in self.known:
                self.known.add(path.name)
                self.shards.append(np.load(path, mmap_mode="r"))
        return len(self.shards) * SHARD

    def crops(self, rng: np.random.Generator, count: int, side: int, slack: int = 3) -> NDArray[np.uint8]:
        """Return (count, 2, side, side, 4) uint8: crops turned and mirrored, dates exchanged in half, the second off by up to `slack` pixels."""
        out = np.empty((count, 2, side, side, 4), np.uint8)
        for k in range(count):
            pair = self.shards[rng.integers(len(self.shards))][rng.integers(SHARD)]
            room = pair.shape[1] - side - 2 * slack
            row, col = rng.integers(slack, slack + room + 1, 2)
            off = np.clip(np.round(rng.normal(0, 1.0, 2)), -slack, slack).astype(int)
            dates = [pair[0, row : row + side, col : col + side], pair[1, row + off[0] : row + off[0] + side, col + off[1] : col + off[1] + side]]
            if rng.random() < 0.5:
                dates.reverse()
            turn, mirror = int(rng.integers(4)), rng.random() < 0.5
            for date, crop in enumerate(dates):
                turned = np.rot90(crop, turn)
                out[k, date] = turned[:, ::-1] if mirror else turned
        return out
