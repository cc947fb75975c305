"""What the single-pair verbs of the command line do: register, detect, sensitivity."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from camwatch.aoi import load_aoi
from camwatch.custody import write_json
from camwatch.errors import ConfigError
from camwatch.pipeline.evidence import PLANTED, detect_picture, registration_files, search_or_refuse, sensitivities, with_false_alarms
from camwatch.pipeline.pair import align, check_order
from camwatch.pipeline.records import source_of, write_findings
from camwatch.pipeline.transforms import registration_record
from camwatch.scenes import open_scene
from camwatch.scenes.hashes import files_behind, hash_files

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from pathlib import Path

    import pystac

    from camwatch.aoi import Aoi
    from camwatch.config import Kind, RunConfig
    from camwatch.findings import Findings
    from camwatch.pipeline.pair import Alignment
    from camwatch.pipeline.search import Progress
    from camwatch.sensitivity import Sensitivity, Unchanged

    Days = tuple[dt.date | None, dt.date | None]


def register_scenes(
    reference: Path, moving: Path, out: Path, *, aoi: str | None, dates: Days, config: RunConfig, progress: Progress
) -> dict[str, Any]:
    """Register two products; write what :func:`write_registration` writes; return the record."""
    first, second = (open_scene(path, date=day) for path, day in zip((reference, moving), dates, strict=True))
    place = load_aoi(aoi) if aoi else None
    progress("registering", 0, 2)
    alignment = align(first, second, place, config)
    progress("drawing", 1, 2)
    return write_registration(out, alignment, place, config)


def write_registration(out: Path, alignment: Alignment, aoi: Aoi | None, config: RunConfig, **more: Any) -> dict[str, Any]:
    """Write `registration.json`, `registered.tif` and `registration.png`; return the record, which `more` is added to.

    A refused pair has no `registered.tif`: pixels that are known to lie wrong are not handed on, and one from an earlier time goes.
    """
    record = {**registration_record(alignment, aoi), **more}
    write_json(out / "registration.json", record)
    registration_files(out, alignment, config.report_date.isoformat())
    return record


def _ordered(before: Path, after: Path, dates: Days) -> tuple[pystac.Item, pystac.Item]:
    items = open_scene(before, date=dates[0]), open_scene(after, date=dates[1])
    check_order(*items)
    return items


def detect_scenes(before: Path, after: Path, out: Path, *, aoi: str, dates: Days, config: RunConfig, progress: Progress) -> dict[str, Findings]:
    """Search two products; write findings, scores and `detect.png`; return the findings by kind."""
    items = _ordered(before, after, dates)
    place = load_aoi(aoi)
    progress("registering", 0, 1)
    # What the search needs is imported, and its model opened, while the pair is registered: neither looks at the other.
    with ThreadPoolExecutor(1) as pool:
        ready = pool.submit(_prepared, config)
        alignment = align(*items, place, config)
        ready.result()
    findings = with_false_alarms(alignment, place, config, search_or_refuse(alignment, place, config, progress, scores=out))
    if "landcover" in findings:
        from camwatch.pipeline.landareas import with_areas

        findings["landcover"] = with_areas(out, findings["landcover"], config.land_samples)
    progress("drawing", 0, 1)
    hashes = hash_files(files_behind(items))
    sources, generated = [source_of(item, hashes, config) for item in items], config.report_date.isoformat()
    # The page is drawn while the records are written: neither looks at the other.
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(write_findings, out, findings, alignment.registration)
        detect_picture(out / "detect.png", alignment, place, findings, sources=sources, generated=generated)
        write_json(out / "registration.json", registration_record(alignment, place))
        written.result()
    return findings


def _prepared(config: RunConfig) -> None:
    """Import what searches and writes, and open the model; both are kept."""
    import geopandas  # noqa: F401  # findings.gpkg is written with it

    from camwatch.pipeline.search import searches
    from camwatch.report import detect_page  # noqa: F401  # drawn when the search is done

    searches(config)


def sensitivity_of_scenes(
    before: Path, after: Path, out: Path, *, aoi: str, dates: Days, config: RunConfig, progress: Progress, unchanged: tuple[Path, Path] | None = None
) -> tuple[dict[str, Sensitivity], dict[str, str]]:
    """Measure what a pair would have shown; write `sensitivity.json` and `.png`; return the answers by kind, and why a kind has none.

    `unchanged` are two products between whose dates nothing changed: what is reported there is false.

    Raises
    ------
    ConfigError
        When their dates do not lie as far apart in the year as those of the pair, or their registration was refused.
    """
    from camwatch.pipeline.unchanged import with_unchanged

    items = _ordered(before, after, dates)
    place = load_aoi(aoi)
    progress("registering", 0, 1)
    alignment = align(*items, place, config)
    planted = config.model_copy(update={"kinds": _planted(config.kinds)})
    told = _vouched(unchanged, alignment, place, planted, progress) if unchanged else {}
    findings = search_or_refuse(alignment, place, planted, progress)
    measured = with_unchanged(sensitivities(alignment, place, config, findings, progress), {kind: (one,) for kind, one in told.items()})
    reasons = {kind: f.reason for kind, f in findings.items() if kind not in measured}
    write_json(
        out / "sensitivity.json", {"sensitivity": [s.as_json() for s in measured.values()], "not_testable": reasons, "simulated": alignment.simulated}
    )
    if measured:
        from camwatch.report import sensitivity_page

        sensitivity_page(out / "sensitivity.png", list(measured.values()), simulated=alignment.simulated, generated=config.report_date.isoformat())
    return measured, reasons


def _planted(kinds: Sequence[Kind]) -> tuple[Kind, ...]:
    """Return the kinds that are planted: objects, and land only where nothing else is asked for."""
    return tuple(k for k in PLANTED if k in kinds) or (("landcover",) if "landcover" in kinds else PLANTED)


def _vouched(paths: tuple[Path, Path], pair: Alignment, aoi: Aoi, config: RunConfig, progress: Progress) -> dict[str, Unchanged]:
    """Search two products between whose dates nothing changed, and return what was reported, by kind."""
    from camwatch.pipeline.unchanged import check_alike, of_findings

    progress("searching the dates without change", 0, 1)
    alignment = align(*_ordered(*paths, (None, None)), aoi, config)
    check_alike(alignment, pair)
    if not alignment.registration.ok:
        raise ConfigError("the scenes without change do not lie on one another", where="--unchanged", got=alignment.registration.reason)
    return of_findings(search_or_refuse(alignment, aoi, config, progress), vouched=True)
