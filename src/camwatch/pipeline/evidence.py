"""Evidence of one aligned pair: findings, sensitivity, pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from camwatch.findings import Findings
from camwatch.imagery import load
from camwatch.pipeline.pair import coarser, window_of
from camwatch.pipeline.search import BY_TILE, detect_line, search, traced
from camwatch.report import detail_bounds, detect_page, registration_page, zoom_bounds
from camwatch.sensitivity import control_window, measure, planting_window

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from odc.geo.geobox import GeoBox

    from camwatch.aoi import Aoi
    from camwatch.config import RunConfig
    from camwatch.imagery import Image
    from camwatch.pipeline.pair import Alignment
    from camwatch.pipeline.search import Progress
    from camwatch.report import Source
    from camwatch.sensitivity import Sensitivity

PICTURE_PX = 1600
"""Longest side of the images that a page is drawn from; a panel at 300 dpi has fewer pixels."""

PLANTED: tuple[Literal["structure", "tower"], ...] = ("structure", "tower")
"""Kinds whose objects can be planted; a line's uncertainty is stated with the line itself."""


def search_or_refuse(alignment: Alignment, aoi: Aoi, config: RunConfig, progress: Progress) -> dict[str, Findings]:
    """Search a pair; where its registration is refused, every kind is not testable for that reason."""
    if alignment.registration.ok:
        return search(alignment, aoi, config, progress)
    small = coarser(alignment.geobox, PICTURE_PX)
    site = alignment.site(aoi)
    return {
        kind: Findings(
            kind=kind, status="not_testable", reason=f"The registration was refused: {alignment.registration.reason}", records=(), aoi=aoi.id,
            crs=str(small.crs), before=alignment.before.id, after=alignment.after.id, acquired=alignment.acquired, observed_share=0.0,
            searched_km2=0.0, gsd_m=alignment.gsd_m, score=np.full(small.shape, np.nan, np.float32), geobox=small, nominal=site.nominal,
            simulated=alignment.simulated,
        )
        for kind in config.kinds
    }  # fmt: skip


def sensitivities(
    alignment: Alignment, aoi: Aoi, config: RunConfig, findings: Mapping[str, Findings], progress: Progress
) -> dict[str, Sensitivity]:
    """Plant objects into the pair and search for them, for every kind that could be searched and can be planted."""
    site = alignment.site(aoi)
    kinds = [k for k in PLANTED if k in findings and findings[k].status == "searched" and findings[k].observed_share > 0]
    if "tower" in kinds:
        site = traced(site, findings.get("perimeter") or detect_line(alignment, site))
    sizes = {"structure": config.structure_sizes_m, "tower": config.tower_sizes_m}
    measured: dict[str, Sensitivity] = {}
    for number, kind in enumerate(kinds):
        progress("planting objects", number, len(kinds))
        window = planting_window(alignment.geobox, site, kind)
        control = control_window(alignment.geobox, site, kind)
        if window is not None:
            measured[kind] = measure(
                *alignment.images(window), site, kind=kind, detector=BY_TILE[kind], sizes_m=sizes[kind], per_size=config.planted_per_size,
                seed=config.seed, control=None if control is None else alignment.images(control),
            )  # fmt: skip
    return measured


def detect_picture(path: Path, alignment: Alignment, aoi: Aoi, findings: Mapping[str, Findings], sources: Sequence[Source], generated: str) -> Path:
    """Draw before, after and what was found."""
    before, after = alignment.overview(PICTURE_PX)
    return detect_page(
        path, aoi=aoi, before=before, after=after, findings=findings, registration=alignment.registration, sources=sources, generated=generated,
        detail=detail_images(alignment, before, after, findings, aoi),
    )  # fmt: skip


def detail_images(alignment: Alignment, before: Image, after: Image, findings: Mapping[str, Findings], aoi: Aoi) -> tuple[Image, Image]:
    """Load the part of the ground that a page shows in detail, in full resolution."""
    return alignment.images(window_of(alignment.geobox, *detail_bounds(before, after, findings, aoi)))


def registration_picture(path: Path, alignment: Alignment, generated: str) -> Path:
    """Draw the later scene on the earlier one, with the georeferencing as delivered and with the transform."""
    whole = _compared(alignment, coarser(alignment.geobox, PICTURE_PX))
    zoom = _compared(alignment, window_of(alignment.geobox, *zoom_bounds(alignment.registration)))
    return registration_page(
        path, reference=whole[0], moving_before=whole[1], moving_after=whole[2], registration=alignment.registration, zoom=zoom, generated=generated
    )


def _compared(alignment: Alignment, window: GeoBox) -> tuple[Image, Image, Image]:
    """Load the earlier scene, and the later one as delivered and as registered."""
    moved = alignment.registration.moving_geobox(window)
    reference, delivered = (load(item, window, bands=alignment.bands) for item in (alignment.before, alignment.after))
    return reference, delivered, replace(load(alignment.after, moved, bands=alignment.bands), geobox=window)
