"""Weights → the ONNX file that camwatch runs."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import onnx
import torch

from training.towers.network import Network

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SIGNATURE = "towers/1"
TRAINED_ON = "Guard towers, clutter and ground rendered by camwatch itself at 0.28 to 1.1 m; no imagery, labels or weights of others."


def export(weights: Path, out: Path) -> None:
    """Write the network with its weights and its metadata."""
    network = Network()
    network.load_state_dict(torch.load(weights, map_location="cpu"))
    network.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecation notice
        torch.onnx.export(
            network,
            (torch.zeros(1, 5, 64, 64),),
            out,
            input_names=["ground"],
            output_names=["answer"],
            dynamic_axes={"ground": {0: "n", 2: "v", 3: "u"}, "answer": {0: "n", 2: "v", 3: "u"}},
            opset_version=17,
            dynamo=False,
        )
    # Until it is calibrated: one false tower for each square kilometre at even odds.
    describe(onnx.load(out), out, {"false_rates": "[[0.5, 0.0, 1.0]]", "odds": "[0.0, 1.0]"})


def describe(model: onnx.ModelProto, path: Path, more: Mapping[str, str]) -> None:
    """Write the file with the metadata that camwatch asks of a model; what `more` names replaces what was stated."""
    known = {entry.key: entry.value for entry in model.metadata_props}
    known |= {"camwatch.signature": SIGNATURE, "camwatch.trained_on": TRAINED_ON}
    known |= {f"camwatch.{key}": value for key, value in more.items()}
    onnx.helper.set_model_props(model, known)
    onnx.save(model, path)
