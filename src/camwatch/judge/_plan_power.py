"""With what power imagery of a ground sample distance tests a number, before a pixel is read.

**Objects.** A search finds an object that is n pixels long with the probability p = p₀ / (1 + (n₀/n)ᵏ), and reports so many false ones per km² (of a
line: per km). With these, the power is the judge's own (:func:`camwatch.judge.counts.power`): binomial detections among Poisson false alarms. The
figures are planning figures, from labelled pairs (buildings) and towers rendered into real pairs; in a run they are measured in the very pair.

**Lines.** The random part of the error of an enclosed area is that of the search for the line: σ(A) = σ·√(ℓL), with σ from pixel, registration and
definition. A pixel hides more than that: where along its width the line runs is not seen, and mixed pixels go to the brighter side all along, so
that a whole line may lie out or in by up to a pixel. That part, b = g/√3 for a uniform ±g, keeps its sign: σ²(A) = σ²·ℓL + (b·L)², and for the
length 2π·b, the change of a closed line that moves outward. Dates are independent: they are of different sensors and seasons more often than not.
Lines that are searched for at both dates share most of the error of what is taken for the line, as the search itself says
(docs/perimeter.md): it counts in an area and mostly cancels in what changed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy.stats import norm

from camwatch.judge.counts import Detector, grid_end, posterior, power
from camwatch.judge.limits import DRAWN, LEVEL, OBJECT_SIZE_M, TRANSFER

if TYPE_CHECKING:
    from camwatch.detect.perimeter import PerimeterParams
    from camwatch.findings import Kind
    from camwatch.judge.limits import Bounds

Z = float(norm.ppf((1 + LEVEL) / 2))
PLANTED = 24
"""Objects that a run plants per size unless told otherwise: no power is told that they could not prove."""
CONTROL_KM2 = 3.0
"""Ground beside a camp in which a run looks for false alarms, of the order of what a delivered scene holds."""
LEAST_BAND_M = 15.0
"""Half width of the band around an exact outline in which its line is searched for."""
SEARCHED_PX, SEARCHED_BAND, SEARCHED_LENGTH = 0.7, 0.008, (0.005, 3e-5)
"""Error of a line that is searched for, beside what both dates share: so much of a pixel and of the half width of the band across the whole line, and
of its length so much and so much more for every metre of the half width, for what is bridged. Fitted to the errors that the search states of rendered
rings in real pairs: at 1, 2.5 and 5 m, of 3 and 12 km, around outlines that are good to 20 and to 100 m."""
STRIP_M = 8.0
"""Widest cleared strip along an enclosing line; in pixels wider than this the line itself is not drawn by hand either."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Probability of detection by size in pixels, and false alarms.

    Attributes
    ----------
    best : float
        Where objects are large.
    half_px : float
        Length in pixels at which half of that is found.
    steepness : float
    false_per_km2, false_per_km : float
        False reports of one kind of change, per km² of ground or per km of line.
    """

    best: float
    half_px: float
    steepness: float
    false_per_km2: float = 0.0
    false_per_km: float = 0.0

    def probability(self, size_px: float) -> float:
        """Return the probability that an object of so many pixels is found."""
        return self.best / (1 + float((self.half_px / size_px) ** self.steepness))


CURVES: dict[Kind, Curve] = {
    # 0.87, 0.83, 0.66, 0.17 of the new buildings of four labelled tiles at 0.5, 1.0, 1.5 and 2.5 m; 1.2 reports per km² of quiet ground.
    "structure": Curve(0.88, 9.2, 5.4, false_per_km2=1.2),
    # The middle of two renderers' towers of 3 to 8 m along lines of real pairs: 0.95, 0.90 and 0.75 at 0.5, 0.7 and 1 m; 0.3 false ones per km of
    # line (docs/towers.md).
    "tower": Curve(0.965, 3.8, 4.5, false_per_km=0.3),
}


@dataclass(frozen=True, slots=True)
class Ground:
    """What a number is counted or measured on: area and length of line in m² and m, before and after; equal where they did not change.

    `known` tells whether an outline says so; where none does, nothing is foreseen of false alarms. `band_m` is how far to either side of the outlines
    the line would be searched for, in m; `accuracy_m` is the standard error of the worse one, `held` how much of the site an outline that is only
    nominal is likely to hold.
    """

    area_m2: tuple[float, float]
    length_m: tuple[float, float]
    known: bool = True
    band_m: tuple[float, float] = (LEAST_BAND_M, LEAST_BAND_M)
    accuracy_m: float = 0.0
    held: float = 1.0


PLACED_M = 30.0
"""Accuracy of an outline beyond which the band along it holds too little of the line: towers are found along one that is traced or drawn."""

COMPACT = Ground((1e6, 1e6), (4000.0, 4000.0), known=False)
"""A compact site of 1 km², where no outline is at hand."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What imagery can be expected to answer.

    Attributes
    ----------
    power : float
        Probability that, were the claim true, it would be told from nothing having happened.
    low, high : float
        95 % interval of what would be measured, were the claim true, in base units.
    se : float or None
        Standard error, of areas, lengths and growth.
    mass : float or None
        Probability that the measurement would give the claimed number, stretched as the judge does; None for a number that is open to one side.
    """

    power: float
    low: float
    high: float
    se: float | None = None
    mass: float | None = None


def foresee_count(kind: Kind, claimed: Bounds, gsd_m: float, ground: Ground) -> Foreseen:
    """Return what a search for objects would answer at a ground sample distance."""
    detector = _detector(kind, gsd_m, ground)
    design = max(round(abs(claimed.design)), 1)
    reports = round(detector.probability * design + detector.false_rate[0])
    number = posterior(reports, detector, grid_end(reports, detector, design))
    mass = number.within(claimed.near_low, claimed.near_high) if _closed(claimed) else None
    return Foreseen(power(design, detector), *number.interval(), mass=mass)


def found_share(kind: Kind, gsd_m: float) -> float:
    """Return which share of objects of the usual size would be found."""
    return CURVES[kind].probability(OBJECT_SIZE_M[kind] / gsd_m)


def _detector(kind: Kind, gsd_m: float, ground: Ground) -> Detector:
    """Return the search that a run would find: so many planted, so many found, so many false alarms in its control ground."""
    curve, found = CURVES[kind], PLANTED * found_share(kind, gsd_m)
    area = max(ground.area_m2) / 1e6
    # False alarms beside a line are counted as those of the ground around it: a control as long as the line, or what a scene holds.
    density = curve.false_per_km2 + curve.false_per_km * max(ground.length_m) / 1e3 / area
    ways = round(density * CONTROL_KM2 / 2)  # as many of something that appeared as of something removed
    return Detector(PLANTED, found, ways, CONTROL_KM2, area, ways, drawn=DRAWN[kind], transfer=TRANSFER[kind])


def _params() -> PerimeterParams:
    from camwatch.detect.perimeter import PerimeterParams

    return PerimeterParams()


def lateral_error(gsd_m: float, band_m: float | None = None) -> tuple[float, float, float]:
    """Return (random error across a line in m, the length over which it keeps its sign in m, shared error across the whole line in m).

    The line is drawn by hand, or searched for in a band of the half width `band_m`.
    """
    params = _params()
    random = math.sqrt(gsd_m**2 / 12 + (params.registration_px * gsd_m) ** 2 + params.definition_m**2)
    shared = gsd_m / math.sqrt(3) if band_m is None else math.hypot(SEARCHED_PX * gsd_m, SEARCHED_BAND * band_m)
    return random, params.correlation_m, shared


def area_error(gsd_m: float, length_m: float, band_m: float | None = None) -> float:
    """Return the standard error in m² of the area inside a line, without what two searched lines share; see :func:`lateral_error`."""
    random, correlation, shared = lateral_error(gsd_m, band_m)
    return math.hypot(random * math.sqrt(correlation * length_m), shared * length_m)


def length_error(gsd_m: float, length_m: float, band_m: float | None = None) -> float:
    """Return the standard error in m of a line's length: its course turned by the random error of each stretch, and shifted as a whole."""
    random, correlation, shared = lateral_error(gsd_m, band_m)
    bridged = 0.0 if band_m is None else (SEARCHED_LENGTH[0] + SEARCHED_LENGTH[1] * band_m) * length_m
    return math.hypot(random * math.sqrt(length_m / correlation), math.tau * shared, bridged)


def foresee_extent(metric: str, claimed: Bounds, gsd_m: float, ground: Ground, *, change: bool, relative: bool, by_hand: bool) -> Foreseen:
    """Return what the line would answer at a ground sample distance, drawn or searched for: an area, a length, its difference, or its growth."""
    sizes = ground.area_m2 if metric == "area" else ground.length_m
    error = area_error if metric == "area" else length_error
    errors = [error(gsd_m, length, None if by_hand else band) for length, band in zip(ground.length_m, ground.band_m, strict=True)]
    common = (0.0, 0.0) if by_hand or metric == "length" else _common(ground)
    said = claimed.design
    if relative or change:
        scale = sizes if relative else (1.0, 1.0)
        (first, second), (part, other) = ([each / size for each, size in zip(pair, scale, strict=True)] for pair in (errors, common))
        shared = _params().definition_shared
        se = math.sqrt(first**2 + second**2 + part**2 + other**2 - 2 * shared * part * other) * ((1 + said) if relative else 1.0)
    else:
        se = math.hypot(errors[1], common[1])
    mass = float(norm.cdf((claimed.near_high - said) / se) - norm.cdf((claimed.near_low - said) / se)) if _closed(claimed) else None
    return Foreseen(float(norm.cdf(abs(said) / se - Z)), said - Z * se, said + Z * se, se, mass)


def _common(ground: Ground) -> tuple[float, float]:
    """Return the error in m² of each date's area that comes of what is taken for the line, mostly alike where both dates are searched."""
    definition = _params().definition_m
    return definition * ground.length_m[0], definition * ground.length_m[1]


def _closed(claimed: Bounds) -> bool:
    return math.isfinite(claimed.near_low) and math.isfinite(claimed.near_high)


def separation(a: Bounds, b: Bounds, se: float) -> float:
    """Return the probability that the interval of a measurement excludes `b` where `a` is true, or `a` where `b` is; the lesser of the two."""

    def excluded(said: Bounds, other: Bounds) -> float:
        away = max(other.wide_low - said.design, said.design - other.wide_high)
        return float(norm.cdf(away / se - Z)) if away > 0 else 0.0

    return min(excluded(a, b), excluded(b, a))
