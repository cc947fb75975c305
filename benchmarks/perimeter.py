"""Perimeters of known course in real ground: are area, length and growth right, do the intervals cover, what is refused, what does it cost?

    python benchmarks/perimeter.py --gsd 1 --length 3 --trials 20
    python benchmarks/perimeter.py --gsd 2.5 --length 12 --prior shift100
    python benchmarks/perimeter.py --gsd 2.5 --length 3 --no-wall      a scene without a line: it must say so
    python benchmarks/perimeter.py --series --trials 40                real ground of three dates at 5 m, with no camp in it

The lines are SIMULATED; the ground is that of real pairs of two dates, of which one half (`--half tune`) serves to choose and the other to judge.
`--painter FILE` takes the lines from another renderer: a Python file with `paint(luminance, geobox, ring, sun, rng)`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks._perimeter_scenes import GROWTHS, Case, describe, trial
from benchmarks._perimeter_series import run
from benchmarks._structures_pairs import DATA
from camwatch.detect import detect_perimeter

if TYPE_CHECKING:
    from benchmarks._perimeter_scenes import Painter
    from camwatch.findings import Findings


def main() -> None:
    """Run the trials, one line each, then the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gsd", type=float, default=1.0)
    parser.add_argument("--length", type=float, default=3.0, help="kilometres")
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--prior", choices=["near", "shift18", "shift100", "area20", "warped", "old"], default="near")
    parser.add_argument("--growth", type=float, nargs="+", default=GROWTHS, help="of the area, one trial after the other")
    parser.add_argument("--no-wall", action="store_true")
    parser.add_argument("--series", action="store_true", help="outlines thrown at random on real ground of three dates")
    parser.add_argument("--half", choices=["tune", "judge"], default="judge")
    parser.add_argument("--painter", type=Path)
    parser.add_argument("--out", type=Path, help="JSON lines, one trial each")
    options = parser.parse_args()
    if not (DATA / "pairs").is_dir():
        print(f"skipped: no real pairs at {DATA}; set CAMWATCH_TEST_DATA")
        return
    if options.series:
        print(run(options.trials, options.seed))
        return
    painter = _painter(options.painter)
    rows = []
    for number in range(options.trials):
        growth = options.growth[number % len(options.growth)]
        case = Case(options.seed + number, options.gsd, options.length, growth, options.prior, wall=not options.no_wall, half=options.half)
        row = _run(case, painter)
        rows.append(row)
        print(json.dumps(row), flush=True)
        if options.out:
            with options.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
    print(_summary(rows))


def _painter(path: Path | None) -> Painter | None:
    if path is None:
        return None
    spec = spec_from_file_location("painter", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    painter: Painter = module.paint
    return painter


def _run(case: Case, painter: Painter | None) -> dict[str, Any]:
    made = trial(case, painter)
    start = time.process_time()
    found = detect_perimeter(made.before, made.after, made.site)
    seconds = time.process_time() - start
    megapixels = found.searched_km2 * 1e6 / case.gsd_m**2 / 1e6
    row: dict[str, Any] = {**describe(case), "status": found.status, "seconds": round(seconds, 2), "megapixels": round(megapixels, 3)}
    if found.status != "searched":
        return {**row, "reason": found.reason}
    return {**row, **_errors(found, made.truth, case.growth)}


def _errors(found: Findings, truth: tuple[Any, Any], growth: float) -> dict[str, Any]:
    assert found.growth is not None
    out: dict[str, Any] = {}
    for name, line, record in zip(("before", "after"), truth, found.records, strict=False):
        measures = {key: float(value) for key, value in record.measures.items() if not isinstance(value, str)}
        out[name] = {
            "area": round(record.area_m2 / line.area - 1, 5),
            "area_z": round((record.area_m2 - line.area) / measures["area_se_m2"], 2),
            "area_se": round(measures["area_se_m2"] / line.area, 5),
            "length": round(measures["length_m"] / line.length - 1, 5),
            "length_z": round((measures["length_m"] - line.length) / measures["length_se_m"], 2),
            "length_se": round(measures["length_se_m"] / line.length, 5),
            "inferred": round(measures["inferred_share"], 3),
            "off": round(record.geometry.symmetric_difference(line).area / line.length, 2),
        }
    area, length = found.growth.area, found.growth.length
    true_length = truth[1].length / truth[0].length - 1
    out["grew"] = {
        "area": round(area.ratio - growth, 4),
        "covered": bool(area.low <= growth <= area.high),
        "length_covered": bool(length.low <= true_length <= length.high),
        "half": round((area.high - area.low) / 2, 4),
        "not_doubled": bool(area.high < 1.0),
    }
    return out


def _summary(rows: list[dict[str, Any]]) -> str:
    answered = [row for row in rows if row["status"] == "searched"]
    cost = [row["seconds"] / 2 / max(row["megapixels"], 1e-6) for row in rows if row["megapixels"] > 0]
    lines = [f"{len(rows)} trials, {len(answered)} answered; {np.median(cost) if cost else np.nan:.2f} s per date and megapixel of band (median)"]
    if not answered:
        return lines[0]
    for what in ("area", "length"):
        error = np.array([row[date][what] for row in answered for date in ("before", "after")])
        z = np.array([row[date][f"{what}_z"] for row in answered for date in ("before", "after")])
        lines.append(
            f"{what}: within 1.5 % {np.mean(np.abs(error) <= 0.015):.3f}, worst {np.abs(error).max():.4f}, median {np.median(error):+.4f}, "
            f"covered {np.mean(np.abs(z) <= 1.96):.3f}, spread of z {1.4826 * np.median(np.abs(z)):.2f}"
        )
    growth = np.array([row["grew"]["area"] for row in answered])
    lines.append(
        f"growth: within 3 points {np.mean(np.abs(growth) <= 0.03):.3f}, worst {np.abs(growth).max():.3f}, "
        f"area covered {np.mean([row['grew']['covered'] for row in answered]):.3f}, "
        f"length covered {np.mean([row['grew']['length_covered'] for row in answered]):.3f}, "
        f"half width {np.median([row['grew']['half'] for row in answered]):.3f} (median)"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
