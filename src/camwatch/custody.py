"""Hashes, the manifest of a run, and its verification.

The manifest holds no clock and no path of the machine beyond where the scenes lay, so that two runs of one configuration give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from camwatch.errors import CustodyError, MissingInputError
from camwatch.scenes.hashes import sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MANIFEST = "manifest.json"
LIBRARIES = ("numpy", "scipy", "rasterio", "scikit-image", "shapely", "pyproj", "odc-geo", "matplotlib", "pillow")
"""Libraries whose version can change a pixel, a geometry or a picture."""


def canonical(value: Any) -> bytes:
    """Return the one JSON form of a value that hashes are taken of: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest_of(value: Any) -> str:
    """Return the SHA-256 of a JSON-like value in its canonical form."""
    return hashlib.sha256(canonical(value)).hexdigest()


def write_text(path: Path, text: str) -> Path:
    """Write a text file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    return part.replace(path)


def write_json(path: Path, value: Any) -> Path:
    """Write a JSON document whole or not at all: sorted keys, readable, no NaN."""
    return write_text(path, json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON document that camwatch wrote.

    Raises
    ------
    MissingInputError
        When there is no such file.
    CustodyError
        When it is not JSON.
    """
    if not path.is_file():
        raise MissingInputError("no such record", where=path, remedy="run the command that makes it first")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CustodyError("not readable as JSON", where=path, got=error, remedy="delete it and run again") from error


def versions() -> dict[str, str]:
    """Return the versions of camwatch and of the libraries that can change its output."""
    return {name: version(name) for name in ("camwatch", *LIBRARIES)}


def portable(path: Path, run: Path) -> str:
    """Return a path as the manifest names it: relative to the run folder where it lies inside, absolute elsewhere."""
    inside, home = path.resolve(), run.resolve()
    return inside.relative_to(home).as_posix() if inside.is_relative_to(home) else inside.as_posix()


def write_manifest(run: Path, *, inputs: Mapping[str, str], outputs: Iterable[Path], configuration: Mapping[str, Any], simulated: bool) -> Path:
    """Write `manifest.json`: hashes of inputs and outputs, versions, the effective configuration.

    `inputs` maps portable paths to hashes that were taken when the files were read; outputs are hashed now.
    """
    manifest = {
        "camwatch_manifest": 1,
        "simulated": simulated,
        "configuration": dict(configuration),
        "versions": versions(),
        "inputs": dict(sorted(inputs.items())),
        "outputs": {portable(path, run): sha256_of(path) for path in sorted(outputs)},
    }
    return write_json(run / MANIFEST, manifest)


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification looked at: how many inputs and outputs agree, and which inputs are no longer at their place."""

    inputs: int
    outputs: int
    absent: tuple[str, ...]


def verify(run: Path) -> Verified:
    """Recompute every hash that the manifest of a run names.

    Inputs that have been moved away are listed, not failed: the evidence may lie in another archive. Everything else must agree.

    Raises
    ------
    MissingInputError
        When there is no manifest.
    CustodyError
        Names the first file that is missing, was changed, or was added to the run folder.
    """
    manifest = read_json(run / MANIFEST)
    outputs: dict[str, str] = manifest["outputs"]
    for name, expected in outputs.items():
        _agree(run / name, name, expected)
    extra = sorted(p for p in _files_of_run(run) if p not in outputs)
    if extra:
        raise CustodyError("a file that the manifest does not name", where=run / extra[0], remedy="remove it from the run folder, or run again")
    absent = []
    for name, expected in manifest["inputs"].items():
        path = Path(name) if Path(name).is_absolute() else run / name
        if path.exists():
            _agree(path, name, expected)
        else:
            absent.append(name)
    return Verified(inputs=len(manifest["inputs"]) - len(absent), outputs=len(outputs), absent=tuple(absent))


def _agree(path: Path, name: str, expected: str) -> None:
    if not path.is_file():
        raise CustodyError("a file that the manifest names is missing", where=name, remedy="restore it, or run again")
    found = sha256_of(path)
    if found != expected:
        raise CustodyError(
            "does not agree with the manifest", where=name, got=f"SHA-256 {found}", expected=expected, remedy="restore the file, or run again"
        )


def _files_of_run(run: Path) -> set[str]:
    """Everything under a run folder except the manifest, the inputs that a demonstration put there, and the step journal."""
    own = (p for p in run.rglob("*") if p.is_file() and not p.name.startswith("."))
    names = (p.relative_to(run) for p in own)
    return {n.as_posix() for n in names if n.as_posix() != MANIFEST and n.parts[0] not in ("scenes", "state")}
