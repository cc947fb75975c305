"""What the pages of a pair show, before anything is drawn: the view, the pixels of both dates, the score, the detail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree
from shapely import total_bounds
from shapely.geometry import box

from camwatch.aoi import LONLAT, reproject
from camwatch.imagery.work import for_each
from camwatch.report.display import Shown, View, cut, in_colour, limits, shown, view_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from camwatch.aoi import Aoi
    from camwatch.findings import Finding, Findings
    from camwatch.imagery.image import Image

STRIP = 512
"""Rows of a score that are looked at at a time."""
LEAST_CONTRAST = 0.25
"""A date that fills less than this share of a common stretch would be nearly blank: then each date has its own, and the page says so."""
LEAST_SHOWN = 0.25
"""Share of the outline that the scenes must show for the maps to show all of it; else the maps show the scenes, and their ticks say where."""

DETAIL_PX = 150
"""A detail shows about so many pixels of the grid across: enough to see a tower of eight pixels in its surroundings."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A pair of images with what was found in it, ready to be shown in views.

    Attributes
    ----------
    before, after : Image
    outline : geometry in the CRS of the images, or None
        The AOI's.
    nominal : bool
        How the outline is drawn.
    findings : mapping of kind to Findings
    simulated : bool
        Whether anything shown is rendered.
    """

    before: Image
    after: Image
    outline: BaseGeometry | None
    nominal: bool
    findings: Mapping[str, Findings]
    simulated: bool

    @property
    def crs(self) -> str:
        """The CRS of all panels."""
        return str(self.before.geobox.crs)

    @property
    def records(self) -> tuple[Finding, ...]:
        """All findings, in the order of their kinds."""
        return tuple(r for kind in sorted(self.findings) for r in self.findings[kind].records)

    def view(self, ratios: tuple[float, float] = (0.45, 0.8)) -> View:
        """Return the view that shows the outline and everything that was found; where the scenes show little of the outline, what they show."""
        shapes = [box(*r.geometry.bounds) for r in self.records if not r.geometry.is_empty]
        frame = box(*self.before.geobox.extent.boundingbox)
        whole = frame if self.outline is None else self.outline
        if whole.intersection(frame).area < LEAST_SHOWN * whole.area:
            whole = frame
        return view_of(box(*total_bounds([whole, *shapes])), self.before.geobox, ratios=ratios)


def scene_of(before: Image, after: Image, findings: Mapping[str, Findings], aoi: Aoi | None, *, simulated: bool = False) -> Scene:
    """Bring together what the map panels of a page show; `simulated` where something else on the page is."""
    outline = None if aoi is None else reproject(aoi.camp.geometry, LONLAT, before.geobox.crs)
    rendered = simulated or before.simulated or after.simulated or any(f.simulated for f in findings.values())
    return Scene(before, after, outline, bool(aoi and aoi.nominal), findings, rendered)


def detail_view(scene: Scene, view: View, pixel_m: float) -> tuple[View, bool]:
    """Return the square within the view that holds most change, and whether there is any; without change the middle of the view."""
    width = min(max(view.width / 6, DETAIL_PX * pixel_m), view.width / 2.5, view.height)
    records = [r for r in scene.records if r.kind != "perimeter"]
    centre = hot_spot(records, width) or hot_spot(scene.records, width)
    x, y = centre or (0.5 * (view.left + view.right), 0.5 * (view.bottom + view.top))
    x = min(max(x, view.left + width / 2), view.right - width / 2)
    y = min(max(y, view.bottom + width / 2), view.top - width / 2)
    return View.around(x, y, width, width), centre is not None


def analysis_pixel_m(scene: Scene) -> float:
    """Return the side of the finest pixels that were searched, in metres; the images may be coarser overviews of them."""
    sides = [abs(f.geobox.affine.determinant) ** 0.5 for f in scene.findings.values()]
    return float(min([*sides, scene.before.pixel_m]))


def detail_bounds(before: Image, after: Image, findings: Mapping[str, Findings], aoi: Aoi) -> tuple[float, float, float, float]:
    """Return (left, bottom, right, top) of the detail on the camp page, in the CRS of the images.

    For callers whose `before` and `after` are overviews: load this window on the analysis grid and give it as `detail`.
    """
    scene = scene_of(before, after, findings, aoi)
    view, _ = detail_view(scene, scene.view(), analysis_pixel_m(scene))
    return view.left, view.bottom, view.right, view.top


@dataclass(frozen=True, slots=True, eq=False)
class Dates:
    """The pixels of both dates in one view, with one stretch.

    Attributes
    ----------
    parts : (Shown or None, Shown or None)
        Before and after.
    spans : pair of (low, high)
        What is black and what is white, by date; the same for both where they are alike in unit and brightness.
    joint : bool
        Whether they are.
    """

    parts: tuple[Shown | None, Shown | None]
    spans: tuple[tuple[NDArray[np.float32], NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32]]]
    joint: bool

    @property
    def gaps(self) -> bool:
        """Whether any pixel shown is not observed."""
        return any(part is None or not part.valid.all() for part in self.parts)


def dates(before: Image, after: Image, view: View, width_px: int) -> Dates:
    """Cut both dates to a view for a panel of a width in pixels of paper."""
    target, colour = width_px, in_colour((before, after))
    first, second = for_each(lambda image: shown(image, view, target, colour=colour), (before, after), at_once=True)
    parts = first, second
    both, apart = limits(parts), (limits(parts[:1]), limits(parts[1:]))
    seen = [span for part, span in zip(parts, apart, strict=True) if part is not None and part.valid.any()]
    contrast = min((float(np.mean((high - low) / (both[1] - both[0]))) for low, high in seen), default=1.0)
    joint = before.calibration == after.calibration and contrast >= LEAST_CONTRAST
    return Dates(parts, (both, both) if joint else apart, joint)


def shown_score(found: Findings, view: View, width_px: int) -> Shown | None:
    """Return the part of a score that a panel shows; the largest score of a block, for a mean would hide what is small."""
    plan = cut(found.geobox, view, width_px)
    if plan is None:
        return None
    rows, cols, step, geobox = plan
    most, seen = np.zeros(geobox.shape, np.float32), np.zeros(geobox.shape, bool)
    across = np.arange(0, cols.stop - cols.start, step)
    # A few rows of blocks at a time: the score of a large scene stays on disk.
    deep = max(STRIP // step, 1)
    for first in range(0, geobox.shape[0], deep):
        part = found.score[rows.start + first * step : min(rows.start + (first + deep) * step, rows.stop), cols]
        there, down = np.isfinite(part), np.arange(0, len(part), step)
        for target, plane in ((most, np.where(there, part, np.float32(0))), (seen, there)):
            most_of = plane if step == 1 else np.maximum.reduceat(np.maximum.reduceat(plane, down, axis=0), across, axis=1)
            target[first : first + deep] = most_of
    return Shown(most[..., None], seen, geobox)


def hot_spot(records: Sequence[Finding], width_m: float) -> tuple[float, float] | None:
    """Return the centre of the square of a width that holds most change; None where nothing changed.

    Every changed record in turn is tried as the centre, then the centroid of the changed records inside that square is taken; a tie goes to the
    first record.
    """
    changed = [r for r in records if r.change in {"appeared", "removed", "altered"} and not r.geometry.is_empty]
    if not changed:
        return None
    places = np.array([[r.geometry.centroid.x, r.geometry.centroid.y] for r in changed])
    around = cKDTree(places).query_ball_point(places, width_m / 2, p=np.inf, return_length=True)
    best = places[int(np.argmax(around))]
    x, y = places[np.abs(places - best).max(axis=1) <= width_m / 2].mean(axis=0)
    return float(x), float(y)


def perimeters(records: Sequence[Finding]) -> list[Finding]:
    """Return the enclosing lines of the dates."""
    return [r for r in records if r.kind == "perimeter" and "date" in r.measures]
