"""One date of a place: what stands is drawn, lit, seen and photographed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi

from camwatch.imagery.image import Sun
from camwatch.render.settlement.buildings import draw_building, repainted
from camwatch.render.settlement.camera import any_camera, photograph
from camwatch.render.settlement.canvas import BUILDING, OTHER, TREE, Canvas, filled, material, stroke
from camwatch.render.settlement.light import Light, shine
from camwatch.render.settlement.noise import noise_tables, softened
from camwatch.render.settlement.patches import draw_patch
from camwatch.render.settlement.things import Thing, Tree, draw_box, draw_tree, draw_wall

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from camwatch.render.settlement.buildings import Building
    from camwatch.render.settlement.development import Development
    from camwatch.render.settlement.site import Site

BEFORE, AFTER = 0, 1

STAYS, APPEARED, REMOVED, NEVER = range(4)
"""What becomes of a building."""


HARMED = 0.02
"""Share of the standing roofs that are open or covered with sheeting where no storm was."""


@dataclass(slots=True, eq=False)
class World:
    """What both dates share: developments with the dates at which each is in use, each building's change, trees, patches, the land's seeds."""

    site: Site
    developments: list[tuple[Development, tuple[bool, bool], list[int]]]
    trees: list[Tree]
    patches: list[tuple[Thing, tuple[bool, bool]]]
    land: tuple[int, int]


def draw_date(world: World, when: int, rng: np.random.Generator, azimuth: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int16]]:
    """Draw, light and photograph one date."""
    site = world.site
    canvas = Canvas.empty(site.side, site.pixel_m)
    _land(canvas, world, when, rng)
    standing = [thing for thing, dates in world.patches if dates[when]]
    for thing in standing:
        draw_patch(canvas, thing)
    number = 0
    for made, used, changes in world.developments:
        stands = [c in {STAYS, APPEARED if when == AFTER else REMOVED} for c in changes]
        storm = made.ruined and when == AFTER and REMOVED in changes
        _development(canvas, made, stands, number, rng, used=used[when] or storm, storm=storm)
        number += len(changes)
    _greenery(canvas, world, rng)
    _traffic(canvas, world, when, rng)
    off_nadir = float(min(abs(rng.normal(0, 11)), 28))
    slope = rng.normal(0, 0.06, 2) if rng.random() < 0.4 else np.zeros(2)
    sun = Sun(float(azimuth % 360), float(rng.uniform(24, 72)))
    light = Light(sun, float(rng.uniform(0, 360)), off_nadir, float(rng.uniform(0.15, 0.45)), (float(slope[0]), float(slope[1])))
    seen = shine(canvas, light)
    values, kind = seen.values, seen.kind
    if rng.random() < 0.06:
        veil = _veil(rng, kind.shape)
        values, kind = values * (1 - veil) + np.float32(0.9) * veil, np.where(veil > 0.6, np.uint8(OTHER), kind)
    offset = rng.uniform(-0.5, 0.5, 2)
    moved = np.stack([ndi.shift(plane, offset, order=1, mode="nearest") for plane in values])
    return photograph(moved.astype(np.float32), any_camera(rng), rng), kind, seen.number


def _land(canvas: Canvas, world: World, when: int, rng: np.random.Generator) -> None:
    """Cover the ground: parcels or patches of two to four materials; the same at both dates in form, often not in look."""
    shape, n = (canvas.side, canvas.side), canvas.side
    form = np.random.default_rng(world.land[0])
    look = np.random.default_rng(world.land[1] + (when if rng.random() < 0.6 else 0))
    wild = ["grass", "dry", "soil", "grass", "dry", "sand", "gravel", "forest", "rock", "concrete", "asphalt"]
    odds = np.array([0.26, 0.2, 0.14, 0.1, 0.05, 0.05, 0.04, 0.06, 0.02, 0.05, 0.03])
    names = form.choice(wild, 4, p=odds / odds.sum())
    if rng.random() < 0.05:
        names = np.array(["snow", "snow", "snow", "forest"])
    canvas.albedo[:] = material(look, str(names[0]), shape, canvas.pixel_m)
    for name in names[1 : 1 + int(form.integers(0, 4))]:
        if form.random() < 0.5:
            level = noise_tables().field(form, shape, 3.0, float(form.choice([1, 2])))
            mask = softened(level > form.uniform(-0.2, 1.2), float(form.uniform(0.5, 4)))
        else:  # a parcel with straight sides
            x, y = form.uniform(0, n, 2)
            a = form.uniform(0, np.pi)
            box = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * form.uniform(0.1, 0.6, 2) * n
            c, s = np.cos(a), np.sin(a)
            mask = softened(filled(n, box @ np.array([[c, s], [-s, c]]) + (x, y)), 0.6)
        colour = material(look, str(name), shape, canvas.pixel_m)
        if look.random() < 0.4:
            bend = _furrows(form, n, canvas.pixel_m)
            colour = colour * (1 + np.float32(look.uniform(0.02, 0.2)) * bend)
        canvas.paint(mask, colour)


def _furrows(rng: np.random.Generator, side: int, pixel_m: float) -> NDArray[np.float32]:
    """Return a wave (y, x) −1..1 of furrows or tracks, 1 to 8 m apart, in a random direction."""
    a, pitch = rng.uniform(0, np.pi), rng.uniform(1.0, 8.0) / pixel_m
    k = np.arange(side, dtype=np.float32)
    return np.asarray(np.sin((k[None] * np.float32(np.cos(a)) + k[:, None] * np.float32(np.sin(a))) * np.float32(2 * np.pi / pitch)), np.float32)


def _development(canvas: Canvas, made: Development, stands: Sequence[bool], first: int, rng: np.random.Generator, *, used: bool, storm: bool) -> None:
    """Draw one development; where its ground is not yet or no longer in use only what stands is drawn; after a `storm` what it left."""
    n = canvas.side
    if used:
        _grounds(canvas, made, first, rng)
    for building, plot, standing in zip(made.buildings, made.plots, stands, strict=True):
        if storm and not standing:
            _wreck(canvas, building, rng)
        else:
            _plot(canvas, building, plot, rng, standing=standing, used=used, levelled=made.levelled)
    for wall in made.walls if used else []:
        draw_wall(canvas, stroke(n, wall.points, max(wall.width, 0.5), closed=wall.closed), wall.high_m, wall.bright)
    for number, (building, standing) in enumerate(zip(made.buildings, stands, strict=True), first + 1):
        if standing:
            look = repainted(building, rng) if rng.random() < 0.1 else building
            draw_building(canvas, replace(look, harmed=rng.random() < (0.4 if storm else HARMED)), number)
    for thing in _some(made.boxes if used else [], rng):
        draw_box(canvas, thing)


def _wreck(canvas: Canvas, building: Building, rng: np.random.Generator) -> None:
    """Draw what is left of a destroyed building, and its splinters over the neighbourhood."""
    part, seed = building.parts[0], building.seed
    far = float(rng.uniform(3, 12)) / canvas.pixel_m
    draw_patch(canvas, Thing("litter", part.x, part.y, part.turn, part.long + far, part.wide + far, seed))
    left = str(rng.choice(["ruin", "debris", "debris", "slab", "bare"], p=[0.4, 0.2, 0.2, 0.1, 0.1]))
    draw_patch(canvas, Thing(left, part.x, part.y, part.turn, part.long, part.wide, seed))


def _plot(canvas: Canvas, building: Building, plot: Sequence[Thing], rng: np.random.Generator, *, standing: bool, used: bool, levelled: bool) -> None:
    """Draw what belongs to a building, and where none stands now and then a slab, bare soil or debris in its place."""
    if standing or (used and rng.random() < 0.25):
        for thing in plot:
            draw_patch(canvas, thing)
    if used and not standing and rng.random() < (0.8 if levelled else 0.3):
        part = building.parts[0]
        left = str(rng.choice(["pad", "pad", "slab", "bare", "yard"] if levelled else ["slab", "bare", "yard", "pad", "debris", "debris"]))
        draw_patch(canvas, Thing(left, part.x, part.y, part.turn, part.long, part.wide, building.seed))


def _some(things: Sequence[Thing], rng: np.random.Generator) -> list[Thing]:
    """Return half of the things, drawn by lot."""
    return [thing for thing in things if rng.random() < 0.5]


def _grounds(canvas: Canvas, made: Development, first: int, rng: np.random.Generator) -> None:
    """Draw the graded ground, the roads and the patches of a development."""
    n = canvas.side
    if made.graded is not None:
        name = str(rng.choice(["soil", "gravel", "dry", "concrete"]))
        canvas.paint(softened(filled(n, made.graded), 1.0), material(np.random.default_rng(first + n), name, (n, n), canvas.pixel_m))
    looks: dict[tuple[int, str], NDArray[np.float32]] = {}

    def look(seed: int, name: str) -> NDArray[np.float32]:
        """Return a material; streets laid together share it."""
        if (seed, name) not in looks:
            looks[seed, name] = material(np.random.default_rng(seed), name, (n, n), canvas.pixel_m)
        return looks[seed, name]

    for road in made.roads:
        if road.pavement:
            edge = softened(stroke(n, road.points, road.width + 2 * road.pavement), 0.5)
            canvas.paint(edge, look(road.seed + 1, "concrete"))
        mask = softened(stroke(n, road.points, road.width), 0.5)
        canvas.paint(mask, look(road.seed, road.material))
        if road.marked:
            canvas.paint(softened(stroke(n, road.points, max(0.3 / canvas.pixel_m, 0.5)), 0.4), np.full((3, 1, 1), 0.75, np.float32))
    for thing in made.patches:
        draw_patch(canvas, thing)


def _greenery(canvas: Canvas, world: World, rng: np.random.Generator) -> None:
    """Draw the trees; most of those in the middle of a building are cut."""
    season = np.exp(rng.normal(0, 0.15, 3)) * np.exp(rng.normal(0, 0.2))
    kept = 0.95 if rng.random() < 0.7 else rng.uniform(0.2, 0.8)
    for tree in world.trees:
        x, y = int(tree.x), int(tree.y)
        if rng.random() > kept or (canvas.kind[y, x] == BUILDING and rng.random() < 0.85):
            continue
        c = np.array(tree.colour) * season
        draw_tree(canvas, replace(tree, colour=(float(c[0]), float(c[1]), float(c[2]))), int(tree.x * 977 + tree.y))


def _traffic(canvas: Canvas, world: World, when: int, rng: np.random.Generator) -> None:
    """Put vehicles on roads and car parks, other ones at each date."""
    site, n = world.site, canvas.side
    roads = [r for made, used, _ in world.developments if used[when] for r in made.roads]
    parks = [
        p
        for made, used, _ in world.developments
        if used[when]
        for plot in [made.patches, *made.plots]
        for p in plot
        if p.sort in {"parking", "drive"}
    ]
    for road in roads:
        for _ in range(int(rng.integers(0, 12))):
            k = int(rng.integers(1, len(road.points)))
            x, y = road.points[k]
            turn = float(np.arctan2(*(road.points[k] - road.points[k - 1])[::-1]))
            off = rng.choice([-1, 1]) * road.width * 0.25
            sort = "car" if rng.random() < 0.85 else "lorry"
            long, wide = (2.2, 0.95) if sort == "car" else (6.0, 1.3)
            if 0 <= x < n and 0 <= y < n and canvas.kind[int(y), int(x)] not in {BUILDING, TREE}:
                thing = site.thing(sort, float(x - off * np.sin(turn)), float(y + off * np.cos(turn)), turn, long / site.pixel_m, wide / site.pixel_m)
                draw_box(canvas, thing)
    for park in parks:
        for _ in range(int(rng.integers(0, 3 if park.sort == "drive" else 40))):
            u, v = rng.uniform(-1, 1) * park.long, rng.uniform(-1, 1) * park.wide
            c, s = np.cos(park.turn), np.sin(park.turn)
            draw_box(
                canvas,
                site.thing(
                    "car",
                    float(park.x + u * c - v * s),
                    float(park.y + u * s + v * c),
                    park.turn + np.pi / 2,
                    2.2 / site.pixel_m,
                    0.95 / site.pixel_m,
                ),
            )


def _veil(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return the opacity (y, x) 0..1 of clouds."""
    level = noise_tables().field(rng, shape, 3.0, 2.0)
    return np.asarray(np.clip((level - rng.uniform(0.2, 1.5)) * rng.uniform(0.5, 3), 0, rng.uniform(0.3, 1)), np.float32)
