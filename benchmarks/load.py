"""What `camwatch.imagery.load` costs over rasterio alone, in time and memory.

    python benchmarks/load.py [pair] [archive] [series] [memory] [--repeats 9] [--gsd 0.5]

pair
    A 1 km² window of a ten-band pair at 0.5 m, both dates, in three layouts: one tiled ten-band GeoTIFF for each date, ten single-band files for each
    date, and the first again on a grid turned by 0.2° and shifted by a third of a pixel, which rasterio does with a WarpedVRT of the same kernel.
archive
    Windows of 1 and 225 km² from ten bands of a tile of 10,980 by 10,980 pixels of 10 m, as COG and as JPEG 2000; then four bands of 10 m, six of
    20 m and a scene classification on one grid of 10 m, for which rasterio warps the six with the same kernel. `again` is the same window a second
    time: what was decoded is kept.
series
    50 dates of a Landsat product of 7,600 by 7,600 pixels (six bands, quality layer) on a 1 km² AOI, opening each product included.
memory
    The peak of a process that loads 225 km² of ten bands of two dates from JPEG 2000 and keeps both, with nothing kept from before.

Seconds are medians over the repeats of camwatch and rasterio reading the same windows as float32, in turns, so that a busy machine slows both. The
rasters are made once for each run in a temporary folder; the bands of a tile are one raster under several names.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.shutil import copy
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from camwatch.imagery import load
from camwatch.rasters import write_raster
from camwatch.scenes import open_scene
from camwatch.scenes.build import build_item
from camwatch.scenes.facts import Channel, Facts, Layer

if TYPE_CHECKING:
    from collections.abc import Callable

    import pystac

BANDS = 10
MARGIN_M = 250
TILE, CORNER = 10_980, (500_000, 4_700_040)
FINE, COARSE = ("blue", "green", "red", "nir"), ("rededge071", "rededge075", "rededge078", "nir08", "swir16", "swir22")
WHEN = datetime(2011, 6, 1, tzinfo=UTC)


def texture(side: int, seed: int) -> np.ndarray:
    """Return (side, side) uint16 that compresses about as real imagery does."""
    values = np.empty((side, side), np.uint16)
    rng = np.random.default_rng(seed)
    for top in range(0, side, 512):
        noise = rng.normal(0, 40, values[top : top + 512].shape).astype(np.float32)
        values[top : top + 512] = np.clip(800 + noise.cumsum(axis=1) / 8, 1, 4000)
    return values


def write_pair(folder: Path, gsd: float) -> tuple[GeoBox, list[Path], list[list[Path]]]:
    """Write both dates in both layouts; return the scenes' grid and the files."""
    side = round((1000 + 2 * MARGIN_M) / gsd)
    box = GeoBox((side, side), Affine(gsd, 0, 560_000, 0, -gsd, 4_650_000), "EPSG:32652")
    stacks, singles = [], []
    for year in (2011, 2014):
        values = np.stack([texture(side, year * 100 + n) for n in range(BANDS)])
        stacks.append(write_raster(folder / f"stack_{year}0601.tif", values, box, nodata=0))
        singles.append([write_raster(folder / f"b{n}_{year}0601.tif", values[n], box, nodata=0) for n in range(BANDS)])
    return box, stacks, singles


def item_of(files: dict[str, Path], classes: Path | None = None) -> pystac.Item:
    """Return one Item for single-band files of reflectance, and a scene classification if there is one."""
    layers = [Layer(name, str(path), (Channel(name, 1e-4, -0.1, 0.0),)) for name, path in files.items()]
    layers += [Layer("scl", str(classes), mask="SCL")] if classes else []
    return build_item(Facts("files", "benchmark", WHEN, "made here", "surface reflectance", simulated=True), layers)


def write_tile(folder: Path, suffix: str, side: int, values: np.ndarray) -> None:
    """Write one band of the tile as COG or as JPEG 2000."""
    pixel = 10 * TILE / side
    box = GeoBox((side, side), Affine(pixel, 0, CORNER[0], 0, -pixel, CORNER[1]), "EPSG:32652")
    path = folder / f"{values.dtype}_{side}.{suffix}"
    if suffix == "jp2":
        write_raster(path, values, box, driver="JP2OpenJPEG")
        return
    plain = write_raster(folder / "plain.tif", values, box)
    copy(plain, path, driver="COG", compress="deflate", predictor="yes", num_threads="all_cpus")
    plain.unlink()


def write_tiles(folder: Path, suffix: str, date: str) -> tuple[pystac.Item, pystac.Item]:
    """Return a product of ten bands of 10 m, and one of four of 10 m and six of 20 m with its classification; written where they are not there."""
    made = {}
    for side, dtype in ((TILE, "uint16"), (TILE // 2, "uint16"), (TILE // 2, "uint8")):
        path = folder / f"{dtype}_{side}.{suffix}"
        if not path.exists():
            write_tile(folder, suffix, side, texture(side, side) if dtype == "uint16" else np.full((side, side), 4, np.uint8))
        made[side, dtype] = path
    product = folder / f"{date}_{suffix}"
    product.mkdir(exist_ok=True)

    def named(name: str, source: Path) -> Path:
        path = product / f"{name}.{suffix}"
        if not path.exists():
            os.link(source, path)
        return path

    fine, coarse, classes = made[TILE, "uint16"], made[TILE // 2, "uint16"], made[TILE // 2, "uint8"]
    ten = {f"b{n}": named(f"b{n}", fine) for n in range(1, BANDS + 1)}
    mixed = {name: named(name, fine) for name in FINE} | {name: named(name, coarse) for name in COARSE}
    return item_of(ten), item_of(mixed, named("scl", classes))


def write_series(folder: Path, dates: int) -> list[Path]:
    """Write Landsat products that differ in their dates; return their folders."""
    side = 7600
    box = GeoBox((side, side), Affine(30, 0, 400_000, 0, -30, 4_800_000), "EPSG:32652")
    band, quality = (
        write_raster(folder / "band.tif", texture(side, 1), box),
        write_raster(folder / "qa.tif", np.full((side, side), 64, np.uint16), box),
    )
    products = []
    for n in range(dates):
        day = f"{1990 + n // 2}-{3 + 6 * (n % 2):02d}-10"
        stem = f"LC08_L2SP_115032_{day.replace('-', '')}_20200908_02_T1"
        names = {f"FILE_NAME_BAND_{b}": f"{stem}_SR_B{b}.TIF" for b in range(2, 8)} | {"FILE_NAME_QUALITY_L1_PIXEL": f"{stem}_QA_PIXEL.TIF"}
        groups = {
            "PRODUCT_CONTENTS": {"LANDSAT_PRODUCT_ID": stem, "PROCESSING_LEVEL": "L2SP", **names},
            "IMAGE_ATTRIBUTES": {
                "SPACECRAFT_ID": "LANDSAT_8",
                "SENSOR_ID": "OLI_TIRS",
                "DATE_ACQUIRED": day,
                "SUN_AZIMUTH": "150",
                "SUN_ELEVATION": "50",
            },
            "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS": {
                f"REFLECTANCE_{kind}_BAND_{b}": value for b in range(2, 8) for kind, value in (("MULT", "2.75e-05"), ("ADD", "-0.2"))
            },
        }
        product = folder / stem
        product.mkdir()
        for key, name in names.items():
            os.link(quality if "QUALITY" in key else band, product / name)
        lines = [
            f"GROUP = {group}\n" + "".join(f'  {k} = "{v}"\n' for k, v in said.items()) + f"END_GROUP = {group}\n" for group, said in groups.items()
        ]
        (product / f"{stem}_MTL.txt").write_text("GROUP = LANDSAT_METADATA_FILE\n" + "".join(lines) + "END_GROUP = LANDSAT_METADATA_FILE\nEND\n")
        products.append(product)
    return products


def plain(files: list[Path | str], window: Window) -> None:
    """Read a window of every band with rasterio alone."""
    for path in files:
        with rasterio.open(path) as dataset:
            dataset.read(window=window, out_dtype="float32")


def warped(files: list[Path | str], target: GeoBox) -> None:
    """Warp with rasterio alone, same kernel."""
    rows, cols = target.shape
    grid: dict[str, Any] = {"crs": str(target.crs), "transform": target.affine, "height": rows, "width": cols}
    for path in files:
        with rasterio.open(path) as dataset, WarpedVRT(dataset, resampling=Resampling.cubic, dtype="float32", **grid) as view:
            view.read()


def seconds(work: Callable[[], object]) -> float:
    """Return the time one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(ours: Callable[[], object], theirs: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Return the median seconds of both, measured in turns so that a busy machine slows both."""
    for work in (ours, theirs):
        work()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(repeats)]
    return median(a for a, _ in pairs), median(b for _, b in pairs)


def pair(folder: Path, repeats: int, gsd: float) -> None:
    """Print one row for each layout of a pair."""
    box, stacks, singles = write_pair(folder, gsd)
    edge, side = round(MARGIN_M / gsd), round(1000 / gsd)
    window = Window(edge, edge, side, side)
    target = GeoBox((side, side), box.affine * Affine.translation(edge, edge), box.crs)
    turned = GeoBox((side, side), target.affine * Affine.rotation(0.2) * Affine.translation(1 / 3, 1 / 3), box.crs)
    whole, parts = [open_scene(path) for path in stacks], [item_of({f"b{n}": path for n, path in enumerate(files, 1)}) for files in singles]
    rows = {
        "ten-band GeoTIFF, aligned": (lambda: [load(item, target) for item in whole], lambda: plain([*stacks], window)),
        "ten single-band files, aligned": (lambda: [load(item, target) for item in parts], lambda: [plain([*files], window) for files in singles]),
        "ten-band GeoTIFF, turned 0.2°": (lambda: [load(item, turned) for item in whole], lambda: warped([*stacks], turned)),
    }
    print("\n| 1 km², 10 bands, 2 dates | camwatch s | rasterio s | ratio |\n| --- | --- | --- | --- |")
    for label, (ours, theirs) in rows.items():
        a, b = compare(ours, theirs, repeats)
        print(f"| {label}, {gsd} m | {a:.3f} | {b:.3f} | {a / b:.2f} |", flush=True)


def archive(folder: Path, repeats: int, _gsd: float) -> None:
    """Print one row for each format, product and window of a tile."""
    print("\n| one date of a 10,980² tile | camwatch s | rasterio s | ratio | again s |\n| --- | --- | --- | --- | --- |")
    for suffix in ("tif", "jp2"):
        ten, mixed = write_tiles(folder, suffix, "2011")
        for label, item in (("ten bands of 10 m", ten), ("4 of 10 m, 6 of 20 m, SCL", mixed)):
            hrefs = {key: asset.href for key, asset in item.assets.items()}
            for km2, side in ((1, 100), (225, 1500)):
                box = GeoBox((side, side), Affine(10, 0, CORNER[0] + 47_000, 0, -10, CORNER[1] - 53_000), "EPSG:32652")
                times = [
                    _first_and_again(item, hrefs, box, Window(4700, 5300, side, side))
                    for _ in range(repeats if suffix == "tif" or km2 == 1 else max(1, repeats // 3))
                ]
                a, b, again = (median(column) for column in zip(*times, strict=True))
                print(f"| {label}, {suffix}, {km2} km² | {a:.3f} | {b:.3f} | {a / b:.2f} | {again:.3f} |", flush=True)


def _first_and_again(item: pystac.Item, hrefs: dict[str, str], box: GeoBox, window: Window) -> tuple[float, float, float]:
    """Return the seconds of a first load, of rasterio alone, and of a second load."""
    shutil.rmtree(os.environ["CAMWATCH_CACHE"], ignore_errors=True)
    first = seconds(lambda: load(item, box))

    def floor() -> None:
        plain([href for key, href in hrefs.items() if key not in {*COARSE, "scl"}], window)
        warped([href for key, href in hrefs.items() if key in COARSE], box)
        half = Window(window.col_off // 2, window.row_off // 2, window.width // 2, window.height // 2)
        plain([href for key, href in hrefs.items() if key == "scl"], half)

    return first, seconds(floor), seconds(lambda: load(item, box))


def series(folder: Path, _repeats: int, _gsd: float) -> None:
    """Print the row of many dates."""
    products = write_series(folder, 50)
    box = GeoBox((34, 34), Affine(30, 0, 500_010, 0, -30, 4_700_010), "EPSG:32652")
    took = seconds(lambda: [load(open_scene(product), box) for product in products])
    print(f"\n| 50 Landsat dates, 1 km², 6 bands and quality | s |\n| --- | --- |\n| opened and loaded | {took:.2f} |", flush=True)


def memory(folder: Path, _repeats: int, _gsd: float) -> None:
    """Print the peak of a process of its own."""
    print("\n| 225 km², 10 bands, 2 dates, jp2 | peak MB |\n| --- | --- |")
    for number, label in enumerate(("ten bands of 10 m", "4 of 10 m, 6 of 20 m, SCL")):
        for date in ("2011", "2014"):
            write_tiles(folder, "jp2", date)
        for kept in (str(folder / f"kept-{number}"), "off"):
            told = subprocess.run(
                [sys.executable, __file__, "--peak", str(folder), str(number)],
                env={**os.environ, "CAMWATCH_CACHE": kept},
                capture_output=True,
                text=True,
                check=True,
            )
            print(f"| {label}, cache {'off' if kept == 'off' else 'empty'} | {told.stdout.strip()} |", flush=True)


def _peak(folder: Path, number: int) -> None:
    """Load two dates, keep both, and print the peak of this process in MB (Linux)."""
    box = GeoBox((1500, 1500), Affine(10, 0, CORNER[0] + 47_000, 0, -10, CORNER[1] - 53_000), "EPSG:32652")
    images = [load(write_tiles(folder, "jp2", date)[number], box) for date in ("2011", "2014")]
    if not all(image.valid.all() for image in images):
        raise SystemExit("the benchmark's own scenes did not come back whole")
    # VmHWM, not getrusage: the latter begins with what the process that started this one held.
    peak = next(line for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
    print(f"{int(peak.split()[1]) / 1024:.0f}")


def main() -> None:
    """Print the tables that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tables = {"pair": pair, "archive": archive, "series": series, "memory": memory}
    parser.add_argument("tables", nargs="*", choices=[*tables, []], default=[])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--gsd", type=float, default=0.5)
    parser.add_argument("--peak", nargs=2, metavar=("FOLDER", "PRODUCT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.peak:
        _peak(Path(options.peak[0]), int(options.peak[1]))
        return
    with tempfile.TemporaryDirectory() as name:
        os.environ["CAMWATCH_CACHE"] = str(Path(name) / "kept")
        for table in options.tables or tables:
            tables[table](Path(name), options.repeats, options.gsd)


if __name__ == "__main__":
    main()
