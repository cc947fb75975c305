"""Numbers as they are stored in a product's files: decoded where they lie, or kept from when they were decoded before."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from rasterio.errors import RasterioError
from rasterio.windows import Window

from camwatch.errors import SceneError
from camwatch.imagery.cache import SIDE, Square, identity, is_slow, user_cache
from camwatch.scenes.access.gdal import open_raster

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from camwatch.imagery.cache import Cache
    from camwatch.scenes.layers import Part

_WHOLE = 2048
"""A block up to this side is kept whole once it is decoded; of a longer one, such as a strip as wide as the scene, only what is asked for."""


def read_stored(parts: Sequence[Part], window: Window) -> list[Square]:
    """Return a window, which must lie inside the file, of bands of one file.

    Raises
    ------
    SceneError
        When the file cannot be opened or is damaged.
    """
    cache = user_cache() if is_slow(parts[0].href) else None
    file = None if cache is None else identity(parts[0].href)
    return _decode(parts, window) if cache is None or file is None else _kept(cache, file, parts, window)


def read_reduced(part: Part, window: Window, shape: tuple[int, int]) -> Square:
    """Return a window of one band with fewer pixels, picked evenly, from overviews where the file has them."""
    with open_raster(part.href, companions=part.companions) as dataset:
        if hasattr(dataset, "overviews"):
            return Square(_pixels(dataset, [part.index], window, shape)[0], dataset.nodatavals[part.index - 1])
        plane = _pixels(dataset, [part.index], window)[0]  # HDF4 has no overviews
    rows, cols = (np.arange(n) * size // n for n, size in zip(shape, plane.shape, strict=True))
    return Square(plane[np.ix_(rows, cols)], None)


def read_own_mask(part: Part, window: Window) -> NDArray[np.uint8]:
    """Return the file's own mask, 0 where it has no data."""
    with open_raster(part.href, companions=part.companions) as dataset:
        mask: NDArray[np.uint8] = dataset.read_masks(1, window=window)
        return mask


def _decode(parts: Sequence[Part], window: Window) -> list[Square]:
    with open_raster(parts[0].href, companions=parts[0].companions) as dataset:
        planes = _pixels(dataset, [part.index for part in parts], window)
        return [Square(plane, dataset.nodatavals[part.index - 1]) for plane, part in zip(planes, parts, strict=True)]


def _kept(cache: Cache, file: str, parts: Sequence[Part], window: Window) -> list[Square]:
    """Return a window from the squares that are kept; those that are not are decoded, with the rest of the blocks in which they lie, and kept."""
    top, left, height, width = (int(value) for value in (window.row_off, window.col_off, window.height, window.width))
    found = {}
    missing = []
    for place in product(range(top // SIDE, (top + height - 1) // SIDE + 1), range(left // SIDE, (left + width - 1) // SIDE + 1)):
        kept = [cache.get(_key(file, part, place)) for part in parts]
        sound = [square for square in kept if square is not None]
        if len(sound) == len(parts):
            found[place] = sound
        else:
            missing.append(place)
    if missing:
        found |= _decode_squares(cache, file, parts, missing)
    samples = next(iter(found.values()))
    planes = [np.empty((height, width), square.pixels.dtype) for square in samples]
    for (row, col), squares in found.items():
        y, x = row * SIDE - top, col * SIDE - left
        for plane, square in zip(planes, squares, strict=True):
            inner = square.pixels[max(0, -y) : height - y, max(0, -x) : width - x]
            plane[max(0, y) : max(0, y) + inner.shape[0], max(0, x) : max(0, x) + inner.shape[1]] = inner
    return [Square(plane, square.nodata) for plane, square in zip(planes, samples, strict=True)]


def _decode_squares(cache: Cache, file: str, parts: Sequence[Part], missing: Sequence[tuple[int, int]]) -> dict[tuple[int, int], list[Square]]:
    """Decode squares and keep them, and all others that lie in the same blocks."""
    shape = parts[0].shape
    with open_raster(parts[0].href, companions=parts[0].companions) as dataset:
        blocks = dataset.block_shapes[parts[0].index - 1]
        (top, bottom), (left, right) = (_span([place[axis] for place in missing], blocks[axis], shape[axis]) for axis in (0, 1))
        planes = _pixels(dataset, [part.index for part in parts], Window(left, top, right - left, bottom - top))
        declared = [dataset.nodatavals[part.index - 1] for part in parts]
    wanted, found = set(missing), {}
    for row, col in product(_whole(top, bottom, shape[0]), _whole(left, right, shape[1])):
        y, x = row * SIDE - top, col * SIDE - left
        squares = [Square(plane[y : y + SIDE, x : x + SIDE], nodata) for plane, nodata in zip(planes, declared, strict=True)]
        for part, square in zip(parts, squares, strict=True):
            cache.put(_key(file, part, (row, col)), square)
        if (row, col) in wanted:
            found[row, col] = squares
    return found


def _key(file: str, part: Part, place: tuple[int, int]) -> str:
    return f"{file}, band {part.index}, square {place}"


def _whole(start: int, end: int, size: int) -> range:
    """Return the squares along one axis that lie within a span, the last one of the file counting as whole."""
    return range(-(-start // SIDE), -(-end // SIDE) if end == size else end // SIDE)


def _span(places: Sequence[int], block: int, size: int) -> tuple[int, int]:
    """Return the pixels along one axis that squares take, and the blocks in which these lie, unless blocks are very long."""
    start, end = min(places) * SIDE, (max(places) + 1) * SIDE
    if block <= _WHOLE:
        start, end = start // block * block, -(-end // block) * block
    return start, min(end, size)


def _pixels(dataset: Any, indexes: list[int], window: Window, shape: tuple[int, int] | None = None) -> NDArray[Any]:
    fewer = {} if shape is None else {"out_shape": (len(indexes), *shape)}
    try:
        pixels: NDArray[Any] = dataset.read(indexes, window=window, **fewer)
    except RasterioError as error:
        got = " ".join(str(error).split())[:160]
        raise SceneError("pixels cannot be read", where=dataset.name, got=got, remedy="download the file again") from error
    return pixels
