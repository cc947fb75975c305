"""Before, after and change of one pair, drawn alike on every page that shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from camwatch.report import panelfurniture, panelmarks, panels, style
from camwatch.report.legend import LINES, WIDTHS, look_of
from camwatch.report.pairview import Dates, Scene, perimeters
from camwatch.report.placing import perimeter_stroke

if TYPE_CHECKING:
    from camwatch.imagery.image import Sun
    from camwatch.report.display import View
    from camwatch.report.page import Box
    from camwatch.report.panels import Panel
    from camwatch.report.sheet import Sheet


def date_panel(sheet: Sheet, box: Box, scene: Scene, view: View, pair: Dates, *, which: int, labelled: bool = True) -> Panel:
    """Draw one date (`which` 0 or 1): its pixels, the outline, the enclosing line of that date, scale bar, north and sun."""
    target = panels.panel(sheet, box, view, scene.crs)
    panels.image(target, pair.parts[which], pair.spans[which])
    _outline(target, scene)
    days = [image.acquired.date().isoformat() for image in (scene.before, scene.after)]
    for record in perimeters(scene.records):
        if str(record.measures["date"]) == days[which]:
            panelmarks.stroke(target, record.geometry, perimeter_stroke(record, days[0]))
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
    # Patches of land touch: outlines about them would hide what the detail is there to show.
    panelmarks.rings(target, [r for r in scene.records if r.kind in {"structure", "tower"}], which)
    panelfurniture.scale_bar(target)
    if scene.simulated:
        panelfurniture.watermark(target)
    return target


def draw_findings(target: Panel, scene: Scene) -> None:
    """Draw the outline, both enclosing lines, ground gained and lost, and all objects."""
    _outline(target, scene)
    first_day = scene.before.acquired.date().isoformat()
    lines = perimeters(scene.records)
    for record in lines:
        panelmarks.stroke(target, record.geometry, perimeter_stroke(record, first_day))
    ids = {id(r) for r in lines}
    panelmarks.marks(target, [r for r in scene.records if id(r) not in ids])


def _outline(target: Panel, scene: Scene) -> None:
    if scene.outline is not None:
        panelmarks.stroke(target, scene.outline, style.OUTLINE_NOMINAL if scene.nominal else style.OUTLINE_TRACED, zorder=2.5)


def _furniture(target: Panel, scene: Scene, sun: Sun | None, *, labelled: bool) -> None:
    panelfurniture.scale_bar(target)
    panelfurniture.compass(target, sun)
    panelfurniture.graticule(target, left=labelled)
    if scene.simulated:
        panelfurniture.watermark(target)


def sample(sheet: Sheet, x: float, y: float, what: str, which: str) -> None:
    """Draw a sample for the legend: its left side at `x`, its middle at `y`, in millimetres."""
    wide = WIDTHS[what]
    if what == "line":
        line = LINES[which]
        sample = Line2D([x, x + wide], [y, y], color=line.colour, linewidth=line.width, transform=sheet.place)
        sample.set_linestyle((0.0, line.dash) if line.dash else "solid")
        sheet.figure.add_artist(sample)
        return
    if what == "gap":
        sheet.figure.add_artist(_patch(sheet, x, y, wide, (style.NOT_OBSERVED, style.GAP_EDGE, style.GAP_HATCH)))
        return
    look, shape = look_of(what, which)
    if what in {"polygon", "area"}:
        sheet.figure.add_artist(_patch(sheet, x, y, wide, ("none" if look.hollow else look.colour + "38", look.colour, look.hatch)))
        return
    point = panelmarks.mark(x + wide / 2, y, shape, look, 5.5)
    point.set_transform(sheet.place)
    sheet.figure.add_artist(point)


def _patch(sheet: Sheet, x: float, y: float, wide: float, looks: tuple[str, str, str]) -> Rectangle:
    face, edge, hatch = looks
    return Rectangle((x, y - 1.1), wide, 2.2, facecolor=face, edgecolor=edge, hatch=hatch or None, linewidth=0.5, transform=sheet.place)
