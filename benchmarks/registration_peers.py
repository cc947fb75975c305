"""Registration side by side with other tools: the same pairs, in turns, in one run.

    python benchmarks/registration_peers.py [--images 3] [--large] [--tools camwatch "AROSICS global" …] [--listing FILE]

Tools: camwatch (between arrays, and as a command with its start-up), AROSICS (global and local), SimpleITK (Mattes mutual information), scikit-image
(phase correlation of the whole, tiles with RANSAC, optical flow with RANSAC), OpenCV (phaseCorrelate, ECC). What is missing is skipped and said:
`pip install .[bench]` brings SimpleITK and OpenCV. AROSICS needs GDAL's own Python package, which has no wheels: `conda install -c conda-forge
arosics`, or on Debian 12 `apt install python3-gdal` and, in a virtual environment with system packages, `pip install "gdal==3.6.2" "numpy<2"
"scipy<1.16" "pandas<2.3" "scikit-image<0.25" "scikit-learn<1.6" "matplotlib<3.10" arosics`. AROSICS_PYTHON names the interpreter that has it.

Pairs are real, read where they lie and not part of this repository: CAMWATCH_TEST_DATA names the folder that holds
`data/pairs/levir_cd/{A,B}/*.png` (1024², 0.5 m); by default `shared` beside the checkout.

same date   a real image moved by a known transform (shifts of 0.13 to 64 px, rotation and scale, scan-line gaps), with other gamma, gain, haze, noise
two dates   the second real date, years later, moved by a known shift: the answer for the moved image against the answer for the unmoved one, moved
            on (consistency, not accuracy: errors that both share cancel; a tool that answers nonsense twice is counted, its error tells)
far         same date, moved by (200, −151) px, turned by 3°, scaled by 1.1
noise       noise instead of the second date: to be refused
4096²       same date and far in a mosaic of the images (`--large`); its tiles have offsets of their own between the dates, so two dates tell nothing

The error is the root mean square over the scene of recovered minus true place. *Wrong* counts answers that are off by more than half a pixel.
Seconds and CPU seconds are those of the call alone over those of camwatch's in the same case (median); memory is the peak of the process beyond what
it held before.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy import ndimage
from skimage.io import imread

from _registration_peers import CORNER, GSD_M, TOOLS
from camwatch.rasters import write_raster
from camwatch.registration import Registration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

DATA = Path(os.environ.get("CAMWATCH_TEST_DATA", Path(__file__).resolve().parents[2] / "shared")) / "data" / "pairs" / "levir_cd"
SHIFTS = ((0.13, -0.09), (0.37, 0.24), (2.6, -1.75), (11.3, 7.8), (48.2, -63.9))
"""(rows, cols) by which the second image lies further down and right."""
LATER = ((1.4, -0.7), (17.5, 9.2))
WRONG_PX = 0.5
COMMAND = "camwatch, command"
SLOW = ("AROSICS local", "optical flow + RANSAC")
"""Looked at on the first image only, and not on the mosaics, where they take minutes for each pair."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two images and the true transform, moving pixel → reference pixel (2, 3); `base` is the unmoved second date where only consistency is known."""

    group: str
    name: str
    reference: NDArray[np.uint8]
    moving: NDArray[np.uint8]
    truth: NDArray[np.float64] | None
    base: NDArray[np.uint8] | None = None
    nodata: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """What one tool said of one pair: error in pixels (None: refused, or nothing to compare with), seconds, CPU seconds, MB."""

    group: str
    tool: str
    answered: bool
    error: float | None
    wall_s: float
    cpu_s: float
    mb: float


def shift(rows: float, cols: float) -> NDArray[np.float64]:
    """Return the (2, 3) matrix of content that lies further down and right in the moving image."""
    return np.array([[1, 0, -cols], [0, 1, -rows]], np.float64)


def turn(degrees: float, scale: float, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the (2, 3) matrix of a rotation and scaling about the middle."""
    angle, centre = np.deg2rad(degrees), np.array([shape[1] / 2, shape[0] / 2])
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([linear, centre - linear @ centre])


def moved(image: NDArray[np.uint8], matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the image as seen after a move, by a spline of order 5."""
    linear, offset = matrix[::-1, 1::-1], matrix[::-1, 2]
    out: NDArray[np.float32] = ndimage.affine_transform(image.astype(np.float32), linear, offset, order=5, mode="reflect", output=np.float32)
    return out


def disturbed(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the image with another gamma, gain, haze from left to right, and noise."""
    toned = 255 * (np.clip(image, 0, 255) / 255) ** 0.8 * 0.85 + np.linspace(0, 18, image.shape[1])
    return np.clip(toned + rng.normal(0, 3, image.shape), 1, 255).astype(np.uint8)


def with_gaps(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the image with slanted scan-line gaps, 0 in them."""
    row, col = np.ogrid[: image.shape[0], : image.shape[1]]
    return np.where((row + col * 0.15) % 60 < 14, 0, image).astype(np.uint8)


def pairs(first: NDArray[np.uint8], second: NDArray[np.uint8], rng: np.random.Generator, size: str = "") -> Iterator[Pair]:
    """Yield the cases of two dates."""

    def same(group: str, name: str, truth: NDArray[np.float64]) -> Pair:
        return Pair(group + size, name, first, disturbed(moved(first, truth), rng), truth)

    for rows, cols in SHIFTS[3:] if size else SHIFTS:
        yield same("same date", f"shift {rows}", shift(rows, cols))
    yield same("same date", "rotation and scale", turn(0.35, 1.0015, first.shape))
    gaps = same("same date", "scan-line gaps", shift(3.3, 2.1))
    yield Pair(gaps.group, gaps.name, first, with_gaps(gaps.moving), gaps.truth, nodata=0)
    for rows, cols in () if size else LATER:
        truth = shift(rows, cols)
        yield Pair(f"two dates{size}", f"shift {rows}", first, np.clip(moved(second, truth), 0, 255).astype(np.uint8), truth, base=second)
    yield same("far", "shift (200, −151)", shift(200, -151))
    if not size:
        yield same("far", "rotation 3°", turn(3, 1, first.shape))
        yield same("far", "scale 1.1", turn(0, 1.1, first.shape))
        yield Pair("noise", "noise", first, rng.integers(1, 255, first.shape).astype(np.uint8), None)


def mosaic(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return 4 × 4 images side by side, those beyond the last mirrored."""
    tiles = [images[n % len(images)][:, :: 1 if n < len(images) else -1] for n in range(16)]
    return np.ascontiguousarray(np.block([tiles[4 * n : 4 * n + 4] for n in range(4)]))


def spread(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return 11 × 11 (col, row) points over a scene, (121, 2)."""
    col, row = np.meshgrid(np.linspace(0, shape[1], 11), np.linspace(0, shape[0], 11))
    return np.stack([col.ravel(), row.ravel()], axis=1)


class Tool:
    """One tool in a process of its own."""

    def __init__(self, name: str) -> None:
        python = os.environ.get("AROSICS_PYTHON", sys.executable) if name.startswith("AROSICS") else sys.executable
        script = Path(__file__).with_name("_registration_peers.py")
        self.name = name
        self.process = subprocess.Popen(
            [python, str(script), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.missing: str | None = self._answer()["missing"]

    def __call__(self, folder: Path, pair: Pair, points: NDArray[np.float64]) -> dict[str, Any]:
        """Return what the tool says: `places` (the reference pixels of moving pixels `points`) or `reason`, `wall_s`, `cpu_s`, `mb`."""
        files = {"reference": pair.reference, "moving": pair.moving}
        for key, values in files.items():
            np.save(folder / f"{key}.npy", values)
        asked = {key: str(folder / f"{key}.npy") for key in files} | {"nodata": pair.nodata, "points": points.tolist()}
        self._pipe(self.process.stdin).write(json.dumps(asked) + "\n")
        self._pipe(self.process.stdin).flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self._pipe(self.process.stdout).readline()
        if not line:
            raise SystemExit(f"{self.name} ended with {self.process.wait()}")
        said: dict[str, Any] = json.loads(line)
        return said

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None  # both were asked for
        return pipe


class Command:
    """`camwatch register` on files, with its start-up."""

    name, missing = COMMAND, None

    def __call__(self, folder: Path, pair: Pair, points: NDArray[np.float64]) -> dict[str, Any]:
        """Return what the command says, as a tool does; memory is not told."""
        files = []
        for name, values, year, empty in (("reference", pair.reference, 2010, None), ("moving", pair.moving, 2012, pair.nodata)):
            box = GeoBox(values.shape, Affine(GSD_M, 0, CORNER[0], 0, -GSD_M, CORNER[1]), "EPSG:32652")
            files.append(write_raster(folder / f"{name}.tif", values, box, nodata=empty, tags={"TIFFTAG_DATETIME": f"{year}:05:01 02:00:00"}))
        start = time.perf_counter()
        program = "import sys; from camwatch.cli import main; sys.argv[0] = 'camwatch'; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", program, "register", *map(str, files), "--out", str(folder / "out")], stdout=subprocess.DEVNULL
        )
        _, status, used = os.wait4(process.pid, 0)
        wall, process.returncode = time.perf_counter() - start, os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1):
            raise SystemExit(f"camwatch register ended with {process.returncode}")
        said = json.loads((folder / "out" / "registration.json").read_text(encoding="utf-8"))
        answer = Registration.from_json(said)
        told = {"places": answer.to_reference(points)} if answer.ok else {"reason": answer.reason}
        return {**told, "wall_s": wall, "cpu_s": used.ru_utime + used.ru_stime, "mb": float("nan")}


def judge(tool: Tool | Command, pair: Pair, folder: Path) -> tuple[Row, str]:
    """Ask a tool about a pair, and about its unmoved base where there is one; return what it said, and why it refused."""
    points = spread(pair.reference.shape)
    said = tool(folder, pair, points)
    reason, wanted = said.get("reason", ""), None
    if pair.truth is not None:
        wanted = points @ pair.truth[:, :2].T + pair.truth[:, 2]
    if pair.base is not None and wanted is not None:
        unmoved = tool(folder, replace(pair, moving=pair.base), wanted)
        wanted = unmoved.get("places")
        reason = reason or ("" if wanted is not None else f"the unmoved pair: {unmoved['reason']}")
    error = None if reason or wanted is None else float(np.sqrt(((np.array(said["places"]) - wanted) ** 2).sum(axis=1).mean()))
    return Row(pair.group, tool.name, not reason, error, said["wall_s"], said["cpu_s"], said["mb"]), reason


def told(rows: Sequence[Row], names: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the table."""
    groups = list(dict.fromkeys(row.group for row in rows))
    yield "| | " + " | ".join(f"{g}: answered (wrong), median / max px" if g != "noise" else "noise refused" for g in groups) + " | s | CPU s | MB |"
    yield "| --- " * (len(groups) + 4) + "|"
    of: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        of[row.tool].append(row)
    for name in names:
        cells = [_cell(group, [row for row in of[name] if row.group == group]) for group in groups]
        first = [row for row in rows if row.tool == "camwatch"]
        yield f"| {name} | " + " | ".join([*cells, *_costs(of[name], first)]) + " |"


def _cell(group: str, rows: Sequence[Row]) -> str:
    if not rows:
        return "–"
    answered = sum(row.answered for row in rows)
    if group == "noise":
        return f"{len(rows) - answered} of {len(rows)}"
    errors = [row.error for row in rows if row.error is not None]
    wrong = sum(error > WRONG_PX for error in errors)
    figures = f", {median(errors):.4f} / {max(errors):.4f}" if errors else ""
    return f"{answered} of {len(rows)} ({wrong}){figures}"


def _costs(rows: Sequence[Row], first: Sequence[Row]) -> list[str]:
    """Return seconds and CPU seconds over camwatch's on the same pairs, and MB, each a median."""
    # Each tool was asked in the same order; one that is looked at on fewer pairs met the first ones.
    pairs = list(zip(rows, first, strict=False))
    if not pairs:
        return ["–"] * 3
    wall, cpu = median(a.wall_s / b.wall_s for a, b in pairs), median(a.cpu_s / b.cpu_s for a, b in pairs)
    if rows[0].tool == "camwatch":
        return [f"1 ({median(r.wall_s for r in rows):.2f} s)", f"1 ({median(r.cpu_s for r in rows):.2f} s)", f"{median(r.mb for r in rows):.0f}"]
    mb = median(row.mb for row in rows)
    return [f"× {wall:.2g}", f"× {cpu:.2g}", "–" if np.isnan(mb) else f"{mb:.0f}"]


def main() -> None:
    """Run the tools over the pairs and print the table, a line for each answer before it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=3, help="how many of the real pairs, 3 of them by default")
    parser.add_argument("--large", action="store_true", help="one mosaic of 4096² of all of them instead")
    parser.add_argument("--tools", nargs="+", choices=[*TOOLS, COMMAND], default=[*TOOLS, COMMAND], metavar="TOOL", help="by the names in the table")
    parser.add_argument("--listing", type=Path, help="write one JSON line for each answer to this file")
    options = parser.parse_args()
    files = sorted((DATA / "A").glob("*.png"))
    if not files:
        print(f"no real pairs here: {DATA} is absent; set CAMWATCH_TEST_DATA to the folder that holds data/")
        return
    tools: list[Tool | Command] = []
    for name in dict.fromkeys(["camwatch", *options.tools]):
        tool = Command() if name == COMMAND else Tool(name)
        if tool.missing is not None:
            print(f"skipped: {name}: {tool.missing}; see python {Path(__file__).name} --help")
        else:
            tools.append(tool)
    rng, rows = np.random.default_rng(7), []
    read = [tuple(imread(DATA / side / path.name)[..., 1] for side in "AB") for path in files[: None if options.large else options.images]]
    scenes = [(mosaic([a for a, _ in read]), mosaic([b for _, b in read]))] if options.large else read
    with tempfile.TemporaryDirectory() as name:
        for number, (first, second) in enumerate(scenes):
            for pair in pairs(first, second, rng, " 4096²" if options.large else ""):
                for tool in tools:
                    if tool.name in SLOW and (number or options.large):
                        continue
                    row, reason = judge(tool, pair, Path(name))
                    rows.append(row)
                    error = "–" if row.error is None else f"{row.error:.4f} px"
                    line = f"{number} {pair.group}, {pair.name}: {tool.name}: {error}, {row.wall_s:.2f} s, {row.cpu_s:.2f} CPU s {reason}"
                    print(line, file=sys.stderr, flush=True)
                    if options.listing:
                        with options.listing.open("a", encoding="utf-8") as stream:
                            stream.write(
                                json.dumps({"image": number, "name": pair.name, "reason": reason} | {n: getattr(row, n) for n in Row.__slots__})
                                + "\n"
                            )
    for line in told(rows, [tool.name for tool in tools]):
        print(line)


if __name__ == "__main__":
    main()
