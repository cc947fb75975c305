"""Dwellings that follow no street: villages, and blocks of flats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camwatch.render.settlement.development import Development, Wall

if TYPE_CHECKING:
    from camwatch.render.settlement.buildings import Sort
    from camwatch.render.settlement.site import Site


def village(site: Site) -> Development:
    """Small houses, crowded and turned at will, with yards and walls."""
    out, rng = Development(), site.rng
    turn, (cx, cy), spread = rng.uniform(0, np.pi), site.spot(0.25), rng.uniform(0.12, 0.4) * site.side
    sort: Sort = "hut" if rng.random() < 0.4 else "house"
    for _ in range(int(rng.integers(8, 70))):
        x, y = (float(v) for v in rng.normal((cx, cy), spread))
        tilt = turn + float(rng.choice([0, np.pi / 2])) + rng.normal(0, rng.uniform(0.02, 0.3))
        if site.build(out, sort if rng.random() < 0.8 else "house", x, y, tilt, gap_m=rng.uniform(0.8, 4)):
            plot = out.plots[-1]
            if rng.random() < 0.4:
                plot.append(site.thing(str(rng.choice(["yard", "field", "lawn", "bare"])), x, y, tilt, site.px(6, 14), site.px(6, 12)))
            if rng.random() < 0.3:
                a, b = site.px(8, 15), site.px(7, 12)
                corners = np.array([(-a, -b), (a, -b), (a, b), (-a, b)])
                c, s = np.cos(tilt), np.sin(tilt)
                out.walls.append(Wall(corners @ np.array([[c, s], [-s, c]]) + (x, y), 0.6, rng.uniform(1.2, 2.4), rng.uniform(0.2, 0.7)))
    out.roads = [site.road(site.way(), rng.uniform(2.5, 6)) for _ in range(int(rng.integers(0, 4)))]
    return out


def blocks(site: Site) -> Development:
    """Blocks of flats and schools between car parks and lawns."""
    out, rng = Development(), site.rng
    turn = rng.uniform(0, np.pi)
    for _ in range(int(rng.integers(3, 20))):
        x, y = site.spot(0.02)
        site.build(out, "block", x, y, turn + float(rng.choice([0, np.pi / 2])) + rng.normal(0, 0.04), gap_m=rng.uniform(4, 9))
    for _ in range(int(rng.integers(1, 6))):
        x, y = site.spot()
        out.patches.append(site.thing(str(rng.choice(["parking", "parking", "court", "lawn", "pool"])), x, y, turn, site.px(12, 40), site.px(7, 20)))
    out.roads = [site.road(site.way(), rng.uniform(5, 12)) for _ in range(int(rng.integers(1, 4)))]
    return out
