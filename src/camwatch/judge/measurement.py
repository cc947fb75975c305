"""What pairs of scenes measure for one reading: a number with its interval, held against the claimed one. Nothing is decided here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from camwatch.judge.bracket import date_of_state
from camwatch.judge.limits import BAYES_CAP

if TYPE_CHECKING:
    from datetime import date
    from typing import Literal

    from camwatch.claims.model import Reading
    from camwatch.findings import Findings
    from camwatch.judge.record import Estimate, Evidence


class CannotMeasureError(Exception):
    """Why a pair says nothing about a reading; the message becomes the verdict's reason. It never leaves the judge."""


@dataclass(frozen=True, slots=True)
class Witness:
    """One pair with what one search of it found."""

    evidence: Evidence
    findings: Findings


@dataclass(frozen=True, slots=True)
class Measurement:
    """A measured number, held against the claimed one.

    Attributes
    ----------
    estimate : Estimate or None
        In base units (objects, m, m², ratio); None where a number would only be guessed.
    floor : float
        Lower end of the interval were no object missed; *too many* is judged by it, so that a search that misses nearly everything proves nothing.
    ceiling : float
        Upper end of the interval were every report true and every unseen place occupied; *too few* is judged by it, because control ground may
        hold real change and so gives no more than an upper bound of the false alarms.
    mass : float
        Probability of the claimed number, stretched as :class:`~camwatch.judge.limits.Bounds` says.
    bayes, bayes_other : float or None
        How many times likelier the data are under the claim than if nothing happened, and than under any other number.
    power : float or None
        Probability that, were the claim true, the data would have been told from nothing having happened; None where it was not measured.
    sign : int
        +1 or -1 where the measured change surely has that direction, else 0; 0 for a state.
    complete : bool
        Whether the ground was seen so far that the rest changes nothing.
    additive : bool
        Whether a part can only show too little: true for objects that are counted, false for balances and for lines.
    calibrated : bool
        Whether both the misses and the false alarms of this search were measured.
    blind : bool
        Whether the search misses most objects of the claimed size.
    seen : float
        Share of the ground that was seen, 0..1.
    detail : str
        How the number came about, one clause, or empty.
    pairs : tuple of str
        Pairs that were counted together.
    """

    estimate: Estimate | None
    floor: float
    ceiling: float
    mass: float
    bayes: float | None
    bayes_other: float | None
    power: float | None
    sign: int
    complete: bool
    additive: bool
    calibrated: bool
    blind: bool
    seen: float
    detail: str = ""
    pairs: tuple[str, ...] = ()


def factor(claim: float, other: float) -> float:
    """Return a Bayes factor from two mean likelihoods, at most :data:`BAYES_CAP` and at least its inverse."""
    if other <= claim / BAYES_CAP:
        return BAYES_CAP if claim > 0 else 1.0
    return max(claim / other, 1 / BAYES_CAP)


def days(evidence: Evidence) -> tuple[date, date]:
    """Return the two acquisition days of a pair."""
    return evidence.acquired[0].date(), evidence.acquired[1].date()


def end_of_state(reading: Reading, evidence: Evidence) -> Literal["before", "after"]:
    """Return which end of a pair stands for the stated time."""
    day = date_of_state(days(evidence), reading.interval)
    if day is None:
        raise CannotMeasureError("neither date of the pair lies near the stated time")
    return "before" if day == days(evidence)[0] else "after"
