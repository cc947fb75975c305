"""From measurements to verdicts. The rules, in words:

**Which claims.** This release judges counts, areas and lengths. A claim about what cannot be seen from above is *not testable*, for the ledger's
reason; a claim of any other kind is listed as *not testable in this release*. In neither case is imagery looked at.

**Which pairs.** A pair may answer a reading when at least 75 % of the claimed time lies between its dates (for a state: when one of its dates
lies in the stated time, or within a year of it). Of those, the pairs of the finest ground sample distance (within a factor of 1.5) answer;
coarser ones only where the finer ones decide nothing, and pairs that reach more than two years beyond the claimed time only where no other pair
may answer. Decided answers that disagree are all told, and a pair that supports beside one that contradicts leaves the reading *inconclusive*.

**One reading, one pair.**

1. *Not testable*: registration was refused; the search could not have shown such objects at this resolution; nothing of the ground was seen; or
   the pair finds fewer than half of the planted objects of the claimed size, whatever it reports.
2. *Supported*: the claimed number has a probability of at least 90 %, and the data are at least ten times likelier than if nothing had happened.
   A claim with an upper bound ("exactly", "at most"), a balance or a line also needs that at least 95 % of the ground (half of the line) was
   seen, since the rest may hold more; "at least" can be supported by a part. A claim of no change also needs a power of 80 %.
3. *Contradicted*: the 95 % interval excludes the claimed number, stretched by what experts' figures differ by. Too many objects contradict from
   whatever part was seen, if they are too many even had the search missed none. Too few contradict only where at least 95 % of the ground and of
   the claimed time was seen, where the change would have been told from nothing with a probability of at least 80 % (the power), and where it
   stays too few even were every report true: "no" is said only where change would have been seen.
4. *Partly*: the change surely happened in the claimed direction, but its size is contradicted; or the number is supported, but the pair reaches
   more than two years beyond the claimed time, so that the date is not confirmed.
5. *Inconclusive*: everything else; also whatever would be decided while the misses or the false alarms of the search were not measured, and
   whatever would be contradicted by a pair that reaches more than two years beyond the claimed time.

**One claim, several readings.** All the same: that outcome. Otherwise *partly* where a reading is supported or partly so (the reason names it),
*inconclusive* where some reading may yet hold, and *contradicted* only where every reading is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from camwatch.judge.bracket import bracket, date_of_state, days_outside, looseness
from camwatch.judge.counting import measure_count
from camwatch.judge.extents import measure_extent
from camwatch.judge.limits import (
    BAYES_LIMIT,
    BRACKET_COVERAGE,
    COMPLETE,
    POWER_LIMIT,
    SLACK_DAYS,
    SUPPORT_MASS,
    bounds_of,
    kind_of,
    resolution_classes,
)
from camwatch.judge.measurement import CannotMeasureError, days
from camwatch.judge.record import ReadingVerdict, Verdict
from camwatch.judge.words import LIMIT_WORDS, NOT_LOOKED, Told, claimed_words, display, measured_words, no_bracket, not_judged, sentence, together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camwatch.aoi import Aoi
    from camwatch.claims.model import Claim, Reading
    from camwatch.findings import Kind
    from camwatch.judge.limits import Bounds
    from camwatch.judge.measurement import Measurement
    from camwatch.judge.record import Evidence, Outcome

    Checks = tuple[tuple[bool, Outcome, str], ...]

DECIDED: tuple[Outcome, ...] = ("supported", "contradicted", "partly")

UNSEEN = "the part of the ground or of the claimed time that was not seen may hold more"
BLIND = "the search is blind to objects of this size"
NOMINAL = "The outline used as prior is nominal"
UNMEASURED = "how often this search misses objects or raises false alarms was not measured"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to one reading; `told` is its reason in pieces, `pairs` are those that gave it."""

    outcome: Outcome
    told: Told
    pairs: tuple[str, ...] = ()
    measured: Measurement | None = None
    nominal: bool = False


def judge(claim: Claim, evidence: Sequence[Evidence], *, aoi: Aoi | None = None) -> Verdict:
    """Judge a claim from all that the pairs of a run say.

    Parameters
    ----------
    claim : Claim
    evidence : sequence of Evidence
        In any order; the answer does not depend on it.
    aoi : Aoi, optional
        Where the outlines of sub-areas stand; a reading about a sub-area is not testable without it.

    Returns
    -------
    Verdict
        With one sentence of reason; it begins with `SIMULATED: ` where the evidence is rendered.
    """
    ordered = sorted(evidence, key=lambda e: (e.gsd_m, e.acquired, e.pair))
    if claim.observable:
        answers = [_answer(reading, ordered, aoi) for reading in claim.readings]
    else:
        answers = [Answer("not testable", Told(claim.why_not)) for _ in claim.readings]
    simulated = claim.observable and any(e.simulated for e in ordered) and any(kind_of(r) for r in claim.readings)
    readings = tuple(_verdict(r, a, simulated=simulated and kind_of(r) is not None) for r, a in zip(claim.readings, answers, strict=True))
    outcome = combine([a.outcome for a in answers])
    reason = sentence(outcome, together(claim.readings, [a.told for a in answers], [a.outcome for a in answers]), simulated=simulated)
    return Verdict(claim.id, outcome, reason, readings, simulated=simulated, nominal=any(a.nominal for a in answers))


def combine(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the outcome of a claim from those of its readings, which are alternatives."""
    kinds = set(outcomes)
    if len(kinds) == 1:
        return outcomes[0]
    if kinds & {"supported", "partly"}:
        return "partly"
    return "inconclusive"


def decide(measured: Measurement, claimed: Bounds, *, coverage: float, slack_days: int, change: bool) -> tuple[Outcome, str]:
    """Return the outcome of one reading from one pair, and why, as a clause that may be empty.

    Parameters
    ----------
    measured : Measurement
    claimed : Bounds
    coverage : float
        Share of the claimed time between the dates of the pair; 1 for a state.
    slack_days : int
        How far the pair reaches beyond the claimed time; 0 for a state.
    change : bool
        Whether the claim is about a change, not about a state.
    """
    fits = measured.mass >= SUPPORT_MASS and _told_from_nothing(measured, claimed)
    if measured.blind:
        return "not testable", BLIND
    if fits:
        bounded = math.isfinite(claimed.high) or not measured.additive
        checks: Checks = (
            (not measured.calibrated, "inconclusive", UNMEASURED),
            (bounded and not measured.complete, "inconclusive", UNSEEN),
            (claimed.includes_nothing and change and measured.power < POWER_LIMIT, "inconclusive", _weak(measured)),
            (slack_days > SLACK_DAYS, "partly", "the number fits, but the pair reaches far beyond the claimed time: the date is not confirmed"),
        )
        return _first(checks, "supported")
    complete = measured.complete and coverage >= COMPLETE
    many, few = measured.floor > claimed.wide_high, measured.ceiling < claimed.wide_low
    same_way = change and not claimed.includes_nothing and measured.sign == (1 if claimed.low > 0 else -1)
    checks = (
        (not (many or few), "inconclusive", _weak(measured) if measured.power < POWER_LIMIT else "the interval leaves both open"),
        (not measured.calibrated, "inconclusive", UNMEASURED),
        ((few or not measured.additive) and not complete, "inconclusive", UNSEEN),
        (few and measured.power < POWER_LIMIT, "inconclusive", _weak(measured)),
        (slack_days > SLACK_DAYS, "inconclusive", "the pair reaches far beyond the claimed time, in which more may have come and gone"),
        (same_way, "partly", "the change is there, its size is not"),
    )
    return _first(checks, "contradicted")


def _first(checks: Checks, otherwise: Outcome) -> tuple[Outcome, str]:
    """Return outcome and reason of the first check that applies."""
    return next(((outcome, why) for applies, outcome, why in checks if applies), (otherwise, ""))


def _weak(measured: Measurement) -> str:
    return f"had it happened, this pair would have told it from nothing with a probability of only {100 * measured.power:.0f} %"


def _told_from_nothing(measured: Measurement, claimed: Bounds) -> bool:
    factor = measured.bayes_other if claimed.includes_nothing else measured.bayes
    return factor is None or factor >= BAYES_LIMIT


# --- one reading, all pairs -------------------------------------------------------------------------------------------------------------------


def _answer(reading: Reading, ordered: Sequence[Evidence], aoi: Aoi | None) -> Answer:
    kind = kind_of(reading)
    if kind is None:
        return Answer("not testable", Told(not_judged(reading), notes=(NOT_LOOKED,)))
    fitting = [e for e in ordered if _fits(reading, e)]
    if not fitting:
        return Answer("not testable", Told(no_bracket(reading)))
    classes = resolution_classes([e.gsd_m for e in fitting])
    told: list[Answer] = []
    for finest, coarsest in classes:
        group = sorted((e for e in fitting if finest <= e.gsd_m <= coarsest), key=lambda e: _tightness(reading, e))
        tight = [e for e in group if reading.aspect == "state" or bracket(*days(e), reading.interval).slack_days <= SLACK_DAYS]
        told.append(_agree([_answer_pair(reading, kind, e, aoi) for e in tight or group]))
    chosen = next((a for a in told if a.outcome in DECIDED), None) or next((a for a in told if a.outcome == "inconclusive"), told[0])
    against = [a for a in told if a.outcome in DECIDED and a.outcome != chosen.outcome and a is not chosen]
    if against:
        return _noted(chosen, *(f"Coarser imagery says otherwise: {a.outcome}, {a.told.main}" for a in against))
    return chosen


def _fits(reading: Reading, evidence: Evidence) -> bool:
    if reading.aspect == "state":
        return date_of_state(days(evidence), reading.interval) is not None
    return bracket(*days(evidence), reading.interval).coverage >= BRACKET_COVERAGE


def _tightness(reading: Reading, evidence: Evidence) -> tuple[tuple[float, int, int], float, str]:
    """Order pairs: the best witness of the claimed time first, then the finest, then by name."""
    earlier, later = days(evidence)
    if reading.aspect == "state":
        day = date_of_state((earlier, later), reading.interval)
        assert day is not None  # only fitting pairs are ordered
        return (float(days_outside(day, reading.interval)), -day.toordinal(), 0), evidence.gsd_m, evidence.pair
    return looseness(earlier, later, reading.interval), evidence.gsd_m, evidence.pair


def _noted(answer: Answer, *notes: str) -> Answer:
    return replace(answer, told=replace(answer.told, notes=(*answer.told.notes, *notes)))


def _agree(answers: Sequence[Answer]) -> Answer:
    """Combine the answers of pairs of one resolution class, best witness first."""
    decided = [a for a in answers if a.outcome in DECIDED]
    if not decided:
        return next((a for a in answers if a.outcome == "inconclusive"), answers[0])
    first, pairs = decided[0], tuple(sorted(p for a in decided for p in a.pairs))
    if {a.outcome for a in decided} >= {"supported", "contradicted"}:
        clause = "the pairs disagree: " + "; but ".join(f"{a.outcome}, {a.told.main}" for a in decided)
        told = Told(clause, notes=tuple(dict.fromkeys(note for a in decided for note in a.told.notes)))
        return Answer("inconclusive", told, pairs, first.measured, any(a.nominal for a in decided))
    others = [a for a in decided if a.outcome != first.outcome]
    notes = ["The pair with the better dates does not decide it"] if answers[0].outcome == "inconclusive" else []
    notes += [f"Another pair says {a.outcome}: {a.told.main}" for a in others]
    return replace(_noted(first, *notes), pairs=pairs, nominal=any(a.nominal for a in decided))


def _answer_pair(reading: Reading, kind: Kind, evidence: Evidence, aoi: Aoi | None) -> Answer:
    pair = (evidence.pair,)
    earlier, later = days(evidence)
    span = f"the pair {earlier.isoformat()} to {later.isoformat()}"
    if evidence.refused:
        return Answer("not testable", Told(f"the scenes of {span} could not be aligned: {evidence.refused.strip().rstrip('.')}"), pair)
    findings = evidence.findings.get(kind)
    if findings is None:
        return Answer("not testable", Told(f"{span} was not searched for {LIMIT_WORDS[kind]}"), pair)
    if findings.status == "not_testable":
        return Answer("not testable", Told(f"{span}: {findings.reason.strip().rstrip('.')}"), pair, nominal=findings.nominal)
    try:
        measured = (measure_count if reading.metric == "count" else measure_extent)(reading, evidence, findings, aoi)
    except CannotMeasureError as error:
        return Answer("not testable", Told(f"{span}: {error}"), pair, nominal=findings.nominal)
    change = reading.aspect != "state"
    held = bracket(earlier, later, reading.interval)
    coverage, slack_days = (held.coverage, held.slack_days) if change else (1.0, 0)
    outcome, why = decide(measured, bounds_of(reading.quantity, reading.metric), coverage=coverage, slack_days=slack_days, change=change)
    when, number = measured_words(reading, evidence, measured)
    detail = (measured.detail,) if measured.detail else ()
    if why == BLIND:
        # A number from a blind search would only be its prior; none is told.
        return Answer(outcome, Told(BLIND, when=when, notes=detail), pair, measured, findings.nominal)
    notes = (*detail, NOMINAL) if findings.nominal else detail
    told = Told(number, when=when, claimed=f"the claim {claimed_words(reading.quantity)}", why=why, notes=notes)
    return Answer(outcome, told, pair, measured, findings.nominal)


# --- words over readings ----------------------------------------------------------------------------------------------------------------------


def _verdict(reading: Reading, answer: Answer, *, simulated: bool) -> ReadingVerdict:
    measured = answer.measured
    told = None if answer.outcome == "not testable" else measured
    return ReadingVerdict(
        reading.id,
        answer.outcome,
        sentence(answer.outcome, answer.told.body, simulated=simulated),
        measured=display(told.estimate) if told else None,
        power=measured.power if measured else None,
        bayes_factor=told.bayes if told else None,
        bayes_factor_other=told.bayes_other if told else None,
        evidence=answer.pairs,
    )
