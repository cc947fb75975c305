"""Is the judge right as often as it says? Worlds in which the truth is known, judged by the same code as real pairs.

For every kind of claim: how many of the 95 % intervals hold the truth, how many verdicts of each kind are wrong, and what is said where the power
is under the limit. Then the same in worlds that are worse than the judge takes them to be. "Wrong" is a supported number that is not the true one,
stretched as the rules say, and a number called contradicted (or partly so) that is.

    python benchmarks/calibration.py [--worlds 1000] [--seed 0] [--figure FILE.png]
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from _judge_worlds import NONE, WORLDS, WRONG
from camwatch.judge import judge
from camwatch.judge.dates import claimed_time
from camwatch.judge.limits import POWER_LIMIT, bounds_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from _judge_worlds import World
    from camwatch.judge import Verdict

EXCLUDED = ("contradicted", "partly")


@dataclass
class Row:
    """What happened over the worlds of one kind."""

    name: str
    worlds: int = 0
    covered: int = 0
    measured: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    weak: Counter[str] = field(default_factory=Counter)
    weak_wrong: int = 0

    def add(self, world: World, verdict: Verdict) -> None:
        """Count one verdict against the truth."""
        reading = verdict.readings[0]
        self.worlds += 1
        if reading.measured is not None:
            scale = {"km2": 1e6, "km": 1e3}.get(reading.measured.unit, 1.0)
            self.measured += 1
            self.covered += scale * reading.measured.low * (1 - 1e-9) - 1e-9 <= world.seen <= scale * reading.measured.high * (1 + 1e-9) + 1e-9
        self.outcomes[verdict.outcome] += 1
        if verdict.outcome in ("supported", *EXCLUDED):
            self.wrong[verdict.outcome] += is_wrong(world, verdict)
        if reading.power is not None and reading.power < POWER_LIMIT:
            self.weak[verdict.outcome] += 1
            self.weak_wrong += verdict.outcome in ("supported", *EXCLUDED) and is_wrong(world, verdict)

    @property
    def coverage(self) -> float:
        """Share of the intervals that hold the truth."""
        return self.covered / max(self.measured, 1)

    def error(self, outcome: str) -> float:
        """Share of the verdicts of one outcome that are wrong."""
        return self.wrong[outcome] / max(self.outcomes[outcome], 1)

    def __str__(self) -> str:
        cells: list[object] = [self.name, self.worlds, f"{100 * self.coverage:.1f} %" if self.measured else "–"]
        for outcome in ("supported", "contradicted", "partly"):
            cells += [self.outcomes[outcome], f"{100 * self.error(outcome):.1f} %" if self.outcomes[outcome] else "–"]
        cells += [self.outcomes["inconclusive"], self.outcomes["not testable"]]
        weak = sum(self.weak.values())
        shown = sum(self.weak[outcome] for outcome in ("supported", *EXCLUDED))
        cells += [weak, self.weak["not testable"], f"{shown} ({self.weak_wrong} wrong)"]
        return "| " + " | ".join(map(str, cells)) + " |"


def is_wrong(world: World, verdict: Verdict) -> bool:
    """Whether a decided verdict says what is not true."""
    reading = world.claim.readings[0]
    if world.happened is not None:
        when = claimed_time(reading)
        assert when is not None
        assert when.start is not None
        assert when.end is not None
        inside = when.start <= world.happened <= when.end
        # A date that fits in part is said to lie within the dates that are told.
        low, high = (verdict.readings[0].measured.low, verdict.readings[0].measured.high) if verdict.readings[0].measured else (0, 9999)
        return {"supported": not inside, "contradicted": inside, "partly": not low <= world.happened.year <= high}[verdict.outcome]
    claimed = bounds_of(reading.quantity if reading.metric != "presence" else None, "length" if reading.metric == "distance" else reading.metric)
    if verdict.outcome == "supported":
        return not claimed.near_low <= world.truth <= claimed.near_high
    same_way = verdict.outcome == "contradicted" or world.truth * (1 if claimed.low > 0 else -1) > 0
    return claimed.wide_low <= world.truth <= claimed.wide_high or not same_way


def table(worlds: int, seed: int = 0, *, flawed: bool = True) -> tuple[list[Row], list[Row]]:
    """Return the rows of worlds as the judge takes them to be, and those of worlds that are worse."""
    fair, worse = [], []
    for number, (name, draw) in enumerate(WORLDS.items()):
        fair.append(_row(name, worlds, np.random.default_rng([seed, number]), lambda rng, draw=draw: draw(rng, NONE)))
    for number, (name, (kind, flaws)) in enumerate(WRONG.items() if flawed else ()):
        worse.append(_row(name, worlds, np.random.default_rng([seed, 100 + number]), lambda rng, kind=kind, flaws=flaws: WORLDS[kind](rng, flaws)))
    return fair, worse


def _row(name: str, worlds: int, rng: np.random.Generator, draw: Callable[[np.random.Generator], World]) -> Row:
    row = Row(name)
    for _ in range(worlds):
        world = draw(rng)
        row.add(world, judge(world.claim, world.evidence, aoi=world.aoi))
    return row


def total(rows: list[Row], name: str = "all of these") -> Row:
    """Return the sum of rows."""
    whole = Row(name)
    for row in rows:
        whole.worlds, whole.covered, whole.measured = whole.worlds + row.worlds, whole.covered + row.covered, whole.measured + row.measured
        whole.outcomes, whole.wrong, whole.weak = whole.outcomes + row.outcomes, whole.wrong + row.wrong, whole.weak + row.weak
        whole.weak_wrong += row.weak_wrong
    return whole


HEAD = (
    "worlds of",
    "n",
    "95 % intervals hold the truth",
    "supported",
    "wrong",
    "contradicted",
    "wrong",
    "partly",
    "wrong",
    "inconclusive",
    "not testable",
    "power under the limit",
    "of these not testable",
    "shown all the same",
)


def main() -> None:
    """Print the tables, draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=1000, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--figure", type=Path, help="draw coverage and errors into this PNG")
    options = parser.parse_args()
    fair, worse = table(options.worlds, options.seed)
    for title, rows in (("Worlds as the judge takes them to be", [*fair, total(fair)]), ("Worlds that are worse", worse)):
        print(f"\n{title}\n")
        print(f"| {' | '.join(HEAD)} |\n| {' | '.join('---' for _ in HEAD)} |")
        for row in rows:
            print(row)
    if options.figure:
        from _judge_figure import draw

        draw(options.figure, fair, worse)
        print(f"\n{options.figure}")


if __name__ == "__main__":
    main()
