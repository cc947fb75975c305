"""The only place that knows the order: scenes → registration → search → judgement → report."""

from typing import TYPE_CHECKING

from camwatch._late import late

if TYPE_CHECKING:
    from camwatch.pipeline.again import verify_run
    from camwatch.pipeline.evidence import sensitivities
    from camwatch.pipeline.pair import Alignment, align
    from camwatch.pipeline.run import RunResult, run_camp
else:
    __getattr__ = late(
        __name__, {"Alignment": "pair", "RunResult": "run", "align": "pair", "run_camp": "run", "sensitivities": "evidence", "verify_run": "again"}
    )

__all__ = ["Alignment", "RunResult", "align", "run_camp", "sensitivities", "verify_run"]
