"""A series searched for changes of land cover: registered to one date, then followed or compared by pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from camwatch.detect._land_breaks import LEAST_DATES
from camwatch.detect._land_cover import SEASON_DAYS
from camwatch.errors import PairError
from camwatch.pipeline.landdense import follow
from camwatch.pipeline.landpairs import compare
from camwatch.pipeline.pair import check_coverage
from camwatch.pipeline.stack import Stack
from camwatch.scenes import item as scene

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pystac

    from camwatch.aoi import Aoi
    from camwatch.config import RunConfig
    from camwatch.findings import Findings
    from camwatch.imagery import Image
    from camwatch.pipeline.search import Progress
    from camwatch.registration import Registration

SUMMER_DAY = 196
"""Day of the year in mid-July, when neither snow nor bare fields are what a scene shows."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """The findings of a series, with what is shown and told beside them.

    Attributes
    ----------
    findings : Findings
    before, after : Image
        The first and the last date, registered.
    registration : Registration
        Of the last date.
    scenes : tuple of pystac.Item
        That were used, by date.
    left_out : tuple of (scene, reason)
    """

    findings: Findings
    before: Image
    after: Image
    registration: Registration
    scenes: tuple[pystac.Item, ...]
    left_out: tuple[tuple[str, str], ...]


def search_series(items: Sequence[pystac.Item], aoi: Aoi, config: RunConfig, progress: Progress) -> Series:
    """Search scenes of one sensor family, by date, for changes of land cover.

    Every scene is registered to one of summer, near the middle; those that are refused, or show nothing of the ground, are left out and said so.

    Raises
    ------
    PairError
        When fewer than two scenes can be used together.
    """
    for item in items:
        check_coverage(item, aoi.camp.geometry)
    reference = _reference(items, aoi)
    stack, left_out = Stack(reference, aoi, config), []
    for number, item in enumerate(other for other in items if other.id != reference.id):
        progress(f"registering {item.id}", number, len(items))
        if not stack.place(item):
            left_out.append((item.id, stack.unusable.get(item.id) or stack.placed.pop(item.id).link.reason))
    if not stack.placed:
        why = left_out[0][1] if left_out else "no other scene"
        raise PairError("no two scenes of the series lie on one another", where=reference.id, got=why, remedy="add clearer scenes")
    dense = len(stack.placed) + 1 >= LEAST_DATES
    used = tuple(item for item in items if item.id == reference.id or item.id in stack.placed)
    findings, ends, link = (follow if dense else compare)(stack, used, aoi, progress)
    return Series(findings, *ends, link, used, tuple(left_out))


def _reference(items: Sequence[pystac.Item], aoi: Aoi) -> pystac.Item:
    """Return the scene nearest to summer, of those the one nearest to the middle of the series: snow hides what others could hold on to."""
    summer = SUMMER_DAY if aoi.camp.geometry.centroid.y >= 0 else SUMMER_DAY - 182
    days = [scene.acquired(item).timetuple().tm_yday for item in items]
    away = [min(abs(day - summer), 365 - abs(day - summer)) // SEASON_DAYS for day in days]
    return items[min(range(len(items)), key=lambda n: (away[n], abs(2 * n - len(items) + 1)))]
