"""Is the standard error that registration states true? Error over stated error, on pairs and loops where the error can be known.

    python benchmarks/registration_error.py [--part rendered|halves|loops] [--seeds N] [--out rows.jsonl]

*rendered*: two rendered dates with a known transform; the truth is the transform common to the scene (local displacements have no affine part), and
for an answer that holds a field the place of each point itself.
*halves*: a real pair registered on two shares of its ground; the two answers must differ as both stated errors say.
*loops*: three real dates, a → b → c → a; and the same with each link on its own third of the ground, because links that share pixels share errors,
which cancel in the loop.

Printed per class: how many, the share answered, how many of the aligned ones were left untouched (their errors are exactly 0 and enter no other
column), the median length of the error and of the stated error at the centre in pixels, then for the centre and for the corners of the scene: bias
(mean of the normalised errors), spread (1.4826 × median absolute deviation), standard deviation and root mean square of the normalised errors per
axis, and how many lie within 1 and 1.96 (0.68 and 0.95 when true). CAMWATCH_TEST_DATA names the folder that holds `data/`.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

from _registration_dates import CHANGES, Setting, blocks, halves, only, real_pairs, real_series, rendered
from camwatch.registration import Registration, register

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from _registration_dates import Move
    from camwatch.imagery.image import Image

SENSORS = {0.5: (256, 512, 384, 1024), 2.5: (256, 512, 384, 1024), 10.0: (256, 512)}
T = TypeVar("T")

MOVES: tuple[Move, ...] = ("none", "shift", "similarity", "affine")
INSET = 0.08
"""The corner points lie this share of the side inside the scene."""

OWN_GROUND = 350
"""Pixels: scenes with a shorter side are not shared out between the links of a loop; a third of them holds too little."""


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison.

    `case` is its class, `detail` and `model` say more; `errors` and `sigmas` hold (col, row) for the centre and the four corners, in pixels;
    empty when not answered. `reason` is that of the answer.
    """

    case: str
    detail: dict[str, str | float]
    model: str
    errors: list[list[float]]
    sigmas: list[list[float]]
    reason: str = ""

    @property
    def exact(self) -> bool:
        """Whether the error may be exactly 0 because nothing was moved: such a comparison tells nothing about the size of errors."""
        return self.detail["move"] == "none" if "size" in self.detail and "way" not in self.detail else self.model == "none"


def main() -> None:
    """Measure, print one table per part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("rendered", "halves", "loops"), help="only this one")
    parser.add_argument("--seeds", type=int, default=60, help="rendered pairs per class")
    parser.add_argument("--most", type=int, default=1000, help="real pairs and series per class")
    parser.add_argument("--only", default="", help="only classes whose name contains this")
    parser.add_argument("--out", type=Path, help="write every comparison here, one JSON record a line")
    options = parser.parse_args()
    data = Path(os.environ.get("CAMWATCH_TEST_DATA", Path(__file__).resolve().parents[2] / "shared")) / "data"
    parts: dict[str, Callable[[], Iterator[Row]]] = {
        "rendered": lambda: rendered_rows(options.seeds, options.only),
        "halves": lambda: half_rows(data, options.most, options.only),
        "loops": lambda: loop_rows(data, options.most, options.seeds // 3, options.only),
    }
    for name, rows in parts.items():
        if options.part in {None, name}:
            done = _kept(rows(), options.out)
            print(f"\n## {name}\n")
            print(table(done) if done else f"nothing to measure: {data} is absent" if name != "rendered" else "no such class")


def rendered_rows(seeds: int, only_class: str = "") -> Iterator[Row]:
    """Register rendered pairs of every ground, sensor, size and transform."""
    classes = [(ground, gsd, f"{ground} {gsd:g} m") for ground in CHANGES for gsd in SENSORS if not (ground == "lean" and gsd > 5)]
    for seed in range(seeds):
        for ground, gsd, case in classes:
            if only_class in case:
                sizes = SENSORS[gsd]
                setting = Setting(ground, MOVES[seed % len(MOVES)], gsd, sizes[seed // len(MOVES) % len(sizes)], seed)
                yield rendered_row(case, setting)


def rendered_row(case: str, setting: Setting) -> Row:
    """Render one pair, register it, and compare with the truth."""
    reference, moving = rendered(setting)
    found = register(reference.image, moving.image)
    points = five(found.grid.shape)
    places = (points - moving.matrix[:, 2]) @ np.linalg.inv(moving.matrix[:, :2]).T
    # An answer that holds a field says where each place lies; any other what is common to the scene.
    truth = moving.on_first(places, local=found.field is not None)
    return _row(case, asdict(setting), [found], points, found.to_reference(places) - truth)


def half_rows(data: Path, most: int, only_class: str = "") -> Iterator[Row]:
    """Register real pairs on two shares of their ground."""
    for number, name, (reference, moving) in _first(real_pairs(data), most, only_class):
        for way, shares in halves(reference.valid.shape).items():
            answers = [register(only(reference, share), moving) for share in shares]
            points = five(reference.valid.shape)
            errors = answers[1].to_reference(answers[0].to_moving(points)) - points
            yield _row(name, {"way": way, "number": number}, answers, points, errors)


def loop_rows(data: Path, most: int, seeds: int, only_class: str = "") -> Iterator[Row]:
    """Go round three dates, real and rendered, with links on the same ground and on ground of their own."""
    for number, name, dates in _first(real_series(data), most, only_class):
        yield from _loops(name, {"number": number}, dates)
    for seed in range(seeds):
        for ground in ("season", "decade"):
            setting = Setting(ground, "shift", 2.5, 512, seed)
            if only_class in f"rendered {ground}":
                yield from _loops(f"rendered {ground}", asdict(setting), [d.image for d in rendered(setting, 3)])


def _first(items: Iterable[tuple[str, T]], most: int, only_class: str) -> Iterator[tuple[int, str, T]]:
    """Yield (number, class, content) of the first items (class, content) of each class."""
    seen: dict[str, int] = defaultdict(int)
    for number, (name, content) in enumerate(items):
        seen[name] += 1
        if only_class in name and seen[name] <= most:
            yield number, name, content


def _loops(name: str, detail: dict[str, str | float], dates: Sequence[Image]) -> Iterator[Row]:
    shape = dates[0].valid.shape
    ways = {"": [[np.ones(shape, bool)] * 3]}
    if min(shape) >= OWN_GROUND:
        thirds = blocks(shape, 3, 3)
        ways[", own ground"] = [thirds, [*thirds[1:], thirds[0]], [thirds[2], *thirds[:2]]]
    for way, rounds in ways.items():
        for shares in rounds:
            answers = [register(only(dates[n], share), dates[(n + 1) % 3]) for n, share in enumerate(shares)]
            points = place = five(shape)
            for answer in answers:
                place = answer.to_moving(place)
            yield _row(name + way, detail, answers, points, place - points)


def five(shape: Iterable[int]) -> NDArray[np.float64]:
    """Return (col, row) of the centre and of four corners a little inside."""
    rows, cols = (n - 1 for n in shape)
    ends = (INSET, 1 - INSET)
    return np.array([[cols / 2, rows / 2], *([c * cols, r * rows] for r in ends for c in ends)])


def variance_at(found: Registration, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the stated variance (col, row) at reference pixels."""
    assert found.precision is not None, "an answer states its error"
    return found.precision.at(points)[:, [0, 2]]


def _row(case: str, detail: dict[str, str | float], answers: Sequence[Registration], points: NDArray[np.float64], errors: NDArray[np.float64]) -> Row:
    models = "+".join(sorted({a.model if a.ok else "refused" for a in answers}))
    reason = next((a.reason for a in answers if not a.ok), answers[0].reason)
    if not all(a.ok for a in answers):
        return Row(case, detail, models, [], [], reason)
    sigmas = np.sqrt(sum(variance_at(a, points) for a in answers))
    return Row(case, detail, models, errors.tolist(), sigmas.tolist(), reason)


def _kept(rows: Iterator[Row], out: Path | None) -> list[Row]:
    """Collect rows, writing each down as it comes."""
    done = []
    for row in rows:
        done.append(row)
        if out is not None:
            with out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(row)) + "\n")
    return done


HEAD = (
    "class",
    "n",
    "answered",
    "untouched",
    "median px",
    "stated px",
    *(f"{place} {what}" for place in ("centre", "corner") for what in ("bias", "spread", "sd", "rms", "68", "95")),
)


def table(rows: Sequence[Row]) -> str:
    """Return the figures per class as a Markdown table, all answered comparisons together in the last line."""
    classes: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        classes[row.case].append(row)
    lines = ["| " + " | ".join(HEAD) + " |", "| --- |" + " ---: |" * (len(HEAD) - 1)]
    lines += ["| " + " | ".join((name, *_figures(some))) + " |" for name, some in classes.items()]
    return "\n".join([*lines, "| " + " | ".join(("**all**", *_figures(rows))) + " |"])


def _figures(rows: Sequence[Row]) -> list[str]:
    answered = [row for row in rows if row.errors]
    exact = [row for row in answered if row.exact]
    kept = f"{sum(row.model == 'none' for row in exact)} of {len(exact)}"
    out = [str(len(rows)), f"{len(answered) / len(rows):.0%}", kept]
    answered = [row for row in answered if not row.exact]
    if not answered:
        return out + ["–"] * (len(HEAD) - 4)
    errors, sigmas = np.array([row.errors for row in answered]), np.array([row.sigmas for row in answered])
    out += [f"{np.median(np.hypot(*errors[:, 0].T)):.3f}", f"{np.median(np.hypot(*sigmas[:, 0].T)):.3f}"]
    for place in ("centre", "corner"):
        out += [f"{value:.2f}" for value in normalised(errors, sigmas, place)]
    return out


def normalised(errors: NDArray[np.float64], sigmas: NDArray[np.float64], place: Literal["centre", "corner"]) -> tuple[float, ...]:
    """Return bias, robust spread, standard deviation, root mean square, and shares within 1 and 1.96, of errors over sigmas, both (n, 5, 2)."""
    where = slice(0, 1) if place == "centre" else slice(1, 5)
    z = (errors[:, where] / sigmas[:, where]).ravel()
    spread = 1.4826 * float(np.median(np.abs(z - np.median(z))))
    return float(z.mean()), spread, float(z.std()), float(np.sqrt((z**2).mean())), float((np.abs(z) < 1).mean()), float((np.abs(z) < 1.96).mean())


if __name__ == "__main__":
    main()
