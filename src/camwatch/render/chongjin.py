"""The simulated world around Camp 25: the documented figures as vectors, on invented ground. Nothing in it was observed.

What comes from documents: the nominal perimeters of the bundled AOI (0.58 km² until 2009, 1.0 km² from 2010: +72 % in area, +37 % in length),
17 guard posts that appeared in 2010 on the new line, 18 buildings that appeared in the south-east between 2011 and 2013. What is invented:
everything else, among it where the true line lies (bent and shifted by tens of metres against the nominal one, as a real line would be), which
26 posts stood before 2010 and stay when the wall moves out, which two go in 2012, the barracks, workshops, fields, roads, river and villages.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from shapely import affinity, contains_xy, offset_curve, union_all
from shapely.geometry import LineString, Point, Polygon, box

from camwatch.aoi import LONLAT, load_aoi, reproject
from camwatch.render import layout
from camwatch.render.texture import Texture, forest, noise_table
from camwatch.render.truth import truth_of
from camwatch.render.world import Patch, Standing, Wall, World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapely.geometry.base import BaseGeometry

CRS = "EPSG:32652"
CENTRE = (560221.0, 4631642.0)
GROWTH = 0.72
"""Growth of the enclosed area, exactly."""

NEW_LINE = date(2010, 5, 15)
OLD_LINE_LAST = date(2010, 4, 30)
AZIMUTH = 94.0

RIVER = ((561000, 4638700), (561700, 4635500), (561480, 4633200), (561720, 4631500), (562300, 4629500), (562900, 4627000), (563700, 4624800))
STREAM = ((557200, 4633700), (558700, 4632980), (559650, 4632400), (560300, 4631930), (560950, 4631600), (561690, 4631350))
HIGHWAY = (
    (560650, 4638700),
    (561320, 4635500),
    (561150, 4633400),
    (561330, 4632000),
    (561420, 4631200),
    (561950, 4629500),
    (562580, 4626900),
    (563300, 4624800),
)
ACCESS = ((561420, 4631180), (561150, 4630905), (560200, 4630950), (559400, 4630960), (558600, 4630650), (557000, 4630700))


def world(seed: int = 25) -> World:
    """Return the simulated world of Camp 25; another seed bends the perimeter, shuffles buildings, fields and ground differently."""
    rng = np.random.default_rng([seed, 25])
    before, after = perimeters(rng)
    river, stream = layout.wiggle(RIVER, rng, sway_m=60, wave_m=1400), layout.wiggle(STREAM, rng, sway_m=9, wave_m=260)
    roads = [layout.wiggle(line, rng, sway_m=5) for line in (HIGHWAY, ACCESS)]
    flats = union_all([river.buffer(850), stream.buffer(260), after.buffer(130), roads[1].buffer(170)])
    standing = _camp(before, after, rng) + _villages(
        flats, [river.buffer(70), stream.buffer(10), after.buffer(60), *(r.buffer(10) for r in roads)], rng
    )
    patches = _ground(before, after, rng, river=river, stream=stream, roads=roads) + _yards(standing, rng)
    reach = 7200
    bounds = (CENTRE[0] - reach, CENTRE[1] - reach, CENTRE[0] + reach, CENTRE[1] + reach)
    slope, relief = layout.land(bounds, flats, seed + 1, fade_m=520, peaks_m=210)
    walls = (Wall(before, None, OLD_LINE_LAST), Wall(after, NEW_LINE, None))
    return World(
        id="chongjin",
        crs=CRS,
        centre=CENTRE,
        seed=seed,
        patches=tuple(patches),
        standing=tuple(standing),
        walls=walls,
        slope=slope,
        relief=relief,
        trees=_trees(standing, rng, stream=stream, roads=roads, before=before, after=after),
        texture=Texture(noise_table(seed)),
        canopy=forest(seed + 2),
        truth=_truth(standing, before, after),
    )


def perimeters(rng: np.random.Generator) -> tuple[Polygon, Polygon]:
    """Return the enclosed polygons (until 2009, from 2010): the nominal ones bent alike, then the older scaled to make the growth exact."""
    aoi = load_aoi("chongjin")
    nominal = [reproject(aoi.perimeter(day).geometry, LONLAT, CRS).simplify(6) for day in (date(2009, 10, 12), date(2014, 3, 22))]
    # Walls are built straight between corners: the vertices move, the sides between them stay straight.
    before, after = layout.warped([layout.polygon_of(n) for n in nominal], rng, origin=CENTRE, sway_m=7, turn_deg=1.0, shift_m=14)
    scale = (after.area / before.area / (1 + GROWTH)) ** 0.5
    return layout.polygon_of(affinity.scale(before, scale, scale, origin=before.centroid)), after


def _camp(before: Polygon, after: Polygon, rng: np.random.Generator) -> list[Standing]:
    old_line, new_line = LineString(before.exterior.coords), LineString(after.exterior.coords)
    spacing = old_line.length / 26
    old = layout.towers_along(old_line, (np.arange(26) + rng.uniform(0.3, 0.7, 26)) * spacing, rng, inside=before)
    new = layout.towers_along(new_line, (np.arange(17) + rng.uniform(0.35, 0.65, 17)) * new_line.length / 17, rng, inside=after)
    gone = {7, 19}
    out = [Standing(t, "tower", None, date(2012, 6, 30) if i in gone else None) for i, t in enumerate(old)]
    out += layout.standing(new, "tower", since=date(2010, 6, 1))
    for line, since, until in ((old_line, None, OLD_LINE_LAST), (new_line, NEW_LINE, None)):
        out += layout.standing(
            layout.along(line, piece_m=35, kind="wall", width_m=0.5, height_m=3.3, reflectance=0.30), "wall", since=since, until=until
        )
    taken = union_all([layout.occupied(out), old_line.buffer(14), new_line.buffer(14)])
    plan: Sequence[tuple[Any, ...]] = (
        ((560170, 4631330), (5, 5), (40, 23), (29, 9), 4.2, ("tile", "concrete")),
        ((559815, 4631345), (3, 3), (64, 36), (50, 16), 6.0, ("metal", "concrete")),
        ((560395, 4631230), (3, 2), (34, 26), (21, 10), 4.5, ("tile", "whitewash")),
        ((559770, 4631560), (4, 2), (31, 18), (24, 7), 3.0, ("thatch", "concrete")),
        ((559990, 4631505), (3, 1), (38, 20), (32, 12), 5.0, ("concrete", "metal")),
    )
    for number, (centre, counts, pitch, size, height, materials) in enumerate(plan):
        made = layout.clear_of(layout.block(centre, counts, pitch, size, azimuth_deg=AZIMUTH, rng=rng, height_m=height, materials=materials), taken)
        razed = {1, 4} if number in {1, 3} else set()
        out += [Standing(s, "building", None, date(2012, 4, 30) if i in razed else None) for i, s in enumerate(made)]
    long = layout.block(
        (560650, 4631240), (6, 2), (37, 25), (27, 8.5), azimuth_deg=AZIMUTH, rng=rng, height_m=4.0, materials=("tile", "metal"), spread=0.08
    )
    short = layout.block(
        (560650, 4631195), (6, 1), (37, 25), (14, 8), azimuth_deg=AZIMUTH, rng=rng, height_m=3.6, materials=("tile", "metal"), spread=0.08
    )
    out += layout.standing(long[:10], "building", since=date(2011, 10, 15)) + layout.standing(long[10:] + short, "building", since=date(2012, 9, 10))
    return out


def _villages(flats: BaseGeometry, taken: list[BaseGeometry], rng: np.random.Generator) -> list[Standing]:
    """Generic rows of small houses; modelled on no real place."""
    keep_off = union_all(taken)
    out: list[Standing] = []
    for x, y, counts, azimuth in (
        (560780, 4632250, (11, 7), 105),
        (561090, 4631700, (6, 9), 12),
        (560520, 4630790, (9, 4), 93),
        (559300, 4630780, (6, 4), 86),
        (558750, 4632650, (9, 6), 120),
        (562100, 4632600, (12, 8), 10),
        (562350, 4630500, (14, 9), 165),
        (561050, 4633700, (12, 7), 5),
        (558500, 4630850, (10, 5), 80),
    ):
        houses = layout.block(
            (x, y),
            counts,
            (16.5, 15.0),
            (9.5, 6.2),
            azimuth_deg=azimuth,
            rng=rng,
            height_m=3.2,
            keep=0.86,
            materials=("tile", "tile", "concrete"),
            reflectance=(0.09, 0.2),
            spread=0.2,
        )
        out += layout.standing([h for h in layout.clear_of(houses, keep_off, 1.0) if flats.contains(Point(h.x, h.y))], "house")
    return out


def _yards(standing: list[Standing], rng: np.random.Generator) -> list[Patch]:
    """Return trodden ground around the buildings, gardens among houses, and what is left where buildings were razed."""
    gardens = [Patch(p.geometry, "garden", p.tone, p.vigour) for p in layout.yards(standing, rng, reach_m=22, label="house")]
    left = [Patch(s.solid.footprint.buffer(1), "rubble", since=s.until) for s in standing if s.until is not None and s.label == "building"]
    paths = [Patch(s.solid.footprint.buffer(1.6), "yard", tone=0.05) for s in standing if s.label == "house"]
    return layout.yards(standing, rng) + gardens + paths + left


def _ground(
    before: Polygon, after: Polygon, rng: np.random.Generator, *, river: LineString, stream: LineString, roads: list[LineString]
) -> list[Patch]:
    near = box(CENTRE[0] - 2700, CENTRE[1] - 2700, CENTRE[0] + 2700, CENTRE[1] + 2700)
    gained = after.difference(before.buffer(2))
    # Fields follow the valley that they lie in: along the river, along the stream, along the road in the south.
    valleys = (
        (river.buffer(850), 172.0),
        (stream.buffer(420).difference(river.buffer(850)), 118.0),
        (roads[1].buffer(400).difference(river.buffer(850)), 84.0),
    )
    outer = [p for area, turn in valleys for p in layout.parcels(area.difference(near), rng, smallest_m=150, azimuth_deg=turn)]
    out = layout.fields(outer, rng, azimuth_deg=12)
    for area, turn in valleys:
        inner = [p for p in layout.parcels(area.intersection(near), rng, smallest_m=56, azimuth_deg=turn) if not p.intersects(after)]
        out += layout.fields(inner, rng, azimuth_deg=turn)
    inside = [p for p in layout.parcels(after, rng, smallest_m=55, azimuth_deg=AZIMUTH - 90, gap_m=1.5) if p.intersects(before)]
    added = layout.parcels(gained, rng, smallest_m=95, azimuth_deg=AZIMUTH - 78, gap_m=2.0)
    out += [p for p in layout.fields(inside, rng, azimuth_deg=AZIMUTH, paddy=0.1, lowland=False) if p.geometry.within(before.buffer(40))]
    out.append(Patch(gained, "scrub", tone=0.02, until=date(2010, 4, 15)))
    # The ground added in 2010 was rough before and is ploughed and bare in its first autumn.
    out += [
        Patch(p.geometry.intersection(gained), "field", p.tone + 0.12, p.vigour - 0.2, p.rows_deg, since=date(2010, 4, 16))
        for p in layout.fields(added, rng, azimuth_deg=AZIMUTH + 12, paddy=0.0)
    ]
    channel = layout.wiggle(river.coords, rng, sway_m=26, wave_m=500)
    out += [
        Patch(river.buffer(78), "scrub", tone=0.08),
        Patch(river.buffer(62), "gravel", tone=-0.12),
        Patch(channel.buffer(27), "water"),
        Patch(stream.buffer(6), "gravel"),
        Patch(stream.buffer(2), "water"),
    ]
    out += [
        Patch(box(562700, 4626200, 565400, 4629000), "village", 0.05),
        Patch(roads[0].buffer(4), "paved"),
        Patch(roads[0].buffer(7).difference(roads[0].buffer(4)), "track", -0.1),
        Patch(roads[1].buffer(2.6), "track"),
    ]
    for points, width in (
        (((560205, 4630950), (560215, 4631140), (560160, 4631240), (559960, 4631430), (559700, 4631560)), 2.4),
        (((560215, 4631160), (560430, 4631170), (560860, 4631160)), 2.0),
        (((560215, 4631160), (559820, 4631260), (559560, 4631300)), 2.2),
        (((561090, 4631880), (560780, 4632130), (560300, 4632400), (559500, 4632700)), 2.0),
        (((560780, 4632130), (560800, 4632420)), 1.8),
    ):
        out.append(Patch(layout.wiggle(points, rng, sway_m=2.5).buffer(width), "track", tone=float(rng.normal(0, 0.05))))
    for enclosed, since, until in ((before, None, OLD_LINE_LAST), (after, NEW_LINE, None)):
        line = enclosed.exterior
        out.append(Patch(line.buffer(6.5), "bare", since=since, until=until))
        out.append(Patch(enclosed.buffer(-4.5).exterior.buffer(1.3), "track", tone=0.08, since=since, until=until))
    # The old strip is overgrown after 2010, with the patrol path still showing.
    out.insert(-2, Patch(before.exterior.buffer(6.5), "scrub", tone=0.06, since=date(2010, 5, 1)))
    out.insert(-2, Patch(before.buffer(-4.5).exterior.buffer(1.0), "track", tone=-0.15, since=date(2010, 5, 1)))
    return out


def _trees(
    standing: list[Standing], rng: np.random.Generator, *, stream: LineString, roads: list[LineString], before: Polygon, after: Polygon
) -> np.ndarray[Any, np.dtype[np.float32]]:
    near = box(CENTRE[0] - 2700, CENTRE[1] - 2700, CENTRE[0] + 2700, CENTRE[1] + 2700)
    trees = layout.trees_near(stream.intersection(near), rng, every_m=4.0, scatter_m=11)
    for road in roads:
        trees += layout.trees_near(offset_curve(road.intersection(near), 9), rng, every_m=13, scatter_m=1.5)
    houses = union_all([s.solid.footprint.buffer(14) for s in standing if s.label == "house"])
    for part in getattr(houses, "geoms", [houses]):
        trees += layout.trees_in(part, rng, max(1, int(part.area / 260)))
    trees += layout.trees_in(before.buffer(-25), rng, 110) + layout.trees_in(after.buffer(900).difference(after.buffer(25)), rng, 420)
    array = np.array(trees)
    things = union_all([s.solid.footprint.buffer(1.5) for s in standing if s.label != "wall"])
    lines = union_all([before.exterior.buffer(11), after.exterior.buffer(11), *(r.buffer(5) for r in roads)])
    free = ~(contains_xy(things, array[:, 0], array[:, 1]) | contains_xy(lines, array[:, 0], array[:, 1]))
    array[:, :2] -= CENTRE
    return array[free].astype(np.float32)


def _truth(standing: list[Standing], before: Polygon, after: Polygon) -> dict[str, Any]:
    return truth_of(
        "chongjin",
        CRS,
        standing,
        enclosed=[{"until": OLD_LINE_LAST, "geometry": before}, {"since": NEW_LINE, "geometry": after}],
        dates=(date(2009, 10, 12), date(2011, 2, 20), date(2014, 3, 22)),
        note="26 posts stood before 2010, 17 appeared on the new line in 2010, two of the old ones went in June 2012: 26, then 43, then 41. "
        "18 buildings appeared in the south-east (10 in October 2011, 8 in September 2012); four were razed elsewhere in April 2012.",
    )
