"""The ONNX file of structures → weights that training can go on from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from training.structures.export import BUILDING
from training.structures.network import CLASSES, Network
from training.thawing import convolutions, fill, measure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor


def thaw(path: Path, pictures: Sequence[Tensor]) -> Network:
    """Return a network that answers as an exported file does, but for the rounding to 8 bits.

    Parameters
    ----------
    path : Path
        Written by :func:`training.structures.export.export`, which folds every normalisation into the convolution before it.
    pictures : sequence of Tensor
        Batches (2n, 3, y, x) as training shows them. They tell what each normalisation takes out.
    """
    network, known = Network().eval(), convolutions(path)
    weight, bias = (_after_building(each) for each in known.pop("others"))
    fill(network, known | {"classes": (weight, bias)})

    def show(batch: Tensor) -> None:
        first, second = network.features(batch).chunk(2)
        network.gained(torch.cat([second, first]), torch.cat([first, second]))

    measure(network, pictures, show)
    return network


def _after_building(others: Tensor) -> Tensor:
    """Put the class whose logit is 0, all others' being differences from it, back into its place."""
    apart = others.unflatten(0, (CLASSES - 1, -1))
    return torch.cat([apart[:BUILDING], torch.zeros_like(apart[:1]), apart[BUILDING:]]).flatten(0, 1)
