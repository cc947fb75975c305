"""Guard towers along a perimeter: roofs with the shadow that the sun demands, found at each date and linked between the dates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from shapely.geometry import Point, box

from camwatch.detect._common import answer, coverage
from camwatch.detect._tower_band import POST_M, TowerParams, along_former, held_share, misplaced, odds_in, search_band
from camwatch.detect._tower_frame import LOWEST_DEG, MOST_DOUBT_DEG
from camwatch.detect._tower_model import load_tower_model
from camwatch.detect._tower_series import fate_of, linked
from camwatch.detect._tower_sight import Levels, sight
from camwatch.findings import FORMER_LINE, Finding
from camwatch.imagery.sun import sun_of
from camwatch.rasters import mask_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from camwatch.aoi import Site
    from camwatch.detect._tower_model import TowerModel
    from camwatch.detect._tower_series import Fate, State
    from camwatch.detect._tower_sight import Sight
    from camwatch.findings import Findings
    from camwatch.imagery.image import Image

QUIET = 0.3
"""False towers of real ground for each one of the rendered ground that the calibration knows, which is strewn with what looks like one.

With it 0.17 false ones per km were reported along 41 km of the real grounds on which levels are chosen, and 0.28 along 35 km with towers of another
renderer, where 0.30 are allowed.
"""

UNSURE = 0.35
"""Scores below the one that confirms a tower within which it cannot be told. Of drawn towers none more was given a wrong fate with it than with 0.5,
and 7 % instead of 9 % could not be told; with 0.2 it were 6 %, but real towers are fainter than drawn ones."""


@dataclass(frozen=True, slots=True)
class TowerHistory:
    """One tower over a series of dates.

    Attributes
    ----------
    place : Point in the CRS of the images
    side_m, height_m : float
        Of the sighting that is surest.
    states : tuple of {"stands", "absent", "not_observed"}
        At each date.
    scores : tuple of float
        Probability of a tower at each date; NaN where not observed.
    hidden_by : tuple of str
        Why it was not observed at each date: `no data`, `trees`, `shadow`, `unclear`; empty where it was.
    fate : Fate
    """

    place: Point
    side_m: float
    height_m: float
    states: tuple[State, ...]
    scores: tuple[float, ...]
    hidden_by: tuple[str, ...]
    fate: Fate


def detect_towers(
    before: Image,
    after: Image,
    site: Site,
    params: TowerParams = TowerParams(),  # noqa: B008  (frozen)
    *,
    model: TowerModel | None = None,
) -> Findings:
    """Find guard towers along the perimeter, at each date, and what became of them.

    A small network looks at the band along the line, on half-metre pixels turned so that shadows fall one way, and knows their length for each metre
    of height and how sure the sun is. Along a traced line a place counts less the farther it lies from it. A tower is reported where the score
    passes the level of this resolution. At the other date a lower one confirms it, a still lower one denies it, between the two it cannot be told.
    Along an outline that may be off by more than is searched, `held_share` is what of the true line is likely to lie there, and the reason
    says so.

    Parameters
    ----------
    before, after : Image
        On one GeoBox with a metric CRS, registered; one band or more.
    site : Site
        `perimeter_before` and `perimeter_after`, polygons or lines, are where the lines run; a polygon stands for its boundary. Where the analyst
        lists `posts`, these are measured and nothing is searched for.
    params : TowerParams
    model : TowerModel, optional
        None = the shipped one.

    Returns
    -------
    Findings
        Records `appeared`, `removed`, `unchanged`, or `not_observed` (a tower at one date whose place cannot be told at the other, and a listed post
        at which neither date shows one). Geometry: a square of the estimated side. Measures: `state_before`, `state_after` (`stands`, `absent`,
        `not_observed`), `score_before`, `score_after` (probabilities; absent where not observed), `side_m`, `height_m` (estimates), and `hidden_by`
        (`no data`, `trees`, `shadow`, or `unclear`: too much like a tower to be absent, too little to stand) where something is not observed;
        `along` is `former line` where only a line that the site had before (`Site.former`) is near. A
        record's `score`: the surer of the two. The plane `score` holds it where a tower changed, 0 elsewhere in the band, NaN outside it and where
        not valid at both dates. `not_testable` without a perimeter or posts, with pixels too coarse, or with a sun too low or too little known; a
        sun that the product does not state is computed from the time and the place (:func:`camwatch.imagery.sun.sun_of`).

    Raises
    ------
    ValueError
        The images lie on different grids.
    ConfigError
        The model's file is none.

    Notes
    -----
    What is as tall and as wide as a tower passes for one: a lone tree with a pale crown, a tank, a transformer house. docs/towers.md has the measured
    rates by size and resolution.
    """
    if before.geobox != after.geobox:
        raise ValueError(f"before and after: got grids {before.geobox} and {after.geobox}; expected one, load both on the same GeoBox")
    why_not = _why_not((before, after), site, params)
    if why_not:
        nothing = np.full(before.valid.shape, np.nan, np.float32)
        return answer("tower", before, after, site, reason=why_not, records=(), observed=(0.0, 0.0), score=nothing, testable=False)
    area = search_band(site, params)
    assert area is not None
    band = mask_of(area, before.geobox)
    sights, histories = _followed((before, after), site, params, model or load_tower_model())
    score = np.zeros(band.shape, np.float32)
    records = tuple(_along(_record(number, history, before.geobox, score), site, params) for number, history in enumerate(histories, 1))
    both = before.valid & after.valid & np.isfinite(before.values).all(axis=0) & np.isfinite(after.values).all(axis=0)
    return answer(
        "tower",
        before,
        after,
        site,
        reason=misplaced(site, params),
        records=records,
        observed=coverage(area, before.geobox, both & sights[0].seen & sights[1].seen),
        score=np.where(band & both, score, np.float32(np.nan)),
        tells_standing=True,
        held=held_share(site, params),
    )


def _why_not(images: Sequence[Image], site: Site, params: TowerParams) -> str:
    """Return in one sentence why these images could not show a tower; empty where they could."""
    gsd = max(image.gsd_m for image in images)
    if gsd > params.max_gsd_m:
        return f"{gsd:.3g} m pixels cannot show a 4–6 m tower; it takes {params.max_gsd_m:g} m or finer."
    if search_band(site, params) is None:
        return "No perimeter is known along which to look for towers."
    suns = [(image.scene, sun_of(image)) for image in images]
    vague = [scene for scene, sun in suns if sun.doubt_deg > MOST_DOUBT_DEG]
    if vague:
        return f"The sun's azimuth is unknown for {' and '.join(vague)}: state the time of day; only shadows tell towers from clutter."
    low = [scene for scene, sun in suns if sun.elevation_deg < LOWEST_DEG]
    return f"The sun stands under {LOWEST_DEG:g}° in {' and '.join(low)}; shadows of towers then run into one another." if low else ""


def _followed(images: Sequence[Image], site: Site, params: TowerParams, model: TowerModel) -> tuple[list[Sight], tuple[TowerHistory, ...]]:
    """Return each date's search, and all towers with their histories."""
    geobox, pixel = images[0].geobox, images[0].pixel_m
    ground, weight_m = odds_in(site, params, images[0], model)
    sights = [sight(image, sun_of(image), ground, _levels(image.gsd_m, weight_m, params, model), model) for image in images]
    if site.posts:
        places = [_pixel(post, geobox) for post in site.posts]
        inside = [(at, post) for at, post in zip(places, site.posts, strict=True) if all(0 <= a < n for a, n in zip(at, geobox.shape, strict=True))]
        return sights, tuple(_history(sights, at, POST_M / pixel, model, geobox, post) for at, post in inside)
    chosen = linked([(s.at.astype(np.float64), s.score[tuple(s.at.T)]) for s in sights], params.link_m / pixel)
    spots = sorted((int(row), int(col)) for row, col in (sights[date].at[index] for date, index in chosen))
    return sights, tuple(_history(sights, at, params.link_m / pixel, model, geobox) for at in spots)


def _levels(gsd_m: float, width_m: float, params: TowerParams, model: TowerModel) -> Levels:
    """Return the scores at which false towers are as rare as the user allows: for each km of a band so wide, and within reach of a place."""
    a, b = model.density(gsd_m)

    def at(per_km2: float) -> float:
        return float((a + np.log(QUIET / per_km2)) / b)

    report = at(params.false_per_km / (width_m / 1000.0))
    confirm = min(at(params.link_chance / (np.pi * params.link_m**2 / 1e6)), report)
    return Levels(report, confirm, confirm - UNSURE)


def _pixel(place: Point, geobox: GeoBox) -> tuple[int, int]:
    col, row = ~geobox.affine * (place.x, place.y)
    return int(np.floor(row)), int(np.floor(col))


def _history(  # noqa: PLR0917 all plain
    sights: Sequence[Sight], at: tuple[int, int], reach_px: float, model: TowerModel, geobox: GeoBox, post: Point | None = None
) -> TowerHistory:
    """Return what all dates say of one place."""
    told = [s.state(at, reach_px) for s in sights]
    states, best = tuple(state for state, _, _ in told), int(np.argmax([score for _, score, _ in told]))
    seen = tuple(model.probability(score) if state != "not_observed" else float("nan") for state, score, _ in told)
    hidden = tuple(why for _, _, why in told)
    sizes = [float(plane[at]) for plane in (sights[best].answer.side_m, sights[best].answer.height_m)]
    side, height = (float(np.clip(v, low, high)) if np.isfinite(v) else low for v, low, high in zip(sizes, (2.5, 4.0), (9.0, 14.0), strict=True))
    x, y = geobox.affine * (at[1] + 0.5, at[0] + 0.5)
    return TowerHistory(post or Point(x, y), side, height, states, seen, hidden, fate_of(states))


def _along(record: Finding, site: Site, params: TowerParams) -> Finding:
    """Return a record that says so where it stands along a former line."""
    former = along_former(site, params, record.geometry.centroid)
    return replace(record, measures={**record.measures, "along": FORMER_LINE}) if former else record


def _record(number: int, history: TowerHistory, geobox: GeoBox, plane: NDArray[np.float32]) -> Finding:
    """Return the record of one tower at two dates; mark it in `plane` where it changed."""
    x, y, half = history.place.x, history.place.y, history.side_m / 2
    square = box(x - half, y - half, x + half, y + half)
    measures: dict[str, float | str] = {"side_m": history.side_m, "height_m": history.height_m}
    measures |= dict(zip(("state_before", "state_after"), history.states, strict=True))
    measures |= {name: score for name, score in zip(("score_before", "score_after"), history.scores, strict=True) if np.isfinite(score)}
    measures |= {"hidden_by": " and ".join(sorted({word for word in history.hidden_by if word}))} if any(history.hidden_by) else {}
    known = [score for score in history.scores if np.isfinite(score)]
    score = max(known, default=0.0)
    if history.fate.change in ("appeared", "removed"):
        plane[mask_of(square, geobox, touched=True)] = score
    return Finding(f"tower-{number:04d}", "tower", history.fate.change, square, score, (2 * half) ** 2, measures)
