"""Rendered ground for the benchmark of land cover: fields, forest and bare ground whose seasons are those of `camwatch.render.land`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import box

from camwatch.aoi import Site
from camwatch.imagery import Image
from camwatch.render.land import BANDS, CODE, green_share, season_of, spectra

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE, PIXEL_M = 100, 30.0
GRID = GeoBox((SIDE, SIDE), Affine(PIXEL_M, 0, 5e5, 0, -PIXEL_M, 4.6e6), "EPSG:32652")
DAYS = [date(2000, 1, 5) + timedelta(16 * n) for n in range(230)]


@dataclass(frozen=True, slots=True)
class Event:
    """Ground that turns from one cover to another on a day."""

    name: str
    day: date
    rows: slice
    cols: slice
    was: str
    became: str


EVENTS = (
    Event("forest cleared", date(2003, 10, 5), slice(10, 20), slice(10, 20), "forest", "bare"),
    Event("pit in a field", date(2005, 5, 12), slice(10, 18), slice(60, 70), "field", "gravel"),
    Event("field abandoned bare", date(2004, 7, 1), slice(60, 68), slice(60, 68), "field", "bare"),
    Event("bare ground overgrown", date(2006, 4, 20), slice(60, 68), slice(10, 20), "bare", "scrub"),
    Event("valley flooded", date(2004, 8, 15), slice(40, 46), slice(40, 48), "field", "water"),
)


def site(grid: GeoBox = GRID) -> Site:
    """Return a site that is all of a grid."""
    return Site("site", box(*grid.extent.boundingbox), None, None, 0.0, {}, nominal=False)


def ground(seed: int) -> NDArray[np.int64]:
    """Return (y, x) codes of covers: patches of fields, forest, scrub, bare and gravel, and water along one side."""
    rng = np.random.default_rng(seed)
    cover = np.full((SIDE, SIDE), CODE["field"])
    for _ in range(180):
        (row, col), (high, wide) = rng.integers(0, SIDE, 2), rng.integers(4, 16, 2)
        cover[row : row + high, col : col + wide] = CODE[("field", "forest", "scrub", "bare", "paddy", "gravel", "forest")[rng.integers(7)]]
    cover[:, :5] = CODE["water"]
    for event in EVENTS:
        cover[event.rows.start - 3 : event.rows.stop + 3, event.cols.start - 3 : event.cols.stop + 3] = CODE[event.was]
    return cover


def truth_on(day: date, cover: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the covers as they are on a day."""
    now = cover.copy()
    for event in EVENTS:
        if day >= event.day:
            now[event.rows, event.cols] = CODE[event.became]
    return now


def image(
    day: date, cover: NDArray[np.int64], seed: int = 0, *, clear: float = 1.0, snowy: bool = False, spikes: float = 0.0, blind: float = 0.0
) -> Image:
    """Return a date of some ground: texture that stays, noise, haze and calibration of the date, cloud that masks catch and cloud that they miss."""
    rng = np.random.default_rng([seed, day.toordinal()])
    stays = np.random.default_rng(seed).normal(0, 0.015, cover.shape)
    season = season_of(day.timetuple().tm_yday)
    dry, green = spectra(BANDS, season)
    share = green_share(season)
    year = np.random.default_rng([seed, day.year]).normal(1, 0.06)  # of good and bad harvests
    values = (dry * (1 - share * year) + green * share * year)[:, cover] * rng.normal(1, 0.03) + rng.normal(0, 0.005, (len(BANDS), 1, 1))
    values += stays * (cover != CODE["water"]) + rng.normal(0, 0.008, values.shape)
    if snowy and rng.random() < season.snow:
        values = np.where(rng.random(cover.shape) < 0.9, dry[:, CODE["snow"], None, None], values)
    valid = rng.random(cover.shape) < (0.0 if rng.random() < blind else clear)
    values = np.where(rng.random(cover.shape) < spikes, 0.5, values)
    taken = datetime.combine(day, time(2), UTC)
    return Image(values.astype(np.float32), valid, BANDS, GRID, taken, None, PIXEL_M, "surface reflectance", day.isoformat(), simulated=True)
