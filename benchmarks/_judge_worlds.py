"""Worlds in which the truth is known, as the records that searches of them would write: no pixels, and everything that a judge cannot know.

A world draws what is there, how well it is found, what is reported beside it, what part of the ground is seen, and a claim that is true, false, half
true (a change, of another size) or anything. Planted objects are found a little more or less often than real ones; objects draw other reports beside
their own; of the reports in control ground an unknown share is real change, for each direction another one; false alarms are more often of one
direction than of the other, and differ from place to place; several pairs share a part of their errors. `Flaws` makes worlds in which that is worse
than the judge takes it to be.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import Point, box

from camwatch.aoi import Aoi, Outline
from camwatch.claims.model import Claim, Interval, Quantity, Reading
from camwatch.findings import Finding, Findings, Growth, Ratio
from camwatch.judge import Evidence
from camwatch.judge.limits import DRAWN, FALSE_SPREAD, ONE_WAY, SHARED_ERRORS, TRANSFER
from camwatch.sensitivity import Sensitivity, Unchanged

if TYPE_CHECKING:
    from collections.abc import Callable

GRID = GeoBox((20, 20), Affine(50, 0, 560_000, 0, -50, 4_632_000), "EPSG:32652")
SCORE = np.zeros((20, 20), np.float32)
DATES = (datetime(2009, 12, 1, tzinfo=UTC), datetime(2011, 1, 15, tzinfo=UTC))
INTERVAL = Interval(start=date(2010, 1, 1), end=date(2010, 12, 31))
DOT = Point(560_500, 4_631_500).buffer(3)
PLANTED = 24


@dataclass(frozen=True, slots=True)
class Flaws:
    """What a world does beside the measurement model.

    Attributes
    ----------
    recall : float
        Added to the recall of real objects.
    false : float
        Factor of the false alarms in the ground that counts.
    false_share : float or None
        Share of the control ground's reports that is false; None = any, as the judge takes it.
    spread : float
        Squared coefficient of variation of false alarms from place to place.
    one_way : float
        Standard deviation of the logarithm of the factor between the false alarms of both directions; infinite: all are of what is counted.
    drawn : float
        Factor of the reports that an object which is found draws beside its own.
    transfer : float
        Factor of the standard deviation of the log-odds between planted and real recall.
    error : float
        Factor of a line's real error against the stated one.
    shared : float
        Correlation of the errors of several pairs.
    quieter : float
        Factor of the false alarms between dates without change.
    built : int
        Objects that came all the same between dates for which an analyst vouched.
    """

    recall: float = 0.0
    false: float = 1.0
    false_share: float | None = None
    spread: float = FALSE_SPREAD
    one_way: float = ONE_WAY
    drawn: float = 1.0
    transfer: float = 1.0
    error: float = 1.0
    shared: float = SHARED_ERRORS
    quieter: float = 1.0
    built: int = 0


NONE = Flaws()


@dataclass(frozen=True, slots=True)
class World:
    """A claim with what searches recorded, and the truth.

    Attributes
    ----------
    claim : Claim
    evidence : list of Evidence
    truth : float
        The number that the claim is about.
    seen : float
        The part of it on the ground that was seen: what the interval is about.
    aoi : Aoi or None
    happened : date or None
        For claims about a date.
    """

    claim: Claim
    evidence: list[Evidence]
    truth: float
    seen: float
    aoi: Aoi | None = None
    happened: date | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """How a search of objects works in one world.

    Its false reports per km² are `false` of something that appeared, `false_removed` of something removed; on average over places and dates `usual`.
    """

    sensitivity: Sensitivity
    recall: float
    drawn: float
    false: float
    false_removed: float
    km2: float
    usual: tuple[float, float]

    def reports(self, rng: np.random.Generator, found: int) -> int:
        """Return how many reports of something that appeared, or stands, there are where so many objects were found."""
        return found + int(rng.poisson(self.drawn * found + self.false * self.km2))

    def reports_removed(self, rng: np.random.Generator, found: int) -> int:
        """Return the same of something removed."""
        return found + int(rng.poisson(self.drawn * found + self.false_removed * self.km2))


def findings(
    kind: str,
    records: tuple[Finding, ...],
    km2: float,
    *,
    share: float = 1.0,
    growth: Growth | None = None,
    acquired: tuple[datetime, datetime] = DATES,
) -> Findings:
    """Return findings with these records."""
    ids = ("aoi", "EPSG:32652", "a", "b", acquired)
    return Findings(kind, "searched", "", records, *ids, share, km2, 0.5, SCORE, GRID, growth=growth, tells_standing=kind == "tower")


def records_of(kind: str, **counts: int) -> tuple[Finding, ...]:
    """Return so many records of each change."""
    return tuple(Finding(f"{change}-{i}", kind, change, DOT, 0.9, 28.0) for change, n in counts.items() for i in range(n))


def search_of(rng: np.random.Generator, flaws: Flaws, kind: str = "structure", *, km2: float | None = None) -> Search:
    """Draw a search: how often it finds planted and real objects, what it reports where nothing is, and what measuring it told."""
    planted = float(np.clip(rng.beta(4, 1), 1e-3, 1 - 1e-3))
    odds = np.log(planted / (1 - planted)) + flaws.transfer * TRANSFER[kind] * rng.standard_normal()
    recall = float(np.clip(1 / (1 + np.exp(-odds)) + flaws.recall, 0.0, 1.0))
    ground = rng.uniform(0.05, 1.0) if km2 is None else km2
    control = rng.uniform(0.3, 3.0)
    reported = rng.gamma(0.7, 6.0)  # per km² of control ground, of something that appeared
    share, share_removed = (rng.random(), rng.random()) if flaws.false_share is None else (flaws.false_share, flaws.false_share)
    factor = 0.0 if np.isinf(flaws.one_way) else float(np.exp(flaws.one_way * rng.standard_normal()))
    here = flaws.false * (rng.gamma(1 / flaws.spread, flaws.spread) if flaws.spread else 1.0)
    size = 5.0 if kind == "tower" else 16.0
    found, removed_found = (int(rng.binomial(PLANTED, planted)) for _ in range(2))
    standing = {"standing_found": (found,), "standing_false": int(rng.poisson(reported * control))} if kind == "tower" else {}
    false = reported * share
    came = int(rng.poisson(reported * control))
    # Real change is added to what is false, so that the stated share of the reports is false.
    went = int(rng.poisson(false * factor / max(share_removed, 0.02) * control)) if share_removed > 0 else int(rng.poisson(reported * control))
    more = {"removed_found": (removed_found,), "false_removed": went}
    sensitivity = Sensitivity(kind, (size,), (PLANTED,), (found,), came + went, control, "simulated", **standing, **more)
    usual = false, false * factor
    return Search(sensitivity, recall, float(rng.exponential(flaws.drawn * DRAWN[kind])), *(here * mean for mean in usual), ground, usual)


def with_quiet(rng: np.random.Generator, search: Search, flaws: Flaws) -> Search:
    """Return a search that one or two pairs of dates without change, vouched for or only close together, tell of too."""
    told = []
    for _ in range(int(rng.integers(1, 3))):
        vouched = bool(rng.random() < 0.5)
        counts = []
        for usual in search.usual:
            here = usual * flaws.quieter * search.km2 * (rng.gamma(1 / flaws.spread, flaws.spread) if flaws.spread else 1.0)
            # Of what is reported between dates that are only close together any share may be real change.
            counts.append(int(rng.poisson(here if vouched else here / max(rng.random(), 0.02))) + flaws.built * vouched)
        told.append(Unchanged("2010-05-01", "2010-06-01", vouched, *counts, search.km2))
    return replace(search, sensitivity=replace(search.sensitivity, unchanged=tuple(told)))


def stated(rng: np.random.Generator, truth: int) -> Quantity:
    """Return a number to claim: the truth, half as many, twice and more, none, or any; exact, at least, or about."""
    kind = rng.integers(5)
    low = (truth, truth // 2, 2 * truth + int(rng.integers(1, 6)), 0, int(truth * rng.uniform(0, 3)) + int(rng.integers(0, 3)))[kind]
    form = rng.integers(3)
    return Quantity(low=low, high=None if form == 0 else low + (int(rng.integers(0, 4)) if form == 1 else 0), about=form == 2)


def some(rng: np.random.Generator, most: int = 45) -> int:
    """Return a true number; none in a fifth of the worlds."""
    return int(rng.integers(1, most)) if rng.random() < 0.8 else 0


def claim(reading: Reading) -> Claim:
    """Return a claim of one reading."""
    return Claim(id="C", camp="aoi", quote="simulated", readings=(reading,))


def count_world(
    rng: np.random.Generator, flaws: Flaws = NONE, *, pairs: int = 1, partly: bool = False, aspect: str = "appeared", quiet: bool = False
) -> World:
    """Draw a count of objects that appeared (or stand at the later date), from one or several pairs that saw all of the ground or a part."""
    truth = some(rng)
    kind = "tower" if aspect == "state" else "structure"
    share = float(rng.uniform(0.3, 1.0)) if partly else 1.0
    seen = int(rng.binomial(truth, share))
    first = search_of(rng, flaws, kind)
    first = with_quiet(rng, first, flaws) if quiet else first
    easy = rng.random(seen)  # what hides an object from one pair often hides it from another
    evidence = []
    for number in range(pairs):
        search = first if number == 0 else search_again(rng, first, flaws)
        own = np.where(rng.random(seen) < np.sqrt(flaws.shared), easy, rng.random(seen)) if pairs > 1 else easy
        reports = search.reports(rng, int((own < search.recall).sum()))
        acquired = (DATES[0] - timedelta(10 * number), DATES[1] + timedelta(10 * number))
        other = {} if aspect == "state" else {"removed": search.reports_removed(rng, 0)}
        records = records_of(kind, **{"unchanged" if aspect == "state" else aspect: reports}, **other)
        held = findings(kind, records, search.km2, share=share, acquired=acquired)
        evidence.append(Evidence(f"pair{number}", acquired, 0.5, {kind: held}, {kind: search.sensitivity}))
    when = None if aspect == "state" else INTERVAL
    reading = Reading(text="…", metric="count", subject=kind, aspect=aspect, quantity=stated(rng, truth), interval=when)
    return World(claim(reading), evidence, truth, seen)


def search_again(rng: np.random.Generator, first: Search, flaws: Flaws) -> Search:
    """Draw another pair's search of the same objects: planted anew, with a recall that lies as far off as the first one's."""
    planted = int(rng.binomial(PLANTED, np.clip(first.recall - flaws.recall, 0.0, 1.0)))
    old = first.sensitivity
    went = int(rng.poisson(old.false_removed or 0))
    came = int(rng.poisson(old.false_alarms - (old.false_removed or 0)))
    return replace(first, sensitivity=replace(old, found=(planted,), false_alarms=came + went, false_removed=went))


def net_world(rng: np.random.Generator, flaws: Flaws = NONE) -> World:
    """Draw a balance: objects that appeared less those that were removed."""
    came, went = some(rng), some(rng, 20)
    search = search_of(rng, flaws)
    reports = search.reports(rng, int(rng.binomial(came, search.recall)))
    records = records_of("structure", appeared=reports, removed=search.reports_removed(rng, int(rng.binomial(went, search.recall))))
    evidence = Evidence("a__b", DATES, 0.5, {"structure": findings("structure", records, search.km2)}, {"structure": search.sensitivity})
    truth = came - went
    low = truth if rng.random() < 0.5 else truth + int(rng.integers(-30, 30))
    quantity = Quantity(low=low, high=low, about=bool(rng.random() < 0.5))
    reading = Reading(text="…", metric="count", subject="structure", aspect="net change", quantity=quantity, interval=INTERVAL)
    return World(claim(reading), [evidence], truth, truth)


def presence_world(rng: np.random.Generator, flaws: Flaws = NONE) -> World:
    """Draw a claim that something stands, where in half of the worlds nothing does."""
    truth = int(rng.geometric(0.3)) if rng.random() < 0.5 else 0
    search = search_of(rng, flaws, "tower", km2=float(rng.uniform(0.01, 0.2)))
    reports = search.reports(rng, int(rng.binomial(truth, search.recall)))
    evidence = Evidence(
        "a__b", DATES, 0.5, {"tower": findings("tower", records_of("tower", unchanged=reports), search.km2)}, {"tower": search.sensitivity}
    )
    reading = Reading(text="A guard tower stands there.", metric="presence", subject="tower")
    return World(claim(reading), [evidence], truth, truth)


def growth_world(rng: np.random.Generator, flaws: Flaws = NONE, *, pairs: int = 1) -> World:
    """Draw a growth of the enclosed area, from one or several pairs."""
    truth = float(rng.uniform(0, 1.5)) if rng.random() < 0.7 else 0.0
    shared, evidence = rng.standard_normal(), []
    for number in range(pairs):
        relative = float(rng.uniform(0.005, 0.12))
        own = np.sqrt(flaws.shared) * shared + np.sqrt(1 - flaws.shared) * rng.standard_normal() if pairs > 1 else shared
        value = (1 + truth) * np.exp(flaws.error * relative * own)
        ratio = Ratio(value - 1, value * np.exp(-1.96 * relative) - 1, value * np.exp(1.96 * relative) - 1)
        acquired = (DATES[0] - timedelta(10 * number), DATES[1] + timedelta(10 * number))
        lines = tuple(line(d, 1e6, 5e4) for d in acquired)
        held = findings("perimeter", lines, 1.0, growth=Growth(ratio, ratio), acquired=acquired)
        evidence.append(Evidence(f"pair{number}", acquired, 0.5, {"perimeter": held}))
    reading = Reading(text="…", metric="area", subject="perimeter", aspect="growth", quantity=of_size(rng, truth, "ratio"), interval=INTERVAL)
    return World(claim(reading), evidence, truth, truth)


def area_world(rng: np.random.Generator, flaws: Flaws = NONE) -> World:
    """Draw an enclosed area at a date."""
    truth = float(rng.uniform(0.2e6, 3e6))
    error = truth * float(rng.uniform(0.005, 0.15))
    lines = tuple(line(d, truth + flaws.error * error * rng.standard_normal(), error) for d in DATES)
    evidence = Evidence("a__b", DATES, 0.5, {"perimeter": findings("perimeter", lines, 1.0)})
    reading = Reading(text="…", metric="area", subject="camp", quantity=of_size(rng, truth, "m2"))
    return World(claim(reading), [evidence], truth, truth)


def of_size(rng: np.random.Generator, truth: float, unit: str) -> Quantity:
    """Return a size to claim: the truth, or one that is a tenth to twice off; exact, about, or at least."""
    low = truth if rng.random() < 0.4 else truth * float(rng.uniform(0.3, 2.0)) + (0.2 * float(rng.random()) if unit == "ratio" else 0.0)
    return Quantity(low=low, high=None if rng.random() < 0.3 else low, unit=unit, about=bool(rng.random() < 0.5))


def line(day: datetime, area_m2: float, error: float) -> Finding:
    """Return an enclosing line at a date."""
    measures = {"date": day.date().isoformat(), "area_m2": area_m2, "area_se_m2": error, "length_m": 4e3, "length_se_m": 40.0}
    return Finding(f"line-{day:%Y%m%d}", "perimeter", "unchanged", box(0, 0, 1, 1), 1.0, area_m2, measures)


def date_world(rng: np.random.Generator, flaws: Flaws = NONE) -> World:
    """Draw when the first towers of a place were built, scenes of several years, and a claimed year."""
    years = np.sort(rng.choice(np.arange(2001, 2021), int(rng.integers(3, 13)), replace=False))
    days = [datetime(int(y), int(rng.integers(1, 13)), 15, tzinfo=UTC) for y in years]
    happened = date(int(rng.integers(1998, 2023)), int(rng.integers(1, 13)), 1)
    truth, search = int(rng.integers(1, 20)), search_of(rng, flaws, "tower", km2=0.05)
    evidence = []
    for number, pair in enumerate(itertools.pairwise(days)):
        stood = [truth if d.date() >= happened else 0 for d in pair]
        both = int(rng.binomial(min(stood), search.recall)) if min(stood) else 0
        came = int(rng.binomial(stood[1] - stood[0], search.recall)) if stood[1] > stood[0] else 0
        records = records_of("tower", unchanged=both, appeared=search.reports(rng, came))
        held = findings("tower", records, search.km2, acquired=pair)
        evidence.append(Evidence(f"pair{number}", pair, 0.5, {"tower": held}, {"tower": search.sensitivity}))
    year = happened.year - int(rng.integers(0, 3)) if rng.random() < 0.5 else int(rng.integers(1998, 2023))
    reading = Reading(
        text="…",
        metric="date",
        subject="tower",
        aspect="appeared",
        quantity=Quantity(low=year, high=year + int(rng.integers(0, 6)), unit="year", about=bool(rng.random() < 0.3)),
    )
    return World(claim(reading), evidence, happened.year, happened.year, happened=happened)


def distance_world(rng: np.random.Generator, flaws: Flaws = NONE) -> World:
    """Draw the distance of a traced camp from a town, and a claimed one."""
    error = float(rng.uniform(10, 1500))
    metres = float(rng.uniform(2e3, 2e4))
    # A box whose western side lies so far east of the town, drawn with its error.
    drawn = max(metres + flaws.error * error * rng.standard_normal(), 100.0)
    lon, lat = 129.7, 42.0
    degree = 111_319.49 * np.cos(np.radians(lat)) * 1.00335
    west = lon + drawn / degree
    outline = Outline("camp", "the camp", "camp", box(west, lat - 0.01, west + 0.02, lat + 0.01), error, False, "s", "m")
    aoi = Aoi("camp", "Camp", (), (outline,), ({"to": "Testville", "lon": lon, "lat": lat, "km": 1.0, "from_outline": "camp"},))
    quantity = of_size(rng, metres / 1e3, "km")
    reading = Reading(text="The camp lies so far from Testville.", metric="distance", subject="camp", quantity=quantity)
    return World(claim(reading), [], metres, metres, aoi)


WORLDS: dict[str, Callable[[np.random.Generator, Flaws], World]] = {
    "counts of change, one pair": count_world,
    "counts of change, part of the ground seen": lambda rng, flaws: count_world(rng, flaws, partly=True),
    "counts of change, two or three pairs": lambda rng, flaws: count_world(rng, flaws, pairs=int(rng.integers(2, 4))),
    "counts of what stands": lambda rng, flaws: count_world(rng, flaws, aspect="state"),
    "balances of counts": net_world,
    "presence and absence": presence_world,
    "growth of an area, one pair": growth_world,
    "growth of an area, two or three pairs": lambda rng, flaws: growth_world(rng, flaws, pairs=int(rng.integers(2, 4))),
    "an area at a date": area_world,
    "dates": date_world,
    "distances": distance_world,
    "counts of change, dates without change": lambda rng, flaws: count_world(rng, flaws, quiet=True),
}
"""Worlds by what is claimed."""

WRONG: dict[str, tuple[str, Flaws]] = {
    "real recall 0.1 lower than planted": ("counts of change, one pair", Flaws(recall=-0.1)),
    "real recall 0.1 higher than planted": ("counts of change, one pair", Flaws(recall=0.1)),
    "twice the false alarms": ("counts of change, one pair", Flaws(false=2.0)),
    "all of the control's reports are false": ("counts of change, one pair", Flaws(false_share=1.0)),
    "none of the control's reports is false": ("counts of change, one pair", Flaws(false_share=0.0)),
    "false alarms in heaps (CV 2)": ("counts of change, one pair", Flaws(spread=4.0)),
    "planted objects as hard as real ones": ("counts of change, one pair", Flaws(transfer=0.0)),
    "false alarms differ twice as much one way": ("counts of change, one pair", Flaws(one_way=2 * ONE_WAY)),
    "all false alarms go one way": ("counts of change, one pair", Flaws(one_way=np.inf)),
    "objects draw no other reports": ("counts of change, one pair", Flaws(drawn=0.0)),
    "objects draw twice as many": ("counts of change, one pair", Flaws(drawn=2.0)),
    "recall differs twice as much": ("counts of change, one pair", Flaws(transfer=2.0)),
    "errors of pairs all shared": ("counts of change, two or three pairs", Flaws(shared=1.0)),
    "presence, twice the false alarms": ("presence and absence", Flaws(false=2.0)),
    "presence, real recall 0.1 lower": ("presence and absence", Flaws(recall=-0.1)),
    "lines half again as wrong as stated": ("growth of an area, one pair", Flaws(error=1.5)),
    "errors of lines all shared": ("growth of an area, two or three pairs", Flaws(shared=1.0)),
    "dates without change twice as quiet": ("counts of change, dates without change", Flaws(quieter=0.5)),
    "dates without change twice as noisy": ("counts of change, dates without change", Flaws(quieter=2.0)),
    "five objects came where an analyst vouched": ("counts of change, dates without change", Flaws(built=5)),
}
"""Worlds that the judge is not made for, by what is wrong: the worlds that they are made of, and the flaw."""
