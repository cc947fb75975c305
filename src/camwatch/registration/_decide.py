"""What the check points support: which model, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from camwatch.registration._check import Matches

Choice = Literal["none", "shift", "similarity", "affine"]

SIGNIFICANT = 5.0
"""Correlation peak of a check window over its surroundings; the best of 17² chance values stays below 4, with rare exceptions."""

CERTAIN = 10.0
"""Peak from which on a check point has its full weight; from chance (4) to here the weight rises with the square."""

FEWEST = 3
SHARE = 0.1
"""Check points needed: this many, and this share of the windows."""

DETOUR = 4.0
"""The median scatter of check points around their common residual may be this many times the limit: what no model of one transform can mend."""

UNTOUCHED = 0.02
"""Pixels: a shorter shift is not worth an interpolation."""

NOTICED = 1.5
"""A shift shorter than this many of its standard errors is not told from none; nine in ten aligned pairs stay below."""


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """The `model` chosen; `used` (n,) says which windows count; `residuals` (n, 2) are (col, row) in full-resolution pixels under that model."""

    model: Choice
    reason: str
    refusal: str
    used: NDArray[np.bool_]
    residuals: NDArray[np.float64]


def decide(
    candidates: Mapping[Choice, NDArray[np.float64]], matches: Matches, scale: float, *, shift_px: float, se_px: float, limit_px: float,
) -> Decision:
    """Choose the simplest of `candidates` (3×3, reference → moving, pixels of a level `scale` times coarser than full resolution).

    Candidates come from the simplest to the richest. A richer one replaces a simpler one only when it lowers the check points' robust loss by more
    than two standard errors of the paired difference, or when the check refuses the simpler one. A shift replaces the georeferencing as delivered when
    the fit tells it from none (its length `shift_px` against its standard error `se_px`) and the robust mean of the check residuals gets shorter.
    """
    used = matches.peak >= SIGNIFICANT
    n, windows = int(used.sum()), len(used)
    residuals = {name: scale * _residuals(matrix, matches) for name, matrix in candidates.items()}
    if n < max(FEWEST, SHARE * windows):
        why = f"only {n} of {windows} check windows show the same ground in both images; {max(FEWEST, int(np.ceil(SHARE * windows)))} are needed"
        return Decision("none", "", why, used, residuals["none"])
    # The variance of a peak's place falls with the square of its height.
    weight = np.clip((matches.peak[used] - 4) / (CERTAIN - 4), 0, 1) ** 2
    verdicts = {name: _judged(residuals[name][used], weight, scale, limit_px) for name in candidates}
    best: Choice = "none"
    if shift_px > max(UNTOUCHED, NOTICED * se_px) and verdicts["shift"].off < verdicts["none"].off:
        best = "shift"
    richer = list(candidates)[list(candidates).index(best) + 1 :]
    for name in richer:
        gain = weight * (_loss(residuals[best][used], scale) - _loss(residuals[name][used], scale))
        if gain.mean() > 2 * gain.std(ddof=1) / np.sqrt(n):
            best = name
    if verdicts[best].refusal:
        # A model that the check refuses is not supported by it; a richer one may be.
        best = next((name for name in richer if not verdicts[name].refusal), best)
    verdict = verdicts[best]
    verb = "already aligned, left untouched" if best == "none" else f"{best} found"
    return Decision(best, f"{verb}; {verdict.said}", verdict.refusal, used, residuals[best])


@dataclass(frozen=True, slots=True)
class _Verdict:
    off: float
    said: str
    refusal: str


def _judged(residuals: NDArray[np.float64], weight: NDArray[np.float64], scale: float, limit_px: float) -> _Verdict:
    centre, error, scatter = common(residuals, weight, scale)
    off = float(np.hypot(*centre))
    said = f"check points (n = {len(residuals)}) are off by {off:.2f} ± {error:.2f} px together and scatter by {scatter:.2f} px"
    refusal = ""
    if off - 2 * error > limit_px:
        refusal = f"{said}; the limit is {limit_px:g} px"
    elif scatter > DETOUR * limit_px:
        refusal = f"{said}: relief or distortion that no single transform mends; the limit of the scatter is {DETOUR * limit_px:g} px"
    elif error > DETOUR * limit_px:
        refusal = f"{said}: too uncertain to tell alignment within {limit_px:g} px"
    return _Verdict(off, said, refusal)


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


def _loss(residuals: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    return np.log1p((residuals**2).sum(axis=1) / scale**2)


def _residuals(matrix: NDArray[np.float64], matches: Matches) -> NDArray[np.float64]:
    back = np.linalg.inv(matrix)
    return matches.moving @ back[:2, :2].T + back[:2, 2] - matches.reference
