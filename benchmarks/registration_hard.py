"""How registration does on hard pairs whose transform is known: far, other sensors, seasons, gaps, change, bent ground, nothing in common.

    python benchmarks/registration_hard.py [--only REGEX] [--seeds 1] [--jobs 1]

Each case is one pair. `error` is the RMSE in pixels of where the answer finds an 11 × 11 lattice of the reference (the points that the moving
image shows) in the moving image, `median` the median over these points (a field is least certain at the edges); `se` is what the answer says of
itself there; `norm` is error over standard error (root mean square). Two real dates tell a consistency: the answer for the moved image against the
answer for the image before it was moved, so a `norm` below 1 means little there.

WRONG: answered with an error above 0.1 px and three standard errors (the answer's and, for bands of a real sensor, the truth's); or answered where
there is nothing to find. VAGUE: the error is within three standard errors, but above 1 px. MISSED: refused where an answer exists. MOVED: an aligned
pair was moved by more than two standard errors. `-`: the truth is missing, its base was refused.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from _registration_ground import NoDataError
from _registration_pairs import bands, bent, far, gsd
from _registration_trouble import aligned, hopeless, parallax, robust, season
from camwatch.registration import register

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from _registration_pairs import Case, Pair
    from camwatch.registration import Registration

LIMIT_PX = 0.5
VAGUE_PX = 1.0
GROUPS = (far, gsd, bands, season, robust, aligned, bent, parallax, hopeless)


def cases(seed: int) -> list[Case]:
    """Return all cases of a seed: each looks at another place and draws other noise."""
    return [case for group in GROUPS for case in group(seed)]


@dataclass(frozen=True, slots=True)
class Row:
    """What came out of a case."""

    group: str
    name: str
    verdict: str
    answer: str
    error: float
    median: float
    se: float
    norm: float
    seconds: float
    reason: str
    true: bool

    def __str__(self) -> str:
        numbers = "  ".join(f"{v:8.4f}" if np.isfinite(v) else "       -" for v in (self.error, self.median, self.se, self.norm))
        reason = f"  {self.reason}" if self.answer == "refused" or self.verdict not in {"right", "refused"} else ""
        return f"{self.verdict:8s} {self.answer:11s} {numbers}  {self.seconds:6.2f} s  {self.group}: {self.name}{reason}"


def found_at(answer: Registration, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the moving pixels (n, 2) of reference pixels."""
    if hasattr(answer, "to_moving"):
        return np.asarray(answer.to_moving(points))
    return (points - answer.matrix[:, 2]) @ np.linalg.inv(answer.matrix[:, :2]).T


def stated(answer: Registration, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the standard errors (n,) that the answer states at reference pixels."""
    return np.asarray(answer.se_at(points)) if hasattr(answer, "se_at") else np.full(len(points), answer.se_px)


def lattice(pair: Pair) -> NDArray[np.float64]:
    """Return the reference pixels (n, 2) of a lattice."""
    rows, cols = pair.reference.valid.shape
    return np.stack(np.meshgrid(np.linspace(0, cols - 1, 11), np.linspace(0, rows - 1, 11)), axis=-1).reshape(-1, 2)


def truth(pair: Pair) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return the reference pixels that the moving image shows, and where, both (n, 2); None where nobody knows."""
    if pair.move is None:
        return None
    points = lattice(pair)
    if pair.base is None:
        there = pair.move.to_moving(points)
    else:
        base = register(pair.reference, pair.base, limit_px=LIMIT_PX)
        if not base.ok:
            return None
        there = pair.move.to_moving(found_at(base, points))
    rows, cols = pair.moving.valid.shape
    shown = ((there > -0.5) & (there < np.array([cols, rows]) - 0.5)).all(axis=1)
    return (points[shown], there[shown]) if shown.any() else None


def judged(case: Case, rng: np.random.Generator) -> Row:
    """Make a pair, register it, and compare."""
    nan = float("nan")
    try:
        pair = case.make(rng)
    except NoDataError as absent:
        return Row(case.group, case.name, "skipped", "-", nan, nan, nan, nan, 0, str(absent), true=False)
    start = time.perf_counter()
    answer = register(pair.reference, pair.moving, limit_px=LIMIT_PX)
    seconds = time.perf_counter() - start
    if not answer.ok:
        verdict = "MISSED" if case.expect in {"answer", "untouched"} else "refused"
        return Row(case.group, case.name, verdict, "refused", nan, nan, nan, nan, seconds, answer.reason, true=False)
    known = truth(pair)
    if known is None:
        verdict = "WRONG" if case.expect == "refusal" else "-"
        return Row(case.group, case.name, verdict, answer.model, nan, nan, answer.se_px, nan, seconds, answer.reason, true=False)
    points, there = known
    away, said = np.hypot(*(found_at(answer, points) - there).T), stated(answer, points)
    error, se = (float(np.sqrt((v**2).mean())) for v in (away, said))
    doubt = float(np.hypot(se, pair.known_px))
    wrong = case.expect == "refusal" or error > max(0.1, 3 * doubt)
    verdict = "WRONG" if wrong else "VAGUE" if error > VAGUE_PX else "right"
    if case.expect == "untouched" and verdict == "right" and answer.model != "none" and error > 2 * doubt:
        verdict = "MOVED"
    norm = float(np.sqrt(((away / said) ** 2).mean()))
    return Row(
        case.group,
        case.name,
        verdict,
        answer.model,
        error,
        float(np.median(away)),
        se,
        norm,
        seconds,
        answer.reason,
        true=pair.base is None and pair.known_px == 0,
    )


def run(key: tuple[int, int]) -> Row:
    """Run the case of a (seed, number)."""
    seed, number = key
    case = cases(seed)[number]
    row = judged(case, np.random.default_rng(key))
    return replace(row, name=f"{row.name} #{seed}") if seed else row


def rows(keys: list[tuple[int, int]], jobs: int) -> Iterator[Row]:
    """Yield what came out, in order."""
    if jobs == 1:
        yield from map(run, keys)
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(run, keys)


def summary(group: str, out: list[Row]) -> str:
    """Return one line for a group."""
    said = {verdict: sum(r.verdict == verdict for r in out) for verdict in ("right", "refused", "MISSED", "MOVED", "VAGUE", "WRONG", "-", "skipped")}
    answered = [r for r in out if np.isfinite(r.error)]
    errors = [r.error for r in answered]
    norms = [r.norm for r in answered if r.true]
    line = f"{group:46s} {len(out):4d} cases " + " ".join(f"{k} {v:3d}" for k, v in said.items() if v)
    if errors:
        line += f" | error median {np.median(errors):.4f} worst {max(errors):.4f}"
    if norms:
        line += f" | norm of true errors {np.sqrt(np.mean(np.square(norms))):.2f} (median {np.median(norms):.2f})"
    return line + f" | {np.median([r.seconds for r in out]):.2f} s"


def main() -> None:
    """Print a row for each case and a line for each group."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases whose 'group: name' this regular expression finds")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    wanted = re.compile(options.only)
    keys = [(seed, n) for seed in range(options.seeds) for n, case in enumerate(cases(seed)) if wanted.search(f"{case.group}: {case.name}")]
    out = []
    print("verdict  model          error    median        se      norm   seconds  case", flush=True)
    for row in rows(keys, options.jobs):
        out.append(row)
        print(row, flush=True)
    print()
    for group in dict.fromkeys(row.group for row in out):
        print(summary(group, [row for row in out if row.group == group]))
    print(summary("all", out))


if __name__ == "__main__":
    main()
