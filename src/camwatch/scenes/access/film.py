"""The exposed frame of a scanned film: what lies outside (backlight, unexposed edge, frame numbers, fiducials, timing marks) is no ground.

Opening a scene reads no pixels, so the frame is measured when pixels are first loaded. Its address is `film:///folder/scan.tif`: a raster on the
scan's own grid, 1 inside the frame and 0 outside, that `camwatch.scenes.access.gdal.open_raster` opens like any quality layer.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from rasterio.windows import Window

from camwatch.scenes.access.files import on_disk
from camwatch.scenes.access.filmframe import Frame, enlarged, measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    Opener = Callable[[str], AbstractContextManager[Any]]

SCHEME = "film://"

_OVERVIEW = 2048
"""Least pixels of the smaller side of an overview that is good enough."""


class FilmDataset:
    """The frame as a raster, with what a reader of quality layers needs of a rasterio dataset."""

    count = 1
    nodatavals = (None,)
    dtypes = ("uint8",)

    def __init__(self, frame: Frame, name: str) -> None:
        self._frame = frame
        self.name = name
        self.shape = frame.shape
        self.height, self.width = frame.shape

    def read(
        self, indexes: Sequence[int] = (1,), *, window: Window | None = None, out_shape: tuple[int, int, int] | None = None
    ) -> NDArray[np.uint8]:
        """Return (band, y, x), 1 inside the frame, for a window or all of it."""
        start, size = (0, 0), self.shape
        if window is not None:
            start, size = (window.row_off, window.col_off), (int(window.height), int(window.width))
        wanted = size if out_shape is None else out_shape[1:]
        rows, cols = (first + (np.arange(few) + 0.5) * many / few for first, many, few in zip(start, size, wanted, strict=True))
        return np.stack([self._frame.inside(rows, cols).astype(np.uint8)] * len(indexes))


def href_of(scan: str) -> str:
    """Return the address of a scan's frame."""
    return f"{SCHEME}{scan}"


@contextmanager
def open_film(href: str, open_raster: Opener) -> Iterator[FilmDataset]:
    """Open the frame of a scan, as a context manager; `open_raster` opens the scan itself. SceneError when it cannot be read."""
    scan = href.removeprefix(SCHEME)
    path = on_disk(scan)
    said = path.stat() if path is not None and path.exists() else None
    yield FilmDataset(_frame_of(scan, open_raster, (said.st_size, said.st_mtime_ns) if said else (0, 0)), href)


@lru_cache(maxsize=64)
def _frame_of(scan: str, open_raster: Opener, _stamp: tuple[int, int]) -> Frame:
    """Measure a scan once; another size or time of change is another scan."""
    with open_raster(scan) as dataset:
        factor = max((n for n in dataset.overviews(1) if min(dataset.shape) // n >= _OVERVIEW), default=1)
        if factor > 1:
            rows, cols = (side // factor for side in dataset.shape)
            small = dataset.read(1, out_shape=(rows, cols))
            return enlarged(measure(lambda row, n: small[row : row + n], (rows, cols)), dataset.shape)
        return measure(lambda row, n: dataset.read(1, window=Window(0, row, dataset.width, n)), dataset.shape)
