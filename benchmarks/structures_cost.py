"""What a search for structures costs in time and memory, as the command with its start-up, by the size of the ground.

    python benchmarks/structures_cost.py [4096 8192 16384 30000] [--detector stand-in|shipped] [--model FILE] [--tile-px 1024] [--folder FOLDER]

Two dates of procedural ground in three bands of 8 bits at 0.5 m (30000² px = 225 km²) are made from a seed: one block of soil and roofs repeated
over fields that never repeat. So no data are needed, scenes of any size are written row by row, and registration finds one answer. The second date
lies some pixels off, has its own haze and noise, and a share of its roofs stand elsewhere.

`camwatch detect --kind structures` then searches all of it but a rim. Printed are wall seconds, seconds per megapixel of the scene, CPU seconds of
all its processes, the peak of the proportional set size of its process tree, sampled ten times a second (Linux), the reports, and how seconds and
memory grow from the row above with the number of pixels: the exponent, 1 = with the pixels, 0 = not at all. With `--detector stand-in` the detector
is a difference of the dates, cut and outlined: what remains is what camwatch does around any detector. `shipped` measures what a user gets.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy import ndimage
from shapely.geometry import mapping

from camwatch.aoi import LONLAT, reproject
from camwatch.rasters import new_raster, polygons_of
from registration_cost import roofs, watched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from camwatch.aoi import Site
    from camwatch.findings import Findings
    from camwatch.imagery import Image

SIDES = (4096, 8192, 16384)
BLOCK, FIELD, PLOTS = 1536, 96, 48
"""Sides in pixels of the ground that is repeated, of the fields, and of the plots of which half carry a roof."""
CHANGED = 0.02
"""Share of roofs that stand elsewhere at the second date."""
SHIFT = (7, -5)
"""Rows and columns by which the second date lies further down and right."""
TINT = np.array([1.0, 0.92, 0.8])[:, None, None]
RIM_M = 40.0
"""Ground along the edge that is not searched."""
DAYS = ("2010:05:01 02:00:00", "2012:10:01 02:00:00")
LEAST_PX, CUT = 60, 0.35
"""The stand-in's smallest object, and the score from which it outlines one."""


def block(changed: float, seed: int) -> NDArray[np.float32]:
    """Return the (BLOCK, BLOCK) soil and roofs that are repeated, as departures from the field below; it wraps around."""
    rng = np.random.default_rng(1)
    ground = ndimage.zoom(rng.normal(0, 14, (BLOCK // 12,) * 2), 12, order=1, mode="grid-wrap", grid_mode=True)
    for first, last, left, right, value in roofs(BLOCK, changed):
        ground[first:last, left:right] = value - 120.0
    ground += np.random.default_rng(seed).normal(0, 2.5, ground.shape)
    return ndimage.gaussian_filter(ground, 0.9, mode="wrap").astype(np.float32)


def date(side: int, number: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the next (3, y, x) uint8 rows of a date, number 0 or 1."""
    piece = np.roll(block(CHANGED * number, 2 + number), SHIFT if number else (0, 0), axis=(0, 1))
    fields = np.random.default_rng(side).normal(120, 22, (side // FIELD + 3,) * 2).astype(np.float32)
    down, right = SHIFT if number else (0, 0)
    cols = (np.arange(side) - right + FIELD) // FIELD
    across = np.arange(side) % BLOCK
    for top in range(0, side, BLOCK):
        rows = np.arange(top, min(top + BLOCK, side))
        strip = fields[((rows - down + FIELD) // FIELD)[:, None], cols] + piece[(rows % BLOCK)[:, None], across]
        strip = 0.85 * strip + 20 if number else strip
        yield np.clip(np.rint(strip * TINT), 1, 255).astype(np.uint8)


def write(folder: Path, side: int) -> tuple[Path, Path, Path]:
    """Write both dates and the outline where they are not there yet; return their files."""
    grid = GeoBox((side, side), Affine(0.5, 0, 559_000, 0, -0.5, 4_633_000), "EPSG:32652")
    files = folder / f"before_{side}.tif", folder / f"after_{side}.tif"
    for number, path in enumerate(files):
        if not path.exists():
            with new_raster(path, grid, 3, "uint8", bands=("red", "green", "blue"), tags={"TIFFTAG_DATETIME": DAYS[number]}) as put:
                for strip in date(side, number):
                    put(strip)
    outline = folder / f"outline_{side}.geojson"
    ring = reproject(grid.extent.geom.buffer(-RIM_M, join_style="mitre"), grid.crs, LONLAT)
    outline.write_text(json.dumps({"type": "Feature", "properties": {"id": "field", "role": "camp"}, "geometry": mapping(ring)}), encoding="utf-8")
    return *files, outline


def stand_in(before: Image, after: Image, site: Site) -> Findings:
    """Return the blurred difference of the dates as score, and what of it is large as objects: a detector that costs next to nothing."""
    from camwatch.findings import Finding, Findings

    seen = before.valid & after.valid
    difference = ndimage.uniform_filter(np.where(seen, after.luminance() - before.luminance(), np.float32(0)), 5)
    score = np.where(seen, np.minimum(np.abs(difference) / 120, 1), np.float32(np.nan)).astype(np.float32)
    labels, count = ndimage.label(score > CUT)
    large = np.bincount(labels.ravel(), minlength=count + 1) >= LEAST_PX
    large[0] = False
    outlines = polygons_of(np.where(large[labels], labels, 0).astype(np.int32), before.geobox)
    inside = [shape for shape in outlines.values() if site.area.contains(shape.representative_point())]
    records = tuple(Finding("", "structure", "appeared", shape, 0.5, shape.area) for shape in inside)
    crs, dates = str(before.geobox.crs), (before.acquired, after.acquired)
    return Findings(
        "structure", "searched", "", records, site.id, crs, before.scene, after.scene, dates, 1.0, 0.0, before.gsd_m, score, before.geobox
    )


def run(detector: str, arguments: Sequence[str]) -> int:
    """Run the command line in this process, with the stand-in in the detector's place where it is asked for."""
    from camwatch.cli import execute

    if detector == "stand-in":
        from camwatch.pipeline.search import BY_TILE

        BY_TILE["structure"] = stand_in
    return execute(list(arguments))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sides", nargs="*", type=int, default=[])
    parser.add_argument("--detector", choices=("stand-in", "shipped"), default="stand-in")
    parser.add_argument("--model", default="shipped", help="as for the command: an ONNX file in the place of the shipped one")
    parser.add_argument("--tile-px", type=int, help="side of the tiles; by default the configuration's")
    parser.add_argument("--folder", type=Path, help="keep the rasters here; by default they go into a temporary folder and are deleted")
    parser.add_argument("--run", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        raise SystemExit(run(options.detector, options.run))
    print(f"detector: {options.detector}\n")
    print("| pixels | km² | s | s per megapixel | CPU s | peak MB | reports | growth of s / MB |\n| --- | --- | --- | --- | --- | --- | --- | --- |")
    before: tuple[float, float, float] | None = None
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        for side in options.sides or SIDES:
            first, second, outline = map(str, write(folder, side))
            out = folder / "out"
            arguments = ["detect", first, second, "--aoi", outline, "--kind", "structures", "--model", options.model, "--out", str(out)]
            if options.tile_px:
                settings = folder / "tiles.yaml"
                settings.write_text(f"tile_px: {options.tile_px}\n", encoding="utf-8")
                arguments += ["--config", str(settings)]
            wall, cpu, peak, code = watched([sys.executable, __file__, "--detector", options.detector, "--run", *arguments])
            if code:
                raise SystemExit(f"camwatch detect ended with {code} at {side}²")
            reports = len(json.loads((out / "findings.geojson").read_text(encoding="utf-8"))["features"])
            now = side**2 / 1e6, wall, peak
            growth = "–" if before is None else " / ".join(f"{np.log(now[n] / before[n]) / np.log(now[0] / before[0]):.2f}" for n in (1, 2))
            print(f"| {side}² | {side**2 / 4e6:.0f} | {wall:.1f} | {wall / now[0]:.2f} | {cpu:.1f} | {peak:.0f} | {reports} | {growth} |", flush=True)
            before = now


if __name__ == "__main__":
    main()
