"""Pairs of dates without change: searched as every pair is, so that what is reported there tells the false alarms of the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from camwatch.errors import ConfigError
from camwatch.judge import speaks_for, unchanged_pairs
from camwatch.judge._plan_unchanged import apart_in_year
from camwatch.judge.limits import ALIKE_DAYS
from camwatch.pipeline.evidence import PLANTED
from camwatch.sensitivity import Unchanged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from camwatch.claims import Claim
    from camwatch.config import RunConfig
    from camwatch.findings import Findings
    from camwatch.judge import PlannedPair, SceneInfo
    from camwatch.pipeline.pair import Alignment
    from camwatch.pipeline.pairwork import PairWork
    from camwatch.sensitivity import Sensitivity

FOLDER = "unchanged"
"""Folder of a run in which such pairs lie; they are no evidence of any claim."""


@dataclass(frozen=True, slots=True)
class Without:
    """Which pairs of dates without change are searched, and which ones are left out, with the reason."""

    pairs: tuple[PlannedPair, ...]
    left_out: tuple[tuple[str, str], ...]


def without_change(scenes: Sequence[SceneInfo], claims: Sequence[Claim], planned: Sequence[PlannedPair], config: RunConfig) -> Without:
    """Return the pairs of dates without change that speak for a planned pair; a named one that speaks for none is told.

    Raises
    ------
    ConfigError
        As :func:`camwatch.judge.unchanged_pairs` does.
    """
    if not set(PLANTED) & set(config.kinds):
        return Without((), ())
    pairs = unchanged_pairs(scenes, claims, config.unchanged)
    used = tuple(p for p in pairs if any(speaks_for(p, other) for other in planned))
    why = "named as unchanged, but no pair of its resolution has dates that lie as far apart in the year"
    return Without(used, tuple((p.id, why) for p in pairs if p.vouched and p not in used))


def reported(pairs: Sequence[PlannedPair], works: Sequence[PairWork]) -> dict[PlannedPair, dict[str, Unchanged]]:
    """Return what was reported between the dates of each pair that was searched, by kind."""
    return {pair: of_findings(work.findings(), vouched=pair.vouched) for pair, work in zip(pairs, works, strict=True)}


def of_findings(findings: Mapping[str, Findings], *, vouched: bool) -> dict[str, Unchanged]:
    """Return what was reported between two dates without change, by kind; a kind that could not be searched is left out."""
    told: dict[str, Unchanged] = {}
    for kind in PLANTED:
        found = findings.get(kind)
        km2 = 0.0 if found is None else round(found.searched_km2, 6)
        if found is not None and found.status == "searched" and km2 > 0:
            before, after = (time.date().isoformat() for time in found.acquired)
            told[kind] = Unchanged(before, after, vouched, found.count("appeared"), found.count("removed"), km2)
    return told


def speaking_for(pair: PlannedPair, told: Mapping[PlannedPair, Mapping[str, Unchanged]]) -> dict[str, tuple[Unchanged, ...]]:
    """Return what pairs of dates without change tell of another pair, by kind."""
    speaking = [kinds for other, kinds in told.items() if speaks_for(other, pair)]
    return {kind: tuple(kinds[kind] for kinds in speaking if kind in kinds) for kind in PLANTED if any(kind in kinds for kinds in speaking)}


def with_unchanged(measured: Mapping[str, Sensitivity], told: Mapping[str, tuple[Unchanged, ...]]) -> dict[str, Sensitivity]:
    """Return the sensitivity of each kind with what dates without change tell of its false alarms."""
    return {kind: replace(one, unchanged=told.get(kind, ())) for kind, one in measured.items()}


def check_alike(unchanged: Alignment, pair: Alignment) -> None:
    """Raise ConfigError where the dates of a pair without change do not lie as far apart in the year as those of another pair."""
    first, second = (apart_in_year((one.acquired[0].date(), one.acquired[1].date())) for one in (unchanged, pair))
    if abs(first - second) > ALIKE_DAYS:
        got, wanted = f"{first:.0f} days of the year apart", f"{second:.0f} as those of the pair, to {ALIKE_DAYS}"
        remedy = "give dates that differ in season as those of the pair do"
        raise ConfigError("these dates have other false alarms", where="--unchanged", got=got, expected=wanted, remedy=remedy)
