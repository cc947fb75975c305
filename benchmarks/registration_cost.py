"""What registration costs in time and memory: as a command with its start-up, and as an estimate between arrays.

    python benchmarks/registration_cost.py [1024 2048 4096 8192 16384] [--repeats 3] [--no-command] [--no-estimate]

Two dates of procedural ground (fields, soil, roofs) are made from a seed and written as tiled one-band GeoTIFFs of 8 bits, so no data are needed. The
second date lies some pixels off, a quarter of its roofs stand elsewhere, and its radiometry, haze and noise are its own.

command
    `camwatch register`, with start-up, registered raster and picture: wall seconds, CPU seconds of all its processes, and the peak of the
    proportional set size of its process tree, sampled ten times a second (Linux). `off` is how far the answer is from the truth at the worst corner,
    in pixels.
estimate
    `camwatch.registration.register` on arrays, in a process of its own: seconds, CPU seconds, and its peak beyond the two images.

Seconds are medians over the repeats on sides up to 4096, one run beyond. The last column is how a figure grows from the row above with the number of
pixels: the exponent, 1 = with the pixels.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy import ndimage

from camwatch.imagery import load
from camwatch.rasters import write_raster
from camwatch.registration import register
from camwatch.scenes import item as scene
from camwatch.scenes import open_scene

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

SIDES = (1024, 2048, 4096, 8192, 16384)
SHIFT = (7.37, -4.62)
"""(rows, cols) by which the second date lies further down and right."""
CHANGED = 0.25
"""Share of roofs that stand elsewhere at the second date."""
PLOT, FIELD, SOIL = 48, 96, 12
"""Sides in pixels of the plots of which half carry a roof, of the fields, and of the soil's grain."""
STRIP, HALO = 1024, 24
"""Rows that are made at once, and rows around them that interpolation needs."""
SMALL = 4096
"""Sides up to this are measured several times."""
EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall seconds, CPU seconds and peak MB of one size, and how far its answer is from the truth in pixels."""

    side: int
    wall_s: float
    cpu_s: float
    peak_mb: float
    off_px: float


def roofs(side: int, changed: float) -> NDArray[np.int64]:
    """Return (n, 5) first row, last row, first column, last column and brightness of the roofs; a share of them stands elsewhere on its plot."""
    rng, other = np.random.default_rng(side), np.random.default_rng(side + 1)
    count = side // PLOT
    size, place, moved = rng.integers(8, 30, (count**2, 2)), rng.random((count**2, 2)), other.random((count**2, 2))
    place = np.where(other.random((count**2, 1)) < changed, moved, place)
    corner = PLOT * np.stack(np.divmod(np.arange(count**2), count), axis=1) + (place * (PLOT - size)).astype(int)
    last, value = corner + size, rng.integers(40, 240, count**2)
    table = np.column_stack([corner[:, 0], last[:, 0], corner[:, 1], last[:, 1], value])
    return table[rng.random(count**2) < 0.5]


def ground(side: int, changed: float) -> NDArray[np.uint8]:
    """Return (side, side) sharp ground: fields with edges, smooth soil, grain, roofs."""
    rng = np.random.default_rng(side + 2)
    fields, soil = rng.normal(120, 22, (side // FIELD + 2,) * 2), rng.normal(0, 14, (side // SOIL + 4,) * 2)
    out, cols = np.empty((side, side), np.uint8), np.arange(side)
    for top in range(0, side, STRIP):
        rows = np.arange(top, min(top + STRIP, side))
        coarse = ndimage.affine_transform(soil, (1 / SOIL, 1 / SOIL), (top / SOIL, 0), output_shape=(len(rows), side), order=1, output=np.float32)
        grain = rng.normal(0, 7, coarse.shape)
        out[rows] = np.clip(fields.astype(np.float32)[rows[:, None] // FIELD, cols // FIELD] + coarse + grain, 1, 254)
    for first, last, left, right, value in roofs(side, changed):
        out[first:last, left:right] = value
    return out


def dates(side: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the two dates, (side, side) uint8 each, as a sensor with a blur of about a pixel sees them."""
    for number, (changed, shift) in enumerate(((0.0, (0.0, 0.0)), (CHANGED, SHIFT))):
        sharp, rng = ground(side, changed), np.random.default_rng(side + 3 + number)
        seen = np.empty_like(sharp)
        for top in range(0, side, STRIP):
            start, stop = max(top - HALO, 0), min(top + STRIP + HALO, side)
            strip = ndimage.gaussian_filter(sharp[start:stop].astype(np.float32), 0.9, truncate=3)
            if number:
                strip = ndimage.shift(strip, shift, order=3, mode="mirror")
                strip = 215 * (np.clip(strip, 0, 255) / 255) ** 0.8 + np.linspace(0, 18, side, dtype=np.float32)
            rows = min(STRIP, side - top)
            strip = strip[top - start : top - start + rows] + rng.normal(0, 2.5, (rows, side)).astype(np.float32)
            seen[top : top + rows] = np.clip(np.rint(strip), 1, 255)
        yield seen


def write(folder: Path, side: int) -> tuple[Path, Path]:
    """Write the two dates where they are not there yet; return their files."""
    box = GeoBox((side, side), Affine(0.5, 0, 559_000, 0, -0.5, 4_633_000), "EPSG:32652")
    days = ("2010:05:01 02:00:00", "2012:10:01 02:00:00")
    files = folder / f"reference_{side}.tif", folder / f"moving_{side}.tif"
    if not all(path.exists() for path in files):
        for path, values, day in zip(files, dates(side), days, strict=True):
            write_raster(path, values, box, tags={"TIFFTAG_DATETIME": day})
    return files


def off(matrix: Sequence[Sequence[float]], side: int) -> float:
    """Return how far a (2, 3) matrix, moving pixel → reference pixel, is from the truth at the worst corner, in pixels."""
    corners = np.array([[0, side, 0, side], [0, 0, side, side], [1, 1, 1, 1]], np.float64)
    truth = np.array([[1, 0, -SHIFT[1]], [0, 1, -SHIFT[0]]])
    return float(np.hypot(*((np.array(matrix) - truth) @ corners)).max())


def pss_mb(root: int) -> float:
    """Return the proportional set size of a process and all that it started, in MB; 0 once it has ended."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                said = (entry / "stat").read_text(encoding="ascii", errors="replace")
            except OSError:  # ended since it was listed
                continue
            parents.setdefault(int(said.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    total, waiting = 0, [root]
    while waiting:
        process = waiting.pop()
        waiting += parents.get(process, [])
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
        except OSError:  # likewise
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def watched(command: Sequence[str]) -> tuple[float, float, float, int]:
    """Run a command; return its wall seconds, the CPU seconds of all its processes, their peak MB and its exit code."""
    start, peak, ended = time.perf_counter(), [0.0], threading.Event()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def sample() -> None:
        while not ended.wait(EVERY_S):
            peak[0] = max(peak[0], pss_mb(process.pid))

    watcher = threading.Thread(target=sample)
    watcher.start()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    ended.set()
    watcher.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    return wall, used.ru_utime + used.ru_stime, peak[0], process.returncode


def command(folder: Path, side: int) -> Cost:
    """Measure `camwatch register` once."""
    out = folder / "out"
    arguments = ["register", *map(str, write(folder, side)), "--out", str(out)]
    *costs, code = watched([sys.executable, "-c", "import sys; from camwatch.cli import main; sys.argv[0] = 'camwatch'; main()", *arguments])
    if code:
        raise SystemExit(f"camwatch register ended with {code} at {side}²")
    return Cost(side, *costs, off(json.loads((out / "registration.json").read_text())["matrix"], side))


def estimate(folder: Path, side: int) -> Cost:
    """Measure the estimate once, in a process of its own."""
    done = subprocess.run([sys.executable, __file__, "--alone", str(folder), str(side)], capture_output=True, text=True, check=True)
    return Cost(**json.loads(done.stdout))


def alone(folder: Path, side: int) -> Cost:
    """Measure the estimate in this process: its peak is what it needs beyond the two images."""
    items = [open_scene(path) for path in write(folder, side)]
    images = [load(item, scene.native_geobox(item)) for item in items]
    before = _rss_mb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak starts anew
    wall, cpu = time.perf_counter(), time.process_time()
    answer = register(*images)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Cost(side, wall, cpu, _rss_mb("VmHWM") - before, off(answer.matrix.tolist(), side))


def _rss_mb(name: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024


def middle(costs: Sequence[Cost]) -> Cost:
    """Return the medians of seconds, and the largest of the peaks and errors."""
    wall, cpu = median(c.wall_s for c in costs), median(c.cpu_s for c in costs)
    return Cost(costs[0].side, wall, cpu, max(c.peak_mb for c in costs), max(c.off_px for c in costs))


def growth(now: Cost, before: Cost | None) -> str:
    """Return the exponents of seconds, CPU seconds and memory over pixels between two sizes."""
    if before is None:
        return "–"
    pixels = 2 * np.log(now.side / before.side)
    pairs = ((now.wall_s, before.wall_s), (now.cpu_s, before.cpu_s), (now.peak_mb, before.peak_mb))
    return " / ".join(f"{np.log(a / b) / pixels:.2f}" for a, b in pairs)


def main() -> None:
    """Print a table for the command and one for the estimate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sides", nargs="*", type=int, default=[])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-command", action="store_true")
    parser.add_argument("--no-estimate", action="store_true")
    parser.add_argument("--folder", type=Path, help="keep the rasters here; by default they go into a temporary folder and are deleted")
    parser.add_argument("--alone", nargs=2, metavar=("FOLDER", "SIDE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        cost = alone(Path(options.alone[0]), int(options.alone[1]))
        print(json.dumps({name: getattr(cost, name) for name in Cost.__slots__}))
        return
    asked = [("command", command)] * (not options.no_command) + [("estimate", estimate)] * (not options.no_estimate)
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        for title, measure in asked:
            print(f"\n| {title} | s | CPU s | peak MB | off px | growth of s / CPU s / MB |\n| --- | --- | --- | --- | --- | --- |")
            before = None
            for side in options.sides or SIDES:
                now = middle([measure(folder, side) for _ in range(options.repeats if side <= SMALL else 1)])
                figures = f"{now.wall_s:.2f} | {now.cpu_s:.2f} | {now.peak_mb:.0f} | {now.off_px:.4f}"
                print(f"| {side}² | {figures} | {growth(now, before)} |", flush=True)
                before = now


if __name__ == "__main__":
    main()
