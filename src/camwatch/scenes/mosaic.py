"""Tiles of one lattice: several rasters whose pixels continue one another are one picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from affine import Affine
from odc.geo.geobox import GeoBox

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

LATTICE_PX = 1e-3
"""How far, in pixels, a tile may lie off the lattice of the first one, anywhere in it."""


@dataclass(frozen=True, slots=True)
class Mosaic:
    """Rasters that are tiles of one picture, or one raster alone.

    Attributes
    ----------
    geobox : GeoBox
        The smallest grid that holds all of them.
    members : tuple of int
        Which of the rasters, in the order given.
    corners : tuple of (int, int)
        Row and column of each member's first pixel in `geobox`.
    """

    geobox: GeoBox
    members: tuple[int, ...]
    corners: tuple[tuple[int, int], ...]


def lattice_offset(first: GeoBox, other: GeoBox) -> tuple[int, int] | None:
    """Return (row, column) in `first` of the first pixel of `other`; None where their pixels do not continue one another."""
    if first.crs != other.crs or first.affine.determinant == 0:
        return None
    step = ~first.affine * other.affine
    rows, cols = other.shape
    bent = max(abs(step.a - 1) * cols, abs(step.d) * cols, abs(step.b) * rows, abs(step.e - 1) * rows)
    off = max(abs(step.c - round(step.c)), abs(step.f - round(step.f)))
    return (round(step.f), round(step.c)) if bent <= LATTICE_PX and off <= LATTICE_PX else None


def mosaics(boxes: Sequence[GeoBox], kinds: Sequence[Hashable]) -> list[Mosaic]:
    """Group rasters of the same kind that are tiles of one lattice, in the order of their first members.

    Two rasters at the same place are no tiles of each other: the second begins a group of its own.
    """
    groups: list[dict[int, tuple[int, int]]] = []
    for n, (box, kind) in enumerate(zip(boxes, kinds, strict=True)):
        for group in groups:
            first = next(iter(group))
            corner = lattice_offset(boxes[first], box) if kinds[first] == kind else None
            if corner is not None and (corner, box.shape) not in [(place, boxes[m].shape) for m, place in group.items()]:
                group[n] = corner
                break
        else:
            groups.append({n: (0, 0)})
    return [_joined(group, boxes) for group in groups]


def _joined(group: dict[int, tuple[int, int]], boxes: Sequence[GeoBox]) -> Mosaic:
    first = boxes[next(iter(group))]
    if len(group) == 1:
        return Mosaic(first, tuple(group), ((0, 0),))
    top, left = (min(corner[axis] for corner in group.values()) for axis in (0, 1))
    bottom, right = (max(corner[axis] + boxes[n].shape[axis] for n, corner in group.items()) for axis in (0, 1))
    geobox = GeoBox((bottom - top, right - left), first.affine * Affine.translation(left, top), first.crs)
    return Mosaic(geobox, tuple(group), tuple((row - top, col - left) for row, col in group.values()))
