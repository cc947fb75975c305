"""Land cover: labelled pairs, seasons, published pixel series, and the cost of a dense series.

    python benchmarks/landcover.py [PART …] [--seeds 10] [--dates 75 150 300] [--side 500]

taizhou    a labelled Landsat pair: Cohen's kappa of the pixels at the default probability, and of the polygons
dates      published pixel series: days of breaks against the published ones, in clear observations, and the series of which nothing is known
seasons    rendered ground seen in July and November, and twice in July: polygons by class, with the gate of seasons and without it
harvest    a rendered valley, pairs about green-up and harvest: what is reported though nothing changed, and what of planted changes is found
rare       the same valley with ground of a kind that lies at one place, or at nine, and was laid bare in part or all
few        the valley in series of six to nine dates: all pairs together, what stands when they are heard together, and what a later date confirms
dense      rendered series with known changes under cloud, haze and snow: found, dated, falsely reported, by seed
archive    NAIP over wetlands (nothing built) and Landsat over a growing city and a wandering river: area by class
cost       seconds and largest memory of following every pixel, by number of dates, each in a process of its own

Real data are read where they lie and are not part of this repository: CAMWATCH_TEST_DATA names the folder that holds `data/`, by default `shared`
beside the checkout. Rendered ground is that of `camwatch.render.land`.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely import union_all
from shapely.geometry import box
from skimage.io import imread

import _land_valley as valley
from _land_rare import show_rare
from _land_rendered import DAYS, EVENTS, SIDE, ground, image, site, truth_on
from camwatch.detect import LandcoverParams, detect_land_series, detect_landcover
from camwatch.detect._land_breaks import find_breaks
from camwatch.detect._land_cover import LEAST_PX
from camwatch.detect._land_few import Told, followed, of_season, standing
from camwatch.detect._land_gather import gathered
from camwatch.detect._land_series import breaks_of_tile
from camwatch.imagery import Image
from camwatch.rasters import mask_of
from camwatch.render.land import BANDS

DATA = Path(os.environ.get("CAMWATCH_TEST_DATA", Path(__file__).resolve().parents[2] / "shared")) / "data"
PARTS = ("taizhou", "dates", "seasons", "harvest", "rare", "few", "dense", "archive", "cost")
JULIAN = 1721425
FIRST_SEED = 101
SERIES = ("sample_1", "sample_2", "sample_WA_grid08_row999_col1_normal")
UNKNOWN = ("sample_WA_grid08_row12_col2265_fmask_fail", "sample_WA_grid08_row9_col2267_persistent_snow")
BITS = {1: 0, 2: 1, 3: 2, 4: 3, 5: 4}  # pixel_qa of Landsat ARD: clear, water, shadow, snow, cloud


def opened(path: Path, names: tuple[str, ...], day: str, crs: str | None = None, gsd_m: float | None = None) -> Image:
    """Return all bands of a raster as an image of digital numbers."""
    with rasterio.open(path) as file:
        values, grid = file.read().astype(np.float32), GeoBox(file.shape, file.transform, str(crs or file.crs))
    if gsd_m is not None:
        grid = GeoBox(grid.shape, Affine(gsd_m, 0, 5e5, 0, -gsd_m, 9e6), "EPSG:32718")
    taken = datetime.fromisoformat(f"{day}T02:00:00+00:00")
    return Image(values, values.sum(axis=0) > 0, names, grid, taken, None, gsd_m or abs(grid.affine.a), "dn", path.name)


def by_class(found: object) -> str:
    """Return area and number of polygons by class."""
    records = found.records  # type: ignore[attr-defined]
    counts = Counter(str(r.measures["class"]) for r in records)
    return (
        ", ".join(f"{n} {name} {sum(r.area_m2 for r in records if r.measures['class'] == name) / 1e6:.2f} km²" for name, n in counts.items())
        or "none"
    )


def kappa(said: np.ndarray, truth: np.ndarray) -> float:
    """Return Cohen's kappa."""
    chance = said.mean() * truth.mean() + (1 - said.mean()) * (1 - truth.mean())
    return float(((said == truth).mean() - chance) / (1 - chance))


def show_taizhou() -> None:
    """Print kappa on the labelled pair."""
    folder = DATA / "pairs" / "landsat_taizhou"
    if not folder.is_dir():
        print(f"\nno labelled pair at {folder}: set CAMWATCH_TEST_DATA")
        return
    before, after = opened(folder / "2000TM", BANDS, "2000-03-17"), opened(folder / "2003TM", BANDS, "2003-02-06")
    changed, unchanged = (imread(folder / name) > 0 for name in ("change.bmp", "unchanged.bmp"))
    labelled, found = changed | unchanged, detect_landcover(before, after, site(before.geobox))
    polygons = mask_of(union_all([r.geometry for r in found.records]), before.geobox)
    pixels = np.asarray(found.score) >= LandcoverParams().probability
    values = [kappa(plane[labelled], changed[labelled]) for plane in (pixels, polygons)]
    print(f"\n| Taizhou | kappa |\n| --- | --- |\n| pixels | {values[0]:.3f} |\n| polygons | {values[1]:.3f} |\n\n{by_class(found)}")


def pixel_series(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return days, reflectance (date, band, 1) and clear (date, 1) of a published series, one observation a day."""
    if path.suffix == ".npy":
        held = np.load(path, allow_pickle=True)[1]  # data of the named folder only
        quality = np.full(len(held["dates"]), 255)
        for bit, code in BITS.items():
            quality[(held["qas"].astype(int) >> bit) & 1 == 1] = code
        bands = np.stack([held[name] for name in ("blues", "greens", "reds", "nirs", "swir1s", "swir2s")], axis=1).astype(int)
        shown = quality < 255
        days, first = np.unique(np.asarray(held["dates"])[shown], return_index=True)
        bands, quality = bands[shown][first], quality[shown][first]
    else:
        table = np.genfromtxt(path, delimiter=",", encoding="utf-8-sig").astype(int)
        days, bands, quality = table[:, 0], table[:, 1:7], table[:, 8]
        days = days - JULIAN if days[0] > 2_000_000 else days
    clear = (quality <= 1) & (bands > 0).all(axis=1) & (bands < 10_000).all(axis=1)
    return days.astype(float), (bands / 1e4).astype(np.float32)[:, :, None], clear[:, None]


def show_dates() -> None:
    """Print when published series break."""
    folder = DATA / "series" / "ts_pyccd"
    if not folder.is_dir():
        print(f"\nno published series at {folder}: set CAMWATCH_TEST_DATA")
        return
    print("\n| series | dates | clear | answer |\n| --- | --- | --- | --- |")
    for path in [*sorted(folder.glob("sample*.csv")), folder / "test_3657_3610_observations.csv", *sorted(folder.glob("*.npy"))]:
        days, values, clear = pixel_series(path)
        found, chance = find_breaks(days, values, clear, floor=0.004)
        dated = ", ".join(
            f"{date.fromordinal(int(days[a]))}/{date.fromordinal(int(days[b]))}" for a, b in zip(found.without, found.first, strict=True)
        )
        said = "too few clear observations: no answer" if np.isnan(chance[0]) else dated or "no break"
        print(f"| {path.stem[-44:]} | {len(days)} | {int(clear.sum())} | {said} |")
        if "3657" in path.stem:
            # The reference counts days from the year 0; its segments of one observation are gaps.
            table = np.genfromtxt(folder / "test_3657_3610_coefficients.csv", delimiter=",")[:, :2].astype(int) - 366
            starts = np.unique(table[table[:, 1] > table[:, 0], 0])[1:]
            seen = days[clear[:, 0]]
            for start in starts:
                off = np.searchsorted(seen, days[found.first]) - np.searchsorted(seen, start)
                near = off[np.argmin(np.abs(off))]
                print(f"|  published {date.fromordinal(int(start))} | | | nearest break {near:+d} observations |")


def show_seasons(seeds: int) -> None:
    """Print what two seasons give."""
    july, later, november = date(2006, 7, 20), date(2008, 7, 11), date(2008, 11, 9)
    print("\n| seed | July, November | without the gate | July, July |\n| --- | --- | --- | --- |")
    for seed in range(seeds):
        cover = ground(seed)
        first, second, third = image(july, cover, seed), image(november, cover, seed), image(later, cover, seed)
        gated = detect_landcover(first, second, site())
        loose = detect_landcover(first, second, site(), LandcoverParams(season_days=183))
        print(f"| {seed} | {gated.status}: {by_class(gated)} | {by_class(loose)} | {by_class(detect_landcover(first, third, site()))} |", flush=True)


def show_harvest(seeds: int) -> None:
    """Print what pairs about green-up and harvest give; seeds from 101 on, since thresholds were chosen on others."""
    print("\n| seed | days | observed | reported away from changes, km² of 92 | found |\n" + "| --- " * 5 + "|")
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        changes = valley.planted(seed, valley.CHANGED)
        for one, other in valley.PAIRS:
            before, after = valley.seen(seed, date(2010, *one), changes), valley.seen(seed, date(2011, *other), changes, offset_m=(5.0, -4.0))
            found = detect_landcover(before, after, valley.SITE)
            wrong, right = valley.in_words(*valley.score(found.records, np.isfinite(found.score), changes))
            days = f"{before.acquired:%d %b}, {after.acquired:%d %b}"
            print(f"| {seed} | {days} | {found.observed_share:.2f} {found.status} | {wrong} | {right} |", flush=True)


def show_few(seeds: int) -> None:
    """Print what short series give, seeds from 101 on."""
    print("\n| seed | series | pairs | | reported away from changes, km² of 92 | found |\n" + "| --- " * 6 + "|")
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        changes = valley.planted(seed, valley.CHANGED)
        for name, days in valley.SERIES.items():
            images = []
            for number, day in enumerate(date.fromisoformat(text) for text in days):
                images.append(valley.seen(seed, day, changes, offset_m=(4.0 * (-1) ** number, 3.0 * (-1) ** (number // 2))))
            pairs = [(early, late) for n, late in enumerate(images) for early in of_season(images[:n], late, lambda image: image.acquired)]
            found = [f for f in (detect_landcover(*pair, valley.SITE) for pair in pairs) if f.status == "searched"]
            told = [Told.of(one) for one in found]
            broken, again = standing(told)
            stand = gathered(broken, valley.GRID, LEAST_PX)
            sure = [r for r in stand if again[mask_of(r.geometry, valley.GRID)].mean() > 0.5]
            for what, records in (("all pairs", [r for f in found for r in f.records]), ("stands", stand), ("confirmed", sure)):
                wrong, right = valley.in_words(*valley.score(records, followed(told), changes))
                print(f"| {seed} | {name} | {len(found)} | {what} | {wrong} | {right} |", flush=True)


def show_dense(seeds: int) -> None:
    """Print how changes in rendered series are found and dated."""
    print("\n| seed | change | polygons | found | area | bracket | holds the day |\n" + "| --- " * 7 + "|")
    for seed in range(seeds):
        cover = ground(seed)
        images = [image(day, truth_on(day, cover), seed, clear=0.75, snowy=True, spikes=0.01, blind=0.2) for day in DAYS]
        found, taken = detect_land_series(images, site()), set()
        for event in EVENTS:
            place = box(5e5 + 30 * event.cols.start, 4.6e6 - 30 * event.rows.stop, 5e5 + 30 * event.cols.stop, 4.6e6 - 30 * event.rows.start)
            over = [r for r in found.records if r.geometry.intersects(place.buffer(-15))]
            taken |= {r.id for r in over}
            share = sum(r.geometry.intersection(place).area for r in over) / place.area
            spans = [(str(r.measures["last_date_without"]), str(r.measures["first_date_with"])) for r in over]
            holds = all(a < event.day.isoformat() <= b for a, b in spans) if spans else False
            days = "; ".join(f"{a} to {b}" for a, b in spans)
            classes = ", ".join(sorted({str(r.measures["class"]) for r in over}))
            area = sum(r.area_m2 for r in over)
            print(f"| {seed} | {event.name} {event.day} | {len(over)} {classes} | {share:.2f} | {area:.0f} m² | {days} | {holds} |")
        false = [r for r in found.records if r.id not in taken]
        print(f"| {seed} | elsewhere | {len(false)} | | {sum(r.area_m2 for r in false):.0f} m² | | |", flush=True)


def show_archive() -> None:
    """Print what real archives give."""
    naip, pucallpa = DATA / "series" / "naip_nd", DATA / "series" / "landsat_pucallpa"
    if not naip.is_dir():
        print(f"\nno archive at {naip}: set CAMWATCH_TEST_DATA")
        return
    print("\n| pair | polygons |\n| --- | --- |")
    names = ("red", "green", "blue", "nir")
    dates = {"2009": "20090818", "2010": "20100629", "2014": "20140720"}
    years = {}
    for year, day in dates.items():
        whole = opened(naip / f"m_4709963_se_14_1_{day}.tif", names, f"{day[:4]}-{day[4:6]}-{day[6:]}")
        years[year] = replace(
            whole,
            values=whole.values[:, :723].copy(),
            valid=whole.valid[:723].copy(),
            geobox=GeoBox((723, 934), Affine(5, 0, 485_900, 0, -5, 5_209_245), "EPSG:26914"),
        )
    for one, other in (("2009", "2010"), ("2010", "2014"), ("2009", "2014")):
        found = detect_landcover(years[one], years[other], site(years[one].geobox))
        print(f"| NAIP {one}, {other} | {found.status}: {by_class(found)} |")
    bands = ("swir16", "nir", "red", "green")
    rasters = {year: opened(pucallpa / f"{year}.tif", bands, f"{year}-08-01", gsd_m=90.0) for year in (1985, 2000, 2015)}
    for one, other in ((1985, 2000), (2000, 2015), (1985, 2015)):
        found = detect_landcover(rasters[one], rasters[other], site(rasters[one].geobox))
        print(f"| Pucallpa {one}, {other} | {found.status}: {by_class(found)} |")


def show_cost(dates: list[int], side: int) -> None:
    """Print seconds and memory by number of dates; tiles are as large as `camwatch detect` makes them."""
    print(f"\n{side}², {side * side * 900 / 1e6:.0f} km² at 30 m, {len(BANDS)} bands\n")
    print("| dates | tile | s | CPU s | µs CPU per pixel and date | peak MB |\n" + "| --- " * 6 + "|")
    for count in dates:
        told = subprocess.run([sys.executable, __file__, "--alone", str(count), str(side)], check=True, capture_output=True, text=True)
        print(told.stdout.strip(), flush=True)


def alone(count: int, side: int) -> None:
    """Follow a rendered grid of so many dates, tile by tile, and print the row."""
    from camwatch.pipeline.landdense import TILE_BYTES

    tile = min(max(int((TILE_BYTES / (4 * count * len(BANDS))) ** 0.5), 16), side)
    rng = np.random.default_rng(count)
    days = np.array([date(2000, 1, 5).toordinal() + 16 * n for n in range(count)])
    courses = np.stack([image(date.fromordinal(int(day)), ground(1)).values.reshape(len(BANDS), -1)[:, ::SIDE] for day in days]).astype(np.float32)
    wall = cpu = 0.0
    for top in range(0, side, tile):
        for left in range(0, side, tile):
            shape = min(tile, side - top), min(tile, side - left)
            values = courses[:, :, rng.integers(0, courses.shape[2], shape)]
            values += rng.standard_normal(values.shape, np.float32) * np.float32(0.008)
            valid = rng.random((count, *shape)) < 0.7
            start = time.perf_counter(), time.process_time()
            breaks_of_tile(days, BANDS, values, valid)
            wall, cpu = wall + time.perf_counter() - start[0], cpu + time.process_time() - start[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {count} | {tile}² | {wall:.0f} | {cpu:.0f} | {cpu / side / side / count * 1e6:.2f} | {peak:.0f} |")


def main() -> None:
    """Print the tables that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all without one")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--dates", type=int, nargs="*", default=[75, 150, 300])
    parser.add_argument("--side", type=int, default=500)
    parser.add_argument("--alone", type=int, nargs=2, metavar=("DATES", "SIDE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        alone(*options.alone)
        return
    calls = {
        "taizhou": show_taizhou,
        "dates": show_dates,
        "harvest": lambda: show_harvest(options.seeds),
        "rare": lambda: show_rare(range(FIRST_SEED, FIRST_SEED + options.seeds)),
        "few": lambda: show_few(options.seeds),
        "seasons": lambda: show_seasons(options.seeds),
        "dense": lambda: show_dense(options.seeds),
        "archive": show_archive,
        "cost": lambda: show_cost(options.dates, options.side),
    }
    unknown = sorted(set(options.parts) - set(PARTS))
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")
    for part in options.parts or PARTS:
        calls[part]()


if __name__ == "__main__":
    main()
