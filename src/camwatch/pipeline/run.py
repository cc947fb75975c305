"""A run: every scene of a camp, every pair that its claims ask for, every verdict, the pages and the manifest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from camwatch.aoi import LONLAT
from camwatch.config import RunConfig
from camwatch.custody import digest_of, portable, read_json, write_json, write_manifest
from camwatch.errors import CoverageError, PairError
from camwatch.judge import judge, plan_pairs, speaks_for, testability, unchanged_pairs
from camwatch.pipeline.holdings import Holdings, gather
from camwatch.pipeline.landareas import read_samples
from camwatch.pipeline.landseries import LEAST_SCENES, WRITTEN, read_series, series_of, write_series
from camwatch.pipeline.pages import FOLDER, draw_pages
from camwatch.pipeline.records import aoi_document, claims_document, places_document, scene_info, scene_row
from camwatch.pipeline.search import unheard
from camwatch.pipeline.steps import Journal
from camwatch.pipeline.towerseries import towers_document, withdrawn
from camwatch.pipeline.turns import do_in_turn
from camwatch.pipeline.unchanged import FOLDER as UNCHANGED
from camwatch.pipeline.unchanged import reported, speaking_for, without_change
from camwatch.pipeline.works import do_all, looked_at, works_of
from camwatch.scenes import item as scene
from camwatch.scenes.hashes import files_behind, hash_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from camwatch.aoi import Aoi
    from camwatch.claims import Claim, Place
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
        What cannot be read, what shows an acquisition that a better product shows, and pairs of dates without change that tell nothing.
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


@dataclass(frozen=True, slots=True)
class Plan:
    """What the scenes at hand can test, and the pairs of dates close together that would tell their false alarms without being named."""

    testable: tuple[Testable, ...]
    unchanged: tuple[PlannedPair, ...]


def plan_camp(camp: str, scenes: Path, *, claims: Path | None, aoi_file: str | None) -> Plan:
    """Say of every reading of every claim whether the scenes at hand can test it, before a pixel is read."""
    held = gather(camp, scenes, claims=claims, aoi_file=aoi_file)
    infos = [scene_info(i) for i in held.scenes]
    planned = plan_pairs(infos, held.claims)
    quiet = tuple(p for p in unchanged_pairs(infos, held.claims) if any(speaks_for(p, other) for other in planned))
    return Plan(testability(held.claims, infos, aoi=held.aoi, places=held.places), quiet)


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
    known = looked_at(held)
    planned = plan_pairs(known, held.claims)
    if not planned:
        days = ", ".join(sorted({f"{scene.acquired(i):%Y-%m-%d}" for i in held.scenes}))
        wanted = "two dates of similar resolution"
        raise PairError("no two scenes make a before and an after", where=scenes, got=days, expected=wanted, remedy="add a scene")
    if config.land_samples is not None:
        read_samples(config.land_samples, LONLAT)  # what is wrong with them is told before the work begins
    quiet = without_change(known, held.claims, planned, config)
    hashes = hash_files(files_behind(held.scenes), progress=progress)
    config = _continued(run, config)
    journal = Journal(run)
    written = _documents(run, held, config, scenes)
    alone = works_of(run / UNCHANGED, held, quiet.pairs, config, hashes, alone=True)
    do_all(alone, journal, workers, progress)
    told = reported(quiet.pairs, alone)
    works = [replace(w, unchanged=speaking_for(p, told)) for p, w in zip(planned, works_of(run / PAIRS, held, planned, config, hashes), strict=True)]
    keys = do_in_turn(works, journal, workers, progress)
    followed = _series(journal, held, config, hashes, progress)
    keys += followed
    if all(work.refused and not work.findings() for work in works):
        raise CoverageError("no pair of scenes can be used", where=scenes, got=works[0].refused, remedy="add clearer scenes")
    pairwise = [work.evidence() for work in works]
    if "tower" in config.kinds:
        keys.append(journal.step("towers", [keys], lambda: [write_json(run / TOWERS, towers_document(pairwise))]))
    evidence = [*withdrawn(pairwise), *(read_series(run / SERIES) if followed else ())]
    verdicts = judged(held.claims, evidence, held.aoi, held.places)
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
        pages=pages_of(run),
        left_out=(*held.left_out, *quiet.left_out, *((w.id, w.refused) for w in alone if w.refused)),
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
        return [folder / name for name in WRITTEN if (folder / name).exists()]

    return [journal.step("series", [inputs, aoi_document(held.aoi), config.model_dump(mode="json")], work)]


PAIRS = "pairs"
"""Folder of the pairs that the claims ask for."""

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


def judged(claims: Sequence[Claim], evidence: Sequence[Evidence], aoi: Aoi, places: Sequence[Place]) -> tuple[Verdict, ...]:
    """Return the verdict of each claim, in their order."""
    return tuple(judge(claim, evidence, aoi=aoi, places=places) for claim in claims)


def _write_verdicts(run: Path, aoi: Aoi, verdicts: Sequence[Verdict]) -> Path:
    document = {"camp": aoi.id, "simulated": any(v.simulated for v in verdicts), "verdicts": [v.as_json() for v in verdicts]}
    return write_json(run / "verdicts.json", document)


def pages_of(run: Path) -> tuple[Path, ...]:
    """Return the pages of a run."""
    return tuple(sorted((run / FOLDER).glob("*.png")))


def _continued(run: Path, config: RunConfig) -> RunConfig:
    """Keep the report date of a run that was begun with otherwise the same configuration: going on a day later must not change its pages."""
    path = run / DOCUMENTS[0]
    if not path.exists():
        return config
    stored = RunConfig.model_validate(read_json(path))
    return stored if stored.model_copy(update={"report_date": config.report_date}) == config else config
