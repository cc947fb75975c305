"""Where buildings, roads, walls and patches go: suburbs, barracks, works, villages, farms, blocks of flats."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from camwatch.render.settlement.buildings import invent
from camwatch.render.settlement.canvas import frame
from camwatch.render.settlement.things import PATCHES, Thing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from camwatch.render.settlement.buildings import Building, Sort

COARSE = 4
"""Pixels along the side of a cell of the map of what is taken."""

ANNEXES = 0.08
"""Share of the larger buildings that have another against them."""


@dataclass(frozen=True, slots=True, eq=False)
class Road:
    """A way: (n, 2) points (x, y) in pixels, width in pixels, material, whether its middle is marked, seed of its look, width of its pavements."""

    points: NDArray[np.float64]
    width: float
    material: str
    marked: bool
    seed: int
    pavement: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Wall:
    """A wall or fence through (n, 2) points in pixels."""

    points: NDArray[np.float64]
    width: float
    high_m: float
    bright: float
    closed: bool = True


@dataclass(slots=True, eq=False)
class Development:
    """What was built together, in drawing order: its ground, roads, patches, buildings with what belongs to each, walls, boxes.

    `ruined`: what is gone at the second date was destroyed, not cleared; `levelled`: where nothing stands yet, ground was made level for it.
    """

    buildings: list[Building] = field(default_factory=list)
    plots: list[list[Thing]] = field(default_factory=list)
    roads: list[Road] = field(default_factory=list)
    patches: list[Thing] = field(default_factory=list)
    boxes: list[Thing] = field(default_factory=list)
    walls: list[Wall] = field(default_factory=list)
    graded: NDArray[np.float64] | None = None
    ruined: bool = False
    levelled: bool = False


class Site:
    """A square of ground that fills up: draws, and knows what is taken."""

    def __init__(self, rng: np.random.Generator, side: int, pixel_m: float) -> None:
        self.rng, self.side, self.pixel_m = rng, side, pixel_m
        # Houses of one development are often roofed alike.
        self.fashion = invent(rng, "house", 0.0, 0.0, 0.0, pixel_m) if rng.random() < 0.55 else None
        self.yards = float(rng.choice([0.0, 0.3, 0.9]))
        self.taken = np.zeros((side // COARSE + 1, side // COARSE + 1), bool)

    def px(self, low_m: float, high_m: float) -> float:
        """Return a length in pixels of `low_m` to `high_m` metres."""
        return float(self.rng.uniform(low_m, high_m)) / self.pixel_m

    def claim(self, parts: Sequence[tuple[float, float, float, float, float]], gap_m: float) -> bool:
        """Take the rectangles (x, y, turn, half length, half width) where they and `gap_m` around are free; say whether they were."""
        whole = (slice(0, self.taken.shape[0]), slice(0, self.taken.shape[1]))
        gap = gap_m / self.pixel_m
        frames = [(*frame(whole, x / COARSE, y / COARSE, turn), long, wide) for x, y, turn, long, wide in parts]
        if any((self.taken & (np.abs(u) < (long + gap) / COARSE) & (np.abs(v) < (wide + gap) / COARSE)).any() for u, v, long, wide in frames):
            return False
        for u, v, long, wide in frames:
            self.taken |= (np.abs(u) <= long / COARSE) & (np.abs(v) <= wide / COARSE)
        return True

    def build(self, into: Development, sort: Sort, x: float, y: float, turn: float, *, gap_m: float, plot: list[Thing] | None = None) -> bool:
        """Put up a building where there is room."""
        if not (-20 < x < self.side + 20 and -20 < y < self.side + 20):
            return False
        building = invent(self.rng, sort, x, y, turn, self.pixel_m)
        if not self.claim([(p.x, p.y, p.turn, p.long, p.wide) for p in building.parts], gap_m):
            return False
        if self.fashion is not None and sort in {"house", "villa", "barrack"} and self.rng.random() < 0.85:
            tint = np.clip(np.array(self.fashion.colour) * np.exp(self.rng.normal(0, 0.12)), 0.03, 0.97)
            building = replace(building, covering=self.fashion.covering, colour=(float(tint[0]), float(tint[1]), float(tint[2])))
        into.buildings.append(building)
        into.plots.append(plot or [])
        if sort in {"house", "barrack", "hall", "villa"} and self.rng.random() < ANNEXES:
            self._annex(into, building)
        return True

    def _annex(self, into: Development, main: Building) -> None:
        """Put a lower building of another make against one: it may come or go while the other stays."""
        rng, part = self.rng, main.parts[0]
        other = invent(rng, main.sort, main.x, main.y, main.turn, self.pixel_m)
        long, wide = part.long * rng.uniform(0.2, 0.6), part.wide * rng.uniform(0.3, 0.8)
        off = part.wide + wide if rng.random() < 0.6 else 0.0
        along = rng.uniform(-1, 1) * (part.long - long) if off else part.long + long
        u, v = float(rng.choice([-1, 1])) * along, float(rng.choice([-1, 1])) * off
        c, s = np.cos(part.turn), np.sin(part.turn)
        x, y = float(part.x + u * c - v * s), float(part.y + u * s + v * c)
        piece = replace(other.parts[0], x=x, y=y, turn=part.turn, long=long, wide=wide, eaves_m=part.eaves_m * rng.uniform(0.6, 1.0))
        into.buildings.append(replace(other, x=x, y=y, parts=(piece,)))
        into.plots.append([])

    def thing(self, sort: str, x: float, y: float, turn: float, long: float, wide: float) -> Thing:  # noqa: PLR0917 a place is three numbers
        """Return a patch or a box with a seed of its own."""
        return Thing(sort, x, y, turn, long, wide, int(self.rng.integers(1 << 30)))

    def road(self, points: NDArray[np.float64], width_m: float) -> Road:
        """Return a way of a random make."""
        make = str(self.rng.choice(["asphalt", "concrete", "soil", "sand", "dry", "gravel"], p=[0.36, 0.28, 0.12, 0.08, 0.08, 0.08]))
        return Road(points, width_m / self.pixel_m, make, bool(self.rng.random() < 0.25 and width_m > 6), int(self.rng.integers(1 << 30)))

    def way(self) -> NDArray[np.float64]:
        """Return a bent line (60, 2) across the site."""
        n, rng = self.side, self.rng
        ends = np.array([[rng.uniform(-0.1, 1.1) * n, -0.05 * n], [rng.uniform(-0.1, 1.1) * n, 1.05 * n]])
        if rng.random() < 0.5:
            ends = ends[:, ::-1]
        middle = ends.mean(axis=0) + rng.normal(0, 0.2 * n * (rng.random() < 0.6), 2)
        t = np.linspace(0, 1, 60)[:, None]
        return np.asarray((1 - t) ** 2 * ends[0] + 2 * t * (1 - t) * middle + t**2 * ends[1])


def _spot(site: Site, margin: float = 0.1) -> tuple[float, float]:
    x, y = site.rng.uniform(margin, 1 - margin, 2) * site.side
    return float(x), float(y)


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


def suburb(site: Site) -> Development:
    """Houses along streets, each with its drive, lawn and fence."""
    out, rng = Development(), site.rng
    lot, back = site.px(13, 24), site.px(11, 19)
    width = rng.uniform(5, 10)
    sort: Sort = "villa" if rng.random() < 0.5 else "house"
    ways = [site.way() for _ in range(int(rng.integers(1, 4)))]
    if rng.random() < 0.5:  # parallel streets
        first = ways[0]
        step = np.diff(first[[0, -1]], axis=0)[0]
        across = np.array([-step[1], step[0]]) / np.hypot(*step)
        apart = 2 * back + site.px(14, 30)
        ways = [first + across * apart * k for k in range(-5, 6)]
    out.roads = [site.road(way, width) for way in ways]
    make = out.roads[0].material
    pavement = site.px(0.8, 2.0) if rng.random() < 0.5 else 0.0
    out.roads = [Road(r.points, r.width, make, marked=False, seed=out.roads[0].seed, pavement=pavement) for r in out.roads]
    empty = rng.uniform(0, 0.35)
    for way in ways:
        if rng.random() < 0.3:  # a street that ends here
            x, y = way[int(rng.integers(5, len(way) - 5))]
            out.patches.append(site.thing("disc", float(x), float(y), 0.0, site.px(9, 16), site.px(8, 15)))
        steps = np.hypot(*np.diff(way, axis=0).T)
        length = np.concatenate([[0], np.cumsum(steps)])
        for s in np.arange(lot / 2, length[-1], lot * rng.uniform(0.95, 1.1)):
            x, y = (float(np.interp(s, length, way[:, k])) for k in (0, 1))
            k = min(int(np.searchsorted(length, s)), len(way) - 1)
            turn = float(np.arctan2(*(way[k] - way[k - 1])[::-1]))
            for hand in (-1, 1):
                if rng.random() < empty:
                    continue
                off = back * rng.uniform(0.92, 1.08)
                hx, hy = x - hand * off * np.sin(turn), y + hand * off * np.cos(turn)
                site.build(
                    out,
                    sort,
                    float(hx),
                    float(hy),
                    turn + rng.normal(0, 0.02),
                    gap_m=rng.uniform(0.8, 2.5),
                    plot=_plot_of(site, hx, hy, turn, -hand * off, lot=lot),
                )
                if rng.random() < 0.35:
                    a, b = lot * 0.48, back * 0.9
                    corners = np.array([(-a, -b), (a, -b), (a, b), (-a, b)])
                    c, sn = np.cos(turn), np.sin(turn)
                    cx, cy = hx - hand * b * 0.7 * np.sin(turn), hy + hand * b * 0.7 * np.cos(turn)
                    out.walls.append(Wall(corners @ np.array([[c, sn], [-sn, c]]) + (cx, cy), 0.5, rng.uniform(1.2, 2.2), rng.uniform(0.2, 0.6)))
                if rng.random() < 0.15:
                    site.build(
                        out,
                        "shed",
                        float(hx - hand * site.px(10, 16) * np.sin(turn)),
                        float(hy + hand * site.px(10, 16) * np.cos(turn)),
                        turn,
                        gap_m=1.0,
                    )
    return out


def barracks(site: Site) -> Development:
    """Rows of long buildings, often inside a wall with towers."""
    out, rng = Development(), site.rng
    turn, (cx, cy) = rng.uniform(0, np.pi), _spot(site, 0.25)
    rows, cols = int(rng.integers(2, 9)), int(rng.integers(1, 5))
    pitch_v, pitch_u = site.px(14, 30), site.px(35, 75)
    c, s = np.cos(turn), np.sin(turn)
    for i in range(rows):
        for j in range(cols):
            if rng.random() < 0.12:
                continue
            u, v = (j - (cols - 1) / 2) * pitch_u, (i - (rows - 1) / 2) * pitch_v
            sort: Sort = "barrack" if rng.random() < 0.85 else "house"
            site.build(out, sort, float(cx + u * c - v * s), float(cy + u * s + v * c), turn + rng.normal(0, 0.01), gap_m=1.2)
    a, b = cols * pitch_u / 2 + site.px(5, 25), rows * pitch_v / 2 + site.px(5, 25)
    corners = np.array([(-a, -b), (a, -b), (a, b), (-a, b)]) @ np.array([[c, s], [-s, c]]) + (cx, cy)
    if rng.random() < 0.7:
        out.graded = corners
    if rng.random() < 0.6:
        out.walls.append(Wall(corners, max(0.6 / site.pixel_m, 1), rng.uniform(2, 5), rng.uniform(0.25, 0.7)))
        for x, y in corners:
            site.build(out, "tower", float(x), float(y), turn, gap_m=0.2)
    if rng.random() < 0.4:
        out.patches.append(site.thing(str(rng.choice(["court", "yard", "field", "slab"])), cx, cy, turn, a * 0.3, b * 0.3))
    out.roads = [site.road(site.way(), rng.uniform(3, 8)) for _ in range(int(rng.integers(0, 3)))]
    return out


def works(site: Site) -> Development:
    """Halls with yards, car parks, lorries, tanks, stacks and heaps."""
    out, rng = Development(), site.rng
    turn = rng.uniform(0, np.pi)
    out.roads = [site.road(site.way(), rng.uniform(6, 16)) for _ in range(int(rng.integers(0, 3)))]
    for _ in range(int(rng.integers(1, 8))):
        x, y = _spot(site)
        sort: Sort = "hall" if rng.random() < 0.75 else "barrack"
        if not site.build(out, sort, x, y, turn + float(rng.choice([0, np.pi / 2])) + rng.normal(0, 0.01), gap_m=6):
            continue
        main = out.buildings[-1].parts[0]
        a, b = main.long + site.px(6, 35), main.wide + site.px(6, 35)
        out.plots[-1].append(site.thing(str(rng.choice(["parking", "parking", "slab", "yard"])), x + site.px(-8, 8), y + site.px(-8, 8), turn, a, b))
        for _ in range(int(rng.integers(0, 14))):
            u, v = rng.uniform(-a, a), float(rng.choice([-1, 1])) * (main.wide + site.px(2, 20))
            c, s = np.cos(main.turn), np.sin(main.turn)
            lorry = site.thing(
                str(rng.choice(["lorry", "container"])), x + u * c - v * s, y + u * s + v * c, main.turn + np.pi / 2, site.px(5, 8), site.px(1.2, 1.4)
            )
            out.boxes.append(lorry)
    for _ in range(int(rng.integers(0, 5))):
        x, y = _spot(site)
        if site.claim([(x, y, 0.0, 8.0, 8.0)], 2):
            out.patches.append(site.thing(str(rng.choice(["tank", "stacks", "heap", "stacks"])), x, y, turn, site.px(4, 18), site.px(4, 14)))
    return out


def village(site: Site) -> Development:
    """Small houses, crowded and turned at will, with yards and walls."""
    out, rng = Development(), site.rng
    turn, (cx, cy), spread = rng.uniform(0, np.pi), _spot(site, 0.25), rng.uniform(0.12, 0.4) * site.side
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
        x, y = _spot(site, 0.02)
        site.build(out, "block", x, y, turn + float(rng.choice([0, np.pi / 2])) + rng.normal(0, 0.04), gap_m=rng.uniform(4, 9))
    for _ in range(int(rng.integers(1, 6))):
        x, y = _spot(site)
        out.patches.append(site.thing(str(rng.choice(["parking", "parking", "court", "lawn", "pool"])), x, y, turn, site.px(12, 40), site.px(7, 20)))
    out.roads = [site.road(site.way(), rng.uniform(5, 12)) for _ in range(int(rng.integers(1, 4)))]
    return out


def farm(site: Site) -> Development:
    """A few lone buildings among sheds, greenhouses and fields."""
    out, rng = Development(), site.rng
    for _ in range(int(rng.integers(1, 4))):
        x, y = _spot(site, 0.12)
        turn = rng.uniform(0, np.pi)
        for k in range(int(rng.integers(1, 6))):
            sort: Sort = str(rng.choice(["house", "shed", "barrack", "hut", "hall"], p=[0.35, 0.2, 0.2, 0.2, 0.05]))  # type: ignore[assignment]  # one of them
            site.build(out, sort, x + site.px(-30, 30) * (k > 0), y + site.px(-30, 30) * (k > 0), turn + float(rng.choice([0, np.pi / 2])), gap_m=2)
        for sort in rng.choice(["greenhouse", "stacks", "pond", "yard", "field", "terraces"], int(rng.integers(0, 4))):
            gx, gy = x + site.px(-60, 60), y + site.px(-60, 60)
            out.patches.append(site.thing(str(sort), gx, gy, turn, site.px(8, 40), site.px(6, 25)))
    if rng.random() < 0.7:
        out.roads = [site.road(site.way(), rng.uniform(2.5, 5))]
    return out


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
        x, y = _spot(site, -0.05)
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
