"""The judge's numbers: how fine imagery must be, how far a stated number is stretched, and when an answer is an answer.

Each number stands here once, with its reason.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from camwatch.claims.model import Quantity, Reading
    from camwatch.findings import Kind

GSD_LIMIT_M: dict[Kind, float] = {"tower": 1.05, "structure": 3.5, "perimeter": 10.5, "landcover": 120.0}
"""Coarsest ground sample distance at which each kind can be searched; equal to the detectors' own gates (a test compares them)."""

PLANNED_GSD_M: dict[Kind, float] = {**GSD_LIMIT_M, "perimeter": 6.0}
"""Ground sample distance up to which an answer is foreseen: of 3 km of line half are refused at 10 m (docs/perimeter.md)."""

OBJECT_SIZE_M: dict[Kind, float] = {"tower": 5.0, "structure": 16.0, "landcover": 120.0}
"""Long side of what a claim means unless it says otherwise: a guard tower, a camp house (16 m by 7 m at Camp 16), a pit or a field of 1.4 ha."""

RESOLUTION_CLASS = 1.5
"""Scenes belong together when their ground sample distances differ by no more than this factor."""

BRACKET_COVERAGE = 0.75
"""Share of the claimed time that lies between the two dates of a pair, from which on the pair may answer."""

COMPLETE = 0.95
"""Share of the ground, and of the claimed time, from which on the unseen rest is taken to hold nothing that changes the answer."""

SLACK_DAYS = 731
"""How far a pair may reach beyond the claimed time at either end before a match no longer confirms the date (two years: archives are sparse)."""

STATE_SLACK_DAYS = 366
"""How far outside the stated time a single date may lie and still stand for it."""

COUNT_TOLERANCE = 0.15
"""Counts of one camp by two expert teams, at nearly the same date, differ by 15 to 30 %; the smaller figure is the yardstick."""

ABOUT_TOLERANCE = 0.10
"""What *about* allows an area, a length or a growth factor."""

PLAIN_TOLERANCE = 0.05
"""What a plain area or length is held to: a line of 5 km drawn 10 m further out adds 5 % to 1 km²."""

SUPPORT_MASS = 0.95
"""Probability of the claimed number from which on a claim is supported; so the stated error of *supported* is at most 5 %."""

LEVEL = 0.95
"""Level of the intervals; a claim is contradicted when they exclude it, so the stated error of *contradicted* is at most 5 %."""

BAYES_LIMIT = 10.0
"""How many times likelier the data must be than if nothing had happened; "strong" (Kass and Raftery, doi:10.1080/01621459.1995.10476572)."""

BAYES_CAP = 1e6
"""Bayes factors are reported up to here: beyond it the model's assumptions, not the data, limit the answer."""

POWER_LIMIT = 0.80
"""Probability of being told from *nothing happened*, were the claim true, below which *no* is never said."""

BLIND_BELOW = 0.50
"""Probability of detection below which a pair counts as blind to objects of that size."""

TRANSFER: dict[str, float] = {"structure": 0.5, "tower": 1.2, "landcover": 1.2}
"""How far the recall of real objects lies from that of planted ones: standard deviation of the log-odds. 0.5 is 0.08 at a recall of 0.8, and 0.125 at
0.5, as labelled buildings show. Of towers no labels exist: 0.99 and 0.92 of those of two renderers are found: 1.9 apart. With earlier weights they
were 2.4 apart, so 1.2 about their middle, and that is kept: the real ones are a third sort. Of clearings no labels by size are known either."""

FALSE_SPREAD = 0.5
"""Squared coefficient of variation of the false-alarm density from place to place: trees, fields and sheds are not spread evenly."""

ONE_WAY = 0.7
"""Standard deviation of the logarithm of the factor between false alarms of both directions: in 95 of 100 grounds less than a factor of 4. On quiet
ground 7 and 1, 1 and 2, 2 and 2 were counted."""

DRAWN: dict[str, float] = {"structure": 0.2, "tower": 0.03, "landcover": 0.2}
"""Reports that an object which is found draws beside its own, on average: a house told in two parts, works around it. 46 beside 267 new houses that
were found, 9 beside 63 that a storm destroyed; fewer beside towers, which are points. A clearing in several
patches is taken as a house in several parts. It differs from place to place as much as it is large
(exponential)."""

SHARED_ERRORS = 0.5
"""Correlation of the errors of two pairs of scenes that show the same objects: what a tree hides, it hides from both."""

SAME_SPAN_DAYS = 92
"""Pairs whose dates lie no farther apart than a season, at both ends, see the same change, and are counted together."""

ALIKE_DAYS = 45
"""Two pairs of dates are alike in season where the days of the year that lie between their dates differ by no more than this: half a season."""

ABOUT_DAYS = 366
"""What *about* allows a date at either end."""

TRACED_WITH, TRACED_WITHOUT = (293, 343), (0, 156)
"""Scenes in which an enclosing line was traced, of so many into which one was drawn (rings of 3 to 50 km on real ground, 0.5 to 10 m), and of so
many without one."""

INFERRED_LIMIT = 0.50
"""Share of an enclosing line that may be inferred and not seen before its area and length decide nothing."""

_LINE = ("camp", "perimeter", "fence")
_GROUND = ("mine", "field")
_SEARCHES: dict[tuple[str, str], Kind] = {
    **{(metric, "tower"): "tower" for metric in ("count", "presence", "date", "layout")},
    **{(metric, "structure"): "structure" for metric in ("count", "presence", "date", "layout")},
    ("date", "camp"): "structure",
    **{(metric, subject): "perimeter" for metric in ("area", "length") for subject in _LINE},
    **{(metric, subject): "perimeter" for metric in ("presence", "date") for subject in ("perimeter", "fence")},
    **{(metric, subject): "landcover" for metric in ("presence", "landcover", "area", "date", "count") for subject in _GROUND},
}

GEOMETRY = ("distance", "position")
"""Metrics that the outline answers, without imagery."""


def search_of(reading: Reading) -> Kind | None:
    """Return which search answers a reading; None where no imagery does, or no search of this package."""
    return _SEARCHES.get((reading.metric, reading.subject))


def kind_of(reading: Reading) -> Kind | None:
    """Return which search of objects or of the enclosing line answers a reading: one for which pairs of fine scenes are planned."""
    kind = search_of(reading)
    return None if kind == "landcover" else kind


def resolution_classes(gsds: Sequence[float]) -> list[tuple[float, float]]:
    """Return (finest, coarsest) of each class of ground sample distances, finest class first."""
    classes: list[tuple[float, float]] = []
    for gsd in sorted(gsds):
        if classes and gsd <= RESOLUTION_CLASS * classes[-1][0] * (1 + 1e-9):
            classes[-1] = (classes[-1][0], gsd)
        else:
            classes.append((gsd, gsd))
    return classes


@dataclass(frozen=True, slots=True)
class Bounds:
    """A stated number in base units (objects, m, m², ratio).

    Attributes
    ----------
    low, high : float
        As said; ±inf where open.
    near_low, near_high : float
        What a measurement must fall into to support the claim. Not wider than `low`, `high` for a bound of a count without *about*.
    wide_low, wide_high : float
        What the interval must exclude to contradict the claim; always widened by the tolerance.
    """

    low: float
    high: float
    near_low: float
    near_high: float
    wide_low: float
    wide_high: float

    @property
    def includes_nothing(self) -> bool:
        """Whether the claim also fits where nothing happened."""
        return self.low <= 0 <= self.high

    @property
    def design(self) -> float:
        """The number at which power is computed: the least claimed one; for a claim that includes nothing the least that breaks it."""
        if not self.includes_nothing:
            return self.low if self.low > 0 else self.high
        return self.wide_high + 1 if math.isfinite(self.wide_high) else self.wide_low - 1


_SCALE = {"km": 1e3, "km2": 1e6}


def bounds_of(quantity: Quantity | None, metric: str) -> Bounds:
    """Return the bounds of a stated number.

    Without a number, or with "more than 0", it is *some*: at least one object, or more growth than two tracings differ by. An area or length, a
    single number and a number with *about* are stretched by the tolerance before they are compared; a bound of a count such as "over two dozen" is
    not, but it is contradicted only beyond the tolerance. Counts are stretched outward to whole objects, growth by its factor (+72 % is 1.72).
    """
    if quantity is None or (quantity.low == 0 and quantity.high is None):
        least = PLAIN_TOLERANCE if metric in ("area", "length") else 1.0
        return Bounds(least, math.inf, least, math.inf, least, math.inf)
    scale = _SCALE.get(quantity.unit, 1.0)
    low = -math.inf if quantity.low is None else quantity.low * scale
    high = math.inf if quantity.high is None else quantity.high * scale
    counted = metric == "count" and quantity.unit != "ratio"
    tolerance = COUNT_TOLERANCE if metric == "count" else ABOUT_TOLERANCE if quantity.about else PLAIN_TOLERANCE
    base = 1.0 if quantity.unit == "ratio" else 0.0

    def stretched() -> tuple[float, float]:
        down, up = low - tolerance * abs(base + low), high + tolerance * abs(base + high)
        return (_whole(down, math.floor), _whole(up, math.ceil)) if counted else (down, up)

    wide = stretched()
    near = wide if metric != "count" or quantity.about or low == high else (low, high)
    return Bounds(low, high, *near, *wide)


def _whole(value: float, rounding: Callable[[float], int]) -> float:
    """Round to a whole number, infinities kept; 17.000000001 is 17."""
    return value if math.isinf(value) else float(rounding(round(value, 9)))
