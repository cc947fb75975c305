"""Where pixels lie when only points are known: corner coordinates, tie points, an analyst's control points."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from camwatch.errors import SceneError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

LEVEL = 1e-4
"""Probability with which the outlier test names a point although all are equally good."""

PICKED_PX = 0.1
"""Nobody points at a feature better than this; rounding of better coordinates makes no outlier."""

_HANGS = 1e-6
"""1 - leverage of a point on which alone the fit hangs: the others cannot predict it."""

_THIN = 1e-3
"""Points whose spread across is less than this share of their spread along lie on one line."""


@dataclass(frozen=True, slots=True)
class Placement:
    """A grid fitted to points, and how well they agree with it.

    With n points an affine leaves 2n - 6 degrees of freedom. Three points always agree perfectly, which tells nothing. Of the errors of four
    points only their twist (one vector, two numbers) shows in the residuals, halved: `rmse_m` is then about half of what a fifth point would show,
    and no blunder can be told from three good points. From five points on each point is also predicted by the others (`withheld_rmse_m`).

    Attributes
    ----------
    geobox : GeoBox
        In the UTM zone of the points' centre; may be rotated, sheared or mirrored.
    rmse_m, worst_m : float
        Root mean square and largest distance of the points from where the grid puts them, metres.
    n : int
        Number of points.
    withheld_rmse_m : float or None
        Root mean square distance of each point from where the grid fitted to all others puts it; None below five points.
    bent_rmse_m : float or None
        The same for a polynomial of the second order; None below ten points. Where it is much smaller, the raster is bent, as film of a panoramic
        camera is, and the affine holds only between points that lie close together.
    outlier : int or None
        Position of the one point that contradicts the others, where there is one: an F test of the point against the fit to the others (Cook &
        Weisberg 1982, Residuals and Influence in Regression, section 2.2.2), from ten points on of the order that predicts better, at probability
        0.0001 over all points. The figures above hold with the point in it. A pair of wrong points may hide each other from the test, but not
        from `withheld_rmse_m`.
    outlier_m : float
        How far the others put it from its coordinates, metres; 0 without outlier.
    """

    geobox: GeoBox
    rmse_m: float
    worst_m: float
    n: int
    withheld_rmse_m: float | None = None
    bent_rmse_m: float | None = None
    outlier: int | None = None
    outlier_m: float = 0.0

    @property
    def error_m(self) -> float | None:
        """What to expect at a further point of the area that the points span, root mean square metres; None where three points cannot tell."""
        if self.withheld_rmse_m is not None:
            return self.withheld_rmse_m
        return 2 * self.rmse_m if self.n == 4 else None


@dataclass(frozen=True, slots=True)
class Located:
    """Where an image lies whose file does not say it, and how that is known; where it is delivered in tiles, all of it.

    Attributes
    ----------
    geobox : GeoBox
        Of the shape that the metadata states.
    more : mapping
        What the Item says of it.
    error_m : float or None
        How far the ground lies from this grid on account of the grid's own stiffness, root mean square metres; None where nothing tells.
    stated_m : float
        Root mean square error of what the grid was fitted to, as the metadata state it; 0 where they do not.
    source : str
        Member of the product that tells it, where that is one of its own.
    """

    geobox: GeoBox
    more: Mapping[str, Any] = field(default_factory=dict)
    error_m: float | None = None
    stated_m: float = 0.0
    source: str = ""

    @property
    def position_error_m(self) -> float | None:
        """Both errors together, root mean square metres; None where nothing tells."""
        return math.hypot(self.error_m, self.stated_m) if self.error_m is not None else self.stated_m or None


def place(shape: tuple[int, int], pixels: ArrayLike, lonlat: ArrayLike, *, where: object = None) -> Placement:
    """Fit the affine grid that puts points of a raster where they lie on the ground, by least squares in metres of UTM.

    Parameters
    ----------
    shape : (int, int)
        Rows, columns of the raster.
    pixels : (n, 2) array_like
        (col, row) of the points, counted from the outer corner of the first pixel; they need not lie inside.
    lonlat : (n, 2) array_like
        Their (longitude, latitude), degrees, WGS 84.
    where : object, optional
        The file, for messages.

    Raises
    ------
    SceneError
        When there are fewer than three points, they lie on one line, or are no coordinates.
    """
    source, degrees = np.asarray(pixels, float).reshape(-1, 2), np.asarray(lonlat, float).reshape(-1, 2)
    n = len(source)
    if n != len(degrees) or n < 3:
        raise SceneError("too few control points", where=where, got=str(min(n, len(degrees))), expected="three or more that are not on one line")
    _refuse_nonsense(source, degrees, where)
    crs, target = _to_utm(degrees)
    if _thin(source) or _thin(target):
        raise SceneError("control points lie on one line", where=where, got=f"{n} points", expected="three that span an area", remedy="add one aside")
    # Centred and of order one, so that the normal matrix is well conditioned.
    middle, spread = source.mean(axis=0), np.ptp(source, axis=0).max()
    design = np.column_stack([(source - middle) / spread, np.ones(n)])
    inverse = np.linalg.inv(design.T @ design)
    origin = target.mean(axis=0)
    matrix = (inverse @ design.T @ (target - origin)).T
    residuals = target - origin - design @ matrix.T
    linear = matrix[:, :2] / spread
    shift = matrix[:, 2] + origin - linear @ middle
    affine = Affine(linear[0, 0], linear[0, 1], shift[0], linear[1, 0], linear[1, 1], shift[1])
    lengths = np.hypot(*residuals.T)
    left = 1 - np.einsum("ij,jk,ik->i", design, inverse, design)  # 1 - leverage: the share of a point's error that its residual shows
    withheld, bent, outlier, outlier_m = None, None, None, 0.0
    if n >= 5 and left.min() > _HANGS:
        withheld = float(np.sqrt(((lengths / left) ** 2).mean()))
        judge = lengths, left, 6
        if n >= 10:
            curved = _curved(design, target - origin)
            bent = None if curved is None else float(np.sqrt(((curved[0] / curved[1]) ** 2).mean()))
            judge = (*curved, 12) if curved is not None and bent is not None and bent < withheld else judge
        outlier, outlier_m = _outlier(*judge, PICKED_PX * abs(affine.determinant) ** 0.5)
    rmse, worst = float(np.sqrt((lengths**2).mean())), float(lengths.max())
    return Placement(GeoBox(shape, affine, crs), rmse, worst, n, withheld, bent, outlier, outlier_m)


def fitted(shape: tuple[int, int], pixels: ArrayLike, lonlat: ArrayLike, how: str, where: object) -> Located:
    """Return the grid that fits points best (see :func:`place`), with its residual; `how` says in words what the points are."""
    fit = place(shape, pixels, lonlat, where=where)
    more = {"camwatch:placement": how, "camwatch:placement_rmse_m": round(fit.rmse_m, 3), "camwatch:control_points": fit.n}
    return Located(fit.geobox, more, fit.error_m)


def spread(shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return 81 (col, row), counted from the outer corner of the first pixel, that lie evenly in an image."""
    steps = (np.arange(9) + 0.5) / 9
    cols, rows = np.meshgrid(steps * shape[1], steps * shape[0])
    return np.column_stack([cols.ravel(), rows.ravel()])


def part(whole: GeoBox, corner: tuple[int, int], size: tuple[int, int], shape: tuple[int, int], where: object) -> GeoBox:
    """Return the grid of a tile.

    Parameters
    ----------
    whole : GeoBox
    corner, size : (int, int)
        Row and column of its first pixel in the whole, and its rows and columns, as the metadata state them.
    shape : (int, int)
        The rows and columns that its file has: as many, or fewer by one factor when it was decimated.
    where : object
        The file, for messages.

    Raises
    ------
    SceneError
        When the file has another shape.
    """
    rows, cols = size
    if min(rows, cols) < 1 or abs(shape[1] - cols * shape[0] / rows) > 1 + cols / rows:
        got, expected = f"{shape[0]} × {shape[1]} pixels", f"{rows} × {cols}, or both divided by one factor"
        raise SceneError("raster has another shape than its metadata states", where=where, got=got, expected=expected, remedy="download it again")
    affine = whole.affine * Affine.translation(corner[1], corner[0]) * Affine.scale(cols / shape[1], rows / shape[0])
    return GeoBox(shape, affine, whole.crs)


def _curved(design: NDArray[np.float64], target: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return the lengths of the residuals of a second-order polynomial and 1 - leverage; None where it hangs on one point."""
    x, y = design[:, 0], design[:, 1]
    q, _ = np.linalg.qr(np.column_stack([design, x * x, x * y, y * y]))
    left = 1 - (q**2).sum(axis=1)
    return (np.hypot(*(target - q @ (q.T @ target)).T), left) if left.min() > _HANGS else None


def _outlier(lengths: NDArray[np.float64], left: NDArray[np.float64], parameters: int, floor: float) -> tuple[int | None, float]:
    """Return the point that the others reject, and by how many metres; `floor` is the smallest standard error of one coordinate."""
    n = len(lengths)
    freedom = 2 * (n - 1) - parameters
    explained = lengths**2 / left  # by how much the sum of squares falls when the point is left out
    worst = int(explained.argmax())
    others = max((float((lengths**2).sum()) - float(explained[worst])) / freedom, floor**2)
    ratio = float(explained[worst]) / 2 / others
    # The F distribution with 2 and d degrees of freedom has the closed tail (1 + 2F/d)^(-d/2); Bonferroni: any of n points might have been it.
    rejected = n * (1 + 2 * ratio / freedom) ** (-freedom / 2) < LEVEL
    return (worst, float(lengths[worst] / left[worst])) if rejected else (None, 0.0)


def _refuse_nonsense(source: NDArray[np.float64], degrees: NDArray[np.float64], where: object) -> None:
    if not (np.isfinite(source).all() and np.isfinite(degrees).all()):
        raise SceneError("control points are no numbers", where=where, expected="finite pixel and map coordinates")
    if np.abs(degrees[:, 1]).max() > 90 or np.abs(degrees[:, 0]).max() > 360:
        bad = int(np.argmax((np.abs(degrees[:, 1]) > 90) | (np.abs(degrees[:, 0]) > 360)))
        got = f"({degrees[bad, 0]:g}, {degrees[bad, 1]:g}) at point {bad + 1}"
        raise SceneError("control points are no degrees", where=where, got=got, expected="(longitude, latitude)", remedy="check order and CRS")


def _to_utm(degrees: NDArray[np.float64]) -> tuple[str, NDArray[np.float64]]:
    """Return the UTM zone of the centre and the points in it; points on both sides of the antimeridian stay together."""
    lon = degrees[0, 0] + (degrees[:, 0] - degrees[0, 0] + 180) % 360 - 180
    centre = (lon.mean() + 180) % 360 - 180
    zone = min(int((centre + 180) // 6) + 1, 60)
    crs = f"EPSG:{(32600 if degrees[:, 1].mean() >= 0 else 32700) + zone}"
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, degrees[:, 1])
    return crs, np.column_stack([x, y])


def _thin(points: NDArray[np.float64]) -> bool:
    """Whether points lie on one line, or all in one place."""
    along, across = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return bool(across <= _THIN * along)
