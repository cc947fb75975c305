"""Rational polynomials: where the pixels of an image in sensor geometry lie.

The model is RPC00B (The Compendium of Controlled Extensions for NITF, STDI-0002, appendix E): row and column, each shifted and scaled to [-1, 1], are
ratios of cubic polynomials in latitude, longitude and height, likewise shifted and scaled. Its texts:

- tags in a TIFF (TIFFTAG_RPCCOEFFICIENT, GDAL RFC 22), as GDAL tells them: `LINE_OFF`, …, `LINE_NUM_COEFF` with twenty numbers.
- `NAME_rpc.txt` or `NAME.rpc` beside the image (GeoEye, IKONOS, OrbView, KOMPSAT, EROS, Planet): `LINE_OFF: +003754.00 pixels`,
  `LINE_NUM_COEFF_1: …`.
- `NAME.RPB`, or the group of that name in an .XML (Maxar): `lineOffset = 812;`, `lineNumCoef = ( …, … );`.
- the RPC document of DIMAP 2 (`camwatch.scenes.families.airbus`).

An image is placed by the affine grid that fits the model best at one height. What that leaves out: the bend of the scan, which is measured and goes
into the position error, and relief, which is not: ground that lies h metres above or below that height is displaced by `camwatch:parallax` · h.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from pyproj import Geod

from camwatch.scenes.access.files import without_suffix
from camwatch.scenes.access.pairs import Pair, Pairs, parse_pairs, plain
from camwatch.scenes.placement import fitted, spread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from camwatch.scenes.access.files import Files
    from camwatch.scenes.access.gdal import Header
    from camwatch.scenes.placement import Located

    Array = NDArray[np.float64]

STEPS = 20
"""Newton steps; a usable model needs five."""

CLOSE = 1e-9
"""Size of the last step, in half widths of the model's area, at which a point is found: 0.01 mm of 20 km."""

CLOSE_DEG = 0.01
"""A model that misses a point known from the same metadata by more (1 km) counts from another origin or has its terms in another order. Less may be
relief: a corner of which only the place is stated may lie hundreds of metres above or below the model's height."""

BESIDE = (".RPB", ".rpb", "_RPC.TXT", "_rpc.txt", "_RPC.txt", ".RPC", ".rpc")
"""What follows the stem of an image in the names of files with its model."""

_LARGEST, _SMALLEST = 1e8, 1e-6  # of any number; of the half width of an area, 0.1 m in degrees
_AXES = ("long", "lat", "height", "samp", "line")
_LISTS = re.compile(rb"\(([^()]*)\)")


@dataclass(frozen=True, slots=True, eq=False)
class Rpc:
    """An RPC00B model.

    Attributes
    ----------
    offsets, scales : (5,) arrays
        Of longitude, latitude (degrees), height (metres), column, row. Columns and rows are those of pixel centres, the first one 0.
    column, row : (2, 20) arrays
        Coefficients of numerator and denominator.
    error_m : float
        Root mean square error of where the model puts a point, as its own metadata state it; 0 where they do not.
    """

    offsets: Array
    scales: Array
    column: Array
    row: Array
    error_m: float = 0.0

    def lonlat(self, pixels: Array, height: float | Array | None = None) -> Array | None:
        """Return (n, 2) longitudes and latitudes of (n, 2) columns and rows.

        Parameters
        ----------
        pixels : (n, 2) array
        height : float or (n,) array, optional
            Metres above the ellipsoid; by default the model's own.

        Returns
        -------
        (n, 2) array of degrees, or None where the model has no answer.
        """
        wanted = (pixels - self.offsets[3:]) / self.scales[3:]
        z = np.zeros(len(pixels)) + (0.0 if height is None else (height - self.offsets[2]) / self.scales[2])
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

    def parallax(self, pixel: Array, height: float) -> float:
        """Return by how many metres the ground under a (1, 2) pixel moves for each metre of height: the tangent of the incidence angle."""
        step = 0.1 * abs(float(self.scales[2]))
        low, high = self.lonlat(pixel, height - step), self.lonlat(pixel, height + step)
        return math.nan if low is None or high is None else Geod(ellps="WGS84").inv(*low[0], *high[0])[2] / (2 * step)

    def _image(self, ground: Array, z: Array) -> Array:
        terms = _terms(ground[:, 0], ground[:, 1], z)
        return np.column_stack([terms @ self.column[0] / (terms @ self.column[1]), terms @ self.row[0] / (terms @ self.row[1])])


def _terms(x: Array, y: Array, z: Array) -> Array:
    """Return the twenty monomials of longitude x, latitude y and height z in the order of RPC00B."""
    one = np.ones_like(x)
    first = [one, x, y, z, x * y, x * z, y * z, x * x, y * y, z * z]
    return np.column_stack([*first, x * y * z, x**3, x * y * y, x * z * z, x * x * y, y**3, y * z * z, x * x * z, y * y * z, z**3])


def rpc_of(said: Pairs, first: float = 0.0) -> Rpc | None:
    """Return the model that keys and values state, in any of the spellings above; None where it is incomplete or no model can have such numbers.

    `first` is what the text calls the first row and column.
    """
    offsets, scales = ([said.number(*(f"{axis}{end}" for end in ends)) for axis in _AXES] for ends in (("off", "offset"), ("scale",)))
    column, row = ([term for side in ("num", "den") for term in _coefficients(said, f"{axis}{side}coef")] for axis in ("samp", "line"))
    numbers = [number for number in (*offsets, *scales, *column, *row) if number is not None and abs(number) < _LARGEST]
    if len(numbers) != 90 or min(numbers[5:10]) < _SMALLEST:
        return None
    parts = np.split(np.array(numbers, float), (5, 10, 50))
    # Per horizontal axis; what is not known is -1.
    errors = [max(said.number(key) or 0.0, 0.0) for key in ("errbias", "errrand")]
    return Rpc(parts[0] - [0, 0, 0, first, first], parts[1], parts[2].reshape(2, 20), parts[3].reshape(2, 20), math.sqrt(2) * math.hypot(*errors))


def _coefficients(said: Pairs, key: str) -> list[float | None]:
    """Return twenty coefficients: those of a list, or of twenty keys that end in their number."""
    listed = said.text(key, f"{key}f").replace(",", " ").split()
    if not listed:
        return [said.number(f"{key}f{n}", f"{key}{n}") for n in range(1, 21)]
    try:
        return [float(number) for number in listed] if len(listed) == 20 else [None]
    except ValueError:
        return [None]


def rpc_beside(image: str) -> tuple[str, ...]:
    """Return the names that a file with the model of an image may have."""
    return tuple(f"{without_suffix(image)}{end}" for end in BESIDE)


def pairs_of(files: Files, name: str) -> Pairs:
    """Return the keys and values of a member with rational polynomials, each list in brackets as one value."""
    return parse_pairs(_LISTS.sub(lambda found: b" ".join(found[1].split()), files.read(name)), files.root / name)


def _tags(tags: Mapping[str, str]) -> Pairs:
    return Pairs(tuple(Pair((), plain(key), value.strip()) for key, value in tags.items()))


Known = tuple["Array", "Array", "Array | None"]
"""Columns and rows from the outer corner of the first pixel, longitudes and latitudes, heights of points that metadata state beside a model."""


def locate(files: Files, image: str, header: Header, model: Rpc | None = None, *, known: Known | None = None) -> Located | None:
    """Return where the rational polynomials beside an image put it, else `model`, else those in its tags; None where none has an answer.

    Raises
    ------
    SceneError
        When a member that should hold them cannot be read.
    """
    name = next((name for name in rpc_beside(image) if name in files.names), "")
    candidates = ((rpc_of(pairs_of(files, name)) if name else None, name), (model, ""), (rpc_of(_tags(header.rpc)), ""))
    for candidate, source in candidates:
        fit = None if candidate is None else located(candidate, header.shape, files.root / image, known=known)
        if fit is not None:
            return replace(fit, source=source)
    return None


def located(model: Rpc, shape: tuple[int, int], where: object, *, height: float | None = None, known: Known | None = None) -> Located | None:
    """Return the affine grid that fits a model best.

    Parameters
    ----------
    model : Rpc
    shape : (int, int)
        Rows, columns of the image.
    where : object
        The file, for messages.
    height : float, optional
        Metres above the ellipsoid; by default the model's own.
    known : Known, optional

    Returns
    -------
    Located or None
        None where the model has no answer, or contradicts what is known.
    """
    height = float(model.offsets[2]) if height is None else height
    grid = spread(shape)
    lonlat = model.lonlat(grid - 0.5, height)
    if lonlat is None or not (np.abs(lonlat).max(axis=0) <= (360, 90)).all():
        return None
    if known is not None and len(known[0]):
        pixels, stated, heights = known
        found = model.lonlat(pixels - 0.5, height if heights is None else heights)
        if found is None or not np.abs((found - stated + 180) % 360 - 180).max() <= CLOSE_DEG:
            return None
    fit = fitted(shape, grid, lonlat, f"rational polynomials at a height of {height:.0f} m; relief not removed", where)
    parallax = model.parallax(np.array([[shape[1] / 2, shape[0] / 2]]) - 0.5, height)
    more = {**fit.more, "camwatch:parallax": round(parallax, 4)} if math.isfinite(parallax) else fit.more
    return replace(fit, more=more, stated_m=model.error_m)
