"""Suburbs: streets, and houses on lots along them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camwatch.render.settlement.development import Development, Road, Wall

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from camwatch.render.settlement.buildings import Sort
    from camwatch.render.settlement.site import Site
    from camwatch.render.settlement.things import Thing


def suburb(site: Site) -> Development:
    """Houses along streets, each with its drive, lawn and fence."""
    out, rng = Development(), site.rng
    lot, back = site.px(13, 24), site.px(11, 19)
    width = rng.uniform(5, 10)
    sort: Sort = "villa" if rng.random() < 0.5 else "house"
    ways = _ways(site, back)
    out.roads = _streets(site, ways, width)
    empty = rng.uniform(0, 0.35)
    for way in ways:
        if rng.random() < 0.3:  # a street that ends here
            x, y = way[int(rng.integers(5, len(way) - 5))]
            out.patches.append(site.thing("disc", float(x), float(y), 0.0, site.px(9, 16), site.px(8, 15)))
        for x, y, turn in _along(way, lot, rng):
            for hand in (-1, 1):
                if rng.random() >= empty:
                    _settle(site, out, sort, (x, y, turn), lot, hand * back)
    return out


def _ways(site: Site, back: float) -> list[NDArray[np.float64]]:
    """Return the middles of the streets: one to three at will, or parallel ones with room for two rows of houses `back` from them."""
    rng = site.rng
    ways = [site.way() for _ in range(int(rng.integers(1, 4)))]
    if rng.random() < 0.5:  # parallel streets
        first = ways[0]
        step = np.diff(first[[0, -1]], axis=0)[0]
        across = np.array([-step[1], step[0]]) / np.hypot(*step)
        apart = 2 * back + site.px(14, 30)
        ways = [first + across * apart * k for k in range(-5, 6)]
    return ways


def _streets(site: Site, ways: Sequence[NDArray[np.float64]], width_m: float) -> list[Road]:
    """Return streets of one make, without marks, with or without pavements."""
    roads = [site.road(way, width_m) for way in ways]
    first = roads[0]
    pavement = site.px(0.8, 2.0) if site.rng.random() < 0.5 else 0.0
    return [Road(r.points, r.width, first.material, marked=False, seed=first.seed, pavement=pavement) for r in roads]


def _along(way: NDArray[np.float64], lot: float, rng: np.random.Generator) -> Iterator[tuple[float, float, float]]:
    """Give the middle (x, y) of the front of each lot on a street, and the direction of the street there."""
    steps = np.hypot(*np.diff(way, axis=0).T)
    length = np.concatenate([[0], np.cumsum(steps)])
    for s in np.arange(lot / 2, length[-1], lot * rng.uniform(0.95, 1.1)):
        x, y = (float(np.interp(s, length, way[:, k])) for k in (0, 1))
        k = min(int(np.searchsorted(length, s)), len(way) - 1)
        yield x, y, float(np.arctan2(*(way[k] - way[k - 1])[::-1]))


def _settle(site: Site, into: Development, sort: Sort, front: tuple[float, float, float], lot: float, back: float) -> None:  # noqa: PLR0917 a lot in its parts
    """Put a house on a lot, some with a fence and a shed; `back`: how far it stands from the street, negative on the other side."""
    (x, y, turn), rng, hand = front, site.rng, np.sign(back)
    off = back * rng.uniform(0.92, 1.08)
    hx, hy = x - off * np.sin(turn), y + off * np.cos(turn)
    tilt, gap_m = turn + rng.normal(0, 0.02), rng.uniform(0.8, 2.5)
    site.build(into, sort, float(hx), float(hy), tilt, gap_m=gap_m, plot=_plot_of(site, hx, hy, turn, -off, lot=lot))
    if rng.random() < 0.35:
        a, b = lot * 0.48, abs(back) * 0.9
        corners = np.array([(-a, -b), (a, -b), (a, b), (-a, b)])
        c, s = np.cos(turn), np.sin(turn)
        cx, cy = hx - hand * b * 0.7 * np.sin(turn), hy + hand * b * 0.7 * np.cos(turn)
        into.walls.append(Wall(corners @ np.array([[c, s], [-s, c]]) + (cx, cy), 0.5, rng.uniform(1.2, 2.2), rng.uniform(0.2, 0.6)))
    if rng.random() < 0.15:
        sx, sy = hx - hand * site.px(10, 16) * np.sin(turn), hy + hand * site.px(10, 16) * np.cos(turn)
        site.build(into, "shed", float(sx), float(sy), turn, gap_m=1.0)


def _plot_of(site: Site, x: float, y: float, turn: float, front: float, *, lot: float) -> list[Thing]:
    """Return what lies around a house: lawn, drive towards the street at `front` pixels, yard as wide as the lot, pool, terrace."""
    rng, c, s = site.rng, np.cos(turn), np.sin(turn)

    def at(sort: str, u: float, v: float, long: float, wide: float) -> Thing:
        return site.thing(sort, float(x + u * c - v * s), float(y + u * s + v * c), turn, long, wide)

    plot = []
    if rng.random() < site.yards:
        deep = site.px(4, 11)
        plot.append(at("garden", 0, -np.sign(front) * (site.px(4, 10) + deep), lot * rng.uniform(0.4, 0.5), deep))
    if rng.random() < 0.55:
        plot.append(at(str(rng.choice(["lawn", "lawn", "lawn", "bare", "yard"])), 0, 0, site.px(9, 15), site.px(14, 22)))
    if rng.random() < 0.8:
        plot.append(at("drive", site.px(-6, 6), front / 2, site.px(1.4, 3.2), abs(front) / 2))
    if rng.random() < 0.15:
        plot.append(at("pool", site.px(-6, 6), -np.sign(front) * site.px(10, 15), site.px(3, 6), site.px(2, 4)))
    if rng.random() < 0.4:
        plot.append(
            at(str(rng.choice(["slab", "slab", "bare", "court"])), site.px(-7, 7), -np.sign(front) * site.px(7, 12), site.px(2, 5), site.px(1.5, 4))
        )
    return plot
