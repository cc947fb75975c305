"""Evidence of one aligned pair: findings, sensitivity, pictures."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from camwatch.errors import CoverageError
from camwatch.findings import Findings
from camwatch.pipeline.pair import OVERVIEW_PX, Overview, coarser, part_of, window_of
from camwatch.rasters import SIMULATED_TAG, new_raster
from camwatch.scenes import item as scene

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from camwatch.aoi import Aoi, Site
    from camwatch.config import RunConfig
    from camwatch.imagery import Image
    from camwatch.pipeline.pair import Alignment
    from camwatch.pipeline.search import Progress
    from camwatch.report import Source
    from camwatch.sensitivity import Sensitivity

PLANTED: tuple[Literal["structure", "tower"], ...] = ("structure", "tower")
"""Kinds whose objects can be planted; a line's uncertainty is stated with the line itself."""


STRIP_PX, BLOCK, AHEAD = 2**22, 256, 2
"""A registered scene is written in strips of about so many pixels, whole blocks of the file high; so many strips are interpolated at a time."""


def search_or_refuse(
    alignment: Alignment, aoi: Aoi, config: RunConfig, progress: Progress, *, threads: int = 2, scores: Path | None = None
) -> dict[str, Findings]:
    """Search a pair as :func:`camwatch.pipeline.search.search` does; a refused registration makes every kind not testable."""
    if alignment.registration.ok:
        from camwatch.pipeline.search import search

        return search(alignment, aoi, config, progress, threads=threads, scores=scores)
    small = alignment.overview.before.geobox
    site = alignment.site(aoi)
    return {
        kind: Findings(
            kind=kind,
            status="not_testable",
            reason=f"The registration was refused: {alignment.registration.reason}",
            records=(),
            aoi=aoi.id,
            crs=str(small.crs),
            before=alignment.before.id,
            after=alignment.after.id,
            acquired=alignment.acquired,
            observed_share=0.0,
            searched_km2=0.0,
            gsd_m=alignment.gsd_m,
            score=np.full(small.shape, np.nan, np.float32),
            geobox=small,
            nominal=site.nominal,
            simulated=alignment.simulated,
        )
        for kind in config.kinds
    }


def sensitivities(
    alignment: Alignment, aoi: Aoi, config: RunConfig, findings: Mapping[str, Findings], progress: Progress | None = None
) -> dict[str, Sensitivity]:
    """Plant objects, and clearings, into the pair and search for them, for every kind that could be searched and can be planted."""
    from camwatch.pipeline.search import searches, unheard
    from camwatch.sensitivity import control_windows, measure, planting_window

    tell, detectors = progress or unheard, searches(config)
    sizes = {"structure": config.structure_sizes_m, "tower": config.tower_sizes_m}
    measured: dict[str, Sensitivity] = {}
    kinds, site = _plantable(alignment, aoi, findings)
    for number, kind in enumerate(kinds):
        tell("planting objects", number, len(kinds))
        window = planting_window(alignment.geobox, site, kind)
        if window is not None:
            measured[kind] = measure(
                *alignment.images(window),
                site,
                kind=kind,
                detector=detectors[kind],
                sizes_m=sizes[kind],
                per_size=config.planted_per_size,
                seed=config.seed,
                control=(alignment.images(part) for part in control_windows(alignment.geobox, site, kind)),
            )
    land = _land_measured(alignment, aoi, config, findings)
    return measured if land is None else {**measured, "landcover": land}


def _land_measured(alignment: Alignment, aoi: Aoi, config: RunConfig, findings: Mapping[str, Findings]) -> Sensitivity | None:
    found = findings.get("landcover")
    if found is None or found.status != "searched":
        return None
    from camwatch.pipeline.landcover import measure_land

    return measure_land(alignment, alignment.site(aoi), found, seed=config.seed)


def with_measured(findings: Mapping[str, Findings], measured: Mapping[str, Sensitivity]) -> dict[str, Findings]:
    """Return the findings with the false-alarm density of each kind that was measured; land also tells from which size on it is found."""
    from camwatch.pipeline.landpower import in_words

    told = {k: replace(f, false_alarms_per_km2=measured[k].false_alarms_per_km2) if k in measured else f for k, f in findings.items()}
    if "landcover" in measured:
        land = told["landcover"]
        told["landcover"] = replace(land, reason=f"{land.reason} {in_words(measured['landcover'])}".strip())
    return told


def with_false_alarms(alignment: Alignment, aoi: Aoi, config: RunConfig, findings: Mapping[str, Findings]) -> dict[str, Findings]:
    """Return the findings with the false-alarm density of towers, whose control ground is searched by itself, and with the power of land."""
    from camwatch.pipeline.search import BY_TILE
    from camwatch.sensitivity import control_windows, false_alarms

    land = _land_measured(alignment, aoi, config, findings)
    told = with_measured(findings, {} if land is None else {"landcover": land})
    kinds, site = _plantable(alignment, aoi, {kind: f for kind, f in findings.items() if kind != "structure"})
    for kind in kinds:
        parts = control_windows(alignment.geobox, site, kind)
        if parts:
            alarms = false_alarms(map(alignment.images, parts), site, kind=kind, detector=BY_TILE[kind])
            told[kind] = replace(findings[kind], false_alarms_per_km2=alarms.per_km2)
    return told


def _plantable(alignment: Alignment, aoi: Aoi, findings: Mapping[str, Findings]) -> tuple[list[Literal["structure", "tower"]], Site]:
    """Return the kinds of single objects that could be searched, and the site with the line that towers were searched along."""
    site = alignment.site(aoi)
    kinds: list[Literal["structure", "tower"]] = [k for k in PLANTED if k in findings and findings[k].status == "searched"]
    kinds = [k for k in kinds if findings[k].observed_share > 0]
    if "tower" in kinds:
        from camwatch.pipeline.search import detect_line, traced

        site = traced(site, findings.get("perimeter") or detect_line(alignment, site))
    return kinds, site


def detect_picture(
    path: Path,
    alignment: Alignment,
    aoi: Aoi,
    findings: Mapping[str, Findings],
    *,
    sources: Sequence[Source],
    generated: str,
    sensitivity: Mapping[str, Sensitivity] | None = None,
) -> Path:
    """Draw before, after and what was found."""
    from camwatch.report import detect_page

    before, after = alignment.shown()
    return detect_page(
        path,
        aoi=aoi,
        before=before,
        after=after,
        findings=findings,
        registration=alignment.registration,
        sources=sources,
        generated=generated,
        detail=detail_images(alignment, before, after, findings, aoi),
        sensitivity=sensitivity,
    )


def detail_images(alignment: Alignment, before: Image, after: Image, findings: Mapping[str, Findings], aoi: Aoi) -> tuple[Image, Image]:
    """Load the part of the ground that a page shows in detail, in full resolution where that is no more than a page can show."""
    from camwatch.report import detail_bounds

    return alignment.images(coarser(window_of(alignment.geobox, *detail_bounds(before, after, findings, aoi)), OVERVIEW_PX))


def registration_picture(path: Path, alignment: Alignment, generated: str) -> Path:
    """Draw the later scene on the earlier one, with the georeferencing as delivered and with the transform."""
    return _drawing(path, alignment, generated)()


def registration_files(out: Path, alignment: Alignment, generated: str) -> None:
    """Write `registration.png` and `registered.tif`; a refused pair has no raster, and one from an earlier time goes."""
    # The page is drawn while the raster is interpolated and compressed, which leaves other threads alone.
    with ThreadPoolExecutor(1) as pool:
        page = pool.submit(_drawing(out / "registration.png", alignment, generated))
        _write_registered(out / "registered.tif", alignment)
        page.result()


def _drawing(path: Path, alignment: Alignment, generated: str) -> partial[Path]:
    """Load what the page of a registration shows; return what is left to do, which touches no scene."""
    from camwatch.report import registration_page, zoom_bounds

    answer = alignment.registration
    whole = _compared(alignment, coarser(answer.grid, OVERVIEW_PX))
    first, second = (window_of(answer.grid, *bounds) for bounds in zoom_bounds(answer, whole.before, whole.delivered, whole.registered))
    boards = (
        (part_of(whole.before, first) or alignment.earlier.load(first), part_of(whole.delivered, first) or alignment.later.load(first)),
        (
            part_of(whole.before, second) or alignment.earlier.load(second),
            part_of(whole.registered, second) or alignment.later.registered(second, answer),
        ),
    )
    return partial(registration_page, path, reference=whole.before, moving=whole.delivered, registration=answer, boards=boards, generated=generated)


def _write_registered(path: Path, alignment: Alignment) -> None:
    if not alignment.registration.ok:
        path.unlink(missing_ok=True)
        return
    bands, taken = scene.default_bands(alignment.after), scene.acquired(alignment.after)
    tags = {"TIFFTAG_DATETIME": f"{taken:%Y:%m:%d %H:%M:%S}", **(SIMULATED_TAG if scene.is_simulated(alignment.after) else {})}
    with new_raster(path, alignment.geobox, len(bands), "float32", nodata=float("nan"), bands=bands, tags=tags) as put:
        for strip in _registered(alignment, bands):
            put(strip)


def _registered(alignment: Alignment, bands: tuple[str, ...]) -> Iterator[NDArray[np.float32]]:
    """Yield the later scene as registered, all its bands and all its pixels, strip by strip, NaN where it shows nothing.

    What was compared is fewer bands, perhaps coarser, and without clouds; where it is neither, it is taken as it is.
    """
    window, seen, whole = alignment.geobox, alignment.later, alignment.overview.registered
    if whole.geobox == window and whole.bands == bands and (seen.clouds is None or not seen.clouds.hidden.any()):
        yield np.where(whole.valid, whole.values, np.float32(np.nan))
        return
    full = replace(seen, bands=None, clouds=None)

    def strip(part: GeoBox) -> NDArray[np.float32]:
        try:
            image = full.registered(part, alignment.registration, bands)
        except CoverageError:  # this strip lies beyond the scene's edge; others do not
            return np.full((len(bands), *part.shape), np.nan, np.float32)
        return np.where(image.valid, image.values, np.float32(np.nan))

    rows, cols = window.shape
    step = max(STRIP_PX // cols // BLOCK, 1) * BLOCK
    with ThreadPoolExecutor(AHEAD) as pool:
        coming: deque[Future[NDArray[np.float32]]] = deque()
        for top in range(0, rows, step):
            coming.append(pool.submit(strip, window[top : min(top + step, rows), :]))
            if len(coming) > AHEAD:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()


def _compared(alignment: Alignment, window: GeoBox) -> Overview:
    """Return the earlier scene, and the later one as delivered and as registered, on a grid."""
    if window == alignment.overview.before.geobox:
        return alignment.overview
    earlier, delivered = alignment.earlier.load(window), alignment.later.load(window)
    return Overview(earlier, delivered, alignment.later.registered(window, alignment.registration))
