"""How many guard towers are found, how many imagined, and how many given a wrong fate: drawn into real pairs of two dates.

    python benchmarks/towers.py                                    # 84 scenes at 0.5 m on the judging half of the backgrounds
    python benchmarks/towers.py --scenes 72 --keep FOLDER          # 504 scenes; stopped, it goes on where it was
    python benchmarks/towers.py --pixel 0.3 0.5 0.7 1.0
    python benchmarks/towers.py --renderer path/to/render.py       # towers of another renderer

Backgrounds are real (LEVIR-CD, two dates 5 to 14 years apart, both orders); rings, walls and towers are drawn: SIMULATED. The folder with the data is
named by CAMWATCH_TEST_DATA. Seeds are arguments; equal arguments give equal figures. Towers of one scene share its ground and its sun: the last row
has intervals from scenes drawn again with replacement.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections import defaultdict
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from _structures_pairs import DATA
from _towers_trials import CONDITIONS, ELEVATIONS_DEG, Tally, Trial, backgrounds, foreign, foreign_size, other_grounds, score, trial
from camwatch.detect import TowerParams, detect_towers, search_band
from camwatch.resources import data_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZES_M = ((3, 4), (4, 5), (5, 6.5), (6.5, 8))
FATES = ("appeared", "removed", "unchanged")
REDRAWN = 2000
"""Sets of scenes drawn with replacement."""


def main() -> None:
    """Run the trials and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pixel", type=float, nargs="+", default=[0.5], help="ground sample distances in metres")
    parser.add_argument("--scenes", type=int, default=12, help="scenes for each condition and resolution")
    parser.add_argument("--conditions", nargs="+", choices=CONDITIONS, default=list(CONDITIONS))
    parser.add_argument("--half", type=int, choices=(0, 1), default=1, help="backgrounds: 0 for choosing thresholds, 1 for judging")
    parser.add_argument("--other-grounds", action="store_true", help="a village in fields, closed forest and a wrecked town instead of suburbs")
    parser.add_argument("--renderer", type=Path, default=None, help="a module whose `tower` draws instead of camwatch.render; shadows fall to +x")
    parser.add_argument("--elevation", type=float, nargs=2, default=ELEVATIONS_DEG, help="lowest and highest sun in degrees")
    parser.add_argument("--pan", action="store_true", help="one band")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=None, help="folder for the counts of each scene: a run that was stopped goes on from them")
    options = parser.parse_args()
    if not (DATA / "pairs/levir_cd").is_dir():
        raise SystemExit(f"towers: no pairs at {DATA}; set CAMWATCH_TEST_DATA to the folder that holds data/")
    for pixel in options.pixel:
        _report(pixel, list(_scenes(pixel, options)), options)


def _scenes(pixel: float, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the counts of every scene, kept ones where the same code has counted it before."""
    grounds = other_grounds() if options.other_grounds else backgrounds(options.half)
    drawing = foreign(options.renderer) if options.renderer else None
    kept, file = {}, None
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        path = options.keep / f"{_state(options)}-{pixel:g}.jsonl"
        kept = {tuple(row["scene"]): row for row in map(json.loads, path.read_text().splitlines() if path.exists() else ())}
        file = path.open("a")
    for condition in options.conditions:
        for k in range(options.scenes):
            seed = options.seed * 10_000 + k
            row = kept.get((condition, seed))
            if row is None:
                made = trial(grounds[k % len(grounds)], seed, condition, pixel, drawing, elevations=tuple(options.elevation))
                if drawing:
                    made = replace(made, towers=tuple(replace(t, side_m=s, height_m=h) for t in made.towers for s, h in [foreign_size(t, seed)]))
                row = {"scene": [condition, seed]} | _counted(made, pan=options.pan)
                if file:
                    file.write(json.dumps(row) + "\n")
                    file.flush()
            yield row


def _state(options: argparse.Namespace) -> str:
    """Return a name for all that decides what a scene gives, besides its seed: code, weights, renderer, half, bands."""
    import camwatch

    package = Path(camwatch.__file__).parent
    files = [Path(__file__).with_name("_towers_trials.py"), data_folder("models") / "towers.onnx"]
    files += sorted(path for part in ("detect", "render", "imagery") for path in (package / part).rglob("*.py"))
    told = hashlib.sha256(f"{options.half} {options.other_grounds} {options.pan} {options.elevation}".encode())
    for path in files + ([options.renderer] if options.renderer else []):
        told.update(path.read_bytes())
    return told.hexdigest()[:12]


def _counted(made: Trial, *, pan: bool) -> dict[str, Any]:
    """Return the counts of a trial by group, the seconds of processor time and the megapixels of band."""
    before, after = made.before, made.after
    if pan:
        before, after = (replace(i, values=i.luminance()[None].copy(), bands=("pan",), valid=i.valid.copy()) for i in (before, after))
    start = time.process_time()
    found = detect_towers(before, after, made.site, TowerParams())
    seconds = time.process_time() - start
    band = search_band(made.site, TowerParams())
    whole = score(found, made)
    groups = {"all": whole, f"condition {made.condition}": whole, f"ground {made.background}": whole}
    for low, high in SIZES_M:
        groups[f"side {low}–{high} m"] = score(found, made, only=lambda t, low=low, high=high: low <= t.side_m < high)
    for fate in FATES:
        groups[f"fate {fate}"] = score(found, made, only=lambda t, fate=fate: t.fate == fate)
    megapixels = 2 * band.area / before.pixel_m**2 / 1e6 if band else 0.0
    return {"groups": {name: asdict(tally) for name, tally in groups.items()}, "seconds": seconds, "megapixels": megapixels}


def _report(pixel: float, rows: list[dict[str, Any]], options: argparse.Namespace) -> None:
    groups: dict[str, Tally] = defaultdict(Tally)
    for row in rows:
        for name, counts in row["groups"].items():
            groups[name].add(Tally(**counts))
    ground = "other grounds" if options.other_grounds else f"half {options.half}"
    low, high = options.elevation
    print(f"SIMULATED towers in real pairs, {pixel:g} m, {len(rows)} scenes, {ground}, seed {options.seed}, sun at {low:g} to {high:g} degrees")
    print(f"{'':24s} towers recall (95 %)      false per km (95 %)  wrong (95 %)        not observed")
    for name in sorted(groups, key=lambda name: [*_GROUPS, name.split()[0]].index(name.split()[0])):
        print(f"{name:24s} {groups[name].row()}")
    print(f"{'all, scenes redrawn':24s} {_redrawn([Tally(**row['groups']['all']) for row in rows])}")
    seconds = sum(row["seconds"] for row in rows)
    print(
        f"{seconds:.1f} s of processor time, {sum(row['megapixels'] for row in rows) / max(seconds, 1e-9):.2f} Mpx of band per second and date\n",
        flush=True,
    )


_GROUPS = ("all", "condition", "ground", "side", "fate")


def _redrawn(tallies: list[Tally]) -> str:
    """Return the 95 % intervals of recall, false per km and wrong fates over sets of scenes drawn with replacement."""
    counts = np.array([[t.found, t.towers, t.false, t.km, t.wrong, t.found - t.undecided] for t in tallies])
    drawn = np.random.default_rng(0).integers(0, len(counts), (REDRAWN, len(counts)))
    sums = counts[drawn].sum(axis=1)
    shares = sums[:, ::2] / np.maximum(sums[:, 1::2], 1e-9)
    (r0, f0, w0), (r1, f1, w1) = np.percentile(shares, (2.5, 97.5), axis=0)
    return f"{'':6s} {'':6s} ({r0:.3f}–{r1:.3f}) {'':6s} ({f0:.2f}–{f1:.2f}) {'':6s} ({w0:.3f}–{w1:.3f})"


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    main()
