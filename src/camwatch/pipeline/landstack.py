"""The dates of a series on one ground: what each shows there, and how the last lies on the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camwatch.errors import CoverageError
from camwatch.imagery import Image
from camwatch.scenes import item as scene

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pystac
    from odc.geo.geobox import GeoBox

    from camwatch.aoi import Aoi, Site
    from camwatch.pipeline.stack import Stack
    from camwatch.registration import Registration


def load(stack: Stack, item: pystac.Item, window: GeoBox, bands: tuple[str, ...]) -> Image:
    """Load a scene of the stack as it lies on the reference; what it does not show is not valid."""
    placed = stack.placed.get(item.id)
    try:
        if placed is None:
            return next(iter(stack.placed.values())).meeting.earlier.load(window, bands)
        return placed.meeting.later.registered(window, placed.link, bands)
    except CoverageError:  # of a series that shows the ground in part, a tile may be without this date
        blank = np.zeros((len(bands), *window.shape), np.float32)
        unseen = np.zeros(window.shape, bool)
        return Image(blank, unseen, bands, window, scene.acquired(item), None, scene.gsd_m(item), "dn", item.id, scene.is_simulated(item))


def site_of(aoi: Aoi, grid: GeoBox, used: Sequence[pystac.Item]) -> Site:
    """Return the site on a grid, from the day of the first scene to that of the last."""
    first, last = (scene.acquired(item).date() for item in (used[0], used[-1]))
    return aoi.site(grid.crs, first, last)


def link_of(stack: Stack, used: Sequence[pystac.Item]) -> Registration:
    """Return how the last date lies on the reference; where it is the reference, how the first does."""
    name = used[-1].id if used[-1].id in stack.placed else used[0].id
    return stack.placed[name].link
