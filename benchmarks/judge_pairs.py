"""Does the judge's interval hold the labelled number of real pairs, and are its verdicts on made-up claims right?

Each labelled pair is searched as `camwatch run` searches it, once with its western half as the camp and the eastern one as control ground, and once
the other way round; objects are planted into it, and made-up claims ("N buildings appeared"; the labelled N, and false ones) are judged. What is
searched is kept, one file for each half, so that the work can be stopped and taken up again; the judging takes seconds.

    python benchmarks/judge_pairs.py RECORDS [--sets levir joplin] [--pairs N] [--skip N] [--model shipped] [--judge-only]

Real pairs lie where $CAMWATCH_TEST_DATA points to; a set that is not there is left out, and said to be.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

import _structures_pairs as pairs
from _judge_pairs import HALVES, Searched, configured, read_half, search_half
from camwatch.claims.model import Claim, Interval, Quantity, Reading
from camwatch.judge import estimate_count, judge
from camwatch.judge.limits import bounds_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _structures_pairs import Pair
    from camwatch.judge import Verdict


SHOWN = ("true", "true, at least half", "true, some", "false, too many", "false, too few")
"""Made-up claims that have a column."""


def labelled(name: str, folder: Path) -> Iterator[Pair]:
    """Yield the pairs of one set."""
    if name == "levir":
        yield from pairs.levir(folder)
    else:
        joplin = pairs.joplin()
        if joplin is not None:
            yield joplin
            yield joplin.backwards()


def search_all(records: Path, options: argparse.Namespace) -> None:
    """Search what is not searched yet."""
    config = configured(options.model)
    for name in options.sets:
        with tempfile.TemporaryDirectory() as scratch:
            there = False
            for pair in islice(labelled(name, Path(scratch)), options.skip, options.skip + options.pairs if options.pairs else None):
                there = True
                for half in HALVES:
                    path = records / f"{name} {pair.name} {half}.json".replace(" ", "_")
                    if path.exists():
                        continue
                    record = search_half(pair, half, Path(scratch), config)
                    part = path.with_suffix(".part")
                    part.write_text(json.dumps(record), encoding="utf-8")
                    part.rename(path)
                    print(f"searched {path.stem}: {record['labelled']}", flush=True)
            if not there:
                print(f"{name}: not there, left out ({pairs.DATA})")


def claims_about(truth: int, aspect: str, when: Interval) -> Iterator[tuple[str, Quantity, Claim]]:
    """Yield made-up claims: the labelled number, "at least" that, half of it, and "some"; twice and more of it, a third, and none."""
    numbers: dict[str, tuple[int, int | None]] = {"true": (truth, truth), "true, at least": (truth, None)}
    if truth:
        numbers["true, some"] = (1, None)
        numbers["true, at least half"] = (truth // 2 or 1, None)
    numbers["false, too many"] = (2 * truth + 6, 2 * truth + 6)
    numbers["false, at least"] = (2 * truth + 6, None)
    if truth >= 6:
        numbers["false, too few"] = (truth // 3, truth // 3)
        numbers["false, none"] = (0, 0)
    for kind, (low, high) in numbers.items():
        quantity = Quantity(low=low, high=high)
        reading = Reading(text="…", metric="count", subject="structure", aspect=aspect, quantity=quantity, interval=when)
        yield kind, quantity, Claim(id=kind, camp="labelled", quote="made up", readings=(reading,))


def holds(quantity: Quantity, truth: int, *, near: bool) -> bool:
    """Whether a claim holds for the labelled number: within what experts' counts differ by (`near`: as far as it takes to support it)."""
    bounds = bounds_of(quantity, "count")
    return bounds.near_low <= truth <= bounds.near_high if near else bounds.wide_low <= truth <= bounds.wide_high


def judge_all(halves: list[Searched]) -> int:
    """Print the table of all halves, and what came of the claims."""
    heads = ("half", "labelled", "reported", "interval", "holds it", *SHOWN)
    print(f"| {' | '.join(heads)} |\n| {' | '.join('---' for _ in heads)} |")
    covered, told, outcomes, wrong = 0, 0, Counter[str](), Counter[str]()
    for half in halves:
        when = Interval(start=half.evidence.acquired[0].date(), end=half.evidence.acquired[1].date())
        found = half.evidence.findings["structure"]
        for aspect in half.aspects:
            truth = half.labelled[aspect]
            verdicts: dict[str, Verdict] = {}
            for kind, quantity, claim in claims_about(truth, aspect, when):
                verdict = verdicts[kind] = judge(claim, [half.evidence])
                outcomes[verdict.outcome] += 1
                if verdict.outcome == "supported":
                    wrong["supported"] += not holds(quantity, truth, near=True)
                elif verdict.outcome in ("contradicted", "partly"):
                    wrong["excluded"] += holds(quantity, truth, near=False)
            sensitivity = half.evidence.sensitivity.get("structure")
            measured = None if half.evidence.refused else estimate_count(found, sensitivity, aspect)
            interval, inside = "none", ""
            if measured is not None:
                told += 1
                inside = measured.low <= truth <= measured.high
                covered += inside
                interval, inside = f"{measured.low:.0f} to {measured.high:.0f}", "yes" if inside else "no"
            said = [verdicts[kind].outcome if kind in verdicts else "" for kind in SHOWN]
            print("|", " | ".join((f"{half.name} {aspect}", str(truth), str(found.count(aspect)), interval, inside, *said)), "|")
    excluded = outcomes["contradicted"] + outcomes["partly"]
    print(f"\n95 % intervals hold the labelled number in {covered} of {told}" + (f" ({100 * covered / told:.0f} %)" if told else ""))
    print(f"supported: {outcomes['supported']}, wrong {wrong['supported']}; contradicted or partly: {excluded}, wrong {wrong['excluded']}; ", end="")
    print(f"inconclusive {outcomes['inconclusive']}, not testable {outcomes['not testable']}")
    return 0 if told and covered >= 0.9 * told else 1


def main() -> int:
    """Search, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", type=Path, help="folder for what was searched")
    parser.add_argument("--sets", nargs="+", choices=("levir", "joplin"), default=["levir", "joplin"])
    parser.add_argument("--pairs", type=int, default=0, help="only so many pairs of each set")
    parser.add_argument("--skip", type=int, default=0, help="leave out the first so many")
    parser.add_argument("--model", default="shipped", help="shipped, none, or an ONNX file")
    parser.add_argument("--judge-only", action="store_true", help="judge what was searched before")
    options = parser.parse_args()
    options.records.mkdir(parents=True, exist_ok=True)
    if not options.judge_only:
        search_all(options.records, options)
    return judge_all([read_half(json.loads(path.read_text(encoding="utf-8"))) for path in sorted(options.records.glob("*.json"))])


if __name__ == "__main__":
    raise SystemExit(main())
