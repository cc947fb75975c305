"""Pairs with a known transform and trouble between the dates, and pairs that must be refused."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

import _registration_ground as g
import _registration_moves as m
import _registration_spoils as spoils
from _registration_pairs import Case, Pair, across_bands, real_twice, rendered_twice, two_dates
from camwatch.imagery.image import Sun
from camwatch.render import View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from _registration_ground import Ground
    from _registration_moves import Move
    from _registration_pairs import Expect, Make, Maker
    from _registration_spoils import Spoil
    from camwatch.imagery.image import Image

NONE = m.Move(m.IDENTITY)


def season(seed: int) -> Iterator[Case]:
    """Winter against summer, the sun from the other side, haze, gain, saturation, few grey levels, lossy compression."""
    small = m.shift(4.37, -3.21)
    between = {
        "winter on summer": ((g.SUMMER, g.NOON), (g.WINTER, g.NOON), "pan"),
        "winter on summer, nir": ((g.SUMMER, g.NOON), (g.WINTER, g.NOON), "nir"),
        "evening on morning sun": ((g.AUTUMN, g.MORNING), (g.AUTUMN, g.EVENING), "pan"),
        "winter evening on summer morning": ((g.SUMMER, g.MORNING), (g.WINTER, g.EVENING), "pan"),
    }
    for size in (0.5, 2.5, 10.0):
        for name, (first, second, band) in between.items():
            earlier, later = (partial(g.rendered, day, sun, size, seed=seed, bands=(band,)) for day, sun in (first, second))
            yield Case("season", f"{name}, {size:g} m", two_dates(earlier, later, small))
    changes: dict[str, Spoil] = {
        "haze of 160 towards one side": partial(spoils.archived, haze=160, gain=0.35),
        "gain 0.12": partial(spoils.archived, haze=0, gain=0.12, noise=0.5),
        "saturated above the median": lambda i, _: m.with_pixels(i, np.clip(np.rint(i.values * 250 / np.median(i.values)), 0, 255)),
        "12 grey levels": lambda i, rng: spoils.levels(spoils.archived(i, rng), 12),
        "JPEG 20": lambda i, rng: spoils.jpeg(spoils.archived(i, rng), 20),
        "noise of 25": partial(spoils.archived, noise=25),
    }
    for name, change in changes.items():
        yield Case("season", f"{name}, one real date", _spoilt(partial(g.levir, seed, "A"), partial(g.levir, seed, "A"), small, change))
        yield Case("season", f"{name}, two rendered dates 2.5 m", _spoilt(*rendered_twice(seed), small, change))


def _spoilt(first: Maker, second: Maker, move: Move, spoil: Spoil, *, both: bool = False, consistency: bool = False) -> Make:
    """A pair of which the moving image, or each, is spoilt after it was taken."""

    def make(rng: np.random.Generator) -> Pair:
        reference, moving = m.still(first()), m.seen(second(), move)
        return Pair(spoil(reference, rng) if both else reference, spoil(moving, rng), move, m.still(second()) if consistency else None)

    return make


def robust(seed: int) -> Iterator[Case]:
    """Gaps, clouds, borders, repetition, water, change."""
    kinds: dict[str, tuple[tuple[Maker, Maker], bool]] = {
        "one real date": ((partial(g.levir, seed, "A"), partial(g.levir, seed, "A")), False),
        "two rendered dates 2.5 m": (rendered_twice(seed), False),
        "two real dates": (real_twice(seed), True),
    }
    troubles: dict[str, tuple[Spoil, Expect]] = {
        "scan-line gaps of 22 %": (spoils.gaps, "answer"),
        "scan-line gaps of 22 % in both": (spoils.gaps, "answer"),
        "scan-line gaps of 22 % not declared": (spoils.undeclared, "either"),
        "slanted no-data borders": (spoils.border, "answer"),
        "mosaic with holes and seams": (spoils.mosaic, "answer"),
    }
    for share in (0.3, 0.5):
        troubles[f"clouds of {share:.0%} masked"] = partial(spoils.clouded, share=share, masked=True), "answer"
        troubles[f"clouds of {share:.0%} not masked"] = partial(spoils.clouded, share=share, masked=False), "answer" if share < 0.4 else "either"
    for share in (0.2, 0.4, 0.6, 0.8):
        troubles[f"{share:.0%} changed"] = spoils.changed(share, seed), "answer" if share < 0.7 else "either"
        troubles[f"{share:.0%} changed in one piece"] = spoils.rebuilt(share, seed), "answer" if share < 0.7 else "either"
    for kind, (grounds, consistency) in kinds.items():
        for name, (trouble, expect) in troubles.items():
            make = _spoilt(*grounds, m.shift(5.3, -4.6), spoils.first_archived(trouble), both=name.endswith("in both"), consistency=consistency)
            yield Case("robust", f"{name}, {kind}", make, expect)
        for pattern in ("blocks of a JPEG of 10", "stripes of the detectors", "dust and vignetting", "watermarks"):
            make = _spoilt(*grounds, m.shift(5.3, -4.6), spoils.fixed_pattern(pattern), both=True, consistency=consistency)
            yield Case("robust", f"fixed pattern in both, {pattern}, {kind}", make)
    yield from _repetition(seed)
    yield from _poor(seed)
    for share in (0.7, 0.9):
        for swell in (False, True):
            name = f"water of {share:.0%}{' with swell' if swell else ''}, two rendered dates 2.5 m"
            yield Case("robust", name, _flooded(seed, share, swell=swell), "answer" if share < 0.8 else "either")


def _repetition(seed: int) -> Iterator[Case]:
    for what, pitch in (("roofs", (36.0, 52.0)), ("furrows", (0.0, 11.0))):
        for unique in (0, 3, 12, 60):
            for periods in (0.1, 0.6, 1.4):
                move = m.shift(periods * pitch[0] + 0.3, periods * pitch[1] + 0.2)

                def make(rng: np.random.Generator, what: str = what, unique: int = unique, move: Move = move) -> Pair:
                    ground = g.repeated(what, unique, seed)
                    noisy = [spoils.archived(i, rng, noise=4) for i in (m.still(ground), m.seen(ground, move))]
                    return Pair(noisy[0], noisy[1], move)

                expect: Expect = "refusal" if unique == 0 else "answer" if unique > 50 else "either"
                yield Case("robust", f"{what}, {unique} unique objects, {periods} periods off", make, expect)


def _poor(seed: int) -> Iterator[Case]:
    """Little to hold on to: along a straight road nothing tells where one is."""
    for name, lines, expect in (
        ("one straight road", 1, "either"),
        ("three parallel roads", 3, "either"),
        ("two roads that cross", -2, "answer"),
        ("eight roads that cross", -8, "answer"),
    ):

        def make(rng: np.random.Generator, lines: int = lines) -> Pair:
            move = m.shift(7.3, 4.4)
            ground = g.roads(abs(lines), seed, parallel=lines > 0)
            first, second = (spoils.archived(i, rng, noise=3) for i in (m.still(ground), m.seen(ground, move)))
            return Pair(first, second, move)

        yield Case("robust", f"{name} on bare ground", make, expect)  # type: ignore[arg-type]


def _flooded(seed: int, share: float, *, swell: bool) -> Make:
    """Water with glint that is new at each date, and waves that run."""

    def wet(ground: Ground, rng: np.random.Generator, direction: float) -> Ground:
        mask = spoils.blobs((ground.values.shape[1], ground.values.shape[2]), share, 500, np.random.default_rng([seed, 9]))
        y, x = np.mgrid[: mask.shape[0], : mask.shape[1]].astype(np.float32)
        water = 30 + 14 * ndimage.gaussian_filter(rng.normal(size=mask.shape), 0.7)
        if swell:
            water += 8 * np.sin((x * np.cos(direction) + y * np.sin(direction)) * 2 * np.pi / 23 + 3 * direction)
        return g.Ground(np.where(mask, water, ground.values).astype(np.float32), ground.bands, ground.margin, ground.pixel_m)

    def make(rng: np.random.Generator) -> Pair:
        move = m.shift(-6.4, 3.8)
        first, second = (wet(ground(), rng, direction) for ground, direction in zip(rendered_twice(seed), (0.5, 1.5), strict=True))
        return Pair(m.still(first), spoils.archived(m.seen(second, move), rng), move)

    return make


def aligned(seed: int) -> Iterator[Case]:
    """Ground that did not move, under shadows that did."""
    between = {
        "sun a little on": ((g.AUTUMN, Sun(160, 42)), (g.AUTUMN, Sun(172, 47))),
        "evening on morning": ((g.AUTUMN, g.MORNING), (g.AUTUMN, g.EVENING)),
        "low on high sun": ((g.AUTUMN, Sun(165, 50)), (g.AUTUMN, Sun(165, 28))),
        "winter on summer": ((g.SUMMER, Sun(150, 60)), (g.WINTER, Sun(165, 30))),
        "built between": ((g.BEFORE, g.NOON), (g.AFTER, g.MORNING)),
    }
    for size in (0.5, 1.0, 2.5):
        for name, dates in between.items():
            first, second = (partial(g.rendered, day, sun, size, seed=seed, size=768) for day, sun in dates)
            yield Case("aligned", f"{name}, {size:g} m", two_dates(first, second, NONE), "untouched")
    tile = partial(g.levir, seed, "A")
    yield Case("aligned", "one real date, other radiometry", _untouched(tile, tile), "untouched")
    for band in ("green", "nir"):
        yield Case("aligned", f"NAIP 5 m of 2009, red and {band}", across_bands(partial(g.naip, 2009), "red", band, NONE, known_px=0.04), "untouched")
    for year in (2010, 2014):
        make = _untouched(partial(g.naip, 2009), partial(g.naip, year), 0.5)
        yield Case("aligned", f"NAIP 5 m, {year} on 2009, georeferenced to half a pixel", make, "either")


def _untouched(first: Maker, second: Maker, known_px: float = 0.0) -> Make:
    return lambda rng: Pair(m.still(first()), spoils.archived(m.still(second()), rng, noise=1.5), NONE, known_px=known_px)


def parallax(seed: int) -> Iterator[Case]:
    """Displacements that no smooth model mends."""
    kinds: dict[str, tuple[Maker, Maker]] = {
        "one real date": (partial(g.levir, seed, "A"), partial(g.levir, seed, "A")),
        "two real dates": real_twice(seed),
        "two rendered dates 2.5 m": rendered_twice(seed),
    }
    for deviation in (3.0, 5.0):
        for patch in (60, 30):
            move = m.scattered(deviation, patch, (1024, 1024), seed)
            for name, grounds in kinds.items():
                torn = two_dates(*grounds, move)
                yield Case("parallax", f"each patch of {patch} px on its own, {deviation:g} px, {name}", _unknown(torn), "refusal")
    for tile in ("00000002", "00000006", "00000008"):
        yield Case("parallax", f"Guatemala {tile}", _delivered(f"guatemala-volcano_{tile}"), "refusal")
    yield Case("parallax", "Joplin, published offset", _delivered("joplin-tornado_00000000", m.shift(-2.5, 1.1)), "either")
    east, west = (partial(g.rendered, g.AUTUMN, g.NOON, 0.5, seed=seed, view=View(25, azimuth)) for azimuth in (90, 270))
    yield Case("parallax", "buildings lean 25° to either side, 0.5 m", two_dates(east, west, m.shift(3.4, -1.7)), "either")


def _unknown(make: Make) -> Make:
    """Forget the truth of a pair: a torn image has no inverse."""

    def forgotten(rng: np.random.Generator) -> Pair:
        pair = make(rng)
        return Pair(pair.reference, pair.moving)

    return forgotten


def _delivered(name: str, move: Move | None = None) -> Make:
    def make(_: np.random.Generator) -> Pair:
        first, second = g.xbd(name)
        return Pair(m.still(first), m.still(second), move, known_px=0.3)

    return make


def hopeless(seed: int) -> Iterator[Case]:
    """Nothing to find."""
    shape = (1024, 1024)

    def against(moving: Callable[[np.random.Generator], NDArray[np.float64]], valid: NDArray[np.bool_] | None = None) -> Make:
        return lambda rng: Pair(m.still(g.made(seed)), m.image(moving(rng)[None], ("pan",), 0.5, valid))

    def places(first: Maker, second: Maker) -> Make:
        return lambda rng: Pair(m.still(first()), spoils.archived(m.still(second()), rng, noise=1.5))

    def dead(rng: np.random.Generator) -> NDArray[np.float64]:
        return np.where(rng.random(shape) < 5e-6, 200.0, 77.0)

    nothing: dict[str, Make] = {
        "noise": against(lambda rng: rng.uniform(0, 255, shape)),
        "smooth noise": against(lambda rng: 120 + 4000 * ndimage.gaussian_filter(rng.normal(size=shape), 15)),
        "one colour": against(lambda _: np.full(shape, 77.0)),
        "one colour but for a few pixels": against(dead),
        "a ramp": against(lambda _: np.linspace(0, 255, 1024)[None] + np.zeros(shape)),
        "no data at all": against(lambda rng: rng.uniform(0, 255, shape), np.zeros(shape, bool)),
        "NaN": against(lambda _: np.full(shape, np.nan)),
        "10 × 10": lambda rng: Pair(_specks(rng, 10), _specks(rng, 10)),
        "another made place": places(partial(g.made, seed), partial(g.made, seed + 40)),
        "two camps, 0.5 m": places(
            partial(g.rendered, g.BEFORE, g.NOON, 0.5, seed=seed), partial(g.rendered, g.AFTER, g.NOON, 0.5, seed=seed, camp="hoeryong")
        ),
        "two real places, one date": places(partial(g.levir, seed, "A"), partial(g.levir, seed + 5, "A")),
        "two real places, two dates": places(partial(g.levir, seed, "A"), partial(g.levir, seed + 3, "B")),
        "two aerial places": places(partial(g.sztaki, seed, 1), partial(g.sztaki, seed + 1, 2)),
        "shift beyond the frame": _beyond(seed, m.shift(1100, 40)),
    }
    for name, make in nothing.items():
        yield Case("hopeless", name, make, "refusal")
    yield Case("hopeless", "12 % overlap", _beyond(seed, m.shift(900, 30)), "either")


def _specks(rng: np.random.Generator, side: int) -> Image:
    return m.image(rng.uniform(0, 255, (1, side, side)), ("pan",), 0.5)


def _beyond(seed: int, move: Move) -> Make:
    """One made ground, moved almost or wholly out of the frame."""
    wide = partial(g.made, seed, margin=1152)
    return lambda rng: Pair(m.still(wide()), spoils.archived(m.seen(wide(), move), rng), move)
