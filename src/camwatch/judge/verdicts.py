"""The judge: a claim and all that the pairs of a run say, to a verdict of one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camwatch.judge.answers import Answer, answer_seen, untestable
from camwatch.judge.dates import answer_date
from camwatch.judge.limits import GEOMETRY, search_of
from camwatch.judge.record import ReadingVerdict, Verdict
from camwatch.judge.rules import combine
from camwatch.judge.sight import never
from camwatch.judge.whereabouts import answer_place
from camwatch.judge.words import display, sentence, together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camwatch.aoi import Aoi
    from camwatch.claims.model import Claim, Reading
    from camwatch.claims.typed import Place
    from camwatch.judge.record import Evidence


def judge(claim: Claim, evidence: Sequence[Evidence], *, aoi: Aoi | None = None, places: Sequence[Place] = ()) -> Verdict:
    """Judge a claim from all that the pairs of a run say.

    Parameters
    ----------
    claim : Claim
    evidence : sequence of Evidence
        In any order; the answer does not depend on it.
    aoi : Aoi, optional
        Where the outlines of sub-areas stand, and the places that distances are measured to; readings about these are not testable without it.
    places : sequence of Place, optional
        Places of the ledger, which claims about a position name.

    Returns
    -------
    Verdict
        With one sentence of reason; it begins with `SIMULATED: ` where the evidence is rendered.
    """
    ordered = sorted(evidence, key=lambda e: (e.gsd_m, e.acquired, e.pair))
    if claim.observable:
        answers = [_answer(reading, ordered, aoi, places) for reading in claim.readings]
    else:
        answers = [untestable(claim.why_not) for _ in claim.readings]
    rendered = [claim.observable and any(e.simulated for e in ordered) and looks(reading) for reading in claim.readings]
    readings = tuple(_verdict(r, a, simulated=s) for r, a, s in zip(claim.readings, answers, rendered, strict=True))
    outcome = combine([a.outcome for a in answers])
    told = together(claim.readings, [a.told for a in answers], [a.outcome for a in answers])
    reason = sentence(outcome, told, simulated=any(rendered), by=_source(claim.readings))
    return Verdict(claim.id, outcome, reason, readings, simulated=any(rendered), nominal=any(a.nominal for a in answers))


def looks(reading: Reading) -> bool:
    """Whether imagery is looked at for a reading."""
    return not never(reading) and reading.metric not in GEOMETRY and search_of(reading) is not None


def _answer(reading: Reading, ordered: Sequence[Evidence], aoi: Aoi | None, places: Sequence[Place]) -> Answer:
    why = never(reading)
    if why:
        return untestable(why)
    if reading.metric in GEOMETRY:
        return answer_place(reading, aoi, places)
    return (answer_date if reading.metric == "date" else answer_seen)(reading, _searched(reading, ordered), aoi)


def _searched(reading: Reading, ordered: Sequence[Evidence]) -> Sequence[Evidence]:
    """Return what was searched for what a reading asks, or refused; all where nothing was, so that the reason tells it."""
    kind = search_of(reading)
    return [e for e in ordered if e.refused or kind in e.findings] or ordered


def _source(readings: Sequence[Reading]) -> str:
    """Return what speaks: the outline where no imagery was asked, else the imagery."""
    return "outline" if all(reading.metric in GEOMETRY for reading in readings) else "imagery"


def _verdict(reading: Reading, answer: Answer, *, simulated: bool) -> ReadingVerdict:
    measured = answer.measured
    told = None if answer.outcome == "not testable" else measured
    return ReadingVerdict(
        reading.id,
        answer.outcome,
        sentence(answer.outcome, answer.told.body, simulated=simulated, by=_source([reading])),
        measured=display(answer.estimate) if answer.estimate else None,
        power=measured.power if measured else None,
        bayes_factor=told.bayes if told else None,
        bayes_factor_other=told.bayes_other if told else None,
        evidence=answer.pairs,
    )
