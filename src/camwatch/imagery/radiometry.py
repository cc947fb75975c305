"""Relative radiometric normalisation: one gain and one offset for each band, from the pixels that did not change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from camwatch.errors import PairError
from camwatch.imagery.work import for_each

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.imagery.image import Image

ENOUGH = 100
"""Pixels below which a line through them means nothing."""

_SAMPLE = 100_000
_KEPT_SIGMA = 2.5
_ROUNDS = 30


@dataclass(frozen=True, slots=True)
class Radiometry:
    """Reference value = gain · moving value + offset, for each band.

    Attributes
    ----------
    bands : tuple of str
    gain, offset : tuple of float
    residual : tuple of float
        Standard deviation of reference - normalised on the pixels that carried the fit, in the reference's units.
    kept : tuple of float
        Share of the sampled pixels that carried the fit; a small share means that much changed, or that the pair is badly aligned.
    """

    bands: tuple[str, ...]
    gain: tuple[float, ...]
    offset: tuple[float, ...]
    residual: tuple[float, ...]
    kept: tuple[float, ...]

    def apply(self, image: Image) -> Image:
        """Return `image` (the moving one, or another with the same bands) in the reference's units."""
        if image.bands != self.bands:
            raise PairError("radiometry belongs to other bands", where=image.scene, got=", ".join(image.bands), expected=", ".join(self.bands))
        gain, offset = (np.array(v, np.float32)[:, None, None] for v in (self.gain, self.offset))
        return replace(image, values=image.values * gain + offset)


def fit_radiometry(reference: Image, moving: Image) -> Radiometry:
    """Fit the line that takes moving values to reference values, robustly against what changed.

    The line is the reduced major axis, because both dates carry noise, of pixels that lie near it, found by iterated trimming at 2.5 robust standard
    deviations from a start that matches medians and quartile ranges (doi:10.1017/S1464793106007007). Least perpendicular distances, as in Canty,
    Nielsen & Schmidt (2004), doi:10.1016/j.rse.2003.10.024, flatten the later date where two dates a decade apart hardly go together, and its
    buildings with it; the ratio of the spreads cannot.

    Parameters
    ----------
    reference, moving : Image
        Same shape, same bands, registered.

    Raises
    ------
    PairError
        When grids or bands differ, or fewer than 100 pixels are valid in both.
    """
    if reference.bands != moving.bands or reference.values.shape != moving.values.shape:
        raise PairError(
            "images are not comparable",
            where=f"{reference.scene}, {moving.scene}",
            got=f"{moving.bands} {moving.values.shape}",
            expected=f"{reference.bands} {reference.values.shape}",
        )
    both = np.flatnonzero(reference.valid & moving.valid)
    if len(both) < ENOUGH:
        pair, wanted = f"{reference.scene}, {moving.scene}", f"at least {ENOUGH}"
        raise PairError("too few pixels are valid in both images", where=pair, got=len(both), expected=wanted, remedy="choose a clearer scene")
    sample = both[:: max(1, len(both) // _SAMPLE)]
    planes = [image.values.reshape(len(image.bands), -1)[:, sample].astype(np.float64) for image in (reference, moving)]
    fits = for_each(lambda pair: _fit(*pair), list(zip(*planes, strict=True)), at_once=True)
    gain, offset, residual, kept = zip(*fits, strict=True)
    return Radiometry(reference.bands, gain, offset, residual, kept)


def _fit(y: NDArray[np.float64], x: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Return gain, offset, residual and share kept of y ≈ gain · x + offset."""
    low_x, mid_x, high_x = np.quantile(x, [0.25, 0.5, 0.75])
    low_y, mid_y, high_y = np.quantile(y, [0.25, 0.5, 0.75])
    if high_x <= low_x or high_y <= low_y:  # (nearly) constant: a gain cannot be told, the level can
        return 1.0, float(mid_y - mid_x), float(np.std(y - x - (mid_y - mid_x))), 1.0
    scale_x, scale_y = high_x - low_x, high_y - low_y
    # In units of the quartile ranges both axes carry about equal noise, so distances are taken perpendicular to the line.
    u, v = (x - mid_x) / scale_x, (y - mid_y) / scale_y
    slope, shift, kept = 1.0, 0.0, np.ones(len(u), bool)
    for _ in range(_ROUNDS):
        distance = (v - slope * u - shift) / np.hypot(1, slope)
        sigma = 1.4826 * float(np.median(np.abs(distance)))
        near = np.abs(distance) <= max(_KEPT_SIGMA * sigma, 1e-9)
        slope, shift = _major_axis(u[near], v[near])
        settled, kept = bool((near == kept).all()), near
        if settled:
            break
    gain = slope * scale_y / scale_x
    offset = mid_y + shift * scale_y - gain * mid_x
    return float(gain), float(offset), float(np.std(y[kept] - gain * x[kept] - offset)), float(kept.mean())


def _major_axis(u: NDArray[np.float64], v: NDArray[np.float64]) -> tuple[float, float]:
    """Return slope and intercept of the reduced major axis (ratio of the spreads); slope 1 where u and v do not go together."""
    spread_u, spread_v = float(u.std()), float(v.std())
    together = float(((u - u.mean()) * (v - v.mean())).mean()) > 0
    slope = spread_v / spread_u if together and spread_u > 0 else 1.0
    return slope, float(v.mean()) - slope * float(u.mean())
