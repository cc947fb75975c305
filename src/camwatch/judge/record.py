"""What the judge answers, and what it answers from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from camwatch.findings import Findings
    from camwatch.registration import Registration
    from camwatch.sensitivity.record import Sensitivity

Outcome = Literal["supported", "contradicted", "partly", "inconclusive", "not testable"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured value with its 95 % interval."""

    value: float
    low: float
    high: float
    unit: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that one pair of scenes says.

    Attributes
    ----------
    pair : str
        Identifier of the pair.
    acquired : (datetime, datetime)
    gsd_m : float
    findings : mapping of kind to Findings
    sensitivity : mapping of kind to Sensitivity
    refused : str
        Why registration was refused; empty where it was not.
    simulated : bool
    series : bool
        Whether it is many scenes, of which `acquired` tells the first and the last.
    registration : Registration or None
        How its later scene lies on its earlier one, on whose grid the findings are.
    """

    pair: str
    acquired: tuple[datetime, datetime]
    gsd_m: float
    findings: Mapping[str, Findings] = field(default_factory=dict)
    sensitivity: Mapping[str, Sensitivity] = field(default_factory=dict)
    refused: str = ""
    simulated: bool = False
    series: bool = False
    registration: Registration | None = None


@dataclass(frozen=True, slots=True)
class ReadingVerdict:
    """The answer to one reading of a claim.

    Attributes
    ----------
    reading : str
        Its id.
    outcome : str
    reason : str
        One sentence.
    measured : Estimate or None
    power : float or None
        Probability that, were the claim true, the data would have told it from nothing having happened.
    bayes_factor, bayes_factor_other : float or None
        How many times likelier the data are under the claim than if nothing had happened, and than under any other number; between 1e-6 and 1e6.
    evidence : tuple of str
        Pairs that gave the answer.
    """

    reading: str
    outcome: Outcome
    reason: str
    measured: Estimate | None = None
    power: float | None = None
    bayes_factor: float | None = None
    bayes_factor_other: float | None = None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a claim: the outcome over its readings, and one plain sentence of reason."""

    claim: str
    outcome: Outcome
    reason: str
    readings: tuple[ReadingVerdict, ...]
    simulated: bool = False
    nominal: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the record written to `verdicts.json`."""
        from dataclasses import asdict

        return {
            "claim": self.claim,
            "outcome": self.outcome,
            "reason": self.reason,
            "readings": [_rounded(asdict(r)) for r in self.readings],
            "simulated": self.simulated,
            "nominal_outline": self.nominal,
        }


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    return [_rounded(v) for v in value] if isinstance(value, (list, tuple)) else value
