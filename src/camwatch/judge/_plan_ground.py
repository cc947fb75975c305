"""On what ground a reading's number would be measured, from the outlines, and which other numbers are told of the same thing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from camwatch.aoi import LONLAT, check, reproject
from camwatch.aoi.placement import overlap_share
from camwatch.claims._compare import overlap
from camwatch.claims.model import Interval
from camwatch.judge._plan_power import COMPACT, LEAST_BAND_M, Ground
from camwatch.judge.limits import Bounds, bounds_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from camwatch.aoi import Aoi, Outline
    from camwatch.claims.model import Claim, Reading

APART = 0.02
"""Growth factors that differ by less are one number, told twice."""


@dataclass(frozen=True, slots=True)
class Rival:
    """Another number that is told of the same change."""

    claim: str
    reading: str
    claimed: Bounds


def sizes_of(aoi: Aoi) -> dict[str, tuple[float, float]]:
    """Return area in m² and length in m of every outline."""
    measured = {(m.outline, m.what): m.measured for m in check(aoi)}
    return {o.id: (1e6 * measured[o.id, "area"], 1e3 * measured[o.id, "perimeter"]) for o in aoi.outlines}


def ground_of(reading: Reading, aoi: Aoi | None, sizes: Mapping[str, tuple[float, float]]) -> Ground:
    """Return area and line of what a reading speaks of, before and after its time; a compact square kilometre without an outline.

    `sizes` are those of :func:`sizes_of`.
    """
    growth = bounds_of(reading.quantity, reading.metric).design if reading.aspect == "growth" and reading.metric in ("area", "length") else 0.0
    growth = max(growth, -0.9)
    factor = 1 + growth if reading.metric == "area" else (1 + growth) ** 2
    if aoi is None:
        size = COMPACT
        return Ground((size.area_m2[1] / factor, size.area_m2[1]), (size.length_m[1] / factor**0.5, size.length_m[1]), known=False)
    part = next((o for o in aoi.outlines if o.id == reading.sub_area), None)
    if part is not None:
        area, length = sizes[part.id]
        accuracy = (_line(aoi, None) or aoi.camp).accuracy_m
        return Ground((area, area), (length, length), band_m=(_band(part, area, length),) * 2, accuracy_m=accuracy, held=_held(aoi, part))
    span = reading.interval
    later = _line(aoi, span.end + timedelta(1) if span and span.end else None) or aoi.camp
    earlier = _line(aoi, span.start - timedelta(1)) if span and span.start and reading.aspect != "state" else None
    area, length = sizes[later.id]
    band, held = _band(later, area, length), _held(aoi, aoi.camp)
    if earlier is not None and earlier.id != later.id:
        bands, accuracy = (_band(earlier, *sizes[earlier.id]), band), max(earlier.accuracy_m, later.accuracy_m)
        return Ground((sizes[earlier.id][0], area), (sizes[earlier.id][1], length), band_m=bands, accuracy_m=accuracy, held=held)
    # No outline of the time before: as much smaller as the claim says.
    before, bands = (area / factor, length / factor**0.5), (band / factor**0.5, band)
    return Ground((before[0], area), (before[1], length), band_m=bands, accuracy_m=later.accuracy_m, held=held)


def _held(aoi: Aoi, outline: Outline) -> float:
    """Return how much of the ground that is meant an outline is likely to hold: all, unless it is nominal."""
    return overlap_share(reproject(outline.geometry, LONLAT, aoi.utm()), outline.accuracy_m) if outline.nominal else 1.0


def _band(outline: Outline, area_m2: float, length_m: float) -> float:
    """Return half the width of the band in which an outline's line is searched for: as far as the outline may be off, in a small site less."""
    from camwatch.detect.perimeter import PerimeterParams

    inradius = 2 * area_m2 / length_m  # of a circle, and of any polygon around one
    return min(max(outline.accuracy_m, LEAST_BAND_M), PerimeterParams().band_share * inradius)


def _line(aoi: Aoi, day: date | None) -> Outline | None:
    """Return the enclosing line that stood on a day, the latest one without a day; None where no outline says so."""
    lines = sorted(
        (o for o in aoi.outlines if o.role == "perimeter" and not o.digitised), key=lambda o: (o.valid_from is not None, o.valid_from, o.id)
    )
    if day is not None:
        lines = [o for o in lines if (o.valid_from is None or o.valid_from <= day) and (o.valid_to is None or o.valid_to >= day)]
    return lines[-1] if lines else None


def rivals_of(claim: Claim, reading: Reading, claims: Sequence[Claim]) -> tuple[Rival, ...]:
    """Return the growth factors that are told of one measure at overlapping times and exclude this one, in the order of the claims."""
    if reading.aspect != "growth" or reading.quantity is None or reading.metric not in ("area", "length"):
        return ()
    own = bounds_of(reading.quantity, reading.metric)
    found: dict[float, Rival] = {}
    # A claim's own other readings first: which of them holds is what its reader asks.
    for other in (claim, *(c for c in claims if c.camp == claim.camp and c.observable and c is not claim)):
        for told in other.readings:
            same = (told.metric, told.aspect, told.sub_area) == (reading.metric, reading.aspect, reading.sub_area)
            if not same or told.quantity is None or not overlap(reading.interval, told.interval):
                continue
            bounds = bounds_of(told.quantity, told.metric)
            exclude = bounds.wide_low > own.near_high or bounds.wide_high < own.near_low
            if exclude and abs(bounds.design - own.design) >= APART * (1 + own.design):
                found.setdefault(round(bounds.design, 3), Rival(other.id, told.id, bounds))
    return tuple(found.values())


def era_of(claims: Sequence[Claim]) -> Interval | None:
    """Return the latest year that claims name: undated ones speak of that time; None where no claim names any."""
    days = [r.interval.end or r.interval.start for c in claims for r in c.readings if r.interval is not None]
    years = [day.year for day in days if day is not None]
    return Interval.model_validate({"start": max(years), "end": max(years)}) if years else None
