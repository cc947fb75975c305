"""Weights → the ONNX file that camwatch runs."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import onnx
import torch

from training.towers.metadata import describe
from training.towers.network import Network

if TYPE_CHECKING:
    from pathlib import Path


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
