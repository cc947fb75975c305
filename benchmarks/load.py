"""How much `camwatch.imagery.load` costs over rasterio alone: a 1 km² window of a ten-band pair at 0.5 m, both dates.

    python benchmarks/load.py [--repeats 9] [--gsd 0.5]

Three layouts: one tiled ten-band GeoTIFF for each date, ten single-band files for each date (a Landsat-like product), and the first again on a grid
turned by 0.2° and shifted by a third of a pixel, which rasterio does with a WarpedVRT of the same kernel. Each row is the median over the repeats of
both, loading both dates and rasterio alone reading the same windows of the same files as float32.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from camwatch.imagery import load
from camwatch.rasters import write_raster
from camwatch.scenes import open_scene
from camwatch.scenes.build import Channel, Facts, Layer, build_item

if TYPE_CHECKING:
    from collections.abc import Callable

    import pystac

BANDS = 10
MARGIN_M = 250


def write_pair(folder: Path, gsd: float) -> tuple[GeoBox, list[Path], list[list[Path]]]:
    """Write both dates in both layouts; return the scenes' grid and the files."""
    side = round((1000 + 2 * MARGIN_M) / gsd)
    box = GeoBox((side, side), Affine(gsd, 0, 560_000, 0, -gsd, 4_650_000), "EPSG:32652")
    stacks, singles = [], []
    for year in (2011, 2014):
        # Texture that compresses about as real imagery does.
        noise = np.random.default_rng(year).normal(0, 40, (BANDS, side, side))
        values = np.clip(800 + noise.cumsum(axis=2) / 8, 1, 4000).astype(np.uint16)
        stacks.append(write_raster(folder / f"stack_{year}0601.tif", values, box, nodata=0))
        singles.append([write_raster(folder / f"b{n}_{year}0601.tif", values[n], box, nodata=0) for n in range(BANDS)])
    return box, stacks, singles


def item_of(files: list[Path]) -> pystac.Item:
    """Return one Item for ten single-band files."""
    layers = [Layer(f"b{n}", str(path), (Channel(f"b{n}", nodata=0.0),)) for n, path in enumerate(files, 1)]
    return build_item(Facts("ten-files", "benchmark", datetime(2011, 6, 1, tzinfo=UTC), "made here", "dn", simulated=True), layers)


def plain(files: list[Path], window: Window) -> None:
    """Read a window of every band with rasterio alone."""
    for path in files:
        with rasterio.open(path) as dataset:
            dataset.read(window=window, out_dtype="float32")


def warped(files: list[Path], target: GeoBox) -> None:
    """Warp with rasterio alone, same kernel."""
    for path in files:
        with (
            rasterio.open(path) as dataset,
            WarpedVRT(
                dataset,
                crs=str(target.crs),
                transform=target.affine,
                height=target.shape[0],
                width=target.shape[1],
                resampling=Resampling.cubic,
                dtype="float32",
            ) as view,
        ):
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


def main() -> None:
    """Print one row for each layout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--gsd", type=float, default=0.5)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        box, stacks, singles = write_pair(Path(name), options.gsd)
        edge, side = round(MARGIN_M / options.gsd), round(1000 / options.gsd)
        window = Window(edge, edge, side, side)
        target = GeoBox((side, side), box.affine * Affine.translation(edge, edge), box.crs)
        turned = GeoBox((side, side), target.affine * Affine.rotation(0.2) * Affine.translation(1 / 3, 1 / 3), box.crs)
        whole, parts = [open_scene(path) for path in stacks], [item_of(files) for files in singles]
        rows = {
            "ten-band GeoTIFF, aligned": (lambda: [load(item, target) for item in whole], lambda: [plain([path], window) for path in stacks]),
            "ten single-band files, aligned": (lambda: [load(item, target) for item in parts], lambda: [plain(files, window) for files in singles]),
            "ten-band GeoTIFF, turned 0.2°": (lambda: [load(item, turned) for item in whole], lambda: [warped([path], turned) for path in stacks]),
        }
        print("| 1 km², 10 bands, 2 dates | camwatch s | rasterio s | ratio |\n| --- | --- | --- | --- |")
        for label, (ours, theirs) in rows.items():
            a, b = compare(ours, theirs, options.repeats)
            print(f"| {label}, {options.gsd} m | {a:.3f} | {b:.3f} | {a / b:.2f} |")


if __name__ == "__main__":
    main()
