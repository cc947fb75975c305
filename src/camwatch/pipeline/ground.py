"""Places of several pairs on one ground: each pair counts on its own earlier scene, and scenes lie metres off the ground and one another."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import shapely

from camwatch.aoi import LONLAT, reproject

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shapely.geometry.base import BaseGeometry

    from camwatch.judge import Evidence
    from camwatch.registration import Registration

    Move = Callable[[BaseGeometry], BaseGeometry]


def to_scene(evidence: Sequence[Evidence], at: str) -> tuple[Move | None, ...]:
    """Return for each pair what brings a geometry (EPSG:4326) on its earlier scene to where the scene with the id `at` shows the same ground.

    None where no chain of pairs leads there.
    """
    ways: dict[str, tuple[Move, ...]] = {at: ()}
    _reach(at, ways, _links(evidence))
    starts = [ends[0] if (ends := _scenes(one)) else None for one in evidence]
    return tuple(_chain(ways[start]) if start in ways else None for start in starts)


def to_one_ground(evidence: Sequence[Evidence]) -> tuple[Move, ...]:
    """Return for each pair what brings a geometry (EPSG:4326) on its earlier scene to where the first scene of all shows the same ground.

    The registrations lead there, over as few pairs as possible; of scenes that no chain of pairs joins to the first one, the first among
    themselves takes its part. Pairs without a registration stay where they are.
    """
    links = _links(evidence)
    ways: dict[str, tuple[Move, ...]] = {}
    for first, _, _ in links:
        if first not in ways:
            ways[first] = ()
            _reach(first, ways, links)
    return tuple(_chain(ways.get(ends[0], ()) if (ends := _scenes(one)) else ()) for one in evidence)


def _links(evidence: Sequence[Evidence]) -> list[tuple[str, str, Registration]]:
    """Return (earlier scene, later scene, registration) of the registered pairs, in the order of their dates."""
    ordered = sorted(evidence, key=lambda one: (one.acquired, one.pair))
    return [(*ends, one.registration) for one in ordered if one.registration is not None and (ends := _scenes(one))]


def _reach(start: str, ways: dict[str, tuple[Move, ...]], links: Sequence[tuple[str, str, Registration]]) -> None:
    """Add to `ways`, which leads to `start`, what brings places there from all scenes that pairs join to it, over as few pairs as possible."""
    reached = deque([start])
    while reached:
        at = reached.popleft()
        for earlier, later, registration in links:
            if earlier == at and later not in ways:
                ways[later] = (_move(registration, back=True), *ways[at])
                reached.append(later)
            elif later == at and earlier not in ways:
                ways[earlier] = (_move(registration, back=False), *ways[at])
                reached.append(earlier)


def _scenes(one: Evidence) -> tuple[str, str] | None:
    """Return the ids of both scenes; None where the pair was not searched."""
    found = next(iter(one.findings.values()), None)
    return None if found is None else (found.before, found.after)


def _move(registration: Registration, *, back: bool) -> Move:
    """Return what takes places from the later scene of a pair to the earlier one (`back`), or the other way."""
    crs, step = str(registration.grid.crs), registration.belongs_at if back else registration.seen_at
    return lambda place: reproject(shapely.transform(reproject(place, LONLAT, crs), step), crs, LONLAT)


def _chain(moves: tuple[Move, ...]) -> Move:
    def move(place: BaseGeometry) -> BaseGeometry:
        for one in moves:
            place = one(place)
        return place

    return move
