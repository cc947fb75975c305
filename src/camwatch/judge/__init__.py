"""The judge: claims, evidence, verdicts; and the plan of what could be tested, before a pixel is read."""

from typing import TYPE_CHECKING

from camwatch._late import late

if TYPE_CHECKING:
    from camwatch.judge._plan_unchanged import speaks_for, unchanged_pairs
    from camwatch.judge.counting import estimate_count
    from camwatch.judge.plan import PlannedPair, SceneInfo, Served, Testable, plan_pairs, testability
    from camwatch.judge.record import Estimate, Evidence, Outcome, ReadingVerdict, Verdict
    from camwatch.judge.verdicts import judge
else:
    __getattr__ = late(
        __name__,
        {
            "Estimate": "record",
            "Evidence": "record",
            "Outcome": "record",
            "PlannedPair": "plan",
            "ReadingVerdict": "record",
            "SceneInfo": "plan",
            "Served": "plan",
            "Testable": "plan",
            "Verdict": "record",
            "estimate_count": "counting",
            "judge": "verdicts",
            "plan_pairs": "plan",
            "speaks_for": "_plan_unchanged",
            "testability": "plan",
            "unchanged_pairs": "_plan_unchanged",
        },
    )

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
    "speaks_for",
    "testability",
    "unchanged_pairs",
]
