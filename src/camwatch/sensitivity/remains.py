"""What a razed building leaves on the ground, at the date after.

A building that was taken down leaves its ground cleared or overgrown, or its floor, or rubble. No count of these is known for camps, so a third of
the planted ones leaves each: the ground as the later image shows it anyway; a floor of earth or stone as bright as a dull roof, from smooth and whole
to patches between which soil and weeds lie; or rubble, of all that walls and roofs are made of, up to a metre high. Of a tower nothing is left that a
pixel of half a metre shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camwatch.render import Solid
from camwatch.sensitivity.places import MATERIALS

if TYPE_CHECKING:
    from collections.abc import Callable

FLOOR_M, PATCH_M = 0.1, 2.5
"""Height of a floor, and side of its patches: rooms and beddings."""

BARE, PATCHY = (0.5, 1.0), (0.0, 0.4)
"""Share of a floor that lies bare, from overgrown for a season to swept; and how far its patches differ in brightness: ash, clay, damp."""

PIECE_M2 = 6.0
"""Ground for each piece of rubble: about half of it is covered."""


def remains_of(solid: Solid, rng: np.random.Generator) -> list[Solid]:
    """Return what a razed object leaves: nothing of a tower; of a building nothing, its floor, or rubble, as likely each."""
    return [] if solid.kind == "tower" else LEFT[int(rng.integers(len(LEFT)))](solid, rng)


def _nothing(_: Solid, __: np.random.Generator) -> list[Solid]:
    return []


def _floor(solid: Solid, rng: np.random.Generator) -> list[Solid]:
    """Return the patches of a floor."""
    bright, bare, patchy = float(rng.uniform(0.12, 0.35)), rng.uniform(*BARE), rng.uniform(*PATCHY)
    rows, cols = (max(round(side / PATCH_M), 1) for side in (solid.length_m, solid.width_m))
    patches = []
    for n in range(rows * cols):
        share = rng.random()
        reflectance = float(np.clip(bright * (1 + patchy * rng.standard_normal()), 0.03, 0.6))
        if share < bare:
            x, y = _place(solid, (n // cols + 0.5) / rows - 0.5, (n % cols + 0.5) / cols - 0.5)
            sides = solid.length_m / rows, solid.width_m / cols
            patches.append(Solid("building", x, y, *sides, FLOOR_M, solid.azimuth_deg, roof_reflectance=reflectance))
    return patches


def _rubble(solid: Solid, rng: np.random.Generator) -> list[Solid]:
    """Return pieces of walls and roof."""
    pieces = []
    for _ in range(max(round(solid.length_m * solid.width_m / PIECE_M2), 1)):
        x, y = _place(solid, *rng.uniform(-0.5, 0.5, 2))
        length, width = rng.uniform(0.8, 2.5, 2)
        height, turn = rng.uniform(0.2, 1.0), rng.uniform(0, 180)
        bright = float(np.exp(rng.uniform(np.log(0.06), np.log(0.4))))
        material = MATERIALS[rng.integers(len(MATERIALS))]
        pieces.append(Solid("building", x, y, length, width, height, turn, material=material, roof_reflectance=bright))
    return pieces


def _place(solid: Solid, along: float, across: float) -> tuple[float, float]:
    """Return map coordinates within a footprint, of shares of its sides from its middle."""
    (ux, uy), (vx, vy) = solid.axes
    a, b = float(along) * solid.length_m, float(across) * solid.width_m
    return solid.x + a * ux + b * vx, solid.y + a * uy + b * vy


LEFT: tuple[Callable[[Solid, np.random.Generator], list[Solid]], ...] = (_nothing, _floor, _rubble)
"""What a building leaves, as likely each."""
