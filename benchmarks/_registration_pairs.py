"""Pairs with a known transform: far moves, other sensors, other bands, bent ground."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np

import _registration_ground as g
import _registration_moves as m
from _registration_spoils import archived

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _registration_ground import Ground
    from _registration_moves import Move
    from camwatch.imagery.image import Image

    Maker = Callable[[], Ground]
    Make = Callable[[np.random.Generator], "Pair"]

Expect = Literal["answer", "refusal", "either", "untouched"]
"""`either`: right or refused, never wrong; `untouched`: as delivered, or moved by less than two standard errors."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two images and what is known of them.

    Attributes
    ----------
    reference, moving : Image
    move : Move or None
        The truth; None where there is none.
    base : Image or None
        The moving image before it was moved, where its own place on the reference is not known: then the answer for `moving` must be the answer for
        `base`, moved on (consistency; errors that both share cancel).
    known_px : float
        How well the truth itself is known: the bands of a real sensor coincide to some hundredths or tenths of a pixel only.
    """

    reference: Image
    moving: Image
    move: Move | None = None
    base: Image | None = None
    known_px: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One pair to make; `make` takes a generator of random numbers."""

    group: str
    name: str
    make: Callable[[np.random.Generator], Pair]
    expect: Expect = "answer"


def one_date(ground: Maker, move: Move) -> Make:
    """One date twice, with another radiometry, haze and noise."""
    return lambda rng: Pair(m.still(ground()), archived(m.seen(ground(), move), rng), move)


def two_dates(first: Maker, second: Maker, move: Move) -> Make:
    """Two dates of one geometry."""
    return lambda rng: Pair(m.still(first()), archived(m.seen(second(), move), rng, noise=1.5), move)


def consistent(first: Maker, second: Maker, move: Move, *, mirror: bool = False) -> Make:
    """Two real dates, whose own offset nobody knows."""

    def make(_: np.random.Generator) -> Pair:
        later = second()
        moved = m.seen(later, move, mirror=mirror)
        return Pair(m.still(first()), m.with_pixels(moved, np.clip(np.rint(moved.values), 0, 255)), move, m.still(later))

    return make


def rendered_twice(seed: int, *, pixel_m: float = 2.5, size: int = 1024, margin: int = 64) -> tuple[Maker, Maker]:
    """Two dates between which walls, posts and buildings come and go, under two suns."""
    return (
        partial(g.rendered, g.BEFORE, g.NOON, pixel_m, seed=seed, size=size, margin=margin),
        partial(g.rendered, g.AFTER, g.MORNING, pixel_m, seed=seed, size=size, margin=margin),
    )


def real_twice(seed: int) -> tuple[Maker, Maker]:
    """Two real dates, 5 to 14 years apart."""
    return partial(g.levir, seed, "A"), partial(g.levir, seed, "B")


def three_ways(group: str, name: str, seed: int, move: Move, *, margin: int = 64) -> Iterator[Case]:
    """Yield one real date, two real dates and two rendered dates under one move."""
    yield Case(group, f"{name}, one real date", one_date(partial(g.levir, seed, "A"), move))
    yield Case(group, f"{name}, two real dates", consistent(*real_twice(seed), move))
    yield Case(group, f"{name}, two rendered dates 2.5 m", two_dates(*rendered_twice(seed, margin=margin), move))


def far(seed: int) -> Iterator[Case]:
    """Far shifts, rotations, scales."""
    square = (1024, 1024)
    shifts = ((31.4, 38.9), (-90.3, 119.6), (212.7, -211.2), (-280.1, 352.4), (10.2, 450.3))
    moves: dict[str, Move] = {f"shift {row},{col}": m.shift(row, col) for row, col in shifts}
    moves |= {f"turn {d}": m.turn(d, 1.0, square, 2.3, -1.1) for d in (1, -3, 5, 10)}
    moves |= {f"scale {s}": m.turn(0, s, square, -4.2, 3.3) for s in (0.9, 1.1)}
    moves["turn 3, scale 1.1, shift 40,-55"] = m.turn(3, 1.1, square, 40.0, -55.0)
    moves["turn -5, scale 0.9, shift -120,90"] = m.turn(-5, 0.9, square, -120.0, 90.0)
    moves["turn 2, scale 1.03, shift 200,180"] = m.turn(2, 1.03, square, 200.0, 180.0)
    for name, move in moves.items():
        yield from three_ways("far", name, seed, move, margin=480)
    for row, col in ((50.3, -20.4), (-200.0, -151.0)):
        real = consistent(*real_twice(seed), m.shift(row, col), mirror=True)
        yield Case("far", f"shift {row},{col}, mirrored beyond the edge, two real dates", real)
    before, after = (partial(g.rendered, day, g.NOON, 10.0, seed=seed, size=600, bands=("green",)) for day in (g.BEFORE, g.AFTER))
    for row, col in ((35.4, 36.1), (-49.2, 12.0)):
        yield Case("far", f"SPOT, shift {row},{col} at 10 m, two rendered dates", two_dates(before, after, m.shift(row, col)))
    for size, move in ((64, m.shift(9.3, -6.1)), (128, m.shift(-38.3, 22.6)), (256, m.turn(4, 1.05, (256, 256), 30.0, 41.0))):
        yield Case("far", f"{size} × {size} px, two rendered dates 10 m", two_dates(*rendered_twice(seed, pixel_m=10.0, size=size), move))
        yield Case("far", f"{size} × {size} px, two rendered dates 0.5 m", two_dates(*rendered_twice(seed, pixel_m=0.5, size=size), move))
    early, late = (partial(g.sztaki, seed, n) for n in (1, 2))
    yield Case("far", "turn 2, shift 60,-80, two aerial dates 1.5 m", consistent(early, late, m.turn(2, 1.0, (640, 952), 60.0, -80.0)))
    yield Case("far", "shift 3.3,-2.2, two aerial dates 1.5 m", consistent(early, late, m.shift(3.3, -2.2)))


def upsampled(first: Maker, second: Maker, move: Move, ratio: int) -> Make:
    """A coarse moving image on the fine reference's grid."""

    def make(rng: np.random.Generator) -> Pair:
        reference = m.still(first())
        coarse = archived(m.footprint(m.seen(second(), move), ratio), rng, noise=1.0)
        return Pair(reference, m.loaded(coarse, reference.valid.shape, reference.pixel_m), move)

    return make


def _averaged(picture: Image, ratio: int) -> Image:
    """Return a fine image on a coarser grid as the loader makes it; the sensor stays fine."""
    valid = m.box_mean(picture.valid.astype(np.float32)[None], ratio)[0] > 0.999
    return m.image(m.box_mean(np.array(picture.values), ratio), picture.bands, picture.pixel_m * ratio, valid, picture.pixel_m)


def _reduced(first: Maker, second: Maker, move: Move, ratio: int, *, fine_reference: bool) -> Make:
    """Both on the grid of the coarser sensor, as the pipeline compares them."""

    def make(rng: np.random.Generator) -> Pair:
        reference, moved = m.still(first()), m.seen(second(), move)
        if fine_reference:
            return Pair(_averaged(reference, ratio), archived(m.footprint(moved, ratio), rng, noise=1.0), m.coarser(move, ratio))
        return Pair(m.footprint(reference, ratio), _averaged(archived(moved, rng, noise=2.0), ratio), m.coarser(move, ratio))

    return make


def _phases(seed: int, ratio: int, row: int, col: int) -> Make:
    """One tile, averaged twice from different corners: the truth needs no interpolation."""

    def make(rng: np.random.Generator) -> Pair:
        plane, pixel_m = g.levir(seed, "A").values, 0.5 * ratio
        first, second = m.box_mean(plane[:, :-ratio, :-ratio], ratio), m.box_mean(plane[:, row : row - ratio, col : col - ratio], ratio)
        moving = archived(m.image(second, ("green",), pixel_m), rng, noise=1.5)
        return Pair(m.image(np.rint(first), ("green",), pixel_m), moving, m.shift(-row / ratio, -col / ratio))

    return make


def gsd(seed: int) -> Iterator[Case]:
    """Sensors of different ground sample distance."""
    first, second = rendered_twice(seed)
    for ratio in (2, 4, 6, 12):
        move, metres = m.shift(3.7 * ratio / 2, -2.3 * ratio / 2), 2.5 * ratio
        yield Case("gsd", f"2.5 m reference, {metres:g} m on its grid, one date", upsampled(first, first, move, ratio))
        yield Case("gsd", f"2.5 m reference, {metres:g} m on its grid, two dates", upsampled(first, second, move, ratio))
        wide = rendered_twice(seed, size=1024 if ratio < 6 else 2048)
        yield Case("gsd", f"2.5 m reference, both on the {metres:g} m grid, two dates", _reduced(*wide, move, ratio, fine_reference=True))
        yield Case("gsd", f"2.5 m moving, both on the {metres:g} m grid, two dates", _reduced(*wide, move, ratio, fine_reference=False))
    turned = m.turn(3, 1.05, (1024, 1024), 130.0, -90.0)
    yield Case("gsd", "2.5 m reference, 10 m on its grid, far and turned, two dates", upsampled(first, second, turned, 4))
    green = partial(g.rendered, g.AFTER, g.MORNING, 2.5, seed=seed, bands=("green",))
    yield Case("gsd", "2.5 m pan reference, 10 m green on its grid, two dates", upsampled(first, green, m.shift(11.3, 6.1), 4))
    tile = partial(g.levir, seed, "A")
    for ratio in (2, 4):
        yield Case("gsd", f"real tile, moving {ratio} times as coarse on its grid, one date", upsampled(tile, tile, m.shift(2.6, -4.9), ratio))
    for ratio, row, col in ((2, 1, 1), (4, 1, 3), (4, 2, 1)):
        yield Case("gsd", f"real tile averaged {ratio} × {ratio} from another corner ({row}, {col})", _phases(seed, ratio, row, col))


def across_bands(ground: Maker, first: str, second: str, move: Move, *, invert: bool = False, known_px: float = 0.0) -> Make:
    """One date in two bands."""

    def make(rng: np.random.Generator) -> Pair:
        moving = archived(m.seen(ground().of(second), move), rng, noise=1.5)
        if invert:
            moving = m.with_pixels(moving, 255 - moving.values)
        return Pair(m.still(ground().of(first)), moving, move, known_px=known_px)

    return make


def _turned_over(seed: int, move: Move) -> Make:
    """Two real dates, the later one as a negative."""

    def make(rng: np.random.Generator) -> Pair:
        pair = consistent(*real_twice(seed), move)(rng)
        over = [m.with_pixels(i, 255 - i.values) for i in (pair.moving, pair.base) if i is not None]
        return Pair(pair.reference, over[0], pair.move, over[1])

    return make


RGBN = ("red", "green", "blue", "nir")
SENSORS: dict[str, tuple[Maker, float, tuple[tuple[str, str], ...]]] = {
    "NAIP 5 m": (partial(g.naip, 2014), 0.08, tuple(combinations(RGBN, 2))),
    "Noida 1.1 m": (
        partial(g.raster, ("blue", "green", "red", "nir"), 1.1, "pairs/noida_vhr/t1.tif"),
        0.16,
        (("red", "green"), ("red", "nir"), ("blue", "nir")),
    ),
    "Taizhou 30 m": (
        partial(g.raster, ("blue", "green", "red", "nir", "swir16", "swir22"), 30.0, "pairs/landsat_taizhou/2000TM"),
        0.05,
        (("green", "red"), ("red", "nir"), ("green", "nir"), ("green", "swir16"), ("red", "swir22"), ("nir", "swir22")),
    ),
    "Landsat 5 crop 30 m": (g.landsat5, 0.3, (("green", "red"), ("red", "nir"), ("red", "swir16"), ("nir", "swir22"), ("swir16", "lwir11"))),
}
"""Real multispectral images, and by how many pixels their bands miss one another: measured with least squares on tiles that look alike in both."""


def bands(seed: int) -> Iterator[Case]:
    """One date in two bands; contrast turned over."""
    small = m.shift(3.37, -2.21)
    for name, (ground, known_px, couples) in SENSORS.items():
        for first, second in couples:
            yield Case("bands", f"{name}, {first} and {second}", across_bands(ground, first, second, small, known_px=known_px))
    for size in (2.5, 10.0):
        summer = partial(g.rendered, g.SUMMER, g.NOON, size, seed=seed, bands=("pan", "green", "red", "nir", "swir16"))
        for first, second in (("pan", "green"), ("red", "nir"), ("green", "nir"), ("green", "swir16")):
            yield Case("bands", f"rendered summer {size:g} m, {first} and {second}", across_bands(summer, first, second, small))
    plain = partial(g.rendered, g.SUMMER, g.NOON, 2.5, seed=seed)
    yield Case("bands", "one real date, a negative", across_bands(partial(g.levir, seed, "A"), "green", "green", small, invert=True))
    yield Case("bands", "rendered summer 2.5 m, a negative", across_bands(plain, "pan", "pan", small, invert=True))
    yield Case("bands", "two real dates, a negative", _turned_over(seed, small))


def bent(seed: int) -> Iterator[Case]:
    """Smooth fields."""
    shape = (1024, 1024)
    terrain = [(wave, peak) for wave in (512, 256) for peak in (1, 3, 8)]
    moves = {f"terrain {peak} px over {wave} px": m.smooth(peak, wave, shape, 10 * seed + n) for n, (wave, peak) in enumerate(terrain)}
    moves |= {f"film {peak} px": m.film(peak, shape, 10 * seed + peak) for peak in (3, 8, 20)}
    moves["film 8 px, turn 1, shift 12,-20"] = m.then(moves["film 8 px"], m.turn(1, 1.01, shape, 12.0, -20.0))
    for name, move in moves.items():
        yield from three_ways("bent", name, seed, move)
