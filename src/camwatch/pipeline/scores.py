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
"""Rows of a score that are written, and columns of them that are moved, at a time."""

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
    # Where what appeared is the stronger evidence it goes with its building; what is left there was weaker.
    told = np.where(came[rows, :] < whole, whole, np.float32(0.0))
    for left in range(0, told.shape[1], STRIP):
        cols = slice(left, min(left + STRIP, told.shape[1]))
        told[:, cols] = np.maximum(told[:, cols], _moved(came, geobox, geobox[rows, cols], registration))
    return np.where(np.isnan(whole), whole, told)


def _moved(came: Plane, geobox: GeoBox, window: GeoBox, registration: Registration) -> NDArray[np.float32]:
    """Return in a window the score of what the later scene shows there, linear between the pixels in which it was searched; 0 beyond them."""
    row, col = _places(geobox, window, registration)
    height, width = came.shape
    top, left = max(int(row.min()), 0), max(int(col.min()), 0)
    near = came[top : min(max(int(row.max()) + 2, 0), height), left : min(max(int(col.max()) + 2, 0), width)]
    if not near.size:
        return np.zeros(window.shape, np.float32)
    return np.asarray(ndi.map_coordinates(np.nan_to_num(near), [row - top, col - left], order=1, mode="grid-constant"), np.float32)


def _places(geobox: GeoBox, window: GeoBox, registration: Registration) -> NDArray[np.float64]:
    """Return (row, column) of the pixel of the earlier scene that shows the ground which each pixel of a window shows on the later, (2, y, x).

    The registration is asked every :data:`NODE_PX` pixels: between scenes the ground bends over hundreds of them.
    """
    axes = [np.arange(0, size + NODE_PX, NODE_PX, dtype=np.float64) for size in window.shape]
    row, col = np.meshgrid(*axes, indexing="ij")
    to_map, to_pixel = (np.array(affine).reshape(3, 3)[:2] for affine in (window.affine, ~geobox.affine))
    shown = to_map[:, :2] @ (np.stack([col.ravel(), row.ravel()]) + 0.5) + to_map[:, 2:]
    there = (to_pixel[:, :2] @ registration.belongs_at(shown.T).T + to_pixel[:, 2:])[::-1] - 0.5
    shares = [np.maximum(1.0 - np.abs(np.arange(size)[:, None] - nodes) / NODE_PX, 0.0) for size, nodes in zip(window.shape, axes, strict=True)]
    return np.asarray(shares[0] @ there.reshape(2, *row.shape) @ shares[1].T)
