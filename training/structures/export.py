"""Weights → the ONNX file that camwatch runs: the same network with less work, and with sums of 8-bit numbers."""

from __future__ import annotations

import json
import tempfile
import warnings
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn
from torch.nn import functional

from camwatch.detect._common import blocks
from camwatch.detect._model_pixels import normalised
from camwatch.render.settlement import Recipe, labelled_pair
from training.structures.network import CLASSES, Network

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

SIGNATURE = "structures/1"
INPUTS, OUTPUTS = ("before", "after"), ("structure_before", "structure_after", "appeared", "removed")

BUILDING = 1
"""The class that is answered for."""

MEASURED = range(8)
"""Seeds of the rendered pairs by which the ranges of 8-bit numbers are measured; the network is trained on them too."""


class Answers(nn.Module):
    """What :meth:`Network.forward` answers, in fewer steps: the share of one class needs only how far the others' logits lie above it."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        weight, bias = (each.detach().unflatten(0, (CLASSES, 4)) for each in (network.classes.weight, network.classes.bias))
        others = [number for number in range(CLASSES) if number != BUILDING]
        self.others = nn.Conv2d(weight.shape[2], 4 * len(others), 1)
        self.others.weight = nn.Parameter((weight[others] - weight[BUILDING]).flatten(0, 1))
        self.others.bias = nn.Parameter((bias[others] - bias[BUILDING]).flatten())

    def building(self, features: Tensor) -> Tensor:
        """Return the likelihood of a building at one date, (n, 1, y, x)."""
        against = self.others(features).exp().split(4, 1)
        return functional.pixel_shuffle(1.0 / (1.0 + sum(against[1:], against[0])), 2)

    def forward(self, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return structure_before, structure_after, appeared, removed, each (1, 1, y, x) in 0..1."""
        first, second = self.network.features(before), self.network.features(after)
        apart = (second - first).abs()
        new, gone = (
            functional.pixel_shuffle(self.network.change(torch.cat([*dates, apart], 1)).sigmoid(), 2) for dates in ((first, second), (second, first))
        )
        return self.building(first), self.building(second), new, gone


def export(
    weights: Path, out: Path, *, version: str, trained_on: str, calibration: Sequence[Sequence[float]] = (), measured: Sequence[int] = MEASURED
) -> None:
    """Write the network with its weights and its metadata; see docs/models.md for the signature.

    `measured` are the seeds of rendered pairs by which the ranges of 8-bit numbers are chosen. Where there is none, sums stay those of 32-bit
    numbers, and large weights are stored with 16 bits.
    """
    network = Network()
    network.load_state_dict(torch.load(weights, map_location="cpu"))
    sample = torch.zeros(1, 3, 64, 64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecation notice
        torch.onnx.export(
            Answers(network).eval(),
            (sample, sample),
            out,
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_axes={name: {2: "y", 3: "x"} for name in (*INPUTS, *OUTPUTS)},
            opset_version=17,
            dynamo=False,
        )
    if measured:
        _in_eight_bits(out, _shown(measured))
    describe(out, {"version": version, "trained_on": trained_on, "calibration": json.dumps([list(knot) for knot in calibration])})


def describe(path: Path, more: Mapping[str, str]) -> None:
    """Write the metadata that camwatch asks of a model into an ONNX file."""
    model = onnx.load(path)
    _halved(model)
    known = {entry.key: entry.value for entry in model.metadata_props if entry.key.startswith("camwatch.")}
    known |= {"camwatch.signature": SIGNATURE, "camwatch.pixel_m": "0.5", "camwatch.coarsest_m": "1.5"}
    known |= {f"camwatch.{key}": value for key, value in more.items()}
    onnx.helper.set_model_props(model, known)
    onnx.save(model, path)


def _shown(seeds: Iterable[int]) -> Iterator[dict[str, NDArray[np.float32]]]:
    """Yield rendered pairs as the network is shown them, whole and at half the resolution.

    Each comes in both orders, so that both dates have the same ranges: exchanged dates exchange the answers to the last bit.
    """
    for seed in seeds:
        pair = labelled_pair(seed, Recipe())
        dates = []
        for picture in pair.pictures:
            planes = np.moveaxis(np.asarray(picture, np.float32), 2, 0)
            dates.append(normalised(planes, np.ones(planes.shape[1:], bool)))
        for factor, order in product((1, 2), (dates, dates[::-1])):
            yield {name: blocks(date, factor)[None] for name, date in zip(INPUTS, order, strict=True)}


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Pairs, one by one, as onnxruntime asks for them."""

    def __init__(self, pairs: Iterator[dict[str, NDArray[np.float32]]]) -> None:
        self._pairs = pairs

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self._pairs, None)


def _in_eight_bits(path: Path, pairs: Iterator[dict[str, NDArray[np.float32]]]) -> None:
    """Let an ONNX file sum products of 8-bit numbers in place of 32-bit ones, in ranges measured on `pairs`.

    The first convolutions, which see pixels, and the last ones, whose sums are answers, stay: they cost little and round the most. Weights have
    seven bits: on processors that add 8-bit products in pairs of 16 bits, eight would saturate, and the answer would depend on the machine.
    """
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx"
        quant_pre_process(path, plain, skip_symbolic_shape=True)
        graph = onnx.load(plain).graph
        inner = {name for node in graph.node if node.op_type == "LeakyRelu" for name in node.input}
        ends = [node.name for node in graph.node if node.op_type == "Conv" and (node.input[0] in INPUTS or node.output[0] not in inner)]
        quantize_static(
            plain,
            path,
            _Reader(pairs),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "LeakyRelu", "Concat", "Resize"],
            nodes_to_exclude=ends,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"WeightSymmetric": True, "ActivationSymmetric": False},
        )


def _halved(model: onnx.ModelProto) -> None:
    """Store the large weights with 16 bits, to be widened when the file is opened: half the size, the same arithmetic."""
    for weight in list(model.graph.initializer):
        values = onnx.numpy_helper.to_array(weight)
        if weight.data_type == onnx.TensorProto.FLOAT and values.size >= 1024:
            model.graph.initializer.remove(weight)
            model.graph.initializer.append(onnx.numpy_helper.from_array(values.astype("float16"), f"{weight.name}_16"))
            model.graph.node.insert(0, onnx.helper.make_node("Cast", [f"{weight.name}_16"], [weight.name], to=onnx.TensorProto.FLOAT))
