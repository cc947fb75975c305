"""Where guard towers are sought: along the lines, how wide, how likely at each place, and how much of the true line that ground holds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import erf
from shapely.ops import unary_union

from camwatch.rasters import mask_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry import LineString
    from shapely.geometry.base import BaseGeometry

    from camwatch.aoi import Site
    from camwatch.detect._tower_model import TowerModel
    from camwatch.imagery.image import Image

TRACED_M = 10.0
"""Accuracy (one standard error) from which a line counts as traced: towers are then likelier on it than beside it."""

BESIDE_M = 15.0
"""Distance to either side of a traced line that is searched: towers stand on a line or within a few metres of it, and so does the tracing."""

PRIOR_M, ERRORS = (25.0, 60.0), 1.5
"""Least and greatest distance to either side of any other line, and how many of its standard errors it is between them."""

OFF_LINE_M = 2.5
"""Standard deviation of a tower's distance from the true line on which it stands."""

ELSEWHERE = 0.5
"""Share of the towers of a band that stand anywhere in it, not on its line."""

POST_M = 8.0
"""Distance to a listed post within which its tower may stand: the analyst's own reading and the registration."""

MOST = 0.95
"""Share of the line from which on the ground searched is taken to hold it."""


@dataclass(frozen=True, slots=True)
class TowerParams:
    """What is searched, and how sure an answer must be.

    Attributes
    ----------
    max_gsd_m : float
        Coarsest ground sample distance that is searched.
    band_m : float or None
        Distance from the line to either side that is searched; None = 15 m of a traced line (one known to 10 m), else one and a half times the
        accuracy of the prior, at least 25 and at most 60 m.
    false_per_km : float
        False reports of a date for each km of line that the level of a report allows, on real ground like that of docs/towers.md.
    link_m : float
        Distance within which the same tower may lie at another date.
    link_chance : float
        Chance that mere clutter within `link_m` passes for a tower that still stands.
    """

    max_gsd_m: float = 1.05
    band_m: float | None = None
    false_per_km: float = 0.15
    link_m: float = 4.0
    link_chance: float = 0.01


def search_band(site: Site, params: TowerParams = TowerParams()) -> BaseGeometry | None:
    """Return the ground that :func:`camwatch.detect.detect_towers` looks at, in the CRS of the site; None without a line and posts."""
    if site.posts:
        return unary_union([post.buffer(POST_M) for post in site.posts])
    lines = _lines(site)
    return unary_union(lines).buffer(_width(site, params)) if lines else None


def along_former(site: Site, params: TowerParams, place: BaseGeometry) -> bool:
    """Return whether a place is searched only because a line ran there before the two dates: beyond the band along the lines of these."""
    if not site.former or site.posts:
        return False
    return bool(place.distance(unary_union(_lines(replace(site, former=())))) > _width(site, params))


def held_share(site: Site, params: TowerParams = TowerParams()) -> float:
    """Return how much of the true line the ground searched holds, 0..1, by the accuracy of what is known of it (normal, one standard error).

    Towers along an outline that is off by more than the band is wide stand elsewhere: not to find them there says nothing.
    """
    if site.posts or site.perimeter_accuracy_m <= 0:
        return 1.0
    return float(erf(_width(site, params) / (np.sqrt(2.0) * site.perimeter_accuracy_m)))


def misplaced(site: Site, params: TowerParams = TowerParams()) -> str:
    """Return in one sentence that the line may run elsewhere than where is searched; empty where it hardly does."""
    held = held_share(site, params)
    if held >= MOST:
        return ""
    return (
        f"The outline is good to {site.perimeter_accuracy_m:.0f} m; guard towers are sought within {_width(site, params):.0f} m of it, "
        f"which holds {100 * held:.0f} % of the line: draw it on an image of the date, or list the posts."
    )


def odds_in(site: Site, params: TowerParams, image: Image, model: TowerModel) -> tuple[tuple[NDArray[np.bool_], NDArray[np.float32]], float]:
    """Return the (y, x) band with what the odds of each place add to its score, and the width in metres of a band without odds that errs as often."""
    area = search_band(site, params)
    assert area is not None
    geobox, width = image.geobox, _width(site, params)
    band, prior = mask_of(area, geobox), np.zeros(geobox.shape, np.float32)
    if site.posts or site.perimeter_accuracy_m > TRACED_M:
        return (band, prior), 2.0 * width
    spread = float(np.hypot(OFF_LINE_M, site.perimeter_accuracy_m))
    line, step = unary_union(_lines(site)), 1.0
    away = np.arange(0.0, width, step) + step / 2.0
    odds = (1.0 - ELSEWHERE) * np.exp(-0.5 * (away / spread) ** 2) / (spread * np.sqrt(2.0 * np.pi)) + ELSEWHERE / (2.0 * width)
    odds /= odds.max()
    # From the edge inwards.
    for distance, share in zip(away[::-1], odds[::-1], strict=True):
        prior[mask_of(line.buffer(min(distance + step / 2.0, width)), geobox)] = np.float32(np.log(share) / model.odds[1])
    slope = model.density(image.pixel_m)[1] / model.odds[1]
    return (band, prior), float(2.0 * step * (odds**slope).sum())


def _width(site: Site, params: TowerParams) -> float:
    """Return the distance to either side of the line that is searched, in metres."""
    if params.band_m is not None:
        return params.band_m
    accuracy = site.perimeter_accuracy_m
    return BESIDE_M if accuracy <= TRACED_M else float(np.clip(ERRORS * accuracy, *PRIOR_M))


def _lines(site: Site) -> list[LineString]:
    """Return all lines to search along, each whole; polygons stand for their boundaries."""
    known = [g for g in (site.perimeter_before, site.perimeter_after) if g is not None]
    # Where no line of the two dates is known, one that is past does not stand for it.
    shapes = [g.boundary if "Polygon" in g.geom_type else g for g in (*known, *(site.former if known else ()))]
    return [line for shape in shapes for line in getattr(shape, "geoms", [shape]) if line.length > 0]
