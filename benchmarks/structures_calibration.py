"""What a score of a structure model is worth: knots from raw score to probability, fitted on rendered pairs, and how true they are on others.

    python benchmarks/structures_calibration.py MODEL.onnx [--fit 48] [--check 48] [--real] [--keep DIR] [--write CALIBRATED.onnx]

Each pair is registered and searched as by `camwatch detect`, with every change reported however low its score. A report is right when the truth has a
building that did the same under it (IoU ≥ 0.25, or its centre): appeared, removed, or, for altered, either. The share that is right, as a function of
the raw score, is the rising one nearest to that (isotonic regression), between at most 12 knots. Knots are fitted on rendered pairs from seed
10,000,000 on and checked on others from 11,000,000 on; nothing is trained with either. `--real` says how true they are on LEVIR and Joplin too, which
nothing is fitted on. `--write` copies the model with the knots in its metadata.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import isotonic_regression

from _structures_pairs import joplin, levir, rendered
from _structures_scores import drawn, match, records_of
from _structures_search import searched
from camwatch.detect import StructureParams
from camwatch.render.settlement import Recipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from _structures_pairs import Pair

    Knots = list[tuple[float, float]]
    Told = dict[tuple[str, str], NDArray[np.float64]]

FIT_SEEDS, CHECK_SEEDS = 10_000_000, 11_000_000
MOST_KNOTS = 12
LEAST_EACH = 8
"""Reports behind one knot at least."""

ALL = StructureParams(model_min_score=0.0)
CHANGES, PLACES = ("appeared", "removed", "altered"), ("settled", "fields")


def reports(pairs: Iterable[Pair], folder: Path, model: str) -> Told:
    """Return (n, 2) raw scores of reports and whether each is right (0 or 1), by place (with buildings at a date, or with none) and change."""
    told: dict[tuple[str, str], list[tuple[float, float]]] = {(place, change): [] for place in PLACES for change in CHANGES}
    for pair in pairs:
        findings = searched(pair, folder, model, params=ALL).findings
        place = PLACES[0] if any(labels.any() for labels in (pair.came, pair.gone, pair.stays)) else PLACES[1]
        truth = {"appeared": [pair.came], "removed": [pair.gone], "altered": [pair.came, pair.gone]}
        for change in CHANGES:
            records = records_of(findings, {change})
            outlines = drawn(records, findings.crs, pair.grid)
            results = [match(outlines, labels, pair.pixel_m) for labels in truth[change]]
            right = set[int]().union(*(result.right for result in results))
            for number in sorted(results[0].told):
                if number in right or pair.unsure[outlines == number].mean() < 0.5:
                    told[place, change].append((float(records[number - 1].measures["raw_score"]), float(number in right)))
    return {kind: np.array(each, np.float64).reshape(-1, 2) for kind, each in told.items()}


def fitted(told: NDArray[np.float64]) -> Knots:
    """Return knots (raw score, probability), both rising, from 0 to 1: the isotonic regression of (n, 2) raw scores and whether each is right.

    Neighbours in score are taken together, about equally many for each knot, so that no knot stands on a handful; half a right report and half a
    wrong one are added to each, so that none is certain.

    References
    ----------
    .. [1] B. Zadrozny, C. Elkan, "Transforming classifier scores into accurate multiclass probability estimates", KDD 2002, doi:10.1145/775047.775151
    """
    if len(told) < 2 * LEAST_EACH:
        raise SystemExit(f"{len(told)} reports; at least {2 * LEAST_EACH} are needed: give more pairs with --fit")
    order = told[np.argsort(told[:, 0], kind="stable")]
    groups = np.array_split(order, min(MOST_KNOTS - 2, len(told) // LEAST_EACH))
    raw = np.array([group[:, 0].mean() for group in groups])
    number = np.array([len(group) for group in groups], np.float64)
    share = np.array([(group[:, 1].sum() + 0.5) / (len(group) + 1.0) for group in groups])
    rising = isotonic_regression(share, weights=number)
    # One knot in the middle of each step, so that the order of scores is kept between them; beyond the outer ones, on to nothing and straight on.
    edges = rising.blocks
    middle = np.add.reduceat(raw * number, edges[:-1]) / np.add.reduceat(number, edges[:-1])
    value = rising.x[edges[:-1]]
    slope = (value[-1] - value[-2]) / (middle[-1] - middle[-2]) if len(value) > 1 else 0.0
    knots: Knots = []
    for x, y in [(0.0, 0.0), *zip(middle, value, strict=True), (1.0, min(value[-1] + slope * (1.0 - middle[-1]), 1.0))]:
        # Written with four digits; one place on the axis has one value.
        if not knots or round(float(x), 4) > knots[-1][0]:
            knots.append((round(float(x), 4), round(float(y), 4)))
    return knots


def calibrated(raw: NDArray[np.float64], knots: Knots) -> NDArray[np.float64]:
    """Return probabilities, linear between knots."""
    return np.asarray(np.interp(raw, *np.transpose(knots)), np.float64)


def table(name: str, told: NDArray[np.float64], knots: Knots) -> None:
    """Print how many reports of about one probability are right, by tenths of it, and the mean distance of both (expected calibration error)."""
    print(f"\n{name}: {len(told)} reports, {told[:, 1].mean() if len(told) else 0:.2f} right\n")
    print("| stated | reports | mean stated | right | two standard errors |\n| --- | --- | --- | --- | --- |")
    stated, off = calibrated(told[:, 0], knots), 0.0
    for low in np.arange(0.0, 1.0, 0.1):
        here = (stated >= low) & (stated < low + 0.1 + (low > 0.85))
        if not here.any():
            continue
        said, real, count = stated[here].mean(), told[here, 1].mean(), int(here.sum())
        off += abs(said - real) * count / len(told)
        print(f"| {low:.1f}–{low + 0.1:.1f} | {count} | {said:.2f} | {real:.2f} | {2 * np.sqrt(max(real * (1 - real), 0.25 / count) / count):.2f} |")
    if len(told):
        print(f"\nexpected calibration error {off:.3f}; Brier score {np.mean((stated - told[:, 1]) ** 2):.3f}", flush=True)


def write(source: Path, target: Path, knots: Knots) -> None:
    """Copy a model with knots in its metadata, in place of those it has."""
    import onnx

    model = onnx.load(source)
    properties = {entry.key: entry.value for entry in model.metadata_props}
    onnx.helper.set_model_props(model, {**properties, "camwatch.calibration": json.dumps(knots)})
    onnx.save(model, target)
    print(f"\n{target}")


def those(told: Told, *names: str) -> NDArray[np.float64]:
    """Return the reports of some places or changes; of all where none is named."""
    return np.concatenate([each for kind, each in told.items() if not names or set(names) & set(kind)])


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit, check, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--fit", type=int, default=48, help="so many rendered pairs to fit on")
    parser.add_argument("--check", type=int, default=48, help="so many others to check on")
    parser.add_argument("--side", type=int, default=512, help="side of the rendered pairs in pixels")
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--first", type=int, help="so many LEVIR pairs; by default all")
    parser.add_argument("--keep", type=Path, help="keep rendered pairs here")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args(arguments)
    recipe, model = Recipe(side=options.side), str(options.model)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        learned = reports(rendered(folder, range(FIT_SEEDS, FIT_SEEDS + options.fit), recipe, keep=options.keep), folder, model)
        knots = fitted(those(learned))
        print(f"knots: {json.dumps(knots)}")
        others = reports(rendered(folder, range(CHECK_SEEDS, CHECK_SEEDS + options.check), recipe, keep=options.keep), folder, model)
        for name in ("all", *PLACES, *CHANGES):
            table(f"rendered, {name} (not fitted on)", those(others) if name == "all" else those(others, name), knots)
        if options.real:
            ruined = joplin()
            for name, pairs in (("LEVIR", levir(folder, first=options.first)), ("Joplin", [ruined] if ruined else [])):
                table(name, those(reports(pairs, folder, model)), knots)
    if options.write:
        write(options.model, options.write, knots)


if __name__ == "__main__":
    main()
