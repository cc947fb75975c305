"""Land cover of two dates: ground cleared, built over or laid bare, overgrown, flooded; and when two dates cannot tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camwatch.detect._common import answer, change_probability, coverage, seen_at_both
from camwatch.detect._land_cover import Cover, LandcoverParams, comparable, cover_of, season_gap_days, tells_cover
from camwatch.detect._land_pair import dimmed_in, records_of_pair
from camwatch.detect._land_season import of_its_own
from camwatch.rasters import mask_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.aoi import Site
    from camwatch.findings import Findings
    from camwatch.imagery.image import Image

FINEST_M, COARSEST_M = 4.0, 120.0
"""Pixels for which this search is made: finer ones show roofs, crowns and shadows instead of fields, coarser ones hold several fields each."""
SNOWED_UNDER = 0.5
"""Share of the visible ground under snow from which the pair is said to show snow instead of land."""
MOSTLY = 0.5
"""Share of the visible ground of the site that went with the season, from which the pair is said to show season instead of land."""


def detect_landcover(before: Image, after: Image, site: Site, params: LandcoverParams | None = None) -> Findings:
    """Find where the cover of the ground changed between two dates of one season, and what it became.

    Parameters
    ----------
    before, after : Image
        Registered, on one grid of 4 to 120 m pixels, in their own radiometry. All that is `valid` tells the noise; the site is searched.
    site : Site
    params : LandcoverParams, optional

    Returns
    -------
    Findings
        Of kind `landcover`. Records are polygons: `appeared` is open ground that was none (`class` `cleared`, where vegetation went; `built_or_bare`,
        where open ground turned brighter), `removed` is open ground that went (`vegetated`), `altered` the rest (`water`, `exposed` = water
        went, `other`). The score is the probability of change; NaN where a date shows nothing, or snow. Dates of different seasons, and pixels that
        show no fields, are `not_testable`.

    Raises
    ------
    ValueError
        When the grids differ.

    Notes
    -----
    IR-MAD [1]_ on the bands that both dates have says where the difference exceeds the noise common to both; its probability takes no account of
    size, so patches below the mapping unit are left out. Indices of both dates in one radiometry say what became of a
    patch. Without red and near-infrared bands only `other` is said.

    A harvested field looks like cleared ground, and two dates cannot tell them apart; a series can.

    References
    ----------
    .. [1] A. A. Nielsen, "The regularized iteratively reweighted MAD method for change detection in multi- and hyperspectral data", IEEE TIP 16(2),
       2007, doi:10.1109/TIP.2006.888195
    """
    params = params or LandcoverParams()
    seen = seen_at_both(before, after)
    shared = tuple(name for name in before.bands if name in after.bands)
    score = change_probability(before, after, seen)
    if not FINEST_M <= before.pixel_m <= COARSEST_M:
        return _untold(
            before, after, site, score, f"Land cover is told on pixels of {FINEST_M:g} to {COARSEST_M:g} m; these have {before.pixel_m:.2g} m."
        )
    gap = season_gap_days(before.acquired, after.acquired)
    if gap > params.season_days:
        days = f"{before.acquired:%d %B} and {after.acquired:%d %B}"
        reason = (
            f"The dates are of different seasons ({days}, {gap} days of the year apart): leaves, crops and snow cannot be told from clearing or "
            f"building; a pair within {params.season_days} days of the year, or a series, could."
        )
        return _untold(before, after, site, score, reason)
    planes = _one_radiometry(before, after, shared, seen, score)
    covers = _covers(before, shared, planes)
    snow = seen & (covers[0].snow | covers[1].snow)
    if snow.sum() > SNOWED_UNDER * max(int(seen.sum()), 1):
        return _untold(
            before, after, site, score, f"Snow lies on {snow.sum() / seen.sum():.0%} of the ground at one of the dates: what is under it is not seen."
        )
    seen &= ~snow
    score, firm, season = of_its_own(score, planes, covers, seen, params)
    inside = seen & mask_of(site.area, before.geobox, touched=True)
    share = float((season & inside).sum()) / max(int(inside.sum()), 1)
    if share > MOSTLY:
        return _untold(before, after, site, score, _gone_with_season(share) + " A pair nearer in season, or a series, could tell.")
    records = records_of_pair(before, site, params, score, firm, covers, dimmed_in(shared, *planes))
    return answer(
        "landcover",
        before,
        after,
        site,
        reason=_reason(shared, snow, gap, share),
        records=records,
        observed=coverage(site.area, before.geobox, np.isfinite(score)),
        score=score,
    )


def _one_radiometry(
    before: Image, after: Image, shared: tuple[str, ...], seen: NDArray[np.bool_], score: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return both dates (band, y, x) in the bands they share, comparable; no band where nothing is seen at both, or none is shared."""
    if not shared or not seen.any():
        return before.values[:0], after.values[:0]
    return comparable(before, after, shared, seen, score)


def _covers(before: Image, shared: tuple[str, ...], planes: tuple[NDArray[np.float32], NDArray[np.float32]]) -> tuple[Cover, Cover]:
    if not tells_cover(shared) or not len(planes[0]):
        blank = np.zeros((1, *before.valid.shape), np.float32)
        return cover_of((), blank, reflectance=False), cover_of((), blank, reflectance=False)
    reflectance = before.calibration != "dn"
    return cover_of(shared, planes[0], reflectance=reflectance), cover_of(shared, planes[1], reflectance=reflectance)


def _reason(shared: tuple[str, ...], snow: NDArray[np.bool_], gap: int, season: float) -> str:
    gone = f" {_gone_with_season(season)}" if round(100 * season) else ""
    if not tells_cover(shared):
        return f"Where the ground changed is told, not what it became: that takes a red and a near-infrared band.{gone}"
    under = f"; snow hides {snow.mean():.0%} of the frame" if snow.any() else ""
    return f"Dates {gap} days of the year apart{under}.{gone} Two dates cannot tell a field harvested early from cleared ground; a series could."


def _gone_with_season(share: float) -> str:
    alike = f"On {share:.0%} of the ground all that looked alike changed alike, as with harvest, leaf fall or the level of water"
    return f"{alike}: what changed there besides is not told."


def _untold(before: Image, after: Image, site: Site, score: NDArray[np.float32], reason: str) -> Findings:
    seen = np.isfinite(score)
    observed = coverage(site.area, before.geobox, seen)
    return answer("landcover", before, after, site, reason=reason, records=(), observed=observed, score=score, testable=False)
