"""What roofs look like: covering, stains, seams, sections, fittings, and what harm leaves of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from camwatch.render.settlement.noise import noise_tables

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.render.settlement.buildings import Building

    Plane = NDArray[np.float32]

TARPAULINS = ((0.14, 0.24, 0.66), (0.20, 0.32, 0.72), (0.74, 0.75, 0.76), (0.34, 0.28, 0.20), (0.18, 0.34, 0.28), (0.12, 0.12, 0.13))
"""Reflectances of sheeting over a damaged roof."""


@dataclass(slots=True, eq=False)
class Roofs:
    """The upper envelope of a building's parts on one window: heights, facets, place along and across the part, distance to its rim, ridges."""

    height: Plane
    east: Plane
    south: Plane
    u: Plane
    v: Plane
    edge: Plane
    ridge: NDArray[np.bool_]


def covered(rng: np.random.Generator, building: Building, stamp: Roofs, pixel: float) -> Plane:
    """Return the roofs' reflectance (3, y, x): stains, seams, a darker side, a rim."""
    shape = stamp.height.shape
    stains = noise_tables().field(rng, shape, float(rng.choice([0.6, 1.4, 2.0])), float(rng.choice([1, 1.5, 2, 4])))
    light = np.exp(np.float32(rng.choice([0.02, 0.05, 0.09, 0.16])) * stains)
    if building.covering in {"sheet", "tile"} and rng.random() < 0.5:
        pitch = rng.uniform(0.8, 4.0) / pixel
        light *= 1 + np.float32(rng.uniform(0.02, 0.10)) * np.sin(stamp.u * np.float32(2 * np.pi / pitch))
    if building.sort in {"hall", "block", "barrack"} and rng.random() < 0.4:
        light = light * _sections(rng, stamp.u if rng.random() < 0.7 else stamp.v, pixel)
    if rng.random() < 0.12:  # half of it mended
        light = np.where(stamp.u > rng.normal(0, 0.4) * np.abs(stamp.u).max(), light * np.float32(rng.uniform(0.6, 1.5)), light)
    if rng.random() < 0.03:  # half built: rafters over a dark inside
        u = stamp.u * np.float32(2 * np.pi * pixel / rng.uniform(1.2, 3.0))
        light = np.where(np.sin(u) > rng.uniform(-0.3, 0.5), light * np.float32(1.2), light * np.float32(0.45))
    rim = stamp.edge < rng.uniform(0.4, 0.9) / pixel
    if building.parts[0].roof == "flat" and rng.random() < 0.7:
        light = np.where(rim, np.clip(light * np.float32(rng.uniform(0.6, 1.5)), 0, 1.3), light)
        np.copyto(stamp.height, stamp.height + np.float32(rng.uniform(0.3, 1.2)), where=rim & (stamp.height > 0))
    elif rng.random() < 0.4:
        light = np.where(rim, light * np.float32(rng.uniform(0.75, 1.2)), light)
    light = np.where(stamp.ridge, light * np.float32(1 + rng.choice([-0.15, 0.0, 0.1, 0.25, 0.4])), light)
    return np.asarray(np.array(building.colour, np.float32)[:, None, None] * light, np.float32)


def _sections(rng: np.random.Generator, along: Plane, pixel: float) -> Plane:
    """Return what sections built one after the other, and rows of skylights, do to the brightness of a long roof."""
    edges = np.sort(rng.uniform(float(along.min()), float(along.max()), int(rng.integers(1, 5))))
    levels = np.exp(rng.normal(0, rng.uniform(0.05, 0.35), len(edges) + 1)).astype(np.float32)
    light = levels[np.searchsorted(edges, along)]
    if rng.random() < 0.5:
        pitch, share = rng.uniform(4, 14) / pixel, rng.uniform(0.08, 0.3)
        light = np.where((along / pitch) % 1 < share, light * np.float32(np.exp(rng.normal(0, 0.4))), light)
    return np.asarray(light, np.float32)


def fitted(rng: np.random.Generator, building: Building, stamp: Roofs, colour: Plane, pixel: float) -> None:
    """Put chimneys, vents, skylights, tanks and panels on the roofs; they rise, so the sun throws their shadows."""
    area = float((stamp.height > 0).sum()) * pixel**2
    flat = building.parts[0].roof == "flat"
    mean = area / (90.0 if flat else 160.0) if building.sort in {"hall", "block", "house", "villa", "barrack"} else 0.0
    places = np.argwhere(stamp.edge[...] * (stamp.height > 0) > 1.0)
    if not len(places) or rng.random() < 0.3:
        return
    for _ in range(min(int(rng.poisson(mean)), 60)):
        row, col = places[rng.integers(len(places))]
        high, wide = (max(1, round(rng.uniform(0.7, 3.0 if flat else 1.6) / pixel)) for _ in range(2))
        spot = (slice(row, row + high), slice(col, col + wide))
        on = stamp.height[spot] > 0
        if rng.random() < 0.6:
            stamp.height[spot] += np.float32(rng.uniform(0.4, 1.8)) * on
        colour[:, *spot] = np.where(on, np.float32(rng.uniform(0.15, 0.95)), colour[:, *spot])
    if rng.random() < 0.06:  # solar panels
        row, col = places[rng.integers(len(places))]
        spot = (slice(row, row + max(2, round(4 / pixel))), slice(col, col + max(2, round(6 / pixel))))
        colour[:, *spot] = np.where(stamp.height[spot] > 0, np.array([0.08, 0.09, 0.14], np.float32)[:, None, None], colour[:, *spot])


def harmed(rng: np.random.Generator, stamp: Roofs, colour: Plane, pixel: float) -> None:
    """Open a roof, or cover the opening: rafters over a dark inside, missing covering, tarpaulins."""
    long, wide = (max(float(np.abs(plane).max()), 1.0) for plane in (stamp.u, stamp.v))
    for _ in range(int(rng.integers(1, 4))):
        u, v = rng.uniform(-1, 1) * long, rng.uniform(-1, 1) * wide
        spot = (np.abs(stamp.u - u) < rng.uniform(0.15, 0.9) * long) & (np.abs(stamp.v - v) < rng.uniform(0.3, 1.0) * wide)
        if rng.random() < 0.5:
            tint = np.array(TARPAULINS[rng.integers(len(TARPAULINS))], np.float32) * np.float32(rng.uniform(0.7, 1.3))
            np.copyto(colour, tint[:, None, None], where=spot)
            continue
        ragged = spot & (noise_tables().field(rng, stamp.u.shape, 1.4) > rng.uniform(-1.2, 0.4))
        timber = np.sin(stamp.u * np.float32(2 * np.pi * pixel / rng.uniform(1.0, 3.0))) > rng.uniform(-0.2, 0.8)
        np.copyto(colour, np.where(timber, np.float32(rng.uniform(0.35, 0.7)), np.float32(rng.uniform(0.05, 0.3))), where=ragged)
        np.copyto(stamp.height, np.where(timber, stamp.height, stamp.height * np.float32(0.3)), where=ragged & (rng.random() < 0.5))
