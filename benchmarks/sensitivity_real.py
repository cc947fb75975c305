"""Does planting tell the truth about real buildings? Recall predicted by `sensitivity` against the recall that labels show, by size.

    python benchmarks/sensitivity_real.py [--pairs N] [--per-size N] [--plantings N] [--model FILE]

Every labelled pair is searched as `camwatch detect` does, and its labelled new buildings, or those that are gone, are sorted by size: by the long
side of the planted building that covers as much ground, as the judge sorts reports. (Planted ones are 16 by 7; suburban houses are wider, and one of
18 m covers twice the ground of a planted one of 17 m.) Into the same pair objects of the middle of each class are planted, as `camwatch sensitivity`
does, into the later image or into the earlier one, and searched for; anew with other seeds where a pair has little room. The table holds both
recalls with their 95 % intervals.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import beta
from skimage.measure import regionprops

from _structures_pairs import joplin, levir
from _structures_scores import drawn, match, records_of
from _structures_search import searched
from camwatch.aoi import load_aoi
from camwatch.config import RunConfig
from camwatch.pipeline.search import searches
from camwatch.sensitivity import measure, planting_window
from camwatch.sensitivity.places import STRUCTURE_SHAPE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from _structures_pairs import Labels, Pair

EDGES_M = (4.0, 7.0, 10.0, 14.0, 20.0, 30.0, 50.0)
"""Classes of sizes; objects are planted at the geometric middle of each."""

MIDDLES_M = tuple(round(float((a * b) ** 0.5), 1) for a, b in itertools.pairwise(EDGES_M))


GROUPS = {"Joplin": "Joplin, buildings that are gone", "Joplin backwards": "Joplin, dates exchanged"}


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """By class of size: labelled buildings and those found, planted ones and those found."""

    asked: NDArray[np.int64]
    found: NDArray[np.int64]
    planted: NDArray[np.int64]
    seen: NDArray[np.int64]

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.asked + other.asked, self.found + other.found, self.planted + other.planted, self.seen + other.seen)


def sizes_of(labels: Labels, pixel_m: float) -> dict[int, float]:
    """Return, of each labelled building that does not touch the border, the long side in metres of a planted one that covers as much ground."""
    sizes, (length, width) = {}, STRUCTURE_SHAPE
    for region in regionprops(labels):
        top, left, bottom, right = region.bbox
        if top > 0 and left > 0 and bottom < labels.shape[0] and right < labels.shape[1]:
            sizes[region.label] = float(np.sqrt(region.area * length / width)) * pixel_m
    return sizes


def compared(pair: Pair, folder: Path, model: str, per_size: int, plantings: int) -> Counts:
    """Return the counts of one pair: of what came, or where nothing did, of what is gone."""
    change, labels = ("appeared", pair.came) if pair.came.any() else ("removed", pair.gone)
    answer = searched(pair, folder, model)
    told = drawn(records_of(answer.findings, {change}), answer.findings.crs, pair.grid)
    hits = match(told, labels, pair.pixel_m)
    sides = {n: side for n, side in sizes_of(labels, pair.pixel_m).items() if n in hits.asked}
    known = np.array(list(sides.values()))
    found = np.array([side for n, side in sides.items() if n in hits.found])
    config = RunConfig.read(None, report_date=dt.date(2000, 1, 1), kinds=("structure",), model=model)
    aoi = load_aoi(folder / "outline.geojson")
    site = answer.alignment.site(aoi)
    window = planting_window(answer.alignment.geobox, site, "structure")
    assert window is not None
    images, detector = answer.alignment.images(window), searches(config)["structure"]
    planted, seen = np.zeros((2, len(MIDDLES_M)), np.int64)
    for seed in range(plantings):
        told_by_planting = measure(*images, site, kind="structure", detector=detector, sizes_m=MIDDLES_M, per_size=per_size, seed=seed)
        planted += np.array(told_by_planting.planted)
        seen += np.array(told_by_planting.found if change == "appeared" else told_by_planting.removed_found)
    classes = [np.histogram(v, EDGES_M)[0] for v in (known, found)]
    return Counts(*classes, planted, seen)


def pairs(folder: Path, first: int | None) -> Iterator[Pair]:
    """Yield the labelled pairs: new houses, houses that are gone, and, with exchanged dates, houses where there was debris."""
    yield from levir(folder, first=first)
    storm = joplin()
    if storm is not None:
        yield storm
        yield storm.backwards()


def cell(hits: int, asked: int) -> str:
    """Return a share with its 95 % interval (Jeffreys)."""
    if not asked:
        return "–"
    low, high = beta.ppf((0.025, 0.975), hits + 0.5, asked - hits + 0.5)
    return f"{hits / asked:.2f} ({low:.2f}–{high:.2f}) of {asked}"


def report(name: str, counts: Counts) -> None:
    """Print the table of one set of pairs."""
    print(f"\n| {name}: size | labelled buildings found | planted buildings found | difference |\n| --- | --- | --- | --- |")
    differences = []
    for k, (low, high) in enumerate(itertools.pairwise(EDGES_M)):
        real, told = cell(counts.found[k], counts.asked[k]), cell(counts.seen[k], counts.planted[k])
        off = counts.seen[k] / counts.planted[k] - counts.found[k] / counts.asked[k] if counts.asked[k] and counts.planted[k] else None
        if off is not None and counts.asked[k] >= 10:
            differences.append(off)
        print(f"| {low:g}–{high:g} m | {real} | {told} | {'–' if off is None else f'{off:+.2f}'} |")
    if differences:
        print(f"mean over classes with ten labels: {np.mean(differences):+.3f}, mean size {np.mean(np.abs(differences)):.3f}")


def main() -> None:
    """Parse, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, help="so many LEVIR pairs, from the first on")
    parser.add_argument("--per-size", type=int, default=24)
    parser.add_argument("--plantings", type=int, default=1, help="so many times, with a seed each")
    parser.add_argument("--model", default="shipped")
    options = parser.parse_args()
    totals: dict[str, Counts] = {}
    with tempfile.TemporaryDirectory() as name:
        for pair in pairs(Path(name), options.pairs):
            counts = compared(pair, Path(name), options.model, options.per_size, options.plantings)
            group = GROUPS.get(pair.name, "LEVIR-CD, new buildings")
            totals[group] = totals[group] + counts if group in totals else counts
            print(pair.name, counts.asked, counts.found, counts.planted, counts.seen, flush=True)
    for group, counts in totals.items():
        report(group, counts)


if __name__ == "__main__":
    main()
