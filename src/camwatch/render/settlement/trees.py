"""Where trees stand: scattered, in woods, in gardens; never on a road."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camwatch.render.settlement.canvas import stroke
from camwatch.render.settlement.noise import noise_tables
from camwatch.render.settlement.things import Tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camwatch.render.settlement.development import Development
    from camwatch.render.settlement.site import Site

GREENS = ((0.10, 0.15, 0.08), (0.16, 0.20, 0.10), (0.22, 0.26, 0.14), (0.30, 0.27, 0.20), (0.07, 0.11, 0.07))
"""Reflectances (red, green, blue) of crowns; each tree varies them."""

MOST = 3000
"""Trees of a kind in a scene."""


def plant_trees(site: Site, developments: Sequence[Development]) -> list[Tree]:
    """Return the trees of a scene."""
    rng = site.rng
    roads = np.zeros((site.side, site.side), bool)
    for road in (r for made in developments for r in made.roads):
        roads |= stroke(site.side, road.points, road.width + 2.0 / site.pixel_m)
    trees = _scattered(site, float(rng.choice([0, 3, 10, 30, 70])))
    if rng.random() < 0.4:
        trees += _woods(site)
    if rng.random() < 0.5:
        share = float(rng.choice([0.5, 1.5, 3.0, 7.0]))
        for made in developments:
            for building in made.buildings:
                trees += _garden(site, building.x, building.y, int(rng.poisson(share)))
    return [t for t in trees if 0 <= t.x < site.side and 0 <= t.y < site.side and not roads[int(t.y), int(t.x)]]


def _tree(site: Site, x: float, y: float, radius_m: float, green: tuple[float, float, float]) -> Tree:
    c = np.array(green) * np.exp(site.rng.normal(0, 0.15))
    return Tree(x, y, radius_m / site.pixel_m, float(site.rng.uniform(0.8, 2.0) * radius_m + 1), (float(c[0]), float(c[1]), float(c[2])))


def _green(rng: np.random.Generator) -> tuple[float, float, float]:
    return GREENS[rng.integers(len(GREENS))]


def _scattered(site: Site, per_hectare: float) -> list[Tree]:
    """Return lone trees, denser here than there."""
    rng, n = site.rng, site.side
    density = noise_tables().field(rng, (n // 8 + 1, n // 8 + 1), 3.0)
    out = []
    for _ in range(min(int(rng.poisson(per_hectare * (n * site.pixel_m) ** 2 / 1e4)), MOST)):
        x, y = (float(v) for v in rng.uniform(0, n, 2))
        if density[int(y) // 8, int(x) // 8] > rng.normal(0, 0.7):
            out.append(_tree(site, x, y, float(rng.uniform(1.0, 5.5)), _green(rng)))
    return out


def _woods(site: Site) -> list[Tree]:
    """Return crowns that touch, over some of the ground: of one kind, a few metres apart."""
    rng, n = site.rng, site.side
    where = noise_tables().field(rng, (n // 8 + 1, n // 8 + 1), 3.0) > rng.uniform(-0.6, 1.3)
    step = max(rng.uniform(2.2, 6.0), 0.5 * n * site.pixel_m / MOST**0.5) / site.pixel_m
    size, green, ragged = float(rng.uniform(0.5, 0.8)), _green(rng), rng.uniform(0, 0.6)
    out = []
    for row in np.arange(0, n, step):
        for col in np.arange(0, n, step):
            x, y = (float(v) for v in rng.normal((col, row), 0.3 * step))
            if 0 <= x < n and 0 <= y < n and where[int(y) // 8, int(x) // 8] and rng.random() > ragged:
                out.append(_tree(site, x, y, size * step * site.pixel_m * float(rng.uniform(0.6, 1.3)), green if rng.random() < 0.7 else _green(rng)))
    return out[:MOST]


def _garden(site: Site, x: float, y: float, count: int) -> list[Tree]:
    """Return trees and bushes around a building."""
    rng = site.rng
    out = []
    for _ in range(count):
        a, far = rng.uniform(0, 2 * np.pi), site.px(5, 18)
        out.append(_tree(site, float(x + far * np.cos(a)), float(y + far * np.sin(a)), float(rng.uniform(0.8, 5.0)), _green(rng)))
    return out
