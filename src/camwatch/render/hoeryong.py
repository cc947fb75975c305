"""The simulated world around Camp 22: a valley within the nominal outline, and a stretch of its perimeter in detail. Nothing in it was observed.

What comes from documents: the nominal outline of the bundled AOI (225 km², 75 km around), that the fence was visible all round on 2011-05-21 and
along about 47 km on 2012-11-26, that many guard posts were razed in between while some stood, that buildings were razed, that the coal mine went on.
What is invented: everything else, among it the true course of the fence (bent by tens of metres against the nominal one), valley, fields, villages,
and how many posts stood where; no count of posts is published.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from shapely import affinity, contains_xy, offset_curve, union_all
from shapely.geometry import LineString, Point, Polygon, box
from shapely.ops import substring

from camwatch.aoi import LONLAT, load_aoi, reproject
from camwatch.render import layout
from camwatch.render.texture import Texture, forest, noise_table
from camwatch.render.truth import truth_of
from camwatch.render.world import Patch, Standing, Wall, World

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

CRS = "EPSG:32652"
CENTRE = (567720.0, 4704330.0)
"""Middle of the detailed stretch, at the south-western corner of the outline."""
WINDOW_M = (1700.0, 1240.0)

RAZED_LAST = date(2012, 6, 15)
STILL_FENCED = 47 / 75
AZIMUTH = 48.0

RIVER = (
    (587500, 4710300),
    (584000, 4709200),
    (580500, 4708900),
    (577600, 4709600),
    (576300, 4711000),
    (575300, 4713500),
    (573800, 4717300),
    (572500, 4723800),
)
BRANCH = ((565900, 4702700), (567350, 4704100), (568100, 4705000), (569600, 4706600), (572500, 4707800), (576400, 4709600))
SIDE_VALLEYS = (
    ((574900, 4714300), (572300, 4712900), (569500, 4711600)),
    ((578300, 4709500), (579600, 4706900), (579900, 4703800)),
    ((573900, 4716900), (577500, 4718300)),
)
MINE = (580700.0, 4707600.0)


def world(seed: int = 22) -> World:
    """Return the simulated world of Camp 22; another seed bends the fence, shuffles buildings, fields and ground differently."""
    rng = np.random.default_rng([seed, 22])
    ring = fence(rng)
    river = layout.wiggle(RIVER, rng, sway_m=60, wave_m=1200)
    branch = layout.wiggle(BRANCH, rng, sway_m=14, wave_m=400)
    road = layout.wiggle([(x + 130, y - 95) for x, y in BRANCH], rng, sway_m=8, wave_m=500)
    sides = [layout.wiggle(line, rng, sway_m=70, wave_m=1500) for line in SIDE_VALLEYS]
    flats = union_all([river.buffer(1150), branch.buffer(640), Point(CENTRE).buffer(620), *(s.buffer(380) for s in sides)])
    torn, kept = _torn(ring)
    standing = _stretch(ring, torn, kept, rng)
    standing += _villages(
        flats, [river.buffer(60), branch.buffer(14), road.buffer(10), ring.exterior.buffer(45), layout.occupied(standing).buffer(25)], rng
    )
    left, bottom, right, top = ring.bounds
    slope, relief = layout.land((left - 3000, bottom - 3000, right + 3000, top + 7000), flats, seed + 1, fade_m=700, peaks_m=330)
    return World(
        id="hoeryong",
        crs=CRS,
        centre=CENTRE,
        seed=seed,
        standing=tuple(standing),
        walls=(Wall(ring),),
        slope=slope,
        relief=relief,
        patches=tuple(_ground(ring, torn, (river, branch, road), standing, rng)),
        trees=_trees(ring, branch, road, standing, rng),
        texture=Texture(noise_table(seed)),
        canopy=forest(seed + 2),
        truth=_truth(standing, ring, torn, kept),
    )


def fence(rng: np.random.Generator) -> Polygon:
    """Return the polygon that the fence encloses: the nominal outline bent by tens of metres, at its own area."""
    nominal = reproject(load_aoi("hoeryong").perimeter(date(2011, 5, 21)).geometry, LONLAT, CRS)
    outline = layout.polygon_of(nominal)
    bent = layout.warped([Polygon(outline.exterior.segmentize(230))], rng, origin=CENTRE, sway_m=12, turn_deg=0.02, shift_m=14, wave_m=900)[0]
    scale = (outline.area / bent.area) ** 0.5
    return layout.polygon_of(affinity.scale(bent, scale, scale, origin=CENTRE))


def _torn(ring: Polygon) -> tuple[LineString, LineString]:
    """Return (line where the fence was taken away in 2012, line where it stayed); the cut lies in the detailed stretch."""
    line = LineString(ring.exterior.coords)
    start = line.project(Point(CENTRE[0] + 60, CENTRE[1] - 130))
    length = (1 - STILL_FENCED) * line.length
    round_twice = LineString([*line.coords, *line.coords[1:]])
    # Of the two ways round, the one that leaves the detailed stretch to the east is torn.
    ways = [_part(round_twice, s, s + length) for s in (start, start + line.length - length)]
    if ways[0].interpolate(500).x > ways[1].interpolate(length - 500).x:
        return ways[0], _part(round_twice, start + length, start + line.length)
    return ways[1], _part(round_twice, start, start + line.length - length)


def _part(line: LineString, start: float, end: float) -> LineString:
    return LineString(substring(line, start, end).coords)


def _stretch(ring: Polygon, torn: LineString, kept: LineString, rng: np.random.Generator) -> list[Standing]:
    """Fences and posts of the part that is shown in detail, and the compound behind them."""
    near = box(CENTRE[0] - 2300, CENTRE[1] - 2300, CENTRE[0] + 2300, CENTRE[1] + 2300)
    out: list[Standing] = []
    for line, until in ((torn, RAZED_LAST), (kept, None)):
        for offset in (-4.0, 4.0):
            part = offset_curve(line.intersection(near), offset)
            pieces = layout.along(part, piece_m=45, kind="fence", width_m=0.25, height_m=3.0, reflectance=0.3, opacity=0.4)
            out += layout.standing(pieces, "fence", until=until)
    ring_line = LineString(ring.exterior.coords)
    at = ring_line.project(Point(CENTRE))
    posts = layout.towers_along(
        ring_line, at + (np.arange(-16, 17) + rng.uniform(-0.2, 0.2, 33)) * 132 + ring_line.length, rng, inside=ring, offset_m=9
    )
    shown = [p for p in posts if abs(p.x - CENTRE[0]) < WINDOW_M[0] / 2 - 25 and abs(p.y - CENTRE[1]) < WINDOW_M[1] / 2 - 25]
    stays = set(range(2, len(shown), 5))
    out += [Standing(p, "tower", None, None if i in stays else RAZED_LAST) for i, p in enumerate(shown)]
    out += [Standing(p, "tower", None, None if i % 5 == 2 else RAZED_LAST) for i, p in enumerate(p for p in posts if p not in shown)]
    plan = (
        ((567560, 4704560), (4, 3), (38, 24), (29, 9), 4.2, {1, 4, 5, 9}),
        ((567830, 4704880), (3, 2), (46, 30), (34, 12), 5.5, {0}),
        ((567290, 4704820), (5, 5), (22, 17), (15, 6.5), 3.4, {3, 4, 8, 9, 13, 14}),
    )
    taken = union_all([ring_line.buffer(22), LineString(BRANCH).buffer(18)])
    for centre, counts, pitch, size, height, razed in plan:
        made = layout.clear_of(
            layout.block(centre, counts, pitch, size, azimuth_deg=AZIMUTH, rng=rng, height_m=height, materials=("tile", "concrete", "thatch")), taken
        )
        out += [Standing(s, "building", None, RAZED_LAST if i in razed else None) for i, s in enumerate(made)]
    return out


def _villages(flats: BaseGeometry, taken: list[BaseGeometry], rng: np.random.Generator) -> list[Standing]:
    """Generic rows of small houses; modelled on no real place."""
    keep_off = union_all(taken)
    out: list[Standing] = []
    for x, y, counts, azimuth in (
        (568330, 4704150, (6, 4), 40),
        (568900, 4705850, (10, 7), 46),
        (569700, 4706250, (8, 6), 46),
        (566450, 4703600, (7, 5), 20),
    ):
        houses = layout.block(
            (x, y),
            counts,
            (17, 15),
            (9.5, 6.2),
            azimuth_deg=azimuth,
            rng=rng,
            height_m=3.2,
            keep=0.85,
            materials=("tile", "thatch", "concrete"),
            reflectance=(0.09, 0.19),
            spread=0.2,
        )
        out += layout.standing([h for h in layout.clear_of(houses, keep_off, 1.0) if flats.contains(Point(h.x, h.y))], "house")
    return out


def _ground(
    ring: Polygon, torn: LineString, lines: tuple[LineString, LineString, LineString], standing: list[Standing], rng: np.random.Generator
) -> list[Patch]:
    river, branch, road = lines
    near = box(CENTRE[0] - 2300, CENTRE[1] - 2300, CENTRE[0] + 2300, CENTRE[1] + 2300)
    out: list[Patch] = []
    main = river.buffer(1600)
    valleys = [(main, 160.0), (union_all([branch.buffer(750), Point(CENTRE).buffer(800)]).difference(main), AZIMUTH)]
    valleys += [(LineString(line).buffer(700).difference(main), turn) for line, turn in zip(SIDE_VALLEYS, (60.0, 155.0, 70.0), strict=True)]
    for area, turn in valleys:
        out += layout.fields(layout.parcels(area.difference(near), rng, smallest_m=150, azimuth_deg=turn), rng, azimuth_deg=turn)
        out += layout.fields(layout.parcels(area.intersection(near), rng, smallest_m=58, azimuth_deg=turn), rng, azimuth_deg=turn)
    out += [
        Patch(river.buffer(48), "gravel", tone=-0.1),
        Patch(river.buffer(20), "water"),
        Patch(branch.buffer(7), "gravel", tone=-0.15),
        Patch(branch.buffer(2.2), "water"),
    ]
    out += _works(rng)
    out.append(Patch(road.buffer(2.6), "track"))
    for points, width in (
        (((567660, 4704380), (567590, 4704490), (567640, 4704690), (567860, 4704830)), 2.2),
        (((567640, 4704690), (567400, 4704790)), 1.8),
        (((566300, 4704900), (566720, 4704200), (566900, 4703600), (567500, 4703300)), 2.2),
    ):
        out.append(Patch(layout.wiggle(points, rng, sway_m=2.5).buffer(width), "track"))
    strip, path = ring.exterior.buffer(7), ring.buffer(-11).exterior.buffer(1.3)
    gone = torn.buffer(30)
    out += [Patch(strip.difference(gone), "bare"), Patch(path.difference(gone), "track")]
    out += [Patch(strip.intersection(gone), "bare", until=RAZED_LAST), Patch(path.intersection(gone), "track", until=RAZED_LAST)]
    out.append(Patch(strip.intersection(gone), "scrub", tone=0.05, since=RAZED_LAST))
    out += [Patch(p.geometry, "garden", p.tone, p.vigour) for p in layout.yards(standing, rng, reach_m=22, label="house")] + layout.yards(
        standing, rng
    )
    return out + [
        Patch(s.solid.footprint.buffer(2), "rubble", since=s.until) for s in standing if s.until is not None and s.label in {"building", "tower"}
    ]


def _works(rng: np.random.Generator) -> list[Patch]:
    """The coal mine with its tips, and the settlements that only coarse sensors see."""
    out = [
        Patch(Point(MINE[0] + dx, MINE[1] + dy).buffer(size), "spoil", tone=float(rng.normal(0, 0.1)))
        for dx, dy, size in ((0, 0, 210), (260, 150, 150), (-190, 240, 120))
    ]
    out += [
        Patch(layout.rectangle((MINE[0] + 60, MINE[1] + 520), 420, 190, 80), "yard"),
        Patch(layout.rectangle((MINE[0] - 400, MINE[1] + 700), 520, 260, 95), "village"),
    ]
    out += [
        Patch(layout.rectangle((x, y), length, width, turn), "village", tone=float(rng.normal(0, 0.05)))
        for x, y, length, width, turn in (
            (575950, 4709900, 700, 360, 130),
            (574150, 4714600, 420, 240, 150),
            (572700, 4708050, 380, 220, 70),
            (573050, 4718300, 450, 260, 165),
        )
    ]
    return out


def _trees(
    ring: Polygon, branch: LineString, road: LineString, standing: list[Standing], rng: np.random.Generator
) -> np.ndarray[Any, np.dtype[np.float32]]:
    near = box(CENTRE[0] - 2300, CENTRE[1] - 2300, CENTRE[0] + 2300, CENTRE[1] + 2300)
    trees = layout.trees_near(branch.intersection(near), rng, every_m=4.5, scatter_m=12) + layout.trees_near(
        road.intersection(near), rng, every_m=16, scatter_m=6
    )
    for s in standing:
        if s.label == "house":
            trees += layout.trees_in(s.solid.footprint.buffer(9), rng, 1)
    trees += layout.trees_in(Point(CENTRE).buffer(1500), rng, 520)
    array = np.array(trees)
    keep_off = union_all(
        [ring.exterior.intersection(near).buffer(13), road.buffer(4), *(s.solid.footprint.buffer(1.5) for s in standing if s.label != "fence")]
    )
    free = ~contains_xy(keep_off, array[:, 0], array[:, 1])
    array[:, :2] -= CENTRE
    return array[free].astype(np.float32)


def _truth(standing: list[Standing], ring: Polygon, torn: LineString, kept: LineString) -> dict[str, Any]:
    x, y = CENTRE
    window = box(x - WINDOW_M[0] / 2, y - WINDOW_M[1] / 2, x + WINDOW_M[0] / 2, y + WINDOW_M[1] / 2)
    shown = [s for s in standing if s.label != "tower" or window.contains(Point(s.solid.x, s.solid.y))]
    return truth_of(
        "hoeryong",
        CRS,
        shown,
        enclosed=[{"geometry": ring}],
        dates=(date(2011, 5, 21), date(2012, 11, 26)),
        note="Posts and buildings are those of the detailed stretch. Most posts, 11 buildings and 28 of 75 km of fence went in June 2012; the "
        "enclosed area is that of the line where it stood all round.",
        extra={"fence_km": {"2011-05-21": round((torn.length + kept.length) / 1000, 2), "2012-11-26": round(kept.length / 1000, 2)}},
    )
