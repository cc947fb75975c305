"""Before a pixel is read: which readings the scenes at hand can test, with what power, and which public archive would decide the rest.

A reading is testable where the judge could answer it from these scenes: it speaks of something that can be seen, a search answers it, scenes fine
enough stand for its time (:mod:`camwatch.judge._plan_pairs`), and the claim, were it true, would be told from nothing having happened with a
probability of 80 % (:mod:`camwatch.judge._plan_power`). A claim of *some* asks only that most objects be found: it can be shown by more than the
false alarms, and never be refuted. Positions and distances are answered by the outline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from camwatch.judge._plan_ground import era_of, ground_of, rivals_of, sizes_of
from camwatch.judge._plan_options import Option, Prospect, Separation, hindrance, options_of, prospect_of, told
from camwatch.judge._plan_pairs import PlannedPair, SceneInfo, Served, pair_of, plan_pairs, scene_classes
from camwatch.judge._plan_power import STRIP_M
from camwatch.judge._plan_tiles import tiles_of
from camwatch.judge.bracket import date_of_state, span_in_words
from camwatch.judge.limits import GEOMETRY, PLANNED_GSD_M, POWER_LIMIT, SUPPORT_MASS, search_of
from camwatch.judge.sight import TERRAIN, never
from camwatch.judge.whereabouts import answer_place
from camwatch.judge.words import LIMIT_WORDS, no_bracket, not_judged, number, with_unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from camwatch.aoi import Aoi
    from camwatch.claims.model import Claim, Interval, Reading
    from camwatch.claims.typed import Place
    from camwatch.findings import Kind

__all__ = ["Option", "PlannedPair", "Prospect", "SceneInfo", "Separation", "Served", "Testable", "plan_pairs", "scene_classes", "testability"]


@dataclass(frozen=True, slots=True)
class Testable:
    """Whether a reading could be tested with the scenes at hand.

    Attributes
    ----------
    claim, reading : str
    testable : bool
    reason : str
        One sentence, or two.
    pair : str
        The finest pair that could answer; empty where none.
    archive : str
        Which public archive would decide it, in words; empty where no imagery can.
    power : float or None
        Of the scenes at hand: probability that the claim, were it true, would be told from nothing having happened; None where none at hand could.
    separates : tuple of Separation
        With what probability the scenes at hand tell it from other numbers for the same change.
    options : tuple of Option
        The archives behind `archive`, those that decide first.
    published : tuple of str
        What other sources give, a line each; never part of an answer.
    """

    __test__ = False  # not a test class, whatever its name suggests to a collector

    claim: str
    reading: str
    testable: bool
    reason: str
    pair: str = ""
    archive: str = ""
    power: float | None = None
    separates: tuple[Separation, ...] = ()
    options: tuple[Option, ...] = ()
    published: tuple[str, ...] = ()


def testability(
    claims: Sequence[Claim],
    scenes: Sequence[SceneInfo],
    *,
    aoi: Aoi | None = None,  # noqa: PT028  (no test, whatever its name begins with)
    places: Sequence[Place] = (),  # noqa: PT028  (likewise)
) -> tuple[Testable, ...]:
    """Return, for each reading in the order given, whether the scenes could test it and why, before a pixel is read.

    Parameters
    ----------
    claims : sequence of Claim
    scenes : sequence of SceneInfo
        In any order.
    aoi : Aoi, optional
        The site: its size sets the power, its place the tiles and seasons. Without it no power is told of counts, lines
        are taken for those of a compact square kilometre, and no tiles are named.
    places : sequence of Place, optional
        Places of the ledger, which claims about a position name.
    """
    latitude = None if aoi is None else float(aoi.camp.geometry.centroid.y)
    site = _Site(aoi, tuple(places), latitude, {} if aoi is None else tiles_of(aoi), {} if aoi is None else sizes_of(aoi), era_of(claims))
    return tuple(_testable(claim, reading, claims, scenes, site) for claim in claims for reading in claim.readings)


testability.__test__ = False  # type: ignore[attr-defined]  # nor is this a test


@dataclass(frozen=True, slots=True)
class _Site:
    aoi: Aoi | None
    places: tuple[Place, ...]
    latitude: float | None
    tiles: Mapping[str, tuple[str, ...]]
    sizes: Mapping[str, tuple[float, float]]
    era: Interval | None


def _testable(claim: Claim, reading: Reading, claims: Sequence[Claim], scenes: Sequence[SceneInfo], site: _Site) -> Testable:
    published = tuple(f.words for f in claim.published if f.reading in (None, reading.id))

    def no(reason: str, archive: str = "", options: tuple[Option, ...] = ()) -> Testable:
        return Testable(claim.id, reading.id, False, _upper(reason), archive=archive, options=options, published=published)

    if not claim.observable:
        return no(claim.why_not)
    if reading.metric in GEOMETRY:
        answer = answer_place(reading, site.aoi, site.places)
        if answer.outcome == "not testable":
            return no(answer.told.body)
        return Testable(claim.id, reading.id, True, "The outline and its places answer it; no imagery is needed.", published=published)
    kind = search_of(reading)
    why = never(reading) or (TERRAIN if reading.subject == "terrain" else not_judged(reading) if kind is None else "")
    if why or kind is None:
        return no(why)
    ground, rivals = ground_of(reading, site.aoi, site.sizes), rivals_of(claim, reading, claims)
    options = options_of(reading, kind, ground, rivals, latitude=site.latitude, tiles=site.tiles, era=site.era)
    archive = told(options)
    pair, missing = _pair(reading, kind, scenes)
    if pair is None:
        coarse = prospect_of(reading, kind, min(s.gsd_m for s in scenes), ground, rivals) if scenes else None
        if coarse is not None and coarse.separates and hindrance(coarse):
            missing = f"{missing}. {_upper(hindrance(coarse))}"
        return no(missing, archive, options)
    gsd = max(s.gsd_m for s in pair)
    prospect = prospect_of(reading, kind, gsd, ground, rivals)
    reason = f"{_shown(reading, pair, gsd)} {_foreseen(reading, prospect)}".strip()
    testable = not prospect.why_not
    name = f"{pair[0].id}__{pair[1].id}" if testable else ""
    return Testable(claim.id, reading.id, testable, reason, name, archive, prospect.power, prospect.separates, options, published)


def _pair(reading: Reading, kind: Kind, scenes: Sequence[SceneInfo]) -> tuple[tuple[SceneInfo, SceneInfo] | None, str]:
    """Return the finest pair that could answer, or why there is none."""
    limit = PLANNED_GSD_M[kind]
    if not scenes:
        return None, "no scene is at hand"
    fine = [s for s in scenes if s.gsd_m <= limit]
    if not fine:
        finest = min(s.gsd_m for s in scenes)
        drawn = f"; a line that is drawn by hand and loaded with its date is measured up to {STRIP_M:g} m" if kind == "perimeter" else ""
        return None, (
            f"to see {LIMIT_WORDS[kind]} takes {limit:g} m ground sample distance or finer; the finest scene at hand has {finest:.2g} m{drawn}"
        )
    for group in scene_classes(fine):
        pair = pair_of(reading, group, ())
        if pair is not None:
            return pair, ""
    held = ", ".join(day.isoformat() for day in sorted({s.day for s in fine}))
    return None, f"{no_bracket(reading)}; those at hand and fine enough are of {held}"


def _shown(reading: Reading, pair: tuple[SceneInfo, SceneInfo], gsd_m: float) -> str:
    if reading.aspect == "state":
        day = date_of_state([s.day for s in pair], reading.interval)
        about = "could show it; the claim names no time" if reading.interval is None else f"stands for {span_in_words(reading.interval)}"
        return f"The scene of {day}, at {gsd_m:.2g} m, {about}."
    about = "could show it; the claim names no time" if reading.interval is None else f"enclose {span_in_words(reading.interval)}"
    return f"The scenes of {pair[0].day} and {pair[1].day}, at {gsd_m:.2g} m, {about}."


def _foreseen(reading: Reading, prospect: Prospect) -> str:
    """Say what the pair could do, a sentence or none."""
    if prospect.why_not:
        return f"{_upper(prospect.why_not)}"
    weak = [s for s in prospect.separates if s.power < POWER_LIMIT]
    strong = [s for s in prospect.separates if s.power >= POWER_LIMIT]
    words, drawn = [], "with the line drawn by hand and loaded, " if prospect.by_hand else ""
    if prospect.low is not None and prospect.high is not None and prospect.power is not None:
        words.append(f"{drawn}power {prospect.power:.2f}; were it true, {_ends(reading, prospect.low, prospect.high)} would be measured")
        if prospect.mass is not None and prospect.mass < SUPPORT_MASS:
            words.append(
                f"this could refute it, but the number itself would get a probability of {prospect.mass:.2f}, and support takes {SUPPORT_MASS:g}"
            )
    elif prospect.power is not None:
        words.append(f"{drawn}about {100 * prospect.power:.0f} of 100 objects are found: some can be shown, but that there were none cannot")
    words += [f"it is told from {s.claim} “{s.reading}” with {s.power:.2f}" for s in strong]
    words += [f"it is not told from {s.claim} “{s.reading}” (power {s.power:.2f})" for s in weak]
    return _upper("; ".join(words)) if words else ""


def _ends(reading: Reading, low: float, high: float) -> str:
    unit = "objects" if reading.metric == "count" else reading.quantity.unit if reading.quantity else "ratio"
    base = {"km": "m", "km2": "m2"}.get(unit, unit)
    if base == "m2":
        low, high, base = low / 1e6, high / 1e6, "km2"
    first = number(round(100 * low) if base == "ratio" else low)
    last = with_unit(high, base)
    return last if last.split()[0] == first else f"{first} to {last}"


def _upper(text: str) -> str:
    clean = text.strip().rstrip(".")
    return f"{clean[:1].upper()}{clean[1:]}."
