"""A run: every scene of a camp, every pair that its claims ask for, every verdict, the pages and the manifest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from camwatch.aoi import load_aoi
from camwatch.config import RunConfig
from camwatch.custody import MANIFEST, canonical, digest_of, portable, read_json, verify, write_json, write_manifest
from camwatch.errors import CamwatchError, CoverageError, CustodyError, PairError
from camwatch.imagery import clear_share
from camwatch.judge import judge, plan_pairs, testability
from camwatch.pipeline.holdings import Holdings, gather
from camwatch.pipeline.landseries import LEAST_SCENES, WRITTEN, read_series, series_of, write_series
from camwatch.pipeline.pages import FOLDER, draw_pages
from camwatch.pipeline.pairwork import PairWork, read_evidence
from camwatch.pipeline.processes import apart
from camwatch.pipeline.records import (
    aoi_document,
    claims_document,
    folder_name,
    named_apart,
    places_document,
    read_claims,
    read_places,
    scene_info,
    scene_row,
)
from camwatch.pipeline.search import unheard
from camwatch.pipeline.steps import Journal
from camwatch.pipeline.towerseries import towers_document, withdrawn
from camwatch.scenes import item as scene
from camwatch.scenes import scan
from camwatch.scenes.hashes import files_behind, hash_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pystac

    from camwatch.aoi import Aoi
    from camwatch.claims import Claim, Place
    from camwatch.custody import Verified
    from camwatch.judge import Evidence, PlannedPair, Testable, Verdict
    from camwatch.pipeline.search import Progress


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run answered.

    Attributes
    ----------
    name : str
        Of the camp.
    run : Path
    pairs : tuple of str
    verdicts : tuple of Verdict
    pages : tuple of Path
    left_out : tuple of (path or scene, reason)
        What cannot be read, and what shows an acquisition that a better product shows.
    done, kept : tuple of str
        Steps that were done now, and steps that were found done.
    simulated : bool
    """

    name: str
    run: Path
    pairs: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    pages: tuple[Path, ...]
    left_out: tuple[tuple[str, str], ...]
    done: tuple[str, ...]
    kept: tuple[str, ...]
    simulated: bool

    @property
    def untestable(self) -> bool:
        """Whether a claim could not be tested."""
        return any(v.outcome == "not testable" for v in self.verdicts)

    def as_json(self) -> dict[str, Any]:
        """Return the document that `--json` prints."""
        return {
            "camp": self.name,
            "run": str(self.run),
            "pairs": list(self.pairs),
            "verdicts": [v.as_json() for v in self.verdicts],
            "pages": [str(p) for p in self.pages],
            "left_out": [list(u) for u in self.left_out],
            "done": list(self.done),
            "kept": list(self.kept),
            "simulated": self.simulated,
        }


def plan_camp(camp: str, scenes: Path, *, claims: Path | None, aoi_file: str | None) -> tuple[Testable, ...]:
    """Say of every reading of every claim whether the scenes at hand can test it, before a pixel is read."""
    held = gather(camp, scenes, claims=claims, aoi_file=aoi_file)
    return testability(held.claims, [scene_info(i) for i in held.scenes], aoi=held.aoi, places=held.places)


def run_camp(
    camp: str,
    scenes: Path,
    run: Path,
    config: RunConfig,
    *,
    claims: Path | None = None,
    aoi_file: str | None = None,
    workers: int = 1,
    progress: Progress = unheard,
) -> RunResult:
    """Do everything for one camp, or what is left of it.

    Parameters
    ----------
    camp : str
        Bundled id, or an outline file.
    scenes : Path
        Folder with downloaded products; only read.
    run : Path
        Folder of the run; one that was begun is continued.
    config : RunConfig
    claims : Path or None
        A ledger of one's own; None = the bundled claims of the camp.
    aoi_file : str or None
        An outline that replaces that of `camp`.
    workers : int
        Pairs of scenes worked on at a time, each in a process of its own; the answer is the same for any number.
    progress : callable (what, done, total)

    Raises
    ------
    CamwatchError
        One line: what, where, got, expected, what to do. Nothing half-written is left.
    """
    progress("looking at the scenes", 0, 1)
    held = gather(camp, scenes, claims=claims, aoi_file=aoi_file)
    planned = _planned(held)
    if not planned:
        days = ", ".join(sorted({f"{scene.acquired(i):%Y-%m-%d}" for i in held.scenes}))
        wanted = "two dates of similar resolution"
        raise PairError("no two scenes make a before and an after", where=scenes, got=days, expected=wanted, remedy="add a scene")
    hashes = hash_files(files_behind(held.scenes), progress=progress)
    config = _continued(run, config)
    journal = Journal(run)
    written = _documents(run, held, config, scenes)
    works = _works(run, held, planned, config, hashes)
    progress("pairs of scenes", 0, len(works))
    keys = _do_all(works, journal, workers, progress)
    followed = _series(journal, held, config, hashes, progress)
    keys += followed
    if all(work.refused and not work.findings() for work in works):
        raise CoverageError("no pair of scenes can be used", where=scenes, got=works[0].refused, remedy="add clearer scenes")
    pairwise = [work.evidence() for work in works]
    if "tower" in config.kinds:
        keys.append(journal.step("towers", [keys], lambda: [write_json(run / TOWERS, towers_document(pairwise))]))
    evidence = [*withdrawn(pairwise), *(read_series(run / SERIES) if followed else ())]
    verdicts = _judged(held.claims, evidence, held.aoi, held.places)
    keys.append(journal.step("verdicts", [keys, written], lambda: [_write_verdicts(run, held.aoi, verdicts)]))
    pairs = list(zip(held.claims, verdicts, strict=True))
    journal.step("pages", [keys], lambda: draw_pages(run, held.aoi, pairs, works, config, workers=workers, progress=progress))
    journal.forget_others()
    simulated = any(scene.is_simulated(i) for i in held.scenes)
    named = {portable(path, run): value for path, value in hashes.items()}
    outputs = [*journal.outputs, *(run / name for name in DOCUMENTS)]
    write_manifest(run, inputs=named, outputs=outputs, configuration=config.model_dump(mode="json"), simulated=simulated)
    return RunResult(
        name=held.aoi.name,
        run=run,
        pairs=tuple(w.id for w in works),
        verdicts=verdicts,
        pages=_pages(run),
        left_out=held.left_out,
        done=tuple(journal.done),
        kept=tuple(journal.kept),
        simulated=simulated,
    )


def _series(journal: Journal, held: Holdings, config: RunConfig, hashes: dict[Path, str], progress: Progress) -> list[str]:
    """Follow land cover through the scenes that make a series; return the key of the step, none where there is no series."""
    items = series_of(held.scenes) if "landcover" in config.kinds else ()
    if len(items) < LEAST_SCENES:
        return []
    inputs = [hashes[path] for item in items for path in scene.files_of(item)]
    folder = journal.run / SERIES

    def work() -> list[Path]:
        try:
            write_series(folder, items, held.aoi, config, hashes=hashes, progress=progress)
        except (CoverageError, PairError) as error:  # a series that fails must not end the run; its pairs stand for themselves
            return [write_json(folder / "series.json", {"refused": str(error), "scenes": [item.id for item in items]})]
        return [folder / name for name in WRITTEN]

    return [journal.step("series", [inputs, aoi_document(held.aoi), config.model_dump(mode="json")], work)]


def _do_all(works: Sequence[PairWork], journal: Journal, workers: int, progress: Progress) -> list[str]:
    """Do every pair, `workers` at a time, and return their keys in the order of the pairs, whoever was done first."""
    if min(workers, len(works)) <= 1:
        return [work.do(journal, progress) for work in works]
    keys = []
    for number, (key, steps) in enumerate(apart(_do_one, [(journal.run, replace(w, threads=1)) for w in works], workers), 1):
        keys.append(key)
        journal.add(steps)
        progress("pairs of scenes", number, len(works))
    return keys


def _do_one(run: Path, work: PairWork) -> tuple[str, Journal]:
    journal = Journal(run)
    return work.do(journal, unheard), journal


SERIES = "series"
"""Folder in which land cover over many dates is told."""

TOWERS = "towers.json"
"""What all pairs together say of each tower."""

DOCUMENTS = ("config.json", "aoi.geojson", "claims.json", "places.json", "scenes.json")
"""What a run writes of what it was given, so that its verdicts can be recomputed from the folder alone."""


def _documents(run: Path, held: Holdings, config: RunConfig, scenes: Path) -> str:
    """Write what the run was given, and return one hash of it."""
    catalogue = {
        "folder": portable(scenes, run),
        "scenes": [scene_row(i) for i in held.scenes],
        "left_out": [{"path": p, "reason": r} for p, r in held.left_out],
        "simulated": any(scene.is_simulated(i) for i in held.scenes),
    }
    stated = claims_document(held.claims), places_document(held.places)
    documents = (config.model_dump(mode="json"), aoi_document(held.aoi), *stated, catalogue)
    for name, document in zip(DOCUMENTS, documents, strict=True):
        write_json(run / name, document)
    return digest_of(documents[:-1])


def _planned(held: Holdings) -> tuple[PlannedPair, ...]:
    """Return the pairs that the claims ask for, finest first; a scene that shows little of the AOI makes way for a clearer one."""
    return plan_pairs([replace(scene_info(i), clear_share=_clear_share(i, held.aoi)) for i in held.scenes], held.claims)


def _clear_share(item: pystac.Item, aoi: Aoi) -> float | None:
    try:
        return clear_share(item, aoi.camp.geometry)[1]
    except CamwatchError:  # what is damaged is said by the pair that needs it
        return None


def _works(run: Path, held: Holdings, planned: Sequence[PlannedPair], config: RunConfig, hashes: dict[Path, str]) -> list[PairWork]:
    """Return the work that each pair is."""
    items = {i.id: i for i in held.scenes}
    works = []
    for pair in planned:
        before, after = items[pair.before], items[pair.after]
        works.append(PairWork(pair.id, before, after, held.aoi, config, run / "pairs" / folder_name(pair.id), hashes))
    return works


def _judged(claims: Sequence[Claim], evidence: Sequence[Evidence], aoi: Aoi, places: Sequence[Place]) -> tuple[Verdict, ...]:
    return tuple(judge(claim, evidence, aoi=aoi, places=places) for claim in claims)


def _recorded(run: Path) -> list[Evidence]:
    """Read back all that a finished run has to judge by."""
    pairwise = [read_evidence(path.parent) for path in sorted((run / "pairs").glob("*/pair.json"))]
    return [*withdrawn(pairwise), *read_series(run / SERIES)]


def _write_verdicts(run: Path, aoi: Aoi, verdicts: Sequence[Verdict]) -> Path:
    document = {"camp": aoi.id, "simulated": any(v.simulated for v in verdicts), "verdicts": [v.as_json() for v in verdicts]}
    return write_json(run / "verdicts.json", document)


def _pages(run: Path) -> tuple[Path, ...]:
    return tuple(sorted((run / FOLDER).glob("*.png")))


def _continued(run: Path, config: RunConfig) -> RunConfig:
    """Keep the report date of a run that was begun with otherwise the same configuration: going on a day later must not change its pages."""
    path = run / DOCUMENTS[0]
    if not path.exists():
        return config
    stored = RunConfig.model_validate(read_json(path))
    return stored if stored.model_copy(update={"report_date": config.report_date}) == config else config


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
    works = _works(run, held, _planned(held), config, hashes)
    verdicts = _judged(claims, _recorded(run), aoi, places)
    draw_pages(run, aoi, list(zip(claims, verdicts, strict=True)), works, config, progress=progress)
    write_manifest(
        run,
        inputs=manifest["inputs"],
        outputs=[run / name for name in manifest["outputs"]],
        configuration=manifest["configuration"],
        simulated=manifest["simulated"],
    )
    return _pages(run)


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
    for verdict in _judged(claims, _recorded(run), aoi, places):
        again = verdict.as_json()
        if canonical(again) != canonical(recorded.get(verdict.claim)):
            got = recorded.get(verdict.claim, {}).get("outcome", "no verdict")
            remedy = "run again with this version, or verify with the version that manifest.json names"
            raise CustodyError("the verdict does not follow from the records", where=verdict.claim, got=got, expected=again["outcome"], remedy=remedy)
    return agreed
