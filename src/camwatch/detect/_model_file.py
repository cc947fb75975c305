"""A model file opened and checked: one ONNX file whose inputs, outputs and properties follow the documented signature (`docs/models.md`)."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from camwatch.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

SIGNATURE = "structures/1"
"""Value of the property `camwatch.signature`; another number will mean other inputs or outputs."""

INPUTS = ("before", "after")
OUTPUTS = ("structure_before", "structure_after", "appeared", "removed")

PROPERTY = "camwatch."
"""What the names of the properties begin with."""

PROBE = (64, 96)
"""Rows and columns of the picture that a model is tried on before it is believed; two sizes, so that one mistaken for the other shows."""

GUIDE = "docs/models.md tells how such a file is made"


def open_session(path: Path, content: bytes) -> Any:
    """Return the onnxruntime session of a model of structures, with all that can be checked checked.

    Raises
    ------
    ConfigError
        Not a whole ONNX file, weights in a second file, operators that the installed onnxruntime lacks, or other inputs or outputs.
    """
    session = session_of(path, content)
    check_tensors(path, "input", session.get_inputs(), INPUTS, ("1", "3", "any", "any"))
    check_tensors(path, "output", session.get_outputs(), OUTPUTS, ("1", "1", "any", "any"))
    _try_out(path, session)
    return session


def session_of(path: Path, content: bytes) -> Any:
    """Return the onnxruntime session of an ONNX file, whatever its inputs and outputs.

    One thread works on each tile, and tiles are spread over threads above: then no sum depends on how many threads there are.

    Raises
    ------
    ConfigError
        Not a whole ONNX file, weights in a second file, or operators that the installed onnxruntime lacks.
    """
    with _silence():
        import onnxruntime as ort

        ort.set_default_logger_severity(4)
        ort.disable_telemetry_events()  # the Windows wheels would tell their maker about models
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Weights in a second file are no part of what is hashed: they are sought where nothing is.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.devnull)
    try:
        return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except complaints() as error:
        remedy = f"give one whole file with its weights inside; {GUIDE}"
        wanted = f"a model that onnxruntime {ort.__version__} opens"
        raise ConfigError("not a model that can be run", where=path, got=_short(error), expected=wanted, remedy=remedy) from error


def read_properties(path: Path, session: Any, signature: str = SIGNATURE) -> dict[str, str]:
    """Return the properties of a model, without what their names begin with; ConfigError where it states another signature, or none."""
    stated = session.get_modelmeta().custom_metadata_map
    properties = {key.removeprefix(PROPERTY): str(value) for key, value in stated.items() if key.startswith(PROPERTY)}
    if properties.get("signature") != signature:
        got = properties.get("signature", "none")
        raise ConfigError(f"property {PROPERTY}signature", where=path, got=got, expected=signature, remedy=GUIDE)
    return properties


def metres(path: Path, properties: Mapping[str, str], name: str) -> float:
    """Return a property that is a length in metres, above 0 and at most 100."""
    text = properties.get(name, "none")
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not 0 < value <= 100:
        raise ConfigError(f"property {PROPERTY}{name}", where=path, got=text, expected="metres, as a number such as 0.5", remedy=GUIDE)
    return value


def calibration_knots(path: Path, properties: Mapping[str, str]) -> tuple[tuple[float, float], ...]:
    """Return the (raw score, probability) pairs of a model, both rising from 0 to 1; none where it states none."""
    text = properties.get("calibration", "").strip()
    if text in ("", "[]"):
        return ()
    try:
        knots = np.array(json.loads(text), np.float64)
    except (ValueError, TypeError):  # no JSON, or no numbers
        knots = np.zeros(0)
    fine = knots.ndim == 2 and knots.shape[1] == 2 and len(knots) >= 2 and bool(((knots >= 0) & (knots <= 1)).all())
    if not (fine and (np.diff(knots[:, 0]) > 0).all() and (np.diff(knots[:, 1]) >= 0).all()):
        wanted = "JSON pairs [raw score, probability], both rising from 0 to 1"
        raise ConfigError(f"property {PROPERTY}calibration", where=path, got=text, expected=wanted, remedy=GUIDE)
    return tuple((float(raw), float(probability)) for raw, probability in knots)


def check_tensors(path: Path, role: str, tensors: list[Any], names: tuple[str, ...], shape: tuple[str, ...]) -> None:
    """Refuse a model that lacks a tensor, has another type, or fixes a size that must be free; inputs may be these and no others."""
    found = {tensor.name: tensor for tensor in tensors}
    missing, foreign = [name for name in names if name not in found], sorted(found.keys() - set(names))
    if missing or (role == "input" and foreign):
        raise ConfigError(f"the model's {role}s", where=path, got=", ".join(found), expected=", ".join(names), remedy=GUIDE)
    for name in names:
        tensor, wanted = found[name], f"float32 ({', '.join(shape)})"
        stated = tuple(str(size) if isinstance(size, int) else "any" for size in tensor.shape)
        # What is not stated (an axis, or the whole shape of an output) is seen when the model is tried.
        fits = len(stated) == 4 and all(have in (want, "any") for want, have in zip(shape, stated, strict=True))
        if tensor.type != "tensor(float)" or not (fits or (role == "output" and not stated)):
            kind = tensor.type.removeprefix("tensor(").removesuffix(")")
            got = f"{'float32' if kind == 'float' else kind} ({', '.join(stated)})"
            raise ConfigError(f"the model's {role} {name}", where=path, got=got, expected=wanted, remedy=GUIDE)


def _try_out(path: Path, session: Any) -> None:
    """Refuse a model that does not answer with as many pixels as it is shown, or with other values than 0..1."""
    picture = np.random.default_rng(0).normal(size=(1, 3, *PROBE)).astype(np.float32)
    try:
        planes: list[NDArray[np.float32]] = session.run(list(OUTPUTS), {"before": picture, "after": picture[..., ::-1].copy()})
    except complaints() as error:
        wanted = f"an answer for any multiple of 32 pixels; tried {PROBE}"
        raise ConfigError("the model cannot be run", where=path, got=_short(error), expected=wanted, remedy=GUIDE) from error
    for name, plane in zip(OUTPUTS, planes, strict=True):
        if plane.shape != (1, 1, *PROBE):
            raise ConfigError(f"the model's output {name}", where=path, got=plane.shape, expected=(1, 1, *PROBE), remedy=GUIDE)
        if not (np.isfinite(plane).all() and plane.min() >= 0 and plane.max() <= 1):
            got = f"{plane.min():g} to {plane.max():g}"
            raise ConfigError(f"the model's output {name}", where=path, got=got, expected="values 0..1 (a sigmoid at its end)", remedy=GUIDE)


def complaints() -> tuple[type[Exception], ...]:
    """Return what onnxruntime raises of a file or a run: its errors share no base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return tuple(kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception))


def _short(error: Exception) -> str:
    """Return what onnxruntime says, without its own numbering."""
    return str(error).rpartition(" : ")[2]


@contextmanager
def _silence() -> Iterator[None]:
    """Send standard error nowhere: while it is imported, onnxruntime reports graphics cards there, whatever level its log is set to."""
    try:
        kept = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
