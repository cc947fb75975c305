"""What the ONNX file of towers says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SIGNATURE = "towers/1"
TRAINED_ON = "Guard towers, clutter and ground rendered by camwatch itself at 0.28 to 1.1 m; no imagery, labels or weights of others."


def describe(model: onnx.ModelProto, path: Path, more: Mapping[str, str]) -> None:
    """Write the file with the metadata that camwatch asks of a model; what `more` names replaces what was stated."""
    known = {entry.key: entry.value for entry in model.metadata_props}
    known |= {"camwatch.signature": SIGNATURE, "camwatch.trained_on": TRAINED_ON}
    known |= {f"camwatch.{key}": value for key, value in more.items()}
    onnx.helper.set_model_props(model, known)
    onnx.save(model, path)
