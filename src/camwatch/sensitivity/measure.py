"""How well a pair would have shown a change: known objects are planted into it and searched for, and control ground tells the false alarms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from shapely import STRtree, union_all

from camwatch.rasters import mask_of
from camwatch.render import plant
from camwatch.sensitivity.places import BATCHES, free_ground, scatter
from camwatch.sensitivity.record import Sensitivity
from camwatch.sensitivity.remains import remains_of
from camwatch.sensitivity.windows import CONTROL_LINE_M, control_site, control_windows, frame_of, lines_of, planting_window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox
    from shapely.geometry.base import BaseGeometry

    from camwatch.aoi import Site
    from camwatch.findings import Finding, Findings
    from camwatch.imagery.image import Image
    from camwatch.sensitivity.places import Kind

    Detector = Callable[[Image, Image, Site], Findings]
    Planter = Callable[..., Image]

TOLERANCE_M: dict[Kind, float] = {"structure": 2.0, "tower": 2.5}
"""How far from the footprint a report's centroid may lie; never less than two pixels."""

STANDING = ("appeared", "unchanged", "altered")
"""Reports of an object that stands at the later date."""


def measure(
    before: Image,
    after: Image,
    site: Site,
    *,
    kind: Kind,
    detector: Detector,
    sizes_m: Sequence[float],
    per_size: int = 24,
    seed: int,
    control: Iterable[tuple[Image, Image]] | None = None,
    planter: Planter = plant,
) -> Sensitivity:
    """Measure the probability of detection by object size, and the density of false alarms, of one registered pair.

    Objects are rendered into the later image at random free places (buildings inside the site, towers along its enclosing lines), the pair is
    searched, and an object counts as found when a report of something that appeared covers it. Then they are rendered into the earlier image, and
    into the later one what such an object leaves (:mod:`camwatch.sensitivity.remains`): so they stood and are gone, and a report of something removed
    must cover them. False alarms are what the same search reports in ground outside the site.

    Parameters
    ----------
    before, after : Image
        On one GeoBox with a metric CRS, registered and radiometrically normalised. Not written to. What is larger than a window is cut to the one
        that :func:`~camwatch.sensitivity.windows.planting_window` chooses.
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
    control : iterable of (Image, Image), optional
        The same pair in parts where nothing is claimed, for scenes that are too large to be given whole (see
        :func:`~camwatch.sensitivity.windows.control_windows`); without it such ground is looked for in `before` and `after`.
    planter : callable (image, solids, *, seed) -> Image
        Draws the objects.

    Returns
    -------
    Sensitivity

    Notes
    -----
    A measurement costs six searches of at most 800 × 800 pixels: the pair as it is, four planted ones, and the control ground; of the control line
    of towers up to sixteen such parts are searched. Reports in control ground may be real change, so their density is an upper bound of the false
    alarms; without control ground it is not measured, since the site's own ground cannot tell a false alarm from what is claimed. A pair of one image
    with itself would give a lower bound, and a verdict needs an upper one.
    """
    sizes = tuple(sorted(float(s) for s in sizes_m))
    nothing = (0,) * len(sizes)
    window = planting_window(before.geobox, site, kind, before.valid & after.valid)
    if window is None:
        return Sensitivity(kind, sizes, nothing, nothing, 0, 0.0, "not measured: this pair shows nothing of the site")
    first, second = _crop(before, window), _crop(after, window)
    plain = detector(first, second, site)
    if plain.status == "not_testable":
        return Sensitivity(kind, sizes, nothing, nothing, 0, 0.0, f"not measured: {plain.reason}")
    rng, after_razing = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    solids = scatter(kind, sizes, per_size, free_ground(kind, site.area if kind == "structure" else lines_of(site), first, second, plain), rng)
    planted, found, razed, standing = (np.zeros(len(sizes), int) for _ in range(4))
    tolerance = max(TOLERANCE_M[kind], 2 * first.pixel_m)
    for batch in range(BATCHES):
        part = [s for b, s in solids if b == batch]
        if not part:
            continue
        footprints, index = [s.footprint for s in part], np.array([sizes.index(s.length_m) for s in part])
        built = detector(first, planter(second, part, seed=int(rng.integers(2**31))), site)
        left = [piece for solid in part for piece in remains_of(solid, after_razing)]
        razed_ground = planter(second, left, seed=int(after_razing.integers(2**31))) if left else second
        cleared = detector(planter(first, part, seed=int(rng.integers(2**31))), razed_ground, site)
        planted += np.bincount(index, minlength=len(sizes))
        for hits, result, changes in ((found, built, ("appeared",)), (standing, built, STANDING), (razed, cleared, ("removed",))):
            covered = matched(footprints, [r for r in result.records if r.change in changes], tolerance)
            np.add(hits, np.bincount(index[covered], minlength=len(sizes)), out=hits)
    alarms = false_alarms(((before, after),) if control is None else control, site, kind=kind, detector=detector)
    return Sensitivity(
        kind,
        sizes,
        tuple(map(int, planted)),
        tuple(map(int, found)),
        alarms.changes,
        alarms.km2,
        alarms.control,
        standing_found=tuple(map(int, standing)) if plain.tells_standing else (),
        standing_false=alarms.standing if plain.tells_standing else None,
        removed_found=tuple(map(int, razed)),
        false_removed=alarms.removed,
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


def _crop(image: Image, window: GeoBox) -> Image:
    col, row = ~image.geobox.affine * (window.affine.c, window.affine.f)
    top, left = round(row), round(col)
    rows, cols = slice(top, top + window.shape[0]), slice(left, left + window.shape[1])
    return replace(image, values=image.values[:, rows, cols].copy(), valid=image.valid[rows, cols].copy(), geobox=window)


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """What a search reports where nothing is claimed.

    Attributes
    ----------
    changes : int
        Reports of something that appeared or was removed.
    removed : int
        Those of something removed.
    standing : int
        Reports of something that stands at the later date.
    km2 : float
        Control ground that was searched; 0 = none, and then nothing was measured.
    control : str
        What that ground is, in words.
    """

    changes: int
    removed: int
    standing: int
    km2: float
    control: str

    @property
    def per_km2(self) -> float | None:
        """Density of reported changes; an upper bound, since real change counts too; None without control ground."""
        return self.changes / self.km2 if self.km2 > 0 else None


def false_alarms(control: Iterable[tuple[Image, Image]], site: Site, *, kind: Kind, detector: Detector) -> FalseAlarms:
    """Search ground outside the site, and count what is reported there.

    Parameters
    ----------
    control : iterable of (Image, Image)
        The pair whole, or parts of it, one looked at after the other; ground that two of them show counts once.
    site, kind, detector
        As for :func:`measure`.
    """
    changes = removed = standing = 0
    km2, seen = 0.0, list["BaseGeometry"]()
    for before, after in control:
        for window in control_windows(before.geobox, site, kind, before.valid & after.valid):
            elsewhere, ground = control_site(site, kind, frame_of(window).difference(union_all(seen)))
            seen.append(frame_of(window))
            result = detector(_crop(before, window), _crop(after, window), elsewhere)
            searched = np.isfinite(result.score) & mask_of(ground, result.geobox)
            if result.status == "not_testable" or not searched.any():
                continue
            # A detector may report at its usual place whatever `site` says; only reports that lie in control ground count.
            told = [r.change for r in result.records if ground.contains(r.geometry.centroid)]
            changes += sum(change in {"appeared", "removed"} for change in told)
            removed += told.count("removed")
            standing += sum(change in STANDING for change in told)
            km2 += float(searched.sum()) * abs(float(result.geobox.affine.determinant)) / 1e6
    if not km2:
        return FalseAlarms(0, 0, 0, 0.0, "none: this pair shows no ground outside the outline")
    where = "ground outside the outline" if kind == "structure" else f"a line {CONTROL_LINE_M:g} m outside the camp"
    return FalseAlarms(changes, removed, standing, km2, f"{where}, in the same pair; real change there counts too, so the density is an upper bound")
