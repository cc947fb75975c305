"""From nothing to the weights of guard towers that camwatch ships.

    python -m training.towers render --out scenes --places 600
    python -m training.towers train scenes --out weights.pt
    python -m training.towers export weights.pt --out data/models/towers.onnx
    python -m training.towers render --out calibration --first 10000000 --places 24
    python -m training.towers calibrate calibration --out data/models/towers.onnx

Rendering may run beside training, which takes up new places as they appear. One thread is enough.
Training may go on from weights (`--init`), and `mean` averages those before and after.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from training.towers.scenes import SUNS_DEG


def main() -> None:
    """Do one of the steps."""
    parser = argparse.ArgumentParser(prog="python -m training.towers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(required=True, dest="step")
    render = steps.add_parser("render", help="draw labelled places")
    render.add_argument("--places", type=int, default=600)
    render.add_argument("--first", type=int, default=0, help="seed of the first place; seeds from 10,000,000 on are kept for calibration")
    render.add_argument("--suns", type=float, nargs=2, default=SUNS_DEG, help="lowest and highest sun in degrees")
    train = steps.add_parser("train", help="train the network")
    train.add_argument("scenes", type=Path)
    train.add_argument("--steps", type=int, default=24_000)
    train.add_argument("--rate", type=float, default=None, help="highest learning rate; a quarter of the usual one suits going on")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--init", type=Path, default=None, help="weights to go on from, or an exported file (.onnx)")
    mean = steps.add_parser("mean", help="average the weights of trainings that went on from one another")
    mean.add_argument("weights", type=Path, nargs="+")
    export = steps.add_parser("export", help="write the ONNX file")
    export.add_argument("weights", type=Path)
    calibrate = steps.add_parser("calibrate", help="measure how often it errs, and write that into the file")
    calibrate.add_argument("scenes", type=Path)
    for each in (render, train, mean, export, calibrate):
        each.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    {"render": _render, "train": _train, "mean": _mean, "export": _export, "calibrate": _calibrate}[options.step](options)


def _render(options: argparse.Namespace) -> None:
    from training.towers.data import write_scenes

    places = range(options.first, options.first + options.places)
    for done, path in enumerate(write_scenes(options.out, places, tuple(options.suns)), 1):
        print(f"{done} of {options.places}: {path.name}", flush=True)


def _train(options: argparse.Namespace) -> None:
    from training.towers.train import SCHEDULE, train

    schedule = replace(SCHEDULE, steps=options.steps, seed=options.seed, rate=options.rate or SCHEDULE.rate)
    train(options.scenes, options.out, schedule, init=options.init)


def _mean(options: argparse.Namespace) -> None:
    from training.fitting import mean_of

    mean_of(options.weights, options.out)


def _export(options: argparse.Namespace) -> None:
    from training.towers.export import export

    export(options.weights, options.out)


def _calibrate(options: argparse.Namespace) -> None:
    from training.towers.calibrate import calibrate

    for name, value in calibrate(options.out, sorted(options.scenes.glob("place-*.npz"))).items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
