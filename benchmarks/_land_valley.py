"""A rendered valley seen by a 30 m sensor: fields of many sizes and vigours, forest, a river, and changes planted at known places.

The ground is that of `camwatch.render.hoeryong`, whose fields green up and are reaped as `camwatch.render.land` has it. Some lie bare in some years.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely import union_all
from shapely.geometry import Point, box

from camwatch.aoi import Site
from camwatch.imagery import Image
from camwatch.rasters import mask_of
from camwatch.render import demo
from camwatch.render.land import BANDS
from camwatch.render.scene import Optics, render
from camwatch.render.sensor import Shot
from camwatch.render.world import Patch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from camwatch.findings import Finding
    from camwatch.render.world import World

SIDE, PIXEL_M = 320, 30.0
CORNER = 570_600.0, 4_715_400.0
GRID = GeoBox((SIDE, SIDE), Affine(PIXEL_M, 0, CORNER[0], 0, -PIXEL_M, CORNER[1]), "EPSG:32652")
SITE = Site("valley", box(*GRID.extent.boundingbox), None, None, 0.0, {}, nominal=False)
CELLS = 2
BARE_IN_A_YEAR = 0.06
"""Share of the fields that lie bare in a year, others in each."""
LONLAT = 129.9, 42.55
CHANGED = date(2010, 11, 1)
"""Since when planted changes stand."""
PAIRS = (
    ((10, 21), (10, 18)),
    ((8, 20), (8, 10)),
    ((9, 25), (10, 21)),
    ((9, 5), (10, 15)),
    ((7, 5), (8, 10)),
    ((6, 25), (7, 30)),
    ((5, 5), (6, 10)),
    ((4, 10), (5, 5)),
)
"""Months and days of pairs, 2010 and 2011, that the gate of seasons lets pass: before, during and after green-up and harvest."""
SERIES = {
    "autumns": ("2008-10-12", "2009-09-25", "2010-10-05", "2011-10-21", "2012-09-28", "2013-10-18"),
    "summers": ("2008-08-12", "2009-07-25", "2010-08-05", "2011-07-21", "2012-08-28", "2013-08-18"),
    "mixed": ("2008-05-12", "2008-08-25", "2009-10-05", "2010-05-21", "2010-08-28", "2011-10-01", "2012-06-01", "2012-08-15", "2013-10-18"),
}
"""Days of series that are too short to follow pixels in."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A change that was planted: what it is called, where, and since when it stands."""

    name: str
    geometry: BaseGeometry
    since: date
    until: date | None = None


KINDS = {"forest cleared": "bare", "field built over": "yard", "field flooded": "water", "forest mined": "spoil"}
SIDES_M = 180.0, 240.0, 360.0


@lru_cache(maxsize=2)
def valley(seed: int) -> World:
    """Return the valley of a seed."""
    return demo.world_of("hoeryong", seed)


@lru_cache(maxsize=8)
def planted(seed: int, since: date, until: date | None = None) -> tuple[Planted, ...]:
    """Return changes at places of a seed, three of a kind, apart from one another; `until` takes them back."""
    rng, world = np.random.default_rng([seed, 77]), valley(seed)
    fields = union_all([p.geometry for p in world.patches if p.lowland])
    other = union_all([p.geometry for p in world.patches if not p.lowland]).buffer(60)
    left, bottom, right, top = GRID.extent.boundingbox
    out: list[Planted] = []
    for kind in KINDS:
        for side in SIDES_M:
            for _ in range(4000):
                x, y = rng.uniform(left + 600, right - 600), rng.uniform(bottom + 600, top - 600)
                place = Point(x, y).buffer(side / 2, cap_style="square")
                steep = float(world.slope.at(np.array([x]), np.array([y]))[0, 0])
                fits = fields.contains(place.buffer(-30)) and steep < 0.05 if kind.startswith("field") else steep > 0.8
                if fits and not place.intersects(other) and all(place.distance(p.geometry) > 300 for p in out):
                    out.append(Planted(kind, place, since, until))
                    break
    return tuple(out)


def seen(
    seed: int,
    day: date,
    changes: tuple[Planted, ...] = (),
    *,
    as_of: int | None = None,
    offset_m: tuple[float, float] = (0.0, 0.0),
    rare: tuple[Patch, ...] = (),
) -> Image:
    """Return the valley on a day as a sensor sees it, surface reflectance with its noise, haze and calibration.

    Parameters
    ----------
    seed : int
    day : date
    changes : tuple of Planted
    as_of : int, optional
        Day of the year at which plants stand, where the year is early or late.
    offset_m : (east, north)
        By how much the registration left the scene out of place.
    rare : tuple of Patch
        Ground of a kind of its own, under what changed.
    """
    rng, world = np.random.default_rng([seed, day.toordinal()]), valley(seed)
    turned = np.random.default_rng([seed, day.year]).random(len(world.patches)) < BARE_IN_A_YEAR
    patches = [replace(p, vigour=p.vigour - 1.0) if p.lowland and bare else p for p, bare in zip(world.patches, turned, strict=True)]
    stands = [Patch(c.geometry, KINDS[c.name]) for c in changes if c.since <= day and (c.until is None or day < c.until)]
    moment_day = day if as_of is None else date.fromordinal(date(day.year, 1, 1).toordinal() + as_of - 1)
    taken = datetime.combine(day, time(2), UTC)
    shot = Shot(taken, offset_m=offset_m)
    moment = replace(world, patches=(*patches, *rare, *stands), standing=(), trees=world.trees[:0]).on(moment_day)
    optics = Optics(shot.sun(LONLAT), shot.view, float(rng.uniform(0.45, 0.55)), CELLS)
    values = render(moment, shot.truly(GRID), BANDS, optics)
    values = values * rng.normal(1, 0.015, (len(BANDS), 1, 1)) + rng.normal(0, 0.003, (len(BANDS), 1, 1)) + rng.normal(0, 0.003, values.shape)
    return Image(
        values.astype(np.float32), np.ones(GRID.shape, bool), BANDS, GRID, taken, None, PIXEL_M, "surface reflectance", str(day), simulated=True
    )


def about(changes: tuple[Planted, ...]) -> NDArray[np.bool_]:
    """Return the pixels at which planted changes may show."""
    return mask_of(union_all([c.geometry for c in changes]).buffer(1.5 * PIXEL_M), GRID, touched=True)


def score(records: Sequence[Finding], told: NDArray[np.bool_], changes: tuple[Planted, ...]) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Return the km² reported away from planted changes by class, and the share of each planted change that is found, by kind; NaN where not told.

    Parameters
    ----------
    records : sequence of Finding
    told : (y, x) bool
        Where the search tells.
    changes : tuple of Planted
    """
    far = union_all([c.geometry for c in changes]).buffer(2 * PIXEL_M)
    false: dict[str, float] = {}
    for record in records:
        name, away = str(record.measures["class"]), record.geometry.difference(far).area / 1e6
        false[name] = false.get(name, 0.0) + away
    everything = union_all([r.geometry for r in records])
    found: dict[str, list[float]] = {}
    for change in changes:
        inside = mask_of(change.geometry.buffer(-PIXEL_M / 2), GRID)
        share = everything.intersection(change.geometry).area / change.geometry.area
        found.setdefault(change.name, []).append(share if told[inside].mean() > 0.5 or share > 0.5 else float("nan"))
    return {name: area for name, area in false.items() if area > 0.0025}, found


def in_words(false: dict[str, float], found: dict[str, list[float]]) -> tuple[str, str]:
    """Return both answers of :func:`score` for a table."""
    wrong = ", ".join(f"{area:.2f} {name}" for name, area in sorted(false.items())) or "0"
    right = "; ".join(f"{name} {' '.join('–' if share != share else f'{share:.1f}' for share in shares)}" for name, shares in found.items())  # noqa: PLR0124
    return wrong, right
