"""Woods and gardens of a kind that lies at one place, or at nine, of the rendered valley and is laid bare: told, found, or passed over."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from shapely import union_all
from shapely.geometry import box

import _land_valley as valley
from camwatch.detect import detect_landcover
from camwatch.rasters import mask_of
from camwatch.render.world import Patch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shapely.geometry.base import BaseGeometry

PAIRS = {"summers": ((8, 20), (8, 10)), "harvest": ((9, 25), (10, 21))}
CASES = (
    ("crown", 600.0, 1, 1.0),
    ("crown", 1200.0, 1, 0.0),
    ("crown", 1200.0, 1, 0.5),
    ("crown", 1200.0, 1, 1.0),
    ("crown", 1800.0, 1, 1.0),
    ("crown", 1200.0, 9, 0.5),
    ("crown", 1200.0, 9, 1.0),
    ("garden", 1200.0, 1, 1.0),
    ("garden", 1200.0, 9, 1.0),
)
"""Cover, root of the area of all of it in metres, number of places, share laid bare."""
APART_M, EDGE_M = 400.0, 900.0


def rare(seed: int, side_m: float, places: int) -> list[BaseGeometry]:
    """Return squares that lie apart, of one area together."""
    rng, each = np.random.default_rng([seed, round(side_m), places]), side_m / places**0.5
    left, bottom, right, top = valley.GRID.extent.boundingbox
    out: list[BaseGeometry] = []
    while len(out) < places:
        x, y = rng.uniform(left + EDGE_M, right - EDGE_M - each), rng.uniform(bottom + EDGE_M, top - EDGE_M - each)
        square = box(x, y, x + each, y + each)
        if all(square.distance(other) > APART_M for other in out):
            out.append(square)
    return out


def laid_bare(squares: list[BaseGeometry], share: float) -> list[BaseGeometry]:
    """Return the southern share of each square."""
    bounds = [square.bounds for square in squares]
    return [box(left, bottom, right, bottom + share * (top - bottom)) for left, bottom, right, top in bounds] if share else []


def show_rare(seeds: Iterable[int]) -> None:
    """Print, for each seed, what is told and found of the ground laid bare, and what is reported of the rest of its kind and elsewhere."""
    print(
        "\n| seed | pair | cover | all of it | laid bare | told | found | passed over | rest told | reported | elsewhere reported, km² | told |\n"
        + "| --- " * 12
        + "|"
    )
    for seed in seeds:
        for name in PAIRS:
            for case in CASES:
                cover, side_m, places, share = case
                print(f"| {seed} | {name} | {cover} | {side_m**2 / 1e6:.2f} km² at {places} | {share:g} | {_row(seed, name, case)} |", flush=True)


def _row(seed: int, name: str, case: tuple[str, float, int, float]) -> str:
    """Return what is told, found and, though told, not found of what was laid bare; told and reported of the rest; reported and told elsewhere."""
    (first, second), (cover, side_m, places, share) = PAIRS[name], case
    squares = rare(seed, side_m, places)
    bare = laid_bare(squares, share)
    kind = tuple(Patch(square, cover) for square in squares)
    before = valley.seen(seed, date(2010, *first), rare=kind)
    after = valley.seen(seed, date(2011, *second), rare=kind + tuple(Patch(part, "bare") for part in bare), offset_m=(5.0, -4.0))
    found = detect_landcover(before, after, valley.SITE)
    told, reported = np.isfinite(found.score), mask_of(union_all([r.geometry for r in found.records]), valley.GRID)
    gone, kept = (mask_of(union_all(shapes).buffer(-valley.PIXEL_M), valley.GRID) for shapes in (bare, squares))
    kept &= ~mask_of(union_all(bare).buffer(1.5 * valley.PIXEL_M), valley.GRID)
    far = ~mask_of(union_all(squares).buffer(2 * valley.PIXEL_M), valley.GRID, touched=True)
    shares = [(told, gone), (reported, gone), (told & ~reported, gone), (told, kept), (reported, kept)]
    cells = [f"{plane[there].mean():.2f}" if there.any() else "–" for plane, there in shares]
    return " | ".join([*cells, f"{reported[far].sum() * valley.PIXEL_M**2 / 1e6:.2f}", f"{told[far].mean():.2f}"])
