"""From nothing to the perceptron that camwatch ships.

    python -m training.structures render --out pairs --pairs 4000
    python -m training.perimeter pairs --out data/models/perimeter.json

The first step renders ground; on it the second draws enclosing lines and roads of all kinds. No imagery is read.
"""

from __future__ import annotations

import argparse
from pathlib import Path

HELD = 100_000
"""Number of the first tile that is not trained on."""


def main() -> None:
    """Draw the samples, fit, write."""
    parser = argparse.ArgumentParser(prog="python -m training.perimeter", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path, help="folder of rendered pairs")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tiles", type=int, default=10_000)
    parser.add_argument("--held", type=int, default=120, help="tiles to judge by")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    import torch

    from training.perimeter.train import fit, samples, write

    torch.set_num_threads(1)
    inputs, wanted = samples(options.pairs, range(options.tiles), options.seed)
    print(f"{len(inputs):,} samples", flush=True)
    held = samples(options.pairs, range(HELD, HELD + options.held), options.seed)
    network = fit(inputs, wanted, held, epochs=options.epochs, seed=options.seed)
    told = {"trained_on": "rendered ground and rendered lines", "tiles": options.tiles, "epochs": options.epochs, "seed": options.seed}
    write(network, options.out, told)


if __name__ == "__main__":
    main()
