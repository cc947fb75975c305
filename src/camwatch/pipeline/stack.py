"""Many dates to one reference: each registered to it, neighbours in time to each other, every loop closed.

What a loop means for a scene. An open loop proves that one of its three links is wrong by more than the limit, and pixels that may lie wrong by that
much are not handed on: a scene that is blamed for an open loop is refused, whether it is known to be the wrong one or whether nobody can say which
link is wrong (`camwatch.registration.loops.blame`). There is no third state. Before that, each scene in doubt is linked to one more date where
there is one, so that with four dates and more a single fault is mostly told by name. A scene in no loop at all (its neighbours are refused, or there
are too few dates) is neither held nor refused by them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from camwatch.aoi import load_aoi, reproject
from camwatch.custody import write_json
from camwatch.errors import CoverageError, PairError
from camwatch.imagery import shared_bands
from camwatch.pipeline.pair import meet, on_frame, registered_band, window_of
from camwatch.pipeline.records import folder_name, named_apart
from camwatch.pipeline.transforms import counted
from camwatch.pipeline.verbs import write_registration
from camwatch.registration import Registration, register
from camwatch.registration.loops import Loop, blame, close, further, refused
from camwatch.scenes import item as scene
from camwatch.scenes import open_scene

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pystac
    from odc.geo.geobox import GeoBox

    from camwatch.aoi import Aoi
    from camwatch.config import RunConfig
    from camwatch.pipeline.pair import Meeting
    from camwatch.pipeline.search import Progress
    from camwatch.pipeline.view import View
    from camwatch.registration.loops import Blame

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A moving scene: how it meets the reference, and its link to it."""

    meeting: Meeting
    link: Registration

    @property
    def item(self) -> pystac.Item:
        """The moving scene."""
        return self.meeting.later.item


@dataclass(slots=True)
class Stack:
    """A stack while its links are estimated.

    Attributes
    ----------
    reference : pystac.Item
    aoi : Aoi or None
    config : RunConfig
    placed : dict of str to Placed
        The scenes that meet the reference, in the order of their dates.
    unusable : dict of str to str
        Why the others do not.
    between : dict of (a, b) to Registration
        Later scene b to earlier scene a.
    apart : set of (a, b)
        Scenes that show no common ground.
    """

    reference: pystac.Item
    aoi: Aoi | None
    config: RunConfig
    placed: dict[str, Placed] = field(default_factory=dict)
    unusable: dict[str, str] = field(default_factory=dict)
    between: dict[Pair, Registration] = field(default_factory=dict)

    def place(self, item: pystac.Item) -> bool:
        """Register a scene to the reference; return whether it holds. One that cannot be compared is remembered with the reason."""
        try:
            meeting, _ = meet(self.reference, item, self.aoi, self.config)
            link = self._register(meeting.earlier, meeting.later, meeting.frame, meeting.band)
        except (CoverageError, PairError) as error:
            self.unusable[item.id] = str(error)
            return False
        self.placed[item.id] = Placed(meeting, link)
        return link.ok

    def link(self, pair: Pair) -> None:
        """Register the second of two placed scenes to the first, on the coarser of the grids on which they met the reference."""
        a, b = (self.placed[name].meeting for name in pair)
        frame = max(a.frame, b.frame, key=lambda grid: abs(grid.affine.determinant))
        bands = shared_bands(a.later.item, b.later.item)
        self.between[pair] = self._register(replace(a.later, bands=bands), replace(b.later, bands=bands), frame, registered_band(bands))

    def linked(self) -> list[tuple[Pair, Registration]]:
        """Return the links between scenes in the order of their dates."""
        order = {name: place for place, name in enumerate(self.placed)}
        return sorted(self.between.items(), key=lambda item: [order[name] for name in item[0]])

    def loops(self) -> dict[Pair, Loop]:
        """Close every loop of which all links hold."""
        closed = {}
        for pair, link in self.linked():
            a, b = (self.placed[name] for name in pair)
            ground = _common(a.meeting.geobox, b.meeting.geobox)
            if link.ok and ground is not None:
                closed[pair] = close(pair, (a.link, b.link, link), ground, limit_px=self.config.registration_limit_px)
        return closed

    def _register(self, earlier: View, later: View, frame: GeoBox, band: tuple[str] | None) -> Registration:
        return register(*(on_frame(view, frame, band) for view in (earlier, later)), limit_px=self.config.registration_limit_px)


def register_stack(
    reference: Path, moving: Sequence[Path], out: Path, *, aoi: str | None, dates: Sequence[dt.date | None], config: RunConfig, progress: Progress
) -> dict[str, Any]:
    """Register products to one reference and close the loops between them.

    Writes a folder per moving scene, named like the scene, with `registration.json`, `registered.tif` and `registration.png`, and `stack.json` and
    `stack.png` beside them. The order of the arguments does not matter.

    Parameters
    ----------
    reference : Path
    moving : sequence of Path
    out : Path
    aoi : str or None
        Bundled id or a file; None = for each scene all the ground that it shares with the reference.
    dates : sequence of date or None
        Of the reference and of each moving product, None where a product tells its own.
    config : RunConfig
    progress : callable (what, done, total)

    Returns
    -------
    dict
        What `stack.json` holds.

    Raises
    ------
    CamwatchError
        When a product cannot be read, or none can be compared with the reference.
    """
    items = named_apart([open_scene(path, date=day) for path, day in zip((reference, *moving), dates, strict=True)])
    first, *others = items
    later = sorted(others, key=lambda item: (scene.acquired(item), item.id))
    stack = Stack(first, load_aoi(aoi) if aoi else None, config)
    _link_all(stack, later, progress)
    if not stack.placed:
        reason = next(iter(stack.unusable.values()))
        raise CoverageError("no scene can be compared with the reference", where=first.id, got=reason, remedy="choose another reference")
    loops = stack.loops()
    told = blame({pair: loop.closed for pair, loop in loops.items()})
    records = {}
    for number, (name, placed) in enumerate(stack.placed.items()):
        progress(f"drawing {name}", number, len(stack.placed))
        records[name] = _write_scene(out / folder_name(name), stack, placed, loops, told)
    document = _document(stack, later, records, loops, told)
    write_json(out / "stack.json", document)
    from camwatch.report.stackpage import stack_page

    stack_page(out / "stack.png", document, generated=config.report_date.isoformat())
    return document


def _link_all(stack: Stack, scenes: Sequence[pystac.Item], progress: Progress) -> None:
    """Register every scene to the reference, neighbours to each other, and where a loop stays open whatever may tell why."""
    previous: str | None = None
    for number, item in enumerate(scenes):
        progress(f"registering {item.id}", number, len(scenes))
        if stack.place(item):
            if previous is not None:
                stack.link((previous, item.id))
            previous = item.id
    holding = [name for name, placed in stack.placed.items() if placed.link.ok]
    open_or_not = {pair: loop.closed for pair, loop in stack.loops().items()}
    pairs = further(open_or_not, holding, stack.between)
    for number, pair in enumerate(pairs):
        progress("a loop stays open: asking other dates", number, len(pairs))
        stack.link(pair)


def _common(one: GeoBox, other: GeoBox) -> GeoBox | None:
    """Return the coarser of two grids, cut to the ground of both; None where there is none."""
    grid, fine = sorted((one, other), key=lambda box: abs(box.affine.determinant), reverse=True)
    left, bottom, right, top = grid.boundingbox.bbox
    west, south, east, north = reproject(fine.extent.geom, fine.crs, grid.crs).bounds
    bounds = max(left, west), max(bottom, south), min(right, east), min(top, north)
    if bounds[0] >= bounds[2] or bounds[1] >= bounds[3]:
        return None
    return window_of(grid, *bounds)


def _write_scene(folder: Path, stack: Stack, placed: Placed, loops: Mapping[Pair, Loop], told: Blame) -> dict[str, Any]:
    """Write the files of one scene, refused where the loops refuse it; return its record."""
    name = placed.item.id
    own = [loop for pair, loop in loops.items() if name in pair]
    told_of = "wrong" if name in told.wrong else "doubtful" if name in told.doubtful else None
    verdict = told_of or ("closed" if any(loop.closed for loop in own) else "untested")
    member = {"verdict": verdict, "closed": sum(loop.closed is True for loop in own), "open": sum(loop.closed is False for loop in own)}
    link = (
        placed.link if told_of is None else refused(placed.link, _reason(name, [p for p, names in told.blamed.items() if name in names], loops, told))
    )
    return write_registration(folder, placed.meeting.settled(link), stack.aoi, stack.config, loops=member)


def _reason(name: str, pairs: Sequence[Pair], loops: Mapping[Pair, Loop], told: Blame) -> str:
    """Say why the loops refuse a scene."""
    worst = max((loops[pair] for pair in pairs), key=lambda loop: loop.rmse_px)
    gap = f"the loop over {worst.scenes[0]} and {worst.scenes[1]} stays open by {worst.rmse_px:.2f} px (standard error {worst.se_px:.2f})"
    if name in told.wrong:
        return f"{gap}; it is the one scene common to {len(pairs)} open loops"
    return f"{gap}; which of its links is wrong cannot be told, another date could tell"


def _document(
    stack: Stack, scenes: Sequence[pystac.Item], records: Mapping[str, dict[str, Any]], loops: Mapping[Pair, Loop], told: Blame
) -> dict[str, Any]:
    """Return what `stack.json` holds."""
    reference = stack.reference
    links = [_link_row(reference.id, name, _counted(stack, placed.link, placed)) for name, placed in stack.placed.items()]
    links += [_link_row(*pair, _counted(stack, link, stack.placed[pair[0]])) for pair, link in stack.linked()]
    native = scene.native_geobox(reference)
    return {
        "reference": {"scene": reference.id, "acquired": f"{scene.acquired(reference):%Y-%m-%dT%H:%M:%SZ}", "crs": str(native.crs)},
        "simulated": any(scene.is_simulated(item) for item in (reference, *scenes)),
        "limit_px": stack.config.registration_limit_px,
        "scenes": [_scene_row(item, records.get(item.id), stack.unusable.get(item.id, "")) for item in scenes],
        "links": links,
        "loops": [_loop_row(loop, reference.id, told) for loop in loops.values()],
    }


NUMBERS = ("model", "shift_px", "se_px", "tie_points", "check")
"""What a row of the stack says of a registration."""


def _scene_row(item: pystac.Item, record: dict[str, Any] | None, unusable: str) -> dict[str, Any]:
    head = {"scene": item.id, "acquired": f"{scene.acquired(item):%Y-%m-%dT%H:%M:%SZ}"}
    if record is None:
        return {**head, "folder": None, "status": "refused", "reason": unusable, "loops": None}
    return {**head, "folder": folder_name(item.id), **{key: record[key] for key in ("status", "reason", *NUMBERS, "loops")}}


def _link_row(reference: str, moving: str, record: dict[str, Any]) -> dict[str, Any]:
    return {"reference": reference, "moving": moving, **{key: record[key] for key in ("status", "reason", *NUMBERS, "matrix", "grid")}}


def _loop_row(loop: Loop, reference: str, told: Blame) -> dict[str, Any]:
    return {
        "scenes": [reference, *loop.scenes],
        "closed": loop.closed,
        "blamed": list(told.blamed.get(loop.scenes, ())),
        "mean_px": [round(v, 5) for v in loop.mean_px],
        "rmse_px": round(loop.rmse_px, 5),
        "max_px": round(loop.max_px, 5),
        "se_px": round(loop.se_px, 5),
        "normalised": round(loop.normalised, 4),
        "points": len(loop.positions),
        "pixel_m": round(float(abs(loop.grid.affine.determinant) ** 0.5), 6),
    }


def _counted(stack: Stack, link: Registration, placed: Placed) -> dict[str, Any]:
    return counted(link, stack.reference, stack.aoi, placed.meeting.geobox)
