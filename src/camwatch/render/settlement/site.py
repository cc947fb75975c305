"""A square of ground that fills up: it draws by lot, and knows what is taken."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from camwatch.render.settlement.buildings import invent
from camwatch.render.settlement.canvas import frame
from camwatch.render.settlement.development import Development, Road
from camwatch.render.settlement.things import Thing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from camwatch.render.settlement.buildings import Building, Sort

COARSE = 4
"""Pixels along the side of a cell of the map of what is taken."""

ANNEXES = 0.08
"""Share of the larger buildings that have another against them."""


class Site:
    """A square of ground that fills up: draws, and knows what is taken."""

    def __init__(self, rng: np.random.Generator, side: int, pixel_m: float) -> None:
        self.rng, self.side, self.pixel_m = rng, side, pixel_m
        # Houses of one development are often roofed alike.
        self.fashion = invent(rng, "house", 0.0, 0.0, 0.0, pixel_m) if rng.random() < 0.55 else None
        self.yards = float(rng.choice([0.0, 0.3, 0.9]))
        self.taken = np.zeros((side // COARSE + 1, side // COARSE + 1), bool)

    def px(self, low_m: float, high_m: float) -> float:
        """Return a length in pixels of `low_m` to `high_m` metres."""
        return float(self.rng.uniform(low_m, high_m)) / self.pixel_m

    def claim(self, parts: Sequence[tuple[float, float, float, float, float]], gap_m: float) -> bool:
        """Take the rectangles (x, y, turn, half length, half width) where they and `gap_m` around are free; say whether they were."""
        whole = (slice(0, self.taken.shape[0]), slice(0, self.taken.shape[1]))
        gap = gap_m / self.pixel_m
        frames = [(*frame(whole, x / COARSE, y / COARSE, turn), long, wide) for x, y, turn, long, wide in parts]
        if any((self.taken & (np.abs(u) < (long + gap) / COARSE) & (np.abs(v) < (wide + gap) / COARSE)).any() for u, v, long, wide in frames):
            return False
        for u, v, long, wide in frames:
            self.taken |= (np.abs(u) <= long / COARSE) & (np.abs(v) <= wide / COARSE)
        return True

    def build(self, into: Development, sort: Sort, x: float, y: float, turn: float, *, gap_m: float, plot: list[Thing] | None = None) -> bool:
        """Put up a building where there is room."""
        if not (-20 < x < self.side + 20 and -20 < y < self.side + 20):
            return False
        building = invent(self.rng, sort, x, y, turn, self.pixel_m)
        if not self.claim([(p.x, p.y, p.turn, p.long, p.wide) for p in building.parts], gap_m):
            return False
        if self.fashion is not None and sort in {"house", "villa", "barrack"} and self.rng.random() < 0.85:
            tint = np.clip(np.array(self.fashion.colour) * np.exp(self.rng.normal(0, 0.12)), 0.03, 0.97)
            building = replace(building, covering=self.fashion.covering, colour=(float(tint[0]), float(tint[1]), float(tint[2])))
        into.buildings.append(building)
        into.plots.append(plot or [])
        if sort in {"house", "barrack", "hall", "villa"} and self.rng.random() < ANNEXES:
            self._annex(into, building)
        return True

    def _annex(self, into: Development, main: Building) -> None:
        """Put a lower building of another make against one: it may come or go while the other stays."""
        rng, part = self.rng, main.parts[0]
        other = invent(rng, main.sort, main.x, main.y, main.turn, self.pixel_m)
        long, wide = part.long * rng.uniform(0.2, 0.6), part.wide * rng.uniform(0.3, 0.8)
        off = part.wide + wide if rng.random() < 0.6 else 0.0
        along = rng.uniform(-1, 1) * (part.long - long) if off else part.long + long
        u, v = float(rng.choice([-1, 1])) * along, float(rng.choice([-1, 1])) * off
        c, s = np.cos(part.turn), np.sin(part.turn)
        x, y = float(part.x + u * c - v * s), float(part.y + u * s + v * c)
        piece = replace(other.parts[0], x=x, y=y, turn=part.turn, long=long, wide=wide, eaves_m=part.eaves_m * rng.uniform(0.6, 1.0))
        into.buildings.append(replace(other, x=x, y=y, parts=(piece,)))
        into.plots.append([])

    def thing(self, sort: str, x: float, y: float, turn: float, long: float, wide: float) -> Thing:  # noqa: PLR0917 a place is three numbers
        """Return a patch or a box with a seed of its own."""
        return Thing(sort, x, y, turn, long, wide, int(self.rng.integers(1 << 30)))

    def road(self, points: NDArray[np.float64], width_m: float) -> Road:
        """Return a way of a random make."""
        make = str(self.rng.choice(["asphalt", "concrete", "soil", "sand", "dry", "gravel"], p=[0.36, 0.28, 0.12, 0.08, 0.08, 0.08]))
        return Road(points, width_m / self.pixel_m, make, bool(self.rng.random() < 0.25 and width_m > 6), int(self.rng.integers(1 << 30)))

    def way(self) -> NDArray[np.float64]:
        """Return a bent line (60, 2) across the site."""
        n, rng = self.side, self.rng
        ends = np.array([[rng.uniform(-0.1, 1.1) * n, -0.05 * n], [rng.uniform(-0.1, 1.1) * n, 1.05 * n]])
        if rng.random() < 0.5:
            ends = ends[:, ::-1]
        middle = ends.mean(axis=0) + rng.normal(0, 0.2 * n * (rng.random() < 0.6), 2)
        t = np.linspace(0, 1, 60)[:, None]
        return np.asarray((1 - t) ** 2 * ends[0] + 2 * t * (1 - t) * middle + t**2 * ends[1])

    def spot(self, margin: float = 0.1) -> tuple[float, float]:
        """Return a place (x, y), no nearer to the sides than this share of them."""
        x, y = self.rng.uniform(margin, 1 - margin, 2) * self.side
        return float(x), float(y)
