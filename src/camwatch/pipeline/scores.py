"""Score rasters on disk: written row by row as a search goes on, with what appeared where the later scene shows it."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi

from camwatch.rasters import BLOCK, SIMULATED_TAG, StoredPlane, new_raster, stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from camwatch.rasters import Plane
    from camwatch.registration import Registration

    Put = Callable[[NDArray[np.float32]], None]

PLURAL = {"structure": "structures", "tower": "towers", "perimeter": "perimeter", "landcover": "landcover"}
"""How the command line and the file names call each kind."""

APART = ("structure",)
"""Kinds whose search tells the score of what appeared apart from the rest."""

STRIP = 4 * BLOCK
"""Rows of a score that are written at a time."""

NODE_PX = 32
"""Pixels between the places where a registration is asked to where a score is moved."""


def score_path(folder: Path, kind: str) -> Path:
    """Return where the score of a kind lies."""
    return folder / f"score_{PLURAL[kind]}.tif"


def searched_path(folder: Path, kind: str) -> Path:
    """Return where the score of a kind lies as it was searched, on the earlier scene throughout."""
    return folder / f"score_{PLURAL[kind]}_searched.tif" if kind in APART else score_path(folder, kind)


def write_score(folder: Path, kind: str, score: Plane, geobox: GeoBox, *, simulated: bool) -> list[Path]:
    """Write a score that memory holds; return its files."""
    paths = sorted({score_path(folder, kind), searched_path(folder, kind)})
    for path in paths:
        with _raster(path, kind, geobox, simulated=simulated) as put:
            for top in range(0, score.shape[0], STRIP):
                put(score[top : top + STRIP, :][None])
    return paths


@contextmanager
def new_score(folder: Path, kind: str, geobox: GeoBox, registration: Registration, *, simulated: bool) -> Iterator[tuple[Put, StoredPlane]]:
    """Give a function that takes the next rows of the score of a search, and the plane that it will be once the block has ended.

    Rows are (1, y, x), or (2, y, x) for the kinds of :data:`APART`: the score, and that of what appeared alone. These are written twice: as they were
    searched, which camwatch reads back, and with what appeared where the later scene shows it, as its outlines are. An error leaves nothing behind.
    """
    searched = searched_path(folder, kind)
    plane = StoredPlane(searched, (int(geobox.shape[0]), int(geobox.shape[1])))
    if kind not in APART:
        with _raster(searched, kind, geobox, simulated=simulated) as put:
            yield put, plane
        return
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".score-") as scratch:
        appeared = Path(scratch) / "came.tif"
        with _raster(searched, kind, geobox, simulated=simulated) as whole, _raster(appeared, kind, geobox, simulated=simulated) as part:

            def both(rows: NDArray[np.float32]) -> None:
                whole(rows[:1])
                part(rows[1:])

            yield both, plane
        came, _ = stored(appeared)
        with _raster(score_path(folder, kind), kind, geobox, simulated=simulated) as put:
            for top in range(0, plane.shape[0], STRIP):
                rows = slice(top, min(top + STRIP, plane.shape[0]))
                put(_told(plane, came, geobox, rows, registration)[None])


@contextmanager
def _raster(path: Path, kind: str, geobox: GeoBox, *, simulated: bool) -> Iterator[Put]:
    tags = SIMULATED_TAG if simulated else None
    with new_raster(path, geobox, 1, "float32", nodata=float("nan"), bands=[f"{kind} score"], tags=tags) as put:
        yield put


def _told(score: Plane, came: Plane, geobox: GeoBox, rows: slice, registration: Registration) -> NDArray[np.float32]:
    """Return some rows of a score with what appeared where the later scene, by its own georeferencing, shows it."""
    whole = score[rows, :]
    rest = np.where(came[rows, :] < whole, whole, np.float32(0.0))
    col, row = _places(geobox, rows, registration)
    first = max(int(row.min()) - 1, 0)
    near = np.nan_to_num(came[first : max(int(row.max()) + 3, first), :])
    moved = ndi.map_coordinates(near, [row - first, col], order=1, cval=0.0) if near.size else np.float32(0.0)
    return np.where(np.isnan(whole), whole, np.maximum(rest, moved))


def _places(geobox: GeoBox, rows: slice, registration: Registration) -> NDArray[np.float64]:
    """Return (column, row) of the pixel of the earlier scene that each pixel of some rows shows on the later one, (2, rows, columns).

    The map is asked every :data:`NODE_PX` pixels: between scenes it bends over hundreds of them.
    """
    height, width = rows.stop - rows.start, geobox.shape[1]
    down, across = (np.arange(0, size + NODE_PX, NODE_PX, dtype=np.float64) for size in (height, width))
    pixels = np.stack(np.meshgrid(across + 0.5, down + rows.start + 0.5)).reshape(2, -1)
    there = ~geobox.affine * registration.belongs_at(np.stack(geobox.affine * pixels, axis=1)).T
    nodes = np.stack(there).reshape(2, down.size, across.size) - 0.5
    weights = [np.maximum(1.0 - np.abs(np.arange(size)[:, None] - at) / NODE_PX, 0.0) for size, at in ((height, down), (width, across))]
    return np.asarray(weights[0] @ nodes @ weights[1].T)
