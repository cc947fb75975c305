"""What a place is filled with: a development of a random layout, and patches that belong to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camwatch.render.settlement.dwellings import blocks, village
from camwatch.render.settlement.patches import PATCHES
from camwatch.render.settlement.premises import barracks, farm, works
from camwatch.render.settlement.suburb import suburb

if TYPE_CHECKING:
    from collections.abc import Callable

    from camwatch.render.settlement.development import Development
    from camwatch.render.settlement.site import Site
    from camwatch.render.settlement.things import Thing

LAYOUTS: tuple[tuple[Callable[[Site], Development], float], ...] = (
    (suburb, 0.34),
    (barracks, 0.18),
    (works, 0.16),
    (village, 0.13),
    (blocks, 0.09),
    (farm, 0.10),
)
"""Layouts, and how often each is drawn."""


def develop(site: Site) -> Development:
    """Return a development of a random layout."""
    odds = np.array([share for _, share in LAYOUTS])
    return LAYOUTS[int(site.rng.choice(len(LAYOUTS), p=odds / odds.sum()))][0](site)


def strewn(site: Site, mean: float) -> list[Thing]:
    """Return patches that belong to nothing, about `mean` of them, large and small."""
    rng = site.rng
    out = []
    for sort in rng.choice(sorted(PATCHES), int(rng.poisson(mean))):
        x, y = site.spot(-0.05)
        low, high = {
            "field": (20, 90),
            "terraces": (20, 80),
            "bare": (4, 50),
            "parking": (8, 40),
            "heap": (4, 25),
            "debris": (4, 12),
            "pool": (3, 6),
        }.get(str(sort), (2, 22))
        out.append(site.thing(str(sort), x, y, float(rng.uniform(0, np.pi)), site.px(low, high), site.px(low, high)))
    return sorted(out, key=lambda t: -t.long * t.wide)
