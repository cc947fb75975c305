"""Where things lie that are no user's files: the bundled outlines, ledgers and model, and the folder for what can be made again."""

from __future__ import annotations

import os
import sys
from importlib.resources import files
from pathlib import Path

from camwatch.errors import ConfigError, MissingInputError

CACHE_VARIABLE = "CAMWATCH_CACHE"
"""Environment variable: the folder for what can be made again, or `off`."""


def data_folder(name: str) -> Path:
    """Return the folder of bundled data called `name` (`aoi`, `claims` or `models`).

    Raises
    ------
    FileNotFoundError
        When the installation is broken: neither place holds the folder.
    """
    packaged = Path(str(files("camwatch"))) / "data" / name
    checkout = Path(__file__).resolve().parents[2] / "data" / name
    for folder in (packaged, checkout):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"bundled data {name!r} is missing: looked in {packaged} and {checkout}; install camwatch again")


def shipped_model(name: str = "structures") -> Path | None:
    """Return the file of shipped weights, of `structures` or `towers`; None where this copy has none."""
    try:
        file = data_folder("models") / f"{name}.onnx"
    except FileNotFoundError:  # a checkout before its first training
        return None
    return file if file.is_file() else None


def model_bytes(path: Path) -> bytes:
    """Return the bytes of a model file.

    Raises
    ------
    MissingInputError
        No such file.
    ConfigError
        It cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise MissingInputError("no such model file", where=path, remedy="check the path, or leave it out for the shipped model") from error
    except OSError as error:
        raise ConfigError(
            "the model file cannot be read", where=path, got=error.strerror, expected="an ONNX file", remedy="check the path"
        ) from error


def cache_folder(name: str) -> Path | None:
    """Return the folder for what can be made again, called `name`; it need not exist.

    `CAMWATCH_CACHE` names another place than the platform's own (XDG Base Directory Specification, or the system's), or is `off`: then None.
    """
    named = os.environ.get(CACHE_VARIABLE, "")
    if named.lower() == "off":
        return None
    return (Path(named) if named else _platform_folder() / "camwatch") / name


def _platform_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def state_of(path: Path) -> tuple[int, ...] | None:
    """Return what changes when a file does (size, times of change, device, inode); None where there is none.

    The time of the inode's change cannot be set by a program, so a file that was changed and dated back is another one.
    """
    try:
        said = path.stat()
    except OSError:  # it is not there: opening it tells so, better
        return None
    return said.st_size, said.st_mtime_ns, said.st_ctime_ns, said.st_dev, said.st_ino
