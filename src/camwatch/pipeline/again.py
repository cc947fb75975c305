"""A finished run, from its folder: its pages drawn again, its hashes and verdicts computed again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from camwatch.aoi import load_aoi
from camwatch.config import RunConfig
from camwatch.custody import MANIFEST, canonical, read_json, verify, write_manifest
from camwatch.errors import CustodyError
from camwatch.judge import plan_pairs
from camwatch.pipeline.holdings import Holdings
from camwatch.pipeline.landseries import read_series
from camwatch.pipeline.pages import draw_pages
from camwatch.pipeline.pairwork import read_evidence
from camwatch.pipeline.records import named_apart, read_claims, read_places
from camwatch.pipeline.run import PAIRS, SERIES, judged, pages_of
from camwatch.pipeline.towerseries import withdrawn
from camwatch.pipeline.works import looked_at, works_of
from camwatch.scenes import item as scene
from camwatch.scenes import scan
from camwatch.scenes.hashes import files_behind, hash_files

if TYPE_CHECKING:
    from camwatch.custody import Verified
    from camwatch.judge import Evidence
    from camwatch.pipeline.search import Progress


def redraw(run: Path, *, progress: Progress) -> tuple[Path, ...]:
    """Draw the pages of a finished run again from its records and its scenes, and bring the manifest up to date.

    Raises
    ------
    MissingInputError, CoverageError
        When the run or its scenes are not at their place.
    """
    manifest = read_json(run / MANIFEST)
    config = RunConfig.model_validate(read_json(run / "config.json"))
    folder = Path(read_json(run / "scenes.json")["folder"])
    aoi, claims, places = load_aoi(run / "aoi.geojson"), read_claims(run / "claims.json"), read_places(run / "places.json")
    showing = tuple(i for i in scan(run / folder).distinct if scene.footprint(i).intersects(aoi.camp.geometry))
    held = Holdings(aoi, claims, places, named_apart(showing))
    hashes = hash_files(files_behind(held.scenes), progress=progress)
    works = works_of(run / PAIRS, held, plan_pairs(looked_at(held), claims), config, hashes)
    verdicts = judged(claims, _recorded(run), aoi, places)
    draw_pages(run, aoi, list(zip(claims, verdicts, strict=True)), works, config, progress=progress)
    write_manifest(
        run,
        inputs=manifest["inputs"],
        outputs=[run / name for name in manifest["outputs"]],
        configuration=manifest["configuration"],
        simulated=manifest["simulated"],
    )
    return pages_of(run)


def verify_run(run: Path) -> Verified:
    """Recompute every hash of a run, and every verdict from its records alone.

    Raises
    ------
    CustodyError
        Names the first file or verdict that does not agree.
    """
    agreed = verify(run)
    aoi, claims, places = load_aoi(run / "aoi.geojson"), read_claims(run / "claims.json"), read_places(run / "places.json")
    recorded = {v["claim"]: v for v in read_json(run / "verdicts.json")["verdicts"]}
    for verdict in judged(claims, _recorded(run), aoi, places):
        again = verdict.as_json()
        if canonical(again) != canonical(recorded.get(verdict.claim)):
            got = recorded.get(verdict.claim, {}).get("outcome", "no verdict")
            remedy = "run again with this version, or verify with the version that manifest.json names"
            raise CustodyError("the verdict does not follow from the records", where=verdict.claim, got=got, expected=again["outcome"], remedy=remedy)
    return agreed


def _recorded(run: Path) -> list[Evidence]:
    """Read back all that a finished run has to judge by."""
    pairwise = [read_evidence(path.parent) for path in sorted((run / PAIRS).glob("*/pair.json"))]
    return [*withdrawn(pairwise), *read_series(run / SERIES)]
