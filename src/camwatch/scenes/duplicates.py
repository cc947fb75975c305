"""Several products of one acquisition: the same scene downloaded twice, or at two processing levels."""

from __future__ import annotations

from datetime import timedelta
from itertools import takewhile
from typing import TYPE_CHECKING

from camwatch.scenes.item import acquired, band_names, calibration, footprint, gsd_m

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pystac

SAME_S = 90
"""Seconds between the times that two processing levels state for one frame, at most: some state the centre, others the start of a strip."""

SAME_SHARE = 0.8
"""Share of the smaller footprint that both show. Neighbouring frames of one pass overlap by less."""

_BETTER = ("surface reflectance", "toa reflectance", "dn")


def duplicates(items: Sequence[pystac.Item]) -> tuple[tuple[pystac.Item, ...], ...]:
    """Return the groups of items that show one acquisition, each with the one to use first; items without a twin are in none.

    Two items are one acquisition when neither says that it is of another platform or ground sample distance (by over a tenth), they share a band,
    their times agree to 90 s (to the day where one states no time), and they show the same ground. The best of a group is surface reflectance before
    top-of-atmosphere reflectance before digital numbers, then the one with a cloud mask, then the one that sorts last by name: archives number
    reprocessed products upwards.

    Parameters
    ----------
    items : sequence of pystac.Item
        Any order; the groups are ordered by date and name.
    """
    ordered = sorted(items, key=lambda item: (acquired(item), item.id))
    groups: list[list[pystac.Item]] = []
    for item in ordered:
        recent = takewhile(lambda group, item=item: _near(group[0], item), reversed(groups))  # type: ignore[misc]  # bound in its own round
        home = next((group for group in recent if _same(group[0], item)), None)
        if home is None:
            groups.append([item])
        else:
            home.append(item)
    latest_first = (sorted(group, key=lambda item: item.id, reverse=True) for group in groups if len(group) > 1)
    return tuple(tuple(sorted(group, key=_rank)) for group in latest_first)


def _near(one: pystac.Item, other: pystac.Item) -> bool:
    return abs(acquired(one) - acquired(other)) < timedelta(days=1)


def _same(one: pystac.Item, other: pystac.Item) -> bool:
    platforms = {item.properties.get("platform") for item in (one, other)} - {None, ""}
    if len(platforms) > 1 or not set(band_names(one)) & set(band_names(other)) or not 1 / 1.1 <= gsd_m(one) / gsd_m(other) <= 1.1:
        return False
    times = [acquired(item) for item in (one, other)]
    dated = any(time.hour == time.minute == time.second == 0 for time in times)
    if times[0].date() != times[1].date() if dated else abs(times[0] - times[1]) > timedelta(seconds=SAME_S):
        return False
    ours, theirs = footprint(one), footprint(other)
    return bool(ours.intersection(theirs).area >= SAME_SHARE * min(ours.area, theirs.area))


def _rank(item: pystac.Item) -> tuple[int, bool]:
    level = calibration(item)
    unmasked = item.properties.get("camwatch:cloud_mask", "none") == "none"
    return (_BETTER.index(level) if level in _BETTER else len(_BETTER), unmasked)
