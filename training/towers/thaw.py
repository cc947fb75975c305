"""The ONNX file of towers → weights that training can go on from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.thawing import convolutions, fill, measure
from training.towers.network import Network

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor


def thaw(path: Path, pictures: Sequence[Tensor]) -> Network:
    """Return a network that answers as an exported file does.

    Parameters
    ----------
    path : Path
        Written by :func:`training.towers.export.export`, which folds every normalisation into the convolution before it.
    pictures : sequence of Tensor
        Batches (n, 5, v, u) as training shows them. They tell what each normalisation takes out.
    """
    network = Network()
    network.eval()
    fill(network, convolutions(path))
    measure(network, pictures, network.logits)
    network.train()
    return network
