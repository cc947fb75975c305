"""How well a pair would have shown what it is searched for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Unchanged:
    """What the same search reports in the ground that counts, between two dates that are taken to show no change.

    Attributes
    ----------
    before, after : str
        Days, YYYY-MM-DD.
    vouched : bool
        Whether an analyst says that nothing changed: then every report is false. Otherwise the dates only lie close together, and an unknown share
        of the reports is real change, as in control ground.
    appeared, removed : int
        Reports of either direction.
    km2 : float
        Ground that was searched.
    """

    before: str
    after: str
    vouched: bool
    appeared: int
    removed: int
    km2: float


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Planted objects that the detector found again, by size, and what it reports where nothing is.

    Attributes
    ----------
    kind : {"structure", "tower"}
    sizes_m : tuple of float
        Long side of the planted footprints in metres, rising.
    planted, found : tuple of int
        Objects planted into the later image, and those reported as appeared, by size.
    false_alarms : int
        Reports of a change in control ground.
    control_km2 : float
        Area of that ground.
    control : str
        What the control ground is, in words.
    standing_found : tuple of int
        Of the planted objects, those that the detector reported as standing at the later date, whatever change it saw; empty where the detector
        reports changes only.
    standing_false : int or None
        Reports in control ground of objects that stand at the later date; None where the detector reports changes only.
    removed_found : tuple of int
        Of as many objects at the same places in the earlier image alone, those reported as removed; empty where none was planted there.
    false_removed : int or None
        Reports among `false_alarms` of something removed, the others being of something that appeared; None where they were not told apart.
    unchanged : tuple of Unchanged
        Pairs of dates without change, alike in season and resolution.
    """

    kind: str
    sizes_m: tuple[float, ...]
    planted: tuple[int, ...]
    found: tuple[int, ...]
    false_alarms: int
    control_km2: float
    control: str
    standing_found: tuple[int, ...] = ()
    standing_false: int | None = None
    removed_found: tuple[int, ...] = ()
    false_removed: int | None = None
    unchanged: tuple[Unchanged, ...] = ()

    def probability(self, index: int, *, removed: bool = False) -> tuple[float, float, float]:
        """Return the probability of detection of a size and its 95 % interval (Jeffreys, Beta(½, ½) prior; doi:10.1214/ss/1009213286)."""
        hits = (self.removed_found if removed else self.found)[index]
        misses = self.planted[index] - hits
        from scipy.stats import beta  # takes half a second, which a search does without

        posterior = beta(hits + 0.5, misses + 0.5)
        return float(posterior.mean()), float(posterior.ppf(0.025)), float(posterior.ppf(0.975))

    @property
    def blind_below_m(self) -> float | None:
        """The smallest size from which on at least half of the objects are found; None where no size is."""
        for index, size in enumerate(self.sizes_m):
            if all(2 * f >= p > 0 for f, p in zip(self.found[index:], self.planted[index:], strict=True)):
                return size
        return None

    @property
    def false_alarms_per_km2(self) -> float | None:
        """False-alarm density of control ground and of dates without change together, an upper bound; None without either."""
        reports, km2 = self.false_alarms + sum(u.appeared + u.removed for u in self.unchanged), self.control_km2 + sum(u.km2 for u in self.unchanged)
        return reports / km2 if km2 > 0 else None

    def as_json(self) -> dict[str, Any]:
        """Return the record written to `sensitivity.json`."""
        curve: list[dict[str, Any]] = []
        for i, (size, planted, found) in enumerate(zip(self.sizes_m, self.planted, self.found, strict=True)):
            probability, low, high = (round(v, 4) for v in self.probability(i))
            curve.append({"size_m": size, "planted": planted, "found": found, "probability": probability, "low": low, "high": high})
            if self.removed_found:
                told = (round(v, 4) for v in self.probability(i, removed=True))
                curve[-1]["removed"] = {"found": self.removed_found[i], **dict(zip(("probability", "low", "high"), told, strict=True))}
        density = self.false_alarms_per_km2
        return {
            "kind": self.kind,
            "curve": curve,
            "blind_below_m": self.blind_below_m,
            "false_alarms": self.false_alarms,
            "control_km2": round(self.control_km2, 4),
            "control": self.control,
            "false_alarms_per_km2": None if density is None else round(density, 3),
            **({"standing_found": list(self.standing_found), "standing_false": self.standing_false} if self.standing_found else {}),
            **({} if self.false_removed is None else {"false_removed": self.false_removed}),
            **({"unchanged": [asdict(u) for u in self.unchanged]} if self.unchanged else {}),
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Sensitivity:
        """Return the sensitivity that :meth:`as_json` wrote."""
        curve = record["curve"]
        return cls(
            kind=record["kind"],
            sizes_m=tuple(p["size_m"] for p in curve),
            planted=tuple(p["planted"] for p in curve),
            found=tuple(p["found"] for p in curve),
            false_alarms=record["false_alarms"],
            control_km2=record["control_km2"],
            control=record["control"],
            standing_found=tuple(record.get("standing_found", ())),
            standing_false=record.get("standing_false"),
            removed_found=tuple(p["removed"]["found"] for p in curve if "removed" in p),
            false_removed=record.get("false_removed"),
            unchanged=tuple(Unchanged(**u) for u in record.get("unchanged", ())),
        )
