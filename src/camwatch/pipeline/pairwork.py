"""The steps of one pair of a run, each done once, each reading what the one before wrote."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from camwatch.custody import read_json, write_json
from camwatch.errors import CoverageError, PairError
from camwatch.judge import Evidence
from camwatch.pipeline.evidence import PLANTED, detect_picture, registration_picture, search_or_refuse, sensitivities, with_measured
from camwatch.pipeline.pair import Alignment, align
from camwatch.pipeline.records import aoi_document, read_findings, source_of, write_findings
from camwatch.pipeline.transforms import registration_record
from camwatch.pipeline.unchanged import FOLDER as UNCHANGED
from camwatch.pipeline.unchanged import with_unchanged
from camwatch.registration import Registration
from camwatch.report import sensitivity_page
from camwatch.scenes import item as scene
from camwatch.sensitivity import Sensitivity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pystac

    from camwatch.aoi import Aoi
    from camwatch.config import RunConfig
    from camwatch.findings import Findings
    from camwatch.pipeline.search import Progress
    from camwatch.pipeline.steps import Journal
    from camwatch.report import Source
    from camwatch.sensitivity import Unchanged


@dataclass(slots=True)
class PairWork:
    """One pair of a run and its folder.

    Attributes
    ----------
    id : str
    before, after : pystac.Item
    aoi : Aoi
    config : RunConfig
    folder : Path
        Where its records lie.
    hashes : mapping of Path to str
        Of every file behind the scenes; the first thing that every step depends on.
    threads : int
        Tiles searched at a time.
    alone : bool
        Whether the pair shows no change and is searched for its false alarms alone: nothing is planted into it.
    unchanged : mapping of kind to tuple of Unchanged
        What such pairs tell of this one.
    """

    id: str
    before: pystac.Item
    after: pystac.Item
    aoi: Aoi
    config: RunConfig
    folder: Path
    hashes: Mapping[Path, str]
    threads: int = 2
    alone: bool = False
    unchanged: Mapping[str, tuple[Unchanged, ...]] = field(default_factory=dict)
    _alignment: Alignment | None = field(default=None)

    def do(self, journal: Journal, progress: Progress) -> str:
        """Align; then search, measure the sensitivity and draw; as far as that is not done. Return the key of it all."""
        inputs = [self.hashes[path] for item in (self.before, self.after) for path in scene.files_of(item)]
        geometry = [inputs, aoi_document(self.aoi), self.config.margin_m, self.config.registration_limit_px, self.config.search_clouds]
        name = f"{UNCHANGED}.{self.id}" if self.alone else self.id
        aligned = journal.step(f"{name}.align", geometry, lambda: self._align(progress))
        told = {kind: [asdict(one) for one in all_of_it] for kind, all_of_it in self.unchanged.items()}
        past = [line.wkt for line in self.aoi.former]
        key = journal.step(f"{name}.search", [aligned, self.config.model_dump(mode="json"), told, past], lambda: self._search(progress))
        self.release()
        return key

    @property
    def refused(self) -> str:
        """Why the pair answers nothing; empty where it does."""
        return str(_record(self.folder)["refused"])

    def evidence(self) -> Evidence:
        """Read back what this pair says."""
        return read_evidence(self.folder)

    def findings(self) -> dict[str, Findings]:
        """Read back the findings by kind; none where the pair was refused before a search."""
        return _findings(self.folder)

    def sensitivity(self) -> dict[str, Sensitivity]:
        """Read back the sensitivity by kind."""
        return _sensitivity(self.folder)

    def sources(self) -> tuple[Source, Source]:
        """Return both scenes as the pages quote them."""
        return source_of(self.before, self.hashes, self.config), source_of(self.after, self.hashes, self.config)

    @property
    def _generated(self) -> str:
        return self.config.report_date.isoformat()

    def release(self) -> None:
        """Let go of what was loaded: the next pair needs the memory."""
        self._alignment = None

    def alignment(self) -> Alignment:
        """Return the pair on one grid, with the registration that its record holds."""
        if self._alignment is None:
            registration = Registration.from_json(read_json(self.folder / "registration.json"))
            self._alignment = align(self.before, self.after, self.aoi, self.config, registration)
        return self._alignment

    def _align(self, progress: Progress) -> list[Path]:
        progress(f"{self.id}: registering", 0, 1)
        written, refused = [], ""
        try:
            alignment = align(self.before, self.after, self.aoi, self.config)
        except (CoverageError, PairError) as error:
            refused = str(error)  # one clouded scene must not end the run; the verdicts that need it say why
        else:
            refused = "" if alignment.registration.ok else alignment.registration.reason
            record_path = write_json(self.folder / "registration.json", registration_record(alignment, self.aoi))
            written = [record_path, registration_picture(self.folder / "registration.png", alignment, self._generated)]
            # What follows rests on the record, to its last digit, as it does when a run goes on from there.
            self._alignment = alignment.by(Registration.from_json(read_json(record_path)))
        times = [scene.acquired(item).isoformat() for item in (self.before, self.after)]
        gsd_m = max(scene.gsd_m(item) for item in (self.before, self.after))
        simulated = any(scene.is_simulated(item) for item in (self.before, self.after))
        record = {
            "pair": self.id,
            "before": self.before.id,
            "after": self.after.id,
            "acquired": times,
            "gsd_m": gsd_m,
            "refused": refused,
            "simulated": simulated,
        }
        return [*written, write_json(self.folder / "pair.json", record)]

    def _search(self, progress: Progress) -> list[Path]:
        if not (self.folder / "registration.json").exists():
            return []
        alignment, told = self.alignment(), _named(self.id, progress)
        config = self.config.model_copy(update={"kinds": tuple(k for k in PLANTED if k in self.config.kinds)}) if self.alone else self.config
        findings = search_or_refuse(alignment, self.aoi, config, told, threads=self.threads, scores=self.folder)
        measured = {} if self.alone else with_unchanged(sensitivities(alignment, self.aoi, config, findings, told), self.unchanged)
        written = write_findings(self.folder, with_measured(findings, measured), _registration(self.folder))
        written.append(
            detect_picture(
                self.folder / "detect.png",
                alignment,
                self.aoi,
                self.findings(),
                sources=self.sources(),
                generated=self._generated,
                sensitivity=measured,
            )
        )
        return [*written, *self._write_sensitivity(list(measured.values()), simulated=alignment.simulated)]

    def _write_sensitivity(self, measured: list[Sensitivity], *, simulated: bool) -> list[Path]:
        if not measured:
            return []
        document = {"sensitivity": [s.as_json() for s in measured], "simulated": simulated}
        picture = sensitivity_page(self.folder / "sensitivity.png", measured, simulated=simulated, generated=self._generated)
        return [write_json(self.folder / "sensitivity.json", document), picture]


def read_evidence(folder: Path) -> Evidence:
    """Read back what one pair of a run says, from its folder alone."""
    record = _record(folder)
    first, second = (datetime.fromisoformat(t) for t in record["acquired"])
    return Evidence(
        pair=record["pair"],
        acquired=(first, second),
        gsd_m=record["gsd_m"],
        findings=_findings(folder),
        sensitivity=_sensitivity(folder),
        refused=record["refused"],
        simulated=record["simulated"],
        registration=_registration(folder),
    )


def _registration(folder: Path) -> Registration | None:
    path = folder / "registration.json"
    return Registration.from_json(read_json(path)) if path.exists() else None


def _record(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = read_json(folder / "pair.json")
    return record


def _findings(folder: Path) -> dict[str, Findings]:
    return dict(read_findings(folder)) if (folder / "findings.geojson").exists() else {}


def _sensitivity(folder: Path) -> dict[str, Sensitivity]:
    path = folder / "sensitivity.json"
    return {s["kind"]: Sensitivity.from_json(s) for s in read_json(path)["sensitivity"]} if path.exists() else {}


def _named(pair: str, progress: Progress) -> Progress:
    return lambda what, done, total: progress(f"{pair}: {what}", done, total)
