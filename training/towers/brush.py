"""How one thing is painted into a turned view: what a block covers, its shadow, its roof, a crown, and whether enough of it is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi

from camwatch.detect._tower_frame import PIXEL_M

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Block = tuple[NDArray[np.float64], NDArray[np.float64]]
    At = tuple[NDArray[np.float32], NDArray[np.float32]]

FAINT, PALE = 0.12, 0.10
"""Change of the ground, in tones, below which a roof is not seen, and a shadow; median ground has a spread of 0.67."""


@dataclass(frozen=True, slots=True)
class Thing:
    """What is painted: place in pixels, sides and height in metres, turn in radians."""

    sort: str
    v: float
    u: float
    long_m: float
    wide_m: float
    high_m: float
    turn: float


def block(thing: Thing, share: float = 1.0) -> Block:
    """Return the outward normals (v, u) of the four sides of a block, and their distances from its middle in pixels, `share` times as far."""
    c, s = np.cos(thing.turn), np.sin(thing.turn)
    normals = np.array([(c, s), (-c, -s), (-s, c), (s, -c)])
    return normals, np.array([thing.long_m, thing.long_m, thing.wide_m, thing.wide_m]) * (share / 2 / PIXEL_M)


def cover(shape: Block, first: NDArray[np.float64], last: NDArray[np.float64], at: At, soft: float) -> NDArray[np.float32]:
    """Return how much of each pixel a block covers that slides from `first` to `last`: an intersection of half planes, blurred over `soft` pixels."""
    normals, reach = shape
    planes = [(n, r + max(float(n @ first), float(n @ last))) for n, r in zip(normals, reach, strict=True)]
    slide = last - first
    if slide.any():
        aside = np.array([-slide[1], slide[0]]) / np.hypot(*slide)
        wide = float(np.abs(normals[0] @ aside) * reach[0] + np.abs(normals[2] @ aside) * reach[2])
        planes += [(aside, wide + float(aside @ first)), (-aside, wide - float(aside @ first))]
    away = np.full((at[0].shape[0], at[1].shape[1]), -np.inf, np.float32)
    for normal, limit in planes:
        np.maximum(away, np.float32(normal[0]) * at[0] + np.float32(normal[1]) * at[1] - np.float32(limit), out=away)
    return np.asarray(np.clip(0.5 - away / np.float32(soft), 0, 1), np.float32)


def shadow_of(  # noqa: PLR0917 all plain
    thing: Thing, at: At, lean: NDArray[np.float64], tip: NDArray[np.float64], soft: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the shadow 0..1 of a thing whose base lies a `lean` before its roof: whole, or of a cabin on legs or a shaft."""
    start = tip * (float(rng.uniform(0, 0.7)) if rng.random() < 0.6 and thing.sort not in {"large", "wall"} else 0.0)
    shade = cover(block(thing), start - lean, tip - lean, at, soft) * np.float32(rng.uniform(0.7, 1.0))
    if start.any():
        below = rng.random()
        if below < 0.35:  # lattice, legs, stairs
            shade = np.maximum(shade, cover(block(thing), -lean, start - lean, at, soft) * np.float32(rng.uniform(0.1, 0.6)))
        elif below < 0.65:
            shaft = cover(block(thing, float(rng.uniform(0.2, 0.6))), -lean, start - lean, at, soft)
            shade = np.maximum(shade, shaft * np.float32(rng.uniform(0.3, 1.0)))
    if rng.random() < 0.3:  # bushes, ruts and stones break a shadow
        rough = ndi.gaussian_filter(rng.standard_normal(shade.shape, dtype=np.float32), float(rng.uniform(0.7, 3.0)))
        shade = shade * np.clip(1 - np.float32(rng.uniform(0.1, 0.6)) * rough / rough.std(), 0, 1)
    return np.asarray(shade, np.float32)


def darken(planes: NDArray[np.float32], shade: NDArray[np.float32], light: tuple[float, float, float], rng: np.random.Generator) -> None:
    """Lay a shadow: what it covers keeps a share of its light, and no more than the ground around would; `light`: black, that share, the level."""
    black, keep, level = light
    under = black + keep * (0.6 * planes[0] + 0.4 * level - black)
    planes[0] += shade * np.minimum(under - planes[0], 0)
    planes[1] *= 1 - shade * (1 - keep)
    planes[2] *= 1 - shade * (1 - keep)
    planes[2] += shade * np.float32(rng.uniform(0.0, 0.15))


def cover_with(planes: NDArray[np.float32], share: NDArray[np.float32], tone: NDArray[np.float32] | float, colour: NDArray[np.float64]) -> None:
    """Cover with a tone and two colours."""
    planes[0] += share * (tone - planes[0])
    planes[1:] += share * (colour.astype(np.float32)[:, None, None] - planes[1:])


def facets(at: At, thing: Thing, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return what the parts of a roof reflect against its mean: one, two halves, a rim, or four slopes, brightest towards the sun."""
    v, u = at
    out = np.ones((v.shape[0], u.shape[1]), np.float32)
    if thing.sort == "crown":
        shaded = np.tanh(u / (thing.long_m / 2 / PIXEL_M)) * rng.uniform(0.1, 0.5)
        return np.asarray(1 - shaded + 0.15 * rng.standard_normal(out.shape), np.float32)
    a, kind = rng.uniform(0, 2 * np.pi), rng.random()
    c, s = np.cos(thing.turn), np.sin(thing.turn)
    along, across = v * np.float32(c) + u * np.float32(s), -v * np.float32(s) + u * np.float32(c)
    if kind < 0.32:
        half = v * np.float32(np.cos(a)) + u * np.float32(np.sin(a)) > rng.normal(0, 1)
        out[half] = np.exp(rng.normal(0, 0.4))
    elif kind < 0.58:
        first = np.abs(along) > np.abs(across)
        out += np.where(first, -np.sign(along) * s, -np.sign(across) * c).astype(np.float32) * np.float32(rng.uniform(0.1, 0.5))
    elif kind < 0.74:  # a parapet, a hatch, an open floor
        edge = np.maximum(np.abs(along) / thing.long_m, np.abs(across) / thing.wide_m) * (2 * PIXEL_M)
        out[edge < rng.uniform(0.3, 0.8)] = np.exp(rng.normal(0, 0.4))
    grain = float(rng.uniform(0.02, 0.15))
    return np.asarray(out + np.float32(grain) * rng.standard_normal(out.shape, dtype=np.float32), np.float32)


def crown(at: At, thing: Thing, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the cover of a round crown with a ragged edge."""
    v, u = at
    angle = np.arctan2(v, u + np.zeros_like(v))
    edge = sum(rng.normal(0, 0.12) * np.cos(k * angle + rng.uniform(0, 6)) for k in (2, 3, 5, 7))
    away = np.hypot(v, u) - thing.long_m / 2 / PIXEL_M * (1 + edge)
    return np.asarray(np.clip(0.5 - away / np.float32(rng.uniform(1.0, 3.0)), 0, 1), np.float32)


def seen(before: NDArray[np.float32], after: NDArray[np.float32], top: NDArray[np.float32], shade: NDArray[np.float32]) -> bool:
    """Return whether a painted roof, or else its shadow, differs from the ground that lay there before."""
    change = np.abs(after - before).sum(axis=0)
    roof, dark = (float(change[part > 0.5].mean()) if (part > 0.5).any() else 0.0 for part in (top, shade * (top < 0.2)))
    return roof > FAINT and (dark > PALE or roof > 4 * FAINT)
