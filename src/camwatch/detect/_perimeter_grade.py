"""The traced lines of two dates, and where one of them is no line, why."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from shapely.geometry import Polygon

from camwatch.detect._course_ground import Ground
from camwatch.detect._course_profile import shipped
from camwatch.detect._perimeter_band import BESIDE_M, Band, farther_band, placed_band
from camwatch.detect._perimeter_faded import drawn_once, kept_share
from camwatch.detect._perimeter_grown import grown
from camwatch.detect._perimeter_params import SENSORS_M
from camwatch.detect._trace import Trace, trace_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camwatch.detect._perimeter_params import PerimeterParams
    from camwatch.imagery.image import Image

LEFT_OUT_M = 50.0
"""Longest stretch of an outline from which the line may be farther than the outline is good to."""
WEAK = 0.3
"""Where more of a line is bridged its outline may be farther off than it is stated to be."""
TRACED = "the traced path"
"""How the reasons begin that a trace itself gives."""


def traces_of(
    images: Sequence[Image], bands: Sequence[Band | None], params: PerimeterParams
) -> tuple[list[Band | None], list[Trace | None], list[str]]:
    """Return of each date where the line was sought, its trace if there could be one, and why that is no line, empty where it is one."""
    gsd = max(image.gsd_m for image in images)
    none: list[Trace | None] = [None, None]
    if gsd > params.max_gsd_m:
        why = f"the coarser scene has {gsd:.1f} m pixels; a cleared strip of 6 to 14 m needs {params.max_gsd_m:.1f} m or better"
        return list(bands), none, [why, why]
    first, second = bands
    if first is None or second is None:
        why = "there is no prior outline of the perimeter for both dates; draw one to be searched around"
        return list(bands), none, [why, why]
    grounds = [Ground(image, shipped()) for image in images]
    observed = [band.observed >= params.min_observed_share for band in (first, second)]
    sought = [
        placed_band(ground, band) if seen and band.sought_m > min(band.half_m, params.wide_m) else band
        for ground, band, seen in zip(grounds, (first, second), observed, strict=True)
    ]
    one = one_outline(sought)
    traces: list[Trace | None] = []
    short = []
    for number, (ground, seen) in enumerate(zip(grounds, observed, strict=True)):
        trace, why = None, ""
        if not seen:
            share = f"{sought[number].observed:.0%} of the perimeter's outline; {params.min_observed_share:.0%} is needed"
            why = f"not observed: the scene of {ground.image.acquired.date()} shows {share}"
        else:
            sought[number], trace, why = _sought(ground, sought[number], params, faded=one)
        traces.append(trace)
        short.append(why)
    if not any(short):
        short = _left(images, traces, grounds, sought, params, one=one)
    if not any(short) and gsd > params.max_one_m and drawn_once((first, second)):
        beside = "cannot be told from something beside a line that moved: one outline serves both dates"
        why = f"{TRACED} {beside}, at {gsd:.1f} m pixels; draw a prior of each date"
        short = [why, why]
    if one and all(observed) and any(short):
        return _outgrown(images, grounds, (list(sought), traces, short), params)
    return list(sought), traces, short


def _outgrown(
    images: Sequence[Image], grounds: Sequence[Ground], unchanged: tuple[list[Band | None], list[Trace | None], list[str]], params: PerimeterParams
) -> tuple[list[Band | None], list[Trace | None], list[str]]:
    """Return what was found around one outline, or the enlargement of the earlier date's line where that is sure."""
    band, old = unchanged[0][0], unchanged[1][0]
    if band is None:
        return unchanged
    if old is None or band.drawn is not None or _shortfall(old, grounds[0].sensor_m, params, faded=False):
        return unchanged
    found = grown((grounds[0], grounds[1]), band, old, params)
    if found is None:
        return unchanged
    new, margin = found
    beyond, refused = unchanged[0][1], unchanged
    if beyond is not None and beyond.drawn is None:  # what was looked at in vain counts as searched
        refused = [band, replace(beyond, looked=new.band.looked, sought_m=new.band.sought_m)], unchanged[1], unchanged[2]
    sure = new.gain >= params.min_gain and margin >= params.min_gain_margin and new.gap_m <= params.max_gain_gap_m
    if not sure or new.trace.inferred > params.max_gain_inferred or _shortfall(new.trace, grounds[1].sensor_m, params, faded=True):
        return refused
    both, moved = [band, new.band], [old, new.trace]
    if any(_left(images, moved, grounds, both, params, one=False)):
        return refused
    return [*both], [*moved], ["", ""]


def _sought(ground: Ground, band: Band, params: PerimeterParams, *, faded: bool) -> tuple[Band, Trace | None, str]:
    """Return the band of a date in which its line is seen best, the trace there, and why that is no line, empty where it is one.

    Beside a narrow band in which little is seen, the outline is sought farther away than it is stated to be off.
    """
    trace, why = _searched(ground, band, params, faded=faded)
    well = trace is not None and not why and trace.inferred <= WEAK and trace.faintest >= params.min_seen_share_one
    if well or band.drawn is not None:
        return band, trace, why
    farther = placed_band(ground, farther_band(band, params))
    other, not_there = _searched(ground, farther, params, faded=faded)
    if other is None or not_there or (trace is not None and other.evidence <= trace.evidence):
        return replace(band, sought_m=farther.sought_m, looked=farther.looked), trace, why
    return farther, other, ""


def _searched(ground: Ground, band: Band, params: PerimeterParams, *, faded: bool) -> tuple[Trace | None, str]:
    """Return the trace of a date in a band, if there can be one, and why that is no line, empty where it is one."""
    if why := _astray(ground, band, params):
        return None, why
    trace = trace_line(ground, band, params)
    return trace, _shortfall(trace, ground.sensor_m, params, faded=faded or band.drawn is not None)


def one_outline(bands: Sequence[Band]) -> bool:
    """Return whether both dates were searched around the same outline."""
    first, second = (Polygon(band.ring).exterior for band in bands)
    return bool(first.within(bands[1].shape) and second.within(bands[0].shape))


def _astray(ground: Ground, band: Band, params: PerimeterParams) -> str:
    """Return why the outline of a wide band is nowhere, empty where its place was found or where it is good enough as it is."""
    needed = _at(ground.sensor_m, params.min_margin)
    if band.drawn is None or band.margin >= needed:
        return ""
    where = f"within {band.sought_m:.0f} m the outline is seen at its best place only {band.margin:.3f} better than at another"
    return f"{TRACED} has nothing to follow: {where}, {needed:.3f} is needed; draw an outline good to {params.wide_m - BESIDE_M:.0f} m"


def _at(sensor_m: float, limits: Sequence[float]) -> float:
    """Return a limit that is given for SENSORS_M where a sensor resolves so much."""
    return float(np.interp(np.log(sensor_m), np.log(SENSORS_M), limits))


def _shortfall(trace: Trace | None, sensor_m: float, params: PerimeterParams, *, faded: bool) -> str:
    """Return why a trace is no line, empty where it is one; `faded` where no outline of the date itself tells where the line runs unseen."""
    if trace is None:
        return f"{TRACED} finds no way around: the band lies outside the scene"
    least, most = _at(sensor_m, params.min_evidence), _at(sensor_m, params.max_inferred_share)
    if trace.evidence < least:
        return f"{TRACED} looks like a line by {trace.evidence:.2f} in the mean; {least:.2f} is needed, ground without one comes near that"
    if trace.inferred > most:
        return f"{TRACED} has no evidence of its own along {trace.inferred:.0%}; at most {most:.0%} may be bridged"
    if trace.left_out_m > LEFT_OUT_M:
        return f"{TRACED} leaves out {trace.left_out_m:.0f} m of the outline, a bay or a wedge across whose mouth it ran"
    if faded and trace.faintest < params.min_seen_share_one:
        return f"{TRACED} fades for hundreds of metres on end, the line may have left the band: draw a prior of this date"
    return ""


def _left(
    images: Sequence[Image], traces: Sequence[Trace | None], grounds: Sequence[Ground], bands: Sequence[Band], params: PerimeterParams, *, one: bool
) -> list[str]:
    """Return for each date why the line of the other date may have moved out of its band, empty where it is still there."""
    needed = params.min_kept_share_one if one else params.min_kept_share
    out = []
    for here, there in ((0, 1), (1, 0)):
        line, other = traces[there], traces[here]
        assert line is not None
        assert other is not None
        kept = kept_share((line, other), grounds[here], (bands[there], bands[here]), one_outline=one)
        told = f"keeps {max(0.0, kept):.0%} of what is seen of the line of {images[there].acquired.date()} along 200 m, {needed:.0%} is needed"
        moved = f"{TRACED} {told}: the line may have moved beyond the band, draw a prior of this date"
        out.append("" if kept >= needed else moved)
    return out
