"""Premises laid out by one owner: barracks, works, farms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camwatch.render.settlement.development import Development, Wall

if TYPE_CHECKING:
    from camwatch.render.settlement.buildings import Sort
    from camwatch.render.settlement.site import Site


def barracks(site: Site) -> Development:
    """Rows of long buildings, often inside a wall with towers."""
    out, rng = Development(), site.rng
    turn, (cx, cy) = rng.uniform(0, np.pi), site.spot(0.25)
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
        x, y = site.spot()
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
        x, y = site.spot()
        if site.claim([(x, y, 0.0, 8.0, 8.0)], 2):
            out.patches.append(site.thing(str(rng.choice(["tank", "stacks", "heap", "stacks"])), x, y, turn, site.px(4, 18), site.px(4, 14)))
    return out


def farm(site: Site) -> Development:
    """A few lone buildings among sheds, greenhouses and fields."""
    out, rng = Development(), site.rng
    for _ in range(int(rng.integers(1, 4))):
        x, y = site.spot(0.12)
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
