"""Land cover over many dates: followed pixel by pixel where dates are dense, compared by pairs of one season where they are few."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from camwatch.aoi import load_aoi
from camwatch.custody import read_json, write_json
from camwatch.detect import LandcoverParams, detect_landcover
from camwatch.detect._common import answer, coverage
from camwatch.detect._land_breaks import LEAST_DATES
from camwatch.detect._land_cover import LEAST_PX, SEASON_DAYS
from camwatch.detect._land_few import Told, followed, of_season, standing, window_of_shape
from camwatch.detect._land_series import Broken, breaks_of_tile, findings_of_series, gathered
from camwatch.errors import CoverageError, PairError
from camwatch.imagery import Image, pair_geobox
from camwatch.judge import Evidence
from camwatch.pipeline.landareas import AREAS, with_areas
from camwatch.pipeline.landcover import LONGEST_PX, framed, land_grid, within
from camwatch.pipeline.pair import REGISTERED_PX, check_coverage, coarser
from camwatch.pipeline.records import named_apart, read_findings, source_of, write_findings
from camwatch.pipeline.stack import Stack
from camwatch.rasters import mask_of
from camwatch.report import detect_page
from camwatch.scenes import item as scene
from camwatch.scenes import open_scene
from camwatch.scenes.hashes import files_behind, hash_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pystac
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from camwatch.aoi import Aoi, Site
    from camwatch.config import RunConfig
    from camwatch.findings import Finding, Findings
    from camwatch.pipeline.search import Progress
    from camwatch.registration import Registration

BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")
"""Bands that a series is followed in, as far as all its scenes have them."""
GSD_M = 8.0, 40.0
"""Ground sample distances of the sensors that return often enough for a series."""
BRIGHT = 0.4
"""Reflectance of bright ground and leaves, all bands together."""
SUMMER_DAY = 196
"""Day of the year in mid-July, when neither snow nor bare fields are what a scene shows."""
LEAST_SCENES = 3
"""Fewest scenes that say more than a pair."""
TILE_BYTES = 192 * 2**20
"""Of the pixels of all dates that are held at once."""
MOST = 0.5
"""Share of a patch that a later date must show changed to confirm it."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """The findings of a series, with what is shown and told beside them.

    Attributes
    ----------
    findings : Findings
    before, after : Image
        The first and the last date, registered.
    registration : Registration
        Of the last date.
    scenes : tuple of pystac.Item
        That were used, by date.
    left_out : tuple of (scene, reason)
    """

    findings: Findings
    before: Image
    after: Image
    registration: Registration
    scenes: tuple[pystac.Item, ...]
    left_out: tuple[tuple[str, str], ...]


def series_of(items: Sequence[pystac.Item]) -> tuple[pystac.Item, ...]:
    """Return the scenes that make the longest series: of sensors of one resolution and calibration, one a day, rendered and real ones apart."""

    def family(item: pystac.Item) -> tuple[str, float, bool, bool]:
        return scene.calibration(item), round(scene.gsd_m(item) / 10), "swir16" in scene.band_names(item), scene.is_simulated(item)

    fitting = [i for i in items if GSD_M[0] <= scene.gsd_m(i) <= GSD_M[1] and {"red", "nir"} <= set(scene.band_names(i))]
    if not fitting:
        return ()
    often = Counter(family(i) for i in fitting)
    most = max(often, key=lambda key: (often[key], key))
    daily = {scene.acquired(i).date(): i for i in sorted(fitting, key=lambda i: (scene.acquired(i), i.id)) if family(i) == most}
    return tuple(daily[day] for day in sorted(daily))


def detect_series(paths: Sequence[Path], out: Path, *, aoi: str, config: RunConfig, progress: Progress) -> Series:
    """Search three and more products for changes of land cover; write what :func:`write_series` writes.

    Raises
    ------
    PairError
        When fewer than three of them make a series, or fewer than two of those lie on one another.
    """
    items = named_apart([open_scene(path) for path in paths])
    series = series_of(items)
    if len(series) < LEAST_SCENES:
        got = f"{len(series)} of {len(items)} that go together"
        wanted = f"{LEAST_SCENES} days of one sensor family of {GSD_M[0]:g} to {GSD_M[1]:g} m with red and near infrared"
        raise PairError("too few scenes for a series", where=items[0].id, got=got, expected=wanted, remedy="give two scenes, or more of one family")
    apart = [(item.id, "of another sensor family, or of a day that another scene shows") for item in items if item not in series]
    found = write_series(out, series, load_aoi(aoi), config, hashes=hash_files(files_behind(series)), progress=progress)
    return replace(found, left_out=(*found.left_out, *apart))


def write_series(
    folder: Path, items: Sequence[pystac.Item], aoi: Aoi, config: RunConfig, *, hashes: Mapping[Path, str], progress: Progress
) -> Series:
    """Search scenes as :func:`search_series` does; write findings, score, `series.json` and `detect.png` into a folder."""
    found = search_series(items, aoi, config, progress)
    found = replace(found, findings=with_areas(folder, found.findings, config.land_samples))
    progress("drawing", 0, 1)
    findings = {"landcover": found.findings}
    document = {
        "scenes": [{"scene": item.id, "acquired": f"{scene.acquired(item):%Y-%m-%dT%H:%M:%SZ}"} for item in found.scenes],
        "left_out": [{"scene": name, "reason": reason} for name, reason in found.left_out],
        "simulated": found.findings.simulated,
    }
    write_findings(folder, findings)
    write_json(folder / SERIES, document)
    detect_page(
        folder / "detect.png",
        before=found.before,
        after=found.after,
        findings=findings,
        registration=found.registration,
        aoi=aoi,
        generated=config.report_date.isoformat(),
        sources=[source_of(item, hashes, config) for item in (found.scenes[0], found.scenes[-1])],
    )
    return found


def read_series(folder: Path) -> tuple[Evidence, ...]:
    """Read back what :func:`write_series` wrote as evidence for the judge; none where there is no series, or it was refused."""
    if not (folder / SERIES).is_file() or "refused" in read_json(folder / SERIES):
        return ()
    findings = read_findings(folder)
    told = findings["landcover"]
    return (Evidence(NAME, told.acquired, told.gsd_m, findings, simulated=told.simulated, series=True),)


SERIES = "series.json"
NAME = "landcover-series"
"""What verdicts call a series where they name their evidence."""
WRITTEN = ("findings.geojson", "findings.gpkg", "score_landcover.tif", SERIES, AREAS, "detect.png")
"""What :func:`write_series` writes; the areas where reference samples tell them."""


def search_series(items: Sequence[pystac.Item], aoi: Aoi, config: RunConfig, progress: Progress) -> Series:
    """Search scenes of one sensor family, by date, for changes of land cover.

    Every scene is registered to one of summer, near the middle; those that are refused, or show nothing of the ground, are left out and said so.

    Raises
    ------
    PairError
        When fewer than two scenes can be used together.
    """
    for item in items:
        check_coverage(item, aoi.camp.geometry)
    reference = _reference(items, aoi)
    stack, left_out = Stack(reference, aoi, config), []
    for number, item in enumerate(other for other in items if other.id != reference.id):
        progress(f"registering {item.id}", number, len(items))
        if not stack.place(item):
            left_out.append((item.id, stack.unusable.get(item.id) or stack.placed.pop(item.id).link.reason))
    if not stack.placed:
        why = left_out[0][1] if left_out else "no other scene"
        raise PairError("no two scenes of the series lie on one another", where=reference.id, got=why, remedy="add clearer scenes")
    dense = len(stack.placed) + 1 >= LEAST_DATES
    used = tuple(item for item in items if item.id == reference.id or item.id in stack.placed)
    findings, ends, link = (_followed if dense else _by_pairs)(stack, used, aoi, progress)
    return Series(findings, *ends, link, used, tuple(left_out))


def _reference(items: Sequence[pystac.Item], aoi: Aoi) -> pystac.Item:
    """Return the scene nearest to summer, of those the one nearest to the middle of the series: snow hides what others could hold on to."""
    summer = SUMMER_DAY if aoi.camp.geometry.centroid.y >= 0 else SUMMER_DAY - 182
    days = [scene.acquired(item).timetuple().tm_yday for item in items]
    away = [min(abs(day - summer), 365 - abs(day - summer)) // SEASON_DAYS for day in days]
    return items[min(range(len(items)), key=lambda n: (away[n], abs(2 * n - len(items) + 1)))]


def _load(stack: Stack, item: pystac.Item, window: GeoBox, bands: tuple[str, ...]) -> Image:
    """Load a scene of the stack as it lies on the reference; what it does not show is not valid."""
    placed = stack.placed.get(item.id)
    try:
        if placed is None:
            return next(iter(stack.placed.values())).meeting.earlier.load(window, bands)
        return placed.meeting.later.registered(window, placed.link, bands)
    except CoverageError:  # of a series that shows the ground in part, a tile may be without this date
        blank = np.zeros((len(bands), *window.shape), np.float32)
        unseen = np.zeros(window.shape, bool)
        return Image(blank, unseen, bands, window, scene.acquired(item), None, scene.gsd_m(item), "dn", item.id, scene.is_simulated(item))


def _followed(stack: Stack, used: Sequence[pystac.Item], aoi: Aoi, progress: Progress) -> tuple[Findings, tuple[Image, Image], Registration]:
    """Follow every pixel through all dates, tile by tile."""
    bands = tuple(name for name in BANDS if all(name in scene.band_names(item) for item in used))
    native = pair_geobox(stack.reference, stack.reference, aoi.camp.geometry, margin_m=stack.config.margin_m)
    grid = coarser(native, LONGEST_PX)
    days = np.array([scene.acquired(item).date().toordinal() for item in used])
    side = max(int((TILE_BYTES / (4 * len(used) * len(bands))) ** 0.5), 16)
    unit = _unit(_load(stack, stack.reference, grid, bands))
    corners = [(top, left) for top in range(0, grid.shape[0], side) for left in range(0, grid.shape[1], side)]
    chance, parts = np.full(grid.shape, np.nan, np.float32), []
    for number, (top, left) in enumerate(corners):
        progress("following land cover", number, len(corners))
        window = grid[top : min(top + side, grid.shape[0]), left : min(left + side, grid.shape[1])]
        values, valid = _cube(stack, used, window, bands)
        values *= unit
        broken, chance[top : top + side, left : left + side] = breaks_of_tile(days, bands, values, valid)
        parts.append(broken.moved(top, left))
    ends = _load(stack, used[0], grid, bands), _load(stack, used[-1], grid, bands)
    findings = findings_of_series(Broken.joined(parts), chance, ends, len(used), _site(aoi, grid, used))
    if unit != 1.0:
        findings = replace(findings, reason=f"{findings.reason} The values are no reflectance: what ground became is told roughly.")
    return findings, ends, _link(stack, used)


def _unit(image: Image) -> np.float32:
    """Return what brings the values of an image to about reflectance: 1 where they are, else such that bright ground reflects as usual."""
    if image.calibration != "dn" or not image.valid.any():
        return np.float32(1.0)
    return np.float32(BRIGHT / max(float(np.quantile(image.values[:, image.valid], 0.98)), 1e-6))


def _cube(stack: Stack, used: Sequence[pystac.Item], window: GeoBox, bands: tuple[str, ...]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    values = np.empty((len(used), len(bands), *window.shape), np.float32)
    valid = np.empty((len(used), *window.shape), bool)
    for number, item in enumerate(used):
        image = _load(stack, item, window, bands)
        values[number], valid[number] = image.values, image.valid & np.isfinite(image.values).all(axis=0)
    return values, valid


def _site(aoi: Aoi, grid: GeoBox, used: Sequence[pystac.Item]) -> Site:
    first, last = (scene.acquired(item).date() for item in (used[0], used[-1]))
    return aoi.site(grid.crs, first, last)


def _link(stack: Stack, used: Sequence[pystac.Item]) -> Registration:
    """Return how the last date lies on the reference; where it is the reference, how the first does."""
    name = used[-1].id if used[-1].id in stack.placed else used[0].id
    return stack.placed[name].link


def _by_pairs(stack: Stack, used: Sequence[pystac.Item], aoi: Aoi, progress: Progress) -> tuple[Findings, tuple[Image, Image], Registration]:
    """Compare each date with those of its season in earlier years, and hear all pairs together."""
    pairs = [(early, later) for number, later in enumerate(used) for early in of_season(used[:number], later, scene.acquired)]
    bands = tuple(name for name in scene.band_names(stack.reference) if all(name in scene.band_names(item) for item in used))
    margin_m = max(stack.config.margin_m, REGISTERED_PX / 2 * scene.gsd_m(stack.reference))
    grid = land_grid(pair_geobox(stack.reference, stack.reference, aoi.camp.geometry, margin_m=margin_m))
    found = []
    for number, pair in enumerate(pairs):
        progress("comparing land cover", number, len(pairs))
        before, after = (_load(stack, item, grid, bands) for item in pair)
        found.append(detect_landcover(before, after, framed(_site(aoi, grid, pair), grid)))
    ends = _load(stack, used[0], grid, bands), _load(stack, used[-1], grid, bands)
    site = _site(aoi, grid, (used[0], used[-1]))
    told = within(_together(found, ends, framed(site, grid), len(used)), site)
    alone = sum(record.measures["confirmed"] == "no" for record in told.records)
    if alone:
        rest = f"{alone} of {len(told.records)} patches rest on one date alone: a field left bare for a year looks like cleared ground"
        told = replace(told, reason=f"{told.reason} {rest}.")
    return told, ends, _link(stack, used)


def _together(found: Sequence[Findings], ends: tuple[Image, Image], site: Site, dates: int) -> Findings:
    """Return the findings of several pairs on one grid as those of one series, as far as the pairs bear one another out."""
    first, last = ends
    searched = [f for f in found if f.status == "searched"]
    few = f"{dates} dates, too few to follow pixels through the seasons (that takes {LEAST_DATES})"
    score = np.full(first.geobox.shape, np.nan, np.float32)
    for one in searched:
        score = np.fmax(score, np.asarray(one.score))
    if not searched:
        why = f"{few}, and no two of them can be compared: {found[0].reason}" if found else f"{few}, and no two of them are of one season."
        return answer("landcover", first, last, site, reason=why, records=(), observed=(0.0, 0.0), score=score, testable=False)
    told = [Told.of(one) for one in searched]
    broken, again = standing(told)
    unseen = ~followed(told)
    unseen[broken.row, broken.col] = False
    score[unseen] = np.nan
    records = gathered(broken, first.geobox, max(LEAST_PX, round(LandcoverParams().least_area_m2 / first.pixel_m**2)))
    records = tuple(_confirmed(record, again, first.geobox) for record in records)
    reason = f"{few}: {len(searched)} pairs of one season were compared, and what a longer one denies is left out."
    seen = coverage(site.area, first.geobox, np.isfinite(score))
    return answer("landcover", first, last, site, reason=reason, records=records, observed=seen, score=score)


def _confirmed(record: Finding, again: NDArray[np.bool_], grid: GeoBox) -> Finding:
    """Return a patch that says whether most of it is changed at a later date as well."""
    rows, cols = window_of_shape(record.geometry, grid)
    inside = mask_of(record.geometry, grid[rows, cols])
    shown = bool(again[rows, cols][inside].mean() > MOST) if inside.any() else False
    return replace(record, measures={**record.measures, "confirmed": "yes" if shown else "no"})
