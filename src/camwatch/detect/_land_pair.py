"""The polygons of a pair: which pixels changed into what, and which patches a shift of half a pixel, or shade, does not explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi

from camwatch.detect._land_cover import CLASSES, LEAST_PX, Cover, LandcoverParams, classes_of
from camwatch.detect._land_patches import patches, records_of
from camwatch.rasters import mask_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.aoi import Site
    from camwatch.findings import Finding
    from camwatch.imagery.image import Image

CORE = 0.15
"""Share of a patch that half a pixel of misregistration must not explain."""
INFRARED, DIMMED = ("nir", "swir16", "swir22"), 0.75
"""Bands that all fall in shade, and the share of their reflectance that is left there at most."""
WATER_NDVI = 0.1
"""NDVI above which ground that dimmed is not called water: muddy water stays below it, leaves in shade do not."""


def records_of_pair(  # noqa: PLR0917 - one frame in its parts
    before: Image,
    site: Site,
    params: LandcoverParams,
    score: NDArray[np.float32],
    firm: NDArray[np.bool_],
    covers: tuple[Cover, Cover],
    dimmed: NDArray[np.bool_],
) -> tuple[Finding, ...]:
    """Return the polygons of what changed on the site, by the score, where it is firm, the covers at both dates, and where infrared dimmed."""
    searched = mask_of(site.area, before.geobox, touched=True)
    changed = (np.nan_to_num(score) >= params.probability) & searched & np.isfinite(score)
    classes = classes_of(*(_smoothed(cover, changed) for cover in covers))
    cleared, water, other = (CLASSES.index(name) + 1 for name in ("cleared", "water", "other"))
    classes[dimmed & ((classes == cleared) | ((classes == water) & (covers[1].ndvi > WATER_NDVI)))] = other
    classes = np.where(changed, classes, 0).astype(np.uint8)
    least_px = max(LEAST_PX, round(params.least_area_m2 / before.pixel_m**2))
    measured = {"ndvi_before": covers[0].ndvi, "ndvi_after": covers[1].ndvi, "brightness_change": covers[1].brightness - covers[0].brightness}
    if np.isnan(covers[0].ndvi).all():
        measured = {}
    labels = patches(classes, least_px)
    labels = np.where(_with_core(labels, firm), labels, 0)
    return records_of(labels, classes, before.geobox, score=score, measured=measured)


def dimmed_in(names: tuple[str, ...], first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return where every infrared band fell by a quarter and more, as in the shade of a hill: where leaves go, the short-wave ones rise."""
    infrared = [names.index(name) for name in INFRARED if name in names]
    if len(infrared) < 2 or not len(first):
        return np.zeros(first.shape[1:], bool)
    return np.asarray((second[infrared] <= DIMMED * first[infrared]).all(axis=0))


def _with_core(labels: NDArray[np.int32], firm: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels of patches of which enough is `firm`: the rest are seams of fields that lie half a pixel out of place."""
    sizes = np.bincount(labels.ravel())
    enough = np.bincount(labels[firm], minlength=len(sizes)) >= CORE * sizes
    return np.asarray(enough[labels])


def _smoothed(cover: Cover, changed: NDArray[np.bool_]) -> Cover:
    """Return the cover with each plane averaged over the changed pixels about each pixel: single pixels lie on either side of a limit by chance."""
    weight = ndi.uniform_filter(changed.astype(np.float32), 3)

    def mean(plane: NDArray[np.floating] | NDArray[np.bool_]) -> NDArray[np.float32]:
        total = ndi.uniform_filter(np.where(changed, plane, 0).astype(np.float32), 3)
        return np.asarray(np.divide(total, weight, out=np.zeros_like(total), where=weight > 0.05), np.float32)

    return Cover(mean(cover.ndvi), mean(cover.brightness), mean(cover.water) > 0.5, mean(cover.wet) > 0.5, cover.snow)
