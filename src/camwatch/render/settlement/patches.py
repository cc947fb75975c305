"""Patches of ground, by sort: what looks like a building from above and is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camwatch.render.settlement.canvas import frame
from camwatch.render.settlement.remains import debris, litter, pad, ruin
from camwatch.render.settlement.stores import greenhouse, heap, stacks, tank
from camwatch.render.settlement.surfaces import bare, court, disc, field, parking, plain, pool, terraces

if TYPE_CHECKING:
    from collections.abc import Callable

    from camwatch.render.settlement.canvas import Canvas, Plane, Window
    from camwatch.render.settlement.things import Thing

PATCHES: dict[str, Callable[[Canvas, Thing, Window, Plane, Plane], None]] = {
    "slab": plain("concrete", "concrete", "asphalt", "gravel"),
    "drive": plain("concrete", "concrete", "asphalt"),
    "lawn": plain("grass", "grass", "grass", "dry", "soil"),
    "yard": plain("soil", "gravel", "dry", "sand"),
    "dark": plain("asphalt", "coal", "water", "forest"),
    "pond": plain("water"),
    "garden": plain("grass", "grass", "forest", "dry", "soil", "gravel", "coal"),
    "bare": bare,
    "field": field,
    "terraces": terraces,
    "parking": parking,
    "court": court,
    "pool": pool,
    "heap": heap,
    "stacks": stacks,
    "greenhouse": greenhouse,
    "debris": debris,
    "ruin": ruin,
    "litter": litter,
    "pad": pad,
    "tank": tank,
    "disc": disc,
}
"""Every sort of patch; none of them is a building, so each is something to be told from one."""


def draw_patch(canvas: Canvas, thing: Thing) -> None:
    """Draw a patch of ground: a yard, a drive, a lawn, a pool, a court, a car park, a field, a pit, a heap, a greenhouse, debris."""
    window = canvas.window(thing.x, thing.y, float(np.hypot(thing.long, thing.wide)) + 1)
    if window is None:
        return
    u, v = frame(window, thing.x, thing.y, thing.turn)
    PATCHES[thing.sort](canvas, thing, window, u, v)
