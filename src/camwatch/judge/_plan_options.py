"""Which public archive would decide a reading: from when, how fine, under which tile names, in which season, and with what power."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from camwatch.judge._plan_archives import ARCHIVES, GOES_ON, ORDER, season
from camwatch.judge._plan_power import PLACED_M, STRIP_M, Foreseen, foresee_count, foresee_extent, found_share, separation
from camwatch.judge.limits import (
    BLIND_BELOW,
    BRACKET_COVERAGE,
    COMPLETE,
    GSD_LIMIT_M,
    OBJECT_SIZE_M,
    PLANNED_GSD_M,
    POWER_LIMIT,
    SLACK_DAYS,
    STATE_SLACK_DAYS,
    bounds_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from camwatch.claims.model import Interval, Reading
    from camwatch.findings import Kind
    from camwatch.judge._plan_archives import Access, Archive
    from camwatch.judge._plan_ground import Rival
    from camwatch.judge._plan_power import Ground

MOST = 3
"""Archives that are named of each sort: those that decide, and free ones that do not."""
OPEN_DAYS = 3653
"""A state until a day, without a beginning, is taken to have held for the decade before it."""
COVER_GSD_M = 30.0
"""Coarsest pixels in which a pit or a field of a camp is told from its surroundings: four of them across are a hectare and a half."""


@dataclass(frozen=True, slots=True)
class Separation:
    """With what probability the imagery tells a reading from another number that is told of the same change."""

    claim: str
    reading: str
    power: float


@dataclass(frozen=True, slots=True)
class Prospect:
    """What imagery of one ground sample distance could do for one reading.

    Attributes
    ----------
    resolved : bool
        Whether what is looked for can be seen at all.
    by_hand : bool
        Whether it takes a line that an analyst draws: no search finds it, or the outline at hand is too far off to search by it.
    power : float or None
        Probability of telling the claim from nothing having happened; None where no number says so (a line, ground).
    low, high : float or None
        95 % interval of what would be measured, were the claim true, in base units.
    mass : float or None
        Probability that the measurement would then give to the claimed number; support takes 0.95. None where nothing is foreseen.
    separates : tuple of Separation
    why_not : str
        What is in the way, a clause; empty where nothing is.
    """

    resolved: bool
    by_hand: bool = False
    power: float | None = None
    low: float | None = None
    high: float | None = None
    mass: float | None = None
    separates: tuple[Separation, ...] = ()
    why_not: str = ""

    @property
    def decides(self) -> bool:
        """Whether it tells the claim from nothing, and from every other number that is told."""
        return not self.why_not and all(s.power >= POWER_LIMIT for s in self.separates)


@dataclass(frozen=True, slots=True)
class Option:
    """One archive that could be asked.

    Attributes
    ----------
    archive : str
    access : str
    gsd_m : float
    windows : tuple of (first, last) day, YYYY-MM-DD
        One for a state; for a change one for the scene before and one for the scene after. A last day of None is today.
    tiles : tuple of str
        Path and row, or tile, where the archive is kept by such.
    season : str
    prospect : Prospect
    note : str
    regular : bool
        Whether the place is taken on every pass, so that years can be followed.
    """

    archive: str
    access: Access
    gsd_m: float
    windows: tuple[tuple[str, str | None], ...]
    tiles: tuple[str, ...]
    season: str
    prospect: Prospect
    note: str = ""
    regular: bool = False

    @property
    def rank(self) -> tuple[bool, int, bool, float, str]:
        """Key by which options are ordered: those that decide, free ones, those that need no drawing, fine ones."""
        return not self.prospect.decides, ORDER[self.access], self.prospect.by_hand, self.gsd_m, self.archive


def prospect_of(reading: Reading, kind: Kind, gsd_m: float, ground: Ground, rivals: Sequence[Rival]) -> Prospect:
    """Return what imagery of a ground sample distance could do for a reading."""
    if kind == "landcover":
        return _of_cover(gsd_m)
    if kind == "perimeter":
        return _of_line(reading, gsd_m, ground, rivals)
    return _of_objects(reading, kind, gsd_m, ground)


def _of_objects(reading: Reading, kind: Kind, gsd_m: float, ground: Ground) -> Prospect:
    share = found_share(kind, gsd_m)
    placed = ground.accuracy_m > PLACED_M if kind == "tower" else ground.held < COMPLETE
    across = OBJECT_SIZE_M[kind] / gsd_m
    seen = f"an object of {OBJECT_SIZE_M[kind]:g} m is {across:.2g} pixels long, and about {100 * share:.0f} of 100 are found"
    if gsd_m > GSD_LIMIT_M[kind] or share < BLIND_BELOW:
        return Prospect(resolved=False, power=0.0, why_not=seen)
    if reading.metric == "date" and share < POWER_LIMIT:
        return Prospect(resolved=True, power=share, why_not=f"{seen}: too few to say that none stood before")
    if reading.metric != "count" or _some(reading):
        return Prospect(resolved=True, by_hand=placed, power=share)
    if not ground.known:
        return Prospect(resolved=True, by_hand=placed)
    foreseen = foresee_count(kind, bounds_of(reading.quantity, "count"), gsd_m, ground)
    why = "" if foreseen.power >= POWER_LIMIT else f"its power is {foreseen.power:.2f}, under {POWER_LIMIT:g}: false alarms would hide so few"
    return Prospect(True, placed, foreseen.power, foreseen.low, foreseen.high, foreseen.mass, why_not=why)


def _some(reading: Reading) -> bool:
    """Whether a count says no more than that there was one at least."""
    q = reading.quantity
    return q is None or (q.high is None and q.low is not None and q.low <= 1)


def _of_cover(gsd_m: float) -> Prospect:
    if gsd_m > COVER_GSD_M:
        return Prospect(resolved=False, why_not=f"pixels of {gsd_m:g} m hide a pit or a field of less than {(4 * gsd_m) ** 2 / 1e4:.0f} ha")
    return Prospect(resolved=True, why_not="changes of ground are shown, and decide nothing: how many the search misses is not measured")


def _of_line(reading: Reading, gsd_m: float, ground: Ground, rivals: Sequence[Rival]) -> Prospect:
    coarse, hidden = gsd_m > PLANNED_GSD_M["perimeter"], gsd_m > STRIP_M
    wider = f"pixels of {gsd_m:g} m are wider than the strip along an enclosing line"
    if reading.metric not in ("area", "length"):
        return Prospect(resolved=not hidden, by_hand=coarse, why_not=wider if hidden else "")
    drawn = _of_extent(reading, gsd_m, ground, rivals, by_hand=True)
    if coarse:
        return replace(drawn, resolved=not hidden, why_not=wider) if hidden else drawn
    searched = _of_extent(reading, gsd_m, ground, rivals, by_hand=False)
    return drawn if drawn.decides and not searched.decides else searched


def _of_extent(reading: Reading, gsd_m: float, ground: Ground, rivals: Sequence[Rival], *, by_hand: bool) -> Prospect:
    relative = reading.quantity is None or reading.quantity.unit == "ratio"
    claimed, change = bounds_of(reading.quantity, reading.metric), reading.aspect != "state"
    foreseen: Foreseen = foresee_extent(reading.metric, claimed, gsd_m, ground, change=change, relative=relative, by_hand=by_hand)
    told = tuple(Separation(r.claim, r.reading, separation(claimed, r.claimed, foreseen.se or 0.0)) for r in rivals)
    weak = f"its power is {foreseen.power:.2f}, under {POWER_LIMIT:g}: the line's error hides so small a change"
    why = weak if foreseen.power < POWER_LIMIT else ""
    return Prospect(True, by_hand, foreseen.power, foreseen.low, foreseen.high, foreseen.mass, told, why)


# --- archives ---------------------------------------------------------------------------------------------------------------------------------


def options_of(
    reading: Reading,
    kind: Kind,
    ground: Ground,
    rivals: Sequence[Rival],
    *,
    latitude: float | None,
    tiles: Mapping[str, Sequence[str]],
    era: Interval | None,
) -> tuple[Option, ...]:
    """Return the archives worth asking for a reading: those that would decide it, free and fine ones first, and the finest free ones that would not.

    Parameters
    ----------
    reading : Reading
    kind : str
        The search that answers it.
    ground : Ground
    rivals : sequence of Rival
    latitude : float or None
        Of the place, for its seasons.
    tiles : mapping of grid to names
    era : Interval or None
        The time that an undated claim is taken to speak of.
    """
    found = []
    for archive in ARCHIVES:
        windows = _windows(reading, archive, era)
        if windows:
            names = tuple(tiles.get(archive.grid, ())) if archive.grid else ()
            when = season(kind, latitude) if latitude is not None else ""
            prospect = prospect_of(reading, kind, archive.gsd_m, ground, rivals)
            days = tuple((first.isoformat(), None if last == GOES_ON else last.isoformat()) for first, last in windows)
            option = Option(archive.name, archive.access, archive.gsd_m, days, names, when, prospect, archive.note, regular=bool(archive.grid))
            found.append(option)
    found.sort(key=lambda o: o.rank)
    decide = [o for o in found if o.prospect.decides][:MOST]
    rest = [o for o in found if not o.prospect.decides and o.access in ("free", "to order")]
    if kind == "landcover":  # the series that go on for years, not the sharpest
        rest.sort(key=lambda o: (not o.prospect.resolved, not o.regular, bool(o.note), o.gsd_m))
    return (*decide, *rest[:MOST])


def _windows(reading: Reading, archive: Archive, era: Interval | None) -> tuple[tuple[date, date], ...]:
    """Return the days of an archive in which scenes would answer a reading; empty where it has none."""
    span = reading.interval or era
    first, last = (span.start, span.end) if span else (None, None)
    if reading.aspect == "state":
        first = first or (last and _shifted(last, -OPEN_DAYS))
        whole = _clip(archive, first and _shifted(first, -STATE_SLACK_DAYS), last and _shifted(last, STATE_SLACK_DAYS))
        return (whole,) if whole else ()
    start, end = first or archive.first, last or min(archive.last, date(9000, 1, 1))
    spare = int((1 - BRACKET_COVERAGE) * max((end - start).days, 0)) if first and last else 0
    since = reading.baseline
    before = _clip(archive, _shifted((since and since.start) or start, -SLACK_DAYS), (since and since.end) or _shifted(start, spare))
    after = _clip(archive, _shifted(end, -spare), None if last is None else _shifted(end, SLACK_DAYS))
    if last is None and before:
        after = _clip(archive, before[1], None)
    return (before, after) if before and after else ()


def _shifted(day: date, days: int) -> date:
    return date.fromordinal(min(max(day.toordinal() + days, 1), date.max.toordinal()))


def _clip(archive: Archive, first: date | None, last: date | None) -> tuple[date, date] | None:
    start, end = max(archive.first, first or archive.first), min(archive.last, last or archive.last)
    return (start, end) if start < end else None


def told(options: Sequence[Option]) -> str:
    """Return the archives as sentences: what would decide, and where that is not free, why nothing free does. Dates and season are said once."""
    decide, rest = [o for o in options if o.prospect.decides], [o for o in options if not o.prospect.decides]
    listed = list(decide)
    if rest and not any(o.access in ("free", "to order") for o in decide):
        listed.insert(0, rest[0])
    words, said = [], ""
    for option in listed:
        when = "; ".join(part for part in (_scenes(option), option.season) if part)
        line = "; ".join([_line_of(option), *([] if when == said else [when]), *([option.note] if option.note else [])])
        if not option.prospect.decides:
            none = "No free archive decides it" if decide else "No archive decides it"
            line = f"{none}; nearest comes {line}; {hindrance(option.prospect)}"
        words.append(line)
        said = when
    return ". ".join(words)


def hindrance(prospect: Prospect) -> str:
    """Return what is in the way of a decision, a clause; empty where nothing is."""
    weak = [f"told from {s.claim} “{s.reading}” with a power of {s.power:.2f} only" for s in prospect.separates if s.power < POWER_LIMIT]
    return "; ".join([*([prospect.why_not] if prospect.why_not else []), *weak])


def _scenes(option: Option) -> str:
    return "one scene " + " and one ".join(f"of {first} to {last or 'today'}" for first, last in option.windows)


def _line_of(option: Option) -> str:
    p = option.prospect
    parts = [f"{option.archive} ({option.access}), {option.gsd_m:g} m"]
    parts += [f"{'path/row' if '/' in option.tiles[0] else 'tile'} {', '.join(option.tiles)}"] if option.tiles else []
    parts += ["the line drawn by hand"] if p.by_hand and p.resolved else []
    parts += [f"power {p.power:.2f}"] if p.power and p.decides else []
    parts += [f"told from {s.claim} “{s.reading}” with {s.power:.2f}" for s in p.separates if p.decides]
    return "; ".join(parts)
