"""How many guard towers are found, how many imagined, and how many given a wrong fate: drawn into real pairs of two dates.

    python benchmarks/towers.py                                    # 84 scenes at 0.5 m on the judging half of the backgrounds
    python benchmarks/towers.py --pixel 0.3 0.5 0.7 1.0
    python benchmarks/towers.py --renderer path/to/render.py       # towers of another renderer

Backgrounds are real (LEVIR-CD, two dates 5 to 14 years apart, both orders); rings, walls and towers are drawn: SIMULATED. The folder with the data is
named by CAMWATCH_TEST_DATA. Seeds are arguments; equal arguments give equal figures.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from _structures_pairs import DATA
from _towers_trials import CONDITIONS, Tally, backgrounds, foreign, foreign_size, score, trial
from camwatch.detect import TowerParams, detect_towers, search_band

SIZES_M = ((3, 4), (4, 5), (5, 6.5), (6.5, 8))


def main() -> None:
    """Run the trials and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pixel", type=float, nargs="+", default=[0.5], help="ground sample distances in metres")
    parser.add_argument("--scenes", type=int, default=12, help="scenes for each condition and resolution")
    parser.add_argument("--conditions", nargs="+", choices=CONDITIONS, default=list(CONDITIONS))
    parser.add_argument("--half", type=int, choices=(0, 1), default=1, help="backgrounds: 0 for choosing thresholds, 1 for judging")
    parser.add_argument("--renderer", type=Path, default=None, help="a module whose `tower` draws instead of camwatch.render; shadows fall to +x")
    parser.add_argument("--pan", action="store_true", help="one band")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if not (DATA / "pairs/levir_cd").is_dir():
        raise SystemExit(f"towers: no pairs at {DATA}; set CAMWATCH_TEST_DATA to the folder that holds data/")
    for pixel in options.pixel:
        _report(pixel, options)


def _report(pixel: float, options: argparse.Namespace) -> None:
    from dataclasses import replace

    grounds, drawing = backgrounds(options.half), foreign(options.renderer) if options.renderer else None
    groups: dict[str, Tally] = defaultdict(Tally)
    seconds = band_px = 0.0
    for condition in options.conditions:
        for k in range(options.scenes):
            seed = options.seed * 10_000 + k
            made = trial(grounds[k % len(grounds)], seed, condition, pixel, drawing)
            if drawing:
                made = replace(made, towers=tuple(replace(t, side_m=s, height_m=h) for t in made.towers for s, h in [foreign_size(t, seed)]))
            before, after = made.before, made.after
            if options.pan:
                before, after = (replace(i, values=i.luminance()[None].copy(), bands=("pan",), valid=i.valid.copy()) for i in (before, after))
            start = time.process_time()
            found = detect_towers(before, after, made.site, TowerParams())
            seconds += time.process_time() - start
            band = search_band(made.site, TowerParams())
            band_px += 2 * band.area / pixel**2 / 1e6 if band else 0.0
            whole = score(found, made)
            groups["all"].add(whole)
            groups[f"condition {condition}"].add(whole)
            groups[f"ground {made.background}"].add(whole)
            for low, high in SIZES_M:
                part = score(found, made, only=lambda t, low=low, high=high: low <= t.side_m < high)
                groups[f"side {low}–{high} m"].add(part)
            for fate in ("appeared", "removed", "unchanged"):
                groups[f"fate {fate}"].add(score(found, made, only=lambda t, fate=fate: t.fate == fate))
    print(f"SIMULATED towers in real pairs, {pixel:g} m, {len(options.conditions) * options.scenes} scenes, half {options.half}, seed {options.seed}")
    print(f"{'':28s} towers recall (95 %)      false/km  wrong  not observed")
    for name, tally in groups.items():
        print(f"{name:28s} {tally.row()}")
    print(f"{seconds:.1f} s of processor time, {band_px / max(seconds, 1e-9):.2f} Mpx of band per second and date\n", flush=True)


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    main()
