"""One pair of scenes: aligned, searched tile by tile, and asked how well it would have shown a change."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from shapely import intersection

from camwatch.aoi import LONLAT, reproject
from camwatch.errors import CoverageError, PairError
from camwatch.imagery import Image, fit_radiometry, pair_geobox, shared_bands
from camwatch.pipeline.view import view_of
from camwatch.rasters import mask_of
from camwatch.registration import register
from camwatch.registration.source import Source
from camwatch.scenes import item as scene

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import pystac
    from odc.geo.geobox import GeoBox
    from shapely.geometry.base import BaseGeometry

    from camwatch.aoi import Aoi, Site
    from camwatch.config import RunConfig
    from camwatch.imagery import Radiometry
    from camwatch.pipeline.view import View
    from camwatch.registration import Registration

OVERVIEW_PX = 1600
"""Longest side of the reduced images from which the usable share is told, the radiometry is fitted and the pages are drawn."""

REGISTERED = ("pan", "red", "green", "nir", "blue")
"""The band that registration works on, by preference: where ground, roofs and vegetation differ most and haze least."""

REGISTERED_PX = 400
"""Pixels on a side that registration is given at least, where the scenes have them."""

POSITION_SIGMAS = 2.0
"""Standard deviations of the stated position errors that registration looks around for; it finds shifts of up to half its frame."""

LEAST_USABLE = 0.02
"""Share of the AOI that must be usable at both dates for a pair to be worth a search."""


@dataclass(frozen=True, slots=True, eq=False)
class Overview:
    """Both scenes whole, no side longer than :data:`OVERVIEW_PX`: the earlier, the later as delivered, and the later as registered."""

    before: Image
    delivered: Image
    registered: Image


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Two scenes on one grid.

    Attributes
    ----------
    earlier, later : View
    geobox : GeoBox
        The analysis grid.
    registration : Registration
        On its own grid, which may show more ground than `geobox`.
    radiometry : Radiometry
        Brings the later scene to the radiometry of the earlier one.
    overview : Overview
    """

    earlier: View
    later: View
    geobox: GeoBox
    registration: Registration
    radiometry: Radiometry
    overview: Overview

    @property
    def before(self) -> pystac.Item:
        """The earlier scene."""
        return self.earlier.item

    @property
    def after(self) -> pystac.Item:
        """The later scene."""
        return self.later.item

    def by(self, registration: Registration) -> Alignment:
        """Return the pair as aligned by another registration of the same scenes."""
        return _aligned(self.earlier, self.later, self.geobox, registration, (self.overview.before, self.overview.delivered))

    def images(self, window: GeoBox) -> tuple[Image, Image]:
        """Load both dates on a part of the grid, or on a coarser version of it; each pixel is interpolated once.

        What the overview shows pixel for pixel, as it does of ground of its size, is not loaded again.
        """
        whole = self.overview
        before = part_of(whole.before, window) or self.earlier.load(window)
        after = part_of(whole.registered, window) or self.later.registered(window, self.registration)
        return before, self.radiometry.apply(after)

    def shown(self) -> tuple[Image, Image]:
        """Return both dates whole, reduced, registered and in one radiometry."""
        return self.overview.before, self.radiometry.apply(self.overview.registered)

    @property
    def acquired(self) -> tuple[datetime, datetime]:
        """When the scenes were taken, before and after."""
        return scene.acquired(self.before), scene.acquired(self.after)

    @property
    def gsd_m(self) -> float:
        """The coarser of the two ground sample distances."""
        return max(scene.gsd_m(self.before), scene.gsd_m(self.after))

    @property
    def simulated(self) -> bool:
        """Whether any of the two scenes is rendered."""
        return scene.is_simulated(self.before) or scene.is_simulated(self.after)

    def site(self, aoi: Aoi) -> Site:
        """Return the AOI as the detectors see it, on this grid at these dates."""
        earlier, later = self.acquired
        return aoi.site(self.geobox.crs, earlier.date(), later.date())


@dataclass(frozen=True, slots=True, eq=False)
class Meeting:
    """How two scenes are put on one grid, before they are registered.

    Attributes
    ----------
    earlier, later : View
    geobox : GeoBox
        The analysis grid.
    frame : GeoBox
        The grid on which they are registered; it may show more ground than `geobox`.
    band : tuple of one str, or None
        What is registered; None = luminance.
    """

    earlier: View
    later: View
    geobox: GeoBox
    frame: GeoBox
    band: tuple[str] | None

    def settled(self, registration: Registration, delivered: tuple[Image, Image] | None = None) -> Alignment:
        """Return the pair as aligned by a registration; `delivered` are both scenes on the reduced grid, where they are loaded already."""
        small = coarser(self.geobox, OVERVIEW_PX)
        return _aligned(self.earlier, self.later, self.geobox, registration, delivered or (self.earlier.load(small), self.later.load(small)))


def _aligned(earlier: View, later: View, geobox: GeoBox, registration: Registration, delivered: tuple[Image, Image]) -> Alignment:
    registered = later.registered(delivered[0].geobox, registration)
    return Alignment(earlier, later, geobox, registration, fit_radiometry(delivered[0], registered), Overview(*delivered, registered))


def check_order(before: pystac.Item, after: pystac.Item) -> None:
    """Raise PairError unless `before` is of an earlier day than `after`."""
    first, second = scene.acquired(before).date(), scene.acquired(after).date()
    if first == second:
        names = f"{before.id}, {after.id}"
        raise PairError("both scenes are of one day", where=names, got=first, expected="two dates", remedy="choose another scene")
    if first > second:
        order = f"{first}, then {second}"
        raise PairError("the first scene is the later one", where=before.id, got=order, expected="BEFORE, AFTER", remedy="swap them")


def align(before: pystac.Item, after: pystac.Item, aoi: Aoi | None, config: RunConfig, registration: Registration | None = None) -> Alignment:
    """Put two scenes on one grid around an AOI and register the later to the earlier one.

    Parameters
    ----------
    before, after : pystac.Item
    aoi : Aoi or None
        None = all the ground that the scenes share.
    config : RunConfig
    registration : Registration or None
        One that was estimated earlier, on any grid of the same CRS; the estimate is skipped.

    Raises
    ------
    CoverageError
        When a scene does not show the AOI, or nothing of it is usable at a date (cloud, shadow, no-data).
    """
    meeting, delivered = meet(before, after, aoi, config)
    if registration is None:
        scenes = zip((meeting.earlier, meeting.later), delivered, strict=True)
        sources = (on_frame(view, meeting.frame, meeting.band, seen) for view, seen in scenes)
        registration = register(*sources, limit_px=config.registration_limit_px)
    return meeting.settled(registration, delivered)


def meet(before: pystac.Item, after: pystac.Item, aoi: Aoi | None, config: RunConfig) -> tuple[Meeting, tuple[Image, Image]]:
    """Find the ground, the grids and the bands on which two scenes meet; return that, and both scenes whole, reduced, as delivered.

    Raises
    ------
    CoverageError
        As :func:`align` does.
    """
    ground = aoi.camp.geometry if aoi else intersection(scene.footprint(before), scene.footprint(after))
    for item in (before, after):
        check_coverage(item, ground)
    if not intersection(scene.footprint(before), scene.footprint(after)).intersects(ground):
        names, remedy = f"{before.id}, {after.id}", "choose scenes that overlap"
        raise CoverageError("the scenes show no common part of the AOI", where=names, expected="ground that both show", remedy=remedy)
    geobox = _frame(before, after, ground, config.margin_m if aoi else 0.0)
    bands = shared_bands(before, after)
    small = coarser(geobox, OVERVIEW_PX)
    with ThreadPoolExecutor(2) as pool:
        looks = [pool.submit(view_of, item, small, bands, search_clouds=config.search_clouds) for item in (before, after)]
        (first, earlier), (second, delivered) = (look.result() for look in looks)
    _check_usable((earlier, delivered), (before, after), ground)
    coarsest = max(scene.gsd_m(before), scene.gsd_m(after))
    # A camp of 1 km² has 1,100 pixels of 30 m: too few to match. Its surroundings move with it. Where an archive places its scenes hundreds of
    # metres off, both dates must show the same ground in spite of that.
    far = POSITION_SIGMAS * math.hypot(scene.position_error_m(before), scene.position_error_m(after))
    frame = _frame(before, after, ground, max(config.margin_m, REGISTERED_PX / 2 * coarsest, 2 * far)) if aoi else geobox
    return Meeting(first, second, geobox, frame, registered_band(bands)), (earlier, delivered)


def on_frame(view: View, frame: GeoBox, band: tuple[str] | None, loaded: Image | None = None) -> Source:
    """Return a scene as registration reads it: one band on a frame, loaded in parts, so that memory does not grow with the frame.

    `loaded` is the scene as `view` shows it, of which parts are taken where it holds them pixel for pixel.
    """
    seen = band or view.bands or scene.default_bands(view.item)
    gsd_m = scene.gsd_m(view.item, seen)

    def part(window: GeoBox) -> Image:
        held = None if loaded is None else part_of(loaded, window)
        if held is not None:
            return held if band is None else replace(held, values=held.band(band[0])[None], bands=band, gsd_m=gsd_m)
        try:
            return view.load(window, band)
        except CoverageError:  # of a frame that the scene shows in part, a part may be without any of it
            nothing, unseen = np.zeros((1, *window.shape), np.float32), np.zeros(window.shape, bool)
            return Image(nothing, unseen, band or ("luminance",), window, scene.acquired(view.item), None, gsd_m, "dn", view.item.id)

    return Source(frame, gsd_m, view.item.id, part)


def registered_band(bands: tuple[str, ...] | None) -> tuple[str] | None:
    """Return the one band of those that two scenes share on which registration works; None = they share none, and it works on luminance."""
    return None if bands is None else (next((b for b in REGISTERED if b in bands), bands[0]),)


def _frame(before: pystac.Item, after: pystac.Item, ground: BaseGeometry, margin_m: float) -> GeoBox:
    """Return the grid around some ground, cut to what both scenes show: a narrow scene of a wide camp would otherwise cost the whole camp."""
    geobox = pair_geobox(before, after, ground, margin_m=margin_m)
    shown = intersection(scene.footprint(before), scene.footprint(after))
    return window_of(geobox, *reproject(shown, LONLAT, geobox.crs).bounds)


def check_coverage(item: pystac.Item, ground: BaseGeometry) -> None:
    """Raise CoverageError unless the scene shows some of the ground (EPSG:4326)."""
    seen = scene.footprint(item)
    if ground.is_empty or not seen.intersects(ground):
        wanted = "ground that both scenes show" if ground.is_empty else f"one that shows {_place(ground)}"
        remedy = "choose a scene that covers it, or correct the outline"
        raise CoverageError("the scene does not show the AOI", where=item.id, got=f"scene around {_place(seen)}", expected=wanted, remedy=remedy)


def _check_usable(images: Sequence[Image], items: Sequence[pystac.Item], ground: BaseGeometry) -> None:
    grid = images[0].geobox  # of both
    inside = mask_of(reproject(ground, LONLAT, grid.crs), grid, touched=True)
    for image, item in zip(images, items, strict=True):
        usable = float(image.valid[inside].mean())
        if usable < LEAST_USABLE:
            raise CoverageError(
                "nothing of the AOI is usable",
                where=item.id,
                got=f"{usable:.1%} clear (mask: {image.clouds})",
                expected=f"at least {LEAST_USABLE:.0%}",
                remedy="choose a scene with less cloud",
            )


def coarser(geobox: GeoBox, longest_px: int) -> GeoBox:
    """Return the same ground on a grid of which no side is longer than `longest_px`; the grid itself where it is small enough."""
    factor = max(geobox.shape) / longest_px
    return geobox if factor <= 1 else geobox.zoom_out(factor)


def window_of(geobox: GeoBox, left: float, bottom: float, right: float, top: float) -> GeoBox:
    """Return the pixels of a grid that cover bounds in its CRS, cut at the grid's edge."""
    corners = [~geobox.affine * point for point in ((left, top), (right, bottom), (left, bottom), (right, top))]
    cols, rows = [c for c, _ in corners], [r for _, r in corners]
    height, width = geobox.shape
    first_row, first_col = max(int(min(rows)), 0), max(int(min(cols)), 0)
    part: GeoBox = geobox[first_row : min(int(max(rows)) + 1, height), first_col : min(int(max(cols)) + 1, width)]
    return part


def part_of(image: Image, window: GeoBox) -> Image | None:
    """Return the pixels of a window from an image that holds them; None where it is coarser, or does not reach so far."""
    step = ~image.geobox.affine * window.affine
    col, row = round(step.c), round(step.f)
    rows, cols = window.shape
    if not step.almost_equals(Affine.translation(col, row), 1e-6):
        return None
    if min(col, row) < 0 or row + rows > image.geobox.shape[0] or col + cols > image.geobox.shape[1]:
        return None
    return replace(
        image, values=image.values[:, row : row + rows, col : col + cols], valid=image.valid[row : row + rows, col : col + cols], geobox=window
    )


def _place(geometry: BaseGeometry) -> str:
    centre = geometry.centroid
    return f"{centre.y:.3f}°N {centre.x:.3f}°E"
