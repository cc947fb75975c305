"""The standard errors of the area and the length that a traced line encloses, and where it may run elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from shapely.geometry import LineString

from camwatch.detect._course_line import CORNER_M, turning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from camwatch.detect._perimeter_params import PerimeterParams
    from camwatch.imagery.image import Image


ROUNDED_PX = 4.0
"""Pixels on either side of a corner within which it may be rounded."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A stretch that may run elsewhere, bridged without evidence or beside a rival: where, how far aside, what that does to area and length."""

    line: LineString
    aside_m: float
    area_se_m2: float
    length_se_m: float


@dataclass(frozen=True, slots=True)
class Errors:
    """Standard errors of a line: of its area, the part of that which both dates share, of its length, and across it; and the share bridged."""

    area_se_m2: float
    shared_m2: float
    length_se_m: float
    sigma_m: float
    inferred: float


def errors_of(
    image: Image, ring: NDArray[np.float64], gaps: Sequence[Doubt], rivals: Sequence[Doubt], scatter: float, *, length: float, params: PerimeterParams
) -> Errors:
    """Return the standard errors of a closed ring (k, 2) of some length whose points scatter about its course.

    The terms are those of docs/perimeter.md.
    """
    pixel = max(image.pixel_m, image.gsd_m)
    sigma = float(np.sqrt(pixel**2 / 12 + scatter**2 + (params.registration_px * pixel) ** 2))
    doubts = (*gaps, *rivals)
    bridged = sum(gap.line.length for gap in gaps)
    inferred = min(bridged / length, 1.0)
    area_var = sigma**2 * params.correlation_m * max(length - bridged, params.correlation_m)
    area_var += (pixel * (params.common_px + params.bridged_px * inferred) * length) ** 2
    shared = params.definition_m * length
    area_var += shared**2 + sum(doubt.area_se_m2**2 for doubt in doubts)
    # First variation of the length: a lateral error times the turning of its stretch.
    length_var = sigma**2 * float((turning(ring, params.correlation_m) ** 2).sum()) + sum(doubt.length_se_m**2 for doubt in doubts)
    length_var += (2 * np.pi * params.definition_m) ** 2 + (params.detour * inferred * length) ** 2
    # Rounding acts alike on all corners, so that their errors add up.
    reach = 2 * max(CORNER_M, ROUNDED_PX * pixel)
    length_var += float((0.5 * reach * (1 - np.cos(0.5 * turning(ring, reach)))).sum()) ** 2
    across = float(np.hypot(sigma, params.definition_m))
    return Errors(float(np.sqrt(area_var)), shared, float(np.sqrt(length_var)), across, inferred)


def gap_of(ring: NDArray[np.float64], run: NDArray[np.intp], reach_m: float) -> Doubt:
    """Doubt about a bridged stretch: a bow that encloses half its rectangle, or the corner that it cuts where the line turns between its ends."""
    count = len(ring)
    line = LineString(ring[np.r_[run, run[-1] + 1] % count])
    length = line.length
    aside = min(reach_m, length / 2) / float(np.sqrt(3))
    into = ring[run[0]] - ring[(run[0] - 5) % count]
    out = ring[(run[-1] + 6) % count] - ring[(run[-1] + 1) % count]
    turn = min(abs(float(np.arctan2(into[0] * out[1] - into[1] * out[0], into @ out))), 2.4)  # beyond, the two sides would meet far away
    legs, triangle = length * (1 / np.cos(turn / 2) - 1), 0.25 * length**2 * np.tan(turn / 2)
    return Doubt(line, aside, float(np.hypot(0.5 * length * aside, triangle / 2)), float(np.hypot(2 * aside**2 / length, legs / 2)))
