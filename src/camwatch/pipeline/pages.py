"""The pages of a run: one per pair that shows something, the most telling first, and the claims with their verdicts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from camwatch.custody import digest_of
from camwatch.judge import estimate_count
from camwatch.pipeline.evidence import PLANTED, detail_images
from camwatch.pipeline.processes import apart
from camwatch.pipeline.towerseries import withdrawn
from camwatch.report import camp_page, claims_page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from camwatch.aoi import Aoi
    from camwatch.claims import Claim
    from camwatch.config import RunConfig
    from camwatch.findings import Change, Finding, Findings
    from camwatch.judge import Estimate, Verdict
    from camwatch.pipeline.pairwork import PairWork
    from camwatch.pipeline.search import Progress
    from camwatch.sensitivity import Sensitivity

    Judged = Sequence[tuple[Claim, Verdict]]

FOLDER = "report"
CHANGES: tuple[Change, ...] = ("appeared", "removed")


def draw_pages(
    run: Path, aoi: Aoi, judged: Judged, works: Sequence[PairWork], config: RunConfig, *, workers: int = 1, progress: Progress
) -> list[Path]:
    """Draw every page of a run and return their paths.

    The pair that answers most readings stands on `<camp>.png`; the other pairs in which something could be searched follow as `<camp>-2.png`, ….
    Where no pair could be searched, the finest aligned one is drawn all the same: the page then says what it could not have shown.
    """
    ranked = _ranked(works, judged)
    simulated = any(w.evidence().simulated for w in works)
    folder, written = run / FOLDER, []
    names = [folder / (f"{aoi.id}.png" if number == 1 else f"{aoi.id}-{number}.png") for number in range(1, len(ranked) + 1)]
    # What later dates take back is no razing on the page of its pair either.
    towers = {e.pair: e.findings["tower"].records for e in withdrawn([w.evidence() for w in works]) if "tower" in e.findings}
    tasks = [(path, aoi, judged, work, config, towers.get(work.id)) for path, work in zip(names, ranked, strict=True)]
    for number, path in enumerate(apart(_page, tasks, workers), 1):
        progress("drawing the pages", number, len(ranked) + 1)
        written.append(path)
    written += claims_page(
        folder / "claims.png",
        aoi=aoi,
        verdicts=judged,
        generated=config.report_date.isoformat(),
        simulated=simulated,
        config_sha256=digest_of(config.model_dump(mode="json")),
    )
    return written


def _ranked(works: Sequence[PairWork], judged: Judged) -> list[PairWork]:
    def answered(work: PairWork) -> int:
        return sum(work.id in r.evidence and r.outcome != "not testable" for _, v in judged for r in v.readings)

    aligned = [w for w in works if not w.refused]
    shown = [w for w in aligned if any(f.status == "searched" for f in w.findings().values())] or aligned[:1]
    return sorted(shown, key=lambda w: (-answered(w), works.index(w)))


def _page(  # noqa: PLR0917 all plain
    path: Path, aoi: Aoi, judged: Judged, work: PairWork, config: RunConfig, towers: tuple[Finding, ...] | None
) -> Path:
    alignment, findings, sensitivity = work.alignment(), work.findings(), work.sensitivity()
    if towers is not None:
        findings["tower"] = replace(findings["tower"], records=towers)
    before, after = alignment.shown()
    page = camp_page(
        path,
        aoi=aoi,
        before=before,
        after=after,
        findings=findings,
        registration=alignment.registration,
        verdicts=judged,
        sources=work.sources(),
        generated=config.report_date.isoformat(),
        detail=detail_images(alignment, before, after, findings, aoi),
        estimates=_estimates(findings, sensitivity),
        sensitivity=sensitivity,
        config_sha256=digest_of(config.model_dump(mode="json")),
    )
    work.release()
    return page


def _estimates(findings: Mapping[str, Findings], sensitivity: Mapping[str, Sensitivity]) -> dict[tuple[str, str], Estimate]:
    counted = [(kind, f) for kind, f in findings.items() if kind in PLANTED]
    found = {(kind, change): estimate_count(f, sensitivity.get(kind), change) for kind, f in counted for change in CHANGES}
    return {key: value for key, value in found.items() if value is not None}
