"""Rational polynomials: where the pixels of an image in sensor geometry lie, at one height.

The model is RPC00B (The Compendium of Controlled Extensions for NITF, STDI-0002, appendix E): row and column, each shifted and scaled to [-1, 1], are
ratios of cubic polynomials in latitude, longitude and height, likewise shifted and scaled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

STEPS = 20
"""Newton steps; a usable model needs five."""

CLOSE = 1e-9
"""Size of the last step, in half widths of the model's area, at which a point is found: 0.01 mm of 20 km."""


@dataclass(frozen=True, slots=True, eq=False)
class Rpc:
    """An RPC00B model.

    Attributes
    ----------
    offsets, scales : (5,) arrays
        Of longitude, latitude (degrees), height (metres), column, row. Columns and rows are those of pixel centres, the first one 0.
    column, row : (2, 20) arrays
        Coefficients of numerator and denominator.
    """

    offsets: Array
    scales: Array
    column: Array
    row: Array

    def lonlat(self, pixels: Array, height: float | None = None) -> Array | None:
        """Return (n, 2) longitudes and latitudes of (n, 2) columns and rows.

        Parameters
        ----------
        pixels : (n, 2) array
        height : float, optional
            Metres above the ellipsoid; by default the model's own.

        Returns
        -------
        (n, 2) array of degrees, or None where the model has no answer.
        """
        wanted = (pixels - self.offsets[3:]) / self.scales[3:]
        z = 0.0 if height is None else (height - self.offsets[2]) / self.scales[2]
        found = np.zeros_like(wanted)
        with np.errstate(all="ignore"):  # what overflows is not finite, and is refused below
            for _ in range(STEPS):
                here = self._image(found, z)
                slope = [(self._image(found + step, z) - self._image(found - step, z)) / 2e-4 for step in ((1e-4, 0.0), (0.0, 1e-4))]
                miss, (dx, dy) = wanted - here, slope
                determinant = dx[:, 0] * dy[:, 1] - dx[:, 1] * dy[:, 0]
                move = (
                    np.column_stack([miss[:, 0] * dy[:, 1] - miss[:, 1] * dy[:, 0], dx[:, 0] * miss[:, 1] - dx[:, 1] * miss[:, 0]])
                    / determinant[:, None]
                )
                found = found + move
        if not (np.isfinite(found).all() and np.abs(move).max() <= CLOSE and np.abs(found).max() < 2):
            return None
        return found * self.scales[:2] + self.offsets[:2]

    def _image(self, ground: Array, z: float) -> Array:
        terms = _terms(ground[:, 0], ground[:, 1], z)
        return np.column_stack([terms @ self.column[0] / (terms @ self.column[1]), terms @ self.row[0] / (terms @ self.row[1])])


def _terms(x: Array, y: Array, z: float) -> Array:
    """Return the twenty monomials of longitude x, latitude y and height z in the order of RPC00B."""
    one = np.ones_like(x)
    first = [one, x, y, z * one, x * y, x * z, y * z, x * x, y * y, z * z * one]
    return np.column_stack([*first, x * y * z, x**3, x * y * y, x * z * z, x * x * y, y**3, y * z * z, x * x * z, y * y * z, z**3 * one])
