"""From measurements to outcomes. The rules, in words:

**Which claims.** What cannot be seen from above (people, deaths, capacity, electric current, intent, names, statements about images and
publications) is *not testable*, and imagery is not looked at. Distances and positions are answered by the outline, dates by what stood on which
day, everything else by the pairs of scenes.

**Which pairs.** A pair may answer a reading when at least 75 % of the claimed time lies between its dates (for a state: when one of its dates
lies in the stated time, or within a year of it). Pairs that reach more than two years beyond the claimed time answer only where no other pair
may. Pairs that see the same span within a season are counted together, as far as they saw the whole ground and were calibrated; where the interval
of one of them lies apart from another's, the pairs disagree and nothing is decided. Of several resolutions the finest that decides answers, and
what coarser imagery says otherwise is told.

**One reading.** The first row of :data:`RULES` that applies. In short: *supported* takes a probability of 95 % and data ten times likelier than if
nothing had happened; *contradicted* takes a 95 % interval that excludes the number, stretched by what experts' figures differ by, all of the ground
and of the time, and a search that would have shown it with a probability of 80 % (the power); *not testable* is said wherever that power is not
there and the data do not show the thing all the same.

**One claim, several readings.** All the same: that outcome. Otherwise *partly* where a reading is supported or partly so (the reason names it),
*inconclusive* where some reading may yet hold, and *contradicted* only where every reading is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from camwatch.judge.limits import BAYES_LIMIT, COMPLETE, POWER_LIMIT, SLACK_DAYS, SUPPORT_MASS
from camwatch.judge.words import share

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from camwatch.judge.limits import Bounds
    from camwatch.judge.measurement import Measurement
    from camwatch.judge.record import Outcome

DECIDED: tuple[Outcome, ...] = ("supported", "contradicted", "partly")

UNSEEN = "the part of the ground or of the claimed time that was not seen may hold more"
BLIND = "the search misses most objects of this size, so it tells neither that they were there nor that they were not"
UNMEASURED = "how often this search misses something or raises a false alarm was not measured, so it decides nothing"
OPEN = "that interval holds what is claimed, and other numbers as well"
TOO_WEAK = "what was seen is too little to tell"
ASSUMED = "the outline was drawn from published figures: that it agrees with them confirms nothing"


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the rules look at.

    Attributes
    ----------
    measured : Measurement
    claimed : Bounds
    coverage : float
        Share of the claimed time between the dates of the pair; 1 for a state.
    slack_days : int
        How far the pair reaches beyond the claimed time; 0 for a state.
    change : bool
        Whether the claim is about a change, not about a state.
    beyond_sight : str
        What of the claim stays unseen though the thing itself is seen; empty where nothing does.
    assumed : bool
        Whether the measured outline was itself drawn from published figures.
    """

    measured: Measurement
    claimed: Bounds
    coverage: float = 1.0
    slack_days: int = 0
    change: bool = True
    beyond_sight: str = ""
    assumed: bool = False

    @property
    def fits(self) -> bool:
        """Whether the claimed number is likely, and the data likelier than without it."""
        bayes = self.measured.bayes_other if self.claimed.includes_nothing else self.measured.bayes
        return self.measured.mass >= SUPPORT_MASS and (bayes is None or bayes >= BAYES_LIMIT)

    @property
    def bears(self) -> bool:
        """Whether what was seen can carry a *yes*.

        The unseen rest may add to objects that are counted up to a number, and to a balance; that there was nothing takes power.
        """
        enough = self.measured.complete or (self.measured.additive and not math.isfinite(self.claimed.high))
        return enough and not (self.claimed.includes_nothing and self.weak)

    @property
    def many(self) -> bool:
        """Whether there are more than the claim can mean, even had the search missed none."""
        return self.measured.floor > self.claimed.wide_high

    @property
    def few(self) -> bool:
        """Whether there are fewer than the claim can mean, even were every report true."""
        return self.measured.ceiling < self.claimed.wide_low

    @property
    def weak(self) -> bool:
        """Whether a true claim would too rarely be told from nothing."""
        return self.measured.power is not None and self.measured.power < POWER_LIMIT

    @property
    def wide(self) -> bool:
        """Whether the pair reaches far beyond the claimed time."""
        return self.slack_days > SLACK_DAYS

    @property
    def excludes(self) -> bool:
        """Whether what was seen carries a *no*."""
        whole = self.measured.complete and self.coverage >= COMPLETE
        return not self.wide and ((self.many and (self.measured.additive or whole)) or (self.few and whole and not self.weak))

    @property
    def same_way(self) -> bool:
        """Whether a change in the claimed direction is sure."""
        return self.change and not self.claimed.includes_nothing and self.measured.sign == (1 if self.claimed.low > 0 else -1)


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table: the outcome, when it is given, and the clause that says why (it may be empty)."""

    outcome: Outcome
    when: str
    holds: Callable[[Facts], bool]
    why: Callable[[Facts], str]


RULES: tuple[Rule, ...] = (
    Rule("not testable", "fewer than half of the planted objects of that size were found", lambda f: f.measured.blind, lambda _: BLIND),
    Rule("inconclusive", "misses or false alarms were not measured", lambda f: not f.measured.calibrated, lambda _: UNMEASURED),
    Rule(
        "inconclusive", "the number fits an outline that was itself drawn from published figures", lambda f: f.fits and f.assumed, lambda _: ASSUMED
    ),
    Rule(
        "partly",
        "the number fits, and the dates reach more than two years beyond the claimed time",
        lambda f: f.fits and f.bears and f.wide,
        lambda _: "the number fits, but the pair reaches far beyond the claimed time: the date is not confirmed",
    ),
    Rule(
        "partly",
        "the thing is seen, and not what the claim says it is for",
        lambda f: f.fits and f.bears and bool(f.beyond_sight),
        lambda f: f.beyond_sight,
    ),
    Rule("supported", "the number fits, and enough of the ground was seen", lambda f: f.fits and f.bears, lambda _: ""),
    Rule(
        "partly",
        "a change in the claimed direction is sure, and its size is excluded",
        lambda f: f.excludes and f.same_way,
        lambda _: "the change is there, its size is not",
    ),
    Rule("contradicted", "the number is excluded, by a search that would have shown it", lambda f: f.excludes, lambda _: ""),
    Rule("not testable", "a true claim would be told from nothing with less than 80 % probability", lambda f: f.weak, lambda f: _weak(f.measured)),
    Rule("inconclusive", "what was not seen may hold the rest", lambda f: (f.fits or f.many or f.few) and not f.wide, lambda _: UNSEEN),
    Rule(
        "inconclusive",
        "the number is excluded, and the dates reach more than two years beyond the claimed time",
        lambda f: f.many or f.few,
        lambda _: "the pair reaches far beyond the claimed time, in which more may have come and gone",
    ),
    Rule(
        "inconclusive",
        "the interval holds both the claimed number and others",
        lambda _: True,
        lambda f: TOO_WEAK if f.measured.estimate is None else OPEN,
    ),
)
"""How one reading is decided: the first row that applies."""


def decide(facts: Facts) -> tuple[Outcome, str]:
    """Return the outcome of one reading, and why, as a clause that may be empty."""
    rule = next(rule for rule in RULES if rule.holds(facts))
    return rule.outcome, rule.why(facts)


def combine(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the outcome of a claim from those of its readings, which are alternatives."""
    kinds = set(outcomes)
    if len(kinds) == 1:
        return outcomes[0]
    if kinds & {"supported", "partly"}:
        return "partly"
    return "inconclusive"


def _weak(measured: Measurement) -> str:
    return f"were that true, this imagery would have shown it with a probability of only {share(measured.power or 0.0)}"
