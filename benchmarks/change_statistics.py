"""Change statistics side by side: camwatch's IR-MAD, IR-MAD and MAD as published, and Orfeo ToolBox's MAD, on the same rasters in one run.

    python benchmarks/change_statistics.py [--side 4096] [--repeats 1] [--tools "camwatch IR-MAD" …] [--only-cost]

cost       two manufactured dates of four bands, float32, 10 % of the ground changed in patches. Each tool is a process of its own that reads both
           files, and writes its planes: chi-square and probability (camwatch, numpy) or the variates (Orfeo ToolBox, whose squares over their
           variances are then summed). Seconds are medians, of the process and of the statistic alone; memory is the largest proportional set size,
           sampled
uniform    manufactured dates of one to six bands of which none, 10 % or 30 % of the ground changed, all alike: distance of the probabilities on
           unchanged ground from the uniform distribution (Kolmogorov–Smirnov, 0 to 1), and the area under the curve (AUC)
sample     the probabilities fitted on a sample against those fitted on all pixels of the raster
labelled   a real Landsat pair with labelled pixels, whole and by bands: AUC, and Cohen's kappa at a probability of change of 0.99

"as published" is Nielsen 2007 (doi:10.1109/TIP.2006.888195), written plainly on all pixels: it stops when no canonical correlation moves by 0.001,
or after 100 iterations. Orfeo ToolBox: `apt install otb-bin`; without it its row is left out. The labelled pair is read where it lies and is not part
of this repository: CAMWATCH_TEST_DATA names the folder that holds `data/pairs/landsat_taizhou`, by default `shared` beside the checkout.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from odc.geo.geobox import GeoBox
from scipy import ndimage
from scipy.special import chdtrc
from scipy.stats import kstest, rankdata
from skimage.io import imread

from camwatch.detect._common import change_probability
from camwatch.detect._irmad import irmad
from camwatch.imagery.image import Image
from registration_cost import watched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Plane = NDArray[np.float32]
    Answer = tuple[NDArray[np.floating], NDArray[np.floating]]

DATA = Path(os.environ.get("CAMWATCH_TEST_DATA", Path(__file__).resolve().parents[2] / "shared")) / "data" / "pairs" / "landsat_taizhou"
NOISE, PATCH, BANDS = 0.05, 64, 4
TOOLS = ("camwatch IR-MAD", "numpy MAD", "numpy IR-MAD as published", "Orfeo ToolBox MAD")
OTB = "otbcli_MultivariateAlterationDetector"
MOST, BLOCK, SAID = 100, 1 << 15, "said.json"


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall and CPU seconds and peak MB of one process; those of the statistic alone, and iterations, where the process tells them."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    call_s: float | None
    call_cpu_s: float | None
    iterations: int
    converged: bool


def ground(rng: np.random.Generator, bands: int, side: int) -> Plane:
    """Return (bands, side, side) fields with edges and smooth soil, each band another mixture, of variance 1."""
    out = np.zeros((bands, side, side), np.float32)
    for size in np.linspace(8, 40, bands + 2).astype(int):
        count = -(-side // int(size))
        fields = rng.normal(size=(count, count)).astype(np.float32).repeat(size, 0).repeat(size, 1)[:side, :side]
        fields += 0.7 * ndimage.uniform_filter(rng.normal(size=(count, count)).astype(np.float32).repeat(size, 0).repeat(size, 1), size)[:side, :side]
        out += rng.normal(size=(bands, 1, 1)).astype(np.float32) * fields
    out /= out.std(axis=(1, 2), keepdims=True)
    return out


def dates(seed: int, bands: int, side: int, share: float, *, alike: bool) -> tuple[Plane, Plane, NDArray[np.bool_]]:
    """Return before, after and what changed: patches that differ by 6 times the noise in each band, alike, or by 3 to 12 times, each its own way."""
    rng = np.random.default_rng(seed)
    before = ground(rng, bands, side)
    count = -(-side // PATCH)
    patches = rng.random((count, count)) < share
    step = np.full((bands, count, count), 6.0) if alike else rng.choice([-1.0, 1.0], (bands, count, count)) * rng.uniform(3, 12, (count, count))
    step = (NOISE * step * patches).astype(np.float32)
    after = before + step.repeat(PATCH, 1).repeat(PATCH, 2)[:, :side, :side]
    before, after = (plane + np.float32(NOISE) * rng.standard_normal(plane.shape, np.float32) for plane in (before, after))
    gain, offset = (rng.uniform(*ends, (bands, 1, 1)).astype(np.float32) for ends in ((0.5, 3.0), (-2.0, 2.0)))
    return before, gain * after + offset, patches.repeat(PATCH, 0).repeat(PATCH, 1)[:side, :side]


def published(before: Plane, after: Plane, most: int) -> tuple[Plane, Plane, int, bool]:
    """Return chi-square, probability of no change, iterations and whether it converged, by the published method on all pixels, in blocks."""
    split, bands = len(before), len(before) + len(after)
    pixels = [date.reshape(len(date), -1) for date in (before, after)]
    parts = [slice(start, start + BLOCK) for start in range(0, pixels[0].shape[1], BLOCK)]
    squares, chance = np.zeros(pixels[0].shape[1], np.float32), np.ones(pixels[0].shape[1], np.float32)
    mean, last, converged, iterations = np.zeros(bands), np.zeros(min(split, len(after))), False, 0
    while iterations < most and not converged:
        iterations += 1
        total, first, second = 0.0, np.zeros(bands), np.zeros((bands, bands))
        for part in parts:
            block = np.concatenate([date[:, part] for date in pixels]).astype(np.float64) - mean[:, None]
            weights = chance[part].astype(np.float64)
            total, first, second = total + weights.sum(), first + block @ weights, second + (block * weights) @ block.T
        shift = first / total
        mean, covariance = mean + shift, second / total - np.outer(shift, shift)
        roots = [np.linalg.inv(np.linalg.cholesky(block)) for block in (covariance[:split, :split], covariance[split:, split:])]
        left, rho, right = np.linalg.svd(roots[0] @ covariance[:split, split:] @ roots[1].T, full_matrices=False)
        spread = np.sqrt(np.maximum(2.0 * (1.0 - rho), 1e-12))[:, None]
        vectors = np.hstack([left.T[: len(rho)] @ roots[0], -right @ roots[1]]) / spread
        for part in parts:
            block = np.concatenate([date[:, part] for date in pixels]).astype(np.float64) - mean[:, None]
            squares[part] = ((vectors @ block) ** 2).sum(axis=0)
            chance[part] = chdtrc(float(len(rho)), squares[part])
        converged = bool(np.abs(rho - last).max() < 1e-3)
        last = rho
    return squares.reshape(before.shape[1:]), chance.reshape(before.shape[1:]), iterations, converged


def auc(score: NDArray[np.floating], truth: NDArray[np.bool_]) -> float:
    """Return the area under the curve of hits over false alarms."""
    ranks, count = rankdata(score.ravel()), int(np.count_nonzero(truth))
    return float((ranks[truth.ravel()].sum() - count * (count + 1) / 2) / (count * np.count_nonzero(~truth)))


def kappa(said: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Return Cohen's kappa."""
    chance = said.mean() * truth.mean() + (1 - said.mean()) * (1 - truth.mean())
    return float(((said == truth).mean() - chance) / (1 - chance))


def write(path: Path, planes: NDArray[np.floating]) -> None:
    """Write (band, y, x) planes as float32, uncompressed."""
    count, height, width = planes.shape
    form = {"driver": "GTiff", "dtype": "float32", "count": count, "height": height, "width": width, "crs": "EPSG:32652"}
    with rasterio.open(path, "w", transform=rasterio.Affine(10, 0, 559_000, 0, -10, 4_633_000), **form) as file:
        file.write(planes.astype(np.float32, copy=False))


def read(path: Path) -> Plane:
    """Return all bands."""
    with rasterio.open(path) as file:
        planes: Plane = file.read()
    return planes


def alone(tool: str, folder: Path) -> None:
    """Run one of the statistics in Python in this process: files in, file out; note its own seconds and iterations."""
    before, after = read(folder / "before.tif"), read(folder / "after.tif")
    start = time.perf_counter(), time.process_time()
    if tool == "camwatch IR-MAD":
        found = irmad(before, after, np.ones(before.shape[1:], bool))
        planes, iterations, converged = np.stack([found.chi_square, found.no_change]), found.iterations, found.converged
    else:
        squares, chance, iterations, converged = published(before, after, 1 if tool == "numpy MAD" else MOST)
        planes = np.stack([squares, chance])
    took = {"call_s": time.perf_counter() - start[0], "call_cpu_s": time.process_time() - start[1]}
    write(folder / "out.tif", planes)
    (folder / SAID).write_text(json.dumps({**took, "iterations": iterations, "converged": converged}))


def cost(tool: str, folder: Path) -> Cost:
    """Measure one tool once, as a process."""
    before, after, out = (str(folder / name) for name in ("before.tif", "after.tif", "out.tif"))
    theirs = tool == TOOLS[-1]
    command = [OTB, "-in1", before, "-in2", after, "-out", out, "float"] if theirs else [sys.executable, __file__, "--alone", tool, str(folder)]
    wall, cpu, peak, code = watched(command)
    if code:
        raise SystemExit(f"{tool} ended with {code}")
    own = {"call_s": None, "call_cpu_s": None, "iterations": 1, "converged": False} if theirs else json.loads((folder / SAID).read_text())
    return Cost(wall_s=wall, cpu_s=cpu, peak_mb=peak, **own)


def show_cost(side: int, repeats: int, tools: Sequence[str]) -> None:
    """Print what each tool takes, its AUC on the planted changes, and how uniform its probability is on the rest."""
    print(f"\n{BANDS} bands, {side}², {os.cpu_count()} cores\n")
    print("| tool | s | CPU s | s, alone | CPU s, alone | peak MB | iterations | AUC | uniform |")
    print("| --- " * 9 + "|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before, after, changed = dates(1, BANDS, side, 0.1, alike=False)
        write(folder / "before.tif", before)
        write(folder / "after.tif", after)
        del before, after
        for tool in tools:
            if tool == TOOLS[-1] and shutil.which(OTB) is None:
                print(f"| {tool} | {OTB} is not on the path: apt install otb-bin |")
                continue
            runs = [cost(tool, folder) for _ in range(repeats if tool != TOOLS[2] else 1)]
            planes = read(folder / "out.tif")
            if tool == TOOLS[-1]:
                squares = (planes**2 / planes.var(axis=(1, 2), keepdims=True, dtype=np.float64)).sum(axis=0)
                chance = chdtrc(float(len(planes)), squares[::4, ::4])
            else:
                squares, chance = planes[0], planes[1, ::4, ::4]
            thin = changed[::4, ::4]
            off = kstest(chance[~thin], "uniform").statistic
            seconds = [[getattr(run, key) for run in runs] for key in ("wall_s", "cpu_s", "call_s", "call_cpu_s")]
            times = " | ".join("–" if None in values else f"{median(values):.2f}" for values in seconds)
            turns = f"{runs[0].iterations}{'' if runs[0].converged or runs[0].iterations == 1 else ', not converged'}"
            figures = f"{times} | {max(run.peak_mb for run in runs):.0f} | {turns}"
            print(f"| {tool} | {figures} | {auc(squares[::4, ::4], thin):.5f} | {off:.3f} |", flush=True)


def show_uniform(side: int = 384) -> None:
    """Print the distance from the uniform distribution on unchanged ground, and AUC, by bands and share of changes that are all alike."""
    print(f"\n{side}²; each: distance from uniform on unchanged ground / AUC\n")
    print("| bands | changed | camwatch IR-MAD | numpy MAD | numpy IR-MAD as published |\n| --- | --- | --- | --- | --- |")
    for bands in (1, 2, 3, 4, 6):
        for share in (0.0, 0.1, 0.3):
            before, after, changed = dates(10 * bands, bands, side, share, alike=True)
            found = irmad(before, after, np.ones(changed.shape, bool))
            answers: list[Answer] = [(found.chi_square, found.no_change), *(published(before, after, most)[:2] for most in (1, MOST))]
            cells = [
                f"{kstest(chance[~changed], 'uniform').statistic:.3f} / {f'{auc(squares, changed):.4f}' if changed.any() else '–'}"
                for squares, chance in answers
            ]
            print(f"| {bands} | {share:.0%} | {' | '.join(cells)} |", flush=True)


def show_sample(side: int) -> None:
    """Print how far probabilities move when fewer pixels are fitted on."""
    before, after, _ = dates(2, BANDS, side, 0.1, alike=False)
    valid = np.ones(before.shape[1:], bool)
    start = time.perf_counter()
    whole = irmad(before, after, valid, sample_pixels=side * side)
    print(f"\n{side}², all pixels: {time.perf_counter() - start:.2f} s, {whole.iterations} iterations\n")
    print("| fitted on | s | largest difference of a probability | mean | \n| --- | --- | --- | --- |")
    for pixels in (3_000_000, 1_000_000, 300_000, 100_000):
        start = time.perf_counter()
        found = irmad(before, after, valid, sample_pixels=pixels)
        took = time.perf_counter() - start
        off = np.abs(found.no_change - whole.no_change)
        print(f"| {pixels:,} | {took:.2f} | {off.max():.5f} | {off.mean():.5f} |", flush=True)


def show_labelled() -> None:
    """Print AUC and kappa on the labelled pair."""
    if not DATA.is_dir():
        print(f"\nno labelled pair at {DATA}: set CAMWATCH_TEST_DATA")
        return
    before, after = (np.fromfile(DATA / name, np.uint8).reshape(6, 400, 400).astype(np.float32) for name in ("2000TM", "2003TM"))
    changed, unchanged = (imread(DATA / name) > 0 for name in ("change.bmp", "unchanged.bmp"))
    labelled = changed | unchanged
    print(f"\n{np.count_nonzero(changed):,} changed and {np.count_nonzero(unchanged):,} unchanged pixels; each: AUC / kappa\n")
    print("| bands | camwatch generic score | camwatch IR-MAD | numpy MAD | numpy IR-MAD as published |\n| --- | --- | --- | --- | --- |")
    truth = changed[labelled]
    for name, bands in {"all six": range(6), "red, green, blue": range(3), "red": [2], "near infrared": [3], "short-wave infrared": [5]}.items():
        first, second = before[list(bands)], after[list(bands)]
        image = _image(first)
        score = change_probability(image, _image(second), image.valid)
        found = irmad(first, second, image.valid)
        answers: list[Answer] = [
            (score, 1.0 - score),
            (found.chi_square, found.no_change),
            *(published(first, second, most)[:2] for most in (1, MOST)),
        ]
        cells = [f"{auc(order[labelled], truth):.4f} / {kappa(chance[labelled] < 0.01, truth):.3f}" for order, chance in answers]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def _image(planes: Plane) -> Image:
    box = GeoBox(planes.shape[1:], rasterio.Affine(30, 0, 203_325, 0, -30, 3_604_935), "EPSG:32651")
    names = tuple(f"b{band}" for band in range(len(planes)))
    return Image(planes, np.ones(planes.shape[1:], bool), names, box, datetime(2003, 2, 6, tzinfo=UTC), None, 30.0, "dn", "labelled")


def main() -> None:
    """Print the four tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--tools", nargs="*", choices=TOOLS, default=TOOLS, help="of the table of cost")
    parser.add_argument("--only-cost", action="store_true")
    parser.add_argument("--alone", nargs=2, metavar=("TOOL", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        alone(options.alone[0], Path(options.alone[1]))
        return
    show_cost(options.side, options.repeats, options.tools)
    if options.only_cost:
        return
    show_sample(options.side)
    show_uniform()
    show_labelled()


if __name__ == "__main__":
    main()
