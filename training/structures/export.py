"""Weights → the ONNX file that camwatch runs."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING

import onnx
import torch

from training.structures.network import Network

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SIGNATURE = "structures/1"


def export(weights: Path, out: Path, *, version: str, trained_on: str, calibration: Sequence[Sequence[float]] = ()) -> None:
    """Write the network with its weights and its metadata; see docs/models.md for the signature."""
    network = Network()
    network.load_state_dict(torch.load(weights, map_location="cpu"))
    network.eval()
    sample = torch.zeros(1, 3, 64, 64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecation notice
        torch.onnx.export(
            network,
            (sample, sample),
            out,
            input_names=["before", "after"],
            output_names=["structure_before", "structure_after", "appeared", "removed"],
            dynamic_axes={name: {2: "y", 3: "x"} for name in ("before", "after", "structure_before", "structure_after", "appeared", "removed")},
            opset_version=17,
            dynamo=False,
        )
    describe(out, {"version": version, "trained_on": trained_on, "calibration": json.dumps([list(knot) for knot in calibration])})


def describe(path: Path, more: Mapping[str, str]) -> None:
    """Write the metadata that camwatch asks of a model into an ONNX file."""
    model = onnx.load(path)
    _halved(model)
    known = {entry.key: entry.value for entry in model.metadata_props}
    known |= {"camwatch.signature": SIGNATURE, "camwatch.pixel_m": "0.5", "camwatch.coarsest_m": "1.5"}
    known |= {f"camwatch.{key}": value for key, value in more.items()}
    onnx.helper.set_model_props(model, known)
    onnx.save(model, path)


def _halved(model: onnx.ModelProto) -> None:
    """Store the large weights with 16 bits, to be widened when the file is opened: half the size, the same arithmetic."""
    for weight in list(model.graph.initializer):
        values = onnx.numpy_helper.to_array(weight)
        if weight.data_type == onnx.TensorProto.FLOAT and values.size >= 1024:
            model.graph.initializer.remove(weight)
            model.graph.initializer.append(onnx.numpy_helper.from_array(values.astype("float16"), f"{weight.name}_16"))
            model.graph.node.insert(0, onnx.helper.make_node("Cast", [f"{weight.name}_16"], [weight.name], to=onnx.TensorProto.FLOAT))
