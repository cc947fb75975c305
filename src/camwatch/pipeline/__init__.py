"""The only place that knows the order: scenes → registration → search → judgement → report."""

from camwatch.pipeline.evidence import sensitivities
from camwatch.pipeline.pair import Alignment, align
from camwatch.pipeline.run import RunResult, run_camp, verify_run
from camwatch.pipeline.search import search

__all__ = ["Alignment", "RunResult", "align", "run_camp", "search", "sensitivities", "verify_run"]
