"""The demonstration: simulated products of both camps in the layouts in which archives deliver them, and the truth beside them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from math import floor
from typing import TYPE_CHECKING

from affine import Affine
from odc.geo.geobox import GeoBox

from camwatch.errors import MissingInputError
from camwatch.render import chongjin, hoeryong
from camwatch.render.delivery import write_json
from camwatch.render.geotiff import Fine, write_fine
from camwatch.render.landsat import write_landsat
from camwatch.render.optics import View
from camwatch.render.sensor import Shot
from camwatch.render.sentinel2 import write_sentinel2

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from camwatch.render.world import World

CAMPS = ("chongjin", "hoeryong")
RGB = ("red", "green", "blue")
Window = tuple[float, float, float, float]
"""Left, bottom, right, top in map coordinates."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is taken of a camp: (satellite number or tile or product name, acquisition) by kind, and the windows (width, height) in metres."""

    landsat: tuple[tuple[int, Shot], ...]
    path_row: tuple[int, int]
    sentinel2: tuple[tuple[str, Shot], ...]
    pan: tuple[tuple[str, Shot], ...]
    fine: tuple[tuple[str, Shot], ...]
    coarse_window: Window
    s2_window: Window
    pan_window: Window
    fine_window: Window


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _around(centre: tuple[float, float], width: float, height: float) -> Window:
    return centre[0] - width / 2, centre[1] - height / 2, centre[0] + width / 2, centre[1] + height / 2


# Local solar time at 129.8° E is UTC + 8 h 39 min: archives hold these places between about 01:50 and 02:40 UTC.
_PLANS = {
    "chongjin": _Plan(
        landsat=(
            (5, Shot(_utc("2009-10-05T01:52:10"), offset_m=(7.0, -6.0), haze=0.006, noise=0.0035, psf_px=0.55)),
            (7, Shot(_utc("2010-10-24T01:55:40"), offset_m=(-5.0, 8.0), haze=0.003, noise=0.003, psf_px=0.5)),
            (8, Shot(_utc("2013-10-16T02:03:30"), offset_m=(2.0, 3.0), haze=0.002, noise=0.0012, psf_px=0.45)),
        ),
        path_row=(115, 31),
        sentinel2=(("52TEM", Shot(_utc("2016-10-18T02:11:21"), offset_m=(3.0, -2.0), haze=0.002, noise=0.0012, psf_px=0.5)),),
        pan=(
            ("SIM-SPOT5-PAN_20091012", Shot(_utc("2009-10-12T02:14:00"), View(9, 285), (9.0, -7.0), 1.5e-4, 768, 0.035, 1.3, 0.6)),
            ("SIM-SPOT5-PAN_20110220", Shot(_utc("2011-02-20T02:21:00"), View(14, 100), (-8.0, 10.0), -1.0e-4, 672, 0.05, 1.6, 0.65)),
        ),
        fine=(
            ("SIM-VHR-RGB_20091012", Shot(_utc("2009-10-12T02:09:00"), View(8, 260), (0.4, -0.6), 0.0, 832, 0.030, 1.2, 0.5)),
            ("SIM-VHR-RGB_20110220", Shot(_utc("2011-02-20T02:16:00"), View(17, 95), (-0.9, 0.7), 1.0e-4, 741, 0.042, 1.6, 0.55)),
            ("SIM-VHR-RGB_20140322", Shot(_utc("2014-03-22T02:31:00"), View(11, 215), (0.6, 1.1), -8.0e-5, 884, 0.024, 1.1, 0.5)),
        ),
        coarse_window=_around(chongjin.CENTRE, 12120, 12120),
        s2_window=_around(chongjin.CENTRE, 10000, 10000),
        pan_window=_around(chongjin.CENTRE, 4000, 4000),
        fine_window=_around(chongjin.CENTRE, 2180, 1560),
    ),
    "hoeryong": _Plan(
        landsat=(
            (5, Shot(_utc("2011-09-25T01:49:20"), offset_m=(-6.0, 6.0), haze=0.006, noise=0.0035, psf_px=0.55)),
            (7, Shot(_utc("2012-10-21T01:56:50"), offset_m=(8.0, 4.0), haze=0.003, noise=0.003, psf_px=0.5)),
            (8, Shot(_utc("2013-10-18T02:03:10"), offset_m=(2.0, -3.0), haze=0.002, noise=0.0012, psf_px=0.45)),
        ),
        path_row=(115, 30),
        sentinel2=(("52TEN", Shot(_utc("2016-10-18T02:11:21"), offset_m=(-2.0, 3.0), haze=0.002, noise=0.0012, psf_px=0.5)),),
        pan=(
            ("SIM-SPOT5-PAN_20110521", Shot(_utc("2011-05-21T02:18:00"), View(7, 100), (-10.0, 5.0), 1.2e-4, 732, 0.045, 1.4, 0.6)),
            ("SIM-SPOT5-PAN_20121126", Shot(_utc("2012-11-26T02:11:00"), View(12, 285), (8.0, 11.0), -1.2e-4, 840, 0.030, 1.5, 0.65)),
        ),
        fine=(
            ("SIM-VHR-RGB_20110521", Shot(_utc("2011-05-21T02:20:00"), View(10, 110), (0.5, 0.9), 0.0, 780, 0.040, 1.3, 0.5)),
            ("SIM-VHR-RGB_20121126", Shot(_utc("2012-11-26T02:27:00"), View(15, 250), (-1.0, -0.6), 9.0e-5, 936, 0.026, 1.4, 0.55)),
        ),
        coarse_window=(565900.0, 4699900.0, 586300.0, 4723300.0),
        s2_window=(566500.0, 4702500.0, 578500.0, 4712500.0),
        pan_window=_around(hoeryong.CENTRE, 4000, 4000),
        fine_window=_around(hoeryong.CENTRE, *hoeryong.WINDOW_M),
    ),
}


def grid(window: Window, gsd_m: float, crs: str, *, snap_m: float = 0.0, even: bool = False) -> GeoBox:
    """Return the north-up grid that covers a window; edges lie at whole pixels, moved by `snap_m` (Landsat counts from pixel centres)."""
    left, bottom, right, top = window
    c0, r0 = floor((left - snap_m) / gsd_m), -floor(-(top - snap_m) / gsd_m)
    cols, rows = round((right - left) / gsd_m), round((top - bottom) / gsd_m)
    cols, rows = (cols + cols % 2, rows + rows % 2) if even else (cols, rows)
    return GeoBox((rows, cols), Affine(gsd_m, 0.0, c0 * gsd_m + snap_m, 0.0, -gsd_m, r0 * gsd_m + snap_m), crs)


def world_of(camp: str, seed: int | None = None) -> World:
    """Return the simulated world of a camp (`chongjin` or `hoeryong`).

    Raises
    ------
    MissingInputError
        For any other camp.
    """
    makers = {"chongjin": chongjin.world, "hoeryong": hoeryong.world}
    if camp not in makers:
        raise MissingInputError("no simulated world of this camp", got=camp, expected=" or ".join(CAMPS))
    return makers[camp]() if seed is None else makers[camp](seed)


def write_demo(
    folder: Path, *, camps: Sequence[str] = CAMPS, progress: Callable[[str], None] | None = None, seed: int | None = None, shrink: float = 1.0
) -> list[Path]:
    """Write simulated products of the camps into `folder/CAMP/scenes/`, and what they show into `folder/CAMP/truth.json`.

    Parameters
    ----------
    folder : Path
    camps : sequence of str
        Of `chongjin`, `hoeryong`.
    progress : callable, optional
        Called with one line before each product.
    seed : int, optional
        Of the worlds; by default each camp's own.
    shrink : float
        0..1: share of the side of every window that is rendered, for trials.

    Returns
    -------
    list of Path
        The products in order, and the truth last for each camp. Products that are complete already are left alone.

    Raises
    ------
    MissingInputError
        For a camp without a simulated world.

    Notes
    -----
    Every product carries the word SIMULATED in its metadata. The same seed gives the same bytes.
    """
    say = progress or (lambda _: None)
    out: list[Path] = []
    for camp in camps:
        world = world_of(camp, seed)
        scenes = folder / camp / "scenes"
        scenes.mkdir(parents=True, exist_ok=True)
        for line, write in _jobs(_PLANS[camp], world, scenes, shrink):
            say(f"{camp}: {line}")
            out.append(write())
        out.append(write_json(folder / camp / "truth.json", world.truth))
    return out


def _jobs(plan: _Plan, world: World, scenes: Path, shrink: float) -> list[tuple[str, Callable[[], Path]]]:
    def window(full: Window) -> Window:
        centre = (full[0] + full[2]) / 2, (full[1] + full[3]) / 2
        return _around(centre, (full[2] - full[0]) * shrink, (full[3] - full[1]) * shrink)

    jobs: list[tuple[str, Callable[[], Path]]] = []
    for number, shot in plan.landsat:
        frame = grid(window(plan.coarse_window), 30.0, world.crs, snap_m=15.0)
        jobs.append(
            (f"Landsat {number}, {shot.when:%Y-%m-%d}", partial(write_landsat, scenes, number, plan.path_row, shot, world=world, geobox=frame))
        )
    for tile, shot in plan.sentinel2:
        frame = grid(window(plan.s2_window), 10.0, world.crs, even=True)
        jobs.append((f"Sentinel-2, {shot.when:%Y-%m-%d}", partial(write_sentinel2, scenes, tile, shot, world, frame)))
    pan = [(Fine(name, ("pan",), 2.5, 2), shot, plan.pan_window) for name, shot in plan.pan]
    for product, shot, full in [*pan, *((Fine(name, RGB, 0.5, 1), shot, plan.fine_window) for name, shot in plan.fine)]:
        frame = grid(window(full), product.gsd_m, world.crs)
        jobs.append((f"{product.name}, {product.gsd_m} m", partial(write_fine, scenes, product, shot, world, frame)))
    return jobs
