"""One place at two dates: two pictures, what fills each pixel, and which buildings came, went and stayed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from camwatch.render.settlement.dates import AFTER, APPEARED, BEFORE, NEVER, REMOVED, STAYS, World, draw_date
from camwatch.render.settlement.layout import develop, strewn
from camwatch.render.settlement.site import Site
from camwatch.render.settlement.trees import plant_trees

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.render.settlement.development import Development


@dataclass(frozen=True, slots=True)
class Recipe:
    """What pairs are drawn: `side` in pixels, the range of `pixel_m` in metres, how often no building changes."""

    side: int = 512
    pixel_m: tuple[float, float] = (0.32, 1.1)
    quiet: float = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPair:
    """Two dates of an invented place.

    Attributes
    ----------
    pictures : 2 × (y, x, 3) uint8
        As delivered, on one grid.
    kinds : 2 × (y, x) uint8
        Class of each pixel, :mod:`camwatch.render.settlement.canvas`.
    numbers : 2 × (y, x) int16
        Building of each pixel, 0 = none; the same building has one number at both dates.
    changes : (number of buildings + 1,) uint8
        By building: 0 stays, 1 appeared, 2 removed, 3 stood at neither date.
    pixel_m : float
    """

    pictures: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    kinds: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    numbers: tuple[NDArray[np.int16], NDArray[np.int16]]
    changes: NDArray[np.uint8]
    pixel_m: float


def labelled_pair(seed: int, recipe: Recipe = Recipe()) -> LabelledPair:
    """Draw a pair of pictures with its truth.

    Parameters
    ----------
    seed : int
        The same seed and recipe give the same bytes.
    recipe : Recipe
    """
    rng = np.random.default_rng(seed)
    low, high = np.log(recipe.pixel_m)
    # Half of all pairs at the pixel that the network is used with, the others spread evenly over the logarithm.
    pixel_m = float(rng.uniform(0.42, 0.6) if rng.random() < 0.5 else np.exp(rng.uniform(low, high)))
    world = _world(rng, recipe, pixel_m)
    azimuth = rng.uniform(0, 360)
    dates = [draw_date(world, when, rng, azimuth + rng.normal(0, 25)) for when in (BEFORE, AFTER)]
    changes = np.array([0] + [c for _, _, each in world.developments for c in each], np.uint8)
    pictures, kinds, numbers = zip(*dates, strict=True)
    return LabelledPair(pictures, kinds, numbers, changes, pixel_m)


def _world(rng: np.random.Generator, recipe: Recipe, pixel_m: float) -> World:
    site = Site(rng, recipe.side, pixel_m)
    developments = []
    for _ in range(int(rng.choice([0, 1, 1, 1, 1, 2]))):
        made = develop(site)
        developments.append((made, *_fate(rng, made, recipe)))
    trees = plant_trees(site, [made for made, _, _ in developments])
    everywhere = [(thing, _dates(rng, 0.6)) for thing in strewn(site, float(rng.choice([1, 4, 9])))]
    return World(site, developments, trees, everywhere, (int(rng.integers(1 << 30)), int(rng.integers(1 << 30))))


def _dates(rng: np.random.Generator, both: float) -> tuple[bool, bool]:
    draw = rng.random()
    return (True, True) if draw < both else (draw < both + (1 - both) / 2, draw >= both + (1 - both) / 2)


def _fate(rng: np.random.Generator, made: Development, recipe: Recipe) -> tuple[tuple[bool, bool], list[int]]:
    """Return at which dates the ground of a development is in use, and what becomes of each building."""
    n = len(made.buildings)
    if rng.random() < recipe.quiet or not n:
        return (True, True), [STAYS] * n
    scheme = str(rng.choice(["new", "gone", "some", "side", "swap", "levelled"], p=[0.27, 0.12, 0.26, 0.18, 0.10, 0.07]))
    if scheme == "levelled":  # streets and pads are there, of the buildings few
        made.levelled, built = True, rng.uniform(0, 0.3)
        return (bool(rng.random() < 0.4), True), [APPEARED if rng.random() < built else NEVER for _ in range(n)]
    made.ruined = bool(rng.random() < 0.45)
    if scheme in {"new", "gone"}:
        change = APPEARED if scheme == "new" else REMOVED
        left = rng.uniform(0, 0.15)
        each = [STAYS if rng.random() < left else change for _ in range(n)]
        # Ground is often graded, and streets are laid, before a house stands; and slabs stay behind.
        early = bool(rng.random() < 0.35 or STAYS in each)
        return ((early, True) if scheme == "new" else (True, early)), each
    change = int(rng.choice([APPEARED, APPEARED, REMOVED]))
    if scheme == "side":
        a = rng.uniform(0, 2 * np.pi)
        along = np.array([b.x * np.cos(a) + b.y * np.sin(a) for b in made.buildings])
        return (True, True), [change if v > np.quantile(along, 0.5) else STAYS for v in along]
    share = rng.uniform(0.05, 0.5)
    if scheme == "some":
        return (True, True), [change if rng.random() < share else STAYS for _ in range(n)]
    return (True, True), [int(rng.choice([APPEARED, REMOVED])) if rng.random() < share else STAYS for _ in range(n)]
