"""What registration is given: images that are at hand, or scenes that are loaded window by window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from odc.geo.geobox import GeoBox

    from camwatch.imagery.image import Image


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A scene on a grid that is too large to be held.

    Attributes
    ----------
    geobox : GeoBox
        The grid.
    gsd_m : float
        Ground sample distance of the sensor in metres.
    scene : str
        Identifier, for messages.
    load : callable
        Returns the Image on any part of the grid (whole pixels of it). Called for strips of rows, each once, and then for small windows.
    """

    geobox: GeoBox
    gsd_m: float
    scene: str
    load: Callable[[GeoBox], Image]

    @classmethod
    def of(cls, image: Image) -> Source:
        """Return an image that is at hand as a source of its parts."""
        whole = image.geobox

        def part(window: GeoBox) -> Image:
            col, row = ~whole.affine * window.affine * (0.5, 0.5)
            rows, cols = (slice(int(start), int(start) + n) for start, n in zip((row, col), window.shape, strict=True))
            return replace(image, values=image.values[:, rows, cols], valid=image.valid[rows, cols], geobox=window)

        return cls(whole, image.gsd_m, image.scene, part)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns of the grid."""
        return self.geobox.shape[0], self.geobox.shape[1]

    @property
    def pixel_m(self) -> float:
        """Side of a grid pixel in metres."""
        return float(abs(self.geobox.affine.determinant) ** 0.5)
