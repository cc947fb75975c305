"""Where the bundled outlines and ledgers lie: inside an installed package, or in `data/` of a checkout."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def data_folder(name: str) -> Path:
    """Return the folder of bundled data called `name` (`aoi` or `claims`).

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
