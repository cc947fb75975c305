"""Before, after and change of one pair, drawn alike on every page that shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from shapely.geometry import box
from shapely.ops import unary_union

from camwatch.aoi import LONLAT, reproject
from camwatch.report import panels, style
from camwatch.report.display import Shown, View, cut, in_colour, limits, shown, view_of
from camwatch.report.sheet import DPI, MM, Box

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from camwatch.aoi import Aoi
    from camwatch.findings import Finding, Findings
    from camwatch.imagery.image import Image, Sun
    from camwatch.report.panels import Panel
    from camwatch.report.sheet import Sheet

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
        shapes = [r.geometry for r in self.records if not r.geometry.is_empty]
        frame = box(*self.before.geobox.extent.boundingbox)
        whole = frame if self.outline is None else self.outline
        if whole.intersection(frame).area < LEAST_SHOWN * whole.area:
            whole = frame
        return view_of(unary_union([whole, *shapes]), self.before.geobox, ratios=ratios)


def scene_of(before: Image, after: Image, findings: Mapping[str, Findings], aoi: Aoi | None, *, simulated: bool = False) -> Scene:
    """Bring together what the map panels of a page show; `simulated` where something else on the page is."""
    outline = None if aoi is None else reproject(aoi.camp.geometry, LONLAT, before.geobox.crs)
    rendered = simulated or before.simulated or after.simulated or any(f.simulated for f in findings.values())
    return Scene(before, after, outline, bool(aoi and aoi.nominal), findings, rendered)


def detail_view(scene: Scene, view: View, pixel_m: float) -> tuple[View, bool]:
    """Return the square that holds most change, and whether there is any; without change the middle of the view."""
    width = min(max(view.width / 6, DETAIL_PX * pixel_m), view.width / 2.5)
    records = [r for r in scene.records if r.kind != "perimeter"]
    centre = hot_spot(records, width) or hot_spot(scene.records, width)
    here = centre or (0.5 * (view.left + view.right), 0.5 * (view.bottom + view.top))
    return View.around(*here, width, width), centre is not None


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


def dates(before: Image, after: Image, view: View, width_mm: float) -> Dates:
    """Cut both dates to a view for a panel of a width in millimetres."""
    target, colour = round(width_mm / MM * DPI), in_colour((before, after))
    parts = shown(before, view, target, colour=colour), shown(after, view, target, colour=colour)
    both, apart = limits(parts), (limits(parts[:1]), limits(parts[1:]))
    seen = [span for part, span in zip(parts, apart, strict=True) if part is not None and part.valid.any()]
    contrast = min((float(np.mean((high - low) / (both[1] - both[0]))) for low, high in seen), default=1.0)
    joint = before.calibration == after.calibration and contrast >= LEAST_CONTRAST
    return Dates(parts, (both, both) if joint else apart, joint)


def date_panel(sheet: Sheet, box: Box, scene: Scene, view: View, pair: Dates, *, which: int, labelled: bool = True) -> Panel:
    """Draw one date (`which` 0 or 1): its pixels, the outline, the enclosing line of that date, scale bar, north and sun."""
    target = panels.panel(sheet, box, view, scene.crs)
    panels.image(target, pair.parts[which], pair.spans[which])
    _outline(target, scene)
    days = [image.acquired.date().isoformat() for image in (scene.before, scene.after)]
    for record in _perimeters(scene.records):
        if str(record.measures["date"]) == days[which]:
            panels.stroke(target, record.geometry, panels.perimeter_stroke(record, days[0]))
    _furniture(target, scene, (scene.before, scene.after)[which].sun, labelled=labelled)
    return target


def change_panel(sheet: Sheet, box: Box, scene: Scene, view: View, pair: Dates, *, labelled: bool = True) -> Panel:
    """Draw everything that was found over a pale picture of the later date."""
    target = panels.panel(sheet, box, view, scene.crs)
    panels.image(target, pair.parts[1], pair.spans[1], pale=0.45)
    draw_findings(target, scene)
    _furniture(target, scene, None, labelled=labelled)
    return target


def detail_panel(sheet: Sheet, box: Box, scene: Scene, view: View, pair: Dates, *, which: int) -> Panel:
    """Draw a detail of one date with what was found there as thin outlines, the ground inside left free."""
    target = panels.panel(sheet, box, view, scene.crs)
    panels.image(target, pair.parts[which], pair.spans[which])
    panels.rings(target, [r for r in scene.records if r.kind != "perimeter"], which)
    panels.scale_bar(target)
    if scene.simulated:
        panels.watermark(target)
    return target


def score_panel(sheet: Sheet, box: Box, scene: Scene, view: View, kind: str) -> Panel:
    """Draw the score of one search, white = 0 to black = 1, with its findings."""
    target = panels.panel(sheet, box, view, scene.crs)
    found = scene.findings[kind]
    part = shown_score(found, view, box.width)
    if part is not None:
        grey = np.concatenate([np.repeat(1 - np.clip(part.values, 0, 1) * 0.85, 3, axis=-1), part.valid[..., None]], axis=-1).astype(np.float32)
        panels.pixels(target, grey, part.geobox)
    draw_findings(target, scene)
    _furniture(target, scene, None, labelled=False)
    return target


def shown_score(found: Findings, view: View, width_mm: float) -> Shown | None:
    """Return the part of a score that a panel shows; the largest score of a block, for a mean would hide what is small."""
    plan = cut(found.geobox, view, round(width_mm / MM * DPI))
    if plan is None:
        return None
    rows, cols, step, geobox = plan
    score = found.score[rows, cols]
    valid = np.isfinite(score)
    filled = np.where(valid, score, np.float32(0))
    at = np.arange(0, score.shape[0], step), np.arange(0, score.shape[1], step)

    def most(plane: NDArray[np.generic]) -> NDArray[np.generic]:
        return np.asarray(np.maximum.reduceat(np.maximum.reduceat(plane, at[0], axis=0), at[1], axis=1))

    return Shown(most(filled).astype(np.float32)[..., None], most(valid).astype(bool), geobox)


def draw_findings(target: Panel, scene: Scene) -> None:
    """Draw the outline, both enclosing lines, ground gained and lost, and all objects."""
    _outline(target, scene)
    first_day = scene.before.acquired.date().isoformat()
    lines = _perimeters(scene.records)
    for record in lines:
        panels.stroke(target, record.geometry, panels.perimeter_stroke(record, first_day))
    ids = {id(r) for r in lines}
    panels.marks(target, [r for r in scene.records if id(r) not in ids])


def _outline(target: Panel, scene: Scene) -> None:
    if scene.outline is not None:
        panels.stroke(target, scene.outline, style.OUTLINE_NOMINAL if scene.nominal else style.OUTLINE_TRACED, zorder=2.5)


def _perimeters(records: Sequence[Finding]) -> list[Finding]:
    return [r for r in records if r.kind == "perimeter" and "date" in r.measures]


def _furniture(target: Panel, scene: Scene, sun: Sun | None, *, labelled: bool) -> None:
    panels.scale_bar(target)
    panels.compass(target, sun)
    panels.graticule(target, left=labelled)
    if scene.simulated:
        panels.watermark(target)


def hot_spot(records: Sequence[Finding], width_m: float) -> tuple[float, float] | None:
    """Return the centre of the square of a width that holds most change; None where nothing changed.

    Every changed record in turn is tried as the centre, then the centroid of the changed records inside that square is taken; a tie goes to the
    first record.
    """
    changed = [r for r in records if r.change in {"appeared", "removed", "altered"} and not r.geometry.is_empty]
    if not changed:
        return None
    places = np.array([[r.geometry.centroid.x, r.geometry.centroid.y] for r in changed])
    inside = np.abs(places[:, None] - places[None]).max(axis=2) <= width_m / 2
    best = int(inside.sum(axis=1).argmax())
    x, y = places[inside[best]].mean(axis=0)
    return float(x), float(y)
