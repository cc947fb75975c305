"""The answer to one reading, from the pairs of scenes or from the outline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from camwatch.judge.bracket import bracket
from camwatch.judge.counting import measure_count
from camwatch.judge.cover import measure_cover
from camwatch.judge.extents import measure_extent, measure_line
from camwatch.judge.limits import bounds_of, search_of
from camwatch.judge.measurement import CannotMeasureError, Witness, days
from camwatch.judge.rules import BLIND, DECIDED, Facts, decide
from camwatch.judge.sight import TERRAIN, beyond_sight
from camwatch.judge.witnesses import by_class, fitting
from camwatch.judge.words import LIMIT_WORDS, NOT_LOOKED, Told, claimed_words, measured_words, no_bracket, not_judged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camwatch.aoi import Aoi
    from camwatch.claims.model import Reading
    from camwatch.findings import Kind
    from camwatch.judge.measurement import Measurement
    from camwatch.judge.record import Estimate, Evidence, Outcome

NOMINAL = "The outline is nominal: drawn from published figures, not from imagery"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to one reading; `told` is its reason in pieces, `pairs` are those that gave it."""

    outcome: Outcome
    told: Told
    pairs: tuple[str, ...] = ()
    measured: Measurement | None = None
    nominal: bool = False

    @property
    def estimate(self) -> Estimate | None:
        """What was measured; None where nothing was that may be told."""
        return self.measured.estimate if self.measured and self.outcome != "not testable" else None


def untestable(why: str, *notes: str) -> Answer:
    """Return an answer that imagery cannot give."""
    return Answer("not testable", Told(why, notes=notes))


def answer_seen(reading: Reading, ordered: Sequence[Evidence], aoi: Aoi | None) -> Answer:
    """Answer a reading about what stands or changes, from pairs in a fixed order."""
    kind = search_of(reading)
    if reading.subject == "terrain":
        return untestable(TERRAIN, NOT_LOOKED)
    if kind is None:
        return untestable(not_judged(reading), NOT_LOOKED)
    if not ordered:
        return untestable("no pair of scenes is at hand")
    classes = by_class(reading, fitting(reading, ordered))
    if not classes:
        return untestable(no_bracket(reading))
    told = [_agree([_answer_group(reading, kind, group, aoi) for group in spans]) for spans in classes]
    chosen = next((a for a in told if a.outcome in DECIDED), None) or next((a for a in told if a.outcome == "inconclusive"), told[0])
    against = [a for a in told if a.outcome in DECIDED and a.outcome != chosen.outcome and a is not chosen]
    return _noted(chosen, *(f"Coarser imagery says otherwise: {a.outcome}, {a.told.main}" for a in against))


def _noted(answer: Answer, *notes: str) -> Answer:
    return replace(answer, told=replace(answer.told, notes=(*answer.told.notes, *notes)))


def _agree(answers: Sequence[Answer]) -> Answer:
    """Combine the answers of spans of one resolution class, best witness first."""
    decided = [a for a in answers if a.outcome in DECIDED]
    if not decided:
        return next((a for a in answers if a.outcome == "inconclusive"), answers[0])
    first = decided[0]
    if {a.outcome for a in decided} >= {"supported", "contradicted"}:
        return _disagreement(decided)
    others = [a for a in decided if a.outcome != first.outcome]
    notes = ["The pair with the better dates does not decide it"] if answers[0].outcome == "inconclusive" else []
    notes += [f"Another pair says {a.outcome}: {a.told.main}" for a in others]
    return replace(_noted(first, *notes), pairs=_pairs(decided), nominal=any(a.nominal for a in decided))


def _disagreement(answers: Sequence[Answer]) -> Answer:
    clause = "the pairs disagree: " + "; but ".join(f"{a.outcome}, {a.told.main}" for a in answers)
    told = Told(clause, notes=tuple(dict.fromkeys(note for a in answers for note in a.told.notes)))
    return Answer("inconclusive", told, _pairs(answers), nominal=any(a.nominal for a in answers))


def _pairs(answers: Sequence[Answer]) -> tuple[str, ...]:
    return tuple(sorted({p for a in answers for p in a.pairs}))


def _answer_group(reading: Reading, kind: Kind, group: Sequence[Evidence], aoi: Aoi | None) -> Answer:
    """Answer from pairs that see the same span: together where they agree, not at all where one's interval lies apart from another's."""
    witnesses, silent = [], []
    for evidence in group:
        why = _silence(kind, evidence)
        if why:
            findings = evidence.findings.get(kind)
            silent.append(Answer("not testable", Told(why), (evidence.pair,), nominal=bool(findings and findings.nominal)))
        else:
            witnesses.append(Witness(evidence, evidence.findings[kind]))
    if not witnesses:
        return silent[0]
    if len(witnesses) > 1:
        # What saw a part of the ground tells of another number.
        single = [a for a in (_answer_witnesses(reading, kind, [w], aoi) for w in witnesses) if a.estimate and a.measured and a.measured.complete]
        ends = [(a.estimate.low, a.estimate.high) for a in single if a.estimate]
        if ends and max(low for low, _ in ends) > min(high for _, high in ends):
            return _disagreement(single)
    return _answer_witnesses(reading, kind, witnesses, aoi)


def _silence(kind: Kind, evidence: Evidence) -> str:
    """Return why a pair says nothing of a kind; empty where it does."""
    span = _span(evidence)
    if evidence.refused:
        return f"{span} could not be aligned: {evidence.refused.strip().rstrip('.')}"
    findings = evidence.findings.get(kind)
    if findings is None:
        return f"{span} was not searched for {LIMIT_WORDS[kind]}"
    return f"for {span}, {_lower(findings.reason.strip().rstrip('.'))}" if findings.status == "not_testable" else ""


def _span(evidence: Evidence) -> str:
    earlier, later = days(evidence)
    if evidence.series:
        return f"the series of scenes from {earlier.isoformat()} to {later.isoformat()}"
    return f"the pair of scenes of {earlier.isoformat()} and {later.isoformat()}"


def _lower(text: str) -> str:
    """Return a reason as a clause; abbreviations keep their capitals."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def _answer_witnesses(reading: Reading, kind: Kind, witnesses: Sequence[Witness], aoi: Aoi | None) -> Answer:
    nominal, best = any(w.findings.nominal for w in witnesses), witnesses[0].evidence
    try:
        measured = _measure(reading, kind, witnesses, aoi)
    except CannotMeasureError as error:
        return Answer("not testable", Told(f"for {_span(best)}, {error}"), (best.pair,), nominal=nominal)
    # The first of those that were counted tells the dates.
    best = next(w.evidence for w in witnesses if w.evidence.pair in measured.pairs)
    change = reading.aspect != "state"
    held = bracket(*days(best), reading.interval)
    coverage, slack_days = (held.coverage, held.slack_days) if change else (1.0, 0)
    sized = reading.metric in {"count", "area", "length"}
    claimed = bounds_of(reading.quantity if sized else None, reading.metric)
    outcome, why = decide(Facts(measured, claimed, coverage, slack_days, change=change, beyond_sight=beyond_sight(reading)))
    part = next((o.name for o in aoi.outlines if o.id == reading.sub_area and o.role == "sub-area"), "") if aoi else ""
    # What is not testable has no number to quote.
    told = replace(measured, estimate=None) if outcome == "not testable" else measured
    when, number = measured_words(reading, best, told, part)
    detail = (measured.detail,) if measured.detail else ()
    if why == BLIND:
        # A number from a blind search would only be its prior; none is told.
        return Answer(outcome, Told(BLIND, when=when, notes=detail), measured.pairs, measured, nominal)
    notes = (*detail, NOMINAL) if nominal else detail
    says = f"the claim {claimed_words(reading.quantity)}" if sized else ""
    return Answer(outcome, Told(number, when=when, claimed=says, why=why, notes=notes), tuple(sorted(measured.pairs)), measured, nominal)


def _measure(reading: Reading, kind: Kind, witnesses: Sequence[Witness], aoi: Aoi | None) -> Measurement:
    if kind == "landcover":
        return measure_cover(reading, witnesses, aoi)
    if reading.metric in ("area", "length"):
        return measure_extent(reading, witnesses, aoi)
    return (measure_line if kind == "perimeter" else measure_count)(reading, witnesses, aoi)
