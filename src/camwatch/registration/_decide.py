"""What the check points support: which model, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from camwatch.registration._check import Matches
    from camwatch.registration.record import Model

SIGNIFICANT = 5.0
"""Correlation peak of a check window over its surroundings; the best of 17² chance values stays below 4, with rare exceptions."""

LOCAL = 0.2
"""Pixels of the level by which a window's place differs from the rest even when it is measured without error; sets the weight of poor ones."""

FEWEST = 3
SHARE = 0.1
"""Check points needed: this many, and this share of the windows."""

DETOUR = 3.0
"""The median distance of check points from their common residual, less their measurement error, may be this many times the limit."""

CLEAR = 0.12
"""Median standard error in pixels of the check windows below which none is mistaken: that distance then keeps to the limit itself."""

RAYLEIGH = 1.18
"""Median length of a two-dimensional normal error of unit standard deviation."""

UNTOUCHED = 0.02
"""Pixels: a shorter shift is not worth an interpolation, a smaller difference not worth a richer model."""

CHANCE = 0.035
"""How often a richer model may seem better (one-sided t-test of the paired difference) when it is not."""

NOTICED = 1.5
"""A shift shorter than this many of its standard errors is not told from none; nine in ten aligned pairs stay below."""


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """The `model` chosen with its reason, or why none is; `used` (n,) says which windows count.

    `loss` is the mean robust loss of those windows, and `scatter` their median distance from their common residual beyond measurement error, pixels.
    """

    model: Model
    reason: str
    refusal: str
    used: NDArray[np.bool_]
    loss: float = float("nan")
    scatter: float = float("nan")


def decide(
    residuals: Mapping[Model, NDArray[np.float64]], matches: Matches, scale: float, *, shift_px: float, se_px: float, limit_px: float
) -> Decision:
    """Choose the simplest model that the check points support.

    Parameters
    ----------
    residuals : mapping of model to (n, 2)
        From the simplest model to the richest: (col, row) in full-resolution pixels of every check window under a fit that did not see it.
    matches : Matches
        The n windows: how clear each is, and how well placed.
    scale : float
        Full-resolution pixels per pixel of the level on which the windows were matched.
    shift_px, se_px : float
        Length and standard error of the shift fitted to all tiles.
    limit_px : float

    Notes
    -----
    A shift replaces the georeferencing as delivered when the fit tells it from none and the check agrees: the robust mean or the mean square of the
    residuals gets smaller. A richer model replaces a simpler one when it clearly lowers the robust loss, or when the check refuses the simpler one.
    """
    used = matches.peak >= SIGNIFICANT
    n, needed = int(used.sum()), max(FEWEST, int(np.ceil(SHARE * len(used))))
    if n < needed:
        why = f"only {n} of {len(used)} check windows show the same ground in both images; {needed} are needed"
        return Decision("none", "", why, used)
    weight = 1 / (1 + (matches.sigma[used] / LOCAL) ** 2)
    blur = scale * float(np.median(matches.sigma[used]))
    most = limit_px if blur < CLEAR else DETOUR * limit_px
    verdicts = {name: _judged(values[used], weight, scale, blur, (limit_px, most)) for name, values in residuals.items()}
    best: Model = "none"
    helps = verdicts["shift"].off < verdicts["none"].off or _mean_square(residuals["shift"][used]) < _mean_square(residuals["none"][used])
    if helps and shift_px > max(UNTOUCHED, NOTICED * se_px):
        best = "shift"
    richer = list(residuals)[list(residuals).index(best) + 1 :]
    for name in richer:
        gain = weight * (_loss(residuals[best][used], scale) - _loss(residuals[name][used], scale))
        apart = _mean_square((residuals[best] - residuals[name])[used])
        # A field was tried because neighbouring windows agree beyond chance; they need not say so once more.
        needed_gain = 0 if name == "field" else stdtrit(n - 1, 1 - CHANCE) * gain.std(ddof=1) / np.sqrt(n)
        if apart > UNTOUCHED**2 and gain.mean() > needed_gain:
            best = name
    if verdicts[best].refusal:
        # A model that the check refuses is not supported by it; a richer one may be.
        best = next((name for name in richer if not verdicts[name].refusal), best)
    verdict = verdicts[best]
    verb = "already aligned, left untouched" if best == "none" else f"{best} found"
    loss = float((weight * _loss(residuals[best][used], scale)).mean())
    return Decision(best, f"{verb}; {verdict.said}", verdict.refusal, used, loss, verdict.scatter)


@dataclass(frozen=True, slots=True)
class _Verdict:
    off: float
    scatter: float
    said: str
    refusal: str


def _judged(residuals: NDArray[np.float64], weight: NDArray[np.float64], scale: float, blur: float, limits: tuple[float, float]) -> _Verdict:
    limit_px, most = limits
    centre, error, median = common(residuals, weight, scale)
    # What the windows' own measurement error explains is no misalignment.
    scatter = float(np.sqrt(max(median**2 - (RAYLEIGH * blur) ** 2, 0)))
    off = float(np.hypot(*centre))
    said = (
        f"check points (n = {len(residuals)}) are off by {off:.2f} ± {error:.2f} px together "
        f"and scatter by {scatter:.2f} px beyond their measurement error"
    )
    refusal = ""
    if off - 2 * error > limit_px:
        refusal = f"{said}; the limit is {limit_px:g} px"
    elif scatter > most:
        refusal = f"{said}: relief or distortion that no transform and no smooth field mends; at most {most:g} px is accepted"
    elif error > DETOUR * limit_px:
        refusal = f"{said}: too uncertain to tell alignment within {limit_px:g} px"
    return _Verdict(off, scatter, said, refusal)


def common(residuals: NDArray[np.float64], weight: NDArray[np.float64], scale: float) -> tuple[NDArray[np.float64], float, float]:
    """Return the robust mean residual (2,), its standard error (length), and the median distance from it; a Cauchy M-estimate."""
    centre = np.median(residuals, axis=0)
    # The width is set once: a width that follows the centre can collapse on a single point.
    width = max(float(np.median(np.hypot(*(residuals - centre).T))), 0.5 * scale)
    for _ in range(20):
        trust = weight / (1 + (np.hypot(*(residuals - centre).T) / width) ** 2)
        centre = (trust[:, None] * residuals).sum(axis=0) / trust.sum()
    away = np.hypot(*(residuals - centre).T)
    trust = weight / (1 + (away / width) ** 2)
    # Slope of the estimating equation r / (1 + r²), averaged over both axes: 1 / (1 + r²)².
    slope = (weight / (1 + (away / width) ** 2) ** 2).sum()
    error = float(np.sqrt((trust**2 * away**2).sum() * len(away) / max(len(away) - 1, 1)) / slope)
    return centre, error, float(np.median(away))


def _mean_square(residuals: NDArray[np.float64]) -> float:
    return float((residuals**2).sum(axis=1).mean())


def _loss(residuals: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    return np.asarray(np.log1p((residuals**2).sum(axis=1) / scale**2), np.float64)
