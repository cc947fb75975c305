"""How well a pair would have shown a change: known objects are planted into it and searched for, and control ground tells the false alarms."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from shapely import STRtree, boundary, box, union_all

from camwatch.rasters import mask_of
from camwatch.render import plant
from camwatch.sensitivity.places import BATCHES, GAP_M, free_ground, scatter
from camwatch.sensitivity.record import Sensitivity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox
    from shapely.geometry.base import BaseGeometry

    from camwatch.aoi import Site
    from camwatch.findings import Finding, Findings
    from camwatch.imagery.image import Image
    from camwatch.sensitivity.places import Kind

    Detector = Callable[[Image, Image, Site], Findings]
    Planter = Callable[..., Image]

WINDOW_PX = 1200
"""Largest side of the windows that are searched."""

TOLERANCE_M: dict[Kind, float] = {"structure": 2.0, "tower": 2.5}
"""How far from the footprint a report's centroid may lie; never less than two pixels."""

CONTROL_LINE_M = 60.0
"""How far outside the camp the line runs along which towers are searched as a control."""

CONTROL_ACCURACY_M = 10.0
"""Accuracy given for that line, so that the band around it stays clear of the real one."""

STANDING = ("appeared", "unchanged", "altered")
"""Reports of an object that stands at the later date."""


def measure(
    before: Image, after: Image, site: Site, *, kind: Kind, detector: Detector, sizes_m: Sequence[float], per_size: int = 24,
    seed: int, planter: Planter = plant,
) -> Sensitivity:
    """Measure the probability of detection by object size, and the density of false alarms, of one registered pair.

    Objects are rendered into the later image at random free places (buildings inside the site, towers along its enclosing lines), the pair is
    searched, and an object counts as found when a report of something that appeared covers it. False alarms are what the same search reports in
    ground outside the site.

    Parameters
    ----------
    before, after : Image
        On one GeoBox with a metric CRS, registered and radiometrically normalised. Not written to.
    site : Site
        In the CRS of the images. For towers its perimeters must lie where the lines run in the images (traced, not nominal).
    kind : {"structure", "tower"}
    detector : callable (before, after, site) -> Findings
        The search, with all its parameters bound. It must search where `site` says.
    sizes_m : sequence of float
        Long sides of the planted footprints in metres.
    per_size : int
        Objects of each size; fewer are planted where there is no room, and the record says how many.
    seed : int
        Of places, orientations, brightness and noise.
    planter : callable (image, solids, *, seed) -> Image
        Draws the objects.

    Returns
    -------
    Sensitivity

    Notes
    -----
    A measurement costs four searches of at most 1200 × 1200 pixels: the pair as it is, two planted ones, and the control ground. Reports in control
    ground may be real change, so their density is an upper bound of the false alarms; without control ground it is not measured, since the site's own
    ground cannot tell a false alarm from what is claimed. A pair of one image with itself would give a lower bound, and a verdict needs an upper one.
    """
    sizes = tuple(sorted(float(s) for s in sizes_m))
    places = site.area if kind == "structure" else _lines(site)
    window = _window(places.buffer(0.0 if kind == "structure" else GAP_M[kind]), before, after)
    first, second = (_crop(image, window) for image in (before, after))
    plain = detector(first, second, site)
    if plain.status == "not_testable":
        nothing = (0,) * len(sizes)
        return Sensitivity(kind, sizes, nothing, nothing, 0, 0.0, f"not measured: {plain.reason}")
    rng = np.random.default_rng(seed)
    solids = scatter(kind, sizes, per_size, free_ground(kind, places, first, second, plain), rng)
    planted, found, standing = (np.zeros(len(sizes), int) for _ in range(3))
    for batch in range(BATCHES):
        part = [s for b, s in solids if b == batch]
        if not part:
            continue
        result = detector(first, planter(second, part, seed=int(rng.integers(2**31))), site)
        tolerance = max(TOLERANCE_M[kind], 2 * first.pixel_m)
        appeared = matched([s.footprint for s in part], [r for r in result.records if r.change == "appeared"], tolerance)
        seen = matched([s.footprint for s in part], [r for r in result.records if r.change in STANDING], tolerance)
        index = np.array([sizes.index(s.length_m) for s in part])
        planted += np.bincount(index, minlength=len(sizes))
        found += np.bincount(index[appeared], minlength=len(sizes))
        standing += np.bincount(index[seen], minlength=len(sizes))
    false, standing_false, km2, words = _control(kind, before, after, site, detector)
    tells_standing = kind == "tower"  # the search for buildings reports changes only
    return Sensitivity(
        kind, sizes, tuple(map(int, planted)), tuple(map(int, found)), false, km2, words,
        standing_found=tuple(map(int, standing)) if tells_standing else (), standing_false=standing_false if tells_standing else None,
    )


def matched(footprints: Sequence[BaseGeometry], reports: Sequence[Finding], tolerance_m: float) -> NDArray[np.intp]:
    """Return the indices of the footprints that a report lies on, or covers by half; a report stands for one object, the one it covers most."""
    if not footprints:
        return np.zeros(0, np.intp)
    grown = [f.buffer(tolerance_m) for f in footprints]
    tree = STRtree(grown)
    hits: set[int] = set()
    for report in sorted(reports, key=lambda r: r.id):
        best: tuple[float, int] | None = None
        for i in sorted(int(k) for k in tree.query(report.geometry)):
            covered = footprints[i].intersection(report.geometry).area / footprints[i].area
            if i not in hits and (covered >= 0.5 or grown[i].contains(report.geometry.centroid)):
                best = max(best or (-1.0, i), (covered, i), key=lambda pair: (pair[0], -pair[1]))
        if best:
            hits.add(best[1])
    return np.array(sorted(hits), np.intp)


# --- where ------------------------------------------------------------------------------------------------------------------------------------


def _lines(site: Site) -> BaseGeometry:
    rings = [boundary(p) for p in (site.perimeter_after, site.perimeter_before) if p is not None and not p.is_empty]
    return union_all(rings or [boundary(site.area)])


def _window(wanted: BaseGeometry, before: Image, after: Image) -> GeoBox:
    """Return the part of the grid, at most 1200 pixels a side, that holds most of the usable ground in `wanted`; the first of equals."""
    grid = before.geobox
    usable = mask_of(wanted, grid) & before.valid & after.valid
    rows, cols = (min(n, WINDOW_PX) for n in usable.shape)
    table = np.zeros((usable.shape[0] + 1, usable.shape[1] + 1), np.int64)
    table[1:, 1:] = usable.cumsum(axis=0, dtype=np.int64).cumsum(axis=1)
    best = (-1, 0, 0)
    for top in _starts(usable.shape[0], rows):
        for left in _starts(usable.shape[1], cols):
            count = int(table[top + rows, left + cols] - table[top, left + cols] - table[top + rows, left] + table[top, left])
            if count > best[0]:
                best = (count, top, left)
    _, top, left = best
    part: GeoBox = grid[top : top + rows, left : left + cols]
    return part


def _starts(length: int, side: int) -> list[int]:
    """Return window starts a quarter of a window apart, the last at the end."""
    return sorted({*range(0, length - side, max(side // 4, 1)), length - side})


def _crop(image: Image, window: GeoBox) -> Image:
    col, row = ~image.geobox.affine * (window.affine.c, window.affine.f)
    top, left = round(row), round(col)
    rows, cols = slice(top, top + window.shape[0]), slice(left, left + window.shape[1])
    return replace(image, values=image.values[:, rows, cols].copy(), valid=image.valid[rows, cols].copy(), geobox=window)


# --- control ground ---------------------------------------------------------------------------------------------------------------------------


def _control(kind: Kind, before: Image, after: Image, site: Site, detector: Detector) -> tuple[int, int, float, str]:
    """Return (changes reported, objects reported as standing, km² searched, what it is) in ground outside the site."""
    everything = union_all([g for g in (site.area, site.perimeter_before, site.perimeter_after) if g is not None])
    frame = box(*before.geobox.extent.boundingbox)
    if kind == "structure":
        ground = frame.difference(everything.buffer(min(site.perimeter_accuracy_m, CONTROL_LINE_M)))
        elsewhere = replace(site, area=ground, perimeter_before=None, perimeter_after=None, sub_areas={})
        sought, words = ground, "ground outside the outline, in the same pair"
    else:
        ring = everything.buffer(CONTROL_LINE_M)
        accuracy = min(site.perimeter_accuracy_m, CONTROL_ACCURACY_M)
        elsewhere = replace(site, area=ring, perimeter_before=ring, perimeter_after=ring, perimeter_accuracy_m=accuracy, sub_areas={})
        ground = frame.difference(everything.buffer(CONTROL_LINE_M / 2))
        sought, words = boundary(ring).buffer(CONTROL_ACCURACY_M), f"a line {CONTROL_LINE_M:g} m outside the camp, in the same pair"
    none = (0, 0, 0.0, "none: this pair shows no ground outside the outline, so its false alarms are not measured")
    if ground.is_empty or not (mask_of(sought, before.geobox) & before.valid & after.valid).any():
        return none
    window = _window(sought, before, after)
    result = detector(_crop(before, window), _crop(after, window), elsewhere)
    searched = np.isfinite(result.score) & mask_of(ground, result.geobox)
    if result.status == "not_testable" or not searched.any():
        return none
    # The detector may report at its usual place whatever `site` says; only reports that lie in control ground count.
    inside = [r for r in result.records if ground.contains(r.geometry.centroid)]
    changes, standing = sum(r.change in ("appeared", "removed") for r in inside), sum(r.change in STANDING for r in inside)
    km2 = float(searched.sum()) * abs(float(result.geobox.affine.determinant)) / 1e6
    return changes, standing, km2, f"{words}; real change there counts too, so the density is an upper bound"
