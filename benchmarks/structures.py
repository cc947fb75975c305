"""How well camwatch tells new and razed buildings, on labelled real pairs and on rendered ones, and what it reports where nothing was built.

    python benchmarks/structures.py [levir] [joplin] [quiet] [gsd] [pictures] [--model FILE] [--first 12] [--swap] [--seeds 16] [--out DIR]

levir      the LEVIR-CD test pairs, which nothing is trained on or chosen by; `--swap` exchanges the dates, so that new buildings become razed ones.
           Seconds per megapixel are those of each step, `start` being imports and the opened model
joplin     a tornado: destroyed buildings are to be told as removed or altered. Those with major damage count neither way and have their own row
quiet      reports on ground where nothing was built, by change and per km²: NAIP, Pucallpa, SZTAKI outside its drawn changes, rendered places, each
           with its dates exchanged too
gsd        LEVIR and rendered pairs averaged to coarser pixels, in colour and as one band; with `--out` a figure too
pictures   contact sheets of what was found, missed and falsely reported, into `--out`: rendered pairs into `rendered/`, real ones into `real/`, whose
           pixels are not ours to publish

Pairs are registered, and searched for all that both dates show, by the steps of `camwatch detect`. A report is right when it overlaps a labelled
building of 5 m² or more with IoU ≥ 0.25 or holds its centre. Rendered pairs begin at seed 20,000,000, with which nothing is trained; `--keep` holds
them for the next time. Real pairs are read from the folder that CAMWATCH_TEST_DATA names (by default `shared` beside the checkout), and are left out
where it is absent.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from _structures_pairs import DATA, joplin, levir, major_damage, naip, pucallpa, rendered, sztaki
from _structures_scores import HEAD, Totals, drawn, match, records_of
from _structures_search import STEPS, searched, start_seconds
from _structures_sheets import Cell, cells_of, sheet
from camwatch.render.settlement import Recipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from _structures_pairs import Pair
    from _structures_search import Answer

QUIET_SEEDS, CHANGED_SEEDS = 20_000_000, 21_000_000
PIXELS_M = (0.5, 1.0, 1.5, 2.5)
LINE = "| --- | " + " | ".join(["---"] * (HEAD.count("|") + 1)) + " |"
ALARMS = ("appeared", "removed", "altered")


def changes_of(*, swap: bool) -> str:
    """Return what the labelled buildings of LEVIR did."""
    return "removed" if swap else "appeared"


def run_levir(options: argparse.Namespace, folder: Path) -> None:
    """Print a row a pair, the totals, and where the seconds went."""
    change, totals, pixels = changes_of(swap=options.swap), Totals(), 0
    seconds = {step: np.zeros(2) for step in STEPS}
    print(f"\nLEVIR-CD, {change}\n\n| pair | {HEAD} |\n{LINE}")
    for pair in levir(folder, first=options.first):
        turned = pair.backwards() if options.swap else pair
        answer = searched(turned, folder, options.model, draw=True)
        alone = Totals()
        alone.add(turned, answer, change)
        totals.take(alone)
        pixels += pair.came.size
        seconds = {step: seconds[step] + answer.seconds[step] for step in STEPS}
        print(f"| {pair.name} | {alone.cells()} |", flush=True)
    if totals.asked:
        print(f"| all | {totals.cells()} |")
        print(f"\nrefused by registration: {totals.refused} of {len(totals.scores)}")
        seconds["start"] = start_seconds(options.model) * len(totals.scores)
        each = np.stack([*seconds.values(), sum(seconds.values())]) / (pixels / 1e6)
        print(f"\n| seconds per megapixel | {' | '.join([*STEPS, 'all'])} |\n|{' --- |' * (len(STEPS) + 2)}")
        for name, row in zip(("passed", "on a processor"), each.T, strict=True):
            print(f"| {name} | {' | '.join(f'{s:.2f}' for s in row)} |")


def run_joplin(options: argparse.Namespace, folder: Path) -> None:
    """Print how destroyed, damaged and whole buildings are told."""
    pair = joplin()
    if pair is None:
        return
    print(f"\nJoplin, destroyed told as removed or altered\n\n| dates | {HEAD} |\n{LINE}")
    rows = []
    for turned, change in ((pair, "removed"), (pair.backwards(), "appeared")):
        answer = searched(turned, folder, options.model)
        totals = Totals()
        totals.add(turned, answer, change, also=("altered",))
        print(f"| {'as they were' if turned is pair else 'exchanged'} | {totals.cells()} |", flush=True)
        told = {name: drawn(records_of(answer.findings, {name}), answer.findings.crs, pair.grid) for name in (*ALARMS, "unchanged")}
        for name, labels in (("destroyed", pair.gone), ("major damage", major_damage()), ("minor or none", pair.stays)):
            found = {kind: len(match(plane, labels, pair.pixel_m).found) for kind, plane in told.items()}
            asked = len(match(told["appeared"], labels, pair.pixel_m).asked)
            rows.append(f"| {'exchanged, ' if turned is not pair else ''}{name} | {asked} | {' | '.join(str(n) for n in found.values())} |")
        rows.append(
            f"| {'exchanged, ' if turned is not pair else ''}all reports | | {' | '.join(str(int(plane.max())) for plane in told.values())} |"
        )
    print("\n| buildings | labelled | appeared | removed | altered | unchanged |\n| --- | --- | --- | --- | --- | --- |")
    print("\n".join(rows))


def quiet_grounds(options: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Pair]]:
    """Yield what nothing was built on, by kind of ground."""
    for pair in naip():
        yield "NAIP 5 m", pair
    for pair in pucallpa():
        yield "Pucallpa 89 m", pair
    for pair in sztaki(folder):
        yield "SZTAKI 1.5 m", pair
    for pair in rendered(folder, range(QUIET_SEEDS, QUIET_SEEDS + options.seeds), Recipe(quiet=1.0), keep=options.keep):
        yield "rendered, settled" if pair.stays.any() else "rendered, fields", pair


def run_quiet(options: argparse.Namespace, folder: Path) -> None:
    """Print reports by change and their density, ground by ground."""
    said: dict[str, Counter[str]] = {}
    area: dict[str, float] = {}
    reasons: dict[str, str] = {}
    for name, pair in quiet_grounds(options, folder):
        if options.only not in name:
            continue
        for ground, turned in ((name, pair), (f"{name}, exchanged", pair.backwards())):
            answer = searched(turned, folder, options.model)
            findings, count = answer.findings, said.setdefault(ground, Counter())
            if findings.status != "searched":
                count["refused"] += 1
                reasons[ground] = findings.reason
                continue
            told = drawn(findings.records, findings.crs, pair.grid)
            away = [r for n, r in enumerate(findings.records, 1) if (told == n).any() and pair.unsure[told == n].mean() < 0.5]
            count.update(record.change for record in away)
            count["pairs"] += 1
            area[ground] = area.get(ground, 0.0) + max(findings.searched_km2 - float(pair.unsure.sum()) * pair.pixel_m**2 / 1e6, 0.0)
    print("\nNothing was built\n\n| ground | pairs | not testable | km² | appeared | removed | altered | false per km² |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for ground, count in said.items():
        alarms = sum(count[change] for change in ALARMS)
        density = f"{alarms / area[ground]:.2f}" if area.get(ground) else "–"
        cells = " | ".join(str(count[change]) for change in ALARMS)
        print(f"| {ground} | {count['pairs']} | {count['refused']} | {area.get(ground, 0.0):.2f} | {cells} | {density} |")
    for ground, reason in reasons.items():
        print(f"\n{ground}, not testable: {reason}")


def run_gsd(options: argparse.Namespace, folder: Path) -> None:
    """Print F1 by pixel, and draw it."""
    print(f"\nAveraged to coarser pixels\n\n| pairs, bands, pixel | {HEAD} |\n{LINE}")
    curves: dict[str, list[tuple[float, float, float]]] = {}
    fine = Recipe(pixel_m=(0.42, 0.5))
    for colour in (True, False):
        for pixel_m in options.pixels:
            seeds = range(CHANGED_SEEDS, CHANGED_SEEDS + options.seeds)
            grounds: dict[str, Iterable[Pair]] = {
                "LEVIR": levir(folder, pixel_m=pixel_m, colour=colour, first=options.first),
                "rendered": rendered(folder, seeds, fine, pixel_m=pixel_m, colour=colour, keep=options.keep),
            }
            for name, pairs in grounds.items():
                totals = Totals()
                for pair in pairs:
                    answer = searched(pair, folder, options.model)
                    totals.add(pair, answer, "appeared")
                    if pair.simulated:  # in the others nothing is labelled as gone
                        totals.add(pair, answer, "removed", again=True)
                if totals.scores:
                    label = f"{name}, {'colour' if colour else 'one band'}"
                    curves.setdefault(label, []).append((pixel_m, totals.pixel_f1, totals.object_f1))
                    print(f"| {label}, {pixel_m} m | {totals.cells()} |", flush=True)
    if options.out is not None and curves:
        print(f"\n{draw_curves(options.out / 'structures_gsd.png', curves)}")


def draw_curves(path: Path, curves: dict[str, list[tuple[float, float, float]]]) -> Path:
    """Draw F1 over the pixel: full lines by object, dashed ones by pixel."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.2), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for number, (label, points) in enumerate(curves.items()):
        steps, by_pixel, by_object = np.transpose(points)
        shown = label.replace("rendered", "rendered (SIMULATED)")
        axes.plot(steps, by_object, "-o", color=f"C{number}", label=f"{shown}: objects")
        axes.plot(steps, by_pixel, "--", color=f"C{number}", label=f"{shown}: pixels")
    axes.set(xlabel="ground sample distance, m", ylabel="F1", ylim=(0, 1), xticks=sorted({step for points in curves.values() for step, *_ in points}))
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", fontsize=7, ncols=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    return path


def run_pictures(options: argparse.Namespace, folder: Path) -> None:
    """Write contact sheets."""
    if options.out is None:
        print("\npictures are left out: --out names no folder")
        return
    ruined = joplin()
    grounds: dict[str, Iterable[tuple[Pair, str, tuple[str, ...]]]] = {
        "rendered/new": ((p, "appeared", ()) for p in _changed(options, folder)),
        "rendered/razed": ((p, "removed", ()) for p in _changed(options, folder)),
        "real/levir": ((p, "appeared", ()) for p in levir(folder, first=options.first)),
        "real/joplin": [(ruined, "removed", ("altered",))] if ruined else [],
        "real/sztaki": ((p, "appeared", ("removed", "altered")) for p in sztaki(folder)),
    }
    for name, pairs in grounds.items():
        if options.only not in name:
            continue
        cells: list[Cell] = []
        for pair, change, also in pairs:
            cells += _cells(pair, searched(pair, folder, options.model), change, also)
        for verdict in ("found", "missed", "false"):
            path = sheet(options.out / f"{name}_{verdict}.png", cells, verdict, simulated=name.startswith("rendered"))
            print(path or f"{name}: none {verdict}", flush=True)


def _changed(options: argparse.Namespace, folder: Path) -> Iterator[Pair]:
    return rendered(folder, range(CHANGED_SEEDS, CHANGED_SEEDS + options.seeds), Recipe(pixel_m=(0.42, 0.5)), keep=options.keep)


def _cells(pair: Pair, answer: Answer, change: str, also: tuple[str, ...]) -> list[Cell]:
    compared = Totals().add(pair, answer, change, also)
    return cells_of(pair, answer, pair.came if change == "appeared" else pair.gone, compared)


PARTS = {"levir": run_levir, "joplin": run_joplin, "quiet": run_quiet, "gsd": run_gsd, "pictures": run_pictures}


def main() -> None:
    """Print the tables that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--model", default="shipped", help="an ONNX file; `none` searches without one")
    parser.add_argument("--first", type=int, help="so many LEVIR pairs; by default all")
    parser.add_argument("--swap", action="store_true")
    parser.add_argument("--seeds", type=int, default=16, help="so many rendered pairs")
    parser.add_argument("--pixels", type=float, nargs="+", default=PIXELS_M, help="in metres, for gsd")
    parser.add_argument("--keep", type=Path, help="keep rendered pairs here")
    parser.add_argument("--out", type=Path, help="for figures and contact sheets")
    parser.add_argument("--only", default="", help="of the quiet grounds and of the contact sheets, those with this in their name")
    options = parser.parse_args()
    print(f"model: {options.model}")
    if not DATA.is_dir():
        print(f"no labelled pairs at {DATA}: set CAMWATCH_TEST_DATA; only rendered ones are searched")
        options.parts = [part for part in options.parts or PARTS if part not in {"levir", "joplin"}]
    with tempfile.TemporaryDirectory() as name:
        for part in options.parts or PARTS:
            PARTS[part](options, Path(name))


if __name__ == "__main__":
    main()
