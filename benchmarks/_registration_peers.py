"""Registration tools behind one signature, each in a process of its own; numpy is all that every one of them needs.

Run by `registration_peers.py`: `python _registration_peers.py TOOL` says on standard output that it is ready, or why the tool is missing; then it
reads one request a line, {"reference": path, "moving": path, "nodata": number or null, "points": [[col, row], …]}, and answers each with one line of
JSON: the reference pixels of these moving pixels, or why there are none.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Plane = NDArray[np.uint8]
    Matrix = NDArray[np.float64]
    Answer = Matrix | Callable[[NDArray[np.float64]], NDArray[np.float64]] | str
    """A (2, 3) matrix or a function from moving to reference pixels, (n, 2); or why there is none."""
    Tool = Callable[[Plane, Plane, int | None], Answer]

SEED = 7
SAMPLES = 100_000
"""Points at which mutual information is sampled on the finest level: a tenth of 1024²."""
GSD_M = 0.5
CORNER = (559_000.0, 4_633_000.0)


def camwatch() -> Tool:
    """`camwatch.registration.register` on arrays."""
    from datetime import UTC, datetime

    from affine import Affine
    from odc.geo.geobox import GeoBox

    from camwatch.imagery import Image
    from camwatch.registration import register

    def image(values: Plane, nodata: int | None) -> Image:
        box = GeoBox(values.shape, Affine(GSD_M, 0, CORNER[0], 0, -GSD_M, CORNER[1]), "EPSG:32652")
        valid = np.ones(values.shape, bool) if nodata is None else values != nodata
        when = datetime(2012, 5, 1, tzinfo=UTC)
        return Image(values[None].astype(np.float32), valid, ("pan",), box, when, None, GSD_M, "dn", "benchmark")

    def run(reference: Plane, moving: Plane, nodata: int | None) -> Answer:
        answer = register(image(reference, None), image(moving, nodata))
        return answer.to_reference if answer.ok else answer.reason

    return run


def _arosics_array(values: Plane, nodata: int | None) -> Any:
    from geoarray import GeoArray
    from osgeo import osr

    system = osr.SpatialReference()
    system.ImportFromEPSG(32652)
    return GeoArray(values, (CORNER[0], GSD_M, 0, CORNER[1], 0, -GSD_M), system.ExportToWkt(), nodata=nodata)


def arosics_global() -> Tool:
    """Measure one shift in a window of 512 pixels in the middle, shifts of up to 300 pixels allowed."""
    from arosics import COREG

    def run(reference: Plane, moving: Plane, nodata: int | None) -> Matrix | str:
        arrays = _arosics_array(reference, None), _arosics_array(moving, nodata)
        tool = COREG(*arrays, ws=(512, 512), max_shift=300, nodata=(None, nodata), q=True, progress=False)
        if tool.calculate_spatial_shifts() != "success" or not tool.success:
            return "not successful"
        shift = tool.coreg_info["corrected_shifts_px"]
        return np.array([[1, 0, shift["x"]], [0, 1, shift["y"]]], np.float64)

    return run


def arosics_local() -> Tool:
    """Measure windows of 256 pixels on a grid of 100, filtered by its own tests, and an affine through the tie points that it keeps."""
    from arosics import COREG_LOCAL

    def run(reference: Plane, moving: Plane, nodata: int | None) -> Matrix | str:
        arrays = _arosics_array(reference, None), _arosics_array(moving, nodata)
        tool = COREG_LOCAL(*arrays, grid_res=100, window_size=(256, 256), max_shift=100, nodata=(None, nodata), CPUs=1, q=True, progress=False)
        table = tool.CoRegPoints_table
        kept = table[(table.OUTLIER == False) & (table.X_SHIFT_PX != -9999)] if "OUTLIER" in table else table[:0]  # noqa: E712  (a pandas column)
        if len(kept) < 6:
            return "too few tie points"
        place = kept[["X_IM", "Y_IM"]].to_numpy(float)
        # The table counts on the reference's grid; a target pixel there belongs where the correction moves it.
        shift = kept[["X_SHIFT_PX", "Y_SHIFT_PX"]].to_numpy(float)
        return _affine(place - shift, place)

    return run


def simpleitk() -> Tool:
    """Align by Mattes mutual information: a translation, then an affine from it, over three levels."""
    import SimpleITK as sitk  # noqa: N813  (its own documentation calls it so)

    def stage(images: tuple[Any, Any, Any], start: Any, share: float, shrink: list[int]) -> Any:
        fixed, moving, mask = images
        method = sitk.ImageRegistrationMethod()
        method.SetMetricAsMattesMutualInformation(50)
        if share < 1:
            method.SetMetricSamplingStrategy(method.RANDOM)
            method.SetMetricSamplingPercentage(share, SEED)
        if mask is not None:
            method.SetMetricMovingMask(mask)
        method.SetInterpolator(sitk.sitkLinear)
        method.SetOptimizerAsRegularStepGradientDescent(learningRate=4.0, minStep=1e-4, numberOfIterations=200, gradientMagnitudeTolerance=1e-8)
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetShrinkFactorsPerLevel(shrink)
        method.SetSmoothingSigmasPerLevel([0.5 * n if n > 1 else 0 for n in shrink])
        method.SetInitialTransform(start, inPlace=False)
        return method.Execute(fixed, moving)

    def run(reference: Plane, moving: Plane, nodata: int | None) -> Matrix | str:
        fixed, other = (sitk.GetImageFromArray(v.astype(np.float32)) for v in (reference, moving))
        coarse = max(16, max(reference.shape) // 64)
        mask = None if nodata is None else sitk.GetImageFromArray((moving != nodata).astype(np.uint8))
        try:
            shifted = stage((fixed, other, mask), sitk.TranslationTransform(2), 1.0, [coarse, coarse // 2, coarse // 4])
            start = sitk.AffineTransform(2)
            start.SetCenter([n / 2 for n in reference.shape[::-1]])
            start.SetTranslation(sitk.Transform(shifted).GetParameters())
            found = stage((fixed, other, mask), start, min(0.1, SAMPLES / reference.size), [4, 2, 1])
        except RuntimeError as error:  # "all samples map outside": its way of refusing
            return str(error).strip().splitlines()[-1]
        base = np.array(found.TransformPoint([0.0, 0.0]))
        linear = np.column_stack([np.array(found.TransformPoint(point)) - base for point in ([1.0, 0.0], [0.0, 1.0])])
        back = np.linalg.inv(linear)
        return np.column_stack([back, -back @ base])

    return run


def phase_correlation() -> Tool:
    """`skimage.registration.phase_cross_correlation` of the whole images to a hundredth of a pixel; one shift, no refusal."""
    from skimage.registration import phase_cross_correlation

    def run(reference: Plane, moving: Plane, nodata: int | None) -> Matrix | str:
        del nodata  # with masks it answers in whole pixels only
        window = np.outer(*(np.hanning(n) for n in reference.shape))
        a, b = ((v - v.mean()) * window for v in (reference, moving))
        row, col = phase_cross_correlation(a, b, upsample_factor=100)[0]
        return np.array([[1, 0, col], [0, 1, row]], np.float64)

    return run


def tiles_ransac() -> Tool:
    """Correlate tiles of 128 pixels about the whole images' shift by phase, and take an affine by RANSAC; refused where few tiles agree."""
    from skimage.measure import ransac
    from skimage.registration import phase_cross_correlation
    from skimage.transform import AffineTransform

    side = 128
    # Without the whitening that is its default: five times as exact on these tiles.
    plain = {"upsample_factor": 50, "normalization": None}

    def run(reference: Plane, moving: Plane, nodata: int | None) -> Matrix | str:
        whole = phase_correlation()(reference, moving, nodata)
        col, row = np.rint(np.asarray(whole)[:, 2]).astype(int)
        window, places, found = np.outer(np.hanning(side), np.hanning(side)), [], []
        for top in range(0, reference.shape[0] - side + 1, side):
            for left in range(0, reference.shape[1] - side + 1, side):
                y, x = top - row, left - col
                if y < 0 or x < 0 or y + side > moving.shape[0] or x + side > moving.shape[1]:
                    continue
                a, b = reference[top : top + side, left : left + side], moving[y : y + side, x : x + side]
                if min(a.std(), b.std()) < 1 or (nodata is not None and (b == nodata).any()):
                    continue
                shift = phase_cross_correlation((a - a.mean()) * window, (b - b.mean()) * window, **plain)[0]
                places.append((left + side / 2, top + side / 2))
                found.append((left + side / 2 - col - shift[1], top + side / 2 - row - shift[0]))
        if len(places) < 12:
            return "too few tiles"
        model, inside = ransac(
            (np.array(found), np.array(places)),
            AffineTransform,
            min_samples=4,
            residual_threshold=0.5,
            max_trials=500,
            rng=np.random.default_rng(SEED),
        )
        if model is None or inside.sum() < max(12, 0.1 * len(places)):
            return "too few tiles agree"
        return np.asarray(model.params[:2], np.float64)

    return run


def flow_ransac() -> Tool:
    """Take an affine by RANSAC through `skimage.registration.optical_flow_ilk`, on every 16th pixel; refused where few agree."""
    from skimage.measure import ransac
    from skimage.registration import optical_flow_ilk
    from skimage.transform import AffineTransform

    def run(reference: Plane, moving: Plane, nodata: int | None) -> Matrix | str:
        del nodata  # it knows no masks
        rows, cols = (np.arange(32, n - 32, 16) for n in reference.shape)
        down, right = (part[np.ix_(rows, cols)] for part in optical_flow_ilk(reference / 255.0, moving / 255.0, radius=15, num_warp=10))
        y, x = np.meshgrid(rows, cols, indexing="ij")
        here = np.stack([x, y], axis=-1).reshape(-1, 2).astype(float)
        there = here + np.stack([right, down], axis=-1).reshape(-1, 2)
        model, inside = ransac((there, here), AffineTransform, min_samples=4, residual_threshold=0.5, max_trials=500, rng=np.random.default_rng(SEED))
        return np.asarray(model.params[:2], np.float64) if model is not None and inside.mean() >= 0.1 else "too few pixels agree"

    return run


def opencv_phase() -> Tool:
    """`cv2.phaseCorrelate` of the whole images under a Hann window; one shift, no refusal."""
    import cv2

    def run(reference: Plane, moving: Plane, nodata: int | None) -> Matrix | str:
        del nodata  # it knows no masks
        window = cv2.createHanningWindow(reference.shape[::-1], cv2.CV_32F)
        (col, row), _ = cv2.phaseCorrelate(reference.astype(np.float32), moving.astype(np.float32), window)
        return np.array([[1, 0, -col], [0, 1, -row]], np.float64)

    return run


def opencv_ecc() -> Tool:
    """`cv2.findTransformECC`, an affine, started from `cv2.phaseCorrelate`; refused where it does not converge."""
    import cv2

    def run(reference: Plane, moving: Plane, nodata: int | None) -> Matrix | str:
        start = -np.asarray(opencv_phase()(reference, moving, nodata))[:, 2]
        warp = np.array([[1, 0, start[0]], [0, 1, start[1]]], np.float32)
        mask = np.full(moving.shape, 255, np.uint8) if nodata is None else np.where(moving == nodata, 0, 255).astype(np.uint8)
        stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 200, 1e-7)
        try:
            _, warp = cv2.findTransformECC(reference, moving, warp, cv2.MOTION_AFFINE, stop, mask, 5)
        except cv2.error as error:
            return str(error).strip().splitlines()[-1]
        back = np.linalg.inv(warp[:, :2].astype(float))
        return np.column_stack([back, -back @ warp[:, 2]])

    return run


def _places(answer: Any, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the reference pixels (n, 2) of moving pixels."""
    return np.asarray(answer(points) if callable(answer) else points @ answer[:, :2].T + answer[:, 2], np.float64)


def _affine(moving: NDArray[np.float64], reference: NDArray[np.float64]) -> Matrix:
    """Return the least-squares affine (2, 3) that takes (n, 2) moving places to (n, 2) reference places."""
    terms = np.column_stack([moving, np.ones(len(moving))])
    return np.asarray(np.linalg.lstsq(terms, reference, rcond=None)[0].T, np.float64)


TOOLS: dict[str, Callable[[], Tool]] = {
    "camwatch": camwatch,
    "AROSICS global": arosics_global,
    "AROSICS local": arosics_local,
    "SimpleITK": simpleitk,
    "phase correlation": phase_correlation,
    "tiles + RANSAC": tiles_ransac,
    "optical flow + RANSAC": flow_ransac,
    "OpenCV phaseCorrelate": opencv_phase,
    "OpenCV ECC": opencv_ecc,
}
"""Each makes the tool, or raises ImportError where it is missing."""


@dataclass(frozen=True, slots=True)
class Memory:
    """The resident set of this process in MB, now and at its peak since the last reset (Linux)."""

    now: float
    peak: float

    @classmethod
    def read(cls) -> Memory:
        """Return both as they are."""
        lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
        return cls(*(int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")))

    @staticmethod
    def reset() -> None:
        """Let the peak start anew."""
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def serve(name: str) -> None:
    """Answer requests until there are no more."""
    out, sys.stdout = sys.stdout, sys.stderr  # some tools print
    try:
        tool = TOOLS[name]()
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), file=out, flush=True)
        return
    print(json.dumps({"missing": None}), file=out, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        reference, moving = np.load(asked["reference"]), np.load(asked["moving"])
        Memory.reset()
        before, wall, cpu = Memory.read(), time.perf_counter(), time.process_time()
        try:
            answer = tool(reference, moving, asked["nodata"])
        except Exception as error:  # noqa: BLE001  (whatever a tool raises is its answer, shown with its name)
            answer = f"raised {type(error).__name__}: {error}"
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        said: dict[str, Any] = {"reason": answer} if isinstance(answer, str) else {"places": _places(answer, np.array(asked["points"])).tolist()}
        print(json.dumps({**said, "wall_s": wall, "cpu_s": cpu, "mb": Memory.read().peak - before.now}), file=out, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1])
