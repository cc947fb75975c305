"""What the detectors share: filled planes, the shadow's direction, a generic change statistic, coverage, and empty answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi
from scipy.special import gammaincinv
from shapely.geometry import Point

from camwatch.aoi import LONLAT, reproject
from camwatch.detect._irmad import irmad
from camwatch.detect._irmad_relation import no_change_probability
from camwatch.errors import PairError
from camwatch.findings import Findings
from camwatch.imagery.image import Sun
from camwatch.rasters import mask_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from odc.geo.geobox import GeoBox
    from shapely.geometry.base import BaseGeometry

    from camwatch.aoi import Site
    from camwatch.findings import Finding, Kind
    from camwatch.imagery.image import Image


def ramp(x: ArrayLike, low: float, high: float) -> NDArray[np.float64]:
    """Return 0 below `low`, 1 above `high`, linear between; falling where `low` > `high`."""
    return np.clip((np.asarray(x, np.float64) - low) / (high - low), 0.0, 1.0)


def robust_sd(values: NDArray[np.floating]) -> float:
    """Return 1.4826 × the median absolute deviation: the standard deviation of the Gaussian core; never below 1e-6 of the largest magnitude."""
    if not values.size:
        return 1.0
    middle = np.median(values)
    floor = 1e-6 * max(float(np.abs(values).max()), 1e-6)
    return max(1.4826 * float(np.median(np.abs(values - middle))), floor)


def filled(planes: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return (band, y, x) `planes` with the nearest valid pixel where one is not `valid`, so that filters see no cliff; zeros where none is."""
    usable = valid & np.isfinite(planes).all(axis=0)
    if usable.all():
        return planes
    if not usable.any():
        return np.zeros_like(planes)
    rows, cols = ndi.distance_transform_edt(~usable, return_distances=False, return_indices=True)
    return np.asarray(planes[:, rows, cols], np.float32)


def blocks(planes: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return block means of (band, y, x) planes; the last blocks are completed with their own edge."""
    if factor == 1:
        return planes
    _, height, width = planes.shape
    more = -height % factor, -width % factor
    padded = np.pad(planes, ((0, 0), (0, more[0]), (0, more[1])), mode="edge") if any(more) else planes
    # A sum of whole planes at a time: a mean over two axes of short rows takes several times as long.
    tall = padded[:, ::factor].astype(np.float32)
    for n in range(1, factor):
        tall += padded[:, n::factor]
    means = tall[..., ::factor].copy()
    for n in range(1, factor):
        means += tall[..., n::factor]
    means /= np.float32(factor**2)
    return means


def shadow_step(sun: Sun, geobox: GeoBox) -> tuple[float, float]:
    """Return the (rows, cols) on `geobox` by which a shadow's tip moves for each metre of its length on level ground.

    Grid north is taken for true north; the convergence inside a UTM zone stays under 3°, less than a pixel along a shadow of 10 m at 0.5 m.
    """
    azimuth = np.deg2rad(sun.azimuth_deg)
    affine = geobox.affine
    cols, rows = np.linalg.solve(np.array([[affine.a, affine.b], [affine.d, affine.e]]), [-np.sin(azimuth), -np.cos(azimuth)])
    return float(rows), float(cols)


def greenness(names: tuple[str, ...], planes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return a (y, x) plane that is 0 on bare ground and 1 on vegetation, beyond both ends too: from NDVI, else from excess green, else zeros.

    To be clipped after averaging over an object, not per pixel, lest noise count as vegetation. Excess green: doi:10.13031/2013.27838.
    """
    at = {name: planes[i].astype(np.float64) for i, name in enumerate(names)}
    if {"nir", "red"} <= at.keys():
        ndvi: NDArray[np.float64] = (at["nir"] - at["red"]) / np.maximum(at["nir"] + at["red"], 1e-6)
        return (ndvi - 0.15) / 0.25
    if {"red", "green", "blue"} <= at.keys():
        total = np.maximum(at["red"] + at["green"] + at["blue"], 1e-6)
        excess: NDArray[np.float64] = (2.0 * at["green"] - at["red"] - at["blue"]) / total
        return (excess - 0.03) / 0.07
    return np.zeros(planes.shape[1:])


def guessed_azimuth(image: Image) -> float | None:
    """Return the sun's azimuth in degrees as the shadows in the picture tell it, or None where they cannot.

    Where the sun is high enough to see, every object is followed by its shadow, so that steps of brightness along the sun's direction are lopsided:
    one sharp edge of the shadow against two softer ones. The azimuth is the one along which the third moment of the slope is largest in size. Its
    sign depends on whether objects are darker or brighter than the ground, so the sun is taken to stand on the equator's side, within 70° of due
    south (north in the southern hemisphere), as it does between mid-morning and early afternoon when such pictures are taken; inside the tropics
    (below 25°) that says nothing and the answer is None.

    Notes
    -----
    On rendered villages the answer lay within 35° of the truth, drawn towards the walls' own directions; on 24 half-metre pictures of a wooded suburb
    it lay between 135° and 225°, as the hours of day demand. Good for a soft cue, not for a decision. Pictures without shadows, where the size of the
    moment (a skewness) is under 0.1, give None; ploughed ground can mislead.
    """
    middle = image.geobox.extent.geom.centroid
    latitude = reproject(Point(middle.x, middle.y), image.geobox.crs, LONLAT).bounds[1]
    if abs(latitude) < 25.0:
        return None
    # Shadows of houses and trees are metres wide; a metre's block keeps them.
    factor = max(int(1.0 / image.pixel_m + 1e-6), 1)
    tone = np.sqrt(np.maximum(blocks(filled(image.luminance()[None], image.valid), factor)[0], 0.0))
    usable = blocks(image.valid[None].astype(np.float32), factor)[0] > 0.99
    if not usable.any():
        return None
    down, right = (ndi.gaussian_filter(tone, 1.0, order=order)[usable].astype(np.float64) for order in ((1, 0), (0, 1)))
    cubes = [float((down**k * right ** (3 - k)).mean()) for k in range(4)]
    squares = [float((down**k * right ** (2 - k)).mean()) for k in range(3)]
    best, best_skew = None, 0.1
    for offset in np.arange(-70.0, 71.0, 5.0):
        azimuth = float((180.0 if latitude > 0 else 0.0) + offset) % 360.0
        rows, cols = shadow_step(Sun(azimuth, 45.0), image.geobox)
        third = cubes[0] * cols**3 + 3 * cubes[1] * rows * cols**2 + 3 * cubes[2] * rows**2 * cols + cubes[3] * rows**3
        second = squares[0] * cols**2 + 2 * squares[1] * rows * cols + squares[2] * rows**2
        skew = abs(third) / max(second, 1e-30) ** 1.5
        if skew > best_skew:
            best, best_skew = azimuth, skew
    return best


def seen_at_both(before: Image, after: Image) -> NDArray[np.bool_]:
    """Return the (y, x) pixels that are valid and finite at both dates; ValueError where the grids differ."""
    if before.geobox != after.geobox:
        raise ValueError(f"before and after: got grids {before.geobox} and {after.geobox}; expected one, load both on the same GeoBox")
    seen: NDArray[np.bool_] = before.valid & after.valid & np.isfinite(before.values).all(axis=0) & np.isfinite(after.values).all(axis=0)
    return seen


def coverage(area: BaseGeometry, geobox: GeoBox, seen: NDArray[np.bool_]) -> tuple[float, float]:
    """Return (share of `area` that is `seen`, its km²); what of `area` lies outside the grid was not seen."""
    pixel_m2 = abs(float(geobox.affine.determinant))
    seen_m2 = float((mask_of(area, geobox) & seen).sum()) * pixel_m2
    share = min(seen_m2 / area.area, 1.0) if area.area > 0 else 0.0
    return share, seen_m2 / 1e6


def change_probability(before: Image, after: Image, seen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return how unlikely each pixel's difference is under no change, by :func:`camwatch.detect._irmad.irmad`.

    Parameters
    ----------
    before, after : Image on one grid
        Compared on the bands they share by name; where they share none, on the combinations of all bands that correlate most.
    seen : (y, x) bool

    Returns
    -------
    (y, x) float32, 0..1
        NaN where not `seen`; 0 everywhere where nothing can be told: too few pixels, or a date without contrast. Uniform under no change; where the
        tails of real ground are heavier, chi-square is scaled down until the median pixel, taken to be unchanged, has 0.5. It ignores gain and
        offset, and knows nothing of shape: season and sun are change to it.
    """
    shared = [name for name in before.bands if name in after.bands]
    first, second = (image.values[[image.bands.index(name) for name in shared]] if shared else image.values for image in (before, after))
    try:
        fit = irmad(first, second, seen)
    except PairError:  # a layer of zeros says that nothing stands out; the pair's other answers do not hang on it
        return np.where(seen, np.float32(0.0), np.float32(np.nan))
    # Not scaled up: where most pixels agree to the last digit, their median is nothing but rounding.
    expected = 2.0 * float(gammaincinv(fit.degrees / 2, 0.5))
    squares = fit.chi_square.astype(np.float64) * (expected / max(float(np.nanmedian(fit.chi_square)), expected))
    return np.asarray(1.0 - no_change_probability(squares, fit.degrees), np.float32)


def answer(
    kind: Kind,
    before: Image,
    after: Image,
    site: Site,
    *,
    reason: str,
    records: tuple[Finding, ...],
    observed: tuple[float, float],
    score: NDArray[np.float32],
    testable: bool = True,
    tells_standing: bool = False,
    held: float = 1.0,
) -> Findings:
    """Return the findings of one pair; `observed` is (share of the searched area, km²)."""
    return Findings(
        kind=kind,
        status="searched" if testable else "not_testable",
        reason=reason,
        records=records,
        aoi=site.id,
        crs=str(before.geobox.crs),
        before=before.scene,
        after=after.scene,
        acquired=(before.acquired, after.acquired),
        observed_share=observed[0],
        searched_km2=observed[1],
        gsd_m=max(before.gsd_m, after.gsd_m),
        score=score,
        geobox=before.geobox,
        nominal=site.nominal,
        simulated=before.simulated or after.simulated,
        held_share=held,
        tells_standing=tells_standing,
    )
