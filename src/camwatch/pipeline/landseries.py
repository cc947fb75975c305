"""Land cover over many dates: which scenes make a series, what is written of it, and what is read back."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from camwatch.aoi import load_aoi
from camwatch.custody import read_json, write_json
from camwatch.errors import PairError
from camwatch.judge import Evidence
from camwatch.pipeline.landareas import AREAS, with_areas
from camwatch.pipeline.landsearch import search_series
from camwatch.pipeline.records import named_apart, read_findings, source_of, write_findings
from camwatch.report import detect_page
from camwatch.scenes import item as scene
from camwatch.scenes import open_scene
from camwatch.scenes.hashes import files_behind, hash_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pystac

    from camwatch.aoi import Aoi
    from camwatch.config import RunConfig
    from camwatch.pipeline.landsearch import Series
    from camwatch.pipeline.search import Progress

GSD_M = 8.0, 40.0
"""Ground sample distances of the sensors that return often enough for a series."""

LEAST_SCENES = 3
"""Fewest scenes that say more than a pair."""

SERIES = "series.json"

NAME = "landcover-series"
"""What verdicts call a series where they name their evidence."""

WRITTEN = ("findings.geojson", "findings.gpkg", "score_landcover.tif", SERIES, AREAS, "detect.png")
"""What :func:`write_series` writes; the areas where reference samples tell them."""


def series_of(items: Sequence[pystac.Item]) -> tuple[pystac.Item, ...]:
    """Return the scenes that make the longest series: of sensors of one resolution and calibration, one a day, rendered and real ones apart."""

    def family(item: pystac.Item) -> tuple[str, float, bool, bool]:
        return scene.calibration(item), round(scene.gsd_m(item) / 10), "swir16" in scene.band_names(item), scene.is_simulated(item)

    fitting = [i for i in items if GSD_M[0] <= scene.gsd_m(i) <= GSD_M[1] and {"red", "nir"} <= set(scene.band_names(i))]
    if not fitting:
        return ()
    often = Counter(family(i) for i in fitting)
    most = max(often, key=lambda key: (often[key], key))
    daily = {scene.acquired(i).date(): i for i in sorted(fitting, key=lambda i: (scene.acquired(i), i.id)) if family(i) == most}
    return tuple(daily[day] for day in sorted(daily))


def detect_series(paths: Sequence[Path], out: Path, *, aoi: str, config: RunConfig, progress: Progress) -> Series:
    """Search three and more products for changes of land cover; write what :func:`write_series` writes.

    Raises
    ------
    PairError
        When fewer than three of them make a series, or fewer than two of those lie on one another.
    """
    items = named_apart([open_scene(path) for path in paths])
    series = series_of(items)
    if len(series) < LEAST_SCENES:
        got = f"{len(series)} of {len(items)} that go together"
        wanted = f"{LEAST_SCENES} days of one sensor family of {GSD_M[0]:g} to {GSD_M[1]:g} m with red and near infrared"
        raise PairError("too few scenes for a series", where=items[0].id, got=got, expected=wanted, remedy="give two scenes, or more of one family")
    apart = [(item.id, "of another sensor family, or of a day that another scene shows") for item in items if item not in series]
    found = write_series(out, series, load_aoi(aoi), config, hashes=hash_files(files_behind(series)), progress=progress)
    return replace(found, left_out=(*found.left_out, *apart))


def write_series(
    folder: Path, items: Sequence[pystac.Item], aoi: Aoi, config: RunConfig, *, hashes: Mapping[Path, str], progress: Progress
) -> Series:
    """Search scenes as :func:`search_series` does; write findings, score, `series.json` and `detect.png` into a folder."""
    found = search_series(items, aoi, config, progress)
    found = replace(found, findings=with_areas(folder, found.findings, config.land_samples))
    progress("drawing", 0, 1)
    findings = {"landcover": found.findings}
    document = {
        "scenes": [{"scene": item.id, "acquired": f"{scene.acquired(item):%Y-%m-%dT%H:%M:%SZ}"} for item in found.scenes],
        "left_out": [{"scene": name, "reason": reason} for name, reason in found.left_out],
        "simulated": found.findings.simulated,
    }
    write_findings(folder, findings)
    write_json(folder / SERIES, document)
    detect_page(
        folder / "detect.png",
        before=found.before,
        after=found.after,
        findings=findings,
        registration=found.registration,
        aoi=aoi,
        generated=config.report_date.isoformat(),
        sources=[source_of(item, hashes, config) for item in (found.scenes[0], found.scenes[-1])],
    )
    return found


def read_series(folder: Path) -> tuple[Evidence, ...]:
    """Read back what :func:`write_series` wrote as evidence for the judge; none where there is no series, or it was refused."""
    if not (folder / SERIES).is_file() or "refused" in read_json(folder / SERIES):
        return ()
    findings = read_findings(folder)
    told = findings["landcover"]
    return (Evidence(NAME, told.acquired, told.gsd_m, findings, simulated=told.simulated, series=True),)
