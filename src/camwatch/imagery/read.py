"""Windows of bands and quality layers as they lie in their files: tiles joined, numbers scaled, no-data found. Nothing is interpolated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.windows import Window
from shapely import Polygon
from shapely.affinity import affine_transform

from camwatch.aoi import reproject
from camwatch.errors import SceneError
from camwatch.imagery.cache import is_slow
from camwatch.imagery.quality import usable
from camwatch.imagery.stored import read_own_mask, read_reduced, read_stored
from camwatch.imagery.work import MANY, for_each
from camwatch.rasters import mask_of
from camwatch.scenes.mosaic import lattice_offset

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from camwatch.scenes.layers import Band, Mask, Part


@dataclass(frozen=True, slots=True)
class Level:
    """Bands of a scene that share one grid, and the quality layers that can be read with them, pixel for pixel.

    Attributes
    ----------
    geobox : GeoBox
    bands : tuple of Band
    masks : tuple of Mask
        Layers on the same lattice, and outlines. Beyond its own pixels a layer says nothing.
    own : mapping of str to tuple of Mask
        Layers that lie in the bands' own files (alpha, internal masks), by href; they speak of these files only.
    loaded : tuple of Band
        All bands that are loaded, of this grid and of others: a field of a quality layer may belong to one of them.
    """

    geobox: GeoBox
    bands: tuple[Band, ...]
    masks: tuple[Mask, ...]
    own: Mapping[str, tuple[Mask, ...]]
    loaded: tuple[Band, ...]


def levels_of(bands: Iterable[Band], masks: Iterable[Mask], data: Iterable[str]) -> tuple[list[Level], list[Mask]]:
    """Group bands by grid; return the groups with the quality layers that can be read with them, and the layers on lattices of their own.

    Parameters
    ----------
    bands : iterable of Band
        Those that are loaded.
    masks : iterable of Mask
    data : iterable of str
        The hrefs of all bands of the scene: a layer that lies in the file of a band that is not loaded has nothing to say.
    """
    loaded = tuple(bands)
    groups: dict[GeoBox, list[Band]] = {}
    for band in loaded:
        groups.setdefault(band.geobox, []).append(band)
    files = set(data)
    own: dict[str, tuple[Mask, ...]] = {}
    apart: list[Mask] = []
    for mask in masks:
        if mask.is_vector or mask.href not in files:
            apart.append(mask)
        else:
            own |= {part.href: (*own.get(part.href, ()), mask) for part in mask.parts}
    levels, placed = [], set()
    for box, group in groups.items():
        near = [n for n, mask in enumerate(apart) if mask.is_vector or lattice_offset(box, mask.geobox) is not None]
        placed.update(near)
        levels.append(Level(box, tuple(group), tuple(apart[n] for n in near), own, loaded))
    return levels, [mask for n, mask in enumerate(apart) if n not in placed]


def read_level(level: Level, window: Window, targets: Sequence[NDArray[np.float32]], valid: NDArray[np.bool_]) -> None:
    """Read, scale and check the level's bands: band n into `targets[n]`; `valid` becomes False where there is no data."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for n, band in enumerate(level.bands):
        groups.setdefault(tuple(part.href for part in band.parts), []).append(n)

    def read(members: list[int]) -> NDArray[np.bool_]:
        return _read_bands([level.bands[n] for n in members], level.own, window, [targets[n] for n in members])

    # Each file fills planes of its own; what they say together is put together here, so it does not matter which is ready first.
    for good in for_each(read, list(groups.values()), at_once=valid.size >= MANY or any(is_slow(band.href) for band in level.bands)):
        np.logical_and(valid, good, out=valid)
    box = GeoBox(valid.shape, level.geobox.affine * Affine.translation(window.col_off, window.row_off), level.geobox.crs)
    for mask in level.masks:
        if mask.is_vector:
            np.logical_and(valid, outside_polygons(mask, box, level.loaded), out=valid)
        else:
            row, col = lattice_offset(level.geobox, mask.geobox) or (0, 0)
            there = Window(window.col_off - col, window.row_off - row, window.width, window.height)
            np.logical_and(valid, usable_in(mask, there, level.loaded), out=valid)


def usable_in(mask: Mask, window: Window, bands: Sequence[Band]) -> NDArray[np.bool_]:
    """Return which pixels of a window on a quality layer's own grid it calls usable; beyond its files it says nothing against any."""
    good = np.ones((int(window.height), int(window.width)), bool)
    for part in mask.parts:
        place = _overlap(part, window)
        if place is not None:
            inner, slices = place
            good[slices] &= usable(mask.flags, read_quality(mask.kind, part, inner), bands)
    return good


def outside_polygons(mask: Mask, box: GeoBox, bands: Sequence[Band]) -> NDArray[np.bool_]:
    """Return which pixels of a grid are usable by the outlines of a quality layer; a pixel that an unusable side touches is not."""
    inside_good, outside_good = (bool(usable(mask.flags, np.array([[value]], np.uint8), bands)[0, 0]) for value in (1, 0))
    if inside_good and outside_good:
        return np.ones(box.shape, bool)
    if mask.polygon:
        a = mask.geobox.affine
        shape: BaseGeometry = affine_transform(Polygon(mask.polygon), [a.a, a.b, a.d, a.e, a.c, a.f])
    else:
        from camwatch.scenes.access.gml import read_polygons

        shape = read_polygons(mask.href, str(mask.geobox.crs))
    if mask.geobox.crs != box.crs:
        shape = reproject(shape, mask.geobox.crs, box.crs)
    if outside_good:
        return ~mask_of(shape, box, touched=True)
    edge: NDArray[np.bool_] = mask_of(shape, box) & ~mask_of(shape.boundary, box, touched=True)
    return edge & inside_good


def _read_bands(
    bands: Sequence[Band], own: Mapping[str, tuple[Mask, ...]], window: Window, targets: Sequence[NDArray[np.float32]]
) -> NDArray[np.bool_]:
    """Read bands that lie in the same files into `targets`; return where they have data."""
    places = [(n, place) for n, part in enumerate(bands[0].parts) if (place := _overlap(part, window)) is not None]
    shape = targets[0].shape
    if len(places) == 1 and places[0][1][0] == window and bands[0].parts[places[0][0]].shape == tuple(bands[0].geobox.shape):
        return _read_part(bands, places[0][0], own, window, targets)
    seen = np.zeros(shape, bool)
    for target in targets:
        target[...] = 0
    for n, (inner, slices) in places:
        pieces = [np.empty(seen[slices].shape, np.float32) for _ in targets]
        fresh = _read_part(bands, n, own, inner, pieces) & ~seen[slices]
        for target, piece in zip(targets, pieces, strict=True):
            np.copyto(target[slices], piece, where=fresh)
        seen[slices] |= fresh
    return seen


def _overlap(part: Part, window: Window) -> tuple[Window, tuple[slice, slice]] | None:
    """Return the pixels of a file that a window of its mosaic touches, and their place in the window; None where there are none."""
    rows, cols = part.shape
    top, left = max(window.row_off, part.row), max(window.col_off, part.col)
    bottom, right = min(window.row_off + window.height, part.row + rows), min(window.col_off + window.width, part.col + cols)
    if top >= bottom or left >= right:
        return None
    inside = slice(top - window.row_off, bottom - window.row_off), slice(left - window.col_off, right - window.col_off)
    return Window(left - part.col, top - part.row, right - left, bottom - top), inside


def _read_part(
    bands: Sequence[Band], n: int, own: Mapping[str, tuple[Mask, ...]], window: Window, targets: Sequence[NDArray[np.float32]]
) -> NDArray[np.bool_]:
    """Read bands from their n-th file into `targets`, scaled; return where they have data."""
    parts = [band.parts[n] for band in bands]
    valid = np.ones((int(window.height), int(window.width)), bool)
    for band, square, target in zip(bands, read_stored(parts, window), targets, strict=True):
        plane = square.pixels
        # What the file declares holds beside what the product family defines: old Landsat files declare 255 and fill with 0.
        _drop(plane, (band.nodata, square.nodata, band.saturated), valid)
        np.copyto(target, plane, casting="unsafe")
        if band.scale != 1:
            np.multiply(target, np.float32(band.scale), out=target)
        if band.offset:
            np.add(target, np.float32(band.offset), out=target)
    for mask in own.get(parts[0].href, ()):
        part = next(part for part in mask.parts if part.href == parts[0].href)
        valid &= usable(mask.flags, read_quality(mask.kind, part, window), bands)
    return valid


def _drop(plane: NDArray[Any], special: Iterable[float | None], valid: NDArray[np.bool_]) -> None:
    """Make `valid` False where pixels are not finite or have one of some special values."""
    if np.issubdtype(plane.dtype, np.floating):
        np.logical_and(valid, np.isfinite(plane), out=valid)
    for value in set(special):
        code = _as_stored(value, plane.dtype)
        if code is not None:
            np.logical_and(valid, plane != code, out=valid)


def _as_stored(value: float | None, dtype: np.dtype[Any]) -> np.generic | None:
    """Return a declared value in the type of the pixels; None where no pixel can have it (a NaN is found by itself)."""
    if value is None or not np.isfinite(value):
        return None
    if np.issubdtype(dtype, np.integer) and not (value.is_integer() and np.iinfo(dtype).min <= value <= np.iinfo(dtype).max):
        return None
    stored: np.generic = dtype.type(value)
    return stored


def read_quality(kind: str, part: Part, window: Window) -> NDArray[Any]:
    """Return a window of one file of a quality layer as unsigned integers."""
    layer = read_own_mask(part, window) if kind == "internal" else read_stored([part], window)[0].pixels
    return _whole_numbers(layer, part.href)


def read_presence(band: Band, part: Part, window: Window, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return where one file of a band has data, (y, x) bool of the `shape` asked for, from overviews where the file has them."""
    few = read_reduced(part, window, shape)
    there = np.ones(few.pixels.shape, bool)
    _drop(few.pixels, (band.nodata, few.nodata), there)
    return there


def _whole_numbers(layer: NDArray[Any], href: str) -> NDArray[Any]:
    """Return a quality layer as unsigned integers, whose bits can be taken apart; some archives deliver classes as floats or signed."""
    if np.issubdtype(layer.dtype, np.unsignedinteger):
        return layer
    if np.issubdtype(layer.dtype, np.signedinteger):
        return layer.view(np.dtype(f"u{layer.dtype.itemsize}"))
    if not (np.isfinite(layer).all() and (layer == np.floor(layer)).all() and layer.min(initial=0) >= 0 and layer.max(initial=0) < 2**32):
        raise SceneError("quality layer holds no classes", where=href, got=f"{layer.dtype} with fractions", expected="whole numbers")
    return layer.astype(np.uint32)
