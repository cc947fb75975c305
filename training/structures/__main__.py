"""From nothing to the weights that camwatch ships.

    python -m training.structures render --out pairs --pairs 6400
    python -m training.structures train pairs --out weights.pt
    python -m training.structures export weights.pt --out data/models/structures.onnx

Rendering may run beside training, which takes up new pairs as they appear; both resume or start again. `--device cuda` where there is one.
Training may go on from weights (`--init`), those of the shipped file among them.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path


def main() -> None:
    """Do one of the steps."""
    parser = argparse.ArgumentParser(prog="python -m training.structures", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(required=True, dest="step")
    render = steps.add_parser("render", help="draw labelled pairs")
    render.add_argument("--pairs", type=int, default=6400)
    render.add_argument("--first", type=int, default=0, help="seed of the first pair; seeds from 10,000,000 on are kept for validation")
    render.add_argument("--workers", type=int, default=2)
    train = steps.add_parser("train", help="train the network")
    train.add_argument("pairs", type=Path)
    train.add_argument("--steps", type=int, default=8000)
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--threads", type=int, default=2)
    train.add_argument("--device", default="cpu")
    train.add_argument("--init", type=Path, default=None, help="weights to go on from, or an exported .onnx file")
    train.add_argument("--rate", type=float, default=None, help="highest learning rate; by default that of a training from nothing")
    export = steps.add_parser("export", help="write the ONNX file")
    export.add_argument("weights", type=Path)
    export.add_argument("--model-version", required=True)
    export.add_argument("--trained-on", required=True, help="one sentence for the file's metadata")
    for each in (render, train, export):
        each.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    {"render": _render, "train": _train, "export": _export}[options.step](options)


def _render(options: argparse.Namespace) -> None:
    from camwatch.render.settlement import Recipe
    from training.structures.data import SHARD, render_shards

    shards = render_shards(options.out, range(options.first, options.first + options.pairs), Recipe(), workers=options.workers)
    for done, path in enumerate(shards, 1):
        print(f"{done * SHARD} of {options.pairs} pairs: {path.name}", flush=True)


def _train(options: argparse.Namespace) -> None:
    import torch

    from training.structures.train import SCHEDULE, train

    torch.set_num_threads(options.threads)
    schedule = replace(SCHEDULE, steps=options.steps, seed=options.seed, device=options.device, rate=options.rate or SCHEDULE.rate)
    train(options.pairs, options.out, schedule, init=options.init)


def _export(options: argparse.Namespace) -> None:
    from training.structures.export import export

    export(options.weights, options.out, version=options.model_version, trained_on=options.trained_on)


if __name__ == "__main__":
    main()
