"""The judge: claims, evidence, verdicts; and the plan of what could be tested, before a pixel is read."""

from camwatch.judge.counting import estimate_count
from camwatch.judge.plan import PlannedPair, SceneInfo, Served, Testable, plan_pairs, testability
from camwatch.judge.record import Estimate, Evidence, Outcome, ReadingVerdict, Verdict
from camwatch.judge.rules import judge

__all__ = [
    "Estimate",
    "Evidence",
    "Outcome",
    "PlannedPair",
    "ReadingVerdict",
    "SceneInfo",
    "Served",
    "Testable",
    "Verdict",
    "estimate_count",
    "judge",
    "plan_pairs",
    "testability",
]
