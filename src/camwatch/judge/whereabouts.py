"""The answer to a reading about a distance or a position, from the outline and the places beside it, without imagery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camwatch.judge.answers import Answer, untestable
from camwatch.judge.limits import bounds_of
from camwatch.judge.measurement import CannotMeasureError
from camwatch.judge.places import distance_words, distances, measure_place, outline_of, position_in
from camwatch.judge.rules import DECIDED, Facts, combine, decide
from camwatch.judge.words import NOT_LOOKED, Told, claimed_words, interval_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camwatch.aoi import Aoi
    from camwatch.claims.model import Reading
    from camwatch.claims.typed import Place
    from camwatch.judge.places import Distance
    from camwatch.judge.record import Outcome

NOWHERE = "neither the outline's file nor the ledger holds a position of {}"
WHAT = "what the claim names"

ROUGH = "the two places are known too roughly to tell it from another distance"


def answer_place(reading: Reading, aoi: Aoi | None, places: Sequence[Place] = ()) -> Answer:
    """Answer a reading about a distance or a position.

    Where a claim puts its subject in several ways, all must hold; where its words leave open from which point a distance counts, the points are
    readings of it.
    """
    if aoi is None:
        return untestable(NOWHERE.format(WHAT), NOT_LOOKED)
    outline = outline_of(reading, aoi)
    regions = {place.name: place for place in places if place.box is not None}
    parts: list[tuple[Outcome, str]] = [position_in(w, regions[w.place], outline) for w in reading.where if w.place in regions and w.relation == "in"]
    found = distances(reading, aoi, places)
    if found and reading.quantity is not None:
        try:
            return _answer_distances([_answer_distance(reading, distance) for distance in found])
        except CannotMeasureError as error:
            return untestable(str(error), NOT_LOOKED)
    if found:
        parts.append(("not testable", f"the claim gives no distance to hold against what the outline says: {distance_words(found)}"))
    unknown = [w.place for w in reading.where if w.place not in regions and not found]
    if unknown:
        parts.append(("not testable", NOWHERE.format(" and ".join(unknown))))
    if not parts:
        return untestable(f"{NOWHERE.format(WHAT)}; write it into `distances` of the outline's file", NOT_LOOKED)
    words = "; ".join(words for _, words in parts)
    outcome = _all_of([outcome for outcome, _ in parts])
    return Answer(outcome, Told(words, notes=(NOT_LOOKED,) if outcome == "not testable" else ()), nominal=outline.nominal)


def _all_of(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the outcome of parts that must all hold."""
    if "contradicted" in outcomes:
        return "contradicted"
    if "supported" in outcomes:
        return "supported" if set(outcomes) == {"supported"} else "partly"
    return "not testable" if "not testable" in outcomes else "inconclusive"


def _answer_distances(answers: Sequence[Answer]) -> Answer:
    """Combine distances from several points, which are readings of one claim."""
    if len(answers) == 1:
        return answers[0]
    outcomes = [a.outcome for a in answers]
    alike = len(set(outcomes)) == 1
    words = "; ".join(a.told.clause if alike else f"{a.told.clause}: {', because '.join(w for w in (a.outcome, a.told.why) if w)}" for a in answers)
    best = next((a for a in answers if a.outcome in DECIDED), answers[0])
    told = Told(words, claimed=best.told.claimed, why=best.told.why if alike and len({a.told.why for a in answers}) == 1 else "")
    return Answer(combine(outcomes), told, measured=best.measured, nominal=any(a.nominal for a in answers))


def _answer_distance(reading: Reading, distance: Distance) -> Answer:
    measured = measure_place(reading, distance)
    outcome, why = decide(Facts(measured, bounds_of(reading.quantity, "length"), change=False, assumed=distance.assumed))
    assert measured.estimate is not None
    why = ROUGH if outcome == "not testable" else why
    told = Told(f"{distance.what} measures {interval_words(measured.estimate)}", claimed=f"the claim {claimed_words(reading.quantity)}", why=why)
    return Answer(outcome, told, measured=measured, nominal=distance.assumed)
