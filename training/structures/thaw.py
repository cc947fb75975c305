"""The ONNX file that camwatch runs → weights that training can go on from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from training.structures.export import BUILDING
from training.structures.network import CLASSES, Network

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@torch.no_grad()
def thaw(path: Path, pictures: Sequence[Tensor]) -> Network:
    """Return a network that answers as an exported file does, but for the rounding to 8 bits.

    Parameters
    ----------
    path : Path
        Written by :func:`training.structures.export.export`, which folds every normalisation into the convolution before it.
    pictures : sequence of Tensor
        Batches (2n, 3, y, x) as training shows them. They tell what each normalisation takes out, so that what it gives back leaves the answers
        as they are while training measures its own.
    """
    convolutions = _convolutions(path)
    network = Network().eval()
    for name, step in network.named_modules():
        if isinstance(step, nn.Sequential) and isinstance(step[1], nn.BatchNorm2d):
            weight, bias = convolutions[f"{name}.0"]
            length = weight.square().mean((1, 2, 3), keepdim=True).sqrt() / step[0].weight.square().mean().sqrt()
            step[0].weight.copy_(weight / length)  # Of the length that training begins with: its steps are of one length for all.
            _leave_out(step[1], length.flatten(), bias)
    for part, name in ((network.change[2], "change.2"), (network.classes, "others")):
        weight, bias = convolutions[name]
        part.weight.copy_(_after_building(weight) if part is network.classes else weight)
        part.bias.copy_(_after_building(bias) if part is network.classes else bias)
    _measure(network, pictures)
    return network


def _leave_out(norm: nn.BatchNorm2d, gain: Tensor, bias: Tensor) -> None:
    """Let a normalisation only multiply by `gain` and add `bias`."""
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)
    norm.weight.copy_(gain)
    norm.bias.copy_(bias)


def _after_building(others: Tensor) -> Tensor:
    """Put the class whose logit is 0, all others' being differences from it, back into its place."""
    apart = others.unflatten(0, (CLASSES - 1, -1))
    return torch.cat([apart[:BUILDING], torch.zeros_like(apart[:1]), apart[BUILDING:]]).flatten(0, 1)


def _measure(network: Network, pictures: Sequence[Tensor]) -> None:
    """Give each normalisation the mean and variance of what it sees, and let it give back as much."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    sums = {norm: torch.zeros(3, norm.num_features, dtype=torch.float64) for norm in norms}

    def add(norm: nn.Module, given: tuple[Tensor, ...]) -> None:
        seen = given[0].double()
        sums[norm] += torch.stack([torch.ones_like(seen).sum((0, 2, 3)), seen.sum((0, 2, 3)), seen.square().sum((0, 2, 3))])

    hooks = [norm.register_forward_pre_hook(add) for norm in norms]
    for batch in pictures:
        first, second = network.features(batch).chunk(2)
        network.gained(torch.cat([second, first]), torch.cat([first, second]))
    for hook in hooks:
        hook.remove()
    for norm in norms:
        count, total, squares = sums[norm]
        mean = total / count
        variance = squares / count - mean.square()
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.bias.add_(norm.weight * mean.float())
        norm.weight.mul_((variance.float() + norm.eps).sqrt())


def _convolutions(path: Path) -> dict[str, tuple[Tensor, Tensor]]:
    """Return weight and bias by the name of the module: "down.0.1.0"."""
    graph = onnx.load(path).graph
    known = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in known:
            known[node.output[0]] = known[node.input[0]].astype(np.float32)
        elif node.op_type == "DequantizeLinear" and node.input[0] in known:
            value, scale, _ = (known[name] for name in node.input)  # weights are symmetric: nought is nought
            known[node.output[0]] = np.float32(value * scale.reshape(-1, *[1] * (value.ndim - 1)))
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    return {_module(node.name): (torch.tensor(known[node.input[1]]), torch.tensor(known[node.input[2]])) for node in convolutions}


def _module(node: str) -> str:
    """Return the module of a node's name: "/down.0/down.0.1/down.0.1.0_1/Conv" is the second use of "down.0.1.0"."""
    return node.removesuffix("/Conv").rpartition("/")[2].removesuffix("_1")
