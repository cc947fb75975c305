"""What taking up an ONNX file again shares between both networks: its convolutions, and normalisations made anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path


def convolutions(path: Path) -> dict[str, tuple[Tensor, Tensor]]:
    """Return weight and bias of an exported file by the name of the module: "down.0.1.0"."""
    graph = onnx.load(path).graph
    known = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in known:
            known[node.output[0]] = known[node.input[0]].astype(np.float32)
        elif node.op_type == "DequantizeLinear" and node.input[0] in known:
            value, scale, _ = (known[name] for name in node.input)  # weights are symmetric: nought is nought
            known[node.output[0]] = np.float32(value * scale.reshape(-1, *[1] * (value.ndim - 1)))
    found = [node for node in graph.node if node.op_type == "Conv"]
    return {_module(node.name): (torch.tensor(known[node.input[1]]), torch.tensor(known[node.input[2]])) for node in found}


def _module(node: str) -> str:
    """Return the module of a node's name: "/down.0/down.0.1/down.0.1.0_1/Conv" is the second use of "down.0.1.0"."""
    return node.removesuffix("/Conv").rpartition("/")[2].removesuffix("_1")


@torch.no_grad()
def fill(network: nn.Module, known: Mapping[str, tuple[Tensor, Tensor]]) -> None:
    """Give all convolutions of a network weight and bias; into those that a normalisation follows, the export has folded it.

    Raises
    ------
    KeyError
        A convolution is not known.
    """
    steps = {name: step for name, step in network.named_modules() if isinstance(step, nn.Sequential) and isinstance(step[1], nn.BatchNorm2d)}
    for name, step in steps.items():
        weight, bias = known[f"{name}.0"]
        length = weight.square().mean((1, 2, 3), keepdim=True).sqrt() / step[0].weight.square().mean().sqrt()
        step[0].weight.copy_(weight / length)  # Of the length that training begins with: its steps are of one length for all.
        _leave_out(step[1], length.flatten(), bias)
    normalised = {step[0] for step in steps.values()}
    for name, part in network.named_modules():
        if isinstance(part, nn.Conv2d) and part not in normalised:
            weight, bias = known[name]
            part.weight.copy_(weight)
            assert part.bias is not None
            part.bias.copy_(bias)


def _leave_out(norm: nn.BatchNorm2d, gain: Tensor, bias: Tensor) -> None:
    """Let a normalisation only multiply by `gain` and add `bias`."""
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)
    norm.weight.copy_(gain)
    norm.bias.copy_(bias)


@torch.no_grad()
def measure(network: nn.Module, pictures: Iterable[Tensor], show: Callable[[Tensor], object]) -> None:
    """Give each normalisation the mean and variance of what it sees, and let it give back as much.

    So the answers stay as they are while training measures its own. `show` passes a batch through all that is trained.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    sums = {norm: torch.zeros(3, norm.num_features, dtype=torch.float64) for norm in norms}

    def add(norm: nn.Module, given: tuple[Tensor, ...]) -> None:
        seen = given[0].double()
        sums[norm] += torch.stack([torch.ones_like(seen).sum((0, 2, 3)), seen.sum((0, 2, 3)), seen.square().sum((0, 2, 3))])

    hooks = [norm.register_forward_pre_hook(add) for norm in norms]
    for batch in pictures:
        show(batch)
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
